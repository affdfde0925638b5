//! What a temporary structure of a statement may keep in memory: its share of the connection's temporary space.

use std::sync::Arc;

use turso_storage::TempSpace;

/// Bytes that every structure may have in memory.
const FREE: usize = 256 << 10;
/// Bytes claimed at a time beyond that.
const STEP: usize = 2 << 20;

/// See the module's header.
pub(crate) struct Share {
    /// Bytes that may be in memory.
    room: usize,
    /// `None`: everything stays in memory.
    space: Option<Arc<TempSpace>>,
    /// Bytes claimed from it.
    claimed: usize,
}

impl Share {
    pub fn new(space: Option<Arc<TempSpace>>) -> Self {
        Self { room: if space.is_some() { FREE } else { usize::MAX }, space, claimed: 0 }
    }

    /// True when so many bytes may be in memory.
    #[inline(always)]
    pub fn holds(&self, bytes: usize) -> bool {
        bytes <= self.room
    }

    /// Claims what is lacking to `bytes`; false when the space has no memory left.
    #[cold]
    pub fn grow(&mut self, bytes: usize) -> bool {
        let Some(space) = &self.space else { return true };
        while self.room < bytes {
            if !space.claim(STEP) {
                return false;
            }
            self.claimed += STEP;
            self.room = self.claimed.max(FREE);
        }
        true
    }

    /// True when there is something to give back.
    pub fn has_claimed(&self) -> bool {
        self.claimed > 0
    }

    /// Gives back what was claimed; the caller has let go of the memory.
    pub fn give_back(&mut self) {
        if let Some(space) = &self.space {
            space.give_back(std::mem::take(&mut self.claimed));
            self.room = FREE;
        }
    }

    /// For tests of what happens beyond so many bytes.
    #[cfg(test)]
    pub fn set_room(&mut self, bytes: usize) {
        self.room = bytes;
    }

    /// Where files for what is beyond the share come from.
    pub fn space(&self) -> Option<&Arc<TempSpace>> {
        self.space.as_ref()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

//! The locks of rollback modes among the connections of one [`DatabaseFile`](super::DatabaseFile).
//!
//! The file has one descriptor and therefore one lock towards other processes: the highest that any connection here
//! needs. Among the connections this table decides, by the same rules. A request that cannot be granted is
//! `SQLITE_BUSY` at once; who waits, and for how long, is decided above.

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, LockLevel};

/// Identifies a connection's pager to the lock tables.
pub type PagerId = u64;

#[derive(Default)]
pub(crate) struct FileLockTable {
    /// Connections that hold at least SHARED.
    shared: u32,
    /// Who holds RESERVED or more.
    writer: Option<PagerId>,
    writer_level: Option<LockLevel>,
}

fn busy() -> Error {
    Error::from_code(ResultCode::BUSY)
}

impl FileLockTable {
    /// How many connections hold at least SHARED.
    pub fn holders(&self) -> u32 {
        self.shared
    }

    /// True where a connection of this process holds RESERVED or more.
    pub fn has_writer(&self) -> bool {
        self.writer.is_some()
    }

    /// True where a connection other than `id` holds RESERVED or more.
    pub fn has_other_writer(&self, id: PagerId) -> bool {
        self.writer.is_some_and(|writer| writer != id)
    }

    /// True where `id` holds EXCLUSIVE.
    pub fn is_exclusive(&self, id: PagerId) -> bool {
        self.writer == Some(id) && self.writer_level == Some(LockLevel::Exclusive)
    }

    /// Takes SHARED; answers true where this is the first of the process.
    pub fn lock_shared(&mut self, file: &dyn File) -> Result<bool> {
        if self.writer_level >= Some(LockLevel::Pending) {
            return Err(busy());
        }
        let first = self.shared == 0;
        if first {
            file.lock(LockLevel::Shared)?;
        }
        self.shared += 1;
        Ok(first)
    }

    /// Gives SHARED back.
    pub fn unlock_shared(&mut self, file: &dyn File) {
        debug_assert!(self.shared > 0);
        self.shared = self.shared.saturating_sub(1);
        if self.shared == 0 && self.writer.is_none() {
            // An unlock that fails leaves a lock that ends with the descriptor; there is nobody to tell.
            let _ = file.unlock(LockLevel::None);
        }
    }

    /// SHARED -> RESERVED.
    pub fn lock_reserved(&mut self, id: PagerId, file: &dyn File) -> Result<()> {
        match self.writer {
            Some(writer) if writer == id => Ok(()),
            Some(_) => Err(busy()),
            None => {
                file.lock(LockLevel::Reserved)?;
                self.writer = Some(id);
                self.writer_level = Some(LockLevel::Reserved);
                Ok(())
            }
        }
    }

    /// -> EXCLUSIVE. A failure may leave PENDING, which keeps new readers out until the writer gives up.
    pub fn lock_exclusive(&mut self, id: PagerId, file: &dyn File) -> Result<()> {
        if self.writer.is_some_and(|writer| writer != id) {
            return Err(busy());
        }
        let had = self.writer_level;
        if had < Some(LockLevel::Pending) {
            file.lock(LockLevel::Pending)?;
            self.writer = Some(id);
            self.writer_level = Some(LockLevel::Pending);
        }
        if self.shared > 1 {
            return Err(busy());
        }
        file.lock(LockLevel::Exclusive)?;
        self.writer_level = Some(LockLevel::Exclusive);
        Ok(())
    }

    /// Back to SHARED.
    pub fn downgrade(&mut self, id: PagerId, file: &dyn File) -> Result<()> {
        if self.writer != Some(id) {
            return Ok(());
        }
        self.writer = None;
        self.writer_level = None;
        file.unlock(if self.shared > 0 { LockLevel::Shared } else { LockLevel::None })
    }
}

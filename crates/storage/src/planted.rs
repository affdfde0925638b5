//! Bugs that tests put back on purpose, to show that the simulator would find them.
//!
//! Without the feature `planted-bugs`, which only the simulator asks for, every question is answered no at compile time.

#[cfg(feature = "planted-bugs")]
use std::sync::atomic::{AtomicU8, Ordering};

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Planted {
    /// The sync that makes a commit durable is left out.
    SkippedSync = 1,
    /// Recovery takes frames of other generations of the log, whose salt differs, for frames of this one.
    WrongSaltCheck,
    /// A checkpoint pays no heed to the marks of readers.
    CheckpointPastReaders,
    /// Of each batch of pages that is spilled one is forgotten.
    LostSpilledPage,
    /// A checkpoint does not notice that the log has begun anew since it read the header.
    CheckpointOfOldGeneration,
}

impl Planted {
    /// All of them.
    pub const ALL: [Planted; 5] = [
        Planted::SkippedSync,
        Planted::WrongSaltCheck,
        Planted::CheckpointPastReaders,
        Planted::LostSpilledPage,
        Planted::CheckpointOfOldGeneration,
    ];
}

#[cfg(feature = "planted-bugs")]
static ACTIVE: AtomicU8 = AtomicU8::new(0);

/// Puts this bug into the engine, for the whole process; `None` takes it out again.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Planted>) {
    ACTIVE.store(bug.map_or(0, |bug| bug as u8), Ordering::Relaxed);
}

/// True where this bug is wanted.
#[cfg(feature = "planted-bugs")]
#[inline]
pub(crate) fn has(bug: Planted) -> bool {
    ACTIVE.load(Ordering::Relaxed) == bug as u8
}

#[cfg(not(feature = "planted-bugs"))]
#[inline]
pub(crate) const fn has(_bug: Planted) -> bool {
    false
}

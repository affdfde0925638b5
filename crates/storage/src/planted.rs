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
    /// A replayed change of a row does not ask whether somebody else has changed the row.
    NoBeforeImageCheck,
    /// A replayed index entry does not ask whether its unique key is still free.
    NoUniqueCheck,
    /// A commit is visible before the sync that makes it durable.
    PublishBeforeSync,
    /// A log that another process has begun anew is taken for the one that was known: pages that were read stay.
    StaleAfterRestart,
    /// Concurrent transactions choose rowids each on its own.
    OwnRowids,
}

impl Planted {
    /// Those of files and logs, which crashes and the simulator find.
    pub const OF_FILES: [Planted; 5] = [
        Planted::SkippedSync,
        Planted::WrongSaltCheck,
        Planted::CheckpointPastReaders,
        Planted::LostSpilledPage,
        Planted::CheckpointOfOldGeneration,
    ];

    /// Those of concurrent transactions.
    pub const OF_CONCURRENCY: [Planted; 5] = [
        Planted::NoBeforeImageCheck,
        Planted::NoUniqueCheck,
        Planted::PublishBeforeSync,
        Planted::StaleAfterRestart,
        Planted::OwnRowids,
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

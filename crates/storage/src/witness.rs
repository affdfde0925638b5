//! How often something has happened that a test has to have met, or it says less than it seems to.
//!
//! Counted for the whole process, and only with the feature `planted-bugs`, which only the simulator asks for.

#[cfg(feature = "planted-bugs")]
use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

/// Commits of overtaken transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebases {
    /// Replayed to the end.
    pub done: u64,
    /// Of these, with pages that were split.
    pub split: u64,
    /// Of these, with pages that were merged.
    pub merged: u64,
    /// Refused: a conflict.
    pub conflicts: u64,
}

/// A rebalancing put the cells of so many pages on so many.
#[inline]
pub(crate) fn rebalanced(_before: usize, _after: usize) {
    #[cfg(feature = "planted-bugs")]
    BALANCED.with(|balanced| {
        let (split, merged) = balanced.get();
        balanced.set((split || _after > _before, merged || _after < _before));
    });
}

/// What one replay has done, over all its steps.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    #[cfg(feature = "planted-bugs")]
    balanced: (bool, bool),
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    /// Pages were split, or merged, since the step began that this thread is at.
    static BALANCED: Cell<(bool, bool)> = const { Cell::new((false, false)) };
}

#[cfg(feature = "planted-bugs")]
static COUNTS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// The counts so far.
#[cfg(feature = "planted-bugs")]
pub fn rebases() -> Rebases {
    let [done, split, merged, conflicts] = [0, 1, 2, 3].map(|i: usize| COUNTS[i].load(Ordering::Relaxed));
    Rebases { done, split, merged, conflicts }
}

#[cfg(feature = "planted-bugs")]
impl Replay {
    pub fn begins_step(&self) {
        BALANCED.set((false, false));
    }

    pub fn ends_step(&mut self) {
        let (split, merged) = BALANCED.get();
        self.balanced = (self.balanced.0 || split, self.balanced.1 || merged);
    }

    pub fn done(&self) {
        let happened = [true, self.balanced.0, self.balanced.1];
        COUNTS.iter().zip(happened).for_each(|(count, happened)| {
            count.fetch_add(u64::from(happened), Ordering::Relaxed);
        });
    }

    pub fn refused() {
        COUNTS[3].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(not(feature = "planted-bugs"))]
impl Replay {
    #[inline]
    pub fn begins_step(&self) {}

    #[inline]
    pub fn ends_step(&mut self) {}

    #[inline]
    pub fn done(&self) {}

    #[inline]
    pub fn refused() {}
}

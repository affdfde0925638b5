//! The age of snapshots: one that is older than a limit and keeps a checkpoint from its work is let go without its owner.
//!
//! ```text
//!            keep (its owner writes)
//!   Held ------------------------------> Kept          never let go: a writer's snapshot is the newest one
//!    |
//!    | a checkpoint, too old and not the newest
//!    v
//!   LetGo                                              the next page that the owner reads is SQLITE_BUSY_SNAPSHOT
//! ```
//! What makes this safe: the state changes before the read mark's lock is given back, and the owner looks at it after each page
//! that it has read, before it uses or shares the page. What was read while the lock was still held is right.

use std::sync::atomic::{AtomicU8, Ordering, fence};
use std::sync::{Arc, Mutex, Weak};

use turso_error::{Error, Result, ResultCode};

use super::Wal;
use super::read::WalSnapshot;
use crate::file::{DatabaseFile, guard};
use crate::format::wal_index::{IndexHeader, lock};

const HELD: u8 = 0;
const KEPT: u8 = 1;
const LET_GO: u8 = 2;
const ENDED: u8 = 3;

/// How many are listed before those that have ended are looked for.
const FEW: usize = 64;

/// What is known of a snapshot's hold on the log beside its owner.
#[derive(Debug)]
pub(super) struct Hold {
    state: AtomicU8,
    slot: u32,
    header: IndexHeader,
    /// By the clock of the back end, in milliseconds.
    since: i64,
}

impl Hold {
    /// The owner is done with it; false where somebody has given its lock back already.
    pub fn end(&self) -> bool {
        self.state.swap(ENDED, Ordering::SeqCst) != LET_GO
    }

    fn change(&self, to: u8) -> bool {
        self.state.compare_exchange(HELD, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn is_let_go(&self) -> bool {
        self.state.load(Ordering::SeqCst) == LET_GO
    }
}

/// The snapshots of this process that may become too old.
#[derive(Default)]
pub(super) struct Ages {
    holds: Mutex<Vec<Weak<Hold>>>,
}

impl WalSnapshot {
    /// Its owner begins to write: it stays. False where it has been let go.
    pub fn keep(&self) -> bool {
        self.hold.as_ref().is_none_or(|hold| hold.change(KEPT) || !hold.is_let_go())
    }

    /// Fails where it has been let go, or is of a commit that is lost: what was read under it may be of another time.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.hold.is_none() && self.losses.is_none() {
            return Ok(());
        }
        // The bytes were read before this.
        fence(Ordering::SeqCst);
        self.stands()?;
        if self.hold.as_ref().is_some_and(|hold| hold.is_let_go()) { Err(too_old()) } else { Ok(()) }
    }

    /// Fails where it is of a commit that a failed sync has taken.
    pub fn stands(&self) -> Result<()> {
        match &self.losses {
            Some(losses) if losses.has(self.commit) => Err(Error::from_code(ResultCode::IOERR_FSYNC)),
            _ => Ok(()),
        }
    }
}

#[cold]
fn too_old() -> Error {
    Error::new(
        ResultCode::BUSY_SNAPSHOT,
        "the transaction's snapshot was older than PRAGMA snapshot_age_limit allows, and a checkpoint has let it go",
    )
}

impl Wal {
    /// A new snapshot, if snapshots are limited in age.
    pub(super) fn watch_age(&self, db: &DatabaseFile, snapshot: &mut WalSnapshot) {
        if db.snapshot_age_limit() == 0 {
            return;
        }
        let hold = Arc::new(Hold {
            state: AtomicU8::new(HELD),
            slot: snapshot.slot,
            header: snapshot.header,
            since: self.io.now_julian_ms(),
        });
        let mut holds = guard(&self.ages.holds);
        if holds.len() >= FEW && holds.len() == holds.capacity() {
            holds.retain(|hold| hold.strong_count() > 0);
        }
        holds.push(Arc::downgrade(&hold));
        snapshot.hold = Some(hold);
    }

    /// Lets go of what is too old and in the way of a checkpoint.
    pub(super) fn let_old_go(&self, db: &DatabaseFile, newest: &IndexHeader) {
        let limit = db.snapshot_age_limit();
        if limit == 0 {
            return;
        }
        let latest = self.io.now_julian_ms() - limit;
        let mut holds = guard(&self.ages.holds);
        holds.retain(|weak| {
            let Some(hold) = weak.upgrade() else { return false };
            let in_the_way = (hold.header.salt, hold.header.max_frame) != (newest.salt, newest.max_frame);
            if hold.since > latest || !in_the_way {
                return true;
            }
            if hold.change(LET_GO) {
                self.locks.release_shared(lock::read(hold.slot));
            }
            false
        });
    }
}

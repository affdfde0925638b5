//! The write-ahead log: one per database file and process, shared by its connections.
//!
//! ```text
//!   read.rs        snapshots: a header seen, a read mark held
//!   write.rs       frames of a commit, their entry into the wal-index, restart of the log
//!   pipe.rs        who writes next, and the group commit
//!   checkpoint.rs  frames -> database file
//!   doubt.rs       syncs that failed
//!   age.rs         snapshots that are too old
//!   recover.rs     log -> wal-index, by whoever comes first
//!   unshared.rs    reading beside a wal-index that may not be written and that nobody keeps
//!   index.rs       the shared memory;  locks.rs  its eight locks
//! ```
//! Compatibility: files, locks and their order are those of `walformat.html`; stock SQLite works on the same database
//! at the same moment.
//!
//! Commit numbers: `tip` pairs the newest header that this process has seen with its number. A newer header of the
//! same generation tells by its frames which pages changed. A header of another generation does not: everything may
//! have changed, unless this process restarted the log itself.

mod age;
mod checkpoint;
mod doubt;
mod index;
mod locks;
mod pipe;
mod private;
mod read;
mod recover;
mod unshared;
mod write;

pub(crate) use checkpoint::Effort;
pub use checkpoint::{CheckpointMode, CheckpointResult, WalStatus};
pub(crate) use pipe::{Turn, Written};
pub(crate) use read::WalSnapshot;
pub(crate) use write::WalCommit;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, Io, LockLevel, OpenFlags};

use crate::file::DatabaseFile;
use crate::file::versions::CommitNo;
use crate::format::wal::{FrameHeader, frame_offset};
use crate::format::wal_index::{IndexHeader, READ_MARKS};
use crate::journal::companion;
use crate::page::PageNo;
use crate::pager::Synchronous;
use index::WalIndex;
pub(crate) use locks::WalLocks;

/// The newest state that this process has seen, and its number.
struct Tip {
    header: Option<IndexHeader>,
    commit: CommitNo,
    /// What is written beyond it.
    pipe: pipe::Pipe,
}

/// What the last connection leaves of the log, whose content it has put into the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum LogAtEnd {
    /// Nothing.
    #[default]
    Removed,
    /// The file as it is, for those who may read and not make files.
    Kept,
    /// A file without content.
    Emptied,
}

/// See the module's documentation.
pub(crate) struct Wal {
    /// Has the clock.
    io: Arc<dyn Io>,
    /// The log.
    file: Arc<dyn File>,
    path: PathBuf,
    database: Arc<dyn File>,
    /// Has the shared memory: the database's handle, or nobody but us.
    shm: Arc<dyn File>,
    private: bool,
    /// Bytes that the log has at least, unless somebody has cut it off since.
    size: AtomicU64,
    index: WalIndex,
    locks: Arc<WalLocks>,
    tip: Mutex<Tip>,
    /// Which connection appends.
    writer: Mutex<pipe::Writer>,
    /// Those who were waited for have handed their commits over.
    gathered: Condvar,
    /// When this process has set each read mark last, by the clock of `io`; 0: not yet.
    marked: [AtomicI64; READ_MARKS as usize],
    /// The log is being emptied while everybody pauses.
    emptying: checkpoint::Emptying,
    /// Snapshots that may become too old.
    ages: age::Ages,
    /// What may be lost, and what is.
    doubt: doubt::Doubt,
    losses: Arc<doubt::Losses>,
    /// The log as it was seen where its index could not be used.
    unshared: Mutex<Option<unshared::Unshared>>,
    /// Where the wal-index does not know the page size yet.
    page_size: AtomicU32,
}

impl Wal {
    /// Opens the log of a database; the caller holds SHARED and leaves it to the log. With `private` it holds EXCLUSIVE, and
    /// there is no shared memory.
    pub fn open(db: &DatabaseFile, page_size: u32, private: bool) -> Result<Self> {
        let path = companion(db.path(), "-wal");
        // Also for reading: a log that is not there has to be made, as SQLite does it.
        let file = db.io().open(&path, OpenFlags { create: true, ..OpenFlags::default() })?;
        let database = db.file().clone();
        let shm = if private { Arc::new(private::PrivateIndex::default()) as Arc<dyn File> } else { database.clone() };
        Ok(Self {
            io: db.io().clone(),
            file,
            path,
            index: WalIndex::new(shm.clone()),
            locks: WalLocks::new(shm.clone()),
            shm,
            private,
            size: AtomicU64::new(0),
            database,
            tip: Mutex::new(Tip { header: None, commit: 0, pipe: Default::default() }),
            writer: Mutex::default(),
            gathered: Condvar::new(),
            marked: Default::default(),
            emptying: Default::default(),
            ages: Default::default(),
            doubt: Default::default(),
            losses: Default::default(),
            unshared: Mutex::default(),
            page_size: AtomicU32::new(page_size),
        })
    }

    /// The last connection of the process goes. Where it is the last of all, the log is put into the database, and `end` says what
    /// is left of it.
    pub fn close_last(&self, db: &DatabaseFile, synchronous: Synchronous, end: LogAtEnd) {
        if self.locks.close() {
            let alone = !db.is_read_only() && self.database.lock(LockLevel::Exclusive).is_ok();
            if alone {
                self.locks.reopen_alone();
                let emptied = self.empty_into_database(db, synchronous).unwrap_or(false);
                let _ = self.locks.close();
                match end {
                    LogAtEnd::Removed if emptied => {
                        let _ = db.io().delete(&self.path, false);
                    }
                    LogAtEnd::Emptied if emptied => {
                        let _ = self.file.truncate(0);
                    }
                    _ => {}
                }
                let _ = self.shm.shm_unmap(emptied && end == LogAtEnd::Removed);
                let _ = self.database.unlock(LockLevel::Shared);
                return;
            }
            let _ = self.database.unlock(LockLevel::Shared);
        }
        let _ = self.shm.shm_unmap(false);
    }

    /// Empties and removes the log so that the journal mode can change. The caller holds EXCLUSIVE.
    pub fn remove(&self, db: &DatabaseFile) -> Result<()> {
        if !self.empty_into_database(db, Synchronous::Full)? || !self.locks.close() {
            return Err(Error::from_code(ResultCode::BUSY));
        }
        db.io().delete(&self.path, false)?;
        self.shm.shm_unmap(true)
    }

    /// True where the wal-index is in the memory of this process: nobody else may use the database.
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// The locks on the wal-index.
    pub fn locks(&self) -> &Arc<WalLocks> {
        &self.locks
    }

    /// The log file.
    pub fn file(&self) -> &dyn File {
        &*self.file
    }

    /// The file has pages of another size than it had when the log was opened: somebody who keeps everybody out has put
    /// another one in its place.
    pub fn set_page_size(&self, page_size: u32) {
        self.page_size.store(page_size, Ordering::Release);
    }

    /// Where the page of a frame lies in the log.
    pub fn page_offset(&self, frame: u32, page_size: u32) -> u64 {
        frame_offset(frame, page_size) + FrameHeader::SIZE as u64
    }

    /// The frame that holds a page in a snapshot; `None`: the database file does.
    pub fn find(&self, no: PageNo, snapshot: &WalSnapshot) -> Result<Option<u32>> {
        if let Some(index) = &snapshot.index {
            return index.find(no, snapshot.min_frame, snapshot.header.max_frame);
        }
        if snapshot.slot == 0 {
            return Ok(None);
        }
        self.index.find(no, snapshot.min_frame, snapshot.header.max_frame)
    }
}

//! One database file in this process: its descriptor, its locks, what is known of its state, and its log.
//!
//! All connections of the process to one file share one [`DatabaseFile`] (found by device and inode), so they meet in
//! its lock tables and not in the file's locks, and share pages read.

mod guest;
pub(crate) mod locks;
pub(crate) mod registry;
mod table_locks;
mod turns;
pub(crate) mod versions;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use turso_error::{Error, Result, ResultCode};
use turso_io::{Birth, File, Io, OpenFlags};

use crate::format::header::decode_page_size;
use crate::format::{DatabaseHeader, be16};
use crate::journal::{self, JournalState, companion};
use crate::pager::Synchronous;
use crate::wal::{LogAtEnd, Wal};
pub use guest::GuestFile;
use locks::{FileLockTable, PagerId};
pub use table_locks::{SCHEMA_ROOT, TableLocks};
use turns::Turns;
use versions::{CommitNo, Versions};

/// How a database file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Never write.
    pub read_only: bool,
    /// Create the file where there is none.
    pub create: bool,
    /// A database that is created here starts in WAL mode.
    pub wal: bool,
    /// The page size of a database that is created here.
    pub page_size: u32,
    /// The file cannot change: no locks, no journal, no log are looked at.
    pub immutable: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { read_only: false, create: true, wal: false, page_size: 4096, immutable: false }
    }
}

/// What is known of the file in rollback modes while somebody holds SHARED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileTip {
    /// Bytes 24..40 of the file: change counter, size, freelist. Different bytes: somebody committed.
    pub key: [u8; 16],
    pub page_size: u32,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes 18 and 19 ask for a log.
    pub wal: bool,
    pub commit: CommitNo,
}

/// What a new reader reads from.
pub(crate) enum Opened {
    /// The file alone, under a SHARED lock that the caller now holds.
    Rollback(FileTip),
    /// The log; the SHARED lock belongs to it.
    Wal(Arc<Wal>),
}

/// See the module's documentation.
pub struct DatabaseFile {
    io: Arc<dyn Io>,
    path: PathBuf,
    file: Arc<dyn File>,
    options: OpenOptions,
    locks: Mutex<FileLockTable>,
    versions: Mutex<Versions>,
    tip: Mutex<Option<FileTip>>,
    wal: Mutex<Option<Arc<Wal>>>,
    turns: Turns,
    table_locks: Mutex<TableLocks>,
    /// Commits that others in this process wait for.
    commits: Turns,
    concurrency: crate::concurrent::Shared,
    /// The connection that has the database for itself (`locking_mode = exclusive` in WAL mode); 0: none.
    owner: AtomicU64,
    /// The log has no byte behind its frames; see [`DatabaseFile::keep_log_exact`].
    exact_log: AtomicBool,
    /// See [`DatabaseFile::snapshot_age_limit`].
    snapshot_age_limit: AtomicI64,
    /// The process that opened it.
    birth: Birth,
    pagers: AtomicUsize,
    /// Held by what must not see the last connection go; see [`DatabaseFile::while_open`].
    closing: Mutex<()>,
    next_pager: AtomicU64,
}

pub(crate) fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl DatabaseFile {
    /// Opens a database file, or joins the one that this process has open already.
    pub fn open(io: Arc<dyn Io>, path: &Path, options: OpenOptions) -> Result<Arc<Self>> {
        let path = io.full_path(path)?;
        let flags = OpenFlags {
            read_only: options.read_only,
            create: options.create && !options.read_only,
            ..OpenFlags::default()
        };
        let file = io.open(&path, flags)?;
        registry::join_or_register(io, path, file, options)
    }

    fn new(io: Arc<dyn Io>, path: PathBuf, file: Arc<dyn File>, options: OpenOptions) -> Self {
        Self {
            io,
            path,
            file,
            options,
            locks: Mutex::default(),
            versions: Mutex::new(Versions::new()),
            tip: Mutex::new(None),
            wal: Mutex::new(None),
            turns: Turns::default(),
            table_locks: Mutex::default(),
            commits: Turns::default(),
            concurrency: Default::default(),
            owner: AtomicU64::new(0),
            exact_log: AtomicBool::new(false),
            snapshot_age_limit: AtomicI64::new(0),
            birth: Birth::here(),
            pagers: AtomicUsize::new(0),
            closing: Mutex::default(),
            next_pager: AtomicU64::new(1),
        }
    }

    /// True in a forked child of the process that opened it: the companions are the parent's.
    pub(crate) fn is_inherited(&self) -> bool {
        !self.birth.is_here()
    }

    /// The absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The back end.
    pub fn io(&self) -> &Arc<dyn Io> {
        &self.io
    }

    /// Another process has a snapshot of the log; false where there is none.
    pub fn log_is_read_elsewhere(&self) -> bool {
        let wal = guard(&self.wal).clone();
        wal.is_some_and(|wal| wal.is_read_elsewhere())
    }

    /// True where the file can only be read.
    pub fn is_read_only(&self) -> bool {
        self.options.read_only || self.options.immutable || self.file.is_read_only()
    }

    /// Counts the locks that connections of this process have given back. Read it before an attempt that may be busy.
    pub fn lock_epoch(&self) -> u64 {
        self.turns.epoch()
    }

    /// After a busy error: blocks until a connection of this process gives a lock back after `epoch`, at most
    /// `timeout`. Other processes give no sign, so keep the time short while one may be in the way.
    pub fn wait_for_unlock(&self, epoch: u64, timeout: std::time::Duration) {
        self.turns.wait(epoch, timeout);
    }

    /// The same without blocking.
    pub fn wake_on_unlock(&self, epoch: u64, waker: &std::task::Waker) {
        self.turns.register(epoch, waker);
    }

    /// Counts the commits that [`tell_commit`](Self::tell_commit) has told of.
    pub fn commit_epoch(&self) -> u64 {
        self.commits.epoch()
    }

    /// Wakes once a commit is told of after `epoch`; at once where that has happened.
    pub fn wake_on_commit(&self, epoch: u64, waker: &std::task::Waker) {
        self.commits.register(epoch, waker);
    }

    /// A commit is complete that somebody may wait for.
    pub fn tell_commit(&self) {
        self.commits.notify();
    }

    pub(crate) fn lock_released(&self) {
        self.turns.notify();
    }

    /// The locks on tables of connections that share their cache.
    pub fn table_locks(&self) -> MutexGuard<'_, TableLocks> {
        guard(&self.table_locks)
    }

    /// The open file.
    pub fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    pub(crate) fn options(&self) -> &OpenOptions {
        &self.options
    }

    pub(crate) fn versions(&self) -> MutexGuard<'_, Versions> {
        guard(&self.versions)
    }

    pub(crate) fn concurrency(&self) -> &crate::concurrent::Shared {
        &self.concurrency
    }

    pub(crate) fn locks(&self) -> MutexGuard<'_, FileLockTable> {
        guard(&self.locks)
    }

    /// True where more than one pager is open, so that sharing pages pays.
    pub(crate) fn is_shared(&self) -> bool {
        self.pagers.load(Ordering::Relaxed) > 1
    }

    pub(crate) fn add_pager(&self) -> PagerId {
        self.pagers.fetch_add(1, Ordering::AcqRel);
        self.next_pager.fetch_add(1, Ordering::Relaxed)
    }

    /// A number for a holder of locks that is no pager.
    fn guest_id(&self) -> PagerId {
        self.next_pager.fetch_add(1, Ordering::Relaxed)
    }

    /// The log, where it is open.
    fn open_log(&self) -> Option<Arc<Wal>> {
        guard(&self.wal).clone()
    }

    /// Called by a pager that closes. The last one empties the log into the database, and by its word removes it.
    pub(crate) fn remove_pager(&self, id: PagerId, synchronous: Synchronous, log: LogAtEnd) {
        self.disown(id);
        // Under the lock, so that a pager that opens in this moment either finds the log or makes its own.
        let mut wal = guard(&self.wal);
        if self.pagers.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(open) = wal.take()
        {
            let _closing = guard(&self.closing);
            open.close_last(self, synchronous, log);
            self.locks().unlock_shared(&*self.file);
            self.versions().record_unknown();
            *guard(&self.tip) = None;
        }
    }

    /// Runs `work`, on a thread that belongs to no connection, unless the last connection has gone; it waits meanwhile.
    pub(crate) fn while_open(&self, work: impl FnOnce()) {
        let _closing = guard(&self.closing);
        if self.pagers.load(Ordering::Acquire) > 0 {
            work();
        }
    }

    /// True where another connection has the database for itself.
    #[inline]
    pub(crate) fn is_owned_by_other(&self, id: PagerId) -> bool {
        let owner = self.owner.load(Ordering::Acquire);
        owner != 0 && owner != id
    }

    /// Takes a database in WAL mode for one connection: EXCLUSIVE on the file, which keeps other processes out. The log's
    /// SHARED lock is the one lock that may be held.
    pub(crate) fn own(&self, id: PagerId) -> Result<()> {
        if self.owner.compare_exchange(0, id, Ordering::AcqRel, Ordering::Acquire) == Err(id) {
            return Ok(());
        }
        let mut locks = self.locks();
        let locked = locks.lock_exclusive(id, &*self.file);
        if locked.is_err() {
            let _ = locks.downgrade(id, &*self.file);
            drop(locks);
            self.owner.store(0, Ordering::Release);
        }
        locked
    }

    /// Gives it back.
    pub(crate) fn disown(&self, id: PagerId) {
        if self.owner.compare_exchange(id, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            let _ = self.locks().downgrade(id, &*self.file);
        }
    }

    /// The state of the file under the SHARED lock that a connection has kept since its last transaction.
    pub(crate) fn tip_under_kept_lock(&self) -> Result<FileTip> {
        let mut known = guard(&self.tip);
        let tip = match *known {
            Some(tip) => tip,
            None => self.read_tip(None)?,
        };
        *known = Some(tip);
        Ok(tip)
    }

    /// Takes SHARED, plays a hot journal back, and finds out what to read from. A log is opened without shared memory where
    /// `private_for` names a connection. Pending where a journal is to be played back and the caller must not block.
    pub(crate) fn begin_shared(
        &self,
        ignore_wal: bool,
        private_for: Option<PagerId>,
        may_block: bool,
    ) -> Result<Opened> {
        if self.options.immutable {
            return self.immutable_tip();
        }
        let mut wal = guard(&self.wal);
        if let Some(wal) = &*wal {
            return Ok(Opened::Wal(wal.clone()));
        }
        let mut locks = self.locks();
        let first = locks.lock_shared(&*self.file)?;
        let result = self.tip_under_shared(first, &mut locks, may_block);
        match result {
            // Connections that still read the file alone would not be seen by a checkpoint.
            Ok(tip) if tip.wal && !ignore_wal && locks.holders() > 1 => {
                locks.unlock_shared(&*self.file);
                Err(Error::from_code(ResultCode::BUSY))
            }
            Ok(tip) if tip.wal && !ignore_wal => match self.open_wal(tip.page_size, private_for, &mut locks) {
                Ok(opened) => {
                    // The log keeps the SHARED lock as long as it is open.
                    let opened = Arc::new(opened);
                    *wal = Some(opened.clone());
                    *guard(&self.tip) = None;
                    self.versions().record_unknown();
                    Ok(Opened::Wal(opened))
                }
                Err(e) => {
                    locks.unlock_shared(&*self.file);
                    Err(e)
                }
            },
            Ok(tip) => Ok(Opened::Rollback(tip)),
            Err(e) => {
                locks.unlock_shared(&*self.file);
                Err(e)
            }
        }
    }

    fn open_wal(&self, page_size: u32, private_for: Option<PagerId>, locks: &mut FileLockTable) -> Result<Wal> {
        let Some(id) = private_for else { return Wal::open(self, page_size, false) };
        let opened = locks.lock_exclusive(id, &*self.file).and_then(|()| Wal::open(self, page_size, true));
        match opened {
            Ok(_) => self.owner.store(id, Ordering::Release),
            Err(_) => drop(locks.downgrade(id, &*self.file)),
        }
        opened
    }

    fn immutable_tip(&self) -> Result<Opened> {
        let mut known = guard(&self.tip);
        if let Some(tip) = *known {
            return Ok(Opened::Rollback(tip));
        }
        let tip = self.read_tip(None)?;
        *known = Some(tip);
        Ok(Opened::Rollback(FileTip { wal: false, ..tip }))
    }

    fn tip_under_shared(&self, first: bool, locks: &mut FileLockTable, may_block: bool) -> Result<FileTip> {
        let mut known = guard(&self.tip);
        if !first && let Some(tip) = *known {
            return Ok(tip);
        }
        if !locks.has_writer() && journal::find_hot_journal(&*self.io, &*self.file, &self.path)? == JournalState::Hot {
            if locks.holders() > 1 {
                return Err(Error::from_code(ResultCode::BUSY));
            }
            if !may_block {
                return Err(Error::Pending);
            }
            *known = None;
            journal::recover(&*self.io, &*self.file, &self.path)?;
        }
        let mut tip = self.read_tip(*known)?;
        *known = Some(tip);
        let wal_path = companion(&self.path, "-wal");
        if tip.size == 0 {
            tip.wal = false;
            // A log without a database is of another life of that name.
            if !self.is_read_only() && self.io.exists(&wal_path)? {
                match self.io.delete(&wal_path, false) {
                    Err(error) if error.code() != ResultCode::IOERR_DELETE_NOENT => return Err(error),
                    _ => {}
                }
            }
        } else if !tip.wal {
            // A log is read, whatever the header says: that a VFS shows one is how RBU makes its changes beside the file.
            tip.wal = self.io.exists(&wal_path)?;
        }
        Ok(tip)
    }

    /// Reads the state of the file and numbers it: the old number where nothing changed.
    fn read_tip(&self, known: Option<FileTip>) -> Result<FileTip> {
        // As in SQLite, a single byte is no content.
        let size = self.file.size()?;
        let size = if size == 1 { 0 } else { size };
        let mut bytes = [0; DatabaseHeader::SIZE];
        let mut read = self.file.read_at(&mut bytes, 0)?;
        if size > 0 && &bytes[..16] != DatabaseHeader::MAGIC {
            // Methods that mend a damaged header, as SQLite's recovery extension has them, do so where a whole page is read.
            let mut page = vec![0; self.options.page_size as usize];
            read = self.file.read_at(&mut page, 0)?.min(bytes.len());
            bytes.copy_from_slice(&page[..DatabaseHeader::SIZE]);
        }
        let mut key = [0; 16];
        key.copy_from_slice(&bytes[24..40]);
        let is_database = read == bytes.len() && &bytes[..16] == DatabaseHeader::MAGIC;
        let page_size = match decode_page_size(be16(&bytes, 16)) {
            Some(page_size) if is_database => page_size,
            _ => self.options.page_size,
        };
        let wal = is_database && (bytes[18] == 2 || bytes[19] == 2);
        if let Some(known) = known
            && (known.key, known.page_size, known.size) == (key, page_size, size)
        {
            return Ok(FileTip { wal, ..known });
        }
        let commit = self.versions().record_unknown();
        Ok(FileTip { key, page_size, size, wal, commit })
    }

    /// Snapshots of this process that are older, in milliseconds, are let go where they keep a checkpoint from its work; 0: never.
    pub fn snapshot_age_limit(&self) -> i64 {
        self.snapshot_age_limit.load(Ordering::Relaxed)
    }

    /// Sets the [limit](Self::snapshot_age_limit), for snapshots that are taken from now on.
    pub fn limit_snapshot_age(&self, ms: i64) {
        self.snapshot_age_limit.store(ms.max(0), Ordering::Relaxed);
    }

    /// From now on the log grows by its frames alone, not in steps: programs that look at its size see what SQLite would have
    /// made of it.
    pub fn keep_log_exact(&self) {
        self.exact_log.store(true, Ordering::Relaxed);
    }

    pub(crate) fn keeps_log_exact(&self) -> bool {
        self.exact_log.load(Ordering::Relaxed)
    }

    /// Notes what a commit in a rollback mode made of the file.
    pub(crate) fn set_tip(&self, tip: Option<FileTip>) {
        *guard(&self.tip) = tip;
    }

    /// Empties and removes the log, because the journal mode changes; `SQLITE_BUSY` where anybody else uses it.
    pub(crate) fn leave_wal(&self, id: PagerId) -> Result<()> {
        let mut wal = guard(&self.wal);
        let Some(open) = &*wal else { return Ok(()) };
        let locked = self.locks().lock_exclusive(id, &*self.file);
        let removed = locked.and_then(|()| open.remove(self));
        if removed.is_ok() {
            self.owner.store(0, Ordering::Release);
        }
        let mut locks = self.locks();
        let unlocked = locks.downgrade(id, &*self.file);
        removed?;
        *wal = None;
        locks.unlock_shared(&*self.file);
        self.set_tip(None);
        self.versions().record_unknown();
        unlocked
    }
}

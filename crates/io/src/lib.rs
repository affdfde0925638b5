//! Files, locks, shared memory, clock and randomness: the traits that `storage` works on, and their back ends.
//!
//! | back end          | what it is                                                                    |
//! |-------------------|-------------------------------------------------------------------------------|
//! | [`SyscallIo`]     | blocking system calls, open-file-description locks, mapped `-shm` files         |
//! | [`MemoryIo`]      | files in memory with the same locks: named shared memory databases, tests       |
//! | [`PendingIo`]     | wraps another: every submitted read waits for [`Io::step`]; keeps restarts honest |
//! | [`NoLockIo`]      | wraps another: no locks are taken, there is no shared memory                    |
//! | [`ReadOnlyShmIo`] | wraps another: shared memory is only read                                       |
//! | [`ThreadPoolIo`]  | wraps another: submitted operations run on a few threads                        |
//! | [`UringIo`]       | system calls; submitted operations go through io_uring (Linux)                  |
//!
//! Every data operation has two forms. The blocking form answers directly. [`File::submit`] hands the operation over
//! and answers a [`Completion`], which a back end may have completed already; where [`File::completes_inline`] is
//! true a caller saves itself the hand-over and calls the blocking form.
//!
//! Time and randomness come from here too, so that a simulation decides them. This is one of the few crates with
//! `unsafe`: system calls and mapped memory, presented as safe types.

#[macro_use]
mod delegate;

mod completion;
mod fork;
mod memory;
mod no_lock;
mod pending;
mod pool;
mod read_only_shm;
mod shm;
#[cfg(unix)]
mod syscall;
mod temporary;
mod thread_pool;
#[cfg(target_os = "linux")]
mod uring;

pub use completion::{Buffer, Completion, Op, Output};
pub use fork::Birth;
pub use memory::MemoryIo;
pub use no_lock::NoLockIo;
pub use pending::PendingIo;
pub use pool::Job;
pub use read_only_shm::ReadOnlyShmIo;
pub use shm::{SHM_LOCKS, SHM_REGION_SIZE, ShmRegion};
#[cfg(unix)]
pub use syscall::SyscallIo;
#[cfg(unix)]
pub use syscall::calls as system_calls;
pub use temporary::{is_writable_directory, set_temp_directory, temp_directory};
pub use thread_pool::ThreadPoolIo;
#[cfg(target_os = "linux")]
pub use uring::UringIo;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[doc(hidden)] // for the macros
pub use turso_error::Result;

/// The default back end of this platform: blocking system calls.
#[cfg(unix)]
pub fn default_io() -> Arc<dyn Io> {
    Arc::new(SyscallIo::new())
}

/// The back end for callers that must not block: io_uring where the system has it and allows it, else threads.
#[cfg(unix)]
pub fn asynchronous_io() -> Arc<dyn Io> {
    #[cfg(target_os = "linux")]
    if let Some(io) = UringIo::new() {
        return Arc::new(io);
    }
    Arc::new(ThreadPoolIo::new(default_io(), POOL_THREADS))
}

/// Threads of the pool that takes io_uring's place.
#[cfg(unix)]
const POOL_THREADS: usize = 4;

/// Milliseconds from the Julian epoch to the Unix epoch; SQLite counts time in Julian milliseconds.
pub const UNIX_EPOCH_JULIAN_MS: i64 = 210_866_760_000_000;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenFlags {
    /// Never write. Where false and the file cannot be written, it is opened read-only: [`File::is_read_only`].
    pub read_only: bool,
    /// Create the file where there is none.
    pub create: bool,
    /// Fail where the file exists.
    pub exclusive: bool,
    /// Remove the name at once: a temporary file.
    pub delete_on_close: bool,
    /// Only read the shared memory that belongs to the file, and do not make it.
    pub read_only_shm: bool,
}

/// How strong a sync has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncKind {
    /// The data and what is needed to find it (`fdatasync`).
    Data,
    /// All (`fsync`, on some systems a full barrier).
    Full,
}

/// The locks of a rollback-mode database, in rising order (`lockingv3.html`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockLevel {
    /// No lock.
    None,
    /// Reading; any number of them.
    Shared,
    /// Means to write; readers come and go.
    Reserved,
    /// Waits for the readers to leave; no new ones.
    Pending,
    /// Writing.
    Exclusive,
}

/// Shared or exclusive, for the locks on the wal-index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShmLockKind {
    /// Any number of holders.
    Shared,
    /// One holder.
    Exclusive,
}

/// What two openings of one file have in common: device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The device, or the memory back end.
    pub device: u64,
    /// The file on it.
    pub inode: u64,
}

/// A factory of files, with a clock and a source of randomness.
pub trait Io: Send + Sync {
    /// What `PRAGMA io_backend` answers.
    fn name(&self) -> &'static str {
        "custom"
    }
    /// Opens a file; `SQLITE_CANTOPEN` where that fails.
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>>;
    /// Removes a file and, with `sync_dir`, waits until the removal is durable. A missing file is
    /// `SQLITE_IOERR_DELETE_NOENT`.
    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()>;
    /// True where a file of that name exists.
    fn exists(&self, path: &Path) -> Result<bool>;
    /// Makes the directory entry of `path` durable.
    fn sync_directory_of(&self, path: &Path) -> Result<()>;
    /// Makes an empty file with the permissions and the owner of another (`modeof` in a URI), where files have such and there is
    /// no file of that name yet. What stands in the way stands in the way of opening too, which tells it.
    fn create_like(&self, path: &Path, model: &Path) {
        let _ = (path, model);
    }
    /// The back end of a file that a URI with these parameters names; `None`: this one. A name in `vfs` that it does not know is an
    /// error.
    fn for_uri(&self, path: &Path, parameters: &[(String, String)]) -> Result<Option<Arc<dyn Io>>> {
        let _ = path;
        let vfs = parameters.iter().find(|(key, value)| key == "vfs" && !value.is_empty() && value != "unix");
        vfs.map_or(Ok(None), |(_, name)| Err(turso_error::Error::sql(format!("no such vfs: {name}"))))
    }
    /// The absolute path, symbolic links resolved where the file exists.
    fn full_path(&self, path: &Path) -> Result<PathBuf>;
    /// A path for a new temporary file.
    fn temp_path(&self) -> Result<PathBuf>;
    /// Now, in milliseconds since the Julian epoch.
    fn now_julian_ms(&self) -> i64;
    /// Fills `buf` with random bytes.
    fn randomness(&self, buf: &mut [u8]);
    /// Blocks the thread.
    fn sleep(&self, duration: Duration);
    /// Drives submitted operations on; true where one of them completed. Back ends that complete on their own, by
    /// threads or inline, answer false.
    fn step(&self) -> Result<bool> {
        Ok(false)
    }

    /// Runs `job` on a thread that may block. Handed back by back ends whose callers may block themselves.
    fn run_elsewhere(&self, job: Job) -> std::result::Result<(), Job> {
        Err(job)
    }

    /// Equal for back ends that are interchangeable, as those without state are; `None` where each stands alone.
    fn shared_identity(&self) -> Option<usize> {
        None
    }

    /// A random 32-bit number.
    fn random_u32(&self) -> u32 {
        let mut buf = [0; 4];
        self.randomness(&mut buf);
        u32::from_ne_bytes(buf)
    }
}

/// An open file. One handle is one holder of locks; its locks end with it.
pub trait File: Send + Sync {
    /// Reads at `offset` until `buf` is full or the file ends; answers the bytes read.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize>;
    /// Writes all of `buf`.
    fn write_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.write_vectored_at(&[buf], offset)
    }
    /// Writes the buffers one behind the other, in one system call where the platform allows.
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()>;
    /// Makes what was written durable.
    fn sync(&self, kind: SyncKind) -> Result<()>;
    /// Sets the size.
    fn truncate(&self, size: u64) -> Result<()>;
    /// The size in bytes.
    fn size(&self) -> Result<u64>;

    /// Hands an operation over; the completion may be ready already.
    fn submit(&self, op: Op) -> Completion {
        Completion::ready(op.run(self))
    }
    /// Hands several operations over at once; the completions are in their order.
    fn submit_all(&self, ops: Vec<Op>) -> Vec<Completion> {
        ops.into_iter().map(|op| self.submit(op)).collect()
    }
    /// True where [`File::submit`] always completes before it returns.
    fn completes_inline(&self) -> bool {
        true
    }

    /// True where reads that will be wanted are worth starting before they are.
    fn reads_ahead(&self) -> bool {
        !self.completes_inline()
    }

    /// True where the file could only be opened for reading.
    fn is_read_only(&self) -> bool;
    /// Identifies the file behind the name; `None` where there is no such thing.
    fn id(&self) -> Option<FileId>;
    /// The unit in which the device is assumed to tear writes.
    fn sector_size(&self) -> u32 {
        4096
    }

    /// A file that is appended to and synced again and again had better grow in steps of so many bytes, filled with zeros: a
    /// sync that changes no size is cheaper by far. 0: it makes no difference.
    fn growth_step(&self) -> u32 {
        0
    }

    /// Pages that lie side by side may be written in one call, and frames of a log be read so. A VFS of the application may
    /// count on one call for each.
    fn takes_runs(&self) -> bool {
        true
    }

    /// A write that loss of power interrupts damages no byte beside those that were to be written. Otherwise whole sectors
    /// may be lost.
    fn is_powersafe(&self) -> bool {
        true
    }

    /// Raises the lock; `SQLITE_BUSY` where somebody else is in the way. A failed step to `Exclusive` may leave
    /// `Pending` behind.
    fn lock(&self, level: LockLevel) -> Result<()>;
    /// Lowers the lock to `Shared` or `None`.
    fn unlock(&self, level: LockLevel) -> Result<()>;
    /// The lock that this handle holds.
    fn lock_level(&self) -> LockLevel;
    /// True where some other handle holds `Reserved` or more.
    fn check_reserved(&self) -> Result<bool>;

    /// A region of the wal-index, [`SHM_REGION_SIZE`] bytes; `None` where it does not exist and `extend` is false.
    fn shm_map(&self, region: u32, extend: bool) -> Result<Option<ShmRegion>>;
    /// Locks `count` of the [`SHM_LOCKS`] locks from `first`; `SQLITE_BUSY` where somebody else is in the way.
    fn shm_lock(&self, first: u32, count: u32, kind: ShmLockKind) -> Result<()>;
    /// Unlocks them.
    fn shm_unlock(&self, first: u32, count: u32) -> Result<()>;
    /// How long a shared lock on the wal-index may be kept after its last use, so that quick successive reads
    /// cost no system call; `None` where locks are cheap, or where a thread that gives them back would be in the way.
    fn shm_lock_linger(&self) -> Option<Duration> {
        None
    }
    /// True where another process (or handle) holds this lock of the wal-index, as far as that can be told.
    fn shm_locked_elsewhere(&self, lock: u32) -> bool {
        let _ = lock;
        false
    }
    /// Orders this thread's accesses to shared memory against those of others.
    fn shm_barrier(&self) {
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    }
    /// True where another process (or handle) has the shared memory open.
    fn shm_shared_with_others(&self) -> Result<bool>;
    /// Gives the shared memory up; with `delete`, removes it.
    fn shm_unmap(&self, delete: bool) -> Result<()>;
}

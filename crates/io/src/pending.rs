//! A back end on which every submitted read waits: it completes when somebody calls [`Io::step`], one at a time.
//!
//! Over it, every first touch of a page is `Pending`, so a restart that repeats an effect or forgets a position shows.
//! Blocking calls and submitted writes go through at once, unless [`PendingIo::delaying_writes`] made it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use turso_error::Result;

use crate::{Completion, File, FileId, Io, LockLevel, Op, OpenFlags, ShmLockKind, ShmRegion, SyncKind};

type Jobs = VecDeque<(Arc<dyn File>, Op, Completion)>;
type Queue = Arc<Mutex<Jobs>>;

/// See the module's documentation.
pub struct PendingIo {
    inner: Arc<dyn Io>,
    queue: Queue,
    delay_writes: bool,
}

impl PendingIo {
    /// Delays the reads of `inner`.
    pub fn new(inner: Arc<dyn Io>) -> Self {
        Self { inner, queue: Queue::default(), delay_writes: false }
    }

    /// Delays submitted writes and syncs as well.
    pub fn delaying_writes(inner: Arc<dyn Io>) -> Self {
        Self { delay_writes: true, ..Self::new(inner) }
    }

    /// How many operations wait for [`Io::step`].
    pub fn queued(&self) -> usize {
        locked(&self.queue).len()
    }
}

fn locked(queue: &Queue) -> MutexGuard<'_, Jobs> {
    queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Io for PendingIo {
    fn name(&self) -> &'static str {
        "pending"
    }
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        let inner = self.inner.open(path, flags)?;
        Ok(Arc::new(PendingFile { inner, queue: self.queue.clone(), delay_writes: self.delay_writes }))
    }
    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        self.inner.delete(path, sync_dir)
    }
    fn exists(&self, path: &Path) -> Result<bool> {
        self.inner.exists(path)
    }
    fn sync_directory_of(&self, path: &Path) -> Result<()> {
        self.inner.sync_directory_of(path)
    }
    fn full_path(&self, path: &Path) -> Result<PathBuf> {
        self.inner.full_path(path)
    }
    fn temp_path(&self) -> Result<PathBuf> {
        self.inner.temp_path()
    }
    fn now_julian_ms(&self) -> i64 {
        self.inner.now_julian_ms()
    }
    fn randomness(&self, buf: &mut [u8]) {
        self.inner.randomness(buf);
    }
    fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration);
    }

    fn step(&self) -> Result<bool> {
        let next = locked(&self.queue).pop_front();
        match next {
            Some((file, op, completion)) => {
                completion.complete(op.run(&*file));
                Ok(true)
            }
            None => self.inner.step(),
        }
    }
}

struct PendingFile {
    inner: Arc<dyn File>,
    queue: Queue,
    delay_writes: bool,
}

impl File for PendingFile {
    fn submit(&self, op: Op) -> Completion {
        if !self.delay_writes && !matches!(op, Op::Read { .. }) {
            return Completion::ready(op.run(&*self.inner));
        }
        let completion = Completion::new();
        locked(&self.queue).push_back((self.inner.clone(), op, completion.clone()));
        completion
    }
    fn completes_inline(&self) -> bool {
        false
    }
    /// Every page is to be pending by itself.
    fn reads_ahead(&self) -> bool {
        false
    }
    delegate_file!();
}

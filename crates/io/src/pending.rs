//! A back end on which every submitted read waits: it completes when somebody calls [`Io::step`], one at a time.
//!
//! Over it, every first touch of a page is `Pending`, so a restart that repeats an effect or forgets a position shows.
//! Blocking calls and submitted writes go through at once, unless [`PendingIo::delaying_writes`] made it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use turso_error::Result;

use crate::{Completion, File, Io, Op, OpenFlags};

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
    delegate_io!();

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
    delegate_file_data!();
    delegate_file!();
}

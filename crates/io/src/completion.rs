//! Operations that are handed over, and the signal that they are done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::Waker;

use turso_error::Result;

use crate::{File, SyncKind};

/// Bytes that outlive the call that hands them over.
pub enum Buffer {
    /// Bytes made for this write.
    Owned(Box<[u8]>),
    /// Bytes that others hold too, such as a page.
    Shared(Arc<dyn AsRef<[u8]> + Send + Sync>),
}

impl Buffer {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Buffer::Owned(bytes) => bytes,
            Buffer::Shared(bytes) => (**bytes).as_ref(),
        }
    }
}

/// An operation on a file, with its buffers.
pub enum Op {
    /// Reads into `buf`; a short read leaves the rest as it was.
    Read {
        /// Filled and handed back.
        buf: Box<[u8]>,
        /// Where in the file.
        offset: u64,
    },
    /// Writes the buffers one behind the other.
    Write {
        /// What is written.
        bufs: Vec<Buffer>,
        /// Where in the file.
        offset: u64,
    },
    /// Writes the buffers one behind the other, then makes the file durable.
    WriteThenSync {
        /// What is written.
        bufs: Vec<Buffer>,
        /// Where in the file.
        offset: u64,
        /// How it is synced.
        kind: SyncKind,
    },
    /// Makes what was written durable.
    Sync(SyncKind),
    /// Sets the size of the file.
    Truncate(u64),
}

/// What a completed operation hands back.
pub enum Output {
    /// The buffer of a read, and how many of its bytes were read.
    Read(Box<[u8]>, usize),
    /// The operation has no result.
    Done,
}

impl Op {
    /// Runs the operation by the blocking form.
    pub fn run<F: File + ?Sized>(self, file: &F) -> Result<Output> {
        match self {
            Op::Read { mut buf, offset } => {
                let n = file.read_at(&mut buf, offset)?;
                Ok(Output::Read(buf, n))
            }
            Op::Write { bufs, offset } => {
                let slices: Vec<&[u8]> = bufs.iter().map(Buffer::bytes).collect();
                file.write_vectored_at(&slices, offset).map(|()| Output::Done)
            }
            Op::WriteThenSync { bufs, offset, kind } => {
                Op::Write { bufs, offset }.run(file)?;
                Op::Sync(kind).run(file)
            }
            Op::Sync(kind) => file.sync(kind).map(|()| Output::Done),
            Op::Truncate(size) => file.truncate(size).map(|()| Output::Done),
        }
    }
}

/// The hand-over's other end: says when the operation is done, and holds its result until somebody takes it.
#[derive(Clone)]
pub struct Completion(Arc<Shared>);

struct Shared {
    ready: AtomicBool,
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Default)]
struct State {
    result: Option<Result<Output>>,
    wakers: Vec<Waker>,
    /// Threads that block until it is done.
    blocked: usize,
}

impl Default for Completion {
    fn default() -> Self {
        Self::new()
    }
}

impl Completion {
    /// One that is not ready.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            ready: AtomicBool::new(false),
            state: Mutex::new(State::default()),
            done: Condvar::new(),
        }))
    }

    /// One that is ready.
    pub fn ready(result: Result<Output>) -> Self {
        let completion = Self::new();
        completion.complete(result);
        completion
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves nothing half-done here.
        self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Called by the back end, once.
    pub fn complete(&self, result: Result<Output>) {
        let (wakers, blocked) = {
            let mut state = self.state();
            state.result = Some(result);
            self.0.ready.store(true, Ordering::Release);
            (std::mem::take(&mut state.wakers), state.blocked > 0)
        };
        // A system call, whoever waits.
        if blocked {
            self.0.done.notify_all();
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// True where both are ends of one hand-over.
    pub fn is_same(&self, other: &Completion) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// True once the operation is done.
    pub fn is_ready(&self) -> bool {
        self.0.ready.load(Ordering::Acquire)
    }

    /// The result; `None` before it is there and after somebody took it.
    pub fn take(&self) -> Option<Result<Output>> {
        if self.is_ready() { self.state().result.take() } else { None }
    }

    /// Wakes `waker` when the operation is done, at once where it is.
    pub fn register(&self, waker: &Waker) {
        let mut state = self.state();
        if self.is_ready() {
            drop(state);
            waker.wake_by_ref();
        } else if !state.wakers.iter().any(|w| w.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
    }

    /// Blocks until the operation is done. Whoever drives the back end must be somebody else.
    pub fn wait(&self) {
        let mut state = self.state();
        state.blocked += 1;
        while !self.is_ready() {
            state = self.0.done.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.blocked -= 1;
    }

    /// True where a thread blocks until it is done: that one is sure to go on. A task may not be polled for long.
    pub fn blocks_a_thread(&self) -> bool {
        self.state().blocked > 0
    }
}

//! The ring of the process: requests in their slots, the two queues, the thread that reaps.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use io_uring::{IoUring, Probe, opcode};
use turso_error::Result;

use super::request::{ENTRIES_OF_ONE, Part, Progress, Request};
use crate::{Completion, Output};

/// Entries that the kernel may hold. The submission queue has as many places and the completion queue twice as many, so
/// that neither can overflow.
const MOST_ENTRIES: usize = 512;

/// How long a submission waits when the kernel has no memory for it.
const RETRY: Duration = Duration::from_millis(1);

pub(super) struct Ring {
    uring: IoUring,
    /// Its guard is also the right to push to the submission queue.
    state: Mutex<State>,
    /// The process that has the reaping thread.
    process: u32,
}

#[derive(Default)]
struct State {
    slots: Vec<Option<Request>>,
    free: Vec<usize>,
    /// What finds no room in the queues, in the order of its arrival.
    waiting: VecDeque<Request>,
    /// Entries pushed and not yet answered.
    entries: usize,
}

type Finished = (Completion, Result<Output>);

impl Ring {
    /// The ring of this process, if the system gives it one.
    pub fn of_process() -> Option<&'static Self> {
        static RING: OnceLock<Option<&'static Ring>> = OnceLock::new();
        *RING.get_or_init(|| {
            let ring = Self::set_up()?;
            let ring: &'static Self = Box::leak(Box::new(ring));
            let reaper = std::thread::Builder::new().name("turso-uring".into()).spawn(move || ring.reap());
            reaper.is_ok().then_some(ring)
        })
    }

    fn set_up() -> Option<Self> {
        let uring = IoUring::new(MOST_ENTRIES as u32).ok()?;
        let mut probe = Probe::new();
        uring.submitter().register_probe(&mut probe).ok()?;
        let needed = [opcode::Read::CODE, opcode::Writev::CODE, opcode::Fsync::CODE];
        if !needed.iter().all(|&code| probe.is_supported(code)) {
            return None;
        }
        Some(Self { uring, state: Mutex::default(), process: std::process::id() })
    }

    /// False in a forked child, where nobody reaps.
    pub fn is_alive(&self) -> bool {
        self.process == std::process::id()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the requests to the kernel in one system call.
    pub fn submit(&self, requests: impl IntoIterator<Item = Request>) {
        let mut pushed = false;
        let mut state = self.state();
        for request in requests {
            pushed |= self.start(&mut state, request);
        }
        drop(state);
        if pushed {
            self.enter();
        }
    }

    /// Pushes the request's entries, or lets it wait for room; true where it was pushed.
    fn start(&self, state: &mut State, request: Request) -> bool {
        if state.entries + ENTRIES_OF_ONE > MOST_ENTRIES {
            state.waiting.push_back(request);
            return false;
        }
        let slot = state.free.pop().unwrap_or_else(|| {
            state.slots.push(None);
            state.slots.len() - 1
        });
        state.slots[slot] = Some(request);
        self.push(state, slot);
        true
    }

    fn push(&self, state: &mut State, slot: usize) {
        let Some(request) = &mut state.slots[slot] else { return };
        let entries = request.entries(|part| (slot as u64) << 1 | part as u64);
        state.entries += entries.len();
        // SAFETY: the guard of `state` lets one thread at a time use the submission queue. What the entries point at
        // belongs to the request, which stays in its slot until all of them are answered.
        let pushed = unsafe { self.uring.submission_shared().push_multiple(&entries) };
        assert!(pushed.is_ok(), "the queue has room for all entries that may be under way");
    }

    /// Tells the kernel of new entries.
    fn enter(&self) {
        while let Err(e) = self.uring.submit() {
            if e.kind() != ErrorKind::Interrupted {
                std::thread::sleep(RETRY);
            }
        }
    }

    /// The thread that takes the kernel's answers.
    fn reap(&self) {
        let mut answers: Vec<(u64, i32)> = Vec::new();
        let mut finished: Vec<Finished> = Vec::new();
        loop {
            // Also submits what the last round pushed.
            if let Err(e) = self.uring.submit_and_wait(1)
                && e.kind() != ErrorKind::Interrupted
            {
                std::thread::sleep(RETRY);
            }
            // SAFETY: this thread alone uses the completion queue.
            let arrived = unsafe { self.uring.completion_shared() };
            answers.extend(arrived.map(|entry| (entry.user_data(), entry.result())));
            let mut state = self.state();
            for (tag, answer) in answers.drain(..) {
                finished.extend(self.take_answer(&mut state, tag, answer));
            }
            while state.entries + ENTRIES_OF_ONE <= MOST_ENTRIES {
                let Some(request) = state.waiting.pop_front() else { break };
                self.start(&mut state, request);
            }
            drop(state);
            for (completion, result) in finished.drain(..) {
                // A waker that panics must not leave everybody else waiting.
                let _ = std::panic::catch_unwind(AssertUnwindSafe(|| completion.complete(result)));
            }
        }
    }

    fn take_answer(&self, state: &mut State, tag: u64, answer: i32) -> Option<Finished> {
        let (slot, part) = ((tag >> 1) as usize, if tag & 1 == 0 { Part::Main } else { Part::Sync });
        state.entries = state.entries.saturating_sub(1);
        match state.slots.get_mut(slot)?.as_mut()?.take_answer(part, answer) {
            Progress::Waits => None,
            Progress::Again => {
                self.push(state, slot);
                None
            }
            Progress::Done => {
                let request = state.slots[slot].take()?;
                state.free.push(slot);
                Some(request.finish())
            }
        }
    }
}

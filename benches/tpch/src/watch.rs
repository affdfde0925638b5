//! The time limit of a query, whichever engine runs it. `benches/queries` has it too.

use std::sync::mpsc;
use std::time::Duration;

/// Interrupts a query that takes too long; dropped, it does so no more.
pub struct Watch {
    done: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    /// Calls `interrupt` after so long.
    pub fn start(cutoff: Duration, interrupt: impl FnOnce() + Send + 'static) -> Self {
        let (done, ended) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            if ended.recv_timeout(cutoff) == Err(mpsc::RecvTimeoutError::Timeout) {
                interrupt();
            }
        });
        Self { done: Some(done), thread: Some(thread) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the watch ends");
        }
    }
}

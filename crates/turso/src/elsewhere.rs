//! What has to block runs on a thread that may, and its result is awaited.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// The result of a job, and who waits for it.
struct Slot<T> {
    result: Option<std::thread::Result<T>>,
    waker: Option<Waker>,
}

/// Runs `work` for a connection where blocking is allowed. The work runs to its end also where the future is dropped.
pub(crate) async fn elsewhere<T: Send + 'static>(
    connection: &turso_core::Connection,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    awaited(work, |work| connection.run_elsewhere(work)).await
}

/// Drops a connection where blocking is allowed.
pub(crate) async fn close(connection: turso_core::Connection) {
    awaited(|| (), |done| connection.close_elsewhere(done)).await;
}

async fn awaited<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    run: impl FnOnce(Box<dyn FnOnce() + Send>),
) -> T {
    let slot = Arc::new(Mutex::new(Slot { result: None, waker: None }));
    let filled = slot.clone();
    run(Box::new(move || {
        // A panic goes to whoever waits.
        let result = catch_unwind(AssertUnwindSafe(work));
        let waker = {
            let mut slot = filled.lock().unwrap_or_else(PoisonError::into_inner);
            slot.result = Some(result);
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }));
    let taken = poll_fn(|context: &mut Context<'_>| {
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    });
    taken.await.unwrap_or_else(|panic| resume_unwind(panic))
}

/// Waits until no job runs for the connection.
pub(crate) async fn idle(connection: &turso_core::Connection) {
    poll_fn(|context| match connection.is_busy_elsewhere(context.waker()) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}

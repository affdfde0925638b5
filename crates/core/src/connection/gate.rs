//! The lock of a session, and how its holder lends the session to code of the application that it calls.
//!
//! A running statement holds the lock. A function or hook that it calls may run statements on the same connection, as in
//! SQLite, so the state changes hands for the time of the call:
//!
//! ```text
//!  statement: lock() -> Held::Home -- lend(call) ------------------------------------> the state is taken back
//!                                       |  the state lies in `Lent`, an inert one in its place
//!  the call, same thread:               +-- lock() -> Held::Lent -- drop: back into `Lent`
//!  other threads:                       wait for the statement, as before
//! ```
//!
//! Code that is called while the state cannot change hands (a collation, in the middle of a search) gets an inert session
//! from `lock()`: every use of it fails with `SQLITE_MISUSE`. SQLite leaves such use undefined.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use turso_error::{Error, Result, ResultCode};

use super::State;

/// Calls within calls beyond this are refused: each needs stack of its own.
const MAX_DEPTH: u32 = 200;

/// Bytes of stack that must be left for a statement that runs inside a call, and how much more is taken otherwise.
const STACK: usize = 256 << 10;
const MORE_STACK: usize = 4 << 20;

/// The lock.
pub(crate) struct Gate {
    state: Mutex<State>,
    /// The thread that holds `state` (see [`this_thread`]); 0: none.
    holder: AtomicUsize,
    lent: Arc<Lent>,
}

/// Where the state lies while it is lent and nobody holds it.
#[derive(Default)]
pub(crate) struct Lent(Mutex<Option<Box<State>>>);

impl Lent {
    fn put(&self, state: Box<State>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    }

    fn take(&self) -> Option<Box<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A number that no other running thread has.
fn this_thread() -> usize {
    thread_local! { static MARK: u8 = const { 0 } }
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

impl Gate {
    pub fn new(state: State) -> Self {
        let lent = state.lent.clone();
        Self { state: Mutex::new(state), holder: AtomicUsize::new(0), lent }
    }

    /// The state. A panic while it was held leaves a state whose transaction is rolled back by its end.
    #[inline]
    pub fn lock(&self) -> Held<'_> {
        let guard = match self.state.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // The number of another thread is never ours, however old it is.
            Err(TryLockError::WouldBlock) if self.holder.load(Ordering::Relaxed) == this_thread() => {
                return self.lock_again();
            }
            Err(TryLockError::WouldBlock) => self.state.lock().unwrap_or_else(PoisonError::into_inner),
        };
        self.holder.store(this_thread(), Ordering::Relaxed);
        Held { gate: self, state: Hold::Home(guard) }
    }

    /// The calling thread holds the lock further down its stack.
    #[cold]
    fn lock_again(&self) -> Held<'_> {
        let state = match self.lent.take() {
            Some(state) => Hold::Lent(Some(state)),
            None => Hold::Inert(Box::new(State::inert(self.lent.clone()))),
        };
        Held { gate: self, state }
    }
}

/// The state, held.
pub(crate) struct Held<'g> {
    gate: &'g Gate,
    state: Hold<'g>,
}

enum Hold<'g> {
    Home(MutexGuard<'g, State>),
    /// `None` only in `drop`.
    Lent(Option<Box<State>>),
    Inert(Box<State>),
}

impl Held<'_> {
    /// The holder was called by a statement of this connection; what it does needs stack beyond that statement's.
    pub fn with_stack<R>(&mut self, run: impl FnOnce(&mut State) -> R) -> R {
        match &mut self.state {
            Hold::Home(state) => run(state),
            _ => stacker::maybe_grow(STACK, MORE_STACK, || run(self)),
        }
    }
}

impl Deref for Held<'_> {
    type Target = State;
    #[inline]
    fn deref(&self) -> &State {
        match &self.state {
            Hold::Home(state) => state,
            Hold::Lent(Some(state)) | Hold::Inert(state) => state,
            Hold::Lent(None) => unreachable!("only drop empties it"),
        }
    }
}

impl DerefMut for Held<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State {
        match &mut self.state {
            Hold::Home(state) => state,
            Hold::Lent(Some(state)) | Hold::Inert(state) => state,
            Hold::Lent(None) => unreachable!("only drop empties it"),
        }
    }
}

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        match &mut self.state {
            Hold::Home(_) => self.gate.holder.store(0, Ordering::Relaxed),
            Hold::Lent(state) => {
                if let Some(state) = state.take() {
                    self.gate.lent.put(state);
                }
            }
            Hold::Inert(_) => {}
        }
    }
}

impl State {
    /// Call code of the application, which finds this state when it locks the connection. What belongs to the statement in
    /// hand is as before afterwards.
    pub fn lend<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let mark = self.current_mark.take();
        let waiting = self.waiting.take();
        let writes = std::mem::take(&mut self.stepping_writer);
        let (ddl, rows) = (std::mem::take(&mut self.stepping_ddl), std::mem::take(&mut self.stepping_rows));
        let deadline = self.deadline.take();
        let now = self.environment.now_julian_ms.get();
        let mut other = match self.spare.take() {
            Some(spare) => spare,
            None => Box::new(State::inert(self.lent.clone())),
        };
        std::mem::swap(self, &mut other);
        other.lent_depth += 1;
        // The inert state knows the same place.
        self.lent.put(other);
        let lender = Lender { inert: self };
        let answer = call();
        drop(lender);
        self.current_mark = mark;
        self.waiting = waiting;
        self.stepping_writer = writes;
        (self.stepping_ddl, self.stepping_rows) = (ddl, rows);
        self.deadline = deadline;
        self.environment.now_julian_ms.set(now);
        answer
    }

    /// [`lend`](Self::lend) for a call in the middle of a statement: see `Host::foreign`.
    pub fn lend_within_statement<R>(&mut self, call: impl FnOnce() -> Result<R>) -> Result<R> {
        if self.lent_depth >= MAX_DEPTH {
            return Err(Error::sql("too many calls of functions within functions"));
        }
        let (rollbacks, epoch) = (self.rollbacks, self.rollback_epoch);
        let answer = self.lend(call)?;
        if (self.stepping_writer && self.rollbacks != rollbacks) || self.rollback_epoch != epoch {
            return Err(Error::from_code(ResultCode::ABORT_ROLLBACK));
        }
        Ok(answer)
    }
}

/// Takes the state back when the call is over, also by a panic.
struct Lender<'s> {
    inert: &'s mut State,
}

impl Drop for Lender<'_> {
    fn drop(&mut self) {
        // Without it the application holds on to a guard that cannot outlive the call: an inert session stays behind.
        if let Some(mut state) = self.inert.lent.take() {
            std::mem::swap(self.inert, &mut state);
            self.inert.lent_depth -= 1;
            self.inert.spare = Some(state);
        }
    }
}

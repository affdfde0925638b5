//! Waking tasks after a time without blocking anybody: one thread per process, started when it is first needed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

struct Alarm {
    at: Instant,
    sequence: u64,
    waker: Waker,
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.sequence) == (other.at, other.sequence)
    }
}
impl Eq for Alarm {}
impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

#[derive(Default)]
struct Timers {
    alarms: Mutex<(BinaryHeap<Reverse<Alarm>>, u64)>,
    changed: Condvar,
}

/// Wake the task after `delay`.
pub fn wake_after(delay: Duration, waker: Waker) {
    static TIMERS: OnceLock<&'static Timers> = OnceLock::new();
    let timers = TIMERS.get_or_init(|| {
        let timers: &'static Timers = Box::leak(Box::default());
        let started = std::thread::Builder::new().name("turso-timer".into()).spawn(move || run(timers));
        debug_assert!(started.is_ok(), "the timer thread starts");
        timers
    });
    let mut guard = timers.alarms.lock().unwrap_or_else(PoisonError::into_inner);
    guard.1 += 1;
    let sequence = guard.1;
    guard.0.push(Reverse(Alarm { at: Instant::now() + delay, sequence, waker }));
    timers.changed.notify_one();
}

fn run(timers: &Timers) {
    let mut guard = timers.alarms.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let now = Instant::now();
        let mut due = Vec::new();
        while guard.0.peek().is_some_and(|Reverse(alarm)| alarm.at <= now) {
            due.extend(guard.0.pop().map(|Reverse(alarm)| alarm.waker));
        }
        if !due.is_empty() {
            drop(guard);
            due.into_iter().for_each(Waker::wake);
            guard = timers.alarms.lock().unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let next = guard.0.peek().map(|Reverse(alarm)| alarm.at - now);
        guard = match next {
            Some(wait) => timers.changed.wait_timeout(guard, wait).unwrap_or_else(PoisonError::into_inner).0,
            None => timers.changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

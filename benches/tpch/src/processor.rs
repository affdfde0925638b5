//! The processor time that this process has used: on a machine that does other things too, the only measure that means something.

use nix::time::{ClockId, clock_gettime};

/// Seconds of processor time so far, on all threads.
pub fn seconds() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).expect("a clock of the process");
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

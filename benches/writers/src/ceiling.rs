//! What the disk allows for group commit: threads append some bytes each and wait for a sync that began after their write.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// Writes until the file begins anew.
const PLACES: u64 = 1024;

#[derive(Default)]
struct Group {
    written: u64,
    durable: u64,
    syncing: bool,
}

/// How long each write took to be durable, in microseconds, and how long all of it took.
pub fn measure(path: &Path, writers: usize, bytes: usize, time: Duration) -> (Vec<u64>, Duration) {
    let file = std::fs::File::create(path).expect("a file");
    // As a log that has been used before: syncs change no size.
    let block = vec![7_u8; bytes];
    for at in 0..PLACES {
        file.write_all_at(&block, at * bytes as u64).expect("a write");
    }
    file.sync_all().expect("a sync");
    let (group, changed) = (Mutex::new(Group::default()), Condvar::new());
    let start = Instant::now();
    let times: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    while start.elapsed() < time {
                        let began = Instant::now();
                        let mut state = group.lock().expect("the lock");
                        file.write_all_at(&block, state.written % PLACES * bytes as u64).expect("a write");
                        state.written += 1;
                        let mine = state.written;
                        while state.durable < mine {
                            if state.syncing {
                                state = changed.wait(state).expect("the lock");
                                continue;
                            }
                            state.syncing = true;
                            let upto = state.written;
                            drop(state);
                            file.sync_data().expect("a sync");
                            state = group.lock().expect("the lock");
                            state.durable = upto;
                            state.syncing = false;
                            changed.notify_all();
                        }
                        drop(state);
                        times.push(began.elapsed().as_micros() as u64);
                    }
                    times
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a writer")).collect()
    });
    (times, start.elapsed())
}

//! What the disk allows for group commit: threads append 4 KiB each and wait for a sync that began after their write.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Group {
    written: u64,
    durable: u64,
    syncing: bool,
}

/// Writes per second that were made durable.
pub fn measure(path: &Path, writers: usize, time: Duration) -> f64 {
    let file = std::fs::File::create(path).expect("a file");
    // As a log that has been used before: syncs change no size.
    let block = vec![7_u8; 4096];
    for at in 0..1024 {
        file.write_all_at(&block, at * 4096).expect("a write");
    }
    file.sync_all().expect("a sync");
    let (group, changed) = (Mutex::new(Group::default()), Condvar::new());
    let start = Instant::now();
    let counts: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|_| {
                scope.spawn(|| {
                    let mut count = 0;
                    while start.elapsed() < time {
                        let mut state = group.lock().expect("the lock");
                        file.write_all_at(&block, state.written % 1024 * 4096).expect("a write");
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
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a writer")).collect()
    });
    counts.iter().sum::<u64>() as f64 / start.elapsed().as_secs_f64()
}

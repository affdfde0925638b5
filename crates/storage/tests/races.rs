//! Two processes at one database at the same moment: one is stopped where the other does its worst.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use support::hook::{HookIo, Moment};
use support::*;
use turso_io::{Io, MemoryIo, ShmLockKind};
use turso_storage::format::wal_index::lock;
use turso_storage::*;

const WAL: OpenOptions = OpenOptions { read_only: false, create: true, wal: true, page_size: 1024, immutable: false };
const PATH: &str = "/db";

fn change(p: &mut Pager, byte: u8) {
    begin(p);
    fill(p, 2, byte);
    commit(p);
    p.end_read();
}

/// A checkpoint that has read the header of a log which is wholly in the file, while another process begins the log anew and
/// commits: what it knows of the log is then of the old one.
#[test]
fn a_log_that_begins_anew_under_a_checkpoint_keeps_its_commits() {
    for barriers in 1..=3 {
        let memory = Arc::new(MemoryIo::seeded(1));
        let stopped = HookIo::new(&memory);
        let io: Arc<dyn Io> = Arc::new(stopped.clone());
        let mut a = open(&io, Path::new(PATH), WAL);
        begin(&mut a);
        append(&mut a, 3, 1);
        commit(&mut a);
        a.end_read();
        for byte in 2..=6 {
            change(&mut a, byte);
        }
        assert!(!a.checkpoint(CheckpointMode::Passive).unwrap().busy);

        let other: Arc<dyn Io> = Arc::new(HookIo::new(&memory));
        let b = Arc::new(Mutex::new(open(&other, Path::new(PATH), WAL)));
        assert_eq!(bytes(&mut b.lock().unwrap()), [6, 1, 1]);
        let committed = Arc::new(AtomicBool::new(false));
        let (in_between, noted, mut seen, mut counting) = (b.clone(), committed.clone(), 0, false);
        stopped.set(move |moment| {
            counting |= moment == Moment::ShmLock(lock::CHECKPOINT, ShmLockKind::Exclusive);
            if counting && moment == Moment::Barrier {
                seen += 1;
                if seen == barriers {
                    change(&mut in_between.lock().unwrap(), 7);
                    noted.store(true, Ordering::Relaxed);
                }
            }
        });
        let _ = a.checkpoint(CheckpointMode::Passive);
        stopped.set(|_| {});
        let newest = if committed.load(Ordering::Relaxed) { 7 } else { 6 };
        assert_eq!(bytes(&mut b.lock().unwrap()), [newest, 1, 1], "{barriers}");
        change(&mut b.lock().unwrap(), 8);
        assert_eq!(bytes(&mut b.lock().unwrap()), [8, 1, 1], "after {barriers}");
        assert_eq!(bytes(&mut a), [8, 1, 1], "after {barriers}");
        let third: Arc<dyn Io> = Arc::new(HookIo::new(&memory));
        assert_eq!(bytes(&mut open(&third, Path::new(PATH), WAL)), [8, 1, 1], "after {barriers}");
    }
}

/// A reader that finds a journal cannot open it, because its transaction has just ended, and then finds that of the next one.
#[test]
fn a_journal_that_goes_and_comes_again_while_a_reader_looks_is_no_error() {
    let memory = Arc::new(MemoryIo::seeded(1));
    let stopped = HookIo::new(&memory);
    let io: Arc<dyn Io> = Arc::new(stopped.clone());
    let mut a = open(&io, Path::new(PATH), OpenOptions::default());
    begin(&mut a);
    append(&mut a, 2, 1);
    commit(&mut a);
    a.end_read();
    let journal = Path::new("/db-journal");
    // Nothing in it has to be played back.
    memory.set_contents(journal, vec![0; 512]);
    let (files, mut opened) = (memory.clone(), false);
    stopped.set(move |moment| match moment {
        Moment::Open if !opened => {
            opened = true;
            files.delete(journal, false).unwrap();
        }
        Moment::Exists if opened => files.set_contents(journal, vec![0; 512]),
        _ => {}
    });
    assert_eq!(bytes(&mut a), [1, 1]);
}

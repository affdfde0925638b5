//! Power loss at every operation, and every operation failing in turn, in all journal modes.
//!
//! Property: what is found afterwards is the state of the last commit that was reported, or of the one that was
//! under way; a commit that failed is not there while the connection lives.

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use support::crash::*;
use support::*;
use turso_error::{Error, ResultCode};
use turso_io::Io;
use turso_storage::*;

const PATH: &str = "/db";

/// Something about each transaction that differs: which pages, growth, cuts.
fn transaction(p: &mut Pager, random: &mut Random, byte: u8) -> turso_error::Result<()> {
    p.block_on(|p| p.begin_write(WriteMode::Reserved))?;
    for _ in 0..1 + random.next(4) {
        let count = p.page_count();
        match random.next(8) {
            0 if count > 3 => p.truncate(count - 1),
            1 | 2 => append(p, 1 + random.next(3) as u32, byte),
            _ if count >= 2 => {
                let no = 2 + random.next(count as usize - 1) as u32;
                p.block_on(|p| p.page(PageNo(no)))?;
                p.edit(PageNo(no)).fill(byte);
            }
            _ => append(p, 2, byte),
        }
        p.maybe_spill()?;
    }
    Ok(())
}

fn state(p: &mut Pager) -> turso_error::Result<Vec<u8>> {
    p.block_on(Pager::begin_read)?;
    let mut all = Vec::new();
    for no in 2..=p.page_count() {
        let page = p.block_on(|p| p.page(PageNo(no)))?;
        if page.iter().any(|b| *b != page[0]) {
            return Err(Error::new(ResultCode::CORRUPT, format!("page {no} is torn")));
        }
        all.push(page[0]);
    }
    p.end_read();
    Ok(all)
}

struct Run {
    /// The states after each commit; the last one may be of a commit that was not reported.
    states: Vec<Vec<u8>>,
    reported: usize,
}

/// Runs transactions until one fails.
fn run(io: &CrashIo, mode: JournalMode, synchronous: Synchronous, seed: u64) -> Run {
    let mut run = Run { states: vec![vec![]], reported: 0 };
    let mut random = Random(seed);
    let io: Arc<dyn Io> = Arc::new(io.clone());
    let options = OpenOptions { wal: mode == JournalMode::Wal, page_size: 1024, ..OpenOptions::default() };
    let Ok(db) = DatabaseFile::open(io, Path::new(PATH), options) else { return run };
    let mut p = Pager::open(db);
    p.set_synchronous(synchronous);
    p.set_wal_autocheckpoint(7);
    if seed.is_multiple_of(2) {
        p.set_spill_pages(1);
    }
    if mode != JournalMode::Wal {
        let _ = p.set_journal_mode(mode);
    }
    for byte in 1..=12 {
        if transaction(&mut p, &mut random, byte).is_err() {
            break;
        }
        run.states.push(bytes_of(&mut p));
        if p.block_on(Pager::commit).is_err() {
            break;
        }
        run.reported = run.states.len() - 1;
        p.end_read();
    }
    run
}

fn bytes_of(p: &mut Pager) -> Vec<u8> {
    (2..=p.page_count()).filter_map(|no| p.block_on(|p| p.page(PageNo(no))).ok().map(|page| page[0])).collect()
}

fn check_after(files: &HashMap<PathBuf, Vec<u8>>, what: &str, allowed: &[Vec<u8>]) {
    let io: Arc<dyn Io> = Arc::new(CrashIo::new(files, Fault::None));
    let mut p = open(&io, Path::new(PATH), OpenOptions { page_size: 1024, ..OpenOptions::default() });
    match state(&mut p) {
        Ok(found) => assert!(allowed.contains(&found), "{what}: found {found:?}, allowed {allowed:?}"),
        Err(e) => panic!("{what}: {e:?}"),
    }
    // It can be written, and read again.
    begin(&mut p);
    append(&mut p, 1, 200);
    commit(&mut p);
    p.end_read();
    assert_eq!(state(&mut p).unwrap().last(), Some(&200), "{what}");
}

#[test]
fn a_crash_at_any_operation_loses_no_reported_commit() {
    for mode in [JournalMode::Wal, JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist] {
        for seed in 1..=2 {
            let whole = CrashIo::new(&HashMap::new(), Fault::None);
            run(&whole, mode, Synchronous::Full, seed);
            for at in 1..=whole.operations() {
                let io = CrashIo::new(&HashMap::new(), Fault::CrashAt(at));
                let run = run(&io, mode, Synchronous::Full, seed);
                for luck in 0..3 {
                    let files = io.after_crash(&mut Random(seed * 1000 + at * 10 + luck));
                    let what = format!("{mode:?}, seed {seed}, crash at {at}, luck {luck}");
                    check_after(&files, &what, &run.states[run.reported..]);
                }
            }
        }
    }
}

#[test]
fn a_crash_in_normal_mode_leaves_a_prefix_of_the_log() {
    for seed in 1..=2 {
        let whole = CrashIo::new(&HashMap::new(), Fault::None);
        run(&whole, JournalMode::Wal, Synchronous::Normal, seed);
        for at in 1..=whole.operations() {
            let io = CrashIo::new(&HashMap::new(), Fault::CrashAt(at));
            let run = run(&io, JournalMode::Wal, Synchronous::Normal, seed);
            for luck in 0..3 {
                let files = io.after_crash(&mut Random(seed * 1000 + at * 10 + luck));
                check_after(&files, &format!("seed {seed}, crash at {at}, luck {luck}"), &run.states);
            }
        }
    }
}

#[test]
fn an_operation_that_fails_rolls_its_transaction_back_and_nothing_else() {
    for mode in
        [JournalMode::Wal, JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist, JournalMode::Memory]
    {
        for kind in [Fault::FailAt as fn(u64) -> Fault, Fault::FullAt] {
            for seed in 1..=2 {
                let whole = CrashIo::new(&HashMap::new(), Fault::None);
                run(&whole, mode, Synchronous::Full, seed);
                for at in 1..=whole.operations() {
                    fail_once(mode, kind(at), seed);
                }
            }
        }
    }
}

fn fail_once(mode: JournalMode, fault: Fault, seed: u64) {
    let what = format!("{mode:?}, {fault:?}, seed {seed}");
    let crash = CrashIo::new(&HashMap::new(), fault);
    let io: Arc<dyn Io> = Arc::new(crash.clone());
    let options = OpenOptions { wal: mode == JournalMode::Wal, page_size: 1024, ..OpenOptions::default() };
    let mut p = open(&io, Path::new(PATH), options);
    p.set_wal_autocheckpoint(7);
    if mode != JournalMode::Wal {
        let _ = p.set_journal_mode(mode);
    }
    if seed.is_multiple_of(2) {
        p.set_spill_pages(1);
    }
    let mut random = Random(seed);
    let mut known = vec![];
    for byte in 1..=12 {
        if matches!(fault, Fault::FullAt(_)) && byte == 9 {
            crash.set_fault(Fault::None);
        }
        if let Err(e) = transaction(&mut p, &mut random, byte) {
            assert!(matches!(fault, Fault::FullAt(_)) || e.is(ResultCode::IOERR), "{what}: {e:?}");
            p.rollback();
            p.end_read();
            continue;
        }
        let next = bytes_of(&mut p);
        match p.block_on(Pager::commit) {
            Ok(()) => known = next,
            Err(e) => {
                assert!(e.is(ResultCode::IOERR) || e.is(ResultCode::FULL), "{what}: {e:?}");
                assert!(!p.in_write(), "{what}");
            }
        }
        if p.in_read() {
            p.end_read();
        }
        assert_eq!(state(&mut p).map_err(|e| format!("{what}: {e:?}")).unwrap(), known, "{what}, byte {byte}");
    }
    drop(p);
    crash.set_fault(Fault::None);
    check_after(&crash.files(), &what, &[known]);
}

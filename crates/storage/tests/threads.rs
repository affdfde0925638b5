//! Many connections of one process, and stock SQLite processes beside them: every snapshot is one state.
//!
//! Pages 2.. hold a number each. A writer moves an amount from one to another, so their sum never changes; a reader
//! adds them up, and looks at some of them twice.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use support::crash::Random;
use support::*;
use turso_error::{Error, ResultCode};
use turso_io::{Io, MemoryIo, PendingIo, SyscallIo, ThreadPoolIo};
use turso_storage::*;

const PAGES: u32 = 40;
const EACH: u64 = 1_000_000;

fn number(p: &mut Pager, no: u32) -> turso_error::Result<u64> {
    let page = p.block_on(|p| p.page(PageNo(no)))?;
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&page[100..108]);
    assert_eq!(page[100..108], page[500..508], "page {no} is torn");
    Ok(u64::from_be_bytes(bytes))
}

fn set_number(p: &mut Pager, no: u32, n: u64) {
    let page = p.edit(PageNo(no));
    page[100..108].copy_from_slice(&n.to_be_bytes());
    page[500..508].copy_from_slice(&n.to_be_bytes());
}

fn read_once(p: &mut Pager, random: &mut Random) -> turso_error::Result<()> {
    p.block_on(Pager::begin_read)?;
    let mut sum = 0;
    let mut seen = Vec::new();
    for no in 2..PAGES + 2 {
        let n = number(p, no)?;
        seen.push(n);
        sum += n;
        if random.next(20) == 0 {
            std::thread::yield_now();
        }
        p.unpin();
    }
    assert_eq!(sum, u64::from(PAGES) * EACH, "data version {}, {seen:?}", p.data_version());
    let again = 2 + random.next(PAGES as usize) as u32;
    assert_eq!(number(p, again)?, seen[again as usize - 2]);
    p.end_read();
    Ok(())
}

fn write_once(p: &mut Pager, random: &mut Random) -> turso_error::Result<()> {
    p.block_on(|p| p.begin_write(WriteMode::Reserved))?;
    let (from, to) = (2 + random.next(PAGES as usize) as u32, 2 + random.next(PAGES as usize) as u32);
    let amount = random.next(100) as u64;
    let (a, b) = (number(p, from)?, number(p, to)?);
    if from != to && a >= amount {
        set_number(p, from, a - amount);
        let savepoint = p.open_savepoint();
        set_number(p, to, b + amount + 1);
        p.edit_header(|h| h.user_version += 1);
        p.rollback_to_savepoint(savepoint);
        p.edit_header(|h| h.application_id += 1);
        assert_eq!(number(p, to)?, b);
        p.release_savepoint(savepoint);
        set_number(p, to, b + amount);
    }
    if random.next(10) == 0 {
        p.rollback();
    }
    let db = p.database_file().unwrap().clone();
    loop {
        let epoch = db.lock_epoch();
        match p.block_on(Pager::commit) {
            // Readers: PENDING keeps new ones out, the others leave.
            Err(e) if e.is(ResultCode::BUSY) => db.wait_for_unlock(epoch, Duration::from_millis(5)),
            done => {
                p.end_read();
                return done;
            }
        }
    }
}

fn stress(io: Arc<dyn Io>, path: &std::path::Path, wal: bool, with_sqlite: bool) {
    let options = OpenOptions { wal, page_size: 1024, ..OpenOptions::default() };
    let mut p = open(&io, path, options);
    begin(&mut p);
    for _ in 0..PAGES {
        let no = p.append_page();
        set_number(&mut p, no.0, EACH);
    }
    commit(&mut p);
    p.end_read();
    let stop = AtomicBool::new(false);
    let commits = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            let (io, stop, commits) = (io.clone(), &stop, &commits);
            scope.spawn(move || {
                let mut random = Random(thread + 1);
                let mut p = open(&io, path, options);
                p.set_synchronous(Synchronous::Off);
                p.set_cache_pages(if thread == 0 { 16 } else { 1000 });
                p.set_wal_autocheckpoint(50);
                while !stop.load(Ordering::Relaxed) {
                    let writes = thread < 2;
                    let result = if writes { write_once(&mut p, &mut random) } else { read_once(&mut p, &mut random) };
                    match result {
                        Ok(()) if writes => drop(commits.fetch_add(1, Ordering::Relaxed)),
                        Ok(()) => {}
                        Err(Error::Failed(f)) if f.code.primary() == ResultCode::BUSY => {
                            p.rollback();
                            p.end_read();
                            std::thread::sleep(Duration::from_micros(50 + random.next(200) as u64));
                        }
                        Err(e) => panic!("{e:?}"),
                    }
                    if random.next(50) == 0 {
                        let modes = [
                            CheckpointMode::Passive,
                            CheckpointMode::Full,
                            CheckpointMode::Restart,
                            CheckpointMode::Truncate,
                        ];
                        match p.checkpoint(modes[random.next(4)]) {
                            Ok(_) => {}
                            Err(e) => assert!(e.is(ResultCode::BUSY), "{e:?}"),
                        }
                    }
                    if random.next(100) == 0 {
                        p = open(&io, path, options);
                    }
                }
            });
        }
        for round in 0..if with_sqlite { 4 } else { 10 } {
            if with_sqlite {
                // It commits and checkpoints too; the pages are no tables, so it only touches the header.
                let said = sqlite3_waiting(path, &format!("pragma user_version={round}; pragma wal_checkpoint"));
                assert!(!said.contains("malformed"), "{said}");
            } else {
                std::thread::sleep(Duration::from_millis(60));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    read_once(&mut p, &mut Random(1)).unwrap();
    assert!(commits.load(Ordering::Relaxed) > 20);
}

#[test]
fn wal_in_files() {
    let dir = Dir::new();
    stress(Arc::new(SyscallIo::new()), &dir.db(), true, false);
}

#[test]
fn wal_beside_sqlite_processes() {
    let dir = Dir::new();
    stress(Arc::new(SyscallIo::new()), &dir.db(), true, true);
}

#[test]
fn rollback_journal_in_files() {
    let dir = Dir::new();
    stress(Arc::new(SyscallIo::new()), &dir.db(), false, true);
}

#[test]
fn wal_with_a_thread_pool() {
    let dir = Dir::new();
    stress(Arc::new(ThreadPoolIo::new(Arc::new(SyscallIo::new()), 2)), &dir.db(), true, false);
}

#[test]
fn wal_in_memory_with_every_read_pending() {
    stress(Arc::new(PendingIo::delaying_writes(Arc::new(MemoryIo::new()))), "/stress".as_ref(), true, false);
}

#[test]
fn rollback_journal_in_memory() {
    stress(Arc::new(MemoryIo::new()), "/stress".as_ref(), false, false);
}

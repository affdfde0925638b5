//! A database whose pages are all replaced (VACUUM): power loss at every operation leaves the old content or the new one, a
//! failure the old one, in every journal mode, with the new pages in memory and in a temporary file.

mod support;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use support::crash::*;
use support::*;
use turso_error::Result;
use turso_io::{Io, MemoryIo};
use turso_storage::*;

const PATH: &str = "/db";
const MODES: [JournalMode; 4] = [JournalMode::Wal, JournalMode::Delete, JournalMode::Truncate, JournalMode::Persist];

fn before() -> Vec<u8> {
    (0..90).map(|n| n + 1).collect()
}

fn after() -> Vec<u8> {
    (0..140).map(|n| n + 100).collect()
}

/// The files of a database that holds `before`.
fn start(mode: JournalMode) -> HashMap<PathBuf, Vec<u8>> {
    let crash = CrashIo::new(&HashMap::new(), Fault::None);
    let io: Arc<dyn Io> = Arc::new(crash.clone());
    let options = OpenOptions { wal: mode == JournalMode::Wal, page_size: 1024, ..OpenOptions::default() };
    let mut p = open(&io, Path::new(PATH), options);
    begin(&mut p);
    before().into_iter().for_each(|byte| append(&mut p, 1, byte));
    commit(&mut p);
    p.end_read();
    drop(p);
    crash.files()
}

/// Replaces all pages by `after`.
fn vacuum(io: &CrashIo, mode: JournalMode, page_size: u32, spill: bool) -> Result<()> {
    let io: Arc<dyn Io> = Arc::new(io.clone());
    let mut p = Pager::open(DatabaseFile::open(io, Path::new(PATH), OpenOptions::default())?);
    if mode != JournalMode::Wal {
        p.set_journal_mode(mode)?;
    }
    p.block_on(|p| p.begin_write(WriteMode::Exclusive))?;
    // What is temporary may fail too, but is nothing that a crash leaves.
    let space = TempSpace::new(Some(Arc::new(MemoryIo::new())), if spill { 0 } else { 1 << 20 });
    let mut built = Pager::temp_database(Some(space.clone()), DatabaseHeader::new(page_size));
    for byte in after() {
        append(&mut built, 1, byte);
        built.unpin();
    }
    assert_eq!(space.files_made(), usize::from(spill));
    p.take_over(built)?;
    p.block_on(Pager::commit)?;
    p.end_read();
    Ok(())
}

fn content(files: &HashMap<PathBuf, Vec<u8>>) -> Vec<u8> {
    let io: Arc<dyn Io> = Arc::new(CrashIo::new(files, Fault::None));
    let mut p = open(&io, Path::new(PATH), OpenOptions::default());
    bytes(&mut p)
}

#[test]
fn a_crash_leaves_the_old_content_or_the_new() {
    for mode in MODES {
        let files = start(mode);
        assert_eq!(content(&files), before());
        for (page_size, spill) in [(1024, false), (1024, true), (512, true), (4096, false)] {
            if mode == JournalMode::Wal && page_size != 1024 {
                continue;
            }
            let whole = CrashIo::new(&files, Fault::None);
            vacuum(&whole, mode, page_size, spill).unwrap();
            assert_eq!(content(&whole.files()), after());
            let (mut old, mut new) = (0, 0);
            for at in 1..=whole.operations() + 1 {
                let crash = CrashIo::new(&files, Fault::CrashAt(at));
                let done = vacuum(&crash, mode, page_size, spill).is_ok();
                for luck in 0..3 {
                    let found = content(&crash.after_crash(&mut Random(at * 10 + luck)));
                    let what = format!("{mode:?}, pages of {page_size}, spill {spill}, crash at {at}, luck {luck}");
                    assert!(found == after() || (!done && found == before()), "{what}: {found:?}");
                    *(if found == after() { &mut new } else { &mut old }) += 1;
                }
            }
            assert!(old > 0 && new > 0, "{mode:?}: {old} {new}");
        }
    }
}

#[test]
fn a_failure_leaves_the_old_content() {
    for mode in MODES {
        let files = start(mode);
        let whole = CrashIo::new(&files, Fault::None);
        vacuum(&whole, mode, 1024, true).unwrap();
        for at in 1..=whole.operations() {
            for fault in [Fault::FailAt(at), Fault::FullAt(at)] {
                let crash = CrashIo::new(&files, fault);
                let done = vacuum(&crash, mode, 1024, true).is_ok();
                crash.set_fault(Fault::None);
                let found = content(&crash.files());
                let expected = if done { after() } else { before() };
                assert_eq!(found, expected, "{mode:?}, {fault:?}");
            }
        }
    }
}

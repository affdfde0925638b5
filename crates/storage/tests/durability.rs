//! What is written and synced in which order, per journal mode and `synchronous`: the points that SQLite has, as system calls
//! of it show, and what remains of journals and deleted content.

mod support;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use support::crash::*;
use support::*;
use turso_io::Io;
use turso_storage::btree::{BTreeCursor, CursorKind, InsertHint, TreeEraser, create_tree, drop_tree};
use turso_storage::*;

const PATH: &str = "/db";

fn open_in(io: &CrashIo, mode: JournalMode, synchronous: Synchronous) -> Pager {
    let io: Arc<dyn Io> = Arc::new(io.clone());
    let mut p = open(&io, Path::new(PATH), OpenOptions { wal: mode == JournalMode::Wal, ..OpenOptions::default() });
    if mode != JournalMode::Wal {
        p.set_journal_mode(mode).unwrap();
    }
    p.set_synchronous(synchronous);
    begin(&mut p);
    append(&mut p, 2, 1);
    commit(&mut p);
    p.end_read();
    p
}

/// The operations of the second commit, that of two changed pages and a new one.
fn second_commit(mode: JournalMode, synchronous: Synchronous) -> String {
    let io = CrashIo::new(&HashMap::new(), Fault::None);
    let mut p = open_in(&io, mode, synchronous);
    io.take_log();
    begin(&mut p);
    fill(&mut p, 3, 2);
    append(&mut p, 1, 2);
    commit(&mut p);
    p.end_read();
    io.take_log().join(", ")
}

#[test]
fn rollback_modes_sync_where_sqlite_does() {
    use JournalMode::{Delete, Memory, Persist, Truncate};
    use Synchronous::{Extra, Full, Normal};
    let normal = "write journal, sync journal, sync directory, write database, sync database";
    let full =
        "write journal, sync journal, sync directory, write journal, sync journal, write database, sync database";
    for (mode, synchronous, expected) in [
        (Delete, Synchronous::Off, "write journal, write database, delete journal".to_owned()),
        (Delete, Normal, format!("{normal}, delete journal")),
        (Delete, Full, format!("{full}, delete journal")),
        (Delete, Extra, format!("{full}, delete journal, sync directory")),
        (Truncate, Synchronous::Off, "write journal, write database, truncate journal".into()),
        (Truncate, Normal, format!("{normal}, truncate journal")),
        // SQLite cuts and syncs; zeros that are synced first can be taken back where the sync fails.
        (Truncate, Full, format!("{full}, write journal, sync journal, truncate journal")),
        (Persist, Synchronous::Off, "write journal, write database, write journal".into()),
        (Persist, Normal, format!("{normal}, write journal, sync journal")),
        (Persist, Full, format!("{full}, write journal, sync journal")),
        (Memory, Full, "write database, sync database".into()),
        (JournalMode::Off, Normal, "write database, sync database".into()),
        (JournalMode::Off, Synchronous::Off, "write database".into()),
    ] {
        assert_eq!(second_commit(mode, synchronous), expected, "{mode:?} {synchronous:?}");
    }
}

#[test]
fn wal_mode_syncs_where_sqlite_does() {
    for (synchronous, first, later, checkpoint, anew) in [
        (Synchronous::Off, "write wal", "write wal", "write database", "write wal"),
        (
            Synchronous::Normal,
            "sync directory, write wal, sync wal, write wal",
            "write wal",
            "sync wal, write database, sync database",
            "write wal, sync wal, write wal",
        ),
        (
            Synchronous::Full,
            "sync directory, write wal, sync wal, write wal, sync wal",
            "write wal, sync wal",
            "sync wal, write database, sync database",
            "write wal, sync wal, write wal, sync wal",
        ),
    ] {
        let io = CrashIo::new(&HashMap::new(), Fault::None);
        let mut p = open_in(&io, JournalMode::Wal, synchronous);
        let log = |what: &str| assert_eq!(io.take_log().join(", "), what, "{synchronous:?}");
        io.take_log();
        let change = |p: &mut Pager, byte| {
            begin(p);
            fill(p, 3, byte);
            commit(p);
            p.end_read();
        };
        change(&mut p, 5);
        log(first);
        change(&mut p, 6);
        log(later);
        p.checkpoint(CheckpointMode::Passive).unwrap();
        log(checkpoint);
        change(&mut p, 7);
        log(anew);
        drop(p);
        log(&format!("{checkpoint}, delete wal"));
    }
}

#[test]
fn journals_and_logs_are_cut_to_their_limit() {
    let size = |io: &CrashIo, name: &str| io.files().get(Path::new(name)).map_or(0, Vec::len);
    let io = CrashIo::new(&HashMap::new(), Fault::None);
    let mut p = open_in(&io, JournalMode::Persist, Synchronous::Full);
    let change = |p: &mut Pager| {
        begin(p);
        fill(p, 2, 2);
        fill(p, 3, 2);
        commit(p);
        p.end_read();
    };
    change(&mut p);
    assert_eq!(size(&io, "/db-journal"), 512 + 3 * 4104);
    p.set_journal_size_limit(1000);
    change(&mut p);
    assert_eq!(size(&io, "/db-journal"), 1000);
    p.set_journal_size_limit(0);
    change(&mut p);
    assert_eq!(size(&io, "/db-journal"), 0);
    drop(p);

    let io = CrashIo::new(&HashMap::new(), Fault::None);
    let mut p = open_in(&io, JournalMode::Wal, Synchronous::Full);
    p.set_journal_size_limit(10_000);
    for _ in 0..5 {
        change(&mut p);
    }
    assert!(size(&io, "/db-wal") > 40_000);
    p.checkpoint(CheckpointMode::Passive).unwrap();
    change(&mut p);
    assert_eq!(size(&io, "/db-wal"), 10_000);
    change(&mut p);
    assert_eq!(bytes(&mut p), [2, 2]);
}

/// True where the committed files hold these bytes.
fn holds(io: &CrashIo, what: &[u8]) -> bool {
    let files = io.files();
    files[Path::new(PATH)].windows(what.len()).any(|window| window == what)
}

#[test]
fn deleted_content_is_overwritten() {
    for secure in [0, 1, 2] {
        let io = CrashIo::new(&HashMap::new(), Fault::None);
        let mut p = open_in(&io, JournalMode::Delete, Synchronous::Off);
        p.set_secure_delete(secure);
        begin(&mut p);
        let root = create_tree(&mut p, true).unwrap();
        let mut cursor = BTreeCursor::new(root, CursorKind::Table);
        for row in 0..400 {
            let text = format!("row {row} secret {}", "x".repeat(row % 90)).into_bytes();
            cursor.insert_row(&mut p, row as i64, text.as_slice().into(), InsertHint::Seek).unwrap();
        }
        let long = [b"long secret", &[7; 20_000][..]].concat();
        cursor.insert_row(&mut p, 1000, long.as_slice().into(), InsertHint::Seek).unwrap();
        commit(&mut p);
        assert!(holds(&io, b"row 7 secret") && holds(&io, b"long secret"));
        begin(&mut p);
        for row in [7, 1000] {
            cursor.seek_rowid(&mut p, row).unwrap();
            cursor.delete(&mut p).unwrap();
        }
        commit(&mut p);
        assert!(!holds(&io, b"row 7 secret"), "{secure}");
        // Its leaf and its overflow pages have become free.
        assert_eq!((holds(&io, b"long secret"), holds(&io, &[7; 4000])), (secure != 1, secure != 1));
        begin(&mut p);
        TreeEraser::new(root, true).run(&mut p).unwrap();
        drop_tree(&mut p, root).unwrap();
        commit(&mut p);
        assert_eq!(holds(&io, b"secret"), secure != 1, "{secure}");
        p.end_read();
    }
}

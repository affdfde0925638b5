//! Damaged databases: what is saved of them, and that nothing is an obstacle.
//!
//! The rows expected are those that the `sqlite3` shell's `.recover` saves of the same files (the cases of `.recover` in the
//! shell's recorded scripts compare the text itself), or more where its documentation of limits says so.

use std::path::Path;

use turso_core::{Connection, Database, OpenOptions, Value};
use turso_recover::{ImagePages, IntoDatabase, Options, TextSink, recover, recover_pages};

fn open(path: &Path) -> Connection {
    Database::open(&path.display().to_string(), OpenOptions::default()).unwrap().connect().unwrap()
}

/// All rows of a query on SQLite, in one line.
fn rows(connection: &rusqlite::Connection, sql: &str) -> String {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut text = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |i| match row.get_ref(i).unwrap() {
            rusqlite::types::ValueRef::Null => "NULL".to_owned(),
            rusqlite::types::ValueRef::Integer(i) => i.to_string(),
            rusqlite::types::ValueRef::Real(r) => r.to_string(),
            rusqlite::types::ValueRef::Text(t) => String::from_utf8_lossy(t).into_owned(),
            rusqlite::types::ValueRef::Blob(b) => format!("{b:?}"),
        };
        text.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    text.join(" ")
}

struct Place {
    _folder: tempfile::TempDir,
    damaged: std::path::PathBuf,
    saved: std::path::PathBuf,
}

/// A file that SQLite writes.
fn place(sql: &str) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let (damaged, saved) = (folder.path().join("damaged.db"), folder.path().join("saved.db"));
    rusqlite::Connection::open(&damaged).unwrap().execute_batch(sql).unwrap();
    Place { _folder: folder, damaged, saved }
}

impl Place {
    fn damage(&self, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = std::fs::read(&self.damaged).unwrap();
        change(&mut bytes);
        std::fs::write(&self.damaged, bytes).unwrap();
    }

    /// Save it into another file, which SQLite then reads.
    fn save(&self, options: &Options) -> rusqlite::Connection {
        for file in [&self.saved, &self.saved.with_extension("db-wal"), &self.saved.with_extension("db-shm")] {
            let _ = std::fs::remove_file(file);
        }
        let (from, to) = (open(&self.damaged), open(&self.saved));
        recover(&from, "main", options, &mut IntoDatabase::new(&to)).unwrap();
        drop((from, to));
        let saved = rusqlite::Connection::open(&self.saved).unwrap();
        assert_eq!(rows(&saved, "PRAGMA integrity_check"), "ok");
        saved
    }

    /// Save it as text, which SQLite then runs.
    fn save_as_text(&self, options: &Options) -> (String, rusqlite::Connection) {
        let from = open(&self.damaged);
        let mut text = Vec::new();
        let mut sink = TextSink::new(|part| {
            text.extend_from_slice(part);
            Ok(())
        });
        recover(&from, "main", options, &mut sink).unwrap();
        let text = String::from_utf8(text).unwrap();
        let saved = rusqlite::Connection::open_in_memory().unwrap();
        saved.execute_batch(&text).unwrap();
        (text, saved)
    }
}

const TABLES: &str = "PRAGMA page_size = 512;
    CREATE TABLE t(a, b); CREATE INDEX t_a ON t(a); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID;
    CREATE TABLE g(v AS (a + 1), a, s AS (a + 2) STORED, b); CREATE TABLE k(a INTEGER PRIMARY KEY DESC, b);
    CREATE TABLE n(id INTEGER PRIMARY KEY AUTOINCREMENT, x); CREATE VIEW view AS SELECT a FROM t;
    CREATE TRIGGER tr AFTER DELETE ON t BEGIN SELECT 1; END; CREATE UNIQUE INDEX n_x ON n(x);
    WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < 100) INSERT INTO t SELECT i, 'row ' || i FROM s;
    INSERT INTO w SELECT 'k' || a, b FROM t; INSERT INTO g(a, b) VALUES (1, 2); INSERT INTO k VALUES (7, 8);
    INSERT INTO n VALUES (5, 'five'), (9, 'nine'); DELETE FROM n WHERE id = 9; INSERT INTO t VALUES (101, hex(zeroblob(2000)));
    PRAGMA user_version = 77;";

#[test]
fn a_sound_database_is_saved_whole() {
    let place = place(TABLES);
    let (text, in_text) = place.save_as_text(&Options::default());
    assert!(
        text.starts_with(
            "BEGIN;\nPRAGMA writable_schema = on;\nPRAGMA encoding = 'UTF-8';\nPRAGMA page_size = '512';\n"
        )
    );
    let original = rusqlite::Connection::open(&place.damaged).unwrap();
    for saved in [in_text, place.save(&Options::default())] {
        for sql in [
            "SELECT type, name, sql FROM sqlite_schema ORDER BY name",
            "SELECT rowid, * FROM t",
            "SELECT * FROM w",
            "SELECT rowid, * FROM g",
            "SELECT rowid, * FROM k",
            "SELECT * FROM n",
            "SELECT * FROM sqlite_sequence",
            "PRAGMA user_version",
        ] {
            assert_eq!(rows(&saved, sql), rows(&original, sql), "{sql}");
        }
    }
    let saved = place.save(&Options { rowids: false, ..Options::default() });
    assert_eq!(rows(&saved, "SELECT rowid FROM k"), "1");
}

#[test]
fn rows_without_a_schema_are_lost_and_found() {
    let place =
        place("CREATE TABLE lost_and_found(x); CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, NULL);");
    let damaging = rusqlite::Connection::open(&place.damaged).unwrap();
    damaging.execute_batch("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 't'").unwrap();
    drop(damaging);
    let saved = place.save(&Options::default());
    assert_eq!(rows(&saved, "SELECT * FROM lost_and_found_0"), "3|3|2|1|1|x 3|3|2|2|2|NULL");
    let saved = place.save(&Options { lost_and_found: Some("found".into()), ..Options::default() });
    assert_eq!(rows(&saved, "SELECT id, c0, c1 FROM found"), "1|1|x 2|2|NULL");
    let saved = place.save(&Options { lost_and_found: None, ..Options::default() });
    assert_eq!(rows(&saved, "SELECT name FROM sqlite_schema"), "lost_and_found");
}

#[test]
fn what_was_dropped_comes_back_unless_the_freelist_is_believed() {
    let place = place(
        "CREATE TABLE t(a); CREATE TABLE u(a, b); INSERT INTO t VALUES (1);
         WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < 1000) INSERT INTO u SELECT i, 'row' FROM s;
         DROP TABLE u",
    );
    let saved = place.save(&Options::default());
    assert_eq!(rows(&saved, "SELECT count(*) > 100, min(c1), max(nfield) FROM lost_and_found"), "1|row|2");
    let saved = place.save(&Options { freelist: false, ..Options::default() });
    assert_eq!(rows(&saved, "SELECT name FROM sqlite_schema"), "t");
}

/// A table whose definition makes no sense keeps its rows.
#[test]
fn a_broken_definition_costs_no_rows() {
    let place = place(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2); CREATE INDEX i ON t(b); CREATE TABLE u(a); INSERT INTO u VALUES (3)",
    );
    let damaging = rusqlite::Connection::open(&place.damaged).unwrap();
    damaging
        .execute_batch("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t syntax error' WHERE name = 't'")
        .unwrap();
    drop(damaging);
    let saved = place.save(&Options::default());
    assert_eq!(rows(&saved, "SELECT * FROM u"), "3");
    assert_eq!(rows(&saved, "SELECT id, c0, c1 FROM lost_and_found"), "1|1|2");
}

#[test]
fn damage_of_every_kind_is_no_obstacle() {
    type Damage = fn(&mut Vec<u8>);
    let count = |saved: &rusqlite::Connection, table: &str| {
        let there = rows(saved, &format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'"));
        if there == "0" { 0 } else { rows(saved, &format!("SELECT count(*) FROM {table}")).parse().unwrap() }
    };
    let cases: [(&str, Damage, [usize; 3]); 8] = [
        ("no header", |b| b[..100].fill(0), [101, 100, 0]),
        ("cut off in the middle of a page", |b| b.truncate(512 * 8 + 100), [0, 0, 0]),
        ("no first page", |b| b[..512].fill(0), [0, 0, 101 + 100]),
        ("its first page is gone", |b| drop(b.drain(..512)), [0, 0, 101 + 100]),
        (
            "a root leads to itself",
            |b| {
                let at = 512 + 8;
                b[at..at + 4].copy_from_slice(&2u32.to_be_bytes())
            },
            [0, 100, 0],
        ),
        ("the root of a table is wiped", |b| b[512..1024].fill(0), [0, 100, 101 - 11]),
        ("cells that point nowhere", |b| b[512 + 12..512 + 20].fill(0xff), [0, 100, 0]),
        ("noise", |b| (700..b.len()).step_by(7).for_each(|i| b[i] = (i * 31) as u8), [0, 0, 0]),
    ];
    for (name, damage, least) in cases {
        let place = place(TABLES);
        place.damage(damage);
        let saved = place.save(&Options::default());
        for (table, least) in ["t", "w", "lost_and_found"].into_iter().zip(least) {
            let found = count(&saved, table);
            assert!(found >= least, "{name}: {found} rows of {table}, not {least}");
        }
    }
}

/// A statement of the schema may end in a comment, which takes what follows on its line.
#[test]
fn a_comment_at_the_end_of_a_definition_hides_nothing() {
    let place = place(
        "CREATE VIEW v AS SELECT 1 AS x -- one\n; CREATE VIEW w AS SELECT '--' AS x; CREATE VIEW y AS SELECT 2 AS x",
    );
    for saved in [place.save_as_text(&Options::default()).1, place.save(&Options::default())] {
        assert_eq!(rows(&saved, "SELECT v.x, w.x, y.x FROM v, w, y"), "1|--|2");
    }
}

/// An overflow page that leads to itself is read once.
#[test]
fn a_chain_that_goes_round_ends() {
    let place = place(TABLES);
    let pages = std::fs::read(&place.damaged).unwrap().len() / 512;
    let long = rusqlite::Connection::open(&place.damaged).unwrap();
    let text = rows(&long, "SELECT length(b) FROM t WHERE rowid = 101");
    drop(long);
    assert_eq!(text, "4000");
    // The first overflow page is the one that begins with the number of another and holds zeros as text.
    place.damage(|bytes| {
        let first = (0..pages).find(|page| bytes[page * 512 + 4..page * 512 + 512].iter().all(|b| *b == b'0')).unwrap();
        bytes[first * 512..first * 512 + 4].copy_from_slice(&(first as u32 + 1).to_be_bytes());
    });
    let saved = place.save(&Options::default());
    assert_eq!(rows(&saved, "SELECT length(b) < 1100 FROM t WHERE rowid = 101"), "1");
}

/// Nothing that a page may hold ends in a panic or goes on for ever; the pages are read with and without the engine.
#[test]
fn random_damage_is_survived() {
    let sound = std::fs::read(place(TABLES).damaged).unwrap();
    let mut seed = 7u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let folder = tempfile::tempdir().unwrap();
    for round in 0..60 {
        let mut bytes = sound.clone();
        for _ in 0..=random(6) {
            let at = random(bytes.len() - 600);
            match random(5) {
                0 => bytes[at] = random(256) as u8,
                1 => bytes[at..at + 512].fill(0xff),
                2 => bytes[at / 512 * 512..][..12].iter_mut().for_each(|b| *b = random(256) as u8),
                3 => bytes.copy_within(at / 512 * 512..at / 512 * 512 + 512, random(20) * 512),
                _ => bytes[at..at + 4].copy_from_slice(&(random(40) as u32).to_be_bytes()),
            }
        }
        let path = folder.path().join(format!("{round}.db"));
        std::fs::write(&path, bytes).unwrap();
        let mut sink = TextSink::new(|_| Ok(()));
        recover_pages(&mut ImagePages::open(&path).unwrap(), &Options::default(), &mut sink).unwrap();
        let options = OpenOptions { read_only: true, ..OpenOptions::default() };
        if let Ok(database) = Database::open(&path.display().to_string(), options) {
            recover(&database.connect().unwrap(), "main", &Options::default(), &mut TextSink::new(|_| Ok(()))).unwrap();
        }
    }
}

/// What lies in the log counts, and the connection is left as it was.
#[test]
fn the_log_is_read_and_the_connection_left_alone() {
    let place = place("PRAGMA journal_mode = wal; CREATE TABLE t(a)");
    let connection = open(&place.damaged);
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES ('in the log')").unwrap();
    let mut text = Vec::new();
    recover(
        &connection,
        "main",
        &Options::default(),
        &mut TextSink::new(|part| {
            text.extend_from_slice(part);
            Ok(())
        }),
    )
    .unwrap();
    assert!(String::from_utf8_lossy(&text).contains("VALUES (1, 'in the log');"));
    assert!(connection.is_autocommit());
    let mut statement = connection.prepare("PRAGMA writable_schema").unwrap().statement.unwrap();
    statement.step().unwrap();
    assert_eq!(statement.row(), [Value::Integer(0)]);
}

//! VACUUM and VACUUM INTO: the same catalogue, rows, rowids and header as SQLite leaves, and the same errors.

mod support;

use std::path::Path;
use std::sync::{Arc, Mutex};

use support::{run_ours, run_theirs};
use turso_core::io::{Io, MemoryIo};
use turso_core::{Backend, Connection, Database, OpenOptions, StepResult, Value};

fn open(path: &Path, backend: Backend) -> Connection {
    let options = OpenOptions { new_uses_wal: false, backend, cache_pages: Some(16), ..OpenOptions::default() };
    Database::open(path.to_str().unwrap(), options).unwrap().connect().unwrap()
}

/// The header without the change counter and what comes from it, and without size and freelist: how full index pages are is
/// our own choice. The encoding of an empty database counts as chosen here, and not in SQLite.
fn header(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let mut header = bytes[..100].to_vec();
    for at in (24..40).chain(92..100) {
        header[at] = 0;
    }
    header[59] = header[59].max(1);
    header
}

/// Runs the script on both engines, each on a file of its own named by `@`, and compares answers, headers and sizes.
fn check_on(backend: Backend, script: &str) {
    let directory = tempfile::tempdir().unwrap();
    let [ours, theirs] = ["ours", "theirs"].map(|name| {
        let path = directory.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    });
    let connection = open(&ours.join("main.db"), backend);
    let stock = rusqlite::Connection::open(theirs.join("main.db")).unwrap();
    let texts = [&ours, &theirs].map(|path| script.replace('@', path.to_str().unwrap()));
    let (a, b) = (run_ours(&connection, &texts[0]), run_theirs(&stock, &texts[1]));
    for (a, b) in a.iter().zip(&b) {
        let place = |answer: &support::Outcome, path: &Path| format!("{answer:?}").replace(path.to_str().unwrap(), "@");
        assert_eq!(place(a, &ours), place(b, &theirs), "{script}");
    }
    assert_eq!(a.len(), b.len());
    drop((connection, stock));
    let names = |path: &Path| {
        let mut names: Vec<_> = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&ours), names(&theirs));
    for name in names(&ours) {
        let (a, b) = (ours.join(&name), theirs.join(&name));
        assert_eq!(header(&a), header(&b), "{name:?} after {script}");
        let [a_size, b_size] = [&a, &b].map(|path| path.metadata().unwrap().len());
        // A part of a page more per tree.
        let page = match u64::from(u16::from_be_bytes([header(&a)[16], header(&a)[17]])) {
            1 => 65536,
            size => size,
        };
        assert!(
            a_size <= b_size + b_size / 20 + 3 * page,
            "{name:?} has {a_size} bytes, SQLite's {b_size} after {script}"
        );
        let sound = rusqlite::Connection::open(&a).unwrap();
        let text: String = sound.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(text, "ok", "{name:?} after {script}");
    }
}

fn check(script: &str) {
    check_on(Backend::Default, script);
    check_on(Backend::AlwaysPending, script);
}

const FILL: &str = "
    CREATE TABLE a(x); CREATE TABLE b(x UNIQUE, y); CREATE TABLE c(x INTEGER PRIMARY KEY AUTOINCREMENT, y);
    CREATE VIEW v AS SELECT 1; CREATE INDEX ia ON a(x) WHERE x > 3; CREATE TABLE d(k, v, PRIMARY KEY(k, v DESC)) WITHOUT ROWID;
    CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; CREATE TABLE e(z); CREATE INDEX ee ON e(z DESC); CREATE TABLE f(q);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 160)
        INSERT INTO f SELECT printf('%.*c', i * 7 % 900, 'x') FROM n;
    INSERT INTO a SELECT length(q) FROM f; INSERT INTO b SELECT rowid, q FROM f; INSERT INTO c(y) SELECT q FROM f;
    INSERT INTO d SELECT rowid % 17, q FROM f; INSERT INTO e SELECT substr(q || q, 1, 300) FROM f; INSERT INTO f VALUES(zeroblob(30000));
    DELETE FROM a WHERE x % 3 = 0; DELETE FROM b WHERE x % 2; DELETE FROM c WHERE x % 5 < 3; DELETE FROM d WHERE k = 3;
    DELETE FROM e WHERE length(z) < 200; DELETE FROM f WHERE rowid % 7 = 0;
    PRAGMA user_version = 7; PRAGMA application_id = 99; PRAGMA default_cache_size = 123;";

const SHOW: &str = "
    SELECT rowid, * FROM sqlite_schema; SELECT rowid, * FROM a; SELECT rowid, x FROM b; SELECT * FROM c; SELECT k, length(v) FROM d;
    SELECT rowid, length(z) FROM e; SELECT rowid, length(q) FROM f; SELECT * FROM sqlite_sequence;
    SELECT z IS NULL FROM e ORDER BY z DESC LIMIT 2; PRAGMA freelist_count; PRAGMA page_size; PRAGMA auto_vacuum;
    PRAGMA schema_version; PRAGMA journal_mode; PRAGMA integrity_check;";

#[test]
fn what_is_left_is_what_sqlite_leaves() {
    check(&format!("{FILL} VACUUM; {SHOW} VACUUM main; INSERT INTO f VALUES(1); {SHOW}"));
}

#[test]
fn changes_of_page_size_and_auto_vacuum_take_effect() {
    for (size, auto) in [(512, "full"), (65536, "incremental"), (8192, "none"), (777, "2")] {
        check(&format!("{FILL} PRAGMA page_size = {size}; PRAGMA auto_vacuum = {auto}; VACUUM; {SHOW} VACUUM; {SHOW}"));
    }
    check(&format!("PRAGMA auto_vacuum = 1; {FILL} VACUUM; {SHOW} PRAGMA auto_vacuum = 0; VACUUM; {SHOW}"));
    check(&format!(
        "{FILL} PRAGMA journal_mode = wal; PRAGMA page_size = 1024; PRAGMA auto_vacuum = 1; VACUUM; {SHOW}"
    ));
}

#[test]
fn utf16_and_empty_databases() {
    check(&format!("PRAGMA encoding = 'UTF-16le'; {FILL} VACUUM; {SHOW}"));
    check("VACUUM; PRAGMA page_count; PRAGMA schema_version");
    check(
        "PRAGMA page_size = 1024; PRAGMA user_version = 3; VACUUM; PRAGMA page_count; PRAGMA page_size = 2048; VACUUM; PRAGMA page_size",
    );
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES(5); DROP TABLE t; CREATE TABLE x(a); VACUUM; SELECT rowid, * FROM sqlite_schema",
    );
}

#[test]
fn into_writes_a_new_file_and_leaves_the_old_one() {
    check(&format!(
        "{FILL} VACUUM INTO '@/copy.db'; ATTACH '@/copy.db' AS o; SELECT rowid, * FROM o.sqlite_schema;
         SELECT rowid, length(q) FROM o.f; SELECT * FROM o.sqlite_sequence; PRAGMA o.schema_version; PRAGMA o.journal_mode;
         VACUUM INTO '@/copy.db'; VACUUM o INTO '@/third' || '.db'; PRAGMA page_size = 1024; VACUUM INTO '@/small.db';
         DELETE FROM o.f; VACUUM o; PRAGMA o.freelist_count"
    ));
    check(&format!("PRAGMA journal_mode = wal; {FILL} VACUUM INTO '@/copy.db'; PRAGMA journal_mode"));
}

#[test]
fn errors_are_those_of_sqlite() {
    check(
        "CREATE TABLE t(a); INSERT INTO t VALUES(1); VACUUM INTO NULL; VACUUM INTO 5; VACUUM INTO x'6162'; VACUUM nosuch; VACUUM temp;
         VACUUM INTO '@/no/such/file'; VACUUM INTO nosuchcolumn; VACUUM INTO abs(1); VACUUM INTO (SELECT 1 FROM nosuch);
         VACUUM INTO '@/main.db'; VACUUM INTO ''; VACUUM INTO ':memory:'; BEGIN; VACUUM; VACUUM INTO '@/x.db'; ROLLBACK;
         SAVEPOINT s; VACUUM; RELEASE s; VACUUM; SELECT * FROM t; SELECT changes(), total_changes(), last_insert_rowid()",
    );
    let connection = open(Path::new(":memory:"), Backend::Default);
    connection.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES(1), (2)").unwrap();
    let mut reader = connection.prepare("SELECT a FROM t").unwrap().statement.unwrap();
    assert_eq!(reader.step().unwrap(), StepResult::Row);
    let error = connection.execute_batch("VACUUM").unwrap_err();
    assert_eq!((error.code().0, error.message()), (1, "cannot VACUUM - SQL statements in progress"));
    assert_eq!(reader.step().unwrap(), StepResult::Row);
    drop(reader);
    connection.execute_batch("PRAGMA page_size = 1024; PRAGMA auto_vacuum = 1; VACUUM").unwrap();
    let answers = run_ours(&connection, "SELECT sum(a) FROM t; PRAGMA page_size; PRAGMA auto_vacuum");
    assert_eq!(answers.into_iter().map(|(rows, _)| rows[0].clone()).collect::<Vec<_>>(), ["3", "4096", "1"]);
}

#[test]
fn other_connections_go_on_after_it() {
    let io: Arc<dyn Io> = Arc::new(MemoryIo::new());
    let options = OpenOptions { backend: Backend::Custom(io), ..OpenOptions::default() };
    let database = Database::open("/other.db", options).unwrap();
    let (a, b) = (database.connect().unwrap(), database.connect().unwrap());
    a.execute_batch("CREATE TABLE t(x); CREATE TABLE u(y); INSERT INTO t VALUES(1); INSERT INTO u VALUES(2); DROP TABLE t; CREATE TABLE w(z)").unwrap();
    let mut statement = b.prepare("SELECT y FROM u").unwrap().statement.unwrap();
    for _ in 0..2 {
        assert_eq!(statement.step().unwrap(), StepResult::Row);
        assert_eq!(statement.row(), [Value::Integer(2)]);
        statement.reset();
        a.execute_batch("VACUUM").unwrap();
    }
    b.execute_batch("INSERT INTO w VALUES(1); VACUUM; INSERT INTO u VALUES(3)").unwrap();
    a.execute_batch("INSERT INTO u VALUES(4)").unwrap();
}

fn rows(connection: &Connection, sql: &str) -> Vec<String> {
    let outcomes = run_ours(connection, sql);
    outcomes.into_iter().flat_map(|(rows, error)| rows.into_iter().chain(error)).collect()
}

/// `SQLITE_DBCONFIG_RESET_DATABASE`: what is in the database, and whether it is one at all, does not matter.
#[test]
fn a_database_that_is_reset_is_empty_whatever_it_held() {
    let directory = tempfile::tempdir().unwrap();
    for (mode, damage) in [("delete", false), ("delete", true), ("wal", false)] {
        let path = directory.path().join(format!("{mode}{damage}.db"));
        let connection = open(&path, Backend::Default);
        let setup =
            "PRAGMA page_size = 1024; PRAGMA auto_vacuum = 2; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000));
                     PRAGMA user_version = 7; PRAGMA journal_mode = ";
        rows(&connection, &format!("{setup}{mode}"));
        if damage {
            let mut bytes = std::fs::read(&path).unwrap();
            bytes[..1024].fill(0x5a);
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(rows(&connection, "SELECT * FROM t"), ["26 file is not a database"]);
        }
        connection.turn(turso_core::Switch::ResetDatabase, true);
        assert_eq!(rows(&connection, "VACUUM"), [""; 0]);
        connection.turn(turso_core::Switch::ResetDatabase, false);
        let asked = "SELECT count(*) FROM sqlite_schema; PRAGMA page_size; PRAGMA auto_vacuum; PRAGMA user_version;
                     PRAGMA journal_mode; PRAGMA integrity_check; CREATE TABLE u(a); INSERT INTO u VALUES (1); SELECT * FROM u";
        assert_eq!(rows(&connection, asked), ["0", "1024", "2", "0", &format!("'{mode}'"), "'ok'", "1"]);
        drop(connection);
        let theirs = rusqlite::Connection::open(&path).unwrap();
        let answer: String = theirs.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(answer, "ok");
    }
}

#[test]
fn bytes_are_reserved_once_the_database_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let connection = open(&path, Backend::Default);
    let reserved = || std::fs::read(&path).unwrap()[20];
    assert_eq!(connection.reserved_bytes(0, Some(23)), Some(0));
    rows(&connection, "CREATE TABLE t(a, b UNIQUE); INSERT INTO t VALUES (1, zeroblob(20000)), (2, zeroblob(5))");
    assert_eq!((reserved(), connection.reserved_bytes(0, Some(10))), (23, Some(23)));
    rows(&connection, "VACUUM");
    assert_eq!((reserved(), connection.reserved_bytes(0, Some(40))), (23, Some(23)));
    rows(&connection, "PRAGMA journal_mode = wal; VACUUM; PRAGMA journal_mode = delete");
    assert_eq!((reserved(), connection.reserved_bytes(0, None)), (40, Some(40)));
    let theirs = rusqlite::Connection::open(&path).unwrap();
    let answer: String = theirs.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(answer, "ok");
}

/// Commits give two pages back; the answer is what the application is asked.
fn give_two_pages_back(connection: &Connection) -> Arc<Mutex<Vec<String>>> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = asked.clone();
    let hook: turso_core::hooks::AutoVacuumHook = Arc::new(move |name: &str, pages, free, size| {
        told.lock().unwrap().push(format!("{name} {pages} {free} {size}"));
        2
    });
    connection.set_auto_vacuum_hook(Some(hook));
    asked
}

#[test]
fn the_application_says_how_many_pages_a_commit_gives_back() {
    let directory = tempfile::tempdir().unwrap();
    let connection = open(&directory.path().join("x.db"), Backend::Default);
    let setup = "PRAGMA page_size = 512; PRAGMA auto_vacuum = 1; CREATE TABLE t(a, b);
                 INSERT INTO t SELECT value, zeroblob(400) FROM generate_series(1, 40)";
    rows(&connection, setup);
    let asked = give_two_pages_back(&connection);
    rows(&connection, "DELETE FROM t WHERE a > 30");
    assert_eq!(rows(&connection, "PRAGMA freelist_count; PRAGMA page_count"), ["8", "41"]);
    connection.set_auto_vacuum_hook(None);
    rows(&connection, "DELETE FROM t WHERE a = 30");
    assert_eq!(rows(&connection, "PRAGMA freelist_count; PRAGMA integrity_check"), ["0", "'ok'"]);
    assert_eq!(*asked.lock().unwrap(), ["main 43 10 512"]);
}

#[test]
fn a_commit_that_is_tried_again_gives_back_no_more_pages() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let connection = open(&path, Backend::Default);
    let setup = "PRAGMA page_size = 512; PRAGMA auto_vacuum = 1; PRAGMA busy_timeout = 20; CREATE TABLE t(a, b);
                 INSERT INTO t SELECT value, zeroblob(400) FROM generate_series(1, 40)";
    rows(&connection, setup);
    let asked = give_two_pages_back(&connection);
    let reader = open(&path, Backend::Default);
    rows(&reader, "BEGIN; SELECT count(*) FROM t");
    rows(&connection, "BEGIN; DELETE FROM t WHERE a > 30");
    assert_eq!(rows(&connection, "COMMIT"), ["5 database is locked"]);
    rows(&reader, "COMMIT");
    assert_eq!(rows(&connection, "COMMIT"), [""; 0]);
    assert_eq!(rows(&connection, "PRAGMA freelist_count; PRAGMA page_count"), ["8", "41"]);
    assert_eq!(*asked.lock().unwrap(), ["main 43 10 512"]);
    // What a transaction that was rolled back was answered is forgotten.
    rows(&reader, "BEGIN; SELECT count(*) FROM t");
    rows(&connection, "BEGIN; DELETE FROM t WHERE a = 30");
    assert_eq!(rows(&connection, "COMMIT"), ["5 database is locked"]);
    rows(&reader, "COMMIT");
    rows(&connection, "ROLLBACK; DELETE FROM t WHERE a = 30");
    assert_eq!(
        rows(&connection, "PRAGMA freelist_count; PRAGMA page_count; PRAGMA integrity_check"),
        ["7", "39", "'ok'"]
    );
    assert_eq!(*asked.lock().unwrap(), ["main 43 10 512", "main 41 9 512", "main 41 9 512"]);
}

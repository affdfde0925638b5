//! `BEGIN CONCURRENT`: what it shows, what conflicts, what does not.

use std::path::PathBuf;

use tempfile::TempDir;
use turso_core::{Connection, Database, OpenOptions, ResultCode, StepResult, Value};

struct Scratch {
    path: PathBuf,
    _folder: TempDir,
    database: Option<Database>,
}

impl Scratch {
    /// A database file with this content.
    fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let database = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
        let scratch = Self { database: Some(database), path, _folder: folder };
        scratch.connect().execute_batch(sql).unwrap();
        scratch
    }

    fn connect(&self) -> Connection {
        let connection = self.database.as_ref().unwrap().connect().unwrap();
        connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON").unwrap();
        connection
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.database.take().is_some() && !std::thread::panicking() {
            let file = rusqlite::Connection::open(&self.path).unwrap();
            let ok: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(ok, "ok");
        }
    }
}

fn ok(c: &Connection, sql: &str) {
    c.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// The rows of a query: values joined by `|`, rows by blanks.
fn rows(c: &Connection, sql: &str) -> String {
    let mut statement = c.prepare(sql).unwrap().statement.unwrap();
    let mut rows = Vec::new();
    while statement.step().unwrap_or_else(|e| panic!("{sql}: {e}")) == StepResult::Row {
        let show = |value: &Value| match value {
            Value::Null => "NULL".into(),
            Value::Integer(i) => i.to_string(),
            Value::Real(r) => r.to_string(),
            Value::Text(t) => String::from_utf8_lossy(t).into_owned(),
            Value::Blob(b) => format!("{} bytes", b.len()),
        };
        rows.push(statement.row().iter().map(show).collect::<Vec<_>>().join("|"));
    }
    rows.join(" ")
}

/// The statement fails with `SQLITE_BUSY_SNAPSHOT`; the text says why.
fn conflict(c: &Connection, sql: &str) -> String {
    let error = c.execute_batch(sql).expect_err(sql);
    assert_eq!(error.code(), ResultCode::BUSY_SNAPSHOT, "{sql}: {error}");
    let text = error.message().to_owned();
    match text
        .strip_prefix("conflict: ")
        .and_then(|t| t.strip_suffix(" by a transaction that committed in the meantime"))
    {
        Some(reason) => reason.to_owned(),
        None => text,
    }
}

const T: &str =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b UNIQUE); INSERT INTO t VALUES(1, 10, 100), (2, 20, 200), (3, 30, 300)";

#[test]
fn rows_that_share_a_page_do_not_conflict() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT; UPDATE t SET a = 11 WHERE id = 1");
    ok(&y, "BEGIN CONCURRENT; UPDATE t SET a = 22 WHERE id = 2; DELETE FROM t WHERE id = 3");
    assert_eq!(rows(&x, "SELECT id, a FROM t"), "1|11 2|20 3|30");
    assert_eq!(rows(&y, "SELECT id, a FROM t"), "1|10 2|22");
    ok(&x, "COMMIT");
    assert_eq!(rows(&y, "SELECT id, a FROM t"), "1|10 2|22");
    ok(&y, "COMMIT");
    assert_eq!(rows(&x, "SELECT * FROM t"), "1|11|100 2|22|200");
}

#[test]
fn the_same_row_is_a_conflict_that_names_it_and_the_transaction_runs_again() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT; UPDATE t SET a = a + 1 WHERE id = 2");
    ok(&y, "BEGIN CONCURRENT; UPDATE t SET a = a + 1 WHERE id = 2");
    ok(&x, "COMMIT");
    assert_eq!(conflict(&y, "COMMIT"), "row 2 of table t has been changed");
    // Until it is rolled back, nothing else goes.
    assert_eq!(conflict(&y, "SELECT * FROM t"), "row 2 of table t has been changed");
    assert_eq!(conflict(&y, "INSERT INTO t VALUES(9, 9, 9)"), "row 2 of table t has been changed");
    ok(&y, "ROLLBACK; BEGIN CONCURRENT; UPDATE t SET a = a + 1 WHERE id = 2; COMMIT");
    assert_eq!(rows(&x, "SELECT a FROM t WHERE id = 2"), "22");
}

#[test]
fn a_row_that_was_changed_and_changed_back_is_a_conflict() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT; UPDATE t SET a = 12 WHERE id = 1");
    ok(&y, "UPDATE t SET a = 11 WHERE id = 1");
    ok(&y, "BEGIN CONCURRENT; UPDATE t SET a = 10 WHERE id = 1; COMMIT");
    assert_eq!(conflict(&x, "COMMIT"), "row 1 of table t has been changed");
}

#[test]
fn a_row_without_rowid_that_was_changed_and_changed_back_is_a_conflict() {
    let scratch = Scratch::new(
        "CREATE TABLE w(k TEXT COLLATE NOCASE PRIMARY KEY, n, v) WITHOUT ROWID; CREATE INDEX w_v ON w(v);
         INSERT INTO w VALUES('a', 1, 1), ('b', 2, 2), ('c', 3, zeroblob(3000))",
    );
    let (x, y) = (scratch.connect(), scratch.connect());
    for (there, back) in [
        ("UPDATE w SET v = 9 WHERE k = 'a'", "UPDATE w SET v = 1 WHERE k = 'a'"),
        ("DELETE FROM w WHERE k = 'a'", "INSERT INTO w VALUES('a', 1, 1)"),
        ("DELETE FROM w", "INSERT INTO w VALUES('a', 1, 1), ('b', 2, 2), ('c', 3, zeroblob(3000))"),
    ] {
        for begin in ["BEGIN CONCURRENT", "BEGIN IMMEDIATE"] {
            ok(&x, "BEGIN CONCURRENT; UPDATE w SET n = 7 WHERE k = 'A'; UPDATE w SET n = 8 WHERE k = 'A'");
            ok(&y, &format!("{begin}; {there}; COMMIT; {begin}; {back}; COMMIT"));
            assert_eq!(conflict(&x, "COMMIT"), "row ('a') of table w has been changed", "{there}");
            ok(&x, "ROLLBACK");
        }
    }
    // What others did to other rows is in nobody's way.
    ok(
        &x,
        "BEGIN CONCURRENT; UPDATE w SET n = 7 WHERE k = 'a'; DELETE FROM w WHERE k = 'c'; INSERT INTO w VALUES('d', 4, 2)",
    );
    ok(&y, "UPDATE w SET v = 9 WHERE k = 'b'; UPDATE w SET v = 2 WHERE k = 'b'; INSERT INTO w VALUES('e', 5, 2)");
    ok(&x, "COMMIT");
    assert_eq!(rows(&y, "SELECT k, n, v FROM w"), "a|7|1 b|2|2 d|4|2 e|5|2");
}

#[test]
fn a_unique_key_is_taken_once() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT; INSERT INTO t VALUES(4, 0, 400)");
    ok(&y, "BEGIN CONCURRENT; INSERT INTO t VALUES(5, 0, 400)");
    ok(&x, "COMMIT");
    assert_eq!(conflict(&y, "COMMIT"), "key (400) of index sqlite_autoindex_t_1 on table t has been taken");
    ok(&y, "ROLLBACK");
    // Keys that move from row to row within one transaction pass.
    ok(
        &y,
        "BEGIN CONCURRENT; UPDATE t SET b = NULL WHERE id = 1; UPDATE t SET b = 100 WHERE id = 2; UPDATE t SET b = 200 WHERE id = 1",
    );
    ok(&x, "INSERT INTO t VALUES(7, 7, 7)");
    ok(&y, "COMMIT");
    assert_eq!(rows(&x, "SELECT id, b FROM t ORDER BY id"), "1|200 2|100 3|300 4|400 7|7");
}

#[test]
fn appends_with_automatic_rowids_never_conflict() {
    let scratch = Scratch::new("CREATE TABLE t(x); CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, x)");
    let writers: Vec<Connection> = (0..5).map(|_| scratch.connect()).collect();
    for (n, c) in writers.iter().enumerate() {
        ok(c, &format!("BEGIN CONCURRENT; INSERT INTO t VALUES({n}), ({n}); INSERT INTO a(x) VALUES({n}), ({n})"));
    }
    // A plain writer takes part, and follows SQLite's rule where nothing is in its way.
    let plain = scratch.connect();
    ok(&plain, "INSERT INTO t VALUES('plain'); INSERT INTO a(x) VALUES('plain')");
    for c in writers.iter().rev() {
        ok(c, "COMMIT");
    }
    assert_eq!(rows(&plain, "SELECT count(*), count(DISTINCT rowid), max(rowid) FROM t"), "11|11|11");
    assert_eq!(rows(&plain, "SELECT count(*), count(DISTINCT id), max(id) FROM a"), "11|11|11");
    assert_eq!(rows(&plain, "SELECT name, seq FROM sqlite_sequence"), "a|11");
    ok(&plain, "DELETE FROM t; INSERT INTO t VALUES(1)");
    assert_eq!(rows(&plain, "SELECT rowid FROM t"), "1");
}

#[test]
fn a_parent_and_its_new_child_conflict() {
    let tables = "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE);
                  CREATE TABLE d(p REFERENCES p); INSERT INTO p VALUES(1), (2), (3); INSERT INTO c VALUES(1, 1), (2, 2)";
    let scratch = Scratch::new(tables);
    let (x, y) = (scratch.connect(), scratch.connect());
    // The cascade could not see the child.
    ok(&x, "BEGIN CONCURRENT; DELETE FROM p WHERE id = 1");
    ok(&y, "INSERT INTO c VALUES(3, 1)");
    assert_eq!(conflict(&x, "COMMIT"), "a row of table c that refers to (1) of table p has been added");
    ok(&x, "ROLLBACK");
    // The child could not see that its parent went; the table has no index for the key.
    ok(&x, "BEGIN CONCURRENT; INSERT INTO d VALUES(2)");
    ok(&y, "DELETE FROM p WHERE id = 2");
    assert_eq!(conflict(&x, "COMMIT"), "the parent (2) of a row of table d has been removed from table p");
    ok(&x, "ROLLBACK; BEGIN CONCURRENT; DELETE FROM p WHERE id = 3");
    ok(&y, "INSERT INTO d VALUES(3)");
    assert_eq!(conflict(&x, "COMMIT"), "a row of table d that refers to (3) of table p has been added");
    ok(&x, "ROLLBACK");
    // What the transaction itself has undone again is not held against it.
    ok(
        &x,
        "BEGIN CONCURRENT; INSERT INTO p VALUES(8); INSERT INTO c VALUES(8, 8); DELETE FROM c WHERE id = 8; DELETE FROM p WHERE id = 8",
    );
    ok(&y, "INSERT INTO p VALUES(9)");
    ok(&x, "COMMIT");
}

#[test]
fn savepoints_cut_the_log_back() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(
        &x,
        "BEGIN CONCURRENT; UPDATE t SET a = 0 WHERE id = 1; SAVEPOINT s; UPDATE t SET a = 0 WHERE id = 2; ROLLBACK TO s",
    );
    ok(&x, "INSERT OR IGNORE INTO t VALUES(8, 8, 8), (9, 9, 300); RELEASE s");
    let failed = x.execute_batch("INSERT INTO t VALUES(10, 0, 1000), (11, 0, 300)").unwrap_err();
    assert_eq!(failed.code(), ResultCode::CONSTRAINT_UNIQUE);
    ok(&y, "UPDATE t SET a = 21 WHERE id = 2; INSERT INTO t VALUES(10, 0, 2000)");
    ok(&x, "COMMIT");
    assert_eq!(rows(&x, "SELECT id, a, b FROM t"), "1|0|100 2|21|200 3|30|300 8|8|8 10|0|2000");
}

#[test]
fn whole_tables_are_emptied_row_by_row() {
    let scratch = Scratch::new("CREATE TABLE t(x, y TEXT); CREATE INDEX t_y ON t(y);
        WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO t SELECT i, printf('%0900d', i) FROM n");
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT; DELETE FROM t");
    assert_eq!(rows(&x, "SELECT count(*), changes() FROM t"), "0|500");
    ok(&y, "INSERT INTO t VALUES('new', 'new')");
    ok(&x, "COMMIT");
    assert_eq!(rows(&x, "SELECT x FROM t"), "new");
    ok(&x, "BEGIN CONCURRENT; DELETE FROM t");
    ok(&y, "UPDATE t SET x = 'newer'");
    assert_eq!(conflict(&x, "COMMIT"), format!("row {} of table t has been changed", rows(&y, "SELECT rowid FROM t")));
}

#[test]
fn a_long_log_goes_to_a_file_and_is_cut_back_and_replayed_from_there() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    let numbers = "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 4000)";
    for overtaken in [false, true] {
        // 16 pages: the log may take as much as four.
        ok(&x, "PRAGMA cache_spill = 16; BEGIN CONCURRENT");
        ok(&x, &format!("{numbers} INSERT INTO t SELECT 1000 + i, i, 'b' || i FROM n"));
        ok(&x, "SAVEPOINT one");
        ok(&x, "UPDATE t SET a = a + 1 WHERE id > 1000; DELETE FROM t WHERE id > 4000");
        ok(
            &x,
            "SAVEPOINT two; UPDATE t SET a = 0; ROLLBACK TO two; UPDATE t SET a = -1 WHERE id = 1001; ROLLBACK TO one",
        );
        ok(&x, "DELETE FROM t WHERE id > 3000; INSERT INTO t VALUES(4001, 1, zeroblob(20000))");
        if overtaken {
            ok(&y, "INSERT INTO t VALUES(4, 40, 400)");
        }
        ok(&x, "COMMIT");
        let found = rows(&y, "SELECT count(*), sum(a), max(id), sum(length(b)) FROM t WHERE id > 1000");
        assert_eq!(found, "2001|2001001|4001|28893");
        assert_eq!(rows(&y, "SELECT count(*) FROM t WHERE id < 1000"), if overtaken { "4" } else { "3" });
        ok(&x, "DELETE FROM t WHERE id > 1000");
    }
    // A conflict is found in it too.
    ok(&x, &format!("BEGIN CONCURRENT; {numbers} INSERT INTO t SELECT 1000 + i, i, 'b' || i FROM n"));
    ok(&y, "INSERT INTO t VALUES(1, 1, 1) ON CONFLICT DO UPDATE SET b = 'b3999'");
    assert_eq!(conflict(&x, "COMMIT"), "key ('b3999') of index sqlite_autoindex_t_1 on table t has been taken");
    ok(&x, "ROLLBACK");
}

#[test]
fn a_long_log_is_replayed_piece_by_piece() {
    const NUMBERS: &str = "WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000)";
    let schema = format!(
        "CREATE TABLE p(id INTEGER PRIMARY KEY, x);
         CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p, y UNIQUE);
         CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
         {NUMBERS} INSERT INTO p SELECT i, 'x' FROM n;
         {NUMBERS} INSERT INTO w SELECT 'k' || i, 0 FROM n"
    );
    // Not in the order of any key, and some keys more than once.
    let changes = format!(
        "{NUMBERS} INSERT INTO c SELECT i * 3 % 5003, i * 37 % 5000 + 1, 'y' || (i * 7919 % 5003) FROM n;
         UPDATE w SET v = v + length(k);
         UPDATE p SET x = x || id WHERE id > 10;
         UPDATE c SET y = y || '!' WHERE id % 2 = 0;
         DELETE FROM w WHERE k LIKE 'k1%';
         INSERT INTO w VALUES('k1', 'again')"
    );
    let dump = "SELECT id || '.' || x FROM p UNION ALL SELECT id || '.' || p || '.' || y FROM c UNION ALL SELECT k || '.' || v FROM w";
    for by_stock in [false, true] {
        let scratch = Scratch::new(&schema);
        let (x, y) = (scratch.connect(), scratch.connect());
        let model = rusqlite::Connection::open_in_memory().unwrap();
        model.execute_batch(&schema).unwrap();
        ok(&x, "PRAGMA cache_spill = 16; BEGIN CONCURRENT");
        ok(&x, &changes);
        let other = "INSERT INTO w VALUES('new', 9); UPDATE p SET x = 'other' WHERE id = 1";
        match by_stock {
            false => ok(&y, other),
            true => rusqlite::Connection::open(&scratch.path).unwrap().execute_batch(other).unwrap(),
        }
        ok(&x, "COMMIT");
        // Neither sees what the other does.
        model.execute_batch(&changes).unwrap();
        model.execute_batch(other).unwrap();
        let mut wanted = model.prepare(dump).unwrap();
        let wanted: Vec<String> = wanted.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(rows(&y, dump) == wanted.join(" "), "by stock: {by_stock}");
        // A parent that has gone is found, whatever piece its child is in.
        ok(&x, "DELETE FROM c; BEGIN CONCURRENT");
        ok(&x, &format!("{NUMBERS} INSERT INTO c SELECT i, i, 'y' || i FROM n; UPDATE w SET v = 0"));
        ok(&y, "DELETE FROM p WHERE id = 4990");
        assert_eq!(conflict(&x, "COMMIT"), "the parent (4990) of a row of table c has been removed from table p");
        ok(&x, "ROLLBACK");
        // And so is a row of a tree without rowids.
        ok(&x, "BEGIN CONCURRENT");
        ok(&x, &format!("{NUMBERS} INSERT INTO w SELECT 'm' || i, i FROM n; UPDATE w SET v = 1"));
        ok(&y, "UPDATE w SET v = 2 WHERE k = 'new'");
        assert_eq!(conflict(&x, "COMMIT"), "row ('new') of table w has been changed");
        ok(&x, "ROLLBACK");
    }
}

#[test]
fn schema_changes_take_the_lock() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT; INSERT INTO t VALUES(4, 0, 0); CREATE TABLE u(x); INSERT INTO u VALUES(1)");
    let busy = {
        ok(&y, "PRAGMA busy_timeout = 0");
        y.execute_batch("INSERT INTO t VALUES(5, 0, 5)").unwrap_err()
    };
    assert_eq!(busy.code(), ResultCode::BUSY);
    ok(&x, "COMMIT");
    assert_eq!(rows(&y, "SELECT x FROM u"), "1");
    // One that was overtaken cannot change it any more, and a changed schema is a conflict.
    ok(&x, "BEGIN CONCURRENT; INSERT INTO t VALUES(6, 0, 6)");
    ok(&y, "INSERT INTO t VALUES(5, 0, 5)");
    assert!(conflict(&x, "CREATE TABLE v(x)").contains("schema cannot be changed"));
    ok(&x, "ROLLBACK; BEGIN CONCURRENT; INSERT INTO t VALUES(6, 0, 6)");
    ok(&y, "CREATE INDEX t_a ON t(a)");
    assert_eq!(conflict(&x, "COMMIT"), "the schema has been changed");
    ok(&x, "ROLLBACK; BEGIN CONCURRENT; CREATE TABLE v(x); ROLLBACK");
}

#[test]
fn header_fields_merge_or_conflict() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT; PRAGMA user_version = 5");
    ok(&y, "PRAGMA application_id = 7");
    ok(&x, "COMMIT");
    assert_eq!(rows(&y, "PRAGMA user_version") + &rows(&y, "PRAGMA application_id"), "57");
    ok(&x, "BEGIN CONCURRENT; PRAGMA user_version = 6");
    ok(&y, "PRAGMA user_version = 8");
    assert_eq!(conflict(&x, "COMMIT"), "PRAGMA user_version has been set");
}

#[test]
fn other_journals_are_told_what_to_do_and_memory_just_works() {
    let scratch = Scratch::new("PRAGMA journal_mode = delete; CREATE TABLE t(x)");
    let c = scratch.connect();
    let error = c.execute_batch("BEGIN CONCURRENT").unwrap_err();
    assert_eq!(error.message(), "BEGIN CONCURRENT needs a write-ahead log: run PRAGMA journal_mode=wal first");
    assert!(c.is_autocommit());
    assert_eq!(rows(&c, "PRAGMA journal_mode = mvcc"), "wal");
    ok(&c, "BEGIN CONCURRENT; INSERT INTO t VALUES(1); COMMIT");
    std::fs::write(format!("{}-log", scratch.path.display()), "x").unwrap();
    let error = c.execute_batch("PRAGMA journal_mode = mvcc").unwrap_err();
    assert!(error.message().contains("-log holds changes in a format that is not supported"), "{error}");
    std::fs::remove_file(format!("{}-log", scratch.path.display())).unwrap();
    let memory = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    ok(&memory, "BEGIN CONCURRENT; CREATE TABLE t(x); INSERT INTO t VALUES(1); COMMIT");
    assert_eq!(rows(&memory, "SELECT * FROM t"), "1");
    let empty = Scratch::new("");
    let c = empty.connect();
    ok(&c, "BEGIN CONCURRENT; CREATE TABLE t(x); INSERT INTO t VALUES(1); COMMIT");
    assert_eq!(rows(&c, "SELECT * FROM t"), "1");
}

#[test]
fn attached_and_temporary_databases_take_part() {
    let scratch = Scratch::new(T);
    let second = Scratch::new("CREATE TABLE s(id INTEGER PRIMARY KEY, x); INSERT INTO s VALUES(1, 1), (2, 2)");
    let attach = format!("ATTACH '{}' AS second", second.path.display());
    let (x, y) = (scratch.connect(), scratch.connect());
    for c in [&x, &y] {
        ok(c, &attach);
        ok(c, "CREATE TEMP TABLE note(x)");
    }
    ok(
        &x,
        "BEGIN CONCURRENT; UPDATE t SET a = 0 WHERE id = 1; UPDATE s SET x = 0 WHERE id = 1; INSERT INTO note VALUES('x')",
    );
    ok(
        &y,
        "BEGIN CONCURRENT; UPDATE t SET a = 0 WHERE id = 2; UPDATE s SET x = 0 WHERE id = 2; INSERT INTO note VALUES('y')",
    );
    ok(&x, "COMMIT");
    ok(&y, "COMMIT");
    assert_eq!(
        rows(&x, "SELECT (SELECT group_concat(a) FROM t), (SELECT group_concat(x) FROM s), x FROM note"),
        "0,0,30|0,0|x"
    );
    // A conflict in one of them undoes all.
    ok(&x, "BEGIN CONCURRENT; UPDATE t SET a = 1 WHERE id = 3; UPDATE s SET x = 1 WHERE id = 1; DELETE FROM note");
    ok(&y, "UPDATE s SET x = 2 WHERE id = 1");
    assert_eq!(conflict(&x, "COMMIT"), "row 1 of table s has been changed");
    ok(&x, "ROLLBACK");
    assert_eq!(
        rows(&x, "SELECT (SELECT group_concat(a) FROM t), (SELECT group_concat(x) FROM s), x FROM note"),
        "0,0,30|2,0|x"
    );
}

#[test]
fn changes_by_stock_sqlite_are_seen_as_conflicts() {
    let scratch = Scratch::new(T);
    let x = scratch.connect();
    let stock = rusqlite::Connection::open(&scratch.path).unwrap();
    ok(&x, "BEGIN CONCURRENT; UPDATE t SET a = 1 WHERE id = 1; INSERT INTO t VALUES(4, 4, 4)");
    stock.execute_batch("UPDATE t SET a = 2 WHERE id = 2").unwrap();
    ok(&x, "COMMIT");
    ok(&x, "BEGIN CONCURRENT; UPDATE t SET a = 3 WHERE id = 3");
    stock.execute_batch("UPDATE t SET a = 33 WHERE id = 3").unwrap();
    assert_eq!(conflict(&x, "COMMIT"), "row 3 of table t has been changed");
    ok(&x, "ROLLBACK; BEGIN CONCURRENT; INSERT INTO t(a, b) VALUES(5, 5)");
    stock.execute_batch("INSERT INTO t(a, b) VALUES(6, 6)").unwrap();
    assert_eq!(conflict(&x, "COMMIT"), "row 5 of table t has been changed");
    ok(&x, "ROLLBACK");
    let sum: i64 = stock.query_row("SELECT sum(a) FROM t", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 1 + 2 + 33 + 4 + 6);
}

#[test]
fn a_reader_that_is_open_at_the_commit_of_an_overtaken_transaction_is_in_its_way() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT; UPDATE t SET a = 1 WHERE id = 1");
    let mut open = x.prepare("SELECT id FROM t").unwrap().statement.unwrap();
    assert_eq!(open.step().unwrap(), StepResult::Row);
    ok(&y, "UPDATE t SET a = 2 WHERE id = 2");
    let error = x.execute_batch("COMMIT").unwrap_err();
    assert_eq!(error.message(), "cannot commit concurrent transaction - SQL statements in progress");
    drop(open);
    ok(&x, "COMMIT");
    assert_eq!(rows(&y, "SELECT a FROM t"), "1 2 30");
}

#[test]
fn serializable_transactions_have_no_write_skew() {
    let tables = "CREATE TABLE doctor(name TEXT PRIMARY KEY, on_call); INSERT INTO doctor VALUES('ann', 1), ('bob', 1)";
    let scratch = Scratch::new(tables);
    let (x, y) = (scratch.connect(), scratch.connect());
    let both = |commit: &dyn Fn()| {
        for (c, name) in [(&x, "ann"), (&y, "bob")] {
            ok(c, "BEGIN CONCURRENT");
            assert_eq!(rows(c, "SELECT count(*) FROM doctor WHERE on_call"), "2");
            ok(c, &format!("UPDATE doctor SET on_call = 0 WHERE name = '{name}'"));
        }
        ok(&x, "COMMIT");
        commit();
    };
    both(&|| ok(&y, "COMMIT"));
    assert_eq!(rows(&x, "SELECT sum(on_call) FROM doctor"), "0");
    ok(&x, "UPDATE doctor SET on_call = 1");
    for c in [&x, &y] {
        assert_eq!(rows(c, "PRAGMA concurrent_isolation"), "snapshot");
        assert_eq!(rows(c, "PRAGMA concurrent_isolation = serializable"), "serializable");
    }
    both(&|| assert_eq!(conflict(&y, "COMMIT"), "a page that the transaction has read has been changed"));
    ok(&y, "ROLLBACK");
    assert_eq!(rows(&x, "SELECT sum(on_call) FROM doctor"), "1");
    assert!(x.execute_batch("PRAGMA concurrent_isolation = chaos").is_err());
}

#[test]
fn a_deferred_transaction_that_was_overtaken_goes_on_where_nothing_it_read_has_changed() {
    let scratch =
        Scratch::new("CREATE TABLE t(x); CREATE TABLE u(x); INSERT INTO t VALUES(1); INSERT INTO u VALUES(1)");
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN");
    assert_eq!(rows(&x, "SELECT x FROM t"), "1");
    ok(&y, "INSERT INTO u VALUES(2)");
    ok(&x, "INSERT INTO t VALUES(2)");
    assert_eq!(rows(&x, "SELECT count(*) FROM u"), "2");
    ok(&x, "COMMIT; BEGIN");
    assert_eq!(rows(&x, "SELECT count(*) FROM t"), "2");
    ok(&y, "INSERT INTO t VALUES(3)");
    let error = x.execute_batch("INSERT INTO t VALUES(4)").unwrap_err();
    assert_eq!(error.code(), ResultCode::BUSY_SNAPSHOT);
    assert_eq!(rows(&x, "SELECT count(*) FROM t"), "2");
    ok(&x, "ROLLBACK; PRAGMA concurrent_upgrade = off; BEGIN; SELECT * FROM t");
    ok(&y, "INSERT INTO u VALUES(3)");
    assert_eq!(x.execute_batch("INSERT INTO t VALUES(4)").unwrap_err().code(), ResultCode::BUSY_SNAPSHOT);
    ok(&x, "ROLLBACK");
}

/// While a log that has grown long is emptied, new snapshots wait: that of a transaction that moves to the newest commit, too.
#[test]
fn a_deferred_transaction_that_was_overtaken_waits_while_the_log_is_emptied() {
    let scratch = Scratch::new("CREATE TABLE t(x); CREATE TABLE u(x); INSERT INTO t VALUES(1)");
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "PRAGMA busy_timeout = 0; BEGIN");
    assert_eq!(rows(&x, "SELECT x FROM t"), "1");
    ok(&y, "PRAGMA wal_autocheckpoint = 0");
    for _ in 0..10 {
        ok(&y, "INSERT INTO u VALUES(1)");
    }
    ok(&y, "PRAGMA wal_autocheckpoint = 1");
    let (begins, begun) = std::sync::mpsc::channel();
    let emptying = std::thread::spawn(move || {
        begins.send(()).unwrap();
        ok(&y, "INSERT INTO u VALUES(2)");
    });
    begun.recv().unwrap();
    // The insert is over by then, and waits for the reader above for some 30 milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(10));
    ok(&x, "UPDATE t SET x = 2; COMMIT");
    emptying.join().unwrap();
    assert_eq!(rows(&x, "SELECT (SELECT x FROM t), count(*) FROM u"), "2|11");
}

#[test]
fn the_log_tells_who_keeps_it() {
    let scratch = Scratch::new(T);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "PRAGMA wal_checkpoint(truncate); BEGIN CONCURRENT");
    assert_eq!(rows(&y, "PRAGMA wal_status"), "0|0|0|0|NULL|nothing");
    ok(&y, "UPDATE t SET a = 1 WHERE id = 1");
    ok(&x, "ROLLBACK; BEGIN CONCURRENT");
    ok(&y, "UPDATE t SET a = 2 WHERE id = 1; PRAGMA wal_checkpoint");
    let status = rows(&y, "PRAGMA wal_status");
    let fields: Vec<&str> = status.split('|').collect();
    assert_eq!((fields[0], fields[1], fields[3], fields[5]), ("2", "1", "1", "a reader"), "{status}");
    assert!(fields[4].parse::<i64>().unwrap() < 60_000, "{status}");
    ok(&x, "ROLLBACK");
    ok(&y, "PRAGMA wal_checkpoint");
    assert!(rows(&y, "PRAGMA wal_status").ends_with("|nothing"));
}

/// A table of many pages, whose rows all hold the same number.
const MANY: &str = "CREATE TABLE m(id INTEGER PRIMARY KEY, n, filler);
    WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i WHERE i < 400) INSERT INTO m SELECT i, 0, zeroblob(900) FROM i";

const TOO_OLD: &str =
    "the transaction's snapshot was older than PRAGMA snapshot_age_limit allows, and a checkpoint has let it go";

#[test]
fn a_snapshot_that_is_too_old_is_let_go_by_a_checkpoint_that_it_keeps() {
    for begin in ["BEGIN", "BEGIN CONCURRENT"] {
        let scratch = Scratch::new(MANY);
        let (x, y) = (scratch.connect(), scratch.connect());
        assert_eq!(rows(&x, "PRAGMA snapshot_age_limit = 60000"), "60000");
        assert_eq!(rows(&y, "PRAGMA snapshot_age_limit"), "60000");
        ok(&y, "PRAGMA wal_checkpoint(truncate); PRAGMA busy_timeout = 0");
        ok(&x, begin);
        assert_eq!(rows(&x, "SELECT n FROM m WHERE id = 1"), "0");
        if begin != "BEGIN" {
            ok(&x, "UPDATE m SET n = 7 WHERE id = 400");
        }
        ok(&y, "UPDATE m SET n = 1");
        let frames = rows(&y, "PRAGMA wal_status").split('|').next().unwrap().to_owned();
        assert_eq!(rows(&y, "PRAGMA wal_checkpoint(truncate)"), format!("1|{frames}|0"));
        std::thread::sleep(std::time::Duration::from_millis(20));
        ok(&y, "PRAGMA snapshot_age_limit = 10");
        assert_eq!(rows(&y, "PRAGMA wal_checkpoint(truncate)"), "0|0|0");
        ok(&y, "UPDATE m SET n = 2");
        // Pages that it has are still those of its time; others it cannot have.
        assert_eq!(rows(&x, "SELECT n FROM m WHERE id = 1"), "0");
        let failure = x.execute_batch("SELECT sum(n) FROM m").unwrap_err();
        assert_eq!((failure.code(), failure.to_string().as_str()), (ResultCode::BUSY_SNAPSHOT, TOO_OLD));
        if begin != "BEGIN" {
            assert_eq!(x.execute_batch("COMMIT").unwrap_err().code(), ResultCode::BUSY_SNAPSHOT);
        }
        ok(&x, "ROLLBACK");
        assert_eq!(rows(&x, "SELECT sum(n) FROM m"), "800");
        // The newest snapshot is in nobody's way, a writer's neither.
        ok(&x, "BEGIN IMMEDIATE; UPDATE m SET n = 3");
        std::thread::sleep(std::time::Duration::from_millis(20));
        ok(&y, "PRAGMA wal_checkpoint");
        ok(&x, "COMMIT");
        assert_eq!(rows(&y, "SELECT sum(n) FROM m"), "1200");
    }
}

#[test]
fn snapshots_that_may_be_let_go_at_any_time_never_show_two_times_at_once() {
    let scratch = Scratch::new(MANY);
    ok(&scratch.connect(), "PRAGMA snapshot_age_limit = 1");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(2);
    let (whole, let_go) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let reader = scratch.connect();
                scope.spawn(move || {
                    ok(&reader, "PRAGMA cache_size = 10");
                    let (mut whole, mut let_go) = (0, 0);
                    while std::time::Instant::now() < until {
                        let mut statement = reader.prepare("SELECT n FROM m").unwrap().statement.unwrap();
                        let mut first = None;
                        loop {
                            match statement.step() {
                                Ok(StepResult::Row) => {
                                    let n = statement.row()[0].to_integer();
                                    assert_eq!(*first.get_or_insert(n), n);
                                    std::thread::sleep(std::time::Duration::from_micros(20));
                                }
                                Ok(_) => break whole += 1,
                                Err(e) => {
                                    assert_eq!(
                                        (e.code(), e.to_string().as_str()),
                                        (ResultCode::BUSY_SNAPSHOT, TOO_OLD)
                                    );
                                    break let_go += 1;
                                }
                            }
                        }
                    }
                    (whole, let_go)
                })
            })
            .collect();
        let writer = scratch.connect();
        let mut round = 0;
        while std::time::Instant::now() < until {
            round += 1;
            ok(&writer, &format!("UPDATE m SET n = {round}; PRAGMA wal_checkpoint(restart)"));
        }
        readers.into_iter().map(|r| r.join().unwrap()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    });
    assert!(let_go > 0, "{whole} reads, none let go");
}

#[test]
fn a_row_that_replace_writes_over_conflicts_as_one_that_is_updated() {
    let scratch =
        Scratch::new("CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, 'a'), (2, 'b'), (3, 'c')");
    let (x, y) = (scratch.connect(), scratch.connect());
    for by_other in ["UPDATE t SET v = 'y' WHERE id = 1", "DELETE FROM t WHERE id = 1", "REPLACE INTO t VALUES(1, 'y')"]
    {
        ok(&x, "BEGIN CONCURRENT; REPLACE INTO t VALUES(1, 'x')");
        ok(&y, by_other);
        assert_eq!(conflict(&x, "COMMIT"), "row 1 of table t has been changed", "{by_other}");
        ok(&x, "ROLLBACK; REPLACE INTO t VALUES(1, 'a')");
    }
    ok(&x, "BEGIN CONCURRENT; REPLACE INTO t VALUES(1, 'x'), (4, 'x')");
    ok(&y, "REPLACE INTO t VALUES(2, 'y')");
    ok(&x, "COMMIT");
    assert_eq!(rows(&x, "SELECT * FROM t"), "1|x 2|y 3|c 4|x");
}

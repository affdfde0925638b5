//! Serializable concurrent transactions: what was read is compared by key where it was searched for, so that rows which merely
//! lie on one page do not conflict, and phantoms and write skew do.

use tempfile::TempDir;
use turso_core::{Connection, Database, OpenOptions, Result, ResultCode, StepResult, Value};

struct Scratch {
    database: Database,
    _folder: TempDir,
}

impl Scratch {
    fn new(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let database = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
        let scratch = Self { database, _folder: folder };
        ok(&scratch.connect(), sql);
        scratch
    }

    fn connect(&self) -> Connection {
        let connection = self.database.connect().unwrap();
        ok(&connection, "PRAGMA synchronous = OFF; PRAGMA concurrent_isolation = serializable");
        connection
    }
}

fn ok(c: &Connection, sql: &str) {
    c.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

fn rows(c: &Connection, sql: &str) -> Result<String> {
    let mut statement = c.prepare(sql)?.statement.unwrap();
    let mut rows = Vec::new();
    while statement.step()? == StepResult::Row {
        let show = |value: &Value| match value {
            Value::Integer(i) => i.to_string(),
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        };
        rows.push(statement.row().iter().map(show).collect::<Vec<_>>().join("|"));
    }
    Ok(rows.join(" "))
}

const TABLES: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, n); CREATE INDEX t_k ON t(k);
    CREATE TABLE w(a, b, c, PRIMARY KEY(a, b)) WITHOUT ROWID;
    CREATE TABLE log(x);
    WITH i(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM i WHERE i < 30)
    INSERT INTO t SELECT 10 * i, char(96 + i % 26), i FROM i;
    INSERT INTO w SELECT id / 100, id, k FROM t";

/// A transaction reads, another one changes something and commits: true where the first one can still commit.
fn agrees(read: &str, change: &str) -> bool {
    let scratch = Scratch::new(TABLES);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN CONCURRENT");
    ok(&x, read);
    ok(&x, "INSERT INTO log VALUES(1)");
    ok(&y, change);
    match x.execute_batch("COMMIT") {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.code(), ResultCode::BUSY_SNAPSHOT, "{error}");
            ok(&x, "ROLLBACK");
            false
        }
    }
}

#[test]
fn rows_that_lie_side_by_side_do_not_conflict() {
    for (read, change) in [
        ("SELECT n FROM t WHERE id = 50", "UPDATE t SET n = 0 WHERE id = 60"),
        ("SELECT n FROM t WHERE id = 50", "DELETE FROM t WHERE id = 40; INSERT INTO t VALUES(51, 'x', 1)"),
        ("SELECT n FROM t WHERE id = 55", "INSERT INTO t VALUES(54, 'x', 1), (56, 'x', 1)"),
        ("SELECT n FROM t WHERE id BETWEEN 50 AND 70", "INSERT INTO t VALUES(49, 'x', 1), (81, 'x', 1)"),
        ("SELECT n FROM t WHERE id > 250", "UPDATE t SET n = 0 WHERE id = 240"),
        ("SELECT n FROM t WHERE k = 'c'", "INSERT INTO t VALUES(1000, 'd', 1), (1001, 'bz', 1)"),
        ("SELECT n FROM t WHERE k = 'zz'", "INSERT INTO t VALUES(1000, 'zy', 1)"),
        ("SELECT n FROM t WHERE k BETWEEN 'g' AND 'h'", "UPDATE t SET k = 'i' WHERE k = 'x'"),
        ("SELECT c FROM w WHERE a = 1 AND b = 120", "UPDATE w SET c = 'x' WHERE a = 1 AND b = 130"),
        ("UPDATE t SET n = n + 1 WHERE id = 50", "UPDATE t SET n = n + 1 WHERE id = 60"),
        ("UPDATE t SET k = 'q' WHERE k = 'c'", "UPDATE t SET n = n + 1 WHERE k = 'f'"),
        ("INSERT INTO t(k) VALUES('new')", "INSERT INTO t(k) VALUES('other')"),
        ("SELECT n FROM t WHERE id = 50", "UPDATE t SET n = n WHERE id = 50"),
    ] {
        assert!(agrees(read, change), "{read} | {change}");
    }
}

#[test]
fn what_was_read_and_what_was_missed_must_not_have_changed() {
    for (read, change) in [
        ("SELECT n FROM t WHERE id = 50", "UPDATE t SET n = 0 WHERE id = 50"),
        ("SELECT n FROM t WHERE id = 50", "DELETE FROM t WHERE id = 50"),
        ("SELECT n FROM t WHERE id = 55", "INSERT INTO t VALUES(55, 'x', 1)"),
        ("SELECT n FROM t WHERE id BETWEEN 50 AND 70", "INSERT INTO t VALUES(65, 'x', 1)"),
        ("SELECT n FROM t WHERE id BETWEEN 51 AND 58", "INSERT INTO t VALUES(55, 'x', 1)"),
        ("SELECT n FROM t WHERE id > 250", "INSERT INTO t VALUES(5000, 'x', 1)"),
        ("SELECT n FROM t WHERE id < 40 ORDER BY id DESC", "INSERT INTO t VALUES(5, 'x', 1)"),
        ("SELECT n FROM t WHERE k = 'c'", "INSERT INTO t VALUES(1000, 'c', 1)"),
        ("SELECT n FROM t WHERE k = 'c'", "UPDATE t SET n = 0 WHERE k = 'c'"),
        ("SELECT n FROM t WHERE k = 'zz'", "INSERT INTO t VALUES(1000, 'zz', 1)"),
        ("SELECT n FROM t WHERE k > 'x'", "INSERT INTO t VALUES(1000, 'zz', 1)"),
        ("SELECT n FROM t WHERE k < 'b' ORDER BY k DESC", "INSERT INTO t VALUES(1000, 'a', 1)"),
        ("SELECT max(k) FROM t WHERE k < 'f'", "INSERT INTO t VALUES(1000, 'ez', 1)"),
        ("SELECT c FROM w WHERE a = 1", "INSERT INTO w VALUES(1, 155, 'x')"),
        ("SELECT count(*) FROM t", "INSERT INTO t VALUES(1000, 'c', 1)"),
        ("UPDATE t SET n = 0 WHERE k = 'q' AND n > 100", "UPDATE t SET n = 1000 WHERE k = 'q'"),
        ("DELETE FROM t WHERE id BETWEEN 100 AND 130", "INSERT INTO t VALUES(115, 'x', 1)"),
        ("INSERT OR IGNORE INTO t VALUES(50, 'x', 1)", "DELETE FROM t WHERE id = 50"),
    ] {
        assert!(!agrees(read, change), "{read} | {change}");
    }
}

#[test]
fn write_skew_of_two_rows_is_told_as_rows_that_were_read() {
    let scratch = Scratch::new(TABLES);
    let (x, y) = (scratch.connect(), scratch.connect());
    for (c, id) in [(&x, 10), (&y, 20)] {
        ok(c, "BEGIN CONCURRENT; SELECT n FROM t WHERE id IN (10, 20)");
        ok(c, &format!("UPDATE t SET n = 0 WHERE id = {id}"));
    }
    ok(&x, "COMMIT");
    let error = y.execute_batch("COMMIT").unwrap_err();
    assert_eq!(error.code(), ResultCode::BUSY_SNAPSHOT);
    let told = "conflict: rows that the transaction has read have been changed by a transaction that committed in the meantime";
    assert_eq!(error.message(), told);
    ok(&y, "ROLLBACK");
}

#[test]
fn a_deferred_transaction_moves_where_others_have_changed_the_rows_beside_those_it_read() {
    let scratch = Scratch::new(TABLES);
    let (x, y) = (scratch.connect(), scratch.connect());
    ok(&x, "BEGIN; SELECT n FROM t WHERE id = 50; SELECT n FROM t WHERE k = 'c'");
    ok(&y, "UPDATE t SET n = 60 WHERE id = 60; INSERT INTO t VALUES(1000, 'd', 1)");
    ok(&x, "UPDATE t SET n = 50 WHERE id = 50");
    assert_eq!(rows(&x, "SELECT n FROM t WHERE id IN (50, 60)").unwrap(), "50 60");
    ok(&x, "COMMIT; BEGIN; SELECT n FROM t WHERE id = 70; SELECT n FROM t WHERE id = 80");
    let version = rows(&x, "PRAGMA data_version").unwrap();
    ok(&y, "UPDATE t SET n = 0 WHERE id = 80; DELETE FROM t WHERE id > 200");
    assert_eq!(x.execute_batch("UPDATE t SET n = 1 WHERE id = 70").unwrap_err().code(), ResultCode::BUSY_SNAPSHOT);
    // It goes on reading what it read before.
    assert_eq!(rows(&x, "SELECT n FROM t WHERE id = 80").unwrap(), "8");
    assert_eq!(rows(&x, "SELECT count(*) FROM t").unwrap(), "31");
    assert_eq!(rows(&x, "PRAGMA data_version").unwrap(), version);
    ok(&x, "ROLLBACK");
    assert_eq!(rows(&x, "SELECT n FROM t WHERE id = 80").unwrap(), "0");
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }
}

/// A statement over some forty keys, reads more often than writes.
fn statement(random: &mut Random) -> String {
    let (id, n) = (random.below(40), random.below(100));
    let (low, word) = (random.below(40), char::from(b'a' + random.below(8) as u8));
    match random.below(14) {
        0 | 1 => format!("SELECT id, k, n FROM t WHERE id = {id}"),
        2 => format!("SELECT id, n FROM t WHERE id BETWEEN {low} AND {}", low + random.below(6)),
        3 => format!("SELECT id, n FROM t WHERE id <= {id} ORDER BY id DESC LIMIT 2"),
        4 => format!("SELECT id, n FROM t WHERE k = '{word}' ORDER BY id"),
        5 => format!("SELECT k, id FROM t WHERE k > '{word}' ORDER BY k, id LIMIT 3"),
        6 => format!("SELECT k, id FROM t WHERE k < '{word}' ORDER BY k DESC, id DESC LIMIT 3"),
        7 => format!("SELECT c FROM w WHERE a = {} AND b >= {}", id % 4, low),
        8 => format!("UPDATE t SET n = {n} WHERE id = {id}"),
        9 => format!("UPDATE t SET k = '{word}' WHERE id = {id}"),
        10 => format!("INSERT OR IGNORE INTO t VALUES({id}, '{word}', {n})"),
        11 => format!("DELETE FROM t WHERE id BETWEEN {low} AND {}", low + random.below(2)),
        12 => format!("INSERT OR REPLACE INTO w VALUES({}, {low}, {n})", id % 4),
        _ => format!("UPDATE t SET n = n + 1 WHERE k = '{word}'"),
    }
}

/// Transactions that were committed have read what they would have read had they run one after the other, in the order of
/// their commits. SQLite runs them so.
#[test]
fn random_transactions_are_as_if_each_had_run_at_its_commit() {
    let seconds = std::env::var("TURSO_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(4);
    let seed = std::env::var("TURSO_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1_u64);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    let (mut committed, mut refused, mut round) = (0, 0, 0);
    while std::time::Instant::now() < until {
        round += 1;
        let mut random = Random((seed + round).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let tables = "CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, n); CREATE INDEX t_k ON t(k);
            CREATE TABLE w(a, b, c, PRIMARY KEY(a, b)) WITHOUT ROWID; CREATE TABLE log(x);
            WITH i(i) AS (VALUES(0) UNION ALL SELECT i + 2 FROM i WHERE i < 40)
            INSERT INTO t SELECT i, char(97 + i % 8), i FROM i; INSERT INTO w SELECT id % 4, id, k FROM t";
        let page_size = if round % 2 == 0 { "PRAGMA page_size = 512;" } else { "" };
        let scratch = Scratch::new(&format!("{page_size}{tables}"));
        let model = rusqlite::Connection::open_in_memory().unwrap();
        model.execute_batch(tables).unwrap();
        let connections: Vec<Connection> = (0..3).map(|_| scratch.connect()).collect();
        let mut open: Vec<Option<Vec<(String, String)>>> = vec![None; 3];
        for _ in 0..200 {
            let at = random.below(3) as usize;
            let c = &connections[at];
            match &mut open[at] {
                None => {
                    // One that only reads is as if it had run at its beginning.
                    ok(c, "BEGIN CONCURRENT; INSERT INTO log VALUES(1)");
                    open[at] = Some(Vec::new());
                }
                Some(done) if done.len() < 2 || random.below(3) > 0 => {
                    let sql = statement(&mut random);
                    let seen = rows(c, &sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
                    done.push((sql, seen));
                }
                Some(_) => match c.execute_batch("COMMIT") {
                    Ok(()) => {
                        committed += 1;
                        for (sql, seen) in open[at].take().unwrap() {
                            assert_eq!(model_rows(&model, &sql), seen, "seed {seed}, round {round}: {sql}");
                        }
                    }
                    Err(error) => {
                        assert_eq!(error.code(), ResultCode::BUSY_SNAPSHOT, "{error}");
                        refused += 1;
                        ok(c, "ROLLBACK");
                        open[at] = None;
                    }
                },
            }
        }
        for (c, _) in connections.iter().zip(&open).filter(|(_, open)| open.is_some()) {
            ok(c, "ROLLBACK");
        }
        for table in ["SELECT * FROM t ORDER BY id", "SELECT * FROM w ORDER BY a, b"] {
            assert_eq!(rows(&connections[0], table).unwrap(), model_rows(&model, table), "round {round}");
        }
        assert_eq!(rows(&connections[0], "PRAGMA integrity_check").unwrap(), "ok");
    }
    println!("{round} rounds: {committed} committed, {refused} refused");
    assert!(committed > refused, "{committed} committed, {refused} refused");
}

fn model_rows(model: &rusqlite::Connection, sql: &str) -> String {
    let mut statement = model.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut found = statement.query([]).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = found.next().unwrap() {
        let show = |at: usize| match row.get_ref(at).unwrap() {
            rusqlite::types::ValueRef::Integer(i) => i.to_string(),
            rusqlite::types::ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        };
        rows.push((0..columns).map(show).collect::<Vec<_>>().join("|"));
    }
    rows.join(" ")
}

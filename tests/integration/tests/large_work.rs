//! Large work in small memory: one transaction that inserts many rows, an index on them, and statements that touch them all.
//!
//! The work is done by a child process, whose peak of memory is what is measured. `LARGE_ROWS` (20000; 20000000 and more in
//! full), `LARGE_MIB` (20; 512 in full) is what may be taken above what the process had at the beginning, and `LARGE_DIRECTORY`
//! is where the database lies:
//!
//! ```text
//! LARGE_ROWS=20000000 LARGE_MIB=512 cargo nextest run --cargo-profile quick -p integration --test large_work --no-capture
//! ```

use std::time::{Duration, Instant};

use integration::random::variable;
use integration::watchdog::{End, peak_memory_bytes, this_test, wait};
use turso_core::{Connection, Database, OpenOptions, StepResult, Value};

#[test]
fn all_rows_at_once_take_little_memory() {
    let mut child = this_test("the_work", &[]).unwrap().spawn().unwrap();
    let hours = Duration::from_secs(6 * 3600);
    assert!(matches!(wait(&mut child, hours).unwrap(), End::Exit(status) if status.success()));
}

/// The first value of the first row; all rows are asked for.
fn value(connection: &Connection, sql: &str) -> Value {
    let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
    let mut first = None;
    while statement.step().unwrap_or_else(|e| panic!("{sql}: {e}")) == StepResult::Row {
        first.get_or_insert_with(|| statement.row().first().cloned().unwrap_or(Value::Null));
    }
    first.unwrap_or(Value::Null)
}

#[test]
#[ignore = "run by the other one in a process of its own"]
fn the_work() {
    let rows = variable("LARGE_ROWS", 20_000) as i64;
    let limit = variable("LARGE_MIB", 20) << 20;
    let root = std::env::var_os("LARGE_DIRECTORY").map_or_else(std::env::temp_dir, Into::into);
    let directory = tempfile::tempdir_in(root).unwrap();
    // The defaults are for large machines; where little is allowed, the work gets a part of it.
    let share = usize::try_from(limit / 8).unwrap();
    let options = OpenOptions { temp_memory: Some(share.min(64 << 20)), ..OpenOptions::default() };
    let connection = Database::open(directory.path().join("large.db").to_str().unwrap(), options).unwrap();
    let connection = connection.connect().unwrap();
    let pages = share.min(256 << 20) / 4096;
    connection.execute_batch(format!("PRAGMA cache_spill = {pages}; PRAGMA cache_size = {pages}")).unwrap();
    connection.execute_batch("CREATE TABLE t(id INTEGER PRIMARY KEY, key TEXT, n INTEGER, filler TEXT)").unwrap();
    let before = peak_memory_bytes().unwrap_or(0);
    let mut began = Instant::now();
    let mut done = |what: &str| {
        let taken = peak_memory_bytes().unwrap_or(0).saturating_sub(before);
        println!("{what:<60} {:>8.1} s, peak {:>4} MiB", began.elapsed().as_secs_f64(), taken >> 20);
        assert!(taken <= limit, "{what}: {taken} bytes");
        began = Instant::now();
    };

    connection.execute_batch("BEGIN").unwrap();
    let insert = "INSERT INTO t VALUES (?1, printf('%016x', ?1 * 7919 % 1000000007), ?1 % 1000, hex(randomblob(50)))";
    let mut insert = connection.prepare(insert).unwrap().statement.unwrap();
    for i in 1..=rows {
        insert.bind(1, Value::Integer(i)).unwrap();
        insert.step().unwrap();
        insert.reset();
    }
    drop(insert);
    connection.execute_batch("COMMIT").unwrap();
    done("INSERT of all rows in one transaction");
    connection.execute_batch("CREATE INDEX by_key ON t(key, n, filler)").unwrap();
    done("CREATE INDEX on all but the rowid");
    let all = Value::Integer(rows);
    for (sql, expected) in [
        ("SELECT count(*) FROM (SELECT key, sum(n), min(filler) FROM t GROUP BY key || filler)", all.clone()),
        ("SELECT count(DISTINCT key || filler) FROM t", all.clone()),
        ("SELECT count(*) FROM t x LEFT JOIN t y ON y.filler = x.filler", all.clone()),
        ("SELECT count(*) FROM (SELECT id FROM t ORDER BY filler LIMIT -1 OFFSET 0)", all.clone()),
        ("SELECT count(*) FROM t WHERE key > '0' OR id > 0", all.clone()),
    ] {
        for tier in ["row", "auto"] {
            connection.execute_batch(format!("PRAGMA execution_tier = {tier}")).unwrap();
            assert_eq!(value(&connection, sql), expected, "{sql}");
            done(&format!("{tier}: {}", &sql[..sql.len().min(52)]));
        }
    }
    connection.execute_batch("CREATE TEMP TABLE c AS SELECT * FROM t; CREATE INDEX temp.of_c ON c(filler)").unwrap();
    done("a temporary table of all rows, with an index");
    assert_eq!(value(&connection, "SELECT count(*) FROM c WHERE filler > ''"), all);
    connection.execute_batch("UPDATE c SET n = n + 1; DROP TABLE c").unwrap();
    done("UPDATE of all its rows");
    connection.execute_batch("UPDATE t SET id = -id, n = n + 1").unwrap();
    done("UPDATE of all rows and rowids");
    connection.execute_batch("DELETE FROM t WHERE key || n > ''  AND id % 10 <> 0").unwrap();
    done("DELETE of nine tenths");
    assert_eq!(value(&connection, "SELECT count(*) FROM t"), Value::Integer(rows / 10));
    assert_eq!(value(&connection, "PRAGMA integrity_check"), Value::text("ok"));
    done("PRAGMA integrity_check");
}

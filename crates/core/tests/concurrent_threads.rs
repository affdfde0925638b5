//! Concurrent transactions on many threads, beside plain writers and beside stock SQLite: nothing is lost, nobody is refused
//! for ever, the totals stay.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use turso_core::{Backend, Connection, Database, OpenOptions, ResultCode, StepResult, Value};

struct Scratch {
    path: PathBuf,
    _folder: TempDir,
}

impl Scratch {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { path: folder.path().join("test.db"), _folder: folder }
    }

    fn stock(&self, sql: &str) -> String {
        let out = Command::new("sqlite3").arg(&self.path).arg(sql).output().unwrap();
        assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }
}

fn integer(c: &Connection, sql: &str) -> i64 {
    let mut statement = c.prepare(sql).unwrap().statement.unwrap();
    match statement.step().unwrap_or_else(|e| panic!("{sql}: {e}")) {
        StepResult::Row => match statement.row() {
            [Value::Integer(i), ..] => *i,
            other => panic!("{other:?}"),
        },
        StepResult::Done => panic!("no row"),
    }
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Runs the statements as one transaction until it commits; how often it had to be repeated.
fn transact(c: &Connection, begin: &str, sql: &str) -> usize {
    for attempt in 0.. {
        let outcome = c
            .execute_batch(begin)
            .and_then(|()| c.execute_batch(sql))
            .and_then(|()| if begin.is_empty() { Ok(()) } else { c.execute_batch("COMMIT") });
        match outcome {
            Ok(()) => return attempt,
            Err(error) if error.code() == ResultCode::BUSY_SNAPSHOT => {
                let _ = c.execute_batch("ROLLBACK");
            }
            Err(error) => panic!("{begin}; {sql}: {error} ({:?})", error.code()),
        }
    }
    unreachable!()
}

/// Transfers between accounts by threads of three kinds of writers; the sum is the same in every snapshot.
fn bank(name: &str, threads: u64, rounds: u64, synchronous: &str, backend: Backend) {
    let scratch = Scratch::new();
    let options = OpenOptions { backend, ..OpenOptions::default() };
    let database = Database::open(scratch.path.to_str().unwrap(), options).unwrap();
    let setup = database.connect().unwrap();
    setup
        .execute_batch(
            "CREATE TABLE account(id INTEGER PRIMARY KEY, balance, CHECK(typeof(balance) = 'integer'));
             CREATE INDEX account_balance ON account(balance);
             CREATE TABLE done(id INTEGER PRIMARY KEY, who, n, UNIQUE(who, n));
             WITH n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO account SELECT i, 100 FROM n",
        )
        .unwrap();
    let (retries, running) = (AtomicUsize::new(0), AtomicBool::new(true));
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let c = database.connect().unwrap();
            while running.load(Ordering::Relaxed) {
                assert_eq!(integer(&c, "SELECT sum(balance) FROM account"), 4000);
            }
        });
        let writers: Vec<_> = (0..threads)
            .map(|thread| {
                let (database, retries) = (&database, &retries);
                scope.spawn(move || {
                    let c = database.connect().unwrap();
                    // Patient: under a sanitizer everything takes twenty times as long.
                    c.execute_batch(format!("PRAGMA synchronous = {synchronous}; PRAGMA busy_timeout = 60000"))
                        .unwrap();
                    let mut seed = thread * 7919 + 1;
                    for n in 0..rounds {
                        let (from, to) = (random(&mut seed) % 40 + 1, random(&mut seed) % 40 + 1);
                        let sql = format!(
                            "UPDATE account SET balance = balance - 3 WHERE id = {from};
                             UPDATE account SET balance = balance + 3 WHERE id = {to};
                             INSERT INTO done(who, n) VALUES({thread}, {n})"
                        );
                        let begin = if thread % 4 == 3 { "BEGIN IMMEDIATE" } else { "BEGIN CONCURRENT" };
                        retries.fetch_add(transact(&c, begin, &sql), Ordering::Relaxed);
                        if thread % 4 == 2 {
                            transact(&c, "", &format!("INSERT INTO done(who, n) VALUES({thread}, -{n} - 1)"));
                        }
                    }
                })
            })
            .collect();
        // Also where a writer has failed, the reader has to end.
        let ends: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        running.store(false, Ordering::Relaxed);
        reader.join().unwrap();
        ends.into_iter().for_each(|end| end.unwrap());
    });
    let extra = (0..threads).filter(|t| t % 4 == 2).count() as u64 * rounds;
    println!("{name}: {} retries of {} transactions", retries.load(Ordering::Relaxed), threads * rounds);
    drop(setup);
    drop(database);
    let found = scratch.stock("PRAGMA integrity_check; SELECT sum(balance) FROM account; SELECT count(*) FROM done");
    assert_eq!(found, format!("ok\n4000\n{}", threads * rounds + extra));
}

#[test]
fn transfers_keep_the_sum_with_syncs() {
    bank("full", 8, 25, "FULL", Backend::Default);
}

#[test]
fn transfers_keep_the_sum_without_syncs() {
    bank("off", 16, 40, "OFF", Backend::Default);
}

#[test]
fn transfers_keep_the_sum_on_a_pool_of_threads() {
    bank("pool", 6, 20, "FULL", Backend::ThreadPool);
}

/// Stock SQLite writes, reads and checkpoints in processes of its own while our threads write.
#[test]
fn stock_sqlite_writes_beside_concurrent_writers() {
    let scratch = Scratch::new();
    let database = Database::open(scratch.path.to_str().unwrap(), OpenOptions::default()).unwrap();
    let setup = database.connect().unwrap();
    setup.execute_batch("CREATE TABLE t(id INTEGER PRIMARY KEY, who, n); CREATE INDEX t_who ON t(who, n)").unwrap();
    let script = |sql: &str, times: usize| {
        let mut child = Command::new("sqlite3")
            .arg("-batch")
            .arg(&scratch.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = format!(".timeout 10000\n{}", sql.repeat(times));
        std::thread::spawn(move || std::io::Write::write_all(&mut input, text.as_bytes()));
        child
    };
    let writer = script("INSERT INTO t(who, n) VALUES('stock', 1);\n", 60);
    let checker = script("PRAGMA integrity_check;\n", 20);
    let checkpointer = script("PRAGMA wal_checkpoint;\n", 20);
    let stop = Instant::now() + Duration::from_secs(4);
    let (longest, written) = (AtomicI64::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (database, longest, written) = (&database, &longest, &written);
            scope.spawn(move || {
                let c = database.connect().unwrap();
                c.execute_batch("PRAGMA busy_timeout = 20000").unwrap();
                while Instant::now() < stop {
                    let start = Instant::now();
                    let n = written.fetch_add(1, Ordering::Relaxed);
                    transact(&c, "BEGIN CONCURRENT", &format!("INSERT INTO t(who, n) VALUES({thread}, {n})"));
                    longest.fetch_max(start.elapsed().as_millis() as i64, Ordering::Relaxed);
                }
            });
        }
    });
    for (child, lines) in [(writer, 0), (checker, 20), (checkpointer, 20)] {
        let out = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stderr), "", "a stock process was refused");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert_eq!(text.lines().count(), lines);
        assert!(lines == 0 || text.lines().all(|line| line == "ok" || line.contains('|')), "{text}");
    }
    println!("{} commits, the longest took {} ms", written.load(Ordering::Relaxed), longest.load(Ordering::Relaxed));
    drop(setup);
    drop(database);
    let count =
        scratch.stock("PRAGMA integrity_check; SELECT count(*) FROM t WHERE who = 'stock'; SELECT count(*) FROM t");
    assert_eq!(count, format!("ok\n60\n{}", 60 + written.load(Ordering::Relaxed)));
}

//! No await blocks its executor's thread: not on the disk, not while it waits for a lock. And no future that is dropped leaves
//! anything behind.

use std::cell::Cell;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use turso::{Builder, Connection, Database};
use turso_core::io::{
    Completion, File, Io, Job, Op, OpenFlags, SyncKind, SyscallIo, ThreadPoolIo, delegate_file, delegate_io,
    delegate_io_surroundings,
};

type Result<T> = turso_core::Result<T>;

/// System calls, of which those that may wait for a disk note whether they ran on the executor's thread.
struct Watched {
    inner: ThreadPoolIo,
}

#[derive(Default)]
struct Watch {
    /// The executor's thread runs tasks now.
    armed: AtomicBool,
    /// Syncs wait until this is over, or for [`Watch::LONG`].
    holds_syncs: AtomicBool,
    blocked: AtomicU64,
    elsewhere: AtomicU64,
}

thread_local! { static IS_EXECUTOR: Cell<bool> = const { Cell::new(false) } }

impl Watch {
    const LONG: Duration = Duration::from_secs(10);

    fn note(&self, what: &str) {
        if !self.armed.load(Ordering::Relaxed) {
            return;
        }
        if IS_EXECUTOR.get() {
            self.blocked.fetch_add(1, Ordering::Relaxed);
            println!("{what} on the executor's thread: {}", std::backtrace::Backtrace::force_capture());
        } else {
            self.elsewhere.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Watched {
    fn new() -> (Arc<Self>, Arc<Watch>) {
        let watch = Arc::<Watch>::default();
        let disk = Arc::new(Disk { inner: SyscallIo::new(), watch: watch.clone() });
        (Arc::new(Self { inner: ThreadPoolIo::new(disk, 4) }), watch)
    }
}

impl Io for Watched {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        self.inner.open(path, flags)
    }
    delegate_io!();
    fn run_elsewhere(&self, job: Job) -> std::result::Result<(), Job> {
        self.inner.run_elsewhere(job)
    }
}

struct Disk {
    inner: SyscallIo,
    watch: Arc<Watch>,
}

impl Io for Disk {
    fn open(&self, path: &Path, flags: OpenFlags) -> Result<Arc<dyn File>> {
        Ok(Arc::new(DiskFile { inner: self.inner.open(path, flags)?, watch: self.watch.clone() }))
    }
    delegate_io_surroundings!();
    fn delete(&self, path: &Path, sync_dir: bool) -> Result<()> {
        if sync_dir {
            self.watch.note("delete");
        }
        self.inner.delete(path, sync_dir)
    }
    fn sync_directory_of(&self, path: &Path) -> Result<()> {
        self.watch.note("sync of a directory");
        self.inner.sync_directory_of(path)
    }
    fn sleep(&self, duration: Duration) {
        self.watch.note("sleep");
        self.inner.sleep(duration);
    }
}

struct DiskFile {
    inner: Arc<dyn File>,
    watch: Arc<Watch>,
}

impl File for DiskFile {
    fn submit(&self, op: Op) -> Completion {
        Completion::ready(op.run(self))
    }
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize> {
        // The header, which every transaction of a rollback mode looks at.
        if buf.len() > 100 {
            self.watch.note("read");
        }
        self.inner.read_at(buf, offset)
    }
    fn write_vectored_at(&self, bufs: &[&[u8]], offset: u64) -> Result<()> {
        self.watch.note("write");
        self.inner.write_vectored_at(bufs, offset)
    }
    fn sync(&self, kind: SyncKind) -> Result<()> {
        self.watch.note("sync");
        let start = Instant::now();
        std::thread::sleep(Duration::from_millis(1));
        while self.watch.holds_syncs.load(Ordering::Relaxed) && start.elapsed() < Watch::LONG {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.inner.sync(kind)
    }
    fn truncate(&self, size: u64) -> Result<()> {
        self.inner.truncate(size)
    }
    delegate_file!();
}

/// Runs a task with the watch armed while the executor's thread is in it.
fn watched<T>(watch: &Watch, task: impl Future<Output = T>) -> T {
    IS_EXECUTOR.set(true);
    let mut task = pin!(task);
    let watched = std::future::poll_fn(|context| {
        watch.armed.store(true, Ordering::Relaxed);
        task.as_mut().poll(context)
    });
    let result = pollster::block_on(watched);
    watch.armed.store(false, Ordering::Relaxed);
    IS_EXECUTOR.set(false);
    result
}

async fn integer(connection: &Connection, sql: &str) -> i64 {
    let mut rows = connection.query(sql, ()).await.unwrap();
    rows.next().await.unwrap().unwrap().get(0).unwrap()
}

async fn execute(connection: &Connection, sql: &str) {
    connection.execute_batch(sql).await.unwrap();
}

#[test]
fn transactions_in_every_journal_mode_block_nobody() {
    for mode in ["delete", "truncate", "persist", "wal"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("modes.db");
        let (io, watch) = Watched::new();
        let database = pollster::block_on(Builder::new_local(path.to_str().unwrap()).with_io_impl(io).build()).unwrap();
        let connection = database.connect().unwrap();
        let (blocked, elsewhere) = watched(&watch, async {
            execute(&connection, &format!("PRAGMA journal_mode = {mode}; PRAGMA synchronous = full")).await;
            execute(
                &connection,
                "CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); COMMIT",
            )
            .await;
            execute(&connection, "PRAGMA wal_autocheckpoint = 2; INSERT INTO t VALUES (3); UPDATE t SET a = a + 1")
                .await;
            execute(&connection, "PRAGMA wal_checkpoint(TRUNCATE); VACUUM").await;
            assert_eq!(integer(&connection, "SELECT sum(a) FROM t").await, 9, "{mode}");
            (watch.blocked.load(Ordering::Relaxed), watch.elsewhere.load(Ordering::Relaxed))
        });
        assert_eq!(blocked, 0, "{mode}");
        assert!(elsewhere > 0, "{mode}");
        pollster::block_on(connection.close());
        assert_eq!(sum_after_reopening(&path), 9, "{mode}");
    }
}

fn sum_after_reopening(path: &Path) -> i64 {
    pollster::block_on(async {
        let connection = Builder::new_local(path.to_str().unwrap()).build().await.unwrap().connect().unwrap();
        integer(&connection, "SELECT sum(a) FROM t").await
    })
}

#[test]
fn giving_up_blocks_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("given_up.db");
    let (io, watch) = Watched::new();
    let database = pollster::block_on(Builder::new_local(path.to_str().unwrap()).with_io_impl(io).build()).unwrap();
    let connection = database.connect().unwrap();
    pollster::block_on(execute(&connection, "PRAGMA synchronous = full; CREATE TABLE t(a); INSERT INTO t VALUES (0)"));
    IS_EXECUTOR.set(true);
    let mut given_up = 0;
    for round in 0..60 {
        let mut update = Box::pin(connection.execute("UPDATE t SET a = a + 1", ()));
        watch.armed.store(true, Ordering::Relaxed);
        let mut is_over = false;
        for _ in 0..=round % 12 {
            is_over = update.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            if is_over {
                break;
            }
            std::thread::sleep(Duration::from_micros(30));
        }
        watch.holds_syncs.store(true, Ordering::Relaxed);
        let start = Instant::now();
        drop(update);
        let pause = start.elapsed();
        watch.holds_syncs.store(false, Ordering::Relaxed);
        watch.armed.store(false, Ordering::Relaxed);
        given_up += u64::from(!is_over);
        assert!(pause < Watch::LONG / 2, "a dropped future waited for a sync: {pause:?}");
    }
    IS_EXECUTOR.set(false);
    println!("{given_up} given up");
    assert!(given_up > 0);
    assert_eq!(watch.blocked.load(Ordering::Relaxed), 0);
    assert!(pollster::block_on(integer(&connection, "SELECT a FROM t")) <= 60);
}

#[test]
fn recovery_after_a_crash_blocks_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("crashed.db");
    let left = |name: &str| directory.path().join(name);
    pollster::block_on(async {
        let database = Builder::new_local(path.to_str().unwrap()).build().await.unwrap();
        let connection = database.connect().unwrap();
        execute(&connection, "CREATE TABLE t(a); INSERT INTO t VALUES (41), (1)").await;
        // What a process that dies here leaves behind.
        std::fs::copy(&path, left("copy.db")).unwrap();
        std::fs::copy(left("crashed.db-wal"), left("copy.db-wal")).unwrap();
    });
    let (io, watch) = Watched::new();
    let copy = left("copy.db");
    let database = pollster::block_on(Builder::new_local(copy.to_str().unwrap()).with_io_impl(io).build()).unwrap();
    let connection = database.connect().unwrap();
    let sum = watched(&watch, async { integer(&connection, "SELECT sum(a) FROM t").await });
    assert_eq!((sum, watch.blocked.load(Ordering::Relaxed)), (42, 0));
}

fn fill(database: &Database, rows: i64) -> Connection {
    let connection = database.connect().unwrap();
    let sql = format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, filler);
         WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {rows})
         INSERT INTO t SELECT i, 0, zeroblob(300) FROM s;
         PRAGMA wal_checkpoint(TRUNCATE);"
    );
    pollster::block_on(execute(&connection, &sql));
    connection
}

#[test]
fn a_timer_keeps_its_period_beside_a_thousand_cold_queries_and_a_hundred_waiting_writers() {
    const ROWS: i64 = 20_000;
    static DONE: tokio::sync::Notify = tokio::sync::Notify::const_new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("busy.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let database = runtime.block_on(Builder::new_local(path.to_str().unwrap()).build()).unwrap();
    drop(fill(&database, ROWS));
    let longest = runtime.block_on(async {
        let readers: Vec<_> = (0..1000).map(|_| database.connect().unwrap()).collect();
        let writers: Vec<_> = (0..100).map(|_| database.connect().unwrap()).collect();
        writers.iter().for_each(|writer| writer.busy_timeout(Duration::from_secs(60)).unwrap());
        let timer = tokio::spawn(async {
            let (mut longest, mut last) = (Duration::ZERO, Instant::now());
            loop {
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_millis(5)) => {}
                    () = DONE.notified() => return longest,
                }
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
        });
        let mut work = Vec::new();
        for (reader, i) in readers.into_iter().zip(0i64..) {
            work.push(tokio::spawn(async move {
                let sql = format!("SELECT length(filler) FROM t WHERE id = {}", i * 7919 % ROWS + 1);
                assert_eq!(integer(&reader, &sql).await, 300);
            }));
        }
        for (writer, i) in writers.into_iter().zip(1..) {
            work.push(tokio::spawn(async move {
                writer.execute(format!("UPDATE t SET n = n + 1 WHERE id IN (1, {})", i + 1), ()).await.unwrap();
            }));
        }
        for task in work {
            task.await.unwrap();
        }
        DONE.notify_one();
        let reader = database.connect().unwrap();
        assert_eq!(integer(&reader, "SELECT n FROM t WHERE id = 1").await, 100);
        timer.await.unwrap()
    });
    println!("the longest pause of the timer: {longest:?}");
    // The processor is shared with other tests; a thread that waited for the locks of a hundred writers would stand for seconds.
    assert!(longest < Duration::from_millis(500), "{longest:?}");
}

#[test]
fn futures_dropped_at_any_await_leave_no_lock_no_change_and_a_usable_connection() {
    let rounds: u64 = std::env::var("CANCELLATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    for mode in ["wal", "delete"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dropped.db");
        let database = pollster::block_on(Builder::new_local(path.to_str().unwrap()).build()).unwrap();
        let connection = fill(&database, 500);
        let other = database.connect().unwrap();
        pollster::block_on(execute(&connection, &format!("PRAGMA journal_mode = {mode}")));
        let mut given_up = 0;
        for round in 0..rounds {
            let (id, polls) = (round * 17 % 499 + 1, round / 3 % 9);
            let sql = match round % 3 {
                0 => format!("UPDATE t SET n = n + 1 WHERE id = {id} OR id = {id} + 1"),
                1 => "SELECT sum(length(filler)) FROM t".to_string(),
                _ => format!(
                    "BEGIN; UPDATE t SET n = n + 1 WHERE id = {id}; UPDATE t SET n = n + 1 WHERE id = {id} + 1; COMMIT"
                ),
            };
            {
                let mut work = pin!(connection.execute_batch(&sql));
                let mut is_over = false;
                for _ in 0..=polls {
                    if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                        result.unwrap();
                        is_over = true;
                        break;
                    }
                    std::thread::sleep(Duration::from_micros(50));
                }
                given_up += u64::from(!is_over);
            }
            pollster::block_on(async {
                // A commit that was handed over has run to its end.
                let rolled_back = connection.execute("ROLLBACK", ()).await;
                assert!(rolled_back.is_ok() || connection.is_autocommit().unwrap());
                // Nothing keeps another connection from writing.
                other.execute("UPDATE t SET filler = zeroblob(300) WHERE id = 500", ()).await.unwrap();
            });
        }
        println!("{mode}: {given_up} of {rounds} given up");
        let sum = pollster::block_on(integer(&connection, "SELECT sum(n) % 2 FROM t"));
        assert_eq!(sum, 0, "{mode}: an update of two rows was half done");
        assert_eq!(
            pollster::block_on(integer(
                &connection,
                "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"
            )),
            1
        );
    }
}

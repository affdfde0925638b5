//! Reading what is not in memory: the back ends give the same rows, and reads that nobody waits for any more do no harm.

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Waker};

use turso::{Builder, Connection};

const ROWS: i64 = 20_000;

async fn open(path: &Path, backend: &str) -> turso::Result<Connection> {
    Builder::new_local(path.to_str().unwrap()).with_io(backend).build().await?.connect()
}

/// A table whose rows fill some 1,500 pages, and an index on it.
async fn fill(path: &Path) -> turso::Result<()> {
    let connection = open(path, "io_uring").await?;
    let sql = format!(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, k, filler);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
         INSERT INTO t SELECT i, i * 7919 % {ROWS}, zeroblob(250) FROM n;
         CREATE INDEX t_k ON t(k);
         PRAGMA wal_checkpoint(TRUNCATE);"
    );
    connection.execute_batch(sql).await
}

fn forget_cached(path: &Path) {
    use std::os::fd::AsRawFd;
    let file = std::fs::File::open(path).unwrap();
    file.sync_all().unwrap();
    // SAFETY: advice about a descriptor that is open.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
}

async fn integer(connection: &Connection, sql: &str) -> turso::Result<i64> {
    let mut rows = connection.query(sql, ()).await?;
    rows.next().await?.expect("a row").get(0)
}

#[test]
fn cold_scans_of_tables_and_indexes_see_every_row() {
    pollster::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cold.db");
        fill(&path).await.unwrap();
        for backend in ["io_uring", "syscall"] {
            forget_cached(&path);
            let connection = open(&path, backend).await.unwrap();
            let sum = ROWS * (ROWS + 1) / 2;
            assert_eq!(integer(&connection, "SELECT sum(id) FROM t").await.unwrap(), sum, "{backend}");
            let by_index =
                "SELECT count(*) FROM (SELECT k, lag(k) OVER (ORDER BY k) AS before FROM t) WHERE k = before + 1";
            assert_eq!(integer(&connection, by_index).await.unwrap(), ROWS - 1, "{backend}");
            assert_eq!(
                integer(&connection, "SELECT count(*) FROM t WHERE id > 100 AND id <= 19000").await.unwrap(),
                18_900
            );
        }
    });
}

#[test]
fn scans_that_are_dropped_at_any_poll_leave_the_connection_usable() {
    pollster::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dropped.db");
        fill(&path).await.unwrap();
        let mut waited = 0;
        for polls in 0..40 {
            forget_cached(&path);
            let connection = open(&path, "io_uring").await.unwrap();
            {
                let scan = pin!(integer(&connection, "SELECT sum(length(filler)) FROM t"));
                let mut scan = scan;
                for _ in 0..polls {
                    if scan.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                        break;
                    }
                    waited += 1;
                    std::thread::yield_now();
                }
            }
            // The writer proves that no snapshot or lock was left behind.
            connection.execute("UPDATE t SET k = k WHERE id = 5", ()).await.unwrap();
            let mut rows = connection.query("SELECT k FROM t WHERE id = ?", [polls + 1]).await.unwrap();
            assert_eq!(rows.next().await.unwrap().unwrap().get::<i64>(0).unwrap(), (polls + 1) * 7919 % ROWS);
        }
        println!("{waited} polls were pending");
    });
}

#[test]
fn the_back_end_can_be_asked_for() {
    pollster::block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("name.db");
        let name = async |backend: &str| {
            let connection = open(&path, backend).await.unwrap();
            let mut rows = connection.query("PRAGMA io_backend", ()).await.unwrap();
            rows.next().await.unwrap().unwrap().get::<String>(0).unwrap()
        };
        assert_eq!(name("syscall").await, "threads");
        // Where the system has no io_uring, threads take its place.
        assert!(matches!(name("io_uring").await.as_str(), "io_uring" | "threads"));
        let memory = Builder::new_local(":memory:").build().await.unwrap().connect().unwrap();
        let mut rows = memory.query("PRAGMA io_backend", ()).await.unwrap();
        assert_eq!(rows.next().await.unwrap().unwrap().get::<String>(0).unwrap(), "memory");
    });
}

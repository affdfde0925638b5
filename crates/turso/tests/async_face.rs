//! The asynchronous face under two executors that have nothing in common: tokio with several threads, and pollster.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use turso::transaction::{DropBehavior, TransactionBehavior};
use turso::{Builder, Connection, Error, Value, named_params, params, params_from_iter};

/// Run the same test on both executors.
fn on_both<F, R>(test: F)
where
    F: Fn() -> R,
    R: Future<Output = turso::Result<()>>,
{
    pollster::block_on(test()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test()).unwrap();
}

async fn memory() -> turso::Result<Connection> {
    Builder::new_local(":memory:").build().await?.connect()
}

async fn integers(connection: &Connection, sql: &str) -> turso::Result<Vec<i64>> {
    let mut rows = connection.query(sql, ()).await?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().await? {
        all.push(row.get::<i64>(0)?);
    }
    Ok(all)
}

#[test]
fn the_example_of_the_documentation() {
    on_both(|| async {
        let db = Builder::new_local(":memory:").build().await?;
        let mut conn = db.connect()?;
        conn.execute("CREATE TABLE kv(k TEXT PRIMARY KEY, v INT)", ()).await?;
        let tx = conn.transaction().await?;
        tx.execute("INSERT INTO kv VALUES (?1, ?2)", params!["a", 1]).await?;
        tx.commit().await?;
        let mut rows = conn.query("SELECT v FROM kv WHERE k = :k", [(":k", "a")]).await?;
        let mut seen = Vec::new();
        while let Some(row) = rows.next().await? {
            seen.push(row.get::<i64>(0)?);
        }
        assert_eq!(seen, [1]);
        Ok(())
    });
}

#[test]
fn parameters_of_all_kinds() {
    on_both(|| async {
        let conn = memory().await?;
        let text = async |sql: &str, params: turso::params::Params| -> turso::Result<String> {
            let mut rows = conn.query(sql, params).await?;
            rows.next().await?.expect("a row").get::<String>(0)
        };
        use turso::IntoParams;
        let cases: Vec<(&str, turso::params::Params, &str)> = vec![
            ("SELECT quote(?1)", [7].into_params()?, "7"),
            ("SELECT quote(?1)", ["it's"].into_params()?, "'it''s'"),
            ("SELECT quote(?)", (2.5,).into_params()?, "2.5"),
            ("SELECT quote(?)", vec![Value::Blob(vec![1, 255])].into_params()?, "X'01FF'"),
            ("SELECT quote(?)", params![None::<i64>].into_params()?, "NULL"),
            ("SELECT quote(?) || quote(?)", (1, "x").into_params()?, "1'x'"),
            ("SELECT quote(?2) || quote(?1)", params!["first", 2].into_params()?, "2'first'"),
            (
                "SELECT quote(:a) || quote(@b) || quote($c)",
                named_params! {":a": 1, "@b": "b", "$c": 1.5}.into_params()?,
                "1'b'1.5",
            ),
            ("SELECT quote(:a)", [(":a", "named")].into_params()?, "'named'"),
            ("SELECT quote(:a)", vec![(":a".to_owned(), 5)].into_params()?, "5"),
            ("SELECT quote(?) || quote(?) || quote(?)", params_from_iter([1, 2, 3]), "123"),
            ("SELECT quote(?)", params![true].into_params()?, "1"),
            ("SELECT quote(?)", params![f64::NAN].into_params()?, "NULL"),
            ("SELECT 'none'", ().into_params()?, "none"),
            ("SELECT quote(?5)", params![1, 2, 3, 4, "five"].into_params()?, "'five'"),
        ];
        for (sql, params, expected) in cases {
            assert_eq!(text(sql, params).await?, expected, "{sql}");
        }
        let mut statement = conn.prepare("SELECT ?1").await?;
        assert!(matches!(statement.query(params![1, 2]).await, Err(Error::Misuse(_))));
        assert!(matches!(statement.query([(":nosuch", 1)]).await, Err(Error::Misuse(_))));
        assert!(params![u64::MAX].into_params().is_err());
        // What was bound for one run is forgotten in the next.
        statement.query_row([5]).await?;
        assert_eq!(statement.query_row(()).await?.get_value(0)?, Value::Null);
        Ok(())
    });
}

#[test]
fn values_come_back_as_rust_types() {
    on_both(|| async {
        let conn = memory().await?;
        let mut statement =
            conn.prepare("SELECT 1 AS one, 2.5 AS real, 'text' AS t, x'0102' AS b, NULL AS n, 300 AS big").await?;
        assert_eq!(statement.column_names(), ["one", "real", "t", "b", "n", "big"]);
        assert_eq!(statement.column_index("REAL")?, 1);
        let row = statement.query_row(()).await?;
        assert_eq!(row.get::<i64>(0)?, 1);
        assert!(row.get::<bool>(0)?);
        assert_eq!(row.get::<f64>(1)?, 2.5);
        assert_eq!(row.get::<String>(2)?, "text");
        assert_eq!(row.get::<Vec<u8>>(3)?, [1, 2]);
        assert_eq!(row.get::<Option<String>>(4)?, None);
        assert_eq!(row.get::<Option<i64>>(0)?, Some(1));
        assert!(matches!(row.get::<u8>(5), Err(Error::ConversionFailure(_))));
        assert!(matches!(row.get::<i64>(2), Err(Error::ConversionFailure(_))));
        assert!(matches!(row.get::<i64>(17), Err(Error::Misuse(_))));
        assert!(matches!(conn.prepare("SELECT 1 WHERE 0").await?.query_row(()).await, Err(Error::QueryReturnedNoRows)));
        Ok(())
    });
}

#[test]
fn errors_have_sqlites_texts() {
    on_both(|| async {
        let conn = memory().await?;
        conn.execute_batch("CREATE TABLE t(a UNIQUE, b NOT NULL); INSERT INTO t VALUES (1, 1)").await?;
        let failures = [
            ("INSERT INTO t VALUES (1, 2)", "UNIQUE constraint failed: t.a"),
            ("INSERT INTO t VALUES (2, NULL)", "NOT NULL constraint failed: t.b"),
            ("SELECT * FROM nosuch", "no such table: nosuch"),
            ("SELEC 1", "near \"SELEC\": syntax error"),
            ("COMMIT", "cannot commit - no transaction is active"),
        ];
        for (sql, text) in failures {
            let error = conn.execute(sql, ()).await.expect_err(sql);
            assert_eq!(error.to_string(), text);
            if text.contains("constraint") {
                assert!(matches!(error, Error::Constraint(_)), "{error:?}");
            }
        }
        assert_eq!(conn.execute("INSERT INTO t VALUES (5, 5), (6, 6)", ()).await?, 2);
        assert_eq!(conn.last_insert_rowid(), 3);
        assert_eq!(conn.execute("DELETE FROM t WHERE a > 4", ()).await?, 2);
        Ok(())
    });
}

#[test]
fn transactions_commit_roll_back_and_are_settled_when_dropped() {
    on_both(|| async {
        let mut conn = memory().await?;
        conn.execute("CREATE TABLE t(a)", ()).await?;

        let tx = conn.transaction().await?;
        tx.execute("INSERT INTO t VALUES (1)", ()).await?;
        assert!(!tx.is_autocommit()?);
        tx.commit().await?;
        assert!(conn.is_autocommit()?);

        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).await?;
        tx.execute("INSERT INTO t VALUES (2)", ()).await?;
        tx.rollback().await?;

        // Dropped: rolled back before anything else happens on the connection.
        let tx = conn.transaction().await?;
        tx.execute("INSERT INTO t VALUES (3)", ()).await?;
        drop(tx);
        assert_eq!(integers(&conn, "SELECT a FROM t").await?, [1]);

        let mut tx = conn.transaction().await?;
        tx.set_drop_behavior(DropBehavior::Commit);
        tx.execute("INSERT INTO t VALUES (4)", ()).await?;
        drop(tx);
        assert_eq!(integers(&conn, "SELECT a FROM t").await?, [1, 4]);

        // A transaction that is dropped without a later call must not leak into a new one.
        let tx = conn.transaction().await?;
        tx.execute("INSERT INTO t VALUES (5)", ()).await?;
        drop(tx);
        let tx = conn.transaction().await?;
        tx.execute("INSERT INTO t VALUES (6)", ()).await?;
        tx.finish().await?;
        assert_eq!(integers(&conn, "SELECT a FROM t").await?, [1, 4]);

        let tx = conn.unchecked_transaction().await?;
        let again = conn.unchecked_transaction().await;
        assert_eq!(again.expect_err("nested").to_string(), "cannot start a transaction within a transaction");
        tx.rollback().await?;
        Ok(())
    });
}

/// Poll a future a few times, then drop it: whatever it was doing is given up in its middle.
async fn poll_and_drop<F: Future>(future: F, polls: usize) -> bool {
    let mut future = Box::pin(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if future.as_mut().poll(&mut context).is_ready() {
            return true;
        }
    }
    false
}

#[test]
fn dropped_futures_leave_the_connection_usable() {
    on_both(|| async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("drop.db");
        let db = Builder::new_local(&path.to_string_lossy()).build().await?;
        let conn = db.connect()?;
        conn.execute_batch(
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX tb ON t(b); \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, hex(zeroblob(200)) || i FROM n",
        )
        .await?;
        let mut completed = 0;
        for polls in 0..12 {
            // A second connection has an empty cache of its own: its first reads are pending.
            let conn = db.connect()?;
            completed +=
                usize::from(poll_and_drop(conn.execute("UPDATE t SET b = b || 'x' WHERE a % 2", ()), polls).await);
            assert!(conn.is_autocommit()?);
            assert_eq!(integers(&conn, "SELECT count(*) FROM t").await?, [300]);
            let lengths = integers(&conn, "SELECT count(DISTINCT length(b) - length(a)) FROM t WHERE a % 2").await?;
            assert_eq!(lengths, [1], "an update is done or undone as a whole");
            poll_and_drop(conn.query("SELECT * FROM t ORDER BY b DESC", ()), polls).await;
            // Rows given up in the middle of the result.
            let mut rows = conn.query("SELECT a FROM t ORDER BY a", ()).await?;
            rows.next().await?;
            drop(rows);
            conn.execute("INSERT INTO t(b) VALUES ('after')", ()).await?;
            conn.execute("DELETE FROM t WHERE b = 'after'", ()).await?;
        }
        println!("{completed} of 12 updates were done before they were dropped");
        let other = db.connect()?;
        let mut rows = other.query("PRAGMA integrity_check", ()).await?;
        assert_eq!(rows.next().await?.expect("a row").get::<String>(0)?, "ok");
        Ok(())
    });
}

#[test]
fn a_dropped_write_inside_a_transaction_undoes_only_itself() {
    on_both(|| async {
        let mut conn = memory().await?;
        conn.execute("CREATE TABLE t(a)", ()).await?;
        let tx = conn.transaction().await?;
        tx.execute("INSERT INTO t VALUES (1)", ()).await?;
        let mut statement = tx.prepare("INSERT INTO t VALUES (2), (3), (4) RETURNING a").await?;
        let rows = statement.query(()).await?;
        drop(rows);
        tx.execute("INSERT INTO t VALUES (5)", ()).await?;
        tx.commit().await?;
        let all = integers(&conn, "SELECT a FROM t ORDER BY a").await?;
        assert!(all == [1, 5] || all == [1, 2, 3, 4, 5], "{all:?}");
        Ok(())
    });
}

#[test]
fn a_hundred_tasks_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tasks.db");
        let db = Builder::new_local(&path.to_string_lossy()).build().await.unwrap();
        let conn = db.connect().unwrap();
        conn.execute_batch("PRAGMA synchronous = OFF; CREATE TABLE t(task INT, i INT); CREATE TABLE counter(n); INSERT INTO counter VALUES (0)").await.unwrap();
        let tasks: Vec<_> = (0..100)
            .map(|task| {
                let conn = db.connect().unwrap();
                tokio::spawn(async move {
                    conn.busy_timeout(Duration::from_secs(60))?;
                    conn.execute("PRAGMA synchronous = OFF", ()).await?;
                    for i in 0..3 {
                        conn.execute("INSERT INTO t VALUES (?, ?)", (task, i)).await?;
                        conn.execute("UPDATE counter SET n = n + 1", ()).await?;
                        let seen = integers(&conn, &format!("SELECT count(*) FROM t WHERE task = {task}")).await?;
                        assert_eq!(seen, [i + 1], "a task reads its own writes");
                    }
                    Ok::<(), turso::Error>(())
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert_eq!(integers(&conn, "SELECT n FROM counter").await.unwrap(), [300]);
        assert_eq!(integers(&conn, "SELECT count(*) FROM t").await.unwrap(), [300]);
    });
}

#[test]
fn tasks_that_share_a_connection_take_turns() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let conn = memory().await.unwrap();
        conn.execute("CREATE TABLE t(a INTEGER PRIMARY KEY)", ()).await.unwrap();
        let tasks: Vec<_> = (0..100)
            .map(|i| {
                let conn = conn.clone();
                tokio::spawn(async move { conn.execute("INSERT INTO t VALUES (?)", [i]).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), 1);
        }
        assert_eq!(integers(&conn, "SELECT count(*) FROM t").await.unwrap(), [100]);
    });
}

#[test]
fn a_locked_database_is_busy_and_waited_for() {
    on_both(|| async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("busy.db");
        let db = Builder::new_local(&path.to_string_lossy()).build().await?;
        let mut holder = db.connect()?;
        holder.execute("CREATE TABLE t(a)", ()).await?;
        let tx = holder.transaction_with_behavior(TransactionBehavior::Immediate).await?;
        tx.execute("INSERT INTO t VALUES (1)", ()).await?;

        let other = db.connect()?;
        other.busy_timeout(Duration::ZERO)?;
        let error = other.execute("INSERT INTO t VALUES (2)", ()).await.expect_err("the lock is taken");
        assert!(matches!(error, Error::Busy(_)), "{error:?}");
        assert_eq!(error.to_string(), "database is locked");
        assert_eq!(integers(&other, "SELECT count(*) FROM t").await?, [0], "readers are not in the way in WAL mode");

        other.busy_timeout(Duration::from_millis(150))?;
        let start = std::time::Instant::now();
        assert!(other.execute("INSERT INTO t VALUES (2)", ()).await.is_err());
        assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());

        // The waiting statement goes on as soon as the lock is free.
        other.busy_timeout(Duration::from_secs(30))?;
        let mut insert = Box::pin(other.execute("INSERT INTO t VALUES (3)", ()));
        assert!(poll_once(insert.as_mut()).await.is_none());
        tx.commit().await?;
        assert_eq!(insert.await?, 1);
        assert_eq!(integers(&other, "SELECT a FROM t").await?, [1, 3]);
        Ok(())
    });
}

/// Poll once with the task's own waker.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[test]
fn an_interrupt_ends_a_running_statement() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let conn = memory().await.unwrap();
        let runner = conn.clone();
        let task = tokio::spawn(async move {
            integers(&runner, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
                .await
        });
        let start = std::time::Instant::now();
        while !task.is_finished() && start.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            conn.interrupt();
        }
        let error = task.await.unwrap().expect_err("it never ends by itself");
        assert!(matches!(error, Error::Interrupt(_)), "{error:?}");
        assert_eq!(integers(&conn, "SELECT 1").await.unwrap(), [1]);
    });
}

#[test]
fn cached_statements_and_pragmas() {
    on_both(|| async {
        let conn = memory().await?;
        conn.execute("CREATE TABLE t(a)", ()).await?;
        for i in 0..5 {
            let mut statement = conn.prepare_cached("INSERT INTO t VALUES (?)").await?;
            assert_eq!(statement.execute([i]).await?, 1);
        }
        conn.execute("ALTER TABLE t ADD COLUMN b", ()).await?;
        let mut statement = conn.prepare_cached("INSERT INTO t(a) VALUES (?)").await?;
        statement.execute([9]).await?;
        assert_eq!(integers(&conn, "SELECT a FROM t").await?, [0, 1, 2, 3, 4, 9]);
        let rows = conn.pragma_update("user_version", 7).await?;
        assert!(rows.is_empty());
        let mut seen = Vec::new();
        conn.pragma_query("user_version", |row| {
            seen.push(row.get::<i64>(0)?);
            Ok(())
        })
        .await?;
        assert_eq!(seen, [7]);
        Ok(())
    });
}

#[test]
fn futures_can_be_sent() {
    fn is_send<T: Send>(_: &T) {}
    pollster::block_on(async {
        let conn = memory().await.unwrap();
        is_send(&conn.execute("SELECT 1", ()));
        is_send(&conn.query("SELECT 1", ()));
        is_send(&conn.prepare("SELECT 1"));
        is_send(&conn);
    });
}

#[test]
fn concurrent_transactions_are_repeated_until_they_commit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("counter.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Builder::new_local(path.to_str().unwrap()).build().await.unwrap();
        let conn = db.connect().unwrap();
        conn.execute_batch("CREATE TABLE counter(n); INSERT INTO counter VALUES(0)").await.unwrap();
        let mut tasks = Vec::new();
        for _ in 0..4 {
            let mut conn = db.connect().unwrap();
            tasks.push(tokio::task::spawn_blocking(move || {
                pollster::block_on(async {
                    for _ in 0..10 {
                        let add = async |tx: &turso::transaction::Transaction<'_>| {
                            tx.execute("UPDATE counter SET n = n + 1", ()).await
                        };
                        assert_eq!(conn.concurrently(Duration::from_secs(30), add).await.unwrap(), 1);
                    }
                });
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(integers(&conn, "SELECT n FROM counter").await.unwrap(), [40]);
        // What has nothing to do with conflicts is answered at once, and the transaction is over.
        let mut conn = conn;
        let broken = async |tx: &turso::transaction::Transaction<'_>| tx.execute("UPDATE nosuch SET n = 1", ()).await;
        assert!(matches!(conn.concurrently(Duration::from_secs(30), broken).await, Err(Error::Error(_))));
        assert!(conn.is_autocommit().unwrap());
    });
}

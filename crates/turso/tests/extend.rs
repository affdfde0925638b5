//! Functions, collations and hooks of the application through the asynchronous face.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use turso::core::hooks::{AuthAction, AuthRequest, Authorization, RowAction};
use turso::{Aggregate, Builder, Connection, Error, FunctionContext, FunctionOptions, Result, Value};

async fn memory() -> Connection {
    Builder::new_local(":memory:").build().await.unwrap().connect().unwrap()
}

async fn one<T: turso::value::FromValue>(c: &Connection, sql: &str) -> Result<T> {
    c.prepare(sql).await?.query_row(()).await?.get(0)
}

#[derive(Default)]
struct Product(Vec<i64>);

impl Aggregate for Product {
    fn step(&mut self, context: &mut FunctionContext<'_, '_>) -> Result<()> {
        self.0.push(context.get(0)?);
        Ok(())
    }
    fn value(&mut self) -> Result<Value> {
        Ok(Value::Integer(self.0.iter().product()))
    }
    fn inverse(&mut self, _: &mut FunctionContext<'_, '_>) -> Result<()> {
        self.0.remove(0);
        Ok(())
    }
}

#[test]
fn functions_aggregates_and_collations() {
    pollster::block_on(async {
        let c = memory().await;
        let pure = FunctionOptions { deterministic: true, innocuous: true, ..FunctionOptions::default() };
        c.create_scalar_function("twice", Some(1), pure, |f| Ok(f.get::<String>(0)?.repeat(2))).unwrap();
        c.create_scalar_function("count_args", None, pure, |f| Ok(f.len() as i64)).unwrap();
        c.create_scalar_function("fail", Some(0), pure, |_| -> Result<i64> { Err(Error::Constraint("no".into())) })
            .unwrap();
        c.create_window_function("product", Some(1), pure, Product::default).unwrap();
        c.create_collation("by_length", |a, b| a.len().cmp(&b.len()).then(a.cmp(b))).unwrap();
        c.execute_batch(
            "CREATE TABLE t(a TEXT COLLATE by_length, n INT, d AS (twice(a))); CREATE INDEX i ON t(a);
             INSERT INTO t VALUES ('ccc', 2), ('b', 3), ('aa', 4)",
        )
        .await
        .unwrap();
        assert_eq!(
            one::<String>(&c, "SELECT group_concat(d, ' ') FROM (SELECT d FROM t ORDER BY a)").await.unwrap(),
            "bb aaaa cccccc"
        );
        assert_eq!(one::<i64>(&c, "SELECT count_args(1, 2, 3)").await.unwrap(), 3);
        assert_eq!(one::<i64>(&c, "SELECT product(n) FROM t").await.unwrap(), 24);
        let moving = "SELECT group_concat(p) FROM (SELECT product(n) OVER (ORDER BY n ROWS 1 PRECEDING) AS p FROM t)";
        assert_eq!(one::<String>(&c, moving).await.unwrap(), "2,6,12");
        assert!(matches!(one::<i64>(&c, "SELECT fail()").await, Err(Error::Constraint(text)) if text == "no"));
        c.remove_function("twice", Some(1)).unwrap();
        assert!(one::<String>(&c, "SELECT twice('x')").await.is_err());
    });
}

#[test]
fn a_compiled_argument_is_kept() {
    pollster::block_on(async {
        let c = memory().await;
        let made = Arc::new(AtomicU32::new(0));
        let count = made.clone();
        c.create_scalar_function("matches", Some(2), FunctionOptions::default(), move |f| {
            if f.auxiliary::<Vec<u8>>(0).is_none() {
                count.fetch_add(1, Ordering::Relaxed);
                let pattern = f.get::<String>(0)?.into_bytes();
                f.set_auxiliary(0, pattern);
            }
            let text = f.get::<String>(1)?;
            Ok(f.auxiliary::<Vec<u8>>(0).is_some_and(|pattern| text.as_bytes().starts_with(pattern)))
        })
        .unwrap();
        c.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES ('abc'), ('xyz'), ('abd')").await.unwrap();
        assert_eq!(one::<i64>(&c, "SELECT sum(matches('ab', a)) FROM t").await.unwrap(), 2);
        assert_eq!(made.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn hooks_and_statements_inside_functions() {
    pollster::block_on(async {
        let c = memory().await;
        let log = Arc::new(Mutex::new(Vec::new()));
        let told = log.clone();
        c.on_update(Some(move |action: RowAction, _: &str, table: &str, rowid: i64| {
            told.lock().unwrap().push(format!("{action:?} {table} {rowid}"));
        }));
        let told = log.clone();
        c.on_commit(Some(move || {
            told.lock().unwrap().push("commit".into());
            false
        }));
        c.execute_batch("CREATE TABLE t(a); CREATE TABLE log(x)").await.unwrap();
        let weak = c.downgrade();
        c.create_scalar_function("note", Some(1), FunctionOptions::default(), move |f| {
            let connection = weak.upgrade().ok_or_else(|| Error::Misuse("closed".into()))?;
            connection.execute_batch(format!("INSERT INTO log VALUES ({})", f.get::<i64>(0)?))?;
            Ok(connection.last_insert_rowid())
        })
        .unwrap();
        log.lock().unwrap().clear();
        c.execute("INSERT INTO t SELECT note(7)", ()).await.unwrap();
        assert_eq!(*log.lock().unwrap(), ["Insert log 1", "Insert t 1", "commit"]);
        c.on_commit(Some(|| true));
        assert!(matches!(c.execute("INSERT INTO t VALUES (2)", ()).await, Err(Error::Constraint(_))));
        assert_eq!(one::<i64>(&c, "SELECT count(*) FROM t").await.unwrap(), 1);
        c.authorizer(Some(|r: &AuthRequest<'_>| match r.action {
            AuthAction::Read if r.first == Some("log") => Authorization::Deny,
            _ => Authorization::Allow,
        }));
        assert_eq!(one::<i64>(&c, "SELECT x FROM log").await.unwrap_err().to_string(), "access to log.x is prohibited");
    });
}

#[test]
fn endless_queries_end() {
    const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    pollster::block_on(async {
        let c = memory().await;
        let mut statement = c.prepare(ENDLESS).await.unwrap();
        statement.set_deadline(Some(Instant::now() + Duration::from_millis(10)));
        assert!(matches!(statement.query_row(()).await, Err(Error::Interrupt(_))));
        let calls = AtomicU32::new(0);
        c.progress_handler(100, Some(move || calls.fetch_add(1, Ordering::Relaxed) > 5));
        assert!(matches!(one::<i64>(&c, ENDLESS).await, Err(Error::Interrupt(_))));
    });
}

#[test]
fn regexp_works_and_can_be_replaced() {
    pollster::block_on(async {
        let c = memory().await;
        assert_eq!(one::<i64>(&c, "SELECT 'the year is 2021' REGEXP '[0-9]{4}$'").await.unwrap(), 1);
        let pure = FunctionOptions { deterministic: true, innocuous: true, ..FunctionOptions::default() };
        c.create_scalar_function("regexp", Some(2), pure, |f| Ok(f.get::<i64>(0)? + f.get::<i64>(1)?)).unwrap();
        assert_eq!(one::<i64>(&c, "SELECT 40 REGEXP 2").await.unwrap(), 42);
    });
}

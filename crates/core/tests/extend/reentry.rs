//! SQL that functions and hooks run on the connection that called them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use turso_core::functions::{Arity, Context, FunctionDef, FunctionFlags};
use turso_core::{Database, OpenOptions, Result, Value};

use crate::support::run_ours;
use crate::{Pair, first_value};

#[test]
fn functions_run_statements_on_their_connection() {
    let pair = Pair::with_calls();
    pair.same(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'SELECT 10'), (2, 'SELECT count(*) FROM t'), (3, 'INSERT INTO u VALUES (7)');
         CREATE TABLE u(x);
         SELECT a, run(b) FROM t;
         SELECT * FROM u;
         SELECT run('SELECT run(''SELECT run(SELECT 5)'')');
         SELECT a, run('INSERT INTO u VALUES (' || a || ') RETURNING x') FROM t ORDER BY a DESC; SELECT * FROM u;
         SELECT run('CREATE TABLE made(x)'), run('INSERT INTO made VALUES (1)'); SELECT * FROM made;
         INSERT INTO u SELECT run('SELECT max(x) + 1 FROM u') FROM t; SELECT * FROM u;
         UPDATE t SET b = run('SELECT count(*) FROM u'); SELECT * FROM t;
         SELECT run('nonsense'); SELECT run('SELECT * FROM missing');
         SELECT run('BEGIN'), run('INSERT INTO u VALUES (99)'); SELECT count(*) FROM u; ROLLBACK; SELECT count(*) FROM u;
         SELECT last_insert_rowid(), changes(), total_changes();
         DELETE FROM u WHERE x = run('SELECT min(x) FROM u'); SELECT * FROM u;",
    );
}

#[test]
fn transactions_end_as_in_sqlite() {
    let pair = Pair::with_calls();
    pair.same(
        "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3);
         BEGIN; INSERT INTO t VALUES (4); SELECT a, run('ROLLBACK') FROM t WHERE a = 2;
         SELECT * FROM t;
         BEGIN; INSERT INTO t SELECT run('COMMIT'); SELECT * FROM t; ROLLBACK;
         BEGIN; UPDATE t SET a = run('ROLLBACK'); SELECT * FROM t;
         ROLLBACK;
         SELECT count(*) FROM t;",
    );
}

#[test]
fn other_threads_wait_for_the_statement() {
    let connection = Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap();
    connection.execute_batch("CREATE TABLE t(a)").unwrap();
    let (inside, inner) = (Arc::new(AtomicBool::new(false)), connection.clone());
    let entered = inside.clone();
    connection
        .create_function(FunctionDef::user_scalar(
            "slow",
            Arity::exactly(0),
            FunctionFlags::NONE,
            Arc::new(move |ctx: &mut Context<'_>, _: &[Value]| {
                entered.store(true, Ordering::SeqCst);
                for _ in 0..20 {
                    inner.execute_batch("INSERT INTO t VALUES (1)")?;
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                entered.store(false, Ordering::SeqCst);
                ctx.null()
            }),
        ))
        .unwrap();
    connection
        .create_function(FunctionDef::user_scalar(
            "inside",
            Arity::exactly(0),
            FunctionFlags::NONE,
            Arc::new(move |ctx: &mut Context<'_>, _: &[Value]| ctx.integer(inside.load(Ordering::SeqCst).into())),
        ))
        .unwrap();
    let other = connection.clone();
    let thread = std::thread::spawn(move || {
        for _ in 0..50 {
            other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
            assert_eq!(first_value(&other, "SELECT inside()").unwrap(), Value::Integer(0));
        }
    });
    for _ in 0..5 {
        connection.execute_batch("SELECT slow()").unwrap();
    }
    thread.join().unwrap();
    assert_eq!(run_ours(&connection, "SELECT count(*) FROM t"), [(vec!["150".to_string()], None)]);
}

#[test]
fn endless_recursion_is_an_error() {
    let pair = Pair::with_calls();
    let connection = pair.ours.clone();
    pair.ours
        .create_function(FunctionDef::user_scalar(
            "again",
            Arity::exactly(0),
            FunctionFlags::NONE,
            Arc::new(move |ctx: &mut Context<'_>, _: &[Value]| {
                let value = first_value(&connection, "SELECT again()")?;
                ctx.value(&value)
            }),
        ))
        .unwrap();
    let outcome = run_ours(&pair.ours, "SELECT again()");
    assert_eq!(outcome, [(vec![], Some("1 too many calls of functions within functions".to_string()))]);
    assert_eq!(run_ours(&pair.ours, "SELECT 1"), [(vec!["1".to_string()], None)]);
}

#[test]
fn a_panic_in_a_function_leaves_the_connection_usable() {
    let pair = Pair::with_calls();
    pair.ours
        .create_function(FunctionDef::user_scalar(
            "panics",
            Arity::exactly(0),
            FunctionFlags::NONE,
            Arc::new(|_: &mut Context<'_>, _: &[Value]| -> Result<()> { panic!("on purpose") }),
        ))
        .unwrap();
    pair.ours.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
    let connection = pair.ours.clone();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        run_ours(&connection, "SELECT panics() FROM t");
    }));
    assert!(outcome.is_err());
    assert_eq!(run_ours(&pair.ours, "SELECT a FROM t"), [(vec!["1".to_string()], None)]);
}

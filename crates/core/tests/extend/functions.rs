//! Functions of the application.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::functions::FunctionFlags as TheirFlags;
use turso_core::functions::{Aggregate, Arity, Context, FunctionDef, FunctionFlags};
use turso_core::{Error, Object, Result, StepResult, Value};

use crate::Pair;

fn arity(n: i32) -> Arity {
    u16::try_from(n).map_or(Arity::ANY, Arity::exactly)
}

impl Pair {
    /// A function that answers its tag and the number of its arguments.
    pub fn tagged(&self, name: &str, args: i32, flags: FunctionFlags, tag: &'static str) {
        let call = move |ctx: &mut Context<'_>, args: &[Value]| ctx.text(format!("{tag}{}", args.len()).as_bytes());
        self.ours.create_function(FunctionDef::user_scalar(name, arity(args), flags, Arc::new(call))).unwrap();
        let mut theirs = TheirFlags::SQLITE_UTF8;
        theirs.set(TheirFlags::SQLITE_DETERMINISTIC, flags.has(FunctionFlags::DETERMINISTIC));
        theirs.set(TheirFlags::SQLITE_INNOCUOUS, flags.has(FunctionFlags::INNOCUOUS));
        theirs.set(TheirFlags::SQLITE_DIRECTONLY, flags.has(FunctionFlags::DIRECT_ONLY));
        self.theirs.create_scalar_function(name, args, theirs, move |ctx| Ok(format!("{tag}{}", ctx.len()))).unwrap();
    }
}

const NONE: FunctionFlags = FunctionFlags::NONE;

#[test]
fn the_best_arity_is_called() {
    let pair = Pair::new();
    pair.tagged("f", 1, NONE, "one");
    pair.tagged("f", -1, NONE, "any");
    pair.tagged("F", 2, NONE, "two");
    pair.tagged("g", 1, NONE, "g");
    pair.same(
        "SELECT f(), f(1), f(1,2), f(1,2,3), F(NULL);
         SELECT g(1);
         SELECT g();
         SELECT g(1,2);
         SELECT nothing(1);",
    );
}

#[test]
fn built_ins_are_overridden() {
    let pair = Pair::new();
    pair.tagged("abs", 1, NONE, "mine");
    pair.tagged("round", -1, NONE, "round");
    pair.tagged("upper", 2, NONE, "upper");
    pair.tagged("count", 1, NONE, "count");
    pair.tagged("coalesce", -1, NONE, "coalesce");
    pair.tagged("nullif", 2, NONE, "nullif");
    pair.tagged("like", 2, NONE, "0");
    pair.tagged("iif", 3, NONE, "iif");
    pair.same(
        "SELECT abs(-1), round(1.5), round(1.55, 1), upper('x'), upper('x', 1);
         SELECT coalesce(1, 2), nullif(1, 1), iif(1, 2, 3), count(1);
         SELECT 'a' LIKE 'a', 'a' NOT LIKE 'b', like('a', 'a', 'x');
         CREATE TABLE t(a TEXT COLLATE NOCASE); INSERT INTO t VALUES('abc'); CREATE INDEX i ON t(a);
         SELECT a FROM t WHERE a LIKE 'abc%';",
    );
}

#[test]
fn a_removed_function_is_gone_and_the_built_in_back() {
    let pair = Pair::new();
    pair.tagged("f", 1, NONE, "f");
    pair.tagged("abs", 1, NONE, "mine");
    pair.same("SELECT f(1), abs(-3)");
    pair.ours.remove_function("F", Arity::exactly(1)).unwrap();
    pair.theirs.remove_function("F", 1).unwrap();
    pair.ours.remove_function("abs", Arity::exactly(1)).unwrap();
    pair.theirs.remove_function("abs", 1).unwrap();
    pair.same("SELECT f(1); SELECT abs(-3);");
}

#[test]
fn errors_carry_their_code() {
    let pair = Pair::with_calls();
    pair.same(
        "SELECT fail(1); SELECT fail(19); SELECT fail(275); SELECT fail(5); SELECT abs(fail(1)); SELECT count(fail(21)) FROM (SELECT 1);
         CREATE TABLE t(a); INSERT INTO t VALUES(1),(fail(4)),(3); SELECT * FROM t;
         BEGIN; INSERT INTO t VALUES(7); INSERT INTO t VALUES(1),(fail(19)),(3); SELECT * FROM t; COMMIT; SELECT * FROM t;",
    );
}

/// The sum and the number of rows, and how often the state was made.
#[derive(Default)]
struct Total {
    sum: i64,
    rows: i64,
}

impl Aggregate for Total {
    fn step(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if let Some(Value::Integer(i)) = args.first() {
            self.sum += i;
            self.rows += 1;
        }
        Ok(())
    }
    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        ctx.text(format!("{}/{}", self.sum, self.rows).as_bytes())
    }
    fn inverse(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if let Some(Value::Integer(i)) = args.first() {
            self.sum -= i;
            self.rows -= 1;
        }
        Ok(())
    }
    fn reset(&mut self) {
        *self = Self::default();
    }
}

struct TheirTotal;

impl rusqlite::functions::Aggregate<(i64, i64), Option<String>> for TheirTotal {
    fn init(&self, _: &mut rusqlite::functions::Context<'_>) -> rusqlite::Result<(i64, i64)> {
        Ok((0, 0))
    }
    fn step(&self, ctx: &mut rusqlite::functions::Context<'_>, acc: &mut (i64, i64)) -> rusqlite::Result<()> {
        if let Ok(i) = ctx.get::<i64>(0) {
            acc.0 += i;
            acc.1 += 1;
        }
        Ok(())
    }
    fn finalize(
        &self,
        _: &mut rusqlite::functions::Context<'_>,
        acc: Option<(i64, i64)>,
    ) -> rusqlite::Result<Option<String>> {
        let (sum, rows) = acc.unwrap_or_default();
        Ok(Some(format!("{sum}/{rows}")))
    }
}

impl rusqlite::functions::WindowAggregate<(i64, i64), Option<String>> for TheirTotal {
    fn value(&self, acc: Option<&mut (i64, i64)>) -> rusqlite::Result<Option<String>> {
        let (sum, rows) = acc.map_or((0, 0), |acc| *acc);
        Ok(Some(format!("{sum}/{rows}")))
    }
    fn inverse(&self, ctx: &mut rusqlite::functions::Context<'_>, acc: &mut (i64, i64)) -> rusqlite::Result<()> {
        if let Ok(i) = ctx.get::<i64>(0) {
            acc.0 -= i;
            acc.1 -= 1;
        }
        Ok(())
    }
}

fn with_totals() -> Pair {
    let pair = Pair::new();
    let make = || -> Box<dyn Aggregate> { Box::new(Total::default()) };
    let one = Arity::exactly(1);
    pair.ours.create_function(FunctionDef::user_aggregate("tot", one, NONE, Arc::new(make))).unwrap();
    pair.ours.create_function(FunctionDef::user_aggregate("wtot", one, FunctionFlags::WINDOW, Arc::new(make))).unwrap();
    pair.theirs.create_aggregate_function("tot", 1, TheirFlags::SQLITE_UTF8, TheirTotal).unwrap();
    pair.theirs.create_window_function("wtot", 1, TheirFlags::SQLITE_UTF8, TheirTotal).unwrap();
    pair
}

#[test]
fn functions_of_the_application_are_listed() {
    let pair = with_totals();
    pair.tagged("f", 1, NONE, "one");
    pair.tagged("f", -1, FunctionFlags::DETERMINISTIC, "any");
    pair.tagged("abs", 1, NONE, "mine");
    pair.same(
        "SELECT * FROM pragma_function_list WHERE name IN ('tot', 'wtot', 'f', 'abs') ORDER BY name, builtin, narg;",
    );
}

#[test]
fn aggregates_of_the_application() {
    let pair = with_totals();
    pair.same(
        "CREATE TABLE t(g, a); INSERT INTO t VALUES (1,10),(1,20),(2,5),(3,NULL),(3,1),(2,5);
         SELECT tot(a) FROM t;
         SELECT tot(a) FROM t WHERE g > 7;
         SELECT g, tot(a) FROM t GROUP BY g;
         SELECT g, tot(DISTINCT a) FROM t GROUP BY g ORDER BY tot(a) DESC;
         SELECT tot(a) FILTER (WHERE g <> 2), tot(g) FROM t;
         SELECT (SELECT tot(u.a) FROM t u WHERE u.g <= t.g) FROM t;
         SELECT g, tot(a) FROM t GROUP BY g HAVING tot(a) > '3';
         SELECT tot(tot(a)) FROM t;
         SELECT a FROM t WHERE tot(a) > 1;
         SELECT tot(a, g) FROM t;
         SELECT tot(a) OVER () FROM t;",
    );
}

#[test]
fn window_functions_of_the_application() {
    let pair = with_totals();
    pair.same(
        "CREATE TABLE t(g, a); INSERT INTO t VALUES (1,10),(1,20),(2,5),(3,NULL),(3,1),(2,5);
         SELECT wtot(a) FROM t;
         SELECT g, a, wtot(a) OVER () FROM t;
         SELECT g, a, wtot(a) OVER (ORDER BY a) FROM t;
         SELECT g, a, wtot(a) OVER (PARTITION BY g ORDER BY a) FROM t;
         SELECT g, a, wtot(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM t;
         SELECT g, a, wtot(a) OVER (ORDER BY a ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING EXCLUDE TIES) FROM t;
         SELECT g, a, wtot(a) FILTER (WHERE a > 5) OVER (ORDER BY g GROUPS 1 PRECEDING) FROM t;",
    );
}

#[test]
fn schema_objects_may_use_what_is_allowed() {
    let deterministic = FunctionFlags::DETERMINISTIC;
    for (name, flags) in [
        ("plain", NONE),
        ("det", deterministic),
        ("inno", FunctionFlags::INNOCUOUS | deterministic),
        ("direct", FunctionFlags::DIRECT_ONLY | deterministic),
    ] {
        let pair = Pair::new();
        pair.tagged("fn1", 1, flags, "r");
        let _ = name;
        pair.same(
            "CREATE TABLE t(a, b AS (fn1(a)));
             CREATE TABLE c(a, CHECK (fn1(a) <> 'x'));
             CREATE TABLE d(a DEFAULT (fn1(1)), b);
             CREATE TABLE p(a);
             CREATE INDEX pi ON p(fn1(a));
             CREATE INDEX pp ON p(a) WHERE fn1(a) = 'r1';
             CREATE VIEW v AS SELECT fn1(a) FROM p;
             CREATE TRIGGER tr AFTER INSERT ON p BEGIN INSERT INTO d(a) SELECT fn1(new.a); END;
             CREATE TEMP VIEW tv AS SELECT fn1(a) FROM p;
             INSERT INTO t VALUES(1); SELECT * FROM t;
             INSERT INTO c VALUES(1); SELECT * FROM c;
             INSERT INTO d(b) VALUES(1); SELECT * FROM d;
             INSERT INTO p VALUES(1); SELECT * FROM p;
             SELECT * FROM p WHERE fn1(a) = 'r1';
             SELECT * FROM v; SELECT * FROM tv; SELECT * FROM d;
             PRAGMA trusted_schema = OFF;
             INSERT INTO t VALUES(1); SELECT * FROM t;
             INSERT INTO c VALUES(1); SELECT * FROM c;
             INSERT INTO d(b) VALUES(1); SELECT * FROM d;
             INSERT INTO p VALUES(1); SELECT * FROM p;
             SELECT fn1(a) FROM p;
             SELECT * FROM p WHERE fn1(a) = 'r1';
             SELECT * FROM v; SELECT * FROM tv; SELECT * FROM d;
             CREATE TEMP TRIGGER tt AFTER INSERT ON d BEGIN INSERT INTO c VALUES(fn1(1)); END;
             INSERT INTO d VALUES(1, 2); SELECT * FROM c;",
        );
    }
}

#[test]
fn data_of_constant_arguments_stays_for_the_run() {
    let pair = Pair::new();
    let (made, made_theirs) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let count = made.clone();
    pair.ours
        .create_function(FunctionDef::user_scalar(
            "keep",
            Arity::exactly(2),
            NONE,
            Arc::new(move |ctx: &mut Context<'_>, args: &[Value]| {
                let mut numbers = [0u32; 2];
                for (i, number) in numbers.iter_mut().enumerate() {
                    let Some(auxiliary) = &mut ctx.auxiliary else { return Err(Error::sql("no auxiliary data")) };
                    let argument = i as i32;
                    *number = match auxiliary.get(argument).and_then(|data| data.downcast_ref::<u32>()) {
                        Some(number) => *number,
                        None => {
                            let number = count.fetch_add(1, Ordering::Relaxed);
                            auxiliary.set(argument, Box::new(number));
                            number
                        }
                    };
                }
                let _ = args;
                ctx.text(format!("{numbers:?}").as_bytes())
            }),
        ))
        .unwrap();
    let count = made_theirs.clone();
    pair.theirs
        .create_scalar_function("keep", 2, TheirFlags::SQLITE_UTF8, move |ctx| {
            let mut numbers = [0u32; 2];
            for (i, number) in numbers.iter_mut().enumerate() {
                let kept: Arc<u32> =
                    ctx.get_or_create_aux(i as i32, |_| -> Result<u32> { Ok(count.fetch_add(1, Ordering::Relaxed)) })?;
                *number = *kept;
            }
            Ok(format!("{numbers:?}"))
        })
        .unwrap();
    pair.same(
        "CREATE TABLE t(a); INSERT INTO t VALUES (1),(2),(3);
         SELECT keep('x', a) FROM t;
         SELECT keep('x', a), keep('x', 7) FROM t;
         SELECT keep(a, lower('Y')) FROM t;
         SELECT keep(1, (SELECT 1)) FROM t;
         SELECT keep(a, a) FROM t;
         SELECT keep('a', 'b') FROM t WHERE keep('c', a) <> '';
         CREATE TABLE log(x);
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (keep('k', new.a)); INSERT INTO log VALUES (keep('k', 'l')); END;
         INSERT INTO t VALUES (4),(5);
         SELECT * FROM log;
         WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < 4) SELECT keep('r', n), keep('r', 's') FROM r;",
    );
    assert_eq!(made.load(Ordering::Relaxed), made_theirs.load(Ordering::Relaxed));
}

#[test]
fn functions_are_not_changed_while_statements_run() {
    let pair = Pair::new();
    pair.tagged("f", 1, NONE, "old");
    pair.ours.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1),(2)").unwrap();
    let mut statement = pair.ours.prepare("SELECT f(a) FROM t").unwrap().statement.unwrap();
    statement.step().unwrap();
    let new = FunctionDef::user_scalar(
        "f",
        Arity::exactly(1),
        NONE,
        Arc::new(|ctx: &mut Context<'_>, _: &[Value]| ctx.text(b"new")),
    );
    let error = pair.ours.create_function(new.clone()).unwrap_err();
    assert_eq!(
        (error.code().0, error.message()),
        (5, "unable to delete/modify user-function due to active statements")
    );
    assert_eq!(pair.ours.remove_function("f", Arity::exactly(1)).unwrap_err().code().0, 5);
    // Another arity is another function.
    let mut other = new.clone();
    other.arity = Arity::exactly(2);
    pair.ours.create_function(other).unwrap();
    statement.step().unwrap();
    assert_eq!(statement.row(), [Value::from("old1")]);
    statement.reset();
    pair.ours.create_function(new).unwrap();
    statement.step().unwrap();
    assert_eq!(statement.row(), [Value::from("new")]);
}

#[test]
fn what_aggregates_hold_is_given_back_when_the_run_ends() {
    struct Held(Arc<Mutex<Vec<&'static str>>>);
    impl Drop for Held {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("dropped");
        }
    }
    impl Aggregate for Held {
        fn step(&mut self, _: &mut Context<'_>, _: &[Value]) -> Result<()> {
            Ok(())
        }
        fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
            self.0.lock().unwrap().push("value");
            ctx.integer(1)
        }
        fn reset(&mut self) {}
    }
    let log = Arc::new(Mutex::new(Vec::new()));
    let pair = Pair::new();
    let seen = log.clone();
    pair.ours
        .create_function(FunctionDef::user_aggregate(
            "h",
            Arity::exactly(1),
            NONE,
            Arc::new(move || -> Box<dyn Aggregate> { Box::new(Held(seen.clone())) }),
        ))
        .unwrap();
    pair.ours.execute_batch("CREATE TABLE t(a); INSERT INTO t VALUES (1),(1),(2)").unwrap();
    let mut statement = pair.ours.prepare("SELECT a, h(a) FROM t GROUP BY a").unwrap().statement.unwrap();
    statement.step().unwrap();
    statement.reset();
    let events = std::mem::take(&mut *log.lock().unwrap());
    assert_eq!(events.iter().filter(|e| **e == "value").count(), 1);
    assert_eq!(events.last(), Some(&"dropped"), "all are dropped by reset: {events:?}");
}

/// What travels with a NULL.
struct Parcel(i64);

#[test]
fn objects_travel_from_function_to_function_and_with_parameters() {
    let pair = Pair::new();
    let wrap = |ctx: &mut Context<'_>, args: &[Value]| ctx.object(Object::new(Parcel(args[0].to_integer())));
    let open = |ctx: &mut Context<'_>, _: &[Value]| match ctx.arg_object(0).and_then(Object::downcast_ref) {
        Some(Parcel(content)) => ctx.integer(*content),
        None => ctx.null(),
    };
    for (name, call) in [
        ("wrap", Arc::new(wrap) as Arc<dyn turso_core::functions::ScalarFunction>),
        ("open", Arc::new(open) as Arc<dyn turso_core::functions::ScalarFunction>),
    ] {
        pair.ours.create_function(FunctionDef::user_scalar(name, Arity::exactly(1), NONE, call)).unwrap();
    }
    let rows = |sql: &str| crate::support::run_ours(&pair.ours, sql).pop().unwrap().0;
    assert_eq!(
        rows("SELECT wrap(5), typeof(wrap(5)), wrap(5) IS NULL, open(wrap(5)), open(5), open(NULL)"),
        ["NULL|'null'|1|5|NULL|NULL"]
    );
    assert_eq!(rows("SELECT open(x) FROM (SELECT wrap(1) AS x UNION ALL SELECT wrap(2))").len(), 2);
    // Many in one run: those that nobody refers to any more go.
    let sum = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT sum(open(wrap(i))) FROM n";
    assert_eq!(rows(sum), ["500500"]);
    // A table keeps none.
    assert_eq!(rows("CREATE TABLE t AS SELECT wrap(1) AS x; SELECT open(x) FROM t"), ["NULL"]);

    let mut statement = pair.ours.prepare("SELECT open(?1), ?1 IS NULL, open(?2)").unwrap().statement.unwrap();
    statement.bind_object(1, Object::new(Parcel(7))).unwrap();
    for _ in 0..2 {
        assert_eq!(statement.step().unwrap(), StepResult::Row);
        assert_eq!(statement.row(), [Value::Integer(7), Value::Integer(1), Value::Null]);
        statement.reset();
        // The program is made anew, what is bound stays.
        pair.ours.execute_batch("CREATE TABLE IF NOT EXISTS other(a)").unwrap();
    }
    statement.bind(1, Value::Integer(3)).unwrap();
    assert_eq!(statement.step().unwrap(), StepResult::Row);
    assert_eq!(statement.row(), [Value::Null, Value::Integer(0), Value::Null]);
    statement.reset();
    assert!(statement.bind_object(3, Object::new(Parcel(1))).is_err());
}

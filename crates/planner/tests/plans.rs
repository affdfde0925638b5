//! The loops that the optimizer chooses, compared with `EXPLAIN QUERY PLAN` of the newest SQLite on the same schema.
//!
//! Each case is one query over one core without subqueries, so that the plan of the core is the whole plan.

use std::sync::Arc;

use turso_functions::{Lookup, lookup};
use turso_parser::ast::Statement;
use turso_planner::bind::Binder;
use turso_planner::emit::describe_loops;
use turso_planner::optimize::{UsedColumns, plan_core};
use turso_planner::plan::{Body, Expr, OrderTerm, Wish};
use turso_planner::{Catalogue, PlanContext, PlanOptions};
use turso_program::DbIndex;
use turso_schema::{Schema, SchemaRow, build_schema};
use turso_value::{Collation, Value};

struct OneDatabase(Arc<Schema>);

impl Catalogue for OneDatabase {
    fn database_count(&self) -> usize {
        2
    }
    fn database_name(&self, db: DbIndex) -> &str {
        if db.0 == 0 { "main" } else { "temp" }
    }
    fn schema(&self, db: DbIndex) -> &Arc<Schema> {
        static EMPTY: std::sync::OnceLock<Arc<Schema>> = std::sync::OnceLock::new();
        if db.0 == 0 { &self.0 } else { EMPTY.get_or_init(|| Arc::new(Schema::empty(true))) }
    }
    fn find_database(&self, name: &str) -> Option<DbIndex> {
        ["main", "temp"].iter().position(|n| n.eq_ignore_ascii_case(name)).map(|i| DbIndex(i as u16))
    }
    fn function(&self, name: &str, argc: usize) -> Lookup {
        lookup(name.as_bytes(), argc)
    }
    fn collation(&self, name: &str) -> Option<Collation> {
        Collation::built_in(name.as_bytes())
    }
}

/// Both sides of the comparison.
struct Planners {
    oracle: rusqlite::Connection,
    ours: OneDatabase,
}

impl Planners {
    fn new(schema: &str) -> Self {
        let oracle = rusqlite::Connection::open_in_memory().unwrap();
        oracle.execute_batch(schema).unwrap();
        let mut ours = Schema::empty(false);
        let mut statement = oracle.prepare("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema").unwrap();
        let rows: Vec<SchemaRow> = statement
            .query_map([], |r| {
                Ok(SchemaRow { kind: r.get(0)?, name: r.get(1)?, table: r.get(2)?, root: r.get(3)?, sql: r.get(4)? })
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        build_schema(&mut ours, &rows).unwrap();
        drop(statement);
        if let Ok(mut statement) = oracle.prepare("SELECT tbl, idx, stat FROM sqlite_stat1") {
            let rows: Vec<(String, Option<String>, String)> = statement
                .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            ours.load_statistics(rows.iter().map(|(t, i, s)| (t.as_str(), i.as_deref(), s.as_str())));
        }
        Self { oracle, ours: OneDatabase(Arc::new(ours)) }
    }

    fn expected(&self, sql: &str) -> Vec<String> {
        match self.oracle.prepare(&format!("EXPLAIN QUERY PLAN {sql}")) {
            Ok(mut statement) => {
                let mut rows = statement.raw_query();
                let mut lines = Vec::new();
                while let Some(row) = rows.next().unwrap() {
                    lines.push(row.get(3).unwrap());
                }
                lines
            }
            Err(e) => vec![format!("error: {}", message(&e))],
        }
    }

    fn found(&self, sql: &str) -> Vec<String> {
        let parsed = turso_parser::parse(sql.as_bytes()).unwrap();
        let Some(Statement::Select(select)) = &parsed.statement else { panic!("not a SELECT: {sql}") };
        let context = PlanContext::new(&self.ours, PlanOptions::default(), sql.as_bytes());
        let query = match Binder::new(&context).bind_select(select) {
            Ok(query) => query,
            Err(e) => return vec![format!("error: {}", e.message())],
        };
        let used = UsedColumns::of_query(&query);
        let Body::Core(core) = &query.body else { panic!("not one core: {sql}") };
        let mut wish = Wish { columns: core.output.len(), ..Wish::default() };
        let free = |e: &Expr| OrderTerm {
            expr: e.clone(),
            output: None,
            collation: match e {
                Expr::Column { collation, .. } => collation.clone(),
                _ => Collation::Binary,
            },
            descending: false,
            nulls_reversed: false,
        };
        let mut sorted_for = "ORDER BY";
        if !core.group_by.is_empty() {
            wish.order = core.group_by.iter().map(free).collect();
            wish.order_is_free = true;
            sorted_for = "GROUP BY";
        } else if core.distinct {
            wish.order = core.output.iter().map(free).collect();
            wish.order_is_free = true;
            sorted_for = "DISTINCT";
        } else {
            wish.order = query.order_by.clone();
        }
        if let Some(Expr::Literal(Value::Integer(n))) = &query.limit {
            wish.limit = Some(*n as u64);
        }
        match plan_core(core, &used, &wish, &context) {
            Ok(plan) => {
                let mut lines = describe_loops(core, &plan);
                let left = wish.order.len() - plan.order_satisfied;
                if left > 0 && !plan.single_row {
                    lines.push(match (left, plan.order_satisfied) {
                        (_, 0) => format!("USE TEMP B-TREE FOR {sorted_for}"),
                        (1, _) => format!("USE TEMP B-TREE FOR LAST TERM OF {sorted_for}"),
                        (n, _) => format!("USE TEMP B-TREE FOR LAST {n} TERMS OF {sorted_for}"),
                    });
                }
                lines
            }
            Err(e) => vec![format!("error: {}", e.message())],
        }
    }
}

fn message(e: &rusqlite::Error) -> String {
    match e {
        rusqlite::Error::SqliteFailure(_, Some(m)) => m.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

fn check(schema: &str, queries: &str) {
    let planners = Planners::new(schema);
    let mut different = String::new();
    let mut count = 0;
    for sql in queries.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("--")) {
        let (expected, found) = (planners.expected(sql), planners.found(sql));
        count += 1;
        if expected != found {
            different += &format!("{sql}\n  SQLite: {}\n  ours:   {}\n", expected.join(" | "), found.join(" | "));
        }
    }
    assert!(different.is_empty(), "of {count} plans differ:\n{different}");
}

const SCHEMA: &str = "
    CREATE TABLE t(a INTEGER PRIMARY KEY, b INT, c TEXT, d);
    CREATE INDEX tb ON t(b);
    CREATE INDEX tbc ON t(b, c);
    CREATE UNIQUE INDEX tu ON t(d);
    CREATE TABLE s(x INT, y INT, z TEXT);
    CREATE INDEX sx ON s(x);
    CREATE TABLE w(k TEXT PRIMARY KEY, v INT, u INT) WITHOUT ROWID;
    CREATE INDEX wv ON w(v);
    CREATE TABLE p(q INTEGER PRIMARY KEY, r);
    CREATE INDEX pr ON p(r);
    CREATE TABLE bare(m, n, o);
";

#[test]
fn scans() {
    check(
        SCHEMA,
        "
        SELECT a, b FROM t
        SELECT b FROM t
        SELECT b, c FROM t
        SELECT d FROM t
        SELECT q, r FROM p
        SELECT x FROM s
        SELECT y FROM s
        SELECT * FROM s
        SELECT v FROM w
        SELECT k, v FROM w
        SELECT u FROM w
        SELECT * FROM bare
        SELECT rowid FROM bare
        SELECT a FROM t
        SELECT 1 FROM t
    ",
    );
}

#[test]
fn searches() {
    check(
        SCHEMA,
        "
        SELECT * FROM t WHERE a = 1
        SELECT * FROM t WHERE rowid = 1
        SELECT * FROM t WHERE a = 1 AND b = 2
        SELECT * FROM t WHERE b = 1
        SELECT * FROM t WHERE b = 1 AND c = 'x'
        SELECT * FROM t WHERE b = 1 AND c = 'x' AND d = 4
        SELECT * FROM t WHERE b = 1 AND d = 2
        SELECT * FROM t WHERE 1 = b
        SELECT * FROM t WHERE b > 1
        SELECT * FROM t WHERE 1 < b
        SELECT * FROM t WHERE b > 1 AND b < 5
        SELECT * FROM t WHERE b BETWEEN 1 AND 5
        SELECT * FROM t WHERE b NOT BETWEEN 1 AND 5
        SELECT * FROM t WHERE b > 1 AND a > 5
        SELECT * FROM t WHERE b = 1 AND a > 5
        SELECT * FROM t WHERE b = 1 AND a = 5
        SELECT * FROM t WHERE a BETWEEN 1 AND 5
        SELECT * FROM t WHERE a >= 1
        SELECT * FROM t WHERE a <= 1
        SELECT * FROM t WHERE b = 1 AND c > 'x'
        SELECT * FROM t WHERE b = 1 AND c > 'x' AND c < 'z'
        SELECT * FROM t WHERE b IN (1, 2, 3)
        SELECT * FROM t WHERE b IN (1)
        SELECT * FROM t WHERE b IN (1, 2) AND c IN ('a', 'b')
        SELECT * FROM t WHERE a IN (1, 2, 3)
        SELECT * FROM t WHERE d IS NULL
        SELECT * FROM t WHERE d IS 5
        SELECT * FROM t WHERE d IS NOT NULL
        SELECT * FROM t WHERE d ISNULL AND b = 4
        SELECT * FROM t WHERE c = 'x'
        SELECT * FROM t WHERE b = 'x'
        SELECT * FROM t WHERE b = c
        SELECT * FROM t WHERE +b = 1
        SELECT * FROM t WHERE b = 1 COLLATE nocase
        SELECT * FROM t WHERE b = 1 AND c = 'x' COLLATE nocase
        SELECT * FROM t WHERE b + 1 = 5
        SELECT * FROM t WHERE b = ?1
        SELECT * FROM t WHERE b = ?1 + 1
        SELECT * FROM w WHERE k = 'a'
        SELECT * FROM w WHERE k > 'a'
        SELECT * FROM w WHERE v = 3
        SELECT k FROM w WHERE v = 3
        SELECT k FROM w WHERE v = 3 AND k = 'b'
        SELECT * FROM w WHERE v = 3 AND k > 'b'
        SELECT * FROM w WHERE u = 3
        SELECT * FROM bare WHERE m = 1
        SELECT b FROM t WHERE b = 1
        SELECT b, c FROM t WHERE b = 1
        SELECT a, b FROM t WHERE b > 1
        SELECT * FROM t WHERE b = 1 OR b = 3
        SELECT * FROM t WHERE b = 1 OR 3 = b
        SELECT * FROM t WHERE b = 1 OR d = 3
        SELECT * FROM t WHERE a = 1 OR b = 3
        SELECT * FROM t WHERE b = 1 OR c = 3
        SELECT * FROM t WHERE (b = 1 AND c = 'x') OR d = 3
        SELECT * FROM t WHERE (b = 1 OR d = 3) AND c = 'x'
        SELECT * FROM t WHERE (b, c) = (1, 'x')
        SELECT * FROM t WHERE (b, c) > (1, 'x')
        SELECT * FROM t WHERE c LIKE 'abc%'
        SELECT * FROM t WHERE b = 1 AND c GLOB 'abc*'
        SELECT * FROM t WHERE unlikely(b = 1)
        SELECT * FROM t INDEXED BY tb WHERE b = 1
        SELECT * FROM t INDEXED BY tbc WHERE b = 1
        SELECT * FROM t INDEXED BY tb WHERE c = 1
        SELECT * FROM t INDEXED BY tb
        SELECT * FROM t INDEXED BY nope
        SELECT * FROM t NOT INDEXED WHERE b = 1
        SELECT * FROM t NOT INDEXED WHERE a = 1
    ",
    );
}

#[test]
fn orders() {
    check(
        SCHEMA,
        "
        SELECT * FROM t ORDER BY a
        SELECT * FROM t ORDER BY a DESC
        SELECT * FROM t ORDER BY b
        SELECT * FROM t ORDER BY b DESC
        SELECT * FROM t ORDER BY b, c
        SELECT * FROM t ORDER BY b DESC, c DESC
        SELECT * FROM t ORDER BY b, c DESC
        SELECT * FROM t ORDER BY b, a
        SELECT * FROM t ORDER BY b, c, d
        SELECT * FROM t ORDER BY d
        SELECT * FROM t ORDER BY d LIMIT 1
        SELECT * FROM t ORDER BY c
        SELECT * FROM t ORDER BY c LIMIT 10
        SELECT * FROM t WHERE b = 1 ORDER BY a
        SELECT * FROM t WHERE b = 1 ORDER BY c
        SELECT * FROM t WHERE b = 1 ORDER BY b
        SELECT * FROM t WHERE b = 1 ORDER BY b, c
        SELECT * FROM t WHERE b = 1 ORDER BY d
        SELECT * FROM t WHERE b > 1 ORDER BY b
        SELECT * FROM t WHERE b > 1 ORDER BY a
        SELECT * FROM t WHERE b > 1 ORDER BY b DESC
        SELECT * FROM t WHERE a = 1 ORDER BY c
        SELECT * FROM t WHERE b IN (1, 2) ORDER BY b
        SELECT * FROM t WHERE b IN (1, 2) ORDER BY b DESC
        SELECT * FROM t WHERE b IN (1, 2) ORDER BY a
        SELECT * FROM t WHERE b IN (1, 2) ORDER BY b, c
        SELECT * FROM t ORDER BY a, b
        SELECT * FROM t ORDER BY d, b
        SELECT * FROM t ORDER BY b COLLATE nocase
        SELECT * FROM t ORDER BY c COLLATE nocase
        SELECT * FROM t ORDER BY b + 1
        SELECT b FROM t ORDER BY b
        SELECT a FROM t ORDER BY a
        SELECT * FROM w ORDER BY k
        SELECT * FROM w ORDER BY k DESC
        SELECT * FROM w ORDER BY v
        SELECT * FROM w WHERE v = 1 ORDER BY k
        SELECT DISTINCT b FROM t
        SELECT DISTINCT c FROM t
        SELECT DISTINCT c, b FROM t
        SELECT DISTINCT d FROM t
        SELECT b, count(*) FROM t GROUP BY b
        SELECT c, b, count(*) FROM t GROUP BY c, b
        SELECT c, count(*) FROM t GROUP BY c
        SELECT c, count(*) FROM t WHERE b = 1 GROUP BY c
        SELECT b, sum(d) FROM t GROUP BY b
        SELECT b, sum(d) FROM t WHERE b > 3 GROUP BY b
    ",
    );
}

#[test]
fn joins() {
    check(
        SCHEMA,
        "
        SELECT * FROM t, s WHERE t.a = s.x
        SELECT * FROM t, s WHERE t.b = s.x
        SELECT * FROM t, s WHERE t.b = s.y
        SELECT * FROM t, s WHERE t.c = s.z
        SELECT * FROM s, t WHERE t.c = s.z
        SELECT * FROM t CROSS JOIN s WHERE t.a = s.x
        SELECT * FROM s CROSS JOIN t WHERE t.a = s.x
        SELECT * FROM t, s
        SELECT * FROM t JOIN s ON t.c = s.y WHERE s.x = 3
        SELECT * FROM t LEFT JOIN s ON t.c = s.z
        SELECT * FROM t LEFT JOIN s ON t.b = s.x
        SELECT * FROM t LEFT JOIN s ON t.b = s.x WHERE s.y IS NULL
        SELECT * FROM t LEFT JOIN s ON t.b = s.x AND s.y = 3 WHERE t.a = 5
        SELECT * FROM s LEFT JOIN t ON t.a = s.x
        SELECT * FROM t AS t1, t AS t2 WHERE t1.a = t2.b
        SELECT * FROM t AS t1, t AS t2, t AS t3 WHERE t1.a = t2.b AND t2.a = t3.b
        SELECT * FROM t AS t1, t AS t2, t AS t3 WHERE t1.a = t2.b AND t2.a = t3.b AND t3.c = 'x'
        SELECT * FROM t AS t1, t AS t2, t AS t3 WHERE t1.a = t2.b AND t2.a = t3.b AND t3.d = 'x'
        SELECT * FROM t, s, w WHERE t.b = s.x AND w.k = t.c
        SELECT * FROM t, s, w WHERE t.b = s.x AND w.k = s.z AND t.d = 1
        SELECT * FROM t, s WHERE t.a = 1 AND s.x = 2
        SELECT * FROM t, s WHERE t.a = s.x AND s.x = 2
        SELECT * FROM bare AS b1, bare AS b2 WHERE b1.m = b2.n
        SELECT * FROM bare AS b1, bare AS b2 WHERE b1.m = b2.n AND b1.o = b2.o
        SELECT * FROM bare AS b1, bare AS b2 WHERE b1.m = b2.n AND b2.o = 5
        SELECT * FROM bare AS b1, bare AS b2 WHERE b1.m > b2.n
        SELECT * FROM t, s WHERE t.b = s.x ORDER BY t.a
        SELECT * FROM t, s WHERE t.b = s.x ORDER BY s.x
        SELECT * FROM t, s WHERE t.a = s.x ORDER BY t.a
        SELECT * FROM t, s WHERE t.a = s.y ORDER BY t.a, s.y
        SELECT t.c, count(*) FROM t, s WHERE t.b = s.x GROUP BY t.c
        SELECT * FROM t, s WHERE t.a = 1 OR (t.b = s.x AND t.c = 3)
        SELECT * FROM t, s WHERE t.a = s.x OR t.b = s.y
    ",
    );
}

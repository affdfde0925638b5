//! Aggregates against the newest SQLite, over groups and over moving frames.

mod support;

use rusqlite::Connection;
use support::*;
use turso_functions::{Context, FunctionKind, Lookup, lookup};
use turso_value::Value;

fn fill(db: &Connection, rows: &[Vec<Value>]) {
    db.execute("DELETE FROM t", []).unwrap();
    let mut insert = db.prepare_cached("INSERT INTO t(x, y) VALUES (?1, ?2)").unwrap();
    for row in rows {
        insert.execute((Sql(&row[0]), row.get(1).map(Sql))).unwrap();
    }
}

fn some_rows(random: &mut Random, pool: &[Value], most: usize) -> Vec<Vec<Value>> {
    (0..random.below(most)).map(|_| vec![random.pick(pool).clone(), random.pick(pool).clone()]).collect()
}

/// Differences of sums show to the last bit; NaN and zero signs do not occur.
const SQL: &[(&str, usize, &str)] = &[
    ("sum", 1, "sum(x)"),
    ("total", 1, "total(x)"),
    ("avg", 1, "avg(x)"),
    ("count", 1, "count(x)"),
    ("count", 0, "count(*)"),
    ("min", 1, "min(x)"),
    ("max", 1, "max(x)"),
    ("group_concat", 1, "group_concat(x)"),
    ("group_concat", 2, "group_concat(x, y)"),
    ("string_agg", 2, "string_agg(x, y)"),
];

fn check_groups(pool: &[Value], rounds: usize, most: usize, seed: u64) {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE t(x, y)").unwrap();
    let mut random = Random(seed);
    let mut report = Report::default();
    for _ in 0..rounds {
        let rows = some_rows(&mut random, pool, most);
        fill(&db, &rows);
        for &(name, argc, sql) in SQL {
            let theirs = query(&db, &format!("SELECT {sql} FROM t"), &[]);
            let cut: Vec<Vec<Value>> = rows.iter().map(|row| row[..argc].to_vec()).collect();
            let ours = if rows.is_empty() { aggregate(name, &[]) } else { aggregate(name, &cut) };
            if rows.is_empty() && argc == 2 && name == "string_agg" {
                continue;
            }
            if !same(&theirs, &ours) {
                report.0.push(format!("{sql} over {cut:?}\n    sqlite {theirs:?}\n    ours   {ours:?}"));
            }
        }
    }
    report.finish();
}

#[test]
fn groups_of_anything() {
    check_groups(&everything(), 400, 6, 1);
}

#[test]
fn groups_of_numbers() {
    check_groups(&numbers(), 400, 8, 2);
    let mut random = Random(9);
    let mut pool: Vec<Value> = Vec::new();
    for _ in 0..300 {
        pool.push(Value::Real(random.below(1_000_000) as f64 / 100.0));
        pool.push(Value::Real((random.next() as i64 as f64) / 1e5));
        pool.push(Value::Integer(random.next() as i64 >> random.below(60)));
    }
    check_groups(&pool, 200, 60, 3);
}

fn check_frames(pool: &[Value], seed: u64) {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE t(x, y)").unwrap();
    let mut random = Random(seed);
    let mut report = Report::default();
    for _ in 0..150 {
        let rows = some_rows(&mut random, pool, 12);
        let width = random.below(4);
        fill(&db, &rows);
        for &(name, argc, sql) in SQL {
            let sql = format!(
                "SELECT {sql} OVER (ORDER BY rowid ROWS BETWEEN {width} PRECEDING AND CURRENT ROW) FROM t ORDER BY rowid"
            );
            let mut statement = db.prepare(&sql).unwrap();
            let mut found = statement.query([]).unwrap();
            let Lookup::Found(function) = lookup(name.as_bytes(), argc) else { panic!("{name}") };
            let FunctionKind::Aggregate(def) = &function.kind else { panic!("{name}") };
            let mut state = def.create();
            state.begin_frame();
            for (i, row) in rows.iter().enumerate() {
                let mut result = Value::Null;
                let mut ctx = Context::new(&mut result, &Fixed);
                let mut step = || {
                    // SQLite takes rows out as soon as the row before has been answered.
                    if i > width {
                        state.inverse(&mut ctx, &rows[i - width - 1][..argc])?;
                    }
                    state.step(&mut ctx, &row[..argc])?;
                    state.value(&mut ctx)
                };
                let ours = step().map_err(|e| e.message().to_owned()).map(|()| result);
                let theirs = match found.next() {
                    Ok(Some(row)) => Ok(from_sql(row.get_ref(0).unwrap())),
                    Ok(None) => panic!("too few rows"),
                    Err(rusqlite::Error::SqliteFailure(_, Some(message))) => Err(message),
                    Err(e) => panic!("{e}"),
                };
                if !same(&theirs, &ours) {
                    report.0.push(format!("{sql} row {i} of {rows:?}\n    sqlite {theirs:?}\n    ours   {ours:?}"));
                }
                if theirs.is_err() {
                    break;
                }
            }
        }
    }
    report.finish();
}

#[test]
fn moving_frames() {
    // Infinities never leave a sum. Terms without length confuse SQLite's group_concat once they are the only ones left
    // (its output is cut in mid-term); ours are right.
    let finite = |v: &Value| !matches!(v, Value::Real(r) if r.is_infinite()) && v.bytes() != Some(b"");
    check_frames(&everything().into_iter().filter(finite).collect::<Vec<_>>(), 4);
    let mut random = Random(10);
    let pool: Vec<Value> = (0..500).map(|_| Value::Integer(random.next() as i64 >> random.below(62))).collect();
    check_frames(&pool, 5);
}

fn check_percentile(name: &str, values: &[Value], fraction: Option<Value>, expected: Result<Value, &str>) {
    let rows: Vec<Vec<Value>> =
        values.iter().map(|v| std::iter::once(v.clone()).chain(fraction.clone()).collect()).collect();
    assert_eq!(aggregate(name, &rows), expected.map_err(str::to_owned), "{name} {fraction:?} over {values:?}");
}

#[test]
fn percentiles() {
    let values: Vec<Value> =
        [Value::Integer(4), Value::Integer(1), Value::Null, Value::Integer(3), Value::Integer(2)].to_vec();
    let real = |r| Ok(Value::Real(r));
    check_percentile("stddev", &values, None, real(1.2909944487358056));
    check_percentile("stddev", &[Value::Null], None, Ok(Value::Null));
    check_percentile("median", &values, None, real(2.5));
    check_percentile("percentile", &values, Some(Value::Integer(25)), real(1.75));
    check_percentile("percentile", &values, Some(Value::text("50")), real(2.5));
    check_percentile("percentile", &values, Some(Value::Real(70.0)), real(3.0999999999999996));
    check_percentile("percentile_cont", &values, Some(Value::Real(0.3)), real(1.9));
    check_percentile("percentile_disc", &values, Some(Value::Real(0.5)), real(2.0));
    check_percentile("percentile_disc", &values, Some(Value::Integer(1)), real(4.0));
    check_percentile("median", &[Value::Null], None, Ok(Value::Null));
    check_percentile("median", &[Value::text("5")], None, Err("input to median() is not numeric"));
    check_percentile("median", &[Value::Real(f64::INFINITY)], None, Err("Inf input to median()"));
    let out = "the fraction argument to percentile() is not between 0.0 and 100.0";
    check_percentile("percentile", &values, Some(Value::Integer(101)), Err(out));
    check_percentile("percentile", &values, Some(Value::Null), Err(out));
    check_percentile("percentile", &values, Some(Value::text("a")), Err(out));
    let out = "the fraction argument to percentile_cont() is not between 0.0 and 1.0";
    check_percentile("percentile_cont", &values, Some(Value::Real(1.5)), Err(out));
}

#[test]
fn window_functions_proper() {
    use turso_functions::{WindowPosition, WindowValue};
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE t(x, y)").unwrap();
    let mut random = Random(12);
    let mut report = Report::default();
    for _ in 0..120 {
        let mut rows: Vec<i64> = (0..random.below(12)).map(|_| random.below(5) as i64).collect();
        rows.sort_unstable();
        fill(&db, &rows.iter().map(|x| vec![Value::Integer(*x), Value::Null]).collect::<Vec<_>>());
        for (name, args) in [
            ("row_number", vec![]),
            ("rank", vec![]),
            ("dense_rank", vec![]),
            ("percent_rank", vec![]),
            ("cume_dist", vec![]),
            ("ntile", vec![Value::Integer(1 + random.below(5) as i64)]),
            ("lag", vec![Value::Integer(random.below(6) as i64 - 2), Value::Integer(-7)]),
            ("lead", vec![Value::Integer(random.below(6) as i64 - 2)]),
            ("lead", vec![]),
        ] {
            let takes_row = matches!(name, "lag" | "lead");
            let mut sql_args: Vec<String> = if takes_row { vec!["rowid".into()] } else { vec![] };
            sql_args.extend(args.iter().map(|v| format!("{v:?}")));
            let sql = format!("SELECT {name}({}) OVER (ORDER BY x) FROM t ORDER BY x, rowid", sql_args.join(","));
            let mut statement = db.prepare(&sql).unwrap();
            let mut found = statement.query([]).unwrap();
            let rowid =
                |row: usize| db.query_row("SELECT min(rowid) FROM t", [], |r| r.get::<_, i64>(0)).unwrap() + row as i64;
            for (i, x) in rows.iter().enumerate() {
                let theirs = from_sql(found.next().unwrap().unwrap().get_ref(0).unwrap());
                let mut ours_args = if takes_row { vec![Value::Integer(rowid(i))] } else { vec![] };
                ours_args.extend(args.iter().cloned());
                let Lookup::Found(function) = lookup(name.as_bytes(), ours_args.len()) else { panic!("{name}") };
                let FunctionKind::Window(window) = &function.kind else { panic!("{name}") };
                let at = WindowPosition {
                    row: i as u64,
                    partition_rows: rows.len() as u64,
                    peers_start: rows.partition_point(|y| y < x) as u64,
                    peers_end: rows.partition_point(|y| y <= x) as u64,
                    group: {
                        let mut d: Vec<i64> = rows[..i].iter().copied().filter(|y| y < x).collect();
                        d.dedup();
                        d.len() as u64
                    },
                };
                let ours = match window.locate(at, &ours_args).unwrap() {
                    WindowValue::Value(value) => value,
                    WindowValue::OfRow(row) => Value::Integer(rowid(row as usize)),
                    WindowValue::Default => ours_args.get(2).cloned().unwrap_or(Value::Null),
                    other => panic!("{other:?}"),
                };
                if theirs != ours {
                    report.0.push(format!("{sql} row {i} of {rows:?} sqlite {theirs:?} ours {ours:?}"));
                }
            }
        }
    }
    report.finish();
}

#[test]
fn mode_is_what_is_there_most_often() {
    let of = |values: &[Value]| aggregate("mode", &values.iter().map(|v| vec![v.clone()]).collect::<Vec<_>>());
    let int = Value::Integer;
    assert_eq!(of(&[]), Ok(Value::Null));
    assert_eq!(of(&[Value::Null, Value::Null, int(1)]), Ok(int(1)));
    assert_eq!(of(&[int(3), int(1), int(3), int(1), int(2)]), Ok(int(1)), "the least of several");
    assert_eq!(
        of(&[Value::from("b"), int(7), Value::from("b"), Value::Real(7.0), Value::from("b")]),
        Ok(Value::from("b"))
    );
}

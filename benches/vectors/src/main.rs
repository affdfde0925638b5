//! Top 10 by distance over vectors in an ordinary table, beside numpy's matrix product on one thread, `sqlite-vec`, and
//! reading the same bytes, in one run.
//!
//! ```text
//! cargo run --release -p vectors                              # 100,000 vectors of 384 dimensions
//! cargo run --release -p vectors -- --rows 1000000 --rounds 3
//! cargo run --release -p vectors -- --all                     # every type and distance of ours
//! ```
//! The others are measured by `others.py`, which needs a Python with `numpy`, `sqlite-vec` and `apsw` (`--python`); without one
//! only our own times are shown. Distances are checked against a reference in `f64`: within 1e-5, and the same 10 rows.
#![forbid(unsafe_code)]

#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use clap::Parser;
use turso_core::{Connection, Database, OpenOptions, Statement, StepResult, Value};

#[derive(Parser)]
#[command(about = "Vectors beside numpy and sqlite-vec")]
struct Arguments {
    /// Vectors in the table.
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
    /// Dimensions of each.
    #[arg(long, default_value_t = 384)]
    dims: usize,
    /// Measured rounds; the median counts.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// A Python with numpy, sqlite-vec and apsw.
    #[arg(long, default_value = "python3")]
    python: String,
    /// Measure every type and distance of ours, too.
    #[arg(long)]
    all: bool,
    /// Only our own cosine (for profilers).
    #[arg(long)]
    only: bool,
}

const COSINE: &str = "SELECT id, vector_distance_cos(v, ?1) AS d FROM items ORDER BY d LIMIT 10";

fn main() {
    let arguments = Arguments::parse();
    let directory = tempfile::tempdir().expect("a temporary folder");
    let vectors = numbers(arguments.rows * arguments.dims);
    let query = &numbers(arguments.dims + 7)[7..];
    let connection = filled(&directory.path().join("vectors.db"), &vectors, arguments.dims);

    println!(
        "{} vectors of {} dimensions, f32; medians of {} rounds",
        arguments.rows, arguments.dims, arguments.rounds
    );
    let ours = median((0..=arguments.rounds).map(|_| timed(|| top(&connection, COSINE, query))).collect());
    show("ours, cosine", ours);
    if arguments.only {
        return;
    }
    check(&vectors, arguments.dims, query, &top(&connection, COSINE, query));
    let read = median((0..=arguments.rounds).map(|_| timed(|| black_box(sum(&vectors)))).collect());
    show("reading the same bytes", read);
    beside(&arguments, directory.path(), &vectors, query, ours);
    if arguments.all {
        every_type(&connection, &arguments, query);
    }
}

fn show(what: &str, ms: f64) {
    println!("{what:<48} {ms:>9.2} ms");
}

/// Numbers from -1 to 1, the same in every run.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// A file database with the vectors in an ordinary table, all of it in the cache.
fn filled(path: &Path, vectors: &[f32], dims: usize) -> Connection {
    let database = Database::open(&path.to_string_lossy(), OpenOptions::default()).expect("the database opens");
    let connection = database.connect().expect("a connection");
    connection
        .execute_batch("PRAGMA cache_size = -8000000; CREATE TABLE items (id INTEGER PRIMARY KEY, v BLOB); BEGIN")
        .expect("the table is made");
    let mut insert = statement(&connection, "INSERT INTO items (v) VALUES (?1)");
    for vector in vectors.chunks_exact(dims) {
        insert.bind(1, Value::Blob(bytes(vector))).expect("bound");
        while insert.step().expect("inserted") == StepResult::Row {}
        insert.reset();
    }
    drop(insert);
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").expect("committed");
    connection
}

fn statement(connection: &Connection, sql: &str) -> Statement {
    connection.prepare(sql).ok().and_then(|prepared| prepared.statement).expect("a statement")
}

/// Rowids and distances.
fn top(connection: &Connection, sql: &str, query: &[f32]) -> Vec<(i64, f64)> {
    let mut statement = statement(connection, sql);
    statement.bind(1, Value::Blob(bytes(query))).expect("bound");
    let mut rows = Vec::new();
    while statement.step().expect("a step") == StepResult::Row {
        match statement.row() {
            [Value::Integer(id), Value::Real(distance)] => rows.push((*id, *distance)),
            other => panic!("an id and a distance, not {other:?}"),
        }
    }
    rows
}

/// Milliseconds that something takes.
fn timed<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64() * 1e3
}

/// The median of all but the first, which warms caches up.
fn median(mut times: Vec<f64>) -> f64 {
    times.remove(0);
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Every number is read once.
fn sum(vectors: &[f32]) -> u32 {
    let mut lanes = [0u32; 32];
    for block in vectors.as_chunks::<32>().0 {
        for (lane, x) in lanes.iter_mut().zip(block) {
            *lane ^= x.to_bits();
        }
    }
    lanes.iter().fold(0, |all, lane| all ^ lane)
}

/// The distances are those of a computation in `f64`, and the rows are the closest ones.
fn check(vectors: &[f32], dims: usize, query: &[f32], ours: &[(i64, f64)]) {
    let wide = |x: &f32| f64::from(*x);
    let norm = |v: &[f32]| v.iter().map(|x| wide(x) * wide(x)).sum::<f64>().sqrt();
    let distance = |v: &[f32]| {
        let product: f64 = v.iter().zip(query).map(|(x, y)| wide(x) * wide(y)).sum();
        1.0 - product / (norm(v) * norm(query))
    };
    let mut exact: Vec<(i64, f64)> =
        vectors.chunks_exact(dims).enumerate().map(|(i, v)| (i as i64 + 1, distance(v))).collect();
    exact.sort_by(|a, b| a.1.total_cmp(&b.1));
    assert_eq!(ours.len(), exact.len().min(10));
    for (ours, exact) in ours.iter().zip(&exact) {
        assert_eq!(ours.0, exact.0, "{ours:?} instead of {exact:?}");
        assert!((ours.1 - exact.1).abs() < 1e-5, "{ours:?} instead of {exact:?}");
    }
    println!("(the rows are those of a reference in f64; the distances agree within 1e-5)");
}

/// numpy and `sqlite-vec`, on the same vectors.
fn beside(arguments: &Arguments, directory: &Path, vectors: &[f32], query: &[f32], ours: f64) {
    let (data, wanted) = (directory.join("vectors.f32"), directory.join("query.f32"));
    let written = fs::write(&data, bytes(vectors)).and_then(|()| fs::write(&wanted, bytes(query)));
    written.expect("the vectors are written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("others.py");
    let output = Command::new(&arguments.python)
        .arg(script)
        .args([&data, &wanted])
        .args([arguments.dims.to_string(), arguments.rounds.to_string()])
        .env("OMP_NUM_THREADS", "1")
        .env("OPENBLAS_NUM_THREADS", "1")
        .output();
    let lines = match output {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        Ok(output) => return println!("(no others: {})", String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => return println!("(no others: {}: {error})", arguments.python),
    };
    for (what, ms) in lines.lines().filter_map(|line| line.rsplit_once(' ')) {
        let Ok(ms) = ms.parse::<f64>() else { continue };
        println!("{what:<48} {ms:>9.2} ms   ours / this: {:.2}", ours / ms);
    }
}

/// Each type of ours with each distance that it has.
fn every_type(connection: &Connection, arguments: &Arguments, query: &[f32]) {
    for make in ["vector32", "vector64", "vector8", "vector1bit", "vector32_sparse"] {
        let sql = format!("DROP TABLE IF EXISTS other; CREATE TABLE other AS SELECT id, {make}(v) AS v FROM items");
        connection.execute_batch(&sql).expect("converted");
        for distance in ["cos", "l2", "dot", "jaccard"] {
            if (make, distance) == ("vector1bit", "l2") {
                continue;
            }
            let sql =
                format!("SELECT id, vector_distance_{distance}(v, {make}(?1)) AS d FROM other ORDER BY d LIMIT 10");
            let rounds = 0..=arguments.rounds.min(5);
            show(
                &format!("ours, {make}, {distance}"),
                median(rounds.map(|_| timed(|| top(connection, &sql, query))).collect()),
            );
        }
    }
}

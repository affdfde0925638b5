//! Top 10 by distance over vectors in an ordinary table, beside numpy's matrix product on one thread, `sqlite-vec`, and
//! reading the same bytes, in one run.
//!
//! ```text
//! cargo run --release -p vectors                              # 100,000 vectors of 384 dimensions
//! cargo run --release -p vectors -- --rows 1000000 --rounds 3
//! cargo run --release -p vectors -- --all                     # every type and distance of ours
//! ```
//! The others are run by `others.py`, in a Python that has `numpy`, `sqlite-vec` and `apsw` (`--python`); what it does not have is
//! skipped by name. Distances are checked against a reference in `f64`: within 1e-5, and the same 10 rows.
#![forbid(unsafe_code)]

mod others;
mod reference;

#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use clap::Parser;
use others::Others;
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
    /// Bytes of a page of the database.
    #[arg(long, default_value_t = 4096)]
    page_size: u32,
    /// Measured rounds.
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
    let connection = filled(&directory.path().join("vectors.db"), &vectors, &arguments);
    println!(
        "{} vectors of {} dimensions, f32; pages of {}; {} rounds, all contestants in turn: median, and the best",
        arguments.rows, arguments.dims, arguments.page_size, arguments.rounds
    );
    if arguments.only {
        return Times::of("ours, cosine", arguments.rounds, || timed(|| top(&connection, COSINE, query))).show(None);
    }
    against(&arguments, directory.path(), &connection, &vectors, query);
    let compute = |kind: &str, distance: &str, what: &str, ours: &[(i64, f64)]| {
        let query = reference::stored(kind, query);
        let each = vectors.chunks_exact(arguments.dims).map(|vector| reference::stored(kind, vector));
        let exact: Vec<f64> = each.map(|vector| reference::distance(kind, distance, &vector, &query)).collect();
        reference::check(what, &exact, ours);
    };
    compute("vector32", "cos", "cosine", &top(&connection, COSINE, query));
    println!("(the rows are those of a reference in f64; the distances agree within 1e-5)");
    if arguments.all {
        every_type(&connection, &arguments, query, &compute);
    }
}

/// The times of one contestant.
struct Times {
    name: String,
    all: Vec<f64>,
}

impl Times {
    fn of(name: &str, rounds: usize, mut once: impl FnMut() -> f64) -> Self {
        Self { name: name.to_string(), all: (0..=rounds).map(|_| once()).collect() }
    }

    /// Median and best of all but the first, which warms caches up.
    fn numbers(&self) -> (f64, f64) {
        let mut times = self.all.get(1..).unwrap_or(&[]).to_vec();
        times.sort_by(f64::total_cmp);
        (times[times.len() / 2], times[0])
    }

    fn show(&self, ours: Option<&Times>) {
        let (median, best) = self.numbers();
        print!("{:<48} {median:>9.2} {best:>9.2} ms", self.name);
        if let Some(ours) = ours {
            let (our_median, our_best) = ours.numbers();
            print!("   ours / this: {:.2} {:.2}", our_median / median, our_best / best);
        }
        println!();
    }
}

/// Ours, reading the same bytes, and the others, round by round.
fn against(arguments: &Arguments, directory: &Path, connection: &Connection, vectors: &[f32], query: &[f32]) {
    let (data, wanted) = (directory.join("vectors.f32"), directory.join("query.f32"));
    let written = fs::write(&data, bytes(vectors)).and_then(|()| fs::write(&wanted, bytes(query)));
    written.expect("the vectors are written");
    let mut others = match Others::start(&arguments.python, &data, &wanted, arguments.dims) {
        Ok(others) => Some(others),
        Err(error) => {
            println!("(skipped: {}: {error})", arguments.python);
            None
        }
    };
    let names = others.as_ref().map_or(Vec::new(), |others| others.names.clone());
    let mut times: Vec<Times> = ["ours, cosine".to_string(), "reading the same bytes".to_string()]
        .into_iter()
        .chain(names)
        .map(|name| Times { name, all: Vec::new() })
        .collect();
    for _ in 0..=arguments.rounds {
        times[0].all.push(timed(|| top(connection, COSINE, query)));
        times[1].all.push(timed(|| black_box(sum(vectors))));
        for (i, times) in times.iter_mut().skip(2).enumerate() {
            let ms = others.as_mut().map_or(Ok(f64::NAN), |others| others.run(i));
            times.all.push(ms.expect("others.py answers"));
        }
    }
    times[0].show(None);
    times.iter().skip(1).for_each(|other| other.show(Some(&times[0])));
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
fn filled(path: &Path, vectors: &[f32], arguments: &Arguments) -> Connection {
    let database = Database::open(&path.to_string_lossy(), OpenOptions::default()).expect("the database opens");
    let connection = database.connect().expect("a connection");
    let create = "PRAGMA cache_size = -8000000; CREATE TABLE items (id INTEGER PRIMARY KEY, v BLOB); BEGIN";
    let sql = format!("PRAGMA page_size = {}; {create}", arguments.page_size);
    connection.execute_batch(&sql).expect("the table is made");
    let mut insert = statement(&connection, "INSERT INTO items (v) VALUES (?1)");
    for vector in vectors.chunks_exact(arguments.dims) {
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

/// Each type of ours with each distance that it has.
fn every_type(
    connection: &Connection,
    arguments: &Arguments,
    query: &[f32],
    check: &dyn Fn(&str, &str, &str, &[(i64, f64)]),
) {
    for make in reference::TYPES {
        let sql = format!("DROP TABLE IF EXISTS other; CREATE TABLE other AS SELECT id, {make}(v) AS v FROM items");
        connection.execute_batch(&sql).expect("converted");
        for distance in reference::DISTANCES {
            if (make, distance) == ("vector1bit", "l2") {
                continue;
            }
            let sql =
                format!("SELECT id, vector_distance_{distance}(v, {make}(?1)) AS d FROM other ORDER BY d LIMIT 10");
            let name = format!("ours, {make}, {distance}");
            check(make, distance, &name, &top(connection, &sql, query));
            Times::of(&name, arguments.rounds.min(5), || timed(|| top(connection, &sql, query))).show(None);
        }
    }
    println!("(the rows of each are those of a reference in f64; the distances agree within 1e-5)");
}

//! Many writers on one database: transactions per second, latencies and retries, on this engine (`BEGIN CONCURRENT`) and on
//! bundled SQLite (`BEGIN IMMEDIATE` with a busy timeout), one after the other in the same run; and what the disk allows.
//!
//! ```text
//! cargo run --release -p writers                                   # the whole table
//! cargo run --release -p writers -- --seconds 1 --writers 1,16 --only insert --synchronous full
//! cargo run --release -p writers -- --rows 1000 --long 10000000    # a long transaction, and its memory
//! ```
//! Throughput counts acknowledged commits after retries. The ceiling is measured by as many threads as there are writers, each
//! of which appends 4 KiB and waits until a sync that began after its write has ended; the syncs are shared. A second one appends
//! as many bytes as a transaction of the workload writes to the log. All take turns, because what a disk does changes from second to
//! second: the medians of the rounds are shown, with the latencies of all rounds together. Files are durable before a measurement begins, so that no sync meets what the preparation has left.
#![forbid(unsafe_code)]

/// The allocator that our faces ship with (SQLite, in C, keeps the system's).
#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

mod ceiling;
mod engines;
mod long;

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;

use engines::{Engine, Outcome};

#[derive(Parser)]
#[command(about = "Throughput of many writers")]
struct Arguments {
    /// Only workloads whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Numbers of writers.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,16,32")]
    writers: Vec<usize>,
    /// Seconds per measurement.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Measurements of each.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Statements that every connection begins with.
    #[arg(long, default_value = "")]
    setup: String,
    /// Statements are prepared anew for each transaction.
    #[arg(long)]
    prepare: bool,
    /// So many transactions of each writer instead (for profilers).
    #[arg(long)]
    transactions: Option<usize>,
    /// Rows of the table.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// `full`, `normal`, `off`.
    #[arg(long, value_delimiter = ',', default_value = "full,normal")]
    synchronous: Vec<String>,
    /// Where the files are.
    #[arg(long)]
    directory: Option<std::path::PathBuf>,
    /// Instead: one concurrent transaction that inserts so many rows and is overtaken.
    #[arg(long)]
    long: Option<u64>,
    /// Only this engine (for profilers): `turso` or `sqlite`.
    #[arg(long)]
    engine: Option<String>,
}

/// A statement and its parameter.
type Call = (&'static str, i64);

/// One transaction: the statements, for a random number and the number of rows.
struct Workload {
    name: &'static str,
    statements: fn(u64, u64) -> Vec<Call>,
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "update of one row", statements: |r, rows| vec![update(r % rows)] },
    Workload { name: "insert of one row", statements: |r, _| vec![insert(r)] },
    Workload { name: "insert of ten rows", statements: |r, _| (0..10).map(|i| insert(r.wrapping_add(i))).collect() },
    Workload {
        name: "read of ten rows, update of one",
        statements: |r, rows| {
            let reads = (0..10).map(|i| ("SELECT a FROM t WHERE id = ?", ((r >> i) % rows + 1) as i64));
            reads.chain([update(r % rows)]).collect()
        },
    },
    Workload { name: "update of one of ten rows", statements: |r, _| vec![update(r % 10)] },
];

fn update(row: u64) -> Call {
    ("UPDATE t SET a = a + 1, b = b || 'x' WHERE id = ?", (row + 1) as i64)
}

fn insert(r: u64) -> Call {
    ("INSERT INTO l(a, b) VALUES(?, 'some text')", (r % 1_000_000) as i64)
}

fn main() {
    let arguments = Arguments::parse();
    let directory = match &arguments.directory {
        Some(path) => tempfile::tempdir_in(path),
        None => tempfile::tempdir(),
    }
    .expect("a directory for the files");
    let template = directory.path().join("template.db");
    engines::create(&template, arguments.rows);
    if let Some(rows) = arguments.long {
        return long::measure(&template, rows);
    }
    println!(
        "{:<32} {:>6} {:>3}  {:>9} {:>8} {:>8} {:>8} {:>7}   {:>9} {:>8} {:>8} {:>7}  {:>9} {:>7}  {:>9} {:>5}",
        "workload",
        "sync",
        "n",
        "turso/s",
        "p50 us",
        "p99 us",
        "max ms",
        "retries",
        "sqlite/s",
        "p50 us",
        "p99 us",
        "max ms",
        "4 KiB/s",
        "max ms",
        "alike/s",
        "KiB"
    );
    for synchronous in &arguments.synchronous {
        for workload in WORKLOADS {
            if arguments.only.as_ref().is_some_and(|only| !workload.name.contains(only.as_str())) {
                continue;
            }
            for &writers in &arguments.writers {
                let Cell { ours, theirs, ceiling, alike, bytes } =
                    rounds(&arguments, directory.path(), &template, workload, writers, synchronous);
                println!(
                    "{:<32} {:>6} {:>3}  {:>9.0} {:>8} {:>8} {:>8.1} {:>7}   {:>9.0} {:>8} {:>8} {:>7.1}  {:>9.0} {:>7.1}  {:>9.0} {:>5.1}",
                    workload.name,
                    synchronous,
                    writers,
                    ours.rate(),
                    ours.at(0.5),
                    ours.at(0.99),
                    ours.at(1.0) as f64 / 1000.0,
                    ours.retries,
                    theirs.rate(),
                    theirs.at(0.5),
                    theirs.at(0.99),
                    theirs.at(1.0) as f64 / 1000.0,
                    ceiling.rate(),
                    ceiling.at(1.0) as f64 / 1000.0,
                    alike.rate(),
                    bytes as f64 / 1024.0,
                );
            }
        }
    }
}

/// What the measurements of one cell have found.
#[derive(Default)]
pub struct Figures {
    rates: Vec<f64>,
    /// Microseconds, sorted.
    times: Vec<u64>,
    retries: u64,
}

impl Figures {
    fn add(&mut self, times: Vec<u64>, retries: u64, elapsed: Duration) {
        self.rates.push(times.len() as f64 / elapsed.as_secs_f64());
        self.times.extend(times);
        self.times.sort_unstable();
        self.retries += retries;
    }

    /// The median of the rounds.
    fn rate(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(0.0)
    }

    /// The latency that this share stays below.
    fn at(&self, share: f64) -> u64 {
        let times = &self.times;
        times.get((times.len() as f64 * share) as usize).or(times.last()).copied().unwrap_or(0)
    }
}

/// What one line of the table shows.
#[derive(Default)]
struct Cell {
    ours: Figures,
    theirs: Figures,
    /// 4 KiB for each transaction, and as many bytes as one has.
    ceiling: Figures,
    alike: Figures,
    bytes: usize,
}

/// One line of the table: this engine, SQLite and the disk in turn.
fn rounds(
    arguments: &Arguments,
    directory: &Path,
    template: &Path,
    workload: &Workload,
    writers: usize,
    synchronous: &str,
) -> Cell {
    let wanted = |name: &str| arguments.engine.as_ref().is_none_or(|only| only == name);
    let engines: Vec<_> = [("turso", Engine::Turso), ("sqlite", Engine::Sqlite)]
        .into_iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, engine)| (engine, directory.join(format!("{name}.db"))))
        .collect();
    for (_, path) in &engines {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
        std::fs::copy(template, path).expect("a copy of the template");
        std::fs::File::open(path).and_then(|file| file.sync_all()).expect("a copy that is durable");
    }
    let mut cell = Cell::default();
    if synchronous == "full" {
        let transactions: Vec<_> = (0..64_u64)
            .map(|i| (workload.statements)(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8, arguments.rows))
            .collect();
        let sample = directory.join("sample.db");
        std::fs::copy(template, &sample).expect("a copy of the template");
        cell.bytes = engines::bytes_per_commit(&sample, &transactions);
        let _ = std::fs::remove_file(&sample);
    }
    for _ in 0..arguments.rounds.max(1) {
        for (engine, path) in &engines {
            let figures = if *engine == Engine::Turso { &mut cell.ours } else { &mut cell.theirs };
            measure(*engine, path, workload, writers, synchronous, arguments, figures);
        }
        if synchronous == "full" && arguments.engine.is_none() {
            let time = Duration::from_secs_f64(arguments.seconds / 2.0);
            for (figures, bytes) in [(&mut cell.ceiling, 4096), (&mut cell.alike, cell.bytes)] {
                let (times, elapsed) = ceiling::measure(&directory.join("ceiling"), writers, bytes, time);
                figures.add(times, 0, elapsed);
            }
        }
    }
    cell
}

fn measure(
    engine: Engine,
    path: &Path,
    workload: &Workload,
    writers: usize,
    synchronous: &str,
    arguments: &Arguments,
    figures: &mut Figures,
) {
    let opened = engines::open(engine, path);
    let (stop, barrier) = (AtomicBool::new(false), Barrier::new(writers + 1));
    let mut times: Vec<u64> = Vec::new();
    let mut retries = 0;
    let mut elapsed = Duration::ZERO;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|number| {
                let (opened, stop, barrier) = (&opened, &stop, &barrier);
                let setup = format!("PRAGMA synchronous = {synchronous}; {}", arguments.setup);
                let mut session = opened.connect(&setup, arguments.prepare);
                let round = figures.rates.len() as u64;
                scope.spawn(move || {
                    let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1 + 1000 * round);
                    let (mut times, mut retries) = (Vec::new(), 0);
                    barrier.wait();
                    let limit = arguments.transactions.unwrap_or(usize::MAX);
                    while !stop.load(Ordering::Relaxed) && times.len() < limit {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        let statements = (workload.statements)(random >> 8, arguments.rows);
                        let start = Instant::now();
                        while session.transaction(&statements) == Outcome::Again {
                            retries += 1;
                        }
                        times.push(start.elapsed().as_micros() as u64);
                    }
                    (times, retries)
                })
            })
            .collect();
        barrier.wait();
        let start = Instant::now();
        if arguments.transactions.is_none() {
            std::thread::sleep(Duration::from_secs_f64(arguments.seconds));
            stop.store(true, Ordering::Relaxed);
        }
        for thread in threads {
            let (theirs, again) = thread.join().expect("a writer");
            times.extend(theirs);
            retries += again;
        }
        elapsed = start.elapsed();
    });
    figures.add(times, retries, elapsed);
}

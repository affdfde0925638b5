//! Many writers on one database: transactions per second, latencies and retries, on this engine (`BEGIN CONCURRENT`) and on
//! bundled SQLite (`BEGIN IMMEDIATE` with a busy timeout), one after the other in the same run; and what the disk allows.
//!
//! ```text
//! cargo run --release -p writers                                   # the whole table
//! cargo run --release -p writers -- --seconds 1 --writers 1,16 --only insert --synchronous full
//! cargo run --release -p writers -- --rows 1000 --long 10000000    # a long transaction, and its memory
//! ```
//! Throughput counts acknowledged commits after retries. The ceiling is measured by as many threads as there are writers, each
//! of which appends 4 KiB and waits until a sync that began after its write has ended; the syncs are shared.
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
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
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

/// One transaction: the statements, for a random number.
struct Workload {
    name: &'static str,
    statements: fn(u64, u64) -> Vec<String>,
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "update of one row", statements: |r, rows| vec![update(r % rows)] },
    Workload { name: "insert of one row", statements: |r, _| vec![insert(r)] },
    Workload { name: "insert of ten rows", statements: |r, _| (0..10).map(|i| insert(r.wrapping_add(i))).collect() },
    Workload {
        name: "read of ten rows, update of one",
        statements: |r, rows| {
            let reads = (0..10).map(|i| format!("SELECT a FROM t WHERE id = {}", (r >> i) % rows + 1));
            reads.chain([update(r % rows)]).collect()
        },
    },
    Workload { name: "update of one of ten rows", statements: |r, _| vec![update(r % 10)] },
];

fn update(row: u64) -> String {
    format!("UPDATE t SET a = a + 1, b = b || 'x' WHERE id = {}", row + 1)
}

fn insert(r: u64) -> String {
    format!("INSERT INTO l(a, b) VALUES({}, 'some text')", r % 1_000_000)
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
        "{:<32} {:>6} {:>3}  {:>9} {:>8} {:>8} {:>8} {:>7}   {:>9} {:>8} {:>8} {:>7}  {:>9}",
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
        "ceiling/s"
    );
    for synchronous in &arguments.synchronous {
        for workload in WORKLOADS {
            if arguments.only.as_ref().is_some_and(|only| !workload.name.contains(only.as_str())) {
                continue;
            }
            for &writers in &arguments.writers {
                let run = |engine: Engine| {
                    let path = directory.path().join("run.db");
                    for end in ["", "-wal", "-shm"] {
                        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
                    }
                    std::fs::copy(&template, &path).expect("a copy of the template");
                    measure(engine, &path, workload, writers, synchronous, &arguments)
                };
                let wanted = |name: &str| arguments.engine.as_ref().is_none_or(|only| only == name);
                let ours = if wanted("turso") { run(Engine::Turso) } else { Figures::default() };
                let theirs = if wanted("sqlite") { run(Engine::Sqlite) } else { Figures::default() };
                let ceiling = if synchronous == "full" {
                    ceiling::measure(
                        &directory.path().join("ceiling"),
                        writers,
                        Duration::from_secs_f64(arguments.seconds / 2.0),
                    )
                } else {
                    0.0
                };
                println!(
                    "{:<32} {:>6} {:>3}  {:>9.0} {:>8} {:>8} {:>8.1} {:>7}   {:>9.0} {:>8} {:>8} {:>7.1}  {:>9.0}",
                    workload.name,
                    synchronous,
                    writers,
                    ours.rate,
                    ours.p50,
                    ours.p99,
                    ours.max,
                    ours.retries,
                    theirs.rate,
                    theirs.p50,
                    theirs.p99,
                    theirs.max,
                    ceiling
                );
            }
        }
    }
}

#[derive(Default)]
struct Figures {
    rate: f64,
    p50: u64,
    p99: u64,
    max: f64,
    retries: u64,
}

fn measure(
    engine: Engine,
    path: &Path,
    workload: &Workload,
    writers: usize,
    synchronous: &str,
    arguments: &Arguments,
) -> Figures {
    let opened = engines::open(engine, path);
    let (stop, barrier) = (AtomicBool::new(false), Barrier::new(writers + 1));
    let mut times: Vec<u64> = Vec::new();
    let mut retries = 0;
    let mut elapsed = Duration::ZERO;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|number| {
                let (opened, stop, barrier) = (&opened, &stop, &barrier);
                let mut session = opened.connect(synchronous);
                scope.spawn(move || {
                    let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1);
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
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).or(times.last()).copied().unwrap_or(0);
    Figures {
        rate: times.len() as f64 / elapsed.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
        max: at(1.0) as f64 / 1000.0,
        retries,
    }
}

//! Runs SQLite's sqllogictest corpus on this engine (or on bundled SQLite) and counts what agrees.
//!
//! ```text
//! cargo run --release -p sqllogictest -- ../shared/sqllogictest            # everything, our engine
//! cargo run --release -p sqllogictest -- --engine sqlite FILE …            # SQLite itself
//! cargo run --release -p sqllogictest -- --backend pending FILE …          # every first touch of a page pending
//! cargo run --release -p sqllogictest -- --tier batch FILE …               # batches wherever they can run
//! ```
#![forbid(unsafe_code)]

mod check;
mod engine;
mod run;
mod script;
mod turso;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};

use run::{Outcome, run_file};

/// That of the faces, so that the time of the suite is theirs.
#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

#[derive(Parser)]
#[command(about = "Run the sqllogictest corpus")]
struct Arguments {
    /// Files and folders.
    paths: Vec<PathBuf>,
    /// The engine under test.
    #[arg(long, value_enum, default_value = "turso")]
    engine: EngineName,
    /// How our engine reads pages.
    #[arg(long, value_enum, default_value = "blocking")]
    backend: BackendName,
    /// What runs the queries that both tiers can run.
    #[arg(long, value_enum, default_value = "auto")]
    tier: TierName,
    /// Files that run at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Failures to print per file.
    #[arg(long, default_value_t = 3)]
    show: usize,
    /// Run only a sample: files are taken in an order shuffled by this seed, until the time is used up.
    #[arg(long)]
    seed: Option<u64>,
    /// Start no file after this many seconds.
    #[arg(long)]
    seconds: Option<u64>,
    /// Records that may fail before the exit status says so.
    #[arg(long, default_value_t = 0)]
    allow: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    Turso,
    Sqlite,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    Blocking,
    Pending,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TierName {
    Auto,
    Row,
    Batch,
}

/// How our engine is set up.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub backend: BackendName,
    pub tier: TierName,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut files = Vec::new();
    for path in &arguments.paths {
        collect(path, &mut files);
    }
    files.sort();
    if files.is_empty() {
        eprintln!("no .test file found: give the folder of the corpus");
        return ExitCode::FAILURE;
    }
    if let Some(seed) = arguments.seed {
        println!("seed {seed}");
        shuffle(&mut files, seed);
    }
    let setup = Setup { backend: arguments.backend, tier: arguments.tier };
    let start = Instant::now();
    let deadline = arguments.seconds.map(|s| start + Duration::from_secs(s));
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Outcome::default());
    let ran = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            // Deep expressions in debug builds need more than the default stack of a thread.
            let worker = std::thread::Builder::new().stack_size(64 << 20);
            let spawned = worker.spawn_scoped(scope, || {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if deadline.is_some_and(|d| Instant::now() >= d) {
                        break;
                    }
                    let began = Instant::now();
                    let outcome = run_file(file, arguments.engine, setup, arguments.show);
                    ran.fetch_add(1, Ordering::Relaxed);
                    println!(
                        "{}: {} passed, {} failed, {:.2} s",
                        file.display(),
                        outcome.passed,
                        outcome.failed,
                        began.elapsed().as_secs_f64()
                    );
                    if let Ok(mut sum) = total.lock() {
                        sum.add(&outcome);
                    }
                }
            });
            if let Err(error) = spawned {
                eprintln!("cannot start a worker: {error}");
            }
        }
    });
    let total = total.into_inner().unwrap_or_default();
    println!("files: {} of {}, time: {:.1} s", ran.load(Ordering::Relaxed), files.len(), start.elapsed().as_secs_f64());
    println!("{} passed, {} failed", total.passed, total.failed);
    if arguments.engine == EngineName::Turso {
        let share = 100.0 * total.in_batches as f64 / total.queries.max(1) as f64;
        println!(
            "{} of {} queries ran in batches ({share:.1} %), {} gave up",
            total.in_batches, total.queries, total.given_up
        );
    }
    if total.failed > arguments.allow { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        if let Ok(entries) = std::fs::read_dir(path) {
            for entry in entries.flatten() {
                collect(&entry.path(), files);
            }
        }
    } else if path.extension().is_some_and(|e| e == "test") {
        files.push(path.to_path_buf());
    }
}

/// Fisher-Yates with a small linear generator: the order depends on the seed and on nothing else.
fn shuffle(files: &mut [PathBuf], seed: u64) {
    let mut state = seed | 1;
    for i in (1..files.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        files.swap(i, (state >> 33) as usize % (i + 1));
    }
}

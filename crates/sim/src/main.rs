//! `sim`: crash enumeration and seeded simulation from the command line.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use turso_sim::capture::{Seen, history};
use turso_sim::crash::stock::{Stock, serve};
use turso_sim::crash::{self, Totals, workload};
use turso_sim::hunt::{self, Report, Shape};
use turso_storage::planted::{Planted, plant};

#[derive(Parser)]
#[command(about = "Crash enumeration and seeded simulation", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Run the simulation of this seed and say what it did.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Subcommand)]
enum Command {
    /// Every state that a crash may leave, of every scripted workload.
    Crash(CrashArguments),
    /// Seeded simulation, one seed after the other.
    Hunt(HuntArguments),
    /// Captured changes are replayed, one seed after the other.
    Capture(CaptureArguments),
    /// SQLite's side; started by the others.
    #[command(hide = true)]
    Stock {
        /// Where its files lie.
        directory: PathBuf,
    },
}

#[derive(Args)]
struct CrashArguments {
    /// Decides what is left to chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// States of one moment at most.
    #[arg(long, default_value_t = 256)]
    per_moment: usize,
    /// Of these, left to chance where not all are visited.
    #[arg(long, default_value_t = 64)]
    random: usize,
    /// Of so many different states, SQLite opens one; 0: none.
    #[arg(long, default_value_t = 50)]
    stock_every: u64,
    /// Of so many different states, one is recovered while the power goes again; 0: none.
    #[arg(long, default_value_t = 100)]
    again_every: u64,
    /// Only workloads whose names hold this.
    #[arg(long, default_value = "")]
    only: String,
    /// Of all workloads, one in so many.
    #[arg(long, default_value_t = 1)]
    one_in: usize,
    /// Begin no other workload after so many seconds.
    #[arg(long, default_value_t = u64::MAX)]
    seconds: u64,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// A bug to be put back: skippedsync, wrongsaltcheck, checkpointpastreaders, lostspilledpage, checkpointofoldgeneration.
    #[arg(long)]
    planted: Option<String>,
}

#[derive(Args)]
struct CaptureArguments {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1000)]
    histories: u64,
    /// Print statements, answers and captured rows.
    #[arg(long)]
    show: bool,
}

#[derive(Args)]
struct HuntArguments {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds at most.
    #[arg(long, default_value_t = u64::MAX)]
    seeds: u64,
    /// Begin no other after so many seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Go on after this many seeds have failed.
    #[arg(long, default_value_t = 0)]
    tolerate: usize,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// A bug to be put back.
    #[arg(long)]
    planted: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match (arguments.command, arguments.seed) {
        (Some(Command::Crash(arguments)), _) => crash(&arguments),
        (Some(Command::Hunt(arguments)), _) => hunt(&arguments),
        (Some(Command::Capture(arguments)), _) => capture(&arguments),
        (Some(Command::Stock { directory }), _) => match serve(&directory) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        (None, Some(seed)) => {
            println!("{:#?}", hunt::Plan::new(seed, Shape::default()));
            hunt(&HuntArguments { seed, seeds: 1, seconds: 60, tolerate: 0, threads: 1, planted: None })
        }
        (None, None) => sample(),
    }
}

/// About a minute of everything.
fn sample() -> ExitCode {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_secs());
    let crashes = crash(&CrashArguments {
        seed,
        per_moment: 128,
        random: 32,
        stock_every: 50,
        again_every: 100,
        only: String::new(),
        one_in: 1,
        seconds: u64::MAX,
        threads: 1,
        planted: None,
    });
    let hunted = hunt(&HuntArguments {
        seed: seed * 1000,
        seeds: u64::MAX,
        seconds: 30,
        tolerate: 0,
        threads: 1,
        planted: None,
    });
    if crashes == ExitCode::SUCCESS { hunted } else { crashes }
}

/// A file system in memory where there is one.
fn memory_directory() -> PathBuf {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { shm.to_path_buf() } else { std::env::temp_dir() }
}

/// SQLite's process. Without it a run would say less than it seems to: so it does not begin.
fn start_stock(directory: &Path) -> Stock {
    match std::env::current_exe().and_then(|program| Stock::start(&program, directory)) {
        Ok(stock) => stock,
        Err(error) => {
            eprintln!("SQLite's process does not start: {error}");
            std::process::exit(2);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Puts a bug back; false where there is none of that name.
fn put_back(name: Option<&str>) -> bool {
    let Some(name) = name else { return true };
    let bug = Planted::OF_FILES
        .into_iter()
        .chain(Planted::OF_CONCURRENCY)
        .find(|bug| format!("{bug:?}").eq_ignore_ascii_case(name));
    plant(bug);
    bug.is_some()
}

fn capture(arguments: &CaptureArguments) -> ExitCode {
    let began = Instant::now();
    let (mut seen, mut failed, mut histories) = (Seen::default(), Vec::new(), 0);
    for (i, seed) in (arguments.seed..).take(usize::try_from(arguments.histories).unwrap_or(usize::MAX)).enumerate() {
        match history(seed, arguments.show) {
            Ok(more) => seen.add(&more),
            Err(problem) => {
                println!("FAILED seed {seed}: {problem}");
                failed.push(seed);
            }
        }
        histories = i + 1;
        if histories % 10_000 == 0 {
            println!("{histories} histories, {} failed, {:.0} s", failed.len(), began.elapsed().as_secs_f64());
        }
        if failed.len() >= 20 {
            break;
        }
    }
    println!("{histories} histories from seed {}, {:.1} s: {seen:?}", arguments.seed, began.elapsed().as_secs_f64());
    println!("{} seeds failed: {failed:?}", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn crash(arguments: &CrashArguments) -> ExitCode {
    if !put_back(arguments.planted.as_deref()) {
        eprintln!("no such bug");
        return ExitCode::FAILURE;
    }
    let CrashArguments { seed, per_moment, random, again_every, stock_every, .. } = *arguments;
    let plan = crash::Plan { seed, per_moment, random, again_every, stock_every };
    let all = workload::all().into_iter().filter(|w| w.name.contains(&arguments.only));
    let workloads: Vec<_> =
        all.skip(seed as usize % arguments.one_in.max(1)).step_by(arguments.one_in.max(1)).collect();
    let began = Instant::now();
    let next = AtomicUsize::new(0);
    let totals = Mutex::new(Totals::default());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..arguments.threads.max(1) {
            let (workloads, next, totals, failures) = (&workloads, &next, &totals, &failures);
            scope.spawn(move || {
                let directory = memory_directory().join(format!("turso-sim-{}-{thread}", std::process::id()));
                let mut stock = (plan.stock_every > 0).then(|| start_stock(&directory));
                while let Some(workload) = workloads.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if began.elapsed().as_secs() > arguments.seconds {
                        break;
                    }
                    match crash::run(workload, plan, &directory, stock.as_mut()) {
                        Ok(done) => locked(totals).add(&done),
                        Err(error) => {
                            println!("FAILED {error}");
                            locked(failures).push(workload.name.clone());
                        }
                    }
                }
                drop(stock);
                let _ = std::fs::remove_dir_all(&directory);
            });
        }
    });
    let (totals, failures) = (*locked(&totals), locked(&failures).len());
    let seconds = began.elapsed().as_secs_f64();
    println!("{} workloads of {}, {failures} failed", totals.workloads, workloads.len());
    println!("{} moments, {} of them with every combination", totals.moments, totals.exhaustive);
    println!("{} states ({} within a recovery), {} different", totals.states, totals.again, totals.distinct);
    println!("{} opened by SQLite", totals.stock);
    println!("{seconds:.1} s, {:.0} states/s, seed {seed}", totals.states as f64 / seconds);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How often seeds that hang are looked for, and how many looks at the same seed are too many: more than any takes. (Looks and not
/// a clock, which goes on while the whole program is stopped.)
const LOOK: Duration = Duration::from_millis(50);
const HANG: u32 = 1200;

fn hunt(arguments: &HuntArguments) -> ExitCode {
    if !put_back(arguments.planted.as_deref()) {
        eprintln!("no such bug");
        return ExitCode::FAILURE;
    }
    let began = Instant::now();
    let threads = arguments.threads.max(1);
    let next = AtomicU64::new(arguments.seed);
    let last = arguments.seed.saturating_add(arguments.seeds);
    let total = Mutex::new((Report::default(), 0u64));
    let failures = Mutex::new(Vec::new());
    let busy: Vec<Mutex<Option<(u64, u32)>>> = (0..threads).map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (next, total, failures, busy) = (&next, &total, &failures, &busy[thread]);
                scope.spawn(move || {
                    let directory = memory_directory().join(format!("turso-sim-{}-{thread}", std::process::id()));
                    let mut stock = start_stock(&directory);
                    while began.elapsed().as_secs() < arguments.seconds && locked(failures).len() <= arguments.tolerate
                    {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= last {
                            break;
                        }
                        *locked(busy) = Some((seed, 0));
                        let plan = hunt::Plan::new(seed, Shape::default());
                        match hunt::execute(&plan, &directory, Some(&mut stock)) {
                            Ok(report) => {
                                let mut total = locked(total);
                                total.0.add(&report);
                                total.1 += 1;
                            }
                            Err(error) => {
                                println!("FAILED seed {seed} after {:.1} s: {error}", began.elapsed().as_secs_f64());
                                *locked(busy) = None;
                                let (small, why) = hunt::shrink(&plan, &directory, Duration::from_secs(20));
                                println!("shrunk from {} actions to {}: {why}\n{small:#?}", plan.size(), small.size());
                                locked(failures).push(seed);
                            }
                        }
                        *locked(busy) = None;
                    }
                    drop(stock);
                    let _ = std::fs::remove_dir_all(&directory);
                })
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(LOOK);
            for busy in &busy {
                if let Some((seed, looks)) = &mut *locked(busy) {
                    *looks += 1;
                    if *looks > HANG {
                        println!("FAILED seed {seed} hangs");
                        std::process::exit(3);
                    }
                }
            }
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let (report, seeds) = &*locked(&total);
    show(report, *seeds, seconds);
    let failures = locked(&failures);
    println!("{} seeds failed: {failures:?}", failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(report: &Report, seeds: u64, seconds: f64) {
    println!("{seeds} seeds, {} lives of machines, {seconds:.1} s", report.epochs);
    println!(
        "{} commits reported and {} of concurrent transactions, {} reads checked, {} changes of the running process, {} looks by SQLite",
        report.commits, report.concurrent, report.reads, report.switches, report.stock
    );
    let rebases = turso_storage::witness::rebases();
    println!(
        "{} commits rebased ({} split pages, {} merged some), {} conflicts",
        rebases.done, rebases.split, rebases.merged, rebases.conflicts
    );
    let line = |name: &str, n: u64| println!("  {name:<24} {n:>10} {:>10.1}/s", n as f64 / seconds);
    println!("calls:");
    report.counts.calls.iter().for_each(|(call, n)| line(&format!("{call:?}"), *n));
    println!("faults:");
    report.counts.faults.iter().for_each(|(name, n)| line(name, *n));
    println!("locks and states:");
    report.counts.locks.iter().for_each(|(name, n)| line(name, *n));
    println!("statements that ended with:");
    report.errors.iter().for_each(|(name, n)| line(name, *n));
}

//! Chores of the repository: `cargo xtask <chore>`.
#![forbid(unsafe_code)]

mod c_api;

use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of the repository")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Formatting, lints, and all fast tests.
    Check,
    /// The comparison bench against SQLite.
    Compare {
        /// Passed on to the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The TPC-H queries against SQLite.
    Tpch {
        /// Passed on to the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Generated queries over tables of 100,000 rows against SQLite.
    Queries {
        /// Passed on to the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Scans, aggregates, joins and sorts of a large table against SQLite.
    Scan {
        /// Passed on to the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Scans and point queries of a file that is not in memory, against SQLite and a plain read.
    Cold {
        /// Passed on to the bench.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The sqllogictest corpus.
    Sqllogictest {
        /// Passed on to the runner.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Record anew what the scripts of the shell's tests answer.
    RecordShell {
        /// A `sqlite3` shell on the newest engine; libraries through the environment. Without it, only our own answers to the
        /// cases that differ on purpose are recorded.
        program: Option<String>,
    },
    /// Generated scripts on this engine and on SQLite.
    Differential {
        /// Passed on to the generator.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Crash enumeration and seeded simulation: about a minute of both, `--seed N`, `crash ...`, or `hunt ...`.
    Sim {
        /// Passed on to the simulator.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Damaged databases, logs and journals: `--count N --seed S`, with SQLite beside it `--compare`.
    Hostile {
        /// Passed on to the program.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Processes of this engine and of SQLite on one database, killed at random: `--mode wal --seconds 600`.
    Mixed {
        /// Passed on to the program.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Record what the program that calls every function of the C library prints on SQLite, and where ours differs.
    CApi,
    /// AddressSanitizer over the C library.
    Addresses,
    /// ThreadSanitizer over the C library.
    Threads {
        /// Seconds for each of the two parts.
        #[arg(default_value_t = 30)]
        seconds: u32,
    },
    /// ThreadSanitizer over the tests of concurrent transactions on many threads.
    Races {
        /// Transactions of each history.
        #[arg(default_value_t = 400)]
        transactions: u32,
    },
    /// The graph of the workspace's crates, as it really is.
    Deps,
}

fn main() -> ExitCode {
    let chore = Arguments::parse().chore;
    let done = match chore {
        Chore::Check => {
            cargo(&["fmt", "--check"], &[])
                && cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])
                && cargo(&["nextest", "run", "--workspace"], &[])
                && cargo(&["test", "--doc", "--workspace"], &[])
        }
        Chore::Compare { arguments } => cargo(&["run", "--release", "-p", "compare", "--"], &arguments),
        Chore::Tpch { arguments } => cargo(&["run", "--release", "-p", "tpch", "--"], &arguments),
        Chore::Queries { arguments } => cargo(&["run", "--release", "-p", "queries", "--"], &arguments),
        Chore::Cold { arguments } => cargo(&["run", "--release", "-p", "cold", "--"], &arguments),
        Chore::Scan { arguments } => cargo(&["run", "--release", "-p", "scan", "--"], &arguments),
        Chore::Sqllogictest { arguments } => cargo(&["run", "--release", "-p", "sqllogictest", "--"], &arguments),
        Chore::RecordShell { program } => record_shell(program.as_deref()),
        Chore::Differential { arguments } => {
            run_cargo(&[FULL_SQLITE], &["run", "--release", "-p", "differential", "--"], &arguments)
        }
        Chore::Sim { arguments } => cargo(&["run", "--profile", "quick", "-p", "turso_sim", "--"], &arguments),
        Chore::Hostile { arguments } => run_cargo(
            &CHECKED_RELEASE,
            &["run", "--release", "-p", "integration", "--bin", "hostile", "--"],
            &arguments,
        ),
        Chore::Mixed { arguments } => {
            // Its writers are a program of their own.
            cargo(&["build", "--release", "-p", "integration", "--bins"], &[])
                && cargo(&["run", "--release", "-p", "integration", "--bin", "mixed", "--"], &arguments)
        }
        Chore::CApi => c_api::record(),
        Chore::Addresses => c_api::addresses(),
        Chore::Threads { seconds } => c_api::threads(seconds),
        Chore::Races { transactions } => races(transactions),
        Chore::Deps => deps(),
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Bundled SQLite with the functions that its builds have as an option: the generated scripts call them.
const FULL_SQLITE: (&str, &str) = ("LIBSQLITE3_FLAGS", "-DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_PERCENTILE");

/// A release build that notices arithmetic that overflows, in a folder of its own: everything is built anew for it.
const CHECKED_RELEASE: [(&str, &str); 2] =
    [("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", "true"), ("CARGO_TARGET_DIR", "target/hostile")];

/// Built where `cargo xtask threads` builds: the standard library, instrumented too, is the same. SQLite's own code is not
/// instrumented, and takes part through the files alone.
fn races(transactions: u32) -> bool {
    let history = transactions.to_string();
    let variables = [
        ("RUSTC_BOOTSTRAP", "1"),
        ("RUSTFLAGS", "-Zsanitizer=thread"),
        ("CARGO_TARGET_DIR", "target/c-api/thread"),
        ("TSAN_OPTIONS", "halt_on_error=1"),
        ("TURSO_HISTORY", &history),
    ];
    let target = ["test", "-Zbuild-std", "--target", "x86_64-unknown-linux-gnu", "-p", "turso_core"];
    let tests = ["concurrent_threads", "concurrent_histories", "threads"];
    // One at a time: what waits for a lock is slow enough as it is.
    let alone = ["--", "--test-threads=1"];
    let words: Vec<&str> =
        target.into_iter().chain(tests.into_iter().flat_map(|test| ["--test", test])).chain(alone).collect();
    run_cargo(&variables, &words, &[])
}

fn cargo(words: &[&str], more: &[String]) -> bool {
    run_cargo(&[], words, more)
}

fn run_cargo(environment: &[(&str, &str)], words: &[&str], more: &[String]) -> bool {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    match Command::new(program).envs(environment.iter().copied()).args(words).args(more).status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot run cargo: {error}");
            false
        }
    }
}

fn record_shell(program: Option<&str>) -> bool {
    let run = |variable, value| run_cargo(&[(variable, value)], &["test", "-p", "tursodb", "--test", "scripts"], &[]);
    program.is_none_or(|program| run("RECORD_SHELL", program)) && run("RECORD_SHELL_OURS", "1")
}

/// Print each crate of the workspace with the workspace crates that it uses, from the manifests.
fn deps() -> bool {
    let Ok(entries) = std::fs::read_dir("crates") else {
        eprintln!("run this from the root of the repository");
        return false;
    };
    let mut lines: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml")).ok()?;
            let normal = manifest.split("[dev-dependencies]").next()?;
            let uses: Vec<&str> = normal
                .lines()
                .filter_map(|line| line.split_once(['.', ' ']))
                .filter(|(name, rest)| name.starts_with("turso_") && rest.contains("workspace = true"))
                .map(|(name, _)| name)
                .collect();
            Some(format!("{:<10} -> {}", entry.file_name().to_string_lossy(), uses.join(" ")))
        })
        .collect();
    lines.sort();
    lines.iter().for_each(|line| println!("{line}"));
    true
}

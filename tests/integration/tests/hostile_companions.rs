//! Hostile companions: databases whose log, journal or wal-index has been changed, in its fields and anywhere. In half of the logs
//! the checksums are mended, so that what is wrong is believed. Whatever comes, there is an answer or an error: no panic, no hang,
//! no memory without bound; and the answer is SQLite's.
//!
//! A case is one directory. Our engine works in a child process (`integration::watchdog`); SQLite looks at a copy of the same files
//! in another child, for every case. `COMPANION_MUTATIONS` (150; 20000 in full), `HOSTILE_SEED`. To look at a case, run the ignored
//! test with `CASE_FROM`, `CASE_COUNT=1` and `COMPANION_KEEP`, a directory in which its files stay.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use integration::hostile::images::{Files, Kind, beside, pool, remove};
use integration::hostile::mutate::mutate;
use integration::random::{Rng, seed, variable};
use integration::watchdog::{End, peak_memory_bytes, this_test, wait};
use integration::{Answer, Engine, Ours, Stock};

/// Memory that a batch may take at most.
const MEMORY_LIMIT_BYTES: u64 = 1 << 30;
/// The wal-index that a log leaves behind, as long as it is looked at: of no log in particular.
const STALE_INDEX: usize = 32768;

fn write_case(directory: &Path, pools: &[Vec<Files>; 2], case: u64) -> PathBuf {
    let path = directory.join("case.db");
    remove(&path);
    let mut rng = Rng::new(case);
    let log = case.is_multiple_of(2);
    let mut files = rng.pick(&pools[usize::from(!log)]).clone();
    mutate(if log { Kind::Log } else { Kind::Journal }, &mut files, &mut rng);
    for (suffix, bytes) in files.each() {
        std::fs::write(beside(&path, suffix), bytes).unwrap();
    }
    if log && rng.percent(50) {
        // A wal-index that nobody has open counts for nothing, whatever it says.
        let shm: Vec<u8> = (0..STALE_INDEX).map(|_| rng.bits() as u8).collect();
        std::fs::write(beside(&path, "-shm"), shm).unwrap();
    }
    path
}

const QUESTIONS: &[&str] = &[
    "SELECT count(*), sum(length(b)), sum(length(c)) FROM t",
    "SELECT count(*) FROM t INDEXED BY tb WHERE b >= ''",
    "PRAGMA quick_check(1)",
    "INSERT INTO t(b) VALUES ('one more')",
    "DELETE FROM t WHERE a % 7 = 0",
    "SELECT count(*) FROM t",
];

/// The result code, or `ok` and the rows.
fn said(answer: &Answer) -> String {
    match &answer.error {
        None => format!("ok {}", answer.lines().join(", ").replace('\n', " ")),
        Some((_, code)) => format!("error {}", code & 0xff),
    }
}

#[test]
#[ignore = "run by the test of damaged companions"]
fn damaged_companions_child() {
    let stock_side = std::env::var("COMPANION_SIDE").is_ok_and(|side| side == "stock");
    let directory = tempfile::tempdir().unwrap();
    let from = variable("CASE_FROM", 0);
    let pools = [Kind::Log, Kind::Journal].map(|kind| pool(kind, directory.path()));
    for case in from..from + variable("CASE_COUNT", 0) {
        println!("case {case}");
        let path = write_case(directory.path(), &pools, case);
        if let Some(keep) = std::env::var_os("COMPANION_KEEP") {
            for suffix in ["", "-wal", "-journal", "-shm"] {
                let name = format!("case.db{suffix}");
                let _ = std::fs::copy(directory.path().join(&name), Path::new(&keep).join(&name));
            }
        }
        let mut engine: Box<dyn Engine> =
            if stock_side { Box::new(Stock::open(&path)) } else { Box::new(Ours::open(&path)) };
        engine.run("PRAGMA synchronous = OFF");
        for question in QUESTIONS {
            println!("answer {case} {}", said(&engine.run(question)));
        }
        drop(engine);
        if let Some(bytes) = peak_memory_bytes() {
            assert!(bytes < MEMORY_LIMIT_BYTES, "memory: {} MiB", bytes >> 20);
        }
    }
}

/// The answers of each case by one engine, in a child.
fn answers(side: &str, from: u64, count: u64) -> Result<BTreeMap<u64, Vec<String>>, String> {
    let variables =
        [("CASE_FROM", from.to_string()), ("CASE_COUNT", count.to_string()), ("COMPANION_SIDE", side.to_owned())];
    let mut command = this_test("damaged_companions_child", &variables).unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    command.stdout(Stdio::from(log.reopen().unwrap())).stderr(Stdio::from(log.reopen().unwrap()));
    let mut child = command.spawn().unwrap();
    let end = wait(&mut child, Duration::from_secs(120)).unwrap();
    let text = std::fs::read_to_string(log.path()).unwrap_or_default();
    if !matches!(end, End::Exit(status) if status.success()) {
        let last = text.lines().rev().find(|line| line.starts_with("case ")).unwrap_or("?");
        let why: Vec<&str> = text.lines().filter(|l| l.contains("panicked") || l.contains("memory")).collect();
        let after = text.lines().skip_while(|l| !l.contains("panicked")).nth(1).unwrap_or("");
        return Err(format!("{side}, {last}: {} {after}", why.join(" ")));
    }
    let mut answers: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("answer ")) {
        if let Some((case, answer)) = line.split_once(' ') {
            answers.entry(case.parse().unwrap_or(0)).or_default().push(answer.to_owned());
        }
    }
    Ok(answers)
}

/// Why two answers may differ; `None`: they may not.
fn explained(ours: &str, stock: &str) -> Option<&'static str> {
    let corrupt = |text: &str| text == "error 11" || text == "error 26" || text.contains("***");
    match (ours, stock) {
        // Where damage is met depends on which pages an engine looks at, and in which order.
        _ if corrupt(ours) && corrupt(stock) => Some("damage, found in another place"),
        _ if corrupt(ours) => Some("damage that only we notice"),
        _ if corrupt(stock) => Some("damage that only SQLite notices"),
        _ => None,
    }
}

#[test]
fn damaged_companions_give_sqlites_answers() {
    let count = variable("COMPANION_MUTATIONS", 150);
    let first = seed("HOSTILE_SEED", 1).wrapping_mul(7_000_003);
    let mut failures = Vec::new();
    let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut from = first;
    while from < first + count {
        let many = 250.min(first + count - from);
        let stock = answers("stock", from, many).unwrap();
        match answers("ours", from, many) {
            Err(failure) => failures.push(failure),
            Ok(ours) => {
                for (case, theirs) in &stock {
                    let mine = ours.get(case).cloned().unwrap_or_default();
                    if mine.len() != theirs.len() {
                        failures.push(format!("case {case}: {} answers, not {}", mine.len(), theirs.len()));
                        continue;
                    }
                    let pairs = || mine.iter().zip(theirs).enumerate();
                    match pairs().find(|(_, (a, b))| a != b) {
                        None => *classes.entry("the same").or_default() += 1,
                        Some((i, (a, b))) => match explained(a, b) {
                            Some(class) => *classes.entry(class).or_default() += 1,
                            None => failures.push(format!("case {case}: {}: {a}; SQLite: {b}", QUESTIONS[i])),
                        },
                    }
                }
            }
        }
        from += many;
        if failures.len() >= 20 {
            break;
        }
    }
    println!("{} cases: {classes:?}, {} failed", from - first, failures.len());
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

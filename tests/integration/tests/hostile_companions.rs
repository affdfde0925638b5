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

use integration::random::{Rng, seed, variable};
use integration::watchdog::{End, peak_memory_bytes, this_test, wait};
use integration::{Answer, Engine, Ours, Stock};

/// Memory that a batch may take at most.
const MEMORY_LIMIT_BYTES: u64 = 1 << 30;
/// Templates of each kind.
const TEMPLATES: u64 = 6;

/// A database with a companion that matters.
struct Template {
    database: Vec<u8>,
    suffix: &'static str,
    companion: Vec<u8>,
    shm: Vec<u8>,
}

fn fill(stock: &mut Stock, rng: &mut Rng) {
    stock.must(&format!("PRAGMA page_size = {}", rng.pick(&[512, 1024, 4096])));
    stock.must("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c)");
    stock.must("CREATE INDEX tb ON t(b)");
    stock.must(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) \
         INSERT INTO t SELECT i, printf('%.*c', (i * 37) % 200, 'b') || i, i * 1.5 FROM n",
    );
}

/// The files of a database that SQLite has open, in the middle of its work.
fn template(directory: &Path, no: u64) -> Template {
    let path = directory.join("template.db");
    let with = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    for suffix in ["", "-wal", "-journal", "-shm"] {
        let _ = std::fs::remove_file(with(suffix));
    }
    let mut rng = Rng::new(no);
    let mut stock = Stock::open(&path);
    let log = no % 2 == 0;
    fill(&mut stock, &mut rng);
    if log {
        stock.must("PRAGMA journal_mode = wal");
        stock.must("PRAGMA wal_autocheckpoint = 0");
        stock.must("UPDATE t SET b = b || 'x' WHERE a % 5 = 0");
        if rng.percent(50) {
            stock.must("PRAGMA wal_checkpoint");
        }
        stock.must("DELETE FROM t WHERE a BETWEEN 10 AND 20");
        stock.must("INSERT INTO t(b, c) SELECT b, zeroblob(700) FROM t LIMIT 8");
    } else {
        stock.must("PRAGMA cache_size = 2");
        stock.must("PRAGMA cache_spill = 1");
        stock.must("BEGIN");
        stock.must("UPDATE t SET b = 'new' || a, c = zeroblob(300)");
        stock.must("INSERT INTO t(b) SELECT hex(b) FROM t");
    }
    let suffix = if log { "-wal" } else { "-journal" };
    let read = |suffix: &str| std::fs::read(with(suffix)).unwrap_or_default();
    Template { database: read(""), suffix, companion: read(suffix), shm: if log { read("-shm") } else { Vec::new() } }
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

fn put32(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

fn odd_number(rng: &mut Rng) -> u32 {
    match rng.below(5) {
        0 => rng.below(200) as u32,
        1 => u32::MAX - rng.below(3) as u32,
        2 => 1 << rng.below(32),
        3 => 0,
        _ => rng.bits() as u32,
    }
}

/// Changes fields of a log, and anything in it.
fn mutate_log(log: &mut Vec<u8>, rng: &mut Rng) {
    let page_size = (be32(log, 8) as usize).clamp(512, 65536);
    let frame = page_size + 24;
    let frames = log.len().saturating_sub(32) / frame;
    for _ in 0..1 + rng.below(4) {
        let start = 32 + rng.below(frames.max(1)) * frame;
        match rng.below(10) {
            0 => put32(log, 4 * rng.below(8), odd_number(rng)),
            // Page number, size after the commit.
            1 | 2 => put32(log, start, odd_number(rng)),
            3 | 4 => put32(log, start + 4, odd_number(rng)),
            5 => put32(log, start + 8 + 4 * rng.below(4), odd_number(rng)),
            6 | 7 => {
                let at = start + 24 + rng.below(page_size);
                if let Some(byte) = log.get_mut(at) {
                    *byte = rng.bits() as u8;
                }
            }
            8 => log.truncate(rng.below(log.len() + 1)),
            _ => {
                let copy = log.get(start..start + frame).map(<[u8]>::to_vec).unwrap_or_default();
                log.extend_from_slice(&copy);
            }
        }
    }
}

/// Computes all checksums of a log anew, so that what it says is believed.
fn mend_log(log: &mut [u8]) {
    let big = be32(log, 0) & 1 == 1;
    let page_size = be32(log, 8) as usize;
    if log.len() < 32 || !(512..=65536).contains(&page_size) || !page_size.is_power_of_two() {
        return;
    }
    let add = |(mut a, mut b): (u32, u32), bytes: &[u8]| {
        let word = |c: &[u8]| {
            let bytes = [c[0], c[1], c[2], c[3]];
            if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        for pair in bytes.chunks_exact(8) {
            a = a.wrapping_add(word(&pair[..4])).wrapping_add(b);
            b = b.wrapping_add(word(&pair[4..])).wrapping_add(a);
        }
        (a, b)
    };
    let mut sum = add((0, 0), &log[..24]);
    put32(log, 24, sum.0);
    put32(log, 28, sum.1);
    let (header, frames) = log.split_at_mut(32);
    for frame in frames.chunks_exact_mut(page_size + 24) {
        frame[8..16].copy_from_slice(&header[16..24]);
        sum = add(add(sum, &frame[..8]), &frame[24..]);
        put32(frame, 16, sum.0);
        put32(frame, 20, sum.1);
    }
}

/// Changes fields of a journal, and anything in it.
fn mutate_journal(journal: &mut Vec<u8>, rng: &mut Rng) {
    let sector = (be32(journal, 20) as usize).clamp(32, 65536);
    let record = (be32(journal, 24) as usize).clamp(512, 65536) + 8;
    let records = journal.len().saturating_sub(sector) / record;
    for _ in 0..1 + rng.below(4) {
        let start = sector + rng.below(records.max(1)) * record;
        match rng.below(10) {
            // Count, nonce, pages of the database, sector, page size.
            0..=2 => put32(journal, 8 + 4 * rng.below(5), odd_number(rng)),
            3 => {
                if let Some(byte) = journal.get_mut(rng.below(8)) {
                    *byte = rng.bits() as u8;
                }
            }
            4 | 5 => put32(journal, start, odd_number(rng)),
            6 => put32(journal, start + record - 4, odd_number(rng)),
            7 => {
                if let Some(byte) = journal.get_mut(start + rng.below(record)) {
                    *byte = rng.bits() as u8;
                }
            }
            8 => journal.truncate(rng.below(journal.len() + 1)),
            _ => {
                // What looks like the name of a super-journal.
                let mut name = b"/nowhere/x-mj000000900".to_vec();
                let sum = name.iter().fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
                let length = name.len() as u32;
                name.extend_from_slice(&length.to_be_bytes());
                name.extend_from_slice(&sum.to_be_bytes());
                name.extend_from_slice(&[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]);
                journal.extend_from_slice(&odd_number(rng).to_be_bytes());
                journal.extend_from_slice(&name);
            }
        }
    }
}

fn write_case(directory: &Path, template: &Template, case: u64) -> PathBuf {
    let path = directory.join("case.db");
    let with = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    for suffix in ["", "-wal", "-journal", "-shm"] {
        let _ = std::fs::remove_file(with(suffix));
    }
    let mut rng = Rng::new(case);
    let mut companion = template.companion.clone();
    if template.suffix == "-wal" {
        mutate_log(&mut companion, &mut rng);
        if rng.percent(50) {
            mend_log(&mut companion);
        }
    } else {
        mutate_journal(&mut companion, &mut rng);
    }
    std::fs::write(&path, &template.database).unwrap();
    std::fs::write(with(template.suffix), &companion).unwrap();
    if !template.shm.is_empty() && rng.percent(50) {
        // A wal-index that nobody has open counts for nothing, whatever it says.
        let mut shm = template.shm.clone();
        for _ in 0..rng.below(6) {
            let at = rng.below(shm.len().min(300));
            shm[at] = rng.bits() as u8;
        }
        std::fs::write(with("-shm"), shm).unwrap();
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
    let mut templates = BTreeMap::new();
    for case in from..from + variable("CASE_COUNT", 0) {
        println!("case {case}");
        let template =
            templates.entry(case % TEMPLATES).or_insert_with(|| template(directory.path(), case % TEMPLATES));
        let path = write_case(directory.path(), template, case);
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

//! Our process and a `sqlite3` process write the same database at the same time; ours is killed in the middle of it.
//!
//! `WRITERS_SECONDS` (5; 60 for the full run) is how long each pair writes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use integration::random::variable;
use integration::{Engine, Ours, Stock};

fn have_sqlite3() -> bool {
    let there = Command::new("sqlite3").arg("-version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !there {
        eprintln!("SKIPPED: the sqlite3 shell is absent: nothing was tested");
    }
    there
}

fn create(mode: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shared.db");
    let mut stock = Stock::open(&path);
    stock.run(&format!("PRAGMA journal_mode = {mode}")).rows();
    stock
        .must("CREATE TABLE rows(writer TEXT, number INTEGER, filler TEXT, PRIMARY KEY(writer, number)) WITHOUT ROWID");
    stock.must("CREATE INDEX by_filler ON rows(length(filler), number DESC)");
    stock.must("CREATE TABLE counter(n INTEGER)");
    stock.must("INSERT INTO counter VALUES (0)");
    (directory, path)
}

/// Start our writer; a thread gathers the numbers that it says are committed.
fn our_writer(path: &Path, mode: &str, seconds: f64, name: &str) -> (Child, std::thread::JoinHandle<u64>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_writer"))
        .args([path.as_os_str(), mode.as_ref(), seconds.to_string().as_ref(), name.as_ref()])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let last = std::thread::spawn(move || {
        output.lines().map_while(Result::ok).filter_map(|l| l.parse().ok()).last().unwrap_or(0)
    });
    (child, last)
}

/// The sqlite3 shell as a writer: a script is fed statement by statement, each commit echoes its number.
fn stock_writer(path: &Path, run: Duration, name: &str) -> u64 {
    let mut child = Command::new("sqlite3")
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    writeln!(input, ".timeout 60000\n.bail on").unwrap();
    let start = Instant::now();
    let mut number = 0;
    let mut line = String::new();
    while start.elapsed() < run {
        number += 1;
        writeln!(
            input,
            "BEGIN IMMEDIATE; INSERT INTO rows VALUES ('{name}', {number}, printf('%.{}c', 's')); UPDATE counter SET n = n + 1; COMMIT; SELECT {number};",
            number % 997
        )
        .unwrap();
        input.flush().unwrap();
        line.clear();
        if output.read_line(&mut line).unwrap() == 0 {
            panic!("the sqlite3 shell ended at row {number}");
        }
        assert_eq!(line.trim(), number.to_string());
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    number
}

fn check(path: &Path, writers: &[(&str, u64, u64)]) {
    // (name, acknowledged, at most): a killed writer may have committed one row that it could not acknowledge.
    for ours in [true, false] {
        let mut engine: Box<dyn Engine> = if ours { Box::new(Ours::open(path)) } else { Box::new(Stock::open(path)) };
        assert_eq!(engine.integrity(), "ok", "{}", engine.name());
        let mut total = 0;
        for (name, acknowledged, most) in writers {
            let count: u64 =
                engine.text(&format!("SELECT count(*) FROM rows WHERE writer = '{name}'")).parse().unwrap();
            let last = engine.text(&format!("SELECT coalesce(max(number), 0) FROM rows WHERE writer = '{name}'"));
            assert_eq!(last, count.to_string(), "{}: rows of {name} have a gap", engine.name());
            assert!(
                (*acknowledged..=*most).contains(&count),
                "{}: {name} acknowledged {acknowledged}, there are {count}",
                engine.name()
            );
            total += count;
        }
        assert_eq!(engine.text("SELECT n FROM counter"), total.to_string(), "{}: an update was lost", engine.name());
    }
}

fn side_by_side(mode: &str) {
    if !have_sqlite3() {
        return;
    }
    let seconds = variable("WRITERS_SECONDS", 5) as f64;
    let (_directory, path) = create(mode);
    let (mut child, ours) = our_writer(&path, mode, seconds, "ours");
    let stock = stock_writer(&path, Duration::from_secs_f64(seconds), "stock");
    assert!(child.wait().unwrap().success(), "our writer failed");
    let ours = ours.join().unwrap();
    println!("{mode}: {ours} commits of ours, {stock} of sqlite3");
    assert!(ours > 0 && stock > 0);
    check(&path, &[("ours", ours, ours), ("stock", stock, stock)]);
}

/// Ours is killed without warning again and again, while the other goes on.
fn killed(mode: &str) {
    if !have_sqlite3() {
        return;
    }
    let seconds = variable("WRITERS_SECONDS", 5) as f64;
    let (_directory, path) = create(mode);
    let other = path.clone();
    let stock = std::thread::spawn(move || stock_writer(&other, Duration::from_secs_f64(seconds), "stock"));
    let start = Instant::now();
    let mut writers = Vec::new();
    let mut generation = 0u64;
    while start.elapsed().as_secs_f64() < seconds - 0.5 {
        generation += 1;
        let name = format!("ours{generation}");
        let (mut child, last) = our_writer(&path, mode, 600.0, &name);
        std::thread::sleep(Duration::from_millis(200 + generation * 61 % 300));
        child.kill().unwrap();
        child.wait().unwrap();
        writers.push((name, last.join().unwrap()));
    }
    let stock = stock.join().unwrap();
    println!(
        "{mode}: killed {generation} times, {} commits of ours, {stock} of sqlite3",
        writers.iter().map(|w| w.1).sum::<u64>()
    );
    let mut expected: Vec<(&str, u64, u64)> = writers.iter().map(|(n, last)| (n.as_str(), *last, *last + 1)).collect();
    expected.push(("stock", stock, stock));
    check(&path, &expected);
}

#[test]
fn two_writers_in_wal_mode() {
    side_by_side("wal");
}

#[test]
fn two_writers_in_delete_mode() {
    side_by_side("delete");
}

#[test]
fn a_killed_writer_loses_nothing_acknowledged_in_wal_mode() {
    killed("wal");
}

#[test]
fn a_killed_writer_loses_nothing_acknowledged_in_delete_mode() {
    killed("delete");
}

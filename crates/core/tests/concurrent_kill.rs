//! Processes of ours with concurrent transactions, and of stock SQLite, write one database and are killed (`kill -9`) at random,
//! while stock SQLite checks it and checkpoints. Every transaction adds one row and one to one of fifty sums: what was reported
//! is there, the sums make up the number of rows, and nobody hears anything but what it asked for.
//!
//! ```text
//! TURSO_KILL_SECONDS=300 cargo nextest run --cargo-profile quick -p turso_core --test concurrent_kill --no-capture
//! ```

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use turso_core::{Connection, Database, OpenOptions, ResultCode};

const TARGET: &str = "TURSO_KILL_DATABASE";
const WHO: &str = "TURSO_KILL_WHO";
/// Threads of each process of ours.
const THREADS: u64 = 3;
const SUMS: u64 = 50;

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

// ---- Processes of ours ----------------------------------------------------------------------------------------------------

/// Not a test: what our processes run.
#[test]
fn child() {
    let (Ok(path), Ok(who)) = (std::env::var(TARGET), std::env::var(WHO)) else { return };
    let who: u64 = who.parse().expect("a number");
    let database = Database::open(&path, OpenOptions::default()).expect("a database");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let database = &database;
            scope.spawn(move || write(&database.connect().expect("a connection"), who * THREADS + thread));
        }
    });
}

fn write(c: &Connection, who: u64) {
    c.set_busy_timeout(Duration::from_secs(30));
    let synchronous = if who.is_multiple_of(2) { "full" } else { "normal" };
    // A short log: it begins anew again and again.
    c.execute_batch(format!("PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 40")).expect("pragmas");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(who + 1);
    for n in 0_u64.. {
        let sum = random(&mut seed) % SUMS;
        let done =
            ["BEGIN CONCURRENT", &statements(who, n, sum), "COMMIT"].iter().try_for_each(|sql| c.execute_batch(*sql));
        match done {
            Ok(()) => {
                // In one piece: the parent may kill us at any time.
                let line = format!("\nack {who} {n}\n");
                std::io::stdout().lock().write_all(line.as_bytes()).expect("a line");
            }
            Err(error) if error.code() == ResultCode::BUSY_SNAPSHOT => drop(c.execute_batch("ROLLBACK")),
            Err(error) => panic!("{error} ({:?})", error.code()),
        }
    }
}

/// What a transaction does.
fn statements(who: u64, n: u64, sum: u64) -> String {
    format!("INSERT INTO done(who, n) VALUES({who}, {n}); UPDATE sums SET v = v + 1 WHERE id = {sum}")
}

fn ours(path: &Path, who: u64) -> Process {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "child", "--nocapture"]).env(TARGET, path).env(WHO, who.to_string());
    Process::start(command, String::new(), Kind::Ours)
}

// ---- Processes of stock SQLite --------------------------------------------------------------------------------------------

/// The shell with its output line by line, and a script.
fn stock(path: &Path, script: String, kind: Kind) -> Process {
    let mut command = Command::new("stdbuf");
    command.args(["-oL", "sqlite3", "-batch", "-cmd", ".timeout 30000"]).arg(path);
    Process::start(command, script, kind)
}

fn stock_writer(path: &Path, who: u64) -> Process {
    let mut script = String::from("PRAGMA wal_autocheckpoint = 40;\n");
    for n in 0..20_000 {
        let work = statements(who * THREADS, n, n * 7 % SUMS);
        script += &format!("BEGIN IMMEDIATE; {work}; COMMIT;\nSELECT 'ack {} {n}';\n", who * THREADS);
    }
    stock(path, script, Kind::Stock)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ours,
    Stock,
    /// Checks or checkpoints.
    Other,
}

struct Process {
    child: Child,
    kind: Kind,
    output: JoinHandle<()>,
    errors: JoinHandle<String>,
}

/// What the processes have reported.
#[derive(Default)]
struct Reports {
    acknowledged: HashSet<(u64, u64)>,
    strange: Vec<String>,
    longest_gap: Duration,
}

impl Process {
    fn start(mut command: Command, script: String, kind: Kind) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a process");
        let mut input = child.stdin.take().expect("its input");
        std::thread::spawn(move || drop(input.write_all(script.as_bytes())));
        let err = BufReader::new(child.stderr.take().expect("its errors"));
        let errors = std::thread::spawn(move || err.lines().map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        Self { child, kind, output: std::thread::spawn(|| ()), errors }
    }

    /// Reads what it says, as it comes.
    fn listen(mut self, reports: &Arc<Mutex<Reports>>) -> Self {
        let out = BufReader::new(self.child.stdout.take().expect("its output"));
        let (reports, kind) = (reports.clone(), self.kind);
        self.output = std::thread::spawn(move || {
            let mut last = Instant::now();
            for line in out.lines().map_while(Result::ok) {
                let mut reports = reports.lock().expect("the reports");
                let words: Vec<&str> = line.split(' ').collect();
                match (kind, words.as_slice()) {
                    (Kind::Other, [said]) if *said == "ok" || said.contains('|') || *said == "40" => {}
                    (Kind::Other, _) => reports.strange.push(line),
                    (_, ["ack", who, n]) => {
                        // The last line of a process that was killed may lack its end.
                        if let (Ok(who), Ok(n)) = (who.parse(), n.parse()) {
                            reports.acknowledged.insert((who, n));
                        }
                        if kind == Kind::Stock {
                            reports.longest_gap = reports.longest_gap.max(last.elapsed());
                            last = Instant::now();
                        }
                    }
                    _ => {}
                }
            }
        });
        self
    }

    /// Kills it, and answers what it had to complain of.
    fn kill(mut self) -> String {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
        self.output.join().expect("its output");
        self.errors.join().expect("its errors")
    }
}

fn seconds() -> u64 {
    std::env::var("TURSO_KILL_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3)
}

fn shell(path: &Path, sql: &str) -> String {
    let out = Command::new("sqlite3").args(["-cmd", ".timeout 30000"]).arg(path).arg(sql).output().expect("the shell");
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

#[test]
fn what_killed_processes_have_reported_is_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("test.db");
    let numbers = format!("WITH n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i < {} - 1)", SUMS);
    shell(
        &path,
        &format!(
            "PRAGMA journal_mode = wal; CREATE TABLE done(id INTEGER PRIMARY KEY, who, n, UNIQUE(who, n));
             CREATE TABLE sums(id INTEGER PRIMARY KEY, v); {numbers} INSERT INTO sums SELECT i, 0 FROM n"
        ),
    );
    let reports: Arc<Mutex<Reports>> = Arc::default();
    let (mut seed, mut next, mut killed) = (u64::from(std::process::id()) | 1, 1, 0);
    let mut start = |kind: Kind, turn: u64| {
        next += 1;
        let process = match kind {
            Kind::Ours => ours(&path, next),
            Kind::Stock => stock_writer(&path, next),
            Kind::Other if turn.is_multiple_of(2) => stock(&path, "PRAGMA integrity_check;\n".repeat(5000), kind),
            Kind::Other => stock(&path, "PRAGMA wal_checkpoint(truncate);\n".repeat(200_000), kind),
        };
        process.listen(&reports)
    };
    let kinds = [Kind::Ours, Kind::Ours, Kind::Ours, Kind::Stock, Kind::Other, Kind::Other];
    let mut processes: Vec<Process> = kinds.iter().enumerate().map(|(i, kind)| start(*kind, i as u64)).collect();
    let end = Instant::now() + Duration::from_secs(seconds());
    let mut complaints = Vec::new();
    // On a machine that is busy otherwise it takes longer until something has happened at all.
    let idle = || reports.lock().expect("the reports").acknowledged.len() <= 20;
    while Instant::now() < end || idle() && Instant::now() < end + Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50 + random(&mut seed) % 300));
        let victim = processes.swap_remove((random(&mut seed) % processes.len() as u64) as usize);
        let kind = victim.kind;
        complaints.push(victim.kill());
        killed += 1;
        processes.push(start(kind, killed));
    }
    complaints.extend(processes.into_iter().map(Process::kill));
    let complaints: Vec<String> = complaints.into_iter().filter(|said| !said.is_empty()).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    let reports = reports.lock().expect("the reports");
    assert!(reports.strange.is_empty(), "{:?}", reports.strange);
    let there: HashSet<(u64, u64)> = shell(&path, "SELECT who, n FROM done")
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(who, n)| (who.parse().expect("a number"), n.parse().expect("a number")))
        .collect();
    let lost: Vec<_> = reports.acknowledged.difference(&there).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let said = shell(&path, "SELECT (SELECT sum(v) FROM sums) = (SELECT count(*) FROM done); PRAGMA integrity_check");
    assert_eq!(said, "1\nok");
    println!(
        "{} commits reported of {}, {killed} processes killed, a stock writer waited at most {:?}",
        reports.acknowledged.len(),
        there.len(),
        reports.longest_gap
    );
    assert!(reports.acknowledged.len() > 20, "nobody gets through");
}

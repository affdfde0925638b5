//! Processes of ours and of stock SQLite write one database and are killed at random moments.
//!
//! Ours count in `user_version`, SQLite in a table; both report each commit. What was reported is there, the database
//! is sound, and nobody is left hanging by the locks of the dead.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::crash::Random;
use support::*;
use turso_error::{Error, ResultCode};
use turso_storage::*;

const TARGET: &str = "TURSO_KILL_TEST_DATABASE";

/// Not a test: what the child processes run.
#[test]
fn child() {
    let Ok(path) = std::env::var(TARGET) else { return };
    let mut p = open(&syscall(), Path::new(&path), OpenOptions::default());
    p.set_synchronous(Synchronous::Off);
    p.set_wal_autocheckpoint(20);
    let mut random = Random(u64::from(std::process::id()));
    loop {
        let result = p.begin_write(WriteMode::Reserved).and_then(|()| {
            p.edit_header(|h| h.user_version += 1);
            loop {
                match p.commit() {
                    Err(e) if e.is(ResultCode::BUSY) => std::thread::sleep(Duration::from_micros(300)),
                    other => return other,
                }
            }
        });
        match result {
            Ok(()) => {
                println!("\ncommitted {}", p.header().user_version);
                std::io::stdout().flush().unwrap();
            }
            Err(Error::Failed(f)) if f.code.primary() == ResultCode::BUSY => {
                std::thread::sleep(Duration::from_micros(random.next(1000) as u64));
            }
            Err(e) => panic!("{e:?}"),
        }
        p.rollback();
        p.end_read();
        if random.next(30) == 0 {
            let _ = p.checkpoint(CheckpointMode::Restart);
        }
    }
}

fn spawn_ours(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(TARGET, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn spawn_sqlite(path: &Path) -> Child {
    let mut child = Command::new("sqlite3")
        .args(["-cmd", ".timeout 20000", "-cmd", "pragma synchronous=off"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || {
        for _ in 0..100_000 {
            if stdin
                .write_all(b"update t set a = a + 1; insert into t(b) values(zeroblob(700)) returning rowid;\n")
                .is_err()
            {
                break;
            }
        }
    });
    child
}

/// Lets the processes run for a while, kills them, and answers the largest number that one of ours reported.
fn run_and_kill(children: Vec<(Child, bool)>, time: Duration, random: &mut Random) -> u32 {
    let end = Instant::now() + time;
    let mut reported = 0;
    let mut readers = Vec::new();
    let mut alive = Vec::new();
    for (mut child, ours) in children {
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        readers.push((
            ours,
            std::thread::spawn(move || {
                let lines = out.lines().map_while(|l| l.ok());
                lines
                    .filter_map(|l| l.strip_prefix("committed ").and_then(|n| n.parse::<u32>().ok()))
                    .max()
                    .unwrap_or(0)
            }),
            std::thread::spawn(move || err.lines().map_while(|l| l.ok()).collect::<Vec<_>>().join("\n")),
        ));
        alive.push(child);
    }
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20 + random.next(50) as u64));
    }
    while !alive.is_empty() {
        let mut child = alive.swap_remove(random.next(alive.len()));
        child.kill().unwrap();
        child.wait().unwrap();
        std::thread::sleep(Duration::from_millis(random.next(10) as u64));
    }
    for (ours, out, err) in readers {
        let max = out.join().unwrap();
        let said = err.join().unwrap();
        assert!(!said.contains("malformed") && !said.contains("panicked") && !said.contains("I/O"), "{said}");
        if ours {
            reported = reported.max(max);
        }
    }
    reported
}

fn killed(mode: &str) {
    let dir = Dir::new();
    let path = dir.db();
    sqlite3(
        &path,
        &format!("pragma journal_mode={mode}; create table t(a default 0, b); insert into t default values"),
    );
    let mut random = Random(99);
    for round in 0..6 {
        let children = vec![(spawn_ours(&path), true), (spawn_sqlite(&path), false), (spawn_ours(&path), true)];
        let reported = run_and_kill(children, Duration::from_millis(400), &mut random);
        // Who looks first has to recover: in turn.
        if round % 2 == 0 {
            let mut p = open(&syscall(), &path, OpenOptions::default());
            p.begin_read().unwrap();
            assert!(p.header().user_version >= reported, "{mode}: {} < {reported}", p.header().user_version);
            p.end_read();
        }
        let said = sqlite3(&path, "pragma user_version; pragma integrity_check");
        let (version, check) = said.split_once('\n').unwrap_or((&said, ""));
        assert_eq!(check, "ok", "{mode}, round {round}: {said}");
        assert!(version.parse::<u32>().unwrap() >= reported, "{mode}: {version} < {reported}");
        assert!(reported > 0, "{mode}, round {round}: nobody of ours got through");
    }
}

#[test]
fn processes_killed_in_wal_mode() {
    killed("wal");
}

#[test]
fn processes_killed_in_delete_mode() {
    killed("delete");
}

//! `mixed`: processes of ours and of stock SQLite, which Python brings, write one database, and are killed at random.
//!
//! Each writer commits numbered rows and says so; it keeps its last rows only, so that the database stays small and its pages
//! wander. After every kill both engines check the database, SQLite in a process of its own, and all that was said to be
//! committed must be there. `--library` names the directory of another `libsqlite3.so.0` for Python; `--ours 0 --stock 8` is the control:
//! SQLite before 3.51.3 has a race of its own that damages logs.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use integration::random::Rng;
use integration::{Engine, Ours};

#[derive(Parser)]
#[command(about = "Processes of this engine and of SQLite on one database, killed at random")]
struct Arguments {
    /// `wal`, `delete`, `truncate` or `persist`.
    #[arg(long, default_value = "wal")]
    mode: String,
    #[arg(long, default_value_t = 600.0)]
    seconds: f64,
    /// Processes of ours.
    #[arg(long, default_value_t = 4)]
    ours: usize,
    /// Processes of SQLite.
    #[arg(long, default_value_t = 4)]
    stock: usize,
    /// The directory of the `libsqlite3.so.0` that Python takes.
    #[arg(long)]
    library: Option<PathBuf>,
    /// What decides who is killed when.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the database lies; a new directory otherwise, in memory where the system has such a place.
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Rows that a writer keeps.
const KEPT: u64 = 40;
/// Frames after which a commit is followed by a checkpoint.
const AUTOCHECKPOINT: u64 = 20;

const STOCK_WRITER: &str = "
import sqlite3, sys, time
file, mode, seconds, name, kept, autocheckpoint = sys.argv[1:7]
kept = int(kept)
c = sqlite3.connect(file, timeout=60, isolation_level=None)
if mode != 'wal': c.execute('PRAGMA journal_mode = ' + mode)
c.execute('PRAGMA wal_autocheckpoint = ' + autocheckpoint)
end, number = time.monotonic() + float(seconds), 0
while time.monotonic() < end:
    number += 1
    while True:
        try:
            c.execute('BEGIN IMMEDIATE')
            c.execute('INSERT INTO rows VALUES (?, ?, ?)', (name, number, 's' * (number % 997)))
            c.execute('DELETE FROM rows WHERE writer = ? AND number = ?', (name, number - kept))
            c.execute('UPDATE counter SET n = n + 1')
            c.execute('COMMIT')
            break
        except sqlite3.OperationalError as error:
            if 'locked' not in str(error) and 'busy' not in str(error): raise
            if c.in_transaction: c.execute('ROLLBACK')
            time.sleep(0.001)
    print(number, flush=True)
";

const STOCK_CHECK: &str = "
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], timeout=120)
print(sqlite3.sqlite_version, '; '.join(row[0] for row in c.execute('PRAGMA integrity_check')))
";

/// A process that writes, and the last number that it has called committed.
struct Writer {
    name: String,
    child: Child,
    said: Arc<AtomicU64>,
    listener: std::thread::JoinHandle<()>,
}

struct Stage {
    arguments: Arguments,
    path: PathBuf,
    started: u64,
    /// What killed and finished writers are known to have committed: name, at least, at most.
    past: Vec<(String, u64, u64)>,
}

impl Stage {
    fn python(&self) -> Command {
        let mut command = Command::new("python3");
        if let Some(library) = &self.arguments.library {
            command.env("LD_LIBRARY_PATH", library);
        }
        command
    }

    fn start(&mut self, is_ours: bool) -> std::io::Result<Writer> {
        self.started += 1;
        let name = format!("{}{}", if is_ours { "ours" } else { "stock" }, self.started);
        let mut command = if is_ours {
            Command::new(std::env::current_exe()?.with_file_name("writer"))
        } else {
            let mut python = self.python();
            python.args(["-c", STOCK_WRITER]);
            python
        };
        command.arg(&self.path).args([&self.arguments.mode, &self.arguments.seconds.to_string(), &name]);
        command.args([KEPT.to_string(), AUTOCHECKPOINT.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let said = Arc::new(AtomicU64::new(0));
        let (output, heard) = (child.stdout.take(), said.clone());
        let listener = std::thread::spawn(move || {
            let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines()).map_while(Result::ok);
            for number in lines.filter_map(|line| line.parse().ok()) {
                heard.store(number, Ordering::Relaxed);
            }
        });
        Ok(Writer { name, child, said, listener })
    }

    /// Both engines find the database sound, and what the writers that are gone have committed is there.
    fn check(&self) -> Result<(), String> {
        let mut python = self.python();
        let said = python.args(["-c", STOCK_CHECK]).arg(&self.path).output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        if !said.ends_with(" ok") {
            return Err(format!("SQLite {said}"));
        }
        let mut ours = Ours::open(&self.path);
        ours.must("PRAGMA busy_timeout = 120000");
        let found = ours.integrity();
        if found != "ok" {
            return Err(format!("ours: {found}"));
        }
        for (name, least, most) in &self.past {
            let sql = format!("SELECT count(*) || ' ' || coalesce(max(number), 0) FROM rows WHERE writer = '{name}'");
            let found = ours.text(&sql);
            let expected = |last: u64| format!("{} {last}", last.min(KEPT));
            if !(*least..=*most).any(|last| expected(last) == found) {
                return Err(format!("{name} had committed {least}, and there is: {found}"));
            }
        }
        Ok(())
    }

    /// A writer has ended, by itself or not; it may have committed once more than it could say.
    fn ended(&mut self, writer: Writer, killed: bool) {
        let _ = writer.listener.join();
        let said = writer.said.load(Ordering::Relaxed);
        self.past.push((writer.name, said, said + u64::from(killed)));
    }
}

fn run(arguments: Arguments, directory: &Path) -> Result<String, String> {
    let (mut rng, seconds) = (Rng::new(arguments.seed), arguments.seconds);
    let path = directory.join("shared.db");
    let kinds: Vec<bool> = (0..arguments.ours + arguments.stock).map(|i| i < arguments.ours).collect();
    let mut stage = Stage { path, arguments, started: 0, past: Vec::new() };
    let mut ours = Ours::open(&stage.path);
    ours.run(&format!("PRAGMA journal_mode = {}", stage.arguments.mode));
    ours.must("CREATE TABLE rows(writer TEXT, number INTEGER, filler TEXT, PRIMARY KEY(writer, number)) WITHOUT ROWID");
    ours.must("CREATE INDEX by_filler ON rows(length(filler), number DESC)");
    ours.must("CREATE TABLE counter(n INTEGER)");
    ours.must("INSERT INTO counter VALUES (0)");
    drop(ours);
    let failed = |error: std::io::Error| error.to_string();
    let mut writers = Vec::new();
    for is_ours in &kinds {
        writers.push(stage.start(*is_ours).map_err(failed)?);
    }
    let (start, mut kills) = (Instant::now(), 0u64);
    let mut verdict = Ok(());
    while verdict.is_ok() && start.elapsed().as_secs_f64() < seconds {
        std::thread::sleep(Duration::from_millis(50 + rng.below(700) as u64));
        let chosen = rng.below(writers.len());
        let fresh = stage.start(kinds[chosen]).map_err(failed)?;
        let mut victim = std::mem::replace(&mut writers[chosen], fresh);
        if let Ok(Some(status)) = victim.child.try_wait()
            && !status.success()
        {
            verdict = Err(format!("{} has ended by itself: {status}", victim.name));
        }
        victim.child.kill().and_then(|()| victim.child.wait()).map_err(failed)?;
        stage.ended(victim, true);
        kills += 1;
        verdict = verdict.and_then(|()| stage.check());
    }
    for mut writer in writers {
        writer.child.kill().and_then(|()| writer.child.wait()).map_err(failed)?;
        stage.ended(writer, true);
    }
    verdict.map_err(|what| format!("after {kills} kills: {what}"))?;
    stage.check()?;
    // Updates of one row by everybody: none is lost, and none of those that were not committed is there.
    let mut ours = Ours::open(&stage.path);
    let counted: u64 = ours.text("SELECT n FROM counter").parse().map_err(|e| format!("counter: {e}"))?;
    let there: u64 = ours
        .text("SELECT sum(last) FROM (SELECT max(number) AS last FROM rows GROUP BY writer)")
        .parse()
        .map_err(|e| format!("rows: {e}"))?;
    if counted != there {
        return Err(format!("the counter says {counted}, the rows {there}"));
    }
    let of = |kind: &str| stage.past.iter().filter(|p| p.0.starts_with(kind)).map(|p| p.1).sum::<u64>();
    Ok(format!(
        "{}: {kills} kills, {} commits of ours, {} of SQLite: none lost, sound after every kill",
        stage.arguments.mode,
        of("ours"),
        of("stock")
    ))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let memory = Path::new("/dev/shm");
    let (kept, directory);
    match &arguments.directory {
        Some(given) => directory = given.clone(),
        None => {
            let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
            kept = made.unwrap_or_else(|error| panic!("no directory: {error}"));
            directory = kept.path().to_path_buf();
        }
    }
    match run(arguments, &directory) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            println!("FAILED: {text}");
            ExitCode::FAILURE
        }
    }
}

//! `hostile`: opens, reads, writes and checks many damaged files (`integration::hostile`), and tells what became of them.
//!
//! A worker does it, in a process of its own with little stack and bounded memory, and notes in a file which case it has in
//! hand. Who started it watches that file: a case that takes too long, or after which the worker is gone, is a failure, and the work
//! goes on behind it. `--seed S --kind K --case N` does one case again, and prints its answers.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use clap::Parser;
use integration::hostile::checks::compare_checks;
use integration::hostile::compare::{Class, compare};
use integration::hostile::images::{Files, Kind, beside, pool};
use integration::hostile::work::{Said, ours, stock};
use integration::hostile::{Case, case};
use integration::watchdog::{peak_memory_bytes, reset_peak_memory};

/// A case that takes longer hangs.
const HANG: Duration = Duration::from_secs(20);
/// Resident memory of the worker, all images included.
const MEMORY_LIMIT_BYTES: u64 = 192 << 20;
/// Address space (KiB) and stack (KiB) of the worker: an allocation beyond any reason fails, recursion beyond it ends the process.
const ADDRESS_SPACE_KIB: u64 = 4 << 20;
const STACK_KIB: u64 = 2048;

#[derive(Parser, Clone)]
#[command(about = "Damaged files: an answer or an error, whatever comes")]
struct Arguments {
    /// Cases: so many databases, and so many logs and journals.
    #[arg(long, default_value_t = 20_000)]
    count: u64,
    /// What the cases are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// `file`, `log` or `journal` only.
    #[arg(long)]
    kind: Option<String>,
    /// The number of the first case.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// One case, with its answers.
    #[arg(long)]
    case: Option<u64>,
    /// With `--case`: a directory where its files are left.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Have SQLite do the same, and compare the answers.
    #[arg(long)]
    compare: bool,
    /// Have both check the files and do nothing else, and compare their texts.
    #[arg(long)]
    checks: bool,
    /// The worker's side: where it notes which case it has in hand.
    #[arg(long, hide = true)]
    progress: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let kinds: Vec<Kind> =
        Kind::ALL.into_iter().filter(|kind| arguments.kind.as_ref().is_none_or(|name| name == kind.name())).collect();
    if arguments.checks {
        kinds.iter().for_each(|kind| checks(&arguments, *kind));
        return ExitCode::SUCCESS;
    }
    let sound = match (&arguments.progress, arguments.case) {
        (_, Some(number)) => kinds.iter().all(|kind| one(&arguments, *kind, number)),
        (Some(progress), None) => kinds.iter().all(|kind| work(&arguments, *kind, progress)),
        (None, None) => kinds.iter().fold(true, |sound, kind| watch(&arguments, *kind) & sound),
    };
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A directory for files that live for a moment: in memory, where the system has such a place.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap_or_else(|error| panic!("no directory for files: {error}"))
}

/// Does one case, and prints what happens.
fn one(arguments: &Arguments, kind: Kind, number: u64) -> bool {
    let directory = directory();
    let Case { files, script, opening } = case(kind, &pool(kind, directory.path()), arguments.seed, number);
    if let Some(keep) = &arguments.keep {
        for (suffix, bytes) in files.each() {
            let path = beside(&keep.join("case.db"), suffix);
            std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    println!("{} {number}, {opening:?}", kind.name());
    let mine = ours(&files, &script, opening, true);
    if arguments.compare {
        println!("SQLite:");
        let theirs = stock(&files, &script, directory.path(), true);
        println!("{:?}", compare(&script, &mine, &theirs));
    }
    true
}

/// Compares what the checks say, and counts what differs by its shape: a report, for whoever mends it.
fn checks(arguments: &Arguments, kind: Kind) {
    let directory = directory();
    let pool = pool(kind, directory.path());
    let numbers = match arguments.case {
        Some(number) => number..number + 1,
        None => arguments.from..arguments.count,
    };
    let mut patterns: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for number in numbers.clone() {
        let Case { files, .. } = case(kind, &pool, arguments.seed, number);
        let Some(difference) = compare_checks(&files, directory.path()) else { continue };
        if arguments.case.is_some() {
            println!("ours {:#?}\nSQLite {:#?}", difference.lines[0], difference.lines[1]);
        }
        patterns.entry(difference.pattern()).or_default().push(number);
    }
    let mut shapes: Vec<_> = patterns.iter().collect();
    shapes.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    for (pattern, cases) in &shapes {
        println!("  {:5} {pattern}: {:?}", cases.len(), &cases[..cases.len().min(4)]);
    }
    let differ: usize = patterns.values().map(Vec::len).sum();
    println!("{}: of {} checked files {differ} are described in other words", kind.name(), numbers.count());
}

// ---- The worker -----------------------------------------------------------------------------------------------------------

/// Half of the second million are logs, half are journals.
fn share(kind: Kind, count: u64) -> u64 {
    match kind {
        Kind::File => count,
        Kind::Log => count.div_ceil(2),
        Kind::Journal => count / 2,
    }
}

#[derive(Default)]
struct Tally {
    /// First errors of cases: how many cases had none, or this one.
    ends: BTreeMap<String, u64>,
    classes: BTreeMap<Class, u64>,
    /// A few cases of each class.
    examples: BTreeMap<Class, Vec<String>>,
    failures: u64,
    peak: u64,
}

fn work(arguments: &Arguments, kind: Kind, progress: &Path) -> bool {
    let directory = directory();
    let pool = pool(kind, directory.path());
    let note = std::fs::OpenOptions::new().write(true).open(progress).unwrap_or_else(|error| panic!("{error}"));
    let mut tally = Tally::default();
    let end = share(kind, arguments.count);
    reset_peak_memory();
    for number in arguments.from..end {
        note.write_all_at(&number.to_le_bytes(), 0).unwrap_or_else(|error| panic!("{error}"));
        let done = std::panic::catch_unwind(|| attempt(arguments, kind, &pool, number, directory.path()));
        let name = format!("--kind {} --seed {} --case {number}", kind.name(), arguments.seed);
        match done {
            Ok((ended, class, sql)) => {
                *tally.ends.entry(ended).or_default() += 1;
                if let Some(class) = class {
                    *tally.classes.entry(class).or_default() += 1;
                    let examples = tally.examples.entry(class).or_default();
                    if class != Class::Same && examples.len() < 12 {
                        examples.push(format!("{number} ({sql})"));
                    }
                    tally.failures += u64::from(class == Class::Unexplained);
                }
            }
            Err(_) => {
                println!("FAILED {name}: panic, see above");
                tally.failures += 1;
            }
        }
        let peak = peak_memory_bytes().unwrap_or(0);
        tally.peak = tally.peak.max(peak);
        if peak > MEMORY_LIMIT_BYTES {
            println!("FAILED {name}: {} MiB of memory", peak >> 20);
            tally.failures += 1;
            reset_peak_memory();
        }
    }
    note.write_all_at(&end.to_le_bytes(), 0).unwrap_or_else(|error| panic!("{error}"));
    let ends: Vec<String> = tally.ends.iter().map(|(end, count)| format!("{end}: {count}")).collect();
    println!("  peak memory {} MiB; {}", tally.peak >> 20, ends.join(", "));
    for (class, count) in &tally.classes {
        println!("  {count} {}: {}", class.text(), tally.examples.get(class).map_or(String::new(), |e| e.join(", ")));
    }
    tally.failures == 0
}

/// How a case ended, and how it compares.
fn attempt(
    arguments: &Arguments,
    kind: Kind,
    pool: &[Files],
    number: u64,
    directory: &Path,
) -> (String, Option<Class>, &'static str) {
    let Case { files, script, opening } = case(kind, pool, arguments.seed, number);
    let mine = ours(&files, &script, opening, false);
    let ended =
        mine.iter().find(|said| !matches!(said, Said::Rows(..))).map_or(
            "nothing found".to_owned(),
            |said| match said {
                Said::Damage(..) => "damage found by a check".to_owned(),
                other => other.to_string(),
            },
        );
    if !arguments.compare {
        return (ended, None, "");
    }
    let (class, sql) = compare(&script, &mine, &stock(&files, &script, directory, false));
    (ended, Some(class), sql)
}

// ---- Who watches it ---------------------------------------------------------------------------------------------------------

fn watch(arguments: &Arguments, kind: Kind) -> bool {
    let note = tempfile::NamedTempFile::new().unwrap_or_else(|error| panic!("{error}"));
    let end = share(kind, arguments.count);
    let (start, mut from, mut failures) = (Instant::now(), arguments.from, 0u64);
    while from < end {
        let mut child = worker(arguments, kind, from, note.path());
        let ended = wait(&mut child, &note, from);
        let reached = noted(&note, from);
        if reached >= end {
            failures += u64::from(!ended.is_some_and(|status| status.success()));
            break;
        }
        let what = ended.map_or("hang".to_owned(), |status| status.to_string());
        println!("FAILED --kind {} --seed {} --case {reached}: {what}", kind.name(), arguments.seed);
        failures += 1;
        from = reached + 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let cases = end - arguments.from.min(end);
    let each = seconds * 1e3 / cases.max(1) as f64;
    let verdict = if failures == 0 { "no panic, hang or memory beyond the bound" } else { "FAILED, see above" };
    println!("{}: {cases} cases, seed {}, {seconds:.1} s, {each:.2} ms each: {verdict}", kind.name(), arguments.seed);
    failures == 0
}

fn worker(arguments: &Arguments, kind: Kind, from: u64, note: &Path) -> Child {
    let program = std::env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let limits = format!("ulimit -v {ADDRESS_SPACE_KIB}; ulimit -s {STACK_KIB}; ulimit -c 0; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(limits).arg(program).arg("--progress").arg(note).args(["--kind", kind.name()]);
    command.args(["--count", &arguments.count.to_string(), "--seed", &arguments.seed.to_string()]);
    command.args(["--from", &from.to_string()]);
    if arguments.compare {
        command.arg("--compare");
    }
    command.spawn().unwrap_or_else(|error| panic!("no worker: {error}"))
}

fn noted(note: &tempfile::NamedTempFile, from: u64) -> u64 {
    let mut bytes = [0; 8];
    match note.as_file().read_exact_at(&mut bytes, 0) {
        Ok(()) => u64::from_le_bytes(bytes).max(from),
        Err(_) => from,
    }
}

/// Waits for a worker; `None`: it hung, and has been ended.
fn wait(child: &mut Child, note: &tempfile::NamedTempFile, from: u64) -> Option<ExitStatus> {
    let (mut case, mut since) = (from, Instant::now());
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        let now = noted(note, from);
        if now != case {
            (case, since) = (now, Instant::now());
        }
        if since.elapsed() > HANG {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

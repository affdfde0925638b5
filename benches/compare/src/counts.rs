//! Instructions instead of time: each workload under callgrind, so that a busy machine counts as an idle one does.
//!
//! ```text
//! compare --count --check
//!   |  for each workload of counts.tsv (name, instructions of an operation here, and of SQLite's)
//!   |-> valgrind --tool=callgrind --toggle-collect=measured_round  compare --engine turso --only NAME --rounds 1
//!   '-> the number that valgrind prints, divided by the number of operations that the bench prints
//! ```
//! The counts of a build change by less than one in a hundred from run to run: hash tables have random seeds. Another compiler
//! moves them more; then they are recorded anew.

use std::path::Path;
use std::process::Command;

use crate::Arguments;
use crate::workloads::WORKLOADS;

/// Where the counts are.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/counts.tsv");
/// What makes a failure of a larger count.
const TOLERANCE: f64 = 1.05;
/// Rows of the tables, and what part of the operations is left out: under callgrind a program runs fifty times slower.
const SIZES: [&str; 4] = ["--rows", "5000", "--divide", "20"];

/// Count, and print, compare or write. False: a count is too large, or nothing could be counted.
pub fn count(arguments: &Arguments) -> bool {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is not installed: no instructions are counted");
        return false;
    }
    let known = if arguments.check || arguments.record { recorded() } else { Vec::new() };
    if arguments.check && known.is_empty() {
        eprintln!("{FILE} has no counts to compare with");
        return false;
    }
    if let Some((gone, _)) = known.iter().find(|(name, _)| WORKLOADS.iter().all(|workload| workload.name != *name)) {
        eprintln!("{FILE}: there is no workload \"{gone}\"");
        return false;
    }
    let asked = arguments.workloads().into_iter().map(|workload| workload.name);
    let is_known = |name: &&str| known.is_empty() || known.iter().any(|(known, _)| known == name);
    let names: Vec<&str> = asked.filter(is_known).collect();
    let (mut good, mut lines) = (true, String::from("# workload\tinstructions per operation\tSQLite's\n"));
    println!("{:<42} {:>12} {:>12} {:>7}", "instructions per operation", "turso", "sqlite", "ratio");
    for name in names {
        let Some(ours) = instructions(name, "turso", arguments.profiles.as_deref()) else { return false };
        // SQLite's do not change with our code.
        let theirs = match arguments.check {
            true => None,
            false => instructions(name, "sqlite", arguments.profiles.as_deref()),
        };
        let before = known.iter().find(|(known, _)| known == name).map(|(_, count)| *count);
        let (their_text, ratio) = match theirs {
            Some(theirs) => (format!("{theirs:.0}"), format!("{:.2}", ours / theirs)),
            None => ("".into(), "".into()),
        };
        let change = before.map_or(String::new(), |before| format!("   {:+.1} %", (ours / before - 1.0) * 100.0));
        println!("{name:<42} {ours:>12.0} {their_text:>12} {ratio:>7}{change}");
        lines += &format!("{name}\t{ours:.0}\t{their_text}\n");
        good &= before.is_none_or(|before| ours <= before * TOLERANCE);
    }
    if arguments.record {
        return match std::fs::write(FILE, lines) {
            Ok(()) => true,
            Err(error) => {
                eprintln!("{FILE}: {error}");
                false
            }
        };
    }
    if !good && arguments.check {
        eprintln!("more instructions than {FILE} has; `--count --record` writes it anew where that is meant to be");
    }
    good || !arguments.check
}

/// The workloads of the file and their counts.
fn recorded() -> Vec<(String, f64)> {
    let text = std::fs::read_to_string(FILE).unwrap_or_default();
    let entry = |line: &str| {
        let mut fields = line.split('\t');
        Some((fields.next()?.to_string(), fields.next()?.parse().ok()?))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(entry).collect()
}

/// Instructions of one operation of a workload.
fn instructions(name: &str, engine: &str, profiles: Option<&Path>) -> Option<f64> {
    let program = std::env::current_exe().ok()?;
    let out = match profiles {
        Some(folder) => folder.join(format!("{}.{engine}.callgrind", name.replace([' ', ':', ',', '/'], "_"))),
        None => "/dev/null".into(),
    };
    let output = Command::new("valgrind")
        // Without fair turns the threads that the engine starts may never run, and what waits for one of them takes other ways.
        .args(["--tool=callgrind", "--fair-sched=yes", "--toggle-collect=*measured_round*"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["--engine", engine, "--only", name, "--rounds", "1"])
        .args(SIZES)
        .output()
        .ok()?;
    let (printed, report) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let operations: Option<f64> =
        printed.trim().strip_suffix(" operations").and_then(|line| line.rsplit(' ').next()?.parse().ok());
    let collected = report.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<f64>().ok());
    match (collected, operations) {
        (Some(collected), Some(operations)) => Some(collected / operations),
        _ => {
            eprintln!("{name} on {engine}: nothing was counted\n{printed}{report}");
            None
        }
    }
}

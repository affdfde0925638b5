//! Four processes of ours and four of SQLite on one database, killed at random, for a few seconds; `cargo xtask mixed` does it for
//! as long as one likes. `MIXED_SECONDS` (4).

use std::process::{Command, Stdio};

use integration::random::variable;

fn together(mode: &str) {
    let there = Command::new("python3").args(["-c", "import sqlite3"]).stdout(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: there is no Python with SQLite: nothing was tested");
        return;
    }
    // A log is damaged by a race of SQLite itself before 3.51.3, once in many thousands of checkpoints: a few seconds are too short.
    let seconds = variable("MIXED_SECONDS", 4).to_string();
    let output =
        Command::new(env!("CARGO_BIN_EXE_mixed")).args(["--mode", mode, "--seconds", &seconds]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("none lost"), "{said}");
}

#[test]
fn processes_of_both_engines_are_killed_in_wal_mode() {
    together("wal");
}

#[test]
fn processes_of_both_engines_are_killed_in_delete_mode() {
    together("delete");
}

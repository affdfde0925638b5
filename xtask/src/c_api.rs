//! The C library against SQLite, and under sanitizers.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run_cargo;

/// Where everything of these chores is built.
const FOLDER: &str = "target/c-api";
/// Sanitizers need the target to be named.
const TARGET: &str = "x86_64-unknown-linux-gnu";
const TESTS: &str = "crates/sqlite3/tests";

/// How SQLite is built as the oracle: with what this library has.
const ORACLE: &[&str] = &[
    "-O1",
    "-w",
    "-shared",
    "-fPIC",
    "-Wl,-soname,libsqlite3.so.0",
    "-DSQLITE_ENABLE_SESSION",
    "-DSQLITE_ENABLE_PREUPDATE_HOOK",
    "-DSQLITE_ENABLE_SNAPSHOT",
    "-DSQLITE_ENABLE_RTREE",
    "-DSQLITE_ENABLE_CARRAY",
    "-DSQLITE_ENABLE_UNLOCK_NOTIFY",
    "-DSQLITE_ENABLE_STMT_SCANSTATUS",
    "-DSQLITE_ENABLE_COLUMN_METADATA",
    "-DSQLITE_ENABLE_NORMALIZE",
    "-DSQLITE_ENABLE_API_ARMOR",
    "-DSQLITE_ENABLE_MATH_FUNCTIONS",
    "-DSQLITE_SOUNDEX",
];

fn run(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot run {command:?}: {error}");
            false
        }
    }
}

fn compiler() -> Command {
    Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
}

/// The C sources of a folder of tests.
fn sources(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(TESTS).join(folder)).into_iter().flatten().flatten();
    let mut sources: Vec<_> = entries.map(|entry| entry.path()).collect();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    sources
}

/// An empty folder for the files of a run.
fn scratch() -> PathBuf {
    let path = Path::new(FOLDER).join("files");
    let _ = std::fs::remove_dir_all(&path);
    let _ = std::fs::create_dir_all(&path);
    path
}

/// The folder of SQLite's bundled source.
fn bundled() -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(["metadata", "--format-version", "1"]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.match_indices("libsqlite3-sys-").find_map(|(at, _)| {
        let start = text[..at].rfind('"')? + 1;
        let rest = &text[start..];
        let path = rest.get(..rest.find("/Cargo.toml\"")?)?;
        (!path.contains('"')).then(|| PathBuf::from(path).join("sqlite3"))
    })
}

/// Record what the program that calls every function prints on SQLite, and where this library differs.
pub fn record() -> bool {
    let Some(bundled) = bundled() else {
        eprintln!("the oracle's crate is not there: build the tests once");
        return false;
    };
    let _ = std::fs::create_dir_all(FOLDER);
    let oracle = Path::new(FOLDER).join("libsqlite3.so.0");
    if !oracle.exists()
        && !run(compiler().args(ORACLE).arg("-o").arg(&oracle).arg(bundled.join("sqlite3.c")).args([
            "-lm",
            "-lpthread",
            "-ldl",
        ]))
    {
        return false;
    }
    let program = Path::new(FOLDER).join("api");
    let include = ["-w", "-g", "-DWITH_SNAPSHOTS", "-I", "crates/sqlite3/include", "-o"];
    if !run(compiler().args(include).arg(&program).args(sources("c")).arg(&oracle)) {
        return false;
    }
    let output = Command::new(&program).arg(scratch()).env("LD_LIBRARY_PATH", FOLDER).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        eprintln!("the program fails on SQLite");
        return false;
    };
    std::fs::write(Path::new(TESTS).join("c/transcript.txt"), output.stdout).is_ok()
        && run_cargo(&[("RECORD_DIFFERENCES", "1")], &["test", "-p", "turso_sqlite3", "--test", "transcript"], &[])
}

/// Build the static library with a sanitizer, link a C program with it and answer the program.
fn sanitized(sanitizer: &str, folder: &str) -> Option<PathBuf> {
    let built = format!("{FOLDER}/{sanitizer}");
    let flags = format!("-Zsanitizer={sanitizer}");
    let variables = [("RUSTC_BOOTSTRAP", "1"), ("RUSTFLAGS", &flags), ("CARGO_TARGET_DIR", &built)];
    let mut words = vec!["build", "-p", "turso_sqlite3", "--target", TARGET];
    if sanitizer == "thread" {
        // Without its own locks instrumented, the standard library looks like one big race (`rustup component add rust-src`).
        words.push("-Zbuild-std");
    }
    if !run_cargo(&variables, &words, &[]) {
        return None;
    }
    let (program, objects) = (Path::new(&built).join(folder), Path::new(&built).join("objects"));
    let _ = std::fs::create_dir_all(&objects);
    let mut compiled = Vec::new();
    for source in sources(folder) {
        let object = objects.join(source.file_name()?).with_extension("o");
        let words = ["-w", "-g", "-O1", "-DWITH_SNAPSHOTS", "-I", "crates/sqlite3/include", "-c", "-o"];
        if !run(compiler().args(words).arg(&object).arg(&source).arg(format!("-fsanitize={sanitizer}"))) {
            return None;
        }
        compiled.push(object);
    }
    let mut linked = compiler();
    linked.arg("-o").arg(&program).args(compiled);
    match sanitizer {
        // The C compiler's runtime lacks entry points that Rust's code calls.
        "thread" => linked.arg("-Wl,--whole-archive").arg(runtime()?).arg("-Wl,--no-whole-archive"),
        other => linked.arg(format!("-fsanitize={other}")),
    };
    linked.arg(format!("{built}/{TARGET}/debug/libsqlite3.a")).args(["-rdynamic", "-lpthread", "-ldl", "-lm", "-lrt"]);
    run(&mut linked).then_some(program)
}

/// The toolchain's own runtime of ThreadSanitizer.
fn runtime() -> Option<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let entries = std::fs::read_dir(sysroot.join("lib/rustlib").join(TARGET).join("lib")).ok()?;
    let is_runtime = |path: &PathBuf| path.to_string_lossy().ends_with("_rt.tsan.a");
    entries.flatten().map(|entry| entry.path()).find(is_runtime)
}

/// AddressSanitizer, with leaks, over the crate's tests and the program that calls every function.
pub fn addresses() -> bool {
    let built = format!("{FOLDER}/address");
    let variables =
        [("RUSTC_BOOTSTRAP", "1"), ("RUSTFLAGS", "-Zsanitizer=address"), ("CARGO_TARGET_DIR", built.as_str())];
    let Some(program) = sanitized("address", "c") else { return false };
    run(Command::new(program).arg(scratch()).stdout(std::process::Stdio::null()))
        && run_cargo(&variables, &["test", "-p", "turso_sqlite3", "--test", "calls", "--target", TARGET], &[])
}

/// ThreadSanitizer over sixteen threads on one connection and on a connection each, so many seconds each.
pub fn threads(seconds: u32) -> bool {
    let Some(program) = sanitized("thread", "stress") else { return false };
    run(Command::new(program).arg(scratch()).arg(seconds.to_string()))
}

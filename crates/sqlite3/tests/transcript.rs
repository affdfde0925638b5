//! A C program calls every function of the interface and prints what they answer. The same program has run on SQLite, with the
//! answers in `c/transcript.txt`; where this library answers differently, `c/differences.txt` has the lines, and nothing else
//! may differ.
//!
//! `cargo xtask c-api` records both anew, from the SQLite that is bundled with the oracle's crate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c")
}

/// The shared library that was built for this test.
fn library() -> PathBuf {
    let beside = std::env::current_exe().unwrap();
    let deps = beside.parent().unwrap();
    [deps.join("libsqlite3.so"), deps.join("../libsqlite3.so")].into_iter().find(|path| path.exists()).unwrap()
}

/// A scratch folder, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("turso-c-{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("files")).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sources() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut sources: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "c")).collect();
    sources.sort();
    sources
}

/// Compiles the program against this library and answers what it prints.
fn transcript() -> String {
    let scratch = Scratch::new("transcript");
    let name = scratch.0.join("libsqlite3.so.0");
    std::os::unix::fs::symlink(library(), &name).unwrap();
    let program = scratch.0.join("api");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let compiled = Command::new(compiler)
        .args(["-w", "-g", "-DWITH_SNAPSHOTS", "-I"])
        .arg(include)
        .args(sources())
        .arg("-o")
        .arg(&program)
        .arg(&name)
        .status()
        .unwrap();
    assert!(compiled.success(), "the program does not compile");
    let ran = Command::new(&program).arg(scratch.0.join("files")).env("LD_LIBRARY_PATH", &scratch.0).output().unwrap();
    assert!(ran.status.success(), "{}\n{}", ran.status, String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// The lines that differ, `-` SQLite's and `+` ours, each run of them after the line before.
fn differences(expected: &str, got: &str) -> String {
    let (a, b): (Vec<_>, Vec<_>) = (expected.lines().collect(), got.lines().collect());
    // Lengths of the longest common subsequences of the rests.
    let width = b.len() + 1;
    let mut lengths = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            lengths[i * width + j] = match a[i] == b[j] {
                true => lengths[(i + 1) * width + j + 1] + 1,
                false => lengths[(i + 1) * width + j].max(lengths[i * width + j + 1]),
            };
        }
    }
    let (mut i, mut j, mut out, mut before) = (0, 0, String::new(), None);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            before = Some(a[i]);
            (i, j) = (i + 1, j + 1);
            continue;
        }
        if let Some(line) = before.take() {
            out.push_str(&format!(" {line}\n"));
        }
        if j >= b.len() || (i < a.len() && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) {
            out.push_str(&format!("-{}\n", a[i]));
            i += 1;
        } else {
            out.push_str(&format!("+{}\n", b[j]));
            j += 1;
        }
    }
    out
}

#[test]
fn the_program_prints_what_it_prints_on_sqlite() {
    let expected = std::fs::read_to_string(folder().join("transcript.txt")).unwrap();
    let known = std::fs::read_to_string(folder().join("differences.txt")).unwrap_or_default();
    let found = differences(&expected, &transcript());
    if std::env::var_os("RECORD_DIFFERENCES").is_some() {
        std::fs::write(folder().join("differences.txt"), &found).unwrap();
        return;
    }
    assert_eq!(found, known);
}

/// Names of functions that the header declares.
fn declared() -> BTreeSet<String> {
    let header = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("include/sqlite3.h")).unwrap();
    let lines = header.lines().filter(|line| line.starts_with("SQLITE_API ") && line.contains('('));
    lines.map(|line| line.split('(').next().unwrap().rsplit([' ', '*']).next().unwrap().to_owned()).collect()
}

/// Documented as there on Windows, for SQLite's own tests, or built only for debugging.
const NOT_CALLED: &[&str] = &["sqlite3_os_end", "sqlite3_syscall_ptr", "sqlite3_mutex_held", "sqlite3_mutex_notheld"];

#[test]
fn the_program_calls_every_function() {
    let text: String = sources().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let missing: Vec<_> = declared()
        .into_iter()
        .filter(|name| !words.contains(name.as_str()) && !NOT_CALLED.contains(&name.as_str()))
        .collect();
    assert_eq!(missing, UNCALLED);
}

/// Functions that the program does not call yet.
const UNCALLED: &[&str] = &[];

#[test]
fn the_symbol_table_has_every_declared_function() {
    let listed = Command::new("nm").args(["-D", "--defined-only"]).arg(library()).output().unwrap();
    assert!(listed.status.success());
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let exported: BTreeSet<&str> = listed.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    let absent: Vec<_> = declared().into_iter().filter(|name| !exported.contains(name.as_str())).collect();
    assert_eq!(absent, ABSENT);
    // Nothing else goes by the interface's name.
    let undeclared: Vec<_> = exported
        .iter()
        .filter(|name| name.starts_with("sqlite3") && !declared().contains(**name) && !name.contains("version"))
        .collect();
    assert_eq!(undeclared, UNDECLARED.iter().collect::<Vec<_>>());
}

/// Declared, but not built: debug builds of SQLite have them.
const ABSENT: &[&str] = &[];
/// Exported, but not declared.
const UNDECLARED: &[&str] = &["sqlite3_data_directory", "sqlite3_temp_directory"];

/// Functions whose whole body is a constant, once their handle is looked at: each is documented to do nothing, or listed as missing.
#[test]
fn functions_that_do_nothing_are_known() {
    let mut found = Vec::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.extend(constant_functions(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    let mut known = DO_NOTHING.to_vec();
    known.sort_unstable();
    assert_eq!(found, known);
}

/// Entry points with a body of one constant.
fn constant_functions(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in source.match_indices("fn sqlite3") {
        let rest = &source[at + 3..];
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let Some(open) = rest.find('{') else { continue };
        let mut depth = 0;
        let close = rest[open..].find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let Some(close) = close else { continue };
        let mut body = rest[open + 1..open + close].trim();
        for check in ["let _ = value;", "let Some(db) = db.get() else { return MISUSE };"] {
            body = body.strip_prefix(check).unwrap_or(body).trim();
        }
        let constants = ["OK", "0", "1", "UTF8", "null()", "null_mut()", "ERROR", "MISUSE", "RANGE", ""];
        if constants.contains(&body) || body == "if db.get().is_some() { OK } else { MISUSE }" {
            found.push(name);
        }
    }
    found
}

/// The first half is documented to do nothing any more or on this system; the others have nothing to give back here, or say what is so.
const DO_NOTHING: &[&str] = &[
    "sqlite3_expired",
    "sqlite3_global_recover",
    "sqlite3_memory_alarm",
    "sqlite3_os_end",
    "sqlite3_os_init",
    "sqlite3_thread_cleanup",
    "sqlite3_db_cacheflush",
    "sqlite3_release_memory",
    "sqlite3_threadsafe",
    "sqlite3_value_encoding",
];

//! `.load` and `load_extension()`: a C extension, compiled for the test, in a session of the shell.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The folder with `sample.so`.
fn library() -> &'static Path {
    static FOLDER: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = folder.path().to_path_buf();
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-I"])
            .arg(here.join("../sqlite3/include"))
            .arg("-o")
            .arg(path.join("sample.so"))
            .arg(here.join("tests/extension/sample.c"))
            .status();
        assert!(compiled.unwrap().success());
        (folder, path)
    });
    path
}

fn shell(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tursodb")).current_dir(library()).args(arguments).output().unwrap()
}

#[track_caller]
fn check(arguments: &[&str], status: i32, out: &str, errors: &str) {
    let output = shell(arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str(), text(&output.stderr).as_str()),
        (Some(status), out, errors)
    );
}

#[test]
fn what_an_extension_registers_is_there() {
    check(
        &[
            ":memory:",
            ".load ./sample",
            "CREATE TABLE t(a TEXT); INSERT INTO t VALUES('a'), ('ccc'), ('bb');",
            "SELECT twice(21), longest(a), rows_of('t'), rows_of('made_by_sample') FROM t;",
            "SELECT group_concat(a) FROM (SELECT a FROM t ORDER BY a COLLATE backwards);",
            "CREATE INDEX i ON t(twice(rowid)); SELECT a FROM t WHERE twice(rowid) = 4;",
        ],
        0,
        "42|3|3|1\nccc,bb,a\nccc\n",
        "",
    );
}

#[test]
fn sql_loads_extensions_too() {
    check(
        &[":memory:", "SELECT load_extension('./sample.so', 'sqlite3_sample_init')", "SELECT twice(4)"],
        0,
        "\n8\n",
        "",
    );
}

#[test]
fn errors_of_extensions_are_told() {
    check(&[":memory:", ".load ./sample refuse"], 1, "", "Error: error during initialization: not today\n");
    check(&[":memory:", ".load ./sample nothing"], 1, "", "Error: ./sample.so: undefined symbol: nothing\n");
    check(&[":memory:", ".load ./sample", "SELECT rows_of('x')"], 1, "", "Error: stepping, no such table: x\n");
    check(&["-safe", ":memory:", ".load ./sample"], 1, "", "line 0: cannot run .load in safe mode\n");
}

#[test]
fn a_database_is_closed_with_its_extensions() {
    let file = library().join("closed.db");
    let file = file.to_str().unwrap();
    // A log that is left behind would show that somebody still has the database open.
    let list = format!(".shell ls {file}*");
    let words = [file, ".load ./sample", "INSERT INTO made_by_sample VALUES(2)", ".open :memory:", &list];
    check(&words, 0, &format!("{file}\n"), "");
    check(&[file, "SELECT x FROM made_by_sample"], 0, "1\n2\n", "");
}

//! The shell as its users meet it: through a pipe, by arguments, with its exit codes; the same scripts through `sqlite3`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn run(program: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    let mut stdin = child.stdin.take().unwrap();
    // A shell that ends early closes the pipe.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn ours(arguments: &[&str], input: &str) -> Output {
    run(env!("CARGO_BIN_EXE_tursodb"), arguments, input)
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn have_sqlite3() -> bool {
    let there = Command::new("sqlite3").arg("-version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !there {
        eprintln!("SKIPPED: the sqlite3 shell is absent");
    }
    there
}

#[test]
fn the_session_of_the_readme() {
    let output = ours(
        &[],
        "CREATE TABLE users (id INT, username TEXT);\nINSERT INTO users VALUES (1, 'alice');\nSELECT * FROM users;\n",
    );
    assert_eq!(out(&output), "1|alice\n");
    assert_eq!(err(&output), "");
    assert!(output.status.success());
}

#[test]
fn arguments_run_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let file = path.to_str().unwrap();
    let output = ours(&[file, "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, NULL), (2, 'x');"], "");
    assert_eq!((out(&output).as_str(), err(&output).as_str(), output.status.code()), ("", "", Some(0)));
    let output = ours(&[file, "SELECT * FROM t", "SELECT count(*) FROM sqlite_schema"], "");
    assert_eq!(out(&output), "1|\n2|x\n1\n");
    let output = ours(&["-m", "csv", file, "SELECT * FROM t"], "");
    assert_eq!(out(&output).replace("\r\n", "\n"), "1,\n2,x\n");
    let output = ours(&["--cmd", ".headers on", file], "SELECT a FROM t;\n");
    assert_eq!(out(&output), "a\n1\n2\n");
    let output = ours(&[file, ".tables"], "");
    assert_eq!(out(&output).trim(), "t");
    let target = directory.path().join("out.txt");
    let output = ours(&["-o", target.to_str().unwrap(), file, "SELECT b FROM t WHERE a = 2"], "");
    assert_eq!(out(&output), "");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "x\n");
}

#[test]
fn exit_codes_and_error_texts() {
    let failing = ours(&[":memory:", "SELECT * FROM nosuch"], "");
    assert_eq!(failing.status.code(), Some(1));
    assert!(err(&failing).contains("no such table: nosuch"), "{}", err(&failing));

    let script = "SELECT 1;\nSELECT * FROM nosuch;\nSELECT 2;\n";
    let goes_on = ours(&[], script);
    assert_eq!(out(&goes_on), "1\n2\n");
    assert!(err(&goes_on).contains("near line 2: no such table: nosuch"), "{}", err(&goes_on));
    assert_eq!(goes_on.status.code(), Some(1));

    let bails = ours(&["--bail"], script);
    assert_eq!(out(&bails), "1\n");
    assert_eq!(bails.status.code(), Some(1));

    assert_eq!(ours(&[], ".exit 7\nSELECT 1;\n").status.code(), Some(7));
    assert_eq!(out(&ours(&[], ".quit\nSELECT 1;\n")), "");
    assert_eq!(ours(&["--no-such-option"], "").status.code(), Some(1));
    assert_eq!(ours(&["/no/such/folder/x.db", "SELECT 1"], "").status.code(), Some(1));
    assert!(ours(&["--version"], "").status.success());

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("none.db");
    let read_only = ours(&["--readonly", file.to_str().unwrap(), "SELECT 1"], "");
    assert_eq!(read_only.status.code(), Some(1));
    assert!(!file.exists());
}

#[test]
fn a_read_only_shell_does_not_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ro.db");
    let file = path.to_str().unwrap();
    assert!(ours(&[file, "PRAGMA journal_mode = delete; CREATE TABLE t(a)"], "").status.success());
    let output = ours(&["--readonly", file, "INSERT INTO t VALUES (1)"], "");
    assert_eq!(output.status.code(), Some(8));
    assert!(err(&output).contains("attempt to write a readonly database"), "{}", err(&output));
}

/// Data with everything that output modes have to care about. Reals are exact: `quote` and `insert` show the others with as many
/// digits as the version of the shell has it.
const DATA: &str = "\
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, amount REAL, data BLOB);
INSERT INTO t VALUES (1, 'plain', 1.5, x'6263'), (2, 'it''s', -2.0, NULL), (3, NULL, 250.25, x''), (4, 'a,b', 0.5, x'61');
INSERT INTO t(id, name) VALUES (5, 'say \"hi\"'), (6, 'two
lines'), (7, 'tab	bed'), (8, 'back\\slash'), (9, 'ünïcödé 你好'), (10, '<a href=\"x\">&amp;</a>'), (11, '');
CREATE INDEX tn ON t(name);
CREATE VIEW v AS SELECT id, upper(name) AS big FROM t WHERE id < 3;
CREATE TRIGGER tr AFTER DELETE ON t BEGIN SELECT 1; END;
";

/// The same script through both shells.
fn same(script: &str) {
    let script = format!("{DATA}{script}");
    let (a, b) = (ours(&[":memory:"], &script), run("sqlite3", &[":memory:"], &script));
    assert_eq!(out(&a), out(&b), "stdout of\n{script}");
    assert_eq!(err(&a).is_empty(), err(&b).is_empty(), "stderr of\n{script}\nours: {}\nsqlite3: {}", err(&a), err(&b));
    assert_eq!(a.status.code(), b.status.code(), "status of\n{script}");
}

#[test]
fn output_modes_are_sqlite3s() {
    if !have_sqlite3() {
        return;
    }
    // Tabs and characters of two cells are laid out in another way by newer versions: the grids are compared without them.
    for mode in [
        "list",
        "csv",
        "tabs",
        "quote",
        "line",
        "column",
        "table",
        "box",
        "markdown",
        "json",
        "insert t2",
        "html",
        "tcl",
        "ascii",
    ] {
        for headers in ["on", "off"] {
            // Without headers the widths of columns are another matter in each version.
            if mode == "column" && headers == "off" {
                continue;
            }
            same(&format!(
                ".mode {mode}\n.headers {headers}\nSELECT id, name, amount FROM t ORDER BY id LIMIT 5;\nSELECT id, name FROM t WHERE id = 8 OR id > 9 ORDER BY id;\nSELECT 1 AS a WHERE 0;\n"
            ));
        }
    }
    for mode in ["list", "csv", "line", "json", "html"] {
        same(&format!(
            ".mode {mode}\nSELECT * FROM t ORDER BY id;\nSELECT data, NULL, 5, 'x' FROM t WHERE id IN (1, 2, 4) ORDER BY id;\n"
        ));
    }
}

#[test]
fn dot_commands_are_sqlite3s() {
    if !have_sqlite3() {
        return;
    }
    for script in [
        ".tables\n",
        ".indexes\n",
        ".schema\n",
        ".schema t\n",
        ".nullvalue NIL\nSELECT name FROM t WHERE id = 3;\n",
        ".separator ; \nSELECT id, name FROM t WHERE id < 3 ORDER BY id;\n",
        ".separator \"\\t\" \"|\\n\"\nSELECT id, name FROM t WHERE id < 3 ORDER BY id;\n",
        ".headers on\nSELECT id AS \"the id\", name FROM t WHERE id = 1;\n",
        ".print hello world\n",
        ".mode column\n.width 5 -10\nSELECT id, name FROM t WHERE id < 3 ORDER BY id;\n",
        ".echo on\nSELECT 1;\n",
        ".changes on\nUPDATE t SET name = 'n' WHERE id < 4;\n",
        "SELECT 1; SELECT 2;\n-- a comment\nSELECT 3 /* inside */ ;\n",
        "SELECT\n  1,\n  2\n;\n",
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\nSELECT count(*) FROM sqlite_schema;\n",
        "SELECT 'no semicolon at the end'",
        "SELECT * FROM nosuch;\nSELECT 'goes on';\n",
        "INSERT INTO t VALUES (1, 2, 3, 4);\nSELECT 'goes on';\n",
        "BEGIN;\nDELETE FROM t;\nROLLBACK;\nSELECT count(*) FROM t;\n",
        ".nosuchcommand\nSELECT 1;\n",
    ] {
        same(script);
    }
}

#[test]
fn dumps_have_the_same_lines() {
    if !have_sqlite3() {
        return;
    }
    // The order of what follows the tables, and how control characters are written, is another in each version of the shell.
    let script = format!("{DATA}UPDATE t SET name = 'n' || id;\n.dump\n");
    let lines = |output: &Output| {
        let mut lines: Vec<String> = out(output).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&ours(&[":memory:"], &script)), lines(&run("sqlite3", &[":memory:"], &script)));
}

#[test]
fn errors_in_scripts_are_reported_as_by_sqlite3() {
    if !have_sqlite3() {
        return;
    }
    for script in [
        "SELECT * FROM nosuch;\n",
        "SELECT 1;\n\nSELEC 2;\n",
        "SELECT 1,\n  nosuch\nFROM t;\n",
        "INSERT INTO t VALUES (1, 2, 3, 4);\n",
        "COMMIT;\n",
        "SELECT abs(-9223372036854775808);\n",
    ] {
        let script = format!("{DATA}{script}");
        let (a, b) = (ours(&[":memory:"], &script), run("sqlite3", &[":memory:"], &script));
        assert_eq!(err(&a), err(&b), "{script}");
    }
    for sql in ["SELECT * FROM nosuch", "SELEC 1", "SELECT abs(-9223372036854775808)"] {
        let (a, b) = (ours(&[":memory:", sql], ""), run("sqlite3", &[":memory:", sql], ""));
        assert_eq!((err(&a), a.status.code()), (err(&b), b.status.code()), "{sql}");
    }
}

#[test]
fn a_dump_read_by_the_other_shell_is_the_same_database() {
    if !have_sqlite3() {
        return;
    }
    let dumped = ours(&[":memory:"], &format!("{DATA}.dump\n"));
    let question = "SELECT id, quote(name), printf('%!.15g', amount), quote(data) FROM t ORDER BY id;\nSELECT type, name, sql FROM sqlite_schema ORDER BY type, name;\n";
    let before = ours(&[":memory:"], &format!("{DATA}{question}"));
    let theirs = run("sqlite3", &[":memory:"], &format!("{}{question}.dump\n", out(&dumped)));
    assert_eq!(err(&theirs), "");
    assert!(out(&theirs).starts_with(&out(&before)), "ours\n{}\nsqlite3\n{}", out(&before), out(&theirs));
    let dump = out(&theirs)[out(&before).len()..].to_owned();
    let back = ours(&[":memory:"], &format!("{dump}{question}"));
    assert_eq!(err(&back), "");
    assert_eq!(out(&back), out(&before));
}

#[test]
fn a_script_is_read_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script.sql");
    std::fs::write(&script, "CREATE TABLE t(a);\nINSERT INTO t VALUES (5);\nSELECT a FROM t;\n").unwrap();
    let once = directory.path().join("once.txt");
    let input = format!(
        ".read {}\n.once {}\nSELECT 'to the file';\nSELECT 'to the pipe';\n.output {}\nSELECT 'again';\n.output\nSELECT 'end';\n",
        script.display(),
        once.display(),
        directory.path().join("out.txt").display()
    );
    let output = ours(&[], &input);
    assert_eq!(out(&output), "5\nto the pipe\nend\n", "{}", err(&output));
    assert_eq!(std::fs::read_to_string(&once).unwrap(), "to the file\n");
    assert_eq!(std::fs::read_to_string(directory.path().join("out.txt")).unwrap(), "again\n");
}

//! proj.db (Debian's package proj-data): 36 tables, 26 of them WITHOUT ROWID, 7 views, 35 triggers. A schema and data that
//! nobody made for tests. Read whole, asked 200 questions, changed by both engines and compared as files.

use std::path::{Path, PathBuf};

use integration::compare::{Order, Report, both, both_supported, dump, first_difference};
use integration::{Engine, Ours, Stock};
use turso_core::Value;

const PROJ: &str = "/usr/share/proj/proj.db";

/// A copy of proj.db in a folder of its own; `None`, said aloud, when the package is not installed.
fn copy(name: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    if !Path::new(PROJ).exists() {
        eprintln!("SKIPPED: {PROJ} is absent (install Debian's package proj-data): nothing was tested");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::copy(PROJ, &path).unwrap();
    Some((directory, path))
}

/// The statements of a file: comments between them are dropped, each ends with a semicolon at the end of a line.
fn statements(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|l| !l.starts_with("--")).collect();
    code.join("\n").split(";\n").map(|s| s.trim().trim_end_matches(';').to_owned()).filter(|s| !s.is_empty()).collect()
}

fn queries() -> Vec<(String, Order)> {
    statements(include_str!("../data/proj_queries.sql"))
        .into_iter()
        .map(|sql| match sql.strip_prefix("/*free*/") {
            Some(rest) => (rest.trim().to_owned(), Order::Free),
            None => (sql, Order::Kept),
        })
        .collect()
}

#[test]
fn every_table_and_view_reads_the_same() {
    let Some((_directory, path)) = copy("proj.db") else { return };
    let (mut ours, mut stock) = (Ours::open(&path), Stock::open(&path));
    let mut report = Report::default();
    let names = stock.run("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name").rows();
    assert_eq!(names.len(), 43);
    report.check(both(&mut ours, &mut stock, "SELECT * FROM sqlite_schema", Order::Kept));
    for row in &names {
        let Value::Text(name) = &row[0] else { panic!("a name is text") };
        let sql = format!("SELECT * FROM \"{}\"", String::from_utf8_lossy(name));
        report.check(both(&mut ours, &mut stock, &sql, Order::Kept));
    }
    report.finish("tables and views");
}

fn ask(mut ours: Ours, path: &Path, what: &str) {
    let mut stock = Stock::open(path);
    let queries = queries();
    assert!(queries.len() >= 200);
    let mut report = Report::default();
    // Every page that is first touched costs a wait: ordinary runs ask a part of the questions, PROJ_FULL=1 all.
    let part = if what.contains("pending") && integration::random::variable("PROJ_FULL", 0) == 0 { 5 } else { 1 };
    for (sql, order) in queries.into_iter().step_by(part) {
        let start = std::time::Instant::now();
        let failure = both_supported(&mut ours, &mut stock, &sql, order, &mut report.gaps);
        report.check(failure);
        if start.elapsed().as_secs() >= 2 {
            println!("{:.1} s: {sql}", start.elapsed().as_secs_f64());
        }
    }
    report.finish(what);
}

#[test]
fn queries_answer_as_sqlite() {
    let Some((_directory, path)) = copy("proj.db") else { return };
    ask(Ours::open(&path), &path, "queries");
}

#[test]
fn queries_answer_as_sqlite_when_every_page_is_pending() {
    let Some((_directory, path)) = copy("proj.db") else { return };
    ask(Ours::open_pending(&path), &path, "queries, always pending");
}

/// Both engines change a copy each; answers are compared as they go, files at the end.
fn change(mode: &str, pending: bool) {
    let Some((_one, our_path)) = copy("ours.db") else { return };
    let Some((_two, stock_path)) = copy("stock.db") else { return };
    let mut ours = if pending { Ours::open_pending(&our_path) } else { Ours::open(&our_path) };
    let mut stock = Stock::open(&stock_path);
    let mut report = Report::default();
    report.check(both(&mut ours, &mut stock, &format!("PRAGMA journal_mode = {mode}"), Order::Kept));
    for sql in statements(include_str!("../data/proj_changes.sql")) {
        let start = std::time::Instant::now();
        let failure = both_supported(&mut ours, &mut stock, &sql, Order::Kept, &mut report.gaps);
        if start.elapsed().as_secs() >= 2 {
            println!("{:.1} s: {sql}", start.elapsed().as_secs_f64());
        }
        let changed =
            both(&mut ours, &mut stock, "SELECT changes(), total_changes(), last_insert_rowid()", Order::Kept);
        report.check(failure.or(changed.map(|d| format!("after {sql}\n  {d}"))));
    }
    for engine in [&mut ours as &mut dyn Engine, &mut stock] {
        assert_eq!(engine.integrity(), "ok", "{} on its own file", engine.name());
    }
    drop(ours);
    drop(stock);
    assert_eq!(Stock::open(&our_path).integrity(), "ok", "sqlite on our file");
    assert_eq!(Ours::open(&stock_path).integrity(), "ok", "we on sqlite's file");
    match (dump(&our_path), dump(&stock_path)) {
        (Some(a), Some(b)) => {
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            report.check(first_difference(&lines(&a), &lines(&b)).map(|d| format!(".dump: {d}")));
        }
        _ => eprintln!("SKIPPED: no sqlite3 shell, dumps were not compared"),
    }
    report.finish(&format!("changes in mode {mode}"));
}

#[test]
fn changes_leave_the_same_database_in_delete_mode() {
    change("delete", false);
}

#[test]
fn changes_leave_the_same_database_in_wal_mode() {
    change("wal", false);
}

#[test]
#[ignore = "minutes in a debug build"]
fn changes_leave_the_same_database_when_every_page_is_pending() {
    change("wal", true);
}

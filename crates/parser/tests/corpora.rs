//! Statements from elsewhere: a schema found in the wild, and the sqllogictest corpus.

use std::path::{Path, PathBuf};

use turso_parser::{is_blank, parse};

#[track_caller]
fn check_parses(sql: &str, place: &str) {
    let mut rest = sql.as_bytes();
    while !is_blank(rest, 0) {
        let parsed = parse(rest).unwrap_or_else(|e| panic!("{place}: {sql}\n{e} at {:?}", e.offset));
        rest = &rest[parsed.tail..];
        let Some(statement) = parsed.statement else { continue };
        let printed = statement.to_sql();
        let again = parse(&printed).unwrap_or_else(|e| panic!("{place}: {}\n{e}", String::from_utf8_lossy(&printed)));
        assert_eq!(again.statement, Some(statement), "{place}: {sql}");
    }
}

#[test]
fn the_schema_of_a_real_database_parses() {
    let path = "/usr/share/proj/proj.db";
    if !Path::new(path).exists() {
        println!("SKIPPED: {path} is missing");
        return;
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    let mut query = db.prepare("select sql from sqlite_schema where sql is not null").unwrap();
    let texts: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(texts.len() > 50);
    for sql in texts {
        check_parses(&sql, path);
    }
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "test") {
            out.push(path);
        }
    }
}

/// The statements of a sqllogictest file that SQLite is expected to run.
fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    let mut skip = false;
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["skipif", engine, ..] => skip |= engine == "sqlite",
            ["onlyif", engine, ..] => skip |= engine != "sqlite",
            ["statement", verdict, ..] => {
                let sql: Vec<&str> = lines.by_ref().take_while(|line| !line.trim().is_empty()).collect();
                if !std::mem::take(&mut skip) && verdict == "ok" {
                    found.push(sql.join("\n"));
                }
            }
            ["query", ..] => {
                let sql: Vec<&str> = lines.by_ref().take_while(|l| !l.trim().is_empty() && *l != "----").collect();
                if !std::mem::take(&mut skip) {
                    found.push(sql.join("\n"));
                }
            }
            [] => skip = false,
            _ => {}
        }
    }
    found
}

/// `PARSER_CORPUS=all` reads the files to their ends, not only their beginnings.
#[test]
fn sqllogictest_parses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/sqllogictest");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    if paths.is_empty() {
        println!("SKIPPED: {} is missing", root.display());
        return;
    }
    let limit = if std::env::var("PARSER_CORPUS").is_ok_and(|v| v == "all") { usize::MAX } else { 60_000 };
    let mut count = 0;
    for path in paths {
        let text = std::fs::read(&path).unwrap();
        let whole = text.len() <= limit;
        let text = String::from_utf8_lossy(&text[..text.len().min(limit)]).into_owned();
        let mut found = statements(&text);
        if !whole {
            found.pop();
        }
        for sql in found {
            check_parses(&sql, &path.display().to_string());
            count += 1;
        }
    }
    println!("{count} statements");
    assert!(count > 5000, "{count}");
}

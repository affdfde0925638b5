//! What is accepted and what is refused, with which text and offset: `data/verdicts.txt`, checked on both engines.
//!
//! Each entry is a line of SQL and an indented line: `OK`, or the offset (-1 where SQLite reports none) and the message.
//! `OK` means that the parser accepts it; SQLite may still refuse it for reasons that need a schema.

use turso_parser::{is_blank, parse};

const VERDICTS: &str = include_str!("data/verdicts.txt");

const SETUP: &str = "create table t(a,b,c,d); create table u(x); create table m(a); create table b(a,b); create view a as select 1 as a;";

fn verdicts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut lines = VERDICTS.lines();
    std::iter::from_fn(move || Some((lines.next()?, lines.next()?.trim_start())))
}

fn unescape(sql: &str) -> String {
    sql.replace("\\n", "\n").replace("\\0", "\0")
}

#[test]
fn the_parser_gives_every_verdict() {
    let mut wrong = Vec::new();
    for (sql, expected) in verdicts() {
        let found = match parse(unescape(sql).as_bytes()) {
            Ok(_) => "OK".to_owned(),
            Err(e) => format!("{} | {}", e.offset.map_or(-1, i64::from), e.message),
        };
        if found != expected {
            wrong.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sqlite_gives_every_verdict() {
    let sqlite = rusqlite::Connection::open_in_memory().unwrap();
    sqlite.execute_batch(SETUP).unwrap();
    for (sql, expected) in verdicts() {
        let found = match sqlite.prepare(&unescape(sql)) {
            Ok(_) => "OK".to_owned(),
            Err(rusqlite::Error::SqlInputError { msg, offset, .. }) => format!("{offset} | {msg}"),
            Err(rusqlite::Error::SqliteFailure(_, message)) => format!("-1 | {}", message.unwrap_or_default()),
            Err(e) => panic!("{sql}: {e}"),
        };
        if expected == "OK" {
            assert!(!found.contains("syntax error\"") && !found.contains("incomplete input"), "{sql}: {found}");
        } else {
            assert_eq!(found, expected, "{sql}");
        }
    }
}

#[track_caller]
fn check_error(sql: &str, message: &str) {
    assert_eq!(parse(sql.as_bytes()).unwrap_err().message, message, "{sql}");
}

#[test]
fn limits_have_their_own_texts() {
    let repeat = |n: usize, s: &str| vec![s; n].join(",");
    let too_tall = "Expression tree is too large (maximum depth 1000)";
    check_error(&format!("select {}1", "1+".repeat(1000)), too_tall);
    check_error(&format!("select {}1", "not ".repeat(1000)), too_tall);
    check_error(&format!("select {}1{}", "abs(".repeat(1200), ")".repeat(1200)), too_tall);
    check_error(&format!("select {}", "(".repeat(1_000_000)), "Recursion limit");
    check_error(&format!("select 1{}", " union select 1".repeat(500)), "too many terms in compound SELECT");
    check_error(&format!("select max({})", repeat(1001, "1")), "too many arguments on function max");
    check_error(&format!("select {}", repeat(32767, "?")), "too many SQL variables");
    check_error(&format!("update t set {}", repeat(2001, "a=1")), "too many columns in set list");
    assert!(parse(format!("select {}1", "1+".repeat(999)).as_bytes()).is_ok());
    assert!(parse(format!("select {}1{}", "(".repeat(2000), ")".repeat(2000)).as_bytes()).is_ok());
    assert!(parse(format!("select {}", repeat(32766, "?")).as_bytes()).is_ok());
}

#[test]
fn a_text_is_split_into_statements() {
    let sql = b" ;; -- c\n select 1 ; /* x */ ; insert into t values(';');select 2 -- end";
    let mut found = Vec::new();
    let mut start = 0;
    while start < sql.len() {
        let parsed = parse(&sql[start..]).unwrap();
        found.push(String::from_utf8_lossy(parsed.span.of(&sql[start..])).into_owned());
        start += parsed.tail;
    }
    assert_eq!(found, ["select 1", "insert into t values(';')", "select 2"]);
    assert!(parse(b" /* nothing */ ; -- here").unwrap().statement.is_none());
    assert!(is_blank(b"select 1; -- x", 9) && !is_blank(b"select 1; x", 9));
    // A broken second statement does not matter to the first.
    assert_eq!(parse(b"select 1; selec").unwrap().tail, 9);
}

#[test]
fn parameters_are_numbered_as_in_sqlite() {
    let parsed = parse(b"select ?, ?5, :a, ?, @b, :a, $c, ?2").unwrap();
    let p = &parsed.parameters;
    assert_eq!(p.count, 9);
    assert_eq!(
        (p.index(":a"), p.index("@b"), p.index("$c"), p.index("?5"), p.index("?2")),
        (Some(6), Some(8), Some(9), Some(5), Some(2))
    );
    assert_eq!((p.name(1), p.name(2), p.name(6), p.name(7)), (None, Some("?2"), Some(":a"), None));
    let many: Vec<String> = (0..100).flat_map(|i| [format!(":p{i}"), ":p0".to_owned()]).collect();
    let parsed = parse(format!("select {}", many.join(",")).as_bytes()).unwrap();
    assert_eq!((parsed.parameters.count, parsed.parameters.index(":p99")), (100, Some(100)));
}

//! No text, however deeply it nests, overflows a stack of 512 KB, neither while parsing nor while the tree is dropped.

use turso_parser::parse;

fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
}

/// (what repeats before, the core, what repeats after)
const NESTS: &[(&str, &str, &str, &str)] = &[
    ("select ", "(", "1", ")"),
    ("select ", "((", "1", "),1)"),
    ("select ", "- ", "1", ""),
    ("select ", "~ ", "1", ""),
    ("select ", "not ", "1", ""),
    ("select ", "1+", "1", ""),
    ("select ", "1+(", "1", ")"),
    ("select ", "1 and ", "1", ""),
    ("select ", "1||", "1", ""),
    ("select 1 ", " collate binary", "", ""),
    ("select 1 ", " isnull", "", ""),
    ("select 1 ", " not null", "", ""),
    ("select ", "abs(", "1", ")"),
    ("select ", "f(1,", "1", ",2)"),
    ("select ", "count(distinct ", "1", ")"),
    ("select ", "f(1 order by ", "1", ")"),
    ("select ", "f(1) filter (where ", "1", ")"),
    ("select ", "f(1) over (order by ", "1", ")"),
    ("select ", "f(1) over (rows ", "1", " preceding)"),
    ("select ", "f(1) within group (order by ", "1", ")"),
    ("select ", "case when ", "1", " then 1 end"),
    ("select ", "case when 1 then ", "1", " end"),
    ("select ", "case ", "1", " when 1 then 2 end"),
    ("select ", "case 1 when 1 then 2 else ", "1", " end"),
    ("select ", "cast(", "1", " as int)"),
    ("select ", "raise(abort, ", "1", ")"),
    ("select ", "1 in (", "1", ")"),
    ("select ", "1 in f(", "1", ")"),
    ("select ", "1 in (select ", "1", ")"),
    ("select ", "1 between ", "1", " and 1"),
    ("select ", "1 between 1 and ", "1", ""),
    ("select ", "1 like ", "1", ""),
    ("select ", "1 like 1 escape ", "1", ""),
    ("select ", "(select ", "1", ")"),
    ("select ", "exists(select ", "1", ")"),
    ("select * from ", "(select * from ", "t", ")"),
    ("select * from ", "(", "t", ")"),
    ("select * from ", "(t join ", "t", ")"),
    ("select * from ", "f((select * from ", "t", "))"),
    ("", "with x as (", "select 1", ") select 1"),
    ("", "with x as (with y as (select 1) select 1), z as (", "select 1", ") select 1"),
    ("select 1 ", " union select 1", "", ""),
    ("select 1 order by ", "(select 1 order by ", "1", ")"),
    ("select 1 limit ", "(select 1 limit ", "1", ")"),
    ("values(1", "),(1", ")", ""),
    ("insert into t select ", "(select ", "1", ")"),
    ("create table t(a default (", "(", "1", ")"),
    ("create table t(a check (", "f(", "1", ")"),
    ("create virtual table t using f(", "(", "1", ")"),
    ("create trigger x after insert on t begin select ", "(select ", "1", ")"),
    ("explain ", "explain ", "select 1", ""),
    ("", ";", "select 1", ""),
    ("select 1 ", "/*", "", "*/"),
    ("select ", "[", "a", "]"),
    ("attach ", "(", "1", ")"),
];

#[test]
fn nesting_ends_in_an_error_or_a_tree() {
    on_a_small_stack(|| {
        for (start, open, core, close) in NESTS {
            for n in [
                1, 10, 40, 60, 90, 63, 64, 98, 99, 100, 101, 300, 500, 900, 998, 999, 1000, 1001, 2400, 2500, 10_000,
                60_000,
            ] {
                let sql = format!("{start}{}{core}{}", open.repeat(n), close.repeat(n));
                drop(parse(sql.as_bytes()));
            }
        }
    });
}

#[test]
fn a_million_parentheses_are_an_error() {
    on_a_small_stack(|| {
        let sql = format!("select {}", "(".repeat(1_000_000));
        assert_eq!(parse(sql.as_bytes()).unwrap_err().message, "Recursion limit");
    });
}

#[test]
fn a_tall_tree_is_dropped() {
    on_a_small_stack(|| {
        for (open, close) in [("abs(", ")"), ("- ", ""), ("1+(", ")"), ("case when 1 then ", " end"), ("1 in (", ")")] {
            let n = if open == "1 in (" { 499 } else { 900 };
            let sql = format!("select {}1{}", open.repeat(n), close.repeat(n));
            drop(parse(sql.as_bytes()).unwrap_or_else(|e| panic!("{open}: {e}")));
        }
    });
}

//! Printing and parsing are inverse: what is printed parses to an equal tree, and prints the same again.

use turso_parser::ast::{Expr, ResultColumn, SelectCore, Statement};
use turso_parser::{parse, parse_all};

#[track_caller]
fn check_round_trip(sql: &str) {
    let first = parse(sql.as_bytes()).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let Some(statement) = first.statement else { return };
    let printed = statement.to_sql();
    let text = String::from_utf8_lossy(&printed);
    let second = parse(&printed).unwrap_or_else(|e| panic!("{sql}\nprinted as {text}: {e}"));
    assert_eq!(second.statement.as_ref(), Some(&statement), "{sql}\nprinted as {text}");
    assert_eq!(second.parameters, first.parameters, "{sql}\nprinted as {text}");
    assert_eq!(second.statement.unwrap().to_sql(), printed);
}

#[test]
fn everything_accepted_survives() {
    let verdicts = include_str!("data/verdicts.txt");
    let lines: Vec<&str> = verdicts.lines().collect();
    let mut count = 0;
    for pair in lines.chunks(2) {
        if pair[1].trim() == "OK" {
            check_round_trip(&pair[0].replace("\\n", "\n").replace("\\0", "\0"));
            count += 1;
        }
    }
    assert!(count > 300, "{count}");
}

#[test]
fn the_long_ones_survive() {
    for sql in include_str!("data/extensions.txt").lines() {
        check_round_trip(sql);
    }
}

#[test]
fn bytes_that_are_no_text_survive_in_strings() {
    let sql = b"select 'a\xff''\x80', x'80'";
    let statement = parse(sql).unwrap().statement.unwrap();
    assert_eq!(statement.to_sql(), b"SELECT 'a\xff''\x80', x'80'");
}

#[track_caller]
fn check_print(sql: &str, expected: &str) {
    assert_eq!(parse(sql.as_bytes()).unwrap().statement.unwrap().to_string(), expected);
}

#[test]
fn parentheses_come_back_only_where_needed() {
    check_print("select ((a)) + ((b * c)), (a + b) * c", "SELECT a + b * c, (a + b) * c");
    check_print("select not (a and b), (not a) and b", "SELECT NOT (a AND b), NOT a AND b");
    check_print("select - -1, -(-1), -a || b", "SELECT -(-1), -(-1), -a || b");
    check_print("select (a, b) = (1, 2), (select 1)", "SELECT (a, b) = (1, 2), (SELECT 1)");
    check_print("select * from t limit 1, 2", "SELECT * FROM t LIMIT 2 OFFSET 1");
}

/// The tree with every operator in parentheses.
fn shape(expr: &Expr) -> String {
    match expr {
        Expr::Binary { op, left, right } => format!("({} {op:?} {})", shape(left), shape(right)),
        Expr::Unary { op, expr } => format!("({op:?} {})", shape(expr)),
        Expr::IsNull { expr, not } => format!("({} {})", shape(expr), if *not { "NotNull" } else { "IsNull" }),
        Expr::Collate { expr, collation } => format!("({} Collate {})", shape(expr), collation.text),
        Expr::Between(b) => format!("({} Between {} {})", shape(&b.expr), shape(&b.low), shape(&b.high)),
        Expr::Like(l) => format!("({} {:?} {})", shape(&l.expr), l.op, shape(&l.pattern)),
        other => other.to_string(),
    }
}

#[track_caller]
fn check_shape(expr: &str, expected: &str) {
    let Some(Statement::Select(select)) = parse(format!("select {expr}").as_bytes()).unwrap().statement else {
        panic!("not a query")
    };
    let SelectCore::Query(query) = &select.body.first else { panic!("not a SELECT") };
    let ResultColumn::Expr { expr: tree, .. } = &query.columns[0] else { panic!("no expression") };
    assert_eq!(shape(tree), expected, "{expr}");
}

#[test]
fn operators_bind_as_documented() {
    check_shape("a or b and c", "(a Or (b And c))");
    check_shape("not a = b", "(Not (a Equal b))");
    check_shape("not a and b", "((Not a) And b)");
    check_shape("a = b < c", "(a Equal (b Less c))");
    check_shape("a < b = c", "((a Less b) Equal c)");
    check_shape("a + b * c - d", "((a Add (b Multiply c)) Subtract d)");
    check_shape("a | b + c << d", "((a BitOr (b Add c)) ShiftLeft d)");
    check_shape("a * b || c", "(a Multiply (b Concat c))");
    check_shape("a -> b ->> c || d", "(((a Arrow b) DoubleArrow c) Concat d)");
    check_shape("- a || b", "((Minus a) Concat b)");
    check_shape("- a collate c", "((Minus a) Collate c)");
    check_shape("a || b collate c", "(a Concat (b Collate c))");
    check_shape("~ a + b", "((BitNot a) Add b)");
    check_shape("a is not null and b", "((a NotNull) And b)");
    check_shape("a = b is null", "((a Equal b) IsNull)");
    check_shape("a + b isnull", "((a Add b) IsNull)");
    check_shape("not a isnull", "(Not (a IsNull))");
    check_shape("a between b and c and d", "((a Between b c) And d)");
    check_shape("a between b and c = d", "((a Between b c) Equal d)");
    check_shape("a between not b and c", "(a Between (Not b) c)");
    check_shape("a like b < c", "(a Like (b Less c))");
    check_shape("a like b = c", "((a Like b) Equal c)");
    check_shape("a = not b and c", "((a Equal (Not b)) And c)");
    check_shape("a = not b = c", "(a Equal (Not (b Equal c)))");
    check_shape("a + not b", "(a Add (Not b))");
    check_shape("a is not b", "(a IsNot b)");
    check_shape("a is not distinct from b", "(a Is b)");
    check_shape("a is distinct from b", "(a IsNot b)");
    check_shape("a not like b not null", "((a Like b) NotNull)");
}

#[test]
fn definitions_keep_their_text() {
    let sql = b"create  temp table if not exists main . [t x] ( a ,b ) strict ; select 1";
    let parsed = parse(sql).unwrap();
    let Some(Statement::CreateTable(table)) = parsed.statement else { panic!("not a table") };
    assert_eq!(table.definition.of(sql), b"[t x] ( a ,b ) strict ");
    assert_eq!(parsed.span.of(sql), &sql[..sql.len() - 11]);
    let sql = b"select  a+ 1 , (b) c from t";
    let Some(Statement::Select(select)) = parse(sql).unwrap().statement else { panic!("not a query") };
    let SelectCore::Query(query) = &select.body.first else { panic!("not a SELECT") };
    let texts: Vec<&[u8]> = query
        .columns
        .iter()
        .map(|c| if let ResultColumn::Expr { span, .. } = c { span.of(sql) } else { b"" })
        .collect();
    assert_eq!(texts, [b"a+ 1".as_slice(), b"(b)"]);
}

#[test]
fn a_script_parses_as_a_whole() {
    assert_eq!(parse_all(b"begin; select 1; ; commit -- done").unwrap().len(), 3);
    let error = parse_all(b"begin; selec 1").unwrap_err();
    assert_eq!((error.offset, error.message.as_str()), (Some(7), "near \"selec\": syntax error"));
}

#[track_caller]
fn check_stored(sql: &str, expected: &str) {
    let text = match parse(sql.as_bytes()).unwrap().statement.unwrap() {
        Statement::CreateTable(table) => table.definition,
        Statement::CreateIndex(index) => index.definition,
        Statement::CreateView(view) => view.definition,
        Statement::CreateTrigger(trigger) => trigger.definition,
        Statement::CreateVirtualTable(table) => table.definition,
        other => panic!("{other}"),
    };
    assert_eq!(String::from_utf8_lossy(text.of(sql.as_bytes())), expected, "{sql}");
}

/// Expected: the tail of what SQLite stores in `sqlite_schema`.
#[test]
fn stored_texts_end_where_sqlites_do() {
    check_stored("create table t(a) /* x */ ;", "t(a)");
    check_stored("create table t(a) without /*q*/ rowid /*e*/; select 1", "t(a) without /*q*/ rowid /*e*/");
    check_stored("create unique index main . i on [t x](a) where a>1 ;", "i on [t x](a) where a>1 ");
    check_stored("create index i on t(a)  -- foo", "i on t(a)  -- foo");
    check_stored("create view v as  select 1 /*c*/ ;", "v as  select 1 /*c*/");
    check_stored(
        "create trigger main . x after insert on t begin select 1; end /*a*/;",
        "x after insert on t begin select 1; end",
    );
    check_stored("create virtual table v using fts4(a , b) /*x*/;", "v using fts4(a , b)");
}

#[test]
fn declared_types_are_those_of_table_info() {
    let sql = "create table t(a \"int\" , b [Real], c 'text'  z, d \"a\"\"b\" c(1), e INTEGER , f Any, g int generated always as (1), h)";
    let Some(Statement::CreateTable(table)) = parse(sql.as_bytes()).unwrap().statement else { panic!("not a table") };
    let turso_parser::ast::CreateTableBody::Columns { columns, .. } = table.body else { panic!("no columns") };
    let types: Vec<String> = columns.iter().map(|c| c.type_name.declared().into_owned()).collect();
    assert_eq!(types, ["INT", "REAL", "text", "a\"b", "INTEGER", "ANY", "INT", ""]);
}

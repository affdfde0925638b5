//! Two answers or two databases: equal, or a text that says where they differ.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use turso_core::Value;

use crate::engine::{Answer, Engine, line};

/// What an answer is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The rows must come in the same order.
    Kept,
    /// The rows are sorted before they are compared.
    Free,
}

/// Where two answers differ; `None` when they do not. `ours` first.
pub fn difference(ours: &Answer, stock: &Answer, order: Order) -> Option<String> {
    if ours.error != stock.error {
        let show = |e: &Option<(String, i32)>| match e {
            Some((text, code)) => format!("error {code}: {text}"),
            None => "no error".to_owned(),
        };
        return Some(format!("ours: {}\n  sqlite: {}", show(&ours.error), show(&stock.error)));
    }
    if ours.error.is_none() && ours.names != stock.names {
        return Some(format!("column names\n  ours: {:?}\n  sqlite: {:?}", ours.names, stock.names));
    }
    if ours.error.is_none() && ours.types != stock.types {
        return Some(format!("declared types\n  ours: {:?}\n  sqlite: {:?}", ours.types, stock.types));
    }
    if ours.error.is_some() && order == Order::Free {
        // How many rows come before an error depends on the order of the rows.
        return None;
    }
    if same_rows(&ours.rows, &stock.rows) {
        return None;
    }
    let (mut a, mut b) = (ours.lines(), stock.lines());
    if order == Order::Free {
        a.sort();
        b.sort();
    }
    if a == b {
        return None;
    }
    let at = a.iter().zip(&b).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
    let show = |rows: &[String]| rows.get(at).map_or("(no row)".to_owned(), |r| r.chars().take(300).collect());
    Some(format!(
        "{} and {} rows, first difference in row {at}\n  ours: {}\n  sqlite: {}",
        a.len(),
        b.len(),
        show(&a),
        show(&b)
    ))
}

fn same_rows(a: &[Vec<Value>], b: &[Vec<Value>]) -> bool {
    let same_row =
        |x: &Vec<Value>, y: &Vec<Value>| x.len() == y.len() && x.iter().zip(y).all(|(v, w)| v.is_identical(w));
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same_row(x, y))
}

/// Run a statement on both engines and say where the answers differ.
pub fn both(ours: &mut dyn Engine, stock: &mut dyn Engine, sql: &str, order: Order) -> Option<String> {
    difference(&ours.run(sql), &stock.run(sql), order).map(|d| format!("{sql}\n  {}", d.replace('\n', "\n  ")))
}

/// A statement that ours does not support yet and says so: what it is, without running it on the other engine.
pub fn gap(answer: &Answer) -> Option<String> {
    let (text, _) = answer.error.as_ref()?;
    text.contains("not supported yet").then(|| text.clone())
}

/// As [`both`], but a statement that ours does not support yet is noted in `gaps` and runs on neither.
pub fn both_supported(
    ours: &mut dyn Engine,
    stock: &mut dyn Engine,
    sql: &str,
    order: Order,
    gaps: &mut BTreeMap<String, usize>,
) -> Option<String> {
    let answer = ours.run(sql);
    if let Some(text) = gap(&answer) {
        *gaps.entry(text).or_default() += 1;
        return None;
    }
    difference(&answer, &stock.run(sql), order).map(|d| format!("{sql}\n  {}", d.replace('\n', "\n  ")))
}

/// Everything in a database that SQL can see: schema and the rows of all tables, as lines.
pub fn contents(engine: &mut dyn Engine) -> Vec<String> {
    let mut lines = Vec::new();
    let schema = engine.run(
        // sqlite_stat4 is there or not as SQLite was compiled.
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name <> 'sqlite_stat4' ORDER BY type, name",
    );
    if let Some((text, _)) = &schema.error {
        return vec![format!("schema: {text}")];
    }
    lines.extend(schema.lines());
    for row in &schema.rows {
        let (Some(Value::Text(kind)), Some(Value::Text(name))) = (row.first(), row.get(1)) else { continue };
        if kind != b"table" {
            continue;
        }
        let name = String::from_utf8_lossy(name).replace('"', "\"\"");
        let answer = engine.run(&format!("SELECT * FROM \"{name}\""));
        if let Some((text, _)) = &answer.error {
            lines.push(format!("{name}: {text}"));
        }
        let mut rows: Vec<String> = answer.rows.iter().map(|r| format!("{name}: {}", line(r))).collect();
        rows.sort();
        lines.append(&mut rows);
    }
    lines
}

/// The first line in which two lists differ.
pub fn first_difference(ours: &[String], stock: &[String]) -> Option<String> {
    let at = ours
        .iter()
        .zip(stock)
        .position(|(a, b)| a != b)
        .or((ours.len() != stock.len()).then(|| ours.len().min(stock.len())))?;
    let show = |l: &[String]| l.get(at).map_or("(nothing)".to_owned(), |s| s.chars().take(400).collect());
    Some(format!(
        "{} and {} lines, line {at}\n  ours: {}\n  sqlite: {}",
        ours.len(),
        stock.len(),
        show(ours),
        show(stock)
    ))
}

/// `.dump` of a file by the `sqlite3` shell; `None` when there is no such shell.
pub fn dump(path: &Path) -> Option<String> {
    let output = Command::new("sqlite3").arg(path).arg(".dump").output().ok()?;
    assert!(output.status.success(), "sqlite3 {} .dump: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Failures gathered and shown together, so that one run shows all causes.
#[derive(Debug, Default)]
pub struct Report {
    /// Texts of the failures.
    pub failures: Vec<String>,
    /// How much was checked.
    pub checked: usize,
    /// Statements that ours says it does not support yet.
    pub gaps: BTreeMap<String, usize>,
}

impl Report {
    /// Count a check; keep the failure if there is one.
    pub fn check(&mut self, failure: Option<String>) {
        self.checked += 1;
        self.failures.extend(failure);
    }

    /// Fail the test if anything failed.
    pub fn finish(self, what: &str) {
        for (text, times) in &self.gaps {
            println!("{what}: not compared, {times} times: {text}");
        }
        println!("{what}: {} checked, {} failed", self.checked, self.failures.len());
        if !self.failures.is_empty() {
            let shown: Vec<&str> = self.failures.iter().take(40).map(String::as_str).collect();
            panic!("{what}: {} of {} failed\n{}", self.failures.len(), self.checked, shown.join("\n----\n"));
        }
    }
}

//! Two answers to one statement: the same, the same but for a choice that SQL leaves open, or different.

use integration::Answer;
use integration::engine::{line, literal};
use turso_core::Value;

use crate::generate::{Order, Step};

/// What a comparison comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Equal to the last bit.
    Same,
    /// Only another one of equal values stands for them, where that is open.
    OtherTwin,
    /// Different.
    Different(Kind, String),
}

/// In what two engines differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The error, or that there is one: what ours says and what SQLite says.
    Error(String, String),
    /// The rows.
    Rows,
    /// The order of the rows.
    Order,
    /// Names of columns.
    Names,
    /// Declared types of columns.
    Types,
    /// `changes()`, `total_changes()`, `last_insert_rowid()` or the autocommit state.
    Counters,
    /// What is in the database after the script.
    Content,
    /// An integrity check.
    Integrity,
    /// What one engine finds in the file that the other wrote.
    Exchange,
    /// We panicked.
    Panic,
    /// We took far longer than SQLite.
    Slow,
    /// A query and its rewritten form disagree within our engine.
    Logic,
}

/// Compare the answers to a step, ours first.
pub fn compare(ours: &Answer, stock: &Answer, step: &Step) -> Verdict {
    if ours.error != stock.error {
        let show = |e: &Option<(String, i32)>| e.as_ref().map_or("no error".to_owned(), |(t, c)| format!("{c} {t}"));
        let (a, b) = (show(&ours.error), show(&stock.error));
        let mut text = format!("  ours:   {a}\n  sqlite: {b}");
        if ours.error.is_none() || stock.error.is_none() {
            text += &format!("\n  rows of ours: {}\n  rows of sqlite: {}", some_rows(ours), some_rows(stock));
        }
        return Verdict::Different(Kind::Error(a, b), text);
    }
    if step.unseen {
        return Verdict::Same;
    }
    if ours.error.is_none() {
        if ours.names != stock.names {
            return Verdict::Different(Kind::Names, format!("  ours:   {:?}\n  sqlite: {:?}", ours.names, stock.names));
        }
        if ours.types != stock.types {
            return Verdict::Different(Kind::Types, format!("  ours:   {:?}\n  sqlite: {:?}", ours.types, stock.types));
        }
    } else if step.order != Order::Kept {
        // How many rows come before an error depends on the order of the rows.
        return Verdict::Same;
    }
    if ours.rows.len() == stock.rows.len() && ours.rows.iter().zip(&stock.rows).all(|(a, b)| same_row(a, b)) {
        return Verdict::Same;
    }
    compare_rows(ours, stock, step)
}

fn compare_rows(ours: &Answer, stock: &Answer, step: &Step) -> Verdict {
    let arranged = |answer: &Answer, loose: bool| arrange(&answer.rows, &step.order, loose);
    if arranged(ours, false) == arranged(stock, false) {
        return Verdict::Same;
    }
    if step.loose && arranged(ours, true) == arranged(stock, true) {
        return Verdict::OtherTwin;
    }
    let bag = |answer: &Answer| arrange(&answer.rows, &Order::Free, step.loose);
    let kind = if bag(ours) == bag(stock) { Kind::Order } else { Kind::Rows };
    Verdict::Different(kind, format!("  ours:   {}\n  sqlite: {}", some_rows(ours), some_rows(stock)))
}

/// Rows as lines in an order that two right answers share.
fn arrange(rows: &[Vec<Value>], order: &Order, loose: bool) -> Vec<String> {
    let show = |row: &Vec<Value>| if loose { blurred_line(row) } else { line(row) };
    match order {
        Order::Kept => rows.iter().map(show).collect(),
        Order::Free => {
            let mut lines: Vec<String> = rows.iter().map(show).collect();
            lines.sort();
            lines
        }
        Order::By(columns) => {
            let key = |row: &Vec<Value>| -> String {
                columns.iter().map(|&c| row.get(c).map_or(String::new(), blurred)).collect::<Vec<_>>().join("|")
            };
            let mut lines = Vec::with_capacity(rows.len());
            let mut from = 0;
            while from < rows.len() {
                let first = key(&rows[from]);
                let count = rows[from..].iter().take_while(|row| key(row) == first).count();
                let mut run: Vec<String> = rows[from..from + count].iter().map(show).collect();
                run.sort();
                lines.append(&mut run);
                from += count;
            }
            lines
        }
    }
}

/// A row as a line that is the same for rows that some comparison of SQL finds equal.
pub fn blurred_line(row: &[Value]) -> String {
    row.iter().map(blurred).collect::<Vec<_>>().join("|")
}

/// The same for values that some comparison of SQL finds equal.
fn blurred(value: &Value) -> String {
    match value {
        Value::Real(r) if r.fract() == 0.0 && r.abs() < 9e18 => (*r as i64).to_string(),
        Value::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
            format!("'{}'", text.trim_end_matches(' '))
        }
        other => literal(other),
    }
}

fn same_row(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.is_identical(y))
}

fn some_rows(answer: &Answer) -> String {
    let shown: Vec<String> = answer.rows.iter().take(12).map(|row| line(row)).collect();
    let more = if answer.rows.len() > 12 { " …" } else { "" };
    let text: String = shown.join(" / ").chars().take(900).collect();
    format!("({}) {text}{more}", answer.rows.len())
}

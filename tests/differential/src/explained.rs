//! Differences that have a reason to stay, each with it: as few as possible.

use integration::Answer;
use integration::engine::literal;
use turso_core::Value;

use crate::generate::Step;

/// A rule: what it is about, and whether it applies.
type Rule = (&'static str, fn(&Step, &Answer, &Answer) -> bool);

const RULES: &[Rule] = &[(
    "RETURNING passes an integral REAL through functions and operators as INTEGER in SQLite",
    |step, ours, stock| {
        step.sql.contains(" RETURNING ")
            && ours.error.is_none()
            && stock.error.is_none()
            && same_numbers(&ours.rows, &stock.rows)
    },
)];

/// The same rows as bags, when a number may be of either type.
fn same_numbers(ours: &[Vec<Value>], stock: &[Vec<Value>]) -> bool {
    let lines = |rows: &[Vec<Value>]| {
        let number = |v: &Value| match v {
            Value::Integer(i) => literal(&Value::Real(*i as f64)),
            // -0.0 is stored as 0.
            Value::Real(r) => literal(&Value::Real(*r + 0.0)),
            other => literal(other),
        };
        let mut lines: Vec<String> =
            rows.iter().map(|row| row.iter().map(number).collect::<Vec<_>>().join("|")).collect();
        lines.sort();
        lines
    };
    lines(ours) == lines(stock)
}

/// The reason why the answers to a step may differ, if there is one.
pub fn reason(step: &Step, ours: &Answer, stock: &Answer) -> Option<&'static str> {
    RULES.iter().find(|(_, applies)| applies(step, ours, stock)).map(|(reason, _)| *reason)
}

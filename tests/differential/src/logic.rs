//! Queries against rewritten forms of themselves, on this engine alone: what must agree whatever SQLite says.
//!
//! Ternary logic partitioning: the rows of a query are those where a condition is true, those where it is false, and those
//! where it is NULL. No-optimisation comparison: a condition in WHERE, where indexes and rewrites serve it, takes as many rows as
//! the same condition computed for every row.

use integration::engine::line;
use integration::{Engine, Ours};

use crate::compare::Kind;
use crate::generate::{Abilities, Generator};
use crate::run::{Difference, Place, caught};

/// Counts of a run.
#[derive(Default)]
pub struct Checked {
    /// Conditions checked.
    pub queries: u64,
    /// Queries that failed, whose condition says nothing.
    pub failed: u64,
    /// Conditions that were true for some row.
    pub with_rows: u64,
}

/// Check so many conditions on the schema of a seed.
pub fn script(seed: u64, conditions: usize, checked: &mut Checked) -> Option<Difference> {
    let mut generator = Generator::new(seed, 0, Abilities { math: true, percentile: true });
    let mut ours = Ours::memory();
    let mut steps = Vec::new();
    while let Some(step) = generator.next_step() {
        ours.run(&step.sql);
        steps.push(step);
    }
    for _ in 0..conditions {
        let (from, condition, output) = generator.partition();
        checked.queries += 1;
        let difference = match caught(|| compare(&mut ours, &from, &condition, &output, checked)) {
            Ok(None) => continue,
            Ok(Some(text)) => (Kind::Logic, text),
            Err(panic) => (Kind::Panic, panic),
        };
        let (kind, text) = difference;
        return Some(Difference { seed, place: Place::Memory, kind, text, steps });
    }
    None
}

/// Where the forms of a query disagree.
fn compare(ours: &mut Ours, from: &str, condition: &str, output: &str, checked: &mut Checked) -> Option<String> {
    let mut lines = |filter: &str| -> Option<Vec<String>> {
        let answer = ours.run(&format!("SELECT {output} FROM {from}{filter}"));
        let mut lines: Vec<String> = answer.rows.iter().map(|row| line(row)).collect();
        lines.sort();
        answer.error.is_none().then_some(lines)
    };
    let forms = (
        lines(""),
        lines(&format!(" WHERE {condition}")),
        lines(&format!(" WHERE NOT ({condition})")),
        lines(&format!(" WHERE ({condition}) IS NULL")),
    );
    let (Some(all), Some(yes), Some(no), Some(unknown)) = forms else {
        checked.failed += 1;
        return None;
    };
    checked.with_rows += u64::from(!yes.is_empty());
    let mut parts: Vec<String> = yes.iter().chain(&no).chain(&unknown).cloned().collect();
    parts.sort();
    let query = format!("SELECT {output} FROM {from} WHERE {condition}");
    if parts != all {
        let (y, n, u) = (yes.len(), no.len(), unknown.len());
        return Some(format!("{query}\n  {} rows, of which {y} true, {n} false, {u} NULL", all.len()));
    }
    let answer = ours.run(&format!("SELECT count(*) FILTER (WHERE ({condition}) IS TRUE) FROM {from}"));
    let counted = answer.rows.first().map(|row| line(row));
    if answer.error.is_none() && counted != Some(yes.len().to_string()) {
        return Some(format!("{query}\n  {} rows, counted row by row: {counted:?}", yes.len()));
    }
    let grouped =
        ours.run(&format!("SELECT sum(c) FROM (SELECT count(*) AS c FROM {from} WHERE {condition} GROUP BY 1 = 1)"));
    let counted = grouped.rows.first().map(|row| line(row));
    if grouped.error.is_none() && !yes.is_empty() && counted != Some(yes.len().to_string()) {
        return Some(format!("{query}\n  {} rows, counted in a group: {counted:?}", yes.len()));
    }
    None
}

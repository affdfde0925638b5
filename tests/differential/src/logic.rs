//! Queries against rewritten forms of themselves, on this engine alone: what must agree whatever SQLite says.
//!
//! [`Rewriting::Partitioned`], ternary logic partitioning: a condition is true, false or NULL for each row and for each group, so
//! what a query gives is put together from what its three parts give. That holds for plain rows, for DISTINCT, for groups,
//! for aggregates over everything or by group, and for groups under HAVING.
//!
//! [`Rewriting::Plain`], no-optimisation comparison: a condition in WHERE, ON or HAVING, where indexes and rewrites serve it,
//! takes as many rows as there are for which the same condition, computed as a result, is true.

use integration::engine::line;
use integration::{Answer, Engine, Ours};
use turso_core::Value;

use crate::compare::{Kind, blurred_line};
use crate::generate::{Abilities, Generator, Partition, Step};
use crate::run::{Difference, Place, caught};

/// How a query is written in another form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewriting {
    /// As the sum of its three parts.
    Partitioned,
    /// With its condition as a result.
    Plain,
}

/// Counts of a run.
#[derive(Default)]
pub struct Checked {
    /// Queries of ours that were run.
    pub queries: u64,
    /// Pairs of forms compared.
    pub compared: u64,
    /// Pairs of which a form failed, which says nothing.
    pub failed: u64,
    /// Pairs with rows.
    pub with_rows: u64,
}

/// Check so many conditions on the schema of a seed.
pub fn script(seed: u64, conditions: usize, rewriting: Rewriting, checked: &mut Checked) -> Option<Difference> {
    let mut generator = Generator::for_logic(seed, Abilities { math: true, percentile: true });
    let mut ours = Ours::memory();
    let mut steps = Vec::new();
    while let Some(step) = generator.next_step() {
        ours.run(&step.sql);
        steps.push(step);
    }
    for _ in 0..conditions {
        let partition = generator.partition();
        for (query, rewritten) in forms(&partition, rewriting) {
            let (kind, text) = match caught(|| agree(&mut ours, &query, &rewritten, checked)) {
                Ok(None) => continue,
                Ok(Some(text)) => (Kind::Logic, text),
                Err(panic) => (Kind::Panic, panic),
            };
            steps.push(Step::query(query));
            steps.push(Step::query(rewritten));
            return Some(Difference { seed, place: Place::Memory, kind, text, steps });
        }
    }
    None
}

/// The pairs of queries that must agree.
fn forms(p: &Partition, rewriting: Rewriting) -> Vec<(String, String)> {
    match rewriting {
        Rewriting::Partitioned => partitioned(p),
        Rewriting::Plain => plain(p),
    }
}

fn partitioned(p: &Partition) -> Vec<(String, String)> {
    let Partition { from, condition, output, key, value, having } = p;
    let parts = [format!("({condition})"), format!("NOT ({condition})"), format!("({condition}) IS NULL")];
    let union = |operator: &str, list: &str, tail: &str| {
        parts
            .iter()
            .map(|part| format!("SELECT {list} FROM {from} WHERE {part}{tail}"))
            .collect::<Vec<_>>()
            .join(&format!(" {operator} "))
    };
    let groups = ["", "NOT ", "IS NULL"].map(|word| match word {
        "IS NULL" => format!("({having}) IS NULL"),
        word => format!("{word}({having})"),
    });
    let having = groups
        .iter()
        .map(|group| format!("SELECT {key}, count(*), max({value}) FROM {from} GROUP BY {key} HAVING {group}"))
        .collect::<Vec<_>>()
        .join(" UNION ALL ");
    // Sums of whole numbers: those of others depend on the order.
    let partial =
        format!("count(*) AS c, count({value}) AS n, max({value}) AS m, min({value}) AS l, sum(length({value})) AS s");
    let aggregates = format!("count(*), count({value}), max({value}), min({value}), sum(length({value}))");
    let whole = "sum(c), sum(n), max(m), min(l), sum(s)";
    vec![
        (format!("SELECT {output} FROM {from}"), union("UNION ALL", output, "")),
        (format!("SELECT DISTINCT {output} FROM {from}"), union("UNION", output, "")),
        (format!("SELECT {key} FROM {from} GROUP BY {key}"), union("UNION", key, &format!(" GROUP BY {key}"))),
        (
            format!("SELECT {aggregates} FROM {from}"),
            format!("SELECT {whole} FROM ({})", union("UNION ALL", &partial, "")),
        ),
        (
            format!("SELECT {key}, {aggregates} FROM {from} GROUP BY {key}"),
            format!(
                "SELECT k, {whole} FROM ({}) GROUP BY k",
                union("UNION ALL", &format!("{key} AS k, {partial}"), &format!(" GROUP BY {key}"))
            ),
        ),
        (format!("SELECT {key}, count(*), max({value}) FROM {from} GROUP BY {key}"), having),
    ]
}

fn plain(p: &Partition) -> Vec<(String, String)> {
    let Partition { from, condition, key, having, .. } = p;
    let counted = |flag: &str, rest: &str| {
        format!("SELECT count(*) FROM (SELECT ({flag}) IS TRUE AS f FROM {rest} LIMIT -1 OFFSET 0) WHERE f + 0")
    };
    vec![
        (
            format!("SELECT count(*) FROM {from} WHERE {condition}"),
            format!("SELECT count(*) FILTER (WHERE ({condition}) IS TRUE) FROM {from}"),
        ),
        (
            format!("SELECT count(*) FROM (SELECT {key} FROM {from} WHERE {condition} ORDER BY {key} DESC)"),
            counted(condition, from),
        ),
        (
            format!("SELECT count(*) FROM (SELECT {key} FROM {from} GROUP BY {key} HAVING {having})"),
            counted(having, &format!("{from} GROUP BY {key}")),
        ),
        (
            format!("SELECT EXISTS (SELECT 1 FROM {from} WHERE {condition})"),
            format!("SELECT coalesce(max(({condition}) IS TRUE), 0) FROM {from}"),
        ),
    ]
}

/// Where two forms of a query disagree.
fn agree(ours: &mut Ours, query: &str, rewritten: &str, checked: &mut Checked) -> Option<String> {
    let (a, b) = (ours.run(query), ours.run(rewritten));
    checked.queries += 2;
    if a.error.is_some() || b.error.is_some() {
        checked.failed += 1;
        return None;
    }
    checked.compared += 1;
    checked.with_rows +=
        u64::from(a.rows.iter().any(|row| row.iter().any(|v| !matches!(v, Value::Null | Value::Integer(0)))));
    if sorted(&a) == sorted(&b) {
        return None;
    }
    let show = |answer: &Answer| {
        let lines: Vec<String> = answer.rows.iter().take(12).map(|row| line(row)).collect();
        format!("({}) {}", answer.rows.len(), lines.join(" / "))
    };
    Some(format!("  {}\n  {}", show(&a), show(&b)))
}

/// The rows as a bag; which of several equal values stands for them is open.
fn sorted(answer: &Answer) -> Vec<String> {
    let mut lines: Vec<String> = answer.rows.iter().map(|row| blurred_line(row)).collect();
    lines.sort();
    lines
}

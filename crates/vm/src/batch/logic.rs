//! Truth values of vectors, and choices between vectors.

use turso_error::Result;

use super::vector::{INTEGER, NULL, Vector};

/// Only 1 and 0 occur, as comparisons give them. (Other integers that count as true would not do for the loops over bits.)
fn is_truth(a: &Vector, rows: usize) -> bool {
    a.is_only(INTEGER) && a.words[..rows].iter().all(|&word| word <= 1)
}

/// `out = a AND b`, or with `or` `a OR b`.
pub(crate) fn logic(or: bool, a: &Vector, b: &Vector, rows: usize, out: &mut Vector) {
    out.clear();
    if is_truth(a, rows) && is_truth(b, rows) {
        let words = a.words[..rows].iter().zip(&b.words[..rows]);
        match or {
            true => out.words.extend(words.map(|(&a, &b)| a | b)),
            false => out.words.extend(words.map(|(&a, &b)| a & b)),
        }
        out.tags.resize(rows, INTEGER);
        out.classes = INTEGER;
        return;
    }
    for row in 0..rows {
        let (a, b) = (a.get(row).truth(), b.get(row).truth());
        out.push_truth(match (a, b) {
            // What decides, whatever the other is.
            (Some(x), _) | (_, Some(x)) if x == or => Some(or),
            _ if a.is_none() || b.is_none() => None,
            _ => Some(!or),
        });
    }
}

/// `out = NOT a`.
pub(crate) fn not(a: &Vector, rows: usize, out: &mut Vector) {
    out.clear();
    if a.is_only(INTEGER) {
        out.words.extend(a.words[..rows].iter().map(|&word| u64::from(word == 0)));
        out.tags.resize(rows, INTEGER);
        out.classes = INTEGER;
        return;
    }
    for row in 0..rows {
        out.push_truth(a.get(row).truth().map(|truth| !truth));
    }
}

/// `out = a IS [NOT] TRUE/FALSE`.
pub(crate) fn is_true(a: &Vector, if_null: bool, negate: bool, rows: usize, out: &mut Vector) {
    out.clear();
    for row in 0..rows {
        out.push_truth(Some(a.get(row).truth().unwrap_or(if_null) != negate));
    }
}

/// `out = a IS [NOT] NULL`.
pub(crate) fn is_null(a: &Vector, negated: bool, rows: usize, out: &mut Vector) {
    out.clear();
    out.words.extend(a.tags[..rows].iter().map(|&tag| u64::from((tag == NULL) != negated)));
    out.tags.resize(rows, INTEGER);
    out.classes = INTEGER;
}

/// `out = condition ? then : otherwise`.
pub(crate) fn select(
    condition: &Vector,
    then: &Vector,
    otherwise: &Vector,
    rows: usize,
    out: &mut Vector,
) -> Result<()> {
    out.clear();
    let words_are_values = then.bytes.is_empty() && otherwise.bytes.is_empty();
    if words_are_values && condition.is_only(INTEGER | NULL) {
        out.classes = then.classes | otherwise.classes;
        for row in 0..rows {
            let from = if condition.words[row] != 0 { then } else { otherwise };
            out.tags.push(from.tags[row]);
            out.words.push(from.words[row]);
        }
        return Ok(());
    }
    for row in 0..rows {
        let taken = condition.get(row).truth() == Some(true);
        out.push(if taken { then.get(row) } else { otherwise.get(row) })?;
    }
    Ok(())
}

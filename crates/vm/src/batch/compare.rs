//! Comparisons of vectors: loops for integers, reals and text; all else as the row tier compares two registers.

use std::cmp::Ordering;

use turso_error::Result;
use turso_program::batch::BatchCompare;
use turso_program::expression::{CompareOp, Nulls};
use turso_value::{Affinity, Collation, TextEncoding, Value, ValueRef, compare_numbers};

use super::vector::{INTEGER, NULL, NUMBER, REAL, TEXT, Vector, first_bytes};
use crate::compare::order_operands;

/// How two vectors are compared.
#[derive(Clone, Copy)]
pub(crate) struct How<'a> {
    pub affinity: Affinity,
    pub collation: &'a Collation,
    pub encoding: TextEncoding,
    /// NULL equals NULL, and sorts first.
    pub null_equal: bool,
}

impl<'a> How<'a> {
    pub fn new(how: &'a BatchCompare, encoding: TextEncoding, null_equal: bool) -> Self {
        Self { affinity: how.affinity, collation: &how.collation, encoding, null_equal }
    }

    fn nulls(self) -> Nulls {
        if self.null_equal { Nulls::Equal } else { Nulls::Fall }
    }

    /// Equal texts are equal bytes, and text is not converted.
    fn compares_bytes(self) -> bool {
        matches!(self.affinity, Affinity::None | Affinity::Blob | Affinity::Text)
            && self.collation.is_binary()
            && self.encoding == TextEncoding::Utf8
    }
}

/// True when an order is what the operator asks for.
#[inline(always)]
fn holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
    }
}

/// `out = a op b` as 1, 0 or NULL.
pub(crate) fn compare(op: CompareOp, a: &Vector, b: &Vector, how: How<'_>, rows: usize, out: &mut Vector) {
    out.clear();
    let (a_words, b_words) = (&a.words[..rows], &b.words[..rows]);
    // Where NULLs compare as values, the loops over words do not fit.
    let plain = !how.null_equal || (a.classes | b.classes) & NULL == 0;
    macro_rules! words {
        ($x:expr, $y:expr) => {{
            macro_rules! each {
                ($holds:expr) => {
                    out.words.extend(a_words.iter().zip(b_words).map(|(&a, &b)| u64::from($holds(&$x(a), &$y(b)))))
                };
            }
            match op {
                CompareOp::Eq => each!(PartialEq::eq),
                CompareOp::Ne => each!(PartialEq::ne),
                CompareOp::Lt => each!(PartialOrd::lt),
                CompareOp::Le => each!(PartialOrd::le),
                CompareOp::Gt => each!(PartialOrd::gt),
                CompareOp::Ge => each!(PartialOrd::ge),
            }
        }};
    }
    if plain && a.is_only(INTEGER | NULL) && b.is_only(INTEGER | NULL) {
        words!(|w: u64| w as i64, |w: u64| w as i64);
    } else if plain && a.is_only(REAL | NULL) && b.is_only(REAL | NULL) {
        words!(f64::from_bits, f64::from_bits);
    } else if plain && a.is_only(NUMBER | NULL) && b.is_only(NUMBER | NULL) {
        let number = |v: &Vector, row: usize| (v.tags[row] == INTEGER, v.words[row]);
        out.words.extend((0..rows).map(|row| {
            let order = match (number(a, row), number(b, row)) {
                ((true, x), (true, y)) => (x as i64).cmp(&(y as i64)),
                ((true, x), (false, y)) => compare_numbers(x as i64, f64::from_bits(y)),
                ((false, x), (true, y)) => compare_numbers(y as i64, f64::from_bits(x)).reverse(),
                ((false, x), (false, y)) => turso_value::compare::compare_reals(f64::from_bits(x), f64::from_bits(y)),
            };
            u64::from(holds(op, order))
        }));
    } else if plain && how.compares_bytes() && a.is_only(TEXT | NULL) && b.is_only(TEXT | NULL) {
        let same = b_words.first().filter(|&first| b_words.iter().all(|word| word == first) && b.is_only(TEXT));
        let pairs = a_words.iter().zip(b_words).map(|(&x, &y)| (a.span(x), b.span(y)));
        match (same, op) {
            (Some(&same), op) => compare_to(op, a_words.iter().map(|&x| a.span(x)), b.span(same), out),
            (None, CompareOp::Eq) => out.words.extend(pairs.map(|(x, y)| u64::from(x == y))),
            (None, CompareOp::Ne) => out.words.extend(pairs.map(|(x, y)| u64::from(x != y))),
            (None, op) => out.words.extend(pairs.map(|(x, y)| u64::from(holds(op, x.cmp(y))))),
        }
    } else {
        let mut pair = Pair::default();
        for row in 0..rows {
            out.push_truth(pair.order(a.get(row), b.get(row), how).map(|order| holds(op, order)));
        }
        return;
    }
    out.classes = INTEGER;
    if (a.classes | b.classes) & NULL == 0 {
        out.tags.resize(rows, INTEGER);
        return;
    }
    out.classes |= NULL;
    for ((&x, &y), word) in a.tags[..rows].iter().zip(&b.tags[..rows]).zip(&mut out.words) {
        let null = (x | y) & NULL != 0;
        out.tags.push(if null { NULL } else { INTEGER });
        *word &= u64::from(!null);
    }
}

/// Texts compared to one text by their bytes, of which the first ones nearly always decide.
#[inline]
fn compare_to<'t>(op: CompareOp, texts: impl Iterator<Item = &'t [u8]>, to: &[u8], out: &mut Vector) {
    let start = first_bytes(to);
    let equal = |text: &[u8]| text.len() == to.len() && first_bytes(text) == start && (to.len() <= 8 || text == to);
    let order = |text: &[u8]| first_bytes(text).cmp(&start).then_with(|| text.cmp(to));
    match op {
        CompareOp::Eq => out.words.extend(texts.map(|text| u64::from(equal(text)))),
        CompareOp::Ne => out.words.extend(texts.map(|text| u64::from(!equal(text)))),
        CompareOp::Lt => out.words.extend(texts.map(|text| u64::from(order(text).is_lt()))),
        CompareOp::Le => out.words.extend(texts.map(|text| u64::from(order(text).is_le()))),
        CompareOp::Gt => out.words.extend(texts.map(|text| u64::from(order(text).is_gt()))),
        CompareOp::Ge => out.words.extend(texts.map(|text| u64::from(order(text).is_ge()))),
    }
}

/// Two operands, in buffers that serve for all rows.
#[derive(Default)]
pub(crate) struct Pair(Value, Value);

impl Pair {
    /// Their order; `None` when one is NULL and NULLs do not compare.
    pub fn order(&mut self, a: ValueRef<'_>, b: ValueRef<'_>, how: How<'_>) -> Option<Ordering> {
        self.0.assign(a);
        self.1.assign(b);
        order_operands(&self.0, &self.1, (how.affinity, how.nulls()), how.collation, how.encoding)
    }
}

/// `value [NOT] IN (list)`: NULL where it is not found and NULLs are in play.
pub(crate) fn is_in(
    value: &Vector,
    list: &[&Vector],
    how: How<'_>,
    negated: bool,
    rows: usize,
    out: &mut Vector,
) -> Result<()> {
    out.clear();
    let has_null = list.iter().any(|member| member.get(0).is_null());
    let integers: Option<Vec<i64>> = list
        .iter()
        .map(|member| match member.get(0) {
            ValueRef::Integer(i) => Some(i),
            _ => None,
        })
        .collect();
    if let Some(members) = integers.as_ref().filter(|_| value.is_only(INTEGER)) {
        out.words.extend(value.words[..rows].iter().map(|&word| {
            let mut found = false;
            for &member in members {
                found |= member == word as i64;
            }
            u64::from(found != negated)
        }));
        out.tags.resize(rows, INTEGER);
        out.classes = INTEGER;
        return Ok(());
    }
    let texts: Option<Vec<&[u8]>> = list
        .iter()
        .map(|member| match member.get(0) {
            ValueRef::Text(text) => Some(text),
            _ => None,
        })
        .collect();
    if let Some(members) = texts.as_ref().filter(|_| value.is_only(TEXT) && how.compares_bytes()) {
        out.words.extend(value.words[..rows].iter().map(|&word| {
            let text = value.span(word);
            u64::from(members.contains(&text) != negated)
        }));
        out.tags.resize(rows, INTEGER);
        out.classes = INTEGER;
        return Ok(());
    }
    let mut pair = Pair::default();
    for row in 0..rows {
        let wanted = value.get(row);
        if wanted.is_null() {
            // Nothing is in an empty list, not even NULL.
            out.push_truth(list.is_empty().then_some(negated));
            continue;
        }
        let found = list.iter().any(|member| pair.order(wanted, member.get(0), how) == Some(Ordering::Equal));
        out.push_truth(if found || !has_null { Some(found != negated) } else { None });
    }
    Ok(())
}

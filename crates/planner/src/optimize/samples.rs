//! Estimates from the entries of an index that ANALYZE has kept (`sqlite_stat4`).
//!
//! ```text
//!   index     ..........a......b....x.........c.........        a, b, c: samples, with the number of entries before each
//!   x         between b and c: as many entries are equal to x as there are on average for each value in the gap;
//!             a range begins or ends where x lies on the line from b to c; where that is not known, one that begins at x
//!             begins after a third of the gap, one that ends at x ends after two thirds
//! ```
//! All places are counted in the order of the index, where a descending column runs backwards.

use std::cmp::Ordering;
use std::sync::Arc;

use turso_schema::{Index, Sample, Schema, Statistics, Table};
use turso_value::{Collation, KeyInfo, Value, compare_in};

use super::cost::{LogEst, log_est_real};
use super::interpolate::Line;

/// The samples of one index.
#[derive(Debug, Clone)]
pub struct Samples {
    samples: Arc<Vec<Sample>>,
    key: Arc<KeyInfo>,
    rows: f64,
    /// Average number of entries with the same first columns.
    per_prefix: Vec<u64>,
}

/// Where a key lies in an index.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    before: f64,
    equal: f64,
}

/// One end of a range over the column behind the columns that are fixed.
#[derive(Debug, Clone, Copy)]
pub struct End<'v> {
    /// The value.
    pub value: &'v Value,
    /// Rows with the value itself belong to the range.
    pub inclusive: bool,
}

impl Samples {
    /// Those of an index; `None` where there are none, or comparing them would call the application.
    pub fn of(schema: &Schema, table: &Table, index: &Index, statistics: &Statistics) -> Option<Self> {
        if statistics.samples.is_empty() {
            return None;
        }
        let key = table.shared_key_info(index, schema.encoding);
        if key.columns.iter().any(|c| matches!(c.collation, Collation::Custom(_))) {
            return None;
        }
        let samples = statistics.samples.clone();
        Some(Self { samples, key, rows: statistics.rows as f64, per_prefix: statistics.per_prefix.clone() })
    }

    /// How many entries have these values in their first columns.
    pub fn equal(&self, key: &[Value]) -> Option<LogEst> {
        Some(log_est_real(self.place(key, 0.5)?.equal.max(1.0)))
    }

    /// How many entries have the values `fixed` in their first columns and lie between the ends in the next one.
    pub fn range(&self, fixed: &[Value], low: Option<End<'_>>, high: Option<End<'_>>) -> Option<LogEst> {
        let (mut from, mut to) = (0.0, self.rows);
        if !fixed.is_empty() {
            let place = self.place(fixed, 0.5)?;
            (from, to) = (place.before, place.before + place.equal);
        }
        let descending = self.key.columns.get(fixed.len())?.descending;
        let (first, last) = if descending { (high, low) } else { (low, high) };
        if let Some(end) = first {
            let place = self.end(fixed, end, 1.0 / 3.0)?;
            from = f64::max(from, if end.inclusive { place.before } else { place.before + place.equal });
        }
        if let Some(end) = last {
            let place = self.end(fixed, end, 2.0 / 3.0)?;
            to = f64::min(to, if end.inclusive { place.before + place.equal } else { place.before });
        }
        // A range that seems to be empty may have got rows since.
        Some(log_est_real((to - from).max(2.0)))
    }

    /// Which part of the entries lies between the ends in a column, whatever stands before it; 1 for all. The samples are taken
    /// for a cross-section.
    pub fn part(&self, column: usize, low: Option<End<'_>>, high: Option<End<'_>>) -> Option<f64> {
        /// Fewer say nothing.
        const FEWEST: usize = 8;
        let collation = &self.key.columns.get(column)?.collation;
        let within = |value: &Value| {
            let order = |end: &End<'_>| compare_in(value.as_ref(), end.value.as_ref(), collation, self.key.encoding);
            let above = low.is_none_or(|end| order(&end).is_gt() || end.inclusive && order(&end).is_eq());
            let below = high.is_none_or(|end| order(&end).is_lt() || end.inclusive && order(&end).is_eq());
            above && below && !value.is_null()
        };
        let values = self.samples.iter().filter_map(|s| s.values.get(column));
        let (count, inside) = (values.clone().count(), values.filter(|value| within(value)).count());
        // None of the samples may still be one of many entries.
        (count >= FEWEST).then(|| inside.max(1) as f64 / count as f64)
    }

    fn end(&self, fixed: &[Value], end: End<'_>, part: f64) -> Option<Place> {
        let mut key = fixed.to_vec();
        key.push(end.value.clone());
        self.place(&key, part)
    }

    /// `part` of the gap in which a key lies comes before it, if nothing better is known.
    fn place(&self, key: &[Value], part: f64) -> Option<Place> {
        let level = key.len().checked_sub(1)?;
        if self.samples.iter().any(|s| s.values.len() <= level) {
            return None;
        }
        let at = self.samples.partition_point(|s| self.order(s, key) == Ordering::Less);
        if let Some(sample) = self.samples.get(at).filter(|s| self.order(s, key) == Ordering::Equal) {
            return Some(Place { before: sample.before[level] as f64, equal: sample.equal[level] as f64 });
        }
        let (from, known) = match at.checked_sub(1).and_then(|below| self.samples.get(below)) {
            Some(s) => (s.before[level] as f64 + s.equal[level] as f64, s.distinct_before[level] as f64 + 1.0),
            None => (0.0, 0.0),
        };
        let (to, values) = match self.samples.get(at) {
            Some(s) => (s.before[level] as f64, s.distinct_before[level] as f64),
            None => (self.rows, self.rows / self.per_prefix.get(level).map_or(1.0, |n| (*n).max(1) as f64)),
        };
        let (gap, values) = ((to - from).max(0.0), (values - known).max(1.0));
        let part = self.part_of_gap(key, level, at).unwrap_or(part);
        Some(Place { before: from + gap * part, equal: (gap / values).min(gap) })
    }

    /// How far in the gap before sample `at` a key lies, by its last column.
    fn part_of_gap(&self, key: &[Value], level: usize, at: usize) -> Option<f64> {
        let value = key.get(level)?;
        let column = self.key.columns.get(level)?;
        let line = Line::through(value, self.samples.iter().filter_map(|s| s.values.get(level)), &column.collation)?;
        let sign = if column.descending { -1.0 } else { 1.0 };
        let place = |value: &Value| line.place(value).map(|place| place * sign);
        let of_sample = |at: usize| {
            let sample = self.samples.get(at)?;
            let mut before = sample.values.iter().zip(key).take(level).enumerate();
            let same = before.all(|(i, (a, b))| self.key.compare_values(i, a.as_ref(), b.as_ref()).is_eq());
            if same { place(sample.values.get(level)?) } else { None }
        };
        let (below, above) = (at.checked_sub(1).and_then(of_sample), of_sample(at));
        let (low, high) = match (below, above) {
            (Some(low), Some(high)) => (low, high),
            // Before the first sample and behind the last one values lie as close as in the gap beside.
            (None, Some(high)) if at == 0 && level == 0 => {
                let (first, second) = (self.entries_before(0)?, self.entries_before(1)?);
                (high - (of_sample(1)? - high) * first / (second - first), high)
            }
            (Some(low), None) if at == self.samples.len() && level == 0 => {
                let (first, second) = (self.entries_before(at.checked_sub(2)?)?, self.entries_before(at - 1)?);
                (low, low + (low - of_sample(at - 2)?) * (self.rows - second) / (second - first))
            }
            _ => return None,
        };
        let part = (place(value)? - low) / (high - low);
        part.is_finite().then(|| part.clamp(0.0, 1.0))
    }

    /// How many entries have a lesser value in their first column than sample `at`.
    fn entries_before(&self, at: usize) -> Option<f64> {
        Some(*self.samples.get(at)?.before.first()? as f64)
    }

    /// The order of a sample relative to a key.
    fn order(&self, sample: &Sample, key: &[Value]) -> Ordering {
        let columns = sample.values.iter().zip(key).enumerate();
        let mut orders = columns.map(|(i, (a, b))| self.key.compare_values(i, a.as_ref(), b.as_ref()));
        orders.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 entries: the values 10, 20, ... 50 twenty times each; of these 10 and 40 are samples.
    fn samples(descending: bool) -> Samples {
        let sample = |value, before, distinct| Sample {
            equal: vec![20],
            before: vec![before],
            distinct_before: vec![distinct],
            values: vec![Value::Integer(value)],
        };
        let mut list = vec![sample(10, 0, 0), sample(40, 60, 3)];
        if descending {
            list = vec![sample(40, 20, 1), sample(10, 80, 4)];
        }
        let mut key = KeyInfo::binary(1);
        key.columns[0].descending = descending;
        Samples { samples: Arc::new(list), key: Arc::new(key), rows: 100.0, per_prefix: vec![20] }
    }

    #[test]
    fn equal_values_are_counted_or_averaged_over_the_gap() {
        let equal = |value| samples(false).equal(&[Value::Integer(value)]);
        assert_eq!(equal(10), Some(log_est_real(20.0)));
        // Two values lie between the samples.
        assert_eq!(equal(20), Some(log_est_real(20.0)));
        assert_eq!(equal(60), Some(log_est_real(20.0)));
        // Nothing lies before the first sample.
        assert_eq!(equal(5), Some(0));
    }

    /// Nothing is known of what lies between two values in one gap: a third of it.
    #[test]
    fn a_range_within_a_gap_is_a_part_of_it() {
        let (low, high) = (Value::Integer(20), Value::Integer(30));
        let (low, high) = (End { value: &low, inclusive: true }, End { value: &high, inclusive: false });
        assert_eq!(samples(false).range(&[], Some(low), Some(high)), Some(log_est_real(40.0 / 3.0)));
    }

    #[test]
    fn ranges_run_from_place_to_place_in_either_direction() {
        let (ten, forty) = (Value::Integer(10), Value::Integer(40));
        for descending in [false, true] {
            let range = |low, high| samples(descending).range(&[], low, high);
            let end = |value, inclusive| Some(End { value, inclusive });
            assert_eq!(range(end(&ten, false), None), Some(log_est_real(80.0)));
            assert_eq!(range(end(&ten, true), end(&forty, false)), Some(log_est_real(60.0)));
            assert_eq!(range(end(&ten, false), end(&forty, true)), Some(log_est_real(60.0)));
            assert_eq!(range(end(&forty, false), end(&ten, false)), Some(log_est_real(2.0)));
        }
    }
}

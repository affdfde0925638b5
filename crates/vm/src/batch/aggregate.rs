//! Aggregates over batches: the states of all groups, fed by loops over vectors.
//!
//! The usual functions have states of their own here; all others are the objects that the row tier uses, fed row by row.

use turso_error::{Error, Result};
use turso_functions::aggregate::RunningSum;
use turso_functions::{Aggregate, AggregateDef, Context, Environment, Function, FunctionKind};
use turso_program::batch::BatchAggregate;
use turso_value::{Collation, KeyColumn, KeyInfo, TextEncoding, Value, ValueRef, compare, compare_in};

use super::numbering::{ColumnNumbers, PairNumbers};
use super::vector::{INTEGER, NULL, REAL, TEXT, Vector, first_bytes};

/// The states of one aggregate, by the number of the group.
pub(crate) struct States {
    function: Function,
    collation: Collation,
    kind: Kind,
    /// DISTINCT: the values seen.
    seen: Option<Seen>,
    args: Vec<Value>,
}

/// The values that an aggregate with DISTINCT has seen, and in which groups.
struct Seen {
    values: ColumnNumbers,
    in_groups: PairNumbers,
    of_rows: Vec<u32>,
}

enum Kind {
    /// `count(*)`
    Rows(Vec<i64>),
    /// `count(x)`
    Values(Vec<i64>),
    /// `sum`, `total`, `avg`
    Sums(Vec<RunningSum>, Answer),
    /// `min`, `max`
    Extremes {
        best: Vec<Value>,
        wanted: std::cmp::Ordering,
    },
    Other(Vec<Box<dyn Aggregate>>),
    /// The final values of the others.
    Done(Vec<Value>),
}

#[derive(Clone, Copy)]
enum Answer {
    Sum,
    Total,
    Average,
}

/// Which group each row of a batch belongs to.
#[derive(Clone, Copy)]
pub(crate) enum GroupOf<'a> {
    /// All rows are of the only group.
    Only,
    /// The number of the group, for each row.
    Each(&'a [u32]),
}

impl GroupOf<'_> {
    #[inline(always)]
    fn of(self, row: usize) -> usize {
        match self {
            GroupOf::Only => 0,
            GroupOf::Each(groups) => groups[row] as usize,
        }
    }
}

impl States {
    /// No groups yet. `key` says how texts compare in the database.
    pub fn new(aggregate: &BatchAggregate, key: &KeyInfo) -> Self {
        let name = &*aggregate.function.name;
        let kind = match name {
            "count" if aggregate.args.is_empty() => Kind::Rows(Vec::new()),
            "count" => Kind::Values(Vec::new()),
            "sum" => Kind::Sums(Vec::new(), Answer::Sum),
            "total" => Kind::Sums(Vec::new(), Answer::Total),
            "avg" => Kind::Sums(Vec::new(), Answer::Average),
            "min" => Kind::Extremes { best: Vec::new(), wanted: std::cmp::Ordering::Less },
            "max" => Kind::Extremes { best: Vec::new(), wanted: std::cmp::Ordering::Greater },
            _ => Kind::Other(Vec::new()),
        };
        let value = KeyColumn { collation: aggregate.collation.clone(), ..KeyColumn::default() };
        let info = KeyInfo { columns: vec![value], encoding: key.encoding };
        Self {
            function: aggregate.function.clone(),
            collation: aggregate.collation.clone(),
            kind,
            seen: aggregate.distinct.then(|| Seen {
                values: ColumnNumbers::new(&info, 0),
                in_groups: PairNumbers::default(),
                of_rows: Vec::new(),
            }),
            args: Vec::new(),
        }
    }

    /// Empty states for groups up to this number.
    pub fn grow(&mut self, groups: usize) -> Result<()> {
        match &mut self.kind {
            Kind::Rows(counts) | Kind::Values(counts) => counts.resize(groups, 0),
            Kind::Sums(sums, _) => sums.resize(groups, RunningSum::default()),
            Kind::Extremes { best, .. } => best.resize(groups, Value::Null),
            Kind::Other(states) => {
                let FunctionKind::Aggregate(def @ AggregateDef::BuiltIn(_)) = &self.function.kind else {
                    return Err(Error::sql("not an aggregate of batches"));
                };
                states.resize_with(groups, || def.create());
            }
            Kind::Done(_) => {}
        }
        Ok(())
    }

    /// The rows of `args` in which the value is new in its group.
    pub fn distinct_rows(&mut self, args: &Vector, groups: GroupOf<'_>, rows: &mut Vec<u32>) -> Result<bool> {
        let Some(seen) = &mut self.seen else { return Ok(false) };
        rows.clear();
        let mut next = seen.values.count();
        seen.values.number(args, args.len(), &mut seen.of_rows)?;
        for (row, &value) in seen.of_rows.iter().enumerate() {
            let new = match groups {
                GroupOf::Only => value == next,
                GroupOf::Each(groups) => {
                    next = seen.in_groups.count();
                    seen.in_groups.number(groups[row], value) == next
                }
            };
            if new {
                next += 1;
                rows.push(row as u32);
            }
        }
        Ok(true)
    }

    /// Take in the rows of a batch.
    pub fn step(
        &mut self,
        args: &[&Vector],
        groups: GroupOf<'_>,
        rows: usize,
        environment: &dyn Environment,
    ) -> Result<()> {
        let first = args.first().copied();
        match (&mut self.kind, first) {
            (Kind::Rows(counts), _) => match groups {
                GroupOf::Only => counts.iter_mut().take(1).for_each(|count| *count += rows as i64),
                GroupOf::Each(groups) => groups[..rows].iter().for_each(|&group| counts[group as usize] += 1),
            },
            (Kind::Values(counts), Some(arg)) => {
                for (row, &tag) in arg.tags[..rows].iter().enumerate() {
                    counts[groups.of(row)] += i64::from(tag != NULL);
                }
            }
            (Kind::Sums(sums, _), Some(arg)) => step_sums(sums, arg, groups, rows),
            (Kind::Extremes { best, wanted }, Some(arg)) => {
                let how = (&self.collation, environment.encoding());
                step_extremes(best, *wanted, arg, groups, rows, how);
            }
            (Kind::Other(states), _) => {
                self.args.resize(args.len(), Value::Null);
                let mut unused = Value::Null;
                for row in 0..rows {
                    for (value, arg) in self.args.iter_mut().zip(args) {
                        value.assign(arg.get(row));
                    }
                    let mut ctx = Context::new(&mut unused, environment);
                    ctx.collation = &self.collation;
                    states[groups.of(row)].step(&mut ctx, &self.args)?;
                }
            }
            (Kind::Done(_), _) | (_, None) => return Err(Error::sql("an aggregate of batches lacks its argument")),
        }
        Ok(())
    }

    /// All rows have come. Fails where some group's value is an error: no value has been given out then.
    pub fn finish(&mut self, environment: &dyn Environment) -> Result<()> {
        match &mut self.kind {
            Kind::Sums(sums, Answer::Sum) => sums.iter().try_for_each(|sum| sum.sum().map(drop)),
            Kind::Other(states) => {
                let mut values = Vec::with_capacity(states.len());
                for state in states {
                    let mut value = Value::Null;
                    let mut ctx = Context::new(&mut value, environment);
                    ctx.collation = &self.collation;
                    state.finalize(&mut ctx)?;
                    values.push(value);
                }
                self.kind = Kind::Done(values);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The value of a group.
    pub fn value(&mut self, group: usize, dest: &mut Value) -> Result<()> {
        match &mut self.kind {
            Kind::Rows(counts) | Kind::Values(counts) => dest.set_integer(counts[group]),
            Kind::Sums(sums, answer) => {
                *dest = match answer {
                    Answer::Sum => sums[group].sum()?,
                    Answer::Total => sums[group].total(),
                    Answer::Average => sums[group].average(),
                }
            }
            Kind::Extremes { best: values, .. } | Kind::Done(values) => dest.assign(values[group].as_ref()),
            Kind::Other(_) => return Err(Error::sql("aggregates of batches are not finished")),
        }
        Ok(())
    }

    /// About how many bytes of memory the states take.
    pub fn memory(&self) -> usize {
        let states = match &self.kind {
            Kind::Rows(counts) | Kind::Values(counts) => counts.capacity() * size_of::<i64>(),
            Kind::Sums(sums, _) => sums.capacity() * size_of::<RunningSum>(),
            Kind::Extremes { best: values, .. } | Kind::Done(values) => values.capacity() * (size_of::<Value>() + 16),
            // (What an object keeps is its own affair; most keep little.)
            Kind::Other(states) => states.capacity() * 128,
        };
        states + self.seen.as_ref().map_or(0, |seen| seen.values.memory() + seen.in_groups.memory())
    }
}

fn step_sums(sums: &mut [RunningSum], arg: &Vector, groups: GroupOf<'_>, rows: usize) {
    let words = &arg.words[..rows];
    match groups {
        GroupOf::Only => {
            let Some(sum) = sums.first_mut() else { return };
            if arg.is_only(INTEGER) {
                sum.add_integers(words.iter().map(|&word| word as i64));
            } else if arg.is_only(REAL) {
                sum.add_reals(words.iter().map(|&word| f64::from_bits(word)));
            } else {
                (0..rows).for_each(|row| add_to(sum, arg, row));
            }
        }
        GroupOf::Each(groups) => {
            let pairs = groups[..rows].iter().zip(words);
            if arg.is_only(INTEGER) {
                pairs.for_each(|(&group, &word)| sums[group as usize].add_integer_value(word as i64));
            } else if arg.is_only(REAL) {
                pairs.for_each(|(&group, &word)| sums[group as usize].add_real_value(f64::from_bits(word)));
            } else {
                (0..rows).for_each(|row| add_to(&mut sums[groups[row] as usize], arg, row));
            }
        }
    }
}

/// Adds the value of a row, whatever it is.
#[inline(always)]
fn add_to(sum: &mut RunningSum, arg: &Vector, row: usize) {
    match (arg.tags[row], arg.words[row]) {
        (INTEGER, word) => sum.add_integer_value(word as i64),
        (REAL, word) => sum.add_real_value(f64::from_bits(word)),
        (NULL, _) => {}
        _ => sum.add(arg.get(row)),
    }
}

fn step_extremes(
    best: &mut [Value],
    wanted: std::cmp::Ordering,
    arg: &Vector,
    groups: GroupOf<'_>,
    rows: usize,
    (collation, encoding): (&Collation, TextEncoding),
) {
    if let (GroupOf::Only, true, Some(best)) = (groups, arg.is_only(INTEGER), best.first_mut()) {
        let integers = arg.words[..rows].iter().map(|&word| word as i64);
        let extreme = if wanted.is_lt() { integers.min() } else { integers.max() };
        if let Some(i) = extreme
            && (best.is_null() || compare(Value::Integer(i).as_ref(), best.as_ref(), collation) == wanted)
        {
            best.set_integer(i);
        }
        return;
    }
    let plain_text = collation.is_binary() && encoding == TextEncoding::Utf8;
    if let (GroupOf::Only, true, Some(best)) = (groups, plain_text && arg.is_only(TEXT | NULL), best.first_mut()) {
        if let Some(text) = extreme_text(arg, wanted, rows) {
            let text = ValueRef::Text(text);
            if best.is_null() || compare(text, best.as_ref(), collation) == wanted {
                best.assign(text);
            }
        }
        return;
    }
    if let (GroupOf::Only, true, Some(best)) = (groups, arg.is_only(REAL), best.first_mut()) {
        let reals = arg.words[..rows].iter().map(|&word| f64::from_bits(word));
        // (NaN does not occur; of both zeros the first one stays.)
        let extreme = match wanted.is_lt() {
            true => reals.reduce(|best, r| if r < best { r } else { best }),
            false => reals.reduce(|best, r| if r > best { r } else { best }),
        };
        if let Some(r) = extreme
            && (best.is_null() || compare(Value::Real(r).as_ref(), best.as_ref(), collation) == wanted)
        {
            best.set_real(r);
        }
        return;
    }
    for row in 0..rows {
        let value = arg.get(row);
        if value.is_null() {
            continue;
        }
        let best = &mut best[groups.of(row)];
        if best.is_null() || compare_in(value, best.as_ref(), collation, encoding) == wanted {
            best.assign(value);
        }
    }
}

/// The first of the least, or of the greatest, texts of a vector that has nothing else but NULLs, compared by their bytes.
fn extreme_text(arg: &Vector, wanted: std::cmp::Ordering, rows: usize) -> Option<&[u8]> {
    let mut texts =
        arg.tags[..rows].iter().zip(&arg.words).filter(|(tag, _)| **tag == TEXT).map(|(_, &word)| arg.span(word));
    let mut best = texts.next()?;
    let mut start = first_bytes(best);
    for text in texts {
        let first = first_bytes(text);
        // Nearly all are told by their first bytes.
        if first.cmp(&start).then_with(|| text.cmp(best)) == wanted {
            (best, start) = (text, first);
        }
    }
    Some(best)
}

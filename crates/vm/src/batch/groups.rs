//! Rows folded into groups, and the groups in the order of their keys.

use turso_error::{Error, Result, ResultCode};
use turso_functions::Environment;
use turso_program::batch::BatchGroups;
use turso_value::{Value, ValueRef};

use super::aggregate::{GroupOf, States};
use super::hash::IntegerTable;
use super::rows::sorted;
use super::vector::{INTEGER, Vector};
use crate::keyset::{KeySet, whole};

/// See the module's header.
pub(crate) struct Groups {
    plan: BatchGroups,
    /// Single keys that are integers (or equal to one), and all others.
    integers: IntegerTable,
    others: KeySet,
    /// For each key of `others` the number of its group.
    numbers: Vec<u32>,
    /// The keys of the groups as their first rows have them, one after the other.
    keys: Vec<Value>,
    states: Vec<States>,
    /// Columns of the groups' first rows.
    first: Vec<Value>,
    count: usize,
    /// The group of each row of the batch in hand.
    of_rows: Vec<u32>,
    picked: Vec<u32>,
    scratch: Vec<Vector>,
    picked_groups: Vec<u32>,
    /// Groups in the order in which they are given out, and the next one.
    order: Vec<u32>,
    at: usize,
}

impl Groups {
    /// No rows yet.
    pub fn new(plan: &BatchGroups) -> Result<Self> {
        let mut groups = Self {
            integers: IntegerTable::default(),
            others: KeySet::new(plan.order.clone(), None),
            numbers: Vec::new(),
            keys: Vec::new(),
            states: plan.aggregates.iter().map(|aggregate| States::new(aggregate, &plan.order)).collect(),
            first: Vec::new(),
            count: 0,
            of_rows: Vec::new(),
            picked: Vec::new(),
            scratch: Vec::new(),
            picked_groups: Vec::new(),
            order: Vec::new(),
            at: 0,
            plan: plan.clone(),
        };
        if groups.plan.keys.is_empty() {
            groups.grow(1)?;
            groups.first.resize(groups.plan.first.len(), Value::Null);
        }
        Ok(groups)
    }

    fn grow(&mut self, count: usize) -> Result<()> {
        self.count = count;
        self.states.iter_mut().try_for_each(|states| states.grow(count))
    }

    /// Take in a batch.
    pub fn add(&mut self, slots: &[Vector], rows: usize, environment: &dyn Environment) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let before = self.count;
        if !self.plan.keys.is_empty() {
            self.number_rows(slots, rows)?;
            if self.count > before {
                self.grow(self.count)?;
            }
        } else if self.at == 0 {
            // The first batch: `at` has no other use until the groups are sorted.
            self.at = 1;
            for (value, slot) in self.first.iter_mut().zip(&self.plan.first) {
                value.assign(slots[slot.index()].get(0));
            }
        }
        for i in 0..self.plan.aggregates.len() {
            self.step(i, slots, rows, environment)?;
        }
        Ok(())
    }

    /// Finds the group of each row; new ones get the next numbers.
    fn number_rows(&mut self, slots: &[Vector], rows: usize) -> Result<()> {
        self.of_rows.clear();
        if let [slot] = &*self.plan.keys {
            let vector = &slots[slot.index()];
            if vector.is_only(INTEGER) {
                for row in 0..rows {
                    let (number, new) = self.integers.number(vector.words[row] as i64, self.count as u32);
                    self.of_rows.push(number);
                    if new {
                        self.begin_group(slots, row)?;
                    }
                }
                return Ok(());
            }
            for row in 0..rows {
                let integer = match vector.get(row) {
                    ValueRef::Integer(i) => Some(i),
                    ValueRef::Real(r) => whole(r),
                    _ => None,
                };
                let (number, new) = match integer {
                    Some(i) => self.integers.number(i, self.count as u32),
                    None => self.number_other(slots, row)?,
                };
                self.of_rows.push(number);
                if new {
                    self.begin_group(slots, row)?;
                }
            }
            return Ok(());
        }
        for row in 0..rows {
            let (number, new) = self.number_other(slots, row)?;
            self.of_rows.push(number);
            if new {
                self.begin_group(slots, row)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn number_other(&mut self, slots: &[Vector], row: usize) -> Result<(u32, bool)> {
        let key = self.plan.keys.iter().map(|slot| slots[slot.index()].get(row));
        let (index, new) = self.others.number_of(key)?;
        if new {
            self.numbers.push(self.count as u32);
        }
        let number = self.numbers.get(index).copied().unwrap_or(0);
        Ok((number, new))
    }

    /// Keeps what the first row of a new group decides.
    fn begin_group(&mut self, slots: &[Vector], row: usize) -> Result<()> {
        if self.count >= u32::MAX as usize - 1 {
            return Err(Error::from_code(ResultCode::NOMEM));
        }
        self.count += 1;
        self.keys.extend(self.plan.keys.iter().map(|slot| slots[slot.index()].get(row).to_owned()));
        self.first.extend(self.plan.first.iter().map(|slot| slots[slot.index()].get(row).to_owned()));
        Ok(())
    }

    /// Feeds one aggregate.
    fn step(&mut self, i: usize, slots: &[Vector], rows: usize, environment: &dyn Environment) -> Result<()> {
        let (Some(aggregate), Some(states)) = (self.plan.aggregates.get(i), self.states.get_mut(i)) else {
            return Ok(());
        };
        let grouped = !self.plan.keys.is_empty();
        let groups = if grouped { GroupOf::Each(&self.of_rows) } else { GroupOf::Only };
        let args: Vec<&Vector> = aggregate.args.iter().map(|slot| &slots[slot.index()]).collect();
        if aggregate.filter.is_none() && !aggregate.distinct {
            return states.step(&args, groups, rows, environment);
        }
        // The rows that count are picked out: first by the filter, then by DISTINCT.
        match aggregate.filter {
            Some(filter) => slots[filter.index()].true_rows(rows, &mut self.picked),
            None => {
                self.picked.clear();
                self.picked.extend(0..rows as u32);
            }
        }
        let mut picked = Picked::new(&mut self.scratch, &mut self.picked_groups, &args, groups, &self.picked)?;
        if let [arg] = &*picked.args
            && states.distinct_rows(arg, picked.groups(grouped), &mut self.picked)?
        {
            picked.keep(&self.picked);
        }
        let rows = picked.rows;
        let args: Vec<&Vector> = picked.args.iter().collect();
        let groups = if grouped { GroupOf::Each(picked.of_rows) } else { GroupOf::Only };
        states.step(&args, groups, rows, environment)
    }

    /// All rows have come: sort the groups. Fails where the value of some group is an error.
    pub fn finish(&mut self, environment: &dyn Environment) -> Result<()> {
        self.states.iter_mut().try_for_each(|states| states.finish(environment))?;
        self.at = 0;
        self.order = (0..self.count as u32).collect();
        let width = self.plan.keys.len();
        if width == 0 || !self.plan.sorted {
            return Ok(());
        }
        let mut keys = vec![Vector::default(); width];
        for (i, key) in self.keys.iter().enumerate() {
            keys[i % width].push(key.as_ref())?;
        }
        self.order = sorted(&keys, &self.plan.order, self.count);
        Ok(())
    }

    /// The next group; false when there is none.
    pub fn next(&mut self, dest: &mut [Value]) -> Result<bool> {
        let Some(&group) = self.order.get(self.at) else { return Ok(false) };
        let group = group as usize;
        self.at += 1;
        let (keys, states, first) = (self.plan.keys.len(), self.states.len(), self.plan.first.len());
        for (i, dest) in dest.iter_mut().enumerate() {
            if i < keys {
                dest.assign(self.keys[group * keys + i].as_ref());
            } else if i < keys + states {
                self.states[i - keys].value(group, dest)?;
            } else if i < keys + states + first {
                dest.assign(self.first[group * first + i - keys - states].as_ref());
            }
        }
        Ok(true)
    }

    /// About how many bytes of memory the groups take.
    pub fn memory(&self) -> usize {
        let values = (self.keys.capacity() + self.first.capacity()) * (size_of::<Value>() + 16);
        let states: usize = self.states.iter().map(States::memory).sum();
        values + states + self.others.memory() + self.integers.memory() + self.numbers.capacity() * 4
    }
}

/// The arguments of an aggregate in the rows that count.
struct Picked<'a> {
    args: &'a mut [Vector],
    of_rows: &'a mut Vec<u32>,
    rows: usize,
}

impl<'a> Picked<'a> {
    fn new(
        scratch: &'a mut Vec<Vector>,
        of_rows: &'a mut Vec<u32>,
        args: &[&Vector],
        groups: GroupOf<'_>,
        rows: &[u32],
    ) -> Result<Self> {
        scratch.resize_with(args.len().max(scratch.len()), Vector::default);
        for (to, from) in scratch.iter_mut().zip(args) {
            to.clear();
            to.gather(from, rows)?;
        }
        of_rows.clear();
        if let GroupOf::Each(groups) = groups {
            of_rows.extend(rows.iter().map(|&row| groups[row as usize]));
        }
        Ok(Self { args: &mut scratch[..args.len()], of_rows, rows: rows.len() })
    }

    fn groups(&self, grouped: bool) -> GroupOf<'_> {
        if grouped { GroupOf::Each(self.of_rows) } else { GroupOf::Only }
    }

    fn keep(&mut self, rows: &[u32]) {
        self.args.iter_mut().for_each(|arg| arg.keep(rows));
        if !self.of_rows.is_empty() {
            for (to, &from) in rows.iter().enumerate() {
                self.of_rows[to] = self.of_rows[from as usize];
            }
            self.of_rows.truncate(rows.len());
        }
        self.rows = rows.len();
    }
}

//! Rows folded into groups, and the groups in the order of their keys.

use turso_error::Result;
use turso_functions::Environment;
use turso_program::batch::BatchGroups;
use turso_value::Value;

use super::aggregate::{GroupOf, States};
use super::numbering::KeyNumbers;
use super::order::sorted;
use super::vector::Vector;

/// See the module's header.
pub(crate) struct Groups {
    plan: BatchGroups,
    numbers: KeyNumbers,
    /// The keys of the groups as their first rows have them.
    keys: Vec<Vector>,
    states: Vec<States>,
    /// Columns of the groups' first rows.
    first: Vec<Vector>,
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
            numbers: KeyNumbers::new(&plan.order, plan.keys.len()),
            keys: vec![Vector::default(); plan.keys.len()],
            states: plan.aggregates.iter().map(|aggregate| States::new(aggregate, &plan.order)).collect(),
            first: vec![Vector::default(); plan.first.len()],
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
        if !self.plan.keys.is_empty() {
            self.number_rows(slots, rows)?;
        } else if self.first.first().is_some_and(|first| first.len() == 0) {
            self.keep_first(slots, 0)?;
        }
        for i in 0..self.plan.aggregates.len() {
            self.step(i, slots, rows, environment)?;
        }
        Ok(())
    }

    /// Finds the group of each row; new ones get the next numbers.
    fn number_rows(&mut self, slots: &[Vector], rows: usize) -> Result<()> {
        let keys: Vec<&Vector> = self.plan.keys.iter().map(|slot| &slots[slot.index()]).collect();
        self.numbers.number(&keys, rows, &mut self.of_rows)?;
        let (before, count) = (self.count, self.numbers.count() as usize);
        if count == before {
            return Ok(());
        }
        let mut next = before as u32;
        for row in 0..rows {
            if self.of_rows[row] == next {
                next += 1;
                for (kept, key) in self.keys.iter_mut().zip(&keys) {
                    kept.push(key.get(row))?;
                }
                self.keep_first(slots, row)?;
            }
        }
        self.grow(count)
    }

    /// Keeps what the first row of a new group decides.
    fn keep_first(&mut self, slots: &[Vector], row: usize) -> Result<()> {
        self.first.iter_mut().zip(&self.plan.first).try_for_each(|(kept, slot)| kept.push(slots[slot.index()].get(row)))
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
        if !self.plan.keys.is_empty() && self.plan.sorted {
            self.order = sorted(&self.keys, &self.plan.order, self.count);
        }
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
                dest.assign(self.keys[i].get(group));
            } else if i < keys + states {
                self.states[i - keys].value(group, dest)?;
            } else if i < keys + states + first {
                dest.assign(self.first[i - keys - states].get(group));
            }
        }
        Ok(true)
    }

    /// About how many bytes of memory the groups take.
    pub fn memory(&self) -> usize {
        let values: usize = self.keys.iter().chain(&self.first).map(Vector::memory).sum();
        let states: usize = self.states.iter().map(States::memory).sum();
        // (Sorting the groups takes as much again for their keys.)
        values + states + self.numbers.memory() + self.count * 24
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

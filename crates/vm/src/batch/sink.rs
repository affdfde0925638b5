//! What takes the rows of a pipeline in, and gives out others.

use turso_error::Result;
use turso_functions::Environment;
use turso_program::batch::{BatchSink, Slot};
use turso_value::Value;

use super::groups::Groups;
use super::rows::Rows;
use super::vector::Vector;
use crate::registers::Registers;

/// See the module's header.
pub(crate) enum Sink {
    Groups(Box<Groups>),
    Rows(Box<Rows>),
    /// How many rows the batch in hand has left: their values stay where they were computed.
    Stream(usize),
}

impl Sink {
    /// Nothing taken in yet. Limits are read now.
    pub fn new(plan: &BatchSink, registers: &Registers) -> Result<Self> {
        Ok(match plan {
            BatchSink::Groups(groups) => Sink::Groups(Box::new(Groups::new(groups)?)),
            BatchSink::Rows(rows) => {
                let keep = rows.keep.and_then(|reg| usize::try_from(registers.integer(reg)).ok());
                Sink::Rows(Box::new(Rows::new(rows, keep.filter(|keep| *keep > 0))))
            }
            BatchSink::Stream(_) => Sink::Stream(0),
        })
    }

    /// Take in the rows of a batch.
    pub fn add(&mut self, slots: &[Vector], rows: usize, environment: &dyn Environment) -> Result<()> {
        match self {
            Sink::Groups(groups) => groups.add(slots, rows, environment),
            Sink::Rows(kept) => kept.add(slots, rows),
            Sink::Stream(found) => {
                *found = rows;
                Ok(())
            }
        }
    }

    /// The numbers of the rows that may still be among those given out; their keys are known.
    pub fn contenders(&self, slots: &[Vector], rows: usize, picked: &mut Vec<u32>) {
        picked.clear();
        picked.extend(0..rows as u32);
        if let Sink::Rows(kept) = self {
            kept.pick_contenders(slots, rows, picked);
        }
    }

    /// Rows whose first key, from this slot, is more than this number need not be taken in.
    pub fn last_real(&self, slot: Slot) -> Option<f64> {
        match self {
            Sink::Rows(rows) => rows.last_real(slot),
            Sink::Groups(_) | Sink::Stream(_) => None,
        }
    }

    /// No further row can change anything.
    pub fn is_full(&self) -> bool {
        match self {
            Sink::Groups(_) | Sink::Stream(_) => false,
            Sink::Rows(rows) => rows.is_full(),
        }
    }

    /// All rows have come. Fails where what would be given out holds an error.
    pub fn finish(&mut self, environment: &dyn Environment) -> Result<()> {
        match self {
            Sink::Groups(groups) => groups.finish(environment),
            Sink::Rows(rows) => {
                rows.finish();
                Ok(())
            }
            Sink::Stream(_) => Ok(()),
        }
    }

    /// ORDER BY is done here.
    pub fn sorts(&self) -> bool {
        matches!(self, Sink::Rows(rows) if rows.sorts())
    }

    /// The next row of the result; false when there is none.
    pub fn next(&mut self, dest: &mut [Value]) -> Result<bool> {
        match self {
            Sink::Groups(groups) => groups.next(dest),
            Sink::Rows(rows) => Ok(rows.next(dest)),
            Sink::Stream(_) => Ok(false),
        }
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        match self {
            Sink::Groups(groups) => groups.memory(),
            Sink::Rows(rows) => rows.memory(),
            Sink::Stream(_) => 0,
        }
    }
}

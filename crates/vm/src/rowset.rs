//! Sets of rowids: collected in any order, taken out in ascending order or asked for membership.
//!
//! Beyond the memory that the connection's temporary space has left, what is to be taken out becomes sorted runs in a file,
//! which are merged as they are read; what is asked for membership is a set of keys, which has a tree for such times.

use std::sync::Arc;

use turso_error::Result;
use turso_program::sorter::{RowSetAdd, RowSetRead, RowSetTest};
use turso_program::{Program, Reg};
use turso_storage::TempSpace;
use turso_value::{KeyInfo, RecordReader, Value, ValueRef};

use crate::dispatch::{Exec, Flow};
use crate::frame::{Frame, Object};
use crate::keyset::KeySet;
use crate::run::{Run, internal};
use crate::share::Share;
use crate::sorter::External;
use crate::{Host, Vm};

/// See the module's header.
pub(crate) struct RowSet {
    /// To be taken out. Sorted in descending order, without duplicates, once `sorted`.
    rows: Vec<i64>,
    sorted: bool,
    share: Share,
    /// What had no room in memory: records of one integer.
    external: Option<Box<External>>,
    /// The external rows that are read, while that is done.
    reading: Option<Reading>,
    /// One integer.
    key: Arc<KeyInfo>,
    /// Everything that a test has added.
    tested: Option<KeySet>,
}

/// Reading of rows that are in files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Going to the first one.
    First,
    /// Going on behind the row given out last.
    Behind(i64),
    /// There are no more.
    End,
}

impl RowSet {
    fn new(space: Option<Arc<TempSpace>>) -> Self {
        Self {
            rows: Vec::new(),
            sorted: false,
            share: Share::new(space),
            external: None,
            reading: None,
            key: Arc::new(KeyInfo::binary(1)),
            tested: None,
        }
    }

    /// Empty, with its buffers. May be pending.
    fn clear<H: Host>(&mut self, run: &mut Run, host: &mut H) -> Result<()> {
        if let Some(tested) = &mut self.tested {
            tested.empty(run, host)?;
        }
        if self.share.has_claimed() {
            self.rows = Vec::new();
            self.share.give_back();
        }
        self.rows.clear();
        self.sorted = false;
        self.external = None;
        self.reading = None;
        Ok(())
    }

    #[inline]
    fn add(&mut self, rowid: i64) -> Result<()> {
        if self.rows.len() == self.rows.capacity() && !self.has_room_to_grow() {
            self.write_run()?;
        }
        self.rows.push(rowid);
        self.sorted = false;
        Ok(())
    }

    /// The list may become twice as long.
    #[cold]
    fn has_room_to_grow(&mut self) -> bool {
        let bytes = self.rows.capacity() * 2 * size_of::<i64>();
        self.share.holds(bytes) || self.share.grow(bytes)
    }

    /// Moves what is in memory to the file.
    #[cold]
    fn write_run(&mut self) -> Result<()> {
        let external = match &mut self.external {
            Some(external) => external,
            slot => {
                let Some(space) = self.share.space() else { return Ok(()) };
                slot.insert(Box::new(External::new(space.clone())?))
            }
        };
        self.rows.sort_unstable();
        self.rows.dedup();
        external.write_run(self.rows.iter().map(|rowid| record_of(*rowid)))?;
        self.rows.clear();
        Ok(())
    }

    /// May be pending.
    #[inline]
    fn take_smallest(&mut self) -> Result<Option<i64>> {
        if self.external.is_some() {
            return self.take_smallest_external();
        }
        if !self.sorted {
            self.rows.sort_unstable_by(|a, b| b.cmp(a));
            self.rows.dedup();
            self.sorted = true;
        }
        Ok(self.rows.pop())
    }

    #[cold]
    fn take_smallest_external(&mut self) -> Result<Option<i64>> {
        if self.reading.is_none() {
            self.write_run()?;
            self.reading = Some(Reading::First);
        }
        let Some(external) = &mut self.external else { return Ok(None) };
        loop {
            let there = match self.reading {
                Some(Reading::First) => external.rewind(&self.key)?,
                Some(Reading::Behind(_)) => external.next(&self.key)?,
                Some(Reading::End) | None => false,
            };
            if !there {
                self.reading = Some(Reading::End);
                return Ok(None);
            }
            let record = external.record().unwrap_or(&[]);
            let Some(ValueRef::Integer(rowid)) = RecordReader::new(record)?.next_value()? else {
                return Err(internal("row set holds no rowid"));
            };
            // The same rowid may be in several runs.
            let again = self.reading == Some(Reading::Behind(rowid));
            self.reading = Some(Reading::Behind(rowid));
            if !again {
                return Ok(Some(rowid));
            }
        }
    }
}

/// A record of one integer, of eight bytes whatever its value.
fn record_of(rowid: i64) -> [u8; 10] {
    let [a, b, c, d, e, f, g, h] = rowid.to_be_bytes();
    [2, 6, a, b, c, d, e, f, g, h]
}

/// The row set in a register, made or emptied where the register holds none. May be pending.
#[inline]
fn row_set<'a, H: Host>(frame: &'a mut Frame, run: &mut Run, host: &mut H, set: Reg) -> Result<&'a mut RowSet> {
    if !Object::is_marked(frame.registers.get(set)) {
        match frame.object(set) {
            Object::RowSet(rows) => rows.clear(run, host)?,
            object => *object = Object::RowSet(Box::new(RowSet::new(host.temporary_space()))),
        }
        frame.mark_object(set);
    }
    match frame.object(set) {
        Object::RowSet(rows) => Ok(rows),
        _ => Err(internal("register holds no row set")),
    }
}

impl Exec for RowSetAdd {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let rowid = vm.frame.registers.integer(self.rowid);
        row_set(&mut vm.frame, &mut vm.run, host, self.set)?.add(rowid)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for RowSetRead {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let rows = row_set(&mut vm.frame, &mut vm.run, host, self.set)?;
        match rows.take_smallest()? {
            Some(rowid) => {
                vm.frame.registers.set_integer(self.dest, rowid);
                Ok(Flow::NEXT)
            }
            None => {
                rows.clear(&mut vm.run, host)?;
                *vm.frame.registers.get_mut(self.set) = Value::Null;
                Ok(Flow::jump(self.empty))
            }
        }
    }
}

impl Exec for RowSetTest {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let rowid = Value::Integer(vm.frame.registers.integer(self.rowid));
        let rows = row_set(&mut vm.frame, &mut vm.run, host, self.set)?;
        let (key, space) = (&rows.key, rows.share.space());
        let tested = rows.tested.get_or_insert_with(|| KeySet::new(key.clone(), space.cloned()));
        let new = tested.add_anywhere(std::slice::from_ref(&rowid), &mut vm.run, host)?;
        Flow::jump_if(!new, self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use turso_error::Error;
    use turso_io::{Io, MemoryIo, PendingIo};

    #[test]
    fn rows_beyond_the_budget_come_out_in_order_and_once() {
        let memory: Arc<dyn Io> = Arc::new(MemoryIo::new());
        for io in [memory.clone(), Arc::new(PendingIo::new(memory))] {
            let space = TempSpace::new(Some(io), 0);
            let mut rows = RowSet::new(Some(space.clone()));
            // 100,003 is prime: every number below it comes once in each of the three rounds.
            for i in 0..300_009_i64 {
                rows.add(i * 7919 % 100_003 - 50_000).unwrap();
            }
            let mut next = -50_000;
            loop {
                match rows.take_smallest() {
                    Ok(Some(rowid)) => assert_eq!(rowid, next),
                    Ok(None) => break,
                    Err(Error::Pending) => {
                        space.wait_blocking().unwrap();
                        continue;
                    }
                    Err(error) => panic!("{error}"),
                }
                next += 1;
            }
            assert_eq!((next, space.files_made()), (50_003, 1));
        }
    }
}

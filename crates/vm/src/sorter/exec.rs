//! The instructions on sorters.

use std::cmp::Ordering;
use std::sync::Arc;

use turso_error::Result;
use turso_program::sorter::*;
use turso_program::{CursorId, Program};
use turso_value::key::compare_records;
use turso_value::{RecordReader, ValueRef};

use super::Sorter;
use crate::cursors::Cursor;
use crate::dispatch::{Exec, Flow};
use crate::run::internal;
use crate::{Host, Vm};

#[inline]
fn sorter(cursors: &mut [Cursor], id: CursorId) -> Result<&mut Sorter> {
    match &mut cursors[id.index()] {
        Cursor::Sorter(sorter) => Ok(sorter),
        _ => Err(internal("cursor is not a sorter")),
    }
}

impl Exec for SorterOpen {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let keep = self.keep.map_or(0, |reg| vm.frame.registers.integer(reg));
        let keep = usize::try_from(keep).unwrap_or(0);
        match &mut vm.frame.cursors[self.cursor.index()] {
            Cursor::Sorter(sorter) if Arc::ptr_eq(sorter.key(), &self.key) => sorter.reopen(keep),
            slot => *slot = Cursor::Sorter(Box::new(Sorter::new(self.key.clone(), keep, host.temporary_space()))),
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for SorterInsert {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let Some(record) = vm.frame.registers.get(self.record).bytes() else {
            return Err(internal("register holds no record"));
        };
        sorter(&mut vm.frame.cursors, self.cursor)?.insert(record)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for SorterAdd {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let sorter = sorter(&mut vm.frame.cursors, self.cursor)?;
        let (values, run) = (vm.frame.registers.block(self.values), &mut vm.run);
        sorter.insert_values(values, run.encoding, host.limits().length, &mut run.encoder)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for SorterMisses {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let sorter = sorter(&mut vm.frame.cursors, self.cursor)?;
        Flow::jump_if(sorter.misses(vm.frame.registers.block(self.key))?, self.target)
    }
}

impl Exec for SorterSort {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let found = sorter(&mut vm.frame.cursors, self.cursor)?.sort()?;
        vm.run.counters.sorts += 1;
        Flow::jump_if(!found, self.empty)
    }
}

impl Exec for SorterNext {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        Flow::jump_if(sorter(&mut vm.frame.cursors, self.cursor)?.next()?, self.target)
    }
}

impl Exec for SorterData {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let sorter = sorter(&mut vm.frame.cursors, self.cursor)?;
        vm.frame.registers.get_mut(self.dest).set_blob(sorter.record()?);
        Ok(Flow::NEXT)
    }
}

impl Exec for SorterCompare {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let sorter = sorter(&mut vm.frame.cursors, self.cursor)?;
        let Some(record) = vm.frame.registers.get(self.record).bytes() else {
            return Err(internal("register holds no record"));
        };
        let (current, columns) = (sorter.record()?, self.key_columns as usize);
        let differs = any_null(current, columns)?
            || any_null(record, columns)?
            || compare_records(record, current, sorter.key(), columns)? != Ordering::Equal;
        Flow::jump_if(differs, self.differs)
    }
}

/// True when one of the first columns is NULL: such keys are never equal (UNIQUE).
fn any_null(record: &[u8], columns: usize) -> Result<bool> {
    let mut reader = RecordReader::new(record)?;
    for _ in 0..columns {
        match reader.next_value()? {
            Some(ValueRef::Null) => return Ok(true),
            Some(_) => {}
            None => return Ok(false),
        }
    }
    Ok(false)
}

//! Sets of rowids: collected in any order, taken out in ascending order or asked for membership.

use std::collections::HashSet;

use turso_error::Result;
use turso_program::Program;
use turso_program::sorter::{RowSetAdd, RowSetRead, RowSetTest};
use turso_value::Value;

use crate::dispatch::{Exec, Flow};
use crate::frame::Object;
use crate::run::internal;
use crate::{Host, Vm};

/// See the module's header.
#[derive(Default)]
pub(crate) struct RowSet {
    /// To be taken out. Sorted in descending order, without duplicates, once `sorted`.
    rows: Vec<i64>,
    sorted: bool,
    /// Everything that a test has added.
    tested: HashSet<i64>,
}

impl RowSet {
    /// Empty, with its buffers.
    fn clear(&mut self) {
        self.rows.clear();
        self.sorted = false;
        self.tested.clear();
    }

    fn add(&mut self, rowid: i64) {
        self.rows.push(rowid);
        self.sorted = false;
    }

    fn take_smallest(&mut self) -> Option<i64> {
        if !self.sorted {
            self.rows.sort_unstable_by(|a, b| b.cmp(a));
            self.rows.dedup();
            self.sorted = true;
        }
        self.rows.pop()
    }

    /// True when the rowid is in the set already; adds it otherwise.
    fn test_and_add(&mut self, rowid: i64) -> bool {
        !self.tested.insert(rowid)
    }
}

impl Vm {
    /// The row set in a register, made or emptied where the register holds none.
    #[inline]
    fn row_set(&mut self, set: turso_program::Reg) -> Result<&mut RowSet> {
        let in_use = self.frame.mark_object(set);
        let object = self.frame.object(set);
        if !in_use {
            match object {
                Object::RowSet(rows) => rows.clear(),
                _ => *object = Object::RowSet(Box::default()),
            }
        }
        match object {
            Object::RowSet(rows) => Ok(rows),
            _ => Err(internal("register holds no row set")),
        }
    }
}

impl Exec for RowSetAdd {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let rowid = vm.frame.registers.integer(self.rowid);
        vm.row_set(self.set)?.add(rowid);
        Ok(Flow::NEXT)
    }
}

impl Exec for RowSetRead {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        match vm.row_set(self.set)?.take_smallest() {
            Some(rowid) => {
                vm.frame.registers.set_integer(self.dest, rowid);
                Ok(Flow::NEXT)
            }
            None => {
                *vm.frame.registers.get_mut(self.set) = Value::Null;
                Ok(Flow::jump(self.empty))
            }
        }
    }
}

impl Exec for RowSetTest {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let rowid = vm.frame.registers.integer(self.rowid);
        Flow::jump_if(vm.row_set(self.set)?.test_and_add(rowid), self.target)
    }
}

//! Moving cursors step by step, and the facts about where they stand.

use turso_error::Result;
use turso_program::cursor::*;
use turso_program::{Addr, CursorId, Program};

use super::{Cursor, Status, Store, tree_and_pager};
use crate::dispatch::{Exec, Flow};
use crate::run::internal;
use crate::{Host, Vm};

/// Which way a cursor goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    First,
    Last,
    Next,
    Prev,
}

impl Vm {
    /// Moves a cursor; true when it is on a row afterwards.
    #[inline(always)]
    fn walk<H: Host>(&mut self, host: &mut H, cursor: CursorId, way: Way) -> Result<bool> {
        if let Cursor::Tree(tree) = &mut self.frame.cursors[cursor.index()] {
            if tree.parked {
                return Err(internal("cursor is not open"));
            }
            let pager = tree.store.pager(host, &mut self.run)?;
            let found = match way {
                Way::First => {
                    tree.scanning = u64::from(matches!(tree.store, Store::Db(_)));
                    tree.btree.first(pager)?
                }
                Way::Last => tree.btree.last(pager)?,
                // After NullRow there is nothing to go on from.
                _ if tree.status == Status::NullRow => false,
                Way::Next => tree.btree.next(pager)?,
                Way::Prev => tree.btree.prev(pager)?,
            };
            if found {
                // Still, or again, on a row: `status` says so already for all but the first step.
                tree.arrived(pager.change_epoch());
                if way == Way::Next {
                    self.run.counters.fullscan_steps += tree.scanning;
                }
                return Ok(true);
            }
            tree.moved(false, pager.change_epoch());
            return Ok(false);
        }
        self.walk_other(cursor, way)
    }

    #[inline(never)]
    fn walk_other(&mut self, cursor: CursorId, way: Way) -> Result<bool> {
        match &mut self.frame.cursors[cursor.index()] {
            Cursor::Sorter(sorter) => match way {
                Way::First => sorter.sort(),
                Way::Next => sorter.next(),
                _ => Err(internal("a sorter runs forward only")),
            },
            Cursor::Hash(rows) => match way {
                Way::Next if rows.is_in_memory() => Ok(rows.next()),
                Way::Next => rows.next_in_both(self.run.open_temporary()?),
                _ => Err(internal("hashed rows are found by their keys")),
            },
            // What was never opened has no row.
            Cursor::Null => Ok(false),
            _ => Err(internal("cursor is not open")),
        }
    }

    #[inline(always)]
    fn walk_or_jump<H: Host>(&mut self, host: &mut H, cursor: CursorId, way: Way, empty: Addr) -> Result<Flow> {
        Flow::jump_if(!self.walk(host, cursor, way)?, empty)
    }
}

impl Exec for Rewind {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        vm.walk_or_jump(host, self.cursor, Way::First, self.empty)
    }
}

impl Exec for Last {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        vm.walk_or_jump(host, self.cursor, Way::Last, self.empty)
    }
}

impl Exec for Next {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        Flow::jump_if(vm.walk(host, self.cursor, Way::Next)?, self.target)
    }
}

impl Exec for Prev {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        Flow::jump_if(vm.walk(host, self.cursor, Way::Prev)?, self.target)
    }
}

impl Exec for NullRow {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        match &mut vm.frame.cursors[self.cursor.index()] {
            Cursor::Tree(tree) => {
                tree.moved(false, 0);
                // A cursor that was closed reads NULL until it is opened again.
                if tree.parked {
                    vm.frame.cursors[self.cursor.index()] = Cursor::Null;
                }
            }
            Cursor::Virtual(cursor) => cursor.null_row = true,
            Cursor::Hash(rows) => rows.null_row(),
            Cursor::Sorter(_) | Cursor::Groups(_) | Cursor::Batch(_) | Cursor::Survey(_) => {
                return Err(internal("a sorter has no null row"));
            }
            slot => *slot = Cursor::Null,
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for IfNullRow {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let null_row = match &vm.frame.cursors[self.cursor.index()] {
            Cursor::Tree(tree) => tree.status == Status::NullRow,
            Cursor::Virtual(cursor) => cursor.null_row,
            Cursor::Null => true,
            Cursor::Hash(rows) => rows.is_null_row(),
            Cursor::Sorter(_)
            | Cursor::Set(_)
            | Cursor::Groups(_)
            | Cursor::Batch(_)
            | Cursor::Survey(_)
            | Cursor::Closed => false,
        };
        if null_row {
            vm.frame.registers.get_mut(self.dest).set_null();
        }
        Flow::jump_if(null_row, self.target)
    }
}

impl Exec for Count {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let count = tree.btree.count(pager)?;
        tree.moved(false, pager.change_epoch());
        vm.frame.registers.set_integer(self.dest, i64::try_from(count).unwrap_or(i64::MAX));
        Ok(Flow::NEXT)
    }
}

impl Exec for CountRoughly {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let count = tree.btree.count_roughly(pager)?;
        tree.moved(count > 0, pager.change_epoch());
        vm.frame.registers.set_integer(self.dest, i64::try_from(count).unwrap_or(i64::MAX));
        Ok(Flow::NEXT)
    }
}

impl Exec for Sequence {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let sequence = match &mut vm.frame.cursors[self.cursor.index()] {
            Cursor::Tree(tree) => &mut tree.sequence,
            Cursor::Sorter(sorter) => &mut sorter.sequence,
            _ => return Err(internal("cursor has no sequence")),
        };
        vm.frame.registers.set_integer(self.dest, *sequence);
        *sequence += 1;
        Ok(Flow::NEXT)
    }
}

//! Seeking by rowid and by key, and comparing the current index entry with a key.

use std::cmp::Ordering;

use turso_error::Result;
use turso_program::cursor::*;
use turso_program::{Addr, CursorId, Program, Reg, Regs};
use turso_storage::Pager;
use turso_storage::btree::{SeekOp, SeekResult};
use turso_value::key::{compare_record, index_rowid};
use turso_value::record::decode_into;
use turso_value::{Affinity, RecordReader, Value, compare_numbers};

use super::{Status, TreeCursor, tree, tree_and_pager};
use crate::dispatch::{Exec, Flow};
use crate::run::{Run, internal};
use crate::{Host, Vm};

/// Where a range over rowids starts, when its bound is any value.
pub(crate) enum RowidBound {
    At(i64, SeekOp),
    /// Greater than every rowid.
    AboveAll,
    /// NULL: nothing compares with it.
    Nothing,
}

/// The rule for integers that finds what `op` finds for this bound.
pub(crate) fn rowid_bound(bound: &Value, op: SeekOp) -> RowidBound {
    let mut copy = Value::Null;
    let number = match bound {
        Value::Text(_) => {
            copy.assign(bound.as_ref());
            Affinity::Numeric.apply(&mut copy);
            &copy
        }
        other => other,
    };
    match number {
        Value::Integer(i) => RowidBound::At(*i, op),
        Value::Real(r) => {
            let whole = number.to_integer();
            RowidBound::At(
                whole,
                match (compare_numbers(whole, *r), op) {
                    (Ordering::Equal, op) => op,
                    // No rowid lies between the real and the integer next to it.
                    (Ordering::Greater, SeekOp::Gt | SeekOp::Ge) => SeekOp::Ge,
                    (Ordering::Greater, SeekOp::Lt | SeekOp::Le) => SeekOp::Lt,
                    (Ordering::Less, SeekOp::Gt | SeekOp::Ge) => SeekOp::Gt,
                    (Ordering::Less, SeekOp::Lt | SeekOp::Le) => SeekOp::Le,
                },
            )
        }
        Value::Null => RowidBound::Nothing,
        Value::Text(_) | Value::Blob(_) => RowidBound::AboveAll,
    }
}

impl TreeCursor {
    #[inline]
    fn seek(&mut self, pager: &mut Pager, key: &[Value], op: SeekOp) -> Result<bool> {
        let found = if self.key.is_some() {
            self.btree.seek_index(pager, key, op)?
        } else {
            let Some(bound) = key.first() else { return Err(internal("seek without a key")) };
            match rowid_bound(bound, op) {
                RowidBound::At(rowid, op) => self.btree.seek_table(pager, rowid, op)?,
                RowidBound::AboveAll if matches!(op, SeekOp::Le | SeekOp::Lt) => self.btree.last(pager)?,
                RowidBound::AboveAll | RowidBound::Nothing => false,
            }
        };
        self.moved(found, pager.change_epoch());
        Ok(found)
    }

    /// The order of the current index entry relative to a prefix of its columns.
    #[inline]
    fn compare_entry(&mut self, pager: &mut Pager, key: &[Value]) -> Result<Ordering> {
        if !self.settle(pager)? {
            return Err(internal("no index entry to compare"));
        }
        let Some(info) = &self.key else { return Err(internal("key of a table")) };
        let record = if self.btree.overflows() { self.btree.full_payload(pager)? } else { self.btree.local_payload() };
        compare_record(record, key, info)
    }

    /// The rowid at the end of the current index entry; `None` on a null row.
    #[inline]
    fn entry_rowid(&mut self, pager: &mut Pager) -> Result<Option<i64>> {
        if !self.settle(pager)? {
            return Ok(None);
        }
        let record = if self.btree.overflows() { self.btree.full_payload(pager)? } else { self.btree.local_payload() };
        index_rowid(record).map(Some)
    }
}

impl Vm {
    #[inline(always)]
    fn seek<H: Host>(&mut self, host: &mut H, cursor: CursorId, key: Regs, op: SeekOp, miss: Addr) -> Result<Flow> {
        let (tree, pager) = tree_and_pager(&mut self.frame.cursors, &mut self.run, host, cursor)?;
        let found = tree.seek(pager, self.frame.registers.block(key), op)?;
        Flow::jump_if(!found, miss)
    }

    #[inline(always)]
    fn compare_entry<H: Host>(
        &mut self,
        host: &mut H,
        cursor: CursorId,
        key: Regs,
        target: Addr,
        holds: impl FnOnce(Ordering) -> bool,
    ) -> Result<Flow> {
        let (tree, pager) = tree_and_pager(&mut self.frame.cursors, &mut self.run, host, cursor)?;
        let order = tree.compare_entry(pager, self.frame.registers.block(key))?;
        Flow::jump_if(holds(order), target)
    }

    /// Looks for an entry with this prefix; stays on it.
    #[inline]
    fn find<H: Host>(&mut self, host: &mut H, cursor: CursorId, key: Regs) -> Result<bool> {
        let values = if key.count == 0 {
            let record = self.frame.registers.get(key.first);
            unpack(record, &mut self.run)?;
            // Taken out, since the pager may be borrowed from the run.
            Some(std::mem::take(&mut self.run.values))
        } else {
            None
        };
        let (tree, pager) = tree_and_pager(&mut self.frame.cursors, &mut self.run, host, cursor)?;
        let wanted = values.as_deref().unwrap_or_else(|| self.frame.registers.block(key));
        let found = tree.btree.seek_record(pager, wanted, Ordering::Equal);
        if let Ok(order) = found {
            tree.moved(order == Ordering::Equal, pager.change_epoch());
        }
        if let Some(values) = values {
            self.run.values = values;
        }
        found.map(|order| order == Ordering::Equal)
    }

    #[inline]
    fn seek_rowid<H: Host>(&mut self, host: &mut H, cursor: CursorId, rowid: i64, miss: Addr) -> Result<Flow> {
        let (tree, pager) = tree_and_pager(&mut self.frame.cursors, &mut self.run, host, cursor)?;
        let found = tree.btree.seek_rowid(pager, rowid)? == SeekResult::Found;
        tree.moved(found, pager.change_epoch());
        Flow::jump_if(!found, miss)
    }
}

/// The values of a record in a register, into `run.values`.
fn unpack(record: &Value, run: &mut Run) -> Result<()> {
    let Some(bytes) = record.bytes() else { return Err(internal("register holds no record")) };
    let mut reader = RecordReader::new(bytes)?;
    let mut columns = 0;
    while reader.next_raw()?.is_some() {
        columns += 1;
    }
    run.values.resize(columns, Value::Null);
    decode_into(bytes, run.encoding, &mut run.values).map(drop)
}

macro_rules! seeks {
    ($($name:ident $op:ident)*) => {$(
        impl Exec for $name {
            #[inline]
            fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
                vm.seek(host, self.cursor, self.key, SeekOp::$op, self.miss)
            }
        }
    )*};
}
seeks! { SeekGe Ge SeekGt Gt SeekLe Le SeekLt Lt }

macro_rules! index_comparisons {
    ($($name:ident $holds:expr;)*) => {$(
        impl Exec for $name {
            #[inline]
            fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
                vm.compare_entry(host, self.cursor, self.key, self.target, $holds)
            }
        }
    )*};
}
index_comparisons! {
    IdxGe Ordering::is_ge;
    IdxGt Ordering::is_gt;
    IdxLe Ordering::is_le;
    IdxLt Ordering::is_lt;
}

/// The smallest integer as a real, which no affinity makes an integer.
const SMALLEST: f64 = i64::MIN as f64;

impl Exec for SeekRowid {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let rowid = match vm.frame.registers.get(self.rowid) {
            Value::Integer(i) => *i,
            other => {
                let mut copy = other.clone();
                Affinity::Numeric.apply(&mut copy);
                match copy {
                    Value::Integer(i) => i,
                    Value::Real(SMALLEST) => i64::MIN,
                    _ => {
                        tree(&mut vm.frame.cursors, self.cursor)?.moved(false, 0);
                        return Ok(Flow::jump(self.miss));
                    }
                }
            }
        };
        vm.seek_rowid(host, self.cursor, rowid, self.miss)
    }
}

impl Exec for NotExists {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let rowid = vm.frame.registers.integer(self.rowid);
        vm.seek_rowid(host, self.cursor, rowid, self.miss)
    }
}

impl Exec for Found {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        Flow::jump_if(vm.find(host, self.cursor, self.key)?, self.target)
    }
}

impl Exec for NotFound {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        Flow::jump_if(!vm.find(host, self.cursor, self.key)?, self.target)
    }
}

impl Exec for NoConflict {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        if self.key.count > 0 && vm.frame.registers.block(self.key).iter().any(Value::is_null) {
            return Ok(Flow::jump(self.target));
        }
        Flow::jump_if(!vm.find(host, self.cursor, self.key)?, self.target)
    }
}

impl Exec for DeferredSeek {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let (index, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.index)?;
        let rowid = index.entry_rowid(pager)?;
        let table = tree(&mut vm.frame.cursors, self.table)?;
        match rowid {
            Some(rowid) => {
                table.status = Status::Deferred;
                table.target = rowid;
            }
            None => table.moved(false, 0),
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for IdxRowid {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let (index, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let rowid = index.entry_rowid(pager)?;
        set_rowid(vm, self.dest, rowid);
        Ok(Flow::NEXT)
    }
}

#[inline]
fn set_rowid(vm: &mut Vm, dest: Reg, rowid: Option<i64>) {
    match rowid {
        Some(rowid) => vm.frame.registers.set_integer(dest, rowid),
        None => vm.frame.registers.get_mut(dest).set_null(),
    }
}

impl Exec for Rowid {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        match &vm.frame.cursors[self.cursor.index()] {
            super::Cursor::Null => {
                vm.frame.registers.get_mut(self.dest).set_null();
                return Ok(Flow::NEXT);
            }
            super::Cursor::Virtual(_) => return vm.virtual_rowid(host, self.cursor, self.dest),
            _ => {}
        }
        let (table, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let rowid = if table.status == Status::Deferred {
            // Known without moving.
            Some(table.target)
        } else if table.settle(pager)? {
            Some(table.btree.rowid())
        } else {
            None
        };
        set_rowid(vm, self.dest, rowid);
        Ok(Flow::NEXT)
    }
}

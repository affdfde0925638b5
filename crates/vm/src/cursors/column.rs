//! Reading fields of the current record.
//!
//! The header is decoded as far as the columns asked for, once per row. A record that continues on overflow pages is not
//! assembled: only the column's own bytes are read, and a read that waits goes on where it stopped.

use std::ops::Range;
use std::sync::Arc;

use turso_error::Result;
use turso_program::Program;
use turso_program::control::class;
use turso_program::cursor::{Column, ColumnIsOf};
use turso_storage::Pager;
use turso_value::record::assign_stored;
use turso_value::{SerialType, TextEncoding, Value};

use super::{Cursor, TreeCursor, tree_and_pager};
use crate::control::value_class;
use crate::dispatch::{Exec, Flow};
use crate::run::internal;
use crate::{Host, Vm};

/// What a column is that the record does not have.
#[inline]
fn assign_default(dest: &mut Value, default: Option<&Arc<Value>>) {
    match default {
        Some(value) => dest.assign(value.as_ref().as_ref()),
        None => dest.set_null(),
    }
}

impl TreeCursor {
    /// Where in the local payload a column of the current row lies that is a blob; `None` for every other column. The cursor has
    /// [settled](TreeCursor::settle) on its row.
    #[inline]
    pub fn blob_in_place(&mut self, column: usize) -> Result<Option<Range<usize>>> {
        let local = self.btree.local_payload();
        let header = local.first().copied().unwrap_or(0);
        // (What `locate` reads must be on the page also where the record goes on elsewhere.)
        if usize::from(header) > local.len() || header >= 0x80 {
            return Ok(None);
        }
        let size = self.btree.payload_size() as usize;
        let Some((serial, at)) = self.record.locate(local, size, column)? else { return Ok(None) };
        if serial < 12 || serial & 1 == 1 {
            return Ok(None);
        }
        let len = usize::try_from((serial - 12) / 2).unwrap_or(usize::MAX);
        Ok(at.checked_add(len).map(|end| at..end))
    }

    /// A column of a record with overflow pages; false when the record has no such column. `bytes` is scratch that keeps
    /// what has arrived until the read is complete.
    #[inline(never)]
    fn overflowing_column(
        &mut self,
        pager: &mut Pager,
        column: usize,
        encoding: TextEncoding,
        bytes: &mut Vec<u8>,
        dest: &mut Value,
    ) -> Result<bool> {
        let total = self.btree.payload_size() as usize;
        let local = self.btree.local_payload();
        let header = turso_value::varint::read(local).map_or(0, |(len, _)| len);
        if header > local.len() as u64 {
            // A record with very many columns: its header alone spills.
            let record = self.btree.full_payload(pager)?;
            return self.record.read(record, column, encoding, dest);
        }
        let Some((serial, offset)) = self.record.locate(local, total, column)? else {
            return Ok(false);
        };
        let serial = SerialType(serial);
        let Some(len) = usize::try_from(serial.len()).ok().filter(|len| *len <= total && offset <= total - len) else {
            return Err(turso_error::Error::malformed_record("value past the end of the record"));
        };
        if let Some(body) = local.get(offset..offset + len) {
            assign_stored(dest, serial.read(body)?, encoding);
            return Ok(true);
        }
        self.btree.read_payload(pager, offset as u32, len as u32, bytes)?;
        let assigned = serial.read(bytes).map(|stored| assign_stored(dest, stored, encoding));
        bytes.clear();
        assigned.map(|()| true)
    }
}

/// The storage class that a serial type stands for.
fn class_of(serial: u64) -> u32 {
    match serial {
        1..=6 | 8 | 9 => class::INTEGER,
        7 => class::REAL,
        12.. if serial & 1 == 1 => class::TEXT,
        12.. => class::BLOB,
        _ => class::NULL,
    }
}

impl TreeCursor {
    /// The serial type of a column of the current row, on which the cursor has settled; `None` when the record has no such column.
    fn serial_type(&mut self, pager: &mut Pager, column: usize) -> Result<Option<u64>> {
        let total = self.btree.payload_size() as usize;
        let local = self.btree.local_payload();
        let header = turso_value::varint::read(local).map_or(0, |(len, _)| len);
        let place = if header > local.len() as u64 && self.btree.overflows() {
            let record = self.btree.full_payload(pager)?;
            self.record.locate(record, record.len(), column)?
        } else {
            self.record.locate(local, total, column)?
        };
        if let Some((serial, at)) = place
            && SerialType(serial).len().saturating_add(at as u64) > total as u64
        {
            return Err(turso_error::Error::malformed_record("value past the end of the record"));
        }
        Ok(place.map(|(serial, _)| serial))
    }
}

impl Exec for ColumnIsOf {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let class = if !tree.settle(pager)? {
            class::NULL
        } else {
            match (tree.serial_type(pager, usize::from(self.column))?, &self.default) {
                (Some(serial), _) => class_of(serial),
                (None, Some(default)) => value_class(default),
                (None, None) => class::NULL,
            }
        };
        Flow::jump_if(self.classes & class != 0, self.target)
    }
}

impl Exec for Column {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        if let Cursor::Tree(tree) = &mut vm.frame.cursors[self.cursor.index()] {
            let encoding = vm.run.encoding;
            let pager = tree.store.pager(host, &mut vm.run)?;
            let dest = vm.frame.registers.get_mut(self.dest);
            if !tree.settle(pager)? {
                dest.set_null();
                return Ok(Flow::NEXT);
            }
            let column = usize::from(self.column);
            if !tree.btree.overflows() {
                if !tree.record.read(tree.btree.local_payload(), column, encoding, dest)? {
                    assign_default(dest, self.default.as_ref());
                }
                return Ok(Flow::NEXT);
            }
        }
        vm.column_slow(host, self)
    }
}

impl Vm {
    #[inline(never)]
    fn column_slow<H: Host>(&mut self, host: &mut H, column: &Column) -> Result<Flow> {
        let encoding = self.run.encoding;
        let index = usize::from(column.column);
        match &mut self.frame.cursors[column.cursor.index()] {
            Cursor::Tree(tree) => {
                let mut bytes = std::mem::take(&mut self.run.scratch.payload);
                let pager = tree.store.pager(host, &mut self.run)?;
                let dest = self.frame.registers.get_mut(column.dest);
                let found = tree.overflowing_column(pager, index, encoding, &mut bytes, dest);
                if found.as_ref().is_err_and(|error| !error.is_pending()) {
                    bytes.clear();
                }
                self.run.scratch.payload = bytes;
                if !found? {
                    assign_default(self.frame.registers.get_mut(column.dest), column.default.as_ref());
                }
            }
            Cursor::Sorter(sorter) => {
                let dest = self.frame.registers.get_mut(column.dest);
                if !sorter.column(index, encoding, dest)? {
                    assign_default(dest, column.default.as_ref());
                }
            }
            Cursor::Hash(rows) => {
                let dest = self.frame.registers.get_mut(column.dest);
                if !rows.column(index, encoding, dest)? {
                    assign_default(dest, column.default.as_ref());
                }
            }
            Cursor::Null => self.frame.registers.get_mut(column.dest).set_null(),
            Cursor::Closed
            | Cursor::Set(_)
            | Cursor::Groups(_)
            | Cursor::Batch(_)
            | Cursor::Survey(_)
            | Cursor::Virtual(_) => {
                return Err(internal("column of a cursor that has none"));
            }
        }
        Ok(Flow::NEXT)
    }
}

//! Scanning and changing virtual tables.
//!
//! A table's method that answers `Pending` has changed nothing that counts, so each instruction is one call and no more,
//! and what precedes the call (collecting the values of an IN) is only read.

use turso_error::{Result, ResultCode};
use turso_program::control::OnError;
use turso_program::virtual_table::*;
use turso_program::{CursorId, Program, Reg};
use turso_value::Value;
use turso_vtab::{Argument, Change, OnConflict, Output};

use crate::cursors::{Cursor, VirtualCursor, tree_and_pager};
use crate::dispatch::{Exec, Flow};
use crate::frame::subtypes_of;
use crate::run::internal;
use crate::{Host, Vm};

/// The virtual table's cursor in a slot.
fn open_cursor(cursors: &mut [Cursor], id: CursorId) -> Result<&mut VirtualCursor> {
    match &mut cursors[id.index()] {
        Cursor::Virtual(open) => Ok(open),
        _ => Err(internal("cursor is not open on a virtual table")),
    }
}

impl Vm {
    /// Close the cursors of virtual tables in all frames. Called before a run is given up: closing may need the connection.
    pub fn close_virtual_cursors<H: Host>(&mut self, host: &mut H) {
        if !self.opens_virtual_tables {
            return;
        }
        let spare = self.spare.iter_mut().flatten();
        for frame in std::iter::once(&mut self.frame).chain(&mut self.callers).chain(spare) {
            frame.close_virtual_cursors(host.session());
        }
    }

    pub(crate) fn virtual_rowid<H: Host>(&mut self, host: &mut H, cursor: CursorId, dest: Reg) -> Result<Flow> {
        let open = open_cursor(&mut self.frame.cursors, cursor)?;
        if open.null_row {
            self.frame.registers.get_mut(dest).set_null();
        } else {
            let rowid = open.cursor.rowid(host.session())?;
            self.frame.registers.set_integer(dest, rowid);
        }
        Ok(Flow::NEXT)
    }

    /// All values of an ephemeral index's first column, in its order.
    fn values_of_set<H: Host>(&mut self, host: &mut H, cursor: CursorId) -> Result<Vec<Value>> {
        let encoding = self.run.encoding;
        let (tree, pager) = tree_and_pager(&mut self.frame.cursors, &mut self.run, host, cursor)?;
        let mut values = Vec::new();
        let mut more = tree.btree.first(pager)?;
        while more {
            let mut field = [Value::Null];
            turso_value::record::decode_into(tree.btree.full_payload(pager)?, encoding, &mut field)?;
            let [value] = field;
            values.push(value);
            more = tree.btree.next(pager)?;
        }
        tree.moved(false, pager.change_epoch());
        Ok(values)
    }
}

impl Exec for VOpen {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        // The table may run SQL: it is asked before the old cursor of a repeated loop is given up.
        let cursor = self.table.table.open(host.session())?;
        let slot = &mut vm.frame.cursors[self.cursor.index()];
        if let Cursor::Virtual(old) = slot {
            old.cursor.close(host.session());
        }
        *slot = Cursor::Virtual(Box::new(VirtualCursor { null_row: true, cursor }));
        Ok(Flow::NEXT)
    }
}

impl Exec for VFilter {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let mut arguments: Vec<Argument> = match self.args.count {
            0 => Vec::new(),
            _ => vm.frame.registers.block(self.args).iter().map(|v| Argument::Value(v.clone())).collect(),
        };
        for (slot, &subtype) in arguments.iter_mut().zip(subtypes_of(&vm.frame.subtypes, self.args)) {
            if let Some(object) = vm.run.objects.get(subtype) {
                *slot = Argument::Object(object.clone());
            }
        }
        for &(position, cursor) in &self.scan.sets {
            let values = vm.values_of_set(host, cursor)?;
            if let Some(slot) = arguments.get_mut(position) {
                *slot = Argument::Set(values);
            }
        }
        let open = open_cursor(&mut vm.frame.cursors, self.cursor)?;
        open.null_row = false;
        open.cursor.filter(host.session(), self.scan.number, self.scan.text.as_deref(), &arguments)?;
        Flow::jump_if(open.cursor.at_end(), self.empty)
    }
}

impl Exec for VNext {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let open = open_cursor(&mut vm.frame.cursors, self.cursor)?;
        if open.null_row {
            // After the NULL row of an outer join there is nothing to go on from.
            return Ok(Flow::NEXT);
        }
        open.cursor.next(host.session())?;
        Flow::jump_if(!open.cursor.at_end(), self.target)
    }
}

impl Exec for VColumn {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let dest = vm.frame.registers.get_mut(self.dest);
        let subtype = match &mut vm.frame.cursors[self.cursor.index()] {
            Cursor::Virtual(open) if !open.null_row => {
                let result = &mut vm.run.result;
                result.set_null();
                let mut output = Output { value: result, subtype: 0, object: None, unchanged: self.unchanged };
                open.cursor.column(host.session(), usize::from(self.column), &mut output)?;
                let subtype = match output.object {
                    None => output.subtype,
                    Some(object) => vm.run.objects.keep(object),
                };
                std::mem::swap(dest, &mut vm.run.result);
                subtype
            }
            Cursor::Virtual(_) | Cursor::Null | Cursor::Closed => {
                dest.set_null();
                0
            }
            _ => return Err(internal("cursor is not open on a virtual table")),
        };
        vm.frame.set_subtype(self.dest, subtype);
        Ok(Flow::NEXT)
    }
}

impl Exec for VUpdate {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let change = match vm.frame.registers.block(self.args) {
            [key] => Change::Delete { key },
            [Value::Null, rowid, columns @ ..] => Change::Insert { rowid, columns },
            [key, new_key, columns @ ..] => Change::Update { key, new_key, columns, unchanged: &self.change.unchanged },
            [] => return Err(internal("a change of a virtual table without arguments")),
        };
        let inserts = matches!(change, Change::Insert { .. });
        let ChangeOf { table, on_conflict, keeps_constraints, sets_last_rowid, counts, .. } = &*self.change;
        match table.table.update(host.session(), &change, *on_conflict) {
            Ok(rowid) => {
                if inserts {
                    vm.frame.registers.set_integer(self.dest, rowid);
                    if *sets_last_rowid {
                        host.counters().last_insert_rowid = rowid;
                    }
                }
                vm.run.changes += i64::from(*counts);
                Ok(Flow::NEXT)
            }
            Err(error) if *keeps_constraints && error.is(ResultCode::CONSTRAINT) => {
                vm.run.on_error = match on_conflict {
                    OnConflict::Ignore => return Ok(Flow::NEXT),
                    OnConflict::Rollback => OnError::Rollback,
                    OnConflict::Fail => OnError::Fail,
                    OnConflict::Abort | OnConflict::Replace => OnError::Abort,
                };
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}

impl Exec for VBegin {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.begin_virtual(&self.table)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for VCreate {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.create_virtual(self.db, &self.name)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for VDestroy {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.destroy_virtual(self.db, &self.name)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for VRename {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.rename_virtual(self.db, &self.table, &self.name)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for VCheck {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let found = self.table.table.integrity(host.session(), self.quick)?;
        let dest = vm.frame.registers.get_mut(self.dest);
        match found {
            Some(text) => dest.set_text(text.as_bytes()),
            None => dest.set_null(),
        }
        Ok(Flow::NEXT)
    }
}

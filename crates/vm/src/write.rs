//! Records, and changes of rows and index entries.
//!
//! An instruction that writes first gathers: the old record where the change stream wants it, the positions of other
//! cursors. Then it calls the B-tree, which gathers and applies in its turn; counters and the change stream come last, when
//! nothing can wait any more.

use turso_error::{Error, Result, ResultCode};
use turso_program::write::*;
use turso_program::{CursorId, Program, Reg, Regs};
use turso_storage::PageNo;
use turso_storage::btree::{InsertHint, Payload, SeekResult, TreeEraser};
use turso_value::Value;

use crate::cursors::{Cursor, Status, Store, tree_and_pager};
use crate::dispatch::{Exec, Flow};
use crate::record::encode;
use crate::run::internal;
use crate::{ChangedRow, Host, Interest, Vm};

/// The largest rowid.
const MAX_ROWID: i64 = i64::MAX;

#[inline]
fn hint(position: Position) -> InsertHint {
    match position {
        Position::Unknown => InsertHint::Seek,
        Position::Append => InsertHint::Append,
        Position::AtCursor => InsertHint::AtSeek,
    }
}

impl Exec for MakeRecord {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let registers = &mut vm.frame.registers;
        let encoding = vm.run.encoding;
        let in_place = self.values.range().contains(&self.dest.index());
        let mut out = if in_place { Vec::new() } else { registers.take_buffer(self.dest) };
        if let Some(affinities) = &self.affinities {
            for (value, affinity) in registers.block_mut(self.values).iter_mut().zip(affinities.0.iter()) {
                affinity.apply(value);
            }
        }
        let affinities = self.affinities.as_ref().map_or(&[][..], |affinities| &affinities.0);
        encode(registers.block(self.values), affinities, encoding, &mut vm.run.encoder, &mut out);
        if out.len() > host.limits().length {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        *registers.get_mut(self.dest) = Value::Blob(out);
        Ok(Flow::NEXT)
    }
}

impl Exec for NewRowid {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let found = tree.btree.last_for_rowid(pager)?;
        let largest = if found { tree.btree.rowid() } else { 0 };
        tree.moved(found, pager.change_epoch());
        let root = tree.btree.root();
        let mut rowid = if found { largest.checked_add(1) } else { Some(1) };
        if let Some(counter) = self.at_least {
            let registers = match vm.callers.first() {
                Some(root) => &root.registers,
                None => &vm.frame.registers,
            };
            let used = registers.integer(counter);
            let (Some(next), Some(after)) = (rowid, used.checked_add(1)) else {
                return Err(Error::from_code(ResultCode::FULL));
            };
            let next = pager.claim_rowid(root, next.max(after));
            let registers = match vm.callers.first_mut() {
                Some(root) => &mut root.registers,
                None => &mut vm.frame.registers,
            };
            registers.set_integer(counter, next);
            rowid = Some(next);
        }
        let rowid = match rowid {
            Some(rowid) if self.at_least.is_some() => rowid,
            Some(rowid) => pager.claim_rowid(root, rowid),
            None => vm.random_rowid(host, self.cursor)?,
        };
        vm.frame.registers.set_integer(self.dest, rowid);
        Ok(Flow::NEXT)
    }
}

impl Vm {
    /// The largest rowid is in use: try positive numbers at random, a hundred times.
    #[cold]
    fn random_rowid<H: Host>(&mut self, host: &mut H, cursor: CursorId) -> Result<i64> {
        loop {
            let candidate = match self.run.scratch.drawn {
                Some(candidate) => candidate,
                None if self.run.scratch.attempts >= 100 => {
                    self.run.scratch.attempts = 0;
                    return Err(Error::from_code(ResultCode::FULL));
                }
                None => {
                    let drawn = ((host.random() & (MAX_ROWID as u64)) >> 1) as i64 + 1;
                    self.run.scratch.drawn = Some(drawn);
                    self.run.scratch.attempts += 1;
                    drawn
                }
            };
            let (tree, pager) = tree_and_pager(&mut self.frame.cursors, &mut self.run, host, cursor)?;
            let found = tree.btree.seek_rowid(pager, candidate)? == SeekResult::Found;
            tree.moved(found, pager.change_epoch());
            self.run.scratch.drawn = None;
            if !found {
                self.run.scratch.attempts = 0;
                return Ok(candidate);
            }
        }
    }

    /// Before a write on an index: cursors on the same tree that stand on an entry with overflow pages keep its key, since
    /// those pages may be gone afterwards. Tables find their rows again by rowid.
    #[inline]
    fn save_positions<H: Host>(&mut self, host: &mut H, writer: CursorId) -> Result<()> {
        let (root, store) = match &self.frame.cursors[writer.index()] {
            Cursor::Tree(tree) if tree.key.is_some() => (tree.btree.root(), tree.store),
            _ => return Ok(()),
        };
        let own = self.frame.cursors.iter_mut().enumerate();
        let own = own.filter(|(i, _)| *i != writer.index()).map(|(_, cursor)| cursor);
        let others = self.callers.iter_mut().flat_map(|frame| frame.cursors.iter_mut());
        for cursor in own.chain(others) {
            if let Cursor::Tree(tree) = cursor
                && tree.store == store
                && !tree.parked
                && tree.btree.root() == root
                && tree.btree.is_valid()
                && tree.btree.overflows()
            {
                let pager = store.pager(host, &mut self.run)?;
                tree.btree.save_position(pager)?;
            }
        }
        Ok(())
    }

    /// Before a row goes out: other statements may write to the indexes that cursors stand on until the next step, so entries
    /// with overflow pages are remembered by their keys now.
    #[inline]
    pub(crate) fn save_long_keys<H: Host>(&mut self, host: &mut H) -> Result<()> {
        for cursor in &mut self.frame.cursors {
            if let Cursor::Tree(tree) = cursor
                && tree.key.is_some()
                && !tree.parked
                && tree.btree.is_valid()
                && tree.btree.overflows()
                && let Store::Db(db) = tree.store
            {
                tree.btree.save_position(host.pager(db))?;
            }
        }
        Ok(())
    }

    /// What has been counted and told once a row has been inserted.
    #[inline]
    fn row_inserted<H: Host>(&mut self, host: &mut H, change: &RowChange, rowid: Option<i64>, record: Reg, seen: Seen) {
        if change.counts {
            self.run.changes += 1;
        }
        if let (true, Some(rowid)) = (change.sets_last_rowid, rowid) {
            host.counters().last_insert_rowid = rowid;
        }
        if seen.interest != Interest::None {
            let new = self.frame.registers.get(record).bytes();
            let old = seen.old(&self.run.bytes);
            host.on_change(change, ChangedRow { rowid, old, new, depth: self.callers.len() });
        }
    }
}

/// What the change stream is to be told about the record that was there before (it is in `run.bytes`).
#[derive(Clone, Copy)]
struct Seen {
    interest: Interest,
    replaced: bool,
}

impl Seen {
    fn old<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        (self.replaced && self.interest == Interest::OldAndNew).then_some(bytes)
    }
}

#[inline]
fn interest<H: Host>(host: &H, change: Option<&RowChange>) -> Interest {
    change.map_or(Interest::None, |change| host.interest(change))
}

impl Exec for Insert {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let rowid = vm.frame.registers.integer(self.rowid);
        let mut seen = Seen { interest: interest(host, self.change.as_deref()), replaced: false };
        if seen.interest == Interest::OldAndNew {
            let mut old = std::mem::take(&mut vm.run.bytes);
            old.clear();
            let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
            seen.replaced = tree.btree.seek_rowid(pager, rowid)? == SeekResult::Found;
            if seen.replaced {
                old.extend_from_slice(tree.btree.full_payload(pager)?);
            }
            vm.run.bytes = old;
        }
        let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let Some(record) = vm.frame.registers.get(self.record).bytes() else {
            return Err(internal("register holds no record"));
        };
        // Looking for the old record has moved the cursor to where the new one belongs.
        let hint = if seen.interest == Interest::OldAndNew { InsertHint::AtSeek } else { hint(self.position) };
        tree.btree.insert_row(pager, rowid, Payload::from(record), hint)?;
        tree.moved(true, pager.change_epoch());
        if let Some(change) = &self.change {
            vm.row_inserted(host, change, Some(rowid), self.record, seen);
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for Delete {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let interest = interest(host, self.change.as_deref());
        if self.overwritten && interest == Interest::None {
            return Ok(Flow::NEXT);
        }
        vm.save_positions(host, self.cursor)?;
        let mut old = std::mem::take(&mut vm.run.bytes);
        old.clear();
        let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        if !tree.settle(pager)? {
            // Somebody (a trigger) has deleted it already.
            vm.run.bytes = old;
            return Ok(Flow::NEXT);
        }
        if interest == Interest::OldAndNew {
            old.extend_from_slice(tree.btree.full_payload(pager)?);
        }
        let rowid = tree.key.is_none().then(|| tree.btree.rowid());
        tree.btree.delete(pager)?;
        // The place stays for Next and Prev; columns read NULL.
        tree.record.reset();
        tree.epoch = 0;
        tree.status = Status::Row;
        vm.run.bytes = old;
        if let Some(change) = &self.change {
            if change.counts {
                vm.run.changes += 1;
            }
            if interest != Interest::None {
                let old = (interest == Interest::OldAndNew).then_some(vm.run.bytes.as_slice());
                host.on_change(change, ChangedRow { rowid, old, new: None, depth: vm.callers.len() });
            }
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for IdxInsert {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        vm.save_positions(host, self.cursor)?;
        let key = (self.key.count > 0).then_some(self.key);
        let mut seen = Seen { interest: interest(host, self.change.as_deref()), replaced: false };
        if let (Interest::OldAndNew, Some(key)) = (seen.interest, key) {
            seen.replaced = vm.read_entry(host, self.cursor, key)?;
        }
        let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let Some(record) = vm.frame.registers.get(self.record).bytes() else {
            return Err(internal("register holds no record"));
        };
        let values = key.map(|key| vm.frame.registers.block(key));
        tree.btree.insert_record(pager, Payload::from(record), values, hint(self.position))?;
        tree.moved(true, pager.change_epoch());
        if let Some(change) = &self.change {
            vm.row_inserted(host, change, None, self.record, seen);
        }
        Ok(Flow::NEXT)
    }
}

impl Vm {
    /// Puts the record with this key into `run.bytes`; false when there is none.
    #[cold]
    fn read_entry<H: Host>(&mut self, host: &mut H, cursor: CursorId, key: Regs) -> Result<bool> {
        let mut old = std::mem::take(&mut self.run.bytes);
        old.clear();
        let (tree, pager) = tree_and_pager(&mut self.frame.cursors, &mut self.run, host, cursor)?;
        let key = self.frame.registers.block(key);
        let found = tree.btree.seek_record(pager, key, std::cmp::Ordering::Equal)?.is_eq() && tree.btree.is_valid();
        if found {
            old.extend_from_slice(tree.btree.full_payload(pager)?);
        }
        self.run.bytes = old;
        Ok(found)
    }
}

impl Exec for IdxDelete {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        vm.save_positions(host, self.cursor)?;
        let (tree, pager) = tree_and_pager(&mut vm.frame.cursors, &mut vm.run, host, self.cursor)?;
        let key = vm.frame.registers.block(self.key);
        if tree.btree.seek_record(pager, key, std::cmp::Ordering::Equal)?.is_eq() && tree.btree.is_valid() {
            tree.btree.delete(pager)?;
            tree.record.reset();
            tree.epoch = 0;
            tree.status = Status::Row;
        } else {
            tree.moved(false, pager.change_epoch());
            if self.must_exist {
                return Err(Error::from_code(ResultCode::CORRUPT_INDEX));
            }
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for Clear {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let root =
            if self.root_in_register { crate::cursors::root_in(vm, Reg(self.root.0))? } else { PageNo(self.root.0) };
        let rows = vm.erase_tree(host, Store::Db(self.db), root)?;
        if let Some(change) = &self.change {
            if change.counts {
                vm.run.changes += rows;
            }
            if host.interest(change) != Interest::None {
                host.on_truncate(change, rows);
            }
        }
        Ok(Flow::NEXT)
    }
}

impl Vm {
    /// Empties a tree; the number of entries it had. Pending runs go on where they stopped.
    pub(crate) fn erase_tree<H: Host>(&mut self, host: &mut H, store: Store, root: PageNo) -> Result<i64> {
        let mut eraser = match self.run.scratch.eraser.take() {
            Some(eraser) => *eraser,
            None => TreeEraser::new(root, crate::schema::is_table(store.pager(host, &mut self.run)?, root)?),
        };
        let outcome = eraser.run(store.pager(host, &mut self.run)?);
        if matches!(outcome, Err(Error::Pending)) {
            self.run.scratch.eraser = Some(Box::new(eraser));
        }
        outcome.map(|rows| i64::try_from(rows).unwrap_or(i64::MAX))
    }
}

impl Exec for ChangeCount {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let count = vm.run.changes;
        vm.frame.registers.set_integer(self.dest, count);
        Ok(Flow::NEXT)
    }
}

impl Exec for ResetCount {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.counters().publish(vm.run.changes);
        vm.run.changes = 0;
        Ok(Flow::NEXT)
    }
}

impl Vm {
    fn violations<'a, H: Host>(&'a mut self, host: &'a mut H, deferred: bool) -> &'a mut i64 {
        if deferred || host.defers_foreign_keys() { host.deferred_violations() } else { &mut self.run.fk_violations }
    }
}

impl Exec for FkCounter {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        *vm.violations(host, self.deferred) += i64::from(self.amount);
        Ok(Flow::NEXT)
    }
}

impl Exec for FkIfZero {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        Flow::jump_if(*vm.violations(host, self.deferred) == 0, self.target)
    }
}

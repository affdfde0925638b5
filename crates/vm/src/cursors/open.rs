//! Opening and closing cursors.
//!
//! A program that is run again, and a trigger body that is entered again, opens the same trees in the same slots: the boxes
//! are kept and pointed at the tree anew.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_program::cursor::*;
use turso_program::{Program, Reg, Root};
use turso_storage::PageNo;
use turso_storage::btree::{BTreeCursor, CursorKind, TreeEraser, create_tree};
use turso_value::KeyInfo;

use super::{Cursor, Decoder, Status, Store, TreeCursor};
use crate::dispatch::{Exec, Flow};
use crate::{Host, Vm};

/// A slot's cursor on this tree, on no row.
fn point_at(slot: &mut Cursor, root: PageNo, store: Store, key: Option<&Arc<KeyInfo>>) {
    if let Cursor::Tree(tree) = slot {
        let same_key = match (&tree.key, key) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        if same_key && tree.store == store {
            tree.btree.set_root(root);
            tree.record.reset();
            tree.status = Status::NullRow;
            tree.sequence = 0;
            tree.scanning = 0;
            tree.parked = false;
            return;
        }
    }
    let kind = match key {
        None => CursorKind::Table,
        Some(key) => CursorKind::Index(key.clone()),
    };
    *slot = Cursor::Tree(Box::new(TreeCursor {
        status: Status::NullRow,
        store,
        record: Decoder::default(),
        epoch: 0,
        target: 0,
        key: key.cloned(),
        sequence: 0,
        scanning: 0,
        parked: false,
        btree: BTreeCursor::new(root, kind),
    }));
}

/// The key of an index, `None` for a table.
fn key_of(kind: &TreeKind) -> Option<&Arc<KeyInfo>> {
    match kind {
        TreeKind::Table => None,
        TreeKind::Index(key) => Some(key),
    }
}

/// A root page number from a register.
pub(crate) fn root_in(vm: &Vm, reg: Reg) -> Result<PageNo> {
    match u32::try_from(vm.frame.registers.integer(reg)) {
        Ok(root) if root > 0 => Ok(PageNo(root)),
        _ => Err(Error::from_code(ResultCode::CORRUPT)),
    }
}

impl Exec for OpenRead {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let slot = &mut vm.frame.cursors[self.cursor.index()];
        point_at(slot, PageNo(self.root.0), Store::Db(self.db), key_of(&self.kind));
        Ok(Flow::NEXT)
    }
}

impl Exec for OpenWrite {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let Root(number) = self.root;
        let root = if self.root_in_register { root_in(vm, Reg(number))? } else { PageNo(number) };
        let slot = &mut vm.frame.cursors[self.cursor.index()];
        point_at(slot, root, Store::Db(self.db), key_of(&self.kind));
        Ok(Flow::NEXT)
    }
}

impl Exec for OpenEphemeral {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        // A tree that this slot had before is emptied and serves again.
        let old = match &vm.frame.cursors[self.cursor.index()] {
            Cursor::Tree(tree) if tree.store == Store::Temporary && tree.key.is_some() == self.key.is_some() => {
                Some(tree.btree.root())
            }
            _ => None,
        };
        let pager = vm.run.temporary(host)?;
        let root = match old {
            Some(root) => {
                TreeEraser::new(root, self.key.is_none()).run(pager)?;
                root
            }
            None => create_tree(pager, self.key.is_none())?,
        };
        point_at(&mut vm.frame.cursors[self.cursor.index()], root, Store::Temporary, self.key.as_ref());
        Ok(Flow::NEXT)
    }
}

impl Exec for OpenDup {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let original = super::tree(&mut vm.frame.cursors, self.original)?;
        let (root, store, key) = (original.btree.root(), original.store, original.key.clone());
        // Never re-use what the slot held: a parked ephemeral tree of its own would be taken for the original's.
        let slot = &mut vm.frame.cursors[self.cursor.index()];
        *slot = Cursor::Closed;
        point_at(slot, root, store, key.as_ref());
        Ok(Flow::NEXT)
    }
}

impl Exec for Close {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let slot = &mut vm.frame.cursors[self.cursor.index()];
        if let Cursor::Virtual(open) = slot {
            open.cursor.close(host.session());
        }
        slot.close();
        Ok(Flow::NEXT)
    }
}

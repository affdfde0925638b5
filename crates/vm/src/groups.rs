//! Groups of GROUP BY, found by their keys: rows need not be sorted to be folded, only the groups.
//!
//! A group is what its registers hold while its rows are fed in: aggregates (objects of their registers) and values beside
//! them. One group is loaded at a time; going to another one swaps both contents, so nothing is copied and an instruction that
//! works on a loaded group knows nothing of this.

use std::sync::Arc;

use turso_error::Result;
use turso_program::sorter::{GroupFind, GroupNext, GroupOpen, GroupSort};
use turso_program::{CursorId, Program, Regs};
use turso_value::{KeyInfo, Value};

use crate::cursors::Cursor;
use crate::dispatch::{Exec, Flow};
use crate::frame::{Frame, Object};
use crate::keyset::KeySet;
use crate::run::internal;
use crate::{Host, Vm};

/// See the module's header.
pub(crate) struct Groups {
    info: Arc<KeyInfo>,
    states: Regs,
    keys: KeySet,
    /// The keys of all groups, one after the other.
    key_values: Vec<Value>,
    /// What the registers of the groups hold that are not loaded.
    values: Vec<Value>,
    objects: Vec<Object>,
    loaded: Option<usize>,
    /// The groups in the order of their keys, and the place in it.
    order: Vec<u32>,
    at: usize,
}

impl Groups {
    fn new(info: Arc<KeyInfo>, states: Regs) -> Self {
        Self {
            keys: KeySet::new(info.clone(), None),
            info,
            states,
            key_values: Vec::new(),
            values: Vec::new(),
            objects: Vec::new(),
            loaded: None,
            order: Vec::new(),
            at: 0,
        }
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.key_values.clear();
        self.values.clear();
        self.objects.clear();
        self.loaded = None;
        self.order.clear();
        self.at = 0;
    }

    fn count(&self) -> usize {
        self.key_values.len() / self.info.columns.len().max(1)
    }

    fn key_of(&self, group: usize) -> &[Value] {
        let width = self.info.columns.len();
        self.key_values.get(group * width..(group + 1) * width).unwrap_or(&[])
    }

    /// Loads the group with this key; true when it is new.
    #[inline]
    fn find(&mut self, key: Regs, frame: &mut Frame) -> Result<bool> {
        let values = frame.registers.block(key);
        let (group, new) = self.keys.number(values)?;
        if new {
            self.key_values.extend_from_slice(values);
            let width = self.states.count as usize;
            self.values.resize((group + 1) * width, Value::Null);
            self.objects.resize_with((group + 1) * width, Object::default);
        }
        if self.loaded != Some(group) {
            self.swap(frame);
            self.loaded = Some(group);
            self.swap(frame);
        }
        Ok(new)
    }

    /// Exchanges the registers with what is kept for the loaded group.
    #[inline]
    fn swap(&mut self, frame: &mut Frame) {
        let Some(group) = self.loaded else { return };
        let width = self.states.count as usize;
        let kept = group * width..(group + 1) * width;
        let first = self.states.first.index();
        if let (Some(values), Some(objects)) = (self.values.get_mut(kept.clone()), self.objects.get_mut(kept)) {
            frame.registers.block_mut(self.states).swap_with_slice(values);
            // Only the registers of aggregates have objects.
            let end = frame.objects.len().min(first + width);
            if let Some(slots) = frame.objects.get_mut(first..end) {
                let count = slots.len();
                slots.swap_with_slice(&mut objects[..count]);
            }
        }
    }

    fn sort(&mut self) {
        let mut order: Vec<u32> = (0..self.count() as u32).collect();
        order.sort_unstable_by(|a, b| {
            let (a, b) = (self.key_of(*a as usize), self.key_of(*b as usize));
            let columns = a.iter().zip(b).enumerate();
            let orders = columns.map(|(i, (a, b))| match (a, b) {
                (Value::Integer(a), Value::Integer(b)) if a == b => std::cmp::Ordering::Equal,
                (a, b) => self.info.compare_values(i, a.as_ref(), b.as_ref()),
            });
            orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        self.order = order;
        self.at = 0;
    }

    /// Loads the group at the place in hand; false past the last one.
    fn load(&mut self, dest: Regs, frame: &mut Frame) -> bool {
        self.swap(frame);
        let group = self.order.get(self.at).map(|&group| group as usize);
        self.loaded = group;
        let Some(group) = group else { return false };
        self.swap(frame);
        let width = self.info.columns.len();
        if let Some(key) = self.key_values.get_mut(group * width..(group + 1) * width) {
            frame.registers.block_mut(dest).swap_with_slice(key);
        }
        true
    }
}

/// Takes the groups out of their slot, so that they and the frame can be changed together.
fn with_groups<T>(vm: &mut Vm, cursor: CursorId, run: impl FnOnce(&mut Groups, &mut Frame) -> Result<T>) -> Result<T> {
    match std::mem::take(&mut vm.frame.cursors[cursor.index()]) {
        Cursor::Groups(mut groups) => {
            let result = run(&mut groups, &mut vm.frame);
            vm.frame.cursors[cursor.index()] = Cursor::Groups(groups);
            result
        }
        other => {
            vm.frame.cursors[cursor.index()] = other;
            Err(internal("cursor has no groups"))
        }
    }
}

impl Exec for GroupOpen {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        match &mut vm.frame.cursors[self.cursor.index()] {
            Cursor::Groups(groups) if Arc::ptr_eq(&groups.info, &self.key) => groups.clear(),
            slot => *slot = Cursor::Groups(Box::new(Groups::new(self.key.clone(), self.states))),
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for GroupFind {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let new = with_groups(vm, self.cursor, |groups, frame| groups.find(self.key, frame))?;
        Flow::jump_if(!new, self.known)
    }
}

impl Exec for GroupSort {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let found = with_groups(vm, self.cursor, |groups, frame| {
            groups.sort();
            Ok(groups.load(self.dest, frame))
        })?;
        Flow::jump_if(!found, self.empty)
    }
}

impl Exec for GroupNext {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let found = with_groups(vm, self.cursor, |groups, frame| {
            groups.at += 1;
            Ok(groups.load(self.dest, frame))
        })?;
        Flow::jump_if(found, self.target)
    }
}

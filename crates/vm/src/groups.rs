//! Groups of GROUP BY, found by their keys: rows need not be sorted to be folded, only the groups.
//!
//! A group is what its registers hold while its rows are fed in: aggregates (objects of their registers) and values beside
//! them. One group is loaded at a time; going to another one swaps both contents, so nothing is copied and an instruction that
//! works on a loaded group knows nothing of this.
//!
//! Once the connection's temporary space has no memory left, no group is added: the program keeps the rows of other groups in
//! a sorter, folds them from there, and takes the groups from both in the order of their keys.

use std::cmp::Ordering;
use std::sync::Arc;

use turso_error::Result;
use turso_program::sorter::{GroupFind, GroupNext, GroupOpen, GroupSort};
use turso_program::{CursorId, Program, Regs};
use turso_storage::TempSpace;
use turso_value::{KeyInfo, Value};

use crate::cursors::Cursor;
use crate::dispatch::{Exec, Flow};
use crate::frame::{Frame, Object};
use crate::keyset::KeySet;
use crate::run::internal;
use crate::share::Share;
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
    share: Share,
    /// Bytes behind the keys and states.
    behind: usize,
    /// No group is added any more.
    full: bool,
}

/// About what an aggregate's object takes, and what its state has behind it.
const OBJECT_BYTES: usize = 96;

impl Groups {
    fn new(info: Arc<KeyInfo>, states: Regs, space: Option<Arc<TempSpace>>) -> Self {
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
            share: Share::new(space),
            behind: 0,
            full: false,
        }
    }

    fn clear(&mut self) {
        if self.share.has_claimed() {
            self.keys = KeySet::new(self.info.clone(), None);
            (self.key_values, self.values, self.objects) = (Vec::new(), Vec::new(), Vec::new());
            self.share.give_back();
        }
        self.behind = 0;
        self.full = false;
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

    /// Loads the group with this key, a new one where there is none.
    #[inline]
    fn find(&mut self, key: Regs, frame: &mut Frame) -> Result<Find> {
        let values = frame.registers.block(key);
        let (group, new) = match self.full {
            false => self.keys.number(values)?,
            true => match self.keys.find(values) {
                Some(group) => (group, false),
                None => return Ok(Find::Full),
            },
        };
        if new {
            self.key_values.extend_from_slice(values);
            let width = self.states.count as usize;
            self.values.resize((group + 1) * width, Value::Null);
            self.objects.resize_with((group + 1) * width, Object::default);
            self.behind += width * OBJECT_BYTES;
            self.behind += values.iter().filter_map(Value::bytes).map(<[u8]>::len).sum::<usize>();
            if !self.share.holds(self.memory()) {
                self.full = !self.share.grow(self.memory());
            }
        }
        if self.loaded != Some(group) {
            self.swap(frame);
            self.loaded = Some(group);
            self.swap(frame);
        }
        Ok(if new { Find::New } else { Find::Known })
    }

    /// About how many bytes of memory the groups take.
    #[inline]
    fn memory(&self) -> usize {
        self.keys.memory()
            + (self.key_values.capacity() + self.values.capacity()) * size_of::<Value>()
            + self.objects.capacity() * size_of::<Object>()
            + self.behind
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

    fn compare(&self, a: &[Value], b: &[Value]) -> Ordering {
        let columns = a.iter().zip(b).enumerate();
        let mut orders = columns.map(|(i, (a, b))| match (a, b) {
            (Value::Integer(a), Value::Integer(b)) if a == b => Ordering::Equal,
            (a, b) => self.info.compare_values(i, a.as_ref(), b.as_ref()),
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    fn sort(&mut self, frame: &mut Frame) {
        self.unload(frame);
        let mut order: Vec<u32> = (0..self.count() as u32).collect();
        order.sort_unstable_by(|a, b| {
            let (a, b) = (self.key_of(*a as usize), self.key_of(*b as usize));
            self.compare(a, b)
        });
        self.order = order;
        self.at = 0;
    }

    fn unload(&mut self, frame: &mut Frame) {
        self.swap(frame);
        self.loaded = None;
    }

    /// Loads the group at the place in hand, and goes behind it; false past the last one, and where its key is not before that
    /// in `before`.
    fn next(&mut self, dest: Regs, before: Regs, frame: &mut Frame) -> bool {
        self.unload(frame);
        let Some(&group) = self.order.get(self.at) else { return false };
        let group = group as usize;
        if before.count > 0 && self.compare(self.key_of(group), frame.registers.block(before)).is_ge() {
            return false;
        }
        self.loaded = Some(group);
        self.at += 1;
        self.swap(frame);
        let width = self.info.columns.len();
        if let Some(key) = self.key_values.get_mut(group * width..(group + 1) * width) {
            frame.registers.block_mut(dest).swap_with_slice(key);
        }
        true
    }
}

/// What came of a search.
enum Find {
    Known,
    New,
    /// There is none, and no memory for another one.
    Full,
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
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        match &mut vm.frame.cursors[self.cursor.index()] {
            Cursor::Groups(groups) if Arc::ptr_eq(&groups.info, &self.key) => groups.clear(),
            slot => {
                let groups = Groups::new(self.key.clone(), self.states, host.temporary_space());
                *slot = Cursor::Groups(Box::new(groups));
            }
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for GroupFind {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        match with_groups(vm, self.cursor, |groups, frame| groups.find(self.key, frame))? {
            Find::Known => Ok(Flow::jump(self.known)),
            Find::New => Ok(Flow::NEXT),
            Find::Full => Ok(Flow::jump(self.full)),
        }
    }
}

impl Exec for GroupSort {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        with_groups(vm, self.cursor, |groups, frame| {
            groups.sort(frame);
            Ok(())
        })?;
        Ok(Flow::NEXT)
    }
}

impl Exec for GroupNext {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let found = with_groups(vm, self.cursor, |groups, frame| Ok(groups.next(self.dest, self.before, frame)))?;
        Flow::jump_if(found, self.target)
    }
}

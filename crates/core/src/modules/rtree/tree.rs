//! The tree: where an entry goes, how a full node is split, how an entry leaves.
//!
//! Heights count from the leaves: a leaf is at 0, the root at its depth. An entry of height 0 is a row; one of height h is a
//! child whose own entries have height h - 1.

use turso_error::{Error, Result, ResultCode};
use turso_value::Value;

use super::node::{Bounds, Entry, Layout, MAX_DEPTH, Node, around, around_all};
use super::store::{Sql, Store};
use crate::connection::State;

const ROOT: i64 = 1;

pub(super) struct Tree {
    pub layout: Layout,
    pub store: Store,
}

/// The position of the entry with this id.
fn position(node: &Node, id: i64) -> Result<usize> {
    node.entries.iter().position(|e| e.id == id).ok_or_else(super::damaged)
}

impl Tree {
    fn read(&self, state: &mut State, no: i64) -> Result<Node> {
        match self.store.get(state, Sql::ReadNode, &[Value::Integer(no)])? {
            Value::Blob(bytes) => self.layout.decode(no, &bytes).ok_or_else(super::damaged),
            _ => Err(super::damaged()),
        }
    }

    fn write(&self, state: &mut State, node: &Node) -> Result<()> {
        let bytes = Value::Blob(self.layout.encode(node));
        self.store.get(state, Sql::WriteNode, &[Value::Integer(node.no), bytes])?;
        // As in SQLite the application can see which node was written last.
        state.environment.counters.last_insert_rowid = node.no;
        Ok(())
    }

    /// An id that no entry has.
    pub fn next_rowid(&self, state: &mut State) -> Result<i64> {
        self.store.get(state, Sql::NewRowid, &[]).map(|id| id.to_integer())
    }

    fn next_node(&self, state: &mut State) -> Result<i64> {
        match self.store.get(state, Sql::LastNode, &[])? {
            Value::Integer(last) => last.checked_add(1).ok_or_else(|| Error::from_code(ResultCode::FULL)),
            _ => Err(super::damaged()),
        }
    }

    /// Note in which node an entry of this height lies.
    fn place(&self, state: &mut State, entry: i64, height: usize, node: i64) -> Result<()> {
        let sql = if height == 0 { Sql::WriteRowid } else { Sql::WriteParent };
        self.store.get(state, sql, &[Value::Integer(entry), Value::Integer(node)]).map(drop)
    }

    // ---- Insertion ----------------------------------------------------------------------------------------------------

    /// Add a row.
    pub fn insert(&self, state: &mut State, entry: Entry) -> Result<()> {
        self.insert_at(state, entry, 0)
    }

    /// Add an entry to a node of the given height.
    fn insert_at(&self, state: &mut State, entry: Entry, height: usize) -> Result<()> {
        // From the root down to the node that takes it.
        let mut path = vec![self.read(state, ROOT)?];
        let depth = path[0].depth;
        if height > depth || depth > MAX_DEPTH {
            return Err(super::damaged());
        }
        for _ in height..depth {
            let Some(node) = path.last() else { return Err(super::damaged()) };
            let child = self.choose(node, &entry.bounds).ok_or_else(super::damaged)?;
            path.push(self.read(state, child)?);
        }
        let mut node = path.pop().ok_or_else(super::damaged)?;
        self.place(state, entry.id, height, node.no)?;
        node.entries.push(entry);
        // And up again: boxes grow, full nodes are split.
        let mut height = height;
        loop {
            if node.entries.len() <= self.layout.capacity() {
                self.write(state, &node)?;
                return self.grow(state, path, node.no, around_all(&node.entries));
            }
            let (left, right) = self.split(std::mem::take(&mut node.entries));
            let (mut left, mut right) =
                (Node { no: node.no, depth: 0, entries: left }, Node { no: 0, depth: 0, entries: right });
            right.no = self.next_node(state)?;
            let is_root = node.no == ROOT;
            if is_root {
                left.no = right.no.checked_add(1).ok_or_else(super::damaged)?;
                self.write(state, &left)?;
                for entry in &left.entries {
                    self.place(state, entry.id, height, left.no)?;
                }
            }
            self.write(state, &right)?;
            for entry in &right.entries {
                self.place(state, entry.id, height, right.no)?;
            }
            let halves = [&left, &right].map(|n| Entry { id: n.no, bounds: around_all(&n.entries) });
            if is_root {
                for half in &halves {
                    self.place(state, half.id, height + 1, ROOT)?;
                }
                let root = Node { no: ROOT, depth: node.depth + 1, entries: halves.to_vec() };
                return self.write(state, &root);
            }
            self.write(state, &left)?;
            let mut parent = path.pop().ok_or_else(super::damaged)?;
            let at = position(&parent, left.no)?;
            parent.entries[at] = halves[0];
            parent.entries.push(halves[1]);
            self.place(state, right.no, height + 1, parent.no)?;
            node = parent;
            height += 1;
        }
    }

    /// The child whose box grows least, of equal ones the smallest.
    fn choose(&self, node: &Node, bounds: &Bounds) -> Option<i64> {
        let cost = |entry: &Entry| {
            let area = self.layout.area(&entry.bounds);
            (self.layout.area(&around(&entry.bounds, bounds)) - area, area)
        };
        let mut best: Option<(i64, (f64, f64))> = None;
        for entry in &node.entries {
            let cost = cost(entry);
            if best.is_none_or(|(_, least)| cost < least) {
                best = Some((entry.id, cost));
            }
        }
        // Boxes without measure (infinite, or not comparable) are as good as any.
        best.map(|(id, _)| id).or_else(|| node.entries.first().map(|e| e.id))
    }

    /// The boxes above a node become what they must be.
    fn grow(&self, state: &mut State, mut path: Vec<Node>, mut child: i64, mut bounds: Bounds) -> Result<()> {
        while let Some(mut parent) = path.pop() {
            let at = position(&parent, child)?;
            if parent.entries[at].bounds == bounds {
                return Ok(());
            }
            parent.entries[at].bounds = bounds;
            self.write(state, &parent)?;
            (child, bounds) = (parent.no, around_all(&parent.entries));
        }
        Ok(())
    }

    /// Two nodes out of one that is too full, as the R*-tree does it: along the axis whose halves have the shortest sides,
    /// where they overlap least.
    fn split(&self, mut entries: Vec<Entry>) -> (Vec<Entry>, Vec<Entry>) {
        let count = entries.len();
        let least = self.layout.least().clamp(1, count / 2);
        let mut best: Option<(f64, Vec<Entry>)> = None;
        for bound in 0..self.layout.dimensions * 2 {
            let other = bound ^ 1;
            entries.sort_by(|a, b| {
                a.bounds[bound].total_cmp(&b.bounds[bound]).then(a.bounds[other].total_cmp(&b.bounds[other]))
            });
            let margins = self.halves(&entries, least).map(|(_, a, b)| self.layout.margin(&a) + self.layout.margin(&b));
            let sum: f64 = margins.sum();
            if best.as_ref().is_none_or(|(least, _)| sum < *least) {
                best = Some((sum, entries.clone()));
            }
        }
        let mut sorted = best.map_or(entries, |(_, sorted)| sorted);
        let mut choice: Option<((f64, f64), usize)> = None;
        for (at, a, b) in self.halves(&sorted, least) {
            let cost = (self.layout.overlap(&a, &b), self.layout.area(&a) + self.layout.area(&b));
            if choice.is_none_or(|(least, _)| cost < least) {
                choice = Some((cost, at));
            }
        }
        let right = sorted.split_off(choice.map_or(count / 2, |(_, at)| at));
        (sorted, right)
    }

    /// The ways to cut a sorted list, with the boxes of both parts.
    fn halves(&self, entries: &[Entry], least: usize) -> impl Iterator<Item = (usize, Bounds, Bounds)> {
        let mut before = Vec::with_capacity(entries.len());
        let mut after = vec![[0.0; super::MAX_DIMENSIONS * 2]; entries.len()];
        for entry in entries {
            before.push(before.last().map_or(entry.bounds, |b: &Bounds| around(b, &entry.bounds)));
        }
        for (i, entry) in entries.iter().enumerate().rev() {
            after[i] = after.get(i + 1).map_or(entry.bounds, |b| around(b, &entry.bounds));
        }
        (least..=entries.len() - least).map(move |at| (at, before[at - 1], after[at]))
    }

    // ---- Deletion -----------------------------------------------------------------------------------------------------

    /// Remove a row, if it is there.
    pub fn delete(&self, state: &mut State, id: i64) -> Result<()> {
        let leaf = match self.store.get(state, Sql::ReadRowid, &[Value::Integer(id)])? {
            Value::Integer(leaf) => leaf,
            Value::Null => return Ok(()),
            _ => return Err(super::damaged()),
        };
        self.store.get(state, Sql::DeleteRowid, &[Value::Integer(id)])?;
        // From the leaf up to the root, then turned round.
        let mut path = vec![self.read(state, leaf)?];
        while let Some(no) = path.last().map(|n| n.no).filter(|no| *no != ROOT) {
            if path.len() > MAX_DEPTH {
                return Err(super::damaged());
            }
            match self.store.get(state, Sql::ReadParent, &[Value::Integer(no)])? {
                Value::Integer(parent) => path.push(self.read(state, parent)?),
                _ => return Err(super::damaged()),
            }
        }
        path.reverse();
        if path[0].depth + 1 != path.len() {
            return Err(super::damaged());
        }
        let mut node = path.pop().ok_or_else(super::damaged)?;
        let at = position(&node, id)?;
        node.entries.remove(at);
        // What nodes that are dissolved leave behind, with its height.
        let mut homeless: Vec<(Entry, usize)> = Vec::new();
        let mut height = 0;
        while node.no != ROOT && node.entries.len() < self.layout.least().max(1) {
            let mut parent = path.pop().ok_or_else(super::damaged)?;
            let at = position(&parent, node.no)?;
            parent.entries.remove(at);
            self.store.get(state, Sql::DeleteNode, &[Value::Integer(node.no)])?;
            self.store.get(state, Sql::DeleteParent, &[Value::Integer(node.no)])?;
            homeless.extend(node.entries.drain(..).map(|entry| (entry, height)));
            node = parent;
            height += 1;
        }
        if node.no == ROOT && node.entries.is_empty() {
            // The highest of those without a home are the root's entries from now on.
            node.depth = homeless.iter().map(|(_, height)| *height).max().unwrap_or(0);
        }
        self.write(state, &node)?;
        self.grow(state, path, node.no, around_all(&node.entries))?;
        for (entry, height) in homeless.into_iter().rev() {
            self.insert_at(state, entry, height)?;
        }
        self.lower_root(state)
    }

    /// A root with one child takes the child's place.
    fn lower_root(&self, state: &mut State) -> Result<()> {
        loop {
            let root = self.read(state, ROOT)?;
            let ([only], 1..) = (root.entries.as_slice(), root.depth) else { return Ok(()) };
            let child = self.read(state, only.id)?;
            let depth = root.depth - 1;
            for entry in &child.entries {
                self.place(state, entry.id, depth, ROOT)?;
            }
            self.store.get(state, Sql::DeleteNode, &[Value::Integer(child.no)])?;
            self.store.get(state, Sql::DeleteParent, &[Value::Integer(child.no)])?;
            self.write(state, &Node { no: ROOT, depth, entries: child.entries })?;
        }
    }
}

//! Scans: depth first, from the nodes whose boxes the conditions leave possible.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_value::Value;
use turso_vtab::{Argument, Cursor, Output, Session};

use super::node::{Bounds, Entry, MAX_DEPTH};
use super::store::Sql;
use super::tree::Tree;
use super::{BY_ROWID, LETTERS};
use crate::connection::State;
use crate::statement::{InnerStatement, StepResult};

/// A condition on a coordinate.
struct Condition {
    coordinate: usize,
    letter: char,
    value: f64,
}

impl Condition {
    /// Can an entry inside of this box meet the condition?
    fn may_hold(&self, bounds: &Bounds, is_row: bool) -> bool {
        let (low, high) = match is_row {
            true => (bounds[self.coordinate], bounds[self.coordinate]),
            false => (bounds[self.coordinate & !1], bounds[self.coordinate | 1]),
        };
        match self.letter {
            'A' => low <= self.value && self.value <= high,
            'B' => low <= self.value,
            'C' => low < self.value,
            'D' => high >= self.value,
            _ => high > self.value,
        }
    }
}

/// A node of which entries are still to be visited, the next one last.
struct Level {
    entries: Vec<Entry>,
    height: usize,
}

/// A query that is run again and again, and may be waiting in the middle.
#[derive(Default)]
struct Reader {
    statement: Option<InnerStatement>,
    running: bool,
}

impl Reader {
    /// The row that the query has for this key. Restartable: after a wait it goes on where it was.
    fn read(&mut self, state: &mut State, sql: impl FnOnce() -> String, key: i64) -> Result<Vec<Value>> {
        if self.statement.is_none() {
            self.statement = Some(InnerStatement::prepare(state, &sql())?);
        }
        let Some(statement) = &mut self.statement else { return Ok(Vec::new()) };
        if !self.running {
            statement.bind(1, Value::Integer(key));
            self.running = true;
        }
        let row = match statement.step(state) {
            Err(Error::Pending) => return Err(Error::Pending),
            Ok(StepResult::Row) => Ok(statement.row().to_vec()),
            Ok(StepResult::Done) => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        statement.close(state);
        self.running = false;
        row
    }

    fn close(&mut self, state: &mut State) {
        if let Some(statement) = &mut self.statement {
            statement.close(state);
        }
        self.running = false;
    }
}

pub(super) struct Scan {
    tree: Arc<Tree>,
    name: String,
    conditions: Vec<Condition>,
    /// Of a search by rowid: the one wanted, and the leaf where it is.
    wanted: Option<i64>,
    leaf: Option<i64>,
    /// Nodes to be read next: number and height; `None` for the root's, which it knows itself.
    to_read: Option<(i64, Option<usize>)>,
    levels: Vec<Level>,
    row: Option<Entry>,
    auxiliary: Option<Vec<Value>>,
    nodes: Reader,
    leaves: Reader,
    columns: Reader,
}

impl Scan {
    pub fn new(tree: Arc<Tree>, name: String) -> Self {
        Self {
            tree,
            name,
            conditions: Vec::new(),
            wanted: None,
            leaf: None,
            to_read: None,
            levels: Vec::new(),
            row: None,
            auxiliary: None,
            nodes: Reader::default(),
            leaves: Reader::default(),
            columns: Reader::default(),
        }
    }

    /// Go to the next row. What has been read is not read again after a wait.
    fn advance(&mut self, state: &mut State) -> Result<()> {
        if let (Some(wanted), None) = (self.wanted, self.leaf) {
            let found = self.leaves.read(state, || self.tree.store.text(Sql::ReadRowid), wanted)?;
            let Some(Value::Integer(leaf)) = found.first() else {
                self.to_read = None;
                self.row = None;
                return Ok(());
            };
            self.leaf = Some(*leaf);
            self.to_read = Some((*leaf, Some(0)));
        }
        loop {
            if let Some((no, height)) = self.to_read {
                let found = self.nodes.read(state, || self.tree.store.text(Sql::ReadNode), no)?;
                let node = match found.first() {
                    Some(Value::Blob(bytes)) => self.tree.layout.decode(no, bytes),
                    _ => None,
                };
                let node = node.ok_or_else(|| super::damaged(&self.name))?;
                self.to_read = None;
                let height = height.unwrap_or(node.depth);
                if self.levels.len() > MAX_DEPTH {
                    return Err(super::damaged(&self.name));
                }
                let mut entries = node.entries;
                entries.retain(|entry| match self.wanted {
                    Some(wanted) => entry.id == wanted,
                    None => self.conditions.iter().all(|c| c.may_hold(&entry.bounds, height == 0)),
                });
                entries.reverse();
                self.levels.push(Level { entries, height });
            }
            let Some(level) = self.levels.last_mut() else {
                self.row = None;
                return Ok(());
            };
            match (level.entries.pop(), level.height.checked_sub(1)) {
                (None, _) => {
                    self.levels.pop();
                }
                (Some(entry), None) => {
                    self.row = Some(entry);
                    self.auxiliary = None;
                    return Ok(());
                }
                (Some(entry), Some(below)) => self.to_read = Some((entry.id, Some(below))),
            }
        }
    }
}

impl Cursor for Scan {
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        text: Option<&str>,
        arguments: &[Argument],
    ) -> Result<()> {
        let state = super::super::state_of(session)?;
        // A filter that waited in the middle goes on; one that begins anew forgets what was.
        let resumed = self.nodes.running || self.leaves.running;
        if !resumed {
            (self.wanted, self.leaf, self.row) = (None, None, None);
            self.levels.clear();
            self.conditions.clear();
            let values = arguments.iter().map(Argument::value);
            if number == BY_ROWID {
                match values.into_iter().next() {
                    Some(Value::Integer(id)) => self.wanted = Some(*id),
                    Some(Value::Real(real)) if *real == (*real as i64) as f64 => self.wanted = Some(*real as i64),
                    Some(Value::Text(_)) => self.wanted = arguments.first().map(|a| a.value().to_integer()),
                    _ => return Ok(()),
                }
            } else {
                let mut marks = text.unwrap_or("").chars();
                for value in values {
                    let (Some(letter), Some(digit)) = (marks.next(), marks.next()) else { break };
                    let known = LETTERS.iter().any(|(_, known)| *known == letter);
                    match value {
                        // Nothing compares to NULL.
                        Value::Null => return Ok(()),
                        Value::Integer(_) | Value::Real(_) if known => self.conditions.push(Condition {
                            coordinate: (digit as usize).wrapping_sub('0' as usize).min(super::MAX_DIMENSIONS * 2 - 1),
                            letter,
                            value: value.to_real(),
                        }),
                        _ => {}
                    }
                }
            }
            self.to_read = self.wanted.is_none().then_some((1, None));
        }
        self.advance(state)
    }

    fn next(&mut self, session: &mut dyn Session) -> Result<()> {
        self.advance(super::super::state_of(session)?)
    }

    fn at_end(&self) -> bool {
        self.row.is_none()
    }

    fn column(&mut self, session: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let Some(row) = &self.row else { return Ok(()) };
        let coordinates = self.tree.layout.dimensions * 2;
        *output.value = match index.checked_sub(1) {
            None => Value::Integer(row.id),
            Some(at) if at < coordinates => self.tree.layout.numbers.value(row.bounds[at]),
            Some(at) => {
                if self.auxiliary.is_none() {
                    let state = super::super::state_of(session)?;
                    let id = row.id;
                    self.auxiliary = Some(self.columns.read(state, || self.tree.store.auxiliary_query(), id)?);
                }
                let found = self.auxiliary.as_ref().and_then(|values| values.get(at - coordinates));
                found.cloned().unwrap_or_default()
            }
        };
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.row.map_or(0, |row| row.id))
    }

    fn close(&mut self, session: &mut dyn Session) {
        if let Ok(state) = super::super::state_of(session) {
            for reader in [&mut self.nodes, &mut self.leaves, &mut self.columns] {
                reader.close(state);
            }
        }
    }
}

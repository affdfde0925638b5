//! Scans: depth first, from the nodes whose boxes the conditions leave possible.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_value::Value;
use turso_vtab::{Argument, Cursor, Output, Session};

use super::node::{Bounds, Entry, Node};
use super::shape::{Call, Element, Search, Verdict, Within};
use super::store::Sql;
use super::tree::Tree;
use super::{BY_ROWID, LETTERS, MATCH};
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

/// The level of the root before it has been read.
const UNKNOWN: usize = usize::MAX;

/// What a search still has to look at.
struct Open {
    /// 0 for a row, 1 for a leaf, and so on.
    level: usize,
    found: Verdict,
    what: What,
}

enum What {
    Row(Entry),
    /// A node that has not been read.
    Node(i64),
    /// The entries of a node that have not been looked at.
    Entries(std::vec::IntoIter<Entry>),
}

/// Everything is wanted that a search by conditions has not put aside.
const ANYTHING: Verdict = Verdict { within: Within::Partly, score: 0.0 };

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
    conditions: Vec<Condition>,
    shapes: Vec<Box<dyn Search>>,
    /// Of a search by rowid: the one wanted, and the leaf where it is.
    wanted: Option<i64>,
    leaf: Option<i64>,
    /// What comes next last.
    open: Vec<Open>,
    /// How many of these there are on each level, for shapes.
    waiting: Vec<u32>,
    root_level: usize,
    row: Option<Entry>,
    auxiliary: Option<Vec<Value>>,
    nodes: Reader,
    leaves: Reader,
    columns: Reader,
}

impl Scan {
    pub fn new(tree: Arc<Tree>) -> Self {
        Self {
            tree,
            conditions: Vec::new(),
            shapes: Vec::new(),
            wanted: None,
            leaf: None,
            open: Vec::new(),
            waiting: Vec::new(),
            root_level: 0,
            row: None,
            auxiliary: None,
            nodes: Reader::default(),
            leaves: Reader::default(),
            columns: Reader::default(),
        }
    }

    /// Put something where its turn is: least score first, of equal ones what is nearest to the rows, then as they came.
    fn push(&mut self, next: Open) {
        let order = |other: &Open| other.found.score.total_cmp(&next.found.score).then(other.level.cmp(&next.level));
        let at = self.open.partition_point(|other| order(other).is_gt());
        if let Some(count) = self.waiting.get_mut(next.level) {
            *count += 1;
        }
        self.open.insert(at, next);
    }

    fn pop(&mut self) {
        if let Some(open) = self.open.pop()
            && let Some(count) = self.waiting.get_mut(open.level)
        {
            *count -= 1;
        }
    }

    /// Go to the next row. What has been read is not read again after a wait.
    fn advance(&mut self, session: &mut dyn Session) -> Result<()> {
        self.row = None;
        if let (Some(wanted), None) = (self.wanted, self.leaf) {
            let state = super::super::state_of(session)?;
            let found = self.leaves.read(state, || self.tree.store.text(Sql::ReadRowid), wanted)?;
            let Some(Value::Integer(leaf)) = found.first() else {
                self.open.clear();
                return Ok(());
            };
            self.leaf = Some(*leaf);
            self.open.push(Open { level: 1, found: ANYTHING, what: What::Node(*leaf) });
        }
        while let Some(next) = self.open.last_mut() {
            let (level, found) = (next.level, next.found);
            match &mut next.what {
                What::Row(entry) => {
                    self.row = Some(*entry);
                    self.auxiliary = None;
                    self.pop();
                    return Ok(());
                }
                What::Node(no) => {
                    let no = *no;
                    let node = self.read_node(session, no)?;
                    if let Some(next) = self.open.last_mut() {
                        // Of the root only: a damaged tree may lead to it again from below.
                        if level == UNKNOWN {
                            next.level = node.depth + 1;
                            self.root_level = node.depth + 1;
                            self.waiting = vec![0; node.depth + 2];
                            self.waiting[node.depth + 1] = 1;
                        }
                        next.what = What::Entries(node.entries.into_iter());
                    }
                }
                What::Entries(entries) => match (entries.next(), level.checked_sub(1)) {
                    (Some(entry), Some(below)) => {
                        if let Some(found) = self.judge(session, &entry, below, found)? {
                            let what = if below == 0 { What::Row(entry) } else { What::Node(entry.id) };
                            self.push(Open { level: below, found, what });
                        }
                    }
                    _ => self.pop(),
                },
            }
        }
        Ok(())
    }

    fn read_node(&mut self, session: &mut dyn Session, no: i64) -> Result<Node> {
        let state = super::super::state_of(session)?;
        let found = self.nodes.read(state, || self.tree.store.text(Sql::ReadNode), no)?;
        let node = match found.first() {
            Some(Value::Blob(bytes)) => self.tree.layout.decode(no, bytes),
            _ => None,
        };
        node.ok_or_else(super::damaged)
    }

    /// What the conditions and shapes say of an entry; `None`: it is not wanted.
    fn judge(
        &mut self,
        session: &mut dyn Session,
        entry: &Entry,
        level: usize,
        parent: Verdict,
    ) -> Result<Option<Verdict>> {
        if let Some(wanted) = self.wanted {
            return Ok((entry.id == wanted).then_some(ANYTHING));
        }
        if !self.conditions.iter().all(|c| c.may_hold(&entry.bounds, level == 0)) {
            return Ok(None);
        }
        let mut found: Option<Verdict> = None;
        for shape in &mut self.shapes {
            let element = Element {
                coordinates: &entry.bounds[..self.tree.layout.dimensions * 2],
                id: entry.id,
                level,
                root_level: self.root_level,
                parent,
                waiting: &self.waiting,
            };
            let verdict = shape.judge(session, &element)?;
            if verdict.within == Within::Not {
                return Ok(None);
            }
            // What one shape holds in part is not wholly inside of all.
            found = Some(match found {
                None => verdict,
                Some(known) => Verdict {
                    within: if known.within == Within::Fully { verdict.within } else { known.within },
                    score: known.score.min(verdict.score),
                },
            });
        }
        Ok(Some(found.unwrap_or(ANYTHING)))
    }
}

/// The search of the shape that an argument of MATCH is.
fn search(argument: &Argument, coordinates: usize) -> Result<Box<dyn Search>> {
    let call = match argument {
        Argument::Object(object) => object.downcast_ref::<Call>(),
        _ => None,
    };
    let Some(call) = call else { return Err(Error::from_code(ResultCode::ERROR)) };
    Ok(call.shape.search(&call.parameters, coordinates))
}

impl Cursor for Scan {
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        text: Option<&str>,
        arguments: &[Argument],
    ) -> Result<()> {
        // A filter that waited in the middle goes on; one that begins anew forgets what was.
        let resumed = self.nodes.running || self.leaves.running;
        if !resumed {
            (self.wanted, self.leaf, self.row) = (None, None, None);
            self.open.clear();
            self.waiting.clear();
            self.conditions.clear();
            self.shapes.clear();
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
                for (argument, value) in arguments.iter().zip(values) {
                    let (Some(letter), Some(digit)) = (marks.next(), marks.next()) else { break };
                    if letter == MATCH {
                        self.shapes.push(search(argument, self.tree.layout.dimensions * 2)?);
                        continue;
                    }
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
            if self.wanted.is_none() {
                self.open.push(Open { level: UNKNOWN, found: ANYTHING, what: What::Node(1) });
            }
        }
        self.advance(session)
    }

    fn next(&mut self, session: &mut dyn Session) -> Result<()> {
        self.advance(session)
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
        self.shapes.clear();
        if let Ok(state) = super::super::state_of(session) {
            for reader in [&mut self.nodes, &mut self.leaves, &mut self.columns] {
                reader.close(state);
            }
        }
    }
}

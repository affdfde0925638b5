//! Several changesets combined into one.

use std::sync::Arc;

use turso_core::{Connection, Error, Result, ResultCode, Value};

use crate::format::{Change, Field, Kind, Operation, TableHeader};
use crate::input::Input;
use crate::keys::Keys;
use crate::merge::{Merged, merge};
use crate::output::Output;
use crate::reader::{Reader, ReaderOptions};
use crate::shape::Shape;

/// Changes by table and key. All come from changesets, or all from patchsets.
#[derive(Default)]
pub struct Group {
    tables: Vec<GroupTable>,
    kind: Option<Kind>,
    /// The database whose tables the changes must fit.
    schema: Option<(Connection, String)>,
}

struct GroupTable {
    header: Arc<TableHeader>,
    /// The table of the database.
    shape: Option<Shape>,
    changes: Keys<Stored>,
}

/// A change, encoded.
struct Stored {
    operation: Operation,
    indirect: bool,
    records: Box<[u8]>,
}

impl Stored {
    fn new(change: &Change) -> Self {
        let mut output = Output::whole();
        change.write_records(&mut output);
        let records = std::mem::take(output.buffer()).into();
        Self { operation: change.operation, indirect: change.indirect, records }
    }

    fn change(&self, table: &Arc<TableHeader>) -> Result<Change> {
        let mut bytes = vec![u8::from(self.indirect)];
        bytes.extend_from_slice(&self.records);
        Change::read(table, self.operation as u8, &mut Input::whole(&bytes))
    }
}

impl Group {
    /// Nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only take changes that fit the tables of this database. Where a table has more columns than a change, the rest have
    /// their defaults. Not once there are changes (`SQLITE_MISUSE`).
    pub fn set_schema(&mut self, connection: &Connection, database: &str) -> Result<()> {
        if self.schema.is_some() || !self.tables.is_empty() {
            return Err(Error::from_code(ResultCode::MISUSE));
        }
        self.schema = Some((connection.clone(), database.to_owned()));
        Ok(())
    }

    /// A patchset comes out, or a changeset. Nothing happens once that is settled.
    pub fn set_patchset(&mut self, patchset: bool) {
        if self.tables.is_empty() {
            self.kind = Some(if patchset { Kind::Patchset } else { Kind::Changeset });
        }
    }

    /// A patchset comes out.
    pub fn is_patchset(&self) -> bool {
        self.kind == Some(Kind::Patchset)
    }

    /// Add all changes of a changeset.
    pub fn add(&mut self, input: Input<'_>) -> Result<()> {
        let mut reader = Reader::new(input, ReaderOptions::default());
        while let Some(change) = reader.next_change()? {
            self.add_change(change)?;
        }
        Ok(())
    }

    /// Add one change.
    pub fn add_change(&mut self, change: &Change) -> Result<()> {
        let kind = *self.kind.get_or_insert(change.table.kind);
        if kind != change.table.kind {
            return Err(Error::from_code(ResultCode::ERROR));
        }
        let at = match self.position(&change.table.name) {
            Some(at) => at,
            None => self.add_table(&change.table)?,
        };
        let Some(table) = self.tables.get_mut(at) else { return Ok(()) };
        if !fits(&change.table, &table.header, table.shape.is_some()) {
            return Err(Error::from_code(ResultCode::SCHEMA));
        }
        let change = match (&table.shape, &self.schema) {
            (Some(shape), Some((connection, _))) => &completed(change, table, shape, connection)?,
            _ => change,
        };
        table.add(change)
    }

    /// The place of a table that has changes.
    fn position(&self, name: &[u8]) -> Option<usize> {
        self.tables.iter().position(|table| table.header.name.eq_ignore_ascii_case(name))
    }

    fn add_table(&mut self, header: &Arc<TableHeader>) -> Result<usize> {
        let (header, shape) = match &self.schema {
            None => (header.clone(), None),
            Some(_) => {
                let shape = self.shape_of(&header.name)?.ok_or_else(|| Error::from_code(ResultCode::SCHEMA))?;
                let full = TableHeader { kind: header.kind, name: header.name.clone(), key: shape.key.clone() };
                (Arc::new(full), Some(shape))
            }
        };
        self.tables.push(GroupTable { header, shape, changes: Keys::default() });
        Ok(self.tables.len() - 1)
    }

    fn shape_of(&self, table: &[u8]) -> Result<Option<Shape>> {
        let Some((connection, database)) = &self.schema else { return Ok(None) };
        Shape::load(connection, database, &String::from_utf8_lossy(table), true)
    }

    /// Write all changes, table by table in the order of their first changes.
    pub fn write(&self, output: &mut Output<'_>) -> Result<()> {
        for table in self.tables.iter().filter(|table| !table.changes.is_empty()) {
            table.header.write(output);
            for (_, stored) in table.changes.iter() {
                output.byte(stored.operation as u8);
                output.byte(u8::from(stored.indirect));
                output.bytes(&stored.records);
                output.pause()?;
            }
        }
        Ok(())
    }

    /// All changes.
    pub fn changeset(&self) -> Result<Vec<u8>> {
        let mut output = Output::whole();
        self.write(&mut output)?;
        output.finish()
    }

    /// Begin a change that is told value by value; [`Group::finish_change`] adds it. The table must be known, from a changeset
    /// that was added or from the schema.
    pub fn begin_change(&mut self, operation: Operation, table: &str, indirect: bool) -> Result<PendingChange> {
        let at = match self.position(table.as_bytes()) {
            Some(at) => at,
            None => {
                let unknown = || Error::sql(format!("no such table: {table}"));
                let shape = self.shape_of(table.as_bytes())?.ok_or_else(unknown)?;
                let kind = *self.kind.get_or_insert(Kind::Changeset);
                let header = TableHeader { kind, name: table.as_bytes().to_vec(), key: shape.key.clone() };
                self.tables.push(GroupTable { header: Arc::new(header), shape: Some(shape), changes: Keys::default() });
                self.tables.len() - 1
            }
        };
        let header = self.tables.get(at).map(|table| table.header.clone());
        let header = header.ok_or_else(|| Error::from_code(ResultCode::INTERNAL))?;
        let record = |present: bool| if present { vec![None; header.column_count()] } else { Vec::new() };
        let (old, new) = (record(operation != Operation::Insert), record(operation != Operation::Delete));
        Ok(PendingChange(Change { table: header, operation, indirect, old, new }))
    }

    /// Add a change that was told value by value, if it is complete.
    pub fn finish_change(&mut self, pending: PendingChange) -> Result<()> {
        let change = pending.complete()?;
        self.add_change(&change)
    }
}

impl GroupTable {
    fn add(&mut self, change: &Change) -> Result<()> {
        let key = change.key_bytes();
        self.changes.reserve();
        // What stays comes to the front of its chain, as what is new does.
        let after = match self.changes.remove(&key) {
            None => Some(Stored::new(change)),
            Some(known) => match merge(known.change(&self.header)?, change) {
                Merged::Kept => Some(known),
                Merged::Replaced(change) => Some(Stored::new(&change)),
                Merged::Cancelled => None,
            },
        };
        if let Some(after) = after {
            self.changes.insert(key, after);
        }
        Ok(())
    }
}

/// The change's table is the group's one, or has fewer columns than the database's.
fn fits(change: &TableHeader, table: &TableHeader, may_be_shorter: bool) -> bool {
    let same_length = change.key.len() == table.key.len() || (may_be_shorter && change.key.len() < table.key.len());
    let (known, rest) = table.key.split_at(change.key.len().min(table.key.len()));
    same_length && known == change.key && rest.iter().all(|&position| position == 0)
}

/// A change with all columns of the database's table.
fn completed(change: &Change, table: &GroupTable, shape: &Shape, connection: &Connection) -> Result<Change> {
    let mut change = change.clone();
    for column in change.table.column_count()..table.header.column_count() {
        let default: Field = match change.operation {
            Operation::Update => None,
            _ => Some(shape.default_value(connection, column)?),
        };
        match change.operation {
            Operation::Insert => change.new.push(default),
            Operation::Delete => change.old.push(default),
            Operation::Update => {
                change.old.push(None);
                change.new.push(None);
            }
        }
    }
    change.table = table.header.clone();
    Ok(change)
}

/// A change that is told value by value.
#[derive(Debug)]
pub struct PendingChange(Change);

impl PendingChange {
    /// Tell a value of the row before or after. `SQLITE_ERROR`: the operation has no such row; `SQLITE_RANGE`: no such column.
    pub fn set(&mut self, new: bool, column: usize, value: Value) -> Result<()> {
        let record = if new { &mut self.0.new } else { &mut self.0.old };
        if record.is_empty() {
            return Err(Error::from_code(ResultCode::ERROR));
        }
        let field = record.get_mut(column).ok_or_else(|| Error::from_code(ResultCode::RANGE))?;
        *field = Some(value);
        Ok(())
    }

    fn complete(self) -> Result<Change> {
        let mut change = self.0;
        for column in 0..change.table.column_count() {
            match change.operation {
                Operation::Update => check_update(&change, column)?,
                _ => check_row(&change, column)?,
            }
        }
        if change.table.kind == Kind::Patchset {
            let table = change.table.clone();
            for (_, old) in change.old.iter_mut().enumerate().filter(|(column, _)| !table.is_key(*column)) {
                *old = None;
            }
        }
        Ok(change)
    }
}

/// A column of an INSERT or DELETE is told.
fn check_row(change: &Change, column: usize) -> Result<()> {
    let key_is_enough = change.operation == Operation::Delete && change.table.kind == Kind::Patchset;
    match change.key_record().get(column) {
        Some(Some(Value::Null)) if change.table.is_key(column) => Err(incomplete("null value in PK".into())),
        Some(None) if change.table.is_key(column) || !key_is_enough => {
            Err(incomplete(format!("column {column} is undefined")))
        }
        _ => Ok(()),
    }
}

/// A column of an UPDATE is told before and after, or neither; the key only before.
fn check_update(change: &Change, column: usize) -> Result<()> {
    let (old, new) = (change.old_field(column), change.new_field(column));
    let told = |record: &str, other: &str| {
        let what = format!("column {column} - old.* value is {record} but new.* is {other}");
        Err(incomplete(what))
    };
    match (old, new) {
        (None, _) if change.table.is_key(column) => Err(incomplete("undefined value in PK of old.* record".into())),
        (Some(Value::Null), _) if change.table.is_key(column) => Err(incomplete("null value in PK".into())),
        (_, Some(_)) if change.table.is_key(column) => Err(incomplete("defined value in PK of new.* record".into())),
        _ if change.table.is_key(column) || change.table.kind == Kind::Patchset => Ok(()),
        (Some(_), None) => told("defined", "undefined"),
        (None, Some(_)) => told("undefined", "defined"),
        _ => Ok(()),
    }
}

fn incomplete(what: String) -> Error {
    Error::sql(format!("invalid change: {what}"))
}

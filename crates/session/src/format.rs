//! Table headers, operations and values as bytes.
//!
//! ```text
//!  changeset := table*
//!  table     := 'T' | 'P'   columns: varint   key: one byte for each column   name NUL   change*
//!  change    := operation   indirect: 0 | 1   record                 (INSERT 18, DELETE 9)
//!             | operation   indirect: 0 | 1   record(old) record(new)  (UPDATE 23)
//!  record    := field*      one for each column
//!  field     := 0 | 1 i64 | 2 f64 | 3 length: varint bytes | 4 length: varint bytes | 5
//! ```
//!
//! Fields: undefined, integer and real (big-endian), text, blob, NULL. A key byte is the position of the column in the primary
//! key, from 1, or 0. An UPDATE says nothing of columns that stay; its new record says nothing of the key.
//!
//! A table that begins with 'P' is of a patchset: its DELETE has fields for the key's columns only, its UPDATE one record, of
//! the key and the new values.

use std::sync::Arc;

use turso_core::{Error, Result, ResultCode, Value, ValueRef};
use turso_value::varint;

use crate::input::Input;
use crate::output::Output;

/// What a change does; the numbers are SQLite's action codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    /// A row goes.
    Delete = 9,
    /// A row comes.
    Insert = 18,
    /// A row with the same key has other values.
    Update = 23,
}

impl Operation {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            9 => Self::Delete,
            18 => Self::Insert,
            23 => Self::Update,
            _ => return None,
        })
    }

    /// What undoes it.
    pub fn inverse(self) -> Self {
        match self {
            Self::Delete => Self::Insert,
            Self::Insert => Self::Delete,
            Self::Update => Self::Update,
        }
    }
}

/// Which of the two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// With the old values.
    Changeset = b'T',
    /// With the keys and new values only.
    Patchset = b'P',
}

/// A value, or nothing said about the column.
pub type Field = Option<Value>;

/// The table that changes belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableHeader {
    /// Its format.
    pub kind: Kind,
    /// Its name.
    pub name: Vec<u8>,
    /// For each column its position in the primary key, from 1, or 0.
    pub key: Vec<u8>,
}

/// Columns of a table that a changeset may have.
const MAX_COLUMNS: u64 = 65_536;

impl TableHeader {
    /// Number of columns.
    pub fn column_count(&self) -> usize {
        self.key.len()
    }

    /// The column belongs to the primary key.
    pub fn is_key(&self, column: usize) -> bool {
        self.key.get(column).is_some_and(|&position| position != 0)
    }

    /// The rest of a header whose first byte was read.
    pub(crate) fn read(kind: Kind, input: &mut Input<'_>) -> Result<Self> {
        let columns = input.varint()?;
        if columns == 0 || columns > MAX_COLUMNS {
            return Err(corrupt());
        }
        let key = input.take(columns as usize)?.to_vec();
        let name = input.take_until_nul()?;
        Ok(Self { kind, name, key })
    }

    /// Write the header, unless it is the one that was `written` last.
    pub(crate) fn begin(self: &Arc<Self>, written: &mut Option<Arc<Self>>, output: &mut Output<'_>) {
        if !written.as_ref().is_some_and(|written| Arc::ptr_eq(written, self)) {
            self.write(output);
            *written = Some(self.clone());
        }
    }

    pub(crate) fn write(&self, output: &mut Output<'_>) {
        output.byte(self.kind as u8);
        output.varint(self.key.len() as u64);
        output.bytes(&self.key);
        output.bytes(&self.name);
        output.byte(0);
    }
}

/// One change.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its table.
    pub table: Arc<TableHeader>,
    /// What it does.
    pub operation: Operation,
    /// Made by a trigger or a foreign key, or while the session was told so.
    pub indirect: bool,
    /// The row before; empty for an INSERT. A field for each column.
    pub old: Vec<Field>,
    /// The row after; empty for a DELETE. A field for each column.
    pub new: Vec<Field>,
}

impl Change {
    /// The rest of a change whose first byte was read.
    pub(crate) fn read(table: &Arc<TableHeader>, operation: u8, input: &mut Input<'_>) -> Result<Self> {
        let operation = Operation::from_byte(operation).ok_or_else(corrupt)?;
        let indirect = input.byte()? != 0;
        let patchset = table.kind == Kind::Patchset;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        match operation {
            Operation::Insert => new = read_record(table, input, false)?,
            Operation::Delete => old = read_record(table, input, patchset)?,
            Operation::Update if patchset => {
                new = read_record(table, input, false)?;
                old = vec![None; new.len()];
                for (column, field) in old.iter_mut().enumerate().filter(|(column, _)| table.is_key(*column)) {
                    *field = new.get_mut(column).and_then(Option::take);
                }
            }
            Operation::Update => {
                old = read_record(table, input, false)?;
                new = read_record(table, input, false)?;
            }
        }
        Ok(Self { table: table.clone(), operation, indirect, old, new })
    }

    pub(crate) fn write(&self, output: &mut Output<'_>) {
        output.byte(self.operation as u8);
        output.byte(u8::from(self.indirect));
        self.write_records(output);
    }

    /// The fields, without operation and indirect mark.
    pub(crate) fn write_records(&self, output: &mut Output<'_>) {
        let patchset = self.table.kind == Kind::Patchset;
        match self.operation {
            Operation::Insert => self.new.iter().for_each(|field| write_field(output, field.as_ref())),
            Operation::Delete => {
                let told = |column: &usize| !patchset || self.table.is_key(*column);
                for column in (0..self.old.len()).filter(told) {
                    write_field(output, self.old_field(column));
                }
            }
            Operation::Update if patchset => {
                for column in 0..self.table.column_count() {
                    let key = self.table.is_key(column);
                    write_field(output, if key { self.old_field(column) } else { self.new_field(column) });
                }
            }
            Operation::Update => {
                self.old.iter().chain(&self.new).for_each(|field| write_field(output, field.as_ref()));
            }
        }
    }

    /// The value before the change.
    pub fn old_field(&self, column: usize) -> Option<&Value> {
        self.old.get(column).and_then(Option::as_ref)
    }

    /// The value after the change.
    pub fn new_field(&self, column: usize) -> Option<&Value> {
        self.new.get(column).and_then(Option::as_ref)
    }

    /// The record that has the key.
    pub(crate) fn key_record(&self) -> &[Field] {
        if self.operation == Operation::Insert { &self.new } else { &self.old }
    }

    /// The values of the primary key as bytes.
    pub(crate) fn key_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (column, field) in self.key_record().iter().enumerate() {
            if self.table.is_key(column) {
                put_field(&mut out, field.as_ref());
            }
        }
        out
    }

    /// Nothing but the key is said: an UPDATE that changes nothing.
    pub(crate) fn is_empty_update(&self) -> bool {
        self.operation == Operation::Update && self.new.iter().all(Option::is_none)
    }
}

fn read_record(table: &TableHeader, input: &mut Input<'_>, key_only: bool) -> Result<Vec<Field>> {
    let mut record = Vec::with_capacity(table.column_count());
    for column in 0..table.column_count() {
        record.push(if key_only && !table.is_key(column) { None } else { read_field(input)? });
    }
    Ok(record)
}

fn read_field(input: &mut Input<'_>) -> Result<Field> {
    let eight = |input: &mut Input<'_>| {
        let bytes = input.take(8)?;
        Ok::<_, Error>(u64::from_be_bytes(bytes.try_into().unwrap_or_default()))
    };
    Ok(match input.byte()? {
        0 => None,
        1 => Some(Value::Integer(eight(input)? as i64)),
        2 => Some(Value::real(f64::from_bits(eight(input)?))),
        kind @ (3 | 4) => {
            let length = usize::try_from(input.varint()?).map_err(|_| corrupt())?;
            let bytes = input.take(length)?;
            Some(if kind == 3 { Value::text(bytes) } else { Value::blob(bytes) })
        }
        5 => Some(Value::Null),
        _ => return Err(corrupt()),
    })
}

/// Append a field.
pub(crate) fn put_field(out: &mut Vec<u8>, field: Option<&Value>) {
    let Some(value) = field else { return out.push(0) };
    match value.as_ref() {
        ValueRef::Null => out.push(5),
        ValueRef::Integer(i) => {
            out.push(1);
            out.extend_from_slice(&i.to_be_bytes());
        }
        ValueRef::Real(r) => {
            out.push(2);
            out.extend_from_slice(&r.to_bits().to_be_bytes());
        }
        ValueRef::Text(bytes) => put_bytes(out, 3, bytes),
        ValueRef::Blob(bytes) => put_bytes(out, 4, bytes),
    }
}

fn put_bytes(out: &mut Vec<u8>, kind: u8, bytes: &[u8]) {
    out.push(kind);
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn write_field(output: &mut Output<'_>, field: Option<&Value>) {
    put_field(output.buffer(), field);
}

/// Append a record: a field for each value.
pub(crate) fn put_record(out: &mut Vec<u8>, values: &[Value]) {
    values.iter().for_each(|value| put_field(out, Some(value)));
}

/// The values of a record that [`put_record`] has written.
pub(crate) fn read_values(bytes: &[u8]) -> Result<Vec<Value>> {
    let mut input = Input::whole(bytes);
    let mut values = Vec::new();
    while !input.is_at_end()? {
        values.push(read_field(&mut input)?.ok_or_else(corrupt)?);
    }
    Ok(values)
}

/// The bytes are no changeset.
#[cold]
pub(crate) fn corrupt() -> Error {
    Error::from_code(ResultCode::CORRUPT)
}

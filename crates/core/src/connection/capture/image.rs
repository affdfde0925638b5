//! Record images: a row as an ordinary record of all columns that are stored, in the order of the table.

use turso_error::{Error, Result};
use turso_parser::ast::Statement;
use turso_schema::{Table, define_table, parse_stored};
use turso_value::{Affinity, RecordReader, TextEncoding, Value, ValueRef, encode_record, record::encode_record_with};

use crate::connection::preupdate::row_values;

/// The image of a stored row. The rowid stands in its alias column; columns that were added later have their defaults.
pub(super) fn of_row(table: &Table, record: &[u8], rowid: Option<i64>, encoding: TextEncoding) -> Vec<u8> {
    if is_its_own_image(table, record) {
        return record.to_vec();
    }
    let mut values = row_values(table, record, rowid, encoding).into_iter().enumerate();
    let values: Vec<Value> =
        std::iter::from_fn(|| values.next()).filter(|(i, _)| !table.is_computed(*i)).map(|(_, value)| value).collect();
    let mut image = Vec::new();
    encode_record(&values, encoding, &mut image);
    image
}

/// The names of the columns in the images of a table that this CREATE TABLE statement describes. Nothing is run.
pub fn captured_columns(definition: &str) -> Result<Vec<String>> {
    let Statement::CreateTable(statement) = parse_stored(definition.as_bytes())? else {
        return Err(Error::sql("not the definition of a table"));
    };
    let table = define_table(&statement, definition.as_bytes(), definition)?;
    let stored = table.columns.iter().enumerate().filter(|(column, _)| !table.is_computed(*column));
    Ok(stored.map(|(_, column)| column.name.to_string()).collect())
}

/// True when the record as it is stored has every column in its place.
fn is_its_own_image(table: &Table, record: &[u8]) -> bool {
    let plain = |column: &turso_schema::Column| column.generated.is_none() && column.affinity != Affinity::Real;
    if !table.has_rowid() || table.rowid_alias.is_some() || !table.columns.iter().all(plain) {
        return false;
    }
    let Ok(mut reader) = RecordReader::new(record) else { return false };
    let mut fields = 0;
    while let Ok(Some(_)) = reader.next_raw() {
        fields += 1;
    }
    fields == table.columns.len()
}

/// The values of a record; what cannot be decoded is missing.
pub(super) fn decoded(record: &[u8], encoding: TextEncoding) -> Vec<Value> {
    let mut values = Vec::new();
    if let Ok(reader) = RecordReader::new(record) {
        let _ = reader.decode_all(encoding, &mut values);
    }
    values
}

/// The key of a row of a table WITHOUT ROWID, as a record.
pub(super) fn key_of(table: &Table, record: &[u8], encoding: TextEncoding) -> Vec<u8> {
    let mut values = decoded(record, encoding);
    values.truncate(table.primary_key_index().map_or(0, |primary| primary.columns.len()));
    let mut key = Vec::new();
    encode_record(&values, encoding, &mut key);
    key
}

/// For each column whether it changed, then the new values of those that did. `instead`: a column has this text in the place
/// of its new value, and counts as changed.
pub(super) fn updates(before: &[u8], after: &[u8], instead: Option<(usize, &[u8])>, encoding: TextEncoding) -> Vec<u8> {
    let (old, new) = (decoded(before, encoding), decoded(after, encoding));
    let is_told = |i: usize| instead.is_some_and(|(column, _)| column == i);
    let changed: Vec<bool> = new.iter().enumerate().map(|(i, value)| is_told(i) || old.get(i) != Some(value)).collect();
    let flags = changed.iter().map(|changed| ValueRef::Integer(i64::from(*changed)));
    let values = new.iter().zip(&changed).enumerate().map(|(i, (value, changed))| match instead {
        Some((_, text)) if is_told(i) => ValueRef::Text(text),
        _ if *changed => value.as_ref(),
        _ => ValueRef::Null,
    });
    let mut record = Vec::new();
    encode_record_with(flags.chain(values), encoding, true, &mut record);
    record
}

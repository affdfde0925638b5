//! The rows of a table, from its root.

use turso_core::{Result, Value};

use crate::cells::{Kind, Record};
use crate::pages::Pages;
use crate::sink::{Row, Sink, write_quoted};
use crate::walk::{PageSet, walk};

/// A column, and where it lies in the records.
#[derive(Debug)]
pub(crate) struct Column {
    pub name: String,
    /// The field; `None` where it is not stored.
    pub field: Option<usize>,
    /// It is computed: nobody inserts it.
    pub generated: bool,
    /// It is another name of the rowid.
    pub is_rowid: bool,
}

/// A table whose rows are looked for.
#[derive(Debug)]
pub(crate) struct Table {
    pub name: String,
    root: u32,
    kind: Kind,
    columns: Vec<Column>,
    /// The name by which the rowid is inserted, if it has to be.
    rowid: Option<&'static str>,
}

impl Table {
    pub fn new(name: String, root: u32, columns: Vec<Column>, without_rowid: bool) -> Self {
        let is_column = |alias: &str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(alias));
        let rowid = match without_rowid || columns.iter().any(|column| column.is_rowid) {
            true => None,
            false => ["_rowid_", "rowid", "oid"].into_iter().find(|alias| !is_column(alias)),
        };
        let kind = if without_rowid { Kind::Index } else { Kind::Table };
        Self { name, root, kind, columns, rowid }
    }

    /// `INSERT … (columns)` for records of so many fields; columns behind them get their defaults.
    fn head(&self, fields: usize) -> Vec<u8> {
        let mut head = b"INSERT OR IGNORE INTO ".to_vec();
        write_quoted(self.name.as_bytes(), &mut head);
        head.push(b'(');
        let mut first = true;
        if let Some(rowid) = self.rowid {
            head.extend_from_slice(rowid.as_bytes());
            first = false;
        }
        for column in self.inserted(fields) {
            if !std::mem::take(&mut first) {
                head.extend_from_slice(b", ");
            }
            write_quoted(column.name.as_bytes(), &mut head);
        }
        head.push(b')');
        head
    }

    fn inserted(&self, fields: usize) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |c| !c.generated && (c.is_rowid || c.field.is_some_and(|field| field < fields)))
    }

    fn values(&self, record: &mut Record, rowids: bool) -> Vec<Value> {
        let rowid = record.rowid.map_or(Value::Null, Value::Integer);
        let mut values = Vec::with_capacity(self.columns.len() + 1);
        if self.rowid.is_some() {
            values.push(if rowids { rowid.clone() } else { Value::Null });
        }
        let fields = record.fields.len();
        for column in self.inserted(fields) {
            values.push(match column.field.and_then(|field| record.fields.get_mut(field)) {
                _ if column.is_rowid => rowid.clone(),
                Some(field) => std::mem::take(field),
                None => Value::Null,
            });
        }
        values
    }
}

/// Hand over all rows that a table's tree leads to.
pub(crate) fn recover_table(
    pages: &mut dyn Pages,
    table: &Table,
    rowids: bool,
    used: &mut PageSet,
    sink: &mut dyn Sink,
) -> Result<()> {
    if table.name.eq_ignore_ascii_case("sqlite_sequence") {
        sink.statement(b"DELETE FROM sqlite_sequence")?;
    }
    // One statement serves all records with as many fields.
    let mut heads: Vec<Option<Vec<u8>>> = Vec::new();
    walk(pages, table.root, table.kind, used, |pages, page| {
        page.records(pages, |mut record| {
            let fields = record.fields.len().min(table.columns.len());
            if fields == 0 && !table.columns.iter().any(|column| column.is_rowid) {
                return Ok(());
            }
            heads.resize(heads.len().max(fields + 1), None);
            let head = heads[fields].get_or_insert_with(|| table.head(fields));
            record.fields.truncate(fields);
            let values = table.values(&mut record, rowids);
            sink.row(&Row { head, values: &values, one_line: true })
        })
    })
}

//! Indexes that could serve what was asked of tables.

use turso_core::{Connection, Result, Value};

use super::observe::Scan;
use super::{double_quote, rows, text_of};

/// An index: one that is there, or a candidate.
pub struct Index {
    pub name: String,
    pub table: String,
    pub columns: Vec<Column>,
    /// Its definition, if it is a candidate.
    definition: Option<String>,
}

/// A column of an index.
#[derive(Clone, PartialEq)]
pub struct Column {
    /// `None` for an expression.
    pub name: Option<String>,
    pub collation: String,
    pub descending: bool,
}

impl Column {
    /// The column as a term whose different values are counted.
    pub fn term(&self) -> String {
        match &self.name {
            Some(name) => format!("{} COLLATE {}", double_quote(name), double_quote(&self.collation)),
            None => "NULL".into(),
        }
    }

    fn is_same(&self, other: &Column) -> bool {
        self.name == other.name && self.collation.eq_ignore_ascii_case(&other.collation)
    }
}

/// All indexes, candidates behind those that are there.
pub struct Candidates {
    indexes: Vec<Index>,
}

impl Candidates {
    /// The indexes of a database.
    pub fn of_database(user: &Connection) -> Result<Self> {
        let mut indexes = Vec::new();
        let found = rows(user, "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' ORDER BY rowid", &[])?;
        for row in &found {
            let [name, table] = [0, 1].map(|i| row.get(i).and_then(text_of).unwrap_or_default());
            let sql = "SELECT name, coll, desc FROM pragma_index_xinfo(?1) WHERE key";
            let columns = rows(user, sql, &[Value::text(name.clone())])?;
            let column = |row: &Vec<Value>| Column {
                name: row.first().and_then(text_of),
                collation: row.get(1).and_then(text_of).unwrap_or_default(),
                descending: row.get(2).is_some_and(|desc| desc.to_integer() != 0),
            };
            indexes.push(Index { name, table, columns: columns.iter().map(column).collect(), definition: None });
        }
        Ok(Self { indexes })
    }

    /// All indexes.
    pub fn all(&self) -> &[Index] {
        &self.indexes
    }

    /// The definitions of the candidates, the newest first.
    pub fn definitions(&self) -> Vec<String> {
        self.indexes.iter().rev().filter_map(|index| index.definition.clone()).collect()
    }

    /// Definitions of the candidates that a line of a plan names.
    pub fn named_in(&self, line: &str) -> Vec<String> {
        let Some((_, rest)) = line.split_once(" INDEX ") else { return Vec::new() };
        let name = rest.split_once(" (").map_or(rest, |(name, _)| name);
        self.indexes.iter().filter(|index| index.name == name).filter_map(|index| index.definition.clone()).collect()
    }

    /// The candidates for a scan: its equal columns alone, then with each bound, then with its order.
    pub fn add(&mut self, user: &Connection, scan: &Scan) -> Result<()> {
        let columns =
            rows(user, "SELECT name, upper(type), pk FROM pragma_table_xinfo(?1)", &[Value::text(scan.table.clone())])?;
        let keys = columns.iter().filter(|row| row.get(2).is_some_and(|pk| pk.to_integer() > 0));
        let keys: Vec<_> = keys.filter_map(|row| Some((text_of(row.first()?)?, text_of(row.get(1)?)?))).collect();
        // The tree of the table itself is in the order of its rowid.
        let rowid = match keys.as_slice() {
            [(name, kind)] if kind == "INTEGER" => Some(name.clone()),
            _ => None,
        };
        let name = |column: u16| columns.get(usize::from(column)).and_then(|row| row.first()).and_then(text_of);
        let column =
            |number: u16, collation: String, descending: bool| Column { name: name(number), collation, descending };
        let mut equal: Vec<Column> = Vec::new();
        for (number, collation) in &scan.equal {
            let new = column(*number, collation.name().to_ascii_uppercase(), false);
            if new.name != rowid && equal.iter().all(|known| known.name != new.name) {
                equal.push(new);
            }
        }
        let mut tails: Vec<Vec<Column>> = vec![Vec::new()];
        tails.extend(
            scan.bounds.iter().map(|(c, collation)| vec![column(*c, collation.name().to_ascii_uppercase(), false)]),
        );
        let mut order = Vec::new();
        for (number, descending) in &scan.order {
            let name = name(*number).unwrap_or_default();
            let collation = user.column_metadata(Some("main"), &scan.table, Some(&name))?.collation;
            order.push(column(*number, collation, *descending));
        }
        tails.push(order);
        tails.retain(|tail| rowid.is_none() || tail.iter().all(|column| column.name != rowid));
        for tail in tails {
            let front: Vec<Column> =
                equal.iter().filter(|column| tail.iter().all(|t| t.name != column.name)).cloned().collect();
            self.add_index(user, &scan.table, &front, &tail)?;
        }
        Ok(())
    }

    fn add_index(&mut self, user: &Connection, table: &str, equal: &[Column], tail: &[Column]) -> Result<()> {
        let serves = |index: &Index| {
            let (front, behind) = index.columns.split_at(equal.len().min(index.columns.len()));
            index.table.eq_ignore_ascii_case(table)
                && equal.iter().all(|column| front.iter().any(|c| c.is_same(column)))
                && tail.len() <= behind.len()
                && tail.iter().zip(behind).all(|(a, b)| a.is_same(b) && a.descending == b.descending)
        };
        let columns: Vec<Column> = equal.iter().chain(tail).cloned().collect();
        if columns.is_empty() || self.indexes.iter().any(serves) {
            return Ok(());
        }
        let mut terms = Vec::new();
        for column in &columns {
            let name = column.name.clone().unwrap_or_default();
            let own = user.column_metadata(Some("main"), table, Some(&name))?.collation;
            let mut term = if is_plain(&name) { name } else { super::super::quote(&name) };
            if !own.eq_ignore_ascii_case(&column.collation) {
                term += &format!(" COLLATE {}", column.collation);
            }
            term += if column.descending { " DESC" } else { "" };
            terms.push(term);
        }
        let terms = terms.join(", ");
        // The name tells the columns, so that the same advice has the same name.
        let hash = terms.bytes().fold(0u32, |hash, byte| hash.wrapping_mul(9).wrapping_add(u32::from(byte)));
        let name = format!("{table}_idx_{hash:08x}");
        if self.indexes.iter().any(|index| index.name == name) {
            return Ok(());
        }
        let shown = |name: &str| if is_plain(name) { name.to_owned() } else { double_quote(name) };
        let definition = format!("CREATE INDEX {} ON {}({terms});", shown(&name), shown(table));
        self.indexes.push(Index { name, table: table.to_owned(), columns, definition: Some(definition) });
        Ok(())
    }
}

/// The name needs no quotes.
fn is_plain(name: &str) -> bool {
    turso_core::parser::is_plain_identifier(name)
}

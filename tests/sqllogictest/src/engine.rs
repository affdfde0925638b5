//! The engines under test: ours and bundled SQLite, behind one trait.

use crate::run::Outcome;

/// A cell of a result, before the script's type letters format it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT or BLOB bytes.
    Bytes(Vec<u8>),
}

/// A database connection that runs scripts.
pub trait Engine {
    /// Run one statement to its end and drop its rows.
    fn execute(&mut self, sql: &str) -> Result<(), String>;
    /// Run one query and return all cells, row by row.
    fn query(&mut self, sql: &str) -> Result<Vec<Cell>, String>;
    /// Add what is known about how queries were run.
    fn count(&self, outcome: &mut Outcome) {
        let _ = outcome;
    }
}

/// Bundled SQLite.
pub struct Sqlite(rusqlite::Connection);

impl Sqlite {
    /// A fresh in-memory database.
    pub fn open() -> Result<Self, String> {
        rusqlite::Connection::open_in_memory().map(Self).map_err(|e| e.to_string())
    }
}

impl Engine for Sqlite {
    fn execute(&mut self, sql: &str) -> Result<(), String> {
        self.query(sql).map(drop)
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Cell>, String> {
        let mut statement = self.0.prepare(sql).map_err(|e| e.to_string())?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut cells = Vec::new();
        while let Some(row) = rows.next().map_err(|e| e.to_string())? {
            for i in 0..columns {
                cells.push(match row.get_ref(i).map_err(|e| e.to_string())? {
                    rusqlite::types::ValueRef::Null => Cell::Null,
                    rusqlite::types::ValueRef::Integer(i) => Cell::Integer(i),
                    rusqlite::types::ValueRef::Real(r) => Cell::Real(r),
                    rusqlite::types::ValueRef::Text(b) | rusqlite::types::ValueRef::Blob(b) => Cell::Bytes(b.to_vec()),
                });
            }
        }
        Ok(cells)
    }
}

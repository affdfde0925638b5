//! Imposter tables (`imposter.html`): tables that only this connection's catalogue knows, on a tree that another table or index
//! owns.
//!
//! While a root page is set, a CREATE TABLE statement writes nothing: the catalogue gets the table as soon as the statement is
//! prepared, as SQLite does it. It is gone when the catalogue is read anew.

use turso_error::{Error, Result};
use turso_parser::ast::{CreateTableBody, Statement};
use turso_schema::SchemaRow;

use super::{Connection, State};

impl Connection {
    /// From now on CREATE TABLE makes imposters in this database, on the tree with this root; `None`: no longer.
    pub fn set_imposter(&self, database: &str, root: Option<u32>) -> Result<()> {
        let mut state = self.lock();
        state.usable()?;
        let found = state.find_database(database);
        let found = found.ok_or_else(|| Error::sql(format!("unknown database {database}")))?;
        state.imposter = root.map(|root| (found, root));
        Ok(())
    }

    /// Forget the catalogues, imposters among them; they are read again when they are needed.
    pub fn forget_schemas(&self) -> Result<()> {
        let mut state = self.lock();
        state.usable()?;
        for entry in &mut state.databases {
            // What an open transaction has changed is in its pages, from which it is read again.
            entry.schema = None;
        }
        state.generation = state.generation.wrapping_add(1);
        Ok(())
    }
}

impl State {
    /// Makes the imposter that a statement describes; false where none is to be made.
    pub(super) fn make_imposter(&mut self, statement: &Statement, text: &[u8]) -> Result<bool> {
        let (Some((db, root)), Statement::CreateTable(create)) = (self.imposter, statement) else { return Ok(false) };
        if !matches!(create.body, CreateTableBody::Columns { .. }) {
            return Ok(false);
        }
        let Some(schema) = self.databases.get(db).and_then(|entry| entry.schema.clone()) else { return Ok(false) };
        let name = create.name.name.text.to_string();
        if schema.table(&name).is_some() {
            return Err(Error::sql(format!("table {} already exists", create.name.name.written(text))));
        }
        let sql = Some(String::from_utf8_lossy(text).into_owned());
        let row = SchemaRow { kind: "table".into(), table: name.clone(), name, root, sql };
        let with_imposter = schema.with_imposter(&row, create)?;
        self.edit_schema(db, |_| with_imposter);
        Ok(true)
    }
}

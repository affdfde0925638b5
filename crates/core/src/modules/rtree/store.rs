//! The three tables of an R-tree, and the statements on them, which are prepared when they are first needed.

use std::sync::{Mutex, PoisonError};

use turso_error::{Error, Result};
use turso_value::Value;

use crate::connection::State;
use crate::statement::{InnerStatement, StepResult};

/// A statement; its parameters in the order of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sql {
    /// The bytes of a node.
    ReadNode,
    /// Node, bytes.
    WriteNode,
    DeleteNode,
    /// The largest number of a node.
    LastNode,
    /// The leaf of an entry.
    ReadRowid,
    /// Entry, leaf.
    WriteRowid,
    DeleteRowid,
    /// An id that no entry has, as tables choose theirs. Its row stands from now on.
    NewRowid,
    /// Entry, then its auxiliary columns.
    WriteAuxiliary,
    /// The parent of a node.
    ReadParent,
    /// Node, parent.
    WriteParent,
    DeleteParent,
    CountRowids,
    CountParents,
}

const COUNT: usize = Sql::CountParents as usize + 1;

pub(super) struct Store {
    pub database: String,
    table: String,
    auxiliary: usize,
    prepared: Mutex<[Option<InnerStatement>; COUNT]>,
}

/// A name as SQL takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Store {
    pub fn new(database: &str, table: &str, auxiliary: usize) -> Self {
        Self {
            database: database.to_owned(),
            table: table.to_owned(),
            auxiliary,
            prepared: Mutex::new([const { None }; COUNT]),
        }
    }

    /// One of the three tables.
    fn shadow(&self, suffix: &str) -> String {
        format!("{}.{}", quoted(&self.database), quoted(&format!("{}_{suffix}", self.table)))
    }

    /// Make the tables, with an empty root.
    pub fn create(&self, state: &mut State, node_size: usize) -> Result<()> {
        let auxiliary: String = (0..self.auxiliary).map(|i| format!(",a{i}")).collect();
        let [node, rowid, parent] = ["node", "rowid", "parent"].map(|suffix| self.shadow(suffix));
        run(state, &format!("CREATE TABLE {rowid}(rowid INTEGER PRIMARY KEY,nodeno{auxiliary})"))?;
        run(state, &format!("CREATE TABLE {node}(nodeno INTEGER PRIMARY KEY,data)"))?;
        run(state, &format!("CREATE TABLE {parent}(nodeno INTEGER PRIMARY KEY,parentnode)"))?;
        self.get(state, Sql::WriteNode, &[Value::Integer(1), Value::Blob(vec![0; node_size])])?;
        // As in SQLite the application can see that a row was inserted.
        let counters = &mut state.environment.counters;
        (counters.changes, counters.last_insert_rowid) = (1, 1);
        Ok(())
    }

    pub fn destroy(&self, state: &mut State) -> Result<()> {
        // The statement that drops the table waits for this.
        state.nested_statements += 1;
        let drop = |suffix| run(state, &format!("DROP TABLE {}", self.shadow(suffix)));
        let outcome = ["node", "rowid", "parent"].into_iter().try_for_each(drop);
        state.nested_statements -= 1;
        outcome
    }

    /// Rename the tables. The table is connected anew under its new name; this one is what a rollback goes back to.
    pub fn rename(&self, state: &mut State, name: &str) -> Result<()> {
        for suffix in ["node", "rowid", "parent"] {
            let new = quoted(&format!("{name}_{suffix}"));
            run(state, &format!("ALTER TABLE {} RENAME TO {new}", self.shadow(suffix)))?;
        }
        Ok(())
    }

    /// The text of a statement.
    pub fn text(&self, sql: Sql) -> String {
        let (node, rowid, parent) = (self.shadow("node"), self.shadow("rowid"), self.shadow("parent"));
        match sql {
            Sql::ReadNode => format!("SELECT data FROM {node} WHERE nodeno = ?1"),
            Sql::WriteNode => format!("INSERT OR REPLACE INTO {node} VALUES (?1, ?2)"),
            Sql::DeleteNode => format!("DELETE FROM {node} WHERE nodeno = ?1"),
            Sql::LastNode => format!("SELECT max(nodeno) FROM {node}"),
            Sql::ReadRowid => format!("SELECT nodeno FROM {rowid} WHERE rowid = ?1"),
            Sql::WriteRowid => format!(
                "INSERT INTO {rowid}(rowid, nodeno) VALUES (?1, ?2) ON CONFLICT(rowid) DO UPDATE SET nodeno = excluded.nodeno"
            ),
            Sql::DeleteRowid => format!("DELETE FROM {rowid} WHERE rowid = ?1"),
            Sql::NewRowid => format!("INSERT INTO {rowid}(nodeno) VALUES (NULL) RETURNING rowid"),
            Sql::WriteAuxiliary => {
                let set: Vec<String> = (0..self.auxiliary).map(|i| format!("a{i} = ?{}", i + 2)).collect();
                format!("UPDATE {rowid} SET {} WHERE rowid = ?1", set.join(", "))
            }
            Sql::ReadParent => format!("SELECT parentnode FROM {parent} WHERE nodeno = ?1"),
            Sql::WriteParent => format!("INSERT OR REPLACE INTO {parent} VALUES (?1, ?2)"),
            Sql::DeleteParent => format!("DELETE FROM {parent} WHERE nodeno = ?1"),
            Sql::CountRowids => format!("SELECT count(*) FROM {rowid}"),
            Sql::CountParents => format!("SELECT count(*) FROM {parent}"),
        }
    }

    /// The auxiliary columns of an entry.
    pub fn auxiliary_query(&self) -> String {
        let columns: Vec<String> = (0..self.auxiliary).map(|i| format!("a{i}")).collect();
        format!("SELECT {} FROM {} WHERE rowid = ?1", columns.join(", "), self.shadow("rowid"))
    }

    /// Run a statement to its end: the first column of its first row, NULL where there is none.
    ///
    /// What it waits for it waits for in place: a change of the tree is many statements, of which none may run twice.
    pub fn get(&self, state: &mut State, sql: Sql, arguments: &[Value]) -> Result<Value> {
        let slot = |store: &Self| {
            let mut prepared = store.prepared.lock().unwrap_or_else(PoisonError::into_inner);
            prepared.get_mut(sql as usize).and_then(Option::take)
        };
        let mut statement = match slot(self) {
            Some(statement) => statement,
            None => in_place(state, |state| InnerStatement::prepare(state, &self.text(sql)))?,
        };
        for (i, value) in arguments.iter().enumerate() {
            statement.bind(i + 1, value.clone());
        }
        let outcome = first_value(state, &mut statement);
        statement.close(state);
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = prepared.get_mut(sql as usize) {
            *slot = Some(statement);
        }
        outcome
    }
}

fn first_value(state: &mut State, statement: &mut InnerStatement) -> Result<Value> {
    let mut found = Value::Null;
    let mut rows = 0;
    while in_place(state, |state| statement.step(state))? == StepResult::Row {
        if rows == 0 {
            found = statement.row().first().cloned().unwrap_or_default();
        }
        rows += 1;
    }
    Ok(found)
}

/// Try again as long as something has to be waited for.
fn in_place<T>(state: &mut State, mut attempt: impl FnMut(&mut State) -> Result<T>) -> Result<T> {
    loop {
        match attempt(state) {
            Err(Error::Pending) => state.wait_in_place()?,
            other => return other,
        }
    }
}

/// Run a statement without rows.
fn run(state: &mut State, sql: &str) -> Result<()> {
    let mut statement = in_place(state, |state| InnerStatement::prepare(state, sql))?;
    let outcome = first_value(state, &mut statement);
    statement.close(state);
    outcome.map(drop)
}

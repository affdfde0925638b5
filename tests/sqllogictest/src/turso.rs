//! Our engine under the corpus.

use turso_core::{Backend, Connection, Database, OpenOptions, StepResult, ValueRef};

use crate::engine::{Cell, Engine};
use crate::run::Outcome;
use crate::{BackendName, Setup, TierName};

/// Our engine, on the back end chosen.
pub struct Turso {
    connection: Connection,
    _directory: Option<tempfile::TempDir>,
    queries: usize,
    in_batches: usize,
    given_up: usize,
}

impl Turso {
    /// A fresh database: private memory, or (`pending`) a file of which every first touch of a page is pending and whose
    /// cache holds only a few pages.
    pub fn open(setup: Setup) -> Result<Self, String> {
        let text = |e: turso_core::Error| e.message().to_owned();
        let (directory, database) = match setup.backend {
            BackendName::Blocking => (None, Database::open(":memory:", OpenOptions::default()).map_err(text)?),
            BackendName::Pending => {
                let directory = tempfile::tempdir().map_err(|e| e.to_string())?;
                let options =
                    OpenOptions { backend: Backend::AlwaysPending, cache_pages: Some(10), ..OpenOptions::default() };
                let path = directory.path().join("test.db");
                let database = Database::open(&path.to_string_lossy(), options).map_err(text)?;
                (Some(directory), database)
            }
        };
        let connection = database.connect().map_err(text)?;
        if setup.backend == BackendName::Pending {
            connection.execute_batch("PRAGMA synchronous = OFF").map_err(text)?;
        }
        let tier = match setup.tier {
            TierName::Auto => "auto",
            TierName::Row => "row",
            TierName::Batch => "batch",
        };
        connection.execute_batch(format!("PRAGMA execution_tier = {tier}")).map_err(text)?;
        Ok(Self { connection, _directory: directory, queries: 0, in_batches: 0, given_up: 0 })
    }
}

impl Engine for Turso {
    fn execute(&mut self, sql: &str) -> Result<(), String> {
        self.connection.execute_batch(sql).map_err(|e| e.message().to_owned())
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Cell>, String> {
        let text = |e: turso_core::Error| e.message().to_owned();
        let prepared = self.connection.prepare(sql).map_err(text)?;
        let mut statement = prepared.statement.ok_or("no statement")?;
        let mut cells = Vec::new();
        while statement.step().map_err(text)? == StepResult::Row {
            cells.extend(statement.row().iter().map(|value| match value.as_ref() {
                ValueRef::Null => Cell::Null,
                ValueRef::Integer(i) => Cell::Integer(i),
                ValueRef::Real(r) => Cell::Real(r),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
            }));
        }
        let counters = statement.status().counters;
        self.queries += 1;
        self.in_batches += usize::from(counters.pipelines > 0);
        self.given_up += usize::from(counters.pipelines_given_up > 0);
        Ok(cells)
    }

    fn count(&self, outcome: &mut Outcome) {
        outcome.queries += self.queries;
        outcome.in_batches += self.in_batches;
        outcome.given_up += self.given_up;
    }
}

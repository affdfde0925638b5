//! What a session remembers of the rows that change.
//!
//! A row is remembered once, when it first changes: an inserted one by its key, any other with its values before. What has
//! become of it is read from the table when a changeset is made (`generate`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use turso_core::hooks::{Preupdate, RowAction};
use turso_core::{Connection, Error, Result, ResultCode, Value, WeakConnection};

use crate::format::{Operation, put_record};
use crate::keys::Keys;
use crate::session::TableFilter;
use crate::shape::Shape;

/// A row that has changed.
#[derive(Debug)]
pub struct Recorded {
    /// What happened first.
    pub operation: Operation,
    /// Indirectly, each time.
    pub indirect: bool,
    /// The values before, encoded; empty for an INSERT.
    pub old: Box<[u8]>,
}

/// A table that is recorded.
#[derive(Debug)]
pub struct Tracked {
    /// Its name as it was told.
    pub name: String,
    /// Its columns, once they were needed; the table may not exist.
    pub shape: Option<Arc<Shape>>,
    /// Its changed rows.
    pub rows: Keys<Recorded>,
}

impl Tracked {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), shape: None, rows: Keys::default() }
    }
}

/// What a session remembers.
pub struct Recorder {
    /// The database whose tables are recorded.
    pub database: String,
    /// Tables in the order in which they were attached.
    pub tables: Vec<Tracked>,
    /// Tables that are not attached are when they first change, if the filter agrees.
    pub attaches_all: bool,
    /// Asked then.
    pub filter: Option<TableFilter>,
    /// Changes are recorded.
    pub enabled: bool,
    /// Changes are indirect, whoever makes them.
    pub indirect: bool,
    /// Tables without a primary key are recorded by rowid.
    pub records_rowids: bool,
    /// The size of changesets is asked for.
    pub tells_size: bool,
    /// Bytes of what is recorded.
    pub bytes: usize,
    /// What went wrong while it recorded: no changeset can be made.
    pub failure: Option<Error>,
}

/// A recorder as session and connection share it. No lock is held while SQL or code of the application runs.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Recorder>>);

impl Shared {
    /// Nothing recorded yet.
    pub fn new(database: &str) -> Self {
        Self(Arc::new(Mutex::new(Recorder {
            database: database.to_owned(),
            tables: Vec::new(),
            attaches_all: false,
            filter: None,
            enabled: true,
            indirect: false,
            records_rowids: false,
            tells_size: false,
            bytes: 0,
            failure: None,
        })))
    }

    /// The recorder, for the caller alone.
    pub fn lock(&self) -> MutexGuard<'_, Recorder> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A row changes.
    pub fn observe(&self, connection: &WeakConnection, event: &Preupdate<'_>) {
        let wanted = {
            let recorder = self.lock();
            recorder.enabled && recorder.failure.is_none() && recorder.database.eq_ignore_ascii_case(event.database)
        };
        let Some(connection) = wanted.then(|| connection.upgrade()).flatten() else { return };
        if let Err(error) = self.record(&connection, event) {
            self.lock().failure = Some(error);
        }
    }

    fn record(&self, connection: &Connection, event: &Preupdate<'_>) -> Result<()> {
        if !self.attach_if_wanted(event.table) || !self.ensure_shape(connection, event.table, Some(event))? {
            return Ok(());
        }
        let mut recorder = self.lock();
        let indirect = recorder.indirect || event.depth > 0;
        let Some(at) = recorder.position(event.table) else { return Ok(()) };
        let Some(shape) = recorder.tables.get(at).and_then(|table| table.shape.clone()) else { return Ok(()) };
        let old_key = (event.action != RowAction::Insert).then(|| shape.values(event, false)).map(|old| {
            let key = shape.key_of(&old);
            (old, key)
        });
        let new_key = (event.action != RowAction::Delete).then(|| shape.key_of(&shape.values(event, true)));
        if let Some((old, Some(key))) = &old_key {
            let operation = if event.action == RowAction::Delete { Operation::Delete } else { Operation::Update };
            recorder.remember(at, key.clone(), operation, indirect, old);
        }
        if let Some(Some(key)) = new_key
            && !matches!(&old_key, Some((_, Some(old))) if *old == key)
        {
            recorder.remember(at, key, Operation::Insert, indirect, &[]);
        }
        Ok(())
    }

    /// Attach the table for a comparison, unless a filter does not want it.
    pub fn attach_for_comparison(&self, table: &str) -> bool {
        let filter = {
            let recorder = self.lock();
            recorder.filter.clone().filter(|_| recorder.position(table).is_none())
        };
        let wanted = filter.is_none_or(|filter| filter(table));
        if wanted {
            self.attach(table);
        }
        wanted
    }

    /// The table is attached, now at the latest.
    fn attach_if_wanted(&self, table: &str) -> bool {
        let filter = {
            let recorder = self.lock();
            if recorder.position(table).is_some() {
                return true;
            }
            if !recorder.attaches_all {
                return false;
            }
            recorder.filter.clone()
        };
        let wanted = filter.is_none_or(|filter| filter(table));
        if wanted {
            self.attach(table);
        }
        wanted
    }

    /// Record this table.
    pub fn attach(&self, table: &str) {
        let mut recorder = self.lock();
        if recorder.position(table).is_none() {
            recorder.tables.push(Tracked::new(table));
        }
    }

    /// Know the columns of an attached table as they are; false: there is no such table, or it has no key.
    pub fn ensure_shape(&self, connection: &Connection, table: &str, event: Option<&Preupdate<'_>>) -> Result<bool> {
        let (database, records_rowids) = {
            let recorder = self.lock();
            let known = recorder.position(table).and_then(|at| recorder.tables.get(at)).and_then(|t| t.shape.as_ref());
            if let (Some(shape), Some(event)) = (known, event)
                && shape.fits(event)
            {
                return Ok(shape.has_key());
            }
            (recorder.database.clone(), recorder.records_rowids)
        };
        let shape = Shape::load(connection, &database, table, records_rowids)?;
        let mut recorder = self.lock();
        let Some(tracked) = recorder.position(table).and_then(|at| recorder.tables.get_mut(at)) else {
            return Ok(false);
        };
        let changed = !tracked.rows.is_empty() && !still_fits(tracked.shape.as_deref(), shape.as_ref());
        if changed {
            return Err(Error::from_code(ResultCode::SCHEMA));
        }
        tracked.shape = shape.map(Arc::new);
        Ok(tracked.shape.as_ref().is_some_and(|shape| shape.has_key()))
    }
}

/// What was recorded under the old shape can be told under the new one: at most, columns were added.
fn still_fits(old: Option<&Shape>, new: Option<&Shape>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => {
            let (known, added) = new.key.split_at(old.len().min(new.len()));
            known == old.key.as_slice() && added.iter().all(|&position| position == 0)
        }
        (old, _) => old.is_none(),
    }
}

impl Recorder {
    /// An attached table.
    pub fn position(&self, table: &str) -> Option<usize> {
        self.tables.iter().position(|known| known.name.eq_ignore_ascii_case(table))
    }

    /// Remember a row, or that it has changed once more.
    pub fn remember(&mut self, table: usize, key: Vec<u8>, operation: Operation, indirect: bool, old: &[Value]) {
        let Some(table) = self.tables.get_mut(table) else { return };
        table.rows.reserve();
        match table.rows.get_mut(&key) {
            Some(known) => known.indirect &= indirect,
            None => {
                let mut record = Vec::new();
                put_record(&mut record, old);
                self.bytes += key.len() + record.len();
                table.rows.insert(key, Recorded { operation, indirect, old: record.into() });
            }
        }
    }

    /// Bytes in use.
    pub fn memory_bytes(&self) -> usize {
        self.bytes + self.tables.iter().map(|table| table.rows.memory_bytes() + table.name.len()).sum::<usize>()
    }
}

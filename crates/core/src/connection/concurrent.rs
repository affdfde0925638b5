//! `BEGIN CONCURRENT`: transactions that take no lock before they commit.
//!
//! `storage` does the work; what it must know of the schema to replay a transaction's log is made here, as data.
//!
//! ```text
//!   BEGIN CONCURRENT: snapshot -> statements on private pages -> COMMIT: locks of all databases -> replay where overtaken -> commit
//!                                    |                                                      |
//!                                    | DDL: the lock, and on as a plain writer              | conflict: SQLITE_BUSY_SNAPSHOT, doomed
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_planner::{ParentKey, parent_columns, parent_key};
use turso_schema::{ForeignKey, Index, IndexKey, Schema, Table};
use turso_storage::btree::CursorKind;
use turso_storage::concurrent::{self, Field, ForeignKeyRule, Rules, TreeRole, TreeRule};
use turso_value::{Collation, KeyInfo, Value};

use super::state::State;

impl State {
    /// BEGIN CONCURRENT: takes the snapshot of `main`.
    pub fn begin_concurrent(&mut self) -> Result<()> {
        if !self.autocommit {
            return Err(Error::sql("cannot start a transaction within a transaction"));
        }
        if let Some(main) = self.databases.first_mut() {
            if self.active_statements <= 1 && main.pager.in_read() && !main.pager.in_write() {
                main.pager.end_read();
            }
            match main.pager.begin_concurrent_read() {
                Ok(_) => {
                    if self.settings.serializable {
                        main.pager.track_reads();
                    }
                    self.lock_wait = None;
                }
                Err(error) if error.is(ResultCode::BUSY) => return Err(self.write_lock_taken(0, error)),
                Err(error) => {
                    if !error.is_pending() && self.active_statements <= 1 {
                        main.pager.end_read();
                    }
                    return self.pending_on(0, Err(error));
                }
            }
        }
        self.autocommit = false;
        self.concurrent = true;
        Ok(())
    }

    /// The first write of a concurrent transaction to a database. False: it is to be a plain write transaction there.
    pub fn begin_concurrent_write(&mut self, db: usize) -> Result<bool> {
        let Some(entry) = self.databases.get_mut(db) else { return Ok(false) };
        if self.stepping_ddl {
            return self.leave_concurrent(db);
        }
        if entry.pager.in_write() {
            return Ok(true);
        }
        if entry.read_only || self.settings.query_only {
            return Err(Error::from_code(ResultCode::READONLY));
        }
        let fresh = !entry.snapshot_used && self.active_statements <= 1 && !self.stepping_rows;
        let begun = if fresh { entry.pager.begin_concurrent_ahead() } else { entry.pager.begin_concurrent() };
        if self.pending_on(db, begun)? {
            self.open_earlier_savepoints(db);
            return Ok(true);
        }
        Ok(false)
    }

    /// Before DDL: the transaction goes on as a plain writer, with the write lock. True where it is one now.
    fn leave_concurrent(&mut self, db: usize) -> Result<bool> {
        let Some(entry) = self.databases.get_mut(db) else { return Ok(false) };
        if !entry.pager.is_concurrent() {
            return Ok(entry.pager.in_write());
        }
        match entry.pager.lock_concurrent_always() {
            Ok(false) => {
                entry.pager.keep_lock();
                self.lock_wait = None;
                Ok(true)
            }
            Ok(true) => {
                entry.pager.unlock_concurrent();
                self.lock_wait = None;
                Err(Error::new(
                    ResultCode::BUSY_SNAPSHOT,
                    "conflict: the schema cannot be changed after a transaction that committed in the meantime",
                ))
            }
            Err(error) if error.is(ResultCode::BUSY) => Err(self.write_lock_taken(db, error)),
            Err(error) => self.pending_on(db, Err(error)),
        }
    }

    /// Makes a plain writer of a concurrent transaction on every database that it has changed: everything that can be refused
    /// is refused here, before anything is written.
    pub fn settle_concurrent(&mut self) -> Result<()> {
        let mut order: Vec<usize> =
            (0..self.databases.len()).filter(|db| self.databases[*db].pager.is_concurrent()).collect();
        // One order for everybody: two that lock the same databases cannot wait for each other.
        order.sort_by_key(|db| self.databases[*db].pager.database_file().map(|file| file.path().to_path_buf()));
        let mut overtaken = Vec::new();
        for db in &order {
            match self.databases[*db].pager.lock_concurrent() {
                Ok(true) => overtaken.push(*db),
                Ok(false) => {}
                Err(error) => {
                    for db in &order {
                        self.databases[*db].pager.unlock_concurrent();
                    }
                    if error.is(ResultCode::BUSY) {
                        return Err(self.write_lock_taken(*db, error));
                    }
                    return self.pending_on(*db, Err(error));
                }
            }
        }
        self.lock_wait = None;
        if !overtaken.is_empty() && self.active_statements > 1 {
            order.iter().for_each(|db| self.databases[*db].pager.unlock_concurrent());
            return Err(Error::new(
                ResultCode::BUSY,
                "cannot commit concurrent transaction - SQL statements in progress",
            ));
        }
        for db in overtaken {
            self.rebase(db)?;
        }
        Ok(())
    }

    fn rebase(&mut self, db: usize) -> Result<()> {
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        let (schema, collations) = (entry.schema.clone(), self.collations.clone());
        let enforced = self.settings.foreign_keys;
        let outcome = entry.pager.rebase(|roots| match &schema {
            Some(schema) => RuleMaker { schema, collations: &collations }.rules(roots, enforced),
            None => Err(Error::from_code(ResultCode::SCHEMA)),
        });
        match outcome {
            Err(error) if error.code() == ResultCode::BUSY_SNAPSHOT => {
                // The pages are halfway between two states: nothing but ROLLBACK can follow.
                for entry in &mut self.databases {
                    entry.pager.rollback();
                }
                self.databases[db].pager.note_overtaking();
                self.doomed = Some(error.clone());
                self.await_overtaking()?;
                Err(error)
            }
            outcome => self.pending_on(db, outcome),
        }
    }

    /// A transaction that has been refused is told so once it can be repeated upon what has overtaken it.
    pub(super) fn await_overtaking(&mut self) -> Result<()> {
        for db in 0..self.databases.len() {
            if let Err(Error::Pending) = self.databases[db].pager.await_base() {
                return self.pending_on(db, Err(Error::Pending));
            }
        }
        Ok(())
    }
}

/// Makes [`Rules`] from a catalogue.
struct RuleMaker<'s> {
    schema: &'s Schema,
    collations: &'s [Collation],
}

impl RuleMaker<'_> {
    /// The rules for a transaction that has changed the trees with these roots.
    fn rules(&self, roots: &[u32], foreign_keys: bool) -> Result<Rules> {
        let mut rules = Rules { encoding: self.schema.encoding, ..Rules::default() };
        let mut changed: Vec<&Arc<Table>> = Vec::new();
        for table in self.schema.tables.values() {
            if roots.contains(&table.root) || table.indexes.iter().any(|index| roots.contains(&index.root)) {
                self.add_table(&mut rules.trees, table)?;
                changed.push(table);
            }
        }
        if foreign_keys {
            for child in self.schema.tables.values() {
                for key in &child.foreign_keys {
                    let Some(parent) = self.schema.table(&key.parent) else { continue };
                    let concerned = |table: &Arc<Table>| table.name == child.name || table.name == parent.name;
                    if changed.iter().any(|table| concerned(table)) {
                        rules.foreign_keys.extend(self.foreign_key(child, parent, key)?);
                    }
                }
            }
        }
        Ok(rules)
    }

    fn add_table(&self, trees: &mut HashMap<u32, TreeRule>, table: &Arc<Table>) -> Result<()> {
        let role = match table.name.eq_ignore_ascii_case("sqlite_sequence") {
            true => TreeRole::Sequence,
            false => TreeRole::Rows,
        };
        let kind = self.kind_of_rows(table)?;
        for index in table.indexes.iter().filter(|index| index.root != table.root) {
            let unique = if index.unique { index.columns.len() } else { 0 };
            let role = TreeRole::Index { name: index.name.clone(), unique };
            trees.insert(index.root, TreeRule { table: table.name.clone(), kind: self.kind(table, index)?, role });
        }
        trees.insert(table.root, TreeRule { table: table.name.clone(), kind, role });
        Ok(())
    }

    fn kind_of_rows(&self, table: &Table) -> Result<CursorKind> {
        match table.primary_key_index() {
            Some(primary) => self.kind(table, primary),
            None => Ok(CursorKind::Table),
        }
    }

    /// How an index sorts; the catalogue knows collations of the application by name only.
    fn kind(&self, table: &Table, index: &Index) -> Result<CursorKind> {
        let mut key: KeyInfo = table.key_info(index, self.schema.encoding);
        for column in &mut key.columns {
            column.collation = self.collation(&column.collation)?;
        }
        Ok(CursorKind::Index(Arc::new(key)))
    }

    fn collation(&self, collation: &Collation) -> Result<Collation> {
        let Collation::Custom(function) = collation else { return Ok(collation.clone()) };
        let known = self.collations.iter().find(|known| known.name().eq_ignore_ascii_case(function.name()));
        known.cloned().ok_or_else(|| Error::sql(format!("no such collation sequence: {}", function.name())))
    }

    /// A foreign key whose tables fit together; others are never enforced.
    fn foreign_key(&self, child: &Arc<Table>, parent: &Arc<Table>, key: &ForeignKey) -> Result<Option<ForeignKeyRule>> {
        let columns = parent_columns(parent, key);
        let parent_key = match parent_key(parent, child, key) {
            Ok(ParentKey::Rowid) => concurrent::ParentKey::Rowid,
            Ok(ParentKey::Index(index, order)) => {
                concurrent::ParentKey::Index(index.root, self.kind(parent, &index)?, order)
            }
            Err(_) => return Ok(None),
        };
        let mut collations = Vec::with_capacity(columns.len());
        for &column in &columns {
            collations.push(self.collation(&parent.columns[column].collation)?);
        }
        let affinities: Vec<_> = columns.iter().map(|&column| parent.columns[column].affinity).collect();
        let child_index = child.indexes.iter().find_map(|index| {
            let order = index_order(index, key, &collations)?;
            let fits =
                |(&column, affinity): (&usize, &turso_value::Affinity)| child.columns[column].affinity == *affinity;
            key.columns.iter().zip(&affinities).all(fits).then_some((index, order))
        });
        let child_index = match child_index {
            Some((index, order)) => Some((index.root, self.kind(child, index)?, order)),
            None => None,
        };
        Ok(Some(ForeignKeyRule {
            child: child.root,
            child_kind: self.kind_of_rows(child)?,
            child_fields: key.columns.iter().map(|&column| field(child, column)).collect(),
            child_index,
            child_table: child.name.clone(),
            parent: parent.root,
            parent_fields: columns.iter().map(|&column| field(parent, column)).collect(),
            parent_key,
            parent_table: parent.name.clone(),
            affinities,
            collations,
        }))
    }
}

/// Where a column's value is found in a row.
fn field(table: &Table, column: usize) -> Field {
    if table.rowid_alias == Some(column) {
        return Field::Rowid;
    }
    match table.field_of(column) {
        Some(at) => {
            let default =
                turso_planner::emit::default_value(table, column).map_or(Value::Null, |value| (*value).clone());
            Field::At(at, default)
        }
        None => Field::Computed,
    }
}

/// For an index of the child that begins with the key's columns: for each of them the position in the key.
fn index_order(index: &Index, key: &ForeignKey, collations: &[Collation]) -> Option<Vec<usize>> {
    if index.partial.is_some() || index.columns.len() < key.columns.len() {
        return None;
    }
    let mut order = Vec::with_capacity(key.columns.len());
    for part in &index.columns[..key.columns.len()] {
        let IndexKey::Column(column) = part.key else { return None };
        let at = key.columns.iter().position(|&c| c == column)?;
        if order.contains(&at) || part.collation.name() != collations.get(at)?.name() {
            return None;
        }
        order.push(at);
    }
    Some(order)
}

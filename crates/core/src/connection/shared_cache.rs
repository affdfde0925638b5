//! Connections that share their cache (`cache=shared`): among themselves they lock tables (`sharedcache.html`).
//!
//! Pages are shared by all connections of a process anyway, and each sees what is committed. What these connections have agreed on
//! is how they meet: one that wants a table which another is changing gets `SQLITE_LOCKED_SHAREDCACHE` at once, and can learn
//! who stands in its way and be told when that one is done.
//!
//! A statement locks what its program opens when it takes its snapshot; the locks go when the transaction ends.

use turso_error::{Error, Result, ResultCode};
use turso_program::{DbIndex, Instruction, Program};
use turso_storage::{PageNo, SCHEMA_ROOT, TableLocks};

use super::Connection;
use super::state::State;

/// A tree that a program opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableUse {
    db: DbIndex,
    root: u32,
    write: bool,
}

/// The trees that a program and its trigger bodies open.
pub(crate) fn tables_used(program: &Program) -> Vec<TableUse> {
    let mut used = Vec::new();
    let bodies = program.subprograms.iter().map(|body| &**body);
    for instruction in std::iter::once(program).chain(bodies).flat_map(|body| &body.instructions) {
        match instruction {
            Instruction::OpenRead(open) => used.push(TableUse { db: open.db, root: open.root.0, write: false }),
            Instruction::OpenWrite(open) if !open.root_in_register => {
                used.push(TableUse { db: open.db, root: open.root.0, write: true });
            }
            Instruction::Clear(clear) if !clear.root_in_register => {
                used.push(TableUse { db: clear.db, root: clear.root.0, write: true });
            }
            _ => {}
        }
    }
    used
}

impl Connection {
    /// A number that no other connection of this process has.
    pub fn number(&self) -> u64 {
        self.lock().holder
    }

    /// It shares the cache of one of its databases and has tables locked there.
    pub fn holds_table_locks(&self) -> bool {
        self.lock().holds_table_locks
    }

    /// The connection that stood in the way when a table was locked last, while it has any locked.
    pub fn blocked_by(&self) -> Option<u64> {
        let mut state = self.lock();
        let by = state.blocked_by?;
        let databases = 0..state.databases.len();
        databases.into_iter().any(|db| state.with_locks(db, |locks, _| locks.holds(by)) == Some(true)).then_some(by)
    }
}

impl State {
    /// Another connection has what this one wants.
    #[cold]
    fn table_locked(&mut self, by: u64, what: Option<String>) -> Error {
        self.blocked_by = Some(by);
        match what {
            Some(message) => Error::new(ResultCode::LOCKED_SHAREDCACHE, message),
            None => Error::from_code(ResultCode::LOCKED_SHAREDCACHE),
        }
    }

    fn with_locks<T>(&mut self, db: usize, work: impl FnOnce(&mut TableLocks, u64) -> T) -> Option<T> {
        let entry = self.databases.get(db).filter(|entry| entry.shares_cache)?;
        let file = entry.pager.database_file()?;
        Some(work(&mut file.table_locks(), self.holder))
    }

    /// The table that a tree belongs to, with the root of its own tree.
    fn owner_of(&self, db: usize, root: u32) -> (u32, String) {
        let schema = self.databases.get(db).and_then(|entry| entry.schema.as_ref());
        let tables = schema.iter().flat_map(|schema| schema.tables.values());
        for table in tables {
            if root != 1 && table.root == root || table.indexes.iter().any(|index| index.root == root) {
                return (table.root, table.name.to_string());
            }
        }
        (root, if root == 1 { "sqlite_master".to_owned() } else { String::new() })
    }

    /// Locks the tables of one database that the program in hand uses.
    pub fn lock_tables(&mut self, db: usize) -> Result<()> {
        let blocked = self.with_locks(db, |locks, holder| locks.lock(holder, SCHEMA_ROOT, false).err()).flatten();
        if let Some(by) = blocked {
            let name = self.databases.get(db).map(|entry| entry.name.clone()).unwrap_or_default();
            return Err(self.table_locked(by, Some(format!("database schema is locked: {name}"))));
        }
        self.holds_table_locks = true;
        let uncommitted = self.settings.reads_uncommitted;
        for used in self.table_uses.clone().iter().filter(|used| used.db.index() == db) {
            if !used.write && uncommitted {
                continue;
            }
            let (root, name) = self.owner_of(db, used.root);
            let blocked = self.with_locks(db, |locks, holder| locks.lock(holder, PageNo(root), used.write).err());
            if let Some(by) = blocked.flatten() {
                return Err(self.table_locked(by, Some(format!("database table is locked: {name}"))));
            }
        }
        Ok(())
    }

    /// Locks out the connections that share a cache (`BEGIN EXCLUSIVE`).
    pub fn lock_schema(&mut self, db: usize) -> Result<()> {
        match self.with_locks(db, |locks, holder| locks.lock(holder, SCHEMA_ROOT, true).err()).flatten() {
            Some(by) => Err(self.table_locked(by, None)),
            None => Ok(()),
        }
    }

    /// The catalogue of a database that is shared is being read.
    pub fn tell_schema_known(&mut self, db: usize) {
        self.with_locks(db, |locks, _| locks.know_schema());
    }

    /// A database that has just been attached is locked by another connection that shares its cache: then its catalogue cannot be
    /// read. Where all catalogues are known to somebody it need not be; otherwise it is an error.
    pub fn attaches_locked(&mut self, db: usize, file: &str) -> Result<bool> {
        let blocked = self.with_locks(db, |locks, holder| locks.in_the_way(holder, SCHEMA_ROOT, false)).flatten();
        let Some(by) = blocked else { return Ok(false) };
        let known = self.with_locks(db, |locks, _| locks.is_schema_known()) == Some(true);
        let others = || self.databases.iter().enumerate().filter(|(i, _)| *i != 1 && *i != db);
        if known && others().all(|(_, entry)| entry.schema.is_some()) {
            return Ok(true);
        }
        Err(self.table_locked(by, Some(format!("unable to open database: {file}"))))
    }

    /// Of the connections that share a cache one writes at a time.
    pub fn lock_for_writing(&mut self, db: usize) -> Result<()> {
        match self.with_locks(db, |locks, holder| locks.begin_write(holder).err()).flatten() {
            Some(by) => Err(self.table_locked(by, None)),
            None => {
                self.holds_table_locks = true;
                Ok(())
            }
        }
    }

    /// No statement is planned while another connection changes the schema of a shared database.
    pub fn check_schema_locks(&mut self) -> Result<()> {
        for db in 0..self.databases.len() {
            let blocked = self.with_locks(db, |locks, holder| locks.in_the_way(holder, SCHEMA_ROOT, false)).flatten();
            if let Some(by) = blocked {
                let name = self.databases.get(db).map(|entry| entry.name.clone()).unwrap_or_default();
                return Err(self.table_locked(by, Some(format!("database schema is locked: {name}"))));
            }
        }
        Ok(())
    }

    /// After a statement: what its transaction has locked goes with it.
    #[cold]
    pub fn unlock_tables(&mut self) {
        if !self.autocommit {
            return;
        }
        let reads_go_on = self.active_statements > 0;
        for db in 0..self.databases.len() {
            if self.databases.get(db).is_some_and(|entry| entry.pager.in_write()) {
                return;
            }
            self.with_locks(db, |locks, holder| match reads_go_on {
                true => locks.end_write(holder),
                false => drop(locks.release(holder)),
            });
        }
        self.holds_table_locks = reads_go_on;
    }
}

//! One database over another, page by page (`.backup`, `.restore`).

use turso_error::{Error, Result};
use turso_storage::{PageNo, Pager, WriteMode};

use super::Connection;
use super::state::State;

impl Connection {
    /// Replaces database `to` of `target` by what database `from` of this connection holds now, in one transaction.
    ///
    /// The copy is made aside and handed over as VACUUM does it, so a failure leaves the target as it was. The target keeps its
    /// journal mode; it takes the source's page size, except in WAL mode, which allows no change of it.
    pub fn copy_database(&self, from: &str, target: &Connection, to: &str) -> Result<()> {
        let built = self.lock().image(from)?;
        target.lock().take_over(to, built)
    }
}

impl State {
    /// The database of this name. The main database keeps its usual name beside the one that the application has given it.
    pub(crate) fn find_database(&self, name: &str) -> Option<usize> {
        let found = self.databases.iter().position(|db| db.name.eq_ignore_ascii_case(name));
        found.or_else(|| name.eq_ignore_ascii_case("main").then_some(0))
    }

    pub(crate) fn database_index(&self, name: &str) -> Result<usize> {
        self.find_database(name).ok_or_else(|| Error::sql(format!("unknown database {name}")))
    }

    /// Runs a restartable operation to its end, waiting in place.
    pub(crate) fn blocking<T>(&mut self, mut operation: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        loop {
            match operation(self) {
                Err(Error::Pending) => self.wait_in_place()?,
                other => return other,
            }
        }
    }

    /// A copy of all pages of a database, in a temporary pager.
    fn image(&mut self, name: &str) -> Result<Pager> {
        let db = self.database_index(name)?;
        let held = self.databases[db].pager.in_read();
        self.blocking(|state| state.begin_read(db))?;
        let copied = self.copy_pages(db);
        if !held {
            self.databases[db].pager.end_read();
        }
        copied
    }

    fn copy_pages(&mut self, db: usize) -> Result<Pager> {
        let space = self.temp_space().clone();
        let source = &mut self.databases[db].pager;
        let mut built = Pager::temp_database(Some(space), *source.header());
        for no in (1..=source.page_count()).map(PageNo) {
            if no == source.lock_byte_page() {
                continue;
            }
            let page = source.block_on(|pager| pager.page(no))?;
            if no != PageNo::ONE {
                built.append_page();
            }
            built.edit(no).copy_from_slice(&page[..]);
            source.unpin();
            built.unpin();
        }
        Ok(built)
    }

    /// A write transaction on a database that a backup goes to, waited for as a statement would.
    pub(crate) fn begin_target(&mut self, db: usize) -> Result<()> {
        self.active_statements += 1;
        let begun = self.blocking(|state| {
            state.begin_read(db)?;
            state.begin_write(db, WriteMode::Exclusive)
        });
        self.active_statements -= 1;
        if begun.is_err() {
            self.end_reads_if_idle();
        }
        begun
    }

    /// Ends what [`State::begin_target`] began, where nothing has been taken over.
    pub(crate) fn leave_target(&mut self, name: &str) {
        let Ok(db) = self.database_index(name) else { return };
        // A statement that writes ends the transaction with its own changes; those that read go on.
        if self.autocommit && self.active_writers == 0 {
            self.undo_target(db);
        }
    }

    /// To hooks and to the other databases this is no rollback: no statement has changed anything.
    fn undo_target(&mut self, db: usize) {
        let entry = &mut self.databases[db];
        entry.pager.rollback();
        if let Some(before) = entry.schema_before.take() {
            entry.schema = before;
        }
        self.end_reads_if_idle();
    }

    pub(crate) fn take_over(&mut self, name: &str, mut built: Pager) -> Result<()> {
        let db = self.database_index(name)?;
        if !self.autocommit || self.active_statements > 0 {
            return Err(Error::sql("destination database is in use"));
        }
        self.begin_target(db)?;
        let pager = &mut self.databases[db].pager;
        // Other connections know the target's catalogue by this number, and must see that it is another one now.
        let cookie = pager.header().schema_cookie.wrapping_add(1);
        built.edit_header(|header| header.schema_cookie = cookie);
        let taken = pager.take_over(built).and_then(|()| pager.block_on(Pager::commit));
        if let Err(error) = taken {
            self.undo_target(db);
            return Err(error);
        }
        self.databases[db].schema = None;
        self.databases[db].schema_before = None;
        self.end_reads_if_idle();
        self.generation = self.generation.wrapping_add(1);
        Ok(())
    }
}

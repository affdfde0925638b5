//! What running programs ask of their connection.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::{Environment, HostFunction};
use turso_program::DbIndex;
use turso_program::schema::{Cookie, HostCall, SavepointOp, Transaction, TransactionControl};
use turso_program::virtual_table::UsedTable;
use turso_program::write::RowChange;
use turso_storage::btree::IntegrityCheck;
use turso_storage::{PageNo, Pager, TempSpace};
use turso_value::{TextEncoding, Value};
use turso_vm::{CatalogueEntry, ChangedRow, Counters, Host, Interest, Limits};
use turso_vtab::Session;

use super::state::State;

/// Instructions between two looks at what goes on outside.
const POLL_INTERVAL: u32 = 1000;

impl Host for State {
    #[inline]
    fn pager(&mut self, db: DbIndex) -> &mut Pager {
        // Programs are verified against the catalogue that they were planned with, which named this database.
        &mut self.databases[db.index()].pager
    }

    fn temporary_space(&mut self) -> Option<Arc<TempSpace>> {
        Some(self.temp_space().clone())
    }

    fn call_own(&mut self, function: HostFunction, arguments: &[Value]) -> Result<Value> {
        crate::modules::call(self, function, arguments)
    }

    fn encoding(&self) -> TextEncoding {
        self.environment.encoding
    }

    fn transaction(&mut self, wanted: &Transaction, statement_savepoint: bool) -> Result<()> {
        self.begin_for(wanted)?;
        let alone = self.autocommit && self.active_writers <= 1;
        // What could not be captured must not stay.
        let statement_savepoint = statement_savepoint || self.capture.is_on();
        if statement_savepoint && wanted.write && !alone && self.current_mark.is_none() {
            let mark = self.open_statement_mark()?;
            self.current_mark = Some(mark);
        }
        if let Some(db) = self.databases.get_mut(wanted.db.index()) {
            db.snapshot_used = true;
        }
        Ok(())
    }

    fn transaction_control(&mut self, control: TransactionControl) -> Result<()> {
        self.control(control)
    }

    fn savepoint(&mut self, op: SavepointOp, name: &str) -> Result<()> {
        self.named_savepoint(op, name)
    }

    fn deferred_violations(&mut self) -> &mut i64 {
        &mut self.deferred_violations
    }

    fn parse_schema(&mut self, db: DbIndex, condition: Option<&str>) -> Result<()> {
        self.refresh_schema(db.index(), condition.is_none())
    }

    fn drop_entry(&mut self, db: DbIndex, entry: CatalogueEntry, name: &str) -> Result<()> {
        self.edit_schema(db.index(), |schema| match entry {
            CatalogueEntry::Table => schema.without_table(name),
            CatalogueEntry::Index => schema.without_index(name),
            CatalogueEntry::Trigger => schema.without_trigger(name),
        });
        if (db, entry) == (DbIndex(0), CatalogueEntry::Table) {
            self.note_dropped_table(name);
        }
        Ok(())
    }

    fn may_drop_tree(&mut self, _db: DbIndex) -> Result<()> {
        // Another statement's cursor may be in it.
        if self.active_statements > 1 + self.nested_statements {
            return Err(Error::from_code(ResultCode::LOCKED));
        }
        Ok(())
    }

    fn root_moved(&mut self, db: DbIndex, from: u32, to: u32) -> Result<()> {
        // The rows of `sqlite_schema` follow later in the program: they cannot be read here.
        self.edit_schema(db.index(), |schema| schema.with_moved_root(from, to));
        Ok(())
    }

    fn cookie_written(&mut self, db: DbIndex, cookie: Cookie, _value: u32) -> Result<()> {
        if cookie == Cookie::SchemaVersion {
            self.edit_schema(db.index(), Clone::clone);
        }
        if cookie == Cookie::TextEncoding {
            self.fix_encoding();
        }
        Ok(())
    }

    fn expire_statements(&mut self) {
        self.expire_kept_programs();
        self.generation = self.generation.wrapping_add(1);
        for db in &mut self.databases {
            db.statistics_stale |= db.schema.as_ref().is_some_and(|s| s.table("sqlite_stat1").is_some());
        }
    }

    fn journal_mode(&mut self, db: DbIndex, mode: &Value, dest: &mut Value) -> Result<()> {
        self.set_journal_mode(db.index(), mode, dest)
    }

    fn checkpoint(&mut self, db: DbIndex, mode: u8) -> Result<[i64; 3]> {
        self.run_checkpoint(db.index(), mode)
    }

    fn vacuum(&mut self, db: DbIndex, into: Option<&Value>) -> Result<()> {
        self.run_vacuum(db.index(), into)
    }

    fn integrity_check(&mut self, db: DbIndex, roots: &mut [u64], max_errors: i64) -> Result<Option<(String, i64)>> {
        let index = db.index();
        let limit = usize::try_from(max_errors).unwrap_or(0).max(1);
        let mut check = self.integrity_check.take().unwrap_or_else(|| {
            IntegrityCheck::new(roots.iter().map(|root| PageNo(u32::try_from(*root).unwrap_or(0))).collect(), limit)
        });
        let Some(entry) = self.databases.get_mut(index) else { return Ok(None) };
        match check.run(&mut entry.pager) {
            Ok(()) => {}
            Err(Error::Pending) => {
                self.integrity_check = Some(check);
                return Err(Error::Pending);
            }
            Err(error) => return Err(error),
        }
        roots.copy_from_slice(check.entries());
        let messages = check.messages();
        if messages.is_empty() {
            return Ok(None);
        }
        let text = format!("*** in database {} ***\n{}", entry.name, messages.join("\n"));
        Ok(Some((text, messages.len() as i64)))
    }

    fn incremental_vacuum(&mut self, db: DbIndex) -> Result<bool> {
        let Some(entry) = self.databases.get_mut(db.index()) else { return Ok(false) };
        let step = turso_storage::btree::incremental_vacuum_step(&mut entry.pager);
        self.pending_on(db.index(), step)
    }

    fn call(&mut self, call: &HostCall, args: &[Value], dest: &mut [Value]) -> Result<()> {
        self.connection_call(call, args, dest)
    }

    fn session(&mut self) -> &mut dyn Session {
        self
    }

    fn begin_virtual(&mut self, table: &UsedTable) -> Result<()> {
        self.enlist_virtual(table)
    }

    fn create_virtual(&mut self, db: DbIndex, name: &str) -> Result<()> {
        self.create_virtual_table(db.index(), name)
    }

    fn destroy_virtual(&mut self, db: DbIndex, name: &str) -> Result<()> {
        self.destroy_virtual_table(db.index(), name)
    }

    fn rename_virtual(&mut self, db: DbIndex, table: &UsedTable, name: &str) -> Result<()> {
        self.rename_virtual_table(db.index(), table, name)
    }

    fn counters(&mut self) -> &mut Counters {
        &mut self.environment.counters
    }

    #[inline]
    fn interest(&self, change: &RowChange) -> Interest {
        self.wanted_of(change)
    }

    fn on_change(&mut self, change: &RowChange, row: ChangedRow<'_>) {
        self.tell_of_row(change, row.rowid, (row.old, row.new), row.depth);
    }

    fn on_truncate(&mut self, change: &RowChange, _rows: i64) {
        self.expire_blobs(change, None);
    }

    #[inline]
    fn trigger_begins(&mut self, name: &str) {
        if self.hooks.trace_mask != 0 {
            self.tell_of_trigger(name);
        }
    }

    #[inline]
    fn trigger_step_begins(&mut self, text: &str) {
        if self.hooks.trace_mask != 0 {
            self.tell_within_trigger(text);
        }
    }

    fn foreign<R>(&mut self, call: impl FnOnce() -> Result<R>) -> Result<R> {
        self.lend_within_statement(call)
    }

    fn environment(&self) -> &dyn Environment {
        &self.environment
    }

    fn random(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.environment.fill_random(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    #[inline]
    fn poll_interval(&self) -> u32 {
        match &self.hooks.progress {
            Some((steps, _)) => POLL_INTERVAL.min(steps.saturating_sub(self.hooks.progress_steps).max(1)),
            None => POLL_INTERVAL,
        }
    }

    fn poll(&mut self) -> Result<()> {
        self.ask_progress(self.poll_interval())?;
        self.check_interrupt()?;
        self.let_pages_go();
        Ok(())
    }
}

impl State {
    /// Between two instructions no page is needed: caches shrink to their size, large transactions spill.
    #[inline]
    pub(crate) fn let_pages_go(&mut self) {
        self.databases.iter_mut().for_each(|db| db.pager.unpin());
    }
}

//! ATTACH and DETACH.

use turso_error::{Error, Result, ResultCode};
use turso_value::Value;

use super::state::{AttachedDb, State};
use crate::database::Database;

impl State {
    /// `ATTACH file AS name`.
    pub fn attach(&mut self, file: &Value, name: &Value, key: &Value) -> Result<()> {
        if !matches!(key, Value::Null) {
            return Err(Error::sql("ATTACH with a key is not supported yet"));
        }
        let (file, name) = (text(file), text(name));
        let most = self.limit_table.get(super::Limit::Attached);
        if self.databases.len() >= most + 2 {
            return Err(Error::sql(format!("too many attached databases - max {most}")));
        }
        if self.find_database(&name).is_some() {
            return Err(Error::sql(format!("database {name} is already in use")));
        }
        let mut options = self.options.clone();
        options.shared_memory = false;
        options.create &= self.settings.switches.attach_creates;
        options.read_only |= !self.settings.switches.attach_writes;
        let database = Database::open(&file, options).map_err(|error| match error.is(ResultCode::CANTOPEN) {
            true => Error::new(error.code(), format!("unable to open database: {file}")),
            false => error,
        })?;
        let mut entry: AttachedDb = database.new_entry(&name);
        entry.pager.set_wal_autocheckpoint(self.settings.wal_autocheckpoint);
        entry.pager.set_locks_exclusively(self.settings.locks_exclusively);
        entry.pager.set_secure_delete(self.databases[0].pager.secure_delete());
        self.shares_cache |= entry.shares_cache;
        self.databases.push(entry);
        self.generation = self.generation.wrapping_add(1);
        let index = self.databases.len() - 1;
        // The file is looked at now, so that what is no database is refused here. Waiting in place is bounded by one read.
        let loaded = match self.attaches_locked(index, &file) {
            Ok(true) => Ok(()),
            Ok(false) => loop {
                match self.load_schema(index) {
                    Err(Error::Pending) => self.wait_in_place()?,
                    other => break other,
                }
            },
            Err(error) => Err(error),
        };
        if let Err(error) = loaded {
            if let Some(mut entry) = self.databases.pop()
                && entry.pager.in_read()
            {
                entry.pager.end_read();
            }
            return Err(error);
        }
        Ok(())
    }

    /// `DETACH name`.
    pub fn detach(&mut self, name: &Value) -> Result<()> {
        let name = text(name);
        let Some(index) = self.find_database(&name) else {
            return Err(Error::sql(format!("no such database: {name}")));
        };
        if index < 2 {
            return Err(Error::sql(format!("cannot detach database {name}")));
        }
        let entry = &mut self.databases[index];
        if entry.pager.in_write() || (entry.pager.in_read() && entry.snapshot_used) {
            return Err(Error::sql(format!("database {name} is locked")));
        }
        if entry.pager.in_read() {
            entry.pager.end_read();
        }
        self.databases.remove(index);
        self.expire_kept_programs();
        self.generation = self.generation.wrapping_add(1);
        Ok(())
    }
}

fn text(value: &Value) -> String {
    let mut bytes = Vec::new();
    value.as_ref().write_text(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

//! Pragmas that need the connection: settings of the session, journal modes, checkpoints.

use turso_error::{Error, Result, ResultCode};
use turso_program::schema::HostCall;
use turso_storage::{CheckpointMode, CheckpointResult, JournalMode};
use turso_value::Value;

use super::state::State;

impl State {
    /// Calls by name; the planner's pragma table says which exist, with their arguments.
    pub fn connection_call(&mut self, call: &HostCall, args: &[Value], dest: &mut [Value]) -> Result<()> {
        match (&*call.name, args) {
            ("attach", [file, name, key]) => self.attach(file, name, key),
            ("detach", [name]) => self.detach(name),
            ("wal_status", _) => self.wal_status(call.db.index(), dest),
            ("capture_data_changes_conn", args) => self.capture_call(args.first(), dest),
            (name, args) => {
                let db = call.named.then_some(call.db.index());
                self.setting(name, db, args.first(), dest.first_mut())
            }
        }
    }

    /// `PRAGMA journal_mode`: an unknown mode, or one that cannot be taken now, answers the mode in force.
    pub fn set_journal_mode(&mut self, db: usize, mode: &Value, dest: &mut Value) -> Result<()> {
        let wanted = match mode {
            Value::Text(name) => {
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                match name.as_str() {
                    // Concurrent transactions run over a plain log: the name asks for that.
                    "mvcc" | "experimental_mvcc" => {
                        self.refuse_foreign_log(db)?;
                        Some(JournalMode::Wal)
                    }
                    name => JournalMode::from_name(name),
                }
            }
            _ => None,
        };
        // Without a journal a failure would damage the file.
        let wanted = wanted.filter(|mode| *mode != JournalMode::Off || !self.settings.switches.defensive);
        if db == 1 {
            let held = &mut self.settings.temp_journal_mode;
            *held = wanted.filter(|mode| *mode != JournalMode::Wal).unwrap_or(*held);
            dest.set_text(held.name().as_bytes());
            return Ok(());
        }
        let alone = self.autocommit && self.active_statements <= 1;
        let Some(entry) = self.databases.get_mut(db) else { return Err(Error::sql("unknown database")) };
        if entry.pager.database_file().is_none() {
            // There is no journal; as in SQLite a file without a name remembers what it was told, memory only that it has none.
            let may_be = |mode: &JournalMode| match entry.is_temporary_file {
                true => *mode != JournalMode::Wal,
                false => matches!(mode, JournalMode::Memory | JournalMode::Off),
            };
            entry.told_mode = wanted.filter(may_be).unwrap_or(entry.told_mode);
            dest.set_text(entry.told_mode.name().as_bytes());
            return Ok(());
        }
        let held = match wanted {
            None => {
                self.begin_read(db)?;
                self.databases[db].pager.journal_mode()
            }
            Some(mode) => {
                let changes_format = (mode == JournalMode::Wal) != (entry.pager.journal_mode() == JournalMode::Wal);
                if changes_format && !alone {
                    let way = if mode == JournalMode::Wal { "into" } else { "out of" };
                    return Err(Error::sql(format!("cannot change {way} wal mode from within a transaction")));
                }
                if alone && entry.pager.in_read() && !entry.pager.in_write() {
                    entry.pager.end_read();
                }
                match entry.pager.set_journal_mode(mode) {
                    Err(error) if error.is(ResultCode::BUSY) => return Err(self.lock_taken(error)),
                    outcome => {
                        self.lock_wait = None;
                        outcome?
                    }
                }
            }
        };
        dest.set_text(held.name().as_bytes());
        Ok(())
    }

    /// Other software keeps the changes of `mvcc` in a log of its own: what is in there must not be passed over.
    fn refuse_foreign_log(&self, db: usize) -> Result<()> {
        let Some(file) = self.databases.get(db).and_then(|entry| entry.pager.database_file()) else { return Ok(()) };
        let mut path = file.path().as_os_str().to_owned();
        path.push("-log");
        let path = std::path::PathBuf::from(path);
        if file.io().exists(&path)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Err(Error::sql(format!(
                "{name} holds changes in a format that is not supported: checkpoint them with the software that wrote it"
            )));
        }
        Ok(())
    }

    /// `PRAGMA wal_status`: frames, checkpointed, bytes, the oldest reader's last frame and its age, what a checkpoint waits for.
    fn wal_status(&mut self, db: usize, dest: &mut [Value]) -> Result<()> {
        let alone = self.autocommit && self.active_statements <= 1;
        let Some(entry) = self.databases.get_mut(db) else { return Err(Error::sql("unknown database")) };
        if alone && entry.pager.in_read() && !entry.pager.in_write() {
            entry.pager.end_read();
        }
        let status = entry.pager.wal_status();
        let Some(status) = self.pending_on(db, status)? else {
            dest.fill(Value::Null);
            return Ok(());
        };
        let optional = |value: Option<i64>| value.map_or(Value::Null, Value::Integer);
        let waits_for = match status.oldest_reader {
            _ if status.checkpointed == status.frames => "nothing",
            Some(oldest) if oldest < status.frames => "a reader",
            _ => "a checkpoint",
        };
        let row = [
            Value::Integer(status.frames.into()),
            Value::Integer(status.checkpointed.into()),
            Value::Integer(i64::try_from(status.bytes).unwrap_or(i64::MAX)),
            optional(status.oldest_reader.map(i64::from)),
            optional(status.oldest_reader_ms),
            Value::from(waits_for),
        ];
        for (slot, value) in dest.iter_mut().zip(row) {
            *slot = value;
        }
        Ok(())
    }

    /// `PRAGMA wal_checkpoint`.
    pub fn run_checkpoint(&mut self, db: usize, mode: u8) -> Result<[i64; 3]> {
        let mode = match mode {
            0 => CheckpointMode::Passive,
            1 => CheckpointMode::Full,
            2 => CheckpointMode::Restart,
            3 => CheckpointMode::Truncate,
            _ => CheckpointMode::Noop,
        };
        let alone = self.autocommit && self.active_statements <= 1;
        let Some(entry) = self.databases.get_mut(db) else { return Err(Error::sql("unknown database")) };
        if !self.autocommit && entry.pager.in_read() {
            return Err(Error::from_code(ResultCode::LOCKED));
        }
        if alone && entry.pager.in_read() && !entry.pager.in_write() {
            entry.pager.end_read();
        }
        // Another checkpoint under way is not waited for.
        const REFUSED: [i64; 3] = [1, -1, -1];
        let is_busy = |error: &Error| error.is(ResultCode::BUSY);
        if mode >= CheckpointMode::Full {
            // Readers and writers are waited for before anything is copied.
            match entry.pager.checkpoint_whole(mode) {
                Ok(Some(result)) => {
                    self.lock_wait = None;
                    return Ok(answer(result));
                }
                Err(error) if is_busy(&error) => return Ok(REFUSED),
                Err(error) => return Err(error),
                Ok(None) => {}
            }
            let refusal = self.lock_taken(Error::from_code(ResultCode::BUSY));
            if refusal.is_pending() {
                return Err(refusal);
            }
        }
        self.lock_wait = None;
        let Some(entry) = self.databases.get_mut(db) else { return Err(Error::sql("unknown database")) };
        match entry.pager.checkpoint(mode) {
            Err(error) if is_busy(&error) => Ok(REFUSED),
            other => other.map(answer),
        }
    }
}

/// The row of `PRAGMA wal_checkpoint`.
fn answer(result: CheckpointResult) -> [i64; 3] {
    [i64::from(result.busy), result.log, result.checkpointed]
}

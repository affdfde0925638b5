//! Pragmas that need the connection: settings of the session, journal modes, checkpoints.

use turso_error::{Error, Result};
use turso_program::schema::HostCall;
use turso_value::Value;

use super::state::State;

impl State {
    /// Calls by name; the planner's pragma table says which exist, with their arguments.
    pub fn connection_call(&mut self, call: &HostCall, args: &[Value], dest: &mut [Value]) -> Result<()> {
        let _ = (args, &dest);
        Err(Error::sql(format!("{} is not supported yet", call.name)))
    }

    /// `PRAGMA journal_mode`.
    pub fn set_journal_mode(&mut self, db: usize, mode: &Value, dest: &mut Value) -> Result<()> {
        let _ = (db, mode, dest);
        Err(Error::sql("journal_mode is not supported yet"))
    }

    /// `PRAGMA wal_checkpoint`.
    pub fn run_checkpoint(&mut self, db: usize, mode: u8) -> Result<[i64; 3]> {
        let _ = (db, mode);
        Err(Error::sql("wal_checkpoint is not supported yet"))
    }
}

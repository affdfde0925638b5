//! What a virtual table sees of the connection that runs it.

use std::any::Any;

use turso_error::Result;
use turso_functions::Environment;

/// The connection, as a virtual table sees it.
pub trait Session {
    /// The connection's facts, as for functions.
    fn environment(&self) -> &dyn Environment;

    /// The rowid that `last_insert_rowid()` answers from now on.
    fn set_last_insert_rowid(&mut self, rowid: i64);

    /// Run `foreign`, code that may use the connection through a handle of its own, on this thread: until it returns, such a
    /// handle finds the connection free. What it waits for it waits for in place. Fails without a call where calls are nested too
    /// deep, and afterwards where `foreign` has rolled back the transaction of the statement that scans the table.
    fn lend(&mut self, foreign: &mut dyn FnMut()) -> Result<()>;

    /// What is behind the session, for modules of the crate that it comes from.
    fn as_any(&mut self) -> &mut dyn Any;
}

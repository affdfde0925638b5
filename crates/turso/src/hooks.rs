//! What the application is asked and told.
//!
//! Callbacks run on the thread that polls the statement. All but the authorizer and collations may use the connection, through
//! a [`crate::core::WeakConnection`]; what they run blocks that thread.

use std::sync::Arc;

use turso_core::hooks::{AuthRequest, Authorization, Preupdate, RowAction, TraceEvent};

use crate::connection::Connection;

impl Connection {
    /// The engine's connection, whose calls block: for callbacks, and for what has no asynchronous form.
    pub fn engine(&self) -> &turso_core::Connection {
        self.inner()
    }

    /// A handle for functions and hooks, which the connection itself keeps: it does not keep the connection open.
    pub fn downgrade(&self) -> turso_core::WeakConnection {
        self.engine().downgrade()
    }

    /// Be told of each changed row of a rowid table: action, database, table, rowid. See [`turso_core::hooks::UpdateHook`].
    pub fn on_update(&self, callback: Option<impl Fn(RowAction, &str, &str, i64) + Send + Sync + 'static>) {
        self.engine().set_update_hook(callback.map(|c| Arc::new(c) as _));
    }

    /// Be told of each changed row with its values before and after.
    pub fn on_preupdate(&self, callback: Option<impl Fn(&Preupdate<'_>) + Send + Sync + 'static>) {
        self.engine().set_preupdate_hook(callback.map(|c| Arc::new(c) as _));
    }

    /// Be asked before each commit; `true` turns it into a rollback, and its statement fails.
    pub fn on_commit(&self, callback: Option<impl Fn() -> bool + Send + Sync + 'static>) {
        self.engine().set_commit_hook(callback.map(|c| Arc::new(c) as _));
    }

    /// Be told of each rollback.
    pub fn on_rollback(&self, callback: Option<impl Fn() + Send + Sync + 'static>) {
        self.engine().set_rollback_hook(callback.map(|c| Arc::new(c) as _));
    }

    /// Be asked what statements may do while they are prepared. It cannot use the connection.
    pub fn authorizer(&self, callback: Option<impl Fn(&AuthRequest<'_>) -> Authorization + Send + Sync + 'static>) {
        self.engine().set_authorizer(callback.map(|c| Arc::new(c) as _));
    }

    /// Be asked every `instructions` instructions; `true` interrupts the statement.
    pub fn progress_handler(&self, instructions: u32, callback: Option<impl Fn() -> bool + Send + Sync + 'static>) {
        self.engine().set_progress_handler(instructions, callback.map(|c| Arc::new(c) as _));
    }

    /// Be told what statements do: the events of `mask` ([`turso_core::hooks::trace_mask`]).
    pub fn trace(&self, mask: u32, callback: Option<impl Fn(&TraceEvent<'_>) + Send + Sync + 'static>) {
        self.engine().set_tracer(mask, callback.map(|c| Arc::new(c) as _));
    }

    /// Somebody has called [`Connection::interrupt`], and the statements that run have not all ended yet.
    pub fn is_interrupted(&self) -> bool {
        self.engine().is_interrupted()
    }
}

//! `sqlite3_limit`: the engine's limits, and those of the interface that bound nothing here.

use std::cell::Cell;
use std::ffi::c_int;

use turso_core::Limit;

use crate::boundary::entry;
use crate::handle::{Db, Handle};

/// What both lengths are at first.
const MAX_LENGTH: usize = 1_000_000_000;

/// The engine's limits in the order of the interface's numbers.
const LIMITS: [Limit; 15] = [
    Limit::Length,
    Limit::SqlLength,
    Limit::Column,
    Limit::ExprDepth,
    Limit::CompoundSelect,
    Limit::VdbeOp,
    Limit::FunctionArg,
    Limit::Attached,
    Limit::LikePatternLength,
    Limit::VariableNumber,
    Limit::TriggerDepth,
    Limit::WorkerThreads,
    Limit::ParserDepth,
    Limit::Schema,
    Limit::TriggerSteps,
];

/// Lengths that are looked at with every value, kept beside the engine's.
pub struct Lengths {
    value: Cell<usize>,
    sql: Cell<usize>,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { value: Cell::new(MAX_LENGTH), sql: Cell::new(MAX_LENGTH) }
    }
}

impl Lengths {
    /// Bytes of a text or blob.
    pub fn length(&self) -> usize {
        self.value.get()
    }

    /// Bytes of an SQL text.
    pub fn sql_length(&self) -> usize {
        self.sql.get()
    }
}

entry! {
    /// Asks for a limit, and lowers or raises it when the new value is not negative.
    fn sqlite3_limit(db: Handle<Db>, which: i32, wanted: i32) -> c_int | -1; {
        let (Some(db), Ok(which)) = (db.get(), usize::try_from(which)) else { return -1 };
        let Some(&limit) = LIMITS.get(which) else { return -1 };
        let before = db.connection.set_limit(limit, wanted);
        let size = |limit| usize::try_from(db.connection.limit(limit)).unwrap_or(0);
        db.limits.value.set(size(Limit::Length));
        db.limits.sql.set(size(Limit::SqlLength));
        before
    }
}

//! `sqlite3_limit`.

use std::ffi::c_int;

use crate::boundary::entry;
use crate::handle::{Db, Handle};

/// Upper bounds, in the order of the interface's numbers: length, SQL length, columns, depth of expressions, compound
/// selects, instructions, arguments of functions, attached databases, LIKE patterns, variables, depth of triggers, threads.
const BOUNDS: [c_int; 13] =
    [1_000_000_000, 1_000_000_000, 2000, 1000, 500, 250_000_000, 1000, 10, 50_000, 250_000, 1000, 8, 1000];

/// What is in force at first where it is not the bound: threads.
const WORKER_THREADS: usize = 11;

/// The limits of a connection.
pub struct Limits([c_int; BOUNDS.len()]);

impl Default for Limits {
    fn default() -> Self {
        let mut limits = BOUNDS;
        if let Some(threads) = limits.get_mut(WORKER_THREADS) {
            *threads = 0;
        }
        Self(limits)
    }
}

impl Limits {
    fn get(&self, index: usize) -> usize {
        self.0.get(index).and_then(|&limit| usize::try_from(limit).ok()).unwrap_or(0)
    }

    /// Bytes of a text or blob.
    pub fn length(&self) -> usize {
        self.get(0)
    }

    /// Bytes of an SQL text.
    pub fn sql_length(&self) -> usize {
        self.get(1)
    }
}

entry! {
    /// Asks for a limit, and lowers or raises it when the new value is not negative.
    fn sqlite3_limit(db: Handle<Db>, which: i32, wanted: i32) -> c_int | -1; {
        let (Some(db), Ok(which)) = (db.get(), usize::try_from(which)) else { return -1 };
        let mut limits = db.limits.borrow_mut();
        let (Some(limit), Some(&bound)) = (limits.0.get_mut(which), BOUNDS.get(which)) else { return -1 };
        let before = *limit;
        if wanted >= 0 {
            // A text has at least this length, whatever is asked for.
            *limit = wanted.min(bound).max(if which == 0 { 30 } else { 0 });
        }
        before
    }
}

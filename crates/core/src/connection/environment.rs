//! What functions may ask of the connection.

use std::cell::Cell;
use std::sync::Arc;

use turso_functions::{DefaultEnvironment, Environment};
use turso_io::Io;
use turso_schema::Schema;
use turso_value::TextEncoding;
use turso_vm::Counters;

use crate::options::Backend;

/// The connection's facts for functions; copied here before a statement runs, so that functions need no lock.
pub(crate) struct SessionEnvironment {
    pub base: DefaultEnvironment,
    /// Whose clock counts, where the application has brought the back end.
    pub clock: Option<Arc<dyn Io>>,
    /// The time of the step in hand, milliseconds since the Julian epoch; 0 until a function asks for it.
    pub now_julian_ms: Cell<i64>,
    /// Live, so that trigger bodies see what their statements have done.
    pub counters: Counters,
    pub case_sensitive_like: bool,
    pub encoding: TextEncoding,
    /// The catalogue of the main database.
    pub main: Option<Arc<Schema>>,
    /// `SQLITE_LIMIT_LENGTH`.
    pub max_length: usize,
    /// `SQLITE_LIMIT_LIKE_PATTERN_LENGTH`.
    pub max_like_pattern: usize,
}

impl Default for SessionEnvironment {
    fn default() -> Self {
        let base = DefaultEnvironment;
        Self {
            max_length: base.max_length(),
            max_like_pattern: base.max_like_pattern(),
            base,
            clock: None,
            now_julian_ms: Cell::new(0),
            counters: Counters::default(),
            case_sensitive_like: false,
            encoding: TextEncoding::default(),
            main: None,
        }
    }
}

impl SessionEnvironment {
    /// Of a connection with this back end.
    pub fn new(backend: &Backend) -> Self {
        let clock = if let Backend::Custom(io) = backend { Some(io.clone()) } else { None };
        Self { clock, ..Self::default() }
    }
}

impl Environment for SessionEnvironment {
    fn changes(&self) -> i64 {
        self.counters.changes
    }
    fn total_changes(&self) -> i64 {
        self.counters.total_changes
    }
    fn last_insert_rowid(&self) -> i64 {
        self.counters.last_insert_rowid
    }
    fn now_julian_ms(&self) -> i64 {
        if self.now_julian_ms.get() == 0 {
            let clock = self.clock.as_ref();
            self.now_julian_ms.set(clock.map_or_else(|| self.base.now_julian_ms(), |io| io.now_julian_ms()));
        }
        self.now_julian_ms.get()
    }
    fn local_offset_seconds(&self, unix_seconds: i64) -> Option<i64> {
        self.base.local_offset_seconds(unix_seconds)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        self.base.fill_random(buffer);
    }
    fn case_sensitive_like(&self) -> bool {
        self.case_sensitive_like
    }
    fn stored_columns(&self, table: &str) -> Option<Vec<String>> {
        let table = self.main.as_ref()?.table(table)?;
        let columns = table.columns.iter().enumerate().filter(|(i, _)| !table.is_computed(*i));
        Some(columns.map(|(_, column)| column.name.to_string()).collect())
    }
    fn encoding(&self) -> TextEncoding {
        self.encoding
    }
    fn max_length(&self) -> usize {
        self.max_length
    }
    fn max_like_pattern(&self) -> usize {
        self.max_like_pattern
    }
}

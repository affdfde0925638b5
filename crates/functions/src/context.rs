//! What a function sees of the world while it runs.

use std::cmp::Ordering;

use turso_error::{Error, Result, ResultCode};
use turso_value::{Collation, Object, Objects, TextEncoding, Value, ValueRef, compare, compare_in};

use crate::auxiliary::AuxiliaryData;

/// The connection's facts, as far as functions may ask. The caller keeps them fixed while one step runs.
pub trait Environment {
    /// Rows changed by the last completed INSERT, UPDATE or DELETE.
    fn changes(&self) -> i64 {
        0
    }
    /// Rows changed since the connection was opened.
    fn total_changes(&self) -> i64 {
        0
    }
    /// The rowid of the last insert.
    fn last_insert_rowid(&self) -> i64 {
        0
    }
    /// The current time in milliseconds since the Julian epoch (noon, November 24, 4714 BC); the same for the whole step.
    fn now_julian_ms(&self) -> i64;
    /// Seconds to add to UTC to get local time at this moment (Unix seconds); `None` when it is not known.
    fn local_offset_seconds(&self, unix_seconds: i64) -> Option<i64>;
    /// Fills the buffer with random bytes.
    fn fill_random(&self, buffer: &mut [u8]);
    /// The longest text or blob, in bytes (`SQLITE_LIMIT_LENGTH`).
    fn max_length(&self) -> usize {
        1_000_000_000
    }
    /// The longest LIKE or GLOB pattern, in bytes (`SQLITE_LIMIT_LIKE_PATTERN_LENGTH`).
    fn max_like_pattern(&self) -> usize {
        50_000
    }
    /// `PRAGMA case_sensitive_like`.
    fn case_sensitive_like(&self) -> bool {
        false
    }
    /// The names of the columns of a table of the main database that have a field in its records.
    fn stored_columns(&self, table: &str) -> Option<Vec<String>> {
        let _ = table;
        None
    }
    /// The encoding of the main database.
    fn encoding(&self) -> TextEncoding {
        TextEncoding::Utf8
    }
}

static RANDOM_SOURCE: std::sync::OnceLock<fn(&mut [u8]) -> bool> = std::sync::OnceLock::new();

/// From now on random numbers of the process come from here, as long as it does not answer false. The first source stays.
pub fn set_random_source(source: fn(&mut [u8]) -> bool) {
    let _ = RANDOM_SOURCE.set(source);
}

/// An environment of its own: system clock, UTC as local time, randomness from a counter hashed with process state.
#[derive(Debug, Default)]
pub struct DefaultEnvironment;

impl Environment for DefaultEnvironment {
    fn now_julian_ms(&self) -> i64 {
        let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        crate::datetime::UNIX_EPOCH_MS + i64::try_from(unix.as_millis()).unwrap_or(0)
    }

    fn local_offset_seconds(&self, _unix_seconds: i64) -> Option<i64> {
        Some(0)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        use std::hash::{BuildHasher, Hasher};
        if RANDOM_SOURCE.get().is_some_and(|source| source(buffer)) {
            return;
        }
        for chunk in buffer.chunks_mut(8) {
            // Each `RandomState` has fresh keys, so each hash is a fresh number.
            let random = std::hash::RandomState::new().build_hasher().finish().to_le_bytes();
            let len = chunk.len();
            chunk.copy_from_slice(&random[..len]);
        }
    }
}

/// One call of a function: where its result goes, and what it may look at.
pub struct Context<'a> {
    /// Where the result goes. It holds whatever was there before: a function must always assign it. NULL is not implied.
    pub result: &'a mut Value,
    /// The subtype of the result (JSON: [`Context::SUBTYPE_JSON`]); 0 before the call.
    pub result_subtype: u32,
    /// The subtypes of the arguments; shorter than the arguments (usually empty) when the rest is 0. Supplied for
    /// functions with [`crate::FunctionFlags::SUBTYPE`].
    pub arg_subtypes: &'a [u32],
    /// A bit for each of the first 32 arguments that is a parameter's value. Supplied for functions of the application.
    pub parameter_args: u32,
    /// The collation in force, for functions with [`crate::FunctionFlags::NEEDS_COLLATION`]; else BINARY.
    pub collation: &'a Collation,
    /// The connection's facts.
    pub environment: &'a dyn Environment,
    /// What a scalar function of the application has kept at this place of the statement; `None` for all others.
    pub auxiliary: Option<AuxiliaryData<'a>>,
    /// What travels with values of this statement, for functions of the application.
    pub objects: Option<&'a mut Objects>,
}

impl<'a> Context<'a> {
    /// The subtype that marks text as JSON.
    pub const SUBTYPE_JSON: u32 = b'J' as u32;

    /// A call with BINARY collation and no subtypes.
    pub fn new(result: &'a mut Value, environment: &'a dyn Environment) -> Self {
        Self {
            result,
            result_subtype: 0,
            arg_subtypes: &[],
            parameter_args: 0,
            collation: &Collation::Binary,
            environment,
            auxiliary: None,
            objects: None,
        }
    }

    /// The order of two values under the collation in force.
    #[inline]
    pub fn compare(&self, a: &Value, b: &Value) -> Ordering {
        let (a, b) = (a.as_ref(), b.as_ref());
        match (a, b) {
            (ValueRef::Text(_), ValueRef::Text(_)) => compare_in(a, b, self.collation, self.environment.encoding()),
            _ => compare(a, b, self.collation),
        }
    }

    /// The subtype of an argument.
    #[inline]
    pub fn arg_subtype(&self, index: usize) -> u32 {
        self.arg_subtypes.get(index).copied().filter(|&subtype| !Objects::is_mark(subtype)).unwrap_or(0)
    }

    /// Whether an argument is a parameter's value as it was bound.
    pub fn is_parameter(&self, index: usize) -> bool {
        index < 32 && self.parameter_args >> index & 1 == 1
    }

    /// The object that goes with an argument, which is NULL.
    pub fn arg_object(&self, index: usize) -> Option<&Object> {
        self.objects.as_deref()?.get(*self.arg_subtypes.get(index)?)
    }

    /// The result becomes NULL, with an object that goes with it.
    pub fn object(&mut self, object: Object) -> Result<()> {
        self.result.set_null();
        if let Some(objects) = &mut self.objects {
            self.result_subtype = objects.keep(object);
        }
        Ok(())
    }

    /// Fails with `SQLITE_TOOBIG` when a text or blob of this length is not allowed.
    #[inline]
    pub fn check_length(&self, len: usize) -> Result<()> {
        if len > self.environment.max_length() { Err(Error::from_code(ResultCode::TOOBIG)) } else { Ok(()) }
    }

    /// The result becomes NULL.
    #[inline]
    pub fn null(&mut self) -> Result<()> {
        self.result.set_null();
        Ok(())
    }

    /// The result becomes an integer.
    #[inline]
    pub fn integer(&mut self, i: i64) -> Result<()> {
        self.result.set_integer(i);
        Ok(())
    }

    /// The result becomes a real (NULL for NaN).
    #[inline]
    pub fn real(&mut self, r: f64) -> Result<()> {
        self.result.set_real(r);
        Ok(())
    }

    /// The result becomes text.
    #[inline]
    pub fn text(&mut self, text: &[u8]) -> Result<()> {
        self.check_length(text.len())?;
        self.result.set_text(text);
        Ok(())
    }

    /// The result becomes a blob.
    #[inline]
    pub fn blob(&mut self, blob: &[u8]) -> Result<()> {
        self.check_length(blob.len())?;
        self.result.set_blob(blob);
        Ok(())
    }

    /// The result becomes a copy of a value.
    #[inline]
    pub fn value(&mut self, value: &Value) -> Result<()> {
        self.result.assign(value.as_ref());
        Ok(())
    }
}

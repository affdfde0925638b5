//! Result codes and the one error type of the engine.
//!
//! Every layer returns [`Error`]. It carries SQLite's extended result code and the text that SQLite gives for
//! the same failure, so a face (C library, shell, crate `turso`) translates and never invents.
//! [`Error::Pending`] is not a failure: the operation started a read that has not completed and will be run again
//! (see `docs/ARCHITECTURE.md`, restartable instructions). It crosses every layer with `?`.
#![forbid(unsafe_code)]

mod code;
pub mod log;

pub use code::ResultCode;

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

/// The result type of the whole engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, or [`Error::Pending`]. One word wide, so that `Result<(), Error>` travels in a register.
#[derive(Debug, Clone)]
pub enum Error {
    /// A page or another input is on its way: run the same operation again once it has arrived.
    Pending,
    /// A failure with its result code and text.
    Failed(Box<Failure>),
}

/// A failure: SQLite's code and text, and where it was detected.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The extended result code.
    pub code: ResultCode,
    /// The message shown to the user; SQLite's wording where SQLite has the failure.
    pub message: Cow<'static, str>,
    /// Byte offset into the SQL text that caused the failure, where there is one.
    pub sql_offset: Option<u32>,
    /// The operating system's error number, where there is one.
    pub os_error: Option<i32>,
    /// The damage is within one record; the tree that it is in may be sound.
    pub in_record: bool,
    /// Where in the engine the failure was detected, for logs.
    pub detected_at: &'static Location<'static>,
}

impl Error {
    /// A failure with its own message.
    #[cold]
    #[track_caller]
    pub fn new(code: ResultCode, message: impl Into<Cow<'static, str>>) -> Self {
        Error::Failed(Box::new(Failure {
            code,
            message: message.into(),
            sql_offset: None,
            os_error: None,
            in_record: false,
            detected_at: Location::caller(),
        }))
    }

    /// A failure with the standard text of its primary code (`sqlite3_errstr`).
    #[cold]
    #[track_caller]
    pub fn from_code(code: ResultCode) -> Self {
        Self::new(code, code.text())
    }

    /// A generic SQL error (`SQLITE_ERROR`).
    #[cold]
    #[track_caller]
    pub fn sql(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ResultCode::ERROR, message)
    }

    /// A damaged database file. The user sees SQLite's fixed text; `what` goes to logs through [`Failure`]'s place.
    #[cold]
    #[track_caller]
    pub fn corrupt(page_no: u32, what: &'static str) -> Self {
        let _ = (page_no, what);
        Self::from_code(ResultCode::CORRUPT)
    }

    /// A record that is damaged in itself: its header does not describe it.
    #[cold]
    #[track_caller]
    pub fn malformed_record(what: &'static str) -> Self {
        let mut error = Self::corrupt(0, what);
        if let Error::Failed(failure) = &mut error {
            failure.in_record = true;
        }
        error
    }

    /// The failure is that of [`Error::malformed_record`].
    pub fn is_malformed_record(&self) -> bool {
        matches!(self, Error::Failed(failure) if failure.in_record)
    }

    /// An operating system error, as the given `SQLITE_IOERR_*` code.
    #[cold]
    #[track_caller]
    pub fn io(code: ResultCode, cause: &std::io::Error) -> Self {
        let mut error = Self::from_code(code);
        if let Error::Failed(failure) = &mut error {
            failure.os_error = cause.raw_os_error();
        }
        error
    }

    /// The same failure, pointing at a byte offset of the SQL text.
    #[must_use]
    pub fn with_sql_offset(mut self, offset: u32) -> Self {
        if let Error::Failed(failure) = &mut self {
            failure.sql_offset = Some(offset);
        }
        self
    }

    /// True for [`Error::Pending`].
    pub fn is_pending(&self) -> bool {
        matches!(self, Error::Pending)
    }

    /// The extended result code. [`Error::Pending`] answers `SQLITE_INTERNAL`: it must never reach a face.
    pub fn code(&self) -> ResultCode {
        match self {
            Error::Pending => ResultCode::INTERNAL,
            Error::Failed(failure) => failure.code,
        }
    }

    /// True when the primary code is the given one.
    pub fn is(&self, primary: ResultCode) -> bool {
        matches!(self, Error::Failed(failure) if failure.code.primary() == primary.primary())
    }

    /// The text for the user.
    pub fn message(&self) -> &str {
        match self {
            Error::Pending => "operation pending",
            Error::Failed(failure) => &failure.message,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}

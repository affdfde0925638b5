//! Errors by what a caller can do about them.

use std::fmt;

use turso_core::ResultCode;

/// The result of every operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. The texts are the engine's, which are SQLite's.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A Rust value has no SQL form.
    ToSqlConversionFailure(Box<dyn std::error::Error + Send + Sync>),
    /// A query that had to return a row returned none.
    QueryReturnedNoRows,
    /// An SQL value does not have the Rust type that was asked for.
    ConversionFailure(String),
    /// A lock was not free within the busy timeout: try again.
    Busy(String),
    /// The snapshot that the transaction reads is out of date: roll back and run it again.
    BusySnapshot(String),
    /// The statement was interrupted.
    Interrupt(String),
    /// Anything else that SQL can do wrong.
    Error(String),
    /// The interface was used in a way that has no meaning.
    Misuse(String),
    /// A constraint does not hold.
    Constraint(String),
    /// The database cannot be written.
    Readonly(String),
    /// The database or the disk is full.
    DatabaseFull(String),
    /// The file is no database.
    NotAdb(String),
    /// The file is damaged.
    Corrupt(String),
    /// The operating system failed.
    IoError(std::io::ErrorKind, &'static str),
}

impl From<turso_core::Error> for Error {
    fn from(error: turso_core::Error) -> Self {
        let text = error.message().to_owned();
        if error.code() == ResultCode::BUSY_SNAPSHOT {
            if text.starts_with("conflict: ") {
                // It names the table and the key.
                return Error::BusySnapshot(text);
            }
            return Error::BusySnapshot("database snapshot is stale, rollback and retry the transaction".into());
        }
        match error.code().primary() {
            ResultCode::BUSY | ResultCode::LOCKED => Error::Busy(text),
            ResultCode::INTERRUPT => Error::Interrupt(text),
            ResultCode::MISUSE | ResultCode::RANGE => Error::Misuse(text),
            ResultCode::CONSTRAINT => Error::Constraint(text),
            ResultCode::READONLY => Error::Readonly(text),
            ResultCode::FULL => Error::DatabaseFull(text),
            ResultCode::NOTADB => Error::NotAdb(text),
            ResultCode::CORRUPT => Error::Corrupt(text),
            ResultCode::IOERR => {
                let kind = match &error {
                    turso_core::Error::Failed(failure) => failure.os_error.map(std::io::Error::from_raw_os_error),
                    turso_core::Error::Pending => None,
                };
                Error::IoError(kind.map_or(std::io::ErrorKind::Other, |e| e.kind()), error.code().text())
            }
            _ => Error::Error(text),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::ToSqlConversionFailure(cause) => write!(f, "{cause}"),
            Error::QueryReturnedNoRows => f.write_str("query returned no rows"),
            Error::ConversionFailure(text)
            | Error::Busy(text)
            | Error::BusySnapshot(text)
            | Error::Interrupt(text)
            | Error::Error(text)
            | Error::Misuse(text)
            | Error::Constraint(text)
            | Error::Readonly(text)
            | Error::DatabaseFull(text)
            | Error::NotAdb(text)
            | Error::Corrupt(text) => f.write_str(text),
            Error::IoError(kind, text) => write!(f, "{text}: {kind}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::ToSqlConversionFailure(cause) => Some(&**cause),
            _ => None,
        }
    }
}

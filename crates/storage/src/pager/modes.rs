//! Journal modes and how much is synced.

use turso_error::Result;

use super::Pager;
use super::file::Source;

/// `PRAGMA journal_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalMode {
    /// The rollback journal is deleted at the end of each transaction.
    Delete,
    /// It is cut off to zero bytes.
    Truncate,
    /// Its header is overwritten with zeros.
    Persist,
    /// The originals are kept in memory: a crash during a commit damages the database.
    Memory,
    /// There are no originals.
    Off,
    /// Write-ahead log.
    Wal,
}

impl JournalMode {
    /// SQLite's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Persist => "persist",
            Self::Memory => "memory",
            Self::Off => "off",
            Self::Wal => "wal",
        }
    }

    /// The mode of that name, whatever its case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Delete, Self::Truncate, Self::Persist, Self::Memory, Self::Off, Self::Wal]
            .into_iter()
            .find(|mode| name.eq_ignore_ascii_case(mode.name()))
    }
}

/// `PRAGMA synchronous`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Synchronous {
    /// Nothing is synced.
    Off,
    /// Enough that a crash damages nothing; in WAL mode the newest commits may be lost with the power.
    Normal,
    /// A commit that was reported survives a loss of power.
    Full,
    /// The removal of the journal is synced too.
    Extra,
}

impl Pager {
    /// The journal mode that holds.
    pub fn journal_mode(&self) -> JournalMode {
        match self.file() {
            Some(file) if file.wal.is_some() || matches!(file.source, Source::Wal(_)) => JournalMode::Wal,
            Some(file) => file.rollback_mode,
            None => JournalMode::Memory,
        }
    }

    /// Asks for a journal mode, outside a transaction; answers the mode that holds then.
    pub fn set_journal_mode(&mut self, mode: JournalMode) -> Result<JournalMode> {
        if self.file().is_none() {
            return Ok(self.journal_mode());
        }
        let file = self.file_mut();
        if mode != JournalMode::Wal && file.wal.is_none() {
            file.rollback_mode = mode;
        }
        Ok(self.journal_mode())
    }

    /// `PRAGMA synchronous`.
    pub fn synchronous(&self) -> Synchronous {
        self.file().map_or(Synchronous::Off, |file| file.synchronous)
    }

    /// Sets how much commits of this connection sync.
    pub fn set_synchronous(&mut self, synchronous: Synchronous) {
        if self.file().is_some() {
            self.file_mut().synchronous = synchronous;
        }
    }
}

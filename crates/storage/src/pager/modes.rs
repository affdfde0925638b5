//! Journal modes and how much is synced.

use turso_error::{Error, Result, ResultCode};

use super::file::Source;
use super::{Backing, Pager, WriteMode};
use crate::wal::{CheckpointMode, CheckpointResult, Effort, LogAtEnd, WalStatus};

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

    /// Asks for a journal mode, outside a transaction; answers the mode that holds then. May block.
    pub fn set_journal_mode(&mut self, mode: JournalMode) -> Result<JournalMode> {
        let untouched = self.in_read() && (!self.in_write() || self.dirty.is_empty());
        if self.file().is_some() && untouched && ![mode, self.journal_mode()].contains(&JournalMode::Wal) {
            // Nothing is in a journal yet.
            self.file_mut().rollback_mode = mode;
        }
        if self.file().is_none() || self.in_read() {
            return Ok(self.journal_mode());
        }
        self.file_mut().needs_to_block()?;
        // Which mode holds is written in the file.
        self.block_on(Pager::begin_read)?;
        self.end_read();
        match (self.journal_mode() == JournalMode::Wal, mode == JournalMode::Wal) {
            (true, true) => {}
            (false, false) => {
                let file = self.file_mut();
                file.rollback_mode = mode;
                // Asked for in an empty file, it is what the database begins with.
                file.starts_with_wal = false;
            }
            (false, true) => {
                self.change_format(2)?;
                self.block_on(Pager::begin_read)?;
                self.end_read();
            }
            (true, false) => {
                let file = self.file_mut();
                file.db.leave_wal(file.id)?;
                file.wal = None;
                file.rollback_mode = mode;
                file.leaving_wal = true;
                let changed = self.change_format(1);
                self.file_mut().leaving_wal = false;
                changed?;
            }
        }
        Ok(self.journal_mode())
    }

    /// Writes the format versions into the header, in a transaction with a rollback journal.
    fn change_format(&mut self, version: u8) -> Result<()> {
        let result = self.block_on(|p| p.begin_write(WriteMode::Exclusive)).and_then(|()| {
            self.edit_header(|h| (h.write_version, h.read_version) = (version, version));
            self.block_on(Pager::commit)
        });
        self.rollback();
        self.end_read();
        result
    }

    /// Copies the log into the database file; outside a transaction. May block.
    pub fn checkpoint(&mut self, mode: CheckpointMode) -> Result<CheckpointResult> {
        self.checkpoint_with(mode, Effort::Possible)
    }

    /// The same where nobody keeps it from doing all that its mode asks for; `None`: somebody does, and will be waited for.
    pub fn checkpoint_whole(&mut self, mode: CheckpointMode) -> Result<Option<CheckpointResult>> {
        let result = self.checkpoint_with(mode, Effort::Complete)?;
        // Without numbers another checkpoint is under way.
        Ok((!result.busy || result.log < 0).then_some(result))
    }

    fn checkpoint_with(&mut self, mode: CheckpointMode, effort: Effort) -> Result<CheckpointResult> {
        let none = CheckpointResult { busy: false, log: -1, checkpointed: -1 };
        if self.file().is_none() {
            return Ok(none);
        }
        if self.in_read() {
            return Err(Error::from_code(ResultCode::LOCKED));
        }
        let file = self.file_mut();
        file.needs_to_block()?;
        if file.exclusive || file.wal.as_ref().is_none_or(|wal| wal.is_closed()) {
            // This opens the log, if there is one.
            self.block_on(Pager::begin_read)?;
            self.end_read();
        }
        let file = self.file_mut();
        if file.db.is_owned_by_other(file.id) {
            return Ok(CheckpointResult { busy: true, ..none });
        }
        match &file.wal {
            Some(wal) => match wal.checkpoint(&file.db, mode, effort, file.synchronous) {
                // Somebody else is checkpointing.
                Err(e) if e.is(ResultCode::BUSY) => Ok(CheckpointResult { busy: true, ..none }),
                result => result,
            },
            None => Ok(none),
        }
    }

    /// What is known of the log; `None` outside WAL mode. A snapshot of this connection that is open counts as a reader. May
    /// block.
    pub fn wal_status(&mut self) -> Result<Option<WalStatus>> {
        if self.file().is_none() {
            return Ok(None);
        }
        if !self.in_read() {
            self.file_mut().needs_to_block()?;
            self.block_on(Pager::begin_read)?;
            self.end_read();
        }
        match &self.file_mut().wal {
            Some(wal) => wal.status().map(Some),
            None => Ok(None),
        }
    }

    /// Frames in the log as far as the snapshot in hand knows it; `None` outside WAL mode.
    pub fn wal_frames(&self) -> Option<u32> {
        match &self.file()?.source {
            Source::Wal(snapshot) => Some(snapshot.max_frame()),
            _ => None,
        }
    }

    /// True in `locking_mode = exclusive`.
    pub fn locks_exclusively(&self) -> bool {
        self.file().is_none_or(|file| file.exclusive)
    }

    /// `PRAGMA locking_mode`: whether the locks of a transaction are kept when it ends. Answers what holds: without shared
    /// memory for the log there is no way back until the journal mode changes.
    pub fn set_locks_exclusively(&mut self, exclusive: bool) -> bool {
        let idle = !self.in_read();
        let Backing::File(file) = &mut self.backing else { return true };
        if !exclusive && file.wal.as_ref().is_some_and(|wal| wal.is_private()) {
            return true;
        }
        file.exclusive = exclusive;
        if !exclusive {
            file.db.disown(file.id);
            if idle {
                file.release_kept();
            }
        }
        exclusive
    }

    /// `PRAGMA journal_size_limit`.
    pub fn set_journal_size_limit(&mut self, bytes: i64) {
        self.journal_size_limit = bytes.max(-1);
        self.leave_log(self.file().is_some_and(|file| file.log_at_end != LogAtEnd::Removed));
    }

    /// The log stays when this connection goes as the last one, emptied where its size has a limit
    /// (`SQLITE_FCNTL_PERSIST_WAL`).
    pub fn leave_log(&mut self, leave: bool) {
        let limited = self.journal_size_limit >= 0;
        if let Backing::File(file) = &mut self.backing {
            file.log_at_end = match (leave, limited) {
                (false, _) => LogAtEnd::Removed,
                (true, false) => LogAtEnd::Kept,
                (true, true) => LogAtEnd::Emptied,
            };
        }
    }

    /// From now on this connection neither reads nor writes the file (`SQLITE_FCNTL_NULL_IO`): what it has at hand of a
    /// transaction it may still read, and every other attempt fails. Other connections go on.
    pub fn sever(&mut self) {
        if let Backing::File(file) = &mut self.backing {
            file.severed = true;
            file.log_at_end = LogAtEnd::Kept;
        }
    }

    /// See [`Pager::set_journal_size_limit`].
    pub fn journal_size_limit(&self) -> i64 {
        self.journal_size_limit
    }

    /// `PRAGMA secure_delete`: 0, 1, or 2 (only what costs no further writes).
    pub fn secure_delete(&self) -> u8 {
        self.secure_delete
    }

    /// Deleted cells are always overwritten; with 1, pages that become free are as well.
    pub fn set_secure_delete(&mut self, mode: u8) {
        self.secure_delete = mode.min(2);
    }

    /// `PRAGMA wal_autocheckpoint`: frames after which a commit is followed by a checkpoint; 0 never.
    pub fn wal_autocheckpoint(&self) -> u32 {
        self.file().map_or(0, |file| file.wal_autocheckpoint)
    }

    /// Sets it.
    pub fn set_wal_autocheckpoint(&mut self, frames: u32) {
        if self.file().is_some() {
            self.file_mut().wal_autocheckpoint = frames;
        }
    }

    /// `PRAGMA synchronous`.
    pub fn synchronous(&self) -> Synchronous {
        self.file().map_or(self.unused_synchronous, |file| file.synchronous)
    }

    /// Sets how much commits of this connection sync.
    pub fn set_synchronous(&mut self, synchronous: Synchronous) {
        if self.file().is_some() {
            self.file_mut().synchronous = synchronous;
        } else {
            self.unused_synchronous = synchronous;
        }
    }
}

//! Snapshots that were taken before, asked for again (`sqlite3_snapshot_open`).
//!
//! What is read under one is this connection's alone: it bears commit number 0, which comes before all that the process counts,
//! so the shared cache neither gives nor takes.

use turso_error::{Error, Result, ResultCode};

use super::file::Source;
use super::{Backing, Pager, State};
use crate::format::wal_index::IndexHeader;

/// A state of a database with a log, as long as the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotId(IndexHeader);

impl SnapshotId {
    /// Bytes of a written one.
    pub const SIZE: usize = 4 * IndexHeader::WORDS;

    /// For who keeps it.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(self.0.encode()) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// What was kept; `None` where these bytes are no snapshot.
    pub fn from_bytes(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let mut words = [0; IndexHeader::WORDS];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_ne_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        }
        IndexHeader::decode(&words).ok().map(Self)
    }
}

/// By age; those of different generations of the log by the generation's number, which counts up.
impl Ord for SnapshotId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let generation = |id: &Self| u32::from_be_bytes([id.0.salt[0], id.0.salt[1], id.0.salt[2], id.0.salt[3]]);
        generation(self).cmp(&generation(other)).then(self.0.max_frame.cmp(&other.0.max_frame))
    }
}

impl PartialOrd for SnapshotId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Pager {
    /// The snapshot that is held, to be asked for again; `None` without a log, and where the log is empty.
    pub fn snapshot_id(&self) -> Option<SnapshotId> {
        match &self.file()?.source {
            Source::Wal(snapshot) if snapshot.max_frame() > 0 => Some(SnapshotId(*snapshot.header())),
            _ => None,
        }
    }

    /// Takes the snapshot again, in place of the one that is held. `SQLITE_ERROR_SNAPSHOT` where it is gone; then none is held.
    pub fn begin_read_at(&mut self, id: &SnapshotId) -> Result<()> {
        let refused = || Error::from_code(ResultCode::ERROR);
        if self.state == State::Write || !matches!(self.backing, Backing::File(_)) {
            return Err(refused());
        }
        // This opens the log, if there is one.
        self.block_on(Pager::begin_read)?;
        let file = self.file_mut();
        let (Some(wal), Source::Wal(_)) = (file.wal.clone(), &file.source) else {
            self.end_read();
            return Err(refused());
        };
        let earlier = wal.begin_read_at(&file.db, &id.0);
        self.end_read();
        let earlier = earlier?;
        self.forget_everything();
        let file = self.file_mut();
        file.source = Source::Wal(earlier);
        // No commit has this number: the header is read anew.
        file.header_commit = u64::MAX;
        self.state = State::Opening;
        self.block_on(Pager::begin_read)
    }

    /// Finds out how far an interrupted checkpoint has come, so that snapshots that it has left whole can be taken again.
    pub fn recover_snapshots(&mut self) -> Result<()> {
        let held = self.state >= State::Read;
        self.block_on(Pager::begin_read)?;
        let found = match self.file() {
            Some(file) => match &file.wal {
                Some(wal) => wal.recover_attempted(),
                None => Err(Error::from_code(ResultCode::ERROR)),
            },
            None => Err(Error::from_code(ResultCode::ERROR)),
        };
        if !held {
            self.end_read();
        }
        found
    }
}

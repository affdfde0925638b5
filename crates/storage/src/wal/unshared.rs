//! Reading a log whose wal-index this process may only read while nobody keeps it (`SQLITE_READONLY_CANTINIT`): an index of the
//! log is built in memory, for this process alone.
//!
//! What makes this safe: the lock of read mark 0 is held. Nobody else copies frames into the file meanwhile, and a log whose frames
//! are not in the file does not begin anew. Who comes later only appends, behind what this process has seen.

use std::sync::Arc;

use turso_error::{Result, ResultCode};

use super::Wal;
use super::index::WalIndex;
use super::private::PrivateIndex;
use super::read::WalSnapshot;
use crate::file::{DatabaseFile, guard};
use crate::format::wal_index::{IndexHeader, lock};

/// What was in the log when it was last looked at.
pub(super) struct Unshared {
    index: Arc<WalIndex>,
    header: IndexHeader,
}

impl Wal {
    /// A snapshot of what the log holds; `None` where somebody keeps the wal-index now, which is to be used then.
    pub(super) fn begin_unshared(&self, db: &DatabaseFile) -> Result<Option<WalSnapshot>> {
        match self.locks.shared(lock::read(0)) {
            Err(e) if e.is(ResultCode::BUSY) => return Ok(None),
            other => other?,
        }
        let snapshot = self.look_into_log(db);
        if !matches!(snapshot, Ok(Some(_))) {
            self.locks.release_shared_at_once(lock::read(0));
        }
        snapshot
    }

    fn look_into_log(&self, db: &DatabaseFile) -> Result<Option<WalSnapshot>> {
        match self.shm.shm_map(0, false) {
            Err(e) if e.is(ResultCode::READONLY_CANTINIT) => {}
            Err(e) => return Err(e),
            Ok(_) => return Ok(None),
        }
        let mut known = guard(&self.unshared);
        let log = self.log_header()?;
        let same = |seen: &&mut Unshared| log.is_some_and(|(log, _)| log.salt == seen.header.salt);
        let (index, header) = match known.as_mut().filter(same) {
            Some(seen) => {
                seen.header = self.enter_frames(&seen.index, seen.header)?;
                (seen.index.clone(), seen.header)
            }
            None => {
                let index = Arc::new(WalIndex::new(Arc::new(PrivateIndex::default())));
                let header = match log {
                    Some((log, checksum)) => self.enter_frames(&index, IndexHeader::of_log(&log, checksum))?,
                    None => IndexHeader { is_init: true, ..IndexHeader::default() },
                };
                *known = Some(Unshared { index: index.clone(), header });
                (index, header)
            }
        };
        drop(known);
        let commit = {
            let mut tip = guard(&self.tip);
            // Of a log without frames the header stays the same whatever others have done to the file.
            if header.max_frame == 0 || tip.header != Some(header) {
                tip.commit = db.versions().record_unknown();
            }
            tip.header = Some(header);
            tip.commit
        };
        Ok(Some(self.snapshot_of(header, 0, 1).with_index(index, commit)))
    }
}

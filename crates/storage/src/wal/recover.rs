//! Recovery: rebuild the wal-index from the log (`walformat.html`, 3).

use turso_error::{Error, Result, ResultCode};

use super::Wal;
use super::index::WalIndex;
use crate::file::guard;
use crate::format::wal::{Checksum, DecodedWalHeader, FrameHeader, WalHeader, frame_offset};
use crate::format::wal_index::{IndexHeader, READ_MARK_UNUSED, READ_MARKS, at, lock};

impl Wal {
    /// The caller holds the write lock. `SQLITE_BUSY` where somebody still uses another lock.
    pub(super) fn recover(&self) -> Result<IndexHeader> {
        self.index.first()?;
        self.locks.exclusive(lock::CHECKPOINT, 2)?;
        let result = match self.locks.exclusive(lock::read(1), READ_MARKS - 1) {
            Ok(()) => {
                let result = self.recover_locked();
                self.locks.release_exclusive(lock::read(1), READ_MARKS - 1);
                result
            }
            Err(e) => Err(e),
        };
        self.locks.release_exclusive(lock::CHECKPOINT, 2);
        result
    }

    fn recover_locked(&self) -> Result<IndexHeader> {
        let header = match self.log_header()? {
            Some((log, checksum)) => {
                let header = self.enter_frames(&self.index, IndexHeader::of_log(&log, checksum))?;
                if header.max_frame > 0 {
                    turso_error::log::write(ResultCode::NOTICE_RECOVER_WAL, || {
                        format!("recovered {} frames from WAL file {}", header.max_frame, self.path.display())
                    });
                }
                header
            }
            None => IndexHeader { is_init: true, ..IndexHeader::default() },
        };
        // It may be another log than before, also where its header says the same: that of a log without frames.
        guard(&self.tip).header = None;
        self.index.set_word(at::BACKFILLED, 0)?;
        self.index.set_word(at::BACKFILL_ATTEMPTED, header.max_frame)?;
        self.index.set_read_mark(0, 0)?;
        for slot in 1..READ_MARKS {
            let used = slot == 1 && header.max_frame > 0;
            self.index.set_read_mark(slot, if used { header.max_frame } else { READ_MARK_UNUSED })?;
        }
        self.index.write_header(&header)?;
        Ok(header)
    }

    /// What stands at the head of the log, with its checksum; `None` where that is no log.
    pub(super) fn log_header(&self) -> Result<Option<(WalHeader, Checksum)>> {
        let mut bytes = [0; WalHeader::SIZE];
        if self.file.read_at(&mut bytes, 0)? < bytes.len() {
            return Ok(None);
        }
        match WalHeader::decode(&bytes) {
            DecodedWalHeader::Valid(log, checksum) => Ok(Some((log, checksum))),
            DecodedWalHeader::Invalid => Ok(None),
            DecodedWalHeader::UnknownVersion => Err(Error::from_code(ResultCode::CANTOPEN)),
        }
    }

    /// Enters all frames behind those that `header` knows, up to the last valid commit.
    pub(super) fn enter_frames(&self, index: &WalIndex, mut header: IndexHeader) -> Result<IndexHeader> {
        let mut checksum = header.frame_checksum;
        let mut frame = header.max_frame;
        let frame_size = header.page_size as usize + FrameHeader::SIZE;
        // A VFS of the application may show the log only up to some frame, by what it answers to the read of each.
        let per_read = if self.file.takes_runs() { ((1 << 20) / frame_size).max(1) } else { 1 };
        let mut buf = vec![0; per_read * frame_size];
        let size = self.file.size()?;
        'log: while frame_offset(frame + 1, header.page_size) + frame_size as u64 <= size {
            let read = self.file.read_at(&mut buf, frame_offset(frame + 1, header.page_size))?;
            for bytes in buf[..read].chunks_exact(frame_size) {
                let decoded = FrameHeader::decode(bytes);
                if !decoded.is_valid(bytes, header.salt, checksum, header.big_endian) {
                    break 'log;
                }
                checksum = decoded.checksum;
                frame = match frame.checked_add(1) {
                    Some(frame) => frame,
                    None => break 'log,
                };
                index.append(frame, decoded.page_no, header.max_frame)?;
                if decoded.commit_size != 0 {
                    header.max_frame = frame;
                    header.page_count = decoded.commit_size;
                    header.frame_checksum = checksum;
                }
            }
            if read < buf.len() {
                break;
            }
        }
        Ok(header)
    }
}

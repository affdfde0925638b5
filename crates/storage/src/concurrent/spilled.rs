//! Parts of a log that are in a temporary file.
//!
//! ```text
//!   part:  changes, 21 bytes each | their records, one behind the other
//! ```
//! The file is the process's own, so numbers are in its byte order.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_io::{File, Io, OpenFlags};

use super::log::Change;
use crate::page::PageNo;

/// Bytes of a change in the file.
const SIZE: usize = 21;

struct Part {
    offset: u64,
    changes: usize,
    bytes: usize,
}

/// See the module's documentation.
pub(super) struct Spilled {
    file: Arc<dyn File>,
    parts: Vec<Part>,
}

impl Spilled {
    pub fn new(io: &dyn Io) -> Result<Self> {
        let flags = OpenFlags { create: true, exclusive: true, delete_on_close: true, ..OpenFlags::default() };
        Ok(Self { file: io.open(&io.temp_path()?, flags)?, parts: Vec::new() })
    }

    /// How many changes are in the file.
    pub fn changes(&self) -> usize {
        self.parts.iter().map(|part| part.changes).sum()
    }

    /// Bytes of their records.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// How many parts there are.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Writes a part behind the last one. A part that was not written whole does not count.
    pub fn append(&mut self, changes: &[Change], bytes: &[u8]) -> Result<()> {
        let end = |part: &Part| part.offset + (part.changes * SIZE + part.bytes) as u64;
        let offset = self.parts.last().map_or(0, end);
        let mut at = offset;
        for batch in changes.chunks(1 << 15) {
            let encoded: Vec<u8> = batch.iter().flat_map(encode).collect();
            self.file.write_at(&encoded, at)?;
            at += encoded.len() as u64;
        }
        self.file.write_at(bytes, at)?;
        self.parts.push(Part { offset, changes: changes.len(), bytes: bytes.len() });
        Ok(())
    }

    /// Takes the last part out of the file.
    pub fn take_last(&mut self) -> Result<(Vec<Change>, Vec<u8>)> {
        let (mut changes, mut bytes) = (Vec::new(), Vec::new());
        if let Some(part) = self.parts.pop() {
            self.read(&part, &mut changes, &mut bytes)?;
        }
        Ok((changes, bytes))
    }

    /// The part with this number. Its records are to be found by [`place`].
    pub fn part(&self, at: usize) -> Result<(Vec<Change>, Vec<u8>)> {
        let (mut changes, mut bytes) = (Vec::new(), Vec::new());
        if let Some(part) = self.parts.get(at) {
            self.read(part, &mut changes, &mut bytes)?;
        }
        Ok((changes, bytes))
    }

    /// Everything that is in the file.
    pub fn read_all(&self) -> Result<(Vec<Change>, Vec<u8>)> {
        let mut changes = Vec::with_capacity(self.changes());
        let mut bytes = Vec::with_capacity(self.bytes());
        for part in &self.parts {
            self.read(part, &mut changes, &mut bytes)?;
        }
        Ok((changes, bytes))
    }

    fn read(&self, part: &Part, changes: &mut Vec<Change>, bytes: &mut Vec<u8>) -> Result<()> {
        let mut read = vec![0; part.changes * SIZE];
        self.read_exactly(&mut read, part.offset)?;
        changes.extend(read.as_chunks::<SIZE>().0.iter().map(decode));
        let start = bytes.len();
        bytes.resize(start + part.bytes, 0);
        self.read_exactly(&mut bytes[start..], part.offset + read.len() as u64)
    }

    fn read_exactly(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        if self.file.read_at(buf, offset)? < buf.len() {
            return Err(Error::from_code(ResultCode::IOERR_SHORT_READ));
        }
        Ok(())
    }
}

fn encode(change: &Change) -> [u8; SIZE] {
    let mut b = [0; SIZE];
    b[..4].copy_from_slice(&change.root.0.to_ne_bytes());
    b[4] = u8::from(change.removed) | u8::from(change.row.is_some()) << 1;
    b[5..13].copy_from_slice(&change.row.unwrap_or(0).to_ne_bytes());
    b[13..17].copy_from_slice(&change.len.to_ne_bytes());
    b[17..].copy_from_slice(&change.zeros.to_ne_bytes());
    b
}

fn decode(b: &[u8; SIZE]) -> Change {
    let word = |at: usize| u32::from_ne_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
    let mut rowid = [0; 8];
    rowid.copy_from_slice(&b[5..13]);
    let rowid = (b[4] & 2 != 0).then_some(i64::from_ne_bytes(rowid));
    Change::new(PageNo(word(0)), b[4] & 1 != 0, rowid, word(13), word(17))
}

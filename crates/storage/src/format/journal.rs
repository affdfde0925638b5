//! The rollback journal: its header, its page records, and the name of a super-journal at its end.

use super::{be32, put_be32};

/// Starts a segment of the journal. 28 bytes, big-endian, padded with zeros to a sector.
///
/// | offset | size | field          | meaning                                                              |
/// |-------:|-----:|----------------|----------------------------------------------------------------------|
/// |      0 |    8 | magic          | `d9 d5 05 f9 20 a1 63 d7`; zeros once a PERSIST journal has committed |
/// |      8 |    4 | `record_count` | records in this segment; ffffffff = as many as fit in the file        |
/// |     12 |    4 | `nonce`        | start value of each record's checksum                                |
/// |     16 |    4 | `initial_size` | pages of the database before the transaction                         |
/// |     20 |    4 | `sector_size`  | headers start at multiples of it                                     |
/// |     24 |    4 | `page_size`    | bytes of a page                                                      |
#[allow(missing_docs)] // The table above documents the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalHeader {
    pub record_count: u32,
    pub nonce: u32,
    pub initial_size: u32,
    pub sector_size: u32,
    pub page_size: u32,
}

impl JournalHeader {
    /// Bytes of the header without its padding.
    pub const SIZE: usize = 28;
    /// The bytes a valid journal starts with.
    pub const MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    /// Where `record_count` lies: it is written after the records are durable.
    pub const RECORD_COUNT_AT: u64 = 8;
    /// The count that means "all records up to the end of the file".
    pub const TO_END_OF_FILE: u32 = u32::MAX;

    /// `None` where the bytes are no journal header, which ends the journal.
    pub fn decode(b: &[u8]) -> Option<Self> {
        if b.len() < Self::SIZE || b[..8] != Self::MAGIC {
            return None;
        }
        Some(Self {
            record_count: be32(b, 8),
            nonce: be32(b, 12),
            initial_size: be32(b, 16),
            sector_size: be32(b, 20),
            page_size: be32(b, 24),
        })
    }

    /// Writes the header over the first 28 bytes.
    pub fn encode(&self, b: &mut [u8]) {
        b[..8].copy_from_slice(&Self::MAGIC);
        put_be32(b, 8, self.record_count);
        put_be32(b, 12, self.nonce);
        put_be32(b, 16, self.initial_size);
        put_be32(b, 20, self.sector_size);
        put_be32(b, 24, self.page_size);
    }
}

/// Bytes of a record: page number, page, checksum.
pub const fn record_size(page_size: u32) -> u64 {
    page_size as u64 + 8
}

/// The checksum of a page record: every 200th byte from the end, added to the nonce.
pub fn record_checksum(nonce: u32, page: &[u8]) -> u32 {
    let mut sum = nonce;
    let mut at = page.len() as i64 - 200;
    while at > 0 {
        sum = sum.wrapping_add(u32::from(page[at as usize]));
        at -= 200;
    }
    sum
}

/// The last bytes of a journal that belongs to a transaction over several databases.
///
/// | from end | size | field                                              |
/// |---------:|-----:|----------------------------------------------------|
/// | 16 + n   |    n | name of the super-journal                          |
/// |       16 |    4 | n                                                  |
/// |       12 |    4 | sum of the name's bytes, as signed characters      |
/// |        8 |    8 | magic                                              |
///
/// In front of the name stand four bytes with the number of the lock-byte page, so that nobody takes it for a record.
pub fn encode_super_journal_name(name: &[u8], lock_page: u32) -> Vec<u8> {
    let mut trailer = Vec::with_capacity(name.len() + 20);
    trailer.extend_from_slice(&lock_page.to_be_bytes());
    trailer.extend_from_slice(name);
    trailer.extend_from_slice(&(name.len() as u32).to_be_bytes());
    trailer.extend_from_slice(&name_checksum(name).to_be_bytes());
    trailer.extend_from_slice(&JournalHeader::MAGIC);
    trailer
}

fn name_checksum(name: &[u8]) -> u32 {
    name.iter().fold(0u32, |sum, b| sum.wrapping_add(*b as i8 as u32))
}

/// The name that [`encode_super_journal_name`] has written at the end of a journal.
pub fn decode_super_journal_name(tail: &[u8]) -> Option<&[u8]> {
    let fixed = tail.len().checked_sub(16)?;
    if tail[fixed + 8..] != JournalHeader::MAGIC {
        return None;
    }
    let length = be32(tail, fixed) as usize;
    let name = &tail[fixed.checked_sub(length)?..fixed];
    (length > 0 && name_checksum(name) == be32(tail, fixed + 4)).then_some(name)
}

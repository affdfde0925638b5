//! The layouts of SQLite's files: one struct, one table of offsets and one codec per file.
//!
//! Nothing outside these files knows an offset of the structures that they describe.

pub mod header;
pub mod journal;
pub mod layout;
pub mod wal;
pub mod wal_index;

pub use header::DatabaseHeader;

/// A big-endian number at `at`; the caller has checked the length.
#[inline]
pub fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// A big-endian number at `at`; the caller has checked the length.
#[inline]
pub fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// Writes a big-endian number at `at`; the caller has checked the length.
#[inline]
pub fn put_be32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

/// Writes a big-endian number at `at`; the caller has checked the length.
#[inline]
pub fn put_be16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

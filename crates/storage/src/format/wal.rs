//! The write-ahead log: its header, the headers of its frames, and the checksum that chains them.

use turso_simd::running_sums;

use super::header::is_page_size;
use super::{be32, put_be32};
use crate::planted::{self, Planted};

/// Starts the log. 32 bytes, big-endian.
///
/// | offset | size | field            | meaning                                                                |
/// |-------:|-----:|------------------|------------------------------------------------------------------------|
/// |      0 |    4 | magic            | 377f0682: checksums add little-endian words; 377f0683: big-endian ones  |
/// |      4 |    4 | version          | 3007000                                                                |
/// |      8 |    4 | `page_size`      | bytes of a page                                                        |
/// |     12 |    4 | `checkpoint_seq` | counts restarts of the log                                             |
/// |     16 |    8 | `salt`           | differs with each restart; frames carry it                             |
/// |     24 |    8 | checksum         | over bytes 0..24; the first frame continues it                         |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The table above documents the fields.
pub struct WalHeader {
    pub big_endian_checksums: bool,
    pub page_size: u32,
    pub checkpoint_seq: u32,
    pub salt: [u8; 8],
}

/// A running checksum: two sums.
pub type Checksum = [u32; 2];

/// What a log header can be.
#[derive(Debug, PartialEq, Eq)]
pub enum DecodedWalHeader {
    /// A valid header and its checksum.
    Valid(WalHeader, Checksum),
    /// Leftovers or damage: the log counts as empty.
    Invalid,
    /// A valid header of a version that is not known.
    UnknownVersion,
}

impl WalHeader {
    /// Bytes of the header.
    pub const SIZE: usize = 32;
    /// The only version there is.
    pub const VERSION: u32 = 3_007_000;
    const MAGIC: u32 = 0x377f_0682;

    /// Reads and checks a header.
    pub fn decode(b: &[u8; Self::SIZE]) -> DecodedWalHeader {
        let magic = be32(b, 0);
        let page_size = be32(b, 8);
        if magic & !1 != Self::MAGIC || !is_page_size(page_size) {
            return DecodedWalHeader::Invalid;
        }
        let big_endian_checksums = magic & 1 == 1;
        let checksum = add_checksum([0, 0], big_endian_checksums, &b[..24]);
        if checksum != [be32(b, 24), be32(b, 28)] {
            return DecodedWalHeader::Invalid;
        }
        if be32(b, 4) != Self::VERSION {
            return DecodedWalHeader::UnknownVersion;
        }
        let mut salt = [0; 8];
        salt.copy_from_slice(&b[16..24]);
        let header = Self { big_endian_checksums, page_size, checkpoint_seq: be32(b, 12), salt };
        DecodedWalHeader::Valid(header, checksum)
    }

    /// The bytes of the header, and the checksum that the first frame continues.
    pub fn encode(&self) -> ([u8; Self::SIZE], Checksum) {
        let mut b = [0; Self::SIZE];
        put_be32(&mut b, 0, Self::MAGIC | u32::from(self.big_endian_checksums));
        put_be32(&mut b, 4, Self::VERSION);
        put_be32(&mut b, 8, self.page_size);
        put_be32(&mut b, 12, self.checkpoint_seq);
        b[16..24].copy_from_slice(&self.salt);
        let checksum = add_checksum([0, 0], self.big_endian_checksums, &b[..24]);
        put_be32(&mut b, 24, checksum[0]);
        put_be32(&mut b, 28, checksum[1]);
        (b, checksum)
    }
}

/// Precedes each page image in the log. 24 bytes, big-endian.
///
/// | offset | size | field         | meaning                                                                   |
/// |-------:|-----:|---------------|---------------------------------------------------------------------------|
/// |      0 |    4 | `page_no`     | the page this frame holds; never 0                                        |
/// |      4 |    4 | `commit_size` | database size in pages if this frame commits, else 0                      |
/// |      8 |    8 | `salt`        | equals the log header's salt, or the frame is a leftover                  |
/// |     16 |    8 | `checksum`    | over the log header, then bytes 0..8 and the page of each frame so far    |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The table above documents the fields.
pub struct FrameHeader {
    pub page_no: u32,
    pub commit_size: u32,
    pub salt: [u8; 8],
    pub checksum: Checksum,
}

impl FrameHeader {
    /// Bytes of the header.
    pub const SIZE: usize = 24;

    /// Reads a header; `b` has at least 24 bytes.
    pub fn decode(b: &[u8]) -> Self {
        let mut salt = [0; 8];
        salt.copy_from_slice(&b[8..16]);
        Self { page_no: be32(b, 0), commit_size: be32(b, 4), salt, checksum: [be32(b, 16), be32(b, 20)] }
    }

    /// Makes the header of a frame whose predecessor's checksum is `before`.
    pub fn make(
        page_no: u32,
        commit_size: u32,
        salt: [u8; 8],
        page: &[u8],
        before: Checksum,
        big_endian: bool,
    ) -> (Self, [u8; Self::SIZE]) {
        let mut b = [0; Self::SIZE];
        put_be32(&mut b, 0, page_no);
        put_be32(&mut b, 4, commit_size);
        b[8..16].copy_from_slice(&salt);
        let checksum = add_checksum(add_checksum(before, big_endian, &b[..8]), big_endian, page);
        put_be32(&mut b, 16, checksum[0]);
        put_be32(&mut b, 20, checksum[1]);
        (Self { page_no, commit_size, salt, checksum }, b)
    }

    /// True where the frame belongs to this log and nothing in it or before it is damaged; `frame` is header and page.
    pub fn is_valid(&self, frame: &[u8], salt: [u8; 8], before: Checksum, big_endian: bool) -> bool {
        if planted::has(Planted::WrongSaltCheck) && self.salt != salt {
            return self.page_no != 0;
        }
        self.page_no != 0
            && self.salt == salt
            && self.checksum
                == add_checksum(add_checksum(before, big_endian, &frame[..8]), big_endian, &frame[Self::SIZE..])
    }
}

/// Where a frame (1, 2, ...) starts in the file.
pub const fn frame_offset(frame: u32, page_size: u32) -> u64 {
    WalHeader::SIZE as u64 + (frame as u64 - 1) * (page_size as u64 + FrameHeader::SIZE as u64)
}

/// Continues a checksum over `bytes`, a multiple of 8.
pub fn add_checksum(sum: Checksum, big_endian: bool, bytes: &[u8]) -> Checksum {
    debug_assert!(bytes.len().is_multiple_of(8));
    if !big_endian {
        return running_sums(sum, bytes);
    }
    let [mut a, mut b] = sum;
    for p in bytes.as_chunks::<8>().0 {
        a = a.wrapping_add(u32::from_be_bytes([p[0], p[1], p[2], p[3]])).wrapping_add(b);
        b = b.wrapping_add(u32::from_be_bytes([p[4], p[5], p[6], p[7]])).wrapping_add(a);
    }
    [a, b]
}

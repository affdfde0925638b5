//! The wal-index: the header in shared memory, and where its tables lie. Native byte order.

use super::wal::{Checksum, WalHeader, add_checksum};

/// Where things lie in the first region, in 32-bit words.
///
/// | word  | bytes    | what                                                                              |
/// |------:|----------|-----------------------------------------------------------------------------------|
/// |     0 |    0..48 | [`IndexHeader`], first copy                                                       |
/// |    12 |   48..96 | second copy, written before the first                                             |
/// |    24 |   96     | frames that are in the database file already (`nBackfill`)                        |
/// |    25 | 100..120 | five read marks                                                                   |
/// |    30 | 120..128 | lock bytes, never read or written                                                 |
/// |    32 |  128     | frames that a checkpoint has begun to copy (`nBackfillAttempted`)                 |
/// |    34 |  136     | page numbers of frames 1..=4062                                                   |
/// |  4096 | 16384    | 8192 16-bit hash slots                                                            |
///
/// Later regions hold 4096 page numbers from word 0, and hash slots from word 4096.
pub mod at {
    /// The second copy of the header.
    pub const SECOND_COPY: usize = 12;
    /// `nBackfill`.
    pub const BACKFILLED: usize = 24;
    /// The first read mark.
    pub const READ_MARKS: usize = 25;
    /// `nBackfillAttempted`.
    pub const BACKFILL_ATTEMPTED: usize = 32;
    /// Page numbers in the first region.
    pub const FIRST_PAGE_NUMBERS: usize = 34;
    /// Hash slots, in 16-bit halves.
    pub const HASH_HALVES: usize = 8192;
}

/// Hash slots per region.
pub const HASH_SLOTS: usize = 8192;
/// Frames of the first region.
pub const FIRST_REGION_FRAMES: u32 = 4062;
/// Frames of each later region.
pub const REGION_FRAMES: u32 = 4096;
/// A read mark that nobody uses.
pub const READ_MARK_UNUSED: u32 = u32::MAX;
/// Read marks and their locks.
pub const READ_MARKS: u32 = 5;

/// The locks on the wal-index.
pub mod lock {
    /// Appending to the log.
    pub const WRITE: u32 = 0;
    /// Checkpointing.
    pub const CHECKPOINT: u32 = 1;
    /// Rebuilding the wal-index.
    pub const RECOVER: u32 = 2;
    /// Reading by read mark `slot`.
    pub const fn read(slot: u32) -> u32 {
        3 + slot
    }
}

/// The region of a frame, and the number of the last frame before that region.
pub const fn region_of(frame: u32) -> (u32, u32) {
    if frame <= FIRST_REGION_FRAMES {
        (0, 0)
    } else {
        let region = (frame - FIRST_REGION_FRAMES - 1) / REGION_FRAMES + 1;
        (region, FIRST_REGION_FRAMES + (region - 1) * REGION_FRAMES)
    }
}

/// The first hash slot of a page.
pub const fn hash(page: u32) -> usize {
    page.wrapping_mul(383) as usize & (HASH_SLOTS - 1)
}

/// What the log holds, as everybody who has it open sees it. 48 bytes, native byte order.
///
/// | offset | size | field             | meaning                                              |
/// |-------:|-----:|-------------------|------------------------------------------------------|
/// |      0 |    4 | version           | 3007000                                              |
/// |      4 |    4 | unused            | 0                                                    |
/// |      8 |    4 | `change`          | counts transactions                                  |
/// |     12 |    1 | `is_init`         | 1 once the wal-index has been built                  |
/// |     13 |    1 | `big_endian`      | byte order of the log's checksums                    |
/// |     14 |    2 | page size         | 1 means 65536                                        |
/// |     16 |    4 | `max_frame`       | valid, committed frames                              |
/// |     20 |    4 | `page_count`      | pages of the database after the last commit          |
/// |     24 |    8 | `frame_checksum`  | checksum of the last frame                           |
/// |     32 |    8 | `salt`            | bytes of the log header's salt                       |
/// |     40 |    8 | checksum          | over bytes 0..40, native words                       |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)] // The table above documents the fields.
pub struct IndexHeader {
    pub change: u32,
    pub is_init: bool,
    pub big_endian: bool,
    /// 0 where no page has been logged yet.
    pub page_size: u32,
    pub max_frame: u32,
    pub page_count: u32,
    pub frame_checksum: Checksum,
    pub salt: [u8; 8],
}

/// Why a header cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum BadHeader {
    /// Being written, or never built.
    Torn,
    /// Built by a version that is not known.
    UnknownVersion,
}

impl IndexHeader {
    /// Words of the header.
    pub const WORDS: usize = 12;
    /// The first word of the salt.
    pub const SALT_WORD: usize = 8;
    const VERSION: u32 = 3_007_000;
    /// More than any log has: numbers of frames are added to.
    pub const MOST_FRAMES: u32 = u32::MAX / 2;

    /// Of a log of which nothing but its own header is known yet.
    pub fn of_log(log: &WalHeader, checksum: Checksum) -> Self {
        Self {
            is_init: true,
            big_endian: log.big_endian_checksums,
            page_size: log.page_size,
            salt: log.salt,
            frame_checksum: checksum,
            ..Self::default()
        }
    }

    /// Reads a header that was seen the same in both copies.
    pub fn decode(words: &[u32; Self::WORDS]) -> Result<Self, BadHeader> {
        let flags = words[3].to_ne_bytes();
        if flags[0] == 0 || native_checksum(words) != [words[10], words[11]] {
            return Err(BadHeader::Torn);
        }
        if words[0] != Self::VERSION {
            return Err(BadHeader::UnknownVersion);
        }
        let page_size = u32::from(u16::from_ne_bytes([flags[2], flags[3]]));
        let page_size = (page_size & 0xfe00) + ((page_size & 1) << 16);
        // Nobody writes these; where they stand all the same, the log itself is asked.
        let is_possible = if page_size == 0 { words[4] == 0 && words[5] == 0 } else { page_size.is_power_of_two() };
        if !is_possible || words[4] > Self::MOST_FRAMES {
            return Err(BadHeader::Torn);
        }
        let mut salt = [0; 8];
        salt[..4].copy_from_slice(&words[8].to_ne_bytes());
        salt[4..].copy_from_slice(&words[9].to_ne_bytes());
        Ok(Self {
            change: words[2],
            is_init: true,
            big_endian: flags[1] != 0,
            page_size,
            max_frame: words[4],
            page_count: words[5],
            frame_checksum: [words[6], words[7]],
            salt,
        })
    }

    /// The words of the header, with its checksum.
    pub fn encode(&self) -> [u32; Self::WORDS] {
        let size = if self.page_size == 65536 { 1 } else { self.page_size as u16 }.to_ne_bytes();
        let mut words = [0; Self::WORDS];
        words[0] = Self::VERSION;
        words[2] = self.change;
        words[3] = u32::from_ne_bytes([u8::from(self.is_init), u8::from(self.big_endian), size[0], size[1]]);
        words[4] = self.max_frame;
        words[5] = self.page_count;
        words[6] = self.frame_checksum[0];
        words[7] = self.frame_checksum[1];
        words[8] = u32::from_ne_bytes([self.salt[0], self.salt[1], self.salt[2], self.salt[3]]);
        words[9] = u32::from_ne_bytes([self.salt[4], self.salt[5], self.salt[6], self.salt[7]]);
        let checksum = native_checksum(&words);
        words[10] = checksum[0];
        words[11] = checksum[1];
        words
    }
}

fn native_checksum(words: &[u32; IndexHeader::WORDS]) -> Checksum {
    let mut bytes = [0; 40];
    for (chunk, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *chunk = word.to_ne_bytes();
    }
    add_checksum([0, 0], cfg!(target_endian = "big"), &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_the_round_trip_and_torn_ones_are_refused() {
        let header = IndexHeader {
            change: 7,
            is_init: true,
            big_endian: false,
            page_size: 65536,
            max_frame: 12,
            page_count: 5,
            frame_checksum: [1, 2],
            salt: *b"saltsalt",
        };
        let mut words = header.encode();
        assert_eq!(IndexHeader::decode(&words), Ok(header));
        words[4] += 1;
        assert_eq!(IndexHeader::decode(&words), Err(BadHeader::Torn));
        assert_eq!(IndexHeader::decode(&[0; 12]), Err(BadHeader::Torn));
        for impossible in [
            IndexHeader { page_size: 0, ..header },
            IndexHeader { page_size: 0, max_frame: 0, ..header },
            IndexHeader { page_size: 1536, ..header },
            IndexHeader { max_frame: u32::MAX, ..header },
        ] {
            assert_eq!(IndexHeader::decode(&impossible.encode()), Err(BadHeader::Torn), "{impossible:?}");
        }
        let empty = IndexHeader { page_size: 0, max_frame: 0, page_count: 0, ..header };
        assert_eq!(IndexHeader::decode(&empty.encode()), Ok(empty));
    }

    #[test]
    fn frames_find_their_regions() {
        assert_eq!(region_of(1), (0, 0));
        assert_eq!(region_of(4062), (0, 0));
        assert_eq!(region_of(4063), (1, 4062));
        assert_eq!(region_of(8158), (1, 4062));
        assert_eq!(region_of(8159), (2, 8158));
    }
}

//! Where in databases, logs and journals something stands, as far as changing it needs to know, and their checksums.
//! All of it looks at bytes that may be anything.

/// Bytes of a log's header.
pub const LOG_HEADER: usize = 32;
/// Bytes of the header of a log's frame.
pub const FRAME_HEADER: usize = 24;
/// Bytes of a journal's header that mean something; it fills a sector.
pub const JOURNAL_HEADER: usize = 28;
/// What a journal's header begins with.
pub const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// A big-endian number; 0 where there is none.
pub fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

/// A big-endian number; 0 where there is none.
pub fn be16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]))
}

/// Overwrites bytes, where they exist.
pub fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + new.len()) {
        place.copy_from_slice(new);
    }
}

/// Overwrites a big-endian number, where it exists.
pub fn put32(bytes: &mut [u8], at: usize, value: u32) {
    put(bytes, at, &value.to_be_bytes());
}

/// The page size that a database's header tells, or one that a database may have.
pub fn page_size(database: &[u8]) -> usize {
    match be16(database, 16) {
        1 => 65536,
        n if n.is_power_of_two() && n >= 512 => usize::from(n),
        _ => 4096,
    }
}

/// The length of a varint.
pub fn varint_length(bytes: &[u8], at: usize) -> usize {
    (0..8).find(|i| bytes.get(at + i).is_none_or(|b| b & 0x80 == 0)).map_or(9, |i| i + 1)
}

/// The value of a varint, as far as it fits.
pub fn varint(bytes: &[u8], at: usize) -> u64 {
    let length = varint_length(bytes, at);
    let mut value = 0u64;
    for (i, byte) in bytes.iter().skip(at).take(length).enumerate() {
        value = if i == 8 { value << 8 | u64::from(*byte) } else { value << 7 | u64::from(byte & 0x7f) };
    }
    value
}

/// A number as a varint.
pub fn encode_varint(value: u64) -> Vec<u8> {
    if value >> 56 != 0 {
        let mut bytes: Vec<u8> = (0..8).map(|i| (value >> (57 - 7 * i) & 0x7f) as u8 | 0x80).collect();
        bytes.push(value as u8);
        return bytes;
    }
    let length = (1..=8).find(|n| value >> (7 * n) == 0).unwrap_or(8);
    (0..length).rev().map(|i| (value >> (7 * i) & 0x7f) as u8 | if i == 0 { 0 } else { 0x80 }).collect()
}

// ---- Logs -----------------------------------------------------------------------------------------------------------------

/// Gives a log salts that are always the same, and with `big` the other order of bytes in its checksums.
pub fn fix_salts(log: &mut [u8], big: bool) {
    let old = log[16..24].to_vec();
    put(log, 16, b"saltsalt");
    if big {
        log[3] |= 1;
    }
    let size = be32(log, 8) as usize;
    for frame in log[LOG_HEADER..].chunks_exact_mut(size + FRAME_HEADER) {
        // What an earlier generation left behind stays what it is.
        let new = if frame[8..16] == old { b"saltsalt" } else { b"tlastlas" };
        put(frame, 8, new);
    }
    mend_log(log, false);
}

/// Computes all checksums of a log anew, so that what it says is believed; with `all`, that all frames are of this generation too.
pub fn mend_log(log: &mut [u8], all: bool) {
    let size = be32(log, 8) as usize;
    if log.len() < LOG_HEADER || !(512..=65536).contains(&size) || !size.is_power_of_two() {
        return;
    }
    let big = be32(log, 0) & 1 == 1;
    let add = |(mut a, mut b): (u32, u32), bytes: &[u8]| {
        let word = |c: &[u8]| {
            let bytes = [c[0], c[1], c[2], c[3]];
            if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        for pair in bytes.chunks_exact(8) {
            a = a.wrapping_add(word(&pair[..4])).wrapping_add(b);
            b = b.wrapping_add(word(&pair[4..])).wrapping_add(a);
        }
        (a, b)
    };
    let mut sum = add((0, 0), &log[..24]);
    put32(log, 24, sum.0);
    put32(log, 28, sum.1);
    let (header, frames) = log.split_at_mut(LOG_HEADER);
    for frame in frames.chunks_exact_mut(size + FRAME_HEADER) {
        if all {
            frame[8..16].copy_from_slice(&header[16..24]);
        } else if frame[8..16] != header[16..24] {
            return;
        }
        sum = add(add(sum, &frame[..8]), &frame[FRAME_HEADER..]);
        put32(frame, 16, sum.0);
        put32(frame, 20, sum.1);
    }
}

// ---- Journals ---------------------------------------------------------------------------------------------------------------

/// Where the parts of a journal begin that have a header of their own, and the numbers of the first.
pub struct JournalShape {
    /// Offsets of the headers.
    pub headers: Vec<usize>,
    /// Bytes that a header fills.
    pub sector: usize,
    /// Bytes of a page.
    pub page: usize,
}

impl JournalShape {
    /// The shape of these bytes, as far as they have one.
    pub fn of(journal: &[u8]) -> Self {
        let sector = (be32(journal, 20) as usize).clamp(32, 65536);
        let page = (be32(journal, 24) as usize).clamp(512, 65536);
        let at_sectors = (0..journal.len()).step_by(sector);
        let headers = at_sectors.filter(|at| journal[*at..].starts_with(&JOURNAL_MAGIC)).collect();
        Self { headers, sector, page }
    }

    /// The offsets of the records behind one header, which end where the next begins.
    pub fn records(&self, journal: &[u8], header: usize) -> impl Iterator<Item = usize> + use<> {
        let end = self.headers.iter().find(|other| **other > header).copied().unwrap_or(journal.len());
        let (first, record) = (header + self.sector, self.page + 8);
        (0..(end.saturating_sub(first)) / record).map(move |i| first + i * record)
    }
}

/// Gives a journal nonces that are always the same.
pub fn fix_nonces(journal: &mut [u8]) {
    for header in JournalShape::of(journal).headers {
        put32(journal, header + 12, 0x1234_5678);
    }
    mend_journal(journal);
}

/// Computes all checksums of a journal anew.
pub fn mend_journal(journal: &mut [u8]) {
    let shape = JournalShape::of(journal);
    for header in &shape.headers {
        let nonce = be32(journal, header + 12);
        for record in shape.records(journal, *header) {
            let page = &journal[record + 4..record + 4 + shape.page];
            let looked_at = (1..).map(|i| shape.page.checked_sub(200 * i)).map_while(|at| at.filter(|at| *at > 0));
            let sum = looked_at.fold(nonce, |sum, at| sum.wrapping_add(u32::from(page[at])));
            put32(journal, record + 4 + shape.page, sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{encode_varint, varint, varint_length};

    #[test]
    fn varints_come_back() {
        for value in [0, 1, 127, 128, 16383, 16384, 1 << 31, (1 << 56) - 1, 1 << 56, u64::MAX] {
            let bytes = encode_varint(value);
            assert_eq!((varint(&bytes, 0), varint_length(&bytes, 0)), (value, bytes.len()));
        }
    }
}

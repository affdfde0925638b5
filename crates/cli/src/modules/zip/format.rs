//! ZIP archives: the records of their files, their directory and their end (APPNOTE 6.3, without ZIP64 and encryption).
//!
//! ```text
//!   | record of a file, its content | … | directory: a record for each file | end |
//! ```

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use std::io::Read;

use turso_core::{Error, Result};

/// Type of a directory in a file's mode.
pub const DIRECTORY: u32 = 0o040_000;
/// All types.
pub const TYPE_MASK: u32 = 0o170_000;
/// Content as it is.
pub const STORED: u16 = 0;
/// Content deflated.
pub const DEFLATED: u16 = 8;

const FILE_SIGNATURE: &[u8; 4] = b"PK\x03\x04";
const ENTRY_SIGNATURE: &[u8; 4] = b"PK\x01\x02";
const END_SIGNATURE: &[u8; 4] = b"PK\x05\x06";
const FILE_SIZE: usize = 30;
const ENTRY_SIZE: usize = 46;
const END_SIZE: usize = 22;
/// A comment may follow the end: no longer than this.
pub const END_SEARCH: usize = END_SIZE + 0xffff;
/// The name is UTF-8.
const FLAGS: u16 = 1 << 11;
/// Made on Unix, by version 3.0 of the format.
const MADE_BY: u16 = 3 << 8 | 30;
const NEEDED: u16 = 20;
/// Extra field: times in seconds since 1970.
const TIMES: u16 = 0x5455;

/// An entry of the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub made_by: u16,
    pub needed: u16,
    pub flags: u16,
    pub method: u16,
    pub time: u16,
    pub date: u16,
    pub crc: u32,
    /// As it lies in the archive.
    pub packed_size: u32,
    pub size: u32,
    pub name: Vec<u8>,
    pub extra: Vec<u8>,
    pub comment: Vec<u8>,
    pub disk: u16,
    pub internal: u16,
    pub external: u32,
    /// Of the file's record, from the beginning of the archive.
    pub offset: u32,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Where the directory is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub entries: u16,
    pub size: u32,
    pub offset: u32,
}

impl End {
    /// Find it in the last bytes of an archive.
    pub fn find(tail: &[u8]) -> Result<Self> {
        let from = tail.len().checked_sub(END_SIZE);
        let found = from.and_then(|from| (0..=from).rev().find(|at| tail[*at..].starts_with(END_SIGNATURE)));
        let read = |at: usize| {
            Some(Self { entries: u16_at(tail, at + 10)?, size: u32_at(tail, at + 12)?, offset: u32_at(tail, at + 16)? })
        };
        found.and_then(read).ok_or_else(|| Error::sql("cannot find end of central directory record"))
    }

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(END_SIGNATURE);
        out.extend_from_slice(&[0; 4]);
        for _ in 0..2 {
            out.extend_from_slice(&self.entries.to_le_bytes());
        }
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
    }
}

impl Entry {
    /// A new entry for this content; without a method the shorter one. Answers what the archive shall hold, too.
    pub fn new(
        name: &[u8],
        mode: u32,
        mtime: i64,
        content: Option<&[u8]>,
        method: Option<u16>,
    ) -> Result<(Self, Vec<u8>)> {
        if name.len() > usize::from(u16::MAX) {
            return Err(Error::sql("zipfile: name too long"));
        }
        let content = content.unwrap_or_default();
        let size = u32::try_from(content.len()).map_err(|_| Error::sql("zipfile: content too large"))?;
        let (method, packed) = match method {
            Some(STORED) => (STORED, content.to_vec()),
            Some(_) => (DEFLATED, deflate(content)?),
            None => match deflate(content)? {
                packed if packed.len() < content.len() => (DEFLATED, packed),
                _ => (STORED, content.to_vec()),
            },
        };
        let packed_size = u32::try_from(packed.len()).map_err(|_| Error::sql("zipfile: content too large"))?;
        let (date, time) = dos_time(mtime);
        let mut extra = Vec::with_capacity(9);
        extra.extend_from_slice(&TIMES.to_le_bytes());
        extra.extend_from_slice(&5u16.to_le_bytes());
        extra.push(1);
        extra.extend_from_slice(&(mtime as u32).to_le_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let entry = Self {
            made_by: MADE_BY,
            needed: NEEDED,
            flags: FLAGS,
            method,
            time,
            date,
            crc: crc.sum(),
            packed_size,
            size,
            name: name.to_vec(),
            extra,
            external: mode << 16,
            ..Self::default()
        };
        Ok((entry, packed))
    }

    /// The mode of the file, as `stat` tells it.
    pub fn mode(&self) -> u32 {
        self.external >> 16
    }

    /// Seconds since 1970.
    pub fn mtime(&self) -> i64 {
        let mut extra = &self.extra[..];
        while let (Some(id), Some(size)) = (u16_at(extra, 0), u16_at(extra, 2)) {
            let Some(field) = extra.get(4..4 + usize::from(size)) else { break };
            if let (TIMES, Some(flags), Some(time)) = (id, field.first(), u32_at(field, 1))
                && flags & 1 != 0
            {
                return i64::from(time);
            }
            extra = &extra[4 + usize::from(size)..];
        }
        unix_time(self.date, self.time)
    }

    /// The record in front of the content.
    pub fn put_file(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(FILE_SIGNATURE);
        self.put_common(out);
        out.extend_from_slice(&(self.name.len() as u16).to_le_bytes());
        out.extend_from_slice(&(self.extra.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.name);
        out.extend_from_slice(&self.extra);
    }

    fn put_common(&self, out: &mut Vec<u8>) {
        for word in [self.needed, self.flags, self.method, self.time, self.date] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for word in [self.crc, self.packed_size, self.size] {
            out.extend_from_slice(&word.to_le_bytes());
        }
    }

    fn put_entry(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(ENTRY_SIGNATURE);
        out.extend_from_slice(&self.made_by.to_le_bytes());
        self.put_common(out);
        for length in [self.name.len(), self.extra.len(), self.comment.len()] {
            out.extend_from_slice(&(length as u16).to_le_bytes());
        }
        out.extend_from_slice(&self.disk.to_le_bytes());
        out.extend_from_slice(&self.internal.to_le_bytes());
        out.extend_from_slice(&self.external.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.name);
        out.extend_from_slice(&self.extra);
        out.extend_from_slice(&self.comment);
    }

    /// Take one from the beginning of `bytes`; what follows, too.
    fn take(bytes: &[u8]) -> Option<(Self, &[u8])> {
        if !bytes.starts_with(ENTRY_SIGNATURE) {
            return None;
        }
        let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(bytes, at).map(usize::from));
        let mut rest = bytes.get(ENTRY_SIZE..)?;
        let mut part = |size: usize| {
            let (part, after) = rest.split_at_checked(size)?;
            rest = after;
            Some(part.to_vec())
        };
        let (name, extra, comment) = (part(name?)?, part(extra?)?, part(comment?)?);
        let entry = Self {
            made_by: u16_at(bytes, 4)?,
            needed: u16_at(bytes, 6)?,
            flags: u16_at(bytes, 8)?,
            method: u16_at(bytes, 10)?,
            time: u16_at(bytes, 12)?,
            date: u16_at(bytes, 14)?,
            crc: u32_at(bytes, 16)?,
            packed_size: u32_at(bytes, 20)?,
            size: u32_at(bytes, 24)?,
            name,
            extra,
            comment,
            disk: u16_at(bytes, 34)?,
            internal: u16_at(bytes, 36)?,
            external: u32_at(bytes, 38)?,
            offset: u32_at(bytes, 42)?,
        };
        Some((entry, rest))
    }

    /// The content, from what the archive holds; `None` where the method is unknown.
    pub fn content(&self, packed: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.method {
            STORED => Ok(Some(packed.to_vec())),
            DEFLATED => {
                let mut content = Vec::new();
                // A damaged archive must not unpack to more than it promises.
                let limit = u64::from(self.size) + 1;
                let read = DeflateDecoder::new(packed).take(limit).read_to_end(&mut content);
                match read {
                    Ok(size) if size as u64 == u64::from(self.size) => Ok(Some(content)),
                    _ => Err(Error::sql("inflate() failed (-3)")),
                }
            }
            _ => Ok(None),
        }
    }
}

/// All entries of a directory.
pub fn directory(bytes: &[u8], end: End) -> Result<Vec<Entry>> {
    let mut rest = bytes;
    let mut entries = Vec::new();
    for _ in 0..end.entries {
        let place = u64::from(end.offset) + (bytes.len() - rest.len()) as u64;
        let taken = Entry::take(rest).ok_or_else(|| Error::sql(format!("failed to read CDS at offset {place}")))?;
        entries.push(taken.0);
        rest = taken.1;
    }
    Ok(entries)
}

/// A directory of these entries and the end, for `offset` in the archive.
pub fn put_directory<'a>(entries: impl Iterator<Item = &'a Entry>, offset: u64, out: &mut Vec<u8>) -> Result<()> {
    let (start, mut count) = (out.len(), 0usize);
    for entry in entries {
        entry.put_entry(out);
        count += 1;
    }
    let too_large = || Error::sql("zipfile: archive too large");
    let end = End {
        entries: u16::try_from(count).map_err(|_| too_large())?,
        size: u32::try_from(out.len() - start).map_err(|_| too_large())?,
        offset: u32::try_from(offset).map_err(|_| too_large())?,
    };
    end.put(out);
    Ok(())
}

/// Where the content of an entry begins, from its record.
pub fn content_offset(record: &[u8], offset: u32) -> Result<u64> {
    let sizes = || {
        record.starts_with(FILE_SIGNATURE).then_some(())?;
        Some(u64::from(u16_at(record, 26)?) + u64::from(u16_at(record, 28)?))
    };
    let extra = sizes().ok_or_else(|| Error::sql(format!("failed to read LFH at offset {offset}")))?;
    Ok(u64::from(offset) + FILE_SIZE as u64 + extra)
}

/// Bytes of a file's record that [`content_offset`] needs.
pub const RECORD_SIZE: usize = FILE_SIZE;

fn deflate(content: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    DeflateEncoder::new(content, Compression::default())
        .read_to_end(&mut packed)
        .map_err(|_| Error::sql("zipfile: deflate() error"))?;
    Ok(packed)
}

/// Date and time as MS-DOS writes them, in steps of two seconds from 1980 on.
fn dos_time(mtime: i64) -> (u16, u16) {
    let (days, seconds) = (mtime.div_euclid(86_400), mtime.rem_euclid(86_400));
    let (year, month, day) = date_of(days);
    let date = day + (month << 5) + ((year - 1980) << 9);
    let time = (seconds % 60) / 2 + ((seconds / 60 % 60) << 5) + ((seconds / 3600) << 11);
    (date as u16, time as u16)
}

fn unix_time(date: u16, time: u16) -> i64 {
    let (date, time) = (i64::from(date), i64::from(time));
    let days = days_of(1980 + (date >> 9), date >> 5 & 15, date & 31);
    days * 86_400 + (time >> 11) * 3600 + (time >> 5 & 63) * 60 + (time & 31) * 2
}

/// Days since 1970 of a date of the Gregorian calendar, which is counted from the first of March here.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let in_era = year - era * 400;
    era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Year, month and day.
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let in_era = shifted.rem_euclid(146_097);
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let day = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let month_number = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month_number <= 2), month_number, day - (153 * month + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_as_sqlite_writes_it() {
        let (mut entry, content) = Entry::new(b"a.txt", 0o100_644, 1_577_934_245, Some(b"abc"), None).unwrap();
        entry.offset = 0;
        let mut bytes = Vec::new();
        entry.put_file(&mut bytes);
        bytes.extend_from_slice(&content);
        let offset = bytes.len() as u64;
        put_directory([&entry].into_iter(), offset, &mut bytes).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
        assert_eq!(
            hex,
            "504B030414000008000082182250C2412435030000000300000005000900612E7478745554050001A55D0D5E616263504B01021E0314\
             000008000082182250C24124350300000003000000050009000000000000000000A48100000000612E7478745554050001A55D0D5E50\
             4B050600000000010001003C0000002F0000000000"
        );
        let end = End::find(&bytes).unwrap();
        assert_eq!(directory(&bytes[offset as usize..], end).unwrap(), [entry]);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for time in [315_532_800, 951_782_400, 1_577_934_244, 2_147_483_646, 4_102_444_798] {
            let (date, clock) = dos_time(time);
            assert_eq!(unix_time(date, clock), time);
        }
    }
}

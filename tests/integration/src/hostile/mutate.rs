//! Changes to files: mostly one field of what stands there, set to a number that may hurt; sometimes any byte.

use super::images::{Files, Kind};
use super::layout::{
    FRAME_HEADER, JOURNAL_HEADER, JOURNAL_MAGIC, JournalShape, LOG_HEADER, be16, be32, encode_varint, mend_journal,
    mend_log, page_size, put, put32, varint, varint_length,
};
use crate::random::Rng;

/// Changes the file of this kind. In half of the logs and journals the checksums are right again afterwards.
pub fn mutate(kind: Kind, files: &mut Files, rng: &mut Rng) {
    match kind {
        Kind::File => database(&mut files.database, rng),
        Kind::Log => {
            if let Some(log) = &mut files.log {
                change_log(log, rng);
                if rng.percent(50) {
                    mend_log(log, rng.percent(80));
                }
            }
        }
        Kind::Journal => {
            if let Some(journal) = &mut files.journal {
                change_journal(journal, rng);
                if rng.percent(50) {
                    mend_journal(journal);
                }
            }
        }
    }
}

/// A number that is zero, small, immense, or any.
fn odd_number(rng: &mut Rng) -> u32 {
    match rng.below(6) {
        0 | 1 => rng.below(80) as u32,
        2 => u32::MAX - rng.below(3) as u32,
        3 => 1 << rng.below(32),
        4 => 0,
        _ => rng.bits() as u32,
    }
}

/// The like of 64 bits, as a varint.
fn odd_varint(rng: &mut Rng) -> Vec<u8> {
    let value = match rng.below(5) {
        0 | 1 => rng.below(300) as u64,
        2 => u64::from(odd_number(rng)),
        3 => u64::MAX - rng.below(3) as u64,
        _ => 1 << rng.below(64),
    };
    encode_varint(value)
}

/// Overwrites the varint at `at`, mostly with one as long, so that what follows stays in its place.
fn put_varint(bytes: &mut [u8], at: usize, rng: &mut Rng) {
    let length = varint_length(bytes, at);
    let new = odd_varint(rng);
    if new.len() <= length && rng.percent(70) {
        // Leading zeros make it longer without changing it.
        let mut padded = vec![0x80; length - new.len()];
        padded.extend_from_slice(&new);
        put(bytes, at, &padded);
    } else {
        put(bytes, at, &new);
    }
}

// ---- Databases --------------------------------------------------------------------------------------------------------------

/// The fields of a database's header: offset and size.
const HEADER_FIELDS: [(usize, usize); 23] = [
    (0, 1),
    (16, 2),
    (18, 1),
    (19, 1),
    (20, 1),
    (21, 1),
    (22, 1),
    (23, 1),
    (24, 4),
    (28, 4),
    (32, 4),
    (36, 4),
    (40, 4),
    (44, 4),
    (48, 4),
    (52, 4),
    (56, 4),
    (60, 4),
    (64, 4),
    (68, 4),
    (72, 4),
    (92, 4),
    (96, 4),
];

/// Changes a database in one to five places.
pub fn database(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..1 + rng.below(5) {
        let size = page_size(bytes);
        let pages = bytes.len() / size;
        if pages == 0 {
            return;
        }
        match rng.below(24) {
            0..=3 => page_header(bytes, size, rng),
            4 | 5 => cell_pointer(bytes, size, rng),
            6..=12 => cell(bytes, size, rng),
            13 | 14 => header_field(bytes, rng),
            15 => free_pages(bytes, size, rng),
            16 | 17 => first_number(bytes, size, rng),
            18 => pointer_map(bytes, size, rng),
            // Anything, anywhere.
            19 | 20 => {
                let at = rng.below(bytes.len());
                bytes[at] = rng.bits() as u8;
            }
            21 => {
                let at = rng.below(bytes.len());
                bytes[at] ^= 1 << rng.below(8);
            }
            22 => page_in_place_of_another(bytes, size, rng),
            _ => end(bytes, size, rng),
        }
    }
}

/// A page number: mostly one that exists.
fn page_number(bytes: &[u8], size: usize, rng: &mut Rng) -> u32 {
    if rng.percent(75) { 1 + rng.below(bytes.len() / size) as u32 } else { odd_number(rng) }
}

/// The offset of a page's B-tree header; a page by itself has it where it begins, unless it is the first of a database.
fn tree_header(bytes: &[u8], page: usize, size: usize) -> usize {
    let first = page == 0 && bytes.get(1..6) == Some(b"QLite");
    page * size + if first { 100 } else { 0 }
}

/// The offset of the header of some page that is a B-tree's, if a few tries find one.
fn some_tree_page(bytes: &[u8], size: usize, rng: &mut Rng) -> Option<usize> {
    (0..8).map(|_| rng.below(bytes.len() / size)).find_map(|page| {
        let header = tree_header(bytes, page, size);
        matches!(bytes.get(header), Some(2 | 5 | 10 | 13)).then_some(header)
    })
}

fn page_header(bytes: &mut [u8], size: usize, rng: &mut Rng) {
    let Some(header) = some_tree_page(bytes, size, rng) else { return };
    match rng.below(6) {
        0 => bytes[header] = *rng.pick(&[0, 2, 5, 10, 13, 255]),
        // Free block, number of cells, start of the content.
        field @ 1..=3 => {
            let value = if rng.percent(60) { rng.below(size + 2) as u16 } else { odd_number(rng) as u16 };
            put(bytes, header + [1, 3, 5][field - 1], &value.to_be_bytes());
        }
        4 => put(bytes, header + 7, &[rng.bits() as u8]),
        _ => {
            let number = page_number(bytes, size, rng);
            put32(bytes, header + 8, number);
        }
    }
}

/// The place of a page's cell pointer, one of those that exist.
fn some_pointer(bytes: &[u8], header: usize, rng: &mut Rng) -> usize {
    let cells = usize::from(be16(bytes, header + 3)).clamp(1, 4096);
    let first = header + if bytes.get(header).is_some_and(|kind| *kind <= 5) { 12 } else { 8 };
    first + 2 * rng.below(cells)
}

fn cell_pointer(bytes: &mut [u8], size: usize, rng: &mut Rng) {
    let Some(header) = some_tree_page(bytes, size, rng) else { return };
    let at = some_pointer(bytes, header, rng);
    let value = match rng.below(4) {
        // Two pointers to one cell.
        0 => be16(bytes, some_pointer(bytes, header, rng)),
        1 => be16(bytes, at).wrapping_add(rng.below(9) as u16).wrapping_sub(4),
        2 => rng.below(size + 2) as u16,
        _ => rng.bits() as u16,
    };
    put(bytes, at, &value.to_be_bytes());
}

/// A field of a cell: child, size of the payload, rowid, the record's header, a serial type, the first overflow page, the content.
fn cell(bytes: &mut [u8], size: usize, rng: &mut Rng) {
    let Some(header) = some_tree_page(bytes, size, rng) else { return };
    let start = header / size * size;
    let mut at = start + usize::from(be16(bytes, some_pointer(bytes, header, rng)));
    let kind = bytes[header];
    let field = rng.below(8);
    if matches!(kind, 2 | 5) {
        if field == 0 || kind == 5 && field < 4 {
            let number = page_number(bytes, size, rng);
            return put32(bytes, at, number);
        }
        at += 4;
    }
    if kind == 5 {
        return put_varint(bytes, at, rng);
    }
    if field == 1 {
        return put_varint(bytes, at, rng);
    }
    let payload = varint(bytes, at) as usize;
    at += varint_length(bytes, at);
    if kind == 13 {
        if field == 2 {
            return put_varint(bytes, at, rng);
        }
        at += varint_length(bytes, at);
    }
    if field == 3 {
        let local = local_payload(size - usize::from(bytes[20]), payload, kind == 13);
        if local < payload {
            let number = page_number(bytes, size, rng);
            return put32(bytes, at + local, number);
        }
    }
    match field {
        0 | 3 | 4 => put_varint(bytes, at, rng),
        5 | 6 => {
            let header_end = at + (varint(bytes, at) as usize).min(100);
            at += varint_length(bytes, at);
            for _ in 0..rng.below(4) {
                if at < header_end {
                    at += varint_length(bytes, at);
                }
            }
            put_varint(bytes, at, rng);
        }
        _ => put(bytes, at + rng.below(payload.clamp(1, size)), &[rng.bits() as u8]),
    }
}

/// How much of a payload stands in the cell.
fn local_payload(usable: usize, payload: usize, table: bool) -> usize {
    let most = if table { usable.saturating_sub(35) } else { (usable.saturating_sub(12)) * 64 / 255 - 23 };
    let least = (usable.saturating_sub(12)) * 32 / 255 - 23;
    if payload <= most {
        return payload;
    }
    let wanted = least + (payload - least) % usable.saturating_sub(4).max(1);
    if wanted <= most { wanted } else { least }
}

fn header_field(bytes: &mut [u8], rng: &mut Rng) {
    let (at, size) = *rng.pick(&HEADER_FIELDS);
    let value = if rng.percent(50) { be32(bytes, at).wrapping_add(1) } else { odd_number(rng) };
    put(bytes, at, &value.to_be_bytes()[4 - size..]);
}

/// A field of the list of free pages: next trunk, number of leaves, a leaf.
fn free_pages(bytes: &mut [u8], size: usize, rng: &mut Rng) {
    let trunk = be32(bytes, 32) as usize;
    if trunk == 0 {
        return header_field(bytes, rng);
    }
    let start = (trunk - 1).saturating_mul(size);
    let value = page_number(bytes, size, rng);
    put32(bytes, start.saturating_add(4 * rng.below(6)), value);
}

/// The number that overflow pages and free trunks begin with: chains get longer, shorter, or never end.
fn first_number(bytes: &mut [u8], size: usize, rng: &mut Rng) {
    let page = rng.below(bytes.len() / size);
    if page > 0 {
        let number = page_number(bytes, size, rng);
        put32(bytes, page * size, number);
    }
}

/// An entry of the first pointer map: its kind or the parent.
fn pointer_map(bytes: &mut [u8], size: usize, rng: &mut Rng) {
    if be32(bytes, 52) == 0 {
        return cell(bytes, size, rng);
    }
    let entry = size + 5 * rng.below(bytes.len() / size);
    if rng.percent(40) {
        put(bytes, entry, &[rng.below(8) as u8]);
    } else {
        let number = page_number(bytes, size, rng);
        put32(bytes, entry + 1, number);
    }
}

fn page_in_place_of_another(bytes: &mut [u8], size: usize, rng: &mut Rng) {
    let pages = bytes.len() / size;
    let (from, to) = (rng.below(pages) * size, rng.below(pages) * size);
    bytes.copy_within(from..from + size, to);
}

/// The file ends early, or has more at its end.
fn end(bytes: &mut Vec<u8>, size: usize, rng: &mut Rng) {
    match rng.below(4) {
        0 => bytes.truncate(bytes.len() - rng.below(2 * size).min(bytes.len() - 1)),
        1 => bytes.truncate(bytes.len() - (rng.below(4) * size).min(bytes.len() - size)),
        2 => bytes.resize(bytes.len() + rng.below(2 * size), rng.bits() as u8),
        _ => bytes.resize(bytes.len() + size, 0),
    }
}

// ---- Logs -----------------------------------------------------------------------------------------------------------------

/// Changes a log in one to four places. Pages within it change as those of databases do.
fn change_log(log: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..1 + rng.below(4) {
        let size = (be32(log, 8) as usize).clamp(512, 65536);
        let frame = size + FRAME_HEADER;
        let frames = log.len().saturating_sub(LOG_HEADER) / frame;
        let start = LOG_HEADER + rng.below(frames.max(1)) * frame;
        match rng.below(14) {
            0 | 1 => put32(log, 4 * rng.below(8), odd_number(rng)),
            // Page number, size after the commit.
            2 | 3 => put32(log, start, odd_number(rng)),
            4 | 5 => put32(log, start + 4, odd_number(rng)),
            // Salts and checksum.
            6 => put32(log, start + 8 + 4 * rng.below(4), odd_number(rng)),
            7..=9 => {
                if let Some(page) = log.get_mut(start + FRAME_HEADER..start + frame) {
                    let mut one = page.to_vec();
                    match rng.below(3) {
                        0 => page_header(&mut one, size, rng),
                        1 => cell_pointer(&mut one, size, rng),
                        _ => one[rng.below(size)] = rng.bits() as u8,
                    }
                    page.copy_from_slice(&one);
                }
            }
            10 => log.truncate(rng.below(log.len() + 1)),
            11 => {
                let copy = log.get(start..start + frame).map(<[u8]>::to_vec).unwrap_or_default();
                log.extend_from_slice(&copy);
            }
            12 => {
                let other = LOG_HEADER + rng.below(frames.max(1)) * frame;
                if log.len() >= start.max(other) + frame {
                    log.copy_within(other..other + frame, start);
                }
            }
            _ => {
                let at = rng.below(log.len().max(1));
                put(log, at, &[rng.bits() as u8]);
            }
        }
    }
}

// ---- Journals ---------------------------------------------------------------------------------------------------------------

/// Changes a journal in one to four places.
fn change_journal(journal: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..1 + rng.below(4) {
        let shape = JournalShape::of(journal);
        let header = if shape.headers.is_empty() { 0 } else { *rng.pick(&shape.headers) };
        let records: Vec<usize> = shape.records(journal, header).collect();
        let start = if records.is_empty() { header + JOURNAL_HEADER } else { *rng.pick(&records) };
        match rng.below(14) {
            // Count, nonce, pages of the database, sector, page size.
            0..=3 => put32(journal, header + 8 + 4 * rng.below(5), odd_number(rng)),
            4 => put(journal, header + rng.below(8), &[rng.bits() as u8]),
            5 | 6 => put32(journal, start, odd_number(rng)),
            7 => put32(journal, start + shape.page + 4, odd_number(rng)),
            8 | 9 => put(journal, start + 4 + rng.below(shape.page), &[rng.bits() as u8]),
            10 => journal.truncate(rng.below(journal.len() + 1)),
            11 => {
                let end = (start + shape.page + 8).min(journal.len());
                let copy = journal.get(start..end).map(<[u8]>::to_vec).unwrap_or_default();
                journal.extend_from_slice(&copy);
            }
            12 => super_journal(journal, rng),
            _ => {
                let at = rng.below(journal.len().max(1));
                put(journal, at, &[rng.bits() as u8]);
            }
        }
    }
}

/// Appends what looks like the name of a super-journal; sometimes not quite.
fn super_journal(journal: &mut Vec<u8>, rng: &mut Rng) {
    let mut name = b"/nowhere/x-mj000000900".to_vec();
    if rng.percent(20) {
        name = vec![b'/'; rng.below(5000)];
    }
    let sum = name.iter().fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    let length = if rng.percent(80) { name.len() as u32 } else { odd_number(rng) };
    journal.extend_from_slice(&odd_number(rng).to_be_bytes());
    journal.extend_from_slice(&name);
    journal.extend_from_slice(&length.to_be_bytes());
    journal.extend_from_slice(&sum.to_be_bytes());
    journal.extend_from_slice(&JOURNAL_MAGIC);
}

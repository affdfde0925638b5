//! Pages of trees and the records in their cells, read without believing them.
//!
//! Format: `fileformat2.html`, sections 1.6 and 2.1. What reaches past the end of its page, chain or record is left out; what
//! comes before it is kept.

use std::collections::HashSet;

use turso_core::{TextEncoding, Value};

use crate::pages::{Geometry, Pages};

/// The row or entry of a cell.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The rowid; `None` in an index, or a table WITHOUT ROWID.
    pub rowid: Option<i64>,
    /// The fields that could be read.
    pub fields: Vec<Value>,
}

/// What a tree holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows by rowid.
    Table,
    /// Entries of an index, or rows of a table WITHOUT ROWID.
    Index,
}

/// A page that has the head of a page of a tree.
pub(crate) struct TreePage<'a> {
    bytes: &'a [u8],
    /// Where its head begins.
    start: usize,
    leaf: bool,
    table: bool,
}

impl<'a> TreePage<'a> {
    /// `None`: no page of a tree.
    pub fn new(bytes: &'a [u8], number: u32) -> Option<Self> {
        let start = if number == 1 { 100 } else { 0 };
        let (leaf, table) = match bytes.get(start)? {
            0x02 => (false, false),
            0x05 => (false, true),
            0x0a => (true, false),
            0x0d => (true, true),
            _ => return None,
        };
        Some(Self { bytes, start, leaf, table })
    }

    /// The kind of tree that it belongs to.
    pub fn kind(&self) -> Kind {
        if self.table { Kind::Table } else { Kind::Index }
    }

    /// The offsets of its cells, those that lie in the page.
    fn cells(&self) -> impl Iterator<Item = usize> + '_ {
        let first = self.start + if self.leaf { 8 } else { 12 };
        let count = usize::from(be16(self.bytes, self.start + 3).unwrap_or(0));
        (0..count).map_while(move |i| be16(self.bytes, first + 2 * i).map(usize::from))
    }

    /// The pages below, the rightmost first.
    pub fn children(&self) -> Vec<u32> {
        if self.leaf {
            return Vec::new();
        }
        let last = be32(self.bytes, self.start + 8);
        last.into_iter().chain(self.cells().filter_map(|cell| be32(self.bytes, cell))).collect()
    }

    /// True where cells hold records.
    pub fn has_records(&self) -> bool {
        self.leaf || !self.table
    }

    /// Hand over the record of each cell. `pages` are asked for overflow pages.
    pub fn records<E>(&self, pages: &mut dyn Pages, mut take: impl FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        if self.has_records() {
            for cell in self.cells() {
                if let Some(record) = self.record(pages, cell) {
                    take(record)?;
                }
            }
        }
        Ok(())
    }

    fn record(&self, pages: &mut dyn Pages, cell: usize) -> Option<Record> {
        let geometry = pages.geometry();
        let mut at = cell + if self.leaf { 0 } else { 4 };
        let total = take_varint(self.bytes, &mut at)?;
        let rowid = if self.table { Some(take_varint(self.bytes, &mut at)? as i64) } else { None };
        let payload = self.payload(pages, at, total, &geometry);
        Some(Record { rowid, fields: fields(&payload, geometry.encoding) })
    }

    /// The payload of a cell, as much of it as there is.
    fn payload(&self, pages: &mut dyn Pages, at: usize, total: u64, geometry: &Geometry) -> Vec<u8> {
        let usable = geometry.usable();
        // More than the file can hold is not there.
        let total = total.min(usable as u64 * u64::from(geometry.pages)).min(MAX_PAYLOAD) as usize;
        let local = local_bytes(total, self.table, usable);
        let end = (at + local).min(usable).min(self.bytes.len()).max(at);
        let mut payload = self.bytes.get(at..end).unwrap_or_default().to_vec();
        if local == total || payload.len() < local {
            return payload;
        }
        let mut next = be32(self.bytes, at + local).unwrap_or(0);
        let mut seen = HashSet::new();
        while payload.len() < total && next != 0 && next <= geometry.pages && seen.insert(next) {
            let Some(page) = pages.page(next) else { break };
            let rest = page.get(4..usable.min(page.len())).unwrap_or_default();
            payload.extend_from_slice(&rest[..rest.len().min(total - payload.len())]);
            next = be32(&page, 0).unwrap_or(0);
        }
        payload
    }
}

/// No value is longer.
const MAX_PAYLOAD: u64 = 1 << 31;
/// No row has more columns, whatever SQLite was built with. A field of one byte becomes a [`Value`], which is far larger.
const MAX_FIELDS: usize = 32767;

/// Bytes of a payload that lie in its cell.
fn local_bytes(total: usize, table: bool, usable: usize) -> usize {
    let max = if table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
    if total <= max {
        return total;
    }
    let min = (usable - 12) * 32 / 255 - 23;
    let fit = min + (total - min) % (usable - 4);
    if fit <= max { fit } else { min }
}

/// The fields of a record, up to where they are lost.
fn fields(payload: &[u8], encoding: TextEncoding) -> Vec<Value> {
    let mut at = 0;
    let mut fields = Vec::new();
    let Some(header) = take_varint(payload, &mut at) else { return fields };
    let Ok(header) = usize::try_from(header) else { return fields };
    let mut body = header;
    while at < header && fields.len() < MAX_FIELDS {
        let Some(kind) = take_varint(payload, &mut at) else { break };
        let Some(size) = field_size(kind) else { break };
        let rest = payload.get(body..).unwrap_or_default();
        // Of a long value whose end is lost the beginning is kept.
        if size > rest.len() && (kind < 12 || rest.is_empty()) {
            break;
        }
        fields.push(field(kind, &rest[..size.min(rest.len())], encoding));
        if size > rest.len() {
            break;
        }
        body += size;
    }
    fields
}

/// Bytes of a field.
fn field_size(kind: u64) -> Option<usize> {
    Some(match kind {
        0 | 8 | 9 => 0,
        1..=4 => kind as usize,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => 0,
        _ => usize::try_from((kind - 12) / 2).ok()?,
    })
}

fn field(kind: u64, bytes: &[u8], encoding: TextEncoding) -> Value {
    match kind {
        1..=6 => {
            let sign = bytes.first().map_or(0, |b| if b & 0x80 != 0 { -1 } else { 0 });
            Value::Integer(bytes.iter().fold(sign, |number, b| (number << 8) | i64::from(*b)))
        }
        7 => bytes.first_chunk().map_or(Value::Null, |b| Value::real(f64::from_be_bytes(*b))),
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        0 | 10 | 11 => Value::Null,
        _ if kind.is_multiple_of(2) => Value::Blob(bytes.to_vec()),
        _ => {
            let mut text = Vec::new();
            encoding.decode(bytes, &mut text);
            Value::Text(text)
        }
    }
}

/// A varint, and the place behind it.
fn take_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0u64;
    for i in 0..9 {
        let byte = *bytes.get(*at + i)?;
        if i == 8 {
            *at += 9;
            return Some(number << 8 | u64::from(byte));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            *at += i + 1;
            return Some(number);
        }
    }
    None
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
}

/// Four bytes as a number.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b))
}

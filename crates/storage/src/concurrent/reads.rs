//! Whether what a transaction has read is what it would read now.
//!
//! Spans of keys whose pages have changed are read from the snapshot, then from the newest commit, and compared. What was changed
//! and changed back is the same: the transaction would have read it at the moment of its commit.

use std::hash::{DefaultHasher, Hasher};

use turso_error::Result;
use turso_value::key::{compare_record, compare_records};

use crate::btree::{BTreeCursor, CursorKind};
use crate::page::PageNo;
use crate::pager::{End, Pager, Range, Span};

/// Entries of a span that are read again. Where more have come, it has changed.
const MOST: usize = 4096;

/// The spans to be compared.
#[derive(Default)]
pub(crate) struct ReadCheck {
    spans: Vec<u32>,
    before: Vec<Option<u64>>,
    compared: usize,
}

impl ReadCheck {
    pub fn new(spans: Vec<u32>) -> Self {
        Self { spans, ..Self::default() }
    }

    /// Reads the spans under the snapshot of the transaction, without its own changes. Restartable.
    pub fn read_before(&mut self, pager: &mut Pager) -> Result<()> {
        while let Some(&span) = self.spans.get(self.before.len()) {
            let content = pager.with_span(span, |pager, span| content(pager, span, &mut Vec::new()))?;
            self.before.push(content.flatten());
            pager.unpin();
        }
        Ok(())
    }

    /// Reads them under the newest commit: false where one has changed. Those that have not may lie on other pages now, which are
    /// noted. Restartable.
    pub fn is_unchanged(&mut self, pager: &mut Pager) -> Result<bool> {
        while let (Some(&span), Some(before)) = (self.spans.get(self.compared), self.before.get(self.compared)) {
            let mut way = Vec::new();
            let now = pager.with_span(span, |pager, span| content(pager, span, &mut way))?.flatten();
            if now.is_none() || now != *before {
                return Ok(false);
            }
            pager.note_new_way(span, &way);
            self.compared += 1;
            pager.unpin();
        }
        Ok(true)
    }
}

/// A hash of what the span holds, which two contents share once in 2^64; `None` where that is too much. The pages by which it is
/// found are added to `way`.
fn content(pager: &mut Pager, span: &Span, way: &mut Vec<PageNo>) -> Result<Option<u64>> {
    let mut cursor = BTreeCursor::new(span.root, span.kind.clone());
    let mut hash = DefaultHasher::new();
    let back = matches!(span.range, Range::Entries { back: Some(true), .. });
    let mut there = cursor.go_to_range(pager, &span.range, way)?;
    for _ in 0..MOST {
        if !there || !belongs(pager, &mut cursor, span, back)? {
            return Ok(Some(hash.finish()));
        }
        hash.write_i64(cursor.rowid());
        let record = cursor.full_payload(pager)?;
        hash.write_usize(record.len());
        hash.write(record);
        there = if back { cursor.prev(pager)? } else { cursor.next(pager)? };
        cursor.add_path(way);
    }
    Ok(None)
}

/// True where the cursor's entry is part of the span.
fn belongs(pager: &mut Pager, cursor: &mut BTreeCursor, span: &Span, back: bool) -> Result<bool> {
    let (key, end) = match &span.range {
        Range::Rows { high, .. } => return Ok(cursor.rowid() <= *high),
        Range::Entries { end: End::Open, .. } => return Ok(true),
        Range::Entries { key, end, .. } => (key, end),
    };
    let CursorKind::Index(info) = &span.kind else { return Ok(false) };
    let record = cursor.full_payload(pager)?;
    match end {
        End::At(last) => {
            let columns = if info.columns.is_empty() { usize::MAX } else { info.columns.len() };
            let order = compare_records(record, last, info, columns)?;
            Ok(if back { order.is_ge() } else { order.is_le() })
        }
        _ => Ok(compare_record(record, key, info)?.is_eq()),
    }
}

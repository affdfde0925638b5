//! JSONB: the binary form of JSON (jsonb.html). Every JSON function works on it; text is parsed into it first.
//!
//! ```text
//!  element:  [size nibble | kind nibble] [size, 0/1/2/4/8 bytes big-endian] [payload, size bytes]
//!  payload:  digits or text of a scalar; the elements of an array; label, value, label, value ... of an object
//! ```

use turso_error::{Error, Result};

/// What an element is: the low four bits of its first byte.
pub(super) mod kind {
    pub const NULL: u8 = 0;
    pub const TRUE: u8 = 1;
    pub const FALSE: u8 = 2;
    /// Decimal integer as JSON has it.
    pub const INT: u8 = 3;
    /// Hexadecimal integer of JSON5.
    pub const INT5: u8 = 4;
    /// Number with point or exponent as JSON has it.
    pub const FLOAT: u8 = 5;
    /// Number that begins or ends with a point.
    pub const FLOAT5: u8 = 6;
    /// Text that needs no escapes, neither in JSON nor in SQL.
    pub const TEXT: u8 = 7;
    /// Text with JSON escapes.
    pub const TEXTJ: u8 = 8;
    /// Text with JSON5 escapes.
    pub const TEXT5: u8 = 9;
    /// Text of SQL, to be escaped in JSON.
    pub const TEXTRAW: u8 = 10;
    pub const ARRAY: u8 = 11;
    pub const OBJECT: u8 = 12;
}

/// Deeper nesting is malformed.
pub(super) const MAX_DEPTH: usize = 1000;

/// Where an element lies in its blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    pub kind: u8,
    pub start: usize,
    pub body: usize,
    pub end: usize,
}

impl Element {
    pub fn payload<'a>(&self, blob: &'a [u8]) -> &'a [u8] {
        blob.get(self.body..self.end).unwrap_or(&[])
    }

    pub fn bytes<'a>(&self, blob: &'a [u8]) -> &'a [u8] {
        blob.get(self.start..self.end).unwrap_or(&[])
    }

    pub fn is_container(&self) -> bool {
        matches!(self.kind, kind::ARRAY | kind::OBJECT)
    }

    pub fn is_text(&self) -> bool {
        (kind::TEXT..=kind::TEXTRAW).contains(&self.kind)
    }
}

#[cold]
pub(super) fn malformed() -> Error {
    Error::sql("malformed JSON")
}

/// The element that starts at `at` and ends within `limit`.
pub(super) fn element(blob: &[u8], at: usize, limit: usize) -> Option<Element> {
    let bytes = blob.get(..limit)?;
    let &first = bytes.get(at)?;
    let (size, header) = match first >> 4 {
        n @ 0..=11 => (u64::from(n), 1),
        n => {
            let width = 1usize << (n - 12);
            let digits = bytes.get(at + 1..at + 1 + width)?;
            (digits.iter().fold(0u64, |size, &b| size << 8 | u64::from(b)), 1 + width)
        }
    };
    let body = at + header;
    let end = usize::try_from(size).ok().and_then(|size| body.checked_add(size)).filter(|&end| end <= limit)?;
    Some(Element { kind: first & 15, start: at, body, end })
}

/// The element that the whole blob is.
pub(super) fn root(blob: &[u8]) -> Result<Element> {
    element(blob, 0, blob.len()).filter(|root| root.end == blob.len()).ok_or_else(malformed)
}

/// The element that starts at `at` inside of a container.
pub(super) fn child(blob: &[u8], container: &Element, at: usize) -> Result<Element> {
    element(blob, at, container.end).filter(|e| e.kind <= kind::OBJECT).ok_or_else(malformed)
}

/// True for a blob that looks like JSONB: one element, of the right length. A short one that could be JSON text as well
/// (it begins like an array, an object or a number) must be well-formed throughout.
pub(super) fn is_jsonb(blob: &[u8]) -> bool {
    let Some(e) = element(blob, 0, blob.len()) else { return false };
    if e.end != blob.len() || e.kind > kind::OBJECT || (e.kind <= kind::FALSE && e.end != e.body) {
        return false;
    }
    let ambiguous = matches!(blob.first(), Some(b'[' | b'{' | b'0'..=b'9'));
    e.end - e.body > 7 || !ambiguous || is_valid(blob, &e, 0)
}

/// Appends an element's header in its shortest form.
pub(super) fn write_header(kind: u8, size: usize, out: &mut Vec<u8>) {
    match size {
        0..=11 => out.push((size as u8) << 4 | kind),
        12..=0xff => out.extend_from_slice(&[0xc0 | kind, size as u8]),
        0x100..=0xffff => {
            out.push(0xd0 | kind);
            out.extend_from_slice(&(size as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xe0 | kind);
            out.extend_from_slice(&(size as u32).to_be_bytes());
        }
        _ => {
            out.push(0xf0 | kind);
            out.extend_from_slice(&(size as u64).to_be_bytes());
        }
    }
}

/// Appends a whole element.
pub(super) fn write_element(kind: u8, payload: &[u8], out: &mut Vec<u8>) {
    write_header(kind, payload.len(), out);
    out.extend_from_slice(payload);
}

/// Appends an element that takes the place of one of `old` bytes. Where a longer form of its header makes it exactly as long
/// as what was there it gets that form, as in SQLite: then nothing around it moves.
pub(super) fn write_in_place_of(value: &[u8], old: usize, out: &mut Vec<u8>) {
    let stretched = element(value, 0, value.len()).filter(|e| e.kind > kind::FALSE).and_then(|e| {
        let (header, size) = (e.body - e.start, e.end - e.body);
        let wanted = old.checked_sub(size)?;
        let nibble = match wanted {
            2 => 0xc0,
            3 => 0xd0,
            5 => 0xe0,
            9 => 0xf0,
            _ => return None,
        };
        (wanted > header).then_some((e, nibble, size as u64, wanted - 1))
    });
    let Some((e, nibble, size, width)) = stretched else {
        out.extend_from_slice(value);
        return;
    };
    out.push(nibble | e.kind);
    out.extend_from_slice(&size.to_be_bytes()[8 - width..]);
    out.extend_from_slice(e.payload(value));
}

/// Turns what was written since `start` into the payload of an element.
pub(super) fn wrap(kind: u8, start: usize, out: &mut Vec<u8>) {
    let size = out.len() - start;
    if size <= 11 {
        out.insert(start, (size as u8) << 4 | kind);
        return;
    }
    let mut header = Vec::with_capacity(9);
    write_header(kind, size, &mut header);
    out.splice(start..start, header);
}

/// True when every element of a blob is well-formed in itself.
pub(super) fn is_valid(blob: &[u8], e: &Element, depth: usize) -> bool {
    let payload = e.payload(blob);
    match e.kind {
        kind::NULL | kind::TRUE | kind::FALSE => payload.is_empty(),
        kind::INT | kind::INT5 | kind::FLOAT | kind::FLOAT5 => super::parse::parse(payload).is_ok_and(|parsed| {
            root(&parsed.blob).is_ok_and(|number| number.kind == e.kind && number.payload(&parsed.blob) == payload)
        }),
        kind::TEXT => payload.iter().all(|&b| b >= 0x20 && b != b'"' && b != b'\\'),
        kind::TEXTJ | kind::TEXT5 => {
            let mut text = Vec::with_capacity(payload.len() + 2);
            // Only the escapes are to be checked; a bare quote is fine in JSON5 text that stood in single quotes.
            text.push(b'"');
            for (i, &b) in payload.iter().enumerate() {
                if b == b'"' && e.kind == kind::TEXT5 && (i == 0 || payload[i - 1] != b'\\') {
                    continue;
                }
                // The parser would end at a NUL; any control character stands for it.
                text.push(if b == 0 { 1 } else { b });
            }
            text.push(b'"');
            super::parse::parse(&text).is_ok_and(|parsed| root(&parsed.blob).is_ok_and(|text| text.kind <= e.kind))
        }
        kind::TEXTRAW => true,
        kind::ARRAY | kind::OBJECT => {
            if depth > MAX_DEPTH {
                return false;
            }
            let (mut at, mut count) = (e.body, 0usize);
            while at < e.end {
                let Ok(inner) = child(blob, e, at) else { return false };
                let is_label = e.kind == kind::OBJECT && count % 2 == 0;
                if (is_label && !inner.is_text()) || !is_valid(blob, &inner, depth + 1) {
                    return false;
                }
                at = inner.end;
                count += 1;
            }
            e.kind == kind::ARRAY || count % 2 == 0
        }
        _ => false,
    }
}

//! Comparing index and sorter records with keys and with each other.
//!
//! A key may be shorter than the record (a prefix search) or the record's trailing rowid may stand beyond the described
//! columns: columns beyond [`KeyInfo::columns`] compare as BINARY, ascending. What is equal as far as both go is `Equal`;
//! the caller says with `.then(..)` on which side of such records it wants to land.

use crate::compare::{compare, compare_in, compare_numbers, compare_reals};
use crate::record::{RecordReader, SerialType, malformed};
use crate::{Collation, TextEncoding, Value, ValueRef};
use std::cmp::Ordering;
use turso_error::Result;

/// How one column of a key sorts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyColumn {
    /// Order of text.
    pub collation: Collation,
    /// Greatest first.
    pub descending: bool,
    /// NULL is greater than everything (SQLite's BIGNULL: `ASC NULLS LAST`, `DESC NULLS FIRST`).
    pub nulls_big: bool,
}

/// How the records of an index or a sorter sort.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyInfo {
    /// The described columns, most significant first.
    pub columns: Vec<KeyColumn>,
    /// The encoding that text has in the records.
    pub encoding: TextEncoding,
}

impl KeyInfo {
    /// `columns` ascending BINARY columns over UTF-8.
    pub fn binary(columns: usize) -> Self {
        Self { columns: vec![KeyColumn::default(); columns], encoding: TextEncoding::Utf8 }
    }

    /// Compares two in-memory values as column `index` of this key.
    #[inline]
    pub fn compare_values(&self, index: usize, a: ValueRef<'_>, b: ValueRef<'_>) -> Ordering {
        let Some(column) = self.columns.get(index) else {
            return compare_in(a, b, &Collation::Binary, self.encoding);
        };
        let order = compare_in(a, b, &column.collation, self.encoding);
        directed(order, column, a.is_null() || b.is_null())
    }
}

/// Applies direction and NULL placement to an ascending order.
#[inline]
fn directed(order: Ordering, column: &KeyColumn, null_involved: bool) -> Ordering {
    if order == Ordering::Equal {
        return order;
    }
    if column.descending != (column.nulls_big && null_involved) { order.reverse() } else { order }
}

/// The integer that a record holds from `start` on, by its serial type; `None` for other types and damage.
#[inline(always)]
fn integer_at(record: &[u8], serial: u8, start: usize) -> Option<i64> {
    let body = record.get(start..)?;
    Some(match serial {
        1 => i64::from(*body.first()? as i8),
        2 => i64::from(i16::from_be_bytes(*body.first_chunk()?)),
        3 => {
            let &[a, b, c] = body.first_chunk()?;
            i64::from(i32::from_be_bytes([a, b, c, 0]) >> 8)
        }
        4 => i64::from(i32::from_be_bytes(*body.first_chunk()?)),
        5 => {
            let &[a, b, c, d, e, f] = body.first_chunk()?;
            i64::from_be_bytes([a, b, c, d, e, f, 0, 0]) >> 16
        }
        6 => i64::from_be_bytes(*body.first_chunk()?),
        8 => 0,
        9 => 1,
        _ => return None,
    })
}

/// The order of an index record relative to a key: `Less` when the record sorts before it.
///
/// Only the columns of `key` are looked at, and of these only as many as are needed. A record that ends first sorts first.
#[inline]
pub fn compare_record(record: &[u8], key: &[Value], info: &KeyInfo) -> Result<Ordering> {
    // Most indexes begin with an integer, and most entries differ in it.
    if let ([Value::Integer(wanted), rest @ ..], [header @ 2..0x80, serial, ..]) = (key, record)
        && usize::from(*header) <= record.len()
    {
        if (12..0x80).contains(serial) {
            // Texts and blobs come after numbers, whatever they are: that one is damaged does not matter here.
            return Ok(info.columns.first().map_or(Ordering::Greater, |c| directed(Ordering::Greater, c, false)));
        }
        match integer_at(record, *serial, usize::from(*header)).map(|stored| stored.cmp(wanted)) {
            Some(Ordering::Equal) if rest.is_empty() => return Ok(Ordering::Equal),
            Some(Ordering::Equal) | None => {}
            Some(order) => return Ok(info.columns.first().map_or(order, |column| directed(order, column, false))),
        }
    }
    compare_columns(record, key, info)
}

/// [`compare_record`], column by column.
fn compare_columns(record: &[u8], key: &[Value], info: &KeyInfo) -> Result<Ordering> {
    let mut reader = RecordReader::new(record)?;
    for (index, key_value) in key.iter().enumerate() {
        let Some((serial, body)) = reader.next_raw()? else {
            return Ok(Ordering::Less);
        };
        let order = compare_stored(serial, body, key_value, info, index)?;
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

/// The order of a stored column relative to an in-memory value.
#[inline]
fn compare_stored(serial: SerialType, body: &[u8], key: &Value, info: &KeyInfo, index: usize) -> Result<Ordering> {
    let stored = serial.read(body)?;
    let column = info.columns.get(index);
    let collation = column.map_or(&Collation::Binary, |c| &c.collation);
    let order = match (stored, key) {
        (ValueRef::Integer(a), Value::Integer(b)) => a.cmp(b),
        (ValueRef::Text(a), Value::Text(b)) => match (info.encoding, collation) {
            (TextEncoding::Utf8, Collation::Binary) => a.cmp(b),
            (TextEncoding::Utf8, collation) => collation.compare(a, b),
            (encoding, collation) => compare_stored_text(a, b, encoding, collation),
        },
        (stored, key) => compare(stored, key.as_ref(), collation),
    };
    Ok(match column {
        Some(column) => directed(order, column, stored.is_null() || key.is_null()),
        None => order,
    })
}

/// The order of UTF-16 text as stored relative to in-memory text.
fn compare_stored_text(stored: &[u8], text: &[u8], encoding: TextEncoding, collation: &Collation) -> Ordering {
    let mut converted = Vec::new();
    if collation.is_binary() {
        encoding.encode(text, &mut converted);
        stored.cmp(&converted[..])
    } else {
        encoding.decode(stored, &mut converted);
        collation.compare(&converted, text)
    }
}

/// The order of two records of the same shape, as sorters and merges need it. A record that ends first sorts first.
///
/// Compares at most `columns` columns; `usize::MAX` for all.
pub fn compare_records(a: &[u8], b: &[u8], info: &KeyInfo, columns: usize) -> Result<Ordering> {
    let mut left = RecordReader::new(a)?;
    let mut right = RecordReader::new(b)?;
    for index in 0..columns {
        let ((serial_a, body_a), (serial_b, body_b)) = match (left.next_raw()?, right.next_raw()?) {
            (Some(a), Some(b)) => (a, b),
            (None, None) => return Ok(Ordering::Equal),
            (None, Some(_)) => return Ok(Ordering::Less),
            (Some(_), None) => return Ok(Ordering::Greater),
        };
        let column = info.columns.get(index);
        let collation = column.map_or(&Collation::Binary, |c| &c.collation);
        let (value_a, value_b) = (serial_a.read(body_a)?, serial_b.read(body_b)?);
        let order = match (value_a, value_b) {
            (ValueRef::Integer(a), ValueRef::Integer(b)) => a.cmp(&b),
            (ValueRef::Text(a), ValueRef::Text(b)) if collation.is_binary() => a.cmp(b),
            (ValueRef::Text(a), ValueRef::Text(b)) if info.encoding != TextEncoding::Utf8 => {
                let (mut x, mut y) = (Vec::new(), Vec::new());
                info.encoding.decode(a, &mut x);
                info.encoding.decode(b, &mut y);
                collation.compare(&x, &y)
            }
            (ValueRef::Integer(a), ValueRef::Real(b)) => compare_numbers(a, b),
            (ValueRef::Real(a), ValueRef::Real(b)) => compare_reals(a, b),
            (a, b) => compare(a, b, collation),
        };
        let order = match column {
            Some(column) => directed(order, column, value_a.is_null() || value_b.is_null()),
            None => order,
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

/// The rowid at the end of an index record: its last column, an integer.
#[inline]
pub fn index_rowid(record: &[u8]) -> Result<i64> {
    // Where every serial type is one byte, the last one is the last byte of the header.
    if let Some(&header @ 2..0x80) = record.first()
        && let Some(types @ [.., serial]) = record.get(1..usize::from(header))
        && types.iter().all(|serial| *serial < 0x80)
        && let 1..=6 | 8 | 9 = *serial
        && let Some(start) = record.len().checked_sub(SerialType(u64::from(*serial)).len() as usize)
        && start >= usize::from(header)
        && let Some(rowid) = integer_at(record, *serial, start)
    {
        return Ok(rowid);
    }
    index_rowid_slowly(record)
}

fn index_rowid_slowly(record: &[u8]) -> Result<i64> {
    // The last serial type cannot be found backwards (varints are ambiguous that way), so walk the header; the value
    // itself lies at the end of the record.
    let Some((header_len, used)) = crate::varint::read(record) else {
        return Err(malformed("empty index record"));
    };
    let Some(mut types) = usize::try_from(header_len).ok().and_then(|end| record.get(used..end)) else {
        return Err(malformed("record header past the end of the record"));
    };
    let mut last = None;
    while !types.is_empty() {
        let Some((code, used)) = crate::varint::read(types) else {
            return Err(malformed("serial type past the end of the record header"));
        };
        last = Some(SerialType(code));
        types = &types[used..];
    }
    match last {
        Some(serial @ SerialType(1..=6 | 8 | 9)) => {
            let len = serial.len() as usize;
            let Some(start) = record.len().checked_sub(len).filter(|&start| start >= header_len as usize) else {
                return Err(malformed("rowid past the end of the index record"));
            };
            match serial.read(&record[start..])? {
                ValueRef::Integer(rowid) => Ok(rowid),
                _ => Err(malformed("rowid is not an integer")),
            }
        }
        _ => Err(malformed("index record without rowid")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_record;

    fn record(values: &[Value], info: &KeyInfo) -> Vec<u8> {
        let mut out = Vec::new();
        encode_record(values, info.encoding, &mut out);
        out
    }

    fn check(a: &[Value], b: &[Value], info: &KeyInfo, expected: Ordering) {
        let (ra, rb) = (record(a, info), record(b, info));
        assert_eq!(compare_record(&ra, b, info).unwrap(), expected, "{a:?} against key {b:?}");
        assert_eq!(compare_record(&rb, a, info).unwrap(), expected.reverse(), "{b:?} against key {a:?}");
        assert_eq!(compare_records(&ra, &rb, info, usize::MAX).unwrap(), expected, "{a:?} {b:?}");
    }

    #[test]
    fn storage_classes_and_exact_numbers() {
        let info = KeyInfo::binary(1);
        let sorted = [
            Value::Null,
            Value::Real(f64::NEG_INFINITY),
            Value::Integer(i64::MIN),
            Value::Integer(-1),
            Value::Real(-0.5),
            Value::Integer(0),
            Value::Real(0.5),
            Value::Real(9007199254740992.0),
            Value::Integer(9007199254740993),
            Value::Integer(i64::MAX),
            Value::Real(9223372036854775808.0),
            Value::text(""),
            Value::text("a"),
            Value::text("ab"),
            Value::blob(*b""),
            Value::blob(*b"a"),
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                check(std::slice::from_ref(a), std::slice::from_ref(b), &info, i.cmp(&j));
                check(&[Value::Integer(7), a.clone()], &[Value::Integer(7), b.clone()], &info, i.cmp(&j));
            }
        }
    }

    #[test]
    fn directions_and_nulls() {
        let column = |descending, nulls_big| KeyInfo {
            columns: vec![KeyColumn { collation: Collation::NoCase, descending, nulls_big }],
            encoding: TextEncoding::Utf8,
        };
        let (null, one, a, big_a) = ([Value::Null], [Value::Integer(1)], [Value::text("a")], [Value::text("A")]);
        check(&null, &one, &column(false, false), Ordering::Less);
        check(&null, &one, &column(false, true), Ordering::Greater);
        check(&null, &one, &column(true, false), Ordering::Greater);
        check(&null, &one, &column(true, true), Ordering::Less);
        check(&one, &a, &column(true, true), Ordering::Greater);
        check(&a, &big_a, &column(true, false), Ordering::Equal);
    }

    #[test]
    fn utf16_databases_order_by_stored_bytes() {
        let mut info = KeyInfo::binary(1);
        let (low, high) = ([Value::text("\u{1}")], [Value::text("\u{100}")]);
        info.encoding = TextEncoding::Utf16Le;
        check(&low, &high, &info, Ordering::Greater);
        assert_eq!(info.compare_values(0, low[0].as_ref(), high[0].as_ref()), Ordering::Greater);
        info.encoding = TextEncoding::Utf16Be;
        check(&low, &high, &info, Ordering::Less);
        let (bmp, astral) = ([Value::text("\u{fffd}")], [Value::text("\u{10000}")]);
        check(&bmp, &astral, &info, Ordering::Greater);
    }

    #[test]
    fn prefix_keys_are_equal_and_rowids_are_found() {
        let info = KeyInfo::binary(1);
        for rowid in [0, 1, 2, -1, 300, 1 << 40, i64::MIN] {
            let r = record(&[Value::text("k"), Value::Integer(rowid)], &info);
            assert_eq!(compare_record(&r, &[Value::text("k")], &info).unwrap(), Ordering::Equal);
            assert_eq!(index_rowid(&r).unwrap(), rowid);
        }
        assert!(index_rowid(&[]).is_err());
        assert!(index_rowid(&[2, 6, 1]).is_err());
        assert!(index_rowid(&[2, 13]).is_err());
    }

    #[test]
    fn damage_does_not_matter_where_the_type_decides() {
        let damaged = [0x55; 86];
        let info = |descending| KeyInfo {
            columns: vec![KeyColumn { descending, ..KeyColumn::default() }, KeyColumn::default()],
            encoding: TextEncoding::Utf8,
        };
        let key = [Value::Integer(7), Value::Integer(1)];
        assert_eq!(compare_record(&damaged, &key, &info(false)).unwrap(), Ordering::Greater);
        assert_eq!(compare_record(&damaged, &key, &info(true)).unwrap(), Ordering::Less);
        assert!(compare_record(&damaged, &[Value::text("a")], &info(false)).is_err());
    }

    #[test]
    fn integers_are_compared_and_read_alike_on_both_ways() {
        let mut values: Vec<i64> = (0..63).flat_map(|bit| [1i64 << bit, (1i64 << bit) - 1, -(1i64 << bit)]).collect();
        values.extend([i64::MIN, i64::MAX]);
        let info = KeyInfo {
            columns: vec![KeyColumn { descending: true, ..KeyColumn::default() }, KeyColumn::default()],
            encoding: TextEncoding::Utf8,
        };
        for (i, &a) in values.iter().enumerate() {
            let mut record = Vec::new();
            crate::encode_record(&[Value::Integer(a), Value::Integer(a / 2)], TextEncoding::Utf8, &mut record);
            assert_eq!(index_rowid(&record).unwrap(), a / 2);
            assert_eq!(index_rowid_slowly(&record).unwrap(), a / 2);
            for &b in &values[i.saturating_sub(3)..] {
                for key in [vec![Value::Integer(b)], vec![Value::Integer(b), Value::Integer(a / 2 - 1)]] {
                    let order = compare_record(&record, &key, &info).unwrap();
                    assert_eq!(order, compare_columns(&record, &key, &info).unwrap(), "{a} {key:?}");
                    assert_eq!(order.is_eq(), a == b && key.len() == 1);
                }
            }
            for cut in 0..record.len() {
                // Damage is an error or another answer, and never a panic.
                let _ = compare_record(&record[..cut], &[Value::Integer(a)], &info);
                let _ = index_rowid(&record[..cut]);
            }
        }
    }
}

//! Making records of registers.

use turso_value::number::compact_real;
use turso_value::record::encode_record_with;
use turso_value::{Affinity, TextEncoding, Value, ValueRef};

/// A value as it is stored: a column of REAL affinity stores small whole numbers as integers.
#[inline(always)]
fn as_stored<'a>(value: &'a Value, affinity: Option<&Affinity>) -> ValueRef<'a> {
    match (value, affinity) {
        (Value::Real(r), Some(Affinity::Real)) => compact_real(*r).map_or(ValueRef::Real(*r), ValueRef::Integer),
        (value, _) => value.as_ref(),
    }
}

/// Serial type of an integer by the number of its significant bits, sign apart.
const SERIAL_OF_BITS: [u8; 65] = {
    let mut serials = [6; 65];
    let mut bits = 0;
    while bits < 48 {
        serials[bits] = match bits {
            0..=7 => 1,
            8..=15 => 2,
            16..=23 => 3,
            24..=31 => 4,
            _ => 5,
        };
        bits += 1;
    }
    serials
};

/// Appends the record of these values. Conversions to the affinities have been made; what is left is how REAL is stored.
/// `scratch` is a buffer to be passed again.
#[inline]
pub(crate) fn encode(
    values: &[Value],
    affinities: &[Affinity],
    encoding: TextEncoding,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    if encoding == TextEncoding::Utf8
        && let Some(record) = encode_short(values, affinities, scratch)
    {
        out.extend_from_slice(record);
        return;
    }
    let stored = values.iter().enumerate().map(|(i, value)| as_stored(value, affinities.get(i)));
    encode_record_with(stored, encoding, true, out);
}

/// Room for a short record.
const ROOM: usize = 1024;

/// A record made in one pass, where its header takes a byte per column and one for its length: short rows of UTF-8 databases.
/// `None` for all others. It is put together in a buffer that is large enough, so that nothing grows value by value.
#[inline]
fn encode_short<'a>(values: &[Value], affinities: &[Affinity], scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    const LONGEST: usize = 64;
    if values.len() >= LONGEST {
        return None;
    }
    if scratch.len() < ROOM {
        scratch.resize(ROOM, 0);
    }
    let buffer = scratch.first_chunk_mut::<ROOM>()?;
    let header = values.len() + 1;
    buffer[0] = header as u8;
    let mut at = header;
    for (i, value) in values.iter().enumerate() {
        let serial = match as_stored(value, affinities.get(i)) {
            ValueRef::Null => 0,
            ValueRef::Integer(n) if n & 1 == n => 8 + n as u8,
            ValueRef::Integer(n) => {
                let serial = SERIAL_OF_BITS[64 - (n ^ (n >> 63)).leading_zeros() as usize];
                let len = [0, 1, 2, 3, 4, 6, 8][usize::from(serial)];
                // All eight bytes are written and those too many are written over.
                let wide = (n << (64 - 8 * len)).to_be_bytes();
                *buffer.get_mut(at..)?.first_chunk_mut()? = wide;
                at += len;
                serial
            }
            ValueRef::Real(r) => {
                *buffer.get_mut(at..)?.first_chunk_mut()? = r.to_be_bytes();
                at += 8;
                7
            }
            ValueRef::Text(bytes) if bytes.len() < 58 => {
                buffer.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
                at += bytes.len();
                13 + 2 * bytes.len() as u8
            }
            ValueRef::Blob(bytes) if bytes.len() < 58 => {
                buffer.get_mut(at..at + bytes.len())?.copy_from_slice(bytes);
                at += bytes.len();
                12 + 2 * bytes.len() as u8
            }
            _ => return None,
        };
        *buffer.get_mut(1 + i)? = serial;
    }
    buffer.get(..at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_writes_what_the_codec_writes() {
        let mut scratch = Vec::new();
        let mut values: Vec<Value> = (0..63)
            .flat_map(|bit| [1i64 << bit, (1i64 << bit) - 1, -(1i64 << bit), -(1i64 << bit) - 1])
            .map(Value::Integer)
            .collect();
        values.extend([i64::MIN, i64::MAX].map(Value::Integer));
        values.extend([0.0, -0.0, 1.5, 5.0, -7.0, 1e300, 140737488355327.0, 140737488355328.0].map(Value::Real));
        values.extend((0..80).flat_map(|len| [Value::text("t".repeat(len)), Value::blob(vec![1; len])]));
        values.push(Value::Null);
        for affinity in [Affinity::Blob, Affinity::Real] {
            for chunk in values.chunks(7).chain(values.chunks(1)).chain(values.chunks(63)) {
                let affinities = vec![affinity; chunk.len()];
                let mut slow = Vec::new();
                let stored = chunk.iter().map(|value| as_stored(value, Some(&affinity)));
                encode_record_with(stored, TextEncoding::Utf8, true, &mut slow);
                if let Some(fast) = encode_short(chunk, &affinities, &mut scratch) {
                    assert_eq!(fast, slow, "{chunk:?}");
                } else {
                    assert!(slow.len() > 58);
                }
                let mut record = vec![9];
                encode(chunk, &affinities, TextEncoding::Utf8, &mut scratch, &mut record);
                assert_eq!(record[1..], slow);
            }
        }
        assert_eq!(encode_short(&[], &[], &mut scratch), Some(&[1][..]));
    }
}

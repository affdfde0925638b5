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
#[inline]
pub(crate) fn encode(values: &[Value], affinities: &[Affinity], encoding: TextEncoding, out: &mut Vec<u8>) {
    if encoding != TextEncoding::Utf8 || !encode_short(values, affinities, out) {
        let stored = values.iter().enumerate().map(|(i, value)| as_stored(value, affinities.get(i)));
        encode_record_with(stored, encoding, true, out);
    }
}

/// Appends a record in one pass, where its header takes a byte per column and one for its length: short rows of UTF-8
/// databases. False, with nothing appended, for all others.
#[inline]
fn encode_short(values: &[Value], affinities: &[Affinity], out: &mut Vec<u8>) -> bool {
    const LONGEST: usize = 64;
    if values.len() >= LONGEST {
        return false;
    }
    let start = out.len();
    // Enough for numbers; texts ask for more.
    out.reserve(1 + 9 * values.len() + 48);
    out.push(values.len() as u8 + 1);
    let types = out.len();
    out.resize(types + values.len(), 0);
    for (i, value) in values.iter().enumerate() {
        let serial = match as_stored(value, affinities.get(i)) {
            ValueRef::Null => 0,
            ValueRef::Integer(n) if n & 1 == n => 8 + n as u8,
            ValueRef::Integer(n) => {
                let serial = SERIAL_OF_BITS[64 - (n ^ (n >> 63)).leading_zeros() as usize];
                let len = [0, 1, 2, 3, 4, 6, 8][usize::from(serial)];
                // All eight bytes are written and those too many taken back.
                let wide = (n << (64 - 8 * len)).to_be_bytes();
                out.extend_from_slice(&wide);
                out.truncate(out.len() - (8 - len));
                serial
            }
            ValueRef::Real(r) => {
                out.extend_from_slice(&r.to_be_bytes());
                7
            }
            ValueRef::Text(bytes) if bytes.len() < 58 => {
                out.extend_from_slice(bytes);
                13 + 2 * bytes.len() as u8
            }
            ValueRef::Blob(bytes) if bytes.len() < 58 => {
                out.extend_from_slice(bytes);
                12 + 2 * bytes.len() as u8
            }
            _ => {
                out.truncate(start);
                return false;
            }
        };
        out[types + i] = serial;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_writes_what_the_codec_writes() {
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
                let (mut fast, mut slow) = (vec![9], vec![9]);
                let stored = chunk.iter().map(|value| as_stored(value, Some(&affinity)));
                encode_record_with(stored, TextEncoding::Utf8, true, &mut slow);
                if encode_short(chunk, &affinities, &mut fast) {
                    assert_eq!(fast, slow, "{chunk:?}");
                } else {
                    assert_eq!(fast, [9]);
                }
            }
        }
        assert!(encode_short(&[], &[], &mut Vec::new()));
    }
}

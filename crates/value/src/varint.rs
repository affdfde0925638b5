//! The file format's variable-length integers: 1 to 9 bytes, most significant first, seven bits each, eight in the ninth.

/// The longest varint.
pub const MAX_LEN: usize = 9;

/// Reads a varint: its value and length. `None` when the bytes end too early.
#[inline]
pub fn read(bytes: &[u8]) -> Option<(u64, usize)> {
    let &first = bytes.first()?;
    if first < 0x80 {
        return Some((u64::from(first), 1));
    }
    read_long(bytes)
}

fn read_long(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for i in 0..8 {
        let &byte = bytes.get(i)?;
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, i + 1));
        }
    }
    let &last = bytes.get(8)?;
    Some(((value << 8) | u64::from(last), 9))
}

/// The length of a value as varint.
#[inline]
pub const fn len(value: u64) -> usize {
    if value < 0x80 {
        return 1;
    }
    if value >> 56 != 0 {
        return 9;
    }
    (64 - value.leading_zeros() as usize).div_ceil(7)
}

/// Appends a varint.
#[inline]
pub fn write(value: u64, out: &mut Vec<u8>) {
    if value < 0x80 {
        out.push(value as u8);
        return;
    }
    let mut buffer = [0u8; MAX_LEN];
    let n = put(value, &mut buffer);
    out.extend_from_slice(&buffer[..n]);
}

/// Writes a varint at the start of a buffer; its length.
#[inline]
pub fn put(value: u64, out: &mut [u8; MAX_LEN]) -> usize {
    let n = len(value);
    if n == 9 {
        out[8] = value as u8;
        let mut rest = value >> 8;
        for slot in out[..8].iter_mut().rev() {
            *slot = (rest & 0x7f) as u8 | 0x80;
            rest >>= 7;
        }
        return 9;
    }
    let mut rest = value;
    for slot in out[..n].iter_mut().rev() {
        *slot = (rest & 0x7f) as u8 | 0x80;
        rest >>= 7;
    }
    out[n - 1] &= 0x7f;
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: u64, bytes: &[u8]) {
        let mut out = Vec::new();
        write(value, &mut out);
        assert_eq!(out, bytes, "{value:#x}");
        assert_eq!(read(bytes), Some((value, bytes.len())));
        assert_eq!(len(value), bytes.len());
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), None);
        }
    }

    #[test]
    fn known_varints() {
        check(0, &[0]);
        check(127, &[0x7f]);
        check(128, &[0x81, 0]);
        check(0x3fff, &[0xff, 0x7f]);
        check(0x4000, &[0x81, 0x80, 0]);
        check((1 << 56) - 1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
        check(1 << 56, &[0x80, 0xc0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]);
        check(u64::MAX, &[0xff; 9]);
    }

    #[test]
    fn all_lengths_round_trip() {
        for shift in 0..64 {
            for delta in [-1i64, 0, 1] {
                let value = (1u64 << shift).wrapping_add(delta as u64);
                let mut out = Vec::new();
                write(value, &mut out);
                assert_eq!(read(&out), Some((value, out.len())));
            }
        }
    }
}

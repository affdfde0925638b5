//! `base85()`: a blob as text in lines of 80 characters, each with its end, and back; `is_base85()`.
//!
//! Four bytes, a big-endian number, make five digits, the highest first; what is left at the end, one to three bytes, makes
//! one digit more than it has bytes.

use turso_core::functions::Context;
use turso_core::{Error, Result, Value};

/// Bytes that make a line.
const LINE: usize = 64;

/// The character of a digit: `#` to `&`, then `*` to `z`. The characters between them are those that need care in SQL and C.
fn character(digit: u32) -> u8 {
    let digit = digit as u8;
    if digit < 4 { b'#' + digit } else { b'*' + (digit - 4) }
}

fn digit(character: u8) -> Option<u32> {
    match character {
        b'#'..=b'&' => Some(u32::from(character - b'#')),
        b'*'..=b'z' => Some(u32::from(character - b'*') + 4),
        _ => None,
    }
}

/// The function: a blob becomes text, and text what it stands for.
pub fn base85(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args.first() {
        Some(Value::Blob(bytes)) => ctx.text(&encode(bytes)),
        Some(Value::Text(text)) => ctx.blob(&decode(text)),
        _ => Err(Error::sql("base85 accepts only blob or text.")),
    }
}

/// The function: is a text nothing but digits and white space?
pub fn is_base85(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args.first() {
        Some(Value::Text(text)) => {
            ctx.integer(text.iter().all(|c| c.is_ascii_whitespace() || digit(*c).is_some()).into())
        }
        Some(Value::Null) => ctx.null(),
        _ => Err(Error::sql("is_base85 accepts only text or NULL")),
    }
}

fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() / 4 * 5 + bytes.len() / LINE + 8);
    for line in bytes.chunks(LINE) {
        for group in line.chunks(4) {
            let mut number = group.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte));
            let mut digits = [0; 5];
            for place in digits[..=group.len()].iter_mut().rev() {
                *place = character(number % 85);
                number /= 85;
            }
            text.extend_from_slice(&digits[..=group.len()]);
        }
        text.push(b'\n');
    }
    text
}

/// A character that is no digit is passed over, and ends the group that it stands in.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 5 * 4 + 4);
    for run in text.split(|c| digit(*c).is_none()) {
        for group in run.chunks(5) {
            // What is more than the bytes of a group hold is cut off.
            let number = group.iter().filter_map(|c| digit(*c)).fold(0u32, |n, d| n.wrapping_mul(85).wrapping_add(d));
            bytes.extend_from_slice(&number.to_be_bytes()[5 - group.len()..]);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_with_lines_of_80() {
        for (bytes, text) in [
            (&b""[..], &b""[..]),
            (b"\x00", b"##\n"),
            (b"\x01\xfe", b"#,#\n"),
            (b"\xff\xff\xff", b"AA/#\n"),
            (b"\x01\x02\x03\x04\x05", b"#ASD0#+\n"),
        ] {
            assert_eq!((encode(bytes).as_slice(), decode(text).as_slice()), (text, bytes));
        }
        let long: Vec<u8> = (0..=255).cycle().take(200).collect();
        let text = encode(&long);
        assert_eq!(text.split(|c| *c == b'\n').map(<[u8]>::len).collect::<Vec<_>>(), [80, 80, 80, 10, 0]);
        assert_eq!(decode(&text), long);
    }

    #[test]
    fn what_is_no_digit_ends_a_group() {
        assert_eq!(decode(b" ####$ abc"), b"\x00\x00\x00\x01\x95\x4c");
        assert_eq!(decode(b"$$$ $$|zz"), b"\x1c\x8f\x56\x38");
        assert_eq!(decode(b"zzzzz"), b"\x08\x78\x0e\xc4");
        assert_eq!(decode(b"###~#~##"), b"\x00\x00\x00");
    }
}

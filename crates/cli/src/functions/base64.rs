//! `base64()`: a blob as text (RFC 4648) in lines of 72 characters, each with its end, and back.

use turso_core::functions::Context;
use turso_core::{Error, Result, Value};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Bytes that make a line.
const LINE: usize = 54;

/// The function: what is not text becomes text, and text what it stands for.
pub fn base64(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args.first() {
        Some(Value::Blob(bytes)) => ctx.text(&encode(bytes)),
        Some(Value::Text(text)) => ctx.blob(&decode(text)),
        Some(Value::Null) | None => ctx.null(),
        Some(_) => Err(Error::sql("base64 accepts only blob or text")),
    }
}

fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() / 3 * 4 + bytes.len() / LINE + 8);
    for line in bytes.chunks(LINE) {
        for group in line.chunks(3) {
            let word = group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
            for i in 0..4 {
                let digit = DIGITS[(word >> (18 - 6 * i) & 63) as usize];
                text.push(if i <= group.len() { digit } else { b'=' });
            }
        }
        text.push(b'\n');
    }
    text
}

/// As much as is base64: white space is passed over, anything else ends it.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut digits) = (0u32, 0);
    for c in text.iter().filter(|c| !c.is_ascii_whitespace()) {
        let Some(digit) = DIGITS.iter().position(|digit| digit == c) else { break };
        word = word << 6 | digit as u32;
        digits += 1;
        if digits == 4 {
            bytes.extend_from_slice(&word.to_be_bytes()[1..]);
            (word, digits) = (0, 0);
        }
    }
    // Two digits of a last group make one byte, three make two.
    if digits > 1 {
        let rest = (word << (6 * (4 - digits))).to_be_bytes();
        bytes.extend_from_slice(&rest[1..digits]);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_with_lines_of_72() {
        for (bytes, text) in
            [(&b""[..], &b""[..]), (b"f", b"Zg==\n"), (b"fo", b"Zm8=\n"), (b"foo", b"Zm9v\n"), (b"foob", b"Zm9vYg==\n")]
        {
            assert_eq!((encode(bytes).as_slice(), decode(text).as_slice()), (text, bytes));
        }
        let long: Vec<u8> = (0..=255).cycle().take(200).collect();
        let text = encode(&long);
        assert_eq!(text.split(|c| *c == b'\n').map(<[u8]>::len).collect::<Vec<_>>(), [72, 72, 72, 52, 0]);
        assert_eq!(decode(&text), long);
        assert_eq!(decode(b" Zm9v Zg=x "), b"foof");
        assert_eq!(decode(b"Zm9v!Zm9v"), b"foo");
    }
}

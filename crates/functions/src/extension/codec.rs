//! `crypto_encode()` and `crypto_decode()`: bytes as text in five common alphabets.
//!
//! Decoding ignores white space and is otherwise strict: what no encoder writes is an error.

use super::bytes_of;
use crate::context::Context;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use turso_error::{Error, Result};
use turso_value::Value;

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("crypto_encode", Arity::exactly(2), F::PURE, encode),
    FunctionDef::scalar("crypto_decode", Arity::exactly(2), F::PURE, decode),
];

/// An alphabet whose symbols stand for `bits` bits each.
struct Alphabet {
    symbols: &'static [u8],
    bits: u32,
    /// Symbols of a whole group, filled up with `=`; 1 where nothing is filled up.
    group: usize,
}

const HEX: Alphabet = Alphabet { symbols: b"0123456789abcdef", bits: 4, group: 1 };
const BASE32: Alphabet = Alphabet { symbols: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits: 5, group: 8 };
const BASE64: Alphabet =
    Alphabet { symbols: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", bits: 6, group: 4 };

enum Encoding {
    Bits(&'static Alphabet),
    Ascii85,
    Url,
}

fn encoding_of(arg: &Value) -> Result<Encoding> {
    let mut scratch = Vec::new();
    Ok(match arg.text_in(&mut scratch).to_ascii_lowercase().as_slice() {
        b"hex" => Encoding::Bits(&HEX),
        b"base32" => Encoding::Bits(&BASE32),
        b"base64" => Encoding::Bits(&BASE64),
        b"base85" => Encoding::Ascii85,
        b"url" => Encoding::Url,
        _ => return Err(Error::sql("unknown encoding")),
    })
}

fn invalid() -> Error {
    Error::sql("invalid input string")
}

fn encode(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    let Some(bytes) = bytes_of(&args[0], &mut scratch) else { return ctx.null() };
    let encoding = encoding_of(&args[1])?;
    // The longest encoding triples the length.
    ctx.check_length(bytes.len())?;
    let out = ctx.result.text_buffer();
    match encoding {
        Encoding::Bits(alphabet) => encode_bits(alphabet, bytes, out),
        Encoding::Ascii85 => encode_85(bytes, out),
        Encoding::Url => encode_url(bytes, out),
    }
    let len = out.len();
    ctx.check_length(len)
}

fn decode(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    let Some(text) = bytes_of(&args[0], &mut scratch) else { return ctx.null() };
    let encoding = encoding_of(&args[1])?;
    let out = ctx.result.blob_buffer();
    match encoding {
        Encoding::Bits(alphabet) => decode_bits(alphabet, text, out)?,
        Encoding::Ascii85 => decode_85(text, out)?,
        Encoding::Url => decode_url(text, out)?,
    }
    let len = out.len();
    ctx.check_length(len)
}

fn encode_bits(alphabet: &Alphabet, bytes: &[u8], out: &mut Vec<u8>) {
    let (mut pending, mut have) = (0u32, 0);
    let mask = (1 << alphabet.bits) - 1;
    let start = out.len();
    for &byte in bytes {
        pending = pending << 8 | u32::from(byte);
        have += 8;
        while have >= alphabet.bits {
            have -= alphabet.bits;
            out.push(alphabet.symbols[(pending >> have & mask) as usize]);
        }
    }
    if have > 0 {
        out.push(alphabet.symbols[(pending << (alphabet.bits - have) & mask) as usize]);
    }
    while !(out.len() - start).is_multiple_of(alphabet.group) {
        out.push(b'=');
    }
}

fn decode_bits(alphabet: &Alphabet, text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let (mut pending, mut have) = (0u32, 0);
    let mut symbols = text.iter().copied().filter(|b| !b.is_ascii_whitespace());
    let mut count = 0usize;
    while let Some(symbol) = symbols.next() {
        if symbol == b'=' && alphabet.group > 1 {
            // Padding fills the group and ends the text.
            let padding =
                1 + symbols.by_ref().try_fold(0, |n, b| if b == b'=' { Ok(n + 1) } else { Err(invalid()) })?;
            if !(count + padding).is_multiple_of(alphabet.group) || padding >= alphabet.group {
                return Err(invalid());
            }
            break;
        }
        // Where letters stand for themselves in one case only, the other case is accepted too.
        let at = alphabet
            .symbols
            .iter()
            .position(|s| if alphabet.bits == 6 { *s == symbol } else { s.eq_ignore_ascii_case(&symbol) });
        let value = at.ok_or_else(invalid)? as u32;
        count += 1;
        pending = (pending << alphabet.bits | value) & 0xffff;
        have += alphabet.bits;
        if have >= 8 {
            have -= 8;
            out.push((pending >> have) as u8);
        }
    }
    // A rest of a whole symbol or more cannot come from bytes.
    if have >= alphabet.bits { Err(invalid()) } else { Ok(()) }
}

/// Ascii85: four bytes as five symbols from `!`, four zeros as `z`.
fn encode_85(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.chunks(4) {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        let mut number = u32::from_be_bytes(word);
        if number == 0 && chunk.len() == 4 {
            out.push(b'z');
            continue;
        }
        let mut symbols = [0; 5];
        for symbol in symbols.iter_mut().rev() {
            *symbol = b'!' + (number % 85) as u8;
            number /= 85;
        }
        out.extend_from_slice(&symbols[..=chunk.len()]);
    }
}

fn decode_85(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut group = [0u8; 5];
    let mut have = 0;
    for &symbol in text.iter().filter(|b| !b.is_ascii_whitespace()) {
        match symbol {
            b'z' if have == 0 => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => {
                group[have] = symbol - b'!';
                have += 1;
                if have == 5 {
                    out.extend_from_slice(&word_of(group)?);
                    have = 0;
                }
            }
            _ => return Err(invalid()),
        }
    }
    match have {
        0 => Ok(()),
        1 => Err(invalid()),
        _ => {
            group[have..].fill(84);
            out.extend_from_slice(&word_of(group)?[..have - 1]);
            Ok(())
        }
    }
}

fn word_of(group: [u8; 5]) -> Result<[u8; 4]> {
    let number = group.iter().fold(0u64, |n, &digit| n * 85 + u64::from(digit));
    Ok(u32::try_from(number).map_err(|_| invalid())?.to_be_bytes())
}

fn encode_url(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            let digit = |n: u8| b"0123456789ABCDEF"[usize::from(n)];
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

fn decode_url(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let digit = |b: Option<&u8>| b.and_then(|&b| char::from(b).to_digit(16)).ok_or_else(invalid);
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        out.push(match byte {
            b'%' => (digit(bytes.next())? << 4 | digit(bytes.next())?) as u8,
            b'+' => b' ',
            other => other,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::support::{call, check, t};
    use turso_value::Value;

    #[test]
    fn known_encodings() {
        for (bytes, encoding, text) in [
            (&b"abc"[..], "hex", "616263"),
            (b"abc", "base32", "MFRGG==="),
            (b"abcde", "base32", "MFRGGZDF"),
            (b"abcd", "base64", "YWJjZA=="),
            (b"abc", "base64", "YWJj"),
            (b"abcd", "base85", "@:E_W"),
            (b"abc", "base85", "@:E^"),
            (b"\0\0\0\0\0", "base85", "z!!"),
            (b"a b/\xc3\xbc", "url", "a%20b%2F%C3%BC"),
            (b"", "base64", ""),
        ] {
            check("crypto_encode", &[Value::blob(bytes), t(encoding)], text);
            check("crypto_decode", &[t(text), t(encoding)], Value::blob(bytes));
        }
        check("crypto_encode", &[Value::Null, t("hex")], Value::Null);
        check("crypto_encode", &[t("x"), t("rot13")], "unknown encoding");
        check("crypto_encode", &[Value::Integer(5), t("hex")], "35");
    }

    #[test]
    fn what_no_encoder_writes_is_refused() {
        for (text, encoding) in [
            ("61626", "hex"),
            ("zz", "hex"),
            ("!!", "base64"),
            ("A", "base64"),
            ("YQ=", "base64"),
            ("YWJj====", "base64"),
            ("A", "base32"),
            ("%zz", "url"),
            ("%4", "url"),
            ("~~~", "base85"),
            ("!", "base85"),
            ("uuuuu", "base85"),
        ] {
            check("crypto_decode", &[t(text), t(encoding)], "invalid input string");
        }
        check("crypto_decode", &[t("MFRGG"), t("BASE32")], Value::blob(*b"abc"));
        check("crypto_decode", &[t("YWJj ZA\n=="), t("base64")], Value::blob(*b"abcd"));
    }

    #[test]
    fn every_length_returns() {
        for len in 0..40u8 {
            let bytes = Value::Blob((0..len).map(|i| i.wrapping_mul(37).wrapping_add(len)).collect());
            for encoding in ["hex", "base32", "base64", "base85", "url"] {
                let text = call("crypto_encode", &[bytes.clone(), t(encoding)]);
                check("crypto_decode", &[text, t(encoding)], bytes.clone());
            }
        }
    }
}

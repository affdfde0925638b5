//! `[1, -2.5, 3e1]`: vectors as text.

use std::io::Write;
use std::str::FromStr;

use turso_error::{Error, Result, ResultCode};
use turso_simd::Element;

use super::format::{Format, View, bit, sparse_elements};

/// Text as a vector of `f32`, as a blob.
pub(super) fn parse_f32(text: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 2);
    parse(text, |x: f32| {
        out.extend_from_slice(&x.to_le_bytes());
        x.is_finite()
    })?;
    Ok(out)
}

/// Text as a vector of `f64`, as a blob.
pub(super) fn parse_f64(text: &[u8], out: &mut Vec<u8>) -> Result<()> {
    parse(text, |x: f64| {
        out.extend_from_slice(&x.to_le_bytes());
        x.is_finite()
    })?;
    out.extend(Format::F64.type_byte());
    Ok(())
}

/// Hands each number to `take`, which says whether it is one that a vector may have.
fn parse<T: FromStr>(text: &[u8], mut take: impl FnMut(T) -> bool) -> Result<()> {
    let inside = text.trim_ascii().strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    let inside = inside.ok_or_else(|| Error::sql("Invalid vector value"))?.trim_ascii();
    if inside.is_empty() {
        return Ok(());
    }
    for word in inside.split(|byte| *byte == b',') {
        let word = word.trim_ascii();
        // Words like "nan" and "infinity" are numbers to the standard library.
        let plain = word.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let number = std::str::from_utf8(word).ok().filter(|_| plain).and_then(|word| word.parse().ok());
        if !number.is_some_and(&mut take) {
            return Err(Error::sql("Invalid vector value"));
        }
    }
    Ok(())
}

/// Write the vector with all its dimensions, each number in the shortest form that reads back as the same.
pub(super) fn print(view: View<'_>, longest: usize, out: &mut Vec<u8>) -> Result<()> {
    // A sparse blob of a few bytes may stand for billions of zeros.
    if view.dims() > longest / 2 {
        return Err(Error::from_code(ResultCode::TOOBIG));
    }
    out.push(b'[');
    match view {
        View::Dense { element: Element::F32, data } => {
            list(out, data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)));
        }
        View::Dense { element: Element::F64, data } => {
            list(out, data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)));
        }
        View::Dense { element: Element::Quantized { scale, offset }, data } => {
            list(out, data.iter().map(|q| f32::from(*q) * scale + offset));
        }
        View::Bits { dims, data } => list(out, (0..dims).map(|i| if bit(data, i) { 1 } else { -1 })),
        View::Sparse { dims, values, indices } => {
            let mut elements = sparse_elements(values, indices).peekable();
            list(out, (0..dims).map(|i| elements.next_if(|(at, _)| *at == i).map_or(0.0, |(_, value)| value)));
        }
    }
    out.push(b']');
    Ok(())
}

fn list<T: std::fmt::Display>(out: &mut Vec<u8>, numbers: impl Iterator<Item = T>) {
    for (i, number) in numbers.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        // Writing to memory cannot fail.
        let _ = write!(out, "{number}");
    }
}

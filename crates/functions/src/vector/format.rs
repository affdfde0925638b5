//! The blob formats. Everything is little-endian; `d` is the number of dimensions.
//!
//! | format        | bytes                                                                      | last byte            |
//! |---------------|----------------------------------------------------------------------------|----------------------|
//! | `f32`         | `d` × f32, and nothing behind them                                         | any: the length is even; an odd length ends in `0x01` |
//! | `f64`         | `d` × f64                                                                  | `0x02`               |
//! | one bit       | ⌈d/8⌉ bytes, lowest bit first; a zero byte if that is an even number; how many bits before this byte are unused | `0x03` |
//! | bytes         | `d` × q, zeros up to a multiple of 4; `alpha`, `shift` as f32; `0x00`; how many zeros | `0x04`     |
//! | sparse `f32`  | n × f32; n × u32 ascending indices; `d` as u32                             | `0x09`               |

use turso_error::{Error, Result};
use turso_simd::Element;

/// A format to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    F32,
    F64,
    Bits,
    Bytes,
    Sparse,
}

impl Format {
    /// The byte behind the content.
    pub const fn type_byte(self) -> Option<u8> {
        match self {
            Format::F32 => None,
            Format::F64 => Some(2),
            Format::Bits => Some(3),
            Format::Bytes => Some(4),
            Format::Sparse => Some(9),
        }
    }
}

/// A blob that has been looked at: its parts fit together.
#[derive(Debug, Clone, Copy)]
pub(super) enum View<'a> {
    /// One element after the other.
    Dense { element: Element, data: &'a [u8] },
    /// One bit per dimension; bits behind the last are not looked at.
    Bits { dims: usize, data: &'a [u8] },
    /// The elements that are not 0. Indices ascend and are below `dims`.
    Sparse { dims: u32, values: &'a [u8], indices: &'a [u8] },
}

#[cold]
fn invalid_value() -> Error {
    Error::sql("Invalid vector value")
}

/// A little-endian number at the end of some bytes, and what is before it.
fn split_last_u32(bytes: &[u8]) -> Result<(&[u8], u32)> {
    let (rest, last) = bytes.split_last_chunk().ok_or_else(invalid_value)?;
    Ok((rest, u32::from_le_bytes(*last)))
}

impl<'a> View<'a> {
    /// Tell what the blob is and check that it is whole.
    #[inline]
    pub fn of(blob: &'a [u8]) -> Result<Self> {
        if blob.len().is_multiple_of(4) {
            return Ok(View::Dense { element: Element::F32, data: blob });
        }
        Self::of_other(blob)
    }

    fn of_other(blob: &'a [u8]) -> Result<Self> {
        if blob.len().is_multiple_of(2) {
            return Err(invalid_value());
        }
        let Some((type_byte, content)) = blob.split_last() else { return Err(invalid_value()) };
        match type_byte {
            1 => Self::dense(Element::F32, content),
            2 => Self::dense(Element::F64, content),
            3 => Self::bits(content),
            4 => Self::bytes(content),
            5 | 6 => Err(Error::sql("unsupported vector type from LibSQL")),
            9 => Self::sparse(content),
            _ => Err(Error::sql("Invalid vector type")),
        }
    }

    fn dense(element: Element, data: &'a [u8]) -> Result<Self> {
        if data.len().is_multiple_of(element.size()) { Ok(View::Dense { element, data }) } else { Err(invalid_value()) }
    }

    fn bits(content: &'a [u8]) -> Result<Self> {
        let Some((&unused, data)) = content.split_last() else { return Err(invalid_value()) };
        let dims = (8 * data.len()).checked_sub(usize::from(unused)).filter(|d| *d > 0).ok_or_else(invalid_value)?;
        let data = data.get(..dims.div_ceil(8)).ok_or_else(invalid_value)?;
        Ok(View::Bits { dims, data })
    }

    fn bytes(content: &'a [u8]) -> Result<Self> {
        let Some((rest, [0, unused])) = content.split_last_chunk::<2>() else { return Err(invalid_value()) };
        let (rest, shift) = split_last_u32(rest)?;
        let (data, alpha) = split_last_u32(rest)?;
        let dims = data.len().checked_sub(usize::from(*unused)).ok_or_else(invalid_value)?;
        if *unused > 3 || !data.len().is_multiple_of(4) {
            return Err(invalid_value());
        }
        let element = Element::Quantized { scale: f32::from_bits(alpha), offset: f32::from_bits(shift) };
        Ok(View::Dense { element, data: data.get(..dims).unwrap_or(data) })
    }

    fn sparse(content: &'a [u8]) -> Result<Self> {
        let (rest, dims) = split_last_u32(content)?;
        if !rest.len().is_multiple_of(8) {
            return Err(invalid_value());
        }
        let (values, indices) = rest.split_at(rest.len() / 2);
        let numbers = || indices.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b));
        let ascending = numbers().zip(numbers().skip(1)).all(|(a, b)| a < b);
        if !ascending || numbers().next_back().is_some_and(|last| last >= dims) {
            return Err(invalid_value());
        }
        Ok(View::Sparse { dims, values, indices })
    }

    /// How many dimensions.
    #[inline]
    pub fn dims(self) -> usize {
        match self {
            View::Dense { element, data } => data.len() / element.size(),
            View::Bits { dims, .. } => dims,
            View::Sparse { dims, .. } => dims as usize,
        }
    }

    /// The format that it is in.
    #[inline]
    pub fn format(self) -> Format {
        match self {
            View::Dense { element: Element::F32, .. } => Format::F32,
            View::Dense { element: Element::F64, .. } => Format::F64,
            View::Dense { element: Element::Quantized { .. }, .. } => Format::Bytes,
            View::Bits { .. } => Format::Bits,
            View::Sparse { .. } => Format::Sparse,
        }
    }
}

/// Index and value of each element of a sparse vector.
pub(super) fn sparse_elements<'a>(values: &'a [u8], indices: &'a [u8]) -> impl Iterator<Item = (u32, f32)> + 'a {
    let values = values.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    indices.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).zip(values)
}

/// Whether a bit is set.
pub(super) fn bit(data: &[u8], index: usize) -> bool {
    data.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

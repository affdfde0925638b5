//! From one format to another, concatenation, slices.

use turso_error::{Error, Result, ResultCode};
use turso_simd::Element;

use super::format::{Format, View, bit, sparse_elements};

/// All elements of a vector, the zeros of a sparse one too. The caller has bounded their number.
fn elements(view: View<'_>, mut each: impl FnMut(f64)) {
    match view {
        View::Dense { element: Element::F32, data } => {
            data.as_chunks().0.iter().for_each(|b| each(f64::from(f32::from_le_bytes(*b))));
        }
        View::Dense { element: Element::F64, data } => {
            data.as_chunks().0.iter().for_each(|b| each(f64::from_le_bytes(*b)));
        }
        View::Dense { element: Element::Quantized { scale, offset }, data } => {
            data.iter().for_each(|q| each(f64::from(f32::from(*q) * scale + offset)));
        }
        View::Bits { dims, data } => (0..dims).for_each(|i| each(if bit(data, i) { 1.0 } else { -1.0 })),
        View::Sparse { dims, values, indices } => {
            let mut stored = sparse_elements(values, indices).peekable();
            for i in 0..dims {
                each(stored.next_if(|(at, _)| *at == i).map_or(0.0, |(_, value)| f64::from(value)));
            }
        }
    }
}

/// Write the vector in another format. `longest`: bytes that a blob may have.
pub(super) fn convert(view: View<'_>, to: Format, longest: usize, out: &mut Vec<u8>) -> Result<()> {
    let dims = view.dims();
    let bytes_per_element = match to {
        Format::F32 => 4,
        Format::F64 => 8,
        Format::Bytes => 1,
        Format::Bits | Format::Sparse => 0,
    };
    // A sparse blob of a few bytes may stand for billions of zeros; what is not dense is bounded by its own length.
    let bits = if to == Format::Bits { dims / 8 } else { 0 };
    if dims.saturating_mul(bytes_per_element).max(bits) > longest {
        return Err(Error::from_code(ResultCode::TOOBIG));
    }
    match (view, to) {
        (View::Dense { data, .. }, Format::F32 | Format::F64) if view.format() == to => {
            out.extend_from_slice(data);
            out.extend(to.type_byte());
        }
        (_, Format::F32) => elements(view, |x| out.extend_from_slice(&(x as f32).to_le_bytes())),
        (_, Format::F64) => {
            elements(view, |x| out.extend_from_slice(&x.to_le_bytes()));
            out.extend(to.type_byte());
        }
        (View::Dense { element: Element::Quantized { scale, offset }, data }, Format::Bytes) => {
            out.extend_from_slice(data);
            finish_bytes(out, scale, offset);
        }
        (_, Format::Bytes) => to_bytes(view, out),
        (_, Format::Bits) => to_bits(view, out)?,
        (View::Sparse { dims, values, indices }, Format::Sparse) => write_sparse(values, indices, dims, out),
        (_, Format::Sparse) => to_sparse(view, out)?,
    }
    Ok(())
}

/// The quantized bytes are written; now what stands behind them.
fn finish_bytes(out: &mut Vec<u8>, scale: f32, offset: f32) {
    let unused = out.len().next_multiple_of(4) - out.len();
    out.resize(out.len() + unused, 0);
    out.extend_from_slice(&scale.to_le_bytes());
    out.extend_from_slice(&offset.to_le_bytes());
    out.extend([0, unused as u8]);
    out.extend(Format::Bytes.type_byte());
}

fn to_bytes(view: View<'_>, out: &mut Vec<u8>) {
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    elements(view, |x| {
        low = low.min(x as f32);
        high = high.max(x as f32);
    });
    let offset = if low.is_finite() { low } else { 0.0 };
    let range = high - offset;
    // (The difference of two finite numbers may be beyond the finite ones.)
    let scale = match (high.is_finite(), range.is_finite()) {
        (false, _) => 0.0,
        (true, true) => range / 255.0,
        (true, false) => high / 255.0 - offset / 255.0,
    };
    elements(view, |x| {
        let steps = if scale == 0.0 { 0.0 } else { (x as f32 - offset) / scale };
        // The conversion takes NaN to 0 and what is too large to 255.
        out.push((steps + 0.5) as u8);
    });
    finish_bytes(out, scale, offset);
}

fn to_bits(view: View<'_>, out: &mut Vec<u8>) -> Result<()> {
    let dims = view.dims();
    if dims == 0 {
        return Err(Error::sql("empty vector not supported for this type"));
    }
    let mut i = 0;
    elements(view, |x| {
        if i % 8 == 0 {
            out.push(0);
        }
        if let Some(last) = out.last_mut().filter(|_| x > 0.0) {
            *last |= 1 << (i % 8);
        }
        i += 1;
    });
    if out.len().is_multiple_of(2) {
        out.push(0);
    }
    out.push((8 * out.len() - dims) as u8);
    out.extend(Format::Bits.type_byte());
    Ok(())
}

fn write_sparse(values: &[u8], indices: &[u8], dims: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(values);
    out.extend_from_slice(indices);
    out.extend_from_slice(&dims.to_le_bytes());
    out.extend(Format::Sparse.type_byte());
}

fn to_sparse(view: View<'_>, out: &mut Vec<u8>) -> Result<()> {
    let dims = u32::try_from(view.dims()).map_err(|_| Error::from_code(ResultCode::TOOBIG))?;
    let (mut values, mut indices) = (Vec::new(), Vec::new());
    let mut i = 0u32;
    elements(view, |x| {
        if x != 0.0 {
            values.extend_from_slice(&(x as f32).to_le_bytes());
            indices.extend_from_slice(&i.to_le_bytes());
        }
        i = i.wrapping_add(1);
    });
    write_sparse(&values, &indices, dims, out);
    Ok(())
}

/// One vector behind the other.
pub(super) fn concat(a: View<'_>, b: View<'_>, out: &mut Vec<u8>) -> Result<()> {
    match (a, b) {
        _ if a.format() != b.format() => Err(Error::sql("Mismatched vector types")),
        _ if matches!(a.format(), Format::Bits | Format::Bytes) => {
            Err(Error::sql("vector_concat is not supported for float1bit/ float8 vectors"))
        }
        (View::Dense { data: a_data, .. }, View::Dense { data: b_data, .. }) => {
            out.extend_from_slice(a_data);
            out.extend_from_slice(b_data);
            out.extend(a.format().type_byte());
            Ok(())
        }
        (
            View::Sparse { dims, values, indices },
            View::Sparse { dims: b_dims, values: b_values, indices: b_indices },
        ) => {
            let all = dims.checked_add(b_dims).ok_or_else(|| Error::from_code(ResultCode::TOOBIG))?;
            out.extend_from_slice(values);
            out.extend_from_slice(b_values);
            out.extend_from_slice(indices);
            // The second vector's dimensions come behind the first one's.
            out.extend(sparse_elements(b_values, b_indices).flat_map(|(i, _)| (i + dims).to_le_bytes()));
            out.extend_from_slice(&all.to_le_bytes());
            out.extend(Format::Sparse.type_byte());
            Ok(())
        }
        _ => Err(Error::sql("Mismatched vector types")),
    }
}

/// The dimensions from `start` up to and without `end`.
pub(super) fn slice(view: View<'_>, start: usize, end: usize, out: &mut Vec<u8>) -> Result<()> {
    if start > end {
        return Err(Error::sql("start index must not be greater than end index"));
    }
    if end > view.dims() {
        return Err(Error::sql("vector_slice range out of bounds"));
    }
    match view {
        View::Dense { element, data } if view.format() != Format::Bytes => {
            let size = element.size();
            out.extend_from_slice(data.get(start * size..end * size).unwrap_or(&[]));
            out.extend(view.format().type_byte());
            Ok(())
        }
        View::Sparse { values, indices, .. } => {
            let inside = |(i, _): &(u32, f32)| (start..end).contains(&(*i as usize));
            let elements = || sparse_elements(values, indices).filter(inside);
            out.extend(elements().flat_map(|(_, value)| value.to_le_bytes()));
            out.extend(elements().flat_map(|(i, _)| (i - start as u32).to_le_bytes()));
            out.extend_from_slice(&((end - start) as u32).to_le_bytes());
            out.extend(Format::Sparse.type_byte());
            Ok(())
        }
        _ => Err(Error::sql("vector_slice is not supported for float1bit/ float8 vectors")),
    }
}

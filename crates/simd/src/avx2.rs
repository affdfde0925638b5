//! The sums with AVX2 and FMA.
//!
//! Written with the instructions' own names: what the compiler makes of plain loops over lanes took four times as long
//! (pairs of elements, put together one by one). `unsafe` is only in the loads, which read an array that they borrow.

use std::arch::x86_64::*;

use crate::element::{Element, Read, ReadF32, ReadF64, ReadQuantized, Stored};
use crate::sums::{Dot, DotAndNorm, MinimaAndMaxima, Pair, SquaredDistance, Sum, Sums};

/// Elements of a register.
const WIDTH: usize = 4;
/// Registers that are added to in turn, so that none waits for the one before.
const CHAINS: usize = 4;

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_other(numbers: &[f64; WIDTH]) -> __m256d {
    // SAFETY: 32 bytes are read, which the array has; the instruction asks for no alignment.
    unsafe { _mm256_loadu_pd(numbers.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_f32(bytes: &[u8; 16], _: ReadF32) -> __m256d {
    // SAFETY: 16 bytes are read, which the array has; the instruction asks for no alignment.
    _mm256_cvtps_pd(unsafe { _mm_loadu_ps(bytes.as_ptr().cast()) })
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_f64(bytes: &[u8; 32], _: ReadF64) -> __m256d {
    // SAFETY: 32 bytes are read, which the array has; the instruction asks for no alignment.
    unsafe { _mm256_loadu_pd(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_quantized(bytes: &[u8; 4], read: ReadQuantized) -> __m256d {
    let steps = _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(i32::from_le_bytes(*bytes))));
    // Two roundings, as where one element is read.
    _mm256_cvtps_pd(_mm_add_ps(_mm_mul_ps(steps, _mm_set1_ps(read.scale)), _mm_set1_ps(read.offset)))
}

type Lanes = [__m256d; 2];

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_dot(x: __m256d, y: __m256d, [first, second]: Lanes) -> Lanes {
    [_mm256_fmadd_pd(x, y, first), second]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_dot_and_norm(x: __m256d, y: __m256d, [first, second]: Lanes) -> Lanes {
    [_mm256_fmadd_pd(x, y, first), _mm256_fmadd_pd(x, x, second)]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_squared_distance(x: __m256d, y: __m256d, [first, second]: Lanes) -> Lanes {
    let difference = _mm256_sub_pd(x, y);
    [_mm256_fmadd_pd(difference, difference, first), second]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add_minima_and_maxima(x: __m256d, y: __m256d, [first, second]: Lanes) -> Lanes {
    // Each answers its right operand where one is NaN: a NaN on either side is seen in one of the sums.
    [_mm256_add_pd(first, _mm256_min_pd(x, y)), _mm256_add_pd(second, _mm256_max_pd(y, x))]
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn fold(lanes: __m256d) -> f64 {
    let pairs = _mm_add_pd(_mm256_castpd256_pd128(lanes), _mm256_extractf128_pd::<1>(lanes));
    _mm_cvtsd_f64(_mm_add_sd(pairs, _mm_unpackhi_pd(pairs, pairs)))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn add(x: __m256d, y: __m256d) -> __m256d {
    _mm256_add_pd(x, y)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn zero() -> __m256d {
    _mm256_setzero_pd()
}

/// Bytes of a cache line.
const LINE: usize = 64;

/// Ask for `len` bytes of `ahead` from `at` on.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn fetch(ahead: &[u8], at: usize, len: usize) {
    for line in 0..len.div_ceil(LINE) {
        // A hint: it reads nothing, and no address is wrong.
        _mm_prefetch::<_MM_HINT_T0>(ahead.as_ptr().wrapping_add(at + line * LINE).cast());
    }
}

/// One function for an element and a sum.
macro_rules! kernel {
    ($name:ident: $read:ty, $load:ident, $sum:ty, $add:ident) => {
        #[target_feature(enable = "avx2,fma")]
        fn $name(rows: &[Stored<'_>], other: &[f64], out: &mut [Pair]) {
            const BYTES: usize = WIDTH * <$read>::SIZE;
            let (other, other_rest) = other.as_chunks::<WIDTH>();
            let (other_blocks, other) = other.as_chunks::<CHAINS>();
            for (row, out) in rows.iter().zip(out) {
                let (read, ahead) = (<$read>::of(row.element), row.ahead);
                let (stored, stored_rest) = row.bytes.as_chunks::<BYTES>();
                let (stored_blocks, stored) = stored.as_chunks::<CHAINS>();
                let mut sums = [[zero(); 2]; CHAINS];
                for (block, (x, y)) in stored_blocks.iter().zip(other_blocks).enumerate() {
                    fetch(ahead, block * CHAINS * BYTES, CHAINS * BYTES);
                    for chain in 0..CHAINS {
                        sums[chain] = $add($load(&x[chain], read), load_other(&y[chain]), sums[chain]);
                    }
                }
                // (The last line of one that does not begin with a line.)
                fetch(ahead, stored_blocks.len() * CHAINS * BYTES, LINE);
                let [mut sums, b, c, d] = sums;
                for (x, y) in stored.iter().zip(other) {
                    sums = $add($load(x, read), load_other(y), sums);
                }
                let mut all = [0.0; 2];
                for (i, sum) in all.iter_mut().enumerate() {
                    *sum = fold(add(add(sums[i], b[i]), add(c[i], d[i])));
                }
                for (bytes, y) in stored_rest.chunks_exact(<$read>::SIZE).zip(other_rest) {
                    all = <$sum>::add(read.one(bytes), *y, all);
                }
                *out = Pair { first: all[0], second: all[1] };
            }
        }
    };
}

kernel!(f32_dot: ReadF32, load_f32, Dot, add_dot);
kernel!(f32_dot_and_norm: ReadF32, load_f32, DotAndNorm, add_dot_and_norm);
kernel!(f32_squared_distance: ReadF32, load_f32, SquaredDistance, add_squared_distance);
kernel!(f32_minima_and_maxima: ReadF32, load_f32, MinimaAndMaxima, add_minima_and_maxima);
kernel!(f64_dot: ReadF64, load_f64, Dot, add_dot);
kernel!(f64_dot_and_norm: ReadF64, load_f64, DotAndNorm, add_dot_and_norm);
kernel!(f64_squared_distance: ReadF64, load_f64, SquaredDistance, add_squared_distance);
kernel!(f64_minima_and_maxima: ReadF64, load_f64, MinimaAndMaxima, add_minima_and_maxima);
kernel!(quantized_dot: ReadQuantized, load_quantized, Dot, add_dot);
kernel!(quantized_dot_and_norm: ReadQuantized, load_quantized, DotAndNorm, add_dot_and_norm);
kernel!(quantized_squared_distance: ReadQuantized, load_quantized, SquaredDistance, add_squared_distance);
kernel!(quantized_minima_and_maxima: ReadQuantized, load_quantized, MinimaAndMaxima, add_minima_and_maxima);

/// Walk the vectors.
#[target_feature(enable = "avx2,fma")]
pub(crate) fn walk(sums: Sums, rows: &[Stored<'_>], other: &[f64], out: &mut [Pair]) {
    let Some(first) = rows.first() else { return };
    match (first.element, sums) {
        (Element::F32, Sums::Dot) => f32_dot(rows, other, out),
        (Element::F32, Sums::DotAndNorm) => f32_dot_and_norm(rows, other, out),
        (Element::F32, Sums::SquaredDistance) => f32_squared_distance(rows, other, out),
        (Element::F32, Sums::MinimaAndMaxima) => f32_minima_and_maxima(rows, other, out),
        (Element::F64, Sums::Dot) => f64_dot(rows, other, out),
        (Element::F64, Sums::DotAndNorm) => f64_dot_and_norm(rows, other, out),
        (Element::F64, Sums::SquaredDistance) => f64_squared_distance(rows, other, out),
        (Element::F64, Sums::MinimaAndMaxima) => f64_minima_and_maxima(rows, other, out),
        (Element::Quantized { .. }, Sums::Dot) => quantized_dot(rows, other, out),
        (Element::Quantized { .. }, Sums::DotAndNorm) => quantized_dot_and_norm(rows, other, out),
        (Element::Quantized { .. }, Sums::SquaredDistance) => quantized_squared_distance(rows, other, out),
        (Element::Quantized { .. }, Sums::MinimaAndMaxima) => quantized_minima_and_maxima(rows, other, out),
    }
}

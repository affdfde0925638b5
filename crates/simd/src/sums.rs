//! The sums over elements.
//!
//! `stored` and `other` are walked together as far as both go; callers have made sure that they are equally long.

use crate::element::{Element, LANES, Read, ReadF32, ReadF64, ReadQuantized, Stored};

/// Two sums of one walk.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Pair {
    /// The first.
    pub first: f64,
    /// The second.
    pub second: f64,
}

/// The sums of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sums {
    /// Of products.
    Dot,
    /// Of products, and of the squares of the stored vector.
    DotAndNorm,
    /// Of squares of differences.
    SquaredDistance,
    /// Of the smaller ones of each pair, and of the greater ones.
    MinimaAndMaxima,
}

/// What one pair of elements adds to the two sums.
pub(crate) trait Sum {
    fn add(x: f64, y: f64, sums: [f64; 2]) -> [f64; 2];
}

macro_rules! sum {
    ($name:ident, |$x:ident, $y:ident, $first:ident, $second:ident| $sums:expr) => {
        pub(crate) struct $name;
        impl Sum for $name {
            #[inline(always)]
            fn add($x: f64, $y: f64, [$first, $second]: [f64; 2]) -> [f64; 2] {
                $sums
            }
        }
    };
}

sum!(Dot, |x, y, first, second| [first + x * y, second]);
sum!(DotAndNorm, |x, y, first, second| [first + x * y, second + x * x]);
sum!(SquaredDistance, |x, y, first, second| [first + (x - y) * (x - y), second]);
// A NaN on either side is seen in one of the sums.
sum!(MinimaAndMaxima, |x, y, first, second| [first + if x < y { x } else { y }, second + if y > x { y } else { x }]);

/// The walk on any processor.
fn walk_portably<R: Read, S: Sum>(read: R, stored: &[u8], other: &[f64]) -> Pair {
    let mut lanes = [[0.0; 2]; LANES];
    let mut blocks = stored.chunks_exact(LANES * R::SIZE);
    let (others, other_rest) = other.as_chunks::<LANES>();
    for (bytes, y) in blocks.by_ref().zip(others) {
        for (lane, (x, y)) in lanes.iter_mut().zip(bytes.chunks_exact(R::SIZE).zip(y)) {
            *lane = S::add(read.one(x), *y, *lane);
        }
    }
    let mut all = lanes.into_iter().fold([0.0; 2], |all, lane| [all[0] + lane[0], all[1] + lane[1]]);
    for (x, y) in blocks.remainder().chunks_exact(R::SIZE).zip(other_rest) {
        all = S::add(read.one(x), *y, all);
    }
    Pair { first: all[0], second: all[1] }
}

fn portably<S: Sum>(stored: Stored<'_>, other: &[f64]) -> Pair {
    match stored.element {
        Element::F32 => walk_portably::<_, S>(ReadF32, stored.bytes, other),
        Element::F64 => walk_portably::<_, S>(ReadF64, stored.bytes, other),
        Element::Quantized { scale, offset } => {
            walk_portably::<_, S>(ReadQuantized { scale, offset }, stored.bytes, other)
        }
    }
}

/// Walks stored vectors, all of whose elements are stored alike (but for the scales and offsets of quantized ones), as far as
/// `out` has places. That the next vector is begun before the sums of the last one are there is what makes it faster than a call
/// for each.
#[inline]
pub fn walk_all(sums: Sums, rows: &[Stored<'_>], other: &[f64], out: &mut [Pair]) {
    #[cfg(target_arch = "x86_64")]
    if crate::dispatch::has_wide() {
        // SAFETY: `has_wide` has just seen every feature that the function is compiled for.
        return unsafe { crate::avx2::walk(sums, rows, other, out) };
    }
    for (row, out) in rows.iter().zip(out) {
        *out = match sums {
            Sums::Dot => portably::<Dot>(*row, other),
            Sums::DotAndNorm => portably::<DotAndNorm>(*row, other),
            Sums::SquaredDistance => portably::<SquaredDistance>(*row, other),
            Sums::MinimaAndMaxima => portably::<MinimaAndMaxima>(*row, other),
        };
    }
}

#[inline]
fn walk(sums: Sums, stored: Stored<'_>, other: &[f64]) -> Pair {
    let mut out = [Pair::default()];
    walk_all(sums, &[stored], other, &mut out);
    let [pair] = out;
    pair
}

/// The sum of products.
pub fn dot(stored: Stored<'_>, other: &[f64]) -> f64 {
    walk(Sums::Dot, stored, other).first
}

/// The sum of products, and the sum of squares of the stored vector.
pub fn dot_and_norm(stored: Stored<'_>, other: &[f64]) -> Pair {
    walk(Sums::DotAndNorm, stored, other)
}

/// The sum of squares of differences.
pub fn distance_squared(stored: Stored<'_>, other: &[f64]) -> f64 {
    walk(Sums::SquaredDistance, stored, other).first
}

/// The sum of the smaller ones and the sum of the greater ones of each pair.
pub fn minima_and_maxima(stored: Stored<'_>, other: &[f64]) -> Pair {
    walk(Sums::MinimaAndMaxima, stored, other)
}

/// The sum of squares.
pub fn norm_squared(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum()
}

/// The elements, behind those that `out` has already.
pub fn decode(element: Element, stored: &[u8], out: &mut Vec<f64>) {
    match element {
        Element::F32 => out.extend(stored.chunks_exact(4).map(|b| ReadF32.one(b))),
        Element::F64 => out.extend(stored.chunks_exact(8).map(|b| ReadF64.one(b))),
        Element::Quantized { scale, offset } => {
            let read = ReadQuantized { scale, offset };
            out.extend(stored.chunks_exact(1).map(|b| read.one(b)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of either sign, of several magnitudes.
    fn numbers(count: usize, mut seed: u64) -> Vec<f32> {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 33
        };
        (0..count).map(|_| (next() as f32 / 2e8 - 5.0) * [1.0, 1e-3, 100.0][(next() % 3) as usize]).collect()
    }

    #[track_caller]
    fn close(ours: f64, exact: f64, scale: f64) {
        assert!((ours - exact).abs() <= 1e-12 * scale.max(1e-300), "{ours} instead of {exact}");
    }

    #[test]
    fn sums_agree_with_plain_ones_at_every_length_and_address() {
        for len in (0..70).chain([383, 384, 385, 1000]) {
            let (a, b) = (numbers(len, len as u64), numbers(len, 77 + len as u64));
            let other: Vec<f64> = b.iter().map(|x| f64::from(*x)).collect();
            let f32s: Vec<u8> = a.iter().flat_map(|x| x.to_le_bytes()).collect();
            let f64s: Vec<u8> = a.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect();
            let bytes: Vec<u8> = a.iter().map(|x| x.to_bits() as u8).collect();
            let quantized = Element::Quantized { scale: 0.25, offset: -3.0 };
            let meant: Vec<f64> = bytes.iter().map(|q| f64::from(*q) * 0.25 - 3.0).collect();
            let wide: Vec<f64> = a.iter().map(|x| f64::from(*x)).collect();
            for (element, stored, x) in
                [(Element::F32, &f32s, &wide), (Element::F64, &f64s, &wide), (quantized, &bytes, &meant)]
            {
                for shift in 0..3 {
                    let moved: Vec<u8> = std::iter::repeat_n(0, shift).chain(stored.iter().copied()).collect();
                    let stored = &moved[shift..];
                    let vector = Stored::new(element, stored);
                    let pairs = || x.iter().zip(&other);
                    let scale: f64 = pairs().map(|(x, y)| (x * y).abs() + x * x + y * y).sum();
                    let products: f64 = pairs().map(|(x, y)| x * y).sum();
                    close(dot(vector, &other), products, scale);
                    let both = dot_and_norm(vector, &other);
                    close(both.first, products, scale);
                    close(both.second, x.iter().map(|x| x * x).sum(), scale);
                    close(distance_squared(vector, &other), pairs().map(|(x, y)| (x - y) * (x - y)).sum(), scale);
                    let both = minima_and_maxima(vector, &other);
                    close(both.first, pairs().map(|(x, y)| x.min(*y)).sum(), scale);
                    close(both.second, pairs().map(|(x, y)| x.max(*y)).sum(), scale);
                    let mut decoded = Vec::new();
                    decode(element, stored, &mut decoded);
                    assert_eq!(&decoded, x);
                }
            }
        }
    }

    #[test]
    fn both_builds_of_a_walk_agree() {
        for len in [0, 1, 3, 4, 15, 16, 17, 1001] {
            let (a, b) = (numbers(len, 1), numbers(len, 2));
            let stored: Vec<u8> = a.iter().flat_map(|x| x.to_le_bytes()).collect();
            let other: Vec<f64> = b.iter().map(|x| f64::from(*x)).collect();
            let plain = portably::<DotAndNorm>(Stored::new(Element::F32, &stored), &other);
            let chosen = dot_and_norm(Stored::new(Element::F32, &stored), &other);
            close(chosen.first, plain.first, plain.second);
            close(chosen.second, plain.second, plain.second);
        }
    }

    #[test]
    fn a_nan_on_either_side_is_seen() {
        for (x, y) in [(f32::NAN, 1.0), (1.0, f64::NAN)] {
            for len in [1, 4, 40] {
                let stored: Vec<u8> = std::iter::repeat_n(x.to_le_bytes(), len).flatten().collect();
                let stored = Stored::new(Element::F32, &stored);
                let sums = minima_and_maxima(stored, &vec![y; len]);
                assert!(sums.first.is_nan() || sums.second.is_nan());
                assert!(distance_squared(stored, &vec![y; len]).is_nan());
            }
        }
    }
}

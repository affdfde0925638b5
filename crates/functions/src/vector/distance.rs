//! Distances between two vectors of the same type and number of dimensions.
//!
//! One of the two is an [`Operand`], decoded before it meets the first row; the other is taken as it is stored. All
//! sums are in `f64` (see `turso_simd`).

use std::cmp::Ordering;

use turso_error::{Error, Result};
use turso_simd::{Element, Pair, Stored, Sums, both_ones, decode, different_bits, either_ones, norm_squared, walk_all};

use super::format::{Format, View, sparse_elements};

/// What is measured; smaller is closer for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// 1 - cosine similarity; between vectors of one bit, the number of dimensions that differ.
    Cosine,
    /// The root of the sum of squared differences.
    Euclidean,
    /// The negated dot product.
    Dot,
    /// 1 - sum of minima / sum of maxima; between vectors of one bit, of the sets of ones.
    Jaccard,
}

/// A vector that others are measured against.
#[derive(Debug)]
pub struct Operand {
    format: Format,
    dims: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Dense { elements: Vec<f64>, norm: f64 },
    Bits(Vec<u8>),
    Sparse { elements: Vec<(u32, f64)>, norm: f64 },
}

/// What a walk over a stored vector has found: its distance is [still to be computed](Distance::finish).
#[derive(Debug, Clone, Copy)]
pub struct Walked(Pair);

impl Walked {
    /// There is nothing left to compute.
    fn whole(distance: f64) -> Self {
        Self(Pair { first: distance, second: 1.0 })
    }
}

/// Vectors that are walked together.
const TOGETHER: usize = 4;

/// Stored vectors that wait to be walked together, of which none has to wait for the sums of the one before.
pub struct Waiting<'b> {
    rows: [Stored<'b>; TOGETHER],
    count: usize,
}

impl Default for Waiting<'_> {
    fn default() -> Self {
        Self { rows: [Stored::new(Element::F32, &[]); TOGETHER], count: 0 }
    }
}

/// The bytes of a vector of bits, 0 behind the last bit.
fn clean_bits(dims: usize, data: &[u8]) -> Vec<u8> {
    let mut bits = data.to_vec();
    if let Some(last) = bits.last_mut().filter(|_| !dims.is_multiple_of(8)) {
        *last &= (1u8 << (dims % 8)) - 1;
    }
    bits
}

impl Operand {
    /// Decode a blob.
    pub fn new(blob: &[u8]) -> Result<Self> {
        let view = View::of(blob)?;
        let content = match view {
            View::Dense { element, data } => {
                let mut elements = Vec::with_capacity(view.dims());
                decode(element, data, &mut elements);
                let norm = norm_squared(&elements).sqrt();
                Content::Dense { elements, norm }
            }
            View::Bits { dims, data } => Content::Bits(clean_bits(dims, data)),
            View::Sparse { values, indices, .. } => {
                let elements: Vec<_> = sparse_elements(values, indices).map(|(i, x)| (i, f64::from(x))).collect();
                let norm = elements.iter().map(|(_, x)| x * x).sum::<f64>().sqrt();
                Content::Sparse { elements, norm }
            }
        };
        Ok(Self { format: view.format(), dims: view.dims(), content })
    }
}

impl Distance {
    /// Measure a stored vector; NaN where there is no distance.
    #[inline]
    pub(super) fn measure(self, stored: View<'_>, operand: &Operand, ahead: Option<&[u8]>) -> Result<f64> {
        Ok(self.finish(self.sum(stored, operand, ahead)?, operand))
    }

    /// Walk a stored vector, while bytes that will be wanted next are fetched from memory.
    #[inline]
    pub(super) fn sum(self, stored: View<'_>, operand: &Operand, ahead: Option<&[u8]>) -> Result<Walked> {
        if stored.format() != operand.format {
            return Err(Error::sql("Vectors must be of the same type"));
        }
        if stored.dims() != operand.dims {
            return Err(Error::sql("Vectors must have the same dimensions"));
        }
        match (stored, &operand.content) {
            (View::Dense { element, data }, Content::Dense { elements, .. }) => {
                let stored = Stored { element, bytes: data, ahead: ahead.unwrap_or(data) };
                Ok(self.dense(stored, elements))
            }
            (View::Bits { dims, data }, Content::Bits(bits)) => self.bits(dims, data, bits).map(Walked::whole),
            (View::Sparse { values, indices, .. }, Content::Sparse { elements, norm }) => {
                Ok(Walked::whole(self.sparse(values, indices, elements, *norm)))
            }
            _ => Err(Error::sql("Vectors must be of the same type")),
        }
    }

    /// Walks a stored vector, or lets it wait for others. What has waited is walked before anything else is: `out` gets them in order.
    #[inline(always)]
    pub(super) fn join<'b>(
        self,
        (stored, ahead): (View<'b>, Option<&'b [u8]>),
        operand: &Operand,
        waiting: &mut Waiting<'b>,
        out: &mut Vec<Walked>,
    ) -> Result<()> {
        if let (View::Dense { element, data }, Content::Dense { elements, .. }) = (stored, &operand.content)
            && data.len() == element.size() * operand.dims
            && stored.format() == operand.format
        {
            if waiting.count == TOGETHER {
                self.walk_waiting(elements, waiting, out);
            }
            if let Some(place) = waiting.rows.get_mut(waiting.count) {
                *place = Stored { element, bytes: data, ahead: ahead.unwrap_or(data) };
                waiting.count += 1;
            }
            return Ok(());
        }
        self.settle(operand, waiting, out);
        out.push(self.sum(stored, operand, None)?);
        Ok(())
    }

    /// Walks the vectors that wait.
    pub fn settle(self, operand: &Operand, waiting: &mut Waiting<'_>, out: &mut Vec<Walked>) {
        if let Content::Dense { elements, .. } = &operand.content {
            self.walk_waiting(elements, waiting, out);
        }
    }

    fn walk_waiting(self, other: &[f64], waiting: &mut Waiting<'_>, out: &mut Vec<Walked>) {
        let (sums, mut pairs) = (self.sums(), [Pair::default(); TOGETHER]);
        let rows = waiting.rows.get(..waiting.count).unwrap_or(&[]);
        walk_all(sums, rows, other, &mut pairs);
        out.extend(pairs.iter().take(rows.len()).map(|pair| self.of_sums(*pair)));
        waiting.count = 0;
    }

    fn sums(self) -> Sums {
        match self {
            Distance::Cosine => Sums::DotAndNorm,
            Distance::Euclidean => Sums::SquaredDistance,
            Distance::Dot => Sums::Dot,
            Distance::Jaccard => Sums::MinimaAndMaxima,
        }
    }

    #[inline(always)]
    fn of_sums(self, sums: Pair) -> Walked {
        match self {
            Distance::Cosine => Walked(sums),
            Distance::Euclidean => Walked::whole(sums.first.sqrt()),
            Distance::Dot => Walked::whole(-sums.first),
            Distance::Jaccard => Walked::whole(jaccard(sums.first, sums.second)),
        }
    }

    #[inline]
    fn dense(self, stored: Stored<'_>, other: &[f64]) -> Walked {
        let mut pair = [Pair::default()];
        walk_all(self.sums(), &[stored], other, &mut pair);
        let [pair] = pair;
        self.of_sums(pair)
    }

    /// The distance that a walk comes to.
    #[inline(always)]
    pub fn finish(self, Walked(sums): Walked, operand: &Operand) -> f64 {
        match (self, &operand.content) {
            (Distance::Cosine, Content::Dense { norm, .. }) => match (sums.second == 0.0, *norm == 0.0) {
                (true, true) => 0.0,
                (true, false) | (false, true) => 1.0,
                (false, false) => cosine(sums.first, sums.second, *norm),
            },
            _ => sums.first,
        }
    }

    /// The distances that walks come to: roots and quotients of several vectors at once.
    pub fn finish_all(self, walked: &[Walked], operand: &Operand, mut out: impl FnMut(f64)) {
        let some_zero = || walked.iter().any(|Walked(sums)| sums.second == 0.0);
        match (self, &operand.content) {
            (Distance::Cosine, Content::Dense { norm, .. }) if *norm != 0.0 && !some_zero() => {
                walked.iter().for_each(|Walked(sums)| out(cosine(sums.first, sums.second, *norm)));
            }
            _ => walked.iter().for_each(|walked| out(self.finish(*walked, operand))),
        }
    }

    fn bits(self, dims: usize, stored: &[u8], other: &[u8]) -> Result<f64> {
        // What is behind the last bit belongs to nobody; only a blob that somebody else made has something there.
        let cleaned;
        let stored = if stored.last().is_some_and(|last| stray(*last, dims)) {
            cleaned = clean_bits(dims, stored);
            &cleaned
        } else {
            stored
        };
        let different = || different_bits(stored, other) as f64;
        match self {
            Distance::Cosine => Ok(different()),
            Distance::Dot => Ok(-(dims as f64 - 2.0 * different())),
            Distance::Jaccard => Ok(jaccard(both_ones(stored, other) as f64, either_ones(stored, other) as f64)),
            Distance::Euclidean => Err(Error::sql("L2 distance is not supported for float1bit vectors")),
        }
    }

    fn sparse(self, values: &[u8], indices: &[u8], other: &[(u32, f64)], other_norm: f64) -> f64 {
        let mut sums = [0.0; 2];
        let [first, second] = &mut sums;
        match self {
            Distance::Cosine => {
                merge(values, indices, other, |x, y| {
                    *first += x * y;
                    *second += x * x;
                });
                // Without a direction there is no angle.
                if *second == 0.0 || other_norm == 0.0 { f64::NAN } else { cosine(*first, *second, other_norm) }
            }
            Distance::Euclidean => {
                merge(values, indices, other, |x, y| *first += (x - y) * (x - y));
                first.sqrt()
            }
            Distance::Dot => {
                merge(values, indices, other, |x, y| *first -= x * y);
                *first
            }
            Distance::Jaccard => {
                merge(values, indices, other, |x, y| {
                    *first += x.min(y);
                    *second += x.max(y);
                });
                jaccard(*first, *second)
            }
        }
    }
}

/// True when bits behind the last dimension are set in the last byte.
fn stray(last: u8, dims: usize) -> bool {
    !dims.is_multiple_of(8) && last >> (dims % 8) != 0
}

/// From the squared norm of one vector and the norm of the other.
#[inline(always)]
fn cosine(product: f64, norm_squared: f64, norm: f64) -> f64 {
    // One root each: the product of two large norms may be beyond all numbers. Rounding makes no distance negative.
    // (A NaN stays one, which `max` would not let it.)
    let distance = 1.0 - product / (norm_squared.sqrt() * norm);
    if distance < 0.0 { 0.0 } else { distance }
}

fn jaccard(minima: f64, maxima: f64) -> f64 {
    if maxima == 0.0 { f64::NAN } else { 1.0 - minima / maxima }
}

/// Hand each pair of elements to `each` of which one at least is stored.
fn merge(values: &[u8], indices: &[u8], other: &[(u32, f64)], mut each: impl FnMut(f64, f64)) {
    let mut ours = sparse_elements(values, indices).map(|(i, x)| (i, f64::from(x))).peekable();
    let mut theirs = other.iter().copied().peekable();
    loop {
        match (ours.peek().copied(), theirs.peek().copied()) {
            (None, None) => return,
            (Some((i, x)), Some((j, y))) => match i.cmp(&j) {
                Ordering::Equal => {
                    each(x, y);
                    ours.next();
                    theirs.next();
                }
                Ordering::Less => {
                    each(x, 0.0);
                    ours.next();
                }
                Ordering::Greater => {
                    each(0.0, y);
                    theirs.next();
                }
            },
            (Some((_, x)), None) => {
                each(x, 0.0);
                ours.next();
            }
            (None, Some((_, y))) => {
                each(0.0, y);
                theirs.next();
            }
        }
    }
}

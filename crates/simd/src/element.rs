//! How an element is stored.

/// Elements that are added up side by side, on any processor.
pub(crate) const LANES: usize = 8;

/// The storage of a dense vector's elements, little-endian.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Element {
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// A byte `q` that stands for `q * scale + offset`, in `f32` arithmetic.
    Quantized {
        /// The width of a step.
        scale: f32,
        /// What 0 stands for.
        offset: f32,
    },
}

impl Element {
    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Element::F32 => 4,
            Element::F64 => 8,
            Element::Quantized { .. } => 1,
        }
    }
}

/// A vector as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// How its elements are stored.
    pub element: Element,
    /// The elements.
    pub bytes: &'a [u8],
    /// Bytes that will be wanted next: they are fetched from memory while this vector is walked, cache line by cache line. Those
    /// of the vector itself where nothing is known.
    pub ahead: &'a [u8],
}

impl<'a> Stored<'a> {
    /// With nothing to be wanted next.
    pub fn new(element: Element, bytes: &'a [u8]) -> Self {
        Self { element, bytes, ahead: bytes }
    }
}

/// Reads elements; one type for each [`Element`], so that loops are compiled for each.
pub(crate) trait Read: Copy {
    const SIZE: usize;
    /// For elements that are stored so.
    fn of(element: Element) -> Self;
    /// The element in these `SIZE` bytes (0 for another number of bytes: that never happens).
    fn one(self, bytes: &[u8]) -> f64;
}

#[derive(Clone, Copy)]
pub(crate) struct ReadF32;

#[derive(Clone, Copy)]
pub(crate) struct ReadF64;

#[derive(Clone, Copy)]
pub(crate) struct ReadQuantized {
    pub scale: f32,
    pub offset: f32,
}

impl Read for ReadF32 {
    const SIZE: usize = 4;
    #[inline(always)]
    fn of(_: Element) -> Self {
        Self
    }
    #[inline(always)]
    fn one(self, bytes: &[u8]) -> f64 {
        bytes.first_chunk().map_or(0.0, |b| f64::from(f32::from_le_bytes(*b)))
    }
}

impl Read for ReadF64 {
    const SIZE: usize = 8;
    #[inline(always)]
    fn of(_: Element) -> Self {
        Self
    }
    #[inline(always)]
    fn one(self, bytes: &[u8]) -> f64 {
        bytes.first_chunk().map_or(0.0, |b| f64::from_le_bytes(*b))
    }
}

impl Read for ReadQuantized {
    const SIZE: usize = 1;
    #[inline(always)]
    fn of(element: Element) -> Self {
        match element {
            Element::Quantized { scale, offset } => Self { scale, offset },
            Element::F32 | Element::F64 => Self { scale: 1.0, offset: 0.0 },
        }
    }
    #[inline(always)]
    fn one(self, bytes: &[u8]) -> f64 {
        bytes.first().map_or(0.0, |&q| f64::from(f32::from(q) * self.scale + self.offset))
    }
}

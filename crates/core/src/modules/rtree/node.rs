//! Nodes: their bytes, and the boxes of their entries.

use turso_value::Value;

/// A box has no more dimensions.
pub(super) const MAX_DIMENSIONS: usize = 5;
/// A deeper tree is damaged.
pub(super) const MAX_DEPTH: usize = 40;

/// What coordinates are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// 32-bit floating point.
    Real,
    /// 32-bit integers.
    Integer,
}

impl Numbers {
    /// A coordinate as it can be stored: reals outwards, so that the box holds what it was made for.
    pub fn stored(self, value: &Value, up: bool) -> f64 {
        match self {
            Numbers::Integer => value.to_integer().clamp(i32::MIN.into(), i32::MAX.into()) as f64,
            Numbers::Real => {
                let exact = value.to_real();
                let near = exact as f32;
                f64::from(match up {
                    true if f64::from(near) < exact => near.next_up(),
                    false if f64::from(near) > exact => near.next_down(),
                    _ => near,
                })
            }
        }
    }

    /// A coordinate as SQL sees it.
    pub fn value(self, coordinate: f64) -> Value {
        match self {
            Numbers::Real => Value::Real(coordinate),
            Numbers::Integer => Value::Integer(coordinate as i64),
        }
    }
}

/// Two numbers for each dimension, low and high; what is beyond the dimensions of the table is 0.
pub(super) type Bounds = [f64; MAX_DIMENSIONS * 2];

/// An entry of a leaf (a row and its box) or of an inner node (a child and the box around it).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Entry {
    pub id: i64,
    pub bounds: Bounds,
}

/// The shape of all nodes of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub dimensions: usize,
    pub numbers: Numbers,
    /// Bytes of a node.
    pub node_size: usize,
}

/// A node.
///
/// | offset | size | field     | meaning                                                     |
/// |-------:|-----:|-----------|-------------------------------------------------------------|
/// |      0 |    2 | `depth`   | in the root the levels below it; elsewhere 0                |
/// |      2 |    2 | `count`   | entries                                                     |
/// |      4 |      | `entries` | each: id (8), then low and high of each dimension (4 each)  |
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub no: i64,
    /// Of the root: the levels below it.
    pub depth: usize,
    pub entries: Vec<Entry>,
}

impl Layout {
    pub fn entry_size(&self) -> usize {
        8 + self.dimensions * 8
    }

    /// Entries that fit into a node, and into its count.
    pub fn capacity(&self) -> usize {
        (self.node_size.saturating_sub(4) / self.entry_size()).min(u16::MAX.into())
    }

    /// A node with fewer is dissolved.
    pub fn least(&self) -> usize {
        self.capacity() / 3
    }

    /// `None`: that is no node.
    pub fn decode(&self, no: i64, bytes: &[u8]) -> Option<Node> {
        let (head, mut rest) = bytes.split_at_checked(4)?;
        let depth = usize::from(u16::from_be_bytes([head[0], head[1]]));
        let count = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if count > self.capacity() || bytes.len() < self.node_size || (no == 1 && depth > MAX_DEPTH) {
            return None;
        }
        let mut entries = Vec::with_capacity(count + 1);
        for _ in 0..count {
            let (entry, after) = rest.split_at_checked(self.entry_size())?;
            rest = after;
            entries.push(self.decode_entry(entry)?);
        }
        Some(Node { no, depth: if no == 1 { depth } else { 0 }, entries })
    }

    /// The bytes of one entry.
    pub fn decode_entry(&self, bytes: &[u8]) -> Option<Entry> {
        let (id, coordinates) = bytes.split_first_chunk::<8>()?;
        let mut bounds = [0.0; MAX_DIMENSIONS * 2];
        for (bound, bytes) in bounds.iter_mut().zip(coordinates.chunks_exact(4)) {
            let raw = u32::from_be_bytes(bytes.try_into().ok()?);
            *bound = match self.numbers {
                Numbers::Real => f64::from(f32::from_bits(raw)),
                Numbers::Integer => f64::from(raw as i32),
            };
        }
        Some(Entry { id: i64::from_be_bytes(*id), bounds })
    }

    pub fn encode(&self, node: &Node) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.node_size);
        let depth = if node.no == 1 { node.depth as u16 } else { 0 };
        bytes.extend_from_slice(&depth.to_be_bytes());
        bytes.extend_from_slice(&(node.entries.len() as u16).to_be_bytes());
        for entry in &node.entries {
            bytes.extend_from_slice(&entry.id.to_be_bytes());
            for bound in entry.bounds.iter().take(self.dimensions * 2) {
                let raw = match self.numbers {
                    Numbers::Real => (*bound as f32).to_bits(),
                    Numbers::Integer => *bound as i32 as u32,
                };
                bytes.extend_from_slice(&raw.to_be_bytes());
            }
        }
        bytes.resize(self.node_size, 0);
        bytes
    }

    /// What a box covers.
    pub fn area(&self, bounds: &Bounds) -> f64 {
        (0..self.dimensions).map(|d| bounds[d * 2 + 1] - bounds[d * 2]).product()
    }

    /// The sum of the lengths of its sides.
    pub fn margin(&self, bounds: &Bounds) -> f64 {
        (0..self.dimensions).map(|d| bounds[d * 2 + 1] - bounds[d * 2]).sum()
    }

    /// What two boxes cover both.
    pub fn overlap(&self, a: &Bounds, b: &Bounds) -> f64 {
        (0..self.dimensions).map(|d| (a[d * 2 + 1].min(b[d * 2 + 1]) - a[d * 2].max(b[d * 2])).max(0.0)).product()
    }
}

/// The box around both.
pub(super) fn around(a: &Bounds, b: &Bounds) -> Bounds {
    std::array::from_fn(|i| if i % 2 == 0 { a[i].min(b[i]) } else { a[i].max(b[i]) })
}

/// The box around all.
pub(super) fn around_all(entries: &[Entry]) -> Bounds {
    let mut entries = entries.iter();
    let first = entries.next().map_or([0.0; MAX_DIMENSIONS * 2], |e| e.bounds);
    entries.fold(first, |bounds, entry| around(&bounds, &entry.bounds))
}

//! Searching one page: the probes go where the key should be.
//!
//! Rowids, and the integers that most indexes begin with, are mostly spread evenly. So the first probes of a page interpolate
//! between the keys that are known to lie around the place: each probe of a page that is not in the processor's cache costs two
//! misses. After them the search halves, whatever the keys are.

use super::layout::{Geometry, Node};
use std::cmp::Ordering;
use turso_error::Result;
use turso_value::{KeyInfo, TextEncoding, Value};

/// How many probes of a page are guesses.
const GUESSES: u32 = 4;

/// Where a key should be among `steps - 1` others that lie evenly between `below` and `above`, counted from the first of
/// them. `below` is less than the key, `above` not.
#[inline(always)]
fn guess(key: i64, below: i64, above: i64, steps: usize) -> usize {
    let (span, offset) = (above.wrapping_sub(below), key.wrapping_sub(below).wrapping_sub(1));
    if span <= 0 {
        // Farther apart than a number with a sign can say.
        return steps / 2;
    }
    // Numbers with a sign are converted in one instruction each.
    (offset as f64 * steps as i64 as f64 / span as f64) as i64 as usize
}

/// The same for entries of which many have the same first column: they lie evenly between two pairs, where the second columns
/// go from 0 to `widest`.
#[inline(always)]
fn guess_pair(key: Bound, below: Bound, above: Bound, widest: i64, steps: usize) -> usize {
    let from = below.second.clamp(0, widest);
    // From `below` to another pair, where a first column is as long as all second ones.
    let distance = |to: Bound| {
        let firsts = to.first.wrapping_sub(below.first) as f64 * widest as f64;
        firsts + (to.second.clamp(0, widest) - from) as f64
    };
    let (span, offset) = (distance(above), distance(key));
    // A number that is none becomes 0.
    (offset * steps as i64 as f64 / span) as i64 as usize
}

/// The first cell of a table page whose rowid is not below `rowid`, and whether it is that rowid.
///
/// `bounds` are rowids known to lie around the page's; they become those around the cell found.
#[inline]
pub(super) fn lower_bound(node: &Node<'_>, rowid: i64, bounds: &mut (i64, i64)) -> Result<(usize, bool)> {
    let (mut low, mut high) = (0, node.count);
    let (mut below, mut above) = *bounds;
    // The divider above a leaf repeats the leaf's last rowid; that above an interior page is the next after its last.
    let mut beyond = usize::from(!node.kind.is_leaf());
    let mut probes = 0;
    while low < high {
        let mut probe = (low + high) / 2;
        if probes < GUESSES {
            if probes == 0 && above == i64::MAX {
                probe = high - 1;
            } else if probes <= 1 && below == i64::MIN {
                probe = low;
            } else {
                probe = low.saturating_add(guess(rowid, below, above, high - low + beyond)).min(high - 1);
            }
            probes += 1;
        }
        let found = node.rowid(probe)?;
        match found.cmp(&rowid) {
            Ordering::Less => {
                low = probe + 1;
                below = found;
            }
            Ordering::Greater => {
                high = probe;
                above = found;
                beyond = 1;
            }
            Ordering::Equal => {
                *bounds = (below, found);
                return Ok((probe, true));
            }
        }
    }
    *bounds = (below, above);
    Ok((low, false))
}

/// A key that begins with an integer.
pub(super) struct IntegerKey<'a> {
    first: i64,
    /// The second column of the key, where that is an integer, too, and both ascend.
    second: Option<i64>,
    /// The first column descends.
    descending: bool,
    values: &'a [Value],
    info: &'a KeyInfo,
}

/// The first two columns of an entry of an index.
#[derive(Clone, Copy)]
struct Bound {
    first: i64,
    /// `i64::MIN` below the key, `i64::MAX` above it, where the key has no such column or the entry has no integer there.
    second: i64,
}

/// What a search of an index knows of the entries around those that it has still to look at; it holds for the pages below, too.
#[derive(Clone, Copy)]
pub(super) struct Guesses {
    below: Bound,
    above: Bound,
    /// The largest second column seen.
    widest: i64,
    /// Probes of the page in hand that may still be guesses.
    left: u32,
}

impl Default for Guesses {
    fn default() -> Self {
        let bound = |end| Bound { first: end, second: end };
        Guesses { below: bound(i64::MIN), above: bound(i64::MAX), widest: 1, left: 0 }
    }
}

impl Guesses {
    /// The search of another page begins, among so many entries.
    pub(super) fn begin_page(&mut self, key: &IntegerKey<'_>, entries: usize) {
        // Few are found as quickly by halves as their ends are looked at.
        let unknown = self.below.first == i64::MIN || self.above.first == i64::MAX;
        self.left = if key.descending || unknown && entries <= 16 { 0 } else { GUESSES };
    }

    /// The entry among `low..high` to look at next.
    #[inline(always)]
    fn probe(&mut self, key: &IntegerKey<'_>, low: usize, high: usize) -> usize {
        if self.left == 0 || high - low < 4 {
            return (low + high) / 2;
        }
        self.left -= 1;
        let (below, above) = (self.below, self.above);
        if above.first == i64::MAX {
            return high - 1;
        }
        if below.first == i64::MIN {
            return low;
        }
        let steps = high - low + 1;
        let span = above.first.wrapping_sub(below.first);
        let guessed = match key.second {
            Some(second) if (0..steps as i64).contains(&span) => {
                guess_pair(Bound { first: key.first, second }, below, above, self.widest, steps)
            }
            None if below.first == key.first || above.first == key.first => {
                // Other columns decide. Or the entry next to the last one does, where the first column is unique.
                self.left = 0;
                return if above.first == key.first { high - 1 } else { low };
            }
            _ => guess(key.first, below.first, above.first, steps),
        };
        low.saturating_add(guessed).min(high - 1)
    }
}

/// How a search of a page has gone on.
pub(super) enum Outcome {
    /// The first entry that is not less than the key is found.
    Before,
    /// It ends on this entry.
    On(usize),
    /// This entry has to be looked at by other means.
    Odd(usize),
}

impl<'a> IntegerKey<'a> {
    /// `None` for keys that do not begin with an integer.
    #[inline]
    pub(super) fn new(values: &'a [Value], info: &'a KeyInfo) -> Option<Self> {
        let Some(&Value::Integer(first)) = values.first() else { return None };
        let descending = |column: usize| info.columns.get(column).is_some_and(|column| column.descending);
        let second = match values.get(1) {
            Some(&Value::Integer(second)) if !descending(0) && !descending(1) => Some(second),
            _ => None,
        };
        Some(IntegerKey { first, second, descending: descending(0), values, info })
    }

    /// Searches among entries `low..high` as long as those that it meets are short and begin with an integer, too.
    #[inline]
    pub(super) fn search(
        &self,
        node: &Node<'_>,
        geometry: &Geometry,
        on_equal: Ordering,
        guesses: &mut Guesses,
        low: &mut usize,
        high: &mut usize,
    ) -> Outcome {
        // In registers, as far as there are enough.
        let (mut known, mut from, mut to) = (*guesses, *low, *high);
        let skip = if node.kind.is_leaf() { 0 } else { 4 };
        let outcome = loop {
            if from >= to {
                break Outcome::Before;
            }
            let probe = known.probe(self, from, to);
            let at = node.cell_at(probe);
            let pair = if at >= node.pointers_end() { pair_at(node, at + skip) } else { None };
            let columns = match pair {
                Some((first, second)) => Some((first, Some(second))),
                None => first_columns(node, at, geometry),
            };
            let Some((stored, second)) = columns else {
                // The page is halved from here on.
                known.left = 0;
                break Outcome::Odd(probe);
            };
            known.widest = known.widest.max(second.unwrap_or(0));
            let order = if stored != self.first {
                if (stored < self.first) != self.descending { Ordering::Less } else { Ordering::Greater }
            } else {
                match self.order_behind_first(node, probe, second, geometry) {
                    Some(order) => order.then(on_equal),
                    None => {
                        known.left = 0;
                        break Outcome::Odd(probe);
                    }
                }
            };
            match order {
                Ordering::Less => {
                    from = probe + 1;
                    known.below = Bound { first: stored, second: second.unwrap_or(i64::MIN) };
                }
                Ordering::Greater => {
                    to = probe;
                    known.above = Bound { first: stored, second: second.unwrap_or(i64::MAX) };
                }
                Ordering::Equal => break Outcome::On(probe),
            }
        };
        (*guesses, *low, *high) = (known, from, to);
        outcome
    }

    /// The order of an entry relative to the key where their first columns are equal.
    #[inline(always)]
    fn order_behind_first(
        &self,
        node: &Node<'_>,
        entry: usize,
        second: Option<i64>,
        geometry: &Geometry,
    ) -> Option<Ordering> {
        let compared = match (self.second, second) {
            (Some(wanted), Some(stored)) if stored != wanted => return Some(stored.cmp(&wanted)),
            (Some(_), Some(_)) => 2,
            _ => 1,
        };
        if self.values.len() > compared {
            return compare_short(node, entry, self.values, self.info, geometry);
        }
        Some(Ordering::Equal)
    }
}

/// The two columns of an entry, whose record starts behind its length at `start`, where these are integers and all that it has:
/// the entry of an index of one column. It lies so far from the end of the page that eight bytes can be read at each value.
#[inline(always)]
fn pair_at(node: &Node<'_>, start: usize) -> Option<(i64, i64)> {
    const HEADER: usize = 3;
    const VALUES: usize = 1 + HEADER;
    let bytes = node.bytes.get(start..start + VALUES + 16).filter(|_| start + VALUES + 16 <= node.usable)?;
    let (first, second) = (integer_size(bytes[2]), integer_size(bytes[3]));
    if usize::from(bytes[1]) != HEADER || HEADER + first + second != usize::from(bytes[0]) {
        return None;
    }
    let value = |at: usize, serial: u8, size: usize| {
        let word = i64::from_be_bytes(*bytes.get(at..)?.first_chunk()?);
        Some(if size == 0 { i64::from(serial) - 8 } else { word >> (64 - 8 * size) })
    };
    Some((value(VALUES, bytes[2], first)?, value(VALUES + first, bytes[3], second)?))
}

/// The first column of a short entry, which is an integer, and the second one, if that is one, too.
#[inline(never)]
fn first_columns(node: &Node<'_>, at: usize, geometry: &Geometry) -> Option<(i64, Option<i64>)> {
    let start = if node.kind.is_leaf() { at } else { at + 4 };
    // The first bytes of the record are the length of its header and the types of the first two columns, or what follows these.
    let &[len, header, serial, next] = node.bytes.get(start..)?.first_chunk()?;
    let (len, header) = (usize::from(len), usize::from(header));
    let mut body = header + integer_size(serial);
    if at < node.pointers_end()
        || len > geometry.max_index.min(0x7f)
        || header < 2
        || body > len
        || start + 1 + len > node.usable
    {
        return None;
    }
    let first = integer_before(node.bytes, start + 1 + body, serial)?;
    body += integer_size(next);
    let second = if header > 2 && body <= len { integer_before(node.bytes, start + 1 + body, next) } else { None };
    Some((first, second))
}

/// The bytes of an integer with this serial type; more than any short record has for other types.
#[inline(always)]
fn integer_size(serial: u8) -> usize {
    const SIZES: [u8; 256] = {
        let mut sizes = [u8::MAX; 256];
        let known = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 6), (6, 8), (8, 0), (9, 0)];
        let mut i = 0;
        while i < known.len() {
            sizes[known[i].0] = known[i].1;
            i += 1;
        }
        sizes
    };
    usize::from(SIZES[usize::from(serial)])
}

/// The integer of this serial type that ends at `end`.
#[inline(always)]
fn integer_before(bytes: &[u8], end: usize, serial: u8) -> Option<i64> {
    let unused = match serial {
        1..=4 => 64 - 8 * u32::from(serial),
        5 => 16,
        6 => 0,
        _ => return Some(i64::from(serial) - 8),
    };
    // The eight bytes that end with the value: there are always that many in front of its end.
    let word: [u8; 8] = *bytes.get(end.checked_sub(8)?..end)?.first_chunk()?;
    Some(i64::from_be_bytes(word) << unused >> unused)
}

/// The order of an index entry relative to a key, straight from the page, where both are of the usual shape: a short record
/// whose columns, as far as it takes, are integers and short UTF-8 texts under BINARY. `None` for all others.
#[inline]
pub(super) fn compare_short(
    node: &Node<'_>,
    i: usize,
    key: &[Value],
    info: &KeyInfo,
    geometry: &Geometry,
) -> Option<Ordering> {
    let at = node.cell_at(i);
    let start = if node.kind.is_leaf() { at } else { at + 4 };
    let &[len, header] = node.bytes.get(start..)?.first_chunk()?;
    // With one byte each, these are the lengths of payload and record header.
    let (len, header) = (usize::from(len), usize::from(header));
    if at < node.pointers_end()
        || len >= 0x80
        || len > geometry.max_index
        || start + 1 + len > node.usable
        || header > len
    {
        return None;
    }
    let record = node.bytes.get(start + 1..start + 1 + len)?;
    let mut body = header;
    for (column, value) in key.iter().enumerate() {
        if column + 1 >= header {
            return None;
        }
        let serial = *record.get(column + 1)?;
        let order = match value {
            Value::Integer(value) => {
                let size = integer_size(serial);
                body += size;
                if body > len {
                    return None;
                }
                let stored = integer_before(node.bytes, start + 1 + body, serial)?;
                stored.cmp(value)
            }
            Value::Text(value) => {
                let column = info.columns.get(column);
                let binary = info.encoding == TextEncoding::Utf8 && column.is_none_or(|c| c.collation.is_binary());
                if !binary || !(13..0x80).contains(&serial) || serial & 1 == 0 {
                    return None;
                }
                let end = body + (usize::from(serial) - 13) / 2;
                let text = record.get(body..end)?;
                body = end;
                text.cmp(value)
            }
            _ => return None,
        };
        if order != Ordering::Equal {
            let descending = info.columns.get(column).is_some_and(|c| c.descending);
            return Some(if descending { order.reverse() } else { order });
        }
    }
    Some(Ordering::Equal)
}

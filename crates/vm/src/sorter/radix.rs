//! Sorting entries by prefix, digit by digit from the lowest: what has equal prefixes keeps its order.
//!
//! Only the bits in which prefixes differ are looked at, so keys from a small range take two or three passes.

use super::Entry;

/// Fewer entries are sorted by comparing.
pub(super) const FEWEST: usize = 512;

const DIGIT: u32 = 11;

/// Stable, by prefix alone.
pub(super) fn sort(entries: &mut Vec<Entry>) {
    let Some(first) = entries.first() else { return };
    let (first, mut last) = (first.prefix, first.prefix);
    let (mut differ, mut sorted) = (0, true);
    for entry in entries.iter() {
        differ |= entry.prefix ^ first;
        sorted &= last <= entry.prefix;
        last = entry.prefix;
    }
    if sorted {
        return;
    }
    let mut other = vec![Entry::default(); entries.len()];
    let mut places = vec![0usize; 1 << DIGIT];
    let mut shift = 0;
    while shift < u64::BITS && differ >> shift != 0 {
        shift += (differ >> shift).trailing_zeros();
        let digit = |entry: &Entry| (entry.prefix >> shift) as usize & ((1 << DIGIT) - 1);
        places.fill(0);
        for entry in entries.iter() {
            places[digit(entry)] += 1;
        }
        let mut next = 0;
        for place in &mut places {
            next += std::mem::replace(place, next);
        }
        for entry in entries.iter() {
            let place = &mut places[digit(entry)];
            other[*place] = *entry;
            *place += 1;
        }
        std::mem::swap(entries, &mut other);
        shift += DIGIT;
    }
}

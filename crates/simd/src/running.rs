//! Two running sums over words, each of which the other takes up: `a += x + b`, then `b += y + a`, for each pair of words.
//!
//! Word by word that is a chain in which every step waits for the one before. But it is linear, and what a word adds to the
//! result in the end is the word times a Fibonacci number that depends on how many words follow, modulo 2^32:
//!
//! ```text
//!   a = sum of word * F(m),  b = sum of word * F(m + 1),   m: how many words follow it;  F(0) = 0, F(1) = 1
//! ```
//! So a block is two products of vectors, all of whose terms are independent. Without wide multiplications the chain is faster.

/// Words of a block: as many as a usual page has.
const BLOCK: usize = 1024;
/// The largest Fibonacci number in the table, by its place: what the sums before a block are multiplied with.
const LAST: usize = BLOCK + 1;

/// F(LAST), ..., F(1), F(0), modulo 2^32.
static FIBONACCI: [u32; LAST + 1] = {
    let mut table = [0_u32; LAST + 1];
    table[LAST - 1] = 1;
    let mut at = LAST - 1;
    while at > 0 {
        at -= 1;
        table[at] = table[at + 1].wrapping_add(table[at + 2]);
    }
    table
};

/// Continues both sums over the little-endian words of `bytes`, a multiple of 8 bytes.
pub fn running_sums(sums: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= 128 && crate::dispatch::has_wide() {
        // SAFETY: `has_wide` has just seen every feature that the function is compiled for.
        return unsafe { by_blocks(sums, bytes) };
    }
    by_pairs(sums, bytes)
}

fn by_pairs([mut a, mut b]: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    for p in bytes.as_chunks::<8>().0 {
        a = a.wrapping_add(u32::from_le_bytes([p[0], p[1], p[2], p[3]])).wrapping_add(b);
        b = b.wrapping_add(u32::from_le_bytes([p[4], p[5], p[6], p[7]])).wrapping_add(a);
    }
    [a, b]
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,popcnt")]
fn by_blocks(mut sums: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    for block in bytes.chunks(4 * BLOCK) {
        let words = block.as_chunks::<4>().0;
        let first = LAST - words.len();
        let (for_a, for_b) = (&FIBONACCI[first + 1..], &FIBONACCI[first..LAST]);
        let [a, b] = sums;
        let mut next = [
            a.wrapping_mul(FIBONACCI[first + 1]).wrapping_add(b.wrapping_mul(FIBONACCI[first])),
            a.wrapping_mul(FIBONACCI[first]).wrapping_add(b.wrapping_mul(FIBONACCI[first - 1])),
        ];
        for ((word, f), g) in words.iter().zip(for_a).zip(for_b) {
            let word = u32::from_le_bytes(*word);
            next[0] = next[0].wrapping_add(word.wrapping_mul(*f));
            next[1] = next[1].wrapping_add(word.wrapping_mul(*g));
        }
        sums = next;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_give_the_sums_of_the_chain_at_every_length() {
        let mut state = 1_u64;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(70_000)
        .collect();
        let lengths = (0..600).chain([4096, 4104, 8192, 12_296, 65_536, 69_992]);
        for len in lengths.filter(|len| len % 8 == 0) {
            for sums in [[0, 0], [u32::MAX, 7], [0x1234_5678, 0x9abc_def0]] {
                assert_eq!(
                    running_sums(sums, &bytes[..len]),
                    by_pairs(sums, &bytes[..len]),
                    "{len} bytes after {sums:?}"
                );
            }
        }
    }
}

//! Counts over vectors of one bit per element. Bits behind the last element are 0 on both sides.

/// Counts the ones of what `combine` makes of both sides.
#[inline(always)]
fn count_with(a: &[u8], b: &[u8], combine: impl Fn(u64, u64) -> u64) -> u64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let words = a.iter().zip(b).map(|(a, b)| (u64::from_ne_bytes(*a), u64::from_ne_bytes(*b)));
    let bytes = a_rest.iter().zip(b_rest).map(|(a, b)| (u64::from(*a), u64::from(*b)));
    words.chain(bytes).map(|(a, b)| u64::from(combine(a, b).count_ones())).sum()
}

/// [`count_with`] for processors that count the ones of a word in one instruction.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,popcnt")]
fn count_wide(a: &[u8], b: &[u8], combine: impl Fn(u64, u64) -> u64) -> u64 {
    count_with(a, b, combine)
}

#[inline(always)]
fn count(a: &[u8], b: &[u8], combine: impl Fn(u64, u64) -> u64) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if crate::dispatch::has_wide() {
        // SAFETY: `has_wide` has just seen every feature that the function is compiled for.
        return unsafe { count_wide(a, b, combine) };
    }
    count_with(a, b, combine)
}

/// How many elements differ.
pub fn different_bits(a: &[u8], b: &[u8]) -> u64 {
    count(a, b, |a, b| a ^ b)
}

/// How many elements are 1 on both sides.
pub fn both_ones(a: &[u8], b: &[u8]) -> u64 {
    count(a, b, |a, b| a & b)
}

/// How many elements are 1 on some side.
pub fn either_ones(a: &[u8], b: &[u8]) -> u64 {
    count(a, b, |a, b| a | b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_with_plain_ones_at_every_length() {
        for len in 0..100usize {
            let a: Vec<u8> = (0..len).map(|i| (i * 37 + 11) as u8).collect();
            let b: Vec<u8> = (0..len).map(|i| (i * 91 + 5) as u8).collect();
            let plain =
                |f: fn(u8, u8) -> u8| a.iter().zip(&b).map(|(a, b)| u64::from(f(*a, *b).count_ones())).sum::<u64>();
            assert_eq!(different_bits(&a, &b), plain(|a, b| a ^ b));
            assert_eq!(both_ones(&a, &b), plain(|a, b| a & b));
            assert_eq!(either_ones(&a, &b), plain(|a, b| a | b));
        }
    }
}

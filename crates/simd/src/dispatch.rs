//! Which build of a loop this processor gets.

/// The processor has what [`crate::avx2`] and [`crate::bits`] are compiled for. (The standard library asks it once.)
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn has_wide() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("popcnt")
}

/// Ask for the first bytes from memory: they will be read soon.
#[inline(always)]
pub fn fetch_soon(bytes: &[u8]) {
    fetch_lines::<1>(bytes);
}

/// Ask for so many cache lines from the first byte on. (There may be fewer bytes.)
#[inline(always)]
pub fn fetch_lines<const LINES: usize>(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..LINES {
        // SAFETY: a hint; every processor of this target has the instruction, it reads nothing, and no address is wrong.
        unsafe {
            let at = bytes.as_ptr().wrapping_add(64 * line);
            std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
        }
    }
    let _ = bytes;
}

/// The name of the instructions that loops are run with.
pub fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    if has_wide() {
        return "avx2";
    }
    "portable"
}

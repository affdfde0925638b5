//! Random bytes: of the system, or of a generator that the application's VFS has seeded.
//!
//! As in SQLite, the default VFS is asked for a seed (`xRandomness`) once, and again after `sqlite3_randomness(0, 0)`. Where that is
//! our own VFS, every byte comes from the system instead.

use std::ffi::{c_int, c_void};
use std::sync::{Mutex, PoisonError};

use crate::boundary::entry;
use crate::vfs::sqlite3_vfs;

/// Bytes of the seed that SQLite asks for.
const SEED: usize = 44;

/// xoshiro256**, by Blackman and Vigna: 256 bits of state, any but zero.
struct Generator([u64; 4]);

static GENERATOR: Mutex<Option<Generator>> = Mutex::new(None);

impl Generator {
    /// From a seed, of which every byte counts.
    fn new(seed: &[u8]) -> Self {
        let mut state =
            [0x9e37_79b9_7f4a_7c15_u64, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0x2545_f491_4f6c_dd1d];
        for (i, &byte) in seed.iter().enumerate() {
            let word = &mut state[i % 4];
            *word = (*word ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
        let mut generator = Self(state);
        for _ in 0..16 {
            generator.next();
        }
        generator
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            chunk.copy_from_slice(bytes.get(..chunk.len()).unwrap_or(&bytes));
        }
    }
}

/// Fills the buffer from the seeded generator; false where our own VFS is the default.
pub fn from_application(buffer: &mut [u8]) -> bool {
    let Some(vfs) = crate::vfs::foreign_default() else { return false };
    let generator = || GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    if generator().is_none() {
        // Not under the lock: the application may use the library.
        let seeded = Generator::new(&seed(vfs));
        generator().get_or_insert(seeded);
    }
    if let Some(generator) = generator().as_mut() {
        generator.fill(buffer);
    }
    true
}

fn seed(vfs: *mut sqlite3_vfs) -> [u8; SEED] {
    let mut seed = [0; SEED];
    // SAFETY: the interface's contract: a registered VFS is live; a buffer of that size.
    unsafe {
        if let Some(randomness) = (*vfs).randomness {
            randomness(vfs, SEED as c_int, seed.as_mut_ptr().cast());
        }
    }
    seed
}

/// Random bytes of the system.
pub fn of_system(buffer: &mut [u8]) {
    turso_core::io::default_io().randomness(buffer);
}

/// Random bytes as the library takes them for itself.
pub fn fill(buffer: &mut [u8]) {
    if !from_application(buffer) {
        of_system(buffer);
    }
}

entry! {
    /// Random bytes. Without a buffer the generator begins anew.
    fn sqlite3_randomness(length: i32, buffer: *mut c_void) | (); {
        match usize::try_from(length) {
            Ok(length) if length > 0 && !buffer.is_null() => {
                // SAFETY: the interface's contract: a buffer of that length.
                fill(unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) });
            }
            _ => *GENERATOR.lock().unwrap_or_else(PoisonError::into_inner) = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_bytes_and_every_byte_of_a_seed_counts() {
        let bytes = |seed: &[u8]| {
            let mut bytes = [0; 20];
            Generator::new(seed).fill(&mut bytes);
            bytes
        };
        let zeros = [0; SEED];
        assert_eq!(bytes(&zeros), bytes(&zeros));
        for i in 0..SEED {
            let mut seed = zeros;
            seed[i] = 1;
            assert_ne!(bytes(&seed), bytes(&zeros), "{i}");
        }
    }
}

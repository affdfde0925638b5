//! Sums over vectors of numbers, with the widest instructions that the processor has.
//!
//! A stored vector is bytes at any address; the vector that it is measured against has been decoded to `f64` once, before
//! the first row. Everything is added up in `f64`, in lanes: no sum overflows where its `f32` elements did not, and every
//! result is far closer to the exact one than its elements are to what they stand for. That costs a scan little, since it
//! waits for memory.
//!
//! Loops are compiled twice: for the processors that every program for this target may count on, and for those that have
//! AVX2 and FMA, chosen at run time. `unsafe` is in the call of the latter and in their loads ([`avx2`]).
//!
//! | module     | subject                                        |
//! |------------|------------------------------------------------|
//! | `element`  | how an element is stored                       |
//! | `sums`     | the sums over elements                         |
//! | `avx2`     | the same with AVX2 and FMA                     |
//! | `bits`     | counts over vectors of one bit per element     |
//! | `running`  | two running sums over words, as checksums are  |
//! | `dispatch` | which build of a loop this processor gets      |

#[cfg(target_arch = "x86_64")]
mod avx2;
mod bits;
mod dispatch;
mod element;
mod running;
mod sums;

pub use bits::{both_ones, different_bits, either_ones};
pub use dispatch::{fetch_lines, fetch_soon, instruction_set};
pub use element::{Element, Stored};
pub use running::running_sums;
pub use sums::{Pair, Sums, decode, distance_squared, dot, dot_and_norm, minima_and_maxima, norm_squared, walk_all};

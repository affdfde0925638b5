//! Hostile files: valid databases, logs and journals with changes where they mean something, opened, read whole, written to and
//! checked. Whatever comes, there is an answer or an error: no panic, no hang, no memory without bound.
//!
//! | module    | what it does                                                              |
//! |-----------|---------------------------------------------------------------------------|
//! | `images`  | a pool of files that SQLite made, the same for everybody                    |
//! | `layout`  | where in such files something stands, and the checksums                     |
//! | `mutate`  | changes one of them                                                         |
//! | `work`    | what is done with it: by this engine in memory, by SQLite on the disk        |
//! | `compare` | why the two may answer differently                                          |
//! | `checks`  | what both say of a damaged database when they check it                      |
//!
//! A case is a kind, a seed and a number, and is the same wherever and whenever it runs. `cargo xtask hostile` runs millions, the
//! tests `hostile.rs` a sample.

pub mod checks;
pub mod compare;
pub mod images;
mod layout;
pub mod mutate;
pub mod work;

use crate::random::Rng;
use images::{Files, Kind};

/// One case, made.
pub struct Case {
    /// The files before anybody has opened them.
    pub files: Files,
    /// What is done with them.
    pub script: Vec<work::Task>,
    /// How our engine opens them.
    pub opening: work::Opening,
}

/// Makes the case of this number from a pool of its kind.
pub fn case(kind: Kind, pool: &[Files], seed: u64, number: u64) -> Case {
    let mut rng = Rng::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ number.wrapping_mul(3).wrapping_add(kind as u64));
    let mut files = rng.pick(pool).clone();
    mutate::mutate(kind, &mut files, &mut rng);
    let opening = work::Opening::choose(&mut rng);
    let script = work::script(kind, &mut rng);
    Case { files, script, opening }
}

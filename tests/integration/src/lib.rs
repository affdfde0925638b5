//! What the tests across crates share: both engines behind one trait, comparison of their answers, files, randomness.
//!
//! | module | subject |
//! |---|---|
//! | `engine` | [`Engine`]: our engine and bundled SQLite as "statement in, answer out" |
//! | `compare` | two answers, two databases: equal, or a text that says where they differ |
//! | `hostile` | damaged files, and what both engines make of them |
//! | `random` | a seeded generator, counts and seeds from the environment |
//! | `watchdog` | child processes with a time limit |
#![forbid(unsafe_code)]

pub mod compare;
pub mod engine;
pub mod hostile;
pub mod random;
pub mod watchdog;

pub use engine::{Answer, Engine, Ours, Stock};
pub use random::Rng;

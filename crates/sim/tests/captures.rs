//! Some histories of captured changes; `cargo xtask sim capture` runs as many as are asked for.

use turso_sim::capture::{Seen, history};

#[test]
fn replaying_what_was_captured_gives_what_was_recovered() {
    let mut seen = Seen::default();
    for seed in 1..=150 {
        match history(seed, false) {
            Ok(more) => seen.add(&more),
            Err(problem) => panic!("sim capture --seed {seed} --histories 1 --show: {problem}"),
        }
    }
    assert!(seen.changes > 3000 && seen.definitions > 600 && seen.failed > 1000, "{seen:?}");
    assert!(seen.power_losses > 30 && seen.deaths > 30 && seen.faults > 30 && seen.undone > 3, "{seen:?}");
}

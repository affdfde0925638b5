//! Bugs put back on purpose are found, each within a moment.

use std::path::Path;

use turso_sim::crash::{self, workload};
use turso_sim::disk::Faults;
use turso_sim::hunt::{Action, Change, End, Epoch, Plan, Shape, execute};
use turso_storage::planted::{Planted, plant};

fn by_simulation(from: u64) -> Option<String> {
    (from..from + 100).find_map(|seed| execute(&Plan::new(seed, Shape::default()), Path::new("/simulated"), None).err())
}

/// The rarest: one process does nothing but checkpoints, another commits and copies in turn. (`sim hunt --planted` finds it too,
/// within a minute or so.)
fn by_busy_checkpoints() -> Option<String> {
    let copy = Action::Checkpoint("passive");
    let commit = Action::Write { immediate: true, changes: vec![Change::Put(1)], undo_from: None, gives_up: false };
    let works: Vec<Action> = (0..15).flat_map(|_| [commit.clone(), copy.clone()]).collect();
    let processes = vec![vec![vec![copy; 30]], vec![works]];
    (1..=300).find_map(|seed| {
        let epoch = Epoch { processes: processes.clone(), faults: Faults::default(), end: End::Clean };
        let plan = Plan {
            mode: "wal",
            synchronous: "full",
            autocheckpoint: 0,
            turn: 200,
            epochs: vec![epoch],
            ..Plan::new(seed, Shape::default())
        };
        execute(&plan, Path::new("/simulated"), None).err()
    })
}

fn by_enumeration() -> Option<String> {
    let plan = crash::Plan { seed: 1, per_moment: 24, random: 8, again_every: 0, stock_every: 0 };
    workload::all().iter().find_map(|workload| crash::run(workload, plan, Path::new("/simulated"), None).err())
}

/// One test: the bug is in the whole process.
#[test]
fn every_planted_bug_is_found() {
    for bug in Planted::OF_FILES {
        plant(Some(bug));
        let found = match bug {
            Planted::SkippedSync | Planted::WrongSaltCheck | Planted::LostSpilledPage => by_enumeration(),
            Planted::CheckpointPastReaders => by_simulation(1),
            _ => by_busy_checkpoints(),
        };
        plant(None);
        assert!(found.is_some(), "{bug:?} was not found");
    }
}

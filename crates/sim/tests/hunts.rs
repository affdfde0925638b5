//! A few seeds of the simulation; the same seed does the same.

use std::path::Path;

use turso_sim::hunt::{Plan, Report, Shape, execute};

#[test]
fn seeds_find_nothing_and_repeat_exactly() {
    let directory = Path::new("/simulated");
    let mut total = Report::default();
    for seed in 1..=10 {
        let plan = Plan::new(seed, Shape::default());
        let first = execute(&plan, directory, None).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        if seed <= 3 {
            let again = execute(&plan, directory, None).unwrap_or_else(|e| panic!("seed {seed}, again: {e}"));
            assert_eq!(first.digest, again.digest, "seed {seed} is not repeated");
        }
        total.add(&first);
    }
    assert!(total.commits > 100 && total.concurrent > 20 && total.reads > 300 && total.switches > 100, "{total:?}");
    assert!(total.counts.faults.values().sum::<u64>() > 5, "{total:?}");
}

/// Plans whose connections change the journal mode, and plans whose disk reports syncs that have not happened.
#[test]
fn modes_change_and_disks_lie() {
    let mut total = Report::default();
    for seed in (5..60).step_by(8).flat_map(|seed| [seed, seed + 1]) {
        let plan = Plan::new(seed, Shape::default());
        assert_eq!(plan.changes_mode, seed % 8 == 5);
        total.add(&execute(&plan, Path::new("/simulated"), None).unwrap_or_else(|e| panic!("seed {seed}: {e}")));
    }
    assert!(total.commits > 100 && total.counts.faults.get("sync lied").is_some_and(|lies| *lies > 20), "{total:?}");
}

/// The last one there waits for the pause to be over in which other processes may have the write lock; only time ends it.
#[test]
fn time_passes_while_everybody_waits() {
    execute(&Plan::new(1_795_815_821_495, Shape::default()), Path::new("/simulated"), None).expect("it ends");
}

/// A COMMIT that failed and the one that took its number leave the same rows: who sees these has seen the second.
#[test]
fn two_transactions_that_leave_the_same_rows_are_told_apart_by_their_reports() {
    execute(&Plan::new(1_795_826_249_369, Shape::default()), Path::new("/simulated"), None).expect("nothing is wrong");
}

/// A connection that leaves the log waits in the middle; others, which found the log closed, asked for it again and again meanwhile.
#[test]
fn nobody_waits_in_a_loop_for_a_log_that_is_being_left() {
    let plan = Plan::new(1_795_840_864_957, Shape::default());
    assert!(plan.changes_mode);
    execute(&plan, Path::new("/simulated"), None).unwrap();
}

//! A plan that fails, made small: whatever can be left out while it still fails is.

use std::path::Path;
use std::time::{Duration, Instant};

use super::plan::{End, Plan};
use super::run::execute;
use crate::disk::Faults;

/// Tries for so long; answers the smallest plan found and what is wrong with it.
pub fn shrink(plan: &Plan, directory: &Path, time: Duration) -> (Plan, String) {
    let until = Instant::now() + time;
    let mut best = plan.clone();
    let mut why = execute(plan, directory, None).err().unwrap_or_else(|| "it did not fail again".into());
    loop {
        let before = weight(&best);
        for candidate in smaller(&best) {
            if Instant::now() > until {
                return (best, why);
            }
            if weight(&candidate) < before
                && let Err(error) = execute(&candidate, directory, None)
            {
                (best, why) = (candidate, error);
                break;
            }
        }
        if weight(&best) == before {
            return (best, why);
        }
    }
}

/// How much there is in a plan.
fn weight(plan: &Plan) -> usize {
    let ends = plan.epochs.iter().filter(|epoch| epoch.end != End::Clean).count();
    let faults = plan.epochs.iter().filter(|epoch| epoch.faults.at_most > 0).count();
    plan.size() + plan.epochs.len() + ends + faults
}

/// Plans with something left out, large parts first.
fn smaller(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Plan)| {
        let mut candidate = plan.clone();
        change(&mut candidate);
        all.push(candidate);
    };
    for epoch in (0..plan.epochs.len()).rev().filter(|_| plan.epochs.len() > 1) {
        with(&|p| drop(p.epochs.remove(epoch)));
    }
    for epoch in 0..plan.epochs.len() {
        let processes = &plan.epochs[epoch].processes;
        for process in 0..processes.len() {
            if processes[process].iter().any(|actions| !actions.is_empty()) {
                with(&|p| p.epochs[epoch].processes[process].iter_mut().for_each(Vec::clear));
            }
            for connection in 0..processes[process].len() {
                let count = processes[process][connection].len();
                if count > 1 {
                    with(&|p| p.epochs[epoch].processes[process][connection].truncate(count / 2));
                    with(&|p| drop(p.epochs[epoch].processes[process][connection].drain(..count / 2)));
                }
                for action in (0..count).rev() {
                    with(&|p| drop(p.epochs[epoch].processes[process][connection].remove(action)));
                }
            }
        }
        if plan.epochs[epoch].faults.at_most > 0 {
            with(&|p| p.epochs[epoch].faults = Faults::default());
        }
        if plan.epochs[epoch].end != End::Clean {
            with(&|p| p.epochs[epoch].end = End::Clean);
        }
    }
    all
}

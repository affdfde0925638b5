//! One process runs at a time, on a thread of its own, and hands the baton on where chance says so: at any call of the back end.
//!
//! A thread per process lets the other processes run in the middle of a checkpoint or a commit that blocks; the baton makes of
//! them one sequence, which the seed decides.

use std::sync::{Condvar, Mutex, MutexGuard};

use crate::random::Random;

/// See the module's documentation.
pub struct Baton {
    state: Mutex<State>,
    turns: Vec<Condvar>,
}

struct State {
    holder: usize,
    here: Vec<bool>,
    random: Random,
    /// Calls until the baton goes on, and the bound of those that are drawn.
    left: usize,
    longest: usize,
    passed: u64,
}

impl Baton {
    /// For so many processes; the first begins. Turns last at most `longest` calls: some are short, so that a process is stopped
    /// in the middle of something, and some long, so that another gets everything done meanwhile.
    pub fn new(processes: usize, random: Random, longest: usize) -> Self {
        let state = State { holder: 0, here: vec![true; processes], random, left: 0, longest, passed: 0 };
        Self { state: Mutex::new(state), turns: (0..processes).map(|_| Condvar::new()).collect() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// How often it has changed hands.
    pub fn passed(&self) -> u64 {
        self.state().passed
    }

    /// Waits for the first turn.
    pub fn begin(&self, me: usize) {
        self.wait(self.state(), me);
    }

    fn wait(&self, mut state: MutexGuard<'_, State>, me: usize) {
        while state.holder != me {
            state = self.turns[me].wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    /// A moment at which others may run. A `delicate` one is between two looks at what all share: there a process is stopped more
    /// often, and the other has the time to do much.
    pub fn moment(&self, me: usize, delicate: bool) {
        let mut state = self.state();
        let stopped = delicate && state.random.chance(800);
        if state.left > 0 && !stopped {
            state.left -= 1;
        } else {
            self.pass(state, me, stopped);
        }
    }

    fn pass(&self, mut state: MutexGuard<'_, State>, me: usize, long: bool) {
        let others: Vec<usize> = (0..state.here.len()).filter(|i| *i != me && state.here[*i]).collect();
        if others.is_empty() {
            return;
        }
        let bound = if long { 200 } else { (*state.random.pick(&[2, 5, 12, 50, 200])).min(state.longest) };
        state.left = state.random.below(bound);
        let next = *state.random.pick(&others);
        state.holder = next;
        state.passed += 1;
        self.turns[next].notify_one();
        if state.here[me] {
            self.wait(state, me);
        }
    }

    /// The process has ended.
    pub fn leave(&self, me: usize) {
        let mut state = self.state();
        state.here[me] = false;
        self.pass(state, me, false);
    }
}

//! What everybody will do, and what will go wrong.

use crate::disk::Faults;
use crate::random::Random;

/// Keys of the table.
pub const KEYS: usize = 40;

/// How large plans are, and what they hold.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Times that the machine is started.
    pub epochs: usize,
    /// Processes at most.
    pub processes: usize,
    /// Connections of a process at most.
    pub connections: usize,
    /// What a connection does.
    pub actions: usize,
    /// Things go wrong.
    pub faults: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self { epochs: 4, processes: 3, connections: 3, actions: 20, faults: true }
    }
}

/// A change of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Insert or replace.
    Put(usize),
    /// Update where it is there.
    Touch(usize),
    /// Delete where it is there.
    Remove(usize),
    /// Delete a range of keys.
    RemoveFrom(usize),
}

impl Change {
    fn key(self) -> usize {
        match self {
            Change::Put(key) | Change::Touch(key) | Change::Remove(key) | Change::RemoveFrom(key) => key,
        }
    }
}

/// What a connection does.
#[derive(Debug, Clone)]
pub enum Action {
    /// A transaction.
    Write {
        /// `BEGIN IMMEDIATE`.
        immediate: bool,
        /// What it changes.
        changes: Vec<Change>,
        /// From this change on it is undone by a savepoint.
        undo_from: Option<usize>,
        /// It ends with ROLLBACK.
        gives_up: bool,
    },
    /// A concurrent transaction that writes these rows; it may end with ROLLBACK.
    Concurrent(Vec<usize>, bool),
    /// One statement that reads what concurrent transactions write.
    ScanConcurrent,
    /// A transaction that reads everything twice.
    Read,
    /// One statement that reads everything, row by row; by the index.
    Scan(bool),
    /// `PRAGMA wal_checkpoint`.
    Checkpoint(&'static str),
    /// `PRAGMA integrity_check`.
    Integrity,
    /// `VACUUM`.
    Vacuum,
    /// `PRAGMA incremental_vacuum`.
    IncrementalVacuum,
    /// `PRAGMA journal_mode`.
    Mode(&'static str),
    /// The connection closes and opens again.
    Reopen,
}

/// How an epoch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Everybody finishes and closes.
    Clean,
    /// The power goes after so many calls.
    Power(u64),
    /// A process dies after so many calls; the others go on.
    Death(usize, u64),
    /// All processes die when everything is done, without closing.
    AllDie,
}

/// One life of the machine.
#[derive(Debug, Clone)]
pub struct Epoch {
    /// What the connections of each process do.
    pub processes: Vec<Vec<Vec<Action>>>,
    /// What goes wrong.
    pub faults: Faults,
    /// How it ends.
    pub end: End,
}

/// Everything about a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Decides the order and what is left to chance.
    pub seed: u64,
    /// `PRAGMA journal_mode`.
    pub mode: &'static str,
    /// Connections change it.
    pub changes_mode: bool,
    /// Concurrent transactions also insert batches of rows and remove those of others: pages are split and merged.
    pub batches: bool,
    /// `PRAGMA synchronous`.
    pub synchronous: &'static str,
    /// `PRAGMA page_size`.
    pub page_size: u32,
    /// `PRAGMA auto_vacuum`.
    pub auto_vacuum: u32,
    /// Bytes of a sector.
    pub sector: u32,
    /// Reads and commits wait.
    pub pending: bool,
    /// Small caches, and transactions that spill.
    pub tight: bool,
    /// `PRAGMA wal_autocheckpoint`.
    pub autocheckpoint: u32,
    /// Calls after which another process goes on, at most.
    pub turn: usize,
    /// The lives of the machine.
    pub epochs: Vec<Epoch>,
}

const MODES: &[(&str, &str)] = &[
    ("wal", "full"),
    ("wal", "full"),
    ("wal", "full"),
    ("wal", "normal"),
    ("delete", "full"),
    ("delete", "extra"),
    ("delete", "normal"),
    ("truncate", "full"),
    ("persist", "full"),
    ("persist", "normal"),
];

impl Plan {
    /// The plan of a seed.
    pub fn new(seed: u64, shape: Shape) -> Self {
        let random = &mut Random::part(seed, 7);
        let (mode, synchronous) = *random.pick(MODES);
        let mut plan = Self {
            seed,
            mode,
            changes_mode: false,
            batches: false,
            synchronous,
            page_size: *random.pick(&[512, 512, 1024, 4096]),
            auto_vacuum: *random.pick(&[0, 0, 1, 2]),
            sector: *random.pick(&[512, 512, 4096]),
            pending: random.chance(5000),
            tight: random.chance(5000),
            autocheckpoint: *random.pick(&[0, 4, 10, 30, 1000]),
            turn: *random.pick(&[6, 30, 200, 200]),
            epochs: (0..shape.epochs).map(|_| epoch(random, shape)).collect(),
        };
        // Of eight plans one or two each: the plans of all other seeds stay what they were.
        match seed % 8 {
            2 | 3 => plan.want_batches(),
            5 => plan.change_modes(&mut Random::part(seed, 8)),
            6 if shape.faults => plan.let_disk_lie(&mut Random::part(seed, 9)),
            _ => {}
        }
        plan
    }

    /// Concurrent transactions take the place of most others.
    fn want_batches(&mut self) {
        (self.batches, self.mode) = (true, "wal");
        for actions in self.epochs.iter_mut().flat_map(|epoch| &mut epoch.processes).flatten() {
            for (at, action) in actions.iter_mut().enumerate() {
                if let Action::Write { changes, gives_up, .. } = action
                    && at % 4 > 0
                {
                    let keys = changes.iter().take(2).map(|change| change.key()).collect();
                    *action = Action::Concurrent(keys, *gives_up);
                }
            }
        }
    }

    /// Now and then a connection changes the journal mode. All of them last under the strictest syncs, whichever is in force.
    fn change_modes(&mut self, random: &mut Random) {
        self.changes_mode = true;
        self.synchronous = "extra";
        for actions in self.epochs.iter_mut().flat_map(|epoch| &mut epoch.processes).flatten() {
            for _ in 0..1 + actions.len() / 8 {
                let mode = *random.pick(&["wal", "wal", "delete", "truncate", "persist"]);
                actions.insert(random.below(actions.len() + 1), Action::Mode(mode));
            }
        }
    }

    /// Syncs that are reported and have not happened: nobody notices, unless the power goes.
    fn let_disk_lie(&mut self, random: &mut Random) {
        for epoch in &mut self.epochs {
            epoch.faults.lying_sync = *random.pick(&[100, 1000, 5000]);
            epoch.faults.at_most = epoch.faults.at_most.max(50);
        }
    }

    /// Actions in all.
    pub fn size(&self) -> usize {
        self.epochs.iter().flat_map(|e| &e.processes).flatten().map(Vec::len).sum()
    }
}

fn epoch(random: &mut Random, shape: Shape) -> Epoch {
    let processes: Vec<Vec<Vec<Action>>> = (0..1 + random.below(shape.processes))
        .map(|_| {
            let connections = 1 + random.below(shape.connections);
            (0..connections).map(|_| (0..1 + random.below(shape.actions)).map(|_| action(random)).collect()).collect()
        })
        .collect();
    let mut faults = Faults::default();
    if shape.faults && random.chance(4000) {
        let rate = *random.pick(&[20, 100, 400]);
        let mut one = |n: u32| if random.chance(n) { rate } else { 0 };
        faults = Faults {
            read: one(3000),
            write: one(5000),
            sync: one(5000),
            full: one(3000),
            names: one(3000),
            lying_sync: 0,
            at_most: 6,
        };
    }
    // Early ones meet the machine at its start, late ones after everything has been closed.
    let calls = 20 + random.below(*random.clone().pick(&[100, 600, 2500])) as u64;
    let end = match random.below(if shape.faults { 8 } else { 1 }) {
        0 | 1 => End::Clean,
        2 => End::AllDie,
        3 | 4 => End::Death(random.below(processes.len()), calls),
        _ => End::Power(calls),
    };
    Epoch { processes, faults, end }
}

fn action(random: &mut Random) -> Action {
    match random.below(52) {
        0..=17 => {
            let count = if random.chance(800) { 30 } else { 1 + random.below(5) };
            let changes: Vec<Change> = (0..count)
                .map(|_| {
                    let key = random.below(KEYS);
                    match random.below(12) {
                        0..=5 => Change::Put(key),
                        6..=8 => Change::Touch(key),
                        9 | 10 => Change::Remove(key),
                        _ => Change::RemoveFrom(key),
                    }
                })
                .collect();
            let undo_from = if random.chance(1500) { Some(random.below(changes.len())) } else { None };
            Action::Write { immediate: random.chance(6000), changes, undo_from, gives_up: random.chance(1000) }
        }
        18..=23 => Action::Read,
        24..=29 => Action::Scan(random.chance(5000)),
        30..=34 => Action::Checkpoint(*random.pick(&["passive", "passive", "full", "restart", "truncate"])),
        35 => Action::Integrity,
        36 => Action::Vacuum,
        37 => Action::IncrementalVacuum,
        38..=47 => {
            let keys = (0..1 + random.below(4)).map(|_| random.below(KEYS)).collect();
            Action::Concurrent(keys, random.chance(1000))
        }
        48..=50 => Action::ScanConcurrent,
        _ => Action::Reopen,
    }
}

//! A workload, run once on a machine that keeps the list of what reached its disk, and once on SQLite in memory, which says what
//! each step makes of the data.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use turso_core::Connection;

use super::workload::{Step, Who, Workload};
use crate::disk::{Machine, Settings};
use crate::engines;
use crate::platter::{Event, Files};

/// What a run left.
pub struct Recording {
    /// The databases, main first.
    pub databases: Vec<PathBuf>,
    /// What was there, durably, before.
    pub base: Files,
    /// What happened; the end of step n is the mark n.
    pub events: Vec<Event>,
    /// The digest of the committed data after each step; 0 is before the first.
    pub states: Vec<u64>,
    /// The same, to be read.
    pub dumps: Vec<Vec<String>>,
}

/// Connections of ours, as the steps name them.
struct Ours<'a> {
    workload: &'a Workload,
    machine: Arc<Machine>,
    databases: Vec<PathBuf>,
    open: BTreeMap<Who, Connection>,
    /// One back end per process: two connections of a process share it.
    processes: BTreeMap<usize, Arc<dyn turso_io::Io>>,
}

fn process_of(who: Who) -> usize {
    match who {
        Who::First | Who::Second => 0,
        Who::Other => 1,
        Who::Reader => 2,
    }
}

impl Ours<'_> {
    fn connection(&mut self, who: Who) -> Result<Connection, String> {
        if let Some(connection) = self.open.get(&who) {
            return Ok(connection.clone());
        }
        let process = process_of(who);
        let io = self.processes.entry(process).or_insert_with(|| self.machine.process(process)).clone();
        let db = engines::open(&io, &self.databases[0], self.workload.cache_pages, false)?;
        let connection = db.connect().map_err(|e| format!("{e:?}"))?;
        for (i, path) in self.databases.iter().enumerate().skip(1) {
            engines::run(&connection, &format!("ATTACH '{}' AS aux{i}", path.display()))?;
        }
        let names = engines::names(self.databases.len());
        for name in &names {
            engines::run(&connection, &format!("PRAGMA {name}.page_size = {}", self.workload.page_size))?;
        }
        for sql in self.workload.first.iter().chain(&self.workload.each) {
            engines::run(&connection, sql)?;
        }
        for name in &names {
            engines::run(&connection, &format!("PRAGMA {name}.journal_mode = {}", self.workload.mode))?;
            engines::run(&connection, &format!("PRAGMA {name}.synchronous = {}", self.workload.synchronous))?;
        }
        self.open.insert(who, connection.clone());
        Ok(connection)
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        if step.sql == "@close" {
            self.open.retain(|who, _| process_of(*who) != process_of(step.who));
            return Ok(());
        }
        let connection = self.connection(step.who)?;
        engines::run(&connection, &step.sql).map(drop)
    }
}

fn model(workload: &Workload) -> Result<rusqlite::Connection, String> {
    let model = rusqlite::Connection::open_in_memory().map_err(|e| e.to_string())?;
    for i in 1..workload.databases {
        engines::run_stock(&model, &format!("ATTACH ':memory:' AS aux{i}"))?;
    }
    for sql in &workload.first {
        engines::run_stock(&model, sql)?;
    }
    for sql in &workload.setup {
        engines::run_stock(&model, sql)?;
    }
    Ok(model)
}

/// The databases of a workload below a directory.
pub fn paths(directory: &Path, count: usize) -> Vec<PathBuf> {
    engines::names(count).iter().map(|name| directory.join(format!("{name}.db"))).collect()
}

/// Runs a workload whose files have names below `directory`.
pub fn record(workload: &Workload, directory: &Path, seed: u64) -> Result<Recording, String> {
    let databases = paths(directory, workload.databases);
    let ours = |machine: &Arc<Machine>| Ours {
        workload,
        machine: machine.clone(),
        databases: databases.clone(),
        open: BTreeMap::new(),
        processes: BTreeMap::new(),
    };
    let mut base = Files::new();
    if !workload.setup.is_empty() {
        let machine = Machine::new(&Files::new(), Settings { seed, ..Settings::default() });
        let mut before = ours(&machine);
        for sql in &workload.setup {
            before.step(&Step { who: Who::First, sql: sql.clone() })?;
        }
        drop(before);
        base = machine.files();
    }
    let model = model(workload)?;
    let names = engines::names(workload.databases);
    let look = |model: &rusqlite::Connection| engines::dump(&names, &mut |sql| engines::run_stock(model, sql));
    let mut dumps = vec![look(&model)?];

    let machine = Machine::new(&base, Settings { seed: seed + 1, record: true, ..Settings::default() });
    let mut run = ours(&machine);
    for (i, step) in workload.steps.iter().enumerate() {
        run.step(step).map_err(|e| format!("step {}: {e}", i + 1))?;
        machine.mark(i as u32 + 1);
        if step.who != Who::Reader && step.sql != "@close" {
            engines::run_stock(&model, &step.sql)?;
        }
        dumps.push(if model.is_autocommit() { look(&model)? } else { dumps[i].clone() });
    }
    let events = machine.take_events();
    // What closing does is not part of it.
    (0..3).for_each(|process| machine.kill(process));
    drop(run);
    let states = dumps.iter().map(|lines| engines::digest(lines)).collect();
    Ok(Recording { databases, base, events, states, dumps })
}

//! A plan, executed: the lives of the machine one after the other, and what is found after each.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use turso_core::StepResult;

use super::baton::Baton;
use super::chains::Chains;
use super::client::{self, Shared, rows_of, see_concurrent};
use super::model::{Lasting, Model, Rows};
use super::plan::{End, Epoch, Plan};
use crate::crash::guarantee::Guarantee;
use crate::crash::stock::Stock;
use crate::disk::{Call, Counts, Faults, Machine, Settings};
use crate::engines;
use crate::platter::Files;
use crate::random::{Digest, Random};

/// What a run has seen.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Calls, faults, locks.
    pub counts: Counts,
    /// Errors that statements ended with.
    pub errors: BTreeMap<String, u64>,
    /// Reads checked.
    pub reads: u64,
    /// Commits reported.
    pub commits: u64,
    /// Commits of concurrent transactions.
    pub concurrent: u64,
    /// Times that another process went on.
    pub switches: u64,
    /// Lives of machines.
    pub epochs: u64,
    /// Times that SQLite looked at the files.
    pub stock: u64,
    /// The same for the same plan.
    pub digest: u64,
}

impl Report {
    /// Takes in another run.
    pub fn add(&mut self, other: &Report) {
        self.take(&other.counts, &other.errors);
        self.reads += other.reads;
        self.commits += other.commits;
        self.concurrent += other.concurrent;
        self.switches += other.switches;
        self.epochs += other.epochs;
        self.stock += other.stock;
    }

    fn take(&mut self, counts: &Counts, errors: &BTreeMap<String, u64>) {
        for (call, n) in &counts.calls {
            *self.counts.calls.entry(*call).or_default() += n;
        }
        for (name, n) in &counts.faults {
            *self.counts.faults.entry(name).or_default() += n;
        }
        for (name, n) in &counts.locks {
            *self.counts.locks.entry(name).or_default() += n;
        }
        for (name, n) in errors {
            *self.errors.entry(name.clone()).or_default() += n;
        }
    }
}

fn take<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Executes a plan on files below `directory`; the error says what was wrong.
pub fn execute(plan: &Plan, directory: &Path, mut stock: Option<&mut Stock>) -> Result<Report, String> {
    let path = directory.join("main.db");
    let machine = Machine::new(&Files::new(), Settings { seed: plan.seed, ..Settings::default() });
    client::create(plan, &machine.process(0), &path)?;
    let mut files = machine.files();
    let mut model = (Model::begin(0, Rows::new()), Chains::default());
    let mut report = Report::default();
    let mut digest = Digest::default();
    for (no, epoch) in plan.epochs.iter().enumerate() {
        report.epochs += 1;
        let seed = Random::part(plan.seed, 1000 + no as u64).bits();
        let (left, end) =
            live(plan, epoch, seed, &files, &path, model, &mut report).map_err(|e| format!("epoch {no}: {e}"))?;
        files = end;
        model = left;
        if epoch.faults.lying_sync > 0 && matches!(epoch.end, End::Power(_)) {
            // Nothing is promised of what is left, but that whoever opens it gets an answer or an error.
            match look(&files, &path, plan.batches) {
                Err(what) if what == PANIC => return Err(format!("after epoch {no}, on a disk that lied: {what}")),
                _ => break,
            }
        }
        let lasting = match (epoch.end, Guarantee::of(plan.mode, plan.synchronous)) {
            (End::Power(_), Guarantee::All) => Lasting::All,
            (End::Power(_), Guarantee::AllButLast) => Lasting::AllButLast,
            (End::Power(_), _) => Lasting::Prefix,
            _ => Lasting::All,
        };
        let when = |e: String| format!("after epoch {no} ({:?}): {e}", epoch.end);
        let (seq, rows, concurrent, all) = look(&files, &path, plan.batches).map_err(when)?;
        if no % 3 == 0
            && let Some(stock) = &mut stock
        {
            report.stock += 1;
            if stock.look(&files, 1).map_err(when)? != all {
                return Err(when("SQLite finds other rows".into()));
            }
        }
        model.0.found(seq, &rows, lasting).map_err(when)?;
        model.1.found(&concurrent, lasting).map_err(when)?;
        digest.add(seq as u64);
        digest.add(crate::crash::check::digest_of(&files));
    }
    report.reads = model.0.reads;
    report.commits = model.0.commits;
    report.concurrent = model.1.commits;
    for (call, n) in &report.counts.calls {
        digest.add(*call as u64);
        digest.add(*n);
    }
    report.digest = digest.value();
    Ok(report)
}

/// One life: from the start of the processes to the end of the last one, or of the power.
fn live(
    plan: &Plan,
    epoch: &Epoch,
    seed: u64,
    files: &Files,
    path: &Path,
    model: (Model, Chains),
    report: &mut Report,
) -> Result<((Model, Chains), Files), String> {
    let processes = epoch.processes.len();
    let baton = Arc::new(Baton::new(processes, Random::part(seed, 3), plan.turn));
    let handed = baton.clone();
    let machine = Machine::new(
        files,
        Settings {
            seed,
            record: false,
            sector: Some(plan.sector),
            pending: plan.pending,
            between: Some(Arc::new(move |process, call| handed.moment(process, call == Call::Barrier))),
        },
    );
    if Guarantee::needs_ordered_journals(plan.mode, plan.synchronous) {
        machine.keep_journals_in_order();
    }
    machine.set_faults(epoch.faults);
    match epoch.end {
        End::Power(calls) => machine.lose_power_after(calls),
        End::Death(process, calls) => machine.kill_after(process, calls),
        End::Clean | End::AllDie => {}
    }
    let shared = Shared {
        plan: plan.clone(),
        machine: machine.clone(),
        model: Mutex::new(model.0),
        chains: Mutex::new(model.1),
        wrong: Mutex::new(None),
        errors: Mutex::default(),
        faultless: epoch.faults.at_most == 0,
    };
    std::thread::scope(|scope| {
        for (process, connections) in epoch.processes.iter().enumerate() {
            let (shared, baton, machine) = (&shared, &baton, &machine);
            scope.spawn(move || {
                baton.begin(process);
                let ran = catch_unwind(AssertUnwindSafe(|| client::run(shared, process, connections, path, seed)));
                if ran.is_err() {
                    shared.fail(format!("a panic in process {process}"));
                }
                if epoch.end == End::AllDie {
                    machine.kill(process);
                }
                baton.leave(process);
            });
        }
    });
    report.switches += baton.passed();
    report.take(&machine.counts(), &take(shared.errors));
    if let Some(wrong) = take(shared.wrong) {
        return Err(wrong);
    }
    let left = if machine.has_lost_power() { machine.after_power_loss() } else { machine.files() };
    machine.set_faults(Faults::default());
    Ok(((take(shared.model), take(shared.chains)), left))
}

/// What [`look`] says of a panic.
const PANIC: &str = "a panic";

/// What a process finds that has the machine for itself; the last is the digest of everything.
fn look(files: &Files, path: &Path, batches: bool) -> Result<(i64, Rows, Rows, u64), String> {
    let machine = Machine::new(files, Settings::default());
    let io = machine.process(0);
    let looked = catch_unwind(AssertUnwindSafe(|| {
        let connection = engines::open(&io, path, None, false)?.connect().map_err(|e| format!("{e:?}"))?;
        let names = engines::names(1);
        engines::integrity(&names, &mut |sql| engines::run(&connection, sql))?;
        let query = |sql: &str| -> Result<Vec<Vec<turso_core::Value>>, String> {
            let failed = |e: turso_core::Error| format!("{sql}: {e:?}");
            let mut rows = Vec::new();
            if let Some(mut statement) = connection.prepare(sql).map_err(failed)?.statement {
                while statement.step().map_err(failed)? == StepResult::Row {
                    rows.push(statement.row().to_vec());
                }
            }
            Ok(rows)
        };
        let seq = match query("SELECT seq FROM meta")?.first().and_then(|row| row.first().cloned()) {
            Some(turso_core::Value::Integer(seq)) => seq,
            other => return Err(format!("meta holds {other:?}")),
        };
        let rows = rows_of(&query("SELECT k, s, v FROM t")?, 0)?;
        let all = engines::dump(&names, &mut |sql| engines::run(&connection, sql))?;
        Ok((seq, rows, rows_of(&query(see_concurrent(batches))?, 0)?, engines::digest(&all)))
    }));
    looked.unwrap_or_else(|_| Err(PANIC.into()))
}

//! Crash enumeration: scripted workloads, every state that a disk may be found in, each recovered and compared with a model.
//!
//! ```text
//!   workload.rs    what is done            guarantee.rs   what must hold after
//!   record.rs      done, and what reached the disk
//!   enumerate.rs   the states               platter.rs (above)   what a state is
//!   check.rs       a state, opened by this engine
//!   stock.rs       a state, opened by SQLite
//! ```

pub mod check;
pub mod enumerate;
pub mod guarantee;
pub mod record;
pub mod stock;
pub mod workload;

use std::path::Path;

use check::{Checker, PANIC};
use enumerate::{Coverage, Found, Limits, enumerate};
use guarantee::Guarantee;
use record::{Recording, record};
use stock::Stock;
use workload::Workload;

use crate::platter::{Fate, Platter, Unit};

/// How far a campaign goes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides what is left to chance.
    pub seed: u64,
    /// States of a moment at most.
    pub per_moment: usize,
    /// Of these, left to chance at least.
    pub random: usize,
    /// Of so many different states, one is recovered while the power goes again; 0: none.
    pub again_every: u64,
    /// Of so many different states, SQLite opens one; 0: none.
    pub stock_every: u64,
}

/// What a campaign has seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// Workloads.
    pub workloads: u64,
    /// Moments at which the power went.
    pub moments: u64,
    /// Of these, those of which all combinations were visited.
    pub exhaustive: u64,
    /// States.
    pub states: u64,
    /// Of these, states within a recovery.
    pub again: u64,
    /// Different ones.
    pub distinct: u64,
    /// States that SQLite opened.
    pub stock: u64,
}

impl Totals {
    /// Takes in another campaign.
    pub fn add(&mut self, other: &Totals) {
        self.workloads += other.workloads;
        self.moments += other.moments;
        self.exhaustive += other.exhaustive;
        self.states += other.states;
        self.again += other.again;
        self.distinct += other.distinct;
        self.stock += other.stock;
    }

    fn cover(&mut self, coverage: Coverage) {
        self.moments += coverage.moments;
        self.exhaustive += coverage.exhaustive;
        self.states += coverage.states;
    }
}

/// Runs a workload and looks at the states it may leave; the error says which and why. Its files have names below
/// `directory`, which is where SQLite's process puts them.
pub fn run(workload: &Workload, plan: Plan, directory: &Path, stock: Option<&mut Stock>) -> Result<Totals, String> {
    let recording = record(workload, directory, plan.seed).map_err(|e| format!("{}: {e}", workload.name))?;
    let mut totals = Totals { workloads: 1, ..Totals::default() };
    let mut campaign = Campaign {
        workload,
        recording: &recording,
        plan,
        checker: Checker::new(&recording.databases),
        stock,
        totals: &mut totals,
        fresh: 0,
    };
    // With sectors as large as pages more can be visited without a gap; with the smallest ones pages tear.
    let mut sectors = vec![512, workload.page_size.max(512)];
    sectors.dedup();
    for sector in sectors {
        campaign.visit_all(sector)?;
    }
    let distinct = campaign.checker.distinct();
    totals.distinct = distinct as u64;
    Ok(totals)
}

struct Campaign<'a> {
    workload: &'a Workload,
    recording: &'a Recording,
    plan: Plan,
    checker: Checker,
    stock: Option<&'a mut Stock>,
    totals: &'a mut Totals,
    fresh: u64,
}

impl Campaign<'_> {
    fn visit_all(&mut self, sector: u32) -> Result<(), String> {
        let recording = self.recording;
        let limits = Limits {
            sector,
            exhaustive_units: 20,
            per_moment: self.plan.per_moment,
            random: self.plan.random,
            seed: self.plan.seed ^ u64::from(sector),
            journals_in_order: self.workload.needs_ordered_journals(),
        };
        let guarantee = self.workload.guarantee;
        let visit = &mut |found: &Found<'_>| {
            self.look(found, guarantee).map_err(|e| describe(self.workload, recording, sector, found, &e))
        };
        let coverage = enumerate(&recording.base, &recording.events, guarantee, &recording.states, limits, visit)?;
        self.totals.cover(coverage);
        Ok(())
    }

    fn look(&mut self, found: &Found<'_>, guarantee: Guarantee) -> Result<(), String> {
        let (rows, fresh) = self.checker.check(found.files);
        if !found.process_death && !guarantee.survives_power_loss() {
            // Whatever is found: an answer or an error.
            return rows.map(drop).or_else(|error| if error == PANIC { Err(error) } else { Ok(()) });
        }
        let rows = rows?;
        let allowed = &self.recording.states[found.lower..=found.upper];
        if !allowed.contains(&rows) {
            let other = self.recording.states.iter().position(|state| *state == rows);
            return Err(match other {
                Some(step) => format!("the state of step {step} is there, not of {}..={}", found.lower, found.upper),
                None => "what is there was never committed".to_owned(),
            });
        }
        if !fresh {
            return Ok(());
        }
        self.fresh += 1;
        if self.plan.stock_every > 0
            && self.fresh.is_multiple_of(self.plan.stock_every)
            && let Some(stock) = &mut self.stock
        {
            self.totals.stock += 1;
            let theirs = stock.look(found.files, self.recording.databases.len())?;
            if theirs != rows {
                return Err("SQLite finds other rows".into());
            }
        }
        if self.plan.again_every > 0 && self.fresh.is_multiple_of(self.plan.again_every) {
            self.again(found, rows)?;
        }
        Ok(())
    }

    /// The power goes again while the state is recovered: what is found then is the same.
    fn again(&mut self, found: &Found<'_>, rows: u64) -> Result<(), String> {
        let events = self.checker.events_of_recovery(found.files);
        let limits = Limits {
            sector: 512,
            exhaustive_units: 6,
            per_moment: 64,
            random: 16,
            seed: self.plan.seed ^ self.fresh,
            journals_in_order: false,
        };
        let checker = &mut self.checker;
        let visit = &mut |again: &Found<'_>| match checker.check(again.files).0 {
            Ok(again) if again == rows => Ok(()),
            Ok(_) => Err(format!("after another loss of power, before event {}, other rows", again.event)),
            Err(e) => Err(format!("after another loss of power, before event {}: {e}", again.event)),
        };
        let coverage = enumerate(found.files, &events, Guarantee::All, &[rows], limits, visit)?;
        self.totals.again += coverage.states;
        self.totals.states += coverage.states;
        Ok(())
    }
}

/// All that is needed to see what happened.
fn describe(workload: &Workload, recording: &Recording, sector: u32, found: &Found<'_>, error: &str) -> String {
    let mut platter = Platter::holding(sector, &recording.base);
    let mut text = format!("{} (sectors of {sector}): {error}\n", workload.name);
    let step = recording.events[..found.event.min(recording.events.len())]
        .iter()
        .rev()
        .find_map(|event| match event {
            crate::platter::Event::Mark(step) => Some(*step as usize),
            _ => None,
        })
        .unwrap_or(0);
    let what = if found.process_death { "the process dies" } else { "the power goes" };
    let next = workload.steps.get(step).map_or("the end", |step| &step.sql);
    text.push_str(&format!("  {what} before event {}, after step {step}, in: {next}\n", found.event));
    for event in recording.events.iter().take(found.event) {
        platter.apply(event);
    }
    for (i, unit) in platter.pending().iter().enumerate() {
        let fate = found.fates.get(i).copied().unwrap_or(Fate::Lost);
        let name = |file: &u32| {
            platter.names_of(*file).next().and_then(|n| n.file_name()).map(|n| n.to_string_lossy().into_owned())
        };
        let what = match unit {
            Unit::Sector(file, offset, _, range) => {
                format!("{} bytes at {offset} of {}", range.len(), name(file).unwrap_or_default())
            }
            Unit::Size(file, size) => format!("size {size} of {}", name(file).unwrap_or_default()),
            Unit::Link(name, _) => format!("creation of {}", name.display()),
            Unit::Unlink(name) => format!("deletion of {}", name.display()),
        };
        text.push_str(&format!("    {fate:?}: {what}\n"));
    }
    for (name, bytes) in found.files {
        text.push_str(&format!("  found: {} ({} bytes)\n", name.display(), bytes.len()));
    }
    text
}

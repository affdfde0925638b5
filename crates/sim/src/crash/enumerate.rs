//! All states that a disk may be found in, moment by moment.
//!
//! What is not durable grows with each write and shrinks with each sync, so all states of the moments in between are among those
//! of the moments before a sync and after a step: those are visited. Where the combinations of *lost* and *kept* are few enough all
//! of them are; where not, those with a pattern are (every prefix, every suffix, each unit alone, each one missing), and then such
//! as chance has it, torn sectors among them.

use std::path::Path;

use super::guarantee::Guarantee;
use crate::platter::{Event, Fate, Files, Platter, Unit};
use crate::random::Random;

/// How many states are visited.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a sector.
    pub sector: u32,
    /// Up to this many units all combinations are visited, if they are not more than a moment may have.
    pub exhaustive_units: u32,
    /// States of a moment at most.
    pub per_moment: usize,
    /// Of these, states left to chance, at least.
    pub random: usize,
    /// Decides them.
    pub seed: u64,
    /// See [`Platter::keep_journals_in_order`].
    pub journals_in_order: bool,
}

/// A state, and what may be found in it.
pub struct Found<'a> {
    /// What is on the disk.
    pub files: &'a Files,
    /// The steps whose result may be there: from this one
    pub lower: usize,
    /// to this one.
    pub upper: usize,
    /// Only a process has died; all that was written is there.
    pub process_death: bool,
    /// The event before which it happened.
    pub event: usize,
    /// What became of what was not durable.
    pub fates: &'a [Fate],
}

/// How much was covered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Coverage {
    /// Moments.
    pub moments: u64,
    /// Of these, those with all combinations.
    pub exhaustive: u64,
    /// States.
    pub states: u64,
}

/// Follows a list of events and keeps what has to be there.
struct Progress<'a> {
    guarantee: Guarantee,
    states: &'a [u64],
    acknowledged: usize,
    lower: usize,
}

impl Progress<'_> {
    fn mark(&mut self, step: usize) {
        let before = self.acknowledged;
        self.acknowledged = step;
        match self.guarantee {
            Guarantee::All => self.lower = step,
            Guarantee::AllButLast if self.states[step] != self.states[before] => self.lower = before,
            _ => {}
        }
    }
}

/// Visits the states of a recorded run; stops at the first error.
pub fn enumerate(
    base: &Files,
    events: &[Event],
    guarantee: Guarantee,
    states: &[u64],
    limits: Limits,
    visit: &mut dyn FnMut(&Found<'_>) -> Result<(), String>,
) -> Result<Coverage, String> {
    let mut platter = Platter::holding(limits.sector, base);
    if limits.journals_in_order {
        platter.keep_journals_in_order();
    }
    let mut progress = Progress { guarantee, states, acknowledged: 0, lower: 0 };
    let mut coverage = Coverage::default();
    let mut random = Random::new(limits.seed);
    let last = states.len() - 1;
    for (at, event) in events.iter().chain([&Event::SyncDirectory]).enumerate() {
        // A process dies before the event: all that it did is in the files.
        let kept = vec![Fate::Kept; platter.pending().len()];
        if !matches!(event, Event::Sync(_) | Event::SyncDirectory) {
            let in_commit = !matches!(event, Event::Mark(_)) && at > 0 && !matches!(events[at - 1], Event::Mark(_));
            if guarantee != Guarantee::BetweenCommits || !in_commit {
                let upper = (progress.acknowledged + 1).min(last);
                let files = platter.state(&kept);
                coverage.states += 1;
                let lower = progress.acknowledged;
                visit(&Found { files: &files, lower, upper, process_death: true, event: at, fates: &kept })?;
            }
        }
        let settles = match event {
            Event::Sync(file) => platter.pending().iter().any(|unit| unit.file() == Some(*file)),
            Event::SyncDirectory => !platter.pending().is_empty(),
            _ => false,
        };
        if settles {
            moment(&platter, &progress, at, limits, &mut random, &mut coverage, visit)?;
        }
        if let Event::Sync(file) = event
            && guarantee == Guarantee::LogSync
            && is_log(&platter, *file)
        {
            progress.lower = progress.acknowledged;
        }
        platter.apply(event);
        if let Event::Mark(step) = event {
            progress.mark(*step as usize);
            if !platter.pending().is_empty() {
                moment(&platter, &progress, at + 1, limits, &mut random, &mut coverage, visit)?;
            }
        }
    }
    Ok(coverage)
}

fn is_log(platter: &Platter, file: u32) -> bool {
    platter.names_of(file).any(|name: &Path| name.to_string_lossy().ends_with("-wal"))
}

fn moment(
    platter: &Platter,
    progress: &Progress<'_>,
    event: usize,
    limits: Limits,
    random: &mut Random,
    coverage: &mut Coverage,
    visit: &mut dyn FnMut(&Found<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let units = platter.pending().len();
    let upper = (progress.acknowledged + 1).min(progress.states.len() - 1);
    let mut count = 0;
    let mut see = |fates: &[Fate]| {
        count += 1;
        let files = platter.state(fates);
        let lower = progress.lower;
        visit(&Found { files: &files, lower, upper, process_death: false, event, fates })
    };
    coverage.moments += 1;
    let all = 1usize.checked_shl(units as u32).unwrap_or(usize::MAX);
    let exhaustive = units as u32 <= limits.exhaustive_units && all <= limits.per_moment;
    if exhaustive {
        coverage.exhaustive += 1;
        for combination in 0..all {
            let fates: Vec<Fate> =
                (0..units).map(|i| if combination >> i & 1 == 1 { Fate::Kept } else { Fate::Lost }).collect();
            see(&fates)?;
        }
    } else {
        for fates in patterned(platter.pending()).take(limits.per_moment.saturating_sub(limits.random)) {
            see(&fates)?;
        }
    }
    let chance = if exhaustive { limits.random.min(4 * units) } else { limits.random };
    for _ in 0..chance {
        see(&platter.random_fates(random))?;
    }
    coverage.states += count;
    Ok(())
}

/// Combinations with a pattern: prefixes and suffixes, one missing, one alone, whole writes.
fn patterned(units: &[Unit]) -> impl Iterator<Item = Vec<Fate>> {
    let n = units.len();
    let make = move |kept: &dyn Fn(usize) -> bool| -> Vec<Fate> {
        (0..n).map(|i| if kept(i) { Fate::Kept } else { Fate::Lost }).collect()
    };
    (0..=n)
        .map(move |k| make(&|i| i < k))
        .chain((1..=n).map(move |k| make(&|i| i >= k)))
        .chain((0..n).map(move |k| make(&|i| i != k)))
        .chain((0..n).map(move |k| make(&|i| i == k)))
}

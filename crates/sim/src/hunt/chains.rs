//! What concurrent transactions must see and leave: snapshot isolation, checked row by row.
//!
//! Every concurrent transaction has a number of its own and writes it into the rows that it changes. So the versions of a row are a
//! chain of numbers, in the order of commits. A transaction notes which version of a row it replaces, as its snapshot showed it:
//! when it commits, that one must be the end of the chain. If it is not, an update was lost.
//!
//! Where a plan wants it, each also inserts a batch of rows that bear its number, and removes one that it sees. A batch is there
//! whole or not at all, is removed once, and never comes back.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Lasting, Rows};

/// Keys from here on are of batches: transaction `n` inserts `FIRST_OF_BATCHES + n * BATCH` and those that follow.
pub const FIRST_OF_BATCHES: i64 = 1000;

/// Rows of a batch.
pub const BATCH: i64 = 12;

/// What a transaction changes.
#[derive(Debug, Clone, Default)]
pub struct Writes {
    /// Which version of each row it replaces.
    pub rows: BTreeMap<i64, i64>,
    /// It inserts a batch.
    pub inserts: bool,
    /// Whose batch it removes.
    pub removes: Option<i64>,
}

/// What had been reported at some time.
#[derive(Debug, Clone, Default)]
pub struct Floor {
    /// How long the chains were.
    lengths: BTreeMap<i64, usize>,
    /// Batches that had been inserted and not removed.
    there: BTreeSet<i64>,
    /// Batches that had been removed.
    gone: BTreeSet<i64>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Chains {
    /// Key -> numbers; 0: no row.
    versions: BTreeMap<i64, Vec<i64>>,
    undecided: BTreeMap<i64, Writes>,
    committed: BTreeMap<i64, Writes>,
    /// Batches that have been inserted, and by whom those were removed that were.
    batches: BTreeMap<i64, Option<i64>>,
    last_number: i64,
    /// Transactions that committed.
    pub commits: u64,
}

/// The keys of a batch.
pub fn batch(number: i64) -> std::ops::Range<i64> {
    let first = FIRST_OF_BATCHES + number * BATCH;
    first..first + BATCH
}

/// Whose batches are among these rows. Each must be there as a whole.
pub fn batches_of(rows: &Rows) -> Result<BTreeSet<i64>, String> {
    let mut counts = BTreeMap::<i64, i64>::new();
    for (key, number) in rows.range(FIRST_OF_BATCHES..) {
        if !batch(*number).contains(key) {
            return Err(format!("row {key} of a batch bears number {number}"));
        }
        *counts.entry(*number).or_default() += 1;
    }
    match counts.iter().find(|(_, count)| **count != BATCH) {
        Some((number, count)) => Err(format!("{count} rows of the batch of transaction {number} are there")),
        None => Ok(counts.into_keys().collect()),
    }
}

impl Chains {
    /// A number that no other transaction has.
    pub fn number(&mut self) -> i64 {
        self.last_number += 1;
        self.last_number
    }

    /// What a reader that begins now must see at least.
    pub fn floor(&self) -> Floor {
        let batches = |removed: bool| {
            self.batches.iter().filter(|(_, by)| by.is_some() == removed).map(|(number, _)| *number).collect()
        };
        let lengths = self.versions.iter().map(|(key, chain)| (*key, chain.len())).collect();
        Floor { lengths, there: batches(false), gone: batches(true) }
    }

    fn chain(&mut self, key: i64) -> &mut Vec<i64> {
        self.versions.entry(key).or_insert_with(|| vec![0])
    }

    fn place(&self, key: i64, number: i64) -> Option<usize> {
        match self.versions.get(&key) {
            Some(chain) => chain.iter().position(|n| *n == number),
            None => (number == 0).then_some(0),
        }
    }

    /// A COMMIT begins.
    pub fn committing(&mut self, number: i64, writes: &Writes) {
        if !self.committed.contains_key(&number) {
            self.undecided.insert(number, writes.clone());
        }
    }

    /// It was refused, or the transaction was given up.
    pub fn gone(&mut self, number: i64) -> Result<(), String> {
        self.undecided.remove(&number);
        match self.committed.contains_key(&number) {
            true => Err(format!("concurrent transaction {number} was seen by others, and refused")),
            false => Ok(()),
        }
    }

    /// It is there: its versions are the newest ones, or an update was lost.
    pub fn settle(&mut self, number: i64) -> Result<(), String> {
        let Some(writes) = self.undecided.remove(&number) else { return Ok(()) };
        for (key, before) in &writes.rows {
            if self.undecided.contains_key(before) {
                self.settle(*before)?;
            }
            let chain = self.chain(*key);
            if chain.last() != Some(before) {
                return Err(format!(
                    "transaction {number} replaced version {before} of row {key}, but there are {chain:?}"
                ));
            }
            chain.push(number);
        }
        if writes.inserts {
            self.batches.entry(number).or_default();
        }
        if let Some(removed) = writes.removes {
            self.settle(removed)?;
            match self.batches.insert(removed, Some(number)) {
                Some(None) => {}
                Some(Some(other)) => {
                    return Err(format!("transactions {other} and {number} both removed the batch of {removed}"));
                }
                None => return Err(format!("transaction {number} removed a batch of {removed} that nobody inserted")),
            }
        }
        self.committed.insert(number, writes);
        self.commits += 1;
        Ok(())
    }

    /// Somebody has removed the batch, or may have.
    fn is_removed(&mut self, number: i64) -> Result<bool, String> {
        if self.batches.get(&number).is_some_and(Option::is_some) {
            return Ok(true);
        }
        let of = |writes: &Writes| writes.removes == Some(number);
        let candidates: Vec<i64> = self.undecided.iter().filter(|(_, w)| of(w)).map(|(n, _)| *n).collect();
        if let [one] = candidates[..] {
            self.settle(one)?;
        }
        Ok(!candidates.is_empty())
    }

    /// A reader that began at that time has seen these rows.
    pub fn seen(&mut self, floor: &Floor, rows: &Rows) -> Result<(), String> {
        for number in rows.values() {
            self.settle(*number)?;
        }
        let batches = batches_of(rows)?;
        for number in &batches {
            if !self.batches.contains_key(number) {
                return Err(format!("a batch is of transaction {number}, which has not committed"));
            }
            if floor.gone.contains(number) {
                return Err(format!("the batch of transaction {number} is back"));
            }
        }
        for number in floor.there.iter().filter(|number| !batches.contains(number)) {
            if !self.is_removed(*number)? {
                return Err(format!("the batch of transaction {number} is not there, and nobody has removed it"));
            }
        }
        for (key, number) in rows.range(..FIRST_OF_BATCHES) {
            if self.place(*key, *number).is_none() {
                return Err(format!("row {key} is of transaction {number}, which has not committed"));
            }
        }
        let at = |chains: &Self, key: i64| chains.place(key, rows.get(&key).copied().unwrap_or(0));
        for (key, length) in &floor.lengths {
            if at(self, *key).is_none_or(|place| place + 1 < *length) {
                return Err(format!("row {key} is {:?}, older than what had been reported", rows.get(key)));
            }
        }
        let numbers: BTreeSet<i64> = rows.values().copied().collect();
        for number in &numbers {
            let Some(writes) = self.committed.get(number).cloned() else { continue };
            for key in writes.rows.keys() {
                if at(self, *key) < self.place(*key, *number) {
                    return Err(format!("half of transaction {number} is seen: row {key} is {:?}", rows.get(key)));
                }
            }
            let kept = writes.removes.is_some_and(|removed| batches.contains(&removed));
            if kept || (writes.inserts && !batches.contains(number) && !self.is_removed(*number)?) {
                return Err(format!("half of transaction {number} is seen: {writes:?}, and the batches {batches:?}"));
            }
        }
        Ok(())
    }

    /// The machine was started again, and these rows are there.
    pub fn found(&mut self, rows: &Rows, lasting: Lasting) -> Result<(), String> {
        let floor = if lasting == Lasting::Prefix { Floor::default() } else { self.floor() };
        self.seen(&floor, rows).map_err(|e| format!("after the restart: {e}"))?;
        let versions = rows.range(..FIRST_OF_BATCHES).map(|(key, number)| (*key, vec![*number])).collect();
        let batches = batches_of(rows)?.into_iter().map(|number| (number, None)).collect();
        *self = Self { versions, batches, last_number: self.last_number, commits: self.commits, ..Self::default() };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(rows: &[(i64, i64)]) -> Writes {
        Writes { rows: rows.iter().copied().collect(), ..Writes::default() }
    }

    #[test]
    fn lost_updates_halves_and_dirty_reads_are_noticed() {
        let mut chains = Chains::default();
        let (a, b) = (chains.number(), chains.number());
        chains.committing(a, &writes(&[(1, 0), (2, 0)]));
        chains.settle(a).unwrap();
        assert!(chains.seen(&Floor::default(), &Rows::from([(1, a)])).unwrap_err().contains("half"));
        chains.committing(b, &writes(&[(1, 0)]));
        assert!(chains.settle(b).unwrap_err().contains("replaced version 0 of row 1"));
        assert!(chains.seen(&Floor::default(), &Rows::from([(1, 77)])).unwrap_err().contains("not committed"));
        assert!(chains.seen(&chains.floor(), &Rows::new()).unwrap_err().contains("older"));
    }

    #[test]
    fn batches_that_are_cut_come_back_or_go_twice_are_noticed() {
        let mut chains = Chains::default();
        let [a, b, c] = [0; 3].map(|_| chains.number());
        let rows = |numbers: &[i64]| -> Rows { numbers.iter().flat_map(|n| batch(*n).map(|k| (k, *n))).collect() };
        chains.committing(a, &Writes { inserts: true, ..Writes::default() });
        chains.settle(a).unwrap();
        let before = chains.floor();
        chains.seen(&before, &rows(&[a])).unwrap();
        assert!(chains.seen(&before, &Rows::new()).unwrap_err().contains("nobody has removed it"));
        assert!(chains.seen(&before, &rows(&[a]).into_iter().skip(1).collect()).unwrap_err().contains("11 rows"));
        assert!(chains.seen(&before, &rows(&[a, b])).unwrap_err().contains("not committed"));
        let removal = Writes { inserts: true, removes: Some(a), ..Writes::default() };
        chains.committing(b, &removal);
        assert!(chains.seen(&before, &rows(&[a, b])).unwrap_err().contains("half"));
        chains.seen(&before, &rows(&[b])).unwrap();
        assert!(chains.seen(&chains.floor(), &rows(&[a])).unwrap_err().contains("is back"));
        chains.committing(c, &removal);
        assert!(chains.settle(c).unwrap_err().contains("both removed"));
    }
}

//! What concurrent transactions must see and leave: snapshot isolation, checked row by row.
//!
//! Every concurrent transaction has a number of its own and writes it into the rows that it changes. So the versions of a row are a
//! chain of numbers, in the order of commits. A transaction notes which version of a row it replaces, as its snapshot showed it:
//! when it commits, that one must be the end of the chain. If it is not, an update was lost.

use std::collections::BTreeMap;

use super::model::{Lasting, Rows};

/// Which version of each row a transaction replaces.
pub type Writes = BTreeMap<i64, i64>;

/// How long the chains were at some time.
pub type Lengths = BTreeMap<i64, usize>;

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Chains {
    /// Key -> numbers; 0: no row.
    versions: BTreeMap<i64, Vec<i64>>,
    undecided: BTreeMap<i64, Writes>,
    committed: BTreeMap<i64, Writes>,
    last_number: i64,
    /// Transactions that committed.
    pub commits: u64,
}

impl Chains {
    /// A number that no other transaction has.
    pub fn number(&mut self) -> i64 {
        self.last_number += 1;
        self.last_number
    }

    /// How long the chains are: what a reader that begins now must see at least.
    pub fn lengths(&self) -> Lengths {
        self.versions.iter().map(|(key, chain)| (*key, chain.len())).collect()
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
        for (key, before) in &writes {
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
        self.committed.insert(number, writes);
        self.commits += 1;
        Ok(())
    }

    /// A reader that began when the chains were so long has seen these rows.
    pub fn seen(&mut self, floor: &Lengths, rows: &Rows) -> Result<(), String> {
        for number in rows.values() {
            self.settle(*number)?;
        }
        for (key, number) in rows {
            if self.place(*key, *number).is_none() {
                return Err(format!("row {key} is of transaction {number}, which has not committed"));
            }
        }
        let at = |chains: &Self, key: i64| chains.place(key, rows.get(&key).copied().unwrap_or(0));
        for (key, length) in floor {
            if at(self, *key).is_none_or(|place| place + 1 < *length) {
                return Err(format!("row {key} is {:?}, older than what had been reported", rows.get(key)));
            }
        }
        for number in rows.values() {
            for key in self.committed.get(number).into_iter().flat_map(BTreeMap::keys) {
                if at(self, *key) < self.place(*key, *number) {
                    return Err(format!("half of transaction {number} is seen: row {key} is {:?}", rows.get(key)));
                }
            }
        }
        Ok(())
    }

    /// The machine was started again, and these rows are there.
    pub fn found(&mut self, rows: &Rows, lasting: Lasting) -> Result<(), String> {
        let floor = if lasting == Lasting::Prefix { Lengths::new() } else { self.lengths() };
        self.seen(&floor, rows).map_err(|e| format!("after the restart: {e}"))?;
        let versions = rows.iter().map(|(key, number)| (*key, vec![*number])).collect();
        *self = Self { versions, last_number: self.last_number, commits: self.commits, ..Self::default() };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_updates_halves_and_dirty_reads_are_noticed() {
        let mut chains = Chains::default();
        let (a, b) = (chains.number(), chains.number());
        chains.committing(a, &Writes::from([(1, 0), (2, 0)]));
        chains.settle(a).unwrap();
        assert!(chains.seen(&Lengths::new(), &Rows::from([(1, a)])).unwrap_err().contains("half"));
        chains.committing(b, &Writes::from([(1, 0)]));
        assert!(chains.settle(b).unwrap_err().contains("replaced version 0 of row 1"));
        assert!(chains.seen(&Lengths::new(), &Rows::from([(1, 77)])).unwrap_err().contains("not committed"));
        assert!(chains.seen(&chains.lengths(), &Rows::new()).unwrap_err().contains("older"));
    }
}

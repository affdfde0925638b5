//! What must be seen: the state of the data after each commit, by number.

use std::collections::BTreeMap;

use super::plan::KEYS;
use crate::random::Random;

/// Key -> the commit that last wrote the row.
pub type Rows = BTreeMap<i64, i64>;

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its COMMIT has not been asked for: nobody may see it.
    Open,
    /// Its COMMIT is under way, or failed, or was cut short: it may be there.
    Undecided,
    /// It was seen: it is there, or another one that leaves the same rows.
    Seen,
    /// It was reported: it is there.
    Committed,
}

#[derive(Debug, Clone)]
struct Candidate {
    id: u64,
    standing: Standing,
    rows: Rows,
}

impl Candidate {
    fn is_there(&self) -> bool {
        matches!(self.standing, Standing::Seen | Standing::Committed)
    }
}

/// What a commit lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// All that was reported.
    All,
    /// All but the last.
    AllButLast,
    /// Any number of the last ones may go.
    Prefix,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Model {
    /// By number; several where a commit with that number is undecided.
    states: BTreeMap<i64, Vec<Candidate>>,
    newest: i64,
    next_id: u64,
    /// Reads that were checked.
    pub reads: u64,
    /// Commits that were reported.
    pub commits: u64,
}

impl Model {
    /// A database that holds these rows as commit `seq`.
    pub fn begin(seq: i64, rows: Rows) -> Self {
        let mut model = Self { newest: seq, ..Self::default() };
        model.states.insert(seq, vec![Candidate { id: 0, standing: Standing::Committed, rows }]);
        model
    }

    /// The newest commit that is known to be there.
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// The one state of this number, where there is no doubt.
    pub fn certain(&self, seq: i64) -> Option<Rows> {
        match self.states.get(&seq).map(Vec::as_slice) {
            Some([one]) if one.is_there() => Some(one.rows.clone()),
            _ => None,
        }
    }

    /// A transaction has taken the number `seq`.
    pub fn open(&mut self, seq: i64, rows: Rows) -> Result<u64, String> {
        if self.newest >= seq {
            return Err(format!("a writer got number {seq}, but {} has been committed", self.newest));
        }
        self.next_id += 1;
        let id = self.next_id;
        self.states.entry(seq).or_default().push(Candidate { id, standing: Standing::Open, rows });
        Ok(id)
    }

    fn candidate(&mut self, seq: i64, id: u64) -> Option<&mut Candidate> {
        self.states.get_mut(&seq)?.iter_mut().find(|c| c.id == id)
    }

    /// Its COMMIT begins.
    pub fn committing(&mut self, seq: i64, id: u64, rows: &Rows) {
        if let Some(candidate) = self.candidate(seq, id)
            && candidate.standing == Standing::Open
        {
            candidate.standing = Standing::Undecided;
            candidate.rows = rows.clone();
        }
    }

    /// Its COMMIT was refused and will be tried again, or it was given up before: nobody has seen it.
    pub fn gone(&mut self, seq: i64, id: u64) -> Result<(), String> {
        let Some(all) = self.states.get_mut(&seq) else { return Ok(()) };
        let Some(at) = all.iter().position(|c| c.id == id) else { return Ok(()) };
        let gone = all.remove(at);
        let same = all.iter_mut().find(|c| c.standing != Standing::Open && c.rows == gone.rows);
        match (gone.standing, same) {
            (Standing::Seen, Some(other)) => other.standing = other.standing.max(Standing::Seen),
            (Standing::Seen | Standing::Committed, _) => {
                return Err(format!("commit {seq} was seen by others, and refused"));
            }
            _ => {}
        }
        Ok(())
    }

    /// It has been reported, or seen; those who have seen it do not know it from others that leave the same rows.
    fn settle(&mut self, seq: i64, id: u64, standing: Standing) -> Result<(), String> {
        let Some(all) = self.states.get_mut(&seq) else { return Err(format!("commit {seq} is unknown")) };
        let rows = all.iter().find(|c| c.id == id).map(|c| c.rows.clone()).unwrap_or_default();
        let contradicts =
            |c: &&Candidate| c.standing == Standing::Committed || c.standing == Standing::Seen && c.rows != rows;
        if let Some(other) = all.iter().filter(|c| c.id != id).find(contradicts) {
            return Err(format!("two transactions committed as number {seq}: {} and {id}", other.id));
        }
        all.retain(|c| c.id == id || c.standing == Standing::Open || standing == Standing::Seen && c.rows == rows);
        all.iter_mut().filter(|c| c.id == id).for_each(|c| c.standing = standing);
        self.newest = self.newest.max(seq);
        // Nobody asks for the distant past.
        while self.states.len() > 400 {
            self.states.pop_first();
        }
        Ok(())
    }

    /// COMMIT has answered that it is done.
    pub fn reported(&mut self, seq: i64, id: u64) -> Result<(), String> {
        self.commits += 1;
        self.settle(seq, id, Standing::Committed)
    }

    /// A reader that began when `floor` was the newest commit has seen this.
    pub fn seen(&mut self, floor: i64, seq: i64, rows: &Rows) -> Result<(), String> {
        self.reads += 1;
        if seq < floor {
            return Err(format!("a reader sees commit {seq}, but {floor} had been reported before it began"));
        }
        let all = self.states.get(&seq).map(Vec::as_slice).unwrap_or_default();
        match all.iter().filter(|c| c.rows == *rows && c.standing != Standing::Open).max_by_key(|c| c.standing) {
            Some(found) if found.standing == Standing::Undecided => {
                let id = found.id;
                self.settle(seq, id, Standing::Seen)
            }
            Some(_) => Ok(()),
            None => {
                let dirty = all.iter().any(|c| c.standing == Standing::Open);
                let wanted: Vec<String> = all.iter().map(|c| difference(&c.rows, rows)).collect();
                let what = if dirty { " (some transaction with that number is open)" } else { "" };
                Err(format!("a reader sees commit {seq}, but not its rows{what}: {}", wanted.join("; ")))
            }
        }
    }

    /// The machine was started again and this is there. With the power gone, what lasts decides how old it may be.
    pub fn found(&mut self, seq: i64, rows: &Rows, lasting: Lasting) -> Result<(), String> {
        let floor = match lasting {
            Lasting::All => self.newest,
            Lasting::AllButLast => self.newest - 1,
            Lasting::Prefix => i64::MIN,
        };
        if seq < floor {
            return Err(format!("commit {seq} is what is left, but {floor} had to last"));
        }
        for all in self.states.values_mut() {
            all.retain(|c| c.standing != Standing::Open);
        }
        self.seen(i64::MIN, seq, rows).map_err(|e| e.replace("a reader sees", "after the restart there is"))?;
        *self =
            Self { reads: self.reads, commits: self.commits, next_id: self.next_id, ..Self::begin(seq, rows.clone()) };
        Ok(())
    }
}

fn difference(wanted: &Rows, found: &Rows) -> String {
    let mut text = Vec::new();
    for key in 0..KEYS as i64 {
        if wanted.get(&key) != found.get(&key) {
            text.push(format!("row {key} of {:?}, not {:?}", found.get(&key), wanted.get(&key)));
        }
    }
    text.join(", ")
}

/// The value of a row: another one for each key and commit.
pub fn value(key: i64, seq: i64) -> String {
    let mut random = Random::part(key as u64, seq as u64);
    let length = *random.pick(&[0, 5, 20, 60, 150, 400, 900]);
    let letter = (b'a' + random.below(26) as u8) as char;
    let mut text = format!("{key}.{seq}.");
    text.extend(std::iter::repeat_n(letter, length));
    text
}

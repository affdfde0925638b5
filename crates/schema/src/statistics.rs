//! `sqlite_stat1` and `sqlite_stat4` as the planner reads them (`fileformat2.html`, sections 2.6.4 and 2.6.7).

use std::sync::Arc;

use turso_value::{RecordReader, TextEncoding, Value};

use crate::names::FoldedName;
use crate::schema::Schema;

/// What ANALYZE found out about one index, or about a table without one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Number of rows.
    pub rows: u64,
    /// Average number of rows per distinct prefix of 1, 2, … columns.
    pub per_prefix: Vec<u64>,
    /// `unordered` was given.
    pub unordered: bool,
    /// `noskipscan` was given.
    pub no_skip_scan: bool,
    /// `sz=N`: the average size of a row in bytes.
    pub row_size: Option<u64>,
    /// Some entries of the index, in its order.
    pub samples: Arc<Vec<Sample>>,
}

/// An entry of an index, and how many others are like it. Each list has a number for each prefix of the index's columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// Entries that are equal in the first columns.
    pub equal: Vec<u64>,
    /// Entries that are less in them.
    pub before: Vec<u64>,
    /// How many different values, or tuples, are less.
    pub distinct_before: Vec<u64>,
    /// The entry: the columns of the index, then those that find the row.
    pub values: Vec<Value>,
}

/// The most samples of one index that are read; SQLite writes 24 or a few more.
const MOST_SAMPLES: usize = 1000;

impl Sample {
    /// A row of `sqlite_stat4`; `None` when it is damaged.
    fn parse(lists: [&str; 3], record: &[u8], encoding: TextEncoding) -> Option<Self> {
        let numbers = |list: &str| list.split_ascii_whitespace().map(|n| n.parse().ok()).collect::<Option<Vec<u64>>>();
        let [equal, before, distinct_before] = lists.map(numbers);
        let mut sample =
            Sample { equal: equal?, before: before?, distinct_before: distinct_before?, values: Vec::new() };
        RecordReader::new(record).ok()?.decode_all(encoding, &mut sample.values).ok()?;
        let columns = sample.equal.len().min(sample.before.len()).min(sample.distinct_before.len());
        sample.values.truncate(columns);
        (!sample.values.is_empty()).then_some(sample)
    }
}

impl Statistics {
    /// Parse the `stat` column. Numbers that are damaged count as 0; unknown words are ignored.
    pub fn parse(stat: &str) -> Self {
        let mut statistics = Statistics::default();
        let mut numbers = Vec::new();
        for word in stat.split_ascii_whitespace() {
            if word.starts_with("unordered") {
                statistics.unordered = true;
            } else if word.starts_with("noskipscan") {
                statistics.no_skip_scan = true;
            } else if let Some(size) = word.strip_prefix("sz=") {
                statistics.row_size = size.parse().ok();
            } else if word.bytes().all(|b| b.is_ascii_digit()) {
                numbers.push(word.parse().unwrap_or(u64::MAX));
            }
        }
        let mut numbers = numbers.into_iter();
        statistics.rows = numbers.next().unwrap_or(0);
        statistics.per_prefix = numbers.collect();
        statistics
    }
}

impl Schema {
    /// Replace all statistics by the rows `(tbl, idx, stat)` of `sqlite_stat1`. Rows for elements that do not exist are ignored.
    pub fn load_statistics<'a>(&mut self, rows: impl IntoIterator<Item = (&'a str, Option<&'a str>, &'a str)>) {
        self.statistics.clear();
        for (table, index, stat) in rows {
            let Some(owner) = self.table(table).cloned() else { continue };
            let statistics = Statistics::parse(stat);
            match index {
                // The row of a WITHOUT ROWID table's primary key carries the table's name.
                Some(name) if !name.eq_ignore_ascii_case(table) => {
                    if self.index(name).is_some() {
                        self.statistics
                            .entry(FoldedName::new(&owner.name))
                            .or_insert_with(|| Statistics { rows: statistics.rows, ..Statistics::default() });
                        self.statistics.insert(FoldedName::new(name), statistics);
                    }
                }
                _ => {
                    if let Some(primary) = owner.primary_key_index().filter(|_| index.is_some()) {
                        self.statistics.insert(FoldedName::new(&primary.name), statistics.clone());
                    }
                    self.statistics.insert(FoldedName::new(&owner.name), statistics);
                }
            }
        }
    }
    /// Add the rows `(idx, [neq, nlt, ndlt], sample)` of `sqlite_stat4` to the statistics of their indexes. Rows that are damaged,
    /// and those of indexes of which nothing else is known, are ignored.
    pub fn load_samples<'a>(&mut self, rows: impl IntoIterator<Item = (&'a str, [&'a str; 3], &'a [u8])>) {
        let encoding = self.encoding;
        for (index, lists, record) in rows {
            // Those of a WITHOUT ROWID table itself carry the table's name.
            let primary = self.table(index).and_then(|t| t.primary_key_index()).map(|p| p.name.clone());
            let Some(sample) = Sample::parse(lists, record, encoding) else { continue };
            for name in primary.as_deref().into_iter().chain([index]) {
                if let Some(statistics) = self.statistics.get_mut(&FoldedName::new(name))
                    && !statistics.per_prefix.is_empty()
                    && statistics.samples.len() < MOST_SAMPLES
                {
                    Arc::make_mut(&mut statistics.samples).push(sample.clone());
                }
            }
        }
    }
}

//! `sqlite_stat1` as the planner reads it (`fileformat2.html`, section 2.6.4).

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
}

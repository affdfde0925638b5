//! Which columns of which sources a statement reads: decides where an index alone is enough.

use crate::plan::{ColumnIndex, Expr, Query, SourceId, Visit};

/// A set of columns of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnSet {
    /// Columns 0..64: nearly all tables need no more.
    low: u64,
    /// Columns from 64 on, 64 per word.
    high: Vec<u64>,
    /// The rowid.
    pub rowid: bool,
    /// All columns count as read.
    pub all: bool,
}

impl ColumnSet {
    /// Every column and the rowid.
    pub fn everything() -> Self {
        Self { rowid: true, all: true, ..Self::default() }
    }

    /// Add a column.
    pub fn insert(&mut self, column: ColumnIndex) {
        let ColumnIndex::Column(c) = column else {
            self.rowid = true;
            return;
        };
        match c & !ColumnIndex::UNCHANGED {
            c if c < 64 => self.low |= 1 << c,
            c => {
                let word = usize::from(c) / 64 - 1;
                if self.high.len() <= word {
                    self.high.resize(word + 1, 0);
                }
                self.high[word] |= 1 << (c % 64);
            }
        }
    }

    /// True when the table column at this position is read.
    pub fn contains(&self, column: usize) -> bool {
        if self.all {
            return true;
        }
        match column / 64 {
            0 => self.low & (1 << column) != 0,
            word => self.high.get(word - 1).is_some_and(|w| w & (1 << (column % 64)) != 0),
        }
    }

    /// The columns below `count` that are read, ascending.
    pub fn columns(&self, count: usize) -> impl Iterator<Item = usize> + '_ {
        (0..count).filter(|&c| self.contains(c))
    }
}

/// What a whole statement reads of each source.
#[derive(Debug, Clone, Default)]
pub struct UsedColumns {
    sources: Vec<(SourceId, ColumnSet)>,
    everything: bool,
}

impl UsedColumns {
    /// What a query reads, its subqueries included.
    pub fn of_query(query: &Query) -> Self {
        let mut used = Self::default();
        used.add_query(query);
        used
    }

    /// For callers that cannot tell: every column of every source.
    pub fn everything() -> Self {
        Self { sources: Vec::new(), everything: true }
    }

    /// Add what a query reads.
    pub fn add_query(&mut self, query: &Query) {
        Collect(self).query(query);
    }

    /// Add what an expression reads.
    pub fn add_expr(&mut self, expr: &Expr) {
        Collect(self).expr(expr);
    }

    /// Count every column of the source as read.
    pub fn add_all(&mut self, source: SourceId) {
        *self.entry(source) = ColumnSet::everything();
    }

    /// Add one column.
    pub fn add(&mut self, source: SourceId, column: ColumnIndex) {
        self.entry(source).insert(column);
    }

    /// What is read of this source.
    pub fn of(&self, source: SourceId) -> ColumnSet {
        if self.everything {
            return ColumnSet::everything();
        }
        self.sources.iter().find(|(id, _)| *id == source).map(|(_, set)| set.clone()).unwrap_or_default()
    }

    fn entry(&mut self, source: SourceId) -> &mut ColumnSet {
        let at = match self.sources.iter().position(|(id, _)| *id == source) {
            Some(at) => at,
            None => {
                self.sources.push((source, ColumnSet::default()));
                self.sources.len() - 1
            }
        };
        &mut self.sources[at].1
    }
}

struct Collect<'a>(&'a mut UsedColumns);

impl Visit for Collect<'_> {
    fn expr(&mut self, e: &Expr) {
        if let Expr::Column { source, column, .. } = e {
            self.0.add(*source, *column);
        } else {
            crate::plan::walk_expr(self, e);
        }
    }
}

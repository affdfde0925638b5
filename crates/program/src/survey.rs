//! Surveys: what ANALYZE learns about an index while it walks over its entries.

use std::sync::Arc;

use turso_value::KeyInfo;

use crate::listing::ListingRow;
use crate::operand::{Addr, CursorId, Reg, Regs};
use crate::register::instructions;

/// The index of a survey.
#[derive(Debug, Clone, PartialEq)]
pub struct Surveyed {
    /// How its entries sort: every column that tells them apart.
    pub key: Arc<KeyInfo>,
    /// How many of these are its columns as declared.
    pub columns: usize,
    /// It is a unique one of a single column, behind which one more stands: the rowid, or a primary key of one column.
    pub single: bool,
    /// Columns of REAL: integers there are reals that are stored so.
    pub reals: Vec<usize>,
}

impl crate::Operand for Arc<Surveyed> {
    fn list(&self, row: &mut ListingRow) {
        row.detail(format!("k({}, {})", self.columns, self.key.columns.len()));
    }
}

instructions! {
    /// Open (or empty) a survey of an index. `rows` holds the number of its entries. `samples`: the most entries that are kept as
    /// samples. `limit` > 0: after that many entries the survey has seen enough.
    SurveyOpen { survey: CursorId, rows: Reg, samples: u32, limit: u32, of: Arc<Surveyed> }
    /// Take in the entry under the cursor `source`. Jump when enough entries have been seen.
    SurveyAdd { survey: CursorId, source: CursorId, enough: Addr }
    /// After [`SurveyAdd`] has jumped. So far all entries had the same value in the first column: put it into `dest`, the survey goes on with
    /// what comes behind it. Otherwise, and the second time, jump.
    SurveySkip { survey: CursorId, dest: Reg, done: Addr }
    /// Put the text of `sqlite_stat1.stat` into `dest`.
    SurveyText { survey: CursorId, dest: Reg }
    /// Put the next sample into four registers, as `sqlite_stat4` has it: `neq`, `nlt`, `ndlt`, `sample`. Jump when there is none.
    SurveySample { survey: CursorId, dest: Regs, none: Addr }
}

//! Searches in an index: the key of the equal columns, the ends of a range, NULLs.
//!
//! NULL sorts first, and equality and ranges never find it. A value of the key that is NULL ends the search before it
//! begins. A range that is open towards the NULLs (`x < 5`) begins, or backwards ends, at the key NULL instead.

use turso_error::Result;
use turso_program::control::IsNull;
use turso_program::cursor::{IdxGe, IdxGt, IdxLe, IdxLt, Last, NotFound, Rewind, SeekGe, SeekGt, SeekLe, SeekLt};
use turso_program::data::{ApplyAffinity, Cast, Integer, Null};
use turso_program::{Affinities, CursorId, Instruction, Label, Reg, Regs};
use turso_schema::{Index, IndexKey, Table};
use turso_value::Affinity;

use super::Emitter;
use super::loops::OpenTable;
use super::loops_access::{AccessExits, Advance, SecondRun, Step, may_be_null};
use crate::plan::{Bound, ColumnIndex, EqualTerm, Expr, IndexAccess};

/// One end of the scanned part of an index.
#[derive(Debug, Clone, Copy)]
struct End {
    key: Regs,
    inclusive: bool,
}

impl Emitter<'_> {
    /// Emit the search. Afterwards the index cursor is on an entry of the range.
    pub(super) fn begin_index(
        &mut self,
        table: &OpenTable,
        cursor: CursorId,
        search: &IndexAccess,
        exits: AccessExits,
    ) -> Result<Advance> {
        let IndexAccess { index, skip, equal, low, high, pattern, reverse, .. } = search;
        let mut values = Vec::new();
        let mut ended = exits.ended;
        let prefix = skip + equal.len();
        let ranged = low.is_some() || high.is_some();

        // The values of a single constant key need not be copied.
        let key = match (equal.as_slice(), ranged) {
            ([EqualTerm::Equal(value, affinity)], false) if *skip == 0 && is_ready(value, *affinity) => {
                let reg = self.expr(value)?;
                if may_be_null(value) {
                    self.builder.emit(IsNull { reg, target: ended });
                }
                Regs::new(reg, 1)
            }
            _ => {
                let key = self.builder.registers(prefix);
                if *skip > 0 {
                    let skipped = self.begin_skip(cursor, Regs::new(key.first, *skip), *reverse, ended);
                    ended = skipped.next;
                    values.push(skipped);
                }
                for (j, term) in equal.iter().enumerate() {
                    let j = j + skip;
                    let dest = key.at(j);
                    match term {
                        EqualTerm::Equal(value, affinity) => self.key_value(value, *affinity, dest, Some(ended))?,
                        EqualTerm::Is(value, affinity) => self.key_value(value, *affinity, dest, None)?,
                        EqualTerm::Null => {
                            self.builder.emit(Null { dest: Regs::new(dest, 1) });
                        }
                        EqualTerm::In(term) => {
                            let descending = descends(&table.table, index, j);
                            let set = self.begin_in(term, dest, *reverse != descending, ended)?;
                            ended = set.next;
                            values.push(set);
                        }
                    }
                }
                key
            }
        };

        if !ranged && *skip == 0 && finds_one(index, equal) {
            self.builder.emit(NotFound { cursor, key, target: ended });
            return Ok(Advance { values, ..Advance::default() });
        }

        let texts = [low, high].map(|b| b.as_ref().and_then(|b| b.values.first().cloned()));
        let low = self.range_end(low.as_ref(), key, ended, *pattern)?;
        let high = self.range_end(high.as_ref(), key, ended, *pattern)?;
        let column = index.columns.get(prefix);
        let descending = descends(&table.table, index, prefix);
        // In the direction of the scan: `start` comes first. The side of the NULLs needs an end of its own.
        let (low, high) = if ranged && low.is_none() && column.is_some_and(|c| may_hold_null(&table.table, &c.key)) {
            (Some(self.null_end(key)), high)
        } else {
            (low, high)
        };
        let again = pattern.then(|| {
            let registers = [low, high].map(|e| e.map(|e| e.key.at(prefix)));
            let ends: Vec<(Reg, Expr)> = registers.into_iter().zip(texts).filter_map(|(r, t)| Some((r?, t?))).collect();
            let running = self.builder.register();
            self.builder.emit(Integer { value: 0, dest: running });
            // Blobs sort after texts.
            let to_text = *reverse != descending;
            if to_text {
                for (reg, _) in &ends {
                    self.builder.emit(Cast { reg: *reg, affinity: Affinity::Blob });
                }
            }
            let run_ended = self.builder.label();
            ended = run_ended;
            SecondRun { running, ended: run_ended, seek: self.builder.label_here(), ends, to_text }
        });
        let (start, end) = if *reverse != descending { (high, low) } else { (low, high) };
        self.seek_start(cursor, start, key, *reverse, ended);
        let top = self.builder.label_here();
        self.check_end(cursor, end, key, *reverse, ended);
        let step = if *reverse { Step::Prev(cursor, top) } else { Step::Next(cursor, top) };
        Ok(Advance { step: Some(step), again, values })
    }

    /// Go to the first entry of the range.
    fn seek_start(&mut self, cursor: CursorId, start: Option<End>, prefix: Regs, reverse: bool, miss: Label) {
        let seek: Instruction = match (start, reverse) {
            (Some(End { key, inclusive: true }), false) => SeekGe { cursor, key, miss }.into(),
            (Some(End { key, inclusive: false }), false) => SeekGt { cursor, key, miss }.into(),
            (Some(End { key, inclusive: true }), true) => SeekLe { cursor, key, miss }.into(),
            (Some(End { key, inclusive: false }), true) => SeekLt { cursor, key, miss }.into(),
            (None, false) if prefix.count > 0 => SeekGe { cursor, key: prefix, miss }.into(),
            (None, true) if prefix.count > 0 => SeekLe { cursor, key: prefix, miss }.into(),
            (None, false) => Rewind { cursor, empty: miss }.into(),
            (None, true) => Last { cursor, empty: miss }.into(),
        };
        self.builder.emit(seek);
    }

    /// Leave the loop behind the last entry of the range.
    fn check_end(&mut self, cursor: CursorId, end: Option<End>, prefix: Regs, reverse: bool, target: Label) {
        let check: Instruction = match (end, reverse) {
            (Some(End { key, inclusive: true }), false) => IdxGt { cursor, key, target }.into(),
            (Some(End { key, inclusive: false }), false) => IdxGe { cursor, key, target }.into(),
            (Some(End { key, inclusive: true }), true) => IdxLt { cursor, key, target }.into(),
            (Some(End { key, inclusive: false }), true) => IdxLe { cursor, key, target }.into(),
            (None, false) if prefix.count > 0 => IdxGt { cursor, key: prefix, target }.into(),
            (None, true) if prefix.count > 0 => IdxLt { cursor, key: prefix, target }.into(),
            (None, _) => return,
        };
        self.builder.emit(check);
    }

    /// The key of one end: a copy of the equal columns and the values of the bound.
    fn range_end(&mut self, bound: Option<&Bound>, prefix: Regs, ended: Label, changes: bool) -> Result<Option<End>> {
        let Some(bound) = bound else { return Ok(None) };
        if prefix.count == 0
            && !changes
            && let ([value], [affinity]) = (bound.values.as_slice(), bound.affinities.as_slice())
            && is_ready(value, *affinity)
        {
            let reg = self.expr(value)?;
            if may_be_null(value) {
                self.builder.emit(IsNull { reg, target: ended });
            }
            return Ok(Some(End { key: Regs::new(reg, 1), inclusive: bound.inclusive }));
        }
        let key = self.extended_key(prefix, bound.values.len());
        for (j, value) in bound.values.iter().enumerate() {
            let affinity = bound.affinities.get(j).copied().unwrap_or(Affinity::Blob);
            // Of a row value only a NULL in front decides; behind it the whole comparison is checked again.
            let on_null = (j == 0).then_some(ended);
            self.key_value(value, affinity, key.at(prefix.count as usize + j), on_null)?;
        }
        Ok(Some(End { key, inclusive: bound.inclusive }))
    }

    /// The end of the NULLs: what is greater than the key NULL.
    fn null_end(&mut self, prefix: Regs) -> End {
        let key = self.extended_key(prefix, 1);
        self.builder.emit(Null { dest: Regs::new(key.at(prefix.count as usize), 1) });
        End { key, inclusive: false }
    }

    /// A key block that begins with a copy of the prefix.
    fn extended_key(&mut self, prefix: Regs, more: usize) -> Regs {
        let key = self.builder.registers(prefix.count as usize + more);
        if prefix.count > 0 {
            self.builder.emit(turso_program::data::Copy { from: prefix.first, to: key.first, count: prefix.count });
        }
        key
    }

    /// Put a value of the key into `dest`, converted as the comparison would; a NULL leaves to `on_null`.
    pub(super) fn key_value(
        &mut self,
        value: &Expr,
        affinity: Affinity,
        dest: Reg,
        on_null: Option<Label>,
    ) -> Result<()> {
        self.expr_into(value, dest)?;
        if let Some(target) = on_null
            && may_be_null(value)
        {
            self.builder.emit(IsNull { reg: dest, target });
        }
        if !leaves(value, affinity)
            && let Some(affinities) = Self::affinities([of_comparison(affinity)])
        {
            let affinities = Affinities(affinities.0);
            self.builder.emit(ApplyAffinity { regs: dest, affinities });
        }
        Ok(())
    }
}

/// Comparisons with a REAL column make numbers of texts, but no real of an integer that no real is equal to.
pub(super) fn of_comparison(affinity: Affinity) -> Affinity {
    if affinity == Affinity::Real { Affinity::Numeric } else { affinity }
}

/// True when the affinity would not change the value.
fn leaves(value: &Expr, affinity: Affinity) -> bool {
    let affinity = of_comparison(affinity);
    match value {
        _ if matches!(affinity, Affinity::Blob | Affinity::None) => true,
        Expr::Literal(literal) => affinity.leaves_unchanged(literal.as_ref()),
        Expr::Column { column: ColumnIndex::Rowid, .. } => affinity != Affinity::Text,
        _ => false,
    }
}

/// A constant that needs no conversion: its register can serve as the key.
fn is_ready(value: &Expr, affinity: Affinity) -> bool {
    matches!(value, Expr::Literal(_) | Expr::Parameter(_) | Expr::Register { .. }) && leaves(value, affinity)
}

/// A unique index with a value that is not NULL for each column: at most one entry.
fn finds_one(index: &Index, equal: &[EqualTerm]) -> bool {
    index.unique
        && index.columns.len() == equal.len()
        && equal.iter().all(|t| matches!(t, EqualTerm::Equal(..) | EqualTerm::In(_)))
}

fn may_hold_null(table: &Table, key: &IndexKey) -> bool {
    match key {
        IndexKey::Column(i) => table.columns.get(*i).is_none_or(|c| c.not_null.is_none()),
        IndexKey::Rowid => false,
        IndexKey::Expr(_) => true,
    }
}

/// Does this column of the index's entries descend? Behind its own columns an index of a WITHOUT ROWID table has those of the key.
fn descends(table: &Table, index: &Index, column: usize) -> bool {
    match index.columns.get(column) {
        Some(own) => own.descending,
        // What follows is the rowid.
        None if table.has_rowid() => false,
        None => {
            let key = table.key_info(index, turso_value::TextEncoding::Utf8);
            key.columns.get(column).is_some_and(|c| c.descending)
        }
    }
}

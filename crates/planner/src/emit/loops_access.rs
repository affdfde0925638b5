//! Finding the rows of one level: scans, rowid lookups and ranges, produced rows; the other paths have files of their own.

use turso_error::{Error, Result};
use turso_program::control::{Goto, IfPos, IsNull, Return, Yield};
use turso_program::cursor::{
    Column, DeferredSeek, Last, Next, NotFound, Prev, Rewind, Rowid, SeekGe, SeekGt, SeekLe, SeekLt, SeekRowid,
};
use turso_program::data::{Cast, Integer, RealAffinity};
use turso_program::expression::{Comparison, Ge, Gt, Le, Lt, Nulls};
use turso_program::virtual_table::VNext;
use turso_program::{CollationId, CursorId, Instruction, Label, Reg, Regs};
use turso_schema::{Index, IndexKey};
use turso_value::{Affinity, Value};

use super::loops::{LevelState, OpenTable, Opened, is_primary_tree, primary_columns};
use super::loops_in::ValueLoop;
use super::subquery::real_columns;
use super::{Emitter, Produced, SourceBinding};
use crate::plan::{Access, Bound, Expr, Level, Source};

/// Where finding rows may jump.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccessExits {
    /// Try the next row.
    pub next: Label,
    /// There are no more rows.
    pub ended: Label,
}

/// How a loop goes on to the next row.
#[derive(Debug, Default)]
pub(super) struct Advance {
    /// The innermost step; `None` when there is at most one row.
    pub step: Option<Step>,
    /// The range of a LIKE or GLOB is run a second time.
    pub again: Option<SecondRun>,
    /// Loops around it, outermost first.
    pub values: Vec<ValueLoop>,
}

/// The second run of a pattern's range, over blobs (or texts, when blobs came first).
#[derive(Debug)]
pub(super) struct SecondRun {
    /// Positive in the second run.
    pub running: Reg,
    /// Where a run ends.
    pub ended: Label,
    /// Where the second run starts.
    pub seek: Label,
    /// The last registers of both keys, and the texts in them; `to_text`: the second run is that of the texts.
    pub ends: Vec<(Reg, Expr)>,
    pub to_text: bool,
}

/// One step to the next row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Next(CursorId, Label),
    Prev(CursorId, Label),
    Virtual(CursorId, Label),
    Goto(Label),
    Return(Reg),
}

impl Advance {
    pub fn step(step: Step) -> Self {
        Self { step: Some(step), ..Self::default() }
    }
    /// The register of the return address when the rest of the level is a subroutine.
    pub fn returns_to(&self) -> Option<Reg> {
        match self.step {
            Some(Step::Return(reg)) => Some(reg),
            _ => None,
        }
    }
}

impl Emitter<'_> {
    /// Emit the code that finds the first row; what follows runs for each row.
    pub(super) fn begin_access(
        &mut self,
        state: &mut LevelState,
        source: &Source,
        level: &Level,
        exits: AccessExits,
    ) -> Result<Advance> {
        match &level.access {
            Access::Produced { materialized } => {
                let advance = self.begin_produced(state, source, *materialized, exits)?;
                self.explain_access(source, &level.access, super::explain::join_suffix(level.join));
                Ok(advance)
            }
            Access::AutoIndex(auto) => self.begin_auto_index(state, source, auto, exits),
            Access::Virtual(scan) => match state.opened {
                Opened::Virtual { cursor } => self.begin_virtual(cursor, scan, exits),
                _ => Err(Error::sql("the plan scans a virtual table that is not open")),
            },
            Access::MultiOr { arms } => {
                let table = opened_table(state)?.clone();
                self.begin_multi_or(&table, source, arms, exits)
            }
            access => {
                let table = opened_table(state)?.clone();
                let index = match &state.opened {
                    Opened::Table { index, .. } => *index,
                    _ => None,
                };
                self.begin_table_access(&table, index, access, exits)
            }
        }
    }

    /// As [`begin_access`](Self::begin_access), for a path in a table's own trees.
    pub(super) fn begin_table_access(
        &mut self,
        table: &OpenTable,
        index_cursor: Option<CursorId>,
        access: &Access,
        exits: AccessExits,
    ) -> Result<Advance> {
        match access {
            Access::Scan { reverse } => {
                let resumed = self.resume(table.cursor, *reverse, exits.ended);
                let advance = self.begin_scan(table.cursor, *reverse, exits.ended);
                self.bind_resumed(resumed);
                Ok(advance)
            }
            Access::IndexScan { index, covering, reverse } => {
                let cursor = index_cursor.unwrap_or(table.cursor);
                let advance = self.begin_scan(cursor, *reverse, exits.ended);
                self.seek_table(table, cursor, index, *covering, exits.next)?;
                Ok(advance)
            }
            Access::Rowid { key } => {
                let rowid = self.expr(key)?;
                self.builder.emit(SeekRowid { cursor: table.cursor, rowid, miss: exits.ended });
                Ok(Advance::default())
            }
            Access::RowidIn { term, reverse } => {
                let rowid = self.builder.register();
                let values = self.begin_in(term, rowid, *reverse, exits.ended)?;
                self.builder.emit(SeekRowid { cursor: table.cursor, rowid, miss: values.next });
                Ok(Advance { values: vec![values], ..Advance::default() })
            }
            Access::RowidRange { low, high, reverse } => {
                self.begin_rowid_range(table.cursor, low.as_ref(), high.as_ref(), *reverse, exits)
            }
            Access::Index(search) => {
                let cursor = index_cursor.unwrap_or(table.cursor);
                let advance = self.begin_index(table, cursor, search, exits)?;
                self.seek_table(table, cursor, &search.index, search.covering, exits.next)?;
                Ok(advance)
            }
            Access::AutoIndex(_) | Access::MultiOr { .. } | Access::Produced { .. } | Access::Virtual(_) => {
                Err(Error::sql("the plan nests paths that do not nest"))
            }
        }
    }

    /// Where a pipeline has dealt with some rows already, emit the code that goes behind them; then the scan goes on where the result
    /// is bound.
    fn resume(&mut self, cursor: CursorId, reverse: bool, ended: Label) -> Option<Label> {
        let reg = self.resume_behind.take()?;
        let (start, resumed) = (self.builder.label(), self.builder.label());
        self.builder.emit(IsNull { reg, target: start });
        let key = Regs::new(reg, 1);
        let seek: Instruction = match reverse {
            true => SeekLt { cursor, key, miss: ended }.into(),
            false => SeekGt { cursor, key, miss: ended }.into(),
        };
        self.builder.emit(seek);
        self.builder.emit(Goto { target: resumed });
        self.builder.bind(start);
        Some(resumed)
    }

    fn bind_resumed(&mut self, resumed: Option<Label>) {
        if let Some(resumed) = resumed {
            self.builder.bind(resumed);
        }
    }

    fn begin_scan(&mut self, cursor: CursorId, reverse: bool, ended: Label) -> Advance {
        if reverse {
            self.builder.emit(Last { cursor, empty: ended });
            Advance::step(Step::Prev(cursor, self.builder.label_here()))
        } else {
            self.builder.emit(Rewind { cursor, empty: ended });
            Advance::step(Step::Next(cursor, self.builder.label_here()))
        }
    }

    /// From an index entry to its row.
    fn seek_table(
        &mut self,
        table: &OpenTable,
        index_cursor: CursorId,
        index: &Index,
        covering: bool,
        next: Label,
    ) -> Result<()> {
        if covering || index_cursor == table.cursor || is_primary_tree(&table.table, index) {
            return Ok(());
        }
        if table.table.has_rowid() {
            self.builder.emit(DeferredSeek { index: index_cursor, table: table.cursor });
            return Ok(());
        }
        let columns = primary_columns(&table.table);
        let key = self.builder.registers(columns.len());
        for (j, column) in columns.into_iter().enumerate() {
            let Some(field) = index_field(index, usize::from(column)) else {
                return Err(Error::sql("an index lacks a primary key column"));
            };
            self.builder.emit(Column { cursor: index_cursor, column: field, dest: key.at(j), default: None });
        }
        self.builder.emit(NotFound { cursor: table.cursor, key, target: next });
        Ok(())
    }

    fn begin_rowid_range(
        &mut self,
        cursor: CursorId,
        low: Option<&Bound>,
        high: Option<&Bound>,
        reverse: bool,
        exits: AccessExits,
    ) -> Result<Advance> {
        let (start, end) = if reverse { (high, low) } else { (low, high) };
        // The end's value is needed for each row: it is computed once, before the start moves the cursor.
        let end = match end {
            Some(bound) => Some((self.bound_value(bound)?, bound.inclusive)),
            None => None,
        };
        let resumed = self.resume(cursor, reverse, exits.ended);
        match start {
            Some(bound) => {
                let reg = self.bound_value(bound)?;
                if bound.values.first().is_none_or(may_be_null) {
                    self.builder.emit(IsNull { reg, target: exits.ended });
                }
                let key = Regs::new(reg, 1);
                let seek: Instruction = match (reverse, bound.inclusive) {
                    (false, true) => SeekGe { cursor, key, miss: exits.ended }.into(),
                    (false, false) => SeekGt { cursor, key, miss: exits.ended }.into(),
                    (true, true) => SeekLe { cursor, key, miss: exits.ended }.into(),
                    (true, false) => SeekLt { cursor, key, miss: exits.ended }.into(),
                };
                self.builder.emit(seek);
            }
            None if reverse => {
                self.builder.emit(Last { cursor, empty: exits.ended });
            }
            None => {
                self.builder.emit(Rewind { cursor, empty: exits.ended });
            }
        }
        self.bind_resumed(resumed);
        let top = self.builder.label_here();
        if let Some((right, inclusive)) = end {
            let left = self.builder.temporary();
            self.builder.emit(Rowid { cursor, dest: left });
            let how = Comparison { affinity: Affinity::Numeric, collation: CollationId(0), nulls: Nulls::Jump };
            let target = exits.ended;
            let check: Instruction = match (reverse, inclusive) {
                (false, true) => Gt { left, right, target, how }.into(),
                (false, false) => Ge { left, right, target, how }.into(),
                (true, true) => Lt { left, right, target, how }.into(),
                (true, false) => Le { left, right, target, how }.into(),
            };
            self.builder.emit(check);
            self.builder.release(left);
        }
        Ok(Advance::step(if reverse { Step::Prev(cursor, top) } else { Step::Next(cursor, top) }))
    }

    fn bound_value(&mut self, bound: &Bound) -> Result<Reg> {
        let Some(value) = bound.values.first() else {
            return Err(Error::sql("the plan has a range end without value"));
        };
        if matches!(value, Expr::Literal(_) | Expr::Parameter(_)) {
            return self.expr(value);
        }
        // A register of its own: it is read again on every turn.
        let dest = self.builder.register();
        self.expr_into(value, dest)?;
        Ok(dest)
    }

    fn begin_produced(
        &mut self,
        state: &mut LevelState,
        source: &Source,
        materialize: bool,
        exits: AccessExits,
    ) -> Result<Advance> {
        let produced = match &state.opened {
            Opened::Produced(produced) => *produced,
            _ => self.produce(source, materialize)?,
        };
        match produced {
            Produced::Coroutine { state: coroutine } => {
                if let Some(SourceBinding::Registers { first, .. }) = self.source_binding(source.id) {
                    state.null_registers = Some(Regs::new(*first, column_count(source)));
                }
                let top = self.builder.label_here();
                self.builder.emit(Yield { state: coroutine, on_end: Some(exits.ended) });
                if let Some(SourceBinding::Registers { first, .. }) = self.source_binding(source.id) {
                    let row = Regs::new(*first, column_count(source));
                    for column in real_columns(source) {
                        self.builder.emit(RealAffinity { reg: row.at(usize::from(column)) });
                    }
                }
                Ok(Advance::step(Step::Goto(top)))
            }
            Produced::Row => {
                if let Some(SourceBinding::Registers { first, .. }) = self.source_binding(source.id) {
                    state.null_registers = Some(Regs::new(*first, column_count(source)));
                }
                Ok(Advance::default())
            }
            Produced::Ephemeral { cursor } => {
                state.null_cursors.push(cursor);
                Ok(self.begin_scan(cursor, false, exits.ended))
            }
        }
    }

    /// Emit what goes on to the next row; falls through after the last one.
    pub(super) fn end_access(&mut self, advance: Advance) -> Result<()> {
        match advance.step {
            None => {}
            Some(Step::Next(cursor, target)) => {
                self.builder.emit(Next { cursor, target });
            }
            Some(Step::Prev(cursor, target)) => {
                self.builder.emit(Prev { cursor, target });
            }
            Some(Step::Virtual(cursor, target)) => {
                self.builder.emit(VNext { cursor, target });
            }
            Some(Step::Goto(target)) => {
                self.builder.emit(Goto { target });
            }
            Some(Step::Return(return_to)) => {
                self.builder.emit(Return { return_to, or_fall_through: false });
            }
        }
        if let Some(SecondRun { running, ended, seek, ends, to_text }) = advance.again {
            let over = self.builder.label();
            self.builder.bind(ended);
            self.builder.emit(IfPos { reg: running, target: over, decrement: 0 });
            self.builder.emit(Integer { value: 1, dest: running });
            for (reg, text) in ends {
                if to_text {
                    self.expr_into(&text, reg)?;
                } else {
                    self.builder.emit(Cast { reg, affinity: Affinity::Blob });
                }
            }
            self.goto(seek);
            self.builder.bind(over);
        }
        for values in advance.values.into_iter().rev() {
            self.end_values(values);
        }
        Ok(())
    }
}

fn opened_table(state: &LevelState) -> Result<&OpenTable> {
    match &state.opened {
        Opened::Table { table, .. } => Ok(table),
        _ => Err(Error::sql("the plan uses a table path for something else")),
    }
}

fn column_count(source: &Source) -> usize {
    use crate::plan::Relation;
    match &source.relation {
        Relation::Table { table, .. } => table.columns.len(),
        Relation::Query { query, .. } => query.columns.len(),
        Relation::Cte(cte) => cte.columns.len(),
        Relation::Virtual { connected, .. } => connected.table.columns.len(),
        Relation::Recursive { columns, .. } => columns.len(),
    }
}

/// The field of an index entry that holds the table column.
pub(super) fn index_field(index: &Index, column: usize) -> Option<u16> {
    let in_key = index.columns.iter().position(|c| matches!(c.key, IndexKey::Column(i) if i == column));
    let field = in_key.or_else(|| index.trailing.iter().position(|&c| c == column).map(|at| index.columns.len() + at));
    field.map(|f| f as u16)
}

/// False when the value is certain not to be NULL.
pub(super) fn may_be_null(e: &Expr) -> bool {
    !matches!(e, Expr::Literal(value) if !matches!(value, Value::Null))
}

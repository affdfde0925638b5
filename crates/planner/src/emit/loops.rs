//! Nested loops from a [`JoinPlan`]: opening cursors, finding rows, checking conditions, outer joins.
//!
//! ```text
//!   level:   match = 0                      (LEFT JOIN)
//!            position; none -> ended
//!   top:     end of range -> ended          (loops_seek)
//!            filters; false -> next
//!   matched: match = 1
//!   row:     after_outer; false -> next     (the NULL row of a LEFT JOIN enters here)
//!            <inner levels, body>
//!   next:    advance -> top
//!   ended:   match > 0 -> left              (LEFT JOIN)
//!            NullRow; goto row
//!   left:
//! ```
//! A right side of RIGHT and FULL JOIN remembers the rows that matched; `row` is then a subroutine that a scan for the other
//! rows runs once more when all loops are done.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::control::{Gosub, Goto, IfPos, Return};
use turso_program::cursor::{Close, NotFound, NullRow, OpenEphemeral, Rowid};
use turso_program::data::{Integer, Null};
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_program::{CursorId, DbIndex, Label, Reg, Regs};
use turso_schema::{Index, Table};
use turso_value::KeyColumn;

use super::loops_access::AccessExits;
use super::{Emitter, Produced, SourceBinding};
use crate::plan::{Access, ColumnIndex, Core, JoinKind, JoinPlan, Level, Relation, Source};

/// Where the innermost code of [`Emitter::loops`] may jump.
#[derive(Debug, Clone, Copy)]
pub struct LoopExits {
    /// Leave out this row.
    pub next: Label,
    /// Leave all loops.
    pub done: Label,
}

/// What the innermost loop runs.
pub type LoopBody<'b> = &'b mut dyn FnMut(&mut Emitter<'_>, &LoopExits) -> Result<()>;

/// A table with the cursors that the loop over it uses.
#[derive(Debug, Clone)]
pub(super) struct OpenTable {
    pub db: DbIndex,
    pub table: Arc<Table>,
    pub cursor: CursorId,
}

/// What the rows of one level are read through.
#[derive(Debug, Clone)]
pub(super) enum Opened {
    /// A table: its own cursor (unless an index covers), and the index of the path.
    Table { table: OpenTable, index: Option<CursorId> },
    /// Something that produces rows, once it is ready.
    Produced(Produced),
    /// A virtual table.
    Virtual { cursor: CursorId },
    /// Not ready yet.
    Nothing,
}

/// One level while its code is emitted.
pub(super) struct LevelState {
    pub opened: Opened,
    /// Cursors that a NULL row is put on.
    pub null_cursors: Vec<CursorId>,
    /// Registers that a NULL row clears.
    pub null_registers: Option<Regs>,
    /// RIGHT and FULL JOIN: what has matched.
    right: Option<RightJoin>,
}

struct RightJoin {
    matched: CursorId,
    return_to: Reg,
    row: Label,
}

struct Run<'c, 'p, 'b> {
    core: &'c Core,
    plan: &'p JoinPlan,
    body: LoopBody<'b>,
    states: Vec<LevelState>,
    done: Label,
    /// Columns that a filter has read stay in registers for what comes after it.
    keep_columns: bool,
}

impl Emitter<'_> {
    /// Emit the loops of a core, with what `body` emits innermost. On return the code runs on after the last row.
    pub fn loops(&mut self, core: &Core, plan: &JoinPlan, body: LoopBody<'_>) -> Result<()> {
        let done = self.builder.label();
        // What a register keeps would outlive the NULL rows that go before the unmatched rows of a right side.
        let right = plan.levels.iter().any(|l| matches!(l.join, JoinKind::Right | JoinKind::Full));
        let keep_columns = std::mem::take(&mut self.keep_columns) && !right;
        if core.sources.is_empty() && !core.distinct {
            self.builder.plan_node("SCAN CONSTANT ROW");
        }
        for filter in &plan.constant_filters {
            self.jump_if_false(filter, done, true)?;
        }
        let mut states = Vec::with_capacity(plan.levels.len());
        for level in &plan.levels {
            let source = source_of(core, level)?;
            states.push(self.open_level(source, level)?);
        }
        // Subqueries are run, or made ready to run, in the order in which they were written.
        for position in 0..core.sources.len() {
            let Some(k) = plan.levels.iter().position(|l| l.position == position) else { continue };
            let (Some(level), Some(source)) = (plan.levels.get(k), core.sources.get(position)) else { continue };
            // The row in hand of a recursion is copied anew on every turn: an outer join may have put NULLs there.
            if matches!(source.relation, Relation::Table { .. } | Relation::Virtual { .. } | Relation::Recursive { .. })
            {
                continue;
            }
            let materialize = !matches!(level.access, Access::Produced { materialized: false });
            let produced = self.produce(source, materialize)?;
            if let Some(state) = states.get_mut(k) {
                state.opened = Opened::Produced(produced);
            }
        }
        let mut run = Run { core, plan, body, states, done, keep_columns };
        self.level(&mut run, 0, done)?;
        self.unmatched_right_rows(&mut run)?;
        self.builder.bind(done);
        Ok(())
    }

    /// Open the cursors of a level and bind its source.
    fn open_level(&mut self, source: &Source, level: &Level) -> Result<LevelState> {
        let mut state =
            LevelState { opened: Opened::Nothing, null_cursors: Vec::new(), null_registers: None, right: None };
        if let Relation::Table { db, table } = &source.relation {
            if let Some(error) = &table.broken {
                return Err(error.clone());
            }
            let mut index_cursor = None;
            let mut covering = None;
            let mut needs_table = true;
            if let Some((index, covers)) = index_of(&level.access) {
                if let Some(error) = &index.broken {
                    return Err(error.clone());
                }
                if is_primary_tree(table, index) {
                    // The primary key of a WITHOUT ROWID table is the table's own tree.
                } else {
                    needs_table = !covers || matches!(level.join, JoinKind::Right | JoinKind::Full);
                    let cursor = self.builder.cursor();
                    index_cursor = Some((cursor, index));
                    covering = Some((cursor, index.clone()));
                }
            }
            let cursor = self.builder.cursor();
            let open = OpenTable { db: *db, table: table.clone(), cursor };
            let nested = self.loop_depth > 0;
            let emit_opens = |e: &mut Self| {
                if needs_table {
                    e.open_table_at(cursor, *db, table);
                }
                if let Some((c, index)) = index_cursor {
                    e.open_index_at(c, *db, index);
                }
                Ok(())
            };
            // A correlated subquery runs often: its cursors stay open from the first time on.
            if nested {
                self.once(emit_opens)?
            } else {
                emit_opens(self)?
            }
            if needs_table {
                state.null_cursors.push(cursor);
            }
            state.null_cursors.extend(index_cursor.map(|(c, _)| c));
            state.opened = Opened::Table { table: open, index: index_cursor.map(|(c, _)| c) };
            let outer_right = matches!(level.join, JoinKind::Right | JoinKind::Full);
            let covering = covering.filter(|_| !outer_right && (!needs_table || table.has_rowid()));
            self.bind_source(source.id, SourceBinding::Cursor { cursor, table: table.clone(), covering });
        }
        if let Relation::Virtual { db, connected, .. } = &source.relation {
            let cursor = self.open_virtual(source.id, *db, connected)?;
            state.null_cursors.push(cursor);
            state.opened = Opened::Virtual { cursor };
        }
        if matches!(level.join, JoinKind::Right | JoinKind::Full) {
            let right = RightJoin {
                matched: self.builder.cursor(),
                return_to: self.builder.register(),
                row: self.builder.label(),
            };
            self.builder.emit(OpenEphemeral {
                cursor: right.matched,
                columns: 1,
                key: Some(Arc::new(self.key_info(vec![KeyColumn::default()]))),
            });
            state.right = Some(right);
        }
        Ok(state)
    }

    /// Emit the loop of level `i` and everything inside it. `outer_next` is where a row of the level outside is left.
    fn level(&mut self, run: &mut Run<'_, '_, '_>, i: usize, outer_next: Label) -> Result<()> {
        let Some(level) = run.plan.levels.get(i) else {
            self.loop_depth += 1;
            let exits = LoopExits { next: outer_next, done: run.done };
            let result = (run.body)(self, &exits);
            self.loop_depth -= 1;
            return result;
        };
        let source = source_of(run.core, level)?;
        let scan = self.begin_counted(source, level, run.plan.min_max);
        let outer_join = matches!(level.join, JoinKind::Left | JoinKind::Full);
        let matched = outer_join.then(|| {
            let matched = self.builder.register();
            self.builder.emit(Integer { value: 0, dest: matched });
            matched
        });
        let (next, ended, row) = (self.builder.label(), self.builder.label(), self.builder.label());
        let exits = AccessExits { next, ended };
        let state = run.states.get_mut(i).ok_or_else(|| Error::sql("the plan has a level without state"))?;
        let advance = self.begin_access(state, source, level, exits)?;
        self.count_row(scan, &level.access);
        if outer_join {
            // The NULL row leaves by way of the loops over sets, which a NULL before them may never have opened.
            state.null_cursors.extend(advance.values.iter().filter_map(|values| values.set()));
        }
        let advance_back = advance.returns_to();
        let outside = self.runs;
        self.runs *= level.rows.max(1.0);
        self.loop_depth += 1;
        // The NULL row of an outer join passes by the filters.
        let keeps = run.keep_columns && matches!(level.join, JoinKind::Inner | JoinKind::Cross);
        let moved_mark = self.moved.len();
        for filter in &level.filters {
            if keeps {
                self.keep_filter_columns(run.core, source.id, filter)?;
            }
            self.jump_if_false(filter, next, true)?;
        }
        if let Some(matched) = matched {
            self.builder.emit(Integer { value: 1, dest: matched });
        }
        self.remember_match(run, i)?;
        self.builder.bind(row);
        let inner_next = self.enter_row(run, i, next)?;
        for filter in &level.after_outer {
            self.jump_if_false(filter, inner_next, true)?;
        }
        if source.exists {
            // One row is enough, whatever becomes of it further inside.
            let found = self.builder.label();
            self.level(run, i + 1, found)?;
            self.builder.bind(found);
            self.builder.emit(Goto { target: ended });
        } else {
            self.level(run, i + 1, inner_next)?;
        }
        self.moved.truncate(moved_mark);
        self.leave_row(run, i, inner_next)?;
        self.runs = outside;
        self.loop_depth -= 1;
        self.builder.bind(next);
        self.end_access(advance)?;
        self.builder.bind(ended);
        if let Some(matched) = matched {
            let left = self.builder.label();
            self.builder.emit(IfPos { reg: matched, target: left, decrement: 0 });
            self.null_row(&run.states, i);
            self.count_null_row(scan);
            self.builder.emit(Integer { value: 1, dest: matched });
            match advance_back {
                // The rest of the level is a subroutine of the OR's arms.
                Some(return_to) => self.builder.emit(Gosub { return_to, target: row }),
                None => self.builder.emit(Goto { target: row }),
            };
            self.builder.bind(left);
        }
        Ok(())
    }

    /// Put the sources of level `i` on a NULL row.
    fn null_row(&mut self, states: &[LevelState], i: usize) {
        let Some(state) = states.get(i) else { return };
        for &cursor in &state.null_cursors {
            self.builder.emit(NullRow { cursor });
        }
        if let Some(dest) = state.null_registers {
            self.builder.emit(Null { dest });
        }
    }

    /// RIGHT and FULL JOIN: note that the row in hand has matched.
    fn remember_match(&mut self, run: &Run<'_, '_, '_>, i: usize) -> Result<()> {
        let (Some(level), Some(state)) = (run.plan.levels.get(i), run.states.get(i)) else { return Ok(()) };
        let Some(right) = &state.right else { return Ok(()) };
        let key = self.identity(source_of(run.core, level)?, &state.opened)?;
        let (record, known) = (self.builder.temporary(), self.builder.label());
        let cursor = right.matched;
        let missing = self.builder.label();
        self.builder.emit(NotFound { cursor, key, target: missing });
        self.builder.emit(Goto { target: known });
        self.builder.bind(missing);
        self.builder.emit(MakeRecord { values: key, dest: record, affinities: None });
        self.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
        self.builder.bind(known);
        self.builder.release(record);
        Ok(())
    }

    /// What tells the row in hand of a right side from its other rows.
    fn identity(&mut self, source: &Source, opened: &Opened) -> Result<Regs> {
        match opened {
            Opened::Table { table, .. } => self.row_identity(source, &table.table),
            Opened::Produced(Produced::Ephemeral { cursor }) => {
                let key = self.builder.registers(1);
                self.builder.emit(Rowid { cursor: *cursor, dest: key.first });
                Ok(key)
            }
            Opened::Produced(_) | Opened::Virtual { .. } | Opened::Nothing => {
                Err(Error::sql(format!("{} cannot stand on the right of a RIGHT JOIN", source.name)))
            }
        }
    }

    /// Registers with what identifies the row in hand: the rowid, or the primary key.
    pub(super) fn row_identity(&mut self, source: &Source, table: &Table) -> Result<Regs> {
        if table.has_rowid() {
            let key = self.builder.registers(1);
            self.column_into(source.id, ColumnIndex::Rowid, key.first)?;
            return Ok(key);
        }
        let columns = primary_columns(table);
        let key = self.builder.registers(columns.len());
        for (j, column) in columns.into_iter().enumerate() {
            self.column_into(source.id, ColumnIndex::Column(column), key.at(j))?;
        }
        Ok(key)
    }

    /// The part of the level after the match: for RIGHT and FULL JOIN a subroutine. The result is where a row is left.
    fn enter_row(&mut self, run: &Run<'_, '_, '_>, i: usize, next: Label) -> Result<Label> {
        let Some(RightJoin { return_to, row, .. }) = run.states.get(i).and_then(|s| s.right.as_ref()) else {
            return Ok(next);
        };
        self.builder.emit(Gosub { return_to: *return_to, target: *row });
        self.builder.emit(Goto { target: next });
        self.builder.bind(*row);
        Ok(self.builder.label())
    }

    fn leave_row(&mut self, run: &Run<'_, '_, '_>, i: usize, inner_next: Label) -> Result<()> {
        if let Some(RightJoin { return_to, .. }) = run.states.get(i).and_then(|s| s.right.as_ref()) {
            self.builder.bind(inner_next);
            self.builder.emit(Return { return_to: *return_to, or_fall_through: false });
        }
        Ok(())
    }

    /// After all loops: the rows of right sides that matched nothing, with NULLs for everything before them.
    fn unmatched_right_rows(&mut self, run: &mut Run<'_, '_, '_>) -> Result<()> {
        for i in 0..run.states.len() {
            let Some(LevelState { right: Some(right), opened, .. }) = run.states.get(i) else { continue };
            let (matched, return_to, row, opened) = (right.matched, right.return_to, right.row, opened.clone());
            let source = source_of(run.core, &run.plan.levels[i])?;
            let table = source.relation.table().map_or(&source.name, |t| &t.name);
            self.builder.open_plan_node_with(|| format!("RIGHT-JOIN {table}"));
            self.builder.plan_node_with(|| format!("SCAN {}", source.name));
            self.builder.close_plan_node();
            for outer in 0..i {
                self.null_row(&run.states, outer);
            }
            // The subroutine reads this source through the binding it was emitted with, so the row is found with that cursor.
            let binding = self.source_binding(source.id).cloned();
            let cursor = match &opened {
                Opened::Table { table, .. } => {
                    let (cursor, table) = (table.cursor, table.table.clone());
                    self.bind_source(source.id, SourceBinding::Cursor { cursor, table, covering: None });
                    cursor
                }
                Opened::Produced(Produced::Ephemeral { cursor }) => *cursor,
                Opened::Produced(_) | Opened::Virtual { .. } | Opened::Nothing => continue,
            };
            let (end, next) = (self.builder.label(), self.builder.label());
            self.builder.emit(turso_program::cursor::Rewind { cursor, empty: end });
            let top = self.builder.label_here();
            let key = self.identity(source, &opened)?;
            self.builder.emit(turso_program::cursor::Found { cursor: matched, key, target: next });
            self.builder.emit(Gosub { return_to, target: row });
            self.builder.bind(next);
            self.builder.emit(turso_program::cursor::Next { cursor, target: top });
            self.builder.bind(end);
            self.builder.emit(Close { cursor: matched });
            if let Some(binding) = binding {
                self.bind_source(source.id, binding);
            }
        }
        Ok(())
    }
}

/// The source that a level loops over.
pub(super) fn source_of<'c>(core: &'c Core, level: &Level) -> Result<&'c Source> {
    core.sources.get(level.position).ok_or_else(|| Error::sql("the plan names a source that is not there"))
}

/// The index of a path, and whether it covers.
pub(super) fn index_of(access: &Access) -> Option<(&Arc<Index>, bool)> {
    match access {
        Access::IndexScan { index, covering, .. } => Some((index, *covering)),
        Access::Index(search) => Some((&search.index, search.covering)),
        _ => None,
    }
}

/// True for the primary key of a WITHOUT ROWID table, whose tree is the table's own.
pub(super) fn is_primary_tree(table: &Table, index: &Index) -> bool {
    !table.has_rowid() && table.indexes.first().is_some_and(|primary| primary.root == index.root)
}

/// The primary key columns of a WITHOUT ROWID table.
pub(super) fn primary_columns(table: &Table) -> Vec<u16> {
    let keys = table.indexes.first().map(|i| i.columns.as_slice()).unwrap_or_default();
    keys.iter()
        .filter_map(|c| match c.key {
            turso_schema::IndexKey::Column(i) => Some(i as u16),
            _ => None,
        })
        .collect()
}

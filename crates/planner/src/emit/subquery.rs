//! Sources that produce rows (FROM subqueries, views, CTEs) and subqueries in expressions.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::control::{EndCoroutine, Gosub, Goto, InitCoroutine, Return};
use turso_program::cursor::{OpenDup, OpenEphemeral};
use turso_program::data::{Integer, Null};
use turso_program::{CursorId, Label, Reg, Regs};

use super::{Destination, Emitter, SourceBinding};
use crate::plan::{Body, Query, Relation, Source};
use turso_value::Affinity;

/// How a loop gets the rows of a subquery, view or CTE in FROM. The source is bound to it.
#[derive(Debug, Clone, Copy)]
pub enum Produced {
    /// `Yield` to `state` for each row; `on_end` leaves the loop.
    Coroutine {
        /// The coroutine's register.
        state: Reg,
    },
    /// `Rewind` and `Next` on an ephemeral table.
    Ephemeral {
        /// The table.
        cursor: CursorId,
    },
    /// One row, in registers already: no loop at all.
    Row,
}

/// The subroutine of a subquery that stands in several places.
pub(super) struct SharedSubquery {
    query: Arc<Query>,
    value: Reg,
    return_to: Reg,
    start: Label,
}

impl Emitter<'_> {
    /// Emit what is needed before the loop over a [`crate::plan::Access::Produced`] source, and bind the source. Without
    /// `materialize` the loop must be the outermost one, since a coroutine runs once.
    pub fn produce(&mut self, source: &Source, materialize: bool) -> Result<Produced> {
        match &source.relation {
            Relation::Query { query, view, .. } => {
                let width = query.columns.len();
                let independent = query.outer.is_empty();
                let title = if materialize { "MATERIALIZE" } else { "CO-ROUTINE" };
                self.builder.open_plan_node_with(|| format!("{title} {}", view.as_ref().unwrap_or(&source.name)));
                let produced = if materialize {
                    self.materialized(width, independent, &mut |e, to| e.query(query, to))
                } else {
                    self.coroutine(width, &mut |e, to| e.query(query, to))
                };
                self.builder.close_plan_node();
                self.bind_produced(source, produced?)
            }
            Relation::Cte(cte) if cte.shared => {
                let original = self.ctes.iter().rev().find(|(id, _)| *id == cte.id).map(|(_, cursor)| *cursor);
                let Some(original) = original else {
                    return Err(Error::sql(format!("no such table: {}", cte.name)));
                };
                let cursor = self.builder.cursor();
                self.builder.emit(OpenDup { cursor, original });
                self.bind_produced(source, (Produced::Ephemeral { cursor }, Reg(0)))
            }
            Relation::Cte(cte) => {
                let width = cte.columns.len();
                self.note_used(&cte.query);
                if let Some(recursive) = &cte.recursive {
                    recursive.arms.iter().for_each(|arm| self.note_used(arm));
                }
                let independent = cte.query.outer.is_empty();
                let title = if materialize { "MATERIALIZE" } else { "CO-ROUTINE" };
                self.builder.open_plan_node_with(|| format!("{title} {}", cte.name));
                let produced = if materialize {
                    self.materialized(width, independent, &mut |e, to| e.cte_rows(cte, to))
                } else {
                    self.coroutine(width, &mut |e, to| e.cte_rows(cte, to))
                };
                self.builder.close_plan_node();
                self.bind_produced(source, produced?)
            }
            Relation::Recursive { cte, columns } => {
                let current = self.recursive_rows.iter().rev().find(|(id, _)| id == cte).map(|(_, regs)| *regs);
                let Some(current) = current else {
                    return Err(Error::sql("a recursive reference stands outside of its recursion"));
                };
                // A copy: an outer join may put NULLs there.
                let row = self.builder.registers(columns.len());
                if current.count > 0 {
                    let copy = turso_program::data::Copy { from: current.first, to: row.first, count: current.count };
                    self.builder.emit(copy);
                }
                self.bind_source(source.id, SourceBinding::Registers { first: row.first, rowid: None });
                Ok(Produced::Row)
            }
            Relation::Table { .. } | Relation::Virtual { .. } => {
                Err(Error::sql("the plan takes a table for a subquery"))
            }
        }
    }

    fn bind_produced(&mut self, source: &Source, (produced, first): (Produced, Reg)) -> Result<Produced> {
        let binding = match produced {
            Produced::Coroutine { .. } | Produced::Row => SourceBinding::Registers { first, rowid: None },
            Produced::Ephemeral { cursor } => SourceBinding::Ephemeral { cursor, reals: real_columns(source).into() },
        };
        self.bind_source(source.id, binding);
        Ok(produced)
    }

    fn coroutine(&mut self, width: usize, rows: RowsOf<'_>) -> Result<(Produced, Reg)> {
        let state = self.builder.register();
        let row = self.builder.registers(width);
        let (skip, start) = (self.builder.label(), self.builder.label());
        self.builder.emit(InitCoroutine { state, skip, start });
        self.builder.bind(start);
        rows(self, &mut Destination::Coroutine { state, row })?;
        self.builder.emit(EndCoroutine { state });
        self.builder.bind(skip);
        Ok((Produced::Coroutine { state }, row.first))
    }

    pub(super) fn materialized(
        &mut self,
        width: usize,
        independent: bool,
        rows: RowsOf<'_>,
    ) -> Result<(Produced, Reg)> {
        let cursor = self.builder.cursor();
        let mut fill = |e: &mut Self| {
            e.builder.emit(OpenEphemeral { cursor, columns: width as u32, key: None });
            rows(e, &mut Destination::EphemeralTable { cursor })
        };
        if independent && self.loop_depth > 0 {
            self.once(fill)?
        } else {
            fill(self)?
        }
        Ok((Produced::Ephemeral { cursor }, Reg(0)))
    }

    fn explain_scalar(&mut self, query: &Query) {
        let number = self.number_of(query);
        let kind = if query.outer.is_empty() { "SCALAR SUBQUERY" } else { "CORRELATED SCALAR SUBQUERY" };
        self.builder.open_plan_node_with(|| format!("{kind} {number}"));
    }

    /// The first column of the first row, or NULL.
    pub(super) fn scalar_subquery(&mut self, query: &Query) -> Result<Reg> {
        Ok(self.row_subquery(query)?.first)
    }

    /// The value of a subquery that stands in several places: a subroutine that does its work when it is called first.
    pub(super) fn shared_subquery(&mut self, query: &Arc<Query>) -> Result<Reg> {
        if let Some(known) = self.shared.iter().find(|known| Arc::ptr_eq(&known.query, query)) {
            let (value, return_to, target) = (known.value, known.return_to, known.start);
            self.builder.emit(Gosub { return_to, target });
            return Ok(value);
        }
        let mut own = (**query).clone();
        crate::rewrite::rewrite(&mut own, self.context);
        self.note_used(&own);
        let (value, return_to) = (self.builder.register(), self.builder.register());
        let (start, after) = (self.builder.label(), self.builder.label());
        self.builder.emit(Gosub { return_to, target: start });
        self.builder.emit(Goto { target: after });
        self.builder.bind(start);
        let free = self.builder.begin_subroutine();
        self.explain_scalar(&own);
        let result = self.once(|e| {
            e.builder.emit(Null { dest: Regs::new(value, 1) });
            e.query(&own, &mut Destination::Registers(Regs::new(value, 1)))
        });
        self.builder.close_plan_node();
        self.builder.end_subroutine(free);
        result?;
        self.builder.emit(Return { return_to, or_fall_through: false });
        self.builder.bind(after);
        self.shared.push(SharedSubquery { query: query.clone(), value, return_to, start });
        Ok(value)
    }

    /// The first row, or NULLs.
    pub(super) fn row_subquery(&mut self, query: &Query) -> Result<Regs> {
        let row = self.builder.registers(query.columns.len());
        self.explain_scalar(query);
        let compute = |e: &mut Self| {
            e.builder.emit(Null { dest: row });
            e.query(query, &mut Destination::Registers(row))
        };
        let independent = query.outer.is_empty() && self.loop_depth > 0;
        let result = if independent { self.once(compute) } else { self.remembering(query, compute) };
        self.builder.close_plan_node();
        result?;
        Ok(row)
    }

    /// `[NOT] EXISTS` as a value.
    pub(super) fn exists_into(&mut self, query: &Query, negated: bool, dest: Reg) -> Result<()> {
        let found = self.builder.register();
        self.explain_scalar(query);
        let compute = |e: &mut Self| {
            e.builder.emit(Integer { value: 0, dest: found });
            e.query(query, &mut Destination::Exists(found))
        };
        let independent = query.outer.is_empty() && self.loop_depth > 0;
        let result = if independent { self.once(compute) } else { self.remembering(query, compute) };
        self.builder.close_plan_node();
        result?;
        if negated {
            self.builder.emit(turso_program::expression::Not { reg: found, dest });
        } else {
            self.copy(found, dest);
        }
        Ok(())
    }
}

/// The columns in which readers of a source turn integers into reals: those of a compound that are REAL by its first terms.
/// (Other queries give them as reals.)
pub(super) fn real_columns(source: &Source) -> Vec<u16> {
    let (body, columns) = match &source.relation {
        Relation::Query { query, .. } => (&query.body, &query.columns),
        Relation::Cte(cte) if cte.recursive.is_none() => (&cte.query.body, &cte.columns),
        _ => return Vec::new(),
    };
    if matches!(body, Body::Core(_)) {
        return Vec::new();
    }
    (0u16..).zip(columns).filter(|(_, c)| c.affinity == Affinity::Real).map(|(i, _)| i).collect()
}

/// Emits rows to a destination.
pub(super) type RowsOf<'r> = &'r mut dyn FnMut(&mut Emitter<'_>, &mut Destination<'_>) -> Result<()>;

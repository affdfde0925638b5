//! Common table expressions: shared ones are computed once, recursive ones run over a queue.
//!
//! ```text
//!   initial query -> queue
//!   top: first row of the queue -> current, removed; none -> end
//!        current -> OFFSET, destination, LIMIT
//!        each recursive arm over current -> queue
//!        goto top
//! ```
//! UNION drops rows that were ever in the queue. With ORDER BY the queue is an index over the ORDER BY values.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::control::Goto;
use turso_program::cursor::{Column, OpenEphemeral, Rewind, Sequence};
use turso_program::data::{Copy, RealAffinity};
use turso_program::write::{Delete, IdxInsert, Insert, MakeRecord, NewRowid, Position};
use turso_program::{CursorId, Regs};
use turso_value::{Affinity, KeyColumn};

use super::seen::Seen;
use super::{Destination, Emitter, Produced};
use crate::plan::{Cte, RecursiveCte};

/// The rows of a recursion that have not been taken yet.
#[derive(Debug, Clone)]
pub struct Queue {
    cursor: CursorId,
    /// UNION: every row that was ever added.
    seen: Option<Seen>,
    /// ORDER BY: the output column of each key.
    keys: Vec<usize>,
    /// With ORDER BY: keys, sequence number, columns.
    entry: Option<Regs>,
}

impl Emitter<'_> {
    /// Compute the shared CTEs of a query, in order.
    pub(super) fn materialize_ctes(&mut self, ctes: &[Arc<Cte>]) -> Result<()> {
        for cte in ctes {
            self.builder.open_plan_node_with(|| format!("MATERIALIZE {}", cte.name));
            let independent = cte.query.outer.is_empty();
            let made = self.materialized(cte.columns.len(), independent, &mut |e, to| e.cte_rows(cte, to));
            self.builder.close_plan_node();
            if let (Produced::Ephemeral { cursor }, _) = made? {
                self.ctes.push((cte.id, cursor));
            }
        }
        Ok(())
    }

    /// The rows of a CTE.
    pub(super) fn cte_rows(&mut self, cte: &Cte, to: &mut Destination<'_>) -> Result<()> {
        match &cte.recursive {
            None => self.query(&cte.query, to),
            Some(recursive) => self.recursion(cte, recursive, to),
        }
    }

    fn recursion(&mut self, cte: &Cte, recursive: &RecursiveCte, to: &mut Destination<'_>) -> Result<()> {
        let width = cte.columns.len();
        let done = self.builder.label();
        let limits = self.limits(recursive.limit.as_ref(), recursive.offset.as_ref(), done)?;
        let queue = self.open_queue(cte, recursive)?;
        self.builder.open_plan_node("SETUP");
        self.query(&cte.query, &mut Destination::Queue(Box::new(queue.clone())))?;
        self.builder.close_plan_node();
        let current = self.builder.registers(width);
        let top = self.builder.label_here();
        self.builder.emit(Rewind { cursor: queue.cursor, empty: done });
        let skip = if queue.entry.is_some() { queue.keys.len() + 1 } else { 0 };
        for i in 0..width {
            let column = (skip + i) as u16;
            self.builder.emit(Column { cursor: queue.cursor, column, dest: current.at(i), default: None });
            if cte.columns.get(i).is_some_and(|c| c.affinity == Affinity::Real) {
                self.builder.emit(RealAffinity { reg: current.at(i) });
            }
        }
        self.builder.emit(Delete { cursor: queue.cursor, keep_position: false, overwritten: false, change: None });
        let recurse = self.builder.label();
        self.skip_offset(&limits, recurse);
        self.loop_depth += 1;
        let delivered = self.deliver(to, current, &limits);
        self.builder.bind(recurse);
        self.recursive_rows.push((cte.id, current));
        let mut arms = Ok(());
        self.builder.open_plan_node("RECURSIVE STEP");
        let several = recursive.arms.len() > 1;
        if several {
            self.builder.open_plan_node("COMPOUND QUERY");
        }
        for (n, arm) in recursive.arms.iter().enumerate() {
            if several {
                self.builder.open_plan_node(if n == 0 { "LEFT-MOST SUBQUERY" } else { "UNION ALL" });
            }
            arms = arms.and_then(|()| self.query(arm, &mut Destination::Queue(Box::new(queue.clone()))));
            if several {
                self.builder.close_plan_node();
            }
        }
        if several {
            self.builder.close_plan_node();
        }
        self.builder.close_plan_node();
        self.recursive_rows.pop();
        self.loop_depth -= 1;
        delivered?;
        arms?;
        self.builder.emit(Goto { target: top });
        self.builder.bind(done);
        Ok(())
    }

    fn open_queue(&mut self, cte: &Cte, recursive: &RecursiveCte) -> Result<Queue> {
        let width = cte.columns.len();
        let cursor = self.builder.cursor();
        let seen = (!recursive.all).then(|| {
            let seen = Seen::new(self, &recursive.collations);
            seen.open(self);
            seen
        });
        if recursive.order_by.is_empty() {
            self.builder.emit(OpenEphemeral { cursor, columns: width as u32, key: None });
            return Ok(Queue { cursor, seen, keys: Vec::new(), entry: None });
        }
        let mut keys = Vec::with_capacity(recursive.order_by.len());
        for term in &recursive.order_by {
            keys.push(
                term.output.ok_or_else(|| Error::sql("ORDER BY term does not match any column in the result set"))?,
            );
        }
        let mut key = self.order_key(&recursive.order_by);
        // Equal rows come in the order in which they were added.
        key.columns.push(KeyColumn::default());
        let columns = keys.len() + 1 + width;
        let entry = self.builder.registers(columns);
        self.builder.emit(OpenEphemeral { cursor, columns: columns as u32, key: Some(Arc::new(key)) });
        Ok(Queue { cursor, seen, keys, entry: Some(entry) })
    }

    /// Add a row to the queue of a recursion.
    pub(super) fn enqueue(&mut self, queue: &Queue, row: Regs) {
        let record = self.builder.temporary();
        let skip = self.builder.label();
        if let Some(seen) = &queue.seen {
            seen.pass(self, row, skip);
        }
        let cursor = queue.cursor;
        match queue.entry {
            None => {
                self.builder.emit(MakeRecord { values: row, dest: record, affinities: None });
                let rowid = self.builder.temporary();
                self.builder.emit(NewRowid { cursor, dest: rowid, at_least: None });
                self.builder.emit(Insert { cursor, record, rowid, position: Position::Append, change: None });
                self.builder.release(rowid);
            }
            Some(entry) => {
                for (i, at) in queue.keys.iter().enumerate() {
                    self.builder.emit(Copy { from: row.at(*at), to: entry.at(i), count: 1 });
                }
                self.builder.emit(Sequence { cursor, dest: entry.at(queue.keys.len()) });
                self.builder.emit(Copy { from: row.first, to: entry.at(queue.keys.len() + 1), count: row.count });
                self.builder.emit(MakeRecord { values: entry, dest: record, affinities: None });
                let key = Regs::new(entry.first, 0);
                self.builder.emit(IdxInsert { cursor, record, key, position: Position::Unknown, change: None });
            }
        }
        self.builder.bind(skip);
        self.builder.release(record);
    }
}

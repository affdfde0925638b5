//! Where rows of a core go: DISTINCT, the sorter of ORDER BY, OFFSET, the destination, LIMIT.
//!
//! A sorter record holds the ORDER BY values, then the output values that are not among them.

use std::sync::Arc;

use turso_error::Result;
use turso_program::cursor::Column;
use turso_program::data::Copy;
use turso_program::sorter::{SorterAdd, SorterMisses, SorterNext, SorterOpen, SorterSort};
use turso_program::{CursorId, Label, Regs};

use super::seen::Seen;
use super::select::Limits;
use super::{Destination, Emitter};
use crate::bind::ordering_collation;
use crate::plan::{Expr, OrderTerm, same_expr};

/// The sorter of an ORDER BY.
struct Sorter {
    cursor: CursorId,
    /// The record's values.
    record: Regs,
    /// For each output column its field in the record.
    fields: Vec<u16>,
    /// The output columns that follow the keys in the record.
    extra: Vec<usize>,
    /// Only the first rows are kept.
    bounded: bool,
}

/// Takes the rows of one core.
pub(super) struct Sink<'a, 'd, 't> {
    output: &'a [Expr],
    order_by: &'a [OrderTerm],
    limits: &'a Limits,
    to: &'t mut Destination<'d>,
    distinct: Option<Seen>,
    sorter: Option<Sorter>,
    row: Regs,
    /// Nothing else writes to `row`.
    private: bool,
}

impl<'a, 'd, 't> Sink<'a, 'd, 't> {
    /// Open what the sink needs; with `order_by` rows are sorted.
    pub(super) fn open(
        e: &mut Emitter<'_>,
        output: &'a [Expr],
        order_by: &'a [OrderTerm],
        distinct: bool,
        limits: &'a Limits,
        to: &'t mut Destination<'d>,
    ) -> Result<Self> {
        let distinct = distinct.then(|| {
            let collations: Vec<_> = output.iter().map(ordering_collation).collect();
            let seen = Seen::new(e, &collations);
            seen.open(e);
            seen
        });
        let (row, private) = e.row_registers_for(to, output.len(), limits.offset.is_some() || distinct.is_some());
        let sorter = (!order_by.is_empty()).then(|| {
            let cursor = e.builder.cursor();
            let mut fields = Vec::with_capacity(output.len());
            let mut extra = Vec::new();
            for (i, column) in output.iter().enumerate() {
                let is_key = |t: &OrderTerm| {
                    t.output == Some(i) || same_expr(t.expr.without_collate(), column.without_collate())
                };
                match order_by.iter().position(is_key) {
                    Some(at) => fields.push(at as u16),
                    None => {
                        fields.push((order_by.len() + extra.len()) as u16);
                        extra.push(i);
                    }
                }
            }
            let width = order_by.len() + extra.len();
            let record = e.builder.registers(width);
            let keep = e.rows_to_keep(limits, to);
            let key = Arc::new(e.order_key(order_by));
            e.builder.emit(SorterOpen { cursor, columns: width as u32, keep, key });
            Sorter { cursor, record, fields, extra, bounded: keep.is_some() }
        });
        Ok(Self { output, order_by, limits, to, distinct, sorter, row, private })
    }

    /// The row in hand; `next` goes on to the next one.
    pub(super) fn row(&mut self, e: &mut Emitter<'_>, next: Label) -> Result<()> {
        if let Some(seen) = &self.distinct {
            self.evaluate(e)?;
            seen.pass(e, self.row, next);
        }
        let Some(sorter) = &self.sorter else {
            e.skip_offset(self.limits, next);
            if self.distinct.is_none() && !matches!(self.to, Destination::Exists(_)) {
                self.evaluate(e)?;
            }
            return e.deliver(self.to, self.row, self.limits);
        };
        for (i, term) in self.order_by.iter().enumerate() {
            match term.output.filter(|_| self.distinct.is_some()) {
                Some(at) => {
                    e.builder.emit(Copy { from: self.row.at(at), to: sorter.record.at(i), count: 1 });
                }
                None => e.expr_into_kept(&term.expr, sorter.record.at(i))?,
            }
        }
        if sorter.bounded {
            // Nothing else of a row that sorts too late is computed.
            let key = Regs::new(sorter.record.first, self.order_by.len());
            e.builder.emit(SorterMisses { cursor: sorter.cursor, key, target: next });
        }
        for (k, &at) in sorter.extra.iter().enumerate() {
            let dest = sorter.record.at(self.order_by.len() + k);
            if self.distinct.is_some() {
                e.builder.emit(Copy { from: self.row.at(at), to: dest, count: 1 });
            } else if let Some(column) = self.output.get(at) {
                e.expr_into_kept(column, dest)?;
            }
        }
        e.builder.emit(SorterAdd { cursor: sorter.cursor, values: sorter.record });
        Ok(())
    }

    fn evaluate(&self, e: &mut Emitter<'_>) -> Result<()> {
        for (i, column) in self.output.iter().enumerate() {
            if self.private {
                e.expr_into_kept(column, self.row.at(i))?;
            } else {
                e.expr_into(column, self.row.at(i))?;
            }
        }
        Ok(())
    }

    /// All rows have come: sort and deliver what was sorted.
    pub(super) fn close(self, e: &mut Emitter<'_>) -> Result<()> {
        if self.distinct.is_some() {
            e.builder.plan_node("USE TEMP B-TREE FOR DISTINCT");
        }
        let Some(sorter) = &self.sorter else { return Ok(()) };
        e.builder.plan_node("USE TEMP B-TREE FOR ORDER BY");
        let (end, next) = (e.builder.label(), e.builder.label());
        e.builder.emit(SorterSort { cursor: sorter.cursor, empty: end });
        let top = e.builder.label_here();
        e.skip_offset(self.limits, next);
        // The rows of the loops are gone: their registers serve again, unless constants live there.
        let row = if self.private { e.builder.registers(self.output.len()) } else { self.row };
        for (i, &column) in sorter.fields.iter().enumerate() {
            e.builder.emit(Column { cursor: sorter.cursor, column, dest: row.at(i), default: None });
        }
        e.loop_depth += 1;
        let result = e.deliver(self.to, row, self.limits);
        e.loop_depth -= 1;
        result?;
        e.builder.bind(next);
        e.builder.emit(SorterNext { cursor: sorter.cursor, target: top });
        e.builder.bind(end);
        Ok(())
    }
}

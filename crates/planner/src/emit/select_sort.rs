//! Where rows of a core go: DISTINCT, the sorter of ORDER BY, OFFSET, the destination, LIMIT.
//!
//! A sorter record holds the ORDER BY values, then the output values that are not among them.

use std::sync::Arc;

use turso_error::Result;
use turso_program::control::{Gosub, Goto, IfNot, Jump, OffsetLimit, Return};
use turso_program::cursor::Column;
use turso_program::data::{Copy, Integer};
use turso_program::expression::Compare;
use turso_program::sorter::{SorterAdd, SorterMisses, SorterNext, SorterOpen, SorterSort};
use turso_program::{CursorId, Label, Reg, Regs};
use turso_value::{KeyColumn, KeyInfo};

use super::seen::Seen;
use super::select::Limits;
use super::{Destination, Emitter};
use crate::bind::ordering_collation;
use crate::plan::{Core, Expr, OrderTerm, same_expr};

/// The sorter of an ORDER BY.
struct Sorter {
    cursor: CursorId,
    /// The record's values.
    record: Regs,
    /// For each output column its field in the record.
    fields: Vec<u16>,
    /// The output columns that follow the keys in the record.
    extra: Vec<usize>,
    /// The number of rows that are kept, if it is bounded.
    keep: Option<Reg>,
    key: Arc<KeyInfo>,
    prefix: Option<Prefix>,
}

impl Sorter {
    fn open(&self, e: &mut Emitter<'_>) {
        let (cursor, columns) = (self.cursor, self.record.count);
        e.builder.emit(SorterOpen { cursor, columns, keep: self.keep, key: self.key.clone() });
    }
}

/// The leading terms of an ORDER BY in whose order rows come already: only rows equal in them are sorted, and given out when
/// the next row differs.
struct Prefix {
    /// The terms' values of the rows that are being collected.
    values: Regs,
    key: Arc<KeyInfo>,
    /// There are such rows.
    any: Reg,
    return_to: Reg,
    /// The subroutine that gives them out.
    flush: Label,
}

/// What comes out of a core, and how.
pub(super) struct Wanted<'a> {
    /// The result columns.
    pub output: &'a [Expr],
    /// What rows have to be sorted by.
    pub order_by: &'a [OrderTerm],
    /// The leading terms of it in whose order rows come.
    pub in_order: usize,
    /// Equal rows go.
    pub distinct: Distinct,
}

impl<'a> Wanted<'a> {
    /// Rows as they are, sorted.
    pub(super) fn sorted(output: &'a [Expr], order_by: &'a [OrderTerm]) -> Self {
        Self { output, order_by, in_order: 0, distinct: Distinct::No }
    }
}

/// DISTINCT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Distinct {
    /// None, or there is nothing to do.
    No,
    /// Equal rows may come anywhere.
    Anywhere,
    /// Equal rows come one after the other.
    Adjacent,
}

impl Distinct {
    /// DISTINCT, if it was written.
    pub(super) fn of(core: &Core) -> Self {
        if core.distinct { Distinct::Anywhere } else { Distinct::No }
    }
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
    /// Open what the sink needs.
    pub(super) fn open(
        e: &mut Emitter<'_>,
        wanted: Wanted<'a>,
        limits: &'a Limits,
        to: &'t mut Destination<'d>,
    ) -> Result<Self> {
        let Wanted { output, order_by, in_order, distinct } = wanted;
        let distinct = (distinct != Distinct::No).then(|| {
            let collations: Vec<_> = output.iter().map(ordering_collation).collect();
            let seen = match distinct {
                Distinct::Adjacent => Seen::adjacent(e, &collations),
                _ => Seen::new(e, &collations),
            };
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
            let prefix = (in_order > 0).then(|| {
                let columns = order_by
                    .iter()
                    .take(in_order)
                    .map(|t| KeyColumn { collation: t.collation.clone(), ..KeyColumn::default() });
                let any = e.builder.register();
                e.builder.emit(Integer { value: 0, dest: any });
                Prefix {
                    values: e.builder.registers(in_order),
                    key: Arc::new(e.key_info(columns.collect())),
                    any,
                    return_to: e.builder.register(),
                    flush: e.builder.label(),
                }
            });
            let sorter = Sorter { cursor, record, fields, extra, keep, key, prefix };
            sorter.open(e);
            sorter
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
        if let Some(Prefix { values, key, any, return_to, flush }) = &sorter.prefix {
            let (start, changed, same) = (e.builder.label(), e.builder.label(), e.builder.label());
            e.builder.emit(IfNot { reg: *any, target: start, jump_if_null: true });
            e.builder.emit(Compare { left: values.first, right: sorter.record.first, key: key.clone() });
            e.builder.emit(Jump { less: changed, equal: same, greater: changed });
            e.builder.bind(changed);
            e.builder.emit(Gosub { return_to: *return_to, target: *flush });
            e.builder.bind(start);
            e.builder.emit(Copy { from: sorter.record.first, to: values.first, count: values.count });
            e.builder.emit(Integer { value: 1, dest: *any });
            e.builder.bind(same);
        }
        if sorter.keep.is_some() {
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
    pub(super) fn close(mut self, e: &mut Emitter<'_>) -> Result<()> {
        if self.distinct.as_ref().is_some_and(Seen::keeps_rows) {
            e.builder.plan_node("USE TEMP B-TREE FOR DISTINCT");
        }
        let Some(sorter) = self.sorter.take() else { return Ok(()) };
        let in_order = sorter.prefix.as_ref().map_or(0, |p| p.values.count as usize);
        e.builder.plan_node_with(|| match (in_order, self.order_by.len() - in_order) {
            (0, _) => "USE TEMP B-TREE FOR ORDER BY".to_string(),
            (_, 1) => "USE TEMP B-TREE FOR LAST TERM OF ORDER BY".to_string(),
            (_, n) => format!("USE TEMP B-TREE FOR LAST {n} TERMS OF ORDER BY"),
        });
        let Some(&Prefix { any, return_to, flush, .. }) = sorter.prefix.as_ref() else {
            return self.give_out(e, &sorter);
        };
        let end = e.builder.label();
        e.builder.emit(IfNot { reg: any, target: end, jump_if_null: true });
        e.builder.emit(Gosub { return_to, target: flush });
        e.builder.emit(Goto { target: end });
        e.builder.bind(flush);
        self.give_out(e, &sorter)?;
        if let (Some(limit), Some(offset), Some(dest)) = (self.limits.limit, self.limits.offset, sorter.keep) {
            e.builder.emit(OffsetLimit { limit, dest, offset });
        }
        sorter.open(e);
        e.builder.emit(Return { return_to, or_fall_through: false });
        e.builder.bind(end);
        Ok(())
    }

    /// Deliver the rows of the sorter.
    fn give_out(&mut self, e: &mut Emitter<'_>, sorter: &Sorter) -> Result<()> {
        let (end, next) = (e.builder.label(), e.builder.label());
        e.builder.emit(SorterSort { cursor: sorter.cursor, empty: end });
        let top = e.builder.label_here();
        e.skip_offset(self.limits, next);
        // The rows of the loops are gone: their registers serve again, unless constants live there or the loops go on.
        let row = match self.private || sorter.prefix.is_some() {
            true => e.builder.registers(self.output.len()),
            false => self.row,
        };
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

//! `IN`: a chain of comparisons for short lists, a search in a set (`in_set`) for long constant lists and subqueries.
//!
//! All forms are built on [`Emitter::in_test`], which falls through when the value is in the set and jumps to one label when it
//! is not, to another when NULLs leave it open.

use turso_error::Result;
use turso_program::control::{Goto, IsNull};
use turso_program::cursor::{Column, Found, Next, NotFound, Rewind, SeekRowid};
use turso_program::data::{ApplyAffinity, Integer, Null};
use turso_program::expression::{CompareOp, Nulls};
use turso_program::{DbIndex, Label, Reg, Regs};
use turso_schema::{Index, IndexKey, Table};
use turso_value::{Affinity, Value};

use super::Emitter;
use super::in_set::InValues;
use crate::plan::{Body, ColumnIndex, CompareHow, Expr, InSet, IndexHint, Query, Relation};

/// Constant lists longer than this become an index: a few comparisons are faster than a search.
const LONGEST_CHAIN: usize = 6;

pub(super) fn may_be_null(e: &Expr) -> bool {
    !matches!(e, Expr::Literal(value) if !matches!(value, Value::Null))
}

/// The tree in which all rows of a query are found by their values, compared as `how` says; no index: by rowid.
fn tree_of<'q>(query: &'q Query, how: &[CompareHow]) -> Option<(DbIndex, &'q Table, Option<&'q Index>)> {
    let Body::Core(core) = &query.body else { return None };
    let [source] = &*core.sources else { return None };
    let Relation::Table { db, table } = &source.relation else { return None };
    let whole = query.limit.is_none()
        && query.offset.is_none()
        && query.ctes.is_empty()
        && core.filter.is_empty()
        && !core.is_aggregate()
        && core.having.is_none()
        && core.windows.is_empty();
    if !whole || source.hint != IndexHint::Free || table.broken.is_some() {
        return None;
    }
    let mut columns = Vec::with_capacity(core.output.len());
    for e in &core.output {
        match e {
            Expr::Column { source: id, column, .. } if *id == source.id => columns.push(*column),
            _ => return None,
        }
    }
    if let [ColumnIndex::Rowid] = columns[..] {
        let numeric = |h: &CompareHow| matches!(h.affinity, Affinity::Numeric | Affinity::Integer | Affinity::Real);
        return (table.has_rowid() && how.iter().all(numeric)).then_some((*db, table, None));
    }
    let fits = |index: &&Index| {
        let keys = index.columns.get(..columns.len()).unwrap_or(&[]);
        index.partial.is_none()
            && index.broken.is_none()
            && keys.len() == columns.len()
            && keys.iter().zip(&columns).zip(how).all(|((key, column), how)| {
                let (ColumnIndex::Column(c), IndexKey::Column(k)) = (column, &key.key) else { return false };
                let holds = table.columns.get(*k).is_some_and(|c| match how.affinity {
                    Affinity::Blob | Affinity::None => true,
                    Affinity::Text => c.affinity == Affinity::Text,
                    _ => matches!(c.affinity, Affinity::Numeric | Affinity::Integer | Affinity::Real),
                });
                *k == usize::from(*c) && holds && !key.descending && key.collation == how.collation
            })
    };
    table.indexes.iter().map(|i| &**i).find(fits).map(|index| (*db, &**table, Some(index)))
}

impl Emitter<'_> {
    /// Jump when `left IN set` has the wanted truth.
    #[inline(never)]
    pub(super) fn in_jump(
        &mut self,
        left: &[Expr],
        set: &InSet,
        how: &[CompareHow],
        target: Label,
        jump_if_null: bool,
        wanted: bool,
    ) -> Result<()> {
        let fall = self.builder.label();
        if wanted {
            self.in_test(left, set, how, fall, if jump_if_null { target } else { fall })?;
            self.builder.emit(Goto { target });
        } else {
            self.in_test(left, set, how, target, if jump_if_null { target } else { fall })?;
        }
        self.builder.bind(fall);
        Ok(())
    }

    /// `left [NOT] IN set` as a value.
    #[inline(never)]
    pub(super) fn in_into(
        &mut self,
        left: &[Expr],
        set: &InSet,
        how: &[CompareHow],
        negated: bool,
        dest: Reg,
    ) -> Result<()> {
        let (absent, open, end) = (self.builder.label(), self.builder.label(), self.builder.label());
        self.in_test(left, set, how, absent, open)?;
        self.builder.emit(Integer { value: i64::from(!negated), dest });
        self.builder.emit(Goto { target: end });
        self.builder.bind(absent);
        self.builder.emit(Integer { value: i64::from(negated), dest });
        self.builder.emit(Goto { target: end });
        self.builder.bind(open);
        self.builder.emit(Null { dest: Regs::new(dest, 1) });
        self.builder.bind(end);
        Ok(())
    }

    /// Fall through when the value is in the set; otherwise jump to `absent`, or to `open` when the answer is NULL.
    fn in_test(&mut self, left: &[Expr], set: &InSet, how: &[CompareHow], absent: Label, open: Label) -> Result<()> {
        match (set, left, how) {
            (InSet::List(list), [left], [how]) => {
                if list.len() > LONGEST_CHAIN && list.iter().all(Expr::is_loop_constant) {
                    self.in_constant_list(left, list, how, absent, open)
                } else {
                    self.in_chain(left, list, how, absent, open)
                }
            }
            (InSet::Query(query), left, how) => self.in_query(left, query, how, absent, open),
            (InSet::List(_), ..) => Err(turso_error::Error::sql("row value misused")),
        }
    }

    fn in_chain(&mut self, left: &Expr, list: &[Expr], how: &CompareHow, absent: Label, open: Label) -> Result<()> {
        let value = self.expr(left)?;
        let found = self.builder.label();
        let distinguish = absent != open;
        if distinguish && may_be_null(left) {
            self.builder.emit(IsNull { reg: value, target: open });
        }
        let mut nullable = Vec::new();
        for (i, item) in list.iter().enumerate() {
            let may_null = distinguish && may_be_null(item);
            let last = i + 1 == list.len() && nullable.is_empty() && !may_null;
            // An element that is looked at again must keep its register.
            let (reg, operand) = if may_null {
                (self.expr(item)?, None)
            } else {
                let operand = self.operand(item)?;
                (operand.reg, Some(operand))
            };
            if may_null {
                nullable.push(reg);
            }
            let instruction = if last {
                self.compare_instruction(CompareOp::Ne, value, reg, how, Nulls::Jump, absent)
            } else {
                self.compare_instruction(CompareOp::Eq, value, reg, how, Nulls::Fall, found)
            };
            self.builder.emit(instruction);
            if let Some(operand) = operand {
                self.done(operand);
            }
            if last {
                self.builder.bind(found);
                return Ok(());
            }
        }
        for reg in nullable {
            self.builder.emit(IsNull { reg, target: open });
        }
        self.builder.emit(Goto { target: absent });
        self.builder.bind(found);
        Ok(())
    }

    fn in_constant_list(
        &mut self,
        left: &Expr,
        list: &[Expr],
        how: &CompareHow,
        absent: Label,
        open: Label,
    ) -> Result<()> {
        let how = std::slice::from_ref(how);
        let set = self.in_set(how, false);
        let affinities = Self::affinities(how.iter().map(|h| h.affinity));
        let build = |e: &mut Self| {
            e.open_in_set(&set);
            let value = e.builder.register();
            for item in list {
                e.expr_into(item, value)?;
                e.add_to_in_set(&set, Regs::new(value, 1), affinities.clone());
            }
            Ok(())
        };
        if self.loop_depth > 0 {
            self.once(build)?
        } else {
            build(self)?
        }
        let value = self.converted(left, how.first().map_or(Affinity::Blob, |h| h.affinity))?;
        if may_be_null(left) {
            self.builder.emit(IsNull { reg: value, target: open });
        }
        let nullable = absent != open && list.iter().any(may_be_null);
        self.in_search(&set, Regs::new(value, 1), nullable, absent, open);
        Ok(())
    }

    /// The value with an affinity applied, in a register that holds nothing else.
    fn converted(&mut self, e: &Expr, affinity: Affinity) -> Result<Reg> {
        if matches!(affinity, Affinity::Blob | Affinity::None) || crate::bind::affinity_of(e) == affinity {
            return self.expr(e);
        }
        let reg = self.builder.register();
        self.expr_into(e, reg)?;
        self.apply_affinity(reg, affinity);
        Ok(reg)
    }

    /// Use a tree that holds what the subquery gives: an index, or a table where it gives rowids. False when there is none.
    fn in_tree(
        &mut self,
        left: &[Expr],
        query: &Query,
        how: &[CompareHow],
        absent: Label,
        open: Label,
    ) -> Result<bool> {
        let distinguish = absent != open;
        if !self.reads_only || (left.len() > 1 && distinguish) {
            return Ok(false);
        }
        let Some((db, table, tree)) = tree_of(query, how) else { return Ok(false) };
        let cursor = self.builder.cursor();
        self.builder.plan_node_with(|| match tree {
            Some(index) => format!("USING INDEX {} FOR IN-OPERATOR", index.name),
            None => format!("USING ROWID SEARCH ON TABLE {} FOR IN-OPERATOR", table.name),
        });
        let open_tree = |e: &mut Self| {
            match tree {
                Some(index) => e.open_index_at(cursor, db, index),
                None => e.open_table_at(cursor, db, table),
            }
            Ok(())
        };
        if self.loop_depth > 0 {
            self.once(open_tree)?
        } else {
            open_tree(self)?
        }
        if let ([left], Some(_)) = (left, tree) {
            let affinity = how.first().map_or(Affinity::Blob, |h| h.affinity);
            let value = self.converted(left, affinity)?;
            let set = InValues::Tree(cursor);
            self.in_null(left, value, &set, absent, open);
            self.in_search(&set, Regs::new(value, 1), distinguish, absent, open);
        } else if let ([left], None) = (left, tree) {
            let value = self.expr(left)?;
            self.in_null(left, value, &InValues::Tree(cursor), absent, open);
            self.builder.emit(SeekRowid { cursor, rowid: value, miss: absent });
        } else {
            let key = self.in_row_key(left, how, absent)?;
            self.builder.emit(NotFound { cursor, key, target: absent });
        }
        Ok(true)
    }

    /// The row with affinities applied, which with a NULL in it is absent.
    fn in_row_key(&mut self, left: &[Expr], how: &[CompareHow], absent: Label) -> Result<Regs> {
        let key = self.builder.registers(left.len());
        for (i, e) in left.iter().enumerate() {
            self.expr_into(e, key.at(i))?;
        }
        if let Some(affinities) = Self::affinities(how.iter().map(|h| h.affinity)) {
            self.builder.emit(ApplyAffinity { regs: key.first, affinities });
        }
        for (i, e) in left.iter().enumerate() {
            if may_be_null(e) {
                self.builder.emit(IsNull { reg: key.at(i), target: absent });
            }
        }
        Ok(key)
    }

    fn in_query(&mut self, left: &[Expr], query: &Query, how: &[CompareHow], absent: Label, open: Label) -> Result<()> {
        if self.in_tree(left, query, how, absent, open)? {
            return Ok(());
        }
        let width = left.len();
        let affinities = Self::affinities(how.iter().map(|h| h.affinity));
        let distinguish = absent != open;
        // Rows with NULLs in them are compared with each row of the set.
        let set = self.in_set(how, width > 1 && distinguish);
        let correlated = !query.outer.is_empty();
        let build = |e: &mut Self| {
            e.open_in_set(&set);
            e.explain_list_subquery(query)?;
            let result = e.query(query, &mut set.destination(affinities.clone()));
            e.builder.close_plan_node();
            result
        };
        if !correlated && self.loop_depth > 0 {
            self.once(build)?
        } else {
            build(self)?
        }
        if let [left] = left {
            let affinity = how.first().map_or(Affinity::Blob, |h| h.affinity);
            let value = self.converted(left, affinity)?;
            self.in_null(left, value, &set, absent, open);
            self.in_search(&set, Regs::new(value, 1), distinguish, absent, open);
            return Ok(());
        }
        let cursor = match &set {
            InValues::Tree(cursor) | InValues::Index { cursor, .. } if distinguish => *cursor,
            set => {
                let key = self.in_row_key(left, how, absent)?;
                self.in_search(set, key, false, absent, open);
                return Ok(());
            }
        };
        let key = self.builder.registers(width);
        for (i, e) in left.iter().enumerate() {
            self.expr_into(e, key.at(i))?;
        }
        if let Some(affinities) = affinities {
            self.builder.emit(ApplyAffinity { regs: key.first, affinities });
        }
        let (found, scan, top, next) =
            (self.builder.label(), self.builder.label(), self.builder.label(), self.builder.label());
        for (i, e) in left.iter().enumerate() {
            if may_be_null(e) {
                self.builder.emit(IsNull { reg: key.at(i), target: scan });
            }
        }
        self.builder.emit(Found { cursor, key, target: found });
        // A row that differs in nothing but NULLs leaves the answer open.
        self.builder.bind(scan);
        self.builder.emit(Rewind { cursor, empty: absent });
        self.builder.bind(top);
        let field = self.builder.temporary();
        for (i, h) in how.iter().enumerate() {
            self.builder.emit(Column { cursor, column: i as u16, dest: field, default: None });
            let plain = CompareHow { affinity: Affinity::Blob, collation: h.collation.clone() };
            let differs = self.compare_instruction(CompareOp::Ne, key.at(i), field, &plain, Nulls::Fall, next);
            self.builder.emit(differs);
        }
        self.builder.release(field);
        self.builder.emit(Goto { target: open });
        self.builder.bind(next);
        self.builder.emit(Next { cursor, target: top });
        self.builder.emit(Goto { target: absent });
        self.builder.bind(found);
        Ok(())
    }
}

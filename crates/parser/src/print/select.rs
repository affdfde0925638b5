//! Queries to text.

use super::Printer;
use crate::ast::{
    CompoundOp, Distinctness, Frame, FrameBound, FrameExclude, FrameUnits, FromClause, Indexed, JoinConstraint,
    JoinKind, JoinOp, Limit, Materialized, NullsOrder, OrderingTerm, Query, ResultColumn, Select, SelectCore,
    SortOrder, TableRef, TableSource, WindowSpec, With,
};

impl Printer {
    pub(super) fn select(&mut self, select: &Select) {
        self.with(select.with.as_ref());
        self.core(&select.body.first);
        for (op, core) in &select.body.rest {
            self.text(match op {
                CompoundOp::Union => " UNION ",
                CompoundOp::UnionAll => " UNION ALL ",
                CompoundOp::Intersect => " INTERSECT ",
                CompoundOp::Except => " EXCEPT ",
            });
            self.core(core);
        }
        self.order_by(&select.order_by);
        self.limit(select.limit.as_ref());
    }

    pub(super) fn with(&mut self, with: Option<&With>) {
        let Some(with) = with else { return };
        self.text(if with.recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(&with.ctes, |p, cte| {
            p.name(&cte.name);
            p.column_names(&cte.columns);
            p.text(match cte.materialized {
                Materialized::Any => " AS (",
                Materialized::Yes => " AS MATERIALIZED (",
                Materialized::No => " AS NOT MATERIALIZED (",
            });
            p.select(&cte.select);
            p.text(")");
        });
        self.text(" ");
    }

    fn core(&mut self, core: &SelectCore) {
        match core {
            SelectCore::Query(query) => self.query(query),
            SelectCore::Values(rows) => {
                self.text("VALUES ");
                self.list(rows, |p, row| {
                    p.text("(");
                    p.exprs(row);
                    p.text(")");
                });
            }
        }
    }

    fn query(&mut self, query: &Query) {
        self.text(match query.distinct {
            None => "SELECT ",
            Some(Distinctness::Distinct) => "SELECT DISTINCT ",
            Some(Distinctness::All) => "SELECT ALL ",
        });
        self.list(&query.columns, Self::result_column);
        self.from(query.from.as_ref());
        self.where_clause(query.where_clause.as_ref());
        if !query.group_by.is_empty() {
            self.text(" GROUP BY ");
            self.exprs(&query.group_by);
        }
        if let Some(having) = &query.having {
            self.text(" HAVING ");
            self.expr(having);
        }
        if !query.windows.is_empty() {
            self.text(" WINDOW ");
            self.list(&query.windows, |p, window| {
                p.name(&window.name);
                p.text(" AS (");
                p.window_spec(&window.spec);
                p.text(")");
            });
        }
    }

    pub(super) fn where_clause(&mut self, condition: Option<&crate::ast::Expr>) {
        if let Some(condition) = condition {
            self.text(" WHERE ");
            self.expr(condition);
        }
    }

    pub(super) fn result_column(&mut self, column: &ResultColumn) {
        match column {
            ResultColumn::Star => self.text("*"),
            ResultColumn::TableStar(table) => {
                self.name(table);
                self.text(".*");
            }
            ResultColumn::Expr { expr, alias, .. } => {
                self.expr(expr);
                self.alias(alias.as_ref());
            }
        }
    }

    pub(super) fn from(&mut self, from: Option<&FromClause>) {
        if let Some(from) = from {
            self.text(" FROM ");
            self.sources(from);
        }
    }

    fn sources(&mut self, from: &FromClause) {
        self.source(&from.first);
        for join in &from.joins {
            self.join_op(join.op);
            self.source(&join.right);
            match &join.constraint {
                None => {}
                Some(JoinConstraint::On(expr)) => {
                    self.text(" ON ");
                    self.expr(expr);
                }
                Some(JoinConstraint::Using(names)) => {
                    self.text(" USING (");
                    self.names(names);
                    self.text(")");
                }
            }
        }
    }

    fn join_op(&mut self, op: JoinOp) {
        if op.natural {
            self.text(" NATURAL");
        }
        self.text(match op.kind {
            JoinKind::Comma => ", ",
            JoinKind::Inner => " JOIN ",
            JoinKind::Cross => " CROSS JOIN ",
            JoinKind::Left => " LEFT JOIN ",
            JoinKind::Right => " RIGHT JOIN ",
            JoinKind::Full => " FULL JOIN ",
        });
    }

    fn source(&mut self, source: &TableSource) {
        match source {
            TableSource::Table(table) => self.table(table),
            TableSource::Subquery { select, alias } => {
                self.text("(");
                self.select(select);
                self.text(")");
                self.alias(alias.as_ref());
            }
            TableSource::Join { from, alias, .. } => {
                self.text("(");
                self.sources(from);
                self.text(")");
                self.alias(alias.as_ref());
            }
        }
    }

    pub(super) fn table(&mut self, table: &TableRef) {
        self.qualified(&table.name);
        if let Some(args) = &table.args {
            self.text("(");
            self.exprs(args);
            self.text(")");
        }
        self.alias(table.alias.as_ref());
        match &table.indexed {
            None => {}
            Some(Indexed::Not) => self.text(" NOT INDEXED"),
            Some(Indexed::By(index)) => {
                self.text(" INDEXED BY ");
                self.name(index);
            }
        }
    }

    pub(super) fn order_by(&mut self, terms: &[OrderingTerm]) {
        if !terms.is_empty() {
            self.text(" ORDER BY ");
            self.ordering_terms(terms);
        }
    }

    pub(super) fn ordering_terms(&mut self, terms: &[OrderingTerm]) {
        self.list(terms, |p, term| {
            p.expr(&term.expr);
            p.sort_order(term.order);
            p.text(match term.nulls {
                None => "",
                Some(NullsOrder::First) => " NULLS FIRST",
                Some(NullsOrder::Last) => " NULLS LAST",
            });
        });
    }

    pub(super) fn sort_order(&mut self, order: Option<SortOrder>) {
        self.text(match order {
            None => "",
            Some(SortOrder::Asc) => " ASC",
            Some(SortOrder::Desc) => " DESC",
        });
    }

    pub(super) fn limit(&mut self, limit: Option<&Limit>) {
        let Some(limit) = limit else { return };
        self.text(" LIMIT ");
        self.expr(&limit.limit);
        if let Some(offset) = &limit.offset {
            self.text(" OFFSET ");
            self.expr(offset);
        }
    }

    /// What stands between the parentheses of a window.
    pub(super) fn window_spec(&mut self, spec: &WindowSpec) {
        if let Some(base) = &spec.base {
            self.name(base);
        }
        if !spec.partition_by.is_empty() {
            self.text(" PARTITION BY ");
            self.exprs(&spec.partition_by);
        }
        self.order_by(&spec.order_by);
        if let Some(frame) = &spec.frame {
            self.frame(frame);
        }
    }

    fn frame(&mut self, frame: &Frame) {
        self.text(match frame.units {
            FrameUnits::Rows => " ROWS ",
            FrameUnits::Range => " RANGE ",
            FrameUnits::Groups => " GROUPS ",
        });
        if let Some(end) = &frame.end {
            self.text("BETWEEN ");
            self.frame_bound(&frame.start);
            self.text(" AND ");
            self.frame_bound(end);
        } else {
            self.frame_bound(&frame.start);
        }
        self.text(match frame.exclude {
            None => "",
            Some(FrameExclude::NoOthers) => " EXCLUDE NO OTHERS",
            Some(FrameExclude::CurrentRow) => " EXCLUDE CURRENT ROW",
            Some(FrameExclude::Group) => " EXCLUDE GROUP",
            Some(FrameExclude::Ties) => " EXCLUDE TIES",
        });
    }

    /// The expression of a bound needs parentheses only where the AND of BETWEEN could be taken into it: nowhere,
    /// since the parser reads it greedily; so any operator gets them.
    fn frame_bound(&mut self, bound: &FrameBound) {
        match bound {
            FrameBound::UnboundedPreceding => self.text("UNBOUNDED PRECEDING"),
            FrameBound::UnboundedFollowing => self.text("UNBOUNDED FOLLOWING"),
            FrameBound::CurrentRow => self.text("CURRENT ROW"),
            FrameBound::Preceding(expr) => {
                self.wrapped(expr);
                self.text(" PRECEDING");
            }
            FrameBound::Following(expr) => {
                self.wrapped(expr);
                self.text(" FOLLOWING");
            }
        }
    }

    /// `(expr)`
    pub(super) fn wrapped(&mut self, expr: &crate::ast::Expr) {
        self.text("(");
        self.expr(expr);
        self.text(")");
    }
}

//! Visitors over bound expressions and queries.
//!
//! [`Visit`] reads, [`VisitMut`] changes. A visitor overrides what interests it and calls the matching `walk_*` function to go
//! deeper. Everything that a query evaluates is reached, subqueries included. A common table expression is shared, so
//! [`VisitMut`] does not enter it; [`Visit`] enters it once, where it is declared.

use super::{
    Aggregate, Body, CaseArm, ColumnIndex, Core, Cte, Expr, InSet, OrderTerm, Query, Relation, RowValue, Source,
    SourceId, UnaryOp, Window,
};

macro_rules! visitor {
    ($(#[$doc:meta])* $Trait:ident [$($m:tt)?] $walk_expr:ident $walk_query:ident $walk_body:ident $walk_core:ident
     $walk_source:ident $walk_terms:ident $walk_row:ident ($v:ident, $ctes:ident) => $enter_ctes:block) => {
        $(#[$doc])*
        pub trait $Trait {
            /// An expression.
            fn expr(&mut self, e: &$($m)? Expr) {
                $walk_expr(self, e);
            }
            /// A query.
            fn query(&mut self, q: &$($m)? Query) {
                $walk_query(self, q);
            }
            /// One SELECT core.
            fn core(&mut self, c: &$($m)? Core) {
                $walk_core(self, c);
            }
        }

        /// The expressions and queries directly inside an expression.
        pub fn $walk_expr<V: $Trait + ?Sized>(v: &mut V, e: &$($m)? Expr) {
            match e {
                Expr::Literal(_)
                | Expr::Column { .. }
                | Expr::Parameter(_)
                | Expr::Shared(_)
                | Expr::Aggregate { .. }
                | Expr::Window { .. }
                | Expr::Register { .. } => {}
                Expr::Unary { expr, .. }
                | Expr::Cast { expr, .. }
                | Expr::Collate { expr, .. }
                | Expr::IsNull { expr, .. }
                | Expr::IsTrue { expr, .. } => v.expr(expr),
                Expr::Binary { left, right, .. } | Expr::And(left, right) | Expr::Or(left, right) | Expr::Compare { left, right, .. } => {
                    v.expr(left);
                    v.expr(right);
                }
                Expr::CompareRows { left, right, .. } => {
                    $walk_row(v, left);
                    $walk_row(v, right);
                }
                Expr::Between { expr, low, high, .. } => {
                    v.expr(expr);
                    v.expr(low);
                    v.expr(high);
                }
                Expr::In { left, set, .. } => {
                    for e in left {
                        v.expr(e);
                    }
                    match set {
                        InSet::List(list) => {
                            for e in list {
                                v.expr(e);
                            }
                        }
                        InSet::Query(query) => v.query(query),
                    }
                }
                Expr::Exists { query, .. } | Expr::Subquery(query) => v.query(query),
                Expr::Case { base, arms, otherwise, .. } => {
                    if let Some(base) = base {
                        v.expr(base);
                    }
                    for CaseArm { when, then, .. } in arms {
                        v.expr(when);
                        v.expr(then);
                    }
                    if let Some(otherwise) = otherwise {
                        v.expr(otherwise);
                    }
                }
                Expr::Function { args, .. } | Expr::FirstOf { values: args, .. } => {
                    for e in args {
                        v.expr(e);
                    }
                }
                Expr::Raise { message, .. } => {
                    if let Some(message) = message {
                        v.expr(message);
                    }
                }
            }
        }

        fn $walk_row<V: $Trait + ?Sized>(v: &mut V, row: &$($m)? RowValue) {
            match row {
                RowValue::List(list) => {
                    for e in list {
                        v.expr(e);
                    }
                }
                RowValue::Subquery(query) => v.query(query),
            }
        }

        fn $walk_terms<V: $Trait + ?Sized>(v: &mut V, terms: &$($m)? [OrderTerm]) {
            for term in terms {
                v.expr(&$($m)? term.expr);
            }
        }

        /// Everything inside a query.
        pub fn $walk_query<V: $Trait + ?Sized>($v: &mut V, q: &$($m)? Query) {
            {
                let $ctes = &$($m)? q.ctes;
                $enter_ctes
            }
            $walk_body($v, &$($m)? q.body);
            $walk_terms($v, &$($m)? q.order_by);
            if let Some(e) = &$($m)? q.limit {
                $v.expr(e);
            }
            if let Some(e) = &$($m)? q.offset {
                $v.expr(e);
            }
        }

        /// Everything inside a body.
        pub fn $walk_body<V: $Trait + ?Sized>(v: &mut V, body: &$($m)? Body) {
            match body {
                Body::Core(core) => v.core(core),
                Body::Values(rows) => {
                    for row in rows {
                        for e in row {
                            v.expr(e);
                        }
                    }
                }
                Body::Compound { left, right, .. } => {
                    $walk_body(v, left);
                    $walk_body(v, right);
                }
            }
        }

        /// Everything inside a core.
        pub fn $walk_core<V: $Trait + ?Sized>(v: &mut V, core: &$($m)? Core) {
            for source in &$($m)? core.sources {
                $walk_source(v, source);
            }
            for e in &$($m)? core.filter {
                v.expr(e);
            }
            for e in &$($m)? core.group_by {
                v.expr(e);
            }
            if let Some(e) = &$($m)? core.having {
                v.expr(e);
            }
            for Aggregate { args, filter, order_by, .. } in &$($m)? core.aggregates {
                for e in args {
                    v.expr(e);
                }
                if let Some(e) = filter {
                    v.expr(e);
                }
                $walk_terms(v, order_by);
            }
            for Window { args, filter, partition_by, order_by, .. } in &$($m)? core.windows {
                for e in args {
                    v.expr(e);
                }
                if let Some(e) = filter {
                    v.expr(e);
                }
                for e in partition_by {
                    v.expr(e);
                }
                $walk_terms(v, order_by);
            }
            for e in &$($m)? core.output {
                v.expr(e);
            }
        }

        /// Everything inside a FROM item: its subquery or arguments, and its ON conditions.
        pub fn $walk_source<V: $Trait + ?Sized>(v: &mut V, source: &$($m)? Source) {
            match &$($m)? source.relation {
                Relation::Table { .. } | Relation::Cte(_) | Relation::Recursive { .. } => {}
                Relation::Query { query, .. } => v.query(query),
                Relation::Virtual { args, .. } => {
                    for e in args {
                        v.expr(e);
                    }
                }
            }
            for e in &$($m)? source.on {
                v.expr(e);
            }
        }
    };
}

visitor! {
    /// A visitor that reads.
    Visit [] walk_expr walk_query walk_body walk_core walk_source walk_order_terms walk_row
    (v, ctes) => {
        for cte in ctes {
            walk_cte(v, cte);
        }
    }
}

visitor! {
    /// A visitor that may change what it visits.
    VisitMut [mut] walk_expr_mut walk_query_mut walk_body_mut walk_core_mut walk_source_mut walk_order_terms_mut walk_row_mut
    (v, ctes) => {
        let _ = (&v, ctes);
    }
}

/// Everything inside a common table expression.
pub fn walk_cte<V: Visit + ?Sized>(v: &mut V, cte: &Cte) {
    v.query(&cte.query);
    if let Some(recursive) = &cte.recursive {
        for arm in &recursive.arms {
            v.query(arm);
        }
        walk_order_terms(v, &recursive.order_by);
        if let Some(e) = &recursive.limit {
            v.expr(e);
        }
        if let Some(e) = &recursive.offset {
            v.expr(e);
        }
    }
}

/// Calls a closure for every column reference, those in subqueries included.
struct Columns<F>(F);

impl<F: FnMut(SourceId, ColumnIndex)> Visit for Columns<F> {
    fn expr(&mut self, e: &Expr) {
        if let Expr::Column { source, column, .. } = e {
            (self.0)(*source, *column);
        } else {
            walk_expr(self, e);
        }
    }
}

impl Expr {
    /// Call `f` with every column that the expression reads, in subqueries too.
    pub fn for_each_column(&self, f: impl FnMut(SourceId, ColumnIndex)) {
        Columns(f).expr(self);
    }

    /// True when `f` holds for the expression or one inside it; subqueries are searched too.
    pub fn any(&self, f: impl FnMut(&Expr) -> bool) -> bool {
        struct Any<F> {
            f: F,
            found: bool,
        }
        impl<F: FnMut(&Expr) -> bool> Visit for Any<F> {
            fn expr(&mut self, e: &Expr) {
                if !self.found {
                    if (self.f)(e) {
                        self.found = true;
                    } else {
                        walk_expr(self, e);
                    }
                }
            }
        }
        let mut any = Any { f, found: false };
        any.expr(self);
        any.found
    }

    /// True when there is a subquery somewhere inside.
    pub fn has_subquery(&self) -> bool {
        self.any(|e| {
            matches!(
                e,
                Expr::Exists { .. }
                    | Expr::Subquery(_)
                    | Expr::Shared(_)
                    | Expr::In { set: InSet::Query(_), .. }
                    | Expr::CompareRows { left: RowValue::Subquery(_), .. }
                    | Expr::CompareRows { right: RowValue::Subquery(_), .. }
            )
        })
    }

    /// True when there is a subquery inside that reads columns from around it.
    pub fn has_correlated_subquery(&self) -> bool {
        let correlated = |query: &Query| !query.outer.is_empty();
        let in_row = |row: &RowValue| matches!(row, RowValue::Subquery(query) if correlated(query));
        self.any(|e| match e {
            Expr::Exists { query, .. } | Expr::Subquery(query) => correlated(query),
            Expr::In { set: InSet::Query(query), .. } => correlated(query),
            Expr::CompareRows { left, right, .. } => in_row(left) || in_row(right),
            _ => false,
        })
    }

    /// The expression below any `COLLATE`, and whatever else leaves its value as it is.
    pub fn without_collate(&self) -> &Expr {
        let mut e = self;
        while let Expr::Collate { expr, .. } | Expr::Unary { op: UnaryOp::Plain, expr } = e {
            e = expr;
        }
        e
    }
}

impl Query {
    /// Call `f` with every column that the query reads, its own sources' and outer ones'.
    pub fn for_each_column(&self, f: impl FnMut(SourceId, ColumnIndex)) {
        Columns(f).query(self);
    }
}

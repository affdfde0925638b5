//! Visitors over expressions and queries.
//!
//! [`Visit`] reads, [`VisitMut`] changes. A visitor overrides what interests it and calls the matching `walk_*`
//! function to go deeper; leaving that call out prunes the subtree. Children come in the order of the text.

use super::*;

macro_rules! visitor {
    ($(#[$doc:meta])* $Trait:ident $(, $mut:tt)?; $($walk:ident)*) => {
        visitor!(@ $(#[$doc])* $Trait, [$($mut)?]; $($walk)*);
    };
    (@ $(#[$doc:meta])* $Trait:ident, [$($m:tt)?];
        $walk_expr:ident $walk_select:ident $walk_query:ident $walk_from:ident $walk_table_source:ident $walk_window:ident
        $walk_function:ident $walk_insert:ident $walk_update:ident $walk_delete:ident $walk_with:ident $walk_term:ident
        $walk_result:ident $walk_limit:ident $walk_statement:ident $walk_column_def:ident $walk_table_constraint:ident
        $walk_assignment:ident $walk_bound:ident) => {
        $(#[$doc])*
        pub trait $Trait {
            /// Called for every expression.
            fn expr(&mut self, expr: &$($m)? Expr) {
                $walk_expr(self, expr);
            }
            /// Called for every query, the outermost included.
            fn select(&mut self, select: &$($m)? Select) {
                $walk_select(self, select);
            }
            /// Called for every source in FROM.
            fn table_source(&mut self, source: &$($m)? TableSource) {
                $walk_table_source(self, source);
            }
        }

        /// Visits the direct children of an expression.
        pub fn $walk_expr<V: $Trait + ?Sized>(v: &mut V, expr: &$($m)? Expr) {
            match expr {
                Expr::Literal(_) | Expr::Variable(_) | Expr::Column(_) => {}
                Expr::Unary { expr, .. } | Expr::IsNull { expr, .. } | Expr::Collate { expr, .. } | Expr::Cast { expr, .. } => {
                    v.expr(expr);
                }
                Expr::Binary { left, right, .. } => {
                    v.expr(left);
                    v.expr(right);
                }
                Expr::Between(between) => {
                    v.expr(&$($m)? between.expr);
                    v.expr(&$($m)? between.low);
                    v.expr(&$($m)? between.high);
                }
                Expr::Like(like) => {
                    v.expr(&$($m)? like.expr);
                    v.expr(&$($m)? like.pattern);
                    if let Some(escape) = &$($m)? like.escape {
                        v.expr(escape);
                    }
                }
                Expr::In(inside) => {
                    v.expr(&$($m)? inside.expr);
                    match &$($m)? inside.set {
                        InSet::List(list) => {
                            for item in list {
                                v.expr(item);
                            }
                        }
                        InSet::Select(select) => v.select(select),
                        InSet::Table { args, .. } => {
                            for arg in args.into_iter().flatten() {
                                v.expr(arg);
                            }
                        }
                    }
                }
                Expr::Case(case) => {
                    if let Some(operand) = &$($m)? case.operand {
                        v.expr(operand);
                    }
                    for (when, then) in &$($m)? case.arms {
                        v.expr(when);
                        v.expr(then);
                    }
                    if let Some(otherwise) = &$($m)? case.otherwise {
                        v.expr(otherwise);
                    }
                }
                Expr::Function(call) => $walk_function(v, call),
                Expr::Subquery(select) | Expr::Exists(select) => v.select(select),
                Expr::Row(items) => {
                    for item in items {
                        v.expr(item);
                    }
                }
                Expr::Raise { message, .. } => {
                    if let Some(message) = message {
                        v.expr(message);
                    }
                }
            }
        }

        /// Visits the expressions of a call: arguments, ORDER BY, FILTER, window.
        pub fn $walk_function<V: $Trait + ?Sized>(v: &mut V, call: &$($m)? FunctionCall) {
            if let FunctionArgs::List(args) = &$($m)? call.args {
                for arg in args {
                    v.expr(arg);
                }
            }
            for term in &$($m)? call.order_by {
                $walk_term(v, term);
            }
            if let Some(expr) = &$($m)? call.within_group {
                v.expr(expr);
            }
            if let Some(filter) = &$($m)? call.filter {
                v.expr(filter);
            }
            if let Some(Over::Spec(spec)) = &$($m)? call.over {
                $walk_window(v, spec);
            }
        }

        /// Visits the expressions of a window.
        pub fn $walk_window<V: $Trait + ?Sized>(v: &mut V, spec: &$($m)? WindowSpec) {
            for expr in &$($m)? spec.partition_by {
                v.expr(expr);
            }
            for term in &$($m)? spec.order_by {
                $walk_term(v, term);
            }
            if let Some(frame) = &$($m)? spec.frame {
                $walk_bound(v, &$($m)? frame.start);
                if let Some(end) = &$($m)? frame.end {
                    $walk_bound(v, end);
                }
            }
        }

        /// Visits the expression of a frame's end.
        pub fn $walk_bound<V: $Trait + ?Sized>(v: &mut V, bound: &$($m)? FrameBound) {
            if let FrameBound::Preceding(expr) | FrameBound::Following(expr) = bound {
                v.expr(expr);
            }
        }

        /// Visits the expression of an ordering term.
        pub fn $walk_term<V: $Trait + ?Sized>(v: &mut V, term: &$($m)? OrderingTerm) {
            v.expr(&$($m)? term.expr);
        }

        /// Visits the expression of a result column.
        pub fn $walk_result<V: $Trait + ?Sized>(v: &mut V, column: &$($m)? ResultColumn) {
            if let ResultColumn::Expr { expr, .. } = column {
                v.expr(expr);
            }
        }

        /// Visits LIMIT and OFFSET.
        pub fn $walk_limit<V: $Trait + ?Sized>(v: &mut V, limit: &$($m)? Limit) {
            v.expr(&$($m)? limit.limit);
            if let Some(offset) = &$($m)? limit.offset {
                v.expr(offset);
            }
        }

        /// Visits the queries of a WITH clause.
        pub fn $walk_with<V: $Trait + ?Sized>(v: &mut V, with: &$($m)? With) {
            for cte in &$($m)? with.ctes {
                v.select(&$($m)? cte.select);
            }
        }

        /// Visits all parts of a query.
        pub fn $walk_select<V: $Trait + ?Sized>(v: &mut V, select: &$($m)? Select) {
            if let Some(with) = &$($m)? select.with {
                $walk_with(v, with);
            }
            $walk_query(v, &$($m)? select.body.first);
            for (_, core) in &$($m)? select.body.rest {
                $walk_query(v, core);
            }
            for term in &$($m)? select.order_by {
                $walk_term(v, term);
            }
            if let Some(limit) = &$($m)? select.limit {
                $walk_limit(v, limit);
            }
        }

        /// Visits all parts of one term of a compound.
        pub fn $walk_query<V: $Trait + ?Sized>(v: &mut V, core: &$($m)? SelectCore) {
            match core {
                SelectCore::Values(rows) => {
                    for row in rows {
                        for expr in row {
                            v.expr(expr);
                        }
                    }
                }
                SelectCore::Query(query) => {
                    for column in &$($m)? query.columns {
                        $walk_result(v, column);
                    }
                    if let Some(from) = &$($m)? query.from {
                        $walk_from(v, from);
                    }
                    if let Some(expr) = &$($m)? query.where_clause {
                        v.expr(expr);
                    }
                    for expr in &$($m)? query.group_by {
                        v.expr(expr);
                    }
                    if let Some(expr) = &$($m)? query.having {
                        v.expr(expr);
                    }
                    for window in &$($m)? query.windows {
                        $walk_window(v, &$($m)? window.spec);
                    }
                }
            }
        }

        /// Visits the sources of a FROM clause and their constraints.
        pub fn $walk_from<V: $Trait + ?Sized>(v: &mut V, from: &$($m)? FromClause) {
            v.table_source(&$($m)? from.first);
            for join in &$($m)? from.joins {
                v.table_source(&$($m)? join.right);
                if let Some(JoinConstraint::On(expr)) = &$($m)? join.constraint {
                    v.expr(expr);
                }
            }
        }

        /// Visits what a source contains.
        pub fn $walk_table_source<V: $Trait + ?Sized>(v: &mut V, source: &$($m)? TableSource) {
            match source {
                TableSource::Table(table) => {
                    for arg in (&$($m)? table.args).into_iter().flatten() {
                        v.expr(arg);
                    }
                }
                TableSource::Subquery { select, .. } => v.select(select),
                TableSource::Join { from, .. } => $walk_from(v, from),
            }
        }

        /// Visits the value of an assignment.
        pub fn $walk_assignment<V: $Trait + ?Sized>(v: &mut V, assignment: &$($m)? Assignment) {
            v.expr(&$($m)? assignment.value);
        }

        /// Visits all parts of an INSERT.
        pub fn $walk_insert<V: $Trait + ?Sized>(v: &mut V, insert: &$($m)? Insert) {
            if let Some(with) = &$($m)? insert.with {
                $walk_with(v, with);
            }
            if let InsertSource::Select(select) = &$($m)? insert.source {
                v.select(select);
            }
            for upsert in &$($m)? insert.upserts {
                if let Some(target) = &$($m)? upsert.target {
                    for term in &$($m)? target.columns {
                        $walk_term(v, term);
                    }
                    if let Some(expr) = &$($m)? target.where_clause {
                        v.expr(expr);
                    }
                }
                if let UpsertAction::Update { sets, where_clause } = &$($m)? upsert.action {
                    for set in sets {
                        $walk_assignment(v, set);
                    }
                    if let Some(expr) = where_clause {
                        v.expr(expr);
                    }
                }
            }
            for column in &$($m)? insert.returning {
                $walk_result(v, column);
            }
        }

        /// Visits all parts of an UPDATE.
        pub fn $walk_update<V: $Trait + ?Sized>(v: &mut V, update: &$($m)? Update) {
            if let Some(with) = &$($m)? update.with {
                $walk_with(v, with);
            }
            for set in &$($m)? update.sets {
                $walk_assignment(v, set);
            }
            if let Some(from) = &$($m)? update.from {
                $walk_from(v, from);
            }
            if let Some(expr) = &$($m)? update.where_clause {
                v.expr(expr);
            }
            for column in &$($m)? update.returning {
                $walk_result(v, column);
            }
            for term in &$($m)? update.order_by {
                $walk_term(v, term);
            }
            if let Some(limit) = &$($m)? update.limit {
                $walk_limit(v, limit);
            }
        }

        /// Visits all parts of a DELETE.
        pub fn $walk_delete<V: $Trait + ?Sized>(v: &mut V, delete: &$($m)? Delete) {
            if let Some(with) = &$($m)? delete.with {
                $walk_with(v, with);
            }
            if let Some(expr) = &$($m)? delete.where_clause {
                v.expr(expr);
            }
            for column in &$($m)? delete.returning {
                $walk_result(v, column);
            }
            for term in &$($m)? delete.order_by {
                $walk_term(v, term);
            }
            if let Some(limit) = &$($m)? delete.limit {
                $walk_limit(v, limit);
            }
        }

        /// Visits the expressions of a column definition.
        pub fn $walk_column_def<V: $Trait + ?Sized>(v: &mut V, column: &$($m)? ColumnDef) {
            for constraint in &$($m)? column.constraints {
                match &$($m)? constraint.kind {
                    ColumnConstraintKind::Check { expr, .. }
                    | ColumnConstraintKind::Default { expr, .. }
                    | ColumnConstraintKind::Generated { expr, .. } => v.expr(expr),
                    _ => {}
                }
            }
        }

        /// Visits the expressions of a table constraint.
        pub fn $walk_table_constraint<V: $Trait + ?Sized>(v: &mut V, constraint: &$($m)? TableConstraint) {
            match &$($m)? constraint.kind {
                TableConstraintKind::PrimaryKey { columns, .. } | TableConstraintKind::Unique { columns, .. } => {
                    for term in columns {
                        $walk_term(v, term);
                    }
                }
                TableConstraintKind::Check { expr, .. } => v.expr(expr),
                TableConstraintKind::Empty | TableConstraintKind::ForeignKey { .. } => {}
            }
        }

        /// Visits all expressions and queries of a statement.
        pub fn $walk_statement<V: $Trait + ?Sized>(v: &mut V, statement: &$($m)? Statement) {
            match statement {
                Statement::Select(select) => v.select(select),
                Statement::Insert(insert) => $walk_insert(v, insert),
                Statement::Update(update) => $walk_update(v, update),
                Statement::Delete(delete) => $walk_delete(v, delete),
                Statement::CreateTable(table) => match &$($m)? table.body {
                    CreateTableBody::AsSelect(select) => v.select(select),
                    CreateTableBody::Columns { columns, constraints, .. } => {
                        for column in columns {
                            $walk_column_def(v, column);
                        }
                        for constraint in constraints {
                            $walk_table_constraint(v, constraint);
                        }
                    }
                },
                Statement::CreateIndex(index) => {
                    for term in &$($m)? index.columns {
                        $walk_term(v, term);
                    }
                    if let Some(expr) = &$($m)? index.where_clause {
                        v.expr(expr);
                    }
                }
                Statement::CreateView(view) => v.select(&$($m)? view.select),
                Statement::CreateTrigger(trigger) => {
                    if let Some(when) = &$($m)? trigger.when {
                        v.expr(when);
                    }
                    for step in &$($m)? trigger.body {
                        match step {
                            TriggerStep::Select(select) => v.select(select),
                            TriggerStep::Insert(insert) => $walk_insert(v, insert),
                            TriggerStep::Update(update) => $walk_update(v, update),
                            TriggerStep::Delete(delete) => $walk_delete(v, delete),
                        }
                    }
                }
                Statement::AlterTable(alter) => match &$($m)? alter.action {
                    AlterAction::AddColumn(column) => $walk_column_def(v, column),
                    AlterAction::AddConstraint(constraint) => $walk_table_constraint(v, constraint),
                    _ => {}
                },
                Statement::Attach(attach) => {
                    v.expr(&$($m)? attach.file);
                    v.expr(&$($m)? attach.name);
                    if let Some(key) = &$($m)? attach.key {
                        v.expr(key);
                    }
                }
                Statement::Detach(expr) => v.expr(expr),
                Statement::Vacuum { into, .. } => {
                    if let Some(expr) = into {
                        v.expr(expr);
                    }
                }
                Statement::Explain { statement, .. } => $walk_statement(v, statement),
                Statement::CreateVirtualTable(_)
                | Statement::Drop(_)
                | Statement::Begin(_)
                | Statement::Commit
                | Statement::Rollback { .. }
                | Statement::Savepoint(_)
                | Statement::Release(_)
                | Statement::Pragma(_)
                | Statement::Analyze(_)
                | Statement::Reindex(_)
                | Statement::OptimizeIndex(_) => {}
            }
        }
    };
}

visitor! {
    /// A visitor that reads.
    Visit;
    walk_expr walk_select walk_core walk_from walk_table_source walk_window walk_function walk_insert walk_update walk_delete
    walk_with walk_ordering_term walk_result_column walk_limit walk_statement walk_column_def walk_table_constraint
    walk_assignment walk_frame_bound
}

visitor! {
    /// A visitor that may change what it visits.
    VisitMut, mut;
    walk_expr_mut walk_select_mut walk_core_mut walk_from_mut walk_table_source_mut walk_window_mut walk_function_mut
    walk_insert_mut walk_update_mut walk_delete_mut walk_with_mut walk_ordering_term_mut walk_result_column_mut walk_limit_mut
    walk_statement_mut walk_column_def_mut walk_table_constraint_mut walk_assignment_mut walk_frame_bound_mut
}

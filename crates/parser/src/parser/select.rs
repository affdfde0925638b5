//! Queries: WITH, compounds, SELECT cores, FROM, windows.

use super::{Parser, Result};
use crate::ast::{
    CompoundOp, Cte, Distinctness, Expr, Frame, FrameBound, FrameExclude, FrameUnits, FromClause, Indexed, Join,
    JoinConstraint, JoinKind, JoinOp, Limit, Materialized, Name, NullsOrder, OrderingTerm, QualifiedName, Query,
    ResultColumn, Select, SelectBody, SelectCore, SortOrder, Span, TableRef, TableSource, WindowDef, WindowSpec, With,
};
use crate::error::SyntaxError;
use crate::token::TokenKind as T;

/// The most terms that a compound may have (SQLite's `SQLITE_MAX_COMPOUND_SELECT`).
const MAX_COMPOUND: usize = 500;

impl Parser<'_> {
    /// A whole query. Afterwards `select_height` is at least the height of its tallest expression.
    ///
    /// The tree is built in place, here and in [`Parser::query`]: these functions recurse, and values on their way
    /// through return slots make the stack frames of debug builds large.
    pub(super) fn select(&mut self) -> Result<Box<Select>> {
        let start = self.tok.start;
        let with = if self.at(T::With) { Some(self.with_clause()?) } else { None };
        self.select_after_with(with, start)
    }

    pub(super) fn select_after_with(&mut self, with: Option<With>, start: u32) -> Result<Box<Select>> {
        self.enter()?;
        let body = SelectBody { first: SelectCore::Values(Vec::new()), rest: Vec::new() };
        let mut select =
            Box::new(Select { with, body, order_by: Vec::new(), limit: None, span: Span::default(), number: 0 });
        let windows = self.windows;
        select.body.first = self.select_core()?;
        if self.windows != windows {
            one_select_for_each_row(&mut select.body);
        }
        self.order_and_limit(&mut select)?;
        if matches!(self.tok.kind, T::Union | T::Intersect | T::Except) {
            self.compound(&mut select)?;
        }
        select.span = self.span_from(start);
        select.number = self.selects;
        self.leave();
        Ok(select)
    }

    /// Compound operators and the cores behind them.
    fn compound(&mut self, select: &mut Select) -> Result<()> {
        let mut misplaced = None;
        while let Some((op, word)) = self.compound_op() {
            if !select.order_by.is_empty() {
                misplaced = Some(("ORDER BY", word));
            } else if select.limit.is_some() {
                misplaced = Some(("LIMIT", word));
            }
            let core = self.select_core()?;
            select.body.rest.push((op, core));
            self.order_and_limit(select)?;
        }
        if let Some((clause, word)) = misplaced {
            self.complain(SyntaxError::new(format!("{clause} clause should come after {word} not before")));
        }
        if select.body.rest.len() >= MAX_COMPOUND {
            self.complain(SyntaxError::new("too many terms in compound SELECT"));
        }
        Ok(())
    }

    fn compound_op(&mut self) -> Option<(CompoundOp, &'static str)> {
        let found = match self.tok.kind {
            T::Union if self.peek() == T::All => {
                self.advance();
                (CompoundOp::UnionAll, "UNION ALL")
            }
            T::Union => (CompoundOp::Union, "UNION"),
            T::Intersect => (CompoundOp::Intersect, "INTERSECT"),
            T::Except => (CompoundOp::Except, "EXCEPT"),
            _ => return None,
        };
        self.advance();
        Some(found)
    }

    /// ORDER BY and LIMIT behind the last core, which belong to a SELECT and never follow VALUES.
    fn order_and_limit(&mut self, select: &mut Select) -> Result<()> {
        select.order_by = Vec::new();
        select.limit = None;
        let last = select.body.rest.last().map_or(&select.body.first, |(_, core)| core);
        if matches!(last, SelectCore::Query(_)) {
            if self.at(T::Order) {
                select.order_by = self.order_by()?;
            }
            if self.at(T::Limit) {
                select.limit = self.limit()?;
            }
        }
        let last = select.body.rest.last().map_or(&select.body.first, |(_, core)| core);
        // VALUES with several rows is a SELECT over its rows.
        self.selects += if matches!(last, SelectCore::Values(rows) if rows.len() > 1) { 2 } else { 1 };
        Ok(())
    }

    pub(super) fn order_by(&mut self) -> Result<Vec<OrderingTerm>> {
        if !self.eat(T::Order) {
            return Ok(Vec::new());
        }
        self.expect(T::By)?;
        self.ordering_terms()
    }

    pub(super) fn limit(&mut self) -> Result<Option<Limit>> {
        if !self.eat(T::Limit) {
            return Ok(None);
        }
        let first = self.expr()?;
        if self.eat(T::Offset) {
            return Ok(Some(Limit { limit: first, offset: Some(self.expr()?) }));
        }
        if self.eat(T::Comma) {
            return Ok(Some(Limit { limit: self.expr()?, offset: Some(first) }));
        }
        Ok(Some(Limit { limit: first, offset: None }))
    }

    /// `expr [ASC|DESC] [NULLS FIRST|LAST], ...`
    pub(super) fn ordering_terms(&mut self) -> Result<Vec<OrderingTerm>> {
        let mut terms = Vec::new();
        loop {
            let offset = self.tok.start;
            let expr = self.expr()?;
            let order = self.sort_order();
            let nulls = if self.eat(T::Nulls) {
                if self.eat(T::First) {
                    Some(NullsOrder::First)
                } else {
                    self.expect(T::Last)?;
                    Some(NullsOrder::Last)
                }
            } else {
                None
            };
            terms.push(OrderingTerm { offset, expr, order, nulls });
            if !self.eat(T::Comma) {
                return Ok(terms);
            }
        }
    }

    pub(super) fn sort_order(&mut self) -> Option<SortOrder> {
        if self.eat(T::Asc) {
            Some(SortOrder::Asc)
        } else if self.eat(T::Desc) {
            Some(SortOrder::Desc)
        } else {
            None
        }
    }

    fn select_core(&mut self) -> Result<SelectCore> {
        match self.tok.kind {
            T::Select => Ok(SelectCore::Query(self.query()?)),
            T::Values => self.values(),
            _ => Err(self.unexpected()),
        }
    }

    fn values(&mut self) -> Result<SelectCore> {
        self.advance();
        let mut rows: Vec<Vec<_>> = Vec::new();
        loop {
            self.expect(T::LeftParen)?;
            let row = self.expr_list()?;
            self.expect(T::RightParen)?;
            if rows.first().is_some_and(|first| first.len() != row.len()) {
                self.complain(SyntaxError::new("all VALUES must have the same number of terms"));
            }
            rows.push(row);
            if !self.eat(T::Comma) {
                return Ok(SelectCore::Values(rows));
            }
        }
    }

    fn query(&mut self) -> Result<Box<Query>> {
        self.advance();
        let mut query = Box::new(Query {
            distinct: None,
            columns: Vec::new(),
            from: None,
            where_clause: None,
            group_by: Vec::new(),
            group_spans: Vec::new(),
            having: None,
            windows: Vec::new(),
        });
        if self.eat(T::Distinct) {
            query.distinct = Some(Distinctness::Distinct);
        } else if self.eat(T::All) {
            query.distinct = Some(Distinctness::All);
        }
        self.result_columns_into(&mut query.columns)?;
        if self.eat(T::From) {
            query.from = Some(self.sources()?);
        }
        query.where_clause = self.where_clause()?;
        self.grouping(&mut query)?;
        Ok(query)
    }

    /// GROUP BY, HAVING and WINDOW.
    fn grouping(&mut self, query: &mut Query) -> Result<()> {
        if self.eat(T::Group) {
            self.expect(T::By)?;
            loop {
                query.group_spans.push(Span::new(self.tok.start, self.tok.start));
                query.group_by.push(self.expr()?);
                if !self.eat(T::Comma) {
                    break;
                }
            }
        }
        if self.eat(T::Having) {
            query.having = Some(self.expr()?);
        }
        if self.eat(T::Window) {
            query.windows = self.window_defs()?;
        }
        Ok(())
    }

    pub(super) fn where_clause(&mut self) -> Result<Option<Expr>> {
        if self.eat(T::Where) { Ok(Some(self.expr()?)) } else { Ok(None) }
    }

    /// The columns of RETURNING.
    pub(super) fn result_columns(&mut self) -> Result<Vec<ResultColumn>> {
        let mut columns = Vec::new();
        self.result_columns_into(&mut columns)?;
        Ok(columns)
    }

    fn result_columns_into(&mut self, columns: &mut Vec<ResultColumn>) -> Result<()> {
        loop {
            if !self.star_column(columns) {
                let start = self.tok.start;
                let expr = self.expr()?;
                self.end_column(columns, expr, start)?;
            }
            if !self.eat(T::Comma) {
                return Ok(());
            }
        }
    }

    /// `*` and `table.*`, if that is what comes.
    fn star_column(&mut self, columns: &mut Vec<ResultColumn>) -> bool {
        if self.eat(T::Star) {
            columns.push(ResultColumn::Star);
            return true;
        }
        // Words that begin an expression of their own are not read as names here.
        let own = matches!(self.tok.kind, T::CurrentDate | T::CurrentTime | T::CurrentTimestamp | T::Cast | T::Raise);
        if !self.tok.kind.is_name() || own || !self.table_star_ahead() {
            return false;
        }
        let table = self.take_name();
        self.advance();
        self.advance();
        columns.push(ResultColumn::TableStar(table));
        true
    }

    fn end_column(&mut self, columns: &mut Vec<ResultColumn>, expr: Expr, start: u32) -> Result<()> {
        let span = self.span_from(start);
        let alias = self.alias()?;
        columns.push(ResultColumn::Expr { expr, alias, span });
        Ok(())
    }

    /// True when `.*` follows the current token.
    fn table_star_ahead(&self) -> bool {
        // Mostly a comma or blank and then no dot: that is seen without taking tokens apart.
        let next = crate::lexer::skip_blanks(self.sql, self.tok.end as usize);
        if self.sql.get(next) != Some(&b'.') {
            return false;
        }
        let dot = crate::lexer::next_token(self.sql, self.tok.end);
        dot.kind == T::Dot && crate::lexer::next_token(self.sql, dot.end).kind == T::Star
    }

    /// `[AS name | name]`; without AS only what cannot begin something else.
    fn alias(&mut self) -> Result<Option<Name>> {
        if self.eat(T::As) {
            return Ok(Some(self.name()?));
        }
        if self.tok.kind.is_id_or_string() { Ok(Some(self.take_name())) } else { Ok(None) }
    }

    // FROM.

    pub(super) fn sources(&mut self) -> Result<FromClause> {
        let first = self.table_source()?;
        let clause = match self.tok.kind {
            T::On => "ON",
            T::Using => "USING",
            _ => "",
        };
        if !clause.is_empty() {
            self.join_constraint()?;
            self.complain(SyntaxError::new(format!("a JOIN clause is required before {clause}")));
        }
        let mut from = FromClause { first, joins: Vec::new() };
        while let Some(op) = self.join_op()? {
            self.join(op, &mut from)?;
        }
        Ok(from)
    }

    fn join(&mut self, op: JoinOp, from: &mut FromClause) -> Result<()> {
        let right = self.table_source()?;
        let constraint = self.join_constraint()?;
        from.joins.push(Join { op, right, constraint });
        Ok(())
    }

    fn join_constraint(&mut self) -> Result<Option<JoinConstraint>> {
        if self.eat(T::On) {
            return Ok(Some(JoinConstraint::On(self.expr()?)));
        }
        if self.eat(T::Using) {
            self.expect(T::LeftParen)?;
            let names = self.name_list()?;
            self.expect(T::RightParen)?;
            return Ok(Some(JoinConstraint::Using(names)));
        }
        Ok(None)
    }

    /// `,`, `JOIN`, or up to three words and `JOIN`. Only the first word must be one of the join words to get here;
    /// which combinations exist is decided afterwards, as SQLite does.
    fn join_op(&mut self) -> Result<Option<JoinOp>> {
        if self.eat(T::Comma) {
            return Ok(Some(JoinOp { kind: JoinKind::Comma, natural: false }));
        }
        if self.eat(T::Join) {
            return Ok(Some(JoinOp { kind: JoinKind::Inner, natural: false }));
        }
        if !self.tok.kind.is_join_word() {
            return Ok(None);
        }
        let mut words = [self.tok; 3];
        let mut count = 1;
        self.advance();
        while !self.at(T::Join) {
            if count == 3 || !self.tok.kind.is_name() {
                return Err(self.unexpected());
            }
            words[count] = self.tok;
            count += 1;
            self.advance();
        }
        self.advance();
        let words = &words[..count];
        let (mut natural, mut outer, mut inner, mut cross, mut left, mut right, mut known) =
            (false, false, false, false, false, false, true);
        for word in words {
            match word.kind {
                T::Natural => natural = true,
                T::Outer => outer = true,
                T::Inner => inner = true,
                T::Cross => cross = true,
                T::Left => left = true,
                T::Right => right = true,
                T::Full => (left, right) = (true, true),
                _ => known = false,
            }
        }
        let sided = left || right;
        if !known || (inner || cross) && (sided || outer) || outer && !sided {
            let text = words.iter().map(|&word| self.text(word)).collect::<Vec<_>>().join(" ");
            self.complain(SyntaxError::at(words[0].start, format!("unknown join type: {text}")));
        }
        let kind = match (left, right) {
            (true, true) => JoinKind::Full,
            (true, false) => JoinKind::Left,
            (false, true) => JoinKind::Right,
            (false, false) if cross => JoinKind::Cross,
            (false, false) => JoinKind::Inner,
        };
        Ok(Some(JoinOp { kind, natural }))
    }

    #[inline]
    fn table_source(&mut self) -> Result<TableSource> {
        if !self.at(T::LeftParen) {
            return self.table();
        }
        self.advance();
        if matches!(self.tok.kind, T::Select | T::Values | T::With) {
            self.subquery_source()
        } else {
            self.joined_source()
        }
    }

    fn table(&mut self) -> Result<TableSource> {
        let name = self.qualified_name()?;
        if self.at(T::LeftParen) {
            return self.table_function(name);
        }
        let alias = self.alias()?;
        let indexed = self.indexed()?;
        Ok(TableSource::Table(TableRef { name, args: None, alias, indexed }))
    }

    fn table_function(&mut self, name: QualifiedName) -> Result<TableSource> {
        self.advance();
        self.enter()?;
        let args = if self.at(T::RightParen) { Vec::new() } else { self.expr_list()? };
        self.leave();
        self.expect(T::RightParen)?;
        let alias = self.alias()?;
        Ok(TableSource::Table(TableRef { name, args: Some(args), alias, indexed: None }))
    }

    pub(super) fn indexed(&mut self) -> Result<Option<Indexed>> {
        if self.eat(T::Indexed) {
            self.expect(T::By)?;
            return Ok(Some(Indexed::By(self.name()?)));
        }
        if self.eat(T::Not) {
            self.expect(T::Indexed)?;
            return Ok(Some(Indexed::Not));
        }
        Ok(None)
    }

    /// A query behind its opening parenthesis.
    #[inline(never)]
    fn subquery_source(&mut self) -> Result<TableSource> {
        let select = self.select()?;
        self.expect(T::RightParen)?;
        Ok(TableSource::Subquery { select, alias: self.alias()? })
    }

    /// Sources behind an opening parenthesis.
    #[inline(never)]
    fn joined_source(&mut self) -> Result<TableSource> {
        self.enter()?;
        let from = Box::new(self.sources()?);
        self.leave();
        self.end_of_joined(from)
    }

    #[inline(never)]
    fn end_of_joined(&mut self, from: Box<FromClause>) -> Result<TableSource> {
        self.expect(T::RightParen)?;
        let alias = self.alias()?;
        if !from.joins.is_empty() {
            self.selects += 1;
            return Ok(TableSource::Join { from, alias, number: self.selects });
        }
        // Parentheses around one source mean nothing, and an alias behind them replaces the one within.
        let mut source = from.first;
        if alias.is_some() {
            match &mut source {
                TableSource::Table(table) => table.alias = alias,
                TableSource::Subquery { alias: inner, .. } | TableSource::Join { alias: inner, .. } => *inner = alias,
            }
        }
        Ok(source)
    }

    // WITH.

    pub(super) fn with_clause(&mut self) -> Result<With> {
        self.advance();
        let recursive = self.eat(T::Recursive);
        let mut ctes = Vec::new();
        loop {
            ctes.push(self.cte()?);
            if !self.eat(T::Comma) {
                return Ok(With { recursive, ctes });
            }
        }
    }

    fn cte(&mut self) -> Result<Cte> {
        let name = self.name()?;
        let columns = self.column_names()?;
        self.expect(T::As)?;
        let materialized = if self.eat(T::Materialized) {
            Materialized::Yes
        } else if self.eat(T::Not) {
            self.expect(T::Materialized)?;
            Materialized::No
        } else {
            Materialized::Any
        };
        self.expect(T::LeftParen)?;
        self.enter()?;
        let select = self.select()?;
        self.leave();
        self.expect(T::RightParen)?;
        Ok(Cte { name, columns, materialized, select })
    }

    // Windows.

    fn window_defs(&mut self) -> Result<Vec<WindowDef>> {
        let mut windows = Vec::new();
        loop {
            let name = self.name()?;
            self.expect(T::As)?;
            self.expect(T::LeftParen)?;
            windows.push(WindowDef { name, spec: *self.window_spec()? });
            if !self.eat(T::Comma) {
                return Ok(windows);
            }
        }
    }

    /// A window behind its opening parenthesis, up to and with the closing one.
    pub(super) fn window_spec(&mut self) -> Result<Box<WindowSpec>> {
        let mut spec = Box::new(WindowSpec { base: None, partition_by: Vec::new(), order_by: Vec::new(), frame: None });
        if self.tok.kind.is_name() && !matches!(self.tok.kind, T::Partition | T::Range | T::Rows | T::Groups) {
            spec.base = Some(self.take_name());
        }
        if self.eat(T::Partition) {
            self.expect(T::By)?;
            spec.partition_by = self.expr_list()?;
        }
        spec.order_by = self.order_by()?;
        let units = match self.tok.kind {
            T::Range => Some(FrameUnits::Range),
            T::Rows => Some(FrameUnits::Rows),
            T::Groups => Some(FrameUnits::Groups),
            _ => None,
        };
        if let Some(units) = units {
            spec.frame = Some(self.frame(units)?);
        }
        self.expect(T::RightParen)?;
        Ok(spec)
    }

    fn frame(&mut self, units: FrameUnits) -> Result<Frame> {
        self.advance();
        let (start, end) = if self.eat(T::Between) {
            let start = self.frame_bound(true)?;
            self.expect(T::And)?;
            (start, Some(self.frame_bound(false)?))
        } else {
            (self.frame_bound(true)?, None)
        };
        let exclude = if self.eat(T::Exclude) { Some(self.frame_exclude()?) } else { None };
        let rank = |bound: &FrameBound| match bound {
            FrameBound::UnboundedPreceding => 0,
            FrameBound::Preceding(_) => 1,
            FrameBound::CurrentRow => 2,
            FrameBound::Following(_) => 3,
            FrameBound::UnboundedFollowing => 4,
        };
        if rank(&start) > end.as_ref().map_or(2, rank) {
            self.complain(SyntaxError::new("unsupported frame specification"));
        }
        Ok(Frame { units, start, end, exclude })
    }

    fn frame_bound(&mut self, is_start: bool) -> Result<FrameBound> {
        if self.eat(T::Unbounded) {
            if is_start {
                self.expect(T::Preceding)?;
                return Ok(FrameBound::UnboundedPreceding);
            }
            self.expect(T::Following)?;
            return Ok(FrameBound::UnboundedFollowing);
        }
        if self.eat(T::Current) {
            self.expect(T::Row)?;
            return Ok(FrameBound::CurrentRow);
        }
        let expr = Box::new(self.expr()?);
        if self.eat(T::Preceding) {
            return Ok(FrameBound::Preceding(expr));
        }
        self.expect(T::Following)?;
        Ok(FrameBound::Following(expr))
    }

    fn frame_exclude(&mut self) -> Result<FrameExclude> {
        let exclude = match self.tok.kind {
            T::No => {
                self.advance();
                self.expect(T::Others)?;
                return Ok(FrameExclude::NoOthers);
            }
            T::Current => {
                self.advance();
                self.expect(T::Row)?;
                return Ok(FrameExclude::CurrentRow);
            }
            T::Group => FrameExclude::Group,
            T::Ties => FrameExclude::Ties,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(exclude)
    }
}

/// Rows of VALUES with window functions among them: each is a SELECT of its own, as in SQLite, and so computes its functions over itself.
fn one_select_for_each_row(body: &mut SelectBody) {
    let SelectCore::Values(rows) = &mut body.first else { return };
    let further = rows.drain(1..).map(|row| (CompoundOp::UnionAll, SelectCore::Values(vec![row])));
    body.rest.extend(further);
}

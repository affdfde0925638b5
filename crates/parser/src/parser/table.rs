//! CREATE TABLE: columns, types, constraints, options.

use super::{Parser, Result};
use crate::ast::{
    ColumnConstraint, ColumnConstraintKind, ColumnDef, CreateTable, CreateTableBody, Deferrable, Expr,
    ForeignKeyClause, GeneratedStorage, Literal, Name, OrderingTerm, ReferenceAction, Span, Statement, TableConstraint,
    TableConstraintKind, TableOptions, TypeName, UnaryOp,
};
use crate::error::SyntaxError;
use crate::token::TokenKind as T;

impl Parser<'_> {
    pub(super) fn create_table(&mut self, temporary: bool) -> Result<Statement> {
        self.expect(T::Table)?;
        let (if_not_exists, name) = self.new_object()?;
        let body = if self.eat(T::As) {
            CreateTableBody::AsSelect(self.select()?)
        } else {
            self.expect(T::LeftParen)?;
            self.table_columns()?
        };
        let has_options = self.sql.get(self.prev_end as usize - 1) != Some(&b')');
        let definition =
            if has_options { self.span_to_terminator(name.name.offset) } else { self.span_from(name.name.offset) };
        Ok(Statement::CreateTable(Box::new(CreateTable { temporary, if_not_exists, name, body, definition })))
    }

    fn table_columns(&mut self) -> Result<CreateTableBody> {
        let mut columns = vec![self.column_def()?];
        let mut constraints = Vec::new();
        while self.eat(T::Comma) {
            if is_table_constraint(self.tok.kind) {
                constraints = self.table_constraints()?;
                break;
            }
            columns.push(self.column_def()?);
        }
        let end = Span::new(self.tok.start, self.tok.end);
        self.expect(T::RightParen)?;
        let options = self.table_options()?;
        Ok(CreateTableBody::Columns { columns, constraints, options, end_of_columns: end })
    }

    fn table_options(&mut self) -> Result<TableOptions> {
        let mut options = TableOptions::default();
        if matches!(self.tok.kind, T::Eof | T::Semicolon) {
            return Ok(options);
        }
        // SQLite takes a comma before the first option, too.
        self.eat(T::Comma);
        loop {
            let without = self.eat(T::Without);
            let token = self.tok;
            self.name()?;
            let word = self.bytes(token);
            if without && word.eq_ignore_ascii_case(b"rowid") {
                options.without_rowid = true;
            } else if !without && word.eq_ignore_ascii_case(b"strict") {
                options.strict = true;
            } else {
                self.complain(SyntaxError::new(format!("unknown table option: {}", self.text(token))));
            }
            if !self.eat(T::Comma) {
                return Ok(options);
            }
        }
    }

    /// `name [type] [constraints]`
    pub(super) fn column_def(&mut self) -> Result<ColumnDef> {
        let start = self.tok.start;
        let name = self.name()?;
        let mut type_name = self.type_name()?;
        // GENERATED ALWAYS falls into the type, as its words may; SQLite takes it out again.
        let always = strip_generated_always(&mut type_name);
        let mut constraints = Vec::new();
        loop {
            let generated = always && constraints.is_empty();
            match self.column_constraint(&name, generated)? {
                Some(constraint) => constraints.push(constraint),
                None => break,
            }
        }
        Ok(ColumnDef { name, type_name, constraints, span: self.span_from(start) })
    }

    fn column_constraint(&mut self, column: &Name, always: bool) -> Result<Option<ColumnConstraint>> {
        let start = self.tok.start;
        let name = if self.eat(T::Constraint) { Some(self.name()?) } else { None };
        let kind = match self.column_constraint_kind(column, always)? {
            Some(kind) => kind,
            None if name.is_some() => ColumnConstraintKind::Empty,
            None => return Ok(None),
        };
        Ok(Some(ColumnConstraint { name, kind, span: self.span_from(start) }))
    }

    fn column_constraint_kind(&mut self, column: &Name, always: bool) -> Result<Option<ColumnConstraintKind>> {
        let kind = match self.tok.kind {
            T::Default => self.default_value()?,
            T::Null => {
                self.advance();
                ColumnConstraintKind::Null { on_conflict: self.on_conflict()? }
            }
            T::Not => {
                self.advance();
                if self.at(T::Deferrable) {
                    ColumnConstraintKind::Deferrable(self.deferrable(true)?)
                } else {
                    self.expect(T::Null)?;
                    ColumnConstraintKind::NotNull { on_conflict: self.on_conflict()? }
                }
            }
            T::Deferrable => ColumnConstraintKind::Deferrable(self.deferrable(false)?),
            T::Primary => {
                self.advance();
                self.expect(T::Key)?;
                let order = self.sort_order();
                let on_conflict = self.on_conflict()?;
                let autoincrement = self.eat(T::Autoincrement);
                ColumnConstraintKind::PrimaryKey { order, on_conflict, autoincrement }
            }
            T::Unique => {
                self.advance();
                ColumnConstraintKind::Unique { on_conflict: self.on_conflict()? }
            }
            T::Check => {
                self.advance();
                let (expr, text) = self.parenthesized()?;
                ColumnConstraintKind::Check { expr, text }
            }
            T::References => ColumnConstraintKind::References(self.foreign_key_clause(true)?),
            T::Collate => {
                self.advance();
                ColumnConstraintKind::Collate(self.id_or_string()?)
            }
            T::Generated => {
                self.advance();
                self.expect(T::Always)?;
                self.expect(T::As)?;
                self.generated(column, true)?
            }
            T::As => {
                self.advance();
                self.generated(column, always)?
            }
            _ => return Ok(None),
        };
        Ok(Some(kind))
    }

    /// `(expr)`, and the span of the text within.
    fn parenthesized(&mut self) -> Result<(Expr, Span)> {
        self.expect(T::LeftParen)?;
        let start = self.tok.start;
        let expr = self.expr()?;
        let text = self.span_from(start);
        self.expect(T::RightParen)?;
        Ok((expr, text))
    }

    fn default_value(&mut self) -> Result<ColumnConstraintKind> {
        self.advance();
        if self.at(T::LeftParen) {
            let (expr, text) = self.parenthesized()?;
            return Ok(ColumnConstraintKind::Default { expr, parenthesized: true, text });
        }
        let start = self.tok.start;
        let expr = match self.tok.kind {
            T::Plus => {
                self.advance();
                Expr::unary(UnaryOp::Plus, self.literal()?)
            }
            T::Minus => {
                self.advance();
                Expr::unary(UnaryOp::Minus, self.literal()?)
            }
            T::CurrentDate | T::CurrentTime | T::CurrentTimestamp => self.literal()?,
            kind if kind.is_id() || kind == T::Indexed => self.default_name(),
            _ => self.literal()?,
        };
        Ok(ColumnConstraintKind::Default { expr, parenthesized: false, text: self.span_from(start) })
    }

    /// A bare name as default: TRUE and FALSE stay names, everything else is a string.
    fn default_name(&mut self) -> Expr {
        let column = Expr::column(self.take_name());
        if column.as_bool_keyword().is_some() {
            return column;
        }
        match column {
            Expr::Column(column) => Expr::Literal(Literal::String(column.column.text.into_boxed_bytes())),
            other => other,
        }
    }

    fn generated(&mut self, column: &Name, always: bool) -> Result<ColumnConstraintKind> {
        let (expr, _) = self.parenthesized()?;
        let mut storage = None;
        if self.tok.kind.is_id() {
            let word = self.bytes(self.tok);
            self.advance();
            storage = if word.eq_ignore_ascii_case(b"stored") {
                Some(GeneratedStorage::Stored)
            } else if word.eq_ignore_ascii_case(b"virtual") {
                Some(GeneratedStorage::Virtual)
            } else {
                self.complain(SyntaxError::new(format!("error in generated column \"{}\"", column.text)));
                None
            };
        }
        Ok(ColumnConstraintKind::Generated { expr, always, storage })
    }

    /// `REFERENCES table [(columns)] [actions] [deferrable]`; behind that of a column, NOT may begin NOT NULL.
    fn foreign_key_clause(&mut self, of_column: bool) -> Result<ForeignKeyClause> {
        self.expect(T::References)?;
        let table = self.name()?;
        let columns = self.column_names()?;
        let mut clause = ForeignKeyClause {
            table,
            columns,
            on_delete: None,
            on_update: None,
            on_insert: None,
            match_name: None,
            deferrable: None,
        };
        loop {
            if self.eat(T::Match) {
                clause.match_name = Some(self.name()?);
            } else if self.eat(T::On) {
                let slot = match self.tok.kind {
                    T::Delete => &mut clause.on_delete,
                    T::Update => &mut clause.on_update,
                    T::Insert => &mut clause.on_insert,
                    _ => return Err(self.unexpected()),
                };
                self.advance();
                *slot = Some(self.reference_action()?);
            } else {
                break;
            }
        }
        if self.at(T::Deferrable) {
            clause.deferrable = Some(self.deferrable(false)?);
        } else if self.at(T::Not) && (!of_column || self.peek() == T::Deferrable) {
            self.advance();
            if !self.at(T::Deferrable) {
                return Err(self.unexpected());
            }
            clause.deferrable = Some(self.deferrable(true)?);
        }
        Ok(clause)
    }

    fn reference_action(&mut self) -> Result<ReferenceAction> {
        let action = match self.tok.kind {
            T::Set => {
                self.advance();
                match self.tok.kind {
                    T::Null => ReferenceAction::SetNull,
                    T::Default => ReferenceAction::SetDefault,
                    _ => return Err(self.unexpected()),
                }
            }
            T::Cascade => ReferenceAction::Cascade,
            T::Restrict => ReferenceAction::Restrict,
            T::No => {
                self.advance();
                if !self.at(T::Action) {
                    return Err(self.unexpected());
                }
                ReferenceAction::NoAction
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(action)
    }

    /// `DEFERRABLE [INITIALLY DEFERRED|IMMEDIATE]`
    fn deferrable(&mut self, not: bool) -> Result<Deferrable> {
        self.advance();
        let mut initially_deferred = None;
        if self.eat(T::Initially) {
            if self.eat(T::Deferred) {
                initially_deferred = Some(true);
            } else {
                self.expect(T::Immediate)?;
                initially_deferred = Some(false);
            }
        }
        Ok(Deferrable { not, initially_deferred })
    }

    // Table constraints.

    /// Constraints up to the closing parenthesis; the commas between them are optional.
    fn table_constraints(&mut self) -> Result<Vec<TableConstraint>> {
        let mut constraints = vec![self.table_constraint()?];
        loop {
            if !self.eat(T::Comma) && !is_table_constraint(self.tok.kind) {
                return Ok(constraints);
            }
            constraints.push(self.table_constraint()?);
        }
    }

    fn table_constraint(&mut self) -> Result<TableConstraint> {
        let start = self.tok.start;
        let name = if self.eat(T::Constraint) { Some(self.name()?) } else { None };
        let kind = match self.tok.kind {
            T::Primary => {
                self.advance();
                self.expect(T::Key)?;
                self.expect(T::LeftParen)?;
                let columns = self.ordering_terms()?;
                let autoincrement = self.eat(T::Autoincrement);
                self.expect(T::RightParen)?;
                TableConstraintKind::PrimaryKey { columns, autoincrement, on_conflict: self.on_conflict()? }
            }
            T::Unique => {
                self.advance();
                let columns = self.key_columns()?;
                TableConstraintKind::Unique { columns, on_conflict: self.on_conflict()? }
            }
            T::Check => self.table_check()?,
            T::Foreign => {
                self.advance();
                self.expect(T::Key)?;
                if !self.at(T::LeftParen) {
                    return Err(self.unexpected());
                }
                let columns = self.column_names()?;
                TableConstraintKind::ForeignKey { columns, clause: self.foreign_key_clause(false)? }
            }
            _ if name.is_some() => TableConstraintKind::Empty,
            _ => return Err(self.unexpected()),
        };
        Ok(TableConstraint { name, kind, span: self.span_from(start) })
    }

    fn key_columns(&mut self) -> Result<Vec<OrderingTerm>> {
        self.expect(T::LeftParen)?;
        let columns = self.ordering_terms()?;
        self.expect(T::RightParen)?;
        Ok(columns)
    }

    fn table_check(&mut self) -> Result<TableConstraintKind> {
        self.expect(T::Check)?;
        let (expr, text) = self.parenthesized()?;
        Ok(TableConstraintKind::Check { expr, text, on_conflict: self.on_conflict()? })
    }

    /// `[CONSTRAINT name] CHECK (expr) [ON CONFLICT ...]` of ALTER TABLE ADD.
    pub(super) fn added_check(&mut self) -> Result<TableConstraint> {
        let start = self.tok.start;
        let name = if self.eat(T::Constraint) { Some(self.name()?) } else { None };
        let kind = self.table_check()?;
        Ok(TableConstraint { name, kind, span: self.span_from(start) })
    }
}

fn is_table_constraint(kind: T) -> bool {
    matches!(kind, T::Constraint | T::Primary | T::Unique | T::Check | T::Foreign)
}

/// Takes a trailing `GENERATED ALWAYS` off a type; tells whether there was one.
fn strip_generated_always(type_name: &mut TypeName) -> bool {
    // SQLite looks for ALWAYS at the end of what is long enough for both words, then for GENERATED.
    const BOTH: usize = "generated always".len();
    let Some(rest) = strip_end(&type_name.text, "always").filter(|_| type_name.text.len() >= BOTH) else {
        return false;
    };
    let (kept, both) = match strip_end(rest, "generated") {
        Some(rest) => (rest.into(), true),
        None => (rest.into(), false),
    };
    type_name.text = kept;
    both
}

fn strip_end<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(text.len().checked_sub(word.len())?)?;
    tail.eq_ignore_ascii_case(word).then(|| head.trim_end())
}

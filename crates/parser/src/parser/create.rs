//! CREATE of everything but tables: indexes, views, triggers, virtual tables.

use super::{Parser, Result};
use crate::ast::{
    CreateIndex, CreateTrigger, CreateView, CreateVirtualTable, Expr, IndexParameter, QualifiedName, Span, Statement,
    TriggerEvent, TriggerStep, TriggerTime, UnaryOp,
};
use crate::error::SyntaxError;
use crate::token::TokenKind as T;

impl Parser<'_> {
    pub(super) fn create(&mut self) -> Result<Statement> {
        self.advance();
        match self.tok.kind {
            T::Table => self.create_table(false),
            T::Unique => {
                self.advance();
                self.create_index(true)
            }
            T::Index => self.create_index(false),
            T::View => self.create_view(false, false),
            T::Trigger => self.create_trigger(false),
            T::Virtual => self.create_virtual_table(),
            T::Materialized if self.peek() == T::View => {
                self.advance();
                self.create_view(false, true)
            }
            T::Temp | T::Temporary => {
                self.advance();
                match self.tok.kind {
                    T::Table => self.create_table(true),
                    T::View => self.create_view(true, false),
                    T::Trigger => self.create_trigger(true),
                    _ => Err(self.unexpected()),
                }
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `[IF NOT EXISTS] [schema.]name`
    pub(super) fn new_object(&mut self) -> Result<(bool, QualifiedName)> {
        let if_not_exists = self.eat(T::If);
        if if_not_exists {
            self.expect(T::Not)?;
            self.expect(T::Exists)?;
        }
        Ok((if_not_exists, self.qualified_name()?))
    }

    fn create_index(&mut self, unique: bool) -> Result<Statement> {
        self.expect(T::Index)?;
        let (if_not_exists, name) = self.new_object()?;
        self.expect(T::On)?;
        let table = self.name()?;
        let method = if self.eat(T::Using) { Some(self.name()?) } else { None };
        self.expect(T::LeftParen)?;
        let columns = self.ordering_terms()?;
        self.expect(T::RightParen)?;
        let parameters = if method.is_some() && self.eat(T::With) { self.index_parameters()? } else { Vec::new() };
        let where_clause = self.where_clause()?;
        let definition = self.span_to_terminator(name.name.offset);
        Ok(Statement::CreateIndex(Box::new(CreateIndex {
            unique,
            if_not_exists,
            name,
            table,
            method,
            columns,
            parameters,
            where_clause,
            definition,
        })))
    }

    /// `(key = value, ...)`
    fn index_parameters(&mut self) -> Result<Vec<IndexParameter>> {
        self.expect(T::LeftParen)?;
        let mut parameters = Vec::new();
        loop {
            let name = self.name()?;
            self.expect(T::Equal)?;
            let value = if self.eat(T::Minus) {
                Expr::unary(UnaryOp::Minus, self.literal()?)
            } else if self.tok.kind.is_id() {
                Expr::column(self.take_name())
            } else {
                self.literal()?
            };
            parameters.push(IndexParameter { name, value });
            if !self.eat(T::Comma) {
                break;
            }
        }
        self.expect(T::RightParen)?;
        Ok(parameters)
    }

    fn create_view(&mut self, temporary: bool, materialized: bool) -> Result<Statement> {
        self.expect(T::View)?;
        let (if_not_exists, name) = self.new_object()?;
        let columns = self.column_names()?;
        self.expect(T::As)?;
        let select = self.select()?;
        if self.parameters.count > 0 {
            self.complain(SyntaxError::new("parameters are not allowed in views"));
        }
        let mut definition = self.span_to_terminator(name.name.offset);
        definition.end = definition.start + definition.of(self.sql).trim_ascii_end().len() as u32;
        Ok(Statement::CreateView(Box::new(CreateView {
            temporary,
            materialized,
            if_not_exists,
            name,
            columns,
            select,
            definition,
        })))
    }

    fn create_virtual_table(&mut self) -> Result<Statement> {
        self.advance();
        self.expect(T::Table)?;
        let (if_not_exists, name) = self.new_object()?;
        self.expect(T::Using)?;
        let module = self.name()?;
        let args = if self.eat(T::LeftParen) { self.module_arguments()? } else { Vec::new() };
        let definition = self.span_from(name.name.offset);
        Ok(Statement::CreateVirtualTable(Box::new(CreateVirtualTable {
            if_not_exists,
            name,
            module,
            args,
            definition,
        })))
    }

    /// Raw arguments up to the closing parenthesis. Commas within parentheses do not separate; empty arguments vanish.
    fn module_arguments(&mut self) -> Result<Vec<Box<str>>> {
        let mut args = Vec::new();
        let mut depth = 0u32;
        let mut arg: Option<Span> = None;
        loop {
            match self.tok.kind {
                T::Eof | T::Illegal => return Err(self.unexpected()),
                T::Comma if depth == 0 => {
                    args.extend(arg.take().map(|span| self.source(span)));
                    self.advance();
                    continue;
                }
                T::RightParen if depth == 0 => {
                    args.extend(arg.take().map(|span| self.source(span)));
                    self.advance();
                    return Ok(args);
                }
                T::LeftParen => depth += 1,
                T::RightParen => depth -= 1,
                _ => {}
            }
            let start = arg.map_or(self.tok.start, |span| span.start);
            arg = Some(Span::new(start, self.tok.end));
            self.advance();
        }
    }

    fn create_trigger(&mut self, temporary: bool) -> Result<Statement> {
        self.expect(T::Trigger)?;
        let (if_not_exists, name) = self.new_object()?;
        let time = match self.tok.kind {
            T::Before => Some(TriggerTime::Before),
            T::After => Some(TriggerTime::After),
            T::Instead => Some(TriggerTime::InsteadOf),
            _ => None,
        };
        if time.is_some() {
            self.advance();
        }
        if time == Some(TriggerTime::InsteadOf) {
            self.expect(T::Of)?;
        }
        let event = match self.tok.kind {
            T::Delete => TriggerEvent::Delete,
            T::Insert => TriggerEvent::Insert,
            T::Update => TriggerEvent::Update(Vec::new()),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        let event = match event {
            TriggerEvent::Update(_) if self.eat(T::Of) => TriggerEvent::Update(self.name_list()?),
            event => event,
        };
        self.expect(T::On)?;
        let table = self.qualified_name()?;
        let for_each_row = self.eat(T::For);
        if for_each_row {
            self.expect(T::Each)?;
            self.expect(T::Row)?;
        }
        let when = if self.eat(T::When) { Some(self.expr()?) } else { None };
        if temporary && name.schema.is_some() {
            self.complain(SyntaxError::new("temporary trigger may not have qualified name"));
        }
        self.expect(T::Begin)?;
        self.in_trigger = true;
        let (mut body, mut steps) = (Vec::new(), Vec::new());
        loop {
            let start = self.tok.start;
            body.push(self.trigger_step()?);
            steps.push(self.span_from(start));
            self.expect(T::Semicolon)?;
            if self.eat(T::End) {
                break;
            }
        }
        self.in_trigger = false;
        if self.parameters.count > 0 {
            self.complain(SyntaxError::new("trigger cannot use variables"));
        }
        let definition = self.span_from(name.name.offset);
        Ok(Statement::CreateTrigger(Box::new(CreateTrigger {
            temporary,
            if_not_exists,
            name,
            time,
            event,
            table,
            for_each_row,
            when,
            body,
            steps,
            definition,
        })))
    }

    /// One statement of a trigger program.
    fn trigger_step(&mut self) -> Result<TriggerStep> {
        Ok(match self.tok.kind {
            T::Select | T::Values | T::With => TriggerStep::Select(self.select()?),
            T::Insert | T::Replace => TriggerStep::Insert(Box::new(self.insert(None)?)),
            T::Update => TriggerStep::Update(Box::new(self.update(None)?)),
            T::Delete => TriggerStep::Delete(Box::new(self.delete(None)?)),
            _ => return Err(self.unexpected()),
        })
    }
}

//! The small statements: transactions, PRAGMA, ATTACH, VACUUM, ANALYZE, REINDEX, DROP.

use super::{Parser, Result};
use crate::ast::{Attach, Drop, ObjectKind, Pragma, PragmaValue, QualifiedName, Statement, TransactionMode};
use crate::token::TokenKind as T;

impl Parser<'_> {
    pub(super) fn small_statement(&mut self) -> Result<Statement> {
        match self.tok.kind {
            T::Begin => self.begin(),
            T::Commit | T::End => {
                self.advance();
                self.transaction_name()?;
                Ok(Statement::Commit)
            }
            T::Rollback => {
                self.advance();
                self.transaction_name()?;
                let savepoint = if self.eat(T::To) {
                    self.eat(T::Savepoint);
                    Some(self.name()?)
                } else {
                    None
                };
                Ok(Statement::Rollback { savepoint })
            }
            T::Savepoint => {
                self.advance();
                Ok(Statement::Savepoint(self.name()?))
            }
            T::Release => {
                self.advance();
                self.eat(T::Savepoint);
                Ok(Statement::Release(self.name()?))
            }
            T::Pragma => self.pragma(),
            T::Attach => self.attach(),
            T::Detach => {
                self.advance();
                self.eat(T::Database);
                Ok(Statement::Detach(Box::new(self.expr()?)))
            }
            T::Vacuum => {
                self.advance();
                let schema = if self.tok.kind.is_name() { Some(self.take_name()) } else { None };
                let into = if self.eat(T::Into) { Some(Box::new(self.expr()?)) } else { None };
                Ok(Statement::Vacuum { schema, into })
            }
            T::Analyze => {
                self.advance();
                Ok(Statement::Analyze(self.optional_name()?))
            }
            T::Reindex => {
                self.advance();
                Ok(Statement::Reindex(self.optional_name()?))
            }
            T::Identifier if self.at_word("optimize") && self.peek() == T::Index => {
                self.advance();
                self.advance();
                Ok(Statement::OptimizeIndex(self.optional_name()?))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn optional_name(&mut self) -> Result<Option<Box<QualifiedName>>> {
        if self.tok.kind.is_name() { Ok(Some(Box::new(self.qualified_name()?))) } else { Ok(None) }
    }

    fn begin(&mut self) -> Result<Statement> {
        self.advance();
        let mode = match self.tok.kind {
            T::Deferred => Some(TransactionMode::Deferred),
            T::Immediate => Some(TransactionMode::Immediate),
            T::Exclusive => Some(TransactionMode::Exclusive),
            T::Identifier if self.at_word("concurrent") => Some(TransactionMode::Concurrent),
            _ => None,
        };
        if mode.is_some() {
            self.advance();
        }
        self.transaction_name()?;
        Ok(Statement::Begin(mode))
    }

    /// `[TRANSACTION [name]]`; the name means nothing.
    fn transaction_name(&mut self) -> Result<()> {
        if self.eat(T::Transaction) && self.tok.kind.is_name() {
            self.advance();
        }
        Ok(())
    }

    fn attach(&mut self) -> Result<Statement> {
        self.advance();
        self.eat(T::Database);
        let file = self.expr()?;
        self.expect(T::As)?;
        let name = self.expr()?;
        let key = if self.eat(T::Key) { Some(self.expr()?) } else { None };
        Ok(Statement::Attach(Box::new(Attach { file, name, key })))
    }

    fn pragma(&mut self) -> Result<Statement> {
        self.advance();
        let name = self.qualified_name()?;
        let mut call = false;
        let value = if self.eat(T::Equal) {
            Some(self.pragma_value()?)
        } else if self.eat(T::LeftParen) {
            call = true;
            let value = self.pragma_value()?;
            self.expect(T::RightParen)?;
            Some(value)
        } else {
            None
        };
        Ok(Statement::Pragma(Box::new(Pragma { name, value, call })))
    }

    fn pragma_value(&mut self) -> Result<PragmaValue> {
        let sign = match self.tok.kind {
            T::Minus => "-",
            T::Plus | T::Integer | T::HexInteger | T::Float | T::BadSeparator => "",
            T::On | T::Delete | T::Default => return Ok(PragmaValue::Name(self.take_name())),
            _ => return Ok(PragmaValue::Name(self.name()?)),
        };
        if matches!(self.tok.kind, T::Minus | T::Plus) {
            self.advance();
        }
        let number = self.tok;
        self.signed_number_without_sign()?;
        let digits = self.text(number);
        Ok(PragmaValue::Number(format!("{sign}{digits}").into()))
    }

    fn signed_number_without_sign(&mut self) -> Result<()> {
        if matches!(self.tok.kind, T::Plus | T::Minus) { Err(self.unexpected()) } else { self.signed_number() }
    }

    pub(super) fn drop_object(&mut self) -> Result<Statement> {
        self.advance();
        let kind = match self.tok.kind {
            T::Table => ObjectKind::Table,
            T::Index => ObjectKind::Index,
            T::View => ObjectKind::View,
            T::Trigger => ObjectKind::Trigger,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        let if_exists = self.eat(T::If);
        if if_exists {
            self.expect(T::Exists)?;
        }
        let name = self.qualified_name()?;
        Ok(Statement::Drop(Box::new(Drop { kind, if_exists, name })))
    }
}

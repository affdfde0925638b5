//! ALTER TABLE.

use super::{Parser, Result};
use crate::ast::{AlterAction, AlterTable, Statement};
use crate::token::TokenKind as T;

impl Parser<'_> {
    pub(super) fn alter_table(&mut self) -> Result<Statement> {
        self.advance();
        self.expect(T::Table)?;
        let table = self.qualified_name()?;
        let action = match self.tok.kind {
            T::Rename => self.alter_rename()?,
            T::Add => self.alter_add()?,
            T::Drop => self.alter_drop()?,
            T::Alter => self.alter_column()?,
            _ => return Err(self.unexpected()),
        };
        Ok(Statement::AlterTable(Box::new(AlterTable { table, action })))
    }

    fn alter_rename(&mut self) -> Result<AlterAction> {
        self.advance();
        if self.eat(T::To) {
            return Ok(AlterAction::RenameTo(self.name()?));
        }
        self.eat(T::Column);
        let from = self.name()?;
        self.expect(T::To)?;
        Ok(AlterAction::RenameColumn { from, to: self.name()? })
    }

    fn alter_add(&mut self) -> Result<AlterAction> {
        self.advance();
        if matches!(self.tok.kind, T::Constraint | T::Check) {
            return Ok(AlterAction::AddConstraint(Box::new(self.added_check()?)));
        }
        self.eat(T::Column);
        Ok(AlterAction::AddColumn(Box::new(self.column_def()?)))
    }

    fn alter_drop(&mut self) -> Result<AlterAction> {
        self.advance();
        if self.eat(T::Constraint) {
            return Ok(AlterAction::DropConstraint(self.name()?));
        }
        self.eat(T::Column);
        Ok(AlterAction::DropColumn(self.name()?))
    }

    fn alter_column(&mut self) -> Result<AlterAction> {
        self.advance();
        self.eat(T::Column);
        let column = self.name()?;
        if self.eat(T::Drop) {
            self.expect(T::Not)?;
            self.expect(T::Null)?;
            return Ok(AlterAction::DropNotNull { column });
        }
        self.expect(T::Set)?;
        let start = self.tok.start;
        self.expect(T::Not)?;
        self.expect(T::Null)?;
        let on_conflict = self.on_conflict()?;
        Ok(AlterAction::SetNotNull { column, on_conflict, text: self.span_from(start) })
    }
}

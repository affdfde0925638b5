//! INSERT, UPDATE and DELETE, also as steps of triggers, where the grammar allows less.

use super::{Parser, Result};
use crate::ast::{
    Assignment, AssignmentTarget, ConflictResolution, Delete, Expr, Insert, InsertSource, ResultColumn, TableRef,
    Update, Upsert, UpsertAction, UpsertTarget, With,
};
use crate::error::SyntaxError;
use crate::token::TokenKind as T;

/// The most assignments in one SET (SQLite's `SQLITE_MAX_COLUMN`).
const MAX_SET: usize = 2000;

impl Parser<'_> {
    pub(super) fn insert(&mut self, with: Option<With>) -> Result<Insert> {
        let or = if self.eat(T::Replace) {
            Some(ConflictResolution::Replace)
        } else {
            self.expect(T::Insert)?;
            self.or_conflict()?
        };
        self.expect(T::Into)?;
        let table = self.qualified_name()?;
        let alias = if self.eat(T::As) { Some(self.name()?) } else { None };
        let columns = if self.eat(T::LeftParen) {
            let names = self.name_list()?;
            self.expect(T::RightParen)?;
            names
        } else {
            Vec::new()
        };
        let (mut upserts, mut returning) = (Vec::new(), Vec::new());
        let source = if self.at(T::Default) && !self.in_trigger {
            self.advance();
            self.expect(T::Values)?;
            returning = self.returning()?;
            InsertSource::DefaultValues
        } else {
            let select = self.select()?;
            upserts = self.upserts()?;
            if self.in_trigger && self.at(T::Returning) {
                self.returning()?;
                self.complain(SyntaxError::new("cannot use RETURNING in a trigger"));
            }
            returning.append(&mut self.returning()?);
            InsertSource::Select(select)
        };
        Ok(Insert { with, or, table, alias, columns, source, upserts, returning })
    }

    /// `ON CONFLICT` clauses; one without a target is the last.
    fn upserts(&mut self) -> Result<Vec<Upsert>> {
        let mut upserts = Vec::new();
        while self.eat(T::On) {
            self.expect(T::Conflict)?;
            let target = if self.eat(T::LeftParen) {
                let columns = self.ordering_terms()?;
                self.expect(T::RightParen)?;
                Some(UpsertTarget { columns, where_clause: self.where_clause()? })
            } else {
                None
            };
            self.expect(T::Do)?;
            let action = if self.eat(T::Nothing) {
                UpsertAction::Nothing
            } else {
                self.expect(T::Update)?;
                self.expect(T::Set)?;
                let sets = self.set_list()?;
                UpsertAction::Update { sets, where_clause: self.where_clause()? }
            };
            let last = target.is_none();
            upserts.push(Upsert { target, action });
            if last {
                break;
            }
        }
        Ok(upserts)
    }

    fn returning(&mut self) -> Result<Vec<ResultColumn>> {
        if self.eat(T::Returning) { self.result_columns() } else { Ok(Vec::new()) }
    }

    pub(super) fn update(&mut self, with: Option<With>) -> Result<Update> {
        self.advance();
        let or = self.or_conflict()?;
        let table = self.target_table()?;
        self.expect(T::Set)?;
        let sets = self.set_list()?;
        let from = if self.eat(T::From) { Some(self.sources()?) } else { None };
        let where_clause = self.where_clause()?;
        let (mut returning, mut order_by, mut limit) = (Vec::new(), Vec::new(), None);
        if !self.in_trigger {
            returning = self.returning()?;
            order_by = self.order_by()?;
            limit = self.limit()?;
        }
        Ok(Update { with, or, table, sets, from, where_clause, returning, order_by, limit })
    }

    pub(super) fn delete(&mut self, with: Option<With>) -> Result<Delete> {
        self.advance();
        self.expect(T::From)?;
        let table = self.target_table()?;
        let where_clause = self.where_clause()?;
        let (mut returning, mut order_by, mut limit) = (Vec::new(), Vec::new(), None);
        if !self.in_trigger {
            returning = self.returning()?;
            order_by = self.order_by()?;
            limit = self.limit()?;
        }
        Ok(Delete { with, table, where_clause, returning, order_by, limit })
    }

    /// `[schema.]table [AS alias] [INDEXED BY index | NOT INDEXED]`
    fn target_table(&mut self) -> Result<TableRef> {
        let name = self.qualified_name()?;
        let alias = if self.eat(T::As) { Some(self.name()?) } else { None };
        let indexed = self.indexed()?;
        if self.in_trigger
            && let Some(indexed) = &indexed
        {
            let clause = if matches!(indexed, crate::ast::Indexed::Not) { "NOT INDEXED" } else { "INDEXED BY" };
            self.complain(SyntaxError::new(format!(
                "the {clause} clause is not allowed on UPDATE or DELETE statements within triggers"
            )));
        }
        Ok(TableRef { name, args: None, alias, indexed })
    }

    /// `[OR resolution]`
    fn or_conflict(&mut self) -> Result<Option<ConflictResolution>> {
        if self.eat(T::Or) { Ok(Some(self.conflict_resolution()?)) } else { Ok(None) }
    }

    /// `[ON CONFLICT resolution]` of constraints.
    pub(super) fn on_conflict(&mut self) -> Result<Option<ConflictResolution>> {
        if !self.eat(T::On) {
            return Ok(None);
        }
        self.expect(T::Conflict)?;
        Ok(Some(self.conflict_resolution()?))
    }

    fn conflict_resolution(&mut self) -> Result<ConflictResolution> {
        let resolution = match self.tok.kind {
            T::Rollback => ConflictResolution::Rollback,
            T::Abort => ConflictResolution::Abort,
            T::Fail => ConflictResolution::Fail,
            T::Ignore => ConflictResolution::Ignore,
            T::Replace => ConflictResolution::Replace,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(resolution)
    }

    fn set_list(&mut self) -> Result<Vec<Assignment>> {
        let mut sets = Vec::new();
        let mut count = 0;
        loop {
            let target = if self.eat(T::LeftParen) {
                let names = self.name_list()?;
                self.expect(T::RightParen)?;
                AssignmentTarget::Row(names)
            } else {
                AssignmentTarget::Column(self.name()?)
            };
            self.expect(T::Equal)?;
            let value = self.expr()?;
            count += 1;
            if let AssignmentTarget::Row(names) = &target {
                self.check_row_width(names.len(), &value);
                count += names.len() - 1;
            }
            sets.push(Assignment { target, value });
            if count > MAX_SET {
                self.complain(SyntaxError::new("too many columns in set list"));
            }
            if !self.eat(T::Comma) {
                return Ok(sets);
            }
        }
    }

    /// The width of a row value is known here; that of a subquery only later.
    fn check_row_width(&mut self, columns: usize, value: &Expr) {
        let width = match value {
            Expr::Subquery(_) => return,
            Expr::Row(items) => items.len(),
            _ => 1,
        };
        if width != columns {
            self.complain(SyntaxError::new(format!("{columns} columns assigned {width} values")));
        }
    }
}

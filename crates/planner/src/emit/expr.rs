//! Expressions as values.

use turso_error::{Error, Result};
use turso_program::{Label, Reg};

use super::Emitter;
use crate::plan::{ColumnIndex, Expr, SourceId};

impl Emitter<'_> {
    /// Put the value of `e` into `dest`.
    pub fn expr_into(&mut self, e: &Expr, dest: Reg) -> Result<()> {
        let _ = (e, dest);
        Err(Error::sql("expressions are not supported yet"))
    }

    /// The value of `e` in a register that must not be changed.
    pub fn expr(&mut self, e: &Expr) -> Result<Reg> {
        let _ = e;
        Err(Error::sql("expressions are not supported yet"))
    }

    /// Jump to `target` when `e` is true (or NULL, with `jump_if_null`).
    pub fn jump_if_true(&mut self, e: &Expr, target: Label, jump_if_null: bool) -> Result<()> {
        let _ = (e, target, jump_if_null);
        Err(Error::sql("expressions are not supported yet"))
    }

    /// Jump to `target` when `e` is false (or NULL, with `jump_if_null`).
    pub fn jump_if_false(&mut self, e: &Expr, target: Label, jump_if_null: bool) -> Result<()> {
        let _ = (e, target, jump_if_null);
        Err(Error::sql("expressions are not supported yet"))
    }

    /// Read a column of a source (bound before with [`Emitter::bind_source`]).
    pub fn column_into(&mut self, source: SourceId, column: ColumnIndex, dest: Reg) -> Result<()> {
        let _ = (source, column, dest);
        Err(Error::sql("expressions are not supported yet"))
    }
}

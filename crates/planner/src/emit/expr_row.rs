//! Row value comparisons, element by element.

use turso_error::{Error, Result};
use turso_program::control::{Goto, If, IfNot};
use turso_program::expression::{And, CompareOp, CompareStore, Ne, Not, Nulls, Or};
use turso_program::{Label, Reg};

use super::Emitter;
use crate::plan::{CompareHow, Expr, RowValue};

impl Emitter<'_> {
    /// The elements of a row value, each in a register.
    pub fn row_registers(&mut self, row: &RowValue) -> Result<Vec<Reg>> {
        match row {
            RowValue::List(list) => list.iter().map(|e| self.expr(e)).collect(),
            RowValue::Subquery(query) => {
                let regs = self.row_subquery(query)?;
                Ok((0..query.columns.len()).map(|i| regs.at(i)).collect())
            }
        }
    }

    #[inline(never)]
    pub(super) fn compare_rows_into(
        &mut self,
        op: CompareOp,
        left: &RowValue,
        right: &RowValue,
        how: &[CompareHow],
        null_equal: bool,
        dest: Reg,
    ) -> Result<()> {
        let left = self.row_registers(left)?;
        let right = self.row_registers(right)?;
        let nulls = if null_equal { Nulls::Equal } else { Nulls::Fall };
        let mut pairs: Vec<_> = left.into_iter().zip(right).zip(how).collect();
        let Some(((l, r), h)) = pairs.pop() else { return Err(Error::sql("row value misused")) };
        let last_op = if op == CompareOp::Ne { CompareOp::Eq } else { op };
        let h = self.comparison(h, nulls);
        self.builder.emit(CompareStore { left: l, right: r, dest, op: last_op, how: h });
        // From the last element to the first: `l < r OR (l = r AND rest)`; for equality `l = r AND rest`.
        let (equal, strict) = (self.builder.temporary(), self.builder.temporary());
        for ((l, r), h) in pairs.into_iter().rev() {
            let h = self.comparison(h, nulls);
            self.builder.emit(CompareStore { left: l, right: r, dest: equal, op: CompareOp::Eq, how: h });
            self.builder.emit(And { left: equal, right: dest, dest });
            let strict_op = match op {
                CompareOp::Eq | CompareOp::Ne => continue,
                CompareOp::Lt | CompareOp::Le => CompareOp::Lt,
                CompareOp::Gt | CompareOp::Ge => CompareOp::Gt,
            };
            self.builder.emit(CompareStore { left: l, right: r, dest: strict, op: strict_op, how: h });
            self.builder.emit(Or { left: strict, right: dest, dest });
        }
        self.builder.release(strict);
        self.builder.release(equal);
        if op == CompareOp::Ne {
            self.builder.emit(Not { reg: dest, dest });
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn compare_rows_jump(
        &mut self,
        e: &Expr,
        target: Label,
        jump_if_null: bool,
        wanted: bool,
    ) -> Result<()> {
        let Expr::CompareRows { op, left, right, how, null_equal } = e else { return Ok(()) };
        let wants_equal = match op {
            CompareOp::Eq => Some(wanted),
            CompareOp::Ne => Some(!wanted),
            _ => None,
        };
        match wants_equal {
            // Different or open: jump, element by element.
            Some(false) if jump_if_null || *null_equal => {
                let nulls = if *null_equal { Nulls::Equal } else { Nulls::Jump };
                self.rows_differ(left, right, how, nulls, target)
            }
            // Equal: jump once no element differs.
            Some(true) if !jump_if_null || *null_equal => {
                let nulls = if *null_equal { Nulls::Equal } else { Nulls::Jump };
                let fall = self.builder.label();
                self.rows_differ(left, right, how, nulls, fall)?;
                self.builder.emit(Goto { target });
                self.builder.bind(fall);
                Ok(())
            }
            _ => {
                let reg = self.builder.temporary();
                self.compare_rows_into(*op, left, right, how, *null_equal, reg)?;
                if wanted {
                    self.builder.emit(If { reg, target, jump_if_null });
                } else {
                    self.builder.emit(IfNot { reg, target, jump_if_null });
                }
                self.builder.release(reg);
                Ok(())
            }
        }
    }

    fn rows_differ(
        &mut self,
        left: &RowValue,
        right: &RowValue,
        how: &[CompareHow],
        nulls: Nulls,
        target: Label,
    ) -> Result<()> {
        let left = self.row_registers(left)?;
        let right = self.row_registers(right)?;
        for ((left, right), how) in left.into_iter().zip(right).zip(how) {
            let how = self.comparison(how, nulls);
            self.builder.emit(Ne { left, right, target, how });
        }
        Ok(())
    }
}

//! Expressions as conditions: comparisons and logic compile to jumps.

use turso_error::Result;
use turso_program::control::{Goto, If, IfNot, IsNull, NotNull};
use turso_program::expression::{CompareOp, Eq, Ge, Gt, Le, Lt, Ne, Nulls};
use turso_program::{Instruction, Label};

use super::Emitter;
use crate::plan::{CompareHow, Expr, UnaryOp};

/// The comparison that holds where this one does not.
fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
    }
}

/// The terms of a chain of ANDs (or ORs) that leans to the left, in order.
fn chain(e: &Expr, or: bool) -> Vec<&Expr> {
    let mut terms = Vec::new();
    let mut first = e;
    loop {
        match first {
            Expr::And(left, right) if !or => {
                terms.push(&**right);
                first = left;
            }
            Expr::Or(left, right) if or => {
                terms.push(&**right);
                first = left;
            }
            _ => break,
        }
    }
    terms.push(first);
    terms.reverse();
    terms
}

impl Emitter<'_> {
    /// Jump to `target` when `e` is true (or NULL, with `jump_if_null`).
    pub fn jump_if_true(&mut self, e: &Expr, target: Label, jump_if_null: bool) -> Result<()> {
        match e {
            e if self.is_known(e) => self.jump(e, target, jump_if_null, true),
            Expr::And(..) => {
                let fall = self.builder.label();
                let terms = chain(e, false);
                let Some((last, firsts)) = terms.split_last() else { return Ok(()) };
                for term in firsts {
                    self.jump_if_false(term, fall, !jump_if_null)?;
                }
                self.jump_if_true(last, target, jump_if_null)?;
                self.builder.bind(fall);
                Ok(())
            }
            Expr::Or(..) => {
                chain(e, true).into_iter().try_for_each(|term| self.jump_if_true(term, target, jump_if_null))
            }
            _ => self.jump(e, target, jump_if_null, true),
        }
    }

    /// Jump to `target` when `e` is false (or NULL, with `jump_if_null`).
    pub fn jump_if_false(&mut self, e: &Expr, target: Label, jump_if_null: bool) -> Result<()> {
        match e {
            e if self.is_known(e) => self.jump(e, target, jump_if_null, false),
            Expr::And(..) => {
                chain(e, false).into_iter().try_for_each(|term| self.jump_if_false(term, target, jump_if_null))
            }
            Expr::Or(..) => {
                let fall = self.builder.label();
                let terms = chain(e, true);
                let Some((last, firsts)) = terms.split_last() else { return Ok(()) };
                for term in firsts {
                    self.jump_if_true(term, fall, !jump_if_null)?;
                }
                self.jump_if_false(last, target, jump_if_null)?;
                self.builder.bind(fall);
                Ok(())
            }
            _ => self.jump(e, target, jump_if_null, false),
        }
    }

    /// Jump when the truth of `e` is `wanted`, for expressions other than AND and OR, and for those whose value is there already: what a
    /// group key is computed from may be gone.
    fn jump(&mut self, e: &Expr, target: Label, jump_if_null: bool, wanted: bool) -> Result<()> {
        match e {
            e if self.is_known(e) => self.jump_by_value(e, target, jump_if_null, wanted),
            Expr::Literal(value) => {
                let jumps = match value.truth() {
                    None => jump_if_null,
                    Some(truth) => truth == wanted,
                };
                if jumps {
                    self.builder.emit(Goto { target });
                }
                Ok(())
            }
            Expr::Unary { op: UnaryOp::Not, expr } => {
                if wanted {
                    self.jump_if_false(expr, target, jump_if_null)
                } else {
                    self.jump_if_true(expr, target, jump_if_null)
                }
            }
            Expr::Collate { expr, .. } | Expr::Unary { op: UnaryOp::Plain, expr } => {
                self.jump(expr, target, jump_if_null, wanted)
            }
            Expr::Compare { op, left, right, how, null_equal } => {
                let nulls = match (null_equal, jump_if_null) {
                    (true, _) => Nulls::Equal,
                    (false, true) => Nulls::Jump,
                    (false, false) => Nulls::Fall,
                };
                self.compare_jump(if wanted { *op } else { opposite(*op) }, left, right, how, nulls, target)
            }
            Expr::CompareRows { .. } => self.compare_rows_jump(e, target, jump_if_null, wanted),
            Expr::IsNull { expr, negated } => {
                let operand = self.operand(expr)?;
                let reg = operand.reg;
                if *negated == wanted {
                    self.builder.emit(NotNull { reg, target });
                } else {
                    self.builder.emit(IsNull { reg, target });
                }
                self.done(operand);
                Ok(())
            }
            Expr::IsTrue { expr, if_null, negate } => {
                // The result is never NULL: it is the truth of `expr`, perhaps negated, with a value given for NULL.
                let wanted_truth = wanted != *negate;
                if wanted_truth {
                    self.jump_if_true(expr, target, *if_null)
                } else {
                    self.jump_if_false(expr, target, !*if_null)
                }
            }
            Expr::Between { .. } => self.between_jump(e, target, jump_if_null, wanted),
            Expr::In { left, set, how, negated } => {
                self.in_jump(left, set, how, target, jump_if_null, wanted != *negated)
            }
            _ => self.jump_by_value(e, target, jump_if_null, wanted),
        }
    }

    fn jump_by_value(&mut self, e: &Expr, target: Label, jump_if_null: bool, wanted: bool) -> Result<()> {
        let operand = self.operand(e)?;
        let reg = operand.reg;
        if wanted {
            self.builder.emit(If { reg, target, jump_if_null });
        } else {
            self.builder.emit(IfNot { reg, target, jump_if_null });
        }
        self.done(operand);
        Ok(())
    }

    #[inline(never)]
    fn compare_jump(
        &mut self,
        op: CompareOp,
        left: &Expr,
        right: &Expr,
        how: &CompareHow,
        nulls: Nulls,
        target: Label,
    ) -> Result<()> {
        let left = self.operand(left)?;
        let right = self.operand(right)?;
        let instruction = self.compare_instruction(op, left.reg, right.reg, how, nulls, target);
        self.builder.emit(instruction);
        self.done(right);
        self.done(left);
        Ok(())
    }

    pub(super) fn compare_instruction(
        &mut self,
        op: CompareOp,
        left: turso_program::Reg,
        right: turso_program::Reg,
        how: &CompareHow,
        nulls: Nulls,
        target: Label,
    ) -> Instruction {
        let how = self.comparison(how, nulls);
        match op {
            CompareOp::Eq => Eq { left, right, target, how }.into(),
            CompareOp::Ne => Ne { left, right, target, how }.into(),
            CompareOp::Lt => Lt { left, right, target, how }.into(),
            CompareOp::Le => Le { left, right, target, how }.into(),
            CompareOp::Gt => Gt { left, right, target, how }.into(),
            CompareOp::Ge => Ge { left, right, target, how }.into(),
        }
    }

    /// `x BETWEEN low AND high` is `x >= low AND x <= high` with `x` computed once.
    #[inline(never)]
    fn between_jump(&mut self, e: &Expr, target: Label, jump_if_null: bool, wanted: bool) -> Result<()> {
        let Expr::Between { expr, low, high, low_how, high_how, negated } = e else { return Ok(()) };
        let value = self.operand(expr)?;
        let inside = wanted != *negated;
        let nulls = |jumps: bool| if jumps { Nulls::Jump } else { Nulls::Fall };
        if inside {
            // Jump when both hold.
            let fall = self.builder.label();
            let low = self.operand(low)?;
            let i = self.compare_instruction(CompareOp::Lt, value.reg, low.reg, low_how, nulls(!jump_if_null), fall);
            self.builder.emit(i);
            self.done(low);
            let high = self.operand(high)?;
            let i = self.compare_instruction(CompareOp::Le, value.reg, high.reg, high_how, nulls(jump_if_null), target);
            self.builder.emit(i);
            self.done(high);
            self.builder.bind(fall);
        } else {
            // Jump when one does not hold.
            let low = self.operand(low)?;
            let i = self.compare_instruction(CompareOp::Lt, value.reg, low.reg, low_how, nulls(jump_if_null), target);
            self.builder.emit(i);
            self.done(low);
            let high = self.operand(high)?;
            let i = self.compare_instruction(CompareOp::Gt, value.reg, high.reg, high_how, nulls(jump_if_null), target);
            self.builder.emit(i);
            self.done(high);
        }
        self.done(value);
        Ok(())
    }
}

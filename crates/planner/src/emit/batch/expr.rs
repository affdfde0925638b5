//! One expression as steps over slots. `None`: pipelines cannot compute it.

use turso_functions::{Function, FunctionFlags, FunctionKind};
use turso_program::batch::{BatchColumn, BatchCompare, BatchField, BatchMeasure, BatchOp, BatchStep, Slot};
use turso_program::expression::CompareOp;
use turso_value::arith::{Arithmetic, Bitwise};
use turso_value::{Affinity, Collation, Value};

use super::super::select_aggregate::cannot_fail;
use super::pipeline::Pipeline;
use crate::plan::{BinaryOp, CaseArm, ColumnIndex, CompareHow, Expr, InSet, SourceId, UnaryOp, same_expr};

/// Deeper expressions are left to the row tier: compiling them is recursive.
const MAX_DEPTH: u32 = 100;

/// A comparison without a collation of the application.
fn compare_how(how: &CompareHow) -> Option<BatchCompare> {
    if matches!(how.collation, Collation::Custom(_)) {
        return None;
    }
    Some(BatchCompare { affinity: how.affinity, collation: how.collation.clone() })
}

/// A built-in function whose result depends on its arguments alone.
fn is_plain(function: &Function) -> bool {
    let flags = function.flags;
    let depends = [FunctionFlags::USER, FunctionFlags::SUBTYPE, FunctionFlags::RESULT_SUBTYPE];
    !depends.into_iter().any(|flag| flags.has(flag))
        && flags.is_steady()
        && matches!(function.kind, FunctionKind::Scalar(_))
}

/// The column that a distance measures where it lies, and what it is measured against.
pub(super) fn measured(e: &Expr) -> Option<(SourceId, ColumnIndex, &Expr)> {
    let Expr::Function { function, args, .. } = e else { return None };
    if !matches!(function.kind, FunctionKind::Distance(_)) {
        return None;
    }
    let (stored, operand) = match &args[..] {
        [stored, operand] if operand.is_loop_constant() => (stored, operand),
        [operand, stored] if operand.is_loop_constant() => (stored, operand),
        _ => return None,
    };
    match stored {
        Expr::Column { source, column, .. } => Some((*source, *column, operand)),
        _ => None,
    }
}

impl Pipeline<'_> {
    /// The slot that has the value of the expression, whose columns have been loaded.
    pub(super) fn compile(&mut self, e: &Expr) -> Option<Slot> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let slot = self.compile_inside(e);
        self.depth -= 1;
        slot
    }

    fn compile_inside(&mut self, e: &Expr) -> Option<Slot> {
        match e {
            Expr::Column { source, column, .. } if self.is_own(*source) => return self.column(*source, *column),
            Expr::Collate { expr, .. } | Expr::Unary { op: UnaryOp::Plus | UnaryOp::Plain, expr } => {
                return self.compile(expr);
            }
            _ => {}
        }
        if self.is_constant(e) {
            return self.constant(e);
        }
        if let Some((_, slot)) = self.known.iter().find(|(known, _)| same_expr(known, e)) {
            return Some(*slot);
        }
        let slot = self.compute(e)?;
        self.known.push((e.clone(), slot));
        Some(slot)
    }

    /// The expression reads no row, and computing it before the rows can do no harm.
    pub(super) fn is_constant(&self, e: &Expr) -> bool {
        let reads_row = e.any(|e| matches!(e, Expr::Column { source, .. } if self.is_own(*source)));
        !reads_row && !e.is_volatile() && cannot_fail(e)
    }

    /// A step that computes this.
    fn step(&mut self, op: BatchOp) -> Option<Slot> {
        let dest = self.slot()?;
        self.push(BatchStep::Compute { op, dest });
        Some(dest)
    }

    fn literal(&mut self, value: Value) -> Option<Slot> {
        self.constant(&Expr::Literal(value))
    }

    fn compute(&mut self, e: &Expr) -> Option<Slot> {
        match e {
            Expr::Unary { op, expr } => {
                let value = self.compile(expr)?;
                match op {
                    UnaryOp::Plus | UnaryOp::Plain => Some(value),
                    UnaryOp::ReadBlob => None,
                    UnaryOp::Negate => {
                        let left = self.literal(Value::Integer(0))?;
                        self.step(BatchOp::Arithmetic { op: Arithmetic::Subtract, left, right: value })
                    }
                    UnaryOp::BitNot => self.step(BatchOp::BitNot(value)),
                    UnaryOp::Not => self.step(BatchOp::Not(value)),
                }
            }
            Expr::Binary { op, left, right } => {
                let (left, right) = (self.compile(left)?, self.compile(right)?);
                let arithmetic = |op| BatchOp::Arithmetic { op, left, right };
                let bitwise = |op| BatchOp::Bitwise { op, left, right };
                self.step(match op {
                    BinaryOp::Add => arithmetic(Arithmetic::Add),
                    BinaryOp::Subtract => arithmetic(Arithmetic::Subtract),
                    BinaryOp::Multiply => arithmetic(Arithmetic::Multiply),
                    BinaryOp::Divide => arithmetic(Arithmetic::Divide),
                    BinaryOp::Remainder => arithmetic(Arithmetic::Remainder),
                    BinaryOp::Concat => BatchOp::Concat { left, right },
                    BinaryOp::BitAnd => bitwise(Bitwise::And),
                    BinaryOp::BitOr => bitwise(Bitwise::Or),
                    BinaryOp::ShiftLeft => bitwise(Bitwise::ShiftLeft),
                    BinaryOp::ShiftRight => bitwise(Bitwise::ShiftRight),
                })
            }
            Expr::And(left, right) => {
                let (left, right) = (self.compile(left)?, self.compile(right)?);
                self.step(BatchOp::And(left, right))
            }
            Expr::Or(left, right) => {
                let (left, right) = (self.compile(left)?, self.compile(right)?);
                self.step(BatchOp::Or(left, right))
            }
            Expr::Compare { op, left, right, how, null_equal } => {
                let how = compare_how(how)?;
                let (left, right) = (self.compile(left)?, self.compile(right)?);
                self.step(BatchOp::Compare { op: *op, left, right, how, null_equal: *null_equal })
            }
            Expr::Between { expr, low, high, low_how, high_how, negated } => {
                let (low_how, high_how) = (compare_how(low_how)?, compare_how(high_how)?);
                let (value, low, high) = (self.compile(expr)?, self.compile(low)?, self.compile(high)?);
                let compare = |op, right, how| BatchOp::Compare { op, left: value, right, how, null_equal: false };
                let above = self.step(compare(CompareOp::Ge, low, low_how))?;
                let below = self.step(compare(CompareOp::Le, high, high_how))?;
                let within = self.step(BatchOp::And(above, below))?;
                if *negated { self.step(BatchOp::Not(within)) } else { Some(within) }
            }
            Expr::In { left, set: InSet::List(list), how, negated } => {
                let ([left], [how]) = (&**left, &**how) else { return None };
                let how = compare_how(how)?;
                if !list.iter().all(|member| self.is_constant(member)) {
                    return None;
                }
                let value = self.compile(left)?;
                let list: Option<Vec<Slot>> = list.iter().map(|member| self.compile(member)).collect();
                self.step(BatchOp::In { value, list: list?, how, negated: *negated })
            }
            Expr::Case { base, arms, otherwise, .. } => self.case(base.as_deref(), arms, otherwise.as_deref()),
            Expr::Cast { expr, affinity } => {
                let value = self.compile(expr)?;
                self.step(BatchOp::Cast { value, affinity: *affinity })
            }
            Expr::FirstOf { values, .. } => self.first_of(values),
            Expr::IsNull { expr, negated } => {
                let value = self.compile(expr)?;
                self.step(BatchOp::IsNull { value, negated: *negated })
            }
            Expr::IsTrue { expr, if_null, negate } => {
                let value = self.compile(expr)?;
                self.step(BatchOp::IsTrue { value, if_null: *if_null, negate: *negate })
            }
            Expr::Function { .. } => self.call(e),
            _ => None,
        }
    }

    /// The first value that is not NULL.
    fn first_of(&mut self, values: &[Expr]) -> Option<Slot> {
        let (last, firsts) = values.split_last()?;
        let mut result = self.compile(last)?;
        for value in firsts.iter().rev() {
            let value = self.compile(value)?;
            let condition = self.step(BatchOp::IsNull { value, negated: false })?;
            result = self.step(BatchOp::Select { condition, then: result, otherwise: value })?;
        }
        Some(result)
    }

    fn case(&mut self, base: Option<&Expr>, arms: &[CaseArm], otherwise: Option<&Expr>) -> Option<Slot> {
        let base = match base {
            Some(base) => Some(self.compile(base)?),
            None => None,
        };
        let mut result = match otherwise {
            Some(otherwise) => self.compile(otherwise)?,
            None => self.literal(Value::Null)?,
        };
        for arm in arms.iter().rev() {
            let when = self.compile(&arm.when)?;
            let condition = match (base, &arm.how) {
                (Some(left), Some(how)) => {
                    let how = compare_how(how)?;
                    self.step(BatchOp::Compare { op: CompareOp::Eq, left, right: when, how, null_equal: false })?
                }
                _ => when,
            };
            let then = self.compile(&arm.then)?;
            result = self.step(BatchOp::Select { condition, then, otherwise: result })?;
        }
        Some(result)
    }

    /// A built-in function whose result depends on its arguments alone.
    fn call(&mut self, e: &Expr) -> Option<Slot> {
        let Expr::Function { function, args, collation } = e else { return None };
        let flags = function.flags;
        if let Some((source, column, operand)) = measured(e) {
            return self.measure(function, (source, column), operand);
        }
        if flags.has(FunctionFlags::INLINE) {
            match &*function.name {
                "coalesce" | "ifnull" => return self.first_of(args),
                "likely" | "unlikely" | "likelihood" => return self.compile(args.first()?),
                "nullif" => return self.null_if(args),
                _ => {}
            }
        }
        let custom = matches!(collation, Collation::Custom(_)) && flags.has(FunctionFlags::NEEDS_COLLATION);
        if custom || !is_plain(function) {
            return None;
        }
        let slots: Option<Vec<Slot>> = args.iter().map(|arg| self.compile(arg)).collect();
        self.step(BatchOp::Call { function: function.clone(), args: slots?, collation: collation.clone() })
    }

    /// A distance between a column of the rows in hand and a constant, or what a function of one argument makes of a constant (which
    /// may fail, but not before there are rows).
    fn measure(
        &mut self,
        function: &Function,
        (source, column): (SourceId, ColumnIndex),
        operand: &Expr,
    ) -> Option<Slot> {
        let dest = self.slot()?;
        let rows = self.rows.as_ref().filter(|rows| rows.source() == source)?;
        let column: BatchColumn = rows.stored(column, dest)?;
        if !matches!(column.field, BatchField::Field(_)) {
            return None;
        }
        let (operand, made_by) = match operand {
            e if self.is_constant(e) => (self.constant(e)?, None),
            Expr::Function { function, args, .. } if is_plain(function) => match &args[..] {
                [e] if self.is_constant(e) => (self.constant(e)?, Some(function.clone())),
                _ => return None,
            },
            _ => return None,
        };
        let measure = BatchMeasure { function: function.clone(), column, operand, made_by };
        self.push(BatchStep::Measure(Box::new(measure)));
        Some(dest)
    }

    fn null_if(&mut self, args: &[Expr]) -> Option<Slot> {
        let [first, second] = args else { return None };
        let collation = crate::bind::compare_collation(first, second);
        let how = compare_how(&CompareHow { affinity: Affinity::Blob, collation })?;
        let (left, right) = (self.compile(first)?, self.compile(second)?);
        let condition = self.step(BatchOp::Compare { op: CompareOp::Eq, left, right, how, null_equal: false })?;
        let then = self.literal(Value::Null)?;
        self.step(BatchOp::Select { condition, then, otherwise: left })
    }
}

//! Expressions as values.
//!
//! A value that is in a register already (a constant kept for a loop, a group key, a column of NEW) is used where it is; all
//! else is computed into a register. [`Operand`]s are for the moment between two instructions.

use turso_error::{Error, Result, ResultCode};
use turso_functions::{FunctionFlags, FunctionKind};
use turso_program::control::{Goto, IfNot, IsNull, NotNull, OnError, Raise, RaiseError};
use turso_program::cursor::Column;
use turso_program::data::{Cast, ClrSubtype, Null, ReadBlob};
use turso_program::expression::{
    Add, And, BitAnd, BitNot, BitOr, CompareOp, CompareStore, Comparison, Concat, Divide, Eq, Function, IsTrue,
    MeasureColumn, Multiply, Not, Nulls, Or, Remainder, ShiftLeft, ShiftRight, Subtract,
};
use turso_program::{CallId, Instruction, Reg, Regs};
use turso_value::{Affinity, Value};

use super::Emitter;
use super::emitter::Place;
use crate::plan::{BinaryOp, CaseArm, CompareHow, Expr, UnaryOp, same_expr};

/// A value in a register, for a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    pub reg: Reg,
    temporary: bool,
}

impl Emitter<'_> {
    /// The value of `e` in a register that must not be changed.
    pub fn expr(&mut self, e: &Expr) -> Result<Reg> {
        if let Some(reg) = self.at_hand(e)? {
            return Ok(reg);
        }
        let dest = self.builder.register();
        self.expr_into(e, dest)?;
        Ok(dest)
    }

    /// The value of `e` for the next instruction; give it back with [`done`](Self::done).
    pub(super) fn operand(&mut self, e: &Expr) -> Result<Operand> {
        if let Some(reg) = self.at_hand(e)? {
            return Ok(Operand { reg, temporary: false });
        }
        let reg = self.builder.temporary();
        self.expr_into(e, reg)?;
        Ok(Operand { reg, temporary: true })
    }

    /// The register that has the value already, or `dest` with the value.
    pub(super) fn expr_or(&mut self, e: &Expr, dest: Reg) -> Result<Reg> {
        if let Some(reg) = self.at_hand(e)? {
            return Ok(reg);
        }
        self.expr_into(e, dest)?;
        Ok(dest)
    }

    pub(super) fn done(&mut self, operand: Operand) {
        if operand.temporary {
            self.builder.release(operand.reg);
        }
    }

    /// The register that has the value of `e` without further code (at most code that runs once).
    fn at_hand(&mut self, e: &Expr) -> Result<Option<Reg>> {
        match self.known_place(e) {
            Some(Place::Register(reg)) => return Ok(Some(reg)),
            Some(Place::Field(..)) => return Ok(None),
            None => {}
        }
        Ok(match e {
            Expr::Register { reg, .. } => Some(*reg),
            Expr::Column { source, column, .. } => self.column_register(*source, *column),
            Expr::Literal(value) if self.loop_depth > 0 => Some(self.constant(value)),
            Expr::Parameter(number) if self.loop_depth > 0 => Some(self.parameter(*number)),
            Expr::Aggregate { core, index } => Some(self.aggregate_register(*core, *index)?),
            Expr::Window { core, index } => match self.window_place(*core, *index)? {
                Place::Register(reg) => Some(reg),
                Place::Field(..) => None,
            },
            Expr::Collate { expr, .. } | Expr::Unary { op: UnaryOp::Plus, expr } => self.at_hand(expr)?,
            Expr::Binary { .. } | Expr::Unary { .. } | Expr::Cast { .. }
                if self.loop_depth > 0 && is_simple_constant(e) =>
            {
                let dest = self.builder.register();
                self.constant_into(e, dest)?;
                Some(dest)
            }
            Expr::Function { function, .. }
                if self.loop_depth > 0
                    && !function.flags.has(FunctionFlags::INLINE)
                    && self.known.is_empty()
                    && e.is_loop_constant() =>
            {
                // Not in the prologue: a call that is never reached must not fail.
                let dest = self.builder.register();
                self.once(|b| b.function_into(e, dest))?;
                Some(dest)
            }
            _ => None,
        })
    }

    /// Where the value of `e` is, if a group key or a sorter field has it.
    fn known_place(&self, e: &Expr) -> Option<Place> {
        if self.known.is_empty() || matches!(e, Expr::Literal(_)) {
            return None;
        }
        self.known.iter().find(|(known, _)| same_expr(known, e)).map(|(_, place)| *place)
    }

    /// The value of `e` is somewhere, and need not be computed.
    pub(super) fn is_known(&self, e: &Expr) -> bool {
        self.known_place(e).is_some()
    }

    fn window_place(&self, core: crate::plan::CoreId, index: usize) -> Result<Place> {
        let found = self.windows.iter().rev().find(|(c, _)| *c == core);
        found.and_then(|(_, places)| places.get(index).copied()).ok_or_else(|| Error::sql("misuse of window function"))
    }

    fn aggregate_register(&self, core: crate::plan::CoreId, index: usize) -> Result<Reg> {
        let found = self.aggregates.iter().rev().find(|(c, _)| *c == core);
        found.and_then(|(_, regs)| regs.get(index).copied()).ok_or_else(|| Error::sql("misuse of aggregate"))
    }

    /// Put the value of `e` into `dest`.
    pub fn expr_into(&mut self, e: &Expr, dest: Reg) -> Result<()> {
        match self.known_place(e) {
            None => {}
            Some(Place::Register(reg)) => {
                self.copy(reg, dest);
                return Ok(());
            }
            Some(Place::Field(cursor, column)) => {
                self.builder.emit(turso_program::cursor::Column { cursor, column, dest, default: None });
                return Ok(());
            }
        }
        match e {
            Expr::Literal(value) => {
                self.load(value, dest, false);
                Ok(())
            }
            Expr::Parameter(number) => {
                self.builder.emit(turso_program::data::Variable { number: *number, dest });
                Ok(())
            }
            Expr::Register { reg, .. } => {
                self.copy(*reg, dest);
                Ok(())
            }
            Expr::Column { source, column, .. } => self.column_into(*source, *column, dest),
            Expr::Aggregate { core, index } => {
                let from = self.aggregate_register(*core, *index)?;
                self.copy(from, dest);
                Ok(())
            }
            Expr::Window { core, index } => match self.window_place(*core, *index)? {
                Place::Register(reg) => {
                    self.copy(reg, dest);
                    Ok(())
                }
                Place::Field(cursor, column) => {
                    self.builder.emit(turso_program::cursor::Column { cursor, column, dest, default: None });
                    Ok(())
                }
            },
            Expr::Unary { op, expr } => self.unary_into(*op, expr, dest),
            Expr::Binary { op, left, right } => self.binary_into(*op, left, right, dest),
            Expr::And(left, right) => self.logic_into(left, right, dest, false),
            Expr::Or(left, right) => self.logic_into(left, right, dest, true),
            Expr::Compare { op, left, right, how, null_equal } => {
                self.compare_into(*op, left, right, how, *null_equal, dest)
            }
            Expr::CompareRows { op, left, right, how, null_equal } => {
                self.compare_rows_into(*op, left, right, how, *null_equal, dest)
            }
            Expr::Between { .. } => self.between_into(e, dest),
            Expr::In { left, set, how, negated } => self.in_into(left, set, how, *negated, dest),
            Expr::Exists { query, negated } => self.exists_into(query, *negated, dest),
            Expr::Subquery(query) => {
                let reg = self.scalar_subquery(query)?;
                self.copy(reg, dest);
                Ok(())
            }
            Expr::Shared(query) => {
                let reg = self.shared_subquery(query)?;
                self.copy(reg, dest);
                Ok(())
            }
            Expr::Case { base, arms, otherwise, .. } => {
                self.case_into(base.as_deref(), arms, otherwise.as_deref(), dest)
            }
            Expr::Cast { expr, affinity } => {
                self.expr_into(expr, dest)?;
                self.builder.emit(Cast { reg: dest, affinity: *affinity });
                Ok(())
            }
            Expr::Collate { expr, .. } => self.expr_into(expr, dest),
            Expr::FirstOf { values, .. } => self.first_of_into(values, dest),
            Expr::Function { .. } => self.function_into(e, dest),
            Expr::IsNull { expr, negated } => self.is_null_into(expr, *negated, dest),
            Expr::IsTrue { expr, if_null, negate } => {
                let operand = self.operand(expr)?;
                self.builder.emit(IsTrue { reg: operand.reg, dest, if_null: *if_null, negate: *negate });
                self.done(operand);
                Ok(())
            }
            Expr::Raise { action, message } => self.raise(*action, message.as_deref()),
        }
    }

    /// The first value that is not NULL.
    fn first_of_into(&mut self, values: &[Expr], dest: Reg) -> Result<()> {
        let end = self.builder.label();
        for (i, value) in values.iter().enumerate() {
            self.expr_into(value, dest)?;
            if i + 1 < values.len() {
                self.builder.emit(turso_program::control::NotNull { reg: dest, target: end });
            }
        }
        self.builder.bind(end);
        Ok(())
    }

    /// As [`expr_into`](Self::expr_into), where `dest` keeps its value from one loop turn to the next: a constant is loaded, and
    /// a call with constant arguments made, once.
    pub(super) fn expr_into_kept(&mut self, e: &Expr, dest: Reg) -> Result<()> {
        if self.loop_depth > 0 && self.known_place(e).is_none() {
            if let Expr::Literal(value) = e {
                self.load(value, dest, true);
                return Ok(());
            }
            if let Expr::Parameter(number) = e {
                self.builder.emit_prologue(turso_program::data::Variable { number: *number, dest });
                return Ok(());
            }
            if matches!(e, Expr::Function { function, .. } if !function.flags.has(FunctionFlags::INLINE))
                && self.known.is_empty()
                && e.is_loop_constant()
            {
                return self.once(|b| b.function_into(e, dest));
            }
        }
        self.expr_into(e, dest)
    }

    /// Code that runs before everything else, for an expression that [`is_simple_constant`].
    fn constant_into(&mut self, e: &Expr, dest: Reg) -> Result<()> {
        match e {
            Expr::Binary { op, left, right } => {
                let (left, right) = (self.constant_operand(left)?, self.constant_operand(right)?);
                self.builder.emit_prologue(binary_instruction(*op, left, right, dest));
            }
            Expr::Unary { op, expr } => {
                let reg = self.constant_operand(expr)?;
                match op {
                    UnaryOp::Plus | UnaryOp::Plain => {
                        self.builder.emit_prologue(turso_program::data::Copy { from: reg, to: dest, count: 1 });
                    }
                    UnaryOp::Negate => {
                        let zero = self.constant(&Value::Integer(0));
                        self.builder.emit_prologue(Subtract { left: zero, right: reg, dest });
                    }
                    UnaryOp::ReadBlob => {
                        self.builder.emit_prologue(turso_program::data::Copy { from: reg, to: dest, count: 1 });
                        self.builder.emit_prologue(ReadBlob { reg: dest });
                    }
                    UnaryOp::BitNot => self.builder.emit_prologue(BitNot { reg, dest }),
                    UnaryOp::Not => self.builder.emit_prologue(Not { reg, dest }),
                }
            }
            Expr::Cast { expr, affinity } => {
                let from = self.constant_operand(expr)?;
                self.builder.emit_prologue(turso_program::data::Copy { from, to: dest, count: 1 });
                self.builder.emit_prologue(Cast { reg: dest, affinity: *affinity });
            }
            _ => return Err(Error::sql("a constant was expected")),
        }
        Ok(())
    }

    fn constant_operand(&mut self, e: &Expr) -> Result<Reg> {
        match e {
            Expr::Literal(value) => Ok(self.constant(value)),
            Expr::Parameter(number) => Ok(self.parameter(*number)),
            Expr::Collate { expr, .. } => self.constant_operand(expr),
            _ => {
                let dest = self.builder.register();
                self.constant_into(e, dest)?;
                Ok(dest)
            }
        }
    }

    #[inline(never)]
    fn unary_into(&mut self, op: UnaryOp, expr: &Expr, dest: Reg) -> Result<()> {
        if let UnaryOp::Plus | UnaryOp::Plain | UnaryOp::ReadBlob = op {
            self.expr_into(expr, dest)?;
            if op == UnaryOp::Plain {
                self.builder.emit(ClrSubtype { reg: dest });
            } else if op == UnaryOp::ReadBlob {
                self.builder.emit(ReadBlob { reg: dest });
            }
            return Ok(());
        }
        let operand = self.operand(expr)?;
        let reg = operand.reg;
        match op {
            UnaryOp::Plus | UnaryOp::Plain | UnaryOp::ReadBlob => {}
            UnaryOp::Negate => {
                let zero = self.constant(&Value::Integer(0));
                self.builder.emit(Subtract { left: zero, right: reg, dest });
            }
            UnaryOp::BitNot => {
                self.builder.emit(BitNot { reg, dest });
            }
            UnaryOp::Not => {
                self.builder.emit(Not { reg, dest });
            }
        }
        self.done(operand);
        Ok(())
    }

    /// Arithmetic. A chain leans to the left and is computed in a loop; `dest` is written last, since the chain may read it.
    #[inline(never)]
    fn binary_into(&mut self, op: BinaryOp, left: &Expr, right: &Expr, dest: Reg) -> Result<()> {
        let mut chain = vec![(op, right)];
        let mut first = left;
        while let Expr::Binary { op, left, right } = first
            && self.known_place(first).is_none()
            && !(self.loop_depth > 0 && is_simple_constant(first))
        {
            chain.push((*op, right));
            first = left;
        }
        let mut value = self.operand(first)?;
        while let Some((op, right)) = chain.pop() {
            let right = self.operand(right)?;
            let to = match (chain.is_empty(), value.temporary) {
                (true, _) => dest,
                (false, true) => value.reg,
                (false, false) => self.builder.temporary(),
            };
            self.builder.emit(binary_instruction(op, value.reg, right.reg, to));
            self.done(right);
            if chain.is_empty() {
                self.done(value);
                break;
            }
            value = Operand { reg: to, temporary: true };
        }
        Ok(())
    }

    /// AND and OR. The right side is skipped when the left one decides and the right one is costly or may fail.
    #[inline(never)]
    fn logic_into(&mut self, left: &Expr, right: &Expr, dest: Reg, or: bool) -> Result<()> {
        let mut chain = vec![right];
        let mut first = left;
        loop {
            match first {
                Expr::And(left, right) if !or && self.known_place(first).is_none() => {
                    chain.push(right);
                    first = left;
                }
                Expr::Or(left, right) if or && self.known_place(first).is_none() => {
                    chain.push(right);
                    first = left;
                }
                _ => break,
            }
        }
        let end = self.builder.label();
        let value = self.builder.temporary();
        self.expr_into(first, value)?;
        while let Some(right) = chain.pop() {
            if !is_cheap(right) {
                self.builder.emit(turso_program::data::Integer { value: i64::from(or), dest });
                if or {
                    self.builder.emit(turso_program::control::If { reg: value, target: end, jump_if_null: false });
                } else {
                    self.builder.emit(IfNot { reg: value, target: end, jump_if_null: false });
                }
            }
            let right = self.operand(right)?;
            let to = if chain.is_empty() { dest } else { value };
            if or {
                self.builder.emit(Or { left: value, right: right.reg, dest: to });
            } else {
                self.builder.emit(And { left: value, right: right.reg, dest: to });
            }
            self.done(right);
        }
        self.builder.bind(end);
        self.builder.release(value);
        Ok(())
    }

    /// The operand of a comparison instruction for this plan.
    pub(super) fn comparison(&mut self, how: &CompareHow, nulls: Nulls) -> Comparison {
        Comparison { affinity: how.affinity, collation: self.builder.collation(&how.collation), nulls }
    }

    #[inline(never)]
    fn compare_into(
        &mut self,
        op: CompareOp,
        left: &Expr,
        right: &Expr,
        how: &CompareHow,
        null_equal: bool,
        dest: Reg,
    ) -> Result<()> {
        let left = self.operand(left)?;
        let right = self.operand(right)?;
        let how = self.comparison(how, if null_equal { Nulls::Equal } else { Nulls::Fall });
        self.builder.emit(CompareStore { left: left.reg, right: right.reg, dest, op, how });
        self.done(right);
        self.done(left);
        Ok(())
    }

    #[inline(never)]
    fn between_into(&mut self, e: &Expr, dest: Reg) -> Result<()> {
        let Expr::Between { expr, low, high, low_how, high_how, negated } = e else { return Ok(()) };
        let value = self.operand(expr)?;
        let low = self.operand(low)?;
        let how = self.comparison(low_how, Nulls::Fall);
        let above = self.builder.temporary();
        self.builder.emit(CompareStore { left: value.reg, right: low.reg, dest: above, op: CompareOp::Ge, how });
        self.done(low);
        let high = self.operand(high)?;
        let how = self.comparison(high_how, Nulls::Fall);
        let below = self.builder.temporary();
        self.builder.emit(CompareStore { left: value.reg, right: high.reg, dest: below, op: CompareOp::Le, how });
        self.done(high);
        self.builder.emit(And { left: above, right: below, dest });
        if *negated {
            self.builder.emit(Not { reg: dest, dest });
        }
        self.builder.release(below);
        self.builder.release(above);
        self.done(value);
        Ok(())
    }

    #[inline(never)]
    fn is_null_into(&mut self, expr: &Expr, negated: bool, dest: Reg) -> Result<()> {
        let operand = self.operand(expr)?;
        let null = self.constant(&Value::Null);
        let how =
            Comparison { affinity: Affinity::Blob, collation: turso_program::CollationId(0), nulls: Nulls::Equal };
        let op = if negated { CompareOp::Ne } else { CompareOp::Eq };
        self.builder.emit(CompareStore { left: operand.reg, right: null, dest, op, how });
        self.done(operand);
        Ok(())
    }

    #[inline(never)]
    fn case_into(&mut self, base: Option<&Expr>, arms: &[CaseArm], otherwise: Option<&Expr>, dest: Reg) -> Result<()> {
        let end = self.builder.label();
        // A register of its own: the arms may contain anything.
        let base = match base {
            Some(base) => Some(self.expr(base)?),
            None => None,
        };
        for arm in arms {
            let next = self.builder.label();
            match (base, &arm.how) {
                (Some(base), Some(how)) => {
                    let when = self.operand(&arm.when)?;
                    let how = self.comparison(how, Nulls::Jump);
                    let differs = turso_program::expression::Ne { left: base, right: when.reg, target: next, how };
                    self.builder.emit(differs);
                    self.done(when);
                }
                _ => self.jump_if_false(&arm.when, next, true)?,
            }
            self.expr_into(&arm.then, dest)?;
            self.builder.emit(Goto { target: end });
            self.builder.bind(next);
        }
        match otherwise {
            Some(e) => self.expr_into(e, dest)?,
            None => {
                self.builder.emit(Null { dest: Regs::new(dest, 1) });
            }
        }
        self.builder.bind(end);
        Ok(())
    }

    #[inline(never)]
    fn function_into(&mut self, e: &Expr, dest: Reg) -> Result<()> {
        let Expr::Function { function, args, collation } = e else { return Ok(()) };
        if function.flags.has(FunctionFlags::INLINE) && self.inline_function(&function.name, args, dest)? {
            return Ok(());
        }
        let block = self.builder.registers(args.len().max(1));
        let stored = match &function.kind {
            FunctionKind::Distance(_) => stored_argument(args),
            _ => None,
        };
        for (i, arg) in args.iter().enumerate().filter(|(i, _)| Some(*i) != stored) {
            self.expr_into_kept(arg, block.at(i))?;
        }
        if let Some((at, arg)) = stored.and_then(|at| Some((at, args.get(at)?))) {
            self.expr_into(arg, block.at(at))?;
        }
        // A function may fail, and what the statement has done by then must be undone.
        self.statement.may_abort.set(true);
        let collation = self.builder.collation(collation);
        let call = self.builder.call(function.clone(), args.len(), collation);
        self.mark_parameters(call, function.flags, args);
        if function.flags.has(FunctionFlags::USER) || matches!(function.kind, FunctionKind::Distance(_)) {
            let constant = args.iter().take(32).enumerate().filter(|(_, arg)| arg.is_loop_constant());
            self.builder.set_constant_args(call, constant.fold(0, |bits, (i, _)| bits | 1 << i));
        }
        match stored.and_then(|at| self.builder.take_back_column(block.at(at))) {
            Some(Column { cursor, column, dest: stored, default }) => {
                let args = block.first;
                self.builder.emit(MeasureColumn { call, args, stored, cursor, column, dest, default });
            }
            None => {
                self.builder.emit(Function { call, args: block.first, dest });
            }
        }
        Ok(())
    }

    /// A function of the application may ask which of its arguments are parameters.
    pub(super) fn mark_parameters(&mut self, call: CallId, flags: FunctionFlags, args: &[Expr]) {
        if flags.has(FunctionFlags::USER) {
            let parameters = args.iter().take(32).enumerate().filter(|(_, arg)| matches!(arg, Expr::Parameter(_)));
            self.builder.set_parameter_args(call, parameters.fold(0, |bits, (i, _)| bits | 1 << i));
        }
    }

    /// Functions that are code: their arguments are evaluated only as far as needed.
    fn inline_function(&mut self, name: &str, args: &[Expr], dest: Reg) -> Result<bool> {
        match name {
            "coalesce" | "ifnull" => {
                let end = self.builder.label();
                let Some((last, firsts)) = args.split_last() else { return Ok(false) };
                for arg in firsts {
                    self.expr_into(arg, dest)?;
                    self.builder.emit(NotNull { reg: dest, target: end });
                }
                self.expr_into(last, dest)?;
                self.builder.bind(end);
                Ok(true)
            }
            "likely" | "unlikely" | "likelihood" => {
                let Some(first) = args.first() else { return Ok(false) };
                self.expr_into(first, dest)?;
                Ok(true)
            }
            "nullif" => {
                let (Some(first), Some(second)) = (args.first(), args.get(1)) else { return Ok(false) };
                let how = CompareHow {
                    affinity: crate::bind::compare_how(first, second).affinity,
                    collation: crate::bind::compare_collation(first, second),
                };
                let end = self.builder.label();
                let keep = self.builder.label();
                self.expr_into(first, dest)?;
                self.builder.emit(IsNull { reg: dest, target: end });
                let second = self.operand(second)?;
                // nullif() compares without affinity.
                let how = self.comparison(&CompareHow { affinity: Affinity::Blob, ..how }, Nulls::Fall);
                let null = self.builder.label();
                self.builder.emit(Eq { left: dest, right: second.reg, target: null, how });
                self.builder.emit(Goto { target: keep });
                self.builder.bind(null);
                self.builder.emit(Null { dest: Regs::new(dest, 1) });
                self.builder.bind(keep);
                self.builder.bind(end);
                self.done(second);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    #[inline(never)]
    fn raise(&mut self, action: OnError, message: Option<&Expr>) -> Result<()> {
        let message = match message {
            Some(m) if action != OnError::Ignore => Some(self.expr(m)?),
            _ => None,
        };
        let raise = Raise { code: ResultCode::CONSTRAINT_TRIGGER, on_error: action, message: None };
        self.builder.emit(RaiseError { message, raise: std::sync::Arc::new(raise) });
        Ok(())
    }
}

/// The argument of a distance that is a column, where the other one is the same in every call.
fn stored_argument(args: &[Expr]) -> Option<usize> {
    let [a, b] = args else { return None };
    match (a.is_loop_constant(), b.is_loop_constant()) {
        (false, true) if matches!(a, Expr::Column { .. }) => Some(0),
        (true, false) if matches!(b, Expr::Column { .. }) => Some(1),
        _ => None,
    }
}

fn binary_instruction(op: BinaryOp, left: Reg, right: Reg, dest: Reg) -> Instruction {
    match op {
        BinaryOp::Add => Add { left, right, dest }.into(),
        BinaryOp::Subtract => Subtract { left, right, dest }.into(),
        BinaryOp::Multiply => Multiply { left, right, dest }.into(),
        BinaryOp::Divide => Divide { left, right, dest }.into(),
        BinaryOp::Remainder => Remainder { left, right, dest }.into(),
        BinaryOp::Concat => Concat { left, right, dest }.into(),
        BinaryOp::BitAnd => BitAnd { left, right, dest }.into(),
        BinaryOp::BitOr => BitOr { left, right, dest }.into(),
        BinaryOp::ShiftLeft => ShiftLeft { left, right, dest }.into(),
        BinaryOp::ShiftRight => ShiftRight { left, right, dest }.into(),
    }
}

/// Constants under operators that are one instruction each and cannot fail.
fn is_simple_constant(e: &Expr) -> bool {
    match e {
        Expr::Literal(_) | Expr::Parameter(_) => true,
        Expr::Binary { op, left, right } => {
            *op != BinaryOp::Concat && is_simple_constant(left) && is_simple_constant(right)
        }
        Expr::Unary { expr, .. } | Expr::Cast { expr, .. } | Expr::Collate { expr, .. } => is_simple_constant(expr),
        _ => false,
    }
}

/// So cheap and safe that skipping it saves nothing.
fn is_cheap(e: &Expr) -> bool {
    match e {
        Expr::Literal(_)
        | Expr::Parameter(_)
        | Expr::Column { .. }
        | Expr::Register { .. }
        | Expr::Aggregate { .. } => true,
        Expr::Unary { expr, .. } | Expr::IsNull { expr, .. } | Expr::Collate { expr, .. } => is_cheap(expr),
        Expr::Compare { left, right, .. } => is_cheap(left) && is_cheap(right),
        _ => false,
    }
}

//! Jumps, subroutines, coroutines, rows, errors.
//!
//! A coroutine's register holds the address to continue at, on whichever side is not running. When the coroutine has
//! ended it holds the address of its `EndCoroutine`, which answers every further `Yield` with the end.

use std::cmp::Ordering;

use turso_error::{Error, Result, ResultCode};
use turso_program::control::*;
use turso_program::{Addr, Instruction, Program, Reg};
use turso_value::{Affinity, Value};

use crate::dispatch::{Exec, Flow};
use crate::run::internal;
use crate::{Host, Vm};

impl Vm {
    /// The address in a register; `None` when it holds none.
    #[inline]
    fn address(&self, reg: Reg) -> Option<Addr> {
        match self.frame.registers.get(reg) {
            Value::Integer(i) => u32::try_from(*i).ok().map(Addr),
            _ => None,
        }
    }

    #[inline]
    fn set_address(&mut self, reg: Reg, pc: usize) {
        self.frame.registers.set_integer(reg, pc as i64);
    }

    /// The program raises an error: its text, and what is to be undone.
    #[cold]
    fn raise(&mut self, raise: &Raise, message: Option<Reg>) -> Error {
        self.run.on_error = raise.on_error;
        let text = match (message, &raise.message) {
            (Some(reg), _) => {
                let mut text = Vec::new();
                self.frame.registers.get(reg).as_ref().write_text(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            }
            (None, Some(text)) => text.to_string(),
            (None, None) => raise.code.text().to_string(),
        };
        Error::new(raise.code, text)
    }
}

impl Exec for Goto {
    #[inline(always)]
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        Ok(Flow::jump(self.target))
    }
}

impl Exec for Gosub {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.set_address(self.return_to, vm.frame.pc + 1);
        Ok(Flow::jump(self.target))
    }
}

impl Exec for Return {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        match vm.address(self.return_to) {
            Some(addr) => Ok(Flow::jump(addr)),
            None if self.or_fall_through => Ok(Flow::NEXT),
            None => Err(internal("return without a call")),
        }
    }
}

impl Exec for InitCoroutine {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.set_address(self.state, self.start.index());
        Ok(Flow::jump(self.skip))
    }
}

impl Exec for EndCoroutine {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, _: &mut H) -> Result<Flow> {
        let Some(resume) = vm.address(self.state) else {
            return Err(internal("end of a coroutine that was not entered"));
        };
        vm.set_address(self.state, vm.frame.pc);
        // The consumer's Yield stands before the address where it would go on.
        match resume.index().checked_sub(1).and_then(|at| program.instructions.get(at)) {
            Some(Instruction::Yield(Yield { on_end: Some(target), .. })) => Ok(Flow::jump(*target)),
            _ => Err(internal("coroutine has no consumer")),
        }
    }
}

impl Exec for Yield {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let Some(resume) = vm.address(self.state) else {
            return Err(internal("yield without a coroutine"));
        };
        vm.set_address(self.state, vm.frame.pc + 1);
        Ok(Flow::jump(resume))
    }
}

impl Exec for Halt {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        if vm.run.fk_violations > 0 && vm.callers.is_empty() {
            vm.run.on_error = OnError::Abort;
            return Err(Error::new(ResultCode::CONSTRAINT_FOREIGNKEY, "FOREIGN KEY constraint failed"));
        }
        Ok(Flow::DONE)
    }
}

impl Exec for HaltIfNull {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        if vm.frame.registers.get(self.reg).is_null() { Err(vm.raise(&self.raise, None)) } else { Ok(Flow::NEXT) }
    }
}

impl Exec for RaiseError {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        if self.raise.on_error == OnError::Ignore && !vm.callers.is_empty() {
            vm.run.ignoring = true;
            return Ok(Flow::DONE);
        }
        Err(vm.raise(&self.raise, self.message))
    }
}

impl Exec for ResultRow {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        if vm.frame.uses_indexes {
            vm.save_long_keys(host)?;
        }
        vm.run.row = self.values;
        Ok(Flow::ROW)
    }
}

impl Exec for Once {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let pc = vm.frame.pc;
        Flow::jump_if(vm.frame.pass_once(pc), self.target)
    }
}

impl Exec for If {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let truth = match vm.frame.registers.get(self.reg) {
            Value::Integer(i) => *i != 0,
            other => other.truth().unwrap_or(self.jump_if_null),
        };
        Flow::jump_if(truth, self.target)
    }
}

impl Exec for IfNot {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let truth = match vm.frame.registers.get(self.reg) {
            Value::Integer(i) => *i != 0,
            other => other.truth().unwrap_or(!self.jump_if_null),
        };
        Flow::jump_if(!truth, self.target)
    }
}

impl Exec for IsNull {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        Flow::jump_if(vm.frame.registers.get(self.reg).is_null(), self.target)
    }
}

impl Exec for NotNull {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        Flow::jump_if(!vm.frame.registers.get(self.reg).is_null(), self.target)
    }
}

/// The storage class of a value, as one of [`class`].
pub(crate) fn value_class(value: &Value) -> u32 {
    match value {
        Value::Null => class::NULL,
        Value::Integer(_) => class::INTEGER,
        Value::Real(_) => class::REAL,
        Value::Text(_) => class::TEXT,
        Value::Blob(_) => class::BLOB,
    }
}

impl Exec for IsOf {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        Flow::jump_if(self.classes & value_class(vm.frame.registers.get(self.reg)) != 0, self.target)
    }
}

impl Exec for OnDamage {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.run.on_damage = Some(self.target);
        Ok(Flow::NEXT)
    }
}

impl Exec for IfPos {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let n = vm.frame.registers.integer(self.reg);
        if n > 0 {
            vm.frame.registers.set_integer(self.reg, n - i64::from(self.decrement));
        }
        Flow::jump_if(n > 0, self.target)
    }
}

impl Exec for DecrJumpZero {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        // The smallest integer stays: a counter that starts there never gets to zero.
        let n = vm.frame.registers.integer(self.reg).saturating_sub(1);
        vm.frame.registers.set_integer(self.reg, n);
        Flow::jump_if(n == 0, self.target)
    }
}

impl Exec for OffsetLimit {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let limit = vm.frame.registers.integer(self.limit);
        let offset = vm.frame.registers.integer(self.offset).max(0);
        let sum = if limit > 0 { limit.checked_add(offset).unwrap_or(-1) } else { -1 };
        vm.frame.registers.set_integer(self.dest, sum);
        Ok(Flow::NEXT)
    }
}

/// The smallest integer as a real.
const SMALLEST: f64 = i64::MIN as f64;

impl Exec for MustBeInt {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let value = vm.frame.registers.get_mut(self.reg);
        if matches!(value, Value::Integer(_)) {
            return Ok(Flow::NEXT);
        }
        if let Value::Real(SMALLEST) = value {
            // No affinity makes this one an integer, where one is asked for it is one.
            value.set_integer(i64::MIN);
            return Ok(Flow::NEXT);
        }
        Affinity::Numeric.apply(value);
        match (&*value, self.otherwise) {
            (Value::Integer(_), _) => Ok(Flow::NEXT),
            (_, Some(target)) => Ok(Flow::jump(target)),
            (_, None) => Err(Error::from_code(ResultCode::MISMATCH)),
        }
    }
}

impl Exec for Jump {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        Ok(Flow::jump(match vm.run.compare {
            Ordering::Less => self.less,
            Ordering::Equal => self.equal,
            Ordering::Greater => self.greater,
        }))
    }
}

//! Arithmetic and logic. Integers, the common case, are computed here; everything else is `turso_value::arith`'s.

use turso_error::{Error, Result, ResultCode};
use turso_program::expression::*;
use turso_program::{Program, Reg};
use turso_value::arith::{self, Arithmetic, Bitwise};
use turso_value::{TextEncoding, Value, ValueRef};

use crate::dispatch::{Exec, Flow};
use crate::{Host, Vm};

impl Vm {
    /// `dest = f(left, right)`, by way of a value that is swapped in, since `dest` may be an operand.
    #[inline]
    fn binary(&mut self, left: Reg, right: Reg, dest: Reg, f: impl FnOnce(ValueRef<'_>, ValueRef<'_>, &mut Value)) {
        let registers = &mut self.frame.registers;
        f(registers.get(left).as_ref(), registers.get(right).as_ref(), &mut self.run.result);
        std::mem::swap(registers.get_mut(dest), &mut self.run.result);
    }

    #[inline(always)]
    fn arithmetic(&mut self, op: Arithmetic, left: Reg, right: Reg, dest: Reg) {
        let registers = &mut self.frame.registers;
        match (registers.get(left), registers.get(right)) {
            (&Value::Integer(a), &Value::Integer(b)) => {
                let exact = match op {
                    Arithmetic::Add => a.checked_add(b),
                    Arithmetic::Subtract => a.checked_sub(b),
                    Arithmetic::Multiply => a.checked_mul(b),
                    // Zero divisors, and the one quotient that overflows, take the long way.
                    Arithmetic::Divide => a.checked_div(b),
                    Arithmetic::Remainder => a.checked_rem(b),
                };
                if let Some(i) = exact {
                    registers.set_integer(dest, i);
                    return;
                }
            }
            (&Value::Real(a), &Value::Real(b)) => {
                let r = match op {
                    Arithmetic::Add => a + b,
                    Arithmetic::Subtract => a - b,
                    Arithmetic::Multiply => a * b,
                    // NaN becomes NULL, as it must for a zero divisor.
                    Arithmetic::Divide if b != 0.0 => a / b,
                    _ => f64::NAN,
                };
                if op != Arithmetic::Remainder {
                    registers.get_mut(dest).set_real(r);
                    return;
                }
            }
            _ => {}
        }
        self.binary(left, right, dest, |a, b, out| arith::arithmetic(op, a, b, out));
    }
}

macro_rules! arithmetic {
    ($($name:ident)*) => {$(
        impl Exec for $name {
            #[inline]
            fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
                vm.arithmetic(Arithmetic::$name, self.left, self.right, self.dest);
                Ok(Flow::NEXT)
            }
        }
    )*};
}
arithmetic! { Add Subtract Multiply Divide Remainder }

macro_rules! bitwise {
    ($($name:ident $op:ident)*) => {$(
        impl Exec for $name {
            #[inline]
            fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
                vm.binary(self.left, self.right, self.dest, |a, b, out| arith::bitwise(Bitwise::$op, a, b, out));
                Ok(Flow::NEXT)
            }
        }
    )*};
}
bitwise! { BitAnd And BitOr Or ShiftLeft ShiftLeft ShiftRight ShiftRight }

impl Exec for Concat {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        if self.dest != self.left && self.dest != self.right {
            vm.frame.registers.get_mut_for_bytes(self.dest);
        }
        let encoding = vm.run.encoding;
        match encoding {
            TextEncoding::Utf8 => vm.binary(self.left, self.right, self.dest, arith::concat),
            _ => vm.binary(self.left, self.right, self.dest, |a, b, out| concat_stored(a, b, encoding, out)),
        }
        match vm.frame.registers.get(self.dest).bytes() {
            Some(bytes) if bytes.len() > host.limits().length => Err(Error::from_code(ResultCode::TOOBIG)),
            _ => Ok(Flow::NEXT),
        }
    }
}

/// `a || b` where text is not UTF-8: the bytes of a blob are taken for text as the file holds it.
#[cold]
fn concat_stored(a: ValueRef<'_>, b: ValueRef<'_>, encoding: TextEncoding, out: &mut Value) {
    if !matches!(a, ValueRef::Blob(_)) && !matches!(b, ValueRef::Blob(_)) {
        return arith::concat(a, b, out);
    }
    if matches!(a, ValueRef::Null) || matches!(b, ValueRef::Null) {
        return out.set_null();
    }
    let mut stored = Vec::new();
    for value in [a, b] {
        match value {
            ValueRef::Blob(bytes) => stored.extend_from_slice(bytes),
            value => {
                let mut text = Vec::new();
                value.write_text(&mut text);
                encoding.encode(&text, &mut stored);
            }
        }
    }
    let mut text = Vec::new();
    encoding.decode(&stored, &mut text);
    *out = Value::Text(text);
}

impl Exec for BitNot {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.binary(self.reg, self.reg, self.dest, |a, _, out| arith::bit_not(a, out));
        Ok(Flow::NEXT)
    }
}

impl Exec for Not {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.binary(self.reg, self.reg, self.dest, |a, _, out| arith::not(a, out));
        Ok(Flow::NEXT)
    }
}

/// `a AND b`: false decides, whatever the other is.
#[inline]
fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

#[inline]
fn logic(truth: Option<bool>) -> Value {
    truth.map_or(Value::Null, Value::boolean)
}

impl Exec for And {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.binary(self.left, self.right, self.dest, |a, b, out| *out = logic(and(a.truth(), b.truth())));
        Ok(Flow::NEXT)
    }
}

impl Exec for Or {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let not = |truth: Option<bool>| truth.map(|t| !t);
        vm.binary(self.left, self.right, self.dest, |a, b, out| {
            *out = logic(not(and(not(a.truth()), not(b.truth()))));
        });
        Ok(Flow::NEXT)
    }
}

impl Exec for IsTrue {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let truth = vm.frame.registers.get(self.reg).truth().unwrap_or(self.if_null);
        vm.frame.registers.get_mut(self.dest).set_boolean(truth != self.negate);
        Ok(Flow::NEXT)
    }
}

impl Exec for AddImm {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let sum = vm.frame.registers.integer(self.reg).wrapping_add(self.amount);
        vm.frame.registers.set_integer(self.reg, sum);
        Ok(Flow::NEXT)
    }
}

impl Exec for MemMax {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let value = vm.frame.registers.integer(self.reg);
        let registers = match vm.callers.first_mut() {
            Some(root) if self.in_root_frame => &mut root.registers,
            _ => &mut vm.frame.registers,
        };
        let counter = registers.integer(self.counter);
        registers.set_integer(self.counter, counter.max(value));
        Ok(Flow::NEXT)
    }
}

//! Comparisons.
//!
//! Two integers compare at once. Everything else follows `datatype3.html` section 4: affinity is applied to a copy of the
//! operand where it changes anything, text is ordered by the collation, and NULLs by what the instruction says.

use std::cmp::Ordering;

use turso_error::Result;
use turso_program::expression::*;
use turso_program::{Addr, Program, Reg, Regs};
use turso_value::{Affinity, Collation, TextEncoding, Value, compare_in};

use crate::dispatch::{Exec, Flow};
use crate::{Host, Vm};

/// A copy of the operand with the comparison's affinity applied; `None` when that changes nothing.
///
/// `other_is_text`: numbers become text only to meet a text.
#[inline]
fn converted(value: &Value, affinity: Affinity, other_is_text: bool) -> Option<Value> {
    let convert = match affinity {
        Affinity::None | Affinity::Blob => false,
        Affinity::Text => other_is_text && value.is_numeric(),
        Affinity::Numeric | Affinity::Integer | Affinity::Real | Affinity::FlexNum => matches!(value, Value::Text(_)),
    };
    if !convert {
        return None;
    }
    // Numbers stay what they are: REAL as the affinity of a comparison makes no reals of integers.
    let affinity = if affinity == Affinity::Text { affinity } else { Affinity::Numeric };
    if affinity.leaves_unchanged(value.as_ref()) {
        return None;
    }
    let mut copy = value.clone();
    affinity.apply(&mut copy);
    Some(copy)
}

/// The order of two operands; `None` when one is NULL and NULLs do not compare.
pub(crate) fn order_operands(
    a: &Value,
    b: &Value,
    (affinity, nulls): (Affinity, Nulls),
    collation: &Collation,
    encoding: TextEncoding,
) -> Option<Ordering> {
    match (a, b) {
        (Value::Null, Value::Null) => return (nulls == Nulls::Equal).then_some(Ordering::Equal),
        (Value::Null, _) => return (nulls == Nulls::Equal).then_some(Ordering::Less),
        (_, Value::Null) => return (nulls == Nulls::Equal).then_some(Ordering::Greater),
        _ => {}
    }
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    let a_copy = converted(a, affinity, is_text(b));
    let b_copy = converted(b, affinity, is_text(a));
    let a = a_copy.as_ref().unwrap_or(a);
    let b = b_copy.as_ref().unwrap_or(b);
    Some(compare_in(a.as_ref(), b.as_ref(), collation, encoding))
}

impl Vm {
    /// Jump when the comparison holds.
    #[inline(always)]
    fn compare_and_jump(
        &self,
        program: &Program,
        (left, right): (Reg, Reg),
        how: Comparison,
        target: Addr,
        holds: impl FnOnce(Ordering) -> bool,
    ) -> Result<Flow> {
        let (a, b) = (self.frame.registers.get(left), self.frame.registers.get(right));
        if let (Value::Integer(a), Value::Integer(b)) = (a, b) {
            return Flow::jump_if(holds(a.cmp(b)), target);
        }
        // No real is NaN, and numbers are converted only to meet a text.
        if let (Value::Real(a), Value::Real(b)) = (a, b)
            && let Some(order) = a.partial_cmp(b)
        {
            return Flow::jump_if(holds(order), target);
        }
        if let (Value::Text(a), Value::Text(b)) = (a, b)
            && matches!(how.affinity, Affinity::None | Affinity::Blob | Affinity::Text)
            && how.collation.0 == 0
            && self.run.encoding == TextEncoding::Utf8
        {
            // Collation 0 is BINARY.
            return Flow::jump_if(holds(a.cmp(b)), target);
        }
        let collation = &program.collations[how.collation.index()];
        match order_operands(a, b, (how.affinity, how.nulls), collation, self.run.encoding) {
            Some(order) => Flow::jump_if(holds(order), target),
            None => Flow::jump_if(how.nulls == Nulls::Jump, target),
        }
    }
}

macro_rules! comparison {
    ($($name:ident $holds:expr;)*) => {$(
        impl Exec for $name {
            #[inline]
            fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, _: &mut H) -> Result<Flow> {
                vm.compare_and_jump(program, (self.left, self.right), self.how, self.target, $holds)
            }
        }
    )*};
}
comparison! {
    Eq Ordering::is_eq;
    Ne Ordering::is_ne;
    Lt Ordering::is_lt;
    Le Ordering::is_le;
    Gt Ordering::is_gt;
    Ge Ordering::is_ge;
}

impl Exec for CompareStore {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, _: &mut H) -> Result<Flow> {
        let (a, b) = (vm.frame.registers.get(self.left), vm.frame.registers.get(self.right));
        let order = match (a, b) {
            (Value::Integer(a), Value::Integer(b)) => Some(a.cmp(b)),
            (a, b) => {
                let collation = &program.collations[self.how.collation.index()];
                order_operands(a, b, (self.how.affinity, self.how.nulls), collation, vm.run.encoding)
            }
        };
        let dest = vm.frame.registers.get_mut(self.dest);
        match order {
            None => dest.set_null(),
            Some(order) => dest.set_boolean(match self.op {
                CompareOp::Eq => order.is_eq(),
                CompareOp::Ne => order.is_ne(),
                CompareOp::Lt => order.is_lt(),
                CompareOp::Le => order.is_le(),
                CompareOp::Gt => order.is_gt(),
                CompareOp::Ge => order.is_ge(),
            }),
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for Compare {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let count = self.key.columns.len();
        let left = vm.frame.registers.block(Regs::new(self.left, count));
        let right = vm.frame.registers.block(Regs::new(self.right, count));
        vm.run.compare = Ordering::Equal;
        for (i, (a, b)) in left.iter().zip(right).enumerate() {
            if let (Value::Integer(a), Value::Integer(b)) = (a, b)
                && a == b
            {
                continue;
            }
            let order = self.key.compare_values(i, a.as_ref(), b.as_ref());
            if order != Ordering::Equal {
                vm.run.compare = order;
                break;
            }
        }
        Ok(Flow::NEXT)
    }
}

//! An expression of constants becomes its value.
//!
//! Precondition: the operands are literals and the operation cannot fail and calls no function. Comparisons are folded with the
//! affinity and collation that binding fixed.

use turso_program::expression::CompareOp;
use turso_value::arith::{Arithmetic, Bitwise, arithmetic, bit_not, bitwise, concat, negate, not};
use turso_value::{Affinity, Value, ValueRef, compare};

use crate::plan::{BinaryOp, CompareHow, Expr, UnaryOp};

/// Replace `e` by its value where it has one; what is inside has been folded.
pub(super) fn fold(e: &mut Expr) {
    if let Some(value) = value_of(e) {
        crate::reached::note(crate::reached::Rule::Fold);
        *e = Expr::Literal(value);
    }
}

fn literal(e: &Expr) -> Option<&Value> {
    match e {
        Expr::Literal(value) => Some(value),
        _ => None,
    }
}

fn value_of(e: &Expr) -> Option<Value> {
    let mut out = Value::Null;
    match e {
        Expr::Unary { op, expr } => {
            let value = literal(expr)?.as_ref();
            match op {
                UnaryOp::Negate => negate(value, &mut out),
                UnaryOp::BitNot => bit_not(value, &mut out),
                UnaryOp::Not => not(value, &mut out),
                // A plus hides a literal's meaning as a column's value from nobody; it stays for what depends on its form.
                UnaryOp::Plus | UnaryOp::Plain | UnaryOp::ReadBlob => return None,
            }
        }
        Expr::Binary { op, left, right } => {
            let (left, right) = (literal(left)?.as_ref(), literal(right)?.as_ref());
            match op {
                BinaryOp::Add => arithmetic(Arithmetic::Add, left, right, &mut out),
                BinaryOp::Subtract => arithmetic(Arithmetic::Subtract, left, right, &mut out),
                BinaryOp::Multiply => arithmetic(Arithmetic::Multiply, left, right, &mut out),
                BinaryOp::Divide => arithmetic(Arithmetic::Divide, left, right, &mut out),
                BinaryOp::Remainder => arithmetic(Arithmetic::Remainder, left, right, &mut out),
                // What text the bytes of a blob are depends on the database.
                BinaryOp::Concat if [left, right].iter().any(|v| matches!(v, ValueRef::Blob(_))) => return None,
                BinaryOp::Concat => concat(left, right, &mut out),
                BinaryOp::BitAnd => bitwise(Bitwise::And, left, right, &mut out),
                BinaryOp::BitOr => bitwise(Bitwise::Or, left, right, &mut out),
                BinaryOp::ShiftLeft => bitwise(Bitwise::ShiftLeft, left, right, &mut out),
                BinaryOp::ShiftRight => bitwise(Bitwise::ShiftRight, left, right, &mut out),
            }
            // Long texts would be kept in every program.
            if out.bytes().is_some_and(|b| b.len() > 1000) {
                return None;
            }
        }
        Expr::Compare { op, left, right, how, null_equal } => {
            return comparison(*op, literal(left)?, literal(right)?, how, *null_equal);
        }
        Expr::IsNull { expr, negated } => return Some(Value::boolean(literal(expr)?.is_null() != *negated)),
        Expr::And(left, right) => {
            let known = |e: &Expr| literal(e).map(|v| v.as_ref().truth());
            return match (known(left), known(right)) {
                (Some(Some(false)), _) | (_, Some(Some(false))) => Some(Value::boolean(false)),
                (Some(Some(true)), Some(Some(true))) => Some(Value::boolean(true)),
                (Some(_), Some(_)) => Some(Value::Null),
                _ => None,
            };
        }
        Expr::Or(left, right) => {
            let known = |e: &Expr| literal(e).map(|v| v.as_ref().truth());
            return match (known(left), known(right)) {
                (Some(Some(true)), _) | (_, Some(Some(true))) => Some(Value::boolean(true)),
                (Some(Some(false)), Some(Some(false))) => Some(Value::boolean(false)),
                (Some(_), Some(_)) => Some(Value::Null),
                _ => None,
            };
        }
        _ => return None,
    }
    Some(out)
}

fn comparison(op: CompareOp, left: &Value, right: &Value, how: &CompareHow, null_equal: bool) -> Option<Value> {
    if !null_equal && (left.is_null() || right.is_null()) {
        return Some(Value::Null);
    }
    // With an affinity the operands are converted first, by rules that the interpreter owns.
    if !matches!(how.affinity, Affinity::Blob | Affinity::None) || !how.collation.is_binary() {
        return None;
    }
    let order = compare(left.as_ref(), right.as_ref(), &how.collation);
    Some(Value::boolean(match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
    }))
}

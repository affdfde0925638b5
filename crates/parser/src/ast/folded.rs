//! What SQL's grammar takes for false before anybody looks at names: such an expression is 0, whatever it names.

use super::visit::{Visit, walk_expr};
use super::{BinaryOp, Expr, InSet, Literal, Select, UnaryOp};

impl Expr {
    /// The expression is 0 or FALSE by its form: `0`, `x IN ()`, `5 IS NULL`, and what stands beside such a one with AND.
    /// Calls of functions are left alone.
    pub fn is_false_by_form(&self) -> bool {
        match self {
            Expr::Literal(Literal::Integer(digits)) => digits.bytes().all(|b| b == b'0'),
            Expr::Literal(Literal::HexInteger(text)) => text.get(2..).is_some_and(|d| d.bytes().all(|b| b == b'0')),
            Expr::In(in_) => !in_.not && in_.is_over_nothing(),
            Expr::IsNull { expr, not: false } => is_plain_literal(expr),
            Expr::Binary { op: BinaryOp::And, .. } => is_false_chain(self),
            _ => false,
        }
    }

    /// `5 IS NOT NULL`: 1 by its form.
    pub fn is_true_by_form(&self) -> bool {
        matches!(self, Expr::IsNull { expr, not: true } if is_plain_literal(expr))
    }

    /// A function is called, by its name or by an operator.
    fn calls_function(&self) -> bool {
        struct Finder(bool);
        impl Visit for Finder {
            fn expr(&mut self, expr: &Expr) {
                match expr {
                    Expr::Function(_)
                    | Expr::Like(_)
                    | Expr::Binary { op: BinaryOp::Arrow | BinaryOp::DoubleArrow, .. }
                    | Expr::Literal(Literal::CurrentDate | Literal::CurrentTime | Literal::CurrentTimestamp) => {
                        self.0 = true;
                    }
                    // A list of rows is a subquery, as SQLite reads it.
                    Expr::In(in_) if in_.is_over_rows() => self.expr(&in_.expr),
                    _ => walk_expr(self, expr),
                }
            }
            fn select(&mut self, _: &Select) {}
        }
        let mut finder = Finder(false);
        finder.expr(self);
        finder.0
    }
}

impl super::In {
    /// `x IN ()`: whatever x is, as long as it calls no function.
    pub fn is_over_nothing(&self) -> bool {
        matches!(&self.set, InSet::List(list) if list.is_empty()) && !self.expr.calls_function()
    }
}

/// A number, text or blob, with signs perhaps.
fn is_plain_literal(mut e: &Expr) -> bool {
    while let Expr::Unary { op: UnaryOp::Minus | UnaryOp::Plus, expr } = e {
        e = expr;
    }
    matches!(
        e,
        Expr::Literal(
            Literal::Integer(_) | Literal::HexInteger(_) | Literal::Float(_) | Literal::String(_) | Literal::Blob(_)
        )
    )
}

/// A chain of ANDs, which leans to the left: each AND in turn becomes 0 when one of its sides is, and none calls a function.
fn is_false_chain(e: &Expr) -> bool {
    let mut terms = Vec::new();
    let mut first = e;
    while let Expr::Binary { op: BinaryOp::And, left, right } = first {
        terms.push(&**right);
        first = left;
    }
    let mut is_false = first.is_false_by_form();
    if !is_false && !terms.iter().any(|term| term.is_false_by_form()) {
        return false;
    }
    let mut calls = first.calls_function();
    for term in terms.into_iter().rev() {
        calls |= term.calls_function();
        is_false = (is_false || term.is_false_by_form()) && !calls;
        // What has become 0 calls nothing.
        calls &= !is_false;
    }
    is_false
}

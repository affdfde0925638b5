//! Blobs where text or a number is wanted, in a database whose texts are UTF-16.
//!
//! A blob is then read as text in the database's encoding, while a text in hand is always UTF-8. So what may be a blob is converted
//! where it goes into a function or an operator that reads it so. (What a function gives is its own: SQLite takes a blob that it
//! has computed for UTF-8.)

use turso_functions::{Function, FunctionFlags};
use turso_program::DbIndex;
use turso_value::{TextEncoding, Value};

use super::Binder;
use crate::plan::{Expr, UnaryOp};

impl Binder<'_> {
    /// The arguments as the function reads them.
    pub(super) fn arguments(&self, function: &Function, args: Vec<Expr>) -> Vec<Expr> {
        if !function.flags.has(FunctionFlags::BLOB_IS_TEXT) || self.is_utf8() {
            return args;
        }
        args.into_iter().map(|arg| if may_be_blob(&arg) { read(Box::new(arg)) } else { arg }).collect()
    }

    /// An operand of arithmetic as its operator reads it.
    pub(super) fn operand(&self, operand: Box<Expr>) -> Box<Expr> {
        if self.is_utf8() || !may_be_blob(&operand) { operand } else { Box::new(read(operand)) }
    }

    fn is_utf8(&self) -> bool {
        self.context.catalogue.schema(DbIndex(0)).encoding == TextEncoding::Utf8
    }
}

fn read(expr: Box<Expr>) -> Expr {
    Expr::Unary { op: UnaryOp::ReadBlob, expr }
}

/// The expression may give a blob that was stored, bound or written.
fn may_be_blob(e: &Expr) -> bool {
    match e {
        Expr::Literal(value) => matches!(value, Value::Blob(_)),
        Expr::Column { .. } | Expr::Parameter(_) | Expr::Register { .. } | Expr::FirstOf { .. } => true,
        Expr::Subquery(_) | Expr::Shared(_) | Expr::Aggregate { .. } | Expr::Window { .. } | Expr::Cast { .. } => true,
        Expr::Case { arms, otherwise, .. } => {
            arms.iter().any(|arm| may_be_blob(&arm.then)) || otherwise.as_deref().is_some_and(may_be_blob)
        }
        Expr::Collate { expr, .. } | Expr::Unary { op: UnaryOp::Plus | UnaryOp::Plain, expr } => may_be_blob(expr),
        Expr::Function { function, args, .. } => {
            function.flags.has(FunctionFlags::INLINE) && args.iter().any(may_be_blob)
        }
        _ => false,
    }
}

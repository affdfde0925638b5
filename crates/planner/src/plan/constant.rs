//! Which expressions have one value for a whole run of a program.

use super::{Expr, InSet, RowValue};

impl Expr {
    /// True when the expression reads no column, aggregate or register, runs no subquery and calls only functions that give
    /// the same result throughout a statement: it can be computed once, before any loop.
    pub fn is_loop_constant(&self) -> bool {
        !self.any(|e| match e {
            Expr::Column { .. }
            | Expr::Aggregate { .. }
            | Expr::Window { .. }
            | Expr::Register { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Shared(_)
            | Expr::In { set: InSet::Query(_), .. }
            | Expr::CompareRows { left: RowValue::Subquery(_), .. }
            | Expr::CompareRows { right: RowValue::Subquery(_), .. }
            | Expr::Raise { .. } => true,
            Expr::Function { function, .. } => !function.flags.is_steady(),
            _ => false,
        })
    }

    /// True when some function inside may give another result each time.
    pub fn is_volatile(&self) -> bool {
        self.any(|e| match e {
            Expr::Function { function, .. } => !function.flags.is_steady(),
            Expr::Raise { .. } => true,
            _ => false,
        })
    }
}

//! Arithmetic, logic, comparison, functions and aggregates.

use std::sync::Arc;

use turso_value::{Affinity, KeyInfo, Value};

use crate::operand::{Addr, CallId, CollationId, CursorId, Reg};
use crate::register::instructions;

/// How two registers are compared: which affinity is applied first (to copies: operands are not changed), which
/// collation orders text, and what NULL does (`datatype3.html` section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    /// Applied to both operands before comparing (`Blob`: none; `Numeric`/`Integer`/`Real`: text operands become numbers
    /// where they look like one; `Text`: numbers become text).
    pub affinity: Affinity,
    /// Orders text.
    pub collation: CollationId,
    /// What a NULL operand does.
    pub nulls: Nulls,
}

/// What a comparison does with NULL operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// The result is NULL: a jump is not taken.
    Fall,
    /// The result is NULL: a jump is taken.
    Jump,
    /// NULL equals NULL and sorts first (`IS`, `IS NOT`).
    Equal,
}

/// The operator of [`CompareStore`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CompareOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

crate::detail_operand!(Comparison, Nulls, CompareOp);

instructions! {
    /// `dest = left + right`, with SQLite's overflow into REAL.
    Add { left: Reg, right: Reg, dest: Reg }
    /// `dest = left - right`.
    Subtract { left: Reg, right: Reg, dest: Reg }
    /// `dest = left * right`.
    Multiply { left: Reg, right: Reg, dest: Reg }
    /// `dest = left / right`; NULL for a zero divisor.
    Divide { left: Reg, right: Reg, dest: Reg }
    /// `dest = left % right` on integers; NULL for a zero divisor.
    Remainder { left: Reg, right: Reg, dest: Reg }
    /// `dest = left || right`.
    Concat { left: Reg, right: Reg, dest: Reg }
    /// `dest = left & right`.
    BitAnd { left: Reg, right: Reg, dest: Reg }
    /// `dest = left | right`.
    BitOr { left: Reg, right: Reg, dest: Reg }
    /// `dest = left << right`.
    ShiftLeft { left: Reg, right: Reg, dest: Reg }
    /// `dest = left >> right`.
    ShiftRight { left: Reg, right: Reg, dest: Reg }
    /// `dest = ~reg`.
    BitNot { reg: Reg, dest: Reg }
    /// `dest = NOT reg` (three-valued).
    Not { reg: Reg, dest: Reg }
    /// `dest = left AND right` (three-valued).
    And { left: Reg, right: Reg, dest: Reg }
    /// `dest = left OR right` (three-valued).
    Or { left: Reg, right: Reg, dest: Reg }
    /// `dest = reg IS [NOT] TRUE/FALSE`: the truth of `reg`, `if_null` when it is NULL, then negated if `negate`.
    IsTrue { reg: Reg, dest: Reg, if_null: bool, negate: bool }
    /// Convert to integer and add.
    AddImm { reg: Reg, amount: i64 }
    /// Jump when `left = right`.
    Eq { left: Reg, right: Reg, target: Addr, how: Comparison }
    /// Jump when `left <> right`.
    Ne { left: Reg, right: Reg, target: Addr, how: Comparison }
    /// Jump when `left < right`.
    Lt { left: Reg, right: Reg, target: Addr, how: Comparison }
    /// Jump when `left <= right`.
    Le { left: Reg, right: Reg, target: Addr, how: Comparison }
    /// Jump when `left > right`.
    Gt { left: Reg, right: Reg, target: Addr, how: Comparison }
    /// Jump when `left >= right`.
    Ge { left: Reg, right: Reg, target: Addr, how: Comparison }
    /// `dest = left op right` as 1, 0 or NULL.
    CompareStore { left: Reg, right: Reg, dest: Reg, op: CompareOp, how: Comparison }
    /// Compare two blocks of `key.columns.len()` registers; the next instruction is a [`crate::control::Jump`] (or reads the
    /// result with another). NULLs are equal to each other.
    Compare { left: Reg, right: Reg, key: Arc<KeyInfo> }
    /// Call the scalar function `call` with its arguments in consecutive registers from `args`.
    Function { call: CallId, args: Reg, dest: Reg }
    /// [`Function`] for a distance between two vectors (`turso_functions::vector`), one of which, the argument in register
    /// `stored`, is a column. The other one has the same value in every call. A vector that lies whole on its page is measured
    /// there; any other is first read into `stored`, as [`crate::cursor::Column`] does.
    MeasureColumn { call: CallId, args: Reg, stored: Reg, cursor: CursorId, column: u16, dest: Reg, default: Option<Arc<Value>> }
    /// Feed one row to the aggregate whose state lives in `state`.
    AggStep { call: CallId, args: Reg, state: Reg }
    /// Take one row out of the aggregate (window frames that move).
    AggInverse { call: CallId, args: Reg, state: Reg }
    /// `dest` = the aggregate's value so far; the state stays.
    AggValue { call: CallId, state: Reg, dest: Reg }
    /// Replace the state by the aggregate's final value, in place. A state that no row reached gives the empty value.
    AggFinal { call: CallId, state: Reg }
    /// Where a window function's value is found (`turso_functions::WindowFunction::locate`). `position` holds row, rows of
    /// the partition, start of peers, end of peers, number of the peer group (all from 0). `dest[0]` gets 0: the value is
    /// `dest[1]`; 1: the first argument in row `dest[1]` of the partition; 2: in the `dest[1]`-th row (from 0) of the
    /// frame; 3: in the frame's last row; 4: the third argument.
    WindowLocate { call: CallId, args: Reg, position: Reg, dest: Reg }
    /// `counter = max(counter, reg)` on integers; with `in_root_frame`, `counter` is a register of the outermost program
    /// (AUTOINCREMENT inside triggers).
    MemMax { counter: Reg, reg: Reg, in_root_frame: bool }
}

//! Jumps, subroutines, coroutines, result rows, errors, triggers.

use std::sync::Arc;

use turso_error::ResultCode;

use crate::operand::{Addr, Reg, Regs};
use crate::register::instructions;

/// What happens to the statement and the transaction when a constraint fails (`lang_conflict.html`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum OnError {
    Rollback,
    Abort,
    Fail,
    Ignore,
    Replace,
}

/// The error of [`HaltIfNull`] and [`RaiseError`].
#[derive(Debug, Clone, PartialEq)]
pub struct Raise {
    /// The extended result code.
    pub code: ResultCode,
    /// What is undone.
    pub on_error: OnError,
    /// The message; `None` lets `RaiseError.message` (a register) or the code's standard text supply it.
    pub message: Option<Arc<str>>,
}

/// A trigger's or foreign-key action's program and how it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerCall {
    /// Index into the outermost program's `subprograms` (an index, since a trigger may fire itself). The body has registers and
    /// cursors of its own and reads the caller's through [`Param`].
    pub subprogram: u32,
    /// Name of the trigger, for messages and for the check against recursion.
    pub name: Arc<str>,
    /// The trigger may fire itself (`PRAGMA recursive_triggers`); without it an active one is skipped.
    pub recursive: bool,
}

/// Storage classes as bits of a set.
pub mod class {
    /// INTEGER.
    pub const INTEGER: u32 = 1;
    /// REAL.
    pub const REAL: u32 = 2;
    /// TEXT.
    pub const TEXT: u32 = 4;
    /// BLOB.
    pub const BLOB: u32 = 8;
    /// NULL.
    pub const NULL: u32 = 16;
}

crate::detail_operand!(OnError, Arc<Raise>, Arc<TriggerCall>);

instructions! {
    /// Continue at `target`.
    Goto { target: Addr }
    /// Call the subroutine at `target`: remember the next address in `return_to`.
    Gosub { return_to: Reg, target: Addr }
    /// Continue after the [`Gosub`] that stored its address in `return_to`. With `or_fall_through`, a register that holds
    /// no address (the code was entered by falling into it) continues with the next instruction.
    Return { return_to: Reg, or_fall_through: bool }
    /// Make `state` a coroutine that starts at `start`, and continue at `skip`.
    InitCoroutine { state: Reg, skip: Addr, start: Addr }
    /// The coroutine in `state` has ended: return to its consumer's `on_end`.
    EndCoroutine { state: Reg }
    /// Swap to the coroutine in `state`: into it from the consumer, back to the consumer from inside. In the consumer,
    /// `on_end` is taken when the coroutine has ended (inside the coroutine give `None`).
    Yield { state: Reg, on_end: Option<Addr> }
    /// The program (or trigger body) is complete.
    Halt { }
    /// Raise when the register is NULL (NOT NULL constraints).
    HaltIfNull { reg: Reg, raise: Arc<Raise> }
    /// Raise an error. `Ignore` inside a trigger is `RAISE(IGNORE)`: it ends the trigger programs and continues at the
    /// caller's [`RunTrigger`]`.ignore`. `message` overrides the fixed text (`RAISE(ABORT, expr)`).
    RaiseError { message: Option<Reg>, raise: Arc<Raise> }
    /// Hand these registers to the caller as a row and pause.
    ResultRow { values: Regs }
    /// Fall through the first time in this run of the program (or of this trigger invocation), jump every later time.
    Once { target: Addr }
    /// Jump when the register is true; when NULL, jump as `jump_if_null` says.
    If { reg: Reg, target: Addr, jump_if_null: bool }
    /// Jump when the register is false; when NULL, jump as `jump_if_null` says.
    IfNot { reg: Reg, target: Addr, jump_if_null: bool }
    /// Jump when the register is NULL.
    IsNull { reg: Reg, target: Addr }
    /// Jump when the register is not NULL.
    NotNull { reg: Reg, target: Addr }
    /// Jump when the value is of one of these storage classes ([`class`]).
    IsOf { reg: Reg, classes: u32, target: Addr }
    /// From here on a record that is damaged in itself does not end the run: it goes on at `target`, once.
    OnDamage { target: Addr }
    /// When the integer is positive: subtract `decrement` and jump.
    IfPos { reg: Reg, target: Addr, decrement: u32 }
    /// Decrement the integer; jump when it becomes zero.
    DecrJumpZero { reg: Reg, target: Addr }
    /// `dest = limit + max(offset, 0)` if `limit > 0`, else -1 (no limit); -1 on overflow.
    OffsetLimit { limit: Reg, dest: Reg, offset: Reg }
    /// Convert to INTEGER losslessly; otherwise jump, or without a target raise `SQLITE_MISMATCH`.
    MustBeInt { reg: Reg, otherwise: Option<Addr> }
    /// Three-way jump on the last [`crate::expression::Compare`].
    Jump { less: Addr, equal: Addr, greater: Addr }
    /// Run a trigger body with registers of its own. `first_param` is the caller's register that [`Param`]`{index: 0}` reads.
    /// `RAISE(IGNORE)` inside continues at `ignore`.
    RunTrigger { first_param: Reg, ignore: Addr, call: Arc<TriggerCall> }
    /// In a trigger body: a step begins, whose text this is.
    TellStep { text: Arc<str> }
    /// In a trigger body: copy the caller's register `first_param + index` to `dest`.
    Param { index: u32, dest: Reg }
}

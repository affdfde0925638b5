//! The registers of a frame.
//!
//! Byte buffers stay in their registers from row to row, so a loop over rows allocates nothing once its buffers have
//! grown. Between runs, where all registers become NULL, buffers wait in a small pool for the registers that are given text
//! first. A register number outside is a mistake of the planner (`Program::verify` finds it) and panics.

use turso_program::{Reg, Regs};
use turso_value::Value;

/// An array of values, indexed by [`Reg`].
#[derive(Debug, Default)]
pub(crate) struct Registers {
    values: Vec<Value>,
    /// Empty buffers of the last run.
    spare: Vec<Vec<u8>>,
}

/// How many buffers wait for the next run, and how large they may be.
const SPARE_BUFFERS: usize = 16;
const SPARE_CAPACITY: usize = 1 << 14;

impl Registers {
    /// `count` registers that hold NULL.
    pub fn new(count: usize) -> Self {
        Self { values: vec![Value::Null; count], spare: Vec::new() }
    }

    /// All registers become NULL.
    pub fn reset(&mut self) {
        for value in &mut self.values {
            if let Value::Text(_) | Value::Blob(_) = value {
                let buffer = value.take_buffer();
                if self.spare.len() < SPARE_BUFFERS && (1..=SPARE_CAPACITY).contains(&buffer.capacity()) {
                    self.spare.push(buffer);
                }
            } else {
                *value = Value::Null;
            }
        }
    }

    /// A register that is about to be given text or a blob, with a spare buffer where it has none.
    #[inline]
    pub fn get_mut_for_bytes(&mut self, reg: Reg) -> &mut Value {
        let value = &mut self.values[reg.index()];
        if !self.spare.is_empty()
            && value.bytes().is_none()
            && let Some(buffer) = self.spare.pop()
        {
            *value = Value::Blob(buffer);
        }
        value
    }

    /// An empty buffer for the new content of a register: its own, or a spare one.
    #[inline]
    pub fn take_buffer(&mut self, reg: Reg) -> Vec<u8> {
        let buffer = self.values[reg.index()].take_buffer();
        if buffer.capacity() > 0 { buffer } else { self.spare.pop().unwrap_or(buffer) }
    }

    #[inline(always)]
    pub fn get(&self, reg: Reg) -> &Value {
        &self.values[reg.index()]
    }

    #[inline(always)]
    pub fn get_mut(&mut self, reg: Reg) -> &mut Value {
        &mut self.values[reg.index()]
    }

    #[inline(always)]
    pub fn block(&self, regs: Regs) -> &[Value] {
        &self.values[regs.range()]
    }

    #[inline(always)]
    pub fn block_mut(&mut self, regs: Regs) -> &mut [Value] {
        &mut self.values[regs.range()]
    }

    /// The integer in a register that the planner knows to hold one; anything else reads as SQLite would convert it.
    #[inline(always)]
    pub fn integer(&self, reg: Reg) -> i64 {
        match self.get(reg) {
            Value::Integer(i) => *i,
            other => other.to_integer(),
        }
    }

    #[inline(always)]
    pub fn set_integer(&mut self, reg: Reg, i: i64) {
        self.get_mut(reg).set_integer(i);
    }

    /// Copy one register to another, in the destination's buffer where there is one.
    #[inline]
    pub fn copy(&mut self, from: Reg, to: Reg) {
        if let Ok([from, to]) = self.values.get_disjoint_mut([from.index(), to.index()]) {
            to.assign(from.as_ref());
        }
    }
}

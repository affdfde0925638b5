//! Building a program: registers, cursors, labels, constants.

use std::sync::Arc;

use turso_functions::Function;
use turso_value::{Collation, Value};

use crate::operand::{Addr, CallId, CollationId, ConstId, CursorId, Reg, Regs};
use crate::program::{FunctionCall, PlanNode, Program, Scan};
use crate::register::Instruction;

/// A jump target that may be bound to an address after jumps to it were emitted.
pub type Label = Addr;

/// Collects instructions. Jumps take [`Label`]s; [`finish`](Self::finish) replaces them by addresses.
#[derive(Debug)]
pub struct ProgramBuilder {
    /// In a box: a builder and what it makes go from hand to hand.
    program: Box<Program>,
    prologue: Vec<Instruction>,
    labels: Vec<Option<u32>>,
    next_register: u32,
    free_registers: Vec<Reg>,
    next_cursor: u16,
    plan_parents: Vec<u32>,
    explains: bool,
}

impl Default for ProgramBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgramBuilder {
    /// An empty program.
    pub fn new() -> Self {
        let mut program: Box<Program> = Box::default();
        program.collations.push(Collation::Binary);
        program.instructions.reserve_exact(24);
        Self {
            program,
            prologue: Vec::with_capacity(8),
            labels: Vec::with_capacity(8),
            next_register: 1,
            free_registers: Vec::new(),
            next_cursor: 0,
            plan_parents: Vec::new(),
            explains: true,
        }
    }

    /// Append an instruction; the result is its position (for [`patch`](Self::patch)), not yet its final address.
    pub fn emit(&mut self, instruction: impl Into<Instruction>) -> usize {
        self.program.instructions.push(instruction.into());
        self.program.instructions.len() - 1
    }

    /// Append an instruction that runs once before everything else (transactions, constants used in loops).
    pub fn emit_prologue(&mut self, instruction: impl Into<Instruction>) {
        self.prologue.push(instruction.into());
    }

    /// The instruction at a position that [`emit`](Self::emit) returned.
    pub fn patch(&mut self, position: usize) -> Option<&mut Instruction> {
        self.program.instructions.get_mut(position)
    }

    /// Takes back the last instruction, if it reads a column into this register and nobody jumps behind it.
    pub fn take_back_column(&mut self, dest: Reg) -> Option<crate::cursor::Column> {
        let here = self.program.instructions.len() as u32;
        if self.labels.contains(&Some(here)) {
            return None;
        }
        match self.program.instructions.pop()? {
            Instruction::Column(column) if column.dest == dest => Some(column),
            other => {
                self.program.instructions.push(other);
                None
            }
        }
    }

    /// The position of the next instruction.
    pub fn position(&self) -> usize {
        self.program.instructions.len()
    }

    /// A new label, not bound yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Addr(Addr::LABEL_BASE + (self.labels.len() - 1) as u32)
    }

    /// Bind the label to the next instruction.
    pub fn bind(&mut self, label: Label) {
        debug_assert!(label.0 >= Addr::LABEL_BASE, "only labels are bound");
        let here = self.program.instructions.len() as u32;
        if let Some(slot) = self.labels.get_mut((label.0 - Addr::LABEL_BASE) as usize) {
            debug_assert!(slot.is_none(), "a label is bound once");
            *slot = Some(here);
        }
    }

    /// A new label bound to the next instruction.
    pub fn label_here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// A register of its own.
    pub fn register(&mut self) -> Reg {
        let reg = Reg(self.next_register);
        self.next_register += 1;
        reg
    }

    /// `count` consecutive registers.
    pub fn registers(&mut self, count: usize) -> Regs {
        let first = Reg(self.next_register);
        self.next_register += count as u32;
        Regs::new(first, count)
    }

    /// A register for a value that is needed for a moment; give it back with [`release`](Self::release).
    pub fn temporary(&mut self) -> Reg {
        self.free_registers.pop().unwrap_or_else(|| self.register())
    }

    /// Give a temporary register back. Never release one whose value a subroutine or a later loop turn still reads.
    pub fn release(&mut self, reg: Reg) {
        debug_assert!(!self.free_registers.contains(&reg), "a register is released once");
        self.free_registers.push(reg);
    }

    /// From here on temporary registers are new ones: a subroutine that is called from several places must not use one that is in
    /// use there. What was free before is to be given back by [`end_subroutine`](Self::end_subroutine).
    pub fn begin_subroutine(&mut self) -> Vec<Reg> {
        std::mem::take(&mut self.free_registers)
    }

    /// The subroutine ends: its temporary registers stay its own.
    pub fn end_subroutine(&mut self, free: Vec<Reg>) {
        self.free_registers = free;
    }

    /// A cursor of its own.
    pub fn cursor(&mut self) -> CursorId {
        let cursor = CursorId(self.next_cursor);
        self.next_cursor += 1;
        cursor
    }

    /// Intern a text or blob constant.
    pub fn constant(&mut self, value: Value) -> ConstId {
        self.program.constants.push(value);
        ConstId((self.program.constants.len() - 1) as u32)
    }

    /// Intern a collation; BINARY is 0.
    pub fn collation(&mut self, collation: &Collation) -> CollationId {
        if let Some(i) = self.program.collations.iter().position(|c| c == collation) {
            return CollationId(i as u16);
        }
        self.program.collations.push(collation.clone());
        CollationId((self.program.collations.len() - 1) as u16)
    }

    /// Register a function call.
    pub fn call(&mut self, function: Function, arity: usize, collation: CollationId) -> CallId {
        self.program.calls.push(FunctionCall {
            function,
            arity: arity as u16,
            collation,
            moving: false,
            constant_args: 0,
            parameter_args: 0,
        });
        CallId((self.program.calls.len() - 1) as u32)
    }

    /// Arguments of `call` that have one value for the whole run, a bit for each.
    pub fn set_constant_args(&mut self, call: CallId, constant: u32) {
        if let Some(call) = self.program.calls.get_mut(call.index()) {
            call.constant_args = constant;
        }
    }

    /// Arguments of `call` that are parameters, a bit for each.
    pub fn set_parameter_args(&mut self, call: CallId, parameters: u32) {
        if let Some(call) = self.program.calls.get_mut(call.index()) {
            call.parameter_args = parameters;
        }
    }

    /// The aggregate `call` will have rows taken out ([`crate::expression::AggInverse`]).
    pub fn set_moving(&mut self, call: CallId) {
        if let Some(call) = self.program.calls.get_mut(call.index()) {
            call.moving = true;
        }
    }

    /// Whether plan nodes are kept: only `EXPLAIN QUERY PLAN` reads them, and their texts take time to write.
    pub fn set_explains(&mut self, explains: bool) {
        self.explains = explains;
    }

    /// Plan nodes are kept.
    pub fn explains(&self) -> bool {
        self.explains
    }

    /// Add a plan node whose text is made only if it is kept.
    pub fn plan_node_with(&mut self, detail: impl FnOnce() -> String) {
        if self.explains {
            self.plan_node(detail());
        }
    }

    /// As [`open_plan_node`](Self::open_plan_node), with a text that is made only if it is kept.
    pub fn open_plan_node_with(&mut self, detail: impl FnOnce() -> String) {
        if self.explains {
            self.open_plan_node(detail());
        }
    }

    /// Add a plan node under the innermost open one; 0 when none are kept.
    pub fn plan_node(&mut self, detail: impl Into<String>) -> u32 {
        if !self.explains {
            return 0;
        }
        let id = self.program.plan.len() as u32 + 1;
        let parent = self.plan_parents.last().copied().unwrap_or(0);
        self.program.plan.push(PlanNode { id, parent, detail: detail.into() });
        id
    }

    /// Add a plan node and make it the parent of the following ones until [`close_plan_node`](Self::close_plan_node).
    pub fn open_plan_node(&mut self, detail: impl Into<String>) -> u32 {
        let id = self.plan_node(detail);
        if self.explains {
            self.plan_parents.push(id);
        }
        id
    }

    /// How many plan nodes there are: the last one's number.
    pub fn plan_nodes(&self) -> u32 {
        self.program.plan.len() as u32
    }

    /// A loop whose turns are to be counted: the two registers for that.
    pub fn scan(&mut self, node: u32, name: Option<Arc<str>>, estimate: f64) -> Regs {
        let counts = self.registers(2);
        for dest in [counts.at(0), counts.at(1)] {
            self.emit_prologue(crate::data::Integer { value: 0, dest });
        }
        self.program.scans.push(Scan { node, name, estimate, counts });
        counts
    }

    /// Close the innermost open plan node.
    pub fn close_plan_node(&mut self) {
        self.plan_parents.pop();
    }

    /// The program's facts (columns, parameters, flags), to be filled in by the planner.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }

    /// Resolve all labels. Fails in debug builds when a label that is jumped to was never bound.
    pub fn finish(self) -> Program {
        *self.finish_boxed()
    }

    /// [`finish`](Self::finish), where the program is about to be handed on.
    pub fn finish_boxed(mut self) -> Box<Program> {
        let shift = self.prologue.len() as u32;
        let end = self.program.instructions.len() as u32;
        let labels = std::mem::take(&mut self.labels);
        let mut instructions = std::mem::take(&mut self.prologue);
        instructions.append(&mut self.program.instructions);
        for instruction in &mut instructions {
            instruction.visit_addresses(&mut |addr| {
                if addr.0 >= Addr::LABEL_BASE {
                    let bound = labels.get((addr.0 - Addr::LABEL_BASE) as usize).copied().flatten();
                    debug_assert!(bound.is_some(), "label {} is used and not bound", addr.0 - Addr::LABEL_BASE);
                    addr.0 = bound.unwrap_or(end) + shift;
                } else {
                    addr.0 += shift;
                }
            });
            self.program.note_instruction(instruction);
        }
        self.program.instructions = instructions;
        self.program.register_count = self.next_register as usize;
        self.program.cursor_count = self.next_cursor as usize;
        self.program
    }
}

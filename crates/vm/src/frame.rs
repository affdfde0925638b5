//! One program in execution: the outermost one, or the body of a trigger.

use std::sync::Arc;

use turso_functions::auxiliary::AuxiliaryEntry;
use turso_functions::{Aggregate, AggregateDef, Function, FunctionFlags, FunctionKind};
use turso_program::{Addr, FunctionCall, Instruction, Program, Reg, Regs};
use turso_value::Value;

use crate::cursors::Cursor;
use crate::registers::Registers;
use crate::rowset::RowSet;

/// Something that is no value and lives in a register all the same. The register holds [`Object::MARK`] while the object is
/// in use; any other content means that it has to start afresh, so setting the register to NULL resets it.
#[derive(Default)]
pub(crate) enum Object {
    #[default]
    None,
    Aggregate(Box<dyn Aggregate>),
    /// An aggregate of the application: made for each group, dropped with the run.
    UserAggregate(Box<dyn Aggregate>),
    RowSet(Box<RowSet>),
}

impl Object {
    /// What the register of an object in use holds.
    pub const MARK: Value = Value::Integer(Self::MARK_NUMBER);
    const MARK_NUMBER: i64 = i64::MIN + 0x0b1ec7;

    /// True when the register says that its object is in use.
    #[inline(always)]
    pub fn is_marked(register: &Value) -> bool {
        matches!(register, Value::Integer(Self::MARK_NUMBER))
    }
}

/// Registers, cursors and position of one program.
#[derive(Default)]
pub(crate) struct Frame {
    /// `None` only while `Vm::step` runs the frame and holds the program itself.
    pub program: Option<Arc<Program>>,
    /// The instruction in hand, or the next one between two steps.
    pub pc: usize,
    pub registers: Registers,
    pub cursors: Vec<Cursor>,
    pub objects: Vec<Object>,
    /// Subtypes of the registers' values; empty unless some function of the program asks for them.
    pub subtypes: Vec<u32>,
    /// One bit per instruction: this `Once` has been passed. Empty in programs that have none.
    once: Vec<u64>,
    /// The program opens indexes (or tables WITHOUT ROWID) of a database.
    pub uses_indexes: bool,
    /// Some object may be an aggregate of the application.
    pub runs_foreign_aggregates: bool,
    /// How the caller is continued; `None` in the outermost frame.
    pub call: Option<CallRecord>,
    /// What functions of the application have kept for their next call.
    pub auxiliary: Vec<AuxiliaryEntry>,
}

/// What a trigger body gives back when it ends.
pub(crate) struct CallRecord {
    /// Index of the body in the outermost program.
    pub subprogram: u32,
    /// The trigger's name, to notice recursion.
    pub name: Arc<str>,
    /// The caller's register that `Param { index: 0 }` reads.
    pub first_param: Reg,
    /// Where the caller continues after `RAISE(IGNORE)`.
    pub ignore: Addr,
    /// The caller's counters.
    pub run_changes: i64,
    pub changes: i64,
    pub last_insert_rowid: i64,
}

impl Frame {
    #[inline(always)]
    pub fn new(program: Arc<Program>) -> Self {
        Self {
            registers: Registers::new(program.register_count),
            cursors: std::iter::repeat_with(Cursor::default).take(program.cursor_count).collect(),
            objects: std::iter::repeat_with(Object::default).take(program.object_count).collect(),
            once: vec![0; if program.has_once { program.instructions.len().div_ceil(64) } else { 0 }],
            uses_indexes: program.uses_indexes,
            runs_foreign_aggregates: program.calls.iter().any(|call| is_foreign_aggregate(&call.function)),
            subtypes: vec![0; if reads_subtypes(&program) { program.register_count } else { 0 }],
            program: Some(program),
            pc: 0,
            call: None,
            auxiliary: Vec::new(),
        }
    }

    /// Back to the first instruction with everything empty; cursors have been closed or discarded.
    pub fn reset(&mut self) {
        self.pc = 0;
        self.registers.reset();
        // Objects restart by themselves: their registers are NULL now. What the application owns is given back.
        if self.runs_foreign_aggregates {
            for object in self.objects.iter_mut().filter(|o| matches!(o, Object::UserAggregate(_))) {
                *object = Object::None;
            }
        }
        self.auxiliary.clear();
        self.once.iter_mut().for_each(|word| *word = 0);
        self.subtypes.iter_mut().for_each(|subtype| *subtype = 0);
        self.call = None;
    }

    /// The body has ended and will be called again: buffers of cursors are kept.
    pub fn close_cursors(&mut self) {
        for cursor in &mut self.cursors {
            cursor.close();
        }
    }

    /// Cursors of virtual tables are closed by their tables' rules, which may need the connection.
    pub fn close_virtual_cursors(&mut self, session: &mut dyn turso_vtab::Session) {
        for slot in &mut self.cursors {
            if let Cursor::Virtual(open) = slot {
                open.cursor.close(session);
                *slot = Cursor::Closed;
            }
        }
    }

    /// The run is over: cursors let go of their pages, so that writers need not copy them.
    pub fn discard_cursors(&mut self) {
        for cursor in &mut self.cursors {
            cursor.discard();
        }
    }

    /// True when the `Once` at this address has been passed before; passes it.
    #[inline]
    pub fn pass_once(&mut self, addr: usize) -> bool {
        let (word, bit) = (&mut self.once[addr / 64], 1u64 << (addr % 64));
        let passed = *word & bit != 0;
        *word |= bit;
        passed
    }

    /// Marks a register as holding an object; true when it did before (else the object must start afresh).
    #[inline]
    pub fn mark_object(&mut self, reg: Reg) -> bool {
        let value = self.registers.get_mut(reg);
        let in_use = Object::is_marked(value);
        if !in_use {
            *value = Object::MARK;
        }
        in_use
    }

    /// The object of a register.
    #[inline]
    pub fn object(&mut self, reg: Reg) -> &mut Object {
        &mut self.objects[reg.index()]
    }

    /// From now on registers have subtypes, whatever the program asks for: something goes with a parameter.
    pub fn keep_subtypes(&mut self) {
        let count = self.program.as_ref().map_or(0, |program| program.register_count);
        self.subtypes.resize(self.subtypes.len().max(count), 0);
    }

    /// Sets a register's subtype, in programs that ask for some.
    #[inline]
    pub fn set_subtype(&mut self, reg: Reg, subtype: u32) {
        if let Some(slot) = self.subtypes.get_mut(reg.index()) {
            *slot = subtype;
        }
    }
}

/// The subtypes of a block of registers; empty in programs that ask for none.
#[inline(always)]
pub(crate) fn subtypes_of(subtypes: &[u32], regs: Regs) -> &[u32] {
    if subtypes.is_empty() { &[] } else { subtypes.get(regs.range()).unwrap_or(&[]) }
}

/// An aggregate of the application.
fn is_foreign_aggregate(function: &Function) -> bool {
    matches!(function.kind, FunctionKind::Aggregate(AggregateDef::User(_)))
}

fn makes_subtypes(call: &FunctionCall) -> bool {
    call.function.flags.has(FunctionFlags::RESULT_SUBTYPE)
}

/// What a function returns that may have a subtype is a column of the result.
fn gives_out_results(program: &Program) -> bool {
    let rows: Vec<Regs> = program
        .instructions
        .iter()
        .filter_map(|instruction| if let Instruction::ResultRow(row) = instruction { Some(row.values) } else { None })
        .collect();
    program.instructions.iter().any(|instruction| match instruction {
        Instruction::Function(function) => {
            program.calls.get(function.call.index()).is_some_and(makes_subtypes)
                && rows.iter().any(|row| row.range().contains(&function.dest.index()))
        }
        _ => false,
    })
}

/// True when some function of the program looks at subtypes of its arguments, or may get a subtype or an object from another
/// one: functions of the application look without saying so.
fn reads_subtypes(program: &Program) -> bool {
    let foreign = program.calls.iter().any(|call| {
        matches!(call.function.kind, FunctionKind::UserScalar(_) | FunctionKind::Aggregate(AggregateDef::User(_)))
    });
    if foreign && program.calls.len() > 1 {
        return true;
    }
    // Whoever gets the row may ask for the subtype of a value in it.
    if program.calls.iter().any(makes_subtypes) && gives_out_results(program) {
        return true;
    }
    let scans = |instruction: &Instruction| matches!(instruction, Instruction::VFilter(_));
    program.calls.iter().any(|call| call.function.flags.has(FunctionFlags::SUBTYPE))
        || (foreign && program.instructions.iter().any(scans))
}

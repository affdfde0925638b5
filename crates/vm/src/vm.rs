//! The state of one statement's program, and the loop that runs it.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_program::control::OnError;
use turso_program::{Instruction, Program};
use turso_value::{Object, Objects, Value};

use crate::Host;
use crate::dispatch::{Exec, Flow, execute};
use crate::frame::{Frame, subtypes_of};
use crate::run::{Run, RunCounters, internal};

/// What [`Vm::step`] has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A row is there: [`Vm::row`].
    Row,
    /// The program has run to its end.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Running,
    Done,
    Failed,
}

/// A program with its registers, cursors and parameters. Made once per prepared statement and reset between runs.
pub struct Vm {
    pub(crate) frame: Frame,
    /// The frames whose triggers are running, outermost first.
    pub(crate) callers: Vec<Frame>,
    /// Ended frames of each body, kept for the next row.
    pub(crate) spare: Vec<Vec<Frame>>,
    pub(crate) run: Run,
    root: Arc<Program>,
    /// Some program of the statement opens virtual tables.
    pub(crate) opens_virtual_tables: bool,
    state: State,
    /// The rows of EXPLAIN, when the program is one.
    listing: Option<Listing>,
}

struct Listing {
    rows: Vec<Vec<Value>>,
    /// One past the current row.
    next: usize,
}

impl Vm {
    /// A program that has not started. Debug builds check it first ([`Program::verify`]).
    #[inline]
    pub fn new(program: Arc<Program>) -> Self {
        #[cfg(debug_assertions)]
        if let Err(problem) = program.verify() {
            panic!("the planner made a program that is not sound: {problem}");
        }
        let rows: Option<Vec<Vec<Value>>> = match program.explain {
            0 => None,
            1 => Some(program.listing().into_iter().map(Vec::from).collect()),
            _ => Some(program.plan_listing().into_iter().map(Vec::from).collect()),
        };
        Self {
            frame: Frame::new(program.clone()),
            callers: Vec::new(),
            spare: std::iter::repeat_with(Vec::new).take(program.subprograms.len()).collect(),
            run: Run::new(program.parameters.len()),
            opens_virtual_tables: program.opens_virtual_tables
                || program.subprograms.iter().any(|body| body.opens_virtual_tables),
            root: program,
            state: State::Ready,
            listing: rows.map(|rows| Listing { rows, next: 0 }),
        }
    }

    /// The outermost program.
    pub fn program(&self) -> &Arc<Program> {
        &self.root
    }

    /// Bind a parameter by its number, from 1. False when there is no such parameter.
    #[inline]
    pub fn bind(&mut self, number: usize, value: Value) -> bool {
        match number.checked_sub(1).and_then(|i| Arc::make_mut(&mut self.run.parameters).get_mut(i)) {
            Some(slot) => {
                *slot = value;
                if let Some(object) = self.run.parameter_objects.get_mut(number.wrapping_sub(1)) {
                    *object = None;
                }
                true
            }
            None => false,
        }
    }

    /// Bind NULL with an object that goes with it. False when there is no such parameter.
    pub fn bind_object(&mut self, number: usize, object: Object) -> bool {
        if !self.bind(number, Value::Null) {
            return false;
        }
        let objects = &mut self.run.parameter_objects;
        objects.resize(objects.len().max(number), None);
        if let Some(slot) = number.checked_sub(1).and_then(|i| objects.get_mut(i)) {
            *slot = Some(object);
        }
        self.frame.keep_subtypes();
        true
    }

    /// The objects bound to parameters, by number - 1; shorter than the parameters.
    pub fn parameter_objects(&self) -> &[Option<Object>] {
        &self.run.parameter_objects
    }

    /// The bound parameters; unbound ones are NULL.
    pub fn parameters(&self) -> &Arc<[Value]> {
        &self.run.parameters
    }

    /// All parameters become NULL.
    pub fn clear_bindings(&mut self) {
        Arc::make_mut(&mut self.run.parameters).fill(Value::Null);
        self.run.parameter_objects.clear();
    }

    /// The row that the last [`Vm::step`] has answered; empty otherwise.
    pub fn row(&self) -> &[Value] {
        match &self.listing {
            Some(listing) => listing.next.checked_sub(1).and_then(|i| listing.rows.get(i)).map_or(&[], Vec::as_slice),
            None if self.state == State::Running => self.frame.registers.block(self.run.row),
            None => &[],
        }
    }

    /// The object that goes with a value of the row, which is NULL.
    pub fn row_object(&self, index: usize) -> Option<&Object> {
        let row = if self.state == State::Running { self.run.row } else { return None };
        self.run.objects.get(*subtypes_of(&self.frame.subtypes, row).get(index)?)
    }

    /// The subtype of a value of the row; 0 where it has none, or is not the result of a function itself.
    pub fn row_subtype(&self, index: usize) -> u32 {
        let row = if self.state == State::Running { self.run.row } else { return 0 };
        let subtype = subtypes_of(&self.frame.subtypes, row).get(index).copied();
        subtype.filter(|subtype| !Objects::is_mark(*subtype)).unwrap_or(0)
    }

    /// True from the first step until the program is done, has failed or is reset.
    pub fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// True once the program has run to its end.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// After `step` has failed: what has to be undone. `Abort` for errors that the program did not raise itself.
    pub fn on_error(&self) -> OnError {
        self.run.on_error
    }

    /// Rows changed by the program and not yet published as `changes()`.
    pub fn unpublished_changes(&self) -> i64 {
        self.run.changes
    }

    /// Violations of immediate foreign keys so far; a program that ends with some has failed.
    pub fn foreign_key_violations(&self) -> i64 {
        self.run.fk_violations
    }

    /// Instructions executed in this run (`SQLITE_STMTSTATUS_VM_STEP`).
    pub fn steps(&self) -> u64 {
        self.run.steps
    }

    /// What this run has done.
    pub fn counters(&self) -> RunCounters {
        self.run.counters
    }

    /// What this run has counted of the loops of [`Program::scans`]: begun, and rows.
    pub fn scan_counts(&self) -> impl Iterator<Item = [u64; 2]> {
        let frame = self.callers.first().unwrap_or(&self.frame);
        self.root.scans.iter().map(move |scan| {
            // Before a run there is nothing in the registers.
            let count = |reg| match frame.registers.get(reg) {
                Value::Integer(i) => u64::try_from(*i).unwrap_or(0),
                _ => 0,
            };
            [count(scan.counts.at(0)), count(scan.counts.at(1))]
        })
    }

    /// The address of the instruction that was run last.
    pub fn last_address(&self) -> usize {
        self.frame.pc
    }

    /// Bytes that the statement keeps: its program, registers and buffers, roughly.
    pub fn memory(&self) -> usize {
        const INSTRUCTION: usize = 32;
        const REGISTER: usize = size_of::<Value>();
        self.root.instructions.len() * INSTRUCTION
            + self.root.register_count * REGISTER
            + self.run.parameters.len() * REGISTER
            + self.run.bytes.capacity()
            + size_of::<Self>()
    }

    /// The host is polled before the next instruction.
    pub fn poll_at_once(&mut self) {
        self.run.until_poll = 1;
    }

    /// Back to the beginning, for another run with the same parameters. All cursors are closed.
    pub fn reset(&mut self) {
        while let Some(caller) = self.callers.pop() {
            self.frame = caller;
        }
        // A step that panicked took the program along.
        self.frame.program.get_or_insert_with(|| self.root.clone());
        if self.state != State::Ready {
            if self.state == State::Running {
                // Otherwise its end has done so.
                self.discard_cursors();
            }
            self.frame.reset();
            self.run.reset();
        }
        if let Some(listing) = &mut self.listing {
            listing.next = 0;
        }
        self.state = State::Ready;
    }

    /// Run until there is a row, the program is done, or it fails.
    ///
    /// `Err(Pending)`: a read is on its way; call again once it has arrived. After any other error the program is over
    /// until it is [`reset`](Self::reset), and [`on_error`](Self::on_error) says what to undo.
    pub fn step<H: Host>(&mut self, host: &mut H) -> Result<Step> {
        if let Some(listing) = &mut self.listing {
            let more = listing.next < listing.rows.len();
            listing.next += 1;
            self.state = if more { State::Running } else { State::Done };
            return Ok(if more { Step::Row } else { Step::Done });
        }
        match self.state {
            State::Running => {}
            State::Ready => {
                self.run.encoding = host.encoding();
                self.state = State::Running;
            }
            State::Done => return Ok(Step::Done),
            State::Failed => return Err(Error::new(ResultCode::MISUSE, "statement has failed and was not reset")),
        }
        let outcome = self.run_frames(host);
        match &outcome {
            Ok(Step::Row) | Err(Error::Pending) => {}
            Ok(Step::Done) => {
                self.state = State::Done;
                self.close_virtual_cursors(host);
                self.discard_cursors();
                if self.root.counts_changes {
                    host.counters().publish(self.run.changes);
                    self.run.changes = 0;
                }
            }
            Err(_) => {
                self.state = State::Failed;
                self.close_virtual_cursors(host);
                self.discard_cursors();
                // In a trigger, what the statement itself has counted waits in the outermost call.
                let outermost =
                    if self.callers.is_empty() { None } else { Some(self.callers.get(1).unwrap_or(&self.frame)) };
                if let Some(call) = outermost.and_then(|frame| frame.call.as_ref()) {
                    self.run.changes = call.run_changes;
                    host.counters().last_insert_rowid = call.last_insert_rowid;
                }
                if self.root.counts_changes {
                    // FAIL keeps what was done so far; everything else is undone by the connection.
                    let kept = if self.run.on_error == OnError::Fail { self.run.changes } else { 0 };
                    host.counters().publish(kept);
                    self.run.changes = 0;
                }
            }
        }
        outcome
    }

    /// The ephemeral pager goes with the run, so cursors of all frames must go first.
    fn discard_cursors(&mut self) {
        if self.callers.is_empty() && self.spare.is_empty() {
            return self.frame.discard_cursors();
        }
        let spare = self.spare.iter_mut().flatten();
        for frame in std::iter::once(&mut self.frame).chain(&mut self.callers).chain(spare) {
            frame.discard_cursors();
        }
    }

    /// Runs frame after frame: each turn of the loop is one stretch inside one program.
    fn run_frames<H: Host>(&mut self, host: &mut H) -> Result<Step> {
        loop {
            let Some(program) = self.frame.program.take() else {
                return Err(internal("frame without program"));
            };
            let (result, pc) = match self.frame.subtypes.is_empty() {
                true => self.run_program::<H, false>(&program, host),
                false => self.run_program::<H, true>(&program, host),
            };
            match result {
                Ok(Flow::SWITCH) => {
                    // The instruction has put the new frame in place; the other one keeps its program for its return.
                    self.put_back(program, pc);
                }
                Ok(flow) => {
                    self.frame.program = Some(program);
                    self.frame.pc = pc;
                    match flow {
                        Flow::ROW => return Ok(Step::Row),
                        Flow::DONE if self.callers.is_empty() => return Ok(Step::Done),
                        Flow::DONE => self.end_trigger(host)?,
                        _ => return Err(internal("run of a program ended in its middle")),
                    }
                }
                Err(error) => {
                    self.frame.program = Some(program);
                    self.frame.pc = pc;
                    match self.run.on_damage {
                        Some(target) if error.is_malformed_record() => {
                            self.run.on_damage = None;
                            self.run.unpin();
                            self.frame.pc = target.index();
                        }
                        _ => return Err(error),
                    }
                }
            }
        }
    }

    /// A trigger has been entered: its caller waits behind the instruction that called.
    fn put_back(&mut self, program: Arc<Program>, pc: usize) {
        if let Some(caller) = self.callers.last_mut() {
            caller.program = Some(program);
            caller.pc = pc;
        }
    }

    /// The loop. Answers where it stopped, and the position to go on from. With `SUBTYPES` an instruction that gives a
    /// register a new value takes its subtype away.
    fn run_program<H: Host, const SUBTYPES: bool>(&mut self, program: &Program, host: &mut H) -> (Result<Flow>, usize) {
        let code = program.instructions.as_slice();
        let mut pc = self.frame.pc;
        let mut interval = host.poll_interval().max(1);
        // How many instructions until the next poll; kept between steps, since a step may be a few instructions long.
        let mut left = self.run.until_poll.clamp(1, interval + 1);
        let mut from = left;
        let result = loop {
            left -= 1;
            if left == 0 {
                if let Err(error) = host.poll() {
                    break Err(error);
                }
                self.run.unpin();
                self.run.steps += u64::from(from);
                interval = host.poll_interval().max(1);
                left = interval;
                from = interval;
            }
            let Some(instruction) = code.get(pc) else {
                break Err(internal("jump out of the program"));
            };
            self.frame.pc = pc;
            macro_rules! go_on {
                ($outcome:expr) => {{
                    let outcome = $outcome;
                    if SUBTYPES && outcome.is_ok() {
                        self.forget_subtypes(instruction);
                    }
                    match outcome {
                        Ok(flow) => match flow.address(pc) {
                            Some(next) => pc = next,
                            None => {
                                pc += 1;
                                break Ok(flow);
                            }
                        },
                        Err(error) => break Err(error),
                    }
                }};
            }
            execute!(instruction, self, program, host, go_on);
        };
        if matches!(result, Err(Error::Pending)) {
            // What is run again counts once, and no poll comes in between: the host lets go of pages there, and an instruction
            // that lost what it has waited for would wait for ever.
            left += 1;
        }
        self.run.steps += u64::from(from.saturating_sub(left));
        self.run.until_poll = left;
        (result, pc)
    }

    fn forget_subtypes(&mut self, instruction: &Instruction) {
        match instruction {
            // These say what subtype their result has.
            Instruction::Function(_) | Instruction::AggValue(_) | Instruction::VColumn(_) => {}
            Instruction::Variable(_) | Instruction::Copy(_) => {}
            other => {
                if let Some(slots) = other.destination().and_then(|regs| self.frame.subtypes.get_mut(regs.range())) {
                    slots.fill(0);
                }
            }
        }
    }
}

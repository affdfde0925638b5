//! Checking a finished program: every register, cursor, address and table index that it names exists.
//!
//! A program that passes cannot name something that is not there, so the interpreter's own checks never fire on it.
//! It is a check on the planner, not on input: debug builds run it on every program that is prepared.

use crate::operand::{Addr, CallId, CollationId, ConstId, Reg, Regs};
use crate::program::Program;
use crate::register::Instruction;

impl Program {
    /// The first thing wrong with this program or one of its bodies, as a text for the developer.
    pub fn verify(&self) -> Result<(), String> {
        self.verify_code(self.subprograms.len()).map_err(|e| format!("main program, {e}"))?;
        for (i, body) in self.subprograms.iter().enumerate() {
            body.verify_code(self.subprograms.len()).map_err(|e| format!("subprogram {i}, {e}"))?;
        }
        Ok(())
    }

    fn verify_code(&self, subprograms: usize) -> Result<(), String> {
        for (addr, instruction) in self.instructions.iter().enumerate() {
            self.verify_instruction(instruction, subprograms)
                .map_err(|e| format!("instruction {addr} ({}): {e}", instruction.list().opcode))?;
        }
        match self.instructions.last() {
            None => Err("empty".to_string()),
            // Running off the end would be a silent success.
            Some(
                Instruction::Halt(_)
                | Instruction::Goto(_)
                | Instruction::Return(_)
                | Instruction::EndCoroutine(_)
                | Instruction::RaiseError(_)
                | Instruction::Yield(_)
                | Instruction::Jump(_),
            ) => Ok(()),
            Some(last) => Err(format!("ends with {}", last.list().opcode)),
        }
    }

    fn verify_instruction(&self, instruction: &Instruction, subprograms: usize) -> Result<(), String> {
        let mut problem = None;
        let mut check = |regs| {
            if let Err(e) = self.verify_registers(regs) {
                problem.get_or_insert(e);
            }
        };
        match instruction {
            // AUTOINCREMENT counters are registers of the outermost program.
            Instruction::NewRowid(i) => check(Regs::new(i.dest, 1)),
            Instruction::MemMax(i) if i.in_root_frame => check(Regs::new(i.reg, 1)),
            // What RunTrigger passes may be nothing; the body's Param instructions say how much is read.
            Instruction::RunTrigger(_) => {}
            Instruction::OpenWrite(_) | Instruction::Clear(_) => {}
            other => other.visit_registers(&mut check),
        }
        instruction.visit_cursors(&mut |cursor| {
            if cursor.index() >= self.cursor_count {
                problem.get_or_insert(format!("cursor {} of {}", cursor.0, self.cursor_count));
            }
        });
        instruction.clone().visit_addresses(&mut |target: &mut Addr| {
            if target.index() >= self.instructions.len() {
                problem.get_or_insert(format!("jump to {} of {}", target.0, self.instructions.len()));
            }
        });
        if let Some(problem) = problem {
            return Err(problem);
        }
        self.verify_tables(instruction, subprograms)
    }

    fn verify_registers(&self, regs: Regs) -> Result<(), String> {
        let end = u64::from(regs.first.0) + u64::from(regs.count);
        if end > self.register_count as u64 {
            return Err(format!("registers {}..{end} of {}", regs.first.0, self.register_count));
        }
        if regs.first.0 == 0 && regs.count > 0 {
            return Err("register 0".to_string());
        }
        Ok(())
    }

    /// What an instruction names through the program's tables, and the counts that stand there.
    fn verify_tables(&self, instruction: &Instruction, subprograms: usize) -> Result<(), String> {
        let block = |first: Reg, count: usize| self.verify_registers(Regs::new(first, count));
        match instruction {
            Instruction::Const(i) => self.verify_constant(i.constant),
            Instruction::Copy(i) => {
                block(i.from, i.count as usize)?;
                block(i.to, i.count as usize)
            }
            Instruction::ApplyAffinity(i) => block(i.regs, i.affinities.0.len()),
            Instruction::MakeRecord(i) => match &i.affinities {
                Some(affinities) if affinities.0.len() > i.values.count as usize => {
                    Err(format!("{} affinities for {} values", affinities.0.len(), i.values.count))
                }
                _ => Ok(()),
            },
            Instruction::Compare(i) => {
                block(i.left, i.key.columns.len())?;
                block(i.right, i.key.columns.len())
            }
            Instruction::BatchOpen(i) => i.plan.verify(),
            Instruction::Eq(i) => self.verify_collation(i.how.collation),
            Instruction::Ne(i) => self.verify_collation(i.how.collation),
            Instruction::Lt(i) => self.verify_collation(i.how.collation),
            Instruction::Le(i) => self.verify_collation(i.how.collation),
            Instruction::Gt(i) => self.verify_collation(i.how.collation),
            Instruction::Ge(i) => self.verify_collation(i.how.collation),
            Instruction::CompareStore(i) => self.verify_collation(i.how.collation),
            Instruction::Function(i) => self.verify_call(i.call, i.args),
            Instruction::MeasureColumn(i) => self.verify_call(i.call, i.args),
            Instruction::AggStep(i) => self.verify_call(i.call, i.args),
            Instruction::AggInverse(i) => self.verify_call(i.call, i.args),
            Instruction::WindowLocate(i) => {
                block(i.position, 5)?;
                block(i.dest, 2)?;
                self.verify_call(i.call, i.args)
            }
            Instruction::AggValue(i) => self.verify_call_exists(i.call),
            Instruction::AggFinal(i) => self.verify_call_exists(i.call),
            Instruction::OpenWrite(i) if i.root_in_register => block(Reg(i.root.0), 1),
            Instruction::Clear(i) if i.root_in_register => block(Reg(i.root.0), 1),
            Instruction::Checkpoint(i) => block(i.dest, 3),
            Instruction::Once(_) | Instruction::Goto(_) => Ok(()),
            Instruction::RunTrigger(i) if i.call.subprogram as usize >= subprograms => {
                Err(format!("subprogram {} of {subprograms}", i.call.subprogram))
            }
            _ => Ok(()),
        }
    }

    fn verify_constant(&self, id: ConstId) -> Result<(), String> {
        if id.index() < self.constants.len() { Ok(()) } else { Err(format!("constant {}", id.0)) }
    }

    fn verify_collation(&self, id: CollationId) -> Result<(), String> {
        if id.index() < self.collations.len() { Ok(()) } else { Err(format!("collation {}", id.0)) }
    }

    fn verify_call_exists(&self, id: CallId) -> Result<(), String> {
        let call = self.calls.get(id.index()).ok_or_else(|| format!("call {}", id.0))?;
        self.verify_collation(call.collation)
    }

    fn verify_call(&self, id: CallId, args: Reg) -> Result<(), String> {
        self.verify_call_exists(id)?;
        let arity = self.calls.get(id.index()).map_or(0, |call| usize::from(call.arity));
        if arity == 0 { Ok(()) } else { self.verify_registers(Regs::new(args, arity)) }
    }
}

//! From an instruction to its behaviour. The loop holds no opcode logic: each arm is one call.

use turso_error::Result;
use turso_program::{Addr, Instruction, Program, control, cursor, data, expression, schema, sorter, write};

use crate::{Host, Vm};

/// Where execution goes after an instruction has completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// To the next instruction.
    Next,
    /// To this one.
    Jump(Addr),
    /// A row is there for the caller; afterwards to the next instruction.
    Row,
    /// The program is complete.
    Done,
    /// Into another frame: it holds its position.
    Switch,
}

impl Flow {
    /// Jump when the condition holds.
    #[inline(always)]
    pub fn jump_if(condition: bool, target: Addr) -> Result<Flow> {
        Ok(if condition { Flow::Jump(target) } else { Flow::Next })
    }
}

/// The behaviour of an instruction. `Err(Pending)` means: nothing lasting has changed, run it again.
pub(crate) trait Exec {
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, host: &mut H) -> Result<Flow>;
}

macro_rules! dispatch {
    ($( ($module:ident $name:ident) )*) => {
        /// Run one instruction.
        #[inline(always)]
        pub(crate) fn execute<H: Host>(
            instruction: &Instruction,
            vm: &mut Vm,
            program: &Program,
            host: &mut H,
        ) -> Result<Flow> {
            match instruction {
                $( Instruction::$name(i) => <$module::$name as Exec>::exec(i, vm, program, host), )*
            }
        }
    };
}
turso_program::for_each_instruction!(dispatch);

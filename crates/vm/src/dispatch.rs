//! From an instruction to its behaviour. The loop holds no opcode logic: each arm is one call.

use turso_error::Result;
use turso_program::{Addr, Program};

use crate::{Host, Vm};

/// Where execution goes after an instruction has completed: an address, or one of the constants above all addresses.
///
/// One word, so that `Result<Flow>` comes back in two registers also where an instruction is a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flow(u64);

impl Flow {
    /// To the next instruction.
    pub const NEXT: Self = Self(1 << 32);
    /// A row is there for the caller; afterwards to the next instruction.
    pub const ROW: Self = Self(2 << 32);
    /// The program is complete.
    pub const DONE: Self = Self(3 << 32);
    /// Into another frame: it holds its position.
    pub const SWITCH: Self = Self(4 << 32);

    /// To this address.
    #[inline(always)]
    pub fn jump(target: Addr) -> Self {
        Self(target.0 as u64)
    }

    /// Jump when the condition holds.
    #[inline(always)]
    pub fn jump_if(condition: bool, target: Addr) -> Result<Flow> {
        Ok(if condition { Flow::jump(target) } else { Flow::NEXT })
    }

    /// The address to continue at after the instruction at `pc`; `None` where the loop has to be left.
    #[inline(always)]
    pub fn address(self, pc: usize) -> Option<usize> {
        if self.0 < Self::NEXT.0 {
            Some(self.0 as usize)
        } else if self == Self::NEXT {
            Some(pc + 1)
        } else {
            None
        }
    }
}

/// The behaviour of an instruction. `Err(Pending)` means: nothing lasting has changed, run it again.
pub(crate) trait Exec {
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, host: &mut H) -> Result<Flow>;
}

macro_rules! dispatch {
    ($( ($module:ident $name:ident) )*) => {
        /// Runs one instruction, then hands what came of it to `$outcome`. That is expanded into every arm, where most
        /// outcomes are constants: the arm ends in a jump back to the loop's head and nothing else.
        macro_rules! execute {
            ($instruction:expr, $vm:expr, $program:expr, $host:expr, $outcome:ident) => {
                match $instruction {
                    $( Instruction::$name(i) => {
                        $outcome!(<turso_program::$module::$name as Exec>::exec(i, $vm, $program, $host))
                    } )*
                }
            };
        }
        pub(crate) use execute;
    };
}
turso_program::for_each_instruction!(dispatch);

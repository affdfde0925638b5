//! Trigger bodies and foreign-key actions: programs with a frame of their own.
//!
//! ```text
//!   RunTrigger:  callers.push(frame); frame = body          (counters saved in the body's call record)
//!   Halt:        spare.push(frame);   frame = callers.pop() (counters restored), behind the RunTrigger
//!   IGNORE:      the same, but the caller goes on at `ignore`
//! ```
//! Ended frames are kept: a trigger that fires for every row makes its registers once.

use turso_error::{Error, Result};
use turso_program::Program;
use turso_program::control::{Param, RunTrigger, TellStep};
use turso_value::Value;

use crate::dispatch::{Exec, Flow};
use crate::frame::{CallRecord, Frame};
use crate::run::internal;
use crate::{Host, Vm};

impl Exec for RunTrigger {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        if !self.call.recursive {
            let active = |frame: &Frame| frame.call.as_ref().is_some_and(|call| call.name == self.call.name);
            if active(&vm.frame) || vm.callers.iter().any(active) {
                return Ok(Flow::NEXT);
            }
        }
        if vm.callers.len() >= host.limits().trigger_depth {
            return Err(Error::sql("triggers nested too deep"));
        }
        let subprogram = self.call.subprogram;
        let body = match vm.spare.get_mut(subprogram as usize).and_then(Vec::pop) {
            Some(frame) => frame,
            None => match vm.program().subprograms.get(subprogram as usize) {
                Some(body) => Frame::new(body.clone()),
                None => return Err(internal("no such trigger body")),
            },
        };
        let counters = host.counters();
        let mut caller = std::mem::replace(&mut vm.frame, body);
        vm.frame.call = Some(CallRecord {
            subprogram,
            name: self.call.name.clone(),
            first_param: self.first_param,
            ignore: self.ignore,
            run_changes: std::mem::take(&mut vm.run.changes),
            changes: counters.changes,
            last_insert_rowid: counters.last_insert_rowid,
        });
        caller.pc += 1;
        vm.callers.push(caller);
        host.trigger_begins(&self.call.name);
        Ok(Flow::SWITCH)
    }
}

impl Vm {
    /// The body in execution has ended: back to its caller, behind the `RunTrigger`.
    /// (after `RAISE(IGNORE)`: at its `ignore`).
    pub(crate) fn end_trigger<H: Host>(&mut self, host: &mut H) -> Result<()> {
        let (Some(caller), Some(call)) = (self.callers.pop(), self.frame.call.take()) else {
            return Err(internal("end of a trigger that was not called"));
        };
        let mut body = std::mem::replace(&mut self.frame, caller);
        body.close_virtual_cursors(host.session());
        body.close_cursors();
        body.reset();
        if let Some(spare) = self.spare.get_mut(call.subprogram as usize) {
            spare.push(body);
        }
        let counters = host.counters();
        counters.changes = call.changes;
        counters.last_insert_rowid = call.last_insert_rowid;
        self.run.changes = call.run_changes;
        if std::mem::take(&mut self.run.ignoring) {
            self.frame.pc = call.ignore.index();
        }
        Ok(())
    }
}

impl Exec for TellStep {
    #[inline]
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.trigger_step_begins(&self.text);
        Ok(Flow::NEXT)
    }
}

impl Exec for Param {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let (Some(caller), Some(call)) = (vm.callers.last(), &vm.frame.call) else {
            return Err(internal("parameter outside of a trigger"));
        };
        let reg = turso_program::Reg(call.first_param.0 + self.index);
        let value: &Value = caller.registers.get(reg);
        vm.frame.registers.get_mut(self.dest).assign(value.as_ref());
        Ok(Flow::NEXT)
    }
}

//! Scalar functions, aggregates, window functions.
//!
//! Foreign code is called once: nothing in these instructions can wait. An aggregate's state is an object of its register
//! (see `frame::Object`): setting the register to NULL starts a new group, and the object's buffers are used again.

use turso_error::{Error, Result};
use turso_functions::{Aggregate, Context, FunctionKind, WindowPosition, WindowValue};
use turso_program::expression::*;
use turso_program::{FunctionCall, Program, Reg, Regs};
use turso_value::{Collation, Value};

use crate::dispatch::{Exec, Flow};
use crate::frame::{Object, subtypes_of};
use crate::run::internal;
use crate::{Host, Vm};

/// The collation that a call is to use.
#[inline]
fn collation<'a>(program: &'a Program, call: &FunctionCall) -> &'a Collation {
    &program.collations[call.collation.index()]
}

impl Exec for Function {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, host: &mut H) -> Result<Flow> {
        let call = &program.calls[self.call.index()];
        let args = Regs::new(self.args, usize::from(call.arity));
        let mut ctx = Context {
            result: &mut vm.run.result,
            result_subtype: 0,
            arg_subtypes: subtypes_of(&vm.frame.subtypes, args),
            collation: collation(program, call),
            environment: host.environment(),
        };
        call.function.call(&mut ctx, if args.count == 0 { &[] } else { vm.frame.registers.block(args) })?;
        let subtype = ctx.result_subtype;
        std::mem::swap(vm.frame.registers.get_mut(self.dest), &mut vm.run.result);
        vm.frame.set_subtype(self.dest, subtype);
        Ok(Flow::NEXT)
    }
}

/// What a call on an aggregate's state is to do.
enum Use {
    Step,
    Inverse,
}

impl Vm {
    /// Feed a row to, or take it from, the aggregate in `state`.
    #[inline(always)]
    fn aggregate<H: Host>(
        &mut self,
        program: &Program,
        host: &mut H,
        call: &FunctionCall,
        (args, state): (Reg, Reg),
        what: Use,
    ) -> Result<()> {
        let args = Regs::new(args, usize::from(call.arity));
        let object = &mut self.frame.objects[state.index()];
        if !Object::is_marked(self.frame.registers.get(state)) {
            start_group(object, call)?;
            *self.frame.registers.get_mut(state) = Object::MARK;
        }
        let Object::Aggregate(aggregate) = object else {
            return Err(internal("register holds no aggregate"));
        };
        let mut ctx = Context {
            result: &mut self.run.result,
            result_subtype: 0,
            arg_subtypes: subtypes_of(&self.frame.subtypes, args),
            collation: collation(program, call),
            environment: host.environment(),
        };
        let args = if args.count == 0 { &[] } else { self.frame.registers.block(args) };
        match what {
            Use::Step => aggregate.step(&mut ctx, args),
            Use::Inverse => aggregate.inverse(&mut ctx, args),
        }
    }

    /// The aggregate's value into `run.result`; the subtype of the value.
    fn aggregate_value<H: Host>(
        &mut self,
        program: &Program,
        host: &mut H,
        call: &FunctionCall,
        state: Reg,
        last: bool,
    ) -> Result<u32> {
        let in_use = Object::is_marked(self.frame.registers.get(state));
        let object = self.frame.object(state);
        if !in_use {
            start_group(object, call)?;
        }
        let Object::Aggregate(aggregate) = object else {
            return Err(internal("register holds no aggregate"));
        };
        let mut ctx = Context {
            result: &mut self.run.result,
            result_subtype: 0,
            arg_subtypes: &[],
            collation: collation(program, call),
            environment: host.environment(),
        };
        if last {
            aggregate.finalize(&mut ctx)?
        } else {
            aggregate.value(&mut ctx)?
        };
        Ok(ctx.result_subtype)
    }
}

/// An empty group in this object, in its old buffers where it was an aggregate before.
///
/// A register belongs to one call for the whole program, so an aggregate found here is of the right kind.
#[cold]
#[inline(never)]
fn start_group(object: &mut Object, call: &FunctionCall) -> Result<()> {
    if let Object::Aggregate(aggregate) = object {
        aggregate.reset();
        return Ok(());
    }
    match &call.function.kind {
        FunctionKind::Aggregate(def) => {
            let mut aggregate: Box<dyn Aggregate> = def.create();
            if call.moving {
                aggregate.begin_frame();
            }
            *object = Object::Aggregate(aggregate);
            Ok(())
        }
        _ => Err(Error::sql(format!("no such aggregate: {}()", call.function.name))),
    }
}

impl Exec for AggStep {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, host: &mut H) -> Result<Flow> {
        let call = &program.calls[self.call.index()];
        vm.aggregate(program, host, call, (self.args, self.state), Use::Step)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for AggInverse {
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, host: &mut H) -> Result<Flow> {
        let call = &program.calls[self.call.index()];
        vm.aggregate(program, host, call, (self.args, self.state), Use::Inverse)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for AggValue {
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, host: &mut H) -> Result<Flow> {
        let call = &program.calls[self.call.index()];
        let subtype = vm.aggregate_value(program, host, call, self.state, false)?;
        std::mem::swap(vm.frame.registers.get_mut(self.dest), &mut vm.run.result);
        vm.frame.set_subtype(self.dest, subtype);
        Ok(Flow::NEXT)
    }
}

impl Exec for AggFinal {
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, host: &mut H) -> Result<Flow> {
        let call = &program.calls[self.call.index()];
        let subtype = vm.aggregate_value(program, host, call, self.state, true)?;
        std::mem::swap(vm.frame.registers.get_mut(self.state), &mut vm.run.result);
        vm.frame.set_subtype(self.state, subtype);
        Ok(Flow::NEXT)
    }
}

impl Exec for WindowLocate {
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, _: &mut H) -> Result<Flow> {
        let call = &program.calls[self.call.index()];
        let FunctionKind::Window(function) = &call.function.kind else {
            return Err(internal("not a window function"));
        };
        let registers = &mut vm.frame.registers;
        let number = |i: u32| registers.integer(Reg(self.position.0 + i)).max(0) as u64;
        let position = WindowPosition {
            row: number(0),
            partition_rows: number(1),
            peers_start: number(2),
            peers_end: number(3),
            group: number(4),
        };
        let args = if call.arity == 0 { &[] } else { registers.block(Regs::new(self.args, usize::from(call.arity))) };
        let (kind, value) = match function.locate(position, args)? {
            WindowValue::Value(value) => (0, value),
            WindowValue::OfRow(row) => (1, Value::Integer(row as i64)),
            WindowValue::OfFrameRow(row) => (2, Value::Integer(row as i64)),
            WindowValue::OfFrameEnd => (3, Value::Null),
            WindowValue::Default => (4, Value::Null),
        };
        registers.set_integer(self.dest, kind);
        *registers.get_mut(Reg(self.dest.0 + 1)) = value;
        Ok(Flow::NEXT)
    }
}

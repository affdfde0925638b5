//! Scalar functions, aggregates, window functions.
//!
//! Foreign code is called once: nothing in these instructions can wait. An aggregate's state is an object of its register
//! (see `frame::Object`): setting the register to NULL starts a new group, and the object's buffers are used again.

use turso_error::{Error, Result, ResultCode};
use turso_functions::{
    Aggregate, AggregateDef, AuxiliaryData, Context, DefaultEnvironment, Environment, FunctionKind, ScalarFunction,
    WindowPosition, WindowValue, vector,
};
use turso_program::expression::*;
use turso_program::{FunctionCall, Program, Reg, Regs};
use turso_value::{Collation, TextEncoding, Value};

use crate::cursors::Cursor;
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
        if let FunctionKind::UserScalar(function) = &call.function.kind {
            return vm.foreign_scalar(program, host, (self, call), &**function);
        }
        if let FunctionKind::Host(function) = call.function.kind {
            let arguments = if args.count == 0 { &[] } else { vm.frame.registers.block(args) };
            *vm.frame.registers.get_mut(self.dest) = host.call_own(function, arguments)?;
            vm.frame.set_subtype(self.dest, 0);
            return Ok(Flow::NEXT);
        }
        let mut ctx = Context {
            result: &mut vm.run.result,
            result_subtype: 0,
            arg_subtypes: subtypes_of(&vm.frame.subtypes, args),
            parameter_args: 0,
            collation: collation(program, call),
            environment: host.environment(),
            auxiliary: None,
            objects: None,
        };
        if let FunctionKind::Distance(_) = &call.function.kind {
            ctx.auxiliary = Some(AuxiliaryData::new(&mut vm.frame.auxiliary, self.call.0, call.constant_args));
        }
        call.function.call(&mut ctx, if args.count == 0 { &[] } else { vm.frame.registers.block(args) })?;
        let subtype = ctx.result_subtype;
        std::mem::swap(vm.frame.registers.get_mut(self.dest), &mut vm.run.result);
        vm.frame.set_subtype(self.dest, subtype);
        Ok(Flow::NEXT)
    }
}

impl Exec for MeasureColumn {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, host: &mut H) -> Result<Flow> {
        let call = &program.calls[self.call.index()];
        match vm.measure_in_place(host, self, call)? {
            Some(distance) => {
                vm.frame.registers.get_mut(self.dest).set_real(distance);
                vm.frame.set_subtype(self.dest, 0);
                Ok(Flow::NEXT)
            }
            None => vm.measure_copied(program, host, self),
        }
    }
}

impl Vm {
    /// The distance of a vector on its page from the other one; `None` when it does not lie there as a whole, and when the
    /// other one has not been decoded yet.
    #[inline(always)]
    fn measure_in_place<H: Host>(
        &mut self,
        host: &mut H,
        instruction: &MeasureColumn,
        call: &FunctionCall,
    ) -> Result<Option<f64>> {
        let (FunctionKind::Distance(distance), Cursor::Tree(tree)) =
            (&call.function.kind, &mut self.frame.cursors[instruction.cursor.index()])
        else {
            return Ok(None);
        };
        let mut kept = AuxiliaryData::new(&mut self.frame.auxiliary, instruction.call.0, call.constant_args);
        let other = i32::from(instruction.stored == instruction.args);
        let Some(operand) = kept.get(other).and_then(|kept| kept.downcast_ref()) else { return Ok(None) };
        let pager = tree.store.pager(host, &mut self.run)?;
        if !tree.settle(pager)? {
            return Ok(None);
        }
        let Some(place) = tree.blob_in_place(usize::from(instruction.column))? else { return Ok(None) };
        let Some(blob) = tree.btree.local_payload().get(place.clone()) else { return Ok(None) };
        // Memory is what a scan of vectors waits for, and rows of the next page lie much as those of this one do.
        let ahead = tree.btree.next_leaf(pager).and_then(|leaf| {
            vector::fetch_soon(leaf);
            // The cell begins a few bytes before its payload.
            let start = tree.btree.local_offset().saturating_sub(8);
            leaf.get(start..start + place.end + 8)
        });
        distance.of_blob(blob, operand, ahead).map(Some)
    }

    /// As the two instructions that it stands for.
    #[inline(never)]
    fn measure_copied<H: Host>(&mut self, program: &Program, host: &mut H, measure: &MeasureColumn) -> Result<Flow> {
        let &MeasureColumn { call, args, stored, cursor, column, dest, ref default } = measure;
        turso_program::cursor::Column { cursor, column, dest: stored, default: default.clone() }
            .exec(self, program, host)?;
        Function { call, args, dest }.exec(self, program, host)
    }

    /// A scalar function of the application. The arguments stay in their registers; the connection is lent to it.
    #[cold]
    fn foreign_scalar<H: Host>(
        &mut self,
        program: &Program,
        host: &mut H,
        (instruction, call): (&Function, &FunctionCall),
        function: &dyn ScalarFunction,
    ) -> Result<Flow> {
        let place = instruction.call.0;
        let regs = Regs::new(instruction.args, usize::from(call.arity));
        let environment = ForeignEnvironment::of(host);
        if self.run.objects.is_crowded() {
            let frames = std::iter::once(&self.frame).chain(&self.callers);
            self.run.objects.retain(frames.flat_map(|frame| &frame.subtypes));
        }
        self.run.result.set_null();
        let mut ctx = Context {
            result: &mut self.run.result,
            result_subtype: 0,
            arg_subtypes: subtypes_of(&self.frame.subtypes, regs),
            parameter_args: call.parameter_args,
            collation: collation(program, call),
            environment: &environment,
            auxiliary: Some(AuxiliaryData::new(&mut self.frame.auxiliary, place, call.constant_args)),
            objects: Some(&mut self.run.objects),
        };
        let args = if regs.count == 0 { &[] } else { self.frame.registers.block(regs) };
        let outcome = host.foreign(|| function.call(&mut ctx, args));
        let subtype = ctx.result_subtype;
        if !self.frame.auxiliary.is_empty() {
            AuxiliaryData::keep_constant(&mut self.frame.auxiliary, place, call.constant_args);
        }
        outcome?;
        check_foreign_result(&mut self.run.result, &environment)?;
        std::mem::swap(self.frame.registers.get_mut(instruction.dest), &mut self.run.result);
        self.frame.set_subtype(instruction.dest, subtype);
        Ok(Flow::NEXT)
    }

    /// [`aggregate`](Self::aggregate) for one of the application.
    #[cold]
    fn foreign_aggregate<H: Host>(
        &mut self,
        program: &Program,
        host: &mut H,
        call: &FunctionCall,
        (args, state): (Regs, Reg),
        what: Use,
    ) -> Result<()> {
        let Object::UserAggregate(aggregate) = &mut self.frame.objects[state.index()] else {
            return Err(internal("register holds no aggregate"));
        };
        let environment = ForeignEnvironment::of(host);
        let mut ctx = Context {
            result: &mut self.run.result,
            result_subtype: 0,
            arg_subtypes: subtypes_of(&self.frame.subtypes, args),
            parameter_args: call.parameter_args,
            collation: collation(program, call),
            environment: &environment,
            auxiliary: None,
            objects: Some(&mut self.run.objects),
        };
        let args = if args.count == 0 { &[] } else { self.frame.registers.block(args) };
        host.foreign(|| match what {
            Use::Step => aggregate.step(&mut ctx, args),
            Use::Inverse => aggregate.inverse(&mut ctx, args),
        })
    }

    /// [`aggregate_value`](Self::aggregate_value) for one of the application.
    #[cold]
    fn foreign_aggregate_value<H: Host>(
        &mut self,
        program: &Program,
        host: &mut H,
        call: &FunctionCall,
        state: Reg,
        last: bool,
    ) -> Result<u32> {
        let Object::UserAggregate(aggregate) = self.frame.object(state) else {
            return Err(internal("register holds no aggregate"));
        };
        let environment = ForeignEnvironment::of(host);
        self.run.result.set_null();
        let mut ctx = Context {
            result: &mut self.run.result,
            result_subtype: 0,
            arg_subtypes: &[],
            parameter_args: 0,
            collation: collation(program, call),
            environment: &environment,
            auxiliary: None,
            objects: Some(&mut self.run.objects),
        };
        host.foreign(|| if last { aggregate.finalize(&mut ctx) } else { aggregate.value(&mut ctx) })?;
        let subtype = ctx.result_subtype;
        check_foreign_result(&mut self.run.result, &environment)?;
        if last {
            // The group is over, and the application may want back what it holds at once.
            *self.frame.object(state) = Object::None;
        }
        Ok(subtype)
    }
}

/// What functions of the application may ask while the connection is lent to them: its facts as they were before.
struct ForeignEnvironment {
    max_length: usize,
    encoding: TextEncoding,
}

impl ForeignEnvironment {
    fn of<H: Host>(host: &H) -> Self {
        Self { max_length: host.limits().length, encoding: host.encoding() }
    }
}

impl Environment for ForeignEnvironment {
    fn now_julian_ms(&self) -> i64 {
        DefaultEnvironment.now_julian_ms()
    }
    fn local_offset_seconds(&self, unix_seconds: i64) -> Option<i64> {
        DefaultEnvironment.local_offset_seconds(unix_seconds)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        DefaultEnvironment.fill_random(buffer);
    }
    fn max_length(&self) -> usize {
        self.max_length
    }
    fn encoding(&self) -> TextEncoding {
        self.encoding
    }
}

/// A NaN is NULL, and nothing is longer than the limit, whoever made it.
fn check_foreign_result(result: &mut Value, environment: &ForeignEnvironment) -> Result<()> {
    if matches!(result, Value::Real(r) if r.is_nan()) {
        result.set_null();
    }
    match result.bytes() {
        Some(bytes) if bytes.len() > environment.max_length => Err(Error::from_code(ResultCode::TOOBIG)),
        _ => Ok(()),
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
            return self.foreign_aggregate(program, host, call, (args, state), what);
        };
        // Most arguments are integers: for these no context is put together.
        if matches!(what, Use::Step) && self.frame.subtypes.is_empty() {
            let is_done = match args.count {
                0 => aggregate.step_integer(None),
                1 => match self.frame.registers.get(args.first) {
                    Value::Integer(i) => aggregate.step_integer(Some(*i)),
                    _ => false,
                },
                _ => false,
            };
            if is_done {
                return Ok(());
            }
        }
        let mut ctx = Context {
            result: &mut self.run.result,
            result_subtype: 0,
            arg_subtypes: subtypes_of(&self.frame.subtypes, args),
            parameter_args: 0,
            collation: collation(program, call),
            environment: host.environment(),
            auxiliary: None,
            objects: None,
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
            return self.foreign_aggregate_value(program, host, call, state, last);
        };
        let mut ctx = Context {
            result: &mut self.run.result,
            result_subtype: 0,
            arg_subtypes: &[],
            parameter_args: 0,
            collation: collation(program, call),
            environment: host.environment(),
            auxiliary: None,
            objects: None,
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
            *object = match def {
                AggregateDef::BuiltIn(_) => Object::Aggregate(aggregate),
                AggregateDef::User(_) => Object::UserAggregate(aggregate),
            };
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

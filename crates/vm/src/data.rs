//! Loading and moving values, and conversions in place.

use turso_error::{Error, Result, ResultCode};
use turso_program::data::*;
use turso_program::{Program, Reg, Regs};
use turso_value::{Affinity, Objects, Value, ValueType};

use crate::dispatch::{Exec, Flow};
use crate::{Host, Vm};

impl Exec for Null {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        for value in vm.frame.registers.block_mut(self.dest) {
            value.set_null();
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for Integer {
    #[inline(always)]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.frame.registers.set_integer(self.dest, self.value);
        Ok(Flow::NEXT)
    }
}

impl Exec for Real {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.frame.registers.get_mut(self.dest).set_real(self.value);
        Ok(Flow::NEXT)
    }
}

impl Exec for Const {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, program: &Program, _: &mut H) -> Result<Flow> {
        // Constants are texts and blobs.
        vm.frame.registers.get_mut_for_bytes(self.dest).assign(program.constants[self.constant.index()].as_ref());
        Ok(Flow::NEXT)
    }
}

impl Exec for Variable {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let registers = &mut vm.frame.registers;
        match vm.run.parameters.get((self.number as usize).wrapping_sub(1)) {
            Some(Value::Integer(i)) => registers.set_integer(self.dest, *i),
            Some(value @ (Value::Text(_) | Value::Blob(_))) => {
                registers.get_mut_for_bytes(self.dest).assign(value.as_ref());
            }
            Some(value) => registers.get_mut(self.dest).assign(value.as_ref()),
            None => registers.get_mut(self.dest).set_null(),
        }
        if !vm.run.parameter_objects.is_empty() {
            vm.object_of_parameter(self);
        }
        Ok(Flow::NEXT)
    }
}

impl Vm {
    /// What goes with a parameter goes with the register that it is loaded into.
    #[cold]
    fn object_of_parameter(&mut self, variable: &Variable) {
        let bound = self.run.parameter_objects.get((variable.number as usize).wrapping_sub(1));
        let mark = match bound {
            Some(Some(object)) => self.run.objects.keep(object.clone()),
            _ => 0,
        };
        self.frame.set_subtype(variable.dest, mark);
    }
}

impl Exec for Copy {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        for i in 0..self.count {
            let (from, to) = (Reg(self.from.0 + i), Reg(self.to.0 + i));
            vm.frame.registers.copy(from, to);
            if !vm.frame.subtypes.is_empty() {
                vm.frame.subtypes[to.index()] = vm.frame.subtypes[from.index()];
            }
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for ReadBlob {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let encoding = vm.run.encoding;
        let value = vm.frame.registers.get_mut(self.reg);
        if matches!(value, Value::Blob(_)) {
            value.cast_in(Affinity::Text, encoding);
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for ClrSubtype {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        vm.frame.set_subtype(self.reg, 0);
        Ok(Flow::NEXT)
    }
}

impl Exec for GetSubtype {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let subtype = vm.frame.subtypes.get(self.reg.index()).copied();
        // An object stays with its statement's registers: nothing that is stored refers to it.
        let subtype = subtype.filter(|subtype| !Objects::is_mark(*subtype)).unwrap_or(0);
        vm.frame.registers.get_mut(self.dest).set_integer(subtype.into());
        Ok(Flow::NEXT)
    }
}

impl Exec for SetSubtype {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let subtype = match vm.frame.registers.get(self.from) {
            Value::Integer(subtype) => u32::try_from(*subtype).unwrap_or(0),
            _ => 0,
        };
        vm.frame.set_subtype(self.reg, subtype);
        Ok(Flow::NEXT)
    }
}

impl Exec for Cast {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let encoding = vm.run.encoding;
        vm.frame.registers.get_mut(self.reg).cast_in(self.affinity, encoding);
        if self.affinity != Affinity::Text {
            vm.frame.set_subtype(self.reg, 0);
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for ApplyAffinity {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let block = vm.frame.registers.block_mut(Regs::new(self.regs, self.affinities.0.len()));
        for (value, affinity) in block.iter_mut().zip(self.affinities.0.iter()) {
            affinity.apply(value);
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for RealAffinity {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let value = vm.frame.registers.get_mut(self.reg);
        if let Value::Integer(i) = *value {
            value.set_real(i as f64);
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for Unchanged {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let registers = &mut vm.frame.registers;
        let (values, kept) = (registers.block(self.values), registers.block(self.kept));
        if values.iter().zip(kept).all(|(a, b)| a.is_identical(b)) {
            return Ok(Flow::jump(self.target));
        }
        for i in 0..self.values.count.min(self.kept.count) as usize {
            registers.copy(self.values.at(i), self.kept.at(i));
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for TypeCheck {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let values = vm.frame.registers.block_mut(self.values);
        for (value, (column, wanted)) in values.iter_mut().zip(&self.types.columns) {
            if !conform(value, *wanted) {
                let found = match value.value_type() {
                    ValueType::Integer => "INT",
                    ValueType::Real => "REAL",
                    ValueType::Text => "TEXT",
                    ValueType::Blob => "BLOB",
                    ValueType::Null => "NULL",
                };
                let wanted = match wanted {
                    StrictType::Any => "ANY",
                    StrictType::Blob => "BLOB",
                    StrictType::Int => "INT",
                    StrictType::Integer => "INTEGER",
                    StrictType::Real => "REAL",
                    StrictType::Text => "TEXT",
                };
                return Err(Error::new(
                    ResultCode::CONSTRAINT_DATATYPE,
                    format!("cannot store {found} value in {wanted} column {}.{column}", self.types.table),
                ));
            }
        }
        Ok(Flow::NEXT)
    }
}

/// Converts a value to a STRICT type as far as its affinity does; false when it does not fit then. NULL always fits.
fn conform(value: &mut Value, wanted: StrictType) -> bool {
    let affinity = match wanted {
        StrictType::Any | StrictType::Blob => Affinity::Blob,
        StrictType::Int | StrictType::Integer => Affinity::Integer,
        StrictType::Real => Affinity::Real,
        StrictType::Text => Affinity::Text,
    };
    affinity.apply(value);
    match (&*value, wanted) {
        (Value::Null, _) | (_, StrictType::Any) => true,
        (Value::Integer(_), StrictType::Int | StrictType::Integer) => true,
        (Value::Real(_), StrictType::Real) => true,
        (Value::Text(_), StrictType::Text) => true,
        (Value::Blob(_), StrictType::Blob) => true,
        _ => false,
    }
}

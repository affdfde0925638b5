//! Functions, aggregates and window functions of the application.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use turso_core::Result;
use turso_functions::{Aggregate, AggregateFactory, Arity, Context, FunctionDef, FunctionFlags, ScalarFunction};
use turso_value::Value;

use crate::boundary::{Text, entry};
use crate::codes::{Destructor, INTERNAL, MISUSE, destroy, is_transient};
use crate::handle::{Db, Handle};
use crate::memory;
use crate::result::{AggregateMemory, CContext};
use crate::utf16;
use crate::value::CValue;

/// `xFunc`, `xStep`, `xInverse`.
pub type Call = Option<unsafe extern "C" fn(*mut CContext, c_int, *mut *mut CValue)>;
/// `xFinal`, `xValue`.
type End = Option<unsafe extern "C" fn(*mut CContext)>;

const FLAG_DETERMINISTIC: c_int = 0x800;
const FLAG_DIRECT_ONLY: c_int = 0x8_0000;
const FLAG_SUBTYPE: c_int = 0x10_0000;
const FLAG_INNOCUOUS: c_int = 0x20_0000;
const FLAG_RESULT_SUBTYPE: c_int = 0x100_0000;

/// Longer names are refused.
const MAX_NAME: usize = 255;
/// More arguments are refused.
const MAX_ARGUMENTS: c_int = 1000;

/// What a function was registered with, until it is replaced or its connection closes.
pub struct Registered {
    key: (Vec<u8>, c_int),
    user_data: *mut c_void,
    destructor: Destructor,
}

impl Drop for Registered {
    fn drop(&mut self) {
        destroy(self.destructor.filter(|_| !is_transient(self.destructor)), self.user_data);
    }
}

/// The C functions behind one function of SQL.
#[derive(Clone, Copy)]
struct Callbacks {
    db: NonNull<Db>,
    user_data: *mut c_void,
    call: Call,
    step: Call,
    finish: End,
    value: End,
    inverse: Call,
}

// SAFETY: the connection's mutex lets one thread in at a time; without it the application keeps the others out.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

/// Calls with the arguments as C sees them.
fn with_arguments(db: NonNull<Db>, args: &[Value], ctx: &Context<'_>, call: impl FnOnce(c_int, *mut *mut CValue)) {
    // SAFETY: a function runs within a step of its connection.
    let pool = unsafe { &db.as_ref().argument_pool };
    let mut cells = pool.borrow_mut().pop().unwrap_or_default();
    cells.resize_with(args.len().max(cells.len()), Box::default);
    let mut pointers = Vec::with_capacity(args.len() + 1);
    for (i, (cell, arg)) in cells.iter().zip(args).enumerate() {
        // SAFETY: the arguments stay as they are during the call.
        unsafe { cell.borrow_from(arg) };
        cell.subtype.set(ctx.arg_subtype(i));
        cell.from_bind.set(ctx.is_parameter(i));
        cell.carry(ctx.arg_object(i).cloned());
        pointers.push(std::ptr::from_ref::<CValue>(cell).cast_mut());
    }
    pointers.push(null_mut());
    call(args.len() as c_int, pointers.as_mut_ptr());
    cells.iter().for_each(|cell| cell.forget());
    pool.borrow_mut().push(cells);
}

struct Scalar(Callbacks);

impl ScalarFunction for Scalar {
    fn call(&self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        let context = CContext::new(self.0.db, self.0.user_data, None);
        context.with_auxiliary(ctx.auxiliary.as_mut());
        if let Some(function) = self.0.call {
            // SAFETY: the interface's contract, which the application's function keeps to.
            with_arguments(self.0.db, args, ctx, |count, args| unsafe { function(context.as_ptr(), count, args) });
        }
        context.finish(ctx)
    }
}

/// A scalar function that is registered nowhere: one that a virtual table has for its columns.
pub fn scalar(db: NonNull<Db>, call: Call, user_data: *mut c_void) -> Arc<dyn ScalarFunction> {
    Arc::new(Scalar(Callbacks { db, user_data, call, step: None, finish: None, value: None, inverse: None }))
}

struct Factory(Callbacks);

impl AggregateFactory for Factory {
    fn create(&self) -> Box<dyn Aggregate> {
        let memory = AggregateMemory { block: Cell::new(null_mut()), rows: Cell::new(0) };
        Box::new(Group { callbacks: self.0, memory, open: false })
    }
}

/// One group of an aggregate.
struct Group {
    callbacks: Callbacks,
    memory: AggregateMemory,
    /// It has been stepped and not finished.
    open: bool,
}

// SAFETY: as for `Callbacks`: the memory belongs to the application, which is called by one thread at a time.
unsafe impl Send for Group {}

impl Group {
    fn context(&self) -> CContext {
        CContext::new(self.callbacks.db, self.callbacks.user_data, Some(&self.memory))
    }

    fn take_in(&self, function: Call, ctx: &Context<'_>, args: &[Value]) -> Result<()> {
        let context = self.context();
        if let Some(function) = function {
            // SAFETY: the interface's contract.
            with_arguments(self.callbacks.db, args, ctx, |count, args| unsafe {
                function(context.as_ptr(), count, args);
            });
        }
        context.check()
    }

    fn free(&mut self) {
        memory::free(self.memory.block.replace(null_mut()));
        self.memory.rows.set(0);
        self.open = false;
    }

    /// A group that nobody wants the result of: the application may free what it holds.
    fn abandon(&mut self) {
        if self.open {
            let context = self.context();
            if let Some(finish) = self.callbacks.finish {
                // SAFETY: the interface's contract.
                unsafe { finish(context.as_ptr()) };
            }
        }
        self.free();
    }
}

impl Aggregate for Group {
    fn step(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        self.open = true;
        self.memory.rows.set(self.memory.rows.get() + 1);
        self.take_in(self.callbacks.step, ctx, args)
    }

    fn inverse(&mut self, ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
        self.take_in(self.callbacks.inverse, ctx, args)
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        let Some(value) = self.callbacks.value else { return self.finalize(ctx) };
        let context = self.context();
        // SAFETY: the interface's contract.
        unsafe { value(context.as_ptr()) };
        context.finish(ctx)
    }

    fn finalize(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        let context = self.context();
        if let Some(finish) = self.callbacks.finish {
            // SAFETY: the interface's contract.
            unsafe { finish(context.as_ptr()) };
        }
        self.free();
        context.finish(ctx)
    }

    fn reset(&mut self) {
        self.abandon();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// What a function is registered with.
struct Definition<'a> {
    name: Option<&'a [u8]>,
    arguments: c_int,
    flags: c_int,
    user_data: *mut c_void,
    call: Call,
    step: Call,
    finish: End,
    value: End,
    inverse: Call,
    destructor: Destructor,
}

fn define(db: &Handle<Db>, definition: Definition<'_>) -> c_int {
    let key = (definition.name.unwrap_or_default().to_ascii_lowercase(), definition.arguments);
    // Dropped, and so given back, where it is not registered.
    let registered = Registered { key, user_data: definition.user_data, destructor: definition.destructor };
    let Some(db) = db.get() else { return MISUSE };
    let Definition { call, step, finish, value, inverse, .. } = definition;
    let scalar = call.is_some() && step.is_none() && finish.is_none();
    let aggregate = call.is_none() && step.is_some() && finish.is_some();
    let none = call.is_none() && step.is_none() && finish.is_none();
    let valid = definition.name.is_some_and(|name| name.len() <= MAX_NAME)
        && (-1..=MAX_ARGUMENTS).contains(&definition.arguments)
        && (scalar || aggregate || none)
        && value.is_some() == inverse.is_some();
    if !valid {
        return db.fail_code(MISUSE);
    }
    let name = String::from_utf8_lossy(definition.name.unwrap_or_default()).into_owned();
    let arity = u16::try_from(definition.arguments).map_or(Arity::ANY, Arity::exactly);
    let flag = |bit: c_int, flag| if definition.flags & bit != 0 { flag } else { FunctionFlags::NONE };
    let mut flags = flag(FLAG_DETERMINISTIC, FunctionFlags::DETERMINISTIC)
        | flag(FLAG_DIRECT_ONLY, FunctionFlags::DIRECT_ONLY)
        | flag(FLAG_INNOCUOUS, FunctionFlags::INNOCUOUS)
        | flag(FLAG_SUBTYPE, FunctionFlags::SUBTYPE)
        | flag(FLAG_RESULT_SUBTYPE, FunctionFlags::RESULT_SUBTYPE);
    if value.is_some() {
        flags = flags | FunctionFlags::WINDOW;
    }
    let callbacks =
        Callbacks { db: NonNull::from(db), user_data: definition.user_data, call, step, finish, value, inverse };
    let result = if scalar {
        db.connection.create_function(FunctionDef::user_scalar(&name, arity, flags, Arc::new(Scalar(callbacks))))
    } else if aggregate {
        db.connection.create_function(FunctionDef::user_aggregate(&name, arity, flags, Arc::new(Factory(callbacks))))
    } else {
        db.connection.remove_function(&name, arity)
    };
    if result.is_ok() {
        let old = {
            let mut functions = db.functions.borrow_mut();
            let at = functions.iter().position(|known| known.key == registered.key);
            let old = at.map(|at| functions.remove(at));
            if !none {
                functions.push(registered);
            }
            old
        };
        drop(old);
    }
    db.outcome(result)
}

/// Functions of a connection, and the cells that arguments are shown in.
pub type Functions = RefCell<Vec<Registered>>;

entry! {
    /// Registers a function or an aggregate.
    fn sqlite3_create_function(
        db: Handle<Db>, name: Text, arguments: i32, flags: i32, user_data: *mut c_void, call: Call, step: Call, finish: End,
    ) -> c_int | INTERNAL; {
        let name = name.bytes();
        let destructor = None;
        define(&db, Definition {
            name, arguments, flags, user_data, call, step, finish, value: None, inverse: None, destructor,
        })
    }

    /// Registers a function or an aggregate under a name that is UTF-16.
    fn sqlite3_create_function16(
        db: Handle<Db>, name: *const c_void, arguments: i32, flags: i32, user_data: *mut c_void, call: Call, step: Call,
        finish: End,
    ) -> c_int | INTERNAL; {
        let name = utf16::bytes(name, -1, true).map(|bytes| utf16::decode(bytes, utf16::NATIVE));
        let (name, destructor) = (name.as_deref(), None);
        define(&db, Definition {
            name, arguments, flags, user_data, call, step, finish, value: None, inverse: None, destructor,
        })
    }

    /// Registers a function or an aggregate with a destructor of its data.
    fn sqlite3_create_function_v2(
        db: Handle<Db>, name: Text, arguments: i32, flags: i32, user_data: *mut c_void, call: Call, step: Call, finish: End,
        destructor: Destructor,
    ) -> c_int | INTERNAL; {
        let name = name.bytes();
        define(&db, Definition {
            name, arguments, flags, user_data, call, step, finish, value: None, inverse: None, destructor,
        })
    }

    /// Registers an aggregate that can run over a moving frame.
    fn sqlite3_create_window_function(
        db: Handle<Db>, name: Text, arguments: i32, flags: i32, user_data: *mut c_void, step: Call, finish: End, value: End,
        inverse: Call, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        let name = name.bytes();
        define(&db, Definition { name, arguments, flags, user_data, call: None, step, finish, value, inverse, destructor })
    }

    /// Makes sure that there is a function of this name, so that virtual tables can overload it.
    fn sqlite3_overload_function(db: Handle<Db>, name: Text, arguments: i32) -> c_int | INTERNAL; {
        let (Some(db), Some(name)) = (db.get(), name.string()) else { return MISUSE };
        if arguments < -2 {
            return MISUSE;
        }
        let arity = u16::try_from(arguments).map_or(Arity::ANY, Arity::exactly);
        db.outcome(db.connection.overload_function(&name, arity))
    }
}

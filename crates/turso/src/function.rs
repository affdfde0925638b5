//! Functions and collations of the application.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::Arc;

use turso_core::functions as engine;
use turso_core::{CollationFunction, ResultCode, ValueRef};

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::value::{FromValue, Value};

/// What SQL may expect of a function. The default promises nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FunctionOptions {
    /// The same arguments give the same result: it may be used in indexes and generated columns, and is called less often.
    pub deterministic: bool,
    /// It does no harm and tells no secrets: the schema may use it also with `PRAGMA trusted_schema = OFF`.
    pub innocuous: bool,
    /// The schema (views, triggers, CHECK, DEFAULT, indexes) may not use it at all.
    pub direct_only: bool,
}

impl FunctionOptions {
    fn flags(self) -> engine::FunctionFlags {
        let flag = |on: bool, flag| if on { flag } else { engine::FunctionFlags::NONE };
        flag(self.deterministic, engine::FunctionFlags::DETERMINISTIC)
            | flag(self.innocuous, engine::FunctionFlags::INNOCUOUS)
            | flag(self.direct_only, engine::FunctionFlags::DIRECT_ONLY)
    }
}

/// One call of a function: its arguments, and what it keeps between calls.
pub struct FunctionContext<'a, 'c> {
    args: &'a [turso_core::Value],
    call: &'a mut engine::Context<'c>,
}

impl FunctionContext<'_, '_> {
    /// Number of arguments.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// There are no arguments.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// An argument as a Rust type.
    pub fn get<T: FromValue>(&self, index: usize) -> Result<T> {
        let value = self.args.get(index).ok_or_else(|| Error::Misuse(format!("no argument {index}")))?;
        T::from_value(Value::from_engine(value))
    }

    /// An argument, borrowed.
    pub fn value(&self, index: usize) -> Option<ValueRef<'_>> {
        self.args.get(index).map(turso_core::Value::as_ref)
    }

    /// What an earlier call of this run has kept for an argument: it is there only where the argument is a constant.
    pub fn auxiliary<T: Any + Send>(&mut self, index: usize) -> Option<&mut T> {
        let index = i32::try_from(index).ok()?;
        self.call.auxiliary.as_mut()?.get(index)?.downcast_mut()
    }

    /// Keep something for an argument until the statement's run ends.
    pub fn set_auxiliary<T: Any + Send>(&mut self, index: usize, data: T) {
        if let (Some(auxiliary), Ok(index)) = (&mut self.call.auxiliary, i32::try_from(index)) {
            auxiliary.set(index, Box::new(data));
        }
    }
}

/// An aggregate: one of these is made for each group.
pub trait Aggregate: Send {
    /// Take in a row.
    fn step(&mut self, context: &mut FunctionContext<'_, '_>) -> Result<()>;

    /// The value of the rows so far.
    fn value(&mut self) -> Result<Value>;

    /// Take out the oldest row, for frames that move. Called only for what [`Connection::create_window_function`] registers.
    fn inverse(&mut self, context: &mut FunctionContext<'_, '_>) -> Result<()> {
        let _ = context;
        Err(Error::Misuse("the aggregate cannot take rows out".into()))
    }
}

/// An error of the application as the engine's: the texts come back to whoever runs the statement.
fn to_engine(error: Error) -> turso_core::Error {
    let code = match &error {
        Error::Constraint(_) => ResultCode::CONSTRAINT_FUNCTION,
        Error::Busy(_) => ResultCode::BUSY,
        Error::BusySnapshot(_) => ResultCode::BUSY_SNAPSHOT,
        Error::Interrupt(_) => ResultCode::INTERRUPT,
        Error::Misuse(_) => ResultCode::MISUSE,
        Error::Readonly(_) => ResultCode::READONLY,
        Error::DatabaseFull(_) => ResultCode::FULL,
        Error::Corrupt(_) => ResultCode::CORRUPT,
        Error::NotAdb(_) => ResultCode::NOTADB,
        Error::IoError(..) => ResultCode::IOERR,
        _ => ResultCode::ERROR,
    };
    turso_core::Error::new(code, error.to_string())
}

fn arity(args: Option<u16>) -> engine::Arity {
    args.map_or(engine::Arity::ANY, engine::Arity::exactly)
}

/// Carries an [`Aggregate`] into the engine.
struct Carried(Box<dyn Aggregate>);

impl engine::Aggregate for Carried {
    fn step(&mut self, call: &mut engine::Context<'_>, args: &[turso_core::Value]) -> turso_core::Result<()> {
        self.0.step(&mut FunctionContext { args, call }).map_err(to_engine)
    }
    fn value(&mut self, call: &mut engine::Context<'_>) -> turso_core::Result<()> {
        *call.result = self.0.value().map_err(to_engine)?.into_engine();
        Ok(())
    }
    fn inverse(&mut self, call: &mut engine::Context<'_>, args: &[turso_core::Value]) -> turso_core::Result<()> {
        self.0.inverse(&mut FunctionContext { args, call }).map_err(to_engine)
    }
    // The engine makes a new state for each group.
    fn reset(&mut self) {}
}

struct Named<F>(String, F);

impl<F: Fn(&[u8], &[u8]) -> Ordering + Send + Sync> CollationFunction for Named<F> {
    fn name(&self) -> &str {
        &self.0
    }
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        (self.1)(a, b)
    }
}

impl Connection {
    /// Make a function known to this connection. `args` is the number of its arguments; `None`: any. A function of the same name
    /// and number of arguments is replaced, a built-in one hidden; not while statements run ([`Error::Busy`]).
    ///
    /// It is called on the thread that polls the statement, and may run statements on the connection through
    /// [`Connection::downgrade`].
    pub fn create_scalar_function<F, T>(
        &self,
        name: &str,
        args: Option<u16>,
        options: FunctionOptions,
        function: F,
    ) -> Result<()>
    where
        F: Fn(&mut FunctionContext<'_, '_>) -> Result<T> + Send + Sync + 'static,
        T: Into<Value>,
    {
        let call = move |call: &mut engine::Context<'_>, args: &[turso_core::Value]| {
            let value = function(&mut FunctionContext { args, call }).map_err(to_engine)?;
            *call.result = value.into().into_engine();
            Ok(())
        };
        let def = engine::FunctionDef::user_scalar(name, arity(args), options.flags(), Arc::new(call));
        Ok(self.engine().create_function(def)?)
    }

    /// Make an aggregate known. `make` is called for each group.
    pub fn create_aggregate_function<F, A>(
        &self,
        name: &str,
        args: Option<u16>,
        options: FunctionOptions,
        make: F,
    ) -> Result<()>
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Aggregate + 'static,
    {
        self.create_aggregate(name, args, options.flags(), make)
    }

    /// Make an aggregate known that can also be used with OVER: it has [`Aggregate::inverse`].
    pub fn create_window_function<F, A>(
        &self,
        name: &str,
        args: Option<u16>,
        options: FunctionOptions,
        make: F,
    ) -> Result<()>
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Aggregate + 'static,
    {
        self.create_aggregate(name, args, options.flags() | engine::FunctionFlags::WINDOW, make)
    }

    fn create_aggregate<F, A>(&self, name: &str, args: Option<u16>, flags: engine::FunctionFlags, make: F) -> Result<()>
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Aggregate + 'static,
    {
        let factory = move || -> Box<dyn engine::Aggregate> { Box::new(Carried(Box::new(make()))) };
        let def = engine::FunctionDef::user_aggregate(name, arity(args), flags, Arc::new(factory));
        Ok(self.engine().create_function(def)?)
    }

    /// Remove a function.
    pub fn remove_function(&self, name: &str, args: Option<u16>) -> Result<()> {
        Ok(self.engine().remove_function(name, arity(args))?)
    }

    /// Make a collation known: the order of two texts, which need not be UTF-8. It must always give the same answers, since indexes
    /// rely on it, and cannot use the connection.
    pub fn create_collation<F>(&self, name: &str, compare: F) -> Result<()>
    where
        F: Fn(&[u8], &[u8]) -> Ordering + Send + Sync + 'static,
    {
        Ok(self.engine().create_collation(Arc::new(Named(name.to_owned(), compare)))?)
    }

    /// Remove a collation.
    pub fn remove_collation(&self, name: &str) -> Result<()> {
        Ok(self.engine().remove_collation(name)?)
    }
}

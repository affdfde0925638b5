//! Date functions in expressions of the schema, whose values must not change: what asks for the time or the time zone fails.

use std::cell::Cell;

use turso_error::{Error, Result};
use turso_value::{TextEncoding, Value};

use super::{TIME, format};
use crate::context::{Context, Environment};
use crate::def::{Arity, FunctionDef, FunctionFlags, ScalarFn};

/// Where in the schema an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaPlace {
    /// A column of an index, or the condition of a partial one.
    Index,
    /// A generated column.
    GeneratedColumn,
    /// A CHECK constraint.
    Check,
}

/// The function as it is called in an expression of the schema, where that is another one.
pub fn in_schema(function: &FunctionDef, place: SchemaPlace) -> Option<&'static FunctionDef> {
    if function.flags.has(FunctionFlags::USER) || !function.flags.has(FunctionFlags::SLOW_CHANGE) {
        return None;
    }
    let table = match place {
        SchemaPlace::Index => &INDEX,
        SchemaPlace::GeneratedColumn => &GENERATED_COLUMN,
        SchemaPlace::Check => &CHECK,
    };
    table.iter().find(|f| f.name == function.name)
}

macro_rules! in_place {
    ($place:literal: $($name:ident $arity:expr,)*) => {
        [$(FunctionDef::scalar(stringify!($name), $arity, TIME, |ctx, args| {
            timeless(ctx, args, format::$name, stringify!($name), $place)
        }),)*]
    };
    ($place:literal) => {
        in_place!($place:
            julianday Arity::ANY, unixepoch Arity::ANY, date Arity::ANY, time Arity::ANY, datetime Arity::ANY,
            strftime Arity::ANY, timediff Arity::exactly(2),
        )
    };
}

static INDEX: [FunctionDef; 7] = in_place!("an index");
static GENERATED_COLUMN: [FunctionDef; 7] = in_place!("a generated column");
static CHECK: [FunctionDef; 7] = in_place!("a CHECK constraint");

fn timeless(ctx: &mut Context<'_>, args: &[Value], call: ScalarFn, name: &str, place: &str) -> Result<()> {
    let watched = Watched { inner: ctx.environment, asked: Cell::new(false) };
    let mut inner = Context {
        result: &mut *ctx.result,
        result_subtype: 0,
        arg_subtypes: ctx.arg_subtypes,
        parameter_args: ctx.parameter_args,
        collation: ctx.collation,
        environment: &watched,
        auxiliary: None,
        objects: None,
    };
    call(&mut inner, args)?;
    if watched.asked.get() {
        return Err(Error::sql(format!("non-deterministic use of {name}() in {place}")));
    }
    Ok(())
}

/// Notes whether a date function asks for what changes.
struct Watched<'a> {
    inner: &'a dyn Environment,
    asked: Cell<bool>,
}

impl Environment for Watched<'_> {
    fn now_julian_ms(&self) -> i64 {
        self.asked.set(true);
        self.inner.now_julian_ms()
    }

    fn local_offset_seconds(&self, unix_seconds: i64) -> Option<i64> {
        self.asked.set(true);
        self.inner.local_offset_seconds(unix_seconds)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.inner.fill_random(buffer);
    }

    fn max_length(&self) -> usize {
        self.inner.max_length()
    }

    fn encoding(&self) -> TextEncoding {
        self.inner.encoding()
    }
}

//! SQL functions: values in, value out. No files, no cursors, no schema.
//!
//! A scalar function is one Rust function, [`ScalarFn`], and one row of a table beside it. An aggregate is an
//! implementation of [`Aggregate`]; window functions proper are the [`WindowFunction`]s, which say where in the partition
//! their value lies and leave the rows to the interpreter. Functions of the application come in as the same
//! [`FunctionDef`] through a [`Registry`].
//!
//! | module      | subject                                              |
//! |-------------|------------------------------------------------------|
//! | `context`   | [`Context`], [`Environment`]                         |
//! | `auxiliary` | what a function keeps between its calls              |
//! | `def`       | [`FunctionDef`], flags, arity                        |
//! | `registry`  | [`lookup`], [`Registry`]                             |
//! | `aggregate` | the trait [`Aggregate`] and the built-in aggregates  |
//! | `window`    | row_number() and its kin                             |
//! | `extension` | what other systems ship as extensions                |
//! | others      | one module per family of functions                   |
#![forbid(unsafe_code)]

pub mod aggregate;
pub mod auxiliary;
pub mod compile_options;
pub mod context;
pub mod datetime;
pub mod def;
pub mod extension;
pub mod extra;
pub mod geopoly;
pub mod json;
pub mod math;
pub mod pattern;
pub mod printf;
pub mod records;
pub mod registry;
mod rtree;
pub mod scalar;
pub mod text;
pub mod vector;
pub mod window;

pub use aggregate::Aggregate;
pub use auxiliary::AuxiliaryData;
pub use compile_options::{COMPILE_OPTIONS, is_compiled_with};
pub use context::{Context, DefaultEnvironment, Environment, set_random_source};
pub use datetime::{SchemaPlace, in_schema};
pub use def::{
    AggregateDef, AggregateFactory, Arity, Function, FunctionDef, FunctionFlags, FunctionKind, HostFunction, ScalarFn,
    ScalarFunction,
};
pub use registry::{Lookup, Registry, built_ins, lookup};
pub use window::{WindowFunction, WindowPosition, WindowValue};

/// What `sqlite_version()` answers: the release whose dialect and texts are followed.
pub const SQLITE_VERSION: &str = "3.54.1";
/// What `sqlite_source_id()` answers.
pub const SQLITE_SOURCE_ID: &str =
    "2026-10-16 14:45:20 555e07ef33f69a0957d24d8e555b702464a131d6f1607f4c3c1e4551e8e6ca76";
/// `SQLITE_VERSION` as one number, major * 1000000 + minor * 1000 + patch.
pub const SQLITE_VERSION_NUMBER: i32 = 3_054_001;

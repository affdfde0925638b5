//! The parsed catalogue of one database: tables, indexes, views and triggers, as immutable snapshots.
//!
//! A [`Schema`] is built from the rows of `sqlite_schema` ([`build`]) and then never changes: connections share it
//! behind an `Arc`, and a schema change makes a new one that shares what stayed the same. It runs nothing and reads no page.
//! What an element needs and we do not know (an unknown function, collation or module) does not spoil the rest: the
//! element keeps its text and a named error.
#![forbid(unsafe_code)]

mod build;
mod index;
mod names;
mod schema;
mod table;
mod trigger;

pub use build::{SchemaRow, build_schema};
pub use index::{Index, IndexColumn, IndexKey, IndexOrigin};
pub use names::FoldedName;
pub use schema::{Schema, Statistics};
pub use table::{Check, Column, ForeignKey, ForeignKeyAction, Generated, Relation, StrictType, Table};
pub use trigger::Trigger;

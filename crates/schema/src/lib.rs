//! The parsed catalogue of one database: tables, indexes, views and triggers, as immutable snapshots.
//!
//! A [`Schema`] is built from the rows of `sqlite_schema` ([`build`]) and then never changes: connections share it
//! behind an `Arc`, and a schema change makes a new one that shares what stayed the same. It runs nothing and reads no page.
//! What an element needs and we do not know (an unknown function, collation or module) does not spoil the rest: the
//! element keeps its text and a named error.
#![forbid(unsafe_code)]

mod build;
mod collation;
mod define;
mod define_index;
mod index;
mod names;
mod parse;
mod schema;
mod statistics;
mod table;
mod text;
mod trigger;

pub use build::{SchemaRow, build_schema, define_view, define_virtual_table};
pub use collation::unresolved_collation;
pub use define::define_table;
pub use define_index::define_index;
pub use index::{Index, IndexColumn, IndexKey, IndexOrigin};
pub use names::FoldedName;
pub use parse::parse_stored;
pub use schema::Schema;
pub use statistics::{Sample, Statistics};
pub use table::{Check, Column, ForeignKey, ForeignKeyAction, Generated, Relation, StrictType, Table};
pub use text::{constraint_text, stored_text};
pub use trigger::{Trigger, define_trigger};

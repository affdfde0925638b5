//! Trees against a model, against SQLite's own integrity check, and against damage.

mod cursors;
mod damage;
mod harness;
mod model;
mod pending;
mod searches;
mod shape;
mod vacuum;

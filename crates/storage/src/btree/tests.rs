//! Trees against a model, and against SQLite's own integrity check.

mod harness;
mod model;

//! Generated scripts on this engine and on SQLite, bundled in the same process.
//!
//! | module | subject |
//! |---|---|
//! | [`generate`] | scripts from seeds |
//! | [`run`] | a script on both engines, and the comparison of what they leave |
//! | [`compare`] | two answers to one statement |
//! | [`explained`] | differences that have a reason to stay |
//! | [`shrink`] | a failing script made small |
//! | [`logic`] | queries against rewritten forms of themselves, on this engine alone |
//! | [`reach`] | what a run has reached |
#![forbid(unsafe_code)]

pub mod compare;
pub mod explained;
pub mod generate;
pub mod logic;
pub mod reach;
pub mod run;
pub mod shrink;
mod watch;

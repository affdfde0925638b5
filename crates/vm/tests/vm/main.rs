//! Hand-assembled programs with exact results.

mod control;
mod expression;
mod host;
mod pending;
mod sorting;
mod trees;
mod triggers;
mod writes;

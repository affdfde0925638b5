//! The simulator: the real engine on a machine whose disk, processes, time and luck are decided by a seed.
//!
//! | module      | subject                                                                            |
//! |-------------|------------------------------------------------------------------------------------|
//! | [`platter`] | what a disk may hold after the power has gone                                      |
//! | [`disk`]    | the back end: processes, faults, what reached the disk                             |
//! | [`crash`]   | scripted workloads: every state that a crash may leave is recovered and checked    |
//! | [`hunt`]    | seeded simulation of many connections and processes, with faults                   |
//! | [`capture`] | change data capture under faults and crashes: a replay gives what is there             |
//! | [`engines`] | both engines: statements in, rows out                                              |
//! | [`random`]  | chance                                                                             |
//!
//! Run by `cargo xtask sim`.
#![forbid(unsafe_code)]

pub mod capture;
pub mod crash;
pub mod disk;
pub mod engines;
pub mod hunt;
pub mod platter;
pub mod random;

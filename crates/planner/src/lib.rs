//! From syntax trees to programs: bind -> logical plan -> rewrites -> access paths -> physical plan -> bytecode.
//!
//! | stage | module | takes | gives |
//! |---|---|---|---|
//! | bind | [`bind`] | syntax tree, catalogue | [`plan::Query`]: every column resolved, affinity and collation fixed |
//! | rewrite | [`rewrite`] | [`plan::Query`] | [`plan::Query`]; one rule per file |
//! | optimize | [`optimize`] | sources and conjuncts of one core | [`plan::JoinPlan`]: order, access paths, residual filters |
//! | emit | [`emit`] | queries and join plans | a [`turso_program::Program`] |
//!
//! No stage writes bytecode while still deciding. The planner reads no page.
#![forbid(unsafe_code)]

mod authorize;
pub mod bind;
mod context;
pub mod emit;
pub mod optimize;
pub mod plan;
pub mod reached;
mod resolve;
pub mod rewrite;
mod shadow;
mod statement;

pub use authorize::{AuthAction, AuthRequest, Authorization};
pub use context::{Catalogue, ConnectedTable, PlanContext, PlanOptions, Tier, no_such_module};
pub use emit::foreign_key::{ParentKey, parent_columns, parent_key};
pub use statement::plan_statement;

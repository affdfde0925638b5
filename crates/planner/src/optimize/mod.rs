//! From the sources and conjuncts of one core to nested loops: which order, which access paths, which filters where.

mod used;

pub use used::{ColumnSet, UsedColumns};

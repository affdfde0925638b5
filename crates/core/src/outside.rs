//! What can be asked of a statement while it steps, by code that the step itself calls.

use std::sync::Arc;

use turso_program::Program;
use turso_value::Value;

/// Columns of `EXPLAIN`.
const EXPLAIN_COLUMNS: [&str; 8] = ["addr", "opcode", "p1", "p2", "p3", "p4", "p5", "comment"];
/// Columns of `EXPLAIN QUERY PLAN`.
const QUERY_PLAN_COLUMNS: [&str; 4] = ["id", "parent", "notused", "detail"];

/// The program of a statement and what was bound to it, apart from the statement.
#[derive(Debug, Clone)]
pub struct Outside {
    pub(crate) sql: Arc<[u8]>,
    pub(crate) program: Arc<Program>,
    pub(crate) parameters: Arc<[Value]>,
}

impl Outside {
    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The text with each parameter replaced by its value as a literal.
    pub fn expanded_sql(&self) -> Vec<u8> {
        crate::expand::expand_sql(&self.sql, &self.parameters)
    }

    /// Number of parameters.
    pub fn parameter_count(&self) -> usize {
        self.parameters.len()
    }
}

/// Number of result columns; 0 for a program that returns no rows.
pub fn column_count(program: &Program) -> usize {
    match program.explain {
        0 => program.columns.len(),
        1 => EXPLAIN_COLUMNS.len(),
        _ => QUERY_PLAN_COLUMNS.len(),
    }
}

/// Name of a result column.
pub fn column_name(program: &Program, index: usize) -> Option<&str> {
    match program.explain {
        0 => program.columns.get(index).map(|c| &*c.name),
        1 => EXPLAIN_COLUMNS.get(index).copied(),
        _ => QUERY_PLAN_COLUMNS.get(index).copied(),
    }
}

/// Declared type of a result column that is a plain table column.
pub fn column_declared_type(program: &Program, index: usize) -> Option<&str> {
    if program.explain != 0 { None } else { program.columns.get(index).and_then(|c| c.declared_type.as_deref()) }
}

//! Queries: from a bound query to the rows at its destination.

use turso_error::{Error, Result};
use turso_parser::ast;
use turso_program::Program;

use super::{Destination, Emitter};
use crate::context::PlanContext;
use crate::plan::Query;

/// The program of a SELECT statement.
pub fn plan_select(context: &PlanContext<'_>, select: &ast::Select) -> Result<Program> {
    let _ = (context, select);
    Err(Error::sql("SELECT is not supported yet"))
}

impl Emitter<'_> {
    /// Emit the query; its rows go to `to`.
    pub fn query(&mut self, query: &Query, to: &mut Destination<'_>) -> Result<()> {
        let _ = (query, to);
        Err(Error::sql("SELECT is not supported yet"))
    }
}

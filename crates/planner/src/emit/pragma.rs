//! PRAGMA.

use turso_error::{Error, Result};
use turso_parser::ast::Pragma;
use turso_program::Program;

use crate::context::PlanContext;

/// The program of a PRAGMA statement.
pub(crate) fn plan_pragma(context: &PlanContext<'_>, pragma: &Pragma) -> Result<Program> {
    let _ = (context, pragma);
    Err(Error::sql("PRAGMA is not supported yet"))
}

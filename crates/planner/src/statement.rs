//! The entry: any statement to its program.

use turso_error::{Error, Result};
use turso_parser::ast::Statement;
use turso_program::Program;

use crate::context::PlanContext;
use crate::emit::plan_select;

/// Plan a statement; `context.sql` is the text that it was parsed from.
pub fn plan_statement(context: &PlanContext<'_>, statement: &Statement) -> Result<Program> {
    match statement {
        Statement::Select(select) => plan_select(context, select),
        _ => Err(Error::sql("this statement is not supported yet")),
    }
}

//! The entry: any statement to its program.

use turso_error::{Error, Result};
use turso_parser::ast::{self, Statement};
use turso_program::Program;
use turso_program::control::Halt;

use crate::authorize::ask_for_statement;
use crate::context::PlanContext;
use crate::emit::{
    Emitter, analyze, ddl, delete, insert, plan_select, pragma, resolve_collations, transaction, update,
};

/// Plan a statement; `context.sql` is the text that it was parsed from.
pub fn plan_statement(context: &PlanContext<'_>, statement: &Statement) -> Result<Box<Program>> {
    match statement {
        Statement::Explain { query_plan, statement } => {
            if *query_plan {
                context.set_explains();
            }
            let mut program = plan_resolved(context, statement)?;
            program.explain = if *query_plan { 2 } else { 1 };
            Ok(program)
        }
        other => plan_resolved(context, other),
    }
}

fn plan_resolved(context: &PlanContext<'_>, statement: &Statement) -> Result<Box<Program>> {
    if ask_for_statement(context, statement)? {
        return schema_change(context, |_| Ok(()));
    }
    let mut program = plan_plain(context, statement)?;
    context.ask_deferred()?;
    resolve_collations(context, &mut program)?;
    Ok(program)
}

fn plan_plain(context: &PlanContext<'_>, statement: &Statement) -> Result<Box<Program>> {
    if !context.parameters_known() {
        note_parameters(context, statement);
    }
    match statement {
        Statement::Select(select) => plan_select(context, select),
        Statement::Insert(insert) => insert::plan_insert(context, insert),
        Statement::Update(update) => update::plan_update(context, update),
        Statement::Delete(delete) => delete::plan_delete(context, delete),
        Statement::Pragma(pragma) => pragma::plan_pragma(context, pragma),
        Statement::CreateTable(s) => schema_change(context, |e| ddl::create_table(e, s)),
        Statement::CreateIndex(s) => schema_change(context, |e| ddl::create_index(e, s)),
        Statement::CreateView(s) => schema_change(context, |e| ddl::create_view(e, s)),
        Statement::CreateTrigger(s) => schema_change(context, |e| ddl::create_trigger(e, s)),
        Statement::CreateVirtualTable(s) => schema_change(context, |e| ddl::create_virtual_table(e, s)),
        Statement::Drop(s) => schema_change(context, |e| ddl::drop_object(e, s)),
        Statement::AlterTable(s) => schema_change(context, |e| ddl::alter_table(e, s)),
        Statement::Reindex(name) => schema_change(context, |e| ddl::reindex(e, name.as_deref())),
        Statement::Begin(mode) => transaction::begin(context, *mode),
        Statement::Commit => transaction::commit(context),
        Statement::Rollback { savepoint } => transaction::rollback(context, savepoint.as_ref()),
        Statement::Savepoint(name) => transaction::savepoint(context, name),
        Statement::Release(name) => transaction::release(context, name),
        Statement::Attach(attach) => transaction::attach(context, attach),
        Statement::Detach(name) => transaction::detach(context, name),
        Statement::Vacuum { schema, into } => transaction::vacuum(context, schema.as_ref(), into.as_deref()),
        Statement::Analyze(name) => schema_change(context, |e| analyze::analyze(e, name.as_deref())),
        Statement::OptimizeIndex(_) => Err(Error::sql("OPTIMIZE INDEX is not supported yet")),
        Statement::Explain { .. } => Err(Error::sql("near \"EXPLAIN\": syntax error")),
    }
}

/// A program that changes the schema: any failure undoes all of it.
fn schema_change(context: &PlanContext<'_>, emit: impl FnOnce(&mut Emitter<'_>) -> Result<()>) -> Result<Box<Program>> {
    let mut e = Emitter::new(context);
    emit(&mut e)?;
    e.builder.emit(Halt {});
    e.builder.program_mut().needs_statement_savepoint = true;
    Ok(e.finish())
}

/// Every parameter counts, also where binding never looks (a column that is not read).
fn note_parameters(context: &PlanContext<'_>, statement: &Statement) {
    struct Notes<'n, 'c>(&'n PlanContext<'c>);
    impl ast::visit::Visit for Notes<'_, '_> {
        fn expr(&mut self, expr: &ast::Expr) {
            if let ast::Expr::Variable(variable) = expr {
                self.0.note_parameter(variable.index, variable.name.as_deref());
            }
            ast::visit::walk_expr(self, expr);
        }
    }
    ast::visit::walk_statement(&mut Notes(context), statement);
}

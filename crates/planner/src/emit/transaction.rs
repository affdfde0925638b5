//! BEGIN, COMMIT, ROLLBACK, savepoints, ATTACH, DETACH, VACUUM.

use std::sync::Arc;

use turso_error::Result;
use turso_parser::ast::{self, Attach, Expr, Literal, Name, TransactionMode};
use turso_program::control::Halt;
use turso_program::schema::{AutoCommit, ConnectionCall, HostCall, Savepoint, SavepointOp, TransactionControl, Vacuum};
use turso_program::{Instruction, Program, Reg, Regs};
use turso_value::Value;

use super::Emitter;
use super::ddl::MAIN;
use crate::bind::Binder;
use crate::context::PlanContext;
use crate::resolve::find_database;

/// A program of one instruction.
fn single(context: &PlanContext<'_>, instruction: impl Into<Instruction>) -> Result<Box<Program>> {
    let mut e = Emitter::new(context);
    e.builder.emit(instruction.into());
    e.builder.emit(Halt {});
    Ok(e.finish())
}

/// BEGIN.
pub(crate) fn begin(context: &PlanContext<'_>, mode: Option<TransactionMode>) -> Result<Box<Program>> {
    let control = match mode {
        None | Some(TransactionMode::Deferred) => TransactionControl::BeginDeferred,
        Some(TransactionMode::Immediate) => TransactionControl::BeginImmediate,
        Some(TransactionMode::Exclusive) => TransactionControl::BeginExclusive,
        Some(TransactionMode::Concurrent) => TransactionControl::BeginConcurrent,
    };
    single(context, AutoCommit { control })
}

/// COMMIT.
pub(crate) fn commit(context: &PlanContext<'_>) -> Result<Box<Program>> {
    single(context, AutoCommit { control: TransactionControl::Commit })
}

/// ROLLBACK, ROLLBACK TO.
pub(crate) fn rollback(context: &PlanContext<'_>, savepoint: Option<&Name>) -> Result<Box<Program>> {
    match savepoint {
        None => single(context, AutoCommit { control: TransactionControl::Rollback }),
        Some(name) => single(context, Savepoint { op: SavepointOp::RollbackTo, name: (&*name.text).into() }),
    }
}

/// SAVEPOINT.
pub(crate) fn savepoint(context: &PlanContext<'_>, name: &Name) -> Result<Box<Program>> {
    single(context, Savepoint { op: SavepointOp::Begin, name: (&*name.text).into() })
}

/// RELEASE.
pub(crate) fn release(context: &PlanContext<'_>, name: &Name) -> Result<Box<Program>> {
    single(context, Savepoint { op: SavepointOp::Release, name: (&*name.text).into() })
}

/// An expression in a place where a bare name stands for its own text.
fn text_expression(e: &mut Emitter<'_>, expr: &Expr, dest: Reg) -> Result<()> {
    let text = match expr {
        Expr::Column(reference) if reference.qualifier.is_none() => Some(reference.column.text.as_bytes()),
        Expr::Literal(Literal::String(text)) => Some(&**text),
        _ => None,
    };
    match text {
        Some(text) => e.load(&Value::Text(text.into()), dest, false),
        None => {
            let bound = Binder::new(e.context).bind_expr(expr)?;
            e.expr_into(&bound, dest)?;
        }
    }
    Ok(())
}

fn call(e: &mut Emitter<'_>, name: &str, args: Regs) {
    let call = Arc::new(HostCall { name: name.into(), db: MAIN, named: false });
    e.builder.emit(ConnectionCall { args, dest: Regs::new(Reg(1), 0), call });
}

/// ATTACH: the connection call `attach(file, name, key)`.
pub(crate) fn attach(context: &PlanContext<'_>, attach: &Attach) -> Result<Box<Program>> {
    let mut e = Emitter::new(context);
    let args = e.builder.registers(3);
    text_expression(&mut e, &attach.file, args.at(0))?;
    text_expression(&mut e, &attach.name, args.at(1))?;
    match &attach.key {
        Some(key) => text_expression(&mut e, key, args.at(2))?,
        None => e.load(&Value::Null, args.at(2), false),
    }
    call(&mut e, "attach", args);
    e.builder.emit(Halt {});
    Ok(e.finish())
}

/// DETACH: the connection call `detach(name)`.
pub(crate) fn detach(context: &PlanContext<'_>, name: &ast::Expr) -> Result<Box<Program>> {
    let mut e = Emitter::new(context);
    let args = e.builder.registers(1);
    text_expression(&mut e, name, args.at(0))?;
    call(&mut e, "detach", args);
    e.builder.emit(Halt {});
    Ok(e.finish())
}

/// VACUUM, VACUUM INTO.
pub(crate) fn vacuum(context: &PlanContext<'_>, schema: Option<&Name>, into: Option<&Expr>) -> Result<Box<Program>> {
    let db = match schema {
        None => MAIN,
        Some(name) => find_database(context, name)?,
    };
    let mut e = Emitter::new(context);
    let into = match into {
        None => None,
        Some(expr) => {
            let reg = e.builder.register();
            let bound = Binder::new(e.context).bind_expr(expr)?;
            e.expr_into(&bound, reg)?;
            Some(reg)
        }
    };
    e.builder.emit(Vacuum { db, into });
    e.builder.emit(Halt {});
    let mut program = e.finish();
    program.writes = true;
    Ok(program)
}

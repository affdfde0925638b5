//! Virtual tables that the shell adds to its connections, as `sqlite3` does.
//!
//! | module | subject |
//! |---|---|
//! | `zip` | `zipfile`: ZIP archives, as tables and as blobs |
//! | `directory` | `fsdir`: what is in a directory |
//! | `completion` | `completion`: how a word may go on |

mod completion;
mod directory;
mod zip;

use std::sync::Arc;

use turso_core::functions::{Aggregate, Arity, FunctionDef, FunctionFlags};
use turso_core::vtab::{Answer, ConstraintOp, Question};
use turso_core::{Connection, Result};

/// Make the modules known to a connection. With `safe`, none that touches files.
pub fn install(connection: &Connection, safe: bool) -> Result<()> {
    connection.create_module("completion", Arc::new(completion::Module(connection.downgrade())))?;
    if safe {
        return Ok(());
    }
    connection.create_module("fsdir", Arc::new(directory::Module))?;
    connection.create_module("zipfile", Arc::new(zip::Module))?;
    connection.create_function(FunctionDef::user_aggregate(
        "zipfile",
        Arity::ANY,
        FunctionFlags::NONE,
        Arc::new(|| Box::<zip::Building>::default() as Box<dyn Aggregate>),
    ))?;
    let direct = FunctionFlags::DIRECT_ONLY;
    connection.create_function(FunctionDef::user_scalar(
        "zipfile_cds",
        Arity::ANY,
        direct,
        Arc::new(zip::record_as_json),
    ))
}

/// The scan of a table-valued function whose arguments are the hidden columns `arguments`, in their order. The number says
/// which are given: bit `i` for the `i`-th. `None`: one is given whose value is not at hand yet.
fn scan_with_arguments(question: &Question, arguments: &[u16]) -> Option<Answer> {
    let mut answer = Answer::new(question);
    let mut places = vec![None; arguments.len()];
    for (at, constraint) in question.constraints.iter().enumerate() {
        let Some(argument) = arguments.iter().position(|column| constraint.column == Some(*column)) else { continue };
        if constraint.op != ConstraintOp::Equal {
            continue;
        }
        if !constraint.usable {
            return None;
        }
        places[argument] = Some(at);
    }
    let mut passed = 0;
    for (bit, place) in places.iter().enumerate() {
        let Some(usage) = place.and_then(|at| answer.usage.get_mut(at)) else { continue };
        passed += 1;
        usage.argument = passed;
        usage.omit = true;
        answer.number |= 1 << bit;
    }
    answer.cost = if passed > 0 { 1000.0 } else { 1e9 };
    Some(answer)
}

//! Checkpoints.

use std::ffi::c_int;

use turso_core::StepResult;
use turso_value::Value;

use crate::boundary::Out;
use crate::codes::{BUSY, ERROR, MISUSE};
use crate::handle::Db;

/// The modes in the order of their numbers, of which -1 is the first.
const MODES: [&str; 5] = ["NOOP", "PASSIVE", "FULL", "RESTART", "TRUNCATE"];

/// Moves the log of one database, or of all without a name.
pub fn checkpoint(db: &Db, name: Option<&[u8]>, mode: c_int, frames: Out<c_int>, checkpointed: Out<c_int>) -> c_int {
    frames.set(-1);
    checkpointed.set(-1);
    let Some(mode) = usize::try_from(mode.wrapping_add(1)).ok().and_then(|mode| MODES.get(mode)) else { return MISUSE };
    let sql = match name.filter(|name| !name.is_empty()) {
        None => format!("PRAGMA wal_checkpoint({mode})"),
        Some(name) => {
            let name = String::from_utf8_lossy(name);
            if db.database_index(Some(name.as_bytes())).is_none() {
                return db.fail_with(ERROR, format!("unknown database: {name}"));
            }
            format!("PRAGMA \"{}\".wal_checkpoint({mode})", name.replace('"', "\"\""))
        }
    };
    let outcome = db.connection.prepare(sql).and_then(|prepared| match prepared.statement {
        None => Ok([0; 3]),
        Some(mut statement) => {
            let number = |value: Option<&Value>| value.map_or(-1, Value::to_integer);
            let mut answer = [0, -1, -1];
            if statement.step()? == StepResult::Row {
                answer = [0, 1, 2].map(|i| number(statement.row().get(i)));
                while statement.step()? == StepResult::Row {}
            }
            Ok(answer)
        }
    });
    match outcome {
        Ok([busy, log, moved]) => {
            frames.set(log as c_int);
            checkpointed.set(moved as c_int);
            if busy != 0 { db.fail_code(BUSY) } else { db.ok() }
        }
        Err(error) => db.fail(&error),
    }
}

//! Parameters take their values from the table that `.parameter` keeps.

use turso_core::{Connection, Statement, StepResult, Value};

/// Bind what `temp.sqlite_parameters` holds; what it does not hold is NULL.
pub fn bind(connection: &Connection, statement: &mut Statement) {
    let count = statement.parameter_count();
    if count == 0 {
        return;
    }
    let lookup = connection.prepare("SELECT value FROM temp.sqlite_parameters WHERE key = ?1");
    let Some(mut lookup) = lookup.ok().and_then(|prepared| prepared.statement) else { return };
    for number in 1..=count {
        let name = statement.parameter_name(number).map_or_else(|| format!("?{number}"), str::to_owned);
        lookup.reset();
        let found = lookup.bind(1, Value::text(name)).is_ok() && lookup.step().is_ok_and(|s| s == StepResult::Row);
        let value = if found { lookup.row().first().cloned() } else { None };
        // A statement that has not started takes any value for a number that it has.
        let _ = statement.bind(number, value.unwrap_or(Value::Null));
    }
}

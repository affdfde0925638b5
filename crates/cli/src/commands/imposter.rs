//! `.imposter INDEX TABLE`: the entries of an index as a table that only this connection knows.

use turso_core::Value;

use super::{Outcome, double_quote};
use crate::shell::{Flow, Shell};

const USAGE: &str = "Usage: .imposter INDEX IMPOSTER\n       .imposter off";

/// `.imposter`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    match arguments {
        [word] if word.eq_ignore_ascii_case("off") => {
            let connection = shell.connection();
            connection.set_imposter("main", None).and_then(|()| connection.forget_schemas()).map_err(super::text)?;
        }
        [index, table] => make(shell, index, table)?,
        _ => return Err(USAGE.into()),
    }
    Ok(Flow::Continue)
}

/// Makes the table, on an index or on a table WITHOUT ROWID.
fn make(shell: &mut Shell, name: &str, imposter: &str) -> Result<(), String> {
    let tree = shell
        .rows_with(
            "SELECT rootpage, type = 'table' FROM sqlite_schema WHERE name = ?1 AND (type = 'index'
                OR type = 'table' AND sql LIKE '%WITHOUT%ROWID%')",
            &[Value::text(name)],
        )
        .map_err(super::text)?;
    let (root, is_table) = match tree.first().map(Vec::as_slice) {
        Some([Value::Integer(root), is_table]) => (u32::try_from(*root).unwrap_or(0), is_table.to_integer() != 0),
        _ => (0, false),
    };
    if root == 0 {
        return Err(format!("no such index: \"{name}\""));
    }
    let columns = shell
        .rows_with("SELECT cid, name, key FROM pragma_index_xinfo(?1)", &[Value::text(name)])
        .map_err(super::text)?;
    let (mut all, mut key) = (Vec::new(), Vec::new());
    for (i, column) in columns.iter().enumerate() {
        let [cid, name, in_key] = column.as_slice() else { continue };
        let shown = match (cid.to_integer(), name.bytes()) {
            (-1, _) => "_ROWID_".to_owned(),
            (_, Some(name)) => String::from_utf8_lossy(name).into_owned(),
            (_, None) => format!("expr{}", i + 1),
        };
        let shown = double_quote(&shown);
        // Entries of an index are told apart by all of their columns.
        if !is_table || in_key.to_integer() != 0 {
            key.push(shown.clone());
        }
        all.push(shown);
    }
    let sql = format!(
        "CREATE TABLE {}({},PRIMARY KEY({}))WITHOUT ROWID",
        double_quote(imposter),
        all.join(","),
        key.join(",")
    );
    let connection = shell.connection();
    connection.set_imposter("main", Some(root)).map_err(super::text)?;
    let made = connection.execute_batch(&sql);
    connection.set_imposter("main", None).map_err(super::text)?;
    made.map_err(|error| format!("Error in [{sql}]: {}", error.message()))?;
    shell.line(format!("{sql};"));
    let kind = if is_table { "table" } else { "index" };
    shell.line(format!("WARNING: writing to an imposter table will corrupt the \"{name}\" {kind}!"));
    Ok(())
}

//! Runs SQL from standard input on a memory database (or the file given) and prints rows: for looking at programs with EXPLAIN.

use std::io::Read;

use turso_core::{Database, OpenOptions, StepResult, Value};

fn main() -> turso_core::Result<()> {
    let mut sql = String::new();
    std::io::stdin()
        .read_to_string(&mut sql)
        .map_err(|e| turso_core::Error::io(turso_core::ResultCode::IOERR_READ, &e))?;
    let path = std::env::args().nth(1).unwrap_or_else(|| ":memory:".to_string());
    let connection = Database::open(&path, OpenOptions::default())?.connect()?;
    let mut rest = sql.as_str();
    while !rest.trim().is_empty() {
        let prepared = connection.prepare(rest)?;
        if let Some(mut statement) = prepared.statement {
            while let StepResult::Row = statement.step()? {
                let shown: Vec<String> = statement
                    .row()
                    .iter()
                    .map(|v| match v {
                        Value::Null => String::new(),
                        Value::Integer(i) => i.to_string(),
                        Value::Real(r) => r.to_string(),
                        Value::Text(t) | Value::Blob(t) => String::from_utf8_lossy(t).into_owned(),
                    })
                    .collect();
                println!("{}", shown.join("|"));
            }
        }
        rest = &rest[prepared.tail..];
    }
    Ok(())
}

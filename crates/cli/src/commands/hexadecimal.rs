//! `.dbtotxt`, and `.open --hexdb`: a database as lines of hexadecimal digits.

use std::fmt::Write as _;

use turso_core::{Connection, StepResult, Value};

use super::Outcome;
use crate::shell::{Flow, Shell};

/// Bytes of a line.
const WIDTH: usize = 16;

/// `.dbtotxt`: lines of zeros are left out.
pub fn run(shell: &mut Shell, _: &[&str]) -> Outcome {
    let connection = shell.connection();
    let number = |shell: &mut Shell, sql: &str| {
        let rows = shell.rows(sql).map_err(super::text)?;
        Ok::<i64, String>(rows.first().and_then(|row| row.first()).map_or(0, Value::to_integer))
    };
    let (size, count) = (number(shell, "PRAGMA page_size")?, number(shell, "PRAGMA page_count")?);
    let file = connection.databases().into_iter().find(|(name, _)| name == "main").map_or(String::new(), |d| d.1);
    let name = match file.rsplit('/').next() {
        Some("") | None => "unk.db",
        Some(name) => name,
    };
    shell.line(format!("| size {} pagesize {size} filename {name}", size * count));
    pages(shell, &connection).map_err(super::text)?;
    shell.line(format!("| end {name}"));
    Ok(Flow::Continue)
}

fn pages(shell: &mut Shell, connection: &Connection) -> Result<(), turso_core::Error> {
    let prepared = connection.prepare("SELECT pgno, data FROM sqlite_dbpage ORDER BY pgno")?;
    let Some(mut statement) = prepared.statement else { return Ok(()) };
    while statement.step()? == StepResult::Row {
        let [Value::Integer(number), Value::Blob(page)] = statement.row() else { continue };
        let mut text = String::new();
        for (i, line) in page.chunks(WIDTH).enumerate().filter(|(_, line)| line.iter().any(|byte| *byte != 0)) {
            if text.is_empty() {
                let offset = (number - 1) * page.len() as i64;
                text = format!("| page {number} offset {offset}\n");
            }
            let _ = write!(text, "|  {:5}:", i * WIDTH);
            for byte in line {
                let _ = write!(text, " {byte:02x}");
            }
            let shown = |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
            let _ = writeln!(text, "   {}", line.iter().map(shown).collect::<String>());
        }
        shell.write(text.as_bytes());
    }
    Ok(())
}

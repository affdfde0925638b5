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

/// Reads what `.dbtotxt` writes.
#[derive(Default)]
pub struct Lines {
    /// The bytes so far, if the first line has told how many there are.
    content: Option<Vec<u8>>,
    /// Where the page in hand begins.
    page: usize,
    /// The first line has been read.
    begun: bool,
}

/// A database that is given as text has no more bytes.
const MOST: usize = 1 << 30;

impl Lines {
    /// Takes a line; true where it is the last one.
    pub fn take(&mut self, line: &str) -> bool {
        if !std::mem::replace(&mut self.begun, true) {
            self.content = size_of_content(line).map(|size| vec![0; size]);
            return false;
        }
        if line.starts_with("| end ") {
            return true;
        }
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["|", "page", _, "offset", offset, ..] => self.page = offset.parse().unwrap_or(usize::MAX),
            ["|", offset, bytes @ ..] if offset.ends_with(':') => {
                let offset = offset.trim_end_matches(':').parse().unwrap_or(usize::MAX);
                let bytes: Vec<u8> =
                    bytes.iter().take(WIDTH).map_while(|byte| u8::from_str_radix(byte, 16).ok()).collect();
                let at = self.page.saturating_add(offset);
                let place = self.content.as_mut().and_then(|content| content.get_mut(at..at.saturating_add(WIDTH)));
                if let (WIDTH, Some(place)) = (bytes.len(), place) {
                    place.copy_from_slice(&bytes);
                }
            }
            _ => {}
        }
        false
    }

    /// No line has been taken.
    pub fn is_empty(&self) -> bool {
        !self.begun
    }

    /// The bytes of the database; `None` where the first line tells no size.
    pub fn content(self) -> Option<Vec<u8>> {
        self.content
    }
}

/// The size that the first line tells, in whole pages.
fn size_of_content(line: &str) -> Option<usize> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let ["|", "size", size, "pagesize", page, ..] = words.as_slice() else { return None };
    let (size, page): (usize, usize) = (size.parse().ok()?, page.parse().ok()?);
    let fits = page.is_power_of_two() && (512..=65536).contains(&page) && size <= MOST;
    fits.then(|| size.next_multiple_of(page))
}

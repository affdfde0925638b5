//! Where the statements go: into a text, or at once into another database.

use turso_core::{Connection, Error, Result, ResultCode, Statement, StepResult, TextEncoding, Value};

use crate::pages::Geometry;

/// A row to be inserted.
#[derive(Debug)]
pub struct Row<'a> {
    /// The INSERT statement up to VALUES.
    pub head: &'a [u8],
    /// The values.
    pub values: &'a [Value],
    /// As text, the statement has no line ends in its literals.
    pub one_line: bool,
}

/// Takes the statements that make the database anew, in their order.
pub trait Sink {
    /// A statement, without the semicolon. It does not end in a comment that would hide one.
    fn statement(&mut self, sql: &[u8]) -> Result<()>;

    /// A row. As a statement, unless the sink knows better.
    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        let mut sql = row.head.to_vec();
        sql.extend_from_slice(if row.one_line { b" VALUES (" } else { b" VALUES(" });
        for (i, value) in row.values.iter().enumerate() {
            if i > 0 {
                sql.extend_from_slice(b", ");
            }
            write_literal(value, row.one_line, &mut sql);
        }
        sql.push(b')');
        self.statement(&sql)
    }

    /// Before everything else: the new database is to be like that.
    fn begin(&mut self, geometry: Geometry) -> Result<()> {
        self.statement(b"BEGIN")?;
        self.statement(b"PRAGMA writable_schema = on")?;
        settings(&geometry).iter().try_for_each(|sql| self.statement(sql.as_bytes()))
    }

    /// Everything has been said.
    fn end(&mut self) -> Result<()> {
        self.statement(b"PRAGMA writable_schema = off")?;
        self.statement(b"COMMIT")
    }
}

fn settings(geometry: &Geometry) -> [String; 5] {
    let encoding = match geometry.encoding {
        TextEncoding::Utf8 => "UTF-8",
        TextEncoding::Utf16Le => "UTF-16le",
        TextEncoding::Utf16Be => "UTF-16be",
    };
    [
        format!("PRAGMA encoding = '{encoding}'"),
        format!("PRAGMA page_size = '{}'", geometry.page_size),
        format!("PRAGMA auto_vacuum = '{}'", geometry.auto_vacuum),
        format!("PRAGMA user_version = '{}'", geometry.user_version),
        format!("PRAGMA application_id = '{}'", geometry.application_id),
    ]
}

/// The statements as text, each with its semicolon on a line of its own.
pub struct TextSink<F: FnMut(&[u8]) -> Result<()>> {
    write: F,
}

impl<F: FnMut(&[u8]) -> Result<()>> TextSink<F> {
    /// `write` gets the text, statement by statement.
    pub fn new(write: F) -> Self {
        Self { write }
    }
}

impl<F: FnMut(&[u8]) -> Result<()>> Sink for TextSink<F> {
    fn statement(&mut self, sql: &[u8]) -> Result<()> {
        (self.write)(&[sql, b";\n"].concat())
    }
}

/// The statements are run on a connection whose database is empty. One that fails because of what it says is left out.
pub struct IntoDatabase<'a> {
    connection: &'a Connection,
    insert: Option<(Vec<u8>, Statement)>,
}

impl<'a> IntoDatabase<'a> {
    /// Run them here.
    pub fn new(connection: &'a Connection) -> Self {
        Self { connection, insert: None }
    }
}

/// A failure that says nothing about the database as a whole.
fn only_this_statement(error: Error) -> Result<()> {
    match ResultCode(error.code().0 & 0xff) {
        ResultCode::ERROR
        | ResultCode::CONSTRAINT
        | ResultCode::MISMATCH
        | ResultCode::TOOBIG
        | ResultCode::CORRUPT => Ok(()),
        _ => Err(error),
    }
}

impl Sink for IntoDatabase<'_> {
    fn statement(&mut self, sql: &[u8]) -> Result<()> {
        self.insert = None;
        self.connection.execute_batch(sql).or_else(only_this_statement)
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        if self.insert.as_ref().is_none_or(|(head, _)| head != row.head) {
            self.insert = None;
            let marks = vec!["?"; row.values.len()].join(",");
            let sql = [row.head, b" VALUES (", marks.as_bytes(), b")"].concat();
            let statement = match self.connection.prepare(&sql) {
                Ok(prepared) => prepared.statement,
                Err(error) => return only_this_statement(error),
            };
            let Some(statement) = statement else { return Ok(()) };
            self.insert = Some((row.head.to_vec(), statement));
        }
        let Some((_, statement)) = &mut self.insert else { return Ok(()) };
        for (i, value) in row.values.iter().enumerate() {
            statement.bind(i + 1, value.clone()).or_else(only_this_statement)?;
        }
        let mut result = Ok(());
        loop {
            match statement.step() {
                Ok(StepResult::Row) => {}
                Ok(StepResult::Done) => break,
                Err(error) => {
                    result = only_this_statement(error);
                    break;
                }
            }
        }
        statement.reset();
        result
    }

    fn begin(&mut self, geometry: Geometry) -> Result<()> {
        settings(&geometry).iter().try_for_each(|sql| self.connection.execute_batch(sql))?;
        self.connection.execute_batch("PRAGMA foreign_keys = OFF; BEGIN; PRAGMA writable_schema = ON")
    }
}

/// A value as a literal.
pub(crate) fn write_literal(value: &Value, one_line: bool, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"NULL"),
        Value::Integer(_) => value.as_ref().write_text(out),
        Value::Real(real) if real.is_infinite() => {
            out.extend_from_slice(if *real > 0.0 { b"9.0e+999" } else { b"-9.0e+999" });
        }
        Value::Real(_) => value.as_ref().write_text(out),
        Value::Blob(bytes) => write_blob(bytes, out),
        Value::Text(text) if text.contains(&0) => {
            // A literal ends at a zero byte; the value must not.
            out.extend_from_slice(b"CAST(");
            write_blob(text, out);
            out.extend_from_slice(b" AS TEXT)");
        }
        Value::Text(text) if one_line => write_one_line(text, out),
        Value::Text(text) => write_quoted(text, out),
    }
}

fn write_blob(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(b"X'");
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    out.push(b'\'');
}

/// A text between single quotes.
pub(crate) fn write_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'\'');
    for &byte in text {
        if byte == b'\'' {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'\'');
}

/// A text literal without line ends: `replace('a\nb','\n', char(10))`.
fn write_one_line(text: &[u8], out: &mut Vec<u8>) {
    let word = |byte: u8, first: &str, second: &str| text.contains(&byte).then(|| stand_in(text, first, second));
    let (newline, carriage) = (word(b'\n', "\\n", "\\012"), word(b'\r', "\\r", "\\015"));
    for _ in newline.iter().chain(&carriage) {
        out.extend_from_slice(b"replace(");
    }
    let mut replaced = Vec::with_capacity(text.len());
    for &byte in text {
        match (byte, &newline, &carriage) {
            (b'\n', Some(word), _) | (b'\r', _, Some(word)) => replaced.extend_from_slice(word.as_bytes()),
            _ => replaced.push(byte),
        }
    }
    write_quoted(&replaced, out);
    for (word, code) in [(newline, 10), (carriage, 13)] {
        if let Some(word) = word {
            out.extend_from_slice(format!(",'{word}', char({code}))").as_bytes());
        }
    }
}

/// A word that the text does not hold.
fn stand_in(text: &[u8], first: &str, second: &str) -> String {
    let holds = |word: &str| text.windows(word.len()).any(|w| w == word.as_bytes());
    if !holds(first) {
        return first.to_owned();
    }
    if !holds(second) {
        return second.to_owned();
    }
    (0u32..).map(|i| format!("({first}{i})")).find(|word| !holds(word)).unwrap_or_default()
}

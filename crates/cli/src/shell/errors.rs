//! Errors of statements, with the place in the text.

use turso_core::{Error, ResultCode};

/// An error of a statement and where the statement begins in the text.
pub struct Failure {
    pub error: Error,
    /// Byte offset of the statement in the text that was run.
    pub start: usize,
    /// It could not be prepared.
    pub parsing: bool,
}

impl Failure {
    /// The exit code of a session that ends with it.
    pub fn exit_code(&self) -> u8 {
        u8::try_from(self.error.code().primary().0).unwrap_or(1).max(1)
    }

    fn code_suffix(&self) -> String {
        let code = self.error.code().primary();
        if code == ResultCode::ERROR { String::new() } else { format!(" ({})", code.0) }
    }

    /// As `sqlite3` reports an error in a script; `line` is where the text began.
    pub fn for_script(&self, text: &[u8], line: Option<usize>) -> String {
        let place = line.map_or(String::new(), |line| format!(" near line {line}"));
        if self.parsing {
            format!("Parse error{place}: {}{}{}", self.error.message(), self.code_suffix(), self.excerpt(text))
        } else {
            format!("Runtime error{place}: {}{}", self.error.message(), self.code_suffix())
        }
    }

    /// As `sqlite3` reports an error in an argument.
    pub fn for_argument(&self, text: &[u8]) -> String {
        if self.parsing {
            format!("Error: in prepare, {}{}{}", self.error.message(), self.code_suffix(), self.excerpt(text))
        } else {
            format!("Error: stepping, {}{}", self.error.message(), self.code_suffix())
        }
    }

    /// As `.log` notes it.
    pub fn for_log(&self, text: &[u8]) -> String {
        let rest = String::from_utf8_lossy(text.get(self.start..).unwrap_or_default()).trim_end().to_owned();
        let (code, message) = (self.error.code().0, self.error.message());
        if self.parsing {
            format!("({code}) {message} in \"{rest}\"")
        } else {
            format!("({code}) statement aborts: {message}; [{rest}]")
        }
    }

    /// The part of the text around the place of the error, with an arrow below.
    fn excerpt(&self, text: &[u8]) -> String {
        let Error::Failed(failure) = &self.error else { return String::new() };
        let Some(offset) = failure.sql_offset else { return String::new() };
        excerpt(text.get(self.start..).unwrap_or_default(), offset as usize)
    }
}

/// The line and the arrow: at most 78 bytes of the text, at most 50 of them before the place.
fn excerpt(statement: &[u8], mut offset: usize) -> String {
    let is_start = |at: usize| statement.get(at).is_none_or(|b| b & 0xc0 != 0x80);
    if offset >= statement.len() || !is_start(offset) {
        return String::new();
    }
    let mut begin = 0;
    while offset > 50 {
        begin += 1;
        offset -= 1;
        while !is_start(begin) {
            begin += 1;
            offset = offset.saturating_sub(1);
        }
    }
    let mut length = (statement.len() - begin).min(78);
    while !is_start(begin + length) {
        length -= 1;
    }
    let code: Vec<u8> =
        statement[begin..begin + length].iter().map(|b| if b.is_ascii_whitespace() { b' ' } else { *b }).collect();
    let arrow = if offset < 25 {
        format!("{}^--- error here", " ".repeat(offset))
    } else {
        format!("{}error here ---^", " ".repeat(offset - 14))
    };
    format!("\n  {}\n  {arrow}", String::from_utf8_lossy(&code))
}

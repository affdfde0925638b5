//! Rows of separated values, quoted or not.

use std::io::BufRead;

/// Separators of a file.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub column: u8,
    pub row: u8,
    /// Fields may be between double quotes.
    pub quotes: bool,
}

impl Style {
    /// Comma-separated values.
    pub fn csv() -> Self {
        Self { column: b',', row: b'\n', quotes: true }
    }

    /// The separators of ASCII.
    pub fn ascii() -> Self {
        Self { column: 0x1f, row: 0x1e, quotes: false }
    }
}

/// Reads rows.
pub struct Reader<R> {
    input: R,
    style: Style,
    /// The name for messages.
    pub name: String,
    /// The line that is being read, from 1.
    line: u64,
    /// The line on which the row began.
    pub row_line: u64,
    pub bytes_read: u64,
    /// Nothing has been read from the input.
    pub is_empty: bool,
    started: bool,
    ended: bool,
    /// The input ended where the row's next field would have begun.
    pub cut: bool,
    /// What is wrong with the fields of the row.
    pub messages: Vec<String>,
}

/// What ended a field.
#[derive(PartialEq)]
enum End {
    Column,
    Row,
    Input,
}

impl<R: BufRead> Reader<R> {
    /// A reader.
    pub fn new(input: R, style: Style, name: String) -> Self {
        Self {
            input,
            style,
            name,
            line: 1,
            row_line: 1,
            bytes_read: 0,
            is_empty: true,
            started: false,
            ended: false,
            cut: false,
            messages: Vec::new(),
        }
    }

    /// Lines read so far.
    pub fn lines(&self) -> u64 {
        self.line - 1
    }

    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.input.fill_buf() {
                Ok(bytes) => return bytes.first().copied(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.input.consume(1);
        self.bytes_read += 1;
        self.is_empty = false;
        Some(byte)
    }

    /// The next row; false at the end of the input.
    pub fn row(&mut self, fields: &mut Vec<Vec<u8>>) -> bool {
        fields.clear();
        if self.ended {
            return false;
        }
        if !self.started {
            self.started = true;
            self.skip_byte_order_mark();
        }
        self.row_line = self.line;
        loop {
            let mut field = Vec::new();
            let end = self.field(&mut field);
            if end == End::Input && fields.is_empty() && field.is_empty() {
                self.ended = true;
                return false;
            }
            if end == End::Input && field.is_empty() {
                self.ended = true;
                self.cut = true;
                return true;
            }
            fields.push(field);
            match end {
                End::Column => {}
                End::Row => return true,
                End::Input => {
                    self.ended = true;
                    return true;
                }
            }
        }
    }

    fn skip_byte_order_mark(&mut self) {
        if self.style.quotes && self.input.fill_buf().is_ok_and(|bytes| bytes.starts_with("\u{feff}".as_bytes())) {
            self.input.consume(3);
            self.bytes_read += 3;
        }
    }

    fn field(&mut self, field: &mut Vec<u8>) -> End {
        if self.style.quotes && self.peek() == Some(b'"') {
            return self.quoted_field(field);
        }
        let (column, row) = (self.style.column, self.style.row);
        match self.run_until(field, |bytes| memchr::memchr2(column, row, bytes)) {
            None => End::Input,
            Some(byte) if byte == column => End::Column,
            Some(_) => {
                self.line += 1;
                if self.style.quotes && field.last() == Some(&b'\r') {
                    field.pop();
                }
                End::Row
            }
        }
    }

    /// Take all bytes before the one that `find` finds into the field, and that one too, which is the answer; `None` at the end.
    fn run_until(&mut self, field: &mut Vec<u8>, find: impl Fn(&[u8]) -> Option<usize>) -> Option<u8> {
        loop {
            let bytes = match self.input.fill_buf() {
                Ok([]) => return None,
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return None,
            };
            let found = find(bytes);
            let run = &bytes[..found.unwrap_or(bytes.len())];
            field.extend_from_slice(run);
            let (taken, byte) = (run.len() + usize::from(found.is_some()), found.map(|at| bytes[at]));
            self.input.consume(taken);
            self.bytes_read += taken as u64;
            self.is_empty = false;
            if byte.is_some() {
                return byte;
            }
        }
    }

    /// A field between quotes. A quote inside is doubled; what follows the closing one and is no separator belongs to the
    /// field, with a complaint.
    fn quoted_field(&mut self, field: &mut Vec<u8>) -> End {
        let start = self.line;
        let _ = self.next();
        // The bytes before the present one: a quote there may have been the closing one.
        let (mut previous, mut before) = (0, 0);
        let row = self.style.row;
        loop {
            // What stands before the next quote or row separator belongs to the field as it is, unless a quote precedes it.
            let byte = if previous == b'"' {
                self.next()
            } else {
                let length = field.len();
                let byte = self.run_until(field, |bytes| memchr::memchr2(b'"', row, bytes));
                match &field[length..] {
                    [] => {}
                    [only] => (before, previous) = (previous, *only),
                    [.., last_but_one, last] => (before, previous) = (*last_but_one, *last),
                }
                byte
            };
            if byte == Some(row) {
                self.line += 1;
            }
            if byte == Some(b'"') && previous == b'"' {
                previous = 0;
                continue;
            }
            let closed = previous == b'"';
            let end = match byte {
                Some(b) if b == self.style.column && closed => Some(End::Column),
                Some(b) if b == self.style.row && (closed || previous == b'\r' && before == b'"') => Some(End::Row),
                None if closed => Some(End::Input),
                _ => None,
            };
            if let Some(end) = end {
                let quote = field.iter().rposition(|b| *b == b'"').unwrap_or(field.len());
                field.truncate(quote);
                return end;
            }
            if closed && byte != Some(b'\r') {
                self.messages.push(format!("{}:{}: unescaped \" character", self.name, self.line));
            }
            let Some(byte) = byte else {
                self.messages.push(format!("{}:{start}: unterminated \"-quoted field", self.name));
                return End::Input;
            };
            field.push(byte);
            before = previous;
            previous = byte;
        }
    }
}

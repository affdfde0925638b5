//! The text of a statement with the values of its parameters in their places (`sqlite3_expanded_sql`).

use turso_value::Value;

use crate::statement::Statement;

impl Statement {
    /// The text with each parameter replaced by its value as a literal.
    pub fn expanded_sql(&self) -> Vec<u8> {
        let sql = self.sql();
        let mut out = Vec::with_capacity(sql.len());
        let mut copied = 0;
        let mut last_number = 0;
        for span in turso_parser::parameter_spans(sql) {
            let (start, end) = (span.start as usize, span.end as usize);
            out.extend_from_slice(sql.get(copied..start).unwrap_or_default());
            let name = sql.get(start..end).unwrap_or_default();
            let number = match name {
                b"?" => last_number + 1,
                [b'?', digits @ ..] => usize::try_from(turso_value::number::parse_integer_prefix(digits)).unwrap_or(0),
                _ => std::str::from_utf8(name).ok().and_then(|name| self.parameter_index(name)).unwrap_or(0),
            };
            last_number = last_number.max(number);
            write_value(self.parameter(number).unwrap_or(&Value::Null), &mut out);
            copied = end;
        }
        out.extend_from_slice(sql.get(copied..).unwrap_or_default());
        out
    }
}

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"NULL"),
        Value::Integer(_) | Value::Real(_) => value.as_ref().write_text(out),
        Value::Text(text) => {
            out.push(b'\'');
            for &byte in text {
                if byte == b'\'' {
                    out.push(b'\'');
                }
                out.push(byte);
            }
            out.push(b'\'');
        }
        Value::Blob(blob) => {
            out.extend_from_slice(b"x'");
            for &byte in blob {
                out.push(HEX_DIGITS[usize::from(byte >> 4)]);
                out.push(HEX_DIGITS[usize::from(byte & 15)]);
            }
            out.push(b'\'');
        }
    }
}

//! The text of a statement with the values of its parameters in their places (`sqlite3_expanded_sql`).

use std::collections::HashMap;

use turso_value::Value;

use crate::statement::Statement;

impl Statement {
    /// The text with each parameter replaced by its value as a literal.
    pub fn expanded_sql(&self) -> Vec<u8> {
        expand_sql(self.sql(), self.parameters())
    }
}

/// Write each bound value as a literal where its parameter stands; everything else stays as it is.
pub(crate) fn expand_sql(sql: &[u8], parameters: &[Value]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sql.len());
    let mut numbers: HashMap<&[u8], usize> = HashMap::new();
    let mut largest = 0;
    let mut copied = 0;
    for span in turso_parser::parameter_spans(sql) {
        let (start, end) = (span.start as usize, span.end as usize);
        let name = sql.get(start..end).unwrap_or_default();
        let number = match name {
            b"?" => largest + 1,
            [b'?', digits @ ..] => usize::try_from(turso_value::number::parse_integer_prefix(digits)).unwrap_or(0),
            _ => *numbers.entry(name).or_insert(largest + 1),
        };
        largest = largest.max(number);
        out.extend_from_slice(sql.get(copied..start).unwrap_or_default());
        copied = end;
        write_value(number.checked_sub(1).and_then(|i| parameters.get(i)).unwrap_or(&Value::Null), &mut out);
    }
    out.extend_from_slice(sql.get(copied..).unwrap_or_default());
    out
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

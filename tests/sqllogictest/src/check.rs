//! Formatting, sorting and hashing of results as the corpus expects them.

use md5::{Digest, Md5};

use crate::engine::Cell;
use crate::script::Sort;

/// Print the cells by the record's type letters.
pub fn format_cells(cells: &[Cell], types: &str) -> Vec<String> {
    let types = types.as_bytes();
    cells
        .iter()
        .enumerate()
        .map(|(i, cell)| match (types.get(i % types.len().max(1)).copied().unwrap_or(b'T'), cell) {
            (_, Cell::Null) => "NULL".to_string(),
            (b'I', Cell::Integer(n)) => n.to_string(),
            (b'I', Cell::Real(r)) => (*r as i64).to_string(),
            (b'I', Cell::Bytes(b)) => leading_integer(b).to_string(),
            (b'R', Cell::Integer(n)) => three_decimals(*n as f64),
            (b'R', Cell::Real(r)) => three_decimals(*r),
            (b'R', Cell::Bytes(b)) => three_decimals(String::from_utf8_lossy(b).trim().parse().unwrap_or(0.0)),
            (_, Cell::Integer(n)) => n.to_string(),
            (_, Cell::Real(r)) => format!("{r:?}"),
            (_, Cell::Bytes(b)) if b.is_empty() => "(empty)".to_string(),
            (_, Cell::Bytes(b)) => {
                b.iter().map(|&c| if (b' '..=b'~').contains(&c) { c as char } else { '@' }).collect()
            }
        })
        .collect()
}

/// `%.3f` as the corpus was printed: at most 16 significant digits, zeros after them.
fn three_decimals(r: f64) -> String {
    if r.abs() < 1e13 {
        return format!("{r:.3}");
    }
    let scientific = format!("{r:.15e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits = mantissa.replace('.', "");
    let places = exponent.parse().unwrap_or(0usize) + 1;
    if places < digits.len() {
        return format!("{sign}{}.{:0<3}", &digits[..places], &digits[places..]);
    }
    format!("{sign}{digits}{}.000", "0".repeat(places - digits.len()))
}

fn leading_integer(text: &[u8]) -> i64 {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|&(i, c)| !(c.is_ascii_digit() || (i == 0 && (c == '-' || c == '+'))))
        .map_or(text.len(), |(i, _)| i);
    text[..end].parse().unwrap_or(0)
}

/// Order the values as the record asks.
pub fn sort_values(values: Vec<String>, columns: usize, sort: Sort) -> Vec<String> {
    match sort {
        Sort::None => values,
        Sort::Values => {
            let mut values = values;
            values.sort();
            values
        }
        Sort::Rows => {
            let mut rows: Vec<&[String]> = values.chunks(columns.max(1)).collect();
            rows.sort();
            rows.concat()
        }
    }
}

/// `N values hashing to H`: each value followed by a newline.
pub fn hash_line(values: &[String]) -> String {
    let mut hash = Md5::new();
    for value in values {
        hash.update(value.as_bytes());
        hash.update(b"\n");
    }
    let digest: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    format!("{} values hashing to {digest}", values.len())
}

/// Does a result agree with what the record lists? `None` when it does, else a short description.
pub fn difference(values: &[String], expected: &[String]) -> Option<String> {
    if let [only] = expected
        && only.contains(" values hashing to ")
    {
        let got = hash_line(values);
        return (got != *only).then(|| format!("expected {only}, got {got}"));
    }
    if values == expected {
        return None;
    }
    let at = values.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(values.len().min(expected.len()));
    Some(format!(
        "{} values, expected {}; first difference at {at}: got {:?}, expected {:?}",
        values.len(),
        expected.len(),
        values.get(at),
        expected.get(at)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_by_type_letter() {
        let cells = [Cell::Integer(3), Cell::Real(2.5), Cell::Bytes(b"a\nb".to_vec()), Cell::Null];
        assert_eq!(format_cells(&cells, "IRTT"), ["3", "2.500", "a@b", "NULL"]);
        assert_eq!(format_cells(&cells[1..2], "I"), ["2"]);
        assert_eq!(format_cells(&[Cell::Real(-9223372036854775808.0)], "R"), ["-9223372036854776000.000"]);
    }

    #[test]
    fn rows_sort_as_lists_of_texts() {
        let values = ["2", "a", "10", "b"].map(String::from).to_vec();
        assert_eq!(sort_values(values.clone(), 2, Sort::Rows), ["10", "b", "2", "a"]);
        assert_eq!(sort_values(values, 2, Sort::Values), ["10", "2", "a", "b"]);
    }
}

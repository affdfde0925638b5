//! ZIP archives: the table-valued function `zipfile(FILE or BLOB)`, the virtual table `USING zipfile(FILE)`, the aggregate
//! `zipfile(NAME, …)` that makes a blob, and `zipfile_cds(Z)`.

mod aggregate;
mod archive;
mod cursor;
mod format;
mod table;

pub use aggregate::{Building, record_as_json};
pub use table::Module;

use turso_core::{Error, Result, Value};

use format::{DIRECTORY, TYPE_MASK};

/// The mode that a value stands for: a number, `-rw-r--r--`, or what is usual for files or directories.
fn mode_of(value: &Value, is_directory: bool) -> Result<u32> {
    let text = crate::render::text_of(value);
    let mode = match text.as_deref() {
        None => return Ok(if is_directory { 0o040_755 } else { 0o100_644 }),
        Some(text) if text.first().is_some_and(u8::is_ascii_digit) => value.to_integer() as u32,
        Some(text) => parse_mode(text)
            .ok_or_else(|| Error::sql(format!("zipfile: parse error in mode: {}", String::from_utf8_lossy(text))))?,
    };
    Ok(mode)
}

fn parse_mode(text: &[u8]) -> Option<u32> {
    let (kind, letters) = text.split_first()?;
    let kind = match kind {
        b'-' => 0o100_000,
        b'd' => DIRECTORY,
        b'l' => 0o120_000,
        _ => return None,
    };
    let template = b"rwxrwxrwx";
    if letters.len() != template.len() {
        return None;
    }
    let permissions = letters.iter().zip(template).try_fold(0, |bits, (letter, wanted)| match letter {
        b'-' => Some(bits << 1),
        letter if letter == wanted => Some(bits << 1 | 1),
        _ => None,
    });
    Some(kind | permissions?)
}

/// Content and mode agree on whether there is a directory.
fn agrees(mode: u32, is_directory: bool) -> bool {
    (mode & TYPE_MASK == DIRECTORY) == is_directory
}

/// Seconds since 1970.
fn time_of(value: &Value) -> i64 {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    if matches!(value, Value::Null) { now() } else { value.to_integer() }
}

/// The bytes of a value.
fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Blob(bytes) | Value::Text(bytes) => Some(bytes.to_vec()),
        number => crate::render::text_of(number).map(|text| text.to_vec()),
    }
}

/// Names of directories end with a slash in an archive, and are the same without.
fn without_slash(name: &[u8]) -> &[u8] {
    name.strip_suffix(b"/").unwrap_or(name)
}

/// The name of an entry as the archive has it.
fn stored_name(mut name: Vec<u8>, is_directory: bool) -> Vec<u8> {
    if is_directory && !name.ends_with(b"/") {
        name.push(b'/');
    }
    name
}

//! `edit(VALUE [, EDITOR])`: a value, changed by a person in an editor of the system.

use std::process::Command;

use turso_core::functions::Context;
use turso_core::{Error, Result, Value};

use crate::render::text_of;

/// Write the value to a file, let the editor have it, and read it again. A text stays a text, a blob a blob.
pub fn edit(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let editor = match args.get(1) {
        Some(editor) => text_of(editor).map(|text| String::from_utf8_lossy(&text).into_owned()),
        None => std::env::var("VISUAL").ok(),
    };
    let Some(editor) = editor else { return Err(Error::sql("no editor for edit()")) };
    let content = match args.first() {
        None | Some(Value::Null) => return Err(Error::sql("NULL input to edit()")),
        Some(Value::Blob(bytes) | Value::Text(bytes)) => bytes.clone(),
        Some(number) => text_of(number).unwrap_or_default(),
    };
    let path = std::env::temp_dir().join(format!("tursodb-edit-{}", std::process::id()));
    let failed = |what: &str| Error::sql(format!("edit() failed to {what} its temporary file"));
    std::fs::write(&path, &content).map_err(|_| failed("write"))?;
    let command = format!("{editor} \"{}\"", path.display());
    let status = Command::new("sh").args(["-c", &command]).status();
    let edited = std::fs::read(&path);
    let _ = std::fs::remove_file(&path);
    if !status.is_ok_and(|status| status.success()) {
        return Err(Error::sql("EDITOR returned non-zero"));
    }
    let edited = edited.map_err(|_| failed("read"))?;
    match args.first() {
        Some(Value::Blob(_)) => ctx.blob(&edited),
        _ => ctx.text(&edited),
    }
}

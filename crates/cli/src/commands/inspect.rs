//! Commands that look at the database file, the engine and the back ends.

use turso_core::Value;

use super::Outcome;
use crate::shell::{BACKENDS, Flow, Shell};

/// `.version`
pub fn version(shell: &mut Shell, _: &[&str]) -> Outcome {
    let engine = shell.column("SELECT sqlite_version() || ' ' || sqlite_source_id()").map_err(super::text)?.concat();
    shell.line(format!("Turso {} SQLite {engine}", env!("CARGO_PKG_VERSION")));
    Ok(Flow::Continue)
}

fn vfs_of(shell: &Shell) -> &'static str {
    match (shell.path(), shell.access.vfs.as_deref()) {
        ("" | ":memory:", _) | (_, Some("memory")) => "memory",
        _ => "syscall",
    }
}

/// `.vfslist`
pub fn vfs_list(shell: &mut Shell, _: &[&str]) -> Outcome {
    shell.line("Available VFS modules:");
    for name in BACKENDS {
        shell.line(name);
    }
    Ok(Flow::Continue)
}

/// `.vfsname`
pub fn vfs_name(shell: &mut Shell, _: &[&str]) -> Outcome {
    shell.connection();
    let name = vfs_of(shell);
    shell.line(name);
    Ok(Flow::Continue)
}

/// `.vfsinfo`
pub fn vfs_info(shell: &mut Shell, _: &[&str]) -> Outcome {
    shell.connection();
    let name = vfs_of(shell);
    shell.line(format!("vfs.zName      = \"{name}\""));
    Ok(Flow::Continue)
}

/// `.intck`
pub fn integrity_check(shell: &mut Shell, _: &[&str]) -> Outcome {
    let lines = shell.column("PRAGMA integrity_check").map_err(super::text)?;
    let errors = if lines == ["ok"] { 0 } else { lines.len() };
    if errors > 0 {
        lines.iter().for_each(|line| shell.line(line));
    }
    shell.line(format!("{} steps, {errors} errors", 1));
    Ok(Flow::Continue)
}

/// Fields of the header: label, offset, bytes.
const HEADER: [(&str, usize, usize); 14] = [
    ("database page size:", 16, 2),
    ("write format:", 18, 1),
    ("read format:", 19, 1),
    ("reserved bytes:", 20, 1),
    ("file change counter:", 24, 4),
    ("database page count:", 28, 4),
    ("freelist page count:", 36, 4),
    ("schema cookie:", 40, 4),
    ("schema format:", 44, 4),
    ("default cache size:", 48, 4),
    ("autovacuum top root:", 52, 4),
    ("incremental vacuum:", 64, 4),
    ("text encoding:", 56, 4),
    ("user version:", 60, 4),
];

/// The rest of the header.
const HEADER_END: [(&str, usize, usize); 2] = [("application id:", 68, 4), ("software version:", 96, 4)];

/// `.dbinfo`
pub fn dbinfo(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let db = arguments.first().copied().unwrap_or("main");
    let page = shell.rows_with("SELECT data FROM sqlite_dbpage(?1) WHERE pgno = 1", &[Value::Text(db.into())]);
    let page = page.map_err(|error| format!("error: {}", error.message()))?;
    let header = match page.first().map(Vec::as_slice) {
        Some([Value::Blob(page)]) if page.len() > 100 => page,
        _ => return Err("unable to read database header".into()),
    };
    let number =
        |offset: usize, bytes: usize| header[offset..offset + bytes].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    for (label, offset, bytes) in HEADER.into_iter().chain(HEADER_END) {
        let mut value = number(offset, bytes);
        if offset == 16 && value == 1 {
            value = 65536;
        }
        let note = match (offset, value) {
            (56, 1) => " (utf8)",
            (56, 2) => " (utf16le)",
            (56, 3) => " (utf16be)",
            _ => "",
        };
        shell.line(format!("{label:<20} {value}{note}"));
    }
    let schema = if db.eq_ignore_ascii_case("temp") {
        "sqlite_temp_schema".to_owned()
    } else {
        format!("{}.sqlite_schema", super::double_quote(db))
    };
    for (label, condition) in [
        ("number of tables:", "type = 'table'"),
        ("number of indexes:", "type = 'index'"),
        ("number of triggers:", "type = 'trigger'"),
        ("number of views:", "type = 'view'"),
    ] {
        let count = shell.column(&format!("SELECT count(*) FROM {schema} WHERE {condition}")).map_err(super::text)?;
        shell.line(format!("{label:<20} {}", count.concat()));
    }
    let size =
        shell.column(&format!("SELECT total(length(CAST(sql AS BLOB))) FROM {schema}")).map_err(super::text)?.concat();
    shell.line(format!("{:<20} {}", "schema size:", size.trim_end_matches(".0")));
    let version = shell.column(&format!("PRAGMA {}.data_version", super::double_quote(db))).map_err(super::text)?;
    shell.line(format!("{:<20} {}", "data version", version.concat()));
    Ok(Flow::Continue)
}

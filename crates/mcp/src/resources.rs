//! What clients may read: the schema, and the columns and first rows of each table.

use rmcp::model::{Resource, ResourceContents, ResourceTemplate};
use serde_json::{Value as Json, json};

use crate::gate::Purpose;
use crate::json::{text_of, to_json};
use crate::session::Session;
use crate::tools::{columns_of, table_names};

const SCHEMA: &str = "turso://schema";
const TABLES: &str = "turso://tables/";
/// Rows of a table's sample.
const SAMPLE: usize = 100;

/// The schema, and one resource for each table.
pub fn list(session: &Session) -> Result<Vec<Resource>, String> {
    let mut resources = vec![
        Resource::new(SCHEMA, "schema")
            .with_description("The CREATE statements of the database")
            .with_mime_type("application/sql"),
    ];
    resources.extend(table_names(session)?.into_iter().map(|name| {
        Resource::new(format!("{TABLES}{}", encoded(&name)), name.clone())
            .with_description(format!("The columns of table {name}"))
            .with_mime_type("application/json")
    }));
    Ok(resources)
}

/// The forms of addresses.
pub fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(format!("{TABLES}{{table}}"), "table")
            .with_description("The columns of a table")
            .with_mime_type("application/json"),
        ResourceTemplate::new(format!("{TABLES}{{table}}/rows"), "rows")
            .with_description("The first rows of a table")
            .with_mime_type("application/json"),
    ]
}

/// Read one; `None` where there is none at this address.
pub fn read(session: &Session, uri: &str) -> Result<Option<ResourceContents>, String> {
    if uri == SCHEMA {
        let rows = session.own("SELECT tbl_name, sql FROM sqlite_schema WHERE sql NOT NULL ORDER BY rowid", &[])?;
        let statements: Vec<String> = rows
            .iter()
            .filter(|row| row.first().is_some_and(|name| session.shows(&text_of(name))))
            .filter_map(|row| row.get(1))
            .map(|sql| format!("{};\n", text_of(sql)))
            .collect();
        return Ok(Some(ResourceContents::text(statements.concat(), uri).with_mime_type("application/sql")));
    }
    let Some(rest) = uri.strip_prefix(TABLES) else { return Ok(None) };
    let (name, rows) = match rest.strip_suffix("/rows") {
        Some(name) => (decoded(name), true),
        None => (decoded(rest), false),
    };
    let columns = columns_of(session, &name)?;
    if columns.is_empty() {
        return Ok(None);
    }
    let content = if rows { sample(session, &name)? } else { description(&name, &columns) };
    Ok(Some(ResourceContents::text(content.to_string(), uri).with_mime_type("application/json")))
}

fn description(name: &str, columns: &[Vec<turso_core::Value>]) -> Json {
    let keys = ["position", "name", "type", "not_null", "default", "primary_key", "hidden"];
    let columns: Vec<Json> = columns
        .iter()
        .map(|column| keys.iter().zip(column).map(|(key, value)| ((*key).to_owned(), to_json(value))).collect())
        .collect();
    json!({ "table": name, "columns": columns })
}

fn sample(session: &Session, name: &str) -> Result<Json, String> {
    let mut limits = session.options.limits;
    limits.rows = limits.rows.min(SAMPLE);
    let sql = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
    Ok(session.run(&sql, &Json::Null, Purpose::Read, limits)?.structured())
}

/// A name as part of an address.
fn encoded(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'~');
    name.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = text.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(code.unwrap_or(byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

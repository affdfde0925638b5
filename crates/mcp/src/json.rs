//! Values and parameters between JSON and SQL.

use serde_json::{Map, Number, Value as Json, json};
use turso_core::{Statement, Value};

/// A value for structured results. Blobs are hexadecimal texts in an object, since JSON has no bytes.
pub fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(i) => json!(i),
        Value::Real(r) => Number::from_f64(*r).map_or_else(|| json!(text_of(value)), Json::Number),
        Value::Text(text) => json!(String::from_utf8_lossy(text)),
        Value::Blob(bytes) => json!({ "hex": hex(bytes) }),
    }
}

/// A value in a table of text.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "NULL".into(),
        Value::Blob(bytes) => format!("x'{}'", hex(bytes)),
        other => {
            let mut text = Vec::new();
            other.as_ref().write_text(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let digits = digits.filter(|d| d.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn from_json(value: &Json) -> Result<Value, String> {
    Ok(match value {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Integer(i64::from(*b)),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(i), _) => Value::Integer(i),
            (None, Some(r)) => Value::real(r),
            (None, None) => return Err(format!("Invalid parameter: {n}")),
        },
        Json::String(text) => Value::text(text.as_bytes()),
        Json::Object(map) if map.len() == 1 => {
            let bytes = map.get("hex").and_then(Json::as_str).and_then(bytes_of);
            Value::Blob(bytes.ok_or("Invalid parameter: an object must be {\"hex\": \"…\"}")?)
        }
        _ => return Err("Invalid parameter: arrays and objects cannot be bound".into()),
    })
}

/// Bind the parameters: an array by number, an object by name (with or without prefix).
pub fn bind(statement: &mut Statement, parameters: &Json) -> Result<(), String> {
    match parameters {
        Json::Null => Ok(()),
        Json::Array(list) => {
            if list.len() > statement.parameter_count() {
                return Err(format!(
                    "Invalid params: {} values for {} parameters",
                    list.len(),
                    statement.parameter_count()
                ));
            }
            for (i, value) in list.iter().enumerate() {
                statement.bind(i + 1, from_json(value)?).map_err(|error| error.message().to_owned())?;
            }
            Ok(())
        }
        Json::Object(map) => bind_named(statement, map),
        _ => Err("Invalid params: parameters must be an array or an object".into()),
    }
}

fn bind_named(statement: &mut Statement, map: &Map<String, Json>) -> Result<(), String> {
    for (name, value) in map {
        let spellings = [name.clone(), format!(":{name}"), format!("@{name}"), format!("${name}"), format!("?{name}")];
        let number = spellings.iter().find_map(|spelling| statement.parameter_index(spelling));
        let number = number.ok_or_else(|| format!("named parameter {name} not found"))?;
        statement.bind(number, from_json(value)?).map_err(|error| error.message().to_owned())?;
    }
    Ok(())
}

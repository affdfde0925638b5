//! JSON functions against the newest SQLite, over generated texts, paths and blobs.

mod support;

use rusqlite::Connection;
use support::*;
use turso_functions::Context;
use turso_functions::json::table::Rows;
use turso_value::Value;

fn json_text(random: &mut Random, depth: usize, out: &mut String) {
    let space = |random: &mut Random, out: &mut String| {
        if random.below(12) == 0 {
            out.push_str(random.pick::<&str>(&[" ", "\n", "\t ", "\u{b}", "/* c */", "//x\n", "\u{a0}", "\u{feff}"]));
        }
    };
    space(random, out);
    match random.below(if depth > 3 { 8 } else { 12 }) {
        0..=2 => out.push_str(random.pick::<&str>(&[
            "0",
            "1",
            "-1",
            "12",
            "1.5",
            "-0.5",
            "1e5",
            "1E+2",
            "2.50",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "123456789012345678901234567890",
            "0.0",
            "-0",
        ])),
        3 if random.below(4) == 0 => out.push_str(random.pick::<&str>(&[
            "0x1F",
            "-0x10",
            "+5",
            ".5",
            "-.5",
            "5.",
            "5.e3",
            "+.5e1",
            "Infinity",
            "-inf",
            "NaN",
            "0xffffffffffffffff",
            "0x1ffffffffffffffff",
            "01",
            "1.e",
            "-",
            "0x",
            "tru",
            "TRUE",
            "nullx",
            "+-1",
        ])),
        3..=5 => out.push_str(random.pick::<&str>(&[
            "\"\"",
            "\"a\"",
            "\"hello world\"",
            "\"\\n\\t\\\"\"",
            "\"\\u0041\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud800\"",
            "\"é\"",
            "\"it's\"",
            "'a'",
            "'it\"s'",
            "'\\''",
            "\"\\x41\"",
            "\"\\v\\0\"",
            "\"a\tb\"",
            "\"\\q\"",
            "\"\\u12\"",
            "\"abc",
            "\"aaaaaaaaaaaaaaaaaaaaaaaa\"",
            "\"\\/\"",
            "\"line\\\ncont\"",
            "\"\u{7f}\"",
        ])),
        6 => out.push_str("null"),
        7 => out.push_str(random.pick::<&str>(&["true", "false"])),
        8 | 9 => {
            out.push('[');
            let n = random.below(4);
            for i in 0..n {
                if i > 0 {
                    out.push(',');
                }
                json_text(random, depth + 1, out);
            }
            if n > 0 && random.below(15) == 0 {
                out.push(',');
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            let n = random.below(4);
            for i in 0..n {
                if i > 0 {
                    out.push(',');
                }
                space(random, out);
                out.push_str(random.pick::<&str>(&[
                    "\"a\"",
                    "\"b\"",
                    "\"c\"",
                    "\"a b\"",
                    "\"x.y\"",
                    "\"\"",
                    "\"\\u0041\"",
                    "\"a\\\"b\"",
                    "\"é\"",
                    "\"1\"",
                    "a",
                    "b",
                    "'c'",
                    "$x",
                    "\"A\"",
                    "\"a\"",
                    "\"b\"",
                    "\"[0]\"",
                ]));
                space(random, out);
                out.push(':');
                json_text(random, depth + 1, out);
            }
            if n > 0 && random.below(15) == 0 {
                out.push(',');
            }
            out.push('}');
        }
    }
    space(random, out);
    if random.below(120) == 0 {
        out.push_str(random.pick::<&str>(&["x", "]", "}", ",", "\0x", ":"]));
    }
}

fn json_value(random: &mut Random) -> Value {
    match random.below(30) {
        0 => random.pick(&everything()).clone(),
        1 => Value::Null,
        _ => {
            let mut text = String::new();
            if random.below(3) > 0 {
                // Mostly containers.
                text.push(' ');
                while !text.trim_start().starts_with(['{', '[']) {
                    text.clear();
                    json_text(random, 0, &mut text);
                }
            } else {
                json_text(random, 0, &mut text);
            }
            Value::from(text)
        }
    }
}

fn json_path(random: &mut Random) -> Value {
    if random.below(40) == 0 {
        return random.pick(&everything()).clone();
    }
    let mut path = String::from("$");
    for _ in 0..random.below(4) {
        path.push_str(random.pick::<&str>(&[
            ".a",
            ".b",
            ".c",
            ".\"a b\"",
            "[0]",
            "[1]",
            "[2]",
            "[#]",
            "[#-1]",
            "[#-2]",
            ".x",
            ".A",
            ".\"a\\\"b\"",
            ".\"\"",
            ".é",
            ".\"x.y\"",
            ".1",
        ]));
    }
    if random.below(25) == 0 {
        path.push_str(random.pick::<&str>(&[".", "[", "[x]", "[0", "[#-]", "x", ".\"a", "[]", "[-1]", "..a", "[#x]"]));
    }
    Value::from(path)
}

#[test]
fn parsing_and_printing() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(31);
    let mut report = Report::default();
    for _ in 0..3_000 {
        let json = [json_value(&mut random)];
        for name in [
            "json",
            "jsonb",
            "json_valid",
            "json_error_position",
            "json_type",
            "json_array_length",
            "json_pretty",
            "json_quote",
        ] {
            report.check(&db, name, &json);
        }
        report.check(&db, "json_valid", &[json[0].clone(), Value::Integer(1 + random.below(15) as i64)]);
    }
    report.finish();
}

#[test]
fn paths() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(32);
    let mut report = Report::default();
    for _ in 0..3_000 {
        let (json, path) = (json_value(&mut random), json_path(&mut random));
        for name in ["json_extract", "jsonb_extract", "json_type", "json_array_length", "json_remove", "jsonb_remove"] {
            report.check(&db, name, &[json.clone(), path.clone()]);
        }
        let second = json_path(&mut random);
        for name in ["json_extract", "jsonb_extract", "json_remove"] {
            report.check(&db, name, &[json.clone(), path.clone(), second.clone()]);
        }
    }
    report.finish();
}

#[test]
fn arrows() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(33);
    let mut report = Report::default();
    let steps = [
        "a", "b", "a b", "x.y", "", "1", "0", "[0]", "[#-1]", "$", "$.a", "$x", "a\"b", "é", "[", "[]", "[x]", "c", "A",
    ];
    for _ in 0..3_000 {
        let json = json_value(&mut random);
        let step = match random.below(4) {
            0 => Value::Integer(random.below(7) as i64 - 3),
            1 => json_path(&mut random),
            _ => Value::from(*random.pick(&steps)),
        };
        for name in ["->", "->>"] {
            let args = [json.clone(), step.clone()];
            let (theirs, ours) = (query(&db, &format!("SELECT ?1 {name} ?2"), &args), ours(name, &args));
            if !same(&theirs, &ours) {
                report.0.push(format!("{name}{args:?}\n    sqlite {theirs:?}\n    ours   {ours:?}"));
            }
        }
    }
    report.finish();
}

#[test]
fn edits() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(34);
    let mut report = Report::default();
    let values = [
        Value::Null,
        Value::Integer(7),
        Value::Real(1.5),
        Value::Real(f64::INFINITY),
        Value::text("x"),
        Value::text("it\"s\n"),
        Value::Blob(vec![0x13, 0x31]),
        Value::Blob(vec![0xff]),
        Value::Blob(vec![0x2b, 0x13, 0x31]),
        Value::text("[1]"),
        Value::text("long enough to need a longer header"),
    ];
    for _ in 0..3_000 {
        let json = json_value(&mut random);
        let mut args = vec![json.clone()];
        for _ in 0..1 + random.below(2) {
            args.push(json_path(&mut random));
            args.push(random.pick(&values).clone());
        }
        for name in ["json_insert", "json_replace", "json_set", "json_array_insert"] {
            report.check(&db, name, &args);
        }
        let patch = json_value(&mut random);
        report.check(&db, "json_patch", &[json.clone(), patch.clone()]);
        // SQLite pads headers to edit in place, so the bytes of an edited JSONB may differ; what they mean may not.
        for (name, args) in [("jsonb_set", &args), ("jsonb_patch", &vec![json, patch])] {
            let marks: Vec<String> = (1..=args.len()).map(|i| format!("?{i}")).collect();
            let theirs = query(&db, &format!("SELECT json({name}({}))", marks.join(",")), args);
            let ours = ours(name, args).and_then(|blob| ours("json", &[blob]));
            if !same(&theirs, &ours) {
                report.0.push(format!("{name}{args:?}\n    sqlite {theirs:?}\n    ours   {ours:?}"));
            }
        }
    }
    report.check(&db, "json_set", &[Value::from("{}"), Value::from("$.x")]);
    report.check(&db, "jsonb_replace", &[Value::from("{}"), Value::from("$.x")]);
    report.finish();
}

#[test]
fn building() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(35);
    let mut report = Report::default();
    let pool = everything();
    for _ in 0..2_000 {
        let args: Vec<Value> = (0..random.below(5)).map(|_| random.pick(&pool).clone()).collect();
        for name in ["json_array", "jsonb_array", "json_object", "jsonb_object"] {
            report.check(&db, name, &args);
        }
        report.check(&db, "json_quote", &[random.pick(&pool).clone()]);
    }
    report.finish();
}

#[test]
fn blobs_of_any_bytes() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(36);
    let mut report = Report::default();
    for _ in 0..8_000 {
        let mut blob: Vec<u8> = (0..1 + random.below(8))
            .map(|_| {
                *random.pick(&[
                    0x00, 0x01, 0x13, 0x31, 0x1b, 0x2b, 0x1c, 0x17, 0x61, 0x4c, 0x18, 0x5c, 0x19, 0x1a, 0xcb, 0x02,
                    0x0c,
                ])
            })
            .collect();
        if random.below(2) == 0 {
            blob.truncate(11);
            let size = blob.len() as u8;
            blob.insert(0, size << 4 | *random.pick(&[7u8, 11, 12]));
        }
        let blob = Value::Blob(blob);
        report.check(&db, "json_valid", &[blob.clone(), Value::Integer(8)]);
        report.check(&db, "json_valid", &[blob.clone(), Value::Integer(4)]);
        report.check(&db, "json_type", std::slice::from_ref(&blob));
    }
    report.finish();
}

#[test]
fn tables() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(37);
    let mut report = Report::default();
    for _ in 0..2_000 {
        let json = json_value(&mut random);
        let path = (random.below(3) == 0).then(|| json_path(&mut random));
        // SQLite takes an empty last label for part of the step before it.
        let path = path.filter(|p| !p.bytes().is_some_and(|p| p.ends_with(b"\"\"")));
        for (name, recursive) in [("json_each", false), ("json_tree", true)] {
            let theirs = table_of(&db, name, &json, path.as_ref());
            let ours = rows_of(&json, path.as_ref(), recursive);
            if theirs != ours {
                report.0.push(format!("{name}({json:?}, {path:?})\n    sqlite {theirs:?}\n    ours   {ours:?}"));
            }
        }
    }
    report.finish();
}

fn table_of(db: &Connection, name: &str, json: &Value, path: Option<&Value>) -> Result<Vec<Vec<Value>>, String> {
    let sql = format!(
        "SELECT key, value, type, atom, id, parent, fullkey, path FROM {name}(?1{})",
        if path.is_some() { ", ?2" } else { "" }
    );
    let mut statement = db.prepare_cached(&sql).unwrap();
    let text = |e: rusqlite::Error| match e {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        other => other.to_string(),
    };
    let mut found = match path {
        Some(path) => statement.query((Sql(json), Sql(path))),
        None => statement.query((Sql(json),)),
    }
    .map_err(text)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(text)? {
        rows.push((0..8).map(|i| from_sql(row.get_ref(i).unwrap())).collect());
    }
    Ok(rows)
}

fn rows_of(json: &Value, path: Option<&Value>, recursive: bool) -> Result<Vec<Vec<Value>>, String> {
    let text = |e: turso_error::Error| e.message().to_owned();
    let Some(mut walk) = Rows::open(json, path, recursive).map_err(text)? else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    while walk.advance().map_err(text)? {
        let mut row = Vec::new();
        for i in 0..8 {
            let mut value = Value::text("left over");
            walk.column(i, false, &mut Context::new(&mut value, &Fixed)).map_err(text)?;
            row.push(value);
        }
        rows.push(row);
    }
    Ok(rows)
}

#[test]
fn subtypes_mark_json() {
    use turso_functions::{Lookup, lookup};
    let Lookup::Found(function) = lookup(b"json_array", 2) else { panic!() };
    let mut result = Value::Null;
    let mut ctx = Context::new(&mut result, &Fixed);
    ctx.arg_subtypes = &[Context::SUBTYPE_JSON, 0];
    function.call(&mut ctx, &[Value::text("[1]"), Value::text("[1]")]).unwrap();
    assert_eq!(ctx.result_subtype, Context::SUBTYPE_JSON);
    assert_eq!(result, Value::text("[[1],\"[1]\"]"));
}

#[test]
fn deep_nesting_is_malformed() {
    let db = Connection::open_in_memory().unwrap();
    for depth in [999, 1000, 1001, 1002, 5000] {
        let json = Value::from("[".repeat(depth) + &"]".repeat(depth));
        assert_eq!(theirs(&db, "json_valid", std::slice::from_ref(&json)), ours("json_valid", &[json]), "{depth}");
    }
}

#[test]
fn groups() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE t(x, y)").unwrap();
    let mut random = Random(38);
    let mut report = Report::default();
    let pool = everything();
    for _ in 0..500 {
        let rows: Vec<Vec<Value>> =
            (0..random.below(5)).map(|_| vec![random.pick(&pool).clone(), random.pick(&pool).clone()]).collect();
        db.execute("DELETE FROM t", []).unwrap();
        for row in &rows {
            db.execute("INSERT INTO t VALUES (?1, ?2)", (Sql(&row[0]), Sql(&row[1]))).unwrap();
        }
        for (name, argc, sql) in [
            ("json_group_array", 1, "json_group_array(x)"),
            ("jsonb_group_array", 1, "jsonb_group_array(x)"),
            ("json_group_object", 2, "json_group_object(x, y)"),
            ("jsonb_group_object", 2, "jsonb_group_object(x, y)"),
        ] {
            if rows.is_empty() && argc == 2 {
                continue;
            }
            let cut: Vec<Vec<Value>> = rows.iter().map(|row| row[..argc].to_vec()).collect();
            let (theirs, ours) = (query(&db, &format!("SELECT {sql} FROM t"), &[]), aggregate(name, &cut));
            if !same(&theirs, &ours) {
                report.0.push(format!("{sql} over {cut:?}\n    sqlite {theirs:?}\n    ours   {ours:?}"));
            }
        }
    }
    report.finish();
}

#[test]
fn endless_paths_and_blobs_are_errors() {
    let path = Value::from("$".to_owned() + &"[0]".repeat(100_000));
    assert!(ours("json_set", &[Value::from("[]"), path.clone(), Value::Integer(1)]).is_err());
    let mut blob = vec![0x0b];
    for _ in 0..3_000 {
        let mut outer = vec![0xeb];
        outer.extend_from_slice(&(blob.len() as u32).to_be_bytes());
        outer.append(&mut blob);
        blob = outer;
    }
    let blob = Value::Blob(blob);
    assert_eq!(ours("json", std::slice::from_ref(&blob)), Err("malformed JSON".to_owned()));
    assert!(ours("json_set", &[blob.clone(), path.clone(), Value::Integer(1)]).is_err());
    assert!(ours("json_patch", &[blob.clone(), blob.clone()]).is_err());
    assert_eq!(ours("json_valid", &[blob, Value::Integer(8)]), Ok(Value::Integer(0)));
}

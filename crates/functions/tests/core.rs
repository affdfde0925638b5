//! Core functions against the newest SQLite, over odd arguments.

mod support;

use rusqlite::Connection;
use support::*;
use turso_value::Value;

fn random_calls(names: &[(&str, &[usize])], rounds: usize, seed: u64, pool: &[Value]) {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(seed);
    let mut report = Report::default();
    for &(name, counts) in names {
        for &count in counts {
            for _ in 0..rounds {
                let args: Vec<Value> = (0..count).map(|_| random.pick(pool).clone()).collect();
                report.check(&db, name, &args);
            }
        }
    }
    report.finish();
}

#[test]
fn functions_of_anything() {
    random_calls(
        &[
            ("abs", &[1]),
            ("sign", &[1]),
            ("length", &[1]),
            ("octet_length", &[1]),
            ("upper", &[1]),
            ("lower", &[1]),
            ("hex", &[1]),
            ("quote", &[1]),
            ("unistr_quote", &[1]),
            ("typeof", &[1]),
            ("unicode", &[1]),
            ("soundex", &[1]),
            ("trim", &[1, 2]),
            ("ltrim", &[1, 2]),
            ("rtrim", &[1, 2]),
            ("unhex", &[1, 2]),
            ("instr", &[2]),
            ("replace", &[3]),
            ("char", &[0, 1, 2, 3]),
            ("coalesce", &[2, 3]),
            ("ifnull", &[2]),
            ("nullif", &[2]),
            ("iif", &[2, 3, 4, 5]),
            ("min", &[2, 3]),
            ("max", &[2, 3]),
            ("concat", &[1, 2, 3]),
            ("concat_ws", &[2, 3, 4]),
            ("glob", &[2]),
            ("like", &[2]),
            ("round", &[1, 2]),
            ("likely", &[1]),
            ("unistr", &[1]),
        ],
        600,
        1,
        &everything(),
    );
}

#[test]
fn substr_of_anything() {
    let db = Connection::open_in_memory().unwrap();
    let mut report = Report::default();
    let mut starts: Vec<Value> = (-8..=8).map(Value::Integer).collect();
    starts.extend([i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, i64::MIN + 5].map(Value::Integer));
    starts.extend([Value::Null, Value::Real(2.5), Value::text("2x")]);
    let subjects = ["", "a", "hello", "héllo", "a\0bc", "日本語日本"].map(Value::from);
    let bytes: [&[u8]; 5] = [b"", b"\x01", b"\x01\x02\x03\x04\x05", b"\xc3\x80\x80\x80a", b"a\0b"];
    let mut all: Vec<Value> = subjects.to_vec();
    for b in bytes {
        all.push(Value::Blob(b.to_vec()));
        all.push(Value::Text(b.to_vec()));
    }
    all.push(Value::Integer(-12345));
    all.push(Value::Real(1.5));
    for subject in &all {
        for start in &starts {
            report.check(&db, "substr", &[subject.clone(), start.clone()]);
            for count in &starts {
                report.check(&db, "substr", &[subject.clone(), start.clone(), count.clone()]);
            }
        }
    }
    report.finish();
}

#[test]
fn rounding() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(3);
    let mut report = Report::default();
    for _ in 0..20_000 {
        let r = random.below(100_000_000) as f64 / 10f64.powi(random.below(9) as i32);
        let r = if random.below(2) == 0 { r } else { -r };
        report.check(&db, "round", &[Value::Real(r), Value::Integer(random.below(8) as i64)]);
    }
    report.finish();
}

#[test]
fn like_and_glob_patterns() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(5);
    let mut report = Report::default();
    let pieces: &[&[u8]] = &[
        b"a",
        b"b",
        b"A",
        b"%",
        b"_",
        b"*",
        b"?",
        b"[ab]",
        b"[^a]",
        b"[",
        b"]",
        b"-",
        b"^",
        b"\\",
        b"\xc3\xa9",
        b"\xff",
        b"[a-c]",
        b"[]a]",
        b"\0",
    ];
    let letters: &[&[u8]] = &[b"a", b"b", b"A", b"c", b"\xc3\xa9", b"%", b"]", b"-", b"\\", b"\x80"];
    let build = |random: &mut Random, from: &[&[u8]], max: usize| {
        let n = random.below(max);
        let mut text = Vec::new();
        for _ in 0..n {
            text.extend_from_slice(from[random.below(from.len())]);
        }
        Value::Text(text)
    };
    for _ in 0..20_000 {
        let (pattern, text) = (build(&mut random, pieces, 7), build(&mut random, letters, 7));
        report.check(&db, "like", &[pattern.clone(), text.clone()]);
        report.check(&db, "glob", &[pattern.clone(), text.clone()]);
        let escape = build(&mut random, &[b"\\", b"%", b"_", b"a", b"\xc3\xa9"], 3);
        report.check(&db, "like", &[pattern, text, escape]);
    }
    report.finish();
}

#[test]
fn printf_formats() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(7);
    let mut report = Report::default();
    let pool = everything();
    for _ in 0..20_000 {
        let mut format = String::new();
        for _ in 0..1 + random.below(3) {
            format.push_str(random.pick::<&str>(&["", "x", " "]));
            format.push('%');
            for _ in 0..random.below(3) {
                format.push(*random.pick(&['-', '+', ' ', '#', '!', '0', ',']));
            }
            match random.below(4) {
                0 => format.push_str(&random.below(30).to_string()),
                1 if random.below(4) == 0 => format.push('*'),
                _ => {}
            }
            match random.below(4) {
                0 => format.push_str(&format!(".{}", random.below(25))),
                1 if random.below(4) == 0 => format.push_str(".*"),
                _ => {}
            }
            format.push(*random.pick(&[
                'd', 'i', 'u', 'x', 'X', 'o', 'e', 'E', 'f', 'g', 'G', 's', 'z', 'c', 'p', 'q', 'Q', 'w', 'n', '%',
                'r', 'l', 'k', 'f', 'g', 'd',
            ]));
        }
        let mut args = vec![Value::from(format)];
        for _ in 0..random.below(5) {
            // Very wide output is slow in both.
            let arg = random.pick(&pool).clone();
            args.push(match arg {
                Value::Integer(i) if i.unsigned_abs() > 1 << 40 && random.below(2) == 0 => Value::Integer(i % 50),
                other => other,
            });
        }
        // A star that takes an extreme number would ask for gigabytes.
        if args[0].bytes().is_some_and(|f| f.contains(&b'*')) {
            for arg in &mut args[1..] {
                if arg.to_integer().unsigned_abs() > 100 {
                    *arg = Value::Integer(arg.to_integer() % 20);
                }
            }
        }
        report.check(&db, "printf", &args);
    }
    report.finish();
}

#[test]
fn printf_of_random_reals() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(8);
    let mut report = Report::default();
    for i in 0..20_000 {
        let r = match i % 3 {
            0 => f64::from_bits(random.next()),
            1 => random.next() as f64 / (1u64 << 44) as f64 / 10f64.powi(random.below(12) as i32),
            _ => random.below(1_000_000_000) as f64 / 10f64.powi(random.below(12) as i32),
        };
        if r.is_nan() {
            continue;
        }
        let format = format!("%{}.{}{}", random.pick(&["", "!", "#"]), random.below(24), random.pick(&["e", "f", "g"]));
        report.check(&db, "printf", &[Value::from(format), Value::Real(r)]);
    }
    report.finish();
}

#[test]
fn unistr_escapes() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(11);
    let mut report = Report::default();
    for _ in 0..5_000 {
        let mut text = String::new();
        for _ in 0..random.below(5) {
            text.push_str(random.pick::<&str>(&[
                "\\",
                "\\\\",
                "u",
                "+",
                "U",
                "0041",
                "00",
                "e9",
                "0001F600",
                "x",
                "é",
                "\\u00e9",
                "\\+01F600",
                "\\0041",
                "\\ud800",
                "\\U00110000",
            ]));
        }
        report.check(&db, "unistr", &[Value::from(text)]);
    }
    report.finish();
}

#[test]
fn facts_and_errors() {
    let db = Connection::open_in_memory().unwrap();
    assert_eq!(theirs(&db, "sqlite_version", &[]), ours("sqlite_version", &[]));
    assert_eq!(theirs(&db, "sqlite_source_id", &[]), ours("sqlite_source_id", &[]));
    assert_eq!(theirs(&db, "load_extension", &[Value::from("x")]), ours("load_extension", &[Value::from("x")]));
    let long = Value::Text(vec![b'%'; 50_001]);
    assert_eq!(theirs(&db, "like", &[long.clone(), Value::from("a")]), ours("like", &[long, Value::from("a")]));
    let huge = Value::Integer(1_000_000_001);
    assert_eq!(theirs(&db, "zeroblob", std::slice::from_ref(&huge)), ours("zeroblob", &[huge]));
    assert_eq!(ours("coalesce", &[Value::Null]), theirs(&db, "coalesce", &[Value::Null]));
}

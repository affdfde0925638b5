//! Values against the newest SQLite: number <-> text, CAST, arithmetic, comparison, affinity and the record format, over
//! seeded random values and a pool of awkward ones.

use rusqlite::types::{ToSqlOutput, ValueRef as SqlRef};
use rusqlite::{Connection, ToSql};
use turso_value::arith::{self, Arithmetic, Bitwise};
use turso_value::{Affinity, Collation, Value, compare, number};

/// xorshift64*: enough for tests, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

struct Sql<'a>(&'a Value);

impl ToSql for Sql<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => SqlRef::Null,
            Value::Integer(i) => SqlRef::Integer(*i),
            Value::Real(r) => SqlRef::Real(*r),
            Value::Text(t) => SqlRef::Text(t),
            Value::Blob(b) => SqlRef::Blob(b),
        }))
    }
}

fn from_sql(value: SqlRef<'_>) -> Value {
    match value {
        SqlRef::Null => Value::Null,
        SqlRef::Integer(i) => Value::Integer(i),
        SqlRef::Real(r) => Value::Real(r),
        SqlRef::Text(t) => Value::Text(t.to_vec()),
        SqlRef::Blob(b) => Value::Blob(b.to_vec()),
    }
}

/// Runs one row's worth of expressions over `?1`, `?2`.
fn ask(statement: &mut rusqlite::Statement<'_>, args: &[&Value]) -> Vec<Value> {
    let columns = statement.column_count();
    let args: Vec<Sql<'_>> = args.iter().map(|v| Sql(v)).collect();
    let params: Vec<&dyn ToSql> = args.iter().map(|a| a as &dyn ToSql).collect();
    statement
        .query_row(&params[..], |row| (0..columns).map(|i| row.get_ref(i).map(from_sql)).collect())
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Equal, or equal apart from the sign of zero, which SQLite's own arithmetic does not promise.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => a == b,
        _ => a == b,
    }
}

fn awkward() -> Vec<Value> {
    let mut pool = vec![
        Value::Null,
        Value::Integer(0),
        Value::Integer(1),
        Value::Integer(-1),
        Value::Integer(2),
        Value::Integer(3),
        Value::Integer(63),
        Value::Integer(64),
        Value::Integer(-64),
        Value::Integer(i64::MAX),
        Value::Integer(i64::MIN),
        Value::Integer(i64::MAX - 1),
        Value::Integer(9007199254740993),
        Value::Integer(-9007199254740993),
        Value::Integer(4611686018427387904),
        Value::Integer(3037000500),
        Value::Blob(b"".to_vec()),
        Value::Blob(b"12".to_vec()),
        Value::Blob(b"1.5x".to_vec()),
        Value::Blob(b"\xff\0".to_vec()),
    ];
    for r in [
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.0,
        1.5,
        -2.5,
        1e15,
        1e16,
        1e17,
        1e18,
        1e19,
        1e300,
        -1e300,
        5e-324,
        1e-310,
        2.2250738585072014e-308,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        9007199254740992.0,
        9007199254740993.0,
        9223372036854775807.0,
        -9223372036854775808.0,
        9223372036854774784.0,
        2251799813685247.0,
        2251799813685248.0,
        2251799813685249.0,
        0.1,
        0.30000000000000004,
        123456.789e-7,
    ] {
        pool.push(Value::Real(r));
    }
    for t in [
        "",
        " ",
        "abc",
        "0",
        "1",
        "-1",
        "+1",
        "1 ",
        " 1",
        "1x",
        "x1",
        "1.0",
        "1.",
        ".1",
        ".",
        "-",
        "+",
        "-.5",
        "1e",
        "1e+",
        "1e5",
        "1E5",
        "1e5x",
        "1e-5",
        "1e400",
        "-1e400",
        "1e-400",
        "0x10",
        "1_000",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "9223372036854775807.0",
        "9223372036854775808x",
        "9.0e18",
        "99999999999999999999",
        "0.1",
        "00012",
        "-0",
        "-0.0",
        "1.5 x",
        "\t12\n",
        "12\u{a0}",
        "12\0",
        "1e5 ",
        "1.e5",
        ".e5",
        "1.5e",
        "inf",
        "nan",
        "Infinity",
        "1..2",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000001",
        "1e0000000000000000001",
        "1 2",
        "--1",
        "+-1",
        "2251799813685248.0",
        "4503599627370496.5",
        "18446744073709551616",
        "18446744073709551615",
        "1e18",
        "1e19",
        "0e0",
        "0e",
        "5e-1",
        "100e-2",
    ] {
        pool.push(Value::text(t));
    }
    pool
}

fn check_text_of(statement: &mut rusqlite::Statement<'_>, r: f64, failures: &mut Vec<String>) {
    let expected = ask(statement, &[&Value::Real(r)]).remove(0);
    let mut text = Vec::new();
    number::write_real(r, &mut text);
    if expected != Value::Text(text.clone()) {
        failures.push(format!("{r:?}: sqlite {expected:?} ours {}", String::from_utf8_lossy(&text)));
    }
}

fn report(what: &str, failures: Vec<String>) {
    let shown: Vec<_> = failures.iter().take(25).map(String::as_str).collect();
    assert!(failures.is_empty(), "{what}: {} differ\n{}", failures.len(), shown.join("\n"));
}

#[test]
fn text_of_reals() {
    let db = Connection::open_in_memory().unwrap();
    let mut statement = db.prepare("SELECT CAST(?1 AS TEXT)").unwrap();
    let mut random = Random(1);
    let mut failures = Vec::new();
    for value in awkward() {
        if let Value::Real(r) = value {
            check_text_of(&mut statement, r, &mut failures);
        }
    }
    for i in 0..100_000 {
        let r = match i % 6 {
            0 => f64::from_bits(random.next()),
            1 => random.below(1 << 40) as f64 / 100.0,
            2 => random.next() as i64 as f64,
            3 => (random.below(1_000_000) as f64) * 10f64.powi(random.below(40) as i32 - 20),
            4 => random.below(1 << 53) as f64 / (1u64 << 53) as f64,
            _ => f64::from_bits(random.below(1 << 52)),
        };
        if !r.is_nan() {
            check_text_of(&mut statement, r, &mut failures);
        }
    }
    report("text of reals", failures);
}

#[test]
fn reals_of_text() {
    let db = Connection::open_in_memory().unwrap();
    let mut statement = db.prepare("SELECT CAST(?1 AS REAL)").unwrap();
    let mut random = Random(2);
    let mut failures = Vec::new();
    for i in 0..100_000u64 {
        let digits = 1 + random.below(if i % 3 == 0 { 30 } else { 17 });
        let mut text = String::new();
        if random.below(4) == 0 {
            text.push('-');
        }
        let point = random.below(digits + 3);
        for d in 0..digits {
            if d == point {
                text.push('.');
            }
            text.push((b'0' + random.below(10) as u8) as char);
        }
        match i % 4 {
            0 => text.push_str(&format!("e{}", random.below(640) as i64 - 340)),
            1 => text.push_str(&format!("e{}", random.below(40) as i64 - 20)),
            _ => {}
        }
        let value = Value::text(text.clone());
        let expected = ask(&mut statement, &[&value]).remove(0);
        let ours = Value::real(number::parse_real_prefix(text.as_bytes()));
        if !same(&expected, &ours) {
            failures.push(format!("{text}: sqlite {expected:?} ours {ours:?}"));
        }
    }
    report("reals of text", failures);
}

#[test]
fn casts() {
    let db = Connection::open_in_memory().unwrap();
    let mut statement = db
        .prepare("SELECT CAST(?1 AS INTEGER), CAST(?1 AS REAL), CAST(?1 AS NUMERIC), CAST(?1 AS TEXT), CAST(?1 AS BLOB), ?1 IS TRUE, NOT ?1, -?1, ~?1")
        .unwrap();
    let mut failures = Vec::new();
    for value in awkward() {
        let expected = ask(&mut statement, &[&value]);
        let mut ours = Vec::new();
        for affinity in [Affinity::Integer, Affinity::Real, Affinity::Numeric, Affinity::Text, Affinity::Blob] {
            let mut v = value.clone();
            v.cast(affinity);
            ours.push(v);
        }
        ours.push(Value::boolean(value.truth() == Some(true)));
        let mut out = Value::Null;
        arith::not(value.as_ref(), &mut out);
        ours.push(out.clone());
        arith::negate(value.as_ref(), &mut out);
        ours.push(out.clone());
        arith::bit_not(value.as_ref(), &mut out);
        ours.push(out.clone());
        for (i, (e, o)) in expected.iter().zip(&ours).enumerate() {
            if !same(e, o) {
                failures.push(format!("{value:?} column {i}: sqlite {e:?} ours {o:?}"));
            }
        }
    }
    report("casts", failures);
}

#[test]
fn operators() {
    let db = Connection::open_in_memory().unwrap();
    let mut statement = db
        .prepare("SELECT ?1+?2, ?1-?2, ?1*?2, ?1/?2, ?1%?2, ?1&?2, ?1|?2, ?1<<?2, ?1>>?2, ?1||?2, ?1<?2, ?1=?2, ?1>?2")
        .unwrap();
    let pool = awkward();
    let mut failures = Vec::new();
    for a in &pool {
        for b in &pool {
            let expected = ask(&mut statement, &[a, b]);
            let mut ours = Vec::new();
            let mut out = Value::Null;
            for op in
                [Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply, Arithmetic::Divide, Arithmetic::Remainder]
            {
                arith::arithmetic(op, a.as_ref(), b.as_ref(), &mut out);
                ours.push(out.clone());
            }
            for op in [Bitwise::And, Bitwise::Or, Bitwise::ShiftLeft, Bitwise::ShiftRight] {
                arith::bitwise(op, a.as_ref(), b.as_ref(), &mut out);
                ours.push(out.clone());
            }
            arith::concat(a.as_ref(), b.as_ref(), &mut out);
            ours.push(out.clone());
            let order = compare(a.as_ref(), b.as_ref(), &Collation::Binary);
            for hit in [order.is_lt(), order.is_eq(), order.is_gt()] {
                ours.push(if a.is_null() || b.is_null() { Value::Null } else { Value::boolean(hit) });
            }
            for (i, (e, o)) in expected.iter().zip(&ours).enumerate() {
                if !same(e, o) {
                    failures.push(format!("{a:?} ? {b:?} column {i}: sqlite {e:?} ours {o:?}"));
                }
            }
        }
    }
    report("operators", failures);
}

#[test]
fn affinities() {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE t(i INTEGER, n NUMERIC, r REAL, t TEXT, b BLOB)").unwrap();
    let mut insert = db.prepare("INSERT INTO t VALUES (?1,?1,?1,?1,?1) RETURNING i, n, r, t, b").unwrap();
    let mut failures = Vec::new();
    for value in awkward() {
        let expected = ask(&mut insert, &[&value]);
        for (i, affinity) in
            [Affinity::Integer, Affinity::Numeric, Affinity::Real, Affinity::Text, Affinity::Blob].iter().enumerate()
        {
            let mut ours = value.clone();
            affinity.apply(&mut ours);
            if !same(&expected[i], &ours) {
                failures.push(format!("{value:?} {affinity:?}: sqlite {:?} ours {ours:?}", expected[i]));
            }
        }
    }
    report("affinities", failures);
}

#[test]
fn collations() {
    let db = Connection::open_in_memory().unwrap();
    let mut statement = db
        .prepare("SELECT ?1 < ?2 COLLATE NOCASE, ?1 = ?2 COLLATE NOCASE, ?1 < ?2 COLLATE RTRIM, ?1 = ?2 COLLATE RTRIM, ?1 < ?2")
        .unwrap();
    let pool: Vec<Value> = [
        "", "a", "A", "b", "B", "a ", "a  ", " a", "a\0b", "A\0B", "a\0c", "a\0bc", "ab", "aB ", "Z", "_", "[", "é",
        "É", "\t", "a\t",
    ]
    .into_iter()
    .map(Value::from)
    .collect();
    let mut failures = Vec::new();
    for a in &pool {
        for b in &pool {
            let expected = ask(&mut statement, &[a, b]);
            let order = |c: Collation| compare(a.as_ref(), b.as_ref(), &c);
            let ours = [
                order(Collation::NoCase).is_lt(),
                order(Collation::NoCase).is_eq(),
                order(Collation::RTrim).is_lt(),
                order(Collation::RTrim).is_eq(),
                order(Collation::Binary).is_lt(),
            ];
            for (i, (e, o)) in expected.iter().zip(ours).enumerate() {
                if *e != Value::boolean(o) {
                    failures.push(format!("{a:?} {b:?} column {i}: sqlite {e:?} ours {o}"));
                }
            }
        }
    }
    report("collations", failures);
}

/// Payloads of the leaf table page at the root of the only table.
fn payloads(file: &[u8]) -> Vec<Vec<u8>> {
    let page_size = usize::from(u16::from_be_bytes([file[16], file[17]]));
    let page = &file[page_size..2 * page_size];
    assert_eq!(page[0], 13, "a leaf table page");
    let cells = usize::from(u16::from_be_bytes([page[3], page[4]]));
    (0..cells)
        .map(|i| {
            let at = usize::from(u16::from_be_bytes([page[8 + 2 * i], page[9 + 2 * i]]));
            let (len, used) = turso_value::varint::read(&page[at..]).unwrap();
            let (_, rowid_len) = turso_value::varint::read(&page[at + used..]).unwrap();
            page[at + used + rowid_len..][..len as usize].to_vec()
        })
        .collect()
}

#[test]
fn records_are_byte_for_byte_those_of_sqlite() {
    use turso_value::{RecordCursor, TextEncoding, encode_record};
    for (pragma, encoding) in
        [("UTF-8", TextEncoding::Utf8), ("UTF-16le", TextEncoding::Utf16Le), ("UTF-16be", TextEncoding::Utf16Be)]
    {
        let path = std::env::temp_dir().join(format!("turso-value-{}-{pragma}.db", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut rows: Vec<Vec<Value>> = Vec::new();
        {
            let db = Connection::open(&path).unwrap();
            db.execute_batch(&format!("PRAGMA encoding='{pragma}'; PRAGMA page_size=32768; CREATE TABLE t(a, b, c)"))
                .unwrap();
            for (i, value) in awkward().into_iter().enumerate() {
                // SQLite's conversion of odd bytes is tested elsewhere; here plain text.
                let row = vec![value, Value::Integer(1 << (i % 63)), Value::text("h\u{e9}\u{1f600}".repeat(i % 9))];
                let args: Vec<Sql<'_>> = row.iter().map(Sql).collect();
                let params: Vec<&dyn ToSql> = args.iter().map(|a| a as &dyn ToSql).collect();
                db.execute("INSERT INTO t VALUES (?1, ?2, ?3)", &params[..]).unwrap();
                rows.push(row);
            }
        }
        let file = std::fs::read(&path).unwrap();
        let _ = std::fs::remove_file(&path);
        let payloads = payloads(&file);
        assert_eq!(payloads.len(), rows.len());
        let mut cursor = RecordCursor::new();
        for (payload, row) in payloads.iter().zip(&rows) {
            let mut ours = Vec::new();
            encode_record(row, encoding, &mut ours);
            assert_eq!(&ours, payload, "{pragma} {row:?}");
            cursor.reset();
            for i in [2, 0, 1] {
                let mut value = Value::Null;
                assert!(cursor.decode_into(payload, i, encoding, &mut value).unwrap());
                assert_eq!(value, row[i]);
            }
        }
    }
}

#[test]
fn encodings_convert_as_sqlite_does() {
    use turso_value::TextEncoding;
    let mut random = Random(41);
    for (pragma, encoding) in [("UTF-16le", TextEncoding::Utf16Le), ("UTF-16be", TextEncoding::Utf16Be)] {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(&format!("PRAGMA encoding='{pragma}'; CREATE TABLE t(x)")).unwrap();
        let mut encode = db.prepare("SELECT CAST(?1 AS BLOB)").unwrap();
        let mut decode = db.prepare("SELECT CAST(?1 AS TEXT)").unwrap();
        let mut failures = Vec::new();
        for _ in 0..5_000 {
            let pieces: [&[u8]; 14] = [
                b"a",
                b"\xc3\xa9",
                b"\xe2\x82\xac",
                b"\xf0\x9f\x98\x80",
                b"\x80",
                b"\xbf",
                b"\xc3",
                b"\xff",
                b"\xe2\x82",
                b"\xef\xbf\xbe",
                b"\xef\xbf\xbf",
                b"\xc0\x80",
                b"z",
                b"\xf4\x8f\xbf\xbf",
            ];
            let mut text = Vec::new();
            for _ in 0..1 + random.below(5) {
                text.extend_from_slice(pieces[random.below(14) as usize]);
            }
            let mut ours = Vec::new();
            encoding.encode(&text, &mut ours);
            let theirs = ask(&mut encode, &[&Value::Text(text.clone())]).remove(0);
            if theirs != Value::Blob(ours.clone()) {
                failures.push(format!(
                    "{pragma} encode {}: sqlite {theirs:?} ours {:?}",
                    text.escape_ascii(),
                    Value::Blob(ours)
                ));
            }
            let units: Vec<u8> = (0..1 + random.below(5))
                .flat_map(|_| {
                    let unit = [0x61u16, 0xe9, 0x20ac, 0xfffd, 0x4e00, 0x7ff, 0x800][random.below(7) as usize];
                    if encoding == TextEncoding::Utf16Le { unit.to_le_bytes() } else { unit.to_be_bytes() }
                })
                .collect();
            let mut ours = Vec::new();
            encoding.decode(&units, &mut ours);
            let theirs = ask(&mut decode, &[&Value::Blob(units.clone())]).remove(0);
            if theirs != Value::Text(ours.clone()) {
                failures.push(format!(
                    "{pragma} decode {:?}: sqlite {theirs:?} ours {:?}",
                    Value::Blob(units),
                    Value::Text(ours)
                ));
            }
        }
        report("encodings", failures);
    }
}

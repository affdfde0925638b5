//! Calling a function here and in the newest SQLite with the same arguments.
#![allow(dead_code)]

use rusqlite::types::{ToSqlOutput, ValueRef as SqlRef};
use rusqlite::{Connection, ToSql};
use turso_functions::{Aggregate, Context, Environment, FunctionKind, Lookup, lookup};
use turso_value::{Collation, Value};

/// xorshift64*: enough for tests, the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

pub struct Sql<'a>(pub &'a Value);

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

pub fn from_sql(value: SqlRef<'_>) -> Value {
    match value {
        SqlRef::Null => Value::Null,
        SqlRef::Integer(i) => Value::Integer(i),
        SqlRef::Real(r) => Value::Real(r),
        SqlRef::Text(t) => Value::Text(t.to_vec()),
        SqlRef::Blob(b) => Value::Blob(b.to_vec()),
    }
}

/// A fixed moment: 2024-02-29 12:34:56.789 UTC.
pub struct Fixed;

impl Environment for Fixed {
    fn now_julian_ms(&self) -> i64 {
        212_575_970_096_789
    }
    fn local_offset_seconds(&self, _: i64) -> Option<i64> {
        Some(0)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// Our answer: a value, or the text of the error.
pub fn ours(name: &str, args: &[Value]) -> Result<Value, String> {
    let function = match lookup(name.as_bytes(), args.len()) {
        Lookup::Found(function) => function,
        Lookup::WrongArity => return Err(format!("wrong number of arguments to function {name}()")),
        Lookup::Unknown => return Err(format!("no such function: {name}")),
    };
    // What is left over from an earlier call must not show.
    let mut result = Value::text("left over");
    let mut ctx = Context::new(&mut result, &Fixed);
    match function.call(&mut ctx, args) {
        Ok(()) => Ok(result),
        Err(e) => Err(e.message().to_owned()),
    }
}

/// SQLite's answer.
pub fn theirs(db: &Connection, name: &str, args: &[Value]) -> Result<Value, String> {
    let marks: Vec<String> = (1..=args.len()).map(|i| format!("?{i}")).collect();
    query(db, &format!("SELECT {name}({})", marks.join(",")), args)
}

pub fn query(db: &Connection, sql: &str, args: &[Value]) -> Result<Value, String> {
    let text = |e: rusqlite::Error| match e {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        other => other.to_string(),
    };
    let mut statement = db.prepare_cached(sql).map_err(text)?;
    let args: Vec<Sql<'_>> = args.iter().map(Sql).collect();
    let params: Vec<&dyn ToSql> = args.iter().map(|a| a as &dyn ToSql).collect();
    statement.query_row(&params[..], |row| row.get_ref(0).map(from_sql)).map_err(text)
}

pub fn same(a: &Result<Value, String>, b: &Result<Value, String>) -> bool {
    match (a, b) {
        (Ok(Value::Real(a)), Ok(Value::Real(b))) => a == b,
        _ => a == b,
    }
}

/// Collects differences and shows the first ones.
#[derive(Default)]
pub struct Report(pub Vec<String>);

impl Report {
    pub fn check(&mut self, db: &Connection, name: &str, args: &[Value]) {
        let (theirs, ours) = (theirs(db, name, args), ours(name, args));
        // An error (a year out of range) is forgotten by these modifiers in SQLite, and some fixed date comes out.
        let forgets = |v: &Value| matches!(v.bytes(), Some(b"utc" | b"localtime"));
        if ours == Ok(Value::Null) && args.iter().skip(1).any(forgets) {
            return;
        }
        if !same(&theirs, &ours) {
            self.0.push(format!("{name}{args:?}\n    sqlite {theirs:?}\n    ours   {ours:?}"));
        }
    }

    pub fn finish(self) {
        let shown: Vec<_> = self.0.iter().take(30).map(String::as_str).collect();
        assert!(self.0.is_empty(), "{} differ\n{}", self.0.len(), shown.join("\n"));
    }
}

/// Runs an aggregate of ours over rows.
pub fn aggregate(name: &str, rows: &[Vec<Value>]) -> Result<Value, String> {
    let argc = rows.first().map_or(1, Vec::len);
    let Lookup::Found(function) = lookup(name.as_bytes(), argc) else { return Err(format!("no {name}/{argc}")) };
    let FunctionKind::Aggregate(def) = &function.kind else { return Err(format!("{name} is no aggregate")) };
    let mut state: Box<dyn Aggregate> = def.create();
    let mut result = Value::text("left over");
    let collation = Collation::Binary;
    let mut ctx = Context::new(&mut result, &Fixed);
    ctx.collation = &collation;
    for row in rows {
        state.step(&mut ctx, row).map_err(|e| e.message().to_owned())?;
    }
    state.finalize(&mut ctx).map_err(|e| e.message().to_owned())?;
    Ok(result)
}

pub fn numbers() -> Vec<Value> {
    let mut pool: Vec<Value> = [
        0,
        1,
        -1,
        2,
        3,
        5,
        -5,
        7,
        10,
        16,
        64,
        100,
        255,
        1000,
        12345,
        -12345,
        65536,
        i64::MAX,
        i64::MIN,
        i64::MAX - 1,
        1 << 53,
    ]
    .into_iter()
    .map(Value::Integer)
    .collect();
    for r in [
        0.0,
        -0.0,
        0.5,
        -0.5,
        1.0,
        1.5,
        2.5,
        -2.5,
        0.1,
        0.3,
        2.675,
        1e10,
        1e15,
        1e16,
        1e17,
        1e20,
        -1e20,
        1e-5,
        1e-7,
        1e100,
        1e-100,
        1e300,
        5e-324,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        123456.789,
        -123456.789,
        0.045,
        99.995,
        1.005,
        9.5,
        0.95,
        999999.5,
        4503599627370495.5,
    ] {
        pool.push(Value::Real(r));
    }
    pool
}

pub fn texts() -> Vec<Value> {
    let mut pool: Vec<Value> = [
        "",
        " ",
        "a",
        "A",
        "abc",
        "ABC",
        "aBcD",
        "hello world",
        "  pad  ",
        "é",
        "héllo",
        "日本語",
        "😀x",
        "a\0b",
        "\0",
        "12",
        "-12.5",
        "1e3",
        "12abc",
        " 3 ",
        "0x10",
        "it's",
        "a\"b",
        "a\\b",
        "a\nb",
        "\u{1}\u{1f}",
        "%",
        "_",
        "a%b",
        "[a-c]*",
        "aaa",
        "abab",
        "\u{ff}",
        "6162",
        "61 62",
        "zz",
        "Robert",
        "Ashcraft",
        "Pfister",
    ]
    .into_iter()
    .map(Value::from)
    .collect();
    for b in [
        &b"\x80"[..],
        b"\xff\xfe",
        b"\xc3",
        b"\xe9a",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
        b"\xc0\x80",
        b"a\x80\x80b",
        b"\xf8\x88\x80\x80\x80",
    ] {
        pool.push(Value::Text(b.to_vec()));
    }
    pool
}

pub fn blobs() -> Vec<Value> {
    [&b""[..], b"\0", b"abc", b"\x01\x02\x03\x04", b"12", b"\xff\xff", b"a\0b", b"\xc3\xa9", b"6162"]
        .iter()
        .map(|b| Value::Blob(b.to_vec()))
        .collect()
}

pub fn everything() -> Vec<Value> {
    let mut pool = vec![Value::Null];
    pool.extend(numbers());
    pool.extend(texts());
    pool.extend(blobs());
    pool
}

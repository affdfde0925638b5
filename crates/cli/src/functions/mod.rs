//! SQL functions that the shell adds to its connections, as `sqlite3` does.

mod base64;
mod base85;
mod decimal;
mod edit;

use std::cmp::Ordering;
use std::sync::{Arc, Weak};

use sqlite3::extension::Loader;
use turso_core::functions::extension::regexp;
use turso_core::functions::{Arity, Context, FunctionDef, FunctionFlags};
use turso_core::{CollationFunction, Connection, Error, Result, Value};

use crate::commands::{archive_content, hash_of_queries, sha3};
use crate::render::text_of;

/// Make the functions known to a connection. With `safe`, none that touches files.
pub fn install(connection: &Connection, loader: &Arc<Loader>, safe: bool) -> Result<()> {
    let define = |name: &str, arity: Arity, flags: FunctionFlags, call: Call| {
        connection.create_function(FunctionDef::user_scalar(name, arity, flags, Arc::new(call)))
    };
    let pure = FunctionFlags::DETERMINISTIC | FunctionFlags::INNOCUOUS;
    let direct = FunctionFlags::DIRECT_ONLY;
    define("sha3", Arity::between(1, 2), pure, sha3_function)?;
    define("lsmode", Arity::exactly(1), pure, mode_function)?;
    connection.create_function(regexp::OPERATOR)?;
    connection.create_function(regexp::IGNORING_CASE)?;
    define("ieee754", Arity::between(1, 2), pure, ieee754)?;
    define("ieee754_mantissa", Arity::exactly(1), pure, |ctx, args| parts_of(ctx, args, |(m, _)| m))?;
    define("ieee754_exponent", Arity::exactly(1), pure, |ctx, args| parts_of(ctx, args, |(_, e)| e))?;
    define("ieee754_to_blob", Arity::exactly(1), pure, to_blob)?;
    define("ieee754_from_blob", Arity::exactly(1), pure, from_blob)?;
    define("sqlar_compress", Arity::exactly(1), pure, compress)?;
    define("sqlar_uncompress", Arity::exactly(2), pure, uncompress)?;
    define("base64", Arity::exactly(1), pure, base64::base64)?;
    define("base85", Arity::exactly(1), pure, base85::base85)?;
    define("is_base85", Arity::exactly(1), pure, base85::is_base85)?;
    define("usleep", Arity::exactly(1), FunctionFlags::NONE, sleep)?;
    if !safe {
        define("readfile", Arity::exactly(1), direct, read_file)?;
        define("edit", Arity::between(1, 2), direct, edit::edit)?;
        define("writefile", Arity::between(2, 4), direct, write_file)?;
    }
    decimal::install(connection)?;
    if !safe {
        // A function that kept the loader would keep itself alive.
        let loader = Arc::downgrade(loader);
        let load = move |ctx: &mut Context<'_>, args: &[Value]| load_extension(ctx, &loader, args);
        connection.create_function(FunctionDef::user_scalar(
            "load_extension",
            Arity::between(1, 2),
            direct,
            Arc::new(load),
        ))?;
    }
    let asked = connection.downgrade();
    let query = move |ctx: &mut Context<'_>, args: &[Value]| {
        let Some(asked) = asked.upgrade() else { return ctx.null() };
        let bits = bits_of_hash(args.get(1))?;
        let Some(sql) = args.first().and_then(text_of) else { return ctx.null() };
        ctx.blob(&hash_of_queries(&asked, &sql, bits)?)
    };
    connection.create_function(FunctionDef::user_scalar(
        "sha3_query",
        Arity::between(1, 2),
        direct,
        Arc::new(query),
    ))?;
    crate::modules::install(connection, safe)?;
    connection.create_collation(Arc::new(Uint))
}

type Call = fn(&mut Context<'_>, &[Value]) -> Result<()>;

/// The bytes of a value, as functions on blobs take them.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Blob(bytes) | Value::Text(bytes) => Some(bytes.to_vec()),
        number => text_of(number),
    }
}

fn path(value: Option<&Value>) -> Option<String> {
    value.and_then(text_of).map(|text| String::from_utf8_lossy(&text).into_owned())
}

/// The size of a hash, as it is asked for.
fn bits_of_hash(asked: Option<&Value>) -> Result<u32> {
    match asked.map_or(256, Value::to_integer) {
        bits @ (224 | 256 | 384 | 512) => Ok(bits as u32),
        _ => Err(Error::sql("SHA3 size should be one of: 224 256 384 512")),
    }
}

fn sha3_function(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let bits = bits_of_hash(args.get(1))?;
    match args.first().and_then(bytes) {
        Some(bytes) => ctx.blob(&sha3(&bytes, bits)),
        None => ctx.null(),
    }
}

fn mode_function(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mode = args.first().map_or(0, Value::to_integer);
    ctx.text(archive_content::mode_text(mode).as_bytes())
}

/// A real as mantissa and exponent of two.
fn parts(real: f64) -> (i64, i64) {
    let bits = real.to_bits() & !(1 << 63);
    let exponent = (bits >> 52) as i64;
    let mut mantissa = (bits & ((1 << 52) - 1)) as i64;
    if exponent == 0 {
        mantissa <<= 1;
    } else {
        mantissa |= 1 << 52;
    }
    let mut exponent = exponent;
    while exponent < 1075 && mantissa > 0 && mantissa & 1 == 0 {
        mantissa >>= 1;
        exponent += 1;
    }
    (if real < 0.0 { -mantissa } else { mantissa }, exponent - 1075)
}

fn real_of(value: &Value) -> f64 {
    match value {
        Value::Blob(bytes) => <[u8; 8]>::try_from(&bytes[..]).map_or(0.0, f64::from_be_bytes),
        other => other.to_real(),
    }
}

fn parts_of(ctx: &mut Context<'_>, args: &[Value], part: fn((i64, i64)) -> i64) -> Result<()> {
    ctx.integer(part(parts(args.first().map_or(0.0, real_of))))
}

fn ieee754(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args {
        [mantissa, exponent] => {
            let (mantissa, exponent) = (mantissa.to_integer(), exponent.to_integer().clamp(-5000, 5000));
            // In two steps: the power alone may be out of range where the product is not.
            let half = (exponent / 2) as i32;
            let rest = exponent as i32 - half;
            ctx.real(mantissa as f64 * 2f64.powi(half) * 2f64.powi(rest))
        }
        _ => {
            let (mantissa, exponent) = parts(args.first().map_or(0.0, real_of));
            ctx.text(format!("ieee754({mantissa},{exponent})").as_bytes())
        }
    }
}

fn to_blob(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args.first() {
        Some(Value::Real(_) | Value::Integer(_)) => ctx.blob(&real_of(&args[0]).to_be_bytes()),
        _ => ctx.null(),
    }
}

fn from_blob(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args.first() {
        Some(Value::Blob(bytes)) if bytes.len() == 8 => ctx.real(real_of(&args[0])),
        _ => ctx.null(),
    }
}

fn compress(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args.first() {
        Some(Value::Blob(bytes)) => ctx.blob(&archive_content::compress(bytes)?),
        Some(other) => ctx.value(other),
        None => ctx.null(),
    }
}

fn uncompress(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args {
        [Value::Blob(bytes), size] => {
            let content = archive_content::uncompress(bytes, size.to_integer());
            ctx.blob(&content.map_err(|_| Error::sql("error in uncompress()"))?)
        }
        [other, _] => ctx.value(other),
        _ => ctx.null(),
    }
}

fn load_extension(ctx: &mut Context<'_>, loader: &Weak<Loader>, args: &[Value]) -> Result<()> {
    let (Some(file), Some(loader)) = (path(args.first()), loader.upgrade()) else { return ctx.null() };
    let entry = path(args.get(1));
    loader.load(&file, entry.as_deref()).map_err(Error::sql)?;
    ctx.null()
}

fn sleep(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let us = args.first().map_or(0, Value::to_integer);
    std::thread::sleep(std::time::Duration::from_micros(u64::try_from(us).unwrap_or(0)));
    ctx.integer(us)
}

fn read_file(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match path(args.first()).and_then(|path| std::fs::read(path).ok()) {
        Some(content) => ctx.blob(&content),
        None => ctx.null(),
    }
}

fn write_file(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(name) = path(args.first()) else { return ctx.null() };
    let content = args.get(1).and_then(bytes).unwrap_or_default();
    let mode = args.get(2).map_or(0, Value::to_integer);
    let time = args.get(3).map(Value::to_integer);
    let written = archive_content::write(&name, mode, time, &content);
    written.map_err(|_| Error::sql(format!("failed to write file: {name}")))?;
    ctx.integer(i64::try_from(content.len()).unwrap_or(i64::MAX))
}

/// Texts in which runs of digits are ordered as numbers.
struct Uint;

impl CollationFunction for Uint {
    fn name(&self) -> &str {
        "uint"
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        let (mut a, mut b) = (a, b);
        loop {
            match (a.first(), b.first()) {
                (None, _) | (_, None) => return a.len().cmp(&b.len()),
                (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                    let (p, q) = (digits(&mut a), digits(&mut b));
                    let order = p.len().cmp(&q.len()).then_with(|| p.cmp(q));
                    if order != Ordering::Equal {
                        return order;
                    }
                }
                (Some(x), Some(y)) if x != y => return x.cmp(y),
                _ => {
                    a = &a[1..];
                    b = &b[1..];
                }
            }
        }
    }
}

/// The run of digits at the beginning, without leading zeros.
fn digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let length = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (run, rest) = text.split_at(length);
    *text = rest;
    &run[run.iter().take_while(|b| **b == b'0').count()..]
}

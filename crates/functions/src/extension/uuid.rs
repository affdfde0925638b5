//! UUIDs: random ones, ones that sort by time, and their two forms, 16 bytes and 36 characters.

use super::bytes_of;
use crate::context::Context;
use crate::datetime::UNIX_EPOCH_MS;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use turso_error::{Error, Result};
use turso_value::Value;
use uuid::{Builder, Uuid};

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("uuid4", Arity::exactly(0), F::INNOCUOUS, |ctx, _| {
        let uuid = random(ctx);
        ctx.blob(uuid.as_bytes())
    }),
    FunctionDef::scalar("uuid4_str", Arity::exactly(0), F::INNOCUOUS, random_text),
    FunctionDef::scalar("gen_random_uuid", Arity::exactly(0), F::INNOCUOUS, random_text),
    FunctionDef::scalar("uuid7", Arity::between(0, 1), F::INNOCUOUS, by_time),
    FunctionDef::scalar("uuid7_timestamp_ms", Arity::exactly(1), F::PURE, timestamp_ms),
    FunctionDef::scalar("uuid_str", Arity::exactly(1), F::PURE, to_text),
    FunctionDef::scalar("uuid_blob", Arity::exactly(1), F::PURE, to_blob),
];

fn random(ctx: &Context<'_>) -> Uuid {
    let mut bytes = [0; 16];
    ctx.environment.fill_random(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

fn random_text(ctx: &mut Context<'_>, _: &[Value]) -> Result<()> {
    let uuid = random(ctx);
    ctx.text(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes())
}

/// Version 7: milliseconds since 1970 (of now, or of the given second), then randomness.
fn by_time(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let ms = match args.first() {
        Some(Value::Null) => return ctx.null(),
        Some(seconds) => seconds.to_integer().checked_mul(1000),
        None => Some(ctx.environment.now_julian_ms() - UNIX_EPOCH_MS),
    };
    // 48 bits are there for it.
    let ms = ms.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| ms >> 48 == 0);
    let Some(ms) = ms else { return Err(Error::sql("the time is out of the range of a UUID")) };
    let mut bytes = [0; 10];
    ctx.environment.fill_random(&mut bytes);
    ctx.blob(Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid().as_bytes())
}

/// A UUID from 16 bytes, or from text in any usual notation (hyphens and braces optional).
fn parse(arg: &Value) -> Option<Uuid> {
    let mut scratch = Vec::new();
    match arg {
        Value::Blob(bytes) => Uuid::from_slice(bytes).ok(),
        other => Uuid::try_parse_ascii(bytes_of(other, &mut scratch)?).ok(),
    }
}

fn timestamp_ms(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match parse(&args[0]).filter(|uuid| uuid.get_version_num() == 7) {
        Some(uuid) => {
            let mut ms = [0; 8];
            ms[2..].copy_from_slice(&uuid.as_bytes()[..6]);
            ctx.integer(i64::from_be_bytes(ms))
        }
        None => ctx.null(),
    }
}

fn to_text(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match parse(&args[0]) {
        Some(uuid) => ctx.text(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes()),
        None => ctx.null(),
    }
}

fn to_blob(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match parse(&args[0]) {
        Some(uuid) => ctx.blob(uuid.as_bytes()),
        None => ctx.null(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::{call, check, t};
    use turso_value::Value;

    #[test]
    fn both_forms() {
        let bytes = *b"\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11";
        let text = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        check("uuid_blob", &[t(text)], Value::blob(bytes));
        check("uuid_str", &[Value::blob(bytes)], text);
        check("uuid_str", &[t("{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}")], text);
        check("uuid_str", &[t("A0EEBC999C0B4EF8BB6D6BB9BD380A11")], text);
        for bad in [t("x"), Value::blob(*b"x"), Value::Null, Value::Integer(5)] {
            check("uuid_str", std::slice::from_ref(&bad), Value::Null);
            check("uuid_blob", &[bad], Value::Null);
        }
    }

    #[test]
    fn versions_and_times() {
        let Value::Blob(four) = call("uuid4", &[]) else { panic!() };
        assert_eq!((four.len(), four[6] >> 4, four[8] >> 6), (16, 4, 2));
        assert_ne!(call("gen_random_uuid", &[]), call("uuid4_str", &[]));
        let seven = call("uuid7", &[Value::Integer(1_700_000_000)]);
        check("uuid7_timestamp_ms", &[seven], 1_700_000_000_000i64);
        check("uuid7_timestamp_ms", &[t("018ff38a-a5c9-712d-bc80-0550b3ad41a2")], 1_717_777_901_001i64);
        check("uuid7_timestamp_ms", &[Value::Blob(four)], Value::Null);
        check("uuid7", &[Value::Integer(-1)], "the time is out of the range of a UUID");
        check("uuid7", &[Value::Integer(i64::MAX)], "the time is out of the range of a UUID");
    }
}

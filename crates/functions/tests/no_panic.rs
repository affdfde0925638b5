//! No arguments make a function panic, overflow, or ignore the length limit.

mod support;

use support::*;
use turso_functions::{Context, Environment, FunctionKind, built_ins};
use turso_value::Value;

/// As the fixed environment, with a small length limit.
struct Small;

impl Environment for Small {
    fn now_julian_ms(&self) -> i64 {
        Fixed.now_julian_ms()
    }
    fn local_offset_seconds(&self, _: i64) -> Option<i64> {
        Some(3600)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(0x80);
    }
    fn max_length(&self) -> usize {
        100_000
    }
}

fn pool() -> Vec<Value> {
    let mut pool = everything();
    for text in [
        "$.a[#-1].b",
        "$",
        "{\"a\":[1,{\"b\":2}]}",
        "[1,2,3]",
        "[[[[",
        "%*.*f%-+#!0,99999d%w",
        "%s%c%Q",
        "2024-02-30 24:00",
        "-4713-11-24",
        "9999-12-31 23:59:59.999",
        "weekday -6",
        "start of month",
        "+9999-11-30 23:59:59",
        "-9999-11-30",
        "+14712 years",
        "-176545 months",
        "auto",
        "localtime",
        "utc",
        "floor",
        "%J%s%f%G%V%U%j",
        "now",
        "\\u0041\\",
        "\\U",
        "a%_b\\",
        "[^]-a]",
        "[a-",
        "unixepoch",
        "+99999999999999 seconds",
        "-5373484 days",
    ] {
        pool.push(Value::from(text));
    }
    for blob in [
        &[0xcc, 0xff][..],
        &[0x4c, 0x17, 0x61, 0x13, 0x31],
        &[0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x2c, 0x00, 0x00],
        &[0x5b, 0x2b, 0x13, 0x31, 0x07, 0x00],
    ] {
        pool.push(Value::Blob(blob.to_vec()));
    }
    pool
}

#[test]
fn functions_survive_anything() {
    let pool = pool();
    let mut random = Random(77);
    for def in built_ins() {
        let most = usize::from(def.arity.max).min(usize::from(def.arity.min) + 4);
        for _ in 0..1_500 {
            let count = usize::from(def.arity.min) + random.below(most - usize::from(def.arity.min) + 1);
            let args: Vec<Value> = (0..count).map(|_| random.pick(&pool).clone()).collect();
            let subtypes: Vec<u32> =
                (0..count).map(|_| if random.below(3) == 0 { Context::SUBTYPE_JSON } else { 0 }).collect();
            let mut result = Value::Null;
            let mut ctx = Context::new(&mut result, &Small);
            ctx.arg_subtypes = &subtypes;
            match &def.kind {
                FunctionKind::Aggregate(aggregate) => {
                    let mut state = aggregate.create();
                    state.begin_frame();
                    let _ = state.value(&mut ctx);
                    if state.step(&mut ctx, &args).is_ok()
                        && state.value(&mut ctx).is_ok()
                        && state.inverse(&mut ctx, &args).is_ok()
                    {
                        let _ = state.value(&mut ctx);
                    }
                    let _ = state.finalize(&mut ctx);
                    state.reset();
                }
                FunctionKind::Window(_) => {}
                _ => {
                    let _ = def.call(&mut ctx, &args);
                }
            }
            let len = result.bytes().map_or(0, <[u8]>::len);
            assert!(len <= 200_000, "{}{args:?} gave {len} bytes", def.name);
        }
    }
}

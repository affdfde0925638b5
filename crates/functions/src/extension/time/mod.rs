//! `time_...()` and `dur_...()`: moments with nanoseconds, far beyond the years of the date functions of SQLite.
//!
//! A moment is a blob, which sorts by time for all years from 1 on; a duration is a number of nanoseconds. NULL gives
//! NULL; what is no moment is an error.
//!
//! | offset | size | field         | meaning                                     |
//! |-------:|-----:|---------------|---------------------------------------------|
//! |      0 |    1 | `version`     | 1                                           |
//! |      1 |    8 | `seconds`     | since 0001-01-01 00:00:00 UTC, big-endian   |
//! |      9 |    4 | `nanoseconds` | of that second, big-endian                  |
//!
//! | module     | subject                                     |
//! |------------|---------------------------------------------|
//! | `moment`   | the value, its bytes, the calendar          |
//! | `field`    | parts of a moment, rounding to them         |
//! | `text`     | moments as text                             |

mod field;
mod moment;
mod text;

use crate::context::Context;
use crate::datetime::UNIX_EPOCH_MS;
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use field::Field;
use moment::{Moment, NANOS};
use turso_error::{Error, Result};
use turso_value::Value;

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("time_now", Arity::exactly(0), F::INNOCUOUS, |ctx, _| {
        let now = now(ctx);
        answer(ctx, Some(now))
    }),
    FunctionDef::scalar("time_date", Arity::exactly(3), F::PURE, date),
    FunctionDef::scalar("time_date", Arity::between(6, 8), F::PURE, date),
    FunctionDef::scalar("make_date", Arity::exactly(3), F::PURE, date),
    FunctionDef::scalar("make_timestamp", Arity::exactly(6), F::PURE, date),
    FunctionDef::scalar("time_get", Arity::exactly(2), F::PURE, get),
    FunctionDef::scalar("time_get_year", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Year)),
    FunctionDef::scalar("time_get_month", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Month)),
    FunctionDef::scalar("time_get_day", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Day)),
    FunctionDef::scalar("time_get_hour", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Hour)),
    FunctionDef::scalar("time_get_minute", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Minute)),
    FunctionDef::scalar("time_get_second", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Second)),
    FunctionDef::scalar("time_get_nano", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Nano)),
    FunctionDef::scalar("time_get_weekday", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Weekday)),
    FunctionDef::scalar("time_get_yearday", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::Yearday)),
    FunctionDef::scalar("time_get_isoyear", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::IsoYear)),
    FunctionDef::scalar("time_get_isoweek", Arity::exactly(1), F::PURE, |c, a| part(c, a, Field::IsoWeek)),
    FunctionDef::scalar("time_unix", Arity::between(1, 2), F::PURE, |c, a| from_unix(c, a, 1)),
    FunctionDef::scalar("to_timestamp", Arity::exactly(1), F::PURE, |c, a| from_unix(c, a, 1)),
    FunctionDef::scalar("time_milli", Arity::exactly(1), F::PURE, |c, a| from_unix(c, a, 1_000)),
    FunctionDef::scalar("time_micro", Arity::exactly(1), F::PURE, |c, a| from_unix(c, a, 1_000_000)),
    FunctionDef::scalar("time_nano", Arity::exactly(1), F::PURE, |c, a| from_unix(c, a, NANOS)),
    FunctionDef::scalar("time_to_unix", Arity::exactly(1), F::PURE, |c, a| to_unix(c, a, 1)),
    FunctionDef::scalar("time_to_milli", Arity::exactly(1), F::PURE, |c, a| to_unix(c, a, 1_000)),
    FunctionDef::scalar("time_to_micro", Arity::exactly(1), F::PURE, |c, a| to_unix(c, a, 1_000_000)),
    FunctionDef::scalar("time_to_nano", Arity::exactly(1), F::PURE, |c, a| to_unix(c, a, NANOS)),
    FunctionDef::scalar("time_after", Arity::exactly(2), F::PURE, |c, a| compare(c, a, |o| i64::from(o.is_gt()))),
    FunctionDef::scalar("time_before", Arity::exactly(2), F::PURE, |c, a| compare(c, a, |o| i64::from(o.is_lt()))),
    FunctionDef::scalar("time_compare", Arity::exactly(2), F::PURE, |c, a| compare(c, a, |o| o as i64)),
    FunctionDef::scalar("time_equal", Arity::exactly(2), F::PURE, |c, a| compare(c, a, |o| i64::from(o.is_eq()))),
    FunctionDef::scalar("time_add", Arity::exactly(2), F::PURE, add),
    FunctionDef::scalar("time_add_date", Arity::between(2, 4), F::PURE, add_date),
    FunctionDef::scalar("time_sub", Arity::exactly(2), F::PURE, |ctx, args| {
        let (t, u) = (moment_of(args, 0)?, moment_of(args, 1)?);
        difference(ctx, t, u)
    }),
    FunctionDef::scalar("time_since", Arity::exactly(1), F::INNOCUOUS, |ctx, args| {
        let (now, then) = (now(ctx), moment_of(args, 0)?);
        difference(ctx, Some(now), then)
    }),
    FunctionDef::scalar("time_until", Arity::exactly(1), F::INNOCUOUS, |ctx, args| {
        let (now, then) = (now(ctx), moment_of(args, 0)?);
        difference(ctx, then, Some(now))
    }),
    FunctionDef::scalar("time_trunc", Arity::exactly(2), F::PURE, truncate),
    FunctionDef::scalar("time_round", Arity::exactly(2), F::PURE, round),
    FunctionDef::scalar("time_fmt_iso", Arity::between(1, 2), F::PURE, |c, a| format(c, a, text::iso)),
    FunctionDef::scalar("time_fmt_datetime", Arity::between(1, 2), F::PURE, |c, a| format(c, a, text::date_time)),
    FunctionDef::scalar("time_fmt_date", Arity::between(1, 2), F::PURE, |c, a| format(c, a, text::date)),
    FunctionDef::scalar("time_fmt_time", Arity::between(1, 2), F::PURE, |c, a| format(c, a, text::time)),
    FunctionDef::scalar("time_parse", Arity::exactly(1), F::PURE, parse),
    FunctionDef::scalar("dur_ns", Arity::exactly(0), F::PURE, |ctx, _| ctx.integer(1)),
    FunctionDef::scalar("dur_us", Arity::exactly(0), F::PURE, |ctx, _| ctx.integer(1_000)),
    FunctionDef::scalar("dur_ms", Arity::exactly(0), F::PURE, |ctx, _| ctx.integer(1_000_000)),
    FunctionDef::scalar("dur_s", Arity::exactly(0), F::PURE, |ctx, _| ctx.integer(NANOS)),
    FunctionDef::scalar("dur_m", Arity::exactly(0), F::PURE, |ctx, _| ctx.integer(60 * NANOS)),
    FunctionDef::scalar("dur_h", Arity::exactly(0), F::PURE, |ctx, _| ctx.integer(3_600 * NANOS)),
];

const ORDINALS: [&str; 4] = ["1st", "2nd", "3rd", "4th"];

fn out_of_range() -> Error {
    Error::sql("the time is out of range")
}

/// The moment in an argument; `None` for NULL.
fn moment_of(args: &[Value], index: usize) -> Result<Option<Moment>> {
    let wrong = |what: &str| Err(Error::sql(format!("{} parameter: {what}", ORDINALS[index])));
    match &args[index] {
        Value::Null => Ok(None),
        Value::Blob(bytes) => match Moment::decode(bytes) {
            Some(moment) => Ok(Some(moment)),
            None => wrong("not a time value"),
        },
        _ => wrong("should be a time blob"),
    }
}

/// The integer in an argument; `None` for NULL.
fn integer_of(args: &[Value], index: usize) -> Result<Option<i64>> {
    match &args[index] {
        Value::Null => Ok(None),
        Value::Integer(i) => Ok(Some(*i)),
        _ => Err(Error::sql(format!("{} parameter: should be an integer", ORDINALS[index]))),
    }
}

fn answer(ctx: &mut Context<'_>, moment: Option<Moment>) -> Result<()> {
    match moment {
        Some(moment) => ctx.blob(&moment.encode()),
        None => ctx.null(),
    }
}

fn now(ctx: &Context<'_>) -> Moment {
    let ms = ctx.environment.now_julian_ms().saturating_sub(UNIX_EPOCH_MS);
    Moment::from_unix_nanos(i128::from(ms) * 1_000_000).unwrap_or_default()
}

/// Year, month, day, then hour, minute, second, nanosecond, offset in seconds: whatever is given.
fn date(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut parts = [1, 1, 1, 0, 0, 0, 0, 0];
    for (part, arg) in parts.iter_mut().zip(args) {
        *part = match arg {
            Value::Null => return ctx.null(),
            Value::Integer(i) => *i,
            _ => return Err(Error::sql("all parameters should be integers")),
        };
    }
    let moment = Moment::from_parts(parts).ok_or_else(out_of_range)?;
    answer(ctx, Some(moment))
}

fn get(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(moment) = moment_of(args, 0)? else { return ctx.null() };
    let Some(field) = field::named(&args[1])? else { return ctx.null() };
    match field {
        // As PostgreSQL has it, these two carry the fraction.
        Field::Second => ctx.real(moment.second() as f64 + moment.nanos() as f64 / NANOS as f64),
        Field::Epoch => ctx.real(moment.unix_seconds() as f64 + moment.nanos() as f64 / NANOS as f64),
        field => ctx.integer(field.of(moment)),
    }
}

fn part(ctx: &mut Context<'_>, args: &[Value], field: Field) -> Result<()> {
    match moment_of(args, 0)? {
        Some(moment) => ctx.integer(field.of(moment)),
        None => ctx.null(),
    }
}

/// A moment from so many units since 1970, `per_second` of which make a second; then nanoseconds to add.
fn from_unix(ctx: &mut Context<'_>, args: &[Value], per_second: i64) -> Result<()> {
    let Some(count) = integer_of(args, 0)? else { return ctx.null() };
    let nanos = if args.len() > 1 { integer_of(args, 1)? } else { Some(0) };
    let Some(nanos) = nanos else { return ctx.null() };
    let whole = i128::from(count) * i128::from(NANOS / per_second) + i128::from(nanos);
    let moment = Moment::from_unix_nanos(whole).ok_or_else(out_of_range)?;
    answer(ctx, Some(moment))
}

fn to_unix(ctx: &mut Context<'_>, args: &[Value], per_second: i64) -> Result<()> {
    let Some(moment) = moment_of(args, 0)? else { return ctx.null() };
    let count = moment.unix_nanos().div_euclid(i128::from(NANOS / per_second));
    ctx.integer(i64::try_from(count).map_err(|_| out_of_range())?)
}

fn compare(ctx: &mut Context<'_>, args: &[Value], say: fn(std::cmp::Ordering) -> i64) -> Result<()> {
    match (moment_of(args, 0)?, moment_of(args, 1)?) {
        (Some(t), Some(u)) => ctx.integer(say(t.cmp(&u))),
        _ => ctx.null(),
    }
}

fn add(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match (moment_of(args, 0)?, integer_of(args, 1)?) {
        (Some(t), Some(nanos)) => {
            let sum = t.plus_nanos(i128::from(nanos)).ok_or_else(out_of_range)?;
            answer(ctx, Some(sum))
        }
        _ => ctx.null(),
    }
}

/// Years, months and days are added to the date, which is then put right: October 31 and a month is December 1.
fn add_date(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(moment) = moment_of(args, 0)? else { return ctx.null() };
    let mut parts = moment.parts();
    for (i, part) in parts.iter_mut().take(args.len() - 1).enumerate() {
        let Some(more) = integer_of(args, i + 1)? else { return ctx.null() };
        *part = part.checked_add(more).ok_or_else(out_of_range)?;
    }
    let moment = Moment::from_parts(parts).ok_or_else(out_of_range)?;
    answer(ctx, Some(moment))
}

/// Nanoseconds from `u` to `t`, cut to what a duration can hold.
fn difference(ctx: &mut Context<'_>, t: Option<Moment>, u: Option<Moment>) -> Result<()> {
    match (t, u) {
        (Some(t), Some(u)) => {
            let nanos = t.unix_nanos() - u.unix_nanos();
            ctx.integer(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
        }
        _ => ctx.null(),
    }
}

fn truncate(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(moment) = moment_of(args, 0)? else { return ctx.null() };
    let truncated = match &args[1] {
        Value::Integer(nanos) => moment.rounded(*nanos, false),
        other => match field::named(other)? {
            Some(field) => field.floor(moment)?,
            None => return ctx.null(),
        },
    };
    answer(ctx, Some(truncated.ok_or_else(out_of_range)?))
}

fn round(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match (moment_of(args, 0)?, integer_of(args, 1)?) {
        (Some(t), Some(nanos)) => {
            let rounded = t.rounded(nanos, true).ok_or_else(out_of_range)?;
            answer(ctx, Some(rounded))
        }
        _ => ctx.null(),
    }
}

fn format(ctx: &mut Context<'_>, args: &[Value], write: fn(Moment, i64) -> String) -> Result<()> {
    let Some(moment) = moment_of(args, 0)? else { return ctx.null() };
    let offset = if args.len() > 1 { integer_of(args, 1)? } else { Some(0) };
    let Some(offset) = offset else { return ctx.null() };
    let local = moment.plus_nanos(i128::from(offset) * i128::from(NANOS)).ok_or_else(out_of_range)?;
    ctx.text(write(local, offset).as_bytes())
}

fn parse(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let mut scratch = Vec::new();
    let moment = super::bytes_of(&args[0], &mut scratch).and_then(text::parse);
    answer(ctx, moment)
}

#[cfg(test)]
mod tests {
    use super::super::support::{call, check, t};
    use turso_value::Value;

    fn i(n: i64) -> Value {
        Value::Integer(n)
    }

    fn date(parts: &[i64]) -> Value {
        call("time_date", &parts.iter().copied().map(i).collect::<Vec<_>>())
    }

    fn check_iso(moment: Value, expected: &str) {
        check("time_fmt_iso", &[moment], expected);
    }

    const MOMENT: &[i64] = &[2011, 11, 18, 15, 56, 35, 666_777_888];

    #[test]
    fn bytes_are_those_of_sqlean() {
        for (moment, hex) in [
            (date(&[2011, 11, 18]), "010000000ec657970000000000"),
            (call("time_unix", &[i(0), i(-1)]), "010000000e7791f6ff3b9ac9ff"),
            (call("time_milli", &[i(-1)]), "010000000e7791f6ff3b8b87c0"),
            (call("time_micro", &[i(-1)]), "010000000e7791f6ff3b9ac618"),
            (call("time_milli", &[i(1_321_631_795_666)]), "010000000ec658773327b25a80"),
            (call("time_parse", &[t("2011-11-18T15:56:35+03:00")]), "010000000ec6584d0300000000"),
            (call("time_parse", &[t("15:56:35")]), "01000000000000e03300000000"),
            (call("time_add_date", &[date(&[2011, 10, 31]), i(0), i(1)]), "010000000ec668ba8000000000"),
        ] {
            check("crypto_encode", &[moment, t("hex")], hex);
        }
    }

    #[test]
    fn text_forms() {
        check_iso(date(MOMENT), "2011-11-18T15:56:35.666777888Z");
        check_iso(date(&[-5, 11, 18]), "-005-11-18T00:00:00Z");
        check_iso(date(&[12011, 11, 18]), "12011-11-18T00:00:00Z");
        check_iso(date(&[2011, 14, 32, 25, 61, 61]), "2012-03-04T02:02:01Z");
        check_iso(date(&[2011, 11, 18, 15, 56, 35, 0, 3 * 3600]), "2011-11-18T12:56:35Z");
        check("time_fmt_iso", &[date(MOMENT), i(-3661)], "2011-11-18T14:55:34.666777888-01:01");
        check("time_fmt_datetime", &[date(MOMENT), i(3 * 3600)], "2011-11-18 18:56:35");
        check("time_fmt_date", &[date(MOMENT), i(12 * 3600)], "2011-11-19");
        check("time_fmt_time", &[date(MOMENT)], "15:56:35");
        for text in ["2011-11-18T15:56:35.666777888Z", "2011-11-18T19:26:35.666777888+03:30"] {
            check("time_parse", &[t(text)], date(MOMENT));
        }
        for text in ["2011-11-18T15:56:35Z", "2011-11-18T12:26:35-03:30", "2011-11-18 15:56:35"] {
            check("time_parse", &[t(text)], date(&MOMENT[..6]));
        }
        check("time_parse", &[t("2011-11-18")], date(&[2011, 11, 18]));
        for bad in
            ["", "bogus", "2011-13-18", "2011-02-29", "2011-11-18T24:00:00Z", "2011-11-18T15:56:35", "2011-11-18x"]
        {
            check("time_parse", &[t(bad)], Value::Null);
        }
    }

    #[test]
    fn fields() {
        for (field, expected) in [
            ("millennium", 2),
            ("century", 20),
            ("decade", 201),
            ("year", 2011),
            ("quarter", 4),
            ("month", 11),
            ("day", 18),
            ("hour", 15),
            ("minute", 56),
            ("milli", 666),
            ("microsecond", 666_777),
            ("nano", 666_777_888),
            ("isoyear", 2011),
            ("isoweek", 46),
            ("isodow", 5),
            ("yearday", 322),
            ("weekday", 5),
        ] {
            check("time_get", &[date(MOMENT), t(field)], expected);
        }
        check("time_get", &[date(MOMENT), t("second")], 35.666777888);
        check("time_get", &[date(MOMENT), t("epoch")], 1_321_631_795.6667778);
        check("time_get", &[date(MOMENT), t("bogus")], "unknown field");
        let new_year = date(&[2011, 1, 1]);
        for (name, expected) in
            [("time_get_isoweek", 52), ("time_get_isoyear", 2010), ("time_get_weekday", 6), ("time_get_yearday", 1)]
        {
            check(name, std::slice::from_ref(&new_year), expected);
        }
    }

    #[test]
    fn rounding() {
        for (field, expected) in [
            ("millennium", "2000-01-01T00:00:00Z"),
            ("century", "2000-01-01T00:00:00Z"),
            ("decade", "2010-01-01T00:00:00Z"),
            ("year", "2011-01-01T00:00:00Z"),
            ("quarter", "2011-10-01T00:00:00Z"),
            ("month", "2011-11-01T00:00:00Z"),
            ("week", "2011-11-14T00:00:00Z"),
            ("day", "2011-11-18T00:00:00Z"),
            ("hour", "2011-11-18T15:00:00Z"),
            ("minute", "2011-11-18T15:56:00Z"),
            ("second", "2011-11-18T15:56:35Z"),
            ("milli", "2011-11-18T15:56:35.666000000Z"),
            ("micro", "2011-11-18T15:56:35.666777000Z"),
        ] {
            check_iso(call("time_trunc", &[date(MOMENT), t(field)]), expected);
        }
        let seconds = |n: i64| i(n * 1_000_000_000);
        check_iso(call("time_trunc", &[date(MOMENT), seconds(1800)]), "2011-11-18T15:30:00Z");
        check_iso(call("time_trunc", &[date(MOMENT), i(-5)]), "2011-11-18T15:56:35.666777888Z");
        check_iso(call("time_round", &[date(MOMENT), seconds(7)]), "2011-11-18T15:56:37Z");
        check_iso(call("time_round", &[date(MOMENT), seconds(3600)]), "2011-11-18T16:00:00Z");
        check("time_trunc", &[date(MOMENT), t("isoweek")], "unknown field");
    }

    #[test]
    fn arithmetic_and_comparison() {
        let (one, two) = (call("time_unix", &[i(1)]), call("time_unix", &[i(2)]));
        check("time_sub", &[two.clone(), one.clone()], 1_000_000_000);
        check("time_compare", &[one.clone(), two.clone()], -1);
        check("time_after", &[two.clone(), one.clone()], 1);
        check("time_before", &[two.clone(), one.clone()], 0);
        check("time_equal", &[one.clone(), one.clone()], 1);
        check("time_add", &[one.clone(), i(1_000_000_000)], two);
        check("time_sub", &[date(&[5000, 1, 1]), one.clone()], i64::MAX);
        check("time_sub", &[date(&[-5000, 1, 1]), one.clone()], i64::MIN);
        check("time_to_milli", &[call("time_unix", &[i(-1), i(5_000_000)])], -995);
        check("time_to_nano", &[date(&[5000, 1, 1])], "the time is out of range");
        check_iso(call("time_add_date", &[date(&[2011, 11, 18]), i(3), i(5), i(-10)]), "2015-04-08T00:00:00Z");
        check("time_after", &[one.clone(), i(5)], "2nd parameter: should be a time blob");
        check("time_after", &[Value::blob(*b"x"), one.clone()], "1st parameter: not a time value");
        check("time_add", &[one, Value::Null], Value::Null);
        check("time_date", &[i(i64::MAX), i(1), i(1)], "the time is out of range");
        check("time_date", &[t("2011"), i(1), i(1)], "all parameters should be integers");
        check("dur_h", &[], 3_600_000_000_000i64);
    }

    #[test]
    fn far_away() {
        check_iso(date(&[292_000_000_000, 2, 29]), "292000000000-02-29T00:00:00Z");
        check("time_get_year", &[date(&[-292_000_000_000, 1, 1])], -292_000_000_000i64);
    }
}

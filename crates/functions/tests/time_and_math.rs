//! Date, time and mathematical functions against the newest SQLite.

mod support;

use rusqlite::Connection;
use support::*;
use turso_value::Value;

#[test]
fn mathematics() {
    let db = Connection::open_in_memory().unwrap();
    assert_eq!(ours("log", &[Value::Integer(100)]), Ok(Value::Real(2.0)));
    assert_eq!(ours("acos", &[Value::Integer(2)]), Ok(Value::Null));
    assert_eq!(ours("ceil", &[Value::text("1.5")]), Ok(Value::Real(2.0)));
    if query(&db, "SELECT acos(0)", &[]).is_err() {
        // The bundled library has these functions only when built with LIBSQLITE3_FLAGS=-DSQLITE_ENABLE_MATH_FUNCTIONS.
        return;
    }
    let mut report = Report::default();
    let mut pool = everything();
    pool.extend([
        Value::Real(0.7),
        Value::Real(-0.7),
        Value::Real(3.7),
        Value::Real(-3.2),
        Value::text("2.5"),
        Value::text("-7"),
    ]);
    for name in [
        "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "ceiling", "cos", "cosh", "degrees", "exp", "floor",
        "ln", "log", "log10", "log2", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    ] {
        for arg in &pool {
            report.check(&db, name, std::slice::from_ref(arg));
        }
    }
    for name in ["atan2", "log", "mod", "pow", "power"] {
        for a in &pool {
            for b in &pool {
                report.check(&db, name, &[a.clone(), b.clone()]);
            }
        }
    }
    report.check(&db, "pi", &[]);
    report.finish();
}

fn time_values(random: &mut Random) -> Value {
    let fixed = [
        "2024-02-29",
        "2023-02-31",
        "2000-01-01 00:00:00",
        "1999-12-31 23:59:59.999",
        "1999-12-31 23:59:59.9999",
        "0000-01-01",
        "-4713-11-24 12:00",
        "9999-12-31 23:59:59",
        "2024-03-01T12:34:56",
        "2024-03-01T12:34:56.789Z",
        "2024-03-01 12:34:56+05:30",
        "2024-03-01 12:34:56 -14:00",
        "12:34",
        "12:34:56",
        "12:34:56.7",
        "24:00",
        "24:59:59",
        "25:00",
        "2024-13-01",
        "2024-00-10",
        "2024-1-1",
        "2024-02-30 24:00:00",
        "",
        " ",
        "2460000",
        "2460000.5",
        "0",
        "-1",
        "5373484.4999",
        "5373484.5",
        "1e6",
        "1700000000",
        "-62135596800",
        "2024-03-01 12:34:",
        "2024-03-01 12:34:5",
        "2024-03-01 12:34:56.",
        "2024-03-01x",
        "2024-03-01 ",
        "2024-03-01  TT 12:00",
        "2024-03-01 12:34Z ",
        "2024-03-01 12:34 z",
        "2024-03-01 12:34+15:00",
        "2024-03-01 12:34+05:60",
        "-0001-05-05",
        "2024-12-30",
        "2021-01-03",
        "2020-12-31",
        "2016-01-01",
        "2019-12-30",
        "+2024-01-01",
        "2024-03-31",
        "2024-05-31 01:02:03.004",
        "12:34:56.78901",
        "noon",
        "2024-02-29 00:00:00.0005",
    ];
    match random.below(10) {
        0 => Value::Integer(random.below(5_400_000) as i64),
        1 => Value::Real(random.below(540_000_000) as f64 / 100.0),
        2 => Value::Integer(random.next() as i64 >> random.below(60)),
        3 => Value::from(format!("{:04}-{:02}-{:02}", random.below(10000), 1 + random.below(12), 1 + random.below(31))),
        4 => Value::from(format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}",
            1900 + random.below(200),
            1 + random.below(12),
            1 + random.below(31),
            random.below(24),
            random.below(60),
            random.below(60),
            random.below(1000)
        )),
        5 if random.below(8) == 0 => random.pick(&everything()).clone(),
        _ => Value::from(*random.pick(&fixed)),
    }
}

fn modifiers(random: &mut Random) -> Value {
    let fixed = [
        "start of month",
        "start of year",
        "start of day",
        "Start Of Day",
        "start of week",
        "weekday 0",
        "weekday 3",
        "weekday 6",
        "weekday 7",
        "weekday 1.5",
        "WEEKDAY 2",
        "weekday  2",
        "weekday -1",
        "unixepoch",
        "auto",
        "julianday",
        "utc",
        "localtime",
        "subsec",
        "subsecond",
        "SUBSEC",
        "ceiling",
        "floor",
        "+1 day",
        "-1 days",
        "1 day",
        "+1 month",
        "-1 month",
        "+1 months",
        "+12 month",
        "+1 year",
        "-1 year",
        "+1.5 months",
        "-1.5 years",
        "+0.5 day",
        "+10 seconds",
        "-10.5 second",
        "+90 minutes",
        "+25 hours",
        "+1 week",
        "+1",
        "+ 1 day",
        "+1day",
        "1.5 hour ",
        "+05:30",
        "-05:30",
        "05:30:15",
        "+05:30:15.5",
        "+24:00",
        "+25:00",
        "+0001-02-03",
        "-0001-02-03",
        "+0001-11-30",
        "+0001-12-01",
        "+0001-02-03 04:05",
        "-0001-02-03 04:05:06",
        "+0001-02-03 04:05:06.7",
        "+0001-02-03x",
        "+0001-02-31",
        "+00001-02-03",
        "",
        "x",
        "+1 fortnight",
        "+9223372036854775807 days",
        "+14712 years",
        "+14713 years",
        "+176545 months",
        "+5373484 days",
        "+1e3 days",
        "+1 day ",
        " +1 day",
        "+-1 day",
        "--1 day",
        "1e2 month",
        "-13 months",
        "+1 mont",
        "+1 ds",
        "+1 dayss",
    ];
    match random.below(6) {
        0 => Value::from(format!(
            "{}{} {}",
            random.pick(&["+", "-", ""]),
            random.below(1000),
            random.pick(&["days", "months", "years", "hours", "minutes", "seconds", "day"])
        )),
        1 if random.below(10) == 0 => random.pick(&everything()).clone(),
        _ => Value::from(*random.pick(&fixed)),
    }
}

#[test]
fn dates_with_modifiers() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(21);
    let mut report = Report::default();
    for _ in 0..10_000 {
        let mut args = vec![time_values(&mut random)];
        for _ in 0..random.below(4) {
            args.push(modifiers(&mut random));
        }
        for name in ["datetime", "julianday", "unixepoch", "date", "time"] {
            report.check(&db, name, &args);
        }
    }
    report.finish();
}

#[test]
fn strftime_conversions() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(22);
    let mut report = Report::default();
    for _ in 0..6_000 {
        let mut format = String::new();
        for _ in 0..1 + random.below(3) {
            format.push_str(random.pick::<&str>(&["", "-", "é", " "]));
            format.push('%');
            format.push(*random.pick(&[
                'd', 'e', 'f', 'F', 'G', 'g', 'H', 'I', 'j', 'J', 'k', 'l', 'm', 'M', 'p', 'P', 'R', 's', 'S', 'T',
                'u', 'U', 'V', 'w', 'W', 'Y', '%', 'Q', 'z',
            ]));
        }
        if random.below(50) == 0 {
            format.push('%');
        }
        let mut args = vec![Value::from(format), time_values(&mut random)];
        if random.below(2) == 0 {
            args.push(modifiers(&mut random));
        }
        report.check(&db, "strftime", &args);
    }
    report.check(&db, "strftime", &[]);
    report.check(&db, "strftime", &[Value::Null, Value::from("now")]);
    report.finish();
}

#[test]
fn differences_of_times() {
    let db = Connection::open_in_memory().unwrap();
    let mut random = Random(23);
    let mut report = Report::default();
    for _ in 0..6_000 {
        let args = [time_values(&mut random), time_values(&mut random)];
        report.check(&db, "timediff", &args);
    }
    report.finish();
}

#[test]
fn now_is_the_moment_of_the_step() {
    for (name, expected) in [("date", "2024-02-29"), ("time", "12:34:56"), ("datetime", "2024-02-29 12:34:56")] {
        assert_eq!(ours(name, &[]), Ok(Value::from(expected)));
        assert_eq!(ours(name, &[Value::from("NOW")]), Ok(Value::from(expected)));
    }
    assert_eq!(ours("datetime", &[Value::from("subsec")]), Ok(Value::from("2024-02-29 12:34:56.789")));
    assert_eq!(ours("current_timestamp", &[]), Ok(Value::from("2024-02-29 12:34:56")));
}

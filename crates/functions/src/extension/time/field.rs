//! The parts of a moment, and moments cut down to them.

use super::moment::Moment;
use turso_error::{Error, Result};
use turso_value::Value;

/// A part of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Millennium,
    Century,
    Decade,
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Milli,
    Micro,
    Nano,
    IsoYear,
    IsoWeek,
    IsoWeekday,
    Yearday,
    Weekday,
    Epoch,
}

const NAMES: &[(&str, Field)] = &[
    ("millennium", Field::Millennium),
    ("century", Field::Century),
    ("decade", Field::Decade),
    ("year", Field::Year),
    ("quarter", Field::Quarter),
    ("month", Field::Month),
    ("week", Field::Week),
    ("day", Field::Day),
    ("hour", Field::Hour),
    ("minute", Field::Minute),
    ("second", Field::Second),
    ("milli", Field::Milli),
    ("millisecond", Field::Milli),
    ("micro", Field::Micro),
    ("microsecond", Field::Micro),
    ("nano", Field::Nano),
    ("nanosecond", Field::Nano),
    ("isoyear", Field::IsoYear),
    ("isoweek", Field::IsoWeek),
    ("isodow", Field::IsoWeekday),
    ("yearday", Field::Yearday),
    ("doy", Field::Yearday),
    ("weekday", Field::Weekday),
    ("dow", Field::Weekday),
    ("epoch", Field::Epoch),
];

fn unknown() -> Error {
    Error::sql("unknown field")
}

/// The field that an argument names; `None` for NULL.
pub fn named(arg: &Value) -> Result<Option<Field>> {
    let mut scratch = Vec::new();
    let Some(name) = super::super::bytes_of(arg, &mut scratch) else { return Ok(None) };
    let found = NAMES.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
    found.map(|(_, field)| Some(*field)).ok_or_else(unknown)
}

impl Field {
    /// Its value, without fractions.
    pub fn of(self, moment: Moment) -> i64 {
        let (year, month, day) = moment.date();
        match self {
            Field::Millennium => year / 1000,
            Field::Century => year / 100,
            Field::Decade => year / 10,
            Field::Year => year,
            Field::Quarter => (month - 1) / 3 + 1,
            Field::Month => month,
            Field::Day => day,
            Field::Hour => moment.hour(),
            Field::Minute => moment.minute(),
            Field::Second => moment.second(),
            Field::Milli => moment.nanos() / 1_000_000,
            Field::Micro => moment.nanos() / 1_000,
            Field::Nano => moment.nanos(),
            Field::IsoYear => moment.iso_week().0,
            Field::Week | Field::IsoWeek => moment.iso_week().1,
            Field::IsoWeekday => moment.weekday_from_monday() + 1,
            Field::Yearday => moment.day_of_year(),
            Field::Weekday => (moment.weekday_from_monday() + 1) % 7,
            Field::Epoch => moment.unix_seconds() as i64,
        }
    }

    /// The first moment with the same value of this field and of all greater ones; the inner `None` when it is out of
    /// range.
    pub fn floor(self, moment: Moment) -> Result<Option<Moment>> {
        let [year, month, day, hour, minute, second, nano, _] = moment.parts();
        let whole_years = |n: i64| [year - year.rem_euclid(n), 1, 1, 0, 0, 0, 0, 0];
        let parts = match self {
            Field::Millennium => whole_years(1000),
            Field::Century => whole_years(100),
            Field::Decade => whole_years(10),
            Field::Year => whole_years(1),
            Field::Quarter => [year, month - (month - 1) % 3, 1, 0, 0, 0, 0, 0],
            Field::Month => [year, month, 1, 0, 0, 0, 0, 0],
            Field::Week => [year, month, day - moment.weekday_from_monday(), 0, 0, 0, 0, 0],
            Field::Day => [year, month, day, 0, 0, 0, 0, 0],
            Field::Hour => [year, month, day, hour, 0, 0, 0, 0],
            Field::Minute => [year, month, day, hour, minute, 0, 0, 0],
            Field::Second => [year, month, day, hour, minute, second, 0, 0],
            Field::Milli => [year, month, day, hour, minute, second, nano - nano % 1_000_000, 0],
            Field::Micro => [year, month, day, hour, minute, second, nano - nano % 1_000, 0],
            _ => return Err(unknown()),
        };
        Ok(Moment::from_parts(parts))
    }
}

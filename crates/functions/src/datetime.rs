//! Date and time: reading time values and modifiers (lang_datefunc.html).
//!
//! A moment is milliseconds since the Julian epoch (noon, November 24, 4714 BC, proleptic Gregorian calendar), or a
//! calendar date and clock time that has yet to be turned into that: a date such as February 31 stays as written until a
//! modifier needs the moment. `format.rs` turns moments into text.

use crate::context::{Context, Environment};
use crate::def::{Arity, FunctionDef, FunctionFlags as F};
use crate::text::before_nul;
use turso_value::Value;
use turso_value::number::{self, is_space};

mod format;
mod schema;

pub use schema::{SchemaPlace, in_schema};

const TIME: F = F::PURE.and(F::SLOW_CHANGE).and(F::BLOB_IS_TEXT);

/// The functions of this file.
pub const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("julianday", Arity::ANY, TIME, format::julianday),
    FunctionDef::scalar("unixepoch", Arity::ANY, TIME, format::unixepoch),
    FunctionDef::scalar("date", Arity::ANY, TIME, format::date),
    FunctionDef::scalar("time", Arity::ANY, TIME, format::time),
    FunctionDef::scalar("datetime", Arity::ANY, TIME, format::datetime),
    FunctionDef::scalar("strftime", Arity::ANY, TIME, format::strftime),
    FunctionDef::scalar("timediff", Arity::exactly(2), TIME, format::timediff),
    FunctionDef::scalar("current_date", Arity::exactly(0), TIME, |ctx, _| format::date(ctx, &[])),
    FunctionDef::scalar("current_time", Arity::exactly(0), TIME, |ctx, _| format::time(ctx, &[])),
    FunctionDef::scalar("current_timestamp", Arity::exactly(0), TIME, |ctx, _| format::datetime(ctx, &[])),
];

const DAY_MS: i64 = 86_400_000;
/// The Unix epoch in Julian milliseconds.
pub(crate) const UNIX_EPOCH_MS: i64 = 210_866_760_000_000;
/// One past the last moment, the end of year 9999.
const END_MS: i64 = 464_269_060_800_000;

/// Year, month, day.
type Date = (i64, i64, i64);
/// Hour, minute, second.
type Clock = (i64, i64, f64);

/// A date and time in the making. What is known is told by the options; both the moment and its parts may be.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    /// Julian milliseconds.
    ms: Option<i64>,
    /// Year, month, day as written or computed.
    date: Option<Date>,
    /// Hour, minute, second.
    clock: Option<Clock>,
    /// Minutes east of UTC that `clock` is given in.
    zone: i64,
    /// A number whose meaning (Julian day or Unix seconds) is open.
    raw: Option<f64>,
    /// How many days the last month arithmetic went past the end of the month.
    overflow_days: i64,
    subsecond: bool,
    is_utc: bool,
    is_local: bool,
}

/// The month's number of days past which arithmetic overflows, and by how much a day does.
fn days_past_month_end(year: i64, month: i64, day: i64) -> i64 {
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    };
    (day - last).max(0)
}

/// Days from the Julian epoch's date to a civil date; the day may lie outside of the month.
fn julian_day_number(year: i64, month: i64, day: i64) -> i64 {
    // Years that start in March make the leap day the last one.
    let (y, m) = if month <= 2 { (year - 1, month + 12) } else { (year, month) };
    let (y, m) = (y + 4800, m - 3);
    day + (153 * m + 2) / 5 + 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) - 32045
}

/// The civil date of a Julian day number.
fn civil_date(day_number: i64) -> Date {
    let a = day_number + 32044;
    let b = (4 * a + 3).div_euclid(146_097);
    let c = a - (146_097 * b).div_euclid(4);
    let d = (4 * c + 3).div_euclid(1461);
    let e = c - (1461 * d).div_euclid(4);
    let m = (5 * e + 2).div_euclid(153);
    (100 * b + d - 4800 + m / 10, m + 3 - 12 * (m / 10), e - (153 * m + 2).div_euclid(5) + 1)
}

/// Digits of fixed width with limits; `None` when they are not there or out of range.
fn fixed(text: &[u8], width: usize, least: i64, most: i64) -> Option<i64> {
    let digits = text.get(..width)?;
    let value = digits.iter().try_fold(0i64, |v, d| d.is_ascii_digit().then(|| v * 10 + i64::from(d - b'0')))?;
    (least..=most).contains(&value).then_some(value)
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let n = text.iter().take_while(|&&b| is_space(b)).count();
    &text[n..]
}

/// `HH:MM[:SS[.fff]]`: the clock and what follows.
fn read_clock(text: &[u8]) -> Option<(Clock, &[u8])> {
    let hour = fixed(text, 2, 0, 24)?;
    if text.get(2) != Some(&b':') {
        return None;
    }
    let minute = fixed(&text[3..], 2, 0, 59)?;
    let mut rest = &text[5..];
    let mut second = 0.0;
    if rest.first() == Some(&b':') {
        second = fixed(&rest[1..], 2, 0, 59)? as f64;
        rest = &rest[3..];
        if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit) {
            let (mut fraction, mut scale) = (0.0, 1.0);
            rest = &rest[1..];
            while let Some(d @ b'0'..=b'9') = rest.first() {
                fraction = fraction * 10.0 + f64::from(d - b'0');
                scale *= 10.0;
                rest = &rest[1..];
            }
            // Rounding up to the next second would carry into the minute.
            let fraction: f64 = fraction / scale;
            second += if fraction > 0.999 { 0.999 } else { fraction };
        }
    }
    if hour == 24 && (minute != 0 || second != 0.0) {
        return None;
    }
    Some(((hour, minute, second), rest))
}

impl Moment {
    /// The moment of a time value.
    fn read(value: &Value, environment: &dyn Environment) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Integer(i) => Some(Self::from_number(*i as f64)),
            Value::Real(r) => Some(Self::from_number(*r)),
            Value::Text(t) | Value::Blob(t) => Self::parse(before_nul(t), environment),
        }
    }

    fn now(environment: &dyn Environment) -> Self {
        Self { ms: Some(environment.now_julian_ms()), is_utc: true, ..Self::default() }
    }

    fn from_number(r: f64) -> Self {
        let mut moment = Self { raw: Some(r), ..Self::default() };
        if (0.0..5_373_484.5).contains(&r) {
            moment.ms = Some((r * DAY_MS as f64 + 0.5) as i64);
        }
        moment
    }

    fn parse(text: &[u8], environment: &dyn Environment) -> Option<Self> {
        for parse in [Self::parse_date, Self::parse_clock] {
            let mut moment = Self::default();
            if parse(&mut moment, text).is_some() {
                if moment.date.is_some() && matches!(moment.clock, Some((24, ..))) {
                    moment.compute_ms()?;
                    moment.overflow_days = 0;
                }
                return Some(moment);
            }
        }
        if text.eq_ignore_ascii_case(b"now") {
            return Some(Self::now(environment));
        }
        let parsed = number::parse(text);
        if parsed.syntax.is_whole() {
            return Some(Self::from_number(parsed.number.as_real()));
        }
        if text.eq_ignore_ascii_case(b"subsec") || text.eq_ignore_ascii_case(b"subsecond") {
            return Some(Self { subsecond: true, ..Self::now(environment) });
        }
        None
    }

    /// `[-]YYYY-MM-DD[( |T)clock]`
    fn parse_date(&mut self, text: &[u8]) -> Option<()> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            _ => (false, text),
        };
        let year = fixed(text, 4, 0, 9999)?;
        let month = fixed(text.get(5..)?, 2, 1, 12)?;
        let day = fixed(text.get(8..)?, 2, 1, 31)?;
        if text[4] != b'-' || text[7] != b'-' {
            return None;
        }
        let mut rest = &text[10..];
        while rest.first().is_some_and(|&b| is_space(b) || b == b'T') {
            rest = &rest[1..];
        }
        if !rest.is_empty() {
            self.parse_clock(rest)?;
        }
        let year = if negative { -year } else { year };
        self.date = Some((year, month, day));
        self.overflow_days = days_past_month_end(year, month, day);
        if self.zone != 0 {
            // A zone is applied at once: what follows counts in UTC.
            self.compute_ms()?;
        }
        Some(())
    }

    /// A clock time with an optional zone, to the end of the text.
    fn parse_clock(&mut self, text: &[u8]) -> Option<()> {
        let (clock, rest) = read_clock(text)?;
        self.clock = Some(clock);
        let rest = skip_spaces(rest);
        let rest = match rest {
            [sign @ (b'-' | b'+'), zone @ ..] => {
                let hours = fixed(zone, 2, 0, 14)?;
                if zone.get(2) != Some(&b':') {
                    return None;
                }
                let minutes = fixed(&zone[3..], 2, 0, 59)? + hours * 60;
                self.zone = if *sign == b'-' { -minutes } else { minutes };
                if self.zone == 0 {
                    self.is_utc = true;
                }
                &zone[5..]
            }
            [b'Z' | b'z', rest @ ..] => {
                self.is_utc = true;
                rest
            }
            rest => rest,
        };
        skip_spaces(rest).is_empty().then_some(())
    }

    /// The moment in Julian milliseconds, computed where only its parts are known. `None` outside of the calendar.
    fn compute_ms(&mut self) -> Option<i64> {
        if let Some(ms) = self.ms {
            return Some(ms);
        }
        let (year, month, day) = self.date.unwrap_or((2000, 1, 1));
        if !(-4713..=9999).contains(&year) || self.raw.is_some() {
            return None;
        }
        // Days start at midnight, Julian days at noon.
        let mut ms = julian_day_number(year, month, day) * DAY_MS - DAY_MS / 2;
        if let Some((hour, minute, second)) = self.clock {
            ms += hour * 3_600_000 + minute * 60_000 + (second * 1000.0 + 0.5) as i64;
            // The end of a day is the start of the next.
            if hour == 24 {
                self.date = None;
                self.clock = None;
            }
            if self.zone != 0 {
                ms -= self.zone * 60_000;
                self.date = None;
                self.clock = None;
                self.zone = 0;
                self.is_utc = true;
                self.is_local = false;
            }
        }
        self.ms = Some(ms);
        Some(ms)
    }

    /// The moment, if it lies in the calendar.
    fn valid_ms(&mut self) -> Option<i64> {
        self.compute_ms().filter(|ms| (0..END_MS).contains(ms))
    }

    fn compute_date(&mut self) -> Option<Date> {
        if let Some(date) = self.date {
            return Some(date);
        }
        let date = match self.ms {
            None => (2000, 1, 1),
            Some(ms) if (0..END_MS).contains(&ms) => civil_date((ms + DAY_MS / 2).div_euclid(DAY_MS)),
            Some(_) => return None,
        };
        self.date = Some(date);
        Some(date)
    }

    fn compute_clock(&mut self) -> Option<Clock> {
        if let Some(clock) = self.clock {
            return Some(clock);
        }
        let ms = (self.compute_ms()? + DAY_MS / 2).rem_euclid(DAY_MS);
        let minutes = ms / 60_000;
        let clock = (minutes / 60, minutes % 60, (ms % 60_000) as f64 / 1000.0);
        self.raw = None;
        self.clock = Some(clock);
        Some(clock)
    }

    /// Moves to another moment; the parts are to be computed anew.
    fn set_ms(&mut self, ms: i64) {
        self.ms = Some(ms);
        self.date = None;
        self.clock = None;
        self.zone = 0;
    }

    /// Sets the calendar date and keeps the clock; the moment is to be computed anew.
    fn set_date(&mut self, year: i64, month: i64, day: i64) -> Option<()> {
        self.compute_clock()?;
        self.date = Some((year, month, day));
        self.ms = None;
        Some(())
    }

    /// Goes on by months; a day past the month's end stays as it is, to run over into the next month or be cut later.
    fn add_months(&mut self, months: i64) -> Option<()> {
        let (year, month, day) = self.compute_date()?;
        let from_zero = month - 1 + months;
        let (year, month) = (year + from_zero.div_euclid(12), from_zero.rem_euclid(12) + 1);
        self.set_date(year, month, day)?;
        self.overflow_days = days_past_month_end(year, month, day);
        Some(())
    }

    /// Applies one modifier; `None` when it is malformed or not applicable here.
    fn modify(&mut self, modifier: &[u8], index: usize, environment: &dyn Environment) -> Option<()> {
        let lower = modifier.to_ascii_lowercase();
        match &lower[..] {
            b"auto" => {
                if index > 1 {
                    return None;
                }
                match self.raw {
                    Some(raw) if self.ms.is_none() && (-210_866_760_000.0..=253_402_300_799.0).contains(&raw) => {
                        self.read_as_unix(raw)
                    }
                    Some(_) if self.ms.is_none() => None,
                    _ => {
                        self.raw = None;
                        Some(())
                    }
                }
            }
            b"unixepoch" => {
                if index > 1 {
                    return None;
                }
                self.read_as_unix(self.raw?)
            }
            b"julianday" => {
                if index > 1 || self.ms.is_none() {
                    return None;
                }
                self.raw.take().map(|_| ())
            }
            b"ceiling" => {
                let ms = self.compute_ms()?;
                self.set_ms(ms);
                self.overflow_days = 0;
                Some(())
            }
            b"floor" => {
                let ms = self.compute_ms()?;
                self.set_ms(ms - self.overflow_days * DAY_MS);
                Some(())
            }
            b"localtime" => {
                if !self.is_local {
                    let ms = self.compute_ms()?;
                    let local = to_local(ms, environment)?;
                    self.set_ms(local);
                }
                self.is_utc = false;
                self.is_local = true;
                Some(())
            }
            b"utc" => {
                if !self.is_utc {
                    let wanted = self.compute_ms()?;
                    // The offset depends on the answer; a few rounds settle it except in the gaps of clock changes.
                    let mut guess = wanted;
                    let mut error = 0;
                    for _ in 0..4 {
                        guess -= error;
                        error = to_local(guess, environment)? - wanted;
                        if error == 0 {
                            break;
                        }
                    }
                    // Everything else is forgotten, `subsec` too.
                    *self = Self { ms: Some(guess), ..Self::default() };
                }
                self.is_utc = true;
                self.is_local = false;
                Some(())
            }
            b"subsec" | b"subsecond" => {
                self.subsecond = true;
                Some(())
            }
            b"start of month" => self.start_of(|(year, month, _)| (year, month, 1)),
            b"start of year" => self.start_of(|(year, _, _)| (year, 1, 1)),
            b"start of day" => self.start_of(|date| date),
            _ if lower.starts_with(b"weekday ") => {
                // `weekday N` goes forward, `weekday -N` back, to the nearest such day.
                let back = skip_spaces(&lower[8..]).first() == Some(&b'-');
                let day = number::parse(&lower[8..]);
                let day = day.syntax.is_whole().then(|| day.number.as_real().abs())?;
                if !(0.0..7.0).contains(&day) || day.trunc() != day {
                    return None;
                }
                self.compute_date()?;
                self.compute_clock()?;
                self.zone = 0;
                self.ms = None;
                let ms = self.compute_ms()?;
                // The Julian epoch was a Monday; a day and a half later, at midnight, begins day 0, Sunday.
                let today = ((ms + 129_600_000) / DAY_MS) % 7;
                let distance = day as i64 - today;
                self.set_ms(ms + if back { -(-distance).rem_euclid(7) } else { distance.rem_euclid(7) } * DAY_MS);
                Some(())
            }
            [b'+' | b'-' | b'0'..=b'9', ..] => self.shift(&lower),
            _ => None,
        }
    }

    fn read_as_unix(&mut self, seconds: f64) -> Option<()> {
        let ms = seconds * 1000.0 + UNIX_EPOCH_MS as f64;
        if !(0.0..END_MS as f64).contains(&ms) {
            return None;
        }
        self.set_ms((ms + 0.5) as i64);
        self.raw = None;
        Some(())
    }

    fn start_of(&mut self, cut: fn(Date) -> Date) -> Option<()> {
        if self.ms.is_none() && self.date.is_none() && self.clock.is_none() {
            return None;
        }
        let date = self.compute_date()?;
        self.date = Some(cut(date));
        self.clock = Some((0, 0, 0.0));
        self.raw = None;
        self.zone = 0;
        self.ms = None;
        Some(())
    }

    /// `[+-]N units`, `[+-]HH:MM[:SS]`, `(+|-)YYYY-MM-DD[ HH:MM[:SS]]`
    fn shift(&mut self, text: &[u8]) -> Option<()> {
        let sign = text[0];
        // The number ends before a colon, a space, or the dash of a date.
        let mut end = 1;
        while let Some(&b) = text.get(end) {
            if b == b':' || is_space(b) {
                break;
            }
            if b == b'-' && (end == 5 || end == 6) && fixed(&text[1..], end - 1, 0, 14_712).is_some() {
                break;
            }
            end += 1;
        }
        let parsed = number::parse(&text[..end]);
        if !parsed.syntax.is_whole() {
            return None;
        }
        let amount = parsed.number.as_real();
        let mut rest = &text[end..];
        let mut clock = text;
        if rest.first() == Some(&b'-') {
            if sign.is_ascii_digit() {
                return None;
            }
            let years = fixed(&text[1..], end - 1, 0, 14_712)?;
            let (months, days) = (fixed(rest.get(1..)?, 2, 0, 11)?, fixed(rest.get(4..)?, 2, 0, 30)?);
            if rest[3] != b'-' {
                return None;
            }
            let direction = if sign == b'-' { -1 } else { 1 };
            self.add_months(direction * (years * 12 + months))?;
            let ms = self.compute_ms()?;
            self.set_ms(ms + direction * days * DAY_MS);
            match &rest[6..] {
                [] => return Some(()),
                [space, after @ ..] if is_space(*space) => {
                    read_clock(after)?;
                    clock = after;
                    rest = b":";
                }
                _ => return None,
            }
        }
        if rest.first() == Some(&b':') {
            let digits = if clock[0].is_ascii_digit() { clock } else { &clock[1..] };
            let mut offset = Self::default();
            offset.parse_clock(digits)?;
            let ms = (offset.compute_ms()? - DAY_MS / 2).rem_euclid(DAY_MS);
            let now = self.compute_ms()?;
            self.set_ms(now + if sign == b'-' { -ms } else { ms });
            return Some(());
        }
        let unit = skip_spaces(rest);
        if !(3..=10).contains(&unit.len()) {
            return None;
        }
        let unit = unit.strip_suffix(b"s").unwrap_or(unit);
        self.compute_ms()?;
        self.overflow_days = 0;
        let (limit, seconds) = match unit {
            b"second" => (4.6427e+14, 1.0),
            b"minute" => (7.7379e+12, 60.0),
            b"hour" => (1.2897e+11, 3600.0),
            b"day" => (5_373_485.0, 86_400.0),
            b"month" => (176_546.0, 2_592_000.0),
            b"year" => (14_713.0, 31_536_000.0),
            _ => return None,
        };
        if !(amount > -limit && amount < limit) {
            return None;
        }
        let mut amount = amount;
        match unit {
            b"month" => {
                self.add_months(amount as i64)?;
                amount -= amount.trunc();
            }
            b"year" => {
                self.add_months(amount as i64 * 12)?;
                amount -= amount.trunc();
            }
            _ => {}
        }
        let ms = self.compute_ms()?;
        let rounder = if parsed.number.as_real() < 0.0 { -0.5 } else { 0.5 };
        self.set_ms(ms.checked_add((amount * 1000.0 * seconds + rounder) as i64)?);
        Some(())
    }
}

/// Local time for a moment of UTC. Years that time zone rules say nothing about borrow from one that has the same calendar.
fn to_local(ms: i64, environment: &dyn Environment) -> Option<i64> {
    let mut probe = ms;
    if !(210_866_760_000_000..213_014_145_600_000).contains(&ms) {
        let mut moment = Moment { ms: Some(ms), ..Moment::default() };
        let (year, month, day) = moment.compute_date()?;
        let clock = moment.compute_clock()?;
        let mut near = Moment { date: Some((2000 + year % 4, month, day)), clock: Some(clock), ..Moment::default() };
        probe = near.compute_ms()?;
    }
    let offset = environment.local_offset_seconds((probe - UNIX_EPOCH_MS).div_euclid(1000))?;
    ms.checked_add(offset * 1000)
}

/// The moment that the arguments of a date function describe, checked to lie in the calendar.
fn moment(ctx: &Context<'_>, args: &[Value]) -> Option<Moment> {
    let Some((first, modifiers)) = args.split_first() else {
        return Some(Moment::now(ctx.environment));
    };
    let mut moment = Moment::read(first, ctx.environment)?;
    for (i, modifier) in modifiers.iter().enumerate() {
        if modifier.is_null() {
            return None;
        }
        let mut scratch = Vec::new();
        moment.modify(before_nul(modifier.text_in(&mut scratch)), i + 1, ctx.environment)?;
    }
    moment.valid_ms()?;
    if modifiers.is_empty() && moment.date.is_some_and(|(_, _, day)| day > 28) {
        // February 31 as written: the parts follow the moment from here on. (With modifiers SQLite leaves it.)
        moment.date = None;
    }
    Some(moment)
}

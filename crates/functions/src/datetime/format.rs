//! Date and time: the functions themselves, moments to text and numbers.

use super::{Clock, DAY_MS, Date, Moment, UNIX_EPOCH_MS, civil_date, julian_day_number, moment};
use crate::context::Context;
use crate::printf::write_format;
use crate::text::before_nul;
use turso_error::Result;
use turso_value::Value;
use turso_value::number::write_integer;

/// Appends an integer with leading zeros or spaces; a minus sign counts towards the width.
fn padded(value: i64, width: usize, pad: u8, out: &mut Vec<u8>) {
    let mut start = out.len();
    let mut width = width;
    if value < 0 && pad == b'0' {
        out.push(b'-');
        start += 1;
        width -= 1;
    }
    write_integer(value.abs(), out);
    let missing = width.saturating_sub(out.len() - start);
    out.splice(start..start, std::iter::repeat_n(pad, missing));
}

fn write_date((year, month, day): Date, out: &mut Vec<u8>) {
    if year < 0 {
        out.push(b'-');
    }
    padded(year.abs(), 4, b'0', out);
    out.push(b'-');
    padded(month, 2, b'0', out);
    out.push(b'-');
    padded(day, 2, b'0', out);
}

/// `SS.SSS`, rounded to milliseconds.
fn write_seconds(second: f64, out: &mut Vec<u8>) {
    let ms = (second * 1000.0 + 0.5) as i64;
    padded(ms / 1000, 2, b'0', out);
    out.push(b'.');
    padded(ms % 1000, 3, b'0', out);
}

fn write_clock((hour, minute, second): Clock, subsecond: bool, out: &mut Vec<u8>) {
    padded(hour, 2, b'0', out);
    out.push(b':');
    padded(minute, 2, b'0', out);
    out.push(b':');
    if subsecond {
        write_seconds(second, out);
    } else {
        padded(second as i64, 2, b'0', out);
    }
}

pub(super) fn julianday(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match moment(ctx, args).and_then(|mut m| m.compute_ms()) {
        Some(ms) => ctx.real(ms as f64 / DAY_MS as f64),
        None => ctx.null(),
    }
}

pub(super) fn unixepoch(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match moment(ctx, args).and_then(|mut m| Some((m.compute_ms()?, m.subsecond))) {
        Some((ms, true)) => ctx.real((ms - UNIX_EPOCH_MS) as f64 / 1000.0),
        Some((ms, false)) => ctx.integer(ms / 1000 - UNIX_EPOCH_MS / 1000),
        None => ctx.null(),
    }
}

pub(super) fn date(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match moment(ctx, args).and_then(|mut m| m.compute_date()) {
        Some(date) => {
            write_date(date, ctx.result.text_buffer());
            Ok(())
        }
        None => ctx.null(),
    }
}

pub(super) fn time(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match moment(ctx, args).and_then(|mut m| Some((m.compute_clock()?, m.subsecond))) {
        Some((clock, subsecond)) => {
            write_clock(clock, subsecond, ctx.result.text_buffer());
            Ok(())
        }
        None => ctx.null(),
    }
}

pub(super) fn datetime(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match moment(ctx, args).and_then(|mut m| Some((m.compute_date()?, m.compute_clock()?, m.subsecond))) {
        Some((date, clock, subsecond)) => {
            let out = ctx.result.text_buffer();
            write_date(date, out);
            out.push(b' ');
            write_clock(clock, subsecond, out);
            Ok(())
        }
        None => ctx.null(),
    }
}

pub(super) fn strftime(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some((format, rest)) = args.split_first() else {
        return ctx.null();
    };
    if format.is_null() {
        return ctx.null();
    }
    let mut scratch = Vec::new();
    let format = before_nul(format.text_in(&mut scratch));
    let Some(parts) = moment(ctx, rest).and_then(Parts::of) else {
        return ctx.null();
    };
    ctx.check_length(format.len())?;
    let limit = ctx.environment.max_length();
    let out = ctx.result.text_buffer();
    let mut rest = format;
    while let Some(at) = rest.iter().position(|&b| b == b'%') {
        out.extend_from_slice(&rest[..at]);
        let converted = match rest.get(at + 1) {
            Some(&conversion) => parts.write(conversion, out),
            None => false,
        };
        if !converted {
            return ctx.null();
        }
        rest = &rest[at + 2..];
        if out.len() > limit {
            break;
        }
    }
    out.extend_from_slice(rest);
    let len = out.len();
    ctx.check_length(len)
}

/// A moment with everything that `strftime` may ask for.
struct Parts {
    ms: i64,
    date: Date,
    clock: Clock,
    subsecond: bool,
    /// Days since January 1.
    day_of_year: i64,
    /// Monday is 0.
    weekday: i64,
}

impl Parts {
    fn of(mut moment: Moment) -> Option<Self> {
        let ms = moment.compute_ms()?;
        let date = moment.compute_date()?;
        let clock = moment.compute_clock()?;
        let day = (ms + DAY_MS / 2).div_euclid(DAY_MS);
        Some(Self {
            ms,
            date,
            clock,
            subsecond: moment.subsecond,
            day_of_year: day - julian_day_number(date.0, 1, 1),
            weekday: day.rem_euclid(7),
        })
    }

    /// Year and day of year of the week's Thursday, which decide the ISO week.
    fn iso_week(&self) -> (i64, i64) {
        let day = (self.ms + DAY_MS / 2).div_euclid(DAY_MS);
        let thursday = day - self.weekday + 3;
        let (year, _, _) = civil_date(thursday);
        (year, (thursday - julian_day_number(year, 1, 1)) / 7 + 1)
    }

    /// Appends one conversion; false when there is none of this letter.
    fn write(&self, conversion: u8, out: &mut Vec<u8>) -> bool {
        let (year, month, day) = self.date;
        let (hour, minute, second) = self.clock;
        let half_day = match hour % 12 {
            0 => 12,
            hour => hour,
        };
        match conversion {
            b'd' => padded(day, 2, b'0', out),
            b'e' => padded(day, 2, b' ', out),
            b'f' => write_seconds(second.min(59.999), out),
            b'F' => {
                padded(year, 4, b'0', out);
                out.push(b'-');
                padded(month, 2, b'0', out);
                out.push(b'-');
                padded(day, 2, b'0', out);
            }
            b'G' => padded(self.iso_week().0, 4, b'0', out),
            b'g' => padded(self.iso_week().0 % 100, 2, b'0', out),
            b'H' => padded(hour, 2, b'0', out),
            b'k' => padded(hour, 2, b' ', out),
            b'I' => padded(half_day, 2, b'0', out),
            b'l' => padded(half_day, 2, b' ', out),
            b'j' => padded(self.day_of_year + 1, 3, b'0', out),
            b'J' => {
                let number = [Value::Real(self.ms as f64 / DAY_MS as f64)];
                return write_format(b"%.16g", &number, usize::MAX, out).is_ok();
            }
            b'm' => padded(month, 2, b'0', out),
            b'M' => padded(minute, 2, b'0', out),
            b'p' => out.extend_from_slice(if hour >= 12 { b"PM" } else { b"AM" }),
            b'P' => out.extend_from_slice(if hour >= 12 { b"pm" } else { b"am" }),
            b'R' => {
                padded(hour, 2, b'0', out);
                out.push(b':');
                padded(minute, 2, b'0', out);
            }
            b's' if self.subsecond => {
                let number = [Value::Real((self.ms - UNIX_EPOCH_MS) as f64 / 1000.0)];
                return write_format(b"%.3f", &number, usize::MAX, out).is_ok();
            }
            b's' => write_integer(self.ms / 1000 - UNIX_EPOCH_MS / 1000, out),
            b'S' => padded(second as i64, 2, b'0', out),
            b'T' => write_clock(self.clock, false, out),
            b'u' => out.push(b'1' + self.weekday as u8),
            b'w' => out.push(b'0' + ((self.weekday + 1) % 7) as u8),
            b'U' => padded((self.day_of_year + 7 - (self.weekday + 1) % 7) / 7, 2, b'0', out),
            b'W' => padded((self.day_of_year + 7 - self.weekday) / 7, 2, b'0', out),
            b'V' => padded(self.iso_week().1, 2, b'0', out),
            b'Y' => padded(year, 4, b'0', out),
            b'%' => out.push(b'%'),
            _ => return false,
        }
        true
    }
}

/// `timediff(A, B)`: what must be added to B to get A, in calendar units.
pub(super) fn timediff(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match difference(ctx, &args[0], &args[1]) {
        Some(text) => ctx.text(&text),
        None => ctx.null(),
    }
}

fn difference(ctx: &Context<'_>, a: &Value, b: &Value) -> Option<Vec<u8>> {
    let (mut a, mut b) = (moment(ctx, std::slice::from_ref(a))?, moment(ctx, std::slice::from_ref(b))?);
    let (a_ms, b_ms) = (a.compute_ms()?, b.compute_ms()?);
    let (a_date, b_date) = (a.compute_date()?, b.compute_date()?);
    b.compute_clock()?;
    let forward = a_ms >= b_ms;
    // Months from B towards A, then as many fewer as it takes not to pass A.
    let direction = if forward { 1 } else { -1 };
    let mut months = ((a_date.0 - b_date.0) * 12 + a_date.1 - b_date.1) * direction;
    let mut from = b_ms;
    if months != 0 {
        from = moved(&b, months * direction)?;
    }
    while (from - a_ms) * direction > 0 {
        months -= 1;
        from = moved(&b, months * direction)?;
    }
    let rest = (from - a_ms).abs();
    let mut out = vec![if forward { b'+' } else { b'-' }];
    padded(months / 12, 4, b'0', &mut out);
    out.push(b'-');
    padded(months % 12, 2, b'0', &mut out);
    out.push(b'-');
    padded(rest / DAY_MS, 2, b'0', &mut out);
    out.push(b' ');
    let clock = rest % DAY_MS;
    let seconds = (clock % 60_000) as f64 / 1000.0;
    write_clock((clock / 3_600_000, clock / 60_000 % 60, seconds), true, &mut out);
    Some(out)
}

/// The moment some months away, the day of the month as written.
fn moved(from: &Moment, months: i64) -> Option<i64> {
    let mut moment = *from;
    moment.add_months(months)?;
    moment.compute_ms()
}

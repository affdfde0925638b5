//! Moments as text, and back.

use super::moment::{Moment, NANOS, days_of_months, is_leap};

/// `2011-11-18T15:56:35.666777888+03:00`, without what is zero. `local` is already moved by the offset.
pub fn iso(local: Moment, offset: i64) -> String {
    let mut out = format!("{}T{}", date(local, offset), time(local, offset));
    if local.nanos() != 0 {
        out.push_str(&format!(".{:09}", local.nanos()));
    }
    match offset {
        0 => out.push('Z'),
        _ => {
            let minutes = offset.unsigned_abs() / 60;
            let sign = if offset < 0 { '-' } else { '+' };
            out.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
        }
    }
    out
}

pub fn date_time(local: Moment, offset: i64) -> String {
    format!("{} {}", date(local, offset), time(local, offset))
}

pub fn date(local: Moment, _: i64) -> String {
    let (year, month, day) = local.date();
    format!("{year:04}-{month:02}-{day:02}")
}

pub fn time(local: Moment, _: i64) -> String {
    format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second())
}

/// What is left to read of a text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// This byte, if it comes next.
    fn take(&mut self, byte: u8) -> Option<()> {
        let rest = self.0.strip_prefix(&[byte])?;
        self.0 = rest;
        Some(())
    }

    /// A number of exactly so many digits, at most `most`.
    fn number(&mut self, digits: usize, most: i64) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        let mut value = 0;
        for &b in number {
            value = value * 10 + i64::from(char::from(b).to_digit(10)?);
        }
        self.0 = rest;
        (value <= most).then_some(value)
    }

    /// `15:56:35`
    fn time(&mut self) -> Option<[i64; 3]> {
        let hour = self.number(2, 23)?;
        self.take(b':')?;
        let minute = self.number(2, 59)?;
        self.take(b':')?;
        Some([hour, minute, self.number(2, 59)?])
    }

    /// `.666777888`: one to nine digits, as nanoseconds.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        Some(self.number(digits, NANOS)? * 10i64.pow(9 - digits as u32))
    }

    /// `Z` or `+03:00`, in seconds.
    fn offset(&mut self) -> Option<i64> {
        if self.take(b'Z').is_some() {
            return Some(0);
        }
        let sign = if self.take(b'-').is_some() { -1 } else { self.take(b'+').map(|()| 1)? };
        let hour = self.number(2, 23)?;
        self.take(b':')?;
        Some(sign * (hour * 3600 + self.number(2, 59)? * 60))
    }
}

/// `2011-11-18T15:56:35[.666777888](Z|+03:00)`, `2011-11-18 15:56:35`, `2011-11-18`, `15:56:35`.
pub fn parse(text: &[u8]) -> Option<Moment> {
    let mut rest = Rest(text);
    let mut parts = [1, 1, 1, 0, 0, 0, 0, 0];
    if text.get(2) == Some(&b':') {
        parts[3..6].copy_from_slice(&rest.time()?);
        return if rest.0.is_empty() { Moment::from_parts(parts) } else { None };
    }
    parts[0] = rest.number(4, 9999)?;
    rest.take(b'-')?;
    parts[1] = rest.number(2, 12).filter(|&m| m > 0)?;
    rest.take(b'-')?;
    let leap = is_leap(parts[0].into());
    let month = parts[1] as usize;
    let days = days_of_months(leap, month) - days_of_months(leap, month - 1);
    parts[2] = rest.number(2, days).filter(|&d| d > 0)?;
    if rest.take(b' ').is_some() {
        parts[3..6].copy_from_slice(&rest.time()?);
    } else if rest.take(b'T').is_some() {
        parts[3..6].copy_from_slice(&rest.time()?);
        if rest.take(b'.').is_some() {
            parts[6] = rest.fraction()?;
        }
        parts[7] = rest.offset()?;
    }
    if rest.0.is_empty() { Moment::from_parts(parts) } else { None }
}

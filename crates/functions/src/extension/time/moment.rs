//! A moment: its bytes, and its place in the Gregorian calendar (which is taken to have been in force always).

/// Nanoseconds of a second.
pub const NANOS: i64 = 1_000_000_000;
/// Seconds from 0001-01-01 to 1970-01-01.
const UNIX_EPOCH: i64 = 62_135_596_800;
const DAY: i64 = 86_400;

/// Seconds since 0001-01-01 00:00:00 UTC, and nanoseconds of that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment {
    seconds: i64,
    nanos: u32,
}

impl Moment {
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let (seconds, nanos) = rest.split_at_checked(8)?;
        let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
        let nanos = u32::from_be_bytes(nanos.try_into().ok()?);
        (version == 1 && i64::from(nanos) < NANOS).then_some(Self { seconds, nanos })
    }

    pub fn encode(self) -> [u8; 13] {
        let mut bytes = [1; 13];
        bytes[1..9].copy_from_slice(&self.seconds.to_be_bytes());
        bytes[9..].copy_from_slice(&self.nanos.to_be_bytes());
        bytes
    }

    /// From nanoseconds since 0001; `None` when the seconds do not fit.
    fn from_nanos(nanos: i128) -> Option<Self> {
        let seconds = i64::try_from(nanos.div_euclid(NANOS.into())).ok()?;
        Some(Self { seconds, nanos: nanos.rem_euclid(NANOS.into()) as u32 })
    }

    fn all_nanos(self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanos)
    }

    pub fn from_unix_nanos(nanos: i128) -> Option<Self> {
        Self::from_nanos(nanos + i128::from(UNIX_EPOCH) * i128::from(NANOS))
    }

    pub fn unix_nanos(self) -> i128 {
        self.all_nanos() - i128::from(UNIX_EPOCH) * i128::from(NANOS)
    }

    pub fn unix_seconds(self) -> i128 {
        i128::from(self.seconds) - i128::from(UNIX_EPOCH)
    }

    pub fn plus_nanos(self, nanos: i128) -> Option<Self> {
        Self::from_nanos(self.all_nanos() + nanos)
    }

    /// Down to a multiple of a duration counted from 0001, or to the nearest (the later of two).
    pub fn rounded(self, duration: i64, nearest: bool) -> Option<Self> {
        if duration <= 0 {
            return Some(self);
        }
        let duration = i128::from(duration);
        let more = self.all_nanos().rem_euclid(duration);
        let up = nearest && more * 2 >= duration;
        self.plus_nanos(if up { duration - more } else { -more })
    }

    /// From year, month, day, hour, minute, second, nanosecond, and the offset of all that from UTC in seconds. Each may
    /// be outside of its range.
    pub fn from_parts(parts: [i64; 8]) -> Option<Self> {
        let [year, month, day, hour, minute, second, nano, offset] = parts.map(i128::from);
        let year = year + (month - 1).div_euclid(12);
        let days = days_before(year, (month - 1).rem_euclid(12) as usize) + day - 1;
        let seconds = days * i128::from(DAY) + hour * 3600 + minute * 60 + second - offset;
        Self::from_nanos(seconds.checked_mul(NANOS.into())?.checked_add(nano)?)
    }

    /// What [`Moment::from_parts`] takes, in UTC.
    pub fn parts(self) -> [i64; 8] {
        let (year, month, day) = self.date();
        [year, month, day, self.hour(), self.minute(), self.second(), i64::from(self.nanos), 0]
    }

    /// Days since 0001-01-01, a Monday.
    pub fn days(self) -> i64 {
        self.seconds.div_euclid(DAY)
    }

    /// Year, month from 1, day from 1.
    pub fn date(self) -> (i64, i64, i64) {
        let year = self.year();
        let day = self.days() - days_before(year.into(), 0) as i64;
        let month = (1..12).take_while(|&m| days_of_months(is_leap(year.into()), m) <= day).count();
        (year, month as i64 + 1, day - days_of_months(is_leap(year.into()), month) + 1)
    }

    pub fn year(self) -> i64 {
        year_of(self.days())
    }

    /// From 1.
    pub fn day_of_year(self) -> i64 {
        self.days() - days_before(self.year().into(), 0) as i64 + 1
    }

    /// Monday is 0.
    pub fn weekday_from_monday(self) -> i64 {
        self.days().rem_euclid(7)
    }

    /// The year and the number of its week, from 1; the week is where its Thursday is.
    pub fn iso_week(self) -> (i64, i64) {
        let thursday = self.days() - self.weekday_from_monday() + 3;
        let year = year_of(thursday);
        (year, (thursday - days_before(year.into(), 0) as i64) / 7 + 1)
    }

    pub fn hour(self) -> i64 {
        self.seconds.rem_euclid(DAY) / 3600
    }

    pub fn minute(self) -> i64 {
        self.seconds.rem_euclid(3600) / 60
    }

    pub fn second(self) -> i64 {
        self.seconds.rem_euclid(60)
    }

    pub fn nanos(self) -> i64 {
        self.nanos.into()
    }
}

pub fn is_leap(year: i128) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// Days of the first so many months.
pub fn days_of_months(leap: bool, months: usize) -> i64 {
    const DAYS: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    DAYS[months] + i64::from(leap && months >= 2)
}

/// Days from 0001-01-01 to the first of a month (0 to 11) of a year.
fn days_before(year: i128, month: usize) -> i128 {
    let past = year - 1;
    past * 365 + past.div_euclid(4) - past.div_euclid(100)
        + past.div_euclid(400)
        + i128::from(days_of_months(is_leap(year), month))
}

/// The year that a day lies in.
fn year_of(days: i64) -> i64 {
    /// Days of 400, 100 and 4 years.
    const CYCLE: i64 = 146_097;
    const CENTURY: i64 = 36_524;
    const LEAP: i64 = 1_461;
    let (cycles, day) = (days.div_euclid(CYCLE), days.rem_euclid(CYCLE));
    // The last day of a cycle, and of four years, is one more than its shorter parts would make it.
    let centuries = (day / CENTURY).min(3);
    let day = day - centuries * CENTURY;
    let (fours, day) = (day / LEAP, day % LEAP);
    cycles * 400 + centuries * 100 + fours * 4 + (day / 365).min(3) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each day of more than four centuries, from before the year 1 on, follows the one before it.
    #[test]
    fn the_calendar_has_no_gaps() {
        let mut day = Moment::from_parts([-2, 1, 1, 0, 0, 0, 0, 0]).unwrap();
        let (mut year, mut month, mut day_of_month) = (-2, 1, 1);
        for _ in 0..146_097 + 1_500 {
            assert_eq!(day.date(), (year, month, day_of_month));
            assert_eq!(Moment::from_parts([year, month, day_of_month, 0, 0, 0, 0, 0]), Some(day));
            day_of_month += 1;
            let long = match month {
                2 => 28 + i64::from(is_leap(year.into())),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            if day_of_month > long {
                (day_of_month, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
            day = day.plus_nanos(i128::from(DAY) * i128::from(NANOS)).unwrap();
        }
    }
}

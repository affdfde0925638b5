//! `generate_series(start [, stop [, step]])`: the integers from `start` to `stop`.
//!
//! With a negative step SQLite gives out backwards what the positive one has, from the lesser bound, which must come first. With the
//! greater bound first, where SQLite has no rows, ours go down from there.
//!
//! A row is known by its place in the series, counted in unsigned 64-bit numbers, so that no series overflows.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_value::Value;
use turso_vtab::{
    Answer, Argument, Arguments, Connected, ConstraintOp, Cursor, Module, ModuleKind, Output, Question, Session,
    VirtualTable,
};

/// The module.
pub(super) struct Series;

/// Where a series without an end stops.
const DEFAULT_STOP: i64 = 0xffff_ffff;

/// Bits of the scan's number: which parameters are given, and the order wanted. The lowest three are SQLite's.
const START: i32 = 1;
const STOP: i32 = 2;
const STEP: i32 = 4;
const DESCENDING: i32 = 8;
const ASCENDING: i32 = 16;

impl Module for Series {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Eponymous
    }

    fn connect(&self, _: &mut dyn Session, _: &Arguments<'_>) -> Result<Connected> {
        let declaration = "CREATE TABLE x(value,start hidden,stop hidden,step hidden)";
        Ok(Connected::new(Arc::new(Series), declaration).innocuous())
    }
}

/// The letter of a condition on `value` in the scan's text.
fn letter(op: ConstraintOp) -> Option<char> {
    Some(match op {
        ConstraintOp::Equal => '=',
        ConstraintOp::Greater => '>',
        ConstraintOp::GreaterOrEqual => 'g',
        ConstraintOp::Less => '<',
        ConstraintOp::LessOrEqual => 'l',
        _ => return None,
    })
}

impl VirtualTable for Series {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        let mut parameters = [None; 3];
        let mut unusable = 0;
        let mut on_value = Vec::new();
        for (i, constraint) in question.constraints.iter().enumerate() {
            match constraint.column {
                Some(column @ 1..=3) => {
                    let at = usize::from(column) - 1;
                    if !constraint.usable {
                        unusable |= 1 << at;
                    } else if constraint.op == ConstraintOp::Equal {
                        parameters[at] = Some(i);
                    }
                }
                Some(0) if constraint.usable && !constraint.is_in => {
                    on_value.extend(letter(constraint.op).map(|letter| (i, letter)));
                }
                _ => {}
            }
        }
        let mut given = 0;
        let mut next = 0;
        for (at, parameter) in parameters.iter().enumerate() {
            if let Some(i) = *parameter {
                given |= 1 << at;
                next += 1;
                answer.usage[i].argument = next;
                answer.usage[i].omit = true;
            }
        }
        if unusable & !given != 0 {
            return Ok(None);
        }
        if given & START == 0 {
            return Err(Error::sql("first argument to \"generate_series()\" missing or unusable"));
        }
        let mut text = String::new();
        for (i, letter) in on_value {
            next += 1;
            answer.usage[i].argument = next;
            text.push(letter);
        }
        answer.number = given;
        if given & (START | STOP) == START | STOP {
            answer.cost = 2.0 - f64::from(given & STEP != 0);
            answer.rows = 1000;
            if let [term] = question.order_by.as_slice()
                && term.column == Some(0)
            {
                answer.number |= if term.descending { DESCENDING } else { ASCENDING };
                answer.order_consumed = true;
            }
        } else {
            answer.rows = 2_147_483_647;
        }
        answer.text = (!text.is_empty()).then(|| text.into());
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(SeriesCursor::default()))
    }
}

/// A scan: places `low..=high` of the series, forwards or backwards.
#[derive(Default)]
struct SeriesCursor {
    start: i64,
    stop: i64,
    step: i64,
    /// The place in hand; `None` at the end.
    place: Option<u64>,
    low: u64,
    high: u64,
    backwards: bool,
}

impl SeriesCursor {
    fn value_at(&self, place: u64) -> i64 {
        // All places of a series are within the range of integers, whatever the intermediate product is.
        self.start.wrapping_add((place as i64).wrapping_mul(self.step))
    }

    /// Narrow the places to those whose value is at least (`up`) or at most this.
    fn narrow(&mut self, bound: i64, at_least: bool) -> bool {
        let rising = self.step > 0;
        let size = self.step.unsigned_abs();
        if rising == at_least {
            // Cut off the front.
            let beyond = if rising { bound > self.start } else { bound < self.start };
            if beyond {
                let distance = bound.abs_diff(self.start);
                self.low = self.low.max(distance.div_ceil(size));
            }
        } else {
            let before = if rising { bound < self.start } else { bound > self.start };
            if before {
                return false;
            }
            self.high = self.high.min(bound.abs_diff(self.start) / size);
        }
        self.low <= self.high
    }

    /// Obey a condition on `value`; false when no row is left.
    fn obey(&mut self, letter: char, value: &Value) -> bool {
        let (floor, whole) = match value {
            Value::Integer(i) => (*i, true),
            // Beyond the integers the conversion stops at the nearest.
            Value::Real(r) if *r < i64::MIN as f64 => {
                return matches!(letter, '>' | 'g');
            }
            Value::Real(r) if *r >= -(i64::MIN as f64) => {
                return matches!(letter, '<' | 'l');
            }
            Value::Real(r) => (r.floor() as i64, r.floor() == *r),
            Value::Null => return false,
            // Texts and blobs are judged by the condition itself, which is checked again.
            Value::Text(_) | Value::Blob(_) => return true,
        };
        match letter {
            '=' => whole && self.narrow(floor, true) && self.narrow(floor, false),
            'g' if whole => self.narrow(floor, true),
            '>' | 'g' => floor.checked_add(1).is_some_and(|low| self.narrow(low, true)),
            '<' if whole => floor.checked_sub(1).is_some_and(|high| self.narrow(high, false)),
            _ => self.narrow(floor, false),
        }
    }
}

impl Cursor for SeriesCursor {
    fn filter(&mut self, _: &mut dyn Session, number: i32, text: Option<&str>, arguments: &[Argument]) -> Result<()> {
        let mut values = arguments.iter().map(Argument::value);
        self.place = None;
        (self.start, self.stop, self.step) = (0, DEFAULT_STOP, 1);
        let mut any_null = false;
        for (bit, slot) in [(START, &mut self.start), (STOP, &mut self.stop), (STEP, &mut self.step)] {
            if number & bit != 0
                && let Some(value) = values.next()
            {
                any_null |= value.is_null();
                *slot = value.to_integer();
            }
        }
        if self.step == 0 {
            self.step = 1;
        }
        // Up from `start` even so, and given out from behind.
        let falls = self.step < 0 && self.start <= self.stop;
        if falls {
            self.step = self.step.checked_neg().unwrap_or(i64::MAX);
        }
        let rising = self.step > 0;
        if any_null || (if rising { self.start > self.stop } else { self.start < self.stop }) {
            return Ok(());
        }
        self.low = 0;
        self.high = self.stop.abs_diff(self.start) / self.step.unsigned_abs();
        for (letter, value) in text.unwrap_or("").chars().zip(values) {
            if !self.obey(letter, value) {
                return Ok(());
            }
        }
        self.backwards = match number & (DESCENDING | ASCENDING) {
            DESCENDING => rising,
            ASCENDING => !rising,
            _ => falls,
        };
        self.place = Some(if self.backwards { self.high } else { self.low });
        Ok(())
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.place = match self.place {
            Some(place) if self.backwards && place > self.low => Some(place - 1),
            Some(place) if !self.backwards && place < self.high => Some(place + 1),
            _ => None,
        };
        Ok(())
    }

    fn at_end(&self) -> bool {
        self.place.is_none()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        output.value.set_integer(match index {
            0 => self.value_at(self.place.unwrap_or(0)),
            1 => self.start,
            2 => self.stop,
            _ => self.step,
        });
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        let place = self.place.unwrap_or(0);
        let (low, high) = (self.low, self.high);
        // Counted from the first row delivered.
        let count = if self.backwards { high - place } else { place - low };
        Ok(count.wrapping_add(1) as i64)
    }
}

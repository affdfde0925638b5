//! Numbers from text and text from numbers, exactly as SQLite does it.
//!
//! Reading accepts the longest numeric prefix and says how it ended ([`Syntax`]): CAST takes prefixes, affinity wants the
//! whole text. Conversion to binary is correctly rounded.
//! Writing a real: 17 significant digits, fewer where that is enough ([`digits`]); exponent form outside 1e-4 ..< 1e17;
//! always with a decimal point.

use std::cell::Cell;

mod powers;

/// An INTEGER or a REAL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A 64-bit integer.
    Integer(i64),
    /// A real.
    Real(f64),
}

impl Number {
    /// As a real.
    #[inline]
    pub fn as_real(self) -> f64 {
        match self {
            Number::Integer(i) => i as f64,
            Number::Real(r) => r,
        }
    }
}

/// How a text reads as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// The whole text, apart from spaces around it, is an integer numeral.
    Integer,
    /// The whole text, apart from spaces around it, is a numeral with a point or an exponent.
    Real,
    /// Only a prefix is a numeral, an integer one.
    IntegerPrefix,
    /// Only a prefix is a numeral, one with a point or an exponent.
    RealPrefix,
    /// Not even a prefix is a numeral.
    None,
}

impl Syntax {
    /// The whole text is a number.
    #[inline]
    pub fn is_whole(self) -> bool {
        matches!(self, Syntax::Integer | Syntax::Real)
    }
}

/// A number read from the start of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parsed {
    /// The value; an integer numeral that does not fit 64 bits is a real. Integer 0 where there is no numeral.
    pub number: Number,
    /// How the text reads.
    pub syntax: Syntax,
}

/// What C's `isspace` answers for ASCII: the space that numbers, JSON-less functions and `trim`-less parsing skip.
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r')
}

/// Reads the number at the start of `text`.
pub fn parse(text: &[u8]) -> Parsed {
    let mut at = 0;
    while text.get(at).is_some_and(|&b| is_space(b)) {
        at += 1;
    }
    let start = at;
    if matches!(text.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let digits = |at: &mut usize| {
        let from = *at;
        while text.get(*at).is_some_and(u8::is_ascii_digit) {
            *at += 1;
        }
        *at - from
    };
    let mut count = digits(&mut at);
    let whole_end = at;
    let mut end = at;
    let mut is_real = false;
    let mut well_formed = true;
    if text.get(at) == Some(&b'.') {
        at += 1;
        count += digits(&mut at);
        is_real = true;
        end = at;
    }
    if count == 0 {
        return Parsed { number: Number::Integer(0), syntax: Syntax::None };
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let mut exponent_at = at + 1;
        if matches!(text.get(exponent_at), Some(b'-' | b'+')) {
            exponent_at += 1;
        }
        if digits(&mut exponent_at) > 0 {
            at = exponent_at;
            end = at;
            is_real = true;
        } else {
            well_formed = false;
        }
    }
    while text.get(at).is_some_and(|&b| is_space(b)) {
        at += 1;
    }
    // SQLite reads a C string here, so a NUL ends a well-formed number too; but then no longer one of integer syntax.
    let ends_at_nul = text.get(at) == Some(&0);
    let whole = well_formed && (at == text.len() || ends_at_nul);
    let is_real = is_real || (whole && ends_at_nul);
    let number = if is_real {
        Number::Real(parse_decimal(&text[start..end]))
    } else {
        match parse_i64(&text[start..whole_end]) {
            Some(i) => Number::Integer(i),
            None => Number::Real(parse_decimal(&text[start..whole_end])),
        }
    };
    let syntax = match (is_real, whole) {
        (false, true) => Syntax::Integer,
        (true, true) => Syntax::Real,
        (false, false) => Syntax::IntegerPrefix,
        (true, false) => Syntax::RealPrefix,
    };
    Parsed { number, syntax }
}

/// Sign and digits, nothing else; `None` when it does not fit.
fn parse_i64(numeral: &[u8]) -> Option<i64> {
    let (negative, digits) = match numeral {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, numeral),
    };
    let mut value = 0i64;
    for &d in digits {
        let d = i64::from(d - b'0');
        value = value.checked_mul(10)?;
        value = if negative { value.checked_sub(d)? } else { value.checked_add(d)? };
    }
    Some(value)
}

/// A decimal numeral (sign, digits, point, exponent; already checked) as the nearest real.
fn parse_decimal(numeral: &[u8]) -> f64 {
    let nearest = |numeral: &[u8]| std::str::from_utf8(numeral).ok().and_then(|s| s.parse().ok()).unwrap_or(0.0);
    if numeral.len() < 20 {
        return nearest(numeral);
    }
    // SQLite collects digits as long as they fit 64 bits (19 or 20 of them); later ones only count towards the power of
    // ten. Here they become zeros.
    let mut cut = numeral.to_vec();
    let mut collected = Some(0u64);
    for byte in &mut cut {
        match *byte {
            d @ b'0'..=b'9' => {
                collected = collected.and_then(|c| c.checked_mul(10)?.checked_add(u64::from(d - b'0')));
                if collected.is_none() {
                    *byte = b'0';
                }
            }
            b'e' | b'E' => break,
            _ => {}
        }
    }
    nearest(&cut)
}

/// The integer at the start of a text as CAST to INTEGER reads it: no exponent, no point; beyond 64 bits the nearest
/// 64-bit integer; 0 where there is none.
pub fn parse_integer_prefix(text: &[u8]) -> i64 {
    let mut at = 0;
    while text.get(at).is_some_and(|&b| is_space(b)) {
        at += 1;
    }
    let start = at;
    let negative = text.get(at) == Some(&b'-');
    if matches!(text.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let digits_at = at;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    if at == digits_at {
        return 0;
    }
    parse_i64(&text[start..at]).unwrap_or(if negative { i64::MIN } else { i64::MAX })
}

/// The real at the start of a text as CAST to REAL reads it; 0.0 where there is none.
pub fn parse_real_prefix(text: &[u8]) -> f64 {
    match parse(text) {
        // As a real, `-0` keeps its sign.
        Parsed { number: Number::Integer(0), syntax } if syntax != Syntax::None && is_negative(text) => -0.0,
        parsed => parsed.number.as_real(),
    }
}

fn is_negative(numeral: &[u8]) -> bool {
    numeral.iter().find(|&&b| !is_space(b)) == Some(&b'-')
}

/// The value of a numeric literal of SQL: decimal or hexadecimal, digits possibly separated by single `_`.
/// `None` for a hexadecimal literal of more than 16 significant digits ("hex literal too big") and for what is no numeral.
pub fn parse_literal(literal: &[u8]) -> Option<Number> {
    let plain: Vec<u8> = literal.iter().copied().filter(|&b| b != b'_').collect();
    if let [b'0', b'x' | b'X', digits @ ..] = &plain[..] {
        let first = digits.iter().position(|&b| b != b'0').unwrap_or(digits.len());
        let digits = &digits[first..];
        if digits.len() > 16 {
            return None;
        }
        let mut value = 0u64;
        for &d in digits {
            value = value << 4 | u64::from((d as char).to_digit(16)?);
        }
        return Some(Number::Integer(value as i64));
    }
    let parsed = parse(&plain);
    parsed.syntax.is_whole().then_some(parsed.number)
}

/// The integer that equals this real exactly, if it lies strictly inside the 64-bit range.
#[inline]
pub fn real_as_integer(r: f64) -> Option<i64> {
    let i = r as i64;
    (i as f64 == r && i > i64::MIN && i < i64::MAX).then_some(i)
}

/// The integer that equals this real, if it lies in the range where CAST to NUMERIC accepts it (51 bits).
#[inline]
pub fn real_same_as_integer(r: f64) -> Option<i64> {
    const LIMIT: i64 = 1 << 51;
    let i = r as i64;
    (r == 0.0 || (i as f64 == r && (-LIMIT..LIMIT).contains(&i))).then_some(i)
}

/// How a column of REAL affinity stores a real: as an integer where that is exact and shorter (6 bytes or less).
#[inline]
pub fn compact_real(r: f64) -> Option<i64> {
    const LIMIT: f64 = 140_737_488_355_328.0;
    let i = r as i64;
    ((-LIMIT..LIMIT).contains(&r) && i as f64 == r).then_some(i)
}

/// The real cut to an integer; beyond 64 bits the nearest 64-bit integer.
#[inline]
pub fn real_to_integer(r: f64) -> i64 {
    // `as` truncates and saturates, as CAST does; NaN gives 0.
    r as i64
}

/// Appends an integer in decimal.
#[inline]
pub fn write_integer(i: i64, out: &mut Vec<u8>) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    let mut rest = i.unsigned_abs();
    loop {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if i < 0 {
        at -= 1;
        buffer[at] = b'-';
    }
    out.extend_from_slice(&buffer[at..]);
}

/// The significant decimal digits of a finite, non-zero real.
#[derive(Debug, Clone, Copy)]
pub struct Digits {
    digits: [u8; 20],
    len: u8,
    /// The power of ten of the first digit.
    pub exponent: i32,
}

impl Digits {
    /// ASCII digits, most significant first, without trailing zeros; never empty.
    pub fn as_slice(&self) -> &[u8] {
        &self.digits[..usize::from(self.len)]
    }

    /// The `places` digits, or one more, that SQLite computes before it rounds to what is asked for.
    ///
    /// The real's significand, shifted to 64 bits, is multiplied by a power of ten of 64 bits such that so many digits
    /// stand before the point; what follows the point rounds the last of them. The last digit may be off by a little more
    /// than half, and SQLite's output depends on that, so this is the same computation.
    fn exact(r: f64, places: i32) -> Self {
        let bits = r.to_bits();
        let (field, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
        let (significand, exponent) = if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field - 1075) };
        let shift = significand.leading_zeros();
        let (significand, exponent) = (significand << (shift & 63), exponent - shift as i32);
        let power = places - 1 - powers::log10_of_pow2(exponent + 63);
        let ten = powers::SIGNIFICANDS.get((power - powers::FIRST) as usize).copied().unwrap_or(1 << 63);
        let product = u128::from(significand) * u128::from(ten);
        // product * 2^(exponent + log2 - 63) is the wanted integer; the shift is more than 50.
        let down = (63 - powers::log2_of_pow10(power) - exponent).clamp(1, 127) as u32;
        let mut rest = (product + (1 << (down - 1))) >> down;
        let mut reversed = [0u8; 20];
        let mut count = 0usize;
        while rest > 0 {
            if let Some(slot) = reversed.get_mut(count) {
                *slot = b'0' + (rest % 10) as u8;
                count += 1;
            }
            rest /= 10;
        }
        let mut found = Self { digits: [b'0'; 20], len: count.max(1) as u8, exponent: count as i32 - 1 - power };
        for (slot, &digit) in found.digits.iter_mut().zip(reversed[..count].iter().rev()) {
            *slot = digit;
        }
        found
    }

    /// Rounds half up to at most `count` digits and drops trailing zeros. With `count` 0 the result is a single digit 1
    /// one place higher, or a single 0; negative counts give 0.
    fn round(&mut self, count: i32) {
        if count < i32::from(self.len) {
            let up = count >= 0 && self.digits[count as usize] >= b'5';
            self.len = count.max(0) as u8;
            if up {
                let mut at = usize::from(self.len);
                loop {
                    if at == 0 {
                        // Nines all the way: one digit, one place higher.
                        self.digits[0] = b'1';
                        self.len = 1;
                        self.exponent += 1;
                        break;
                    }
                    at -= 1;
                    if self.digits[at] == b'9' {
                        self.len = at as u8;
                    } else {
                        self.digits[at] += 1;
                        break;
                    }
                }
            } else if self.len == 0 {
                self.digits[0] = b'0';
                self.len = 1;
                self.exponent = 0;
            }
        }
        while self.len > 1 && self.digits[usize::from(self.len) - 1] == b'0' {
            self.len -= 1;
        }
    }

    /// The number that these digits are nearest to.
    fn value(&self) -> f64 {
        use std::fmt::Write;
        let mut scratch = Scratch { bytes: [0; 40], len: 0 };
        for &d in self.as_slice() {
            let _ = scratch.write_char(d as char);
        }
        let _ = write!(scratch, "e{}", self.exponent + 1 - i32::from(self.len));
        parse_decimal(&scratch.bytes[..scratch.len])
    }
}

/// A fixed buffer to format into.
struct Scratch {
    bytes: [u8; 40],
    len: usize,
}

impl std::fmt::Write for Scratch {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let end = self.len + s.len();
        self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// The digits of a finite, non-zero real rounded half up to `count` significant digits, for `printf`. `count` may be 0 or
/// negative: then only rounding up to the next place can leave a digit.
///
/// `places`: how many digits are computed before rounding. SQLite takes 19 where fewer than 17 significant digits are
/// wanted, 18 otherwise and where the count is of digits after the point.
pub fn rounded_digits(r: f64, count: i32, places: i32) -> Digits {
    let mut found = Digits::exact(r, places.clamp(18, 19));
    found.round(count);
    found
}

/// The digits that SQLite prints for a real.
///
/// They are 17, from the computed 18 or 19 by rounding half up (so the last may be one off). Where the 14th to 16th are 0,
/// or the 15th and 16th are 9, a value with few decimals is likely, and 15 digits are taken if they read back as the same
/// number. (Observed over many values; not documented.)
pub fn digits(r: f64) -> Digits {
    let mut full = Digits::exact(r, 18);
    if matches!(&full.digits[13..16], [b'0', b'0', b'0'] | [_, b'9', b'9']) {
        let mut short = full;
        short.round(15);
        if short.value() == r.abs() {
            return short;
        }
    }
    full.round(17);
    full
}

/// Digits of a real that becomes text, unless a connection wants others.
const USUAL_DIGITS: u8 = 17;

thread_local! {
    static TEXT_DIGITS: Cell<u8> = const { Cell::new(USUAL_DIGITS) };
}

/// How many digits reals get on this thread, from now on, where they become text (`SQLITE_DBCONFIG_FP_DIGITS`); answers how many
/// it were.
pub fn set_text_digits(count: u8) -> u8 {
    TEXT_DIGITS.replace(count)
}

/// Appends a real that becomes text.
#[inline]
pub fn write_real_as_text(r: f64, out: &mut Vec<u8>) {
    match TEXT_DIGITS.get() {
        USUAL_DIGITS => write_real(r, out),
        count => write_real_rounded(r, count, out),
    }
}

#[cold]
fn write_real_rounded(r: f64, count: u8, out: &mut Vec<u8>) {
    if r == 0.0 || !r.is_finite() {
        return write_real(r, out);
    }
    let places = if count < USUAL_DIGITS { 19 } else { 18 };
    let found = rounded_digits(r, count.into(), places);
    write_digits(r < 0.0, &found, count.into(), out);
}

/// Appends a real as SQLite writes it: `1.0`, `1.0e+20`, `Inf`.
pub fn write_real(r: f64, out: &mut Vec<u8>) {
    if r == 0.0 {
        // The sign of zero is not shown.
        out.extend_from_slice(b"0.0");
        return;
    }
    if r.is_infinite() {
        out.extend_from_slice(if r < 0.0 { b"-Inf" } else { b"Inf" });
        return;
    }
    if r.is_nan() {
        out.extend_from_slice(b"NaN");
        return;
    }
    if r.abs() < 1e15 && r.trunc() == r {
        write_integer(r as i64, out);
        out.extend_from_slice(b".0");
        return;
    }
    write_digits(r < 0.0, &digits(r), USUAL_DIGITS.into(), out);
}

/// Appends digits with a point among them, or with an exponent where there would be more than `most` before the point.
fn write_digits(negative: bool, found: &Digits, most: i32, out: &mut Vec<u8>) {
    let digits = found.as_slice();
    if negative {
        out.push(b'-');
    }
    let exponent = found.exponent;
    if !(-4..most).contains(&exponent) {
        out.push(digits[0]);
        out.push(b'.');
        out.extend_from_slice(if digits.len() > 1 { &digits[1..] } else { b"0" });
        out.push(b'e');
        out.push(if exponent < 0 { b'-' } else { b'+' });
        if exponent.abs() < 10 {
            out.push(b'0');
        }
        write_integer(i64::from(exponent.abs()), out);
    } else if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', (-exponent - 1) as usize));
        out.extend_from_slice(digits);
    } else {
        let whole = exponent as usize + 1;
        if digits.len() > whole {
            out.extend_from_slice(&digits[..whole]);
            out.push(b'.');
            out.extend_from_slice(&digits[whole..]);
        } else {
            out.extend_from_slice(digits);
            out.extend(std::iter::repeat_n(b'0', whole - digits.len()));
            out.extend_from_slice(b".0");
        }
    }
}

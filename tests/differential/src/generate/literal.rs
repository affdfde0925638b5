//! Literals: small values that meet each other, and now and then the odd ones.

use super::Generator;
use super::model::Kind;

const WORDS: &[&str] = &[
    "", "a", "b", "ab", "abc", "xyz", "x y", "zz", "0", "1", "12", "-3", "1.5", "é", "a%b", "a_b", "it''s", "b ",
    "日本",
];
/// Equal to others under NOCASE or RTRIM.
const TWINS: &[&str] = &["A", "B", "AB", "Ab", "ABC", "a ", "ab  ", "XYZ"];
const ODD_TEXT: &[&str] = &[
    "1e3",
    "0x10",
    " 7",
    "7 ",
    "+5",
    "1_000",
    "9223372036854775808",
    "-9223372036854775808",
    "1e400",
    ".5",
    "5.",
    "-",
    "1e",
    "inf",
    "nan",
    "''",
    "\"q\"",
    "🦀x",
    "\u{1}",
    "null",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
];
const ODD_INTEGERS: &[&str] = &[
    "9223372036854775807",
    "-9223372036854775807",
    "(-9223372036854775808)",
    "4294967296",
    "2147483647",
    "-2147483648",
    "1000000",
    "-70000",
    "255",
    "128",
    "-129",
    "32768",
    "0x7f",
    "1_000",
    "9007199254740993",
];
const ODD_REALS: &[&str] = &[
    "1e15",
    "1e16",
    "-1e-7",
    "9e999",
    "-9e999",
    "0.1",
    "123456789.125",
    "1e308",
    "5e-324",
    "9223372036854775807.0",
    "1.0",
    "2.0",
    "100.0",
    "1e3",
];
const BLOBS: &[&str] = &["x''", "x'00'", "x'61'", "x'6162'", "x'ff00ff'", "zeroblob(4)", "x'31'", "x'C3A9'"];

impl Generator {
    /// A literal that mostly is of this kind.
    pub fn literal(&mut self, kind: Kind) -> String {
        if self.rng.percent(9) {
            return "NULL".into();
        }
        if self.parameters && self.rng.percent(1) {
            // Nobody binds them.
            return (*self.rng.pick(&["?", "?3", ":name", "@n", "$x"])).into();
        }
        let kind = if self.rng.percent(6) {
            *self.rng.pick(&[Kind::Integer, Kind::Real, Kind::Text, Kind::Blob])
        } else {
            kind
        };
        match kind {
            Kind::Integer if self.features.extremes && self.rng.percent(12) => {
                (*self.rng.pick(ODD_INTEGERS)).to_owned()
            }
            Kind::Integer => (self.rng.below(16) as i64 - 3).to_string(),
            Kind::Real if self.features.extremes && self.rng.percent(15) => (*self.rng.pick(ODD_REALS)).to_owned(),
            Kind::Real if self.features.twins && self.rng.percent(20) => format!("{}.0", self.rng.below(6)),
            Kind::Real => format!("{}.{}", self.rng.below(9) as i64 - 2, self.rng.pick(&["5", "25", "75"])),
            Kind::Text => {
                let word = if self.features.extremes && self.rng.percent(15) {
                    self.rng.pick(ODD_TEXT)
                } else if self.features.twins && self.rng.percent(25) {
                    self.rng.pick(TWINS)
                } else {
                    self.rng.pick(WORDS)
                };
                format!("'{word}'")
            }
            Kind::Blob => (*self.rng.pick(BLOBS)).to_owned(),
            Kind::Any => {
                let kind = *self.rng.pick(&[Kind::Integer, Kind::Integer, Kind::Text, Kind::Real, Kind::Blob]);
                self.literal(kind)
            }
        }
    }

    /// A literal that is not NULL and can stand behind DEFAULT.
    pub fn default_literal(&mut self, kind: Kind) -> String {
        let text = self.literal(kind);
        if text.starts_with('-') || text.contains('(') { format!("({text})") } else { text }
    }

    /// Any odd literal: for functions.
    pub fn odd(&mut self) -> String {
        match self.rng.below(8) {
            0 => "NULL".into(),
            1 => (*self.rng.pick(ODD_INTEGERS)).to_owned(),
            2 => (*self.rng.pick(ODD_REALS)).to_owned(),
            3 => format!("'{}'", self.rng.pick(ODD_TEXT)),
            4 => format!("'{}'", self.rng.pick(WORDS)),
            5 => (*self.rng.pick(BLOBS)).to_owned(),
            6 => format!("'{}'", self.rng.pick(TWINS)),
            _ => (self.rng.below(30) as i64 - 10).to_string(),
        }
    }
}

//! Where values lie on a line: for estimates between two of which it is known how many entries are before them.
//!
//! Numbers lie where they are. Texts and blobs are read as fractions, byte by byte, where each place has as many digits as the
//! samples show there: `ab`, `zz` and `b7` have the letters in the first place, letters and digits in the second.

use turso_value::{Collation, Value};

/// Places of a text that count; what is alike in all texts does not.
const PLACES: usize = 6;

/// The line.
pub(super) enum Line {
    Numbers,
    Bytes {
        /// Bytes in front that all values share.
        shared: usize,
        /// The least byte and the number of bytes in each place.
        digits: Vec<(u8, f64)>,
        folded: bool,
    },
}

impl Line {
    /// The line on which `value` lies among the samples of its column.
    pub(super) fn through<'v>(
        value: &Value,
        samples: impl Iterator<Item = &'v Value> + Clone,
        collation: &Collation,
    ) -> Option<Self> {
        let folded = match collation {
            Collation::Binary | Collation::RTrim => false,
            Collation::NoCase => true,
            Collation::Custom(_) => return None,
        };
        match value {
            Value::Integer(_) | Value::Real(_) => Some(Self::Numbers),
            Value::Null => None,
            Value::Text(first) | Value::Blob(first) => {
                let alike = samples.filter_map(|other| bytes_like(value, other));
                let alike_byte = |(a, b): &(&u8, &u8)| fold(**a, folded) == fold(**b, folded);
                let same = |other: &[u8]| first.iter().zip(other).take_while(alike_byte).count();
                let shared = alike.clone().map(same).min()?.min(first.len());
                let digits = (shared..shared + PLACES).map_while(|at| {
                    let place = alike.clone().chain([&first[..]]).filter_map(|bytes| bytes.get(at));
                    digits_of(place.map(|byte| fold(*byte, folded)))
                });
                Some(Self::Bytes { shared, digits: digits.collect(), folded })
            }
        }
    }

    /// Where a value lies; nowhere, if it is of another kind.
    pub(super) fn place(&self, value: &Value) -> Option<f64> {
        match (self, value) {
            (Self::Numbers, Value::Integer(i)) => Some(*i as f64),
            (Self::Numbers, Value::Real(r)) => Some(*r),
            (Self::Bytes { shared, digits, folded }, Value::Text(bytes) | Value::Blob(bytes)) => {
                let (mut place, mut unit) = (0.0, 1.0);
                for (byte, (least, count)) in bytes.iter().skip(*shared).zip(digits) {
                    unit /= count;
                    place += unit * f64::from(fold(*byte, *folded).saturating_sub(*least));
                }
                Some(place)
            }
            _ => None,
        }
    }
}

/// The bytes of a value of the same type.
fn bytes_like<'v>(value: &Value, other: &'v Value) -> Option<&'v [u8]> {
    match (value, other) {
        (Value::Text(_), Value::Text(bytes)) | (Value::Blob(_), Value::Blob(bytes)) => Some(bytes),
        _ => None,
    }
}

fn fold(byte: u8, folded: bool) -> u8 {
    if folded { byte.to_ascii_lowercase() } else { byte }
}

/// The least digit and the number of digits of a place with these bytes. One letter or digit stands for all of them.
fn digits_of(bytes: impl Iterator<Item = u8>) -> Option<(u8, f64)> {
    let kin = |byte: u8| match byte {
        b'a'..=b'z' => (b'a', b'z'),
        b'A'..=b'Z' => (b'A', b'Z'),
        b'0'..=b'9' => (b'0', b'9'),
        other => (other, other),
    };
    let (least, most) = bytes.map(kin).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    Some((least, f64::from(most - least) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.as_bytes().into())
    }

    #[test]
    fn texts_lie_between_each_other_by_the_letters_there_are() {
        let samples = [text("cx row 1"), text("fu row 27"), text("zz row 3")];
        let line = Line::through(&text("b"), samples.iter(), &Collation::Binary).unwrap();
        let place = |t: &str| line.place(&text(t)).unwrap();
        assert_eq!(place("a"), 0.0);
        assert_eq!((place("b") * 26.0).round(), 1.0);
        assert_eq!(((place("bd") - place("b")) * 676.0).round(), 3.0);
        assert!(place("cx row 1") < place("cy") && place("cy") < place("d"));
        assert_eq!(line.place(&Value::Integer(1)), None);
    }

    #[test]
    fn what_all_texts_share_does_not_count() {
        let samples = [text("Item-0100"), text("item-0900")];
        let line = Line::through(&text("item-0500"), samples.iter(), &Collation::NoCase).unwrap();
        let place = |t: &str| line.place(&text(t)).unwrap();
        let part = (place("ITEM-0500") - place("item-0100")) / (place("item-0900") - place("item-0100"));
        assert_eq!((part * 100.0).round(), 50.0);
    }
}

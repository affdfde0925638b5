//! Simple polygons: their two written forms, and what can be measured of them (`geopoly.html`).
//!
//! | form | what it is                                                                                        |
//! |------|---------------------------------------------------------------------------------------------------|
//! | text | a JSON array of at least four `[x, y]`, the last of which repeats the first                        |
//! | blob | byte order (1: least significant first), number of vertices (3 bytes), then x and y of each as `f32` |

use turso_value::Value;

/// A corner.
pub type Point = [f32; 2];

/// The corners, without a repetition of the first: at least three.
#[derive(Debug, Clone, PartialEq)]
pub struct Polygon(Vec<Point>);

/// An upright rectangle: least and greatest x, least and greatest y.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Least and greatest x.
    pub x: [f32; 2],
    /// Least and greatest y.
    pub y: [f32; 2],
}

/// More the blob cannot count.
const MOST_VERTICES: usize = (1 << 24) - 1;

impl Polygon {
    /// The polygon that a value is, if it is one.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Self::of_blob(bytes),
            Value::Text(text) => Reader { rest: text }.polygon(),
            _ => None,
        }
    }

    /// The polygon with these corners, if there are enough of them.
    pub fn new(corners: Vec<Point>) -> Option<Self> {
        (3..=MOST_VERTICES).contains(&corners.len()).then_some(Self(corners))
    }

    fn of_blob(bytes: &[u8]) -> Option<Self> {
        let (&[order, a, b, c], coordinates) = bytes.split_first_chunk::<4>()?;
        let count = u32::from_be_bytes([0, a, b, c]) as usize;
        if order > 1 || coordinates.len() != count * 8 {
            return None;
        }
        let number = |bytes: [u8; 4]| if order == 1 { f32::from_le_bytes(bytes) } else { f32::from_be_bytes(bytes) };
        let corners = coordinates.chunks_exact(8);
        Self::new(corners.map(|c| [number([c[0], c[1], c[2], c[3]]), number([c[4], c[5], c[6], c[7]])]).collect())
    }

    /// The binary form.
    pub fn to_blob(&self) -> Vec<u8> {
        let [_, count @ ..] = (self.0.len() as u32).to_be_bytes();
        let mut blob = Vec::with_capacity(4 + self.0.len() * 8);
        blob.push(1);
        blob.extend_from_slice(&count);
        blob.extend(self.0.iter().flatten().flat_map(|coordinate| coordinate.to_le_bytes()));
        blob
    }

    /// The corners in their order.
    pub fn corners(&self) -> &[Point] {
        &self.0
    }

    /// Each side, from corner to corner.
    pub fn sides(&self) -> impl Iterator<Item = [Point; 2]> + '_ {
        let next = self.0.iter().cycle().skip(1);
        self.0.iter().zip(next).map(|(a, b)| [*a, *b])
    }

    /// The area inside; negative where the corners go round clockwise.
    pub fn area(&self) -> f64 {
        let twice =
            |[[ax, ay], [bx, by]]: [Point; 2]| (f64::from(ax) - f64::from(bx)) * (f64::from(ay) + f64::from(by));
        self.sides().map(twice).sum::<f64>() * 0.5
    }

    /// The smallest upright rectangle around it.
    pub fn bounds(&self) -> Bounds {
        let [x, y] = self.0[0];
        let mut bounds = Bounds { x: [x, x], y: [y, y] };
        self.0.iter().for_each(|corner| bounds.include(*corner));
        bounds
    }

    /// The same corners the other way round, from the same one on.
    pub fn reversed(mut self) -> Self {
        self.0[1..].reverse();
        self
    }

    /// The corners moved by `f`.
    pub fn map(&self, f: impl Fn(f64, f64) -> [f64; 2]) -> Self {
        let moved = |[x, y]: &Point| f(f64::from(*x), f64::from(*y)).map(|coordinate| coordinate as f32);
        Self(self.0.iter().map(moved).collect())
    }

    /// Where a point lies.
    pub fn place_of(&self, x: f64, y: f64) -> Place {
        let mut above = 0;
        for [[ax, ay], [bx, by]] in self.sides().map(|side| side.map(|point| point.map(f64::from))) {
            if (x == ax && y == ay) || (ax == bx && x == ax && y >= ay.min(by) && y <= ay.max(by)) {
                return Place::Border;
            }
            if ax == bx || x <= ax.min(bx) || x > ax.max(bx) {
                continue;
            }
            let at = ay + (by - ay) * (x - ax) / (bx - ax);
            if at == y {
                return Place::Border;
            }
            above += u32::from(at > y);
        }
        if above % 2 == 1 { Place::Inside } else { Place::Outside }
    }
}

/// Where a point lies; the numbers are those of `geopoly_contains_point`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Not in the polygon.
    Outside = 0,
    /// On a side or corner.
    Border = 1,
    /// In the polygon.
    Inside = 2,
}

impl Bounds {
    fn include(&mut self, [x, y]: Point) {
        self.x = [self.x[0].min(x), self.x[1].max(x)];
        self.y = [self.y[0].min(y), self.y[1].max(y)];
    }

    /// The smallest rectangle around both.
    pub fn with(mut self, other: Self) -> Self {
        self.include([other.x[0], other.y[0]]);
        self.include([other.x[1], other.y[1]]);
        self
    }

    /// The rectangle as a polygon.
    pub fn to_polygon(self) -> Polygon {
        let ([left, right], [low, high]) = (self.x, self.y);
        Polygon(vec![[left, low], [right, low], [right, high], [left, high]])
    }
}

/// Reads the text of a polygon.
struct Reader<'t> {
    rest: &'t [u8],
}

impl Reader<'_> {
    fn polygon(mut self) -> Option<Polygon> {
        self.expect(b'[')?;
        let mut corners = Vec::new();
        loop {
            corners.push(self.corner()?);
            // A comma may stand behind the last one, too.
            if !self.eat(b',') {
                self.expect(b']')?;
                break;
            }
            if self.eat(b']') {
                break;
            }
        }
        self.blanks();
        let closed = corners.len() >= 4 && corners.first() == corners.last() && self.rest.is_empty();
        corners.pop();
        if closed { Polygon::new(corners) } else { None }
    }

    /// `[x, y]`; numbers behind them do not count.
    fn corner(&mut self) -> Option<Point> {
        self.expect(b'[')?;
        let x = self.number()?;
        self.expect(b',')?;
        let y = self.number()?;
        while self.eat(b',') {
            self.number()?;
        }
        self.expect(b']')?;
        Some([x as f32, y as f32])
    }

    /// A number of JSON; nothing need stand before its point.
    fn number(&mut self) -> Option<f64> {
        self.blanks();
        let text = self.rest;
        let mut at = usize::from(text.first() == Some(&b'-'));
        let digits =
            |from: usize| text.get(from..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
        let whole = digits(at);
        if whole > 1 && text.get(at) == Some(&b'0') {
            return None;
        }
        at += whole;
        if text.get(at) == Some(&b'.') {
            let fraction = digits(at + 1);
            if fraction == 0 {
                return None;
            }
            at += 1 + fraction;
        } else if whole == 0 {
            return None;
        }
        if matches!(text.get(at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(text.get(at + 1), Some(b'-' | b'+')));
            let exponent = digits(at + 1 + sign);
            if exponent == 0 {
                return None;
            }
            at += 1 + sign + exponent;
        }
        let (number, rest) = text.split_at(at);
        self.rest = rest;
        std::str::from_utf8(number).ok()?.parse().ok()
    }

    /// The white space of JSON, which has no form feed.
    fn blanks(&mut self) {
        let count = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.blanks();
        let found = self.rest.first() == Some(&byte);
        self.rest = self.rest.get(usize::from(found)..).unwrap_or_default();
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }
}

//! How two polygons lie to each other.
//!
//! ```text
//!   x:   |   |     |   |      corners, and crossings of sides
//!        |  /|\  A |   |      Between two neighbours on that axis no side begins, ends or crosses another: the sides in such a strip
//!        | / | \___|___|      stand one above the other, and going up from below every one enters or leaves its polygon.
//!        |/  | B   |   |      So each region between two of them lies in A, in B, in both or in none.
//! ```
//! Which kinds of regions there are decides. Regions without height or width do not count: polygons that only touch do not overlap.

use std::ops::ControlFlow;

use turso_error::{Error, Result, ResultCode};

use super::polygon::{Point, Polygon};

/// How the first polygon lies to the second; the numbers are those of `geopoly_overlap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// They share no area.
    None = 0,
    /// They share some.
    Partly = 1,
    /// The first lies in the second.
    FirstInSecond = 2,
    /// The second lies in the first.
    SecondInFirst = 3,
    /// They are the same.
    Same = 4,
}

/// A side that is not upright, from left to right.
struct Side {
    from: [f64; 2],
    to: [f64; 2],
    /// 1 for the first polygon, 2 for the second.
    of: u8,
}

impl Side {
    fn new([a, b]: [Point; 2], of: u8) -> Option<Self> {
        let (a, b) = (a.map(f64::from), b.map(f64::from));
        if a[0] == b[0] || !a.iter().chain(&b).all(|coordinate| coordinate.is_finite()) {
            return None;
        }
        let (from, to) = if a[0] < b[0] { (a, b) } else { (b, a) };
        Some(Self { from, to, of })
    }

    fn height_at(&self, x: f64) -> f64 {
        let share = (x - self.from[0]) / (self.to[0] - self.from[0]);
        self.from[1] + (self.to[1] - self.from[1]) * share
    }

    /// Where two sides cross, if they do between their ends.
    fn crossing(&self, other: &Self) -> Option<f64> {
        let (left, right) = (self.from[0].max(other.from[0]), self.to[0].min(other.to[0]));
        if left >= right {
            return None;
        }
        let [before, after] = [left, right].map(|x| self.height_at(x) - other.height_at(x));
        (before * after < 0.0).then(|| left + (right - left) * (before / (before - after)))
    }
}

/// Rounding leaves strips and regions of about this size, as a share of the whole, where there are none.
const NOTHING: f64 = 1e-9;

/// Crossings of sides that are kept, 8 bytes each: there may be as many as pairs of sides.
const MOST_CROSSINGS: usize = 1 << 20;

/// How the first lies to the second. Fails with `SQLITE_TOOBIG` where more sides cross than [`MOST_CROSSINGS`].
pub fn overlap(first: &Polygon, second: &Polygon) -> Result<Overlap> {
    let (a, b) = (first.bounds(), second.bounds());
    if a.x[1] <= b.x[0] || b.x[1] <= a.x[0] || a.y[1] <= b.y[0] || b.y[1] <= a.y[0] {
        return Ok(Overlap::None);
    }
    let all = a.with(b);
    let [width, height] = [all.x, all.y].map(|[low, high]| f64::from(high) - f64::from(low));
    let sides = |polygon: &Polygon, of| polygon.sides().filter_map(|side| Side::new(side, of)).collect::<Vec<_>>();
    let mut sides: Vec<Side> = [sides(first, 1), sides(second, 2)].into_iter().flatten().collect();
    sides.sort_by(|a, b| a.from[0].total_cmp(&b.from[0]));

    let mut seen = [false; 4];
    for_each_strip(&sides, |left, right, standing| {
        if right - left <= width * NOTHING {
            return ControlFlow::Continue(());
        }
        let middle = left + (right - left) / 2.0;
        let mut at: Vec<(f64, u8)> =
            standing.iter().map(|side| (sides[*side].height_at(middle), sides[*side].of)).collect();
        at.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut inside = 0;
        for pair in at.windows(2) {
            inside ^= pair[0].1;
            if pair[1].0 - pair[0].0 > height * NOTHING {
                seen[usize::from(inside & 3)] = true;
            }
        }
        if seen[1..] == [true; 3] { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(match (seen[1], seen[2], seen[3]) {
        (_, _, false) => Overlap::None,
        (false, false, true) => Overlap::Same,
        (false, true, true) => Overlap::FirstInSecond,
        (true, false, true) => Overlap::SecondInFirst,
        (true, true, true) => Overlap::Partly,
    })
}

/// Calls `f` for each strip from left to right, with the sides that stand in it, until it knows enough.
fn for_each_strip(sides: &[Side], mut f: impl FnMut(f64, f64, &[usize]) -> ControlFlow<()>) -> Result<()> {
    let mut limits: Vec<f64> = sides.iter().flat_map(|side| [side.from[0], side.to[0]]).collect();
    // Sides that stand over one place at the same time may cross.
    let mut standing: Vec<usize> = Vec::new();
    for (i, side) in sides.iter().enumerate() {
        standing.retain(|other| sides[*other].to[0] > side.from[0]);
        limits.extend(standing.iter().filter_map(|other| sides[*other].crossing(side)));
        if limits.len() > 2 * sides.len() + MOST_CROSSINGS {
            return Err(Error::from_code(ResultCode::TOOBIG));
        }
        standing.push(i);
    }
    limits.sort_by(f64::total_cmp);
    limits.dedup();
    standing.clear();
    let mut next = sides.iter().enumerate().peekable();
    for strip in limits.windows(2) {
        let (left, right) = (strip[0], strip[1]);
        standing.retain(|side| sides[*side].to[0] > left);
        while let Some((i, _)) = next.next_if(|(_, side)| side.from[0] <= left) {
            standing.push(i);
        }
        if f(left, right, &standing).is_break() {
            break;
        }
    }
    Ok(())
}

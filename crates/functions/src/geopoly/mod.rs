//! `geopoly_*`: functions of simple polygons (`geopoly.html`). What is no polygon gives NULL.

mod overlap;
mod polygon;
#[cfg(test)]
mod tests;

use turso_error::Result;
use turso_value::Value;

use crate::aggregate::Aggregate;
use crate::{Arity, Context, FunctionDef, FunctionFlags};

pub use overlap::{Overlap, overlap};
pub use polygon::{Bounds, Place, Polygon};

const PURE: FunctionFlags = FunctionFlags::PURE;

pub(crate) const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("geopoly_area", Arity::exactly(1), PURE, area),
    FunctionDef::scalar("geopoly_bbox", Arity::exactly(1), PURE, bbox),
    FunctionDef::scalar("geopoly_blob", Arity::exactly(1), PURE, blob),
    FunctionDef::scalar("geopoly_ccw", Arity::exactly(1), PURE, ccw),
    FunctionDef::scalar("geopoly_contains_point", Arity::exactly(3), PURE, contains_point),
    FunctionDef::scalar("geopoly_debug", Arity::exactly(1), PURE, |ctx, _| ctx.null()),
    FunctionDef::scalar("geopoly_json", Arity::exactly(1), PURE, json),
    FunctionDef::scalar("geopoly_overlap", Arity::exactly(2), PURE, overlaps),
    FunctionDef::scalar("geopoly_regular", Arity::exactly(4), PURE, regular),
    FunctionDef::scalar("geopoly_svg", Arity::ANY, PURE, svg),
    FunctionDef::scalar("geopoly_within", Arity::exactly(2), PURE, within),
    FunctionDef::scalar("geopoly_xform", Arity::exactly(7), PURE, xform),
    FunctionDef::aggregate("geopoly_group_bbox", Arity::exactly(1), PURE, || Box::new(GroupBounds::default())),
];

/// The polygon that the first argument is.
fn first(args: &[Value]) -> Option<Polygon> {
    args.first().and_then(Polygon::of)
}

/// An argument as a number.
fn number(args: &[Value], at: usize) -> f64 {
    args.get(at).map_or(0.0, Value::to_real)
}

fn give(ctx: &mut Context<'_>, polygon: Option<Polygon>) -> Result<()> {
    match polygon {
        Some(polygon) => ctx.blob(&polygon.to_blob()),
        None => ctx.null(),
    }
}

fn area(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match first(args) {
        Some(polygon) => ctx.real(polygon.area()),
        None => ctx.null(),
    }
}

fn bbox(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    give(ctx, first(args).map(|polygon| polygon.bounds().to_polygon()))
}

fn blob(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    give(ctx, first(args))
}

fn ccw(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    give(ctx, first(args).map(|polygon| if polygon.area() < 0.0 { polygon.reversed() } else { polygon }))
}

fn contains_point(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match first(args) {
        Some(polygon) => ctx.integer(polygon.place_of(number(args, 1), number(args, 2)) as i64),
        None => ctx.null(),
    }
}

fn json(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(polygon) = first(args) else { return ctx.null() };
    let mut text = b"[".to_vec();
    let corners = polygon.corners();
    for corner in corners.iter().chain(corners.first()) {
        write(ctx, b"[%!g,%!g],", *corner, &mut text)?;
    }
    text.pop();
    text.push(b']');
    ctx.text(&text)
}

fn svg(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let Some(polygon) = first(args) else { return ctx.null() };
    let mut text = b"<polyline points='".to_vec();
    let corners = polygon.corners();
    for corner in corners.iter().chain(corners.first()) {
        write(ctx, b"%g,%g ", *corner, &mut text)?;
    }
    text.pop();
    text.push(b'\'');
    for attribute in args.iter().skip(1).filter(|attribute| !attribute.is_null()) {
        let start = text.len();
        text.push(b' ');
        attribute.as_ref().write_text(&mut text);
        if text.len() == start + 1 {
            text.pop();
        }
    }
    text.extend_from_slice(b"></polyline>");
    ctx.text(&text)
}

fn write(ctx: &Context<'_>, format: &[u8], corner: [f32; 2], text: &mut Vec<u8>) -> Result<()> {
    let values = corner.map(|coordinate| Value::real(f64::from(coordinate)));
    crate::printf::write_format(format, &values, ctx.environment.max_length(), text)
}

/// Two polygons, the second in the second argument.
fn both(args: &[Value]) -> Result<Option<Overlap>> {
    match (first(args), args.get(1).and_then(Polygon::of)) {
        (Some(first), Some(second)) => overlap(&first, &second).map(Some),
        _ => Ok(None),
    }
}

fn overlaps(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match both(args)? {
        Some(overlap) => ctx.integer(overlap as i64),
        None => ctx.null(),
    }
}

/// 1: the first lies in the second; 2: they are the same.
fn within(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match both(args)? {
        Some(Overlap::FirstInSecond) => ctx.integer(1),
        Some(Overlap::Same) => ctx.integer(2),
        Some(_) => ctx.integer(0),
        None => ctx.null(),
    }
}

fn xform(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6].map(|at| number(args, at));
    give(ctx, first(args).map(|polygon| polygon.map(|x, y| [a * x + b * y + e, c * x + d * y + f])))
}

/// More corners a regular polygon does not get.
const MOST_CORNERS: i64 = 1000;

fn regular(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let [x, y, radius] = [0, 1, 2].map(|at| number(args, at));
    let count = args.get(3).map_or(0, Value::to_integer).min(MOST_CORNERS);
    if count < 3 || radius <= 0.0 {
        return ctx.null();
    }
    let corner = |i: i64| {
        let angle = std::f64::consts::TAU * i as f64 / count as f64;
        [(x - radius * sine(angle - std::f64::consts::FRAC_PI_2)) as f32, (y + radius * sine(angle)) as f32]
    };
    give(ctx, Polygon::new((0..count).map(corner).collect()))
}

/// The sine as SQLite approximates it here (three terms, least greatest error over a quarter), which its polygons show.
fn sine(mut angle: f64) -> f64 {
    use std::f64::consts::{FRAC_PI_2, PI, TAU};
    if angle >= 3.0 * FRAC_PI_2 {
        angle -= TAU;
    }
    if angle >= FRAC_PI_2 {
        return -sine(angle - PI);
    }
    let square = angle * angle;
    (0.9996949 - (0.1656700 - 0.0075134 * square) * square) * angle
}

/// `geopoly_group_bbox`
#[derive(Default)]
struct GroupBounds(Option<Bounds>);

impl Aggregate for GroupBounds {
    fn step(&mut self, _: &mut Context<'_>, args: &[Value]) -> Result<()> {
        if let Some(bounds) = first(args).map(|polygon| polygon.bounds()) {
            self.0 = Some(self.0.map_or(bounds, |known| known.with(bounds)));
        }
        Ok(())
    }

    fn value(&mut self, ctx: &mut Context<'_>) -> Result<()> {
        give(ctx, self.0.map(Bounds::to_polygon))
    }

    fn reset(&mut self) {
        self.0 = None;
    }
}

//! `rtreenode`, `rtreedepth`: the bytes of an R-Tree's node, shown; `rtreecheck` needs the connection.

use turso_error::{Error, Result};
use turso_value::Value;

use crate::{Arity, Context, FunctionDef, FunctionFlags, HostFunction};

pub(crate) const TABLE: &[FunctionDef] = &[
    FunctionDef::scalar("rtreenode", Arity::exactly(2), FunctionFlags::NONE, rtreenode),
    FunctionDef::scalar("rtreedepth", Arity::exactly(1), FunctionFlags::NONE, rtreedepth),
    FunctionDef::host("rtreecheck", Arity::ANY, FunctionFlags::NONE, HostFunction::RTreeCheck),
];

/// More dimensions no R-Tree has.
const MAX_DIMENSIONS: i64 = 5;

/// The entries of a node as lists in braces: id, then low and high of each dimension, all read as reals.
fn rtreenode(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    let [dimensions, node] = args else { return ctx.null() };
    let (dimensions, bytes) = (dimensions.to_integer(), node.bytes().unwrap_or_default());
    let Some((&[_, _, high, low], cells)) = bytes.split_first_chunk::<4>() else { return ctx.null() };
    let count = usize::from(u16::from_be_bytes([high, low]));
    let size = 8 + 8 * dimensions.clamp(1, MAX_DIMENSIONS) as usize;
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) || cells.len() < count * size {
        return ctx.null();
    }
    let mut text = Vec::new();
    for cell in cells.chunks_exact(size).take(count) {
        let Some((id, coordinates)) = cell.split_first_chunk::<8>() else { break };
        if !text.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(format!("{{{}", i64::from_be_bytes(*id)).as_bytes());
        for bytes in coordinates.chunks_exact(4) {
            let real = f32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            text.push(b' ');
            let limit = ctx.environment.max_length();
            crate::printf::write_format(b"%g", &[Value::real(f64::from(real))], limit, &mut text)?;
        }
        text.push(b'}');
    }
    ctx.text(&text)
}

/// The depth of the tree, from its root.
fn rtreedepth(ctx: &mut Context<'_>, args: &[Value]) -> Result<()> {
    match args {
        [Value::Blob(bytes)] if bytes.len() >= 2 => ctx.integer(i64::from(u16::from_be_bytes([bytes[0], bytes[1]]))),
        _ => Err(Error::sql("Invalid argument to rtreedepth()")),
    }
}

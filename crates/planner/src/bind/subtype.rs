//! Subtypes: what functions say of their results beside the value (that a text is JSON), to the functions that read it.
//!
//! They go from a call to the call around it, through operators that give one of their operands, and no further: a column of a
//! subquery, a view or a common table expression has none, whether it is computed apart or where it is used.

use turso_functions::{Function, FunctionFlags};

use crate::plan::{Aggregate, Body, Core, CoreId, Expr, Query, UnaryOp, Window};

/// The query as others read it: without subtypes.
pub(super) fn plain_columns(mut query: Box<Query>) -> Box<Query> {
    plain_body(&mut query.body);
    query
}

fn plain_body(body: &mut Body) {
    match body {
        Body::Core(core) => {
            let Core { id, output, aggregates, windows, .. } = &mut **core;
            plain(output, &Calls { core: *id, aggregates, windows });
        }
        Body::Values(rows) => rows.iter_mut().for_each(|row| plain(row, &Calls::NONE)),
        Body::Compound { left, right, .. } => {
            plain_body(left);
            plain_body(right);
        }
    }
}

fn plain(list: &mut [Expr], calls: &Calls<'_>) {
    for e in list.iter_mut().filter(|e| calls.may_have_subtype(e)) {
        let inner = std::mem::replace(e, Expr::Literal(turso_value::Value::Null));
        *e = Expr::Unary { op: UnaryOp::Plain, expr: Box::new(inner) };
    }
}

/// The aggregates and window functions that expressions refer to.
pub(crate) struct Calls<'c> {
    core: CoreId,
    aggregates: &'c [Aggregate],
    windows: &'c [Window],
}

impl<'c> Calls<'c> {
    /// Of no core: what stands in an index, rows of VALUES.
    pub(crate) const NONE: Calls<'static> = Calls { core: CoreId(0), aggregates: &[], windows: &[] };

    /// Those of a core.
    pub(crate) fn of(core: &'c Core) -> Self {
        Self { core: core.id, aggregates: &core.aggregates, windows: &core.windows }
    }

    /// The arguments of a call whose subtypes it may ask for.
    pub(crate) fn typed_arguments(&self, function: &Function, args: &[Expr]) -> Vec<usize> {
        if !function.flags.has(FunctionFlags::SUBTYPE) {
            return Vec::new();
        }
        (0..args.len()).filter(|&i| self.may_have_subtype(&args[i])).collect()
    }

    /// Whether the value may have a subtype.
    pub(crate) fn may_have_subtype(&self, e: &Expr) -> bool {
        match e {
            Expr::Function { function, args, .. } => {
                function.flags.has(FunctionFlags::RESULT_SUBTYPE) || args.iter().any(|arg| self.may_have_subtype(arg))
            }
            Expr::Aggregate { core, index } if *core == self.core => self.aggregates.get(*index).is_some_and(|a| {
                a.function.flags.has(FunctionFlags::RESULT_SUBTYPE)
                    || a.function.flags.has(FunctionFlags::MIN_MAX)
                        && a.args.iter().any(|arg| self.may_have_subtype(arg))
            }),
            Expr::Window { core, index } if *core == self.core => {
                let window = self.windows.get(*index);
                window.is_some_and(|w| w.function.flags.has(FunctionFlags::RESULT_SUBTYPE))
            }
            // Those of a query around this one, and what code generation has computed: nothing is known of them.
            Expr::Aggregate { .. } | Expr::Window { .. } | Expr::Register { .. } => true,
            Expr::Collate { expr, .. } | Expr::Cast { expr, .. } | Expr::Unary { op: UnaryOp::Plus, expr } => {
                self.may_have_subtype(expr)
            }
            Expr::Case { arms, otherwise, .. } => {
                arms.iter().any(|arm| self.may_have_subtype(&arm.then))
                    || otherwise.as_deref().is_some_and(|e| self.may_have_subtype(e))
            }
            // A value that goes with a parameter is an object: `GetSubtype` does not tell it.
            _ => false,
        }
    }
}

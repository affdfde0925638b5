//! Window functions: calls with OVER, the windows that they name.

use turso_error::{Error, Result};
use turso_functions::Function;
use turso_parser::ast::{self, Frame, FrameBound, FrameUnits, WindowSpec};

use super::Binder;
use super::order::order_term;
use super::scope::truth_value;
use super::types::explicit_collation;
use crate::plan::{Expr, OrderTerm, Window};

/// The parts of a window definition after its base has been looked up.
struct Parts<'a> {
    partition_by: &'a [ast::Expr],
    order_by: &'a [ast::OrderingTerm],
    frame: Option<&'a Frame>,
}

/// Windows that extend each other: a longer chain is a mistake or an attack.
const MAX_BASES: u32 = 100;

impl<'a> Binder<'a> {
    /// Bind `f(…) OVER …`.
    #[inline(never)]
    pub(super) fn bind_window(
        &mut self,
        call: &'a ast::FunctionCall,
        function: Function,
        args: &'a [ast::Expr],
    ) -> Result<Expr> {
        let name = call.name.as_str();
        let misuse = || Error::sql(format!("misuse of window function {name}()")).with_sql_offset(call.name.offset);
        let Some(top) = self.scopes.len().checked_sub(1) else {
            // What does not exist is told first.
            self.bind_list(args)?;
            return Err(misuse());
        };
        if !self.scopes[top].windows_allowed {
            return Err(misuse());
        }
        if call.distinct {
            return Err(Error::sql("DISTINCT is not supported for window functions"));
        }
        if call.filter.is_some() && function.is_window() {
            return Err(Error::sql("FILTER clause may only be used with aggregate window functions"));
        }
        // To a function that is nothing but a window function its own ORDER BY means nothing.
        if !call.order_by.is_empty() && !function.is_window() {
            return Err(Error::sql(format!("ORDER BY may not be used with non-aggregate {name}()")));
        }
        let parts = match &call.over {
            Some(ast::Over::Name(window)) => self.named_window(window, 0)?,
            Some(ast::Over::Spec(spec)) => self.window_parts(spec, 0)?,
            None => return Err(Error::sql(format!("misuse of window function {name}()"))),
        };
        // No window function inside another one.
        self.scopes[top].windows_allowed = false;
        let window = self.bind_window_parts(call, function, args, &parts);
        self.scopes[top].windows_allowed = true;
        let window = window?;
        let explicit = window.args.iter().find_map(explicit_collation);
        let scope = &mut self.scopes[top];
        scope.windows.push(window);
        let result = Expr::Window { core: scope.core, index: scope.windows.len() - 1 };
        // A COLLATE inside its arguments is the function's own.
        Ok(match explicit {
            Some(collation) => Expr::collate(result, collation),
            None => result,
        })
    }

    fn named_window(&self, name: &'a ast::Name, depth: u32) -> Result<Parts<'a>> {
        let clause = self.window_clauses.iter().rev().find(|(d, _)| *d == self.scopes.len()).map(|(_, defs)| *defs);
        let found = clause.and_then(|defs| defs.iter().find(|d| d.name.same_as(name)));
        match found {
            Some(def) if depth < MAX_BASES => self.window_parts(&def.spec, depth + 1),
            _ => Err(Error::sql(format!("no such window: {}", name.text))),
        }
    }

    fn window_parts(&self, spec: &'a WindowSpec, depth: u32) -> Result<Parts<'a>> {
        let own = Parts { partition_by: &spec.partition_by, order_by: &spec.order_by, frame: spec.frame.as_ref() };
        let Some(base_name) = &spec.base else { return Ok(own) };
        let base = self.named_window(base_name, depth)?;
        let overrides = if !own.partition_by.is_empty() {
            Some("PARTITION clause")
        } else if !own.order_by.is_empty() && !base.order_by.is_empty() {
            Some("ORDER BY clause")
        } else if base.frame.is_some() {
            Some("frame specification")
        } else {
            None
        };
        if let Some(what) = overrides {
            return Err(Error::sql(format!("cannot override {what} of window: {}", base_name.text)));
        }
        Ok(Parts {
            partition_by: base.partition_by,
            order_by: if own.order_by.is_empty() { base.order_by } else { own.order_by },
            frame: own.frame,
        })
    }

    fn bind_window_parts(
        &mut self,
        call: &'a ast::FunctionCall,
        function: Function,
        args: &'a [ast::Expr],
        parts: &Parts<'a>,
    ) -> Result<Window> {
        let args = self.bind_list(args)?;
        let args = self.arguments(&function, args);
        let filter = call.filter.as_ref().map(|f| self.bind_expr(f)).transpose()?;
        let partition_by = self.bind_list(parts.partition_by)?;
        let mut order_by: Vec<OrderTerm> = Vec::with_capacity(parts.order_by.len());
        for term in parts.order_by {
            let expr = self.bind_expr(&term.expr)?;
            order_by.push(order_term(expr, None, term));
        }
        let default =
            Frame { units: FrameUnits::Range, start: FrameBound::UnboundedPreceding, end: None, exclude: None };
        let frame = parts.frame.cloned().unwrap_or(default);
        let mut start_offset = None;
        let mut end_offset = None;
        if let Some(written) = parts.frame {
            let offset = |bound: &'a FrameBound| match bound {
                FrameBound::Preceding(e) | FrameBound::Following(e) => Some(&**e),
                _ => None,
            };
            start_offset = offset(&written.start).map(|e| self.frame_offset(e)).transpose()?;
            end_offset = written.end.as_ref().and_then(offset).map(|e| self.frame_offset(e)).transpose()?;
            check_frame(written)?;
            if written.units == FrameUnits::Range
                && (start_offset.is_some() || end_offset.is_some())
                && order_by.len() != 1
            {
                return Err(Error::sql("RANGE with offset PRECEDING/FOLLOWING requires one ORDER BY expression"));
            }
        }
        Ok(Window { function, args, filter, partition_by, order_by, frame, start_offset, end_offset })
    }
}

impl<'a> Binder<'a> {
    /// How far a frame reaches. What is not constant in its form is NULL, which no frame takes, whatever it names; TRUE and
    /// FALSE are constants, also where a column has that name.
    fn frame_offset(&mut self, expr: &'a ast::Expr) -> Result<Expr> {
        if let ast::Expr::Column(reference) = expr
            && let Some(truth) = truth_value(reference)
        {
            return Ok(Expr::Literal(turso_value::Value::Integer(i64::from(truth))));
        }
        let mut varying = Varying(false);
        ast::visit::Visit::expr(&mut varying, expr);
        if varying.0 { Ok(Expr::Literal(turso_value::Value::Null)) } else { self.bind_expr(expr) }
    }
}

/// Finds columns, queries and calls.
struct Varying(bool);

impl ast::visit::Visit for Varying {
    fn expr(&mut self, expr: &ast::Expr) {
        self.0 |= match expr {
            ast::Expr::Column(reference) => truth_value(reference).is_none(),
            expr => matches!(expr, ast::Expr::Function(_)),
        };
        if !self.0 {
            ast::visit::walk_expr(self, expr);
        }
    }

    fn select(&mut self, _: &ast::Select) {
        self.0 = true;
    }
}

/// A frame must not start after it ends.
fn check_frame(frame: &Frame) -> Result<()> {
    let rank = |bound: &FrameBound| match bound {
        FrameBound::UnboundedPreceding => 0,
        FrameBound::Preceding(_) => 1,
        FrameBound::CurrentRow => 2,
        FrameBound::Following(_) => 3,
        FrameBound::UnboundedFollowing => 4,
    };
    let end = frame.end.as_ref().map_or(2, rank);
    if rank(&frame.start) > end || matches!(frame.start, FrameBound::UnboundedFollowing) || end == 0 {
        return Err(Error::sql("unsupported frame specification"));
    }
    Ok(())
}

//! Function calls: which function is meant, aggregates and the core they belong to.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_functions::{Arity, Context, Function, FunctionDef, FunctionFlags, Lookup, ScalarFunction};
use turso_parser::ast;
use turso_value::Value;

use super::Binder;
use super::scope::AggregateUse;
use super::types::{collation_of, explicit_collation, ordering_collation};
use crate::plan::{Aggregate, CaseArm, Expr, OrderTerm, Relation};

/// Aggregates that take WITHIN GROUP.
const ORDERED_SET: [&str; 5] = ["median", "mode", "percentile", "percentile_cont", "percentile_disc"];

/// In the place of a function that nobody calls.
struct StandIn;

impl ScalarFunction for StandIn {
    fn call(&self, _: &mut Context<'_>, _: &[Value]) -> Result<()> {
        Err(Error::from_code(turso_error::ResultCode::INTERNAL))
    }
}

fn stand_in(name: &str) -> Function {
    let definition = FunctionDef::user_scalar(name, Arity::ANY, FunctionFlags::INNOCUOUS, Arc::new(StandIn));
    Function::User(Arc::new(definition))
}

impl<'a> Binder<'a> {
    /// A call of the function `name`, which is not written as one.
    pub(super) fn function_of(&mut self, name: &str, args: Vec<Expr>) -> Result<Expr> {
        let function = self.lookup(name, args.len())?;
        if self.context.asks() && self.context.ask_to_call(name)? {
            return Ok(Expr::Literal(turso_value::Value::Null));
        }
        // The operators stand behind their left operand, which is the second argument.
        let function = self.overloaded(function, args.get(1), args.len());
        Ok(self.call(function, args))
    }

    /// The function as a virtual table would have it, where `operand` is one of its columns.
    fn overloaded(&self, function: Function, operand: Option<&Expr>, argc: usize) -> Function {
        let Some(Expr::Column { source, .. }) = operand else { return function };
        let sources = self.scopes.iter().flat_map(|s| &s.sources);
        let table = sources.filter(|s| s.id == *source).find_map(|s| match &s.relation {
            Relation::Virtual { connected, .. } => Some(connected),
            _ => None,
        });
        match table.and_then(|connected| connected.used.table.find_function(&function.name, argc)) {
            Some(overload) => overload.function,
            None => function,
        }
    }

    fn lookup(&self, name: &str, argc: usize) -> Result<Function> {
        match self.context.catalogue.function(name, argc) {
            Lookup::Found(function) => {
                self.check_trust(name, &function)?;
                Ok(function)
            }
            // An element of the schema may use functions that another program registers: ALTER minds only names.
            Lookup::WrongArity | Lookup::Unknown if self.context.looks_through() => Ok(stand_in(name)),
            Lookup::WrongArity => Err(match turso_functions::vector::wrong_arity(name) {
                Some(text) => Error::sql(text),
                None => Error::sql(format!("wrong number of arguments to function {name}()")),
            }),
            Lookup::Unknown => Err(Error::sql(format!("no such function: {name}"))),
        }
    }

    /// The schema may have been written by somebody who is not to be trusted with every function.
    fn check_trust(&self, name: &str, function: &Function) -> Result<()> {
        if !self.context.is_of_schema() {
            return Ok(());
        }
        let flags = function.flags;
        let harmless = !flags.has(FunctionFlags::USER) || flags.has(FunctionFlags::INNOCUOUS);
        if flags.has(FunctionFlags::DIRECT_ONLY) || !(harmless || self.context.options.trusted_schema) {
            return Err(Error::sql(format!("unsafe use of {name}()")));
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn bind_call(&mut self, call_: &'a ast::FunctionCall) -> Result<Expr> {
        let name = call_.name.as_str();
        let args = call_.args.as_slice();
        if args.len() > self.context.options.limit_function_args {
            return Err(Error::sql(format!("too many arguments on function {name}")).with_sql_offset(call_.name.offset));
        }
        // `f(p) WITHIN GROUP (ORDER BY x)` is `f(x, p)`.
        let argc = args.len() + usize::from(call_.within_group.is_some());
        if call_.within_group.is_some() && !ORDERED_SET.iter().any(|f| name.eq_ignore_ascii_case(f)) {
            return Err(Error::sql(format!("{name}() is not an ordered-set aggregate")));
        }
        if self.context.asks()
            && !matches!(self.context.catalogue.function(name, argc), Lookup::Unknown)
            && self.context.ask_to_call(name)?
        {
            return Ok(Expr::Literal(turso_value::Value::Null));
        }
        if let Some(case) = self.bind_iif(name, call_, args)? {
            return Ok(case);
        }
        let at_name = |error: Error| error.with_sql_offset(call_.name.offset);
        let function = match self.lookup(name, argc) {
            Ok(function) => function,
            Err(error) => return self.error_in_call(call_, at_name(error)),
        };
        if call_.over.is_some() {
            let only_whole_groups = function.is_aggregate() && !function.flags.has(FunctionFlags::WINDOW);
            if function.is_scalar() || only_whole_groups || call_.within_group.is_some() {
                let error = Error::sql(format!("{name}() may not be used as a window function"));
                return self.error_in_call(call_, at_name(error));
            }
            return self.bind_window(call_, function, args);
        }
        if function.is_window() {
            return Err(at_name(Error::sql(format!("misuse of window function {name}()"))));
        }
        if function.is_aggregate() {
            return self.bind_aggregate(call_, function, args);
        }
        if call_.filter.is_some() {
            let error = Error::sql(format!("FILTER may not be used with non-aggregate {name}()"));
            return self.error_in_call(call_, at_name(error));
        }
        if !call_.order_by.is_empty() {
            let error = Error::sql(format!("ORDER BY may not be used with non-aggregate {name}()"));
            return self.error_in_call(call_, error);
        }
        let args = self.bind_list(args)?;
        let function = self.overloaded(function, args.first(), args.len());
        let function = match self.place.and_then(|place| turso_functions::in_schema(&function, place)) {
            Some(timeless) => Function::BuiltIn(timeless),
            None => function,
        };
        if name.eq_ignore_ascii_case("likelihood")
            && !matches!(args.get(1), Some(Expr::Literal(turso_value::Value::Real(p))) if (0.0..=1.0).contains(p))
        {
            let error = Error::sql("second argument to likelihood() must be a constant between 0.0 and 1.0");
            return self.call_refused(at_name(error));
        }
        Ok(self.call(function, args))
    }

    /// A call with the collation that its arguments give it.
    fn call(&self, function: Function, args: Vec<Expr>) -> Expr {
        let collation = if function.flags.has(FunctionFlags::NEEDS_COLLATION) {
            args.iter().find_map(collation_of).unwrap_or_default()
        } else {
            turso_value::Collation::Binary
        };
        let args = self.arguments(&function, args);
        Expr::Function { function, args, collation }
    }

    /// The function cannot be called so: what is wrong with an argument comes before that, up to the first literal.
    #[cold]
    fn error_in_call(&mut self, call_: &'a ast::FunctionCall, error: Error) -> Result<Expr> {
        if error.is_pending() {
            return Err(error);
        }
        let null = self.call_refused(error);
        let args = call_.args.as_slice().iter().take_while(|arg| !matches!(arg, ast::Expr::Literal(_)));
        for arg in args {
            self.bind_expr(arg)?;
        }
        null
    }

    /// `iif(a, b, c, d, …, z)` and `if(…)` are CASE expressions.
    fn bind_iif(&mut self, name: &str, call_: &'a ast::FunctionCall, args: &'a [ast::Expr]) -> Result<Option<Expr>> {
        let is_iif = name.eq_ignore_ascii_case("iif") || name.eq_ignore_ascii_case("if");
        if !is_iif || args.len() < 2 || call_.over.is_some() || call_.filter.is_some() {
            return Ok(None);
        }
        if let Lookup::Found(Function::User(_)) = self.context.catalogue.function(name, args.len()) {
            return Ok(None);
        }
        let mut arms = Vec::with_capacity(args.len() / 2);
        for pair in args.chunks_exact(2) {
            if let [when, then] = pair {
                arms.push(CaseArm { when: self.bind_expr(when)?, how: None, then: self.bind_expr(then)? });
            }
        }
        let otherwise = match args.chunks_exact(2).remainder() {
            [last] => Some(Box::new(self.bind_expr(last)?)),
            _ => None,
        };
        Ok(Some(Expr::Case { base: None, arms, otherwise, call: true }))
    }

    /// An aggregate belongs to the innermost query whose columns its arguments read.
    #[inline(never)]
    fn bind_aggregate(
        &mut self,
        call_: &'a ast::FunctionCall,
        function: Function,
        args: &'a [ast::Expr],
    ) -> Result<Expr> {
        let name = call_.name.as_str();
        let at_name = |message: String| Error::sql(message).with_sql_offset(call_.name.offset);
        let misuse = || at_name(format!("misuse of aggregate: {name}()"));
        let misplaced = || at_name(format!("misuse of aggregate function {name}()"));
        let Some(top) = self.scopes.len().checked_sub(1) else { return Err(misplaced()) };
        if call_.distinct && args.len() + usize::from(call_.within_group.is_some()) != 1 {
            return Err(Error::sql("DISTINCT aggregates must have exactly one argument"));
        }
        let deepest_before = self.deepest.take();
        let use_before = std::mem::replace(&mut self.scopes[top].aggregate_use, AggregateUse::Nested);
        let windows_before = std::mem::replace(&mut self.scopes[top].windows_allowed, false);
        let bound = self.bind_aggregate_parts(call_, args);
        self.scopes[top].aggregate_use = use_before;
        self.scopes[top].windows_allowed = windows_before;
        let deepest = self.deepest.take();
        self.deepest = deepest_before.max(deepest);
        let (args, filter, order_by) = bound?;
        let owner = deepest.map_or(top, |d| d.min(top));
        let scope = &mut self.scopes[owner];
        match scope.aggregate_use {
            AggregateUse::Allowed => {}
            AggregateUse::Forbidden => return Err(misuse()),
            AggregateUse::InWhere if owner == top && !scope.aggregates.is_empty() => return Err(misuse()),
            AggregateUse::InWhere | AggregateUse::Nested if owner != top && use_before != AggregateUse::InWhere => {
                return Err(misuse());
            }
            AggregateUse::InWhere | AggregateUse::Nested => return Err(misplaced()),
            AggregateUse::InGroupBy => {
                return Err(Error::sql("aggregate functions are not allowed in the GROUP BY clause"));
            }
            AggregateUse::Returned => {
                self.late_error.get_or_insert_with(misplaced);
                return Ok(Expr::Literal(Value::Null));
            }
        }
        let collation = args.first().map(ordering_collation).unwrap_or_default();
        let explicit = args.iter().find_map(explicit_collation);
        let args = self.arguments(&function, args);
        let scope = &mut self.scopes[owner];
        let order_by = if function.flags.has(FunctionFlags::ANY_ORDER) { Vec::new() } else { order_by };
        let core = scope.core;
        let index =
            scope.add_aggregate(Aggregate { function, args, distinct: call_.distinct, filter, order_by, collation });
        let aggregate = Expr::Aggregate { core, index };
        // A COLLATE inside its arguments is the aggregate's own.
        Ok(match explicit {
            Some(collation) => Expr::collate(aggregate, collation),
            None => aggregate,
        })
    }

    #[allow(clippy::type_complexity)]
    fn bind_aggregate_parts(
        &mut self,
        call_: &'a ast::FunctionCall,
        args: &'a [ast::Expr],
    ) -> Result<(Vec<Expr>, Option<Expr>, Vec<OrderTerm>)> {
        let mut bound = Vec::with_capacity(args.len() + 1);
        for arg in call_.within_group.iter().chain(args) {
            match (self.bind_expr(arg), &call_.filter) {
                (Ok(arg), _) => bound.push(arg),
                // FILTER has its errors first.
                (Err(error), Some(filter)) if !error.is_pending() => {
                    return Err(self.bind_expr(filter).err().unwrap_or(error));
                }
                (Err(error), _) => return Err(error),
            }
        }
        let args = bound;
        let filter = call_.filter.as_ref().map(|f| self.bind_expr(f)).transpose()?;
        let mut order_by = Vec::with_capacity(call_.order_by.len());
        for term in &call_.order_by {
            let expr = self.bind_expr(&term.expr)?;
            order_by.push(super::order::order_term(expr, None, term));
        }
        Ok((args, filter, order_by))
    }
}

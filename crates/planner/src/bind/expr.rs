//! Expressions: every node of the syntax tree becomes a bound one with affinities and collations decided.

use turso_error::{Error, Result};
use turso_functions::Lookup;
use turso_parser::ast;
use turso_program::control::OnError;
use turso_program::expression::CompareOp;
use turso_value::number::{Number, parse_literal};
use turso_value::{Affinity, Value};

use super::Binder;
use super::subtype::plain_columns;
use super::types::{compare_how, in_list_how, in_query_how};
use crate::plan::{BinaryOp, CaseArm, CompareHow, Expr, InSet, Query, RowValue, UnaryOp};

pub(super) fn row_misused() -> Error {
    Error::sql("row value misused")
}

impl<'a> Binder<'a> {
    /// Bind a scalar expression.
    pub fn bind_expr(&mut self, expr: &'a ast::Expr) -> Result<Expr> {
        // Each arm is a call, so that the frames of a deep expression stay small.
        match expr {
            ast::Expr::Literal(literal) => self.bind_literal(literal),
            ast::Expr::Variable(variable) => {
                self.context.note_parameter(variable.index, variable.name.as_deref());
                Ok(Expr::Parameter(variable.index))
            }
            ast::Expr::Column(reference) => self.bind_column(reference),
            ast::Expr::Unary { op, expr } => self.bind_unary(*op, expr),
            ast::Expr::Binary { op: ast::BinaryOp::And, .. }
                if expr.is_false_by_form() && !self.context.takes_notes() =>
            {
                Ok(Expr::Literal(Value::Integer(0)))
            }
            ast::Expr::Binary { op, left, right } => self.bind_binary(*op, left, right),
            ast::Expr::IsNull { expr, not } => self.bind_is_null(expr, *not),
            ast::Expr::Collate { expr, collation } => self.bind_collate(expr, collation),
            ast::Expr::Cast { expr, type_name } => self.bind_cast(expr, &type_name.text),
            ast::Expr::Between(between) => self.bind_between(between),
            ast::Expr::Like(like) => self.bind_like(like),
            ast::Expr::In(in_) => self.bind_in(in_),
            ast::Expr::Case(case) => self.bind_case(case),
            ast::Expr::Function(call) => self.bind_call(call).or_else(|error| self.call_refused(error)),
            ast::Expr::Subquery(select) => self.bind_scalar_subquery(select),
            ast::Expr::Exists(select) => Ok(Expr::Exists { query: self.bind_select(select)?, negated: false }),
            ast::Expr::Row(_) => self.found_late(row_misused()),
            ast::Expr::Raise { action, message } => self.bind_raise(*action, message.as_deref()),
        }
    }

    pub(super) fn bind_list(&mut self, list: &'a [ast::Expr]) -> Result<Vec<Expr>> {
        list.iter().map(|e| self.bind_expr(e)).collect()
    }

    fn bind_boxed(&mut self, expr: &'a ast::Expr) -> Result<Box<Expr>> {
        Ok(Box::new(self.bind_expr(expr)?))
    }

    #[inline(never)]
    fn bind_literal(&mut self, literal: &ast::Literal) -> Result<Expr> {
        let number = |text: &str| match parse_literal(text.as_bytes()) {
            Some(Number::Integer(i)) => Ok(Expr::Literal(Value::Integer(i))),
            Some(Number::Real(r)) => Ok(Expr::Literal(Value::real(r))),
            None => Err(self.hex_too_big("", text)),
        };
        match literal {
            ast::Literal::Null => Ok(Expr::Literal(Value::Null)),
            ast::Literal::Integer(text) | ast::Literal::HexInteger(text) | ast::Literal::Float(text) => number(text),
            ast::Literal::String(bytes) => Ok(Expr::Literal(Value::text(bytes.to_vec()))),
            ast::Literal::Blob(bytes) => Ok(Expr::Literal(Value::blob(bytes.to_vec()))),
            ast::Literal::CurrentDate => self.function_of("current_date", Vec::new()),
            ast::Literal::CurrentTime => self.function_of("current_time", Vec::new()),
            ast::Literal::CurrentTimestamp => self.function_of("current_timestamp", Vec::new()),
        }
    }

    /// A hexadecimal literal of more than 64 bits, or the smallest integer behind a minus.
    #[cold]
    fn hex_too_big(&self, sign: &str, literal: &str) -> Error {
        let error = Error::sql(format!("hex literal too big: {sign}{literal}"));
        // The tree does not say where its literals are. So long a one stands nowhere else.
        match self.sql.windows(literal.len()).position(|text| text == literal.as_bytes()) {
            Some(offset) => error.with_sql_offset(offset as u32),
            None => error,
        }
    }

    #[inline(never)]
    fn bind_unary(&mut self, op: ast::UnaryOp, operand: &'a ast::Expr) -> Result<Expr> {
        let mut operand = operand;
        // To SQLite's parser a plus below another sign is none.
        while let (ast::UnaryOp::Minus | ast::UnaryOp::Plus, ast::Expr::Unary { op: ast::UnaryOp::Plus, expr }) =
            (op, operand)
        {
            operand = expr;
        }
        if op == ast::UnaryOp::Minus
            && let ast::Expr::Literal(ast::Literal::Integer(text)) = operand
        {
            // The magnitude of the smallest integer is no integer by itself.
            return Ok(match parse_literal(text.as_bytes()) {
                Some(Number::Integer(i)) => Expr::Literal(Value::Integer(-i)),
                Some(Number::Real(_)) if text.trim_start_matches('0') == "9223372036854775808" => {
                    Expr::Literal(Value::Integer(i64::MIN))
                }
                Some(Number::Real(r)) => Expr::Literal(Value::real(-r)),
                None => Expr::Literal(Value::Null),
            });
        }
        if op == ast::UnaryOp::Minus
            && let ast::Expr::Literal(ast::Literal::HexInteger(text)) = operand
            && matches!(parse_literal(text.as_bytes()), None | Some(Number::Integer(i64::MIN)))
        {
            return Err(self.hex_too_big("-", text));
        }
        let expr = self.bind_boxed(operand)?;
        Ok(match op {
            ast::UnaryOp::Plus => Expr::Unary { op: UnaryOp::Plus, expr },
            ast::UnaryOp::Minus => match *expr {
                Expr::Literal(Value::Real(r)) => Expr::Literal(Value::Real(-r)),
                _ => Expr::Unary { op: UnaryOp::Negate, expr: self.operand(expr) },
            },
            ast::UnaryOp::BitNot => Expr::Unary { op: UnaryOp::BitNot, expr: self.operand(expr) },
            ast::UnaryOp::Not => match *expr {
                Expr::Exists { query, negated } => Expr::Exists { query, negated: !negated },
                Expr::In { left, set, how, negated } => Expr::In { left, set, how, negated: !negated },
                _ => Expr::Unary { op: UnaryOp::Not, expr },
            },
        })
    }

    /// Infix operators. A chain leans to the left: it is bound in a loop, so that a long one needs no deep stack.
    #[inline(never)]
    fn bind_binary(&mut self, op: ast::BinaryOp, left: &'a ast::Expr, right: &'a ast::Expr) -> Result<Expr> {
        if !is_chained(op) {
            return self.bind_comparison(op, left, right);
        }
        let mut chain = vec![(op, right)];
        let mut first = left;
        while let ast::Expr::Binary { op, left, right } = first
            && is_chained(*op)
        {
            chain.push((*op, right));
            first = left;
        }
        let mut bound = self.bind_expr(first)?;
        while let Some((op, right)) = chain.pop() {
            let right = self.bind_boxed(right)?;
            bound = match op {
                ast::BinaryOp::And | ast::BinaryOp::Or | ast::BinaryOp::Concat => joined(op, Box::new(bound), right),
                _ => joined(op, self.operand(Box::new(bound)), self.operand(right)),
            };
        }
        Ok(bound)
    }

    #[inline(never)]
    fn bind_comparison(&mut self, op: ast::BinaryOp, left: &'a ast::Expr, right: &'a ast::Expr) -> Result<Expr> {
        use ast::BinaryOp as Op;
        match op {
            Op::NotEqual => self.bind_compare(CompareOp::Ne, left, right, false),
            Op::Less => self.bind_compare(CompareOp::Lt, left, right, false),
            Op::LessEqual => self.bind_compare(CompareOp::Le, left, right, false),
            Op::Greater => self.bind_compare(CompareOp::Gt, left, right, false),
            Op::GreaterEqual => self.bind_compare(CompareOp::Ge, left, right, false),
            Op::Is => self.bind_is(left, right, false),
            Op::IsNot => self.bind_is(left, right, true),
            Op::Arrow | Op::DoubleArrow => {
                let args = vec![self.bind_expr(left)?, self.bind_expr(right)?];
                self.function_of(if op == Op::Arrow { "->" } else { "->>" }, args)
            }
            _ => self.bind_compare(CompareOp::Eq, left, right, false),
        }
    }

    #[inline(never)]
    fn bind_compare(
        &mut self,
        op: CompareOp,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        null_equal: bool,
    ) -> Result<Expr> {
        self.check_widths(left, right)?;
        if is_row(left) || is_row(right) {
            return self.bind_compare_rows(op, left, right, null_equal);
        }
        let left = self.bind_scalar_or_row(left)?;
        let right = self.bind_scalar_or_row(right)?;
        match (left, right) {
            (Operand::Scalar(left), Operand::Scalar(right)) => {
                let how = compare_how(&left, &right);
                Ok(Expr::Compare { op, left: Box::new(left), right: Box::new(right), how, null_equal })
            }
            (Operand::Row(left), Operand::Row(right)) => rows_compared(op, left, right, null_equal),
            (Operand::Row(_), Operand::Scalar(_)) | (Operand::Scalar(_), Operand::Row(_)) => Err(row_misused()),
        }
    }

    /// A comparison of which at least one side is a row value as written.
    #[inline(never)]
    fn bind_compare_rows(
        &mut self,
        op: CompareOp,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        null_equal: bool,
    ) -> Result<Expr> {
        match (self.bind_scalar_or_row(left)?, self.bind_scalar_or_row(right)?) {
            (Operand::Row(left), Operand::Row(right)) => rows_compared(op, left, right, null_equal),
            _ => Err(row_misused()),
        }
    }

    /// An operand of a comparison: a scalar, or a row value or subquery with several columns.
    fn bind_scalar_or_row(&mut self, expr: &'a ast::Expr) -> Result<Operand> {
        Ok(match expr {
            ast::Expr::Row(list) => Operand::Row(RowValue::List(self.bind_list(list)?)),
            ast::Expr::Subquery(select) => {
                let query = plain_columns(self.bind_select(select)?);
                if query.columns.len() == 1 {
                    Operand::Scalar(Expr::Subquery(query))
                } else {
                    Operand::Row(RowValue::Subquery(query))
                }
            }
            other => Operand::Scalar(self.bind_expr(other)?),
        })
    }

    #[inline(never)]
    fn bind_is(&mut self, left: &'a ast::Expr, right: &'a ast::Expr, not: bool) -> Result<Expr> {
        if let Some(wanted) = right.as_bool_keyword().or_else(|| right.as_empty_in()) {
            let column = match right {
                ast::Expr::Column(reference) => self.try_column(reference)?,
                _ => None,
            };
            if column.is_none() {
                let expr = self.bind_boxed(left)?;
                // `x IS FALSE` is the negated truth of x, and NULL is neither true nor false.
                let negate = wanted == not;
                return Ok(Expr::IsTrue { expr, if_null: negate != not, negate });
            }
        }
        if matches!(right, ast::Expr::Literal(ast::Literal::Null)) && !is_row(left) {
            return self.bind_is_null(left, not);
        }
        let op = if not { CompareOp::Ne } else { CompareOp::Eq };
        self.bind_compare(op, left, right, true)
    }

    #[inline(never)]
    fn bind_is_null(&mut self, expr: &'a ast::Expr, not: bool) -> Result<Expr> {
        Ok(Expr::IsNull { expr: self.bind_boxed(expr)?, negated: not })
    }

    #[inline(never)]
    fn bind_collate(&mut self, expr: &'a ast::Expr, name: &ast::Name) -> Result<Expr> {
        let expr = self.bind_boxed(expr)?;
        Ok(Expr::Collate { expr, collation: self.collation(name)?, alias: false })
    }

    /// The collation of this name.
    pub(super) fn collation(&self, name: &ast::Name) -> Result<turso_value::Collation> {
        // One that is not used for comparing need not exist: see `emit::collations`.
        Ok(turso_schema::unresolved_collation(name.as_str()))
    }

    #[inline(never)]
    fn bind_cast(&mut self, expr: &'a ast::Expr, type_name: &str) -> Result<Expr> {
        let affinity = match type_name {
            // The grammar lets the type be absent.
            "" => Affinity::Numeric,
            name => Affinity::of_declared_type(name.as_bytes()),
        };
        Ok(Expr::Cast { expr: self.bind_boxed(expr)?, affinity })
    }

    #[inline(never)]
    fn bind_between(&mut self, between: &'a ast::Between) -> Result<Expr> {
        self.check_widths(&between.expr, &between.low)?;
        self.check_widths(&between.expr, &between.high)?;
        if is_row(&between.expr) || is_row(&between.low) || is_row(&between.high) {
            // Row values: the two comparisons spelt out.
            let low = self.bind_compare(CompareOp::Ge, &between.expr, &between.low, false)?;
            let high = self.bind_compare(CompareOp::Le, &between.expr, &between.high, false)?;
            let both = Expr::And(Box::new(low), Box::new(high));
            return Ok(if between.not { Expr::Unary { op: UnaryOp::Not, expr: Box::new(both) } } else { both });
        }
        let expr = self.bind_boxed(&between.expr)?;
        let low = self.bind_boxed(&between.low)?;
        let high = self.bind_boxed(&between.high)?;
        let (low_how, high_how) = (compare_how(&expr, &low), compare_how(&expr, &high));
        Ok(Expr::Between { expr, low, high, low_how, high_how, negated: between.not })
    }

    #[inline(never)]
    fn bind_like(&mut self, like: &'a ast::Like) -> Result<Expr> {
        let text = self.bind_expr(&like.expr)?;
        let mut args = vec![self.bind_expr(&like.pattern)?, text];
        if let Some(escape) = &like.escape {
            args.push(self.bind_expr(escape)?);
        }
        let call = match like.op {
            op if matches!(self.context.catalogue.function(op.function_name(), args.len()), Lookup::Unknown) => {
                return Err(Error::sql(format!("no such function: {}", op.function_name().to_ascii_uppercase())));
            }
            op => self.function_of(op.function_name(), args)?,
        };
        Ok(if like.not { Expr::Unary { op: UnaryOp::Not, expr: Box::new(call) } } else { call })
    }

    #[inline(never)]
    fn bind_in(&mut self, in_: &'a ast::In) -> Result<Expr> {
        let negated = in_.not;
        if in_.is_over_nothing() {
            return Ok(Expr::Literal(Value::Integer(i64::from(negated))));
        }
        // SQLite looks at the names inside the subquery first.
        let query = match &in_.set {
            ast::InSet::Select(select) => Some(self.bind_select(select)?),
            _ => None,
        };
        let left = match self.bind_scalar_or_row(&in_.expr)? {
            Operand::Scalar(e) => vec![e],
            Operand::Row(RowValue::List(list)) => list,
            Operand::Row(row @ RowValue::Subquery(_)) => return Err(wrong_columns(&row)),
        };
        match &in_.set {
            ast::InSet::List(list) if left.len() == 1 => {
                if list.is_empty() {
                    return Ok(Expr::Literal(Value::Integer(i64::from(negated))));
                }
                let how = left.iter().map(in_list_how).collect();
                let set = InSet::List(self.bind_list(list)?);
                Ok(Expr::In { left, set, how, negated })
            }
            ast::InSet::List(list) => self.bind_in_rows(left, list, negated),
            ast::InSet::Select(_) => match query {
                Some(query) => in_query(left, query, negated).or_else(|error| self.found_late(error)),
                None => Err(row_misused()),
            },
            ast::InSet::Table { name, args } => {
                let query = self.table_query(name, args.as_deref())?;
                in_query(left, Box::new(query), negated)
            }
        }
    }

    /// `(a, b) IN ((1, 2), (3, 4))`: equal to one of the rows.
    #[inline(never)]
    fn bind_in_rows(&mut self, left: Vec<Expr>, list: &'a [ast::Expr], negated: bool) -> Result<Expr> {
        let mut result: Option<Expr> = None;
        for element in list {
            let terms = match element {
                ast::Expr::Row(row) => row.len(),
                _ => 1,
            };
            if terms != left.len() {
                let s = if terms == 1 { "" } else { "s" };
                return Err(Error::sql(format!("IN(...) element has {terms} term{s} - expected {}", left.len())));
            }
            let ast::Expr::Row(row) = element else { return Err(row_misused()) };
            let row = self.bind_list(row)?;
            let how = left.iter().map(in_list_how).collect();
            let equal = Expr::CompareRows {
                op: CompareOp::Eq,
                left: RowValue::List(left.clone()),
                right: RowValue::List(row),
                how,
                null_equal: false,
            };
            result = Some(match result {
                None => equal,
                Some(before) => Expr::Or(Box::new(before), Box::new(equal)),
            });
        }
        let found = result.unwrap_or(Expr::Literal(Value::Integer(0)));
        Ok(if negated { Expr::Unary { op: UnaryOp::Not, expr: Box::new(found) } } else { found })
    }

    #[inline(never)]
    fn bind_case(&mut self, case: &'a ast::Case) -> Result<Expr> {
        let (base, row) = match case.operand.as_ref().map(|e| self.bind_scalar_or_row(e)).transpose()? {
            Some(Operand::Scalar(base)) => (Some(Box::new(base)), None),
            Some(Operand::Row(row)) => (None, Some(row)),
            None => (None, None),
        };
        let mut arms = Vec::with_capacity(case.arms.len());
        for (when, then) in &case.arms {
            if let Some(row) = &row {
                let Operand::Row(when) = self.bind_scalar_or_row(when)? else { return self.found_late(row_misused()) };
                let when = rows_compared(CompareOp::Eq, self.copied_row(row)?, when, false)?;
                arms.push(CaseArm { when, how: None, then: self.bind_expr(then)? });
                continue;
            }
            let when = self.bind_expr(when)?;
            let how: Option<CompareHow> = base.as_deref().map(|base| compare_how(base, &when));
            arms.push(CaseArm { when, how, then: self.bind_expr(then)? });
        }
        let otherwise = case.otherwise.as_ref().map(|e| self.bind_boxed(e)).transpose()?;
        Ok(Expr::Case { base, arms, otherwise, call: false })
    }

    #[inline(never)]
    fn bind_scalar_subquery(&mut self, select: &'a ast::Select) -> Result<Expr> {
        let query = plain_columns(self.bind_select(select)?);
        match query.columns.len() {
            1 => Ok(Expr::Subquery(query)),
            n => self.found_late(Error::sql(format!("sub-select returns {n} columns - expected 1"))),
        }
    }

    #[inline(never)]
    fn bind_raise(&mut self, action: ast::RaiseAction, message: Option<&'a ast::Expr>) -> Result<Expr> {
        if !self.in_trigger {
            return self.found_late(Error::sql("RAISE() may only be used within a trigger-program"));
        }
        let action = match action {
            ast::RaiseAction::Ignore => OnError::Ignore,
            ast::RaiseAction::Rollback => OnError::Rollback,
            ast::RaiseAction::Abort => OnError::Abort,
            ast::RaiseAction::Fail => OnError::Fail,
        };
        let message = message.map(|m| self.bind_boxed(m)).transpose()?;
        Ok(Expr::Raise { action, message })
    }
}

/// Operators whose operands are bound one by one.
fn is_chained(op: ast::BinaryOp) -> bool {
    use ast::BinaryOp as Op;
    matches!(
        op,
        Op::And
            | Op::Or
            | Op::BitAnd
            | Op::BitOr
            | Op::ShiftLeft
            | Op::ShiftRight
            | Op::Add
            | Op::Subtract
            | Op::Multiply
            | Op::Divide
            | Op::Modulo
            | Op::Concat
    )
}

fn joined(op: ast::BinaryOp, left: Box<Expr>, right: Box<Expr>) -> Expr {
    use ast::BinaryOp as Op;
    let op = match op {
        Op::And => return Expr::And(left, right),
        Op::Or => return Expr::Or(left, right),
        Op::BitAnd => BinaryOp::BitAnd,
        Op::BitOr => BinaryOp::BitOr,
        Op::ShiftLeft => BinaryOp::ShiftLeft,
        Op::ShiftRight => BinaryOp::ShiftRight,
        Op::Subtract => BinaryOp::Subtract,
        Op::Multiply => BinaryOp::Multiply,
        Op::Divide => BinaryOp::Divide,
        Op::Modulo => BinaryOp::Remainder,
        Op::Concat => BinaryOp::Concat,
        _ => BinaryOp::Add,
    };
    Expr::Binary { op, left, right }
}

/// One side of a comparison.
enum Operand {
    Scalar(Expr),
    Row(RowValue),
}

fn is_row(e: &ast::Expr) -> bool {
    matches!(e, ast::Expr::Row(_))
}

fn width(row: &RowValue) -> usize {
    match row {
        RowValue::List(list) => list.len(),
        RowValue::Subquery(query) => query.columns.len(),
    }
}

fn wrong_columns(row: &RowValue) -> Error {
    match row {
        RowValue::List(_) => row_misused(),
        RowValue::Subquery(query) => {
            Error::sql(format!("sub-select returns {} columns - expected 1", query.columns.len()))
        }
    }
}

fn rows_compared(op: CompareOp, left: RowValue, right: RowValue, null_equal: bool) -> Result<Expr> {
    if width(&left) != width(&right) {
        return Err(row_misused());
    }
    let how = super::types::rows_how(&left, &right);
    Ok(Expr::CompareRows { op, left, right, how, null_equal })
}

fn in_query(left: Vec<Expr>, query: Box<Query>, negated: bool) -> Result<Expr> {
    if query.columns.len() != left.len() {
        return Err(Error::sql(format!(
            "sub-select returns {} columns - expected {}",
            query.columns.len(),
            left.len()
        )));
    }
    let how = left.iter().enumerate().map(|(i, l)| in_query_how(l, &query, i)).collect();
    Ok(Expr::In { left, set: InSet::Query(query), how, negated })
}

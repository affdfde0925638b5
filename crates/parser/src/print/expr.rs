//! Expressions to text.

use super::Printer;
use crate::ast::{BinaryOp, Expr, FunctionArgs, FunctionCall, InSet, LikeOp, Literal, Over, RaiseAction, UnaryOp};

// How tightly the outermost operator of an expression binds; as in the parser.
const NOT: u8 = 3;
const EQUALITY: u8 = 4;
const COLLATE: u8 = 11;
const SIGN: u8 = 12;
const LEAF: u8 = 13;

fn operator(op: BinaryOp) -> (&'static str, u8) {
    match op {
        BinaryOp::Or => ("OR", 1),
        BinaryOp::And => ("AND", 2),
        BinaryOp::Equal => ("=", EQUALITY),
        BinaryOp::NotEqual => ("<>", EQUALITY),
        BinaryOp::Is => ("IS", EQUALITY),
        BinaryOp::IsNot => ("IS NOT", EQUALITY),
        BinaryOp::Less => ("<", 5),
        BinaryOp::LessEqual => ("<=", 5),
        BinaryOp::Greater => (">", 5),
        BinaryOp::GreaterEqual => (">=", 5),
        BinaryOp::BitAnd => ("&", 7),
        BinaryOp::BitOr => ("|", 7),
        BinaryOp::ShiftLeft => ("<<", 7),
        BinaryOp::ShiftRight => (">>", 7),
        BinaryOp::Add => ("+", 8),
        BinaryOp::Subtract => ("-", 8),
        BinaryOp::Multiply => ("*", 9),
        BinaryOp::Divide => ("/", 9),
        BinaryOp::Modulo => ("%", 9),
        BinaryOp::Concat => ("||", 10),
        BinaryOp::Arrow => ("->", 10),
        BinaryOp::DoubleArrow => ("->>", 10),
    }
}

fn power(expr: &Expr) -> u8 {
    match expr {
        Expr::Binary { op, .. } => operator(*op).1,
        Expr::Unary { op: UnaryOp::Not, .. } => NOT,
        Expr::Unary { .. } => SIGN,
        Expr::IsNull { .. } | Expr::Between(_) | Expr::Like(_) | Expr::In(_) => EQUALITY,
        Expr::Collate { .. } => COLLATE,
        _ => LEAF,
    }
}

impl Printer {
    /// An expression, in parentheses when it binds less tightly than its place demands.
    fn operand(&mut self, expr: &Expr, at_least: u8) {
        let wrap = power(expr) < at_least;
        if wrap {
            self.text("(");
        }
        self.expr(expr);
        if wrap {
            self.text(")");
        }
    }

    pub(super) fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(literal) => self.literal(literal),
            Expr::Variable(variable) => self.text(variable.name.as_deref().unwrap_or("?")),
            Expr::Column(column) => {
                if let Some(schema) = column.schema() {
                    self.name(schema);
                    self.text(".");
                }
                if let Some(table) = column.table() {
                    self.name(table);
                    self.text(".");
                }
                self.name(&column.column);
            }
            Expr::Unary { op: UnaryOp::Not, expr } => {
                self.text("NOT ");
                self.operand(expr, NOT);
            }
            Expr::Unary { op, expr } => {
                self.text(match op {
                    UnaryOp::Minus => "-",
                    UnaryOp::Plus => "+",
                    _ => "~",
                });
                // Two minus signs in a row would begin a comment.
                self.operand(expr, LEAF);
            }
            Expr::Binary { op, left, right } => {
                let (symbol, power) = operator(*op);
                self.operand(left, power);
                self.text(" ");
                self.text(symbol);
                self.text(" ");
                self.operand(right, power + 1);
            }
            Expr::IsNull { expr, not } => {
                self.operand(expr, EQUALITY);
                self.text(if *not { " IS NOT NULL" } else { " IS NULL" });
            }
            Expr::Collate { expr, collation } => {
                self.operand(expr, COLLATE);
                self.text(" COLLATE ");
                self.name(collation);
            }
            Expr::Cast { expr, type_name } => {
                self.text("CAST(");
                self.expr(expr);
                self.text(" AS ");
                self.text(&type_name.text);
                self.text(")");
            }
            Expr::Between(between) => {
                self.operand(&between.expr, EQUALITY);
                self.text(if between.not { " NOT BETWEEN " } else { " BETWEEN " });
                self.operand(&between.low, EQUALITY + 1);
                self.text(" AND ");
                self.operand(&between.high, EQUALITY + 1);
            }
            Expr::Like(like) => {
                self.operand(&like.expr, EQUALITY);
                self.text(if like.not { " NOT " } else { " " });
                self.text(match like.op {
                    LikeOp::Like => "LIKE ",
                    LikeOp::Glob => "GLOB ",
                    LikeOp::Regexp => "REGEXP ",
                    LikeOp::Match => "MATCH ",
                });
                self.operand(&like.pattern, EQUALITY + 1);
                if let Some(escape) = &like.escape {
                    self.text(" ESCAPE ");
                    self.operand(escape, EQUALITY + 1);
                }
            }
            Expr::In(inside) => {
                self.operand(&inside.expr, EQUALITY);
                self.text(if inside.not { " NOT IN " } else { " IN " });
                self.in_set(&inside.set);
            }
            Expr::Case(case) => {
                self.text("CASE");
                if let Some(operand) = &case.operand {
                    self.text(" ");
                    self.expr(operand);
                }
                for (when, then) in &case.arms {
                    self.text(" WHEN ");
                    self.expr(when);
                    self.text(" THEN ");
                    self.expr(then);
                }
                if let Some(otherwise) = &case.otherwise {
                    self.text(" ELSE ");
                    self.expr(otherwise);
                }
                self.text(" END");
            }
            Expr::Function(call) => self.call(call),
            Expr::Subquery(select) => {
                self.text("(");
                self.select(select);
                self.text(")");
            }
            Expr::Exists(select) => {
                self.text("EXISTS (");
                self.select(select);
                self.text(")");
            }
            Expr::Row(items) => {
                self.text("(");
                self.exprs(items);
                self.text(")");
            }
            Expr::Raise { action, message } => {
                self.text(match action {
                    RaiseAction::Ignore => "RAISE(IGNORE",
                    RaiseAction::Rollback => "RAISE(ROLLBACK",
                    RaiseAction::Abort => "RAISE(ABORT",
                    RaiseAction::Fail => "RAISE(FAIL",
                });
                if let Some(message) = message {
                    self.text(", ");
                    self.expr(message);
                }
                self.text(")");
            }
        }
    }

    fn in_set(&mut self, set: &InSet) {
        match set {
            InSet::List(items) => {
                self.text("(");
                self.exprs(items);
                self.text(")");
            }
            InSet::Select(select) => {
                self.text("(");
                self.select(select);
                self.text(")");
            }
            InSet::Table { name, args } => {
                self.qualified(name);
                if let Some(args) = args {
                    self.text("(");
                    self.exprs(args);
                    self.text(")");
                }
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        match literal {
            Literal::Null => self.text("NULL"),
            Literal::Integer(text) | Literal::HexInteger(text) | Literal::Float(text) => self.text(text),
            Literal::String(bytes) => self.quoted(b'\'', bytes),
            Literal::Blob(bytes) => {
                self.text("x'");
                for byte in bytes {
                    self.text(&format!("{byte:02x}"));
                }
                self.text("'");
            }
            Literal::CurrentDate => self.text("CURRENT_DATE"),
            Literal::CurrentTime => self.text("CURRENT_TIME"),
            Literal::CurrentTimestamp => self.text("CURRENT_TIMESTAMP"),
        }
    }

    fn call(&mut self, call: &FunctionCall) {
        self.name(&call.name);
        self.text(if call.distinct { "(DISTINCT " } else { "(" });
        match &call.args {
            FunctionArgs::Star => self.text("*"),
            FunctionArgs::List(args) => self.exprs(args),
        }
        if !call.order_by.is_empty() {
            self.text(" ORDER BY ");
            self.ordering_terms(&call.order_by);
        }
        self.text(")");
        if let Some(expr) = &call.within_group {
            self.text(" WITHIN GROUP (ORDER BY ");
            self.expr(expr);
            self.text(")");
        }
        if let Some(filter) = &call.filter {
            self.text(" FILTER (WHERE ");
            self.expr(filter);
            self.text(")");
        }
        match &call.over {
            None => {}
            Some(Over::Name(name)) => {
                self.text(" OVER ");
                self.name(name);
            }
            Some(Over::Spec(spec)) => {
                self.text(" OVER (");
                self.window_spec(spec);
                self.text(")");
            }
        }
    }
}

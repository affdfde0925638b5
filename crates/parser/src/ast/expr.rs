//! Expressions.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Name, OrderingTerm, QualifiedName, Select, Span, WindowSpec};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// A literal value.
    Literal(Literal),
    /// A parameter.
    Variable(Variable),
    /// `a`, `t.a`, `main.t.a`. Bare `TRUE` and `FALSE` arrive here too: they are columns first, then literals.
    Column(ColumnRef),
    /// A prefix operator.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        expr: Box<Expr>,
    },
    /// An infix operator. Chains lean to the left.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `x IS NULL`, `x ISNULL`, and with `not`: `x IS NOT NULL`, `x NOTNULL`, `x NOT NULL`.
    IsNull {
        /// The tested expression.
        expr: Box<Expr>,
        /// True for the negated form.
        not: bool,
    },
    /// `x COLLATE name`.
    Collate {
        /// The operand.
        expr: Box<Expr>,
        /// The collation.
        collation: Name,
    },
    /// `CAST(x AS type)`.
    Cast {
        /// The operand.
        expr: Box<Expr>,
        /// The type as written; empty for `CAST(x AS)`.
        type_name: TypeName,
    },
    /// `x [NOT] BETWEEN low AND high`.
    Between(Box<Between>),
    /// `x [NOT] LIKE pattern [ESCAPE c]`, and GLOB, REGEXP, MATCH.
    Like(Box<Like>),
    /// `x [NOT] IN ...`.
    In(Box<In>),
    /// `CASE ... END`.
    Case(Box<Case>),
    /// `f(...)` with everything that may follow it.
    Function(Box<FunctionCall>),
    /// `(SELECT ...)`: a scalar or a row value, depending on its place.
    Subquery(Box<Select>),
    /// `EXISTS (SELECT ...)`. `NOT EXISTS` is a [`UnaryOp::Not`] around it.
    Exists(Box<Select>),
    /// `(a, b, ...)`: a row value of two or more elements.
    Row(Vec<Expr>),
    /// `RAISE(...)`, which only trigger programs may run.
    Raise {
        /// What happens.
        action: RaiseAction,
        /// The message; absent for `IGNORE`.
        message: Option<Box<Expr>>,
    },
}

/// A literal value. Numbers stay text: turning them into values is the value crate's work.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `NULL`
    Null,
    /// Decimal digits, without `_` separators. May be too large for 64 bits; then it is a real.
    Integer(Box<str>),
    /// A hexadecimal integer: `0x` and its digits as written, without `_` separators.
    HexInteger(Box<str>),
    /// A number with a decimal point or an exponent, without `_` separators.
    Float(Box<str>),
    /// `'text'` without its quotes. Any bytes: SQLite does not validate text.
    String(Box<[u8]>),
    /// `x'0102'`, decoded.
    Blob(Box<[u8]>),
    /// `CURRENT_DATE`
    CurrentDate,
    /// `CURRENT_TIME`
    CurrentTime,
    /// `CURRENT_TIMESTAMP`
    CurrentTimestamp,
}

/// A parameter, already numbered by SQLite's rules: `?` takes the next number, a repeated name its first one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The parameter's number, from 1.
    pub index: u32,
    /// As written (`?7`, `:a`, `@a`, `$a::b(c)`); `None` for a plain `?`.
    pub name: Option<Arc<str>>,
}

/// A reference to a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRef {
    /// What stands before the column's name.
    pub qualifier: Option<Box<TableQualifier>>,
    /// The column's name.
    pub column: Name,
}

impl ColumnRef {
    /// The table's name or alias, where one was written.
    pub fn table(&self) -> Option<&Name> {
        self.qualifier.as_deref().map(|q| &q.table)
    }

    /// The schema's name, where one was written.
    pub fn schema(&self) -> Option<&Name> {
        self.qualifier.as_deref().and_then(|q| q.schema.as_ref())
    }

    /// Where the reference begins in the SQL text.
    pub fn offset(&self) -> u32 {
        match &self.qualifier {
            None => self.column.offset,
            Some(q) => q.schema.as_ref().unwrap_or(&q.table).offset,
        }
    }
}

/// The `main.t` of `main.t.a`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableQualifier {
    /// The schema.
    pub schema: Option<Name>,
    /// The table's name or alias.
    pub table: Name,
}

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `+x`: no operation, but it hides a column's affinity and collation from the optimizer.
    Plus,
    /// `-x`
    Minus,
    /// `~x`
    BitNot,
    /// `NOT x`
    Not,
}

/// Infix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `=`, `==`
    Equal,
    /// `<>`, `!=`
    NotEqual,
    /// `IS`, `IS NOT DISTINCT FROM`
    Is,
    /// `IS NOT`, `IS DISTINCT FROM`
    IsNot,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `&`
    BitAnd,
    /// `|`
    BitOr,
    /// `<<`
    ShiftLeft,
    /// `>>`
    ShiftRight,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `||`
    Concat,
    /// `->`
    Arrow,
    /// `->>`
    DoubleArrow,
}

/// A type as it was written, with its parentheses and spaces; empty when there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeName {
    /// The source text from the first to the last token of the type.
    pub text: Box<str>,
}

impl TypeName {
    /// The declared type of a column as SQLite reports it: a leading quoted word stands for the whole, and the standard
    /// types are in upper case.
    pub fn declared(&self) -> Cow<'_, str> {
        const STANDARD: [&str; 6] = ["ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"];
        let text = match self.text.as_bytes().first() {
            Some(b'[') => Cow::Borrowed(self.text[1..].split(']').next().unwrap_or("")),
            Some(&quote @ (b'"' | b'\'' | b'`')) => Cow::Owned(quoted_word(&self.text[1..], quote as char)),
            _ => Cow::Borrowed(&*self.text),
        };
        // Only a type that is one word, quoted or not, is looked up.
        let inner = self.text.get(1..self.text.len().saturating_sub(1)).unwrap_or("");
        if text.len() != self.text.len() && inner.contains(['"', '\'', '`', '[']) {
            return text;
        }
        match STANDARD.iter().find(|standard| text.eq_ignore_ascii_case(standard)) {
            Some(standard) => Cow::Borrowed(standard),
            None => text,
        }
    }
}

/// The text before the closing quote, doubled quotes made single.
fn quoted_word(text: &str, quote: char) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == quote && chars.next_if_eq(&quote).is_none() {
            break;
        }
        out.push(c);
    }
    out
}

/// `x [NOT] BETWEEN low AND high`.
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    /// The tested expression.
    pub expr: Expr,
    /// True for `NOT BETWEEN`.
    pub not: bool,
    /// The lower bound.
    pub low: Expr,
    /// The upper bound.
    pub high: Expr,
}

/// A pattern match.
#[derive(Debug, Clone, PartialEq)]
pub struct Like {
    /// Which operator.
    pub op: LikeOp,
    /// True for the negated form.
    pub not: bool,
    /// The text.
    pub expr: Expr,
    /// The pattern.
    pub pattern: Expr,
    /// `ESCAPE c`; the grammar takes it after all four operators.
    pub escape: Option<Expr>,
}

/// The pattern operators; each calls the function of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LikeOp {
    /// `LIKE`
    Like,
    /// `GLOB`
    Glob,
    /// `REGEXP`
    Regexp,
    /// `MATCH`
    Match,
}

impl LikeOp {
    /// The name of the function behind the operator.
    pub fn function_name(self) -> &'static str {
        match self {
            LikeOp::Like => "like",
            LikeOp::Glob => "glob",
            LikeOp::Regexp => "regexp",
            LikeOp::Match => "match",
        }
    }
}

/// `x [NOT] IN set`.
#[derive(Debug, Clone, PartialEq)]
pub struct In {
    /// The tested expression; a row value for `(a, b) IN ...`.
    pub expr: Expr,
    /// True for `NOT IN`.
    pub not: bool,
    /// Where it is looked for.
    pub set: InSet,
}

impl In {
    /// `(a, b) IN ((1, 2), (3, 4))`, which SQL takes for `(a, b) IN (VALUES (1, 2), (3, 4))`: a subquery.
    pub fn is_over_rows(&self) -> bool {
        matches!((&self.expr, &self.set), (Expr::Row(_), InSet::List(list)) if !list.is_empty())
    }
}

/// The right side of `IN`.
#[derive(Debug, Clone, PartialEq)]
pub enum InSet {
    /// `(1, 2, 3)`; may be empty.
    List(Vec<Expr>),
    /// `(SELECT ...)`
    Select(Box<Select>),
    /// A table, or a table-valued function with its arguments.
    Table {
        /// The table.
        name: QualifiedName,
        /// The arguments, where parentheses were written.
        args: Option<Vec<Expr>>,
    },
}

/// `CASE [operand] WHEN .. THEN .. [ELSE ..] END`.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What each WHEN is compared with.
    pub operand: Option<Expr>,
    /// The WHEN and THEN expressions, at least one pair.
    pub arms: Vec<(Expr, Expr)>,
    /// ELSE.
    pub otherwise: Option<Expr>,
}

/// A call of a scalar, aggregate or window function.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionCall {
    /// The function.
    pub name: Name,
    /// `f(DISTINCT ...)`.
    pub distinct: bool,
    /// The arguments.
    pub args: FunctionArgs,
    /// `f(x ORDER BY y)`.
    pub order_by: Vec<OrderingTerm>,
    /// `f(x) WITHIN GROUP (ORDER BY y)`.
    pub within_group: Option<Expr>,
    /// `FILTER (WHERE x)`.
    pub filter: Option<Expr>,
    /// `OVER ...`.
    pub over: Option<Over>,
    /// The whole call, from its name to the last token that belongs to it.
    pub span: Span,
}

/// What stands between a function's parentheses.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionArgs {
    /// `f(*)`
    Star,
    /// `f(a, b)`, `f()`
    List(Vec<Expr>),
}

impl FunctionArgs {
    /// The arguments; none for `*`.
    pub fn as_slice(&self) -> &[Expr] {
        match self {
            FunctionArgs::Star => &[],
            FunctionArgs::List(args) => args,
        }
    }
}

/// The window of a window function.
#[derive(Debug, Clone, PartialEq)]
pub enum Over {
    /// `OVER (...)`
    Spec(Box<WindowSpec>),
    /// `OVER name`
    Name(Name),
}

/// What `RAISE` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RaiseAction {
    /// `IGNORE`: leave out this row.
    Ignore,
    /// `ROLLBACK`
    Rollback,
    /// `ABORT`
    Abort,
    /// `FAIL`
    Fail,
}

impl Expr {
    /// The `NULL` literal.
    pub const NULL: Expr = Expr::Literal(Literal::Null);

    /// The text, where it is nothing but a text in single quotes.
    pub fn string_literal(&self) -> Option<&[u8]> {
        match self {
            Expr::Literal(Literal::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A reference to a column by its bare name.
    pub fn column(name: Name) -> Expr {
        Expr::Column(ColumnRef { qualifier: None, column: name })
    }

    /// `left op right`.
    pub fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
        Expr::Binary { op, left: Box::new(left), right: Box::new(right) }
    }

    /// `op expr`.
    pub fn unary(op: UnaryOp, expr: Expr) -> Expr {
        Expr::Unary { op, expr: Box::new(expr) }
    }

    /// `x IN ()`, which to SQLite is written `FALSE`, and `x NOT IN ()`, which is `TRUE`.
    pub fn as_empty_in(&self) -> Option<bool> {
        match self {
            Expr::In(in_) => matches!(&in_.set, InSet::List(list) if list.is_empty()).then_some(in_.not),
            _ => None,
        }
    }

    /// The truth value that a bare, unquoted `TRUE` or `FALSE` stands for if no column has that name.
    pub fn as_bool_keyword(&self) -> Option<bool> {
        match self {
            Expr::Column(ColumnRef { qualifier: None, column }) if column.quote == super::Quote::None => {
                if column.is("true") {
                    Some(true)
                } else if column.is("false") {
                    Some(false)
                } else {
                    None
                }
            }
            _ => None,
        }
    }
}

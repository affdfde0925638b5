//! Expressions: operator precedence over an explicit stack.
//!
//! Operators, parentheses, calls, CASE, CAST and IN lists nest in [`Frame`]s on the heap, so that an expression of any
//! depth needs the stack of one. Only queries within expressions, and the rarer clauses of calls, recurse; those are
//! counted (`Parser::enter`).
//!
//! `measured_expr` runs from [`Step`] to `Step`: `operand` wants a value and either gets one or pushes a frame; `extend`
//! holds a value and either extends it, or pushes a frame and wants the next value, or hands it to the innermost frame.
//! What recurses is a [`Task`], run from the loop itself: the frames of debug builds are large, so few may be live.
//! Heights are counted as SQLite does, and a tree taller than [`MAX_EXPR_DEPTH`] is refused.

use super::{Parser, Result, SOME_ITEMS, recursion_limit};
use crate::ast::{
    Between, BinaryOp, Case, ColumnRef, Expr, FunctionArgs, FunctionCall, In, InSet, Like, LikeOp, Literal,
    MAX_EXPR_DEPTH, Name, Over, RaiseAction, Span, TableQualifier, UnaryOp,
};
use crate::error::SyntaxError;
use crate::token::TokenKind as T;

/// The most unfinished frames: SQLite's parser gives up at about this depth.
const MAX_FRAMES: usize = 2490;

/// The most arguments of a function (SQLite's `SQLITE_MAX_FUNCTION_ARG`).
const MAX_ARGUMENTS: usize = 1000;

// Binding powers, weakest first. All infix operators associate to the left.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const EQUALITY: u8 = 4;
const COMPARISON: u8 = 5;
const BITS: u8 = 7;
const SUM: u8 = 8;
const PRODUCT: u8 = 9;
const CONCAT: u8 = 10;
const COLLATE: u8 = 11;
const SIGN: u8 = 12;

/// A finished expression and its height.
pub(super) struct Operand {
    expr: Expr,
    height: u32,
}

/// A construct that waits for an expression.
pub(super) enum Frame {
    /// A prefix operator.
    Prefix(UnaryOp, u8),
    /// An infix operator with its left operand.
    Infix(BinaryOp, u8, Operand),
    /// `x BETWEEN` waiting for the lower bound.
    BetweenLow(Operand, bool),
    /// `x BETWEEN low AND` waiting for the upper bound.
    BetweenHigh(Box<Between>, u32),
    /// `x LIKE` waiting for the pattern.
    Pattern(LikeOp, bool, Operand),
    /// `x LIKE pattern ESCAPE`.
    Escape(Box<Like>, u32),
    /// `(`, with the elements of a row value so far.
    Paren(Vec<Expr>, u32),
    /// `x IN (`, with the elements so far.
    InList(Box<In>, u32),
    /// `f(`, with the arguments so far.
    Call(Box<FunctionCall>, u32),
    /// `CAST(`.
    Cast,
    /// `CASE` and where in it.
    Case(Box<Case>, CasePart, u32),
}

/// What a CASE waits for.
pub(super) enum CasePart {
    Operand,
    When,
    Then(Expr),
    Else,
}

/// Where the loop stands.
enum Step {
    /// An operand must follow.
    Operand,
    /// Here is a value; operators may follow.
    Value(Operand),
    /// The value can only be had by recursion.
    Task(Task),
    /// The expression ends before the current token.
    Done(Operand),
}

/// What the loop does by recursion.
enum Task {
    /// A query behind its opening parenthesis.
    Subquery,
    /// `EXISTS`.
    Exists,
    /// `RAISE`.
    Raise,
    /// `x IN (` before a query.
    InSelect(Box<In>, u32),
    /// `x IN` before a table.
    InTable(Box<In>, u32),
    /// A call from ORDER BY or the closing parenthesis on.
    Call(Box<FunctionCall>, u32),
}

fn leaf(expr: Expr) -> Step {
    Step::Value(Operand { expr, height: 1 })
}

fn infix(kind: T) -> Option<(BinaryOp, u8)> {
    Some(match kind {
        T::Or => (BinaryOp::Or, OR),
        T::And => (BinaryOp::And, AND),
        T::Equal => (BinaryOp::Equal, EQUALITY),
        T::NotEqual => (BinaryOp::NotEqual, EQUALITY),
        T::Less => (BinaryOp::Less, COMPARISON),
        T::LessEqual => (BinaryOp::LessEqual, COMPARISON),
        T::Greater => (BinaryOp::Greater, COMPARISON),
        T::GreaterEqual => (BinaryOp::GreaterEqual, COMPARISON),
        T::Ampersand => (BinaryOp::BitAnd, BITS),
        T::Pipe => (BinaryOp::BitOr, BITS),
        T::ShiftLeft => (BinaryOp::ShiftLeft, BITS),
        T::ShiftRight => (BinaryOp::ShiftRight, BITS),
        T::Plus => (BinaryOp::Add, SUM),
        T::Minus => (BinaryOp::Subtract, SUM),
        T::Star => (BinaryOp::Multiply, PRODUCT),
        T::Slash => (BinaryOp::Divide, PRODUCT),
        T::Percent => (BinaryOp::Modulo, PRODUCT),
        T::Concat => (BinaryOp::Concat, CONCAT),
        T::Arrow => (BinaryOp::Arrow, CONCAT),
        T::DoubleArrow => (BinaryOp::DoubleArrow, CONCAT),
        _ => return None,
    })
}

/// Operators of the equality level that are more than a binary operator.
fn is_special(kind: T) -> bool {
    matches!(
        kind,
        T::Is | T::Isnull | T::Notnull | T::Not | T::In | T::Between | T::Like | T::Glob | T::Regexp | T::Match
    )
}

/// Tokens that end an expression whatever it is.
#[inline(always)]
fn ends_any(kind: T) -> bool {
    matches!(kind, T::Comma | T::RightParen | T::Semicolon | T::Eof | T::From | T::Where | T::As)
}

impl Frame {
    /// Operators that bind no tighter than this end the expression that the frame waits for.
    fn power(&self) -> u8 {
        match self {
            Frame::Prefix(_, power) | Frame::Infix(_, power, _) => *power,
            Frame::BetweenHigh(..) | Frame::Pattern(..) | Frame::Escape(..) => EQUALITY,
            _ => 0,
        }
    }
}

impl Parser<'_> {
    /// One expression.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        let operand = self.measured_expr()?;
        self.select_height = self.select_height.max(operand.height);
        Ok(operand.expr)
    }

    /// `expr, expr, ...`
    pub(super) fn expr_list(&mut self) -> Result<Vec<Expr>> {
        let first = self.expr()?;
        let mut list = Vec::with_capacity(if self.at(T::Comma) { SOME_ITEMS } else { 1 });
        list.push(first);
        while self.eat(T::Comma) {
            list.push(self.expr()?);
        }
        Ok(list)
    }

    fn measured_expr(&mut self) -> Result<Operand> {
        let base = self.frames.len();
        let mut step = self.operand()?;
        // Most expressions are one name, literal or parameter.
        if let Step::Value(value) = step {
            if ends_any(self.tok.kind) {
                return Ok(value);
            }
            step = Step::Value(value);
        }
        loop {
            step = match step {
                Step::Operand => self.operand()?,
                Step::Value(value) => self.extend(value, base)?,
                Step::Task(task) => self.run(task)?,
                Step::Done(value) => return Ok(value),
            };
        }
    }

    #[inline(never)]
    fn run(&mut self, task: Task) -> Result<Step> {
        match task {
            Task::Subquery => self.subquery(),
            Task::Exists => self.exists(),
            Task::Raise => self.raise(),
            Task::InSelect(inside, height) => self.in_select(inside, height),
            Task::InTable(inside, height) => self.in_table(inside, height),
            Task::Call(call, height) => self.finish_call(call, height),
        }
    }

    /// Pushes a frame; an operand must follow.
    fn push(&mut self, frame: Frame) -> Result<Step> {
        if self.frames.len() >= MAX_FRAMES {
            return Err(recursion_limit());
        }
        self.frames.push(frame);
        Ok(Step::Operand)
    }

    /// Reads a value, or pushes a frame.
    fn operand(&mut self) -> Result<Step> {
        match self.tok.kind {
            T::Integer | T::Float | T::HexInteger | T::BadSeparator | T::Blob | T::Null => self.literal_step(),
            T::CurrentDate | T::CurrentTime | T::CurrentTimestamp => self.literal_step(),
            T::String if self.peek() != T::Dot => self.literal_step(),
            T::Variable => Ok(leaf(self.variable()?)),
            T::Minus => self.prefix(UnaryOp::Minus, SIGN),
            T::Plus => self.prefix(UnaryOp::Plus, SIGN),
            T::Tilde => self.prefix(UnaryOp::BitNot, SIGN),
            T::Not => self.prefix(UnaryOp::Not, NOT),
            T::LeftParen => {
                self.advance();
                if matches!(self.tok.kind, T::Select | T::Values | T::With) {
                    return Ok(Step::Task(Task::Subquery));
                }
                self.push(Frame::Paren(Vec::new(), 0))
            }
            T::Exists => Ok(Step::Task(Task::Exists)),
            T::Case => {
                self.advance();
                let part = if self.eat(T::When) { CasePart::When } else { CasePart::Operand };
                let case = Box::new(Case { operand: None, arms: Vec::new(), otherwise: None });
                self.push(Frame::Case(case, part, 0))
            }
            T::Cast => {
                self.advance();
                self.expect(T::LeftParen)?;
                self.push(Frame::Cast)
            }
            T::Raise => Ok(Step::Task(Task::Raise)),
            kind if kind.is_name() => self.named(),
            _ => Err(self.unexpected()),
        }
    }

    fn literal_step(&mut self) -> Result<Step> {
        Ok(leaf(self.literal()?))
    }

    fn prefix(&mut self, op: UnaryOp, power: u8) -> Result<Step> {
        self.advance();
        self.push(Frame::Prefix(op, power))
    }

    /// A column or a call. A string gets here only before a dot.
    fn named(&mut self) -> Result<Step> {
        let start = self.tok.start;
        let may_call = self.tok.kind != T::String;
        let name = self.take_name();
        if may_call && self.at(T::LeftParen) {
            return self.call(name, start);
        }
        if !self.eat(T::Dot) {
            return Ok(leaf(Expr::column(name)));
        }
        self.qualified_column(name)
    }

    fn qualified_column(&mut self, first: Name) -> Result<Step> {
        let second = self.name()?;
        let (qualifier, column) = if self.eat(T::Dot) {
            (TableQualifier { schema: Some(first), table: second }, self.name()?)
        } else {
            (TableQualifier { schema: None, table: first }, second)
        };
        Ok(leaf(Expr::Column(ColumnRef { qualifier: Some(Box::new(qualifier)), column })))
    }

    /// A literal, as in expressions, DEFAULT and index parameters.
    pub(super) fn literal(&mut self) -> Result<Expr> {
        let raw = self.bytes(self.tok);
        let literal = match self.tok.kind {
            T::Null => Literal::Null,
            T::Integer => Literal::Integer(digits(raw)),
            T::HexInteger => Literal::HexInteger(digits(raw)),
            T::Float => Literal::Float(digits(raw)),
            T::String => Literal::String(super::unquote(raw).into()),
            T::Blob => Literal::Blob(decode_hex(raw)),
            T::CurrentDate => Literal::CurrentDate,
            T::CurrentTime => Literal::CurrentTime,
            T::CurrentTimestamp => Literal::CurrentTimestamp,
            T::BadSeparator => {
                self.bad_separator();
                return Ok(Expr::NULL);
            }
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Expr::Literal(literal))
    }

    // Queries and the rarer clauses: these recurse.

    /// A query in parentheses, behind the opening one; with its height.
    fn inner_select(&mut self) -> Result<(Box<crate::ast::Select>, u32)> {
        let outer = std::mem::replace(&mut self.select_height, 0);
        let select = self.select()?;
        self.expect(T::RightParen)?;
        let height = std::mem::replace(&mut self.select_height, outer);
        Ok((select, height))
    }

    #[inline(never)]
    fn subquery(&mut self) -> Result<Step> {
        let (select, height) = self.inner_select()?;
        self.tall(Expr::Subquery(select), height)
    }

    #[inline(never)]
    fn exists(&mut self) -> Result<Step> {
        self.advance();
        self.expect(T::LeftParen)?;
        let (select, height) = self.inner_select()?;
        self.tall(Expr::Exists(select), height)
    }

    /// An expression one taller than what it contains.
    fn tall(&self, expr: Expr, height: u32) -> Result<Step> {
        let height = height + 1;
        if height > MAX_EXPR_DEPTH {
            return Err(SyntaxError::new(format!("Expression tree is too large (maximum depth {MAX_EXPR_DEPTH})")));
        }
        Ok(Step::Value(Operand { expr, height }))
    }

    #[inline(never)]
    fn raise(&mut self) -> Result<Step> {
        self.advance();
        self.expect(T::LeftParen)?;
        let action = match self.tok.kind {
            T::Ignore => {
                self.advance();
                self.expect(T::RightParen)?;
                return Ok(leaf(Expr::Raise { action: RaiseAction::Ignore, message: None }));
            }
            T::Rollback => RaiseAction::Rollback,
            T::Abort => RaiseAction::Abort,
            T::Fail => RaiseAction::Fail,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect(T::Comma)?;
        self.enter()?;
        let message = self.measured_expr()?;
        self.leave();
        self.expect(T::RightParen)?;
        self.tall(Expr::Raise { action, message: Some(Box::new(message.expr)) }, message.height)
    }

    fn call(&mut self, name: Name, start: u32) -> Result<Step> {
        self.advance();
        let mut call = Box::new(FunctionCall {
            name,
            distinct: false,
            args: FunctionArgs::List(Vec::new()),
            order_by: Vec::new(),
            within_group: None,
            filter: None,
            over: None,
            span: Span::new(start, start),
        });
        match self.tok.kind {
            T::Star => {
                self.advance();
                call.args = FunctionArgs::Star;
                return Ok(Step::Task(Task::Call(call, 0)));
            }
            T::Distinct => {
                self.advance();
                call.distinct = true;
            }
            T::All => self.advance(),
            _ => {}
        }
        // The grammar takes DISTINCT and ORDER BY without arguments, too.
        if self.at(T::RightParen) || self.at(T::Order) {
            return Ok(Step::Task(Task::Call(call, 0)));
        }
        self.push(Frame::Call(call, 0))
    }

    #[inline(never)]
    fn finish_call(&mut self, mut call: Box<FunctionCall>, height: u32) -> Result<Step> {
        if self.at(T::Order) && call.args != FunctionArgs::Star {
            self.call_order_by(&mut call)?;
        }
        self.expect(T::RightParen)?;
        if call.args.as_slice().len() > MAX_ARGUMENTS {
            self.complain(SyntaxError::new(format!("too many arguments on function {}", call.name.text)));
        }
        if matches!(self.tok.kind, T::Filter | T::Over | T::Identifier) {
            self.call_clauses(&mut call)?;
        }
        call.span.end = self.prev_end;
        self.tall(Expr::Function(call), height)
    }

    #[inline(never)]
    fn call_order_by(&mut self, call: &mut FunctionCall) -> Result<()> {
        self.enter()?;
        call.order_by = self.order_by()?;
        self.leave();
        Ok(())
    }

    #[inline(never)]
    fn call_clauses(&mut self, call: &mut FunctionCall) -> Result<()> {
        self.enter()?;
        if self.at_within_group() {
            self.advance();
            self.advance();
            self.expect(T::LeftParen)?;
            self.expect(T::Order)?;
            self.expect(T::By)?;
            call.within_group = Some(self.expr()?);
            self.expect(T::RightParen)?;
        }
        if self.eat(T::Filter) {
            self.expect(T::LeftParen)?;
            self.expect(T::Where)?;
            call.filter = Some(self.expr()?);
            self.expect(T::RightParen)?;
        }
        if self.eat(T::Over) {
            self.windows += 1;
            call.over =
                Some(if self.eat(T::LeftParen) { Over::Spec(self.window_spec()?) } else { Over::Name(self.name()?) });
        }
        self.leave();
        Ok(())
    }

    /// `WITHIN GROUP (`: WITHIN is an alias before any other GROUP.
    fn at_within_group(&self) -> bool {
        if !self.at_word("within") {
            return false;
        }
        let group = crate::lexer::next_token(self.sql, self.tok.end);
        group.kind == T::Group && crate::lexer::next_token(self.sql, group.end).kind == T::LeftParen
    }

    // Operators.

    /// Applies what follows a value.
    fn extend(&mut self, value: Operand, base: usize) -> Result<Step> {
        let kind = self.tok.kind;
        let power = if self.frames.len() > base { self.frames.last().map_or(0, Frame::power) } else { 0 };
        if let Some((op, tighter)) = infix(kind) {
            // The AND of a BETWEEN is not the operator.
            let of_between =
                kind == T::And && self.frames.len() > base && matches!(self.frames.last(), Some(Frame::BetweenLow(..)));
            if tighter > power && !of_between {
                self.advance();
                return self.push(Frame::Infix(op, tighter, value));
            }
        } else if kind == T::Collate {
            if COLLATE > power {
                self.advance();
                let collation = self.id_or_string()?;
                let expr = Expr::Collate { expr: Box::new(value.expr), collation };
                return self.tall(expr, value.height);
            }
        } else if is_special(kind) && EQUALITY > power {
            return self.special(value);
        }
        if self.frames.len() == base {
            return Ok(Step::Done(value));
        }
        match self.frames.pop() {
            Some(frame) => self.resume(frame, value),
            None => Ok(Step::Done(value)),
        }
    }

    /// IS, NULL tests, IN, BETWEEN, LIKE and the negated forms.
    fn special(&mut self, value: Operand) -> Result<Step> {
        let kind = self.tok.kind;
        self.advance();
        match kind {
            T::Isnull => self.null_test(value, false),
            T::Notnull => self.null_test(value, true),
            T::Is => {
                let mut not = self.eat(T::Not);
                if self.eat(T::Distinct) {
                    self.expect(T::From)?;
                    not = !not;
                }
                let op = if not { BinaryOp::IsNot } else { BinaryOp::Is };
                self.push(Frame::Infix(op, EQUALITY, value))
            }
            T::Not => {
                let kind = self.tok.kind;
                match kind {
                    T::Null => {
                        self.advance();
                        self.null_test(value, true)
                    }
                    T::In | T::Between | T::Like | T::Glob | T::Regexp | T::Match => {
                        self.advance();
                        self.negatable(kind, value, true)
                    }
                    _ => Err(self.unexpected()),
                }
            }
            _ => self.negatable(kind, value, false),
        }
    }

    fn null_test(&self, value: Operand, not: bool) -> Result<Step> {
        self.tall(Expr::IsNull { expr: Box::new(value.expr), not }, value.height)
    }

    fn negatable(&mut self, kind: T, value: Operand, not: bool) -> Result<Step> {
        let op = match kind {
            T::In => return self.in_operator(value, not),
            T::Between => {
                return self.push(Frame::BetweenLow(value, not));
            }
            T::Glob => LikeOp::Glob,
            T::Regexp => LikeOp::Regexp,
            T::Match => LikeOp::Match,
            _ => LikeOp::Like,
        };
        self.push(Frame::Pattern(op, not, value))
    }

    fn in_operator(&mut self, value: Operand, not: bool) -> Result<Step> {
        let Operand { expr, height } = value;
        let inside = Box::new(In { expr, not, set: InSet::List(Vec::new()) });
        if !self.eat(T::LeftParen) {
            return Ok(Step::Task(Task::InTable(inside, height)));
        }
        match self.tok.kind {
            T::Select | T::Values | T::With => Ok(Step::Task(Task::InSelect(inside, height))),
            T::RightParen => {
                self.advance();
                self.tall(Expr::In(inside), height)
            }
            _ => self.push(Frame::InList(inside, height)),
        }
    }

    #[inline(never)]
    fn in_select(&mut self, mut inside: Box<In>, height: u32) -> Result<Step> {
        let (select, inner) = self.inner_select()?;
        inside.set = InSet::Select(select);
        self.tall(Expr::In(inside), height.max(inner))
    }

    #[inline(never)]
    fn in_table(&mut self, mut inside: Box<In>, height: u32) -> Result<Step> {
        let name = self.qualified_name()?;
        let mut args = None;
        if self.eat(T::LeftParen) {
            self.enter()?;
            args = Some(if self.at(T::RightParen) { Vec::new() } else { self.expr_list()? });
            self.leave();
            self.expect(T::RightParen)?;
        }
        inside.set = InSet::Table { name, args };
        self.tall(Expr::In(inside), height)
    }

    /// Hands a finished value to the frame that waited for it.
    fn resume(&mut self, frame: Frame, value: Operand) -> Result<Step> {
        let Operand { expr, height } = value;
        match frame {
            Frame::Prefix(op, _) => self.tall(Expr::unary(op, expr), height),
            Frame::Infix(op, _, left) => self.finish_infix(op, left, expr, height),
            Frame::BetweenLow(tested, not) => {
                self.expect(T::And)?;
                let between = Between { expr: tested.expr, not, low: expr, high: Expr::NULL };
                self.push(Frame::BetweenHigh(Box::new(between), height.max(tested.height)))
            }
            Frame::BetweenHigh(mut between, others) => {
                between.high = expr;
                self.tall(Expr::Between(between), height.max(others))
            }
            Frame::Pattern(op, not, text) => {
                let height = height.max(text.height);
                let like = Box::new(Like { op, not, expr: text.expr, pattern: expr, escape: None });
                if self.eat(T::Escape) {
                    return self.push(Frame::Escape(like, height));
                }
                self.tall(Expr::Like(like), height)
            }
            Frame::Escape(mut like, others) => {
                like.escape = Some(expr);
                self.tall(Expr::Like(like), height.max(others))
            }
            Frame::Paren(mut items, tallest) => {
                let tallest = tallest.max(height);
                if self.eat(T::Comma) {
                    items.push(expr);
                    return self.push(Frame::Paren(items, tallest));
                }
                self.expect(T::RightParen)?;
                if items.is_empty() {
                    Ok(Step::Value(Operand { expr, height }))
                } else {
                    items.push(expr);
                    self.tall(Expr::Row(items), tallest)
                }
            }
            Frame::InList(mut inside, tallest) => {
                let tallest = tallest.max(height);
                if let InSet::List(items) = &mut inside.set {
                    items.push(expr);
                }
                if self.eat(T::Comma) {
                    return self.push(Frame::InList(inside, tallest));
                }
                self.expect(T::RightParen)?;
                self.tall(Expr::In(inside), tallest)
            }
            Frame::Call(mut call, tallest) => {
                let tallest = tallest.max(height);
                if let FunctionArgs::List(args) = &mut call.args {
                    args.push(expr);
                }
                if self.eat(T::Comma) {
                    return self.push(Frame::Call(call, tallest));
                }
                Ok(Step::Task(Task::Call(call, tallest)))
            }
            Frame::Cast => {
                self.expect(T::As)?;
                let type_name = self.type_name()?;
                self.expect(T::RightParen)?;
                self.tall(Expr::Cast { expr: Box::new(expr), type_name }, height)
            }
            Frame::Case(case, part, tallest) => self.resume_case(case, part, tallest.max(height), expr),
        }
    }

    fn finish_infix(&mut self, op: BinaryOp, left: Operand, right: Expr, right_height: u32) -> Result<Step> {
        // `x IS NULL` and `x IS NOT NULL` are the unary tests.
        if matches!(right, Expr::Literal(Literal::Null)) && matches!(op, BinaryOp::Is | BinaryOp::IsNot) {
            return self.null_test(left, op == BinaryOp::IsNot);
        }
        let height = left.height.max(right_height);
        self.tall(Expr::binary(op, left.expr, right), height)
    }

    fn resume_case(&mut self, mut case: Box<Case>, part: CasePart, tallest: u32, expr: Expr) -> Result<Step> {
        let part = match part {
            CasePart::Operand => {
                case.operand = Some(expr);
                self.expect(T::When)?;
                CasePart::When
            }
            CasePart::When => {
                self.expect(T::Then)?;
                CasePart::Then(expr)
            }
            CasePart::Then(when) => {
                case.arms.push((when, expr));
                if self.eat(T::When) {
                    CasePart::When
                } else if self.eat(T::Else) {
                    CasePart::Else
                } else {
                    self.expect(T::End)?;
                    return self.tall(Expr::Case(case), tallest);
                }
            }
            CasePart::Else => {
                case.otherwise = Some(expr);
                self.expect(T::End)?;
                return self.tall(Expr::Case(case), tallest);
            }
        };
        self.push(Frame::Case(case, part, tallest))
    }
}

/// The text of a number without its `_` separators.
fn digits(raw: &[u8]) -> Box<str> {
    match std::str::from_utf8(raw) {
        Ok(text) if !raw.contains(&b'_') => text.into(),
        Ok(text) => text.replace('_', "").into(),
        Err(_) => "0".into(),
    }
}

/// The bytes of `x'...'`, whose digits the lexer has checked.
fn decode_hex(raw: &[u8]) -> Box<[u8]> {
    let digit = |b: u8| (b as char).to_digit(16).unwrap_or(0) as u8;
    let digits = raw.get(2..raw.len().saturating_sub(1)).unwrap_or(&[]);
    digits.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

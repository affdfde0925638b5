//! Expressions: operator precedence over an explicit stack.
//!
//! Operators, parentheses, calls, CASE, CAST and IN lists nest in [`Frame`]s on the heap, so that an expression of any
//! depth needs the stack of one. Only queries within expressions, and the rarer clauses of calls, recurse; those are
//! counted (`Parser::enter`).
//!
//! The loop has two states: `operand` wants a value and either gets one or pushes a frame; `operators` holds a value and
//! either extends it, or pushes a frame and wants the next value, or hands it to the innermost frame.
//! Heights are counted as SQLite does, and a tree taller than [`MAX_EXPR_DEPTH`] is refused.

use super::{MAX_VARIABLE_NUMBER, Parser, Result, recursion_limit};
use crate::ast::{
    Between, BinaryOp, Case, ColumnRef, Expr, FunctionArgs, FunctionCall, In, InSet, Like, LikeOp, Literal, MAX_EXPR_DEPTH,
    Name, Over, RaiseAction, Span, TableQualifier, UnaryOp, Variable,
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

/// What to do with an operator behind a value.
enum Next {
    /// A frame was pushed: an operand follows.
    Operand,
    /// The value was extended or finished.
    Value(Operand),
}

fn leaf(expr: Expr) -> Operand {
    Operand { expr, height: 1 }
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
        let mut list = vec![self.expr()?];
        while self.eat(T::Comma) {
            list.push(self.expr()?);
        }
        Ok(list)
    }

    fn measured_expr(&mut self) -> Result<Operand> {
        let base = self.frames.len();
        loop {
            let Some(mut value) = self.operand()? else { continue };
            loop {
                value = match self.extend(value, base)? {
                    Ok(Next::Operand) => break,
                    Ok(Next::Value(value)) => value,
                    Err(finished) => return Ok(finished),
                };
            }
        }
    }

    fn push(&mut self, frame: Frame) -> Result<()> {
        if self.frames.len() >= MAX_FRAMES {
            return Err(recursion_limit());
        }
        self.frames.push(frame);
        Ok(())
    }

    /// Reads a value, or pushes a frame and returns `None`.
    fn operand(&mut self) -> Result<Option<Operand>> {
        match self.tok.kind {
            T::Integer | T::Float | T::HexInteger | T::BadSeparator | T::Blob | T::Null => Ok(Some(leaf(self.literal()?))),
            T::CurrentDate | T::CurrentTime | T::CurrentTimestamp => Ok(Some(leaf(self.literal()?))),
            T::String if self.peek() != T::Dot => Ok(Some(leaf(self.literal()?))),
            T::Variable => Ok(Some(leaf(self.variable()?))),
            T::Minus => self.prefix(UnaryOp::Minus, SIGN),
            T::Plus => self.prefix(UnaryOp::Plus, SIGN),
            T::Tilde => self.prefix(UnaryOp::BitNot, SIGN),
            T::Not => self.prefix(UnaryOp::Not, NOT),
            T::LeftParen => {
                self.advance();
                if matches!(self.tok.kind, T::Select | T::Values | T::With) {
                    return self.subquery().map(Some);
                }
                self.push(Frame::Paren(Vec::new(), 0))?;
                Ok(None)
            }
            T::Exists => self.exists().map(Some),
            T::Case => {
                self.advance();
                let part = if self.eat(T::When) { CasePart::When } else { CasePart::Operand };
                let case = Box::new(Case { operand: None, arms: Vec::new(), otherwise: None });
                self.push(Frame::Case(case, part, 0))?;
                Ok(None)
            }
            T::Cast => {
                self.advance();
                self.expect(T::LeftParen)?;
                self.push(Frame::Cast)?;
                Ok(None)
            }
            T::Raise => self.raise().map(Some),
            kind if kind.is_name() => self.named(),
            _ => Err(self.unexpected()),
        }
    }

    fn prefix(&mut self, op: UnaryOp, power: u8) -> Result<Option<Operand>> {
        self.advance();
        self.push(Frame::Prefix(op, power))?;
        Ok(None)
    }

    /// A column or a call. A string gets here only before a dot.
    fn named(&mut self) -> Result<Option<Operand>> {
        let start = self.tok.start;
        let may_call = self.tok.kind != T::String;
        let name = self.take_name();
        if may_call && self.at(T::LeftParen) {
            return self.call(name, start);
        }
        if !self.eat(T::Dot) {
            return Ok(Some(leaf(Expr::column(name))));
        }
        self.qualified_column(name).map(Some)
    }

    fn qualified_column(&mut self, first: Name) -> Result<Operand> {
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

    // Parameters.

    fn variable(&mut self) -> Result<Expr> {
        let token = self.tok;
        self.advance();
        let (index, name) = match self.bytes(token) {
            b"?" => (self.parameters.count + 1, None),
            [b'?', digits @ ..] => {
                let number = digits.iter().try_fold(0u32, |n, d| n.checked_mul(10)?.checked_add(u32::from(d - b'0')));
                let Some(index) = number.filter(|n| (1..=MAX_VARIABLE_NUMBER).contains(n)) else {
                    self.complain(SyntaxError::new("variable number must be between ?1 and ?32766"));
                    return Ok(Expr::NULL);
                };
                (index, Some(self.text(token)))
            }
            [b'#', digit, ..] if digit.is_ascii_digit() => {
                let error = SyntaxError { offset: None, ..self.near(token) };
                self.complain(error);
                return Ok(Expr::NULL);
            }
            _ => {
                let name = self.text(token);
                (self.named_parameter(&name).unwrap_or(self.parameters.count + 1), Some(name))
            }
        };
        if index > MAX_VARIABLE_NUMBER {
            self.complain(SyntaxError::at(token.start, "too many SQL variables"));
            return Ok(Expr::NULL);
        }
        self.parameters.count = self.parameters.count.max(index);
        let name: Option<Box<str>> = name.map(Into::into);
        if let Some(name) = &name
            && self.named_parameter(name).is_none()
        {
            self.add_parameter_name(index, name);
        }
        Ok(Expr::Variable(Variable { index, name }))
    }

    fn named_parameter(&self, name: &str) -> Option<u32> {
        if self.parameter_index.is_empty() { self.parameters.index(name) } else { self.parameter_index.get(name).copied() }
    }

    fn add_parameter_name(&mut self, index: u32, name: &str) {
        const FEW: usize = 16;
        self.parameters.names.push((index, name.into()));
        let names = &self.parameters.names;
        if names.len() > FEW {
            if self.parameter_index.is_empty() {
                self.parameter_index.extend(names.iter().map(|(index, name)| (name.clone(), *index)));
            } else {
                self.parameter_index.insert(name.into(), index);
            }
        }
    }

    // Queries and the rarer clauses: these recurse.

    /// A query in parentheses, behind the opening one; with its height.
    fn inner_select(&mut self) -> Result<(Box<crate::ast::Select>, u32)> {
        let outer = std::mem::replace(&mut self.select_height, 0);
        let select = Box::new(self.select()?);
        self.expect(T::RightParen)?;
        let height = std::mem::replace(&mut self.select_height, outer);
        Ok((select, height))
    }

    #[inline(never)]
    fn subquery(&mut self) -> Result<Operand> {
        let (select, height) = self.inner_select()?;
        self.tall(Expr::Subquery(select), height)
    }

    #[inline(never)]
    fn exists(&mut self) -> Result<Operand> {
        self.advance();
        self.expect(T::LeftParen)?;
        let (select, height) = self.inner_select()?;
        self.tall(Expr::Exists(select), height)
    }

    /// An expression one taller than what it contains.
    fn tall(&self, expr: Expr, height: u32) -> Result<Operand> {
        let height = height + 1;
        if height > MAX_EXPR_DEPTH {
            return Err(SyntaxError::new(format!("Expression tree is too large (maximum depth {MAX_EXPR_DEPTH})")));
        }
        Ok(Operand { expr, height })
    }

    #[inline(never)]
    fn raise(&mut self) -> Result<Operand> {
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

    fn call(&mut self, name: Name, start: u32) -> Result<Option<Operand>> {
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
                return self.finish_call(call, 0).map(Some);
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
            return self.finish_call(call, 0).map(Some);
        }
        self.push(Frame::Call(call, 0))?;
        Ok(None)
    }

    /// The rest of a call from ORDER BY or the closing parenthesis on.
    #[inline(never)]
    fn finish_call(&mut self, mut call: Box<FunctionCall>, height: u32) -> Result<Operand> {
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
            call.over = Some(if self.eat(T::LeftParen) {
                Over::Spec(Box::new(self.window_spec()?))
            } else {
                Over::Name(self.name()?)
            });
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

    /// Applies what follows a value: `Ok` to go on, `Err` with the value when the expression ends here.
    fn extend(&mut self, value: Operand, base: usize) -> Result<Result<Next, Operand>> {
        let kind = self.tok.kind;
        let power = if self.frames.len() > base { self.frames.last().map_or(0, Frame::power) } else { 0 };
        if let Some((op, tighter)) = infix(kind) {
            // The AND of a BETWEEN is not the operator.
            let of_between =
                kind == T::And && self.frames.len() > base && matches!(self.frames.last(), Some(Frame::BetweenLow(..)));
            if tighter > power && !of_between {
                self.advance();
                self.push(Frame::Infix(op, tighter, value))?;
                return Ok(Ok(Next::Operand));
            }
        } else if kind == T::Collate {
            if COLLATE > power {
                self.advance();
                let collation = self.id_or_string()?;
                let expr = Expr::Collate { expr: Box::new(value.expr), collation };
                return Ok(Ok(Next::Value(self.tall(expr, value.height)?)));
            }
        } else if is_special(kind) && EQUALITY > power {
            return self.special(value).map(Ok);
        }
        if self.frames.len() == base {
            return Ok(Err(value));
        }
        match self.frames.pop() {
            Some(frame) => self.resume(frame, value).map(Ok),
            None => Ok(Err(value)),
        }
    }

    /// IS, NULL tests, IN, BETWEEN, LIKE and the negated forms.
    fn special(&mut self, value: Operand) -> Result<Next> {
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
                self.push(Frame::Infix(op, EQUALITY, value))?;
                Ok(Next::Operand)
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

    fn null_test(&self, value: Operand, not: bool) -> Result<Next> {
        Ok(Next::Value(self.tall(Expr::IsNull { expr: Box::new(value.expr), not }, value.height)?))
    }

    fn negatable(&mut self, kind: T, value: Operand, not: bool) -> Result<Next> {
        let op = match kind {
            T::In => return self.in_operator(value, not),
            T::Between => {
                self.push(Frame::BetweenLow(value, not))?;
                return Ok(Next::Operand);
            }
            T::Glob => LikeOp::Glob,
            T::Regexp => LikeOp::Regexp,
            T::Match => LikeOp::Match,
            _ => LikeOp::Like,
        };
        self.push(Frame::Pattern(op, not, value))?;
        Ok(Next::Operand)
    }

    fn in_operator(&mut self, value: Operand, not: bool) -> Result<Next> {
        let Operand { expr, height } = value;
        if !self.eat(T::LeftParen) {
            return self.in_table(expr, height, not);
        }
        if matches!(self.tok.kind, T::Select | T::Values | T::With) {
            return self.in_select(expr, height, not);
        }
        let inside = Box::new(In { expr, not, set: InSet::List(Vec::new()) });
        if self.eat(T::RightParen) {
            return Ok(Next::Value(self.tall(Expr::In(inside), height)?));
        }
        self.push(Frame::InList(inside, height))?;
        Ok(Next::Operand)
    }

    #[inline(never)]
    fn in_select(&mut self, expr: Expr, height: u32, not: bool) -> Result<Next> {
        let (select, inner) = self.inner_select()?;
        let inside = Expr::In(Box::new(In { expr, not, set: InSet::Select(select) }));
        Ok(Next::Value(self.tall(inside, height.max(inner))?))
    }

    #[inline(never)]
    fn in_table(&mut self, expr: Expr, height: u32, not: bool) -> Result<Next> {
        let name = self.qualified_name()?;
        let mut args = None;
        if self.eat(T::LeftParen) {
            self.enter()?;
            args = Some(if self.at(T::RightParen) { Vec::new() } else { self.expr_list()? });
            self.leave();
            self.expect(T::RightParen)?;
        }
        let inside = Expr::In(Box::new(In { expr, not, set: InSet::Table { name, args } }));
        Ok(Next::Value(self.tall(inside, height)?))
    }

    /// Hands a finished value to the frame that waited for it.
    fn resume(&mut self, frame: Frame, value: Operand) -> Result<Next> {
        let Operand { expr, height } = value;
        let next = match frame {
            Frame::Prefix(op, _) => self.tall(Expr::unary(op, expr), height)?,
            Frame::Infix(op, _, left) => return self.finish_infix(op, left, expr, height),
            Frame::BetweenLow(tested, not) => {
                self.expect(T::And)?;
                let between = Between { expr: tested.expr, not, low: expr, high: Expr::NULL };
                self.push(Frame::BetweenHigh(Box::new(between), height.max(tested.height)))?;
                return Ok(Next::Operand);
            }
            Frame::BetweenHigh(mut between, others) => {
                between.high = expr;
                self.tall(Expr::Between(between), height.max(others))?
            }
            Frame::Pattern(op, not, text) => {
                let height = height.max(text.height);
                let like = Box::new(Like { op, not, expr: text.expr, pattern: expr, escape: None });
                if self.eat(T::Escape) {
                    self.push(Frame::Escape(like, height))?;
                    return Ok(Next::Operand);
                }
                self.tall(Expr::Like(like), height)?
            }
            Frame::Escape(mut like, others) => {
                like.escape = Some(expr);
                self.tall(Expr::Like(like), height.max(others))?
            }
            Frame::Paren(mut items, tallest) => {
                let tallest = tallest.max(height);
                if self.eat(T::Comma) {
                    items.push(expr);
                    self.push(Frame::Paren(items, tallest))?;
                    return Ok(Next::Operand);
                }
                self.expect(T::RightParen)?;
                if items.is_empty() {
                    Operand { expr, height }
                } else {
                    items.push(expr);
                    self.tall(Expr::Row(items), tallest)?
                }
            }
            Frame::InList(mut inside, tallest) => {
                let tallest = tallest.max(height);
                if let InSet::List(items) = &mut inside.set {
                    items.push(expr);
                }
                if self.eat(T::Comma) {
                    self.push(Frame::InList(inside, tallest))?;
                    return Ok(Next::Operand);
                }
                self.expect(T::RightParen)?;
                self.tall(Expr::In(inside), tallest)?
            }
            Frame::Call(mut call, tallest) => {
                let tallest = tallest.max(height);
                if let FunctionArgs::List(args) = &mut call.args {
                    args.push(expr);
                }
                if self.eat(T::Comma) {
                    self.push(Frame::Call(call, tallest))?;
                    return Ok(Next::Operand);
                }
                self.finish_call(call, tallest)?
            }
            Frame::Cast => {
                self.expect(T::As)?;
                let type_name = self.type_name()?;
                self.expect(T::RightParen)?;
                self.tall(Expr::Cast { expr: Box::new(expr), type_name }, height)?
            }
            Frame::Case(case, part, tallest) => return self.resume_case(case, part, tallest.max(height), expr),
        };
        Ok(Next::Value(next))
    }

    fn finish_infix(&mut self, op: BinaryOp, left: Operand, right: Expr, right_height: u32) -> Result<Next> {
        // `x IS NULL` and `x IS NOT NULL` are the unary tests.
        if matches!(right, Expr::Literal(Literal::Null)) && matches!(op, BinaryOp::Is | BinaryOp::IsNot) {
            return self.null_test(left, op == BinaryOp::IsNot);
        }
        let height = left.height.max(right_height);
        Ok(Next::Value(self.tall(Expr::binary(op, left.expr, right), height)?))
    }

    fn resume_case(&mut self, mut case: Box<Case>, part: CasePart, tallest: u32, expr: Expr) -> Result<Next> {
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
                    return Ok(Next::Value(self.tall(Expr::Case(case), tallest)?));
                }
            }
            CasePart::Else => {
                case.otherwise = Some(expr);
                self.expect(T::End)?;
                return Ok(Next::Value(self.tall(Expr::Case(case), tallest)?));
            }
        };
        self.push(Frame::Case(case, part, tallest))?;
        Ok(Next::Operand)
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

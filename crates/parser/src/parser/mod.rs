//! The parser: recursive descent over statements, an explicit stack over expressions.
//!
//! One token of lookahead, as in SQLite's LALR(1) grammar, so that both blame the same token. A keyword that has a
//! meaning at its place is that keyword; anywhere else most keywords fall back to identifiers (`token.rs` has the list).
//!
//! Stack use is bounded by [`MAX_NESTING`], which counts real recursion (queries in queries, parentheses in FROM);
//! expressions nest on the heap (`expr.rs`) up to SQLite's own limits.

mod alter;
mod create;
mod dml;
mod expr;
mod misc;
mod parameters;
mod select;
mod table;

use std::collections::HashMap;
use std::sync::Arc;

use crate::ast::{Name, QualifiedName, Quote, Span, Statement, TypeName};
use crate::error::SyntaxError;
use crate::lexer::{next_token, skip_blanks};
use crate::token::{Token, TokenKind as T};

type Result<T, E = SyntaxError> = std::result::Result<T, E>;

/// How deep queries and FROM parentheses may nest. A level takes 7 KB of stack in debug builds, and a thread may have no
/// more than 512 KB; later stages recurse over the tree too. SQLite stops at 43 scalar subqueries or 414 queries in FROM.
pub(crate) const MAX_NESTING: u32 = if cfg!(debug_assertions) { 64 } else { 100 };

/// Room that a list begins with: most have no more items.
const SOME_ITEMS: usize = 8;

/// The largest parameter number (SQLite's `SQLITE_MAX_VARIABLE_NUMBER`).
pub const MAX_VARIABLE_NUMBER: u32 = 32766;

/// What [`parse`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The first statement of the text; `None` when there are only blanks, comments and semicolons.
    pub statement: Option<Statement>,
    /// The statement's parameters.
    pub parameters: Parameters,
    /// The statement's text, from its first to its last token, without the semicolon.
    pub span: Span,
    /// Where the rest begins: behind the statement's semicolon, or at the end of the text.
    pub tail: usize,
}

/// The parameters of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters {
    /// The largest number in use.
    pub count: u32,
    /// Numbers with their names as written (`?7`, `:a`), in order of appearance.
    pub names: Vec<(u32, Arc<str>)>,
}

impl Parameters {
    /// The name of the parameter with this number (from 1); `None` for a plain `?` or a gap.
    pub fn name(&self, index: u32) -> Option<&str> {
        self.names.iter().find(|(i, _)| *i == index).map(|(_, name)| &**name)
    }

    /// The number of the parameter with this name, prefix included.
    pub fn index(&self, name: &str) -> Option<u32> {
        self.names.iter().find(|(_, n)| &**n == name).map(|(i, _)| *i)
    }
}

/// Parses the first statement of a text and tells where the rest begins. The text ends at its first NUL byte.
pub fn parse(sql: &[u8]) -> Result<Parsed> {
    // Almost no text has a NUL, and `contains` looks at many bytes at a time.
    let end = if sql.contains(&0) { sql.iter().position(|&b| b == 0) } else { None };
    let sql = end.and_then(|end| sql.get(..end)).unwrap_or(sql);
    if sql.len() > i32::MAX as usize {
        return Err(SyntaxError::new("string or blob too big"));
    }
    let mut parser = Parser::new(sql);
    while parser.at(T::Semicolon) {
        parser.advance();
    }
    let start = parser.tok.start;
    if parser.at(T::Eof) {
        return Ok(Parsed {
            statement: None,
            parameters: Parameters::default(),
            span: Span::new(start, start),
            tail: sql.len(),
        });
    }
    let statement = parser.whole_statement()?;
    let span = Span::new(start, parser.prev_end);
    let tail = if parser.at(T::Semicolon) { parser.tok.end as usize } else { sql.len() };
    Ok(Parsed { statement: Some(statement), parameters: parser.parameters, span, tail })
}

/// Parses all statements of a text.
pub fn parse_all(sql: &[u8]) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    let mut start = 0;
    while start < sql.len() {
        let parsed = parse(&sql[start..]).map_err(|mut error| {
            error.offset = error.offset.map(|offset| offset + start as u32);
            error
        })?;
        match parsed.statement {
            Some(statement) => statements.push(statement),
            None => break,
        }
        start += parsed.tail;
    }
    Ok(statements)
}

/// Parses a text that is one expression, as in a generated column that is added to a stored table.
pub fn parse_expr(sql: &[u8]) -> Result<crate::ast::Expr> {
    let mut parser = Parser::new(sql);
    let result = match parser.expr() {
        Ok(_) if !parser.at(T::Eof) => Err(parser.unexpected()),
        result => result,
    };
    parser.settle(result)
}

/// The end of the token that begins at `offset`; what rewrites stored SQL text needs to replace a name.
pub fn token_end(sql: &[u8], offset: u32) -> u32 {
    next_token(sql, offset).end
}

/// The start of the first token at or behind `offset`: behind blanks and comments.
pub fn token_start(sql: &[u8], offset: u32) -> u32 {
    next_token(sql, offset).start
}

/// Where the parameters of a text stand, in order of appearance.
pub fn parameter_spans(sql: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut token = next_token(sql, 0);
    while token.kind != T::Eof {
        if token.kind == T::Variable {
            spans.push(Span::new(token.start, token.end));
        }
        token = next_token(sql, token.end);
    }
    spans
}

/// True when nothing but blanks and comments is left from `offset` on.
pub fn is_blank(sql: &[u8], offset: usize) -> bool {
    skip_blanks(sql, offset) >= sql.len()
}

/// What has to stand between a statement and its semicolon. The texts of views and triggers keep a comment at their end,
/// which would hide the semicolon and what follows.
pub fn comment_end(sql: &[u8]) -> &'static str {
    let mut end = 0;
    let mut token = next_token(sql, 0);
    while token.kind != T::Eof {
        end = token.end;
        token = next_token(sql, end);
    }
    let comments = sql.get(end as usize..).unwrap_or_default();
    let closes = |close: &&str| {
        let text = [comments, close.as_bytes(), b";"].concat();
        skip_blanks(&text, 0) + 1 == text.len()
    };
    ["", "\n", "*/"].into_iter().find(closes).unwrap_or_default()
}

struct Parser<'a> {
    sql: &'a [u8],
    /// The token to be taken next.
    tok: Token,
    /// The end of the token taken last.
    prev_end: u32,
    /// Unfinished expressions, innermost last; shared by nested calls of the expression parser.
    frames: Vec<expr::Frame>,
    nesting: u32,
    /// SELECTs that have ended.
    selects: u32,
    /// OVER clauses so far.
    windows: u32,
    /// The height of the last query's tallest expression, for the expression that contains it.
    select_height: u32,
    in_trigger: bool,
    /// The first error that is none of the grammar, and the token before which it was found.
    complaint: Option<(SyntaxError, u32)>,
    parameters: Parameters,
    /// Parameter names to numbers; filled only once there are many.
    parameter_index: HashMap<Arc<str>, u32>,
}

impl<'a> Parser<'a> {
    fn new(sql: &'a [u8]) -> Self {
        let mut parser = Parser {
            sql,
            tok: Token { kind: T::Eof, start: 0, end: 0 },
            prev_end: 0,
            frames: Vec::new(),
            nesting: 0,
            selects: 0,
            windows: 0,
            select_height: 0,
            in_trigger: false,
            complaint: None,
            parameters: Parameters::default(),
            parameter_index: HashMap::new(),
        };
        parser.advance();
        parser.prev_end = 0;
        parser
    }

    // Tokens.

    /// Takes the current token.
    #[inline]
    fn advance(&mut self) {
        let prev = self.tok.kind;
        self.prev_end = self.tok.end;
        self.tok = next_token(self.sql, self.tok.end);
        if matches!(self.tok.kind, T::Window | T::Over | T::Filter) {
            self.tok.kind = self.contextual(prev);
        }
    }

    /// WINDOW, OVER and FILTER are keywords only where their surroundings say so; otherwise they are identifiers.
    #[cold]
    fn contextual(&self, prev: T) -> T {
        let next = next_token(self.sql, self.tok.end);
        let named = |kind: T| kind != T::Indexed && kind.is_name() || matches!(kind, T::Window | T::Over);
        let keyword = match self.tok.kind {
            T::Window => named(next.kind) && next_token(self.sql, next.end).kind == T::As,
            T::Over => prev == T::RightParen && (next.kind == T::LeftParen || named(next.kind)),
            _ => prev == T::RightParen && next.kind == T::LeftParen,
        };
        if keyword { self.tok.kind } else { T::Identifier }
    }

    #[inline]
    fn at(&self, kind: T) -> bool {
        self.tok.kind == kind
    }

    /// The kind of the token behind the current one.
    fn peek(&self) -> T {
        next_token(self.sql, self.tok.end).kind
    }

    /// Takes the current token if it is of this kind.
    #[inline]
    fn eat(&mut self, kind: T) -> bool {
        let found = self.tok.kind == kind;
        if found {
            self.advance();
        }
        found
    }

    #[inline]
    fn expect(&mut self, kind: T) -> Result<()> {
        if self.eat(kind) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// True when the current token is an unquoted identifier with this text; for words that are no keywords.
    fn at_word(&self, word: &str) -> bool {
        self.tok.kind == T::Identifier && self.bytes(self.tok).eq_ignore_ascii_case(word.as_bytes())
    }

    fn bytes(&self, token: Token) -> &'a [u8] {
        self.sql.get(token.start as usize..token.end as usize).unwrap_or(&[])
    }

    fn text(&self, token: Token) -> String {
        String::from_utf8_lossy(self.bytes(token)).into_owned()
    }

    /// The source text of a span, for what is kept as text.
    fn source(&self, span: Span) -> Box<str> {
        String::from_utf8_lossy(span.of(self.sql)).into()
    }

    /// From `start` to the end of the token taken last.
    fn span_from(&self, start: u32) -> Span {
        Span::new(start, self.prev_end)
    }

    /// From `start` to the semicolon or the end of the text, with the blanks and comments before it.
    fn span_to_terminator(&self, start: u32) -> Span {
        Span::new(start, self.tok.start)
    }

    // Errors and bounds.

    /// The error for a token that no rule accepts.
    #[cold]
    fn unexpected(&self) -> SyntaxError {
        match self.tok.kind {
            T::Eof => SyntaxError::new("incomplete input"),
            T::Illegal => SyntaxError::at(self.tok.start, format!("unrecognized token: \"{}\"", self.text(self.tok))),
            _ => self.near(self.tok),
        }
    }

    #[cold]
    fn near(&self, token: Token) -> SyntaxError {
        SyntaxError::at(token.start, format!("near \"{}\": syntax error", self.text(token)))
    }

    /// Notes an error that the grammar does not know, and goes on: SQLite finds it when the next token is already at
    /// hand, and if the grammar refuses that token, it is the token that gets reported.
    #[cold]
    fn complain(&mut self, error: SyntaxError) {
        if self.complaint.is_none() {
            self.complaint = Some((error, self.tok.start));
        }
    }

    /// The outcome of a parse in which there may have been complaints.
    #[inline]
    fn settle<V>(&mut self, result: Result<V>) -> Result<V> {
        match self.complaint.take() {
            None => result,
            Some((complaint, before)) => match result {
                Err(error) if self.tok.start == before => Err(error),
                _ => Err(complaint),
            },
        }
    }

    /// Enters a level of real recursion.
    #[inline]
    fn enter(&mut self) -> Result<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING { Err(recursion_limit()) } else { Ok(()) }
    }

    #[inline]
    fn leave(&mut self) {
        self.nesting -= 1;
    }

    // Names.

    fn name_of(&self, token: Token) -> Name {
        let raw = self.bytes(token);
        let quote = match raw.first() {
            Some(b'"') => Quote::Double,
            Some(b'[') => Quote::Bracket,
            Some(b'`') => Quote::Backtick,
            Some(b'\'') => Quote::Single,
            _ => Quote::None,
        };
        let text: Box<str> = match quote {
            Quote::None => match std::str::from_utf8(raw) {
                Ok(text) => text.into(),
                Err(_) => String::from_utf8_lossy(raw).into(),
            },
            Quote::Bracket => String::from_utf8_lossy(raw.get(1..raw.len() - 1).unwrap_or(&[])).into(),
            _ => String::from_utf8_lossy(&unquote(raw)).into(),
        };
        Name { text, quote, offset: token.start }
    }

    fn take_name(&mut self) -> Name {
        let name = self.name_of(self.tok);
        self.advance();
        name
    }

    /// A name of an object: an identifier, a string, a word of join operators, INDEXED.
    fn name(&mut self) -> Result<Name> {
        if self.tok.kind.is_name() { Ok(self.take_name()) } else { Err(self.unexpected()) }
    }

    /// An identifier or a string.
    fn id_or_string(&mut self) -> Result<Name> {
        if self.tok.kind.is_id_or_string() { Ok(self.take_name()) } else { Err(self.unexpected()) }
    }

    fn qualified_name(&mut self) -> Result<QualifiedName> {
        let name = self.name()?;
        if self.eat(T::Dot) {
            return Ok(QualifiedName { schema: Some(name), name: self.name()? });
        }
        Ok(QualifiedName { schema: None, name })
    }

    /// `name, name, ...`
    fn name_list(&mut self) -> Result<Vec<Name>> {
        let mut names = Vec::with_capacity(SOME_ITEMS);
        names.push(self.name()?);
        while self.eat(T::Comma) {
            names.push(self.name()?);
        }
        Ok(names)
    }

    /// `[(name, name, ...)]` in views, common table expressions and foreign keys.
    fn column_names(&mut self) -> Result<Vec<Name>> {
        if !self.eat(T::LeftParen) {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        loop {
            let token = self.tok;
            names.push(self.name()?);
            // The grammar takes COLLATE and ASC here for the sake of old schemas, and then refuses them.
            let mut decorated = false;
            if self.eat(T::Collate) {
                self.id_or_string()?;
                decorated = true;
            }
            if self.eat(T::Asc) || self.eat(T::Desc) {
                decorated = true;
            }
            if decorated {
                self.complain(SyntaxError::new(format!("syntax error after column name \"{}\"", self.text(token))));
            }
            if !self.eat(T::Comma) {
                break;
            }
        }
        self.expect(T::RightParen)?;
        Ok(names)
    }

    /// The optional type of a column or CAST: names, then one or two numbers in parentheses.
    fn type_name(&mut self) -> Result<TypeName> {
        if !self.tok.kind.is_id_or_string() {
            return Ok(TypeName::default());
        }
        let start = self.tok.start;
        while self.tok.kind.is_id_or_string() {
            self.advance();
        }
        if self.eat(T::LeftParen) {
            self.signed_number()?;
            if self.eat(T::Comma) {
                self.signed_number()?;
            }
            self.expect(T::RightParen)?;
        }
        Ok(TypeName { text: self.source(self.span_from(start)) })
    }

    fn signed_number(&mut self) -> Result<()> {
        let _ = self.eat(T::Plus) || self.eat(T::Minus);
        match self.tok.kind {
            T::Integer | T::HexInteger | T::Float => {
                self.advance();
                Ok(())
            }
            T::BadSeparator => {
                self.bad_separator();
                Ok(())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Takes a number with a misplaced `_`.
    #[cold]
    fn bad_separator(&mut self) {
        let error = SyntaxError::new(format!("unrecognized token: \"{}\"", self.text(self.tok)));
        self.advance();
        self.complain(error);
    }

    // Statements.

    /// A statement and what ends it.
    fn whole_statement(&mut self) -> Result<Statement> {
        let result = match self.statement() {
            Ok(_) if !matches!(self.tok.kind, T::Semicolon | T::Eof) => Err(self.unexpected()),
            result => result,
        };
        self.settle(result)
    }

    fn statement(&mut self) -> Result<Statement> {
        if !self.eat(T::Explain) {
            return self.command();
        }
        let query_plan = self.eat(T::Query);
        if query_plan {
            self.expect(T::Plan)?;
        }
        Ok(Statement::Explain { query_plan, statement: Box::new(self.command()?) })
    }

    fn command(&mut self) -> Result<Statement> {
        match self.tok.kind {
            T::Select | T::Values => Ok(Statement::Select(self.select()?)),
            T::With => self.with_statement(),
            T::Insert | T::Replace => Ok(Statement::Insert(Box::new(self.insert(None)?))),
            T::Update => Ok(Statement::Update(Box::new(self.update(None)?))),
            T::Delete => Ok(Statement::Delete(Box::new(self.delete(None)?))),
            T::Create => self.create(),
            T::Drop => self.drop_object(),
            T::Alter => self.alter_table(),
            _ => self.small_statement(),
        }
    }

    fn with_statement(&mut self) -> Result<Statement> {
        let start = self.tok.start;
        let with = self.with_clause()?;
        match self.tok.kind {
            T::Insert | T::Replace => Ok(Statement::Insert(Box::new(self.insert(Some(with))?))),
            T::Update => Ok(Statement::Update(Box::new(self.update(Some(with))?))),
            T::Delete => Ok(Statement::Delete(Box::new(self.delete(Some(with))?))),
            _ => Ok(Statement::Select(self.select_after_with(Some(with), start)?)),
        }
    }
}

/// The error for a text that nests too deeply.
#[cold]
fn recursion_limit() -> SyntaxError {
    SyntaxError::new("Recursion limit")
}

/// The content of a quoted token: quotes at both ends, doubled within.
fn unquote(raw: &[u8]) -> Vec<u8> {
    let Some((&quote, rest)) = raw.split_first() else {
        return Vec::new();
    };
    let inner = rest.strip_suffix(&[quote]).unwrap_or(rest);
    if !inner.contains(&quote) {
        return inner.to_vec();
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(b) = bytes.next() {
        out.push(b);
        if b == quote {
            bytes.next();
        }
    }
    out
}

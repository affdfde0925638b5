//! Limits of a connection (`sqlite3_limit`): what they are, and those that a statement's text meets.

use turso_error::{Error, Result, ResultCode};
use turso_parser::ast::{self, visit};

use super::{Connection, State};

/// A limit; the numbers are those of `SQLITE_LIMIT_…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Limit {
    /// Bytes of a text, blob or row.
    Length = 0,
    /// Bytes of a statement.
    SqlLength = 1,
    /// Columns of a table, an index, a result; terms of GROUP BY and ORDER BY.
    Column = 2,
    /// Depth of an expression.
    ExprDepth = 3,
    /// Terms of a compound SELECT.
    CompoundSelect = 4,
    /// Instructions of a program: stored and answered.
    VdbeOp = 5,
    /// Arguments of a function.
    FunctionArg = 6,
    /// Attached databases.
    Attached = 7,
    /// Bytes of a LIKE or GLOB pattern.
    LikePatternLength = 8,
    /// The largest parameter number.
    VariableNumber = 9,
    /// Depth of trigger programs.
    TriggerDepth = 10,
    /// Helper threads of a statement: stored and answered.
    WorkerThreads = 11,
    /// The parser's stack: stored and answered.
    ParserDepth = 12,
    /// Tables, views, indexes and triggers of one database, its schema's table counted.
    Schema = 13,
    /// Statements of a trigger.
    TriggerSteps = 14,
}

const COUNT: usize = 15;

/// What no limit can exceed.
const BOUNDS: [i32; COUNT] = [
    1_000_000_000,
    1_000_000_000,
    2000,
    1000,
    500,
    250_000_000,
    1000,
    10,
    50_000,
    32_766,
    1000,
    8,
    2500,
    10_000_000,
    65_000,
];

/// The shortest `Length` that can be set.
const SHORTEST_LENGTH: i32 = 30;

/// The limits in force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LimitTable([i32; COUNT]);

impl Default for LimitTable {
    fn default() -> Self {
        let mut values = BOUNDS;
        values[Limit::WorkerThreads as usize] = 0;
        Self(values)
    }
}

impl LimitTable {
    /// A limit as a size.
    pub fn get(&self, limit: Limit) -> usize {
        usize::try_from(self.0[limit as usize]).unwrap_or(0)
    }

    /// Change a limit, as far as its bound allows.
    pub fn set(&mut self, limit: Limit, value: i32) {
        self.0[limit as usize] = value.min(BOUNDS[limit as usize]);
    }

    /// It is the bound: what is bounded anyway need not be looked at.
    fn is_bound(&self, limit: Limit) -> bool {
        self.0[limit as usize] == BOUNDS[limit as usize]
    }
}

impl Connection {
    /// A limit in force.
    pub fn limit(&self, limit: Limit) -> i32 {
        self.lock().limit_table.0[limit as usize]
    }

    /// Change a limit, as far as its bound allows; a negative value changes nothing. Answers what was in force before.
    pub fn set_limit(&self, limit: Limit, value: i32) -> i32 {
        let mut state = self.lock();
        let before = state.limit_table.0[limit as usize];
        if value >= 0 {
            let shortest = if limit == Limit::Length { SHORTEST_LENGTH } else { 0 };
            state.limit_table.0[limit as usize] = value.min(BOUNDS[limit as usize]).max(shortest);
            let table = state.limit_table;
            state.limits.length = table.get(Limit::Length);
            state.limits.trigger_depth = table.get(Limit::TriggerDepth);
            state.environment.max_length = state.limits.length;
            state.environment.max_like_pattern = table.get(Limit::LikePatternLength);
            // Kept programs were made under the old one.
            state.generation = state.generation.wrapping_add(1);
        }
        before
    }
}

impl State {
    /// The text is not longer than it may be.
    pub fn check_sql_length(&self, sql: &[u8]) -> Result<()> {
        if sql.len() > self.limit_table.get(Limit::SqlLength) {
            return Err(Error::new(ResultCode::TOOBIG, "statement too long"));
        }
        Ok(())
    }

    /// What the parser bounds only by the largest limits there can be.
    pub fn check_statement(&self, sql: &[u8], statement: &ast::Statement, parameters: usize) -> Result<()> {
        let limit = self.limit_table.get(Limit::VariableNumber);
        if parameters > limit {
            let too_large = |name: &[u8]| match name {
                [b'?', digits @ ..] if !digits.is_empty() => {
                    usize::try_from(turso_value::number::parse_integer_prefix(digits)).is_ok_and(|n| n > limit)
                }
                _ => false,
            };
            let spans = turso_parser::parameter_spans(sql);
            let numbered = spans.iter().any(|s| sql.get(s.start as usize..s.end as usize).is_some_and(too_large));
            return Err(Error::sql(match numbered {
                true => format!("variable number must be between ?1 and ?{limit}"),
                false => "too many SQL variables".to_owned(),
            }));
        }
        let limit = self.limit_table.get(Limit::ExprDepth);
        if limit > 0 && !self.limit_table.is_bound(Limit::ExprDepth) {
            let mut depth = Depth { now: 0, deepest: 0 };
            visit::walk_statement(&mut depth, statement);
            if depth.deepest > limit {
                return Err(Error::sql(format!("Expression tree is too large (maximum depth {limit})")));
            }
        }
        self.check_definition(statement)
    }

    /// What a CREATE statement makes is not too much.
    fn check_definition(&self, statement: &ast::Statement) -> Result<()> {
        let (temporary, name) = match statement {
            ast::Statement::CreateTable(table) => (table.temporary, &table.name),
            ast::Statement::CreateView(view) => (view.temporary, &view.name),
            ast::Statement::CreateIndex(index) => (false, &index.name),
            ast::Statement::CreateTrigger(trigger) => {
                if trigger.body.len() > self.limit_table.get(Limit::TriggerSteps) {
                    return Err(Error::sql(format!("trigger \"{}\" contains too many steps", trigger.name.name.text)));
                }
                (trigger.temporary, &trigger.name)
            }
            _ => return Ok(()),
        };
        if self.limit_table.is_bound(Limit::Schema) {
            return Ok(());
        }
        let named = name.schema.as_ref().map(|schema| &*schema.text);
        let wanted = if temporary { "temp" } else { named.unwrap_or("main") };
        let entry = self.find_database(wanted).and_then(|index| self.databases.get(index));
        let count = entry
            .and_then(|entry| entry.schema.as_ref())
            .map_or(0, |schema| schema.tables.len() + schema.indexes.len() + schema.triggers.len());
        if count >= self.limit_table.get(Limit::Schema) {
            return Err(Error::new(ResultCode::ABORT, "too many schema objects"));
        }
        Ok(())
    }
}

/// Measures expressions.
struct Depth {
    now: usize,
    deepest: usize,
}

impl visit::Visit for Depth {
    fn expr(&mut self, expr: &ast::Expr) {
        self.now += 1;
        self.deepest = self.deepest.max(self.now);
        visit::walk_expr(self, expr);
        self.now -= 1;
    }
}

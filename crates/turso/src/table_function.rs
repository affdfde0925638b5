//! Table-valued functions of the application.
//!
//! ```
//! use turso::{Builder, TableFunction, Value};
//!
//! /// `words(text)`: the words of a text.
//! struct Words;
//!
//! impl TableFunction for Words {
//!     fn columns(&self) -> Vec<String> {
//!         vec!["word TEXT".into(), "length INTEGER".into()]
//!     }
//!     fn parameters(&self) -> Vec<String> {
//!         vec!["text".into()]
//!     }
//!     fn rows(&self, arguments: &[Value]) -> turso::Result<turso::table_function::RowsOf> {
//!         let text = arguments.first().and_then(Value::as_text).cloned().unwrap_or_default();
//!         let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
//!         Ok(Box::new(words.into_iter().map(|w| Ok(vec![Value::Text(w.clone()), Value::Integer(w.len() as i64)]))))
//!     }
//! }
//!
//! # async fn run() -> turso::Result<()> {
//! let conn = Builder::new_local(":memory:").build().await?.connect()?;
//! conn.create_table_function("words", Words)?;
//! let mut rows = conn.query("SELECT word FROM words('to be or not') WHERE length > 2", ()).await?;
//! assert_eq!(rows.next().await?.unwrap().get::<String>(0)?, "not");
//! # Ok(())
//! # }
//! # pollster::block_on(run()).unwrap();
//! ```
//!
//! Modules that can be written to, or that know better ways of finding rows than to go through all of them, implement the
//! traits of `turso::core::vtab` and are registered with [`Connection::create_module`].

use std::sync::Arc;

use turso_core::vtab::{
    Answer, Argument, Arguments, Connected, ConstraintOp, Cursor, Module, ModuleKind, Output, Question, Session,
    VirtualTable,
};
use turso_core::{Error as CoreError, ResultCode};

use crate::connection::Connection;
use crate::error::Result;
use crate::value::Value;

/// The rows of a call, computed one by one as they are asked for.
pub type RowsOf = Box<dyn Iterator<Item = Result<Vec<Value>>> + Send>;

/// A function whose calls stand in FROM and give rows.
pub trait TableFunction: Send + Sync + 'static {
    /// Its columns, each with a type if it has one: `"name TEXT"`.
    fn columns(&self) -> Vec<String>;

    /// The names of its parameters. Each is a hidden column too, which queries may read and compare.
    fn parameters(&self) -> Vec<String>;

    /// The rows of a call. Fewer arguments than parameters may be given; those that are left out in the middle are NULL.
    fn rows(&self, arguments: &[Value]) -> Result<RowsOf>;
}

impl Connection {
    /// Make a table-valued function known to the statements of this connection; one of the same name is replaced.
    pub fn create_table_function(&self, name: &str, function: impl TableFunction) -> Result<()> {
        let function: Arc<dyn TableFunction> = Arc::new(function);
        self.create_module(name, Arc::new(Functions { function }))
    }

    /// Make a module of virtual tables known to the statements of this connection; one of the same name is replaced.
    pub fn create_module(&self, name: &str, module: Arc<dyn Module>) -> Result<()> {
        Ok(self.inner().create_module(name, module)?)
    }
}

/// The module of one function, and its table.
#[derive(Clone)]
struct Functions {
    function: Arc<dyn TableFunction>,
}

/// Most parameters of a function: which of them are given is a set of bits.
const MAX_PARAMETERS: usize = 30;

impl Module for Functions {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Eponymous
    }

    fn connect(&self, _: &mut dyn Session, arguments: &Arguments<'_>) -> turso_core::Result<Connected> {
        let (mut columns, parameters) = (self.function.columns(), self.function.parameters());
        if columns.is_empty() || parameters.len() > MAX_PARAMETERS {
            return Err(CoreError::new(ResultCode::MISUSE, format!("bad columns of {}", arguments.table)));
        }
        columns.extend(parameters.iter().map(|p| format!("\"{}\" HIDDEN", p.replace('"', "\"\""))));
        Ok(Connected::new(Arc::new(self.clone()), format!("CREATE TABLE x({})", columns.join(","))))
    }
}

impl VirtualTable for Functions {
    fn best_index(&self, question: &Question) -> turso_core::Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        let first = self.function.columns().len();
        let mut given: Vec<(usize, usize)> = Vec::new();
        for (i, constraint) in question.constraints.iter().enumerate() {
            let Some(parameter) = constraint.column.and_then(|c| usize::from(c).checked_sub(first)) else { continue };
            if constraint.op != ConstraintOp::Equal {
                continue;
            }
            if !constraint.usable {
                return Ok(None);
            }
            if given.iter().all(|(known, _)| *known != parameter) {
                given.push((parameter, i));
            }
        }
        given.sort_unstable();
        for (argument, (parameter, i)) in given.into_iter().enumerate() {
            if let Some(usage) = answer.usage.get_mut(i) {
                usage.argument = argument + 1;
                usage.omit = true;
            }
            answer.number |= 1 << parameter;
        }
        answer.cost = 1000.0;
        answer.rows = 100;
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> turso_core::Result<Box<dyn Cursor>> {
        let width = self.function.columns().len();
        Ok(Box::new(FunctionCursor {
            function: self.function.clone(),
            width,
            arguments: Vec::new(),
            rows: None,
            row: Vec::new(),
            count: 0,
        }))
    }
}

struct FunctionCursor {
    function: Arc<dyn TableFunction>,
    width: usize,
    arguments: Vec<Value>,
    /// `None` at the end.
    rows: Option<RowsOf>,
    row: Vec<Value>,
    count: i64,
}

fn failed(error: crate::error::Error) -> CoreError {
    CoreError::sql(error.to_string())
}

impl Cursor for FunctionCursor {
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        _: Option<&str>,
        arguments: &[Argument],
    ) -> turso_core::Result<()> {
        let mut values = arguments.iter().map(Argument::value);
        self.arguments.clear();
        let last = 32 - number.leading_zeros();
        for parameter in 0..last {
            let value = if number & (1 << parameter) != 0 { values.next() } else { None };
            self.arguments.push(value.map_or(Value::Null, Value::from_engine));
        }
        self.count = 0;
        let mut rows = None;
        session.lend(&mut || rows = Some(self.function.rows(&self.arguments)))?;
        self.rows = rows.transpose().map_err(failed)?;
        self.next(session)
    }

    fn next(&mut self, session: &mut dyn Session) -> turso_core::Result<()> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let mut row = None;
        session.lend(&mut || row = rows.next())?;
        match row {
            Some(row) => {
                self.row = row.map_err(failed)?;
                self.count += 1;
            }
            None => self.rows = None,
        }
        Ok(())
    }

    fn at_end(&self) -> bool {
        self.rows.is_none()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> turso_core::Result<()> {
        let value = match index.checked_sub(self.width) {
            None => self.row.get(index),
            Some(parameter) => self.arguments.get(parameter),
        };
        if let Some(value) = value {
            *output.value = value.clone().into_engine();
        }
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> turso_core::Result<i64> {
        Ok(self.count)
    }
}

//! Shapes: searches that the application decides (`sqlite3_rtree_query_callback`).
//!
//! A shape is an SQL function. What it answers is NULL to SQL; on the right of `MATCH` it makes a scan ask the shape about
//! every box that it comes to.

use std::sync::Arc;

use turso_error::Result;
use turso_functions::{Arity, Context, FunctionDef, FunctionFlags};
use turso_value::{Object, Value};
use turso_vtab::Session;

use crate::connection::Connection;

/// What the application calls a shape.
pub trait Shape: Send + Sync {
    /// A search begins. `parameters` are the arguments of the SQL function, `coordinates` how many numbers a box has.
    fn search(&self, parameters: &[Value], coordinates: usize) -> Box<dyn Search>;
}

/// A search in one scan.
pub trait Search: Send {
    /// How does this box lie? Called with the session free to be lent.
    fn judge(&mut self, session: &mut dyn Session, element: &Element<'_>) -> Result<Verdict>;
}

/// A box, and where the search has met it.
#[derive(Debug)]
pub struct Element<'a> {
    /// Low and high of each dimension.
    pub coordinates: &'a [f64],
    /// The rowid of a row; the number of the node of an inner box.
    pub id: i64,
    /// 0 for a row, 1 for a leaf, and so on.
    pub level: usize,
    /// The level of the root.
    pub root_level: usize,
    /// What has been found out about the box around.
    pub parent: Verdict,
    /// How much waits to be looked at, by level.
    pub waiting: &'a [u32],
}

/// How a box lies to a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Outside: nothing in it is wanted.
    Not,
    /// It touches the shape.
    Partly,
    /// Everything in it is inside.
    Fully,
}

/// The answer for one box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// How it lies.
    pub within: Within,
    /// What is looked at next is what has the least score; of equal ones what is nearest to the rows.
    pub score: f64,
}

/// What the SQL function of a shape answers.
pub(super) struct Call {
    pub shape: Arc<dyn Shape>,
    pub parameters: Vec<Value>,
}

impl Connection {
    /// Make a shape known: an SQL function that takes any number of arguments, for the right of `MATCH` on an R-Tree.
    pub fn create_shape(&self, name: &str, shape: Arc<dyn Shape>) -> Result<()> {
        let function = move |context: &mut Context<'_>, arguments: &[Value]| {
            context.object(Object::new(Call { shape: shape.clone(), parameters: arguments.to_vec() }))
        };
        self.create_function(FunctionDef::user_scalar(name, Arity::ANY, FunctionFlags::NONE, Arc::new(function)))
    }
}

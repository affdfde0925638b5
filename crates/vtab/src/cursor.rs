//! Cursors over virtual tables.

use turso_error::Result;
use turso_value::{Object, Value};

use crate::Session;

/// A scan of a virtual table.
pub trait Cursor: Send {
    /// Begin a scan and go to its first row. `number` and `text` are what [`crate::Answer`] said, `arguments` the values that
    /// it asked for, in its order.
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        text: Option<&str>,
        arguments: &[Argument],
    ) -> Result<()>;

    /// Go to the next row.
    fn next(&mut self, session: &mut dyn Session) -> Result<()>;

    /// The scan is past its last row.
    fn at_end(&self) -> bool;

    /// Column `index` of the current row. `output` is NULL before.
    fn column(&mut self, session: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()>;

    /// The rowid of the current row.
    fn rowid(&mut self, session: &mut dyn Session) -> Result<i64>;

    /// The scan is over; nothing else will be called. What needs no session may as well be done when the cursor is dropped.
    fn close(&mut self, session: &mut dyn Session) {
        let _ = session;
    }
}

/// Where [`Cursor::column`] puts its value.
#[derive(Debug)]
pub struct Output<'a> {
    /// The value.
    pub value: &'a mut Value,
    /// Its subtype (`turso_functions::Context::SUBTYPE_JSON`), 0 for none.
    pub subtype: u32,
    /// What goes with the value, which is NULL then.
    pub object: Option<Object>,
    /// The value is read for an update that does not change it: it may stay NULL, and the table is told which columns these are.
    pub unchanged: bool,
}

/// A value that [`Cursor::filter`] gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// The right side of a constraint.
    Value(Value),
    /// All values of the right side of an IN, for a constraint whose usage said [`crate::Usage::all_at_once`].
    Set(Vec<Value>),
    /// The right side of a constraint is NULL, and this goes with it.
    Object(Object),
}

impl Argument {
    /// The value; NULL for a set and an object.
    pub fn value(&self) -> &Value {
        match self {
            Argument::Value(value) => value,
            Argument::Set(_) | Argument::Object(_) => &Value::Null,
        }
    }
}

//! A finished program and what a statement must know about it.

use std::sync::Arc;

use turso_functions::FunctionDef;
use turso_value::{Collation, Value};

use crate::operand::{CollationId, DbIndex};
use crate::register::Instruction;

/// What the planner makes of one SQL statement; immutable and shared by the statements that run it.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// The code; execution starts at index 0.
    pub instructions: Vec<Instruction>,
    /// Highest register number plus one.
    pub register_count: usize,
    /// Number of cursors.
    pub cursor_count: usize,
    /// Text and blob constants.
    pub constants: Vec<Value>,
    /// Collations; entry 0 is BINARY.
    pub collations: Vec<Collation>,
    /// Function calls.
    pub calls: Vec<FunctionCall>,
    /// Bodies of triggers and foreign-key actions, only in the outermost program. Shared tables (constants, collations, calls)
    /// are each body's own.
    pub subprograms: Vec<Arc<Program>>,
    /// The columns of the result; empty for a statement that returns no rows.
    pub columns: Vec<ResultColumn>,
    /// Parameter names with their prefix by number - 1; `None` for `?` and gaps. The length is the largest number used.
    pub parameters: Vec<Option<Arc<str>>>,
    /// The nodes of `EXPLAIN QUERY PLAN`, in the order in which SQLite prints them.
    pub plan: Vec<PlanNode>,
    /// May change a database (`sqlite3_stmt_readonly` is the opposite).
    pub writes: bool,
    /// A failure in the middle must be undone by a statement savepoint (several rows or trees change and a constraint may fail).
    pub needs_statement_savepoint: bool,
    /// The databases whose lock the program takes, with `true` for writing.
    pub databases: Vec<(DbIndex, bool)>,
    /// The statement is `EXPLAIN` (1) or `EXPLAIN QUERY PLAN` (2) of this program: running it lists instead.
    pub explain: u8,
    /// `changes()` is set by this program (INSERT, UPDATE, DELETE).
    pub counts_changes: bool,
}

impl PartialEq for Program {
    /// Programs are compared by identity of content only where a listing needs it; functions have no equality.
    fn eq(&self, other: &Self) -> bool {
        self.instructions == other.instructions && self.constants == other.constants
    }
}

/// A function as it is called at one place.
#[derive(Debug, Clone)]
pub struct FunctionCall {
    /// The function.
    pub function: Arc<FunctionDef>,
    /// Number of arguments.
    pub arity: u16,
    /// The collation in force for the call (`min`, `max`, `nullif`, …).
    pub collation: CollationId,
}

/// One column of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultColumn {
    /// The name that the caller sees.
    pub name: Arc<str>,
    /// The declared type, when the column is a plain table column.
    pub declared_type: Option<Arc<str>>,
    /// Database, table and column it comes from, when it is a plain table column.
    pub origin: Option<(Arc<str>, Arc<str>, Arc<str>)>,
}

/// A node of `EXPLAIN QUERY PLAN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanNode {
    /// Identifies the node; unique in the program, larger than its parent's.
    pub id: u32,
    /// The parent's id; 0 for a root.
    pub parent: u32,
    /// The text, e.g. `SCAN t`.
    pub detail: String,
}

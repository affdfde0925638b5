//! A finished program and what a statement must know about it.

use std::sync::Arc;

use turso_functions::Function;
use turso_value::{Collation, KeyColumn, KeyInfo, Value};

use crate::cursor::TreeKind;
use crate::operand::{CollationId, DbIndex, Regs};
use crate::register::Instruction;
use crate::schema::Cookie;

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
    /// The loops whose turns are counted; only where somebody wants to know.
    pub scans: Vec<Scan>,
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
    /// It makes, removes or renames trees or elements of the schema, or moves pages: DDL, VACUUM, ANALYZE's first run.
    pub changes_schema: bool,
    /// Registers up to this one may hold an object: an aggregate, a row set, a filter.
    pub object_count: usize,
    /// It opens an index of a database, or a table WITHOUT ROWID.
    pub uses_indexes: bool,
    /// Some key that it compares by has a collation of the application.
    pub names_collations: bool,
    /// Some part of it runs once ([`crate::control::Once`]).
    pub has_once: bool,
    /// Trees that were too small for pipelines when the program was made: it has none for them. Only in the outermost program.
    pub small_trees: Vec<SmallTree>,
    /// It opens a virtual table; bodies of triggers and actions say so for themselves.
    pub opens_virtual_tables: bool,
}

/// A tree that the planner took to stay small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmallTree {
    /// Its database.
    pub db: DbIndex,
    /// Its root page.
    pub root: u32,
    /// With more entries than these it has grown; with several pages in any case.
    pub most: usize,
}

impl SmallTree {
    /// As many entries as one page may have. (Several pages count as `usize::MAX`.)
    pub const ONE_PAGE: usize = usize::MAX - 1;
}

impl PartialEq for Program {
    /// Programs are compared by identity of content only where a listing needs it; functions have no equality.
    fn eq(&self, other: &Self) -> bool {
        self.instructions == other.instructions && self.constants == other.constants
    }
}

impl Program {
    /// A virtual table that the program reads, changes or removes, where there is one.
    pub fn virtual_table(&self) -> Option<&str> {
        let own = self.instructions.iter().find_map(|instruction| match instruction {
            Instruction::VOpen(open) => Some(&*open.table.name),
            Instruction::VBegin(begin) => Some(&*begin.table.name),
            Instruction::VDestroy(destroy) => Some(&*destroy.name),
            _ => None,
        });
        own.or_else(|| self.subprograms.iter().find_map(|program| program.virtual_table()))
    }

    /// Code of the application has had a say in the plan: that of a module whose tables the program opens.
    pub fn was_planned_with_application(&self) -> bool {
        let asked = |instruction: &Instruction| match instruction {
            Instruction::VOpen(open) => open.table.table.plans_with_connection(),
            _ => false,
        };
        (self.opens_virtual_tables && self.instructions.iter().any(asked))
            || self.subprograms.iter().any(|body| body.was_planned_with_application())
    }

    /// The rows of `EXPLAIN`: `addr, opcode, p1, p2, p3, p4, p5, comment`. Trigger bodies follow the main program.
    pub fn listing(&self) -> Vec<[Value; 8]> {
        let mut rows = Vec::new();
        let bodies = self.subprograms.iter().map(|body| body.instructions.as_slice());
        for code in std::iter::once(self.instructions.as_slice()).chain(bodies) {
            for (addr, instruction) in code.iter().enumerate() {
                let row = instruction.list();
                rows.push([
                    Value::Integer(addr as i64),
                    Value::from(row.opcode),
                    Value::Integer(row.p(0)),
                    Value::Integer(row.p(1)),
                    Value::Integer(row.p(2)),
                    if row.detail.is_empty() { Value::Null } else { Value::from(row.detail) },
                    Value::Integer(0),
                    Value::Null,
                ]);
            }
        }
        rows
    }

    /// What the code of the program says about it, from one look at each instruction.
    pub(crate) fn note_instruction(&mut self, instruction: &Instruction) {
        let object = match instruction {
            Instruction::AggStep(i) => i.state,
            Instruction::AggInverse(i) => i.state,
            Instruction::AggValue(i) => i.state,
            Instruction::AggFinal(i) => i.state,
            Instruction::RowSetAdd(i) => i.set,
            Instruction::RowSetRead(i) => i.set,
            Instruction::RowSetTest(i) => i.set,
            other => return self.note_effect(other),
        };
        self.object_count = self.object_count.max(object.index() + 1);
    }

    fn note_tree(&mut self, kind: &TreeKind) {
        if let TreeKind::Index(key) = kind {
            self.uses_indexes = true;
            self.note_key(Some(key));
        }
    }

    fn note_key(&mut self, key: Option<&KeyInfo>) {
        let is_custom = |column: &KeyColumn| matches!(column.collation, Collation::Custom(_));
        self.names_collations |= key.is_some_and(|key| key.columns.iter().any(is_custom));
    }

    fn note_effect(&mut self, instruction: &Instruction) {
        match instruction {
            Instruction::OpenRead(i) => self.note_tree(&i.kind),
            Instruction::OpenWrite(i) => self.note_tree(&i.kind),
            Instruction::OpenEphemeral(i) => self.note_key(i.key.as_deref()),
            Instruction::SorterOpen(i) => self.note_key(Some(&i.key)),
            Instruction::SetOpen(i) => self.note_key(Some(&i.key)),
            Instruction::Compare(i) => self.note_key(Some(&i.key)),
            Instruction::Once(_) => self.has_once = true,
            Instruction::VOpen(_) => self.opens_virtual_tables = true,
            Instruction::CreateBtree(_) | Instruction::Destroy(_) | Instruction::ParseSchema(_) => {
                self.changes_schema = true;
            }
            Instruction::IncrVacuum(_) | Instruction::Vacuum(_) => self.changes_schema = true,
            Instruction::DropTable(_) | Instruction::DropIndex(_) | Instruction::DropTrigger(_) => {
                self.changes_schema = true;
            }
            Instruction::SetCookie(set) => self.changes_schema |= set.cookie == Cookie::SchemaVersion,
            _ => {}
        }
    }

    /// Whether it reads or writes a database, or would if it were not only explained.
    pub fn opens_transaction(&self) -> bool {
        !self.databases.is_empty()
    }

    /// The rows of `EXPLAIN QUERY PLAN`: `id, parent, notused, detail`.
    pub fn plan_listing(&self) -> Vec<[Value; 4]> {
        let row = |node: &PlanNode| {
            [
                Value::Integer(i64::from(node.id)),
                Value::Integer(i64::from(node.parent)),
                Value::Integer(0),
                Value::from(node.detail.as_str()),
            ]
        };
        self.plan.iter().map(row).collect()
    }

    /// The result columns of a listing: of `EXPLAIN` (`explain` 1) or `EXPLAIN QUERY PLAN` (2).
    pub fn listing_columns(explain: u8) -> Vec<ResultColumn> {
        let names: &[&str] = match explain {
            1 => &["addr", "opcode", "p1", "p2", "p3", "p4", "p5", "comment"],
            _ => &["id", "parent", "notused", "detail"],
        };
        names.iter().map(|name| ResultColumn { name: Arc::from(*name), declared_type: None, origin: None }).collect()
    }
}

/// A function as it is called at one place.
#[derive(Debug, Clone)]
pub struct FunctionCall {
    /// The function.
    pub function: Function,
    /// Number of arguments.
    pub arity: u16,
    /// The collation in force for the call (`min`, `max`, `nullif`, …).
    pub collation: CollationId,
    /// An aggregate over a moving frame: rows will be taken out again.
    pub moving: bool,
    /// A bit for each of the first 32 arguments that has one value for the whole run: what functions of the application keep
    /// for it stays.
    pub constant_args: u32,
    /// A bit for each of the first 32 arguments that is a parameter as the statement was given it; for functions of the
    /// application.
    pub parameter_args: u32,
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

/// A loop whose turns are counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// Its node of `EXPLAIN QUERY PLAN`.
    pub node: u32,
    /// The index or table that it runs over; `None` for the rows of a subquery.
    pub name: Option<Arc<str>>,
    /// How many rows the planner expects of one run of it; -1 where it has said so only of several loops together.
    pub estimate: f64,
    /// Two registers: how often it has been begun, and the rows that it has come to.
    pub counts: Regs,
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

//! The state of code generation: where sources, aggregates, group keys and constants live while a program is built.

use std::sync::Arc;

use turso_error::Result;
use turso_program::cursor::{OpenRead, TreeKind};
use turso_program::schema::Transaction;
use turso_program::{Addr, Affinities, CursorId, DbIndex, Label, Program, ProgramBuilder, Reg, Regs, Root, data};
use turso_schema::{Index, Table};
use turso_value::{Affinity, Collation, KeyColumn, KeyInfo, Value};

use crate::context::PlanContext;
use crate::plan::{ColumnIndex, CoreId, Expr, IndexedExpr, OrderTerm, SourceId};

/// Where the columns of a source are read from.
#[derive(Debug, Clone)]
pub enum SourceBinding {
    /// From a cursor on a table of the catalogue.
    Cursor {
        /// The cursor on the table's own tree.
        cursor: CursorId,
        /// The table.
        table: Arc<Table>,
        /// The index entry in hand holds all columns that are read: the table's cursor is not positioned.
        covering: Option<(CursorId, Arc<Index>)>,
    },
    /// From registers: NEW, OLD, excluded, the output of a coroutine.
    Registers {
        /// Column 0.
        first: Reg,
        /// The rowid, if the source has one.
        rowid: Option<Reg>,
    },
    /// From the entries of an automatic index: a column is the field at its position in `fields`.
    Fields {
        /// The cursor.
        cursor: CursorId,
        /// What each field holds.
        fields: Arc<[ColumnIndex]>,
        /// The columns of a subquery in which integers are read as reals.
        reals: Arc<[u16]>,
    },
    /// From a cursor on a virtual table.
    Virtual {
        /// The cursor.
        cursor: CursorId,
    },
    /// A materialised subquery: output column `i` is field `i`.
    Ephemeral {
        /// The cursor.
        cursor: CursorId,
        /// The columns in which integers are read as reals.
        reals: Arc<[u16]>,
    },
}

/// Where rows of a query go.
pub enum Destination<'d> {
    /// To the caller.
    Rows,
    /// The first row to these registers; without a row they are left as they are.
    Registers(Regs),
    /// 1 to this register when there is a row; otherwise it is left as it is.
    Exists(Reg),
    /// Into an ephemeral index as a set.
    Set {
        /// The index.
        cursor: CursorId,
        /// Applied first.
        affinities: Option<Affinities>,
    },
    /// Into a hashed set.
    Members {
        /// The set.
        cursor: CursorId,
        /// Applied first.
        affinities: Option<Affinities>,
        /// Set to 1 where there is a row.
        any: Option<Reg>,
    },
    /// Into an ephemeral index as a set: of equal rows the first one stays.
    FirstOf {
        /// The index.
        cursor: CursorId,
    },
    /// Out of an ephemeral index (EXCEPT).
    Unset {
        /// The index.
        cursor: CursorId,
    },
    /// Appended to an ephemeral table.
    EphemeralTable {
        /// The table.
        cursor: CursorId,
    },
    /// To the consumer of a coroutine: the row is put into `row`, then it yields.
    Coroutine {
        /// The coroutine's register.
        state: Reg,
        /// Where the consumer reads the row.
        row: Regs,
    },
    /// Into the queue of a recursive CTE.
    Queue(Box<super::cte::Queue>),
    /// Each row is handed to code that the closure emits. The registers may be changed, not kept.
    Each(&'d mut dyn FnMut(&mut Emitter<'_>, Regs) -> Result<()>),
}

/// A place that holds a column while another place than its source's cursor has the row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// A register.
    Register(Reg),
    /// A field of a sorter or ephemeral cursor.
    Field(CursorId, u16),
}

/// Builds the program of one statement (or of one trigger body).
pub struct Emitter<'a> {
    /// Collects the instructions.
    pub builder: ProgramBuilder,
    /// Catalogue, settings, counters.
    pub context: &'a PlanContext<'a>,
    /// How many loops surround the code being emitted: inside one, constants are worth keeping in registers.
    pub loop_depth: u32,
    /// About how often the code being emitted runs: what the loops around it are taken to deliver.
    pub(super) runs: f64,
    bindings: Vec<Option<SourceBinding>>,
    constants: Vec<(Value, Reg)>,
    parameters: Vec<(u32, Reg)>,
    databases: Vec<(DbIndex, bool)>,
    /// Some instruction in the middle begins to write.
    writes_later: bool,
    /// The next scan to be emitted starts behind the rowid in this register, unless that is NULL.
    pub(super) resume_behind: Option<Reg>,
    /// The value registers of each core's aggregates.
    pub(super) aggregates: Vec<(CoreId, Vec<Reg>)>,
    /// Where the values of each core's window functions are.
    pub(super) windows: Vec<(CoreId, Vec<Place>)>,
    /// Expressions whose value is in a register or field already (group keys).
    pub(super) known: Vec<(Expr, Place)>,
    /// By source: the expressions of its table's indexes that are columns behind the declared ones.
    pub(super) indexed: Vec<(SourceId, Vec<Arc<IndexedExpr>>)>,
    /// Columns that are read from another place than their source (behind a sorter).
    pub(super) moved: Vec<(SourceId, ColumnIndex, Place)>,
    /// Ephemeral tables of materialised CTEs.
    pub(super) ctes: Vec<(u32, CursorId)>,
    /// Subqueries that stand in several places, as far as they have been emitted.
    pub(super) shared: Vec<super::subquery::SharedSubquery>,
    /// The row in hand of each recursion.
    pub(super) recursive_rows: Vec<(u32, Regs)>,
    /// What the statement reads of each source; whoever emits loops adds to it before.
    pub used: crate::optimize::UsedColumns,
    /// The next loops may keep in registers what their filters read.
    pub(super) keep_columns: bool,
    /// The statement changes nothing: trees hold at its end what they held at its beginning.
    pub(super) reads_only: bool,
    /// Nesting of queries under emission, against runaway recursion.
    pub(super) depth: u32,
    /// What all programs of the statement share: trigger bodies, AUTOINCREMENT counters.
    pub(crate) statement: std::rc::Rc<super::state::StatementState>,
    /// Inside a trigger body: its NEW and OLD.
    pub(crate) trigger: Option<super::state::TriggerScope>,
    /// Nesting of virtual columns under emission.
    pub(super) generated_depth: u32,
}

impl<'a> Emitter<'a> {
    /// An emitter for a new program.
    pub fn new(context: &'a PlanContext<'a>) -> Self {
        let mut builder = ProgramBuilder::new();
        builder.set_explains(context.explains() || context.options.scan_statistics);
        Self {
            builder,
            context,
            loop_depth: 0,
            runs: 1.0,
            bindings: Vec::new(),
            constants: Vec::new(),
            parameters: Vec::new(),
            databases: Vec::new(),
            writes_later: false,
            aggregates: Vec::new(),
            windows: Vec::new(),
            known: Vec::new(),
            indexed: Vec::new(),
            moved: Vec::new(),
            resume_behind: None,
            ctes: Vec::new(),
            shared: Vec::new(),
            recursive_rows: Vec::new(),
            used: crate::optimize::UsedColumns::default(),
            keep_columns: false,
            reads_only: false,
            depth: 0,
            statement: std::rc::Rc::default(),
            trigger: None,
            generated_depth: 0,
        }
    }

    /// From here on the columns of `source` are read through `binding`.
    pub fn bind_source(&mut self, source: SourceId, binding: SourceBinding) {
        let at = source.0 as usize;
        if self.bindings.len() <= at {
            self.bindings.resize(at + 1, None);
        }
        if let Some(slot) = self.bindings.get_mut(at) {
            *slot = Some(binding);
        }
    }

    /// How the columns of `source` are read now.
    pub fn source_binding(&self, source: SourceId) -> Option<&SourceBinding> {
        self.bindings.get(source.0 as usize).and_then(Option::as_ref)
    }

    /// The program reads (or writes) this database: it takes its lock and checks its schema first.
    pub fn uses_database(&mut self, db: DbIndex, write: bool) {
        match self.databases.iter_mut().find(|(d, _)| *d == db) {
            Some((_, w)) => *w |= write,
            None => self.databases.push((db, write)),
        }
    }

    /// Begin to write a database that the program has only read so far.
    pub fn writes_from_here(&mut self, db: DbIndex) {
        let schema = self.context.catalogue.schema(db);
        let (schema_cookie, schema_generation) = (schema.cookie, schema.generation);
        self.builder.emit(Transaction { db, write: true, schema_cookie, schema_generation });
        self.writes_later = true;
    }

    /// The statement is one that writes, and it happens that there is nothing to write.
    pub fn counts_as_writing(&mut self) {
        self.writes_later = true;
    }

    /// The databases used so far, with `true` for writing.
    pub fn databases(&self) -> &[(DbIndex, bool)] {
        &self.databases
    }

    /// Open a read cursor on a table's own tree.
    pub fn open_table(&mut self, db: DbIndex, table: &Table) -> CursorId {
        let cursor = self.builder.cursor();
        self.open_table_at(cursor, db, table);
        cursor
    }

    /// As [`open_table`](Self::open_table), on a cursor that has been allocated.
    pub fn open_table_at(&mut self, cursor: CursorId, db: DbIndex, table: &Table) {
        self.uses_database(db, false);
        let kind = self.table_kind(db, table);
        self.builder.emit(OpenRead { cursor, root: Root(table.root), db, kind });
    }

    /// Open a read cursor on an index.
    pub fn open_index(&mut self, db: DbIndex, index: &Index) -> CursorId {
        let cursor = self.builder.cursor();
        self.open_index_at(cursor, db, index);
        cursor
    }

    /// As [`open_index`](Self::open_index), on a cursor that has been allocated.
    pub fn open_index_at(&mut self, cursor: CursorId, db: DbIndex, index: &Index) {
        self.uses_database(db, false);
        let kind = TreeKind::Index(self.index_key(db, index));
        self.builder.emit(OpenRead { cursor, root: Root(index.root), db, kind });
    }

    /// The tree kind of a table: rows by rowid, or the primary key's entries.
    pub fn table_kind(&self, db: DbIndex, table: &Table) -> TreeKind {
        match table.indexes.first() {
            Some(primary) if !table.has_rowid() => TreeKind::Index(self.index_key(db, primary)),
            _ => TreeKind::Table,
        }
    }

    /// How the entries of an index sort: all columns that make an entry unique, so that a cursor whose entry has been
    /// rewritten by another cursor finds its place again.
    pub fn index_key(&self, db: DbIndex, index: &Index) -> Arc<KeyInfo> {
        let schema = self.context.catalogue.schema(db);
        if let Some(table) = schema.table(&index.table) {
            return table.shared_key_info(index, schema.encoding);
        }
        let columns = index.columns.iter().map(|c| KeyColumn {
            collation: c.collation.clone(),
            descending: c.descending,
            nulls_big: false,
        });
        Arc::new(KeyInfo { columns: columns.collect(), encoding: self.context.catalogue.schema(db).encoding })
    }

    /// How rows sort by ORDER BY terms.
    pub fn order_key(&self, terms: &[OrderTerm]) -> KeyInfo {
        let columns = terms.iter().map(|t| KeyColumn {
            collation: t.collation.clone(),
            descending: t.descending,
            nulls_big: t.nulls_reversed,
        });
        self.key_info(columns.collect())
    }

    /// How records that live only as long as the program sort: their text has the encoding of the database.
    pub fn key_info(&self, columns: Vec<KeyColumn>) -> KeyInfo {
        KeyInfo { columns, encoding: self.context.catalogue.schema(super::ddl::MAIN).encoding }
    }

    /// A register that holds the constant, loaded once when the program starts.
    pub fn constant(&mut self, value: &Value) -> Reg {
        if let Some((_, reg)) = self.constants.iter().find(|(v, _)| v.is_identical(value)) {
            return *reg;
        }
        let reg = self.builder.register();
        self.load(value, reg, true);
        self.constants.push((value.clone(), reg));
        reg
    }

    /// A register that holds the parameter, loaded once when the program starts.
    pub fn parameter(&mut self, number: u32) -> Reg {
        if let Some((_, reg)) = self.parameters.iter().find(|(n, _)| *n == number) {
            return *reg;
        }
        let dest = self.builder.register();
        self.builder.emit_prologue(data::Variable { number, dest });
        self.parameters.push((number, dest));
        dest
    }

    /// Load a constant into `dest`, here or (`once`) when the program starts.
    pub fn load(&mut self, value: &Value, dest: Reg, once: bool) {
        let instruction: turso_program::Instruction = match value {
            Value::Null => data::Null { dest: Regs::new(dest, 1) }.into(),
            Value::Integer(value) => data::Integer { value: *value, dest }.into(),
            Value::Real(value) => data::Real { value: *value, dest }.into(),
            Value::Text(_) | Value::Blob(_) => {
                let constant = self.builder.constant(value.clone());
                data::Const { constant, dest }.into()
            }
        };
        if once {
            self.builder.emit_prologue(instruction);
        } else {
            self.builder.emit(instruction);
        }
    }

    /// Jump to `target`.
    pub fn goto(&mut self, target: Label) {
        self.builder.emit(turso_program::control::Goto { target });
    }

    /// Emit what `f` emits so that it runs once in a run of the program; later turns jump over it.
    pub fn once(&mut self, f: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let after = self.builder.label();
        self.builder.emit(turso_program::control::Once { target: after });
        f(self)?;
        self.builder.bind(after);
        Ok(())
    }

    /// Complete the program: locks first, then the code, which must end the program on every path.
    pub fn finish(mut self) -> Box<Program> {
        self.take_locks();
        let databases = std::mem::take(&mut self.databases);
        let parameters = self.context.parameters();
        let program = self.builder.program_mut();
        program.writes = self.writes_later || databases.iter().any(|(_, write)| *write);
        program.databases = databases;
        if self.statement.body_depth.get() == 0 {
            program.small_trees = self.statement.small_trees.take();
        }
        program.parameters = parameters;
        self.builder.finish_boxed()
    }

    /// The instructions that open the transactions the program needs.
    fn take_locks(&mut self) {
        self.databases.sort_by_key(|(db, _)| *db);
        for &(db, write) in &self.databases {
            let schema = self.context.catalogue.schema(db);
            let (schema_cookie, schema_generation) = (schema.cookie, schema.generation);
            self.builder.emit_prologue(Transaction { db, write, schema_cookie, schema_generation });
        }
    }

    /// One affinity per register, or `None` when none of them changes anything.
    pub fn affinities<L>(list: L) -> Option<Affinities>
    where
        L: IntoIterator<Item = Affinity>,
        L::IntoIter: Clone,
    {
        let list = list.into_iter();
        let counts = list.clone().any(|a| !matches!(a, Affinity::Blob | Affinity::None));
        counts.then(|| Affinities(list.collect()))
    }

    /// The collation's number in this program.
    pub fn collation(&mut self, collation: &Collation) -> turso_program::CollationId {
        self.builder.collation(collation)
    }

    /// A label bound here.
    pub fn here(&mut self) -> Addr {
        self.builder.label_here()
    }
}

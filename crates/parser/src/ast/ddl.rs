//! CREATE, DROP and ALTER.
//!
//! `definition` spans run from the object's own name (after a schema and its dot) to where SQLite ends the text that it
//! stores: the last token, or for indexes, views and tables with options the semicolon, with comments before it. What
//! `sqlite_schema` stores is `CREATE TABLE ` (or `VIEW`, `INDEX`, `UNIQUE INDEX`, `TRIGGER`, `VIRTUAL TABLE`) and that text.

use super::{
    ConflictResolution, Delete, Expr, Insert, Name, OrderingTerm, QualifiedName, Select, SortOrder, Span, TypeName,
    Update,
};

/// `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// TEMP.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// The table.
    pub name: QualifiedName,
    /// Its columns, or the query that fills it.
    pub body: CreateTableBody,
    /// The stored text, without `CREATE TABLE `.
    pub definition: Span,
}

/// What follows the name in CREATE TABLE.
#[derive(Debug, Clone, PartialEq)]
pub enum CreateTableBody {
    /// `(columns, constraints) options`
    Columns {
        /// The columns, at least one.
        columns: Vec<ColumnDef>,
        /// The table constraints.
        constraints: Vec<TableConstraint>,
        /// The options after the closing parenthesis.
        options: TableOptions,
        /// The closing parenthesis (ALTER TABLE ADD COLUMN and ADD CONSTRAINT insert before it).
        end_of_columns: Span,
    },
    /// `AS SELECT ...`
    AsSelect(Box<Select>),
}

/// Table options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableOptions {
    /// `WITHOUT ROWID`
    pub without_rowid: bool,
    /// `STRICT`
    pub strict: bool,
}

/// One column of CREATE TABLE or ALTER TABLE ADD COLUMN.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnDef {
    /// The column's name.
    pub name: Name,
    /// The declared type; empty when there is none.
    pub type_name: TypeName,
    /// The constraints in the order written.
    pub constraints: Vec<ColumnConstraint>,
    /// From the name to the last token of the last constraint.
    pub span: Span,
}

/// A column constraint with its optional name.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnConstraint {
    /// `CONSTRAINT name`.
    pub name: Option<Name>,
    /// The constraint.
    pub kind: ColumnConstraintKind,
    /// From CONSTRAINT or the first keyword to the last token.
    pub span: Span,
}

/// Column constraints.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnConstraintKind {
    /// `CONSTRAINT name` with nothing behind it, which SQLite accepts.
    Empty,
    /// `PRIMARY KEY`
    PrimaryKey {
        /// ASC or DESC.
        order: Option<SortOrder>,
        /// ON CONFLICT.
        on_conflict: Option<ConflictResolution>,
        /// AUTOINCREMENT.
        autoincrement: bool,
    },
    /// `NOT NULL`
    NotNull {
        /// ON CONFLICT.
        on_conflict: Option<ConflictResolution>,
    },
    /// `NULL`, which says nothing.
    Null {
        /// ON CONFLICT.
        on_conflict: Option<ConflictResolution>,
    },
    /// `UNIQUE`
    Unique {
        /// ON CONFLICT.
        on_conflict: Option<ConflictResolution>,
    },
    /// `CHECK (expr)`
    Check {
        /// The condition.
        expr: Expr,
        /// The text between the parentheses, which error messages show.
        text: Span,
    },
    /// `DEFAULT value`
    Default {
        /// The value. A bare name stands for a string literal and arrives as one.
        expr: Expr,
        /// True for `DEFAULT (expr)`; otherwise a literal, a signed number or a name.
        parenthesized: bool,
        /// The value's text without outer parentheses (`PRAGMA table_info` shows it).
        text: Span,
    },
    /// `COLLATE name`
    Collate(Name),
    /// `REFERENCES ...`
    References(ForeignKeyClause),
    /// `[NOT] DEFERRABLE ...` that does not follow a REFERENCES directly; it belongs to the latest one before.
    Deferrable(Deferrable),
    /// `[GENERATED ALWAYS] AS (expr)`
    Generated {
        /// The expression.
        expr: Expr,
        /// True when GENERATED ALWAYS was written.
        always: bool,
        /// STORED or VIRTUAL, where written.
        storage: Option<GeneratedStorage>,
    },
}

/// How a generated column is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GeneratedStorage {
    /// `VIRTUAL`: computed when read; the default.
    Virtual,
    /// `STORED`: computed when written.
    Stored,
}

/// A table constraint with its optional name.
#[derive(Debug, Clone, PartialEq)]
pub struct TableConstraint {
    /// `CONSTRAINT name`.
    pub name: Option<Name>,
    /// The constraint.
    pub kind: TableConstraintKind,
    /// From CONSTRAINT or the first keyword to the last token.
    pub span: Span,
}

/// Table constraints.
#[derive(Debug, Clone, PartialEq)]
pub enum TableConstraintKind {
    /// `CONSTRAINT name` with nothing behind it, which SQLite accepts.
    Empty,
    /// `PRIMARY KEY (...)`
    PrimaryKey {
        /// The key.
        columns: Vec<OrderingTerm>,
        /// AUTOINCREMENT.
        autoincrement: bool,
        /// ON CONFLICT.
        on_conflict: Option<ConflictResolution>,
    },
    /// `UNIQUE (...)`
    Unique {
        /// The key.
        columns: Vec<OrderingTerm>,
        /// ON CONFLICT.
        on_conflict: Option<ConflictResolution>,
    },
    /// `CHECK (expr)`
    Check {
        /// The condition.
        expr: Expr,
        /// The text between the parentheses, which error messages show.
        text: Span,
        /// ON CONFLICT, which is accepted and ignored.
        on_conflict: Option<ConflictResolution>,
    },
    /// `FOREIGN KEY (...) REFERENCES ...`
    ForeignKey {
        /// The child columns.
        columns: Vec<Name>,
        /// The parent.
        clause: ForeignKeyClause,
    },
}

/// `REFERENCES table (columns) ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKeyClause {
    /// The parent table, always in the same schema.
    pub table: Name,
    /// The parent key; empty: the primary key.
    pub columns: Vec<Name>,
    /// ON DELETE.
    pub on_delete: Option<ReferenceAction>,
    /// ON UPDATE.
    pub on_update: Option<ReferenceAction>,
    /// ON INSERT, which is accepted and means nothing.
    pub on_insert: Option<ReferenceAction>,
    /// MATCH, which is accepted and means nothing.
    pub match_name: Option<Name>,
    /// When it is checked.
    pub deferrable: Option<Deferrable>,
}

/// What happens to the children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceAction {
    /// `SET NULL`
    SetNull,
    /// `SET DEFAULT`
    SetDefault,
    /// `CASCADE`
    Cascade,
    /// `RESTRICT`
    Restrict,
    /// `NO ACTION`
    NoAction,
}

/// `[NOT] DEFERRABLE [INITIALLY ...]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deferrable {
    /// True for `NOT DEFERRABLE`.
    pub not: bool,
    /// `Some(true)` for INITIALLY DEFERRED, `Some(false)` for INITIALLY IMMEDIATE.
    pub initially_deferred: Option<bool>,
}

impl Deferrable {
    /// True when the constraint is checked at commit: `DEFERRABLE INITIALLY DEFERRED` and nothing else.
    pub fn is_deferred(&self) -> bool {
        !self.not && self.initially_deferred == Some(true)
    }
}

/// `CREATE INDEX`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateIndex {
    /// UNIQUE.
    pub unique: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// The index.
    pub name: QualifiedName,
    /// The table, in the index's schema.
    pub table: Name,
    /// `USING method`: our extension.
    pub method: Option<Name>,
    /// The columns and expressions.
    pub columns: Vec<OrderingTerm>,
    /// `WITH (key = value, ...)`: our extension.
    pub parameters: Vec<IndexParameter>,
    /// The WHERE of a partial index.
    pub where_clause: Option<Expr>,
    /// The stored text, without `CREATE [UNIQUE] INDEX `.
    pub definition: Span,
}

/// One `key = value` of an index method.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexParameter {
    /// The key.
    pub name: Name,
    /// The value: a literal, a signed number or a bare name (as a column reference).
    pub value: Expr,
}

/// `CREATE VIEW`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateView {
    /// TEMP.
    pub temporary: bool,
    /// MATERIALIZED: our extension.
    pub materialized: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// The view.
    pub name: QualifiedName,
    /// The names of its columns, where given.
    pub columns: Vec<Name>,
    /// Its query.
    pub select: Box<Select>,
    /// The stored text, without `CREATE VIEW `.
    pub definition: Span,
}

/// `CREATE VIRTUAL TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateVirtualTable {
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// The table.
    pub name: QualifiedName,
    /// The module.
    pub module: Name,
    /// The arguments' raw text, outer spaces removed.
    pub args: Vec<Box<str>>,
    /// From the table's own name to the last token.
    pub definition: Span,
}

/// `CREATE TRIGGER`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTrigger {
    /// TEMP.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// The trigger.
    pub name: QualifiedName,
    /// When it fires; absent: BEFORE.
    pub time: Option<TriggerTime>,
    /// On what it fires.
    pub event: TriggerEvent,
    /// The table or view. A temporary trigger may name one of another schema.
    pub table: QualifiedName,
    /// FOR EACH ROW, which changes nothing.
    pub for_each_row: bool,
    /// WHEN.
    pub when: Option<Expr>,
    /// The program, at least one step.
    pub body: Vec<TriggerStep>,
    /// Where each step is written.
    pub steps: Vec<Span>,
    /// From the trigger's own name to END.
    pub definition: Span,
}

/// When a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TriggerTime {
    /// `BEFORE`
    Before,
    /// `AFTER`
    After,
    /// `INSTEAD OF`, on views.
    InsteadOf,
}

/// What a trigger fires on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerEvent {
    /// `DELETE`
    Delete,
    /// `INSERT`
    Insert,
    /// `UPDATE [OF columns]`; empty: any column.
    Update(Vec<Name>),
}

/// One statement of a trigger program.
#[derive(Debug, Clone, PartialEq)]
pub enum TriggerStep {
    /// A query, run for its effects.
    Select(Box<Select>),
    /// INSERT.
    Insert(Box<Insert>),
    /// UPDATE.
    Update(Box<Update>),
    /// DELETE.
    Delete(Box<Delete>),
}

impl TriggerStep {
    /// The table that it changes is written with the name of its database.
    pub fn is_qualified(&self) -> bool {
        match self {
            Self::Select(_) => false,
            Self::Insert(insert) => insert.table.schema.is_some(),
            Self::Update(update) => update.table.name.schema.is_some(),
            Self::Delete(delete) => delete.table.name.schema.is_some(),
        }
    }
}

/// `DROP TABLE|INDEX|VIEW|TRIGGER`.
#[derive(Debug, Clone, PartialEq)]
pub struct Drop {
    /// What kind of object.
    pub kind: ObjectKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// The object.
    pub name: QualifiedName,
}

/// Kinds of schema objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A table.
    Table,
    /// An index.
    Index,
    /// A view.
    View,
    /// A trigger.
    Trigger,
}

/// `ALTER TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlterTable {
    /// The table.
    pub table: QualifiedName,
    /// What is altered.
    pub action: AlterAction,
}

/// The actions of ALTER TABLE.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterAction {
    /// `RENAME TO name`
    RenameTo(Name),
    /// `RENAME [COLUMN] from TO to`
    RenameColumn {
        /// The old name.
        from: Name,
        /// The new name.
        to: Name,
    },
    /// `ADD [COLUMN] column`
    AddColumn(Box<ColumnDef>),
    /// `DROP [COLUMN] name`
    DropColumn(Name),
    /// `ADD [CONSTRAINT name] CHECK (...)`
    AddConstraint(Box<TableConstraint>),
    /// `DROP CONSTRAINT name`
    DropConstraint(Name),
    /// `ALTER [COLUMN] name SET NOT NULL`
    SetNotNull {
        /// The column.
        column: Name,
        /// ON CONFLICT.
        on_conflict: Option<ConflictResolution>,
        /// The text of the constraint, from NOT to the last token.
        text: Span,
    },
    /// `ALTER [COLUMN] name DROP NOT NULL`
    DropNotNull {
        /// The column.
        column: Name,
    },
}

//! The changes of a changeset made in the database `main` of a connection.
//!
//! A change that meets a constraint may do so only because a later one has not been made: it waits, and is tried again when the
//! table's other changes are made, until nothing moves any more. UPDATEs that then still block each other (two rows that
//! swap a unique value) are resolved by giving one of them a value nobody has for the time being. What remains is a conflict.

use std::sync::Arc;

use turso_core::{Connection, Error, Result, ResultCode, Value};

use crate::format::{Change, Kind, Operation, TableHeader, put_field};
use crate::input::Input;
use crate::output::Output;
use crate::reader::{Reader, ReaderOptions};
use crate::shape::Shape;
use crate::statements::{Outcome, Statements};

/// How a changeset is applied.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApplyOptions {
    /// No savepoint of its own: what was made before a failure stays.
    pub no_savepoint: bool,
    /// Apply the inverse.
    pub invert: bool,
    /// No conflicts about changes that would change nothing.
    pub ignore_no_ops: bool,
    /// Foreign keys behave as if declared with NO ACTION.
    pub no_foreign_key_actions: bool,
    /// UPDATEs that block each other are conflicts.
    pub no_update_loops: bool,
}

/// What is in the way of a change; the numbers are SQLite's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ConflictKind {
    /// The row does not hold the old values.
    Data = 1,
    /// There is no such row.
    NotFound = 2,
    /// There is a row with that key.
    Conflict = 3,
    /// A constraint.
    Constraint = 4,
    /// All changes are made, and rows break foreign keys.
    ForeignKey = 5,
}

/// What is done about it; the numbers are SQLite's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Resolution {
    /// The change is left out.
    Omit = 0,
    /// The change is made all the same. Only of [`ConflictKind::Data`] and [`ConflictKind::Conflict`].
    Replace = 1,
    /// Everything is undone (`SQLITE_ABORT`).
    Abort = 2,
}

/// A conflict as a handler sees it.
#[derive(Debug, Clone, Copy)]
pub struct Conflict<'a> {
    /// What is in the way.
    pub kind: ConflictKind,
    /// The change; `None` about foreign keys.
    pub change: Option<&'a Change>,
    /// The row that is in the way.
    pub row: Option<&'a [Value]>,
    /// Something breaks foreign keys: 1.
    pub foreign_key_violations: Option<i64>,
}

/// Decides about tables, changes and conflicts. It may use the connection.
pub trait Handler {
    /// The changes of this table are applied.
    fn wants_table(&mut self, _name: &[u8]) -> bool {
        true
    }

    /// This change is applied.
    fn wants_change(&mut self, _change: &Change) -> bool {
        true
    }

    /// What to do about a conflict; `None` is an answer that there is not (`SQLITE_MISUSE`).
    fn resolve(&mut self, conflict: &Conflict<'_>) -> Option<Resolution>;

    /// The changes of a table were left out, because the database has none that fits.
    fn table_does_not_fit(&mut self, _message: &str) {}
}

/// Make the changes. Answers the rebase blob, empty without conflicts: how conflicts were resolved, for a
/// [`Rebaser`](crate::Rebaser).
pub fn apply(
    connection: &Connection,
    input: Input<'_>,
    options: ApplyOptions,
    handler: &mut dyn Handler,
) -> Result<Vec<u8>> {
    if options.no_foreign_key_actions {
        connection.set_foreign_key_actions(false);
    }
    let outcome = within_savepoint(connection, input, options, handler);
    if options.no_foreign_key_actions {
        connection.set_foreign_key_actions(true);
    }
    outcome
}

fn within_savepoint(
    connection: &Connection,
    input: Input<'_>,
    options: ApplyOptions,
    handler: &mut dyn Handler,
) -> Result<Vec<u8>> {
    if !options.no_savepoint {
        connection.execute_batch("SAVEPOINT changeset_apply")?;
    }
    let outcome = make_all(connection, input, options, handler);
    if options.no_savepoint {
        return outcome;
    }
    let outcome = outcome.and_then(|rebase| connection.execute_batch("RELEASE changeset_apply").map(|()| rebase));
    if outcome.is_err() {
        // A failure that has ended the transaction has taken the savepoint along.
        let _ = connection.execute_batch("ROLLBACK TO changeset_apply; RELEASE changeset_apply");
    }
    outcome
}

fn make_all(
    connection: &Connection,
    input: Input<'_>,
    options: ApplyOptions,
    handler: &mut dyn Handler,
) -> Result<Vec<u8>> {
    connection.execute_batch("PRAGMA defer_foreign_keys = 1")?;
    let mut reader = Reader::new(input, ReaderOptions { invert: options.invert, skip_empty: true });
    let mut applier = Applier {
        connection,
        options,
        handler,
        rebase: Output::whole(),
        rebased: None,
        waiting: Vec::new(),
        waits: true,
    };
    let outcome = applier.run(&mut reader).and_then(|()| applier.check_foreign_keys());
    let rebase = std::mem::take(applier.rebase.buffer());
    let undeferred = connection.execute_batch("PRAGMA defer_foreign_keys = 0");
    outcome.and(undeferred).map(|()| rebase)
}

struct Applier<'a> {
    connection: &'a Connection,
    options: ApplyOptions,
    handler: &'a mut dyn Handler,
    rebase: Output<'static>,
    /// The table whose header the rebase blob has last.
    rebased: Option<Arc<TableHeader>>,
    /// Changes of the current table that met a constraint.
    waiting: Vec<Waiting>,
    /// Such changes wait.
    waits: bool,
}

/// A change that met a constraint.
#[derive(Clone)]
struct Waiting {
    change: Change,
    /// It was agreed that it takes the place of the row with its key.
    replaces: bool,
}

/// The table at hand.
enum Target<'c> {
    Skipped,
    Open(Box<Statements<'c>>),
}

impl Applier<'_> {
    fn run(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let connection = self.connection;
        let mut current: Option<(Arc<TableHeader>, Target<'_>)> = None;
        while let Some(change) = reader.next_change()? {
            if !current.as_ref().is_some_and(|(table, _)| Arc::ptr_eq(table, &change.table)) {
                if let Some((_, Target::Open(statements))) = &mut current {
                    self.finish_table(statements)?;
                }
                let target = self.open(connection, &change.table)?;
                current = Some((change.table.clone(), target));
            }
            if let Some((_, Target::Open(statements))) = &mut current
                && self.handler.wants_change(change)
            {
                self.make(statements, change)?;
            }
        }
        match &mut current {
            Some((_, Target::Open(statements))) => self.finish_table(statements),
            _ => Ok(()),
        }
    }

    fn open<'c>(&mut self, connection: &'c Connection, header: &TableHeader) -> Result<Target<'c>> {
        if !self.handler.wants_table(&header.name) {
            return Ok(Target::Skipped);
        }
        let name = String::from_utf8_lossy(&header.name);
        let shape = Shape::load(connection, "main", &name, true)?;
        let warning = match &shape {
            None => format!("no such table: {name}"),
            Some(shape) if shape.len() < header.column_count() => {
                format!("table {name} has {} columns, expected {} or more", shape.len(), header.column_count())
            }
            Some(shape) if !same_key(&header.key, &shape.key) => format!("primary key mismatch for table {name}"),
            Some(shape) => return Ok(Target::Open(Box::new(Statements::new(connection, header, shape.clone())))),
        };
        self.handler.table_does_not_fit(&format!("sqlite3changeset_apply(): {warning}"));
        Ok(Target::Skipped)
    }

    /// Make the change, or deal with what is in its way.
    fn make(&mut self, statements: &mut Statements<'_>, change: &Change) -> Result<()> {
        match change.operation {
            Operation::Insert => match statements.insert(change)? {
                Outcome::Changed(_) => Ok(()),
                Outcome::Constraint => match statements.row(change)? {
                    Some(row) => self.meet_row(statements, change, ConflictKind::Conflict, &row),
                    None => self.meet_constraint(change, false),
                },
            },
            Operation::Delete | Operation::Update => match self.alter(statements, change, false)? {
                Outcome::Changed(0) => match statements.row(change)? {
                    Some(row) => self.meet_row(statements, change, ConflictKind::Data, &row),
                    None if self.options.ignore_no_ops && change.operation == Operation::Delete => {
                        self.note(change, Resolution::Omit);
                        Ok(())
                    }
                    None => self.ask(Conflict::about(ConflictKind::NotFound, change, None)).map(|_| ()),
                },
                Outcome::Changed(_) => Ok(()),
                Outcome::Constraint => self.meet_constraint(change, false),
            },
        }
    }

    fn alter(&self, statements: &mut Statements<'_>, change: &Change, whatever_it_holds: bool) -> Result<Outcome> {
        match change.operation {
            Operation::Update => statements.update(change, whatever_it_holds),
            _ => statements.delete(change, whatever_it_holds),
        }
    }

    /// A row is in the way.
    fn meet_row(
        &mut self,
        statements: &mut Statements<'_>,
        change: &Change,
        kind: ConflictKind,
        row: &[Value],
    ) -> Result<()> {
        if self.options.ignore_no_ops && would_change_nothing(change, row) {
            return Ok(());
        }
        if self.ask(Conflict::about(kind, change, Some(row)))? == Resolution::Omit {
            return Ok(());
        }
        let outcome = match kind {
            ConflictKind::Data => self.alter(statements, change, true)?,
            _ => return self.replace_row(statements, change),
        };
        match outcome {
            Outcome::Changed(_) => Ok(()),
            Outcome::Constraint => self.meet_constraint(change, false),
        }
    }

    /// Remove the row that has an INSERT's key, and insert; the row stays if that fails.
    fn replace_row(&mut self, statements: &mut Statements<'_>, change: &Change) -> Result<()> {
        self.connection.execute_batch("SAVEPOINT replace_op")?;
        let outcome = match statements.delete(change, true) {
            Ok(Outcome::Changed(_)) => statements.insert(change),
            other => other,
        };
        if let Ok(Outcome::Changed(_)) = outcome {
            return self.connection.execute_batch("RELEASE replace_op");
        }
        let undone = self.connection.execute_batch("ROLLBACK TO replace_op; RELEASE replace_op");
        // A failure may have ended the transaction, and the savepoint with it: the failure is what is told.
        outcome?;
        undone?;
        self.meet_constraint(change, true)
    }

    /// A constraint is in the way.
    fn meet_constraint(&mut self, change: &Change, replaces: bool) -> Result<()> {
        if self.waits {
            self.waiting.push(Waiting { change: change.clone(), replaces });
            return Ok(());
        }
        self.ask(Conflict::about(ConflictKind::Constraint, change, None)).map(|_| ())
    }

    fn ask(&mut self, conflict: Conflict<'_>) -> Result<Resolution> {
        let answer = self.handler.resolve(&conflict).ok_or_else(|| Error::from_code(ResultCode::MISUSE))?;
        match (conflict.kind, answer) {
            (_, Resolution::Abort) => return Err(Error::from_code(ResultCode::ABORT)),
            (ConflictKind::Data | ConflictKind::Conflict, _) | (_, Resolution::Omit) => {}
            _ => return Err(Error::from_code(ResultCode::MISUSE)),
        }
        if let Some(change) = conflict.change {
            self.note(change, answer);
        }
        Ok(answer)
    }

    /// Note in the rebase blob how a conflict was resolved.
    fn note(&mut self, change: &Change, answer: Resolution) {
        let table = &change.table;
        if table.kind == Kind::Patchset {
            return;
        }
        table.begin(&mut self.rebased, &mut self.rebase);
        let delete = change.operation == Operation::Delete;
        self.rebase.byte(if delete { Operation::Delete } else { Operation::Insert } as u8);
        self.rebase.byte(u8::from(answer == Resolution::Replace));
        for column in 0..table.column_count() {
            let from_old = delete || (change.operation == Operation::Update && table.is_key(column));
            let field = if from_old { change.old_field(column) } else { change.new_field(column) };
            put_field(self.rebase.buffer(), field);
        }
    }

    /// All changes of a table have been tried: try those that wait again.
    fn finish_table(&mut self, statements: &mut Statements<'_>) -> Result<()> {
        self.retry(statements)?;
        if !self.options.no_update_loops {
            self.break_loops(statements)?;
        }
        self.waits = false;
        let left = std::mem::take(&mut self.waiting);
        let outcome = left.iter().try_for_each(|waiting| self.make_waiting(statements, waiting));
        self.waits = true;
        outcome
    }

    /// Make what waits, until nothing moves any more.
    fn retry(&mut self, statements: &mut Statements<'_>) -> Result<()> {
        loop {
            let tried = std::mem::take(&mut self.waiting);
            for waiting in &tried {
                self.make_waiting(statements, waiting)?;
            }
            if self.waiting.is_empty() || self.waiting.len() == tried.len() {
                return Ok(());
            }
        }
    }

    fn make_waiting(&mut self, statements: &mut Statements<'_>, waiting: &Waiting) -> Result<()> {
        match waiting.replaces {
            true => self.replace_row(statements, &waiting.change),
            false => self.make(statements, &waiting.change),
        }
    }

    /// Take UPDATEs that wait out of each other's way.
    fn break_loops(&mut self, statements: &mut Statements<'_>) -> Result<()> {
        let mut at = 0;
        while let Some(Waiting { change, .. }) = self.waiting.get(at).cloned() {
            at += 1;
            if change.operation != Operation::Update {
                continue;
            }
            let before = self.waiting.clone();
            self.connection.execute_batch("SAVEPOINT update_loop")?;
            let broken = self.break_loop(statements, at - 1, &change);
            if let Ok(true) = broken {
                self.connection.execute_batch("RELEASE update_loop")?;
                at = 0;
            } else {
                self.connection.execute_batch("ROLLBACK TO update_loop; RELEASE update_loop")?;
                self.waiting = before;
                broken?;
            }
        }
        Ok(())
    }

    /// Give the row of an UPDATE values that nobody has, make the others, then make the UPDATE.
    fn break_loop(&mut self, statements: &mut Statements<'_>, at: usize, change: &Change) -> Result<bool> {
        let parked = self.parked(change)?;
        if !matches!(statements.update(&parked, false)?, Outcome::Changed(count) if count > 0) {
            return Ok(false);
        }
        self.waiting.remove(at);
        let count = self.waiting.len();
        self.retry(statements)?;
        if self.waiting.len() == count {
            return Ok(false);
        }
        Ok(matches!(statements.update(change, true)?, Outcome::Changed(_)))
    }

    /// The UPDATE with values that nobody has.
    fn parked(&self, change: &Change) -> Result<Change> {
        let mut parked = change.clone();
        let mut statement = self.connection.prepare("SELECT random()")?.statement;
        for field in parked.new.iter_mut().filter(|field| field.is_some()) {
            if let Some(statement) = &mut statement {
                statement.step()?;
                *field = statement.row().first().cloned();
                statement.reset();
            }
        }
        Ok(parked)
    }

    /// All changes are made: ask about rows that break foreign keys.
    fn check_foreign_keys(&mut self) -> Result<()> {
        if self.connection.deferred_violations() <= 0 {
            return Ok(());
        }
        let conflict =
            Conflict { kind: ConflictKind::ForeignKey, change: None, row: None, foreign_key_violations: Some(1) };
        match self.handler.resolve(&conflict) {
            Some(Resolution::Omit) => Ok(()),
            _ => Err(Error::from_code(ResultCode::CONSTRAINT)),
        }
    }
}

impl<'a> Conflict<'a> {
    fn about(kind: ConflictKind, change: &'a Change, row: Option<&'a [Value]>) -> Self {
        Self { kind, change: Some(change), row, foreign_key_violations: None }
    }
}

/// The changeset's key is the table's; columns that the table has besides belong to no key.
fn same_key(change: &[u8], table: &[u8]) -> bool {
    let (known, rest) = table.split_at(change.len().min(table.len()));
    known.iter().zip(change).all(|(&known, &told)| (known == 0) == (told == 0))
        && rest.iter().all(|&position| position == 0)
}

/// The row already is what the change would make of it.
fn would_change_nothing(change: &Change, row: &[Value]) -> bool {
    match change.operation {
        Operation::Delete => false,
        _ => (0..row.len()).all(|column| match (change.new_field(column), row.get(column)) {
            (Some(new), Some(held)) => new == held,
            _ => true,
        }),
    }
}

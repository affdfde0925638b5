//! VACUUM and VACUUM INTO.
//!
//! ```text
//!  plan      rows of sqlite_schema -> which trees, in which order; a new tree for each in a temporary pager
//!  copy      tree by tree, entries in order                                   bounded memory, may be pending
//!  schema    the rows of sqlite_schema with the new root pages
//!  hand over the temporary pager's pages take the place of the database's own, and are committed through the
//!            journal or the log like any other change: a crash leaves the old content or the new
//! ```
//! Into a file, the temporary pager is handed over to a database of its own instead.
//!
//! What SQLite does, and so we: tables first (each with its automatic indexes), then indexes, then views, triggers and
//! virtual tables; `sqlite_sequence` follows the first table that needs it, and is gone where none does; rows are
//! numbered anew where the table has neither an INTEGER PRIMARY KEY nor an index (not INTO a file).

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_schema::{Schema, SchemaRow, build_schema};
use turso_storage::btree::{BTreeCursor, CopyAs, CursorKind, TreeCopy, create_tree};
use turso_storage::{DatabaseHeader, JournalMode, PageNo, Pager, WriteMode};
use turso_value::{Value, encode_record};

use super::encoding::encoding_of;
use super::schema::{Fields, schema_row};
use super::state::State;
use crate::database::Database;

/// The schema format that new databases have.
const SCHEMA_FORMAT: u32 = 4;

/// A VACUUM under way.
pub(crate) struct Vacuum {
    /// The file of VACUUM INTO.
    into: Option<Pager>,
    built: Pager,
    /// The rows of `sqlite_schema` as they will be.
    rows: Vec<NewRow>,
    phase: Phase,
}

/// Where it stands; the number is that of a row.
enum Phase {
    MakeTrees(usize),
    CopyTrees(usize, Option<Box<TreeCopy>>),
    WriteSchema(usize, Box<BTreeCursor>),
    HandOver,
    CommitInto,
    ReadSchema,
}

/// A row of the new `sqlite_schema`.
struct NewRow {
    fields: Fields,
    /// How the tree is copied, for rows that have one.
    tree: Option<CopyAs>,
    /// Its old root page.
    from: u32,
}

impl State {
    /// Runs the statement; to be called again while it is pending.
    pub fn run_vacuum(&mut self, db: usize, into: Option<&Value>) -> Result<()> {
        // Temporary tables go with their connection.
        if db == 1 {
            return Ok(());
        }
        if self.settings.query_only {
            return Err(Error::from_code(ResultCode::READONLY));
        }
        let result = match self.vacuum.take() {
            Some(vacuum) => Ok(vacuum),
            None => self.begin_vacuum(db, into).map(Box::new),
        };
        let mut vacuum = result?;
        let result = self.continue_vacuum(db, &mut vacuum);
        if matches!(result, Err(Error::Pending)) {
            self.vacuum = Some(vacuum);
        }
        result
    }

    fn begin_vacuum(&mut self, db: usize, into: Option<&Value>) -> Result<Vacuum> {
        if !self.autocommit {
            return Err(Error::sql("cannot VACUUM from within a transaction"));
        }
        if self.active_statements > 1 {
            return Err(Error::sql("cannot VACUUM - SQL statements in progress"));
        }
        let target = match into {
            None => None,
            Some(Value::Text(name)) => Some(String::from_utf8_lossy(name).into_owned()),
            Some(_) => return Err(Error::sql("non-text filename")),
        };
        self.begin_read(db)?;
        if target.is_none() {
            self.begin_write(db, WriteMode::Exclusive)?;
            // Nothing of the content changes: the commit hook is not asked.
            self.hooks.commit_agreed = true;
        }
        let resets = self.settings.switches.reset_database && target.is_none();
        let source = if resets { Vec::new() } else { self.read_rows(db, PageNo::ONE)? };
        let into = match target {
            Some(name) => Some(self.open_vacuum_target(db, &name)?),
            None => None,
        };
        let (page_size, auto_vacuum) = (self.settings.next_page_size, self.settings.next_auto_vacuum);
        let entry = &self.databases[db];
        let mut header = *entry.pager.header();
        if resets {
            (header.text_encoding, header.user_version, header.application_id, header.default_cache_size) =
                (0, 0, 0, 0);
        }
        let keeps_size =
            into.is_none() && (entry.pager.journal_mode() == JournalMode::Wal || entry.pager.database_file().is_none());
        let rows = plan(&source, &header, into.is_some())?;
        let reserved = header.reserved.max(entry.reserved_wanted);
        let page_size = page_size.filter(|_| !keeps_size).unwrap_or(header.page_size);
        let new = DatabaseHeader {
            page_size,
            reserved: if has_room(page_size, reserved) { reserved } else { header.reserved },
            largest_root: auto_vacuum.map_or(u32::from(header.largest_root != 0), |mode| u32::from(mode != 0)),
            incremental_vacuum: auto_vacuum.map_or(header.incremental_vacuum, |mode| u32::from(mode == 2)),
            schema_cookie: header.schema_cookie.wrapping_add(1),
            schema_format: if rows.is_empty() { header.schema_format } else { SCHEMA_FORMAT },
            default_cache_size: header.default_cache_size,
            text_encoding: header.text_encoding,
            user_version: header.user_version,
            application_id: header.application_id,
            ..DatabaseHeader::new(header.page_size)
        };
        let built = Pager::temp_database(Some(self.temp_space().clone()), new);
        Ok(Vacuum { into, built, rows, phase: Phase::MakeTrees(0) })
    }

    /// Opens the file of VACUUM INTO, which must not hold a database yet.
    fn open_vacuum_target(&mut self, db: usize, name: &str) -> Result<Pager> {
        let mut options = self.options.clone();
        (options.read_only, options.create, options.new_uses_wal, options.shared_memory) = (false, true, false, false);
        let database = Database::open(name, options)
            .map_err(|e| if e.is(ResultCode::CANTOPEN) { cannot_open(name) } else { e })?;
        let mut pager = database.new_entry("vacuum_db").pager;
        let synchronous = self.databases[db].pager.synchronous();
        pager.set_synchronous(synchronous);
        pager.block_on(Pager::begin_read)?;
        let empty = pager.page_count() == 0;
        pager.end_read();
        if !empty {
            return Err(Error::sql("output file already exists"));
        }
        // There is nothing in it that a rollback could bring back.
        pager.set_journal_mode(JournalMode::Off)?;
        pager.block_on(|p| p.begin_write(WriteMode::Exclusive))?;
        Ok(pager)
    }

    fn continue_vacuum(&mut self, db: usize, vacuum: &mut Vacuum) -> Result<()> {
        loop {
            self.check_interrupt()?;
            let step = self.vacuum_step(db, vacuum);
            match self.pending_on(db, step)? {
                Some(next) => vacuum.phase = next,
                None => return Ok(()),
            }
        }
    }

    /// One step; the phase that follows, `None` at the end. Nothing that a repetition would do twice has been done where
    /// it is pending.
    fn vacuum_step(&mut self, db: usize, vacuum: &mut Vacuum) -> Result<Option<Phase>> {
        let source = &mut self.databases[db].pager;
        let built = &mut vacuum.built;
        Ok(Some(match &mut vacuum.phase {
            Phase::MakeTrees(at) => match vacuum.rows.get_mut(*at) {
                Some(row) => {
                    if let Some(how) = &row.tree {
                        let root = create_tree(built, matches!(how, CopyAs::Rows | CopyAs::RenumberedRows))?;
                        row.fields[3] = Value::Integer(i64::from(root.0));
                    }
                    built.unpin();
                    Phase::MakeTrees(*at + 1)
                }
                None => Phase::CopyTrees(0, None),
            },
            Phase::CopyTrees(at, copy) => match (vacuum.rows.get(*at), copy) {
                (None, _) => Phase::WriteSchema(0, Box::new(BTreeCursor::new(PageNo::ONE, CursorKind::Table))),
                (Some(_), Some(copy)) => {
                    if !copy.run(source, built)? {
                        return Ok(Some(Phase::CopyTrees(*at, vacuum.phase.take_copy())));
                    }
                    Phase::CopyTrees(*at + 1, None)
                }
                (Some(row), None) => match (&row.tree, &row.fields[3]) {
                    (Some(how), Value::Integer(to)) => {
                        let copy = TreeCopy::new(PageNo(row.from), PageNo(*to as u32), how.clone());
                        Phase::CopyTrees(*at, Some(Box::new(copy)))
                    }
                    _ => Phase::CopyTrees(*at + 1, None),
                },
            },
            Phase::WriteSchema(at, cursor) => match vacuum.rows.get(*at) {
                Some(row) => {
                    let mut record = Vec::new();
                    encode_record(
                        &row.fields,
                        encoding_of(built.header().text_encoding).unwrap_or_default(),
                        &mut record,
                    );
                    cursor.append(built, Some(*at as i64 + 1), record.as_slice().into())?;
                    built.unpin();
                    *at += 1;
                    return Ok(Some(vacuum.phase.take()));
                }
                None => Phase::HandOver,
            },
            Phase::HandOver => {
                let built = std::mem::replace(built, Pager::temp(512));
                match &mut vacuum.into {
                    Some(target) => {
                        target.take_over(built)?;
                        Phase::CommitInto
                    }
                    None => {
                        source.take_over(built)?;
                        Phase::ReadSchema
                    }
                }
            }
            Phase::CommitInto => {
                if let Some(target) = &mut vacuum.into {
                    target.block_on(Pager::commit)?;
                    target.end_read();
                }
                return Ok(None);
            }
            Phase::ReadSchema => {
                self.refresh_schema(db, true)?;
                return Ok(None);
            }
        }))
    }
}

impl Phase {
    fn take(&mut self) -> Phase {
        std::mem::replace(self, Phase::HandOver)
    }

    fn take_copy(&mut self) -> Option<Box<TreeCopy>> {
        match self {
            Phase::CopyTrees(_, copy) => copy.take(),
            _ => None,
        }
    }
}

/// Pages of this size can spare so many bytes at their end.
pub(super) fn has_room(page_size: u32, reserved: u8) -> bool {
    page_size - u32::from(reserved) >= 480
}

fn cannot_open(name: &str) -> Error {
    Error::new(ResultCode::CANTOPEN, format!("unable to open database: {name}"))
}

/// The rows of the new `sqlite_schema` in their order, roots still to be filled in.
fn plan(source: &[Fields], header: &DatabaseHeader, into: bool) -> Result<Vec<NewRow>> {
    let rows: Vec<SchemaRow> = source.iter().map(schema_row).collect::<Result<_>>()?;
    // As the new file will be read: there DESC means what it says, also where it did not in the old one.
    let mut schema = Schema::empty(false);
    schema.encoding = encoding_of(header.text_encoding).unwrap_or_default();
    schema.file_format = SCHEMA_FORMAT;
    build_schema(&mut schema, &rows)?;
    let resort = header.schema_format < SCHEMA_FORMAT;
    let mut planned = Vec::with_capacity(rows.len());
    let mut add = |at: usize, tree: Option<CopyAs>| {
        let (fields, from) = (source[at].clone(), rows[at].root);
        planned.push(NewRow { fields, tree, from });
    };
    let automatic = |row: &SchemaRow| row.kind == "index" && row.sql.is_none();
    let is_sequence = |row: &SchemaRow| row.kind == "table" && row.name.eq_ignore_ascii_case("sqlite_sequence");
    let mut sequence = rows.iter().position(is_sequence);
    for (at, row) in rows.iter().enumerate() {
        if row.kind != "table" || row.root == 0 || is_sequence(row) {
            continue;
        }
        let known = schema.table(&row.name);
        let indexed = rows.iter().any(|r| r.kind == "index" && r.table.eq_ignore_ascii_case(&row.name));
        let how = match known {
            Some(table) if !table.has_rowid() => records(&schema, table.primary_key_index(), resort),
            Some(table) if !into && table.rowid_alias.is_none() && !indexed => CopyAs::RenumberedRows,
            _ => CopyAs::Rows,
        };
        add(at, Some(how));
        for (at, index) in
            rows.iter().enumerate().filter(|(_, r)| automatic(r) && r.table.eq_ignore_ascii_case(&row.name))
        {
            add(at, Some(records(&schema, schema.index(&index.name), resort)));
        }
        if known.is_some_and(|table| table.autoincrement)
            && let Some(at) = sequence.take()
        {
            add(at, Some(if into { CopyAs::Rows } else { CopyAs::RenumberedRows }));
        }
    }
    for (at, row) in rows.iter().enumerate().filter(|(_, r)| r.kind == "index" && r.sql.is_some() && r.root != 0) {
        add(at, Some(records(&schema, schema.index(&row.name), resort)));
    }
    for (at, row) in rows.iter().enumerate() {
        if row.kind == "view" || row.kind == "trigger" || (row.kind == "table" && row.root == 0) {
            add(at, None);
        }
    }
    Ok(planned)
}

/// How the records of an index are copied.
fn records(schema: &Schema, index: Option<&Arc<turso_schema::Index>>, resort: bool) -> CopyAs {
    if let Some(index) = index.filter(|_| resort)
        && let Some(table) = schema.table(&index.table)
    {
        let key = table.key_info(index, schema.encoding);
        if key.columns.iter().any(|column| column.descending) {
            return CopyAs::SortedRecords(Arc::new(key));
        }
    }
    CopyAs::Records
}

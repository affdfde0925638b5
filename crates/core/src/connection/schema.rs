//! Reading the catalogue: the rows of `sqlite_schema` become a [`Schema`] snapshot.
//!
//! A snapshot is shared by all connections of a database as long as the schema cookie stays what it was. Reading is
//! restartable: the cursor and the rows read so far wait in [`Loading`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use turso_error::{Error, Result, ResultCode};
use turso_schema::{Schema, SchemaRow, build_schema};
use turso_storage::PageNo;
use turso_storage::btree::{BTreeCursor, CursorKind};
use turso_value::{TextEncoding, Value};

use super::state::State;

/// The newest schema format that is understood.
const NEWEST_FORMAT: u32 = 4;

/// The first fields of a row: all of `sqlite_stat4`, and more than `sqlite_schema` and `sqlite_stat1` have.
pub(super) type Fields = [Value; 6];

/// A scan of `sqlite_schema` or `sqlite_stat1` in progress.
pub(crate) struct Loading {
    root: PageNo,
    cursor: BTreeCursor,
    started: bool,
    /// The row under the cursor has not been taken yet.
    on_row: bool,
    epoch: u64,
    rows: Vec<Fields>,
}

impl State {
    /// The catalogues of all databases are there. A catalogue that a running transaction knows is used as it is;
    /// whether it still fits the file is checked when a program begins.
    pub fn ensure_schemas(&mut self) -> Result<()> {
        for db in 0..self.databases.len() {
            let Some(entry) = self.databases.get(db) else { break };
            if entry.schema.is_some() && !entry.statistics_stale {
                continue;
            }
            let read_before = entry.pager.in_read();
            if self.databases.get(db).is_some_and(|d| d.schema.is_none()) {
                self.load_schema(db)?;
            }
            if self.databases.get(db).is_some_and(|d| d.statistics_stale) {
                self.load_statistics(db)?;
            }
            // A transaction reads from its first statement on, not from when that was prepared.
            if let Some(entry) = self.databases.get_mut(db).filter(|_| !read_before) {
                entry.pager.end_look();
            }
        }
        self.end_reads_if_idle();
        Ok(())
    }

    /// A damaged catalogue is no obstacle: `PRAGMA writable_schema` is on.
    fn mends_schema(&self) -> bool {
        self.settings.writable_schema && !self.settings.switches.defensive
    }

    /// Drop the catalogues that no longer fit their files; true if there were any. Snapshots that are open stay, others are let go.
    pub fn forget_stale_schemas(&mut self) -> Result<bool> {
        let mut stale = false;
        for db in 0..self.databases.len() {
            let Some(entry) = self.databases.get(db) else { break };
            let (Some(schema), false) = (&entry.schema, entry.pager.in_read() || entry.database.is_none()) else {
                continue;
            };
            let known = schema.cookie;
            self.begin_read(db)?;
            let Some(entry) = self.databases.get_mut(db) else { break };
            if entry.pager.header().schema_cookie != known {
                entry.schema = None;
                stale = true;
            }
            entry.pager.end_read();
        }
        Ok(stale)
    }

    /// Read or share the catalogue of one database.
    pub fn load_schema(&mut self, db: usize) -> Result<()> {
        self.begin_read(db)?;
        if self.shares_cache {
            self.tell_schema_known(db);
        }
        let encoding = self.text_encoding(db);
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        let cookie = entry.pager.header().schema_cookie;
        if file_format(entry.pager.header()) > NEWEST_FORMAT {
            return Err(Error::sql("unsupported file format"));
        }
        if self.settings.switches.reset_database && db != 1 {
            // Whatever is in the database, it is about to go.
            entry.statistics_stale = false;
            entry.schema = Some(Arc::new(empty_schema(entry.pager.header(), encoding, false)));
            self.generation = self.generation.wrapping_add(1);
            return Ok(());
        }
        // A file without a page has no encoding yet: its catalogue is this connection's own.
        if !entry.pager.in_write()
            && entry.pager.page_count() > 0
            && let Some(shared) = entry.database.as_ref().and_then(|d| d.shared_schema(cookie))
            && shared.encoding == encoding
        {
            // Whoever shared it may not have come to that.
            entry.statistics_stale = shared.statistics.is_empty() && shared.table("sqlite_stat1").is_some();
            entry.schema = Some(shared);
            self.generation = self.generation.wrapping_add(1);
            return self.take_encoding(db);
        }
        // Whoever may write the schema may want to mend it: what can be read of it is enough.
        let mends = self.mends_schema();
        let (rows, damage) = self.read_rows_until_damage(db, PageNo::ONE)?;
        let rows = rows.iter().map(schema_row).collect::<Result<Vec<_>>>();
        let rows = match rows {
            Err(error) if mends && error.is(ResultCode::CORRUPT) => None,
            _ if mends && damage.is_some() => None,
            rows => Some(rows?),
        };
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        let mut schema = empty_schema(entry.pager.header(), encoding, db == 1);
        let mut whole = rows.is_some();
        if let Some(rows) = rows
            && let Err(error) = build_schema(&mut schema, &rows)
        {
            if !mends {
                return Err(error);
            }
            whole = false;
            schema = what_can_be_built(empty_schema(entry.pager.header(), encoding, db == 1), &rows);
        }
        if let Some(damage) = damage.filter(|_| !mends) {
            return Err(damage);
        }
        entry.statistics_stale = whole && schema.table("sqlite_stat1").is_some();
        let schema = Arc::new(schema);
        if whole
            && !entry.pager.in_write()
            && entry.pager.page_count() > 0
            && let Some(database) = &entry.database
        {
            database.share_schema(&schema);
        }
        entry.schema = Some(schema);
        self.generation = self.generation.wrapping_add(1);
        self.take_encoding(db)
    }

    /// Take up what ANALYZE has noted.
    fn load_statistics(&mut self, db: usize) -> Result<()> {
        self.begin_read(db)?;
        let Some(known) = self.databases.get(db).and_then(|d| d.schema.clone()) else { return Ok(()) };
        let mut schema = (*known).clone();
        self.read_statistics(db, &mut schema)?;
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        entry.statistics_stale = false;
        let schema = Arc::new(schema);
        if !entry.pager.in_write()
            && let Some(database) = &entry.database
        {
            database.share_schema(&schema);
        }
        entry.schema = Some(schema);
        Ok(())
    }

    /// All rows of `sqlite_schema` in rowid order. Restartable.
    fn read_schema_rows(&mut self, db: usize) -> Result<Vec<SchemaRow>> {
        self.read_rows(db, PageNo::ONE)?.iter().map(schema_row).collect()
    }

    /// What ANALYZE has noted: take up the rows of `sqlite_stat1` and `sqlite_stat4`, as far as the catalogue has those tables. They
    /// help to choose, no more: of damaged ones those count that can be read.
    fn read_statistics(&mut self, db: usize, schema: &mut Schema) -> Result<()> {
        let root_of = |schema: &Schema, name| schema.table(name).filter(|t| t.has_rowid()).map(|t| PageNo(t.root));
        let Some(root) = root_of(schema, "sqlite_stat1") else { return Ok(()) };
        let epoch = self.databases.get(db).map_or(0, |entry| entry.pager.change_epoch());
        // Read already, where the samples have been waited for.
        let plain = match self.databases.get_mut(db).and_then(|entry| entry.plain_statistics.take()) {
            Some((of, rows)) if of == epoch => rows,
            _ => self.read_rows_until_damage(db, root)?.0,
        };
        let samples = match root_of(schema, "sqlite_stat4").map(|root| self.read_rows_until_damage(db, root)) {
            Some(Err(Error::Pending)) => {
                if let Some(entry) = self.databases.get_mut(db) {
                    entry.plain_statistics = Some((epoch, plain));
                }
                return Err(Error::Pending);
            }
            Some(rows) => rows?.0,
            None => Vec::new(),
        };
        let texts: Vec<[Option<String>; 3]> = plain.iter().map(|r| [0, 1, 2].map(|i| text(&r[i]))).collect();
        schema.load_statistics(
            texts
                .iter()
                .filter_map(|[table, index, stat]| Some((table.as_deref()?, index.as_deref(), stat.as_deref()?))),
        );
        let texts: Vec<[Option<String>; 4]> = samples.iter().map(|r| [1, 2, 3, 4].map(|i| text(&r[i]))).collect();
        schema.load_samples(texts.iter().zip(&samples).filter_map(|([index, equal, before, distinct], row)| {
            let lists = [equal.as_deref()?, before.as_deref()?, distinct.as_deref()?];
            let Value::Blob(record) = &row[5] else { return None };
            Some((index.as_deref()?, lists, record.as_slice()))
        }));
        Ok(())
    }

    pub(super) fn read_rows(&mut self, db: usize, root: PageNo) -> Result<Vec<Fields>> {
        match self.read_rows_until_damage(db, root)? {
            (_, Some(damage)) => Err(damage),
            (rows, None) => Ok(rows),
        }
    }

    /// The rows in front of the first that cannot be read, and the error of that one.
    fn read_rows_until_damage(&mut self, db: usize, root: PageNo) -> Result<(Vec<Fields>, Option<Error>)> {
        let result = self.scan(db, root);
        let result = self.pending_on(db, result);
        if matches!(result, Err(Error::Pending)) {
            return Err(Error::Pending);
        }
        let rows = self.databases.get_mut(db).and_then(|entry| entry.loading.take()).map(|loading| loading.rows);
        match result {
            Err(error) if !error.is(ResultCode::CORRUPT) => Err(error),
            result => Ok((rows.unwrap_or_default(), result.err())),
        }
    }

    /// Reads rows into `Database::loading`.
    fn scan(&mut self, db: usize, root: PageNo) -> Result<()> {
        let encoding = self.text_encoding(db);
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        if entry.pager.page_count() == 0 {
            entry.loading = None;
            return Ok(());
        }
        let epoch = entry.pager.change_epoch();
        if entry.loading.as_ref().is_none_or(|l| l.epoch != epoch || l.root != root) {
            let cursor = BTreeCursor::new(root, CursorKind::Table);
            entry.loading = Some(Loading { root, cursor, started: false, on_row: false, epoch, rows: Vec::new() });
        }
        let Some(loading) = &mut entry.loading else { return Ok(()) };
        let pager = &mut entry.pager;
        loop {
            if loading.on_row {
                let mut fields = Fields::default();
                turso_value::record::decode_into(loading.cursor.full_payload(pager)?, encoding, &mut fields)?;
                loading.rows.push(fields);
                loading.on_row = false;
            }
            let more = if loading.started { loading.cursor.next(pager)? } else { loading.cursor.first(pager)? };
            if !more {
                break;
            }
            loading.started = true;
            loading.on_row = true;
            pager.unpin();
        }
        Ok(())
    }

    /// After DDL: take up what is new in `sqlite_schema` (with `all`, read everything afresh).
    pub fn refresh_schema(&mut self, db: usize, all: bool) -> Result<()> {
        let rows = self.read_schema_rows(db)?;
        let encoding = self.text_encoding(db);
        let Some(entry) = self.databases.get_mut(db) else { return Ok(()) };
        let mut schema = match &entry.schema {
            Some(known) if !all => (**known).clone(),
            _ => empty_schema(entry.pager.header(), encoding, db == 1),
        };
        let new: Vec<SchemaRow> = rows.into_iter().filter(|row| all || !is_known(&schema, row)).collect();
        build_schema(&mut schema, &new)?;
        schema.cookie = entry.pager.header().schema_cookie;
        schema.file_format = file_format(entry.pager.header());
        schema.encoding = encoding;
        schema.generation = next_generation();
        entry.statistics_stale |= all && schema.table("sqlite_stat1").is_some();
        entry.schema = Some(Arc::new(schema));
        self.generation = self.generation.wrapping_add(1);
        self.take_encoding(db)
    }

    /// Read all catalogues afresh, whatever their cookies say. What is damaged says so when it is next needed.
    pub fn reread_schemas(&mut self) -> Result<()> {
        for db in 0..self.databases.len() {
            self.begin_read(db)?;
            match self.refresh_schema(db, true) {
                Err(Error::Pending) => return Err(Error::Pending),
                Err(_) => self.databases[db].schema = None,
                Ok(()) => {}
            }
        }
        self.end_reads_if_idle();
        Ok(())
    }

    /// Change the catalogue of one database in place of the connection.
    pub fn edit_schema(&mut self, db: usize, edit: impl FnOnce(&Schema) -> Schema) {
        if let Some(entry) = self.databases.get_mut(db)
            && let Some(schema) = &entry.schema
        {
            let mut edited = edit(schema);
            edited.cookie = entry.pager.header().schema_cookie;
            edited.generation = next_generation();
            entry.schema = Some(Arc::new(edited));
            self.generation = self.generation.wrapping_add(1);
        }
    }
}

/// The catalogue of the rows that make sense, each by itself.
fn what_can_be_built(mut schema: Schema, rows: &[SchemaRow]) -> Schema {
    for row in rows {
        let mut next = schema.clone();
        if build_schema(&mut next, std::slice::from_ref(row)).is_ok() {
            schema = next;
        }
    }
    schema
}

/// A number that no catalogue of this process has had.
fn next_generation() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn is_known(schema: &Schema, row: &SchemaRow) -> bool {
    match row.kind.as_str() {
        "table" | "view" => schema.table(&row.name).is_some(),
        "index" => schema.index(&row.name).is_some_and(|i| i.root == row.root),
        _ => schema.trigger(&row.name).is_some(),
    }
}

/// The schema format, of which one byte counts.
fn file_format(header: &turso_storage::DatabaseHeader) -> u32 {
    header.schema_format & 0xff
}

fn empty_schema(header: &turso_storage::DatabaseHeader, encoding: TextEncoding, temporary: bool) -> Schema {
    let mut schema = Schema::empty(temporary);
    schema.cookie = header.schema_cookie;
    schema.file_format = file_format(header);
    schema.encoding = encoding;
    schema
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

pub(super) fn schema_row(fields: &Fields) -> Result<SchemaRow> {
    let root = match &fields[3] {
        Value::Integer(root) => u32::try_from(*root).map_err(|_| Error::from_code(ResultCode::CORRUPT))?,
        _ => 0,
    };
    Ok(SchemaRow {
        kind: text(&fields[0]).unwrap_or_default(),
        name: text(&fields[1]).unwrap_or_default(),
        table: text(&fields[2]).unwrap_or_default(),
        root,
        sql: text(&fields[4]),
    })
}

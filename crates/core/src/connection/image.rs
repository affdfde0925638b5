//! A database as bytes: what its file would hold.

use turso_error::{Error, Result, ResultCode};
use turso_storage::{DatabaseHeader, PageNo, Pager, WriteMode};

use super::{AttachedDb, Connection, State};

/// Bytes before which there is no page size to be read.
const HEADER: usize = 100;

impl Connection {
    /// The content of a database as its file would hold it; empty for a database without a page.
    pub fn serialize(&self, database: &str) -> Result<Vec<u8>> {
        let mut held = self.lock();
        held.with_stack(|state| {
            state.usable()?;
            let db = state.database_index(database)?;
            let was_read = state.databases[db].pager.in_read();
            state.blocking(|state| state.begin_read(db))?;
            let pager = &mut state.databases[db].pager;
            let bytes = bytes_of(pager);
            if !was_read {
                pager.end_read();
            }
            bytes
        })
    }

    /// Put a database in memory with this content in place of `database`. With `read_only` it cannot be changed.
    pub fn deserialize(&self, database: &str, bytes: &[u8], read_only: bool) -> Result<()> {
        self.deserialize_up_to(database, bytes, read_only, u64::MAX)
    }

    /// The same with a limit: the database grows to so many bytes at most.
    pub fn deserialize_up_to(&self, database: &str, bytes: &[u8], read_only: bool, limit: u64) -> Result<()> {
        let mut held = self.lock();
        held.with_stack(|state| {
            state.usable()?;
            let db = state.database_index(database)?;
            if db == 1 || !state.autocommit || state.active_statements > 0 {
                return Err(Error::from_code(ResultCode::BUSY));
            }
            let pager = pager_of(bytes)?;
            state.replace_pager(db, pager, read_only);
            if let Some(entry) = state.databases.get_mut(db) {
                entry.image_limit = Some(0);
                entry.limit_image(limit);
            }
            Ok(())
        })
    }

    /// The size in bytes to which a database grows that [`Connection::deserialize`] has put in place, by its number; `None` where it
    /// has not. It can be changed, but not to less than the database has.
    pub fn image_limit(&self, database: usize, wanted: Option<u64>) -> Option<u64> {
        let mut state = self.lock();
        let entry = state.databases.get_mut(database)?;
        entry.image_limit?;
        if let Some(wanted) = wanted {
            entry.limit_image(wanted);
        }
        entry.image_limit
    }
}

impl AttachedDb {
    fn limit_image(&mut self, limit: u64) {
        let page_size = u64::from(self.pager.page_size().max(512));
        let limit = limit.max(page_size * u64::from(self.pager.page_count()));
        self.image_limit = Some(limit);
        self.pager.set_max_page_count(u32::try_from(limit / page_size).unwrap_or(u32::MAX));
    }
}

impl State {
    fn replace_pager(&mut self, db: usize, pager: Pager, read_only: bool) {
        let Some(entry) = self.databases.get_mut(db) else { return };
        if entry.pager.in_read() {
            entry.pager.end_read();
        }
        entry.pager = pager;
        entry.file = "".into();
        entry.database = None;
        entry.schema = None;
        entry.schema_before = None;
        entry.loading = None;
        entry.read_only = read_only;
        entry.image_limit = None;
        self.generation = self.generation.wrapping_add(1);
    }
}

fn bytes_of(pager: &mut Pager) -> Result<Vec<u8>> {
    let page_size = pager.page_size() as usize;
    let mut bytes = Vec::with_capacity(page_size.saturating_mul(pager.page_count() as usize));
    for no in (1..=pager.page_count()).map(PageNo) {
        if no == pager.lock_byte_page() {
            bytes.resize(bytes.len() + page_size, 0);
            continue;
        }
        let page = pager.block_on(|pager| pager.page(no))?;
        bytes.extend_from_slice(&page[..]);
        drop(page);
        pager.unpin();
    }
    Ok(bytes)
}

/// A database in memory with these bytes. There is no log that a file in WAL mode could need: it counts as one without.
fn pager_of(bytes: &[u8]) -> Result<Pager> {
    const DEFAULT_PAGE_SIZE: u32 = 4096;
    if bytes.is_empty() {
        return Ok(Pager::in_memory(DEFAULT_PAGE_SIZE));
    }
    if bytes.len() < HEADER {
        return Err(Error::from_code(ResultCode::NOTADB));
    }
    let mut header = DatabaseHeader::decode(bytes)?;
    (header.write_version, header.read_version) = (1, 1);
    let page_size = header.page_size as usize;
    let mut built = Pager::temp_database(None, header);
    for (no, content) in (1..).map(PageNo).zip(bytes.chunks_exact(page_size)) {
        while built.page_count() < no.0 {
            built.append_page();
        }
        if no == built.lock_byte_page() {
            continue;
        }
        built.edit(no).copy_from_slice(content);
    }
    built.edit_header(|h| *h = header);
    let mut pager = Pager::in_memory(header.page_size);
    pager.begin_read()?;
    pager.begin_write(WriteMode::Reserved)?;
    pager.take_over(built)?;
    pager.commit()?;
    pager.end_read();
    Ok(pager)
}

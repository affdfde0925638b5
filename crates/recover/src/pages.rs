//! Where the pages come from, and what is known of the file as a whole.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use turso_core::{Connection, Error, Result, Statement, StepResult, Switch, TextEncoding, Value};

/// How the file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a page.
    pub page_size: u32,
    /// Bytes at the end of each page that are not the engine's.
    pub reserved: u8,
    /// How texts are stored.
    pub encoding: TextEncoding,
    /// Pages there are.
    pub pages: u32,
    /// 0 none, 1 full, 2 incremental.
    pub auto_vacuum: u8,
    /// `PRAGMA user_version`.
    pub user_version: i32,
    /// `PRAGMA application_id`.
    pub application_id: i32,
    /// The first page of the freelist.
    pub freelist: u32,
}

impl Geometry {
    /// Bytes of a page that the engine uses.
    pub fn usable(&self) -> usize {
        (self.page_size as usize).saturating_sub(usize::from(self.reserved)).max(480)
    }

    /// What page 1 says, as far as it makes sense.
    fn of_header(header: &[u8], page_size: u32, pages: u32) -> Self {
        let field = |at: usize| header.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_be_bytes(*b));
        let whole = header.get(..16) == Some(b"SQLite format 3\0".as_slice());
        let field = |at| if whole { field(at) } else { 0 };
        let reserved = header.get(20).copied().filter(|r| whole && page_size - u32::from(*r) >= 480).unwrap_or(0);
        Self {
            page_size,
            reserved,
            encoding: match field(56) {
                2 => TextEncoding::Utf16Le,
                3 => TextEncoding::Utf16Be,
                _ => TextEncoding::Utf8,
            },
            pages,
            auto_vacuum: match (field(52), field(64)) {
                (0, _) => 0,
                (_, 0) => 1,
                _ => 2,
            },
            user_version: field(60) as i32,
            application_id: field(68) as i32,
            freelist: field(32),
        }
    }

    /// A page that maps pages to their parents, of a database with auto-vacuum; or the one at the locks.
    pub fn is_no_tree(&self, page: u32) -> bool {
        let lock_page = (0x4000_0000 / self.page_size) + 1;
        if page == lock_page {
            return true;
        }
        let group = self.usable() as u32 / 5 + 1;
        self.auto_vacuum != 0 && page >= 2 && {
            let mut map = (page - 2) / group * group + 2;
            if map == lock_page {
                map += 1;
            }
            map == page
        }
    }
}

/// The pages of a database.
pub trait Pages {
    /// How they are laid out.
    fn geometry(&self) -> Geometry;

    /// A page, from 1 on; `None` where it cannot be read.
    fn page(&mut self, number: u32) -> Option<Vec<u8>>;
}

/// Pages that a connection reads, all of one snapshot.
pub struct ConnectionPages {
    geometry: Geometry,
    connection: Connection,
    /// `None` once the reading is over.
    statement: Option<Statement>,
    /// `PRAGMA writable_schema` was on before.
    mended: bool,
    /// The transaction is ours.
    begun: bool,
}

impl ConnectionPages {
    /// The pages of one of the connection's databases.
    pub fn open(connection: &Connection, schema: &str) -> Result<Self> {
        let mut opened = Self {
            geometry: Geometry::of_header(&[], 4096, 0),
            connection: connection.clone(),
            statement: None,
            mended: connection.is_on(Switch::WritableSchema),
            begun: false,
        };
        // A damaged catalogue is no obstacle then.
        connection.execute_batch("PRAGMA writable_schema = ON")?;
        if connection.is_autocommit() {
            connection.execute_batch("BEGIN")?;
            opened.begun = true;
        }
        let prepared = connection.prepare("SELECT data FROM sqlite_dbpage(?1) WHERE pgno = ?2")?;
        let mut statement = prepared.statement.ok_or_else(|| Error::sql("no statement"))?;
        statement.bind(1, Value::Text(schema.as_bytes().to_vec()))?;
        opened.statement = Some(statement);
        let name = schema.replace('"', "\"\"");
        let pages = number(connection, &format!("PRAGMA \"{name}\".page_count"))?.unwrap_or(0);
        let page_size = number(connection, &format!("PRAGMA \"{name}\".page_size"))?.unwrap_or(4096);
        let (pages, page_size) = (u32::try_from(pages).unwrap_or(0), u32::try_from(page_size).unwrap_or(4096));
        let header = opened.page(1).unwrap_or_default();
        opened.geometry = Geometry::of_header(&header, page_size, pages);
        Ok(opened)
    }
}

impl Drop for ConnectionPages {
    fn drop(&mut self) {
        self.statement = None;
        // It has only read: nothing is lost where these fail.
        if self.begun {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        if !self.mended {
            let _ = self.connection.execute_batch("PRAGMA writable_schema = OFF");
        }
    }
}

/// The first value that a query answers.
fn number(connection: &Connection, sql: &str) -> Result<Option<i64>> {
    let Some(mut statement) = connection.prepare(sql)?.statement else { return Ok(None) };
    let row = statement.step()? == StepResult::Row;
    Ok(if row { statement.row().first().map(Value::to_integer) } else { None })
}

impl Pages for ConnectionPages {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn page(&mut self, number: u32) -> Option<Vec<u8>> {
        let statement = self.statement.as_mut()?;
        statement.bind(2, Value::Integer(i64::from(number))).ok()?;
        let page = match statement.step() {
            Ok(StepResult::Row) => match statement.row() {
                [Value::Blob(bytes)] => Some(bytes.clone()),
                _ => None,
            },
            _ => None,
        };
        statement.reset();
        page
    }
}

/// Pages of a file as it lies there, whatever its header says.
pub struct ImagePages {
    geometry: Geometry,
    file: File,
    /// The file begins with this page: its first pages are missing.
    first: u32,
}

/// Bytes that are looked at to guess the size of a page.
const SAMPLE: usize = 1 << 20;

impl ImagePages {
    /// The pages of this file.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |_| Error::from_code(turso_core::ResultCode::CANTOPEN);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut sample = vec![0; SAMPLE.min(usize::try_from(length).unwrap_or(SAMPLE))];
        let read = file.read_at(&mut sample, 0).map_err(failed)?;
        sample.truncate(read);
        let (page_size, first) = guess_layout(&sample);
        let pages = u32::try_from(length.div_ceil(u64::from(page_size))).unwrap_or(u32::MAX - 1);
        let header = if first == 1 { &sample[..] } else { &[] };
        let geometry = Geometry::of_header(header, page_size, pages.saturating_add(first - 1));
        Ok(Self { geometry, file, first })
    }
}

impl Pages for ImagePages {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn page(&mut self, number: u32) -> Option<Vec<u8>> {
        let index = number.checked_sub(self.first)?;
        let size = self.geometry.page_size as usize;
        let mut page = vec![0; size];
        let offset = u64::from(index) * size as u64;
        let mut read = 0;
        // The last page of a file that was cut off counts as far as it goes.
        while read < size {
            match self.file.read_at(&mut page[read..], offset + read as u64) {
                Ok(0) | Err(_) => break,
                Ok(n) => read += n,
            }
        }
        (read > 0).then_some(page)
    }
}

/// The size of a page, and the number of the page that the file begins with.
///
/// The header says the first, where there is one. Otherwise that size is taken at whose multiples most heads of tree pages lie;
/// a file that begins with such a head has lost page 1.
fn guess_layout(sample: &[u8]) -> (u32, u32) {
    let stated = sample.get(16..18).map_or(0, |b| u32::from(u16::from_be_bytes([b[0], b[1]])));
    let stated = if stated == 1 { 65536 } else { stated };
    if sample.starts_with(b"SQLite format 3\0") && (512..=65536).contains(&stated) && stated.is_power_of_two() {
        return (stated, 1);
    }
    let mut best = (0, 4096);
    for size in (9..=16).map(|bits| 1usize << bits) {
        let heads = sample.chunks_exact(size).skip(1).filter(|page| looks_like_tree_page(page)).count();
        // Of a size and its double, the greater one has half the pages.
        if heads * size > best.0 {
            best = (heads * size, size);
        }
    }
    let size = best.1;
    let begins_with_tree = sample.get(..size).is_some_and(looks_like_tree_page);
    (size as u32, if begins_with_tree { 2 } else { 1 })
}

/// The head of a page of a tree, with its cells where they may be.
fn looks_like_tree_page(page: &[u8]) -> bool {
    let field = |at: usize| page.get(at..at + 2).map_or(0, |b| usize::from(u16::from_be_bytes([b[0], b[1]])));
    let head = match page.first() {
        Some(0x0a | 0x0d) => 8,
        Some(0x02 | 0x05) => 12,
        _ => return false,
    };
    let (free, cells, content) = (field(1), field(3), field(5));
    let content = if content == 0 { 65536 } else { content };
    free < page.len() && content <= page.len() && head + 2 * cells <= content && page.get(7).is_some_and(|f| *f <= 60)
}

//! What a state says when the engine opens it.
//!
//! A state is recovered by the engine's storage layer, and all pages that a reader then sees are hashed. States that give the same
//! pages give the same rows: the whole of the SQL layer (rows, `integrity_check`, writing on) looks at each content once, and at
//! states chosen by chance again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use turso_io::Io;
use turso_storage::{DatabaseFile, OpenOptions, PageNo, Pager};

use crate::disk::{Machine, Settings};
use crate::engines;
use crate::platter::{Event, Files};
use crate::random::Digest;

/// Remembers what it has seen.
#[derive(Default)]
pub struct Checker {
    databases: Vec<PathBuf>,
    /// Files seen -> the content that they give.
    seen: HashMap<u64, Result<u64, String>>,
    /// Content seen -> the digest of its rows.
    contents: HashMap<u64, Result<u64, String>>,
    /// States recovered.
    pub recovered: u64,
    /// States that the SQL layer read.
    pub read: u64,
}

/// One number for files.
pub fn digest_of(files: &Files) -> u64 {
    let mut digest = Digest::default();
    for (name, bytes) in files {
        digest.add_bytes(name.as_os_str().as_encoded_bytes());
        digest.add_bytes(bytes);
    }
    digest.value()
}

impl Checker {
    /// For states of these databases.
    pub fn new(databases: &[PathBuf]) -> Self {
        Self { databases: databases.to_vec(), ..Self::default() }
    }

    /// How many different states were seen.
    pub fn distinct(&self) -> usize {
        self.seen.len()
    }

    /// Recovers a state unless its like has been; answers the digest of the rows, and whether it is new.
    pub fn check(&mut self, files: &Files) -> (Result<u64, String>, bool) {
        let key = digest_of(files);
        if let Some(content) = self.seen.get(&key).cloned() {
            return (content.and_then(|content| self.contents[&content].clone()), false);
        }
        self.recovered += 1;
        let machine = Machine::new(files, Settings::default());
        let content = no_panic(|| recover(&machine, &self.databases));
        machine.kill(0);
        self.seen.insert(key, content.clone());
        let rows = content.and_then(|content| {
            if !self.contents.contains_key(&content) || self.recovered.is_multiple_of(512) {
                self.read += 1;
                let rows = no_panic(|| read(files, &self.databases));
                if let Some(known) = self.contents.insert(content, rows.clone())
                    && known != rows
                {
                    return Err(format!("the same pages gave {known:?} and {rows:?}"));
                }
            }
            self.contents[&content].clone()
        });
        (rows, true)
    }

    /// Recovers a state on a machine that keeps the list of what it does, until the last connection has closed: the events of a
    /// recovery, in which the power may go again.
    pub fn events_of_recovery(&self, files: &Files) -> Vec<Event> {
        let machine = Machine::new(files, Settings { record: true, ..Settings::default() });
        let _ = no_panic(|| recover(&machine, &self.databases));
        machine.take_events()
    }
}

/// What is said of a panic, which is a wrong answer also where nothing is promised.
pub const PANIC: &str = "a panic";

fn no_panic<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_or_else(|_| Err(PANIC.into()))
}

/// Opens all databases as the first process of a machine, and answers a digest of the pages that are there.
fn recover(machine: &Arc<Machine>, databases: &[PathBuf]) -> Result<u64, String> {
    let io = machine.process(0);
    let mut digest = Digest::default();
    for path in databases {
        pages(&io, path, &mut digest).map_err(|e| format!("{}: {e:?}", path.display()))?;
    }
    Ok(digest.value())
}

fn pages(io: &Arc<dyn Io>, path: &Path, digest: &mut Digest) -> turso_error::Result<()> {
    let mut pager = Pager::open(DatabaseFile::open(io.clone(), path, OpenOptions::default())?);
    pager.block_on(Pager::begin_read)?;
    digest.add(u64::from(pager.page_count()));
    for no in 1..=pager.page_count() {
        let page = pager.block_on(|p| p.page(PageNo(no)))?;
        digest.add_bytes(&page);
    }
    pager.end_read();
    Ok(())
}

/// All rows by SQL, `integrity_check`, and a write.
fn read(files: &Files, databases: &[PathBuf]) -> Result<u64, String> {
    let machine = Machine::new(files, Settings::default());
    let names = engines::names(databases.len());
    let connection = engines::connect(&machine.process(0), databases)?;
    let mut query = |sql: &str| engines::run(&connection, sql);
    engines::integrity(&names, &mut query)?;
    let lines = engines::dump(&names, &mut query)?;
    for name in &names {
        query(&format!("CREATE TABLE {name}.written_after(x)"))?;
        query(&format!("INSERT INTO {name}.written_after VALUES (1)"))?;
    }
    engines::integrity(&names, &mut query)?;
    Ok(engines::digest(&lines))
}

//! Super-journals: what makes a commit over several databases in rollback modes atomic (`atomiccommit.html`, 5).
//!
//! ```text
//!  1 the super-journal is written, with the names of all journals, and synced, and so is its directory
//!  2 each database: a journal that names the super-journal, EXCLUSIVE, pages -> file, synced
//!  3 the super-journal is deleted: this is the commit
//!  4 each database: its journal goes
//! ```
//! A journal whose super-journal is gone belongs to a transaction that was committed, and is not played back. Whoever
//! plays the last journal of a super-journal back removes it too.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use turso_error::{Result, ResultCode};
use turso_io::{File, Io, OpenFlags, SyncKind};

use crate::file::DatabaseFile;
use crate::format::journal::decode_super_journal_name;

/// Names that are tried before giving up.
const ATTEMPTS: u32 = 100;
/// A super-journal larger than this is not one.
const MAX_SIZE: u64 = 1 << 20;

/// A super-journal of a transaction under way. Dropped, it is deleted, unless a journal still depends on it: roll the
/// databases back first.
pub struct SuperJournal {
    io: Arc<dyn Io>,
    path: PathBuf,
    children: Vec<PathBuf>,
    committed: bool,
}

impl SuperJournal {
    /// Writes the super-journal of a transaction over these databases, beside the connection's main one.
    pub fn create(main: &DatabaseFile, databases: &[&DatabaseFile]) -> Result<Self> {
        let children: Vec<PathBuf> =
            databases.iter().map(|db| crate::journal::companion(db.path(), "-journal")).collect();
        let (path, file) = make_file(main)?;
        let journal = Self { io: main.io().clone(), path, children, committed: false };
        let mut names = Vec::new();
        for child in &journal.children {
            names.extend_from_slice(name_of(child));
            names.push(0);
        }
        file.write_at(&names, 0)?;
        file.sync(SyncKind::Data)?;
        journal.io.sync_directory_of(&journal.path)?;
        Ok(journal)
    }

    /// Its absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True where it is that of a transaction over these databases.
    pub fn is_of(&self, databases: &[&DatabaseFile]) -> bool {
        let names = databases.iter().map(|db| crate::journal::companion(db.path(), "-journal"));
        names.eq(self.children.iter().cloned())
    }

    /// The transaction has been committed.
    pub fn is_committed(&self) -> bool {
        self.committed
    }

    /// The commit: all databases hold their changes, durably.
    pub fn commit(&mut self) -> Result<()> {
        match self.io.delete(&self.path, true) {
            // Still there: nothing is committed. Otherwise its going is merely not known to be durable.
            Err(e) if e.code() != ResultCode::IOERR_DELETE_NOENT && self.io.exists(&self.path).unwrap_or(true) => {
                Err(e)
            }
            _ => {
                self.committed = true;
                Ok(())
            }
        }
    }
}

impl Drop for SuperJournal {
    fn drop(&mut self) {
        if !self.committed {
            let _ = delete_unless_needed(&*self.io, &self.path);
        }
    }
}

/// SQLite's names: `-mj`, six random hexadecimal digits, a 9, and two more.
fn make_file(main: &DatabaseFile) -> Result<(PathBuf, Arc<dyn File>)> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let random = main.io().random_u32();
        let suffix = format!("-mj{:06X}9{:02X}", random >> 8, random & 0xff);
        let path = crate::journal::companion(main.path(), &suffix);
        let flags = OpenFlags { create: true, exclusive: true, ..OpenFlags::default() };
        match main.io().open(&path, flags) {
            Err(_) if attempt < ATTEMPTS && main.io().exists(&path)? => {}
            opened => return opened.map(|file| (path, file)),
        }
    }
}

/// The bytes of a path as they stand in journals.
pub(crate) fn name_of(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

fn path_of(name: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(name).ok().map(PathBuf::from)
}

/// The super-journal that a journal names at its end.
pub(crate) fn named_by(journal: &dyn File) -> Result<Option<PathBuf>> {
    let size = journal.size()?;
    // Names are paths; SQLite's limit is well below this.
    let mut tail = vec![0; size.min(4096 + 16) as usize];
    let length = tail.len();
    if journal.read_at(&mut tail, size - length as u64)? < length {
        return Ok(None);
    }
    Ok(decode_super_journal_name(&tail).and_then(path_of))
}

/// After a journal that named this super-journal has been played back and deleted: the super-journal goes too, unless
/// another journal still depends on it.
pub(crate) fn delete_unless_needed(io: &dyn Io, path: &Path) -> Result<()> {
    let file = match io.open(path, OpenFlags { read_only: true, ..OpenFlags::default() }) {
        Ok(file) => file,
        Err(_) if !io.exists(path)? => return Ok(()),
        Err(e) => return Err(e),
    };
    let size = file.size()?;
    if size > MAX_SIZE {
        return Ok(());
    }
    let mut names = vec![0; size as usize];
    let read = file.read_at(&mut names, 0)?;
    names.truncate(read);
    drop(file);
    for child in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).filter_map(path_of) {
        if io.exists(&child)? {
            let journal = io.open(&child, OpenFlags { read_only: true, ..OpenFlags::default() })?;
            if named_by(&*journal)?.as_deref() == Some(path) {
                return Ok(());
            }
        }
    }
    io.delete(path, false)
}

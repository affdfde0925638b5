//! Opening databases: plain files, files in memory, databases at the end of other files, and ZIP archives.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use turso_core::{Backend, Connection, Database, Error, OpenOptions, ResultCode};

use crate::append::{self, AppendIo};

/// How databases of this session are opened.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub read_only: bool,
    pub vfs: Option<String>,
    /// A symbolic link is not followed to a database.
    pub no_follow: bool,
    /// What the file is; `None`: to be seen from its content.
    pub kind: Option<Kind>,
    /// A database in memory does not grow beyond this many bytes; 0: it does.
    pub max_size: u64,
}

/// What a file is opened as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A database.
    Plain,
    /// `--deserialize`: the file is read into memory, and never written.
    InMemory,
    /// `--append`: a database at the end of another file.
    Appended,
    /// `--zip`: an archive as a virtual table.
    Zip,
}

/// What a file's content says that it is; where there is none, the name.
pub fn kind_of(path: &str, zip_by_name: bool) -> Kind {
    let named_zip = zip_by_name && path.len() > 4 && path.to_ascii_lowercase().ends_with(".zip");
    let by_name = if named_zip { Kind::Zip } else { Kind::Plain };
    let Ok(mut file) = File::open(path) else { return by_name };
    let mut first = [0; 16];
    if file.read_exact(&mut first).is_ok_and(|()| first == *append::DATABASE) {
        return Kind::Plain;
    }
    // The record at the end of an archive is as long as it is where no comment follows.
    const ARCHIVE_END: usize = 22;
    let end = |size: usize, file: &mut File| {
        let mut last = vec![0; size];
        let read = file.seek(SeekFrom::End(-(size as i64))).and_then(|_| file.read_exact(&mut last));
        read.map_or(Vec::new(), |()| last)
    };
    if end(append::MARK_SIZE, &mut file).starts_with(append::MARK) {
        Kind::Appended
    } else if end(ARCHIVE_END, &mut file).starts_with(b"PK\x05\x06") {
        Kind::Zip
    } else {
        by_name
    }
}

/// What a file is opened as.
pub fn file_kind(path: &str, access: &Access) -> Kind {
    match access.kind {
        Some(kind) => kind,
        None if Path::new(path).is_file() => kind_of(path, false),
        None => Kind::Plain,
    }
}

/// Open a database.
pub fn connect(path: &str, access: &Access) -> Result<Connection, Error> {
    let backend = backend(access.vfs.as_deref())?;
    let read_only = access.read_only;
    if access.no_follow && std::fs::symlink_metadata(path).is_ok_and(|file| file.is_symlink()) {
        return Err(Error::from_code(ResultCode::CANTOPEN));
    }
    let options = OpenOptions { read_only, create: !read_only, backend: backend.clone(), ..OpenOptions::default() };
    match file_kind(path, access) {
        Kind::Plain => Database::open(path, options)?.connect(),
        Kind::Appended => {
            // What another file carries should not need files beside it.
            let backend = Backend::Custom(Arc::new(AppendIo::new(Path::new(path))?));
            Database::open(path, OpenOptions { backend, new_uses_wal: false, ..options })?.connect()
        }
        Kind::InMemory => in_memory(path, access, backend),
        // The caller makes the table, once the connection knows the module.
        Kind::Zip => Database::open(":memory:", OpenOptions::default())?.connect(),
    }
}

fn in_memory(path: &str, access: &Access, backend: Backend) -> Result<Connection, Error> {
    let connection = Database::open(":memory:", OpenOptions::default())?.connect()?;
    let content = match Path::new(path).is_file() {
        true => {
            let options = OpenOptions { read_only: true, create: false, backend, ..OpenOptions::default() };
            Database::open(path, options)?.connect()?.serialize("main")?
        }
        false => Vec::new(),
    };
    if !content.is_empty() {
        connection.deserialize("main", &content, access.read_only)?;
    }
    if access.max_size > 0 {
        let size = page_size(&connection)?;
        connection.execute_batch(format!("PRAGMA max_page_count = {}", (access.max_size / size).max(1)))?;
    }
    Ok(connection)
}

fn page_size(connection: &Connection) -> Result<u64, Error> {
    let Some(mut statement) = connection.prepare("PRAGMA page_size")?.statement else { return Ok(4096) };
    statement.step()?;
    Ok(statement.row().first().map_or(4096, |size| size.to_integer().unsigned_abs().max(512)))
}

/// The names that `-vfs` takes.
pub const BACKENDS: [&str; 4] = ["syscall", "unix", "memory", "io_uring"];

/// The back end with this name.
pub fn backend(vfs: Option<&str>) -> Result<Backend, Error> {
    match vfs {
        None | Some("syscall" | "unix") => Ok(Backend::Default),
        Some("memory") => Ok(Backend::Memory),
        Some("io_uring") => Ok(Backend::Asynchronous),
        Some(other) => Err(Error::sql(format!("no such vfs: {other}"))),
    }
}

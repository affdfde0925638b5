//! The process's open database files, by identity: two connections to one file share one [`DatabaseFile`].

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, Weak};

use turso_error::Result;
use turso_io::{Birth, File, FileId, Io};

use super::{DatabaseFile, OpenOptions, guard};

/// Sharing changes nothing but speed only where all of this agrees.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Key {
    id: FileId,
    /// Another name of the same file has other journal names.
    path: PathBuf,
    read_only: bool,
    immutable: bool,
    /// A forked child opens files anew: those of its parent are not its own.
    birth: Birth,
    /// The back end: a wrapped one must not be mixed with the plain one.
    io: usize,
}

static OPEN: LazyLock<Mutex<HashMap<Key, Weak<DatabaseFile>>>> = LazyLock::new(Mutex::default);

/// Back ends of one kind without state are the same back end.
fn io_identity(io: &Arc<dyn Io>) -> usize {
    io.shared_identity().unwrap_or(Arc::as_ptr(io).cast::<()>() as usize)
}

pub(super) fn join_or_register(
    io: Arc<dyn Io>,
    path: PathBuf,
    file: Arc<dyn File>,
    options: OpenOptions,
) -> Result<Arc<DatabaseFile>> {
    let Some(id) = file.id() else {
        return Ok(Arc::new(DatabaseFile::new(io, path, file, options)));
    };
    let key = Key {
        id,
        path: path.clone(),
        read_only: options.read_only || file.is_read_only(),
        immutable: options.immutable,
        birth: Birth::here(),
        io: io_identity(&io),
    };
    let mut open = guard(&OPEN);
    if let Some(existing) = open.get(&key).and_then(Weak::upgrade) {
        return Ok(existing);
    }
    open.retain(|_, weak| weak.strong_count() > 0);
    let opened = Arc::new(DatabaseFile::new(io, path, file, options));
    open.insert(key, Arc::downgrade(&opened));
    Ok(opened)
}

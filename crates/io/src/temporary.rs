//! Where temporary files are made: in the system's place for them, or in a directory that the application has named.

use std::path::{Path, PathBuf};
use std::sync::RwLock;

static DIRECTORY: RwLock<Option<PathBuf>> = RwLock::new(None);

/// The directory that was named, for the whole process.
pub fn temp_directory() -> Option<PathBuf> {
    DIRECTORY.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
}

/// Name one; `None` for the system's. Files that exist stay where they are.
pub fn set_temp_directory(path: Option<PathBuf>) {
    *DIRECTORY.write().unwrap_or_else(std::sync::PoisonError::into_inner) = path;
}

/// Files can be made there.
pub fn is_writable_directory(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    path.is_dir() && std::fs::metadata(path).is_ok_and(|m| !m.permissions().readonly())
}

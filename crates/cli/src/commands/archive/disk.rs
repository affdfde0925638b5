//! Files, directories and links as entries of an archive.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

const TYPE_MASK: i64 = 0o170_000;
const DIRECTORY: i64 = 0o040_000;
const LINK: i64 = 0o120_000;
const REGULAR: i64 = 0o100_000;

/// A file, a directory or a link.
pub struct Entry {
    pub name: String,
    pub mode: i64,
    /// Seconds since 1970.
    pub mtime: i64,
}

impl Entry {
    /// It is a directory.
    pub fn is_directory(&self) -> bool {
        self.mode & TYPE_MASK == DIRECTORY
    }

    /// It is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.mode & TYPE_MASK == LINK
    }

    /// Make the file, directory or link.
    pub fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        if self.is_link() {
            let target = String::from_utf8_lossy(content).into_owned();
            if fs::symlink_metadata(path).is_ok() {
                fs::remove_file(path)?;
            }
            return make_link(&target, path);
        }
        if self.is_directory() {
            fs::create_dir_all(path)?;
        } else {
            fs::write(path, content)?;
        }
        set_permissions(path, self.mode)?;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(self.mtime).unwrap_or(0));
        fs::File::open(path)?.set_times(fs::FileTimes::new().set_modified(time).set_accessed(time))
    }
}

/// What a file is, without its content; under the name that it is to have.
pub fn describe(path: &Path, name: &str) -> io::Result<Entry> {
    let metadata = fs::symlink_metadata(path)?;
    let mtime = metadata.modified().ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
    let mtime = mtime.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0));
    Ok(Entry { name: name.to_owned(), mode: mode_of(&metadata), mtime })
}

/// The content of a file, or where a link leads to.
pub fn content(path: &Path, is_link: bool) -> io::Result<Vec<u8>> {
    if is_link { Ok(fs::read_link(path)?.to_string_lossy().into_owned().into_bytes()) } else { fs::read(path) }
}

/// The names in a directory, in their order.
pub fn names_in(path: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(path)?.flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// A mode as `ls -l` shows it.
pub fn mode_text(mode: i64) -> String {
    let mut text = String::from(match mode & TYPE_MASK {
        DIRECTORY => "d",
        LINK => "l",
        REGULAR => "-",
        _ => "?",
    });
    for shift in [6, 3, 0] {
        for (bit, letter) in [(4, 'r'), (2, 'w'), (1, 'x')] {
            text.push(if mode >> shift & bit != 0 { letter } else { '-' });
        }
    }
    text
}

#[cfg(unix)]
fn mode_of(metadata: &fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    i64::from(metadata.mode())
}

#[cfg(not(unix))]
fn mode_of(metadata: &fs::Metadata) -> i64 {
    if metadata.is_dir() { DIRECTORY | 0o755 } else { REGULAR | 0o644 }
}

#[cfg(unix)]
fn set_permissions(path: &Path, mode: i64) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode((mode & 0o777) as u32))
}

#[cfg(not(unix))]
fn set_permissions(_: &Path, _: i64) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn make_link(target: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn make_link(target: &str, path: &Path) -> io::Result<()> {
    fs::write(path, target)
}

//! Files, directories and links as entries of an archive.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use turso_core::Value;

const TYPE_MASK: i64 = 0o170_000;
const DIRECTORY: i64 = 0o040_000;
const LINK: i64 = 0o120_000;
const REGULAR: i64 = 0o100_000;

/// An entry.
pub struct Entry {
    pub name: String,
    pub mode: i64,
    pub mtime: i64,
    pub size: i64,
    /// Content of a file, target of a link, nothing for a directory.
    pub data: Option<Vec<u8>>,
}

impl Entry {
    /// From the columns name, mode, mtime, sz, data.
    pub fn from_row(row: &[Value]) -> Option<Self> {
        let number = |i: usize| match row.get(i) {
            Some(Value::Integer(n)) => *n,
            _ => 0,
        };
        let name = String::from_utf8(crate::render::text_of(row.first()?)?).ok()?;
        let data = match row.get(4)? {
            Value::Blob(bytes) | Value::Text(bytes) => Some(bytes.to_vec()),
            _ => None,
        };
        Some(Self { name, mode: number(1), mtime: number(2), size: number(3), data })
    }

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

/// Does the name lead out of the directory that is extracted into?
pub fn leaves(name: &str) -> bool {
    Path::new(name).components().any(|c| !matches!(c, std::path::Component::Normal(_) | std::path::Component::CurDir))
}

/// The file or directory with all that is in it; the name that cannot be read is the error.
pub fn collect(base: Option<&str>, name: &str, entries: &mut Vec<Entry>) -> Result<(), String> {
    let path = base.map_or_else(|| Path::new(name).to_path_buf(), |base| Path::new(base).join(name));
    let metadata = fs::symlink_metadata(&path).map_err(|_| path.display().to_string())?;
    let mtime = metadata
        .modified()
        .ok()
        .and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok())
        .map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(0));
    let fail = |_| path.display().to_string();
    let data = if metadata.is_dir() {
        None
    } else if metadata.is_symlink() {
        Some(fs::read_link(&path).map_err(fail)?.to_string_lossy().into_owned().into_bytes())
    } else {
        Some(fs::read(&path).map_err(fail)?)
    };
    let size = data.as_ref().map_or(0, |d| i64::try_from(d.len()).unwrap_or(i64::MAX));
    entries.push(Entry { name: name.to_owned(), mode: mode_of(&metadata), mtime, size, data });
    if metadata.is_dir() {
        let mut names: Vec<String> = fs::read_dir(&path)
            .map_err(fail)?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        for inner in names {
            collect(base, &format!("{}/{inner}", name.trim_end_matches('/')), entries)?;
        }
    }
    Ok(())
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

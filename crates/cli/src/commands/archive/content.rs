//! The content of an archive's entries, also for the SQL functions of the shell.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use turso_core::{Error, ResultCode};

use super::disk::Entry;
pub use super::disk::mode_text;

/// Deflated, unless that makes it no shorter.
pub fn compress(content: &[u8]) -> Result<Vec<u8>, Error> {
    let fail = |error: std::io::Error| Error::io(ResultCode::IOERR, &error);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).map_err(fail)?;
    let packed = encoder.finish().map_err(fail)?;
    Ok(if packed.len() < content.len() { packed } else { content.to_vec() })
}

/// The content of an entry; its size says whether it is compressed.
pub fn uncompress(data: &[u8], size: i64) -> Result<Vec<u8>, String> {
    let Ok(size) = u64::try_from(size) else { return Ok(data.to_vec()) };
    if size == data.len() as u64 {
        return Ok(data.to_vec());
    }
    let mut content = Vec::new();
    // A damaged entry must not unpack to more than it promises.
    let fail = || "SQL error: error in uncompress()".to_owned();
    ZlibDecoder::new(data).take(size.saturating_add(1)).read_to_end(&mut content).map_err(|_| fail())?;
    if content.len() as u64 != size { Err(fail()) } else { Ok(content) }
}

/// Write a file, make a directory or a link, as the mode says; 0 means a file with the usual permissions.
pub fn write(name: &str, mode: i64, time: Option<i64>, content: &[u8]) -> std::io::Result<()> {
    let path = Path::new(name);
    if mode == 0 && time.is_none() {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        return std::fs::write(path, content);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    let mode = if mode == 0 { 0o644 } else { mode };
    let entry = Entry { name: name.to_owned(), mode, mtime: time.unwrap_or(now) };
    entry.write(path, content)
}

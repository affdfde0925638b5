//! SQLite in a process of its own: it is sent the files of a state, opens them on a file system in memory, and says what is there.
//!
//! The other engine must not share a process with ours where files are locked: closing a descriptor drops the locks of both.
//!
//! ```text
//!   -> count of files (4 bytes), each: length of the name, name, length, bytes; count of databases
//!   <- one line: "ok " and the digest of the rows, or what is wrong
//! ```

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::record::paths;
use crate::engines;
use crate::platter::Files;

/// The process, as seen from here.
pub struct Stock {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Stock {
    /// Starts the program `sim` as `stock`; files will lie below `directory`.
    pub fn start(program: &Path, directory: &Path) -> std::io::Result<Self> {
        let mut child =
            Command::new(program).arg("stock").arg(directory).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let missing = || std::io::Error::other("the process has no pipes");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Self { child, input, output })
    }

    /// What SQLite finds in these files.
    pub fn look(&mut self, files: &Files, databases: usize) -> Result<u64, String> {
        let mut message = Vec::new();
        message.extend_from_slice(&(files.len() as u32).to_le_bytes());
        for (name, bytes) in files {
            for part in [name.as_os_str().as_encoded_bytes(), bytes] {
                message.extend_from_slice(&(part.len() as u32).to_le_bytes());
                message.extend_from_slice(part);
            }
        }
        message.extend_from_slice(&(databases as u32).to_le_bytes());
        let mut line = String::new();
        let talked = self.input.write_all(&message).and_then(|()| self.output.read_line(&mut line));
        talked.map_err(|e| format!("SQLite's process: {e}"))?;
        match line.trim_end().strip_prefix("ok ") {
            Some(digest) => digest.parse().map_err(|_| line.clone()),
            None => Err(format!("SQLite says: {}", line.trim_end())),
        }
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process itself: answers until its input ends.
pub fn serve(directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    while let Some(count) = number(&mut input)? {
        let mut written = Vec::new();
        for _ in 0..count {
            let name = PathBuf::from(String::from_utf8_lossy(&part(&mut input)?).into_owned());
            std::fs::write(&name, part(&mut input)?)?;
            written.push(name);
        }
        let databases = number(&mut input)?.unwrap_or(1) as usize;
        match found(directory, databases) {
            Ok(digest) => writeln!(output, "ok {digest}")?,
            Err(error) => writeln!(output, "{}", error.replace('\n', " "))?,
        }
        output.flush()?;
        for entry in std::fs::read_dir(directory)? {
            std::fs::remove_file(entry?.path())?;
        }
    }
    Ok(())
}

fn number(input: &mut impl Read) -> std::io::Result<Option<u32>> {
    let mut bytes = [0; 4];
    match input.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(u32::from_le_bytes(bytes))),
        Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

fn part(input: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let length = number(input)?.unwrap_or(0);
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn found(directory: &Path, databases: usize) -> Result<u64, String> {
    let paths = paths(directory, databases);
    let connection = rusqlite::Connection::open(&paths[0]).map_err(|e| e.to_string())?;
    for (i, path) in paths.iter().enumerate().skip(1) {
        engines::run_stock(&connection, &format!("ATTACH '{}' AS aux{i}", path.display()))?;
    }
    let names = engines::names(databases);
    let mut query = |sql: &str| engines::run_stock(&connection, sql);
    engines::integrity(&names, &mut query)?;
    Ok(engines::digest(&engines::dump(&names, &mut query)?))
}

//! `.archive` and `-A`: files in a table `sqlar`.

pub mod content;
mod disk;
mod options;

use std::path::Path;

use turso_core::{Connection, Error, Value};

use super::{Outcome, help, quote};
use crate::shell::{Access, Flow, Shell, connect};
use content::{compress, uncompress};
use options::{Command, Request};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS sqlar(
  name TEXT PRIMARY KEY,  -- name of the file
  mode INT,               -- access permissions
  mtime INT,              -- last modification time
  sz INT,                 -- original file size
  data BLOB               -- compressed content
)";

/// An archive and what is to be done with it.
struct Archive<'a> {
    shell: &'a mut Shell,
    connection: Connection,
    request: &'a Request,
}

/// `.archive`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    run_as(shell, arguments, false)
}

/// `-A`: the words of a command line.
pub fn from_command_line(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    run_as(shell, arguments, true)
}

fn run_as(shell: &mut Shell, arguments: &[&str], command_line: bool) -> Outcome {
    if arguments.is_empty() {
        return Err(format!("Wrong number of arguments.  Usage:\n{}", help::lines("archive").join("\n")));
    }
    let request = options::parse(arguments).map_err(|message| {
        let more = if command_line { "-A" } else { ".archive --help" };
        format!("Error: {message}\nUse \"{more}\" for more help")
    })?;
    let makes = matches!(request.command, Command::Create | Command::Insert | Command::Update);
    let connection = match &request.file {
        Some(file) => {
            if request.dry_run {
                shell.line(format!("-- open database '{file}'"));
            }
            if !makes && !Path::new(file).exists() {
                return Err(format!("cannot open file: {file} (unable to open database file)"));
            }
            let access = Access { vfs: shell.access.vfs.clone(), ..Access::default() };
            connect(file, &access).map_err(|error| format!("cannot open file: {file} ({})", error.message()))?
        }
        None => shell.connection(),
    };
    let mut archive = Archive { shell, connection, request: &request };
    match request.command {
        Command::Create => archive.add(true, false),
        Command::Insert => archive.add(false, false),
        Command::Update => archive.add(false, true),
        Command::List => archive.list(),
        Command::Extract => archive.extract(),
        Command::Remove => archive.remove(),
        Command::Help => {
            help::show(archive.shell, "archive");
            Ok(())
        }
    }?;
    Ok(Flow::Continue)
}

impl Archive<'_> {
    fn rows(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
        let Some(mut statement) = self.connection.prepare(sql)?.statement else { return Ok(Vec::new()) };
        for (i, value) in parameters.iter().enumerate() {
            statement.bind(i + 1, value.clone())?;
        }
        let mut rows = Vec::new();
        while statement.step()? == turso_core::StepResult::Row {
            rows.push(statement.row().to_vec());
        }
        Ok(rows)
    }

    fn need_table(&self) -> Result<(), String> {
        let found = self.rows("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sqlar'", &[]);
        if found.map_err(super::text)?.is_empty() {
            return Err("database does not contain an 'sqlar' table".into());
        }
        Ok(())
    }

    /// The condition that the names of the request make; each of them has to be in the archive.
    fn condition(&self, check: bool) -> Result<String, String> {
        if self.request.names.is_empty() {
            return Ok("1".into());
        }
        let terms: Vec<String> = self.request.names.iter().map(|name| self.term(name)).collect();
        for (name, term) in self.request.names.iter().zip(&terms).filter(|_| check) {
            let found = self.rows(&format!("SELECT 1 FROM sqlar WHERE {term} LIMIT 1"), &[]).map_err(super::text)?;
            if found.is_empty() {
                return Err(format!("not found in archive: {name}"));
            }
        }
        Ok(terms.join(" OR "))
    }

    fn term(&self, name: &str) -> String {
        let name = name.trim_end_matches('/');
        if self.request.glob {
            format!(
                "name GLOB {0} OR substr(name,1,{1}) GLOB {2}",
                quote(name),
                name.len() + 1,
                quote(&format!("{name}/"))
            )
        } else {
            format!(" name = {0} OR substr(name,1,{1}) = {2}", quote(name), name.len() + 1, quote(&format!("{name}/")))
        }
    }

    fn list(&mut self) -> Result<(), String> {
        self.need_table()?;
        let condition = self.condition(true)?;
        let columns = if self.request.verbose { "mode, sz, datetime(mtime, 'unixepoch'), name" } else { "name" };
        let sql = format!("SELECT {columns} FROM sqlar WHERE {condition}");
        if self.request.dry_run {
            self.shell.line(sql);
            return Ok(());
        }
        for row in self.rows(&sql, &[]).map_err(super::text)? {
            let text = |i: usize| {
                let text = row.get(i).and_then(crate::render::text_of).unwrap_or_default();
                String::from_utf8_lossy(&text).into_owned()
            };
            if self.request.verbose {
                let mode = match row.first() {
                    Some(Value::Integer(mode)) => disk::mode_text(*mode),
                    _ => String::new(),
                };
                self.shell.line(format!("{mode} {:>10}  {}  {}", text(1), text(2), text(3)));
            } else {
                self.shell.line(text(0));
            }
        }
        Ok(())
    }

    fn extract(&mut self) -> Result<(), String> {
        self.need_table()?;
        let condition = self.condition(true)?;
        let directory = self.request.directory.as_deref();
        if self.request.dry_run {
            self.shell.line(format!("SELECT name, mode, mtime, sz, data FROM sqlar WHERE ({condition})"));
            return Ok(());
        }
        let sql = format!("SELECT name, mode, mtime, sz, data FROM sqlar WHERE ({condition})");
        let rows = self.rows(&sql, &[]).map_err(super::text)?;
        // Directories get their times last: what is written into them changes those.
        for directories in [false, true] {
            for row in &rows {
                let Some(entry) = disk::Entry::from_row(row) else { continue };
                if disk::leaves(&entry.name) || (directories && !entry.is_directory()) {
                    continue;
                }
                let path = directory.map_or_else(|| entry.name.clone().into(), |d| Path::new(d).join(&entry.name));
                let content = match &entry.data {
                    Some(data) => uncompress(data, entry.size)?,
                    None => Vec::new(),
                };
                entry
                    .write(&path, &content)
                    .map_err(|error| format!("ERROR: failed to write file: {} ({error})", path.display()))?;
                if self.request.verbose && !directories {
                    self.shell.line(path.to_string_lossy().as_bytes());
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self) -> Result<(), String> {
        self.need_table()?;
        let condition = self.condition(true)?;
        if self.request.names.is_empty() {
            return Ok(());
        }
        if self.request.dry_run {
            self.shell.line(format!("DELETE FROM sqlar WHERE {condition};"));
            return Ok(());
        }
        self.rows(&format!("DELETE FROM sqlar WHERE {condition}"), &[]).map_err(super::text)?;
        Ok(())
    }

    /// Add files; with `only_changed` those whose time or mode is another.
    fn add(&mut self, anew: bool, only_changed: bool) -> Result<(), String> {
        let directory = self.request.directory.clone();
        let mut entries = Vec::new();
        for name in &self.request.names {
            if let Err(name) = disk::collect(directory.as_deref(), name, &mut entries) {
                self.shell.misused(format!("ERROR: cannot stat file: {name}"));
                return Ok(());
            }
        }
        if self.request.dry_run {
            for entry in entries {
                self.shell.line(format!("REPLACE INTO sqlar(name,mode,mtime,sz,data) -- {}", entry.name));
            }
            return Ok(());
        }
        self.rows("SAVEPOINT ar", &[]).map_err(super::text)?;
        let result = self.add_entries(anew, only_changed, &entries);
        if result.is_err() {
            // The error says what went wrong; that it cannot be undone would be another one.
            let _ = self.rows("ROLLBACK TO ar", &[]);
        }
        self.rows("RELEASE ar", &[]).map_err(super::text)?;
        result
    }

    fn add_entries(&mut self, anew: bool, only_changed: bool, entries: &[disk::Entry]) -> Result<(), String> {
        if anew {
            self.rows("DROP TABLE IF EXISTS sqlar", &[]).map_err(super::text)?;
        }
        self.rows(CREATE, &[]).map_err(super::text)?;
        for entry in entries {
            if only_changed {
                let same = "SELECT 1 FROM sqlar WHERE name = ?1 AND mode = ?2 AND mtime = ?3";
                let key = [Value::text(entry.name.clone()), Value::Integer(entry.mode), Value::Integer(entry.mtime)];
                if !self.rows(same, &key).map_err(super::text)?.is_empty() {
                    continue;
                }
            }
            let (size, data) = match &entry.data {
                None => (0, Value::Null),
                Some(content) if entry.is_link() => (-1, Value::Blob(content.clone())),
                Some(content) => {
                    let size = i64::try_from(content.len()).unwrap_or(i64::MAX);
                    (size, Value::Blob(compress(content).map_err(super::text)?))
                }
            };
            let row = [
                Value::text(entry.name.clone()),
                Value::Integer(entry.mode),
                Value::Integer(entry.mtime),
                Value::Integer(size),
                data,
            ];
            self.rows("REPLACE INTO sqlar(name,mode,mtime,sz,data) VALUES(?1,?2,?3,?4,?5)", &row)
                .map_err(super::text)?;
            if self.request.verbose {
                self.shell.line(&entry.name);
            }
        }
        Ok(())
    }
}

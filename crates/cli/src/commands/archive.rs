//! `.archive` and `-A`: files in a table `sqlar`, or in a ZIP archive.
//!
//! All is done by SQL with the functions and tables of the shell (`fsdir`, `writefile`, `zipfile` …), which a dry run shows.

pub mod content;
pub mod disk;
mod options;

use std::path::Path;
use std::sync::{Arc, PoisonError};

use turso_core::functions::{Arity, Context, FunctionDef, FunctionFlags};
use turso_core::{Connection, Error, StepResult, Value};

use super::{Outcome, help, quote};
use crate::shell::{Access, Flow, Kind, Shell, connect, kind_of};
use options::{Command, Request};

const CREATE: &str = "CREATE TABLE IF NOT EXISTS sqlar(
  name TEXT PRIMARY KEY,  -- name of the file
  mode INT,               -- access permissions
  mtime INT,              -- last modification time
  sz INT,                 -- original file size
  data BLOB               -- compressed content
)";

/// Begins what is said of a change that failed.
const FAILED: &str = "ERROR: ";

/// Where the files of an archive are.
enum Place {
    /// In the table of SQLite archives.
    Table,
    /// In a ZIP archive that is open as the table `zip`.
    OpenZip,
    /// In this ZIP archive.
    Zip(String),
}

impl Place {
    /// What to select from.
    fn source(&self) -> String {
        match self {
            Self::Table => "sqlar".into(),
            Self::OpenZip => "zip".into(),
            Self::Zip(file) => format!("zipfile({})", quote(file)),
        }
    }
}

/// An archive and what is to be done with it.
struct Archive<'a> {
    shell: &'a mut Shell,
    connection: Connection,
    place: Place,
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
    let (connection, place) = open(shell, &request)?;
    let mut archive = Archive { shell, connection, place, request: &request };
    let done = match request.command {
        Command::Create => archive.add(true, false),
        Command::Insert => archive.need_table().and_then(|()| archive.add(false, false)),
        Command::Update => archive.need_table().and_then(|()| archive.add(false, true)),
        Command::List => archive.list(),
        Command::Extract => archive.extract(),
        Command::Remove => archive.remove(),
        Command::Help => {
            help::show(archive.shell, "archive");
            Ok(())
        }
    };
    match done {
        // These go where results go.
        Err(message) if message.starts_with(FAILED) => {
            shell.misused(message);
            Ok(Flow::Continue)
        }
        done => done.map(|()| Flow::Continue),
    }
}

/// The connection that has the archive, and where in it.
fn open(shell: &mut Shell, request: &Request) -> Result<(Connection, Place), String> {
    let Some(file) = &request.file else {
        let connection = shell.connection();
        let place = if shell.is_zip() { Place::OpenZip } else { Place::Table };
        return Ok((connection, place));
    };
    let kind = if request.append { Kind::Appended } else { kind_of(file, true) };
    if kind == Kind::Zip {
        return Ok((shell.connection(), Place::Zip(file.clone())));
    }
    if request.dry_run {
        let how = if kind == Kind::Appended { " using 'apndvfs'" } else { "" };
        shell.line(format!("-- open database '{file}'{how}"));
    }
    let makes = matches!(request.command, Command::Create | Command::Insert | Command::Update);
    if !makes && !Path::new(file).exists() {
        return Err(format!("cannot open file: {file} (unable to open database file)"));
    }
    let access = Access { vfs: shell.access.vfs.clone(), kind: Some(kind), ..Access::default() };
    let failed = |error: Error| format!("cannot open file: {file} ({})", error.message());
    let connection = connect(file, &access).map_err(failed)?;
    let loader = crate::shell::loader_of(&connection);
    crate::functions::install(&connection, &loader, false).map_err(failed)?;
    Ok((connection, Place::Table))
}

/// Columns that are written, and what they become from those of `fsdir`.
fn columns(place: &Place, verbose: bool) -> (&'static str, String) {
    let name = if verbose { "shell_putsnl(name)" } else { "name" };
    match place {
        Place::Table => (
            "name,mode,mtime,sz,data",
            format!(
                "{name},\n    mode,\n    mtime,\n    CASE substr(lsmode(mode),1,1)\n      WHEN '-' THEN length(data)\n      \
                 WHEN 'd' THEN 0\n      ELSE -1 END,\n    sqlar_compress(data)"
            ),
        ),
        _ => ("name,mode,mtime,data", format!("{name},\n    mode,\n    mtime,\n    data")),
    }
}

impl Archive<'_> {
    /// Run a statement, or show it; each of its rows goes to `row`.
    fn query(
        &mut self,
        sql: &str,
        parameters: &[(&str, Value)],
        mut row: impl FnMut(&mut Shell, &[Value]),
    ) -> Result<(), String> {
        if self.request.dry_run {
            self.shell.line(sql);
            return Ok(());
        }
        let prepared = self.connection.prepare(sql);
        let prepared = prepared.map_err(|e| format!("sql error: {} ({})", e.message(), e.code().0))?;
        let Some(mut statement) = prepared.statement else { return Ok(()) };
        for (name, value) in parameters {
            if let Some(at) = statement.parameter_index(name) {
                statement.bind(at, value.clone()).map_err(super::text)?;
            }
        }
        loop {
            match statement.step() {
                Ok(StepResult::Row) => row(self.shell, statement.row()),
                Ok(StepResult::Done) => return Ok(()),
                Err(error) => return Err(format!("SQL error: {}", error.message())),
            }
        }
    }

    /// Run a statement that answers nothing, or show it.
    fn execute(&mut self, sql: &str) -> Result<(), String> {
        if self.request.dry_run {
            self.shell.line(sql);
            return Ok(());
        }
        let done = self.connection.execute_batch(sql);
        self.shell.print_callback_lines();
        done.map_err(|error| format!("{FAILED}{}", error.message()))
    }

    fn finds(&self, sql: &str) -> Result<bool, String> {
        let Some(mut statement) = self.connection.prepare(sql).map_err(super::text)?.statement else {
            return Ok(false);
        };
        statement.step().map(|step| step == StepResult::Row).map_err(|e| format!("SQL error: {}", e.message()))
    }

    fn need_table(&self) -> Result<(), String> {
        if let Place::Table = self.place
            && !self.finds("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'sqlar'")?
        {
            return Err("database does not contain an 'sqlar' table".into());
        }
        Ok(())
    }

    /// The condition that the names of the request make; each of them has to be in the archive.
    fn condition(&self) -> Result<String, String> {
        let terms: Vec<String> = self.request.names.iter().map(|name| self.term(name)).collect();
        for (name, term) in self.request.names.iter().zip(&terms) {
            if !self.finds(&format!("SELECT 1 FROM {} WHERE {term} LIMIT 1", self.place.source()))? {
                return Err(format!("not found in archive: {name}"));
            }
        }
        Ok(terms.join(" OR "))
    }

    fn term(&self, name: &str) -> String {
        let name = name.trim_end_matches('/');
        let is = if self.request.glob { "GLOB" } else { "=" };
        let start = name.len() + 1;
        format!(" name {is} {} OR substr(name,1,{start}) {is} {}", quote(name), quote(&format!("{name}/")))
    }

    /// The condition; without names all.
    fn condition_or_all(&self) -> Result<String, String> {
        Ok(if self.request.names.is_empty() { "1".into() } else { self.condition()? })
    }

    fn list(&mut self) -> Result<(), String> {
        self.need_table()?;
        let condition = self.condition_or_all()?;
        let verbose = self.request.verbose;
        let columns = if verbose { "lsmode(mode), sz, datetime(mtime, 'unixepoch'), name" } else { "name" };
        let sql = format!("SELECT {columns} FROM {} WHERE {condition}", self.place.source());
        self.query(&sql, &[], |shell, row| {
            let text = |i: usize| {
                let text = row.get(i).and_then(crate::render::text_of).unwrap_or_default();
                String::from_utf8_lossy(&text).into_owned()
            };
            if verbose {
                shell.line(format!("{} {:>10}  {}  {}", text(0), text(1), text(2), text(3)));
            } else {
                shell.line(text(0));
            }
        })
    }

    fn extract(&mut self) -> Result<(), String> {
        self.need_table()?;
        let condition = self.condition_or_all()?;
        let data = if let Place::Table = self.place { "sqlar_uncompress(data, sz)" } else { "data" };
        // Names that lead out of the directory are passed over.
        let sql = format!(
            "SELECT  ($dir || name), writefile(($dir || name), {data}, mode, mtime) FROM {} WHERE ({condition}) AND \
             (data IS NULL OR $dirOnly = 0) AND name NOT GLOB '*..[/\\]*' AND name NOT GLOB '/*' AND name NOT GLOB '*..'",
            self.place.source()
        );
        let directory = self.request.directory.as_ref().map_or_else(String::new, |d| format!("{d}/"));
        // Directories get their times last: what is written into them changes those.
        for only_directories in [0, 1] {
            let parameters = [("$dir", Value::text(directory.clone())), ("$dirOnly", Value::Integer(only_directories))];
            let verbose = self.request.verbose && only_directories == 0;
            self.query(&sql, &parameters, |shell, row| {
                if verbose {
                    shell.line(row.first().and_then(crate::render::text_of).unwrap_or_default());
                }
            })?;
        }
        Ok(())
    }

    fn remove(&mut self) -> Result<(), String> {
        self.need_table()?;
        let condition = self.condition()?;
        let (table, temporary) = self.table()?;
        let result = self.execute(&format!("DELETE FROM {table} WHERE {condition};"));
        self.drop_table(&table, temporary)?;
        result
    }

    /// The table to write to, and whether it is there for this command only.
    fn table(&mut self) -> Result<(String, bool), String> {
        let Place::Zip(file) = &self.place else { return Ok((self.place.source(), false)) };
        let number =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
        let table = format!("zip{number:016x}");
        let sql = format!("CREATE VIRTUAL TABLE temp.{table} USING zipfile({})", quote(file));
        self.execute(&sql)?;
        Ok((table, true))
    }

    fn drop_table(&mut self, table: &str, temporary: bool) -> Result<(), String> {
        if temporary { self.execute(&format!("DROP TABLE {table}")) } else { Ok(()) }
    }

    /// Add files; with `only_changed` those whose time or mode is another.
    fn add(&mut self, anew: bool, only_changed: bool) -> Result<(), String> {
        self.install_printing().map_err(super::text)?;
        self.execute("PRAGMA page_size=512")?;
        self.execute("SAVEPOINT ar;")?;
        let result = self.add_files(anew, only_changed);
        match &result {
            Ok((table, temporary)) => {
                self.execute("RELEASE ar;")?;
                self.drop_table(table, *temporary)?;
            }
            Err(_) => {
                // The error says what went wrong; that it cannot be undone would be another one.
                let _ = self.connection.execute_batch("ROLLBACK TO ar; RELEASE ar;");
            }
        }
        result.map(|_| ())
    }

    /// `shell_putsnl(X)`: X, which is also a line of the output.
    fn install_printing(&self) -> Result<(), Error> {
        let lines = self.shell.callback_lines.clone();
        let print = move |ctx: &mut Context<'_>, args: &[Value]| {
            let Some(value) = args.first() else { return ctx.null() };
            let text = crate::render::text_of(value).unwrap_or_default();
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(String::from_utf8_lossy(&text).into_owned());
            ctx.value(value)
        };
        let (arity, flags) = (Arity::exactly(1), FunctionFlags::DIRECT_ONLY);
        self.connection.create_function(FunctionDef::user_scalar("shell_putsnl", arity, flags, Arc::new(print)))
    }

    fn add_files(&mut self, anew: bool, only_changed: bool) -> Result<(String, bool), String> {
        if let Place::Table = self.place {
            if anew {
                self.execute("DROP TABLE IF EXISTS sqlar")?;
            }
            self.execute(CREATE)?;
        }
        let (table, temporary) = self.table()?;
        let (into, from) = columns(&self.place, self.request.verbose);
        let changed = if only_changed {
            format!(
                " AND NOT EXISTS(SELECT 1 FROM {table} AS mem WHERE mem.name=disk.name AND mem.mtime=disk.mtime AND \
                 mem.mode=disk.mode)"
            )
        } else {
            String::new()
        };
        let directory = self.request.directory.as_deref().map_or_else(|| "NULL".to_owned(), quote);
        for name in &self.request.names {
            let name = quote(name);
            self.execute(&format!(
                "REPLACE INTO {table}({into})\n  SELECT\n    {from}\n  FROM fsdir({name},{directory}) AS disk\n  \
                 WHERE lsmode(mode) NOT LIKE '?%'{changed};"
            ))?;
        }
        Ok((table, temporary))
    }
}

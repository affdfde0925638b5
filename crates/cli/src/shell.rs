//! The session: a connection, settings, and how results and errors are shown.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Instant;

use turso_core::{Connection, Database, Error, OpenOptions, ResultCode, Statement, StepResult};

use crate::dot;
use crate::render::{Mode, Renderer};

/// Go on, or end the session with a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// End with this status.
    Exit(u8),
}

/// What dot commands set.
#[derive(Debug, Clone)]
pub struct Settings {
    pub mode: Mode,
    pub headers: bool,
    /// `.headers` has been used: modes do not choose any more.
    pub headers_chosen: bool,
    pub null_value: String,
    pub column_separator: String,
    pub row_separator: String,
    /// Table name of mode `insert`.
    pub insert_table: String,
    pub widths: Vec<i32>,
    pub echo: bool,
    pub bail: bool,
    pub timer: bool,
    pub changes: bool,
    /// EXPLAIN output in columns: always, never, or when a statement is an EXPLAIN.
    pub explain: Explain,
    /// Print the query plan before each statement.
    pub query_plan: bool,
}

/// `.explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explain {
    Off,
    On,
    Auto,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::List,
            headers: false,
            headers_chosen: false,
            null_value: String::new(),
            column_separator: "|".into(),
            row_separator: "\n".into(),
            insert_table: "table".into(),
            widths: Vec::new(),
            echo: false,
            bail: false,
            timer: false,
            changes: false,
            explain: Explain::Auto,
            query_plan: false,
        }
    }
}

impl Settings {
    /// Choose a mode with the separators that belong to it.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        if mode == Mode::Column && !self.headers_chosen {
            self.headers = true;
        }
        if let Some((column, row)) = mode.separators() {
            self.column_separator = column.into();
            self.row_separator = row.into();
        }
    }
}

/// Where output goes.
pub enum Output {
    Standard,
    File(String, BufWriter<File>),
}

/// A session.
pub struct Shell {
    pub path: String,
    pub read_only: bool,
    pub connection: Connection,
    pub settings: Settings,
    pub output: Output,
    /// Go back to standard output after the next statement (`.once`).
    pub once: bool,
    /// Errors so far.
    pub errors: usize,
    /// `.read` nesting.
    pub depth: usize,
    vfs: Option<String>,
}

impl Shell {
    /// Open a database.
    pub fn open(path: &str, read_only: bool, vfs: Option<&str>) -> Result<Self, Error> {
        let connection = connect(path, read_only, vfs)?;
        Ok(Self {
            path: path.to_owned(),
            read_only,
            connection,
            settings: Settings::default(),
            output: Output::Standard,
            once: false,
            errors: 0,
            depth: 0,
            vfs: vfs.map(str::to_owned),
        })
    }

    /// Open another database in place of the present one.
    pub fn reopen(&mut self, path: &str) -> Result<(), Error> {
        self.connection = connect(path, self.read_only, self.vfs.as_deref())?;
        self.path = path.to_owned();
        Ok(())
    }

    /// The lines at the start of an interactive session.
    pub fn banner(&self) {
        println!("Turso v{}", env!("CARGO_PKG_VERSION"));
        println!("Enter \".help\" for usage hints.");
        if self.path == ":memory:" || self.path.is_empty() {
            println!("Connected to a transient in-memory database.");
            println!("Use \".open FILENAME\" to reopen on a persistent database");
        }
    }

    // ---- Output -------------------------------------------------------------------------------------------------------

    /// Send output to a file, or back to standard output.
    pub fn redirect(&mut self, file: Option<&str>) -> std::io::Result<()> {
        self.output = match file {
            None | Some("stdout" | "") => Output::Standard,
            Some(name) => Output::File(name.to_owned(), BufWriter::new(File::create(name)?)),
        };
        Ok(())
    }

    /// Write bytes to where output goes. A closed pipe ends the session quietly.
    pub fn write(&mut self, bytes: &[u8]) {
        let written = match &mut self.output {
            Output::Standard => std::io::stdout().lock().write_all(bytes),
            Output::File(_, file) => file.write_all(bytes),
        };
        if let Err(error) = written {
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                eprintln!("Error: {error}");
            }
            std::process::exit(1);
        }
    }

    /// Write a line.
    pub fn line(&mut self, text: impl AsRef<str>) {
        let mut bytes = text.as_ref().as_bytes().to_vec();
        bytes.push(b'\n');
        self.write(&bytes);
    }

    fn flush(&mut self) {
        let flushed = match &mut self.output {
            Output::Standard => std::io::stdout().flush(),
            Output::File(_, file) => file.flush(),
        };
        if let Err(error) = flushed
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            eprintln!("Error: {error}");
        }
    }

    /// Report an error that is not about SQL.
    pub fn complain(&mut self, text: impl AsRef<str>) {
        self.errors += 1;
        self.flush();
        eprintln!("{}", text.as_ref());
    }

    // ---- Running ------------------------------------------------------------------------------------------------------

    /// Run a command-line argument: SQL, or a dot command. An error ends the session with status 1.
    pub fn run_argument(&mut self, text: &str) -> Flow {
        let flow = if text.trim_start().starts_with('.') {
            self.run_dot(text.trim_start())
        } else {
            let result = self.run_statements(text);
            if let Err(failure) = result {
                self.flush();
                eprintln!("{}", failure.for_argument(text));
                return Flow::Exit(1);
            }
            Flow::Continue
        };
        if self.errors > 0 && flow == Flow::Continue { Flow::Exit(1) } else { flow }
    }

    /// Run a dot command.
    pub fn run_dot(&mut self, line: &str) -> Flow {
        let flow = dot::run(self, line);
        self.flush();
        flow
    }

    /// Run a complete text of SQL; `line` is where it began in a script.
    pub fn run_sql(&mut self, text: &str, line: Option<usize>) -> Flow {
        if self.settings.echo {
            self.line(text);
        }
        if let Err(failure) = self.run_statements(text) {
            self.complain(failure.for_script(text, line));
            if self.settings.bail {
                return Flow::Exit(1);
            }
        }
        self.flush();
        if std::mem::take(&mut self.once) {
            self.output = Output::Standard;
        }
        Flow::Continue
    }

    fn run_statements(&mut self, text: &str) -> Result<(), Failure> {
        let mut start = 0;
        while let Some(rest) = text.get(start..).filter(|r| !r.is_empty()) {
            let begun = Instant::now();
            let prepared = self.connection.prepare(rest).map_err(|error| Failure { error, start, parsing: true })?;
            if let Some(mut statement) = prepared.statement {
                if self.settings.query_plan && statement.explain_mode() == 0 {
                    self.show_plan(rest.get(..prepared.tail).unwrap_or(rest));
                }
                self.show(&mut statement).map_err(|error| Failure { error, start, parsing: false })?;
                if self.settings.changes {
                    let (changes, total) = (self.connection.changes(), self.connection.total_changes());
                    self.line(format!("changes: {changes}   total_changes: {total}"));
                }
                if self.settings.timer {
                    self.line(format!(
                        "Run Time: real {:.3} user 0.000000 sys 0.000000",
                        begun.elapsed().as_secs_f64()
                    ));
                }
            }
            start += prepared.tail;
        }
        Ok(())
    }

    fn show_plan(&mut self, sql: &str) {
        if let Ok(prepared) = self.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            && let Some(mut statement) = prepared.statement
        {
            // What cannot be planned shows its error when it is run.
            let _ = self.show(&mut statement);
        }
    }

    /// Run a statement and print its rows in the present mode.
    pub fn show(&mut self, statement: &mut Statement) -> Result<(), Error> {
        let mode = match (statement.explain_mode(), self.settings.explain) {
            (1, Explain::Auto | Explain::On) => Mode::Explain,
            (2, Explain::Auto | Explain::On) => Mode::QueryPlan,
            _ => self.settings.mode,
        };
        let mut renderer = Renderer::new(mode, &self.settings, statement);
        let mut out = Vec::new();
        let result = loop {
            match statement.step() {
                Ok(StepResult::Row) => renderer.row(statement.row(), &mut out),
                Ok(StepResult::Done) => break Ok(()),
                Err(error) => break Err(error),
            }
            if out.len() > 1 << 16 {
                self.write(&out);
                out.clear();
            }
        };
        renderer.finish(&mut out);
        self.write(&out);
        result
    }

    /// All rows of a query as texts; NULL is `None`.
    pub fn texts(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
        let Some(mut statement) = self.connection.prepare(sql)?.statement else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        while statement.step()? == StepResult::Row {
            rows.push(statement.row().iter().map(crate::render::text_of).collect());
        }
        Ok(rows)
    }
}

fn connect(path: &str, read_only: bool, vfs: Option<&str>) -> Result<Connection, Error> {
    let backend = match vfs {
        None | Some("syscall" | "unix") => turso_core::Backend::Default,
        Some("memory") => turso_core::Backend::Memory,
        Some(other) => return Err(Error::sql(format!("no such vfs: {other}"))),
    };
    let options = OpenOptions { read_only, create: !read_only, backend, ..OpenOptions::default() };
    Database::open(path, options)?.connect()
}

/// An error of a statement and where the statement begins in the text.
struct Failure {
    error: Error,
    start: usize,
    parsing: bool,
}

impl Failure {
    fn code_suffix(&self) -> String {
        let code = self.error.code();
        if code.primary() == ResultCode::ERROR { String::new() } else { format!(" ({})", code.primary().0) }
    }

    /// As `sqlite3` reports an error in a script.
    fn for_script(&self, text: &str, line: Option<usize>) -> String {
        let kind = if self.parsing { "Parse error" } else { "Runtime error" };
        let place = match line {
            Some(line) => {
                let before = text.get(..self.start).unwrap_or("");
                // Blank lines before the statement count as before it.
                let blanks = text.get(self.start..).unwrap_or("");
                let skipped = blanks.len() - blanks.trim_start().len();
                let newlines = before.matches('\n').count() + blanks[..skipped].matches('\n').count();
                format!(" near line {}", line + newlines)
            }
            None => String::new(),
        };
        let suffix = if self.parsing { String::new() } else { self.code_suffix() };
        format!("{kind}{place}: {}{suffix}{}", self.error.message(), self.excerpt(text))
    }

    /// As `sqlite3` reports an error in an argument.
    fn for_argument(&self, text: &str) -> String {
        if self.parsing {
            format!("Error: in prepare, {}{}", self.error.message(), self.excerpt(text))
        } else {
            format!("Error: stepping, {}{}", self.error.message(), self.code_suffix())
        }
    }

    /// The part of the text around the place of the error, with an arrow below.
    fn excerpt(&self, text: &str) -> String {
        let Error::Failed(failure) = &self.error else { return String::new() };
        let Some(offset) = failure.sql_offset else { return String::new() };
        let statement = text.get(self.start..).unwrap_or("");
        let mut offset = offset as usize;
        if offset >= statement.len() || !statement.is_char_boundary(offset) {
            return String::new();
        }
        let mut begin = 0;
        while offset > 50 {
            begin += 1;
            offset -= 1;
            while !statement.is_char_boundary(begin) {
                begin += 1;
                offset = offset.saturating_sub(1);
            }
        }
        let mut length = (statement.len() - begin).min(78);
        while !statement.is_char_boundary(begin + length) {
            length -= 1;
        }
        let code: String =
            statement[begin..begin + length].chars().map(|c| if c.is_ascii_whitespace() { ' ' } else { c }).collect();
        let arrow = if offset < 25 {
            format!("{}^--- error here", " ".repeat(offset))
        } else {
            format!("{}error here ---^", " ".repeat(offset - 14))
        };
        format!("\n  {code}\n  {arrow}")
    }
}

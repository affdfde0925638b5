//! The session: connections, settings, and how statements are run and shown.

mod bindings;
mod errors;
mod open;
mod usage;

pub use errors::Failure;
pub use open::{Access, BACKENDS, Kind, backend, connect, kind_of};

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use turso_core::{Connection, Error, Statement, StepResult, Value, WeakConnection};

use crate::commands;
use crate::output::Output;
use crate::render::{Mode, Renderer};
use crate::settings::{Explain, Plan, Settings};
use crate::terminal::progress::Patience;
use sqlite3::extension::Loader;

/// Go on, or end the session with a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// End with this status.
    Exit(u8),
    /// End with status 0, or 1 where there were errors.
    Quit,
}

/// One of the connections that `.connection` switches between.
pub struct Session {
    pub path: String,
    pub connection: Connection,
    /// Nobody has named it: it was opened because something had to be.
    pub unnamed: bool,
    /// A command has used it.
    pub used: bool,
    /// What `.session` records.
    pub tracked: Vec<crate::commands::track::Tracked>,
    /// A ZIP archive, as the table `zip`.
    pub is_zip: bool,
    /// Loads extensions. Below the connection, since it goes last.
    pub loader: Arc<Loader>,
}

/// Connections that `.connection` can hold.
pub const MAX_SESSIONS: usize = 5;

/// The shell.
pub struct Shell {
    pub sessions: [Option<Session>; MAX_SESSIONS],
    pub active: usize,
    pub access: Access,
    pub settings: Settings,
    pub output: Output,
    /// What `.once` and `.excel` have put aside until the next statement is over.
    pub once: Option<Once>,
    /// Errors so far.
    pub errors: usize,
    /// `.open --hexdb` takes the lines that follow.
    pub text_of_database: Option<crate::commands::HexadecimalLines>,
    /// `.expert` advises on the next statements.
    pub expert: Option<commands::expert::Request>,
    /// The name that `.testcase` has given.
    pub test_case: String,
    /// `.read` nesting.
    pub depth: usize,
    /// Line of the input that is being run; 0 for arguments.
    pub line_number: usize,
    /// `-safe`: nothing that touches files or programs.
    pub safe: bool,
    /// The word that lifts `-safe` for one command.
    pub nonce: Option<String>,
    /// `.nonce` has lifted `-safe` for the next command.
    pub nonce_given: bool,
    /// The name it was started by.
    pub program: String,
    /// A person is at the terminal.
    pub interactive: bool,
    /// What `.auth` and `.progress` have to print.
    pub callback_lines: crate::commands::watch::Lines,
    /// What `.progress` has set.
    pub progress: Arc<crate::commands::watch::Progress>,
    /// What Ctrl-C interrupts.
    pub running: Arc<Mutex<Option<WeakConnection>>>,
}

/// Output of one command that goes elsewhere.
pub struct Once {
    /// Settings to put back.
    pub settings: Option<Box<Settings>>,
    /// A file to be shown by another program when it is complete.
    pub show: Option<String>,
}

/// What loads extensions into a connection of the shell.
#[allow(unsafe_code, reason = "the promises below are the program's to make, and the shell is the program")]
pub fn loader_of(connection: &Connection) -> Arc<Loader> {
    // SAFETY: what is loaded the user has named, who could run it as well; `--safe` refuses. One thread uses the connections of
    // the shell, that which reads commands: Ctrl-C only interrupts.
    Arc::new(unsafe { Loader::new(connection) })
}

impl Shell {
    /// A shell that has opened nothing yet.
    pub fn new(access: Access) -> Self {
        Self {
            sessions: [const { None }; MAX_SESSIONS],
            active: 0,
            access,
            settings: Settings::default(),
            output: Output::standard(),
            once: None,
            errors: 0,
            text_of_database: None,
            expert: None,
            test_case: String::new(),
            depth: 0,
            line_number: 0,
            safe: false,
            nonce: None,
            nonce_given: false,
            program: "tursodb".into(),
            interactive: false,
            callback_lines: Arc::default(),
            progress: Arc::default(),
            running: Arc::default(),
        }
    }

    /// Open a database as the active connection, in place of what was there.
    pub fn open(&mut self, path: &str) -> Result<(), String> {
        self.open_with(path, &self.access.clone())
    }

    /// The same, with options of its own.
    pub fn open_with(&mut self, path: &str, access: &Access) -> Result<(), String> {
        self.sessions[self.active] = None;
        match connect(path, access) {
            Ok(connection) => {
                let loader = loader_of(&connection);
                crate::functions::install(&connection, &loader, self.safe)
                    .map_err(|error| format!("Error: {}", error.message()))?;
                let is_zip = open::file_kind(path, access) == Kind::Zip;
                if is_zip {
                    let close = if access.read_only { "; PRAGMA query_only = 1" } else { "" };
                    let sql = format!("CREATE VIRTUAL TABLE zip USING zipfile({}){close}", commands::quote(path));
                    connection.execute_batch(sql).map_err(|error| format!("Error: {}", error.message()))?;
                }
                self.sessions[self.active] = Some(Session {
                    path: path.to_owned(),
                    connection,
                    unnamed: false,
                    used: false,
                    tracked: Vec::new(),
                    is_zip,
                    loader,
                });
                Ok(())
            }
            Err(error) => Err(format!("Error: unable to open database \"{path}\": {}", error.message())),
        }
    }

    /// The active connection; a database in memory where none was opened.
    pub fn connection(&mut self) -> Connection {
        if self.sessions[self.active].is_none() {
            if let Err(message) = self.open(":memory:") {
                eprintln!("{message}");
                std::process::exit(1);
            }
            if let Some(session) = &mut self.sessions[self.active] {
                session.unnamed = true;
            }
        }
        match &mut self.sessions[self.active] {
            Some(session) => {
                session.used = true;
                session.connection.clone()
            }
            None => std::process::exit(1),
        }
    }

    /// What `.session` records of the active connection.
    pub fn tracked(&mut self) -> &mut Vec<crate::commands::track::Tracked> {
        self.connection();
        match &mut self.sessions[self.active] {
            Some(session) => &mut session.tracked,
            None => std::process::exit(1),
        }
    }

    /// The active connection is to a ZIP archive.
    pub fn is_zip(&self) -> bool {
        self.sessions[self.active].as_ref().is_some_and(|s| s.is_zip)
    }

    /// What loads extensions into the active connection.
    pub fn loader(&mut self) -> Arc<Loader> {
        self.connection();
        match &self.sessions[self.active] {
            Some(session) => session.loader.clone(),
            None => std::process::exit(1),
        }
    }

    /// Path of the active connection, as it was given.
    pub fn path(&self) -> &str {
        self.sessions[self.active].as_ref().map_or(":memory:", |s| s.path.as_str())
    }

    // ---- Output -------------------------------------------------------------------------------------------------------

    /// Write bytes to where output goes. A closed pipe ends the session quietly.
    pub fn write(&mut self, bytes: &[u8]) {
        if let Err(error) = self.output.write_all(bytes) {
            if error.kind() != std::io::ErrorKind::BrokenPipe {
                eprintln!("Error: {error}");
            }
            std::process::exit(1);
        }
    }

    /// Write a line.
    pub fn line(&mut self, text: impl AsRef<[u8]>) {
        self.write(text.as_ref());
        self.write(b"\n");
    }

    /// Hand on what is buffered.
    pub fn flush(&mut self) {
        if let Err(error) = self.output.flush()
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            eprintln!("Error: {error}");
        }
    }

    /// Print to standard error, after what has been written before.
    pub fn warn(&mut self, text: impl AsRef<str>) {
        self.flush();
        eprintln!("{}", text.as_ref());
    }

    /// Report an error where results go: a command was called in a wrong way.
    pub fn misused(&mut self, text: impl AsRef<str>) {
        self.errors += 1;
        self.line(text.as_ref());
    }

    /// Report an error.
    pub fn complain(&mut self, text: impl AsRef<str>) {
        self.errors += 1;
        self.warn(text);
    }

    /// Send output elsewhere; what `.once` had begun ends here.
    pub fn redirect(&mut self, name: &str) -> Result<(), String> {
        self.flush();
        self.output = Output::standard();
        self.output = Output::open(name)?;
        Ok(())
    }

    /// The statement after `.once` or `.excel` is over.
    pub fn end_once(&mut self) {
        let Some(once) = self.once.take() else { return };
        self.flush();
        self.output = Output::standard();
        if let Some(settings) = once.settings {
            self.settings = *settings;
        }
        if let Some(file) = once.show {
            commands::show_file(self, &file);
        }
    }

    // ---- Running ------------------------------------------------------------------------------------------------------

    /// Run a command-line argument: SQL, or a dot command. An error ends the session with status 1.
    pub fn run_argument(&mut self, text: &str) -> Flow {
        self.line_number = 0;
        let before = self.errors;
        if text.starts_with('.') {
            match self.run_dot(text) {
                Flow::Continue if self.errors > before => Flow::Exit(1),
                flow => flow,
            }
        } else if let Some(request) = self.expert.take() {
            match self.advise(&request, text.as_bytes(), None) {
                Flow::Continue if self.errors > before => Flow::Exit(1),
                flow => flow,
            }
        } else {
            let result = self.run_statements(text.as_bytes(), 0);
            self.end_once();
            match result {
                Ok(()) => Flow::Continue,
                Err(failure) => {
                    self.log(&failure, text.as_bytes());
                    self.complain(failure.for_argument(text.as_bytes()));
                    Flow::Exit(failure.exit_code())
                }
            }
        }
    }

    /// Run a dot command.
    pub fn run_dot(&mut self, line: &str) -> Flow {
        let once = self.once.is_some();
        let flow = commands::run(self, line);
        if once {
            self.end_once();
        }
        self.flush();
        flow
    }

    /// Run complete statements of a script.
    pub fn run_sql(&mut self, text: &[u8], line: Option<usize>) -> Flow {
        if let Some(request) = self.expert.take() {
            return self.advise(&request, text, line);
        }
        let begun = usage::Clock::start();
        let result = self.run_statements(text, text.len() - text.trim_ascii_start().len());
        if self.settings.timer {
            self.line(begun.report());
        }
        if let Err(failure) = result {
            self.log(&failure, text);
            self.complain(failure.for_script(text, line));
            if self.settings.bail {
                self.end_once();
                return Flow::Exit(1);
            }
        } else if self.settings.changes {
            let connection = self.connection();
            let (changes, total) = (connection.changes(), connection.total_changes());
            self.line(format!("changes: {changes}   total_changes: {total}"));
        }
        self.end_once();
        self.flush();
        Flow::Continue
    }

    /// `.expert`: what would help the statements, which are not run.
    fn advise(&mut self, request: &commands::expert::Request, text: &[u8], line: Option<usize>) -> Flow {
        if let Err(error) = commands::expert::advise(self, request, text) {
            let place = line.map_or(String::new(), |line| format!(" near line {line}"));
            self.complain(format!("Error{place}: {}", error.message()));
            if self.settings.bail {
                return Flow::Exit(1);
            }
        }
        self.end_once();
        self.flush();
        Flow::Continue
    }

    /// `.log`: what has failed.
    fn log(&mut self, failure: &Failure, text: &[u8]) {
        let Some(target) = self.settings.log.clone() else { return };
        let line = failure.for_log(text);
        match target.as_str() {
            "stdout" => self.line(line),
            "stderr" => self.warn(line),
            file => {
                let opened = std::fs::OpenOptions::new().append(true).create(true).open(file);
                // The file could be opened when it was named; what has become of it is no matter of the statement.
                let _ = opened.and_then(|mut file| writeln!(file, "{line}"));
            }
        }
    }

    /// Run every statement of a text, from a place on, until one fails.
    pub fn run_statements(&mut self, text: &[u8], mut start: usize) -> Result<(), Failure> {
        let connection = self.connection();
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.downgrade());
        self.progress.begin_input();
        while let Some(rest) = text.get(start..).filter(|r| !r.is_empty()) {
            let prepared = connection.prepare(rest);
            self.print_callback_lines();
            let prepared = prepared.map_err(|error| Failure { error, start, parsing: true })?;
            if let Some(mut statement) = prepared.statement {
                self.run_statement(&connection, &mut statement, rest.get(..prepared.tail).unwrap_or(rest))
                    .map_err(|error| Failure { error, start, parsing: false })?;
            }
            start += prepared.tail;
            // The next statement begins at its first word: excerpts begin there too.
            start += text.get(start..).map_or(0, |rest| rest.len() - rest.trim_ascii_start().len());
        }
        Ok(())
    }

    fn run_statement(&mut self, connection: &Connection, statement: &mut Statement, sql: &[u8]) -> Result<(), Error> {
        if self.safe && !self.nonce_given && commands::leaves_database(sql) {
            self.refuse("ATTACH");
        }
        bindings::bind(connection, statement);
        if self.settings.plan != Plan::Off && statement.explain_mode() == 0 {
            self.show_plan(connection, sql);
        }
        self.trace_statement(statement, sql);
        let started = Instant::now();
        let result = self.show(statement);
        self.trace_profile(sql, started);
        result?;
        self.show_stats();
        Ok(())
    }

    /// End the session: `-safe` forbids what was asked for.
    pub fn refuse(&mut self, what: &str) -> ! {
        self.end(&format!("cannot run {what} in safe mode"))
    }

    /// End the session with a message.
    pub fn end(&mut self, message: &str) -> ! {
        self.flush();
        eprintln!("line {}: {message}", self.line_number);
        std::process::exit(1);
    }

    fn show_plan(&mut self, connection: &Connection, sql: &[u8]) {
        // What cannot be planned shows its error when it is run.
        if let Ok(prepared) = connection.prepare([b"EXPLAIN QUERY PLAN ", sql].concat())
            && let Some(mut statement) = prepared.statement
        {
            let _ = self.show_in(&mut statement, Mode::QueryPlan);
        }
        if self.settings.plan == Plan::Full
            && let Ok(prepared) = connection.prepare([b"EXPLAIN ", sql].concat())
            && let Some(mut statement) = prepared.statement
        {
            let _ = self.show_in(&mut statement, Mode::Explain);
        }
    }

    /// Run a statement and print its rows in the present mode.
    pub fn show(&mut self, statement: &mut Statement) -> Result<(), Error> {
        let mode = match (statement.explain_mode(), self.settings.explain) {
            (1, Explain::Auto) => Mode::Explain,
            (2, Explain::Auto) => Mode::QueryPlan,
            (_, Explain::On) => Mode::Explain,
            _ => self.settings.mode,
        };
        self.show_in(statement, mode)
    }

    /// Run a statement and print its rows in a mode.
    pub fn show_in(&mut self, statement: &mut Statement, mode: Mode) -> Result<(), Error> {
        let mut renderer = Renderer::new(mode, &self.settings, statement);
        let mut out = Vec::new();
        let mut patience = Patience::new(self.interactive);
        let result = loop {
            match statement.step() {
                Ok(StepResult::Row) => {
                    patience.row();
                    self.trace_row(statement);
                    renderer.row(statement.row(), &mut out);
                }
                Ok(StepResult::Done) => break Ok(()),
                Err(error) => break Err(error),
            }
            if out.len() > 1 << 15 {
                patience.end();
                self.write(&out);
                out.clear();
            }
        };
        patience.end();
        self.print_callback_lines();
        if mode.is_grid() && renderer.has_rows() && statement.column_count() > self.settings.widths.len() {
            self.settings.widths.resize(statement.column_count(), 0);
        }
        renderer.finish(&mut out);
        self.write(&out);
        result
    }

    /// Print what callbacks have left.
    pub fn print_callback_lines(&mut self) {
        let lines = std::mem::take(&mut *self.callback_lines.lock().unwrap_or_else(PoisonError::into_inner));
        lines.into_iter().for_each(|line| self.line(line));
    }

    // ---- Questions of dot commands ---------------------------------------------------------------------------------------

    /// All rows of a query.
    pub fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
        self.rows_with(sql, &[])
    }

    /// All rows of a query with parameters.
    pub fn rows_with(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Vec<Value>>, Error> {
        let Some(mut statement) = self.connection().prepare(sql)?.statement else { return Ok(Vec::new()) };
        for (i, value) in parameters.iter().enumerate().take(statement.parameter_count()) {
            statement.bind(i + 1, value.clone())?;
        }
        let mut rows = Vec::new();
        while statement.step()? == StepResult::Row {
            rows.push(statement.row().to_vec());
        }
        Ok(rows)
    }

    /// All rows of a query as texts; NULL is `None`.
    pub fn texts(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Error> {
        let text = |value: &Value| crate::render::text_of(value).map(|t| String::from_utf8_lossy(&t).into_owned());
        Ok(self.rows(sql)?.iter().map(|row| row.iter().map(text).collect()).collect())
    }

    /// The first column of a query as texts; NULLs are left out.
    pub fn column(&mut self, sql: &str) -> Result<Vec<String>, Error> {
        Ok(self.texts(sql)?.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
    }
}

//! Dot commands: one register, one function each, in files by subject.

mod archive;
mod controls;
mod dump;
pub mod expert;
mod files;
mod hash;
mod help;
mod hexadecimal;
mod import;
mod imposter;
mod indent;
mod inspect;
mod lint;
mod modes;
mod parameters;
mod recover;
mod schema;
mod session;
mod settings;
mod system;
mod testcase;
pub mod track;
pub mod watch;

pub use archive::content as archive_content;
pub use archive::disk;
pub use archive::from_command_line as archive_from_command_line;
pub use files::{show_file, take_text};
pub use hash::{hash_of_queries, sha3};
pub use hexadecimal::Lines as HexadecimalLines;

use turso_core::Error;
use turso_core::parser::ast::Statement;

use crate::shell::{Flow, Shell};
use crate::words;

/// What a command has come to; the text is an error's.
pub type Outcome = Result<Flow, String>;

type Run = fn(&mut Shell, &[&str]) -> Outcome;

/// A dot command.
struct Command {
    name: &'static str,
    /// How many letters of the name are enough.
    letters: usize,
    /// It touches nothing but the open database: `-safe` allows it.
    safe: bool,
    run: Run,
}

/// The register. A shortened name means the first entry that it fits.
#[rustfmt::skip]
const COMMANDS: &[Command] = &[
    Command { name: "auth", letters: 1, safe: true, run: watch::authorizer },
    Command { name: "archive", letters: 2, safe: false, run: archive::run },
    Command { name: "backup", letters: 3, safe: false, run: files::backup },
    Command { name: "bail", letters: 3, safe: true, run: settings::bail },
    Command { name: "binary", letters: 3, safe: true, run: settings::binary },
    Command { name: "cd", letters: 2, safe: false, run: system::change_directory },
    Command { name: "changes", letters: 3, safe: true, run: settings::changes },
    Command { name: "check", letters: 3, safe: true, run: testcase::check },
    Command { name: "clone", letters: 1, safe: false, run: files::clone },
    Command { name: "connection", letters: 2, safe: true, run: session::connection },
    Command { name: "crlf", letters: 2, safe: true, run: settings::crlf },
    Command { name: "databases", letters: 2, safe: true, run: schema::databases },
    Command { name: "dbconfig", letters: 3, safe: true, run: controls::dbconfig },
    Command { name: "dbinfo", letters: 3, safe: true, run: inspect::dbinfo },
    Command { name: "dbtotxt", letters: 7, safe: true, run: hexadecimal::run },
    Command { name: "dump", letters: 1, safe: true, run: dump::run },
    Command { name: "echo", letters: 1, safe: true, run: settings::echo },
    Command { name: "eqp", letters: 2, safe: true, run: settings::plan },
    Command { name: "excel", letters: 5, safe: false, run: files::excel },
    Command { name: "exit", letters: 2, safe: true, run: session::exit },
    Command { name: "expert", letters: 4, safe: true, run: expert::run },
    Command { name: "explain", letters: 4, safe: true, run: settings::explain },
    Command { name: "filectrl", letters: 1, safe: true, run: session::file_control },
    Command { name: "fullschema", letters: 2, safe: true, run: schema::full_schema },
    Command { name: "headers", letters: 1, safe: true, run: settings::headers },
    Command { name: "help", letters: 3, safe: true, run: help::run },
    Command { name: "import", letters: 1, safe: false, run: import::run },
    Command { name: "imposter", letters: 8, safe: true, run: imposter::run },
    Command { name: "indexes", letters: 2, safe: true, run: schema::indexes },
    Command { name: "indices", letters: 4, safe: true, run: schema::indexes },
    Command { name: "intck", letters: 3, safe: true, run: inspect::integrity_check },
    Command { name: "limit", letters: 5, safe: true, run: controls::limit },
    Command { name: "lint", letters: 4, safe: true, run: lint::run },
    Command { name: "load", letters: 2, safe: false, run: system::load },
    Command { name: "log", letters: 3, safe: false, run: settings::log },
    Command { name: "mode", letters: 1, safe: true, run: modes::mode },
    Command { name: "nonce", letters: 5, safe: true, run: session::nonce },
    Command { name: "nullvalue", letters: 1, safe: true, run: modes::null_value },
    Command { name: "once", letters: 2, safe: false, run: files::once },
    Command { name: "open", letters: 2, safe: true, run: files::open },
    Command { name: "output", letters: 2, safe: false, run: files::output },
    Command { name: "parameter", letters: 3, safe: true, run: parameters::run },
    Command { name: "print", letters: 3, safe: true, run: system::print },
    Command { name: "prompt", letters: 1, safe: true, run: settings::prompt },
    Command { name: "progress", letters: 3, safe: true, run: watch::progress },
    Command { name: "quit", letters: 1, safe: true, run: session::quit },
    Command { name: "read", letters: 3, safe: false, run: files::read },
    Command { name: "recover", letters: 3, safe: true, run: recover::run },
    Command { name: "restore", letters: 3, safe: false, run: files::restore },
    Command { name: "save", letters: 4, safe: false, run: files::backup },
    Command { name: "scanstats", letters: 1, safe: true, run: settings::scan_stats },
    Command { name: "schema", letters: 3, safe: true, run: schema::schema },
    Command { name: "selftest", letters: 8, safe: true, run: hash::self_test },
    Command { name: "separator", letters: 2, safe: true, run: modes::separator },
    Command { name: "session", letters: 3, safe: true, run: track::run },
    Command { name: "sha3sum", letters: 4, safe: true, run: hash::sha3sum },
    Command { name: "shell", letters: 2, safe: false, run: system::system },
    Command { name: "show", letters: 3, safe: true, run: session::show },
    Command { name: "stats", letters: 2, safe: true, run: settings::stats },
    Command { name: "system", letters: 2, safe: false, run: system::system },
    Command { name: "tables", letters: 1, safe: true, run: schema::tables },
    Command { name: "testcase", letters: 8, safe: true, run: testcase::begin },
    Command { name: "testctrl", letters: 5, safe: true, run: controls::test_control },
    Command { name: "timeout", letters: 5, safe: true, run: settings::timeout },
    Command { name: "timer", letters: 5, safe: true, run: settings::timer },
    Command { name: "trace", letters: 2, safe: true, run: settings::trace },
    Command { name: "version", letters: 1, safe: true, run: inspect::version },
    Command { name: "vfsinfo", letters: 2, safe: true, run: inspect::vfs_info },
    Command { name: "vfslist", letters: 4, safe: true, run: inspect::vfs_list },
    Command { name: "vfsname", letters: 4, safe: true, run: inspect::vfs_name },
    Command { name: "width", letters: 2, safe: true, run: modes::width },
    Command { name: "www", letters: 2, safe: false, run: files::www },
];

/// Names of all commands, for completion.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|c| c.name)
}

/// Run a line that begins with a dot.
pub fn run(shell: &mut Shell, line: &str) -> Flow {
    let words = words::split(line.strip_prefix('.').unwrap_or(line));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((name, arguments)) = words.split_first() else { return Flow::Continue };
    let found = COMMANDS.iter().find(|c| name.len() >= c.letters && c.name.starts_with(name));
    let Some(command) = found else {
        shell.complain(format!("Error: unknown command or invalid arguments:  \"{name}\". Enter \".help\" for help"));
        return Flow::Continue;
    };
    if shell.safe && !command.safe && !shell.nonce_given {
        shell.refuse(&format!(".{}", command.name));
    }
    let outcome = (command.run)(shell, arguments);
    if command.name != "nonce" {
        shell.nonce_given = false;
    }
    outcome.unwrap_or_else(|message| {
        shell.complain(message);
        Flow::Continue
    })
}

/// Does the statement reach other files than the open database?
pub fn leaves_database(sql: &[u8]) -> bool {
    let parsed = turso_core::parser::parse(sql);
    matches!(parsed.map(|p| p.statement), Ok(Some(Statement::Attach(_))))
}

/// An error of the engine in the words of dot commands.
fn text(error: Error) -> String {
    format!("Error: {}", error.message())
}

/// A text as an SQL literal.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text between double quotes.
fn double_quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

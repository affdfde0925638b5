//! `tursodb [OPTIONS] [DATABASE] [SQL]`: the shell.
//!
//! | module | subject |
//! |---|---|
//! | `shell` | the session: runs SQL, reports errors, keeps settings |
//! | `input` | lines from a terminal, a pipe, a file or an argument, joined to statements |
//! | `complete` | is a text a complete statement? |
//! | `dot` | dot commands, one register |
//! | `dump` | a database as SQL text |
//! | `render` | output modes |
#![forbid(unsafe_code)]

mod complete;
mod dot;
mod dump;
mod input;
mod render;
mod shell;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use render::Mode;
use shell::{Flow, Shell};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "tursodb", version, about = "The shell of Turso Database")]
struct Arguments {
    /// The database file; without one, a transient database in memory.
    database: Option<String>,
    /// SQL or dot commands to run instead of reading input.
    sql: Vec<String>,
    /// Output mode.
    #[arg(short = 'm', long, value_name = "MODE")]
    output_mode: Option<String>,
    /// Write output to this file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
    /// No banner.
    #[arg(short, long)]
    quiet: bool,
    /// Print each statement before it runs.
    #[arg(short, long)]
    echo: bool,
    /// Back end for input and output: `syscall` or `memory`.
    #[arg(short, long, value_name = "NAME")]
    vfs: Option<String>,
    /// Open the database read-only.
    #[arg(long)]
    readonly: bool,
    /// Stop after the first error.
    #[arg(long)]
    bail: bool,
    /// Run this before reading input.
    #[arg(long, value_name = "COMMAND")]
    cmd: Vec<String>,
}

fn main() -> ExitCode {
    // A deep but legal expression needs more stack than the main thread of some systems has.
    let worker = std::thread::Builder::new().name("shell".into()).stack_size(256 << 20).spawn(run);
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            eprintln!("Error: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let path = arguments.database.as_deref().unwrap_or(":memory:");
    let mut shell = match Shell::open(path, arguments.readonly, arguments.vfs.as_deref()) {
        Ok(shell) => shell,
        Err(error) => {
            eprintln!("Error: unable to open database \"{path}\": {error}");
            return ExitCode::FAILURE;
        }
    };
    shell.settings.echo = arguments.echo;
    shell.settings.bail = arguments.bail;
    if let Some(name) = &arguments.output_mode {
        match Mode::by_name(name) {
            Some(mode) => shell.settings.set_mode(mode),
            None => {
                eprintln!("Error: unknown output mode: {name}");
                return ExitCode::FAILURE;
            }
        }
    }
    if let Some(file) = &arguments.output
        && let Err(error) = shell.redirect(Some(file))
    {
        eprintln!("Error: cannot open \"{file}\": {error}");
        return ExitCode::FAILURE;
    }
    for command in arguments.cmd.iter().chain(&arguments.sql) {
        match shell.run_argument(command) {
            Flow::Continue => {}
            Flow::Exit(code) => return ExitCode::from(code),
        }
    }
    if !arguments.sql.is_empty() {
        return ExitCode::SUCCESS;
    }
    let code = if std::io::stdin().is_terminal() {
        if !arguments.quiet {
            shell.banner();
        }
        input::interactive(&mut shell)
    } else {
        input::stream(&mut shell, std::io::stdin().lock())
    };
    ExitCode::from(code)
}

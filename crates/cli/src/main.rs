//! `tursodb [OPTIONS] [DATABASE] [SQL]`: the shell.
//!
//! | module | subject |
//! |---|---|
//! | `options` | the command line |
//! | `shell` | the session: runs SQL, reports errors, keeps connections |
//! | `settings` | what dot commands and flags set |
//! | `input` | lines from a pipe or a file, joined to statements |
//! | `append` | databases at the end of other files |
//! | `complete` | is a text a complete statement? |
//! | `functions` | SQL functions that the shell adds |
//! | `modules` | virtual tables that it adds |
//! | `commands` | dot commands, one register |
//! | `render` | output modes |
//! | `output` | where output goes |
//! | `terminal` | editing, completion, colours, Ctrl-C, progress |
#![deny(unsafe_code)]

mod append;
mod commands;
mod complete;
mod functions;
mod input;
mod modules;
mod options;
mod output;
mod render;
mod settings;
mod shell;
mod terminal;
mod words;

use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use options::{Instead, Options, Step};
use settings::{Plan, Stats};
use shell::{Access, Flow, Shell};

#[global_allocator]
static ALLOCATOR: turso_allocator::Allocator = turso_allocator::Allocator;

fn main() -> ExitCode {
    // A deep but legal expression needs more stack than the main thread of some systems has.
    let worker = std::thread::Builder::new().name("shell".into()).stack_size(256 << 20).spawn(run);
    match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(_)) => ExitCode::from(101),
        Err(error) => {
            eprintln!("Error: cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> u8 {
    let mut arguments = std::env::args_os().map(|a| a.to_string_lossy().into_owned());
    let program = arguments.next().unwrap_or_else(|| "tursodb".into());
    let arguments: Vec<String> = arguments.collect();
    let options = match options::parse(&arguments) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{program}: Error: {message}");
            return 1;
        }
    };
    match &options.instead {
        Some(Instead::Help) => {
            eprint!("{}", options::help(&program));
            return 0;
        }
        Some(Instead::Version) => {
            println!("tursodb {}", env!("CARGO_PKG_VERSION"));
            return 0;
        }
        Some(Instead::Mcp) => return serve(&program, options),
        Some(Instead::SyncServer(_)) => {
            eprintln!("{program}: Error: --sync-server is not supported yet");
            return 1;
        }
        None => {}
    }
    let mut shell = Shell::new(Access {
        read_only: options.read_only,
        vfs: options.vfs.clone(),
        no_follow: options.no_follow,
        kind: options.kind,
        max_size: options.max_size,
    });
    shell.program = program;
    let code = session(&mut shell, options);
    shell.flush();
    code
}

/// `--mcp`
fn serve(program: &str, options: Options) -> u8 {
    let mut limits = turso_mcp::Limits::default();
    limits.rows = options.mcp_rows.unwrap_or(limits.rows);
    limits.time = options.mcp_time.unwrap_or(limits.time);
    let path = options.database.unwrap_or_else(|| ":memory:".into());
    let served =
        turso_mcp::serve(turso_mcp::Options { path, read_only: options.read_only, tables: options.tables, limits });
    match served {
        Ok(()) => 0,
        Err(message) => {
            eprintln!("{program}: Error: {message}");
            1
        }
    }
}

fn session(shell: &mut Shell, options: Options) -> u8 {
    if let Some(name) = &options.vfs
        && shell::backend(Some(name)).is_err()
    {
        eprintln!("no such VFS: \"{name}\"");
        return 1;
    }
    let on_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let has_work = !options.commands.is_empty() || options.archive.is_some();
    shell.interactive = !has_work && !options.batch && (on_terminal || options.interactive);
    shell.nonce = options.nonce.clone();
    shell.safe = options.safe;
    if let Err(message) = shell.open(options.database.as_deref().unwrap_or(":memory:")) {
        eprintln!("{message}");
        return 1;
    }
    if !shell.interactive {
        terminal::handle_interrupts(shell);
    }
    // The start file is the user's own.
    shell.safe = false;
    match start_files(shell, options.init.as_deref()) {
        Flow::Continue => {}
        Flow::Exit(code) => return code,
        Flow::Quit => return 0,
    }
    if let Some(file) = &options.trace {
        shell.settings.trace.target = Some(file.clone());
        shell.settings.trace.statements = true;
        if File::create(file).is_err() {
            eprintln!("Error: cannot open \"{file}\"");
            return 1;
        }
    }
    if let Some(file) = &options.output
        && let Err(message) = shell.redirect(file)
    {
        eprintln!("{message}");
        return 1;
    }
    shell.safe = options.safe;
    for step in options.steps {
        if let Flow::Exit(code) = apply(shell, step) {
            return code;
        }
    }
    if let Some(words) = options.archive {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        return match commands::archive_from_command_line(shell, &words) {
            Ok(_) => 0,
            Err(message) => {
                // As by `sqlite3`, whose status says nothing about archives.
                shell.warn(message);
                0
            }
        };
    }
    if !options.commands.is_empty() {
        for command in &options.commands {
            match shell.run_argument(command) {
                Flow::Continue => {}
                Flow::Exit(code) => return code,
                Flow::Quit => return 0,
            }
        }
        return 0;
    }
    if shell.interactive {
        if !options.quiet {
            banner(shell);
        }
        return terminal::session(shell);
    }
    let before = shell.errors;
    match input::stream(shell, std::io::stdin().lock()) {
        Flow::Exit(code) => code,
        Flow::Continue | Flow::Quit => u8::from(shell.errors > before),
    }
}

/// `-init FILE`, or else `~/.sqliterc`.
fn start_files(shell: &mut Shell, init: Option<&str>) -> Flow {
    let home = || {
        let home = PathBuf::from(std::env::var_os("HOME")?);
        let config = std::env::var_os("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), PathBuf::from);
        let candidates = [config.join("sqlite3/sqliterc"), home.join(".sqliterc")];
        candidates.into_iter().find(|path| path.is_file())
    };
    let Some(path) = init.map(PathBuf::from).or_else(home) else { return Flow::Continue };
    match File::open(&path) {
        Ok(file) => {
            if shell.interactive {
                eprintln!("-- Loading resources from {}", path.display());
            }
            let interactive = std::mem::replace(&mut shell.interactive, false);
            let flow = input::stream(shell, BufReader::new(file));
            shell.interactive = interactive;
            flow
        }
        Err(_) => {
            if init.is_some() {
                eprintln!("cannot open: \"{}\"", path.display());
            }
            Flow::Continue
        }
    }
}

fn apply(shell: &mut Shell, step: Step) -> Flow {
    let settings = &mut shell.settings;
    match step {
        Step::Mode(mode) => settings.set_mode_by_flag(mode),
        Step::ColumnSeparator(text) => settings.column_separator = text,
        Step::RowSeparator(text) => settings.row_separator = text,
        Step::NullValue(text) => settings.null_value = text,
        Step::Headers(on) => {
            settings.headers = on;
            settings.headers_chosen = true;
        }
        Step::Echo => settings.echo = true,
        Step::Bail => settings.bail = true,
        Step::Stats => settings.stats = Stats::On,
        Step::Plan => settings.plan = Plan::On,
        Step::Command(command) => {
            let bail = settings.bail;
            return match shell.run_argument(&command) {
                Flow::Quit => Flow::Continue,
                Flow::Exit(_) if !bail && !command.starts_with(".ex") => Flow::Continue,
                flow => flow,
            };
        }
    }
    Flow::Continue
}

/// The lines at the start of an interactive session.
fn banner(shell: &mut Shell) {
    println!("Turso v{}", env!("CARGO_PKG_VERSION"));
    println!("Enter \".help\" for usage hints.");
    if matches!(shell.path(), "" | ":memory:") {
        println!("Connected to a transient in-memory database.");
        println!("Use \".open FILENAME\" to reopen on a persistent database");
    }
}

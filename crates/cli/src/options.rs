//! The command line: the flags of `sqlite3`, with one dash or two, and our own.

use crate::render::Mode;
use crate::shell::Kind;

/// What a flag does with its arguments.
enum Action {
    /// Sets something.
    Set(fn(&mut Options)),
    /// Takes an argument.
    Take(fn(&mut Options, &str) -> Result<(), String>),
    /// Takes arguments that have no meaning here.
    Skip(usize),
}

/// A flag.
struct Flag {
    names: &'static [&'static str],
    /// The argument as `-help` shows it.
    argument: &'static str,
    help: &'static str,
    action: Action,
}

/// What happens before input is read, in order.
#[derive(Debug)]
pub enum Step {
    /// `-cmd`
    Command(String),
    /// An output mode.
    Mode(Mode),
    /// Mode `ascii`, `csv` and `tabs` set separators; these come later.
    ColumnSeparator(String),
    RowSeparator(String),
    NullValue(String),
    Headers(bool),
    Echo,
    Bail,
    Stats,
    Plan,
}

/// What to do instead of a session.
#[derive(Debug, PartialEq, Eq)]
pub enum Instead {
    Help,
    Version,
    Mcp,
    SyncServer(String),
}

/// The command line.
#[derive(Debug, Default)]
pub struct Options {
    pub database: Option<String>,
    pub commands: Vec<String>,
    pub steps: Vec<Step>,
    pub archive: Option<Vec<String>>,
    pub init: Option<String>,
    pub interactive: bool,
    pub batch: bool,
    pub read_only: bool,
    pub safe: bool,
    pub nonce: Option<String>,
    pub vfs: Option<String>,
    pub output: Option<String>,
    pub quiet: bool,
    pub no_follow: bool,
    /// What the database file is.
    pub kind: Option<Kind>,
    pub max_size: u64,
    pub trace: Option<String>,
    pub instead: Option<Instead>,
    /// `--mcp-table NAME`: only these tables.
    pub tables: Vec<String>,
    /// `--mcp-max-rows N`
    pub mcp_rows: Option<usize>,
    /// `--mcp-timeout MS`
    pub mcp_time: Option<std::time::Duration>,
}

fn mode(options: &mut Options, mode: Mode) {
    options.steps.push(Step::Mode(mode));
}

/// The register, in the order of `-help`.
#[rustfmt::skip]
const FLAGS: &[Flag] = &[
    Flag { names: &["A"], argument: "ARGS...", help: "run \".archive ARGS\" and exit", action: Action::Skip(0) },
    Flag { names: &["append"], argument: "", help: "append the database to the end of the file", action: Action::Set(|o| o.kind = Some(Kind::Appended)) },
    Flag { names: &["ascii"], argument: "", help: "set output mode to 'ascii'", action: Action::Set(|o| mode(o, Mode::Ascii)) },
    Flag { names: &["bail"], argument: "", help: "stop after hitting an error", action: Action::Set(|o| o.steps.push(Step::Bail)) },
    Flag { names: &["batch"], argument: "", help: "force batch I/O", action: Action::Set(|o| o.batch = true) },
    Flag { names: &["box"], argument: "", help: "set output mode to 'box'", action: Action::Set(|o| mode(o, Mode::Box)) },
    Flag { names: &["column"], argument: "", help: "set output mode to 'column'", action: Action::Set(|o| mode(o, Mode::Column)) },
    Flag { names: &["cmd"], argument: "COMMAND", help: "run \"COMMAND\" before reading stdin", action: Action::Take(|o, a| { o.steps.push(Step::Command(a.into())); Ok(()) }) },
    Flag { names: &["csv"], argument: "", help: "set output mode to 'csv'", action: Action::Set(|o| mode(o, Mode::Csv)) },
    Flag { names: &["deserialize"], argument: "", help: "open the database using sqlite3_deserialize()", action: Action::Set(|o| o.kind = Some(Kind::InMemory)) },
    Flag { names: &["echo", "e"], argument: "", help: "print inputs before execution", action: Action::Set(|o| o.steps.push(Step::Echo)) },
    Flag { names: &["eqp"], argument: "", help: "print the plan of each statement", action: Action::Set(|o| o.steps.push(Step::Plan)) },
    Flag { names: &["header"], argument: "", help: "turn headers on", action: Action::Set(|o| o.steps.push(Step::Headers(true))) },
    Flag { names: &["noheader"], argument: "", help: "turn headers off", action: Action::Set(|o| o.steps.push(Step::Headers(false))) },
    Flag { names: &["help", "h", "?"], argument: "", help: "show this message", action: Action::Set(|o| o.instead = Some(Instead::Help)) },
    Flag { names: &["html"], argument: "", help: "set output mode to HTML", action: Action::Set(|o| mode(o, Mode::Html)) },
    Flag { names: &["init"], argument: "FILENAME", help: "read/process named file", action: Action::Take(|o, a| { o.init = Some(a.into()); Ok(()) }) },
    Flag { names: &["interactive"], argument: "", help: "force interactive I/O", action: Action::Set(|o| o.interactive = true) },
    Flag { names: &["json"], argument: "", help: "set output mode to 'json'", action: Action::Set(|o| mode(o, Mode::Json)) },
    Flag { names: &["line"], argument: "", help: "set output mode to 'line'", action: Action::Set(|o| mode(o, Mode::Line)) },
    Flag { names: &["list"], argument: "", help: "set output mode to 'list'", action: Action::Set(|o| mode(o, Mode::List)) },
    Flag { names: &["markdown"], argument: "", help: "set output mode to 'markdown'", action: Action::Set(|o| mode(o, Mode::Markdown)) },
    Flag { names: &["maxsize"], argument: "N", help: "maximum size for a --deserialize database", action: Action::Take(|o, a| { o.max_size = u64::try_from(crate::words::integer(a)).unwrap_or(0); Ok(()) }) },
    Flag { names: &["mcp"], argument: "", help: "serve the database to a model over stdin and stdout", action: Action::Set(|o| o.instead = Some(Instead::Mcp)) },
    Flag { names: &["mcp-table"], argument: "NAME", help: "--mcp: only this table (may be repeated)", action: Action::Take(|o, a| { o.tables.push(a.into()); Ok(()) }) },
    Flag { names: &["mcp-max-rows"], argument: "N", help: "--mcp: no result has more rows. Default: 1000", action: Action::Take(|o, a| { o.mcp_rows = Some(number(a)?); Ok(()) }) },
    Flag { names: &["mcp-timeout"], argument: "MS", help: "--mcp: no statement runs longer. Default: 30000", action: Action::Take(|o, a| { o.mcp_time = Some(std::time::Duration::from_millis(number(a)?)); Ok(()) }) },
    Flag { names: &["newline"], argument: "SEP", help: "set output row separator. Default: '\\n'", action: Action::Take(|o, a| { o.steps.push(Step::RowSeparator(a.into())); Ok(()) }) },
    Flag { names: &["nofollow"], argument: "", help: "refuse to open symbolic links to database files", action: Action::Set(|o| o.no_follow = true) },
    Flag { names: &["nonce"], argument: "STRING", help: "set the safe-mode escape nonce", action: Action::Take(|o, a| { o.nonce = Some(a.into()); Ok(()) }) },
    Flag { names: &["nullvalue"], argument: "TEXT", help: "set text string for NULL values. Default ''", action: Action::Take(|o, a| { o.steps.push(Step::NullValue(a.into())); Ok(()) }) },
    Flag { names: &["output", "o"], argument: "FILE", help: "write output to FILE", action: Action::Take(|o, a| { o.output = Some(a.into()); Ok(()) }) },
    Flag { names: &["output-mode", "m"], argument: "MODE", help: "set the output mode", action: Action::Take(named_mode) },
    Flag { names: &["quiet", "q"], argument: "", help: "no banner", action: Action::Set(|o| o.quiet = true) },
    Flag { names: &["quote"], argument: "", help: "set output mode to 'quote'", action: Action::Set(|o| mode(o, Mode::Quote)) },
    Flag { names: &["readonly"], argument: "", help: "open the database read-only", action: Action::Set(|o| o.read_only = true) },
    Flag { names: &["safe"], argument: "", help: "enable safe-mode", action: Action::Set(|o| o.safe = true) },
    Flag { names: &["separator"], argument: "SEP", help: "set output column separator. Default: '|'", action: Action::Take(|o, a| { o.steps.push(Step::ColumnSeparator(a.into())); Ok(()) }) },
    Flag { names: &["stats"], argument: "", help: "print resource use before each finalize", action: Action::Set(|o| o.steps.push(Step::Stats)) },
    Flag { names: &["sync-server"], argument: "ADDRESS", help: "serve the database for synchronization", action: Action::Take(|o, a| { o.instead = Some(Instead::SyncServer(a.into())); Ok(()) }) },
    Flag { names: &["table"], argument: "", help: "set output mode to 'table'", action: Action::Set(|o| mode(o, Mode::Table)) },
    Flag { names: &["tabs"], argument: "", help: "set output mode to 'tabs'", action: Action::Set(|o| mode(o, Mode::Tabs)) },
    Flag { names: &["tracing-output", "t"], argument: "FILE", help: "write each statement to FILE", action: Action::Take(|o, a| { o.trace = Some(a.into()); Ok(()) }) },
    Flag { names: &["version", "V"], argument: "", help: "show the version", action: Action::Set(|o| o.instead = Some(Instead::Version)) },
    Flag { names: &["vfs", "v"], argument: "NAME", help: "use NAME as the default VFS: syscall (unix), memory or io_uring", action: Action::Take(|o, a| { o.vfs = Some(a.into()); Ok(()) }) },
    Flag { names: &["zip"], argument: "", help: "open the file as a ZIP Archive", action: Action::Set(|o| o.kind = Some(Kind::Zip)) },
    // The engine has no such pools, and an allocator of its own: these change nothing.
    Flag { names: &["memtrace"], argument: "", help: "", action: Action::Skip(0) },
    Flag { names: &["threadsafe"], argument: "N", help: "", action: Action::Skip(1) },
    Flag { names: &["lookaside"], argument: "SIZE N", help: "", action: Action::Skip(2) },
    Flag { names: &["pagecache"], argument: "SIZE N", help: "", action: Action::Skip(2) },
    Flag { names: &["mmap"], argument: "N", help: "", action: Action::Skip(1) },
    Flag { names: &["heap"], argument: "SIZE", help: "", action: Action::Skip(1) },
];

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

fn named_mode(options: &mut Options, name: &str) -> Result<(), String> {
    match Mode::by_name(name) {
        Some(found) => {
            mode(options, found);
            Ok(())
        }
        None => Err(format!("unknown output mode: {name}")),
    }
}

/// Understand the arguments that follow the program's name.
pub fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix('-') else {
            match &options.database {
                None => options.database = Some(word.clone()),
                Some(_) => options.commands.push(word.clone()),
            }
            continue;
        };
        let name = name.strip_prefix('-').unwrap_or(name);
        if let Some(first) = name.strip_prefix('A') {
            // All that follows belongs to the archive command; its letters may follow at once.
            let mut rest: Vec<String> = Vec::new();
            if !first.is_empty() {
                rest.push(first.to_owned());
            }
            rest.extend(words.cloned());
            options.archive = Some(rest);
            return Ok(options);
        }
        // Nothing hides behind these names any more: they are accepted and change nothing.
        if name.starts_with("experimental-") || name == "unsafe-testing" {
            continue;
        }
        let (name, value) = match name.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (name, Some(value.to_owned())),
            _ => (name, None),
        };
        let Some(flag) = FLAGS.iter().find(|f| f.names.contains(&name)) else {
            return Err(format!("unknown option: -{name}\nUse -help for a list of options."));
        };
        let mut next = || match &value {
            Some(value) => Ok(value.clone()),
            None => words.next().cloned().ok_or_else(|| format!("missing argument to {word}")),
        };
        match &flag.action {
            Action::Set(set) => set(&mut options),
            Action::Take(take) => take(&mut options, &next()?)?,
            Action::Skip(count) => {
                for _ in 0..*count {
                    next()?;
                }
            }
        }
    }
    Ok(options)
}

/// The text of `-help`.
pub fn help(program: &str) -> String {
    let mut text = format!(
        "Usage: {program} [OPTIONS] FILENAME [SQL]\nFILENAME is the name of an SQLite database. A new database is created\n\
         if the file does not previously exist.\nOPTIONS include:\n"
    );
    for flag in FLAGS.iter().filter(|f| !f.help.is_empty()) {
        let names: Vec<String> = flag
            .names
            .iter()
            .map(|n| if n.len() > 1 && n.contains('-') { format!("--{n}") } else { format!("-{n}") })
            .collect();
        let head = format!("{} {}", names.join(", "), flag.argument);
        text.push_str(&format!("   {:<26} {}\n", head.trim_end(), flag.help));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Step, parse};

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn flags_may_stand_anywhere() {
        let options = parse(&words("-header x.db --csv select -readonly")).unwrap();
        assert_eq!(options.database.as_deref(), Some("x.db"));
        assert_eq!(options.commands, ["select"]);
        assert!(options.read_only);
        assert!(matches!(options.steps[..], [Step::Headers(true), Step::Mode(_)]));
        assert!(parse(&words("-nope")).unwrap_err().starts_with("unknown option: -nope"));
        assert_eq!(parse(&words("-cmd")).unwrap_err(), "missing argument to -cmd");
        assert_eq!(parse(&words("-Acf x y")).unwrap().archive.unwrap(), ["cf", "x", "y"]);
    }
}

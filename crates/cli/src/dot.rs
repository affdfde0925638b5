//! Dot commands: one register, one function each.

use std::fs::File;
use std::io::BufReader;

use crate::dump;
use crate::input;
use crate::render::Mode;
use crate::shell::{Explain, Flow, Output, Shell};

type Run = fn(&mut Shell, &[&str]) -> Result<Flow, String>;

/// A dot command.
struct Command {
    name: &'static str,
    usage: &'static str,
    help: &'static str,
    run: Run,
}

/// The register, in alphabetical order.
const COMMANDS: &[Command] = &[
    Command { name: "bail", usage: "on|off", help: "Stop after hitting an error.  Default OFF", run: bail },
    Command {
        name: "cd",
        usage: "DIRECTORY",
        help: "Change the working directory to DIRECTORY",
        run: change_directory,
    },
    Command { name: "changes", usage: "on|off", help: "Show number of rows changed by SQL", run: changes },
    Command { name: "databases", usage: "", help: "List names and files of attached databases", run: databases },
    Command { name: "dump", usage: "?OBJECTS?", help: "Render database content as SQL", run: dump_command },
    Command { name: "echo", usage: "on|off", help: "Turn command echo on or off", run: echo },
    Command { name: "eqp", usage: "on|off", help: "Enable or disable automatic EXPLAIN QUERY PLAN", run: query_plan },
    Command { name: "exit", usage: "?CODE?", help: "Exit this program with return-code CODE", run: exit },
    Command {
        name: "explain",
        usage: "?on|off|auto?",
        help: "Change the EXPLAIN formatting mode.  Default: auto",
        run: explain,
    },
    Command { name: "headers", usage: "on|off", help: "Turn display of headers on or off", run: headers },
    Command { name: "help", usage: "?PATTERN?", help: "Show help text for PATTERN", run: help },
    Command { name: "indexes", usage: "?TABLE?", help: "Show names of indexes", run: indexes },
    Command { name: "mode", usage: "MODE ?TABLE?", help: "Set output mode", run: mode },
    Command { name: "nullvalue", usage: "STRING", help: "Use STRING in place of NULL values", run: null_value },
    Command { name: "once", usage: "FILE", help: "Output for the next SQL command only to FILE", run: once },
    Command { name: "open", usage: "?FILE?", help: "Close existing database and reopen FILE", run: open },
    Command { name: "output", usage: "?FILE?", help: "Send output to FILE or stdout if FILE is omitted", run: output },
    Command { name: "print", usage: "STRING...", help: "Print literal STRING", run: print },
    Command { name: "quit", usage: "", help: "Exit this program", run: quit },
    Command { name: "read", usage: "FILE", help: "Read input from FILE", run: read },
    Command { name: "schema", usage: "?PATTERN?", help: "Show the CREATE statements matching PATTERN", run: schema },
    Command { name: "separator", usage: "COL ?ROW?", help: "Change the column and row separators", run: separator },
    Command { name: "show", usage: "", help: "Show the current values for various settings", run: show },
    Command { name: "tables", usage: "?TABLE?", help: "List names of tables matching LIKE pattern TABLE", run: tables },
    Command { name: "timeout", usage: "MS", help: "Try opening locked tables for MS milliseconds", run: timeout },
    Command { name: "timer", usage: "on|off", help: "Turn SQL timer on or off", run: timer },
    Command {
        name: "width",
        usage: "NUM1 NUM2 ...",
        help: "Set minimum column widths for columnar output",
        run: width,
    },
];

/// `.read` inside `.read` inside …
const MAX_DEPTH: usize = 25;

/// Run a line that begins with a dot. A name may be shortened as long as it is the first match.
pub fn run(shell: &mut Shell, line: &str) -> Flow {
    let words = split(line.strip_prefix('.').unwrap_or(line));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((name, arguments)) = words.split_first() else { return Flow::Continue };
    let found = COMMANDS
        .iter()
        .find(|c| c.name == *name)
        .or_else(|| COMMANDS.iter().find(|c| name.len() >= 2 && c.name.starts_with(name)))
        .or_else(|| (*name == "indices").then(|| COMMANDS.iter().find(|c| c.name == "indexes")).flatten());
    let Some(command) = found else {
        shell.complain(format!("Error: unknown command or invalid arguments:  \"{name}\". Enter \".help\" for help"));
        return Flow::Continue;
    };
    match (command.run)(shell, arguments) {
        Ok(flow) => flow,
        Err(message) => {
            shell.complain(message);
            Flow::Continue
        }
    }
}

/// Words of a command line; quotes keep blanks together, a backslash in double quotes is an escape.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(&first) = chars.peek() else { return words };
        let mut word = String::new();
        if first == '\'' || first == '"' {
            chars.next();
            while let Some(c) = chars.next() {
                if c == first {
                    break;
                }
                match (c, first) {
                    ('\\', '"') => word.push(match chars.next() {
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some('r') => '\r',
                        Some(other) => other,
                        None => '\\',
                    }),
                    _ => word.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                word.push(c);
            }
        }
        words.push(word);
    }
}

fn switch(arguments: &[&str], usage: &str) -> Result<bool, String> {
    match arguments {
        [word] => match word.to_ascii_lowercase().as_str() {
            "on" | "yes" | "1" | "true" => Ok(true),
            "off" | "no" | "0" | "false" => Ok(false),
            other => {
                eprintln!("ERROR: Not a boolean value: \"{other}\". Assuming \"no\".");
                Ok(false)
            }
        },
        _ => Err(format!("Usage: {usage}")),
    }
}

fn text(error: turso_core::Error) -> String {
    format!("Error: {}", error.message())
}

macro_rules! switches {
    ($($function:ident $field:ident $usage:literal;)*) => {$(
        fn $function(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
            shell.settings.$field = switch(arguments, $usage)?;
            Ok(Flow::Continue)
        }
    )*};
}
switches! {
    bail bail ".bail on|off";
    changes changes ".changes on|off";
    echo echo ".echo on|off";
    query_plan query_plan ".eqp on|off";
    timer timer ".timer on|off";
}

fn headers(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    shell.settings.headers = switch(arguments, ".headers on|off")?;
    shell.settings.headers_chosen = true;
    Ok(Flow::Continue)
}

fn change_directory(_: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let [directory] = arguments else { return Err("Usage: .cd DIRECTORY".into()) };
    std::env::set_current_dir(directory).map_err(|_| format!("Cannot change to directory \"{directory}\""))?;
    Ok(Flow::Continue)
}

fn databases(shell: &mut Shell, _: &[&str]) -> Result<Flow, String> {
    let access = if shell.read_only { "r/o" } else { "r/w" };
    for (name, file) in shell.connection.databases() {
        if name != "temp" {
            let file = if file.is_empty() { "\"\"".to_owned() } else { file };
            shell.line(format!("{name}: {file} {access}"));
        }
    }
    Ok(Flow::Continue)
}

fn dump_command(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    dump::dump(shell, arguments).map_err(|error| {
        shell.line(format!("/**** ERROR: {} ****/", error.message()));
        shell.line("ROLLBACK; -- due to errors");
        text(error)
    })?;
    Ok(Flow::Continue)
}

fn exit(_: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    Ok(Flow::Exit(arguments.first().and_then(|a| a.parse::<i64>().ok()).map_or(0, |code| code as u8)))
}

fn quit(_: &mut Shell, _: &[&str]) -> Result<Flow, String> {
    Ok(Flow::Exit(0))
}

fn explain(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    shell.settings.explain = match arguments {
        [] => Explain::On,
        ["auto"] => Explain::Auto,
        words => {
            if switch(words, ".explain ?on|off|auto?")? {
                Explain::On
            } else {
                Explain::Off
            }
        }
    };
    Ok(Flow::Continue)
}

fn help(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let wanted = arguments.first().map(|a| a.trim_start_matches('.'));
    let lines: Vec<String> = COMMANDS
        .iter()
        .filter(|c| wanted.is_none_or(|w| c.name.starts_with(w)))
        .map(|c| format!("{:<24} {}", format!(".{} {}", c.name, c.usage), c.help))
        .collect();
    if lines.is_empty() {
        shell.line(format!("Nothing matches '{}'", wanted.unwrap_or("")));
    }
    for line in lines {
        shell.line(line);
    }
    Ok(Flow::Continue)
}

fn like(pattern: &str) -> String {
    pattern.replace('\'', "''")
}

/// Names in columns, filled downwards, for a width of 80.
fn print_names(shell: &mut Shell, names: &[String]) {
    let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    let per_row = (80 / (width + 2)).max(1);
    let rows = names.len().div_ceil(per_row);
    for row in 0..rows {
        let line: Vec<String> = names
            .iter()
            .skip(row)
            .step_by(rows)
            .map(|n| format!("{n}{}", " ".repeat(width - n.chars().count())))
            .collect();
        shell.line(line.join("  "));
    }
}

fn first_column(rows: Vec<Vec<Option<String>>>) -> Vec<String> {
    rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()
}

fn tables(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let pattern = like(arguments.first().unwrap_or(&"%"));
    let sql = format!(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' AND name LIKE '{pattern}' \
         UNION ALL SELECT name FROM sqlite_temp_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' AND name LIKE '{pattern}' \
         ORDER BY 1"
    );
    let names = first_column(shell.texts(&sql).map_err(text)?);
    print_names(shell, &names);
    Ok(Flow::Continue)
}

fn indexes(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let pattern = like(arguments.first().unwrap_or(&"%"));
    let sql = format!("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name LIKE '{pattern}' ORDER BY 1");
    let names = first_column(shell.texts(&sql).map_err(text)?);
    print_names(shell, &names);
    Ok(Flow::Continue)
}

fn schema(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let pattern = arguments.iter().find(|a| !a.starts_with('-')).copied();
    if pattern.is_some_and(|p| matches!(p.to_ascii_lowercase().as_str(), "sqlite_schema" | "sqlite_master")) {
        shell.line("CREATE TABLE sqlite_schema (\n  type text,\n  name text,\n  tbl_name text,\n  rootpage integer,\n  sql text\n);");
        return Ok(Flow::Continue);
    }
    let condition = pattern.map_or(String::new(), |p| format!(" AND tbl_name LIKE '{}'", like(p)));
    let rows = shell
        .texts(&format!(
            "SELECT type, name, sql FROM sqlite_schema WHERE sql NOT NULL AND name NOT LIKE 'sqlite_stat%'{condition} ORDER BY rowid"
        ))
        .map_err(text)?;
    for row in rows {
        if let [Some(kind), Some(name), Some(sql)] = row.as_slice() {
            let mut line = format!("{sql};");
            if kind == "view" {
                let columns = shell.texts(&format!("PRAGMA table_info('{}')", like(name))).unwrap_or_default();
                let names: Vec<String> = columns
                    .into_iter()
                    .filter_map(|r| r.into_iter().nth(1).flatten())
                    .map(|n| crate::render::identifier(&n))
                    .collect();
                if !names.is_empty() {
                    line = format!("{sql}\n/* {name}({}) */;", names.join(","));
                }
            }
            shell.line(line);
        }
    }
    Ok(Flow::Continue)
}

fn mode(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let Some(name) = arguments.first() else {
        let name = shell.settings.mode.name();
        shell.line(format!("current output mode: {name}"));
        return Ok(Flow::Continue);
    };
    let Some(mode) = Mode::by_name(name) else {
        return Err(format!("Error: mode should be one of: {}", Mode::names()));
    };
    shell.settings.set_mode(mode);
    if mode == Mode::Insert {
        shell.settings.insert_table = arguments.get(1).unwrap_or(&"table").to_string();
    }
    Ok(Flow::Continue)
}

fn null_value(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let [value] = arguments else { return Err("Usage: .nullvalue STRING".into()) };
    shell.settings.null_value = (*value).to_owned();
    Ok(Flow::Continue)
}

fn open(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let path = arguments.iter().find(|a| !a.starts_with('-')).copied().unwrap_or(":memory:");
    shell.reopen(path).map_err(|error| format!("Error: unable to open database \"{path}\": {}", error.message()))?;
    Ok(Flow::Continue)
}

fn output(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    shell
        .redirect(arguments.first().copied())
        .map_err(|_| format!("Error: cannot open \"{}\"", arguments.first().unwrap_or(&"")))?;
    Ok(Flow::Continue)
}

fn once(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let [file] = arguments else { return Err("Usage: .once FILE".into()) };
    shell.redirect(Some(file)).map_err(|_| format!("Error: cannot open \"{file}\""))?;
    shell.once = true;
    Ok(Flow::Continue)
}

fn print(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    shell.line(arguments.join(" "));
    Ok(Flow::Continue)
}

fn read(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let [name] = arguments else { return Err("Usage: .read FILE".into()) };
    if shell.depth >= MAX_DEPTH {
        return Err(format!("Input nesting limit ({MAX_DEPTH}) reached at line 1. Check recursion."));
    }
    let file = File::open(name).map_err(|_| format!("Error: cannot open \"{name}\""))?;
    shell.depth += 1;
    let ended = input::stream(shell, BufReader::new(file));
    shell.depth -= 1;
    Ok(if ended != 0 && shell.settings.bail { Flow::Exit(ended) } else { Flow::Continue })
}

fn separator(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let (Some(column), row) = (arguments.first(), arguments.get(1)) else {
        return Err("Usage: .separator COL ?ROW?".into());
    };
    let escapes = |text: &str| text.replace("\\t", "\t").replace("\\n", "\n").replace("\\r", "\r");
    shell.settings.column_separator = escapes(column);
    if let Some(row) = row {
        shell.settings.row_separator = escapes(row);
    }
    Ok(Flow::Continue)
}

fn show(shell: &mut Shell, _: &[&str]) -> Result<Flow, String> {
    let on = |b: bool| if b { "on" } else { "off" };
    let settings = &shell.settings;
    let escaped = |text: &str| format!("\"{}\"", text.escape_default());
    let explain = match settings.explain {
        Explain::Off => "off",
        Explain::On => "on",
        Explain::Auto => "auto",
    };
    let output = match &shell.output {
        Output::Standard => "stdout".to_owned(),
        Output::File(name, _) => name.clone(),
    };
    let widths: String = settings.widths.iter().map(|w| format!("{w} ")).collect();
    let rows = [
        ("echo", on(settings.echo).to_owned()),
        ("eqp", on(settings.query_plan).to_owned()),
        ("explain", explain.to_owned()),
        ("headers", on(settings.headers).to_owned()),
        ("mode", settings.mode.name().to_owned()),
        ("nullvalue", escaped(&settings.null_value)),
        ("output", output),
        ("colseparator", escaped(&settings.column_separator)),
        ("rowseparator", escaped(&settings.row_separator)),
        ("stats", "off".to_owned()),
        ("width", widths),
        ("filename", shell.path.clone()),
    ];
    for (name, value) in rows {
        shell.line(format!("{name:>12}: {value}"));
    }
    Ok(Flow::Continue)
}

fn timeout(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    let ms = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(0);
    shell.connection.set_busy_timeout(std::time::Duration::from_millis(ms));
    Ok(Flow::Continue)
}

fn width(shell: &mut Shell, arguments: &[&str]) -> Result<Flow, String> {
    shell.settings.widths = arguments.iter().map(|a| a.parse().unwrap_or(0)).collect();
    Ok(Flow::Continue)
}

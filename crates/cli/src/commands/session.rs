//! Commands about the session and its connections.

use super::{Outcome, modes};
use crate::settings::{Explain, Plan, Stats};
use crate::shell::{Flow, MAX_SESSIONS, Shell};
use crate::words::{boolean, c_string, integer};

/// `.exit`
pub fn exit(_: &mut Shell, arguments: &[&str]) -> Outcome {
    Ok(match arguments.first().map_or(0, |a| integer(a) as u8) {
        0 => Flow::Quit,
        code => Flow::Exit(code),
    })
}

/// `.quit`
pub fn quit(shell: &mut Shell, _: &[&str]) -> Outcome {
    if shell.interactive {
        shell.line("Exiting Turso SQL Shell.");
    }
    Ok(Flow::Quit)
}

/// `.nonce`
pub fn nonce(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let [word] = arguments else { return Err("Usage: .nonce NONCE".into()) };
    if shell.nonce.as_deref() != Some(*word) {
        shell.flush();
        eprintln!("line {}: incorrect nonce: \"{word}\"", shell.line_number);
        return Ok(Flow::Exit(1));
    }
    shell.nonce_given = true;
    Ok(Flow::Continue)
}

/// `.connection`
pub fn connection(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    const USAGE: &str = "Usage: .connection [close] [CONNECTION-NUMBER]";
    let number = |word: &str| match word.as_bytes() {
        [digit @ b'0'..=b'9'] => Some(usize::from(digit - b'0')),
        _ => None,
    };
    match arguments {
        [] => {
            let lines: Vec<String> = (0..MAX_SESSIONS)
                .filter_map(|i| {
                    let active = i == shell.active;
                    let session = shell.sessions[i].as_ref();
                    if !active && !session.is_some_and(|s| s.used) {
                        return None;
                    }
                    let path = match session {
                        Some(session) if session.unnamed => "(memory)",
                        Some(session) if session.path.is_empty() => "(temporary-file)",
                        Some(session) => &session.path,
                        None => "(memory)",
                    };
                    let mark = if active { "ACTIVE " } else { "       " };
                    Some(format!("{mark}{i}: {path}"))
                })
                .collect();
            for line in lines {
                shell.line(line);
            }
        }
        [word] => {
            let Some(i) = number(word) else { return Err(USAGE.into()) };
            if i < MAX_SESSIONS {
                shell.active = i;
            }
        }
        ["close", word] => {
            let Some(i) = number(word) else { return Err(USAGE.into()) };
            if i >= MAX_SESSIONS {
                return Ok(Flow::Continue);
            }
            if i == shell.active {
                shell.warn("cannot close the active database connection");
                return Ok(Flow::Continue);
            }
            shell.sessions[i] = None;
        }
        _ => return Err(USAGE.into()),
    }
    Ok(Flow::Continue)
}

/// `.show`
pub fn show(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    if !arguments.is_empty() {
        return Err("Usage: .show".into());
    }
    let on = |b: bool| if b { "on" } else { "off" };
    let settings = &shell.settings;
    let explain = match settings.explain {
        Explain::Off => "off",
        Explain::On => "on",
        Explain::Auto => "auto",
    };
    let plan = match settings.plan {
        Plan::Off => "off",
        Plan::On => "on",
        Plan::Trigger => "trigger",
        Plan::Full => "full",
    };
    let stats = match settings.stats {
        Stats::Off => "off",
        Stats::On => "on",
        Stats::Statement => "stmt",
        Stats::Steps => "vmstep",
    };
    let widths: String = settings.widths.iter().map(|w| format!("{w} ")).collect();
    let rows = [
        ("echo", on(settings.echo).to_owned()),
        ("eqp", plan.to_owned()),
        ("explain", explain.to_owned()),
        ("headers", on(settings.headers).to_owned()),
        ("mode", if settings.explain == Explain::On { "explain".to_owned() } else { modes::describe(shell) }),
        ("nullvalue", c_string(&settings.null_value)),
        ("output", shell.output.name().to_owned()),
        ("colseparator", c_string(&settings.column_separator)),
        ("rowseparator", c_string(&settings.row_separator)),
        ("stats", stats.to_owned()),
        ("width", widths),
        ("filename", shell.path().to_owned()),
    ];
    for (name, value) in rows {
        shell.line(format!("{name:>12}: {value}"));
    }
    Ok(Flow::Continue)
}

/// A `.dbconfig` switch: its name, the pragma behind it, and its value where there is none.
const DB_CONFIG: [(&str, Option<&str>, bool); 16] = [
    ("defensive", None, false),
    ("dqs_ddl", None, true),
    ("dqs_dml", None, true),
    ("enable_fkey", Some("foreign_keys"), false),
    ("enable_qpsg", None, false),
    ("enable_trigger", None, true),
    ("enable_view", None, true),
    ("fts3_tokenizer", None, false),
    ("legacy_alter_table", Some("legacy_alter_table"), false),
    ("legacy_file_format", None, false),
    ("load_extension", None, false),
    ("no_ckpt_on_close", None, false),
    ("reset_database", None, false),
    ("trigger_eqp", None, false),
    ("trusted_schema", Some("trusted_schema"), true),
    ("writable_schema", Some("writable_schema"), false),
];

/// `.dbconfig`
pub fn dbconfig(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let mut found = false;
    for (name, pragma, value) in DB_CONFIG {
        if arguments.first().is_some_and(|a| *a != name) {
            continue;
        }
        found = true;
        if let Some(word) = arguments.get(1) {
            let wanted = boolean(word);
            match pragma {
                Some(pragma) => {
                    shell.rows(&format!("PRAGMA {pragma} = {}", i32::from(wanted))).map_err(super::text)?;
                }
                None if wanted != value => return Err(format!("Error: {name} cannot be changed")),
                None => {}
            }
        }
        let value = match pragma {
            Some(pragma) => shell.column(&format!("PRAGMA {pragma}")).map_err(super::text)?.iter().any(|v| v != "0"),
            None => value,
        };
        shell.line(format!("{name:>19} {}", if value { "on" } else { "off" }));
    }
    if !found {
        let name = arguments.first().unwrap_or(&"");
        shell.warn(format!("Error: unknown dbconfig \"{name}\"\nEnter \".dbconfig\" with no arguments for a list"));
    }
    Ok(Flow::Continue)
}

/// The limits of the engine: all of them are fixed.
const LIMITS: [(&str, i64); 12] = [
    ("length", 1_000_000_000),
    ("sql_length", 1_000_000_000),
    ("column", 2000),
    ("expr_depth", 1000),
    ("compound_select", 500),
    ("vdbe_op", 250_000_000),
    ("function_arg", 1000),
    ("attached", 10),
    ("like_pattern_length", 50_000),
    ("variable_number", 32_766),
    ("trigger_depth", 1000),
    ("worker_threads", 0),
];

/// `.limit`
pub fn limit(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let line = |(name, value): &(&str, i64)| format!("{name:>20} {value}");
    match arguments {
        [] => LIMITS.iter().for_each(|entry| shell.line(line(entry))),
        [name, rest @ ..] if rest.len() < 2 => {
            let matching: Vec<&(&str, i64)> =
                LIMITS.iter().filter(|(n, _)| n.starts_with(&name.to_ascii_lowercase())).collect();
            match matching.as_slice() {
                [] => {
                    return Err(format!("unknown limit: \"{name}\"\nenter \".limits\" with no arguments for a list."));
                }
                [entry] if rest.first().is_none_or(|value| integer(value) == entry.1) => shell.line(line(entry)),
                [(name, _)] => return Err(format!("Error: the limit {name} cannot be changed")),
                _ => return Err(format!("ambiguous limit: \"{name}\"")),
            }
        }
        _ => return Err("Usage: .limit NAME ?NEW-VALUE?".into()),
    }
    Ok(Flow::Continue)
}

/// `.filectrl`: what the engine can answer.
pub fn file_control(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    match arguments.first().map(|a| a.trim_start_matches('-')) {
        Some("data_version") => {
            let version = shell.column("PRAGMA data_version").map_err(super::text)?.concat();
            shell.line(version);
        }
        Some("lock_timeout") if arguments.len() == 2 => {
            super::settings::timeout(shell, &arguments[1..])?;
            shell.line("0");
        }
        Some("help") | None => {
            return Err("Available file-controls:\n  .filectrl data_version \n  .filectrl lock_timeout MILLISEC".into());
        }
        Some(name) => {
            return Err(format!("Error: unknown file-control: {name}\nUse \".filectrl --help\" for help"));
        }
    }
    Ok(Flow::Continue)
}

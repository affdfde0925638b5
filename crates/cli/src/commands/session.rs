//! Commands about the session and its connections.

use super::{Outcome, modes};
use crate::settings::{Explain, Plan, Stats};
use crate::shell::{Flow, MAX_SESSIONS, Shell};
use crate::words::{c_string, integer};

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
                shell.complain("cannot close the active database connection");
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

/// `.filectrl`: what the engine can answer.
pub fn file_control(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    match arguments.first().map(|a| a.trim_start_matches('-')) {
        Some("data_version") => {
            let version = shell.column("PRAGMA data_version").map_err(super::text)?.concat();
            shell.line(version);
        }
        Some("lock_timeout") if arguments.len() == 2 => {
            super::settings::timeout(shell, &arguments[1..])?;
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

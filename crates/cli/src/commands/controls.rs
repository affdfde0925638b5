//! `.limit`, `.dbconfig`, `.testctrl`: what the engine lets itself be told.

use turso_core::{Limit, Switch};

use super::Outcome;
use crate::shell::{Flow, Shell};
use crate::words::{boolean, integer};

/// A `.dbconfig` switch; what the engine has not got never changes.
const DB_CONFIG: [(&str, Result<Switch, bool>); 16] = [
    ("defensive", Ok(Switch::Defensive)),
    ("dqs_ddl", Ok(Switch::DoubleQuotedStringsInSchema)),
    ("dqs_dml", Ok(Switch::DoubleQuotedStringsInQueries)),
    ("enable_fkey", Ok(Switch::ForeignKeys)),
    ("enable_qpsg", Err(false)),
    ("enable_trigger", Ok(Switch::Triggers)),
    ("enable_view", Ok(Switch::Views)),
    ("fts3_tokenizer", Err(false)),
    ("legacy_alter_table", Ok(Switch::LegacyAlterTable)),
    ("legacy_file_format", Err(false)),
    ("load_extension", Err(true)),
    ("no_ckpt_on_close", Err(false)),
    ("reset_database", Err(false)),
    ("trigger_eqp", Err(false)),
    ("trusted_schema", Ok(Switch::TrustedSchema)),
    ("writable_schema", Ok(Switch::WritableSchema)),
];

/// `.dbconfig`
pub fn dbconfig(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let connection = shell.connection();
    let mut found = false;
    for (name, switch) in DB_CONFIG {
        if arguments.first().is_some_and(|a| *a != name) {
            continue;
        }
        found = true;
        if let Some(word) = arguments.get(1) {
            let wanted = boolean(word);
            match switch {
                Ok(switch) => connection.turn(switch, wanted),
                Err(fixed) if wanted != fixed => return Err(format!("Error: {name} cannot be changed")),
                Err(_) => {}
            }
        }
        let on = switch.map_or_else(|fixed| fixed, |switch| connection.is_on(switch));
        shell.line(format!("{name:>19} {}", if on { "on" } else { "off" }));
        if !arguments.is_empty() {
            break;
        }
    }
    if !found {
        let name = arguments.first().unwrap_or(&"");
        shell.warn(format!("Error: unknown dbconfig \"{name}\"\nEnter \".dbconfig\" with no arguments for a list"));
    }
    Ok(Flow::Continue)
}

const LIMITS: [(&str, Limit); 12] = [
    ("length", Limit::Length),
    ("sql_length", Limit::SqlLength),
    ("column", Limit::Column),
    ("expr_depth", Limit::ExprDepth),
    ("compound_select", Limit::CompoundSelect),
    ("vdbe_op", Limit::VdbeOp),
    ("function_arg", Limit::FunctionArg),
    ("attached", Limit::Attached),
    ("like_pattern_length", Limit::LikePatternLength),
    ("variable_number", Limit::VariableNumber),
    ("trigger_depth", Limit::TriggerDepth),
    ("worker_threads", Limit::WorkerThreads),
];

/// `.limit`
pub fn limit(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let connection = shell.connection();
    let line = |(name, limit): &(&str, Limit)| format!("{name:>20} {}", connection.limit(*limit));
    match arguments {
        [] => LIMITS.iter().for_each(|entry| shell.line(line(entry))),
        [name, rest @ ..] if rest.len() < 2 => {
            let matching: Vec<&(&str, Limit)> =
                LIMITS.iter().filter(|(n, _)| n.starts_with(&name.to_ascii_lowercase())).collect();
            match matching.as_slice() {
                [] => {
                    return Err(format!("unknown limit: \"{name}\"\nenter \".limits\" with no arguments for a list."));
                }
                [entry] => {
                    if let Some(value) = rest.first() {
                        connection.set_limit(entry.1, integer(value) as i32);
                    }
                    shell.line(line(entry));
                }
                _ => return Err(format!("ambiguous limit: \"{name}\"")),
            }
        }
        _ => return Err("Usage: .limit NAME ?NEW-VALUE?".into()),
    }
    Ok(Flow::Continue)
}

/// Controls for SQLite's own tests, and their arguments.
const TEST_CONTROLS: [(&str, &str); 16] = [
    ("always", "BOOLEAN"),
    ("assert", "BOOLEAN"),
    ("byteorder", ""),
    ("extra_schema_checks", "BOOLEAN"),
    ("imposter", "SCHEMA ON/OFF ROOTPAGE"),
    ("internal_functions", ""),
    ("localtime_fault", "BOOLEAN"),
    ("never_corrupt", "BOOLEAN"),
    ("optimizations", "DISABLE-MASK"),
    ("pending_byte", "OFFSET  "),
    ("prng_restore", ""),
    ("prng_save", ""),
    ("prng_seed", "SEED ?db?"),
    ("seek_count", ""),
    ("sorter_mmap", "NMAX"),
    ("tune", "ID VALUE"),
];

/// `.testctrl`: the questions are answered; what would change the engine is not there.
pub fn test_control(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let word = arguments.first().copied().unwrap_or("help");
    let name = word.strip_prefix('-').map_or(word, |rest| rest.strip_prefix('-').unwrap_or(rest));
    if name == "help" {
        shell.line("Available test-controls:");
        for (name, arguments) in TEST_CONTROLS {
            shell.line(format!("  .testctrl {name} {arguments}"));
        }
        shell.errors += 1;
        return Ok(Flow::Continue);
    }
    let matching: Vec<&(&str, &str)> = TEST_CONTROLS.iter().filter(|(known, _)| known.starts_with(name)).collect();
    let [(control, usage)] = matching.as_slice() else {
        let what = match matching.as_slice() {
            [] => format!("unknown test-control: {name}"),
            _ => format!("ambiguous test-control: \"{name}\""),
        };
        return Err(format!("Error: {what}\nUse \".testctrl --help\" for help"));
    };
    match (*control, &arguments[1..]) {
        ("byteorder", []) => shell.line(if cfg!(target_endian = "little") { "123410" } else { "432101" }),
        ("always", [word]) => shell.line(i32::from(boolean(word)).to_string()),
        ("assert", [_]) | ("seek_count", []) => shell.line("0"),
        ("prng_seed" | "optimizations" | "localtime_fault" | "extra_schema_checks" | "never_corrupt", [_])
        | ("pending_byte" | "sorter_mmap" | "tune" | "imposter", [_, ..])
        | ("internal_functions" | "prng_restore" | "prng_save", []) => {
            return Err(format!("Error: the engine has no test-control {control}"));
        }
        _ => {
            shell.errors += 1;
            shell.line(format!("Usage: .testctrl {control} {usage}"));
        }
    }
    Ok(Flow::Continue)
}

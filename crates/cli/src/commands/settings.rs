//! Commands that set what the session does.

use std::time::Duration;

use super::Outcome;
use crate::settings::{Explain, Plan, Stats, Trace};
use crate::shell::{Flow, Shell};
use crate::words::{boolean, integer, is_option};

fn switch(arguments: &[&str], usage: &str) -> Result<bool, String> {
    match arguments {
        [word] => Ok(boolean(word)),
        _ => Err(format!("Usage: {usage}")),
    }
}

macro_rules! switches {
    ($($function:ident $field:ident $usage:literal;)*) => {$(
        /// A switch.
        pub fn $function(shell: &mut Shell, arguments: &[&str]) -> Outcome {
            shell.settings.$field = switch(arguments, $usage)?;
            Ok(Flow::Continue)
        }
    )*};
}
switches! {
    bail bail ".bail on|off";
    changes changes ".changes on|off";
    echo echo ".echo on|off";
    timer timer ".timer on|off";
    crlf crlf ".crlf on|off";
}

/// `.binary`: there is no other than binary output here.
pub fn binary(_: &mut Shell, arguments: &[&str]) -> Outcome {
    switch(arguments, ".binary on|off")?;
    Ok(Flow::Continue)
}

/// `.headers`
pub fn headers(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    shell.settings.headers = switch(arguments, ".headers on|off")?;
    shell.settings.headers_chosen = true;
    Ok(Flow::Continue)
}

/// `.eqp`
pub fn plan(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let [word] = arguments else { return Err("Usage: .eqp off|on|trace|trigger|full".into()) };
    shell.settings.plan = match *word {
        "full" => Plan::Full,
        "trigger" => Plan::Trigger,
        word if boolean(word) => Plan::On,
        _ => Plan::Off,
    };
    Ok(Flow::Continue)
}

/// `.explain`
pub fn explain(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    shell.settings.explain = match arguments.first() {
        None => Explain::On,
        Some(&"auto") => Explain::Auto,
        Some(word) if boolean(word) => Explain::On,
        Some(_) => Explain::Off,
    };
    Ok(Flow::Continue)
}

/// `.scanstats`
pub fn scan_stats(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    switch(arguments, ".scanstats on|off")?;
    shell.warn("Warning: .scanstats not available in this build.");
    Ok(Flow::Continue)
}

/// `.stats`
pub fn stats(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    match arguments {
        [] => {
            let before = std::mem::replace(&mut shell.settings.stats, Stats::On);
            shell.show_stats();
            shell.settings.stats = before;
        }
        ["stmt"] => shell.settings.stats = Stats::Statement,
        ["vmstep"] => shell.settings.stats = Stats::Steps,
        [word] => shell.settings.stats = if boolean(word) { Stats::On } else { Stats::Off },
        _ => return Err("Usage: .stats ?on|off|stmt|vmstep?".into()),
    }
    Ok(Flow::Continue)
}

/// `.timeout`
pub fn timeout(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let ms = arguments.first().map_or(0, |a| integer(a).max(0));
    shell.connection().set_busy_timeout(Duration::from_millis(ms.unsigned_abs()));
    Ok(Flow::Continue)
}

/// `.prompt`
pub fn prompt(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    if let Some(main) = arguments.first() {
        shell.settings.main_prompt = (*main).to_owned();
    }
    if let Some(next) = arguments.get(1) {
        shell.settings.continue_prompt = Some((*next).to_owned());
    }
    Ok(Flow::Continue)
}

/// `.log`
pub fn log(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let [file] = arguments else { return Err("Usage: .log FILENAME".into()) };
    shell.settings.log = match *file {
        "off" => None,
        "on" | "stdout" => Some("stdout".into()),
        "stderr" => Some("stderr".into()),
        name => {
            std::fs::File::create(name).map_err(|_| format!("Error: cannot open \"{name}\""))?;
            Some(name.into())
        }
    };
    Ok(Flow::Continue)
}

/// `.trace`
pub fn trace(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let mut trace = Trace::default();
    for word in arguments {
        if !word.starts_with('-') {
            trace.target = match *word {
                "off" => None,
                name => Some(name.to_owned()),
            };
        } else if is_option(word, "expanded") {
            trace.expanded = true;
        } else if is_option(word, "plain") {
            trace.expanded = false;
        } else if is_option(word, "stmt") {
            trace.statements = true;
        } else if is_option(word, "profile") {
            trace.profile = true;
        } else if is_option(word, "row") {
            trace.rows = true;
        } else if is_option(word, "close") {
            trace.close = true;
        } else {
            return Err(format!("Unknown option \"{word}\" on \".trace\""));
        }
    }
    if !(trace.statements || trace.profile || trace.rows || trace.close) {
        trace.statements = true;
    }
    if let Some(file) = trace.target.as_deref().filter(|t| !matches!(*t, "stdout" | "stderr")) {
        std::fs::File::create(file).map_err(|_| format!("Error: cannot open \"{file}\""))?;
    }
    shell.settings.trace = trace;
    Ok(Flow::Continue)
}

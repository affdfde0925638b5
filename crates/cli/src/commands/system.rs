//! Commands about the world outside.

use super::Outcome;
use crate::output::shell_command;
use crate::shell::{Flow, Shell};

/// `.cd`
pub fn change_directory(_: &mut Shell, arguments: &[&str]) -> Outcome {
    let [directory] = arguments else { return Err("Usage: .cd DIRECTORY".into()) };
    std::env::set_current_dir(directory).map_err(|_| format!("Cannot change to directory \"{directory}\""))?;
    Ok(Flow::Continue)
}

/// `.load`: a C extension.
pub fn load(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let (file, entry) = match arguments {
        [file] => (file, None),
        [file, entry, ..] => (file, Some(*entry)),
        [] => return Err("Usage: .load FILE ?ENTRYPOINT?".into()),
    };
    shell.loader().load(file, entry).map_err(|message| format!("Error: {message}"))?;
    Ok(Flow::Continue)
}

/// `.print`
pub fn print(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    shell.line(arguments.join(" "));
    Ok(Flow::Continue)
}

/// `.shell`, `.system`
pub fn system(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    if arguments.is_empty() {
        return Err("Usage: .system COMMAND".into());
    }
    let words: Vec<String> = arguments
        .iter()
        .map(|word| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() })
        .collect();
    shell.flush();
    match shell_command(&words.join(" ")).status() {
        Ok(status) if status.success() => {}
        Ok(status) => shell.warn(format!("System command returns {}", raw_status(status))),
        Err(error) => return Err(format!("Error: cannot start a shell: {error}")),
    }
    Ok(Flow::Continue)
}

/// The status as `wait()` delivers it.
fn raw_status(status: std::process::ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        status.into_raw()
    }
    #[cfg(not(unix))]
    {
        status.code().unwrap_or(-1)
    }
}

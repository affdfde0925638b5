//! `.recover`: what can be saved of a damaged database, as SQL text.

use turso_recover::{Options, TextSink, recover};

use super::Outcome;
use crate::shell::{Flow, Shell};

/// `.recover`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
        match (name, words.as_slice().first()) {
            (Some("ignore-freelist"), _) => options.freelist = false,
            (Some("no-rowids"), _) => options.rowids = false,
            (Some("lost-and-found"), Some(table)) => {
                options.lost_and_found = Some((*table).to_owned());
                words.next();
            }
            _ => {
                shell.warn(format!("unexpected option: {word}"));
                super::help::show(shell, "recover");
                shell.errors += 1;
                return Ok(Flow::Continue);
            }
        }
    }
    let connection = shell.connection();
    let mut sink = TextSink::new(|text| {
        shell.write(text);
        Ok(())
    });
    let result = recover(&connection, "main", &options, &mut sink);
    result.map_err(|error| format!("sql error: {} ({})", error.message(), error.code().0))?;
    Ok(Flow::Continue)
}

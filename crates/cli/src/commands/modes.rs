//! `.mode` and what belongs to output modes.

use super::Outcome;
use crate::render::Mode;
use crate::settings::GridOptions;
use crate::shell::{Flow, Shell};
use crate::words::{boolean, integer, is_option};

fn options_text(options: GridOptions) -> String {
    format!(
        "--wrap {} --wordwrap {} --{}quote",
        options.wrap,
        if options.word_wrap { "on" } else { "off" },
        if options.quote { "" } else { "no" }
    )
}

/// The mode as `.mode` and `.show` print it.
pub fn describe(shell: &Shell) -> String {
    let mode = shell.settings.mode;
    if mode.is_grid() {
        format!("{} {}", mode.name(), options_text(shell.settings.grid))
    } else {
        mode.name().to_owned()
    }
}

/// `.mode`
pub fn mode(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let mut options = GridOptions::default();
    let mut name = None;
    let mut table = None;
    let mut words = arguments.iter().copied();
    while let Some(word) = words.next() {
        if is_option(word, "wrap") {
            options.wrap = words.next().map_or(options.wrap, |n| i32::try_from(integer(n)).unwrap_or(0));
        } else if is_option(word, "ww") {
            options.word_wrap = true;
        } else if is_option(word, "wordwrap") {
            options.word_wrap = words.next().is_some_and(boolean);
        } else if is_option(word, "quote") {
            options.quote = true;
        } else if is_option(word, "noquote") {
            options.quote = false;
        } else if name.is_none() {
            name = Some(word);
        } else if table.is_none() {
            table = Some(word);
        } else if word.starts_with('-') {
            return Err(format!(
                "unknown option: {word}\noptions:\n  --noquote\n  --quote\n  --wordwrap on/off\n  --wrap N\n  --ww"
            ));
        } else {
            return Err(format!("extra argument: \"{word}\""));
        }
    }
    let Some(name) = name else {
        if arguments.is_empty() || shell.settings.mode.is_grid() {
            if !arguments.is_empty() {
                shell.settings.grid = options;
            }
            let text = describe(shell);
            shell.line(format!("current output mode: {text}"));
        }
        return Ok(Flow::Continue);
    };
    let (name, options) = match name {
        "qbox" => ("box", GridOptions { wrap: 60, word_wrap: false, quote: true }),
        other => (other, options),
    };
    let Some(mode) = Mode::by_name(name) else {
        return Err(format!("Error: mode should be one of: {}", Mode::names()));
    };
    shell.settings.set_mode(mode);
    if mode.is_grid() {
        shell.settings.grid = options;
    }
    if mode == Mode::Insert {
        shell.settings.insert_table = table.unwrap_or("table").to_owned();
    }
    Ok(Flow::Continue)
}

/// `.nullvalue`
pub fn null_value(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let [value] = arguments else { return Err("Usage: .nullvalue STRING".into()) };
    shell.settings.null_value = (*value).to_owned();
    Ok(Flow::Continue)
}

/// `.separator`
pub fn separator(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    if let Some(column) = arguments.first() {
        shell.settings.column_separator = (*column).to_owned();
    }
    if let Some(row) = arguments.get(1) {
        shell.settings.row_separator = (*row).to_owned();
    }
    if arguments.is_empty() || arguments.len() > 2 {
        return Err("Usage: .separator COL ?ROW?".into());
    }
    Ok(Flow::Continue)
}

/// `.width`
pub fn width(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    shell.settings.widths = arguments.iter().map(|a| i32::try_from(integer(a)).unwrap_or(0)).collect();
    Ok(Flow::Continue)
}

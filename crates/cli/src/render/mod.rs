//! Output modes. Row-by-row modes print as rows come; modes with aligned columns wait for the last row.

mod columns;
mod rows;

pub use rows::{identifier, literal};

use turso_core::{Statement, Value};

use crate::shell::Settings;

/// An output mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Ascii,
    Box,
    Column,
    Csv,
    Html,
    Insert,
    Json,
    Line,
    List,
    Markdown,
    Quote,
    Table,
    Tabs,
    Tcl,
    /// EXPLAIN as a table.
    Explain,
    /// EXPLAIN QUERY PLAN as a tree.
    QueryPlan,
}

/// The modes by name, in the order of `.mode`'s error message.
const NAMES: [(&str, Mode); 14] = [
    ("ascii", Mode::Ascii),
    ("box", Mode::Box),
    ("column", Mode::Column),
    ("csv", Mode::Csv),
    ("html", Mode::Html),
    ("insert", Mode::Insert),
    ("json", Mode::Json),
    ("line", Mode::Line),
    ("list", Mode::List),
    ("markdown", Mode::Markdown),
    ("quote", Mode::Quote),
    ("table", Mode::Table),
    ("tabs", Mode::Tabs),
    ("tcl", Mode::Tcl),
];

impl Mode {
    /// The mode with this name (`pretty` is the box).
    pub fn by_name(name: &str) -> Option<Self> {
        let name = match name {
            "columns" => "column",
            "lines" => "line",
            "pretty" => "box",
            other => other,
        };
        NAMES.iter().find(|(n, _)| *n == name).map(|(_, mode)| *mode)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, mode)| *mode == self).map_or("list", |(name, _)| name)
    }

    /// All names in one line.
    pub fn names() -> String {
        let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        names.insert(10, "qbox");
        names.retain(|n| *n != "qbox");
        names.join(" ")
    }

    /// The separators of columns and rows that choosing the mode sets.
    pub fn separators(self) -> Option<(&'static str, &'static str)> {
        match self {
            Mode::List => Some(("|", "\n")),
            Mode::Csv => Some((",", "\r\n")),
            Mode::Tabs => Some(("\t", "\n")),
            Mode::Quote => Some((",", "\n")),
            Mode::Tcl => Some((" ", "\n")),
            Mode::Ascii => Some(("\x1f", "\x1e")),
            _ => None,
        }
    }

    fn is_aligned(self) -> bool {
        matches!(self, Mode::Box | Mode::Column | Mode::Markdown | Mode::Table | Mode::Explain | Mode::QueryPlan)
    }
}

/// A value as text; NULL is `None`.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(bytes) | Value::Blob(bytes) => {
            // As a C string: `sqlite3` prints what comes before the first NUL.
            let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
            Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
        }
        number => {
            let mut text = Vec::new();
            number.as_ref().write_text(&mut text);
            Some(String::from_utf8_lossy(&text).into_owned())
        }
    }
}

/// Prints the rows of one statement.
pub struct Renderer {
    mode: Mode,
    settings: Settings,
    names: Vec<String>,
    count: usize,
    /// The rows of an aligned mode.
    kept: Vec<Vec<Value>>,
}

impl Renderer {
    /// A renderer for the statement's result.
    pub fn new(mode: Mode, settings: &Settings, statement: &Statement) -> Self {
        let names = (0..statement.column_count()).map(|i| statement.column_name(i).unwrap_or("").to_owned()).collect();
        Self { mode, settings: settings.clone(), names, count: 0, kept: Vec::new() }
    }

    /// Take a row.
    pub fn row(&mut self, values: &[Value], out: &mut Vec<u8>) {
        if self.mode.is_aligned() {
            self.kept.push(values.to_vec());
        } else {
            rows::row(self.mode, &self.settings, &self.names, values, self.count, out);
        }
        self.count += 1;
    }

    /// All rows have come.
    pub fn finish(self, out: &mut Vec<u8>) {
        match self.mode {
            Mode::Json if self.count > 0 => out.extend_from_slice(b"]\n"),
            mode if mode.is_aligned() && self.count > 0 => {
                columns::table(mode, &self.settings, &self.names, &self.kept, out);
            }
            _ => {}
        }
    }
}

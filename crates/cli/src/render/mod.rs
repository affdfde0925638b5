//! Output modes. Row-by-row modes print as rows come; modes with aligned columns wait for the last row.

mod explain;
mod grid;
mod rows;
mod text;

pub use text::{identifier, insert_literal, literal, text_of};

use turso_core::{Statement, Value};

use crate::settings::{GridOptions, Settings};

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
    /// The mode with this name, or with a name that begins so.
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "" => None,
            "pretty" => Some(Mode::Box),
            // Of names that begin alike, the one that is asked for most.
            "ta" | "tab" => Some(Mode::Tabs),
            "l" | "li" | "lin" | "line" | "lines" => Some(Mode::Line),
            "c" | "co" | "col" | "colu" | "colum" | "column" | "columns" => Some(Mode::Column),
            _ => NAMES.iter().find(|(n, _)| n.starts_with(name)).map(|(_, mode)| *mode),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, mode)| *mode == self).map_or("list", |(name, _)| name)
    }

    /// All names in one line.
    pub fn names() -> String {
        let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        names.insert(10, "qbox");
        names.join(" ")
    }

    /// Columns are aligned: options of the grid have a meaning.
    pub fn is_grid(self) -> bool {
        matches!(self, Mode::Box | Mode::Column | Mode::Markdown | Mode::Table)
    }

    /// The separators of columns and rows that choosing the mode sets.
    pub fn separators(self) -> (Option<&'static str>, Option<&'static str>) {
        match self {
            Mode::List => (Some("|"), Some("\n")),
            Mode::Csv => (Some(","), Some("\r\n")),
            Mode::Tabs => (Some("\t"), None),
            Mode::Quote => (Some(","), Some("\n")),
            Mode::Tcl => (Some(" "), Some("\n")),
            Mode::Ascii => (Some("\x1f"), Some("\x1e")),
            Mode::Line | Mode::Column => (None, Some("\n")),
            _ => (None, None),
        }
    }

    fn is_aligned(self) -> bool {
        self.is_grid() || matches!(self, Mode::Explain | Mode::QueryPlan)
    }
}

/// What a renderer needs of the settings.
#[derive(Debug, Clone)]
struct Layout {
    headers: bool,
    null_value: String,
    column_separator: String,
    row_separator: String,
    insert_table: String,
    widths: Vec<i32>,
    grid: GridOptions,
}

/// Prints the rows of one statement.
pub struct Renderer {
    mode: Mode,
    layout: Layout,
    names: Vec<String>,
    count: usize,
    /// The rows of an aligned mode.
    kept: Vec<Vec<Value>>,
}

impl Renderer {
    /// A renderer for the statement's result.
    pub fn new(mode: Mode, settings: &Settings, statement: &Statement) -> Self {
        let names = (0..statement.column_count()).map(|i| statement.column_name(i).unwrap_or("").to_owned()).collect();
        let layout = Layout {
            headers: settings.headers,
            null_value: settings.null_value.clone(),
            column_separator: settings.column_separator.clone(),
            row_separator: settings.row_separator.clone(),
            insert_table: settings.insert_table.clone(),
            widths: settings.widths.clone(),
            grid: settings.grid,
        };
        Self { mode, layout, names, count: 0, kept: Vec::new() }
    }

    /// Take a row.
    pub fn row(&mut self, values: &[Value], out: &mut Vec<u8>) {
        if self.mode.is_aligned() {
            self.kept.push(values.to_vec());
        } else {
            rows::row(self.mode, &self.layout, &self.names, values, self.count, out);
        }
        self.count += 1;
    }

    /// A row has come.
    pub fn has_rows(&self) -> bool {
        self.count > 0
    }

    /// All rows have come.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.count == 0 {
            return;
        }
        match self.mode {
            Mode::Json => out.extend_from_slice(b"]\n"),
            Mode::Explain => explain::listing(&self.names, &self.kept, out),
            Mode::QueryPlan => explain::query_plan(&self.kept, out),
            mode if mode.is_grid() => grid::grid(mode, &self.layout, &self.names, &self.kept, out),
            _ => {}
        }
    }
}

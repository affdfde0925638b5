//! What dot commands and flags set.

use crate::render::Mode;

/// Settings of the session.
#[derive(Debug, Clone)]
pub struct Settings {
    pub mode: Mode,
    pub grid: GridOptions,
    pub headers: bool,
    /// `.headers` has been used: modes do not choose any more.
    pub headers_chosen: bool,
    pub null_value: String,
    pub column_separator: String,
    pub row_separator: String,
    /// Table name of mode `insert`.
    pub insert_table: String,
    pub widths: Vec<i32>,
    pub echo: bool,
    pub bail: bool,
    pub timer: bool,
    pub changes: bool,
    pub explain: Explain,
    pub plan: Plan,
    pub stats: Stats,
    pub trace: Trace,
    /// Where `.log` sends errors.
    pub log: Option<String>,
    pub main_prompt: String,
    pub continue_prompt: Option<String>,
    /// Characters that a cell of a terminal or file cannot show are kept as they are.
    pub crlf: bool,
}

/// Options of the modes that align columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridOptions {
    /// Lines of a cell are no longer than this; 0: any length.
    pub wrap: i32,
    /// Lines end between words where they can.
    pub word_wrap: bool,
    /// Texts as SQL literals.
    pub quote: bool,
}

impl Default for GridOptions {
    fn default() -> Self {
        Self { wrap: 60, word_wrap: false, quote: false }
    }
}

/// `.explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explain {
    Off,
    On,
    Auto,
}

/// `.eqp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    Off,
    On,
    Trigger,
    Full,
}

/// `.stats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stats {
    Off,
    On,
    Statement,
    Steps,
}

/// `.trace`.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// Where to; `None`: tracing is off.
    pub target: Option<String>,
    /// Parameters show their values.
    pub expanded: bool,
    pub statements: bool,
    pub profile: bool,
    pub rows: bool,
    pub close: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::List,
            grid: GridOptions::default(),
            headers: false,
            headers_chosen: false,
            null_value: String::new(),
            column_separator: "|".into(),
            row_separator: "\n".into(),
            insert_table: "table".into(),
            widths: Vec::new(),
            echo: false,
            bail: false,
            timer: false,
            changes: false,
            explain: Explain::Auto,
            plan: Plan::Off,
            stats: Stats::Off,
            trace: Trace::default(),
            log: None,
            main_prompt: "turso> ".into(),
            continue_prompt: None,
            crlf: false,
        }
    }
}

impl Settings {
    /// Choose a mode on the command line: no headers come with it, and rows of `csv` end with a plain newline.
    pub fn set_mode_by_flag(&mut self, mode: Mode) {
        let headers = self.headers;
        self.set_mode(mode);
        self.headers = headers;
        if mode == Mode::Csv {
            self.row_separator = "\n".into();
        }
    }

    /// Choose a mode with the separators that belong to it.
    pub fn set_mode(&mut self, mode: Mode) {
        // Values separated by tabs are a list.
        self.mode = if mode == Mode::Tabs { Mode::List } else { mode };
        if mode == Mode::Column && !self.headers_chosen {
            self.headers = true;
        }
        let (column, row) = mode.separators();
        if let Some(column) = column {
            self.column_separator = column.into();
        }
        if let Some(row) = row {
            self.row_separator = row.into();
        }
    }
}

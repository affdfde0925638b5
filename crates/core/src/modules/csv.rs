//! `CREATE VIRTUAL TABLE t USING csv(filename='f', header=yes)`: the records of comma-separated text (RFC 4180), read-only.
//!
//! | parameter | meaning |
//! |---|---|
//! | `filename=F` or `data=TEXT` | where the text is; exactly one of them |
//! | `header=B` | the first record is no row: it names the columns |
//! | `columns=N` | how many columns; without it and without `schema` the first record tells |
//! | `schema=SQL` | the CREATE TABLE statement that declares the columns |
//! | `testflags=N` | accepted |

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_vtab::{
    Answer, Argument, Arguments, Connected, Cursor, Module, ModuleKind, Output, Question, Risk, Session, VirtualTable,
};

/// The module.
pub(super) struct Csv;

/// Most columns of a table.
const MAX_COLUMNS: usize = 2000;

/// Where the text is.
#[derive(Debug, Clone)]
enum Source {
    File(String),
    Text(Arc<[u8]>),
}

impl Source {
    fn read(&self) -> Result<Arc<[u8]>> {
        match self {
            Source::Text(text) => Ok(text.clone()),
            Source::File(name) => match std::fs::read(name) {
                Ok(bytes) => Ok(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).into()),
                Err(_) => Err(Error::sql(format!("cannot open '{name}' for reading"))),
            },
        }
    }
}

/// A parameter's value: outer blanks and quotes removed, doubled quotes inside made one.
fn dequote(text: &str) -> String {
    let text = text.trim();
    match text.chars().next() {
        Some(quote @ ('\'' | '"')) if text.len() >= 2 && text.ends_with(quote) => {
            text[1..text.len() - 1].replace(&format!("{quote}{quote}"), &quote.to_string())
        }
        _ => text.to_string(),
    }
}

fn boolean(name: &str, value: Option<&str>) -> Result<bool> {
    match value.map(|v| v.trim().to_ascii_lowercase()).as_deref() {
        None | Some("yes" | "on" | "true" | "1") => Ok(true),
        Some("no" | "off" | "false" | "0") => Ok(false),
        Some(_) => Err(Error::sql(format!("unrecognized argument to '{name}'"))),
    }
}

#[derive(Default)]
struct Parameters {
    source: Option<Source>,
    header: Option<bool>,
    columns: Option<usize>,
    schema: Option<String>,
}

impl Parameters {
    fn parse(arguments: &[Arc<str>]) -> Result<Self> {
        let mut this = Self::default();
        for argument in arguments {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value)),
                None => (argument.trim(), None),
            };
            let twice = || Error::sql(format!("more than one '{name}' parameter"));
            match (name.to_ascii_lowercase().as_str(), value) {
                (known @ ("filename" | "data"), Some(value)) => {
                    if this.source.is_some() {
                        return Err(Error::sql("must specify either filename= or data= but not both"));
                    }
                    let value = dequote(value);
                    this.source = Some(match known {
                        "filename" => Source::File(value),
                        _ => Source::Text(value.into_bytes().into()),
                    });
                }
                ("schema", Some(value)) => {
                    if this.schema.replace(dequote(value)).is_some() {
                        return Err(twice());
                    }
                }
                ("header", value) => {
                    if this.header.replace(boolean(name, value)?).is_some() {
                        return Err(twice());
                    }
                }
                ("columns", Some(value)) => {
                    let count = value.trim().parse().unwrap_or(0);
                    if count == 0 || count > MAX_COLUMNS {
                        return Err(Error::sql("column= value must be positive"));
                    }
                    if this.columns.replace(count).is_some() {
                        return Err(twice());
                    }
                }
                ("testflags", Some(_)) => {}
                _ => return Err(Error::sql(format!("bad parameter: '{}'", argument.trim()))),
            }
        }
        if this.source.is_none() {
            return Err(Error::sql("must specify either filename= or data= but not both"));
        }
        Ok(this)
    }
}

impl Module for Csv {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Created
    }

    fn connect(&self, _: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        let Parameters { source, header, columns, schema } = Parameters::parse(arguments.arguments)?;
        let Some(source) = source else {
            return Err(Error::sql("must specify either filename= or data= but not both"));
        };
        let header = header.unwrap_or(false);
        let declaration = match schema {
            Some(schema) => schema,
            None => {
                let names = if header || columns.is_none() {
                    let text = source.read()?;
                    let mut reader = Reader { text: &text, at: 0 };
                    let first = reader.record()?.unwrap_or_default();
                    first.iter().map(|f| String::from_utf8_lossy(f).into_owned()).collect()
                } else {
                    Vec::new()
                };
                declare(&names, header, columns.unwrap_or(names.len()))?
            }
        };
        let is_file = matches!(source, Source::File(_));
        let mut connected = Connected::new(Arc::new(Table { source, header }), declaration);
        // Reading files is for those who write the statement, not for a schema.
        connected.risk = if is_file { Risk::DirectOnly } else { Risk::Innocuous };
        Ok(connected)
    }
}

/// Names from the header, `cN` for the others.
fn declare(names: &[String], header: bool, count: usize) -> Result<String> {
    if count == 0 || count > MAX_COLUMNS {
        return Err(Error::sql("cannot find the columns of the text"));
    }
    let column = |i: usize| match names.get(i) {
        Some(name) if header => format!("\"{}\" TEXT", name.replace('"', "\"\"")),
        _ => format!("\"c{i}\" TEXT"),
    };
    let columns: Vec<String> = (0..count).map(column).collect();
    Ok(format!("CREATE TABLE x({})", columns.join(",")))
}

/// Takes text apart.
struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    /// The fields of the next record; `None` at the end.
    fn record(&mut self) -> Result<Option<Vec<Vec<u8>>>> {
        if self.at >= self.text.len() {
            return Ok(None);
        }
        let mut fields = Vec::new();
        loop {
            let (field, separated) = self.field()?;
            fields.push(field);
            if !separated {
                return Ok(Some(fields));
            }
        }
    }

    /// The next field, and whether another one follows in the same record.
    fn field(&mut self) -> Result<(Vec<u8>, bool)> {
        let mut field = Vec::new();
        if self.text.get(self.at) == Some(&b'"') {
            self.at += 1;
            loop {
                match self.text.get(self.at) {
                    Some(b'"') if self.text.get(self.at + 1) == Some(&b'"') => {
                        field.push(b'"');
                        self.at += 2;
                    }
                    Some(b'"') => {
                        self.at += 1;
                        break;
                    }
                    Some(&byte) => {
                        field.push(byte);
                        self.at += 1;
                    }
                    None => return Err(Error::sql("unterminated \"-quoted field")),
                }
            }
        }
        loop {
            let byte = self.text.get(self.at).copied();
            self.at += 1;
            match byte {
                Some(b',') => return Ok((field, true)),
                Some(b'\n') | None => {
                    if field.last() == Some(&b'\r') {
                        field.pop();
                    }
                    return Ok((field, false));
                }
                Some(byte) => field.push(byte),
            }
        }
    }
}

struct Table {
    source: Source,
    header: bool,
}

impl VirtualTable for Table {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        answer.cost = 1_000_000.0;
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        let text = Arc::from(&[][..]);
        Ok(Box::new(Records { source: self.source.clone(), header: self.header, text, at: 0, row: None, count: 0 }))
    }
}

struct Records {
    source: Source,
    header: bool,
    text: Arc<[u8]>,
    at: usize,
    row: Option<Vec<Vec<u8>>>,
    count: i64,
}

impl Records {
    fn advance(&mut self) -> Result<()> {
        let mut reader = Reader { text: &self.text, at: self.at };
        self.row = reader.record()?;
        self.at = reader.at;
        self.count += 1;
        Ok(())
    }
}

impl Cursor for Records {
    fn filter(&mut self, _: &mut dyn Session, _: i32, _: Option<&str>, _: &[Argument]) -> Result<()> {
        self.text = self.source.read()?;
        self.at = 0;
        self.count = 0;
        if self.header {
            self.advance()?;
            self.count = 0;
        }
        self.advance()
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.advance()
    }

    fn at_end(&self) -> bool {
        self.row.is_none()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        if let Some(field) = self.row.as_ref().and_then(|row| row.get(index)) {
            output.value.set_text(field);
        }
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.count)
    }
}

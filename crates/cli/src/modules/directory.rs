//! `fsdir(PATH, DIR)`: the file of that name (in DIR) and, where it is a directory, all that is in it, names in their order.

use std::path::{Path, PathBuf};

use turso_core::vtab::{
    Answer, Argument, Arguments, Connected, Cursor, Module as VirtualModule, ModuleKind, Output, Question, Risk,
    Session, VirtualTable,
};
use turso_core::{Error, Result, Value};

use super::scan_with_arguments;
use crate::commands::disk::{self, Entry};

/// The module.
pub struct Module;

impl VirtualModule for Module {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Eponymous
    }

    fn connect(&self, _: &mut dyn Session, _: &Arguments<'_>) -> Result<Connected> {
        let declaration = "CREATE TABLE x(name, mode, mtime, data, path HIDDEN, dir HIDDEN)";
        let mut connected = Connected::new(std::sync::Arc::new(Table), declaration);
        connected.risk = Risk::DirectOnly;
        Ok(connected)
    }
}

struct Table;

impl VirtualTable for Table {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        Ok(scan_with_arguments(question, &[4, 5]).map(|mut answer| {
            // As `sqlite3` counts: 1 with a path, 2 with a directory too.
            answer.number = match answer.number {
                1 => 1,
                3 => 2,
                _ => 0,
            };
            answer
        }))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::<Walk>::default())
    }
}

/// A walk through directories, what is in one behind it.
#[derive(Default)]
struct Walk {
    base: Option<PathBuf>,
    /// Names that are still to come, the next one last.
    waiting: Vec<String>,
    current: Option<Entry>,
    count: i64,
}

impl Walk {
    fn path(&self, name: &str) -> PathBuf {
        self.base.as_ref().map_or_else(|| Path::new(name).to_path_buf(), |base| base.join(name))
    }

    fn step(&mut self) -> Result<()> {
        self.current = None;
        let Some(name) = self.waiting.pop() else { return Ok(()) };
        let path = self.path(&name);
        let shown = match &self.base {
            Some(base) => format!("{}/{name}", base.display()),
            None => name.clone(),
        };
        let entry = disk::describe(&path, &name).map_err(|_| Error::sql(format!("cannot stat file: {shown}")))?;
        if entry.is_directory() {
            let inner = disk::names_in(&path).map_err(|_| Error::sql(format!("cannot read directory: {shown}")))?;
            self.waiting.extend(inner.into_iter().rev().map(|inner| format!("{name}/{inner}")));
        }
        self.current = Some(entry);
        self.count += 1;
        Ok(())
    }
}

impl Cursor for Walk {
    fn filter(&mut self, _: &mut dyn Session, number: i32, _: Option<&str>, arguments: &[Argument]) -> Result<()> {
        *self = Self::default();
        if number == 0 {
            return Err(Error::sql("table function fsdir requires an argument"));
        }
        let text = |i: usize| {
            let text = arguments.get(i).map(Argument::value).and_then(crate::render::text_of)?;
            Some(String::from_utf8_lossy(&text).into_owned())
        };
        let Some(path) = text(0) else { return Err(Error::sql("table function fsdir requires a non-NULL argument")) };
        self.base = text(1).map(PathBuf::from);
        self.waiting.push(path);
        self.step()
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.step()
    }

    fn at_end(&self) -> bool {
        self.current.is_none()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let Some(entry) = &self.current else { return Ok(()) };
        *output.value = match index {
            0 => Value::text(entry.name.clone()),
            1 => Value::Integer(entry.mode),
            2 => Value::Integer(entry.mtime),
            3 if entry.is_directory() => Value::Null,
            3 => {
                let content = disk::content(&self.path(&entry.name), entry.is_link());
                let content = content.map_err(|_| Error::sql(format!("cannot read file: {}", entry.name)))?;
                if entry.is_link() { Value::Text(content) } else { Value::Blob(content) }
            }
            _ => Value::Null,
        };
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.count)
    }
}

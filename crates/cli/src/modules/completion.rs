//! `completion(PREFIX, WHOLELINE)`: keywords, databases, tables and columns that the word which is being typed may become.

use turso_core::vtab::{
    Answer, Argument, Arguments, Connected, Cursor, Module as VirtualModule, ModuleKind, Output, Question, Session,
    VirtualTable,
};
use turso_core::{Connection, Error, Result, StepResult, Value, WeakConnection};

use super::scan_with_arguments;
use crate::render::text_of;
use crate::terminal::keywords;

/// What a candidate is, by the numbers of `sqlite3`.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Keyword = 1,
    Database = 7,
    Table = 8,
    Column = 9,
}

/// The module, which asks this connection.
pub struct Module(pub WeakConnection);

impl VirtualModule for Module {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Eponymous
    }

    fn connect(&self, _: &mut dyn Session, _: &Arguments<'_>) -> Result<Connected> {
        let declaration = "CREATE TABLE x(candidate TEXT, prefix TEXT HIDDEN, wholeline TEXT HIDDEN, phase INT HIDDEN)";
        Ok(Connected::new(std::sync::Arc::new(Table(self.0.clone())), declaration).innocuous())
    }
}

struct Table(WeakConnection);

impl VirtualTable for Table {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        Ok(scan_with_arguments(question, &[1, 2]))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        let candidates = Vec::new().into_iter();
        Ok(Box::new(Words {
            connection: self.0.clone(),
            candidates,
            current: None,
            given: [const { Value::Null }; 2],
            count: 0,
        }))
    }
}

struct Words {
    connection: WeakConnection,
    candidates: std::vec::IntoIter<(String, Phase)>,
    current: Option<(String, Phase)>,
    /// Prefix and line, as they were given.
    given: [Value; 2],
    count: i64,
}

impl Words {
    fn step(&mut self) {
        self.current = self.candidates.next();
        self.count += 1;
    }
}

impl Cursor for Words {
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        _: Option<&str>,
        arguments: &[Argument],
    ) -> Result<()> {
        let mut arguments = arguments.iter().map(|argument| argument.value().clone());
        self.given = [1, 2].map(|bit| if number & bit != 0 { arguments.next() } else { None }.unwrap_or(Value::Null));
        let [prefix, line] = &self.given;
        let text = |value: &Value| text_of(value).map(|text| String::from_utf8_lossy(&text).into_owned());
        let prefix = text(prefix).unwrap_or_else(|| last_word(&text(line).unwrap_or_default()).to_owned());
        let mut found = Ok(Vec::new());
        let connection = self.connection.upgrade().ok_or_else(|| Error::sql("the connection is closed"))?;
        session.lend(&mut || found = candidates(&connection, &prefix))?;
        self.candidates = found?.into_iter();
        self.count = 0;
        self.step();
        Ok(())
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.step();
        Ok(())
    }

    fn at_end(&self) -> bool {
        self.current.is_none()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let Some((word, phase)) = &self.current else { return Ok(()) };
        *output.value = match index {
            0 => Value::text(word.clone()),
            1 | 2 => self.given[index - 1].clone(),
            _ => Value::Integer(*phase as i64),
        };
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.count)
    }
}

/// The word at the end of a line.
fn last_word(line: &str) -> &str {
    let start = line
        .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
    &line[start..]
}

fn candidates(connection: &Connection, prefix: &str) -> Result<Vec<(String, Phase)>> {
    let databases = names(connection, "SELECT name FROM pragma_database_list")?;
    let mut words: Vec<(String, Phase)> = keywords().map(|word| (word.to_owned(), Phase::Keyword)).collect();
    words.extend(databases.iter().map(|name| (name.clone(), Phase::Database)));
    for (phase, columns) in [(Phase::Table, false), (Phase::Column, true)] {
        for database in &databases {
            let schema = format!("\"{}\".sqlite_schema", database.replace('"', "\"\""));
            let sql = match columns {
                false => format!("SELECT name FROM {schema} WHERE type = 'table'"),
                true => format!(
                    "SELECT pti.name FROM {schema} AS sm JOIN pragma_table_xinfo(sm.name, '{}') AS pti WHERE sm.type = 'table'",
                    database.replace('\'', "''")
                ),
            };
            words.extend(names(connection, &sql)?.into_iter().map(|name| (name, phase)));
        }
    }
    words.retain(|(word, _)| word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)));
    Ok(words)
}

fn names(connection: &Connection, sql: &str) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    if let Some(mut statement) = connection.prepare(sql)?.statement {
        while statement.step()? == StepResult::Row {
            if let Some(text) = statement.row().first().and_then(text_of) {
                names.push(String::from_utf8_lossy(&text).into_owned());
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_last_word_is_what_follows_the_last_other_character() {
        for (line, word) in
            [("", ""), ("sel", "sel"), ("select * from t_1", "t_1"), ("a(", ""), ("é,x", "x"), ("é", "")]
        {
            assert_eq!(super::last_word(line), word);
        }
    }
}

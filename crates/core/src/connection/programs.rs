//! Programs by the text of their statement, so that unprepared SQL that comes again is planned once.

use std::collections::HashMap;
use std::sync::Arc;

use turso_parser::ast::Statement;
use turso_program::Program;

/// Programs that are kept.
const MAX_PROGRAMS: usize = 128;
/// Longer texts are not kept.
const MAX_TEXT: usize = 4096;

/// The programs made under one state of the catalogues and settings.
#[derive(Default)]
pub(crate) struct ProgramCache {
    generation: u32,
    programs: HashMap<Box<str>, Arc<Program>>,
}

impl ProgramCache {
    /// The program for exactly this text, if it was made under this generation.
    pub fn get(&self, sql: &str, generation: u32) -> Option<Arc<Program>> {
        if self.generation == generation { self.programs.get(sql).cloned() } else { None }
    }

    /// Keep a program, if it depends on nothing but its text and the generation: pragmas read settings while they are planned.
    pub fn keep(&mut self, sql: &str, generation: u32, statement: &Statement, program: &Arc<Program>) {
        let plain =
            matches!(statement, Statement::Select(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_));
        if !plain || sql.len() > MAX_TEXT {
            return;
        }
        if self.generation != generation || self.programs.len() >= MAX_PROGRAMS {
            self.programs.clear();
            self.generation = generation;
        }
        self.programs.insert(sql.into(), program.clone());
    }
}

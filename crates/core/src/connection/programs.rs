//! Programs by the text of their statement, so that unprepared SQL that comes again is planned once.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use turso_parser::ast::Statement;
use turso_program::Program;

/// Programs that are kept.
const MAX_PROGRAMS: usize = 128;
/// Slots for texts that have been planned once.
const SEEN: usize = 256;
/// Longer texts are not kept.
const MAX_TEXT: usize = 4096;

/// The programs made under one state of the catalogues and settings.
#[derive(Default)]
pub(crate) struct ProgramCache {
    generation: u32,
    programs: HashMap<Box<[u8]>, Arc<Program>>,
    /// Hashes of texts planned lately, each in the slot it falls into.
    seen: Vec<u64>,
}

impl ProgramCache {
    /// The program for exactly this text, if it was made under this generation.
    pub fn get(&self, sql: &[u8], generation: u32) -> Option<Arc<Program>> {
        if self.generation == generation { self.programs.get(sql).cloned() } else { None }
    }

    /// Keep a program, if it depends on nothing but its text and the generation: pragmas read settings while they are planned.
    pub fn keep(&mut self, sql: &[u8], generation: u32, statement: &Statement, program: &Arc<Program>) {
        let plain = matches!(
            statement,
            Statement::Select(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_)
        );
        if !plain || sql.len() > MAX_TEXT {
            return;
        }
        // A text is kept when it comes for the second time: those that come once (with values written into them) cost nothing
        // and drive nobody out.
        let hash = self.programs.hasher().hash_one(sql);
        self.seen.resize(SEEN, 0);
        if let Some(slot) = self.seen.get_mut(hash as usize % SEEN)
            && *slot != hash
        {
            *slot = hash;
            return;
        }
        if self.generation != generation || self.programs.len() >= MAX_PROGRAMS {
            self.programs.clear();
            self.generation = generation;
        }
        self.programs.insert(sql.into(), program.clone());
    }
}

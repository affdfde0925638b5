//! Programs by the text of their statement, so that unprepared SQL that comes again is planned once.

use std::collections::HashMap;
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
        // A module may answer otherwise the next time.
        if !plain || sql.len() > MAX_TEXT || program.was_planned_with_application() {
            return;
        }
        // A text is kept when it comes for the second time: those that come once (with values written into them) cost nothing
        // and drive nobody out.
        let hash = hash_of(sql);
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

/// A number that nearly all texts have for themselves. Whoever finds two with the same one wins nothing: a text that is taken
/// for one seen before is kept at its first coming.
fn hash_of(text: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * u128::from(FACTOR);
        product as u64 ^ (product >> 64) as u64
    };
    let (words, rest) = text.as_chunks::<8>();
    let hash = words.iter().fold(text.len() as u64 ^ FACTOR, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    mix(hash, rest ^ FACTOR)
}

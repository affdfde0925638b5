//! What a run has reached: statements, rows, functions, instructions; and what it has not.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::mem::Discriminant;

use turso_core::Program;
use turso_functions::registry::built_ins;

use crate::generate::{Class, Step};

/// Instructions that no statement that SQLite knows, too, can lead to, and why.
const BEYOND: &[(&str, &str)] = &[("MeasureColumn", "measures stored vectors, which SQLite has not")];

/// Counts of a run.
#[derive(Default)]
pub struct Reach {
    /// Scripts begun.
    pub scripts: u64,
    /// Statements compared.
    pub statements: u64,
    /// Of these, failed (on both).
    failed: u64,
    /// Queries.
    selects: u64,
    /// Of these, with rows.
    selects_with_rows: u64,
    /// Statements and failures by kind.
    by_class: BTreeMap<&'static str, (u64, u64)>,
    gaps: BTreeMap<String, u64>,
    explained: BTreeMap<&'static str, u64>,
    functions: BTreeSet<String>,
    /// The functions that SQLite has, too; empty: not asked.
    shared: BTreeSet<String>,
    seen: HashSet<Discriminant<turso_program::Instruction>>,
    instructions: BTreeSet<&'static str>,
}

impl Reach {
    /// Counts that start at none. Only functions that SQLite has, too, are expected to be reached.
    pub fn of_shared(functions: impl IntoIterator<Item = String>) -> Self {
        Self { shared: functions.into_iter().collect(), ..Self::default() }
    }

    /// A statement was compared and found the same.
    pub fn statement(&mut self, step: &Step, failed: bool, rows: usize) {
        self.statements += 1;
        self.failed += u64::from(failed);
        self.names_called(&step.sql);
        if step.class == Class::Select {
            self.selects += 1;
            self.selects_with_rows += u64::from(rows > 0);
        }
        let name = match step.class {
            Class::Select => "select",
            Class::Change => "change",
            Class::Define => "define",
            Class::Session => "session",
            Class::Other => "other",
        };
        let count = self.by_class.entry(name).or_default();
        count.0 += 1;
        count.1 += u64::from(failed);
    }

    /// Some functions are no call in a program: they become jumps, or a constant.
    fn names_called(&mut self, sql: &str) {
        for (open, _) in sql.match_indices('(') {
            let before = &sql[..open];
            let start = before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |at| at + 1);
            let name = &before[start..];
            if self.shared.contains(name) && !self.functions.contains(name) {
                self.functions.insert(name.to_owned());
            }
        }
    }

    /// Ours does not support something and says so.
    pub fn gap(&mut self, text: &str) {
        *self.gaps.entry(text.to_owned()).or_default() += 1;
    }

    /// A difference with a known reason.
    pub fn explain(&mut self, reason: &'static str) {
        *self.explained.entry(reason).or_default() += 1;
    }

    /// A program of ours is about to run.
    pub fn program(&mut self, program: &Program) {
        for instruction in &program.instructions {
            if self.seen.insert(std::mem::discriminant(instruction)) {
                self.instructions.insert(instruction.list().opcode);
            }
        }
        for call in &program.calls {
            let name = &*call.function.name;
            if !self.functions.contains(name) {
                self.functions.insert(name.to_owned());
            }
        }
        for body in &program.subprograms {
            self.program(body);
        }
    }

    /// The summary of a run.
    pub fn report(&self) -> String {
        let percent = |part: u64, whole: u64| part as f64 * 100.0 / whole.max(1) as f64;
        let mut text = format!(
            "{} scripts, {} statements, {:.1} % succeed; of {} selects {:.1} % return rows\n",
            self.scripts,
            self.statements,
            percent(self.statements - self.failed, self.statements),
            self.selects,
            percent(self.selects_with_rows, self.selects)
        );
        for (name, (count, failed)) in &self.by_class {
            text += &format!("  {name}: {count}, {:.1} % succeed\n", percent(count - failed, *count));
        }
        for (gap, count) in &self.gaps {
            text += &format!("not compared, {count} times: {gap}\n");
        }
        for (reason, count) in &self.explained {
            text += &format!("explained, {count} times: {reason}\n");
        }
        let own = |name: &str| !self.shared.is_empty() && !self.shared.contains(name);
        let missed = built_ins().map(|f| &*f.name).filter(|name| !self.functions.contains(*name));
        let (beyond, missed): (BTreeSet<&str>, BTreeSet<&str>) = missed.partition(|name| own(name));
        text += &format!("functions never reached: {}\n", missed.into_iter().collect::<Vec<_>>().join(" "));
        text += &format!("functions that SQLite at hand lacks: {}\n", beyond.len());
        let unreached = instruction_names().into_iter().filter(|name| !self.instructions.contains(name));
        let beyond = |name: &&str| BEYOND.iter().any(|(own, _)| own == name);
        let instructions: Vec<&str> = unreached.filter(|name| !beyond(name)).collect();
        for (name, reason) in BEYOND {
            text += &format!("instruction beyond SQLite: {name} {reason}\n");
        }
        text += &format!("instructions never reached: {}\n", instructions.join(" "));
        text += &format!("planner rules never applied: {}\n", turso_planner::reached::missing().join("; "));
        text
    }
}

/// The names of all instructions there are.
fn instruction_names() -> Vec<&'static str> {
    macro_rules! names {
        ($( ($module:ident $name:ident) )*) => { vec![$( stringify!($name), )*] };
    }
    turso_program::for_each_instruction!(names)
}

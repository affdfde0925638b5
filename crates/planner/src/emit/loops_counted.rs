//! Loops that count: how often one is begun, and how many rows it comes to (`sqlite3_stmt_scanstatus`).
//!
//! The counts are registers of the program, and there is code for them only where the connection asks for it.

use std::sync::Arc;

use turso_program::Regs;
use turso_program::expression::AddImm;

use super::Emitter;
use super::loops::index_of;
use crate::plan::{Access, Level, Source};

/// A loop that counts while its code is emitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountedLoop {
    counts: Regs,
    /// Its place among the program's.
    place: usize,
}

impl Emitter<'_> {
    /// Say what the loop of a level is, before it begins, and count that it does.
    pub(super) fn begin_counted(&mut self, source: &Source, level: &Level, min_max: bool) -> Option<CountedLoop> {
        self.explain_level(source, level, min_max);
        // The arms of an OR count for themselves.
        if matches!(level.access, Access::MultiOr { .. }) {
            return None;
        }
        self.count_loop(source, &level.access, level.rows)
    }

    /// Count that a loop begins, whose plan node is the newest one.
    pub(super) fn count_loop(&mut self, source: &Source, access: &Access, rows: f64) -> Option<CountedLoop> {
        // A trigger's loops are not the statement's.
        if !self.context.options.scan_statistics || self.trigger.is_some() {
            return None;
        }
        let name = match index_of(access) {
            Some((index, _)) => Some(Arc::from(&*index.name)),
            None if matches!(access, Access::Produced { .. }) => None,
            None => Some(source.relation.table().map_or_else(|| Arc::from(&*source.name), |table| table.name.clone())),
        };
        let (node, place) = (self.builder.plan_nodes(), self.builder.program_mut().scans.len());
        let counts = self.builder.scan(node, name, rows);
        self.builder.emit(AddImm { reg: counts.at(0), amount: 1 });
        Some(CountedLoop { counts, place })
    }

    /// Count a row, where the loop has come to its first.
    pub(super) fn count_row(&mut self, counted: Option<CountedLoop>, access: &Access) {
        let newest = self.builder.plan_nodes();
        // A subquery has its node once it has shown how it is made.
        if let (Access::Produced { .. }, Some(counted)) = (access, counted)
            && let Some(scan) = self.builder.program_mut().scans.get_mut(counted.place)
        {
            scan.node = newest;
        }
        self.count_null_row(counted);
    }

    /// Count the row of NULLs that an outer join has where the loop has found nothing.
    pub(super) fn count_null_row(&mut self, counted: Option<CountedLoop>) {
        if let Some(CountedLoop { counts, .. }) = counted {
            self.builder.emit(AddImm { reg: counts.at(1), amount: 1 });
        }
    }
}

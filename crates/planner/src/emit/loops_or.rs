//! `a = 1 OR b = 2`: each arm finds rows by a path of its own, and the rest of the level is a subroutine they share.
//!
//! A row set (of rowids) or an ephemeral index (of primary keys) leaves out rows that an earlier arm has found.

use std::sync::Arc;

use turso_error::Result;
use turso_program::Regs;
use turso_program::control::{Gosub, Goto};
use turso_program::cursor::{Found, OpenEphemeral};
use turso_program::data::Null;
use turso_program::sorter::RowSetTest;
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_value::KeyColumn;

use super::loops::{OpenTable, index_of, is_primary_tree};
use super::loops_access::{AccessExits, Advance, Step};
use super::{Emitter, SourceBinding};
use crate::plan::{OrArm, Source};

impl Emitter<'_> {
    /// Emit the arms; what follows is the subroutine.
    pub(super) fn begin_multi_or(
        &mut self,
        table: &OpenTable,
        source: &Source,
        arms: &[OrArm],
        exits: AccessExits,
    ) -> Result<Advance> {
        let return_to = self.builder.register();
        let rest = self.builder.label();
        let by_rowid = table.table.has_rowid();
        let set = self.builder.register();
        let seen = self.builder.cursor();
        if by_rowid {
            self.builder.emit(Null { dest: Regs::new(set, 1) });
        } else {
            let columns = super::loops::primary_columns(&table.table).len();
            let key = Some(Arc::new(self.key_info(vec![KeyColumn::default(); columns])));
            self.builder.emit(OpenEphemeral { cursor: seen, columns: columns as u32, key });
        }
        let binding = SourceBinding::Cursor { cursor: table.cursor, table: table.table.clone(), covering: None };
        self.builder.open_plan_node("MULTI-INDEX OR");
        for (number, arm) in arms.iter().enumerate() {
            self.builder.open_plan_node_with(|| format!("INDEX {}", number + 1));
            self.explain_arm(source, &arm.access);
            self.builder.close_plan_node();
            let scan = self.count_loop(source, &arm.access, -1.0);
            let (next, ended) = (self.builder.label(), self.builder.label());
            for filter in &arm.before {
                self.jump_if_false(filter, ended, true)?;
            }
            let index_cursor = match index_of(&arm.access) {
                Some((index, _)) if !is_primary_tree(&table.table, index) => {
                    if let Some(error) = &index.broken {
                        return Err(error.clone());
                    }
                    let cursor = self.builder.cursor();
                    let db = table.db;
                    if self.loop_depth > 0 {
                        self.once(|e| {
                            e.open_index_at(cursor, db, index);
                            Ok(())
                        })?;
                    } else {
                        self.open_index_at(cursor, db, index);
                    }
                    Some(cursor)
                }
                _ => None,
            };
            self.bind_source(source.id, binding.clone());
            let advance = self.begin_table_access(table, index_cursor, &arm.access, AccessExits { next, ended })?;
            self.count_row(scan, &arm.access);
            self.loop_depth += 1;
            for filter in &arm.filters {
                self.jump_if_false(filter, next, true)?;
            }
            let key = self.row_identity(source, &table.table)?;
            if by_rowid {
                self.builder.emit(RowSetTest { set, target: next, rowid: key.first });
            } else {
                let record = self.builder.temporary();
                self.builder.emit(Found { cursor: seen, key, target: next });
                self.builder.emit(MakeRecord { values: key, dest: record, affinities: None });
                self.builder.emit(IdxInsert { cursor: seen, record, key, position: Position::Unknown, change: None });
                self.builder.release(record);
            }
            self.builder.emit(Gosub { return_to, target: rest });
            self.loop_depth -= 1;
            self.builder.bind(next);
            self.end_access(advance)?;
            self.builder.bind(ended);
        }
        self.builder.close_plan_node();
        self.bind_source(source.id, binding);
        self.builder.emit(Goto { target: exits.ended });
        self.builder.bind(rest);
        Ok(Advance::step(Step::Return(return_to)))
    }
}

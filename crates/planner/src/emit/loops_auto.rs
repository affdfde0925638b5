//! Automatic indexes: built once from a scan of the source, then searched by equality.
//!
//! What is built is a store of hashed rows, unless only a function of the application knows what is equal: then it is an
//! ephemeral index. Both give the rows of a key in the order of an index on all their values.

use std::sync::Arc;

use turso_error::Result;
use turso_program::cursor::{Column, IdxGt, Next, OpenEphemeral, Rewind, SeekGe};
use turso_program::data::{Copy, Integer};
use turso_program::expression::AddImm;
use turso_program::sorter::{HashAdd, HashFind, HashOpen};
use turso_program::write::{IdxInsert, MakeRecord, Position};
use turso_program::{CursorId, Regs};
use turso_value::{Collation, KeyColumn};

use super::loops::{LevelState, Opened};
use super::loops_access::{AccessExits, Advance, Step};
use super::{Emitter, Produced, SourceBinding};
use crate::plan::{AutoIndex, ColumnIndex, Source};

impl Emitter<'_> {
    /// Emit the building of the index and the search in it. The source is read from its entries afterwards.
    pub(super) fn begin_auto_index(
        &mut self,
        state: &mut LevelState,
        source: &Source,
        auto: &AutoIndex,
        exits: AccessExits,
    ) -> Result<Advance> {
        if let Some(key) = auto.key.first() {
            turso_error::log::write(turso_error::ResultCode::WARNING_AUTOINDEX, || {
                format!("automatic index on {}({})", source.name, super::explain::column_name(source, key.column))
            });
        }
        let index = self.builder.cursor();
        let hashed = !auto.key.iter().any(|k| matches!(k.collation, Collation::Custom(_)));
        let fields: Vec<ColumnIndex> =
            auto.key.iter().map(|k| k.column).chain(auto.extra.iter().map(|&c| ColumnIndex::Column(c))).collect();
        let has_rowid = matches!(&state.opened, Opened::Table { table, .. } if table.table.has_rowid());
        let scanned = match &state.opened {
            Opened::Table { table, .. } => table.cursor,
            Opened::Produced(Produced::Ephemeral { cursor }) => *cursor,
            _ => return Err(turso_error::Error::sql("an automatic index needs a table")),
        };
        let reals = match self.source_binding(source.id) {
            Some(SourceBinding::Ephemeral { reals, .. }) => reals.clone(),
            _ => Arc::new([]),
        };
        let build = |e: &mut Self| e.build_auto_index(source, auto, &fields, (scanned, index), hashed, has_rowid);
        if self.loop_depth > 0 {
            self.once(build)?
        } else {
            build(self)?
        }

        let key = self.builder.registers(auto.key.len());
        for (j, k) in auto.key.iter().enumerate() {
            // An outer row whose value is NULL finds nothing by `=`.
            let on_null = (!k.nulls).then_some(exits.ended);
            self.key_value(&k.value, k.affinity, key.at(j), on_null)?;
        }
        let top = if hashed {
            self.builder.emit(HashFind { cursor: index, key, miss: exits.ended });
            self.builder.label_here()
        } else {
            self.builder.emit(SeekGe { cursor: index, key, miss: exits.ended });
            let top = self.builder.label_here();
            self.builder.emit(IdxGt { cursor: index, key, target: exits.ended });
            top
        };
        state.null_cursors = vec![index];
        let mut all = fields;
        all.push(ColumnIndex::Rowid);
        self.bind_source(source.id, SourceBinding::Fields { cursor: index, fields: all.into(), reals });
        Ok(Advance::step(Step::Next(index, top)))
    }

    fn build_auto_index(
        &mut self,
        source: &Source,
        auto: &AutoIndex,
        fields: &[ColumnIndex],
        (scanned, index): (CursorId, CursorId),
        hashed: bool,
        has_rowid: bool,
    ) -> Result<()> {
        let columns = auto
            .key
            .iter()
            .map(|k| KeyColumn { collation: k.collation.clone(), descending: false, nulls_big: false })
            .collect();
        let key = Arc::new(self.key_info(columns));
        let count = fields.len() + 1;
        let number = self.builder.register();
        if hashed {
            self.builder.emit(HashOpen { cursor: index, key });
            // The number that tells equal rows apart counts in a cursor of its own kind.
            if !has_rowid {
                self.builder.emit(Integer { value: 0, dest: number });
            }
        } else {
            self.builder.emit(OpenEphemeral { cursor: index, columns: count as u32, key: Some(key) });
        }
        let (end, next) = (self.builder.label(), self.builder.label());
        self.builder.emit(Rewind { cursor: scanned, empty: end });
        let top = self.builder.label_here();
        for condition in &auto.partial {
            self.jump_if_false(condition, next, true)?;
        }
        let values = self.builder.registers(count);
        for (j, field) in fields.iter().enumerate() {
            match (field, self.source_binding(source.id)) {
                // An index holds what the subquery has made: an integer in a REAL column, which a UNION can bring there, becomes
                // a real only once it is read. So one beyond 2^53 is found by itself.
                (&ColumnIndex::Column(column), Some(SourceBinding::Ephemeral { .. })) => {
                    self.builder.emit(Column { cursor: scanned, column, dest: values.at(j), default: None });
                }
                _ => self.column_into(source.id, *field, values.at(j))?,
            }
        }
        let last = values.at(fields.len());
        if has_rowid {
            self.column_into(source.id, ColumnIndex::Rowid, last)?;
        } else if hashed {
            // Equal rows are all kept, in the order of the scan: a number of their own tells them apart.
            self.builder.emit(Copy { from: number, to: last, count: 1 });
            self.builder.emit(AddImm { reg: number, amount: 1 });
        } else {
            self.builder.emit(turso_program::cursor::Sequence { cursor: index, dest: last });
        }
        if hashed {
            self.builder.emit(HashAdd { cursor: index, values, nulls: auto.key.iter().any(|k| k.nulls) });
        } else {
            let record = self.builder.temporary();
            self.builder.emit(MakeRecord { values, dest: record, affinities: None });
            let key = Regs::new(values.first, 0);
            self.builder.emit(IdxInsert { cursor: index, record, key, position: Position::Unknown, change: None });
            self.builder.release(record);
        }
        self.builder.bind(next);
        self.builder.emit(Next { cursor: scanned, target: top });
        self.builder.bind(end);
        Ok(())
    }
}

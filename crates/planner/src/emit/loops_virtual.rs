//! Scanning a virtual table: its arguments, and the loops over the values of an IN that it takes one by one.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_program::expression::CompareOp;
use turso_program::virtual_table::{ScanPlan, VFilter, VOpen};
use turso_program::{CursorId, DbIndex};
use turso_value::{Affinity, Collation};

use super::loops_access::{AccessExits, Advance, Step};
use super::{Emitter, SourceBinding};
use crate::context::ConnectedTable;
use crate::plan::{Expr, SourceId, VirtualArgument, VirtualScan};

impl Emitter<'_> {
    /// Open a cursor on a virtual table and bind the source to it.
    pub(super) fn open_virtual(
        &mut self,
        source: SourceId,
        db: Option<DbIndex>,
        connected: &ConnectedTable,
    ) -> Result<CursorId> {
        self.uses_virtual(db, connected, false);
        let cursor = self.builder.cursor();
        let open = VOpen { cursor, table: connected.used.clone() };
        if self.loop_depth > 0 {
            self.once(|e| {
                e.builder.emit(open);
                Ok(())
            })?;
        } else {
            self.builder.emit(open);
        }
        self.bind_source(source, SourceBinding::Virtual { cursor });
        Ok(cursor)
    }

    /// The program uses the databases that the table may read; one that only its module's name stands for counts as one of main, so
    /// that its statements take part in the transaction.
    pub(crate) fn uses_virtual(&mut self, db: Option<DbIndex>, connected: &ConnectedTable, write: bool) {
        self.uses_database(db.unwrap_or(DbIndex(0)), write);
        if connected.uses_all_databases {
            for i in 0..self.context.catalogue.database_count() {
                self.uses_database(DbIndex(i as u16), false);
            }
        }
    }

    pub(super) fn begin_virtual(
        &mut self,
        cursor: CursorId,
        scan: &VirtualScan,
        exits: AccessExits,
    ) -> Result<Advance> {
        let args = self.builder.registers(scan.arguments.len());
        let mut advance = Advance::default();
        let mut sets = Vec::new();
        // Sets and plain values are ready before the loops over single values begin.
        for (i, argument) in scan.arguments.iter().enumerate() {
            match argument {
                VirtualArgument::One(value) => self.expr_into(value, args.at(i))?,
                VirtualArgument::All(Expr::In { set, how, .. }) => {
                    let how = how.first().ok_or_else(|| Error::sql("the plan uses an IN without comparison"))?;
                    sets.push((i, self.set_of(set, how)?));
                }
                VirtualArgument::All(_) => return Err(Error::sql("the plan takes something for a set that is none")),
                VirtualArgument::Each { .. } => {}
            }
        }
        let mut ended = exits.ended;
        for (i, argument) in scan.arguments.iter().enumerate() {
            if let VirtualArgument::Each { term, .. } = argument {
                let values = self.begin_in(term, args.at(i), false, ended)?;
                ended = values.next;
                advance.values.push(values);
            }
        }
        let arguments = &scan.arguments;
        let scan = Arc::new(ScanPlan { number: scan.number, text: scan.text.clone(), sets });
        self.builder.emit(VFilter { cursor, empty: ended, args, scan });
        advance.step = Some(Step::Virtual(cursor, self.builder.label_here()));
        for (i, argument) in arguments.iter().enumerate() {
            if let VirtualArgument::Each { term: Expr::In { how, .. }, inexact: Some(column) } = argument
                && let Some(how) = how.first()
            {
                let value = Expr::Register { reg: args.at(i), affinity: Affinity::None, collation: Collation::Binary };
                let equal = Expr::Compare {
                    op: CompareOp::Eq,
                    left: Box::new(column.clone()),
                    right: Box::new(value),
                    how: how.clone(),
                    null_equal: false,
                };
                self.jump_if_false(&equal, exits.next, true)?;
            }
        }
        Ok(advance)
    }
}

//! Sources that produce rows (FROM subqueries, views, CTEs) and subqueries in expressions.

use turso_error::{Error, Result};
use turso_program::{CursorId, Reg};

use super::Emitter;
use crate::plan::Source;

/// How a loop gets the rows of a subquery, view or CTE in FROM. The source is bound to it.
#[derive(Debug, Clone, Copy)]
pub enum Produced {
    /// `Yield` to `state` for each row; `on_end` leaves the loop.
    Coroutine {
        /// The coroutine's register.
        state: Reg,
    },
    /// `Rewind` and `Next` on an ephemeral table.
    Ephemeral {
        /// The table.
        cursor: CursorId,
    },
}

impl Emitter<'_> {
    /// Emit what is needed before the loop over a [`crate::plan::Access::Produced`] source, and bind the source. Without
    /// `materialize` the loop must be the outermost one, since a coroutine runs once.
    pub fn produce(&mut self, source: &Source, materialize: bool) -> Result<Produced> {
        let _ = (source, materialize);
        Err(Error::sql("subqueries in FROM are not supported yet"))
    }
}

//! Changesets: recording what changes, and making it elsewhere.
//!
//! The types are those of the engine's own crate for it. They work in place, as functions and hooks do: making a changeset and
//! applying one waits for pages on the calling thread.
//!
//! ```
//! use turso::session::{ApplyOptions, Conflict, Handler, Resolution};
//!
//! struct KeepOurs;
//! impl Handler for KeepOurs {
//!     fn resolve(&mut self, _: &Conflict<'_>) -> Option<Resolution> {
//!         Some(Resolution::Omit)
//!     }
//! }
//!
//! # async fn run() -> turso::Result<()> {
//! let (here, there) = (turso::Builder::new_local(":memory:"), turso::Builder::new_local(":memory:"));
//! let (here, there) = (here.build().await?.connect()?, there.build().await?.connect()?);
//! for connection in [&here, &there] {
//!     connection.execute("CREATE TABLE note(id INTEGER PRIMARY KEY, text)", ()).await?;
//! }
//! let session = here.session("main");
//! session.attach(None);
//! here.execute("INSERT INTO note VALUES (1, 'from here')", ()).await?;
//! let changeset = session.changeset()?;
//! there.apply_changeset(&changeset, ApplyOptions::default(), &mut KeepOurs)?;
//! let mut rows = there.query("SELECT text FROM note", ()).await?;
//! assert_eq!(rows.next().await?.unwrap().get::<String>(0)?, "from here");
//! # Ok(())
//! # }
//! # pollster::block_on(run()).unwrap();
//! ```

pub use turso_session::*;

use crate::{Connection, Result};

impl Connection {
    /// Begin to record changes in a database of this connection: `main`, `temp`, or an attached one.
    pub fn session(&self, database: &str) -> Session {
        Session::new(self.inner(), database)
    }

    /// Make the changes of a changeset or patchset in `main`, and answer how conflicts were resolved, for a [`Rebaser`].
    pub fn apply_changeset(
        &self,
        changeset: &[u8],
        options: ApplyOptions,
        handler: &mut dyn Handler,
    ) -> Result<Vec<u8>> {
        Ok(apply(self.inner(), Input::whole(changeset), options, handler)?)
    }
}

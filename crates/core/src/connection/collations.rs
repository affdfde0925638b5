//! Collations of the application.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_value::{Collation, CollationFunction};

use super::{Connection, State};

impl Connection {
    /// Make a collation known under its name; one of the same name is replaced, also a built-in one. `SQLITE_BUSY` while
    /// statements run and it exists already.
    pub fn create_collation(&self, collation: Arc<dyn CollationFunction>) -> Result<()> {
        let name = collation.name().to_owned();
        self.lock().change_collation(&name, Some(collation))
    }

    /// Remove a collation of the application. `SQLITE_BUSY` while statements run and it exists.
    pub fn remove_collation(&self, name: &str) -> Result<()> {
        self.lock().change_collation(name, None)
    }
}

impl State {
    fn change_collation(&mut self, name: &str, collation: Option<Arc<dyn CollationFunction>>) -> Result<()> {
        self.usable()?;
        let known = self.collations.iter().position(|c| c.name().eq_ignore_ascii_case(name));
        let built_in = ["binary", "nocase", "rtrim"].iter().any(|built_in| built_in.eq_ignore_ascii_case(name));
        let exists = known.is_some() || built_in;
        if exists && self.active_statements > 0 {
            return Err(Error::new(
                ResultCode::BUSY,
                "unable to delete/modify collation sequence due to active statements",
            ));
        }
        if let Some(at) = known {
            self.collations.remove(at);
        }
        if exists {
            self.expire_kept_programs();
        }
        self.collations.extend(collation.map(Collation::Custom));
        self.generation = self.generation.wrapping_add(1);
        Ok(())
    }

    /// A statement needs a collation that is not known: ask the application for it. True when it has registered it.
    pub fn ask_for_collation(&mut self, name: &str) -> bool {
        let Some(callback) = self.hooks.collation_needed.clone() else { return false };
        self.lend(|| callback(name));
        self.collations.iter().any(|c| c.name().eq_ignore_ascii_case(name))
    }
}

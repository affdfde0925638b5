//! Names of collating sequences in a schema.
//!
//! A schema is shared by connections and collating sequences belong to one connection, so a name that is not built in is kept
//! as a name. The planner replaces it by the connection's function, or fails with `no such collation sequence: x`.

use std::cmp::Ordering;
use std::sync::Arc;

use turso_value::{Collation, CollationFunction};

struct Named(Box<str>);

impl CollationFunction for Named {
    fn name(&self) -> &str {
        &self.0
    }
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        a.cmp(b)
    }
}

/// The collation of this name, and the name where it is not how the collation spells it.
pub(crate) fn written_collation(name: &str) -> (Collation, Option<Arc<str>>) {
    let collation = unresolved_collation(name);
    let written = (collation.name() != name).then(|| name.into());
    (collation, written)
}

/// The built-in collation of this name, or a [`Collation::Custom`] that carries only the name.
pub fn unresolved_collation(name: &str) -> Collation {
    Collation::built_in(name.as_bytes()).unwrap_or_else(|| Collation::Custom(Arc::new(Named(name.into()))))
}

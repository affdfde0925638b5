//! Names compare without regard to ASCII case.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A name folded to lower case (ASCII only), as a map key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FoldedName(Arc<str>);

impl FoldedName {
    /// Fold a name.
    pub fn new(name: &str) -> Self {
        Self(name.to_ascii_lowercase().into())
    }
    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for FoldedName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FoldedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

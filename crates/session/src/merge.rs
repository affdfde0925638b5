//! Two changes of one row, made one after the other, as one.

use turso_core::Value;

use crate::format::{Change, Field, Kind, Operation};

/// What becomes of the change that was there.
pub enum Merged {
    /// It stays; the later one is passed over.
    Kept,
    /// This takes its place.
    Replaced(Change),
    /// Together they do nothing.
    Cancelled,
}

/// The earlier change followed by the later one, of the same table and key.
pub fn merge(earlier: Change, later: &Change) -> Merged {
    use Operation::{Delete, Insert, Update};
    match (earlier.operation, later.operation) {
        (Insert | Update, Insert) | (Delete, Update | Delete) => Merged::Kept,
        (Insert, Delete) => Merged::Cancelled,
        (Insert, Update) => {
            let new = overlaid(&earlier.new, &later.new);
            Merged::Replaced(followed(earlier, later, Insert, Vec::new(), new))
        }
        (Update, Delete) => {
            let old = overlaid(&later.old, &earlier.old);
            Merged::Replaced(followed(earlier, later, Delete, old, Vec::new()))
        }
        (Update, Update) => {
            let old = overlaid(&later.old, &earlier.old);
            let new = overlaid(&earlier.new, &later.new);
            update(earlier, later, old, new)
        }
        (Delete, Insert) => {
            let (old, new) = (earlier.old.clone(), later.new.clone());
            update(earlier, later, old, new)
        }
    }
}

fn followed(earlier: Change, later: &Change, operation: Operation, old: Vec<Field>, new: Vec<Field>) -> Change {
    Change { operation, indirect: earlier.indirect && later.indirect, old, new, table: earlier.table }
}

/// An UPDATE between two rows. In a changeset it tells only what differs; a patchset does not know.
fn update(earlier: Change, later: &Change, old: Vec<Field>, new: Vec<Field>) -> Merged {
    let mut change = followed(earlier, later, Operation::Update, old, new);
    let table = change.table.clone();
    let mut tells = false;
    for (column, (old, new)) in change.old.iter_mut().zip(&mut change.new).enumerate() {
        if table.is_key(column) {
            *new = None;
        } else if table.kind == Kind::Patchset {
            *old = None;
            tells |= new.is_some();
        } else if matches!((&old, &new), (Some(old), Some(new)) if !old.is_identical(new)) {
            tells = true;
        } else {
            (*old, *new) = (None, None);
        }
    }
    if tells { Merged::Replaced(change) } else { Merged::Cancelled }
}

/// The fields of `over`, and those of `under` where it has none.
pub fn overlaid(under: &[Field], over: &[Field]) -> Vec<Field> {
    let either = |(under, over): (&Field, &Field)| -> Option<Value> { over.clone().or_else(|| under.clone()) };
    under.iter().zip(over).map(either).collect()
}

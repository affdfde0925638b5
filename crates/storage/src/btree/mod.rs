//! B-trees over the pages of a [`Pager`](crate::pager::Pager): tables, indexes, freelist, overflow, pointer maps.
//!
//! | file         | subject                                                                    |
//! |--------------|----------------------------------------------------------------------------|
//! | `layout`     | page header and cell pointers, checked views, sizes that follow from them  |
//! | `cell`       | parsing and encoding cells                                                 |
//! | `edit`       | changing one page in place                                                 |
//! | `cursor`     | [`BTreeCursor`]: path, movement, position after changes by others          |
//! | `page_rows`  | all entries of a page at once, for scans by batches                        |
//! | `seek`       | finding keys: the way from the root to the leaf                            |
//! | `probe`      | searching one page                                                         |
//! | `payload`    | reading payloads, overflow chains included                                 |
//! | `insert`     | inserting and replacing entries                                            |
//! | `delete`     | deleting entries                                                           |
//! | `draft`      | a page's planned content, as image or as list of cells                     |
//! | `balance`    | restoring the size rules upward from a changed page                        |
//! | `place`      | which cells go to which page (pure)                                        |
//! | `plan`       | everything one operation will change, gathered before it is applied        |
//! | `freelist`   | taking and giving back pages                                               |
//! | `ptrmap`     | pointer maps of auto-vacuum databases                                      |
//! | `tree`       | creating, clearing, dropping and counting whole trees                      |
//! | `copy`       | copying whole trees from one pager to another                              |
//! | `vacuum`     | moving pages: incremental and automatic vacuum                             |
//! | `check`      | the page level of `PRAGMA integrity_check`                                 |
//!
//! Every change gathers first and applies then: until all pages that it can touch are resident and checked it may
//! return `Err(Pending)` or a damage error and has changed nothing; afterwards it can neither wait nor fail. An
//! operation that returned `Err(Pending)` is called again with the same arguments.

mod balance;
mod cell;
mod check;
mod copy;
mod cursor;
mod delete;
mod draft;
mod edit;
mod freelist;
mod insert;
mod layout;
mod leaf_run;
mod noted;
mod page_rows;
mod payload;
mod place;
mod plan;
mod probe;
mod ptrmap;
mod read_ahead;
mod seek;
mod tree;
mod vacuum;

pub use check::IntegrityCheck;
pub use copy::{CopyAs, TreeCopy};
pub use cursor::{BTreeCursor, CursorKind};
pub use insert::{InsertHint, Payload};
pub use leaf_run::Soon;
pub use page_rows::{PageRow, TakenPage, entries_at_hand};
pub use seek::{SeekOp, SeekResult};
pub use tree::{Dropped, TreeEraser, create_tree, drop_tree};
pub use vacuum::{auto_vacuum_commit, incremental_vacuum_step};

#[cfg(test)]
mod tests;

//! Pipelines of the batch tier: a scan, and what becomes of its rows, as data.
//!
//! A pipeline works on vectors of about a thousand values. Each has a [`Slot`]; a step reads slots and writes one that no other
//! step writes, so what has been computed once is never computed again.
//!
//! ```text
//!   scan ──rows──> Load ─> Compute ... ─> Filter ─> Load ─> Compute ... ─> Sink ──BatchNext──> registers
//!                  columns of the rows     drops rows from the            groups
//!                  in hand                 slots read later
//! ```
//! A pipeline answers what the code of the row tier would answer: values, types, order of rows. Where it cannot (an error, no
//! memory) it gives up and the program goes on with that code. A pipeline that has to see all rows first has given out nothing
//! then; one that gives out its rows as it finds them tells the rowid behind which the row tier goes on.

mod check;
mod print;

use std::sync::Arc;

use turso_functions::Function;
use turso_value::arith::{Arithmetic, Bitwise};
use turso_value::{Affinity, Collation, KeyInfo, Value};

use crate::cursor::TreeKind;
use crate::expression::CompareOp;
use crate::listing::ListingRow;
use crate::operand::{Addr, CursorId, DbIndex, Operand, Reg, Regs, Root};
use crate::register::instructions;

instructions! {
    /// Make the pipeline ready; its constants are taken from their registers now.
    BatchOpen { cursor: CursorId, plan: Arc<BatchPlan> }
    /// Take a batch of rows through the pipeline and jump to this instruction again; fall through when all rows have been taken
    /// in. Jump to `row_tier` when the pipeline gives up: nothing has been given out, and what it has learned is forgotten.
    BatchRun { cursor: CursorId, row_tier: Addr }
    /// The next row of the result to `dest`; jump when there is none.
    BatchNext { cursor: CursorId, dest: Regs, end: Addr }
    /// The next row of a [stream](BatchSink::Stream) to `dest`; jump to `end` when there is none. Batches are taken through the
    /// pipeline as their rows are asked for. Jump to `row_tier` when the pipeline gives up: `resume` is then the rowid of the last
    /// row that has been dealt with, and NULL if there is none.
    BatchRow { cursor: CursorId, dest: Regs, resume: Reg, row_tier: Addr, end: Addr }
}

/// With fewer rows than these the row tier is done before a pipeline has started.
pub const FEWEST_ROWS: usize = 32;

/// A vector of values, one for each row of the batch in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub u16);

impl Slot {
    /// The number as an index.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// See the module's header.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchPlan {
    /// How many slots there are.
    pub slots: u16,
    /// Slots that hold the same value in all rows: that of a register.
    pub constants: Vec<(Slot, Reg)>,
    /// The sides of joins that are looked up, in the order in which they are built.
    pub builds: Vec<Arc<BatchBuild>>,
    /// Where rows come from.
    pub scan: BatchScan,
    /// What is done with them, in order.
    pub steps: Vec<BatchStep>,
    /// What takes them in.
    pub sink: BatchSink,
    /// Run it however few rows there are.
    pub forced: bool,
}

/// A tree, whose entries are read in order.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchScan {
    /// The database.
    pub db: DbIndex,
    /// The root page.
    pub root: Root,
    /// A table, or an index that has all columns.
    pub kind: TreeKind,
    /// From the last entry to the first.
    pub reverse: bool,
    /// Rowids from the value in a register on.
    pub low: Option<BatchBound>,
    /// Rowids up to the value in a register.
    pub high: Option<BatchBound>,
}

/// One end of a range of rowids: any value, compared as the row tier compares it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchBound {
    /// Holds the value.
    pub value: Reg,
    /// The value itself is within.
    pub inclusive: bool,
}

/// Rows that are looked up by their keys: one side of a hash join.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchBuild {
    /// Where its rows come from.
    pub scan: BatchScan,
    /// What is done with them, in order.
    pub steps: Vec<BatchStep>,
    /// They are found by these. Rows with NULL among them are not.
    pub keys: Vec<Slot>,
    /// How keys compare.
    pub key: Arc<KeyInfo>,
    /// What is kept of them.
    pub columns: Vec<Slot>,
    /// Rows of one key join in the order of these of the `columns`, ascending, then as they were scanned.
    pub order: Vec<u16>,
    /// An index finds rows of this side one by one: about this share of the rows that are scanned ask for some, and if they are
    /// few beside the rows that are built, the row tier is faster.
    pub asked: Option<f32>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum BatchStep {
    /// Decode columns of the rows in hand, in ascending order of their fields.
    Load(Vec<BatchColumn>),
    /// Compute a vector.
    Compute {
        /// From what.
        op: BatchOp,
        /// Where to.
        dest: Slot,
    },
    /// Go on with the rows for which the condition is true.
    Filter {
        /// The condition.
        condition: Slot,
        /// The slots that are read later on.
        keep: Vec<Slot>,
        /// Columns of the rows are decoded later on.
        rows: bool,
    },
    /// Measure a vector of the rows in hand, where it lies, against one that is the same in all rows.
    Measure(Box<BatchMeasure>),
    /// Go on with the rows that the sink may still give out: those that sort before the last one of the first rows that it has. It
    /// collects [rows](BatchSink::Rows) in the order of these keys, and only the first ones.
    Contend {
        /// The keys that the sink sorts by.
        keys: Vec<Slot>,
        /// The slots that are read later on.
        keep: Vec<Slot>,
        /// Columns of the rows are decoded later on.
        rows: bool,
    },
    /// Go on with a row for each row of a built side that joins; from here on no columns are decoded.
    Expand {
        /// The built side.
        build: u16,
        /// What [`BatchOp::LookUp`] has found.
        found: Slot,
        /// A row that joins nothing goes on with NULLs.
        outer: bool,
        /// Slots that are read later on, and under which numbers.
        carry: Vec<(Slot, Slot)>,
        /// Columns of the built side, and their slots.
        take: Vec<(u16, Slot)>,
    },
}

/// A column to be decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchColumn {
    /// Which one.
    pub field: BatchField,
    /// Where to.
    pub dest: Slot,
    /// What it is in records that are too short to have it.
    pub default: Option<Arc<Value>>,
    /// Integers are read as reals.
    pub real: bool,
}

/// A distance between a column and a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchMeasure {
    /// The distance, a built-in function.
    pub function: Function,
    /// The column, and where its distances go.
    pub column: BatchColumn,
    /// What it is measured against: a constant.
    pub operand: Slot,
    /// The operand is what this function makes of it, which is called once.
    pub made_by: Option<Function>,
}

/// Where in its row a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BatchField {
    /// The rowid of a table.
    Rowid,
    /// A field of the record.
    Field(u16),
    /// The last field of an index entry, which is the rowid.
    IndexRowid,
}

/// How two slots are compared; see [`crate::expression::Comparison`].
#[derive(Debug, Clone, PartialEq)]
pub struct BatchCompare {
    /// Applied to both first.
    pub affinity: Affinity,
    /// Orders text; a built-in one.
    pub collation: Collation,
}

/// An expression over slots, as the instruction of the row tier that it is named for computes it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the sentence of a variant is about its fields, whose names say the rest")]
pub enum BatchOp {
    /// Arithmetic.
    Arithmetic { op: Arithmetic, left: Slot, right: Slot },
    /// Bit operations.
    Bitwise { op: Bitwise, left: Slot, right: Slot },
    /// `~value`.
    BitNot(Slot),
    /// `left || right`.
    Concat { left: Slot, right: Slot },
    /// A comparison as a value; with `null_equal` NULL equals NULL.
    Compare { op: CompareOp, left: Slot, right: Slot, how: BatchCompare, null_equal: bool },
    /// Three-valued AND.
    And(Slot, Slot),
    /// Three-valued OR.
    Or(Slot, Slot),
    /// Three-valued NOT.
    Not(Slot),
    /// `IS [NOT] TRUE/FALSE`.
    IsTrue { value: Slot, if_null: bool, negate: bool },
    /// `IS [NOT] NULL`.
    IsNull { value: Slot, negated: bool },
    /// `value [NOT] IN (list)`, whose members are constants.
    In { value: Slot, list: Vec<Slot>, how: BatchCompare, negated: bool },
    /// `then` where the condition is true, otherwise `otherwise`.
    Select { condition: Slot, then: Slot, otherwise: Slot },
    /// `CAST`.
    Cast { value: Slot, affinity: Affinity },
    /// Whether rows of a built side join, and which: true where some do. The affinities are applied first.
    LookUp { build: u16, keys: Vec<(Slot, Affinity)> },
    /// A built-in function.
    Call { function: Function, args: Vec<Slot>, collation: Collation },
}

impl BatchOp {
    /// Call `f` with every slot that is read.
    pub fn visit_slots(&self, f: &mut dyn FnMut(Slot)) {
        match self {
            BatchOp::Arithmetic { left, right, .. }
            | BatchOp::Bitwise { left, right, .. }
            | BatchOp::Concat { left, right }
            | BatchOp::Compare { left, right, .. }
            | BatchOp::And(left, right)
            | BatchOp::Or(left, right) => {
                f(*left);
                f(*right);
            }
            BatchOp::BitNot(value)
            | BatchOp::Not(value)
            | BatchOp::IsTrue { value, .. }
            | BatchOp::IsNull { value, .. }
            | BatchOp::Cast { value, .. } => f(*value),
            BatchOp::In { value, list, .. } => {
                f(*value);
                list.iter().for_each(|slot| f(*slot));
            }
            BatchOp::Select { condition, then, otherwise } => {
                f(*condition);
                f(*then);
                f(*otherwise);
            }
            BatchOp::LookUp { keys, .. } => keys.iter().for_each(|(slot, _)| f(*slot)),
            BatchOp::Call { args, .. } => args.iter().for_each(|slot| f(*slot)),
        }
    }
}

/// What takes the rows in and gives out others, but for a stream when all have come.
#[derive(Debug, Clone, PartialEq)]
pub enum BatchSink {
    /// One row: keys, then aggregates, then columns, for each group.
    Groups(BatchGroups),
    /// The rows themselves.
    Rows(BatchRows),
    /// The rows themselves, as they are found: what is given out of each. The scan is that of a table with rowids, without joins.
    Stream(Vec<Slot>),
}

/// Rows collected: each once, or in an order, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchRows {
    /// What is given out of each row.
    pub columns: Vec<Slot>,
    /// Rows are given out in the order of these; without any, as they came.
    pub keys: Vec<Slot>,
    /// How `keys` sort.
    pub order: Arc<KeyInfo>,
    /// Of rows equal in `columns` only the first counts.
    pub distinct: bool,
    /// How `columns` compare then.
    pub equality: Arc<KeyInfo>,
    /// Only that many first rows are ever needed (the register holds LIMIT+OFFSET, 0 or negative: all).
    pub keep: Option<Reg>,
}

/// Rows folded into groups.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchGroups {
    /// Rows equal in these are a group; without keys all rows are one, which there is also without rows.
    pub keys: Vec<Slot>,
    /// What equal means, and the order in which groups are given out if they are `sorted`.
    pub order: Arc<KeyInfo>,
    /// Groups are given out by their keys; otherwise in the order of their first rows.
    pub sorted: bool,
    /// What is computed of each group.
    pub aggregates: Vec<BatchAggregate>,
    /// Given out as they are in the first row of the group.
    pub first: Vec<Slot>,
}

/// An aggregate.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchAggregate {
    /// The function, a built-in one.
    pub function: Function,
    /// Its arguments.
    pub args: Vec<Slot>,
    /// The collation in force for it.
    pub collation: Collation,
    /// Only rows for which this is true.
    pub filter: Option<Slot>,
    /// DISTINCT.
    pub distinct: bool,
}

impl BatchSink {
    /// Call `f` with every slot that is read.
    pub fn visit_slots(&self, f: &mut dyn FnMut(Slot)) {
        match self {
            BatchSink::Groups(groups) => {
                groups.keys.iter().chain(&groups.first).for_each(|slot| f(*slot));
                for aggregate in &groups.aggregates {
                    aggregate.args.iter().chain(&aggregate.filter).for_each(|slot| f(*slot));
                }
            }
            BatchSink::Rows(rows) => rows.columns.iter().chain(&rows.keys).for_each(|slot| f(*slot)),
            BatchSink::Stream(columns) => columns.iter().for_each(|slot| f(*slot)),
        }
    }

    /// How many values a row of the result has.
    pub fn width(&self) -> usize {
        match self {
            BatchSink::Groups(groups) => groups.keys.len() + groups.aggregates.len() + groups.first.len(),
            BatchSink::Rows(rows) => rows.columns.len(),
            BatchSink::Stream(columns) => columns.len(),
        }
    }
}

impl Operand for Arc<BatchPlan> {
    fn list(&self, row: &mut ListingRow) {
        row.detail(self.to_string());
    }
    fn visit_registers(&self, f: &mut dyn FnMut(Regs)) {
        self.constants.iter().for_each(|(_, reg)| f(Regs::new(*reg, 1)));
        if let BatchSink::Rows(BatchRows { keep: Some(keep), .. }) = &self.sink {
            f(Regs::new(*keep, 1));
        }
        let scans = self.builds.iter().map(|build| &build.scan).chain([&self.scan]);
        for bound in scans.flat_map(|scan| [scan.low, scan.high]).flatten() {
            f(Regs::new(bound.value, 1));
        }
    }
}

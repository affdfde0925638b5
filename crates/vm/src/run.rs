//! What one run of a program has once, whatever frame is in execution.

use std::cmp::Ordering;
use std::sync::Arc;

use turso_error::Result;
use turso_program::control::OnError;
use turso_program::{Addr, Reg, Regs};
use turso_storage::Pager;
use turso_storage::btree::TreeEraser;
use turso_value::{Object, Objects, TextEncoding, Value};

use crate::Host;

/// What a run has done, for those who look for the costly parts of a statement (`SQLITE_STMTSTATUS_...`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunCounters {
    /// Steps of scans of whole tables and indexes.
    pub fullscan_steps: u64,
    /// Sorts.
    pub sorts: u64,
    /// Rows put into automatic indexes.
    pub auto_index_rows: u64,
    /// Keys that a filter knew not to be there: a look-up saved.
    pub filter_hits: u64,
    /// Keys that had to be looked up all the same.
    pub filter_misses: u64,
    /// Pipelines of the batch tier that have run to their end.
    pub pipelines: u64,
    /// Pipelines that left their work to the row tier.
    pub pipelines_given_up: u64,
}

impl std::ops::AddAssign for RunCounters {
    fn add_assign(&mut self, other: Self) {
        self.fullscan_steps += other.fullscan_steps;
        self.sorts += other.sorts;
        self.auto_index_rows += other.auto_index_rows;
        self.filter_hits += other.filter_hits;
        self.filter_misses += other.filter_misses;
        self.pipelines += other.pipelines;
        self.pipelines_given_up += other.pipelines_given_up;
    }
}

/// See the module's header.
pub(crate) struct Run {
    /// The bound parameters, by number - 1. Shared with who is asked for them while the program runs.
    pub parameters: Arc<[Value]>,
    /// What goes with parameters that are NULL, by number - 1; shorter than the parameters, usually empty.
    pub parameter_objects: Vec<Option<Object>>,
    /// What goes with values in registers.
    pub objects: Objects,
    /// The result of the last `Compare`.
    pub compare: Ordering,
    /// Rows changed and not yet published.
    pub changes: i64,
    /// Violations of immediate foreign keys.
    pub fk_violations: i64,
    /// The trigger body in execution ends by `RAISE(IGNORE)`.
    pub ignoring: bool,
    /// Instructions executed.
    pub steps: u64,
    pub counters: RunCounters,
    /// Instructions left until the host is polled.
    pub until_poll: u32,
    /// How an error raised by the program is to be undone.
    pub on_error: OnError,
    /// Where the run goes on when it meets damage.
    pub on_damage: Option<Addr>,
    /// The registers of the row that `step` has answered.
    pub row: Regs,
    /// The encoding of text in records.
    pub encoding: TextEncoding,
    /// Swapped into a register once it holds a result, so that buffers go round.
    pub result: Value,
    /// Bytes of the instruction in hand.
    pub bytes: Vec<u8>,
    /// Values of the instruction in hand.
    pub values: Vec<Value>,
    /// Scratch of `record::encode`.
    pub encoder: Vec<u8>,
    pub scratch: Scratch,
    /// In a box, as most statements have none and each is moved when it is prepared.
    temporary: Option<Box<Pager>>,
}

/// What an instruction has drawn or collected and must find again when it is run again. Cleared when it completes.
#[derive(Default)]
pub(crate) struct Scratch {
    /// A rowid drawn at random.
    pub drawn: Option<i64>,
    /// How many have been tried.
    pub attempts: u32,
    /// A tree being emptied.
    pub eraser: Option<Box<TreeEraser>>,
    /// A payload being read in pieces.
    pub payload: Vec<u8>,
}

impl Run {
    #[inline(always)]
    pub fn new(parameters: usize) -> Self {
        Self {
            parameters: vec![Value::Null; parameters].into(),
            parameter_objects: Vec::new(),
            objects: Objects::default(),
            compare: Ordering::Equal,
            changes: 0,
            fk_violations: 0,
            ignoring: false,
            steps: 0,
            counters: RunCounters::default(),
            until_poll: u32::MAX,
            on_error: OnError::Abort,
            on_damage: None,
            row: Regs { first: Reg(0), count: 0 },
            encoding: TextEncoding::Utf8,
            result: Value::Null,
            bytes: Vec::new(),
            values: Vec::new(),
            encoder: Vec::new(),
            scratch: Scratch::default(),
            temporary: None,
        }
    }

    /// Ready for another run; parameters and buffers stay.
    pub fn reset(&mut self) {
        self.until_poll = u32::MAX;
        self.changes = 0;
        self.fk_violations = 0;
        self.ignoring = false;
        self.steps = 0;
        self.counters = RunCounters::default();
        self.on_damage = None;
        self.on_error = OnError::Abort;
        self.row.count = 0;
        self.scratch.drawn = None;
        self.scratch.attempts = 0;
        self.scratch.eraser = None;
        self.scratch.payload.clear();
        self.objects.clear();
        // Ephemeral trees of the last run are gone with their pages.
        self.temporary = None;
    }

    /// The pager of ephemeral trees, made when the first one is opened.
    pub fn temporary<H: Host>(&mut self, host: &mut H) -> Result<&mut Pager> {
        if self.temporary.is_none() {
            self.temporary = Some(Box::new(host.temporary_pager()?));
        }
        self.open_temporary()
    }

    /// Between two instructions ephemeral trees may let go of pages that go beyond their share of memory.
    pub fn unpin(&mut self) {
        if let Some(pager) = &mut self.temporary {
            pager.unpin();
        }
    }

    /// The pager of ephemeral trees, once one is open.
    #[inline]
    pub fn open_temporary(&mut self) -> Result<&mut Pager> {
        match &mut self.temporary {
            Some(pager) => Ok(pager),
            None => Err(internal("no ephemeral tree is open")),
        }
    }
}

/// Our own mistake, met at run time: an error rather than a panic.
#[cold]
#[track_caller]
pub(crate) fn internal(what: &'static str) -> turso_error::Error {
    turso_error::Error::new(turso_error::ResultCode::INTERNAL, what)
}

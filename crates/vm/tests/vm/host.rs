//! A connection of one database in memory, as far as the interpreter needs one, and the runner of the tests.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::{DefaultEnvironment, Environment};
use turso_program::schema::{Cookie, HostCall, SavepointOp, Transaction, TransactionControl};
use turso_program::virtual_table::UsedTable;
use turso_program::write::RowChange;
use turso_program::{DbIndex, Program, ProgramBuilder, Root};
use turso_storage::Pager;
use turso_storage::btree::create_tree;
use turso_storage::pager::WriteMode;
use turso_value::{TextEncoding, Value};
use turso_vm::{CatalogueEntry, ChangedRow, Counters, Host, Interest, Limits, Step, Vm};

/// See the module's header.
pub struct TestHost {
    pub pager: Pager,
    pub counters: Counters,
    pub limits: Limits,
    pub deferred: i64,
    pub randoms: Vec<u64>,
    pub interest: Interest,
    pub changes: Vec<String>,
    pub polls: u64,
    pub interrupt_after: u64,
    pub encoding: TextEncoding,
    /// How often a step was pending.
    pub waits: u64,
    pub poll_interval: u32,
    environment: DefaultEnvironment,
}

impl TestHost {
    /// An empty database, in a write transaction.
    pub fn new() -> Self {
        let mut pager = Pager::in_memory(4096);
        pager.begin_write(WriteMode::Reserved).unwrap();
        Self::over(pager)
    }

    /// Over this pager, whatever its transaction.
    pub fn over(pager: Pager) -> Self {
        Self {
            pager,
            counters: Counters::default(),
            limits: Limits::default(),
            deferred: 0,
            randoms: Vec::new(),
            interest: Interest::None,
            changes: Vec::new(),
            polls: 0,
            interrupt_after: u64::MAX,
            encoding: TextEncoding::Utf8,
            waits: 0,
            poll_interval: 100,
            environment: DefaultEnvironment,
        }
    }

    /// A new tree.
    pub fn tree(&mut self, table: bool) -> Root {
        Root(create_tree(&mut self.pager, table).unwrap().0)
    }
}

fn unsupported<T>() -> Result<T> {
    Err(Error::sql("not in the test host"))
}

impl Host for TestHost {
    fn pager(&mut self, _: DbIndex) -> &mut Pager {
        &mut self.pager
    }
    fn encoding(&self) -> TextEncoding {
        self.encoding
    }
    fn transaction(&mut self, _: &Transaction, _: bool) -> Result<()> {
        Ok(())
    }
    fn transaction_control(&mut self, _: TransactionControl) -> Result<()> {
        unsupported()
    }
    fn savepoint(&mut self, _: SavepointOp, _: &str) -> Result<()> {
        unsupported()
    }
    fn deferred_violations(&mut self) -> &mut i64 {
        &mut self.deferred
    }
    fn parse_schema(&mut self, _: DbIndex, _: Option<&str>) -> Result<()> {
        unsupported()
    }
    fn drop_entry(&mut self, _: DbIndex, _: CatalogueEntry, _: &str) -> Result<()> {
        Ok(())
    }
    fn root_moved(&mut self, _: DbIndex, _: u32, _: u32) -> Result<()> {
        Ok(())
    }
    fn cookie_written(&mut self, _: DbIndex, _: Cookie, _: u32) -> Result<()> {
        Ok(())
    }
    fn expire_statements(&mut self) {}
    fn journal_mode(&mut self, _: DbIndex, _: &Value, _: &mut Value) -> Result<()> {
        unsupported()
    }
    fn checkpoint(&mut self, _: DbIndex, _: u8) -> Result<[i64; 3]> {
        Ok([0, 7, 8])
    }
    fn vacuum(&mut self, _: DbIndex, _: Option<&Value>) -> Result<()> {
        unsupported()
    }
    fn integrity_check(&mut self, _: DbIndex, _: &mut [u64], _: i64) -> Result<Option<(String, i64)>> {
        Ok(None)
    }
    fn incremental_vacuum(&mut self, _: DbIndex) -> Result<bool> {
        Ok(false)
    }
    fn call(&mut self, call: &HostCall, args: &[Value], dest: &mut [Value]) -> Result<()> {
        dest[0] = Value::from(format!("{}{args:?}", call.name));
        Ok(())
    }
    fn session(&mut self) -> &mut dyn turso_vtab::Session {
        self
    }
    fn create_virtual(&mut self, _: DbIndex, _: &str) -> Result<()> {
        unsupported()
    }
    fn destroy_virtual(&mut self, _: DbIndex, _: &str) -> Result<()> {
        unsupported()
    }
    fn rename_virtual(&mut self, _: DbIndex, _: &UsedTable, _: &str) -> Result<()> {
        unsupported()
    }
    fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }
    fn interest(&self, _: &RowChange) -> Interest {
        self.interest
    }
    fn on_change(&mut self, change: &RowChange, row: ChangedRow<'_>) {
        let show = |record: Option<&[u8]>| match record {
            None => "-".to_string(),
            Some(bytes) => {
                let mut values = Vec::new();
                turso_value::RecordReader::new(bytes).unwrap().decode_all(TextEncoding::Utf8, &mut values).unwrap();
                format!("{values:?}")
            }
        };
        self.changes.push(format!("{:?} {:?} {} {}", change.cause, row.rowid, show(row.old), show(row.new)));
    }
    fn environment(&self) -> &dyn Environment {
        &self.environment
    }
    fn random(&mut self) -> u64 {
        self.randoms.pop().unwrap_or(1)
    }
    fn limits(&self) -> &Limits {
        &self.limits
    }
    fn poll_interval(&self) -> u32 {
        self.poll_interval
    }
    fn poll(&mut self) -> Result<()> {
        self.polls += 1;
        self.pager.unpin();
        if self.polls > self.interrupt_after { Err(Error::from_code(ResultCode::INTERRUPT)) } else { Ok(()) }
    }
}

/// The rows of a run, or its error, as text.
pub fn run(host: &mut TestHost, vm: &mut Vm) -> String {
    let mut rows = Vec::new();
    loop {
        match vm.step(host) {
            Ok(Step::Row) => {
                let row: Vec<String> = vm.row().iter().map(|value| format!("{value:?}")).collect();
                rows.push(row.join(","));
            }
            Ok(Step::Done) => return rows.join(" "),
            Err(Error::Pending) => {
                host.waits += 1;
                host.pager.wait_blocking().unwrap();
            }
            Err(error) => {
                rows.push(format!("error {} {error} {:?}", error.code().0, vm.on_error()));
                return rows.join(" ");
            }
        }
    }
}

/// Builds a program, runs it twice (the second time after a reset) and compares its rows.
#[track_caller]
pub fn check(build: impl FnOnce(&mut ProgramBuilder), expected: &str) {
    check_on(&mut TestHost::new(), build, expected);
}

/// As [`check`], once, on a database that goes on living.
#[track_caller]
pub fn check_once(host: &mut TestHost, build: impl FnOnce(&mut ProgramBuilder), expected: &str) {
    let mut vm = Vm::new(program(build));
    assert_eq!(run(host, &mut vm), expected);
}

/// As [`check`], on this database.
#[track_caller]
pub fn check_on(host: &mut TestHost, build: impl FnOnce(&mut ProgramBuilder), expected: &str) {
    let mut vm = Vm::new(program(build));
    assert_eq!(run(host, &mut vm), expected);
    vm.reset();
    assert_eq!(run(host, &mut vm), expected, "second run");
}

/// A finished program.
pub fn program(build: impl FnOnce(&mut ProgramBuilder)) -> Arc<Program> {
    let mut builder = ProgramBuilder::new();
    build(&mut builder);
    Arc::new(builder.finish())
}

impl turso_vtab::Session for TestHost {
    fn environment(&self) -> &dyn Environment {
        &self.environment
    }
    fn set_last_insert_rowid(&mut self, rowid: i64) {
        self.counters.last_insert_rowid = rowid;
    }
    fn lend(&mut self, foreign: &mut dyn FnMut()) -> Result<()> {
        foreign();
        Ok(())
    }
    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

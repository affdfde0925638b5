//! Transactions and savepoints: the connection's work, called for by the program.

use turso_error::Result;
use turso_program::Program;
use turso_program::schema::{AutoCommit, Savepoint, Transaction};

use crate::dispatch::{Exec, Flow};
use crate::{Host, Vm};

impl Exec for Transaction {
    fn exec<H: Host>(&self, _: &mut Vm, program: &Program, host: &mut H) -> Result<Flow> {
        host.transaction(self, self.write && program.needs_statement_savepoint)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for AutoCommit {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.transaction_control(self.control)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for Savepoint {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.savepoint(self.op, &self.name)?;
        Ok(Flow::NEXT)
    }
}

//! The virtual table modules of the engine.
//!
//! | file | modules |
//! |---|---|
//! | `json` | `json_each`, `json_tree`, `jsonb_each`, `jsonb_tree` |
//! | `csv` | `csv` |
//! | `dbpage` | `sqlite_dbpage` |
//! | `dbstat` | `dbstat` |
//! | `rtree` | `rtree`, `rtree_i32`, `geopoly` |
//! | `series` | `generate_series` |
//! | `pragma` | `pragma_NAME` for every pragma that answers and changes nothing |

mod csv;
mod dbpage;
mod dbstat;
mod json;
mod pragma;
mod rtree;
mod series;

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::HostFunction;
use turso_value::Value;
use turso_vtab::{Module, Session};

use crate::connection::State;

pub use rtree::shape;

/// A module by its name in lower case.
pub(crate) type NamedModule = (Arc<str>, Arc<dyn Module>);

/// The modules that every connection has.
pub(crate) fn built_in() -> Vec<NamedModule> {
    let mut list: Vec<NamedModule> = json::modules();
    list.extend(rtree::modules());
    list.push(("csv".into(), Arc::new(csv::Csv)));
    list.push(("dbstat".into(), Arc::new(dbstat::DbStat)));
    list.push(("sqlite_dbpage".into(), Arc::new(dbpage::DbPage)));
    list.push(("generate_series".into(), Arc::new(series::Series)));
    list
}

/// A function that looks at the tables of a module.
pub(crate) fn call(state: &mut State, function: HostFunction, arguments: &[Value]) -> Result<Value> {
    match function {
        HostFunction::RTreeCheck => rtree::rtreecheck(state, arguments),
    }
}

/// A module that comes into being when its name is first used.
pub(crate) fn on_demand(name: &str) -> Option<Arc<dyn Module>> {
    pragma::module(name)
}

/// The connection behind a session.
pub(crate) fn state_of(session: &mut dyn Session) -> Result<&mut State> {
    let state = session.as_any().downcast_mut::<State>();
    state.ok_or_else(|| Error::new(ResultCode::MISUSE, "a table of this engine is used by another one"))
}

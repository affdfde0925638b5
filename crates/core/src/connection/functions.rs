//! Functions of the application.

use turso_error::{Error, Result, ResultCode};
use turso_functions::{Arity, Context, FunctionDef, FunctionFlags, Lookup, ScalarFunction};
use turso_value::Value;

use super::Connection;

/// Longer names are refused.
const MAX_NAME: usize = 255;

/// Stands in for a function that a virtual table is to provide.
struct Placeholder(String);

impl ScalarFunction for Placeholder {
    fn call(&self, _: &mut Context<'_>, _: &[Value]) -> Result<()> {
        Err(Error::sql(format!("unable to use function {} in the requested context", self.0)))
    }
}

impl Connection {
    /// Make a function known to the statements of this connection; one of the same name and arity is replaced, a built-in one
    /// hidden. `SQLITE_BUSY` while statements run and the function exists already.
    pub fn create_function(&self, def: FunctionDef) -> Result<()> {
        if def.name.is_empty() || def.name.len() > MAX_NAME {
            return Err(Error::from_code(ResultCode::MISUSE));
        }
        self.change_functions(&def.name.to_ascii_lowercase(), def.arity, |functions| functions.define(def.clone()))
    }

    /// Remove a function of the application; nothing happens if there is none. `SQLITE_BUSY` while statements run.
    pub fn remove_function(&self, name: &str, arity: Arity) -> Result<()> {
        self.change_functions(name, arity, |functions| functions.remove(name, arity))
    }

    fn change_functions(
        &self,
        name: &str,
        arity: Arity,
        change: impl FnOnce(&mut turso_functions::Registry),
    ) -> Result<()> {
        let mut state = self.lock();
        state.usable()?;
        let exists = state.functions.user_functions().any(|f| f.name.eq_ignore_ascii_case(name) && f.arity == arity);
        if exists && state.active_statements > 0 {
            return Err(Error::new(ResultCode::BUSY, "unable to delete/modify user-function due to active statements"));
        }
        change(&mut state.functions);
        if exists {
            state.expire_kept_programs();
        }
        state.generation = state.generation.wrapping_add(1);
        Ok(())
    }

    /// Make sure that a function of this name and arity exists, so that virtual tables can overload it: where there is none, one
    /// that always fails.
    pub fn overload_function(&self, name: &str, arity: Arity) -> Result<()> {
        let known = {
            let state = self.lock();
            matches!(state.functions.lookup(name.as_bytes(), usize::from(arity.min)), Lookup::Found(_))
        };
        if known {
            return Ok(());
        }
        let placeholder = std::sync::Arc::new(Placeholder(name.to_owned()));
        self.create_function(FunctionDef::user_scalar(name, arity, FunctionFlags::NONE, placeholder))
    }
}

//! Finding a function by name and number of arguments.

use crate::{Function, FunctionDef, aggregate, datetime, extra, json, math, pattern, printf, scalar, text, window};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The tables of built-in functions, one per family.
const TABLES: &[&[FunctionDef]] = &[
    scalar::TABLE,
    text::TABLE,
    pattern::TABLE,
    printf::TABLE,
    math::TABLE,
    datetime::TABLE,
    json::TABLE,
    extra::TABLE,
    json::AGGREGATES,
    aggregate::TABLE,
    window::TABLE,
];

/// The answer of a look-up.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// Found.
    Found(Function),
    /// There is such a function, but not with that many arguments ("wrong number of arguments to function NAME()").
    WrongArity,
    /// "no such function: NAME".
    Unknown,
}

/// All built-in functions.
pub fn built_ins() -> impl Iterator<Item = &'static FunctionDef> {
    TABLES.iter().copied().flatten()
}

/// By name: indices into the flattened tables would need a second look-up, so keep references.
fn index() -> &'static HashMap<&'static str, Vec<&'static FunctionDef>> {
    static INDEX: OnceLock<HashMap<&'static str, Vec<&'static FunctionDef>>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index: HashMap<&'static str, Vec<&'static FunctionDef>> = HashMap::new();
        for def in built_ins() {
            index.entry(&*def.name).or_default().push(def);
        }
        index
    })
}

/// The built-in function of this name (in any letter case) that takes `argc` arguments.
pub fn lookup(name: &[u8], argc: usize) -> Lookup {
    let lower = name.to_ascii_lowercase();
    let Some(defs) = std::str::from_utf8(&lower).ok().and_then(|name| index().get(name)) else {
        return Lookup::Unknown;
    };
    match defs.iter().find(|def| def.arity.accepts(argc)) {
        Some(def) => Lookup::Found(Function::BuiltIn(def)),
        None => Lookup::WrongArity,
    }
}

/// The functions that a connection's application defined, over the built-in ones.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    user: HashMap<String, Vec<Arc<FunctionDef>>>,
}

impl Registry {
    /// Only the built-in functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, or replaces the one of the same name and arity. The name is folded to lower case.
    pub fn define(&mut self, mut def: FunctionDef) {
        def.name = def.name.to_ascii_lowercase().into();
        let defs = self.user.entry(def.name.to_string()).or_default();
        defs.retain(|old| old.arity != def.arity);
        defs.push(Arc::new(def));
    }

    /// Removes the application's function of this name and arity; the built-in one, if any, is visible again.
    pub fn remove(&mut self, name: &str, arity: crate::Arity) {
        if let Some(defs) = self.user.get_mut(&name.to_ascii_lowercase()) {
            defs.retain(|old| old.arity != arity);
        }
    }

    /// The application's functions.
    pub fn user_functions(&self) -> impl Iterator<Item = &Arc<FunctionDef>> {
        self.user.values().flatten()
    }

    /// The best function of this name: the application's with exactly this arity, then a built-in one, then the
    /// application's that takes any number.
    pub fn lookup(&self, name: &[u8], argc: usize) -> Lookup {
        if self.user.is_empty() {
            return lookup(name, argc);
        }
        let lower = name.to_ascii_lowercase();
        let defs = std::str::from_utf8(&lower).ok().and_then(|name| self.user.get(name)).map_or(&[][..], Vec::as_slice);
        let exact = |def: &&Arc<FunctionDef>| def.arity.min == def.arity.max && def.arity.accepts(argc);
        if let Some(def) = defs.iter().find(exact) {
            return Lookup::Found(Function::User(def.clone()));
        }
        match (lookup(name, argc), defs.iter().find(|def| def.arity.accepts(argc))) {
            // A built-in of fixed arity fits better than a variadic one of the application.
            (Lookup::Found(found), Some(_)) if found.arity.min == found.arity.max => Lookup::Found(found),
            (_, Some(def)) => Lookup::Found(Function::User(def.clone())),
            (Lookup::Unknown, None) if !defs.is_empty() => Lookup::WrongArity,
            (built_in, None) => built_in,
        }
    }
}

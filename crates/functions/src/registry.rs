//! Finding a function by name and number of arguments.

use crate::{
    Function, FunctionDef, aggregate, datetime, extension, extra, geopoly, json, math, pattern, printf, records, rtree,
    scalar, text, vector, window,
};
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
    records::TABLE,
    rtree::TABLE,
    geopoly::TABLE,
    vector::TABLE,
    json::AGGREGATES,
    aggregate::TABLE,
    window::TABLE,
    extension::codec::TABLE,
    #[cfg(feature = "crypto")]
    extension::crypto::TABLE,
    #[cfg(feature = "fuzzy")]
    extension::fuzzy::TABLE,
    extension::ipaddr::TABLE,
    #[cfg(feature = "regexp")]
    extension::regexp::TABLE,
    extension::time::TABLE,
    #[cfg(feature = "uuid")]
    extension::uuid::TABLE,
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
    user: HashMap<String, Vec<Entry>>,
}

/// What the application said about one name and arity.
#[derive(Debug, Clone)]
struct Entry {
    arity: crate::Arity,
    /// `None`: it was removed. It hides a built-in one all the same.
    def: Option<Arc<FunctionDef>>,
}

impl Registry {
    /// Only the built-in functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, or replaces the one of the same name and arity. The name is folded to lower case.
    pub fn define(&mut self, mut def: FunctionDef) {
        def.name = def.name.to_ascii_lowercase().into();
        let name = def.name.to_string();
        self.put(name, def.arity, Some(Arc::new(def)));
    }

    /// Removes the function of this name and arity, a built-in one as well.
    pub fn remove(&mut self, name: &str, arity: crate::Arity) {
        self.put(name.to_ascii_lowercase(), arity, None);
    }

    fn put(&mut self, name: String, arity: crate::Arity, def: Option<Arc<FunctionDef>>) {
        let entries = self.user.entry(name).or_default();
        entries.retain(|old| old.arity != arity);
        entries.push(Entry { arity, def });
    }

    /// The application's functions.
    pub fn user_functions(&self) -> impl Iterator<Item = &Arc<FunctionDef>> {
        self.user.values().flatten().filter_map(|entry| entry.def.as_ref())
    }

    /// The best function of this name: the application's with exactly this arity, then its that takes any number, then a
    /// built-in one.
    pub fn lookup(&self, name: &[u8], argc: usize) -> Lookup {
        if self.user.is_empty() {
            return lookup(name, argc);
        }
        let lower = name.to_ascii_lowercase();
        let entries =
            std::str::from_utf8(&lower).ok().and_then(|name| self.user.get(name)).map_or(&[][..], Vec::as_slice);
        let exact = |entry: &&Entry| entry.arity.min == entry.arity.max && entry.arity.accepts(argc);
        let best = entries.iter().find(exact).or_else(|| entries.iter().find(|entry| entry.arity.accepts(argc)));
        match best {
            Some(Entry { def: Some(def), .. }) => Lookup::Found(Function::User(def.clone())),
            None if entries.is_empty() => lookup(name, argc),
            _ => {
                let built_in = lookup(name, argc);
                match (best, built_in) {
                    (None, Lookup::Found(function)) => Lookup::Found(function),
                    (_, Lookup::Unknown) if entries.iter().all(|entry| entry.def.is_none()) => Lookup::Unknown,
                    _ => Lookup::WrongArity,
                }
            }
        }
    }
}

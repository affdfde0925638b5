//! Modules: registering them, and making and connecting tables.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

use turso_core::{Error, Result, ResultCode};
use turso_vtab::{Arguments, Connected, Module, ModuleKind, Risk, Session};

use super::lent;
use super::objects::*;
use super::table::ForeignTable;
use crate::boundary::{FromC, Text, catch, entry};
use crate::codes::{Destructor, ERROR, INTERNAL, MISUSE, OK, destroy};
use crate::error::c_string;
use crate::handle::{Db, Handle};
use crate::memory;
use crate::variadic::{Arguments as CArguments, RawArguments};

/// What a module was registered with, until it is replaced or its connection closes, and its last table is gone.
pub struct Registered {
    name: Vec<u8>,
    aux: *mut c_void,
    destructor: Destructor,
}

// SAFETY: the connection's mutex lets one thread in at a time; without it the application keeps the others out.
unsafe impl Send for Registered {}
// SAFETY: as above.
unsafe impl Sync for Registered {}

impl Drop for Registered {
    fn drop(&mut self) {
        destroy(self.destructor, self.aux);
    }
}

/// What a constructor says about the table it makes.
pub struct Build {
    declaration: Option<String>,
    risk: Risk,
    keeps_constraints: bool,
    uses_all_databases: bool,
}

/// A module of the application.
struct ForeignModule {
    db: NonNull<Db>,
    methods: *const sqlite3_module,
    registered: Arc<Registered>,
}

// SAFETY: as above.
unsafe impl Send for ForeignModule {}
// SAFETY: as above.
unsafe impl Sync for ForeignModule {}

impl ForeignModule {
    fn methods(&self) -> &sqlite3_module {
        // SAFETY: the interface's contract: the methods stay as long as the module is registered or in use.
        unsafe { &*self.methods }
    }

    fn make(&self, session: &mut dyn Session, make: Make, arguments: &Arguments<'_>) -> Result<Connected> {
        // SAFETY: tables are made within calls of the connection.
        let db = unsafe { self.db.as_ref() };
        let first = [arguments.module, arguments.database, arguments.table];
        let texts = first.into_iter().chain(arguments.arguments.iter().map(|text| &**text));
        let texts: Vec<CString> = texts.map(|text| c_string(text.as_bytes())).collect();
        let pointers: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        let (mut table, mut message): (*mut sqlite3_vtab, *mut c_char) = (null_mut(), null_mut());
        let build =
            Build { declaration: None, risk: Risk::Normal, keeps_constraints: false, uses_all_databases: false };
        db.vtab_builds.borrow_mut().push(build);
        let code = lent(session, || {
            // SAFETY: the interface's contract.
            unsafe {
                make(
                    self.db.as_ptr(),
                    self.registered.aux,
                    texts.len() as c_int,
                    pointers.as_ptr(),
                    &mut table,
                    &mut message,
                )
            }
        });
        let build = db.vtab_builds.borrow_mut().pop();
        let text = Text::new(message).string();
        memory::free(message.cast());
        let code = code?;
        if code != OK {
            let text = text.unwrap_or_else(|| format!("vtable constructor failed: {}", arguments.table));
            return Err(Error::new(ResultCode(code), text));
        }
        if table.is_null() {
            return Err(Error::sql(format!("vtable constructor failed: {}", arguments.table)));
        }
        // SAFETY: a table that the constructor has made; these fields are ours to fill.
        unsafe {
            (*table).module = self.methods;
            (*table).references = 1;
            (*table).message = null_mut();
        }
        let foreign = Arc::new(ForeignTable::new(self.db, table, self.methods, self.registered.clone(), arguments));
        let Some((build, declaration)) = build.and_then(|mut build| build.declaration.take().map(|d| (build, d)))
        else {
            return Err(Error::sql(format!("vtable constructor did not declare schema: {}", arguments.table)));
        };
        let mut connected = Connected::new(foreign, declaration);
        connected.risk = build.risk;
        connected.keeps_constraints = build.keeps_constraints;
        connected.uses_all_databases = build.uses_all_databases;
        Ok(connected)
    }
}

impl Module for ForeignModule {
    fn kind(&self) -> ModuleKind {
        match (self.methods().create, self.methods().connect) {
            (None, _) => ModuleKind::Eponymous,
            (Some(create), Some(connect)) if create as usize == connect as usize => ModuleKind::Both,
            _ => ModuleKind::Created,
        }
    }

    fn create(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        match self.methods().create {
            Some(create) => self.make(session, create, arguments),
            None => Err(Error::sql(format!("no such module: {}", arguments.module))),
        }
    }

    fn connect(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        match self.methods().connect {
            Some(connect) => self.make(session, connect, arguments),
            None => Err(Error::sql(format!("no such module: {}", arguments.module))),
        }
    }

    fn is_shadow_suffix(&self, suffix: &str) -> bool {
        let methods = self.methods();
        let ask = methods.shadow_name.filter(|_| methods.version >= 3);
        // SAFETY: the interface's contract.
        ask.is_some_and(|ask| unsafe { ask(c_string(suffix.as_bytes()).as_ptr()) != 0 })
    }
}

fn register(
    db: &Handle<Db>,
    name: Text,
    methods: *const sqlite3_module,
    aux: *mut c_void,
    destructor: Destructor,
) -> c_int {
    // Given back where it is not registered. Without methods a module is removed, and nothing is given.
    let destructor = if methods.is_null() { None } else { destructor };
    let name_bytes = name.bytes().unwrap_or_default().to_ascii_lowercase();
    let registered = Arc::new(Registered { name: name_bytes, aux, destructor });
    let (Some(db), Some(text)) = (db.get(), name.string()) else { return MISUSE };
    let result = if methods.is_null() {
        db.connection.remove_module(&text)
    } else {
        let module = ForeignModule { db: NonNull::from(db), methods, registered: registered.clone() };
        db.connection.create_module(&text, Arc::new(module))
    };
    if result.is_ok() {
        let old = {
            let mut modules = db.modules.borrow_mut();
            let at = modules.iter().position(|known| known.name == registered.name);
            let old = at.map(|at| modules.remove(at));
            if !methods.is_null() {
                modules.push(registered);
            }
            old
        };
        drop(old);
    }
    db.outcome(result)
}

/// The shim's `sqlite3_vtab_config`.
///
/// # Safety
/// As that function.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn turso_vtab_config(db: *mut Db, op: c_int, arguments: *mut RawArguments) -> c_int {
    catch(INTERNAL, || {
        // SAFETY: as for every entry point.
        let handle = unsafe { <Handle<Db> as FromC>::from_c(db) };
        // SAFETY: the shim's call has not returned.
        let mut arguments = unsafe { CArguments::new(arguments) };
        let Some(db) = handle.get() else { return MISUSE };
        let mut builds = db.vtab_builds.borrow_mut();
        let Some(build) = builds.last_mut() else { return MISUSE };
        match op {
            1 => build.keeps_constraints = arguments.int() != 0,
            2 => build.risk = Risk::Innocuous,
            3 => build.risk = Risk::DirectOnly,
            4 => build.uses_all_databases = true,
            _ => return MISUSE,
        }
        OK
    })
}

entry! {
    /// Registers a module.
    fn sqlite3_create_module(db: Handle<Db>, name: Text, methods: *const sqlite3_module, aux: *mut c_void) -> c_int | INTERNAL; {
        register(&db, name, methods, aux, None)
    }

    /// Registers a module with a destructor of its data.
    fn sqlite3_create_module_v2(
        db: Handle<Db>, name: Text, methods: *const sqlite3_module, aux: *mut c_void, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        register(&db, name, methods, aux, destructor)
    }

    /// Removes the application's modules but those that are named.
    fn sqlite3_drop_modules(db: Handle<Db>, keep: *const *const c_char) -> c_int | INTERNAL; {
        let Some(db) = db.get() else { return MISUSE };
        let mut kept = Vec::new();
        if !keep.is_null() {
            // SAFETY: the interface's contract: texts up to NULL.
            kept.extend((0..).map(|i| unsafe { *keep.add(i) }).take_while(|text| !text.is_null()).filter_map(|text| {
                Text::new(text).bytes().map(<[u8]>::to_ascii_lowercase)
            }));
        }
        let gone = {
            let mut modules = db.modules.borrow_mut();
            let (stay, gone): (Vec<_>, Vec<_>) = modules.drain(..).partition(|module| kept.contains(&module.name));
            *modules = stay;
            gone
        };
        for module in &gone {
            if let Err(error) = db.connection.remove_module(&String::from_utf8_lossy(&module.name)) {
                return db.fail(&error);
            }
        }
        OK
    }

    /// Declares the columns of the table under construction.
    fn sqlite3_declare_vtab(db: Handle<Db>, sql: Text) -> c_int | INTERNAL; {
        let (Some(db), Some(sql)) = (db.get(), sql.string()) else { return MISUSE };
        let parsed = turso_core::parser::parse(sql.as_bytes());
        match parsed.map(|parsed| parsed.statement) {
            Ok(Some(turso_core::parser::ast::Statement::CreateTable(_))) => {}
            Ok(_) => return db.fail_with(ERROR, "syntax error"),
            Err(error) => return db.fail_with(ERROR, error.message),
        }
        let mut builds = db.vtab_builds.borrow_mut();
        match builds.last_mut() {
            Some(build) if build.declaration.is_none() => {
                build.declaration = Some(sql);
                OK
            }
            _ => {
                drop(builds);
                db.fail_code(MISUSE)
            }
        }
    }

    /// What the change in hand does about rows that break a constraint.
    fn sqlite3_vtab_on_conflict(db: Handle<Db>) -> c_int | 0; { db.get().map_or(0, |db| db.vtab_on_conflict.get()) }
}

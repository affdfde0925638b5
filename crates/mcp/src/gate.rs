//! What a statement may do. The engine asks while it prepares, so no spelling of a statement gets around it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use turso_core::Connection;
use turso_core::hooks::{AuthAction, AuthRequest, Authorization};
use turso_core::parser::ast::visit::{Visit, walk_select, walk_statement, walk_table_source};
use turso_core::parser::ast::{Select, Statement, TableSource, With};

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The server itself, for its descriptions.
    Own,
    /// A tool that reads.
    Read,
    /// A tool that changes rows.
    Change,
    /// A tool that changes the schema.
    Schema,
}

/// The rules of a session.
#[derive(Debug)]
pub struct Rules {
    purpose: Purpose,
    read_only: bool,
    /// Names in lower case; `None`: all tables.
    tables: Option<HashSet<String>>,
    /// Triggers act for the statement that fires them.
    triggers: HashSet<String>,
}

/// The gate of a connection.
#[derive(Clone)]
pub struct Gate(Arc<Mutex<Rules>>);

/// Pragmas that tell something and change nothing.
const TELLING: [&str; 24] = [
    "application_id",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "quick_check",
    "schema_version",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Those among them whose argument names what is to be told about.
const WITH_SUBJECT: [&str; 10] = [
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Functions that reach beyond the database.
const REACHING: [&str; 6] = ["load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "sqlite_log"];

impl Gate {
    /// Put a gate before a connection.
    pub fn install(connection: &Connection, read_only: bool, tables: &[String]) -> Self {
        let tables = (!tables.is_empty()).then(|| tables.iter().map(|t| t.to_lowercase()).collect());
        let rules = Rules { purpose: Purpose::Own, read_only, tables, triggers: HashSet::new() };
        let gate = Self(Arc::new(Mutex::new(rules)));
        let asked = gate.clone();
        connection.set_authorizer(Some(Arc::new(move |request: &AuthRequest<'_>| {
            let rules = asked.0.lock().unwrap_or_else(PoisonError::into_inner);
            if rules.allows(request) { Authorization::Allow } else { Authorization::Deny }
        })));
        gate
    }

    /// From now on statements are prepared for this purpose.
    pub fn set(&self, purpose: Purpose) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).purpose = purpose;
    }

    /// Does the statement give a query of its own a name that opens the gate? The engine tells by name which view asks.
    pub fn is_borrowed_name(&self, statement: &Statement) -> bool {
        let rules = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tables) = &rules.tables else { return false };
        let mut names = Names::default();
        match statement {
            Statement::Insert(insert) => names.with(insert.with.as_ref()),
            Statement::Update(update) => names.with(update.with.as_ref()),
            Statement::Delete(delete) => names.with(delete.with.as_ref()),
            _ => {}
        }
        match statement {
            Statement::Select(select) => names.select(select),
            other => walk_statement(&mut names, other),
        }
        names.0.iter().any(|name| tables.contains(name) || rules.triggers.contains(name))
    }

    /// Triggers of the schema as it is now.
    pub fn set_triggers(&self, triggers: HashSet<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).triggers = triggers;
    }
}

/// Names that a statement gives to its queries, in lower case.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn with(&mut self, with: Option<&With>) {
        self.0.extend(with.into_iter().flat_map(|with| &with.ctes).map(|cte| cte.name.text.to_lowercase()));
    }
}

impl Visit for Names {
    fn select(&mut self, select: &Select) {
        self.with(select.with.as_ref());
        walk_select(self, select);
    }

    fn table_source(&mut self, source: &TableSource) {
        if let TableSource::Subquery { alias: Some(alias), .. } | TableSource::Join { alias: Some(alias), .. } = source
        {
            self.0.push(alias.text.to_lowercase());
        }
        walk_table_source(self, source);
    }
}

impl Rules {
    fn allows(&self, request: &AuthRequest<'_>) -> bool {
        use AuthAction as A;
        let name = request.first.unwrap_or("").to_lowercase();
        match request.action {
            A::Select | A::Recursive => true,
            A::Function => !REACHING.contains(&request.second.unwrap_or("").to_lowercase().as_str()),
            A::Read => self.may_touch(&name, request),
            A::Pragma => self.purpose == Purpose::Own && telling(&name, request.second),
            A::Insert | A::Update | A::Delete => {
                let schema = name.starts_with("sqlite_");
                !self.read_only
                    && match self.purpose {
                        Purpose::Change => !schema && self.may_touch(&name, request),
                        // The engine keeps its catalogue by changes of its tables.
                        Purpose::Schema => true,
                        Purpose::Own | Purpose::Read => false,
                    }
            }
            A::Transaction | A::Savepoint => self.purpose == Purpose::Own,
            A::Attach | A::Detach => false,
            _ => self.purpose == Purpose::Schema && !self.read_only && self.tables.is_none(),
        }
    }

    /// Is the table among those that may be touched, or touched by something that may touch it?
    fn may_touch(&self, table: &str, request: &AuthRequest<'_>) -> bool {
        let Some(tables) = &self.tables else { return true };
        if self.purpose == Purpose::Own {
            return true;
        }
        match request.object.map(str::to_lowercase) {
            // A view that is allowed shows what its definition shows.
            Some(object) => tables.contains(&object) || self.triggers.contains(&object),
            // Constants and subqueries have no table.
            None => table.is_empty() || tables.contains(table),
        }
    }
}

fn telling(pragma: &str, argument: Option<&str>) -> bool {
    TELLING.contains(&pragma) && (argument.is_none() || WITH_SUBJECT.contains(&pragma))
}

//! Syntax tree to SQL text.
//!
//! What is printed parses to an equal tree. Parentheses come back where precedence needs them, names with the quotes
//! that they were written with, keywords in upper case; comments and layout are gone. The output is bytes because string
//! literals are; `Display` replaces what is not UTF-8.

mod ddl;
mod dml;
mod expr;
mod select;

use std::fmt;

use crate::ast::{
    Expr, Name, PragmaValue, QualifiedName, Quote, ResultColumn, Select, Statement, TransactionMode, TypeName,
};

/// Text under construction.
struct Printer {
    out: Vec<u8>,
}

impl Printer {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// `text` in quotes of one kind, those within doubled.
    fn quoted(&mut self, quote: u8, text: &[u8]) {
        self.out.push(quote);
        for &b in text {
            if b == quote {
                self.out.push(quote);
            }
            self.out.push(b);
        }
        self.out.push(quote);
    }

    fn name(&mut self, name: &Name) {
        match name.quote {
            Quote::None => self.text(&name.text),
            Quote::Double => self.quoted(b'"', name.text.as_bytes()),
            Quote::Backtick => self.quoted(b'`', name.text.as_bytes()),
            Quote::Single => self.quoted(b'\'', name.text.as_bytes()),
            Quote::Bracket => {
                self.text("[");
                self.text(&name.text);
                self.text("]");
            }
        }
    }

    fn qualified(&mut self, name: &QualifiedName) {
        if let Some(schema) = &name.schema {
            self.name(schema);
            self.text(".");
        }
        self.name(&name.name);
    }

    /// ` AS name`
    fn alias(&mut self, alias: Option<&Name>) {
        if let Some(alias) = alias {
            self.text(" AS ");
            self.name(alias);
        }
    }

    fn list<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            print(self, item);
        }
    }

    fn names(&mut self, names: &[Name]) {
        self.list(names, Self::name);
    }

    fn exprs(&mut self, exprs: &[Expr]) {
        self.list(exprs, Self::expr);
    }

    /// ` (a, b)`, or nothing.
    fn column_names(&mut self, names: &[Name]) {
        if !names.is_empty() {
            self.text(" (");
            self.names(names);
            self.text(")");
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Select(select) => self.select(select),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::CreateTable(table) => self.create_table(table),
            Statement::CreateIndex(index) => self.create_index(index),
            Statement::CreateView(view) => self.create_view(view),
            Statement::CreateTrigger(trigger) => self.create_trigger(trigger),
            Statement::CreateVirtualTable(table) => self.create_virtual_table(table),
            Statement::Drop(drop) => self.drop_object(drop),
            Statement::AlterTable(alter) => self.alter_table(alter),
            Statement::Begin(mode) => self.text(match mode {
                None => "BEGIN",
                Some(TransactionMode::Deferred) => "BEGIN DEFERRED",
                Some(TransactionMode::Immediate) => "BEGIN IMMEDIATE",
                Some(TransactionMode::Exclusive) => "BEGIN EXCLUSIVE",
                Some(TransactionMode::Concurrent) => "BEGIN CONCURRENT",
            }),
            Statement::Commit => self.text("COMMIT"),
            Statement::Rollback { savepoint } => {
                self.text("ROLLBACK");
                if let Some(savepoint) = savepoint {
                    self.text(" TO SAVEPOINT ");
                    self.name(savepoint);
                }
            }
            Statement::Savepoint(name) => {
                self.text("SAVEPOINT ");
                self.name(name);
            }
            Statement::Release(name) => {
                self.text("RELEASE SAVEPOINT ");
                self.name(name);
            }
            Statement::Pragma(pragma) => {
                self.text("PRAGMA ");
                self.qualified(&pragma.name);
                if let Some(value) = &pragma.value {
                    self.text(if pragma.call { "(" } else { " = " });
                    match value {
                        PragmaValue::Number(number) => self.text(number),
                        PragmaValue::Name(name) => self.name(name),
                    }
                    self.text(if pragma.call { ")" } else { "" });
                }
            }
            Statement::Attach(attach) => {
                self.text("ATTACH DATABASE ");
                self.expr(&attach.file);
                self.text(" AS ");
                self.expr(&attach.name);
                if let Some(key) = &attach.key {
                    self.text(" KEY ");
                    self.expr(key);
                }
            }
            Statement::Detach(name) => {
                self.text("DETACH DATABASE ");
                self.expr(name);
            }
            Statement::Vacuum { schema, into } => {
                self.text("VACUUM");
                if let Some(schema) = schema {
                    self.text(" ");
                    self.name(schema);
                }
                if let Some(into) = into {
                    self.text(" INTO ");
                    self.expr(into);
                }
            }
            Statement::Analyze(name) => self.with_optional_name("ANALYZE", name.as_deref()),
            Statement::Reindex(name) => self.with_optional_name("REINDEX", name.as_deref()),
            Statement::OptimizeIndex(name) => self.with_optional_name("OPTIMIZE INDEX", name.as_deref()),
            Statement::Explain { query_plan, statement } => {
                self.text(if *query_plan { "EXPLAIN QUERY PLAN " } else { "EXPLAIN " });
                self.statement(statement);
            }
        }
    }

    fn with_optional_name(&mut self, word: &str, name: Option<&QualifiedName>) {
        self.text(word);
        if let Some(name) = name {
            self.text(" ");
            self.qualified(name);
        }
    }
}

fn print(write: impl FnOnce(&mut Printer)) -> Vec<u8> {
    let mut printer = Printer { out: Vec::new() };
    write(&mut printer);
    printer.out
}

macro_rules! printable {
    ($($Type:ident $method:ident,)*) => {
        $(
            impl $Type {
                /// The SQL text of this part of a statement.
                pub fn to_sql(&self) -> Vec<u8> {
                    print(|printer| printer.$method(self))
                }
            }

            impl fmt::Display for $Type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&String::from_utf8_lossy(&self.to_sql()))
                }
            }
        )*
    };
}

printable! {
    Statement statement,
    Select select,
    Expr expr,
    Name name,
    QualifiedName qualified,
    ResultColumn result_column,
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

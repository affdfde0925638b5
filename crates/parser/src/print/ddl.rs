//! CREATE, DROP and ALTER to text.

use super::Printer;
use crate::ast::{
    AlterAction, AlterTable, ColumnConstraint, ColumnConstraintKind, ColumnDef, CreateIndex, CreateTable,
    CreateTableBody, CreateTrigger, CreateView, CreateVirtualTable, Deferrable, Drop, ForeignKeyClause,
    GeneratedStorage, Name, ObjectKind, QualifiedName, ReferenceAction, TableConstraint, TableConstraintKind,
    TableOptions, TriggerEvent, TriggerStep, TriggerTime,
};

impl Printer {
    fn create(&mut self, words: &str, if_not_exists: bool, name: &QualifiedName) {
        self.text("CREATE ");
        self.text(words);
        self.text(if if_not_exists { " IF NOT EXISTS " } else { " " });
        self.qualified(name);
    }

    pub(super) fn create_table(&mut self, table: &CreateTable) {
        self.create(if table.temporary { "TEMP TABLE" } else { "TABLE" }, table.if_not_exists, &table.name);
        match &table.body {
            CreateTableBody::AsSelect(select) => {
                self.text(" AS ");
                self.select(select);
            }
            CreateTableBody::Columns { columns, constraints, options, .. } => {
                self.text(" (");
                self.list(columns, Self::column_def);
                for constraint in constraints {
                    self.text(", ");
                    self.table_constraint(constraint);
                }
                self.text(")");
                self.table_options(*options);
            }
        }
    }

    fn table_options(&mut self, options: TableOptions) {
        self.text(match (options.without_rowid, options.strict) {
            (false, false) => "",
            (true, false) => " WITHOUT ROWID",
            (false, true) => " STRICT",
            (true, true) => " WITHOUT ROWID, STRICT",
        });
    }

    fn column_def(&mut self, column: &ColumnDef) {
        self.name(&column.name);
        if !column.type_name.text.is_empty() {
            self.text(" ");
            self.text(&column.type_name.text);
        }
        for constraint in &column.constraints {
            self.text(" ");
            self.column_constraint(constraint);
        }
    }

    fn constraint_name(&mut self, name: Option<&Name>, more: bool) {
        if let Some(name) = name {
            self.text("CONSTRAINT ");
            self.name(name);
            self.text(if more { " " } else { "" });
        }
    }

    fn column_constraint(&mut self, constraint: &ColumnConstraint) {
        self.constraint_name(constraint.name.as_ref(), constraint.kind != ColumnConstraintKind::Empty);
        match &constraint.kind {
            ColumnConstraintKind::Empty => {}
            ColumnConstraintKind::PrimaryKey { order, on_conflict, autoincrement } => {
                self.text("PRIMARY KEY");
                self.sort_order(*order);
                self.on_conflict(*on_conflict);
                self.text(if *autoincrement { " AUTOINCREMENT" } else { "" });
            }
            ColumnConstraintKind::NotNull { on_conflict } => {
                self.text("NOT NULL");
                self.on_conflict(*on_conflict);
            }
            ColumnConstraintKind::Null { on_conflict } => {
                self.text("NULL");
                self.on_conflict(*on_conflict);
            }
            ColumnConstraintKind::Unique { on_conflict } => {
                self.text("UNIQUE");
                self.on_conflict(*on_conflict);
            }
            ColumnConstraintKind::Check { expr, .. } => {
                self.text("CHECK ");
                self.wrapped(expr);
            }
            ColumnConstraintKind::Default { expr, parenthesized, .. } => {
                self.text("DEFAULT ");
                if *parenthesized {
                    self.wrapped(expr);
                } else {
                    self.expr(expr);
                }
            }
            ColumnConstraintKind::Collate(name) => {
                self.text("COLLATE ");
                self.name(name);
            }
            ColumnConstraintKind::References(clause) => self.references(clause),
            ColumnConstraintKind::Deferrable(deferrable) => self.deferrable(*deferrable),
            ColumnConstraintKind::Generated { expr, always, storage } => {
                self.text(if *always { "GENERATED ALWAYS AS " } else { "AS " });
                self.wrapped(expr);
                self.text(match storage {
                    None => "",
                    Some(GeneratedStorage::Stored) => " STORED",
                    Some(GeneratedStorage::Virtual) => " VIRTUAL",
                });
            }
        }
    }

    fn table_constraint(&mut self, constraint: &TableConstraint) {
        self.constraint_name(constraint.name.as_ref(), constraint.kind != TableConstraintKind::Empty);
        match &constraint.kind {
            TableConstraintKind::Empty => {}
            TableConstraintKind::PrimaryKey { columns, autoincrement, on_conflict } => {
                self.text("PRIMARY KEY (");
                self.ordering_terms(columns);
                self.text(if *autoincrement { " AUTOINCREMENT)" } else { ")" });
                self.on_conflict(*on_conflict);
            }
            TableConstraintKind::Unique { columns, on_conflict } => {
                self.text("UNIQUE (");
                self.ordering_terms(columns);
                self.text(")");
                self.on_conflict(*on_conflict);
            }
            TableConstraintKind::Check { expr, on_conflict, .. } => {
                self.text("CHECK ");
                self.wrapped(expr);
                self.on_conflict(*on_conflict);
            }
            TableConstraintKind::ForeignKey { columns, clause } => {
                self.text("FOREIGN KEY (");
                self.names(columns);
                self.text(") ");
                self.references(clause);
            }
        }
    }

    fn references(&mut self, clause: &ForeignKeyClause) {
        self.text("REFERENCES ");
        self.name(&clause.table);
        self.column_names(&clause.columns);
        let actions =
            [(" ON DELETE ", clause.on_delete), (" ON UPDATE ", clause.on_update), (" ON INSERT ", clause.on_insert)];
        for (event, action) in actions {
            if let Some(action) = action {
                self.text(event);
                self.text(match action {
                    ReferenceAction::SetNull => "SET NULL",
                    ReferenceAction::SetDefault => "SET DEFAULT",
                    ReferenceAction::Cascade => "CASCADE",
                    ReferenceAction::Restrict => "RESTRICT",
                    ReferenceAction::NoAction => "NO ACTION",
                });
            }
        }
        if let Some(name) = &clause.match_name {
            self.text(" MATCH ");
            self.name(name);
        }
        if let Some(deferrable) = clause.deferrable {
            self.text(" ");
            self.deferrable(deferrable);
        }
    }

    fn deferrable(&mut self, deferrable: Deferrable) {
        self.text(if deferrable.not { "NOT DEFERRABLE" } else { "DEFERRABLE" });
        self.text(match deferrable.initially_deferred {
            None => "",
            Some(true) => " INITIALLY DEFERRED",
            Some(false) => " INITIALLY IMMEDIATE",
        });
    }

    pub(super) fn create_index(&mut self, index: &CreateIndex) {
        self.create(if index.unique { "UNIQUE INDEX" } else { "INDEX" }, index.if_not_exists, &index.name);
        self.text(" ON ");
        self.name(&index.table);
        if let Some(method) = &index.method {
            self.text(" USING ");
            self.name(method);
        }
        self.text(" (");
        self.ordering_terms(&index.columns);
        self.text(")");
        if !index.parameters.is_empty() {
            self.text(" WITH (");
            self.list(&index.parameters, |p, parameter| {
                p.name(&parameter.name);
                p.text(" = ");
                p.expr(&parameter.value);
            });
            self.text(")");
        }
        self.where_clause(index.where_clause.as_ref());
    }

    pub(super) fn create_view(&mut self, view: &CreateView) {
        let words = match (view.temporary, view.materialized) {
            (true, _) => "TEMP VIEW",
            (_, true) => "MATERIALIZED VIEW",
            _ => "VIEW",
        };
        self.create(words, view.if_not_exists, &view.name);
        self.column_names(&view.columns);
        self.text(" AS ");
        self.select(&view.select);
    }

    pub(super) fn create_virtual_table(&mut self, table: &CreateVirtualTable) {
        self.create("VIRTUAL TABLE", table.if_not_exists, &table.name);
        self.text(" USING ");
        self.name(&table.module);
        if !table.args.is_empty() {
            self.text("(");
            self.list(&table.args, |p, arg| p.text(arg));
            self.text(")");
        }
    }

    pub(super) fn create_trigger(&mut self, trigger: &CreateTrigger) {
        self.create(if trigger.temporary { "TEMP TRIGGER" } else { "TRIGGER" }, trigger.if_not_exists, &trigger.name);
        self.text(match trigger.time {
            None => " ",
            Some(TriggerTime::Before) => " BEFORE ",
            Some(TriggerTime::After) => " AFTER ",
            Some(TriggerTime::InsteadOf) => " INSTEAD OF ",
        });
        match &trigger.event {
            TriggerEvent::Delete => self.text("DELETE"),
            TriggerEvent::Insert => self.text("INSERT"),
            TriggerEvent::Update(columns) => {
                self.text("UPDATE");
                if !columns.is_empty() {
                    self.text(" OF ");
                    self.names(columns);
                }
            }
        }
        self.text(" ON ");
        self.qualified(&trigger.table);
        self.text(if trigger.for_each_row { " FOR EACH ROW" } else { "" });
        if let Some(when) = &trigger.when {
            self.text(" WHEN ");
            self.expr(when);
        }
        self.text(" BEGIN ");
        for step in &trigger.body {
            match step {
                TriggerStep::Select(select) => self.select(select),
                TriggerStep::Insert(insert) => self.insert(insert),
                TriggerStep::Update(update) => self.update(update),
                TriggerStep::Delete(delete) => self.delete(delete),
            }
            self.text("; ");
        }
        self.text("END");
    }

    pub(super) fn drop_object(&mut self, drop: &Drop) {
        self.text(match drop.kind {
            ObjectKind::Table => "DROP TABLE ",
            ObjectKind::Index => "DROP INDEX ",
            ObjectKind::View => "DROP VIEW ",
            ObjectKind::Trigger => "DROP TRIGGER ",
        });
        self.text(if drop.if_exists { "IF EXISTS " } else { "" });
        self.qualified(&drop.name);
    }

    pub(super) fn alter_table(&mut self, alter: &AlterTable) {
        self.text("ALTER TABLE ");
        self.qualified(&alter.table);
        match &alter.action {
            AlterAction::RenameTo(name) => {
                self.text(" RENAME TO ");
                self.name(name);
            }
            AlterAction::RenameColumn { from, to } => {
                self.text(" RENAME COLUMN ");
                self.name(from);
                self.text(" TO ");
                self.name(to);
            }
            AlterAction::AddColumn(column) => {
                self.text(" ADD COLUMN ");
                self.column_def(column);
            }
            AlterAction::DropColumn(name) => {
                self.text(" DROP COLUMN ");
                self.name(name);
            }
            AlterAction::AddConstraint(constraint) => {
                self.text(" ADD ");
                self.table_constraint(constraint);
            }
            AlterAction::DropConstraint(name) => {
                self.text(" DROP CONSTRAINT ");
                self.name(name);
            }
            AlterAction::SetNotNull { column, on_conflict, .. } => {
                self.text(" ALTER COLUMN ");
                self.name(column);
                self.text(" SET NOT NULL");
                self.on_conflict(*on_conflict);
            }
            AlterAction::DropNotNull { column } => {
                self.text(" ALTER COLUMN ");
                self.name(column);
                self.text(" DROP NOT NULL");
            }
        }
    }
}

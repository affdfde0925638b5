//! INSERT, UPDATE and DELETE to text.

use super::Printer;
use crate::ast::{
    Assignment, AssignmentTarget, ConflictResolution, Delete, Insert, InsertSource, ResultColumn, Update, Upsert,
    UpsertAction,
};

impl Printer {
    pub(super) fn insert(&mut self, insert: &Insert) {
        self.with(insert.with.as_ref());
        self.text("INSERT");
        self.or_conflict(insert.or);
        self.text(" INTO ");
        self.qualified(&insert.table);
        self.alias(insert.alias.as_ref());
        self.column_names(&insert.columns);
        self.text(" ");
        match &insert.source {
            InsertSource::DefaultValues => self.text("DEFAULT VALUES"),
            InsertSource::Select(select) => self.select(select),
        }
        for upsert in &insert.upserts {
            self.upsert(upsert);
        }
        self.returning(&insert.returning);
    }

    fn upsert(&mut self, upsert: &Upsert) {
        self.text(" ON CONFLICT");
        if let Some(target) = &upsert.target {
            self.text(" (");
            self.ordering_terms(&target.columns);
            self.text(")");
            self.where_clause(target.where_clause.as_ref());
        }
        match &upsert.action {
            UpsertAction::Nothing => self.text(" DO NOTHING"),
            UpsertAction::Update { sets, where_clause } => {
                self.text(" DO UPDATE");
                self.sets(sets);
                self.where_clause(where_clause.as_ref());
            }
        }
    }

    pub(super) fn update(&mut self, update: &Update) {
        self.with(update.with.as_ref());
        self.text("UPDATE");
        self.or_conflict(update.or);
        self.text(" ");
        self.table(&update.table);
        self.sets(&update.sets);
        self.from(update.from.as_ref());
        self.where_clause(update.where_clause.as_ref());
        self.returning(&update.returning);
        self.order_by(&update.order_by);
        self.limit(update.limit.as_ref());
    }

    pub(super) fn delete(&mut self, delete: &Delete) {
        self.with(delete.with.as_ref());
        self.text("DELETE FROM ");
        self.table(&delete.table);
        self.where_clause(delete.where_clause.as_ref());
        self.returning(&delete.returning);
        self.order_by(&delete.order_by);
        self.limit(delete.limit.as_ref());
    }

    fn sets(&mut self, sets: &[Assignment]) {
        self.text(" SET ");
        self.list(sets, |p, set| {
            match &set.target {
                AssignmentTarget::Column(name) => p.name(name),
                AssignmentTarget::Row(names) => {
                    p.text("(");
                    p.names(names);
                    p.text(")");
                }
            }
            p.text(" = ");
            p.expr(&set.value);
        });
    }

    fn returning(&mut self, columns: &[ResultColumn]) {
        if !columns.is_empty() {
            self.text(" RETURNING ");
            self.list(columns, Self::result_column);
        }
    }

    fn or_conflict(&mut self, or: Option<ConflictResolution>) {
        if let Some(or) = or {
            self.text(" OR ");
            self.conflict_resolution(or);
        }
    }

    pub(super) fn on_conflict(&mut self, resolution: Option<ConflictResolution>) {
        if let Some(resolution) = resolution {
            self.text(" ON CONFLICT ");
            self.conflict_resolution(resolution);
        }
    }

    fn conflict_resolution(&mut self, resolution: ConflictResolution) {
        self.text(match resolution {
            ConflictResolution::Rollback => "ROLLBACK",
            ConflictResolution::Abort => "ABORT",
            ConflictResolution::Fail => "FAIL",
            ConflictResolution::Ignore => "IGNORE",
            ConflictResolution::Replace => "REPLACE",
        });
    }
}

//! Limits at SQLite's places, with its texts.

use rusqlite::limits::Limit as Theirs;
use turso_core::Limit;

use crate::Pair;

impl Pair {
    #[track_caller]
    fn limit(&self, ours: Limit, theirs: Theirs, value: i32) {
        let before = self.theirs.set_limit(theirs, value).unwrap();
        let _ = before;
        self.ours.set_limit(ours, value);
        assert_eq!(self.ours.limit(ours), self.theirs.limit(theirs).unwrap());
    }
}

#[test]
fn limits_are_met_where_sqlite_meets_them() {
    let pair = Pair::new();
    pair.same("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2);");
    pair.limit(Limit::Length, Theirs::SQLITE_LIMIT_LENGTH, 1000);
    pair.same(
        "SELECT length(zeroblob(1000)); SELECT length(zeroblob(1001)); SELECT length(printf('%.*c', 999, 'x')); SELECT printf('%.*c', 1001, 'x');
         INSERT INTO t VALUES (zeroblob(600), zeroblob(600)); SELECT length(replace(hex(zeroblob(400)), '0', 'ab')); SELECT hex(zeroblob(600)); SELECT count(*) FROM t;",
    );
    pair.limit(Limit::Length, Theirs::SQLITE_LIMIT_LENGTH, 1_000_000_000);
    pair.limit(Limit::Column, Theirs::SQLITE_LIMIT_COLUMN, 6);
    pair.same("SELECT 1, 2, 3, 4, 5, 6; SELECT 1, 2, 3, 4, 5, 6, 7; CREATE TABLE u(a, b, c, d, e, f); SELECT *, 1 FROM u; CREATE TABLE u2(a, b, c, d, e, f, g);");
    pair.limit(Limit::Column, Theirs::SQLITE_LIMIT_COLUMN, 2000);
    pair.limit(Limit::CompoundSelect, Theirs::SQLITE_LIMIT_COMPOUND_SELECT, 3);
    pair.same("SELECT 1 UNION SELECT 2 UNION SELECT 3; SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4;");
    pair.limit(Limit::FunctionArg, Theirs::SQLITE_LIMIT_FUNCTION_ARG, 3);
    pair.same("SELECT max(1, 2, 3); SELECT max(1, 2, 3, 4); SELECT coalesce(1, 2, 3, 4);");
    pair.limit(Limit::Attached, Theirs::SQLITE_LIMIT_ATTACHED, 1);
    pair.same("ATTACH ':memory:' AS x; ATTACH ':memory:' AS y; DETACH x;");
    pair.limit(Limit::LikePatternLength, Theirs::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 5);
    pair.same("SELECT 'a' LIKE 'aaaaa'; SELECT 'a' LIKE 'aaaaaa'; SELECT 'a' GLOB '******';");
    pair.limit(Limit::VariableNumber, Theirs::SQLITE_LIMIT_VARIABLE_NUMBER, 3);
    pair.same("SELECT ?, ?, ?; SELECT ?, ?, ?, ?; SELECT ?3; SELECT ?4;");
    pair.limit(Limit::TriggerDepth, Theirs::SQLITE_LIMIT_TRIGGER_DEPTH, 3);
    pair.same(
        "CREATE TABLE n(i); CREATE TRIGGER nt AFTER INSERT ON n WHEN new.i > 0 BEGIN INSERT INTO n VALUES (new.i - 1); END;
         PRAGMA recursive_triggers = ON; INSERT INTO n VALUES (2); INSERT INTO n VALUES (9); SELECT count(*) FROM n;",
    );
    pair.limit(Limit::SqlLength, Theirs::SQLITE_LIMIT_SQL_LENGTH, 20);
    pair.same("SELECT 1234567890; SELECT 12345678901234567890;");
}

#[test]
fn limits_are_bounded() {
    let pair = Pair::new();
    pair.limit(Limit::Length, Theirs::SQLITE_LIMIT_LENGTH, 1);
    pair.limit(Limit::Column, Theirs::SQLITE_LIMIT_COLUMN, 1_000_000);
    pair.limit(Limit::TriggerDepth, Theirs::SQLITE_LIMIT_TRIGGER_DEPTH, 5);
    assert_eq!(pair.ours.set_limit(Limit::TriggerDepth, -1), 5);
    assert_eq!(pair.ours.limit(Limit::TriggerDepth), 5);
}

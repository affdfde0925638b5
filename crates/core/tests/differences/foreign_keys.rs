//! Foreign keys: their actions, their deferral, their check.

use crate::support::check;

#[test]
fn a_single_row_without_parent_leaves_last_insert_rowid() {
    check(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE p(x PRIMARY KEY, y UNIQUE);
         CREATE TABLE c(i INTEGER PRIMARY KEY, y REFERENCES p, z REFERENCES p DEFERRABLE INITIALLY DEFERRED, u UNIQUE);
         CREATE TABLE s(i INTEGER PRIMARY KEY, y REFERENCES s);
         INSERT INTO c(i, y) VALUES (7, 1); SELECT last_insert_rowid(), changes();
         INSERT INTO c(i, y) VALUES (8, NULL), (9, 1); SELECT last_insert_rowid(), changes();
         INSERT INTO c(i, z) VALUES (10, 1); SELECT last_insert_rowid(), changes();
         INSERT OR REPLACE INTO c(i, y, u) VALUES (11, 1, 1); SELECT last_insert_rowid(), changes();
         INSERT OR REPLACE INTO c(y) VALUES (1); SELECT last_insert_rowid(), changes();
         INSERT INTO c(i, y) VALUES (12, 1) RETURNING i; SELECT last_insert_rowid(), changes();
         INSERT INTO s VALUES (5, 5); SELECT last_insert_rowid(), changes();
         INSERT INTO s VALUES (6, 4); SELECT last_insert_rowid(), changes();
         BEGIN; INSERT INTO c(i, z) VALUES (20, 1); INSERT INTO c(i, y) VALUES (21, 1);
         SELECT last_insert_rowid(), changes(); COMMIT; ROLLBACK;",
    );
}

#[test]
fn foreign_key_actions_heed_no_conflict_clause() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY, b UNIQUE);
         CREATE TABLE c(x REFERENCES p ON DELETE SET NULL,
                        y NOT NULL ON CONFLICT REPLACE DEFAULT 9 REFERENCES p(b) ON DELETE SET NULL);
         INSERT INTO p VALUES (1, 1), (2, 2), (9, 9); INSERT INTO c VALUES (1, 1);
         DELETE FROM p WHERE a = 1; REPLACE INTO p VALUES (1, 7); SELECT * FROM c;",
    );
}

#[test]
fn dropping_a_parent_runs_its_actions_and_counts_its_rows() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p ON DELETE SET NULL);
         INSERT INTO p VALUES (1), (2), (3); INSERT INTO c VALUES (1), (2);
         DROP TABLE p; SELECT changes(), total_changes(); SELECT * FROM c;
         CREATE TABLE q(a PRIMARY KEY); CREATE TABLE d(x REFERENCES q); INSERT INTO q VALUES (1), (2); INSERT INTO d VALUES (2);
         BEGIN; DROP TABLE q; SELECT * FROM q; SELECT changes(), total_changes(); COMMIT;",
    );
}

#[test]
fn a_child_that_is_dropped_takes_its_rows_without_parent_along() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY); INSERT INTO p VALUES (1), (2);
         CREATE TABLE c(x REFERENCES p); CREATE TABLE d(x REFERENCES p DEFERRABLE INITIALLY DEFERRED);
         INSERT INTO c VALUES (1), (2); INSERT INTO d VALUES (1);
         BEGIN; PRAGMA defer_foreign_keys = ON; DELETE FROM p; DROP TABLE c; COMMIT; DROP TABLE d; COMMIT;
         CREATE TABLE e(x REFERENCES p DEFERRABLE INITIALLY DEFERRED);
         BEGIN; INSERT INTO e VALUES (7), (8); SELECT changes(), total_changes(); DROP TABLE e; SELECT changes(), total_changes(); COMMIT;
         SELECT name FROM sqlite_schema ORDER BY name;",
    );
}

#[test]
fn deferring_foreign_keys_ends_with_the_statement_outside_of_transactions() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p);
         PRAGMA defer_foreign_keys = ON; INSERT INTO p VALUES (1); PRAGMA defer_foreign_keys;
         SAVEPOINT s; INSERT INTO c VALUES (5) RETURNING x; RELEASE s; SELECT * FROM c;
         PRAGMA defer_foreign_keys = ON; SELECT 1; PRAGMA defer_foreign_keys; SELECT * FROM c; PRAGMA defer_foreign_keys;
         PRAGMA defer_foreign_keys = ON; PRAGMA user_version; PRAGMA defer_foreign_keys; PRAGMA defer_foreign_keys = ON; PRAGMA foreign_key_check; PRAGMA defer_foreign_keys;
         BEGIN; PRAGMA defer_foreign_keys = ON; SELECT * FROM c; PRAGMA defer_foreign_keys; ROLLBACK; PRAGMA defer_foreign_keys;",
    );
}

#[test]
fn an_upsert_of_one_row_without_parent_leaves_last_insert_rowid() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE t(a INTEGER PRIMARY KEY, b, d REFERENCES t); INSERT INTO t VALUES (9, 1, NULL);
         INSERT INTO t VALUES (NULL, 1, 'x') ON CONFLICT(a) DO UPDATE SET b = 1; SELECT last_insert_rowid();
         INSERT OR REPLACE INTO t VALUES (NULL, 1, 'x') ON CONFLICT DO NOTHING; SELECT last_insert_rowid();
         INSERT OR REPLACE INTO t VALUES (NULL, 1, 'x'); SELECT last_insert_rowid();",
    );
}

#[test]
fn the_actions_of_the_newest_key_come_first() {
    let script = "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY); INSERT INTO p VALUES (1), (2), (3), (4);
         CREATE TABLE b(x REFERENCES p ON DELETE RESTRICT, y REFERENCES p ON DELETE SET NULL);
         CREATE TABLE c(x REFERENCES p ON DELETE SET NULL, y REFERENCES p ON DELETE RESTRICT);
         CREATE TABLE a(x REFERENCES p ON DELETE SET NULL); CREATE TABLE d(x REFERENCES p ON DELETE RESTRICT);
         INSERT INTO b VALUES (1, 1); INSERT INTO c VALUES (2, 2); INSERT INTO a VALUES (3); INSERT INTO b VALUES (3, NULL);
         INSERT INTO a VALUES (4); INSERT INTO d VALUES (4); SELECT total_changes(); DELETE FROM p WHERE a = 1;
         SELECT total_changes(); DELETE FROM p WHERE a = 2; SELECT total_changes(); DELETE FROM p WHERE a = 3;
         SELECT total_changes(); DELETE FROM p WHERE a = 4; SELECT total_changes();";
    check(script);
}

#[test]
fn orphans_are_looked_for_in_main() {
    check(
        "ATTACH ':memory:' AS aux; CREATE TABLE aux.p(a PRIMARY KEY); CREATE TABLE aux.c(a REFERENCES p); INSERT INTO aux.c VALUES (1);
         CREATE TABLE q(a PRIMARY KEY); CREATE TABLE m(a REFERENCES q); INSERT INTO m VALUES (7); PRAGMA foreign_key_check;
         PRAGMA aux.foreign_key_check; PRAGMA foreign_key_check(c);",
    );
}

#[test]
fn foreign_key_check_goes_through_the_rows_once() {
    check(
        "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p, y REFERENCES p(a), z REFERENCES q);
         INSERT INTO c VALUES (1, 2, 3), (4, 5, 6), (NULL, 1, NULL); PRAGMA foreign_key_check; PRAGMA foreign_key_check(c);",
    );
}

#[test]
fn a_single_new_row_is_no_parent_that_an_immediate_key_waits_for() {
    check(
        "PRAGMA foreign_keys = 1; CREATE TABLE p(a, b); CREATE TABLE c(x REFERENCES p(a)); INSERT INTO p VALUES (1, 1);
         INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO p SELECT 1, 1; INSERT OR REPLACE INTO p VALUES (1, 1); UPDATE p SET a = 1;
         UPDATE p SET b = 1; DELETE FROM p; INSERT INTO p VALUES (5, 5) RETURNING a; BEGIN; PRAGMA defer_foreign_keys = 1;
         INSERT INTO p VALUES (7, 7); COMMIT; SELECT * FROM p; CREATE TABLE d(x REFERENCES p(a) DEFERRABLE INITIALLY DEFERRED);
         INSERT INTO p VALUES (8, 8); CREATE TABLE q(a PRIMARY KEY, b); CREATE TABLE r(x REFERENCES q(nosuch)); INSERT INTO q VALUES (1, 1);
         CREATE TABLE w(a PRIMARY KEY, b REFERENCES w(nosuch)); INSERT INTO w VALUES (1, 2); INSERT INTO w VALUES (1, NULL);",
    );
}

#[test]
fn an_update_that_follows_any_key_needs_all_that_refer_to_the_table_to_fit() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE g(k INTEGER PRIMARY KEY); INSERT INTO g VALUES (1);
         CREATE TABLE p(a INTEGER PRIMARY KEY, b REFERENCES g, c, d, e, UNIQUE (c, d)); CREATE TABLE c4(x REFERENCES p(d));
         UPDATE p SET c = 3; UPDATE p SET b = 1; UPDATE p SET d = 1; UPDATE p SET a = 1; UPDATE p SET e = 1;
         CREATE TABLE c2(x, y, FOREIGN KEY (x, y) REFERENCES p(c, d)); UPDATE p SET c = 3; UPDATE p SET e = 1;
         INSERT INTO p VALUES (1, 1, 1, 1, 1) ON CONFLICT (a) DO UPDATE SET e = 5; INSERT INTO p VALUES (1, 1, 1, 1, 1) ON CONFLICT (a) DO UPDATE SET c = 5;",
    );
}

#[test]
fn what_a_dropped_child_counts() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p);
         INSERT INTO p VALUES (1), (2), (3); DROP TABLE c; SELECT changes(), total_changes();
         CREATE TABLE e(x REFERENCES p DEFERRABLE INITIALLY DEFERRED); BEGIN; INSERT INTO e VALUES (7), (8);
         DROP TABLE e; SELECT changes(), total_changes(); COMMIT;
         CREATE TABLE f(x REFERENCES p DEFERRABLE INITIALLY DEFERRED); INSERT INTO f VALUES (1), (2); DROP TABLE f; SELECT changes(), total_changes();
         INSERT INTO p VALUES (4), (5); CREATE TABLE g(x REFERENCES nope DEFERRABLE INITIALLY DEFERRED); DROP TABLE g; SELECT changes(), total_changes();
         INSERT INTO p VALUES (6), (7); CREATE TABLE h(x REFERENCES p); INSERT INTO h VALUES (1), (2), (3);
         BEGIN; PRAGMA defer_foreign_keys = 1; DROP TABLE h; SELECT changes(), total_changes(); COMMIT;
         CREATE TABLE i(x REFERENCES p); INSERT INTO i VALUES (1), (2); DROP TABLE i; SELECT changes(), total_changes();
         CREATE TABLE j(a INTEGER PRIMARY KEY, x REFERENCES j); INSERT INTO j VALUES (1, 1); DROP TABLE j; SELECT changes(), total_changes();",
    );
}

#[test]
fn dropping_a_table_without_keys_deletes_no_rows_first() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE t(a); INSERT INTO t VALUES (7), (8); BEGIN; PRAGMA defer_foreign_keys = ON; DROP TABLE t;
         SELECT changes(), total_changes(); COMMIT;",
    );
}

#[test]
fn the_last_foreign_key_comes_first() {
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE c(a REFERENCES p, b REFERENCES q DEFERRABLE INITIALLY DEFERRED);
         INSERT INTO c VALUES (1, 2); INSERT INTO c(a) VALUES (1); UPDATE c SET a = 1, b = 2; INSERT INTO c DEFAULT VALUES;
         CREATE TABLE q(x PRIMARY KEY); INSERT INTO c VALUES (1, 2); INSERT INTO c(a) VALUES (1);",
    );
}

#[test]
fn an_update_does_not_take_its_own_old_row_for_a_child_that_has_found_its_parent() {
    for table in [
        "CREATE TABLE t(a, c UNIQUE, d REFERENCES t(c))",
        "CREATE TABLE t(a PRIMARY KEY, c UNIQUE, d REFERENCES t(c)) WITHOUT ROWID",
        "CREATE TABLE t(a, c UNIQUE, d REFERENCES t(c) DEFERRABLE INITIALLY DEFERRED)",
    ] {
        check(&format!(
            "{table}; PRAGMA foreign_keys = ON; INSERT INTO t VALUES (1, 12, 12), (2, 41, 12), (3, 42, 12);
             UPDATE t SET c = 12, d = 1 WHERE a = 1; SELECT * FROM t; UPDATE OR REPLACE t SET c = 12, d = 1 WHERE a = 2; SELECT * FROM t;
             UPDATE OR REPLACE t SET c = 12, d = 1; SELECT * FROM t;
             UPDATE t SET c = 50, d = 50 WHERE a = 2; SELECT * FROM t; UPDATE t SET d = NULL WHERE a = 3; UPDATE t SET c = 7, d = 7; SELECT * FROM t;
             UPDATE t SET c = c + 1, d = c WHERE a = 2; SELECT * FROM t; PRAGMA foreign_key_check;"
        ));
    }
}

#[test]
fn a_dropped_parent_fires_triggers_that_insert_with_autoincrement() {
    check(
        "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(b REFERENCES p(a) ON DELETE SET NULL, c); CREATE TABLE log(a INTEGER PRIMARY KEY AUTOINCREMENT, b);
         PRAGMA foreign_keys = ON; INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 10), (2, 20), (1, 30); INSERT INTO log(b) VALUES ('first');
         CREATE TRIGGER t AFTER UPDATE ON c BEGIN INSERT INTO log(b) VALUES (old.c); DELETE FROM log WHERE b = 10; END;
         DROP TABLE p; SELECT * FROM log; SELECT * FROM c; SELECT * FROM sqlite_sequence; INSERT INTO log(b) VALUES ('last'); SELECT max(a) FROM log;",
    );
}

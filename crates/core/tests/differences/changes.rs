//! INSERT, UPDATE, upserts, triggers, and what they leave behind: rowids given, rows counted.

use crate::opened;
use crate::support::{self, check};

#[test]
fn an_assigned_row_subquery_is_computed_once() {
    check(
        "CREATE TABLE t(a, b, c, d); INSERT INTO t VALUES (2, 'p', 1, 3), (1, 'q', 2, 7), (6, '-3', 3, 5), (2, 'z', 4, 0);
         UPDATE t SET (a, d) = (SELECT s.b, s.a FROM t AS s ORDER BY 1); SELECT * FROM t;
         UPDATE t SET (a, d) = (SELECT s.b, s.a FROM t AS s WHERE s.c > t.c ORDER BY 1); SELECT * FROM t;",
    );
}

#[test]
fn a_failing_trigger_leaves_last_insert_rowid_of_the_statement() {
    check(
        "CREATE TABLE t(a, b UNIQUE); CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE log(x, y);
         CREATE TRIGGER r BEFORE INSERT ON t BEGIN
             INSERT INTO log(x) VALUES (1); INSERT INTO log(x) VALUES (2); INSERT INTO p VALUES (new.b); END;
         INSERT OR IGNORE INTO t VALUES (18, 33), (4, x''); SELECT last_insert_rowid(), changes();
         INSERT OR FAIL INTO t VALUES (19, 34), (4, 33); SELECT last_insert_rowid(), changes();",
    );
}

#[test]
fn an_index_with_the_rowid_alias_is_no_upsert_target() {
    check(
        "CREATE TABLE t(a, b UNIQUE, c INTEGER PRIMARY KEY, UNIQUE (b, c));
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT (b, c) DO NOTHING; INSERT INTO t VALUES (1, 2, 3) ON CONFLICT (c) DO NOTHING;",
    );
}

#[test]
fn generated_columns_are_computed_before_the_checks() {
    check(
        "CREATE TABLE g(a INT, d INT NOT NULL, e INT CHECK (e <> 5), g INT AS (a)) STRICT;
         INSERT INTO g VALUES ('x', NULL, 1); INSERT OR IGNORE INTO g VALUES ('x', NULL, 5); INSERT INTO g VALUES (1, 1, 1);
         UPDATE g SET a = 'x', d = NULL;
         CREATE TABLE n(a INT, b AS (abs(a)) STORED, c NOT NULL ON CONFLICT REPLACE DEFAULT 7, d AS (c + 1) NOT NULL);
         INSERT INTO n VALUES (-9223372036854775808, NULL); INSERT INTO n VALUES (1, NULL); SELECT * FROM n;
         CREATE TABLE s(a INT, d INT NOT NULL) STRICT; INSERT INTO s VALUES ('x', NULL); INSERT INTO s VALUES ('x', 1);",
    );
}

#[test]
fn a_generated_column_of_new_sees_the_rowid_not_yet_given() {
    check(
        "CREATE TABLE l(a, b, c); CREATE TABLE t(i INTEGER PRIMARY KEY, a, g AS (i), s AS (typeof(i) || a) STORED);
         CREATE TRIGGER tb BEFORE INSERT ON t BEGIN INSERT INTO l VALUES (new.i, new.g, new.s); END;
         INSERT INTO t(a) VALUES ('x'); INSERT INTO t(i, a) VALUES (NULL, 'y'); INSERT INTO t(i, a) VALUES (7, 'z');
         INSERT INTO t(a) SELECT 'w'; INSERT INTO t(i, a) SELECT NULL, 'v'; SELECT * FROM l; SELECT * FROM t;",
    );
}

#[test]
fn temporary_triggers_change_tables_of_any_database() {
    let insert = |name: &str, on: &str| {
        format!("CREATE TRIGGER {name} AFTER INSERT ON {on} BEGIN INSERT INTO main.g VALUES (new.a); END;")
    };
    let mut script = String::from("CREATE TABLE g(a); CREATE VIEW v AS SELECT 1 AS a; CREATE TEMP TABLE t(a);");
    let names = [("a", "t"), ("temp.b", "t"), ("main.c", "t"), ("d", "main.t"), ("e", "g"), ("f", "v"), ("h", "none")];
    for (name, on) in names {
        script += &insert(name, on);
    }
    script += "CREATE TEMP TRIGGER i AFTER INSERT ON g BEGIN DELETE FROM main.g WHERE a = new.a + 1; END;
               INSERT INTO t VALUES (1); INSERT INTO t VALUES (0); SELECT a FROM g;";
    check(&script);
}

#[test]
fn explaining_a_change_leaves_zero_changes() {
    let explained = ["INSERT INTO t VALUES (1)", "QUERY PLAN DELETE FROM t", "SELECT 1", "CREATE TABLE u(a)"];
    let outcomes = explained.map(|statement| {
        let script = format!("CREATE TABLE t(a); INSERT INTO t VALUES (1), (2); EXPLAIN {statement};");
        let (ours, stock) = opened();
        support::run_ours(&ours, &script);
        support::run_theirs(&stock, &script);
        (ours.changes(), stock.changes() as i64)
    });
    assert_eq!(outcomes, [(0, 0), (0, 0), (2, 2), (2, 2)]);
}

#[test]
fn a_null_rowid_with_an_upsert_is_inserted_before_its_references_are_checked() {
    check(
        "CREATE TABLE p(a PRIMARY KEY, b); CREATE TABLE c(a INTEGER PRIMARY KEY, b REFERENCES p(a)); PRAGMA foreign_keys = ON;
         INSERT INTO c(a, b) VALUES (NULL, 1); SELECT last_insert_rowid(), changes();
         INSERT INTO c(a, b) VALUES (NULL, 1) ON CONFLICT (a) DO NOTHING; SELECT last_insert_rowid(), changes();
         INSERT INTO c(b) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 2; SELECT last_insert_rowid(), changes();
         INSERT INTO c(a, b) VALUES (NULL, 1) ON CONFLICT DO UPDATE SET b = 2; SELECT last_insert_rowid(), changes();
         INSERT INTO c(a, b) VALUES (8, 1) ON CONFLICT (a) DO UPDATE SET b = 2; SELECT last_insert_rowid(), changes();",
    );
}

#[test]
fn an_upsert_of_another_key_leaves_the_row_that_replace_would_remove_until_all_is_checked() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY ON CONFLICT REPLACE, b UNIQUE ON CONFLICT IGNORE, c UNIQUE ON CONFLICT FAIL);
         INSERT INTO t VALUES (10, 1, 2), (11, -3, 5); INSERT INTO t VALUES (10, -3, 22) ON CONFLICT (c) DO NOTHING; SELECT * FROM t;
         INSERT INTO t VALUES (10, 8, 5) ON CONFLICT (b) DO NOTHING; SELECT * FROM t;
         INSERT INTO t VALUES (10, -3, 5) ON CONFLICT (c) DO UPDATE SET b = 9; SELECT * FROM t;
         INSERT INTO t VALUES (10, 7, 7) ON CONFLICT (c) DO UPDATE SET b = 9; SELECT * FROM t;
         INSERT INTO t VALUES (10, 9, 70) ON CONFLICT (c) DO NOTHING ON CONFLICT (a) DO UPDATE SET c = 5; SELECT * FROM t;
         CREATE TABLE r(a INTEGER PRIMARY KEY ON CONFLICT REPLACE, b UNIQUE ON CONFLICT REPLACE, c UNIQUE ON CONFLICT IGNORE, d UNIQUE);
         INSERT INTO r VALUES (1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3); INSERT INTO r VALUES (1, 2, 3, 9) ON CONFLICT (d) DO NOTHING;
         SELECT * FROM r; INSERT INTO r VALUES (1, 2, 9, 3) ON CONFLICT (c) DO NOTHING; SELECT * FROM r;
         INSERT INTO r VALUES (1, 2, 9, 9) ON CONFLICT (d) DO NOTHING; SELECT * FROM r;",
    );
}

#[test]
fn triggers_of_a_row_that_a_constraint_replaces_replace_too() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY ON CONFLICT REPLACE, b UNIQUE ON CONFLICT REPLACE, c); CREATE TABLE u(e UNIQUE);
         INSERT INTO t VALUES (1, 1, 12), (2, 2, 13); INSERT INTO u VALUES (12), (13); PRAGMA recursive_triggers = ON;
         CREATE TRIGGER d AFTER DELETE ON t BEGIN INSERT INTO u(e) VALUES (old.c); END;
         INSERT INTO t VALUES (1, 2, 12); SELECT rowid, * FROM u; INSERT OR ABORT INTO t VALUES (1, 3, 12); SELECT rowid, * FROM u;
         INSERT INTO t VALUES (3, 4, 12); UPDATE t SET a = 1 WHERE a = 3; SELECT rowid, * FROM u; DELETE FROM t;",
    );
}

#[test]
fn of_a_rowid_that_is_named_twice_the_last_value_counts() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t(a, a) VALUES (1, 2), (3, 4); INSERT INTO t(rowid, a) VALUES (5, 6);
         INSERT INTO t(a, rowid, b, b) SELECT 7, 8, 9, 10; SELECT * FROM t; UPDATE t SET a = 20, rowid = 21 WHERE a = 2;
         UPDATE t SET rowid = 30, a = 31 WHERE a = 4; UPDATE t SET b = 1, b = 2 WHERE a = 6; SELECT * FROM t;",
    );
}

#[test]
fn a_table_called_excluded_is_meant_by_that_name() {
    check(
        "CREATE TABLE excluded(a INT, b INT, c INT DEFAULT 0); CREATE UNIQUE INDEX i ON excluded(a, b);
         INSERT INTO excluded(a, b) VALUES (1, 2), (1, 2), (3, 4), (1, 2), (5, 6), (3, 4) ON CONFLICT(b, a) DO UPDATE SET c = excluded.c + 1;
         SELECT * FROM excluded ORDER BY a;
         INSERT INTO excluded AS base(a, b, c) VALUES (1, 2, 8), (1, 2, 3) ON CONFLICT(b, a) DO UPDATE SET c = excluded.c + 1 WHERE base.c < excluded.c;
         SELECT * FROM excluded ORDER BY a;",
    );
}

#[test]
fn integers_in_real_columns_of_excluded_are_reals() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, t TEXT, i INT, n NUMERIC, r REAL); INSERT INTO t VALUES(1, 1, 1, 1, 1);
         INSERT INTO t VALUES(1, 2, '12', '3.0', 7) ON CONFLICT(a) DO UPDATE SET t = typeof(excluded.t) || typeof(excluded.i) || typeof(excluded.n) || typeof(excluded.r) || (excluded.r / 4) RETURNING *;
         INSERT INTO t VALUES(1, 2, '12', '3.0', '7') ON CONFLICT(a) DO UPDATE SET (r, t) = (excluded.r / 4, typeof(excluded.r)) WHERE excluded.r / 4 = 1 RETURNING *;
         CREATE UNIQUE INDEX ti ON t(i); INSERT INTO t VALUES(2, 2, '1', '3.0', 7) ON CONFLICT(i) DO UPDATE SET t = typeof(excluded.t) || typeof(excluded.n) || (excluded.r / 4) RETURNING *;
         CREATE TABLE w(a, r REAL, PRIMARY KEY(a)) WITHOUT ROWID; INSERT INTO w VALUES(1, 1), (1, 7) ON CONFLICT DO UPDATE SET r = excluded.r / 4 RETURNING *;",
    );
}

#[test]
fn a_row_that_is_gone_once_another_was_replaced_is_left_out_or_refused() {
    let rows = "INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y'), (3, 1, 'z');";
    for key in ["k INTEGER PRIMARY KEY", "k UNIQUE", "k PRIMARY KEY"] {
        let end = if key == "k PRIMARY KEY" { ") WITHOUT ROWID" } else { ")" };
        for set in ["k = 1", "c = 'x'", "k = 1, b = 1", "k = 9, c = 'x'"] {
            let update = format!(
                "UPDATE OR REPLACE t SET {set} WHERE k = 3 RETURNING *; SELECT * FROM t; PRAGMA integrity_check;"
            );
            check(&format!(
                "PRAGMA foreign_keys = ON; CREATE TABLE t({key}, b REFERENCES t(k) ON DELETE CASCADE, c UNIQUE{end}; {rows} {update}"
            ));
            check(&format!(
                "PRAGMA recursive_triggers = ON; CREATE TABLE t({key}, b, c UNIQUE{end}; {rows}
                 CREATE TRIGGER d AFTER DELETE ON t BEGIN DELETE FROM t WHERE k = 3; END; {update}"
            ));
        }
    }
    check(
        "PRAGMA foreign_keys = ON; CREATE TABLE t(a INTEGER PRIMARY KEY, b DEFAULT 2 REFERENCES t(a) ON DELETE CASCADE ON UPDATE CASCADE, c);
         INSERT OR IGNORE INTO t(c) VALUES ('B'), ('ab  '), ('XYZ'); UPDATE OR REPLACE t SET a = 1 RETURNING *; SELECT * FROM t;",
    );
}

#[test]
fn checks_that_are_ignored_look_at_no_value() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, d ANY, e INTEGER CHECK (12)) STRICT; INSERT INTO t VALUES (4, '0', 3);
         REPLACE INTO t VALUES (4, 9, x'') ON CONFLICT (a) DO UPDATE SET e = 1;
         PRAGMA ignore_check_constraints = ON;
         REPLACE INTO t VALUES (4, 9, x'') ON CONFLICT (a) DO UPDATE SET e = 1; SELECT * FROM t;
         REPLACE INTO t VALUES (4, 9, x''), (2.75, 3, 4) ON CONFLICT (a) DO UPDATE SET d = excluded.e; INSERT INTO t VALUES (5, 9, x''); SELECT * FROM t;",
    );
}

#[test]
fn only_checks_that_are_evaluated_bring_the_types_of_a_strict_table_forward() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b INT, c TEXT, d ANY CHECK (d <> 99)) STRICT; INSERT INTO t VALUES (52, 1, '1.5', 1), (2, 7, 'x', 'b');
         UPDATE t SET b = 'x', a = 52 WHERE a = 2; UPDATE t SET b = 'x', a = 52, d = 4 WHERE a = 2; UPDATE t SET b = 'x', d = 99 WHERE a = 2;
         CREATE TABLE u(a INTEGER PRIMARY KEY, b INT, CHECK (a <> 99)) STRICT; INSERT INTO u VALUES (52, 1), (2, 7);
         UPDATE u SET b = 'x', a = 52 WHERE a = 2; UPDATE u SET b = 'x', a = 99 WHERE a = 2; UPDATE u SET b = 99, a = 99 WHERE a = 2;
         CREATE TABLE v(a INTEGER PRIMARY KEY, b INT, CHECK (rowid <> 99)) STRICT; INSERT INTO v VALUES (52, 1), (2, 7);
         UPDATE v SET b = 'x', a = 52 WHERE a = 2; UPDATE v SET b = 9, a = 99 WHERE a = 2; UPDATE v SET b = 'x' WHERE a = 2; SELECT * FROM v;",
    );
}

#[test]
fn a_unique_index_keeps_its_place_when_a_repetition_says_replace() {
    check(
        "CREATE TABLE t(a UNIQUE, b UNIQUE ON CONFLICT REPLACE, PRIMARY KEY (a) ON CONFLICT REPLACE); INSERT INTO t VALUES (1, 7), (2, 8), (3, 9);
         INSERT OR FAIL INTO t SELECT a, b FROM t; INSERT OR ABORT INTO t VALUES (1, 8); INSERT INTO t VALUES (1, 8); SELECT * FROM t; PRAGMA index_list(t);
         CREATE TABLE u(a UNIQUE ON CONFLICT REPLACE, b UNIQUE, PRIMARY KEY (b) ON CONFLICT REPLACE); INSERT INTO u VALUES (1, 7), (2, 8), (3, 9);
         INSERT OR FAIL INTO u VALUES (1, 8); INSERT INTO u VALUES (1, 8); SELECT * FROM u; PRAGMA index_list(u);
         CREATE TABLE v(a UNIQUE ON CONFLICT IGNORE, c UNIQUE, PRIMARY KEY (c) ON CONFLICT REPLACE); PRAGMA index_list(v);",
    );
}

#[test]
fn an_update_evaluates_the_checks_that_read_what_it_changes() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b, g AS (a + 1) CHECK (g < 10), s AS (b * 2) STORED CHECK (s <> 6)); INSERT INTO t(a, b) VALUES (1, 1);
         UPDATE t SET a = 50; UPDATE t SET b = 3; UPDATE t SET rowid = 60; SELECT * FROM t;
         CREATE TABLE u(b, g AS (b + 1), h AS (g + 1) CHECK (h < 10)); INSERT INTO u(b) VALUES (1); UPDATE u SET b = 20; SELECT * FROM u;
         CREATE TABLE v(b, CHECK (rowid < 10)); INSERT INTO v VALUES (1); UPDATE v SET rowid = 50; UPDATE v SET oid = 51, b = 2; SELECT rowid, b FROM v;
         CREATE TABLE w(a, b, CHECK (a <> 9 OR b IS NULL), CHECK ((a, b) <> (1, 1)), CHECK (CASE WHEN a = 5 THEN b = 5 ELSE 1 END), CHECK (a IN (1, 2, 3, b)));
         INSERT INTO w VALUES (1, 2); UPDATE w SET a = 9; UPDATE w SET b = 1; UPDATE w SET a = 5; UPDATE w SET a = 3; UPDATE w SET a = 7; SELECT * FROM w;
         CREATE TABLE x(k INT PRIMARY KEY, a, CHECK (k < 10)) WITHOUT ROWID; INSERT INTO x VALUES (1, 1); UPDATE x SET k = 20; UPDATE x SET a = 2; SELECT * FROM x;
         CREATE TABLE y(a INTEGER PRIMARY KEY, r AS (a * 2), c CHECK (r < 10)); INSERT INTO y(a) VALUES (1); UPDATE y SET a = 7;
         INSERT INTO y(a) VALUES (2); INSERT INTO y(a) VALUES (2) ON CONFLICT (a) DO UPDATE SET a = 30; SELECT a FROM y;",
    );
}

#[test]
fn an_upsert_is_compiled_and_checked_beside_a_null_rowid() {
    check(
        "CREATE TABLE p(a PRIMARY KEY, b); CREATE TABLE c(a INTEGER PRIMARY KEY, b REFERENCES p(a), c); PRAGMA foreign_keys = ON;
         CREATE TRIGGER t AFTER UPDATE OF c ON c BEGIN SELECT 1; END;
         INSERT INTO c(a, b) VALUES (NULL, 1) ON CONFLICT (a) DO UPDATE SET c = 1 ON CONFLICT DO NOTHING; SELECT last_insert_rowid();
         INSERT INTO c(a, b) VALUES (NULL, 1); SELECT last_insert_rowid();
         INSERT INTO c(a, b) VALUES (7, 1); SELECT last_insert_rowid();
         INSERT INTO c(a, b) VALUES (8, 1) ON CONFLICT (a) DO UPDATE SET c = 1; SELECT last_insert_rowid();
         INSERT INTO c(b) VALUES (1) ON CONFLICT (a) DO UPDATE SET c = 1; SELECT last_insert_rowid();
         PRAGMA foreign_keys = OFF; CREATE TRIGGER u AFTER UPDATE OF b ON c BEGIN DELETE FROM missing; END;
         INSERT INTO c(a, b) VALUES (NULL, 1) ON CONFLICT (a) DO UPDATE SET b = 1 ON CONFLICT DO NOTHING;
         INSERT INTO c(a, b) VALUES (NULL, 1) ON CONFLICT (a) DO NOTHING; INSERT INTO c(b) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 1;
         SELECT * FROM c;",
    );
}

//! Which names mean what, and where: conflict targets, partial indexes, joined columns, views that are changed, ALTER TABLE.

use crate::support::check;

#[test]
fn alter_table_knows_the_columns_of_virtual_tables_in_triggers() {
    check(
        "CREATE VIRTUAL TABLE rt USING rtree(id, minx, maxx);
         CREATE TABLE t(fid INTEGER PRIMARY KEY, geom BLOB);
         CREATE TRIGGER tr AFTER UPDATE OF geom ON t WHEN OLD.fid = NEW.fid AND NEW.geom IS NULL BEGIN DELETE FROM rt WHERE id = OLD.fid; UPDATE rt SET minx = old.fid WHERE id = new.fid; INSERT INTO rt(id, minx, maxx) VALUES (new.fid, 1, 2); END;
         ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME COLUMN geom TO g; ALTER TABLE u ADD COLUMN x; ALTER TABLE u DROP COLUMN x;
         SELECT sql FROM sqlite_schema WHERE type = 'trigger';
         DROP TRIGGER tr; CREATE TRIGGER tr AFTER INSERT ON u BEGIN DELETE FROM rt WHERE idx = 1; END; ALTER TABLE u RENAME TO v;",
    );
}

#[test]
fn names_in_conflict_targets_are_looked_up_first() {
    check(
        "CREATE TABLE t(w, x INTEGER UNIQUE, z); CREATE UNIQUE INDEX tz ON t(z) WHERE w = 1; CREATE UNIQUE INDEX te ON t(w + 1);
         INSERT INTO t AS u VALUES (1, 2, 3) ON CONFLICT(t.x) DO NOTHING;
         INSERT INTO t AS u VALUES (1, 2, 3) ON CONFLICT(u.x) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(t.x) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(main.t.x) DO UPDATE SET z = 5;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(excluded.x) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(nosuch + 1) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(x) WHERE nosuch DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(x) WHERE \"nosuch\" DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(\"nosuch\") DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(nosuch(x)) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(x) WHERE sum(x) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(x) DO UPDATE SET z = 7 ON CONFLICT((SELECT a FROM nosuch)) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(x COLLATE nosuch) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(x COLLATE binary) DO NOTHING;
         INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(x COLLATE nocase) DO NOTHING;
         INSERT INTO t VALUES (1, 12, 3) ON CONFLICT(z) WHERE w = 1 DO UPDATE SET w = 20;
         INSERT INTO t VALUES (1, 12, 3) ON CONFLICT(z) WHERE t.w = 1 DO NOTHING;
         INSERT INTO t VALUES (1, 12, 3) ON CONFLICT(z) WHERE 1 = w DO NOTHING;
         INSERT INTO t VALUES (1, 12, 3) ON CONFLICT(z) WHERE nosuch DO NOTHING;
         INSERT INTO t VALUES (20, 13, 3) ON CONFLICT(t.w + 1) DO UPDATE SET x = 99;
         INSERT INTO t VALUES (20, 13, 3) ON CONFLICT(1 + w) DO NOTHING;
         INSERT INTO t VALUES (21, 13, 3) ON CONFLICT(rowid) WHERE w = 1 DO NOTHING;
         SELECT rowid, * FROM t;",
    );
}

#[test]
fn schemas_are_ignored_in_partial_indexes_and_checks() {
    check(
        "CREATE TABLE t(a, b, CHECK (q.t.a > 0)); INSERT INTO t VALUES (1, 6), (2, 60); INSERT INTO t VALUES (-1, 6);
         CREATE INDEX i ON t(b) WHERE xyzzy.t.b BETWEEN 5 AND 10; CREATE INDEX k ON t(b) WHERE xyzzy.u.b > 1;
         SELECT count(*) FROM t WHERE t.b BETWEEN 5 AND 10; SELECT x.b FROM t AS x INDEXED BY i WHERE x.b BETWEEN 5 AND 10;
         ALTER TABLE t RENAME COLUMN b TO c; ALTER TABLE t RENAME TO u; SELECT sql FROM sqlite_schema;
         SELECT a FROM u WHERE q.u.a = 1;",
    );
}

#[test]
fn what_using_joins_is_one_column_under_the_name_of_either_table() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b AS ('Y') UNIQUE); INSERT INTO t(a) VALUES (10);
         SELECT * FROM t JOIN t USING (a, b) WHERE ((SELECT t.a FROM t AS x GROUP BY b) AND b = 0) OR a = 10;
         SELECT t.a FROM t JOIN t USING (a); SELECT t.b FROM t JOIN t USING (a); SELECT t.a FROM t LEFT JOIN t USING (a);
         SELECT t.a FROM t FULL JOIN t USING (a); SELECT t.a FROM t JOIN t ON 1;",
    );
}

#[test]
fn a_view_that_is_changed_has_its_schemas_name() {
    check(
        "CREATE TABLE t(x, b); INSERT INTO t VALUES (3, 4), (8, 9); CREATE VIEW v AS SELECT x, b FROM t; CREATE TABLE log(a, b);
         CREATE TRIGGER u INSTEAD OF UPDATE ON v BEGIN INSERT INTO log VALUES (old.b, new.b); END;
         CREATE TRIGGER d INSTEAD OF DELETE ON v BEGIN INSERT INTO log VALUES (old.b, 'gone'); END;
         UPDATE v SET b = main.v.b + 900 WHERE main.v.x BETWEEN 3 AND 5; UPDATE v SET b = temp.v.b; DELETE FROM v WHERE main.v.x = 8;
         SELECT * FROM log;",
    );
}

#[test]
fn names_in_windows_that_no_call_uses_are_renamed() {
    check(
        "CREATE TABLE t(a, b);
         CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT a, sum(a) OVER w1 FROM t WINDOW w1 AS (PARTITION BY a ORDER BY b), w2 AS (PARTITION BY a ORDER BY a + b); END;
         CREATE VIEW v AS SELECT b FROM t WINDOW w AS (ORDER BY a);
         ALTER TABLE t RENAME a TO aa; ALTER TABLE t RENAME TO tt; SELECT sql FROM sqlite_schema;
         CREATE VIEW x AS SELECT b FROM tt WINDOW w AS (ORDER BY nosuch); SELECT * FROM x; ALTER TABLE tt RENAME TO t;",
    );
}

#[test]
fn legacy_alter_table_refuses_what_leaves_an_index_without_its_columns() {
    check(
        "PRAGMA legacy_alter_table = 1; CREATE TABLE t(a, b); CREATE INDEX i ON t(a) WHERE t.b > 0; ALTER TABLE t RENAME TO u;
         SELECT sql FROM sqlite_schema; DROP INDEX i; CREATE INDEX i ON t(a) WHERE b > 0; ALTER TABLE t RENAME TO u; SELECT sql FROM sqlite_schema;",
    );
}

#[test]
fn always_is_no_part_of_a_long_type() {
    check(
        "CREATE TABLE t(a varcharxx always DEFAULT 3, b varcharxxx always DEFAULT 3, c int      generated, d intgenerated always AS (4), e int generatedalways AS (5), f x       always DEFAULT 1,
         g int generated always AS (6), h generated always AS (7), i int always);
         SELECT name, type FROM pragma_table_xinfo('t');",
    );
}

#[test]
fn true_and_text_count_rows_of_frames() {
    check(
        "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (2, 3), (3, 4);
         SELECT sum(b) OVER (ORDER BY a ROWS BETWEEN true PRECEDING AND false FOLLOWING) FROM t;
         SELECT sum(b) OVER (ORDER BY a RANGE BETWEEN 5.2 PRECEDING AND true PRECEDING) FROM t;
         SELECT sum(b) OVER (ORDER BY a ROWS BETWEEN 1 + true PRECEDING AND CURRENT ROW) FROM t;
         SELECT sum(b) OVER (ORDER BY a ROWS BETWEEN \"true\" PRECEDING AND CURRENT ROW) FROM t;
         SELECT nth_value(b, '2') OVER (ORDER BY a) FROM t; SELECT nth_value(b, ' 2.0 ') OVER (ORDER BY a) FROM t; SELECT nth_value(b, '2e0') OVER (ORDER BY a) FROM t;
         SELECT nth_value(b, '2.5') OVER (ORDER BY a) FROM t; SELECT nth_value(b, x'32') OVER (ORDER BY a) FROM t; SELECT nth_value(b, '0') OVER (ORDER BY a) FROM t;",
    );
}

#[test]
fn a_partial_index_is_read_in_its_order() {
    check(
        "CREATE TABLE t(a, b, c); CREATE INDEX i ON t(a) WHERE b <> 99; INSERT INTO t VALUES (3, 4, 5), (2, 99, 7), (1, 8, 9);
         SELECT a FROM t WHERE b <> 99; SELECT a FROM t WHERE b <> 99 AND c <> 98; SELECT a FROM t WHERE 99 <> b;",
    );
}

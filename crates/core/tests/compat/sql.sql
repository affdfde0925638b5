-- # Queries
-- = SELECT
SELECT * FROM t; SELECT a AS n, t.b, t.* FROM t AS t WHERE a > 1; SELECT 1, 'x' WHERE 0; SELECT ALL a FROM t;
SELECT rowid, _rowid_, oid FROM u; SELECT main.t.a FROM main.t;
-- = SELECT DISTINCT
SELECT DISTINCT x FROM u; SELECT DISTINCT x, y FROM u ORDER BY y DESC;
-- = VALUES
VALUES (1, 'a'), (2, 'b'); SELECT * FROM (VALUES (1), (2)) ORDER BY 1 DESC;
-- = FROM: joins
SELECT a, y FROM t JOIN u ON a = x; SELECT a, y FROM t, u WHERE a = x; SELECT count(*) FROM t CROSS JOIN u;
SELECT a, y FROM t LEFT OUTER JOIN u ON a = x ORDER BY 1, 2;
-- + NATURAL, USING
SELECT * FROM t NATURAL JOIN (SELECT 1 AS a, 7 AS z); SELECT * FROM t JOIN (SELECT 1 AS a, 7 AS z) USING (a);
-- + RIGHT JOIN
SELECT a, y FROM t RIGHT JOIN u ON a = x ORDER BY 2;
-- + FULL JOIN
SELECT a, y FROM t FULL JOIN u ON a = x ORDER BY 1, 2; SELECT a, z FROM t FULL JOIN (SELECT 9 AS z) ON a = z ORDER BY 1, 2;
-- + FULL JOIN after other joins
SELECT t.a, u.y, v.a FROM t JOIN u ON t.a = u.x FULL JOIN t AS v ON v.a = u.x ORDER BY 1, 2, 3;
-- + RIGHT JOIN after other joins
SELECT t.a, u.y, v.a FROM t JOIN u ON t.a = u.x RIGHT JOIN t AS v ON v.a = u.x ORDER BY 1, 2, 3;
-- + joins in parentheses
SELECT * FROM (t JOIN u ON a = x) ORDER BY 1, y; SELECT * FROM t LEFT JOIN (u JOIN (SELECT 1 AS z) ON x = z) ON a = x ORDER BY 1;
-- = FROM: subqueries
SELECT * FROM (SELECT a, b FROM t WHERE a < 3) AS s WHERE s.a = 2; SELECT * FROM (SELECT max(a) AS m FROM t), u;
-- = FROM: INDEXED BY, NOT INDEXED
SELECT a FROM t INDEXED BY t_b WHERE b = 'one'; SELECT a FROM t NOT INDEXED WHERE b = 'one'; SELECT * FROM t INDEXED BY nope;
-- = FROM: table-valued functions
-- + json_each
SELECT value FROM json_each('[1,2]');
-- + json_tree
SELECT fullkey FROM json_tree('{"a":[1]}');
-- + pragma functions
SELECT name FROM pragma_table_info('t');
-- + after IN
SELECT 1 IN json_each('[1]');
-- ! `generate_series` (of SQLite's shell): `no such table: generate_series`
-- = WHERE
SELECT a FROM t WHERE b LIKE 't%' AND c IS NOT NULL OR a IN (1, 4) ORDER BY a;
-- = GROUP BY, HAVING
SELECT x, count(*), group_concat(y) FROM u GROUP BY x HAVING count(*) > 0 ORDER BY x; SELECT x AS k FROM u GROUP BY k; SELECT count(*) FROM u GROUP BY 1;
SELECT y, max(x) FROM u; SELECT a, min(c) FROM t; SELECT count(*) FROM t HAVING count(*) > 1;
-- + aggregates with DISTINCT, FILTER and ORDER BY
SELECT count(DISTINCT x), sum(x) FILTER (WHERE y > 'p'), group_concat(y, '-' ORDER BY y DESC) FROM u; SELECT string_agg(y, ',') FROM u;
-- + ordered-set aggregates (WITHIN GROUP)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t;
-- = ORDER BY
SELECT a FROM t ORDER BY b DESC, a; SELECT a FROM t ORDER BY c NULLS LAST; SELECT a FROM t ORDER BY c DESC NULLS FIRST; SELECT b FROM t ORDER BY b COLLATE NOCASE; SELECT a, b FROM t ORDER BY 2, 1; SELECT a FROM t ORDER BY 3;
-- = LIMIT, OFFSET
SELECT a FROM t LIMIT 2; SELECT a FROM t LIMIT 2 OFFSET 1; SELECT a FROM t LIMIT 1, 2; SELECT a FROM t LIMIT -1 OFFSET 3; SELECT a FROM t LIMIT (SELECT 2); SELECT a FROM t LIMIT 'x';
-- = UNION, UNION ALL, INTERSECT, EXCEPT
SELECT x FROM u UNION SELECT a FROM t; SELECT x FROM u UNION ALL SELECT a FROM t ORDER BY 1 LIMIT 3; SELECT x FROM u INTERSECT SELECT a FROM t; SELECT a FROM t EXCEPT SELECT x FROM u;
SELECT 1 UNION SELECT 1, 2; SELECT 1 UNION ALL VALUES (2), (3) EXCEPT SELECT 2;
-- = WITH
WITH s AS (SELECT a FROM t), r(n) AS (SELECT a + 1 FROM s) SELECT * FROM r; WITH s AS MATERIALIZED (SELECT 1 AS o) SELECT * FROM s AS q, s; WITH s AS NOT MATERIALIZED (SELECT 1) SELECT * FROM s;
-- + RECURSIVE
WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < 5) SELECT * FROM c; WITH RECURSIVE c(n) AS (SELECT 1 UNION SELECT (n + 1) % 3 FROM c) SELECT * FROM c;
WITH RECURSIVE c(n) AS (SELECT 3 UNION ALL SELECT n - 1 FROM c WHERE n > 0 ORDER BY 1 LIMIT 2) SELECT * FROM c;
-- + several recursive parts
WITH RECURSIVE c(n) AS (SELECT 1 UNION SELECT n * 2 FROM c WHERE n < 8 UNION SELECT n * 3 FROM c WHERE n < 9) SELECT * FROM c;
-- = window functions
SELECT a, row_number() OVER (ORDER BY b), sum(a) OVER w, lag(a) OVER w FROM t WINDOW w AS (ORDER BY a);
-- + PARTITION BY, frames
SELECT y, sum(x) OVER (PARTITION BY x ORDER BY y ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM u ORDER BY y; SELECT a, count(*) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING), max(a) OVER (ORDER BY a GROUPS 1 PRECEDING) FROM t;
SELECT a, group_concat(a) OVER (ORDER BY a ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW) FROM t; SELECT x, count(*) OVER (ORDER BY x RANGE UNBOUNDED PRECEDING EXCLUDE TIES) FROM u;
-- + FILTER, named windows, base windows
SELECT a, count(*) FILTER (WHERE a > 2) OVER (ORDER BY a), sum(a) OVER (w ROWS 1 PRECEDING) FROM t WINDOW w AS (ORDER BY a);
-- + over aggregates
SELECT x, count(*), rank() OVER (ORDER BY count(*) DESC, x) FROM u GROUP BY x;
-- + ORDER BY inside the call
SELECT group_concat(y ORDER BY y) OVER () FROM u;
-- # Changing rows
-- = INSERT
INSERT INTO t VALUES (9, 'n', 9); INSERT INTO t(b) VALUES ('x'), ('y'); INSERT INTO u SELECT a, b FROM t; INSERT INTO u DEFAULT VALUES; SELECT * FROM t; SELECT * FROM u; INSERT INTO t VALUES (1); INSERT INTO t(nope) VALUES (1);
WITH s AS (SELECT 7 AS n) INSERT INTO u SELECT n, n FROM s; SELECT changes(), last_insert_rowid();
-- = INSERT OR ROLLBACK / ABORT / FAIL / IGNORE / REPLACE, REPLACE
INSERT OR IGNORE INTO t VALUES (1, 'z', 0); INSERT OR REPLACE INTO t VALUES (2, 'zwei', 2); REPLACE INTO t VALUES (3, 'drei', 3); INSERT OR FAIL INTO t VALUES (20, 'a', 0), (1, 'b', 0); SELECT * FROM t; BEGIN; INSERT OR ROLLBACK INTO t VALUES (1, 'b', 0); COMMIT;
-- = ON CONFLICT (upsert)
INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT DO NOTHING; INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT(a) DO UPDATE SET b = excluded.b || t.b WHERE excluded.c = 0; SELECT * FROM t;
CREATE UNIQUE INDEX ub ON t(b); INSERT INTO t VALUES (8, 'two', 1) ON CONFLICT(a) DO NOTHING ON CONFLICT(b) DO UPDATE SET c = 8; SELECT * FROM t; INSERT INTO t VALUES (1, 2, 3) ON CONFLICT(c) DO NOTHING;
-- = UPDATE
UPDATE t SET b = upper(b), c = a WHERE a > 2; SELECT * FROM t; UPDATE t SET (b, c) = ('p', 5) WHERE a = 1; UPDATE t SET (b, c) = (SELECT y, x FROM u WHERE x = 2) WHERE a = 2; UPDATE OR IGNORE t SET a = 1; SELECT * FROM t; UPDATE t SET a = a + 10; SELECT * FROM t;
-- + UPDATE FROM
UPDATE t SET b = y FROM u WHERE x = a; SELECT * FROM t;
-- + UPDATE FROM with a row subquery in SET
UPDATE t SET (b, c) = (SELECT u.y, 3) FROM u WHERE u.x = t.a; SELECT * FROM t;
-- + ORDER BY, LIMIT (SQLite: a build option)
UPDATE t SET c = 0 ORDER BY a LIMIT 1;
-- = DELETE
DELETE FROM t WHERE a < 3; SELECT * FROM t; DELETE FROM u; SELECT count(*) FROM u; WITH s AS (SELECT 3 AS n) DELETE FROM t WHERE a IN s; SELECT * FROM t;
-- + ORDER BY, LIMIT (SQLite: a build option)
DELETE FROM t ORDER BY a LIMIT 1;
-- = RETURNING
INSERT INTO t VALUES (9, 'n', 1) RETURNING a, b || '!' AS s, *; UPDATE t SET c = 1 WHERE a < 3 RETURNING a, c; DELETE FROM t WHERE a = 9 RETURNING *; INSERT INTO t VALUES (1, 'z', 0) ON CONFLICT DO UPDATE SET b = 'up' RETURNING b;
-- + with subqueries
INSERT INTO t VALUES (9, 'n', 1) RETURNING (SELECT count(*) FROM u), a;
-- + INSERT on views
CREATE VIEW v AS SELECT a, b FROM t; CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN INSERT INTO t(a, b) VALUES (new.a, new.b); END; INSERT INTO v VALUES (9, 'n') RETURNING a;
-- + UPDATE and DELETE on views
CREATE VIEW v AS SELECT a, b FROM t; CREATE TRIGGER vi INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE a = old.a; END; DELETE FROM v WHERE a = 1 RETURNING a;
-- # Schema
-- = CREATE TABLE
CREATE TABLE n(i INT, j TEXT DEFAULT 'd', k DEFAULT (1 + 1), l BLOB NOT NULL DEFAULT x'00', m VARCHAR(10) COLLATE NOCASE); INSERT INTO n(i) VALUES ('5'); SELECT * FROM n; SELECT sql FROM sqlite_schema WHERE name = 'n'; CREATE TABLE IF NOT EXISTS n(z); CREATE TABLE n(z);
CREATE TEMP TABLE q(a); INSERT INTO temp.q VALUES (1); SELECT * FROM q; CREATE TABLE main.m2(a); CREATE TABLE sqlite_x(a); CREATE TABLE d(a, a);
-- + AS SELECT
CREATE TABLE n AS SELECT a, b AS bb, c + 1 FROM t; SELECT * FROM n; SELECT sql FROM sqlite_schema WHERE name = 'n';
-- + PRIMARY KEY, UNIQUE
CREATE TABLE n(i TEXT PRIMARY KEY, j UNIQUE, k, UNIQUE(j, k)); INSERT INTO n VALUES ('a', 1, 1); INSERT INTO n VALUES ('a', 2, 1); INSERT INTO n VALUES ('b', 1, 1); CREATE TABLE m(a INTEGER PRIMARY KEY DESC, b); INSERT INTO m(b) VALUES (1); SELECT * FROM m; CREATE TABLE o(a PRIMARY KEY ON CONFLICT REPLACE, b); INSERT INTO o VALUES (1, 1), (1, 2); SELECT * FROM o;
-- + AUTOINCREMENT
CREATE TABLE n(i INTEGER PRIMARY KEY AUTOINCREMENT, j); INSERT INTO n(j) VALUES (1), (2); DELETE FROM n; INSERT INTO n(j) VALUES (3); SELECT * FROM n; SELECT * FROM sqlite_sequence;
-- + CHECK, NOT NULL
CREATE TABLE n(i CHECK (i > 0), j NOT NULL, CONSTRAINT named CHECK (i < j)); INSERT INTO n VALUES (0, 1); INSERT INTO n VALUES (1, NULL); INSERT INTO n VALUES (5, 1); INSERT INTO n VALUES (1, 5); SELECT * FROM n;
-- + generated columns
CREATE TABLE n(i, j AS (i * 2), k GENERATED ALWAYS AS (j + 1) STORED); INSERT INTO n(i) VALUES (3); SELECT * FROM n; INSERT INTO n(j) VALUES (1); CREATE INDEX nj ON n(j); SELECT i FROM n WHERE j = 6;
-- + foreign keys
PRAGMA foreign_keys = ON; CREATE TABLE p(i INTEGER PRIMARY KEY); CREATE TABLE n(i REFERENCES p ON DELETE CASCADE ON UPDATE SET NULL, j REFERENCES p(i) DEFERRABLE INITIALLY DEFERRED); INSERT INTO n VALUES (1, NULL); INSERT INTO p VALUES (1), (2); INSERT INTO n VALUES (1, 1), (2, NULL); DELETE FROM p WHERE i = 2; SELECT * FROM n; UPDATE p SET i = 5; BEGIN; INSERT INTO n VALUES (NULL, 77); COMMIT; ROLLBACK; SELECT * FROM n;
-- + WITHOUT ROWID
CREATE TABLE n(i TEXT PRIMARY KEY, j) WITHOUT ROWID; INSERT INTO n VALUES ('b', 1), ('a', 2); SELECT * FROM n; SELECT rowid FROM n; UPDATE n SET i = 'c' WHERE i = 'a'; SELECT * FROM n;
-- + STRICT
CREATE TABLE n(i INTEGER, j TEXT, k ANY) STRICT; INSERT INTO n VALUES ('5', 6, '7'); SELECT typeof(i), typeof(j), typeof(k) FROM n; INSERT INTO n VALUES ('x', 1, 1); CREATE TABLE m(i VARCHAR(9)) STRICT;
-- = CREATE INDEX
CREATE UNIQUE INDEX i1 ON t(b COLLATE NOCASE DESC, c); SELECT a FROM t INDEXED BY i1 ORDER BY b COLLATE NOCASE DESC; CREATE INDEX i1 ON t(a); CREATE INDEX IF NOT EXISTS i1 ON t(a); INSERT INTO t VALUES (10, 'ONE', 1.5);
-- + partial indexes
CREATE INDEX i2 ON t(b) WHERE a > 2; SELECT a FROM t INDEXED BY i2 WHERE a > 2 AND b = 'three';
-- + indexes on expressions
CREATE INDEX i3 ON t(lower(b), a + 1); SELECT a FROM t INDEXED BY i3 WHERE lower(b) = 'one'; CREATE INDEX i4 ON t(random());
-- + methods (USING; not in SQLite)
CREATE INDEX i5 ON t USING fts (b);
-- = CREATE VIEW
CREATE VIEW v(p, q) AS SELECT a, b FROM t WHERE a < 3; SELECT * FROM v WHERE p = 2; CREATE TEMP VIEW w AS SELECT * FROM v; SELECT * FROM w; CREATE VIEW IF NOT EXISTS v AS SELECT 1; INSERT INTO v VALUES (1, 2); CREATE VIEW loop1 AS SELECT * FROM loop2; CREATE VIEW loop2 AS SELECT * FROM loop1; SELECT * FROM loop1;
-- + materialized views (not in SQLite)
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM t;
-- = CREATE TRIGGER
CREATE TABLE log(what, n); CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW WHEN new.a > 5 BEGIN INSERT INTO log VALUES ('ins', new.a); END; CREATE TRIGGER tu BEFORE UPDATE OF b ON t BEGIN INSERT INTO log VALUES (old.b, new.b); END; CREATE TRIGGER td AFTER DELETE ON t BEGIN DELETE FROM u; SELECT 1; END; INSERT INTO t(a) VALUES (3000), (-4); UPDATE t SET b = 'x' WHERE a = 1; UPDATE t SET c = 1; DELETE FROM t WHERE a = 2; SELECT * FROM log; SELECT count(*) FROM u;
-- + INSTEAD OF
CREATE VIEW v AS SELECT a, b FROM t; CREATE TRIGGER vu INSTEAD OF UPDATE ON v BEGIN UPDATE t SET b = new.b WHERE a = old.a; END; UPDATE v SET b = 'vv' WHERE a = 1; SELECT * FROM t;
-- + RAISE
CREATE TRIGGER tr BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'no ' || new.b) WHERE new.a = 7; SELECT RAISE(IGNORE) WHERE new.a = 8; END; INSERT INTO t VALUES (7, 'seven', 0); INSERT INTO t VALUES (8, 'e', 0); SELECT count(*) FROM t;
-- + recursive triggers
PRAGMA recursive_triggers = ON; CREATE TRIGGER tr AFTER INSERT ON u WHEN new.x < 5 BEGIN INSERT INTO u VALUES (new.x + 1, 'rec'); END; INSERT INTO u VALUES (3, 'go'); SELECT * FROM u;
-- + temporary triggers
CREATE TEMP TRIGGER tr AFTER INSERT ON main.t BEGIN INSERT INTO u VALUES (new.a, 'tmp'); END; INSERT INTO t(a) VALUES (50); SELECT * FROM u;
-- = CREATE VIRTUAL TABLE
-- + any module
CREATE VIRTUAL TABLE vt USING fts5(x);
-- = ALTER TABLE RENAME TO
ALTER TABLE t RENAME TO tt; SELECT * FROM tt; SELECT sql FROM sqlite_schema; ALTER TABLE u RENAME TO tt;
-- + used by views and triggers
CREATE VIEW v AS SELECT t.a FROM t; CREATE TRIGGER tr AFTER INSERT ON u BEGIN INSERT INTO t(b) VALUES (new.y); END; ALTER TABLE t RENAME TO tt; SELECT sql FROM sqlite_schema; SELECT * FROM v;
-- + an alias of the same name in a view
CREATE VIEW v AS SELECT t.x FROM u AS t, t AS o; ALTER TABLE t RENAME TO tt;
-- = ALTER TABLE RENAME COLUMN
ALTER TABLE t RENAME COLUMN b TO bb; SELECT bb FROM t; SELECT sql FROM sqlite_schema; ALTER TABLE t RENAME nope TO x;
-- + used by views and triggers
CREATE VIEW v AS SELECT b FROM t; ALTER TABLE t RENAME COLUMN b TO bb; SELECT sql FROM sqlite_schema WHERE name = 'v';
-- = ALTER TABLE ADD COLUMN
ALTER TABLE t ADD COLUMN d TEXT DEFAULT 'dd'; ALTER TABLE t ADD e INT NOT NULL DEFAULT 3; SELECT * FROM t; SELECT sql FROM sqlite_schema WHERE name = 't'; ALTER TABLE t ADD COLUMN f NOT NULL; ALTER TABLE t ADD COLUMN g PRIMARY KEY; ALTER TABLE t ADD COLUMN h UNIQUE; ALTER TABLE t ADD COLUMN i AS (a + 1); SELECT i FROM t;
-- = ALTER TABLE DROP COLUMN
ALTER TABLE t DROP COLUMN c; SELECT * FROM t; SELECT sql FROM sqlite_schema; ALTER TABLE t DROP COLUMN b; ALTER TABLE t DROP COLUMN a;
-- = ALTER TABLE ADD / DROP CONSTRAINT, ALTER COLUMN SET / DROP NOT NULL
-- + ALTER COLUMN SET NOT NULL
ALTER TABLE t ALTER COLUMN a SET NOT NULL; SELECT sql FROM sqlite_schema WHERE name = 't';
-- + ALTER COLUMN DROP NOT NULL
CREATE TABLE n(i NOT NULL, j); ALTER TABLE n ALTER COLUMN i DROP NOT NULL; INSERT INTO n VALUES (NULL, 1); SELECT sql FROM sqlite_schema WHERE name = 'n';
-- + ADD CONSTRAINT
ALTER TABLE t ADD CONSTRAINT pos CHECK (a > 0); INSERT INTO t(a) VALUES (-1); SELECT sql FROM sqlite_schema WHERE name = 't';
-- + DROP CONSTRAINT
CREATE TABLE n(i, CONSTRAINT pos CHECK (i > 0)); ALTER TABLE n DROP CONSTRAINT pos; INSERT INTO n VALUES (-1); SELECT sql FROM sqlite_schema WHERE name = 'n';
-- = DROP TABLE / INDEX / VIEW / TRIGGER
CREATE VIEW v AS SELECT 1; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END; DROP INDEX t_b; DROP VIEW v; DROP TRIGGER tr; DROP TABLE t; SELECT name FROM sqlite_schema; DROP TABLE t; DROP TABLE IF EXISTS t; DROP INDEX IF EXISTS zz; DROP VIEW u;
-- + of sqlite_schema
DROP TABLE sqlite_schema;
-- = REINDEX
REINDEX; REINDEX t; REINDEX t_b; REINDEX nocase; REINDEX nope;
-- = ANALYZE
ANALYZE; SELECT * FROM sqlite_stat1 ORDER BY tbl, idx; ANALYZE t; ANALYZE main; ANALYZE nope;
-- ! no samples of keys (`sqlite_stat4`)
-- = sqlite_schema, sqlite_master, sqlite_temp_schema
SELECT type, name, tbl_name, sql FROM sqlite_master; SELECT count(*) FROM sqlite_temp_schema; SELECT count(*) FROM sqlite_temp_master; UPDATE sqlite_schema SET sql = ''; INSERT INTO sqlite_schema VALUES (1, 2, 3, 4, 5);
-- # Transactions and databases
-- = BEGIN [DEFERRED | IMMEDIATE | EXCLUSIVE], COMMIT, END, ROLLBACK
BEGIN; INSERT INTO t(a) VALUES (70); ROLLBACK; BEGIN IMMEDIATE; INSERT INTO t(a) VALUES (71); COMMIT TRANSACTION; BEGIN EXCLUSIVE; BEGIN; END; COMMIT; ROLLBACK; SELECT a FROM t;
-- = BEGIN CONCURRENT (not in SQLite)
BEGIN CONCURRENT; COMMIT;
-- = SAVEPOINT, RELEASE, ROLLBACK TO
SAVEPOINT s; INSERT INTO t(a) VALUES (70); SAVEPOINT r; DELETE FROM t; ROLLBACK TO r; RELEASE s; SELECT a FROM t; RELEASE s; ROLLBACK TO s; SAVEPOINT a; CREATE TABLE z(a); ROLLBACK TO a; SELECT * FROM z; COMMIT;
-- = ATTACH, DETACH
ATTACH ':memory:' AS aux; CREATE TABLE aux.n(i); INSERT INTO aux.n VALUES (1); SELECT * FROM n, t WHERE n.i = t.a; SELECT name FROM aux.sqlite_schema; DETACH aux; DETACH main; DETACH nope; ATTACH ':memory:' AS main;
-- + with a key
ATTACH ':memory:' AS e KEY 'k';
-- ! a commit over several files locks all of them first and then commits one after another: a crash between leaves some changed
-- = VACUUM
VACUUM;
-- + INTO
VACUUM INTO ':memory:';
-- = PRAGMA
PRAGMA user_version = 5; PRAGMA user_version; PRAGMA main.user_version; PRAGMA nope; PRAGMA nope.user_version; PRAGMA user_version(7); PRAGMA user_version;
-- = EXPLAIN QUERY PLAN
-- ! texts are SQLite's, the numbers of the nodes are not; our planner sometimes chooses another plan
-- = EXPLAIN
-- ! not SQLite's listing: the program is our own bytecode, shown in the same eight columns
-- # Expressions
-- = literals
SELECT 1, -1, 1.5, 1e3, .5, 0x1F, 1_000, 'it''s', x'CAFE', NULL, TRUE, FALSE, 9223372036854775807, 9223372036854775808, -9223372036854775808; SELECT "no_such" ; SELECT x'1';
-- = current time
SELECT typeof(CURRENT_TIMESTAMP), length(CURRENT_DATE), length(CURRENT_TIME);
-- = parameters
SELECT ?, ?2, :n, @m, $k, ?1; SELECT $a::b(c);
-- = arithmetic
SELECT 7 / 2, 7 % 3, 7.0 / 2, 1 / 0, 1 % 0, 9223372036854775807 + 1, -9223372036854775808 * -1, 'abc' + 1, '12x' * 2, - 'a', + 'a', ~5, 1 << 3, -16 >> 2, 1 << 64, 5 & 6, 5 | 6;
-- = || (concatenation)
SELECT 1 || 'a', NULL || 'a', x'61' || 'b', 1.0 || '';
-- = comparison
SELECT 1 = 1.0, 1 = '1', 'a' < 'B', x'61' > 'a', NULL = NULL, 1 == 1, 1 <> 2, 1 != 1, 2 >= 1, 1 <= 0; SELECT a FROM t WHERE a = '2'; SELECT a FROM t WHERE b < 5;
-- = AND, OR, NOT
SELECT NULL AND 0, NULL OR 1, NOT NULL, NOT 'x', 1 AND 'a', 0 OR 0.1;
-- = IS, IS NOT, IS [NOT] DISTINCT FROM, ISNULL, NOTNULL, IS TRUE
SELECT NULL IS NULL, 1 IS NOT NULL, 1 ISNULL, 1 NOTNULL, 1 NOT NULL, 1 IS DISTINCT FROM NULL, 1 IS NOT DISTINCT FROM 1, 5 IS TRUE, NULL IS NOT FALSE;
-- = BETWEEN
SELECT 2 BETWEEN 1 AND 3, 2 NOT BETWEEN 1 AND 3, NULL BETWEEN 1 AND 2, 'b' BETWEEN 'a' AND 'c';
-- = IN
SELECT 1 IN (1, 2), 3 NOT IN (1, NULL), 1 IN (), NULL IN (1), 2 IN (SELECT x FROM u), (1, 'p') IN (SELECT x, y FROM u); SELECT a FROM t WHERE a IN u; CREATE TABLE one(z); SELECT 1 IN one;
-- = LIKE, GLOB
SELECT 'Abc' LIKE 'a%', 'a_c' LIKE 'a\_c' ESCAPE '\', 'abc' NOT LIKE '_b_', 'abc' GLOB 'a[a-c]*', 'é' LIKE 'É', NULL LIKE 'a', 'a' LIKE 'a' ESCAPE 'ab';
-- = REGEXP, MATCH
SELECT 'a' REGEXP 'a'; SELECT 'a' MATCH 'a';
-- = CASE
SELECT CASE 1 WHEN 1 THEN 'a' ELSE 'b' END, CASE WHEN NULL THEN 1 END, CASE NULL WHEN NULL THEN 1 ELSE 2 END;
-- = CAST
SELECT CAST('12abc' AS INTEGER), CAST('1.5e2x' AS REAL), CAST(x'96' AS TEXT) = x'96', CAST(1.9 AS INT), CAST(1 AS TEXT), CAST('a' AS BLOB), CAST('1e2' AS NUMERIC), CAST(1e30 AS INTEGER), typeof(CAST('5' AS varchar(3)));
-- = COLLATE
SELECT 'a' = 'A' COLLATE NOCASE, 'a ' = 'a' COLLATE RTRIM, 'a' COLLATE BINARY = 'A'; 
-- + an unknown collation
SELECT 'a' COLLATE nope = 'b';
-- = row values
SELECT (1, 2) = (1, 2), (1, 2) < (1, 3), (1, NULL) = (2, 1), (1, 2) IN (VALUES (1, 2)), (SELECT 1, 2) = (1, 2); SELECT (1, 2); SELECT (1, 2) = 1;
-- = scalar subqueries
SELECT (SELECT a FROM t WHERE 0), (SELECT max(a) FROM t), (SELECT y FROM u WHERE x = t.a) FROM t; SELECT (SELECT 1, 2);
-- = EXISTS
SELECT EXISTS (SELECT 1 FROM t), NOT EXISTS (SELECT 1 WHERE 0), EXISTS (SELECT 1 FROM u WHERE x = t.a) FROM t;
-- = ->, ->>
SELECT '{"a":[1,"x"]}' -> '$.a[1]', '{"a":[1,"x"]}' ->> 'a', '[1,2]' ->> 1, '[1,2]' -> -1;
-- = RAISE outside of triggers
SELECT RAISE(ABORT, 'x');
-- = double-quoted strings, names in brackets and backquotes
SELECT "a", [b], `c` FROM t WHERE "b" = "one"; SELECT "nope" FROM t; CREATE TABLE "odd name"("a b" INT); SELECT "a b" FROM "odd name";
-- = comments
SELECT 1 -- one
, 2 /* two */ ; /* only this */ SELECT 3 /* open
-- # Errors
-- > Codes are SQLite's extended result codes; each row compares code and text.
-- = SQLITE_ERROR
SELECT nope; SELECT * FROM nope; SELECT nope(1); SELECT abs(1, 2); SELEC 1; SELECT count(*) FROM t WHERE count(*) > 1; SELECT abs(-9223372036854775808); SELECT * FROM t AS p, t AS q WHERE a = 1;
-- = SQLITE_CONSTRAINT_UNIQUE / PRIMARYKEY / ROWID
CREATE UNIQUE INDEX i ON u(y); INSERT INTO u VALUES (1, 'p'); INSERT INTO t(a) VALUES (1); CREATE TABLE w(a PRIMARY KEY, b, UNIQUE (a, b)) WITHOUT ROWID; INSERT INTO w VALUES (1, 1), (1, 1); CREATE TABLE s(a PRIMARY KEY); INSERT INTO s VALUES (1), (1); UPDATE t SET a = 2 WHERE a = 1; INSERT INTO u(rowid, x) VALUES (1, 1);
-- = SQLITE_CONSTRAINT_NOTNULL / CHECK / FOREIGNKEY / TRIGGER / DATATYPE
CREATE TABLE n(i NOT NULL, j CHECK (j > 1)); INSERT INTO n VALUES (NULL, 2); INSERT INTO n VALUES (1, 1); PRAGMA foreign_keys = ON; CREATE TABLE f(i REFERENCES t(a)); INSERT INTO f VALUES (99); CREATE TRIGGER r BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'keep'); END; DELETE FROM t; CREATE TABLE s(i INT) STRICT; INSERT INTO s VALUES ('q');
-- = SQLITE_MISMATCH
INSERT INTO t(a) VALUES ('text');
-- = SQLITE_TOOBIG
SELECT length(zeroblob(2000000000)); SELECT printf('%.*c', 2000000000, 'x');
-- = SQLITE_AUTH, SQLITE_RANGE, SQLITE_MISUSE
-- ! not reachable from SQL: they belong to the C API
-- = SQLITE_READONLY
PRAGMA query_only = ON; INSERT INTO t(a) VALUES (99); DROP TABLE t;

//! Table-valued functions and virtual tables, compared with SQLite.

mod support;

use support::{check, run_ours, run_theirs};
use turso_core::{Database, OpenOptions};

/// What this engine answers, a line per row or error.
fn ours(script: &str) -> String {
    let database = Database::open(":memory:", OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    let mut lines = Vec::new();
    for (rows, error) in run_ours(&connection, script) {
        lines.extend(rows);
        lines.extend(error);
    }
    lines.join("\n")
}

#[test]
fn json_tables_walk_as_sqlite_does() {
    check(
        r#"SELECT * FROM json_each('[1,2]') e;
        SELECT rowid, json, root, * FROM json_tree('{"a":[1,{"b":2}],"c":"x"}', '$.a');
        SELECT * FROM json_each; SELECT * FROM json_each(); SELECT * FROM json_each(NULL); SELECT * FROM json_each('[1]', NULL);
        SELECT * FROM json_each('{bad'); SELECT * FROM json_each('[1]', 'bad');
        SELECT *, json, typeof(json) FROM jsonb_each(jsonb('[[1],"x",1.5,null,true]'));
        SELECT * FROM jsonb_tree('[1,{"a":2}]');
        SELECT json, typeof(json), '1.0' = json FROM json_each(1);
        SELECT * FROM json_each WHERE json = '[1]' AND root = '$';
        SELECT * FROM json_each WHERE json IN ('[1]', '[2,3]');
        SELECT json_group_array(value) FROM json_each('[[1],{"a":2},"x"]');
        SELECT key FROM json_each('[3,1,2]') ORDER BY rowid DESC;
        SELECT value FROM json_tree('{"a":[1,{"b":2}]}') WHERE fullkey LIKE '$.a%' AND atom IS NOT NULL;
        SELECT distinct value FROM json_each('[3,1,3]');
        SELECT value, count(*) FROM json_each('[3,1,3]') GROUP BY value;"#,
    );
}

#[test]
fn arguments_may_come_from_other_tables() {
    check(
        r#"CREATE TABLE t(a);
        INSERT INTO t VALUES('[1,2]'),('{"x":5}'),(NULL),('[]');
        SELECT t.a, e.key, e.value FROM t, json_each(t.a) e;
        SELECT t.a, e.key, e.value FROM json_each(t.a) e, t;
        SELECT t.a, e.key, e.value FROM t LEFT JOIN json_each(t.a) e;
        SELECT t.a, e.key, e.value FROM t LEFT JOIN json_each(t.a) e ON e.value > 1;
        SELECT t.a, e.key, e.value FROM t LEFT JOIN json_each(t.a) e WHERE e.value IS NULL;
        SELECT t.a, e.key, e.value FROM t LEFT JOIN json_each e ON e.json = t.a;
        SELECT t.a, e.key, e.value FROM t RIGHT JOIN json_each('[7,8]') e ON e.value = 7;
        SELECT t.a, e.key, e.value FROM json_each('[7,8]') e RIGHT JOIN t ON e.key = 0;
        SELECT t.a, e.key, e.value FROM t FULL JOIN json_each('[7,8]') e ON e.value = 7 AND t.a = '[]';
        SELECT t.a, (SELECT group_concat(value) FROM json_each(t.a)) FROM t;
        SELECT t.a FROM t WHERE EXISTS(SELECT 1 FROM json_each(t.a) WHERE value = 2);
        SELECT t.a FROM t WHERE 2 IN (SELECT value FROM json_each(t.a));
        SELECT m.name, p.name FROM sqlite_schema m, pragma_table_info(m.name) p;
        SELECT a.value, b.value FROM json_each('[[1,2],[3]]') a, json_each(a.value) b ORDER BY 2 DESC;
        CREATE VIEW v AS SELECT t.rowid AS r, e.value FROM t JOIN json_each(t.a) e;
        SELECT * FROM v;
        WITH c AS (SELECT * FROM json_each('[1,2]')) SELECT * FROM c a, c b;
        SELECT * FROM json_each('[1,2]') NATURAL JOIN (SELECT 0 AS key);
        SELECT * FROM json_each('[1,2]') a JOIN json_each('[1,3]') b USING(key);
        CREATE TABLE log(x);
        CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log SELECT value FROM json_each(new.a); END;
        INSERT INTO t VALUES('[5,6]');
        SELECT * FROM log;
        UPDATE t SET a = '[9]' WHERE a IN (SELECT json FROM json_each('[]')) OR a IS NULL;
        DELETE FROM t WHERE EXISTS(SELECT 1 FROM json_each(t.a) WHERE value = 9);
        SELECT * FROM t;"#,
    );
}

#[test]
fn errors_have_sqlites_words() {
    check(
        "CREATE TABLE t(a, b);
        SELECT * FROM nofunc(1); SELECT * FROM t(1); SELECT 1 IN t(1); SELECT 1 IN nofunc(1);
        SELECT 1 IN json_each('[1]');
        SELECT * FROM json_each('[1]', '$', 'x'); SELECT * FROM pragma_foo; SELECT * FROM pragma_wal_checkpoint;
        SELECT * FROM main.json_each('[1]'); SELECT * FROM foo.json_each('[1]');
        CREATE VIRTUAL TABLE x USING json_each; CREATE VIRTUAL TABLE x USING nomod(a, b);
        CREATE VIRTUAL TABLE IF NOT EXISTS t USING nomod; CREATE VIRTUAL TABLE t USING nomod;
        INSERT INTO json_each VALUES(1); DELETE FROM json_each; UPDATE json_each SET key = 1;
        DROP TABLE json_each; ALTER TABLE json_each RENAME TO foo; CREATE INDEX i ON json_each(key);
        SELECT json FROM (SELECT * FROM json_each('[1,2]'));
        SELECT * FROM pragma_table_info('t', 'nosuch');",
    );
}

#[test]
fn pragmas_are_tables() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT NOT NULL DEFAULT 'x'); CREATE INDEX i ON t(b);
        SELECT *, arg, schema FROM pragma_table_info('t', 'main');
        SELECT * FROM pragma_table_info WHERE arg = 't';
        SELECT * FROM pragma_table_xinfo('t') WHERE pk; SELECT rowid, name FROM pragma_table_info('t');
        SELECT * FROM pragma_index_list('t') l, pragma_index_info(l.name) n;
        SELECT * FROM pragma_table_info('json_each'); PRAGMA table_xinfo(pragma_table_info); PRAGMA table_info(json_tree);
        SELECT * FROM pragma_user_version; SELECT * FROM pragma_page_count WHERE schema = 'main';
        SELECT * FROM pragma_foreign_key_list('t'); SELECT * FROM pragma_integrity_check;
        SELECT * FROM pragma_table_info('t') WHERE name IN (SELECT name FROM pragma_index_info('i'));
        SELECT * FROM pragma_table_info WHERE arg IS 't'; SELECT * FROM pragma_table_info WHERE arg IN ('t', 'u');
        SELECT name FROM pragma_table_info('t') p ORDER BY name DESC;",
    );
}

/// SQLite's own shell has this function; these are its answers.
#[test]
fn series_count_in_both_directions() {
    let text = ours(
        "SELECT rowid, * FROM generate_series(5, 9, 2);
        SELECT * FROM generate_series(5, 9, 2) ORDER BY value DESC;
        SELECT * FROM generate_series(9, 5, -2);
        SELECT * FROM generate_series(1, 3, 0);
        SELECT *, start, stop, step FROM generate_series(1.9, '3x');
        SELECT * FROM generate_series(1, NULL); SELECT * FROM generate_series(3, 1);
        SELECT value, stop FROM generate_series(4294967294);
        SELECT * FROM generate_series(9223372036854775806, 9223372036854775807);
        SELECT * FROM generate_series(-9223372036854775807, -9223372036854775808, -1);
        SELECT count(*) FROM generate_series(1, 10) WHERE value BETWEEN 3 AND 5.5;
        SELECT * FROM generate_series WHERE start IN (1, 5) AND stop = 6 AND value > 4;
        SELECT a.value, b.value FROM generate_series(1, 2) a, generate_series(a.value, 2) b;
        SELECT * FROM generate_series; SELECT * FROM generate_series(1, 2, 3, 4);",
    );
    let expected = "1|5\n2|7\n3|9\n9\n7\n5\n9\n7\n5\n1\n2\n3\n1|1|3|1\n2|1|3|1\n3|1|3|1\n4294967294|4294967295\n\
        4294967295|4294967295\n9223372036854775806\n9223372036854775807\n-9223372036854775807\n-9223372036854775808\n3\n\
        5\n6\n5\n6\n1|1\n1|2\n2|2\n\
        1 first argument to \"generate_series()\" missing or unusable\n\
        1 too many arguments on generate_series() - max 3";
    assert_eq!(text, expected);
}

#[test]
fn plans_name_the_index_of_the_table() {
    let text = ours(
        "CREATE TABLE t(a);
        EXPLAIN QUERY PLAN SELECT * FROM json_each('[1]', '$.a') AS q WHERE key = 1;
        EXPLAIN QUERY PLAN SELECT * FROM t LEFT JOIN json_each(t.a);
        EXPLAIN QUERY PLAN SELECT * FROM json_tree j, t WHERE j.json = t.a;
        EXPLAIN QUERY PLAN SELECT * FROM json_each('[1]') ORDER BY rowid;
        EXPLAIN QUERY PLAN SELECT * FROM generate_series(1, 10) ORDER BY value DESC;",
    );
    let details: Vec<&str> = text.lines().filter_map(|line| line.rsplit('|').next()).collect();
    assert_eq!(
        details,
        [
            "'SCAN q VIRTUAL TABLE INDEX 3:'",
            "'SCAN t'",
            "'SCAN json_each VIRTUAL TABLE INDEX 1: LEFT-JOIN'",
            "'SCAN t'",
            "'SCAN j VIRTUAL TABLE INDEX 1:'",
            "'SCAN json_each VIRTUAL TABLE INDEX 1:'",
            "'SCAN generate_series VIRTUAL TABLE INDEX 11:'",
        ]
    );
}

/// Every page of the pragma's catalogue is pending at first: the inner statement waits, and its table with it.
#[test]
fn tables_wait_for_pages() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("wait.db");
    let options = OpenOptions { backend: turso_core::Backend::AlwaysPending, ..OpenOptions::default() };
    let database = Database::open(path.to_str().unwrap(), options).unwrap();
    let connection = database.connect().unwrap();
    let script = "CREATE TABLE t(a, b); INSERT INTO t VALUES('[1,2]', 1);
        SELECT e.value, p.name, i.integrity_check FROM t, json_each(t.a) e, pragma_table_info('t') p, pragma_integrity_check i;";
    let rows: Vec<String> =
        run_ours(&connection, script).into_iter().flat_map(|(rows, e)| rows.into_iter().chain(e)).collect();
    assert_eq!(rows, ["1|'a'|'ok'", "2|'a'|'ok'", "1|'b'|'ok'", "2|'b'|'ok'"]);
}

#[test]
fn csv_texts_are_tables() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.csv");
    std::fs::write(&path, "id,na\"me\r\n1,\"a,\"\"b\"\"\"\r\n2,x\n3\n").unwrap();
    let text = ours(&format!(
        "CREATE VIRTUAL TABLE c USING csv(filename = '{}', header = yes);
        SELECT rowid, * FROM c; SELECT name FROM pragma_table_info('c'); CREATE VIEW v AS SELECT * FROM c; SELECT * FROM v;
        CREATE VIRTUAL TABLE d USING csv(data = 'a,b,c', columns = 2); SELECT * FROM d; INSERT INTO d VALUES(1, 2);
        CREATE VIRTUAL TABLE e USING csv(data='1,2', schema='CREATE TABLE x(one INTEGER, two)'); SELECT two, one FROM e;
        CREATE VIRTUAL TABLE f USING csv(data='1', filename='x'); CREATE VIRTUAL TABLE f USING csv(nope);
        CREATE VIRTUAL TABLE f USING csv(filename='/no/such/file'); CREATE VIRTUAL TABLE f USING csv(data='\"a');
        SELECT count(*) FROM sqlite_schema",
        path.display()
    ));
    let expected = "1|'1'|'a,\"b\"'\n2|'2'|'x'\n3|'3'|NULL\n'id'\n'na\"me'\n1 unsafe use of virtual table \"c\"\n'a'|'b'\n\
        1 table d may not be modified\n'2'|'1'\n1 must specify either filename= or data= but not both\n1 bad parameter: 'nope'\n\
        1 cannot open '/no/such/file' for reading\n1 unterminated \"-quoted field\n4";
    assert_eq!(text, expected);
}

/// On a file that SQLite has made: how full pages are is each engine's own choice.
#[test]
fn dbstat_finds_every_byte_where_sqlite_finds_it() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("stat.db");
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    run_theirs(
        &sqlite,
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(b); INSERT INTO t VALUES(1, zeroblob(9000)), (2, 'x');
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300)
            INSERT INTO t SELECT x, printf('%.50c', 'z') FROM c;
        CREATE TABLE w(a PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO w SELECT x.rowid, x.b FROM t x WHERE x.a > 2;
        DELETE FROM t WHERE a % 3 = 0; CREATE TABLE empty(a);",
    );
    let database = Database::open(path.to_str().unwrap(), OpenOptions::default()).unwrap();
    let connection = database.connect().unwrap();
    let script = "SELECT * FROM dbstat; SELECT *, schema, aggregate FROM dbstat WHERE name = 't';
        SELECT * FROM dbstat('main', 1); SELECT * FROM dbstat('temp'); SELECT * FROM dbstat('nope');
        SELECT name, path FROM dbstat WHERE name IN ('t', 'i', 'w') AND pagetype <> 'overflow';
        SELECT name, sum(pgsize), count(*) FROM dbstat GROUP BY name; SELECT * FROM dbstat ORDER BY name, path;
        CREATE VIRTUAL TABLE temp.s USING dbstat(main); SELECT name, pageno FROM temp.s WHERE aggregate = 1;
        CREATE VIRTUAL TABLE temp.x USING dbstat(nope);";
    assert_eq!(run_ours(&connection, script), run_theirs(&sqlite, script));
}

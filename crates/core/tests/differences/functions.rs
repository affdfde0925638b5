//! Functions: JSON, texts, times, and aggregates in frames.

use crate::support::check;

#[test]
fn json_elements_replaced_in_place_keep_their_length() {
    check(
        "SELECT hex(jsonb_replace('[1,2,3]', '$', 'abcde')), hex(jsonb_replace('[1,2,3]', '$', 'abcd')),
                hex(jsonb_replace('[1,2,3]', '$', 'abc')), hex(jsonb_replace('[1,2,3]', '$', 'ab')),
                hex(jsonb_replace('[1,2,3,4,5]', '$', 'ab')), hex(jsonb_replace('[1]', '$', jsonb('{}'))),
                hex(jsonb_replace('[1]', '$', NULL)), hex(jsonb_replace('1', '$', jsonb('true')));
         SELECT hex(jsonb_replace('[\"aaaaaaaaaaaaaaaa\"]', '$', 'aaaaaaaaaaaaaaaaa')),
                hex(jsonb_replace('[\"aaaaaaaaaaaaaaaaaaa\"]', '$', 'aaaaaaaaaaaaaa'));
         SELECT hex(jsonb_replace('[[10,20],20]', '$[0][0]', 3)),
                hex(jsonb_replace('[10,20]', '$[0]', 3, '$[1]', 4, '$[0]', 5, '$[0]', 123));
         SELECT hex(jsonb_patch('{\"a\":[1,2,3]}', '{\"a\":\"abcd\"}')), hex(jsonb_patch('[1,2,3,4]', '\"abcdef\"')),
                hex(jsonb_patch('{\"a\":{\"b\":123}}', '{\"a\":{\"b\":1}}')), hex(jsonb_patch('{\"a\":[1,2]}', '{\"a\":{}}'));",
    );
}

#[test]
fn a_precision_only_cuts_text() {
    check("SELECT printf('%*.*z%5X', x'31', 1e16), printf('% 30.*n', 2000000000), printf('%.*s|', 1000000000, 'abc');");
}

#[test]
fn json_stays_json_through_max_and_nullif() {
    check(
        "SELECT json_array(max(json('[1]'), 1)), json_array(min(1, json('[1]'))), json_array(nullif(json('[1]'), 1)),
                json_array(max(json('[1]'), NULL)), json_array(max(json('[1]'), 'x'));",
    );
}

#[test]
fn a_null_path_is_passed_over() {
    check(
        "SELECT json_set('[1]', NULL, 1, '$[0]', 5), json_array_insert('[1,2]', NULL, 1, '$[0]', 7);
         SELECT json_insert('{}', NULL, 1, '5', 1); SELECT json_replace('[1,2]', NULL, 1);",
    );
}

#[test]
fn group_concat_begins_anew_when_a_frame_leaves_no_text() {
    check(
        "CREATE TABLE g(i INTEGER PRIMARY KEY, v);
         INSERT INTO g VALUES (1, 'ab'), (2, ''), (3, 'c'), (4, ''), (5, ''), (6, 'd'), (7, NULL), (8, 'e'), (9, NULL), (10, '');
         SELECT i, quote(group_concat(v) OVER (ORDER BY i ROWS 1 PRECEDING)),
                   quote(group_concat(v, '') OVER (ORDER BY i ROWS 1 PRECEDING)),
                   quote(group_concat(v) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)),
                   quote(group_concat(v) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)),
                   quote(group_concat(v, '--') OVER (ORDER BY i ROWS 2 PRECEDING)),
                   quote(group_concat(v, i) OVER (ORDER BY i ROWS 2 PRECEDING)) FROM g;",
    );
}

#[test]
fn a_frame_with_exclude_is_summed_anew_for_each_row() {
    check(
        "CREATE TABLE t(i INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 1.5), (2, 2), (3, 3), (4, 'x'), (5, '-3');
         SELECT i, sum(v) OVER (ORDER BY i ROWS 1 PRECEDING), sum(v) OVER (ORDER BY i ROWS 1 PRECEDING EXCLUDE NO OTHERS),
                   sum(v) OVER (ORDER BY i RANGE CURRENT ROW EXCLUDE NO OTHERS) FROM t;",
    );
}

#[test]
fn jsonb_has_the_json_subtype_where_sqlite_gives_it() {
    check(
        "SELECT subtype(jsonb_object()), subtype(jsonb_array()), subtype(jsonb('[1]')), subtype(jsonb_set('{}', '$.a', 1));
         SELECT subtype(json('1')), subtype(json_object()), subtype(json_array()), subtype(json_set('{}', '$.a', 1)), subtype(json_quote(1));
         SELECT subtype(jsonb_object('a', 1)), subtype(jsonb_array(1)), subtype(jsonb_insert('{}', '$.a', 1)), subtype(jsonb_replace('{}', '$.a', 1));
         SELECT subtype(jsonb_remove('{}', '$.a')), subtype(jsonb_patch('{}', '{}')), subtype(jsonb_extract('{\"a\":[1]}', '$.a'));
         SELECT subtype(jsonb_extract('[1,2]', '$[0]', '$[1]')), subtype(json_extract('[1,2]', '$[0]', '$[1]')), subtype('[1]' -> '$[0]');
         SELECT subtype(json_group_array(1)), subtype(jsonb_group_array(1)), subtype(json_group_object('a', 1)), subtype(jsonb_group_object('a', 1));
         SELECT subtype(json_patch('{}', '{}')), subtype(json_remove('{}', '$.a')), subtype(jsonb_remove('[1]')), subtype(json_pretty('[1]'));
         SELECT json_array(jsonb_object()), json_array(jsonb_array(1)), json_array(jsonb('[1]')), json_array(json_quote(jsonb_object()));",
    );
}

#[test]
fn the_current_time_is_prohibited_in_the_schema() {
    check(
        "CREATE TABLE a(x, CHECK (x < date('now'))); INSERT INTO a VALUES ('2'); INSERT INTO a VALUES (NULL);
         CREATE TABLE b(x, g AS (datetime(x))); INSERT INTO b(x) VALUES ('2020-01-01'); SELECT g FROM b; INSERT INTO b(x) VALUES ('now'); SELECT * FROM b;
         CREATE TABLE c(x); INSERT INTO c VALUES ('now'); CREATE INDEX ci ON c(date(x));
         CREATE INDEX cj ON c(x) WHERE julianday(x) > 0; DELETE FROM c; CREATE INDEX ci ON c(strftime('%Y', x)); INSERT INTO c VALUES ('NOW');
         INSERT INTO c VALUES ('2020-01-01'); SELECT * FROM c; UPDATE c SET x = 'now'; SELECT count(*) FROM c WHERE strftime('%Y', x) > '1';
         CREATE TABLE d(x, g AS (time(x, 'localtime')) STORED); INSERT INTO d(x) VALUES ('2020-01-01');
         CREATE TABLE e(x, g AS (unixepoch())); INSERT INTO e(x) VALUES (1); SELECT g FROM e;
         CREATE TABLE f(x, CHECK (timediff(x, 'now') IS NOT NULL)); INSERT INTO f VALUES ('2020-01-01');
         CREATE TABLE h(x, g AS (date(x, 'utc'))); INSERT INTO h(x) VALUES ('2020-01-01'); SELECT g FROM h;
         CREATE TABLE j(x, CHECK (x < current_timestamp)); CREATE INDEX cx ON c(current_date); CREATE TABLE k(x, g AS (current_time));
         CREATE TABLE m(x DEFAULT (date('now') IS NULL)); INSERT INTO m DEFAULT VALUES; SELECT * FROM m;
         CREATE TABLE n(x, y AS (strftime('%Y', 'now')) STORED); INSERT INTO n VALUES (1); CREATE TABLE o(x, CHECK (date(x, 'subsec') > 0)); INSERT INTO o VALUES ('now');",
    );
}

#[test]
fn what_unhex_passes_over_may_stand_behind_a_nul() {
    check(
        "SELECT unhex('k44', char(0) || 'k'), unhex('44' || char(0) || '55', 'k'), unhex('4' || char(0) || '4', char(0));",
    );
}

#[test]
fn a_sum_over_rows_that_follow_has_seen_those_before() {
    check(
        "CREATE TABLE t(a, b, g); INSERT INTO t VALUES (1,1.5,0), (2,57,0), (3,7,1), (4,46,2), (5,3,2), (6,NULL,3), (7,'',3);
         SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN 3 FOLLOWING AND 1 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY a ROWS BETWEEN 20 FOLLOWING AND 30 FOLLOWING) FROM t;
         SELECT a, group_concat(b, '-') OVER (ORDER BY a ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY g GROUPS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY g GROUPS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (ORDER BY a RANGE BETWEEN 2 FOLLOWING AND 3 FOLLOWING) FROM t;
         SELECT a, sum(b) OVER (PARTITION BY g ORDER BY a ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING) FROM t;",
    );
}

#[test]
fn the_root_of_json_tree_splits_its_path_before_a_first_member() {
    check(
        r#"SELECT key, path, fullkey FROM json_tree('{"a":{"b":{"c":[10,20,30]}}}', '$.a.b.c[1]');
         SELECT key, path, fullkey FROM json_tree('{"a":{"b":{"c":[10,20,30]}}}', '$.a.b.c[0]');
         SELECT key, path, fullkey FROM json_tree('{"a":{"b":1,"c":2}}', '$.a.b'); SELECT key, path FROM json_tree('{"a":{"b":1,"c":2}}', '$.a.c');
         SELECT key, path FROM json_tree('[1,[2,[3,4]]]', '$[1][1]'); SELECT key, path FROM json_tree('[1,[2,[3,4]]]', '$[1][0]');
         SELECT key, path FROM json_tree('[1,[2,[3,4]]]', '$[#-1]'); SELECT key, path FROM json_tree('[1]', '$'); SELECT key, path FROM json_tree('[1]');
         SELECT key, path FROM json_tree('{"a b":[1,2]}', '$."a b"[1]'); SELECT key, path FROM json_tree('{"x":1,"a.b":{"c":1}}', '$."a.b".c');
         SELECT key, path FROM json_tree('{"x":1,"a.b":{"c":1}}', '$."a.b"'); SELECT key, path FROM json_each('{"x":[1,[2]]}', '$.x[1]');"#,
    );
}

#[test]
fn the_range_before_a_row_is_found_by_adding_to_what_precedes() {
    check(
        "CREATE TABLE w(a INTEGER PRIMARY KEY); INSERT INTO w VALUES (8), (9), (46), (9007199254740993), (9007199254740994);
         SELECT a, count(*) OVER (ORDER BY a RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM w;
         SELECT a, count(*) OVER (ORDER BY a RANGE BETWEEN 2 PRECEDING AND 1.5 PRECEDING) FROM w;
         SELECT a, count(*) OVER (ORDER BY a DESC RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM w;
         CREATE TABLE w2(a); INSERT INTO w2 VALUES (1), (2), (NULL), ('a'), ('b'), (x'00'), (2.5), (9e999), (-9e999);
         SELECT a, count(*) OVER (ORDER BY a RANGE BETWEEN 1.5 PRECEDING AND CURRENT ROW) FROM w2;
         SELECT a, count(*) OVER (ORDER BY a DESC NULLS FIRST RANGE BETWEEN 1.5 PRECEDING AND 1 PRECEDING) FROM w2;
         SELECT a, count(*) OVER (ORDER BY a NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) FROM w2;",
    );
}

#[test]
fn a_cast_to_anything_but_text_takes_the_subtype_away() {
    check(
        "SELECT subtype(CAST(json('[1]') AS TEXT)), subtype(CAST(json('[1]') AS BLOB)), subtype(CAST(json('[1]') AS INTEGER)),
                subtype(CAST(json('[1]') AS NUMERIC)), subtype(CAST(json('[1]') AS NONE)), subtype(CAST(json(NULL) AS TEXT));
         SELECT json_array(CAST(json('[1]') AS TEXT)), json_array(+json('[1]'), json('[1]') COLLATE NOCASE);",
    );
}

#[test]
fn a_width_counts_only_where_something_is_shown() {
    check(
        "SELECT printf('%*n|%d', 2147483647, 16, 7), printf('%*y|', 2147483647, 16), length(printf('%2147483646n|%d', 16, 7));
         SELECT printf('%*d|', 2147483647, 16); SELECT printf('%*%|', 2147483647);
         SELECT json_replace('{\"a\":1}}', '$.b', printf('%# *.lln', 2147483647, 16)) FROM (SELECT 1);",
    );
}

#[test]
fn a_column_of_a_query_is_text_to_json() {
    check(
        "CREATE TABLE t(a, j, g); INSERT INTO t VALUES (1, '[1]', 1), (2, '[2]', 1); CREATE VIEW v AS SELECT json(j) AS x FROM t;
         SELECT json_array((SELECT json(j) FROM t)), json_quote((SELECT json_group_array(a) FROM t)); SELECT json_array(x) FROM v;
         SELECT json_array(x) FROM (SELECT json(j) AS x FROM t); SELECT json_array(x) FROM (SELECT json(j) AS x FROM t LIMIT 5);
         SELECT json_array(x) FROM (SELECT json_group_array(a) OVER () AS x FROM t); SELECT json_group_array((SELECT json(j))) FROM t;
         SELECT json_array(x) FROM (SELECT max(json(j)) AS x FROM t); SELECT json_array(coalesce(x, 1)) FROM (SELECT json(j) AS x FROM t);
         WITH c AS MATERIALIZED (SELECT json(j) AS x FROM t) SELECT json_array(x) FROM c; SELECT json_array((VALUES (json('[1]'))));
         SELECT json_object('a', x), max(x) FROM v; SELECT json_array(column1) FROM (VALUES (json('[1]')), (json('[2]')));
         CREATE INDEX i ON t(json(j)); SELECT x FROM v WHERE x = '[1]';",
    );
}

#[test]
fn json_stays_json_through_aggregates_and_their_order() {
    check(
        "CREATE TABLE t(a, j); INSERT INTO t VALUES (1, '[1]'), (2, '[2]'), (3, '{}'), (4, NULL);
         SELECT json_array(max(json(j))), json_array(min(json(j))) FROM t; SELECT json_array(max(json(j))), a FROM t;
         SELECT json_group_array(json(j) ORDER BY a DESC) FROM t; SELECT json_group_object(a, json(j) ORDER BY j) FROM t;
         SELECT json_group_array(json(j)) OVER (ORDER BY a) FROM t; SELECT json_group_array(DISTINCT json(j)) FROM t;
         SELECT json_group_array(json(j)) OVER (ORDER BY a ROWS 1 PRECEDING EXCLUDE CURRENT ROW) FROM t;
         SELECT json_group_object(a, json(j)) FILTER (WHERE a > 1) OVER () FROM t;
         SELECT json_array(json(j)), count(*) FROM t GROUP BY json(j); SELECT json(j), count(*) FROM t GROUP BY json(j);",
    );
}

#[test]
fn a_series_with_a_negative_step_comes_backwards() {
    let (ours, _) = crate::opened();
    let mut got = Vec::new();
    for arguments in ["1, 10, -3", "1, 10, -20", "5, 5, -2", "6, 5, -2", "-10, 10, -7", "1, 2, -9223372036854775808"] {
        let sql = format!("SELECT rowid || ':' || value || '/' || step FROM generate_series({arguments})");
        got.extend(crate::support::run_ours(&ours, &sql).into_iter().map(|(rows, _)| rows.join(" ")));
    }
    let sql = "SELECT value FROM generate_series(1, 10, -3) WHERE value > 3 ORDER BY value; SELECT value FROM generate_series(1, 10, -2) WHERE value <= 6 LIMIT 2";
    got.extend(crate::support::run_ours(&ours, sql).into_iter().map(|(rows, _)| rows.join(" ")));
    assert_eq!(
        got,
        [
            "'1:10/3' '2:7/3' '3:4/3' '4:1/3'",
            "'1:1/20'",
            "'1:5/2'",
            "'1:6/-2'",
            "'1:4/7' '2:-3/7' '3:-10/7'",
            "'1:1/9223372036854775807'",
            "4 7 10",
            "5 3"
        ]
    );
}

#[test]
fn a_range_before_its_row_is_filled_before_rows_leave_it() {
    check(
        "CREATE TABLE t(i INTEGER PRIMARY KEY, a);
         INSERT INTO t VALUES (1, ''), (2, 'abc'), (3, 'd'), (4, ''), (5, ''), (6, 'ef'), (7, NULL), (8, 'gh'), (9, ''), (10, NULL), (12, 'x');
         SELECT i, group_concat(a) OVER (ORDER BY i RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING) FROM t;
         SELECT i, group_concat(a) OVER (ORDER BY i DESC RANGE BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM t;
         SELECT i, group_concat(a) OVER (ORDER BY i || 'x' DESC RANGE BETWEEN 2 PRECEDING AND 2 PRECEDING) FROM t;
         SELECT i, group_concat(a) OVER (ORDER BY i RANGE BETWEEN 1 PRECEDING AND 2 PRECEDING) FROM t;
         SELECT i, group_concat(a) OVER (ORDER BY i RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t;
         SELECT i, group_concat(a) OVER (ORDER BY i ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING) FROM t;
         SELECT i, sum(length(a)), sum(i + 0.5) OVER (ORDER BY i RANGE BETWEEN 3 PRECEDING AND 1 PRECEDING) FROM t GROUP BY i;",
    );
}

#[test]
fn printf_writes_json_strings() {
    check(
        "SELECT printf('%j|%J', 'a\"b\\/', 'a\"b\\/'), printf('[%8J|%-8J|%05J|%+J|%2j]', 'a', 'b', 'c', 'd', 'e'), printf('[%J|%j|%.2J|%6J|%3j]', NULL, NULL, NULL, NULL, NULL);
         SELECT printf('%.2J|%.2j|%!.2J|%!5j|%5j', 'abc', '\"\"\"', 'ééé', 'é', 'é'), printf('%J|%J|%j', 1, 1.5, x'4100'), printf('%j|'), printf('%J|');
         SELECT printf('%j', char(10) || char(9) || char(13) || char(8) || char(12) || char(31) || char(1) || char(127) || 'é'), hex(printf('%J', CAST(x'61ff' AS TEXT)));
         SELECT printf('%k|', 1), printf('%*J|%,J|%lj', 6, 'a', 'b', 'c');",
    );
}

#[test]
fn rows_that_are_computed_before_they_are_returned_have_lost_their_subtypes() {
    check(
        "CREATE TABLE t(a, d); INSERT INTO t VALUES (1, json_array(1)) RETURNING subtype(d);
         INSERT INTO t VALUES (1, json_array(1)), (2, 3) RETURNING subtype(d); INSERT INTO t SELECT 1, json_array(1) RETURNING subtype(d);
         CREATE TABLE u(a, d, s AS (subtype(d))); INSERT INTO u VALUES (1, json_array(1)), (2, 3) RETURNING subtype(d), s;",
    );
}

#[test]
fn where_json_numbers_are_wrong() {
    check(
        "SELECT column1, json_error_position(column1) FROM (VALUES
         ('.'), ('..'), ('-.'), ('-..5'), ('+.'), ('.5.5'), ('.5.'), ('1.5.'), ('1e5.5'), ('1e5.'), ('1e5e5'), ('1.5e5e5'),
         ('1.5e5.5'), ('1e'), ('1e+'), ('1e+x'), ('1.e'), ('1.'), ('1.x'), ('-1.'), ('-.x'), ('.x'), ('.e5'), ('1e5x'), ('1-5'),
         ('1e-5-5'), ('1e--5'), ('1+5'), ('1.+5'), ('1.-5'), ('-1-5'), ('[1..5]'), ('[1,1..5]'), ('[1,-.]'), ('[1,.]'),
         ('[1,1e]'), ('[1,1e5e]'), ('[1,1.5-]'), ('5..'), ('5.5.'), ('5.0e.'), ('5.0e1.'), ('0.'), ('0..'), ('-0..'), ('0e.'),
         ('0.e1'), ('-0.e1'), ('00.5'), ('-00.5'), ('01e5'), ('+01'), ('+0x10.'), ('0x1.5'), ('0x1e5'), ('[0x1.5]'), ('-'), ('+'),
         ('[-]'), ('-I'), ('+N'), ('-NaN'), ('-nan'), ('-0024-01-30'), ('[1,-0024]'), ('{\"a\":-00}'), ('-0 0'));",
    );
}

#[test]
fn a_malformed_argument_comes_before_a_blob_that_json_cannot_hold() {
    check(
        "SELECT jsonb_array(x'ff00ff'); SELECT jsonb_array(x'03'); SELECT hex(jsonb_array(x'03'));
         SELECT hex(jsonb_array(x'1e')); SELECT jsonb_array(x'03', x'ff00ff'); SELECT jsonb_array(x'ff00ff', x'1e');
         SELECT jsonb_array(x'ff00ff', x'00'); SELECT jsonb_array(x'ff00ff', x'05'); SELECT jsonb_array(x'ff00ff', x'0b');
         SELECT jsonb_array(x'ff00ff', x'13'); SELECT jsonb_array(x'ff00ff', x'1331'); SELECT jsonb_array(x'ff00ff', 1);
         SELECT json_array(x'ff00ff', x'03'); SELECT json_array(x'03', x'ff00ff'); SELECT json_array(x'03', 1);
         SELECT json_array(1, x'03'); SELECT json_object('a', x'ff00ff', 'b', x'03');
         SELECT jsonb_object('a', x'ff00ff', 'b', x'03'); SELECT json_array(x'ff00ff', x'03', x'ff00ff');
         SELECT json_group_array(v) FROM (SELECT x'ff00ff' v UNION ALL SELECT x'03');",
    );
}

#[test]
fn a_date_that_was_rounded_up_is_not_rounded_down() {
    check(
        "SELECT strftime('%d', '2024-02-30', 'ceiling', 'floor'); SELECT strftime('%d', '2024-02-30', 'floor', 'ceiling');
         SELECT strftime('%d', '2024-02-30', 'floor'); SELECT strftime('%d', '2024-02-30', 'ceiling');
         SELECT strftime('%d', '2024-02-30', 'floor', 'floor'); SELECT date('2024-01-31', '+1 month', 'floor', 'ceiling');
         SELECT date('2024-01-31', '+1 month', 'ceiling', 'floor'); SELECT date('2024-01-31', '+1 month', '+0 days', 'floor');
         SELECT date('2024-01-31', '+1 month', 'floor', '+1 month'); SELECT date('2024-02-30', '+0 days', 'floor');
         SELECT date('2024-02-30', 'auto', 'floor'); SELECT date('2024-02-30', 'subsec', 'floor');
         SELECT date('2024-02-30', 'utc', 'floor'); SELECT date('2024-02-30', 'weekday 1', 'floor');
         SELECT date('2024-02-30', 'start of day', 'floor'); SELECT date('2024-02-30', 'start of month', 'floor');
         SELECT date('2024-02-30', 'ceiling', 'ceiling', 'floor'); SELECT date('2024-02-30', 'subsec', 'ceiling', 'floor');
         SELECT date('2024-02-31 12:00', 'floor'); SELECT date('2024-02-31 12:00', 'ceiling', 'floor', '+1 day');
         SELECT date('2024-01-31', '+1 month', 'ceiling', '+1 month', 'floor'); SELECT julianday('2024-02-30','floor');",
    );
}

//! Which error it is, and what its text names.

use crate::support::check;

#[test]
fn an_index_in_temp_on_no_table() {
    check("CREATE INDEX temp.i ON nosuch(a); CREATE INDEX main.i ON nosuch(a); CREATE INDEX i ON nosuch(a);");
}

#[test]
fn the_name_of_a_constraint_reaches_the_checks_behind_it() {
    check(
        "CREATE TABLE k(a CONSTRAINT x NOT NULL CHECK (a > 0), b CONSTRAINT y CHECK (b > 0) CHECK (b > 1),
                        CHECK (a > 1), CHECK (a > 2));
         INSERT INTO k VALUES (0, 5); INSERT INTO k VALUES (5, 0); INSERT INTO k VALUES (5, 1); INSERT INTO k VALUES (1, 5);
         INSERT INTO k VALUES (2, 5);",
    );
}

#[test]
fn a_clause_that_matches_no_key_is_named_by_its_place() {
    check(
        "CREATE TABLE u(a UNIQUE, b); INSERT INTO u VALUES (1, 2) ON CONFLICT (b) DO NOTHING;
         INSERT INTO u VALUES (1, 2) ON CONFLICT (b) DO NOTHING ON CONFLICT DO NOTHING;
         INSERT INTO u VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET a = 1 ON CONFLICT (b) DO NOTHING;",
    );
}

#[test]
fn an_unknown_database_is_named_as_it_was_written() {
    check(
        "VACUUM \"no db\"; CREATE TABLE \"no db\".t(a); CREATE VIEW [x].v AS SELECT 1; PRAGMA \"no db\".user_version;
         ANALYZE [no db].x; ANALYZE nodb.x; REINDEX nodb.x; REINDEX `no db`.x; DROP TABLE \"no db\".x;",
    );
}

#[test]
fn rows_in_an_in_list_are_a_subquery() {
    check(
        "CREATE TABLE t(a, b); CREATE TABLE c1(a CHECK ((a, 1) IN ((1, 2), (3, 4)))); CREATE TABLE c2(a, b AS ((a, 1) IN ((1, 2))));
         CREATE INDEX i1 ON t(((a, 1) IN ((1, 2)))); CREATE INDEX i2 ON t(a) WHERE (a, 1) IN ((1, 2));
         CREATE TABLE c3(a DEFAULT ((1, 1) IN ((1, 1))));",
    );
}

#[test]
fn what_is_false_by_its_form_hides_names() {
    check(
        "CREATE TABLE t(a, b);
         SELECT 1 WHERE 0 AND zz; SELECT 1 WHERE zz AND 0; SELECT 1 WHERE FALSE AND zz; SELECT 1 WHERE 0.0 AND zz;
         SELECT 1 WHERE (0 AND yy) AND zz; SELECT 1 WHERE yy AND zz IN () AND xx; SELECT 1 WHERE -0 AND zz;
         SELECT 1 WHERE 0 AND nofn(1); SELECT 1 WHERE 0 AND (SELECT 1, 2); SELECT 0 AND zz; SELECT zz IN (), zz NOT IN ();
         SELECT 1 AND 0 AND zz, 6 IS NULL AND zz; SELECT 6 IS NOT NULL AND zz; SELECT CASE WHEN 0 AND zz THEN 1 END;
         SELECT a FROM t JOIN (SELECT 1 AS x) ON 0 AND zz; SELECT (max(a)) IN () FROM t; SELECT 1 FROM t HAVING 0 AND zz;
         SELECT 1, 2 FROM t GROUP BY (6.25 IS NULL); SELECT 1, 2 FROM t ORDER BY a AND 0; SELECT 1, 2 FROM t ORDER BY a IN ();
         CREATE TABLE c(a CHECK (0 AND (SELECT 1))); SELECT 1 WHERE abs(1) AND zz AND 0;",
    );
}

#[test]
fn what_is_no_rowid_is_refused_before_what_does_not_fit_a_strict_column() {
    check(
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT; INSERT INTO t VALUES (x'00', x'ff'); INSERT INTO t(b, a) VALUES (x'ff', 'x');
         CREATE TRIGGER g BEFORE INSERT ON t BEGIN SELECT 1; END;
         INSERT INTO t VALUES (x'00', x'ff'); INSERT INTO t SELECT x'00', x'ff'; INSERT INTO t(b, a) VALUES (x'ff', 'x'); INSERT INTO t(b) VALUES (x'ff');",
    );
}

#[test]
fn of_several_errors_in_names_the_one_that_is_met_first() {
    check(
        "CREATE TABLE x(a);
         INSERT INTO x VALUES ((SELECT 1 FROM v5)), (2), ((SELECT 1 FROM t1)); INSERT INTO x VALUES (zz), (yy), (xx);
         SELECT zz, (SELECT 1 FROM v5); SELECT zz FROM v5 UNION SELECT yy; SELECT zz FROM x WHERE a IN (SELECT 1 FROM v5);
         WITH q AS (SELECT * FROM v5) SELECT zz FROM q; WITH q AS (SELECT yy) SELECT * FROM v5, q; SELECT * FROM x WHERE zz AND a IN v5;
         SELECT * FROM x JOIN x AS y ON zz WHERE yy; SELECT yy FROM x LEFT JOIN x AS b ON zz; SELECT x.a FROM x JOIN x AS b ON zz GROUP BY yy;
         SELECT nope(zz) FROM x; SELECT abs(zz, 2) FROM x; SELECT hex(1) FILTER (WHERE (SELECT 1 FROM v5)) FROM x; SELECT nope(a, nope2(zz)) FROM x;
         SELECT lower(zz) OVER (ORDER BY yy) FROM x; SELECT 1 FROM x ORDER BY 7, zz; SELECT 1 FROM x GROUP BY 7, zz;
         SELECT 1 FROM x GROUP BY 3 ORDER BY zz; SELECT 1 FROM x GROUP BY zz ORDER BY 3; SELECT 1 FROM x ORDER BY 0, zz;
         DELETE FROM x WHERE zz RETURNING yy; SELECT 1 FROM x WHERE a = (SELECT 1 FROM t4) OR a = (SELECT 1 FROM t5);
         SELECT 1 FROM x JOIN x AS y ON (SELECT 1 FROM v5) WHERE (SELECT 1 FROM t4);",
    );
}

#[test]
fn calls_that_stand_in_the_wrong_place_say_what_they_are() {
    check(
        "CREATE TABLE t1(a, b); INSERT INTO t1 VALUES (1, 2);
         SELECT max((SELECT count(a) FROM (SELECT 1))) FROM t1; SELECT max(count(a)) FROM t1; SELECT 1 FROM t1 WHERE (SELECT count(a));
         SELECT count(*) FROM t1 WHERE (SELECT count(a)); SELECT count(*) FROM t1 WHERE count(a); SELECT 1 FROM t1 WHERE count(a);
         SELECT min(a) AS m FROM t1 GROUP BY a HAVING max(m + 5) < 10; SELECT min(a) AS m FROM t1 WHERE m > 1; SELECT min(a) AS m FROM t1 GROUP BY m;
         SELECT min(a) AS m FROM t1 ORDER BY (SELECT m);
         SELECT a, sum(b) OVER () AS m FROM t1 WHERE m > 1; SELECT a, sum(b) OVER () AS m FROM t1 GROUP BY m; SELECT a, sum(b) OVER () AS m FROM t1 HAVING m;
         SELECT a, sum(b) OVER () AS m FROM t1 GROUP BY a HAVING m > 1; SELECT sum(a) OVER () FROM t1 GROUP BY 1; SELECT sum(a) OVER () x FROM t1 GROUP BY x + 1;
         SELECT a, sum(b) OVER () AS m FROM t1 ORDER BY m; SELECT a, sum(b) OVER () AS m FROM t1 ORDER BY (SELECT m);
         SELECT count(*) FROM t1 LIMIT nth_value(x, 1) OVER (); SELECT count(*) FROM t1 LIMIT nth_value(1, 1) OVER ();
         CREATE INDEX ix ON t1(sum(b) OVER ()); CREATE INDEX ix ON t1(a) WHERE lead(b) OVER (); CREATE INDEX ix ON t1(sum(b));
         CREATE TABLE ck(a CHECK (sum(a) OVER ())); CREATE TABLE ck(a CHECK (sum(a))); CREATE TABLE ck(a, b AS (lead(a) OVER ()));
         WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT sum(x) OVER () FROM t) SELECT * FROM t;
         WITH RECURSIVE t(x) AS (SELECT row_number() OVER () UNION ALL SELECT x + 1 FROM t LIMIT 3) SELECT * FROM t;
         WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT (SELECT sum(1) OVER ()) FROM t LIMIT 3) SELECT * FROM t;",
    );
}

#[test]
fn frames_reach_no_further_than_constants() {
    check(
        "CREATE TABLE t1(a, b); INSERT INTO t1 VALUES (1, 2);
         SELECT sum(a) OVER (ROWS abs(1) PRECEDING) FROM t1; SELECT sum(a) OVER (ROWS 1 + 1 PRECEDING) FROM t1; SELECT sum(a) OVER (ROWS a PRECEDING) FROM t1;
         SELECT sum(a) OVER (ROWS nosuch PRECEDING) FROM t1; SELECT sum(a) OVER (ROWS (SELECT 1) PRECEDING) FROM t1;
         SELECT sum(a) OVER (ROWS BETWEEN CURRENT ROW AND a FOLLOWING) FROM t1; SELECT sum(a) OVER (ROWS CAST('1' AS INT) PRECEDING) FROM t1;
         SELECT sum(a) OVER (ROWS nosuch(1) PRECEDING) FROM t1; SELECT sum(a) OVER (ORDER BY a RANGE a PRECEDING) FROM t1;
         SELECT sum(a) OVER (ORDER BY a GROUPS a PRECEDING) FROM t1; SELECT sum(a) OVER (ORDER BY a RANGE BETWEEN 1 PRECEDING AND a FOLLOWING) FROM t1;
         SELECT 1 IN (SELECT sum(a) OVER (ROWS BETWEEN b FOLLOWING AND UNBOUNDED FOLLOWING) FROM t1) FROM (SELECT * FROM t1);",
    );
}

#[test]
fn the_target_of_update_is_not_joined_under_its_own_name() {
    check(
        "CREATE TABLE t1(a, b); INSERT INTO t1 VALUES (1, 2);
         UPDATE t1 SET a = 1 FROM t1; UPDATE t1 SET a = 1 FROM t1 AS t2; UPDATE t1 AS q SET a = 1 FROM t1 AS q; UPDATE t1 AS q SET a = 1 FROM t1;
         UPDATE t1 SET a = 1 FROM (SELECT 1) AS t1; UPDATE main.t1 SET a = 1 FROM T1; UPDATE t1 SET a = 1 FROM (SELECT 1) AS x, t1;",
    );
}

#[test]
fn views_and_triggers_stay_within_their_database() {
    check(
        "ATTACH ':memory:' AS aux; CREATE TABLE t1(a, b); CREATE TABLE aux.x(a);
         CREATE VIEW v1 AS SELECT * FROM aux.x; CREATE VIEW v1 AS WITH q AS (SELECT * FROM aux.x) SELECT * FROM q; CREATE VIEW v2 AS SELECT (SELECT a FROM aux.x);
         CREATE VIEW aux.v3 AS SELECT * FROM aux.x; CREATE VIEW aux.v4 AS SELECT * FROM main.t1; CREATE TEMP VIEW v5 AS SELECT * FROM aux.x; CREATE VIEW v9 AS SELECT * FROM nosuch.x;
         CREATE TRIGGER r1 AFTER INSERT ON t1 BEGIN SELECT * FROM aux.x; END; CREATE TRIGGER r3 AFTER INSERT ON t1 BEGIN INSERT INTO x SELECT * FROM aux.x; END;
         CREATE TRIGGER r4 AFTER INSERT ON t1 WHEN (SELECT 1 FROM aux.x) BEGIN SELECT 1; END; CREATE TEMP TRIGGER r5 AFTER INSERT ON t1 BEGIN SELECT * FROM aux.x; END;
         CREATE TRIGGER r6 AFTER INSERT ON t1 BEGIN SELECT * FROM nosuch.x; END;",
    );
}

#[test]
fn create_trigger_tells_names_as_they_were_written() {
    check(
        "CREATE TABLE t1(a, b); CREATE TRIGGER known AFTER INSERT ON t1 BEGIN SELECT 1; END; CREATE TRIGGER \"kn\"\"own\" AFTER INSERT ON t1 BEGIN SELECT 1; END;
         CREATE TRIGGER known AFTER INSERT ON t1 BEGIN SELECT 1; END; CREATE TRIGGER \"known\" AFTER INSERT ON t1 BEGIN SELECT 1; END; CREATE TRIGGER [known] AFTER INSERT ON t1 BEGIN SELECT 1; END;
         CREATE TRIGGER main.`known` AFTER INSERT ON t1 BEGIN SELECT 1; END; CREATE TRIGGER \"kn\"\"own\" AFTER INSERT ON t1 BEGIN SELECT 1; END;
         CREATE TRIGGER tr AFTER INSERT ON nosuchtable BEGIN SELECT 1; END; CREATE TRIGGER temp.tr AFTER INSERT ON nosuchtable BEGIN SELECT 1; END;
         CREATE TEMP TRIGGER tz AFTER INSERT ON nosuchtable BEGIN SELECT 1; END; CREATE TEMP TRIGGER tz AFTER INSERT ON main.nosuchtable BEGIN SELECT 1; END;",
    );
}

#[test]
fn a_default_that_is_null_is_told_after_other_nulls() {
    check(
        "CREATE TABLE t(a INT NOT NULL DEFAULT NULL, b INT NOT NULL ON CONFLICT FAIL, c INT NOT NULL DEFAULT 7);
         INSERT OR REPLACE INTO t VALUES (NULL, NULL, NULL); INSERT OR REPLACE INTO t VALUES (NULL, 1, NULL);
         INSERT OR REPLACE INTO t VALUES (1, 1, NULL); SELECT * FROM t; UPDATE OR REPLACE t SET a = NULL, c = NULL;
         CREATE TABLE g(a INT NOT NULL ON CONFLICT REPLACE DEFAULT NULL, b INT NOT NULL, g AS (b + 1) NOT NULL);
         INSERT INTO g VALUES (NULL, NULL); INSERT INTO g VALUES (NULL, 1); INSERT INTO g VALUES (1, 1);
         UPDATE g SET a = NULL, b = NULL; UPDATE g SET a = NULL;
         CREATE TABLE w(a TEXT DEFAULT NULL, b INT NOT NULL, c, PRIMARY KEY (a, c)) WITHOUT ROWID;
         INSERT OR REPLACE INTO w(b) VALUES (NULL); INSERT OR REPLACE INTO w(b, c) VALUES (1, 1);",
    );
}

#[test]
fn terms_of_a_compound_are_compared_from_the_right() {
    check(
        "SELECT 1 UNION SELECT 1, 2 EXCEPT SELECT 3; SELECT 1 UNION SELECT 1, 2 EXCEPT SELECT 3, 4; SELECT 1, 2 UNION SELECT 1 EXCEPT SELECT 3;
         SELECT 1, 2 UNION SELECT 1, 2 EXCEPT SELECT 3 UNION ALL SELECT 5, 6; SELECT 1 UNION VALUES (1, 2) EXCEPT SELECT 3;
         SELECT 1 UNION SELECT 1, 2 EXCEPT SELECT 3, x; SELECT 1 UNION SELECT 1, 2 ORDER BY 5; SELECT 1 UNION SELECT 1, 2 ORDER BY x;",
    );
}

#[test]
fn aggregates_over_a_row_at_hand() {
    check(
        "CREATE TABLE t(a, b UNIQUE); CREATE TABLE l(x, y); INSERT INTO t VALUES (1, 2), (3, 4);
         INSERT INTO t VALUES (5, 6) RETURNING count(*); DELETE FROM t RETURNING a, sum(b) + 1; DELETE FROM t RETURNING count(a), nope;
         DELETE FROM t RETURNING max(a), abs(1, 2); DELETE FROM t RETURNING count(nope); UPDATE t SET a = 1 RETURNING a, b, min(a, b);
         UPDATE t SET a = 1 RETURNING (SELECT count(a)), (SELECT max(a) FROM l), (SELECT count(t.b) FROM l WHERE x = t.a);
         CREATE TRIGGER tr AFTER UPDATE ON t BEGIN
             INSERT INTO l SELECT count(new.a), (SELECT max(old.a)); INSERT INTO l SELECT a, (SELECT count(new.a) FROM t) FROM t; END;
         UPDATE t SET b = b + 10; SELECT * FROM l;
         INSERT INTO t VALUES (9, 14) ON CONFLICT (b) DO UPDATE SET a = (SELECT count(excluded.a)); SELECT * FROM t;
         INSERT INTO t VALUES (9, 14) ON CONFLICT (b) DO UPDATE SET a = count(excluded.a);",
    );
}

#[test]
fn an_aggregate_where_none_may_stand() {
    check(
        "CREATE TABLE t(a, b); UPDATE t SET a = count(b); UPDATE t SET a = 1 WHERE count(b); UPDATE t SET a = (SELECT count(t.a) FROM t AS z);
         DELETE FROM t WHERE max(a); INSERT INTO t VALUES (count(1), 1); INSERT INTO t VALUES (count(1), 1), (2, 3);
         SELECT a FROM t LIMIT count(1); SELECT a FROM t WHERE a = (SELECT 1 WHERE count(b)); SELECT * FROM t JOIN t AS u ON count(t.a);
         SELECT * FROM t JOIN json_each(count(t.a)); SELECT a FROM t ORDER BY count(*); SELECT a FROM t GROUP BY count(a);
         SELECT count(a) FROM t WHERE count(a) > 1; CREATE INDEX i ON t(a) WHERE count(a) > 1; CREATE TABLE x(a CHECK (count(a) > 1));",
    );
}

#[test]
fn of_several_errors_in_an_expression_the_one_is_told_that_sqlite_tells() {
    check(
        "SELECT hex(1) FILTER(WHERE a) < (1, 'b'); SELECT hex(1) FILTER(WHERE 1) < (1, 'b');
         SELECT (1,2) < hex(1) FILTER(WHERE 1); SELECT (hex(1) FILTER(WHERE 1), 2) < 1; SELECT nope(1) < (1, 'b');
         SELECT hex(1,2) < (1, 'b'); SELECT count(1,2) < (1, 'b');
         SELECT (hex(1) FILTER(WHERE 1)) BETWEEN (1,2) AND 3; SELECT hex(1) OVER () < (1, 'b'); SELECT a < (1, 'b');
         SELECT (hex(1) FILTER(WHERE a) || 1) < (1, 'b'), 1 ORDER BY DESC; SELECT hex(1) FILTER(WHERE a) + (1, 'b');
         SELECT -hex(1) FILTER(WHERE 1), (1,2)+1; SELECT 1 FROM (SELECT hex(1) FILTER (WHERE 1)) WHERE (1,2)<1;
         SELECT hex((1,2)) FILTER (WHERE 1); SELECT hex((1,2)); SELECT hex((1,2),1);
         SELECT sum(1) FILTER (WHERE (1,2)); SELECT nope((1,2)<1); SELECT nope() + ((1,2)<1);
         SELECT ((1,2)<1) + nope(); SELECT nope(nope2()); SELECT nope()+nope2(); SELECT nope()+a; SELECT a+nope();
         SELECT a, b; SELECT hex(1,2)+nope(); SELECT nope()+hex(1,2); SELECT nope()+((1,2)<1)+nope2();
         SELECT nope()+((1,2)<1)+a; SELECT nope(), (1,2)<1; SELECT a, (1,2)<1; SELECT a+((1,2)<1);
         SELECT 1 WHERE a AND (1,2)<1; SELECT 1 WHERE nope() AND (1,2)<1; SELECT 1 WHERE hex() AND (1,2)<1;
         SELECT 1 WHERE hex() IN (SELECT 1) AND (1,2)<1; SELECT 1 WHERE (SELECT a) AND (1,2)<1;
         SELECT 1 WHERE (SELECT nope()) AND (1,2)<1; SELECT nope() + (SELECT a); SELECT hex() FILTER (WHERE a);
         SELECT count(*) FILTER (WHERE a) + nope(); SELECT nope(a) + hex(1) FILTER (WHERE 1); SELECT nope(a);
         SELECT hex(a,b); SELECT hex(hex(1,2),1); SELECT hex(hex(1,2)); SELECT nope() BETWEEN (1,2) AND a;
         SELECT (1,2) BETWEEN nope() AND (3,4); SELECT (1,2) IS nope(); SELECT (1,nope()) IS 1; SELECT (1,a) IS 1;
         SELECT nope() || (SELECT 1,2); SELECT nope() = (SELECT 1,2); SELECT (SELECT 1,2) = nope();
         SELECT (SELECT 1,2) + nope(); SELECT nope() IN (SELECT 1,2); SELECT nope() IN ((1,2));
         SELECT (1,2) IN (nope()); SELECT (1,2) IN (SELECT nope()); SELECT CASE (1,2) WHEN nope() THEN 1 END;
         SELECT CASE WHEN nope() THEN (1,2)<1 END; SELECT raise(abort, 'x') + nope();
         SELECT nope() + raise(abort, 'x'); SELECT nope() OVER () + (1,2)<1; SELECT likelihood(1, 2) + nope();
         SELECT nope() + likelihood(1, 2); SELECT nope() ORDER BY nope2(); SELECT nope() FROM (SELECT a);
         SELECT sum(nope()) + hex(sum(sum(1))); SELECT nope() LIMIT a; SELECT a LIMIT nope(); SELECT a FROM nope;",
    );
}

#[test]
fn a_subquery_with_a_star_may_have_any_width() {
    check(
        "CREATE TABLE t(a, b); SELECT (SELECT * FROM t) = (1, 2) AND nope(); SELECT (SELECT * FROM t) = (1, 2) AND zz; SELECT (SELECT t.* FROM t) = (1, 2);
         SELECT (SELECT a FROM t) = (1, 2) AND nope();",
    );
}

#[test]
fn of_several_errors_in_a_table_the_one_is_told_that_sqlite_tells() {
    check(
        "CREATE TABLE t(a, b AS ((SELECT 1)), CHECK((SELECT 2)));
         CREATE TABLE t(a, b AS ((SELECT 1)), c AS (nope()), CHECK((SELECT 2)));
         CREATE TABLE t(a, b AS (nope()), c AS ((SELECT 1)), CHECK((SELECT 2)));
         CREATE TABLE t(a, b AS (nope()), CHECK(nope2()));
         CREATE TABLE t(a, b AS (a), CHECK(nope2()), CHECK(nope3()));
         CREATE TABLE t(a, b AS (zz), CHECK(nope2()), CHECK(yy));
         CREATE TABLE t(a, b AS (a) , CHECK(nope2()), CHECK(yy));
         CREATE TABLE t(a, b AS (b) , CHECK(nope2()), CHECK(yy));
         CREATE TABLE t(b AS (1) , CHECK(nope2()), CHECK(yy)); CREATE TABLE t(b AS (1), CHECK(nope()));
         CREATE TABLE t(a, b AS (random()), CHECK(nope()));
         CREATE TABLE t(a, b AS (nope()) PRIMARY KEY, CHECK(nope2()));
         CREATE TABLE t(a, b AS (nope()), PRIMARY KEY(c), CHECK(nope2()));
         CREATE TABLE t(a, b AS (nope()), CHECK(nope2())) WITHOUT ROWID;
         CREATE TABLE t(a, b AS (nope()), CHECK(nope2())) STRICT;
         CREATE TABLE t(a TEXT, b FOO AS (nope()), CHECK(nope2())) STRICT; CREATE TABLE t(a, a, CHECK(nope2()));
         CREATE TABLE t(a, b DEFAULT (nope()), CHECK(nope2())); CREATE TABLE t(a, b DEFAULT (a), CHECK(nope2()));
         CREATE TABLE t(a, b AS (nope()), UNIQUE(c), CHECK(nope2()));
         CREATE TABLE t(a, b AS (nope()), UNIQUE(a+1), CHECK(nope2()));
         CREATE TABLE t(a, b AS (nope()), FOREIGN KEY(c) REFERENCES x, CHECK(nope2()));
         CREATE TABLE t(a, b AS (nope()) REFERENCES x(a,b), CHECK(nope2()));
         CREATE TABLE t(a, b AS (b+1), c AS ((SELECT 1)), CHECK(nope2()));
         CREATE TABLE t(a, b AS (c), c AS (b), CHECK(nope2())); CREATE TABLE t(a, b AS (c), c AS (b), d AS (nope()));
         CREATE TABLE t(a CHECK (sum(a)), b AS (?)); CREATE TABLE t(a CHECK (sum(a)), b AS (sum(a)));
         CREATE TABLE t(a CHECK (?), b AS (a)); CREATE TABLE t(a CHECK ((1,2)=1), b AS (nope()));
         CREATE TABLE t(a CHECK ((1,2)=1), b AS (a)); CREATE TABLE t(a, b AS ((1,2)=1), c AS (nope()));
         CREATE TABLE t(a, b AS (nope()), c AS ((1,2)=1)); CREATE TABLE t(a CHECK(rowid), b AS(nope())) WITHOUT ROWID;
         CREATE TABLE t(a, b AS (zz), CHECK(yy)); CREATE TABLE t(a, b AS (zz), CHECK(nope()));
         CREATE TABLE t(a, b AS (nope()), c AS (zz)); CREATE TABLE t(a, b AS (zz), c AS (nope()));
         CREATE TABLE t(a, b AS (zz), c AS (yy)); CREATE TABLE t(a, b AS (nope()+zz), c AS (yy));
         CREATE TABLE t(a, b AS (zz+nope()), c AS (yy)); CREATE TABLE t(a, b AS (nope()+zz), CHECK(yy));
         CREATE TABLE t(a, b AS (nope()+zz), CHECK((SELECT 1))); CREATE TABLE t(a, b AS (zz), CHECK((SELECT 1)));
         CREATE TABLE t(a, b AS (zz), CHECK((1,2)=1)); CREATE TABLE t(a, b AS (zz), c AS ((1,2)=1));
         CREATE TABLE t(a, b AS ((1,2)=1), c AS (zz)); CREATE TABLE t(a, b AS ((SELECT 1)), c AS (zz));
         CREATE TABLE t(a, b AS ((SELECT 1) + zz), c AS (a)); CREATE TABLE t(a, b AS (zz+(SELECT 1)), c AS (a));
         CREATE TABLE t(a, b AS (?+(SELECT 1)), c AS (a)); CREATE TABLE t(a, b AS ((SELECT 1)+?), c AS (a));
         CREATE TABLE t(a, b AS (raise(abort,'x')), c AS (nope())); CREATE TABLE t(a, b AS (t2.zz), CHECK(nope()));
         CREATE TABLE t(a, b AS (random()+zz)); CREATE TABLE t(a, b AS (zz+random()));
         CREATE TABLE t(a, b AS (random()+nope())); CREATE TABLE t(a, b AS (nope()+random()));
         CREATE TABLE t(a, b AS (nope()), CHECK(nope2()+yy)); CREATE TABLE t(a, CHECK(nope2()+yy));
         CREATE TABLE t(a, CHECK(nope2()+(SELECT 1))); CREATE TABLE t(a, CHECK((SELECT 1)+nope2()));
         CREATE TABLE t(a, CHECK(a IN (SELECT 1)+nope2())); CREATE TABLE t(a, b AS (nope2() + (SELECT zz)), c);",
    );
}

#[test]
fn functions_in_a_list_of_rows_are_those_of_a_subquery() {
    check(
        "SELECT ((zz, 1) IN ((nope(), 2))) IN (); SELECT ((zz, nope()) IN ((1, 2))) IN (); SELECT ((zz, 1) = (nope(), 2)) IN ();
         SELECT ((zz, 1) IN ((abs(1), 2), (3, 4))) AND 0; SELECT ((zz, abs(1)) IN ((1, 2), (3, 4))) AND 0;
         CREATE TABLE t(b, CHECK (3 OR ((a, b) IN ((zeroblob(), 10), (x'00', 3)) IN ())));",
    );
}

#[test]
fn literals_that_are_not_null_are_positions() {
    for term in
        ["1.5 NOT NULL", "'a' IS NOT NULL", "-1 NOT NULL", "+x'' NOT NULL", "1.5 ISNULL", "NULL NOT NULL", "b NOT NULL"]
    {
        check(&format!(
            "CREATE TABLE t(a, b); INSERT INTO t VALUES (2, 1), (1, 2); SELECT count(), a FROM t GROUP BY ({term}); SELECT a FROM t GROUP BY ({term});
             SELECT * FROM t ORDER BY ({term}); SELECT 3 UNION SELECT 2 ORDER BY ({term});"
        ));
    }
}

#[test]
fn the_condition_of_an_index_is_wrong_before_its_columns() {
    for columns in [
        "a + (SELECT 1)",
        "nope",
        "nope + 1",
        "random()",
        "a + random()",
        "a + 1 IN (VALUES (1))",
        "(SELECT 1)",
        "a COLLATE zork",
    ] {
        for condition in ["b = (SELECT 2)", "nope = 1", "b = random()", "b OR (1, a) IN ((2, 3), (4, 5))", "b = 1"] {
            check(&format!("CREATE TABLE t(a, b); CREATE INDEX i ON t({columns}) WHERE {condition};"));
        }
    }
}

#[test]
fn a_generated_column_is_not_looked_into_behind_a_wrong_check() {
    for generated in [
        "a + (SELECT 1)",
        "(SELECT 1)",
        "nope",
        "random()",
        "(a, 1) IN ((1, 2))",
        "CASE WHEN (a, 1) IN ((1, 2)) THEN 1 END",
    ] {
        for condition in ["c > (SELECT 1)", "c > nope2", "a IS ((a, c) IN ((1, 2)) AND 1)", "(SELECT 1)"] {
            check(&format!("CREATE TABLE t(a, b AS ({generated}), c CHECK ({condition}));"));
        }
    }
}

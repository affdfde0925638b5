//! R-trees: the same answers as SQLite's, and files that each engine can go on with.

mod support;

use std::path::Path;
use std::sync::Arc;

use support::{run_ours, run_theirs};
use turso_core::shape::{Element, Search, Shape, Verdict, Within};
use turso_core::{Connection, Database, OpenOptions, Value};

fn open(path: &Path) -> Connection {
    Database::open(&path.display().to_string(), OpenOptions::default()).unwrap().connect().unwrap()
}

/// Both engines answer alike, statement by statement.
fn same(ours: &Connection, theirs: &rusqlite::Connection, script: &str) {
    let (mine, his) = (run_ours(ours, script), run_theirs(theirs, script));
    for ((statement, mine), his) in script.split(';').zip(&mine).zip(&his) {
        assert_eq!(mine, his, "{statement}");
    }
    assert_eq!(mine.len(), his.len());
}

fn in_memory() -> (Connection, rusqlite::Connection) {
    (open(Path::new(":memory:")), rusqlite::Connection::open_in_memory().unwrap())
}

#[test]
fn tables_rows_and_errors() {
    let (ours, theirs) = in_memory();
    same(
        &ours,
        &theirs,
        "CREATE VIRTUAL TABLE t USING rtree(id, x0, x1, \"y 0\" ignored, y1, +a TEXT, +b);
         CREATE VIRTUAL TABLE i USING rtree_i32(id, x0, x1);
         SELECT type, name, sql FROM sqlite_schema;
         INSERT INTO t VALUES (1, 0, 1.1, 2, 3, 'a', x'01'), (2, -1.3, 7, 0.1, 0.2, NULL, 5);
         SELECT *, typeof(id), typeof(x0), typeof(b) FROM t; SELECT hex(data), nodeno FROM t_node; SELECT * FROM t_rowid; SELECT * FROM t_parent;
         INSERT INTO t VALUES (1, 0, 1, 2, 3, 4, 5); INSERT INTO t VALUES (3, 5, 1, 2, 3, 4, 5); INSERT INTO t VALUES (3, 0, 1, 5, 3, 4, 5);
         INSERT INTO i VALUES (NULL, 1.7, '3x'), ('abc', -5, 4), (NULL, 1, 1); SELECT * FROM i; SELECT typeof(x0) FROM i LIMIT 1;
         INSERT OR IGNORE INTO i VALUES (1, 50, 60), (9, 1, 2); SELECT * FROM i ORDER BY id; INSERT OR REPLACE INTO i VALUES (1, 50, 60); SELECT * FROM i ORDER BY id;
         SELECT last_insert_rowid(); UPDATE i SET id = 9 WHERE id = 1; UPDATE i SET id = 10, x1 = 70 WHERE id = 1; SELECT * FROM i ORDER BY id;
         UPDATE t SET a = 'changed' WHERE id = 1; SELECT * FROM t WHERE id = 1; UPDATE t SET x1 = x1 + 10; SELECT * FROM t ORDER BY id; DELETE FROM t WHERE id = 2; SELECT * FROM t;
         SELECT id FROM i WHERE x0 <= 50 AND x1 >= 60; SELECT id FROM i WHERE x0 = 50; SELECT id FROM i WHERE x0 > NULL; SELECT id FROM i WHERE x0 > 'a'; SELECT id FROM i WHERE id = '10';
         SELECT id FROM i WHERE rowid = 10; SELECT id FROM i WHERE id = 10.0; SELECT id FROM i WHERE id = 10.5; SELECT count(*) FROM t, i WHERE t.id = i.id;
         PRAGMA table_info(t); PRAGMA integrity_check(t);
         ALTER TABLE i RENAME TO j; SELECT name FROM sqlite_schema ORDER BY name; SELECT * FROM j ORDER BY id; INSERT INTO j VALUES (77, 7, 7);
         DROP TABLE j; SELECT name FROM sqlite_schema ORDER BY name;
         CREATE VIRTUAL TABLE e USING rtree(id, x0); CREATE VIRTUAL TABLE e USING rtree(id, x0, x1, y0); CREATE VIRTUAL TABLE e USING rtree();
         CREATE VIRTUAL TABLE e USING rtree(id, a, b, c, d, e, f, g, h, i, j, k, l); CREATE VIRTUAL TABLE e USING rtree(id, x, y, +a, z);
         BEGIN; INSERT INTO t VALUES (50, 1, 2, 3, 4, 5, 6); ROLLBACK; SELECT count(*) FROM t; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; SELECT count(*) FROM t",
    );
}

/// A statement that fails in its middle, also one in a trigger, takes its changes of the tree back.
#[test]
fn changes_that_fail_leave_the_tree_as_it_was() {
    let (ours, theirs) = in_memory();
    same(
        &ours,
        &theirs,
        "CREATE VIRTUAL TABLE i USING rtree_i32(id, x0, x1, +n);
         CREATE TABLE s(a,b,c);
         INSERT INTO i VALUES (1,1,2,'a'),(2,1,2,'b'),(1,5,6,'c');
         SELECT * FROM i; SELECT count(*) FROM i_rowid; SELECT hex(data) FROM i_node;
         INSERT OR FAIL INTO i VALUES (1,1,2,'a'),(2,1,2,'b'),(1,5,6,'c');
         SELECT * FROM i;
         UPDATE i SET id = id + 1;
         SELECT * FROM i;
         UPDATE OR REPLACE i SET id = 2 WHERE id=1;
         SELECT * FROM i;
         CREATE TRIGGER tr AFTER INSERT ON s BEGIN INSERT INTO i VALUES (new.a,new.b,new.c,'t'); SELECT raise(ABORT,'no') WHERE new.a=13; END;
         INSERT INTO s VALUES (11,1,2),(13,4,5);
         SELECT * FROM i;
         INSERT INTO s SELECT value+100, value, value+3 FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value+1 FROM n WHERE value<300) SELECT value FROM n);
         SELECT count(*), sum(x0), sum(x1) FROM i;
         DELETE FROM i WHERE id IN (SELECT id FROM i WHERE x0 < 50);
         SELECT count(*), sum(x0), sum(x1) FROM i;
         BEGIN; SAVEPOINT a; DELETE FROM i; SELECT count(*) FROM i; ROLLBACK TO a; SELECT count(*) FROM i; COMMIT;
         UPDATE i SET x1 = x0 - 1 WHERE id > 300;
         SELECT count(*), sum(x0), sum(x1) FROM i;
         UPDATE i SET x1 = CASE WHEN id=390 THEN x0-1 ELSE x1+1 END;
         SELECT count(*), sum(x0), sum(x1) FROM i;
         SELECT id FROM i AS a WHERE EXISTS (SELECT 1 FROM i AS b WHERE b.x0 = a.x1 + 1) ORDER BY 1 LIMIT 5;
         SELECT a.id, b.id FROM i a LEFT JOIN i b ON b.id = a.id + 290 ORDER BY 1, 2 LIMIT 5;
         INSERT INTO i SELECT id+1000, x0, x1, n FROM i WHERE x0 > 200;
         SELECT count(*), sum(x0), sum(x1) FROM i;
         INSERT INTO i(id) VALUES (77777); SELECT * FROM i WHERE id=77777;
         INSERT INTO i VALUES (9223372036854775807,1,2,0); INSERT INTO i VALUES (NULL,1,2,'n'); SELECT count(*) FROM i; DELETE FROM i WHERE n = 'n';
         INSERT INTO i(x0,x1) VALUES (9e99, 9e99);
         SELECT x0,x1 FROM i WHERE id=(SELECT max(id) FROM i);
         SELECT id FROM i WHERE x0 = 1.0 ORDER BY id; SELECT id FROM i WHERE x0 < '5' ORDER BY id;
         SELECT id FROM i WHERE x0 < 9223372036854775807 AND x0 > -1 ORDER BY id LIMIT 3;
         ALTER TABLE i RENAME TO j; INSERT INTO j VALUES (5,5,5,5); DROP TABLE j; SELECT name FROM sqlite_schema",
    );
}

/// The plan says which conditions the tree sees to, as SQLite's does.
#[test]
fn plans_name_their_conditions() {
    let (ours, theirs) = in_memory();
    same(&ours, &theirs, "CREATE VIRTUAL TABLE i USING rtree_i32(id, x0, x1)");
    let detail = |row: &String| row.rsplit('|').next().unwrap_or_default().to_owned();
    for condition in ["x0 < 10 AND x1 >= 3", "id = 3", "1", "x1 = 4 AND x0 > 2 AND x0 <= 9"] {
        let sql = format!("EXPLAIN QUERY PLAN SELECT * FROM i WHERE {condition}");
        let [mine, his] = [run_ours(&ours, &sql), run_theirs(&theirs, &sql)]
            .map(|outcomes| outcomes.iter().flat_map(|(rows, _)| rows.iter().map(detail)).collect::<Vec<_>>());
        assert_eq!(mine, his, "{condition}");
    }
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % n
    }
}

/// Boxes as they are stored: the rounding of reals is the same to the last bit.
#[test]
fn coordinates_are_rounded_outwards() {
    let (ours, theirs) = in_memory();
    let mut random = Random(7);
    let mut script = String::from("CREATE VIRTUAL TABLE t USING rtree(id, x0, x1)");
    for i in 0..300 {
        let exponent = random.below(60) as i32 - 30;
        let real = (random.below(1 << 53) as f64 / 1e15 - 4.5) * 2f64.powi(exponent);
        script.push_str(&format!("; INSERT INTO t VALUES ({i}, {real:e}, {real:e})"));
    }
    same(&ours, &theirs, &script);
    same(
        &ours,
        &theirs,
        "SELECT id, x0, x1 FROM t WHERE x0 <> x1 ORDER BY id LIMIT 20; SELECT sum(x0), sum(x1) FROM t",
    );
}

/// One file, changed in turn by both engines; after each turn both find the same rows, and SQLite checks the tree.
#[test]
fn each_engine_goes_on_with_the_tree_of_the_other() {
    let directory = tempfile::tempdir().unwrap();
    for (name, columns, kind) in [("one", 1, "rtree"), ("two", 2, "rtree"), ("five", 5, "rtree_i32")] {
        let path = directory.path().join(name);
        let mut random = Random(columns as u64 + 11);
        let list: String = (0..columns).map(|d| format!(", l{d}, h{d}")).collect();
        let theirs = rusqlite::Connection::open(&path).unwrap();
        theirs
            .execute_batch(&format!("PRAGMA page_size = 1024; CREATE VIRTUAL TABLE t USING {kind}(id{list}, +note)"))
            .unwrap();
        drop(theirs);
        for turn in 0..6 {
            let mut script = String::from("BEGIN");
            for _ in 0..150 {
                let id = 1 + random.below(300);
                if random.below(4) == 0 || turn == 4 {
                    script.push_str(&format!("; DELETE FROM t WHERE id = {id}"));
                } else {
                    let mut values = String::new();
                    for _ in 0..columns {
                        let low = random.below(1000);
                        values.push_str(&format!(", {low}, {}", low + random.below(50)));
                    }
                    script.push_str(&format!("; INSERT OR REPLACE INTO t VALUES ({id}{values}, 'n{id}')"));
                }
            }
            script.push_str("; COMMIT");
            if turn % 2 == 0 {
                open(&path).execute_batch(&script).unwrap();
            } else {
                rusqlite::Connection::open(&path).unwrap().execute_batch(&script).unwrap();
            }
            let (ours, theirs) = (open(&path), rusqlite::Connection::open(&path).unwrap());
            let check: String = theirs.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
            assert_eq!(check, "ok", "{name}, turn {turn}");
            same(
                &ours,
                &theirs,
                "PRAGMA integrity_check; SELECT * FROM t ORDER BY id; SELECT id FROM t WHERE l0 < 500 AND h0 > 400 ORDER BY id;
                 SELECT id, note FROM t WHERE l0 >= 700 ORDER BY id; SELECT count(*) FROM t WHERE h0 <= 100",
            );
        }
    }
}

#[test]
fn damaged_trees_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    for (i, damage) in [
        "UPDATE t_node SET data = x'00' WHERE nodeno = 1",
        "DELETE FROM t_node WHERE nodeno = 1",
        "DELETE FROM t_node WHERE nodeno = 2",
        "UPDATE t_node SET data = NULL WHERE nodeno = 2",
        "UPDATE t_node SET data = zeroblob(length(data))",
        "UPDATE t_node SET data = CAST(x'ffffffff' || substr(data, 5) AS BLOB)",
        "UPDATE t_node SET data = CAST(x'00280033' || substr(data, 5) AS BLOB) WHERE nodeno = 1",
        "UPDATE t_node SET data = (SELECT data FROM t_node WHERE nodeno = 1)",
        "UPDATE t_rowid SET nodeno = 1",
        "UPDATE t_rowid SET nodeno = 'x'",
        "DELETE FROM t_rowid",
        "UPDATE t_parent SET parentnode = nodeno",
        "DELETE FROM t_parent",
    ]
    .iter()
    .enumerate()
    {
        let path = directory.path().join(format!("{i}.db"));
        let theirs = rusqlite::Connection::open(&path).unwrap();
        theirs
            .execute_batch(&format!(
                "CREATE VIRTUAL TABLE t USING rtree(id, x0, x1);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO t SELECT i, i, i + 1 FROM n; {damage}"
            ))
            .unwrap();
        drop(theirs);
        let ours = open(&path);
        // Whatever comes of these, it comes: no panic, no endless loop.
        for sql in [
            "SELECT count(*) FROM t",
            "SELECT * FROM t WHERE x0 < 10",
            "SELECT * FROM t WHERE id = 7",
            "DELETE FROM t WHERE id = 7",
            "INSERT INTO t VALUES (1000, 5, 6)",
            "INSERT OR REPLACE INTO t VALUES (8, 5, 6)",
            "PRAGMA integrity_check(t)",
            "DELETE FROM t",
            "DROP TABLE t",
        ] {
            let _ = ours.execute_batch(sql);
        }
    }
}

/// A root that is its own child: what is met below the root is on the level where it was met.
#[test]
fn a_root_within_itself_is_searched_to_its_depth() {
    let (ours, theirs) = in_memory();
    same(
        &ours,
        &theirs,
        "CREATE VIRTUAL TABLE t USING rtree_i32(id, x0, x1); INSERT INTO t VALUES (1, 5, 6), (2, 7, 8);
         UPDATE t_node SET data = CAST(x'0001' || substr(data, 3) AS BLOB); DELETE FROM t_rowid WHERE rowid = 2;
         SELECT id, x0 FROM t WHERE x0 < 6; SELECT id FROM t WHERE x0 < 5; SELECT id FROM t WHERE id = 1",
    );
}

#[test]
fn nodes_are_shown_and_checked() {
    let (ours, theirs) = in_memory();
    same(
        &ours,
        &theirs,
        "CREATE VIRTUAL TABLE t USING rtree(id, a, b, c, d); INSERT INTO t VALUES (1, 1.5, 2.25, -3, 1e10), (2, 0.1, 0.7, 5, 6);
         SELECT rtreenode(2, data), rtreenode(1, data), rtreenode(6, data), rtreenode(0, data), rtreenode(2, x'00'), rtreenode(2, NULL) FROM t_node;
         SELECT rtreedepth(data) FROM t_node; SELECT rtreedepth('ab'); SELECT rtreedepth(x'0102'); SELECT rtreedepth(NULL); SELECT rtreedepth(x'01');
         SELECT rtreecheck('t'), rtreecheck('main', 't'); SELECT rtreecheck(); SELECT rtreecheck(1, 2, 3); SELECT rtreecheck('nosuch', 't'); SELECT rtreecheck('nosuch'); SELECT rtreecheck(NULL);
         CREATE TABLE n(a); SELECT rtreecheck('n'); SELECT 1 FROM t WHERE id MATCH 5; SELECT 1 FROM t WHERE id MATCH NULL; SELECT 1 FROM t WHERE a MATCH 5 AND id = 1;
         UPDATE t_rowid SET nodeno = 7 WHERE rowid = 1; SELECT rtreecheck('t');
         CREATE TABLE q_node(nodeno INTEGER PRIMARY KEY, data); CREATE TABLE q_rowid(rowid INTEGER PRIMARY KEY, nodeno); CREATE TABLE q_parent(nodeno INTEGER PRIMARY KEY, parentnode);
         SELECT rtreecheck('q'); CREATE TABLE q(id, a, b); SELECT rtreecheck('q'); INSERT INTO q_node VALUES (1, zeroblob(40)); SELECT rtreecheck('q');
         UPDATE q_node SET data = x'00000001'; SELECT rtreecheck('q'); UPDATE q_node SET data = x'00990000'; SELECT rtreecheck('q'); UPDATE q_node SET data = x'0099'; SELECT rtreecheck('q')",
    );
}

/// A circle: what lies in it, nearest first.
struct Circle;

struct AroundPoint([f64; 3]);

impl Shape for Circle {
    fn search(&self, parameters: &[Value], _: usize) -> Box<dyn Search> {
        Box::new(AroundPoint(std::array::from_fn(|i| parameters.get(i).map_or(0.0, Value::to_real))))
    }
}

impl Search for AroundPoint {
    fn judge(&mut self, _: &mut dyn turso_core::vtab::Session, element: &Element<'_>) -> turso_core::Result<Verdict> {
        let [x, y, radius] = self.0;
        let [x0, x1, y0, y1] = element.coordinates else { return Err(turso_core::Error::sql("a circle is flat")) };
        let distance = (x - x.clamp(*x0, *x1)).hypot(y - y.clamp(*y0, *y1));
        let within = if distance > radius { Within::Not } else { Within::Partly };
        Ok(Verdict { within, score: distance })
    }
}

#[test]
fn shapes_decide_and_order_a_search() {
    let ours = open(Path::new(":memory:"));
    ours.create_shape("circle", Arc::new(Circle)).unwrap();
    let answers = run_ours(
        &ours,
        "CREATE VIRTUAL TABLE t USING rtree_i32(id, x0, x1, y0, y1); CREATE VIRTUAL TABLE line USING rtree(id, x0, x1); INSERT INTO line VALUES (1, 2, 3);
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 899) INSERT INTO t SELECT i, i % 30, i % 30, i / 30, i / 30 FROM n;
         SELECT group_concat(id) FROM (SELECT id FROM t WHERE id MATCH circle(10, 10, 1.1)); SELECT count(*) FROM t WHERE x0 MATCH circle(10, 10, 1.5) AND y0 >= 10;
         SELECT id FROM line WHERE id MATCH circle(1, 2, 3); SELECT id FROM t WHERE id MATCH 'circle'; SELECT circle(1), typeof(circle(2)); SELECT max(id) FROM t, (SELECT 5 AS r) WHERE id MATCH circle(0, 0, r);
         SELECT id FROM t WHERE id MATCH coalesce(circle(1, 1, 1), 1)",
    );
    let answers: Vec<String> =
        answers[4..].iter().map(|(rows, error)| error.clone().unwrap_or_else(|| rows.join(","))).collect();
    assert_eq!(
        answers,
        [
            "'310,309,311,280,340'",
            "6",
            "1 a circle is flat",
            "1 SQL logic error",
            "NULL|'null'",
            "150",
            "1 SQL logic error"
        ]
    );
}

#[test]
fn the_application_sees_which_node_was_written() {
    let (ours, theirs) = in_memory();
    same(
        &ours,
        &theirs,
        "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); SELECT changes(), total_changes(), last_insert_rowid();
         INSERT INTO r VALUES (20, 1, 2), (30, 3, 4); SELECT changes(), total_changes(), last_insert_rowid();
         UPDATE r SET x0 = 0 WHERE id = 20; SELECT changes(), last_insert_rowid(); INSERT INTO r VALUES (7, 1, 2);
         DELETE FROM r WHERE id = 30; SELECT changes(), last_insert_rowid(); UPDATE r SET id = 9 WHERE id = 20; SELECT last_insert_rowid();",
    );
}

#[test]
fn a_rename_is_rolled_back() {
    let (ours, theirs) = in_memory();
    same(
        &ours,
        &theirs,
        "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 2, 3); BEGIN; INSERT INTO r VALUES (2, 3, 4);
         ALTER TABLE r RENAME TO s; INSERT INTO s VALUES (3, 4, 5); SELECT * FROM s; SELECT * FROM r; ROLLBACK; SELECT * FROM r;
         INSERT INTO r VALUES (4, 5, 6); SELECT * FROM r WHERE x0 > 2; SELECT * FROM s; SELECT name FROM sqlite_schema ORDER BY 1;
         SAVEPOINT a; ALTER TABLE r RENAME TO t; ROLLBACK TO a; UPDATE r SET x1 = 9; RELEASE a; ALTER TABLE r RENAME TO u;
         SELECT * FROM u; DELETE FROM u WHERE id = 1; SELECT rtreecheck('u'); DROP TABLE u; SELECT count(*) FROM sqlite_schema;",
    );
}

/// The answers are SQLite's (built with geopoly, which the one that is compared with is not).
#[test]
fn polygons_are_found_by_where_they_lie() {
    let ours = open(Path::new(":memory:"));
    let check = |sql: &str, expected: &[&str]| {
        let outcomes = run_ours(&ours, sql);
        let shown: Vec<String> = outcomes.into_iter().flat_map(|(rows, error)| rows.into_iter().chain(error)).collect();
        assert_eq!(shown, expected, "{sql}");
    };
    check(
        "CREATE VIRTUAL TABLE g USING geopoly(a, b); SELECT sql FROM sqlite_schema WHERE name = 'g_rowid'",
        &["'CREATE TABLE \"g_rowid\"(rowid INTEGER PRIMARY KEY,nodeno,a0,a1,a2)'"],
    );
    check(
        "INSERT INTO g(_shape, a) VALUES ('[[0,0],[1,0],[0.5,1],[0,0]]', 'triangle');
         INSERT INTO g(rowid, _shape, a, b) VALUES (77, geopoly_regular(5, 5, 2, 6), 'hexagon', 4);
         INSERT INTO g(_shape, a) VALUES ('[[0,0],[1,0],[0.5,1]]', 'open'); INSERT INTO g(a) VALUES ('none')",
        &["1 _shape does not contain a valid polygon", "1 _shape does not contain a valid polygon"],
    );
    check(
        "SELECT rowid, geopoly_json(_shape), a, b FROM g ORDER BY rowid",
        &[
            "1|'[[0.0,0.0],[1.0,0.0],[0.5,1.0],[0.0,0.0]]'|'triangle'|NULL",
            "77|'[[7.00013,5.0],[5.99991,6.73218],[4.00009,6.73218],[2.99987,5.0],[4.00009,3.26782],[5.99991,3.26782],[7.00013,5.0]]'|'hexagon'|4",
        ],
    );
    let square = "'[[0,0],[2,0],[2,2],[0,2],[0,0]]'";
    check(&format!("SELECT a FROM g WHERE geopoly_overlap(_shape, {square})"), &["'triangle'"]);
    check(&format!("SELECT a FROM g WHERE geopoly_within(_shape, {square})"), &["'triangle'"]);
    check("SELECT a FROM g WHERE geopoly_overlap(_shape, 'nothing')", &[]);
    check("SELECT a FROM g WHERE geopoly_overlap(_shape, NULL)", &["1 SQL logic error"]);
    // The box around the hexagon holds this one, the hexagon does not.
    check("SELECT a FROM g WHERE geopoly_overlap(_shape, '[[3,3.3],[3.2,3.3],[3.2,3.5],[3,3.5],[3,3.3]]')", &[]);
    check(
        &format!("EXPLAIN QUERY PLAN SELECT a FROM g WHERE geopoly_within(_shape, {square})"),
        &["1|0|0|'SCAN g VIRTUAL TABLE INDEX 3:rtree'"],
    );
    check(
        "UPDATE g SET _shape = geopoly_xform(_shape, 1, 0, 0, 1, 10, 10) WHERE rowid = 77;
         SELECT a FROM g WHERE geopoly_overlap(_shape, '[[14,14],[18,14],[18,18],[14,18],[14,14]]');
         UPDATE g SET rowid = 88 WHERE rowid = 77; SELECT rowid FROM g ORDER BY 1;
         INSERT INTO g(rowid, _shape) VALUES (1, '[[0,0],[1,0],[0.5,1],[0,0]]')",
        &["'hexagon'", "1", "88", "19 UNIQUE constraint failed: g._shape"],
    );
    check(
        "INSERT OR REPLACE INTO g(rowid, _shape, b) VALUES (1, '[[0,0],[1,0],[0.5,3],[0,0]]', 9); SELECT rowid, a, b FROM g ORDER BY 1;
         PRAGMA integrity_check; DELETE FROM g WHERE rowid = 88; ALTER TABLE g RENAME TO h; SELECT rowid FROM h; DROP TABLE h;
         SELECT count(*) FROM sqlite_schema",
        &["1|NULL|9", "88|'hexagon'|4", "'ok'", "1", "0"],
    );
    check(
        "SELECT geopoly_area('[[0,0],[0.5,1],[1,0],[0,0]]'), geopoly_json(geopoly_ccw('[[0,0],[0.5,1],[1,0],[0,0]]'));
         SELECT geopoly_svg('[[0,0],[1.25,0],[0.5,1],[0,0]]', 'class=\"poly\"', '', NULL, 'a');
         SELECT geopoly_json(geopoly_bbox('[[-3,0],[1,0.5],[0.5,1],[-3,0]]')), geopoly_regular(0, 0, -1, 4), length(geopoly_regular(0, 0, 1, 5000));
         SELECT geopoly_json(geopoly_group_bbox(v)) FROM (SELECT '[[0,0],[1,0.1],[0.3,1],[0,0]]' AS v UNION ALL SELECT '[[5,5],[7,5],[8,9],[5,5]]' UNION ALL SELECT NULL);
         SELECT hex(geopoly_blob('[[0,0],[1,0],[0.5,1],[0,0]]')), geopoly_blob('x'), geopoly_contains_point('[[0,0],[4,0],[4,4],[0,4],[0,0]]', 1, 1)",
        &[
            "-0.5|'[[0.0,0.0],[1.0,0.0],[0.5,1.0],[0.0,0.0]]'",
            "'<polyline points='0,0 1.25,0 0.5,1 0,0' class=\"poly\" a></polyline>'",
            "'[[-3.0,0.0],[1.0,0.0],[1.0,1.0],[-3.0,1.0],[-3.0,0.0]]'|NULL|8004",
            "'[[0.0,0.0],[8.0,0.0],[8.0,9.0],[0.0,9.0],[0.0,0.0]]'",
            "'0100000300000000000000000000803F000000000000003F0000803F'|NULL|2",
        ],
    );
}

#[test]
fn keys_that_become_null_and_damaged_roots() {
    let (ours, theirs) = in_memory();
    same(
        &ours,
        &theirs,
        "CREATE VIRTUAL TABLE r USING rtree(id, a, b); INSERT INTO r VALUES (5, 1, 2), (6, 1, 2);
         UPDATE r SET id = NULL WHERE id = 5; SELECT id FROM r ORDER BY 1; UPDATE r SET rowid = 77 WHERE id = 6; SELECT id FROM r ORDER BY 1;
         UPDATE r_node SET data = x'00' WHERE nodeno = 1; SELECT count(*) FROM r; DELETE FROM r_node; SELECT count(*) FROM r;",
    );
}

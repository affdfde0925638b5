//! Vectors through SQL: formats, texts, distances, errors, and how a search is planned.

mod support;

use support::run_ours;
use turso_core::{Connection, Database, OpenOptions};

fn open() -> Connection {
    Database::open(":memory:", OpenOptions::default()).unwrap().connect().unwrap()
}

/// The rows and errors of a script, one line each.
fn answers(connection: &Connection, sql: &str) -> String {
    let lines = run_ours(connection, sql).into_iter().flat_map(|(rows, error)| rows.into_iter().chain(error));
    lines.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check(sql: &str, expected: &str) {
    assert_eq!(answers(&open(), sql), expected, "{sql}");
}

#[test]
fn formats_are_these_bytes() {
    check("SELECT hex(vector('[1, -2.5]'))", "'0000803F000020C0'");
    check("SELECT hex(vector32('[]')), hex(vector64('[]'))", "''|'02'");
    check("SELECT hex(vector64('[1]'))", "'000000000000F03F02'");
    // 9 bits in two bytes, a byte of padding, 15 unused bits before the count.
    check("SELECT hex(vector1bit('[1,-1,1,0,0,0,0,0,2]'))", "'0501000F03'");
    check("SELECT hex(vector1bit('[1,-1,1]'))", "'050503'");
    // alpha 1/255, shift 0; three bytes are padding.
    check("SELECT hex(vector8('[0,1,0.5,1,0]'))", "'00FF7FFF000000008180803B00000000000304'");
    check("SELECT hex(vector32_sparse('[0,2,0,1]'))", "'000000400000803F01000000030000000400000009'");
    check("SELECT vector_extract(x'0000803F01')", "'[1]'");
}

#[test]
fn texts_are_read_and_written_in_the_shortest_form() {
    check("SELECT vector_extract(' [ 1 ,2.50, -3e1 , .5 ] ')", "'[1,2.5,-30,0.5]'");
    check("SELECT vector_extract(vector64('[0.1]')), vector_extract('[0.1]')", "'[0.1]'|'[0.1]'");
    check("SELECT vector_extract(vector1bit('[3,-1,0]'))", "'[1,-1,-1]'");
    check("SELECT vector_extract(vector32_sparse('[0,2,0]'))", "'[0,2,0]'");
    check("SELECT vector_extract(vector8('[0,1,2,255]'))", "'[0,1,2,255]'");
    check("SELECT vector_extract(vector8('[7,7]')), vector_extract(vector8('[]'))", "'[7,7]'|'[]'");
    check("SELECT vector_extract(vector64(vector32('[0.1]')))", "'[0.10000000149011612]'");
    for text in ["", "[", "1", "[1,]", "[nan]", "[inf]", "[1e39]", "[1 2]", "[a]", "[1]x", "[,]", "[--1]"] {
        check(&format!("SELECT vector('{text}')"), "1 Invalid vector value");
    }
    check("SELECT vector64('[1e39]') = vector64('[1e39]'), vector64('[1e309]')", "1 Invalid vector value");
}

#[test]
fn distances_are_those_of_the_manual() {
    check("SELECT vector_distance_cos('[1,0]', '[0,2]'), vector_distance_cos('[1,0]', '[-3,0]')", "1.0|2.0");
    check("SELECT vector_distance_cos('[0,0]', '[1,0]'), vector_distance_cos('[]', '[]')", "1.0|0.0");
    check("SELECT vector_distance_cos('[1e30,1e30]', '[1e30,1e30]') < 1e-12", "1");
    check("SELECT vector_distance_l2('[1,2]', '[4,6]'), vector_distance_dot('[1,2]', '[3,4]')", "5.0|-11.0");
    check("SELECT vector_distance_jaccard('[1,2]', '[2,1]')", "0.5");
    check("SELECT vector_distance_jaccard('[0]', '[0]')", "NULL");
    check("SELECT vector_distance_l2(vector64('[1,2]'), vector64('[4,6]'))", "5.0");
    check("SELECT vector_distance_l2(vector8('[0,255]'), vector8('[255,0]')) BETWEEN 360.62 AND 360.63", "1");
    let bits = "vector1bit('[1,1,0,0,1,0,0,0,0,1]'), vector1bit('[1,0,1,0,1,0,0,0,0,0]')";
    check(&format!("SELECT vector_distance_cos({bits}), vector_distance_dot({bits})"), "3.0|-4.0");
    check(&format!("SELECT vector_distance_jaccard({bits})"), "0.6");
    check(&format!("SELECT vector_distance_l2({bits})"), "1 L2 distance is not supported for float1bit vectors");
    let sparse = "vector32_sparse('[1,0,2,0]'), vector32_sparse('[0,0,2,3]')";
    check(&format!("SELECT vector_distance_l2({sparse}) = sqrt(10), vector_distance_dot({sparse})"), "1|-4.0");
    check(&format!("SELECT abs(vector_distance_cos({sparse}) - (1 - 4/sqrt(65))) < 1e-12"), "1");
    check(&format!("SELECT vector_distance_jaccard({sparse})"), "0.6666666666666667");
    check("SELECT vector_distance_cos(vector32_sparse('[0]'), vector32_sparse('[1]'))", "NULL");
}

#[test]
fn what_is_no_vector_is_an_error() {
    check("SELECT vector(NULL)", "1 Invalid vector type");
    check("SELECT vector_distance_cos(NULL, '[1]')", "1 Invalid vector type");
    check("SELECT vector_distance_cos('[1]', 5)", "1 Invalid vector type");
    check("SELECT vector_extract(x'0000')", "1 Invalid vector value");
    check("SELECT vector_extract(x'000007')", "1 Invalid vector type");
    check("SELECT vector_extract(x'000005')", "1 unsupported vector type from LibSQL");
    check("SELECT vector_extract(x'000003')", "'[-1,-1,-1,-1,-1,-1,-1,-1]'");
    check("SELECT vector_extract(x'00FF03')", "1 Invalid vector value");
    // A sparse vector of four billion dimensions in five bytes.
    check("SELECT vector_extract(x'FFFFFFFF09')", "18 string or blob too big");
    check("SELECT vector32(x'FFFFFFFF09')", "18 string or blob too big");
    check("SELECT vector_extract(x'0000803F000000000000000009')", "1 Invalid vector value");
    check("SELECT vector_distance_l2('[1]', vector64('[1]'))", "1 Vectors must be of the same type");
    check("SELECT vector_distance_l2('[1]', '[1,2]')", "1 Vectors must have the same dimensions");
    check("SELECT vector1bit('[]')", "1 empty vector not supported for this type");
    for (call, text) in [
        ("vector()", "vector32 requires exactly one argument"),
        ("vector8('[1]', 2)", "vector8 requires exactly one argument"),
        ("vector_distance_cos('[1]')", "vector_distance_cos requires exactly two arguments"),
        ("vector_distance_l2('[1]')", "distance_l2 requires exactly two arguments"),
        ("vector_slice('[1]', 0)", "vector_slice requires exactly three arguments"),
    ] {
        check(&format!("SELECT {call}"), &format!("1 {text}"));
    }
}

#[test]
fn vectors_are_joined_and_cut() {
    check("SELECT vector_extract(vector_concat('[1,2]', '[3]'))", "'[1,2,3]'");
    check("SELECT vector_extract(vector_concat(vector64('[1]'), vector64('[2]')))", "'[1,2]'");
    let sparse = "vector_concat(vector32_sparse('[0,1]'), vector32_sparse('[2,0,3]'))";
    check(&format!("SELECT vector_extract({sparse})"), "'[0,1,2,0,3]'");
    check(&format!("SELECT vector_extract(vector_slice({sparse}, 1, 4))"), "'[1,2,0]'");
    check(
        "SELECT vector_extract(vector_slice('[1,2,3]', 1, 3)), vector_extract(vector_slice('[1]', 1, 1))",
        "'[2,3]'|'[]'",
    );
    check("SELECT vector_concat('[1]', vector64('[1]'))", "1 Mismatched vector types");
    check("SELECT vector_slice('[1]', 0, 2)", "1 vector_slice range out of bounds");
    check("SELECT vector_slice('[1]', 1, 0)", "1 start index must not be greater than end index");
    check("SELECT vector_slice('[1]', -1, 0)", "1 start index and end_index must be non-negative");
    let unsupported = "1 vector_concat is not supported for float1bit/ float8 vectors";
    check("SELECT vector_concat(vector8('[1]'), vector8('[1]'))", unsupported);
}

/// A table with vectors on one page each and vectors that need overflow pages, the same in both.
fn two_tables() -> Connection {
    let connection = open();
    let script = "CREATE TABLE small (id INTEGER PRIMARY KEY, v);
        CREATE TABLE large (id INTEGER PRIMARY KEY, filler, v);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
        INSERT INTO small SELECT i, vector('[' || (i * 37 % 101) || ',' || (i * 53 % 89) || ',1]') FROM n;
        INSERT INTO large SELECT id, zeroblob(5000), v FROM small;";
    assert_eq!(answers(&connection, script), "");
    connection
}

#[test]
fn a_search_finds_the_same_wherever_the_vectors_lie() {
    let connection = two_tables();
    let from = |table: &str, rest: &str| {
        answers(&connection, &format!("SELECT id, vector_distance_cos(v, '[3,4,5]') AS d FROM {table} {rest}"))
    };
    let all = from("small", "ORDER BY d, id");
    for rest in ["ORDER BY d, id", "ORDER BY d, id LIMIT 7", "WHERE id % 3 = 0 ORDER BY d, id LIMIT 5 OFFSET 2"] {
        assert_eq!(from("small", rest), from("large", rest), "{rest}");
    }
    assert_eq!(from("small", "ORDER BY d, id LIMIT 7"), all.lines().take(7).collect::<Vec<_>>().join("\n"));
    // The operand is decoded for each run: bound values change, and a join gives another one for each row.
    let joined = "SELECT count(*) FROM small a JOIN large b ON a.id = b.id
        WHERE vector_distance_l2(a.v, b.v) = 0 AND vector_distance_l2(a.v, '[0,0,0]') = vector_distance_l2('[0,0,0]', b.v)";
    assert_eq!(answers(&connection, joined), "400");
}

#[test]
fn a_statement_that_runs_again_measures_against_what_is_bound_then() {
    let connection = two_tables();
    let prepared = connection.prepare("SELECT vector_distance_l2(v, ?1) FROM small WHERE id <= 2").unwrap();
    let mut statement = prepared.statement.unwrap();
    let mut run = |vector: &str| {
        statement.reset();
        statement.bind(1, turso_core::Value::from(vector)).unwrap();
        let mut rows = Vec::new();
        while statement.step().unwrap() == turso_core::StepResult::Row {
            rows.push(format!("{:?}", statement.row()));
        }
        rows.join(" ")
    };
    let (first, second) = (run("[37,53,1]"), run("[74,17,1]"));
    assert!(first.starts_with("[0.0] ") && !first.ends_with(" [0.0]"), "{first}");
    assert!(second.ends_with(" [0.0]") && !second.starts_with("[0.0] "), "{second}");
    assert_eq!(run("[37,53,1]"), first);
}

#[test]
fn rows_without_a_vector_are_filtered_before_they_are_measured() {
    let connection = open();
    let script = "CREATE TABLE t (id INTEGER PRIMARY KEY, v, kind);
        INSERT INTO t VALUES (1, vector('[1,2]'), 'a'), (2, NULL, 'a'), (3, vector('[1,2,3]'), 'b'), (4, vector('[5,5]'), 'a');";
    assert_eq!(answers(&connection, script), "");
    let search = |filter: &str| {
        answers(
            &connection,
            &format!("SELECT id FROM t WHERE {filter} ORDER BY vector_distance_l2(v, '[1,2]') LIMIT 10"),
        )
    };
    assert_eq!(search("kind = 'a' AND v IS NOT NULL"), "1\n4");
    assert_eq!(search("kind = 'a'"), "1 Invalid vector type");
    assert_eq!(search("kind = 'b'"), "1 Vectors must have the same dimensions");
}

#[test]
fn a_column_added_later_is_measured_by_its_default() {
    let connection = open();
    let script = "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2);
        ALTER TABLE t ADD COLUMN v DEFAULT '[3,4]'; INSERT INTO t VALUES (3, vector('[0,1]'));
        SELECT vector_distance_l2(v, '[0,0]') FROM t;";
    assert_eq!(answers(&connection, script), "5.0\n5.0\n1.0");
}

/// The rows of a query, and whether a pipeline ran to its end.
fn rows_and_pipelines(connection: &Connection, sql: &str) -> (String, bool) {
    let mut statement = connection.prepare(sql).unwrap().statement.unwrap();
    let mut rows = Vec::new();
    let error = loop {
        match statement.step() {
            Ok(turso_core::StepResult::Row) => rows.push(format!("{:?}", statement.row())),
            Ok(turso_core::StepResult::Done) => break String::new(),
            Err(error) => break error.to_string(),
        }
    };
    let counters = statement.status().counters;
    (format!("{}\n{error}", rows.join("\n")), counters.pipelines == 1 && counters.pipelines_given_up == 0)
}

/// Connections that run everything in the row tier and in pipelines, after the script.
fn both_tiers(script: &str) -> [Connection; 2] {
    ["row", "batch"].map(|tier| {
        let connection = open();
        connection.execute_batch(format!("PRAGMA execution_tier = {tier}")).unwrap();
        assert_eq!(answers(&connection, script), "");
        connection
    })
}

/// Both give the same rows; `runs`: a pipeline gives those of the second.
fn check_tiers(row: &Connection, batch: &Connection, sql: &str, runs: bool) {
    let ((expected, by_rows), (rows, by_batches)) = (rows_and_pipelines(row, sql), rows_and_pipelines(batch, sql));
    assert_eq!(rows, expected, "{sql}");
    assert_eq!((by_rows, by_batches), (false, runs), "{sql}");
}

#[test]
fn batches_measure_as_rows_do() {
    let script = "CREATE TABLE v (id INTEGER PRIMARY KEY, kind TEXT, f32, f64, bytes, bits, sparse, text TEXT, tail);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000),
            t(i, x) AS (SELECT i, printf('[%d,%d,%d,%.3f]', i * 37 % 101 - 50, i * 53 % 89, i % 3 - 1, i * 0.37 % 1) FROM n)
        INSERT INTO v SELECT i, 'kind ' || i % 5, vector32(x), vector64(x), vector8(x), vector1bit(x), vector32_sparse(x), x, i FROM t;
        CREATE TABLE w (k TEXT PRIMARY KEY, f32) WITHOUT ROWID; INSERT INTO w SELECT 'k' || id, f32 FROM v;
        CREATE TABLE long (id INTEGER PRIMARY KEY, filler, f32); INSERT INTO long SELECT id, zeroblob(id % 2 * 6000), f32 FROM v WHERE id < 300;
        CREATE TABLE odd (id INTEGER PRIMARY KEY, f32); INSERT INTO odd SELECT id, f32 FROM v; UPDATE odd SET f32 = NULL WHERE id = 2500;
        ALTER TABLE w ADD COLUMN later DEFAULT '[1,2]';";
    let [row, batch] = both_tiers(script);
    let check = |sql: &str, runs: bool| check_tiers(&row, &batch, sql, runs);
    for (column, make) in [
        ("f32", "vector32"),
        ("f64", "vector64"),
        ("bytes", "vector8"),
        ("bits", "vector1bit"),
        ("sparse", "vector32_sparse"),
        ("text", "vector"),
    ] {
        for distance in ["cos", "l2", "dot", "jaccard"].into_iter().filter(|d| (*d, column) != ("l2", "bits")) {
            let measured = format!("vector_distance_{distance}({column}, {make}('[3,4,-1,0.5]'))");
            check(&format!("SELECT id, {measured} AS d FROM v ORDER BY d, id LIMIT 12"), true);
            check(&format!("SELECT *, {measured} AS d FROM v ORDER BY d DESC LIMIT 5 OFFSET 3"), true);
            check(&format!("SELECT kind, min({measured}), count({measured}) FROM v GROUP BY kind"), true);
            check(
                &format!("SELECT id FROM v WHERE kind = 'kind 3' AND {measured} < 1 ORDER BY {measured} LIMIT 20"),
                true,
            );
        }
    }
    let measured = "vector_distance_l2('[1,2,3,4]', f32)";
    check(&format!("SELECT k, {measured} FROM w ORDER BY 2, 1 LIMIT 9"), true);
    check("SELECT k FROM w ORDER BY vector_distance_dot(later, '[1,1]'), k LIMIT 3", true);
    check(&format!("SELECT id, filler IS NULL, {measured} FROM long ORDER BY 3, id LIMIT 9"), true);
    check(&format!("SELECT id FROM v WHERE id BETWEEN 700 AND 2100 ORDER BY {measured}, id LIMIT 4"), true);
    check(&format!("SELECT id FROM v ORDER BY {measured}, id LIMIT -1 OFFSET 2990"), true);
    // Left to the row tier: records that need not be read as wholes, vectors that differ from row to row, and errors.
    check(&format!("SELECT id FROM long WHERE id % 7 = 0 ORDER BY {measured} LIMIT 4"), false);
    check("SELECT id FROM v ORDER BY vector_distance_cos(f32, vector32(f64)), id LIMIT 4", false);
    check(&format!("SELECT id FROM odd ORDER BY {measured} LIMIT 4"), false);
    check(&format!("SELECT id FROM odd WHERE f32 IS NOT NULL ORDER BY {measured}, id LIMIT 4"), true);
    check("SELECT id FROM v ORDER BY vector_distance_l2(f32, vector('[1')) LIMIT 4", false);
    check("SELECT id FROM v WHERE id > 9000 ORDER BY vector_distance_l2(f32, vector('[1')) LIMIT 4", true);
}

/// Searches over many batches, whose later ones are measured while their leaves are taken and mostly dropped there.
#[test]
fn leaves_that_are_too_far_away_are_dropped() {
    let script = "CREATE TABLE v (id INTEGER PRIMARY KEY, kind, v);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000),
            d(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM d WHERE j < 100)
        INSERT INTO v SELECT i, 'kind ' || i % 7, (SELECT vector32('[' || group_concat((i % 4000) * j * 37 % 101 - 50) || ']') FROM d) FROM n;
        CREATE TABLE odd AS SELECT * FROM v; UPDATE odd SET v = vector_extract(v) WHERE rowid % 1500 = 0;
        UPDATE odd SET v = replace(vector_extract(v), ',', printf(',%60s', '')) WHERE rowid = 4001;
        CREATE TABLE none AS SELECT id, kind, iif(id % 2000 < 1900, v, CAST(x'0000c07f' || substr(v, 5) AS BLOB)) AS v FROM v;
        CREATE TABLE bad AS SELECT * FROM v; UPDATE bad SET v = vector32('[1]') WHERE rowid = 8990;";
    let [row, batch] = both_tiers(script);
    let check = |sql: &str, runs: bool| check_tiers(&row, &batch, sql, runs);
    let vector = "(SELECT v FROM v WHERE id = 3777)";
    let row_vector = answers(&row, &format!("SELECT hex({vector})"));
    let row_vector = format!("x'{}'", row_vector.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
    for table in ["v", "none", "odd"] {
        for distance in ["cos", "l2", "dot", "jaccard"] {
            let measured = format!("vector_distance_{distance}(v, {row_vector})");
            // (Where a condition comes first, long records are left to the row tier.)
            let short = table != "odd";
            check(&format!("SELECT id, {measured} AS d FROM {table} ORDER BY d LIMIT 10"), true);
            check(
                &format!("SELECT id, kind, {measured} AS d FROM {table} ORDER BY d, id DESC LIMIT 10 OFFSET 7"),
                true,
            );
            check(&format!("SELECT id, {measured} AS d FROM {table} ORDER BY d DESC, id LIMIT 10"), true);
            check(&format!("SELECT id FROM {table} WHERE kind <> 'kind 3' ORDER BY {measured}, id LIMIT 1500"), short);
            check(&format!("SELECT id FROM {table} WHERE {measured} > 0.5 ORDER BY {measured}, id LIMIT 3"), true);
            check(&format!("SELECT id FROM {table} WHERE id > 1234 ORDER BY {measured} LIMIT 3"), short);
            check(&format!("SELECT id FROM {table} ORDER BY {measured} + 1, {measured} LIMIT 3"), true);
        }
    }
    // A vector that cannot be measured is an error wherever it lies.
    check(&format!("SELECT id FROM bad ORDER BY vector_distance_l2(v, {row_vector}) LIMIT 3"), false);
}

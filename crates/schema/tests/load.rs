//! Loading schemas from stored texts.

use turso_schema::{IndexKey, Schema, SchemaRow, build_schema};

fn row(kind: &str, name: &str, table: &str, root: u32, sql: Option<&str>) -> SchemaRow {
    SchemaRow { kind: kind.into(), name: name.into(), table: table.into(), root, sql: sql.map(Into::into) }
}

#[test]
fn automatic_indexes_find_their_roots() {
    let mut schema = Schema::empty(false);
    let rows = [
        row("table", "t", "t", 2, Some("CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE, c, UNIQUE(c, b), UNIQUE(b))")),
        row("index", "sqlite_autoindex_t_1", "t", 3, None),
        row("index", "sqlite_autoindex_t_2", "t", 4, None),
        row("index", "i", "t", 5, Some("CREATE INDEX i ON t(c DESC, b || c) WHERE b > 1")),
        row("view", "v", "v", 0, Some("CREATE VIEW v(x) AS SELECT a FROM t")),
        row("trigger", "r", "t", 0, Some("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END")),
    ];
    build_schema(&mut schema, &rows).unwrap();
    let table = schema.table("T").unwrap();
    assert_eq!(table.rowid_alias, Some(0));
    let roots: Vec<(String, u32)> = table.indexes.iter().map(|i| (i.name.to_string(), i.root)).collect();
    assert_eq!(roots, [("sqlite_autoindex_t_1".into(), 3), ("sqlite_autoindex_t_2".into(), 4), ("i".into(), 5)]);
    let created = schema.index("I").unwrap();
    assert!(created.columns[0].descending && matches!(created.columns[0].key, IndexKey::Column(2)));
    assert!(matches!(created.columns[1].key, IndexKey::Expr(_)) && created.partial.is_some());
    assert_eq!(schema.triggers_of("t").count(), 1);
    let without = schema.without_index("i").without_table("v");
    assert!(
        without.index("i").is_none() && without.table("v").is_none() && without.table("t").unwrap().indexes.len() == 2
    );
    assert!(schema.without_table("t").triggers.is_empty());
}

#[test]
fn rows_of_tables_without_rowid_begin_with_the_key() {
    let mut schema = Schema::empty(false);
    let text = "CREATE TABLE w(a, b AS (a + 1), c, d UNIQUE, PRIMARY KEY(d, a, d)) WITHOUT ROWID";
    build_schema(
        &mut schema,
        &[row("table", "w", "w", 2, Some(text)), row("index", "sqlite_autoindex_w_1", "w", 3, None)],
    )
    .unwrap();
    let table = schema.table("w").unwrap();
    assert_eq!(table.stored_columns(), [3, 0, 2]);
    assert_eq!((table.field_of(0), table.field_of(1), table.field_of(3)), (Some(1), None, Some(0)));
    assert_eq!(table.primary_key_index().unwrap().root, 2);
    assert_eq!(table.indexes[1].trailing, [0]);
}

#[test]
fn contradictions_are_corruption() {
    let check = |rows: &[SchemaRow], expected: &str| {
        let error = build_schema(&mut Schema::empty(false), rows).unwrap_err();
        assert_eq!(error.message(), expected);
    };
    check(&[row("table", "t", "t", 1, Some("CREATE TABLE t(a)"))], "malformed database schema (t) - invalid rootpage");
    check(&[row("index", "i", "t", 3, None)], "malformed database schema (i) - orphan index");
    check(
        &[row("table", "t", "t", 2, Some("CREATE TABLE t(a, a)"))],
        "malformed database schema (t) - duplicate column name: a",
    );
}

/// A large schema of real life, where it is installed.
#[test]
fn schema_of_a_coordinate_database() {
    let path = "/usr/share/proj/proj.db";
    if !std::path::Path::new(path).exists() {
        return;
    }
    let connection = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection.prepare("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema").unwrap();
    let rows: Vec<SchemaRow> = statement
        .query_map([], |r| {
            Ok(SchemaRow { kind: r.get(0)?, name: r.get(1)?, table: r.get(2)?, root: r.get(3)?, sql: r.get(4)? })
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut schema = Schema::empty(false);
    build_schema(&mut schema, &rows).unwrap();
    for row in &rows {
        let found = match row.kind.as_str() {
            "index" => schema.index(&row.name).is_some_and(|i| i.root == row.root),
            "trigger" => schema.trigger(&row.name).is_some(),
            _ => schema.table(&row.name).is_some_and(|t| t.root == row.root),
        };
        assert!(found, "{} {}", row.kind, row.name);
    }
}

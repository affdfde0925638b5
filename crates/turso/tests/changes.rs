//! The stream of captured changes, and the switch that makes every connection capture.

use std::time::{Duration, Instant};

use turso::{Builder, Change, ChangeKind, Value};

fn shape(change: &Change) -> (ChangeKind, Option<&str>, Vec<&str>) {
    (change.kind, change.table.as_deref(), change.columns.iter().map(String::as_str).collect())
}

#[tokio::test]
async fn every_connection_captures_and_a_stream_gives_what_is_committed() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("s.db");
    let db = Builder::new_local(path.to_str().unwrap()).capture_changes("full").build().await.unwrap();
    let (one, two) = (db.connect().unwrap(), db.connect().unwrap());
    one.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)", ()).await.unwrap();
    one.execute("BEGIN", ()).await.unwrap();
    one.execute("INSERT INTO t VALUES (1, 'x')", ()).await.unwrap();
    let mut changes = db.changes(0).unwrap().with_buffer(2);
    assert_eq!(shape(&changes.next().await.unwrap()).0, ChangeKind::Insert);
    assert_eq!(changes.next().await.unwrap().kind, ChangeKind::Commit);
    assert_eq!(changes.try_next().await.unwrap(), None);
    one.execute("COMMIT", ()).await.unwrap();
    let change = changes.next().await.unwrap();
    assert_eq!(shape(&change), (ChangeKind::Insert, Some("t"), vec!["a", "b"]));
    assert_eq!(change.after, Some(vec![Value::Integer(1), Value::Text("x".into())]));
    let position = changes.position();
    assert_eq!(position, change.id);
    two.execute("ALTER TABLE t RENAME COLUMN b TO c", ()).await.unwrap();
    two.execute("ALTER TABLE t ADD COLUMN d DEFAULT 5", ()).await.unwrap();
    two.execute("UPDATE t SET c = 'y'", ()).await.unwrap();

    // A stream that begins later knows the columns that a record has, before and after they change.
    let mut again = db.changes(position - 1).unwrap();
    let mut names = Vec::new();
    while let Some(change) = again.try_next().await.unwrap() {
        if change.table.as_deref() == Some("t") {
            names.push((change.columns.join(","), change.after.unwrap().len()));
        }
    }
    assert_eq!(names, [("a,b".to_string(), 2), ("a,c,d".to_string(), 3)]);
    assert_eq!(again.trim(position).await.unwrap(), 3);
    assert_eq!(db.changes(0).unwrap().next().await.unwrap().id, position + 1);
}

#[tokio::test]
async fn a_stream_is_woken_by_a_commit() {
    let db = Builder::new_local(":memory:").capture_changes("id").build().await.unwrap();
    let connection = db.connect().unwrap();
    connection.execute("CREATE TABLE t(a)", ()).await.unwrap();
    let mut changes = db.changes(0).unwrap();
    while changes.try_next().await.unwrap().is_some() {}
    let waiting = tokio::spawn(async move {
        let change = changes.next().await.unwrap();
        (change, Instant::now())
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let committed = Instant::now();
    connection.execute("INSERT INTO t VALUES (1)", ()).await.unwrap();
    let (change, woken) = waiting.await.unwrap();
    assert_eq!((change.kind, change.row), (ChangeKind::Insert, Value::Integer(1)));
    // Far sooner than commits of other processes would be looked for.
    assert!(woken - committed < Duration::from_millis(300));
}

#[tokio::test]
async fn a_mode_that_does_not_exist_is_refused_at_once() {
    let outcome = Builder::new_local(":memory:").capture_changes("everything").build().await;
    assert!(outcome.unwrap_err().to_string().contains("expected '<mode>'"));
}

/// A capture table is a file's content: a definition in it is read, and nothing that stands there is run.
#[tokio::test]
async fn definitions_in_a_stream_are_not_run() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let made = path("made.db");
    for (number, (definition, columns)) in [
        (format!("CREATE TABLE t(x); ATTACH '{made}' AS made; CREATE TABLE made.t(x)"), "x"),
        (format!("ATTACH '{made}' AS made; CREATE TABLE made.t(x)"), ""),
        ("CREATE TABLE t AS SELECT 1 AS a".to_owned(), ""),
        ("CREATE TABLE t(x, y AS (x) STORED, z AS (x), \"a b\" CHECK (unknown(x)))".to_owned(), "x,y,a b"),
        ("CREATE TABLE t(k PRIMARY KEY, v) WITHOUT ROWID".to_owned(), "k,v"),
    ]
    .into_iter()
    .enumerate()
    {
        let db = Builder::new_local(&path(&format!("{number}.db"))).capture_changes("full").build().await.unwrap();
        let connection = db.connect().unwrap();
        connection.execute("CREATE TABLE t(a, b)", ()).await.unwrap();
        connection.execute("INSERT INTO t VALUES (1, 2)", ()).await.unwrap();
        // The row of the table's catalogue as a record, its last value changed.
        let mut rows = connection
            .query("SELECT min(change_id), after FROM turso_cdc WHERE table_name = 'sqlite_schema'", ())
            .await
            .unwrap();
        let row = rows.next().await.unwrap().unwrap();
        let (id, after) = (*row.get_value(0).unwrap().as_integer().unwrap(), row.get_value(1).unwrap());
        drop(rows);
        let Value::Blob(after) = after else { panic!("no image") };
        connection
            .execute("UPDATE turso_cdc SET after = ?1 WHERE change_id = ?2", (with_definition(&after, &definition), id))
            .await
            .unwrap();
        let mut changes = db.changes(0).unwrap();
        let mut names = Vec::new();
        while let Some(change) = changes.try_next().await.unwrap() {
            if change.table.as_deref() == Some("t") {
                names.push(change.columns.join(","));
            }
        }
        assert_eq!(names, [columns], "{definition}");
        assert!(!std::path::Path::new(&made).exists(), "{definition}");
    }
}

/// A record of `sqlite_schema` with another text in its last column.
fn with_definition(record: &[u8], definition: &str) -> Vec<u8> {
    let header = usize::from(record[0]);
    let old = "CREATE TABLE t(a, b)";
    let (types, body) = (&record[1..header - 1], &record[header..record.len() - old.len()]);
    assert!(record.ends_with(old.as_bytes()));
    let serial = definition.len() * 2 + 13;
    let serial = [0x80 | (serial >> 7) as u8, (serial & 0x7f) as u8];
    [&[header as u8 + 1], types, &serial, body, definition.as_bytes()].concat()
}

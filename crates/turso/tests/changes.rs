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

<?php // PHP's PDO and its class SQLite3.
$file = $argv[1];
$pdo = new PDO("sqlite:$file", null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
$pdo->exec("CREATE TABLE item(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, price REAL, data BLOB)");
$insert = $pdo->prepare("INSERT INTO item(name, price, data) VALUES(:name, :price, :data)");
$pdo->beginTransaction();
foreach ([["pen", 1.25, "a\0b"], ["ink", 7.5, null], ["päper", 0.1, "xyz"]] as $row) {
  $insert->bindValue(":name", $row[0]); $insert->bindValue(":price", $row[1]); $insert->bindValue(":data", $row[2], PDO::PARAM_LOB);
  $insert->execute();
}
$pdo->commit();
echo $pdo->lastInsertId(), " ", $insert->rowCount(), "\n";
foreach ($pdo->query("SELECT id, name, price, hex(data) AS data FROM item ORDER BY price", PDO::FETCH_ASSOC) as $row) echo json_encode($row, JSON_UNESCAPED_UNICODE), "\n";
try { $pdo->exec("INSERT INTO item(name) VALUES('pen')"); } catch (PDOException $e) { echo $e->getMessage(), " ", json_encode($e->errorInfo), "\n"; }
$pdo->beginTransaction(); $pdo->exec("DELETE FROM item"); $pdo->rollBack();
echo $pdo->query("SELECT count(*), sum(price) FROM item")->fetchAll(PDO::FETCH_NUM)[0][1], "\n";
$pdo->sqliteCreateFunction("twice", fn($x) => $x * 2, 1);
$pdo->sqliteCreateAggregate("longest", fn($c, $n, $v) => strlen($v) > strlen($c ?? "") ? $v : $c, fn($c, $n) => $c, 1);
$pdo->sqliteCreateCollation("by_length", fn($a, $b) => strlen($a) - strlen($b));
echo json_encode($pdo->query("SELECT twice(price), name FROM item ORDER BY name COLLATE by_length")->fetchAll(PDO::FETCH_NUM), JSON_UNESCAPED_UNICODE), "\n";
echo $pdo->query("SELECT longest(name) FROM item")->fetchColumn(), "\n";
$pdo->exec("ALTER TABLE item ADD COLUMN stock INT NOT NULL DEFAULT 3; CREATE VIEW cheap AS SELECT * FROM item WHERE price < 2");
$q = $pdo->query("SELECT * FROM cheap ORDER BY id"); echo json_encode($q->getColumnMeta(2)), "\n";
foreach ($q->fetchAll(PDO::FETCH_OBJ) as $o) echo $o->name, $o->stock, "\n";
unset($q, $pdo, $insert);
$db = new SQLite3($file); $db->enableExceptions(true);
echo $db->querySingle("SELECT name FROM item WHERE id = 2"), " ", json_encode($db->querySingle("SELECT id, stock FROM item", true)), "\n";
$s = $db->prepare("UPDATE item SET price = ? WHERE id = ?"); $s->bindValue(1, 9.75, SQLITE3_FLOAT); $s->bindValue(2, 1, SQLITE3_INTEGER); $s->execute(); echo $db->changes(), "\n";
echo $s->getSQL(true), "\n";
$blob = $db->openBlob("item", "data", 3, "main", SQLITE3_OPEN_READWRITE); fwrite($blob, "QQ"); fclose($blob);
echo $db->querySingle("SELECT data FROM item WHERE id = 3"), "\n";
try { $db->exec("SELEC 1"); } catch (Exception $e) { echo $e->getMessage(), " ", $db->lastErrorCode(), "\n"; }
$copy = new SQLite3(":memory:"); $db->backup($copy); echo $copy->querySingle("SELECT count(*) FROM item"), "\n";
$db->setAuthorizer(fn($action) => $action === SQLite3::DELETE ? SQLite3::DENY : SQLite3::OK);
try { $db->exec("DELETE FROM item"); } catch (Exception $e) { echo $e->getMessage(), "\n"; }
$r = $db->query("SELECT id, price, data FROM item"); while ($row = $r->fetchArray(SQLITE3_NUM)) echo json_encode([$row[0], $row[1], bin2hex($row[2] ?? "")]), $r->columnType(1), "\n";
echo $db->escapeString("it's"), "\n";

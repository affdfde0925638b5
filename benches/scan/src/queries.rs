//! The tables and the queries.

/// `ROWS` is replaced by the number of rows.
pub const SETUP: &str = "
    CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, few INT, many INT, r REAL, price NUMERIC, s TEXT, word TEXT, day TEXT, fk INT, n INT);
    WITH RECURSIVE c(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM c WHERE k < ROWS)
      INSERT INTO t SELECT k, (k * 7919) % 1000003, k % 7, (k * 7919) % 100003, ((k * 104729) % 1000) * 0.37,
        ((k * 31) % 10000) / 100.0, 'state ' || (k * 7919 % 53), 'word' || (k * 104729 % 200003),
        date('1992-01-01', '+' || (k * 7919 % 2500) || ' day'), k * 7919 % 1000, CASE WHEN k % 3 THEN k % 100 END FROM c;
    CREATE TABLE small(id INTEGER PRIMARY KEY, name TEXT, kind INT);
    WITH RECURSIVE c(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM c WHERE k < 999)
      INSERT INTO small SELECT k, 'name ' || k, k % 10 FROM c;
    CREATE TABLE loose(k INT, label TEXT, kind INT);
    INSERT INTO loose SELECT id, name, kind FROM small;
    CREATE TABLE big(k INT, v REAL);
    INSERT INTO big SELECT many, r FROM t WHERE id % 10 = 0;
";

/// Name and text.
pub const QUERIES: &[(&str, &str)] = &[
    ("count(*)", "SELECT count(*) FROM t"),
    ("count of a column", "SELECT count(n) FROM t"),
    ("sum of integers", "SELECT sum(i) FROM t"),
    ("sum of reals", "SELECT sum(r) FROM t"),
    ("sum of decimals", "SELECT sum(price) FROM t"),
    ("min and max", "SELECT min(i), max(i), min(s), max(day) FROM t"),
    ("sum of products", "SELECT sum(r * (1 - price / 100)), avg(i * 2 + 1) FROM t"),
    ("filter integers", "SELECT count(*) FROM t WHERE i > 900000"),
    ("filter reals", "SELECT sum(i) FROM t WHERE r BETWEEN 100 AND 200"),
    ("filter decimals", "SELECT sum(i) FROM t WHERE price < 25 AND price >= 5"),
    ("filter text", "SELECT count(*) FROM t WHERE s = 'state 7'"),
    ("filter days", "SELECT sum(r) FROM t WHERE day >= '1994-01-01' AND day < '1995-01-01'"),
    ("filter in", "SELECT count(*) FROM t WHERE fk IN (1, 17, 200, 350, 700) OR s IN ('state 1', 'state 2')"),
    ("filter null", "SELECT count(*), sum(i) FROM t WHERE n IS NULL"),
    ("like prefix", "SELECT count(*) FROM t WHERE s LIKE 'state 1%'"),
    ("like inside", "SELECT count(*) FROM t WHERE word LIKE '%99%'"),
    ("group by few integers", "SELECT few, count(*), sum(i), avg(r) FROM t GROUP BY few"),
    ("group by few texts", "SELECT s, count(*), sum(r) FROM t GROUP BY s"),
    ("group by two", "SELECT s, few, count(*), sum(r) FROM t GROUP BY s, few"),
    ("group by many integers", "SELECT many, count(*), sum(i) FROM t GROUP BY many"),
    ("group by many texts", "SELECT word, count(*) FROM t GROUP BY word"),
    ("group by year", "SELECT substr(day, 1, 4) AS y, sum(r) FROM t GROUP BY y ORDER BY y"),
    ("count distinct integers", "SELECT count(DISTINCT many) FROM t"),
    ("count distinct texts", "SELECT count(DISTINCT s), count(DISTINCT word) FROM t"),
    ("distinct few", "SELECT DISTINCT s FROM t"),
    ("distinct many", "SELECT DISTINCT many FROM t"),
    ("order by, limited", "SELECT id, i FROM t ORDER BY i DESC, id LIMIT 10"),
    ("order by text, limited", "SELECT word, id FROM t ORDER BY word, id LIMIT 100"),
    ("order by integer", "SELECT id, i FROM t WHERE few < 2 ORDER BY i"),
    ("order by text", "SELECT word FROM t WHERE few = 3 ORDER BY word, id"),
    ("join by rowid", "SELECT kind, count(*), sum(r) FROM t JOIN small ON t.fk = small.id GROUP BY kind"),
    ("join without index", "SELECT loose.kind, sum(r) FROM t JOIN loose ON t.fk = loose.k GROUP BY loose.kind"),
    ("join, filtered", "SELECT sum(r) FROM t JOIN loose ON t.fk = loose.k WHERE loose.kind = 3"),
    ("join of large tables", "SELECT count(*), sum(v) FROM t JOIN big ON t.many = big.k WHERE t.few = 1"),
    ("newest rows that pass a filter", "SELECT id, r, s FROM t WHERE i < 5000 ORDER BY id DESC LIMIT 3000"),
    ("window, running sum", "SELECT sum(x) FROM (SELECT sum(i) OVER (PARTITION BY fk ORDER BY id) AS x FROM t)"),
    ("window, rank", "SELECT count(*) FROM (SELECT rank() OVER (ORDER BY many) AS x FROM t) WHERE x % 7 = 0"),
    ("union", "SELECT many FROM t WHERE few < 3 UNION SELECT i FROM t WHERE few = 5"),
    ("except", "SELECT fk FROM t EXCEPT SELECT id FROM small WHERE kind = 3"),
    ("rows that pass a filter", "SELECT id, r, s FROM t WHERE i < 5000"),
];

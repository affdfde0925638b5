//! Casts between texts and blobs show the database's encoding, against SQLite.

mod support;

use support::check;

#[test]
fn text_as_bytes_in_utf_16_databases() {
    for encoding in ["UTF-16le", "UTF-16be", "UTF-8"] {
        check(&format!(
            "PRAGMA encoding = '{encoding}';
             CREATE TABLE t(a, b TEXT, c BLOB); INSERT INTO t VALUES('aé', 'xy', CAST('xy' AS BLOB)); SELECT hex(CAST(a AS BLOB)), hex(CAST('ab' AS BLOB)), hex(c), length(CAST('ab' AS BLOB)), hex(a), hex('ab'), typeof(c) FROM t; SELECT CAST(x'61006200' AS TEXT), CAST(x'6162' AS TEXT), length(CAST(x'6162' AS TEXT)), hex(CAST(x'616263' AS TEXT)), CAST(x'61' AS TEXT); SELECT c = b, CAST(b AS BLOB) = c, b = CAST(c AS TEXT) FROM t;
             SELECT unhex('6162'), hex(unhex('6162')), CAST(unhex('61006200') AS TEXT), hex(zeroblob(2)), quote(CAST('a' AS BLOB)), quote(x'6100');
             SELECT octet_length('abc'), octet_length(CAST('abc' AS BLOB)), length(x'610062'), substr(x'61006200', 2, 2), instr(CAST('abc' AS BLOB), CAST('b' AS BLOB));
             SELECT x'61' || 'b', 'a' || x'6200', hex('a' || x'6200'), x'6100' || x'6200', typeof(x'6100' || x'6200');
             SELECT char(97), hex(char(97)), unicode('é');
             SELECT CAST(12 AS BLOB), hex(CAST(12 AS BLOB)), hex(CAST(1.5 AS BLOB)), CAST(x'3100320033' AS INT), CAST(x'313233' AS INT);
             SELECT x'6100' = 'a', x'6100' < 'a'; SELECT min(x'6100', 'a'), nullif(x'6100', 'a');
             SELECT hex(CAST('é' AS BLOB)), length(CAST('é' AS BLOB)), hex(substr('éa', 1, 1)), hex(123), hex(1.5), hex(x'01'), hex(NULL);
             INSERT INTO t(c) VALUES('text in blob column'); SELECT typeof(c), hex(c) FROM t; CREATE INDEX ti ON t(hex(b)); SELECT * FROM t WHERE hex(b) = '78007900'; UPDATE t SET c = CAST(b AS BLOB) || x'7a00'; SELECT typeof(c), c, hex(c) FROM t;"
        ));
    }
}

/// `min` and `max` order texts as an index does: by what is stored.
#[test]
fn extremes_in_utf_16_databases() {
    for encoding in ["UTF-16le", "UTF-16be", "UTF-8"] {
        check(&format!(
            "PRAGMA encoding = '{encoding}';
             CREATE TABLE t(g, x); INSERT INTO t VALUES(1, 'a'), (1, 'Ā'), (2, '\u{ff00}'), (2, '\u{10000}');
             SELECT max(x), min(x), count(*) FROM t; SELECT g, max(x), min(x) FROM t GROUP BY g;
             SELECT max(x) OVER w, min(x) OVER w FROM t WINDOW w AS (ORDER BY g ROWS 1 PRECEDING);
             SELECT max('a', 'Ā'), min('a', 'Ā'), max('\u{ff00}', '\u{10000}'), nullif('a', 'Ā');
             SELECT max(x COLLATE NOCASE), min(x COLLATE NOCASE), max('a', 'Ā' COLLATE NOCASE) FROM t;
             CREATE INDEX tx ON t(x); SELECT max(x) FROM t; SELECT min(x) FROM t;"
        ));
    }
}

/// Where text or a number is wanted, the bytes of a blob are read as the database's texts are stored.
#[test]
fn blobs_read_as_text_in_utf_16_databases() {
    for encoding in ["UTF-16le", "UTF-16be", "UTF-8"] {
        check(&format!(
            "PRAGMA encoding = '{encoding}'; CREATE TABLE t(a);
             INSERT INTO t VALUES (x'61006200'), (x'3100'), (x'3132'), (x''), (x'003100320020'), ('ab'), (12);
             SELECT upper(a), lower(a), trim(a), ltrim(a, 'a'), replace(a, 'a', 'x'), unicode(a) FROM t; SELECT a + 1, -a, ~a, a * 2, a % 3 FROM t;
             SELECT instr(a, 'b'), instr('xab', a), instr(a, x'6200') FROM t; SELECT printf('%s|%d|%5s|%.1f', a, a, a, a) FROM t;
             SELECT a LIKE 'A%', a GLOB 'a*', like(a, 'ab') FROM t; SELECT group_concat(a, ','), string_agg(a, x'2c00') FROM t;
             SELECT date(a), julianday(a), abs(a), round(a) FROM t; SELECT sum(length(a || '')) FROM t;
             CREATE INDEX i ON t(upper(a)); SELECT hex(a) FROM t WHERE upper(a) = 'AB'; PRAGMA integrity_check;"
        ));
    }
}

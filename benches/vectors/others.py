"""numpy and sqlite-vec on the vectors of a file. What can be measured is listed, a name a line, then an empty line; then each name that
comes on standard input is run once and answered with its milliseconds. So all contestants take turns, and share what the machine
does besides."""

import sys
import time

data, wanted, dims = sys.argv[1], sys.argv[2], int(sys.argv[3])
contests = {}

try:
    import numpy
except ImportError:
    numpy = None
if numpy:
    vectors = numpy.fromfile(data, dtype=numpy.float32).reshape(-1, dims)
    query = numpy.fromfile(wanted, dtype=numpy.float32)
    # Norms are known beforehand: the fastest that a search in memory can be.
    norms = numpy.linalg.norm(vectors, axis=1)

    def product():
        similarity = vectors @ query / norms
        best = numpy.argpartition(-similarity, 10)[:10]
        return best[numpy.argsort(-similarity[best])]

    contests["numpy, matrix product, norms known beforehand"] = product
else:
    print("skipped: numpy, which this Python does not have")

try:
    # (Not the standard library's module, which may have been built without loading of extensions.)
    import apsw
    import sqlite_vec
except ImportError:
    print("skipped: sqlite-vec, which this Python does not have (with apsw)")
else:
    connection = apsw.Connection(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(sqlite_vec.loadable_path())
    with open(data, "rb") as file:
        content = file.read()
    with open(wanted, "rb") as file:
        asked = file.read()
    size = 4 * dims
    rows = [(content[at : at + size],) for at in range(0, len(content), size)]
    connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, v BLOB)")
    connection.execute(f"CREATE VIRTUAL TABLE vectors USING vec0 (v float[{dims}] distance_metric=cosine)")
    connection.execute("BEGIN")
    for table in ["items", "vectors"]:
        connection.executemany(f"INSERT INTO {table} (v) VALUES (?)", rows)
    connection.execute("COMMIT")
    del rows, content
    by_function = "SELECT id, vec_distance_cosine(v, ?) AS d FROM items ORDER BY d LIMIT 10"
    by_table = "SELECT rowid, distance FROM vectors WHERE v MATCH ? AND k = 10 ORDER BY distance"
    contests["sqlite-vec, function on an ordinary table"] = lambda: connection.execute(by_function, (asked,)).fetchall()
    contests["sqlite-vec, vec0 table"] = lambda: connection.execute(by_table, (asked,)).fetchall()

for name in contests:
    print(name)
print(flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    contests[line.rstrip("\n")]()
    print((time.perf_counter() - start) * 1e3, flush=True)

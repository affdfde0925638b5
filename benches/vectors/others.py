"""numpy's matrix product and sqlite-vec on the vectors of a file: a line "what milliseconds" for each."""

import sys
import time

import apsw
import numpy
import sqlite_vec

data, wanted, dims, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
vectors = numpy.fromfile(data, dtype=numpy.float32).reshape(-1, dims)
query = numpy.fromfile(wanted, dtype=numpy.float32)


def median(work):
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return sorted(times[1:])[rounds // 2]


# Norms are known beforehand: the fastest that a search in memory can be.
norms = numpy.linalg.norm(vectors, axis=1)


def product():
    similarity = vectors @ query / norms
    best = numpy.argpartition(-similarity, 10)[:10]
    return best[numpy.argsort(-similarity[best])]


print("numpy, matrix product, norms known beforehand", median(product))

# (Not the standard library's module, which may have been built without loading of extensions.)
connection = apsw.Connection(":memory:")
connection.enable_load_extension(True)
connection.load_extension(sqlite_vec.loadable_path())
connection.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, v BLOB)")
connection.execute("BEGIN")
connection.executemany("INSERT INTO items (v) VALUES (?)", ((v.tobytes(),) for v in vectors))
connection.execute("COMMIT")
sql = "SELECT id, vec_distance_cosine(v, ?) AS d FROM items ORDER BY d LIMIT 10"
print("sqlite-vec, function on an ordinary table", median(lambda: connection.execute(sql, (query.tobytes(),)).fetchall()))
connection.execute("DROP TABLE items")
connection.execute(f"CREATE VIRTUAL TABLE items USING vec0 (v float[{dims}] distance_metric=cosine)")
connection.execute("BEGIN")
connection.executemany("INSERT INTO items (v) VALUES (?)", ((v.tobytes(),) for v in vectors))
connection.execute("COMMIT")
sql = "SELECT rowid, distance FROM items WHERE v MATCH ? AND k = 10 ORDER BY distance"
print("sqlite-vec, vec0 table", median(lambda: connection.execute(sql, (query.tobytes(),)).fetchall()))

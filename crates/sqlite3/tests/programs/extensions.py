"""Loadable extensions that were compiled for SQLite. A name that is not installed is skipped with a line on stderr."""
import ctypes.util, glob, json, os, sqlite3, struct, sys, zipfile

folder = os.path.dirname(sys.argv[1])
FOLDERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/local/lib"]


def find(name):
    for place in FOLDERS:
        if os.path.exists(f"{place}/{name}.so"):
            return f"{place}/{name}.so"
    print(f"skip {name}: not installed", file=sys.stderr)
    return None


def connect(extension):
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(extension)
    return db


def show(db, sql, *values):
    try:
        for row in db.execute(sql, values):
            print("  ", *[repr(v)[:300] for v in row])
    except sqlite3.Error as error:
        print("  ", type(error).__name__, error)


def part(name, module=None):
    path = find(module or name)
    if path:
        print("==", name)
    return path


def scratch(name, content):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content)
    return path


if path := part("csvtable", "libsqlite3_mod_csvtable"):
    db = connect(path)
    csv = scratch("a.csv", "name,born,note\nAda,1815,\"x, y\"\nBlaise,1623,\n\"Jo \"\"J\"\"\",1,žlutý\n".encode())
    db.execute(f"CREATE VIRTUAL TABLE people USING csvtable('{csv}', 1)")
    show(db, "SELECT sql FROM sqlite_schema")
    show(db, "PRAGMA table_info(people)")
    show(db, "SELECT * FROM people")
    show(db, "SELECT name, born FROM people WHERE born > 1000 ORDER BY born")
    show(db, "SELECT a.name, b.name FROM people a JOIN people b ON a.born < b.born")
    db.execute("CREATE TABLE kept AS SELECT * FROM people")
    show(db, "SELECT count(*), group_concat(note, '|') FROM kept")
    db.execute("DROP TABLE people")

if path := part("impexp", "libsqlite3_mod_impexp"):
    db = connect(path)
    db.executescript("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB, c REAL); CREATE INDEX ta ON t(a); CREATE VIEW v AS SELECT a FROM t;"
                     "INSERT INTO t VALUES(1, 'it''s', x'00ff', 1.5), (2, NULL, NULL, -3), (3, 'ž<&>', 'text', 1e100);")
    out = os.path.join(folder, "dump.sql")
    show(db, "SELECT export_sql(?)", out)
    print(open(out).read())
    show(db, "SELECT export_csv(?, 1, 'aa', 't', NULL)", os.path.join(folder, "t.csv"))
    print(open(os.path.join(folder, "t.csv")).read())
    show(db, "SELECT export_xml(?, 0, 2, 'root', 'item', 't')", os.path.join(folder, "t.xml"))
    print(open(os.path.join(folder, "t.xml")).read())
    show(db, "SELECT quote_sql(a), quote_csv(a), quote_xml(a), quote_json(a) FROM t")
    other = connect(path)
    show(other, "SELECT import_sql(?)", out)
    show(other, "SELECT * FROM t")
    show(other, "SELECT type, name FROM sqlite_schema")
    show(other, "PRAGMA integrity_check")

if path := part("zipfile", "libsqlite3_mod_zipfile"):
    db = connect(path)
    archive = os.path.join(folder, "a.zip")
    with zipfile.ZipFile(archive, "w") as z:
        for name, text in (("one.txt", "first"), ("dir/two.txt", "second " * 100)):
            z.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), text, zipfile.ZIP_DEFLATED)
    db.execute(f"CREATE VIRTUAL TABLE z USING zipfile('{archive}')")
    show(db, "PRAGMA table_info(z)")
    show(db, "SELECT path, mtime, uncompr_size, substr(CAST(data AS TEXT), 1, 20), length(data) FROM z ORDER BY path")
    show(db, "SELECT path FROM z WHERE path MATCH 'dir*'")
    show(db, "SELECT path FROM z WHERE path GLOB '*.txt' ORDER BY path DESC")
    show(db, "SELECT count(*) FROM z WHERE data = 'nothing'")

if path := part("xpath", "libsqlite3_mod_xpath"):
    db = connect(path)
    xml = scratch("a.xml", b"<shop><item n='1'><name>pen</name><price>1.5</price></item><item n='2'><name>ink</name><price>7</price></item></shop>")
    db.execute("CREATE VIRTUAL TABLE x USING xpath(dummy)")
    show(db, "PRAGMA table_info(x)")
    show(db, "INSERT INTO x(DOCID, XML) VALUES(NULL, ?)", open(xml).read())
    show(db, "SELECT DOCID, PATH, ADDR IS NOT NULL FROM x")
    show(db, "SELECT xpath_string(docid, '//item[1]/name'), xpath_number(docid, 'sum(//price)'), xpath_boolean(docid, '//ink') FROM x")
    show(db, "SELECT xml_dump(docid) FROM x")

if path := part("spatialite", "mod_spatialite"):
    db = connect(path)
    show(db, "SELECT InitSpatialMetaData(1)")
    db.execute("CREATE TABLE town(id INTEGER PRIMARY KEY, name TEXT)")
    show(db, "SELECT AddGeometryColumn('town', 'place', 4326, 'POINT', 'XY')")
    for name, x, y in (("Brno", 16.6, 49.2), ("Praha", 14.4, 50.1), ("Wien", 16.37, 48.2)):
        db.execute("INSERT INTO town(name, place) VALUES(?, MakePoint(?, ?, 4326))", (name, x, y))
    show(db, "SELECT CreateSpatialIndex('town', 'place')")
    show(db, "SELECT name, AsText(place), ST_Distance(place, MakePoint(16.0, 49.0, 4326)) FROM town ORDER BY 3")
    show(db, "SELECT name FROM town WHERE rowid IN (SELECT rowid FROM SpatialIndex WHERE f_table_name = 'town' AND search_frame = BuildMbr(16, 48, 17, 50))")
    show(db, "SELECT round(ST_Area(ST_Buffer(MakePoint(0, 0), 2)), 6), AsText(ST_Intersection(BuildMbr(0,0,2,2), BuildMbr(1,1,3,3)))")
    show(db, "SELECT AsGeoJSON(place), HEX(AsBinary(place)) FROM town WHERE name = 'Brno'")
    show(db, "INSERT INTO town(name, place) VALUES('nowhere', GeomFromText('LINESTRING(0 0, 1 1)', 4326))")
    show(db, "UPDATE town SET place = MakePoint(1, 1, 4326) WHERE name = 'Wien'")
    show(db, "SELECT name FROM town WHERE rowid IN (SELECT rowid FROM SpatialIndex WHERE f_table_name = 'town' AND search_frame = BuildMbr(0, 0, 2, 2))")
    show(db, "SELECT CheckSpatialIndex('town', 'place'), DiscardGeometryColumn('town', 'place')")
    show(db, "SELECT count(*) FROM spatial_ref_sys")

try:
    import sqlite_vec
    path = sqlite_vec.loadable_path()
except ImportError:
    print("skip sqlite-vec: the Python package is not installed", file=sys.stderr)
    path = None
if path:
    print("== sqlite-vec")
    db = connect(path)
    show(db, "SELECT vec_version()")
    db.execute("CREATE VIRTUAL TABLE v USING vec0(id INTEGER PRIMARY KEY, e FLOAT[4], kind TEXT PARTITION KEY, +note TEXT)")
    for i in range(1, 51):
        vector = struct.pack("4f", i * 0.1, (i * 7 % 11) * 0.1, (i * 3 % 5) * 0.2, 1.0)
        db.execute("INSERT INTO v(id, e, kind, note) VALUES(?, ?, ?, ?)", (i, vector, "ab"[i % 2], f"n{i}"))
    show(db, "SELECT id, round(distance, 5), note FROM v WHERE e MATCH ? AND k = 5 ORDER BY distance", json.dumps([1, 0.5, 0.2, 1]))
    show(db, "SELECT id, round(distance, 5) FROM v WHERE e MATCH ? AND k = 3 AND kind = 'a'", json.dumps([3, 0.5, 0.2, 1]))
    show(db, "SELECT vec_to_json(e), kind FROM v WHERE id = 7")
    db.execute("DELETE FROM v WHERE id = 10")
    db.execute("UPDATE v SET e = '[9, 9, 9, 9]' WHERE id = 11")
    show(db, "SELECT count(*) FROM v")
    show(db, "SELECT id FROM v WHERE e MATCH '[9, 9, 9, 9]' AND k = 1")
    show(db, "SELECT vec_distance_cosine('[1, 2]', '[2, 1]'), vec_distance_L2('[1, 2]', '[2, 1]'), vec_to_json(vec_add('[1, 2]', '[2, 1]')), vec_length('[1, 2, 3]')")
    show(db, "SELECT vec_to_json(vec_quantize_binary('[1, -1, 1, -1, 1, -1, 1, -1]'))")
    show(db, "SELECT rowid, value FROM vec_each('[1, 2, 3]')")
    show(db, "INSERT INTO v(id, e) VALUES(99, '[1, 2]')")
    show(db, "SELECT name, type FROM sqlite_schema ORDER BY name")
    db.execute("DROP TABLE v")

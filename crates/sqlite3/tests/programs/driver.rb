# Ruby's gem sqlite3.
require "sqlite3"
file = ARGV[0]
db = SQLite3::Database.new(file)
db.execute_batch("CREATE TABLE book(id INTEGER PRIMARY KEY, title TEXT, year INT, cover BLOB); CREATE INDEX by_year ON book(year);")
db.transaction do
  [["Emma", 1815], ["Ulysses", 1922], ["Žert", 1967]].each { |t, y| db.execute("INSERT INTO book(title, year, cover) VALUES(?, ?, ?)", [t, y, SQLite3::Blob.new("a\0b")]) }
end
p db.last_insert_row_id, db.changes, db.total_changes
p db.execute("SELECT * FROM book WHERE year > :y ORDER BY id", "y" => 1900)
p db.get_first_value("SELECT typeof(cover) || length(cover) FROM book"), db.get_first_row("SELECT max(year), avg(year) FROM book")
db.results_as_hash = true
db.execute("SELECT title, year FROM book ORDER BY year DESC LIMIT 1") { |row| p row["title"], row["year"] }
db.results_as_hash = false
begin db.execute("INSERT INTO book(id) VALUES(1)") rescue p [$!.class, $!.message, $!.code] end
begin db.execute("SELECT nothing FROM book") rescue p [$!.class, $!.message] end
db.create_function("shout", 1) { |f, v| f.result = v.to_s.upcase + "!" }
p db.execute("SELECT shout(title) FROM book ORDER BY 1")
db.create_aggregate("years", 1) do
  step { |f, v| (f[:all] ||= []) << v }
  finalize { |f| f.result = f[:all].sort.join("-") }
end
p db.get_first_value("SELECT years(year) FROM book")
db.collation("backwards", Class.new { def compare(a, b) b <=> a end }.new)
p db.execute("SELECT title FROM book ORDER BY title COLLATE backwards")
db.execute("ALTER TABLE book RENAME TO volume"); db.execute("ALTER TABLE volume ADD COLUMN pages INT DEFAULT 100"); db.execute("ALTER TABLE volume DROP COLUMN cover")
p db.table_info("volume").map { |c| [c["name"], c["type"], c["dflt_value"], c["pk"]] }
db.prepare("SELECT id, title FROM volume WHERE id >= ?") { |s| s.bind_params(2); p s.columns, s.types, s.to_a }
db.authorizer = lambda { |action, *rest| action == 9 ? 1 : 0 }
begin db.execute("DELETE FROM volume") rescue p $!.message end
db.authorizer = nil
copy = SQLite3::Database.new(":memory:"); b = SQLite3::Backup.new(copy, "main", db, "main"); p b.step(-1), b.remaining, b.pagecount; b.finish
p copy.execute("SELECT count(*) FROM volume"), db.integrity_check, db.user_version, db.encoding
db.trace { |sql| puts "trace #{sql}" }; db.execute("UPDATE volume SET pages = pages + 1"); db.trace(nil)
p db.execute("SELECT sum(pages) FROM volume")
db.close

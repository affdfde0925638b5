# Tcl's package sqlite3.
package require sqlite3
set file [lindex $argv 0]
sqlite3 db $file
db eval {CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, born DATE, photo BLOB)}
foreach {name born} {Ada 1815-12-10 Blaise 1623-06-19 Čapek 1890-01-09} {
  db eval {INSERT INTO person(name, born, photo) VALUES($name, $born, zeroblob(10))}
}
puts "last [db last_insert_rowid] changes [db changes] total [db total_changes]"
db function reversed -deterministic {string reverse}
db collate backwards {apply {{a b} {string compare $b $a}}}
db eval {SELECT id, reversed(name) AS n, born FROM person ORDER BY name COLLATE backwards} row {
  puts [list $row(id) $row(n) $row(born)]
}
puts [db onecolumn {SELECT group_concat(name, '/') FROM person WHERE born < '1850-01-01'}]
puts [catch {db eval {INSERT INTO person(id, name) VALUES(1, 'again')}} message]:$message:[db errorcode]
puts [catch {db transaction {db eval {DELETE FROM person}; error stop}} message]:$message
puts [db eval {SELECT count(*) FROM person}]
set channel [db incrblob person photo 2]
fconfigure $channel -translation binary
puts -nonewline $channel "abc"
close $channel
puts [db eval {SELECT hex(photo) FROM person WHERE id = 2}]
db eval {ALTER TABLE person ADD COLUMN note TEXT DEFAULT 'none'; ALTER TABLE person RENAME COLUMN born TO birth; CREATE INDEX by_birth ON person(birth)}
puts [db eval {SELECT name, note FROM person WHERE birth > '1800' ORDER BY birth}]
set traced {}
db trace_v2 {apply {{id sql} {lappend ::traced $sql}}} statement
db eval {UPDATE person SET note = 'seen' WHERE id = 3}
puts $traced
db trace_v2 {}
db update_hook {apply {{args} {lappend ::hooked $args}}}
db eval {DELETE FROM person WHERE id = 1}
puts $hooked
db nullvalue nothing
puts [db eval {SELECT NULL, 1.5, 'x', 9007199254740993}]
db backup $file-copy
sqlite3 copy $file-copy
puts [copy eval {SELECT * FROM person; PRAGMA integrity_check}]
copy close
puts [db config enable_fkey 1][db exists {SELECT 1 FROM person WHERE id = 3}][db complete {SELECT 1;}]
set image [db serialize main]
sqlite3 second :memory:
second deserialize main $image
puts [second eval {SELECT name FROM person ORDER BY 1}]
second close
db close

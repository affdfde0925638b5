# Perl's DBD::SQLite.
use strict; use warnings; use utf8; use DBI; use DBD::SQLite::Constants qw(:all);
binmode STDOUT, ":utf8";
my $file = shift;
my $db = DBI->connect("dbi:SQLite:dbname=$file", "", "", { RaiseError => 1, PrintError => 0, sqlite_unicode => 1 });
$db->do("CREATE TABLE song(id INTEGER PRIMARY KEY, title TEXT NOT NULL, seconds INT, wave BLOB)");
my $in = $db->prepare("INSERT INTO song(title, seconds, wave) VALUES(?, ?, ?)");
$db->begin_work;
for (["Für Elise", 175], ["Bolero", 900], ["4'33", 273]) { $in->bind_param(1, $_->[0]); $in->bind_param(2, $_->[1]); $in->bind_param(3, "\x00\xff", DBI::SQL_BLOB()); $in->execute }
$db->commit;
print $db->last_insert_id("", "", "song", ""), " ", $in->rows, "\n";
print join("|", @$_), "\n" for @{ $db->selectall_arrayref("SELECT id, title, seconds, hex(wave) FROM song ORDER BY seconds") };
print join(",", map { "$_=" . $db->selectrow_hashref("SELECT title, seconds FROM song WHERE id = 2")->{$_} } qw(title seconds)), "\n";
eval { $db->do("INSERT INTO song(id, title) VALUES(1, 'x')") }; print $db->errstr, " ", $db->err, "\n";
eval { $db->do("INSERT INTO song(title) VALUES(NULL)") }; print $db->errstr, "\n";
$db->begin_work; $db->do("DELETE FROM song"); $db->rollback; print $db->selectrow_array("SELECT count(*) FROM song"), "\n";
$db->sqlite_create_function("minutes", 1, sub { sprintf "%d:%02d", int($_[0] / 60), $_[0] % 60 });
print join(" ", map { $_->[0] } @{ $db->selectall_arrayref("SELECT minutes(seconds) FROM song ORDER BY id") }), "\n";
{ package Longest; sub new { bless { l => "" } } sub step { my ($s, $v) = @_; $s->{l} = $v if length $v > length $s->{l} } sub finalize { $_[0]{l} } }
$db->sqlite_create_aggregate("longest", 1, "Longest"); print $db->selectrow_array("SELECT longest(title) FROM song"), "\n";
$db->sqlite_create_collation("backwards", sub { $_[1] cmp $_[0] });
print join(",", map { $_->[0] } @{ $db->selectall_arrayref("SELECT title FROM song ORDER BY title COLLATE backwards") }), "\n";
$db->do("ALTER TABLE song ADD COLUMN artist TEXT DEFAULT '?'"); $db->do("ALTER TABLE song RENAME COLUMN seconds TO length"); $db->do("CREATE UNIQUE INDEX by_title ON song(title)");
my $st = $db->prepare("SELECT * FROM song WHERE length > ? ORDER BY 1"); $st->execute(200); print join(",", @{ $st->{NAME} }), " ", join(",", map { $_ // "" } @{ $st->{TYPE} }), "\n"; while (my @r = $st->fetchrow_array) { print join("|", $r[0], $r[1], $r[2], $r[4]), "\n" }
print join(",", map { $_->{COLUMN_NAME} . ":" . $_->{TYPE_NAME} } @{ $db->column_info(undef, "main", "song", "%")->fetchall_arrayref({}) }), "\n";
print join(",", $db->primary_key(undef, undef, "song")), " ", join(",", sort map { /"?(\w+)"?$/ } $db->tables(undef, "main", "%", "TABLE")), "\n";
my @seen; $db->sqlite_update_hook(sub { push @seen, "$_[0]:$_[2]:$_[3]" }); $db->do("DELETE FROM song WHERE id = 3"); print "@seen\n"; $db->sqlite_update_hook(undef);
$db->sqlite_set_authorizer(sub { $_[0] == DBD::SQLite::DELETE ? DBD::SQLite::DENY : DBD::SQLite::OK }); eval { $db->do("DELETE FROM song") }; print $db->errstr, "\n"; $db->sqlite_set_authorizer(undef);
$db->sqlite_backup_to_file("$file-copy"); my $copy = DBI->connect("dbi:SQLite:dbname=$file-copy", "", ""); print $copy->selectrow_array("PRAGMA integrity_check"), $copy->selectrow_array("SELECT count(*) FROM song"), "\n";
print join(",", map { $_ // "NULL" } $db->selectrow_array("SELECT NULL, 1.5, 9007199254740993, 'ž', x'41'")), " ", $db->sqlite_table_column_metadata(undef, "song", "title")->{data_type}, "\n";
$st->finish; $copy->disconnect; $db->disconnect;

#!/bin/bash
# usage: run.sh LIB [SQLITE]
# Programs and extensions that were built for SQLite, each run on SQLITE (a libsqlite3.so.0; without it the one that the system
# has) and on LIB (the path of libsqlite3.so). What they print must be the same. What is not installed is skipped, and says so.
set -u
here=$(cd "$(dirname "$0")" && pwd)
ours=$(realpath "${1:?usage: run.sh LIB [SQLITE]}")
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
mkdir "$work/ours" "$work/sqlite"
ln -s "$ours" "$work/ours/libsqlite3.so.0"
[ -n "${2:-}" ] && ln -s "$(realpath "$2")" "$work/sqlite/libsqlite3.so.0"
failed=0 passed=0

# compare NAME PROBE COMMAND...: PROBE succeeds where the program is there.
compare() {
  local name=$1 probe=$2; shift 2
  if ! bash -c "$probe" > "$work/probe" 2>&1; then
    echo "skip $name: $(head -c 200 "$work/probe" | head -1)"; return
  fi
  for lib in sqlite ours; do
    rm -rf "$work/files"; mkdir "$work/files"
    LD_LIBRARY_PATH="$work/$lib" "$@" "$work/files/x.db" > "$work/$lib.out" 2> "$work/$lib.err"
    echo "exit $?" >> "$work/$lib.out"
  done
  grep -h '^skip ' "$work/ours.err"
  if [ "$(tail -1 "$work/sqlite.out")" = "exit 0" ] && diff "$work/sqlite.out" "$work/ours.out" > "$work/diff"; then
    passed=$((passed + 1)); echo "same $name ($(wc -l < "$work/ours.out") lines)"
  else
    failed=$((failed + 1)); echo "DIFFERENT $name"; head -40 "$work/diff"; tail -5 "$work/ours.err"
  fi
}

# The interpreter whose module can load extensions; PYTHON names another, PYTHONPATH where packages are that it has not got.
python=$(for p in ${PYTHON:-} /usr/bin/python3 python3; do "$p" -c 'import sqlite3; sqlite3.connect(":memory:").enable_load_extension(1)' 2>/dev/null && echo "$p" && break; done)

compare tcl "echo 'package require sqlite3' | tclsh" tclsh "$here/driver.tcl"
compare php "php -r 'new PDO(\"sqlite::memory:\"); new SQLite3(\":memory:\");'" php "$here/driver.php"
compare ruby "ruby -rsqlite3 -e 1" ruby "$here/driver.rb"
compare perl "perl -MDBD::SQLite -e 1" perl "$here/driver.pl"
compare django "${python:-python3} -c 'import django.db.backends.sqlite3.base'" "${python:-python3}" "$here/django_app.py"
compare sqlalchemy "${python:-python3} -c 'import sqlalchemy, alembic'" "${python:-python3}" "$here/sqlalchemy_app.py"
compare extensions "${python:-python3} -c 'import sqlite3; sqlite3.connect(\":memory:\").enable_load_extension(1)'" "${python:-python3}" "$here/extensions.py"
echo "same $passed, different $failed"
[ "$failed" = 0 ]

/* Sessions, changesets, changegroups, rebasers. */
#include "api.h"

typedef struct { char *bytes; int size, at; } Bytes;

static int give(void *p, void *buffer, int *size) {
  Bytes *b = p;
  int count = b->size - b->at < *size ? b->size - b->at : *size;
  if (count > 10) count = 10;
  memcpy(buffer, b->bytes + b->at, count); b->at += count; *size = count;
  return SQLITE_OK;
}
static int broken(void *p, void *buffer, int *size) { (void)p; (void)buffer; (void)size; return SQLITE_FULL; }
static int gather(void *p, const void *piece, int size) {
  Bytes *b = p;
  b->bytes = realloc(b->bytes, b->size + size); memcpy(b->bytes + b->size, piece, size); b->size += size;
  return SQLITE_OK;
}
static int refuse(void *p, const void *piece, int size) { (void)p; (void)piece; (void)size; return SQLITE_IOERR; }

static void show_current(sqlite3_changeset_iter *walk, int conflict) {
  const char *table = 0; int columns = 0, op = 0, indirect = 0, count = 0; unsigned char *key = 0; sqlite3_value *value;
  printf("  op rc %d", sqlite3changeset_op(walk, &table, &columns, &op, &indirect));
  printf(" %s %d columns op %d indirect %d\n", table ? table : "none", columns, op, indirect);
  printf("  pk rc %d", sqlite3changeset_pk(walk, &key, &count)); show_bytes(" key", key, count);
  for (int i = 0; i <= columns; i++) {
    value = 0; int rc = sqlite3changeset_old(walk, i, &value); printf("  old %d rc %d ", i, rc); show_value("", value);
    value = 0; rc = sqlite3changeset_new(walk, i, &value); printf("  new %d rc %d ", i, rc); show_value("", value);
    if (conflict) { value = 0; rc = sqlite3changeset_conflict(walk, i, &value); printf("  conflict %d rc %d ", i, rc); show_value("", value); }
  }
}
static void show_changes(const void *bytes, int size, int flags) {
  sqlite3_changeset_iter *walk = 0; int rc;
  RC(sqlite3changeset_start_v2(&walk, size, (void *)bytes, flags));
  while ((rc = sqlite3changeset_next(walk)) == SQLITE_ROW) show_current(walk, 0);
  INT(rc); RC(sqlite3changeset_finalize(walk));
}
static int answer;
static int resolve(void *p, int kind, sqlite3_changeset_iter *walk) {
  int broken_keys = -1;
  printf("conflict %s %d\n", (char *)p, kind);
  if (kind == SQLITE_CHANGESET_FOREIGN_KEY) { RC(sqlite3changeset_fk_conflicts(walk, &broken_keys)); INT(broken_keys); return answer ? SQLITE_CHANGESET_ABORT : SQLITE_CHANGESET_OMIT; }
  show_current(walk, kind == SQLITE_CHANGESET_DATA || kind == SQLITE_CHANGESET_CONFLICT);
  RC(sqlite3changeset_fk_conflicts(walk, &broken_keys));
  return kind == SQLITE_CHANGESET_DATA || kind == SQLITE_CHANGESET_CONFLICT ? answer : SQLITE_CHANGESET_OMIT;
}
static int only_t(void *p, const char *table) { (void)p; printf("filter %s\n", table); return !strcmp(table, "t"); }
static int no_deletes(void *p, sqlite3_changeset_iter *walk) { (void)p; const char *t; int n, op; sqlite3changeset_op(walk, &t, &n, &op, 0); printf("filter change %d\n", op); return op != SQLITE_DELETE; }

static const char *const setup = "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c UNIQUE); INSERT INTO t VALUES(1, 'one', 1), (2, 'two', 2), (3, 'three', 3); CREATE TABLE u(x PRIMARY KEY, y); CREATE TABLE plain(x)";
static const char *const work = "INSERT INTO t VALUES(4, x'0405', 4.5); UPDATE t SET b = NULL WHERE a = 1; DELETE FROM t WHERE a = 2; INSERT INTO u VALUES('k', 'v'); INSERT INTO plain VALUES(1)";

static void groups(sqlite3 *db, void *first, int first_size, void *second, int second_size) {
  sqlite3_changegroup *group = 0; sqlite3_changeset_iter *walk = 0; char *message = 0; void *out = 0; int size = 0, flag = -1; Bytes gathered = {0}, source = {first, first_size, 0};
  RC(sqlite3changeset_concat(first_size, first, second_size, second, &size, &out)); show_bytes("concat", out, size); sqlite3_free(out);
  source.at = 0; Bytes other = {second, second_size, 0}; RC(sqlite3changeset_concat_strm(give, &source, give, &other, gather, &gathered)); show_bytes("concat_strm", gathered.bytes, gathered.size);
  RC(sqlite3changegroup_new(&group)); RC(sqlite3changegroup_config(group, SQLITE_CHANGEGROUP_CONFIG_PATCHSET, &flag)); INT(flag); RC(sqlite3changegroup_config(group, 77, &flag));
  RC(sqlite3changegroup_schema(group, db, "main")); RC(sqlite3changegroup_add(group, first_size, first)); source.at = 0; RC(sqlite3changegroup_add_strm(group, give, &source)); RC(sqlite3changegroup_add(group, 3, "xyz"));
  RC(sqlite3changeset_start(&walk, second_size, second)); RC(sqlite3changegroup_add_change(group, walk)); RC(sqlite3changeset_next(walk)); RC(sqlite3changegroup_add_change(group, walk)); RC(sqlite3changeset_finalize(walk));
  RC(sqlite3changegroup_change_begin(group, SQLITE_INSERT, "t", 1, &message)); RC(sqlite3changegroup_change_begin(group, SQLITE_INSERT, "t", 1, &message));
  RC(sqlite3changegroup_change_int64(group, 1, 0, 50)); RC(sqlite3changegroup_change_text(group, 1, 1, "told", -1)); RC(sqlite3changegroup_change_double(group, 1, 2, 0.5)); RC(sqlite3changegroup_change_null(group, 0, 1)); RC(sqlite3changegroup_change_null(group, 1, 7)); RC(sqlite3changegroup_change_finish(group, 0, &message)); STR(message);
  RC(sqlite3changegroup_change_begin(group, SQLITE_DELETE, "u", 0, &message)); RC(sqlite3changegroup_change_blob(group, 0, 0, "bl", 2)); RC(sqlite3changegroup_change_finish(group, 0, &message)); STR(message); sqlite3_free(message);
  RC(sqlite3changegroup_change_begin(group, SQLITE_UPDATE, "nothing", 0, &message)); STR(message); sqlite3_free(message); RC(sqlite3changegroup_change_null(group, 0, 0)); RC(sqlite3changegroup_change_finish(group, 1, &message));
  RC(sqlite3changegroup_output(group, &size, &out)); show_bytes("group", out, size); sqlite3_free(out); Bytes all = {0}; RC(sqlite3changegroup_output_strm(group, gather, &all)); INT(all.size == size); RC(sqlite3changegroup_output_strm(group, refuse, 0));
  sqlite3changegroup_delete(group); sqlite3changegroup_delete(0); free(gathered.bytes); free(all.bytes);
}

static void applying(void *changes, int size, void *local, int local_size) {
  for (answer = 0; answer <= 2; answer++) {
    sqlite3 *db = fresh(); void *rebase = 0, *out = 0; int rebase_size = 0, out_size = 0; Bytes source = {changes, size, 0}, gathered = {0};
    rows(db, setup); run(db, "UPDATE t SET b = 'mine' WHERE a = 1; DELETE FROM t WHERE a = 2; INSERT INTO t VALUES(4, 'here', 44)");
    RC(sqlite3changeset_apply_v2(db, size, changes, only_t, resolve, "v2", &rebase, &rebase_size, 0)); STR(sqlite3_errmsg(db)); show_bytes("rebase", rebase, rebase_size); rows(db, "SELECT a, quote(b), c FROM t ORDER BY a; SELECT * FROM u");
    if (rebase) {
      sqlite3_rebaser *rebaser = 0;
      RC(sqlite3rebaser_create(&rebaser)); RC(sqlite3rebaser_configure(rebaser, rebase_size, rebase)); RC(sqlite3rebaser_rebase(rebaser, local_size, local, &out_size, &out)); show_bytes("rebased", out, out_size); sqlite3_free(out);
      Bytes from = {local, local_size, 0}; RC(sqlite3rebaser_rebase_strm(rebaser, give, &from, gather, &gathered)); INT(gathered.size == out_size); sqlite3rebaser_delete(rebaser); sqlite3rebaser_delete(0);
    }
    sqlite3_free(rebase); free(gathered.bytes); sqlite3_close(db);
  }
  answer = 0;
  sqlite3 *db = fresh(); rows(db, setup); void *rebase = 0; int rebase_size = 0; Bytes source = {changes, size, 0};
  RC(sqlite3changeset_apply(db, size, changes, 0, resolve, "v1")); rows(db, "SELECT a, quote(b), c FROM t ORDER BY a; SELECT * FROM u");
  RC(sqlite3changeset_apply_v2(db, size, changes, 0, resolve, "inverted", 0, 0, SQLITE_CHANGESETAPPLY_INVERT)); rows(db, "SELECT a, quote(b), c FROM t ORDER BY a");
  RC(sqlite3changeset_apply_v3(db, size, changes, no_deletes, resolve, "v3", &rebase, &rebase_size, 0)); rows(db, "SELECT a FROM t ORDER BY a");
  RC(sqlite3changeset_apply_strm(db, give, &source, 0, resolve, "strm")); source.at = 0; RC(sqlite3changeset_apply_v2_strm(db, give, &source, only_t, resolve, "v2_strm", 0, 0, SQLITE_CHANGESETAPPLY_IGNORENOOP));
  source.at = 0; RC(sqlite3changeset_apply_v3_strm(db, give, &source, no_deletes, resolve, "v3_strm", 0, 0, SQLITE_CHANGESETAPPLY_IGNORENOOP)); RC(sqlite3changeset_apply_strm(db, broken, 0, 0, resolve, "broken")); RC(sqlite3changeset_apply(db, 5, "T\2\1\0t", 0, resolve, "cut")); STR(sqlite3_errmsg(db));
  run(db, "PRAGMA foreign_keys = 1; CREATE TABLE child(x PRIMARY KEY, y REFERENCES t)"); RC(sqlite3changeset_apply(db, 30, "T\2\1\0child\0\x12\0\1\0\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0\x63", 0, resolve, "orphan")); rows(db, "SELECT * FROM child");
  sqlite3_free(rebase); sqlite3_close(db);
}

void sessions(void) {
  sqlite3 *db = fresh(); sqlite3_session *session = 0, *second = 0; void *changes = 0, *patch = 0, *inverse = 0, *later = 0; int size = 0, patch_size = 0, inverse_size = 0, later_size = 0, number = 3; Bytes gathered = {0}, patched = {0}, turned = {0}; char *message = 0;
  rows(db, setup);
  RC(sqlite3session_config(SQLITE_SESSION_CONFIG_STRMSIZE, &number)); INT(number); RC(sqlite3session_config(99, &number));
  RC(sqlite3session_create(db, "main", &session)); RC(sqlite3session_object_config(session, SQLITE_SESSION_OBJCONFIG_ROWID, &number)); INT(number); number = 0; RC(sqlite3session_object_config(session, SQLITE_SESSION_OBJCONFIG_ROWID, &number)); INT(number); number = 1; RC(sqlite3session_object_config(session, SQLITE_SESSION_OBJCONFIG_SIZE, &number)); RC(sqlite3session_object_config(session, 99, &number));
  RC(sqlite3session_attach(session, "t")); RC(sqlite3session_attach(session, "nothing")); RC(sqlite3session_attach(session, 0)); number = 0; RC(sqlite3session_object_config(session, SQLITE_SESSION_OBJCONFIG_SIZE, &number)); INT(number);
  INT(sqlite3session_enable(session, -1)); INT(sqlite3session_indirect(session, -1)); INT(sqlite3session_isempty(session)); INT(sqlite3session_changeset_size(session)); INT(sqlite3session_memory_used(session) >= 0);
  rows(db, work); INT(sqlite3session_isempty(session)); SET(sqlite3session_changeset_size(session) > 50);
  RC(sqlite3session_changeset(session, &size, &changes)); show_bytes("changeset", changes, size); RC(sqlite3session_patchset(session, &patch_size, &patch)); show_bytes("patchset", patch, patch_size);
  RC(sqlite3session_changeset_strm(session, gather, &gathered)); INT(gathered.size == size && !memcmp(gathered.bytes, changes, size)); RC(sqlite3session_patchset_strm(session, gather, &patched)); INT(patched.size == patch_size); RC(sqlite3session_changeset_strm(session, refuse, 0));
  INT(sqlite3session_enable(session, 0)); rows(db, "INSERT INTO u VALUES('unseen', 1)"); INT(sqlite3session_enable(session, 1)); INT(sqlite3session_indirect(session, 1)); rows(db, "INSERT INTO u VALUES('indirect', 1)"); sqlite3session_delete(session);
  show_changes(changes, size, 0); show_changes(changes, size, SQLITE_CHANGESETSTART_INVERT); show_changes(patch, patch_size, 0); show_changes(patch, patch_size, SQLITE_CHANGESETSTART_INVERT); show_changes(changes, size - 2, 0); show_changes("xyz", 3, 0);
  RC(sqlite3changeset_invert(size, changes, &inverse_size, &inverse)); show_bytes("inverse", inverse, inverse_size); Bytes source = {changes, size, 0}; RC(sqlite3changeset_invert_strm(give, &source, gather, &turned)); INT(turned.size == inverse_size); sqlite3_changeset_iter *walk = 0; source.at = 0;
  RC(sqlite3changeset_start_strm(&walk, give, &source)); RC(sqlite3changeset_next(walk)); RC(sqlite3changeset_finalize(walk)); RC(sqlite3changeset_start_v2_strm(&walk, broken, 0, 0)); RC(sqlite3changeset_next(walk)); RC(sqlite3changeset_finalize(walk)); RC(sqlite3changeset_invert(patch_size, patch, &inverse_size, &message)); 
  RC(sqlite3session_create(db, "main", &second)); sqlite3session_table_filter(second, only_t, 0); rows(db, "UPDATE t SET b = 'later' WHERE a = 4; UPDATE t SET b = 'mine' WHERE a = 1; INSERT INTO u VALUES('filtered', 1)"); RC(sqlite3session_changeset(second, &later_size, &later)); show_bytes("later", later, later_size);
  rows(db, "ATTACH ':memory:' AS o; CREATE TABLE o.u(x PRIMARY KEY, y); INSERT INTO o.u VALUES('k', 'other'), ('gone', 1); CREATE TABLE o.t(a)");
  RC(sqlite3session_diff(second, "o", "u", &message)); STR(message); sqlite3_free(message); message = 0; RC(sqlite3session_diff(second, "o", "t", &message)); STR(message); sqlite3_free(message); message = 0; RC(sqlite3session_diff(second, "nowhere", "t", &message)); STR(message); sqlite3_free(message);
  void *difference = 0; int difference_size = 0; RC(sqlite3session_changeset(second, &difference_size, &difference)); show_bytes("difference", difference, difference_size); sqlite3_free(difference); sqlite3session_delete(second);
  groups(db, changes, size, later, later_size);
  applying(changes, size, later, later_size);
  sqlite3_free(changes); sqlite3_free(patch); sqlite3_free(inverse); sqlite3_free(later); free(gathered.bytes); free(patched.bytes); free(turned.bytes);
  RC(sqlite3_close(db));
}

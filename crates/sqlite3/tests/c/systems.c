/* Files: system calls, methods of open files, what a VFS is told, page caches. */
#include "api.h"
#include <errno.h>
#include <sys/stat.h>

static int asked;
static char *refuse_getcwd(char *out, size_t size) { (void)out; (void)size; asked++; errno = EIO; return 0; }
static int refuse_lstat(const char *path, struct stat *facts) { (void)path; (void)facts; asked++; errno = EIO; return -1; }
static ssize_t refuse_readlink(const char *path, char *out, size_t size) { (void)path; (void)out; (void)size; asked++; errno = EIO; return -1; }
static int refuse_access(const char *path, int how) { (void)path; (void)how; asked++; errno = EACCES; return -1; }
static int (*stat_below)(const char *, struct stat *);
static int count_stat(const char *path, struct stat *facts) { asked++; return stat_below(path, facts); }

static void try_name(const char *name) {
  sqlite3 *db = 0; int code;
  asked = 0; code = sqlite3_open_v2(name, &db, SQLITE_OPEN_READONLY, 0); INT(code); if (code == 0) rows(db, "SELECT * FROM t"); INT(sqlite3_errcode(db)); INT(asked > 0); RC(sqlite3_close(db));
}

/* The calls that find files by their names. */
static void names(void) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(0); sqlite3 *db = 0; int can = -1; char whole[1200], link[1200];
  snprintf(whole, sizeof whole, "%s", scratch("whole.db")); snprintf(link, sizeof link, "%s", scratch("link.db")); RC(sqlite3_open(whole, &db)); rows(db, "CREATE TABLE t(a); INSERT INTO t VALUES(1)"); RC(sqlite3_close(db)); INT(symlink("whole.db", link)); try_name(link);
  RC(vfs->xSetSystemCall(vfs, "getcwd", (sqlite3_syscall_ptr)refuse_getcwd)); try_name("no-such-relative.db"); RC(vfs->xSetSystemCall(vfs, "getcwd", 0));
  RC(vfs->xSetSystemCall(vfs, "lstat", (sqlite3_syscall_ptr)refuse_lstat)); try_name(whole); RC(vfs->xSetSystemCall(vfs, "lstat", 0));
  RC(vfs->xSetSystemCall(vfs, "readlink", (sqlite3_syscall_ptr)refuse_readlink)); try_name(link); try_name(whole); RC(vfs->xSetSystemCall(vfs, "readlink", 0));
  RC(vfs->xAccess(vfs, whole, SQLITE_ACCESS_READWRITE, &can)); INT(can); asked = 0; RC(vfs->xSetSystemCall(vfs, "access", (sqlite3_syscall_ptr)refuse_access)); RC(vfs->xAccess(vfs, whole, SQLITE_ACCESS_READWRITE, &can)); INT(can); INT(asked); RC(vfs->xSetSystemCall(vfs, "access", 0));
  stat_below = (int (*)(const char *, struct stat *))vfs->xGetSystemCall(vfs, "stat"); asked = 0; RC(vfs->xSetSystemCall(vfs, "stat", (sqlite3_syscall_ptr)count_stat)); RC(vfs->xAccess(vfs, whole, SQLITE_ACCESS_EXISTS, &can)); INT(can); RC(vfs->xAccess(vfs, scratch("nothing"), SQLITE_ACCESS_EXISTS, &can)); INT(can); INT(asked); RC(vfs->xSetSystemCall(vfs, "stat", 0));
}

static int refused;
static int refuse_open(const char *path, int flags, int mode) { (void)path; (void)flags; (void)mode; refused++; errno = EACCES; return -1; }

static void system_calls(void) {
  sqlite3_vfs *vfs = sqlite3_vfs_find(0); const char *name = 0; sqlite3 *db = 0;
  while ((name = vfs->xNextSystemCall(vfs, name))) printf("%s %d\n", name, vfs->xGetSystemCall(vfs, name) != 0);
  SET(vfs->xGetSystemCall(vfs, "nothing")); RC(vfs->xSetSystemCall(vfs, "nothing", 0)); RC(vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)refuse_open));
  RC(sqlite3_open(scratch("refused.db"), &db)); INT(refused > 0); INT(sqlite3_system_errno(db) == EACCES); RC(sqlite3_close(db));
  RC(vfs->xSetSystemCall(vfs, "open", 0)); RC(sqlite3_open(scratch("refused.db"), &db)); RC(sqlite3_close(db)); RC(vfs->xSetSystemCall(vfs, 0, 0));
}

/* A directory in which neither journals nor logs can be made. */
static int (*open_below)(const char *, int, int);
static int refuse_companions(const char *path, int flags, int mode) { if (strstr(path, "-journal") || strstr(path, "-wal")) { errno = EACCES; return -1; } return open_below(path, flags, mode); }
static void read_only_directory(void) {
  sqlite3 *db = 0; sqlite3_vfs *vfs = sqlite3_vfs_find(0);
  RC(sqlite3_open(scratch("shut.db"), &db)); rows(db, "CREATE TABLE t(a); INSERT INTO t VALUES(1)"); open_below = (int (*)(const char *, int, int))vfs->xGetSystemCall(vfs, "open"); RC(vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)refuse_companions));
  run(db, "INSERT INTO t VALUES(2)"); INT(sqlite3_extended_errcode(db)); run(db, "SELECT * FROM t"); RC(vfs->xSetSystemCall(vfs, "open", 0)); run(db, "INSERT INTO t VALUES(3); PRAGMA journal_mode = wal"); RC(sqlite3_close(db));
  RC(vfs->xSetSystemCall(vfs, "open", (sqlite3_syscall_ptr)refuse_companions)); RC(sqlite3_open(scratch("shut.db"), &db)); run(db, "SELECT * FROM t"); INT(sqlite3_extended_errcode(db)); RC(sqlite3_close(db)); RC(vfs->xSetSystemCall(vfs, "open", 0));
}

static const sqlite3_io_methods *below; static sqlite3_io_methods above; static int reads, writes, syncs;
static int count_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { reads++; return below->xRead(f, p, n, at); }
static int count_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at) { writes++; return below->xWrite(f, p, n, at); }
static int count_sync(sqlite3_file *f, int flags) { syncs++; return below->xSync(f, flags); }

static void methods_of_a_file(void) {
  sqlite3 *db = 0; sqlite3_file *file = 0;
  RC(sqlite3_open(scratch("methods.db"), &db)); run(db, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
  RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file)); below = file->pMethods; above = *below; above.xRead = count_read; above.xWrite = count_write; above.xSync = count_sync;
  file->pMethods = &above; run(db, "INSERT INTO t VALUES(2); SELECT * FROM t"); INT(reads > 0); INT(writes > 0); INT(syncs > 0);
  file->pMethods = below; reads = writes = syncs = 0; run(db, "INSERT INTO t VALUES(3); SELECT * FROM t"); INT(reads + writes + syncs); RC(sqlite3_close(db));
}

static sqlite3_vfs *base; static sqlite3_vfs shim; static sqlite3_io_methods told; static const sqlite3_io_methods *base_methods;
static int told_control(sqlite3_file *f, int op, void *argument) {
  if (op == SQLITE_FCNTL_PRAGMA) {
    char **texts = argument; printf("pragma %s(%s)\n", texts[1], texts[2] ? texts[2] : "NULL");
    if (!strcmp(texts[1], "answered")) { texts[0] = sqlite3_mprintf("it is %s", texts[2] ? texts[2] : "so"); return SQLITE_OK; }
    if (!strcmp(texts[1], "silent")) return SQLITE_OK;
    if (!strcmp(texts[1], "refused")) { texts[0] = sqlite3_mprintf("not here"); return SQLITE_ERROR; }
    if (!strcmp(texts[1], "failed")) return SQLITE_IOERR;
  }
  return base_methods->xFileControl(f, op, argument);
}
static int shim_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
  (void)v; int rc = base->xOpen(base, name, f, flags, out);
  if (rc == SQLITE_OK && flags & SQLITE_OPEN_MAIN_DB) { base_methods = f->pMethods; told = *base_methods; told.xFileControl = told_control; f->pMethods = &told; }
  return rc;
}

static void pragmas_of_a_file(void) {
  sqlite3 *db = 0; sqlite3_stmt *stmt = 0; base = sqlite3_vfs_find(0); shim = *base; shim.zName = "told"; shim.xOpen = shim_open; RC(sqlite3_vfs_register(&shim, 0));
  RC(sqlite3_open_v2(scratch("told.db"), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "told"));
  run(db, "PRAGMA user_version = 5; PRAGMA user_version"); run(db, "PRAGMA answered"); run(db, "PRAGMA main.answered = 'x''y'"); run(db, "PRAGMA answered(-3)"); run(db, "PRAGMA silent"); run(db, "PRAGMA refused"); run(db, "PRAGMA failed = 1"); run(db, "PRAGMA nobody");
  RC(sqlite3_prepare_v2(db, "PRAGMA answered; SELECT 1", -1, &stmt, 0)); STR(sqlite3_sql(stmt)); INT(sqlite3_column_count(stmt)); RC(sqlite3_step(stmt)); STR(sqlite3_column_text(stmt, 0)); RC(sqlite3_step(stmt)); RC(sqlite3_finalize(stmt));
  RC(sqlite3_close(db)); RC(sqlite3_vfs_unregister(&shim));
}

/* A VFS that watches reads of the log, and lets nobody lock the wal-index once the database is locked exclusively. */
static sqlite3_io_methods watched, watched_log; static const sqlite3_io_methods *base_log; static int longest_read, exclusive, refused_locks;
static int watched_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { if (n > longest_read) longest_read = n; return base_log->xRead(f, p, n, at); }
static int watched_lock(sqlite3_file *f, int level) { int rc = base_methods->xLock(f, level); if (rc == SQLITE_OK && level == SQLITE_LOCK_EXCLUSIVE) exclusive = 1; return rc; }
static int watched_shm_lock(sqlite3_file *f, int first, int n, int flags) { if (exclusive && flags & SQLITE_SHM_LOCK) { refused_locks++; return SQLITE_BUSY; } return base_methods->xShmLock(f, first, n, flags); }
static int watch_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
  (void)v; int rc = base->xOpen(base, name, f, flags, out);
  if (rc == SQLITE_OK && flags & SQLITE_OPEN_MAIN_DB) { base_methods = f->pMethods; watched = *base_methods; watched.xLock = watched_lock; watched.xShmLock = watched_shm_lock; f->pMethods = &watched; }
  if (rc == SQLITE_OK && flags & SQLITE_OPEN_WAL) { base_log = f->pMethods; watched_log = *base_log; watched_log.xRead = watched_read; f->pMethods = &watched_log; }
  return rc;
}
void copy_file(const char *from, const char *to) {
  char buffer[4096]; size_t n; FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  while (in && out && (n = fread(buffer, 1, sizeof buffer, in)) > 0) fwrite(buffer, 1, n, out);
  if (in) fclose(in); if (out) fclose(out);
}

static void logs_through_a_vfs(void) {
  sqlite3 *db = 0, *watcher = 0; base = sqlite3_vfs_find(0); shim = *base; shim.zName = "watch"; shim.xOpen = watch_open; RC(sqlite3_vfs_register(&shim, 0));
  RC(sqlite3_open(scratch("logged.db"), &db)); run(db, "PRAGMA journal_mode = wal; CREATE TABLE t(a); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2); INSERT INTO t VALUES(3)");
  copy_file(scratch("logged.db"), scratch("copied.db")); copy_file(scratch("logged.db-wal"), scratch("copied.db-wal")); RC(sqlite3_close(db));
  RC(sqlite3_open_v2(scratch("copied.db"), &watcher, SQLITE_OPEN_READWRITE, "watch")); run(watcher, "SELECT * FROM t; INSERT INTO t VALUES(4)"); INT(longest_read <= 4096 + 24); INT(access(scratch("copied.db-wal"), F_OK));
  RC(sqlite3_close(watcher)); INT(exclusive); INT(refused_locks); INT(access(scratch("copied.db-wal"), F_OK)); INT(access(scratch("copied.db-shm"), F_OK));
  RC(sqlite3_open(scratch("copied.db"), &db)); run(db, "SELECT * FROM t"); RC(sqlite3_close(db)); RC(sqlite3_vfs_unregister(&shim));
}

static void sizes(void) {
  sqlite3 *db = 0; int chunk = 8192; sqlite3_int64 hint = 9000; struct stat facts; FILE *one;
  RC(sqlite3_open(scratch("chunks.db"), &db)); run(db, "CREATE TABLE t(a)"); RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk)); RC(sqlite3_file_control(db, "main", SQLITE_FCNTL_SIZE_HINT, &hint));
  stat(scratch("chunks.db"), &facts); INT(facts.st_size); run(db, "INSERT INTO t VALUES(1); SELECT * FROM t; PRAGMA integrity_check"); RC(sqlite3_close(db));
  one = fopen(scratch("one.db"), "wb"); fputc('x', one); fclose(one); RC(sqlite3_open(scratch("one.db"), &db)); run(db, "CREATE TABLE t(a); PRAGMA integrity_check"); RC(sqlite3_close(db));
}

static void permissions(void) {
  sqlite3 *db = 0; struct stat facts; char name[2200]; const char *model = scratch("model.db");
  RC(sqlite3_open(model, &db)); run(db, "CREATE TABLE t(a)"); RC(sqlite3_close(db)); chmod(model, 0640);
  snprintf(name, sizeof name, "file:%s?modeof=%s", scratch("like.db"), model);
  RC(sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, 0)); run(db, "CREATE TABLE t(a)"); RC(sqlite3_close(db));
  INT(stat(scratch("like.db"), &facts)); printf("%o\n", (unsigned)(facts.st_mode & 0777));
}

static void normal_forms(void) {
  static const char *const texts[] = {"SELECT  a ,\n'lit' FROM T -- c\n WHERE b IS NULL AND a=?1 AND b IN (1, 2)", "select \"a\", \"text\", [b], count(*) from t group by 1", "insert into t values(x'00', null, -1.5, :name)", "select a in (), a in (b, 1), a in (select 1) from t; select 2", "PRAGMA cache_size=10", "with r(i) as (values(1)) select i from r order by i limit 5"};
  sqlite3 *db = fresh(); sqlite3_stmt *stmt = 0, *old = 0; run(db, "CREATE TABLE t(a, b, c, d)");
  RC(sqlite3_prepare_v2(db, "SELECT a FROM t", -1, &old, 0));
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) { RC(sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_NORMALIZE, &stmt, 0)); STR(sqlite3_normalized_sql(stmt)); RC(sqlite3_finalize(stmt)); }
  RC(sqlite3_step(old)); INT(sqlite3_stmt_status(old, SQLITE_STMTSTATUS_REPREPARE, 0)); RC(sqlite3_finalize(old)); RC(sqlite3_close(db));
}

static void comments(void) {
  sqlite3 *db = fresh(); sqlite3_stmt *stmt = 0; const char *tail = 0; int on = 9;
  RC(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_COMMENTS, 0, &on)); INT(on);
  run(db, "SELECT 1 -- one"); INT(sqlite3_error_offset(db)); run(db, "SELECT /* two */ 2"); run(db, "SELECT 3 - -3; -- three");
  RC(sqlite3_prepare_v2(db, "SELECT 4; /* four */", -1, &stmt, &tail)); show_text("tail", tail); RC(sqlite3_finalize(stmt));
  RC(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_COMMENTS, 1, &on)); INT(on); run(db, "SELECT 5 /* five */"); RC(sqlite3_close(db));
}

static void without_virtual_tables(void) {
  static const char *const texts[] = {"SELECT 1", "SELECT * FROM t", "SELECT * FROM r", "INSERT INTO r VALUES(1, 2, 3)", "SELECT * FROM t, json_each('[1]')", "DROP TABLE r", "CREATE VIRTUAL TABLE q USING rtree(a, b, c)", "PRAGMA integrity_check"};
  sqlite3 *db = fresh(); sqlite3_stmt *stmt = 0; run(db, "CREATE TABLE t(a); CREATE VIRTUAL TABLE r USING rtree(a, b, c)");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) { printf("%s\n", texts[i]); RC(sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_NO_VTAB, &stmt, 0)); STR(sqlite3_errmsg(db)); SET(stmt); RC(sqlite3_finalize(stmt)); }
  RC(sqlite3_close(db));
}

/* Attached databases open through the VFS of the main database with the parameters of their URI, or through the one they name. */
static int tell_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out) {
  (void)v;
  if (flags & SQLITE_OPEN_MAIN_DB) { printf("open %s", strrchr(name, '/')); for (int i = 0; sqlite3_uri_key(name, i); i++) { const char *value = sqlite3_uri_parameter(name, sqlite3_uri_key(name, i)), *last = strrchr(value, '/'); printf(" %s=%s", sqlite3_uri_key(name, i), last ? last : value); } printf(flags & SQLITE_OPEN_URI ? " by a URI\n" : "\n"); }
  return base->xOpen(base, name, f, flags, out);
}
static void attached(void) {
  sqlite3 *db = 0; char text[3000], name[2200]; struct stat facts; base = sqlite3_vfs_find(0); shim = *base; shim.zName = "tells"; shim.xOpen = tell_open; RC(sqlite3_vfs_register(&shim, 0));
  RC(sqlite3_open(scratch("model.db"), &db)); rows(db, "CREATE TABLE IF NOT EXISTS t(a)"); RC(sqlite3_close(db)); chmod(scratch("model.db"), 0640);
  snprintf(name, sizeof name, "file:%s?one=1&two=b%%20c", scratch("main.db"));
  RC(sqlite3_open_v2(name, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, "tells")); rows(db, "CREATE TABLE t(a)");
  snprintf(text, sizeof text, "ATTACH 'file:%s?modeof=%s&three=3' AS a; CREATE TABLE a.t(a)", scratch("attached.db"), scratch("model.db")); rows(db, text);
  INT(stat(scratch("attached.db"), &facts)); printf("%o\n", (unsigned)(facts.st_mode & 0777));
  snprintf(text, sizeof text, "ATTACH 'file:%s?vfs=unix&four=4' AS b; CREATE TABLE b.t(a)", scratch("other.db")); rows(db, text);
  snprintf(text, sizeof text, "ATTACH '%s' AS c; CREATE TABLE c.t(a)", scratch("third.db")); rows(db, text);
  rows(db, "ATTACH 'file:x?vfs=nothing' AS d"); RC(sqlite3_close(db));
  RC(sqlite3_open_v2(scratch("main.db"), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI, 0)); snprintf(text, sizeof text, "ATTACH 'file:%s?vfs=tells' AS a; SELECT name FROM a.sqlite_schema", scratch("attached.db")); rows(db, text); RC(sqlite3_close(db));
  RC(sqlite3_vfs_unregister(&shim));
}

void systems(void) {
  names(); attached(); read_only_directory(); system_calls(); methods_of_a_file(); pragmas_of_a_file(); logs_through_a_vfs(); sizes(); permissions(); normal_forms(); comments(); without_virtual_tables(); }

/* Before anything else of the library is used: the methods of its page cache, as they come. */
void page_caches(void) {
  sqlite3_pcache_methods2 methods; sqlite3_pcache *cache; sqlite3_pcache_page *first, *second;
  memset(&methods, 0, sizeof methods); RC(sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &methods)); RC(sqlite3_config(SQLITE_CONFIG_PCACHE2, &methods)); RC(sqlite3_initialize());
  cache = methods.xCreate(512, 32, 1); methods.xCachesize(cache, 10); SET(methods.xFetch(cache, 1, 0)); first = methods.xFetch(cache, 1, 1); SET(first); SET(first->pBuf); SET(first->pExtra);
  memset(first->pBuf, 7, 512); second = methods.xFetch(cache, 2, 2); INT(methods.xPagecount(cache)); methods.xUnpin(cache, first, 0); INT(methods.xFetch(cache, 1, 0) == first); INT(((char *)first->pBuf)[511]);
  methods.xRekey(cache, second, 2, 5); INT(methods.xFetch(cache, 5, 0) == second); SET(methods.xFetch(cache, 2, 0)); methods.xUnpin(cache, first, 1); INT(methods.xPagecount(cache)); methods.xUnpin(cache, second, 0); methods.xTruncate(cache, 5); INT(methods.xPagecount(cache));
  if (methods.xShrink) methods.xShrink(cache); methods.xDestroy(cache); RC(sqlite3_shutdown());
}

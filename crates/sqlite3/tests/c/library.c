/* The library as a whole: configuration, memory, mutexes, status, VFS, keywords, extensions. */
#include "api.h"

static void low_memory(void *p, sqlite3_int64 a, int b) { (void)p; (void)a; (void)b; }
static void log_line(void *p, int code, const char *text) { printf("log[%s] %d: %s\n", (const char *)p, code, text); }
static int extension(sqlite3 *db, char **message, const void *api) {
  (void)message;
  printf("auto-extension: %s, %s\n", db ? "connection" : "none", api ? "routines" : "none");
  return SQLITE_OK;
}
static int failing_extension(sqlite3 *db, char **message, const void *api) {
  (void)db; (void)api;
  *message = sqlite3_mprintf("will not");
  return SQLITE_ERROR;
}

static void mutexes(void) {
  sqlite3_mutex *fast = sqlite3_mutex_alloc(SQLITE_MUTEX_FAST), *again = sqlite3_mutex_alloc(SQLITE_MUTEX_RECURSIVE);
  SET(fast); SET(again);
  SET(sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_MAIN) == sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_MAIN));
  sqlite3_mutex_enter(again); sqlite3_mutex_enter(again);
  RC(sqlite3_mutex_try(again));
  sqlite3_mutex_leave(again); sqlite3_mutex_leave(again); sqlite3_mutex_leave(again);
  sqlite3_mutex_enter(fast);
  sqlite3_mutex_leave(fast);
  sqlite3_mutex_free(fast); sqlite3_mutex_free(again);
  sqlite3_mutex_enter(0); sqlite3_mutex_leave(0); sqlite3_mutex_free(0);
  RC(sqlite3_mutex_try(0));
}

static void memory(void) {
  sqlite3_int64 before = sqlite3_memory_used();
  char *block = sqlite3_malloc(100);
  SET(block);
  INT(sqlite3_msize(block) >= 100);
  SET(sqlite3_memory_used() > before);
  strcpy(block, "kept");
  block = sqlite3_realloc(block, 4000);
  STR(block);
  block = sqlite3_realloc64(block, 200);
  STR(block);
  SET(sqlite3_realloc(block, 0));
  INT(sqlite3_memory_used() - before);
  SET(sqlite3_malloc(0)); SET(sqlite3_malloc(-5)); SET(sqlite3_malloc64((sqlite3_uint64)1 << 40));
  block = sqlite3_malloc64(10); SET(block); sqlite3_free(block); sqlite3_free(0);
  SET(sqlite3_memory_highwater(0) >= 4000);
  sqlite3_memory_highwater(1);
  INT(sqlite3_msize(0));
  INT(sqlite3_release_memory(0));
  INT(sqlite3_soft_heap_limit64(-1));
  INT(sqlite3_soft_heap_limit64(1000000)); INT(sqlite3_soft_heap_limit64(0));
  INT(sqlite3_hard_heap_limit64(-1));
  sqlite3_soft_heap_limit(0);
  RC(sqlite3_memory_alarm(low_memory, 0, 5));
}

static void status(void) {
  int now = -1, high = -1;
  sqlite3_int64 now64 = -1, high64 = -1;
  RC(sqlite3_status(SQLITE_STATUS_MEMORY_USED, &now, &high, 0)); SET(now >= 0 && high >= now);
  RC(sqlite3_status64(SQLITE_STATUS_MALLOC_COUNT, &now64, &high64, 0)); SET(now64 >= 0);
  RC(sqlite3_status(99, &now, &high, 0));
  RC(sqlite3_status64(-1, &now64, &high64, 0));
}

void library(void) {
  char bytes[8] = {0};
  RC(sqlite3_config(SQLITE_CONFIG_LOG, log_line, "here"));
  RC(sqlite3_config(SQLITE_CONFIG_SERIALIZED));
  RC(sqlite3_config(9999));
  RC(sqlite3_initialize()); RC(sqlite3_initialize());
  sqlite3_log(77, "a %s with %d", "line", 5);
  RC(sqlite3_config(SQLITE_CONFIG_LOG, (void *)0, (void *)0));
  RC(sqlite3_config(SQLITE_CONFIG_MULTITHREAD));
  sqlite3_log(77, "nobody");
  SET(sqlite3_libversion_number() >= 3040000);
  SET(!strcmp(sqlite3_libversion(), sqlite3_version)); SET(sqlite3_sourceid());
  INT(sqlite3_threadsafe());
  mutexes(); memory(); status();
  sqlite3_randomness(8, bytes); SET(memcmp(bytes, "\0\0\0\0\0\0\0\0", 8) != 0);
  sqlite3_randomness(0, 0);
  INT(sqlite3_sleep(1) > 0);
  RC(sqlite3_enable_shared_cache(0));
  RC(sqlite3_os_init());
  sqlite3_thread_cleanup();
  RC(sqlite3_global_recover());
  SET(sqlite3_compileoption_used("THREADSAFE=1")); SET(sqlite3_compileoption_used("SQLITE_THREADSAFE"));
  SET(sqlite3_compileoption_used("NO_SUCH_OPTION")); SET(sqlite3_compileoption_get(0)); SET(sqlite3_compileoption_get(100000));
  SET(sqlite3_keyword_count() > 140);
  const char *word = 0; int length = 0;
  RC(sqlite3_keyword_name(0, &word, &length)); SET(length > 0);
  RC(sqlite3_keyword_name(-1, &word, &length)); RC(sqlite3_keyword_name(100000, &word, &length));
  INT(sqlite3_keyword_check("select", 6)); INT(sqlite3_keyword_check("selects", 7)); INT(sqlite3_keyword_check("", 0));
  sqlite3_vfs *vfs = sqlite3_vfs_find(0), other;
  const char *names[] = {"unix", "memdb", "unix-excl", "unix-dotfile", "unix-none"};
  for (int i = 0; i < 5; i++) { sqlite3_vfs *known = sqlite3_vfs_find(names[i]); INT(known->iVersion); INT(known->szOsFile); INT(known->mxPathname); }
  STR(vfs->zName); SET(sqlite3_vfs_find("unix") == vfs); SET(sqlite3_vfs_find("nothing"));
  other = *vfs; other.zName = "other"; other.pNext = 0;
  RC(sqlite3_vfs_register(&other, 0)); SET(sqlite3_vfs_find("other") == &other);
  RC(sqlite3_vfs_unregister(&other)); SET(sqlite3_vfs_find("other")); SET(sqlite3_vfs_find(0) == vfs);
  RC(sqlite3_auto_extension((void (*)(void))extension)); RC(sqlite3_auto_extension((void (*)(void))extension));
  sqlite3_close(fresh());
  RC(sqlite3_cancel_auto_extension((void (*)(void))extension)); RC(sqlite3_cancel_auto_extension((void (*)(void))extension));
  RC(sqlite3_auto_extension((void (*)(void))failing_extension));
  sqlite3 *db = 0;
  RC(sqlite3_open(":memory:", &db)); STR(sqlite3_errmsg(db)); RC(sqlite3_close(db));
  sqlite3_reset_auto_extension();
  db = fresh();
  RC(sqlite3_enable_load_extension(db, 1));
  char *message = 0;
  INT(sqlite3_load_extension(db, "/nowhere/nothing.so", 0, &message) == SQLITE_ERROR); SET(message); sqlite3_free(message);
  RC(sqlite3_enable_load_extension(db, 0));
  message = 0;
  RC(sqlite3_load_extension(db, "x", 0, &message)); STR(message); sqlite3_free(message);
  sqlite3_close(db);
  INT(sqlite3_test_control(-77));
}

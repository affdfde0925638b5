/* Calls every function of the interface and prints what it answers: the same program runs on SQLite and on this engine. */
#include "api.h"

static const char *folder;

void show_text(const char *what, const char *text) {
  printf("%s = %s%s%s\n", what, text ? "'" : "", text ? text : "NULL", text ? "'" : "");
}

void show_wide(const char *what, const void *text) {
  const uint16_t *units = text;
  printf("%s = ", what);
  if (!units) { printf("NULL\n"); return; }
  printf("u'");
  for (; *units; units++) {
    if (*units < 128) printf("%c", (char)*units); else printf("\\u%04x", *units);
  }
  printf("'\n");
}

void show_bytes(const char *what, const void *bytes, int length) {
  printf("%s = ", what);
  if (!bytes) { printf("NULL\n"); return; }
  for (int i = 0; i < length; i++) printf("%02x", ((const unsigned char *)bytes)[i]);
  printf("\n");
}

void show_value(const char *what, sqlite3_value *value) {
  if (!value) { printf("%s = no value\n", what); return; }
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: printf("%s = %lld\n", what, sqlite3_value_int64(value)); break;
    case SQLITE_FLOAT: printf("%s = %.6f\n", what, sqlite3_value_double(value)); break;
    case SQLITE_TEXT: show_text(what, (const char *)sqlite3_value_text(value)); break;
    case SQLITE_BLOB: printf("%s: blob\n", what); show_bytes(what, sqlite3_value_blob(value), sqlite3_value_bytes(value)); break;
    default: printf("%s = NULL value\n", what);
  }
}

static int print_row(void *unused, int count, char **texts, char **names) {
  (void)unused; (void)names;
  for (int i = 0; i < count; i++) printf("%s%s", i ? "|" : "  ", texts[i] ? texts[i] : "NULL");
  printf("\n");
  return 0;
}

void rows(sqlite3 *db, const char *sql) {
  char *message = 0;
  int rc = sqlite3_exec(db, sql, print_row, 0, &message);
  if (rc) printf("  error %d: %s\n", rc, message ? message : "none");
  sqlite3_free(message);
}

void run(sqlite3 *db, const char *sql) {
  printf("> %s\n", sql);
  rows(db, sql);
}

sqlite3 *fresh(void) {
  sqlite3 *db = 0;
  if (sqlite3_open(":memory:", &db)) printf("cannot open\n");
  return db;
}

const void *wide(const char *text) {
  static uint16_t buffers[4][512];
  static int next;
  uint16_t *buffer = buffers[next++ % 4];
  size_t i;
  for (i = 0; text[i] && i < 511; i++) buffer[i] = (unsigned char)text[i];
  buffer[i] = 0;
  return buffer;
}

const char *scratch(const char *name) {
  static char paths[4][1024];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

int main(int count, char **arguments) {
  setvbuf(stdout, 0, _IOLBF, 0);
  folder = count > 1 ? arguments[1] : ".";
  struct { const char *name; void (*run)(void); } parts[] = {
    {"page caches", page_caches}, {"library", library}, {"texts", texts}, {"opening", opening}, {"statements", statements}, {"values", values},
    {"functions", functions}, {"hooks", hooks}, {"blobs", blobs}, {"logs", logs}, {"modules", modules}, {"sessions", sessions}, {"systems", systems}, {"running", running}, {"semantics", semantics}, {"schemas", schemas}, {"errors", log_of_errors},
  };
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (count > 2 && strcmp(arguments[2], parts[i].name)) continue;
    printf("==== %s\n", parts[i].name);
    parts[i].run();
    fflush(stdout);
  }
  printf("==== end, %lld bytes in use\n", (long long)sqlite3_memory_used());
  RC(sqlite3_shutdown());
  return 0;
}

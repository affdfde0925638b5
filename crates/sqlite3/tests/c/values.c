/* Values as functions see them. */
#include "api.h"

static void look(sqlite3_context *context, int count, sqlite3_value **values) {
  for (int i = 0; i < count; i++) {
    sqlite3_value *v = values[i];
    printf("type %d", sqlite3_value_type(v)); printf(" bytes %d int %d int64 %lld double %.4f", sqlite3_value_bytes(v), sqlite3_value_int(v), sqlite3_value_int64(v), sqlite3_value_double(v));
    printf(" encoding %d subtype %u bind %d nochange %d pointer %s\n", sqlite3_value_type(v) == SQLITE_NULL ? 0 : sqlite3_value_encoding(v), sqlite3_value_subtype(v), sqlite3_value_frombind(v), sqlite3_value_nochange(v), sqlite3_value_pointer(v, "kind") ? "set" : "null");
    sqlite3_value *kept = sqlite3_value_dup(v); show_value("copy", kept); sqlite3_value_free(kept);
    if (sqlite3_value_type(v) == SQLITE_BLOB) { show_bytes("blob", sqlite3_value_blob(v), sqlite3_value_bytes(v)); continue; }
    show_text("text", (const char *)sqlite3_value_text(v)); show_wide("text16", sqlite3_value_text16(v)); INT(sqlite3_value_bytes16(v));
    const unsigned char *big = sqlite3_value_text16be(v), *little = sqlite3_value_text16le(v);
    SET(big); SET(little);
    show_bytes("blob", sqlite3_value_blob(v), sqlite3_value_bytes(v));
    INT(sqlite3_value_numeric_type(v));
  }
  sqlite3_value_free(0); SET(sqlite3_value_dup(0));
  sqlite3_result_int(context, count);
}

void values(void) {
  sqlite3 *db = fresh(); sqlite3_stmt *stmt = 0;
  RC(sqlite3_create_function(db, "look", -1, SQLITE_UTF8, 0, look, 0, 0));
  run(db, "SELECT look(1, 2.5, '3abc', '12', x'0061', NULL)");
  run(db, "SELECT look('\xc3\xa4\xe2\x82\xac', 9223372036854775807, -1e300)");
  RC(sqlite3_prepare_v2(db, "SELECT look(?)", -1, &stmt, 0)); RC(sqlite3_bind_text(stmt, 1, "bound", -1, SQLITE_STATIC)); RC(sqlite3_step(stmt)); RC(sqlite3_finalize(stmt));
  RC(sqlite3_close(db));
}

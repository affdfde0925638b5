/* Texts: formatting, strings under construction, comparing, patterns, completeness. */
#include "api.h"

static void formatted(const char *format, ...) {
  va_list arguments;
  char buffer[20];
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  printf("%s -> ", format);
  show_text("", text);
  sqlite3_free(text);
  va_start(arguments, format);
  sqlite3_vsnprintf(sizeof buffer, buffer, format, arguments);
  va_end(arguments);
  show_text("cut", buffer);
}

static void appended(sqlite3_str *str, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  sqlite3_str_vappendf(str, format, arguments);
  va_end(arguments);
}

void texts(void) {
  char buffer[8];
  formatted("%d|%5d|%-5d|%05d|%+d|%,d", 1, 2, 3, 4, 5, 1234567);
  formatted("%x|%X|%#x|%o|%u|%lld|%llx", 255, 255, 255, 8, 7u, (sqlite3_int64)1 << 40, (sqlite3_int64)1 << 40);
  formatted("%f|%.2f|%e|%g|%!.15g|%10.3f|%-10.1f|", 1.5, 2.345, 12345.678, 0.0001, 0.1, 3.14159, 2.0);
  formatted("%s|%10s|%-10s|%.2s|%c|%%", "abc", "abc", "abc", "abc", 'x');
  formatted("%q|%Q|%w|%Q", "it's", "it's", "a\"b", (char *)0);
  char *freed = sqlite3_mprintf("%z", sqlite3_mprintf("%s", "freed")); STR(freed); sqlite3_free(freed);
  formatted("%.3d|%*d|%.*s|%!.2s|%#q", 7, 5, 42, 2, "xyz", "\xc3\xa9\xc3\xa9\xc3\xa9", "it's\n");
  STR(sqlite3_snprintf(sizeof buffer, buffer, "%s", "longer than that"));
  STR(sqlite3_snprintf(0, buffer, "x"));
  SET(sqlite3_mprintf(0));
  sqlite3_str *str = sqlite3_str_new(0);
  sqlite3_str_append(str, "abcdef", 3); sqlite3_str_appendall(str, "-all-"); sqlite3_str_appendchar(str, 3, 'x');
  sqlite3_str_appendf(str, "%d", 5); appended(str, "<%s>", "v");
  RC(sqlite3_str_errcode(str)); INT(sqlite3_str_length(str)); STR(sqlite3_str_value(str));
  sqlite3_str_truncate(str, 4); STR(sqlite3_str_value(str));
  sqlite3_str_reset(str); INT(sqlite3_str_length(str)); SET(sqlite3_str_value(str));
  sqlite3_str_appendall(str, "done");
  char *text = sqlite3_str_finish(str); STR(text); sqlite3_free(text);
  SET(sqlite3_str_finish(sqlite3_str_new(0))); SET(sqlite3_str_finish(0));
  str = sqlite3_str_new(0); sqlite3_str_appendall(str, "gone"); sqlite3_str_free(str); sqlite3_str_free(0);
  RC(sqlite3_str_errcode(0)); INT(sqlite3_str_length(0)); SET(sqlite3_str_value(0));
  INT(sqlite3_stricmp("ABC", "abc")); INT(sqlite3_stricmp("a", "b") < 0); INT(sqlite3_stricmp(0, "a") < 0); INT(sqlite3_stricmp(0, 0));
  INT(sqlite3_strnicmp("ABCx", "abcy", 3)); INT(sqlite3_strnicmp("abcx", "abcy", 4) < 0);
  INT(sqlite3_strglob("a*c", "abbc")); INT(sqlite3_strglob("a[0-9]", "a5")); INT(sqlite3_strglob("a?", "abc") != 0); INT(sqlite3_strglob(0, "x") != 0);
  INT(sqlite3_strlike("A%C", "abbc", 0)); INT(sqlite3_strlike("a\\%", "a%", '\\')); INT(sqlite3_strlike("a_", "abc", 0) != 0); INT(sqlite3_strlike(0, 0, 0));
  INT(sqlite3_complete("SELECT 1;")); INT(sqlite3_complete("SELECT 1")); INT(sqlite3_complete("CREATE TRIGGER a BEGIN SELECT 1;"));
  INT(sqlite3_complete("CREATE TRIGGER a BEGIN SELECT 1; END;")); INT(sqlite3_complete("-- x\n")); INT(sqlite3_complete("'a;")); INT(sqlite3_complete("/* ; */"));
  INT(sqlite3_complete16(wide("SELECT 1;"))); INT(sqlite3_complete16(wide("SELECT ';")));
  INT(sqlite3_incomplete("SELECT 1;")); INT(sqlite3_incomplete("SELECT 1")); INT(sqlite3_incomplete("SELECT (1")); INT(sqlite3_incomplete("")); INT(sqlite3_incomplete("SELECT 'a"));
  for (int code = 0; code <= 28; code++) printf("%d: %s\n", code, sqlite3_errstr(code));
  STR(sqlite3_errstr(SQLITE_ROW)); STR(sqlite3_errstr(SQLITE_DONE)); STR(sqlite3_errstr(SQLITE_ABORT_ROLLBACK)); STR(sqlite3_errstr(12345));
}

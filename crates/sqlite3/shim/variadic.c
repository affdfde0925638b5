/*
** The functions of the interface that take variable arguments. Rust can neither define nor walk a `va_list`, so these
** hand it over as a cursor: Rust reads the format and asks for one argument after another, naming its type.
** The exported names are trampolines in src/variadic.rs, because a Rust library exports no symbol of an object file.
*/
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct arguments { va_list list; } arguments;

int turso_next_int(arguments *a) { return va_arg(a->list, int); }
long turso_next_long(arguments *a) { return va_arg(a->list, long); }
int64_t turso_next_int64(arguments *a) { return va_arg(a->list, long long); }
double turso_next_double(arguments *a) { return va_arg(a->list, double); }
void *turso_next_pointer(arguments *a) { return va_arg(a->list, void *); }

/*
** Defined in Rust. Rust exports whatever it does not mangle; a hidden reference makes the linker hide the definition too.
*/
#pragma GCC visibility push(hidden)
extern char *turso_mprintf(const char *format, arguments *a);
extern char *turso_snprintf(int size, char *buffer, const char *format, arguments *a);
extern void turso_str_appendf(void *text, const char *format, arguments *a);
extern void turso_log(int code, const char *format, arguments *a);
extern int turso_config(int op, arguments *a);
extern int turso_db_config(void *db, int op, arguments *a);
extern int turso_vtab_config(void *db, int op, arguments *a);
extern int turso_test_control(int op, arguments *a);
#pragma GCC visibility pop

#define WITH_ARGUMENTS(last, result, call)                                                                             \
  arguments a;                                                                                                         \
  result;                                                                                                              \
  va_start(a.list, last);                                                                                              \
  call;                                                                                                                \
  va_end(a.list);

#define WITH_LIST(given, result, call)                                                                                 \
  arguments a;                                                                                                         \
  result;                                                                                                              \
  va_copy(a.list, given);                                                                                              \
  call;                                                                                                                \
  va_end(a.list);

char *turso_v_mprintf(const char *format, ...) {
  WITH_ARGUMENTS(format, char *r, r = turso_mprintf(format, &a))
  return r;
}
char *turso_v_vmprintf(const char *format, va_list list) {
  WITH_LIST(list, char *r, r = turso_mprintf(format, &a))
  return r;
}
char *turso_v_snprintf(int size, char *buffer, const char *format, ...) {
  WITH_ARGUMENTS(format, char *r, r = turso_snprintf(size, buffer, format, &a))
  return r;
}
char *turso_v_vsnprintf(int size, char *buffer, const char *format, va_list list) {
  WITH_LIST(list, char *r, r = turso_snprintf(size, buffer, format, &a))
  return r;
}
void turso_v_str_appendf(void *text, const char *format, ...) {
  WITH_ARGUMENTS(format, , turso_str_appendf(text, format, &a))
}
void turso_v_str_vappendf(void *text, const char *format, va_list list) {
  WITH_LIST(list, , turso_str_appendf(text, format, &a))
}
void turso_v_log(int code, const char *format, ...) {
  WITH_ARGUMENTS(format, , turso_log(code, format, &a))
}
int turso_v_config(int op, ...) {
  WITH_ARGUMENTS(op, int r, r = turso_config(op, &a))
  return r;
}
int turso_v_db_config(void *db, int op, ...) {
  WITH_ARGUMENTS(op, int r, r = turso_db_config(db, op, &a))
  return r;
}
int turso_v_vtab_config(void *db, int op, ...) {
  WITH_ARGUMENTS(op, int r, r = turso_vtab_config(db, op, &a))
  return r;
}
int turso_v_test_control(int op, ...) {
  WITH_ARGUMENTS(op, int r, r = turso_test_control(op, &a))
  return r;
}

/* What the parts of the transcript program share. */
#ifndef API_H
#define API_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <stdarg.h>
#include <unistd.h>
#include "sqlite3.h"

/* A line of the transcript: what was called, and the code it answered. */
#define RC(call) printf("%s = %d\n", #call, (int)(call))
/* A line with a number or a text. */
#define INT(call) printf("%s = %lld\n", #call, (long long)(call))
#define REAL(call) printf("%s = %.6f\n", #call, (double)(call))
#define STR(call) show_text(#call, (const char *)(call))
#define SET(call) printf("%s = %s\n", #call, (call) ? "set" : "null")

void show_text(const char *what, const char *text);
void show_wide(const char *what, const void *text);
void show_bytes(const char *what, const void *bytes, int length);
void show_value(const char *what, sqlite3_value *value);
/* Runs SQL, shows code, message and rows. */
void run(sqlite3 *db, const char *sql);
/* The same without a line for the statement itself. */
void rows(sqlite3 *db, const char *sql);
sqlite3 *fresh(void);
/* UTF-16 of an ASCII text; one buffer, used again after four calls. */
const void *wide(const char *text);
/* A name in the scratch folder. */
const char *scratch(const char *name);

void library(void);
void texts(void);
void opening(void);
void statements(void);
void values(void);
void functions(void);
void hooks(void);
void blobs(void);
void logs(void);
void modules(void);
void sessions(void);
void systems(void);
void page_caches(void);
void running(void);
void semantics(void);
void schemas(void);
void log_of_errors(void);
void copy_file(const char *from, const char *to);
#endif

//! What is fixed when the engine is built, in the words of SQLite's compile-time options: one list for
//! `PRAGMA compile_options`, `sqlite_compileoption_get` and the functions of the C library.

/// The options of SQLite that describe this engine, sorted.
pub const COMPILE_OPTIONS: &[&str] = &[
    "ATOMIC_INTRINSICS=1",
    "COMPILER=rustc",
    "DEFAULT_AUTOVACUUM",
    "DEFAULT_CACHE_SIZE=-2000",
    "DEFAULT_FILE_FORMAT=4",
    "DEFAULT_JOURNAL_SIZE_LIMIT=-1",
    "DEFAULT_MMAP_SIZE=0",
    "DEFAULT_PAGE_SIZE=4096",
    "DEFAULT_RECURSIVE_TRIGGERS",
    "DEFAULT_SECTOR_SIZE=4096",
    "DEFAULT_SYNCHRONOUS=2",
    "DEFAULT_WAL_AUTOCHECKPOINT=1000",
    "DEFAULT_WAL_SYNCHRONOUS=2",
    "DEFAULT_WORKER_THREADS=0",
    "ENABLE_CARRAY",
    "ENABLE_COLUMN_METADATA",
    "ENABLE_DBPAGE_VTAB",
    "ENABLE_DBSTAT_VTAB",
    "ENABLE_GEOPOLY",
    "ENABLE_JSON1",
    "ENABLE_LOAD_EXTENSION",
    "ENABLE_MATH_FUNCTIONS",
    "ENABLE_NORMALIZE",
    "ENABLE_PERCENTILE",
    "ENABLE_PREUPDATE_HOOK",
    "ENABLE_RTREE",
    "ENABLE_SESSION",
    "ENABLE_SNAPSHOT",
    "ENABLE_STAT4",
    "ENABLE_STMTVTAB",
    "ENABLE_STMT_SCANSTATUS",
    "ENABLE_UNLOCK_NOTIFY",
    "ENABLE_UPDATE_DELETE_LIMIT",
    "HAVE_ISNAN",
    "MAX_ATTACHED=10",
    "MAX_COLUMN=2000",
    "MAX_COMPOUND_SELECT=500",
    "MAX_DEFAULT_PAGE_SIZE=8192",
    "MAX_EXPR_DEPTH=1000",
    "MAX_FUNCTION_ARG=1000",
    "MAX_LENGTH=1000000000",
    "MAX_LIKE_PATTERN_LENGTH=50000",
    "MAX_MMAP_SIZE=0",
    "MAX_PAGE_COUNT=0xfffffffe",
    "MAX_PAGE_SIZE=65536",
    "MAX_SQL_LENGTH=1000000000",
    "MAX_TRIGGER_DEPTH=1000",
    "MAX_VARIABLE_NUMBER=32766",
    "MAX_VDBE_OP=250000000",
    "OMIT_LOOKASIDE",
    "SOUNDEX",
    "SYSTEM_MALLOC",
    "TEMP_STORE=1",
    "THREADSAFE=1",
    "USE_URI",
];

/// True when an option is listed, given with or without the prefix `SQLITE_`, and with or without its value.
pub fn is_compiled_with(name: &[u8]) -> bool {
    let name = match name.split_at_checked(7) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(b"SQLITE_") => rest,
        _ => name,
    };
    COMPILE_OPTIONS.iter().any(|option| {
        let option = option.as_bytes();
        let next = option.get(name.len());
        option.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && !next.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_sorted_and_known_by_each_of_their_names() {
        assert!(COMPILE_OPTIONS.is_sorted());
        for name in ["THREADSAFE", "threadsafe=1", "SQLITE_THREADSAFE", "sqlite_THREADSAFE=1", "SOUNDEX"] {
            assert!(is_compiled_with(name.as_bytes()), "{name}");
        }
        for name in ["THREADSAFE=0", "THREAD", "SQLITE_", "OMIT_EVERYTHING", "THREADSAFE=10"] {
            assert!(!is_compiled_with(name.as_bytes()), "{name}");
        }
    }
}

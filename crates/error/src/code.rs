//! Primary and extended result codes (SQLite documentation, "Result and Error Codes").

/// A result code; the low eight bits are the primary code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResultCode(pub i32);

#[allow(missing_docs)] // The names are SQLite's own, without their prefix.
impl ResultCode {
    pub const OK: Self = Self(0);
    pub const ERROR: Self = Self(1);
    pub const INTERNAL: Self = Self(2);
    pub const PERM: Self = Self(3);
    pub const ABORT: Self = Self(4);
    pub const BUSY: Self = Self(5);
    pub const LOCKED: Self = Self(6);
    pub const NOMEM: Self = Self(7);
    pub const READONLY: Self = Self(8);
    pub const INTERRUPT: Self = Self(9);
    pub const IOERR: Self = Self(10);
    pub const CORRUPT: Self = Self(11);
    pub const NOTFOUND: Self = Self(12);
    pub const FULL: Self = Self(13);
    pub const CANTOPEN: Self = Self(14);
    pub const PROTOCOL: Self = Self(15);
    pub const EMPTY: Self = Self(16);
    pub const SCHEMA: Self = Self(17);
    pub const TOOBIG: Self = Self(18);
    pub const CONSTRAINT: Self = Self(19);
    pub const MISMATCH: Self = Self(20);
    pub const MISUSE: Self = Self(21);
    pub const NOLFS: Self = Self(22);
    pub const AUTH: Self = Self(23);
    pub const FORMAT: Self = Self(24);
    pub const RANGE: Self = Self(25);
    pub const NOTADB: Self = Self(26);
    pub const NOTICE: Self = Self(27);
    pub const WARNING: Self = Self(28);
    pub const ROW: Self = Self(100);
    pub const DONE: Self = Self(101);
    pub const ERROR_MISSING_COLLSEQ: Self = Self(1 | (1 << 8));
    pub const ERROR_RETRY: Self = Self(1 | (2 << 8));
    pub const ERROR_SNAPSHOT: Self = Self(1 | (3 << 8));
    pub const IOERR_READ: Self = Self(10 | (1 << 8));
    pub const IOERR_SHORT_READ: Self = Self(10 | (2 << 8));
    pub const IOERR_WRITE: Self = Self(10 | (3 << 8));
    pub const IOERR_FSYNC: Self = Self(10 | (4 << 8));
    pub const IOERR_DIR_FSYNC: Self = Self(10 | (5 << 8));
    pub const IOERR_TRUNCATE: Self = Self(10 | (6 << 8));
    pub const IOERR_FSTAT: Self = Self(10 | (7 << 8));
    pub const IOERR_UNLOCK: Self = Self(10 | (8 << 8));
    pub const IOERR_RDLOCK: Self = Self(10 | (9 << 8));
    pub const IOERR_DELETE: Self = Self(10 | (10 << 8));
    pub const IOERR_BLOCKED: Self = Self(10 | (11 << 8));
    pub const IOERR_NOMEM: Self = Self(10 | (12 << 8));
    pub const IOERR_ACCESS: Self = Self(10 | (13 << 8));
    pub const IOERR_CHECKRESERVEDLOCK: Self = Self(10 | (14 << 8));
    pub const IOERR_LOCK: Self = Self(10 | (15 << 8));
    pub const IOERR_CLOSE: Self = Self(10 | (16 << 8));
    pub const IOERR_DIR_CLOSE: Self = Self(10 | (17 << 8));
    pub const IOERR_SHMOPEN: Self = Self(10 | (18 << 8));
    pub const IOERR_SHMSIZE: Self = Self(10 | (19 << 8));
    pub const IOERR_SHMLOCK: Self = Self(10 | (20 << 8));
    pub const IOERR_SHMMAP: Self = Self(10 | (21 << 8));
    pub const IOERR_SEEK: Self = Self(10 | (22 << 8));
    pub const IOERR_DELETE_NOENT: Self = Self(10 | (23 << 8));
    pub const IOERR_MMAP: Self = Self(10 | (24 << 8));
    pub const IOERR_GETTEMPPATH: Self = Self(10 | (25 << 8));
    pub const IOERR_CONVPATH: Self = Self(10 | (26 << 8));
    pub const IOERR_VNODE: Self = Self(10 | (27 << 8));
    pub const IOERR_AUTH: Self = Self(10 | (28 << 8));
    pub const IOERR_BEGIN_ATOMIC: Self = Self(10 | (29 << 8));
    pub const IOERR_COMMIT_ATOMIC: Self = Self(10 | (30 << 8));
    pub const IOERR_ROLLBACK_ATOMIC: Self = Self(10 | (31 << 8));
    pub const IOERR_DATA: Self = Self(10 | (32 << 8));
    pub const IOERR_CORRUPTFS: Self = Self(10 | (33 << 8));
    pub const LOCKED_SHAREDCACHE: Self = Self(6 | (1 << 8));
    pub const LOCKED_VTAB: Self = Self(6 | (2 << 8));
    pub const BUSY_RECOVERY: Self = Self(5 | (1 << 8));
    pub const BUSY_SNAPSHOT: Self = Self(5 | (2 << 8));
    pub const BUSY_TIMEOUT: Self = Self(5 | (3 << 8));
    pub const CANTOPEN_NOTEMPDIR: Self = Self(14 | (1 << 8));
    pub const CANTOPEN_ISDIR: Self = Self(14 | (2 << 8));
    pub const CANTOPEN_FULLPATH: Self = Self(14 | (3 << 8));
    pub const CANTOPEN_CONVPATH: Self = Self(14 | (4 << 8));
    pub const CANTOPEN_DIRTYWAL: Self = Self(14 | (5 << 8));
    pub const CANTOPEN_SYMLINK: Self = Self(14 | (6 << 8));
    pub const CORRUPT_VTAB: Self = Self(11 | (1 << 8));
    pub const CORRUPT_SEQUENCE: Self = Self(11 | (2 << 8));
    pub const CORRUPT_INDEX: Self = Self(11 | (3 << 8));
    pub const READONLY_RECOVERY: Self = Self(8 | (1 << 8));
    pub const READONLY_CANTLOCK: Self = Self(8 | (2 << 8));
    pub const READONLY_ROLLBACK: Self = Self(8 | (3 << 8));
    pub const READONLY_DBMOVED: Self = Self(8 | (4 << 8));
    pub const READONLY_CANTINIT: Self = Self(8 | (5 << 8));
    pub const READONLY_DIRECTORY: Self = Self(8 | (6 << 8));
    pub const ABORT_ROLLBACK: Self = Self(4 | (2 << 8));
    pub const CONSTRAINT_CHECK: Self = Self(19 | (1 << 8));
    pub const CONSTRAINT_COMMITHOOK: Self = Self(19 | (2 << 8));
    pub const CONSTRAINT_FOREIGNKEY: Self = Self(19 | (3 << 8));
    pub const CONSTRAINT_FUNCTION: Self = Self(19 | (4 << 8));
    pub const CONSTRAINT_NOTNULL: Self = Self(19 | (5 << 8));
    pub const CONSTRAINT_PRIMARYKEY: Self = Self(19 | (6 << 8));
    pub const CONSTRAINT_TRIGGER: Self = Self(19 | (7 << 8));
    pub const CONSTRAINT_UNIQUE: Self = Self(19 | (8 << 8));
    pub const CONSTRAINT_VTAB: Self = Self(19 | (9 << 8));
    pub const CONSTRAINT_ROWID: Self = Self(19 | (10 << 8));
    pub const CONSTRAINT_PINNED: Self = Self(19 | (11 << 8));
    pub const CONSTRAINT_DATATYPE: Self = Self(19 | (12 << 8));
    pub const NOTICE_RECOVER_WAL: Self = Self(27 | (1 << 8));
    pub const NOTICE_RECOVER_ROLLBACK: Self = Self(27 | (2 << 8));
    pub const WARNING_AUTOINDEX: Self = Self(28 | (1 << 8));
    pub const AUTH_USER: Self = Self(23 | (1 << 8));
}

impl ResultCode {
    /// The primary code.
    pub const fn primary(self) -> Self {
        Self(self.0 & 0xff)
    }

    /// The standard English text (`sqlite3_errstr`).
    pub fn text(self) -> &'static str {
        if self == Self::ABORT_ROLLBACK {
            return "abort due to ROLLBACK";
        }
        match self.primary().0 {
            0 => "not an error",
            1 => "SQL logic error",
            3 => "access permission denied",
            4 => "query aborted",
            5 => "database is locked",
            6 => "database table is locked",
            7 => "out of memory",
            8 => "attempt to write a readonly database",
            9 => "interrupted",
            10 => "disk I/O error",
            11 => "database disk image is malformed",
            12 => "unknown operation",
            13 => "database or disk is full",
            14 => "unable to open database file",
            15 => "locking protocol",
            17 => "database schema has changed",
            18 => "string or blob too big",
            19 => "constraint failed",
            20 => "datatype mismatch",
            21 => "bad parameter or other API misuse",
            23 => "authorization denied",
            25 => "column index out of range",
            26 => "file is not a database",
            27 => "notification message",
            28 => "warning message",
            100 => "another row available",
            101 => "no more rows available",
            _ => "unknown error",
        }
    }
}

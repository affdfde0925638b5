//! Scripted workloads: what is done before the power goes.
//!
//! A workload is a database in some state, a list of statements of one or more connections in one or more processes, and what
//! is guaranteed for them. The scripts are short, so that what a disk may hold at each moment can be enumerated.

use super::guarantee::Guarantee;

/// Who executes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The first process; it makes the database.
    First,
    /// Another connection of the first process.
    Second,
    /// A process of its own.
    Other,
    /// A reader in a process of its own; what it does is not in the model.
    Reader,
}

/// A statement, or `@close`, which closes all connections of the process.
#[derive(Debug, Clone)]
pub struct Step {
    /// The connection.
    pub who: Who,
    /// The text.
    pub sql: String,
}

/// See the module's documentation.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Family, mode, page size.
    pub name: String,
    /// `PRAGMA journal_mode`.
    pub mode: &'static str,
    /// `PRAGMA synchronous`.
    pub synchronous: &'static str,
    /// `PRAGMA page_size`.
    pub page_size: u32,
    /// Pragmas that come before the first table.
    pub first: Vec<String>,
    /// Run by each connection when it opens.
    pub each: Vec<String>,
    /// What is there, durably, before the first step.
    pub setup: Vec<String>,
    /// What is done.
    pub steps: Vec<Step>,
    /// Databases: 1, and those that are attached.
    pub databases: usize,
    /// Pages that a connection keeps.
    pub cache_pages: Option<usize>,
    /// What holds.
    pub guarantee: Guarantee,
}

impl Workload {
    /// See [`Guarantee::needs_ordered_journals`].
    pub fn needs_ordered_journals(&self) -> bool {
        Guarantee::needs_ordered_journals(self.mode, self.synchronous)
    }
}

/// What a family does: statements before, and statements recorded.
struct Family {
    name: &'static str,
    setup: &'static [&'static str],
    steps: &'static [(Who, &'static str)],
    tweak: fn(&mut Workload),
}

use Who::{First, Other, Reader, Second};

fn plain(_: &mut Workload) {}

const TABLE: &[&str] =
    &["CREATE TABLE t(a INTEGER PRIMARY KEY, b)", "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, zeroblob(100))"];

const INDEXED: &[&str] = &[
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
    "CREATE INDEX tb ON t(b)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) INSERT INTO t SELECT i, 'row ' || i || hex(zeroblob(20)) FROM n",
];

/// Families that make sense in every journal mode.
const EVERYWHERE: &[Family] = &[
    Family {
        name: "single rows",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, 'four')"),
            (First, "UPDATE t SET b = 'zwei' WHERE a = 2"),
            (First, "DELETE FROM t WHERE a = 1"),
            (First, "REPLACE INTO t VALUES (3, 'three')"),
        ],
        tweak: plain,
    },
    Family {
        name: "transactions",
        setup: INDEXED,
        steps: &[
            (First, "BEGIN"),
            (First, "INSERT INTO t VALUES (30, 'x'), (31, 'y')"),
            (First, "DELETE FROM t WHERE a BETWEEN 5 AND 8"),
            (First, "COMMIT"),
            (First, "BEGIN IMMEDIATE"),
            (First, "UPDATE t SET b = b || '!' WHERE a % 3 = 0"),
            (First, "COMMIT"),
        ],
        tweak: plain,
    },
    Family {
        name: "overflow",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (10, zeroblob(3000))"),
            (First, "UPDATE t SET b = zeroblob(1500) WHERE a = 10"),
            (First, "DELETE FROM t WHERE a = 10"),
            (First, "INSERT INTO t VALUES (11, zeroblob(700))"),
        ],
        tweak: plain,
    },
    Family {
        name: "savepoints",
        setup: INDEXED,
        steps: &[
            (First, "SAVEPOINT one"),
            (First, "INSERT INTO t VALUES (40, 'kept')"),
            (First, "SAVEPOINT two"),
            (First, "DELETE FROM t WHERE a > 10"),
            (First, "ROLLBACK TO two"),
            (First, "INSERT INTO t VALUES (41, 'too')"),
            (First, "RELEASE one"),
            (First, "BEGIN"),
            (First, "DELETE FROM t"),
            (First, "ROLLBACK"),
            (First, "INSERT INTO t VALUES (50, 'end')"),
        ],
        tweak: plain,
    },
    Family {
        name: "schema",
        setup: TABLE,
        steps: &[
            (First, "CREATE TABLE u(x PRIMARY KEY, y) WITHOUT ROWID"),
            (First, "INSERT INTO u SELECT b, a FROM t"),
            (First, "CREATE INDEX tb ON t(b, a)"),
            (First, "ALTER TABLE t ADD COLUMN c DEFAULT 7"),
            (First, "DROP TABLE u"),
            (First, "PRAGMA user_version = 5"),
        ],
        tweak: plain,
    },
    Family {
        name: "spill",
        setup: INDEXED,
        steps: &[
            (First, "BEGIN"),
            (
                First,
                "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 160) INSERT INTO t SELECT i, 'row ' || i || hex(zeroblob(60)) FROM n",
            ),
            (First, "SAVEPOINT s"),
            (First, "DELETE FROM t WHERE a % 2"),
            (First, "ROLLBACK TO s"),
            (First, "DELETE FROM t WHERE a % 7 = 0"),
            (First, "COMMIT"),
            (First, "UPDATE t SET b = 'short' WHERE a > 110"),
        ],
        tweak: |w| {
            w.cache_pages = Some(16);
            w.each.push("PRAGMA cache_spill = 4".into());
        },
    },
    Family {
        name: "vacuum",
        setup: INDEXED,
        steps: &[
            (First, "DELETE FROM t WHERE a % 3"),
            (First, "VACUUM"),
            (First, "INSERT INTO t VALUES (60, 'after')"),
        ],
        tweak: plain,
    },
    Family {
        name: "auto-vacuum",
        setup: INDEXED,
        steps: &[
            (First, "INSERT INTO t VALUES (70, zeroblob(2500))"),
            (First, "DELETE FROM t WHERE a BETWEEN 3 AND 17"),
            (First, "DELETE FROM t WHERE a = 70"),
            (First, "DROP INDEX tb"),
        ],
        tweak: |w| w.first.push("PRAGMA auto_vacuum = full".into()),
    },
    Family {
        name: "incremental vacuum",
        setup: INDEXED,
        steps: &[
            (First, "DELETE FROM t WHERE a BETWEEN 2 AND 18"),
            (First, "PRAGMA incremental_vacuum(1)"),
            (First, "INSERT INTO t VALUES (80, zeroblob(600))"),
            (First, "PRAGMA incremental_vacuum"),
        ],
        tweak: |w| w.first.push("PRAGMA auto_vacuum = incremental".into()),
    },
    Family {
        name: "birth",
        setup: &[],
        steps: &[
            (First, "CREATE TABLE t(a INTEGER PRIMARY KEY, b)"),
            (First, "INSERT INTO t VALUES (1, 'first')"),
            (First, "CREATE INDEX tb ON t(b)"),
            (First, "INSERT INTO t VALUES (2, 'second')"),
        ],
        tweak: plain,
    },
    Family {
        name: "close and reopen",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, 'four')"),
            (First, "@close"),
            (First, "INSERT INTO t VALUES (5, 'five')"),
            (First, "UPDATE t SET b = 'V' WHERE a = 5"),
            (First, "@close"),
            (First, "DELETE FROM t WHERE a < 3"),
        ],
        tweak: plain,
    },
    Family {
        name: "two processes",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, 'four')"),
            (Other, "UPDATE t SET b = 'by another' WHERE a = 1"),
            (Second, "INSERT INTO t VALUES (5, 'five')"),
            (Other, "DELETE FROM t WHERE a = 2"),
            (First, "UPDATE t SET b = b || '.' WHERE a > 2"),
        ],
        tweak: plain,
    },
    Family {
        name: "exclusive",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, 'four')"),
            (First, "UPDATE t SET b = 'zwei' WHERE a = 2"),
            (First, "DELETE FROM t WHERE a = 1"),
            (First, "@close"),
            (First, "INSERT INTO t VALUES (9, 'nine')"),
        ],
        tweak: |w| w.each.insert(0, "PRAGMA locking_mode = exclusive".into()),
    },
    Family {
        name: "secure delete",
        setup: INDEXED,
        steps: &[
            (First, "DELETE FROM t WHERE a BETWEEN 4 AND 12"),
            (First, "DROP INDEX tb"),
            (First, "INSERT INTO t VALUES (90, 'x')"),
        ],
        tweak: |w| w.each.push("PRAGMA secure_delete = 1".into()),
    },
];

/// Families of the log.
const OF_THE_LOG: &[Family] = &[
    Family {
        name: "checkpoints",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, 'four')"),
            (First, "PRAGMA wal_checkpoint(passive)"),
            (First, "INSERT INTO t VALUES (5, 'five')"),
            (First, "UPDATE t SET b = 'x' WHERE a < 3"),
            (First, "PRAGMA wal_checkpoint(full)"),
            (First, "INSERT INTO t VALUES (6, 'six')"),
            (First, "PRAGMA wal_checkpoint(restart)"),
            (First, "DELETE FROM t WHERE a = 4"),
            (First, "PRAGMA wal_checkpoint(truncate)"),
            (First, "INSERT INTO t VALUES (7, 'seven')"),
        ],
        tweak: plain,
    },
    Family {
        name: "automatic checkpoints",
        setup: INDEXED,
        steps: &[
            (First, "INSERT INTO t VALUES (21, 'a')"),
            (First, "INSERT INTO t VALUES (22, 'b')"),
            (First, "DELETE FROM t WHERE a < 4"),
            (First, "INSERT INTO t VALUES (23, 'c')"),
            (First, "UPDATE t SET b = 'd' WHERE a = 9"),
            (First, "INSERT INTO t VALUES (24, 'e')"),
            (First, "DELETE FROM t WHERE a = 22"),
        ],
        tweak: |w| w.each.push("PRAGMA wal_autocheckpoint = 4".into()),
    },
    Family {
        name: "checkpoint beside a reader",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, 'four')"),
            (Reader, "BEGIN"),
            (Reader, "SELECT count(*) FROM t"),
            (First, "INSERT INTO t VALUES (5, 'five')"),
            (First, "PRAGMA wal_checkpoint(passive)"),
            (Other, "UPDATE t SET b = 'six' WHERE a = 2"),
            (Reader, "COMMIT"),
            (Other, "PRAGMA wal_checkpoint(passive)"),
            (First, "INSERT INTO t VALUES (7, 'seven')"),
            (Other, "DELETE FROM t WHERE a = 4"),
        ],
        tweak: plain,
    },
    Family {
        name: "generations",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, zeroblob(900))"),
            (First, "UPDATE t SET b = zeroblob(1000) WHERE a = 4"),
            (First, "PRAGMA wal_checkpoint(passive)"),
            (First, "UPDATE t SET b = 'short' WHERE a = 1"),
            (First, "UPDATE t SET b = 'shorter' WHERE a = 1"),
            (First, "PRAGMA wal_checkpoint(passive)"),
            (First, "DELETE FROM t WHERE a = 4"),
        ],
        tweak: plain,
    },
    Family {
        name: "limited log",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, zeroblob(2000))"),
            (First, "PRAGMA wal_checkpoint(passive)"),
            (First, "INSERT INTO t VALUES (5, 'five')"),
            (First, "INSERT INTO t VALUES (6, 'six')"),
        ],
        tweak: |w| w.each.push("PRAGMA journal_size_limit = 600".into()),
    },
    Family {
        name: "vacuum and checkpoint",
        setup: INDEXED,
        steps: &[
            (First, "DELETE FROM t WHERE a % 4"),
            (First, "VACUUM"),
            (First, "PRAGMA wal_checkpoint(truncate)"),
            (First, "INSERT INTO t VALUES (99, 'z')"),
        ],
        tweak: plain,
    },
];

/// Families with attached databases and a super-journal.
const ATTACHED: &[Family] = &[
    Family {
        name: "both",
        setup: &["CREATE TABLE t(a INTEGER PRIMARY KEY, b)", "CREATE TABLE aux1.u(a INTEGER PRIMARY KEY, b)"],
        steps: &[
            (First, "BEGIN"),
            (First, "INSERT INTO t VALUES (1, 'one')"),
            (First, "INSERT INTO u VALUES (1, 'one')"),
            (First, "COMMIT"),
            (First, "BEGIN"),
            (First, "UPDATE t SET b = 'two'"),
            (First, "UPDATE u SET b = 'two'"),
            (First, "COMMIT"),
            (First, "INSERT INTO u VALUES (3, 'alone')"),
        ],
        tweak: |w| w.databases = 2,
    },
    Family {
        name: "three",
        setup: &[
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b)",
            "CREATE TABLE aux1.u(a INTEGER PRIMARY KEY, b)",
            "CREATE TABLE aux2.v(a INTEGER PRIMARY KEY, b)",
            "INSERT INTO t VALUES (1, 100)",
            "INSERT INTO v VALUES (1, 0)",
        ],
        steps: &[
            (First, "BEGIN"),
            (First, "UPDATE t SET b = b - 10"),
            (First, "INSERT INTO u VALUES (1, 5)"),
            (First, "UPDATE v SET b = b + 5"),
            (First, "COMMIT"),
            (First, "BEGIN"),
            (First, "DELETE FROM u"),
            (First, "UPDATE v SET b = b + 5"),
            (First, "COMMIT"),
        ],
        tweak: |w| w.databases = 3,
    },
    Family {
        name: "without main",
        setup: &[
            "CREATE TABLE t(a)",
            "CREATE TABLE aux1.u(a INTEGER PRIMARY KEY, b)",
            "CREATE TABLE aux2.v(a INTEGER PRIMARY KEY, b)",
        ],
        steps: &[
            (First, "BEGIN"),
            (First, "INSERT INTO u VALUES (1, zeroblob(600))"),
            (First, "INSERT INTO v VALUES (1, zeroblob(600))"),
            (First, "COMMIT"),
            (First, "INSERT INTO t VALUES (1)"),
        ],
        tweak: |w| w.databases = 3,
    },
];

/// Changes of the journal mode, and of the page size.
const CHANGES: &[Family] = &[
    Family {
        name: "into the log and out",
        setup: TABLE,
        steps: &[
            (First, "INSERT INTO t VALUES (4, 'four')"),
            (First, "PRAGMA journal_mode = wal"),
            (First, "INSERT INTO t VALUES (5, 'five')"),
            (First, "PRAGMA journal_mode = delete"),
            (First, "INSERT INTO t VALUES (6, 'six')"),
            (First, "PRAGMA journal_mode = wal"),
            (First, "DELETE FROM t WHERE a = 5"),
        ],
        tweak: plain,
    },
    Family {
        name: "journals in turn",
        setup: TABLE,
        steps: &[
            (First, "PRAGMA journal_mode = persist"),
            (First, "INSERT INTO t VALUES (4, zeroblob(900))"),
            (First, "PRAGMA journal_mode = delete"),
            (First, "INSERT INTO t VALUES (5, 'five')"),
            (First, "PRAGMA journal_mode = truncate"),
            (First, "DELETE FROM t WHERE a = 4"),
            (First, "PRAGMA journal_mode = persist"),
            (First, "INSERT INTO t VALUES (6, 'six')"),
        ],
        tweak: plain,
    },
    Family {
        name: "page size",
        setup: INDEXED,
        steps: &[(First, "PRAGMA page_size = 1024"), (First, "VACUUM"), (First, "INSERT INTO t VALUES (44, 'x')")],
        tweak: plain,
    },
];

const MODES: &[(&str, &str)] = &[
    ("wal", "normal"),
    ("wal", "full"),
    ("delete", "normal"),
    ("delete", "full"),
    ("delete", "extra"),
    ("truncate", "normal"),
    ("truncate", "full"),
    ("persist", "normal"),
    ("persist", "full"),
];

fn make(family: &Family, mode: &'static str, synchronous: &'static str, page_size: u32) -> Workload {
    let mut workload = Workload {
        name: format!("{}, {mode} {synchronous}, {page_size}", family.name),
        mode,
        synchronous,
        page_size,
        first: Vec::new(),
        each: Vec::new(),
        setup: family.setup.iter().map(|sql| (*sql).to_owned()).collect(),
        steps: family.steps.iter().map(|(who, sql)| Step { who: *who, sql: (*sql).to_owned() }).collect(),
        databases: 1,
        cache_pages: None,
        guarantee: Guarantee::of(mode, synchronous),
    };
    (family.tweak)(&mut workload);
    workload
}

/// All workloads.
pub fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    for (mode, synchronous) in MODES {
        for page_size in [512, 4096] {
            all.extend(EVERYWHERE.iter().map(|family| make(family, mode, synchronous, page_size)));
        }
    }
    for synchronous in ["normal", "full"] {
        for page_size in [512, 1024, 4096] {
            all.extend(OF_THE_LOG.iter().map(|family| make(family, "wal", synchronous, page_size)));
        }
    }
    for mode in ["delete", "truncate", "persist"] {
        for synchronous in ["normal", "full", "extra"] {
            all.extend(ATTACHED.iter().map(|family| make(family, mode, synchronous, 512)));
        }
    }
    for synchronous in ["normal", "full"] {
        all.extend(CHANGES.iter().map(|family| {
            let mut workload = make(family, "delete", synchronous, 512);
            if family.name == "into the log and out" && synchronous == "normal" {
                workload.guarantee = Guarantee::LogSync;
            }
            workload
        }));
    }
    // What promises nothing after a loss of power still keeps its word when a process is killed.
    for (mode, synchronous) in
        [("wal", "off"), ("delete", "off"), ("truncate", "off"), ("memory", "full"), ("off", "full")]
    {
        all.extend(EVERYWHERE.iter().take(3).map(|family| make(family, mode, synchronous, 512)));
    }
    for page_size in [1024, 8192, 65536] {
        for (mode, synchronous) in [("wal", "full"), ("delete", "full")] {
            all.extend(EVERYWHERE.iter().take(2).map(|family| make(family, mode, synchronous, page_size)));
        }
    }
    all
}

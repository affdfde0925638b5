//! What an authorizer is asked while a statement is planned.

/// What a statement wants to do; the numbers are SQLite's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum AuthAction {
    CreateIndex = 1,
    CreateTable = 2,
    CreateTempIndex = 3,
    CreateTempTable = 4,
    CreateTempTrigger = 5,
    CreateTempView = 6,
    CreateTrigger = 7,
    CreateView = 8,
    Delete = 9,
    DropIndex = 10,
    DropTable = 11,
    DropTempIndex = 12,
    DropTempTable = 13,
    DropTempTrigger = 14,
    DropTempView = 15,
    DropTrigger = 16,
    DropView = 17,
    Insert = 18,
    Pragma = 19,
    Read = 20,
    Select = 21,
    Transaction = 22,
    Update = 23,
    Attach = 24,
    Detach = 25,
    AlterTable = 26,
    Reindex = 27,
    Analyze = 28,
    CreateVtable = 29,
    DropVtable = 30,
    Function = 31,
    Savepoint = 32,
    Recursive = 33,
}

/// One question to the authorizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthRequest<'a> {
    /// What the statement wants to do.
    pub action: AuthAction,
    /// The third argument of SQLite's authorizer: a table, an index, a pragma…
    pub first: Option<&'a str>,
    /// The fourth: a column, a table, an argument…
    pub second: Option<&'a str>,
    /// The database.
    pub database: Option<&'a str>,
    /// The innermost trigger or view that wants it.
    pub object: Option<&'a str>,
}

/// The authorizer's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// `SQLITE_OK`.
    Allow,
    /// `SQLITE_DENY`: the statement is refused.
    Deny,
    /// `SQLITE_IGNORE`: the column reads NULL, the change is not made.
    Ignore,
    /// Any other number: the statement is refused with `authorizer malfunction`.
    Malfunction,
}

//! Switches of a connection that say what SQL may do on it (`sqlite3_db_config`). Some of them are pragmas as well.

use turso_error::Error;

use super::Connection;

/// A switch; the numbers are those of `SQLITE_DBCONFIG_...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Switch {
    /// `PRAGMA foreign_keys`.
    ForeignKeys = 1002,
    /// Triggers fire.
    Triggers = 1003,
    /// VACUUM empties a database, damaged or not, instead of copying its content.
    ResetDatabase = 1009,
    /// Nothing that could damage the file by ordinary SQL: `PRAGMA writable_schema` has no effect.
    Defensive = 1010,
    /// `PRAGMA writable_schema`.
    WritableSchema = 1011,
    /// `PRAGMA legacy_alter_table`.
    LegacyAlterTable = 1012,
    /// A double-quoted name that is no column is a string, in queries and changes of rows.
    DoubleQuotedStringsInQueries = 1013,
    /// The same in CREATE statements.
    DoubleQuotedStringsInSchema = 1014,
    /// Views can be used.
    Views = 1015,
    /// `PRAGMA trusted_schema`.
    TrustedSchema = 1017,
    /// Statements count the turns of their loops ([`crate::Statement::scans`]), which takes time.
    ScanStatistics = 1018,
    /// `PRAGMA reverse_unordered_selects`.
    ReverseUnorderedSelects = 1019,
    /// ATTACH may make files.
    AttachCreates = 1020,
    /// What is attached may be written.
    AttachWrites = 1021,
}

impl Switch {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::ForeignKeys,
        Self::Triggers,
        Self::ResetDatabase,
        Self::Defensive,
        Self::WritableSchema,
        Self::LegacyAlterTable,
        Self::DoubleQuotedStringsInQueries,
        Self::DoubleQuotedStringsInSchema,
        Self::Views,
        Self::TrustedSchema,
        Self::ScanStatistics,
        Self::ReverseUnorderedSelects,
        Self::AttachCreates,
        Self::AttachWrites,
    ];

    /// The switch of this number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|switch| *switch as i32 == number)
    }
}

/// The state of those that no pragma turns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Switches {
    pub triggers: bool,
    pub views: bool,
    pub reset_database: bool,
    pub defensive: bool,
    pub dqs_dml: bool,
    pub dqs_ddl: bool,
    pub attach_creates: bool,
    pub attach_writes: bool,
    pub scan_statistics: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            triggers: true,
            views: true,
            reset_database: false,
            defensive: false,
            dqs_dml: true,
            dqs_ddl: true,
            attach_creates: true,
            attach_writes: true,
            scan_statistics: false,
        }
    }
}

impl super::state::Settings {
    fn switch(&mut self, switch: Switch) -> &mut bool {
        match switch {
            Switch::ForeignKeys => &mut self.foreign_keys,
            Switch::Triggers => &mut self.switches.triggers,
            Switch::ResetDatabase => &mut self.switches.reset_database,
            Switch::Defensive => &mut self.switches.defensive,
            Switch::WritableSchema => &mut self.writable_schema,
            Switch::LegacyAlterTable => &mut self.legacy_alter_table,
            Switch::DoubleQuotedStringsInQueries => &mut self.switches.dqs_dml,
            Switch::DoubleQuotedStringsInSchema => &mut self.switches.dqs_ddl,
            Switch::Views => &mut self.switches.views,
            Switch::TrustedSchema => &mut self.trusted_schema,
            Switch::ScanStatistics => &mut self.switches.scan_statistics,
            Switch::ReverseUnorderedSelects => &mut self.reverse_unordered_selects,
            Switch::AttachCreates => &mut self.switches.attach_creates,
            Switch::AttachWrites => &mut self.switches.attach_writes,
        }
    }
}

impl Connection {
    /// Is it on?
    pub fn is_on(&self, switch: Switch) -> bool {
        *self.lock().settings.switch(switch)
    }

    /// Programs are made anew: something has changed that constants in them have been computed by.
    pub fn forget_programs(&self) {
        let mut state = self.lock();
        state.generation = state.generation.wrapping_add(1);
    }

    /// Turn a switch. Statements that are prepared already follow when they run next.
    pub fn turn(&self, switch: Switch, on: bool) {
        let mut state = self.lock();
        let place = state.settings.switch(switch);
        if *place != on {
            *place = on;
            state.generation = state.generation.wrapping_add(1);
            if switch == Switch::ResetDatabase {
                for entry in &mut state.databases {
                    entry.pager.overlook_damaged_header(on);
                    entry.schema = None;
                }
            }
        }
    }

    /// Why a text would be refused if a switch stood so. Nothing that is prepared is touched by the question, and no authorizer
    /// is asked.
    pub fn refusal_with(&self, switch: Switch, on: bool, sql: &[u8]) -> Option<Error> {
        self.lock()
            .with_stack(|state| {
                let before = std::mem::replace(state.settings.switch(switch), on);
                let authorizer = state.hooks.authorizer.take();
                // Told apart from the text as it stands, it is neither looked for among the programs kept nor kept.
                let planned = state.plan_by_current_schemas(sql, Some(0));
                state.hooks.authorizer = authorizer;
                *state.settings.switch(switch) = before;
                planned
            })
            .err()
    }
}

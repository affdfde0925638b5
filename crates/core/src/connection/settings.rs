//! The settings that pragmas ask for and tell: a connection call named for the pragma, with an argument to tell.
//!
//! The result register always gets the value in force afterwards; NULL where there is none to speak of.

use std::time::Duration;

use turso_error::{Error, Result};
use turso_planner::Tier;
use turso_storage::Synchronous;
use turso_value::{TextEncoding, Value};

use super::limits::Limit;
use super::state::{AttachedDb, Settings, State};

/// Settings that are stored and answered and mean nothing to this engine, with their defaults.
const PLAIN: &[(&str, i64)] = &[("checkpoint_fullfsync", 0), ("empty_result_callbacks", 0), ("fullfsync", 0)];

impl Settings {
    /// An on/off setting that the engine follows.
    fn flag(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "automatic_index" => &mut self.automatic_index,
            "case_sensitive_like" => &mut self.case_sensitive_like,
            "concurrent_upgrade" => &mut self.concurrent_upgrade,
            "cell_size_check" => &mut self.cell_size_check,
            "count_changes" => &mut self.count_changes,
            "defer_foreign_keys" => &mut self.defer_foreign_keys,
            "foreign_keys" => &mut self.foreign_keys,
            "full_column_names" => &mut self.full_column_names,
            "ignore_check_constraints" => &mut self.ignore_check_constraints,
            "legacy_alter_table" => &mut self.legacy_alter_table,
            "query_only" => &mut self.query_only,
            "read_uncommitted" => &mut self.reads_uncommitted,
            "require_where" | "i_am_a_dummy" => &mut self.require_where,
            "recursive_triggers" => &mut self.recursive_triggers,
            "reverse_unordered_selects" => &mut self.reverse_unordered_selects,
            "short_column_names" => &mut self.short_column_names,
            "trusted_schema" => &mut self.trusted_schema,
            "writable_schema" => &mut self.writable_schema,
            _ => return None,
        })
    }
}

/// KiB that a cache has unless the database or the connection says otherwise, negative as SQLite tells it.
const DEFAULT_CACHE_SIZE: i64 = -2000;

/// Bytes that SQLite's cache needs for a page besides its content: sizes in KiB are turned into pages with them.
const PAGE_OVERHEAD: i64 = 136;
/// The largest map that SQLite makes of a file.
const MAX_MMAP: i64 = 0x7fff_0000;

/// An argument as a number; a word is 0.
fn number(value: &Value) -> i64 {
    match value {
        Value::Integer(i) => *i,
        _ => 0,
    }
}

/// The number that a text begins with, also in hexadecimal.
fn leading_number(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok();
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    text.get(..text.len() - digits.len() + end)?.parse().ok()
}

/// `PRAGMA temp_store_directory`: where temporary files are made, for the whole process. An empty name is the system's.
fn temp_directory(told: Option<&Value>) -> Result<Value> {
    if let Some(told) = told {
        let name = match told {
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => word(other),
        };
        let usable = name.is_empty() || turso_io::is_writable_directory(&name);
        if !usable {
            return Err(Error::sql("not a writable directory"));
        }
        turso_io::set_temp_directory((!name.is_empty()).then(|| name.into()));
    }
    Ok(turso_io::temp_directory().map_or(Value::Null, |path| Value::from(&*path.to_string_lossy())))
}

/// An argument in lower case.
fn word(value: &Value) -> String {
    match value {
        Value::Text(text) => String::from_utf8_lossy(text).to_ascii_lowercase(),
        Value::Integer(i) => i.to_string(),
        _ => String::new(),
    }
}

impl State {
    /// Ask or tell a setting of the connection or of one of its databases; without a name that is `main`, or all of them.
    pub fn setting(
        &mut self,
        name: &str,
        db: Option<usize>,
        told: Option<&Value>,
        dest: Option<&mut Value>,
    ) -> Result<()> {
        let answer = self.setting_in_force(name, db, told)?;
        if let Some(dest) = dest {
            *dest = answer;
        }
        Ok(())
    }

    fn setting_in_force(&mut self, name: &str, db: Option<usize>, told: Option<&Value>) -> Result<Value> {
        // Inside a transaction the switch is ignored: half of a transaction cannot be checked.
        let frozen = name == "foreign_keys" && !self.autocommit;
        let defensive = self.settings.switches.defensive;
        if let Some(flag) = self.settings.flag(name) {
            let refused = name == "writable_schema" && defensive;
            if let Some(told) = told.filter(|_| !frozen && !refused) {
                let before = std::mem::replace(flag, number(told) != 0);
                let now = *flag;
                if name == "defer_foreign_keys" {
                    self.deferring_changes(before, now);
                }
                self.generation = self.generation.wrapping_add(1);
                if name == "writable_schema" && word(told) == "reset" {
                    self.reread_schemas()?;
                }
            }
            let on = self.settings.flag(name).is_some_and(|f| *f);
            return Ok(Value::Integer(i64::from(on)));
        }
        if let Some(&(known, default)) = PLAIN.iter().find(|(n, _)| *n == name) {
            return Ok(Value::Integer(self.plain_setting(known, default, told)));
        }
        match name {
            "busy_timeout" => {
                if let Some(told) = told {
                    self.settings.busy_timeout = Duration::from_millis(u64::try_from(number(told)).unwrap_or(0));
                    self.hooks.busy = None;
                }
                Ok(Value::Integer(i64::try_from(self.settings.busy_timeout.as_millis()).unwrap_or(i64::MAX)))
            }
            "execution_tier" => {
                if let Some(told) = told {
                    self.settings.tier = match word(told).as_str() {
                        "auto" => Tier::Auto,
                        "row" => Tier::Row,
                        "batch" => Tier::Batch,
                        _ => return Err(Error::sql("execution_tier is auto, row or batch")),
                    };
                    self.generation = self.generation.wrapping_add(1);
                }
                Ok(Value::from(match self.settings.tier {
                    Tier::Auto => "auto",
                    Tier::Row => "row",
                    Tier::Batch => "batch",
                }))
            }
            "concurrent_isolation" => {
                if let Some(told) = told {
                    self.settings.serializable = match word(told).as_str() {
                        "serializable" => true,
                        "snapshot" => false,
                        _ => return Err(Error::sql("concurrent_isolation is snapshot or serializable")),
                    };
                }
                Ok(Value::from(if self.settings.serializable { "serializable" } else { "snapshot" }))
            }
            "temp_store" => {
                if let Some(told) = told {
                    let text = word(told);
                    self.set_temp_store(match (text.as_str(), text.bytes().next()) {
                        ("file", _) | (_, Some(b'1')) => 1,
                        ("memory", _) | (_, Some(b'2')) => 2,
                        _ => 0,
                    })?;
                }
                Ok(Value::Integer(self.settings.temp_store))
            }
            "wal_autocheckpoint" => {
                if let Some(told) = told {
                    self.set_autocheckpoint(u32::try_from(number(told)).unwrap_or(0));
                }
                Ok(Value::Integer(i64::from(self.settings.wal_autocheckpoint)))
            }
            "snapshot_age_limit" => {
                let file = self.databases.get(db.unwrap_or(0)).and_then(|db| db.pager.database_file());
                if let (Some(told), Some(file)) = (told, file) {
                    file.limit_snapshot_age(number(told));
                }
                Ok(Value::Integer(file.map_or(0, |file| file.snapshot_age_limit())))
            }
            "temp_store_directory" => temp_directory(told),
            // The number of helper threads is one of the limits; a negative one only asks.
            "threads" => {
                if let Some(told) = told.map(number).filter(|told| *told >= 0) {
                    self.limit_table.set(Limit::WorkerThreads, (told & 0x7fff_ffff) as i32);
                }
                Ok(Value::from(self.limit_table.get(Limit::WorkerThreads) as i64))
            }
            "analysis_limit" => {
                if let Some(told) = told.map(number).filter(|told| *told >= 0) {
                    self.settings.analysis_limit = (told & 0x7fff_ffff) as u32;
                    self.generation = self.generation.wrapping_add(1);
                }
                Ok(Value::Integer(i64::from(self.settings.analysis_limit)))
            }
            "soft_heap_limit" | "hard_heap_limit" => {
                let name = if name == "soft_heap_limit" { "soft_heap_limit" } else { "hard_heap_limit" };
                let told = told.filter(|told| number(told) >= 0);
                Ok(Value::Integer(self.plain_setting(name, 0, told)))
            }
            "locking_mode" => Ok(Value::from(self.locking_mode(db, told))),
            "secure_delete" => Ok(Value::Integer(self.secure_delete(db, told))),
            "cache_spill" => Ok(Value::Integer(self.cache_spill(db.unwrap_or(0), told))),
            "shrink_memory" => {
                // The pragma itself runs.
                self.release_memory(1);
                Ok(Value::Null)
            }
            _ => self.database_setting(name, db.unwrap_or(0), told),
        }
    }

    /// Lets go of pages that can be read again, unless more statements than these run.
    pub fn release_memory(&mut self, running: usize) {
        if self.active_statements <= running {
            self.databases.iter_mut().for_each(|entry| entry.pager.release_memory());
        }
    }

    /// `PRAGMA locking_mode`. Temporary tables are nobody else's in any case.
    fn locking_mode(&mut self, db: Option<usize>, told: Option<&Value>) -> &'static str {
        let wanted = match told.map(word).as_deref() {
            Some("exclusive") => Some(true),
            Some("normal") => Some(false),
            _ => None,
        };
        if let (Some(exclusive), None) = (wanted, db) {
            self.settings.locks_exclusively = exclusive;
            for entry in self.databases.iter_mut().skip(2) {
                entry.pager.set_locks_exclusively(exclusive);
            }
        }
        let Some(entry) = self.databases.get_mut(db.unwrap_or(0)) else { return "normal" };
        let in_memory = entry.pager.database_file().is_none();
        let exclusive = match wanted {
            _ if in_memory && (db.is_some() || self.settings.locks_exclusively) => true,
            Some(exclusive) => entry.pager.set_locks_exclusively(exclusive),
            None if in_memory => false,
            None => entry.pager.locks_exclusively(),
        };
        if exclusive { "exclusive" } else { "normal" }
    }

    /// `PRAGMA temp_store`: temporary tables are gone once it changes.
    fn set_temp_store(&mut self, wanted: i64) -> Result<()> {
        if self.settings.temp_store == wanted {
            return Ok(());
        }
        let Some(temp) = self.databases.get(1) else { return Ok(()) };
        let in_use = temp.schema.as_ref().is_some_and(|schema| schema.tables.len() > 1);
        if in_use {
            if !self.autocommit || temp.pager.in_read() {
                return Err(Error::sql("temporary storage cannot be changed from within a transaction"));
            }
            self.databases[1] = AttachedDb::temp();
            self.generation = self.generation.wrapping_add(1);
        }
        self.temp_space = None;
        self.settings.temp_store = wanted;
        Ok(())
    }

    /// `PRAGMA secure_delete`: 0, 1, or 2 for FAST.
    fn secure_delete(&mut self, db: Option<usize>, told: Option<&Value>) -> i64 {
        let wanted = told.map(|told| match word(told).as_str() {
            "fast" => 2,
            "on" | "yes" | "true" => 1,
            text => u8::from(leading_number(text).is_some_and(|n| i32::try_from(n).is_ok_and(|n| n > 0))),
        });
        if let Some(mode) = wanted {
            for (at, entry) in self.databases.iter_mut().enumerate() {
                if db.is_none_or(|db| db == at) {
                    entry.pager.set_secure_delete(mode);
                }
            }
        }
        self.databases.get(db.unwrap_or(0)).map_or(0, |entry| i64::from(entry.pager.secure_delete()))
    }

    /// `PRAGMA cache_spill`: whether large transactions leave memory before they commit, and from how many pages on at the
    /// earliest. The cache may be larger: then it counts.
    fn cache_spill(&mut self, db: usize, told: Option<&Value>) -> i64 {
        let page_size = self.databases.get(db).map_or(4096, |entry| i64::from(entry.pager.page_size()));
        let in_pages = |n: i64| if n < 0 { n.saturating_mul(-1024) / (page_size + PAGE_OVERHEAD) } else { n };
        match told.map(word).as_deref() {
            Some("off" | "no" | "false") => self.settings.cache_spills = false,
            Some(text) if !text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                self.settings.cache_spills = true;
            }
            Some(text) => {
                let pages = leading_number(text).filter(|n| i32::try_from(*n).is_ok()).unwrap_or(0);
                self.settings.cache_spills = pages != 0;
                if pages != 0 && pages != 1 {
                    let pages = in_pages(pages);
                    self.settings.cache_spill_pages = pages;
                    for entry in &mut self.databases {
                        entry.pager.set_spill_pages(usize::try_from(pages).unwrap_or(usize::MAX));
                    }
                }
            }
            None => {}
        }
        let spills = self.settings.cache_spills;
        if told.is_some() {
            for entry in &mut self.databases {
                entry.pager.set_spills(spills);
            }
        }
        // The cache of temporary tables grows as it needs to: it is spoken of as that of `main`.
        let db = if db == 1 { 0 } else { db };
        let cache = in_pages(self.databases.get(db).and_then(|entry| entry.cache_size).unwrap_or(DEFAULT_CACHE_SIZE));
        if spills { self.settings.cache_spill_pages.max(cache) } else { 0 }
    }

    fn plain_setting(&mut self, name: &'static str, default: i64, told: Option<&Value>) -> i64 {
        let known = self.settings.plain.iter().position(|(n, _)| *n == name);
        match (known.and_then(|i| self.settings.plain.get_mut(i)), told) {
            (Some((_, value)), None) => *value,
            (Some((_, value)), Some(told)) => {
                *value = number(told);
                *value
            }
            (None, None) => default,
            (None, Some(told)) => {
                self.settings.plain.push((name, number(told)));
                number(told)
            }
        }
    }

    fn database_setting(&mut self, name: &str, db: usize, told: Option<&Value>) -> Result<Value> {
        if matches!(name, "page_size" | "auto_vacuum" | "data_version" | "cache_size") && told.is_none() {
            self.begin_read(db)?;
        }
        let Some(entry) = self.databases.get_mut(db) else { return Err(Error::sql("unknown database")) };
        let pager = &mut entry.pager;
        match name {
            "database_file" => Ok(Value::from(&*entry.file)),
            "cache_size" => {
                let page_size = i64::from(pager.page_size());
                if let Some(told) = told {
                    let wanted = number(told);
                    // Negative: in KiB.
                    let pages = if wanted < 0 { wanted.saturating_mul(-1024) / page_size.max(1) } else { wanted };
                    pager.set_cache_pages(usize::try_from(pages).unwrap_or(0));
                    entry.cache_size = Some(wanted);
                }
                let suggested = match pager.header().default_cache_size as i32 {
                    0 => DEFAULT_CACHE_SIZE,
                    pages => i64::from(pages).abs(),
                };
                Ok(Value::Integer(entry.cache_size.unwrap_or(suggested)))
            }
            "synchronous" => {
                if told.is_some() && !self.autocommit {
                    return Err(Error::sql("Safety level may not be changed inside a transaction"));
                }
                if db == 1 {
                    return Ok(Value::Integer(0));
                }
                if let Some(told) = told {
                    pager.set_synchronous(match word(told).as_str() {
                        "off" | "no" | "false" => Synchronous::Off,
                        "extra" => Synchronous::Extra,
                        "full" => Synchronous::Full,
                        // Three bits of a number count, and what is no number is NORMAL.
                        text => match leading_number(text)
                            .filter(|n| *n >= 0)
                            .map(|n| if i32::try_from(n).is_ok() { n & 7 } else { 0 })
                        {
                            Some(0 | 7) => Synchronous::Off,
                            Some(2) => Synchronous::Full,
                            Some(3..) => Synchronous::Extra,
                            _ => Synchronous::Normal,
                        },
                    });
                }
                Ok(Value::Integer(match pager.synchronous() {
                    Synchronous::Off => 0,
                    Synchronous::Normal => 1,
                    Synchronous::Full => 2,
                    Synchronous::Extra => 3,
                }))
            }
            // Pages are never read through a map: it is answered, no more. What has no file has no row.
            "mmap_size" => {
                if pager.database_file().is_none() {
                    return Ok(Value::Null);
                }
                let told = told.map(number).map(|n| Value::Integer(n.clamp(0, MAX_MMAP)));
                Ok(Value::Integer(self.plain_setting("mmap_size", 0, told.as_ref())))
            }
            "journal_size_limit" => {
                if let Some(told) = told {
                    pager.set_journal_size_limit(number(told));
                }
                Ok(Value::Integer(pager.journal_size_limit()))
            }
            "io_backend" => Ok(Value::from(pager.database_file().map_or("memory", |file| file.io().name()))),
            "data_version" => Ok(Value::Integer(i64::from(pager.data_version()))),
            "page_size" => {
                if let Some(told) = told {
                    let size = u32::try_from(number(told)).unwrap_or(0);
                    // What a transaction has looked at stays as it is, also where there was nothing.
                    if self.autocommit || !(pager.in_read() && entry.snapshot_used) {
                        pager.set_page_size(size);
                    }
                    if (512..=65536).contains(&size) && size.is_power_of_two() {
                        self.settings.next_page_size = Some(size);
                        // The temporary database takes the same, as long as nothing is in it.
                        if let Some(temporary) = self.databases.get_mut(1) {
                            temporary.pager.set_page_size(size);
                        }
                    }
                }
                let size = self.databases.get(db).map_or(0, |entry| entry.pager.page_size());
                Ok(Value::Integer(i64::from(size)))
            }
            "auto_vacuum" => {
                if let Some(told) = told {
                    let mode = number(told);
                    self.settings.next_auto_vacuum = Some(mode as u8);
                    pager.set_initial_header(|h| {
                        // Root pages below the largest root are what pointer maps need to know; 1 says that they exist.
                        h.largest_root = u32::from(mode != 0);
                        h.incremental_vacuum = u32::from(mode == 2);
                    });
                }
                let header = pager.header();
                Ok(Value::Integer(match (header.largest_root, header.incremental_vacuum) {
                    (0, _) => 0,
                    (_, 0) => 1,
                    _ => 2,
                }))
            }
            "encoding" => {
                if let Some(told) = told {
                    self.choose_encoding(match word(told).as_str() {
                        "utf-16le" => TextEncoding::Utf16Le,
                        "utf-16be" => TextEncoding::Utf16Be,
                        _ => TextEncoding::Utf8,
                    });
                }
                Ok(Value::Null)
            }
            _ => Err(Error::sql(format!("{name} is not supported yet"))),
        }
    }
}

//! What the loops of a statement have done (`sqlite3_stmt_scanstatus`).
//!
//! Loops count where `SQLITE_DBCONFIG_STMT_SCANSTATUS` was on when the statement was prepared. Time is not measured.

use std::ffi::{c_char, c_double, c_int, c_void};
use std::ptr::null;

use turso_core::PlanPart;

use crate::boundary::{Out, entry};
use crate::codes::OK;
use crate::handle::{Handle, Stmt};

const LOOPS: c_int = 0;
const ROWS: c_int = 1;
const ESTIMATE: c_int = 2;
const NAME: c_int = 3;
const EXPLAIN: c_int = 4;
const NODE: c_int = 5;
const PARENT: c_int = 6;
const CYCLES: c_int = 7;

/// All parts of the plan, and not only the loops over tables and indexes.
const FLAG_COMPLEX: c_int = 1;

/// There is nothing of that number.
const NOTHING: c_int = 1;
/// What is said of something that is not measured.
const UNKNOWN: i64 = -1;

impl Stmt {
    /// One fact about one part of the plan.
    fn scan_status(&self, index: c_int, what: c_int, flags: c_int, place: *mut c_void) -> c_int {
        let Ok(inner) = self.inner.try_borrow() else { return NOTHING };
        let parts = inner.scans();
        let is_table = |part: &&PlanPart<'_>| part.scan.as_ref().is_some_and(|scan| scan.name.is_some());
        let number = |value: i64| Out::new(place.cast::<i64>()).set(value);
        let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let Ok(index) = usize::try_from(index) else {
            // The statement as a whole.
            return if what == CYCLES && !place.is_null() {
                number(UNKNOWN);
                OK
            } else {
                NOTHING
            };
        };
        let part = match flags & FLAG_COMPLEX {
            0 => parts.iter().filter(is_table).nth(index),
            _ => parts.get(index),
        };
        let Some(PlanPart { node, scan }) = part.filter(|_| !place.is_null()) else { return NOTHING };
        let scan = scan.as_ref();
        match what {
            LOOPS => number(scan.map_or(UNKNOWN, |scan| count(scan.loops))),
            ROWS => number(scan.map_or(UNKNOWN, |scan| count(scan.rows))),
            ESTIMATE => Out::new(place.cast::<c_double>()).set(scan.map_or(1.0, |scan| scan.estimate)),
            NAME => {
                let name = scan.and_then(|scan| scan.name).map_or(null(), |name| self.kept_text(name));
                Out::new(place.cast::<*const c_char>()).set(name);
            }
            EXPLAIN => Out::new(place.cast::<*const c_char>()).set(self.kept_text(&node.detail)),
            NODE => Out::new(place.cast::<c_int>()).set(c_int::try_from(node.id).unwrap_or(c_int::MAX)),
            PARENT => Out::new(place.cast::<c_int>()).set(c_int::try_from(node.parent).unwrap_or(c_int::MAX)),
            CYCLES => number(UNKNOWN),
            _ => return NOTHING,
        }
        OK
    }

    /// A text that stays as long as the statement.
    fn kept_text(&self, text: &str) -> *const c_char {
        let mut kept = self.plan_texts.borrow_mut();
        let at = kept.iter().position(|known| known.as_bytes() == text.as_bytes()).unwrap_or_else(|| {
            kept.push(crate::error::c_string(text.as_bytes()));
            kept.len() - 1
        });
        kept.get(at).map_or(null(), |text| text.as_ptr())
    }
}

entry! {
    /// One fact about one loop.
    fn sqlite3_stmt_scanstatus(stmt: Handle<Stmt>, index: i32, what: i32, place: *mut c_void) -> c_int | NOTHING; {
        stmt.get().map_or(NOTHING, |stmt| stmt.scan_status(index, what, 0, place))
    }

    /// One fact about one loop or other part of the plan.
    fn sqlite3_stmt_scanstatus_v2(
        stmt: Handle<Stmt>, index: i32, what: i32, flags: i32, place: *mut c_void,
    ) -> c_int | NOTHING; {
        stmt.get().map_or(NOTHING, |stmt| stmt.scan_status(index, what, flags, place))
    }

    /// The counts begin anew.
    fn sqlite3_stmt_scanstatus_reset(stmt: Handle<Stmt>) | (); {
        if let Some(mut inner) = stmt.get().and_then(|stmt| stmt.inner.try_borrow_mut().ok()) {
            inner.reset_scans();
        }
    }
}

//! `xBestIndex`: the planner's question as C sees it.

use std::cell::RefCell;
use std::ffi::{CString, c_char, c_int};
use std::ptr::{null, null_mut};

use turso_vtab::{Answer, ConstraintOp, Question, Usage};

use super::objects::*;
use crate::boundary::{Out, Text, entry};
use crate::codes::{MISUSE, NOTFOUND, OK, RANGE};
use crate::memory;
use crate::value::CValue;

const SCAN_UNIQUE: c_int = 1;
const SCAN_HEX: c_int = 2;

/// The question with what can be asked about it through its address.
#[repr(C)]
pub struct IndexInfo {
    base: sqlite3_index_info,
    distinct: c_int,
    constraints: Vec<IndexConstraint>,
    order: Vec<IndexOrder>,
    usage: Vec<IndexUsage>,
    collations: Vec<CString>,
    values: Vec<Option<Box<CValue>>>,
    /// Which constraints are an IN.
    is_in: Vec<bool>,
    /// Which of them are wanted as a whole.
    as_a_whole: RefCell<Vec<bool>>,
}

impl IndexInfo {
    /// The question as C sees it. It refers to itself, so it stays in its box.
    pub fn new(question: &Question) -> Box<Self> {
        let column = |column: Option<u16>| column.map_or(-1, c_int::from);
        let mut constraints: Vec<_> = question
            .constraints
            .iter()
            .enumerate()
            .map(|(i, c)| IndexConstraint {
                // LIMIT and OFFSET have none.
                column: if matches!(c.op, ConstraintOp::Limit | ConstraintOp::Offset) { 0 } else { column(c.column) },
                op: c.op.number(),
                usable: c.usable.into(),
                term_offset: i as c_int,
            })
            .collect();
        let mut order: Vec<_> = question
            .order_by
            .iter()
            .map(|term| IndexOrder { column: column(term.column), descending: term.descending.into() })
            .collect();
        let mut usage = vec![IndexUsage::default(); constraints.len()];
        let base = sqlite3_index_info {
            constraint_count: constraints.len() as c_int,
            constraints: constraints.as_mut_ptr(),
            order_count: order.len() as c_int,
            order: order.as_mut_ptr(),
            usage: usage.as_mut_ptr(),
            number: 0,
            text: null_mut(),
            free_text: 0,
            order_consumed: 0,
            cost: 5e98,
            rows: 25,
            flags: 0,
            columns_used: question.columns_used,
        };
        Box::new(Self {
            base,
            distinct: question.distinct.number(),
            collations: question
                .constraints
                .iter()
                .map(|c| crate::error::c_string(c.collation.name().as_bytes()))
                .collect(),
            values: question
                .constraints
                .iter()
                .map(|c| c.value.clone().map(|value| Box::new(CValue::new(value))))
                .collect(),
            is_in: question.constraints.iter().map(|c| c.is_in).collect(),
            as_a_whole: RefCell::new(vec![false; constraints.len()]),
            constraints,
            order,
            usage,
        })
    }

    /// The pointer that C gets.
    pub fn as_ptr(&mut self) -> *mut sqlite3_index_info {
        std::ptr::from_mut(self).cast()
    }

    /// What C has answered; its text is taken over.
    pub fn answer(&mut self) -> Answer {
        let whole = self.as_a_whole.borrow();
        let usage = self.usage.iter().zip(whole.iter()).map(|(usage, &all_at_once)| Usage {
            argument: usize::try_from(usage.argument).unwrap_or(0),
            omit: usage.omit != 0,
            all_at_once,
        });
        let base = &self.base;
        let answer = Answer {
            usage: usage.collect(),
            number: base.number,
            text: Text::new(base.text).string().map(Into::into),
            order_consumed: base.order_consumed != 0,
            cost: base.cost,
            rows: base.rows,
            unique: base.flags & SCAN_UNIQUE != 0,
            hexadecimal: base.flags & SCAN_HEX != 0,
        };
        drop(whole);
        self.free_text();
        answer
    }

    fn free_text(&mut self) {
        if self.base.free_text != 0 {
            memory::free(self.base.text.cast());
        }
        self.base.text = null_mut();
        self.base.free_text = 0;
    }
}

impl Drop for IndexInfo {
    fn drop(&mut self) {
        self.free_text();
    }
}

/// What is behind a question that C holds.
fn info<'a>(info: *mut sqlite3_index_info) -> Option<&'a IndexInfo> {
    // SAFETY: the interface's contract: what `xBestIndex` was given, within that call.
    unsafe { info.cast::<IndexInfo>().as_ref() }
}

entry! {
    /// The collation of a constraint.
    fn sqlite3_vtab_collation(question: *mut sqlite3_index_info, index: i32) -> *const c_char | null(); {
        let found = usize::try_from(index).ok().and_then(|index| info(question)?.collations.get(index));
        found.map_or(null(), |name| name.as_ptr())
    }

    /// What the order is wanted for.
    fn sqlite3_vtab_distinct(question: *mut sqlite3_index_info) -> c_int | 0; {
        info(question).map_or(0, |info| info.distinct)
    }

    /// Whether a constraint is an IN; and whether its values are wanted as a whole.
    fn sqlite3_vtab_in(question: *mut sqlite3_index_info, index: i32, handle: i32) -> c_int | 0; {
        let (Some(info), Ok(index)) = (info(question), usize::try_from(index)) else { return 0 };
        if !info.is_in.get(index).copied().unwrap_or(false) {
            return 0;
        }
        if handle >= 0 && let Some(whole) = info.as_a_whole.borrow_mut().get_mut(index) {
            *whole = handle != 0;
        }
        1
    }

    /// The right side of a constraint, where it is known already.
    fn sqlite3_vtab_rhs_value(question: *mut sqlite3_index_info, index: i32, place: Out<*mut CValue>) -> c_int | MISUSE; {
        place.set(null_mut());
        let Some(info) = info(question) else { return MISUSE };
        match usize::try_from(index).ok().and_then(|index| info.values.get(index)) {
            None => RANGE,
            Some(None) => NOTFOUND,
            Some(Some(value)) => {
                place.set(std::ptr::from_ref::<CValue>(value).cast_mut());
                OK
            }
        }
    }
}

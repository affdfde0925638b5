//! Which wished order a sequence of paths delivers.
//!
//! The rows of nested loops come in the order of the outermost loop, and within one of its rows in that of the next. So an inner
//! loop counts only while the loops around it are *order distinct*: no two of their rows are equal in what was ordered so far.

use super::path::{Path, PathKind};
use super::source::{BoundKey, IndexKeyInfo, SourceInfo};
use super::terms::{Key, KeyRef, Mask, Op, Terms};
use crate::plan::{ColumnIndex, Expr, OrderTerm, Wish, same_expr};

/// What a sequence of paths delivers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Delivered {
    /// Number of leading terms delivered; `None` while later loops may still add to it.
    pub count: Option<usize>,
    /// Loops (by position in the sequence) that must run backwards.
    pub reverse: Mask,
    /// Terms in the order in which they are delivered, and whether descending.
    pub terms: Vec<(usize, bool)>,
}

/// Knows the wish and what the terms fix.
pub(super) struct Orders<'o, 'a> {
    pub wish: &'o Wish,
    pub terms: &'o Terms<'a>,
    pub infos: &'o [SourceInfo<'a>],
    /// Local sources read by each wished term.
    pub reads: Vec<Mask>,
}

impl<'o, 'a> Orders<'o, 'a> {
    pub fn new(wish: &'o Wish, terms: &'o Terms<'a>, infos: &'o [SourceInfo<'a>]) -> Self {
        let position = |e: &Expr| {
            let mut mask = 0;
            e.for_each_column(|id, _| {
                if let Some(at) = infos.iter().position(|i| i.source.id == id) {
                    mask |= 1 << at;
                }
            });
            mask
        };
        Self { wish, terms, infos, reads: wish.order.iter().map(|t| position(&t.expr)).collect() }
    }

    /// What the loops deliver; `complete` when no further loop follows.
    pub fn delivered(&self, paths: &[&Path], complete: bool) -> Delivered {
        let n = self.wish.order.len();
        let mut state = State { done: vec![false; n], delivered: Delivered::default(), distinct: 0 };
        if n == 0 {
            state.delivered.count = Some(0);
            return state.delivered;
        }
        let mut open = true;
        for (k, path) in paths.iter().enumerate() {
            if !self.one_loop(&mut state, k, path) {
                open = false;
                break;
            }
            if state.done.iter().all(|d| *d) {
                open = false;
                break;
            }
        }
        let leading = state.done.iter().take_while(|d| **d).count();
        if leading == n {
            // Terms that other terms fix have no place of their own in the order: any will do.
            for i in 0..n {
                if !state.delivered.terms.iter().any(|(t, _)| *t == i) {
                    state.delivered.terms.push((i, self.wish.order[i].descending));
                }
            }
        }
        if leading < n && open && !complete {
            return state.delivered;
        }
        // Groups are hashed: a part of their order is of no use. DISTINCT shows rows in the order in which they come.
        let useless = self.wish.order_is_free && !self.wish.distinct && leading < n;
        state.delivered.count = Some(if useless { 0 } else { leading });
        state.delivered
    }

    /// Account for one loop. False when the loops inside it cannot add anything.
    fn one_loop(&self, state: &mut State, k: usize, path: &Path) -> bool {
        let bit: Mask = 1 << path.source;
        let Some(info) = self.infos.get(path.source) else { return false };
        self.fixed_by_terms(state, path.source);
        if path.one_row || info.source.exists {
            state.distinct |= bit;
            self.fixed_by_rows(state);
            return true;
        }
        if let PathKind::Virtual(scan) = &path.kind {
            if k == 0 && scan.ordered {
                state.done.fill(true);
                state.delivered.terms = self.wish.order.iter().map(|t| t.descending).enumerate().collect();
            }
            return false;
        }
        let rowid = [IndexKeyInfo {
            key: BoundKey::Column(ColumnIndex::Rowid),
            collation: turso_value::Collation::Binary,
            descending: false,
        }];
        let (keys, fixed, unique): (&[IndexKeyInfo], &[usize], usize) = match &path.kind {
            PathKind::Scan | PathKind::RowidIn | PathKind::RowidRange { .. } if info.table.is_some() => {
                (&rowid, &[], 1)
            }
            PathKind::IndexScan { index } | PathKind::Index { index, skip: 0, .. } => {
                let Some(index) = info.indexes.get(*index) else { return false };
                if index.shape.unordered {
                    return false;
                }
                let fixed = match &path.kind {
                    PathKind::Index { equal, .. } => equal.as_slice(),
                    _ => &[],
                };
                let declared = index.index.columns.len();
                let usable_unique =
                    index.index.unique && index.keys.iter().take(declared).all(|k| info.never_null(&k.key));
                (&index.keys, fixed, if usable_unique { declared } else { index.keys.len() })
            }
            _ => return false,
        };
        let mut reverse: Option<bool> = None;
        let mut passed = 0;
        for (j, key) in keys.iter().enumerate() {
            let fixed_op = fixed.get(j).and_then(|&u| self.terms.usable.get(u)).map(|u| u.op);
            if matches!(fixed_op, Some(Op::Equal | Op::Is | Op::IsNull)) {
                passed += 1;
                continue;
            }
            let Some(term) = self.next_term(state, info, key) else { break };
            let wished = &self.wish.order[term];
            let descending = if self.wish.order_is_free {
                key.descending != reverse.unwrap_or(false)
            } else {
                let backwards = wished.descending != key.descending;
                if reverse.is_some_and(|r| r != backwards) {
                    break;
                }
                reverse = Some(backwards);
                wished.descending
            };
            state.done[term] = true;
            state.delivered.terms.push((term, descending));
            passed += 1;
        }
        if reverse == Some(true) {
            state.delivered.reverse |= 1 << k;
        }
        if passed < unique {
            return false;
        }
        state.distinct |= bit;
        self.fixed_by_rows(state);
        true
    }

    /// The wished term that this index column delivers next.
    fn next_term(&self, state: &State, info: &SourceInfo<'_>, key: &IndexKeyInfo) -> Option<usize> {
        let matches = |t: &OrderTerm| {
            let e = t.expr.without_collate();
            let same = match (key.key.as_ref(), e) {
                (KeyRef::Column(c), Expr::Column { source, column, .. }) => *source == info.source.id && *column == c,
                (KeyRef::Expr(x), e) => same_expr(x, e),
                _ => false,
            };
            let is_rowid = matches!(key.key, BoundKey::Column(ColumnIndex::Rowid));
            same && (is_rowid || t.collation == key.collation) && (!t.nulls_reversed || info.never_null(&key.key))
        };
        let mut open = self.wish.order.iter().enumerate().filter(|(i, _)| !state.done[*i]);
        if self.wish.order_is_free {
            open.find(|(_, t)| matches(t)).map(|(i, _)| i)
        } else {
            open.next().filter(|(_, t)| matches(t)).map(|(i, _)| i)
        }
    }

    /// Columns that an equality fixes need not be ordered.
    fn fixed_by_terms(&self, state: &mut State, position: usize) {
        let Some(info) = self.infos.get(position) else { return };
        // What a module is told need not compare as its column sorts: `1` and `'1'` are both equal to an integer.
        if self.terms.is_virtual(position) {
            return;
        }
        for (i, term) in self.wish.order.iter().enumerate() {
            if state.done[i] {
                continue;
            }
            let Expr::Column { source, column, .. } = term.expr.without_collate() else { continue };
            if *source != info.source.id {
                continue;
            }
            let fixed = self.terms.usable.iter().any(|u| {
                u.source == position
                    && matches!(u.op, Op::Equal | Op::Is | Op::IsNull)
                    && matches!(u.key, Key::Column(c) if c == *column)
                    && u.needs & !state.distinct == 0
                    && u.collation == term.collation
                    && self.terms.terms[u.term].on_of.is_none()
            });
            state.done[i] |= fixed;
        }
    }

    /// Terms that only read loops whose rows are told apart already, or nothing.
    fn fixed_by_rows(&self, state: &mut State) {
        for (i, reads) in self.reads.iter().enumerate() {
            if reads & !state.distinct == 0 && !self.wish.order[i].expr.is_volatile() {
                state.done[i] = true;
            }
        }
    }
}

struct State {
    done: Vec<bool>,
    delivered: Delivered,
    /// Sources whose rows what is ordered so far tells apart.
    distinct: Mask,
}

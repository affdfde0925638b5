//! The order of the loops: partial sequences grow by one loop at a time, and only the best for each set of sources live on.
//!
//! Up to a dozen sources nothing is given up but what a cheaper sequence of the same sources beats; beyond that only the best
//! few sequences of each length are kept, so sixty sources are still planned at once.

use super::cost::{LogEst, add, log_est, search_steps};
use super::order::{Delivered, Orders};
use super::path::{Path, PathKind};
use super::source::SourceInfo;
use super::terms::Mask;
use crate::plan::Wish;

/// The chosen sequence of paths (by index) and what it delivers.
#[derive(Debug)]
pub(super) struct Chosen {
    pub paths: Vec<usize>,
    pub delivered: Delivered,
    pub rows: LogEst,
}

#[derive(Debug, Clone)]
struct Sequence {
    mask: Mask,
    paths: Vec<usize>,
    rows: LogEst,
    cost: LogEst,
    unsorted: LogEst,
    delivered: Delivered,
}

/// Choose one path per source and their order. `None` when there is none (a hint forbids them all).
pub(super) fn choose(infos: &[SourceInfo<'_>], paths: &[Path], orders: &Orders<'_, '_>, initial_rows: LogEst) -> Option<Chosen> {
    let n = infos.len();
    let most = match n {
        0 | 1 => 1,
        2 => 8,
        3..=12 => 2000,
        _ => 18,
    };
    let start = Sequence { mask: 0, paths: Vec::new(), rows: initial_rows, cost: 0, unsorted: 0, delivered: Delivered::default() };
    let mut front = vec![start];
    for length in 0..n {
        let mut next: Vec<Sequence> = Vec::new();
        for sequence in &front {
            for (i, path) in paths.iter().enumerate() {
                let bit = 1 << path.source;
                if sequence.mask & bit != 0 || path.needs & !sequence.mask != 0 || infos[path.source].after & !sequence.mask != 0 {
                    continue;
                }
                // An index is not built for a loop that hardly repeats.
                if matches!(path.kind, PathKind::Auto) && sequence.rows < 3 {
                    continue;
                }
                let grown = grow(sequence, i, path, paths, orders, length + 1 == n);
                insert(&mut next, grown, most);
            }
        }
        if next.is_empty() {
            return None;
        }
        front = next;
    }
    let best = front.into_iter().reduce(|best, s| if (s.cost, s.rows, s.unsorted) < (best.cost, best.rows, best.unsorted) { s } else { best })?;
    Some(Chosen { paths: best.paths, delivered: best.delivered, rows: best.rows - initial_rows })
}

fn grow(sequence: &Sequence, i: usize, path: &Path, paths: &[Path], orders: &Orders<'_, '_>, complete: bool) -> Sequence {
    let mut grown = sequence.clone();
    grown.paths.push(i);
    grown.mask |= 1 << path.source;
    grown.unsorted = add(add(path.setup, path.run + sequence.rows), sequence.unsorted);
    grown.rows = sequence.rows + path.out;
    let wished = orders.wish.order.len();
    if sequence.delivered.count.is_none() || sequence.paths.is_empty() {
        let list: Vec<&Path> = grown.paths.iter().filter_map(|&p| paths.get(p)).collect();
        grown.delivered = orders.delivered(&list, complete);
    }
    match grown.delivered.count {
        Some(count) if count < wished => {
            // Sorting is discouraged a little beyond its cost.
            grown.cost = add(grown.unsorted, sort_cost(orders.wish, grown.rows, count)) + 3;
        }
        _ => {
            grown.cost = grown.unsorted;
            if wished > 0 {
                grown.unsorted -= 2;
            }
        }
    }
    grown
}

/// The cost of sorting, when the first `sorted` terms come in order already.
fn sort_cost(wish: &Wish, rows: LogEst, sorted: usize) -> LogEst {
    let wished = wish.order.len();
    let mut rows = rows;
    let mut cost = rows + log_est(((wish.columns + 59) / 30) as u64);
    if sorted > 0 {
        cost += log_est(((wished - sorted) * 100 / wished) as u64) - 66;
    }
    if let Some(limit) = wish.limit {
        cost += 10;
        if sorted > 0 {
            cost += 6;
        }
        rows = rows.min(log_est(limit));
    } else if wish.order_is_free && rows > 10 {
        // Equal rows take part only once.
        rows -= 10;
    }
    cost + search_steps(rows)
}

/// Put a sequence among the best; one that covers the same sources with the same order competes with it alone.
fn insert(list: &mut Vec<Sequence>, new: Sequence, most: usize) {
    let rank = |s: &Sequence| (s.cost, s.rows, s.unsorted);
    let same = list.iter().position(|s| s.mask == new.mask && s.delivered.count.is_some() == new.delivered.count.is_some());
    if let Some(at) = same {
        if rank(&new) < rank(&list[at]) {
            list[at] = new;
        }
        return;
    }
    if list.len() < most {
        list.push(new);
        return;
    }
    if let Some((at, worst)) = list.iter().enumerate().max_by_key(|(_, s)| (s.cost, s.unsorted))
        && (new.cost, new.unsorted) < (worst.cost, worst.unsorted)
    {
        list[at] = new;
    }
}

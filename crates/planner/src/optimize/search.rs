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
pub(super) fn choose(
    infos: &[SourceInfo<'_>],
    paths: &[Path],
    orders: &Orders<'_, '_>,
    initial_rows: LogEst,
) -> Option<Chosen> {
    let n = infos.len();
    let most = match n {
        0 | 1 => 1,
        2 => 8,
        3..=12 => 2000,
        _ => 18,
    };
    let start = Sequence {
        mask: 0,
        paths: Vec::new(),
        rows: initial_rows,
        cost: 0,
        unsorted: 0,
        delivered: Delivered::default(),
    };
    let mut front = vec![start];
    for length in 0..n {
        let mut next: Vec<Sequence> = Vec::new();
        for sequence in &front {
            for (i, path) in paths.iter().enumerate() {
                let bit = 1 << path.source;
                if sequence.mask & bit != 0
                    || path.needs & !sequence.mask != 0
                    || infos[path.source].after & !sequence.mask != 0
                {
                    continue;
                }
                // An index is not built for a loop that hardly repeats.
                if matches!(path.kind, PathKind::Auto) && sequence.rows < 3 {
                    continue;
                }
                // Of a table that is only asked for existence one row comes out.
                let out = if infos[path.source].source.exists { path.out.min(0) } else { path.out };
                grow(&mut next, most, sequence, i, (path, out), paths, orders, length + 1 == n);
            }
        }
        if next.is_empty() {
            return None;
        }
        front = next;
    }
    let best = front.into_iter().reduce(|best, s| {
        if (s.cost, s.rows, s.unsorted) < (best.cost, best.rows, best.unsorted) { s } else { best }
    })?;
    Some(Chosen { paths: best.paths, delivered: best.delivered, rows: best.rows - initial_rows })
}

/// Add path `i` to a sequence and put the result among the best, if it is one of them.
#[allow(clippy::too_many_arguments)] // The list with its limit, the sequence, the path, and what both are judged by.
fn grow(
    list: &mut Vec<Sequence>,
    most: usize,
    sequence: &Sequence,
    i: usize,
    (path, out): (&Path, LogEst),
    paths: &[Path],
    orders: &Orders<'_, '_>,
    complete: bool,
) {
    let mut unsorted = add(add(path.setup, path.run + sequence.rows), sequence.unsorted);
    let rows = sequence.rows + out;
    let wished = orders.wish.order.len();
    // What the shorter sequence delivers stays, unless this loop may add to it.
    let delivered = (sequence.delivered.count.is_none() || sequence.paths.is_empty()).then(|| {
        let list: Vec<&Path> = sequence.paths.iter().chain([&i]).filter_map(|&p| paths.get(p)).collect();
        orders.delivered(&list, complete)
    });
    let count = delivered.as_ref().unwrap_or(&sequence.delivered).count;
    let cost = match count {
        // Sorting is discouraged a little beyond its cost.
        Some(count) if count < wished => add(unsorted, sort_cost(orders.wish, rows, count)) + 3,
        _ => {
            let cost = unsorted;
            if wished > 0 {
                unsorted -= 2;
            }
            cost
        }
    };
    let mask = sequence.mask | 1 << path.source;
    // Most sequences are beaten by one that is known, so they are made only when their place is found.
    let Some(place) = place_for(list, most, mask, count, (cost, rows, unsorted)) else { return };
    let mut chosen = Vec::with_capacity(sequence.paths.len() + 1);
    chosen.extend_from_slice(&sequence.paths);
    chosen.push(i);
    let delivered = delivered.unwrap_or_else(|| sequence.delivered.clone());
    let grown = Sequence { mask, paths: chosen, rows, cost, unsorted, delivered };
    match list.get_mut(place) {
        Some(slot) => *slot = grown,
        None => list.push(grown),
    }
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

/// Where a sequence stands among the best (behind the last: it is added); `None` when it is none of them. One that covers the
/// same sources with the same order competes with it alone.
fn place_for(
    list: &[Sequence],
    most: usize,
    mask: Mask,
    count: Option<usize>,
    rank: (LogEst, LogEst, LogEst),
) -> Option<usize> {
    let same = list.iter().position(|s| s.mask == mask && s.delivered.count.is_some() == count.is_some());
    if let Some(at) = same {
        let old = &list[at];
        return (rank < (old.cost, old.rows, old.unsorted)).then_some(at);
    }
    if list.len() < most {
        return Some(list.len());
    }
    let (at, worst) = list.iter().enumerate().max_by_key(|(_, s)| (s.cost, s.unsorted))?;
    ((rank.0, rank.2) < (worst.cost, worst.unsorted)).then_some(at)
}

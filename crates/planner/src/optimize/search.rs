//! The order of the loops: partial sequences grow by one loop at a time, and only the best for each set of sources live on.
//!
//! Up to a dozen sources nothing is given up but what a cheaper sequence of the same sources beats, or what costs more already than
//! a whole sequence that was found without looking back; beyond that only the best few of each length are kept as well, so sixty
//! sources are still planned at once.

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

/// From so many sources on a sequence is found first that is never looked back upon.
const FEW: usize = 4;

/// Up to so many sources all sets of them are looked at.
const EXACT: usize = 12;

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
        3..=EXACT => 2000,
        _ => 18,
    };
    let start = || Sequence {
        mask: 0,
        paths: Vec::new(),
        rows: initial_rows,
        cost: 0,
        unsorted: 0,
        delivered: Delivered::default(),
    };
    let mut search = Search { infos, paths, orders, bound: LogEst::MAX };
    let mut greedy = Vec::new();
    if n >= FEW {
        greedy = search.run(start(), 1);
        // What delivers the order is counted as a little cheaper with each loop.
        let discounts = if orders.wish.order.is_empty() { 0 } else { 2 * n as LogEst };
        search.bound = greedy.iter().map(|s| s.cost + discounts).min().unwrap_or(LogEst::MAX);
    }
    let mut front = search.run(start(), most);
    front.append(&mut greedy);
    let best = front.into_iter().reduce(|best, s| {
        if (s.cost, s.rows, s.unsorted) < (best.cost, best.rows, best.unsorted) { s } else { best }
    })?;
    Some(Chosen { paths: best.paths, delivered: best.delivered, rows: best.rows - initial_rows })
}

/// What sequences are made of, and judged by.
struct Search<'s, 'i, 'o, 'a> {
    infos: &'s [SourceInfo<'i>],
    paths: &'s [Path],
    orders: &'s Orders<'o, 'a>,
    /// No part of the best sequence costs more.
    bound: LogEst,
}

impl Search<'_, '_, '_, '_> {
    /// The best complete sequences when `most` of each length are kept.
    fn run(&self, start: Sequence, most: usize) -> Vec<Sequence> {
        let n = self.infos.len();
        let mut front = vec![start];
        for length in 0..n {
            let mut next = Best::new(n, most);
            for sequence in &front {
                for (i, path) in self.paths.iter().enumerate() {
                    let bit = 1 << path.source;
                    if sequence.mask & bit != 0
                        || path.needs & !sequence.mask != 0
                        || self.infos[path.source].after & !sequence.mask != 0
                    {
                        continue;
                    }
                    // An index is not built for a loop that hardly repeats.
                    if matches!(path.kind, PathKind::Auto) && sequence.rows < 3 {
                        continue;
                    }
                    self.grow(&mut next, sequence, i, path, length + 1 == n);
                }
            }
            front = next.list;
        }
        front
    }

    /// Add path `i` to a sequence and put the result among the best, if it is one of them.
    fn grow(&self, best: &mut Best, sequence: &Sequence, i: usize, path: &Path, complete: bool) {
        let orders = self.orders;
        let mut unsorted = add(add(path.setup, path.run + sequence.rows), sequence.unsorted);
        if unsorted > self.bound {
            return;
        }
        // Of a table that is only asked for existence one row comes out.
        let out = if self.infos[path.source].source.exists { path.out.min(0) } else { path.out };
        let rows = sequence.rows + out;
        let wished = orders.wish.order.len();
        // What the shorter sequence delivers stays, unless this loop may add to it.
        let delivered = (sequence.delivered.count.is_none() || sequence.paths.is_empty()).then(|| {
            let list: Vec<&Path> = sequence.paths.iter().chain([&i]).filter_map(|&p| self.paths.get(p)).collect();
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
        let Some(place) = best.place_for(mask, count, (cost, rows, unsorted)) else { return };
        let mut chosen = Vec::with_capacity(sequence.paths.len() + 1);
        chosen.extend_from_slice(&sequence.paths);
        chosen.push(i);
        let delivered = delivered.unwrap_or_else(|| sequence.delivered.clone());
        best.put(place, Sequence { mask, paths: chosen, rows, cost, unsorted, delivered });
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

/// The best sequences of one length. One that covers the same sources and has its order decided as well competes with that alone.
struct Best {
    list: Vec<Sequence>,
    most: usize,
    /// Where in the list the sequence of a set of sources is (one more than that; 0: nowhere), before and after its order is
    /// decided. Empty where the list is so short that it is searched through.
    places: Vec<u16>,
    /// The most expensive one of a full list: its place, cost and cost before sorting.
    worst: Option<(usize, LogEst, LogEst)>,
}

impl Best {
    fn new(sources: usize, most: usize) -> Self {
        let places = if (FEW..=EXACT).contains(&sources) && most > 1 { vec![0; 2 << sources] } else { Vec::new() };
        Self { list: Vec::new(), most, places, worst: None }
    }

    fn slot(mask: Mask, decided: bool) -> usize {
        mask as usize * 2 + usize::from(decided)
    }

    /// Where a sequence stands in the list (behind the last: it is added); `None` when it is none of the best.
    fn place_for(&self, mask: Mask, count: Option<usize>, rank: (LogEst, LogEst, LogEst)) -> Option<usize> {
        let decided = count.is_some();
        if let Some((_, cost, unsorted)) = self.worst
            && (rank.0, rank.2) > (cost, unsorted)
        {
            return None;
        }
        let same = if self.places.is_empty() {
            self.list.iter().position(|s| s.mask == mask && s.delivered.count.is_some() == decided)
        } else {
            self.places.get(Self::slot(mask, decided)).and_then(|&place| usize::from(place).checked_sub(1))
        };
        if let Some(old) = same.and_then(|at| self.list.get(at)) {
            return if rank < (old.cost, old.rows, old.unsorted) { same } else { None };
        }
        if self.list.len() < self.most {
            return Some(self.list.len());
        }
        let (at, cost, unsorted) = self.worst?;
        ((rank.0, rank.2) < (cost, unsorted)).then_some(at)
    }

    fn put(&mut self, place: usize, grown: Sequence) {
        let old = self.list.get(place).map(|s| (s.mask, s.delivered.count.is_some()));
        let new = (grown.mask, grown.delivered.count.is_some());
        if !self.places.is_empty() && old != Some(new) {
            for ((mask, decided), value) in old.map(|old| (old, 0)).into_iter().chain([(new, place as u16 + 1)]) {
                if let Some(entry) = self.places.get_mut(Self::slot(mask, decided)) {
                    *entry = value;
                }
            }
        }
        match self.list.get_mut(place) {
            Some(old) => *old = grown,
            None => self.list.push(grown),
        }
        if self.list.len() >= self.most {
            let worst = self.list.iter().enumerate().max_by_key(|(_, s)| (s.cost, s.unsorted));
            self.worst = worst.map(|(at, s)| (at, s.cost, s.unsorted));
        }
    }
}

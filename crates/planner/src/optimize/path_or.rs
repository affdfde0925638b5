//! OR as several searches: every arm must find its rows by a search of its own.

use std::borrow::Cow;

use super::cost::{LogEst, add};
use super::path::{ArmPath, Finder, Path, PathKind};
use super::source::SourceInfo;
use super::terms::{Mask, Term, Terms, flatten_or};
use crate::context::PlanOptions;
use crate::plan::{Core, Expr, JoinKind};

/// The most arms that are looked at: each one searches anew.
const MOST_ARMS: usize = 200;

/// The terms of each arm of a disjunction.
pub(super) fn arms<'a>(
    core: &'a Core,
    options: &'a PlanOptions,
    expression_keys: Mask,
    term: &Term<'a>,
) -> Vec<Terms<'a>> {
    let Cow::Borrowed(expr) = term.expr else { return Vec::new() };
    let expr: &'a Expr = expr;
    let mut list = Vec::new();
    flatten_or(expr, &mut list);
    if list.len() < 2 || list.len() > MOST_ARMS {
        return Vec::new();
    }
    list.into_iter()
        .map(|arm| {
            let mut terms = Terms::new(core, options, expression_keys);
            terms.add(arm, term.on_of);
            terms
        })
        .collect()
}

/// What a disjunction over several sources says of each one alone: where every arm has conditions on the source, the OR of
/// those holds too, and rows of the source that fail it need not be joined.
pub(super) fn add_parts(terms: &mut Terms<'_>, infos: &[SourceInfo<'_>]) {
    for i in 0..terms.terms.len() {
        let term = &terms.terms[i];
        if !matches!(*term.expr, Expr::Or(..)) || term.on_of.is_some() || term.reads.count_ones() < 2 {
            continue;
        }
        let (reads, expr) = (term.reads, term.expr.clone());
        let mut arms = Vec::new();
        flatten_or(&expr, &mut arms);
        if arms.len() > MOST_ARMS {
            continue;
        }
        for (position, info) in infos.iter().enumerate() {
            let bit: Mask = 1 << position;
            if reads & bit == 0 || !matches!(info.source.join, JoinKind::Inner | JoinKind::Cross) {
                continue;
            }
            let parts: Option<Vec<Expr>> = arms.iter().map(|arm| part_of(terms, arm, bit)).collect();
            let either = |a, b| Expr::Or(Box::new(a), Box::new(b));
            if let Some(part) = parts.and_then(|parts| parts.into_iter().reduce(either)) {
                terms.terms.push(Term {
                    expr: Cow::Owned(part),
                    reads: bit,
                    on_of: None,
                    parts: 0,
                    derived: false,
                    // Estimates count the whole OR.
                    selectivity: 0,
                    equality: None,
                    guess: 0,
                });
            }
        }
    }
}

/// The conditions of an arm that read the one source and no subquery.
fn part_of(terms: &mut Terms<'_>, arm: &Expr, bit: Mask) -> Option<Expr> {
    match arm {
        Expr::And(left, right) => match (part_of(terms, left, bit), part_of(terms, right, bit)) {
            (Some(left), Some(right)) => Some(Expr::And(Box::new(left), Box::new(right))),
            (part, other) => part.or(other),
        },
        other => (terms.reads(other) == bit && !other.has_subquery() && !other.is_volatile()).then(|| other.clone()),
    }
}

/// Add the paths that take a disjunction apart.
pub(super) fn disjunctions(finder: &mut Finder<'_, '_>) {
    let (terms, position) = (finder.terms, finder.position);
    for (i, term) in terms.terms.iter().enumerate() {
        // What became an IN is better off as one.
        if !matches!(*term.expr, Expr::Or(..)) || term.derived || term.parts != 0 {
            continue;
        }
        if term.reads & (1 << position) == 0 || !terms.may_drive(i, position) {
            continue;
        }
        let mut found: Vec<Vec<Path>> = Vec::new();
        for arm in terms.arms_of(term) {
            let paths = Finder {
                info: finder.info,
                position,
                terms: &arm,
                wish: finder.wish,
                paths: Vec::new(),
                in_or: true,
                automatic: false,
            }
            .find();
            if paths.is_empty() {
                found.clear();
                break;
            }
            found.push(paths);
        }
        if found.is_empty() {
            continue;
        }
        // One path that needs nothing, and one that may need whatever some arm needs.
        let everything = found.iter().flatten().fold(0, |m: Mask, p| m | p.needs);
        let mut candidates = vec![0, everything];
        candidates.dedup();
        for allowed in candidates {
            if let Some(path) = combine(position, i, &found, allowed) {
                finder.keep(path);
            }
        }
    }
}

/// The cheapest path of each arm that needs no more than `allowed`.
fn combine(position: usize, term: usize, found: &[Vec<Path>], allowed: Mask) -> Option<Path> {
    let mut chosen = Vec::with_capacity(found.len());
    let (mut needs, mut run, mut out): (Mask, Option<LogEst>, Option<LogEst>) = (0, None, None);
    for (arm, paths) in found.iter().enumerate() {
        let best = paths.iter().filter(|p| p.needs & !allowed == 0).min_by_key(|p| (p.run, p.out))?;
        needs |= best.needs;
        run = Some(run.map_or(best.run, |r| add(r, best.run)));
        out = Some(out.map_or(best.out, |r| add(r, best.out)));
        chosen.push(ArmPath { arm, path: Box::new(best.clone()) });
    }
    Some(Path {
        source: position,
        needs,
        setup: 0,
        // A little more than the dearest arm, whatever the sum rounds to.
        run: run? + 1,
        out: out?,
        one_row: false,
        kind: PathKind::Or { term, arms: chosen },
        uses: Vec::new(),
    })
}

//! OR as several searches: every arm must find its rows by a search of its own.

use std::borrow::Cow;

use super::cost::{LogEst, add};
use super::path::{ArmPath, Finder, Path, PathKind};
use super::terms::{Mask, Term, Terms, flatten_or};
use crate::context::PlanOptions;
use crate::plan::{Core, Expr};

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

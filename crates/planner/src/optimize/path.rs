//! Ways of finding the rows of one source, with their costs.

use turso_program::expression::CompareOp;
use turso_value::Value;

use super::cost::{LogEst, add, log_est, log_est_real, number, search_steps};
use super::samples::End;
use super::source::{BoundKey, IndexInfo, SourceInfo, implied};
use super::terms::{Key, KeyRef, Mask, Op, Term, Terms, Usable};
use crate::plan::{ColumnIndex, Expr, InSet, IndexHint, JoinKind, Wish};

/// One way.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub source: usize,
    /// Sources whose rows must be at hand.
    pub needs: Mask,
    /// Work before the first row.
    pub setup: LogEst,
    /// Work per turn.
    pub run: LogEst,
    /// Rows per turn.
    pub out: LogEst,
    /// At most one row.
    pub one_row: bool,
    pub kind: PathKind,
    /// Indexes into [`Terms::usable`] of what finds the rows.
    pub uses: Vec<usize>,
}

/// What is done.
#[derive(Debug, Clone)]
pub(super) enum PathKind {
    Scan,
    /// Index by position in [`SourceInfo::indexes`].
    IndexScan {
        index: usize,
    },
    Rowid,
    RowidIn,
    RowidRange {
        low: Option<usize>,
        high: Option<usize>,
    },
    Index {
        index: usize,
        skip: usize,
        equal: Vec<usize>,
        low: Option<usize>,
        high: Option<usize>,
        width: usize,
    },
    Auto,
    Or {
        term: usize,
        arms: Vec<ArmPath>,
    },
    Produced,
    Virtual(Box<super::virtual_table::VirtualPath>),
}

/// One arm of an OR: the terms of the arm and the path they gave.
#[derive(Debug, Clone)]
pub(super) struct ArmPath {
    pub arm: usize,
    pub path: Box<Path>,
}

/// How many paths one source may have: beyond it only the best known ones count.
const MOST_PATHS: usize = 400;

/// Finds the paths of one source.
pub(super) struct Finder<'f, 'a> {
    pub info: &'f SourceInfo<'a>,
    pub position: usize,
    pub terms: &'f Terms<'a>,
    pub wish: &'f Wish,
    pub paths: Vec<Path>,
    /// Inside an OR: no automatic index, no full scan.
    pub in_or: bool,
    pub automatic: bool,
}

impl<'f, 'a> Finder<'f, 'a> {
    /// All paths worth considering, the first found first.
    pub fn find(mut self) -> Vec<Path> {
        let Some(table) = self.info.table else {
            self.produced();
            self.automatic_index();
            return self.paths;
        };
        if self.automatic && !self.in_or {
            self.automatic_index();
        }
        if table.has_rowid() && !matches!(self.info.source.hint, IndexHint::Named(_)) {
            self.scan();
            self.rowid();
        }
        let mut or = !self.in_or;
        for (i, index) in self.info.indexes.iter().enumerate() {
            if index.partial.is_empty() || implied(self.info, self.position, &index.partial, self.terms) {
                self.index(i, index);
            }
        }
        if matches!(self.info.source.hint, IndexHint::Named(_)) {
            or = false;
        }
        if or && matches!(self.info.source.join, JoinKind::Inner | JoinKind::Cross | JoinKind::Left) {
            super::path_or::disjunctions(&mut self);
        }
        self.paths
    }

    fn usable(&self) -> impl Iterator<Item = (usize, &'f Usable<'a>)> + use<'f, 'a> {
        let position = self.position;
        self.terms.usable.iter().enumerate().filter(move |(_, u)| u.source == position)
    }

    fn bit(&self) -> Mask {
        1 << self.position
    }

    /// Keep a path unless one that is as good in every respect is known.
    pub fn keep(&mut self, mut path: Path) {
        self.reduce_output(&mut path);
        self.respect_subsets(&mut path);
        // With an index that serves an equality at hand none is made.
        if matches!(&path.kind, PathKind::Index { skip: 0, equal, .. } if !equal.is_empty()) {
            self.paths.retain(|p| !matches!(p.kind, PathKind::Auto) || path.needs & !p.needs != 0);
        }
        let class = self.order_class(&path);
        let beats =
            |a: &Path, b: &Path| a.needs & b.needs == a.needs && a.setup <= b.setup && a.run <= b.run && a.out <= b.out;
        if self.paths.iter().any(|p| beats(p, &path) && self.order_class(p) == class) {
            return;
        }
        // It takes the place of the first one that it beats; estimates that tie later on must not bring that one back.
        let beaten = |p: &Path| beats(&path, p) && self.order_class(p) == class;
        let Some(first) = self.paths.iter().position(beaten) else {
            if self.paths.len() < MOST_PATHS {
                self.paths.push(path);
            }
            return;
        };
        for at in (first + 1..self.paths.len()).rev() {
            let p = &self.paths[at];
            if beats(&path, p) && self.order_class(p) == class {
                self.paths.remove(at);
            }
        }
        self.paths[first] = path;
    }

    /// A search that uses more terms is never dearer than one that uses some of them: estimates would often say so, since
    /// wider indexes have longer entries.
    fn respect_subsets(&self, path: &mut Path) {
        if !matches!(path.kind, PathKind::Index { .. }) {
            return;
        }
        let covering = |p: &Path| match &p.kind {
            PathKind::Index { index, .. } => self.info.indexes.get(*index).is_some_and(|i| i.covering),
            _ => false,
        };
        let subset = |a: &Path, b: &Path| {
            a.uses.len() < b.uses.len() && a.uses.iter().all(|u| b.uses.contains(u)) && (!covering(a) || covering(b))
        };
        for p in self.paths.iter().filter(|p| matches!(p.kind, PathKind::Index { .. })) {
            if subset(p, path) && p.run <= path.run {
                path.run = path.run.min(p.run);
                path.out = path.out.min(p.out - 1);
            } else if subset(path, p) && (path.run <= p.run || path.out <= p.out) {
                path.run = path.run.max(p.run);
                path.out = path.out.max(p.out + 1);
            }
        }
    }

    /// Paths only replace each other when they can deliver the same orders.
    fn order_class(&self, path: &Path) -> (usize, usize) {
        match &path.kind {
            PathKind::Scan | PathKind::Rowid | PathKind::RowidIn | PathKind::RowidRange { .. } => {
                (usize::from(self.rowid_helps_order()), 0)
            }
            PathKind::IndexScan { index } | PathKind::Index { index, .. } => match self.info.indexes.get(*index) {
                Some(info) if self.helps_order(info) => (2, *index),
                _ => (0, 0),
            },
            PathKind::Auto | PathKind::Or { .. } | PathKind::Produced | PathKind::Virtual(_) => (0, 0),
        }
    }

    fn rowid_helps_order(&self) -> bool {
        let id = self.info.source.id;
        self.wish.order.iter().any(|t| {
            matches!(t.expr.without_collate(), Expr::Column { source, column: ColumnIndex::Rowid, .. } if *source == id)
        })
    }

    /// True when the index could deliver some of the wished order.
    pub fn helps_order(&self, index: &IndexInfo) -> bool {
        if self.wish.order.is_empty() || index.shape.unordered {
            return false;
        }
        let id = self.info.source.id;
        self.wish.order.iter().any(|t| {
            let e = t.expr.without_collate();
            match e {
                Expr::Column { source, column: ColumnIndex::Rowid, .. } if *source == id => true,
                Expr::Column { source, column, .. } => {
                    *source == id
                        && index.keys.iter().any(|k| matches!(k.key.as_ref(), KeyRef::Column(c) if c == *column))
                }
                _ => {
                    index.keys.iter().any(|k| matches!(k.key.as_ref(), KeyRef::Expr(x) if crate::plan::same_expr(x, e)))
                }
            }
        })
    }

    /// Terms that the path does not use are checked on its rows and let fewer through.
    fn reduce_output(&self, path: &mut Path) {
        let deep = self.terms.is_deep();
        // An index made for the statement leaves out rows by the conditions on the source alone.
        let reachable = match path.kind {
            PathKind::Auto if deep => self.bit(),
            PathKind::Auto | PathKind::Or { .. } => return,
            _ => path.needs | self.bit(),
        };
        let rows = self.info.size.rows;
        let mut most = 0;
        for (i, term) in self.terms.terms.iter().enumerate() {
            if term.reads & self.bit() == 0 || term.reads & !reachable != 0 || term.derived {
                continue;
            }
            if term.on_of.is_none() && self.info.source.join == JoinKind::Left {
                continue;
            }
            if path.uses.iter().any(|&u| self.terms.usable.get(u).is_some_and(|u| u.term == i)) {
                continue;
            }
            if deep {
                path.out += self.guess_of(term);
                continue;
            }
            let Term { selectivity, equality, .. } = term;
            path.out += selectivity;
            if let Some(reduction) = equality {
                most = most.max(*reduction);
            }
        }
        path.out = path.out.min(rows - most);
        if path.one_row {
            path.out = path.out.min(0);
        }
    }

    /// What a condition keeps in a deep join: the larger a table, the more different texts are in its columns.
    fn guess_of(&self, term: &Term<'_>) -> LogEst {
        match &*term.expr {
            Expr::Compare { op: CompareOp::Eq, left, right, null_equal: false, .. }
                if [left, right].iter().any(|e| matches!(***e, Expr::Literal(Value::Text(_)))) =>
            {
                term.guess.min((-self.info.size.rows * 2 / 5).max(-66))
            }
            _ => term.guess,
        }
    }

    fn path(&self, kind: PathKind, needs: Mask, run: LogEst, out: LogEst, uses: Vec<usize>) -> Path {
        Path { source: self.position, needs, setup: 0, run, out, one_row: false, kind, uses }
    }

    fn scan(&mut self) {
        if self.in_or {
            return;
        }
        let rows = self.info.size.rows;
        // Reading a row costs three steps through an index; a little less where ANALYZE has counted them.
        let per_row = if self.info.size.analyzed { 14 } else { 16 };
        let path = self.path(PathKind::Scan, 0, rows + per_row, rows, Vec::new());
        self.keep(path);
    }

    fn produced(&mut self) {
        let rows = self.info.size.rows;
        let path = self.path(PathKind::Produced, 0, rows + 16, rows, Vec::new());
        self.keep(path);
    }

    fn rowid(&mut self) {
        let rows = self.info.size.rows;
        let steps = search_steps(rows);
        let is_rowid = |u: &Usable<'_>| matches!(u.key, Key::Column(ColumnIndex::Rowid));
        let (mut lows, mut highs) = (Vec::new(), Vec::new());
        for (i, u) in self.usable().filter(|(_, u)| is_rowid(u)) {
            match u.op {
                Op::Equal | Op::Is => {
                    let mut path = self.path(PathKind::Rowid, u.needs, add(steps, 16), 0, vec![i]);
                    path.one_row = true;
                    self.keep(path);
                }
                Op::In => {
                    let values = in_size(u);
                    let path = self.path(PathKind::RowidIn, u.needs, add(steps, 16) + values, values, vec![i]);
                    self.keep(path);
                }
                Op::Low { .. } => lows.push(i),
                Op::High { .. } => highs.push(i),
                Op::IsNull => {}
            }
        }
        for (low, high) in range_pairs(&lows, &highs) {
            let out = range_rows(rows, low.is_some(), high.is_some());
            let uses: Vec<usize> = low.into_iter().chain(high).collect();
            let needs = self.needs(&uses);
            let path = self.path(PathKind::RowidRange { low, high }, needs, add(steps, out + 16), out, uses);
            self.keep(path);
        }
    }

    fn needs(&self, uses: &[usize]) -> Mask {
        uses.iter().fold(0, |m, &u| m | self.terms.usable.get(u).map_or(0, |u| u.needs))
    }

    fn index(&mut self, at: usize, info: &'f IndexInfo) {
        let mut search = Search {
            at,
            info,
            equal: Vec::new(),
            known: info.shape.samples.as_ref().map(|_| Vec::new()),
            skip: 0,
            needs: 0,
            in_values: 0,
            out: info.shape.rows.first().copied().unwrap_or(0),
        };
        self.extend_search(&mut search);
        self.skip_scan(at, info);
        self.index_scan(at, info);
    }

    /// Try every term for the next column, then for the ones behind it.
    fn extend_search(&mut self, search: &mut Search<'f>) {
        let j = search.skip + search.equal.len();
        let Some(column) = search.info.keys.get(j) else { return };
        if self.paths.len() >= MOST_PATHS {
            return;
        }
        let (mut lows, mut highs) = (Vec::new(), Vec::new());
        let mut usable: Vec<usize> = Vec::new();
        for (i, u) in self.usable() {
            if u.restricts(column.key.as_ref()) && u.collation == column.collation {
                match u.op {
                    Op::Low { .. } => lows.push(i),
                    Op::High { .. } => highs.push(i),
                    _ => usable.push(i),
                }
            }
        }
        let rows_here = search.shape(j);
        let rows_next = search.shape(j + 1);
        for i in usable {
            let Some(u) = self.terms.usable.get(i) else { continue };
            let saved = (search.needs, search.in_values, search.out);
            search.needs |= u.needs;
            let sampled = search.sampled(u);
            match sampled {
                Some(rows) => search.out = rows,
                None => search.out += rows_next - rows_here,
            }
            match u.op {
                Op::IsNull if sampled.is_none() => search.out += 10,
                Op::In => search.in_values += in_size(u),
                _ => {}
            }
            search.equal.push(i);
            let known = search.known.clone();
            search.known = search.known.take().and_then(|mut known| {
                known.push(constant(u)?);
                Some(known)
            });
            let path = self.search_path(search, None, None, 1);
            self.keep(path);
            self.extend_search(search);
            search.equal.pop();
            search.known = known;
            (search.needs, search.in_values, search.out) = saved;
        }
        if search.info.shape.unordered {
            return;
        }
        for (low, high) in range_pairs(&lows, &highs) {
            // The two ends of a pattern's range go together, and it is run twice: not behind IN.
            let pattern = |i: Option<usize>| i.and_then(|i| self.terms.usable.get(i)).is_some_and(|u| u.pattern);
            if pattern(low) != pattern(high) {
                continue;
            }
            let saved = (search.needs, search.out);
            let uses: Vec<usize> = low.into_iter().chain(high).collect();
            search.needs |= self.needs(&uses);
            let (from, to) = (low.and_then(|i| self.terms.usable.get(i)), high.and_then(|i| self.terms.usable.get(i)));
            search.out = search.range(from, to);
            let width = self.row_width(search.info, j, low.or(high));
            let path = self.search_path(search, low, high, width);
            self.keep(path);
            (search.needs, search.out) = saved;
        }
    }

    /// How many columns of the index a row value comparison can use.
    fn row_width(&self, info: &IndexInfo, j: usize, bound: Option<usize>) -> usize {
        let Some(u) = bound.and_then(|b| self.terms.usable.get(b)) else { return 1 };
        let direction = info.keys.get(j).is_some_and(|k| k.descending);
        let fits = u.more.iter().zip(info.keys.iter().skip(j + 1)).take_while(|(part, key)| {
            matches!(key.key.as_ref(), KeyRef::Column(c) if c == part.column)
                && key.collation == part.collation
                && key.descending == direction
        });
        1 + fits.count()
    }

    fn search_path(&self, search: &Search<'_>, low: Option<usize>, high: Option<usize>, width: usize) -> Path {
        let info = search.info;
        let rows = info.shape.rows.first().copied().unwrap_or(0);
        let per_entry = 1 + 15 * info.entry_size / self.info.size.row_size.max(1);
        let mut run = add(search_steps(rows), search.out + per_entry);
        if !info.covering {
            run = add(run, search.out + 16);
        }
        let equal = search.equal.clone();
        let uses = equal.iter().copied().chain(low).chain(high).collect();
        let all_equal = equal.iter().all(|&i| self.terms.usable.get(i).is_some_and(|u| matches!(u.op, Op::Equal)));
        let unique_key = info.index.columns.len();
        let one_row = search.skip == 0
            && all_equal
            && (info.index.unique && equal.len() >= unique_key || equal.len() == info.keys.len());
        let kind = PathKind::Index { index: search.at, skip: search.skip, equal, low, high, width };
        Path {
            source: self.position,
            needs: search.needs,
            setup: 0,
            run: run + search.in_values,
            out: search.out + search.in_values,
            one_row,
            kind,
            uses,
        }
    }

    /// Loop over the distinct values of leading columns without term, where ANALYZE says that there are few.
    fn skip_scan(&mut self, at: usize, info: &'f IndexInfo) {
        let shape = &info.shape;
        if !shape.analyzed || shape.no_skip_scan || info.index.columns.len() < 2 {
            return;
        }
        let has_first = self.usable().any(|(_, u)| info.keys.first().is_some_and(|k| u.restricts(k.key.as_ref())));
        let (Some(rows), Some(first)) = (shape.rows.first(), shape.rows.get(1)) else { return };
        // Eighteen entries per value are where skipping begins to pay.
        if has_first || *first < log_est(18) {
            return;
        }
        let distinct = rows - first;
        let mut search = Search {
            at,
            info,
            equal: Vec::new(),
            known: None,
            skip: 1,
            needs: 0,
            in_values: distinct + 5,
            out: *rows - distinct,
        };
        self.extend_search(&mut search);
    }

    /// Every entry of an index: for its order, or because it is smaller than the table.
    fn index_scan(&mut self, at: usize, info: &IndexInfo) {
        if self.in_or {
            return;
        }
        let ordered = self.helps_order(info);
        let named = matches!(self.info.source.hint, IndexHint::Named(_));
        let wanted = info.primary
            || (info.scan_covers
                && (ordered
                    || named
                    || info.index.partial.as_ref().is_some()
                    || self.info.table.is_some_and(|t| !t.has_rowid())
                    || (!info.shape.unordered && info.entry_size < self.info.size.row_size && !self.wish.for_write)))
            || (!info.scan_covers && (ordered || named || info.index.partial.is_some()));
        if !wanted {
            return;
        }
        let rows = info.shape.rows.first().copied().unwrap_or(0);
        let mut run = rows + 1 + 15 * info.entry_size / self.info.size.row_size.max(1);
        if !info.scan_covers {
            run = add(run, rows + 16);
        }
        let path = self.path(PathKind::IndexScan { index: at }, 0, run, rows, Vec::new());
        self.keep(path);
    }

    /// An index made for the statement: worth it when the search is repeated often enough.
    fn automatic_index(&mut self) {
        if !self.automatic
            || self.in_or
            || self.info.source.hint != IndexHint::Free
            || self.wish.for_write
            || matches!(self.info.source.join, JoinKind::Right | JoinKind::Full)
        {
            return;
        }
        let rows = self.info.size.rows;
        let steps = search_steps(rows);
        for (i, u) in self.usable() {
            if !can_build_on(u) || self.leads_an_index(u) {
                continue;
            }
            let (setup, out) = if self.terms.is_deep() {
                // A scan, and putting rows into a hash table. Of a small table not many rows have the same key; of those
                // that a constant picks there are as many as the condition keeps.
                let constant = match self.terms.terms.get(u.term) {
                    Some(term) if u.needs == 0 => rows + self.guess_of(term),
                    _ => 0,
                };
                (rows + 25, (rows / 4).min(33).max(constant))
            } else {
                // Sorting the rows, and writing them.
                let more = if self.info.table.is_some() { 28 } else { -25 };
                ((steps + rows + more).max(0), 43)
            };
            let mut path = self.path(PathKind::Auto, u.needs, add(steps, out), out, vec![i]);
            path.setup = setup;
            self.keep(path);
        }
    }

    /// An index begins with the column, even one that cannot serve here (partial, or of another collation). SQLite makes none beside
    /// it; where its nested scans are known to take long (deep joins, tables that ANALYZE has counted) we do.
    fn leads_an_index(&self, u: &Usable<'_>) -> bool {
        let Key::Column(column) = u.key else { return false };
        if self.terms.is_deep() || self.info.size.analyzed && self.info.size.rows > log_est(1000) {
            return false;
        }
        let leads = |index: &IndexInfo| {
            index.keys.first().is_some_and(|first| matches!(first.key, BoundKey::Column(c) if c == column))
        };
        self.info.indexes.iter().any(leads)
    }
}

/// The one row of a single source that equality on the rowid or on all of a unique index's columns finds: nothing beats it, so
/// nothing else is looked at.
pub(super) fn one_row(info: &SourceInfo<'_>, terms: &Terms<'_>) -> Option<Path> {
    if matches!(info.source.hint, IndexHint::Named(_)) {
        return None;
    }
    if let Some(path) = by_rowid(info, terms) {
        return Some(path);
    }
    let equal = |key: KeyRef<'_>, collation: Option<&turso_value::Collation>| {
        let fits = |u: &Usable<'_>| {
            matches!(u.op, Op::Equal) && u.needs == 0 && u.restricts(key) && collation.is_none_or(|c| *c == u.collation)
        };
        terms.usable.iter().position(fits)
    };
    for (at, index) in info.indexes.iter().enumerate() {
        if !index.index.unique || !index.partial.is_empty() {
            continue;
        }
        let declared = index.index.columns.len();
        let found: Option<Vec<usize>> =
            index.keys.iter().take(declared).map(|k| equal(k.key.as_ref(), Some(&k.collation))).collect();
        if let Some(found) = found {
            let kind = PathKind::Index { index: at, skip: 0, equal: found.clone(), low: None, high: None, width: 1 };
            return Some(one_row_path(kind, found));
        }
    }
    None
}

/// What it costs to find one row by a key that is known.
pub(super) const ONE_ROW_COST: LogEst = 33;

fn one_row_path(kind: PathKind, uses: Vec<usize>) -> Path {
    Path { source: 0, needs: 0, setup: 0, run: ONE_ROW_COST, out: 0, one_row: true, kind, uses }
}

/// The row of the only source whose rowid equals something known. Looks at no index.
pub(super) fn by_rowid(info: &SourceInfo<'_>, terms: &Terms<'_>) -> Option<Path> {
    if !info.table?.has_rowid() {
        return None;
    }
    let rowid = KeyRef::Column(ColumnIndex::Rowid);
    let term = terms.usable.iter().position(|u| matches!(u.op, Op::Equal) && u.needs == 0 && u.restricts(rowid))?;
    Some(one_row_path(PathKind::Rowid, vec![term]))
}

/// Equality of a column with something of another source.
pub(super) fn can_build_on(u: &Usable<'_>) -> bool {
    matches!(u.op, Op::Equal | Op::Is) && matches!(u.key, Key::Column(ColumnIndex::Column(_))) && u.more.is_empty()
}

struct Search<'f> {
    at: usize,
    info: &'f IndexInfo,
    equal: Vec<usize>,
    /// The values that the columns of `equal` must have, if all are constants and the index has samples.
    known: Option<Vec<Value>>,
    skip: usize,
    needs: Mask,
    in_values: LogEst,
    out: LogEst,
}

impl Search<'_> {
    /// How many entries are left, as the index's samples say, when the next column has to satisfy the term.
    fn sampled(&self, u: &Usable<'_>) -> Option<LogEst> {
        let samples = self.info.shape.samples.as_ref()?;
        let mut key = self.known.clone()?;
        if let Some(value) = constant(u) {
            key.push(value);
            return samples.equal(&key);
        }
        let (Op::In, Some(Expr::In { set: InSet::List(list), .. })) = (u.op, u.value.as_deref()) else { return None };
        let mut total: Option<LogEst> = None;
        for value in list {
            let Expr::Literal(value) = value else { return None };
            key.push(converted(u, value));
            let rows = samples.equal(&key)?;
            key.pop();
            total = Some(total.map_or(rows, |total| add(total, rows)));
        }
        // The sum is multiplied by the number of values later.
        total.map(|total| (total - in_size(u)).max(0))
    }

    /// How many entries are left when the next column has to lie in a range.
    fn range(&self, low: Option<&Usable<'_>>, high: Option<&Usable<'_>>) -> LogEst {
        let guess = range_rows(self.out, low.is_some(), high.is_some());
        let Some(samples) = &self.info.shape.samples else { return guess };
        let (from, to) = (low.and_then(constant), high.and_then(constant));
        if from.is_none() && to.is_none() {
            return guess;
        }
        let inclusive = |u: Option<&Usable<'_>>| {
            let op = |op| matches!(op, Op::Low { inclusive: true } | Op::High { inclusive: true });
            u.is_some_and(|u| !u.more.is_empty() || op(u.op))
        };
        let from_end = from.as_ref().map(|value| End { value, inclusive: inclusive(low) });
        let to_end = to.as_ref().map(|value| End { value, inclusive: inclusive(high) });
        let rows = match &self.known {
            Some(known) => samples.range(known, from_end, to_end),
            None => {
                let part = samples.part(self.skip + self.equal.len(), from_end, to_end);
                part.map(|part| self.out - log_est_real(1.0 / part))
            }
        };
        // An end that is not known keeps a quarter.
        let unknown = [(low, &from), (high, &to)].iter().filter(|(u, end)| u.is_some() && end.is_none()).count();
        let ends = LogEst::from(low.is_some()) + LogEst::from(high.is_some());
        rows.map_or(guess, |rows| (rows - 20 * unknown as LogEst).max(10).min(self.out - ends))
    }

    fn shape(&self, columns: usize) -> LogEst {
        // What stands behind the declared key is not counted.
        self.info.shape.rows.get(columns).or(self.info.shape.rows.last()).copied().unwrap_or(0)
    }
}

/// The value that the column of a term is compared with, as the comparison converts it, if it is a constant.
fn constant(u: &Usable<'_>) -> Option<Value> {
    match (u.op, u.value.as_deref()) {
        (Op::IsNull, _) => Some(Value::Null),
        (Op::Equal | Op::Is | Op::Low { .. } | Op::High { .. }, Some(Expr::Literal(value)))
            if u.op == Op::Is || !value.is_null() =>
        {
            Some(converted(u, value))
        }
        _ => None,
    }
}

fn converted(u: &Usable<'_>, value: &Value) -> Value {
    let mut value = value.clone();
    u.affinity.apply(&mut value);
    value
}

fn in_size(u: &Usable<'_>) -> LogEst {
    match u.value.as_deref() {
        Some(Expr::In { set: InSet::List(list), .. }) => log_est(list.len() as u64),
        // A subquery is taken to give 25 values.
        _ => 46,
    }
}

/// A range keeps a quarter of the rows, one with two ends 1/64.
fn range_rows(rows: LogEst, low: bool, high: bool) -> LogEst {
    let ends = LogEst::from(low) + LogEst::from(high);
    let extra = if low && high { 20 } else { 0 };
    (rows - 20 * ends - extra).max(10).min(rows - ends)
}

fn range_pairs(lows: &[usize], highs: &[usize]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut pairs = Vec::new();
    for &low in lows {
        pairs.push((Some(low), None));
        for &high in highs {
            pairs.push((Some(low), Some(high)));
        }
    }
    pairs.extend(highs.iter().map(|&high| (None, Some(high))));
    pairs
}

/// Rows as a number, for plans.
pub(super) fn rows_of(out: LogEst) -> f64 {
    number(out).max(1.0)
}

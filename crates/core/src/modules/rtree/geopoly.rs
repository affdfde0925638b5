//! `geopoly`: polygons, found by where they lie (`geopoly.html`).
//!
//! An R-tree of two dimensions holds the boxes around the polygons. Its first auxiliary column is the polygon (`_shape`), the others are
//! those that the table was made with. A condition `geopoly_overlap(_shape, P)` or `geopoly_within(_shape, P)` searches the tree for the
//! box around P; whether the polygons themselves fulfil it is left to the function, which is called for each row found.

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_functions::geopoly::Polygon;
use turso_functions::{Lookup, lookup};
use turso_value::Value;
use turso_vtab::{
    Answer, Argument, Arguments, Change, Connected, ConstraintOp, Cursor, Module, ModuleKind, OnConflict, Output,
    Overload, Question, Session, VirtualTable,
};

use super::cursor::Scan;
use super::node::{Layout, MAX_DIMENSIONS, Numbers};
use super::tree::Tree;
use super::{BY_BOXES, BY_ROWID, Row, check};

/// Coordinates of a box.
const COORDINATES: usize = 4;
/// Auxiliary columns that a table can have.
const MAX_COLUMNS: usize = 96;

/// Numbers of the ways to scan.
const OVERLAP: i32 = 2;
const WITHIN: i32 = 3;
const ALL: i32 = 4;
/// The numbers of the functions as constraints.
const FUNCTIONS: [(&str, u8, i32); 2] = [("geopoly_overlap", 150, OVERLAP), ("geopoly_within", 151, WITHIN)];
/// Conditions on the box of a row, for the cursor of R-trees: each letter is a comparison (see [`super::LETTERS`]), each digit
/// a coordinate, and the values are the least and greatest x and y of the polygon searched for.
const BOXES: [(i32, &str); 2] = [(OVERLAP, "D1B0D3B2"), (WITHIN, "D0B1D2B3")];

pub(super) struct Geopoly;

impl Geopoly {
    fn table(session: &mut dyn Session, arguments: &Arguments<'_>, create: bool) -> Result<Connected> {
        let names = arguments.arguments;
        if names.len() > MAX_COLUMNS {
            return Err(Error::sql("Too many columns for a geopoly table"));
        }
        let layout = Layout { dimensions: COORDINATES / 2, numbers: Numbers::Real, node_size: 0 };
        let tree = super::open_tree(session, arguments, layout, names.len() + 1, create)?;
        let others: String = names.iter().map(|name| format!(",{name}")).collect();
        let table = Table { name: arguments.table.to_owned(), columns: names.len() + 1, tree };
        let mut connected = Connected::new(Arc::new(table), format!("CREATE TABLE x(_shape{others})")).innocuous();
        connected.keeps_constraints = true;
        Ok(connected)
    }
}

impl Module for Geopoly {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Created
    }

    fn create(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        Self::table(session, arguments, true)
    }

    fn connect(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        Self::table(session, arguments, false)
    }

    fn is_shadow_suffix(&self, suffix: &str) -> bool {
        super::is_shadow_suffix(suffix)
    }
}

struct Table {
    name: String,
    /// With the polygon.
    columns: usize,
    tree: Arc<Tree>,
}

impl VirtualTable for Table {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        let rowid = |op: ConstraintOp, column: Option<u16>| op == ConstraintOp::Equal && column.is_none();
        let function = |op: ConstraintOp, column: Option<u16>| {
            let known = FUNCTIONS.iter().find(|(_, number, _)| op == ConstraintOp::Function(*number));
            known.filter(|_| column == Some(0)).map(|(.., way)| *way)
        };
        let usable = || question.constraints.iter().enumerate().filter(|(_, constraint)| constraint.usable);
        let by_rowid = usable().find(|(_, c)| rowid(c.op, c.column)).map(|(at, _)| (at, BY_ROWID));
        let by_boxes = usable().find_map(|(at, c)| Some((at, function(c.op, c.column)?)));
        let (way, text, cost, rows) = match (by_rowid, by_boxes) {
            (Some((_, way)), _) => (way, "rowid", 30.0, 1),
            (None, Some((_, way))) => (way, "rtree", 300.0, 10),
            (None, None) => (ALL, "fullscan", 3_000_000.0, 100_000),
        };
        if let Some(usage) = by_rowid.or(by_boxes).and_then(|(at, _)| answer.usage.get_mut(at)) {
            usage.argument = 1;
        }
        (answer.number, answer.text, answer.cost, answer.rows) = (way, Some(text.into()), cost, rows);
        answer.unique = way == BY_ROWID;
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(PolygonScan { boxes: Scan::new(self.tree.clone()), empty: false }))
    }

    fn destroy(&self, session: &mut dyn Session) -> Result<()> {
        self.tree.store.destroy(super::super::state_of(session)?)
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn update(&self, session: &mut dyn Session, change: &Change<'_>, on_conflict: OnConflict) -> Result<i64> {
        let (key, wanted, columns) = match change {
            Change::Delete { key } => {
                self.tree.delete(super::super::state_of(session)?, key.to_integer())?;
                return Ok(0);
            }
            Change::Insert { rowid, columns } => (None, *rowid, *columns),
            Change::Update { key, new_key, columns, .. } => (Some(key.to_integer()), *new_key, *columns),
        };
        let shape = columns.first().and_then(Polygon::of);
        let shape = shape.ok_or_else(|| Error::sql("_shape does not contain a valid polygon"))?;
        let around = shape.bounds();
        let mut bounds = [0.0; MAX_DIMENSIONS * 2];
        for (place, coordinate) in bounds.iter_mut().zip(around.x.into_iter().chain(around.y)) {
            *place = f64::from(coordinate);
        }
        let mut auxiliary = vec![Value::Blob(shape.to_blob())];
        auxiliary.extend((1..self.columns).map(|i| columns.get(i).cloned().unwrap_or_default()));
        let row = Row { key, wanted, bounds, rowid_name: (&self.name, "_shape") };
        row.write(&self.tree, session, auxiliary, on_conflict)
    }

    fn find_function(&self, name: &str, arguments: usize) -> Option<Overload> {
        let (name, constraint, _) = FUNCTIONS.iter().find(|(own, ..)| own.eq_ignore_ascii_case(name))?;
        match lookup(name.as_bytes(), arguments) {
            Lookup::Found(function) => Some(Overload { function, constraint: *constraint }),
            _ => None,
        }
    }

    fn rename(&self, session: &mut dyn Session, name: &str) -> Result<()> {
        self.tree.store.rename(super::super::state_of(session)?, name)
    }

    fn integrity(&self, session: &mut dyn Session, _: bool) -> Result<Option<String>> {
        let problem = check::check(self.tree.layout, &self.tree.store, super::super::state_of(session)?)?;
        Ok(problem.map(|problem| format!("In RTree {}.{}: {problem}", self.tree.store.database, self.name)))
    }
}

/// A scan of the tree, which shows the polygons in place of their boxes.
struct PolygonScan {
    boxes: Scan,
    /// What is searched for is no polygon.
    empty: bool,
}

impl Cursor for PolygonScan {
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        _: Option<&str>,
        arguments: &[Argument],
    ) -> Result<()> {
        self.empty = false;
        let boxes = BOXES.iter().find(|(way, _)| *way == number);
        let (Some((_, conditions)), Some(argument)) = (boxes, arguments.first()) else {
            let number = if number == BY_ROWID { BY_ROWID } else { BY_BOXES };
            return self.boxes.filter(session, number, None, arguments);
        };
        if argument.value().is_null() {
            return Err(Error::from_code(ResultCode::ERROR));
        }
        let Some(polygon) = Polygon::of(argument.value()) else {
            self.empty = true;
            return Ok(());
        };
        let around = polygon.bounds();
        let coordinates = around.x.into_iter().chain(around.y).map(|c| Argument::Value(Value::real(f64::from(c))));
        self.boxes.filter(session, BY_BOXES, Some(conditions), &coordinates.collect::<Vec<_>>())
    }

    fn next(&mut self, session: &mut dyn Session) -> Result<()> {
        self.boxes.next(session)
    }

    fn at_end(&self) -> bool {
        self.empty || self.boxes.at_end()
    }

    fn column(&mut self, session: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        self.boxes.column(session, 1 + COORDINATES + index, output)
    }

    fn rowid(&mut self, session: &mut dyn Session) -> Result<i64> {
        self.boxes.rowid(session)
    }

    fn close(&mut self, session: &mut dyn Session) {
        self.boxes.close(session);
    }
}

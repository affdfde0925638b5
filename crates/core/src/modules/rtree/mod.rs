//! `rtree` and `rtree_i32`: boxes in one to five dimensions, found by where they lie (`rtree.html`).
//!
//! A table keeps its content in three ordinary tables that SQLite reads and writes as well:
//!
//! | table        | columns                              | holds                                              |
//! |--------------|--------------------------------------|----------------------------------------------------|
//! | `T_node`     | `nodeno`, `data`                     | the nodes of the tree; number 1 is the root        |
//! | `T_rowid`    | `rowid`, `nodeno`, `a0`, `a1` ...    | the leaf that holds an entry; auxiliary columns    |
//! | `T_parent`   | `nodeno`, `parentnode`               | the parent of each node but the root               |
//!
//! | module   | subject                                     |
//! |----------|---------------------------------------------|
//! | `node`   | the bytes of nodes, boxes and their measures |
//! | `store`  | the statements on the three tables          |
//! | `tree`   | insertion, splits, deletion                 |
//! | `cursor` | scans                                       |
//! | `shape`  | searches that the application decides       |
//! | `check`  | what is wrong with a tree                   |
//! | `geopoly` | polygons with R-trees of their boxes       |
//!
//! The tree's shape need not be the one that SQLite would have made: both read any tree that keeps the rules.

mod check;
mod cursor;
mod geopoly;
mod node;
pub mod shape;
mod store;
mod tree;

use std::sync::Arc;

use turso_error::{Error, Result, ResultCode};
use turso_value::Value;
use turso_vtab::{
    Answer, Arguments, Change, Connected, ConstraintOp, Cursor, Module, ModuleKind, OnConflict, Question, Session,
    VirtualTable,
};

use node::{Entry, Layout, MAX_DIMENSIONS, Numbers};
use store::{Sql, Store};

pub(super) use check::rtreecheck;

/// Columns of all kinds that a table can have.
const MAX_COLUMNS: usize = 100;
/// Entries of a node, whatever its size.
const MAX_ENTRIES: usize = 51;
/// Bytes of a page that a node leaves to the row around it.
const ROW_OVERHEAD: usize = 64;

/// The modules of this folder.
pub(super) fn modules() -> Vec<super::NamedModule> {
    vec![
        ("rtree".into(), Arc::new(RTree { numbers: Numbers::Real })),
        ("rtree_i32".into(), Arc::new(RTree { numbers: Numbers::Integer })),
        ("geopoly".into(), Arc::new(geopoly::Geopoly)),
    ]
}

struct RTree {
    numbers: Numbers,
}

/// The columns that CREATE VIRTUAL TABLE has named.
struct Columns {
    names: Vec<String>,
    dimensions: usize,
    auxiliary: usize,
}

impl Columns {
    fn parse(arguments: &[Arc<str>]) -> Result<Self> {
        let (mut names, mut auxiliary) = (Vec::new(), 0);
        for argument in arguments {
            let plain = argument.strip_prefix('+');
            match plain {
                Some(_) => auxiliary += 1,
                None if auxiliary > 0 => return Err(Error::sql("Auxiliary rtree columns must be last")),
                None => {}
            }
            names.push(first_token(plain.unwrap_or(argument).trim_start()));
        }
        let coordinates = (names.len() - auxiliary).saturating_sub(1);
        let error = |text| Err(Error::sql(text));
        if names.len() < 3 || coordinates < 2 {
            return error("Too few columns for an rtree table");
        }
        if coordinates > MAX_DIMENSIONS * 2 || names.len() > MAX_COLUMNS {
            return error("Too many columns for an rtree table");
        }
        if coordinates % 2 != 0 {
            return error("Wrong number of columns for an rtree table");
        }
        Ok(Self { names, dimensions: coordinates / 2, auxiliary })
    }

    fn declaration(&self, numbers: Numbers) -> String {
        let kind = match numbers {
            Numbers::Real => " REAL",
            Numbers::Integer => " INT",
        };
        let mut text = String::from("CREATE TABLE x(");
        for (i, name) in self.names.iter().enumerate() {
            let kind = match i {
                0 => " INT",
                i if i <= self.dimensions * 2 => kind,
                _ => "",
            };
            text.push_str(if i == 0 { "" } else { "," });
            text.push_str(name);
            text.push_str(kind);
        }
        text.push(')');
        text
    }
}

/// A name with its quotes, or everything up to the next blank: the rest of an argument does not count.
fn first_token(text: &str) -> String {
    let close = match text.chars().next() {
        Some(quote @ ('"' | '\'' | '`')) => quote,
        Some('[') => ']',
        _ => return text.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default().to_owned(),
    };
    let mut end = 1;
    let rest = text.get(1..).unwrap_or_default();
    let mut characters = rest.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == close {
            // A doubled quote stands for itself.
            if close != ']' && characters.peek().is_some_and(|(_, next)| *next == close) {
                characters.next();
                continue;
            }
            end = 1 + at + c.len_utf8();
            break;
        }
    }
    text.get(..end).unwrap_or(text).to_owned()
}

impl RTree {
    fn table(&self, session: &mut dyn Session, arguments: &Arguments<'_>, create: bool) -> Result<Connected> {
        let columns = Columns::parse(arguments.arguments)?;
        let layout = Layout { dimensions: columns.dimensions, numbers: self.numbers, node_size: 0 };
        let tree = open_tree(session, arguments, layout, columns.auxiliary, create)?;
        let declaration = columns.declaration(self.numbers);
        let table = Table { name: arguments.table.to_owned(), columns, tree };
        let mut connected = Connected::new(Arc::new(table), declaration).innocuous();
        connected.keeps_constraints = true;
        Ok(connected)
    }
}

/// The tree of a table, which is made anew or has nodes of some size already.
fn open_tree(
    session: &mut dyn Session,
    arguments: &Arguments<'_>,
    mut layout: Layout,
    auxiliary: usize,
    create: bool,
) -> Result<Arc<tree::Tree>> {
    let state = super::state_of(session)?;
    let store = Store::new(arguments.database, arguments.table, auxiliary);
    if create {
        let page_size = state.databases.get(arguments.database_index).map_or(4096, |d| d.pager.page_size());
        let most = 4 + MAX_ENTRIES * layout.entry_size();
        layout.node_size = most.min((page_size as usize).saturating_sub(ROW_OVERHEAD));
        store.create(state, layout.node_size)?;
    } else {
        // The root has the size that all nodes have.
        layout.node_size = match store.get(state, Sql::ReadNode, &[Value::Integer(1)])? {
            Value::Blob(root) => root.len(),
            _ => 0,
        };
        if layout.node_size < 4 + 2 * layout.entry_size() {
            return Err(Error::new(
                ResultCode::CORRUPT,
                format!("undersize RTree blobs in \"{}_node\"", arguments.table),
            ));
        }
    }
    Ok(Arc::new(tree::Tree { layout, store }))
}

/// A row that is inserted, or takes the place of another.
struct Row<'a> {
    /// The rowid that an updated row had.
    key: Option<i64>,
    /// The rowid that it shall have; NULL: any.
    wanted: &'a Value,
    bounds: [f64; MAX_DIMENSIONS * 2],
    /// Table and column that an error names where another row has that rowid.
    rowid_name: (&'a str, &'a str),
}

impl Row<'_> {
    /// Write it with its auxiliary columns; answers its rowid.
    fn write(
        &self,
        tree: &tree::Tree,
        session: &mut dyn Session,
        auxiliary: Vec<Value>,
        on_conflict: OnConflict,
    ) -> Result<i64> {
        let state = super::state_of(session)?;
        let id = if self.wanted.is_null() { None } else { Some(self.wanted.to_integer()) };
        if let Some(id) = id
            && self.key != Some(id)
            && !tree.store.get(state, Sql::ReadRowid, &[Value::Integer(id)])?.is_null()
        {
            if on_conflict != OnConflict::Replace {
                let (table, column) = self.rowid_name;
                let text = format!("UNIQUE constraint failed: {table}.{column}");
                return Err(Error::new(ResultCode::CONSTRAINT, text));
            }
            tree.delete(state, id)?;
        }
        if let Some(key) = self.key {
            tree.delete(state, key)?;
        }
        let id = match id {
            Some(id) => id,
            None => tree.next_rowid(state)?,
        };
        tree.insert(state, Entry { id, bounds: self.bounds })?;
        if !auxiliary.is_empty() {
            let values: Vec<Value> = std::iter::once(Value::Integer(id)).chain(auxiliary).collect();
            tree.store.get(state, Sql::WriteAuxiliary, &values)?;
        }
        if self.key.is_none() {
            session.set_last_insert_rowid(id);
        }
        Ok(id)
    }
}

/// The error of a table whose nodes do not fit together.
#[cold]
fn damaged() -> Error {
    Error::from_code(ResultCode::CORRUPT_VTAB)
}

impl Module for RTree {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Created
    }

    fn create(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        self.table(session, arguments, true)
    }

    fn connect(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        self.table(session, arguments, false)
    }

    fn is_shadow_suffix(&self, suffix: &str) -> bool {
        is_shadow_suffix(suffix)
    }
}

fn is_shadow_suffix(suffix: &str) -> bool {
    ["node", "rowid", "parent"].iter().any(|own| own.eq_ignore_ascii_case(suffix))
}

struct Table {
    name: String,
    columns: Columns,
    tree: Arc<tree::Tree>,
}

/// Numbers of the two ways to scan, and the letters of comparisons in the text that goes with the second.
const BY_ROWID: i32 = 1;
const BY_BOXES: i32 = 2;
/// Stands for a condition that a shape decides.
const MATCH: char = 'F';
const LETTERS: [(ConstraintOp, char); 5] = [
    (ConstraintOp::Equal, 'A'),
    (ConstraintOp::LessOrEqual, 'B'),
    (ConstraintOp::Less, 'C'),
    (ConstraintOp::GreaterOrEqual, 'D'),
    (ConstraintOp::Greater, 'E'),
];

impl VirtualTable for Table {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        let is_rowid = |column: Option<u16>| matches!(column, None | Some(0));
        let by_rowid =
            question.constraints.iter().position(|c| c.usable && c.op == ConstraintOp::Equal && is_rowid(c.column));
        let by_shape = question.constraints.iter().any(|c| c.op == ConstraintOp::Match);
        let by_rowid = by_rowid.filter(|_| !by_shape);
        if let Some(usage) = by_rowid.and_then(|i| answer.usage.get_mut(i)) {
            usage.argument = 1;
            answer.number = BY_ROWID;
            answer.cost = 30.0;
            answer.rows = 1;
            answer.unique = true;
            return Ok(Some(answer));
        }
        let mut text = String::new();
        for (constraint, usage) in question.constraints.iter().zip(&mut answer.usage) {
            let coordinate = constraint.column.map_or(0, usize::from).wrapping_sub(1);
            let letter = LETTERS.iter().find(|(op, _)| *op == constraint.op);
            if let Some((_, letter)) = letter
                && constraint.usable
                && coordinate < self.columns.dimensions * 2
            {
                text.push(*letter);
                text.push(char::from(b'0' + coordinate as u8));
                // The values decide: what is no number is left to the engine, which looks at every row again.
                usage.argument = text.len() / 2;
            } else if constraint.op == ConstraintOp::Match {
                if !constraint.usable {
                    // Nobody else can decide it.
                    return Ok(None);
                }
                text.push(MATCH);
                text.push('0');
                usage.argument = text.len() / 2;
                usage.omit = true;
            }
        }
        answer.number = BY_BOXES;
        // Each condition halves what is left.
        answer.rows = ((1i64 << 20) >> (text.len() / 2).min(20)).max(1);
        answer.cost = 6.0 * answer.rows as f64;
        answer.text = Some(text.into());
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(cursor::Scan::new(self.tree.clone())))
    }

    fn destroy(&self, session: &mut dyn Session) -> Result<()> {
        self.tree.store.destroy(super::state_of(session)?)
    }

    fn is_writable(&self) -> bool {
        true
    }

    fn update(&self, session: &mut dyn Session, change: &Change<'_>, on_conflict: OnConflict) -> Result<i64> {
        let (key, rowid, columns) = match change {
            Change::Delete { key } => {
                self.tree.delete(super::state_of(session)?, key.to_integer())?;
                return Ok(0);
            }
            Change::Insert { rowid, columns } => (None, *rowid, *columns),
            Change::Update { key, new_key, columns, .. } => (Some(key.to_integer()), *new_key, *columns),
        };
        let bounds = self.box_of(columns)?;
        // The first column is the rowid; a key that is given apart (`UPDATE ... SET rowid`) does not count beside it, and an
        // update to NULL takes a new one.
        let wanted = match (columns.first(), key) {
            (Some(id), Some(_)) => id,
            (Some(id), None) if !id.is_null() => id,
            _ => rowid,
        };
        let name = self.columns.names.first().map_or("rowid", String::as_str);
        let row = Row { key, wanted, bounds, rowid_name: (&self.name, unquoted(name)) };
        let first = 1 + self.columns.dimensions * 2;
        let auxiliary = (0..self.columns.auxiliary).map(|i| columns.get(first + i).cloned().unwrap_or_default());
        row.write(&self.tree, session, auxiliary.collect(), on_conflict)
    }

    fn rename(&self, session: &mut dyn Session, name: &str) -> Result<()> {
        self.tree.store.rename(super::state_of(session)?, name)
    }

    fn integrity(&self, session: &mut dyn Session, _: bool) -> Result<Option<String>> {
        let problem = check::check(self.tree.layout, &self.tree.store, super::state_of(session)?)?;
        Ok(problem.map(|problem| format!("In RTree {}.{}: {problem}", self.tree.store.database, self.name)))
    }
}

impl Table {
    /// The box of a row, rounded outwards to what can be stored.
    fn box_of(&self, columns: &[Value]) -> Result<[f64; MAX_DIMENSIONS * 2]> {
        let mut bounds = [0.0; MAX_DIMENSIONS * 2];
        for dimension in 0..self.columns.dimensions {
            let (low, high) = (dimension * 2, dimension * 2 + 1);
            for (at, up) in [(low, false), (high, true)] {
                let value = columns.get(1 + at).unwrap_or(&Value::Null);
                bounds[at] = self.tree.layout.numbers.stored(value, up);
            }
            if bounds[low] > bounds[high] {
                let name = |at: usize| self.columns.names.get(1 + at).map_or("", |name| unquoted(name));
                let text = format!("rtree constraint failed: {}.({}<={})", self.name, name(low), name(high));
                return Err(Error::new(ResultCode::CONSTRAINT, text));
            }
        }
        Ok(bounds)
    }
}

fn unquoted(name: &str) -> &str {
    name.trim_matches(['"', '\'', '[', ']', '`'])
}

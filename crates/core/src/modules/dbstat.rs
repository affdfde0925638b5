//! `dbstat`: where the bytes of each table and index lie (`dbstat.html`).
//!
//! The trees are walked page by page, a page's row before those of its overflow pages and children. The walk keeps its place
//! between two rows, so it waits for a page without losing anything.
//!
//! Format: B-tree pages and cells as in `fileformat2.html`, section 1.6.

use std::sync::Arc;

use turso_error::{Error, Result};
use turso_storage::{PageNo, Pager};
use turso_value::{Value, varint};
use turso_vtab::{
    Answer, Argument, Arguments, Connected, ConstraintOp, Cursor, Module, ModuleKind, OrderTerm, Output, Question,
    Session, VirtualTable,
};

use crate::connection::State;
use crate::statement::{InnerStatement, StepResult};

/// The module.
pub(super) struct DbStat;

const DECLARATION: &str = "CREATE TABLE x(name TEXT,path TEXT,pageno INTEGER,pagetype TEXT,ncell INTEGER,payload INTEGER,\
    unused INTEGER,mx_payload INTEGER,pgoffset INTEGER,pgsize INTEGER,schema TEXT HIDDEN,aggregate BOOLEAN HIDDEN)";

/// Bits of the scan's number: constraints in the order of their arguments, and the order of rows.
const SCHEMA: i32 = 1;
const NAME: i32 = 2;
const AGGREGATE: i32 = 4;
const BY_NAME: i32 = 8;

/// Deeper trees are damaged.
const MAX_DEPTH: usize = 64;

impl Module for DbStat {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Both
    }

    fn connect(&self, session: &mut dyn Session, arguments: &Arguments<'_>) -> Result<Connected> {
        let schema = match arguments.arguments.first() {
            None => arguments.database.to_string(),
            Some(name) => {
                let name = name.trim_matches(['"', '\'', '[', ']', '`']);
                let state = super::state_of(session)?;
                if state.find_database(name).is_none() {
                    return Err(Error::sql(format!("no such database: {name}")));
                }
                name.to_string()
            }
        };
        let mut connected = Connected::new(Arc::new(Table { schema }), DECLARATION);
        connected.uses_all_databases = true;
        Ok(connected)
    }
}

struct Table {
    /// The database where the query names none.
    schema: String,
}

impl VirtualTable for Table {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        let mut found = [None; 3];
        for (i, constraint) in question.constraints.iter().enumerate() {
            let at = match constraint.column {
                Some(10) => 0,
                Some(0) => 1,
                Some(11) => 2,
                _ => continue,
            };
            if constraint.op != ConstraintOp::Equal {
                continue;
            }
            if !constraint.usable {
                return Ok(None);
            }
            // The name is looked for byte by byte.
            if at != 1 || constraint.collation.is_binary() {
                found[at] = Some(i);
            }
        }
        let mut next = 0;
        for (i, bit) in found.iter().zip([SCHEMA, NAME, AGGREGATE]) {
            if let Some(i) = *i {
                next += 1;
                answer.usage[i].argument = next;
                answer.usage[i].omit = true;
                answer.number |= bit;
            }
        }
        let ascending = |column| OrderTerm { column: Some(column), descending: false };
        if matches!(question.order_by.as_slice(), [first] if *first == ascending(0))
            || question.order_by == [ascending(0), ascending(1)]
        {
            answer.order_consumed = true;
            answer.number |= BY_NAME;
        }
        answer.cost = 1.0;
        answer.hexadecimal = true;
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(Walk { default_schema: self.schema.clone(), ..Walk::default() }))
    }
}

/// What a row says of a page, or of all pages of a tree.
#[derive(Debug, Default, Clone)]
struct Row {
    path: String,
    page: u32,
    kind: &'static str,
    cells: i64,
    payload: i64,
    unused: i64,
    max_payload: i64,
    size: i64,
}

/// The rest of a payload on overflow pages.
#[derive(Debug, Clone, Copy)]
struct Chain {
    page: u32,
    left: u64,
}

/// A page of a tree whose cells are being visited.
struct Frame {
    path: String,
    /// By cell: its overflow pages, then its child. The child on the right is a cell of its own.
    cells: Vec<(Option<Chain>, Option<u32>)>,
    cell: usize,
    /// The overflow page that comes next, and its number within the chain.
    chain: Option<(Chain, u32)>,
    /// The cell's overflow pages have been taken up.
    begun: bool,
}

#[derive(Default)]
struct Walk {
    default_schema: String,
    schema: String,
    database: usize,
    aggregate: bool,
    /// Reads the names; `None` once that is done.
    names: Option<InnerStatement>,
    /// Trees still to be visited, the next one last.
    trees: Vec<(String, u32)>,
    name: String,
    frames: Vec<Frame>,
    /// Pages seen of this tree.
    seen: u32,
    /// The sum in the making.
    sum: Option<Row>,
    row: Option<Row>,
    count: i64,
}

impl Walk {
    /// Go to the next row. What has been read is never read again after a wait.
    fn advance(&mut self, state: &mut State) -> Result<()> {
        if let Some(names) = &mut self.names {
            while names.step(state)? == StepResult::Row {
                if let [name, Value::Integer(root)] = names.row() {
                    let mut text = Vec::new();
                    name.as_ref().write_text(&mut text);
                    let root = u32::try_from(*root).unwrap_or(0);
                    self.trees.push((String::from_utf8_lossy(&text).into_owned(), root));
                }
            }
            self.names = None;
            self.trees.reverse();
        }
        let Some(pager) = state.databases.get_mut(self.database).map(|d| &mut d.pager) else { return Ok(()) };
        let step = self.walk(pager);
        state.pending_on(self.database, step)
    }

    fn walk(&mut self, pager: &mut Pager) -> Result<()> {
        loop {
            let row = match self.next_page(pager)? {
                Some(row) => row,
                None => match self.sum.take() {
                    Some(sum) => {
                        self.give(sum);
                        return Ok(());
                    }
                    None => match self.trees.last().cloned() {
                        Some((name, root)) => {
                            if root == 0 || root > pager.page_count() {
                                self.trees.pop();
                                continue;
                            }
                            let row = self.enter(pager, root, "/".to_string())?;
                            self.trees.pop();
                            self.name = name;
                            self.seen = 0;
                            row
                        }
                        None => {
                            self.row = None;
                            return Ok(());
                        }
                    },
                },
            };
            if !self.aggregate {
                self.give(row);
                return Ok(());
            }
            let sum = self.sum.get_or_insert_with(Row::default);
            sum.page += 1;
            sum.cells += row.cells;
            sum.payload += row.payload;
            sum.unused += row.unused;
            sum.max_payload = sum.max_payload.max(row.max_payload);
            sum.size += row.size;
            // The place is kept, so the pages need not be.
            pager.unpin();
        }
    }

    fn give(&mut self, row: Row) {
        self.count += 1;
        self.row = Some(row);
    }

    /// The next page of the tree in hand.
    fn next_page(&mut self, pager: &mut Pager) -> Result<Option<Row>> {
        while let Some(frame) = self.frames.last_mut() {
            if self.seen > pager.page_count() {
                return Err(Error::corrupt(0, "a tree has more pages than the file"));
            }
            if let Some((chain, number)) = frame.chain {
                let page = pager.page(page_number(chain.page, pager)?)?;
                let room = u64::from(pager.usable_size()).saturating_sub(4);
                let payload = chain.left.min(room);
                let row = Row {
                    path: format!("{}{:03x}+{number:06x}", frame.path, frame.cell),
                    page: chain.page,
                    kind: "overflow",
                    payload: payload as i64,
                    unused: (room - payload) as i64,
                    size: i64::from(pager.page_size()),
                    ..Row::default()
                };
                let next = Chain { page: be32(&page, 0)?, left: chain.left - payload };
                frame.chain = (next.left > 0 && next.page != 0).then_some((next, number + 1));
                self.seen += 1;
                return Ok(Some(row));
            }
            let Some(&(chain, child)) = frame.cells.get(frame.cell) else {
                self.frames.pop();
                continue;
            };
            if !std::mem::replace(&mut frame.begun, true) {
                frame.chain = chain.map(|chain| (chain, 0));
                continue;
            }
            let Some(child) = child else {
                frame.cell += 1;
                frame.begun = false;
                continue;
            };
            let path = format!("{}{:03x}/", frame.path, frame.cell);
            let depth = self.frames.len();
            if depth > MAX_DEPTH {
                return Err(Error::corrupt(child, "a tree is too deep"));
            }
            let row = self.enter(pager, child, path)?;
            if let Some(frame) = self.frames.get_mut(depth - 1) {
                frame.cell += 1;
                frame.begun = false;
            }
            return Ok(Some(row));
        }
        Ok(None)
    }

    /// Read a page of a tree; its cells are visited next.
    fn enter(&mut self, pager: &mut Pager, no: u32, path: String) -> Result<Row> {
        let page = pager.page(page_number(no, pager)?)?;
        let usable = pager.usable_size() as usize;
        let start = if no == 1 { 100 } else { 0 };
        let kind = *page.get(start).ok_or_else(|| Error::corrupt(no, "page without header"))?;
        let (leaf, table) = match kind {
            2 => (false, false),
            5 => (false, true),
            10 => (true, false),
            13 => (true, true),
            _ => return Err(Error::corrupt(no, "not a B-tree page")),
        };
        let header = if leaf { 8 } else { 12 };
        let count = usize::from(be16(&page, start + 3)?);
        let mut row = Row {
            path: path.clone(),
            page: no,
            kind: if leaf { "leaf" } else { "internal" },
            cells: count as i64,
            size: i64::from(pager.page_size()),
            unused: free_bytes(&page, start, header, count)?,
            ..Row::default()
        };
        let mut cells = Vec::with_capacity(count.min(usable) + 1);
        for i in 0..count {
            let mut at = usize::from(be16(&page, start + header + 2 * i)?);
            let child = if leaf { None } else { Some(be32(&page, at)?) };
            at += if leaf { 0 } else { 4 };
            if table && !leaf {
                cells.push((None, child));
                continue;
            }
            let (total, used) = page
                .get(at..)
                .and_then(varint::read)
                .ok_or_else(|| Error::corrupt(no, "cell past the end of the page"))?;
            at += used;
            if table {
                let rowid = page.get(at..).and_then(varint::read);
                at += rowid.ok_or_else(|| Error::corrupt(no, "cell past the end of the page"))?.1;
            }
            let local = local_bytes(total, table, usable as u64);
            row.payload += local as i64;
            row.max_payload = row.max_payload.max(i64::try_from(total).unwrap_or(i64::MAX));
            let chain = if local < total {
                let page = be32(&page, at.saturating_add(local as usize))?;
                Some(Chain { page, left: total - local })
            } else {
                None
            };
            cells.push((chain, child));
        }
        if !leaf {
            cells.push((None, Some(be32(&page, start + 8)?)));
        }
        self.frames.push(Frame { path, cells, cell: 0, chain: None, begun: false });
        self.seen += 1;
        Ok(row)
    }
}

/// Bytes of a payload that lie in its cell.
fn local_bytes(total: u64, table: bool, usable: u64) -> u64 {
    let max = if table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
    if total <= max {
        return total;
    }
    let min = (usable - 12) * 32 / 255 - 23;
    let fit = min + (total - min) % (usable - 4);
    if fit <= max { fit } else { min }
}

/// Bytes of a page that nothing uses: the gap, the free blocks, and fragments.
fn free_bytes(page: &[u8], start: usize, header: usize, cells: usize) -> Result<i64> {
    let content = match be16(page, start + 5)? {
        0 => 65536,
        offset => i64::from(offset),
    };
    let fragments = page.get(start + 7).copied().unwrap_or(0);
    let mut free = content - (start + header + 2 * cells) as i64 + i64::from(fragments);
    let mut block = usize::from(be16(page, start + 1)?);
    // Free blocks lie in ascending order.
    while block != 0 {
        free += i64::from(be16(page, block + 2)?);
        let next = usize::from(be16(page, block)?);
        if next != 0 && next <= block {
            break;
        }
        block = next;
    }
    Ok(free)
}

fn be16(page: &[u8], at: usize) -> Result<u16> {
    let bytes = page.get(at..).and_then(|b| b.first_chunk());
    bytes.map(|b| u16::from_be_bytes(*b)).ok_or_else(|| Error::corrupt(0, "offset past the end of the page"))
}

fn be32(page: &[u8], at: usize) -> Result<u32> {
    let bytes = page.get(at..).and_then(|b| b.first_chunk());
    bytes.map(|b| u32::from_be_bytes(*b)).ok_or_else(|| Error::corrupt(0, "offset past the end of the page"))
}

fn page_number(no: u32, pager: &Pager) -> Result<PageNo> {
    if no == 0 || no > pager.page_count() {
        return Err(Error::corrupt(no, "page number past the end of the file"));
    }
    Ok(PageNo(no))
}

impl Cursor for Walk {
    fn filter(
        &mut self,
        session: &mut dyn Session,
        number: i32,
        _: Option<&str>,
        arguments: &[Argument],
    ) -> Result<()> {
        let state = super::state_of(session)?;
        // Run again after a wait, this goes on with the names that it has begun to read.
        let begun = self.count == 0 && (self.names.is_some() || !self.frames.is_empty() || !self.trees.is_empty());
        if begun {
            return self.advance(state);
        }
        let mut values = arguments.iter().map(Argument::value);
        let mut text = |bit| {
            let value = if number & bit != 0 { values.next()? } else { return None };
            let mut bytes = Vec::new();
            value.as_ref().write_text(&mut bytes);
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let schema = text(SCHEMA).unwrap_or_else(|| self.default_schema.clone());
        let name = text(NAME);
        let aggregate = text(AGGREGATE).is_some_and(|v| turso_value::number::parse_integer_prefix(v.as_bytes()) != 0);
        let mut fresh = Self { default_schema: std::mem::take(&mut self.default_schema), aggregate, ..Self::default() };
        let database = state.find_database(&schema);
        if let Some(database) = database {
            let quoted = schema.replace('"', "\"\"");
            let mut sql = format!(
                "SELECT * FROM (SELECT 'sqlite_schema' AS name, 1 AS root UNION ALL \
                 SELECT name, rootpage FROM \"{quoted}\".sqlite_schema WHERE rootpage <> 0)"
            );
            if let Some(name) = name {
                sql.push_str(&format!(" WHERE name = '{}'", name.replace('\'', "''")));
            }
            if number & BY_NAME != 0 {
                sql.push_str(" ORDER BY name");
            }
            fresh.names = Some(InnerStatement::prepare(state, &sql)?);
            fresh.database = database;
        }
        fresh.schema = schema;
        *self = fresh;
        match database {
            Some(_) => self.advance(state),
            None => Ok(()),
        }
    }

    fn next(&mut self, session: &mut dyn Session) -> Result<()> {
        self.advance(super::state_of(session)?)
    }

    fn at_end(&self) -> bool {
        self.row.is_none()
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let Some(row) = &self.row else { return Ok(()) };
        let value = &mut *output.value;
        match index {
            0 => value.set_text(self.name.as_bytes()),
            1 if !self.aggregate => value.set_text(row.path.as_bytes()),
            2 => value.set_integer(i64::from(row.page)),
            3 if !self.aggregate => value.set_text(row.kind.as_bytes()),
            4 => value.set_integer(row.cells),
            5 => value.set_integer(row.payload),
            6 => value.set_integer(row.unused),
            7 => value.set_integer(row.max_payload),
            8 if !self.aggregate => value.set_integer((i64::from(row.page) - 1) * row.size),
            9 => value.set_integer(row.size),
            10 => value.set_text(self.schema.as_bytes()),
            11 => value.set_integer(i64::from(self.aggregate)),
            _ => {}
        }
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.row.as_ref().map_or(0, |row| i64::from(row.page)))
    }

    fn close(&mut self, session: &mut dyn Session) {
        if let (Some(mut names), Ok(state)) = (self.names.take(), super::state_of(session)) {
            names.close(state);
        }
    }
}

//! Scripts: schemas, rows and statements, made one at a time from a seed and from what the reference answered so far.
//!
//! | file | subject |
//! |---|---|
//! | `model` | what the generator knows about the schema it has built |
//! | `literal` | values |
//! | `call` | built-in functions with odd arguments |
//! | `expr` | expressions and conditions |
//! | `query`, `from`, `window` | queries |
//! | `change` | INSERT, UPDATE, DELETE |
//! | `define`, `trigger` | tables, indexes, views, triggers and their changes |
//! | `space`, `shape` | tables of a module; queries that call for a certain plan |
//! | `session` | transactions and settings |
//!
//! Where SQL leaves something to the engine, a comparison would fail without anything being wrong. So results are compared in
//! the order that ORDER BY determines and no more; a LIMIT follows an ORDER BY over the whole row; what can fail stands only
//! where it is reached under every plan; and rows are changed in a known order where that order can be seen.

mod call;
mod change;
mod define;
mod expr;
mod from;
mod literal;
pub mod model;
mod query;
mod session;
mod shape;
mod space;
mod trigger;
mod window;

use integration::Rng;
use model::{Model, Table};
pub use query::Partition;

/// How the rows of an answer are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// In the same order.
    Kept,
    /// As a bag.
    Free,
    /// In the order of these columns; among rows equal in them as a bag.
    By(Vec<usize>),
}

/// What a statement is, for the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A query over tables.
    Select,
    /// INSERT, UPDATE, DELETE.
    Change,
    /// Schema.
    Define,
    /// Transactions.
    Session,
    /// Pragmas and the like.
    Other,
}

/// A statement and how its answer is compared.
#[derive(Debug, Clone)]
pub struct Step {
    /// The text.
    pub sql: String,
    /// Its kind.
    pub class: Class,
    /// How its rows are compared.
    pub order: Order,
    /// Which one of several equal values (`1` and `1.0`, `a` and `A` under NOCASE) stands for them is open.
    pub loose: bool,
    /// The text for SQLite, where its build lacks what the statement uses.
    pub stock: Option<String>,
    /// Only errors are compared: the rows tell of the engine itself.
    pub unseen: bool,
}

impl Step {
    fn new(sql: String, class: Class, order: Order) -> Self {
        Self { sql, class, order, loose: false, stock: None, unseen: false }
    }
    /// A query that is only shown.
    pub fn query(sql: String) -> Self {
        Self::select(sql, Order::Free)
    }
    fn select(sql: String, order: Order) -> Self {
        Self::new(sql, Class::Select, order)
    }
    fn change(sql: String) -> Self {
        Self::new(sql, Class::Change, Order::Free)
    }
    fn define(sql: String) -> Self {
        Self::new(sql, Class::Define, Order::Kept)
    }
    fn session(sql: String) -> Self {
        Self::new(sql, Class::Session, Order::Kept)
    }
    fn other(sql: String, order: Order) -> Self {
        Self::new(sql, Class::Other, order)
    }
    fn unseen(sql: String) -> Self {
        Self { unseen: true, ..Self::other(sql, Order::Free) }
    }
}

/// What a script may use, beside the basics.
#[derive(Debug, Clone, Copy)]
pub struct Features {
    triggers: bool,
    foreign_keys: bool,
    generated_columns: bool,
    strict: bool,
    views: bool,
    temp: bool,
    attach: bool,
    alter: bool,
    transactions: bool,
    returning: bool,
    settings: bool,
    outer_joins: bool,
    /// Values at the edges of their types.
    extremes: bool,
    /// Values that are equal and not the same.
    twins: bool,
    /// Text is stored as UTF-16.
    utf16: bool,
    /// Tables of a module.
    modules: bool,
    /// A table with more than a few rows.
    large: bool,
    /// Changes tell how many rows they made: of views, modules and upserts SQLite counts others than `changes()` does.
    counts: bool,
}

impl Features {
    fn draw(rng: &mut Rng) -> Self {
        let drawn = Self {
            triggers: rng.percent(40),
            foreign_keys: rng.percent(25),
            generated_columns: rng.percent(25),
            strict: rng.percent(20),
            views: rng.percent(35),
            temp: rng.percent(15),
            attach: rng.percent(10),
            alter: rng.percent(25),
            transactions: rng.percent(60),
            returning: rng.percent(70),
            settings: rng.percent(30),
            outer_joins: rng.percent(50),
            extremes: rng.percent(15),
            twins: rng.percent(20),
            utf16: rng.percent(12),
            modules: rng.percent(12),
            large: rng.percent(4),
            counts: rng.percent(3),
        };
        let others = !drawn.counts;
        Self { views: drawn.views && others, modules: drawn.modules && others, ..drawn }
    }
}

/// What the SQLite at hand was compiled with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Abilities {
    /// The mathematical functions.
    pub math: bool,
    /// `median` and the percentiles.
    pub percentile: bool,
}

/// Makes one script.
pub struct Generator {
    rng: Rng,
    features: Features,
    stock: Abilities,
    model: Model,
    names: usize,
    aliases: usize,
    /// Expressions that fail at run time are welcome.
    errors: bool,
    /// Parameters are welcome as literals.
    parameters: bool,
    /// No subqueries in expressions.
    plain_expressions: bool,
    subquery_depth: usize,
    /// All terms of a compound compare alike.
    one_affinity: bool,
    /// The tables get their first rows.
    filling: bool,
    in_transaction: bool,
    savepoints: Vec<(String, Model)>,
    before_transaction: Option<Model>,
    /// The model before the last step, for when it fails.
    before_step: Option<Model>,
    vacuumed: bool,
    /// Steps that open the script.
    opening: Vec<Step>,
    left: usize,
}

impl Generator {
    /// A script for this seed with so many statements after its schema.
    pub fn new(seed: u64, length: usize, stock: Abilities) -> Self {
        let mut rng = Rng::new(seed);
        let features = Features::draw(&mut rng);
        let mut generator = Self::blank(features, rng, length, stock);
        generator.open();
        generator
    }

    fn blank(features: Features, rng: Rng, length: usize, stock: Abilities) -> Self {
        Self {
            rng,
            features,
            stock,
            model: Model::default(),
            names: 0,
            aliases: 0,
            errors: false,
            parameters: false,
            plain_expressions: false,
            subquery_depth: 0,
            one_affinity: false,
            filling: false,
            in_transaction: false,
            savepoints: Vec::new(),
            before_transaction: None,
            before_step: None,
            vacuumed: false,
            opening: Vec::new(),
            left: length,
        }
    }

    /// A schema with rows for queries that are compared with other forms of themselves: which of several equal values stands for
    /// them is open, so there are none that are equal and not the same.
    pub fn for_logic(seed: u64, stock: Abilities) -> Self {
        let mut rng = Rng::new(seed);
        let features = Features { twins: false, ..Features::draw(&mut rng) };
        let mut generator = Self::blank(features, rng, 0, stock);
        generator.one_affinity = true;
        generator.open();
        generator
    }

    /// The schema and its first rows.
    fn open(&mut self) {
        let mut steps = Vec::new();
        if self.features.utf16 {
            let encoding = *self.rng.pick(&["UTF-16le", "UTF-16be"]);
            steps.push(Step::other(format!("PRAGMA encoding = '{encoding}'"), Order::Kept));
        }
        if self.features.attach {
            steps.push(Step::session("ATTACH ':memory:' AS aux".into()));
            self.model.attached = true;
        }
        for i in 0..2 + self.rng.below(3) {
            let database = if self.features.attach && i == 1 {
                "aux"
            } else if self.features.temp && i == 2 {
                "temp"
            } else {
                "main"
            };
            steps.push(self.create_table(database));
        }
        steps.push(Step::define("CREATE TABLE log(n INTEGER PRIMARY KEY, what TEXT, a, b)".into()));
        steps.push(Step::define("CREATE TABLE vlog(what TEXT, a, b)".into()));
        if self.features.foreign_keys {
            steps.push(Step::other("PRAGMA foreign_keys = ON".into(), Order::Kept));
        }
        for _ in 0..self.rng.below(5) {
            steps.push(self.create_index());
        }
        if self.features.modules {
            steps.push(self.create_space());
        }
        self.filling = true;
        for table in self.model.tables.clone() {
            for _ in 0..2 + self.rng.below(3) {
                let rows = 2 + self.rng.below(6);
                let fill = if table.module { self.change_space(&table) } else { self.insert_values(&table, rows) };
                steps.push(fill);
            }
        }
        self.filling = false;
        if self.features.large {
            steps.extend(self.large_table());
        }
        if self.features.views {
            for _ in 0..1 + self.rng.below(2) {
                steps.push(self.create_view());
            }
        }
        if self.features.triggers {
            for _ in 0..1 + self.rng.below(3) {
                steps.push(self.create_trigger());
            }
        }
        steps.reverse();
        self.opening = steps;
    }

    /// The next statement; `None` at the end.
    pub fn next_step(&mut self) -> Option<Step> {
        let mut step = self.make_step()?;
        if step.class == Class::Change {
            // Beyond the largest rowid the next one is drawn at random.
            step.sql = step.sql.replace("9223372036854775807", "9223372036854775000");
            step.stock = step.stock.map(|sql| sql.replace("9223372036854775807", "9223372036854775000"));
        }
        if self.features.utf16 {
            step.sql = without_blobs(&step.sql);
            step.stock = step.stock.map(|sql| without_blobs(&sql));
        }
        Some(step)
    }

    fn make_step(&mut self) -> Option<Step> {
        if let Some(step) = self.opening.pop() {
            return Some(step);
        }
        if self.left == 0 {
            if self.in_transaction || !self.savepoints.is_empty() {
                self.in_transaction = false;
                self.savepoints.clear();
                return Some(Step::session(if self.rng.percent(70) { "COMMIT" } else { "ROLLBACK" }.into()));
            }
            // In SQLite it leaves the last rowid of its own inserts: so nothing comes after it.
            let vacuum = !std::mem::replace(&mut self.vacuumed, true) && self.rng.percent(10);
            return vacuum.then(|| Step::unseen("VACUUM".into()));
        }
        self.left -= 1;
        self.before_step = Some(self.model.clone());
        let step = match self.rng.below(100) {
            0 => self.look_inside(),
            1..=54 => self.query(),
            55..=86 => self.change(),
            87..=92 if self.features.transactions => self.transaction(),
            93 | 94 if self.features.settings => self.setting(),
            95 | 96 => self.show_schema(),
            97..=99 => self.schema_change(),
            _ => self.query(),
        };
        Some(step)
    }

    /// What became of the last step: a failed one has changed nothing, and a failure may have ended the transaction.
    pub fn note(&mut self, step: &Step, failed: bool, autocommit: bool) {
        if failed
            && step.class == Class::Define
            && let Some(model) = self.before_step.take()
        {
            self.model = model;
        }
        if autocommit && (self.in_transaction || !self.savepoints.is_empty()) {
            self.rolled_back();
        }
    }

    fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// One of several words.
    fn word(&mut self, of: &[&'static str]) -> &'static str {
        of[self.rng.below(of.len())]
    }

    /// Any table or view.
    pub fn pick_table(&mut self) -> Table {
        let at = self.rng.below(self.model.tables.len());
        self.model.tables.get(at).cloned().unwrap_or_else(log_table)
    }

    /// A table that is neither a view nor of a module.
    pub fn pick_base_table(&mut self) -> Table {
        let plain = |table: &Table| !table.view && !table.module;
        let base: Vec<usize> = (0..self.model.tables.len()).filter(|&i| plain(&self.model.tables[i])).collect();
        if base.is_empty() {
            return log_table();
        }
        let at = *self.rng.pick(&base);
        self.model.tables[at].clone()
    }

    /// A table to be changed, now and then a view with triggers.
    pub fn pick_target(&mut self) -> Table {
        let table = self.pick_table();
        if table.view && !(table.writable_view && self.rng.percent(70)) { self.pick_base_table() } else { table }
    }

    fn table_mut(&mut self, name: &str) -> &mut Table {
        let at = self.model.tables.iter().position(|t| t.name == name).unwrap_or_else(|| {
            self.model.tables.push(log_table());
            self.model.tables.len() - 1
        });
        &mut self.model.tables[at]
    }
}

/// In a UTF-16 database SQLite reads the bytes of a blob as UTF-16 where it wants text or a number, we read UTF-8.
fn without_blobs(sql: &str) -> String {
    let text = sql.replace("AS BLOB)", "AS TEXT)").replace("jsonb", "json").replace("zeroblob(", "abs(");
    let text = text.replace("\\ud800", "\\u00e9").replace("unhex(", "concat(");
    // Nor is a number in front of a character above U+00FF read as it is in UTF-8.
    let text = text.replace("日本", "ñ").replace('🦀', "þ");
    let mut result = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("x'") {
        let is_blob = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '\'' || c == '%');
        result.push_str(&rest[..at]);
        result.push_str(if is_blob { "'blob" } else { "x'" });
        rest = &rest[at + 2..];
        if is_blob {
            rest = rest.find('\'').map_or("", |end| &rest[end..]);
        }
    }
    result + rest
}

fn log_table() -> Table {
    let column =
        |name: &str, kind, key| model::Column { name: name.into(), kind, folded: false, key, generated: false };
    Table {
        database: "main",
        name: "log".into(),
        columns: vec![
            column("n", model::Kind::Integer, true),
            column("what", model::Kind::Text, false),
            column("a", model::Kind::Any, false),
            column("b", model::Kind::Any, false),
        ],
        identity: vec!["n".into()],
        unique: vec![vec!["n".into()]],
        strict: false,
        ordered_changes: true,
        view: false,
        writable_view: false,
        module: false,
    }
}

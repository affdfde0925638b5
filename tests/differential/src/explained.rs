//! Differences that have a reason to stay, each with it: as few as possible.
//!
//! Here are those that an answer shows. Those that the state of a script decides are told in `run.rs`: SQLite keeps the rows that a
//! statement has written into a STRICT table before a type error, counts deferred violations of a row that it refuses for an
//! immediate one, and goes on with what an ALTER that failed within a transaction has done to its schema in memory; a rowid behind the
//! greatest one is random; in UTF-16 it reads a number before a character beyond U+00FF as an integer; how many nodes of an R-tree a
//! change writes is its own, and one that has refused a row may leave a blob open; an UPDATE that writes again the key to which its own
//! row refers is refused; IN answers 0 instead of NULL where a row with NULLs is looked up in a descending index; an automatic index of
//! a table WITHOUT ROWID loses rows that its key takes for equal; and an OR by an index loses blobs that LIKE and GLOB would find.
//! What depends on a plan, or is an accident that no answer shows, is not generated; the reason stands where it would be. What only
//! the contents show at the end of a script is in `reason_for_content`.

use integration::Answer;
use integration::engine::literal;
use turso_core::Value;

use crate::generate::{Class, Step};

/// A rule: what it is about, and whether it applies.
type Rule = (&'static str, fn(&Step, &Answer, &Answer) -> bool);

const RULES: &[Rule] = &[
    ("RETURNING passes an integral REAL through functions and operators as INTEGER in SQLite", |step, ours, stock| {
        step.sql.contains(" RETURNING ")
            && ours.error.is_none()
            && stock.error.is_none()
            && same_numbers(&ours.rows, &stock.rows)
    }),
    (
        "a compound that is sorted by a collation is a subquery to SQLite, in whose REAL columns integers are read as reals",
        |step, ours, stock| {
            let sorts = step.sql.rsplit_once(" ORDER BY ").is_some_and(|(_, terms)| terms.contains(" COLLATE "));
            let merges = ["UNION", "EXCEPT", "INTERSECT"].iter().any(|operator| step.sql.contains(operator));
            sorts && merges && ours.error.is_none() && stock.error.is_none() && same_numbers(&ours.rows, &stock.rows)
        },
    ),
    (
        "which stands for a group that holds both the least integer and the real that equals it, in a column of NUMERIC",
        |step, ours, stock| {
            let least = |rows: &[Vec<Value>]| {
                rows.iter().flatten().any(|value| {
                    literal(value).contains("9.22337203685477") || literal(value) == "-9223372036854775808"
                })
            };
            step.sql.contains(" GROUP BY ")
                && ours.error.is_none()
                && stock.error.is_none()
                && (least(&ours.rows) && least(&stock.rows))
                && same_numbers(&ours.rows, &stock.rows)
        },
    ),
    ("of several names that mean nothing SQLite tells the one that it has met last", |step, ours, stock| {
        let unknown =
            |answer: &Answer| answer.error.as_ref().is_some_and(|(text, _)| text.starts_with("no such table: "));
        step.sql.starts_with("WITH ") && unknown(ours) && unknown(stock)
    }),
    (
        "SQLite remembers the columns of a temporary view whose table is gone until its schema is read again",
        |step, ours, stock| {
            let gone = ours.error.as_ref().is_some_and(|(text, _)| text.starts_with("no such table: "));
            let asks_for_columns = ["INSERT INTO temp.v", "table_info(v", "table_xinfo(v", "table_xinfo('v"];
            let modifies = ["UPDATE temp.v", "UPDATE OR ", "DELETE FROM temp.v", "INSERT INTO temp.v"];
            let is_a_view = |(text, _): &(String, i32)| text.ends_with("because it is a view");
            let meets_another = stock.error.as_ref().is_some_and(|(text, _)| text.starts_with("no such table: "));
            match &stock.error {
                Some(_) if meets_another => gone && step.sql.contains("temp.v"),
                None => gone && asks_for_columns.iter().any(|part| step.sql.contains(part)),
                Some(error) => gone && is_a_view(error) && modifies.iter().any(|part| step.sql.starts_with(part)),
            }
        },
    ),
    (
        "SQLite's ALTER RENAME fails at an INTEGER key of a WITHOUT ROWID table that a UNIQUE begins with, too",
        |step, ours, stock| {
            let renames = |column: &str| {
                [" RENAME ", " COLUMN "].iter().any(|word| step.sql.contains(&format!("{word}{column} TO ")))
            };
            let lost = stock.error.as_ref().and_then(|(text, _)| text.split_once(" after rename: no such column: "));
            step.sql.starts_with("ALTER TABLE")
                && ours.error.is_none()
                && lost.is_some_and(|(_, column)| renames(column))
        },
    ),
    (
        "SQLite takes a column with NOT NULL for not NULL where a BEFORE trigger's NEW is computed, before it has been checked",
        |_, ours, stock| {
            // In SQLite the trigger fires and fails in another table.
            let table = |answer: &Answer| {
                let (text, _) = answer.error.as_ref()?;
                let (table, _) = text.strip_prefix("NOT NULL constraint failed: ")?.rsplit_once('.')?;
                Some(table.to_owned())
            };
            matches!((table(ours), table(stock)), (Some(ours), Some(stock)) if ours != stock)
        },
    ),
    // `x AND false` is false to SQLite's parser, whatever x is, but not while it reads a schema for ALTER.
    ("SQLite's ALTER refuses a CHECK constraint that its CREATE has taken", |step, ours, stock| {
        let text = "subqueries prohibited in CHECK constraints";
        let refused = stock.error.as_ref().is_some_and(|(error, _)| error.ends_with(text));
        step.sql.starts_with("ALTER TABLE") && ours.error.is_none() && refused
    }),
];

/// Neither is an error, and the rows are the same as bags when what is behind the decimal point does not count.
pub fn same_whole_numbers(ours: &Answer, stock: &Answer) -> bool {
    ours.error.is_none() && stock.error.is_none() && same_rows(&ours.rows, &stock.rows, f64::trunc)
}

/// The same rows as bags, when a number may be of either type.
fn same_numbers(ours: &[Vec<Value>], stock: &[Vec<Value>]) -> bool {
    same_rows(ours, stock, |r| r)
}

/// The same rows as bags, when a number may be of either type and stands for what `read` makes of it.
fn same_rows(ours: &[Vec<Value>], stock: &[Vec<Value>], read: fn(f64) -> f64) -> bool {
    let lines = |rows: &[Vec<Value>]| {
        let number = |v: &Value| match v {
            Value::Integer(i) => literal(&Value::Real(*i as f64)),
            // -0.0 is stored as 0.
            Value::Real(r) => literal(&Value::Real(read(*r) + 0.0)),
            other => literal(other),
        };
        let mut lines: Vec<String> =
            rows.iter().map(|row| row.iter().map(number).collect::<Vec<_>>().join("|")).collect();
        lines.sort();
        lines
    };
    lines(ours) == lines(stock)
}

/// The reason why the answers to a step may differ, if there is one.
pub fn reason(step: &Step, ours: &Answer, stock: &Answer) -> Option<&'static str> {
    RULES.iter().find(|(_, applies)| applies(step, ours, stock)).map(|(reason, _)| *reason)
}

/// Scripts name no such rowid: it comes out of the random numbers of each.
pub fn is_random(rowid: i64) -> bool {
    const NAMED: i64 = 1 << 40;
    (NAMED..i64::MAX).contains(&rowid)
}

/// The reason why the lines of both databases may differ at the end of a script, if there is one.
pub fn reason_for_content(steps: &[Step], ours: &[String], stock: &[String]) -> Option<&'static str> {
    let same = |mask: &dyn Fn(&str) -> String| {
        let masked = |lines: &[String]| {
            let mut lines: Vec<String> =
                lines.iter().map(|line| line.split('|').map(mask).collect::<Vec<_>>().join("|")).collect();
            lines.sort();
            lines
        };
        masked(ours) == masked(stock)
    };
    // The first field of a line has the table before it.
    let random = |field: &str| {
        let (head, value) = field.rsplit_once(' ').unwrap_or(("", field));
        match value.parse() {
            Ok(rowid) if is_random(rowid) => format!("{head} random"),
            _ => field.to_owned(),
        }
    };
    if same(&random) {
        return Some("behind the greatest rowid of all an automatic one is random");
    }
    let keeps_one = |step: &Step| {
        step.class != Class::Select && [" UNION ", " INTERSECT ", " EXCEPT "].iter().any(|word| step.sql.contains(word))
    };
    let number = |field: &str| field.strip_suffix(".0").unwrap_or(field).to_owned();
    (steps.iter().any(keeps_one) && same(&number))
        .then_some("which of equal numbers a compound keeps, and a table then has")
}

//! EXPLAIN as a table and EXPLAIN QUERY PLAN as a tree.

use turso_core::Value;

use super::text_of;

/// Trees deeper than this are cut.
const MAX_DEPTH: usize = 100;

fn text(value: &Value) -> String {
    String::from_utf8_lossy(&text_of(value).unwrap_or_default()).into_owned()
}

/// The tree of EXPLAIN QUERY PLAN: rows are id, parent, notused, detail.
pub fn query_plan(rows: &[Vec<Value>], out: &mut Vec<u8>) {
    let nodes: Vec<(i64, i64, String)> = rows
        .iter()
        .map(|row| {
            let number = |i: usize| match row.get(i) {
                Some(Value::Integer(n)) => *n,
                _ => 0,
            };
            (number(0), number(1), row.get(3).map(text).unwrap_or_default())
        })
        .collect();
    out.extend_from_slice(b"QUERY PLAN\n");
    branch(&nodes, 0, "", 0, out);
}

fn branch(nodes: &[(i64, i64, String)], parent: i64, prefix: &str, depth: usize, out: &mut Vec<u8>) {
    if depth > MAX_DEPTH {
        return;
    }
    let children: Vec<&(i64, i64, String)> = nodes.iter().filter(|n| n.1 == parent).collect();
    for (i, (id, _, detail)) in children.iter().enumerate() {
        let last = i + 1 == children.len();
        let (tick, indent) = if last { ("`--", "   ") } else { ("|--", "|  ") };
        out.extend_from_slice(format!("{prefix}{tick}{detail}\n").as_bytes());
        branch(nodes, *id, &format!("{prefix}{indent}"), depth + 1, out);
    }
}

/// A table with the column widths that SQLite gives EXPLAIN; loops are not indented.
pub fn listing(names: &[String], rows: &[Vec<Value>], out: &mut Vec<u8>) {
    const WIDTHS: [usize; 8] = [4, 13, 4, 4, 4, 13, 2, 13];
    let width = |column: usize| WIDTHS.get(column).copied().unwrap_or(10);
    let head: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(i, name)| format!("{:<width$}", name.chars().take(width(i)).collect::<String>(), width = width(i)))
        .collect();
    let dashes: Vec<String> = (0..names.len()).map(|i| "-".repeat(width(i))).collect();
    out.extend_from_slice(format!("{}\n{}\n", head.join("  "), dashes.join("  ")).as_bytes());
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(i, value)| match i + 1 == row.len() {
                true => text(value),
                false => format!("{:<width$}", text(value), width = width(i)),
            })
            .collect();
        out.extend_from_slice(format!("{}\n", cells.join("  ")).as_bytes());
    }
}

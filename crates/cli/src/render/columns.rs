//! Modes with aligned columns, and the tree of EXPLAIN QUERY PLAN.

use turso_core::Value;
use unicode_width::UnicodeWidthStr;

use super::{Mode, text_of};
use crate::shell::Settings;

/// Print all rows.
pub fn table(mode: Mode, settings: &Settings, names: &[String], rows: &[Vec<Value>], out: &mut Vec<u8>) {
    match mode {
        Mode::QueryPlan => query_plan(rows, out),
        Mode::Explain => explain(names, rows, out),
        _ => grid(mode, settings, names, rows, out),
    }
}

/// The borders of a grid: left, between, right of a ruler line, its dash, and the bar between cells.
struct Ruler {
    left: &'static str,
    between: &'static str,
    right: &'static str,
    dash: &'static str,
}

fn grid(mode: Mode, settings: &Settings, names: &[String], rows: &[Vec<Value>], out: &mut Vec<u8>) {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|v| text_of(v).unwrap_or_else(|| settings.null_value.clone())).collect())
        .collect();
    // Columns alone print no header where headers are off; the other grids always have one.
    let headers = mode != Mode::Column || settings.headers;
    let mut widths: Vec<usize> = names.iter().map(|n| if headers { n.width() } else { 0 }).collect();
    for (i, width) in widths.iter_mut().enumerate() {
        let fixed = settings.widths.get(i).copied().unwrap_or(0);
        let needed = cells
            .iter()
            .filter_map(|row| row.get(i))
            .flat_map(|cell| cell.split('\n'))
            .map(UnicodeWidthStr::width)
            .max()
            .unwrap_or(0);
        *width = if fixed == 0 { needed.max(*width) } else { fixed.unsigned_abs() as usize };
    }
    let (bar, ends) = match mode {
        Mode::Box => ("│", true),
        Mode::Column => ("", false),
        _ => ("|", true),
    };
    let ruler = |which: usize| match mode {
        Mode::Box => [
            Ruler { left: "┌", between: "┬", right: "┐", dash: "─" },
            Ruler { left: "├", between: "┼", right: "┤", dash: "─" },
            Ruler { left: "└", between: "┴", right: "┘", dash: "─" },
        ]
        .into_iter()
        .nth(which),
        Mode::Table => Some(Ruler { left: "+", between: "+", right: "+", dash: "-" }),
        Mode::Markdown if which == 1 => Some(Ruler { left: "|", between: "|", right: "|", dash: "-" }),
        _ => None,
    };
    let draw = |which: usize, out: &mut Vec<u8>| {
        if let Some(r) = ruler(which) {
            let parts: Vec<String> = widths.iter().map(|w| r.dash.repeat(w + 2)).collect();
            out.extend_from_slice(format!("{}{}{}\n", r.left, parts.join(r.between), r.right).as_bytes());
        }
    };
    let print = |texts: &[String], centered: bool, out: &mut Vec<u8>| {
        let lines = texts.iter().map(|t| t.split('\n').count()).max().unwrap_or(1);
        for k in 0..lines {
            let parts: Vec<String> = widths
                .iter()
                .enumerate()
                .map(|(i, &width)| {
                    let text = texts.get(i).and_then(|t| t.split('\n').nth(k)).unwrap_or("");
                    let right = settings.widths.get(i).is_some_and(|w| *w < 0);
                    pad(
                        text,
                        width,
                        if centered && ends {
                            Align::Center
                        } else if right {
                            Align::Right
                        } else {
                            Align::Left
                        },
                    )
                })
                .collect();
            let line = if ends {
                format!("{bar} {} {bar}\n", parts.join(&format!(" {bar} ")))
            } else {
                format!("{}\n", parts.join("  "))
            };
            out.extend_from_slice(line.as_bytes());
        }
    };
    draw(0, out);
    if headers {
        print(names, true, out);
        if mode == Mode::Column {
            let dashes: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
            out.extend_from_slice(format!("{}\n", dashes.join("  ")).as_bytes());
        } else {
            draw(1, out);
        }
    }
    for row in &cells {
        print(row, false, out);
    }
    if mode != Mode::Markdown {
        draw(2, out);
    }
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
    Center,
}

fn pad(text: &str, width: usize, align: Align) -> String {
    let missing = width.saturating_sub(text.width());
    match align {
        Align::Left => format!("{text}{}", " ".repeat(missing)),
        Align::Right => format!("{}{text}", " ".repeat(missing)),
        Align::Center => format!("{}{text}{}", " ".repeat(missing / 2), " ".repeat(missing - missing / 2)),
    }
}

/// The tree of EXPLAIN QUERY PLAN: rows are id, parent, notused, detail.
fn query_plan(rows: &[Vec<Value>], out: &mut Vec<u8>) {
    let nodes: Vec<(i64, i64, String)> = rows
        .iter()
        .map(|row| {
            let number = |i: usize| match row.get(i) {
                Some(Value::Integer(n)) => *n,
                _ => 0,
            };
            (number(0), number(1), row.get(3).and_then(text_of).unwrap_or_default())
        })
        .collect();
    out.extend_from_slice(b"QUERY PLAN\n");
    branch(&nodes, 0, "", 0, out);
}

fn branch(nodes: &[(i64, i64, String)], parent: i64, prefix: &str, depth: usize, out: &mut Vec<u8>) {
    if depth > 100 {
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

/// The table of EXPLAIN, with SQLite's column widths; loops are not indented.
fn explain(names: &[String], rows: &[Vec<Value>], out: &mut Vec<u8>) {
    const WIDTHS: [usize; 8] = [4, 13, 4, 4, 4, 13, 2, 13];
    let mut print = |texts: Vec<String>| {
        let parts: Vec<String> =
            texts.iter().enumerate().map(|(i, t)| pad(t, WIDTHS.get(i).copied().unwrap_or(10), Align::Left)).collect();
        out.extend_from_slice(format!("{}\n", parts.join("  ")).as_bytes());
    };
    print(names.to_vec());
    print(WIDTHS.iter().map(|w| "-".repeat(*w)).collect());
    for row in rows {
        print(row.iter().map(|v| text_of(v).unwrap_or_default()).collect());
    }
}

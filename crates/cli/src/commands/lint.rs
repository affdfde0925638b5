//! `.lint fkey-indexes`: foreign keys whose child columns no index covers.

use super::{Outcome, quote};
use crate::shell::{Flow, Shell};

const USAGE: &str = "Usage lint sub-command ?switches...?\nWhere sub-commands are:\n    fkey-indexes";

/// `.lint`
pub fn run(shell: &mut Shell, arguments: &[&str]) -> Outcome {
    let known = arguments.first().is_some_and(|name| !name.is_empty() && "fkey-indexes".starts_with(*name));
    if !known {
        shell.warn(USAGE);
        return Ok(Flow::Continue);
    }
    let (mut verbose, mut grouped) = (false, false);
    for word in &arguments[1..] {
        let option = word.trim_start_matches('-').to_ascii_lowercase();
        if !option.is_empty() && "verbose".starts_with(&option) {
            verbose = true;
        } else if !option.is_empty() && "groupbyparent".starts_with(&option) {
            grouped = true;
        } else {
            shell.warn("Usage: lint fkey-indexes ?-verbose? ?-groupbyparent?");
            return Ok(Flow::Continue);
        }
    }
    let mut keys = foreign_keys(shell)?;
    if grouped {
        keys.sort_by(|a, b| a.parent.cmp(&b.parent));
    }
    let mut parent = None;
    for key in keys {
        let covered = is_covered(shell, &key)?;
        if covered && !verbose {
            continue;
        }
        let indent = if grouped { "    " } else { "" };
        if grouped && parent.as_ref() != Some(&key.parent) {
            shell.line(format!("-- Parent table {}", key.parent));
            parent = Some(key.parent.clone());
        }
        let target = format!("{}({})", key.parent, key.parent_columns.join(","));
        if covered {
            shell.line(format!(
                "{indent}/* no extra indexes required for {}({}) -> {target} */",
                key.child,
                key.columns.join(", ")
            ));
        } else {
            let columns: Vec<String> = key.columns.iter().map(|c| quote(c)).collect();
            shell.line(format!(
                "{indent}CREATE INDEX {} ON {}({}); --> {target}",
                quote(&format!("{}_{}", key.child, key.columns.join("_"))),
                quote(&key.child),
                columns.join(", ")
            ));
        }
    }
    Ok(Flow::Continue)
}

struct ForeignKey {
    child: String,
    columns: Vec<String>,
    parent: String,
    parent_columns: Vec<String>,
}

fn foreign_keys(shell: &mut Shell) -> Result<Vec<ForeignKey>, String> {
    let tables =
        shell.column("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").map_err(super::text)?;
    let mut keys = Vec::new();
    for child in tables {
        let rows = shell.texts(&format!("PRAGMA foreign_key_list({})", quote(&child))).map_err(super::text)?;
        let text = |row: &Vec<Option<String>>, i: usize| row.get(i).cloned().flatten();
        let mut ids: Vec<String> = rows.iter().filter_map(|row| text(row, 0)).collect();
        ids.dedup();
        for id in ids {
            let parts: Vec<&Vec<Option<String>>> =
                rows.iter().filter(|row| text(row, 0).as_ref() == Some(&id)).collect();
            let parent = parts.first().and_then(|row| text(row, 2)).unwrap_or_default();
            let columns = parts.iter().filter_map(|row| text(row, 3)).collect();
            let named: Vec<String> = parts.iter().filter_map(|row| text(row, 4)).collect();
            let parent_columns = if named.is_empty() { primary_key(shell, &parent)? } else { named };
            keys.push(ForeignKey { child: child.clone(), columns, parent, parent_columns });
        }
    }
    Ok(keys)
}

fn primary_key(shell: &mut Shell, table: &str) -> Result<Vec<String>, String> {
    let rows = shell.texts(&format!("PRAGMA table_info({})", quote(table))).map_err(super::text)?;
    let mut columns: Vec<(i64, String)> = rows
        .into_iter()
        .filter_map(|row| {
            let place = row.get(5).cloned().flatten()?.parse().ok().filter(|p| *p > 0)?;
            Some((place, row.get(1).cloned().flatten()?))
        })
        .collect();
    columns.sort();
    Ok(columns.into_iter().map(|(_, name)| name).collect())
}

/// Does a search of the child by the key's columns use an index for all of them?
fn is_covered(shell: &mut Shell, key: &ForeignKey) -> Result<bool, String> {
    let terms: Vec<String> = key.columns.iter().map(|c| format!("{}=?", super::double_quote(c))).collect();
    let sql =
        format!("EXPLAIN QUERY PLAN SELECT 1 FROM {} WHERE {}", super::double_quote(&key.child), terms.join(" AND "));
    let rows = shell.texts(&sql).map_err(super::text)?;
    let plan = rows.first().and_then(|row| row.get(3).cloned().flatten()).unwrap_or_default();
    let searched = plan.matches("=?").count();
    Ok(plan.starts_with("SEARCH") && searched == key.columns.len())
}

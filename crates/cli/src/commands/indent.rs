//! CREATE TABLE with a line for each column (`.schema --indent`).

/// Shorter statements stay on one line.
const SHORT: usize = 79;

/// The statement with a line per column where it is long; views and triggers are left as they are.
pub fn indented(sql: &str) -> String {
    let lower = sql.get(..13.min(sql.len())).unwrap_or("").to_ascii_lowercase();
    if lower.starts_with("create view") || lower.starts_with("create trigge") {
        return sql.to_owned();
    }
    let compact = compact(sql);
    if compact.len() >= SHORT { broken(&compact) } else { compact }
}

/// The text in pieces: quoted parts, comments, and single characters.
fn pieces(sql: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(c) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let length = match c {
            '\'' | '"' | '`' => rest[1..].find(c).map_or(rest.len(), |i| i + 2),
            '[' => rest.find(']').map_or(rest.len(), |i| i + 1),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        pieces.push(&rest[..length]);
        at += length;
    }
    pieces
}

/// Of a run of blanks the first stays, and none is left before or inside of a parenthesis.
fn compact(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    // The line end that closes a comment has to stay, whatever stands before and behind it.
    let (mut commented, mut closing) = (false, false);
    for piece in pieces(sql) {
        if piece.len() == 1 && piece.as_bytes()[0].is_ascii_whitespace() {
            if commented || !out.ends_with(|c: char| c.is_ascii_whitespace() || c == '(') {
                out.push_str(piece);
                closing = commented;
            }
            commented = false;
            continue;
        }
        if matches!(piece, "(" | ")") && out.ends_with(|c: char| c.is_ascii_whitespace()) && !closing {
            out.pop();
        }
        out.push_str(piece);
        commented = piece.starts_with("--");
        closing = false;
    }
    out
}

fn broken(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 100);
    let mut depth = 0;
    let mut fresh = false;
    let mut commented = false;
    for piece in pieces(sql) {
        if fresh && piece.trim_ascii().is_empty() {
            continue;
        }
        if commented {
            // The comment that follows a comma stays on its line.
            commented = false;
            if piece == "\n" {
                out.push_str("\n  ");
                fresh = true;
                continue;
            }
        }
        if fresh && piece.starts_with("--") {
            // Back to the line that it comments.
            out.truncate(out.trim_end().len());
            out.push(' ');
            out.push_str(piece);
            commented = true;
            fresh = false;
            continue;
        }
        fresh = false;
        match piece {
            "(" => {
                depth += 1;
                out.push('(');
                if depth == 1 {
                    out.push_str("\n  ");
                    fresh = true;
                }
            }
            ")" => {
                depth -= 1;
                if depth == 0 {
                    out.push('\n');
                }
                out.push(')');
            }
            "," if depth == 1 => {
                out.push_str(",\n  ");
                fresh = true;
            }
            other => out.push_str(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::indented;

    #[test]
    fn long_tables_have_a_line_per_column() {
        assert_eq!(indented("CREATE TABLE a(b , c)"), "CREATE TABLE a(b , c)");
        assert_eq!(indented("CREATE TABLE a(b, c -- ) \n  )"), "CREATE TABLE a(b, c -- ) \n)");
        assert_eq!(
            indented(
                "CREATE TABLE t(id INTEGER PRIMARY KEY,   name TEXT DEFAULT ( 'a,b' ), g AS (id*2), h GENERATED ALWAYS AS (id+1))"
            ),
            "CREATE TABLE t(\n  id INTEGER PRIMARY KEY,\n  name TEXT DEFAULT('a,b'),\n  g AS(id*2),\n  h GENERATED ALWAYS AS(id+1)\n)"
        );
    }
}

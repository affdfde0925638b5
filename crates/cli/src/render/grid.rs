//! Modes with aligned columns: `column`, `table`, `box`, `markdown`.

use turso_core::Value;
use unicode_width::UnicodeWidthChar;

use super::text::{blob_literal, quoted};
use super::{Layout, Mode, text_of};

/// One line of a cell and how many columns of the terminal it fills.
#[derive(Default)]
struct Line {
    text: Vec<u8>,
    width: usize,
}

/// The borders of a ruler line.
struct Ruler {
    left: &'static str,
    between: &'static str,
    right: &'static str,
    dash: &'static str,
}

/// Print all rows.
pub fn grid(mode: Mode, layout: &Layout, names: &[String], rows: &[Vec<Value>], out: &mut Vec<u8>) {
    let limit = |column: usize| match layout.widths.get(column) {
        Some(&width) if width != 0 => width.unsigned_abs() as usize,
        _ if layout.grid.wrap != 0 => layout.grid.wrap.unsigned_abs() as usize,
        _ => usize::MAX,
    };
    let head: Vec<Line> = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            break_lines(name.as_bytes(), limit(i), layout.grid.word_wrap).into_iter().next().unwrap_or_default()
        })
        .collect();
    let cells: Vec<Vec<Vec<Line>>> = rows
        .iter()
        .map(|row| {
            let cell = |(i, value)| break_lines(&shown(layout, value), limit(i), layout.grid.word_wrap);
            row.iter().enumerate().map(cell).collect()
        })
        .collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|i| {
            let fixed = layout.widths.get(i).map_or(0, |w| w.unsigned_abs() as usize);
            let longest = cells.iter().flat_map(|row| &row[i]).map(|line| line.width).max().unwrap_or(0);
            longest.max(head[i].width).max(fixed)
        })
        .collect();
    let several = cells.iter().flatten().any(|cell| cell.len() > 1);
    let print = Printer { mode, layout, widths: &widths };
    if mode != Mode::Column || layout.headers {
        print.ruler(0, out);
        print.line(&head.iter().map(Some).collect::<Vec<_>>(), true, out);
        print.ruler(1, out);
    }
    for (i, row) in cells.iter().enumerate() {
        if i > 0 && several {
            match mode {
                Mode::Column => out.push(b'\n'),
                Mode::Markdown => {}
                _ => print.ruler(1, out),
            }
        }
        for k in 0..row.iter().map(Vec::len).max().unwrap_or(1) {
            print.line(&row.iter().map(|cell| cell.get(k)).collect::<Vec<_>>(), false, out);
        }
    }
    print.ruler(2, out);
}

struct Printer<'a> {
    mode: Mode,
    layout: &'a Layout,
    widths: &'a [usize],
}

impl Printer<'_> {
    /// The ruler above (0) and below (1) the names, or after the last row (2).
    fn ruler(&self, place: usize, out: &mut Vec<u8>) {
        let ruler = match (self.mode, place) {
            (Mode::Box, 0) => Ruler { left: "┌─", between: "─┬─", right: "─┐", dash: "─" },
            (Mode::Box, 1) => Ruler { left: "├─", between: "─┼─", right: "─┤", dash: "─" },
            (Mode::Box, _) => Ruler { left: "└─", between: "─┴─", right: "─┘", dash: "─" },
            (Mode::Table, _) => Ruler { left: "+-", between: "-+-", right: "-+", dash: "-" },
            (Mode::Markdown, 1) => Ruler { left: "|-", between: "-|-", right: "-|", dash: "-" },
            (Mode::Column, 1) => Ruler { left: "", between: "  ", right: "", dash: "-" },
            _ => return,
        };
        let dashes: Vec<String> = self.widths.iter().map(|w| ruler.dash.repeat(*w)).collect();
        out.extend_from_slice(format!("{}{}{}\n", ruler.left, dashes.join(ruler.between), ruler.right).as_bytes());
    }

    fn line(&self, cells: &[Option<&Line>], is_head: bool, out: &mut Vec<u8>) {
        let (left, between, right) = match self.mode {
            Mode::Box => ("│ ", " │ ", " │"),
            Mode::Column => ("", "  ", ""),
            _ => ("| ", " | ", " |"),
        };
        out.extend_from_slice(left.as_bytes());
        for (i, (cell, &width)) in cells.iter().zip(self.widths).enumerate() {
            if i > 0 {
                out.extend_from_slice(between.as_bytes());
            }
            let (text, filled) = cell.map_or((&[][..], 0), |line| (&line.text[..], line.width));
            let missing = width.saturating_sub(filled);
            let before = if is_head && self.mode != Mode::Column {
                missing / 2
            } else if self.layout.widths.get(i).is_some_and(|w| *w < 0) {
                missing
            } else {
                0
            };
            out.resize(out.len() + before, b' ');
            out.extend_from_slice(text);
            out.resize(out.len() + missing - before, b' ');
        }
        out.extend_from_slice(right.as_bytes());
        out.push(b'\n');
    }
}

fn shown(layout: &Layout, value: &Value) -> Vec<u8> {
    match value {
        Value::Null if layout.grid.quote => b"NULL".to_vec(),
        Value::Text(_) if layout.grid.quote => quoted(&text_of(value).unwrap_or_default()),
        Value::Blob(bytes) if layout.grid.quote => blob_literal(b'x', bytes),
        _ => text_of(value).unwrap_or_else(|| layout.null_value.clone().into_bytes()),
    }
}

/// The lines of a cell: a control character ends one, a tab goes to the next multiple of eight, and none is wider than `limit`.
fn break_lines(text: &[u8], limit: usize, word_wrap: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let (line, used) = first_line(rest, limit, word_wrap);
        lines.push(line);
        rest = &rest[used..];
        if rest.is_empty() {
            return lines;
        }
    }
}

/// The first line and how many bytes it uses up.
fn first_line(text: &[u8], limit: usize, word_wrap: bool) -> (Line, usize) {
    let mut line = Line::default();
    // Where each character begins, so that the line can be cut again.
    let mut starts = Vec::new();
    let mut at = 0;
    while line.width < limit
        && let Some(&byte) = text.get(at)
    {
        if byte < b' ' && byte != b'\t' {
            break;
        }
        if byte == b'\t' {
            starts.push((at, line.text.len(), line.width));
            let width = (8 - line.width % 8).min(limit - line.width);
            line.text.resize(line.text.len() + width, b' ');
            line.width += width;
            at += 1;
            continue;
        }
        let (length, width) = character(&text[at..]);
        if line.width + width > limit && at > 0 {
            break;
        }
        starts.push((at, line.text.len(), line.width));
        line.text.extend_from_slice(&text[at..at + length]);
        line.width += width;
        at += length;
    }
    if word_wrap && line.width >= limit {
        let end = word_end(text, at);
        if let Some(&(cut, length, width)) = starts.iter().find(|(start, _, _)| *start == end) {
            line.text.truncate(length);
            line.width = width;
            at = cut;
        }
    }
    // The character that has ended the line goes with it.
    let mut used = match &text[at..] {
        [b'\r', b'\n', ..] => at + 2,
        [0..b' ', ..] => at + 1,
        _ => at,
    };
    if word_wrap && used == at {
        used += text[at..].iter().take_while(|b| **b == b' ').count();
    }
    (line, used)
}

/// Where the last word before `end` is over, unless that is in the first half.
fn word_end(text: &[u8], end: usize) -> usize {
    let places = || (end / 2 + 1..=end).rev();
    let is_word = |i: usize| text.get(i).is_some_and(u8::is_ascii_alphanumeric);
    let starts = |i: usize| text.get(i).is_none_or(|b| b & 0xc0 != 0x80);
    let after_space = places().find(|&i| text[i - 1].is_ascii_whitespace());
    let between = || places().find(|&i| is_word(i - 1) != is_word(i) && starts(i));
    after_space.or_else(between).unwrap_or(end)
}

/// Bytes of the first character and the columns that it fills.
fn character(text: &[u8]) -> (usize, usize) {
    match text.first() {
        Some(byte) if *byte >= 0x80 => {
            let length = (1..=4).find(|&n| text.get(n).is_none_or(|b| b & 0xc0 != 0x80)).unwrap_or(4).min(text.len());
            let decoded = std::str::from_utf8(&text[..length]).ok().and_then(|t| t.chars().next());
            (length, decoded.map_or(1, |c| c.width().unwrap_or(1)))
        }
        _ => (1, 1),
    }
}

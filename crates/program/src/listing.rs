//! One row of `EXPLAIN`: `addr opcode p1 p2 p3 p4 p5 comment`.

/// The operands of one instruction spread over SQLite's columns: up to three numbers and a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListingRow {
    /// The instruction's name.
    pub opcode: &'static str,
    /// Numbers, in field order: `p1`, `p2`, `p3`; further ones join `p4`.
    pub numbers: Vec<i64>,
    /// The text column `p4`.
    pub detail: String,
}

impl ListingRow {
    pub(crate) fn new(opcode: &'static str) -> Self {
        Self { opcode, ..Self::default() }
    }
    /// Append a number.
    pub fn number(&mut self, n: i64) {
        if self.numbers.len() < 3 {
            self.numbers.push(n);
        } else {
            self.detail(n.to_string());
        }
    }
    /// Append to the text column.
    pub fn detail(&mut self, text: String) {
        if !self.detail.is_empty() {
            self.detail.push(' ');
        }
        self.detail.push_str(&text);
    }
    /// `p1`, `p2` or `p3` by position 0..3.
    pub fn p(&self, i: usize) -> i64 {
        self.numbers.get(i).copied().unwrap_or(0)
    }
}

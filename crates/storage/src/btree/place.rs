//! Placing cells: which run of cells goes to which page. Pure: sizes in, boundaries out.
//!
//! Pages are filled from the left up to an even share; then, from the right, each page takes cells from its left
//! neighbour while that keeps the left one the fuller, so that the last pages come out even.

/// Where each page's cells end: page `p` holds cells `start(p)..ends[p]`.
///
/// With `dividers` the cell `ends[p]` stands between pages `p` and `p + 1`, and `start(p + 1)` is `ends[p] + 1`; without,
/// nothing stands between them. `sizes` are bytes on a page, pointer included; none exceeds `capacity`. Every page gets
/// a cell, unless there are too few in all. With `pages` about that many pages are filled evenly, more if need be.
pub(crate) fn place_cells(sizes: &[u32], capacity: usize, dividers: bool, pages: usize) -> Vec<usize> {
    let between = usize::from(dividers);
    let size = |i: usize| sizes[i] as usize;
    let capacity = match pages {
        0 | 1 => capacity,
        _ => {
            let total: usize = sizes.iter().map(|&size| size as usize).sum();
            let largest = sizes.iter().copied().max().unwrap_or(0) as usize;
            // Half a cell more than the share: the pages come out even, and rounding does not make one more of them.
            (total.div_ceil(pages) + largest / 2).min(capacity)
        }
    };
    let mut ends = Vec::with_capacity(5);
    let mut fill = Vec::with_capacity(5);
    let mut i = 0;
    loop {
        let start = i;
        let mut used = 0;
        while i < sizes.len() && (used + size(i) <= capacity || i == start) {
            used += size(i);
            i += 1;
        }
        ends.push(i);
        fill.push(used);
        if i >= sizes.len() {
            break;
        }
        i += between;
    }
    for p in (1..ends.len()).rev() {
        let left_start = if p >= 2 { ends[p - 2] + between } else { 0 };
        loop {
            let end = ends[p - 1];
            if end - left_start <= 1 {
                break;
            }
            // The cell that leaves the left page, and the one that enters the right page: with dividers one apart.
            let (leaves, enters) = (size(end - 1), size(if dividers { end } else { end - 1 }));
            let must = fill[p] == 0;
            if !must && fill[p] + enters > fill[p - 1] - leaves {
                break;
            }
            fill[p - 1] -= leaves;
            fill[p] += enters;
            ends[p - 1] = end - 1;
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sizes: &[u32], capacity: usize, dividers: bool, expected: &str) {
        let ends = place_cells(sizes, capacity, dividers, 0);
        let mut start = 0;
        let mut text = String::new();
        for end in ends {
            let cells: Vec<String> = sizes[start..end].iter().map(u32::to_string).collect();
            text += &format!("[{}]", cells.join(" "));
            if dividers && end < sizes.len() {
                text += &format!(" {} ", sizes[end]);
            }
            start = end + usize::from(dividers);
        }
        assert_eq!(text, expected);
    }

    #[test]
    fn cells_that_fit_one_page_stay_together() {
        check(&[3, 3, 3], 10, false, "[3 3 3]");
        check(&[3, 3, 3], 10, true, "[3 3 3]");
        check(&[], 10, true, "[]");
    }

    #[test]
    fn the_last_pages_come_out_even() {
        check(&[1; 11], 10, false, "[1 1 1 1 1 1][1 1 1 1 1]");
        check(&[1; 12], 10, true, "[1 1 1 1 1 1] 1 [1 1 1 1 1]");
    }

    #[test]
    fn more_pages_than_needed_come_out_even() {
        let ends = place_cells(&[1; 30], 10, false, 4);
        assert_eq!(ends, [8, 16, 23, 30]);
    }

    #[test]
    fn no_page_stays_empty() {
        check(&[5, 5, 5], 10, true, "[5] 5 [5]");
        check(&[5, 5, 9], 10, false, "[5 5][9]");
    }
}

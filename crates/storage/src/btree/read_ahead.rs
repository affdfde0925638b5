//! Reading ahead of a scan: the parent page tells which leaves come next.

use super::cursor::BTreeCursor;
use crate::page::PageNo;
use crate::pager::Pager;

/// Pages asked for at first, once a scan has gone from one leaf to the next.
const FIRST: u16 = 8;
/// Pages asked for at once by a scan that goes on.
const MOST: u16 = 64;

/// How far a scan has asked.
#[derive(Default)]
pub(crate) struct ReadAhead {
    /// The page whose children are asked for; none while the cursor has not moved.
    parent: PageNo,
    /// The first child that is not asked for yet.
    next: u16,
    /// Pages to ask for the next time.
    window: u16,
}

impl BTreeCursor {
    /// The scan goes forward to child `child` of level `up`: ask for the leaves that follow, in batches, the next one when
    /// half of the last is used.
    pub(crate) fn read_ahead(&mut self, pager: &mut Pager, up: usize, child: u16) {
        if !pager.reads_ahead() {
            return;
        }
        let level = &self.path[up];
        let Ok(node) = level.node(self.geometry.usable) else { return };
        let ahead = &mut self.ahead;
        if ahead.parent != level.no || ahead.next < child {
            ahead.parent = level.no;
            ahead.next = child;
            ahead.window = ahead.window.max(FIRST);
        } else if ahead.next - child > ahead.window / 2 {
            return;
        }
        // The last child is the one behind all cells.
        let end = ahead.next.saturating_add(ahead.window).min(level.count.saturating_add(1));
        let wanted = ahead.next..end;
        ahead.next = end;
        ahead.window = (ahead.window * 2).min(MOST);
        pager.prefetch(wanted.filter_map(|child| node.child(usize::from(child)).ok()));
    }
}

//! Reading ahead of a scan: the parent page tells which leaves come next, and when all of them have been asked for, the page above
//! tells which parent is next.
//!
//! ```text
//!   grandparent   [ .. P0  P1 .. ]        P1 is asked for once P0 has no more children to ask for,
//!                      |   |              and its first children once it is here
//!   parents       [a b c d] [e f g h]
//!   leaves         ^ cursor
//! ```
//! A disk with queues gives many times more to somebody who asks for several things at once, so some MiB are under way.

use super::cursor::BTreeCursor;
use super::layout::Node;
use crate::page::PageNo;
use crate::pager::Pager;

/// Pages asked for at first, once a scan has gone from one leaf to the next.
const FIRST: u16 = 8;
/// Pages asked for at once by a scan that goes on.
const MOST: u16 = 512;

/// How far a scan has asked.
#[derive(Default)]
pub(crate) struct ReadAhead {
    /// The page whose children are asked for; none while the cursor has not moved.
    parent: PageNo,
    /// The first child that is not asked for yet.
    next: u16,
    /// Pages to ask for the next time.
    window: u16,
    /// The parent that comes next, once it has been asked for, and how many of its children have been.
    following: Option<(PageNo, u16)>,
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
        let children = level.count.saturating_add(1);
        // (The parent may have lost children since.)
        if ahead.parent != level.no || ahead.next < child || ahead.next > children {
            let asked = ahead.following.take().filter(|(no, _)| *no == level.no).map_or(0, |(_, asked)| asked);
            ahead.parent = level.no;
            ahead.next = child.max(asked).min(children);
            ahead.window = ahead.window.max(FIRST);
        }
        if ahead.next.saturating_sub(child) > ahead.window / 2 {
            return;
        }
        // The last child is the one behind all cells.
        let end = ahead.next.saturating_add(ahead.window).min(children);
        let wanted = ahead.next..end;
        let left = ahead.window.saturating_sub(end - ahead.next);
        ahead.next = end;
        ahead.window = (ahead.window * 2).min(pager.most_ahead(MOST));
        pager.prefetch(wanted.filter_map(|child| node.child(usize::from(child)).ok()));
        if left > 0 && up > 0 {
            self.read_ahead_of_parent(pager, up - 1, left);
        }
    }

    /// All children of the parent in hand have been asked for: the parent behind it on level `up` is next, then `left` of its children.
    fn read_ahead_of_parent(&mut self, pager: &mut Pager, up: usize, left: u16) {
        let level = &self.path[up];
        if level.cell >= level.count {
            return;
        }
        let next = level.node(self.geometry.usable).and_then(|node| node.child(usize::from(level.cell) + 1));
        let Ok(next) = next else { return };
        match self.ahead.following {
            Some((no, 0)) if no == next => {
                let Some(page) = pager.arrived_page(next) else { return };
                let Ok(node) = Node::new(&page, next, self.geometry.usable) else { return };
                if node.kind.is_leaf() {
                    return;
                }
                let asked = left.min(u16::try_from(node.count).unwrap_or(u16::MAX));
                self.ahead.following = Some((next, asked));
                pager.prefetch((0..asked).filter_map(|child| node.child(usize::from(child)).ok()));
            }
            Some((no, _)) if no == next => {}
            _ => {
                self.ahead.following = Some((next, 0));
                pager.prefetch(std::iter::once(next));
            }
        }
    }
}

//! A page's planned content: its image while all cells fit, else a list of cells that asks for rebalancing.

use super::edit::{PageEdit, can_remove, fill, fits};
use super::layout::{Geometry, Node, NodeKind, be32, header_at, put32};
use crate::page::PageNo;
use turso_error::{Error, Result};

/// A list of cells. Cells of a page come along in one copy of the page's content, in whatever order they lie there.
#[derive(Default)]
pub(crate) struct Cells {
    bytes: Vec<u8>,
    /// Where each cell starts, and its length.
    spans: Vec<(u32, u32)>,
    /// Bytes of all cells.
    total: usize,
}

impl Cells {
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    #[inline]
    pub fn get(&self, i: usize) -> &[u8] {
        let (start, len) = self.spans[i];
        &self.bytes[start as usize..(start + len) as usize]
    }

    /// Appends a cell given in two parts. Leaf cells of two or three bytes are padded to four.
    pub fn push(&mut self, head: &[u8], tail: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(tail);
        while self.bytes.len() < start + 4 {
            self.bytes.push(0);
        }
        let len = self.bytes.len() - start;
        self.spans.push((start as u32, len as u32));
        self.total += len;
    }

    /// Appends the cells of a page.
    pub fn push_node(&mut self, node: &Node<'_>, geometry: &Geometry) -> Result<()> {
        let base = self.push_content(node);
        self.push_range(node, base, 0..node.count, geometry)
    }

    /// Appends the cells of a page, with cells `range` replaced by others.
    pub fn push_spliced(
        &mut self,
        node: &Node<'_>,
        range: std::ops::Range<usize>,
        new: impl Iterator<Item: AsRef<[u8]>>,
        geometry: &Geometry,
    ) -> Result<()> {
        let base = self.push_content(node);
        self.push_range(node, base, 0..range.start, geometry)?;
        for cell in new {
            self.push(cell.as_ref(), &[]);
        }
        self.push_range(node, base, range.end..node.count, geometry)
    }

    /// Copies everything behind the cell pointers; the place that page offset 0 would have.
    fn push_content(&mut self, node: &Node<'_>) -> usize {
        let base = self.bytes.len();
        let from = node.pointers_end().min(node.usable);
        // Three siblings and a parent's dividers: one allocation for the usual case.
        if base == 0 {
            self.bytes.reserve(3 * node.usable + 512);
            self.spans.reserve(4 * node.count);
        }
        self.bytes.extend_from_slice(&node.bytes[from..node.usable]);
        base.wrapping_sub(from)
    }

    fn push_range(
        &mut self,
        node: &Node<'_>,
        base: usize,
        range: std::ops::Range<usize>,
        geometry: &Geometry,
    ) -> Result<()> {
        for i in range {
            let len = node.cell_size(i, geometry)?;
            self.spans.push((base.wrapping_add(node.cell_at(i)) as u32, len as u32));
            self.total += len;
        }
        Ok(())
    }

    pub fn append(&mut self, other: &Cells) {
        let base = self.bytes.len() as u32;
        if base == 0 {
            self.bytes.reserve(3 * other.bytes.len());
            self.spans.reserve(3 * other.spans.len());
        }
        self.bytes.extend_from_slice(&other.bytes);
        self.spans.extend(other.spans.iter().map(|&(start, len)| (base + start, len)));
        self.total += other.total;
    }

    pub fn iter_range(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = &[u8]> {
        range.map(|i| self.get(i))
    }

    /// Bytes of all cells and their pointers.
    pub fn used(&self) -> usize {
        self.total + 2 * self.len()
    }

    /// Bytes of cell `i` and its pointer.
    pub fn size(&self, i: usize) -> u32 {
        self.spans[i].1 + 2
    }
}

/// See the file's documentation.
pub(crate) enum Content {
    Image(Vec<u8>),
    /// Cells in any number; for an interior page, the right-most child.
    Cells(Cells, PageNo),
}

/// See the file's documentation.
pub(crate) struct Draft {
    pub no: PageNo,
    pub kind: NodeKind,
    pub content: Content,
}

impl Draft {
    /// A copy of a page.
    pub fn of_page(page: &[u8], no: PageNo, kind: NodeKind) -> Self {
        Draft { no, kind, content: Content::Image(page.to_vec()) }
    }

    /// A page's cells, with cells `range` replaced by one new cell.
    pub fn with_cell(node: &Node<'_>, range: std::ops::Range<usize>, cell: &[u8], geometry: &Geometry) -> Result<Self> {
        let mut cells = Cells::default();
        cells.push_spliced(node, range, std::iter::once(cell), geometry)?;
        let right = if node.kind.is_leaf() { PageNo(0) } else { node.right_child() };
        Ok(Draft { no: node.no, kind: node.kind, content: Content::Cells(cells, right) })
    }

    /// Bytes for cells and pointers on this page.
    pub fn capacity(&self, geometry: &Geometry) -> usize {
        geometry.usable - header_at(self.no) - self.kind.header_size()
    }

    fn node<'a>(&self, image: &'a [u8], geometry: &Geometry) -> Result<Node<'a>> {
        Node::new(image, self.no, geometry.usable)
    }

    /// Bytes that remain free; negative when the cells do not fit.
    pub fn free(&self, geometry: &Geometry) -> Result<isize> {
        match &self.content {
            Content::Image(image) => Ok(self.node(image, geometry)?.free_bytes()? as isize),
            Content::Cells(cells, _) => Ok(self.capacity(geometry) as isize - cells.used() as isize),
        }
    }

    pub fn count(&self, geometry: &Geometry) -> Result<usize> {
        match &self.content {
            Content::Image(image) => Ok(self.node(image, geometry)?.count),
            Content::Cells(cells, _) => Ok(cells.len()),
        }
    }

    /// Cell `i`, as on the page.
    pub fn cell(&self, i: usize, geometry: &Geometry) -> Result<&[u8]> {
        match &self.content {
            Content::Image(image) => {
                let node = self.node(image, geometry)?;
                let size = node.cell(i, geometry)?.size as usize;
                let at = node.cell_at(i);
                image.get(at..at + size).ok_or_else(|| Error::corrupt(self.no.0, "cell outside the page"))
            }
            Content::Cells(cells, _) if i < cells.len() => Ok(cells.get(i)),
            Content::Cells(..) => Err(Error::corrupt(self.no.0, "no such cell")),
        }
    }

    /// Child `i` of an interior page.
    pub fn child(&self, i: usize, geometry: &Geometry) -> Result<PageNo> {
        match &self.content {
            Content::Image(image) => self.node(image, geometry)?.child(i),
            Content::Cells(cells, _) if i < cells.len() => Ok(PageNo(be32(cells.get(i), 0))),
            Content::Cells(_, right) => Ok(*right),
        }
    }

    /// Sets child `i` of an interior page.
    pub fn set_child(&mut self, i: usize, child: PageNo, geometry: &Geometry) {
        let no = self.no;
        match &mut self.content {
            Content::Image(image) => PageEdit::new(image, no, geometry.usable).set_child(i, child),
            Content::Cells(cells, _) if i < cells.len() => {
                let start = cells.spans[i].0 as usize;
                put32(&mut cells.bytes, start, child.0);
            }
            Content::Cells(_, right) => *right = child,
        }
    }

    /// Appends all cells to `out`; the right-most child.
    pub fn collect(&self, out: &mut Cells, geometry: &Geometry) -> Result<PageNo> {
        match &self.content {
            Content::Image(image) => {
                let node = self.node(image, geometry)?;
                out.push_node(&node, geometry)?;
                Ok(if self.kind.is_leaf() { PageNo(0) } else { node.right_child() })
            }
            Content::Cells(cells, right) => {
                out.append(cells);
                Ok(*right)
            }
        }
    }

    /// Replaces cells `range` by others. Stays an image where they fit.
    pub fn replace(&mut self, range: std::ops::Range<usize>, new: &Cells, geometry: &Geometry) -> Result<()> {
        let no = self.no;
        if let Content::Image(image) = &mut self.content {
            for i in range.clone().rev() {
                let node = Node::new(image, no, geometry.usable)?;
                let (at, size) = (node.cell_at(i), node.cell(i, geometry)?.size as usize);
                can_remove(&node, at, size)?;
                PageEdit::new(image, no, geometry.usable).remove(i, size);
            }
            let mut scratch = Vec::new();
            for i in 0..new.len() {
                let node = Node::new(image, no, geometry.usable)?;
                if !fits(&node, new.get(i).len(), 0, geometry)? {
                    // Go on as a list of cells; those inserted so far are part of the image.
                    let at = range.start + i;
                    let mut cells = Cells::default();
                    cells.push_spliced(&node, at..at, new.iter_range(i..new.len()), geometry)?;
                    let right = if node.kind.is_leaf() { PageNo(0) } else { node.right_child() };
                    self.content = Content::Cells(cells, right);
                    return Ok(());
                }
                PageEdit::new(image, no, geometry.usable).insert(range.start + i, new.get(i), geometry, &mut scratch);
            }
            return Ok(());
        }
        if let Content::Cells(old, _) = &mut self.content {
            if range.end > old.len() {
                return Err(Error::corrupt(no.0, "no such cell"));
            }
            let mut cells = Cells::default();
            for cell in old.iter_range(0..range.start) {
                cells.push(cell, &[]);
            }
            cells.append(new);
            for cell in old.iter_range(range.end..old.len()) {
                cells.push(cell, &[]);
            }
            *old = cells;
        }
        Ok(())
    }

    /// The bytes of the page; the cells fit.
    pub fn into_image(self, page_size: usize, geometry: &Geometry) -> Vec<u8> {
        match self.content {
            Content::Image(image) => image,
            Content::Cells(cells, right) => {
                page_image(self.no, self.kind, &cells, 0..cells.len(), right, page_size, geometry)
            }
        }
    }
}

/// A page with these cells.
pub(crate) fn page_image(
    no: PageNo,
    kind: NodeKind,
    cells: &Cells,
    range: std::ops::Range<usize>,
    right: PageNo,
    page_size: usize,
    geometry: &Geometry,
) -> Vec<u8> {
    let mut image = vec![0; page_size];
    fill(&mut image, no, kind, geometry.usable, cells.iter_range(range));
    if !kind.is_leaf() {
        put32(&mut image, header_at(no) + 8, right.0);
    }
    image
}

//! Paths into JSON: `$`, `.label`, `."label"`, `[N]`, `[#]`, `[#-N]`; finding elements and editing blobs by them.
//!
//! A path is read step by step as far as the JSON goes: what follows a step that leads nowhere is not looked at, so an
//! error in it is not noticed. That is SQLite's behaviour.

use super::blob::{Element, child, kind, wrap, write_element, write_header, write_in_place_of};
use super::render::same_label;
use turso_error::Result;

/// Why a path led nowhere.
#[derive(Debug)]
pub(super) enum PathError {
    /// Not a path.
    Bad,
    /// The path of an array insertion does not end in an array element.
    NotAnElement,
    /// The JSON is malformed, or something else failed.
    Failed(turso_error::Error),
}

impl From<turso_error::Error> for PathError {
    fn from(error: turso_error::Error) -> Self {
        PathError::Failed(error)
    }
}

/// One step of a path.
enum Step<'p> {
    Label {
        label: &'p [u8],
        is_raw: bool,
    },
    /// From the start.
    Index(u64),
    /// From the end: 0 is one past the last.
    FromEnd(u64),
}

/// The first step, and what follows it. A step that cannot apply to this kind of element is `None`.
fn next_step(path: &[u8], on: u8) -> Result<Option<(Step<'_>, &[u8])>, PathError> {
    match path {
        [b'.', b'"', rest @ ..] => {
            let mut len = 0;
            loop {
                match rest.get(len) {
                    None => return Err(PathError::Bad),
                    Some(b'"') => break,
                    Some(b'\\') if len + 1 < rest.len() => len += 2,
                    Some(_) => len += 1,
                }
            }
            let label = &rest[..len];
            let step = Step::Label { label, is_raw: !label.contains(&b'\\') };
            Ok((on == kind::OBJECT).then_some((step, &rest[len + 1..])))
        }
        [b'.', rest @ ..] => {
            let len = rest.iter().position(|b| matches!(b, b'.' | b'[')).unwrap_or(rest.len());
            if len == 0 {
                return Err(PathError::Bad);
            }
            let step = Step::Label { label: &rest[..len], is_raw: true };
            Ok((on == kind::OBJECT).then_some((step, &rest[len..])))
        }
        [b'[', ..] if on != kind::ARRAY => Ok(None),
        [b'[', rest @ ..] => {
            let (from_end, digits) = match rest {
                [b'#', b'-', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => (true, digits),
                [b'#', b']', rest @ ..] => return Ok(Some((Step::FromEnd(0), rest))),
                [b'#', ..] => return Err(PathError::Bad),
                digits => (false, digits),
            };
            let len = digits.iter().take_while(|d| d.is_ascii_digit()).count();
            if len == 0 || digits.get(len) != Some(&b']') {
                return Err(PathError::Bad);
            }
            let n = digits[..len].iter().fold(0u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0')));
            Ok(Some((if from_end { Step::FromEnd(n) } else { Step::Index(n) }, &digits[len + 1..])))
        }
        _ => Err(PathError::Bad),
    }
}

/// The path after its `$`.
fn after_root(path: &[u8]) -> Result<&[u8], PathError> {
    path.strip_prefix(b"$").ok_or(PathError::Bad)
}

/// The number of elements of an array.
pub(super) fn count(blob: &[u8], array: &Element) -> Result<u64> {
    let (mut at, mut count) = (array.body, 0);
    while at < array.end {
        at = child(blob, array, at)?.end;
        count += 1;
    }
    Ok(count)
}

/// An element that was found, with the label or the array that leads to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub element: Element,
    /// The label of an object's member.
    pub label: Option<Element>,
}

/// Follows a path from an element.
pub(super) fn find(blob: &[u8], root: Element, path: &[u8]) -> Result<Option<Found>, PathError> {
    let mut found = Found { element: root, label: None };
    let mut path = after_root(path)?;
    while !path.is_empty() {
        let Some((step, rest)) = next_step(path, found.element.kind)? else {
            return Ok(None);
        };
        path = rest;
        let container = found.element;
        match step {
            Step::Label { label, is_raw } => match member(blob, &container, label, is_raw)? {
                Some((label, element)) => found = Found { element, label: Some(label) },
                None => return Ok(None),
            },
            Step::Index(_) | Step::FromEnd(_) => {
                let wanted = match step {
                    Step::FromEnd(n) => match count(blob, &container)?.checked_sub(n) {
                        Some(index) => index,
                        None => return Ok(None),
                    },
                    Step::Index(n) => n,
                    Step::Label { .. } => 0,
                };
                match item(blob, &container, wanted)? {
                    (Some(element), _) => found = Found { element, label: None },
                    (None, _) => return Ok(None),
                }
            }
        }
    }
    Ok(Some(found))
}

/// The member of an object with this label: its label and its value.
fn member(blob: &[u8], object: &Element, label: &[u8], is_raw: bool) -> Result<Option<(Element, Element)>> {
    let mut at = object.body;
    while at < object.end {
        let key = child(blob, object, at)?;
        if !key.is_text() {
            return Err(super::blob::malformed());
        }
        let value = child(blob, object, key.end)?;
        if same_label(key.kind, key.payload(blob), label, is_raw) {
            return Ok(Some((key, value)));
        }
        at = value.end;
    }
    Ok(None)
}

/// The element of an array with this index; or the number of elements that there are.
fn item(blob: &[u8], array: &Element, wanted: u64) -> Result<(Option<Element>, u64)> {
    let (mut at, mut index) = (array.body, 0);
    while at < array.end {
        let element = child(blob, array, at)?;
        if index == wanted {
            return Ok((Some(element), index));
        }
        index += 1;
        at = element.end;
    }
    Ok((None, index))
}

/// What to do at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit<'v> {
    Remove,
    /// Only where there is something.
    Replace(&'v [u8]),
    /// Only where there is nothing.
    Insert(&'v [u8]),
    Set(&'v [u8]),
    /// Before the element that is there.
    ArrayInsert(&'v [u8]),
}

impl<'v> Edit<'v> {
    /// The value to create where there is nothing.
    fn created(self) -> Option<&'v [u8]> {
        match self {
            Edit::Insert(value) | Edit::Set(value) | Edit::ArrayInsert(value) => Some(value),
            Edit::Remove | Edit::Replace(_) => None,
        }
    }
}

/// The outcome of an edit for one element.
enum Edited {
    Unchanged,
    Removed,
    /// The element's new bytes.
    New(Vec<u8>),
}

/// The blob with an edit applied; `None` when nothing changes. Removing the root gives an empty blob.
pub(super) fn edit(blob: &[u8], root: &Element, path: &[u8], edit: Edit<'_>) -> Result<Option<Vec<u8>>, PathError> {
    let path = after_root(path)?;
    if path.is_empty() && matches!(edit, Edit::ArrayInsert(_)) {
        return Ok(None);
    }
    Ok(match edit_at(blob, root, path, edit, 0)? {
        Edited::Unchanged => None,
        Edited::Removed => Some(Vec::new()),
        Edited::New(bytes) => Some(bytes),
    })
}

fn edit_at(blob: &[u8], e: &Element, path: &[u8], edit: Edit<'_>, depth: usize) -> Result<Edited, PathError> {
    if depth > super::blob::MAX_DEPTH {
        return Err(PathError::Failed(super::blob::malformed()));
    }
    if path.is_empty() {
        return edit_here(e, edit);
    }
    let Some((step, rest)) = next_step(path, e.kind)? else {
        return Ok(Edited::Unchanged);
    };
    match step {
        Step::Label { label, is_raw } => match member(blob, e, label, is_raw)? {
            Some((key, value)) => Ok(match edit_at(blob, &value, rest, edit, depth + 1)? {
                Edited::Unchanged => Edited::Unchanged,
                Edited::Removed => Edited::New(splice(blob, e, key.start, value.end, &[])),
                Edited::New(bytes) => Edited::New(splice(blob, e, value.start, value.end, &bytes)),
            }),
            None => {
                if matches!(edit, Edit::ArrayInsert(_)) && !rest.ends_with(b"]") {
                    return Err(PathError::NotAnElement);
                }
                let Some(created) = create(rest, edit)? else { return Ok(Edited::Unchanged) };
                let mut bytes = Vec::new();
                write_label(label, is_raw, &mut bytes);
                bytes.extend_from_slice(&created);
                Ok(Edited::New(splice(blob, e, e.end, e.end, &bytes)))
            }
        },
        Step::Index(_) | Step::FromEnd(_) => {
            let wanted = match step {
                Step::Index(n) => n,
                Step::FromEnd(n) => match count(blob, e)?.checked_sub(n) {
                    Some(index) => index,
                    None => return Ok(Edited::Unchanged),
                },
                Step::Label { .. } => 0,
            };
            match item(blob, e, wanted)? {
                (Some(element), _) => {
                    if let (Edit::ArrayInsert(value), []) = (edit, rest) {
                        return Ok(Edited::New(splice(blob, e, element.start, element.start, value)));
                    }
                    Ok(match edit_at(blob, &element, rest, edit, depth + 1)? {
                        Edited::Unchanged => Edited::Unchanged,
                        Edited::Removed => Edited::New(splice(blob, e, element.start, element.end, &[])),
                        Edited::New(bytes) => Edited::New(splice(blob, e, element.start, element.end, &bytes)),
                    })
                }
                // One past the last element is where arrays grow.
                (None, len) if len == wanted => match create(rest, edit)? {
                    Some(created) => Ok(Edited::New(splice(blob, e, e.end, e.end, &created))),
                    None => Ok(Edited::Unchanged),
                },
                (None, _) => Ok(Edited::Unchanged),
            }
        }
    }
}

/// The edit of the element that the path leads to. Apart, so that the frames of `edit_at` stay small.
#[inline(never)]
fn edit_here(e: &Element, edit: Edit<'_>) -> Result<Edited, PathError> {
    Ok(match edit {
        Edit::Remove => Edited::Removed,
        Edit::Replace(value) | Edit::Set(value) => {
            let mut bytes = Vec::with_capacity(value.len() + 8);
            write_in_place_of(value, e.end - e.start, &mut bytes);
            Edited::New(bytes)
        }
        Edit::Insert(_) => Edited::Unchanged,
        Edit::ArrayInsert(_) => return Err(PathError::NotAnElement),
    })
}

/// The value to create, inside of the new containers that the rest of the path asks for; `None` when the edit creates
/// nothing or the path asks for what cannot be made.
fn create(path: &[u8], edit: Edit<'_>) -> Result<Option<Vec<u8>>, PathError> {
    let Some(value) = edit.created() else { return Ok(None) };
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let on = if rest[0] == b'[' { kind::ARRAY } else { kind::OBJECT };
        let Some((step, after)) = next_step(rest, on)? else { return Ok(None) };
        match step {
            Step::Label { .. } if matches!(edit, Edit::ArrayInsert(_)) && !after.ends_with(b"]") => {
                return Err(PathError::NotAnElement);
            }
            // A new array is empty: only its first element can come into being.
            Step::Index(1..) | Step::FromEnd(1..) => return Ok(None),
            _ => {}
        }
        steps.push(step);
        rest = after;
        if steps.len() > super::blob::MAX_DEPTH {
            return Err(PathError::Failed(super::blob::malformed()));
        }
    }
    let mut bytes = value.to_vec();
    for step in steps.iter().rev() {
        let mut outer = Vec::with_capacity(bytes.len() + 16);
        let on = match step {
            Step::Label { label, is_raw } => {
                write_label(label, *is_raw, &mut outer);
                kind::OBJECT
            }
            Step::Index(_) | Step::FromEnd(_) => kind::ARRAY,
        };
        outer.append(&mut bytes);
        wrap(on, 0, &mut outer);
        bytes = outer;
    }
    Ok(Some(bytes))
}

/// Appends the label of a path as an element.
fn write_label(label: &[u8], is_raw: bool, out: &mut Vec<u8>) {
    write_element(if is_raw { kind::TEXTRAW } else { kind::TEXT5 }, label, out);
}

/// A container with the bytes from `from` to `to` replaced. The header keeps its form when the size stays.
fn splice(blob: &[u8], container: &Element, from: usize, to: usize, with: &[u8]) -> Vec<u8> {
    let part = |from: usize, to: usize| blob.get(from..to).unwrap_or(&[]);
    let size = (container.end - container.body) - (to - from) + with.len();
    let mut out = Vec::with_capacity(size + 9);
    if size == container.end - container.body {
        out.extend_from_slice(part(container.start, container.body));
    } else {
        write_header(container.kind, size, &mut out);
    }
    out.extend_from_slice(part(container.body, from));
    out.extend_from_slice(with);
    out.extend_from_slice(part(to, container.end));
    out
}

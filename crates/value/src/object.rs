//! What travels with a value that is NULL to SQL: something of the application, or of a module, that only those who know
//! its type can take out again (`sqlite3_bind_pointer`, the shapes that an R-Tree is asked for).

use std::any::Any;
use std::sync::Arc;

/// A shared object of any type.
#[derive(Clone)]
pub struct Object(Arc<dyn Any + Send + Sync>);

impl Object {
    /// Wraps a thing.
    pub fn new<T: Any + Send + Sync>(thing: T) -> Self {
        Self(Arc::new(thing))
    }

    /// The thing, if it is of this type.
    pub fn downcast_ref<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Object")
    }
}

/// The objects that the registers of a running statement refer to: a register holds NULL, and its subtype is a mark that
/// says which of these goes with it. Marks lie outside of what applications can use as subtypes.
#[derive(Debug, Default)]
pub struct Objects {
    slots: Vec<Option<Object>>,
    /// From how many on it is worth looking which are still referred to.
    crowd: usize,
}

/// Set in the subtype of a register that has an object.
const MARK: u32 = 1 << 31;
const SMALLEST_CROWD: usize = 64;

impl Objects {
    /// True for a subtype that is a mark.
    #[inline]
    pub fn is_mark(subtype: u32) -> bool {
        subtype & MARK != 0
    }

    /// The object with this mark.
    pub fn get(&self, mark: u32) -> Option<&Object> {
        if !Self::is_mark(mark) {
            return None;
        }
        self.slots.get((mark & !MARK) as usize)?.as_ref()
    }

    /// Keeps an object; its mark.
    pub fn keep(&mut self, object: Object) -> u32 {
        let known = self.slots.iter().position(|slot| slot.as_ref() == Some(&object));
        let slot = known.or_else(|| self.slots.iter().position(Option::is_none)).unwrap_or(self.slots.len());
        match self.slots.get_mut(slot) {
            Some(place) => *place = Some(object),
            None => self.slots.push(Some(object)),
        }
        MARK | slot as u32
    }

    /// There are so many that some are probably not referred to any more.
    pub fn is_crowded(&self) -> bool {
        self.slots.len() >= self.crowd.max(SMALLEST_CROWD) && self.slots.iter().all(Option::is_some)
    }

    /// Lets go of all but those with the marks among these subtypes.
    pub fn retain<'a>(&mut self, subtypes: impl Iterator<Item = &'a u32>) {
        let mut wanted = vec![false; self.slots.len()];
        for subtype in subtypes.filter(|subtype| Self::is_mark(**subtype)) {
            if let Some(flag) = wanted.get_mut((subtype & !MARK) as usize) {
                *flag = true;
            }
        }
        for (slot, wanted) in self.slots.iter_mut().zip(&wanted) {
            if !wanted {
                *slot = None;
            }
        }
        self.crowd = wanted.iter().filter(|wanted| **wanted).count() * 2;
    }

    /// Lets go of all.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.crowd = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_by_their_marks_and_go_when_nobody_refers_to_them() {
        let mut objects = Objects::default();
        let marks: Vec<u32> = (0..64).map(|i| objects.keep(Object::new(i))).collect();
        assert_eq!(objects.get(marks[7]).and_then(|o| o.downcast_ref::<i32>()), Some(&7));
        assert_eq!(objects.get(marks[7]).and_then(|o| o.downcast_ref::<u8>()), None);
        assert_eq!(objects.get(b'J'.into()), None);
        assert!(objects.is_crowded());
        objects.retain([0, marks[7], 74].iter());
        assert_eq!(objects.get(marks[8]), None);
        assert!(objects.get(marks[7]).is_some());
        let object = Object::new("x");
        assert_eq!(objects.keep(object.clone()), objects.keep(object), "one object has one mark");
    }
}

//! `carray`: an array of C as a table, and `sqlite3_carray_bind`, which binds one to a parameter.
//!
//! `carray(P)` takes what `sqlite3_carray_bind` has bound; `carray(P, N)` and `carray(P, N, TYPE)` take a pointer bound under
//! the name `carray`.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Arc;

use turso_core::{Error, Result};
use turso_value::{Object, Value};
use turso_vtab::{
    Answer, Argument, Arguments, Connected, ConstraintOp, Cursor, Module, ModuleKind, Output, Question, Session,
    VirtualTable,
};

use crate::boundary::{bytes_at, entry};
use crate::codes::{Destructor, ERROR, INTERNAL, MISUSE, destroy, is_transient};
use crate::handle::{Handle, Stmt};
use crate::value::Pointer;

/// What the elements are; the numbers are those of `SQLITE_CARRAY_...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Int32,
    Int64,
    Double,
    Text,
    Blob,
}

const NAMES: [(&str, Element); 5] = [
    ("int32", Element::Int32),
    ("int64", Element::Int64),
    ("double", Element::Double),
    ("char*", Element::Text),
    ("struct iovec", Element::Blob),
];

/// `struct iovec`
#[repr(C)]
#[derive(Clone, Copy)]
struct Bytes {
    base: *const c_void,
    length: usize,
}

/// An array of C.
#[derive(Debug, Clone, Copy)]
struct Array {
    data: *const c_void,
    count: usize,
    element: Element,
}

// SAFETY: the interface's contract: the array stays as it is while it is bound.
unsafe impl Send for Array {}
// SAFETY: as above.
unsafe impl Sync for Array {}

impl Array {
    fn value(&self, index: usize) -> Value {
        if self.data.is_null() || index >= self.count {
            return Value::Null;
        }
        // SAFETY: the caller has promised so many elements of this type.
        unsafe {
            match self.element {
                Element::Int32 => Value::Integer(i64::from(self.data.cast::<i32>().add(index).read_unaligned())),
                Element::Int64 => Value::Integer(self.data.cast::<i64>().add(index).read_unaligned()),
                Element::Double => Value::real(self.data.cast::<f64>().add(index).read_unaligned()),
                Element::Text => match self.data.cast::<*const c_char>().add(index).read_unaligned() {
                    text if text.is_null() => Value::Null,
                    text => Value::text(CStr::from_ptr(text).to_bytes()),
                },
                Element::Blob => {
                    let bytes = self.data.cast::<Bytes>().add(index).read_unaligned();
                    if bytes.base.is_null() { Value::Null } else { Value::blob(bytes_at(bytes.base, bytes.length)) }
                }
            }
        }
    }
}

/// What `sqlite3_carray_bind` binds.
enum Bound {
    /// The caller's array, and who takes it back.
    Borrowed { array: Array, destructor: Destructor, argument: *mut c_void },
    /// A copy.
    Copied(Vec<Value>),
}

// SAFETY: as for `Array`.
unsafe impl Send for Bound {}
// SAFETY: as above.
unsafe impl Sync for Bound {}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Bound::Borrowed { destructor, argument, .. } = self {
            destroy(*destructor, *argument);
        }
    }
}

fn bind(
    stmt: &Handle<Stmt>,
    number: c_int,
    data: *mut c_void,
    count: c_int,
    flags: c_int,
    (destructor, argument): (Destructor, *mut c_void),
) -> c_int {
    let element = usize::try_from(flags).ok().and_then(|flags| NAMES.get(flags));
    let (Some(stmt), Some(&(_, element))) = (stmt.get(), element) else {
        destroy(destructor.filter(|_| !is_transient(destructor)), argument);
        return if element.is_none() { ERROR } else { MISUSE };
    };
    let array = Array { data, count: usize::try_from(count).unwrap_or(0), element };
    let bound = match is_transient(destructor) {
        true => Bound::Copied((0..array.count).map(|i| array.value(i)).collect()),
        false => Bound::Borrowed { array, destructor, argument },
    };
    stmt.bind_with(number, |inner, number| inner.bind_object(number, Object::new(bound)))
}

entry! {
    /// Binds an array, for `carray(?)`.
    fn sqlite3_carray_bind(
        stmt: Handle<Stmt>, number: i32, array: *mut c_void, count: i32, flags: i32, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        bind(&stmt, number, array, count, flags, (destructor, array))
    }

    /// Binds an array, for `carray(?)`; the destructor gets the last argument.
    fn sqlite3_carray_bind_v2(
        stmt: Handle<Stmt>, number: i32, array: *mut c_void, count: i32, flags: i32, destructor: Destructor,
        argument: *mut c_void,
    ) -> c_int | INTERNAL; {
        bind(&stmt, number, array, count, flags, (destructor, argument))
    }
}

/// The module.
pub struct CArray;

impl Module for CArray {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Eponymous
    }

    fn connect(&self, _: &mut dyn Session, _: &Arguments<'_>) -> Result<Connected> {
        let declaration = "CREATE TABLE x(value,pointer hidden,count hidden,ctype hidden)";
        Ok(Connected::new(Arc::new(CArray), declaration))
    }
}

impl VirtualTable for CArray {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        // Of the pointer, the count and the type, as many as are given without a gap.
        let mut places = [None; 3];
        for (i, constraint) in question.constraints.iter().enumerate() {
            let column = constraint.column.map_or(0, usize::from);
            if constraint.op == ConstraintOp::Equal
                && let Some(place) = column.checked_sub(1).and_then(|at| places.get_mut(at))
            {
                if !constraint.usable {
                    return Ok(None);
                }
                *place = Some(i);
            }
        }
        let given = places.iter().take_while(|place| place.is_some()).count();
        for (at, i) in places.iter().take(given).enumerate() {
            if let Some(usage) = i.and_then(|i| answer.usage.get_mut(i)) {
                usage.argument = at + 1;
                usage.omit = true;
            }
        }
        answer.number = given as i32;
        (answer.cost, answer.rows) = if given > 0 { (1.0, 100) } else { (2_147_483_647.0, 2_147_483_647) };
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(Scan::default()))
    }
}

/// Where the elements of a scan are.
#[derive(Default)]
enum Source {
    #[default]
    Nowhere,
    /// An array that `_object` keeps alive.
    Array { array: Array, _object: Object },
    /// What `sqlite3_carray_bind` has copied.
    Copied(Object),
}

/// A scan.
#[derive(Default)]
struct Scan {
    source: Source,
    count: usize,
    at: usize,
}

impl Scan {
    fn open(&mut self, arguments: &[Argument]) -> Result<()> {
        let Some(Argument::Object(object)) = arguments.first() else { return Ok(()) };
        let kept = object.clone();
        let (array, count) = match object.downcast_ref::<Bound>() {
            Some(Bound::Copied(values)) if arguments.len() == 1 => {
                self.count = values.len();
                self.source = Source::Copied(kept);
                return Ok(());
            }
            Some(Bound::Borrowed { array, .. }) if arguments.len() == 1 => (*array, array.count),
            _ => {
                let (Some(pointer), Some(count)) = (object.downcast_ref::<Pointer>(), arguments.get(1)) else {
                    return Ok(());
                };
                if pointer.kind.as_c_str() != c"carray" {
                    return Ok(());
                }
                let element = match arguments.get(2).map(Argument::value) {
                    None => Element::Int32,
                    Some(name) => element_named(name)?,
                };
                let count = usize::try_from(count.value().to_integer()).unwrap_or(0);
                (Array { data: pointer.data, count, element }, count)
            }
        };
        self.count = count;
        self.source = Source::Array { array, _object: kept };
        Ok(())
    }
}

fn element_named(name: &Value) -> Result<Element> {
    let text = name.bytes().unwrap_or_default();
    let found = NAMES.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(text));
    found.map(|(_, element)| *element).ok_or_else(|| {
        let text = String::from_utf8_lossy(text).replace('\'', "''");
        Error::sql(if name.is_null() { "unknown datatype: NULL".into() } else { format!("unknown datatype: '{text}'") })
    })
}

impl Cursor for Scan {
    fn filter(&mut self, _: &mut dyn Session, _: i32, _: Option<&str>, arguments: &[Argument]) -> Result<()> {
        *self = Self::default();
        self.open(arguments)
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.at += 1;
        Ok(())
    }

    fn at_end(&self) -> bool {
        self.at >= self.count
    }

    fn column(&mut self, _: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        *output.value = match (index, &self.source) {
            (0, Source::Array { array, .. }) => array.value(self.at),
            (0, Source::Copied(object)) => match object.downcast_ref() {
                Some(Bound::Copied(values)) => values.get(self.at).cloned().unwrap_or_default(),
                _ => Value::Null,
            },
            (2, _) => Value::Integer(self.count as i64),
            (3, Source::Array { array, .. }) => {
                Value::text(NAMES.iter().find(|(_, e)| *e == array.element).map_or("", |(name, _)| *name))
            }
            _ => Value::Null,
        };
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.at as i64 + 1)
    }
}

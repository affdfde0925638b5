//! Callbacks of R-Trees: shapes of the application.

use std::ffi::{c_int, c_uint, c_void};
use std::ptr::null_mut;
use std::sync::Arc;

use turso_core::shape::{Element, Search, Shape, Verdict, Within};
use turso_core::{Error, Result, ResultCode};
use turso_value::Value;
use turso_vtab::Session;

use crate::boundary::{Text, entry};
use crate::codes::{Destructor, INTERNAL, MISUSE, OK, destroy};
use crate::handle::{Db, Handle};
use crate::value::CValue;
use crate::vtab::lent;

/// `sqlite3_rtree_geometry`: what all calls of one search share.
#[repr(C)]
#[allow(non_camel_case_types)]
pub struct sqlite3_rtree_geometry {
    context: *mut c_void,
    count: c_int,
    parameters: *mut f64,
    user: *mut c_void,
    delete_user: Destructor,
}

/// `sqlite3_rtree_query_info`: the same, and one element of the tree.
#[repr(C)]
#[allow(non_camel_case_types)]
pub struct sqlite3_rtree_query_info {
    geometry: sqlite3_rtree_geometry,
    coordinates: *mut f64,
    queue: *mut c_uint,
    coordinate_count: c_int,
    level: c_int,
    root_level: c_int,
    rowid: i64,
    parent_score: f64,
    parent_within: c_int,
    within: c_int,
    score: f64,
    values: *mut *mut CValue,
}

type Geometry = Option<unsafe extern "C" fn(*mut sqlite3_rtree_geometry, c_int, *mut f64, *mut c_int) -> c_int>;
type Query = Option<unsafe extern "C" fn(*mut sqlite3_rtree_query_info) -> c_int>;

/// The callback of a shape.
#[derive(Clone, Copy)]
enum Callback {
    Geometry(Geometry),
    Query(Query),
}

/// A shape that C has registered.
struct CShape {
    callback: Callback,
    context: *mut c_void,
    destructor: Destructor,
}

// SAFETY: the connection's mutex lets one thread in at a time; without it the application keeps the others out.
unsafe impl Send for CShape {}
// SAFETY: as above.
unsafe impl Sync for CShape {}

impl Drop for CShape {
    fn drop(&mut self) {
        destroy(self.destructor, self.context);
    }
}

impl Shape for CShape {
    fn search(&self, parameters: &[Value], coordinates: usize) -> Box<dyn Search> {
        let mut numbers: Vec<f64> = parameters.iter().map(Value::to_real).collect();
        let values: Vec<CValue> = parameters.iter().map(|value| CValue::new(value.clone())).collect();
        let mut pointers: Vec<*mut CValue> =
            values.iter().map(|value| std::ptr::from_ref::<CValue>(value).cast_mut()).collect();
        let info = sqlite3_rtree_query_info {
            geometry: sqlite3_rtree_geometry {
                context: self.context,
                count: numbers.len() as c_int,
                parameters: numbers.as_mut_ptr(),
                user: null_mut(),
                delete_user: None,
            },
            coordinates: null_mut(),
            queue: null_mut(),
            coordinate_count: coordinates as c_int,
            level: 0,
            root_level: 0,
            rowid: 0,
            parent_score: 0.0,
            parent_within: 0,
            within: 0,
            score: 0.0,
            values: pointers.as_mut_ptr(),
        };
        Box::new(CSearch { callback: self.callback, info: Box::new(info), _kept: (numbers, values, pointers) })
    }
}

/// One search. C sees the same structure in all calls.
struct CSearch {
    callback: Callback,
    info: Box<sqlite3_rtree_query_info>,
    /// What the structure points to.
    _kept: (Vec<f64>, Vec<CValue>, Vec<*mut CValue>),
}

// SAFETY: as for `CShape`.
unsafe impl Send for CSearch {}

impl Drop for CSearch {
    fn drop(&mut self) {
        destroy(self.info.geometry.delete_user, self.info.geometry.user);
    }
}

fn code_of(within: Within) -> c_int {
    match within {
        Within::Not => 0,
        Within::Partly => 1,
        Within::Fully => 2,
    }
}

impl Search for CSearch {
    fn judge(&mut self, session: &mut dyn Session, element: &Element<'_>) -> Result<Verdict> {
        let mut coordinates = element.coordinates.to_vec();
        let mut waiting = element.waiting.to_vec();
        let info = &mut *self.info;
        info.coordinates = coordinates.as_mut_ptr();
        info.queue = waiting.as_mut_ptr();
        info.level = element.level as c_int;
        info.root_level = element.root_level as c_int;
        info.rowid = element.id;
        info.parent_score = element.parent.score;
        info.parent_within = code_of(element.parent.within);
        (info.score, info.within) = (info.parent_score, info.parent_within);
        let callback = self.callback;
        let target: *mut sqlite3_rtree_query_info = info;
        let mut overlaps: c_int = 0;
        let code = lent(session, || match callback {
            // SAFETY: the interface's contract; the structure and what it points to live during the call.
            Callback::Geometry(Some(call)) => unsafe {
                call(&raw mut (*target).geometry, coordinates.len() as c_int, coordinates.as_mut_ptr(), &mut overlaps)
            },
            // SAFETY: as above.
            Callback::Query(Some(call)) => unsafe { call(target) },
            _ => OK,
        })?;
        (self.info.coordinates, self.info.queue) = (null_mut(), null_mut());
        if code != OK {
            return Err(Error::from_code(ResultCode(code)));
        }
        Ok(match callback {
            Callback::Geometry(_) => {
                Verdict { within: if overlaps == 0 { Within::Not } else { Within::Partly }, score: 0.0 }
            }
            Callback::Query(_) => {
                let within = match self.info.within {
                    0 => Within::Not,
                    1 => Within::Partly,
                    _ => Within::Fully,
                };
                Verdict { within, score: self.info.score }
            }
        })
    }
}

fn register(db: &Handle<Db>, name: &Text, shape: CShape) -> c_int {
    // Dropped, and so given back, where it is not registered.
    let shape = Arc::new(shape);
    let (Some(db), Some(name)) = (db.get(), name.string()) else { return MISUSE };
    db.outcome(db.connection.create_shape(&name, shape))
}

entry! {
    /// Registers a shape that says of each box whether it touches it.
    fn sqlite3_rtree_geometry_callback(
        db: Handle<Db>, name: Text, geometry: Geometry, context: *mut c_void,
    ) -> c_int | INTERNAL; {
        register(&db, &name, CShape { callback: Callback::Geometry(geometry), context, destructor: None })
    }

    /// Registers a shape that also says in which order the tree is searched.
    fn sqlite3_rtree_query_callback(
        db: Handle<Db>, name: Text, query: Query, context: *mut c_void, destructor: Destructor,
    ) -> c_int | INTERNAL; {
        register(&db, &name, CShape { callback: Callback::Query(query), context, destructor })
    }
}

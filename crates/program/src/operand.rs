//! Operand types of instructions: registers, cursors, addresses, and what stands in the fourth column of a listing.

use std::fmt;
use std::sync::Arc;

use turso_value::{Affinity, KeyInfo};

use crate::listing::ListingRow;

/// What an instruction's field must know about itself: how it is listed, and which jump targets it holds.
pub trait Operand {
    /// Put this operand into the next free column of the row.
    fn list(&self, row: &mut ListingRow);
    /// Call `f` with every jump target inside.
    fn visit_addresses(&mut self, f: &mut dyn FnMut(&mut Addr)) {
        let _ = f;
    }
    /// Call `f` with every block of registers inside.
    fn visit_registers(&self, f: &mut dyn FnMut(Regs)) {
        let _ = f;
    }
    /// Call `f` with every cursor inside.
    fn visit_cursors(&self, f: &mut dyn FnMut(CursorId)) {
        let _ = f;
    }
}

macro_rules! number_operand {
    ($(#[$doc:meta])* $name:ident($int:ty), $prefix:literal $(, $visit:item)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $int);
        impl $name {
            /// The number as an index.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
        impl Operand for $name {
            fn list(&self, row: &mut ListingRow) {
                row.number(i64::from(self.0));
            }
            $($visit)?
        }
    };
}

number_operand!(
    /// A register: one cell of the program's array of values. Numbered from 1; register 0 is never allocated.
    Reg(u32), "r",
    fn visit_registers(&self, f: &mut dyn FnMut(Regs)) {
        f(Regs { first: *self, count: 1 });
    }
);
number_operand!(
    /// A cursor number, local to a program.
    CursorId(u16), "c",
    fn visit_cursors(&self, f: &mut dyn FnMut(CursorId)) {
        f(*self);
    }
);
number_operand!(
    /// A root page number.
    Root(u32), "p"
);
number_operand!(
    /// A database of the connection: 0 `main`, 1 `temp`, then attached ones.
    DbIndex(u16), "db"
);
number_operand!(
    /// Index into [`crate::Program::collations`]; 0 is always BINARY.
    CollationId(u16), "coll"
);
number_operand!(
    /// Index into [`crate::Program::constants`].
    ConstId(u32), "const"
);
number_operand!(
    /// Index into [`crate::Program::calls`]: a function with its arity and collation.
    CallId(u32), "call"
);

/// A jump target. While a program is built it may hold an unresolved label; afterwards an instruction index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Addr(pub u32);

impl Addr {
    /// Labels are numbered from here while a program is being built.
    pub(crate) const LABEL_BASE: u32 = 0x8000_0000;
    /// The target as an instruction index.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Operand for Addr {
    fn list(&self, row: &mut ListingRow) {
        row.number(i64::from(self.0));
    }
    fn visit_addresses(&mut self, f: &mut dyn FnMut(&mut Addr)) {
        f(self);
    }
}

impl Operand for Option<Addr> {
    fn list(&self, row: &mut ListingRow) {
        row.number(self.map_or(0, |a| i64::from(a.0)));
    }
    fn visit_addresses(&mut self, f: &mut dyn FnMut(&mut Addr)) {
        if let Some(a) = self {
            f(a);
        }
    }
}

impl Operand for Option<Reg> {
    fn list(&self, row: &mut ListingRow) {
        row.number(self.map_or(0, |r| i64::from(r.0)));
    }
    fn visit_registers(&self, f: &mut dyn FnMut(Regs)) {
        if let Some(reg) = self {
            reg.visit_registers(f);
        }
    }
}

/// `count` registers starting at `first`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Regs {
    /// The first register.
    pub first: Reg,
    /// How many.
    pub count: u32,
}

impl Regs {
    /// `count` registers from `first`.
    pub fn new(first: Reg, count: usize) -> Self {
        Self { first, count: count as u32 }
    }
    /// The `i`-th register of the block.
    #[inline]
    pub fn at(self, i: usize) -> Reg {
        Reg(self.first.0 + i as u32)
    }
    /// The register indexes as a range.
    #[inline]
    pub fn range(self) -> std::ops::Range<usize> {
        self.first.index()..self.first.index() + self.count as usize
    }
}

impl Operand for Regs {
    fn list(&self, row: &mut ListingRow) {
        row.number(i64::from(self.first.0));
        row.number(i64::from(self.count));
    }
    fn visit_registers(&self, f: &mut dyn FnMut(Regs)) {
        f(*self);
    }
}

macro_rules! plain_operand {
    ($($ty:ty),*) => {$(
        impl Operand for $ty {
            fn list(&self, row: &mut ListingRow) {
                row.number(i64::from(*self));
            }
        }
    )*};
}
plain_operand!(bool, u8, u16, u32, i32, i64);

impl Operand for f64 {
    fn list(&self, row: &mut ListingRow) {
        row.detail(format!("{self}"));
    }
}

impl Operand for Arc<str> {
    fn list(&self, row: &mut ListingRow) {
        row.detail(self.to_string());
    }
}

impl Operand for Option<Arc<str>> {
    fn list(&self, row: &mut ListingRow) {
        if let Some(text) = self {
            row.detail(text.to_string());
        }
    }
}

impl Operand for Arc<KeyInfo> {
    fn list(&self, row: &mut ListingRow) {
        row.detail(format!("k({})", self.columns.len()));
    }
}

impl Operand for Option<Arc<KeyInfo>> {
    fn list(&self, row: &mut ListingRow) {
        if let Some(key) = self {
            key.list(row);
        }
    }
}

impl Operand for Affinity {
    fn list(&self, row: &mut ListingRow) {
        row.detail(format!("{self:?}"));
    }
}

/// One affinity per register, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Affinities(pub Arc<[Affinity]>);

impl Operand for Affinities {
    fn list(&self, row: &mut ListingRow) {
        row.detail(self.0.iter().map(|a| a.code() as char).collect());
    }
}

impl Operand for Option<Affinities> {
    fn list(&self, row: &mut ListingRow) {
        if let Some(a) = self {
            a.list(row);
        }
    }
}

/// Implements [`Operand`] for plain enums and flag structs through their `Debug` text.
#[macro_export]
#[doc(hidden)]
macro_rules! detail_operand {
    ($($ty:ty),* $(,)?) => {$(
        impl $crate::Operand for $ty {
            fn list(&self, row: &mut $crate::ListingRow) {
                row.detail(format!("{self:?}"));
            }
        }
    )*};
}

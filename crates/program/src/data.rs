//! Loading and moving values, and conversions of registers in place.

use std::sync::Arc;

use turso_value::Affinity;

use crate::operand::{Addr, Affinities, ConstId, Reg, Regs};
use crate::register::instructions;

/// The STRICT column types a row must satisfy, in column order (`stricttables.html`).
#[derive(Debug, Clone, PartialEq)]
pub struct StrictTypes {
    /// `table` part of the message `cannot store TEXT value in INTEGER column t.c`.
    pub table: Arc<str>,
    /// Column names and their required types.
    pub columns: Vec<(Arc<str>, StrictType)>,
}

/// A declared type in a STRICT table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum StrictType {
    Any,
    Blob,
    Int,
    Integer,
    Real,
    Text,
}

crate::detail_operand!(Arc<StrictTypes>);

instructions! {
    /// Set the registers to NULL.
    Null { dest: Regs }
    /// Load an integer.
    Integer { value: i64, dest: Reg }
    /// Load a real number.
    Real { value: f64, dest: Reg }
    /// Load a constant of the program (text, blob).
    Const { constant: ConstId, dest: Reg }
    /// Load the bound parameter with this number (from 1); an unbound one is NULL.
    Variable { number: u32, dest: Reg }
    /// Copy `count` values (buffers of the destination are reused).
    Copy { from: Reg, to: Reg, count: u32 }
    /// `CAST(register AS type)` in place.
    Cast { reg: Reg, affinity: Affinity }
    /// Apply one affinity to each register.
    ApplyAffinity { regs: Reg, affinities: Affinities }
    /// An integer becomes the equal real (reading a REAL column that stores small integers).
    RealAffinity { reg: Reg }
    /// A blob becomes the text that its bytes are in the database's encoding.
    ReadBlob { reg: Reg }
    /// The register's value loses its subtype.
    ClrSubtype { reg: Reg }
    /// The subtype of a register's value as a number; 0 for none.
    GetSubtype { reg: Reg, dest: Reg }
    /// The register's value gets the subtype that `from` holds as a number.
    SetSubtype { from: Reg, reg: Reg }
    /// Jump when the registers `kept` hold exactly the same as `values`; otherwise copy them there.
    Unchanged { values: Regs, kept: Regs, target: Addr }
    /// Check and convert a row for a STRICT table; the error is `SQLITE_CONSTRAINT_DATATYPE`.
    TypeCheck { values: Regs, types: Arc<StrictTypes> }
}

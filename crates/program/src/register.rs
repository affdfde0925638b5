//! The register of instructions: one line per instruction makes the enum, the listing and the dispatch.

use crate::listing::ListingRow;
use crate::operand::{Addr, CursorId, Regs};
use crate::{batch, control, cursor, data, expression, schema, sorter, survey, virtual_table, write};

/// Declares the structs of one instruction family.
macro_rules! instructions {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)] // The struct's sentence says what each field is.
        pub struct $name { $( $(#[$fdoc])* pub $field: $ty, )* }
        impl $name {
            pub(crate) fn list(&self) -> $crate::ListingRow {
                #[allow(unused_mut)]
                let mut row = $crate::listing::ListingRow::new(stringify!($name));
                $( $crate::Operand::list(&self.$field, &mut row); )*
                row
            }
            #[allow(unused_variables)]
            pub(crate) fn visit_addresses(&mut self, f: &mut dyn FnMut(&mut $crate::Addr)) {
                $( $crate::Operand::visit_addresses(&mut self.$field, f); )*
            }
            #[allow(unused_variables)]
            pub(crate) fn visit_registers(&self, f: &mut dyn FnMut($crate::Regs)) {
                $( $crate::Operand::visit_registers(&self.$field, f); )*
            }
            #[allow(unused_variables)]
            pub(crate) fn visit_cursors(&self, f: &mut dyn FnMut($crate::CursorId)) {
                $( $crate::Operand::visit_cursors(&self.$field, f); )*
            }
        }
        impl $name {
            #[allow(unused_mut, unused_variables)]
            pub(crate) fn destination(&self) -> Option<$crate::Regs> {
                let mut found = None;
                $( $crate::register::destination!(self, found, $field); )*
                found
            }
        }
        impl From<$name> for $crate::Instruction {
            fn from(i: $name) -> Self { $crate::Instruction::$name(i) }
        }
    )*};
}
pub(crate) use instructions;

/// A field of the name `dest` says where the result goes.
macro_rules! destination {
    ($instruction:ident, $found:ident, dest) => {
        $crate::Operand::visit_registers(&$instruction.dest, &mut |regs| $found = Some(regs));
    };
    ($instruction:ident, $found:ident, $other:ident) => {};
}
pub(crate) use destination;

/// Calls `$callback!` with `(module Name), …` for every instruction there is; the interpreter builds its dispatch from it.
#[macro_export]
macro_rules! for_each_instruction {
    ($callback:ident) => {
        $callback! {
            (control Goto) (control Gosub) (control Return) (control InitCoroutine) (control EndCoroutine) (control Yield)
            (control Halt) (control HaltIfNull) (control RaiseError) (control ResultRow) (control Once)
            (control If) (control IfNot) (control IsNull) (control NotNull) (control IfPos)
            (control IsOf) (control OnDamage) (control DecrJumpZero) (control OffsetLimit) (control MustBeInt) (control Jump) (control RunTrigger) (control TellStep) (control Param)

            (data Null) (data Integer) (data Real) (data Const) (data Variable) (data Copy) (data Cast)
            (data ApplyAffinity) (data RealAffinity) (data ReadBlob) (data ClrSubtype) (data GetSubtype) (data SetSubtype)
            (data Unchanged) (data TypeCheck)
            (expression Add) (expression Subtract) (expression Multiply) (expression Divide) (expression Remainder)
            (expression Concat) (expression BitAnd) (expression BitOr) (expression ShiftLeft) (expression ShiftRight)
            (expression BitNot) (expression Not) (expression And) (expression Or) (expression IsTrue) (expression AddImm)
            (expression Eq) (expression Ne) (expression Lt) (expression Le) (expression Gt) (expression Ge)
            (expression CompareStore) (expression Compare) (expression Function)
            (expression MeasureColumn) (expression AggStep) (expression AggInverse)
            (expression AggValue) (expression AggFinal) (expression WindowLocate) (expression MemMax)
            (cursor OpenRead) (cursor OpenWrite) (cursor OpenEphemeral) (cursor OpenDup) (cursor Close)
            (cursor Rewind) (cursor Last) (cursor Next) (cursor Prev) (cursor SeekRowid) (cursor NotExists)
            (cursor SeekGe) (cursor SeekGt) (cursor SeekLe) (cursor SeekLt) (cursor IdxGe) (cursor IdxGt) (cursor IdxLe)
            (cursor IdxLt) (cursor Found) (cursor NotFound) (cursor NoConflict) (cursor DeferredSeek)
            (cursor IdxRowid) (cursor Rowid) (cursor Column) (cursor ColumnIsOf) (cursor NullRow) (cursor IfNullRow) (cursor Count) (cursor CountRoughly)
            (cursor Sequence)
            (write MakeRecord) (write NewRowid) (write Insert) (write Delete) (write IdxInsert) (write IdxDelete)
            (write Clear) (write ChangeCount) (write ResetCount) (write FkCounter) (write FkIfZero)
            (sorter SorterOpen) (sorter SorterInsert) (sorter SorterAdd) (sorter SorterMisses) (sorter SorterSort) (sorter SorterNext) (sorter SorterData)
            (sorter SorterCompare) (sorter SetOpen) (sorter SetAdd) (sorter SetHas) (sorter RowSetAdd) (sorter RowSetRead) (sorter RowSetTest)
            (sorter HashOpen) (sorter HashAdd) (sorter HashFind) (sorter GroupOpen) (sorter GroupFind) (sorter GroupSort) (sorter GroupNext)

            (survey SurveyOpen) (survey SurveyAdd) (survey SurveySkip) (survey SurveyText) (survey SurveySample)
            (batch BatchOpen) (batch BatchRun) (batch BatchNext) (batch BatchRow)
            (schema Transaction) (schema AutoCommit) (schema Savepoint) (schema ReadCookie) (schema SetCookie)
            (schema CreateBtree) (schema Destroy) (schema ParseSchema) (schema DropTable) (schema DropIndex)
            (schema DropTrigger) (schema IntegrityCheck) (schema JournalMode) (schema Checkpoint) (schema Vacuum)
            (schema IncrVacuum) (schema PageCount) (schema MaxPageCount) (schema Expire) (schema ConnectionCall)
            (virtual_table VOpen) (virtual_table VFilter) (virtual_table VNext) (virtual_table VColumn) (virtual_table VUpdate)
            (virtual_table VBegin) (virtual_table VCreate) (virtual_table VDestroy) (virtual_table VRename)
            (virtual_table VCheck)
        }
    };
}

macro_rules! define_enum {
    ($( ($module:ident $name:ident) )*) => {
        /// Any instruction.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)] // Each variant holds the struct of the same name, which is documented.
        pub enum Instruction { $( $name($module::$name), )* }

        impl Instruction {
            /// The row that `EXPLAIN` prints.
            pub fn list(&self) -> ListingRow {
                match self { $( Instruction::$name(i) => i.list(), )* }
            }
            /// Call `f` with every jump target in the instruction.
            pub fn visit_addresses(&mut self, f: &mut dyn FnMut(&mut Addr)) {
                match self { $( Instruction::$name(i) => i.visit_addresses(f), )* }
            }
            /// Call `f` with every block of registers that an operand names. Counts that stand elsewhere (arity of a call,
            /// length of a list of affinities) are [`crate::verify`]'s to add.
            pub fn visit_registers(&self, f: &mut dyn FnMut(Regs)) {
                match self { $( Instruction::$name(i) => i.visit_registers(f), )* }
            }
            /// The registers that receive the result (the field `dest`).
            pub fn destination(&self) -> Option<Regs> {
                match self { $( Instruction::$name(i) => i.destination(), )* }
            }
            /// Call `f` with every cursor in the instruction.
            pub fn visit_cursors(&self, f: &mut dyn FnMut(CursorId)) {
                match self { $( Instruction::$name(i) => i.visit_cursors(f), )* }
            }
        }
    };
}
for_each_instruction!(define_enum);

#[cfg(test)]
mod tests {
    /// Programs are read instruction by instruction: what is larger is boxed.
    #[test]
    fn instructions_are_small() {
        assert!(size_of::<super::Instruction>() <= 40);
    }
}

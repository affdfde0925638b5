//! Instructions whose family is not built yet: a plain error.

use turso_error::{Error, Result};
use turso_program::{Program, cursor, schema, sorter, write};

use crate::dispatch::{Exec, Flow};
use crate::{Host, Vm};

macro_rules! unbuilt {
    ($($module:ident { $($name:ident)* })*) => {$($(
        impl Exec for $module::$name {
            fn exec<H: Host>(&self, _: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
                Err(Error::sql(concat!("instruction not supported yet: ", stringify!($name))))
            }
        }
    )*)*};
}
unbuilt! {
    cursor { OpenRead OpenWrite OpenEphemeral OpenDup OpenPseudo Close Rewind Last Next Prev SeekRowid NotExists SeekGe SeekGt
        SeekLe SeekLt IdxGe IdxGt IdxLe IdxLt Found NotFound NoConflict DeferredSeek FinishSeek IdxRowid Rowid Column NullRow
        IfNullRow Count Sequence RowData IfEmpty SetIndexOnly }
    write { MakeRecord NewRowid Insert Delete IdxInsert IdxDelete Clear ResetCount FkCounter FkIfZero }
    sorter { SorterOpen SorterInsert SorterSort SorterNext SorterData SorterCompare SorterReset }
    schema { Transaction AutoCommit Savepoint ReadCookie SetCookie CreateBtree Destroy ParseSchema DropTable DropIndex
        DropTrigger IntegrityCheck JournalMode Checkpoint Vacuum IncrVacuum PageCount MaxPageCount Expire ConnectionCall }
}

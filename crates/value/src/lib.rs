//! SQL values and everything that can be said about them without a file, a schema or a connection.
//!
//! Text is a byte string: SQLite never validates it, so neither does anything here. In memory text is UTF-8 (or whatever
//! bytes were given); a UTF-16 database is converted at its edge by [`TextEncoding`].
//!
//! | module      | subject                                                                   |
//! |-------------|---------------------------------------------------------------------------|
//! | `value`     | [`Value`], [`ValueRef`], assignment that reuses buffers                   |
//! | `affinity`  | column affinities and their application                                   |
//! | `collation` | comparing text                                                            |
//! | `compare`   | comparing values across types                                             |
//! | `encoding`  | UTF-8 and UTF-16, lenient reading of characters                           |
//! | `number`    | number <-> text exactly as SQLite does it                                 |
//! | `cast`      | CAST, truth, numeric coercion                                             |
//! | `arith`     | arithmetic and bit operators                                              |
//! | `varint`    | the 1 to 9 byte integers of the file format                               |
//! | `record`    | the row format: encoder, reader, incremental decoder                      |
//! | `object`    | what an application sends along with a NULL                               |
//! | `key`       | [`KeyInfo`]; comparing records with keys and with each other              |
#![forbid(unsafe_code)]

pub mod affinity;
pub mod arith;
pub mod cast;
pub mod collation;
pub mod compare;
pub mod encoding;
pub mod key;
pub mod number;
pub mod object;
pub mod record;
pub mod value;
pub mod varint;

pub use affinity::Affinity;
pub use collation::{Collation, CollationFunction};
pub use compare::{compare, compare_in, compare_numbers};
pub use encoding::TextEncoding;
pub use key::{KeyColumn, KeyInfo, compare_record, compare_records};
pub use number::Number;
pub use object::{Object, Objects};
pub use record::{RecordCursor, RecordReader, SerialType, encode_record, record_len};
pub use value::{Value, ValueRef, ValueType};

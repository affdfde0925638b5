//! The database header: the first 100 bytes of page 1.

use turso_error::{Error, Result, ResultCode};

use super::{be16, be32, put_be16, put_be32};

/// The database header. 100 bytes, big-endian.
///
/// | offset | size | field                | meaning                                                        |
/// |-------:|-----:|----------------------|----------------------------------------------------------------|
/// |      0 |   16 | magic                | `SQLite format 3\0`                                            |
/// |     16 |    2 | `page_size`          | power of two 512..=32768, or 1 for 65536                       |
/// |     18 |    1 | `write_version`      | 1 rollback journal, 2 WAL; more: read only                     |
/// |     19 |    1 | `read_version`       | 1 rollback journal, 2 WAL; more: not readable                  |
/// |     20 |    1 | `reserved`           | bytes at the end of each page that the engine must not use     |
/// |     21 |    3 | payload fractions    | 64, 32, 32                                                     |
/// |     24 |    4 | `change_counter`     | counts transactions in rollback modes                          |
/// |     28 |    4 | `database_size`      | pages; valid when nonzero and the counter equals `version_valid_for` |
/// |     32 |    4 | `freelist_trunk`     | first trunk page of the freelist, or 0                         |
/// |     36 |    4 | `freelist_count`     | pages on the freelist, trunks included                         |
/// |     40 |    4 | `schema_cookie`      | changes with the schema                                        |
/// |     44 |    4 | `schema_format`      | 1..=4; 0 in a database without tables                          |
/// |     48 |    4 | `default_cache_size` | suggested cache size                                           |
/// |     52 |    4 | `largest_root`       | nonzero in auto-vacuum modes: the largest root page            |
/// |     56 |    4 | `text_encoding`      | 1 UTF-8, 2 UTF-16le, 3 UTF-16be; 0 = not chosen yet            |
/// |     60 |    4 | `user_version`       | `PRAGMA user_version`                                          |
/// |     64 |    4 | `incremental_vacuum` | nonzero in incremental-vacuum mode                             |
/// |     68 |    4 | `application_id`     | `PRAGMA application_id`                                        |
/// |     72 |   20 | reserved             | zero; kept as found                                            |
/// |     92 |    4 | `version_valid_for`  | the change counter when `sqlite_version` was written           |
/// |     96 |    4 | `sqlite_version`     | version number of the library that wrote last                  |
#[allow(missing_docs)] // The table above documents the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseHeader {
    pub page_size: u32,
    pub write_version: u8,
    pub read_version: u8,
    pub reserved: u8,
    pub change_counter: u32,
    pub database_size: u32,
    pub freelist_trunk: u32,
    pub freelist_count: u32,
    pub schema_cookie: u32,
    pub schema_format: u32,
    pub default_cache_size: u32,
    pub largest_root: u32,
    pub text_encoding: u32,
    pub user_version: u32,
    pub incremental_vacuum: u32,
    pub application_id: u32,
    pub version_valid_for: u32,
    pub sqlite_version: u32,
}

impl DatabaseHeader {
    /// Bytes of the header.
    pub const SIZE: usize = 100;
    /// The bytes every database starts with.
    pub const MAGIC: &'static [u8; 16] = b"SQLite format 3\0";
    /// The file format this engine writes is that of this SQLite version; stored as "last writer".
    pub const SQLITE_VERSION: u32 = 3_050_004;

    /// The header of a database that nobody has written to yet.
    pub fn new(page_size: u32) -> Self {
        Self {
            page_size,
            write_version: 1,
            read_version: 1,
            reserved: 0,
            change_counter: 0,
            database_size: 0,
            freelist_trunk: 0,
            freelist_count: 0,
            schema_cookie: 0,
            schema_format: 0,
            default_cache_size: 0,
            largest_root: 0,
            text_encoding: 0,
            user_version: 0,
            incremental_vacuum: 0,
            application_id: 0,
            version_valid_for: 0,
            sqlite_version: 0,
        }
    }

    /// Bytes of each page that the engine may use.
    pub fn usable_size(&self) -> u32 {
        self.page_size - u32::from(self.reserved)
    }

    /// True where the database has pointer-map pages.
    pub fn auto_vacuum(&self) -> bool {
        self.largest_root != 0
    }

    /// True where the in-header size can be believed: written by an SQLite that knew the field.
    pub fn size_is_valid(&self) -> bool {
        self.database_size != 0 && self.change_counter == self.version_valid_for
    }

    /// Reads and checks a header; `SQLITE_NOTADB` where the bytes are not one.
    pub fn decode(b: &[u8]) -> Result<Self> {
        let not_a_database = || Error::from_code(ResultCode::NOTADB);
        if b.len() < Self::SIZE || &b[..16] != Self::MAGIC {
            return Err(not_a_database());
        }
        let page_size = decode_page_size(be16(b, 16)).ok_or_else(not_a_database)?;
        if b[21..24] != [64, 32, 32] || b[19] > 2 {
            return Err(not_a_database());
        }
        if page_size - u32::from(b[20]) < 480 {
            return Err(not_a_database());
        }
        Ok(Self {
            page_size,
            write_version: b[18],
            read_version: b[19],
            reserved: b[20],
            change_counter: be32(b, 24),
            database_size: be32(b, 28),
            freelist_trunk: be32(b, 32),
            freelist_count: be32(b, 36),
            schema_cookie: be32(b, 40),
            schema_format: be32(b, 44),
            default_cache_size: be32(b, 48),
            largest_root: be32(b, 52),
            text_encoding: be32(b, 56),
            user_version: be32(b, 60),
            incremental_vacuum: be32(b, 64),
            application_id: be32(b, 68),
            version_valid_for: be32(b, 92),
            sqlite_version: be32(b, 96),
        })
    }

    /// Writes the header over the first 100 bytes of page 1; the 20 reserved bytes stay as they are.
    pub fn encode(&self, b: &mut [u8]) {
        b[..16].copy_from_slice(Self::MAGIC);
        put_be16(b, 16, encode_page_size(self.page_size));
        b[18] = self.write_version;
        b[19] = self.read_version;
        b[20] = self.reserved;
        b[21..24].copy_from_slice(&[64, 32, 32]);
        put_be32(b, 24, self.change_counter);
        put_be32(b, 28, self.database_size);
        put_be32(b, 32, self.freelist_trunk);
        put_be32(b, 36, self.freelist_count);
        put_be32(b, 40, self.schema_cookie);
        put_be32(b, 44, self.schema_format);
        put_be32(b, 48, self.default_cache_size);
        put_be32(b, 52, self.largest_root);
        put_be32(b, 56, self.text_encoding);
        put_be32(b, 60, self.user_version);
        put_be32(b, 64, self.incremental_vacuum);
        put_be32(b, 68, self.application_id);
        put_be32(b, 92, self.version_valid_for);
        put_be32(b, 96, self.sqlite_version);
    }

    /// Page 1 of a new database: this header and an empty table leaf, the root of `sqlite_schema`.
    pub fn encode_first_page(&self, b: &mut [u8]) {
        b.fill(0);
        self.encode(b);
        b[100] = 0x0d;
        // 65536 does not fit the field; it is stored as 0.
        put_be16(b, 105, self.usable_size() as u16);
    }
}

/// The page size that a two-byte field means; `None` where it is no valid size.
pub fn decode_page_size(field: u16) -> Option<u32> {
    match field {
        1 => Some(65536),
        n if n >= 512 && n.is_power_of_two() => Some(u32::from(n)),
        _ => None,
    }
}

/// The two-byte field for a page size.
pub fn encode_page_size(page_size: u32) -> u16 {
    if page_size == 65536 { 1 } else { page_size as u16 }
}

/// True for the page sizes that SQLite allows.
pub fn is_page_size(size: u32) -> bool {
    (512..=65536).contains(&size) && size.is_power_of_two()
}

//! Pages replaced as they are (`sqlite_dbpage`).

use super::Pager;
use crate::format::DatabaseHeader;
use crate::page::PageNo;

impl Pager {
    /// Put these bytes, as many as a page has, in the place of a page, growing the database where it ends before. Not the
    /// lock-byte page. Whether the database may grow is asked before ([`Pager::check_growth`]).
    ///
    /// Of a header in page 1 its versions, page size and reserved bytes stay those of the database, since they say how its
    /// pages are read and written; where the new bytes are no header of such a database, the old one stays.
    pub fn replace_page(&mut self, no: PageNo, bytes: &[u8]) {
        while self.page_count() < no.0 {
            self.append_page();
        }
        self.overwrite_with(no, bytes);
        if no == PageNo::ONE {
            let old = self.header;
            if let Ok(new) = DatabaseHeader::decode(bytes)
                && (new.page_size, new.reserved) == (old.page_size, old.reserved)
            {
                let (write_version, read_version) = (old.write_version, old.read_version);
                self.header = DatabaseHeader { write_version, read_version, ..new };
            }
            let header = self.header;
            header.encode(&mut self.edit(no)[..DatabaseHeader::SIZE]);
        }
    }
}

//! Trees, header fields, the catalogue, maintenance. Most of it is the connection's work.

use turso_error::{Error, Result, ResultCode};
use turso_program::schema::*;
use turso_program::{Program, Reg};
use turso_storage::btree::{create_tree, drop_tree};
use turso_storage::{DatabaseHeader, PageNo, Pager};
use turso_value::Value;

use crate::cursors::{Store, root_in};
use crate::dispatch::{Exec, Flow};
use crate::{CatalogueEntry, Host, Vm};

/// True when the tree with this root holds rows under rowids, false for an index.
pub(crate) fn is_table(pager: &mut Pager, root: PageNo) -> Result<bool> {
    let page = pager.page(root)?;
    // The kind byte of the page header; page 1 has the database header in front of it.
    match page.get(if root == PageNo::ONE { DatabaseHeader::SIZE } else { 0 }) {
        Some(0x0d | 0x05) => Ok(true),
        Some(0x0a | 0x02) => Ok(false),
        _ => Err(Error::corrupt(root.0, "root page of no kind")),
    }
}

fn read_cookie(header: &DatabaseHeader, cookie: Cookie) -> u32 {
    match cookie {
        Cookie::SchemaVersion => header.schema_cookie,
        Cookie::FileFormat => header.schema_format,
        Cookie::DefaultCacheSize => header.default_cache_size,
        Cookie::LargestRoot => header.largest_root,
        Cookie::TextEncoding => header.text_encoding,
        Cookie::UserVersion => header.user_version,
        Cookie::IncrementalVacuum => header.incremental_vacuum,
        Cookie::ApplicationId => header.application_id,
        Cookie::FreelistCount => header.freelist_count,
    }
}

fn write_cookie(header: &mut DatabaseHeader, cookie: Cookie, value: u32) {
    match cookie {
        Cookie::SchemaVersion => header.schema_cookie = value,
        Cookie::FileFormat => header.schema_format = value,
        Cookie::DefaultCacheSize => header.default_cache_size = value,
        Cookie::LargestRoot => header.largest_root = value,
        Cookie::TextEncoding => header.text_encoding = value,
        Cookie::UserVersion => header.user_version = value,
        Cookie::IncrementalVacuum => header.incremental_vacuum = value,
        Cookie::ApplicationId => header.application_id = value,
        // The freelist itself decides how long it is.
        Cookie::FreelistCount => {}
    }
}

impl Exec for ReadCookie {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let value = read_cookie(host.pager(self.db).header(), self.cookie);
        // The fields are signed for their users.
        vm.frame.registers.set_integer(self.dest, i64::from(value as i32));
        Ok(Flow::NEXT)
    }
}

impl Exec for SetCookie {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let value = vm.frame.registers.integer(self.value) as u32;
        host.pager(self.db).edit_header(|header| write_cookie(header, self.cookie, value));
        host.cookie_written(self.db, self.cookie, value)?;
        Ok(Flow::NEXT)
    }
}

impl Exec for CreateBtree {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let root = create_tree(host.pager(self.db), !self.index)?;
        vm.frame.registers.set_integer(self.dest, i64::from(root.0));
        Ok(Flow::NEXT)
    }
}

impl Exec for Destroy {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.may_drop_tree(self.db)?;
        let root = root_in(vm, self.root)?;
        // Emptying an empty tree is quick, so a pending drop simply starts over.
        vm.erase_tree(host, Store::Db(self.db), root)?;
        let dropped = drop_tree(host.pager(self.db), root)?;
        let moved_from = dropped.moved_from.map_or(0, |page| page.0);
        if moved_from != 0 {
            host.root_moved(self.db, moved_from, root.0)?;
        }
        vm.frame.registers.set_integer(self.moved_from, i64::from(moved_from));
        Ok(Flow::NEXT)
    }
}

impl Exec for ParseSchema {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.parse_schema(self.db, self.condition.as_deref())?;
        Ok(Flow::NEXT)
    }
}

macro_rules! drops {
    ($($name:ident $entry:ident)*) => {$(
        impl Exec for $name {
            fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
                host.drop_entry(self.db, CatalogueEntry::$entry, &self.name)?;
                Ok(Flow::NEXT)
            }
        }
    )*};
}
drops! { DropTable Table DropIndex Index DropTrigger Trigger }

impl Exec for IntegrityCheck {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let mut roots = Vec::with_capacity(self.roots.count as usize);
        for value in vm.frame.registers.block(self.roots) {
            roots.push(u64::try_from(value.to_integer()).map_err(|_| Error::from_code(ResultCode::CORRUPT))?);
        }
        let more = vm.frame.registers.integer(self.more);
        let problems = host.integrity_check(self.db, &mut roots, more.saturating_add(1))?;
        let registers = &mut vm.frame.registers;
        for (i, entries) in roots.into_iter().enumerate() {
            registers.set_integer(self.roots.at(i), entries as i64);
        }
        match problems {
            None => registers.get_mut(self.dest).set_null(),
            Some((text, count)) => {
                registers.get_mut(self.dest).set_text(text.as_bytes());
                registers.set_integer(self.more, more.saturating_sub(count - 1));
            }
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for JournalMode {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let mut answer = Value::Null;
        host.journal_mode(self.db, vm.frame.registers.get(self.mode), &mut answer)?;
        *vm.frame.registers.get_mut(self.dest) = answer;
        Ok(Flow::NEXT)
    }
}

impl Exec for Checkpoint {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        for (i, number) in host.checkpoint(self.db, self.mode)?.into_iter().enumerate() {
            vm.frame.registers.set_integer(Reg(self.dest.0 + i as u32), number);
        }
        Ok(Flow::NEXT)
    }
}

impl Exec for Vacuum {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.vacuum(self.db, self.into.map(|reg| vm.frame.registers.get(reg)))?;
        Ok(Flow::NEXT)
    }
}

impl Exec for IncrVacuum {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        Flow::jump_if(!host.incremental_vacuum(self.db)?, self.done)
    }
}

impl Exec for PageCount {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        let pages = host.pager(self.db).page_count();
        vm.frame.registers.set_integer(self.dest, i64::from(pages));
        Ok(Flow::NEXT)
    }
}

impl Exec for MaxPageCount {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        // Not a positive number: only ask.
        let limit = vm.frame.registers.integer(self.limit).clamp(0, i64::from(u32::MAX)) as u32;
        let limit = host.pager(self.db).set_max_page_count(limit);
        vm.frame.registers.set_integer(self.dest, i64::from(limit));
        Ok(Flow::NEXT)
    }
}

impl Exec for Expire {
    fn exec<H: Host>(&self, _: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        host.expire_statements();
        Ok(Flow::NEXT)
    }
}

impl Exec for ConnectionCall {
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, host: &mut H) -> Result<Flow> {
        // The answer is made apart, so that a pending or failing call leaves the registers alone.
        let mut answer = vec![Value::Null; self.dest.count as usize];
        host.call(&self.call, vm.frame.registers.block(self.args), &mut answer)?;
        for (slot, value) in vm.frame.registers.block_mut(self.dest).iter_mut().zip(answer) {
            *slot = value;
        }
        Ok(Flow::NEXT)
    }
}

//! What a disk may hold after the power has gone: the explicit model of crash states.
//!
//! A disk holds durable content and what was done since without a sync. Each such thing (a *unit*) may have reached the disk
//! or not, in any combination:
//!
//! | unit                | made by              | durable after        | may be                                                         |
//! |---------------------|----------------------|----------------------|----------------------------------------------------------------|
//! | a sector of a write | write                | sync of the file     | lost, kept, torn (new bytes up to a point, old ones after it, or the reverse); beyond the durable end of the file also zeros or any bytes |
//! | a size              | truncate             | sync of the file     | lost, kept                                                     |
//! | a name              | create               | sync of the directory | lost, kept                                                     |
//! | its removal         | delete               | sync of the directory | lost, kept                                                     |
//!
//! Units that are kept take effect in the order in which they were made. A sync of a file does not make its name durable. Bytes
//! outside the range that a write names never change: the assumption that SQLite calls powersafe overwrite.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::random::Random;

/// A file, whatever its name.
pub type FileNo = u32;

/// Files and what they hold, by name.
pub type Files = Vec<(PathBuf, Vec<u8>)>;

/// Something that happened to the disk.
#[derive(Debug, Clone)]
pub enum Event {
    /// Bytes were written.
    Write {
        /// Where.
        file: FileNo,
        /// At which byte.
        offset: u64,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// The size was set.
    Truncate {
        /// Of which file.
        file: FileNo,
        /// To how many bytes.
        size: u64,
    },
    /// A file was synced.
    Sync(FileNo),
    /// A sync that failed: each unit of the file has reached the disk or never will.
    FailedSync(FileNo, u64),
    /// A file was made.
    Link(PathBuf, FileNo),
    /// A name was removed.
    Unlink(PathBuf),
    /// The directory was synced.
    SyncDirectory,
    /// The workload has come this far: what it was told up to here counts.
    Mark(u32),
}

/// Something that was done and is not durable yet.
#[derive(Debug, Clone)]
pub enum Unit {
    /// Bytes of one sector.
    Sector(FileNo, u64, Arc<[u8]>, std::ops::Range<usize>),
    /// A new size.
    Size(FileNo, u64),
    /// A new name.
    Link(PathBuf, FileNo),
    /// A name removed.
    Unlink(PathBuf),
}

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It never reached the disk.
    Lost,
    /// It did.
    Kept,
    /// Its first bytes did, in 256ths.
    Head(u8),
    /// Its last bytes did, in 256ths.
    Tail(u8),
    /// The file has grown for it, with zeros.
    Zeros,
    /// The file has grown for it, with whatever the disk held there.
    Garbage,
}

/// A disk; see the module's documentation.
#[derive(Debug, Clone)]
pub struct Platter {
    sector: u64,
    files: BTreeMap<FileNo, Vec<u8>>,
    names: BTreeMap<PathBuf, FileNo>,
    pending: Vec<Unit>,
    journals_in_order: bool,
}

impl Platter {
    /// An empty disk with sectors of this size.
    pub fn new(sector: u32) -> Self {
        Self {
            sector: u64::from(sector),
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            pending: Vec::new(),
            journals_in_order: false,
        }
    }

    /// What is written to a rollback journal reaches the disk in the order in which it was written: the one thing that
    /// `synchronous = normal` relies on, in this engine as in SQLite.
    pub fn keep_journals_in_order(&mut self) {
        self.journals_in_order = true;
    }

    /// What comes after something that did not reach the disk did not either, in files that are written in order.
    fn in_order(&self, fates: &[Fate]) -> Vec<Fate> {
        let journals: Vec<FileNo> = self
            .pending
            .iter()
            .filter_map(Unit::file)
            .filter(|file| self.names_of(*file).any(|name| name.to_string_lossy().ends_with("-journal")))
            .collect();
        let mut broken = Vec::new();
        let fate = |(unit, fate): (&Unit, &Fate)| match unit.file() {
            Some(file) if broken.contains(&file) => Fate::Lost,
            Some(file) if *fate != Fate::Kept && journals.contains(&file) => {
                broken.push(file);
                if matches!(fate, Fate::Head(_)) { *fate } else { Fate::Lost }
            }
            _ => *fate,
        };
        self.pending.iter().zip(fates).map(fate).collect()
    }

    /// A disk that holds these files, durably, under the numbers 0, 1, 2 ...
    pub fn holding(sector: u32, files: &Files) -> Self {
        let mut platter = Self::new(sector);
        for (no, (name, bytes)) in files.iter().enumerate() {
            platter.files.insert(no as FileNo, bytes.clone());
            platter.names.insert(name.clone(), no as FileNo);
        }
        platter
    }

    /// What is not durable.
    pub fn pending(&self) -> &[Unit] {
        &self.pending
    }

    /// The file of this name, durable or not.
    pub fn file_of(&self, name: &Path) -> Option<FileNo> {
        let newest = self.pending.iter().rev().find_map(|unit| match unit {
            Unit::Link(n, file) if n == name => Some(Some(*file)),
            Unit::Unlink(n) if n == name => Some(None),
            _ => None,
        });
        newest.unwrap_or_else(|| self.names.get(name).copied())
    }

    /// The names that a file has, or may have.
    pub fn names_of(&self, file: FileNo) -> impl Iterator<Item = &Path> {
        let durable = self.names.iter().filter(move |(_, f)| **f == file).map(|(name, _)| name.as_path());
        let pending = self.pending.iter().filter_map(move |unit| match unit {
            Unit::Link(name, f) if *f == file => Some(name.as_path()),
            _ => None,
        });
        durable.chain(pending)
    }

    /// True where a unit can show in what is found: its file has a name, or may have.
    fn matters(&self, file: FileNo) -> bool {
        self.names.values().any(|f| *f == file)
            || self.pending.iter().any(|unit| matches!(unit, Unit::Link(_, f) if *f == file))
    }

    /// Lets something happen.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Write { file, offset, bytes } => {
                if !self.matters(*file) {
                    return;
                }
                let mut at = 0;
                while at < bytes.len() {
                    let start = offset + at as u64;
                    let end = (start / self.sector + 1) * self.sector;
                    let next = bytes.len().min(at + (end - start) as usize);
                    self.pending.push(Unit::Sector(*file, start, bytes.clone(), at..next));
                    at = next;
                }
            }
            Event::Truncate { file, size } => {
                if self.matters(*file) {
                    self.pending.push(Unit::Size(*file, *size));
                }
            }
            Event::Sync(file) => self.settle(|_| Fate::Kept, |unit| unit.file() == Some(*file)),
            Event::FailedSync(file, seed) => {
                let mut random = Random::new(*seed);
                let fate = |_: &Unit| if random.below(2) == 0 { Fate::Lost } else { Fate::Kept };
                self.settle(fate, |unit| unit.file() == Some(*file));
            }
            Event::Link(name, file) => {
                self.files.entry(*file).or_default();
                self.pending.push(Unit::Link(name.clone(), *file));
            }
            Event::Unlink(name) => self.pending.push(Unit::Unlink(name.clone())),
            Event::SyncDirectory => {
                self.settle(|_| Fate::Kept, |unit| unit.file().is_none());
                let named: Vec<FileNo> = self.names.values().copied().collect();
                self.files.retain(|file, _| named.contains(file));
                self.pending.retain(|unit| unit.file().is_none_or(|file| named.contains(&file)));
            }
            Event::Mark(_) => {}
        }
    }

    fn settle(&mut self, mut fate: impl FnMut(&Unit) -> Fate, is_meant: impl Fn(&Unit) -> bool) {
        for unit in std::mem::take(&mut self.pending) {
            if is_meant(&unit) {
                let fate = fate(&unit);
                unit.take_effect(fate, &mut self.files, &mut self.names);
            } else {
                self.pending.push(unit);
            }
        }
    }

    /// What is found where the units have these fates; those beyond the end of the list are lost.
    pub fn state(&self, fates: &[Fate]) -> Files {
        let ordered = if self.journals_in_order { Some(self.in_order(fates)) } else { None };
        let fates = ordered.as_deref().unwrap_or(fates);
        let mut names = self.names.clone();
        for (unit, fate) in self.pending.iter().zip(fates) {
            if unit.file().is_none() {
                unit.take_effect(*fate, &mut BTreeMap::new(), &mut names);
            }
        }
        let mut files: BTreeMap<FileNo, Vec<u8>> =
            names.values().filter_map(|no| self.files.get(no).map(|bytes| (*no, bytes.clone()))).collect();
        for (unit, fate) in self.pending.iter().zip(fates) {
            if unit.file().is_some() {
                unit.take_effect(*fate, &mut files, &mut names);
            }
        }
        names.into_iter().map(|(name, no)| (name, files.remove(&no).unwrap_or_default())).collect()
    }

    /// A state in which every unit fared as it may.
    pub fn random_state(&self, random: &mut Random) -> Files {
        let fates = self.random_fates(random);
        self.state(&fates)
    }

    /// Fates as they may come together: of all kinds, or leaning to one side.
    pub fn random_fates(&self, random: &mut Random) -> Vec<Fate> {
        let kept = *random.pick(&[500, 2000, 5000, 8000, 9500]);
        let torn = *random.pick(&[0, 0, 500, 3000]);
        let ends: BTreeMap<FileNo, u64> = self.files.iter().map(|(no, bytes)| (*no, bytes.len() as u64)).collect();
        let fate = |unit: &Unit| {
            if let Unit::Sector(file, offset, _, range) = unit
                && random.chance(torn)
            {
                let beyond = *offset >= ends.get(file).copied().unwrap_or(0);
                return match random.below(if beyond { 4 } else { 2 }) {
                    0 => Fate::Head(random.bits() as u8),
                    1 => Fate::Tail(random.bits() as u8),
                    2 => Fate::Zeros,
                    _ if range.len() > 1 => Fate::Garbage,
                    _ => Fate::Zeros,
                };
            }
            if random.chance(kept) { Fate::Kept } else { Fate::Lost }
        };
        self.pending.iter().map(fate).collect()
    }
}

impl Unit {
    /// The file whose sync makes it durable; `None` for names.
    pub fn file(&self) -> Option<FileNo> {
        match self {
            Unit::Sector(file, ..) | Unit::Size(file, _) => Some(*file),
            Unit::Link(..) | Unit::Unlink(_) => None,
        }
    }

    fn take_effect(&self, fate: Fate, files: &mut BTreeMap<FileNo, Vec<u8>>, names: &mut BTreeMap<PathBuf, FileNo>) {
        if fate == Fate::Lost {
            return;
        }
        match self {
            Unit::Sector(file, offset, bytes, range) => {
                let Some(content) = files.get_mut(file) else { return };
                put(content, *offset as usize, &bytes[range.clone()], fate);
            }
            Unit::Size(file, size) => {
                if let Some(content) = files.get_mut(file) {
                    content.resize(*size as usize, 0);
                }
            }
            Unit::Link(name, file) => drop(names.insert(name.clone(), *file)),
            Unit::Unlink(name) => drop(names.remove(name)),
        }
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8], fate: Fate) {
    let end = at + bytes.len();
    let before = content.len();
    if before < end {
        content.resize(end, 0);
    }
    let part = |n: u8| bytes.len() * usize::from(n) / 256;
    match fate {
        Fate::Lost | Fate::Zeros => {}
        Fate::Kept => content[at..end].copy_from_slice(bytes),
        Fate::Head(n) => content[at..at + part(n)].copy_from_slice(&bytes[..part(n)]),
        Fate::Tail(n) => content[end - part(n)..end].copy_from_slice(&bytes[bytes.len() - part(n)..]),
        Fate::Garbage => {
            let mut random = Random::new(at as u64 ^ 0xbad);
            content[at..end].fill_with(|| random.bits() as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(file: FileNo, offset: u64, byte: u8, len: usize) -> Event {
        Event::Write { file, offset, bytes: vec![byte; len].into() }
    }

    fn platter() -> Platter {
        let mut p = Platter::new(512);
        p.apply(&Event::Link("/a".into(), 1));
        p.apply(&write(1, 0, 1, 1024));
        p.apply(&Event::Sync(1));
        p
    }

    #[test]
    fn a_name_is_durable_after_the_sync_of_its_directory() {
        let mut p = platter();
        assert_eq!(p.state(&[]), vec![]);
        assert_eq!(p.state(&[Fate::Kept]), vec![("/a".into(), vec![1; 1024])]);
        p.apply(&Event::SyncDirectory);
        p.apply(&Event::Unlink("/a".into()));
        assert_eq!(p.state(&[]).len(), 1);
        p.apply(&Event::SyncDirectory);
        assert_eq!((p.state(&[]), p.pending().len()), (vec![], 0));
    }

    #[test]
    fn sectors_are_lost_one_by_one_and_torn() {
        let mut p = platter();
        p.apply(&Event::SyncDirectory);
        p.apply(&write(1, 256, 2, 1024));
        assert_eq!(p.pending().len(), 3);
        let state = |fates: &[Fate]| p.state(fates).remove(0).1;
        let expect = |parts: &[(u8, usize)]| -> Vec<u8> { parts.iter().flat_map(|(b, n)| vec![*b; *n]).collect() };
        assert_eq!(state(&[Fate::Kept]), expect(&[(1, 256), (2, 256), (1, 512)]));
        assert_eq!(state(&[Fate::Lost, Fate::Head(128)]), expect(&[(1, 512), (2, 256), (1, 256)]));
        assert_eq!(state(&[Fate::Lost, Fate::Lost, Fate::Tail(128)]), expect(&[(1, 1024), (0, 128), (2, 128)]));
        assert_eq!(state(&[Fate::Lost, Fate::Lost, Fate::Zeros]), expect(&[(1, 1024), (0, 256)]));
    }

    #[test]
    fn a_sync_that_failed_is_not_made_good_by_the_next() {
        let mut p = platter();
        p.apply(&Event::SyncDirectory);
        let lost = (0..64).any(|seed| {
            let mut p = p.clone();
            p.apply(&write(1, 0, 3, 512));
            p.apply(&Event::FailedSync(1, seed));
            p.apply(&Event::Sync(1));
            p.state(&[]).remove(0).1[0] == 1
        });
        assert!(lost);
    }
}

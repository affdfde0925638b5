//! What a function of the application keeps between its calls: a compiled pattern, say, that its constant argument gave.
//!
//! Data belongs to one argument at one place of a statement. It stays until the statement (or the run of the trigger body
//! that the place is in) ends, and only if that argument is the same in every call: otherwise it goes after the call.
//! Built-in functions ask first whether it is.

use std::any::Any;

/// One piece of data: the place that it was kept at, the argument, the data.
pub type AuxiliaryEntry = (u32, i32, Box<dyn Any + Send>);

/// Place of data that belongs to no argument (a negative number): all calls of the program share it.
const SHARED: u32 = u32::MAX;

/// The data that one place of a statement has kept.
pub struct AuxiliaryData<'a> {
    entries: &'a mut Vec<AuxiliaryEntry>,
    place: u32,
    constant: u32,
}

impl<'a> AuxiliaryData<'a> {
    /// The data of this place among those of its program. `constant` has a bit for each of the first 32 arguments: it is the
    /// same in every call.
    pub fn new(entries: &'a mut Vec<AuxiliaryEntry>, place: u32, constant: u32) -> Self {
        Self { entries, place, constant }
    }

    /// True when this argument is the same in every call.
    #[inline]
    pub fn is_constant(&self, argument: i32) -> bool {
        (0..32).contains(&argument) && self.constant >> argument & 1 == 1
    }

    fn position(&self, argument: i32) -> Option<usize> {
        let place = if argument < 0 { SHARED } else { self.place };
        self.entries.iter().position(|(p, a, _)| *p == place && *a == argument)
    }

    /// What was kept for this argument.
    pub fn get(&mut self, argument: i32) -> Option<&mut (dyn Any + Send)> {
        let at = self.position(argument)?;
        self.entries.get_mut(at).map(|(_, _, data)| &mut **data)
    }

    /// Keep `data` for this argument; what was kept before goes.
    pub fn set(&mut self, argument: i32, data: Box<dyn Any + Send>) {
        match self.position(argument).and_then(|at| self.entries.get_mut(at)) {
            Some((_, _, kept)) => *kept = data,
            None => {
                let place = if argument < 0 { SHARED } else { self.place };
                self.entries.push((place, argument, data));
            }
        }
    }

    /// The call is over: what belongs to arguments that may differ in the next one goes. `constant` has a bit for each of
    /// the first 32 arguments.
    pub fn keep_constant(entries: &mut Vec<AuxiliaryEntry>, place: u32, constant: u32) {
        let stays = |argument: i32| argument < 0 || (argument < 32 && constant >> argument & 1 == 1);
        entries.retain(|(p, argument, _)| *p != place || stays(*argument));
    }
}

impl std::fmt::Debug for AuxiliaryData<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuxiliaryData").field("place", &self.place).finish_non_exhaustive()
    }
}

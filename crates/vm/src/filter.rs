//! Bloom filters: a key that is certainly not in a table need not be looked up there.
//!
//! What compares equal must hash equal. An integer and a real may be equal, and which texts are is the collation's affair,
//! so numbers hash by their integer part and all texts alike: such keys filter nothing but lose nothing either.

use turso_error::Result;
use turso_program::sorter::{Filter, FilterAdd};
use turso_program::{Program, Reg, Regs};
use turso_value::Value;

use crate::dispatch::{Exec, Flow};
use crate::frame::Object;
use crate::run::internal;
use crate::{Host, Vm};

const BITS: u64 = 1 << 19;

/// A set of keys that answers "perhaps" or "no".
pub(crate) struct BloomFilter {
    words: Box<[u64]>,
}

impl BloomFilter {
    fn new() -> Self {
        Self { words: vec![0; (BITS / 64) as usize].into_boxed_slice() }
    }

    #[inline]
    fn place(hash: u64) -> (usize, u64) {
        let bit = hash % BITS;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    #[inline]
    fn add(&mut self, hash: u64) {
        let (word, bit) = Self::place(hash);
        self.words[word] |= bit;
    }

    #[inline]
    fn may_contain(&self, hash: u64) -> bool {
        let (word, bit) = Self::place(hash);
        self.words[word] & bit != 0
    }
}

#[inline]
fn hash(key: &[Value]) -> u64 {
    let mut hash = 0u64;
    for value in key {
        let part = match value {
            Value::Integer(i) => *i as u64,
            Value::Real(r) => *r as i64 as u64,
            Value::Text(_) => 0x7e87,
            Value::Blob(_) => 0xb10b,
            Value::Null => 0x2011,
        };
        hash = (hash.rotate_left(5) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    // The high bits of a product are the well-mixed ones.
    hash >> 32
}

impl Vm {
    #[inline]
    fn bloom_filter(&mut self, filter: Reg) -> Result<&mut BloomFilter> {
        let in_use = self.frame.mark_object(filter);
        let object = self.frame.object(filter);
        if !in_use {
            *object = Object::Filter(Box::new(BloomFilter::new()));
        }
        match object {
            Object::Filter(filter) => Ok(filter),
            _ => Err(internal("register holds no filter")),
        }
    }

    #[inline]
    fn key_hash(&self, key: Regs) -> u64 {
        hash(self.frame.registers.block(key))
    }
}

impl Exec for FilterAdd {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let hash = vm.key_hash(self.key);
        vm.bloom_filter(self.filter)?.add(hash);
        Ok(Flow::NEXT)
    }
}

impl Exec for Filter {
    #[inline]
    fn exec<H: Host>(&self, vm: &mut Vm, _: &Program, _: &mut H) -> Result<Flow> {
        let hash = vm.key_hash(self.key);
        let absent = !vm.bloom_filter(self.filter)?.may_contain(hash);
        let counters = &mut vm.run.counters;
        *(if absent { &mut counters.filter_hits } else { &mut counters.filter_misses }) += 1;
        Flow::jump_if(absent, self.absent)
    }
}

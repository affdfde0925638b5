//! Checking a pipeline: every slot exists, is written once, and is there when it is read.

use std::sync::Arc;

use turso_value::KeyInfo;

use super::{BatchOp, BatchPlan, BatchSink, BatchStep, Slot};
use crate::cursor::TreeKind;

/// The slots of a plan while its steps are followed.
struct Slots {
    written: Vec<bool>,
    live: Vec<bool>,
    /// Slots that are there all the time.
    constants: Vec<bool>,
}

impl Slots {
    fn write(&mut self, slot: Slot) -> Result<(), String> {
        let count = self.written.len();
        match self.written.get_mut(slot.index()) {
            None => Err(format!("slot {} of {count}", slot.0)),
            Some(true) => Err(format!("slot {} is written twice", slot.0)),
            Some(known) => {
                *known = true;
                self.live[slot.index()] = true;
                Ok(())
            }
        }
    }

    fn read(&self, slot: Slot) -> Result<(), String> {
        match self.live.get(slot.index()) {
            Some(true) => Ok(()),
            _ => Err(format!("slot {} is read and not there", slot.0)),
        }
    }

    /// Only the constants are left.
    fn forget(&mut self) {
        self.live.clone_from(&self.constants);
    }
}

impl BatchPlan {
    /// The first thing wrong with this pipeline, as a text for the developer.
    pub(crate) fn verify(&self) -> Result<(), String> {
        let none = vec![false; usize::from(self.slots)];
        let mut slots = Slots { written: none.clone(), live: none.clone(), constants: none };
        self.constants.iter().try_for_each(|(slot, _)| slots.write(*slot))?;
        slots.constants.clone_from(&slots.live);
        for (i, build) in self.builds.iter().enumerate() {
            slots.forget();
            self.verify_steps(&build.steps, &mut slots, i)?;
            build.keys.iter().chain(&build.columns).try_for_each(|slot| slots.read(*slot))?;
            if build.keys.len() != build.key.columns.len() {
                return Err(format!("{} keys compared by {}", build.keys.len(), build.key.columns.len()));
            }
            if build.order.iter().any(|column| usize::from(*column) >= build.columns.len()) {
                return Err("rows of a key in the order of a column that is not kept".to_string());
            }
        }
        slots.forget();
        self.verify_steps(&self.steps, &mut slots, self.builds.len())?;
        let compared: Vec<(usize, &Arc<KeyInfo>)> = match &self.sink {
            BatchSink::Groups(groups) => vec![(groups.keys.len(), &groups.order)],
            BatchSink::Rows(rows) => vec![(rows.keys.len(), &rows.order), (rows.columns.len(), &rows.equality)],
            BatchSink::Stream(_) if self.scan.kind != TreeKind::Table || !self.builds.is_empty() => {
                return Err("a stream that cannot be gone on with".to_string());
            }
            BatchSink::Stream(_) => Vec::new(),
        };
        if compared.iter().any(|(count, how)| *count > how.columns.len()) {
            return Err("the sink compares more than it knows how to".to_string());
        }
        let mut result = Ok(());
        self.sink.visit_slots(&mut |slot| {
            if result.is_ok() {
                result = slots.read(slot);
            }
        });
        result
    }

    /// `builds`: how many sides have been built.
    fn verify_steps(&self, steps: &[BatchStep], slots: &mut Slots, builds: usize) -> Result<(), String> {
        let mut expanded = false;
        for step in steps {
            match step {
                BatchStep::Load(columns) => {
                    columns.iter().try_for_each(|column| slots.write(column.dest))?;
                    if expanded || !columns.is_sorted_by_key(|column| column.field) {
                        return Err("columns are loaded out of order".to_string());
                    }
                }
                BatchStep::Compute { op, dest } => {
                    let mut result = Ok(());
                    op.visit_slots(&mut |slot| {
                        if result.is_ok() {
                            result = slots.read(slot);
                        }
                    });
                    result?;
                    if matches!(op, BatchOp::LookUp { build, .. } if usize::from(*build) >= builds) {
                        return Err("a side is looked up that is not built".to_string());
                    }
                    slots.write(*dest)?;
                }
                BatchStep::Filter { condition, keep, .. } => {
                    slots.read(*condition)?;
                    keep.iter().try_for_each(|slot| slots.read(*slot))?;
                    slots.forget();
                    keep.iter().for_each(|slot| slots.live[slot.index()] = true);
                }
                BatchStep::Measure(measure) => {
                    if expanded || !self.constants.iter().any(|(slot, _)| *slot == measure.operand) {
                        return Err("a vector is measured that is not there".to_string());
                    }
                    slots.write(measure.column.dest)?;
                }
                BatchStep::Contend { keys, keep, .. } => {
                    let sorted = match &self.sink {
                        BatchSink::Rows(rows) => rows.keep.is_some() && !rows.distinct && rows.keys == *keys,
                        _ => false,
                    };
                    if !sorted || builds != self.builds.len() {
                        return Err("rows contend for what the sink does not give".to_string());
                    }
                    keep.iter().try_for_each(|slot| slots.read(*slot))?;
                    slots.forget();
                    keep.iter().for_each(|slot| slots.live[slot.index()] = true);
                }
                BatchStep::Expand { build, found, carry, take, .. } => {
                    expanded = true;
                    slots.read(*found)?;
                    carry.iter().try_for_each(|(from, _)| slots.read(*from))?;
                    slots.forget();
                    carry.iter().try_for_each(|(_, to)| slots.write(*to))?;
                    let kept = self.builds.get(usize::from(*build)).map_or(0, |build| build.columns.len());
                    for (column, slot) in take {
                        if usize::from(*build) >= builds || usize::from(*column) >= kept {
                            return Err(format!("column {column} of a side that does not have it"));
                        }
                        slots.write(*slot)?;
                    }
                }
            }
        }
        Ok(())
    }
}

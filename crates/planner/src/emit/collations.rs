//! The collations of a finished program: the schema knows those of the application only by name, a program carries the
//! connection's functions.
//!
//! What a program does not mention need not exist, so an unknown collation in a schema spoils nothing but its own use.

use std::sync::Arc;

use turso_error::Result;
use turso_program::cursor::TreeKind;
use turso_program::{Instruction, Program};
use turso_value::{Collation, KeyInfo};

use super::missing_collation;
use crate::context::{Catalogue, PlanContext};

/// Put the connection's functions in the places of collations that are only named; `no such collation sequence: x` where
/// there is none.
pub(crate) fn resolve_collations(context: &PlanContext<'_>, program: &mut Program) -> Result<()> {
    let catalogue = context.catalogue;
    for collation in &mut program.collations {
        resolve(catalogue, collation)?;
    }
    let instructions: &mut [Instruction] =
        if program.names_collations { program.instructions.as_mut_slice() } else { &mut [] };
    for instruction in instructions {
        if let Some(key) = key_of(instruction)
            && key.columns.iter().any(|c| is_custom(&c.collation))
        {
            for column in &mut Arc::make_mut(key).columns {
                resolve(catalogue, &mut column.collation)?;
            }
        }
    }
    for body in &mut program.subprograms {
        resolve_collations(context, Arc::make_mut(body))?;
    }
    Ok(())
}

fn is_custom(collation: &Collation) -> bool {
    matches!(collation, Collation::Custom(_))
}

fn resolve(catalogue: &dyn Catalogue, collation: &mut Collation) -> Result<()> {
    if let Collation::Custom(function) = &*collation {
        let found = catalogue.collation(function.name());
        *collation = found.ok_or_else(|| missing_collation(function.name()))?;
    }
    Ok(())
}

/// The key that an instruction compares by.
fn key_of(instruction: &mut Instruction) -> Option<&mut Arc<KeyInfo>> {
    match instruction {
        Instruction::OpenRead(i) => tree_key(&mut i.kind),
        Instruction::OpenWrite(i) => tree_key(&mut i.kind),
        Instruction::OpenEphemeral(i) => i.key.as_mut(),
        Instruction::SorterOpen(i) => Some(&mut i.key),
        Instruction::SetOpen(i) => Some(&mut i.key),
        Instruction::Compare(i) => Some(&mut i.key),
        _ => None,
    }
}

fn tree_key(kind: &mut TreeKind) -> Option<&mut Arc<KeyInfo>> {
    match kind {
        TreeKind::Index(key) => Some(key),
        _ => None,
    }
}

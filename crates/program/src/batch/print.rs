//! Pipelines in a listing: `s3=r5; scan db0 p2; load s0=f1 s1=f4; s2=Lt(s0,s3); filter s2; groups [] count() sum(s1)`.

use std::fmt;

use super::{BatchAggregate, BatchColumn, BatchField, BatchOp, BatchPlan, BatchScan, BatchSink, BatchStep, Slot};

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// `a,b,c`.
fn list(f: &mut fmt::Formatter<'_>, slots: &[Slot]) -> fmt::Result {
    for (i, slot) in slots.iter().enumerate() {
        write!(f, "{}{slot}", if i == 0 { "" } else { "," })?;
    }
    Ok(())
}

/// A scan and its steps.
fn scan(f: &mut fmt::Formatter<'_>, scan: &BatchScan, steps: &[BatchStep]) -> fmt::Result {
    write!(f, "scan {} {}{}", scan.db, scan.root, if scan.reverse { " back" } else { "" })?;
    if let Some(low) = scan.low {
        write!(f, " {}{}", if low.inclusive { ">=" } else { ">" }, low.value)?;
    }
    if let Some(high) = scan.high {
        write!(f, " {}{}", if high.inclusive { "<=" } else { "<" }, high.value)?;
    }
    for step in steps {
        match step {
            BatchStep::Load(columns) => {
                f.write_str("; load")?;
                columns.iter().try_for_each(|column| write!(f, " {column}"))?;
            }
            BatchStep::Compute { op, dest } => write!(f, "; {dest}={op}")?,
            BatchStep::Filter { condition, .. } => write!(f, "; filter {condition}")?,
            BatchStep::Measure(measure) => {
                let column = BatchColumn { dest: measure.operand, ..measure.column.clone() };
                write!(f, "; {}={}({column})", measure.column.dest, measure.function.name)?;
            }
            BatchStep::Contend { keys, .. } => {
                f.write_str("; contend [")?;
                list(f, keys)?;
                f.write_str("]")?;
            }
            BatchStep::Expand { build, found, outer, carry, take } => {
                write!(f, "; {}join b{build} {found}", if *outer { "left " } else { "" })?;
                carry.iter().try_for_each(|(from, to)| write!(f, " {to}={from}"))?;
                take.iter().try_for_each(|(column, to)| write!(f, " {to}=c{column}"))?;
            }
        }
    }
    Ok(())
}

impl fmt::Display for BatchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (slot, reg) in &self.constants {
            write!(f, "{slot}={reg}; ")?;
        }
        for (i, build) in self.builds.iter().enumerate() {
            write!(f, "b{i}: ")?;
            scan(f, &build.scan, &build.steps)?;
            f.write_str("; keys [")?;
            list(f, &build.keys)?;
            f.write_str("] keep [")?;
            list(f, &build.columns)?;
            f.write_str("]; ")?;
        }
        scan(f, &self.scan, &self.steps)?;
        match &self.sink {
            BatchSink::Groups(groups) => {
                f.write_str(if groups.sorted { "; sorted groups [" } else { "; groups [" })?;
                list(f, &groups.keys)?;
                f.write_str("]")?;
                groups.aggregates.iter().try_for_each(|aggregate| write!(f, " {aggregate}"))?;
                groups.first.iter().try_for_each(|slot| write!(f, " {slot}"))
            }
            BatchSink::Rows(rows) => {
                f.write_str(if rows.distinct { "; distinct rows [" } else { "; rows [" })?;
                list(f, &rows.columns)?;
                f.write_str("] by [")?;
                list(f, &rows.keys)?;
                f.write_str("]")?;
                rows.keep.map_or(Ok(()), |keep| write!(f, " first {keep}"))
            }
            BatchSink::Stream(columns) => {
                f.write_str("; stream [")?;
                list(f, columns)?;
                f.write_str("]")
            }
        }
    }
}

impl fmt::Display for BatchColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            BatchField::Rowid | BatchField::IndexRowid => write!(f, "{}=rowid", self.dest),
            BatchField::Field(field) => write!(f, "{}=f{field}", self.dest),
        }
    }
}

impl fmt::Display for BatchAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}", self.function.name, if self.distinct { "distinct " } else { "" })?;
        list(f, &self.args)?;
        f.write_str(")")?;
        if let Some(filter) = self.filter {
            write!(f, " where {filter}")?;
        }
        Ok(())
    }
}

impl fmt::Display for BatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BatchOp::Arithmetic { op, .. } => write!(f, "{op:?}")?,
            BatchOp::Bitwise { op, .. } => write!(f, "{op:?}")?,
            BatchOp::BitNot(_) => f.write_str("BitNot")?,
            BatchOp::Concat { .. } => f.write_str("Concat")?,
            BatchOp::Compare { op, null_equal, .. } => {
                write!(f, "{}{op:?}", if *null_equal { "Is" } else { "" })?;
            }
            BatchOp::And(..) => f.write_str("And")?,
            BatchOp::Or(..) => f.write_str("Or")?,
            BatchOp::Not(_) => f.write_str("Not")?,
            BatchOp::IsTrue { .. } => f.write_str("IsTrue")?,
            BatchOp::IsNull { negated, .. } => f.write_str(if *negated { "NotNull" } else { "IsNull" })?,
            BatchOp::In { negated, .. } => f.write_str(if *negated { "NotIn" } else { "In" })?,
            BatchOp::Select { .. } => f.write_str("Select")?,
            BatchOp::Cast { affinity, .. } => write!(f, "Cast{affinity:?}")?,
            BatchOp::LookUp { build, .. } => write!(f, "LookUp:b{build}")?,
            BatchOp::Call { function, .. } => f.write_str(&function.name)?,
        }
        let mut slots = Vec::new();
        self.visit_slots(&mut |slot| slots.push(slot));
        f.write_str("(")?;
        list(f, &slots)?;
        f.write_str(")")
    }
}

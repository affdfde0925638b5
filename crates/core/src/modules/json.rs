//! `json_each` and `json_tree`, and their twins that give containers as JSONB.

use std::sync::Arc;

use turso_error::Result;
use turso_functions::Context;
use turso_functions::json::table::{COLUMNS, Rows, given};
use turso_value::Value;
use turso_vtab::{
    Answer, Argument, Arguments, Connected, ConstraintOp, Cursor, Module, ModuleKind, OrderTerm, Output, Question,
    Session, VirtualTable,
};

use super::NamedModule;

/// The hidden columns.
const JSON: u16 = 8;
const ROOT: u16 = 9;

#[derive(Debug, Clone, Copy)]
struct Walk {
    /// All elements, not only the members of one.
    recursive: bool,
    /// Containers come as JSONB.
    binary: bool,
}

pub(super) fn modules() -> Vec<NamedModule> {
    let list = [
        ("json_each", false, false),
        ("json_tree", true, false),
        ("jsonb_each", false, true),
        ("jsonb_tree", true, true),
    ];
    list.map(|(name, recursive, binary)| (Arc::from(name), Arc::new(Walk { recursive, binary }) as Arc<dyn Module>))
        .into()
}

impl Module for Walk {
    fn kind(&self) -> ModuleKind {
        ModuleKind::Eponymous
    }

    fn connect(&self, _: &mut dyn Session, _: &Arguments<'_>) -> Result<Connected> {
        let [columns @ .., json, root] = COLUMNS;
        let declaration = format!("CREATE TABLE x({},{json} HIDDEN,{root} HIDDEN)", columns.join(","));
        Ok(Connected::new(Arc::new(*self), declaration).innocuous())
    }
}

impl VirtualTable for Walk {
    fn best_index(&self, question: &Question) -> Result<Option<Answer>> {
        let mut answer = Answer::new(question);
        let (mut json, mut root) = (None, None);
        let mut unusable = 0;
        for (i, constraint) in question.constraints.iter().enumerate() {
            let Some(column @ (JSON | ROOT)) = constraint.column else { continue };
            if !constraint.usable {
                unusable |= 1 << (column - JSON);
            } else if constraint.op == ConstraintOp::Equal {
                *(if column == JSON { &mut json } else { &mut root }) = Some(i);
            }
        }
        if json.is_some() {
            unusable &= !1;
        }
        if root.is_some() {
            unusable &= !2;
        }
        if unusable != 0 {
            // Without its arguments this scan means nothing.
            return Ok(None);
        }
        let Some(json) = json else { return Ok(Some(answer)) };
        answer.cost = 1.0;
        answer.number = 1;
        for (argument, at) in std::iter::once(json).chain(root).enumerate() {
            answer.usage[at].argument = argument + 1;
            answer.usage[at].omit = true;
        }
        if root.is_some() {
            answer.number = 3;
        }
        answer.order_consumed = question.order_by == [OrderTerm { column: None, descending: false }];
        Ok(Some(answer))
    }

    fn open(&self, _: &mut dyn Session) -> Result<Box<dyn Cursor>> {
        Ok(Box::new(WalkCursor { walk: *self, rows: None, json: Value::Null, root: Value::Null }))
    }
}

struct WalkCursor {
    walk: Walk,
    /// `None` past the last row.
    rows: Option<Rows>,
    json: Value,
    root: Value,
}

impl Cursor for WalkCursor {
    fn filter(&mut self, _: &mut dyn Session, number: i32, _: Option<&str>, arguments: &[Argument]) -> Result<()> {
        self.rows = None;
        self.json = arguments.first().map_or(Value::Null, |a| a.value().clone());
        self.root = arguments.get(1).map_or_else(|| Value::from("$"), |a| a.value().clone());
        if number == 0 {
            return Ok(());
        }
        let path = arguments.get(1).map(Argument::value);
        self.rows = Rows::open(&self.json, path, self.walk.recursive)?;
        self.advance()
    }

    fn next(&mut self, _: &mut dyn Session) -> Result<()> {
        self.advance()
    }

    fn at_end(&self) -> bool {
        self.rows.is_none()
    }

    fn column(&mut self, session: &mut dyn Session, index: usize, output: &mut Output<'_>) -> Result<()> {
        let Some(rows) = &self.rows else { return Ok(()) };
        match index {
            8 => given(&self.json, output.value),
            9 => output.value.assign(self.root.as_ref()),
            _ => {
                let mut context = Context::new(output.value, session.environment());
                rows.column(index, self.walk.binary, &mut context)?;
                output.subtype = context.result_subtype;
            }
        }
        Ok(())
    }

    fn rowid(&mut self, _: &mut dyn Session) -> Result<i64> {
        Ok(self.rows.as_ref().map_or(0, Rows::rowid))
    }
}

impl WalkCursor {
    fn advance(&mut self) -> Result<()> {
        if let Some(rows) = &mut self.rows
            && !rows.advance()?
        {
            self.rows = None;
        }
        Ok(())
    }
}

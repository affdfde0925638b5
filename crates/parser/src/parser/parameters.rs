//! Parameters: their numbers and names.

use std::sync::Arc;

use super::{MAX_VARIABLE_NUMBER, Parser, Result};
use crate::ast::{Expr, Variable};
use crate::error::SyntaxError;
use crate::token::Token;

impl Parser<'_> {
    pub(super) fn variable(&mut self) -> Result<Expr> {
        let token = self.tok;
        self.advance();
        let (index, name) = match self.bytes(token) {
            b"?" => (self.parameters.count + 1, None),
            [b'?', digits @ ..] => {
                let number = digits.iter().try_fold(0u32, |n, d| n.checked_mul(10)?.checked_add(u32::from(d - b'0')));
                let Some(index) = number.filter(|n| (1..=MAX_VARIABLE_NUMBER).contains(n)) else {
                    self.complain(SyntaxError::new("variable number must be between ?1 and ?32766"));
                    return Ok(Expr::NULL);
                };
                (index, Some(self.shared_text(token)))
            }
            [b'#', digit, ..] if digit.is_ascii_digit() => {
                let error = SyntaxError { offset: None, ..self.near(token) };
                self.complain(error);
                return Ok(Expr::NULL);
            }
            _ => {
                let name = self.shared_text(token);
                (self.named_parameter(&name).unwrap_or(self.parameters.count + 1), Some(name))
            }
        };
        if index > MAX_VARIABLE_NUMBER {
            self.complain(SyntaxError::at(token.start, "too many SQL variables"));
            return Ok(Expr::NULL);
        }
        self.parameters.count = self.parameters.count.max(index);
        if let Some(name) = &name
            && self.named_parameter(name).is_none()
        {
            self.add_parameter_name(index, name);
        }
        Ok(Expr::Variable(Variable { index, name }))
    }

    fn shared_text(&self, token: Token) -> Arc<str> {
        String::from_utf8_lossy(self.bytes(token)).into()
    }

    fn named_parameter(&self, name: &str) -> Option<u32> {
        if self.parameter_index.is_empty() {
            self.parameters.index(name)
        } else {
            self.parameter_index.get(name).copied()
        }
    }

    fn add_parameter_name(&mut self, index: u32, name: &Arc<str>) {
        const FEW: usize = 16;
        self.parameters.names.push((index, name.clone()));
        let names = &self.parameters.names;
        if names.len() > FEW {
            if self.parameter_index.is_empty() {
                self.parameter_index.extend(names.iter().map(|(index, name)| (name.clone(), *index)));
            } else {
                self.parameter_index.insert(name.clone(), index);
            }
        }
    }
}

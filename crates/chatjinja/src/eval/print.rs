//! Printing: `{{ expression }}`.

use crate::ir::{Const, Expr, ExprKind, Operator};
use crate::ops::arithmetic;
use crate::ops::strings::{self, to_str};
use crate::provenance::{Provenance, Str};
use crate::runtime::{EvalResult, Interpreter, PyError, PyErrorKind, Value};

/// A text longer than this is charged when it is printed.
const LONG: usize = 1024;

impl<'d> Interpreter<'d> {
    /// Prints an expression. Strings that are only joined to be printed are printed one by one.
    pub(super) fn print(&mut self, expr: &'d Expr) -> EvalResult<()> {
        match &expr.kind {
            ExprKind::Const(Const::Str(text)) if !self.autoescape => {
                self.write_fixed(text);
                self.check_output()
            }
            ExprKind::Sum(operands) if !self.autoescape => self.print_sum(operands, expr),
            // `~` turns each operand into text.
            ExprKind::Concat(operands, _) if !self.autoescape => {
                operands.iter().try_for_each(|operand| self.print(operand))
            }
            ExprKind::If { test, yes, no } => match (self.test(test)?, no) {
                (true, _) => self.print(yes),
                (false, Some(no)) => self.print(no),
                (false, None) => Ok(()),
            },
            _ => {
                let value = self.eval(expr)?;
                self.emit(&value).map_err(|error| error.at(expr.span))
            }
        }
    }

    /// Prints text of the template.
    #[inline]
    pub(super) fn write_fixed(&mut self, text: &str) {
        let start = self.out.text.len();
        self.out.text.push_str(text);
        if self.tracked().template {
            self.out.add_span(start, self.out.text.len(), Provenance::Template);
        }
    }

    /// Prints a sum: strings one by one, up to the first operand that is not a string.
    fn print_sum(&mut self, operands: &'d [Expr], expr: &'d Expr) -> EvalResult<()> {
        let tracked = self.tracked();
        let start = self.out.text.len();
        let mut rest = operands.iter();
        let mut total = loop {
            let Some(operand) = rest.next() else { return self.check_output() };
            if let ExprKind::Const(Const::Str(text)) = &operand.kind {
                self.write_fixed(text);
                continue;
            }
            match self.eval(operand)? {
                Value::Str(text) if !text.is_markup() => {
                    text.append_to(&mut self.out, tracked);
                    if text.len() > LONG {
                        self.budget.search(text.weight())?;
                        self.check_output()?;
                    }
                }
                other if self.out.text.len() == start && std::ptr::eq(operand, &operands[0]) => break other,
                other => {
                    // The text that was printed so far is the left side of the sum.
                    let before = Value::Str(Str::from_text(self.out.split_off(start)));
                    break arithmetic::apply(self, Operator::Add, &before, &other)
                        .map_err(|error| error.at(expr.span))?;
                }
            }
        };
        for operand in rest {
            let value = self.eval(operand)?;
            total = arithmetic::apply(self, Operator::Add, &total, &value).map_err(|error| error.at(expr.span))?;
        }
        self.emit(&total)
    }

    /// Prints the result of a block with a filter or a call, which must be a text. Jinja2 joins it as it is.
    pub(super) fn emit_text(&mut self, value: &Value<'d>) -> EvalResult<()> {
        let Value::Str(text) = value else {
            let text = format!("sequence item 0: expected str instance, {} found", value.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        };
        self.emit(&Value::Str(text.clone().into_markup()))
    }

    /// Prints a value.
    pub(super) fn emit(&mut self, value: &Value<'d>) -> EvalResult<()> {
        let tracked = self.tracked();
        match value {
            Value::Str(text) if self.autoescape => {
                strings::escaped(self, text)?.append_to(&mut self.out, tracked);
            }
            Value::Str(text) => {
                if text.len() > LONG {
                    self.budget.search(text.weight())?;
                }
                text.append_to(&mut self.out, tracked);
            }
            Value::Undefined(_) => {}
            other => {
                let text = to_str(self, other)?;
                let text = if self.autoescape { strings::escaped(self, &text)? } else { text };
                text.append_to(&mut self.out, tracked);
            }
        }
        self.check_output()
    }
}

//! `AttributePath`: a path of attributes in an argument of a filter.

use super::str_methods::GROWTH;
use crate::ops::access;
use crate::runtime::{Budget, EvalResult, Interpreter, Value};

/// A path of attributes such as `function.name` or `0.text`.
pub(super) struct AttributePath<'d> {
    parts: Vec<Value<'d>>,
    /// Whether strings are compared in lower case.
    lowers: bool,
    /// The value of attributes that do not exist.
    pub(super) default: Option<Value<'d>>,
}

impl<'d> AttributePath<'d> {
    /// The path in an argument. Without an argument, the path is empty and gives the item itself.
    pub(super) fn of(budget: &Budget<'d>, attribute: Option<&Value<'d>>) -> EvalResult<AttributePath<'d>> {
        let parts = match attribute {
            None | Some(Value::None) => Vec::new(),
            Some(Value::Str(text)) => {
                budget.walk(text.len())?;
                budget.parts(text, text.matches('.').count() + 1)?;
                text.split('.')
                    .map(|part| match part.parse() {
                        Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => Value::Int(index),
                        _ => Value::Str(text.part_of(part)),
                    })
                    .collect()
            }
            Some(other) => vec![other.clone()],
        };
        Ok(AttributePath { parts, lowers: false, default: None })
    }

    /// The same path, which gives strings in lower case if `lowers` is set.
    pub(super) fn lowering(mut self, lowers: bool) -> AttributePath<'d> {
        self.lowers = lowers;
        self
    }

    /// The value at the end of the path.
    pub(super) fn get(&self, interpreter: &mut Interpreter<'d>, item: &Value<'d>) -> EvalResult<Value<'d>> {
        let mut value = item.clone();
        for part in &self.parts {
            value = access::item(interpreter, &value, part)?;
            if let (Some(default), true) = (&self.default, value.is_undefined()) {
                value = default.clone();
            }
        }
        Ok(match value {
            Value::Str(text) if self.lowers => {
                interpreter.charge_change(&text, GROWTH)?;
                Value::text(text.to_lowercase())
            }
            other => other,
        })
    }
}

//! `Path`: an attribute of attributes, as filters take it.

use crate::template::run::{Machine, Run};
use crate::template::value::{Value, access};

/// A path of attributes such as `function.name` or `0.text`.
pub(super) struct Path<'d> {
    parts: Vec<Value<'d>>,
    lowers: bool,
    pub(super) default: Option<Value<'d>>,
}

impl<'d> Path<'d> {
    pub(super) fn of(attribute: Option<&Value<'d>>) -> Path<'d> {
        let parts = match attribute {
            None | Some(Value::None) => Vec::new(),
            Some(Value::Str(text)) => text
                .split('.')
                .map(|part| match part.parse() {
                    Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => Value::Int(index),
                    _ => Value::Str(text.part_of(part)),
                })
                .collect(),
            Some(other) => vec![other.clone()],
        };
        Path { parts, lowers: false, default: None }
    }

    pub(super) fn lowering(mut self, lowers: bool) -> Path<'d> {
        self.lowers = lowers;
        self
    }

    pub(super) fn get(&self, machine: &mut Machine<'d>, item: &Value<'d>) -> Run<Value<'d>> {
        let mut value = item.clone();
        for part in &self.parts {
            value = access::item(machine, &value, part)?;
            if let (Some(default), true) = (&self.default, value.is_undefined()) {
                value = default.clone();
            }
        }
        Ok(match value {
            Value::Str(text) if self.lowers => Value::text(text.to_lowercase()),
            other => other,
        })
    }
}

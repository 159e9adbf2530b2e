//! Iteration: the items of a value for `for`, filters and `*`.

use std::rc::Rc;

use crate::runtime::{Cursor, EvalResult, Interpreter, Object, PyError, PyErrorKind, Value, ViewKind};

/// The size of a tuple of two values, in values.
const TUPLE: usize = 6;

impl<'d> Interpreter<'d> {
    /// All items of a value. An iterator is empty afterwards.
    pub(crate) fn items(&mut self, value: &Value<'d>) -> EvalResult<Vec<Value<'d>>> {
        self.charge_iteration(value)?;
        Ok(match value {
            Value::Undefined(_) => Vec::new(),
            Value::Str(text) => {
                let starts = text.char_indices().map(|(start, character)| start..start + character.len_utf8());
                // The characters of a `Markup` are plain strings.
                starts.map(|range| Value::Str(text.part(range).plain())).collect()
            }
            Value::List(list) => list.iter().collect(),
            Value::Tuple(items) => items.to_vec(),
            Value::Dict(dict) => dict.entries().map(|(key, _)| key).collect(),
            Value::Object(object) => match &**object {
                Object::Range { start, step, .. } => {
                    let count = object.len().unwrap_or(0) as i64;
                    (0..count).map(|at| Value::Int(start + at * step)).collect()
                }
                Object::View(kind, dict) => dict.entries().map(|entry| kind.item(entry)).collect(),
                Object::Group(pair) => pair.to_vec(),
                Object::Generator(_) => self.rest_of(object)?,
                Object::Loop(state) => {
                    self.loop_len(state)?;
                    // A loop gives its remaining items, each with the loop itself, and is empty afterwards.
                    let from = state.index.get() + 1;
                    let rest: Vec<Value<'d>> = state.items.borrow_mut().drain(from..).collect();
                    rest.into_iter().map(|item| Value::tuple(vec![item, value.clone()])).collect()
                }
                _ => return Err(not_iterable(value)),
            },
            _ => return Err(not_iterable(value)),
        })
    }

    /// A place before the first item of a value. Only a generator computes its items while they are taken.
    pub(crate) fn cursor(&mut self, value: &Value<'d>) -> EvalResult<Cursor<'d>> {
        match value {
            Value::Object(object) if matches!(**object, Object::Generator(_)) => {
                Ok(Cursor::Generator(Rc::clone(object)))
            }
            other => self.items(other).map(Cursor::over),
        }
    }

    /// Charges the items of a value, before they are made.
    fn charge_iteration(&self, value: &Value<'d>) -> EvalResult<()> {
        match value {
            Value::Str(text) => {
                self.budget.walk(text.len())?;
                self.budget.parts(text, text.char_count())
            }
            Value::Object(object) => match &**object {
                // Each item is a tuple.
                Object::View(ViewKind::Items, dict) => self.charge_items(dict.len() * TUPLE),
                Object::Loop(state) => self.charge_items(state.items.borrow().len() * TUPLE),
                // A generator charges its work.
                other => self.charge_items(other.len().unwrap_or(0)),
            },
            other => self.charge_items(other.len().unwrap_or(0)),
        }
    }
}

fn not_iterable(value: &Value<'_>) -> PyError {
    PyError::new(PyErrorKind::Type, format!("'{}' object is not iterable", value.type_name()))
}

/// Whether Python can iterate over a value.
pub(crate) fn is_iterable(value: &Value<'_>) -> bool {
    match value {
        Value::Undefined(_) | Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) => true,
        Value::Object(object) => {
            matches!(
                &**object,
                Object::Range { .. } | Object::View(..) | Object::Generator(_) | Object::Group(_) | Object::Loop(_)
            )
        }
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => false,
    }
}

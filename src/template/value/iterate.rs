//! Iteration: what `for`, filters and `*` see of a value.

use super::{Object, Value, ViewKind};
use crate::template::run::{Exception, Machine, Raise, Run};

/// All items of a value. Iterators are used up by it.
pub(crate) fn items<'d>(machine: &mut Machine<'d>, value: &Value<'d>) -> Run<Vec<Value<'d>>> {
    let items: Vec<Value<'d>> = match value {
        Value::Undefined(_) => Vec::new(),
        Value::Str(text) => {
            let starts = text.char_indices().map(|(start, character)| start..start + character.len_utf8());
            // Iteration over a `Markup` gives plain strings.
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
            Object::View(kind, dict) => dict
                .entries()
                .map(|(key, value)| match kind {
                    ViewKind::Keys => key,
                    ViewKind::Values => value,
                    ViewKind::Items => Value::tuple(vec![key, value]),
                })
                .collect(),
            Object::Group(pair) => pair.to_vec(),
            Object::Generator(generator) => {
                // Taken out first, so that a generator which reads itself sees an empty one, as in Python.
                let state = generator.state.take();
                state.rest(machine)?
            }
            Object::Loop(state) => {
                // Iterating over the loop itself uses up what it has left, each with the loop.
                let from = state.index.get() + 1;
                let rest: Vec<Value<'d>> = state.items.borrow_mut().drain(from..).collect();
                rest.into_iter().map(|item| Value::tuple(vec![item, value.clone()])).collect()
            }
            _ => return Err(not_iterable(value)),
        },
        _ => return Err(not_iterable(value)),
    };
    machine.charge_items(items.len())?;
    Ok(items)
}

pub(crate) fn not_iterable(value: &Value<'_>) -> Raise {
    Raise::new(Exception::Type, format!("'{}' object is not iterable", value.type_name()))
}

/// Whether Python can iterate over it.
pub(crate) fn is_iterable(value: &Value<'_>) -> bool {
    match value {
        Value::Undefined(_) | Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) => true,
        Value::Object(object) => {
            matches!(
                &**object,
                Object::Range { .. } | Object::View(..) | Object::Generator(_) | Object::Group(_) | Object::Loop(_)
            )
        }
        _ => false,
    }
}

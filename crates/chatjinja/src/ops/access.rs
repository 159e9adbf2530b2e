//! `value.name` and `value[item]`, by the rules of Jinja2's sandbox.
//!
//! `value.name` prefers a Python attribute and falls back to the item. `value[item]` does the reverse.

use std::rc::Rc;

use super::attributes::python_attribute;
use super::sandbox::{is_private, unsafe_attribute};
use crate::data::Fields;
use crate::ir::FieldName;
use crate::provenance::Str;
use crate::runtime::{
    Dict, EvalResult, Interpreter, Kind, MissingItem, Object, PyError, SMALL, Undefined, Value, range_len,
};

/// `value.name`.
pub(crate) fn attribute<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    name: &'d FieldName,
) -> EvalResult<Value<'d>> {
    // The most common case first: a field of a record.
    if let (Value::Dict(dict), true) = (value, name.only_item) {
        return field(interpreter, dict, &name.text);
    }
    any_attribute(interpreter, value, &name.text)
}

/// `value['name']`.
pub(crate) fn key<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    name: &'d FieldName,
) -> EvalResult<Value<'d>> {
    if let (Value::Dict(dict), true) = (value, name.only_item) {
        return field(interpreter, dict, &name.text);
    }
    item(interpreter, value, &Value::fixed(&name.text))
}

/// The field `name` of an object of the input.
#[inline]
pub(crate) fn input_field<'d>(
    interpreter: &mut Interpreter<'d>,
    fields: &'d Fields<'d>,
    name: &'d str,
) -> EvalResult<Value<'d>> {
    if fields.len() > SMALL {
        return field(interpreter, &Dict::Input(fields), name);
    }
    interpreter.note_read(&Dict::Input(fields), name);
    Ok(match crate::data::field(fields, name) {
        Some(node) => Value::of(node),
        None => Value::Undefined(Undefined::Attribute(Kind::Dict, name)),
    })
}

/// The field `name` of a dict that has no attribute of this name.
pub(crate) fn field<'d>(interpreter: &mut Interpreter<'d>, dict: &Dict<'d>, name: &'d str) -> EvalResult<Value<'d>> {
    interpreter.note_read(dict, name);
    match dict.get_str(&interpreter.budget, name)? {
        Some(found) => Ok(found),
        None => Ok(Value::Undefined(Undefined::Attribute(Kind::Dict, name))),
    }
}

/// `value.name` of any value.
pub(crate) fn any_attribute<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    name: &'d str,
) -> EvalResult<Value<'d>> {
    interpreter.step()?;
    if let Value::Dict(dict) = value {
        interpreter.note_read(dict, name);
    }
    if let Value::Undefined(undefined) = value {
        // An undefined value has Python's private attributes, but no others.
        return match is_private(value, name) {
            true => Ok(unsafe_attribute(name, "Undefined")),
            false => Err(PyError::undefined(undefined)),
        };
    }
    match python_attribute(interpreter, value, name)? {
        Some(found) => Ok(found),
        None => Ok(match subscript(interpreter, value, &Value::fixed(name))? {
            Some(found) => found,
            None => Value::Undefined(Undefined::Attribute(value.kind(), name)),
        }),
    }
}

/// `value[item]`.
pub(crate) fn item<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    item: &Value<'d>,
) -> EvalResult<Value<'d>> {
    interpreter.step()?;
    if let (Value::Dict(dict), Value::Str(name)) = (value, item) {
        interpreter.note_read(dict, name);
    }
    if let Some(found) = subscript(interpreter, value, item)? {
        return Ok(found);
    }
    interpreter.charge_call()?;
    if let Value::Str(name) = item
        && let Some(found) = python_attribute(interpreter, value, name)?
    {
        return Ok(found);
    }
    Ok(missing(value, item))
}

/// `value.name` with a computed name: the attribute, or else the item.
pub(crate) fn attribute_or_item<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    name: &Value<'d>,
) -> EvalResult<Value<'d>> {
    let Value::Str(text) = name else { return item(interpreter, value, name) };
    match python_attribute(interpreter, value, text)? {
        Some(found) => Ok(found),
        None => Ok(subscript(interpreter, value, name)?.unwrap_or_else(|| missing(value, name))),
    }
}

/// The filter `attr`: an attribute, and never an item.
pub(crate) fn only_attribute<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    name: &Str<'d>,
) -> EvalResult<Value<'d>> {
    let found = python_attribute(interpreter, value, name)?;
    Ok(found.unwrap_or_else(|| missing(value, &Value::Str(name.clone()))))
}

/// The undefined value for an item that `value` does not have.
pub(crate) fn missing<'d>(value: &Value<'d>, item: &Value<'d>) -> Value<'d> {
    if let Value::Str(name) = item
        && let Some(name) = name.borrowed()
    {
        return Value::Undefined(Undefined::Attribute(value.kind(), name));
    }
    Value::Undefined(Undefined::Missing(Rc::new(MissingItem { owner: value.kind(), name: item.clone() })))
}

/// Python's `value[item]`. None where Python raises an error that Jinja2 turns into an undefined value.
fn subscript<'d>(interpreter: &Interpreter<'d>, value: &Value<'d>, item: &Value<'d>) -> EvalResult<Option<Value<'d>>> {
    Ok(match value {
        Value::Undefined(undefined) => return Err(PyError::undefined(undefined)),
        Value::Dict(dict) => dict.get(&interpreter.budget, item)?,
        Value::List(list) => index(item, list.len()).and_then(|at| list.get(at)),
        Value::Tuple(items) => index(item, items.len()).map(|at| items[at].clone()),
        // Many templates read fields of contents that may also be strings, so this comes before the characters are counted.
        Value::Str(_) if !matches!(item, Value::Int(_) | Value::Bool(_)) => None,
        Value::Str(text) => {
            interpreter.budget.search(text.weight())?;
            character(text, item)
        }
        Value::Object(object) => match &**object {
            Object::Range { start, stop, step } => {
                index(item, range_len(*start, *stop, *step)).map(|at| Value::Int(start + at as i64 * step))
            }
            Object::Group(pair) => index(item, pair.len()).map(|at| pair[at].clone()),
            Object::Template => {
                interpreter.charge_items(interpreter.program.blocks.len() / 8)?;
                let block = item.as_str().and_then(|name| interpreter.block(name));
                block.map(|block| Value::object(Object::Block(block)))
            }
            _ => None,
        },
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => None,
    })
}

/// The place of an index among `len` items.
fn index(item: &Value<'_>, len: usize) -> Option<usize> {
    let at = match item {
        Value::Int(at) => *at,
        Value::Bool(at) => i64::from(*at),
        _ => return None,
    };
    let at = if at < 0 { at.checked_add(i64::try_from(len).ok()?)? } else { at };
    usize::try_from(at).ok().filter(|at| *at < len)
}

fn character<'d>(text: &Str<'d>, item: &Value<'d>) -> Option<Value<'d>> {
    // Characters of ASCII text are bytes, and need no counting.
    let at = index(item, if text.is_ascii() { text.len() } else { text.char_count() })?;
    let start = if text.is_ascii() { at } else { text.char_indices().nth(at)?.0 };
    let width = text[start..].chars().next()?.len_utf8();
    Some(Value::Str(text.part(start..start + width)))
}

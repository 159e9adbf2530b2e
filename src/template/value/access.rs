//! `value.name` and `value[item]`, by the rules of Jinja2's sandbox.
//!
//! `value.name` prefers what Python finds as an attribute and falls back to the item; `value[item]` does the reverse.
//! What modifies, and what begins with an underscore, is kept from templates.

use std::rc::Rc;

use super::{Dict, Function, Kind, MissingItem, Object, Str, Undefined, Value, ViewKind};
use crate::template::builtins::methods;
use crate::template::program::Name;
use crate::template::run::{Exception, Machine, Raise, Run};

/// `value.name`.
pub(crate) fn attribute<'d>(machine: &mut Machine<'d>, value: &Value<'d>, name: &'d Name) -> Run<Value<'d>> {
    // The common case first: a field of a message.
    if let (Value::Dict(dict), true) = (value, name.only_item) {
        return Ok(field(machine, dict, &name.text));
    }
    any_attribute(machine, value, &name.text)
}

/// `value['name']`.
pub(crate) fn key<'d>(machine: &mut Machine<'d>, value: &Value<'d>, name: &'d Name) -> Run<Value<'d>> {
    if let (Value::Dict(dict), true) = (value, name.only_item) {
        return Ok(field(machine, dict, &name.text));
    }
    item(machine, value, &Value::fixed(&name.text))
}

/// The field of a dict that has nothing else of this name.
pub(crate) fn field<'d>(machine: &mut Machine<'d>, dict: &Dict<'d>, name: &'d str) -> Value<'d> {
    machine.read(dict, name);
    dict.get_str(name).unwrap_or(Value::Undefined(Undefined::Attribute(Kind::Dict, name)))
}

/// `value.name` of any value.
pub(crate) fn any_attribute<'d>(machine: &mut Machine<'d>, value: &Value<'d>, name: &'d str) -> Run<Value<'d>> {
    if let Value::Dict(dict) = value {
        machine.read(dict, name);
    }
    if let Value::Undefined(undefined) = value {
        // Python's own attributes are there even on what is not.
        return match methods::is_private(value, name) {
            true => Ok(unsafe_name(name, "Undefined")),
            false => Err(Raise::undefined(undefined)),
        };
    }
    match python_attribute(machine, value, name)? {
        Some(found) => Ok(found),
        None => Ok(match subscript(machine, value, &Value::fixed(name)) {
            Ok(found) => found,
            Err(raise) if raise.is_lookup() => Value::Undefined(Undefined::Attribute(value.kind(), name)),
            Err(raise) => return Err(raise),
        }),
    }
}

/// `value[item]`.
pub(crate) fn item<'d>(machine: &mut Machine<'d>, value: &Value<'d>, item: &Value<'d>) -> Run<Value<'d>> {
    if let (Value::Dict(dict), Value::Str(name)) = (value, item) {
        machine.read(dict, name);
    }
    match subscript(machine, value, item) {
        Ok(found) => Ok(found),
        Err(raise) if raise.is_lookup() => {
            if let Value::Str(name) = item
                && let Some(found) = python_attribute(machine, value, name)?
            {
                return Ok(found);
            }
            Ok(missing(value, item))
        }
        Err(raise) => Err(raise),
    }
}

/// `value.name` for a name that is only known now.
pub(crate) fn attribute_or_item<'d>(machine: &mut Machine<'d>, value: &Value<'d>, name: &Value<'d>) -> Run<Value<'d>> {
    let Value::Str(text) = name else { return item(machine, value, name) };
    match python_attribute(machine, value, text)? {
        Some(found) => Ok(found),
        None => match subscript(machine, value, name) {
            Ok(found) => Ok(found),
            Err(raise) if raise.is_lookup() => Ok(missing(value, name)),
            Err(raise) => Err(raise),
        },
    }
}

/// The filter `attr`: an attribute, and never an item.
pub(crate) fn only_attribute<'d>(machine: &mut Machine<'d>, value: &Value<'d>, name: &Str<'d>) -> Run<Value<'d>> {
    let found = python_attribute(machine, value, name)?;
    Ok(found.unwrap_or_else(|| missing(value, &Value::Str(name.clone()))))
}

/// What stands for an item that is not there.
pub(crate) fn missing<'d>(value: &Value<'d>, item: &Value<'d>) -> Value<'d> {
    if let Value::Str(name) = item
        && let Some(name) = name.lasting()
    {
        return Value::Undefined(Undefined::Attribute(value.kind(), name));
    }
    Value::Undefined(Undefined::Missing(Rc::new(MissingItem { owner: value.kind(), name: item.clone() })))
}

/// Python's `value[item]`; errors that Jinja2 turns into an undefined value are lookups.
fn subscript<'d>(machine: &mut Machine<'d>, value: &Value<'d>, item: &Value<'d>) -> Run<Value<'d>> {
    let lookup = || Raise::new(Exception::Lookup, "no such item");
    match value {
        Value::Undefined(undefined) => Err(Raise::undefined(undefined)),
        Value::Dict(dict) => dict.get(item).ok_or_else(lookup),
        Value::List(list) => index(item, list.len()).and_then(|at| list.get(at)).ok_or_else(lookup),
        Value::Tuple(items) => index(item, items.len()).map(|at| items[at].clone()).ok_or_else(lookup),
        Value::Str(text) => character(text, item).ok_or_else(lookup),
        Value::Object(object) => match &**object {
            Object::Range { start, stop, step } => {
                let len = super::object::range_len(*start, *stop, *step);
                index(item, len).map(|at| Value::Int(start + at as i64 * step)).ok_or_else(lookup)
            }
            Object::Group(pair) => index(item, pair.len()).map(|at| pair[at].clone()).ok_or_else(lookup),
            Object::Template => match item {
                Value::Str(name) => {
                    machine.block(name).map(|block| Value::object(Object::Block(block))).ok_or_else(lookup)
                }
                _ => Err(lookup()),
            },
            _ => Err(lookup()),
        },
        _ => Err(lookup()),
    }
}

/// The place that an index means among `len` items.
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
    // Counting characters is only needed where they are not bytes.
    let at = index(item, if text.is_ascii() { text.len() } else { text.char_count() })?;
    let start = if text.is_ascii() { at } else { text.char_indices().nth(at)?.0 };
    let width = text[start..].chars().next()?.len_utf8();
    Some(Value::Str(text.part(start..start + width)))
}

/// What Python's `getattr` finds, as far as templates may have it. None where there is no such attribute.
fn python_attribute<'d>(machine: &mut Machine<'d>, value: &Value<'d>, name: &str) -> Run<Option<Value<'d>>> {
    let method = match value {
        Value::Undefined(undefined) => return Err(Raise::undefined(undefined)),
        Value::Str(_) => methods::of_str(name),
        Value::List(_) => methods::of_list(name),
        Value::Tuple(_) => methods::of_tuple(name),
        Value::Dict(_) => methods::of_dict(name),
        Value::Int(_) | Value::Bool(_) | Value::Big(_) => match name {
            "real" | "numerator" => return super::arithmetic::sign(value, false).map(Some),
            "imag" => return Ok(Some(Value::Int(0))),
            "denominator" => return Ok(Some(Value::Int(1))),
            _ => methods::of_int(name),
        },
        Value::Float(float) => match name {
            "real" => return Ok(Some(Value::Float(*float))),
            "imag" => return Ok(Some(Value::Float(0.0))),
            _ => methods::of_float(name),
        },
        Value::None => None,
        Value::Object(object) => match &**object {
            Object::Namespace(attributes) => {
                // Python's own attributes of the class begin with an underscore, which the sandbox refuses anyway.
                let found =
                    attributes.borrow().iter().find(|(known, _)| **known == *name).map(|(_, value)| value.clone());
                return Ok(found);
            }
            Object::Loop(_) => return machine.loop_attribute(object, name),
            Object::Group([key, items]) => match name {
                "grouper" => return Ok(Some(key.clone())),
                "list" => return Ok(Some(items.clone())),
                _ => None,
            },
            Object::Macro(value) => {
                return Ok(match name {
                    "name" => Some(Value::fixed(&value.code.name)),
                    "arguments" => Some(Value::tuple(value.code.arguments().map(Value::fixed).collect())),
                    "catch_kwargs" => Some(Value::Bool(value.code.kwargs.is_some())),
                    "catch_varargs" => Some(Value::Bool(value.code.varargs.is_some())),
                    "caller" => Some(Value::Bool(value.code.caller.is_some())),
                    "explicit_caller" => Some(Value::Bool(value.code.arguments().any(|name| name == "caller"))),
                    _ if name.starts_with('_') => Some(unsafe_name(name, "Macro")),
                    _ => None,
                });
            }
            Object::Cycler { items, next } => match name {
                "current" => return Ok(items.get(next.get()).cloned()),
                "items" => return Ok(Some(Value::tuple(items.clone()))),
                "pos" => return Ok(Some(Value::Int(next.get() as i64))),
                "next" => Some("next"),
                "reset" => Some("reset"),
                _ => None,
            },
            Object::Range { start, stop, step } => match name {
                "start" => return Ok(Some(Value::Int(*start))),
                "stop" => return Ok(Some(Value::Int(*stop))),
                "step" => return Ok(Some(Value::Int(*step))),
                "count" => Some("count"),
                "index" => Some("index"),
                _ => None,
            },
            Object::Function(Function::Dict) if name == "fromkeys" => {
                return Ok(Some(Value::object(Object::Function(Function::DictFromKeys))));
            }
            Object::View(kind, _) if *kind != ViewKind::Values && name == "isdisjoint" => Some("isdisjoint"),
            _ => None,
        },
    };
    match method {
        Some(method) if methods::modifies(value, method) => Ok(Some(unsafe_name(method, value.type_name()))),
        Some(method) => Ok(Some(Value::object(Object::Method(value.clone(), method)))),
        None if methods::is_private(value, name) => Ok(Some(unsafe_name(name, value.type_name()))),
        None => Ok(None),
    }
}

fn unsafe_name<'d>(name: &str, owner: &str) -> Value<'d> {
    let text = format!(
        "access to attribute {} of {} object is unsafe.",
        super::repr::quoted(name),
        super::repr::quoted(owner)
    );
    Value::Undefined(Undefined::Unsafe(text.into()))
}

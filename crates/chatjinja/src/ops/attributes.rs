//! Python's `getattr`, for the attributes that templates may use.

use std::rc::Rc;

use super::sandbox::{is_private, modifies, unsafe_attribute};
use super::{namespace, numbers};
use crate::names::{
    CyclerMethod, DictMethod, FloatMethod, Function, IntMethod, ListMethod, MarkupMethod, Method, SequenceMethod,
    StrMethod, ViewMethod,
};
use crate::runtime::{EvalResult, Interpreter, MacroValue, Object, PyError, Value, ViewKind};

/// The attribute `name` of a value; None if Python's object has no such attribute.
pub(super) fn python_attribute<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    name: &str,
) -> EvalResult<Option<Value<'d>>> {
    let method = match value {
        Value::Undefined(undefined) => return Err(PyError::undefined(undefined)),
        Value::Str(text) => match StrMethod::named(name) {
            Some(method) => Some(Method::Str(method)),
            None if text.is_markup() => MarkupMethod::named(name).map(Method::Markup),
            None => None,
        },
        Value::List(_) => ListMethod::named(name).map(Method::List),
        Value::Tuple(_) => SequenceMethod::named(name).map(Method::Sequence),
        Value::Dict(_) => DictMethod::named(name).map(Method::Dict),
        Value::Int(_) | Value::Bool(_) | Value::Big(_) => match name {
            "real" | "numerator" => return numbers::sign(&interpreter.budget, value, false).map(Some),
            "imag" => return Ok(Some(Value::Int(0))),
            "denominator" => return Ok(Some(Value::Int(1))),
            _ => IntMethod::named(name).map(Method::Int),
        },
        Value::Float(float) => match name {
            "real" => return Ok(Some(Value::Float(*float))),
            "imag" => return Ok(Some(Value::Float(0.0))),
            _ => FloatMethod::named(name).map(Method::Float),
        },
        Value::None => None,
        Value::Object(object) => match &**object {
            Object::Namespace(attributes, _) => {
                // No check for private names: `namespace` accepts none, so they are never found here.
                let attributes = attributes.borrow();
                interpreter.budget.spend(attributes.len() as u64 / 8)?;
                return Ok(attributes
                    .iter()
                    .find(|(known, _)| namespace::is_named(known, name))
                    .map(|(_, value)| value.clone()));
            }
            Object::Loop(_) => return interpreter.loop_attribute(object, name),
            Object::Group([key, items]) => match name {
                "grouper" => return Ok(Some(key.clone())),
                "list" => return Ok(Some(items.clone())),
                _ => None,
            },
            Object::Macro(value) => {
                interpreter.charge_items(value.code.parameters.len())?;
                return Ok(macro_attribute(value, name));
            }
            Object::Cycler { items, next } => match name {
                "current" => return Ok(items.get(next.get()).cloned()),
                "items" => return Ok(Some(Value::Tuple(Rc::clone(items)))),
                "pos" => return Ok(Some(Value::Int(next.get() as i64))),
                _ => CyclerMethod::named(name).map(Method::Cycler),
            },
            Object::Range { start, stop, step } => match name {
                "start" => return Ok(Some(Value::Int(*start))),
                "stop" => return Ok(Some(Value::Int(*stop))),
                "step" => return Ok(Some(Value::Int(*step))),
                _ => SequenceMethod::named(name).map(Method::Sequence),
            },
            Object::Joiner { separator, used } => match name {
                "sep" => return Ok(Some(separator.clone())),
                "used" => return Ok(Some(Value::Bool(used.get()))),
                _ => None,
            },
            Object::Function(Function::Dict) if name == Function::DictFromKeys.name() => {
                return Ok(Some(Value::object(Object::Function(Function::DictFromKeys))));
            }
            Object::View(ViewKind::Keys | ViewKind::Values | ViewKind::Items, dict) if name == "mapping" => {
                return Ok(Some(Value::Dict(dict.clone())));
            }
            Object::View(ViewKind::Keys | ViewKind::Items | ViewKind::Set, _) => {
                ViewMethod::named(name).map(Method::View)
            }
            Object::View(ViewKind::Values, _)
            | Object::Function(_)
            | Object::Generator(_)
            | Object::Method(..)
            | Object::Template
            | Object::Block(_) => None,
        },
    };
    Ok(match method {
        Some(method) if modifies(method) => Some(unsafe_attribute(method.name(), value.type_name())),
        Some(method) => Some(Value::object(Object::Method(value.clone(), method))),
        None => is_private(value, name).then(|| unsafe_attribute(name, value.type_name())),
    })
}

fn macro_attribute<'d>(value: &MacroValue<'d>, name: &str) -> Option<Value<'d>> {
    let code = value.code;
    match name {
        "name" => Some(code.name.as_deref().map_or(Value::None, Value::fixed)),
        "arguments" => Some(Value::tuple(code.arguments().map(Value::fixed).collect())),
        "catch_kwargs" => Some(Value::Bool(code.kwargs.is_some())),
        "catch_varargs" => Some(Value::Bool(code.varargs.is_some())),
        "caller" => Some(Value::Bool(code.caller.is_some())),
        "explicit_caller" => Some(Value::Bool(code.arguments().any(|name| name == "caller"))),
        _ => name.starts_with('_').then(|| unsafe_attribute(name, "Macro")),
    }
}

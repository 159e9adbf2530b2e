//! Filters for values of any type: `attr`, `default`, `escape`, `safe`.

use super::filters::no_len;
use crate::ops::access;
use crate::ops::strings::{escaped, to_str};
use crate::runtime::{Arguments, EvalResult, Interpreter, PyError, PyErrorKind, Undefined, Value};

pub(super) fn attr<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [name] = args.bind("attr", ["name"], 1)?;
    match name {
        Some(Value::Str(name)) => access::only_attribute(interpreter, &value, &name),
        other => Ok(access::missing(&value, &other.unwrap_or(Value::None))),
    }
}

pub(super) fn default<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [default, boolean] = args.bind("default", ["default_value", "boolean"], 0)?;
    let boolean = boolean.is_some_and(|boolean| boolean.is_true());
    Ok(match value.is_undefined() || (boolean && !value.is_true()) {
        true => default.unwrap_or(Value::fixed("")),
        false => value,
    })
}

pub(super) fn escape<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("escape", [], 0)?;
    let text = to_str(interpreter, &value)?;
    escaped(interpreter, &text).map(Value::Str)
}

pub(super) fn forceescape<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("forceescape", [], 0)?;
    let text = to_str(interpreter, &value)?.plain();
    escaped(interpreter, &text).map(Value::Str)
}

pub(super) fn safe<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("safe", [], 0)?;
    to_str(interpreter, &value).map(|text| Value::Str(text.into_markup()))
}

pub(super) fn urlize<'d>() -> EvalResult<Value<'d>> {
    Err(PyError::new(PyErrorKind::Runtime, "the filter `urlize` makes HTML and is not supported"))
}

pub(super) fn random<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("random", [], 0)?;
    if !matches!(value, Value::Str(_)) && value.len().is_none() {
        return Err(no_len(&value));
    }
    match interpreter.items(&value)?.as_slice() {
        [] => Ok(Value::Undefined(Undefined::Hint("No random item, sequence was empty."))),
        [only] => Ok(only.clone()),
        _ => {
            let text = "the filter `random` is not supported, because each render would give a different text";
            Err(PyError::new(PyErrorKind::Runtime, text))
        }
    }
}

//! The methods of `Markup`, as `MarkupSafe` 3 has them: which arguments they escape, and which results are `Markup`.

use super::str_methods::call_plain;
use crate::names::{MarkupMethod, StrMethod};
use crate::ops::strings::{self, to_str};
use crate::provenance::Str;
use crate::runtime::{Arguments, EvalResult, Interpreter, PyError, PyErrorKind, Value};
use crate::text::html;

/// `text.method(args)`. Methods of a `Markup` give `Markup`.
pub(super) fn call<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    mut args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    if !text.is_markup() {
        return call_plain(interpreter, text, method, args);
    }
    if method == StrMethod::RemoveSuffix && args.positional.is_empty() {
        // The only argument that has a name here and none in `str`.
        if let [(name, _)] = args.named.as_slice()
            && &**name == "suffix"
        {
            args.positional = args.named.drain(..).map(|(_, suffix)| suffix).collect();
        }
    }
    if let Some(at) = escaped_argument(method)
        && let Some(value) = args.positional.get_mut(at)
    {
        // Any value becomes a text.
        let argument = to_str(interpreter, value)?;
        *value = Value::Str(strings::escaped(interpreter, &argument)?);
    }
    call_plain(interpreter, text, method, args).map(into_markup)
}

/// The place of the argument that the method of a `Markup` escapes. It searches for the others as they are.
fn escaped_argument(method: StrMethod) -> Option<usize> {
    match method {
        StrMethod::Replace | StrMethod::LJust | StrMethod::RJust | StrMethod::Center => Some(1),
        _ => None,
    }
}

fn into_markup(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Str(text) => Value::Str(text.into_markup()),
        Value::List(list) => Value::list(list.iter().map(into_markup).collect()),
        Value::Tuple(items) => Value::tuple(items.iter().cloned().map(into_markup).collect()),
        other => other,
    }
}

/// A method that only `Markup` has.
pub(super) fn call_own<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    method: MarkupMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    match method {
        MarkupMethod::Escape => {
            let [value] = args.bind(method.name(), ["s"], 1)?;
            let value = to_str(interpreter, &value.unwrap_or(Value::None))?;
            strings::escaped(interpreter, &value).map(|text| Value::Str(text.into_markup()))
        }
        MarkupMethod::StripTags => {
            let [] = args.bind(method.name(), [], 0)?;
            striptags(interpreter, text)
        }
        MarkupMethod::Unescape => {
            let [] = args.bind(method.name(), [], 0)?;
            charge_entities(interpreter, text)?;
            interpreter.derived(text, html::unescaped(text)).map(Value::Str)
        }
    }
}

/// Charges a text whose entities are resolved. It looks up several names for each of them.
fn charge_entities(interpreter: &Interpreter<'_>, text: &str) -> EvalResult<()> {
    interpreter.charge_bytes(text.len().saturating_mul(4))?;
    interpreter.budget.walk(text.len().saturating_mul(8))
}

/// The text without tags, as a plain string.
pub(super) fn striptags<'d>(interpreter: &mut Interpreter<'d>, text: &Str<'d>) -> EvalResult<Value<'d>> {
    charge_entities(interpreter, text)?;
    // The words are listed before they are joined.
    interpreter.charge_items(text.len() / 4)?;
    interpreter.derived(text, html::striptags(text)).map(Value::Str)
}

/// `text.join(items)`. A `Markup` escapes the items, of any kind.
pub(super) fn join<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [items] = args.bind("join", ["iterable"], 1)?;
    let items = interpreter.items(&items.unwrap_or(Value::None))?;
    interpreter.charge_items(items.len() * 2)?;
    if text.is_markup() {
        interpreter.budget.strings(items.len())?;
    }
    let mut parts = Vec::with_capacity(items.len() * 2);
    for (index, item) in items.iter().enumerate() {
        let part = match item {
            item if text.is_markup() => {
                let item = to_str(interpreter, item)?;
                strings::escaped(interpreter, &item)?
            }
            Value::Str(item) => item.clone(),
            other => {
                let text = format!("sequence item {index}: expected str instance, {} found", other.type_name());
                return Err(PyError::new(PyErrorKind::Type, text));
            }
        };
        if index > 0 {
            parts.push(text.clone().plain());
        }
        parts.push(part);
    }
    strings::join(interpreter, &parts.iter().collect::<Vec<_>>()).map(Value::Str)
}

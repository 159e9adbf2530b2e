//! The global functions: those of Jinja2's sandbox, and those that transformers adds.

use std::cell::Cell;

use super::filters::no_integer;
use super::methods;
use crate::names::Function;
use crate::ops::namespace;
use crate::ops::strings::to_str;
use crate::runtime::{Arguments, Dict, EvalResult, Interpreter, Items, Object, PyError, PyErrorKind, Value, hashable};
use crate::text::strftime::strftime;

/// The longest range that the sandbox allows.
const MAX_RANGE: usize = 100_000;

/// `function(args)`.
pub(crate) fn call<'d>(
    interpreter: &mut Interpreter<'d>,
    function: Function,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    match function {
        Function::Range => range(args),
        Function::Dict => dict_entries(interpreter, "dict", args).map(Value::Dict),
        Function::DictFromKeys => methods::from_keys(interpreter, args),
        // Arguments by name differ, so they need no dict.
        Function::Namespace if args.positional.is_empty() => {
            namespace::new(interpreter, args.named.into_iter().map(|(name, value)| (Value::Str(name), value)))
        }
        Function::Namespace => {
            let entries = dict_entries(interpreter, "namespace", args)?;
            interpreter.charge_items(entries.len())?;
            namespace::new(interpreter, entries.entries())
        }
        Function::RaiseException => {
            let [message] = args.bind("raise_exception", ["message"], 1)?;
            let text = match &message {
                Some(message) => to_str(interpreter, message)?.to_string(),
                None => String::new(),
            };
            Err(PyError::new(PyErrorKind::Raised, text))
        }
        Function::StrftimeNow => {
            let [format] = args.bind("strftime_now", ["format"], 1)?;
            match format {
                Some(Value::Str(format)) => {
                    // A directive of two bytes gives at most 24.
                    interpreter.charge_bytes(format.len().saturating_mul(12))?;
                    interpreter.charge_items(format.len().saturating_mul(4))?;
                    match strftime(interpreter.now(), &format) {
                        Ok(text) => Ok(Value::text(text)),
                        Err(directive) => {
                            let text = format!("`strftime_now` does not support %{directive}");
                            Err(PyError::new(PyErrorKind::Value, text))
                        }
                    }
                }
                other => {
                    let kind = other.map_or("NoneType", |value| value.type_name());
                    let text = format!("strftime() argument 1 must be str, not {kind}");
                    Err(PyError::new(PyErrorKind::Type, text))
                }
            }
        }
        Function::Cycler => {
            let items = args.only_positional("cycler")?;
            if items.is_empty() {
                return Err(PyError::new(PyErrorKind::Runtime, "at least one item has to be provided"));
            }
            Ok(Value::object(Object::Cycler { items: Items::new(items), next: Cell::new(0) }))
        }
        Function::Joiner => {
            let [separator] = args.bind("joiner", ["sep"], 0)?;
            let separator = separator.unwrap_or(Value::fixed(", "));
            Ok(Value::object(Object::Joiner { separator, used: Cell::new(false) }))
        }
        Function::Lipsum => {
            let text = "`lipsum` is not supported, because each render would give a different text";
            Err(PyError::new(PyErrorKind::Runtime, text))
        }
    }
}

fn range<'d>(args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let args = args.only_positional("range")?;
    let mut bounds = Vec::with_capacity(3);
    for value in &args {
        bounds.push(match value {
            Value::Int(bound) => *bound,
            Value::Bool(bound) => i64::from(*bound),
            Value::Big(_) => return Err(too_big()),
            Value::Undefined(undefined) => return Err(PyError::undefined(undefined)),
            other => return Err(no_integer(other)),
        });
    }
    let (start, stop, step) = match bounds.as_slice() {
        [stop] => (0, *stop, 1),
        [start, stop] => (*start, *stop, 1),
        [start, stop, step] => (*start, *stop, *step),
        other => {
            let text = format!("range expected 1 to 3 arguments, got {}", other.len());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
    };
    if step == 0 {
        return Err(PyError::new(PyErrorKind::Value, "range() arg 3 must not be zero"));
    }
    let range = Object::Range { start, stop, step };
    if range.len().unwrap_or(0) > MAX_RANGE {
        return Err(too_big());
    }
    Ok(Value::object(range))
}

fn too_big() -> PyError {
    let text = format!("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MAX_RANGE}).");
    PyError::new(PyErrorKind::Overflow, text)
}

/// The entries of `dict(…)`: those of a mapping or of pairs, then the arguments by name. Keys are unique.
fn dict_entries<'d>(interpreter: &mut Interpreter<'d>, function: &str, args: Arguments<'d>) -> EvalResult<Dict<'d>> {
    if args.positional.len() > 1 {
        let text = format!("{function} expected at most 1 argument, got {}", args.positional.len());
        return Err(PyError::new(PyErrorKind::Type, text));
    }
    let mut entries = Vec::new();
    match args.positional.into_iter().next() {
        None => {}
        Some(Value::Dict(dict)) => {
            interpreter.charge_items(dict.len() * 2)?;
            entries.extend(dict.entries());
        }
        Some(pairs) => {
            let pairs = interpreter.items(&pairs)?;
            interpreter.charge_items(pairs.len().saturating_mul(4))?;
            for (index, pair) in pairs.into_iter().enumerate() {
                let pair = match &pair {
                    Value::List(_) | Value::Tuple(_) | Value::Str(_) => interpreter.items(&pair)?,
                    other => {
                        let text = format!(
                            "cannot convert dictionary update sequence element #{index} to a sequence ({})",
                            other.type_name()
                        );
                        return Err(PyError::new(PyErrorKind::Type, text));
                    }
                };
                let [key, value]: [Value<'d>; 2] = pair.try_into().map_err(|pair: Vec<Value<'d>>| {
                    let text =
                        format!("dictionary update sequence element #{index} has length {}; 2 is required", pair.len());
                    PyError::new(PyErrorKind::Value, text)
                })?;
                hashable(&interpreter.budget, &key)?;
                entries.push((key, value));
            }
        }
    }
    entries.extend(args.named.into_iter().map(|(name, value)| (Value::Str(name), value)));
    Dict::own(&interpreter.budget, entries)
}

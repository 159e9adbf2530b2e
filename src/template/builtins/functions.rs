//! The functions that every template finds: those of Jinja2's sandbox, and those that transformers adds.

use std::cell::Cell;
use std::fmt::Write as _;

use super::{methods, strftime};
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Dict, Function, Object, Value, repr};

/// The sandbox allows no longer ranges.
const MAX_RANGE: usize = 100_000;

pub(crate) fn call<'d>(machine: &mut Machine<'d>, function: Function, args: Arguments<'d>) -> Run<Value<'d>> {
    match function {
        Function::Range => range(args),
        Function::Dict => machine.dict_entries("dict", args).map(|entries| Value::Dict(Dict::own(entries))),
        Function::DictFromKeys => methods::from_keys(machine, args),
        Function::Namespace => machine.namespace(args),
        Function::RaiseException => {
            let [message] = args.bind("raise_exception", ["message"], 1)?;
            let text = match &message {
                Some(message) => repr::to_str(machine, message)?.to_string(),
                None => String::new(),
            };
            Err(Raise::new(Exception::Raised, text))
        }
        Function::StrftimeNow => {
            let [format] = args.bind("strftime_now", ["format"], 1)?;
            match format {
                Some(Value::Str(format)) => strftime::strftime(machine.now(), &format).map(Value::text),
                other => {
                    let kind = other.map_or("NoneType", |value| value.type_name());
                    Err(Raise::new(Exception::Type, format!("strftime() argument 1 must be str, not {kind}")))
                }
            }
        }
        Function::Cycler => {
            let items = args.only_positional("cycler")?;
            if items.is_empty() {
                return Err(Raise::new(Exception::Runtime, "at least one item has to be provided"));
            }
            Ok(Value::object(Object::Cycler { items, next: Cell::new(0) }))
        }
        Function::Joiner => {
            let [separator] = args.bind("joiner", ["sep"], 0)?;
            let separator = separator.unwrap_or(Value::fixed(", "));
            Ok(Value::object(Object::Joiner { separator, used: Cell::new(false) }))
        }
        Function::Lipsum => {
            // Random words in a prompt would be another text with every render.
            Err(Raise::new(Exception::Runtime, "lipsum() prints random text, which no chat template needs"))
        }
    }
}

fn range<'d>(args: Arguments<'d>) -> Run<Value<'d>> {
    let args = args.only_positional("range")?;
    let mut bounds = Vec::with_capacity(3);
    for value in &args {
        bounds.push(match value {
            Value::Int(bound) => *bound,
            Value::Bool(bound) => i64::from(*bound),
            Value::Big(_) => return Err(too_big()),
            Value::Undefined(undefined) => return Err(Raise::undefined(undefined)),
            other => {
                let text = format!("'{}' object cannot be interpreted as an integer", other.type_name());
                return Err(Raise::new(Exception::Type, text));
            }
        });
    }
    let (start, stop, step) = match bounds.as_slice() {
        [stop] => (0, *stop, 1),
        [start, stop] => (*start, *stop, 1),
        [start, stop, step] => (*start, *stop, *step),
        other => {
            let mut text = String::new();
            let _ = write!(text, "range expected 1 to 3 arguments, got {}", other.len());
            return Err(Raise::new(Exception::Type, text));
        }
    };
    if step == 0 {
        return Err(Raise::new(Exception::Value, "range() arg 3 must not be zero"));
    }
    let range = Object::Range { start, stop, step };
    if range.len().unwrap_or(0) > MAX_RANGE {
        return Err(too_big());
    }
    Ok(Value::object(range))
}

fn too_big() -> Raise {
    let text = format!("Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MAX_RANGE}).");
    Raise::new(Exception::Overflow, text)
}

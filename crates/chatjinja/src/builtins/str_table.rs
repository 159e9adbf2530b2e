//! `translate` and `maketrans`: replace characters by a table.

use crate::provenance::Str;
use crate::runtime::{Arguments, Dict, EvalResult, Interpreter, PyError, PyErrorKind, Value};

pub(super) fn translate<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    table: &Value<'d>,
) -> EvalResult<Str<'d>> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let code = Value::Int(i64::from(u32::from(character)));
        let found = match table {
            Value::Dict(dict) => dict.get(&code),
            _ => return Err(PyError::new(PyErrorKind::Type, "translate() needs a dict of characters")),
        };
        match found {
            None => out.push(character),
            Some(Value::None) => {}
            Some(Value::Str(text)) => out.push_str(&text),
            Some(Value::Int(code)) => match u32::try_from(code).ok().and_then(char::from_u32) {
                Some(character) => out.push(character),
                None => return Err(PyError::new(PyErrorKind::Value, "character mapping must be in range(0x110000)")),
            },
            Some(_) => {
                let text = "character mapping must return integer, None or str";
                return Err(PyError::new(PyErrorKind::Type, text));
            }
        }
    }
    interpreter.derived(text, out)
}

pub(super) fn make_table<'d>(args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [from, to, drop] = args.bind("maketrans", ["x", "y", "z"], 1)?;
    let code = |character: char| Value::Int(i64::from(u32::from(character)));
    let mut entries = Vec::new();
    match (from, to) {
        (Some(Value::Dict(dict)), None) => {
            for (key, value) in dict.entries() {
                let key = match &key {
                    Value::Str(text) if text.char_count() == 1 => text.chars().next().map_or(Value::None, code),
                    other => other.clone(),
                };
                entries.push((key, value));
            }
        }
        (Some(Value::Str(from)), Some(Value::Str(to))) if from.char_count() == to.char_count() => {
            entries.extend(from.chars().zip(to.chars()).map(|(from, to)| (code(from), code(to))));
            if let Some(Value::Str(drop)) = drop {
                entries.extend(drop.chars().map(|character| (code(character), Value::None)));
            }
        }
        _ => return Err(PyError::new(PyErrorKind::Value, "maketrans() needs a dict, or two strings of equal length")),
    }
    Ok(Value::Dict(Dict::own(entries)))
}

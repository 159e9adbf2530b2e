//! `translate` and `maketrans`: replace characters by a table.

use crate::provenance::Str;
use crate::runtime::{Arguments, BoundedText, Dict, EvalResult, Interpreter, PyError, PyErrorKind, Value};

pub(super) fn translate<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    table: &Value<'d>,
) -> EvalResult<Str<'d>> {
    interpreter.budget.walk(text.weight().saturating_mul(8))?;
    interpreter.charge_bytes(text.len())?;
    let mut out = BoundedText::new(&interpreter.budget);
    for character in text.chars() {
        let code = Value::Int(i64::from(u32::from(character)));
        let found = match table {
            Value::Dict(dict) => dict.get(&interpreter.budget, &code)?,
            _ => return Err(PyError::new(PyErrorKind::Type, "translate() needs a dict of characters")),
        };
        match found {
            None => out.short().text.push(character),
            Some(Value::None) => {}
            Some(Value::Str(text)) => out.push(&text)?,
            Some(Value::Int(code)) => match u32::try_from(code).ok().and_then(char::from_u32) {
                Some(character) => out.short().text.push(character),
                None => return Err(PyError::new(PyErrorKind::Value, "character mapping must be in range(0x110000)")),
            },
            Some(_) => {
                let text = "character mapping must return integer, None or str";
                return Err(PyError::new(PyErrorKind::Type, text));
            }
        }
    }
    let out = out.finish()?.text;
    interpreter.derived(text, out)
}

pub(super) fn make_table<'d>(interpreter: &Interpreter<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [from, to, drop] = args.bind("maketrans", ["x", "y", "z"], 1)?;
    for text in [&from, &to].into_iter().flatten().filter_map(Value::as_str) {
        interpreter.budget.walk(text.len())?;
    }
    let code = |character: char| Value::Int(i64::from(u32::from(character)));
    let mut entries = Vec::new();
    match (from, to) {
        (Some(Value::Dict(dict)), None) => {
            interpreter.charge_items(dict.len() * 2)?;
            for (key, value) in dict.entries() {
                let key = match &key {
                    Value::Str(text) if text.chars().take(2).count() == 1 => {
                        text.chars().next().map_or(Value::None, code)
                    }
                    other => other.clone(),
                };
                entries.push((key, value));
            }
        }
        (Some(Value::Str(from)), Some(Value::Str(to))) if from.chars().count() == to.chars().count() => {
            interpreter.charge_items(from.len().saturating_mul(2))?;
            entries.extend(from.chars().zip(to.chars()).map(|(from, to)| (code(from), code(to))));
            if let Some(Value::Str(drop)) = drop {
                interpreter.charge_items(drop.len().saturating_mul(2))?;
                entries.extend(drop.chars().map(|character| (code(character), Value::None)));
            }
        }
        _ => return Err(PyError::new(PyErrorKind::Value, "maketrans() needs a dict, or two strings of equal length")),
    }
    Dict::own(&interpreter.budget, entries).map(Value::Dict)
}

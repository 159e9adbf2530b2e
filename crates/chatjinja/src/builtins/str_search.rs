//! Methods that search for a string in a string: `find`, `count`, `startswith`, `replace`.

use std::ops::Range;

use num_bigint::Sign;

use super::str_methods::needed_str;
use crate::names::StrMethod;
use crate::ops::strings;
use crate::provenance::Str;
use crate::runtime::{Arguments, Budget, EvalResult, Interpreter, PyError, PyErrorKind, Value};

/// In a text of this length, the places to replace are counted before they are stored.
const LONG: usize = 4096;

/// The bytes of the characters `start..stop`, by Python's rules for bounds; None if `start` is after the end.
fn bounded(
    budget: &Budget<'_>,
    text: &str,
    start: Option<&Value<'_>>,
    stop: Option<&Value<'_>>,
) -> EvalResult<Option<Range<usize>>> {
    if start.is_none() && stop.is_none() {
        return Ok(Some(0..text.len()));
    }
    budget.walk(text.len())?;
    let len = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let place = |bound: Option<&Value<'_>>, default: i64| -> EvalResult<i64> {
        Ok(match bound {
            None | Some(Value::None) => default,
            Some(bound) => {
                let bound = match bound {
                    Value::Int(bound) => *bound,
                    Value::Bool(bound) => i64::from(*bound),
                    Value::Big(bound) if bound.sign() == Sign::Minus => i64::MIN,
                    Value::Big(_) => i64::MAX,
                    _ => {
                        let text = "slice indices must be integers or None or have an __index__ method";
                        return Err(PyError::new(PyErrorKind::Type, text));
                    }
                };
                if bound < 0 { (bound + len).max(0) } else { bound }
            }
        })
    };
    let (start, stop) = (place(start, 0)?, place(stop, len)?.min(len));
    if start > stop || start > len {
        return Ok(None);
    }
    let byte = |at: i64| text.char_indices().nth(at as usize).map_or(text.len(), |(byte, _)| byte);
    Ok(Some(byte(start)..byte(stop)))
}

/// `startswith` and `endswith`.
pub(super) fn affix<'d>(
    interpreter: &Interpreter<'d>,
    text: &Str<'d>,
    method: StrMethod,
    args: Arguments<'d>,
    has: fn(&str, &str) -> bool,
) -> EvalResult<Value<'d>> {
    let [affix, start, stop] = args.bind(method.name(), ["prefix", "start", "end"], 1)?;
    let part = bounded(&interpreter.budget, text, start.as_ref(), stop.as_ref())?.map(|range| &text[range]);
    let holds = |affix: &Value<'d>| match affix {
        Value::Str(affix) => {
            interpreter.budget.search(affix.len().min(text.len()))?;
            Ok(part.is_some_and(|part| has(part, affix)))
        }
        Value::Undefined(undefined) => Err(PyError::undefined(undefined)),
        other => {
            let (name, kind) = (method.name(), other.type_name());
            let text = format!("{name} first arg must be str or a tuple of str, not {kind}");
            Err(PyError::new(PyErrorKind::Type, text))
        }
    };
    match affix {
        Some(Value::Tuple(any)) => {
            for affix in any.iter() {
                interpreter.step()?;
                if holds(affix)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Some(affix) => holds(&affix).map(Value::Bool),
        None => Ok(Value::Bool(false)),
    }
}

/// The arguments of a search: the wanted text, and the part of `text` to search.
fn search<'d>(
    interpreter: &Interpreter<'d>,
    text: &str,
    method: StrMethod,
    args: Arguments<'d>,
) -> EvalResult<(Str<'d>, Option<Range<usize>>)> {
    let [wanted, start, stop] = args.bind(method.name(), ["sub", "start", "end"], 1)?;
    let wanted = needed_str(wanted, "must be str")?;
    charge_search(interpreter, text, &wanted)?;
    let range = bounded(&interpreter.budget, text, start.as_ref(), stop.as_ref())?;
    Ok((wanted, range))
}

/// Charges a search with the standard library.
pub(super) fn charge_search(interpreter: &Interpreter<'_>, text: &str, wanted: &str) -> EvalResult<()> {
    // It looks at about one byte in a nanosecond.
    interpreter.budget.walk((text.len() + wanted.len()) / 2)
}

/// The place of the wanted text, in characters.
fn position<'d>(
    interpreter: &Interpreter<'d>,
    text: &str,
    method: StrMethod,
    args: Arguments<'d>,
    search_in: fn(&str, &str) -> Option<usize>,
) -> EvalResult<Option<i64>> {
    let (wanted, range) = search(interpreter, text, method, args)?;
    let found = range.and_then(|range| Some(range.start + search_in(&text[range.clone()], &wanted)?));
    Ok(found.map(|at| text[..at].chars().count() as i64))
}

/// `find` and `rfind`.
pub(super) fn find<'d>(
    interpreter: &Interpreter<'d>,
    text: &str,
    method: StrMethod,
    args: Arguments<'d>,
    search_in: fn(&str, &str) -> Option<usize>,
) -> EvalResult<Value<'d>> {
    Ok(Value::Int(position(interpreter, text, method, args, search_in)?.unwrap_or(-1)))
}

/// `index` and `rindex`.
pub(super) fn index<'d>(
    interpreter: &Interpreter<'d>,
    text: &str,
    method: StrMethod,
    args: Arguments<'d>,
    search_in: fn(&str, &str) -> Option<usize>,
) -> EvalResult<Value<'d>> {
    match position(interpreter, text, method, args, search_in)? {
        Some(at) => Ok(Value::Int(at)),
        None => Err(PyError::new(PyErrorKind::Value, "substring not found")),
    }
}

pub(super) fn count<'d>(
    interpreter: &Interpreter<'d>,
    text: &str,
    method: StrMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let (wanted, range) = search(interpreter, text, method, args)?;
    let count = range.map_or(0, |range| match wanted.is_empty() {
        true => text[range].chars().count() + 1,
        false => text[range].matches(&*wanted).count(),
    });
    Ok(Value::Int(count as i64))
}

/// `text.replace(old, new, count)`. The parts that stay keep their provenance.
pub(super) fn replace<'d>(
    interpreter: &mut Interpreter<'d>,
    text: &Str<'d>,
    old: &Str<'d>,
    new: &Str<'d>,
    count: i64,
) -> EvalResult<Str<'d>> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    interpreter.budget.search(text.weight().saturating_add(new.weight()))?;
    if text.len() >= LONG {
        let most = match old.is_empty() {
            true => text.len() + 1,
            false => memchr::memmem::find_iter(text.as_bytes(), old.as_bytes()).count(),
        };
        interpreter.charge_items(most.min(count) / 2)?;
    }
    let places: Vec<usize> = match old.is_empty() {
        true => text.char_indices().map(|(at, _)| at).chain([text.len()]).take(count).collect(),
        false => memchr::memmem::find_iter(text.as_bytes(), old.as_bytes()).take(count).collect(),
    };
    if places.is_empty() {
        return Ok(text.clone());
    }
    interpreter.charge_bytes(text.len().saturating_add(new.len().saturating_mul(places.len())))?;
    interpreter.charge_items(places.len() / 4)?;
    if !text.has_provenance(interpreter.tracked()) && !new.has_provenance(interpreter.tracked()) {
        let mut out = String::with_capacity(text.len() + new.len().saturating_sub(old.len()) * places.len());
        let mut from = 0;
        for at in places {
            out.push_str(&text[from..at]);
            out.push_str(new);
            from = at + old.len();
        }
        out.push_str(&text[from..]);
        return Ok(Str::owned(out));
    }
    interpreter.budget.parts(text, places.len() * 2 + 1)?;
    let mut parts = Vec::with_capacity(places.len() * 2 + 1);
    let mut from = 0;
    for at in places {
        parts.push(text.part(from..at));
        parts.push(new.clone());
        from = at + old.len();
    }
    parts.push(text.part(from..text.len()));
    strings::join(interpreter, &parts.iter().collect::<Vec<_>>())
}

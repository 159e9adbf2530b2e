//! `find`, `count`, `startswith`, `replace`: strings inside strings.

use super::str_methods::{int, needed_str};
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Str, Value, arithmetic};

/// The bytes of the characters `start..stop`, by Python's rules for bounds; None where start lies behind the end.
fn bounded(text: &str, start: Option<&Value<'_>>, stop: Option<&Value<'_>>) -> Run<Option<std::ops::Range<usize>>> {
    if start.is_none() && stop.is_none() {
        return Ok(Some(0..text.len()));
    }
    let len = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let place = |bound: Option<&Value<'_>>, default: i64| -> Run<i64> {
        Ok(match bound {
            None | Some(Value::None) => default,
            Some(bound) => {
                let bound = int(bound, "slice")?;
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

pub(super) fn affix<'d>(text: &Str<'d>, method: &str, args: Arguments<'d>) -> Run<Value<'d>> {
    let [affix, start, stop] = args.bind(method, ["prefix", "start", "end"], 1)?;
    let part = bounded(text, start.as_ref(), stop.as_ref())?;
    let holds = |affix: &Value<'d>| match affix {
        Value::Str(affix) => Ok(part.clone().is_some_and(|range| {
            let part = &text[range];
            if method == "startswith" { part.starts_with(&**affix) } else { part.ends_with(&**affix) }
        })),
        Value::Undefined(undefined) => Err(Raise::undefined(undefined)),
        other => {
            let kind = other.type_name();
            Err(Raise::new(Exception::Type, format!("{method} first arg must be str or a tuple of str, not {kind}")))
        }
    };
    match affix {
        Some(Value::Tuple(any)) => {
            for affix in any.iter() {
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

pub(super) fn find<'d>(text: &Str<'d>, method: &str, args: Arguments<'d>) -> Run<Value<'d>> {
    let [wanted, start, stop] = args.bind(method, ["sub", "start", "end"], 1)?;
    let wanted = needed_str(wanted, "must be str")?;
    let range = bounded(text, start.as_ref(), stop.as_ref())?;
    if method == "count" {
        let count = range.map_or(0, |range| match wanted.is_empty() {
            true => text[range].chars().count() + 1,
            false => text[range].matches(&*wanted).count(),
        });
        return Ok(Value::Int(count as i64));
    }
    let found = range.and_then(|range| {
        let part = &text[range.clone()];
        let at = if method.starts_with('r') { part.rfind(&*wanted) } else { part.find(&*wanted) };
        at.map(|at| range.start + at)
    });
    match found {
        Some(at) => Ok(Value::Int(text[..at].chars().count() as i64)),
        None if method.ends_with("index") => Err(Raise::new(Exception::Value, "substring not found")),
        None => Ok(Value::Int(-1)),
    }
}

/// `text.replace(old, new, count)`, with what is known of the parts that stay.
pub(super) fn replace<'d>(
    machine: &mut Machine<'d>,
    text: &Str<'d>,
    old: &Str<'d>,
    new: &Str<'d>,
    count: i64,
) -> Run<Str<'d>> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let places: Vec<usize> = match old.is_empty() {
        true => text.char_indices().map(|(at, _)| at).chain([text.len()]).take(count).collect(),
        false => memchr::memmem::find_iter(text.as_bytes(), old.as_bytes()).take(count).collect(),
    };
    if places.is_empty() {
        return Ok(text.clone());
    }
    machine.charge_bytes(text.len().saturating_add(new.len().saturating_mul(places.len())))?;
    if !text.has_notes(machine.traces()) && !new.has_notes(machine.traces()) {
        let mut out = String::with_capacity(text.len() + new.len().saturating_sub(old.len()) * places.len());
        let mut from = 0;
        for at in places {
            out.push_str(&text[from..at]);
            out.push_str(new);
            from = at + old.len();
        }
        out.push_str(&text[from..]);
        return Ok(Str::own(out));
    }
    let mut parts = Vec::with_capacity(places.len() * 2 + 1);
    let mut from = 0;
    for at in places {
        parts.push(text.part(from..at));
        parts.push(new.clone());
        from = at + old.len();
    }
    parts.push(text.part(from..text.len()));
    arithmetic::join(machine, &parts.iter().collect::<Vec<_>>())
}

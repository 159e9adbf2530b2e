//! Filters that compare items: `sort`, `dictsort`, `groupby`, `unique`, `min` and `max`.

use std::cmp::Ordering;

use super::attribute_path::AttributePath;
use super::filters::{generator, is_set, no_attribute, not_none};
use crate::names::Filter;
use crate::ops::{compare, sorting};
use crate::runtime::{
    Arguments, EvalResult, Interpreter, Object, PyError, PyErrorKind, Undefined, Value, equal, hashable,
};

/// The items sorted by their keys, as Python's `sorted` does: stable, and an error if keys have no order.
fn sorted<'d>(mut keyed: Vec<(Value<'d>, Value<'d>)>, reverse: bool) -> EvalResult<Vec<Value<'d>>> {
    if reverse {
        keyed.reverse();
    }
    let mut less = |left: &(Value<'d>, Value<'d>), right: &(Value<'d>, Value<'d>)| {
        compare::order(&left.0, &right.0, "<").map(|order| order == Some(Ordering::Less))
    };
    let mut keyed = sorting::sorted(keyed, &mut less)?;
    if reverse {
        keyed.reverse();
    }
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

pub(super) fn sort<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [reverse, sensitive, attribute] = args.bind("sort", ["reverse", "case_sensitive", "attribute"], 0)?;
    let lowers = !is_set(sensitive);
    let paths: Vec<AttributePath<'d>> = match &attribute {
        Some(Value::Str(all)) => {
            let each = all.split(',').map(|one| Value::Str(all.part_of(one)));
            each.map(|one| AttributePath::of(Some(&one)).lowering(lowers)).collect()
        }
        other => vec![AttributePath::of(other.as_ref()).lowering(lowers)],
    };
    let mut keyed = Vec::new();
    for item in interpreter.items(&value)? {
        let keys = paths.iter().map(|path| path.get(interpreter, &item)).collect::<EvalResult<Vec<_>>>()?;
        keyed.push((Value::list(keys), item));
    }
    sorted(keyed, is_set(reverse)).map(Value::list)
}

pub(super) fn dictsort<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [sensitive, by, reverse] = args.bind("dictsort", ["case_sensitive", "by", "reverse"], 0)?;
    let by_value = match &by {
        None => false,
        Some(Value::Str(by)) if &**by == "key" => false,
        Some(Value::Str(by)) if &**by == "value" => true,
        Some(_) => {
            return Err(PyError::new(PyErrorKind::Runtime, "You can only sort by either \"key\" or \"value\""));
        }
    };
    let lowers = !is_set(sensitive);
    let dict = match &value {
        Value::Dict(dict) => dict,
        Value::Undefined(undefined) => return Err(PyError::undefined(undefined)),
        other => return Err(no_attribute(other, "items")),
    };
    let keyed = dict
        .entries()
        .map(|(key, value)| {
            let by = match if by_value { &value } else { &key } {
                Value::Str(text) if lowers => Value::text(text.to_lowercase()),
                other => other.clone(),
            };
            (by, Value::tuple(vec![key, value]))
        })
        .collect();
    sorted(keyed, is_set(reverse)).map(Value::list)
}

pub(super) fn groupby<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [attribute, default, sensitive] = args.bind("groupby", ["attribute", "default", "case_sensitive"], 1)?;
    let lowers = !is_set(sensitive);
    let path = |lowers| {
        let mut path = AttributePath::of(attribute.as_ref()).lowering(lowers);
        path.default = not_none(default.clone());
        path
    };
    let (by, plain) = (path(lowers), path(false));
    let mut keyed = Vec::new();
    for item in interpreter.items(&value)? {
        keyed.push((by.get(interpreter, &item)?, item));
    }
    let mut groups: Vec<(Value<'d>, Vec<Value<'d>>)> = Vec::new();
    for item in sorted(keyed, false)? {
        let key = by.get(interpreter, &item)?;
        match groups.last_mut() {
            Some((known, items)) if equal(known, &key) => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut out = Vec::with_capacity(groups.len());
    for (_, items) in groups {
        let key = plain.get(interpreter, &items[0])?;
        out.push(Value::object(Object::Group([key, Value::list(items)])));
    }
    Ok(Value::list(out))
}

pub(super) fn unique<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [sensitive, attribute] = args.bind("unique", ["case_sensitive", "attribute"], 0)?;
    let lowers = !is_set(sensitive);
    Ok(generator("sync_do_unique", move |interpreter| {
        let path = AttributePath::of(attribute.as_ref()).lowering(lowers);
        let mut seen: Vec<Value<'d>> = Vec::new();
        let mut kept = Vec::new();
        for item in interpreter.items(&value)? {
            let key = path.get(interpreter, &item)?;
            hashable(&key)?;
            interpreter.charge_items(seen.len())?;
            if !seen.iter().any(|known| equal(known, &key)) {
                seen.push(key);
                kept.push(item);
            }
        }
        Ok(kept)
    }))
}

/// The item with the smallest key for the filter `min`, or with the largest key for `max`.
fn extreme<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    args: Arguments<'d>,
    filter: Filter,
) -> EvalResult<Value<'d>> {
    let [sensitive, attribute] = args.bind(filter.name(), ["case_sensitive", "attribute"], 0)?;
    let (symbol, wanted) = if filter == Filter::Max { (">", Ordering::Greater) } else { ("<", Ordering::Less) };
    let path = AttributePath::of(attribute.as_ref()).lowering(!is_set(sensitive));
    let mut best: Option<(Value<'d>, Value<'d>)> = None;
    for item in interpreter.items(value)? {
        let key = path.get(interpreter, &item)?;
        let better = match &best {
            None => true,
            Some((known, _)) => compare::order(&key, known, symbol)? == Some(wanted),
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or(Value::Undefined(Undefined::Hint("No aggregated item, sequence was empty.")), |(_, item)| item))
}

pub(super) fn min<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    extreme(interpreter, &value, args, Filter::Min)
}

pub(super) fn max<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    extreme(interpreter, &value, args, Filter::Max)
}

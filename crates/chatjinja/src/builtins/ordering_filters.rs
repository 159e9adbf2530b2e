//! Filters that compare items: `sort`, `dictsort`, `groupby`, `unique`, `min` and `max`.

use std::cmp::Ordering;

use super::attribute_path::AttributePath;
use super::filters::{generator, is_set, no_attribute, not_none};
use super::str_methods::GROWTH;
use crate::names::Filter;
use crate::ops::{compare, sorting};
use crate::runtime::{
    Arguments, Budget, EvalResult, Interpreter, Object, PyError, PyErrorKind, SeenKeys, Undefined, Value, deepest,
    equal, hashable,
};

/// The size of a list with one or two items, in values.
const LIST: usize = 6;

/// The items sorted by their keys, as Python's `sorted` does: stable, and an error if keys have no order.
fn sorted<'d>(
    budget: &Budget<'d>,
    mut keyed: Vec<(Value<'d>, Value<'d>)>,
    reverse: bool,
) -> EvalResult<Vec<Value<'d>>> {
    // The halves and the result are copies.
    budget.items(keyed.len() * 4)?;
    if reverse {
        keyed.reverse();
    }
    let mut less = |left: &(Value<'d>, Value<'d>), right: &(Value<'d>, Value<'d>)| {
        compare::order(budget, &left.0, &right.0, "<").map(|order| order == Some(Ordering::Less))
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
            interpreter.budget.walk(all.len())?;
            interpreter.budget.parts(all, all.matches(',').count() + 1)?;
            let each = all.split(',').map(|one| Value::Str(all.part_of(one)));
            each.map(|one| Ok(AttributePath::of(&interpreter.budget, Some(&one))?.lowering(lowers)))
                .collect::<EvalResult<_>>()?
        }
        other => vec![AttributePath::of(&interpreter.budget, other.as_ref())?.lowering(lowers)],
    };
    let items = interpreter.items(&value)?;
    interpreter.charge_items(items.len().saturating_mul(paths.len() + LIST))?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let keys = paths.iter().map(|path| path.get(interpreter, &item)).collect::<EvalResult<Vec<_>>>()?;
        keyed.push((Value::list(keys), item));
    }
    sorted(&interpreter.budget, keyed, is_set(reverse)).map(Value::list)
}

pub(super) fn dictsort<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
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
    interpreter.charge_items(dict.len() * LIST)?;
    let mut keyed = Vec::with_capacity(dict.len());
    for (key, value) in dict.entries() {
        let by = match if by_value { &value } else { &key } {
            Value::Str(text) if lowers => {
                interpreter.charge_change(text, GROWTH)?;
                Value::text(text.to_lowercase())
            }
            other => other.clone(),
        };
        keyed.push((by, Value::tuple(vec![key, value])));
    }
    sorted(&interpreter.budget, keyed, is_set(reverse)).map(Value::list)
}

pub(super) fn groupby<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [attribute, default, sensitive] = args.bind("groupby", ["attribute", "default", "case_sensitive"], 1)?;
    let lowers = !is_set(sensitive);
    let path = |lowers| -> EvalResult<AttributePath<'d>> {
        let mut path = AttributePath::of(&interpreter.budget, attribute.as_ref())?.lowering(lowers);
        path.default = not_none(default.clone());
        Ok(path)
    };
    let (by, plain) = (path(lowers)?, path(false)?);
    let items = interpreter.items(&value)?;
    interpreter.charge_items(items.len().saturating_mul(2 * LIST))?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        keyed.push((by.get(interpreter, &item)?, item));
    }
    let mut groups: Vec<(Value<'d>, Vec<Value<'d>>)> = Vec::new();
    for item in sorted(&interpreter.budget, keyed, false)? {
        let key = by.get(interpreter, &item)?;
        match groups.last_mut() {
            Some((known, items)) if equal(&interpreter.budget, known, &key)? => items.push(item),
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
    let depth = deepest(attribute.iter().chain([&value]));
    Ok(generator("sync_do_unique", depth, move |interpreter| {
        let path = AttributePath::of(&interpreter.budget, attribute.as_ref())?.lowering(lowers);
        let mut seen = SeenKeys::default();
        let mut items = interpreter.cursor(&value)?;
        Ok(Box::new(move |interpreter| {
            while let Some(item) = items.next(interpreter)? {
                interpreter.charge_items(LIST)?;
                let key = path.get(interpreter, &item)?;
                hashable(&interpreter.budget, &key)?;
                if seen.add(&interpreter.budget, key)? {
                    return Ok(Some(item));
                }
            }
            Ok(None)
        }))
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
    let path = AttributePath::of(&interpreter.budget, attribute.as_ref())?.lowering(!is_set(sensitive));
    let mut best: Option<(Value<'d>, Value<'d>)> = None;
    for item in interpreter.items(value)? {
        let key = path.get(interpreter, &item)?;
        let better = match &best {
            None => true,
            Some((known, _)) => compare::order(&interpreter.budget, &key, known, symbol)? == Some(wanted),
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

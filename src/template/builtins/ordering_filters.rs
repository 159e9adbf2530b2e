//! `sort`, `groupby`, `unique`, `min` and `max`: items by their order.

use std::cmp::Ordering;

use super::attribute_path::Path;
use super::filters::generator;
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Object, Undefined, Value, compare, sorting};

/// Sorts items by their keys, as Python's `sorted` does: stable, and failing where keys have no order.
fn sorted<'d>(mut keyed: Vec<(Value<'d>, Value<'d>)>, reverse: bool) -> Run<Vec<Value<'d>>> {
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

pub(super) fn sort<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [reverse, sensitive, attribute] = args.bind("sort", ["reverse", "case_sensitive", "attribute"], 0)?;
    let lowers = !sensitive.is_some_and(|value| value.is_true());
    let paths: Vec<Path<'d>> = match &attribute {
        Some(Value::Str(all)) => {
            let each = all.split(',').map(|one| Value::Str(all.part_of(one)));
            each.map(|one| Path::of(Some(&one)).lowering(lowers)).collect()
        }
        other => vec![Path::of(other.as_ref()).lowering(lowers)],
    };
    let mut keyed = Vec::new();
    for item in machine.items(&value)? {
        let keys = paths.iter().map(|path| path.get(machine, &item)).collect::<Run<Vec<_>>>()?;
        keyed.push((Value::list(keys), item));
    }
    sorted(keyed, reverse.is_some_and(|value| value.is_true())).map(Value::list)
}

pub(super) fn dictsort<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [sensitive, by, reverse] = args.bind("dictsort", ["case_sensitive", "by", "reverse"], 0)?;
    let by_value = match &by {
        None => false,
        Some(Value::Str(by)) if &**by == "key" => false,
        Some(Value::Str(by)) if &**by == "value" => true,
        Some(_) => {
            return Err(Raise::new(Exception::Runtime, "You can only sort by either \"key\" or \"value\""));
        }
    };
    let lowers = !sensitive.is_some_and(|value| value.is_true());
    let dict = match &value {
        Value::Dict(dict) => dict,
        Value::Undefined(undefined) => return Err(Raise::undefined(undefined)),
        other => {
            let text = format!("'{}' object has no attribute 'items'", other.type_name());
            return Err(Raise::new(Exception::Attribute, text));
        }
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
    sorted(keyed, reverse.is_some_and(|value| value.is_true())).map(Value::list)
}

pub(super) fn groupby<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [attribute, default, sensitive] = args.bind("groupby", ["attribute", "default", "case_sensitive"], 1)?;
    let lowers = !sensitive.is_some_and(|value| value.is_true());
    let path = |lowers| {
        let mut path = Path::of(attribute.as_ref()).lowering(lowers);
        path.default = default.clone().filter(|default| !matches!(default, Value::None));
        path
    };
    let (by, plain) = (path(lowers), path(false));
    let mut keyed = Vec::new();
    for item in machine.items(&value)? {
        keyed.push((by.get(machine, &item)?, item));
    }
    let mut groups: Vec<(Value<'d>, Vec<Value<'d>>)> = Vec::new();
    for item in sorted(keyed, false)? {
        let key = by.get(machine, &item)?;
        match groups.last_mut() {
            Some((known, items)) if compare::equal(known, &key) => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let mut out = Vec::with_capacity(groups.len());
    for (_, items) in groups {
        let key = plain.get(machine, &items[0])?;
        out.push(Value::object(Object::Group([key, Value::list(items)])));
    }
    Ok(Value::list(out))
}

pub(super) fn unique<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [sensitive, attribute] = args.bind("unique", ["case_sensitive", "attribute"], 0)?;
    let lowers = !sensitive.is_some_and(|value| value.is_true());
    Ok(generator("sync_do_unique", move |machine| {
        let path = Path::of(attribute.as_ref()).lowering(lowers);
        let mut seen: Vec<Value<'d>> = Vec::new();
        let mut kept = Vec::new();
        for item in machine.items(&value)? {
            let key = path.get(machine, &item)?;
            compare::hashable(&key)?;
            machine.charge_items(seen.len())?;
            if !seen.iter().any(|known| compare::equal(known, &key)) {
                seen.push(key);
                kept.push(item);
            }
        }
        Ok(kept)
    }))
}

fn extreme<'d>(
    machine: &mut Machine<'d>,
    value: &Value<'d>,
    args: Arguments<'d>,
    symbol: &str,
    wanted: Ordering,
) -> Run<Value<'d>> {
    let [sensitive, attribute] = args.bind("min", ["case_sensitive", "attribute"], 0)?;
    let path = Path::of(attribute.as_ref()).lowering(!sensitive.is_some_and(|value| value.is_true()));
    let mut best: Option<(Value<'d>, Value<'d>)> = None;
    for item in machine.items(value)? {
        let key = path.get(machine, &item)?;
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

pub(super) fn min<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    extreme(machine, &value, args, "<", Ordering::Less)
}

pub(super) fn max<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    extreme(machine, &value, args, ">", Ordering::Greater)
}

//! Filters for lists and dicts.

use std::cmp::Ordering;

use super::filters::generator;
use crate::template::run::{Arguments, Exception, Machine, Pull, Raise, Run};
use crate::template::value::{
    Generator, Object, Str, Undefined, Value, ViewKind, access, arithmetic, compare, iterate, repr,
};

pub(super) fn length<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("len", [], 0)?;
    match value.len() {
        Some(len) => Ok(Value::Int(len as i64)),
        None => {
            let text = format!("object of type '{}' has no len()", value.type_name());
            Err(Raise::new(Exception::Type, text))
        }
    }
}

pub(super) fn first<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("first", [], 0)?;
    if let Value::Object(object) = &value
        && let Object::Generator(generator) = &**object
    {
        // Only the first item is taken from a generator.
        let mut rest = machine.items(&value)?.into_iter();
        let first = rest.next();
        generator.state.replace(Pull::ready(rest.collect()));
        return Ok(first.unwrap_or(Value::Undefined(Undefined::Hint("No first item, sequence was empty."))));
    }
    let mut items = machine.items(&value)?.into_iter();
    Ok(items.next().unwrap_or(Value::Undefined(Undefined::Hint("No first item, sequence was empty."))))
}

/// Items from the last to the first, where Python's `reversed` takes the value.
fn reversed<'d>(machine: &mut Machine<'d>, value: &Value<'d>) -> Run<Option<Vec<Value<'d>>>> {
    let reversible = match value {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) | Value::Undefined(_) => true,
        Value::Object(object) => matches!(&**object, Object::Range { .. } | Object::View(..)),
        _ => false,
    };
    if !reversible {
        return Ok(None);
    }
    let mut items = machine.items(value)?;
    items.reverse();
    Ok(Some(items))
}

pub(super) fn last<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("last", [], 0)?;
    if let Value::Undefined(undefined) = &value {
        return Err(Raise::undefined(undefined));
    }
    match reversed(machine, &value)? {
        Some(items) => Ok(items
            .into_iter()
            .next()
            .unwrap_or(Value::Undefined(Undefined::Hint("No last item, sequence was empty.")))),
        None => Err(Raise::new(Exception::Type, format!("'{}' object is not reversible", value.type_name()))),
    }
}

pub(super) fn reverse<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("reverse", [], 0)?;
    if let Value::Str(text) = &value {
        let new: String = text.chars().rev().collect();
        let made = machine.remade(text, new)?;
        return Ok(Value::Str(if text.is_markup() { made.into_markup() } else { made }));
    }
    if let Value::Undefined(undefined) = &value {
        return Err(Raise::undefined(undefined));
    }
    if let Some(items) = reversed(machine, &value)? {
        let name = match &value {
            Value::List(_) => "list_reverseiterator",
            Value::Dict(_) => "dict_reversekeyiterator",
            Value::Object(_) => "range_iterator",
            _ => "reversed",
        };
        return Ok(Value::object(Object::Generator(Generator { name, state: Pull::ready(items).into() })));
    }
    if !iterate::is_iterable(&value) {
        return Err(Raise::new(Exception::Runtime, "argument must be iterable"));
    }
    let mut items = machine.items(&value)?;
    items.reverse();
    Ok(Value::list(items))
}

pub(super) fn list<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("list", [], 0)?;
    if let Value::List(_) = value {
        // Lists do not change, so a copy is the same list.
        return Ok(value);
    }
    machine.items(&value).map(Value::list)
}

pub(super) fn items<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("items", [], 0)?;
    Ok(generator("do_items", move |machine| match &value {
        Value::Undefined(_) => Ok(Vec::new()),
        Value::Dict(dict) => machine.items(&Value::object(Object::View(ViewKind::Items, dict.clone()))),
        _ => Err(Raise::new(Exception::Type, "Can only get item pairs from a mapping.")),
    }))
}

/// A path of attributes such as `function.name` or `0.text`.
struct Path<'d> {
    parts: Vec<Value<'d>>,
    lowers: bool,
    default: Option<Value<'d>>,
}

impl<'d> Path<'d> {
    fn of(attribute: Option<&Value<'d>>) -> Path<'d> {
        let parts = match attribute {
            None | Some(Value::None) => Vec::new(),
            Some(Value::Str(text)) => text
                .split('.')
                .map(|part| match part.parse() {
                    Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => Value::Int(index),
                    _ => Value::Str(text.part_of(part)),
                })
                .collect(),
            Some(other) => vec![other.clone()],
        };
        Path { parts, lowers: false, default: None }
    }

    fn lowering(mut self, lowers: bool) -> Path<'d> {
        self.lowers = lowers;
        self
    }

    fn get(&self, machine: &mut Machine<'d>, item: &Value<'d>) -> Run<Value<'d>> {
        let mut value = item.clone();
        for part in &self.parts {
            value = access::item(machine, &value, part)?;
            if let (Some(default), true) = (&self.default, value.is_undefined()) {
                value = default.clone();
            }
        }
        Ok(match value {
            Value::Str(text) if self.lowers => Value::text(text.to_lowercase()),
            other => other,
        })
    }
}

pub(super) fn join<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [separator, attribute] = args.bind("join", ["d", "attribute"], 0)?;
    let separator = separator.unwrap_or(Value::fixed(""));
    let mut items = machine.items(&value)?;
    if let Some(attribute) = attribute.filter(|attribute| !matches!(attribute, Value::None)) {
        let path = Path::of(Some(&attribute));
        for item in &mut items {
            *item = path.get(machine, item)?;
        }
    }
    let mut texts = items.iter().map(|item| repr::to_str(machine, item)).collect::<Run<Vec<_>>>()?;
    let mut separator = repr::to_str(machine, &separator)?;
    let markup = machine.autoescapes() && (separator.is_markup() || texts.iter().any(Str::is_markup));
    if markup {
        separator = super::markup::escape(&separator);
        texts.iter_mut().for_each(|text| *text = super::markup::escape(text));
    }
    let mut parts: Vec<&Str<'d>> = Vec::with_capacity(texts.len() * 2);
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            parts.push(&separator);
        }
        parts.push(text);
    }
    let joined = arithmetic::join(machine, &parts)?;
    Ok(Value::Str(if markup { joined.into_markup() } else { joined }))
}

pub(super) fn map<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(generator("sync_do_map", move |machine| {
        if !value.is_true() {
            return Ok(Vec::new());
        }
        let Arguments { positional, mut named } = args;
        if positional.is_empty()
            && let Some(at) = named.iter().position(|(name, _)| &**name == "attribute")
        {
            let mut path = Path::of(Some(&named.remove(at).1));
            if let Some(at) = named.iter().position(|(name, _)| &**name == "default") {
                path.default = Some(named.remove(at).1).filter(|default| !matches!(default, Value::None));
            }
            if let Some((name, _)) = named.first() {
                let text = format!("Unexpected keyword argument {}", repr::quoted(name));
                return Err(Raise::new(Exception::Runtime, text));
            }
            return machine.items(&value)?.iter().map(|item| path.get(machine, item)).collect();
        }
        let mut positional = positional.into_iter();
        let Some(name) = positional.next() else {
            return Err(Raise::new(Exception::Runtime, "map requires a filter argument"));
        };
        let rest: Vec<Value<'d>> = positional.collect();
        let filter = name
            .as_str()
            .and_then(|name| super::filter(name))
            .ok_or_else(|| Raise::new(Exception::Runtime, format!("No filter named {}.", repr::brief(&name))))?;
        let items = machine.items(&value)?;
        items
            .into_iter()
            .map(|item| {
                let args = Arguments { positional: rest.clone(), named: named.clone() };
                filter(machine, item, args)
            })
            .collect()
    }))
}

/// `select`, `reject` and their forms for attributes: the items for which a test holds, or does not.
fn chosen<'d>(value: Value<'d>, args: Arguments<'d>, wanted: bool, by_attribute: bool) -> Value<'d> {
    let name = match (wanted, by_attribute) {
        (true, false) => "sync_do_select",
        (false, false) => "sync_do_reject",
        (true, true) => "sync_do_selectattr",
        (false, true) => "sync_do_rejectattr",
    };
    generator(name, move |machine| {
        if !value.is_true() {
            return Ok(Vec::new());
        }
        let Arguments { positional, named } = args;
        let mut positional = positional.into_iter();
        let path = match by_attribute {
            false => Path::of(None),
            true => match positional.next() {
                Some(attribute) => Path::of(Some(&attribute)),
                None => return Err(Raise::new(Exception::Runtime, "Missing parameter for attribute name")),
            },
        };
        let test = positional
            .next()
            .map(|name| {
                name.as_str()
                    .and_then(|name| super::test(name))
                    .ok_or_else(|| Raise::new(Exception::Runtime, format!("No test named {}.", repr::brief(&name))))
            })
            .transpose()?;
        let rest: Vec<Value<'d>> = positional.collect();
        let mut kept = Vec::new();
        for item in machine.items(&value)? {
            let tested = path.get(machine, &item)?;
            let holds = match test {
                None => tested.is_true(),
                Some(test) => test(machine, &tested, Arguments { positional: rest.clone(), named: named.clone() })?,
            };
            if holds == wanted {
                kept.push(item);
            }
        }
        Ok(kept)
    })
}

pub(super) fn select<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(chosen(value, args, true, false))
}

pub(super) fn reject<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(chosen(value, args, false, false))
}

pub(super) fn selectattr<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(chosen(value, args, true, true))
}

pub(super) fn rejectattr<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    Ok(chosen(value, args, false, true))
}

/// Sorts items by their keys, as Python's `sorted` does: stable, and failing where keys have no order.
fn sorted<'d>(mut keyed: Vec<(Value<'d>, Value<'d>)>, reverse: bool) -> Run<Vec<Value<'d>>> {
    let mut failure = None;
    if reverse {
        keyed.reverse();
    }
    keyed.sort_by(|(left, _), (right, _)| {
        // Python asks whether the later one is less than the earlier.
        match compare::order(right, left, "<") {
            Ok(order) => order.map_or(Ordering::Equal, Ordering::reverse),
            Err(raise) => {
                failure.get_or_insert(raise);
                Ordering::Equal
            }
        }
    });
    if reverse {
        keyed.reverse();
    }
    match failure {
        Some(raise) => Err(raise),
        None => Ok(keyed.into_iter().map(|(_, item)| item).collect()),
    }
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
        out.push(Value::tuple(vec![key, Value::list(items)]));
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

pub(super) fn sum<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [attribute, start] = args.bind("sum", ["attribute", "start"], 0)?;
    let path = Path::of(attribute.as_ref());
    let mut total = start.unwrap_or(Value::Int(0));
    if let Value::Str(_) = total {
        return Err(Raise::new(Exception::Type, "sum() can't sum strings [use ''.join(seq) instead]"));
    }
    for item in machine.items(&value)? {
        let item = path.get(machine, &item)?;
        total = arithmetic::apply(machine, arithmetic::Operator::Add, &total, &item)?;
    }
    Ok(total)
}

fn count_of(value: Option<Value<'_>>, name: &str) -> Run<usize> {
    match value {
        Some(Value::Int(count)) if count > 0 => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        Some(Value::Int(_)) => Err(Raise::new(Exception::Value, format!("{name} must be at least 1"))),
        Some(other) => {
            let text = format!("'{}' object cannot be interpreted as an integer", other.type_name());
            Err(Raise::new(Exception::Type, text))
        }
        None => Err(Raise::new(Exception::Type, format!("{name} is missing"))),
    }
}

pub(super) fn batch<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [count, fill] = args.bind("batch", ["linecount", "fill_with"], 1)?;
    Ok(generator("do_batch", move |machine| {
        let count = count_of(count, "linecount")?;
        let items = machine.items(&value)?;
        let mut batches: Vec<Vec<Value<'d>>> = items.chunks(count).map(<[Value<'d>]>::to_vec).collect();
        if let (Some(last), Some(fill)) = (batches.last_mut(), fill.filter(|fill| !matches!(fill, Value::None))) {
            machine.charge_items(count)?;
            last.resize(count, fill);
        }
        Ok(batches.into_iter().map(Value::list).collect())
    }))
}

pub(super) fn slice<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [count, fill] = args.bind("slice", ["slices", "fill_with"], 1)?;
    Ok(generator("sync_do_slice", move |machine| {
        let count = count_of(count, "slices")?;
        machine.charge_items(count)?;
        let items = machine.items(&value)?;
        let (each, extra) = (items.len() / count, items.len() % count);
        let fill = fill.filter(|fill| !matches!(fill, Value::None));
        let mut from = 0;
        let mut slices = Vec::with_capacity(count);
        for number in 0..count {
            let to = from + each + usize::from(number < extra);
            let mut slice = items[from..to].to_vec();
            if let (Some(fill), true) = (&fill, number >= extra) {
                slice.push(fill.clone());
            }
            slices.push(Value::list(slice));
            from = to;
        }
        Ok(slices)
    }))
}

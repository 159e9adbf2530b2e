//! Filters for lists and dicts.

use super::attribute_path::Path;
use super::filters::generator;
use crate::template::run::{Arguments, Exception, Machine, Pull, Raise, Run};
use crate::template::value::{Generator, Object, Str, Undefined, Value, ViewKind, arithmetic, iterate, repr};

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

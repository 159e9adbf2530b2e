//! Filters for lists and dicts.

use super::attribute_path::AttributePath;
use super::filters::{generator, no_integer, no_len, not_none};
use crate::ir::Operator;
use crate::ops::strings::{self, to_str};
use crate::ops::{arithmetic, iterate};
use crate::provenance::Str;
use crate::runtime::{
    Arguments, EvalResult, Generator, GeneratorName, Interpreter, LazyIter, Object, PyError, PyErrorKind, Undefined,
    Value, ViewKind, deepest,
};

pub(super) fn length<'d>(
    interpreter: &Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("len", [], 0)?;
    if let Value::Str(text) = &value {
        interpreter.budget.search(text.len())?;
    }
    value.len().map(|len| Value::Int(len as i64)).ok_or_else(|| no_len(&value))
}

pub(super) fn first<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("first", [], 0)?;
    if let Value::Object(object) = &value
        && let Object::Generator(generator) = &**object
    {
        // A generator keeps its other items.
        let mut rest = interpreter.items(&value)?.into_iter();
        let first = rest.next();
        generator.state.replace(LazyIter::ready(rest.collect()));
        return Ok(first.unwrap_or(Value::Undefined(Undefined::Hint("No first item, sequence was empty."))));
    }
    let mut items = interpreter.items(&value)?.into_iter();
    Ok(items.next().unwrap_or(Value::Undefined(Undefined::Hint("No first item, sequence was empty."))))
}

/// The size of a list without items, in values.
const LIST: usize = 6;

/// The items from the last to the first; None if Python's `reversed` does not accept the value.
fn reversed<'d>(interpreter: &mut Interpreter<'d>, value: &Value<'d>) -> EvalResult<Option<Vec<Value<'d>>>> {
    let reversible = match value {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) | Value::Undefined(_) => true,
        Value::Object(object) => matches!(&**object, Object::Range { .. } | Object::View(..)),
        _ => false,
    };
    if !reversible {
        return Ok(None);
    }
    let mut items = interpreter.items(value)?;
    items.reverse();
    Ok(Some(items))
}

fn is_markup(value: &Value<'_>) -> bool {
    value.as_str().is_some_and(Str::is_markup)
}

pub(super) fn last<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("last", [], 0)?;
    match reversed(interpreter, &value)? {
        Some(items) => Ok(match items.into_iter().next() {
            // From the end, Python takes the characters of a `Markup` as items of it, and they are `Markup` too.
            Some(Value::Str(last)) if matches!(value, Value::Str(_)) => Value::Str(last.markup_if(is_markup(&value))),
            Some(last) => last,
            None => Value::Undefined(Undefined::Hint("No last item, sequence was empty.")),
        }),
        None => Err(PyError::new(PyErrorKind::Type, format!("'{}' object is not reversible", value.type_name()))),
    }
}

pub(super) fn reverse<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("reverse", [], 0)?;
    if let Value::Str(text) = &value {
        interpreter.charge_change(text, 2)?;
        let new: String = text.chars().rev().collect();
        return Ok(Value::Str(interpreter.derived(text, new)?.markup_if(text.is_markup())));
    }
    if let Some(items) = reversed(interpreter, &value)? {
        let name = GeneratorName::Class(match &value {
            Value::List(_) => "list_reverseiterator",
            Value::Dict(_) => "dict_reversekeyiterator",
            Value::Object(_) => "range_iterator",
            _ => "reversed",
        });
        return Ok(Value::object(Object::Generator(Generator {
            name,
            depth: deepest(&items),
            state: LazyIter::ready(items).into(),
        })));
    }
    if !iterate::is_iterable(&value) {
        return Err(PyError::new(PyErrorKind::Runtime, "argument must be iterable"));
    }
    let mut items = interpreter.items(&value)?;
    items.reverse();
    Ok(Value::list(items))
}

pub(super) fn list<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("list", [], 0)?;
    if let Value::List(_) = value {
        // Lists do not change, so no copy is needed.
        return Ok(value);
    }
    interpreter.items(&value).map(Value::list)
}

pub(super) fn items<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [] = args.bind("items", [], 0)?;
    let depth = value.depth();
    Ok(generator("do_items", depth, move |interpreter| match &value {
        Value::Undefined(_) => Ok(Vec::new()),
        Value::Dict(dict) => interpreter.items(&Value::object(Object::View(ViewKind::Items, dict.clone()))),
        _ => Err(PyError::new(PyErrorKind::Type, "Can only get item pairs from a mapping.")),
    }))
}

pub(super) fn join<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [separator, attribute] = args.bind("join", ["d", "attribute"], 0)?;
    let separator = separator.unwrap_or(Value::fixed(""));
    let mut items = interpreter.items(&value)?;
    if let Some(attribute) = not_none(attribute) {
        let path = AttributePath::of(&interpreter.budget, Some(&attribute))?;
        for item in &mut items {
            *item = path.get(interpreter, item)?;
        }
    }
    interpreter.budget.strings(items.len())?;
    let mut texts = items.iter().map(|item| to_str(interpreter, item)).collect::<EvalResult<Vec<_>>>()?;
    let mut separator = to_str(interpreter, &separator)?;
    let markup = interpreter.autoescape && (separator.is_markup() || texts.iter().any(Str::is_markup));
    if markup {
        separator = strings::escaped(interpreter, &separator)?;
        for text in &mut texts {
            *text = strings::escaped(interpreter, text)?;
        }
    }
    let mut parts: Vec<&Str<'d>> = Vec::with_capacity(texts.len() * 2);
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            parts.push(&separator);
        }
        parts.push(text);
    }
    let joined = strings::join(interpreter, &parts)?;
    Ok(Value::Str(joined.markup_if(markup)))
}

pub(super) fn sum<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [attribute, start] = args.bind("sum", ["attribute", "start"], 0)?;
    let path = AttributePath::of(&interpreter.budget, attribute.as_ref())?;
    let mut total = start.unwrap_or(Value::Int(0));
    if let Value::Str(_) = total {
        return Err(PyError::new(PyErrorKind::Type, "sum() can't sum strings [use ''.join(seq) instead]"));
    }
    for item in interpreter.items(&value)? {
        let item = path.get(interpreter, &item)?;
        total = arithmetic::apply(interpreter, Operator::Add, &total, &item)?;
    }
    Ok(total)
}

/// The argument `name`, which must be a positive integer.
fn count_of(value: Option<Value<'_>>, name: &str) -> EvalResult<usize> {
    match value {
        Some(Value::Int(count)) if count > 0 => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        Some(Value::Int(_)) => Err(PyError::new(PyErrorKind::Value, format!("{name} must be at least 1"))),
        Some(other) => Err(no_integer(&other)),
        None => Err(PyError::new(PyErrorKind::Type, format!("{name} is missing"))),
    }
}

pub(super) fn batch<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [count, fill] = args.bind("batch", ["linecount", "fill_with"], 1)?;
    let depth = deepest(fill.iter().chain([&value]));
    Ok(generator("do_batch", depth, move |interpreter| {
        let count = count_of(count, "linecount")?;
        let items = interpreter.items(&value)?;
        interpreter.charge_items(items.len() + items.len().div_ceil(count) * LIST)?;
        let mut batches: Vec<Vec<Value<'d>>> = items.chunks(count).map(<[Value<'d>]>::to_vec).collect();
        if let (Some(last), Some(fill)) = (batches.last_mut(), not_none(fill)) {
            interpreter.charge_items(count)?;
            last.resize(count, fill);
        }
        Ok(batches.into_iter().map(Value::list).collect())
    }))
}

pub(super) fn slice<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [count, fill] = args.bind("slice", ["slices", "fill_with"], 1)?;
    let depth = deepest(fill.iter().chain([&value]));
    Ok(generator("sync_do_slice", depth, move |interpreter| {
        let count = count_of(count, "slices")?;
        interpreter.charge_items(count.saturating_mul(LIST))?;
        let items = interpreter.items(&value)?;
        interpreter.charge_items(items.len())?;
        let (each, extra) = (items.len() / count, items.len() % count);
        let fill = not_none(fill);
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

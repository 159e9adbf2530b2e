//! Filters for lists and dicts.

use num_bigint::Sign;

use super::attribute_path::AttributePath;
use super::filters::{generator, no_integer, no_len, not_none};
use crate::ir::Operator;
use crate::ops::strings::{self, to_str};
use crate::ops::{arithmetic, iterate};
use crate::provenance::Str;
use crate::runtime::{
    Arguments, EvalResult, Generator, GeneratorName, Interpreter, Items, LazyIter, Object, PyError, PyErrorKind,
    Undefined, Value, ViewKind, deepest, no_items,
};

pub(super) fn length<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [] = args.bind("len", [], 0)?;
    if let Value::Object(object) = &value
        && let Object::Loop(state) = &**object
    {
        interpreter.loop_len(state)?;
    }
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
    let first = interpreter.cursor(&value)?.next(interpreter)?;
    Ok(first.unwrap_or(Value::Undefined(Undefined::Hint("No first item, sequence was empty."))))
}

/// The size of a list without items, in values.
const LIST: usize = 6;

/// The items from the last to the first; None if Python's `reversed` does not accept the value.
fn reversed<'d>(interpreter: &mut Interpreter<'d>, value: &Value<'d>) -> EvalResult<Option<Vec<Value<'d>>>> {
    let reversible = match value {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) | Value::Undefined(_) => true,
        Value::Object(object) => match &**object {
            Object::View(kind, _) => *kind != ViewKind::Set,
            other => matches!(other, Object::Range { .. }),
        },
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
            Value::Object(object) => match &**object {
                Object::View(ViewKind::Keys, _) => "dict_reversekeyiterator",
                Object::View(ViewKind::Values, _) => "dict_reversevalueiterator",
                Object::View(ViewKind::Items, _) => "dict_reverseitemiterator",
                _ => "range_iterator",
            },
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
    Ok(generator("do_items", depth, move |interpreter| {
        let view = match &value {
            Value::Undefined(_) => return Ok(no_items()),
            Value::Dict(dict) => Value::object(Object::View(ViewKind::Items, dict.clone())),
            _ => return Err(PyError::new(PyErrorKind::Type, "Can only get item pairs from a mapping.")),
        };
        let mut items = interpreter.cursor(&view)?;
        Ok(Box::new(move |interpreter| items.next(interpreter)))
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

/// The number of items that a batch has when it is full; None if none is ever full. Jinja2 only compares with it.
fn batch_size(count: &Value<'_>) -> Option<usize> {
    match count {
        Value::Int(count) => usize::try_from(*count).ok(),
        Value::Bool(count) => Some(usize::from(*count)),
        Value::Float(count) if *count >= 0.0 && *count <= 1e15 && count.fract() == 0.0 => Some(*count as usize),
        _ => None,
    }
}

/// The number of items that a last batch of `len` items lacks.
fn lacking(count: &Value<'_>, len: usize) -> EvalResult<usize> {
    match count {
        Value::Int(count) => Ok(usize::try_from(*count).unwrap_or(0).saturating_sub(len)),
        Value::Bool(count) => Ok(usize::from(*count).saturating_sub(len)),
        Value::Big(count) if count.sign() == Sign::Minus => Ok(0),
        Value::Big(_) => Ok(usize::MAX),
        Value::Float(count) if *count > len as f64 => {
            Err(PyError::new(PyErrorKind::Type, "can't multiply sequence by non-int of type 'float'"))
        }
        Value::Float(_) => Ok(0),
        other => {
            let text = format!("'<' not supported between instances of 'int' and '{}'", other.type_name());
            Err(PyError::new(PyErrorKind::Type, text))
        }
    }
}

pub(super) fn batch<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [count, fill] = args.bind("batch", ["linecount", "fill_with"], 1)?;
    let depth = deepest(fill.iter().chain([&value]));
    Ok(generator("do_batch", depth, move |interpreter| {
        let count = count.unwrap_or(Value::None);
        let (size, fill) = (batch_size(&count), not_none(fill));
        let mut items = interpreter.cursor(&value)?;
        let mut next = Vec::new();
        Ok(Box::new(move |interpreter| {
            interpreter.charge_items(LIST)?;
            while let Some(item) = items.next(interpreter)? {
                let full = size == Some(next.len());
                let batch = if full { std::mem::take(&mut next) } else { Vec::new() };
                next.push(item);
                if full {
                    return Ok(Some(Value::list(batch)));
                }
                if next.len().is_power_of_two() {
                    interpreter.budget.strings(next.len() * 2)?;
                }
            }
            if next.is_empty() {
                return Ok(None);
            }
            let mut last = std::mem::take(&mut next);
            if let Some(fill) = &fill {
                let lacking = lacking(&count, last.len())?;
                interpreter.charge_items(lacking)?;
                last.resize(last.len() + lacking, fill.clone());
            }
            Ok(Some(Value::list(last)))
        }))
    }))
}

pub(super) fn slice<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [count, fill] = args.bind("slice", ["slices", "fill_with"], 1)?;
    let depth = deepest(fill.iter().chain([&value]));
    Ok(generator("sync_do_slice", depth, move |interpreter| {
        let items = Items::new(interpreter.items(&value)?);
        let count = match count.unwrap_or(Value::None) {
            Value::Int(0) | Value::Bool(false) => {
                return Err(PyError::new(PyErrorKind::ZeroDivision, "integer division or modulo by zero"));
            }
            Value::Int(count) => usize::try_from(count).unwrap_or(0),
            Value::Bool(true) => 1,
            Value::Undefined(undefined) => return Err(PyError::undefined(&undefined)),
            other => return Err(no_integer(&other)),
        };
        let fill = not_none(fill);
        let (mut number, mut from) = (0, 0);
        Ok(Box::new(move |interpreter| {
            if number == count {
                return Ok(None);
            }
            let (each, extra) = (items.len() / count, items.len() % count);
            interpreter.charge_items(LIST + each)?;
            let to = from + each + usize::from(number < extra);
            let mut slice = items[from..to].to_vec();
            if let (Some(fill), true) = (&fill, number >= extra) {
                slice.push(fill.clone());
            }
            (number, from) = (number + 1, to);
            Ok(Some(Value::list(slice)))
        }))
    }))
}

//! `+ - * / // % **` as in Python.

use super::{numbers, percent_format, strings};
use crate::ir::Operator;
use crate::provenance::Str;
use crate::runtime::{
    Dict, EvalResult, Interpreter, Object, PyError, PyErrorKind, SetLike, Value, ViewKind, hashable, is_number,
};

pub(crate) use super::numbers::sign;

/// `left operator right`.
pub(crate) fn apply<'d>(
    interpreter: &mut Interpreter<'d>,
    operator: Operator,
    left: &Value<'d>,
    right: &Value<'d>,
) -> EvalResult<Value<'d>> {
    if let (Operator::Mod, Value::Str(format)) = (operator, left) {
        return percent_format::format_value(interpreter, format, right);
    }
    let view = |value: &Value<'d>| SetLike::of(value).is_some_and(|it| !it.is_set());
    let set = |value: &Value<'d>| SetLike::of(value).is_some();
    if operator == Operator::Sub && (view(left) || view(right) || set(left) && set(right)) {
        return difference(interpreter, left, right);
    }
    if let (Value::Undefined(undefined), _) | (_, Value::Undefined(undefined)) = (left, right) {
        return Err(PyError::undefined(undefined));
    }
    match (operator, left, right) {
        (Operator::Add, Value::Str(left), Value::Str(right)) => return strings::concat(interpreter, left, right),
        (Operator::Add, Value::Str(_), other) => {
            let text = format!("can only concatenate str (not \"{}\") to str", other.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
        (Operator::Add, Value::List(left), Value::List(right)) => {
            interpreter.charge_items(left.len() + right.len())?;
            return Ok(Value::list(left.iter().chain(right.iter()).collect()));
        }
        (Operator::Add, Value::Tuple(left), Value::Tuple(right)) => {
            interpreter.charge_items(left.len() + right.len())?;
            return Ok(Value::tuple(left.iter().chain(right.iter()).cloned().collect()));
        }
        (Operator::Add, Value::List(_) | Value::Tuple(_), other) => {
            let kind = left.type_name();
            let text = format!("can only concatenate {kind} (not \"{}\") to {kind}", other.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
        (Operator::Mul, sequence @ (Value::Str(_) | Value::List(_) | Value::Tuple(_)), count)
        | (Operator::Mul, count, sequence @ (Value::Str(_) | Value::List(_) | Value::Tuple(_))) => {
            return repeat(interpreter, sequence, count);
        }
        _ => {}
    }
    if !is_number(left) || !is_number(right) {
        let text = format!(
            "unsupported operand type(s) for {}: '{}' and '{}'",
            operator.symbol(),
            left.type_name(),
            right.type_name()
        );
        return Err(PyError::new(PyErrorKind::Type, text));
    }
    numbers::apply(&interpreter.budget, operator, left, right)
}

/// `left - right`, if one is a view of a dict, or both are sets. Items have the order of `left`.
fn difference<'d>(interpreter: &mut Interpreter<'d>, left: &Value<'d>, right: &Value<'d>) -> EvalResult<Value<'d>> {
    if let Value::Undefined(undefined) = left {
        return Err(PyError::undefined(undefined));
    }
    let all = |interpreter: &mut Interpreter<'d>, value: &Value<'d>| -> EvalResult<Dict<'d>> {
        let items = interpreter.items(value)?;
        interpreter.charge_items(items.len().saturating_mul(4))?;
        items.iter().try_for_each(|item| hashable(&interpreter.budget, item))?;
        Dict::own(&interpreter.budget, items.into_iter().map(|item| (item, Value::None)).collect())
    };
    let left = all(interpreter, left)?;
    let right = all(interpreter, right)?;
    let mut kept = Vec::new();
    for (item, none) in left.entries() {
        interpreter.step()?;
        if right.get(&interpreter.budget, &item)?.is_none() {
            kept.push((item, none));
        }
    }
    let kept = Dict::own(&interpreter.budget, kept)?;
    Ok(Value::object(Object::View(ViewKind::Set, kept)))
}

fn repeat<'d>(interpreter: &mut Interpreter<'d>, sequence: &Value<'d>, count: &Value<'d>) -> EvalResult<Value<'d>> {
    let count = match count {
        Value::Bool(count) => i64::from(*count),
        Value::Int(count) => *count,
        Value::Big(_) => {
            let text = "cannot fit 'int' into an index-sized integer";
            return Err(PyError::new(PyErrorKind::Overflow, text));
        }
        other => {
            let text = format!("can't multiply sequence by non-int of type '{}'", other.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
    };
    let count = usize::try_from(count.max(0)).unwrap_or(0);
    // Nothing repeated is nothing, however often.
    let count = if sequence.is_true() { count } else { 0 };
    Ok(match sequence {
        Value::Str(text) => {
            interpreter.charge_bytes(text.len().saturating_mul(count))?;
            Value::Str(Str::owned(text.repeat(count)).markup_if(text.is_markup()))
        }
        Value::List(list) => {
            interpreter.charge_items(list.len().saturating_mul(count))?;
            Value::list((0..count).flat_map(|_| list.iter()).collect())
        }
        Value::Tuple(items) => {
            interpreter.charge_items(items.len().saturating_mul(count))?;
            Value::tuple((0..count).flat_map(|_| items.iter().cloned()).collect())
        }
        _ => Value::None,
    })
}

/// The sum of values, from left to right.
pub(crate) fn sum<'d>(interpreter: &mut Interpreter<'d>, values: Vec<Value<'d>>) -> EvalResult<Value<'d>> {
    let strings: Option<Vec<&Str<'d>>> =
        values.iter().map(|value| value.as_str().filter(|text| !text.is_markup())).collect();
    if let Some(strings) = strings {
        return strings::join(interpreter, &strings).map(Value::Str);
    }
    let mut values = values.into_iter();
    let mut total = values.next().unwrap_or(Value::None);
    for value in values {
        total = apply(interpreter, Operator::Add, &total, &value)?;
    }
    Ok(total)
}

//! Equality, order and membership as Python has them.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::{Object, Value};
use crate::template::run::{Exception, Machine, Raise, Run};

/// Python's `==`, which never fails.
pub(crate) fn equal<'d>(left: &Value<'d>, right: &Value<'d>) -> bool {
    match (left, right) {
        (Value::Undefined(_), Value::Undefined(_)) | (Value::None, Value::None) => true,
        (Value::Str(left), Value::Str(right)) => **left == **right,
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| equal(&left, &right))
        }
        (Value::Tuple(left), Value::Tuple(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(left, right)| equal(left, right))
        }
        (Value::Dict(left), Value::Dict(right)) => {
            left.len() == right.len()
                && left.entries().all(|(key, value)| right.get(&key).is_some_and(|other| equal(&value, &other)))
        }
        (Value::Object(left), Value::Object(right)) => match (&**left, &**right) {
            (Object::Range { .. }, Object::Range { .. }) => {
                let items = |object: &Object<'_>| match object {
                    Object::Range { start, stop, step } => {
                        let len = super::object::range_len(*start, *stop, *step);
                        (len, (len > 0).then_some(*start), (len > 1).then_some(*step))
                    }
                    _ => (0, None, None),
                };
                items(left) == items(right)
            }
            (Object::Function(left), Object::Function(right)) => left == right,
            (Object::Group(left), Object::Group(right)) => {
                left.iter().zip(right).all(|(left, right)| equal(left, right))
            }
            _ => std::rc::Rc::ptr_eq(left, right),
        },
        _ => numeric(left, right) == Some(Ordering::Equal),
    }
}

/// The order of two numbers; None where one is no number, or not a number.
fn numeric(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Float(left), right) => int_float(right, *left).map(Ordering::reverse),
        (left, Value::Float(right)) => int_float(left, *right),
        _ => match (small(left), small(right)) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => Some(super::arithmetic::big(left)?.cmp(&super::arithmetic::big(right)?)),
        },
    }
}

fn small(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::Int(value) => Some(*value),
        _ => None,
    }
}

/// The exact order of an integer and a float.
fn int_float(int: &Value<'_>, float: f64) -> Option<Ordering> {
    let int = super::arithmetic::big(int)?;
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let whole: BigInt = super::arithmetic::whole(float)?;
    Some(int.cmp(&whole).then_with(|| 0.0f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)))
}

/// The order of two values for `<` and its like; `symbol` is for the message.
pub(crate) fn order<'d>(left: &Value<'d>, right: &Value<'d>, symbol: &str) -> Run<Option<Ordering>> {
    match (left, right) {
        (Value::Undefined(undefined), _) | (_, Value::Undefined(undefined)) => Err(Raise::undefined(undefined)),
        (Value::Str(left), Value::Str(right)) => Ok(Some((**left).cmp(&**right))),
        (Value::List(left), Value::List(right)) => sequences(left.iter(), right.iter(), symbol),
        (Value::Tuple(left), Value::Tuple(right)) => sequences(left.iter().cloned(), right.iter().cloned(), symbol),
        _ if is_number(left) && is_number(right) => Ok(numeric(left, right)),
        _ => Err(Raise::new(
            Exception::Type,
            format!("'{symbol}' not supported between instances of '{}' and '{}'", left.type_name(), right.type_name()),
        )),
    }
}

pub(crate) fn is_number(value: &Value<'_>) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_))
}

fn sequences<'d>(
    mut left: impl Iterator<Item = Value<'d>>,
    mut right: impl Iterator<Item = Value<'d>>,
    symbol: &str,
) -> Run<Option<Ordering>> {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ok(Some(Ordering::Equal)),
            (None, Some(_)) => return Ok(Some(Ordering::Less)),
            (Some(_), None) => return Ok(Some(Ordering::Greater)),
            (Some(left), Some(right)) if !equal(&left, &right) => return order(&left, &right, symbol),
            _ => {}
        }
    }
}

/// Python's `item in container`.
pub(crate) fn contains<'d>(machine: &mut Machine<'d>, container: &Value<'d>, item: &Value<'d>) -> Run<bool> {
    match container {
        Value::Undefined(_) => Ok(false),
        Value::Str(text) => match item {
            Value::Str(item) => Ok(memchr::memmem::find(text.as_bytes(), item.as_bytes()).is_some()),
            other => Err(Raise::new(
                Exception::Type,
                format!("'in <string>' requires string as left operand, not {}", other.type_name()),
            )),
        },
        Value::List(list) => Ok(list.iter().any(|known| equal(&known, item))),
        Value::Tuple(items) => Ok(items.iter().any(|known| equal(known, item))),
        Value::Dict(dict) => {
            hashable(item)?;
            Ok(dict.get(item).is_some())
        }
        Value::Object(object) => match &**object {
            Object::View(super::ViewKind::Keys, dict) => Ok(dict.get(item).is_some()),
            Object::Range { .. } | Object::View(..) | Object::Generator(_) | Object::Group(_) | Object::Loop(_) => {
                Ok(machine.items(container)?.iter().any(|known| equal(known, item)))
            }
            _ => Err(not_iterable(container)),
        },
        other => Err(not_iterable(other)),
    }
}

fn not_iterable(value: &Value<'_>) -> Raise {
    Raise::new(Exception::Type, format!("argument of type '{}' is not iterable", value.type_name()))
}

/// Fails where Python cannot hash the value.
pub(crate) fn hashable(value: &Value<'_>) -> Run<()> {
    match value {
        Value::List(_) | Value::Dict(_) => {
            Err(Raise::new(Exception::Type, format!("unhashable type: '{}'", value.type_name())))
        }
        Value::Tuple(items) => items.iter().try_for_each(hashable),
        _ => Ok(()),
    }
}

/// Whether two values are the same object, as far as values that cannot be changed tell.
pub(crate) fn same<'d>(left: &Value<'d>, right: &Value<'d>) -> bool {
    match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right && (-5..=256).contains(left),
        (Value::Str(left), Value::Str(right)) => {
            **left == **right && (left.as_ptr() == right.as_ptr() || left.len() <= 1)
        }
        (Value::List(left), Value::List(right)) => match (left, right) {
            (super::List::Own(left), super::List::Own(right)) => std::rc::Rc::ptr_eq(left, right),
            (super::List::Data(left), super::List::Data(right)) => std::ptr::eq(*left, *right),
            (super::List::Messages(left), super::List::Messages(right)) => std::ptr::eq(*left, *right),
            _ => false,
        },
        (Value::Dict(left), Value::Dict(right)) => match (left, right) {
            (super::Dict::Own(left), super::Dict::Own(right)) => std::rc::Rc::ptr_eq(left, right),
            (super::Dict::Data(left), super::Dict::Data(right)) => std::ptr::eq(*left, *right),
            _ => false,
        },
        (Value::Object(left), Value::Object(right)) => {
            std::rc::Rc::ptr_eq(left, right)
                || matches!((&**left, &**right), (Object::Function(left), Object::Function(right)) if left == right)
        }
        _ => false,
    }
}

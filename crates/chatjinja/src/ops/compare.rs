//! Order, membership and identity as in Python. Equality is in [`equal`].

use std::cmp::Ordering;
use std::rc::Rc;

use crate::runtime::{
    Dict, EvalResult, Interpreter, List, Object, PyError, PyErrorKind, Value, ViewKind, equal, hashable, is_number,
    numeric_order,
};

/// The order of two values for `<` and the other comparisons; None if they have no order, such as NaN. `symbol` is for
/// the error message.
pub(crate) fn order<'d>(left: &Value<'d>, right: &Value<'d>, symbol: &str) -> EvalResult<Option<Ordering>> {
    match (left, right) {
        (Value::Undefined(undefined), _) | (_, Value::Undefined(undefined)) => Err(PyError::undefined(undefined)),
        (Value::Str(left), Value::Str(right)) => Ok(Some((**left).cmp(&**right))),
        (Value::List(left), Value::List(right)) => sequences(left.iter(), right.iter(), symbol),
        (Value::Tuple(left), Value::Tuple(right)) => sequences(left.iter().cloned(), right.iter().cloned(), symbol),
        _ if is_number(left) && is_number(right) => Ok(numeric_order(left, right)),
        _ => Err(PyError::new(
            PyErrorKind::Type,
            format!("'{symbol}' not supported between instances of '{}' and '{}'", left.type_name(), right.type_name()),
        )),
    }
}

fn sequences<'d>(
    mut left: impl Iterator<Item = Value<'d>>,
    mut right: impl Iterator<Item = Value<'d>>,
    symbol: &str,
) -> EvalResult<Option<Ordering>> {
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

/// `item in container`.
pub(crate) fn contains<'d>(
    interpreter: &mut Interpreter<'d>,
    container: &Value<'d>,
    item: &Value<'d>,
) -> EvalResult<bool> {
    match container {
        Value::Undefined(_) => Ok(false),
        Value::Str(text) => match item {
            Value::Str(item) => Ok(memchr::memmem::find(text.as_bytes(), item.as_bytes()).is_some()),
            other => Err(PyError::new(
                PyErrorKind::Type,
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
            Object::View(ViewKind::Keys, dict) => Ok(dict.get(item).is_some()),
            Object::Range { .. } | Object::View(..) | Object::Generator(_) | Object::Group(_) | Object::Loop(_) => {
                Ok(interpreter.items(container)?.iter().any(|known| equal(known, item)))
            }
            _ => Err(no_container(container)),
        },
        other => Err(no_container(other)),
    }
}

fn no_container(value: &Value<'_>) -> PyError {
    PyError::new(PyErrorKind::Type, format!("argument of type '{}' is not iterable", value.type_name()))
}

/// `left is right`, as far as immutable values have an identity.
pub(crate) fn same<'d>(left: &Value<'d>, right: &Value<'d>) -> bool {
    match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        // CPython keeps one object for each of these integers.
        (Value::Int(left), Value::Int(right)) => left == right && (-5..=256).contains(left),
        (Value::Str(left), Value::Str(right)) => {
            **left == **right && (left.as_ptr() == right.as_ptr() || left.len() <= 1)
        }
        (Value::List(left), Value::List(right)) => match (left, right) {
            (List::Own(left), List::Own(right)) => Rc::ptr_eq(left, right),
            (List::Input(left), List::Input(right)) => std::ptr::eq(*left, *right),
            (List::Records(left), List::Records(right)) => std::ptr::eq(*left, *right),
            _ => false,
        },
        (Value::Dict(left), Value::Dict(right)) => match (left, right) {
            (Dict::Own(left), Dict::Own(right)) => Rc::ptr_eq(left, right),
            (Dict::Input(left), Dict::Input(right)) => std::ptr::eq(*left, *right),
            _ => false,
        },
        (Value::Object(left), Value::Object(right)) => {
            Rc::ptr_eq(left, right)
                || matches!((&**left, &**right), (Object::Function(left), Object::Function(right)) if left == right)
        }
        _ => false,
    }
}

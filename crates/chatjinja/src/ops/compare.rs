//! Order, membership and identity as in Python. Equality is in [`equal`].

use std::cmp::Ordering;
use std::rc::Rc;

use crate::runtime::{
    Budget, EvalResult, Interpreter, List, Object, PyError, PyErrorKind, SetLike, Value, charge_numbers, equal,
    hashable, is_number, numeric_order,
};

/// The order of two values for `<` and the other comparisons; None if they have no order, such as NaN. `symbol` is for
/// the error message.
pub(crate) fn order<'d>(
    budget: &Budget<'d>,
    left: &Value<'d>,
    right: &Value<'d>,
    symbol: &str,
) -> EvalResult<Option<Ordering>> {
    budget.spend(1)?;
    if let (Some(left), Some(right)) = (SetLike::of(left), SetLike::of(right)) {
        return left.order(budget, right);
    }
    match (left, right) {
        (Value::Undefined(undefined), _) | (_, Value::Undefined(undefined)) => Err(PyError::undefined(undefined)),
        (Value::Str(left), Value::Str(right)) => {
            budget.search(left.len().min(right.len()))?;
            Ok(Some((**left).cmp(&**right)))
        }
        (Value::List(left), Value::List(right)) => sequences(budget, left.iter(), right.iter(), symbol),
        (Value::Tuple(left), Value::Tuple(right)) => {
            sequences(budget, left.iter().cloned(), right.iter().cloned(), symbol)
        }
        _ if is_number(left) && is_number(right) => {
            charge_numbers(budget, left, right)?;
            Ok(numeric_order(left, right))
        }
        _ => Err(PyError::new(
            PyErrorKind::Type,
            format!("'{symbol}' not supported between instances of '{}' and '{}'", left.type_name(), right.type_name()),
        )),
    }
}

fn sequences<'d>(
    budget: &Budget<'d>,
    mut left: impl Iterator<Item = Value<'d>>,
    mut right: impl Iterator<Item = Value<'d>>,
    symbol: &str,
) -> EvalResult<Option<Ordering>> {
    loop {
        budget.spend(1)?;
        match (left.next(), right.next()) {
            (None, None) => return Ok(Some(Ordering::Equal)),
            (None, Some(_)) => return Ok(Some(Ordering::Less)),
            (Some(_), None) => return Ok(Some(Ordering::Greater)),
            (Some(left), Some(right)) if !equal(budget, &left, &right)? => {
                return order(budget, &left, &right, symbol);
            }
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
    if let Some(set) = SetLike::of(container) {
        return set.contains(&interpreter.budget, item);
    }
    match container {
        Value::Undefined(_) => Ok(false),
        Value::Str(text) => match item {
            Value::Str(item) => {
                interpreter.budget.search(text.len() + item.len())?;
                Ok(memchr::memmem::find(text.as_bytes(), item.as_bytes()).is_some())
            }
            other => Err(PyError::new(
                PyErrorKind::Type,
                format!("'in <string>' requires string as left operand, not {}", other.type_name()),
            )),
        },
        Value::List(list) => any_equal(&interpreter.budget, list.iter(), item),
        Value::Tuple(items) => any_equal(&interpreter.budget, items.iter().cloned(), item),
        Value::Dict(dict) => {
            hashable(&interpreter.budget, item)?;
            Ok(dict.get(&interpreter.budget, item)?.is_some())
        }
        Value::Object(object) => match &**object {
            Object::Generator(_) => {
                // The items after the one that was found stay in the generator.
                let mut items = interpreter.cursor(container)?;
                while let Some(known) = items.next(interpreter)? {
                    if equal(&interpreter.budget, &known, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Object::Range { .. } | Object::View(..) | Object::Group(_) | Object::Loop(_) => {
                let items = interpreter.items(container)?;
                any_equal(&interpreter.budget, items.into_iter(), item)
            }
            _ => Err(no_container(container)),
        },
        other => Err(no_container(other)),
    }
}

fn any_equal<'d>(budget: &Budget<'d>, items: impl Iterator<Item = Value<'d>>, item: &Value<'d>) -> EvalResult<bool> {
    for known in items {
        budget.spend(1)?;
        if equal(budget, &known, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn no_container(value: &Value<'_>) -> PyError {
    PyError::new(PyErrorKind::Type, format!("argument of type '{}' is not iterable", value.type_name()))
}

/// `left is right`, as far as immutable values have an identity.
pub(crate) fn same<'d>(budget: &Budget<'d>, left: &Value<'d>, right: &Value<'d>) -> EvalResult<bool> {
    Ok(match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        // CPython keeps one object for each of these integers.
        (Value::Int(left), Value::Int(right)) => left == right && (-5..=256).contains(left),
        (Value::Str(left), Value::Str(right)) => {
            budget.search(left.len())?;
            **left == **right && (left.as_ptr() == right.as_ptr() || left.len() <= 1)
        }
        (Value::List(left), Value::List(right)) => match (left, right) {
            (List::Own(left), List::Own(right)) => Rc::ptr_eq(left, right),
            (List::Input(left), List::Input(right)) => std::ptr::eq(*left, *right),
            (List::Records(left), List::Records(right)) => std::ptr::eq(*left, *right),
            _ => false,
        },
        (Value::Dict(left), Value::Dict(right)) => left.is_same(right),
        (Value::Object(left), Value::Object(right)) => {
            Rc::ptr_eq(left, right)
                || matches!((&**left, &**right), (Object::Function(left), Object::Function(right)) if left == right)
        }
        _ => false,
    })
}

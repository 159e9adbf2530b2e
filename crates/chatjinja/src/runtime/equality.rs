//! Python's `==`, the order of numbers, and the check that a value can be hashed.

use std::cmp::Ordering;
use std::rc::Rc;

use num_bigint::BigInt;

use super::{Budget, Dict, EvalResult, Object, PyError, PyErrorKind, SetLike, Value, ViewKind, big, range_len};
use crate::text::number::whole;

/// The steps to write the digits of a large float.
pub(crate) const LONG_FLOAT: u64 = 64;

/// Python's `==`. Fails only at a limit: each pair of values that it compares is charged.
pub(crate) fn equal<'d>(budget: &Budget<'d>, left: &Value<'d>, right: &Value<'d>) -> EvalResult<bool> {
    Ok(match (left, right) {
        (Value::Undefined(_), Value::Undefined(_)) | (Value::None, Value::None) => true,
        (Value::Str(left), Value::Str(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            budget.search(left.len())?;
            **left == **right
        }
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && all_equal(budget, left.iter().zip(right.iter()))?
        }
        (Value::Tuple(left), Value::Tuple(right)) => {
            left.len() == right.len() && all_equal(budget, left.iter().cloned().zip(right.iter().cloned()))?
        }
        (Value::Dict(left), Value::Dict(right)) => left.len() == right.len() && equal_dicts(budget, left, right)?,
        (Value::Object(left), Value::Object(right)) => match (&**left, &**right) {
            (Object::Range { .. }, Object::Range { .. }) => range_items(left) == range_items(right),
            (Object::Function(left), Object::Function(right)) => left == right,
            (Object::Group(left), Object::Group(right)) => {
                all_equal(budget, left.iter().cloned().zip(right.iter().cloned()))?
            }
            _ if Rc::ptr_eq(left, right) => true,
            _ => match (SetLike::of_object(left), SetLike::of_object(right)) {
                (Some(left), Some(right)) => left.order(budget, right)? == Some(Ordering::Equal),
                _ => false,
            },
        },
        (left, right) if is_number(left) && is_number(right) => {
            charge_numbers(budget, left, right)?;
            numeric_order(left, right) == Some(Ordering::Equal)
        }
        _ => false,
    })
}

fn is_number(value: &Value<'_>) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_))
}

fn all_equal<'d>(budget: &Budget<'d>, pairs: impl Iterator<Item = (Value<'d>, Value<'d>)>) -> EvalResult<bool> {
    for (left, right) in pairs {
        budget.spend(2)?;
        if !equal(budget, &left, &right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_dicts<'d>(budget: &Budget<'d>, left: &Dict<'d>, right: &Dict<'d>) -> EvalResult<bool> {
    for (key, value) in left.entries() {
        // A small dict is searched from the first key to the last.
        budget.spend(4)?;
        match right.get(budget, &key)? {
            Some(other) if equal(budget, &value, &other)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Call before comparing numbers: large ones take longer.
pub(crate) fn charge_numbers<'d>(budget: &Budget<'d>, left: &Value<'d>, right: &Value<'d>) -> EvalResult<()> {
    for value in [left, right] {
        match value {
            Value::Big(value) => budget.copy_integer(value)?,
            // Such a float is compared by all its digits.
            Value::Float(value) if value.abs() >= 9e18 => budget.spend(LONG_FLOAT)?,
            _ => {}
        }
    }
    Ok(())
}

/// The properties that equal ranges share: their length, and the first item and the step if there are enough items.
fn range_items(object: &Object<'_>) -> (usize, Option<i64>, Option<i64>) {
    match object {
        Object::Range { start, stop, step } => {
            let len = range_len(*start, *stop, *step);
            (len, (len > 0).then_some(*start), (len > 1).then_some(*step))
        }
        _ => (0, None, None),
    }
}

/// The order of two numbers; None if one is not a number, or is NaN.
pub(crate) fn numeric_order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Float(left), right) => int_float_order(right, *left).map(Ordering::reverse),
        (left, Value::Float(right)) => int_float_order(left, *right),
        _ => match (small(left), small(right)) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => Some(big(left)?.cmp(&big(right)?)),
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
fn int_float_order(int: &Value<'_>, float: f64) -> Option<Ordering> {
    let int = big(int)?;
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let whole: BigInt = whole(float)?;
    Some(int.cmp(&whole).then_with(|| 0.0f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)))
}

/// Fails if Python cannot hash the value.
pub(crate) fn hashable(budget: &Budget<'_>, value: &Value<'_>) -> EvalResult<()> {
    match value {
        Value::List(_) | Value::Dict(_) => {
            Err(PyError::new(PyErrorKind::Type, format!("unhashable type: '{}'", value.type_name())))
        }
        Value::Object(object) => match &**object {
            Object::View(ViewKind::Keys | ViewKind::Items | ViewKind::Set, _) => {
                Err(PyError::new(PyErrorKind::Type, format!("unhashable type: '{}'", value.type_name())))
            }
            Object::Group(pair) => pair.iter().try_for_each(|item| hashable(budget, item)),
            _ => Ok(()),
        },
        Value::Tuple(items) => {
            budget.spend(items.len() as u64)?;
            items.iter().try_for_each(|item| hashable(budget, item))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Limits;

    fn equal<'d>(left: &Value<'d>, right: &Value<'d>) -> bool {
        super::equal(&Budget::new(Limits::default(), None), left, right).unwrap()
    }

    #[test]
    fn numbers_of_all_types_compare() {
        for (left, right, expected) in [
            (Value::Bool(true), Value::Float(1.0), Some(Ordering::Equal)),
            (Value::Int((1 << 53) + 1), Value::Float((1u64 << 53) as f64), Some(Ordering::Greater)),
            (Value::Int(1), Value::Float(f64::INFINITY), Some(Ordering::Less)),
            (Value::Float(f64::NAN), Value::Int(0), None),
            (Value::None, Value::Int(0), None),
        ] {
            assert_eq!(numeric_order(&left, &right), expected);
        }
    }

    #[test]
    fn equal_keys_are_one_key() {
        let budget = Budget::new(Limits::default(), None);
        for others in [0, 100] {
            let mut entries = vec![(Value::Int(1), Value::fixed("a")), (Value::Bool(true), Value::fixed("b"))];
            entries.extend((0..others).map(|other| (Value::text(other.to_string()), Value::None)));
            let dict = Dict::own(&budget, entries).unwrap();
            assert_eq!(dict.len(), 1 + others);
            let found = dict.get(&budget, &Value::Float(1.0)).unwrap();
            assert!(found.is_some_and(|value| equal(&value, &Value::fixed("b"))));
            assert_eq!(dict.get_str(&budget, "50").unwrap().is_some(), others > 50);
        }
    }

    #[test]
    fn ranges_are_equal_by_their_items() {
        let range = |start, stop, step| Value::object(Object::Range { start, stop, step });
        assert!(equal(&range(0, 3, 2), &range(0, 4, 2)));
        assert!(equal(&range(5, 5, 1), &range(9, 1, 1)));
        assert!(!equal(&range(0, 3, 1), &range(0, 4, 1)));
    }
}

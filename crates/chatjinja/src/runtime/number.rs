//! Integers and floats as values.

use std::ops::Deref;
use std::rc::Rc;

use num_bigint::BigInt;

use super::{EvalResult, PyError, PyErrorKind, Value};
use crate::memory::Held;

/// An integer that does not fit into 64 bits.
#[derive(Debug)]
pub(crate) struct BigNumber {
    value: BigInt,
    _held: Held,
}

impl BigNumber {
    pub(crate) fn new(value: BigInt) -> Rc<BigNumber> {
        let held = Held::new(usize::try_from(value.bits() / 8).unwrap_or(usize::MAX) + size_of::<BigNumber>());
        Rc::new(BigNumber { value, _held: held })
    }
}

impl Deref for BigNumber {
    type Target = BigInt;

    fn deref(&self) -> &BigInt {
        &self.value
    }
}

/// The value of an integer: 64 bits where they suffice.
pub(crate) fn integer<'d>(value: BigInt) -> Value<'d> {
    match i64::try_from(&value) {
        Ok(small) => Value::Int(small),
        Err(_) => Value::Big(BigNumber::new(value)),
    }
}

pub(crate) fn is_number(value: &Value<'_>) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_))
}

/// An integer or boolean as a big integer.
pub(crate) fn big(value: &Value<'_>) -> Option<BigInt> {
    match value {
        Value::Bool(value) => Some(BigInt::from(i64::from(*value))),
        Value::Int(value) => Some(BigInt::from(*value)),
        Value::Big(value) => Some(value.value.clone()),
        _ => None,
    }
}

/// A number as a float. Integers outside its range are an error, as in Python.
pub(crate) fn float(value: &Value<'_>) -> EvalResult<Option<f64>> {
    Ok(Some(match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Int(value) => *value as f64,
        Value::Big(value) => {
            if value.bits() > 1024 {
                return Err(PyError::new(PyErrorKind::Overflow, "int too large to convert to float"));
            }
            // Parsing the digits rounds to the nearest float, as Python does.
            let float: f64 = value.to_string().parse().unwrap_or(f64::INFINITY);
            if float.is_infinite() {
                return Err(PyError::new(PyErrorKind::Overflow, "int too large to convert to float"));
            }
            float
        }
        Value::Float(value) => *value,
        _ => return Ok(None),
    }))
}

//! Filters for numbers: `abs`, `int`, `float`, `round`, `filesizeformat`.

use num_bigint::BigInt;

use super::filters::{is_set, no_integer};
use crate::ir::Operator;
use crate::ops::arithmetic;
use crate::runtime::{
    Arguments, EvalResult, Interpreter, LONG_FLOAT, PyError, PyErrorKind, Value, big, integer, is_number,
};
use crate::text::number::{parse_float, parse_int, round_float, round_integer, whole};

/// Charges the digits of a number, or the text that is read as one.
fn charge<'d>(interpreter: &Interpreter<'d>, value: &Value<'d>) -> EvalResult<()> {
    match value {
        // It is read several times, for its sign, its digits and their separators.
        Value::Str(text) => {
            interpreter.budget.spend(LONG_FLOAT)?;
            interpreter.charge_change(text, 2)?;
            interpreter.budget.walk(text.len().saturating_mul(2))
        }
        Value::Big(value) => {
            interpreter.budget.spend(LONG_FLOAT)?;
            interpreter.budget.copy_integer(value)
        }
        Value::Float(value) if value.abs() >= 9e18 => interpreter.budget.spend(LONG_FLOAT),
        _ => Ok(()),
    }
}

pub(super) fn abs<'d>(interpreter: &Interpreter<'d>, value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [] = args.bind("abs", [], 0)?;
    charge(interpreter, &value)?;
    match &value {
        Value::Float(float) => Ok(Value::Float(float.abs())),
        Value::Undefined(undefined) => Err(PyError::undefined(undefined)),
        other => match big(other) {
            Some(int) => Ok(integer(int.magnitude().clone().into())),
            None => {
                let text = format!("bad operand type for abs(): '{}'", other.type_name());
                Err(PyError::new(PyErrorKind::Type, text))
            }
        },
    }
}

pub(super) fn int<'d>(interpreter: &Interpreter<'d>, value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    charge(interpreter, &value)?;
    let [default, base] = args.bind("int", ["default", "base"], 0)?;
    let default = default.unwrap_or(Value::Int(0));
    let base = match base {
        None => 10,
        Some(Value::Int(base)) => base,
        Some(_) => return Err(PyError::new(PyErrorKind::Type, "the `base` of the filter `int` must be an integer")),
    };
    Ok(match &value {
        Value::Undefined(undefined) => return Err(PyError::undefined(undefined)),
        Value::Bool(_) | Value::Int(_) | Value::Big(_) => arithmetic::sign(&interpreter.budget, &value, false)?,
        Value::Float(float) => match whole(*float) {
            Some(whole) => integer(whole),
            None if float.is_nan() => default,
            None => return Err(no_whole(*float)),
        },
        // A text that is not an integer is read as a float: "42.23" gives 42.
        Value::Str(text) => match parse_int(text, base).or_else(|| whole(parse_float(text)?)) {
            Some(int) => integer(int),
            None => default,
        },
        _ => default,
    })
}

/// The error that infinity or NaN has no integer part.
fn no_whole(float: f64) -> PyError {
    match float.is_nan() {
        true => PyError::new(PyErrorKind::Value, "cannot convert float NaN to integer"),
        false => PyError::new(PyErrorKind::Overflow, "cannot convert float infinity to integer"),
    }
}

pub(super) fn float<'d>(interpreter: &Interpreter<'d>, value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    charge(interpreter, &value)?;
    let [default] = args.bind("float", ["default"], 0)?;
    if let Value::Undefined(undefined) = &value {
        return Err(PyError::undefined(undefined));
    }
    let float = match &value {
        Value::Str(text) => parse_float(text),
        other => crate::runtime::float(other)?,
    };
    Ok(float.map(Value::Float).or(default).unwrap_or(Value::Float(0.0)))
}

pub(super) fn round<'d>(
    interpreter: &mut Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let [precision, method] = args.bind("round", ["precision", "method"], 0)?;
    charge(interpreter, &value)?;
    let precision = precision.unwrap_or(Value::Int(0));
    let rounded = match &method {
        None => return nearest(interpreter, &value, &precision),
        Some(Value::Str(method)) if &**method == "common" => return nearest(interpreter, &value, &precision),
        Some(Value::Str(method)) if &**method == "ceil" => f64::ceil,
        Some(Value::Str(method)) if &**method == "floor" => f64::floor,
        Some(_) => return Err(PyError::new(PyErrorKind::Runtime, "method must be common, ceil or floor")),
    };
    directed(interpreter, &value, precision, rounded)
}

/// `round(value, precision)`.
fn nearest<'d>(interpreter: &Interpreter<'d>, value: &Value<'d>, precision: &Value<'d>) -> EvalResult<Value<'d>> {
    if !is_number(value) {
        let text = format!("type {} doesn't define __round__ method", value.type_name());
        return Err(PyError::new(PyErrorKind::Type, text));
    }
    let digits = match (precision, big(precision)) {
        (Value::None, _) => None,
        // Beyond 64 bits only the sign matters.
        (_, Some(digits)) => {
            Some(i64::try_from(&digits).unwrap_or(if digits < BigInt::ZERO { i64::MIN } else { i64::MAX }))
        }
        _ => return Err(no_integer(precision)),
    };
    match (value, digits) {
        (Value::Float(float), None) => whole(float.round_ties_even()).map(integer).ok_or_else(|| no_whole(*float)),
        (Value::Float(float), Some(digits)) => {
            // A float has at most 308 digits before and 323 after its point.
            let digits = digits.clamp(-400, 400) as i32;
            // All these digits are written and read.
            interpreter.budget.spend(u64::from(digits.unsigned_abs()) * 2)?;
            match round_float(*float, digits) {
                rounded if rounded.is_infinite() && float.is_finite() => {
                    Err(PyError::new(PyErrorKind::Overflow, "rounded value too large to represent"))
                }
                rounded => Ok(Value::Float(rounded)),
            }
        }
        (value, Some(digits)) if digits < 0 => {
            if let Value::Big(int) = value {
                interpreter.budget.product(int.bits(), int.bits())?;
            }
            Ok(big(value).map_or(Value::None, |int| integer(round_integer(&int, digits.unsigned_abs()))))
        }
        (value, _) => arithmetic::sign(&interpreter.budget, value, false),
    }
}

/// `rounded(value * 10**precision) / 10**precision`. Only floats need to be rounded; a scaled integer is whole.
fn directed<'d>(
    interpreter: &mut Interpreter<'d>,
    value: &Value<'d>,
    precision: Value<'d>,
    rounded: fn(f64) -> f64,
) -> EvalResult<Value<'d>> {
    let precision = match precision {
        // Larger powers give the same results, at a higher cost.
        Value::Int(digits) => Value::Int(digits.clamp(-400, 400)),
        other => other,
    };
    let power = arithmetic::apply(interpreter, Operator::Pow, &Value::Int(10), &precision)?;
    let scaled = arithmetic::apply(interpreter, Operator::Mul, value, &power)?;
    let whole = match (&scaled, big(&scaled)) {
        (_, Some(int)) => int,
        (Value::Float(float), _) => whole(rounded(*float)).ok_or_else(|| no_whole(*float))?,
        (other, _) => {
            let text = format!("must be real number, not {}", other.type_name());
            return Err(PyError::new(PyErrorKind::Type, text));
        }
    };
    arithmetic::apply(interpreter, Operator::Div, &integer(whole), &power)
}

pub(super) fn filesizeformat<'d>(
    interpreter: &Interpreter<'d>,
    value: Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    charge(interpreter, &value)?;
    let [binary] = args.bind("filesizeformat", ["binary"], 0)?;
    let binary = is_set(binary);
    let bytes = match &value {
        Value::Str(text) => parse_float(text),
        other => crate::runtime::float(other)?,
    };
    let Some(bytes) = bytes else {
        return Err(PyError::new(PyErrorKind::Value, "could not convert the size to float"));
    };
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok(Value::fixed("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::text(format!("{} Bytes", bytes.trunc())));
    }
    let prefixes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let mut unit = base;
    let mut prefix = "";
    for next in prefixes {
        unit *= base;
        prefix = next;
        if bytes < unit {
            break;
        }
    }
    let number = base * bytes / unit;
    Ok(Value::text(match binary {
        true => format!("{number:.1} {}iB", prefix.to_uppercase()),
        false => format!("{number:.1} {prefix}B"),
    }))
}

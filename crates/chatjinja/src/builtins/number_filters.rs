//! Filters for numbers: `abs`, `int`, `float`, `round`, `filesizeformat`.

use super::filters::{is_set, no_integer};
use crate::ir::Operator;
use crate::ops::arithmetic;
use crate::runtime::{Arguments, EvalResult, Interpreter, PyError, PyErrorKind, Value, big, integer};
use crate::text::number::{parse_float, parse_int, round_float, whole};

pub(super) fn abs<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [] = args.bind("abs", [], 0)?;
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

pub(super) fn int<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [default, base] = args.bind("int", ["default", "base"], 0)?;
    let default = default.unwrap_or(Value::Int(0));
    let base = match base {
        None => 10,
        Some(Value::Int(base)) => base,
        Some(_) => return Err(PyError::new(PyErrorKind::Type, "the `base` of the filter `int` must be an integer")),
    };
    Ok(match &value {
        Value::Undefined(undefined) => return Err(PyError::undefined(undefined)),
        Value::Bool(_) | Value::Int(_) | Value::Big(_) => arithmetic::sign(&value, false)?,
        Value::Float(float) => match whole(*float) {
            Some(whole) => integer(whole),
            None if float.is_nan() => default,
            None => return Err(infinite()),
        },
        // A text that is not an integer is read as a float: "42.23" gives 42.
        Value::Str(text) => match parse_int(text, base).or_else(|| whole(parse_float(text)?)) {
            Some(int) => integer(int),
            None => default,
        },
        _ => default,
    })
}

fn infinite() -> PyError {
    PyError::new(PyErrorKind::Overflow, "cannot convert float infinity to integer")
}

pub(super) fn float<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
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
    let precision = match precision {
        None => 0,
        Some(Value::Int(precision)) => i32::try_from(precision.clamp(-400, 400)).unwrap_or(0),
        Some(other) => return Err(no_integer(&other)),
    };
    let method = match &method {
        None => "common",
        Some(Value::Str(method)) if matches!(&**method, "common" | "ceil" | "floor") => &**method,
        Some(_) => return Err(PyError::new(PyErrorKind::Runtime, "method must be common, ceil or floor")),
    };
    if let Value::Undefined(undefined) = &value {
        return Err(PyError::undefined(undefined));
    }
    let Some(float) = crate::runtime::float(&value)? else {
        let text = format!("type {} doesn't define __round__ method", value.type_name());
        return Err(PyError::new(PyErrorKind::Type, text));
    };
    if method == "common" {
        return match value {
            Value::Float(_) => Ok(Value::Float(round_float(float, precision))),
            // Python rounds integers half to even.
            _ if precision < 0 => {
                let unit = 10f64.powi(-precision);
                Ok(Value::Int(((float / unit).round_ties_even() * unit) as i64))
            }
            _ => arithmetic::sign(&value, false),
        };
    }
    let precision = Value::Int(i64::from(precision));
    let power = arithmetic::apply(interpreter, Operator::Pow, &Value::Int(10), &precision)?;
    let scaled = arithmetic::apply(interpreter, Operator::Mul, &value, &power)?;
    let Some(scaled) = crate::runtime::float(&scaled)? else { return Ok(value) };
    let whole = whole(if method == "ceil" { scaled.ceil() } else { scaled.floor() }).ok_or_else(infinite)?;
    arithmetic::apply(interpreter, Operator::Div, &integer(whole), &power)
}

pub(super) fn filesizeformat<'d>(value: Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [binary] = args.bind("filesizeformat", ["binary"], 0)?;
    let binary = is_set(binary);
    let bytes = match &value {
        Value::Str(text) => text.trim().parse().ok(),
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

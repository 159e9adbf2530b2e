//! `+ - * / // % **` and `-x` as Python has them.

use std::rc::Rc;

use num_bigint::{BigInt, Sign};

use super::{Str, Text, Value, What, compare, integer};
use crate::template::builtins::{markup, percent_format};
use crate::template::run::{Exception, Machine, Raise, Run};

/// An operator of two numbers, strings or lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

impl Operator {
    fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Sub => "-",
            Operator::Mul => "*",
            Operator::Div => "/",
            Operator::FloorDiv => "//",
            Operator::Mod => "%",
            Operator::Pow => "** or pow()",
        }
    }
}

/// Integers may not grow beyond this many bits: `2 ** 10 ** 9` is no prompt.
const MAX_BITS: u64 = 1 << 20;

/// An integer or boolean as a big integer.
pub(crate) fn big(value: &Value<'_>) -> Option<BigInt> {
    match value {
        Value::Bool(value) => Some(BigInt::from(i64::from(*value))),
        Value::Int(value) => Some(BigInt::from(*value)),
        Value::Big(value) => Some((**value).clone()),
        _ => None,
    }
}

/// A number as a float; integers out of its range are an error, as in Python.
pub(crate) fn float(value: &Value<'_>) -> Run<Option<f64>> {
    Ok(Some(match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Int(value) => *value as f64,
        Value::Big(value) => {
            // Parsing the digits rounds to the nearest float, as Python does.
            let float: f64 = value.to_string().parse().unwrap_or(f64::INFINITY);
            if float.is_infinite() {
                return Err(Raise::new(Exception::Overflow, "int too large to convert to float"));
            }
            float
        }
        Value::Float(value) => *value,
        _ => return Ok(None),
    }))
}

/// The integer that a float without its fraction is.
pub(crate) fn whole(float: f64) -> Option<BigInt> {
    let float = float.trunc();
    if float.abs() < 9e18 {
        return Some(BigInt::from(float as i64));
    }
    // Rust prints all digits of a whole float, without exponent.
    float.is_finite().then(|| format!("{float:.0}").parse().ok()).flatten()
}

/// Applies `operator`.
pub(crate) fn apply<'d>(
    machine: &mut Machine<'d>,
    operator: Operator,
    left: &Value<'d>,
    right: &Value<'d>,
) -> Run<Value<'d>> {
    if let (Operator::Mod, Value::Str(format)) = (operator, left) {
        return percent_format::format_value(machine, format, right);
    }
    if let (Value::Undefined(undefined), _) | (_, Value::Undefined(undefined)) = (left, right) {
        return Err(Raise::undefined(undefined));
    }
    match (operator, left, right) {
        (Operator::Add, Value::Str(left), Value::Str(right)) => return concat(machine, left, right),
        (Operator::Add, Value::Str(_), other) => {
            let text = format!("can only concatenate str (not \"{}\") to str", other.type_name());
            return Err(Raise::new(Exception::Type, text));
        }
        (Operator::Add, Value::List(left), Value::List(right)) => {
            machine.charge_items(left.len() + right.len())?;
            return Ok(Value::list(left.iter().chain(right.iter()).collect()));
        }
        (Operator::Add, Value::Tuple(left), Value::Tuple(right)) => {
            machine.charge_items(left.len() + right.len())?;
            return Ok(Value::tuple(left.iter().chain(right.iter()).cloned().collect()));
        }
        (Operator::Add, Value::List(_) | Value::Tuple(_), other) => {
            let kind = left.type_name();
            let text = format!("can only concatenate {kind} (not \"{}\") to {kind}", other.type_name());
            return Err(Raise::new(Exception::Type, text));
        }
        (Operator::Mul, sequence @ (Value::Str(_) | Value::List(_) | Value::Tuple(_)), count)
        | (Operator::Mul, count, sequence @ (Value::Str(_) | Value::List(_) | Value::Tuple(_))) => {
            return repeat(machine, sequence, count);
        }
        _ => {}
    }
    if !compare::is_number(left) || !compare::is_number(right) {
        let text = format!(
            "unsupported operand type(s) for {}: '{}' and '{}'",
            operator.symbol(),
            left.type_name(),
            right.type_name()
        );
        return Err(Raise::new(Exception::Type, text));
    }
    if let (Value::Int(left), Value::Int(right)) = (left, right)
        && let Some(value) = small(operator, *left, *right)
    {
        return Ok(value);
    }
    match (big(left), big(right)) {
        (Some(left), Some(right)) => integers(operator, &left, &right),
        _ => {
            let (Some(left), Some(right)) = (float(left)?, float(right)?) else { return Ok(Value::None) };
            floats(operator, left, right).map(Value::Float)
        }
    }
}

/// The common case, where nothing overflows.
fn small<'d>(operator: Operator, left: i64, right: i64) -> Option<Value<'d>> {
    Some(Value::Int(match operator {
        Operator::Add => left.checked_add(right)?,
        Operator::Sub => left.checked_sub(right)?,
        Operator::Mul => left.checked_mul(right)?,
        Operator::FloorDiv if right > 0 => left.div_euclid(right),
        Operator::Mod if right > 0 => left.rem_euclid(right),
        _ => return None,
    }))
}

fn zero_division(text: &str) -> Raise {
    Raise::new(Exception::ZeroDivision, text)
}

fn integers<'d>(operator: Operator, left: &BigInt, right: &BigInt) -> Run<Value<'d>> {
    let zero = right.sign() == Sign::NoSign;
    let floored = || {
        let (quotient, rest) = (left / right, left % right);
        let off = rest.sign() != Sign::NoSign && (rest.sign() == Sign::Minus) != (right.sign() == Sign::Minus);
        if off { (quotient - 1, rest + right) } else { (quotient, rest) }
    };
    Ok(match operator {
        Operator::Add => integer(left + right),
        Operator::Sub => integer(left - right),
        Operator::Mul if left.bits() + right.bits() > MAX_BITS => return Err(too_big()),
        Operator::Mul => integer(left * right),
        Operator::Div if zero => return Err(zero_division("division by zero")),
        Operator::Div => Value::Float(true_division(left, right)?),
        Operator::FloorDiv if zero => return Err(zero_division("integer division or modulo by zero")),
        Operator::FloorDiv => integer(floored().0),
        Operator::Mod if zero => return Err(zero_division("integer modulo by zero")),
        Operator::Mod => integer(floored().1),
        Operator::Pow if right.sign() == Sign::Minus => {
            let to_float = |value: &BigInt| float(&Value::Big(Rc::new(value.clone())));
            let (Some(base), Some(exponent)) = (to_float(left)?, to_float(right)?) else { return Ok(Value::None) };
            Value::Float(floats(operator, base, exponent)?)
        }
        Operator::Pow => {
            let exponent = u32::try_from(right).ok();
            let one_bit = left.bits() <= 1;
            match exponent {
                Some(exponent) if left.bits().saturating_mul(u64::from(exponent)) <= MAX_BITS => {
                    integer(left.pow(exponent))
                }
                // -1, 0 and 1 stay as small as they are.
                _ if one_bit => integer(left.pow(if right.bit(0) { 1 } else { 2 })),
                _ => return Err(too_big()),
            }
        }
    })
}

fn too_big() -> Raise {
    Raise::new(Exception::Limit, "an integer grows beyond a million bits")
}

fn true_division(left: &BigInt, right: &BigInt) -> Run<f64> {
    let exact = |value: &BigInt| i64::try_from(value).ok().filter(|value| value.unsigned_abs() <= 1 << 53);
    if let (Some(left), Some(right)) = (exact(left), exact(right)) {
        return Ok(left as f64 / right as f64);
    }
    // Enough bits of the quotient to round once: 64 beyond the binary point of the smaller.
    let shift = (right.bits() as i64 - left.bits() as i64 + 66).max(0) as u64;
    let quotient = (left << shift) / right;
    let odd = (left << shift) % right != BigInt::ZERO;
    let quotient: BigInt = (quotient << 1u8) + i32::from(odd);
    let Some(value) = float(&Value::Big(Rc::new(quotient)))? else { return Ok(0.0) };
    Ok(value / 2f64.powi(i32::try_from(shift + 1).unwrap_or(i32::MAX)))
}

fn floats(operator: Operator, left: f64, right: f64) -> Run<f64> {
    let modulo = || {
        let rest = left % right;
        match rest {
            0.0 => 0f64.copysign(right),
            rest if (rest < 0.0) != (right < 0.0) => rest + right,
            rest => rest,
        }
    };
    Ok(match operator {
        Operator::Add => left + right,
        Operator::Sub => left - right,
        Operator::Mul => left * right,
        Operator::Div if right == 0.0 => return Err(zero_division("float division by zero")),
        Operator::Div => left / right,
        Operator::FloorDiv if right == 0.0 => return Err(zero_division("float floor division by zero")),
        Operator::FloorDiv => {
            let quotient = (left - modulo()) / right;
            let floor = quotient.floor();
            if quotient - floor > 0.5 { floor + 1.0 } else { floor }
        }
        Operator::Mod if right == 0.0 => return Err(zero_division("float modulo")),
        Operator::Mod => modulo(),
        Operator::Pow if left == 0.0 && right < 0.0 => {
            return Err(zero_division("0.0 cannot be raised to a negative power"));
        }
        Operator::Pow if left < 0.0 && left.is_finite() && right.is_finite() && right.fract() != 0.0 => {
            return Err(Raise::new(Exception::Type, "the power is a complex number, which no prompt prints"));
        }
        Operator::Pow => {
            let value = left.powf(right);
            if value.is_infinite() && left.is_finite() && right.is_finite() {
                return Err(Raise::new(Exception::Overflow, "(34, 'Numerical result out of range')"));
            }
            value
        }
    })
}

fn repeat<'d>(machine: &mut Machine<'d>, sequence: &Value<'d>, count: &Value<'d>) -> Run<Value<'d>> {
    let count = match count {
        Value::Bool(count) => i64::from(*count),
        Value::Int(count) => *count,
        Value::Big(_) => return Err(Raise::new(Exception::Overflow, "cannot fit 'int' into an index-sized integer")),
        other => {
            let text = format!("can't multiply sequence by non-int of type '{}'", other.type_name());
            return Err(Raise::new(Exception::Type, text));
        }
    };
    let count = usize::try_from(count.max(0)).unwrap_or(0);
    Ok(match sequence {
        Value::Str(text) => {
            machine.charge_bytes(text.len().saturating_mul(count))?;
            let repeated = Str::own(text.repeat(count));
            Value::Str(if text.is_markup() { repeated.into_markup() } else { repeated })
        }
        Value::List(list) => {
            machine.charge_items(list.len().saturating_mul(count))?;
            Value::list((0..count).flat_map(|_| list.iter().collect::<Vec<_>>()).collect())
        }
        Value::Tuple(items) => {
            machine.charge_items(items.len().saturating_mul(count))?;
            Value::tuple((0..count).flat_map(|_| items.iter().cloned()).collect())
        }
        _ => Value::None,
    })
}

/// `left + right` of two strings, with what is known of their parts. A `Markup` escapes the other side.
pub(crate) fn concat<'d>(machine: &mut Machine<'d>, left: &Str<'d>, right: &Str<'d>) -> Run<Value<'d>> {
    match (left.is_markup(), right.is_markup()) {
        (false, false) => join(machine, &[left, right]).map(Value::Str),
        (true, true) => join(machine, &[left, right]).map(|text| Value::Str(text.into_markup())),
        (true, false) => {
            let right = markup::escape(right);
            join(machine, &[left, &right]).map(|text| Value::Str(text.into_markup()))
        }
        (false, true) => {
            let left = markup::escape(left);
            join(machine, &[&left, right]).map(|text| Value::Str(text.into_markup()))
        }
    }
}

/// All `parts` one after the other.
pub(crate) fn join<'d>(machine: &mut Machine<'d>, parts: &[&Str<'d>]) -> Run<Str<'d>> {
    let size = parts.iter().map(|part| part.len()).sum();
    machine.charge_bytes(size)?;
    let mut text = Text { text: String::with_capacity(size), notes: Vec::new() };
    let within = machine.message_in_loop();
    for part in parts {
        let start = text.text.len();
        part.append_to(&mut text, machine.traces());
        if let (true, Some(message)) = (part.is_fixed(), within) {
            text.note(start, text.text.len(), What::Within(message));
        }
    }
    Ok(Str::noted(text))
}

/// `-value` or `+value`.
pub(crate) fn sign<'d>(value: &Value<'d>, negative: bool) -> Run<Value<'d>> {
    match value {
        Value::Undefined(undefined) => Err(Raise::undefined(undefined)),
        Value::Float(value) => Ok(Value::Float(if negative { -value } else { *value })),
        value => match big(value) {
            Some(int) => Ok(integer(if negative { -int } else { int })),
            None => {
                let sign = if negative { "-" } else { "+" };
                let text = format!("bad operand type for unary {sign}: '{}'", value.type_name());
                Err(Raise::new(Exception::Type, text))
            }
        },
    }
}

//! Arithmetic on numbers: integers of any size, and floats.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use crate::ir::Operator;
use crate::runtime::{BigNumber, Budget, EvalResult, LONG_FLOAT, PyError, PyErrorKind, Value, big, float, integer};

/// The most bits of an integer. Prompts need no larger ones, such as `2 ** 10 ** 9`.
const MAX_BITS: u64 = 1 << 20;

/// `left operator right`, both numbers.
pub(super) fn apply<'d>(
    budget: &Budget<'d>,
    operator: Operator,
    left: &Value<'d>,
    right: &Value<'d>,
) -> EvalResult<Value<'d>> {
    if let (Value::Int(left), Value::Int(right)) = (left, right)
        && let Some(value) = small(operator, *left, *right)
    {
        return Ok(value);
    }
    for value in [left, right] {
        if let Value::Big(value) = value {
            budget.copy_integer(value)?;
            budget.spend(LONG_FLOAT)?;
        }
    }
    match (big(left), big(right)) {
        (Some(left), Some(right)) => {
            charge_integers(budget, operator, &left, &right)?;
            integers(operator, &left, &right)
        }
        _ => {
            let (Some(left), Some(right)) = (float(left)?, float(right)?) else { return Ok(Value::None) };
            floats(operator, left, right).map(Value::Float)
        }
    }
}

/// The common case, in which nothing overflows.
fn small<'d>(operator: Operator, left: i64, right: i64) -> Option<Value<'d>> {
    Some(Value::Int(match operator {
        Operator::Add => left.checked_add(right)?,
        Operator::Sub => left.checked_sub(right)?,
        Operator::Mul => left.checked_mul(right)?,
        Operator::FloorDiv if right > 0 => left.div_euclid(right),
        Operator::Mod if right > 0 => left.rem_euclid(right),
        Operator::Div | Operator::FloorDiv | Operator::Mod | Operator::Pow => return None,
    }))
}

fn zero_division(text: &str) -> PyError {
    PyError::new(PyErrorKind::ZeroDivision, text)
}

fn too_big() -> PyError {
    PyError::new(PyErrorKind::Limit, "an integer exceeds the limit of a million bits")
}

fn charge_integers(budget: &Budget<'_>, operator: Operator, left: &BigInt, right: &BigInt) -> EvalResult<()> {
    match operator {
        Operator::Add | Operator::Sub => Ok(()),
        Operator::Mul | Operator::FloorDiv | Operator::Mod => budget.product(left.bits(), right.bits()),
        // The quotient has 66 bits beyond its point.
        Operator::Div => budget.product(left.bits().max(right.bits()) + 66, right.bits()),
        Operator::Pow => {
            let exponent = u64::try_from(right).unwrap_or(0);
            let bits = left.bits().saturating_mul(exponent);
            if bits > MAX_BITS { Ok(()) } else { budget.product(bits, bits) }
        }
    }
}

fn integers<'d>(operator: Operator, left: &BigInt, right: &BigInt) -> EvalResult<Value<'d>> {
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
            let to_float = |value: &BigInt| float(&Value::Big(BigNumber::new(value.clone())));
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
                // Powers of -1, 0 and 1 stay small.
                _ if one_bit => integer(left.pow(if right.bit(0) { 1 } else { 2 })),
                _ => return Err(too_big()),
            }
        }
    })
}

fn true_division(left: &BigInt, right: &BigInt) -> EvalResult<f64> {
    let exact = |value: &BigInt| i64::try_from(value).ok().filter(|value| value.unsigned_abs() <= 1 << 53);
    if let (Some(left), Some(right)) = (exact(left), exact(right)) {
        return Ok(left as f64 / right as f64);
    }
    // Enough bits of the quotient to round only once: 64 beyond the binary point of the smaller number.
    let shift = (right.bits() as i64 - left.bits() as i64 + 66).max(0) as u64;
    let quotient = (left << shift) / right;
    let odd = (left << shift) % right != BigInt::ZERO;
    let quotient: BigInt = (quotient << 1u8) + i32::from(odd);
    let too_large = |_| PyError::new(PyErrorKind::Overflow, "integer division result too large for a float");
    let Some(value) = float(&Value::Big(BigNumber::new(quotient))).map_err(too_large)? else { return Ok(0.0) };
    // Powers of two beyond the range of floats are divided by in two steps; only the last one may round.
    let shift = i32::try_from(shift + 1).unwrap_or(i32::MAX);
    let first = shift.min(1000);
    let value = value / 2f64.powi(first) / 2f64.powi(shift - first);
    if value.abs() > 2.0 * f64::MIN_POSITIVE {
        return Ok(value);
    }
    // So small a float has fewer bits, so `value` may have been rounded twice. It is a multiple of the smallest float.
    let (above, below) = (left.magnitude() << 1074u32, right.magnitude());
    let (units, rest) = (&above / below, &above % below);
    let up = match (rest << 1u8).cmp(below) {
        Ordering::Less => false,
        Ordering::Equal => units.bit(0),
        Ordering::Greater => true,
    };
    let smallest = f64::from_bits(u64::try_from(units).unwrap_or(0) + u64::from(up));
    Ok(if left.sign() == right.sign() { smallest } else { -smallest })
}

fn floats(operator: Operator, left: f64, right: f64) -> EvalResult<f64> {
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
            let rest = left % right;
            let mut quotient = (left - rest) / right;
            if rest != 0.0 && (rest < 0.0) != (right < 0.0) {
                quotient -= 1.0;
            }
            let floor = quotient.floor();
            match quotient {
                0.0 => 0f64.copysign(left / right),
                _ if quotient - floor > 0.5 => floor + 1.0,
                _ => floor,
            }
        }
        Operator::Mod if right == 0.0 => return Err(zero_division("float modulo")),
        Operator::Mod => modulo(),
        Operator::Pow if left == 0.0 && right < 0.0 => {
            return Err(zero_division("0.0 cannot be raised to a negative power"));
        }
        Operator::Pow if left < 0.0 && left.is_finite() && right.is_finite() && right.fract() != 0.0 => {
            return Err(PyError::new(PyErrorKind::Type, "the power is a complex number, which is not supported"));
        }
        Operator::Pow => {
            let value = left.powf(right);
            if value.is_infinite() && left.is_finite() && right.is_finite() {
                return Err(PyError::new(PyErrorKind::Overflow, "(34, 'Numerical result out of range')"));
            }
            value
        }
    })
}

/// `-value` or `+value`.
pub(crate) fn sign<'d>(budget: &Budget<'d>, value: &Value<'d>, negative: bool) -> EvalResult<Value<'d>> {
    if let Value::Big(value) = value {
        budget.copy_integer(value)?;
    }
    match value {
        Value::Undefined(undefined) => Err(PyError::undefined(undefined)),
        Value::Float(value) => Ok(Value::Float(if negative { -value } else { *value })),
        value => match big(value) {
            Some(int) => Ok(integer(if negative { -int } else { int })),
            None => {
                let sign = if negative { "-" } else { "+" };
                let text = format!("bad operand type for unary {sign}: '{}'", value.type_name());
                Err(PyError::new(PyErrorKind::Type, text))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Limits, equal};

    #[test]
    fn numbers_are_computed_as_python_computes_them() {
        let budget = Budget::new(Limits::default(), None);
        let huge = || integer(BigInt::from(10).pow(20));
        let power = |exponent| integer(BigInt::from(10).pow(exponent));
        for (left, operator, right, expected) in [
            (Value::Int(-7), Operator::FloorDiv, Value::Int(2), Value::Int(-4)),
            (Value::Int(7), Operator::Mod, Value::Int(-2), Value::Int(-1)),
            (Value::Int(i64::MAX), Operator::Add, Value::Int(1), integer(BigInt::from(i64::MAX) + 1)),
            (huge(), Operator::Div, huge(), Value::Float(1.0)),
            (Value::Int(1), Operator::Div, power(300), Value::Float(1e-300)),
            (Value::Int(-7), Operator::Div, power(320), Value::Float(-7e-320)),
            (Value::Int(1), Operator::Div, power(324), Value::Float(0.0)),
            (power(400), Operator::Div, power(390), Value::Float(1e10)),
            (Value::Int(2), Operator::Pow, Value::Int(-1), Value::Float(0.5)),
            (Value::Float(-0.5), Operator::Mod, Value::Int(2), Value::Float(1.5)),
            (Value::Int(-1), Operator::Pow, huge(), Value::Int(1)),
        ] {
            let found = apply(&budget, operator, &left, &right).unwrap();
            assert!(equal(&budget, &found, &expected).unwrap(), "{left:?} {operator:?} {right:?}: {found:?}");
        }
        for (left, operator, right, kind) in [
            (Value::Int(1), Operator::Mod, Value::Int(0), PyErrorKind::ZeroDivision),
            (Value::Int(2), Operator::Pow, huge(), PyErrorKind::Limit),
            (Value::Float(-8.0), Operator::Pow, Value::Float(0.5), PyErrorKind::Type),
            (Value::Float(1e300), Operator::Pow, Value::Int(9), PyErrorKind::Overflow),
        ] {
            assert_eq!(apply(&budget, operator, &left, &right).unwrap_err().kind(), kind);
        }
    }
}

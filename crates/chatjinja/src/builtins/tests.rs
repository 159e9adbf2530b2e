//! `apply`: runs a test, as in `{% if x is defined %}`.

use std::cmp::Ordering;

use crate::ir::Operator;
use crate::names::{Filter, Function, KindTest, Test, ValueTest};
use crate::ops::strings::to_str;
use crate::ops::{arithmetic, compare, iterate};
use crate::runtime::{Arguments, EvalResult, Interpreter, Object, Value, equal, hashable, is_number};
use crate::text::casing;

/// `value is test(args)`.
pub(crate) fn apply<'d>(
    interpreter: &mut Interpreter<'d>,
    test: Test,
    value: &Value<'d>,
    args: Arguments<'d>,
) -> EvalResult<bool> {
    match test {
        Test::Kind(test) => without_arguments(args, "test", || Ok(is_of_kind(test, value))),
        Test::Value(test) => match test {
            ValueTest::Odd => without_arguments(args, "odd", || rest_is(interpreter, value, Value::Int(2), 1)),
            ValueTest::Even => without_arguments(args, "even", || rest_is(interpreter, value, Value::Int(2), 0)),
            ValueTest::DivisibleBy => {
                let by = other("divisibleby", args)?;
                rest_is(interpreter, value, by, 0)
            }
            ValueTest::Lower => without_arguments(args, "islower", || {
                let text = to_str(interpreter, value)?;
                interpreter.budget.walk(text.len().saturating_mul(4))?;
                Ok(casing::is_lower_text(&text))
            }),
            ValueTest::Upper => without_arguments(args, "isupper", || {
                let text = to_str(interpreter, value)?;
                interpreter.budget.walk(text.len().saturating_mul(4))?;
                Ok(casing::is_upper_text(&text))
            }),
            ValueTest::Filter => {
                hashable(&interpreter.budget, value)?;
                let exists = matches!(value, Value::Str(name) if Filter::named(name).is_some());
                without_arguments(args, "test", || Ok(exists))
            }
            ValueTest::Test => {
                hashable(&interpreter.budget, value)?;
                let exists = matches!(value, Value::Str(name) if Test::named(name).is_some());
                without_arguments(args, "test", || Ok(exists))
            }
            ValueTest::SameAs => {
                other("sameas", args).and_then(|other| compare::same(&interpreter.budget, value, &other))
            }
            ValueTest::In => {
                let container = other("in", args)?;
                compare::contains(interpreter, &container, value)
            }
            ValueTest::Equal => other("eq", args).and_then(|other| equal(&interpreter.budget, value, &other)),
            ValueTest::NotEqual => {
                let other = other("ne", args)?;
                equal(&interpreter.budget, value, &other).map(|equal| !equal)
            }
            ValueTest::Greater => ordered(interpreter, value, args, ">", &[Ordering::Greater]),
            ValueTest::GreaterEqual => ordered(interpreter, value, args, ">=", &[Ordering::Greater, Ordering::Equal]),
            ValueTest::Less => ordered(interpreter, value, args, "<", &[Ordering::Less]),
            ValueTest::LessEqual => ordered(interpreter, value, args, "<=", &[Ordering::Less, Ordering::Equal]),
        },
    }
}

/// Whether a value is of a kind.
pub(crate) fn is_of_kind(test: KindTest, value: &Value<'_>) -> bool {
    match test {
        KindTest::Boolean => matches!(value, Value::Bool(_)),
        KindTest::Callable => is_callable(value),
        KindTest::Defined => !value.is_undefined(),
        KindTest::Escaped => matches!(value, Value::Str(text) if text.is_markup()),
        KindTest::False => matches!(value, Value::Bool(false)),
        KindTest::Float => matches!(value, Value::Float(_)),
        KindTest::Integer => matches!(value, Value::Int(_) | Value::Big(_)),
        KindTest::Iterable => iterate::is_iterable(value),
        KindTest::Mapping => matches!(value, Value::Dict(_)),
        KindTest::None => matches!(value, Value::None),
        KindTest::Number => is_number(value),
        KindTest::Sequence => is_sequence(value),
        KindTest::String => matches!(value, Value::Str(_)),
        KindTest::True => matches!(value, Value::Bool(true)),
        KindTest::Undefined => value.is_undefined(),
    }
}

fn without_arguments(args: Arguments<'_>, name: &str, test: impl FnOnce() -> EvalResult<bool>) -> EvalResult<bool> {
    let [] = args.bind(name, [], 0)?;
    test()
}

/// The one argument of a test.
fn other<'d>(test: &str, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let [other] = args.bind(test, ["other"], 1)?;
    Ok(other.unwrap_or(Value::None))
}

fn ordered<'d>(
    interpreter: &Interpreter<'d>,
    value: &Value<'d>,
    args: Arguments<'d>,
    symbol: &str,
    wanted: &[Ordering],
) -> EvalResult<bool> {
    let other = other(symbol, args)?;
    Ok(compare::order(&interpreter.budget, value, &other, symbol)?.is_some_and(|order| wanted.contains(&order)))
}

/// Whether `value % by` is `wanted`.
fn rest_is<'d>(interpreter: &mut Interpreter<'d>, value: &Value<'d>, by: Value<'d>, wanted: i64) -> EvalResult<bool> {
    let rest = arithmetic::apply(interpreter, Operator::Mod, value, &by)?;
    equal(&interpreter.budget, &rest, &Value::Int(wanted))
}

/// Whether a value has a length and items by index.
fn is_sequence(value: &Value<'_>) -> bool {
    match value {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) => true,
        Value::Object(object) => matches!(&**object, Object::Range { .. } | Object::Group(_)),
        // Jinja2's test only checks that both methods exist, as they do here.
        Value::Undefined(_) => true,
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => false,
    }
}

fn is_callable(value: &Value<'_>) -> bool {
    match value {
        Value::Undefined(_) => true,
        Value::Object(object) => object.is_callable() || matches!(&**object, Object::Function(Function::Dict)),
        _ => false,
    }
}

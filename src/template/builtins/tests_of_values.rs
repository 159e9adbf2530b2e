//! The tests behind `is`.

use std::cmp::Ordering;

use super::{KindTest, Test, str_methods};
use crate::template::run::{Arguments, Machine, Run};
use crate::template::value::{Function, Object, Value, arithmetic, compare, iterate, repr};

/// The test of this name.
pub(super) fn find(name: &str) -> Option<Test> {
    Some(match name {
        "odd" => odd,
        "even" => even,
        "divisibleby" => divisibleby,
        "defined" => |_, value, args| of_kind("defined", value, args),
        "undefined" => |_, value, args| of_kind("undefined", value, args),
        "none" => |_, value, args| of_kind("none", value, args),
        "boolean" => |_, value, args| of_kind("boolean", value, args),
        "true" => |_, value, args| of_kind("true", value, args),
        "false" => |_, value, args| of_kind("false", value, args),
        "integer" => |_, value, args| of_kind("integer", value, args),
        "float" => |_, value, args| of_kind("float", value, args),
        "number" => |_, value, args| of_kind("number", value, args),
        "string" => |_, value, args| of_kind("string", value, args),
        "mapping" => |_, value, args| of_kind("mapping", value, args),
        "sequence" => |_, value, args| of_kind("sequence", value, args),
        "iterable" => |_, value, args| of_kind("iterable", value, args),
        "callable" => |_, value, args| of_kind("callable", value, args),
        "escaped" => |_, value, args| of_kind("escaped", value, args),
        "lower" => |machine, value, args| of_text(machine, value, args, "islower"),
        "upper" => |machine, value, args| of_text(machine, value, args, "isupper"),
        "filter" => |_, value, args| {
            compare::hashable(value)?;
            alone(args, matches!(value, Value::Str(name) if super::filter(name).is_some()))
        },
        "test" => |_, value, args| {
            compare::hashable(value)?;
            alone(args, matches!(value, Value::Str(name) if super::test(name).is_some()))
        },
        "sameas" => |_, value, args| other("sameas", args).map(|other| compare::same(value, &other)),
        "in" => |machine, value, args| {
            let container = other("in", args)?;
            compare::contains(machine, &container, value)
        },
        "==" | "eq" | "equalto" => |_, value, args| other("eq", args).map(|other| compare::equal(value, &other)),
        "!=" | "ne" => |_, value, args| other("ne", args).map(|other| !compare::equal(value, &other)),
        ">" | "gt" | "greaterthan" => |_, value, args| ordered(value, args, ">", &[Ordering::Greater]),
        ">=" | "ge" => |_, value, args| ordered(value, args, ">=", &[Ordering::Greater, Ordering::Equal]),
        "<" | "lt" | "lessthan" => |_, value, args| ordered(value, args, "<", &[Ordering::Less]),
        "<=" | "le" => |_, value, args| ordered(value, args, "<=", &[Ordering::Less, Ordering::Equal]),
        _ => return None,
    })
}

/// The tests for the kind of a value.
pub(super) fn find_kind(name: &str) -> Option<KindTest> {
    Some(match name {
        "defined" => |value| !value.is_undefined(),
        "undefined" => |value| value.is_undefined(),
        "none" => |value| matches!(value, Value::None),
        "boolean" => |value| matches!(value, Value::Bool(_)),
        "true" => |value| matches!(value, Value::Bool(true)),
        "false" => |value| matches!(value, Value::Bool(false)),
        "integer" => |value| matches!(value, Value::Int(_) | Value::Big(_)),
        "float" => |value| matches!(value, Value::Float(_)),
        "number" => |value| compare::is_number(value),
        "string" => |value| matches!(value, Value::Str(_)),
        "mapping" => |value| matches!(value, Value::Dict(_)),
        "sequence" => is_sequence,
        "iterable" => iterate::is_iterable,
        "callable" => is_callable,
        "escaped" => |value| matches!(value, Value::Str(text) if text.is_markup()),
        _ => return None,
    })
}

/// A test for a kind where it is asked for by name.
fn of_kind<'d>(name: &str, value: &Value<'d>, args: Arguments<'d>) -> Run<bool> {
    alone(args, find_kind(name).is_some_and(|test| test(value)))
}

fn alone(args: Arguments<'_>, holds: bool) -> Run<bool> {
    let [] = args.bind("test", [], 0)?;
    Ok(holds)
}

fn other<'d>(test: &str, args: Arguments<'d>) -> Run<Value<'d>> {
    let [other] = args.bind(test, ["other"], 1)?;
    Ok(other.unwrap_or(Value::None))
}

fn ordered<'d>(value: &Value<'d>, args: Arguments<'d>, symbol: &str, wanted: &[Ordering]) -> Run<bool> {
    let other = other(symbol, args)?;
    Ok(compare::order(value, &other, symbol)?.is_some_and(|order| wanted.contains(&order)))
}

fn rest<'d>(machine: &mut Machine<'d>, value: &Value<'d>, by: Value<'d>, wanted: i64) -> Run<bool> {
    let rest = arithmetic::apply(machine, arithmetic::Operator::Mod, value, &by)?;
    Ok(compare::equal(&rest, &Value::Int(wanted)))
}

fn odd<'d>(machine: &mut Machine<'d>, value: &Value<'d>, args: Arguments<'d>) -> Run<bool> {
    let [] = args.bind("odd", [], 0)?;
    rest(machine, value, Value::Int(2), 1)
}

fn even<'d>(machine: &mut Machine<'d>, value: &Value<'d>, args: Arguments<'d>) -> Run<bool> {
    let [] = args.bind("even", [], 0)?;
    rest(machine, value, Value::Int(2), 0)
}

fn divisibleby<'d>(machine: &mut Machine<'d>, value: &Value<'d>, args: Arguments<'d>) -> Run<bool> {
    let by = other("divisibleby", args)?;
    rest(machine, value, by, 0)
}

/// What has a length and items by index.
fn is_sequence(value: &Value<'_>) -> bool {
    match value {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) => true,
        Value::Object(object) => matches!(&**object, Object::Range { .. } | Object::Group(_)),
        // It has a length of 0, and its items are only missed when they are asked for.
        Value::Undefined(_) => true,
        _ => false,
    }
}

fn is_callable(value: &Value<'_>) -> bool {
    match value {
        Value::Undefined(_) => true,
        Value::Object(object) => object.is_callable() || matches!(&**object, Object::Function(Function::Dict)),
        _ => false,
    }
}

fn of_text<'d>(machine: &mut Machine<'d>, value: &Value<'d>, args: Arguments<'d>, method: &str) -> Run<bool> {
    let [] = args.bind(method, [], 0)?;
    let text = repr::to_str(machine, value)?;
    Ok(str_methods::is_kind(&text, method))
}

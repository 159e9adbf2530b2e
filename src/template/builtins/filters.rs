//! The table of filters, and those for single values.

use super::{
    Filter, markup, ordering_filters as ordering, selecting_filters as selecting, sequence_filters as sequence,
    text_filters as text, tojson, wrap,
};
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Object, Str, Undefined, Value, access, arithmetic, repr};

/// The filter of this name.
pub(super) fn find(name: &str) -> Option<Filter> {
    Some(match name {
        "abs" => abs,
        "attr" => attr,
        "batch" => sequence::batch,
        "capitalize" => text::capitalize,
        "center" => text::center,
        "count" | "length" => sequence::length,
        "d" | "default" => default,
        "dictsort" => ordering::dictsort,
        "e" | "escape" => escape,
        "filesizeformat" => text::filesizeformat,
        "first" => sequence::first,
        "float" => float,
        "forceescape" => forceescape,
        "format" => text::format,
        "groupby" => ordering::groupby,
        "indent" => text::indent,
        "int" => int,
        "items" => sequence::items,
        "join" => sequence::join,
        "last" => sequence::last,
        "list" => sequence::list,
        "lower" => text::lower,
        "map" => selecting::map,
        "max" => ordering::max,
        "min" => ordering::min,
        "pprint" => text::pprint,
        "random" => random,
        "reject" => selecting::reject,
        "rejectattr" => selecting::rejectattr,
        "replace" => text::replace,
        "reverse" => sequence::reverse,
        "round" => round,
        "safe" => safe,
        "select" => selecting::select,
        "selectattr" => selecting::selectattr,
        "slice" => sequence::slice,
        "sort" => ordering::sort,
        "string" => text::string,
        "striptags" => text::striptags,
        "sum" => sequence::sum,
        "title" => text::title,
        "tojson" => tojson::tojson,
        "trim" => text::trim,
        "truncate" => text::truncate,
        "unique" => ordering::unique,
        "upper" => text::upper,
        "urlencode" => text::urlencode,
        "urlize" => urlize,
        "wordcount" => text::wordcount,
        "wordwrap" => wrap::wordwrap,
        "xmlattr" => text::xmlattr,
        _ => return None,
    })
}

fn abs<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("abs", [], 0)?;
    match &value {
        Value::Float(float) => Ok(Value::Float(float.abs())),
        Value::Undefined(undefined) => Err(Raise::undefined(undefined)),
        other => match arithmetic::big(other) {
            Some(int) => Ok(super::super::value::integer(int.magnitude().clone().into())),
            None => Err(Raise::new(Exception::Type, format!("bad operand type for abs(): '{}'", other.type_name()))),
        },
    }
}

fn attr<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [name] = args.bind("attr", ["name"], 1)?;
    match name {
        Some(Value::Str(name)) => access::only_attribute(machine, &value, &name),
        other => Ok(access::missing(&value, &other.unwrap_or(Value::None))),
    }
}

fn default<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [default, boolean] = args.bind("default", ["default_value", "boolean"], 0)?;
    let boolean = boolean.is_some_and(|boolean| boolean.is_true());
    Ok(match value.is_undefined() || (boolean && !value.is_true()) {
        true => default.unwrap_or(Value::fixed("")),
        false => value,
    })
}

fn escape<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("escape", [], 0)?;
    let text = repr::to_str(machine, &value)?;
    Ok(Value::Str(markup::escape(&text)))
}

fn forceescape<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("forceescape", [], 0)?;
    let text = repr::to_str(machine, &value)?;
    Ok(Value::Str(markup::escape(&text.plain())))
}

fn safe<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("safe", [], 0)?;
    repr::to_str(machine, &value).map(|text| Value::Str(text.into_markup()))
}

fn urlize<'d>(_: &mut Machine<'d>, _: Value<'d>, _: Arguments<'d>) -> Run<Value<'d>> {
    Err(Raise::new(Exception::Runtime, "the filter urlize makes HTML, which no chat template needs"))
}

fn random<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [] = args.bind("random", [], 0)?;
    let items = match value.len() {
        Some(_) => machine.items(&value)?,
        None => {
            let text = format!("object of type '{}' has no len()", value.type_name());
            return Err(Raise::new(Exception::Type, text));
        }
    };
    match items.as_slice() {
        [] => Ok(Value::Undefined(Undefined::Hint("No random item, sequence was empty."))),
        [only] => Ok(only.clone()),
        _ => Err(Raise::new(Exception::Runtime, "the filter random gives another text with every render")),
    }
}

fn int<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [default, base] = args.bind("int", ["default", "base"], 0)?;
    let default = default.unwrap_or(Value::Int(0));
    let base = match base {
        None => 10,
        Some(Value::Int(base)) => base,
        Some(_) => return Err(Raise::new(Exception::Type, "the base of int is an integer")),
    };
    Ok(match &value {
        Value::Undefined(undefined) => return Err(Raise::undefined(undefined)),
        Value::Bool(_) | Value::Int(_) | Value::Big(_) => arithmetic::sign(&value, false)?,
        Value::Float(float) => match arithmetic::whole(*float) {
            Some(whole) => super::super::value::integer(whole),
            None if float.is_nan() => default,
            None => return Err(Raise::new(Exception::Overflow, "cannot convert float infinity to integer")),
        },
        Value::Str(text) => match parse_int(text, base) {
            Some(int) => super::super::value::integer(int),
            // As `int(float(text))`: "42.23" is 42.
            None => match parse_float(text).and_then(arithmetic::whole) {
                Some(whole) => super::super::value::integer(whole),
                None => default,
            },
        },
        _ => default,
    })
}

fn float<'d>(_: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [default] = args.bind("float", ["default"], 0)?;
    if let Value::Undefined(undefined) = &value {
        return Err(Raise::undefined(undefined));
    }
    let float = match &value {
        Value::Str(text) => parse_float(text),
        other => arithmetic::float(other)?,
    };
    Ok(float.map(Value::Float).or(default).unwrap_or(Value::Float(0.0)))
}

/// Python's `int(text, base)`.
fn parse_int(text: &str, base: i64) -> Option<num_bigint::BigInt> {
    let text = text.trim_matches(crate::python_text::is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixed = |prefix: &str| lower.strip_prefix(prefix).map(|rest| rest.strip_prefix('_').unwrap_or(rest));
    let (radix, digits) = match (base, prefixed("0x"), prefixed("0o"), prefixed("0b")) {
        (16 | 0, Some(rest), ..) => (16, rest),
        (8 | 0, _, Some(rest), _) => (8, rest),
        (2 | 0, .., Some(rest)) => (2, rest),
        (0, ..) => (10, lower.as_str()),
        (2..=36, ..) => (base as u32, lower.as_str()),
        _ => return None,
    };
    let valid = !digits.is_empty()
        && !digits.starts_with('_')
        && !digits.ends_with('_')
        && !digits.contains("__")
        && digits.chars().all(|it| it == '_' || it.is_digit(radix) || super::casing::is_decimal(it));
    if !valid || digits.len() > 4300 {
        return None;
    }
    let digits: String = digits.chars().filter(|it| *it != '_').map(ascii_digit).collect();
    let value = num_bigint::BigInt::parse_bytes(digits.as_bytes(), radix)?;
    Some(if negative { -value } else { value })
}

/// Digits of all scripts count as the ASCII ones.
fn ascii_digit(character: char) -> char {
    if character.is_ascii() || !super::casing::is_decimal(character) {
        return character;
    }
    // Each script has its ten digits in a row that begins at a zero.
    let code = u32::from(character);
    let zero =
        (0..10).map(|back| code - back).take_while(|code| char::from_u32(*code).is_some_and(super::casing::is_decimal));
    let value = zero.count() as u32 - 1;
    char::from_digit(value.min(9), 10).unwrap_or(character)
}

/// Python's `float(text)`.
fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(crate::python_text::is_space);
    let digits = text.trim_start_matches(['+', '-']);
    let misplaced =
        digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") || text.len() - digits.len() > 1;
    let near = |sign: &str| digits.contains(&format!("_{sign}")) || digits.contains(&format!("{sign}_"));
    if misplaced || [".", "e", "E", "+", "-"].iter().any(|sign| near(sign)) {
        return None;
    }
    text.chars().filter(|it| *it != '_').map(ascii_digit).collect::<String>().parse().ok()
}

fn round<'d>(machine: &mut Machine<'d>, value: Value<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [precision, method] = args.bind("round", ["precision", "method"], 0)?;
    let precision = match precision {
        None => 0,
        Some(Value::Int(precision)) => i32::try_from(precision.clamp(-400, 400)).unwrap_or(0),
        Some(other) => {
            let text = format!("'{}' object cannot be interpreted as an integer", other.type_name());
            return Err(Raise::new(Exception::Type, text));
        }
    };
    let method = match &method {
        None => "common",
        Some(Value::Str(method)) if matches!(&**method, "common" | "ceil" | "floor") => &**method,
        Some(_) => return Err(Raise::new(Exception::Runtime, "method must be common, ceil or floor")),
    };
    if let Value::Undefined(undefined) = &value {
        return Err(Raise::undefined(undefined));
    }
    let Some(float) = arithmetic::float(&value)? else {
        let text = format!("type {} doesn't define __round__ method", value.type_name());
        return Err(Raise::new(Exception::Type, text));
    };
    let is_int = !matches!(value, Value::Float(_));
    if method == "common" {
        if is_int {
            return Ok(match precision < 0 {
                // Half to even, as Python rounds integers.
                true => {
                    let unit = 10f64.powi(-precision);
                    Value::Int(((float / unit).round_ties_even() * unit) as i64)
                }
                false => arithmetic::sign(&value, false)?,
            });
        }
        return Ok(Value::Float(round_float(float, precision)));
    }
    let scale = Value::Int(10);
    let power = arithmetic::apply(machine, arithmetic::Operator::Pow, &scale, &Value::Int(i64::from(precision)))?;
    let scaled = arithmetic::apply(machine, arithmetic::Operator::Mul, &value, &power)?;
    let Some(scaled) = arithmetic::float(&scaled)? else { return Ok(value) };
    let whole = arithmetic::whole(if method == "ceil" { scaled.ceil() } else { scaled.floor() });
    let Some(whole) = whole else {
        return Err(Raise::new(Exception::Overflow, "cannot convert float infinity to integer"));
    };
    arithmetic::apply(machine, arithmetic::Operator::Div, &super::super::value::integer(whole), &power)
}

/// Python's `round(float, precision)`: the decimal that is nearest, half to even.
fn round_float(float: f64, precision: i32) -> f64 {
    if !float.is_finite() || precision > 323 {
        return float;
    }
    match usize::try_from(precision) {
        // Rust prints the exact value correctly rounded.
        Ok(precision) => format!("{float:.precision$}").parse().unwrap_or(float),
        Err(_) => {
            let unit = 10f64.powi(-precision);
            let rounded = (float / unit).round_ties_even() * unit;
            if rounded.is_finite() { rounded } else { 0f64.copysign(float) }
        }
    }
}

/// A generator that is not started.
pub(super) fn generator<'d>(
    name: &'static str,
    work: impl FnOnce(&mut Machine<'d>) -> Run<Vec<Value<'d>>> + 'd,
) -> Value<'d> {
    use crate::template::run::Pull;
    use crate::template::value::Generator;
    Value::object(Object::Generator(Generator { name, state: Pull::later(work).into() }))
}

/// The text of a value that must be a string already.
pub(super) fn needs_str<'d>(value: &Value<'d>, method: &str) -> Run<Str<'d>> {
    match value {
        Value::Str(text) => Ok(text.clone()),
        Value::Undefined(undefined) => Err(Raise::undefined(undefined)),
        other => {
            let text = format!("'{}' object has no attribute '{method}'", other.type_name());
            Err(Raise::new(Exception::Attribute, text))
        }
    }
}

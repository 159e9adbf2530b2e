//! `call`: calls a method. Also the methods of all types but `str`.

use std::rc::Rc;

use num_bigint::BigInt;

use super::filters::no_attribute;
use super::str_markup;
use crate::names::{CyclerMethod, DictMethod, FloatMethod, IntMethod, ListMethod, Method, SequenceMethod, ViewMethod};
use crate::ops::arithmetic;
use crate::runtime::{
    Arguments, Dict, EvalResult, Interpreter, Object, PyError, PyErrorKind, Value, ViewKind, big, equal, hashable,
    integer, repr,
};

/// `owner.method(args)`.
pub(crate) fn call<'d>(
    interpreter: &mut Interpreter<'d>,
    owner: &Value<'d>,
    method: Method,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    match (method, owner) {
        (Method::Str(method), Value::Str(text)) => str_markup::call(interpreter, text, method, args),
        (Method::Markup(method), Value::Str(text)) => str_markup::call_own(interpreter, text, method, args),
        (Method::Dict(method), Value::Dict(dict)) => of_dict(interpreter, dict, method, args),
        (Method::List(method), owner) => of_list(interpreter, owner, method, args),
        (Method::Sequence(method), owner) => of_sequence(interpreter, owner, method, args),
        (Method::Int(method), owner) => of_int(interpreter, owner, method, args),
        (Method::Float(method), Value::Float(value)) => of_float(*value, method, args),
        (Method::View(ViewMethod::IsDisjoint), owner) => is_disjoint(interpreter, owner, args),
        (Method::Cycler(method), Value::Object(object)) => of_cycler(object, method, args),
        // `eval` calls the methods of a loop, because they run the interpreter.
        (
            Method::Loop(_)
            | Method::Str(_)
            | Method::Markup(_)
            | Method::Dict(_)
            | Method::Float(_)
            | Method::Cycler(_),
            owner,
        ) => Err(no_attribute(owner, method.name())),
    }
}

fn wrong_arguments(owner: &Value<'_>, method: &str) -> PyError {
    PyError::new(PyErrorKind::Type, format!("{}.{method}(): wrong arguments", owner.type_name()))
}

fn no_arguments(owner: &str, method: &str) -> PyError {
    PyError::new(PyErrorKind::Type, format!("{owner}.{method}() takes no arguments"))
}

fn unsupported(owner: &str, method: &str) -> PyError {
    PyError::new(PyErrorKind::Attribute, format!("{owner}.{method}() is not supported in chat templates"))
}

fn of_dict<'d>(
    interpreter: &mut Interpreter<'d>,
    dict: &Dict<'d>,
    method: DictMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let view = |kind: ViewKind| Ok(Value::object(Object::View(kind, dict.clone())));
    match method {
        DictMethod::Get => {
            let mut args = args.only_positional("dict.get")?.into_iter();
            let (Some(key), default, None) = (args.next(), args.next(), args.next()) else {
                return Err(PyError::new(PyErrorKind::Type, "get expected 1 or 2 arguments"));
            };
            hashable(&interpreter.budget, &key)?;
            if let Value::Str(name) = &key {
                interpreter.note_read(dict, name);
            }
            Ok(dict.get(&interpreter.budget, &key)?.or(default).unwrap_or(Value::None))
        }
        DictMethod::FromKeys => from_keys(interpreter, args),
        _ if !args.is_empty() => {
            let text = format!("dict.{}() takes no arguments ({} given)", method.name(), args.len());
            Err(PyError::new(PyErrorKind::Type, text))
        }
        DictMethod::Items => view(ViewKind::Items),
        DictMethod::Keys => view(ViewKind::Keys),
        DictMethod::Values => view(ViewKind::Values),
        DictMethod::Copy => Ok(Value::Dict(dict.clone())),
        // The sandbox refuses these before they are called.
        DictMethod::Clear | DictMethod::Pop | DictMethod::PopItem | DictMethod::SetDefault | DictMethod::Update => {
            Err(no_attribute(&Value::Dict(dict.clone()), method.name()))
        }
    }
}

/// `dict.fromkeys(keys, value=None)`.
pub(super) fn from_keys<'d>(interpreter: &mut Interpreter<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let args = Arguments { positional: args.only_positional("fromkeys")?, named: Vec::new() };
    let [keys, value] = args.bind("fromkeys", ["iterable", "value"], 1)?;
    let keys = interpreter.items(&keys.unwrap_or(Value::None))?;
    interpreter.charge_items(keys.len() * 2)?;
    keys.iter().try_for_each(|key| hashable(&interpreter.budget, key))?;
    let value = value.unwrap_or(Value::None);
    let entries = keys.into_iter().map(|key| (key, value.clone())).collect();
    Dict::own(&interpreter.budget, entries).map(Value::Dict)
}

fn of_list<'d>(
    interpreter: &mut Interpreter<'d>,
    owner: &Value<'d>,
    method: ListMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    match method {
        ListMethod::Count => of_sequence(interpreter, owner, SequenceMethod::Count, args),
        ListMethod::Index => of_sequence(interpreter, owner, SequenceMethod::Index, args),
        ListMethod::Copy => match args.only_positional(method.name())?.as_slice() {
            [] => interpreter.items(owner).map(Value::list),
            _ => Err(wrong_arguments(owner, method.name())),
        },
        // The sandbox refuses these before they are called.
        ListMethod::Append
        | ListMethod::Clear
        | ListMethod::Extend
        | ListMethod::Insert
        | ListMethod::Pop
        | ListMethod::Remove
        | ListMethod::Reverse
        | ListMethod::Sort => Err(no_attribute(owner, method.name())),
    }
}

fn of_sequence<'d>(
    interpreter: &mut Interpreter<'d>,
    owner: &Value<'d>,
    method: SequenceMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    let args = args.only_positional(method.name())?;
    let items = interpreter.items(owner)?;
    match (method, args.as_slice()) {
        (SequenceMethod::Count, [item]) => {
            let mut count = 0;
            for known in &items {
                interpreter.step()?;
                count += i64::from(equal(&interpreter.budget, known, item)?);
            }
            Ok(Value::Int(count))
        }
        (SequenceMethod::Index, [item, bounds @ ..]) if bounds.len() <= 2 => {
            let bound = |at: usize, default: i64| match bounds.get(at) {
                None => Ok(default),
                Some(Value::Int(bound)) => Ok(*bound),
                Some(_) => Err(PyError::new(PyErrorKind::Type, "slice indices must be integers")),
            };
            let len = items.len() as i64;
            let place = |bound: i64| (if bound < 0 { bound + len } else { bound }).clamp(0, len) as usize;
            let (start, stop) = (place(bound(0, 0)?), place(bound(1, len)?));
            let mut found = None;
            for (at, known) in items.get(start..stop).unwrap_or_default().iter().enumerate() {
                interpreter.step()?;
                if equal(&interpreter.budget, known, item)? {
                    found = Some(at);
                    break;
                }
            }
            match found {
                Some(at) => Ok(Value::Int((start + at) as i64)),
                None => {
                    let text = match owner {
                        Value::Tuple(_) => "tuple.index(x): x not in tuple".to_owned(),
                        _ => format!("{} is not in list", repr::brief(item)),
                    };
                    Err(PyError::new(PyErrorKind::Value, text))
                }
            }
        }
        _ => Err(wrong_arguments(owner, method.name())),
    }
}

fn of_int<'d>(
    interpreter: &Interpreter<'d>,
    owner: &Value<'d>,
    method: IntMethod,
    args: Arguments<'d>,
) -> EvalResult<Value<'d>> {
    if let Value::Big(value) = owner {
        interpreter.budget.copy_integer(value)?;
    }
    if !args.is_empty() {
        return Err(no_arguments(owner.type_name(), method.name()));
    }
    let value = big(owner).ok_or_else(|| no_attribute(owner, method.name()))?;
    match method {
        IntMethod::Conjugate => arithmetic::sign(&interpreter.budget, owner, false),
        IntMethod::BitLength => Ok(Value::Int(value.bits() as i64)),
        IntMethod::BitCount => Ok(Value::Int(value.magnitude().count_ones() as i64)),
        IntMethod::AsIntegerRatio => {
            Ok(Value::tuple(vec![arithmetic::sign(&interpreter.budget, owner, false)?, Value::Int(1)]))
        }
        IntMethod::FromBytes | IntMethod::ToBytes => Err(unsupported(owner.type_name(), method.name())),
    }
}

fn of_float<'d>(value: f64, method: FloatMethod, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    if !args.is_empty() {
        return Err(no_arguments("float", method.name()));
    }
    match method {
        FloatMethod::Conjugate => Ok(Value::Float(value)),
        FloatMethod::IsInteger => Ok(Value::Bool(value.is_finite() && value.fract() == 0.0)),
        FloatMethod::AsIntegerRatio => integer_ratio(value),
        FloatMethod::FromHex | FloatMethod::Hex => Err(unsupported("float", method.name())),
    }
}

/// The bits of the fraction of a float.
const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;

/// The fraction of two integers that a float is, in its lowest terms.
fn integer_ratio<'d>(value: f64) -> EvalResult<Value<'d>> {
    if !value.is_finite() {
        let kind = if value.is_nan() { PyErrorKind::Value } else { PyErrorKind::Overflow };
        return Err(PyError::new(kind, format!("cannot convert {value} to integer ratio")));
    }
    let bits = value.to_bits();
    let exponent = ((bits >> FRACTION) & 0x7ff) as i32;
    let fraction = bits & ((1 << FRACTION) - 1);
    let significand = if exponent == 0 { fraction } else { fraction | (1 << FRACTION) };
    // The value is the odd part of the significand times a power of two. Subnormal floats have the exponent 1.
    let zeros = if significand == 0 { 0 } else { significand.trailing_zeros() };
    let power = match significand {
        0 => 0,
        _ => exponent.max(1) - 1023 - FRACTION as i32 + zeros as i32,
    };
    let odd = BigInt::from(significand >> zeros) << power.max(0);
    let numerator = if value < 0.0 { -odd } else { odd };
    Ok(Value::tuple(vec![integer(numerator), integer(BigInt::from(1) << (-power).max(0))]))
}

fn of_cycler<'d>(object: &Rc<Object<'d>>, method: CyclerMethod, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let Object::Cycler { items, next } = &**object else {
        return Err(no_attribute(&Value::Object(Rc::clone(object)), method.name()));
    };
    if !args.is_empty() {
        return Err(no_arguments("Cycler", method.name()));
    }
    match method {
        CyclerMethod::Reset => {
            next.set(0);
            Ok(Value::None)
        }
        CyclerMethod::Next => {
            let current = items.get(next.get()).cloned().unwrap_or(Value::None);
            next.set((next.get() + 1) % items.len().max(1));
            Ok(current)
        }
    }
}

fn is_disjoint<'d>(interpreter: &mut Interpreter<'d>, owner: &Value<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
    let args = Arguments { positional: args.only_positional("isdisjoint")?, named: Vec::new() };
    let [other] = args.bind("isdisjoint", ["other"], 1)?;
    let own = interpreter.items(owner)?;
    let other = interpreter.items(&other.unwrap_or(Value::None))?;
    let own = Dict::own(&interpreter.budget, own.into_iter().map(|key| (key, Value::None)).collect())?;
    for item in &other {
        interpreter.step()?;
        if own.get(&interpreter.budget, item)?.is_some() {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

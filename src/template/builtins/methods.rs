//! Methods: which names a type has, which of them the sandbox refuses, and the methods of everything but strings.

use std::rc::Rc;

use super::str_methods;
use crate::template::run::{Arguments, Exception, Machine, Raise, Run};
use crate::template::value::{Dict, Method, Object, Value, ViewKind, arithmetic, compare, repr};

macro_rules! names {
    ($(#[$doc:meta])* $function:ident: $($name:literal)*) => {
        $(#[$doc])*
        pub(crate) fn $function(name: &str) -> Option<Method> {
            match name {
                $($name => Some($name),)*
                _ => None,
            }
        }
    };
}

names! {
    /// The method of `str` of this name.
    of_str:
    "capitalize" "casefold" "center" "count" "encode" "endswith" "expandtabs" "find" "format" "format_map" "index"
    "isalnum" "isalpha" "isascii" "isdecimal" "isdigit" "isidentifier" "islower" "isnumeric" "isprintable" "isspace"
    "istitle" "isupper" "join" "ljust" "lower" "lstrip" "maketrans" "partition" "removeprefix" "removesuffix"
    "replace" "rfind" "rindex" "rjust" "rpartition" "rsplit" "rstrip" "split" "splitlines" "startswith" "strip"
    "swapcase" "title" "translate" "upper" "zfill"
}

names! {
    /// The method of `list` of this name.
    of_list: "append" "clear" "copy" "count" "extend" "index" "insert" "pop" "remove" "reverse" "sort"
}

names! {
    /// The method of `tuple` of this name.
    of_tuple: "count" "index"
}

names! {
    /// The method of `dict` of this name.
    of_dict: "clear" "copy" "fromkeys" "get" "items" "keys" "pop" "popitem" "setdefault" "update" "values"
}

names! {
    /// The method of `int` of this name.
    of_int: "as_integer_ratio" "bit_count" "bit_length" "conjugate" "from_bytes" "to_bytes"
}

names! {
    /// The method of `float` of this name.
    of_float: "as_integer_ratio" "conjugate" "fromhex" "hex" "is_integer"
}

/// Whether Python has an attribute of this name that begins with an underscore, which the sandbox refuses.
pub(crate) fn is_private(value: &Value<'_>, name: &str) -> bool {
    let Some(name) = name.strip_prefix("__").and_then(|name| name.strip_suffix("__")) else { return false };
    let of_all = "class delattr dir doc eq format ge getattribute getstate gt hash init init_subclass le lt ne new reduce \
                  reduce_ex repr setattr sizeof str subclasshook";
    let container = "len iter contains getitem class_getitem getnewargs add mul rmul mod rmod";
    let list = "setitem delitem iadd imul reversed len iter contains getitem class_getitem add mul rmul";
    let dict = "setitem delitem reversed or ior ror len iter contains getitem class_getitem";
    let number = "abs add and bool ceil divmod float floor floordiv getnewargs index int invert lshift mod mul neg or \
                  pos pow radd rand rdivmod rfloordiv rlshift rmod rmul ror round rpow rrshift rshift rsub rtruediv \
                  rxor sub truediv trunc xor";
    let of_kind = match value {
        Value::None => "bool",
        Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => number,
        Value::Str(_) | Value::Tuple(_) => container,
        Value::List(_) => list,
        Value::Dict(_) => dict,
        Value::Undefined(_) => {
            "add bool call float getattr getitem int iter len mod mul neg pos pow sub truediv floordiv"
        }
        _ => "call iter len getitem dict module next name qualname self weakref",
    };
    of_all.split(' ').chain(of_kind.split(' ')).any(|known| known == name)
}

/// Whether a method would change its owner, which the sandbox refuses.
pub(crate) fn modifies(owner: &Value<'_>, method: &str) -> bool {
    match owner {
        Value::List(_) => {
            matches!(method, "append" | "clear" | "pop" | "reverse" | "insert" | "sort" | "extend" | "remove")
        }
        Value::Dict(_) => matches!(method, "clear" | "pop" | "popitem" | "setdefault" | "update"),
        _ => false,
    }
}

/// Calls a method.
pub(crate) fn call<'d>(
    machine: &mut Machine<'d>,
    owner: &Value<'d>,
    method: Method,
    args: Arguments<'d>,
) -> Run<Value<'d>> {
    match owner {
        Value::Str(text) => str_methods::call(machine, text, method, args),
        Value::Dict(dict) => of_a_dict(machine, dict, method, args),
        Value::List(_) | Value::Tuple(_) => of_a_sequence(machine, owner, method, args),
        Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => of_a_number(owner, method, args),
        Value::Object(object) => of_an_object(machine, object, method, args),
        _ => Err(unknown(owner, method)),
    }
}

fn unknown(owner: &Value<'_>, method: &str) -> Raise {
    Raise::new(Exception::Attribute, format!("'{}' object has no attribute '{method}'", owner.type_name()))
}

fn of_a_dict<'d>(machine: &mut Machine<'d>, dict: &Dict<'d>, method: Method, args: Arguments<'d>) -> Run<Value<'d>> {
    let view = |kind: ViewKind| Value::object(Object::View(kind, dict.clone()));
    Ok(match method {
        "get" => {
            let mut args = args.only_positional("dict.get")?.into_iter();
            let (Some(key), default, None) = (args.next(), args.next(), args.next()) else {
                return Err(Raise::new(Exception::Type, "get expected 1 or 2 arguments"));
            };
            compare::hashable(&key)?;
            if let Value::Str(name) = &key {
                machine.read(dict, name);
            }
            dict.get(&key).or(default).unwrap_or(Value::None)
        }
        "fromkeys" => return from_keys(machine, args),
        _ if !args.is_empty() => {
            let count = args.positional.len() + args.named.len();
            return Err(Raise::new(Exception::Type, format!("dict.{method}() takes no arguments ({count} given)")));
        }
        "items" => view(ViewKind::Items),
        "keys" => view(ViewKind::Keys),
        "values" => view(ViewKind::Values),
        "copy" => Value::Dict(dict.clone()),
        _ => return Err(unknown(&Value::Dict(dict.clone()), method)),
    })
}

/// `dict.fromkeys(keys, value=None)`.
pub(crate) fn from_keys<'d>(machine: &mut Machine<'d>, args: Arguments<'d>) -> Run<Value<'d>> {
    let [keys, value] = args.bind("fromkeys", ["iterable", "value"], 1)?;
    let keys = machine.items(&keys.unwrap_or(Value::None))?;
    keys.iter().try_for_each(compare::hashable)?;
    let value = value.unwrap_or(Value::None);
    Ok(Value::Dict(Dict::own(keys.into_iter().map(|key| (key, value.clone())).collect())))
}

fn of_a_sequence<'d>(
    machine: &mut Machine<'d>,
    owner: &Value<'d>,
    method: Method,
    args: Arguments<'d>,
) -> Run<Value<'d>> {
    let args = args.only_positional(method)?;
    let items = machine.items(owner)?;
    match (method, args.as_slice()) {
        ("copy", []) => Ok(Value::list(items)),
        ("count", [item]) => Ok(Value::Int(items.iter().filter(|known| compare::equal(known, item)).count() as i64)),
        ("index", [item, bounds @ ..]) if bounds.len() <= 2 => {
            let bound = |at: usize, default: i64| match bounds.get(at) {
                None => Ok(default),
                Some(Value::Int(bound)) => Ok(*bound),
                Some(_) => Err(Raise::new(Exception::Type, "slice indices must be integers")),
            };
            let len = items.len() as i64;
            let place = |bound: i64| (if bound < 0 { bound + len } else { bound }).clamp(0, len) as usize;
            let (start, stop) = (place(bound(0, 0)?), place(bound(1, len)?));
            let found = items.get(start..stop).unwrap_or_default().iter().position(|known| compare::equal(known, item));
            match found {
                Some(at) => Ok(Value::Int((start + at) as i64)),
                None => {
                    let text = match owner {
                        Value::Tuple(_) => "tuple.index(x): x not in tuple".to_owned(),
                        _ => format!("{} is not in list", repr::brief(item)),
                    };
                    Err(Raise::new(Exception::Value, text))
                }
            }
        }
        _ => Err(Raise::new(Exception::Type, format!("{}.{method}(): wrong arguments", owner.type_name()))),
    }
}

fn of_a_number<'d>(owner: &Value<'d>, method: Method, args: Arguments<'d>) -> Run<Value<'d>> {
    if !args.is_empty() {
        return Err(Raise::new(Exception::Type, format!("{}.{method}() takes no arguments", owner.type_name())));
    }
    Ok(match (owner, method) {
        (_, "conjugate") => arithmetic::sign(owner, false)?,
        (Value::Float(value), "is_integer") => Value::Bool(value.is_finite() && value.fract() == 0.0),
        (_, "bit_length") => match arithmetic::big(owner) {
            Some(value) => Value::Int(value.bits() as i64),
            None => return Err(unknown(owner, method)),
        },
        (_, "bit_count") => match arithmetic::big(owner) {
            Some(value) => Value::Int(value.magnitude().count_ones() as i64),
            None => return Err(unknown(owner, method)),
        },
        (Value::Int(_) | Value::Bool(_) | Value::Big(_), "as_integer_ratio") => {
            Value::tuple(vec![arithmetic::sign(owner, false)?, Value::Int(1)])
        }
        _ => {
            let text = format!("{}.{method}() is not there in chat templates", owner.type_name());
            return Err(Raise::new(Exception::Attribute, text));
        }
    })
}

fn of_an_object<'d>(
    machine: &mut Machine<'d>,
    object: &Rc<Object<'d>>,
    method: Method,
    args: Arguments<'d>,
) -> Run<Value<'d>> {
    match &**object {
        Object::Cycler { items, next } => {
            if !args.is_empty() {
                return Err(Raise::new(Exception::Type, format!("Cycler.{method}() takes no arguments")));
            }
            if method == "reset" {
                next.set(0);
                return Ok(Value::None);
            }
            let current = items.get(next.get()).cloned().unwrap_or(Value::None);
            next.set((next.get() + 1) % items.len().max(1));
            Ok(current)
        }
        Object::Range { .. } => of_a_sequence(machine, &Value::Object(Rc::clone(object)), method, args),
        Object::View(..) if method == "isdisjoint" => {
            let [other] = args.bind("isdisjoint", ["other"], 1)?;
            let own = machine.items(&Value::Object(Rc::clone(object)))?;
            let other = machine.items(&other.unwrap_or(Value::None))?;
            Ok(Value::Bool(!own.iter().any(|item| other.iter().any(|known| compare::equal(item, known)))))
        }
        _ => Err(unknown(&Value::Object(Rc::clone(object)), method)),
    }
}

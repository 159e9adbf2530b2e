//! `Value`: what a Python object is to a template.
//!
//! Values of a row are views: a list or dict of the row points at its nodes, a string at its bytes, and nothing is
//! copied before it is printed. Nothing can be changed, as in the sandbox that transformers renders in, but for
//! namespaces.

pub(crate) mod access;
pub(crate) mod arithmetic;
pub(crate) mod compare;
mod dict;
pub(crate) mod iterate;
mod kind;
mod object;
pub(crate) mod repr;
pub(crate) mod slice;
pub(crate) mod sorting;
mod text;

pub(crate) use dict::Dict;
pub(crate) use kind::Kind;
pub(crate) use object::{Function, Generator, LoopState, MacroValue, Method, Object, ViewKind};
pub(crate) use text::{Note, Str, Text, What};

use std::rc::Rc;

use num_bigint::BigInt;

use crate::conversation::{Fields, Node};

/// A Python object.
#[derive(Debug, Clone)]
pub(crate) enum Value<'d> {
    Undefined(Undefined<'d>),
    None,
    Bool(bool),
    Int(i64),
    /// An integer that 64 bits do not hold.
    Big(Rc<BigInt>),
    Float(f64),
    Str(Str<'d>),
    List(List<'d>),
    Tuple(Rc<[Value<'d>]>),
    Dict(Dict<'d>),
    Object(Rc<Object<'d>>),
}

/// What is not there, and how it was asked for: that is its error message, if someone uses it.
#[derive(Debug, Clone)]
pub(crate) enum Undefined<'d> {
    Variable(&'d str),
    /// An attribute or item that the owner does not have.
    Missing(Rc<MissingItem<'d>>),
    /// The same for a name that the template spells out: by far the most common, so it must cost nothing.
    Attribute(Kind, &'d str),
    /// A text of its own.
    Hint(&'static str),
    /// An attribute that the sandbox keeps from templates.
    Unsafe(Rc<str>),
}

#[derive(Debug)]
pub(crate) struct MissingItem<'d> {
    pub(crate) owner: Kind,
    pub(crate) name: Value<'d>,
}

/// A list: of the row, or made by the template.
#[derive(Debug, Clone)]
pub(crate) enum List<'d> {
    Messages(&'d [Fields<'d>]),
    Data(&'d [Node<'d>]),
    Own(Rc<[Value<'d>]>),
}

impl<'d> Value<'d> {
    /// The value of a node of the row.
    pub(crate) fn of(node: &'d Node<'d>) -> Value<'d> {
        match node {
            Node::Null => Value::None,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::BigInt(value) => integer(value.clone()),
            Node::Float(value) => Value::Float(*value),
            Node::Str(text) => Value::Str(Str::data(text)),
            Node::List(items) => Value::List(List::Data(items)),
            Node::Map(fields) => Value::Dict(Dict::Data(fields)),
        }
    }

    pub(crate) fn text(text: impl Into<String>) -> Value<'d> {
        Value::Str(Str::own(text.into()))
    }

    pub(crate) fn fixed(text: &'d str) -> Value<'d> {
        Value::Str(Str::fixed(text))
    }

    pub(crate) fn list(items: Vec<Value<'d>>) -> Value<'d> {
        Value::List(List::Own(items.into()))
    }

    pub(crate) fn tuple(items: Vec<Value<'d>>) -> Value<'d> {
        Value::Tuple(items.into())
    }

    pub(crate) fn object(object: Object<'d>) -> Value<'d> {
        Value::Object(Rc::new(object))
    }

    pub(crate) fn as_str(&self) -> Option<&Str<'d>> {
        if let Value::Str(text) = self { Some(text) } else { None }
    }

    pub(crate) fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined(_))
    }

    /// Python's `type(value).__name__`.
    pub(crate) fn type_name(&self) -> &'static str {
        self.kind().name()
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Value::Undefined(_) => Kind::Undefined,
            Value::None => Kind::None,
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) | Value::Big(_) => Kind::Int,
            Value::Float(_) => Kind::Float,
            Value::Str(text) if text.is_markup() => Kind::Markup,
            Value::Str(_) => Kind::Str,
            Value::List(_) => Kind::List,
            Value::Tuple(_) => Kind::Tuple,
            Value::Dict(_) => Kind::Dict,
            Value::Object(object) => object.kind(),
        }
    }

    /// Python's `bool(value)`.
    pub(crate) fn is_true(&self) -> bool {
        match self {
            Value::Undefined(_) | Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Big(_) => true,
            Value::Float(value) => *value != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::List(list) => list.len() > 0,
            Value::Tuple(items) => !items.is_empty(),
            Value::Dict(dict) => dict.len() > 0,
            Value::Object(object) => object.len().is_none_or(|len| len > 0),
        }
    }

    /// Python's `len(value)`; None where Python raises.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Value::Undefined(_) => Some(0),
            Value::Str(text) => Some(text.char_count()),
            Value::List(list) => Some(list.len()),
            Value::Tuple(items) => Some(items.len()),
            Value::Dict(dict) => Some(dict.len()),
            Value::Object(object) => object.len(),
            _ => None,
        }
    }
}

impl<'d> List<'d> {
    pub(crate) fn len(&self) -> usize {
        match self {
            List::Messages(messages) => messages.len(),
            List::Data(items) => items.len(),
            List::Own(items) => items.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<Value<'d>> {
        match self {
            List::Messages(messages) => messages.get(index).map(|fields| Value::Dict(Dict::Data(fields))),
            List::Data(items) => items.get(index).map(Value::of),
            List::Own(items) => items.get(index).cloned(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'d>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

/// The smallest form of an integer.
pub(crate) fn integer<'d>(value: BigInt) -> Value<'d> {
    match i64::try_from(&value) {
        Ok(small) => Value::Int(small),
        Err(_) => Value::Big(Rc::new(value)),
    }
}

impl Undefined<'_> {
    /// Jinja2's message for the use of it.
    pub(crate) fn message(&self) -> String {
        match self {
            Undefined::Variable(name) => format!("{} is undefined", repr::quoted(name)),
            Undefined::Attribute(owner, name) => {
                format!("{} has no attribute {}", repr::quoted(owner.owner_name()), repr::quoted(name))
            }
            Undefined::Missing(missing) => match &missing.name {
                Value::Str(name) => {
                    format!("{} has no attribute {}", repr::quoted(missing.owner.owner_name()), repr::quoted(name))
                }
                name => format!("{} has no element {}", missing.owner.owner_name(), repr::brief(name)),
            },
            Undefined::Hint(text) => (*text).to_owned(),
            Undefined::Unsafe(text) => text.to_string(),
        }
    }
}

//! `Value`: a Python object in a template.
//!
//! Values of the input are views: a list or dict of the input points at its nodes, a string at its bytes. Nothing is
//! copied before it is printed. Values cannot be changed, as in the sandbox that transformers uses; only namespaces
//! can.

use std::rc::Rc;

use super::{BigNumber, Dict, Items, Kind, List, Object, Undefined, integer};
use crate::data::Node;
use crate::provenance::Str;

/// A Python object.
#[derive(Debug, Clone)]
pub(crate) enum Value<'d> {
    Undefined(Undefined<'d>),
    None,
    Bool(bool),
    Int(i64),
    /// An integer that does not fit into 64 bits.
    Big(Rc<BigNumber>),
    Float(f64),
    Str(Str<'d>),
    List(List<'d>),
    Tuple(Rc<Items<'d>>),
    Dict(Dict<'d>),
    Object(Rc<Object<'d>>),
}

impl<'d> Value<'d> {
    /// The value of a node of the input.
    pub(crate) fn of(node: &'d Node<'d>) -> Value<'d> {
        match node {
            Node::Null => Value::None,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::BigInt(value) => integer(value.clone()),
            Node::Float(value) => Value::Float(*value),
            Node::Str(text) => Value::Str(Str::input(text)),
            Node::List(items) => Value::List(List::Input(items)),
            Node::Map(fields) => Value::Dict(Dict::Input(fields)),
        }
    }

    /// A string without provenance.
    pub(crate) fn text(text: impl Into<String>) -> Value<'d> {
        Value::Str(Str::owned(text.into()))
    }

    /// A string of the template.
    pub(crate) fn fixed(text: &'d str) -> Value<'d> {
        Value::Str(Str::fixed(text))
    }

    pub(crate) fn list(items: Vec<Value<'d>>) -> Value<'d> {
        Value::List(List::Own(Items::new(items)))
    }

    pub(crate) fn tuple(items: Vec<Value<'d>>) -> Value<'d> {
        Value::Tuple(Items::new(items))
    }

    pub(crate) fn object(object: Object<'d>) -> Value<'d> {
        Value::Object(Rc::new(object))
    }

    /// The depth of the nesting that the template made. Values of the input have none.
    pub(crate) fn depth(&self) -> u32 {
        match self {
            Value::List(List::Own(items)) | Value::Tuple(items) => items.depth(),
            Value::Dict(Dict::Own(own)) => own.depth(),
            Value::Object(object) => object.depth(),
            Value::Undefined(Undefined::Missing(missing)) => missing.depth(),
            Value::Undefined(_)
            | Value::Dict(Dict::Input(_))
            | Value::None
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Big(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::List(_) => 0,
        }
    }

    /// Whether the value may have a depth.
    #[inline]
    pub(crate) fn is_nested(&self) -> bool {
        matches!(
            self,
            Value::List(List::Own(_))
                | Value::Tuple(_)
                | Value::Dict(Dict::Own(_))
                | Value::Object(_)
                | Value::Undefined(Undefined::Missing(_))
        )
    }

    pub(crate) fn as_str(&self) -> Option<&Str<'d>> {
        if let Value::Str(text) = self { Some(text) } else { None }
    }

    pub(crate) fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined(_))
    }

    /// The name of the value's type: Python's `type(value).__name__`.
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

    /// Python's `len(value)`; None if Python raises an error.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Value::Undefined(_) => Some(0),
            Value::Str(text) => Some(text.char_count()),
            Value::List(list) => Some(list.len()),
            Value::Tuple(items) => Some(items.len()),
            Value::Dict(dict) => Some(dict.len()),
            Value::Object(object) => object.len(),
            Value::None | Value::Bool(_) | Value::Int(_) | Value::Big(_) | Value::Float(_) => None,
        }
    }
}

//! Python objects as [`Node`]s, by the rules of transformers: plain JSON types pass, rich objects become what they
//! hold, and anything else a placeholder.

use std::borrow::Cow;
use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

use super::errors::DataError;
use crate::conversation::{Fields, Node};

/// Objects may be nested this deep; JSON has the same limit.
const DEPTH: usize = 200;

/// Keys that most messages have: nodes need no copy of them.
const KEYS: [&str; 10] =
    ["role", "content", "type", "text", "name", "arguments", "function", "id", "tool_calls", "reasoning_content"];

/// Keeps the strings alive that nodes point into. Python's strings never change, so their bytes stay where they are
/// while someone holds them, whoever has the GIL.
#[derive(Default)]
pub(super) struct Held(RefCell<Vec<Py<PyString>>>);

impl Held {
    fn text(&self, object: Bound<'_, PyString>) -> PyResult<&str> {
        let text = object.to_str().map_err(|_| {
            DataError::new_err("a string holds a lone surrogate, which is no text; remove it or write a pair")
        })?;
        let text: *const str = text;
        self.0.borrow_mut().push(object.unbind());
        // SAFETY: the string's own buffer of UTF-8 lives as long as the string, and that is held from here on until
        // `self` is dropped, which the returned lifetime cannot outlast.
        Ok(unsafe { &*text })
    }
}

/// A node with strings of its own.
pub(super) fn owned(object: &Bound<'_, PyAny>) -> PyResult<Node<'static>> {
    let held = Held::default();
    Ok(node(object, &held)?.into_owned())
}

/// A node whose strings are Python's, kept in `held`.
pub(super) fn node<'h>(object: &Bound<'_, PyAny>, held: &'h Held) -> PyResult<Node<'h>> {
    nested(object.clone(), 0, held)
}

/// The items of a dict, or no fields for None.
pub(super) fn fields(object: Option<&Bound<'_, PyAny>>, name: &str) -> PyResult<Fields<'static>> {
    match object.map(owned).transpose()? {
        None | Some(Node::Null) => Ok(Vec::new()),
        Some(Node::Map(fields)) => Ok(fields),
        Some(other) => Err(DataError::new_err(format!("{name} must be a dict, found {}", other.type_name()))),
    }
}

fn nested<'h>(object: Bound<'_, PyAny>, depth: usize, held: &'h Held) -> PyResult<Node<'h>> {
    if depth > DEPTH {
        return Err(DataError::new_err(format!("a value is nested more than {DEPTH} levels deep")));
    }
    // Strings, dicts and lists are what conversations are made of, so they are asked for first.
    let object = match object.cast_into::<PyString>() {
        Ok(value) => return held.text(value).map(|text| Node::Str(Cow::Borrowed(text))),
        Err(other) => other.into_inner(),
    };
    if let Ok(value) = object.cast::<PyDict>() {
        map(value.iter(), depth, held)
    } else if let Ok(value) = object.cast::<PyList>() {
        value.iter().map(|item| nested(item, depth + 1, held)).collect::<PyResult<_>>().map(Node::List)
    } else if object.is_none() {
        Ok(Node::Null)
    } else if let Ok(value) = object.cast::<PyBool>() {
        Ok(Node::Bool(value.is_true()))
    } else if let Ok(value) = object.cast::<PyInt>() {
        match value.extract::<i64>() {
            Ok(small) => Ok(Node::Int(small)),
            // Python refuses to print integers of more than 4300 digits, and so does this.
            Err(_) => value
                .str()
                .ok()
                .and_then(|digits| digits.to_str().ok()?.parse().ok())
                .map(Node::BigInt)
                .ok_or_else(|| DataError::new_err("an integer has more than 4300 digits; write it as a string")),
        }
    } else if let Ok(value) = object.cast::<PyFloat>() {
        Ok(Node::Float(value.value()))
    } else if let Ok(value) = object.cast::<PyTuple>() {
        value.iter().map(|item| nested(item, depth + 1, held)).collect::<PyResult<_>>().map(Node::List)
    } else if let Ok(value) = object.cast::<PyMapping>() {
        let dict = PyDict::new(object.py());
        dict.update(value)?;
        map(dict.iter(), depth, held)
    } else {
        rich(&object, depth, held)
    }
}

fn map<'py, 'h>(
    items: impl ExactSizeIterator<Item = (Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    depth: usize,
    held: &'h Held,
) -> PyResult<Node<'h>> {
    let mut fields = Vec::with_capacity(items.len());
    for (key, value) in items {
        let key = match key.cast_into::<PyString>() {
            Ok(key) => key,
            Err(other) => other.into_inner().str()?,
        };
        let known = key.to_str().ok().and_then(|key| KEYS.iter().find(|known| **known == key));
        let key = match known {
            Some(known) => known,
            None => held.text(key)?,
        };
        fields.push((Cow::Borrowed(key), nested(value, depth + 1, held)?));
    }
    Ok(Node::Map(fields))
}

/// numpy scalars, dataclasses and pydantic models by what they hold; what else there is by the name of its type.
fn rich<'h>(object: &Bound<'_, PyAny>, depth: usize, held: &'h Held) -> PyResult<Node<'h>> {
    let py = object.py();
    let kind = object.get_type();
    if kind.getattr("__module__")?.eq("numpy")? && object.hasattr("item")? && !object.hasattr("__len__")? {
        return nested(object.call_method0("item")?, depth + 1, held);
    }
    if object.hasattr("__dataclass_fields__")? {
        let names = py.import("dataclasses")?.call_method1("fields", (object,))?;
        let mut fields = Vec::new();
        for field in names.try_iter()? {
            let name: String = field?.getattr("name")?.extract()?;
            let value = nested(object.getattr(name.as_str())?, depth + 1, held)?;
            fields.push((Cow::Owned(name), value));
        }
        return Ok(Node::Map(fields));
    }
    if object.hasattr("model_dump")? {
        return nested(object.call_method0("model_dump")?, depth + 1, held);
    }
    Ok(Node::Str(Cow::Owned(format!("<{}>", kind.name()?))))
}

//! Python objects as [`Node`]s, by the rules of transformers: JSON types stay as they are, dataclasses and similar
//! objects become dicts, and any other object becomes a placeholder.

use std::borrow::Cow;
use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

use super::errors::DataError;
use crate::data::{Fields, Node};

/// The deepest nesting of objects; JSON has the same limit.
const DEPTH: usize = 200;

/// Keys that most messages have. Nodes borrow these instead of pinning Python's strings.
const KEYS: [&str; 10] =
    ["role", "content", "type", "text", "name", "arguments", "function", "id", "tool_calls", "reasoning_content"];

/// Keeps the Python strings alive that nodes point into. Python strings never change, so their bytes stay in place
/// while they are referenced, with or without the GIL.
#[derive(Default)]
pub(super) struct PinnedStrings(RefCell<Vec<Py<PyString>>>);

impl PinnedStrings {
    fn text(&self, object: Bound<'_, PyString>) -> PyResult<&str> {
        let text = object.to_str().map_err(|_| {
            DataError::new_err("a string has a lone surrogate, which is not valid text; remove it or write a pair")
        })?;
        let text: *const str = text;
        self.0.borrow_mut().push(object.unbind());
        // SAFETY: the UTF-8 buffer lives as long as the string, which `self` now keeps alive; the returned reference
        // cannot outlive `self`.
        Ok(unsafe { &*text })
    }
}

/// A node that owns its strings.
pub(super) fn owned(object: &Bound<'_, PyAny>) -> PyResult<Node<'static>> {
    let pinned = PinnedStrings::default();
    Ok(node(object, &pinned)?.into_owned())
}

/// A node that borrows its strings from Python, pinned in `pinned`.
pub(super) fn node<'h>(object: &Bound<'_, PyAny>, pinned: &'h PinnedStrings) -> PyResult<Node<'h>> {
    nested(object.clone(), 0, pinned)
}

/// The items of a dict; none for None. `name` is the name of the value in errors.
pub(super) fn fields(object: Option<&Bound<'_, PyAny>>, name: &str) -> PyResult<Fields<'static>> {
    match object.map(owned).transpose()? {
        None | Some(Node::Null) => Ok(Vec::new()),
        Some(Node::Map(fields)) => Ok(fields),
        Some(other) => Err(DataError::new_err(format!("`{name}` must be a dict, found {}", other.type_name()))),
    }
}

fn nested<'h>(object: Bound<'_, PyAny>, depth: usize, pinned: &'h PinnedStrings) -> PyResult<Node<'h>> {
    if depth > DEPTH {
        return Err(DataError::new_err(format!("a value is nested more than {DEPTH} levels deep; flatten it")));
    }
    // Strings, dicts and lists are the most common, so they are tried first.
    let object = match object.cast_into::<PyString>() {
        Ok(value) => return pinned.text(value).map(|text| Node::Str(Cow::Borrowed(text))),
        Err(other) => other.into_inner(),
    };
    if let Ok(value) = object.cast::<PyDict>() {
        map(value, depth, pinned)
    } else if let Ok(value) = object.cast::<PyList>() {
        value.iter().map(|item| nested(item, depth + 1, pinned)).collect::<PyResult<_>>().map(Node::List)
    } else if object.is_none() {
        Ok(Node::Null)
    } else if let Ok(value) = object.cast::<PyBool>() {
        Ok(Node::Bool(value.is_true()))
    } else if let Ok(value) = object.cast::<PyInt>() {
        match value.extract::<i64>() {
            Ok(small) => Ok(Node::Int(small)),
            // Python does not print integers of more than 4300 digits; the same limit applies here.
            Err(_) => value
                .str()
                .ok()
                .and_then(|digits| digits.to_str().ok()?.parse().ok())
                .map(Node::BigInt)
                .ok_or_else(|| DataError::new_err("an integer has more than 4300 digits; pass it as a string")),
        }
    } else if let Ok(value) = object.cast::<PyFloat>() {
        Ok(Node::Float(value.value()))
    } else if let Ok(value) = object.cast::<PyTuple>() {
        value.iter().map(|item| nested(item, depth + 1, pinned)).collect::<PyResult<_>>().map(Node::List)
    } else if let Ok(value) = object.cast::<PyMapping>() {
        let dict = PyDict::new(object.py());
        dict.update(value)?;
        map(&dict, depth, pinned)
    } else {
        rich(&object, depth, pinned)
    }
}

fn map<'h>(dict: &Bound<'_, PyDict>, depth: usize, pinned: &'h PinnedStrings) -> PyResult<Node<'h>> {
    // Collect all items before reading one of them: reading may run Python code that changes the dict, and pyo3 panics
    // if a dict changes during its iteration.
    let items: Vec<_> = dict.iter().collect();
    let mut fields = Vec::with_capacity(items.len());
    for (key, value) in items {
        let key = match key.cast_into::<PyString>() {
            Ok(key) => key,
            Err(other) => other.into_inner().str()?,
        };
        let known = key.to_str().ok().and_then(|key| KEYS.iter().find(|known| **known == key));
        let key = match known {
            Some(known) => known,
            None => pinned.text(key)?,
        };
        fields.push((Cow::Borrowed(key), nested(value, depth + 1, pinned)?));
    }
    Ok(Node::Map(fields))
}

/// A numpy scalar as a number, a dataclass or a pydantic model as a dict, any other object as the name of its type.
fn rich<'h>(object: &Bound<'_, PyAny>, depth: usize, pinned: &'h PinnedStrings) -> PyResult<Node<'h>> {
    let py = object.py();
    let kind = object.get_type();
    if kind.getattr("__module__")?.eq("numpy")? && object.hasattr("item")? && !object.hasattr("__len__")? {
        return nested(object.call_method0("item")?, depth + 1, pinned);
    }
    if object.hasattr("__dataclass_fields__")? {
        let names = py.import("dataclasses")?.call_method1("fields", (object,))?;
        let mut fields = Vec::new();
        for field in names.try_iter()? {
            let name: String = field?.getattr("name")?.extract()?;
            let value = nested(object.getattr(name.as_str())?, depth + 1, pinned)?;
            fields.push((Cow::Owned(name), value));
        }
        return Ok(Node::Map(fields));
    }
    if object.hasattr("model_dump")? {
        return nested(object.call_method0("model_dump")?, depth + 1, pinned);
    }
    Ok(Node::Str(Cow::Owned(format!("<{}>", kind.name()?))))
}

//! Python objects as [`Node`]s, by the rules of transformers: plain JSON types pass, rich objects become what they
//! hold, and anything else a placeholder.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

use super::errors::DataError;
use crate::conversation::{Fields, Node};

/// Objects may be nested this deep; JSON has the same limit.
const DEPTH: usize = 200;

pub(super) fn node(object: &Bound<'_, PyAny>) -> PyResult<Node<'static>> {
    nested(object, 0)
}

/// The items of a dict, or no fields for None.
pub(super) fn fields(object: Option<&Bound<'_, PyAny>>, name: &str) -> PyResult<Fields<'static>> {
    match object.map(node).transpose()? {
        None | Some(Node::Null) => Ok(Vec::new()),
        Some(Node::Map(fields)) => Ok(fields),
        Some(other) => Err(DataError::new_err(format!("{name} must be a dict, found {}", other.type_name()))),
    }
}

fn nested(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Node<'static>> {
    if depth > DEPTH {
        return Err(DataError::new_err(format!("a value is nested more than {DEPTH} levels deep")));
    }
    if object.is_none() {
        Ok(Node::Null)
    } else if let Ok(value) = object.cast::<PyBool>() {
        Ok(Node::Bool(value.is_true()))
    } else if let Ok(value) = object.cast::<PyString>() {
        let text = value.to_str().map_err(|_| {
            DataError::new_err("a string holds a lone surrogate, which is no text; remove it or write a pair")
        })?;
        Ok(Node::Str(Cow::Owned(text.to_owned())))
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
    } else if let Ok(value) = object.cast::<PyDict>() {
        map(value.iter(), depth)
    } else if let Ok(value) = object.cast::<PyList>() {
        value.iter().map(|item| nested(&item, depth + 1)).collect::<PyResult<_>>().map(Node::List)
    } else if let Ok(value) = object.cast::<PyTuple>() {
        value.iter().map(|item| nested(&item, depth + 1)).collect::<PyResult<_>>().map(Node::List)
    } else if let Ok(value) = object.cast::<PyMapping>() {
        let dict = PyDict::new(object.py());
        dict.update(value)?;
        map(dict.iter(), depth)
    } else {
        rich(object, depth)
    }
}

fn map<'py>(
    items: impl Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    depth: usize,
) -> PyResult<Node<'static>> {
    let mut fields = Vec::new();
    for (key, value) in items {
        fields.push((Cow::Owned(key.str()?.to_str()?.to_owned()), nested(&value, depth + 1)?));
    }
    Ok(Node::Map(fields))
}

/// numpy scalars, dataclasses and pydantic models by what they hold; what else there is by the name of its type.
fn rich(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Node<'static>> {
    let py = object.py();
    let kind = object.get_type();
    if kind.getattr("__module__")?.eq("numpy")? && object.hasattr("item")? && !object.hasattr("__len__")? {
        return nested(&object.call_method0("item")?, depth + 1);
    }
    if object.hasattr("__dataclass_fields__")? {
        let names = py.import("dataclasses")?.call_method1("fields", (object,))?;
        let mut fields = Vec::new();
        for field in names.try_iter()? {
            let name: String = field?.getattr("name")?.extract()?;
            let value = nested(&object.getattr(name.as_str())?, depth + 1)?;
            fields.push((Cow::Owned(name), value));
        }
        return Ok(Node::Map(fields));
    }
    if object.hasattr("model_dump")? {
        return nested(&object.call_method0("model_dump")?, depth + 1);
    }
    Ok(Node::Str(Cow::Owned(format!("<{}>", kind.name()?))))
}

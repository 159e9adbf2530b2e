//! `namespace(…)`, the only kind of value that templates can change.

use std::rc::Rc;

use crate::runtime::{EvalResult, Interpreter, Object, PyError, PyErrorKind, Value};
use crate::text::quote::quoted;

/// A new namespace with these attributes.
pub(crate) fn new<'d>(
    interpreter: &mut Interpreter<'d>,
    entries: Vec<(Value<'d>, Value<'d>)>,
) -> EvalResult<Value<'d>> {
    let mut attributes = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let Value::Str(name) = name else {
            return Err(PyError::new(PyErrorKind::Type, "the names of attributes of a namespace must be strings"));
        };
        check_name(&name)?;
        attributes.push(((*name).into(), value));
    }
    let namespace = Rc::new(Object::Namespace(attributes.into()));
    interpreter.own_namespace(&namespace);
    Ok(Value::Object(namespace))
}

/// `{% set namespace.name = value %}`.
pub(crate) fn set<'d>(namespace: &Value<'d>, name: &str, value: Value<'d>) -> EvalResult<()> {
    if let Value::Object(object) = namespace
        && let Object::Namespace(attributes) = &**object
    {
        check_name(name)?;
        let mut attributes = attributes.borrow_mut();
        match attributes.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, known)) => *known = value,
            None => attributes.push((name.into(), value)),
        }
        return Ok(());
    }
    Err(PyError::new(PyErrorKind::Runtime, "cannot assign attribute on non-namespace object"))
}

/// Namespaces accept no names that begin with an underscore.
fn check_name(name: &str) -> EvalResult<()> {
    if name.starts_with('_') {
        let text = format!(
            "Chat templates cannot store underscore-prefixed attributes on a namespace, but got {}. \
             Please rename the attribute.",
            quoted(name)
        );
        return Err(PyError::new(PyErrorKind::Security, text));
    }
    Ok(())
}

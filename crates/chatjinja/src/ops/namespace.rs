//! `namespace(…)`, the only kind of value that templates can change.

use std::rc::Rc;

use crate::memory::Held;
use crate::runtime::{Budget, EvalResult, Interpreter, Object, PyError, PyErrorKind, Value};
use crate::text::quote::quoted;

/// The bytes of an attribute, besides its name.
const ATTRIBUTE: usize = size_of::<(Value<'_>, Value<'_>)>() * 2;

/// A new namespace with these attributes.
pub(crate) fn new<'d>(
    interpreter: &mut Interpreter<'d>,
    entries: impl Iterator<Item = (Value<'d>, Value<'d>)>,
) -> EvalResult<Value<'d>> {
    let mut attributes = Vec::with_capacity(entries.size_hint().0);
    let mut bytes = size_of::<Object<'d>>();
    for (name, value) in entries {
        if let Value::Str(name) = &name {
            check_name(name)?;
            interpreter.charge_bytes(name.len())?;
            bytes += name.len();
        }
        interpreter.budget.nested(&name)?;
        interpreter.budget.nested(&value)?;
        bytes += ATTRIBUTE;
        attributes.push((name, value));
    }
    let namespace = Rc::new(Object::Namespace(attributes.into(), Held::new(bytes).into()));
    interpreter.own_cell(&namespace);
    Ok(Value::Object(namespace))
}

/// `{% set namespace.name = value %}`.
pub(crate) fn set<'d>(budget: &Budget<'d>, namespace: &Value<'d>, name: &'d str, value: Value<'d>) -> EvalResult<()> {
    if let Value::Object(object) = namespace
        && let Object::Namespace(attributes, held) = &**object
    {
        check_name(name)?;
        budget.nested(&value)?;
        let mut attributes = attributes.borrow_mut();
        budget.spend(attributes.len() as u64 / 8)?;
        match attributes.iter_mut().find(|(known, _)| is_named(known, name)) {
            Some((_, known)) => *known = value,
            None => {
                held.borrow_mut().add(name.len() + ATTRIBUTE);
                attributes.push((Value::fixed(name), value));
            }
        }
        return Ok(());
    }
    Err(PyError::new(PyErrorKind::Runtime, "cannot assign attribute on non-namespace object"))
}

/// Whether the key of an attribute is this name.
pub(crate) fn is_named(key: &Value<'_>, name: &str) -> bool {
    key.as_str().is_some_and(|key| **key == *name)
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

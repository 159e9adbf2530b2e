//! `Undefined`: Jinja2's value for a variable, an attribute or an item that does not exist.

use std::rc::Rc;

use super::{Kind, Value, repr};
use crate::text::quote::quoted;

/// A value that does not exist, with the details for the error message if the template uses it.
#[derive(Debug, Clone)]
pub(crate) enum Undefined<'d> {
    Variable(&'d str),
    /// An attribute or item that the owner does not have.
    Missing(Rc<MissingItem<'d>>),
    /// The same for a name in the template. This is by far the most common case, so it does not allocate.
    Attribute(Kind, &'d str),
    /// A special message.
    Hint(&'static str),
    /// An attribute that the sandbox forbids.
    Unsafe(Rc<str>),
}

#[derive(Debug)]
pub(crate) struct MissingItem<'d> {
    pub(crate) owner: Kind,
    pub(crate) name: Value<'d>,
}

impl MissingItem<'_> {
    /// The depth of the name, with this level.
    pub(crate) fn depth(&self) -> u32 {
        self.name.depth() + 1
    }
}

impl Undefined<'_> {
    /// Jinja2's message for the use of the value.
    pub(crate) fn message(&self) -> String {
        let no_attribute =
            |owner: Kind, name: &str| format!("{} has no attribute {}", quoted(owner.owner_name()), quoted(name));
        match self {
            Undefined::Variable(name) => format!("{} is undefined", quoted(name)),
            Undefined::Attribute(owner, name) => no_attribute(*owner, name),
            Undefined::Missing(missing) => match &missing.name {
                Value::Str(name) => no_attribute(missing.owner, name),
                name => format!("{} has no element {}", missing.owner.owner_name(), repr::brief(name)),
            },
            Undefined::Hint(text) => (*text).to_owned(),
            Undefined::Unsafe(text) => text.to_string(),
        }
    }
}

//! `List`: a list of the input, or one made by the template.

use std::rc::Rc;

use super::{Dict, Items, Value};
use crate::data::{Fields, Node};

#[derive(Debug, Clone)]
pub(crate) enum List<'d> {
    /// The records, or some of them.
    Records(&'d [Fields<'d>]),
    /// Another list of the input.
    Input(&'d [Node<'d>]),
    /// A list made by the template.
    Own(Rc<Items<'d>>),
}

impl<'d> List<'d> {
    pub(crate) fn len(&self) -> usize {
        match self {
            List::Records(records) => records.len(),
            List::Input(items) => items.len(),
            List::Own(items) => items.len(),
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<Value<'d>> {
        match self {
            List::Records(records) => records.get(index).map(|fields| Value::Dict(Dict::Input(fields))),
            List::Input(items) => items.get(index).map(Value::of),
            List::Own(items) => items.get(index).cloned(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Value<'d>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

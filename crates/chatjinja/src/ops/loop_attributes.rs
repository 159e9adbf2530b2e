//! `loop.name`: the attributes of the variable `loop`.

use std::rc::Rc;

use crate::names::{LoopMethod, Method};
use crate::runtime::{Interpreter, Object, Undefined, Value};

impl<'d> Interpreter<'d> {
    /// The attribute `name` of a loop; None if it has no such attribute.
    pub(super) fn loop_attribute(&self, object: &Rc<Object<'d>>, name: &str) -> Option<Value<'d>> {
        let Object::Loop(state) = &**object else { return None };
        let index = state.index.get();
        let items = state.items.borrow();
        let count = |count: usize| Value::Int(count as i64);
        Some(match name {
            "index" => count(index + 1),
            "index0" => count(index),
            "first" => Value::Bool(index == 0),
            "last" => Value::Bool(index + 1 == items.len()),
            "length" => count(items.len()),
            "revindex" => count(items.len() - index),
            "revindex0" => count(items.len() - index - 1),
            "depth" => count(state.depth + 1),
            "depth0" => count(state.depth),
            "previtem" => match index.checked_sub(1).and_then(|before| items.get(before)) {
                Some(item) => item.clone(),
                None => Value::Undefined(Undefined::Hint("there is no previous item")),
            },
            "nextitem" => match items.get(index + 1) {
                Some(item) => item.clone(),
                None => Value::Undefined(Undefined::Hint("there is no next item")),
            },
            _ => {
                let method = Method::Loop(LoopMethod::named(name)?);
                Value::object(Object::Method(Value::Object(Rc::clone(object)), method))
            }
        })
    }
}

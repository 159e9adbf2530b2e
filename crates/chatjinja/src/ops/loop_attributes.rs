//! `loop.name`: the attributes of the variable `loop`.

use std::rc::Rc;

use crate::names::{LoopMethod, Method};
use crate::runtime::{EvalResult, Interpreter, Object, Undefined, Value};

impl<'d> Interpreter<'d> {
    /// The attribute `name` of a loop; None if it has no such attribute.
    pub(super) fn loop_attribute(&mut self, object: &Rc<Object<'d>>, name: &str) -> EvalResult<Option<Value<'d>>> {
        let Object::Loop(state) = &**object else { return Ok(None) };
        let index = state.index.get();
        let count = |count: usize| Value::Int(count as i64);
        Ok(Some(match name {
            "index" => count(index + 1),
            "index0" => count(index),
            "first" => Value::Bool(index == 0),
            "last" => Value::Bool(self.loop_item(state, index + 1)?.is_none()),
            "length" => count(self.loop_len(state)?),
            "revindex" => count(self.loop_len(state)? - index),
            "revindex0" => count(self.loop_len(state)? - index - 1),
            "depth" => count(state.depth + 1),
            "depth0" => count(state.depth),
            "previtem" => match index.checked_sub(1).and_then(|before| state.items.borrow().get(before).cloned()) {
                Some(item) => item,
                None => Value::Undefined(Undefined::Hint("there is no previous item")),
            },
            "nextitem" => match self.loop_item(state, index + 1)? {
                Some(item) => item,
                None => Value::Undefined(Undefined::Hint("there is no next item")),
            },
            _ => {
                let Some(method) = LoopMethod::named(name) else { return Ok(None) };
                Value::object(Object::Method(Value::Object(Rc::clone(object)), Method::Loop(method)))
            }
        }))
    }
}

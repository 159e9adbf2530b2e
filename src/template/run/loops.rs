//! `for`, and the variable `loop`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Activation, Arguments, Exception, Flow, Machine, Raise, Run};
use crate::template::program::ForLoop;
use crate::template::value::{LoopState, Object, Str, Undefined, Value, compare};

impl<'d> Machine<'d> {
    pub(super) fn for_loop(&mut self, each: &'d ForLoop) -> Run<Flow> {
        let iterable = self.eval(&each.iter)?;
        if !each.recursive {
            return self.iterate(each, &iterable, 0, None);
        }
        let around = Rc::clone(&self.activation);
        let activation = Activation::new(each.slots, Some(Rc::clone(&around)));
        let before = std::mem::replace(&mut self.activation, activation);
        let flow = self.iterate(each, &iterable, 0, Some(around));
        self.leave(before);
        flow.map(|_| Flow::Next)
    }

    /// `loop(items)` inside a recursive loop: the text of the loop over other items.
    fn again(
        &mut self,
        each: &'d ForLoop,
        around: &Rc<Activation<'d>>,
        iterable: &Value<'d>,
        depth: usize,
    ) -> Run<Str<'d>> {
        self.deeper(|machine| {
            let activation = Activation::new(each.slots, Some(Rc::clone(around)));
            let before = std::mem::replace(&mut machine.activation, activation);
            let result = machine.captured(|machine| machine.iterate(each, iterable, depth, Some(Rc::clone(around))));
            machine.leave(before);
            result.map(|(_, text)| text)
        })
    }

    fn iterate(
        &mut self,
        each: &'d ForLoop,
        iterable: &Value<'d>,
        depth: usize,
        around: Option<Rc<Activation<'d>>>,
    ) -> Run<Flow> {
        let mut items = self.items(iterable).map_err(|raise| raise.at(each.iter.span))?;
        if let Some((frame, target, test)) = &each.test {
            let mut passed = Vec::with_capacity(items.len());
            for item in items {
                self.enter(frame);
                self.assign(target, item.clone())?;
                if self.test(test)? {
                    passed.push(item);
                }
            }
            items = passed;
        }
        if items.is_empty() {
            return self.otherwise(each);
        }
        let pass = self.begin_pass(items.first());
        let state = match each.loop_slot {
            None => None,
            Some(slot) => {
                let state = LoopState {
                    items: RefCell::new(items.clone()),
                    index: Cell::new(0),
                    depth,
                    changed: RefCell::new(None),
                    recursive: around.map(|around| (each, around)),
                };
                let object = Rc::new(Object::Loop(state));
                Some((slot, object))
            }
        };
        let mut complete = false;
        for (index, item) in items.into_iter().enumerate() {
            self.step()?;
            if let Some((_, object)) = &state
                && let Object::Loop(state) = &**object
            {
                // Whoever iterates over the loop itself uses up what it has left.
                if index >= state.items.borrow().len() {
                    break;
                }
                state.index.set(index);
            }
            self.step_pass(pass, &item);
            self.enter(&each.frame);
            if let Some((slot, object)) = &state {
                self.set(*slot, Value::Object(Rc::clone(object)));
            }
            self.assign(&each.target, item).map_err(|raise| raise.at(each.span))?;
            match self.body(&each.body)? {
                Flow::Next => complete = true,
                Flow::Continue => {}
                // Both `break` and the end of the items end this loop and no other.
                Flow::Break => break,
            }
        }
        self.end_pass(pass);
        if let Some((slot, _)) = state {
            // The loop may hold the activation that holds it.
            self.set(slot, Value::None);
        }
        // As in Jinja2, a loop that never came to the end of its body counts as one without items.
        if complete { Ok(Flow::Next) } else { self.otherwise(each) }
    }

    fn otherwise(&mut self, each: &'d ForLoop) -> Run<Flow> {
        self.enter(&each.else_frame);
        self.body(&each.otherwise)
    }

    /// `loop.name`.
    pub(crate) fn loop_attribute(&mut self, object: &Rc<Object<'d>>, name: &str) -> Run<Option<Value<'d>>> {
        let Object::Loop(state) = &**object else { return Ok(None) };
        let index = state.index.get();
        let items = state.items.borrow();
        let count = |count: usize| Value::Int(count as i64);
        Ok(Some(match name {
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
            "cycle" => Value::object(Object::Method(Value::Object(Rc::clone(object)), "cycle")),
            "changed" => Value::object(Object::Method(Value::Object(Rc::clone(object)), "changed")),
            _ => return Ok(None),
        }))
    }

    /// `loop(…)`, `loop.cycle(…)` and `loop.changed(…)`.
    pub(super) fn loop_call(&mut self, state: &LoopState<'d>, method: &str, args: Arguments<'d>) -> Run<Value<'d>> {
        match method {
            "cycle" => {
                if args.positional.is_empty() {
                    return Err(Raise::new(Exception::Type, "no items for cycling given"));
                }
                Ok(args.positional[state.index.get() % args.positional.len()].clone())
            }
            "changed" => {
                let before = state.changed.replace(Some(args.positional.clone()));
                let same = before.is_some_and(|before| {
                    before.len() == args.positional.len()
                        && before.iter().zip(&args.positional).all(|(left, right)| compare::equal(left, right))
                });
                Ok(Value::Bool(!same))
            }
            _ => {
                let [iterable] = args.bind("loop", ["iterable"], 1)?;
                let iterable = iterable.unwrap_or(Value::None);
                match &state.recursive {
                    Some((each, around)) => self.again(each, around, &iterable, state.depth + 1).map(Value::Str),
                    None => {
                        let text = "The loop must have the 'recursive' marker to be called recursively.";
                        Err(Raise::new(Exception::Type, text))
                    }
                }
            }
        }
    }
}

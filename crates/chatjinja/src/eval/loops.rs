//! Runs `for` loops and calls of the variable `loop`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::statements::Flow;
use crate::ir::ForLoop;
use crate::memory::Held;
use crate::names::LoopMethod;
use crate::provenance::Str;
use crate::runtime::{
    Arguments, EvalResult, Interpreter, Items, Locals, LoopState, Object, PyError, PyErrorKind, Value, deepest, equal,
    short,
};

/// The short strings of more items than this are counted.
const FEW: usize = 64;

/// The items of a loop count as held if they have more bytes than this.
const LONG: usize = 4096;

impl<'d> Interpreter<'d> {
    pub(super) fn for_loop(&mut self, each: &'d ForLoop) -> EvalResult<Flow> {
        self.run_loop(each).map_err(|error| match error.kind() {
            // A limit that no expression has reached was reached by the loop.
            PyErrorKind::Limit => error.at(each.span),
            _ => error,
        })
    }

    fn run_loop(&mut self, each: &'d ForLoop) -> EvalResult<Flow> {
        let iterable = self.eval(&each.iter)?;
        if !each.recursive {
            return self.iterate(each, &iterable, 0, None);
        }
        let around = Rc::clone(&self.locals);
        self.charge_items(each.slots)?;
        let locals = Locals::new(each.slots, Some(Rc::clone(&around)));
        let before = std::mem::replace(&mut self.locals, locals);
        let flow = self.iterate(each, &iterable, 0, Some(around));
        self.leave(before);
        flow.map(|_| Flow::Next)
    }

    /// `loop(items)` inside a recursive loop: the text of the loop over other items.
    fn recurse(
        &mut self,
        each: &'d ForLoop,
        around: &Rc<Locals<'d>>,
        iterable: &Value<'d>,
        depth: usize,
    ) -> EvalResult<Str<'d>> {
        self.deeper(|interpreter| {
            interpreter.charge_items(each.slots)?;
            let locals = Locals::new(each.slots, Some(Rc::clone(around)));
            let before = std::mem::replace(&mut interpreter.locals, locals);
            let result =
                interpreter.captured(|interpreter| interpreter.iterate(each, iterable, depth, Some(Rc::clone(around))));
            interpreter.leave(before);
            result.map(|(_, text)| text)
        })
    }

    /// Runs a loop. `around` are the variables around a recursive one.
    fn iterate(
        &mut self,
        each: &'d ForLoop,
        iterable: &Value<'d>,
        depth: usize,
        around: Option<Rc<Locals<'d>>>,
    ) -> EvalResult<Flow> {
        let mut items = self.items(iterable).map_err(|error| error.at(each.iter.span))?;
        if let Some((scope, target, test)) = &each.test {
            let mut passed = Vec::with_capacity(items.len());
            for item in items {
                self.step()?;
                self.begin_scope(scope)?;
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
        let pass = self.note_loop(items.first());
        let strings = if items.len() > FEW { short(&items) } else { 0 };
        let bytes = items.len() * size_of::<Value<'d>>() + strings;
        let held = (bytes > LONG).then(|| Held::new(bytes));
        let state = match each.loop_slot {
            None => None,
            Some(slot) => {
                self.charge_items(items.len())?;
                let state = LoopState {
                    nesting: deepest(&items),
                    _held: if bytes > LONG { Held::new(bytes) } else { Held::default() },
                    items: RefCell::new(items.clone()),
                    index: Cell::new(0),
                    depth,
                    changed: RefCell::new(None),
                    recursive: around.map(|around| (each, around)),
                };
                Some((slot, Rc::new(Object::Loop(state))))
            }
        };
        let mut complete = false;
        for (index, item) in items.into_iter().enumerate() {
            self.step()?;
            if let Some((_, object)) = &state
                && let Object::Loop(state) = &**object
            {
                // Iteration over `loop` removes its remaining items.
                if index >= state.items.borrow().len() {
                    break;
                }
                state.index.set(index);
            }
            self.note_item(pass, &item);
            self.begin_scope(&each.scope)?;
            if let Some((slot, object)) = &state {
                self.set(*slot, Value::Object(Rc::clone(object)));
            }
            self.assign(&each.target, item).map_err(|error| error.at(each.span))?;
            match self.body(&each.body)? {
                Flow::Next => complete = true,
                Flow::Continue => {}
                Flow::Break => break,
            }
        }
        drop(held);
        self.note_loop_end(pass);
        if let Some((slot, _)) = state {
            // The loop may hold the variables that hold the loop, so this breaks a possible cycle.
            self.set(slot, Value::None);
        }
        // As in Jinja2, `else` also runs if the loop never reached the end of its body.
        if complete { Ok(Flow::Next) } else { self.otherwise(each) }
    }

    fn otherwise(&mut self, each: &'d ForLoop) -> EvalResult<Flow> {
        self.begin_scope(&each.else_scope)?;
        self.body(&each.otherwise)
    }

    /// `loop.cycle(…)` and `loop.changed(…)`.
    pub(super) fn call_loop_method(
        &mut self,
        owner: &Value<'d>,
        method: LoopMethod,
        args: Arguments<'d>,
    ) -> EvalResult<Value<'d>> {
        let Value::Object(object) = owner else { return Ok(Value::None) };
        let Object::Loop(state) = &**object else { return Ok(Value::None) };
        match method {
            LoopMethod::Cycle => {
                if args.positional.is_empty() {
                    return Err(PyError::new(PyErrorKind::Type, "no items for cycling given"));
                }
                Ok(args.positional[state.index.get() % args.positional.len()].clone())
            }
            LoopMethod::Changed => {
                self.charge_items(args.positional.len())?;
                let now = Items::new(args.positional);
                let before = state.changed.replace(Some(Rc::clone(&now)));
                let Some(before) = before else {
                    // The arguments may contain the loop.
                    self.own_cell(object);
                    return Ok(Value::Bool(true));
                };
                let same = equal(&self.budget, &Value::Tuple(before), &Value::Tuple(now))?;
                Ok(Value::Bool(!same))
            }
        }
    }

    /// `loop(…)`.
    pub(super) fn call_loop(&mut self, state: &LoopState<'d>, args: Arguments<'d>) -> EvalResult<Value<'d>> {
        let [iterable] = args.bind("loop", ["iterable"], 1)?;
        let iterable = iterable.unwrap_or(Value::None);
        match &state.recursive {
            Some((each, around)) => self.recurse(each, around, &iterable, state.depth + 1).map(Value::Str),
            None => {
                let text = "The loop must have the 'recursive' marker to be called recursively.";
                Err(PyError::new(PyErrorKind::Type, text))
            }
        }
    }
}

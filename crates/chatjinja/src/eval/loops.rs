//! Runs `for` loops and calls of the variable `loop`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::statements::Flow;
use crate::ir::{Expr, ForLoop, ScopeInit, Target};
use crate::memory::Held;
use crate::names::LoopMethod;
use crate::provenance::Str;
use crate::runtime::{
    Arguments, EvalResult, Interpreter, Items, Locals, LoopRest, LoopState, Object, PyError, PyErrorKind, Step, Value,
    deepest, equal, short,
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
        let (items, mut rest) = self.begin_items(each, iterable)?;
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
                    nesting: Cell::new(deepest(&items)),
                    held: RefCell::new(if bytes > LONG { Held::new(bytes) } else { Held::default() }),
                    items: RefCell::new(items.clone()),
                    rest: LoopRest(RefCell::new(rest.take())),
                    index: Cell::new(0),
                    depth,
                    changed: RefCell::new(None),
                    recursive: around.map(|around| (each, around)),
                };
                Some((slot, Rc::new(Object::Loop(state))))
            }
        };
        let mut complete = false;
        let mut items = items.into_iter();
        for index in 0.. {
            self.step()?;
            let item = match (&state, &mut rest) {
                // Iteration over `loop` removes its remaining items.
                (Some((_, object)), _) => match &**object {
                    Object::Loop(state) => self.loop_item(state, index)?.inspect(|_| state.index.set(index)),
                    _ => None,
                },
                (None, Some(rest)) => match items.next() {
                    Some(first) => Some(first),
                    None => rest(self)?,
                },
                (None, None) => items.next(),
            };
            let Some(item) = item else { break };
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
        if let Some((slot, object)) = state {
            if let Object::Loop(state) = &*object {
                state.rest.0.take();
            }
            // The loop may hold the variables that hold the loop, so this breaks a possible cycle.
            self.set(slot, Value::None);
        }
        // As in Jinja2, `else` also runs if the loop never reached the end of its body.
        if complete { Ok(Flow::Next) } else { self.otherwise(each) }
    }

    /// The items of a loop. Those of a generator, and those that pass a condition, are computed while the loop runs: then
    /// only the first one is given, and what computes the others.
    fn begin_items(
        &mut self,
        each: &'d ForLoop,
        iterable: &Value<'d>,
    ) -> EvalResult<(Vec<Value<'d>>, Option<Step<'d>>)> {
        let span = each.iter.span;
        let generates = matches!(iterable, Value::Object(object) if matches!(**object, Object::Generator(_)));
        if each.test.is_none() && !generates {
            return Ok((self.items(iterable).map_err(|error| error.at(span))?, None));
        }
        let mut items = self.cursor(iterable).map_err(|error| error.at(span))?;
        let mut step: Step<'d> = match &each.test {
            None => Box::new(move |interpreter| items.next(interpreter).map_err(|error| error.at(span))),
            Some((scope, target, test)) => {
                let locals = Rc::clone(&self.locals);
                Box::new(move |interpreter| {
                    while let Some(item) = items.next(interpreter).map_err(|error| error.at(span))? {
                        // A macro may ask for the next item, so the condition runs with the variables of the loop.
                        let before = std::mem::replace(&mut interpreter.locals, Rc::clone(&locals));
                        let passes = interpreter.passes(scope, target, test, &item);
                        interpreter.locals = before;
                        if passes? {
                            return Ok(Some(item));
                        }
                    }
                    Ok(None)
                })
            }
        };
        Ok(match step(self)? {
            Some(first) => (vec![first], Some(step)),
            None => (Vec::new(), None),
        })
    }

    /// Whether an item passes the condition of a loop.
    fn passes(
        &mut self,
        scope: &'d ScopeInit,
        target: &'d Target,
        test: &'d Expr,
        item: &Value<'d>,
    ) -> EvalResult<bool> {
        self.begin_scope(scope)?;
        self.assign(target, item.clone())?;
        self.test(test)
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

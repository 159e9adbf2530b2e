//! `Object`: the values that are neither data nor text, such as ranges, namespaces, generators, macros and loops.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use super::{Dict, EvalResult, Interpreter, Items, Kind, LazyIter, Locals, Step, Value, deepest, short};
use crate::ir::{ForLoop, MacroCode};
use crate::memory::Held;
use crate::names::{Function, Method};

#[derive(Debug)]
pub(crate) enum Object<'d> {
    Range {
        start: i64,
        stop: i64,
        step: i64,
    },
    /// Attributes have names, which are strings, unless a dict with other keys gave them.
    Namespace(RefCell<Vec<(Value<'d>, Value<'d>)>>, RefCell<Held>),
    Generator(Generator<'d>),
    /// A group of `groupby`: a tuple of a key and a list, which also have the names `grouper` and `list`.
    Group([Value<'d>; 2]),
    /// `d.keys()`, `d.values()` and `d.items()`.
    View(ViewKind, Dict<'d>),
    Macro(MacroValue<'d>),
    Function(Function),
    /// A method with the value it belongs to.
    Method(Value<'d>, Method),
    Loop(LoopState<'d>),
    Cycler {
        items: Rc<Items<'d>>,
        next: Cell<usize>,
    },
    Joiner {
        separator: Value<'d>,
        used: Cell<bool>,
    },
    /// `self`.
    Template,
    /// `self.name`: the index of a `{% block %}`.
    Block(usize),
}

/// An iterator, which gives each item once.
#[derive(Debug)]
pub(crate) struct Generator<'d> {
    pub(crate) name: GeneratorName,
    pub(crate) state: RefCell<LazyIter<'d>>,
    /// The depth of the values that it was made from.
    pub(crate) depth: u32,
}

/// The name of an iterator, which decides how Python prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GeneratorName {
    /// A generator function.
    Function(&'static str),
    /// A class of iterators.
    Class(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewKind {
    Keys,
    Values,
    Items,
    /// No view, but a set that `-` made. Its items are the keys.
    Set,
}

impl ViewKind {
    /// The item of the view for an entry of the dict.
    pub(crate) fn item<'d>(self, (key, value): (Value<'d>, Value<'d>)) -> Value<'d> {
        match self {
            ViewKind::Keys | ViewKind::Set => key,
            ViewKind::Values => value,
            ViewKind::Items => Value::tuple(vec![key, value]),
        }
    }
}

#[derive(Debug)]
pub(crate) struct MacroValue<'d> {
    pub(crate) code: &'d MacroCode,
    /// The variables around the definition of the macro.
    pub(crate) closure: Rc<Locals<'d>>,
}

/// The variable `loop`.
#[derive(Debug)]
pub(crate) struct LoopState<'d> {
    /// The items that are known so far.
    pub(crate) items: RefCell<Vec<Value<'d>>>,
    /// What computes the others, if the loop is over a generator or has a condition.
    pub(crate) rest: LoopRest<'d>,
    pub(crate) index: Cell<usize>,
    /// The number of loops around a recursive one.
    pub(crate) depth: usize,
    /// The depth of the items.
    pub(crate) nesting: Cell<u32>,
    /// What the items hold.
    pub(crate) held: RefCell<Held>,
    /// The arguments of the last call of `loop.changed`.
    pub(crate) changed: RefCell<Option<Rc<Items<'d>>>>,
    /// The code of a recursive loop, and the variables around it.
    pub(crate) recursive: Option<(&'d ForLoop, Rc<Locals<'d>>)>,
}

/// The work of a loop whose items are computed one by one.
#[derive(Default)]
pub(crate) struct LoopRest<'d>(pub(crate) RefCell<Option<Step<'d>>>);

impl fmt::Debug for LoopRest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopRest").finish_non_exhaustive()
    }
}

impl<'d> Interpreter<'d> {
    /// The item of a loop at an index, which may have to be computed; None after the last one.
    pub(crate) fn loop_item(&mut self, state: &LoopState<'d>, at: usize) -> EvalResult<Option<Value<'d>>> {
        loop {
            if let Some(item) = state.items.borrow().get(at) {
                return Ok(Some(item.clone()));
            }
            if !self.next_loop_item(state)? {
                return Ok(None);
            }
        }
    }

    /// The number of items of a loop, which are computed for it.
    pub(crate) fn loop_len(&mut self, state: &LoopState<'d>) -> EvalResult<usize> {
        while self.next_loop_item(state)? {}
        Ok(state.items.borrow().len())
    }

    /// Computes one more item of a loop, and returns whether there was one.
    fn next_loop_item(&mut self, state: &LoopState<'d>) -> EvalResult<bool> {
        let Some(mut step) = state.rest.0.take() else { return Ok(false) };
        let Some(item) = step(self)? else { return Ok(false) };
        state.rest.0.replace(Some(step));
        state.nesting.set(state.nesting.get().max(item.depth()));
        state.held.borrow_mut().add(size_of::<Value<'d>>() + short([&item]));
        state.items.borrow_mut().push(item);
        self.step()?;
        Ok(true)
    }
}

impl<'d> Object<'d> {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Object::Range { .. } => Kind::Range,
            Object::Namespace(..) => Kind::Namespace,
            Object::Generator(generator) => match generator.name {
                GeneratorName::Function(_) => Kind::Generator,
                GeneratorName::Class(_) => Kind::Reversed,
            },
            Object::Group(_) => Kind::Group,
            Object::View(ViewKind::Keys, _) => Kind::Keys,
            Object::View(ViewKind::Values, _) => Kind::Values,
            Object::View(ViewKind::Items, _) => Kind::Items,
            Object::View(ViewKind::Set, _) => Kind::Set,
            Object::Macro(_) => Kind::Macro,
            Object::Function(Function::Dict) => Kind::TemplateDict,
            Object::Function(Function::Namespace | Function::Cycler | Function::Joiner) => Kind::Type,
            Object::Function(_) => Kind::Function,
            Object::Method(..) => Kind::Method,
            Object::Loop(_) => Kind::Loop,
            Object::Cycler { .. } => Kind::Cycler,
            Object::Joiner { .. } => Kind::Joiner,
            Object::Template => Kind::Template,
            Object::Block(_) => Kind::Block,
        }
    }

    /// Python's `len`, if the object has one.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Object::Range { start, stop, step } => Some(range_len(*start, *stop, *step)),
            Object::View(_, dict) => Some(dict.len()),
            Object::Group(pair) => Some(pair.len()),
            Object::Loop(state) => Some(state.items.borrow().len()),
            _ => None,
        }
    }

    /// The depth of the nesting of the values in it. A namespace and the variables of a macro are left out: they may
    /// change, and each value in them is checked when it is set.
    pub(crate) fn depth(&self) -> u32 {
        let inner = match self {
            Object::Generator(generator) => generator.depth,
            Object::Group(pair) => deepest(pair),
            Object::View(_, dict) => dict.depth(),
            Object::Method(owner, _) => owner.depth(),
            Object::Loop(state) => state.nesting.get(),
            Object::Cycler { items, .. } => items.depth(),
            Object::Joiner { separator, .. } => separator.depth(),
            Object::Range { .. }
            | Object::Namespace(..)
            | Object::Macro(_)
            | Object::Function(_)
            | Object::Template
            | Object::Block(_) => return 0,
        };
        inner + 1
    }

    pub(crate) fn is_callable(&self) -> bool {
        matches!(
            self,
            Object::Macro(_)
                | Object::Function(_)
                | Object::Method(..)
                | Object::Loop(_)
                | Object::Joiner { .. }
                | Object::Block(_)
        )
    }
}

/// The number of items of a range.
pub(crate) fn range_len(start: i64, stop: i64, step: i64) -> usize {
    let (low, high, step) = if step > 0 { (start, stop, step as i128) } else { (stop, start, -(step as i128)) };
    if low >= high {
        return 0;
    }
    let width = high as i128 - low as i128;
    usize::try_from((width + step - 1) / step).unwrap_or(usize::MAX)
}

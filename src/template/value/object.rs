//! `Object`: the values that are neither data nor text: ranges, namespaces, generators, macros, loops.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Dict, Kind, Value};
use crate::template::program::MacroCode;
use crate::template::run::{Activation, Pull};

/// A Python object that is no plain data.
#[derive(Debug)]
pub(crate) enum Object<'d> {
    Range {
        start: i64,
        stop: i64,
        step: i64,
    },
    Namespace(RefCell<Vec<(Rc<str>, Value<'d>)>>),
    Generator(Generator<'d>),
    /// What `groupby` gives for a group: a tuple of a key and a list, by the names `grouper` and `list` too.
    Group([Value<'d>; 2]),
    /// `d.keys()`, `d.values()`, `d.items()`.
    View(ViewKind, Dict<'d>),
    Macro(MacroValue<'d>),
    Function(Function),
    /// A method with the value it belongs to.
    Method(Value<'d>, Method),
    Loop(LoopState<'d>),
    Cycler {
        items: Vec<Value<'d>>,
        next: Cell<usize>,
    },
    Joiner {
        separator: Value<'d>,
        used: Cell<bool>,
    },
    /// `self`.
    Template,
    /// `self.name`.
    Block(usize),
}

/// An iterator that can be used up.
#[derive(Debug)]
pub(crate) struct Generator<'d> {
    /// How Python prints it.
    pub(crate) name: &'static str,
    pub(crate) state: RefCell<Pull<'d>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewKind {
    Keys,
    Values,
    Items,
}

#[derive(Debug)]
pub(crate) struct MacroValue<'d> {
    pub(crate) code: &'d MacroCode,
    /// The variables around its definition.
    pub(crate) closure: Rc<Activation<'d>>,
}

/// Functions that every template can call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Range,
    Dict,
    DictFromKeys,
    Namespace,
    RaiseException,
    StrftimeNow,
    Cycler,
    Joiner,
    Lipsum,
}

/// A method by name; which names a type has is told by `builtins::methods`.
pub(crate) type Method = &'static str;

/// The variable `loop`.
#[derive(Debug)]
pub(crate) struct LoopState<'d> {
    pub(crate) items: RefCell<Vec<Value<'d>>>,
    pub(crate) index: Cell<usize>,
    pub(crate) depth: usize,
    pub(crate) changed: RefCell<Option<Vec<Value<'d>>>>,
    /// The loop to call again, where it is recursive.
    pub(crate) recursive: Option<(&'d crate::template::program::ForLoop, Rc<Activation<'d>>)>,
}

impl<'d> Object<'d> {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Object::Range { .. } => Kind::Range,
            Object::Namespace(_) => Kind::Namespace,
            Object::Generator(generator) if generator.name.contains("do_") || generator.name == "select_or_reject" => {
                Kind::Generator
            }
            Object::Generator(_) => Kind::Reversed,
            Object::Group(_) => Kind::Group,
            Object::View(ViewKind::Keys, _) => Kind::Keys,
            Object::View(ViewKind::Values, _) => Kind::Values,
            Object::View(ViewKind::Items, _) => Kind::Items,
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

    /// Python's `len`, where it has one.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Object::Range { start, stop, step } => Some(range_len(*start, *stop, *step)),
            Object::View(_, dict) => Some(dict.len()),
            Object::Group(pair) => Some(pair.len()),
            Object::Loop(state) => Some(state.items.borrow().len()),
            _ => None,
        }
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

/// Number of items of a range.
pub(crate) fn range_len(start: i64, stop: i64, step: i64) -> usize {
    let (low, high, step) = if step > 0 { (start, stop, step as i128) } else { (stop, start, -(step as i128)) };
    if low >= high {
        return 0;
    }
    let width = high as i128 - low as i128;
    usize::try_from((width + step - 1) / step).unwrap_or(usize::MAX)
}

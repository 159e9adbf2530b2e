//! Running a [`Program`]: one [`Machine`] for one render on one thread.

mod calls;
mod expressions;
mod loops;
mod pull;
mod raise;
mod statements;
mod trace;

pub(crate) use calls::Arguments;
use calls::{RED_ZONE, STACK};
pub(crate) use pull::Pull;
pub(crate) use raise::{Exception, Raise, Run};
pub use trace::{Event, Happening, Origin};
pub(crate) use trace::{Trace, Tracing};

use std::cell::RefCell;
use std::ops::Range;
use std::rc::{Rc, Weak};

use chrono::NaiveDateTime;

use super::program::{Frame, Init, Place, Program, Slot};
use super::value::{Dict, Function, List, Object, Str, Text, Undefined, Value, What};
use crate::conversation::{Fields, Node, field};

/// No template may print more than this for one row, nor make a string that is longer.
pub(crate) const MAX_OUTPUT: usize = 256 << 20;

/// Steps that one render may take: seconds of work, far above what the longest real conversations need.
const STEPS: u64 = 100_000_000;

/// Steps that making a string of this many bytes counts for.
const BYTES_A_STEP: usize = 32;

/// Macros and recursive loops may call each other this deep. Python stops near here, depending on who renders.
const MAX_DEPTH: u32 = 200;

/// The variables given to a template.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'d> {
    pub(crate) messages: &'d [Fields<'d>],
    pub(crate) tools: Option<&'d Node<'d>>,
    pub(crate) documents: Option<&'d Node<'d>>,
    pub(crate) add_generation_prompt: bool,
    /// Of the row, of all rows, and special tokens: the first that has a name wins.
    pub(crate) of_row: &'d Fields<'d>,
    pub(crate) of_all: &'d Fields<'d>,
    pub(crate) special: &'d [(String, String)],
    /// What the clock says; None for the real time.
    pub(crate) now: Option<NaiveDateTime>,
}

/// The variables of one call.
#[derive(Debug)]
pub(crate) struct Activation<'d> {
    slots: RefCell<Vec<Value<'d>>>,
    /// Those around its definition.
    parent: Option<Rc<Activation<'d>>>,
}

impl<'d> Activation<'d> {
    fn new(slots: usize, parent: Option<Rc<Activation<'d>>>) -> Rc<Activation<'d>> {
        Rc::new(Activation { slots: RefCell::new(vec![Value::None; slots]), parent })
    }
}

/// How a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// One render.
#[derive(Debug)]
pub(crate) struct Machine<'d> {
    program: &'d Program,
    context: Context<'d>,
    messages: &'d [Fields<'d>],
    globals: Vec<Option<Value<'d>>>,
    activation: Rc<Activation<'d>>,
    root: Rc<Activation<'d>>,
    /// Activations that something still holds after their call. They may hold themselves, so they are emptied at last.
    kept: Vec<Rc<Activation<'d>>>,
    /// All namespaces: they may hold themselves, so they are emptied at last too.
    namespaces: Vec<Weak<Object<'d>>>,
    /// What is being written: the output, or the text of a macro or block.
    out: Text,
    /// While a macro or block is written: how much of the output there is.
    outer_position: Option<usize>,
    autoescape: bool,
    steps: u64,
    depth: u32,
    last_message: Option<usize>,
    trace: Option<Trace>,
    /// A text with generations in it was changed, so that their places are lost.
    generation_lost: bool,
    generation_as_transformers: Vec<(usize, usize)>,
}

/// What a render gives.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) text: Text,
    /// The bytes that `{% generation %}` encloses, in their order.
    pub(crate) generation: Vec<Range<usize>>,
    pub(crate) generation_lost: bool,
    /// Bytes of output when each `{% generation %}` began, and the characters that it enclosed.
    pub(crate) generation_as_transformers: Vec<(usize, usize)>,
    pub(crate) trace: Option<Trace>,
}

/// Why a render failed, and the message that was read last.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) raise: Raise,
    pub(crate) message: Option<usize>,
}

/// Renders. `tracing` asks for notes, for `capacity` bytes of text or so.
pub(crate) fn render<'d>(
    program: &'d Program,
    context: Context<'d>,
    tracing: Tracing,
    capacity: usize,
) -> Result<Rendered, Failure> {
    let root = Activation::new(program.slots, None);
    let mut machine = Machine {
        program,
        context,
        messages: context.messages,
        globals: vec![None; program.globals.len()],
        activation: Rc::clone(&root),
        root,
        kept: Vec::new(),
        namespaces: Vec::new(),
        out: Text { text: String::with_capacity(capacity), notes: Vec::new() },
        outer_position: None,
        autoescape: false,
        steps: STEPS,
        depth: 0,
        last_message: None,
        trace: Trace::of(tracing),
        generation_lost: false,
        generation_as_transformers: Vec::new(),
    };
    let result = stacker::maybe_grow(RED_ZONE, STACK, || machine.template());
    machine.release();
    match result {
        Ok(()) => {
            let notes = &machine.out.notes;
            let mut generation: Vec<Range<usize>> =
                notes.iter().filter(|note| note.what == What::Generation).map(|note| note.start..note.end).collect();
            generation.sort_by_key(|span| span.start);
            Ok(Rendered {
                generation,
                generation_lost: machine.generation_lost,
                generation_as_transformers: std::mem::take(&mut machine.generation_as_transformers),
                trace: machine.trace.take(),
                text: std::mem::take(&mut machine.out),
            })
        }
        Err(raise) => Err(Failure { raise, message: machine.last_message }),
    }
}

impl<'d> Machine<'d> {
    fn template(&mut self) -> Run<()> {
        if let Some(slot) = self.program.self_slot {
            self.set(slot, Value::object(Object::Template));
        }
        self.enter(&self.program.frame);
        self.body(&self.program.body).map(|_| ())
    }

    /// Lets go of all variables: macros hold the variables that hold them, and a namespace may hold itself.
    fn release(&mut self) {
        self.globals.clear();
        for activation in self.kept.drain(..).chain([Rc::clone(&self.root)]) {
            let slots = activation.slots.take();
            drop(slots);
        }
        for namespace in self.namespaces.drain(..).filter_map(|namespace| namespace.upgrade()) {
            if let Object::Namespace(attributes) = &*namespace {
                let attributes = attributes.take();
                drop(attributes);
            }
        }
    }

    /// Whether the render notes what is printed where.
    pub(crate) fn traces(&self) -> bool {
        self.trace.is_some()
    }

    /// What the clock says.
    pub(crate) fn now(&self) -> NaiveDateTime {
        self.context.now.unwrap_or_else(|| chrono::Local::now().naive_local())
    }

    /// Whether printed values are escaped.
    pub(crate) fn autoescapes(&self) -> bool {
        self.autoescape
    }

    /// Bytes of output so far.
    fn position(&self) -> usize {
        self.outer_position.unwrap_or(self.out.text.len())
    }

    fn step(&mut self) -> Run<()> {
        self.spend(1)
    }

    fn spend(&mut self, steps: usize) -> Run<()> {
        match self.steps.checked_sub(steps as u64) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                let text = format!("the template did not come to an end within {} million steps", STEPS / 1_000_000);
                Err(Raise::new(Exception::Limit, text))
            }
        }
    }

    /// To be asked before a string of `bytes` is made.
    pub(crate) fn charge_bytes(&mut self, bytes: usize) -> Run<()> {
        if bytes > MAX_OUTPUT {
            return Err(Raise::new(Exception::Limit, "a text grows beyond 256 MiB"));
        }
        self.spend(bytes / BYTES_A_STEP)
    }

    /// To be asked before a list of so many items is made.
    pub(crate) fn charge_items(&mut self, items: usize) -> Run<()> {
        self.spend(items)
    }

    /// A text made from `source`, not byte for byte.
    pub(crate) fn remade(&mut self, source: &Str<'d>, text: String) -> Run<Str<'d>> {
        self.charge_bytes(text.len())?;
        if !source.has_notes(self.traces()) {
            return Ok(Str::own(text));
        }
        self.generation_lost |= source.has_generation();
        let mut text = Text { text, notes: Vec::new() };
        if let (true, Some(address)) = (self.traces(), source.address()) {
            text.note(0, text.text.len(), What::Derived(address));
        }
        Ok(Str::noted(text))
    }

    /// All items of a value.
    pub(crate) fn items(&mut self, value: &Value<'d>) -> Run<Vec<Value<'d>>> {
        super::value::iterate::items(self, value)
    }

    fn get(&self, slot: Slot) -> Value<'d> {
        let mut activation = &self.activation;
        for _ in 0..slot.out {
            if let Some(parent) = &activation.parent {
                activation = parent;
            }
        }
        activation.slots.borrow().get(slot.index as usize).cloned().unwrap_or(Value::None)
    }

    fn set(&mut self, slot: Slot, value: Value<'d>) {
        // A name is only ever set in the activation that it belongs to.
        debug_assert_eq!(slot.out, 0);
        let old = match self.activation.slots.borrow_mut().get_mut(slot.index as usize) {
            Some(known) => std::mem::replace(known, value),
            None => return,
        };
        drop(old);
    }

    fn place(&mut self, place: Place) -> Value<'d> {
        match place {
            Place::Slot(slot) => self.get(slot),
            Place::Global(index) => self.global(index),
            Place::Late(index) => {
                let name = &self.program.globals[index];
                let exported = self.program.exported.iter().find(|(known, _)| known == name);
                let set = exported.and_then(|(_, slot)| self.root.slots.borrow().get(*slot).cloned());
                match set {
                    Some(value) if !matches!(value, Value::Undefined(Undefined::Variable(_))) => value,
                    _ => self.global(index),
                }
            }
        }
    }

    fn global(&mut self, index: usize) -> Value<'d> {
        if let Some(Some(known)) = self.globals.get(index) {
            return known.clone();
        }
        let program = self.program;
        let name = program.globals[index].as_str();
        let value = self.context.get(name).unwrap_or(Value::Undefined(Undefined::Variable(name)));
        if let Some(known) = self.globals.get_mut(index) {
            *known = Some(value.clone());
        }
        value
    }

    /// Begins a scope.
    fn enter(&mut self, frame: &'d Frame) {
        for (index, init) in &frame.init {
            let value = match init {
                Init::Undefined(name) => Value::Undefined(Undefined::Variable(name)),
                Init::From(place) => self.place(*place),
            };
            self.set(Slot { out: 0, index: *index }, value);
        }
    }

    /// The index of a `{% block %}`.
    pub(crate) fn block(&self, name: &str) -> Option<usize> {
        self.program.blocks.iter().position(|block| block.name == name)
    }
}

impl<'d> Context<'d> {
    fn get(&self, name: &str) -> Option<Value<'d>> {
        let node = |node: Option<&'d Node<'d>>| node.map_or(Value::None, Value::of);
        Some(match name {
            "messages" => Value::List(List::Messages(self.messages)),
            "tools" => node(self.tools),
            "documents" => node(self.documents),
            "add_generation_prompt" => Value::Bool(self.add_generation_prompt),
            _ => {
                if let Some(value) = field(self.of_row, name).or_else(|| field(self.of_all, name)) {
                    return Some(Value::of(value));
                }
                if let Some((_, token)) = self.special.iter().find(|(known, _)| known == name) {
                    return Some(Value::fixed(token));
                }
                Value::object(Object::Function(global_function(name)?))
            }
        })
    }
}

/// The function that every template finds under this name.
pub(crate) fn global_function(name: &str) -> Option<Function> {
    Some(match name {
        "raise_exception" => Function::RaiseException,
        "strftime_now" => Function::StrftimeNow,
        "dict" => Function::Dict,
        "namespace" => Function::Namespace,
        "range" => Function::Range,
        "cycler" => Function::Cycler,
        "joiner" => Function::Joiner,
        "lipsum" => Function::Lipsum,
        _ => return None,
    })
}

/// A dict with these keys, which differ.
pub(crate) fn dict_of<'d>(entries: Vec<(Value<'d>, Value<'d>)>) -> Value<'d> {
    Value::Dict(Dict::Own(entries.into()))
}

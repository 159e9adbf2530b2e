//! `Interpreter`: the state of one render on one thread.

use std::ops::Range;
use std::rc::Rc;

use chrono::NaiveDateTime;

use super::{Budget, EvalResult, Input, Limits, Locals, Object, PyError, Trace, Tracing, Value};
use crate::ir::Program;
use crate::memory::Held;
use crate::provenance::{Provenance, Str, Text};

/// One render.
pub(crate) struct Interpreter<'d> {
    pub(crate) program: &'d Program,
    pub(super) input: Input<'d>,
    /// The values of [`Program::globals`] that were already looked up.
    pub(super) globals: Vec<Option<Value<'d>>>,
    /// The variables of the running call.
    pub(crate) locals: Rc<Locals<'d>>,
    /// The variables of the template itself.
    pub(super) root: Rc<Locals<'d>>,
    /// Variables of calls that have ended, but that are still referenced. They may form cycles, so they are emptied at
    /// the end.
    kept: Vec<Rc<Locals<'d>>>,
    kept_held: Held,
    /// All objects whose values may change: namespaces, and loops with `loop.changed`. They may contain themselves, or
    /// each other in a chain of any length. So they live until the end, and are emptied one by one.
    cells: Vec<Rc<Object<'d>>>,
    /// The text that is being written: the output, or the text of a macro or a block.
    pub(crate) out: Text,
    /// The length of the output while a macro or a block is written.
    pub(crate) outer_position: Option<usize>,
    /// Whether printed values are escaped.
    pub(crate) autoescape: bool,
    pub(crate) budget: Budget<'d>,
    /// The depth of calls.
    pub(crate) depth: u32,
    /// The record that was read last.
    pub(super) last_record: Option<usize>,
    pub(super) trace: Option<Trace>,
    /// Whether a text with output of `{% generation %}` blocks was changed, so that the place of this output is lost.
    generation_lost: bool,
    /// For each `{% generation %}` block, the length of the output when it began, and the characters that it printed.
    pub(super) generation_as_transformers: Vec<(usize, usize)>,
}

/// The result of a render that succeeded.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) text: Text,
    /// The bytes that `{% generation %}` blocks enclose, in their order.
    pub(crate) generation: Vec<Range<usize>>,
    pub(crate) generation_lost: bool,
    /// For each `{% generation %}` block, the length of the output when it began, and the characters that it printed.
    pub(crate) generation_as_transformers: Vec<(usize, usize)>,
    pub(crate) trace: Option<Trace>,
}

/// The error of a render, and the record that was read last.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: PyError,
    pub(crate) record: Option<usize>,
}

impl<'d> Interpreter<'d> {
    pub(crate) fn new(program: &'d Program, input: Input<'d>, tracing: Tracing, limits: Limits) -> Interpreter<'d> {
        let budget = Budget::new(limits, input.interrupted);
        let root = Locals::new(program.slots, None);
        Interpreter {
            program,
            input,
            globals: vec![None; program.globals.len()],
            locals: Rc::clone(&root),
            root,
            kept: Vec::new(),
            kept_held: Held::default(),
            cells: Vec::new(),
            out: Text::with_capacity(input.capacity),
            outer_position: None,
            autoescape: false,
            budget,
            depth: 0,
            last_record: None,
            trace: Trace::of(tracing),
            generation_lost: false,
            generation_as_transformers: Vec::new(),
        }
    }

    /// Ends the render, and frees its variables.
    pub(crate) fn finish(mut self, result: EvalResult<()>) -> Result<Finished, Failure> {
        self.release();
        if let Err(error) = result {
            return Err(Failure { error, record: self.last_record });
        }
        let spans = self.out.spans.iter();
        let mut generation: Vec<Range<usize>> =
            spans.filter(|span| span.provenance == Provenance::Generation).map(|span| span.range()).collect();
        generation.sort_by_key(|span| span.start);
        Ok(Finished {
            text: self.out,
            generation,
            generation_lost: self.generation_lost,
            generation_as_transformers: self.generation_as_transformers,
            trace: self.trace,
        })
    }

    /// Empties all variables to break cycles: macros hold the variables that hold them, and a namespace may contain
    /// itself.
    fn release(&mut self) {
        for cell in &self.cells {
            match &**cell {
                Object::Namespace(attributes, _) => drop(attributes.take()),
                Object::Loop(state) => drop(state.changed.take()),
                _ => {}
            }
        }
        self.cells.clear();
        self.globals.clear();
        for locals in self.kept.drain(..).chain([Rc::clone(&self.root)]) {
            let slots = locals.slots.take();
            drop(slots);
        }
    }

    /// Restores `before`, the variables of the caller, after a call.
    pub(crate) fn leave(&mut self, before: Rc<Locals<'d>>) {
        let left = std::mem::replace(&mut self.locals, before);
        if Rc::strong_count(&left) > 1 {
            self.kept_held.add(left.kept_bytes());
            self.kept.push(left);
        }
    }

    /// Registers an object whose values may change, so that it is emptied at the end.
    pub(crate) fn own_cell(&mut self, cell: &Rc<Object<'d>>) {
        self.cells.push(Rc::clone(cell));
    }

    /// The time for `strftime_now`.
    pub(crate) fn now(&self) -> NaiveDateTime {
        self.input.now.unwrap_or_else(|| chrono::Local::now().naive_local())
    }

    /// A text made from `source`, but not a copy of its bytes.
    pub(crate) fn derived(&mut self, source: &Str<'d>, text: String) -> EvalResult<Str<'d>> {
        self.charge_bytes(text.len())?;
        if !source.has_provenance(self.tracked()) {
            return Ok(Str::owned(text));
        }
        self.generation_lost |= source.has_generation();
        let mut text = Text::plain(text);
        if let (true, Some(address)) = (self.trace.is_some(), source.address()) {
            text.add_span(0, text.text.len(), Provenance::Derived(address));
        }
        Ok(Str::from_text(text))
    }
}

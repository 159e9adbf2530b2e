//! Runs statements.

use crate::ir::Stmt;
use crate::memory::Held;
use crate::provenance::{Provenance, ProvenanceSpan, Str, Text};
use crate::runtime::{EvalResult, Interpreter, Locals, Object, PyError, PyErrorKind, Value};

/// The steps of a `{% generation %}` block, which keeps its place.
const GENERATION: usize = 8;

/// A text around another that is longer than this counts as held.
const LONG: usize = 1024;

/// How a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'d> Interpreter<'d> {
    /// Runs statements until a `break` or `continue` leaves the loop around them.
    pub(super) fn body(&mut self, body: &'d [Stmt]) -> EvalResult<Flow> {
        for statement in body {
            let flow = self.statement(statement)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &'d Stmt) -> EvalResult<Flow> {
        self.step()?;
        match statement {
            Stmt::Text(text) => {
                self.write_fixed(text);
                self.check_output()?;
            }
            Stmt::Print(expr) => self.print(expr)?,
            Stmt::If(branches, otherwise) => {
                for (test, body) in branches {
                    if self.test(test)? {
                        return self.body(body);
                    }
                    self.step()?;
                }
                return self.body(otherwise);
            }
            Stmt::For(each) => return self.for_loop(each),
            Stmt::Set(target, expr) => {
                let value = self.eval(expr)?;
                self.assign(target, value)?;
            }
            Stmt::SetBlock(set) => {
                let (flow, text) = self.captured(|interpreter| {
                    interpreter.begin_scope(&set.scope)?;
                    interpreter.body(&set.body)
                })?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
                let value = Value::Str(text.markup_if(self.autoescape));
                let value = match &set.filter {
                    Some(filter) => self.filtered(filter, value)?,
                    None => value,
                };
                self.assign(&set.target, value)?;
            }
            Stmt::With(with) => {
                let mut values = Vec::with_capacity(with.assignments.len());
                for (_, value) in &with.assignments {
                    values.push(self.eval(value)?);
                }
                self.begin_scope(&with.scope)?;
                for ((target, _), value) in with.assignments.iter().zip(values) {
                    self.assign(target, value)?;
                }
                return self.body(&with.body);
            }
            Stmt::FilterBlock(block) => {
                let (flow, text) = self.captured(|interpreter| {
                    interpreter.begin_scope(&block.scope)?;
                    interpreter.body(&block.body)
                })?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
                let value = self.filtered(&block.filter, Value::Str(text.markup_if(self.autoescape)))?;
                self.emit_text(&value)?;
            }
            Stmt::Macro(slot, code) => {
                let value = self.macro_value(code);
                self.set(*slot, value);
            }
            Stmt::CallBlock(block) => {
                let value = self.call_block(block).map_err(|error| error.at(block.span))?;
                self.emit_text(&value).map_err(|error| error.at(block.span))?;
            }
            Stmt::Generation(scope, body) => {
                let (start, before) = self.generation_start();
                self.charge_items(GENERATION)?;
                self.begin_scope(scope)?;
                let flow = self.body(body)?;
                self.note_generation(start, before);
                return Ok(flow);
            }
            Stmt::Autoescape(escape) => {
                let enabled = self.eval(&escape.enabled)?.is_true();
                self.begin_scope(&escape.scope)?;
                let before = std::mem::replace(&mut self.autoescape, enabled);
                let flow = self.body(&escape.body);
                self.autoescape = before;
                return flow;
            }
            Stmt::Block(index, span) => self.run_block(*index).map_err(|error| error.at(*span))?,
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
            Stmt::LoadTemplate(span) => {
                let error = PyError::new(PyErrorKind::Type, "no loader for this environment specified");
                return Err(error.at(*span));
            }
        }
        Ok(Flow::Next)
    }

    /// Runs `write`, and returns its result and the text that it wrote.
    pub(super) fn captured<T>(&mut self, write: impl FnOnce(&mut Self) -> EvalResult<T>) -> EvalResult<(T, Str<'d>)> {
        let outermost = self.outer_position.is_none();
        if outermost {
            self.outer_position = Some(self.out.text.len());
        }
        // The texts around it are held while this one is written.
        let around = self.out.text.capacity() + self.out.spans.len() * size_of::<ProvenanceSpan>();
        let held = (around > LONG).then(|| Held::new(around));
        let before = std::mem::take(&mut self.out);
        let result = write(self);
        let mut text: Text = std::mem::replace(&mut self.out, before);
        drop(held);
        if outermost {
            self.outer_position = None;
        }
        let value = result?;
        self.charge_bytes(text.text.len())?;
        self.charge_items(text.spans.len() / 4)?;
        if let Some(record) = self.current_record().filter(|_| !text.text.is_empty()) {
            text.enclose(Provenance::Within(record));
        }
        Ok((value, Str::from_text(text)))
    }

    /// Runs a `{% block %}`.
    pub(super) fn run_block(&mut self, index: usize) -> EvalResult<()> {
        let block = &self.program.blocks[index];
        self.deeper(|interpreter| {
            interpreter.charge_items(block.slots / 4)?;
            let before = std::mem::replace(&mut interpreter.locals, Locals::new(block.slots, None));
            if let Some(slot) = block.self_slot {
                interpreter.set(slot, Value::object(Object::Template));
            }
            let result = interpreter.begin_scope(&block.scope).and_then(|()| interpreter.body(&block.body));
            interpreter.leave(before);
            result.map(|_| ())
        })
    }
}

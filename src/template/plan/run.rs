//! Runs a [`Plan`] over a conversation.

use std::ops::Range;

use super::super::marks::is_space;
use super::super::observe::{Event, Happening, MAX_OUTPUT, Origin};
use super::super::render::Request;
use super::super::values::Dict;
use super::{Condition, Message, Plan, Step, Text};
use crate::conversation::{Fields, Node, field};

/// What a run gives.
#[derive(Debug)]
pub(in super::super) struct Ran {
    pub(in super::super) text: String,
    /// The iterations over the messages, which tell all that their readings would.
    pub(in super::super) events: Vec<Event>,
    /// The bytes that `{% generation %}` encloses.
    pub(in super::super) generation: Vec<Range<usize>>,
}

/// The row is not one that the plan knows: the engine is to render it.
struct HandOver;

impl Plan {
    /// Runs the steps; None hands the row over to the engine.
    pub(in super::super) fn run(&self, request: Request<'_, '_>, special: &Dict) -> Option<Ran> {
        let messages = &request.conversation.messages;
        let content = |message: &Fields<'_>| field(message, "content").and_then(Node::as_str).map_or(0, str::len);
        let size: usize = messages.iter().map(|message| content(message) + 64).sum();
        let mut run = Run {
            request,
            special,
            index: None,
            text: String::with_capacity(size),
            open: None,
            spans: Vec::new(),
            events: Vec::with_capacity(messages.len() + 1),
            passes: 0,
        };
        run.steps(&self.0).ok()?;
        let complete = run.open.is_none() && run.text.len() <= MAX_OUTPUT;
        complete.then_some(Ran { text: run.text, events: run.events, generation: run.spans })
    }
}

struct Run<'r, 'c> {
    request: Request<'r, 'c>,
    special: &'r Dict,
    /// The message that the loop is at.
    index: Option<usize>,
    text: String,
    /// Where the open generation block began.
    open: Option<usize>,
    spans: Vec<Range<usize>>,
    events: Vec<Event>,
    passes: u32,
}

impl<'r> Run<'r, '_> {
    fn steps(&mut self, steps: &[Step]) -> Result<(), HandOver> {
        for step in steps {
            match step {
                Step::Print(text) => self.print(text)?,
                Step::If(condition, yes, no) => {
                    let branch = if self.holds(condition) { yes } else { no };
                    self.steps(branch)?;
                }
                Step::Loop(body) => {
                    let origin = Origin::Pass(self.passes);
                    self.passes += 1;
                    for index in 0..self.request.conversation.messages.len() {
                        self.index = Some(index);
                        self.note(Happening::Iter(index as u32), origin);
                        self.steps(body)?;
                    }
                    self.note(Happening::End, origin);
                    self.index = None;
                }
                Step::GenerationStart if self.open.is_none() => self.open = Some(self.text.len()),
                Step::GenerationEnd => {
                    let start = self.open.take().ok_or(HandOver)?;
                    self.spans.push(start..self.text.len());
                }
                Step::GenerationStart | Step::HandOver => return Err(HandOver),
            }
        }
        Ok(())
    }

    fn note(&mut self, what: Happening, origin: Origin) {
        self.events.push(Event { position: self.text.len(), what, origin });
    }

    fn print(&mut self, text: &Text) -> Result<(), HandOver> {
        match text {
            Text::Literal(literal) => self.text.push_str(literal),
            Text::Field(message, name) => {
                let value = self.field(*message, name).and_then(Node::as_str).ok_or(HandOver)?;
                self.text.push_str(value);
            }
            Text::Variable(name) => {
                let value = self.variable(name).ok_or(HandOver)?;
                self.text.push_str(value);
            }
            Text::Joined(parts) => {
                for part in parts {
                    self.print(part)?;
                }
            }
            Text::Trimmed(inner) => {
                let start = self.text.len();
                self.print(inner)?;
                let end = self.text.trim_end_matches(is_space).len().max(start);
                self.text.truncate(end);
                let lead = end - start - self.text[start..].trim_start_matches(is_space).len();
                self.text.replace_range(start..start + lead, "");
            }
        }
        Ok(())
    }

    fn holds(&self, condition: &Condition) -> bool {
        let last = self.request.conversation.messages.len().checked_sub(1);
        match condition {
            Condition::Constant(value) => *value,
            Condition::Equals(message, name, value) => {
                matches!(self.field(*message, name), Some(Node::Str(text)) if text == value)
            }
            Condition::Truthy(message, name) => self.field(*message, name).is_some_and(is_true),
            Condition::Defined(message, name) => self.field(*message, name).is_some(),
            Condition::LoopFirst => self.index == Some(0),
            Condition::LoopLast => self.index == last,
            Condition::Prompt => self.request.add_generation_prompt,
            Condition::Tools => self.request.conversation.tools.as_ref().is_some_and(is_true),
            Condition::Not(inner) => !self.holds(inner),
            Condition::And(left, right) => self.holds(left) && self.holds(right),
            Condition::Or(left, right) => self.holds(left) || self.holds(right),
        }
    }

    fn field(&self, message: Message, name: &str) -> Option<&'r Node<'r>> {
        let index = match message {
            Message::Current => self.index?,
            Message::First => 0,
        };
        field(self.request.conversation.messages.get(index)?, name)
    }

    /// A variable that is a string: of the row, of all rows, or a special token.
    fn variable(&self, name: &str) -> Option<&'r str> {
        let given = |fields: &'r Fields<'_>| field(fields, name);
        match given(&self.request.conversation.variables).or_else(|| given(self.request.variables)) {
            Some(node) => node.as_str(),
            None => self.special.get(name)?.as_str(),
        }
    }
}

/// Python's truth of a value.
fn is_true(node: &Node<'_>) -> bool {
    match node {
        Node::Null => false,
        Node::Bool(value) => *value,
        Node::Int(value) => *value != 0,
        Node::BigInt(value) => *value != 0,
        Node::Float(value) => *value != 0.0,
        Node::Str(value) => !value.is_empty(),
        Node::List(items) => !items.is_empty(),
        Node::Map(fields) => !fields.is_empty(),
    }
}

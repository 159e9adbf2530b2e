//! Rendering: a conversation goes in, its text comes out, with what was seen on the way.

use std::ops::Range;

use chrono::NaiveDateTime;

use super::ChatTemplate;
use super::leaves::{Leaf, Leaves, Part, words_at};
use super::program::Span;
use super::run::{self, Context, Event, Exception, Failure, Rendered, Tracing};
use super::value::What;
use crate::conversation::{Conversation, Fields, Node, field};
use crate::error::{Error, Kind, Result};

/// What is to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r, 'c> {
    /// The conversation.
    pub conversation: &'r Conversation<'c>,
    /// Variables for every conversation; those of the conversation win.
    pub variables: &'r Fields<'r>,
    /// Whether the text shall end in the prompt for the next assistant turn.
    pub add_generation_prompt: bool,
    /// What `strftime_now` takes for the time; None for the clock's.
    pub now: Option<NaiveDateTime>,
}

impl<'r, 'c> Request<'r, 'c> {
    /// A request for a conversation with nothing else.
    pub fn of(conversation: &'r Conversation<'c>, variables: &'r Fields<'r>) -> Request<'r, 'c> {
        Request { conversation, variables, add_generation_prompt: false, now: None }
    }
}

/// A stretch of a text that was made from a text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The bytes of the rendered text.
    pub span: Range<usize>,
    /// Index of the message.
    pub message: usize,
    /// Which part of the message.
    pub part: Part,
    /// Which of the message's texts, in the order of [`texts_of`](super::texts_of).
    pub ordinal: usize,
    /// Which of the texts of all messages, and which bytes of it.
    pub value: (usize, Range<usize>),
}

/// A text with what its render showed.
#[derive(Debug)]
pub struct Traced {
    /// The rendered text.
    pub text: String,
    /// What of it was made from texts of messages, in the order of the text.
    pub printed: Vec<Printed>,
    /// For each message, whether it has texts that could be printed.
    pub has_texts: Vec<bool>,
    /// For each message, where the first text stands that the template put together while it was at this message.
    pub within: Vec<Option<usize>>,
    /// What happened to the messages, in the order it happened.
    pub events: Vec<Event>,
}

impl ChatTemplate {
    /// The text.
    pub fn text(&self, request: Request<'_, '_>) -> Result<String> {
        let template = self.for_row(request.conversation);
        template.run(request, Tracing::Off).map(|rendered| rendered.text.text)
    }

    /// The text, and the bytes of it that transformers takes for those that `{% generation %}` encloses: it counts from
    /// the output that is finished when a tag is met, so inside macros and set blocks they lie too early.
    pub fn render_as_transformers(&self, request: Request<'_, '_>) -> Result<(String, Vec<Range<usize>>)> {
        let rendered = self.for_row(request.conversation).run(request, Tracing::Off)?;
        let text = rendered.text.text;
        let spans = rendered.generation_as_transformers.into_iter().filter_map(|(start, characters)| {
            let end = text.get(start..)?.char_indices().nth(characters).map_or(text.len(), |(at, _)| start + at);
            Some(start..end)
        });
        let spans = spans.collect();
        Ok((text, spans))
    }

    /// The text, and the bytes of it that `{% generation %}` encloses, in their order.
    pub fn render(&self, request: Request<'_, '_>) -> Result<(String, Vec<Range<usize>>)> {
        let template = self.for_row(request.conversation);
        let rendered = template.run(request, Tracing::Off)?;
        if rendered.generation_lost {
            return Err(Error::new(
                Kind::Unproved("generation_changed"),
                "the text inside {% generation %} is changed after its tag, so its place cannot be told; \
                 put the tag around the final output",
            ));
        }
        Ok((rendered.text.text, rendered.generation))
    }

    /// Keys of messages that the template asks for, and whether any message has them.
    pub fn keys_read(&self, request: Request<'_, '_>) -> Result<Vec<(String, bool)>> {
        let rendered = self.for_row(request.conversation).run(request, Tracing::Keys)?;
        Ok(rendered.trace.and_then(|trace| trace.asked).unwrap_or_default())
    }

    /// The text, and what of it comes from where.
    pub fn trace(&self, request: Request<'_, '_>) -> Result<Traced> {
        let leaves = Leaves::of(request.conversation);
        if request.conversation.shares_strings || leaves.share_memory() {
            let conversation = request.conversation.to_owned();
            let leaves = Leaves::of(&conversation);
            return self.trace_leaves(Request { conversation: &conversation, ..request }, &leaves);
        }
        self.trace_leaves(request, &leaves)
    }

    fn trace_leaves(&self, request: Request<'_, '_>, leaves: &Leaves<'_>) -> Result<Traced> {
        let template = self.for_row(request.conversation);
        let Rendered { text, trace, .. } = template.run(request, Tracing::Places)?;
        let mut printed: Vec<Printed> = Vec::with_capacity(text.notes.len());
        let mut within: Vec<Option<usize>> = vec![None; request.conversation.messages.len()];
        for note in &text.notes {
            let span = note.start..note.end;
            let mut print = |span: Range<usize>, (index, bytes): (usize, Range<usize>)| {
                let Leaf { message, part, ordinal, .. } = leaves.all()[index];
                printed.push(Printed { span, message, part, ordinal, value: (index, bytes) });
            };
            match note.what {
                What::Copied(address) => {
                    for (index, bytes, offset) in leaves.copied_from(address, span.len()) {
                        let start = span.start + offset;
                        print(start..start + bytes.len(), (index, bytes));
                    }
                }
                What::Derived(address) => {
                    if let Some(found) = leaves.derived_from(address) {
                        print(span, found);
                    }
                }
                What::Within(message) => {
                    let place = &mut within[message as usize];
                    *place = Some(place.map_or(span.start, |known| known.min(span.start)));
                }
                What::Generation => {}
            }
        }
        if !printed.is_sorted_by_key(|printed| printed.span.start) {
            printed.sort_by_key(|printed| printed.span.start);
        }
        let mut has_texts = vec![false; request.conversation.messages.len()];
        for leaf in leaves.all() {
            // White space and think tags alone tell nothing of a message.
            has_texts[leaf.message] = has_texts[leaf.message] || words_at(leaf.text).is_some();
        }
        let trace = trace.unwrap_or_default();
        Ok(Traced { text: text.text, printed, has_texts, within, events: trace.events })
    }

    fn run(&self, request: Request<'_, '_>, tracing: Tracing) -> Result<Rendered> {
        let Conversation { messages, tools, documents, variables, .. } = request.conversation;
        let context = Context {
            messages,
            tools: tools.as_ref(),
            documents: documents.as_ref(),
            add_generation_prompt: request.add_generation_prompt,
            of_row: variables,
            of_all: request.variables,
            special: &self.special_tokens,
            now: request.now,
        };
        let content = |message: &Fields<'_>| field(message, "content").and_then(Node::as_str).map_or(0, str::len);
        let capacity: usize = messages.iter().map(|message| content(message) + 64).sum();
        run::render(&self.program, context, tracing, capacity).map_err(|failure| self.failure(failure))
    }

    /// A failed render in chatmill's terms.
    fn failure(&self, failure: Failure) -> Error {
        let Failure { raise, message } = failure;
        let raised = raise.exception() == Exception::Raised;
        let kind = if raised { Kind::TemplateRaised } else { Kind::TemplateFailed };
        let mut text = raise.text().to_owned();
        let span = raise.span();
        if let (false, Some(expression)) = (raised, span.and_then(|span| self.program.expression(span))) {
            text.push_str(&format!(" (in `{expression}` of the chat template {})", self.name));
        }
        let mut error = Error::new(kind, text);
        if let Some(message) = message {
            error = error.at_message(message);
        }
        match span {
            Some(span) => error.at_template_line(self.program.line(span.start)),
            None => error,
        }
    }
}

impl super::program::Program {
    /// The source of an expression on one line, shortened.
    fn expression(&self, span: Span) -> Option<String> {
        let text = self.source.get(span.start as usize..span.end as usize)?;
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut short: String = line.chars().take(100).collect();
        if short.len() < line.len() {
            short.push('…');
        }
        (!short.is_empty()).then_some(short)
    }
}

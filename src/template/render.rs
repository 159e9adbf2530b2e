//! Rendering: a conversation becomes a text, with the places of its messages in the text.

use std::ops::Range;

use chatjinja::{Global, Globals, Input, Provenance, RenderError};
use chrono::NaiveDateTime;

use super::source_index::{Part, SourceIndex, SourceText, words_at};
use super::{ChatTemplate, TraceEvent, written};
use crate::data::{Fields, Node, field};
use crate::error::{Error, ErrorKind, Result};
use crate::interrupt;
use crate::rows::{Conversation, TemplateVariables};

/// A conversation to render, with its variables.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r, 'c> {
    /// The conversation.
    pub conversation: &'r Conversation<'c>,
    /// Variables for every conversation. The variables of a conversation replace those of the same names.
    pub variables: &'r TemplateVariables<'r>,
    /// Whether the text ends in the prompt for the next assistant turn.
    pub add_generation_prompt: bool,
    /// The time for `strftime_now`; None for the local time.
    pub now: Option<NaiveDateTime>,
    /// Whether to find the bytes that the template itself writes.
    pub finds_written: bool,
}

impl<'r, 'c> Request<'r, 'c> {
    /// A request for a conversation without a generation prompt.
    pub fn of(conversation: &'r Conversation<'c>, variables: &'r TemplateVariables<'r>) -> Request<'r, 'c> {
        Request { conversation, variables, add_generation_prompt: false, now: None, finds_written: false }
    }
}

/// A piece of a text that comes from a text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The bytes of the rendered text.
    pub span: Range<usize>,
    /// The index of the message.
    pub message: usize,
    /// Which part of the message.
    pub part: Part,
    /// Index of the text among the message's texts, in the order of [`texts_of`](super::texts_of).
    pub ordinal: usize,
    /// Index of the text among the texts of all messages, and the bytes of it.
    pub value: (usize, Range<usize>),
}

/// A rendered text, with the places of messages in it.
#[derive(Debug)]
pub struct Traced {
    /// The rendered text.
    pub text: String,
    /// The pieces of the text that come from texts of messages, in the order of the text.
    pub printed: Vec<Printed>,
    /// For each message, whether it has texts that could be printed.
    pub has_texts: Vec<bool>,
    /// For each message, the start of the first text that the template built while the loop was at this message.
    pub within: Vec<Option<usize>>,
    /// The events of the messages, in their order.
    pub events: Vec<TraceEvent>,
    /// As in [`RenderedText`].
    pub written: Vec<Range<usize>>,
}

/// A rendered text.
#[derive(Debug)]
pub struct RenderedText {
    /// The text.
    pub text: String,
    /// The bytes of it that `{% generation %}` blocks printed, in their order. An error if the template changed them
    /// later.
    pub generation: Result<Vec<Range<usize>>>,
    /// As `generation`, but as transformers attributes bytes to the blocks: it takes the length of the output as the
    /// start of a block, so the ranges of blocks in macros and `set` blocks start too early.
    pub generation_as_transformers: Vec<Range<usize>>,
    /// The bytes that no value of the row can change: text of the template, special tokens, variables of the request,
    /// and usual names of roles. Empty if the request does not ask for them.
    pub written: Vec<Range<usize>>,
}

/// The variables of a render, borrowed from the request.
struct RequestGlobals<'r, 'c> {
    request: Request<'r, 'c>,
    special_tokens: &'r [(String, String)],
}

impl Globals for RequestGlobals<'_, '_> {
    fn get(&self, name: &str) -> Option<Global<'_>> {
        let Request { conversation, variables, .. } = &self.request;
        match name {
            "messages" => Some(Global::Records),
            "tools" => Some(conversation.tools.as_ref().map_or(Global::None, Global::Node)),
            "documents" => Some(conversation.documents.as_ref().map_or(Global::None, Global::Node)),
            "add_generation_prompt" => Some(Global::Bool(self.request.add_generation_prompt)),
            _ => {
                let given = conversation.variables.get(name).or_else(|| variables.get(name));
                let special = || self.special_tokens.iter().find(|(known, _)| known == name);
                given.map(Global::Node).or_else(|| special().map(|(_, token)| Global::Str(token)))
            }
        }
    }
}

impl ChatTemplate {
    /// The text of a conversation.
    pub fn text(&self, request: Request<'_, '_>) -> Result<String> {
        Ok(self.for_row(request.conversation).with_input(request, |template, input| template.render(input))?.text)
    }

    /// The text of a conversation, with the places of tags and of text of the template.
    pub fn render(&self, request: Request<'_, '_>) -> Result<RenderedText> {
        let template = self.for_row(request.conversation);
        let (rendered, written) = match request.finds_written {
            false => (template.with_input(request, |template, input| template.render(input))?, Vec::new()),
            true => {
                let traced = template.with_input(request, |template, input| template.trace(input))?;
                let written = written::of(traced.written, &traced.spans, &request);
                (traced.rendered, written)
            }
        };
        let generation_as_transformers = rendered.generation_as_transformers();
        let generation = match rendered.generation_lost {
            false => Ok(rendered.generation),
            true => Err(Error::new(
                ErrorKind::GenerationChanged,
                "the template changes text after {% generation %} enclosed it, so its place is unknown; put the tags \
                 around the final output",
            )),
        };
        Ok(RenderedText { text: rendered.text, generation, generation_as_transformers, written })
    }

    /// The keys of messages that the template reads, and whether any message has them.
    pub fn keys_read(&self, request: Request<'_, '_>) -> Result<Vec<(String, bool)>> {
        let keys =
            self.for_row(request.conversation).with_input(request, |template, input| template.keys_read(input))?;
        Ok(keys.into_iter().map(|read| (read.key, read.found)).collect())
    }

    /// The text, with the sources of its pieces.
    pub fn trace(&self, request: Request<'_, '_>) -> Result<Traced> {
        let index = SourceIndex::of(request.conversation);
        if request.conversation.shares_strings || index.share_memory() {
            let conversation = request.conversation.to_owned();
            let index = SourceIndex::of(&conversation);
            return self.trace_with(Request { conversation: &conversation, ..request }, &index);
        }
        self.trace_with(request, &index)
    }

    fn trace_with(&self, request: Request<'_, '_>, index: &SourceIndex<'_>) -> Result<Traced> {
        let template = self.for_row(request.conversation);
        let traced = template.with_input(request, |template, input| template.trace(input))?;
        let mut printed: Vec<Printed> = Vec::with_capacity(traced.spans.len());
        let mut within: Vec<Option<usize>> = vec![None; request.conversation.messages.len()];
        for source_span in &traced.spans {
            let span = source_span.range();
            let mut print = |span: Range<usize>, (place, bytes): (usize, Range<usize>)| {
                let SourceText { message, part, ordinal, .. } = index.all()[place];
                printed.push(Printed { span, message, part, ordinal, value: (place, bytes) });
            };
            match source_span.provenance {
                Provenance::Copied(address) => {
                    for (place, bytes, offset) in index.copied_from(address, span.len()) {
                        let start = span.start + offset;
                        print(start..start + bytes.len(), (place, bytes));
                    }
                }
                Provenance::Derived(address) => {
                    if let Some(found) = index.derived_from(address) {
                        print(span, found);
                    }
                }
                Provenance::Within(message) => {
                    let place = &mut within[message as usize];
                    *place = Some(place.map_or(span.start, |known| known.min(span.start)));
                }
                Provenance::Generation | Provenance::Template => {}
            }
        }
        if !printed.is_sorted_by_key(|printed| printed.span.start) {
            printed.sort_by_key(|printed| printed.span.start);
        }
        let mut has_texts = vec![false; request.conversation.messages.len()];
        for source in index.all() {
            // White space and think tags alone do not show where a message is.
            has_texts[source.message] = has_texts[source.message] || words_at(source.text).is_some();
        }
        let written = match request.finds_written {
            true => written::of(traced.written, &traced.spans, &request),
            false => Vec::new(),
        };
        Ok(Traced { text: traced.rendered.text, printed, has_texts, within, events: traced.events, written })
    }

    /// Calls `render` with the engine's template and with the request as its input.
    fn with_input<T>(
        &self,
        request: Request<'_, '_>,
        render: impl for<'d> FnOnce(&'d chatjinja::Template, Input<'d>) -> std::result::Result<T, RenderError>,
    ) -> Result<T> {
        let messages = request.conversation.messages.as_slice();
        let variables = RequestGlobals { request, special_tokens: &self.special_tokens };
        let content = |message: &Fields<'_>| field(message, "content").and_then(Node::as_str).map_or(0, str::len);
        let input = Input {
            globals: &variables,
            records: messages,
            now: request.now,
            capacity: messages.iter().map(|message| content(message) + 64).sum(),
            tracks_template: request.finds_written,
            interrupted: Some(&interrupt::is_interrupted),
        };
        render(&self.template, input).map_err(|error| Error::from_render(&error, self.name()))
    }
}

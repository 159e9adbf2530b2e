//! `Inputs` and `Emulated`: the inputs and the result of all emulations, with the steps that several of them share.

use std::ops::Range;

use crate::attribution::Attributor;
use crate::error::Result;
use crate::label::{self, Boundary, Span};
use crate::template::{ChatTemplate, Request};
use crate::tokenizer::{Tokenizer, Tokens};

/// The inputs of an emulation.
pub(super) struct Inputs<'t, 'c> {
    pub(super) attributor: &'t Attributor,
    pub(super) tokenizer: &'t Tokenizer,
    pub(super) request: Request<'t, 'c>,
}

/// A text as another tool renders it.
#[derive(Debug)]
pub struct Emulated {
    /// The text.
    pub text: String,
    /// The bytes that no value of the row can change, as in [`RenderedText`](crate::template::RenderedText).
    pub written: Vec<Range<usize>>,
}

impl Inputs<'_, '_> {
    pub(super) fn template(&self) -> &ChatTemplate {
        self.attributor.template()
    }

    /// The text of the first messages.
    pub(super) fn prefix(&self, messages: usize, add_generation_prompt: bool) -> Result<String> {
        let conversation = self.request.conversation.prefix(messages);
        self.template().text(Request { conversation: &conversation, add_generation_prompt, ..self.request })
    }

    /// Trains every token that shares a byte with one of `spans`.
    pub(super) fn label_spans(
        &self,
        text: &str,
        spans: Vec<Range<usize>>,
        tokens: &mut Tokens,
        labels: &mut Vec<i32>,
    ) -> Result<()> {
        let spans: Vec<Span> =
            spans.into_iter().filter(|range| !range.is_empty()).map(|range| Span { range, weight: 1.0 }).collect();
        let mut token_spans = Vec::new();
        self.tokenizer.aligned(text, &label::edges(&spans), tokens, &mut token_spans)?;
        label::assign(&tokens.ids, &token_spans, &spans, Boundary::Overlap, labels, None);
        Ok(())
    }
}

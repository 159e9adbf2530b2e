//! Labels as other tools make them, for those who must reproduce a run or compare.
//!
//! Each tool has its own idea of what is trained, and its own way to find it; each file here is one of them. They share
//! nothing with the regions: what such a tool gets wrong is wrong here too. `docs/labels.md` shows all on one row.

mod axolotl;
mod axolotl_rows;
mod message_keys;
mod prefixes;
mod thinking;
mod transformers;
mod unsloth;

pub use axolotl_rows::{AxolotlOptions, TrainStops};

use std::ops::Range;

use crate::error::Result;
use crate::label::{self, Boundary, Peer, Span};
use crate::template::{ChatTemplate, Request};
use crate::tokenizer::{Tokenizer, Tokens};

/// The text of a conversation; its tokens and labels are appended.
pub(crate) fn label(
    peer: &Peer,
    template: &ChatTemplate,
    tokenizer: &Tokenizer,
    request: Request<'_, '_>,
    tokens: &mut Tokens,
    labels: &mut Vec<i32>,
) -> Result<String> {
    let tools = Tools { template, tokenizer, request };
    match peer {
        Peer::Transformers => transformers::label(&tools, transformers::Untagged::Masked, tokens, labels),
        Peer::Trl => transformers::label(&tools, transformers::Untagged::Refused, tokens, labels),
        Peer::Axolotl(options) => axolotl::label(&tools, options, tokens, labels),
        Peer::Unsloth { last_response_only } => unsloth::label(&tools, *last_response_only, tokens, labels),
        Peer::OpenInstruct => prefixes::open_instruct(&tools, tokens, labels),
        Peer::Completion => prefixes::completion(&tools, tokens, labels),
    }
}

/// What all of them work with.
struct Tools<'t, 'c> {
    template: &'t ChatTemplate,
    tokenizer: &'t Tokenizer,
    request: Request<'t, 'c>,
}

impl Tools<'_, '_> {
    /// Labels by spans of the text: every token that shares a byte with one.
    fn by_spans(&self, text: &str, spans: Vec<Range<usize>>, tokens: &mut Tokens, labels: &mut Vec<i32>) -> Result<()> {
        let spans: Vec<Span> =
            spans.into_iter().filter(|range| !range.is_empty()).map(|range| Span { range, weight: 1.0 }).collect();
        let mut found = Vec::new();
        self.tokenizer.tokens_near(text, &label::edges(&spans), tokens, &mut found)?;
        label::append(&tokens.ids, &found, &spans, Boundary::Overlap, labels, None);
        Ok(())
    }
}

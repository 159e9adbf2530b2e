//! `Parts`: what encoders share, and `Scratch`: the buffers that a worker reuses for all its rows.

use std::sync::Arc;

use super::notes::{Note, Notes};
use super::{Options, SpecialTokens};
use crate::attribution::Attributor;
use crate::error::{Error, ErrorKind};
use crate::rows::Conversation;
use crate::template::Request;
use crate::tokenizer::{TokenSpan, Tokenizer, Tokens};

/// The parts that every encoder needs.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) tokenizer: Arc<Tokenizer>,
    pub(super) attributor: Arc<Attributor>,
    pub(super) options: Arc<Options>,
    /// The begin-of-text token.
    pub(super) bos: Option<u32>,
}

impl Parts {
    /// A render request for `conversation`.
    pub(super) fn request<'r, 'c>(&'r self, conversation: &'r Conversation<'c>) -> Request<'r, 'c> {
        Request {
            conversation,
            variables: &self.options.chat_template_kwargs,
            add_generation_prompt: false,
            now: self.options.now,
            finds_written: self.options.special_tokens != SpecialTokens::Allow,
        }
    }

    /// Notes a doubled begin-of-text token.
    pub(super) fn note_bos(&self, ids: &[u32], notes: &mut Notes) {
        if self.bos.is_some_and(|bos| ids.starts_with(&[bos, bos])) {
            notes.add(Note::DoubledBos);
        }
    }
}

/// The error for a tokenizer without the special token `name`. `need` says what needs the token.
pub(super) fn missing_token(tokenizer: &Tokenizer, name: &str, need: &str) -> Error {
    let text = format!(
        "{need}, but {} has none; add `{name}` to `tokenizer_config.json`, or set it with `Tokenizer(…, special_tokens=…)`",
        tokenizer.name()
    );
    Error::new(ErrorKind::Option, text)
}

/// Buffers that one worker reuses for all its rows.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    pub(super) tokens: Tokens,
    pub(super) spans: Vec<TokenSpan>,
    pub(super) labels: Vec<i32>,
    pub(super) weights: Vec<f32>,
    /// Whether the byte ends of the tokens are needed, even where labels can do without.
    pub(super) wants_ends: bool,
    /// Whether token spans should end at the ends of regions too, if the labels need regions.
    pub(super) wants_regions: bool,
    /// Whether they do.
    pub(super) has_region_spans: bool,
}

impl Scratch {
    pub(super) fn clear(&mut self) {
        self.tokens.clear();
        self.spans.clear();
        self.labels.clear();
        self.weights.clear();
        self.has_region_spans = false;
    }
}

/// Where the prefix of the tokenizer ends, if a text begins with it. Tools encode the text without it and put its token
/// before: some tokenizers, such as Llama 2's, put a space before a text, and not after a token.
pub(super) fn after_prefix(tokenizer: &Tokenizer, text: &str) -> Option<usize> {
    let prefix = tokenizer.prefix();
    (!prefix.is_empty() && text.len() > prefix.len() && text.starts_with(&prefix)).then_some(prefix.len())
}

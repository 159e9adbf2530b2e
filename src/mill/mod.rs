//! `Mill`: conversations go in, token ids with labels come out.
//!
//! [`row`](Mill::row) is the whole path of one row; [`pipeline`] runs it over a batch in threads; [`output`] lays the
//! results out as Arrow columns.

mod output;
mod pipeline;
mod workers;

pub use output::TokenBatch;

use std::ops::Range;
use std::sync::Arc;

use chrono::NaiveDateTime;

use crate::conversation::{Conversation, Fields};
use crate::error::{Error, Kind, Result};
use crate::label;
use crate::region::Regions;
use crate::template::{ChatTemplate, Request};
use crate::tokenizer::{Tokenizer, Tokens};
use workers::Workers;

/// Which tokens are trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelPolicy {
    /// What the model would have to generate: every assistant turn after its generation prompt, through its stop
    /// token. Where the template carries `{% generation %}`, what its author put between the tags.
    Assistant,
    /// Every token.
    All,
    /// No token.
    None,
}

/// What becomes of a row that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The batch fails with the error of its first such row.
    Raise,
    /// The row is null in the output, and a column `error` says why.
    Null,
}

/// The settings of a [`Mill`].
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Which tokens are trained.
    pub labels: LabelPolicy,
    /// Tokens to keep of each row, from its start; labels are made before the rest is cut off.
    pub max_length: Option<usize>,
    /// Worker threads; None takes as many as the process may use.
    pub threads: Option<usize>,
    /// What becomes of a row that fails.
    pub on_error: OnError,
    /// Columns of the input that the output carries along.
    pub keep_columns: Vec<String>,
    /// Whether the output has a column `attention_mask`.
    pub attention_mask: bool,
    /// Template variables for every row; those of a row win.
    pub chat_template_kwargs: Fields<'static>,
    /// What `strftime_now` takes for the time; None for the clock's.
    pub now: Option<NaiveDateTime>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            labels: LabelPolicy::Assistant,
            max_length: None,
            threads: None,
            on_error: OnError::Raise,
            keep_columns: Vec::new(),
            attention_mask: false,
            chat_template_kwargs: Vec::new(),
            now: None,
        }
    }
}

/// One conversation with everything that is known about its tokens.
#[derive(Debug, Clone)]
pub struct Encoding {
    /// The rendered text.
    pub text: String,
    /// Ids and byte ends.
    pub tokens: Tokens,
    /// One label a token.
    pub labels: Vec<i32>,
    /// What put each byte of the text there, if that could be proved.
    pub regions: Result<Regions>,
    /// The role of each message.
    pub roles: Vec<String>,
}

/// The whole path from rows to tokens: a tokenizer, a chat template, and how to label.
#[derive(Debug, Clone)]
pub struct Mill {
    tokenizer: Arc<Tokenizer>,
    template: Arc<ChatTemplate>,
    options: Options,
    workers: Arc<Workers>,
}

/// Buffers that one worker uses for all its rows.
#[derive(Debug, Default)]
struct Scratch {
    tokens: Tokens,
    labels: Vec<i32>,
}

impl Mill {
    /// A mill of these parts.
    pub fn new(tokenizer: Arc<Tokenizer>, template: Arc<ChatTemplate>, options: Options) -> Result<Mill> {
        for (name, value) in [("max_length", options.max_length), ("threads", options.threads)] {
            if value == Some(0) {
                return Err(Error::new(Kind::Option, format!("{name} must be at least 1, or None")));
            }
        }
        Ok(Mill { tokenizer, template, options, workers: Arc::default() })
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.tokenizer
    }

    /// The chat template.
    pub fn template(&self) -> &Arc<ChatTemplate> {
        &self.template
    }

    /// The settings.
    pub fn options(&self) -> &Options {
        &self.options
    }

    fn request<'r, 'c>(&'r self, conversation: &'r Conversation<'c>) -> Request<'r, 'c> {
        Request {
            conversation,
            variables: &self.options.chat_template_kwargs,
            add_generation_prompt: false,
            now: self.options.now,
        }
    }

    /// Tokens and labels of one conversation, left in `scratch`. Labels come before the cut to `max_length`.
    fn row(&self, conversation: &Conversation<'_>, scratch: &mut Scratch) -> Result<()> {
        let (text, spans) = self.text_and_spans(conversation)?;
        scratch.tokens.clear();
        scratch.labels.clear();
        match spans {
            Trained::Spans(spans) => {
                self.tokenizer.tokens(&text, &[], &mut scratch.tokens)?;
                label::append(&scratch.tokens.ids, &scratch.tokens.ends, &spans, &mut scratch.labels);
            }
            // Where nothing depends on the place of a token, the engine need not tell it.
            Trained::All => {
                self.tokenizer.ids(&text, &mut scratch.tokens.ids)?;
                scratch.labels.extend(scratch.tokens.ids.iter().map(|&id| id as i32));
            }
            Trained::Nothing => {
                self.tokenizer.ids(&text, &mut scratch.tokens.ids)?;
                scratch.labels.resize(scratch.tokens.ids.len(), label::MASKED);
            }
        }
        Ok(())
    }

    fn text_and_spans(&self, conversation: &Conversation<'_>) -> Result<(String, Trained)> {
        let request = self.request(conversation);
        match self.options.labels {
            LabelPolicy::Assistant if !self.template.for_row(conversation).has_generation() => {
                let (text, regions) = self.template.regions(request)?;
                Ok((text, Trained::Spans(regions?.trained(conversation)?)))
            }
            LabelPolicy::Assistant => {
                let (text, generation) = self.template.render(request)?;
                Ok((text, Trained::Spans(generation)))
            }
            LabelPolicy::All => Ok((self.template.text(request)?, Trained::All)),
            LabelPolicy::None => Ok((self.template.text(request)?, Trained::Nothing)),
        }
    }

    /// One conversation with its text, tokens, labels and regions.
    pub fn encode(&self, conversation: &Conversation<'_>) -> Result<Encoding> {
        let mut scratch = Scratch::default();
        self.row(conversation, &mut scratch)?;
        let (text, attributed) = self.template.regions(self.request(conversation))?;
        let Scratch { mut tokens, mut labels } = scratch;
        if tokens.ends.is_empty() {
            tokens.clear();
            self.tokenizer.tokens(&text, &[], &mut tokens)?;
        }
        if let Some(max_length) = self.options.max_length {
            tokens.ids.truncate(max_length);
            tokens.ends.truncate(max_length);
            labels.truncate(max_length);
        }
        let roles = (0..conversation.messages.len()).map(|index| conversation.role(index).to_owned()).collect();
        Ok(Encoding { text, tokens, labels, regions: attributed.map(|attributed| attributed.regions), roles })
    }
}

/// The part of a text to train.
enum Trained {
    All,
    Nothing,
    Spans(Vec<Range<usize>>),
}

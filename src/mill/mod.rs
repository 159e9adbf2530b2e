//! `Mill`: conversations go in, token ids with labels come out.
//!
//! [`sample`] is the whole path of one row; [`pipeline`] runs it over a batch in threads; [`output`] lays the results
//! out as Arrow columns.

mod answer_columns;
mod answers;
mod control;
mod fit;
mod options;
mod output;
mod pipeline;
mod run;
mod sample;
mod segments;
mod tally;
mod windows;
mod workers;

pub use options::{AllMasked, OnError, Options, Padding, Samples, SpecialTokens, Truncation};
pub use output::TokenBatch;
pub use tally::{Note, Tally};

use std::sync::Arc;

use crate::conversation::Conversation;
use crate::error::{Error, Kind, Result};
use crate::label::{Boundary, Method};
use crate::region::Regions;
use crate::template::ChatTemplate;
use crate::tokenizer::{Tokenizer, Tokens};
use control::ControlTokens;
use sample::Scratch;
use tally::Notes;
use workers::Workers;

/// One conversation with everything that is known about its tokens.
#[derive(Debug, Clone)]
pub struct Encoding {
    /// The rendered text.
    pub text: String,
    /// Ids and byte ends.
    pub tokens: Tokens,
    /// One label a token.
    pub labels: Vec<i32>,
    /// One weight a token, where the labels are weighted.
    pub weights: Option<Vec<f32>>,
    /// What put each byte of the text there, if that could be proved.
    pub regions: Result<Regions>,
    /// The role of each message.
    pub roles: Vec<String>,
    /// What was noted of the row.
    pub notes: Vec<Note>,
}

/// The whole path from rows to tokens: a tokenizer, a chat template, and how to label.
#[derive(Debug, Clone)]
pub struct Mill {
    tokenizer: Arc<Tokenizer>,
    template: Arc<ChatTemplate>,
    options: Options,
    /// Tokens that end a turn, for turns that the template gives none.
    stops: Vec<String>,
    bos: Option<u32>,
    /// Tokens that the tokenizer itself puts before a text.
    prefix: usize,
    control: Option<Arc<ControlTokens>>,
    workers: Arc<Workers>,
}

impl Mill {
    /// A mill of these parts.
    pub fn new(tokenizer: Arc<Tokenizer>, template: Arc<ChatTemplate>, options: Options) -> Result<Mill> {
        options.check()?;
        let labels = &options.labels;
        for token in &labels.stop_tokens {
            let mut ids = Vec::new();
            tokenizer.ids(token, &mut ids)?;
            if ids.len() != 1 {
                let text =
                    format!("labels: the stop token {token} is not one token of {} but {ids:?}", tokenizer.name());
                return Err(Error::new(Kind::Option, text));
            }
        }
        if options.samples == Samples::PerTurn && labels.method != Method::Regions {
            let text = "split per_turn trains one turn of each sample, which another tool's labels do not know; leave like out";
            return Err(Error::new(Kind::Option, text));
        }
        if labels.boundary == Boundary::Split && tokenizer.adds_space() {
            let text = format!(
                "labels: boundary split cuts texts, and {} puts a space before each piece; take overlap, contained or first",
                tokenizer.name()
            );
            return Err(Error::new(Kind::Option, text));
        }
        if options.padding != Padding::None && pad_id(&tokenizer).is_none() {
            let text = format!("padding: {} has no pad_token; give it one in special_tokens", tokenizer.name());
            return Err(Error::new(Kind::Option, text));
        }
        let stops = if labels.stop_tokens.is_empty() {
            let eos = tokenizer.special_token("eos_token").map(str::to_owned);
            tokenizer.stop_tokens().iter().cloned().chain(eos).collect()
        } else {
            labels.stop_tokens.clone()
        };
        let bos = tokenizer.special_token("bos_token").and_then(|token| tokenizer.token_to_id(token));
        let mut prefix = Vec::new();
        tokenizer.ids(&tokenizer.prefix(), &mut prefix)?;
        let prefix = prefix.len();
        let control = ControlTokens::of(&tokenizer, &template, &options)?.map(Arc::new);
        Ok(Mill { tokenizer, template, options, stops, bos, prefix, control, workers: Arc::default() })
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

    /// What is worth a warning of the tokenizer with these settings.
    pub fn warnings(&self) -> Vec<String> {
        let special = |name: &str| self.tokenizer.special_token(name);
        let mut warnings = Vec::new();
        if let (Some(eos), Some(pad)) = (special("eos_token"), special("pad_token"))
            && eos == pad
        {
            warnings.push(format!(
                "eos_token and pad_token are both {eos}: a collator that masks pad tokens masks the stop tokens too, and \
                 the model does not learn to stop"
            ));
        }
        let answers = self.options.format.as_ref().and_then(|format| format.answers());
        if let Some(stop) = answers.and_then(|answers| answers.stop())
            && self.tokenizer.token_to_id(stop).is_none()
        {
            warnings.push(format!(
                "answers end in {stop}, which is no token of {}: it is encoded as text; take another style of the format",
                self.tokenizer.name()
            ));
        }
        warnings
    }

    /// One conversation with its text, tokens, labels and regions.
    pub fn encode(&self, conversation: &Conversation<'_>) -> Result<Encoding> {
        if let Some(format) = &self.options.format
            && (format.answers().is_some() || format.has_windows() || format.holds_tokens())
        {
            let why = format!(
                "rows of the format {} have no encoding to look at: call the mill with a batch, or prepare --debug",
                format.name()
            );
            return Err(Error::new(Kind::Option, why));
        }
        let (mut scratch, mut notes) = (Scratch::default(), Notes::default());
        let labelled = self.encode_into(conversation, None, &mut scratch, &mut notes)?;
        let text = labelled.text;
        let attributed = self.template.regions(self.request(conversation)).and_then(|(rendered, attributed)| {
            if rendered == text {
                return attributed;
            }
            let why = "the tool whose labels these are shows the template another conversation";
            Err(Error::new(Kind::Unproved("another_text"), why))
        });
        let Scratch { mut tokens, mut labels, mut weights, .. } = scratch;
        if tokens.ends.is_empty() {
            let kept = tokens.ids.len();
            tokens.clear();
            let cuts = labelled.segments.as_deref().unwrap_or_default();
            self.tokenizer.tokens(&text, cuts, &mut tokens)?;
            if self.options.segment_length.is_some() && kept < tokens.ids.len() {
                let why =
                    "segment_length cuts this row, and where its tokens lie is not told then; leave it out to look";
                return Err(Error::new(Kind::Option, why));
            }
        }
        if let Some(max_length) = self.options.max_length {
            tokens.ids.truncate(max_length);
            tokens.ends.truncate(max_length);
            labels.truncate(max_length);
            weights.truncate(max_length);
        }
        let roles = (0..conversation.messages.len()).map(|index| conversation.role(index).to_owned()).collect();
        Ok(Encoding {
            text,
            tokens,
            labels,
            weights: self.options.labels.weighted.then_some(weights),
            regions: attributed.map(|attributed| attributed.regions),
            roles,
            notes: Note::ALL.into_iter().filter(|note| notes.has(*note)).collect(),
        })
    }
}

/// The id of the token that fills rows up.
fn pad_id(tokenizer: &Tokenizer) -> Option<u32> {
    tokenizer.special_token("pad_token").and_then(|token| tokenizer.token_to_id(token))
}

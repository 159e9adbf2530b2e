//! Encoding: turns rows into samples, with one file for each kind of row. This is the only folder that uses all stages.
//!
//! ```text
//! Row ── Encoder ──► samples (ids, labels, weights) and notes ──► a SampleSink: a batch's columns, or an Encoding
//! ```

mod answers;
mod chat;
mod control_edges;
mod control_tokens;
mod cut;
mod details;
mod encoding;
mod labeled;
mod labels;
mod notes;
mod options;
mod parts;
mod sample;
mod segments;
mod sequence;
mod support;
mod text;
mod tokens;
mod truncate;

pub(crate) use encoding::Inspection;
pub use encoding::{EncodedRow, Encoding};
pub use labels::LabelChoice;
pub(crate) use notes::Notes;
pub use notes::{Amounts, Note, NoteCounts};
pub use options::{AllMasked, OnError, Options, Padding, PaddingSide, SpecialTokens, Split, Truncation};
pub(crate) use parts::Scratch;
pub(crate) use sample::{AnswerSamples, Sample, SampleSink};

use std::sync::Arc;

use crate::attribution::Attributor;
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{Format, Row, RowKind};
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;
use answers::AnswersEncoder;
use chat::ChatEncoder;
use parts::{Parts, missing_token};
use segments::SegmentsEncoder;
use sequence::SequenceEncoder;
use text::TextEncoder;
use tokens::TokensEncoder;

/// Encodes rows of one kind.
#[derive(Debug, Clone)]
pub struct Encoder {
    parts: Parts,
    kind: KindEncoder,
}

/// One encoder for each kind of row.
#[derive(Debug, Clone)]
enum KindEncoder {
    Chat(ChatEncoder),
    Segments(SegmentsEncoder),
    Answers(AnswersEncoder),
    Tokens(TokensEncoder),
    Text(TextEncoder),
}

impl Encoder {
    /// An encoder of these parts. `template` is the chat template, for rows that need one.
    ///
    /// # Errors
    ///
    /// Fails if options cannot be combined, if the kind of rows does not support one, or if a template is missing or
    /// not used.
    pub fn new(tokenizer: Arc<Tokenizer>, template: Option<Arc<ChatTemplate>>, options: Options) -> Result<Encoder> {
        support::check(&options, &tokenizer)?;
        let format = options.rows.format().cloned();
        let template = resolve_template(&tokenizer, template, format.as_deref())?;
        let bos = tokenizer.special_token_id("bos_token");
        let attributor = Arc::new(Attributor::new(template));
        let parts = Parts { tokenizer, attributor, options: Arc::new(options), bos };
        let kind = match (parts.options.rows.kind(), format) {
            (RowKind::Segments, Some(format)) => {
                KindEncoder::Segments(SegmentsEncoder::new(parts.clone(), format.labels_last_step_only())?)
            }
            (RowKind::Answers, Some(format)) => KindEncoder::Answers(AnswersEncoder::new(parts.clone(), format)),
            (RowKind::Tokens, _) => KindEncoder::Tokens(TokensEncoder::new(parts.clone())),
            (RowKind::Text, _) => KindEncoder::Text(TextEncoder::new(parts.clone())?),
            (RowKind::Chat | RowKind::Segments | RowKind::Answers, _) => {
                KindEncoder::Chat(ChatEncoder::new(parts.clone())?)
            }
        };
        Ok(Encoder { parts, kind })
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        &self.parts.tokenizer
    }

    /// The template that renders the rows: the chat template, or the text of a format.
    pub fn template(&self) -> &Arc<ChatTemplate> {
        self.parts.attributor.template()
    }

    /// The regions of rendered conversations, with the template profiles learned so far.
    pub fn attributor(&self) -> &Arc<Attributor> {
        &self.parts.attributor
    }

    /// The settings.
    pub fn options(&self) -> &Options {
        &self.parts.options
    }

    /// The id of the padding token.
    pub(crate) fn pad_id(&self) -> Option<u32> {
        self.parts.tokenizer.special_token_id("pad_token")
    }

    /// Whether a row may become several samples, or none.
    pub fn changes_rows(&self) -> bool {
        let options = self.options();
        options.rows.kind() == RowKind::Text
            || options.split.is_some()
            || (options.truncation == Truncation::Split && options.max_length.is_some())
    }

    /// Warnings about the tokenizer with these settings, as sentences.
    pub fn warnings(&self) -> Vec<String> {
        let tokenizer = self.tokenizer();
        let mut warnings = tokenizer.warnings().to_vec();
        if let (Some(eos), Some(pad)) = (tokenizer.special_token("eos_token"), tokenizer.special_token("pad_token"))
            && eos == pad
        {
            warnings.push(format!(
                "`eos_token` and `pad_token` are both {eos}: a collator that masks padding also masks stop tokens, and \
                the model does not learn to stop; use another `pad_token`"
            ));
        }
        let format = self.options().rows.format();
        let stop = format.and_then(|format| format.answers()).and_then(|answers| answers.stop());
        if let Some(stop) = stop.filter(|stop| tokenizer.token_to_id(stop).is_none()) {
            warnings.push(format!(
                "answers end with {stop}, which is not a token of {}: it is encoded as text; use another style of the \
                 format",
                tokenizer.name()
            ));
        }
        warnings
    }

    /// Encodes one row, pushes its samples to `sink` and returns its notes. After an error the sink may hold some of
    /// the row's samples; the caller removes them.
    pub(crate) fn row(&self, row: Row<'_>, scratch: &mut Scratch, sink: &mut dyn SampleSink) -> Result<Notes> {
        let mut notes = Notes::default();
        match (&self.kind, row) {
            (KindEncoder::Chat(encoder), Row::Chat(row)) => encoder.samples(&row, scratch, sink, &mut notes),
            (KindEncoder::Segments(encoder), Row::Segments(row)) => encoder.row(row, scratch, sink, &mut notes),
            (KindEncoder::Answers(encoder), Row::Answers(row)) => encoder.row(&row, sink, &mut notes),
            (KindEncoder::Tokens(encoder), Row::Tokens(row)) => encoder.row(&row, scratch, sink, &mut notes),
            (KindEncoder::Text(encoder), Row::Text(row)) => encoder.row(&row, scratch, sink, &mut notes),
            _ => Err(Error::new(ErrorKind::Internal, "the row is of another kind than the format reads")),
        }?;
        Ok(notes)
    }
}

/// The template of a mill: the chat template if its rows need one, else the text of the format.
fn resolve_template(
    tokenizer: &Tokenizer,
    template: Option<Arc<ChatTemplate>>,
    format: Option<&Format>,
) -> Result<Arc<ChatTemplate>> {
    let invalid = |text: String| Err(Error::new(ErrorKind::Option, text));
    match (format, template) {
        (Some(format), Some(_)) if !format.needs_template() => invalid(format!(
            "the format `{}` does not use a chat template; remove `template`, or use a style of the format that builds \
            messages",
            format.name()
        )),
        (Some(format), None) if !format.needs_template() => own_text(tokenizer, format).map(Arc::new),
        (_, Some(template)) => Ok(template),
        (None, None) => invalid("`template` is missing; rows of messages need a chat template".to_owned()),
        (Some(format), None) => {
            invalid(format!("`template` is missing; rows of the format `{}` need a chat template", format.name()))
        }
    }
}

/// The text of a format as a template. Its variable `bos_token` is the text that the tokenizer puts before every text.
fn own_text(tokenizer: &Tokenizer, format: &Format) -> Result<ChatTemplate> {
    let text = format.text().unwrap_or_default();
    if tokenizer.special_token("eos_token").is_none() && text.contains("eos_token") {
        let need = format!("the format `{}` ends answers with `eos_token`", format.name());
        return Err(missing_token(tokenizer, "eos_token", &need));
    }
    let mut tokens = tokenizer.special_tokens().to_vec();
    tokens.retain(|(name, _)| name != "bos_token");
    tokens.push(("bos_token".to_owned(), tokenizer.prefix()));
    ChatTemplate::new(&format!("of format {}", format.name()), text, &tokens)
}

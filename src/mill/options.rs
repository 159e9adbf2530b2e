//! `Options`: the settings of a mill.

use std::sync::Arc;

use chrono::NaiveDateTime;

use crate::conversation::Fields;
use crate::error::{Error, Kind, Result};
use crate::format::Format;
use crate::label::Labels;

/// What becomes of a row that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The batch fails with the error of its first such row.
    Raise,
    /// The row is null in the output, and a column `error` says why.
    Null,
}

/// What becomes of a row with more than `max_length` tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// The first tokens are kept.
    KeepStart,
    /// The last tokens are kept.
    KeepEnd,
    /// The first turns are kept, as many as fit whole.
    Turns,
    /// The row fails.
    Drop,
    /// The whole batch fails.
    Raise,
    /// The row becomes several samples, one after the other.
    Split,
}

/// Whether a row becomes one sample or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    /// One sample.
    PerRow,
    /// One for each trained turn, which ends with this turn and trains it alone.
    PerTurn,
}

/// What becomes of control tokens in the texts of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialTokens {
    /// They are control tokens, as transformers has it.
    Allow,
    /// They are encoded as plain text.
    Text,
    /// The row fails.
    Raise,
}

/// How far rows are filled up with pad tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Not at all.
    None,
    /// To the longest row of the batch.
    Longest,
    /// To `max_length`.
    MaxLength,
}

/// What becomes of a row without a single trained token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllMasked {
    /// It stays, and is counted.
    Keep,
    /// It fails.
    Reject,
}

/// The settings of a [`Mill`](super::Mill).
#[derive(Debug, Clone)]
pub struct Options {
    /// What the rows look like; None for rows of messages, tools, documents.
    pub format: Option<Arc<Format>>,
    /// Which tokens are trained.
    pub labels: Labels,
    /// Whether each trained turn becomes a sample of its own.
    pub samples: Samples,
    /// Tokens that a sample may have; labels are made before a row is cut.
    pub max_length: Option<usize>,
    /// Tokens that each segment of a format's text may have, as axolotl cuts prompts and answers: the tokenizer's own
    /// prefix counts in each of them.
    pub segment_length: Option<usize>,
    /// How it is cut.
    pub truncation: Truncation,
    /// How far rows are filled up.
    pub padding: Padding,
    /// What becomes of control tokens in the texts of messages.
    pub special_tokens: SpecialTokens,
    /// Control tokens that may be there all the same.
    pub allowed_special_tokens: Vec<String>,
    /// What becomes of rows without a trained token.
    pub all_masked: AllMasked,
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
            format: None,
            labels: Labels::default(),
            samples: Samples::PerRow,
            max_length: None,
            segment_length: None,
            truncation: Truncation::KeepStart,
            padding: Padding::None,
            special_tokens: SpecialTokens::Allow,
            allowed_special_tokens: Vec::new(),
            all_masked: AllMasked::Keep,
            threads: None,
            on_error: OnError::Raise,
            keep_columns: Vec::new(),
            attention_mask: false,
            chat_template_kwargs: Vec::new(),
            now: None,
        }
    }
}

impl Options {
    /// Whether rows of the output are other ones than those of the input.
    pub fn changes_rows(&self) -> bool {
        let windows = self.format.as_ref().is_some_and(|format| format.has_windows());
        windows
            || self.samples == Samples::PerTurn
            || (self.truncation == Truncation::Split && self.max_length.is_some())
    }

    pub(super) fn check(&self) -> Result<()> {
        let wrong = |text: &str| Err(Error::new(Kind::Option, text));
        let least_one =
            [("max_length", self.max_length), ("segment_length", self.segment_length), ("threads", self.threads)];
        for (name, value) in least_one {
            if value == Some(0) {
                return wrong(&format!("{name} must be at least 1, or None"));
            }
        }
        if self.padding == Padding::MaxLength && self.max_length.is_none() {
            return wrong("padding to max_length needs a max_length");
        }
        if self.special_tokens == SpecialTokens::Allow && !self.allowed_special_tokens.is_empty() {
            return wrong("allowed_special_tokens are exceptions of special_tokens \"text\" or \"raise\"");
        }
        self.check_format()
    }

    /// Whether the format leaves room for the other options.
    fn check_format(&self) -> Result<()> {
        let alone = self.format.as_ref().filter(|format| format.is_text_alone());
        let Some(format) = alone else {
            return match self.segment_length {
                Some(_) => {
                    Err(Error::new(Kind::Option, "segment_length is for formats whose text says what is trained"))
                }
                None => Ok(()),
            };
        };
        let labels = &self.labels;
        let default = Labels { boundary: labels.boundary, unproved: labels.unproved, ..Labels::default() };
        let of_text = labels.is_nothing() || labels.is_everything();
        let has_answers = format.answers().is_some();
        let says_itself =
            *labels == default || of_text && !format.holds_tokens() && !has_answers && !format.has_windows();
        let unfit = [
            (!says_itself, "other labels"),
            (self.samples == Samples::PerTurn, "split per_turn"),
            (self.truncation == Truncation::Turns, "truncation turns"),
            (self.special_tokens != SpecialTokens::Allow, "special_tokens text and raise"),
            (
                format.has_windows() && !matches!(self.truncation, Truncation::Split | Truncation::KeepStart),
                "this truncation",
            ),
            (format.has_windows() && self.segment_length.is_some(), "segment_length"),
            (has_answers && self.padding != Padding::None, "padding"),
            (has_answers && self.attention_mask, "attention_mask"),
            (has_answers && self.segment_length.is_some(), "segment_length"),
            (has_answers && matches!(self.truncation, Truncation::KeepEnd | Truncation::Split), "this truncation"),
        ];
        match unfit.iter().find(|(is_so, _)| *is_so) {
            None => Ok(()),
            Some((_, what)) => {
                let style = if has_answers { "" } else { "take a style of it that makes messages, or " };
                let text = format!(
                    "{what}: not with the format {}, whose rows say themselves what is trained; {style}leave the option out",
                    format.name()
                );
                Err(Error::new(Kind::Option, text))
            }
        }
    }
}

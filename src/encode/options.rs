//! `Options`: the settings of a mill, with the names that users write for each choice.

use chrono::NaiveDateTime;

use super::labels::LabelChoice;
use crate::choice::Choice;
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{RowReader, TemplateVariables};

/// What to do with a row that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Fail the batch with the error of its first such row.
    Raise,
    /// Make the row null, with the reason in a column `error`.
    Null,
}

impl Choice for OnError {
    const OPTION: &'static str = "on_error";
    const NAMES: &'static [(&'static str, Self)] = &[("raise", OnError::Raise), ("null", OnError::Null)];
}

/// What to do with a row that has more than `max_length` tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truncation {
    /// Keep the first tokens.
    KeepStart,
    /// Keep the last tokens.
    KeepEnd,
    /// Keep the first turns that fit completely.
    Turns,
    /// Fail the row.
    Drop,
    /// Fail the batch.
    Raise,
    /// Split the row into several samples.
    Split,
}

impl Choice for Truncation {
    const OPTION: &'static str = "truncation";
    const NAMES: &'static [(&'static str, Self)] = &[
        ("keep_start", Truncation::KeepStart),
        ("keep_end", Truncation::KeepEnd),
        ("turns", Truncation::Turns),
        ("drop", Truncation::Drop),
        ("raise", Truncation::Raise),
        ("split", Truncation::Split),
    ];
}

/// How a row becomes several samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// One sample for each trained turn, which ends with this turn and trains only it.
    PerTurn,
}

impl Choice for Split {
    const OPTION: &'static str = "split";
    const NAMES: &'static [(&'static str, Self)] = &[("per_turn", Split::PerTurn)];
}

/// What to do with control tokens in the texts of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialTokens {
    /// Encode them as control tokens, as transformers does.
    Allow,
    /// Encode them as plain text.
    Text,
    /// Fail the row.
    Raise,
}

impl Choice for SpecialTokens {
    const OPTION: &'static str = "special_tokens";
    const NAMES: &'static [(&'static str, Self)] =
        &[("allow", SpecialTokens::Allow), ("text", SpecialTokens::Text), ("raise", SpecialTokens::Raise)];
}

/// The length to which rows are padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// To the longest row of the batch.
    Longest,
    /// To `max_length`.
    MaxLength,
}

impl Choice for Padding {
    const OPTION: &'static str = "padding";
    const NAMES: &'static [(&'static str, Self)] = &[("longest", Padding::Longest), ("max_length", Padding::MaxLength)];
}

/// The side of a row on which its padding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaddingSide {
    /// After the tokens.
    Right,
    /// Before the tokens.
    Left,
}

impl Choice for PaddingSide {
    const OPTION: &'static str = "padding_side";
    const NAMES: &'static [(&'static str, Self)] = &[("right", PaddingSide::Right), ("left", PaddingSide::Left)];
}

/// What to do with a row that has no trained token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllMasked {
    /// Keep and count it.
    Keep,
    /// Fail it.
    Reject,
}

impl Choice for AllMasked {
    const OPTION: &'static str = "all_masked";
    const NAMES: &'static [(&'static str, Self)] = &[("keep", AllMasked::Keep), ("reject", AllMasked::Reject)];
}

/// The settings of a [`Mill`](crate::batch::Mill).
#[derive(Debug, Clone)]
pub struct Options {
    /// How rows are read.
    pub rows: RowReader,
    /// Which tokens are trained.
    pub labels: LabelChoice,
    /// How a row becomes several samples; None for one sample.
    pub split: Option<Split>,
    /// The most tokens that a sample may have. Labels are made before a row is cut.
    pub max_length: Option<usize>,
    /// The most tokens of each segment of a format's text, as axolotl cuts prompts and answers. The tokenizer's own
    /// prefix counts in every segment.
    pub segment_length: Option<usize>,
    /// What to do with longer rows.
    pub truncation: Truncation,
    /// The length to which rows are padded; None for no padding.
    pub padding: Option<Padding>,
    /// The side of the padding.
    pub padding_side: PaddingSide,
    /// The length of padded rows is rounded up to a multiple of this number; None for no rounding.
    pub pad_to_multiple_of: Option<usize>,
    /// What to do with control tokens in the texts of messages.
    pub special_tokens: SpecialTokens,
    /// Control tokens that texts may hold in spite of `special_tokens`.
    pub allowed_special_tokens: Vec<String>,
    /// What to do with rows that have no trained token.
    pub all_masked: AllMasked,
    /// Worker threads; None for one per available core.
    pub threads: Option<usize>,
    /// What to do with a row that fails.
    pub on_error: OnError,
    /// Input columns that the output keeps.
    pub keep_columns: Vec<String>,
    /// Whether the output has a column `attention_mask`.
    pub attention_mask: bool,
    /// Whether the output has a column `position_ids`.
    pub position_ids: bool,
    /// Template variables for every row. The variables of a row replace those of the same names.
    pub chat_template_kwargs: TemplateVariables<'static>,
    /// The time that `strftime_now` prints; None for the clock.
    pub now: Option<NaiveDateTime>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            rows: RowReader::default(),
            labels: LabelChoice::default(),
            split: None,
            max_length: None,
            segment_length: None,
            truncation: Truncation::KeepStart,
            padding: None,
            padding_side: PaddingSide::Right,
            pad_to_multiple_of: None,
            special_tokens: SpecialTokens::Allow,
            allowed_special_tokens: Vec::new(),
            all_masked: AllMasked::Keep,
            threads: None,
            on_error: OnError::Raise,
            keep_columns: Vec::new(),
            attention_mask: false,
            position_ids: false,
            chat_template_kwargs: TemplateVariables::default(),
            now: None,
        }
    }
}

impl Options {
    /// The `max_length` that `reserve` virtual tokens before each row leave of the most tokens of a model.
    ///
    /// # Errors
    ///
    /// Fails if there is no `max_length`, or if nothing is left of it.
    pub fn max_length_without(reserve: usize, max_length: Option<usize>) -> Result<Option<usize>> {
        let text = match max_length {
            None if reserve > 0 => {
                "`reserve` has no effect without `max_length`; set it to the most tokens of the model".to_owned()
            }
            Some(length) if reserve > 0 && length <= reserve => {
                format!("`reserve` leaves no room in `max_length` {length}; raise it, or reserve less")
            }
            _ => return Ok(max_length.map(|length| length - reserve)),
        };
        Err(Error::new(ErrorKind::Option, text))
    }
}

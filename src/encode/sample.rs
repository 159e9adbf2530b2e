//! `Sample`: the tokens and labels of one training sample, and `SampleSink`: the receiver of samples.

use std::sync::Arc;

use crate::attribution::Regions;
use crate::error::Result;
use crate::statistics::RowFigures;

/// One sample.
#[derive(Debug, Clone)]
pub(crate) struct Sample<'s> {
    pub(crate) ids: &'s [u32],
    /// One label for each token.
    pub(crate) labels: &'s [i32],
    /// One weight for each token; empty if labels are not weighted.
    pub(crate) weights: &'s [f32],
    pub(crate) details: Option<SampleDetails<'s>>,
}

/// The details of a sample that only an [`Encoding`](super::Encoding) shows.
#[derive(Debug, Clone)]
pub(crate) struct SampleDetails<'s> {
    pub(crate) details: &'s Arc<Details>,
    /// The byte end of each token of the sample in the text.
    pub(crate) ends: &'s [u32],
    /// The byte at which the first token begins.
    pub(crate) start: u32,
    /// The name of the answer, for rows with answers.
    pub(crate) answer: Option<&'s str>,
}

/// The text of a sequence, with its regions and roles.
#[derive(Debug, Clone)]
pub(crate) struct Details {
    pub(crate) text: String,
    pub(crate) regions: Result<Regions>,
    /// The role of each message.
    pub(crate) roles: Vec<String>,
}

/// The samples of a row with a prompt and answers.
#[derive(Debug, Clone)]
pub(crate) struct AnswerSamples<'s> {
    /// For each answer, the tokens of the prompt and the answer; all begin with the same prompt.
    pub(crate) sequences: &'s [Vec<u32>],
    /// Number of tokens of the prompt.
    pub(crate) prompt: usize,
    /// Number of tokens of each sequence to keep.
    pub(crate) kept: usize,
    /// Whether the answer is good, if rows have a label.
    pub(crate) label: Option<bool>,
    /// The details of each answer, if the sink needs them.
    pub(crate) details: Vec<SampleDetails<'s>>,
}

/// A receiver of the samples of rows.
pub(crate) trait SampleSink {
    /// Whether samples need their details. Details cost time, so batches do without.
    fn wants_details(&self) -> bool {
        false
    }

    /// The figures of the current row; None if they are not wanted.
    fn figures(&mut self) -> Option<&mut RowFigures> {
        None
    }

    /// Takes one sample of the current row.
    fn push(&mut self, sample: Sample<'_>);

    /// Takes the samples of a row with answers.
    fn push_answers(&mut self, samples: AnswerSamples<'_>);
}

//! `Encoding`: one sample with its text, token offsets and regions, for inspection.

use std::sync::Arc;

use super::notes::Note;
use super::sample::{AnswerSamples, Details, Sample, SampleDetails, SampleSink};
use crate::attribution::Regions;
use crate::error::Result;
use crate::label::MASKED;

/// One sample with everything known about its tokens.
#[derive(Debug, Clone)]
pub struct Encoding {
    details: Arc<Details>,
    /// The token ids.
    pub ids: Vec<u32>,
    /// The byte end of each token in the text.
    pub ends: Vec<u32>,
    /// The byte at which the first token begins; not 0 if the start of the text was cut off.
    pub start: u32,
    /// One label for each token.
    pub labels: Vec<i32>,
    /// One weight for each token, if labels are weighted.
    pub weights: Option<Vec<f32>>,
    /// The name of the answer, for rows with answers.
    pub answer: Option<String>,
}

/// One row with its samples, as a mill encodes it.
#[derive(Debug, Clone)]
pub struct EncodedRow {
    /// The samples of the row; at least one.
    pub samples: Vec<Encoding>,
    /// The notes of the row.
    pub notes: Vec<Note>,
    /// Whether the answer is good, if rows have a label.
    pub label: Option<bool>,
}

impl Encoding {
    /// The text of the sample. Its tokens may cover only a part of it.
    pub fn text(&self) -> &str {
        &self.details.text
    }

    /// The regions of the text, or the reason why they are unknown.
    pub fn regions(&self) -> &Result<Regions> {
        &self.details.regions
    }

    /// The role of each message.
    pub fn roles(&self) -> &[String] {
        &self.details.roles
    }
}

/// Collects the samples of one row with their details.
#[derive(Debug, Default)]
pub(crate) struct Inspection {
    pub(crate) samples: Vec<Encoding>,
    pub(crate) label: Option<bool>,
    pub(crate) weighted: bool,
}

impl Inspection {
    fn add(&mut self, ids: &[u32], labels: Vec<i32>, weights: &[f32], details: SampleDetails<'_>) {
        self.samples.push(Encoding {
            details: Arc::clone(details.details),
            ids: ids.to_vec(),
            ends: details.ends.to_vec(),
            start: details.start,
            labels,
            weights: self.weighted.then(|| weights.to_vec()),
            answer: details.answer.map(str::to_owned),
        });
    }
}

impl SampleSink for Inspection {
    fn wants_details(&self) -> bool {
        true
    }

    fn push(&mut self, sample: Sample<'_>) {
        if let Some(details) = sample.details {
            self.add(sample.ids, sample.labels.to_vec(), sample.weights, details);
        }
    }

    fn push_answers(&mut self, samples: AnswerSamples<'_>) {
        self.label = samples.label;
        for (ids, details) in samples.sequences.iter().zip(samples.details) {
            let ids = &ids[..ids.len().min(samples.kept)];
            let mut labels: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
            labels[..samples.prompt].fill(MASKED);
            self.add(ids, labels, &[], details);
        }
    }
}

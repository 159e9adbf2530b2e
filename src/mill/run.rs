//! `Run`: the samples of a few rows in sequence, as they come.

use std::ops::Range;

use super::sample::Scratch;
use super::tally::{Notes, Tally};
use crate::error::Error;
use crate::label::MASKED;

/// The results of a few rows in sequence.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) ids: Vec<i32>,
    pub(super) labels: Vec<i32>,
    pub(super) weights: Vec<f32>,
    /// Tokens of each sample; None for a row that failed.
    pub(super) lengths: Vec<Option<i32>>,
    /// The row of each sample.
    pub(super) rows: Vec<u32>,
    pub(super) kept: Vec<Vec<Option<String>>>,
    /// For each row with an answer, whether that is good, if rows say so.
    pub(super) good: Vec<Option<bool>>,
    pub(super) untrained: usize,
    pub(super) tally: Tally,
    pub(super) failures: Vec<Error>,
}

/// How much a run holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    tokens: usize,
    samples: usize,
    rows: usize,
    untrained: usize,
    good: usize,
}

impl Run {
    /// Adds a sample: these tokens of the row that is worked on.
    pub(super) fn push(&mut self, scratch: &Scratch, tokens: Range<usize>) {
        let labels = &scratch.labels[tokens.clone()];
        self.untrained += usize::from(labels.iter().all(|&label| label == MASKED));
        self.labels.extend_from_slice(labels);
        self.ids.extend(scratch.tokens.ids[tokens.clone()].iter().map(|&id| id as i32));
        if !scratch.weights.is_empty() {
            self.weights.extend_from_slice(&scratch.weights[tokens.clone()]);
        }
        self.lengths.push(Some(tokens.len() as i32));
    }

    /// All samples of a row are there.
    pub(super) fn end_row(&mut self, row: usize, notes: Notes, kept: Vec<Option<String>>) {
        self.rows.resize(self.lengths.len(), row as u32);
        self.kept.resize(self.lengths.len(), kept);
        self.tally.add_row(notes);
    }

    /// Adds a row that failed.
    pub(super) fn push_failure(&mut self, error: Error, kept: usize) {
        self.lengths.push(None);
        self.rows.push(error.row.unwrap_or_default() as u32);
        self.kept.push(vec![None; kept]);
        self.failures.push(error);
    }

    /// Where to come back to.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            tokens: self.ids.len(),
            samples: self.lengths.len(),
            rows: self.rows.len(),
            untrained: self.untrained,
            good: self.good.len(),
        }
    }

    /// Forgets what came after a mark.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.ids.truncate(mark.tokens);
        self.labels.truncate(mark.tokens);
        self.weights.truncate(mark.tokens);
        self.lengths.truncate(mark.samples);
        self.rows.truncate(mark.rows);
        self.kept.truncate(mark.rows);
        self.untrained = mark.untrained;
        self.good.truncate(mark.good);
    }
}

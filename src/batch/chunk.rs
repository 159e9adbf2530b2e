//! `Chunk`: the samples of a few consecutive rows, as one worker makes them.

use crate::encode::{AnswerSamples, NoteCounts, Notes, Sample, SampleSink, Scratch};
use crate::error::{Error, ErrorKind};
use crate::label::MASKED;
use crate::statistics::{ChunkStatistics, RowFigures, RowStatistics};

/// What is counted of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counting {
    /// No statistics.
    #[default]
    Nothing,
    /// Statistics, with regions where labels need them.
    Statistics,
    /// Statistics with the regions of all rows, which takes up to twice as long.
    All,
}

/// The results of consecutive rows.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Token ids of all samples, one after the other.
    pub(super) ids: Vec<i32>,
    /// One label for each token.
    pub(super) labels: Vec<i32>,
    /// One weight for each token; empty if labels are not weighted.
    pub(super) weights: Vec<f32>,
    /// The prompts and answers of rows with answers.
    pub(super) answers: Answers,
    /// The number of tokens of each sample; None for a row that failed.
    pub(super) lengths: Vec<Option<i32>>,
    /// The row of each sample.
    pub(super) rows: Vec<u32>,
    /// The kept columns of each sample, for JSON rows.
    pub(super) kept: Vec<Vec<Option<String>>>,
    /// Number of samples without a trained token.
    pub(super) untrained: usize,
    /// Number of tokens of samples with labels that are trained.
    pub(super) trained_tokens: usize,
    pub(super) notes: NoteCounts,
    pub(super) failures: Vec<Error>,
    /// The statistics of the rows so far, if they are wanted.
    collected: Option<ChunkStatistics>,
    /// The statistics of all rows.
    pub(super) statistics: Option<RowStatistics>,
    counting: Counting,
}

/// What a worker uses again for its next chunk.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) scratch: Scratch,
    figures: RowFigures,
    /// The number of tokens of the last chunk.
    tokens: usize,
}

/// The columns of rows with answers. Rows that failed have no entry.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) prompts: Lists,
    /// One column for each answer.
    pub(super) columns: Vec<Lists>,
    pub(super) labels: Vec<Option<bool>>,
}

/// Lists of token ids, one after the other.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) ids: Vec<i32>,
    pub(super) lengths: Vec<usize>,
}

impl Lists {
    fn push(&mut self, ids: &[u32]) {
        self.ids.extend(ids.iter().map(|&id| id as i32));
        self.lengths.push(ids.len());
    }

    fn truncate(&mut self, lists: usize) {
        let dropped: usize = self.lengths.iter().skip(lists).sum();
        self.ids.truncate(self.ids.len() - dropped);
        self.lengths.truncate(lists);
    }
}

/// The size of a chunk before a row, for [`Chunk::rollback`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checkpoint {
    tokens: usize,
    samples: usize,
    answers: usize,
    rows: usize,
    untrained: usize,
    trained_tokens: usize,
}

impl Chunk {
    /// A chunk without rows, which uses the buffers of an earlier one.
    pub(super) fn new(counting: Counting, buffers: &mut Buffers) -> Chunk {
        let has_statistics = counting != Counting::Nothing;
        let tokens = buffers.tokens;
        Chunk {
            ids: Vec::with_capacity(tokens),
            labels: Vec::with_capacity(tokens),
            collected: has_statistics.then(|| ChunkStatistics::new(std::mem::take(&mut buffers.figures))),
            counting,
            ..Chunk::default()
        }
    }

    /// Completes the chunk, and gives its buffers back.
    pub(super) fn finish(&mut self, buffers: &mut Buffers) {
        buffers.tokens = self.ids.len();
        if let Some(collected) = self.collected.take() {
            let (statistics, figures) = collected.finish();
            self.statistics = Some(statistics);
            buffers.figures = figures;
        }
    }

    /// Begins a row.
    pub(super) fn begin_row(&mut self) {
        if let Some(statistics) = &mut self.collected {
            statistics.row.clear(self.counting == Counting::All);
        }
    }

    /// Completes a row whose samples are all pushed.
    pub(super) fn end_row(&mut self, row: usize, notes: Notes, kept: Vec<Option<String>>) {
        self.rows.resize(self.lengths.len(), row as u32);
        self.kept.resize(self.lengths.len(), kept);
        self.notes.add_row(notes);
        if let Some(statistics) = &mut self.collected {
            statistics.add_row(row, notes.iter().map(|note| note.code()));
        }
    }

    /// Adds a row that failed. `kept` is the number of kept columns.
    pub(super) fn push_failure(&mut self, error: Error, kept: usize) {
        self.lengths.push(None);
        self.rows.push(error.row.unwrap_or_default() as u32);
        self.kept.push(vec![None; kept]);
        if let Some(statistics) = &mut self.collected {
            // How long they are tells which `max_length` would keep them.
            if matches!(error.kind, ErrorKind::TooLong | ErrorKind::TrainedPartCutOff | ErrorKind::EqualAnswers) {
                statistics.add_sequences();
            }
        }
        self.failures.push(error);
    }

    /// The current size, to roll back to.
    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            tokens: self.ids.len(),
            samples: self.lengths.len(),
            answers: self.answers.labels.len(),
            rows: self.rows.len(),
            untrained: self.untrained,
            trained_tokens: self.trained_tokens,
        }
    }

    /// Removes everything that was added after a checkpoint.
    pub(super) fn rollback(&mut self, to: Checkpoint) {
        self.ids.truncate(to.tokens);
        self.labels.truncate(to.tokens);
        self.weights.truncate(to.tokens);
        self.answers.prompts.truncate(to.answers);
        self.answers.columns.iter_mut().for_each(|column| column.truncate(to.answers));
        self.answers.labels.truncate(to.answers);
        self.lengths.truncate(to.samples);
        self.rows.truncate(to.rows);
        self.kept.truncate(to.rows);
        self.untrained = to.untrained;
        self.trained_tokens = to.trained_tokens;
    }
}

impl SampleSink for Chunk {
    fn figures(&mut self) -> Option<&mut RowFigures> {
        self.collected.as_mut().map(|statistics| &mut statistics.row)
    }

    fn push(&mut self, sample: Sample<'_>) {
        let trained: usize = sample.labels.iter().map(|label| usize::from(*label != MASKED)).sum();
        self.trained_tokens += trained;
        self.untrained += usize::from(trained == 0);
        self.labels.extend_from_slice(sample.labels);
        self.ids.extend(sample.ids.iter().map(|&id| id as i32));
        self.weights.extend_from_slice(sample.weights);
        self.lengths.push(Some(sample.ids.len() as i32));
    }

    fn push_answers(&mut self, samples: AnswerSamples<'_>) {
        let Answers { prompts, columns, labels } = &mut self.answers;
        columns.resize_with(samples.sequences.len().max(columns.len()), Lists::default);
        let mut length = samples.prompt;
        if let Some(first) = samples.sequences.first() {
            prompts.push(&first[..samples.prompt]);
        }
        for (column, ids) in columns.iter_mut().zip(samples.sequences) {
            let answer = &ids[samples.prompt..ids.len().min(samples.kept)];
            column.push(answer);
            length += answer.len();
        }
        labels.push(samples.label);
        self.lengths.push(Some(length as i32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_rollback_removes_later_samples() {
        let mut chunk = Chunk::default();
        let sample = || Sample { ids: &[1, 2], labels: &[-100, 2], weights: &[], details: None };
        chunk.push(sample());
        chunk.end_row(0, Notes::default(), Vec::new());
        let before = chunk.checkpoint();
        chunk.push(Sample { labels: &[-100, -100], ..sample() });
        chunk.push_answers(AnswerSamples {
            sequences: &[vec![1, 2, 3], vec![1, 4]],
            prompt: 1,
            kept: 2,
            label: None,
            details: Vec::new(),
        });
        assert_eq!((chunk.answers.prompts.ids.as_slice(), chunk.lengths[2]), (&[1][..], Some(3)));
        assert_ne!(chunk.checkpoint(), before);
        chunk.rollback(before);
        assert_eq!(chunk.checkpoint(), before);
        assert_eq!((chunk.ids.len(), chunk.labels.len(), chunk.untrained, chunk.trained_tokens), (2, 2, 0, 1));
        assert!(chunk.answers.columns.iter().all(|column| column.ids.is_empty()));
        chunk.push_failure(Error::new(ErrorKind::TooLong, "x").at_row(4), 1);
        assert_eq!((chunk.rows.as_slice(), chunk.kept[1].len()), (&[0, 4][..], 1));
    }
}

//! `Cut`: pushes the kept ranges of a sequence as samples, or rejects a row without a trained token.

use std::ops::Range;
use std::sync::Arc;

use super::notes::{Note, Notes};
use super::sample::{Details, Sample, SampleDetails, SampleSink};
use super::{AllMasked, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::label::MASKED;
use crate::tokenizer::Tokens;

/// Pushes the kept ranges of one sequence as samples.
pub(super) struct Cut<'c> {
    pub(super) options: &'c Options,
    pub(super) details: Option<Arc<Details>>,
    /// Whether turns were left out because they are not verified or not printed.
    pub(super) left_out_turns: bool,
}

impl Cut<'_> {
    /// Gives the ranges that are kept, without those that have no trained token.
    pub(super) fn push(
        &self,
        ranges: Vec<Range<usize>>,
        (tokens, labels, weights): (&Tokens, &[i32], &[f32]),
        sink: &mut dyn SampleSink,
        notes: &mut Notes,
    ) -> Result<Vec<Range<usize>>> {
        if ranges.iter().any(|range| range.len() < tokens.ids.len()) {
            notes.add(Note::Truncated);
        }
        let masked = |labels: &[i32]| labels.iter().all(|&label| label == MASKED);
        let rejects = self.options.all_masked == AllMasked::Reject && !self.options.labels.is_nothing();
        let mut kept: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            if rejects && masked(&labels[range.clone()]) {
                notes.add(Note::PiecesLeftOut);
                continue;
            }
            kept.push(range.clone());
            let details = self.details.as_ref().map(|details| SampleDetails {
                details,
                ends: &tokens.ends[range.clone()],
                start: range.start.checked_sub(1).map_or(0, |before| tokens.ends[before]),
                answer: None,
            });
            let weights = if weights.is_empty() { weights } else { &weights[range.clone()] };
            sink.push(Sample { ids: &tokens.ids[range.clone()], labels: &labels[range], weights, details });
        }
        if kept.is_empty() {
            return Err(self.all_masked(!masked(labels)));
        }
        notes.amounts.cut_tokens += tokens.ids.len() - kept.iter().map(Range::len).sum::<usize>();
        if let Some(figures) = sink.figures() {
            figures.keep(&kept);
        }
        Ok(kept)
    }

    fn all_masked(&self, before_the_cut: bool) -> Error {
        if before_the_cut {
            let text =
                "all trained tokens of the row are beyond `max_length`; increase it, or use another `truncation`";
            Error::new(ErrorKind::TrainedPartCutOff, text)
        } else if self.left_out_turns {
            let text = "no token is trained: every assistant turn is unverified, or the template does not print it, as many \
                        do with contents that are not text; look at the row with `chatmill show`, make contents text, \
                        use another template, or remove the row";
            Error::new(ErrorKind::TrainedTurnsLeftOut, text)
        } else {
            let text = "no token is trained; check the roles of the messages and their training flags";
            Error::new(ErrorKind::NothingToTrain, text)
        }
    }
}

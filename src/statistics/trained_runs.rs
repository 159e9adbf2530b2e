//! `TrainedRuns`: where the trained tokens of a sequence are. A sequence has few runs of them, so all further counts are
//! arithmetic on their borders, not on tokens.

use std::ops::Range;

use crate::label::MASKED;
use crate::tokenizer::TokenSpan;

/// The labels that are compared at once.
const PART: usize = 32;

/// The runs of trained tokens, ascending.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct TrainedRuns(Vec<Range<usize>>);

impl TrainedRuns {
    /// Finds the runs of other labels.
    pub(super) fn set(&mut self, labels: &[i32]) {
        self.0.clear();
        let mut start = None;
        let mut at = 0;
        for part in labels.chunks(PART) {
            // Compilers make this sum from few instructions, but not a search that ends early: 0.3 ns a label, not 1.3.
            let trained: usize = part.iter().map(|label| usize::from(*label != MASKED)).sum();
            if trained != if start.is_some() { part.len() } else { 0 } {
                for (place, label) in (at..).zip(part) {
                    match (start, *label != MASKED) {
                        (None, true) => start = Some(place),
                        (Some(begin), false) => {
                            self.0.push(begin..place);
                            start = None;
                        }
                        _ => {}
                    }
                }
            }
            at += part.len();
        }
        self.0.extend(start.map(|begin| begin..at));
    }

    /// Finds the runs of labels that are the same within each token span: only the first one of each span is looked at.
    pub(super) fn set_by_spans(&mut self, labels: &[i32], spans: &[TokenSpan]) {
        self.0.clear();
        let mut first = 0;
        for span in spans {
            if span.tokens > first && labels.get(first).is_some_and(|label| *label != MASKED) {
                match self.0.last_mut() {
                    Some(last) if last.end == first => last.end = span.tokens,
                    _ => self.0.push(first..span.tokens),
                }
            }
            first = first.max(span.tokens);
        }
    }

    /// The runs.
    pub(super) fn as_slice(&self) -> &[Range<usize>] {
        &self.0
    }

    /// All trained tokens.
    pub(super) fn total(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }

    /// Whether a token is trained.
    pub(super) fn has(&self, token: usize) -> bool {
        self.within().next_in(token..token + 1) > 0
    }

    /// Counts the trained tokens of ascending ranges.
    pub(super) fn within(&self) -> RunCursor<'_> {
        RunCursor(&self.0)
    }
}

/// Counts trained tokens. Each range must begin at or after the one before it.
#[derive(Debug, Clone)]
pub(super) struct RunCursor<'r>(&'r [Range<usize>]);

impl RunCursor<'_> {
    pub(super) fn next_in(&mut self, range: Range<usize>) -> usize {
        let ended = self.0.iter().take_while(|run| run.end <= range.start).count();
        self.0 = &self.0[ended..];
        let inside = |run: &Range<usize>| run.end.min(range.end).saturating_sub(run.start.max(range.start));
        self.0.iter().take_while(|run| run.start < range.end).map(inside).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_those_of_the_labels(trained in proptest::collection::vec((proptest::bool::ANY, 1usize..50), 0..20), step in 1usize..9) {
            let trained: Vec<bool> = trained.iter().flat_map(|(it, length)| std::iter::repeat_n(*it, *length)).collect();
            let labels: Vec<i32> = trained.iter().map(|it| if *it { 5 } else { MASKED }).collect();
            let mut runs = TrainedRuns::default();
            runs.set(&labels);
            let count = |labels: &[i32]| labels.iter().filter(|label| **label != MASKED).count();
            prop_assert_eq!(runs.total(), count(&labels));
            let mut cursor = runs.within();
            for start in (0..labels.len()).step_by(step) {
                let range = start..(start + step).min(labels.len());
                prop_assert_eq!(cursor.next_in(range.clone()), count(&labels[range]));
            }
            prop_assert!((0..labels.len()).all(|at| runs.has(at) == trained[at]));
        }

        #[test]
        fn spans_give_the_same_runs(lengths in proptest::collection::vec((0usize..4, proptest::bool::ANY), 0..20)) {
            let (mut labels, mut spans) = (Vec::new(), Vec::new());
            for (length, trained) in lengths {
                labels.resize(labels.len() + length, if trained { 5 } else { MASKED });
                spans.push(TokenSpan { tokens: labels.len(), end: labels.len() });
            }
            let (mut runs, mut of_spans) = (TrainedRuns::default(), TrainedRuns::default());
            runs.set(&labels);
            of_spans.set_by_spans(&labels, &spans);
            prop_assert_eq!(runs, of_spans);
        }
    }
}

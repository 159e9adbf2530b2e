//! `SequenceFigures`: the figures of one sequence, before and after it is cut.

use std::ops::Range;

use super::grid::limit_cells;
use super::row_statistics::StopCounts;
use super::trained_runs::TrainedRuns;
use crate::attribution::{RegionKind, Regions};
use crate::tokenizer::TokenSpan;

/// The tokens of a sequence, before it is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeSequence<'s> {
    pub(crate) ids: &'s [u32],
    /// Token spans that end at the ends of regions.
    pub(crate) spans: &'s [TokenSpan],
}

/// Consecutive tokens of one region. A token belongs to the region in which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    message: Option<usize>,
    kind: RegionKind,
    /// Number of tokens up to its end.
    end: usize,
}

/// The end of a turn of the assistant that is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TurnEnd {
    /// The stop token; None if the turn does not end with one.
    stop: Option<usize>,
    is_trained: bool,
}

/// Tokens of one message and one kind of region that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeptTokens {
    pub(super) message: Option<usize>,
    pub(super) kind: RegionKind,
    pub(super) tokens: usize,
    pub(super) trained: usize,
}

/// The figures of one sequence.
#[derive(Debug, Default)]
pub(super) struct SequenceFigures {
    /// The length of its text in bytes.
    pub(super) bytes: usize,
    /// Its number of tokens.
    pub(super) length: usize,
    /// Its trained tokens by [cell](super::limit_cells) of positions.
    pub(super) cells: Vec<u64>,
    /// Whether regions are known.
    pub(super) has_regions: bool,
    pub(super) kept: Vec<KeptTokens>,
    pub(super) kept_trained: usize,
    pub(super) kept_length: usize,
    pub(super) stops: StopCounts,
    /// The messages with regions of reasoning.
    pub(super) reasoning: Vec<usize>,
    /// The messages with text of their own.
    pub(super) printed: Vec<usize>,
    /// Whether a control token is in the text of a message.
    pub(super) has_control: bool,
    runs: TrainedRuns,
    pieces: Vec<Piece>,
    ends: Vec<TurnEnd>,
}

impl SequenceFigures {
    /// Makes these the figures of another sequence.
    pub(super) fn reset(&mut self, bytes: usize, labels: &[i32]) {
        let SequenceFigures { cells, kept, reasoning, printed, runs, pieces, ends, .. } = std::mem::take(self);
        *self = SequenceFigures {
            cells,
            kept,
            reasoning,
            printed,
            runs,
            pieces,
            ends,
            bytes,
            length: labels.len(),
            ..Self::default()
        };
        self.cells.clear();
        self.kept.clear();
        self.reasoning.clear();
        self.printed.clear();
        self.pieces.clear();
        self.ends.clear();
        self.runs.set(labels);
        let mut trained = self.runs.within();
        limit_cells(|range| trained.next_in(range), labels.len(), &mut self.cells);
    }

    /// The trained tokens before the cut.
    pub(super) fn trained(&self) -> usize {
        self.runs.total()
    }

    pub(super) fn set_regions(
        &mut self,
        regions: &Regions,
        turns: &[Option<usize>],
        whole: &WholeSequence<'_>,
        is_added: impl Fn(u32) -> bool,
        is_control: impl Fn(u32) -> bool,
    ) {
        self.has_regions = true;
        set_pieces(regions, whole.spans, &mut self.pieces);
        let runs = &self.runs;
        let mut trained = runs.within();
        let end_of = |stop: Option<usize>| TurnEnd {
            stop: stop.filter(|&at| is_added(whole.ids[at])),
            is_trained: stop.is_some_and(|at| runs.has(at)),
        };
        let (mut first, mut turn, mut is_trained, mut stop) = (0, None, false, None);
        for piece in &self.pieces {
            let range = first..piece.end;
            first = piece.end;
            match piece.kind {
                RegionKind::Content => {
                    self.printed.extend(piece.message);
                    self.has_control = self.has_control || whole.ids[range.clone()].iter().any(|id| is_control(*id));
                }
                // The syntax of tools may have control tokens.
                RegionKind::Reasoning | RegionKind::ToolCall | RegionKind::ToolResult => {
                    self.printed.extend(piece.message);
                }
                _ => {}
            }
            let Some(message) = piece.message.filter(|at| turns.get(*at).is_some_and(Option::is_some)) else {
                continue;
            };
            if turn != Some(message) {
                if is_trained {
                    self.ends.push(end_of(stop));
                }
                (turn, is_trained, stop) = (Some(message), false, None);
            }
            is_trained |= trained.next_in(range) > 0;
            match piece.kind {
                RegionKind::Closer if piece.end > 0 => stop = Some(piece.end - 1),
                RegionKind::Reasoning => self.reasoning.push(message),
                _ => {}
            }
        }
        if is_trained {
            self.ends.push(end_of(stop));
        }
    }

    pub(super) fn keep(&mut self, kept: &[Range<usize>]) {
        let runs = &self.runs;
        self.kept_length = kept.iter().map(Range::len).sum();
        self.kept_trained = kept.iter().map(|range| runs.within().next_in(range.clone())).sum();
        for TurnEnd { stop, is_trained } in &self.ends {
            match stop {
                None => self.stops.missing += 1,
                Some(_) if !is_trained => self.stops.masked += 1,
                Some(at) if !kept.iter().any(|range| range.contains(at)) => self.stops.cut += 1,
                Some(_) => self.stops.trained += 1,
            }
        }
        for range in kept {
            let mut trained = runs.within();
            let mut start = 0;
            for Piece { message, kind, end } in &self.pieces {
                let inside = range.start.max(start)..range.end.min(*end);
                start = *end;
                if inside.start < inside.end {
                    let (tokens, trained) = (inside.len(), trained.next_in(inside));
                    self.kept.push(KeptTokens { message: *message, kind: *kind, tokens, trained });
                }
            }
        }
    }
}

/// Sets the tokens of each region. A token span that crosses the end of a region belongs to the region of its first
/// byte.
fn set_pieces(regions: &Regions, spans: &[TokenSpan], pieces: &mut Vec<Piece>) {
    let regions = regions.as_slice();
    let (mut at, mut start) = (0, 0);
    for span in spans {
        // Tokens after the last region, which have no bytes, belong to it.
        while at + 1 < regions.len() && regions[at].end <= start {
            at += 1;
        }
        let Some(region) = regions.get(at) else { break };
        match pieces.last_mut() {
            Some(last) if last.message == region.message && last.kind == region.kind => last.end = span.tokens,
            _ => pieces.push(Piece { message: region.message, kind: region.kind, end: span.tokens }),
        }
        start = span.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::MASKED;

    fn regions() -> Regions {
        let mut regions = Regions::default();
        regions.push(4, Some(0), RegionKind::Content);
        regions.push(6, Some(1), RegionKind::Header);
        regions.push(10, Some(1), RegionKind::Content);
        regions.push(12, Some(1), RegionKind::Closer);
        regions
    }

    /// Six tokens of two bytes each; the last one is the stop token, and tokens from the fourth on are trained.
    fn figures(labels: &[i32], kept: &[Range<usize>]) -> SequenceFigures {
        let spans: Vec<TokenSpan> = (1..=6).map(|tokens| TokenSpan { tokens, end: tokens * 2 }).collect();
        let mut figures = SequenceFigures::default();
        figures.reset(12, labels);
        let whole = WholeSequence { ids: &[0, 1, 2, 3, 4, 99], spans: &spans };
        figures.set_regions(&regions(), &[None, Some(0)], &whole, |id| id == 99, |_| false);
        figures.keep(kept);
        figures
    }

    #[test]
    fn tokens_belong_to_the_region_in_which_they_begin() {
        let crossing =
            [TokenSpan { tokens: 1, end: 3 }, TokenSpan { tokens: 2, end: 5 }, TokenSpan { tokens: 5, end: 12 }];
        let mut found = Vec::new();
        set_pieces(&regions(), &crossing, &mut found);
        let found: Vec<_> = found.iter().map(|it| (it.message, it.kind, it.end)).collect();
        assert_eq!(found, [(Some(0), RegionKind::Content, 2), (Some(1), RegionKind::Header, 5)]);
    }

    #[test]
    fn the_stop_token_is_trained_masked_cut_or_missing() {
        let all = [MASKED, MASKED, MASKED, 3, 4, 99];
        let kept = figures(&all, &[0..6]);
        assert_eq!(kept.stops, StopCounts { trained: 1, ..StopCounts::default() });
        let tokens: Vec<_> = kept.kept.iter().map(|it| (it.tokens, it.trained)).collect();
        assert_eq!(tokens, [(2, 0), (1, 0), (2, 2), (1, 1)]);
        assert_eq!(figures(&all, &[0..5]).stops, StopCounts { cut: 1, ..StopCounts::default() });
        assert_eq!(figures(&all, &[0..5]).kept_trained, 2);
        let masked = [MASKED, MASKED, MASKED, 3, 4, MASKED];
        assert_eq!(figures(&masked, &[0..6]).stops, StopCounts { masked: 1, ..StopCounts::default() });
        assert_eq!(figures(&[MASKED; 6], &[0..6]).stops, StopCounts::default());
        let mut without = SequenceFigures::default();
        without.reset(12, &all);
        let spans: Vec<TokenSpan> = (1..=6).map(|tokens| TokenSpan { tokens, end: tokens * 2 }).collect();
        let whole = WholeSequence { ids: &[0; 6], spans: &spans };
        without.set_regions(&regions(), &[None, Some(0)], &whole, |_| false, |_| false);
        without.keep(&[0..6]);
        assert_eq!(without.stops, StopCounts { missing: 1, ..StopCounts::default() });
    }
}

//! `SequenceFigures`: the figures of one sequence, before and after it is cut.

use std::ops::Range;

use super::grid::limit_cells;
use super::sums::StopCounts;
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
pub(super) struct Piece {
    pub(super) message: Option<usize>,
    pub(super) kind: RegionKind,
    start: usize,
    end: usize,
    /// Number of trained tokens.
    pub(super) trained: usize,
}

impl Piece {
    /// Number of tokens.
    pub(super) fn tokens(&self) -> usize {
        self.end - self.start
    }
}

/// The end of a turn of the assistant that is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TurnEnd {
    /// The stop token; None if the turn does not end with one.
    stop: Option<usize>,
    is_trained: bool,
}

/// The figures of one sequence.
#[derive(Debug, Default)]
pub(super) struct SequenceFigures {
    /// The length of its text in bytes.
    pub(super) bytes: usize,
    /// The number of messages that it was made of.
    pub(super) messages: usize,
    /// Its number of tokens.
    pub(super) length: usize,
    /// Whether a part of it is kept.
    pub(super) is_kept: bool,
    /// Its trained tokens by [cell](super::limit_cells) of positions.
    pub(super) cells: Vec<u64>,
    /// Whether regions are known.
    pub(super) has_regions: bool,
    pub(super) kept_trained: usize,
    pub(super) kept_length: usize,
    pub(super) stops: StopCounts,
    /// For each message, whether the sequence has text of it, and whether it has a region of reasoning.
    pub(super) printed: Vec<PrintedMessage>,
    /// Whether a control token is in the text of a message.
    pub(super) has_control: bool,
    /// The tokens of the regions that are kept.
    pub(super) pieces: Vec<Piece>,
    runs: TrainedRuns,
    ends: Vec<TurnEnd>,
}

/// What a sequence has of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PrintedMessage {
    pub(super) text: bool,
    pub(super) reasoning: bool,
    /// Whether a token of it is trained, before the sequence is cut.
    pub(super) trained: bool,
}

impl SequenceFigures {
    /// Makes these the figures of another sequence. Labels are the same within each of `spans`, if there are any.
    pub(super) fn reset(&mut self, bytes: usize, messages: usize, labels: &[i32], spans: &[TokenSpan]) {
        (self.bytes, self.messages, self.is_kept) = (bytes, messages, false);
        self.length = labels.len();
        self.cells.clear();
        self.has_regions = false;
        (self.kept_trained, self.kept_length) = (0, 0);
        self.stops = StopCounts::default();
        self.printed.clear();
        self.has_control = false;
        self.pieces.clear();
        self.ends.clear();
        if spans.is_empty() {
            self.runs.set(labels);
        } else {
            self.runs.set_by_spans(labels, spans);
        }
        let mut trained = self.runs.within();
        limit_cells(|range| trained.next_in(range), labels.len(), &mut self.cells);
    }

    /// The trained tokens before the cut.
    pub(super) fn trained(&self) -> usize {
        self.runs.total()
    }

    /// Sets the regions. `turns` tells the turns of the assistant among the messages.
    pub(super) fn set_regions(
        &mut self,
        regions: &Regions,
        turns: &[Option<usize>],
        whole: &WholeSequence<'_>,
        is_added: impl Fn(u32) -> bool,
        has_control: impl Fn(&[u32]) -> bool,
    ) {
        self.has_regions = true;
        self.printed.resize(turns.len(), PrintedMessage::default());
        self.set_pieces(regions, whole.spans);
        let runs = &self.runs;
        let end_of = |stop: Option<usize>| TurnEnd {
            stop: stop.filter(|&at| is_added(whole.ids[at])),
            is_trained: stop.is_some_and(|at| runs.has(at)),
        };
        let (mut turn, mut is_trained, mut stop) = (None, false, None);
        for piece in &self.pieces {
            let Some(message) = piece.message.filter(|at| *at < turns.len()) else { continue };
            let printed = &mut self.printed[message];
            match piece.kind {
                RegionKind::Content => {
                    printed.text = true;
                    self.has_control = self.has_control || has_control(&whole.ids[piece.start..piece.end]);
                }
                // The syntax of tools may have control tokens.
                RegionKind::ToolCall | RegionKind::ToolResult => printed.text = true,
                RegionKind::Reasoning => (printed.text, printed.reasoning) = (true, true),
                _ => {}
            }
            printed.trained |= piece.trained > 0;
            if turns[message].is_none() {
                continue;
            }
            if turn != Some(message) {
                if is_trained {
                    self.ends.push(end_of(stop));
                }
                (turn, is_trained, stop) = (Some(message), false, None);
            }
            is_trained |= piece.trained > 0;
            if piece.kind == RegionKind::Closer && piece.end > 0 {
                stop = Some(piece.end - 1);
            }
        }
        if is_trained {
            self.ends.push(end_of(stop));
        }
    }

    /// Finds the tokens of each region. A token span that crosses the end of a region belongs to the region of its first
    /// byte.
    fn set_pieces(&mut self, regions: &Regions, spans: &[TokenSpan]) {
        let regions = regions.as_slice();
        let mut trained = self.runs.within();
        let (mut at, mut start, mut first) = (0, 0, 0);
        for span in spans {
            // Tokens after the last region, which have no bytes, belong to it.
            while at + 1 < regions.len() && regions[at].end <= start {
                at += 1;
            }
            let Some(region) = regions.get(at) else { break };
            let inside = trained.next_in(first..span.tokens);
            match self.pieces.last_mut() {
                Some(last) if last.message == region.message && last.kind == region.kind => {
                    last.end = span.tokens;
                    last.trained += inside;
                }
                _ => self.pieces.push(Piece {
                    message: region.message,
                    kind: region.kind,
                    start: first,
                    end: span.tokens,
                    trained: inside,
                }),
            }
            (start, first) = (span.end, span.tokens);
        }
    }

    /// Counts what is kept. Pieces of regions become those of the kept tokens.
    pub(super) fn keep(&mut self, kept: &[Range<usize>]) {
        let runs = &self.runs;
        self.is_kept = true;
        self.kept_length = kept.iter().map(Range::len).sum();
        for TurnEnd { stop, is_trained } in &self.ends {
            match stop {
                None => self.stops.missing += 1,
                Some(_) if !is_trained => self.stops.masked += 1,
                Some(at) if !kept.iter().any(|range| range.contains(at)) => self.stops.cut += 1,
                Some(_) => self.stops.trained += 1,
            }
        }
        if self.kept_length == self.length {
            self.kept_trained = runs.total();
            return;
        }
        self.kept_trained = kept.iter().map(|range| runs.within().next_in(range.clone())).sum();
        let whole = std::mem::take(&mut self.pieces);
        for range in kept {
            let mut trained = runs.within();
            for piece in &whole {
                let inside = range.start.max(piece.start)..range.end.min(piece.end);
                if inside.start < inside.end {
                    let Range { start, end } = inside;
                    self.pieces.push(Piece { start, end, trained: trained.next_in(inside), ..*piece });
                }
            }
        }
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
        figures.reset(12, 2, labels, &[]);
        let whole = WholeSequence { ids: &[0, 1, 2, 3, 4, 99], spans: &spans };
        figures.set_regions(&regions(), &[None, Some(0)], &whole, |id| id == 99, |_| false);
        figures.keep(kept);
        figures
    }

    #[test]
    fn tokens_belong_to_the_region_in_which_they_begin() {
        let crossing =
            [TokenSpan { tokens: 1, end: 3 }, TokenSpan { tokens: 2, end: 5 }, TokenSpan { tokens: 5, end: 12 }];
        let mut figures = SequenceFigures::default();
        figures.set_pieces(&regions(), &crossing);
        let found: Vec<_> = figures.pieces.iter().map(|it| (it.message, it.kind, it.end)).collect();
        assert_eq!(found, [(Some(0), RegionKind::Content, 2), (Some(1), RegionKind::Header, 5)]);
    }

    #[test]
    fn the_stop_token_is_trained_masked_cut_or_missing() {
        let all = [MASKED, MASKED, MASKED, 3, 4, 99];
        let kept = figures(&all, &[0..6]);
        assert_eq!(kept.stops, StopCounts { trained: 1, ..StopCounts::default() });
        let tokens: Vec<_> = kept.pieces.iter().map(|it| (it.tokens(), it.trained)).collect();
        assert_eq!(tokens, [(2, 0), (1, 0), (2, 2), (1, 1)]);
        assert_eq!(figures(&all, &[0..5]).stops, StopCounts { cut: 1, ..StopCounts::default() });
        assert_eq!(figures(&all, &[0..5]).kept_trained, 2);
        let masked = [MASKED, MASKED, MASKED, 3, 4, MASKED];
        assert_eq!(figures(&masked, &[0..6]).stops, StopCounts { masked: 1, ..StopCounts::default() });
        assert_eq!(figures(&[MASKED; 6], &[0..6]).stops, StopCounts::default());
        let mut without = SequenceFigures::default();
        without.reset(12, 2, &all, &[]);
        let spans: Vec<TokenSpan> = (1..=6).map(|tokens| TokenSpan { tokens, end: tokens * 2 }).collect();
        let whole = WholeSequence { ids: &[0; 6], spans: &spans };
        without.set_regions(&regions(), &[None, Some(0)], &whole, |_| false, |_| false);
        without.keep(&[0..6]);
        assert_eq!(without.stops, StopCounts { missing: 1, ..StopCounts::default() });
    }
}

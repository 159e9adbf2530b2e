//! Labels: (stretches of tokens, spans of the text to train) → one label a token.

use std::ops::Range;

use super::{Boundary, Span};
use crate::tokenizer::Stretch;

/// The label of a token that is not trained.
pub const MASKED: i32 = -100;

/// Appends a label for each token: its id where it is trained, else [`MASKED`]; and to `weights`, if they are wanted,
/// what it counts, 0 where it is not trained.
///
/// `spans` are what is trained of a text, `stretches` the tokens between their [edges](super::edges). A stretch with
/// bytes inside and outside, which is one token or several that share a character, goes by `boundary`. A token without
/// bytes of its own, such as the space that SentencePiece puts before a segment, goes with the byte that follows.
///
/// ```
/// use chatmill::label::{append, edges, Boundary, Span};
/// use chatmill::tokenizer::stretches;
///
/// let spans = [Span { range: 3..4, weight: 1.0 }];
/// let (mut found, mut labels) = (Vec::new(), Vec::new());
/// stretches("abcdef", &[2, 4, 6], &edges(&spans), &mut found);
/// append(&[5, 6, 7], &found, &spans, Boundary::Overlap, &mut labels, None);
/// assert_eq!(labels, [-100, 6, -100]);
/// ```
pub fn append(
    ids: &[u32],
    stretches: &[Stretch],
    spans: &[Span],
    boundary: Boundary,
    labels: &mut Vec<i32>,
    mut weights: Option<&mut Vec<f32>>,
) {
    labels.reserve(ids.len());
    let (mut first, mut start, mut next) = (0, 0, 0);
    for &Stretch { tokens, end } in stretches {
        // Stretches never go back, so spans that end before this one are done with.
        while spans.get(next).is_some_and(|span| span.range.end <= start) {
            next += 1;
        }
        let bytes = if end > start { start..end } else { start..start + 1 };
        let weight = weight_of(&bytes, &spans[next..], boundary);
        match weight > 0.0 {
            true => labels.extend(ids[first..tokens].iter().map(|&id| id as i32)),
            false => labels.resize(labels.len() + tokens - first, MASKED),
        }
        if let Some(weights) = weights.as_deref_mut() {
            weights.resize(weights.len() + tokens - first, weight);
        }
        (first, start) = (tokens, end);
    }
}

/// What a stretch of these bytes counts; `spans` are those that do not end before it.
fn weight_of(bytes: &Range<usize>, spans: &[Span], boundary: Boundary) -> f32 {
    let near = spans.iter().take_while(|span| span.range.start < bytes.end);
    match boundary {
        Boundary::Overlap | Boundary::Split => near.map(|span| span.weight).fold(0.0, f32::max),
        Boundary::First => near.take(1).find(|span| span.range.start <= bytes.start).map_or(0.0, |span| span.weight),
        Boundary::Contained => {
            let inside = |span: &Span| span.range.end.min(bytes.end) - span.range.start.max(bytes.start);
            let (covered, least) =
                near.fold((0, f32::INFINITY), |(bytes, least), span| (bytes + inside(span), least.min(span.weight)));
            if covered == bytes.len() { least } else { 0.0 }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::label::edges;
    use crate::tokenizer::stretches;

    fn append_all(
        text: &str,
        ids: &[u32],
        ends: &[u32],
        spans: &[Span],
        boundary: Boundary,
        labels: &mut Vec<i32>,
        weights: &mut Vec<f32>,
    ) {
        let mut found = Vec::new();
        stretches(text, ends, &edges(spans), &mut found);
        append(ids, &found, spans, boundary, labels, Some(weights));
    }

    fn spans(ranges: &[Range<usize>]) -> Vec<Span> {
        let spans = ranges.iter().filter(|range| !range.is_empty());
        spans.map(|range| Span { range: range.clone(), weight: 1.0 }).collect()
    }

    fn trained(text: &str, ends: &[u32], ranges: &[Range<usize>], boundary: Boundary) -> Vec<bool> {
        let ids: Vec<u32> = (0..ends.len() as u32).collect();
        let (mut labels, mut weights) = (Vec::new(), Vec::new());
        append_all(text, &ids, ends, &spans(ranges), boundary, &mut labels, &mut weights);
        let trained: Vec<bool> = labels.iter().map(|label| *label != MASKED).collect();
        assert_eq!(trained, weights.iter().map(|weight| *weight > 0.0).collect::<Vec<_>>());
        trained
    }

    fn labels(ends: &[u32], ranges: &[Range<usize>]) -> Vec<bool> {
        trained(&"x".repeat(200), ends, ranges, Boundary::Overlap)
    }

    #[test]
    fn a_token_that_shares_a_byte_is_trained() {
        assert_eq!(labels(&[2, 4, 6], &[1..3]), [true, true, false]);
        assert_eq!(labels(&[2, 4, 6], &[2..4]), [false, true, false]);
        assert_eq!(labels(&[2, 4, 6], &[]), [false; 3]);
        assert_eq!(labels(&[2, 4, 6], &[0..1, 5..6]), [true, false, true]);
    }

    #[test]
    fn the_boundary_rule_decides_for_tokens_across_an_edge() {
        let by = |boundary| trained("abcdef", &[2, 4, 6], &[1..5], boundary);
        assert_eq!(by(Boundary::Overlap), [true, true, true]);
        assert_eq!(by(Boundary::Contained), [false, true, false]);
        assert_eq!(by(Boundary::First), [false, true, true]);
    }

    #[test]
    fn the_pieces_of_a_character_go_together() {
        // The second token ends inside é, the third begins there and takes the letter after it along.
        for (boundary, expected) in [
            (Boundary::Overlap, [true, true, true, false]),
            (Boundary::Contained, [true, false, false, false]),
            (Boundary::First, [true, true, true, false]),
        ] {
            assert_eq!(trained("aébc", &[1, 2, 4, 5], &[0..3], boundary), expected, "{boundary:?}");
        }
    }

    #[test]
    fn a_token_without_bytes_goes_with_the_next_byte() {
        assert_eq!(labels(&[4, 4, 5], &[0..4]), [true, false, false]);
        assert_eq!(labels(&[4, 4, 5], &[4..5]), [false, true, true]);
        assert_eq!(labels(&[0, 3, 3], &[0..3]), [true, true, false]);
    }

    #[test]
    fn weights_come_out() {
        let spans = [Span { range: 0..2, weight: 0.5 }, Span { range: 2..4, weight: 2.0 }];
        let (mut labels, mut weights) = (Vec::new(), Vec::new());
        append_all("abcdef", &[7, 8, 9], &[1, 4, 6], &spans, Boundary::Overlap, &mut labels, &mut weights);
        assert_eq!((labels, weights), (vec![7, 8, -100], vec![0.5, 2.0, 0.0]));
        let mut weights = Vec::new();
        append_all("abcdef", &[7, 8, 9], &[1, 4, 6], &spans, Boundary::Contained, &mut Vec::new(), &mut weights);
        assert_eq!(weights, [0.5, 0.5, 0.0]);
    }

    proptest! {
        #[test]
        fn as_byte_by_byte(
            lengths in proptest::collection::vec(1u32..5, 1..40),
            cuts in proptest::collection::vec(0usize..160, 0..8),
        ) {
            let ends: Vec<u32> = lengths.iter().scan(0, |end, length| { *end += length; Some(*end) }).collect();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let ranges: Vec<Range<usize>> = cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).collect();
            let ranges: Vec<Range<usize>> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
            let inside = |byte: usize| ranges.iter().any(|range| range.contains(&byte));
            let text = "x".repeat(200);
            let mut start = 0;
            for (index, &end) in ends.iter().enumerate() {
                let bytes = start..end as usize;
                for (boundary, expected) in [
                    (Boundary::Overlap, bytes.clone().any(inside)),
                    (Boundary::Contained, bytes.clone().all(inside)),
                    (Boundary::First, inside(bytes.start)),
                ] {
                    prop_assert_eq!(trained(&text, &ends, &ranges, boundary)[index], expected);
                }
                start = end as usize;
            }
        }
    }
}
